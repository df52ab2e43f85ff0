//! How far two models agree on which pictures are alike, picture by picture.

use std::collections::HashSet;

use super::Pairing;
use crate::{
    index::{ImageId, Index},
    similarity::{Executor, Metric, Query, compare, map_parallel},
};

/// Nearest neighbors of a picture whose overlap is counted.
pub const NEIGHBORS: usize = 10;

/// Others whose similarities are ranked, about.
const RANKED: usize = 2_000;

/// What two models make of one picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PictureAgreement {
    /// The picture, in the first index.
    pub id: ImageId,
    /// The share of its nearest [`NEIGHBORS`] that both models find.
    pub overlap: f64,
    /// Spearman's rank correlation of the similarities to all other pictures, −1 to 1; NaN where all are equal.
    pub rank_correlation: f64,
}

/// Compares each picture of `asked` with all others of `pairing`, once by each model. Those on which the models disagree
/// most come first. `progress` gets the share done; `None` when superseded.
#[must_use]
pub fn agreement(
    (a, b): (&Index, &Index),
    pairing: &Pairing,
    asked: &Pairing,
    metric: Metric,
    executor: Executor<'_>,
    superseded: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(f64),
) -> Option<Vec<PictureAgreement>> {
    let mut found = Vec::with_capacity(asked.len());
    for pairs in asked.pairs.chunks(64) {
        if superseded() {
            return None;
        }
        found.extend(map_parallel(executor, pairs.iter(), |pair| one((a, b), pairing, *pair, metric)));
        progress(found.len() as f64 / asked.len() as f64);
    }
    found.sort_by(|x, y| {
        let key =
            |of: &PictureAgreement| (of.overlap, if of.rank_correlation.is_nan() { 1.0 } else { of.rank_correlation });
        let (x, y) = (key(x), key(y));
        x.0.total_cmp(&y.0).then(x.1.total_cmp(&y.1))
    });
    Some(found)
}

fn one(
    (a, b): (&Index, &Index),
    pairing: &Pairing,
    (in_a, in_b): (ImageId, ImageId),
    metric: Metric,
) -> PictureAgreement {
    let (by_a, by_b) = (compare(a, &Query::Image(in_a)), compare(b, &Query::Image(in_b)));
    let others = || pairing.pairs.iter().filter(|pair| pair.0 != in_a);
    let of_a: Vec<f32> = others().map(|pair| by_a.value(metric, pair.0)).collect();
    let of_b: Vec<f32> = others().map(|pair| by_b.value(metric, pair.1)).collect();
    let first = |values: &[f32]| -> HashSet<usize> {
        let mut places: Vec<usize> = (0..values.len()).collect();
        let k = NEIGHBORS.min(places.len());
        let nearer = |a: &usize, b: &usize| metric.nearer(values[*a], values[*b]).then(a.cmp(b));
        if k < places.len() {
            places.select_nth_unstable_by(k, nearer);
        }
        places.into_iter().take(k).collect()
    };
    let (near_a, near_b) = (first(&of_a), first(&of_b));
    let overlap = near_a.intersection(&near_b).count() as f64 / near_a.len() as f64;
    // Of very many others an even sample is sorted.
    let step = (of_a.len() / RANKED).max(1);
    let ranked = |values: &[f32]| values.iter().copied().step_by(step).collect::<Vec<_>>();
    PictureAgreement { id: in_a, overlap, rank_correlation: spearman(&ranked(&of_a), &ranked(&of_b)) }
}

/// Spearman's rank correlation: Pearson's of the ranks, where equal values share the mean of theirs.
fn spearman(a: &[f32], b: &[f32]) -> f64 {
    let (a, b) = (ranks(a), ranks(b));
    let mean = (a.len() as f64 - 1.0) / 2.0;
    let (mut both, mut of_a, mut of_b) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(&b) {
        let (a, b) = (a - mean, b - mean);
        (both, of_a, of_b) = (both + a * b, of_a + a * a, of_b + b * b);
    }
    both / (of_a.sqrt() * of_b.sqrt())
}

fn ranks(values: &[f32]) -> Vec<f64> {
    let mut places: Vec<usize> = (0..values.len()).collect();
    places.sort_unstable_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for equal in places.chunk_by(|a, b| values[*a] == values[*b]) {
        let rank = first as f64 + (equal.len() as f64 - 1.0) / 2.0;
        equal.iter().for_each(|place| ranks[*place] = rank);
        first += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_of_equal_values_are_shared() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [2.5, 0.0, 2.5, 1.0]);
        // scipy.stats.spearmanr([1, 2, 2, 4, 5], [2, 1, 4, 4, 9]).
        assert!((spearman(&[1.0, 2.0, 2.0, 4.0, 5.0], &[2.0, 1.0, 4.0, 4.0, 9.0]) - 0.763_157_9).abs() < 1e-6);
        assert!(spearman(&[1.0, 1.0], &[1.0, 2.0]).is_nan());
    }
}
