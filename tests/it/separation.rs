//! The scores of `lookalike evaluate` equal those that numpy and scikit-learn give (`tests/separation/check.py`).

use std::{fs, path::Path, sync::Arc};

use assert_cmd::Command;
use image::{Rgb, RgbImage};
use lookalike::{
    analysis::separation::{Evaluation, evaluate},
    cancel::CancelToken,
    index::{Image, Index, Segment},
    scan::ImageFile,
    similarity::Metric,
};
use tempfile::TempDir;

/// An index of pictures in these sub-folders ("" is the folder itself).
fn index(groups: &[&str], embeddings: &[Vec<f32>]) -> Index {
    let mut index = Index::new(embeddings.first().map_or(1, Vec::len));
    let image = |(at, group): (usize, &&str)| Image {
        file: ImageFile {
            path: Path::new("/p").join(group).join(format!("{at}.png")),
            size: 1,
            modified: 0,
            changed: 0,
        },
        pixels: (1, 1),
        format: "PNG",
        face: None,
    };
    let images = groups.iter().enumerate().map(image);
    index.push(Arc::new(Segment::pack(Path::new("/p").into(), images, embeddings, index.dim())));
    index
}

fn evaluated(groups: &[&str], embeddings: &[Vec<f32>]) -> Evaluation {
    evaluate(&index(groups, embeddings), Some(0.9), &CancelToken::default(), &mut |_| {}).expect("nobody cancels")
}

/// The embeddings and groups of `check.py --formula`.
fn formula() -> (Vec<&'static str>, Vec<Vec<f32>>) {
    let value = |i: usize, j: usize| {
        let wave = (12.9898 * i as f64 + 78.233 * j as f64 + (i * j) as f64).sin() * 2.0;
        (wave + if j == i % 4 && i < 24 { 2.0 } else { 0.0 }) as f32
    };
    let groups = (0..26).map(|i| if i < 24 { ["a", "b", "c", "d"][i % 4] } else { "" }).collect();
    (groups, (0..26).map(|i| (0..6).map(|j| value(i, j)).collect()).collect())
}

#[test]
fn scores_equal_those_of_scikit_learn() {
    let (groups, embeddings) = formula();
    let found = evaluated(&groups, &embeddings);
    assert_eq!((found.images, found.groups, found.queries), (26, 4, 24));
    let expected = [
        [0.333333, 0.341667, 0.404816, 0.5, 0.179643, -0.011554, -0.163406, 0.64566],
        [0.25, 0.308333, 0.367327, 0.375, 5.02194, 5.542209, -0.111471, 0.618113],
    ];
    for (scores, expected) in found.scores.iter().zip(expected) {
        let scores = [
            scores.recall_at_1,
            scores.precision_at_5,
            scores.mean_average_precision,
            scores.knn_accuracy,
            scores.mean_same,
            scores.mean_other,
            scores.silhouette,
            scores.roc_auc,
        ];
        for (place, (found, expected)) in scores.iter().zip(expected).enumerate() {
            assert!((found - expected).abs() < 1e-4, "score {place}: {found} for {expected}");
        }
    }
}

#[test]
fn groups_far_apart_score_perfectly() {
    let embeddings: Vec<Vec<f32>> =
        (0..8).map(|i| if i < 4 { vec![9.0, i as f32 * 0.1] } else { vec![i as f32 * 0.1, 9.0] }).collect();
    let found = evaluated(&["a", "a", "a", "a", "b", "b", "b", "b"], &embeddings);
    for scores in found.scores {
        assert_eq!((scores.recall_at_1, scores.mean_average_precision, scores.roc_auc), (1.0, 1.0, 1.0));
        assert_eq!((scores.knn_accuracy, scores.precision_at_5), (1.0, 0.6));
        assert!(scores.silhouette > 0.9, "{scores:?}");
    }
}

#[test]
fn collections_without_groups_have_no_scores_and_do_not_panic() {
    for groups in [&[][..], &["a"], &["", ""], &["a", "b", "c"]] {
        let found = evaluated(groups, &vec![vec![1.0, 2.0]; groups.len()]);
        assert_eq!((found.images, found.groups, found.queries), (groups.len(), 0, 0));
        assert!(found.scores.iter().all(|scores| scores.recall_at_1.is_nan() && scores.silhouette.is_nan()));
    }
    // Equal pictures: everything ties, so same and other pairs win equally often.
    let found = evaluated(&["a", "a", "b", "b"], &vec![vec![1.0, 2.0]; 4]);
    assert_eq!((found.scores[0].roc_auc, found.scores[1].silhouette), (0.5, 0.0));
}

#[test]
fn a_threshold_finds_pairs_and_says_how_many_of_them_are_right() {
    let embeddings = [[1.0, 0.0], [1.0, 0.1], [1.0, 0.2], [0.0, 1.0]].map(|row| row.to_vec());
    let found = evaluated(&["a", "a", "b", "b"], &embeddings).near_duplicates.expect("a threshold was given");
    // Three pairs lie above 0.9, one of them in a group; of the two pairs in groups it finds that one.
    assert_eq!((found.precision, found.recall), (1.0 / 3.0, 0.5));
}

#[test]
fn a_cancelled_evaluation_ends() {
    let cancel = CancelToken::default();
    cancel.cancel();
    let (groups, embeddings) = formula();
    assert!(evaluate(&index(&groups, &embeddings), None, &cancel, &mut |_| {}).is_err());
}

#[test]
fn the_command_prints_a_table_or_json_and_explains_what_it_needs() {
    let folder = TempDir::new().expect("a temporary folder");
    for (at, name) in ["warm/1.png", "warm/2.png", "cold/1.png", "cold/2.png"].iter().enumerate() {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
        let shade = at as u8 * 10;
        let color = if at < 2 { [250, shade, 0] } else { [0, shade, 250] };
        RgbImage::from_pixel(32, 32, Rgb(color)).save(path).expect("a picture");
    }
    let run = |folder: &Path, more: &[&str]| {
        let mut command = Command::cargo_bin("lookalike").expect("the binary was built");
        command.arg("evaluate").arg(folder).args(["--model", "color-grid", "--no-cache"]).args(more).assert()
    };
    let output = run(folder.path(), &["--json"]).code(0).get_output().stdout.clone();
    let json: serde_json::Value = serde_json::from_slice(&output).expect("JSON");
    let model = &json["models"][0];
    assert_eq!((&json["schema_version"], &model["model"]), (&1.into(), &"color-grid".into()));
    assert_eq!((&model["images"], &model["groups"], &model["queries"]), (&4.into(), &2.into(), &4.into()));
    let metrics: Vec<_> = model["scores"].as_array().expect("scores").iter().map(|scores| &scores["metric"]).collect();
    assert_eq!(metrics, [Metric::Cosine.name(), Metric::Euclidean.name()]);
    assert!(model["scores"].as_array().expect("scores").iter().all(|scores| scores["recall_at_1"] == 1.0));
    assert!(model["near_duplicates"].is_null(), "the baseline has no threshold");
    let output = run(folder.path(), &["--json", "--threshold", "0.9"]).code(0).get_output().stdout.clone();
    let json: serde_json::Value = serde_json::from_slice(&output).expect("JSON");
    assert_eq!(json["models"][0]["near_duplicates"]["recall"], 1.0);
    run(folder.path(), &["--threshold", "1.5"]).code(2);
    let table = String::from_utf8(run(folder.path(), &[]).code(0).get_output().stdout.clone()).expect("text");
    assert!(table.contains("recall@1") && table.contains("baseline"), "{table}");
    let said = run(&folder.path().join("warm"), &[]).code(2).get_output().stderr.clone();
    assert!(String::from_utf8_lossy(&said).contains("sub-folders"));
}
