//! How far a map can be trusted: trustworthiness and continuity (Venna, Kaski: "Neighborhood preservation in nonlinear
//! projection methods", ICANN 2001).

use super::rows::Rows;
use crate::{
    index::{ImageId, Index},
    similarity::{Executor, Metric, Query, compare, map_parallel},
};

/// Neighbors that are looked at, where there are more than twice as many pictures.
const NEIGHBORS: usize = 12;
/// Values compared at most, but for at least [`FEWEST`] pictures: with more, the pictures that are looked at are a sample.
const VALUES: usize = 100_000_000;
const FEWEST: usize = 200;
/// Up to this many pictures each is looked at; of more, so many.
const MOST: usize = 1_000;
const ALL: usize = 3_000;

/// How far the neighbors of the map and those of the embeddings are the same, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quality {
    /// How many neighbors of each picture were looked at.
    pub neighbors: usize,
    /// Whether pictures that lie together on the map are alike: the lower, the farther apart some of them are.
    pub trustworthiness: f32,
    /// Whether alike pictures lie together on the map.
    pub continuity: f32,
    /// How many pictures it was measured on.
    pub sample: usize,
}

/// Measures points by place; cosine similarity is what pictures are compared by. `None` for fewer than three pictures,
/// of which no neighbor can be wrong, and when it was `superseded`.
///
/// 1 − 2 / (n·k·(2N − 3k − 1)) · Σ (rank − k) over the k nearest on the map that are not among the k nearest by embedding,
/// with their ranks there, for n of the N pictures; for continuity the two change places.
pub(super) fn quality(
    index: &Index,
    rows: &Rows,
    points: &[[f32; 2]],
    executor: Executor<'_>,
    superseded: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(f64),
) -> Option<Quality> {
    let len = rows.len();
    let neighbors = NEIGHBORS.min(len.saturating_sub(1) / 2);
    if neighbors == 0 {
        return None;
    }
    let sample = if len <= ALL { len } else { MOST.min(VALUES / len).max(FEWEST) };
    // Evenly spread over the folders, in whose order places are.
    let queries: Vec<_> = (0..sample).map(|at| at * len / sample).collect();
    let mut sums = [0_u64; 2];
    for (at, part) in queries.chunks(32).enumerate() {
        if superseded() {
            return None;
        }
        let found = map_parallel(executor, part.iter(), |query| penalties(index, rows, points, *query, neighbors));
        for of_query in found {
            sums = [sums[0] + of_query[0], sums[1] + of_query[1]];
        }
        progress((32 * at + part.len()) as f64 / sample as f64);
    }
    let worst = sample as f64 * neighbors as f64 * (2.0 * len as f64 - 3.0 * neighbors as f64 - 1.0) / 2.0;
    let [trustworthiness, continuity] = sums.map(|sum| (1.0 - sum as f64 / worst) as f32);
    Some(Quality { neighbors, trustworthiness, continuity, sample })
}

/// Σ (rank − k) of a picture, for trustworthiness and for continuity.
fn penalties(index: &Index, rows: &Rows, points: &[[f32; 2]], query: usize, k: usize) -> [u64; 2] {
    let compared = compare(index, &Query::Image(rows.ids[query]));
    let unlike = |id: ImageId| -compared.value(Metric::Cosine, id);
    let by_embedding: Vec<f32> = rows.ids.iter().map(|id| unlike(*id)).collect();
    let own = points[query];
    let by_map: Vec<f32> = points.iter().map(|to| (own[0] - to[0]).powi(2) + (own[1] - to[1]).powi(2)).collect();
    let (near, shown) = (nearest(&by_embedding, query, k), nearest(&by_map, query, k));
    [(&by_embedding, &near, &shown), (&by_map, &shown, &near)].map(|(values, right, others)| {
        let wrong = others.iter().filter(|place| !right.contains(place));
        wrong.map(|place| (rank(values, query, *place) - k) as u64).sum()
    })
}

/// The `k` others with the smallest values, equal ones in the order of their places.
fn nearest(values: &[f32], query: usize, k: usize) -> Vec<usize> {
    let mut places: Vec<_> = (0..values.len()).filter(|place| *place != query).collect();
    let order = |a: &usize, b: &usize| values[*a].total_cmp(&values[*b]).then(a.cmp(b));
    if k < places.len() {
        places.select_nth_unstable_by(k, order);
    }
    places.truncate(k);
    places
}

/// The place of one of the others in the order of their values, 1 the nearest.
fn rank(values: &[f32], query: usize, place: usize) -> usize {
    let value = values[place];
    let before =
        |(at, other): (usize, &f32)| at != query && at != place && other.total_cmp(&value).then(at.cmp(&place)).is_lt();
    1 + values.iter().enumerate().filter(|entry| before(*entry)).count()
}
