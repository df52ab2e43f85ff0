//! Where the points of a block move in an epoch, many of them side by side.
//!
//! A point takes its steps one after the other, each from where the step before it led. What can be done at once is the
//! steps of different points, for those of a block all see the other points as they lay before the block's turn.

use super::super::rows::Weights;
use crate::analysis::random::Random;

/// The curve 1 / (1 + a·d²ᵇ) that comes closest to a plateau of 0.1, the usual `min_dist`, and an exponential fall of
/// scale 1 (definition 11).
const A: f32 = 1.576_943_5;
const B: f32 = 0.895_060_9;
/// Random others that a point moves away from, for each edge it moves along.
const NEGATIVES: usize = 5;
/// A point moves no farther at once, times the learning rate.
const FARTHEST: f32 = 4.0;
/// Points that take a step at the same time: two registers of the widest machines, so that one need not wait for the other.
const SIDE_BY_SIDE: usize = 32;
/// Set in the place of a point that is moved away from.
const AWAY: u32 = 1 << 31;
/// Edges are due in units of this share of an epoch: 500 epochs, twice in each, fit 32 bits.
const UNITS: u32 = 1 << 22;

/// An edge of a place.
struct Edge {
    to: u32,
    /// [`UNITS`] of it that come due in an epoch.
    often: u32,
}

/// All edges, and how often each is due.
pub(super) struct Moves {
    /// Where the edges of each place begin.
    starts: Vec<usize>,
    edges: Vec<Edge>,
    seed: u64,
    epochs: usize,
}

/// The steps of the points of a block in one epoch.
#[derive(Default)]
struct Walks {
    /// The places that are moved along to, or [`AWAY`] from, one walk after the other.
    steps: Vec<u32>,
    /// Of each point, its place and where its walk lies in `steps`.
    walks: Vec<(u32, std::ops::Range<usize>)>,
}

impl Moves {
    /// Edges of less than one step in all `epochs` are left out.
    pub fn new(weights: &Weights, seed: u64, epochs: usize) -> Self {
        let largest = weights.largest();
        let least = largest / epochs as f32;
        let (mut starts, mut edges) = (vec![0], Vec::new());
        for place in 0..weights.len() {
            let heavy = weights.of(place).iter().filter(|edge| edge.1 >= least);
            // Each edge is moved along from both ends.
            edges.extend(heavy.map(|(to, weight)| Edge {
                to: *to,
                often: (f64::from(2.0 * weight / largest) * f64::from(UNITS)) as u32,
            }));
            starts.push(edges.len());
        }
        Self { starts, edges, seed, epochs }
    }

    /// Where the points of these places lie after an epoch (section 3.2): drawn along their edges, each as often as its
    /// weight says and from both ends, and pushed away from random others.
    pub fn moved(&self, places: std::ops::Range<usize>, epoch: usize, points: &[[f32; 2]]) -> Vec<[f32; 2]> {
        let mut walks = Walks::default();
        let first = places.start;
        places.clone().for_each(|place| self.walk(place, epoch, points.len(), &mut walks));
        // Points whose walks are about equally long go side by side.
        walks.walks.sort_by_key(|(place, walk)| (walk.len(), *place));
        let rate = 1.0 - epoch as f32 / self.epochs as f32;
        let mut moved = points[places].to_vec();
        pulp::Arch::new().dispatch(Steps { walks: &walks, points, rate, first, moved: &mut moved });
        moved
    }

    /// Notes the steps of a place.
    fn walk(&self, place: usize, epoch: usize, len: usize, walks: &mut Walks) {
        let mut random = Random::of(self.seed ^ epoch as u64, place as u64 + 1);
        let begin = walks.steps.len();
        let salt = (place as u32).wrapping_mul(0x85eb_ca6b);
        let epoch = epoch as u32;
        for Edge { to, often } in &self.edges[self.starts[place]..self.starts[place + 1]] {
            // The edges of a point are not all due at once: each begins elsewhere in its turn.
            let phase = (to.wrapping_mul(0x9e37_79b9) ^ salt) % UNITS;
            let due = |epoch: u32| (epoch * often + phase) / UNITS;
            for sample in due(epoch)..due(epoch + 1) {
                walks.steps.push(*to);
                // Both ends of an edge move along it, and one of them away from others: half of them here.
                let away = (NEGATIVES + sample as usize % 2) / 2;
                let [one, two] = random.two_below(len as u32);
                let more = if away > 2 { random.two_below(len as u32)[0] } else { place as u32 };
                walks.steps.extend(
                    [one, two, more].into_iter().filter(|other| *other != place as u32).map(|other| other | AWAY),
                );
            }
        }
        walks.walks.push((place as u32, begin..walks.steps.len()));
    }
}

/// All steps of a block, compiled once for each kind of vector instructions.
struct Steps<'a> {
    walks: &'a Walks,
    points: &'a [[f32; 2]],
    rate: f32,
    /// The first place of the block.
    first: usize,
    moved: &'a mut [[f32; 2]],
}

impl pulp::WithSimd for Steps<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        for some in self.walks.walks.chunks(SIDE_BY_SIDE) {
            let ends = side_by_side(&self.walks.steps, some, self.points, self.rate);
            for ((place, _), end) in some.iter().zip(ends) {
                self.moved[*place as usize - self.first] = end;
            }
        }
    }
}

/// Where points end whose walks are taken step by step at the same time. Nothing in it depends on the machine.
#[inline(always)]
fn side_by_side(
    steps: &[u32],
    walks: &[(u32, std::ops::Range<usize>)],
    points: &[[f32; 2]],
    rate: f32,
) -> [[f32; 2]; SIDE_BY_SIDE] {
    let (mut x, mut y) = ([0.0_f32; SIDE_BY_SIDE], [0.0_f32; SIDE_BY_SIDE]);
    for (at, (place, _)) in walks.iter().enumerate() {
        [x[at], y[at]] = points[*place as usize];
    }
    let longest = walks.iter().map(|(_, walk)| walk.len()).max().unwrap_or(0);
    for step in 0..longest {
        let (mut to_x, mut to_y, mut away) = (x, y, [0.0_f32; SIDE_BY_SIDE]);
        for (at, (_, walk)) in walks.iter().enumerate() {
            // A walk that has ended stays where it is.
            if step < walk.len() {
                let to = steps[walk.start + step];
                [to_x[at], to_y[at]] = points[(to & !AWAY) as usize];
                away[at] = (to / AWAY) as f32;
            }
        }
        for at in 0..SIDE_BY_SIDE {
            let (dx, dy) = (x[at] - to_x[at], y[at] - to_y[at]);
            let slope = slope(dx * dx + dy * dy, away[at]);
            x[at] += rate * (slope * dx).clamp(-FARTHEST, FARTHEST);
            y[at] += rate * (slope * dy).clamp(-FARTHEST, FARTHEST);
        }
    }
    std::array::from_fn(|at| [x[at], y[at]])
}

/// The slope of the cross entropy at a squared distance: −2ab·d²⁽ᵇ⁻¹⁾ / (1 + a·d²ᵇ) along an edge, and, with `away` 1 in
/// place of 0, 2b / ((0.001 + d²)(1 + a·d²ᵇ)).
#[inline(always)]
fn slope(square: f32, away: f32) -> f32 {
    // Two points in one place have no direction to go in, and must not make a number of nothing by nothing.
    let square = square.max(1e-12);
    let power = power(square);
    let above = away * (2.0 * B) - (1.0 - away) * (2.0 * A * B) * power;
    above / ((square + away * 0.001) * (1.0 + A * power))
}

/// A positive number to the power of b, to five digits: this is most of the work. The mantissa's logarithm is the series of
/// the inverse hyperbolic tangent, the fraction's power that of the exponential function.
#[inline(always)]
fn power(number: f32) -> f32 {
    let bits = number.to_bits();
    let exponent = (bits >> 23) as i32 - 127;
    let mantissa = f32::from_bits(bits & 0x007f_ffff | 0x3f80_0000);
    let t = (mantissa - 1.0) / (mantissa + 1.0);
    let tt = t * t;
    let ln = 2.0 * t * (1.0 + tt * (1.0 / 3.0 + tt * (1.0 / 5.0 + tt * (1.0 / 7.0))));
    let log2 = exponent as f32 + ln * std::f32::consts::LOG2_E;
    let power = (B * log2).clamp(-126.0, 126.0);
    // Adding and subtracting 1.5 · 2²³ rounds, and leaves the whole number in the lowest bits.
    let shifted = power + 12_582_912.0;
    let x = (power - (shifted - 12_582_912.0)) * std::f32::consts::LN_2;
    let fraction = 1.0 + x * (1.0 + x * (0.5 + x * (1.0 / 6.0 + x * (1.0 / 24.0 + x / 120.0))));
    fraction * f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let by_distance = |of: &dyn Fn(f64) -> f64| (of(square + step) - of(square - step)) / step;
            let pull = by_distance(&|square| closeness(square).ln());
            let push = by_distance(&|square| (1.0 - closeness(square)).ln());
            assert!((f64::from(slope(square as f32, 0.0)) - pull).abs() < 1e-3 * pull.abs(), "{square}");
            assert!((f64::from(slope(square as f32, 1.0)) - push).abs() < 0.03 * push.abs(), "{square}");
        }
    }
}
