//! The inner loops: one pair of embeddings at a time, both metrics at once.

use half::f16;

use super::Metric;
use crate::index::Entry;

/// Accumulators a sum is spread over, so that the compiler keeps them in SIMD registers.
const LANES: usize = 32;

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
        let (mut dot, mut squares) = dot_and_squares(&self.values, row, scale);
        // Outside the comfortable range of f32 squares overflow or vanish; such rows are rare and take the slow way.
        if !(squares > 1e-24 && squares < 1e36 && dot.abs() < 1e36) {
            (dot, squares) = dot_and_squares_wide(&self.values, row, scale);
        }
        let lengths = f64::from(self.norm) * f64::from(norm);
        let cosine = if lengths == 0.0 {
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
    dot_and_squares(a, b, 1.0).0
}

/// Σ(a−b)².
pub(super) fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    dot_and_squares(a, b, 1.0).1
}

/// Adds `row × factor` to `sum`.
pub(super) fn add(sum: &mut [f32], row: &[f16], factor: f32) {
    for (sum, value) in sum.iter_mut().zip(row) {
        *sum += value.to_f32() * factor;
    }
}

/// a·b and Σ(a−b)² in f32, b being `row × scale`.
fn dot_and_squares<B: Copy + Into<f32>>(a: &[f32], row: &[B], scale: f32) -> (f64, f64) {
    let (mut dot, mut squares) = ([0_f32; LANES], [0_f32; LANES]);
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), row.chunks_exact(LANES));
    let tail = a_chunks.remainder().iter().zip(b_chunks.remainder());
    for (a, b) in a_chunks.zip(b_chunks) {
        for lane in 0..LANES {
            let b = b[lane].into() * scale;
            dot[lane] += a[lane] * b;
            squares[lane] += (a[lane] - b) * (a[lane] - b);
        }
    }
    for (lane, (a, b)) in tail.enumerate() {
        let b = (*b).into() * scale;
        dot[lane] += a * b;
        squares[lane] += (a - b) * (a - b);
    }
    (sum(&dot), sum(&squares))
}

/// [`dot_and_squares`] in f64.
fn dot_and_squares_wide(a: &[f32], row: &[f16], scale: f32) -> (f64, f64) {
    a.iter().zip(row).fold((0.0, 0.0), |(dot, squares), (a, b)| {
        let (a, b) = (f64::from(*a), f64::from(b.to_f32()) * f64::from(scale));
        (dot + a * b, squares + (a - b) * (a - b))
    })
}

fn sum(lanes: &[f32]) -> f64 {
    lanes.iter().map(|v| f64::from(*v)).sum()
}
