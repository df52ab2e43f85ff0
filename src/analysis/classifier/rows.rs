//! The embeddings that a classifier learns from: scaled to length 1, read from the index block by block, so that no table
//! of them is ever held in memory.

use half::{f16, slice::HalfFloatSliceExt};
use ndarray::{ArrayView2, ArrayViewMut2};

use crate::index::{ImageId, Index};

/// Rows that are multiplied at once: small enough to stay in the processor's cache with their scores.
pub(super) const BLOCK: usize = 256;

/// Embeddings of an index, each scaled to length 1; a zero embedding stays zero.
#[derive(Clone)]
pub struct ProbeRows<'a> {
    rows: Vec<(&'a [f16], f32)>,
    dim: usize,
}

impl<'a> ProbeRows<'a> {
    /// The rows of these pictures, in their order; a picture that is not in the index has a zero row.
    #[must_use]
    pub fn of(index: &'a Index, ids: impl IntoIterator<Item = ImageId>) -> Self {
        let row = |id| {
            let entry = index.get(id).filter(|entry| entry.norm > 0.0);
            entry.map_or((&[][..], 0.0), |entry| (entry.row, entry.scale / entry.norm))
        };
        Self { rows: ids.into_iter().map(row).collect(), dim: index.dim() }
    }

    /// Some of them, by their places.
    #[must_use]
    pub(super) fn pick(&self, places: &[usize]) -> Self {
        Self { rows: places.iter().map(|at| self.rows[*at]).collect(), dim: self.dim }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Values in a row.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Writes the rows from `first` on into `block`, as many as it has room for: row-major, `dim` values each.
    pub(super) fn read(&self, first: usize, block: &mut [f32]) {
        for (out, (row, factor)) in block.chunks_exact_mut(self.dim.max(1)).zip(&self.rows[first..]) {
            if row.is_empty() {
                out.fill(0.0);
                continue;
            }
            row.convert_to_f32_slice(out);
            out.iter_mut().for_each(|value| *value *= factor);
        }
    }

    /// Their mean, `dim` values.
    pub(super) fn mean(&self) -> Vec<f32> {
        let mut sums = vec![0_f64; self.dim];
        for (row, factor) in &self.rows {
            for (sum, value) in sums.iter_mut().zip(*row) {
                *sum += f64::from(value.to_f32() * factor);
            }
        }
        sums.iter().map(|sum| (sum / self.rows.len().max(1) as f64) as f32).collect()
    }
}

/// A row-major table as a matrix; `values` must have `rows × columns` of them.
pub(super) fn matrix(values: &[f32], rows: usize, columns: usize) -> Option<ArrayView2<'_, f32>> {
    ArrayView2::from_shape((rows, columns), values).ok()
}

/// [`matrix`], to be written.
pub(super) fn matrix_mut(values: &mut [f32], rows: usize, columns: usize) -> Option<ArrayViewMut2<'_, f32>> {
    ArrayViewMut2::from_shape((rows, columns), values).ok()
}
