//! Tests of the classifier as a whole.

use std::{path::Path, sync::Arc};

use super::*;
use crate::{
    analysis::random::Random,
    index::{Image, Segment},
    scan::ImageFile,
    similarity::{Metric, graph, sequential},
};

/// Pictures in sub-folders (or in none, where the name has no slash), with these embeddings.
fn index(pictures: &[(String, Vec<f32>)]) -> Index {
    let dim = pictures.first().map_or(2, |(_, embedding)| embedding.len());
    let image = |(name, _): &(String, Vec<f32>)| Image {
        file: ImageFile { path: format!("/p/{name}").into(), size: 1, modified: 0, changed: 0 },
        pixels: (1, 1),
        format: "PNG",
        face: None,
    };
    let rows: Vec<_> = pictures.iter().map(|(_, embedding)| embedding.clone()).collect();
    let mut index = Index::new(dim);
    index.push(Arc::new(Segment::pack(Arc::from(Path::new("/p")), pictures.iter().map(image), &rows, dim)));
    index
}

fn classified(index: &Index) -> Result<Classification, Unlearnable> {
    let graph = graph::build(index, Metric::Cosine, 16, &sequential, &|| false, &mut |_| {}).expect("not stopped");
    classify(index, &Labels::folders(index), &graph, 1, &sequential, &|| false, &mut |_| {})
}

/// `count` pictures of each of `labels` labels around axes of their own, at a distance of about `spread`.
fn clouds(labels: usize, count: usize, spread: f32) -> Vec<(String, Vec<f32>)> {
    let mut random = Random::new(3);
    let mut unit = || random.draw() as f32 / u64::MAX as f32 - 0.5;
    let mut pictures = Vec::new();
    for label in 0..labels {
        for number in 0..count {
            let embedding = (0..labels + 4).map(|axis| f32::from(u8::from(axis == label)) + spread * unit()).collect();
            pictures.push((format!("label{label}/{number:03}.png"), embedding));
        }
    }
    pictures
}

#[test]
fn labels_that_lie_apart_are_told_apart() {
    let found = classified(&index(&clouds(4, 20, 0.3))).expect("four labels");
    assert_eq!(found.names, ["label0", "label1", "label2", "label3"]);
    assert_eq!((found.probe_confusion.accuracy(), found.voted_confusion.accuracy()), (1.0, 1.0));
    assert!(found.suspects.is_empty() && found.predictions.is_empty() && found.alone.is_empty());
    assert!(found.labeled.iter().all(|picture| picture.probability > 0.5));
    for picture in &found.labeled {
        let sum: f32 = picture.guesses.iter().map(|guess| guess.1).sum();
        assert!((sum - 1.0).abs() < 1e-4, "four labels, all of them kept: {sum}");
    }
}

#[test]
fn pictures_in_a_wrong_folder_are_found() {
    let mut pictures = clouds(3, 30, 0.5);
    for (at, wrong) in [(4, "label2/wrong-a.png"), (40, "label0/wrong-b.png"), (70, "label1/wrong-c.png")] {
        pictures[at].0 = wrong.to_owned();
    }
    let index = index(&pictures);
    let found = classified(&index).expect("three labels");
    let name = |suspect: &Suspect| {
        let path = index.get(found.labeled[suspect.at].id).expect("there").relative().display().to_string();
        (path, found.names[suspect.looks_like].clone())
    };
    let mut suspects: Vec<_> = found.suspects.iter().map(name).collect();
    suspects.sort();
    let expected =
        [("label0/wrong-b.png", "label1"), ("label1/wrong-c.png", "label2"), ("label2/wrong-a.png", "label0")];
    assert_eq!(suspects, expected.map(|(path, label)| (path.to_owned(), label.to_owned())));
}

#[test]
fn pictures_without_a_label_are_predicted_and_single_ones_left_out() {
    let mut pictures = clouds(2, 10, 0.3);
    let like_the_second = pictures[15].1.clone();
    pictures.push(("unknown.png".into(), like_the_second));
    pictures.push(("between.png".into(), pictures[0].1.iter().zip(&pictures[15].1).map(|(a, b)| a + b).collect()));
    pictures.push(("lonely/only.png".into(), vec![1.0; 6]));
    let index = index(&pictures);
    let found = classified(&index).expect("two labels");
    assert_eq!(found.alone, ["lonely"]);
    let name = |id| index.get(id).expect("there").relative().display().to_string();
    let predictions: Vec<_> = found.predictions.iter().map(|found| (name(found.id), found.guesses.best())).collect();
    assert_eq!((predictions[0].0.as_str(), predictions[0].1.0), ("unknown.png", 1));
    assert!(predictions[0].1.1 > 0.9 && predictions[1].1.1 < predictions[0].1.1, "{predictions:?}");
}

#[test]
fn what_comes_out_does_not_depend_on_the_order_of_arrival() {
    let mut pictures = clouds(3, 12, 1.2);
    let there = classified(&index(&pictures)).expect("three labels");
    pictures.reverse();
    let back = classified(&index(&pictures)).expect("three labels");
    assert_eq!(there.probe_confusion, back.probe_confusion);
    assert_eq!(there.voted_confusion, back.voted_confusion);
    assert_eq!(there.strength, back.strength);
}

#[test]
fn what_cannot_be_learned_from_is_said() {
    #[track_caller]
    fn check(names: &[&str], expected: &Unlearnable) {
        let pictures: Vec<_> = names.iter().map(|name| ((*name).to_owned(), vec![1.0, 2.0])).collect();
        assert_eq!(classified(&index(&pictures)).err().as_ref(), Some(expected), "{names:?}");
    }
    check(&[], &Unlearnable::NoLabels);
    check(&["a.png", "b.png"], &Unlearnable::NoLabels);
    check(&["x/a.png", "x/b.png", "c.png"], &Unlearnable::OneLabel("x".into()));
    check(&["x/a.png", "y/b.png"], &Unlearnable::TooFewPictures);
    let many: Vec<_> = (0..=MOST_LABELS).flat_map(|label| [format!("{label}/a"), format!("{label}/b")]).collect();
    check(&many.iter().map(String::as_str).collect::<Vec<_>>(), &Unlearnable::TooManyLabels(MOST_LABELS + 1));
}

#[test]
fn equal_and_zero_embeddings_are_ordinary() {
    for embedding in [vec![1.0, 2.0], vec![0.0, 0.0]] {
        let pictures: Vec<_> =
            ["x/a", "x/b", "y/a", "y/b", "c"].iter().map(|name| ((*name).to_owned(), embedding.clone())).collect();
        let found = classified(&index(&pictures)).expect("two labels");
        assert!(found.labeled.iter().all(|picture| (picture.probability - 0.5).abs() < 0.26), "{:?}", found.labeled);
        assert!(found.suspects.len() <= 4);
    }
}

#[test]
fn it_stops_when_nobody_waits() {
    let index = index(&clouds(3, 10, 0.5));
    let graph = graph::build(&index, Metric::Cosine, 16, &sequential, &|| false, &mut |_| {}).expect("not stopped");
    let found = classify(&index, &Labels::folders(&index), &graph, 1, &sequential, &|| true, &mut |_| {});
    assert_eq!(found.err(), Some(Unlearnable::Superseded));
}

#[test]
fn the_minimum_is_that_of_scikit_learn() {
    // LogisticRegression(C=10, tol=1e-8, max_iter=10000) on the rows below, each divided by its length.
    let rows = [[3.0, 1.0], [2.0, 0.5], [1.0, 2.0], [0.5, 3.0], [-1.0, 1.5], [-2.0, 0.5], [2.0, 1.9]];
    let targets = [0, 0, 1, 1, 2, 2, 1];
    let pictures: Vec<_> = rows.iter().enumerate().map(|(at, row)| (format!("{at}"), row.to_vec())).collect();
    let index = index(&pictures);
    let rows = ProbeRows::of(&index, index.iter().map(|entry| entry.id));
    let lesson = Lesson { rows: &rows, targets: &targets, labels: 3 };
    let work = Work { executor: &sequential, superseded: &|| false };
    let probe = Probe::flat(3, 2).learn(&lesson, 10.0, work).expect("not stopped");
    let found = probe.predict(&rows, &sequential, |_, probabilities| probabilities.to_vec());
    let expected = include!("../../../tests/classifier/probabilities.in");
    for (row, expected) in found.iter().zip(expected) {
        for (value, expected) in row.iter().zip(expected) {
            assert!((value - expected).abs() < 2e-3, "{row:?} is not {expected:?}");
        }
    }
}
