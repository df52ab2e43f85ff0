//! UMAP: uniform manifold approximation and projection (McInnes, Healy, Melville, arXiv:1802.03426v3).
//!
//! The crates for it are none we could use: `umap-rs` draws its random numbers from the system, so that no two maps are
//! equal, and cannot be stopped; `annembed` and `fast-umap` bring linear algebra or GPU libraries along. Both start
//! threads of their own.
//!
//! Section and equation numbers are those of the paper. Points begin in the plane of the principal components (Kobak,
//! Linderman: "Initialization is critical", Nature Biotechnology 39, 2021). Each epoch moves a quarter of the points after
//! the other, by blocks; points of a quarter move at once, along their own edges and away from random others, as these
//! lie at that moment. So the cores share the work and what comes out depends on the seed alone.

mod moves;

use self::moves::Moves;
use super::rows::{Rows, Weights};
use crate::similarity::{Executor, Graph, map_parallel, sequential};

/// The width of the map at the start.
const WIDTH: f32 = 20.0;
/// Blocks of points take turns, in so many turns an epoch.
const TURNS: usize = 4;
/// Points of a block at most.
const BLOCK: usize = 512;
/// Fewer points are not worth a second thread.
const ALONE: usize = 3_000;

/// Moves points from where they start to where they belong. `progress` gets the share that is done and the points as
/// they are. `None` when it was `superseded`.
pub(super) fn umap(
    rows: &Rows,
    graph: &Graph,
    start: &[[f32; 2]],
    seed: u64,
    executor: Executor<'_>,
    superseded: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(f64, &[[f32; 2]]),
) -> Option<Vec<[f32; 2]>> {
    let len = rows.len();
    let executor: Executor<'_> = if len < ALONE { &sequential } else { executor };
    let epochs = if len <= 10_000 { 500 } else { 200 };
    let moves = Moves::new(&memberships(rows, graph, executor), seed, epochs);
    let mut points = super::spread(start, WIDTH, seed);
    let block = len.div_ceil(4 * TURNS).clamp(1, BLOCK);
    for epoch in 0..epochs {
        for turn in 0..TURNS {
            if superseded() {
                return None;
            }
            let blocks = (0..len).step_by(block).skip(turn).step_by(TURNS);
            let moved = map_parallel(executor, blocks.clone(), |first| {
                moves.moved(first..(first + block).min(len), epoch, &points)
            });
            for (first, moved) in blocks.zip(moved) {
                points[first..first + moved.len()].copy_from_slice(&moved);
            }
        }
        progress((epoch + 1) as f64 / f64::from(epochs as u32), &points);
    }
    Some(points)
}

/// How far each picture's neighborhood belongs together (section 3.1): the nearest neighbor fully, the others less by
/// their distance beyond that, in the picture's own scale, in which all of them together weigh log₂ k. The weight of a
/// pair is the probability that it is an edge from either side.
fn memberships(rows: &Rows, graph: &Graph, executor: Executor<'_>) -> Weights {
    let places: Vec<usize> = (0..rows.len()).collect();
    let directed = map_parallel(executor, places.chunks(BLOCK), |places| {
        let of = |place: &usize| {
            let nearest = rows.nearest(graph, *place);
            let distances: Vec<f32> = nearest.iter().map(|edge| edge.1).collect();
            let (first, scale) = own_scale(&distances);
            nearest.into_iter().map(|(to, distance)| (to, membership(distance, first, scale))).collect()
        };
        places.iter().map(of).collect::<Vec<Vec<_>>>()
    });
    Weights::symmetric(&directed.concat(), |a, b| a + b - a * b)
}

fn membership(distance: f32, first: f32, scale: f32) -> f32 {
    if distance <= first { 1.0 } else { (-(distance - first) / scale).exp() }
}

/// The distance to the nearest neighbor that is no copy, and the scale at which the memberships add up to log₂ k, by
/// bisection (algorithm 3).
fn own_scale(distances: &[f32]) -> (f32, f32) {
    let first = distances.iter().copied().find(|distance| *distance > 0.0).unwrap_or(0.0);
    let target = (distances.len().max(1) as f32).log2();
    let mean = distances.iter().sum::<f32>() / distances.len().max(1) as f32;
    let (mut low, mut high, mut scale) = (0.0_f32, f32::INFINITY, mean.max(f32::MIN_POSITIVE));
    for _ in 0..64 {
        let sum: f32 = distances.iter().map(|distance| membership(*distance, first, scale)).sum();
        if (sum - target).abs() < 1e-5 {
            break;
        }
        if sum > target {
            high = scale;
            scale = low.midpoint(high);
        } else {
            low = scale;
            scale = if high.is_finite() { low.midpoint(high) } else { 2.0 * scale };
        }
    }
    // Where all distances are nearly the same the scale would go to zero.
    (first, scale.clamp(1e-3 * mean.max(1e-6), f32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memberships_of_a_neighborhood_add_up_to_the_logarithm_of_its_size() {
        for distances in [vec![0.1, 0.2, 0.3, 0.5, 0.9], vec![0.0, 0.0, 0.4, 0.41, 0.7], vec![0.3; 7]] {
            let (first, scale) = own_scale(&distances);
            let sum: f32 = distances.iter().map(|distance| membership(*distance, first, scale)).sum();
            let target = (distances.len() as f32).log2();
            let nearest = distances.iter().filter(|distance| **distance <= first).count() as f32;
            assert!((sum - target.max(nearest)).abs() < 1e-3, "{distances:?}: {sum}");
        }
    }
}
