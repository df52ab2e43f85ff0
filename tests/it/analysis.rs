//! Groups and outliers are those of scikit-learn on the same rows, and few, equal and odd pictures are ordinary.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use lookalike::{
    analysis::{
        clusters::{Clustering, Cut, Density, GroupName, Method, Sought},
        outliers::{FLAGGED, Measure, Outlier, Outliers, Scope},
        random::Random,
    },
    index::{Image, ImageId, Index, Segment, labels::Labels},
    scan::ImageFile,
    similarity::{Graph, Metric, graph, sequential},
};
use serde_json::Value;

const ROWS: usize = 90;
const DIM: usize = 16;
const KINDS: usize = 4;
const NEIGHBORS: usize = 6;

/// The rows of `tests/analysis/make_expected.py`.
fn rows() -> Vec<Vec<f32>> {
    let value = |i: usize, j: usize| {
        let (row, column) = (i as f64, j as f64);
        let own = (12.9898 * row + 78.233 * column + 0.7 * row * column).sin() * (0.4 + 0.3 * (i % KINDS) as f64);
        let kind = if j % KINDS == i % KINDS && !i.is_multiple_of(15) { 3.0 } else { 0.0 };
        (own + kind) as f32
    };
    (0..ROWS).map(|i| (0..DIM).map(|j| value(i, j)).collect()).collect()
}

/// An index of rows, each in a folder; no folder is the root. Ids are the places of the rows, and the paths in their order.
fn index(rows: &[Vec<f32>], dim: usize, folder: impl Fn(usize) -> String) -> Index {
    let image = |at: usize| Image {
        file: ImageFile {
            path: Path::new("/p").join(folder(at)).join(format!("{at:04}.png")),
            size: 1,
            modified: 0,
            changed: 0,
        },
        pixels: (1, 1),
        format: "PNG",
        face: None,
    };
    let mut index = Index::new(dim);
    index.push(Arc::new(Segment::pack(Path::new("/p").into(), (0..rows.len()).map(image), rows, dim)));
    index
}

fn made_up() -> Index {
    index(&rows(), DIM, |at| format!("kind {}", at % KINDS))
}

fn neighbors(index: &Index) -> Arc<Graph> {
    Arc::new(graph::build(index, Metric::Cosine, 16, &sequential, &|| false, &mut |_| ()).expect("nobody stops it"))
}

fn groups(index: &Index, method: Method) -> Clustering {
    let graph = (method.neighbors() > 0).then(|| neighbors(index));
    let folders = Labels::folders(index);
    Clustering::find(index, &folders, Sought { method, graph, seed: 0 }, &sequential, &|| false, &mut |_| ())
        .expect("nobody stops it")
}

fn outliers(index: &Index, k: usize) -> Outliers {
    let (graph, folders) = (neighbors(index), Labels::folders(index));
    Outliers::find(index, &folders, graph, k, &sequential, &|| false, &mut |_| ()).expect("nobody stops it")
}

fn expected() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/analysis/expected.json");
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn numbers(of: &Value) -> Vec<f64> {
    of.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

/// Each row's group as the first row that is in it, so that numbering makes no difference; −1 for noise.
fn firsts(groups: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut first = BTreeMap::new();
    groups
        .enumerate()
        .map(|(row, group)| if group < 0 { -1 } else { *first.entry(group).or_insert(row as i64) })
        .collect()
}

#[track_caller]
fn check_groups(found: &Clustering, expected: &Value) {
    let labels = found.labels(Vec::new());
    let own = firsts((0..ROWS as u32).map(|row| labels.of(ImageId(row)).map_or(-1, |number| number as i64)));
    assert_eq!(own, firsts(numbers(expected).into_iter().map(|number| number as i64)));
}

#[test]
fn dense_groups_and_cuts_of_the_tree_are_those_of_scikit_learn() {
    let (index, expected) = (made_up(), expected());
    let dense = groups(&index, Method::Hdbscan(Density { min_size: 5, min_samples: 2 }));
    check_groups(&dense, &expected["hdbscan"]);
    let agreement = dense.agreement.expect("there are folders");
    assert!((agreement.adjusted_rand - expected["adjusted_rand"].as_f64().unwrap()).abs() < 1e-9, "{agreement:?}");
    let information = expected["normalized_mutual_information"].as_f64().unwrap();
    assert!((agreement.mutual_information - information).abs() < 1e-9, "{agreement:?}");
    let tree = groups(&index, Method::Dendrogram(Cut::Count(6)));
    check_groups(&tree, &expected["dendrogram"]);
    let silhouette = tree.silhouette.expect("there are six");
    assert!((silhouette - expected["silhouette"].as_f64().unwrap()).abs() < 1e-5, "{silhouette}");
    // Where the last merge of that cut is, a cut at a height is the same.
    let least = tree.clusters.len();
    let at_height = (0..200).map(|step| groups(&index, Method::Dendrogram(Cut::Height(1.0 - step as f32 / 100.0))));
    let same = at_height.into_iter().find(|found| found.clusters.len() == least).expect("some height has six");
    check_groups(&same, &expected["dendrogram"]);
}

#[test]
fn both_scores_of_outliers_are_those_of_scikit_learn() {
    let (index, expected) = (made_up(), expected());
    let found = outliers(&index, NEIGHBORS);
    for (measure, name) in [(Measure::Distance, "distance"), (Measure::Factor, "lof")] {
        assert_eq!(found.ranked(Scope::All, measure).len(), ROWS);
        for (row, expected) in numbers(&expected[name]).into_iter().enumerate() {
            let outlier = found.get(Scope::All, measure, ImageId(row as u32)).expect("it has a score");
            let score = if measure == Measure::Distance { outlier.distance } else { outlier.factor };
            assert!((f64::from(score) - expected).abs() < 1e-4, "{name} of {row}: {score} for {expected}");
        }
    }
}

#[test]
fn a_kind_is_a_group_and_a_stranger_an_outlier() {
    let index = made_up();
    // By silhouette what is between the kinds is in groups of its own: so says scikit-learn, of fifty draws a count.
    for (method, between) in [(Method::KMeans(Some(KINDS)), 0), (Method::KMeans(None), 3)] {
        let found = groups(&index, method);
        assert_eq!(found.clusters.len(), KINDS + between, "{method:?}");
        assert!(found.clusters[KINDS..].iter().all(|cluster| cluster.members.len() == 2));
        assert!(found.noise.is_empty());
        for cluster in &found.clusters[..KINDS] {
            let (_, purity) = cluster.folder.expect("all are in folders");
            assert!(purity > 0.85, "{cluster:?}");
            let cosines: Vec<f32> = cluster.members.iter().map(|member| member.1).collect();
            assert!(cosines.is_sorted_by(|a, b| a >= b), "the most typical comes first");
            assert!((cluster.cohesion - cosines.iter().sum::<f32>() / cosines.len() as f32).abs() < 1e-6);
        }
        let sizes: Vec<usize> = found.clusters.iter().map(|cluster| cluster.members.len()).collect();
        assert!(sizes.is_sorted_by(|a, b| a >= b) && sizes.iter().sum::<usize>() == ROWS, "{sizes:?}");
    }
    // The first of every fifteen rows belongs to no kind.
    let found = outliers(&index, 16);
    let ranked = found.ranked(Scope::All, Measure::Distance);
    assert!(ranked[..ROWS / 15].iter().all(|outlier| outlier.id.0.is_multiple_of(15)), "{ranked:?}");
    assert!(found.has_folders());
    for outlier in found.ranked(Scope::Folder, Measure::Distance) {
        let strange = outlier.id.0.is_multiple_of(15);
        assert!(!strange || outlier.deviation > 1.0, "{outlier:?}");
    }
}

#[test]
fn a_picture_in_the_wrong_folder_is_said_to_look_like_the_right_one() {
    let strays = [21, 42];
    let index = index(&rows(), DIM, |at| format!("kind {}", if strays.contains(&at) { 3 } else { at % KINDS }));
    let (found, folders) = (outliers(&index, 16), Labels::folders(&index));
    let mut misplaced: Vec<_> =
        found.misplaced.iter().map(|found| (found.id.at(), folders.name(found.looks_like).to_owned())).collect();
    misplaced.sort();
    // 21 and 42 are of the kinds 1 and 2; what is between the kinds may look like any.
    misplaced.retain(|(row, _)| !row.is_multiple_of(15));
    assert_eq!(misplaced, [(21, "kind 1".to_owned()), (42, "kind 2".to_owned())]);
    let flagged = found.ranked(Scope::Folder, Measure::Distance);
    assert!(flagged.iter().take(2).all(|outlier| outlier.is_flagged() == (outlier.deviation > FLAGGED)));
}

#[test]
fn few_equal_and_odd_pictures_are_ordinary() {
    let methods = [
        Method::Hdbscan(Density::default()),
        Method::Hdbscan(Density { min_size: 2, min_samples: 1 }),
        Method::Hdbscan(Density { min_size: 2, min_samples: 40 }),
        Method::KMeans(None),
        Method::KMeans(Some(7)),
        Method::Dendrogram(Cut::Silhouette),
        Method::Dendrogram(Cut::Count(3)),
        Method::Dendrogram(Cut::Height(0.9)),
    ];
    fn unlike(at: usize) -> Vec<f32> {
        vec![1.0, at as f32, (at * at) as f32]
    }
    type Row = fn(usize) -> Vec<f32>;
    let kinds: [(&str, Row); 4] = [
        ("equal", |_| vec![0.3, 1.0, 2.0]),
        ("zero", |_| vec![0.0; 3]),
        ("some zero", |at| if at % 3 == 0 { vec![0.0; 3] } else { unlike(at) }),
        ("unlike", unlike),
    ];
    for (kind, row) in kinds {
        for len in [0, 1, 2, 3, 12, 40] {
            let rows: Vec<_> = (0..len).map(row).collect();
            for folders in [1, 2] {
                let index =
                    index(&rows, 3, |at| if folders == 1 { String::new() } else { format!("f{}", at % folders) });
                for method in methods {
                    let found = groups(&index, method);
                    let grouped: usize = found.clusters.iter().map(|cluster| cluster.members.len()).sum();
                    assert_eq!(grouped + found.noise.len(), len, "{len} {kind} by {method:?}");
                    assert!(
                        found.clusters.iter().all(|cluster| (-1.0..=1.001).contains(&cluster.cohesion)),
                        "{found:?}"
                    );
                    let enough = !matches!(method, Method::Hdbscan(density) if len < density.min_size);
                    if kind == "equal" && len > 0 && enough && !matches!(method, Method::Dendrogram(Cut::Count(_))) {
                        assert_eq!(found.clusters.len(), 1, "copies are one group: {len} by {method:?}");
                    }
                }
                let found = outliers(&index, 16);
                for (scope, measure) in
                    [Scope::All, Scope::Folder].into_iter().zip([Measure::Distance, Measure::Factor])
                {
                    let ranked = found.ranked(scope, measure);
                    assert!(
                        ranked.iter().all(|outlier| outlier.distance.is_finite() && outlier.factor.is_finite()),
                        "{ranked:?}"
                    );
                    assert!(kind != "equal" || !ranked.iter().any(Outlier::is_flagged), "{ranked:?}");
                }
                assert_eq!(found.has_folders(), folders == 2 && len > 1);
            }
        }
    }
}

#[test]
fn many_pictures_are_grouped_by_their_nearest_as_few_are_by_all() {
    let mut random = Random::new(3);
    let centers: Vec<Vec<f32>> = (0..30).map(|_| (0..24).map(|_| 0.5 * random.around_zero()).collect()).collect();
    let rows: Vec<Vec<f32>> = (0..4500)
        .map(|at| centers[at % 30].iter().map(|value| value + 0.05 * random.around_zero()).collect())
        .collect();
    let index = index(&rows, 24, |at| format!("{:02}", at % 30));
    for method in [Method::Hdbscan(Density::default()), Method::KMeans(None), Method::Dendrogram(Cut::Silhouette)] {
        let found = groups(&index, method);
        let agreement = found.agreement.expect("there are folders").adjusted_rand;
        assert!(agreement > 0.99, "{method:?}: {agreement} with {} groups", found.clusters.len());
    }
}

#[test]
fn names_follow_their_groups_into_another_run() {
    let index = made_up();
    let found = groups(&index, Method::KMeans(Some(KINDS)));
    let names = [GroupName::new("stripes".into(), &found.clusters[2])];
    let again = groups(&index, Method::Dendrogram(Cut::Count(KINDS)));
    let of = |found: &Clustering| {
        let named = GroupName::of_clusters(&found.clusters, &names);
        let number = named.iter().position(Option::is_some).expect("it is known again");
        assert_eq!(named.iter().flatten().count(), 1);
        found.clusters[number].folder.expect("a folder").0
    };
    assert_eq!(of(&found), of(&again));
}
