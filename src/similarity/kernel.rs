//! The inner loops: one pair of embeddings at a time, both metrics at once, compiled for several instruction sets of
//! which the machine's best is taken at run time. All sets add in the same order, so all give the same bits.

use half::f16;
use pulp::{Arch, NullaryFnOnce};

use super::Metric;
use crate::index::Entry;

/// Partial sums of one sum; this many fill the registers of every instruction set without spilling.
const LANES: usize = 32;

/// Squares outside this range may have overflowed or vanished in f32, and so are computed again in f64.
const SAFE_SQUARES: std::ops::Range<f64> = 1e-24..1e36;

/// A raw embedding in f32, ready to be compared with many stored rows.
pub(super) struct Probe {
    values: Vec<f32>,
    norm: f32,
}

/// Both metrics of one pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pair {
    pub cosine: f32,
    pub euclidean: f32,
}

impl Probe {
    /// A probe of a raw embedding that is not in the index.
    pub fn new(values: &[f32]) -> Self {
        let squares: f64 = values.iter().map(|v| f64::from(*v).powi(2)).sum();
        Self { values: values.to_vec(), norm: squares.sqrt() as f32 }
    }

    /// A probe of a picture of the index.
    pub fn of(entry: &Entry<'_>) -> Self {
        Self { values: entry.embedding(), norm: entry.norm }
    }

    /// Cosine similarity and euclidean distance to a stored row of the same dimension.
    ///
    /// The distance is summed from the differences themselves, so near duplicates lose no digits, and equal rows
    /// give exactly 1 and 0. With a zero vector the cosine is 0, as in scikit-learn.
    pub fn to(&self, row: &[f16], scale: f32, norm: f32) -> Pair {
        let (dot, squares) = dot_and_squares(&self.values, row, scale);
        let lengths = f64::from(self.norm) * f64::from(norm);
        // Also an embedding that is no number at all, which a broken network may give, must not poison a ranking.
        let cosine = if !lengths.is_normal() {
            0.0
        } else if squares == 0.0 {
            1.0
        } else {
            (dot / lengths).clamp(-1.0, 1.0) as f32
        };
        Pair { cosine, euclidean: squares.sqrt() as f32 }
    }

    /// Squared euclidean distance to a stored row of the same dimension.
    pub fn squared_distance(&self, row: &[f16], scale: f32) -> f64 {
        dot_and_squares(&self.values, row, scale).1
    }
}

impl Pair {
    /// The value in one metric.
    pub fn value(self, metric: Metric) -> f32 {
        match metric {
            Metric::Cosine => self.cosine,
            Metric::Euclidean => self.euclidean,
        }
    }
}

/// a·b.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f64 {
    Arch::new().dispatch(Dot { a, b })
}

/// Σ(a−b)².
pub(super) fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    Arch::new().dispatch(Squares { a, b })
}

/// Adds `row × factor` to `sum`.
pub(super) fn add(sum: &mut [f32], row: &[f16], factor: f32) {
    Arch::new().dispatch(Add { sum, row, factor });
}

/// a·b and Σ(a−b)², b being `row × scale`.
fn dot_and_squares(a: &[f32], row: &[f16], scale: f32) -> (f64, f64) {
    let (dot, squares) = Arch::new().dispatch(DotAndSquares { a, row, scale });
    if SAFE_SQUARES.contains(&squares) && dot.abs() < SAFE_SQUARES.end {
        return (dot, squares);
    }
    // Equal, vast or tiny rows: rare enough to afford the slow way.
    a.iter().zip(row).fold((0.0, 0.0), |(dot, squares), (a, b)| {
        let (a, b) = (f64::from(*a), f64::from(b.to_f32()) * f64::from(scale));
        (dot + a * b, squares + (a - b) * (a - b))
    })
}

/// A finite f16 as 2^-112 of its value: its bits moved to where f32 has them. Unlike the conversion in `half` it is
/// made of operations that a compiler turns into SIMD, which makes one pass over an index four times as fast.
#[inline(always)]
fn unscaled(value: f16) -> f32 {
    f32::from_bits((i32::from(value.to_bits().cast_signed()) << 13).cast_unsigned() & 0x8fff_e000)
}

/// Undoes the 2^-112 of [`unscaled`].
const RESCALE: f32 = f32::from_bits((127 + 112) << 23);

struct DotAndSquares<'a> {
    a: &'a [f32],
    row: &'a [f16],
    scale: f32,
}

impl NullaryFnOnce for DotAndSquares<'_> {
    type Output = (f64, f64);

    #[inline(always)]
    fn call(self) -> (f64, f64) {
        let (mut dot, mut squares) = ([0_f32; LANES], [0_f32; LANES]);
        let (a_chunks, b_chunks) = (self.a.chunks_exact(LANES), self.row.chunks_exact(LANES));
        let rest = a_chunks.remainder().iter().zip(b_chunks.remainder());
        for (a, b) in a_chunks.zip(b_chunks) {
            for lane in 0..LANES {
                let b = unscaled(b[lane]) * RESCALE * self.scale;
                dot[lane] += a[lane] * b;
                squares[lane] += (a[lane] - b) * (a[lane] - b);
            }
        }
        for (lane, (a, b)) in rest.enumerate() {
            let b = unscaled(*b) * RESCALE * self.scale;
            dot[lane] += a * b;
            squares[lane] += (a - b) * (a - b);
        }
        (total(&dot), total(&squares))
    }
}

struct Dot<'a> {
    a: &'a [f32],
    b: &'a [f32],
}

impl NullaryFnOnce for Dot<'_> {
    type Output = f64;

    #[inline(always)]
    fn call(self) -> f64 {
        let mut dot = [0_f32; LANES];
        let (a_chunks, b_chunks) = (self.a.chunks_exact(LANES), self.b.chunks_exact(LANES));
        let rest = a_chunks.remainder().iter().zip(b_chunks.remainder());
        for (a, b) in a_chunks.zip(b_chunks) {
            for lane in 0..LANES {
                dot[lane] += a[lane] * b[lane];
            }
        }
        for (lane, (a, b)) in rest.enumerate() {
            dot[lane] += a * b;
        }
        total(&dot)
    }
}

struct Squares<'a> {
    a: &'a [f32],
    b: &'a [f32],
}

impl NullaryFnOnce for Squares<'_> {
    type Output = f64;

    #[inline(always)]
    fn call(self) -> f64 {
        let mut squares = [0_f32; LANES];
        let (a_chunks, b_chunks) = (self.a.chunks_exact(LANES), self.b.chunks_exact(LANES));
        let rest = a_chunks.remainder().iter().zip(b_chunks.remainder());
        for (a, b) in a_chunks.zip(b_chunks) {
            for lane in 0..LANES {
                squares[lane] += (a[lane] - b[lane]) * (a[lane] - b[lane]);
            }
        }
        for (lane, (a, b)) in rest.enumerate() {
            squares[lane] += (a - b) * (a - b);
        }
        total(&squares)
    }
}

struct Add<'a> {
    sum: &'a mut [f32],
    row: &'a [f16],
    factor: f32,
}

impl NullaryFnOnce for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (sum, value) in self.sum.iter_mut().zip(self.row) {
            *sum += unscaled(*value) * RESCALE * self.factor;
        }
    }
}

#[inline(always)]
fn total(lanes: &[f32; LANES]) -> f64 {
    lanes.iter().map(|lane| f64::from(*lane)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_half_float_converts_to_its_very_value() {
        for value in (0..=u16::MAX).map(f16::from_bits).filter(|value| value.is_finite()) {
            assert_eq!((unscaled(value) * RESCALE).to_bits(), value.to_f32().to_bits());
        }
    }

    #[track_caller]
    fn check(a: &[f32], b: &[f32], cosine: f32, euclidean: f32) {
        let scale = crate::index::storage_scale(b);
        let row: Vec<f16> = b.iter().map(|v| f16::from_f32(v / scale)).collect();
        let pair = Probe::new(a).to(&row, scale, crate::index::norm(&row, scale));
        assert!((pair.cosine - cosine).abs() <= 1e-6, "{pair:?}");
        assert!((pair.euclidean - euclidean).abs() <= euclidean * 1e-6, "{pair:?}");
    }

    #[test]
    fn both_metrics_follow_their_formulas() {
        check(&[3.0, 4.0], &[3.0, 4.0], 1.0, 0.0);
        check(&[1.0, 0.0], &[0.0, 2.0], 0.0, 5_f32.sqrt());
        check(&[1.0, 0.0], &[-2.0, 0.0], -1.0, 3.0);
        check(&[0.0, 0.0], &[3.0, 4.0], 0.0, 5.0);
        check(&[0.0, 0.0], &[0.0, 0.0], 0.0, 0.0);
        assert_eq!(Probe::new(&[f32::NAN, 1.0]).to(&[f16::ONE; 2], 1.0, f32::NAN).cosine, 0.0);
        // Longer than one round of lanes, with a rest.
        check(&[1.0; 77], &[2.0; 77], 1.0, 77_f32.sqrt());
    }

    #[test]
    fn vast_and_tiny_embeddings_neither_overflow_nor_vanish() {
        check(&[3e30, 0.0], &[0.0, 3.0_f32 * 2_f32.powi(100)], 0.0, 3e30_f32.hypot(3.0 * 2_f32.powi(100)));
        check(&[0.0, 2_f32.powi(-90)], &[2_f32.powi(-90), 0.0], 0.0, 2_f32.powi(-90) * 2_f32.sqrt());
    }

    #[test]
    fn near_duplicates_keep_their_digits() {
        let a = [1000.0; 512];
        let mut b = a;
        b[7] = 1000.5;
        check(&a, &b, 1.0, 0.5);
    }
}
