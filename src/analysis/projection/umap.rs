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

use super::{
    random::Random,
    rows::{Rows, Weights},
};
use crate::similarity::{Executor, Graph, map_parallel, sequential};

/// The curve 1 / (1 + a·d²ᵇ) that comes closest to a plateau of 0.1, the usual `min_dist`, and an exponential fall of
/// scale 1 (definition 11).
const A: f32 = 1.576_943_5;
const B: f32 = 0.895_060_9;
/// Random others that a point moves away from, for each edge it moves along.
const NEGATIVES: usize = 5;
/// A point moves no farther at once, times the learning rate.
const FARTHEST: f32 = 4.0;
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
    let weights = memberships(rows, graph, executor);
    let largest = weights.largest();
    let layout = Layout { weights: weights.without_below(largest / epochs as f32), largest, seed, epochs };
    let mut points = super::spread(start, WIDTH, seed);
    let block = len.div_ceil(4 * TURNS).clamp(1, BLOCK);
    for epoch in 0..epochs {
        for turn in 0..TURNS {
            if superseded() {
                return None;
            }
            let blocks = (0..len).step_by(block).skip(turn).step_by(TURNS);
            let moved = map_parallel(executor, blocks.clone(), |first| {
                let places = first..(first + block).min(len);
                places.map(|place| layout.moved(place, epoch, &points)).collect::<Vec<_>>()
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

struct Layout {
    weights: Weights,
    largest: f32,
    seed: u64,
    epochs: usize,
}

impl Layout {
    /// Where a point lies after an epoch (section 3.2): drawn along its edges, each as often as its weight says and from
    /// both ends, and pushed away from random others.
    fn moved(&self, place: usize, epoch: usize, points: &[[f32; 2]]) -> [f32; 2] {
        let rate = 1.0 - epoch as f32 / self.epochs as f32;
        let mut random = Random::of(self.seed ^ epoch as u64, place as u64 + 1);
        let mut own = points[place];
        for (to, weight) in self.weights.of(place) {
            // The edges of a point are not all due at once: each begins elsewhere in its turn.
            let phase =
                (to.wrapping_mul(0x9e37_79b9) ^ (place as u32).wrapping_mul(0x85eb_ca6b)) as f32 / 4_294_967_296.0;
            let often = 2.0 * weight / self.largest;
            let due = |epoch: usize| (epoch as f32 * often + phase) as u32;
            for sample in due(epoch)..due(epoch + 1) {
                step(&mut own, points[*to as usize], rate, attraction);
                // Both ends of an edge move along it, and one of them away from others: half of them here.
                for _ in 0..(NEGATIVES + sample as usize % 2) / 2 {
                    let other = random.below(points.len());
                    if other != place {
                        step(&mut own, points[other], rate, repulsion);
                    }
                }
            }
        }
        own
    }
}

/// Moves a point along the line to another one, by the slope of the cross entropy at their squared distance.
fn step(own: &mut [f32; 2], other: [f32; 2], rate: f32, slope: fn(f32) -> f32) {
    let apart = [own[0] - other[0], own[1] - other[1]];
    let slope = slope(apart[0] * apart[0] + apart[1] * apart[1]);
    for axis in 0..2 {
        own[axis] += rate * (slope * apart[axis]).clamp(-FARTHEST, FARTHEST);
    }
}

/// −2ab·d²⁽ᵇ⁻¹⁾ / (1 + a·d²ᵇ), of the squared distance.
fn attraction(square: f32) -> f32 {
    if square <= 0.0 {
        return 0.0;
    }
    let power = power(square);
    -2.0 * A * B * power / (square * (1.0 + A * power))
}

/// 2b / ((0.001 + d²)(1 + a·d²ᵇ)), of the squared distance.
fn repulsion(square: f32) -> f32 {
    if square <= 0.0 {
        return 0.0;
    }
    2.0 * B / ((0.001 + square) * (1.0 + A * power(square)))
}

/// A positive number to the power of b, to five digits: this is most of the work. The mantissa's logarithm is the series of
/// the inverse hyperbolic tangent, the fraction's power that of the exponential function.
fn power(number: f32) -> f32 {
    let bits = number.to_bits();
    let exponent = (bits >> 23) as i32 - 127;
    let mantissa = f32::from_bits(bits & 0x007f_ffff | 0x3f80_0000);
    let t = (mantissa - 1.0) / (mantissa + 1.0);
    let tt = t * t;
    let ln = 2.0 * t * (1.0 + tt * (1.0 / 3.0 + tt * (1.0 / 5.0 + tt * (1.0 / 7.0))));
    let log2 = exponent as f32 + ln * std::f32::consts::LOG2_E;
    let power = (B * log2).clamp(-126.0, 126.0);
    let whole = power.round();
    let x = (power - whole) * std::f32::consts::LN_2;
    let fraction = 1.0 + x * (1.0 + x * (0.5 + x * (1.0 / 6.0 + x * (1.0 / 24.0 + x / 120.0))));
    fraction * f32::from_bits(((whole as i32 + 127) as u32) << 23)
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

    #[test]
    fn powers_are_right_to_five_digits() {
        for step in -300..300 {
            let number = 1.1_f32.powi(step);
            let expected = f64::from(number).powf(f64::from(B));
            assert!((f64::from(power(number)) / expected - 1.0).abs() < 3e-5, "{number}");
        }
    }

    #[test]
    fn forces_are_the_slopes_of_the_cross_entropy() {
        let closeness = |square: f64| 1.0 / (1.0 + f64::from(A) * square.powf(f64::from(B)));
        for square in [0.04_f64, 0.5, 1.0, 9.0, 100.0] {
            let step = 1e-6 * square;
            // The slope by the distance, divided by the distance: 2 · d/d(d²).
            let slope = |of: &dyn Fn(f64) -> f64| (of(square + step) - of(square - step)) / step;
            let (pull, push) =
                (slope(&|square| closeness(square).ln()), slope(&|square| (1.0 - closeness(square)).ln()));
            assert!((f64::from(attraction(square as f32)) - pull).abs() < 1e-3 * pull.abs(), "{square}");
            assert!((f64::from(repulsion(square as f32)) - push).abs() < 0.03 * push.abs(), "{square}");
        }
    }
}
