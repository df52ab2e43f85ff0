//! Spherical k-means (Dhillon and Modha, "Concept decompositions for large sparse text data using clustering", 2001):
//! rows go to the center with the highest cosine, centers to the direction of their rows' mean. The first centers are drawn
//! by greedy k-means++ (Arthur and Vassilvitskii, "k-means++: the advantages of careful seeding", 2007), single rows move on
//! where the centers rest (Dhillon, Guan and Kogan, "Iterative clustering of high dimensional text data augmented by local
//! search", 2002), and the best of several draws counts.

use std::ops::Range;

use fastrand::Rng;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};

use super::unit_rows::{Rows, UnitRows, blocks, evenly};
use crate::similarity::{Executor, map_parallel, sequential};

/// Rows up to which each draw iterates over all of them; of more, centers are learned on an even sample of so many first.
pub(super) const SAMPLE: usize = 4096;
/// Draws of first centers, of which the one that ends with the least inertia counts.
pub(super) const DRAWS: usize = 10;
/// Iterations at most; they mostly end by themselves, when the centers rest.
const ITERATIONS: usize = 300;
/// The sum of the squared distances by which the centers move in an iteration when they are taken to rest.
const AT_REST: f32 = 1e-7;
/// What the move of a row must gain, in lengths of a row: more than rounding does.
const LEAST_GAIN: f32 = 1e-5;

/// Where each row belongs.
pub(super) struct Assignment {
    /// The number of the nearest center.
    pub nearest: Vec<usize>,
    /// How many centers there are.
    pub count: usize,
}

/// Groups rows into `count` clusters; fewer when fewer of them differ. `None` when it was `superseded`.
pub(super) fn k_means(
    rows: &UnitRows<'_>,
    count: usize,
    seed: u64,
    executor: Executor<'_>,
    superseded: &dyn Fn() -> bool,
) -> Option<Assignment> {
    let sample = rows.gather(evenly(rows.len(), SAMPLE));
    let mut learned = of_sample(&sample.view(), count, DRAWS, seed, superseded)?;
    if sample.nrows() < rows.len() {
        learned = iterate(rows, learned.centers, executor, superseded)?;
    }
    Some(learned.assignment())
}

/// Centers, and what a pass over all rows says of them.
pub(super) struct Pass {
    centers: Array2<f32>,
    nearest: Vec<usize>,
    /// Sums of the rows nearest to each center.
    sums: Array2<f32>,
    counts: Vec<usize>,
    /// The sum of squared distances to the nearest center.
    inertia: f64,
    /// The squared distance and the place of the row that is farthest from its center.
    farthest: (f32, usize),
}

impl Pass {
    pub fn assignment(self) -> Assignment {
        Assignment { nearest: self.nearest, count: self.centers.nrows() }
    }
}

/// The best of several draws on rows that are all in memory.
pub(super) fn of_sample(
    rows: &ArrayView2<'_, f32>,
    count: usize,
    draws: usize,
    seed: u64,
    superseded: &dyn Fn() -> bool,
) -> Option<Pass> {
    let mut random = Rng::with_seed(seed);
    let mut best: Option<Pass> = None;
    for _ in 0..draws {
        let centers = drawn(rows, count, &mut random);
        let resting = iterate(rows, centers, &sequential, superseded)?;
        let found = pass(rows, moved(rows, resting, superseded)?, &sequential);
        if best.as_ref().is_none_or(|best| found.inertia < best.inertia) {
            best = Some(found);
        }
    }
    best
}

/// Draws rows as first centers: each the best of a few that are drawn in proportion to their squared distance from those
/// before. Fewer than wanted when all others coincide with them.
fn drawn(rows: &ArrayView2<'_, f32>, count: usize, random: &mut Rng) -> Array2<f32> {
    let len = rows.nrows();
    if len == 0 {
        return Array2::zeros((0, rows.ncols()));
    }
    // Squared euclidean distances of unit vectors, one column a candidate.
    let distances = |chosen: &[usize]| {
        let cosines = rows.dot(&rows.select(Axis(0), chosen).t());
        cosines.mapv_into(|cosine| (2.0 - 2.0 * cosine).max(0.0))
    };
    let mut chosen = vec![random.usize(0..len)];
    let mut nearest = distances(&chosen).column(0).to_owned();
    let trials = 2 + (count.max(1) as f64).ln() as usize;
    while chosen.len() < count.min(len) {
        let total: f64 = nearest.iter().map(|distance| f64::from(*distance)).sum();
        // Rounding keeps equal rows from being exactly at distance 0.
        if total <= len as f64 * 1e-6 {
            break;
        }
        let candidates: Vec<usize> = (0..trials).map(|_| weighted(&nearest, random.f64() * total)).collect();
        let table = distances(&candidates);
        let left = |column: usize| -> f64 {
            table.column(column).iter().zip(&nearest).map(|(to, now)| f64::from(to.min(*now))).sum()
        };
        let lefts: Vec<_> = (0..trials).map(left).collect();
        let best = (0..trials).min_by(|a, b| lefts[*a].total_cmp(&lefts[*b])).unwrap_or(0);
        chosen.push(candidates[best]);
        nearest.zip_mut_with(&table.column(best), |now, to| *now = now.min(*to));
    }
    rows.select(Axis(0), &chosen)
}

/// The place at which the sum of the weights so far exceeds `at`.
fn weighted(weights: &Array1<f32>, mut at: f64) -> usize {
    let mut last = 0;
    for (place, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
        at -= f64::from(*weight);
        last = place;
        if at < 0.0 {
            break;
        }
    }
    last
}

/// Lloyd's iterations until the centers rest.
fn iterate(
    rows: &impl Rows,
    centers: Array2<f32>,
    executor: Executor<'_>,
    superseded: &dyn Fn() -> bool,
) -> Option<Pass> {
    let mut found = pass(rows, centers, executor);
    for _ in 0..ITERATIONS {
        if superseded() {
            return None;
        }
        let (centers, moved) = recentered(rows, &found);
        let next = pass(rows, centers, executor);
        let same = next.nearest == found.nearest;
        found = next;
        if same || moved <= AT_REST {
            break;
        }
    }
    Some(found)
}

/// Centers after single rows have moved to where they lessen the inertia, until none does any more.
///
/// A center is drawn to each of its own rows, the more the fewer they are. When the centers rest, small clusters therefore
/// keep rows that would lessen the inertia elsewhere. It is twice the number of the rows less twice the lengths of the
/// clusters' sums, so what a move is worth are the changes of two lengths. Where no row moves, the centers rest too.
fn moved(rows: &ArrayView2<'_, f32>, resting: Pass, superseded: &dyn Fn() -> bool) -> Option<Array2<f32>> {
    let Pass { mut nearest, mut sums, mut counts, .. } = resting;
    let mut squares: Array1<f32> = sums.rows().into_iter().map(|sum| sum.dot(&sum)).collect();
    for _ in 0..ITERATIONS {
        if superseded() {
            return None;
        }
        let mut moves = 0;
        for range in blocks(0..rows.nrows()) {
            let products = rows.slice(s![range.clone(), ..]).dot(&sums.t());
            for (products, at) in products.rows().into_iter().zip(range) {
                let (row, from) = (rows.row(at), nearest[at]);
                if counts[from] < 2 || better(&products, &squares, row.dot(&row), from).is_none() {
                    continue;
                }
                // Others of the block may have moved since.
                let Some(to) = better(&sums.dot(&row).view(), &squares, row.dot(&row), from) else { continue };
                for (cluster, sign) in [(from, -1.0), (to, 1.0)] {
                    let mut sum = sums.row_mut(cluster);
                    sum.scaled_add(sign, &row);
                    squares[cluster] = sum.dot(&sum);
                }
                counts[from] -= 1;
                counts[to] += 1;
                nearest[at] = to;
                moves += 1;
            }
        }
        if moves == 0 {
            break;
        }
    }
    Some(directions(sums))
}

/// The cluster to which a row of one should move, if to any: the one whose sum grows by more than its own loses. Takes the
/// products of the row with the sums, their squared lengths and its own.
fn better(products: &ArrayView1<'_, f32>, squares: &Array1<f32>, own: f32, from: usize) -> Option<usize> {
    // √(a + d) − √a without the difference of two large numbers.
    let change = |square: f32, by: f32| by / ((square + by).max(0.0).sqrt() + square.sqrt());
    let loses = -change(squares[from], own - 2.0 * products[from]);
    let (mut best, mut most) = (None, loses + LEAST_GAIN);
    for (to, (product, square)) in products.iter().zip(squares).enumerate() {
        let gains = change(*square, own + 2.0 * product);
        if to != from && gains > most {
            (best, most) = (Some(to), gains);
        }
    }
    best
}

/// Finds the nearest center of every row.
fn pass(rows: &impl Rows, centers: Array2<f32>, executor: Executor<'_>) -> Pass {
    let parts = map_parallel(executor, rows.parts(), |part| of_part(rows, &centers, part));
    let mut whole = Pass {
        nearest: Vec::with_capacity(rows.len()),
        sums: Array2::zeros(centers.raw_dim()),
        counts: vec![0; centers.nrows()],
        inertia: 0.0,
        farthest: (-1.0, 0),
        centers,
    };
    for part in parts {
        whole.nearest.extend(part.nearest);
        whole.sums += &part.sums;
        whole.counts.iter_mut().zip(part.counts).for_each(|(count, more)| *count += more);
        whole.inertia += part.inertia;
        if part.farthest.0 > whole.farthest.0 {
            whole.farthest = part.farthest;
        }
    }
    whole
}

fn of_part(rows: &impl Rows, centers: &Array2<f32>, part: Range<usize>) -> Pass {
    let count = centers.nrows();
    let mut found = Pass {
        centers: Array2::zeros((0, 0)),
        nearest: Vec::with_capacity(part.len()),
        sums: Array2::zeros((count, rows.dim())),
        counts: vec![0; count],
        inertia: 0.0,
        farthest: (-1.0, 0),
    };
    for range in blocks(part) {
        let block = rows.block(range.clone());
        let products = block.dot(&centers.t());
        for ((row, products), place) in block.rows().into_iter().zip(products.rows()).zip(range) {
            let (mut nearest, mut most) = (0, f32::NEG_INFINITY);
            for (at, product) in products.iter().enumerate() {
                if *product > most {
                    (nearest, most) = (at, *product);
                }
            }
            let distance = (2.0 - 2.0 * most).max(0.0);
            if distance > found.farthest.0 {
                found.farthest = (distance, place);
            }
            found.inertia += f64::from(distance);
            found.nearest.push(nearest);
            found.counts[nearest] += 1;
            found.sums.row_mut(nearest).scaled_add(1.0, &row);
        }
    }
    found
}

/// The directions of the means of the rows nearest to each center, and how far the centers moved. A center to which no row
/// is nearest moves to the row that is farthest from its own.
fn recentered(rows: &impl Rows, pass: &Pass) -> (Array2<f32>, f32) {
    let mut centers = pass.sums.clone();
    let farthest = pass.farthest.1;
    for (mut center, count) in centers.rows_mut().into_iter().zip(&pass.counts) {
        if *count == 0 {
            center.assign(&rows.block(farthest..farthest + 1).row(0));
        }
    }
    let centers = directions(centers);
    let moved = (&centers - &pass.centers).iter().map(|by| by * by).sum();
    (centers, moved)
}

/// Sums divided by their lengths.
fn directions(mut sums: Array2<f32>) -> Array2<f32> {
    for mut sum in sums.rows_mut() {
        let length = sum.dot(&sum).sqrt();
        if length > 0.0 {
            sum /= length;
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of length 1 in all directions, of which none belong together.
    fn scattered(count: usize, dim: usize) -> Array2<f32> {
        let mut random = Rng::with_seed(7);
        directions(Array2::from_shape_simple_fn((count, dim), || random.f32() - 0.5))
    }

    fn inertia(rows: &Array2<f32>, nearest: &[usize], count: usize) -> f64 {
        let mut sums = Array2::<f32>::zeros((count, rows.ncols()));
        for (row, cluster) in rows.rows().into_iter().zip(nearest) {
            sums.row_mut(*cluster).scaled_add(1.0, &row);
        }
        2.0 * rows.nrows() as f64
            - sums.rows().into_iter().map(|sum| 2.0 * f64::from(sum.dot(&sum).sqrt())).sum::<f64>()
    }

    #[test]
    fn no_row_would_lessen_the_inertia_in_another_cluster() {
        let (rows, count) = (scattered(120, 6), 30);
        for seed in 0..8 {
            let found = of_sample(&rows.view(), count, 1, seed, &|| false).unwrap();
            let least = inertia(&rows, &found.nearest, count);
            assert!((found.inertia - least).abs() < 1e-3, "{} and {least}", found.inertia);
            for row in 0..rows.nrows() {
                for cluster in 0..count {
                    let mut elsewhere = found.nearest.clone();
                    elsewhere[row] = cluster;
                    let inertia = inertia(&rows, &elsewhere, count);
                    assert!(inertia > least - 1e-4, "row {row} in {cluster}: {inertia} instead of {least}");
                }
            }
        }
    }

    #[test]
    fn rows_without_a_direction_and_more_clusters_than_rows_differ_are_ordinary() {
        let mut rows = scattered(3, 4);
        rows.row_mut(1).fill(0.0);
        for count in 1..6 {
            let found = of_sample(&rows.view(), count, 2, 1, &|| false).unwrap();
            assert_eq!(found.nearest.len(), 3);
            assert!(found.inertia.is_finite());
        }
        assert!(of_sample(&rows.view(), 2, 1, 1, &|| true).is_none());
    }
}
