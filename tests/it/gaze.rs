//! The model that every clone carries: it answers as its training code does in every precision and as it is stored, and
//! it tells the sample pictures' groups apart. `gaze/make_expected.py` made the expected values.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use lookalike::{
    analysis::separation::evaluate,
    cancel::CancelToken,
    embed::{self, Device, Folders, Model, ModelChoice},
    index::{norm, storage_scale},
    pipeline::{self, Cache, Request},
    scan,
    similarity::Metric,
};

fn checkout(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

/// What somebody has who has the checkout and nothing else.
fn checkout_only() -> Folders {
    Folders { checkouts: vec![checkout("models")], ..Folders::default() }
}

fn gaze() -> Model {
    let choice = ModelChoice { name: Some("gaze".into()), ..ModelChoice::default() };
    embed::choose_in(&choice, &checkout_only()).unwrap()
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn a_clone_has_it_by_default_and_its_sum_is_the_manifests() {
    use sha2::{Digest, Sha256};
    let model = embed::choose_in(&ModelChoice::default(), &checkout_only()).unwrap();
    assert_eq!(model.manifest.name, "gaze");
    let bytes = std::fs::read(model.weights.unwrap()).unwrap();
    let sum: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(Some(sum), model.manifest.weights.unwrap().sha256);
    assert!(bytes.len() <= 24_000_000, "{} bytes", bytes.len());
}

#[test]
fn it_answers_as_the_training_code_does() {
    let expected: BTreeMap<String, Vec<f32>> = serde_json::from_str(include_str!("../gaze/expected.json")).unwrap();
    let model = gaze();
    for exact in [true, false] {
        let choice = ModelChoice { exact, device: Device::Cpu, ..ModelChoice::default() };
        let mut embedder = embed::load(&model, &choice).unwrap();
        for (name, expected) in &expected {
            let path = checkout("sample_images").join(name);
            let embedding = pipeline::find_in(&path, embedder.as_mut(), exact).unwrap().remove(0).embedding;
            let likeness = cosine(&embedding, expected);
            assert!(likeness >= 0.999, "{name}, exact {exact}: {likeness}");
            let longer = length(&embedding) / length(expected);
            assert!((longer - 1.0).abs() < 0.01, "{name}, exact {exact}: {longer} times as long");
            assert!(cosine(&embedding, &stored(&embedding)) >= 0.999_99, "{name} as stored");
        }
    }
}

fn length(row: &[f32]) -> f32 {
    row.iter().map(|value| value * value).sum::<f32>().sqrt()
}

/// What the index keeps of an embedding.
fn stored(embedding: &[f32]) -> Vec<f32> {
    let scale = storage_scale(embedding);
    let halves: Vec<_> = embedding.iter().map(|value| half::f16::from_f32(value / scale)).collect();
    assert!((norm(&halves, scale) - length(embedding)).abs() <= 1e-3 * length(embedding));
    halves.iter().map(|value| value.to_f32() * scale).collect()
}

#[test]
fn the_sample_pictures_groups_are_told_apart_in_both_metrics() {
    let model = gaze();
    let request = Request {
        roots: vec![checkout("sample_images")],
        scan: scan::Options::default(),
        model: ModelChoice {
            name: Some(model.manifest.name),
            weights: model.weights,
            device: Device::Cpu,
            ..ModelChoice::default()
        },
        cache: Cache::Off,
    };
    let outcome = pipeline::run(&request, &CancelToken::default(), &mut |_| {}).unwrap();
    let found = evaluate(&outcome.index, None, &CancelToken::default(), &mut |_| {}).unwrap();
    for scores in found.scores {
        let name = scores.metric.name();
        assert!(scores.recall_at_1 >= 0.95, "{name}: recall@1 {}", scores.recall_at_1);
        assert!(scores.roc_auc >= 0.93, "{name}: ROC AUC {}", scores.roc_auc);
        let nearer = match scores.metric {
            Metric::Cosine => scores.mean_same > scores.mean_other,
            Metric::Euclidean => scores.mean_same < scores.mean_other,
        };
        assert!(nearer, "{name}: {} in groups, {} between", scores.mean_same, scores.mean_other);
    }
}
