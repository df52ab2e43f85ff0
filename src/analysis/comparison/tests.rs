//! Tests of the comparison of models.

use std::{path::Path, sync::Arc};

use super::*;
use crate::{
    analysis::random::Random,
    index::{Image, Segment},
    scan::ImageFile,
    similarity::{Metric, sequential},
};

/// An index of these embeddings, picture n at `/p/<label>/n`, where there are two labels, in rising or falling order.
fn index(embeddings: &[Vec<f32>], falling: bool) -> Index {
    let dim = embeddings.first().map_or(1, Vec::len);
    let mut numbers: Vec<usize> = (0..embeddings.len()).collect();
    if falling {
        numbers.reverse();
    }
    let image = |number: &usize| Image {
        file: ImageFile { path: format!("/p/{}/{number:03}", number % 2).into(), size: 1, modified: 0, changed: 0 },
        pixels: (1, 1),
        format: "PNG",
        face: None,
    };
    let rows: Vec<_> = numbers.iter().map(|number| embeddings[*number].clone()).collect();
    let mut index = Index::new(dim);
    index.push(Arc::new(Segment::pack(Arc::from(Path::new("/p")), numbers.iter().map(image), &rows, dim)));
    index
}

/// Values from −0.5 to 0.5 that half floats hold exactly.
fn noise(rows: usize, dim: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut random = Random::new(seed);
    let mut value = || random.below(1025) as f32 / 1024.0 - 0.5;
    (0..rows).map(|_| (0..dim).map(|_| value()).collect()).collect()
}

/// Embeddings in which pictures of a label share an axis, more or less.
fn folders(rows: usize, apart: f32) -> Vec<Vec<f32>> {
    let mut embeddings = noise(rows, 6, 9);
    embeddings.iter_mut().enumerate().for_each(|(at, row)| row[at % 2] += apart);
    embeddings
}

#[test]
fn pictures_are_paired_by_their_path() {
    let embeddings = noise(5, 3, 1);
    let (a, b) = (index(&embeddings, false), index(&embeddings[..4], true));
    let pairing = Pairing::by_path(&a, &b);
    assert_eq!(pairing.len(), 4);
    for (in_a, in_b) in &pairing.pairs {
        let path = |index: &Index, id| index.get(id).expect("there").path();
        assert_eq!(path(&a, *in_a), path(&b, *in_b));
    }
    assert_eq!(pairing.sample(2).pairs, [pairing.pairs[0], pairing.pairs[2]]);
    assert!(Pairing::by_path(&a, &Index::new(3)).is_empty() && Pairing::default().sample(9).is_empty());
}

#[test]
fn cka_is_the_reference_formula() {
    let (x, y) = (noise(300, 5, 1), noise(300, 8, 2));
    // The kernel form of the same paper, HSIC(K, L) / √(HSIC(K, K) HSIC(L, L)) with centered Gram matrices, in 64 bits.
    let gram = |rows: &[Vec<f32>]| -> Vec<Vec<f64>> {
        let n = rows.len();
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
        let raw: Vec<Vec<f64>> = rows.iter().map(|a| rows.iter().map(|b| dot(a, b)).collect()).collect();
        let means: Vec<f64> = raw.iter().map(|row| row.iter().sum::<f64>() / n as f64).collect();
        let mean = means.iter().sum::<f64>() / n as f64;
        (0..n).map(|i| (0..n).map(|j| raw[i][j] - means[i] - means[j] + mean).collect()).collect()
    };
    let inner = |a: &[Vec<f64>], b: &[Vec<f64>]| -> f64 {
        a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| a * b).sum()
    };
    let (k, l) = (gram(&x), gram(&y));
    let expected = inner(&k, &l) / (inner(&k, &k) * inner(&l, &l)).sqrt();
    let (a, b) = (index(&x, false), index(&y, true));
    let pairing = Pairing::by_path(&a, &b);
    let found = cka(&a, &b, &pairing, &sequential, &|| false).expect("not stopped");
    assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
    let same = cka(&a, &a, &Pairing::by_path(&a, &a), &sequential, &|| false).expect("not stopped");
    assert!((same - 1.0).abs() < 1e-6);
    assert_eq!(cka(&a, &b, &pairing, &sequential, &|| true), None);
}

#[test]
fn models_agree_with_themselves_and_disagree_on_a_picture_that_moved() {
    let embeddings = noise(40, 6, 4);
    let mut moved = embeddings.clone();
    moved[7] = moved[7].iter().map(|value| -value).collect();
    let (a, b) = (index(&embeddings, false), index(&moved, true));
    let agree = |a: &Index, b: &Index| {
        let pairing = Pairing::by_path(a, b);
        agreement((a, b), &pairing, &pairing, Metric::Cosine, &sequential, &|| false, &mut |_| {}).expect("not stopped")
    };
    for same in agree(&a, &a) {
        assert!(same.overlap == 1.0 && (same.rank_correlation - 1.0).abs() < 1e-9);
    }
    let found = agree(&a, &b);
    assert_eq!(found[0].id, ImageId(7), "{:?}", found[0]);
    assert!(found[0].overlap < 0.3 && found[0].rank_correlation < -0.9 && found[39].overlap > 0.8);
}

#[test]
fn the_verdict_tells_a_better_model_from_an_equal_one() {
    let judge = |a: &Index, b: &Index| {
        let pairing = Pairing::by_path(a, b);
        verdict((a, b), (&pairing, &pairing), Metric::Cosine, 1, &sequential, &|| false, &mut |_| {})
    };
    let (good, bad) = (index(&folders(60, 1.5), false), index(&noise(60, 6, 9), true));
    let found = judge(&bad, &good).expect("two folders");
    assert_eq!(found.queries, 60);
    for of in &found.differences {
        assert!(of.values[1] > of.values[0] && of.is_more_than_chance(), "{of:?}");
        for (value, [low, high]) in of.values.into_iter().zip(of.intervals) {
            assert!(low <= value && value <= high, "{of:?}");
        }
    }
    assert!(found.sentence("bad", "good").starts_with("good keeps the folders apart better than bad: mAP "));
    let equal = judge(&good, &good).expect("two folders");
    assert!(equal.differences.iter().all(|of| !of.is_more_than_chance() && of.difference == [0.0, 0.0]));
    assert!(equal.sentence("one", "other").contains("about equally well"));
    // The same numbers as the table of `evaluate`.
    let evaluated = crate::analysis::separation::evaluate(&good, None, &Default::default(), &mut |_| {}).expect("done");
    let of = evaluated.scores[0];
    let scores = [of.recall_at_1, of.precision_at_5, of.mean_average_precision, of.knn_accuracy];
    for (of, expected) in equal.differences.iter().zip(scores) {
        assert!((of.values[0] - expected).abs() < 1e-9, "{of:?}");
    }
}

#[test]
fn few_and_equal_pictures_are_ordinary() {
    for count in 0..4 {
        let a = index(&vec![vec![1.0, 1.0]; count], false);
        let pairing = Pairing::by_path(&a, &a);
        assert!(cka(&a, &a, &pairing, &sequential, &|| false).expect("not stopped").is_nan());
        let found = agreement((&a, &a), &pairing, &pairing, Metric::Cosine, &sequential, &|| false, &mut |_| {});
        assert_eq!(found.expect("not stopped").len(), count);
        let judged = verdict((&a, &a), (&pairing, &pairing), Metric::Cosine, 1, &sequential, &|| false, &mut |_| {});
        assert_eq!(judged.is_some(), count == 3, "one folder with two pictures, and another picture");
    }
}
