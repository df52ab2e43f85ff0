//! The pictures of an index as unit vectors, block by block: never all of them at once in f32.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, CowArray, Ix2};

use crate::index::{ImageId, Index};

/// Rows that are multiplied at a time.
const BLOCK_LEN: usize = 1024;
/// Parts that are worked on at once. What is summed up in a part does not depend on how many processors there are.
const PARTS: usize = 32;

/// Unit vectors, a matrix of which a part at a time is in memory.
pub(super) trait Rows: Sync {
    /// How many rows there are.
    fn len(&self) -> usize;

    /// Values of a row.
    fn dim(&self) -> usize;

    /// Some rows that follow on one another.
    fn block(&self, rows: Range<usize>) -> CowArray<'_, f32, Ix2>;

    /// All rows, cut into pieces to be worked on at once.
    fn parts(&self) -> impl Iterator<Item = Range<usize>> {
        let (len, part) = (self.len(), self.len().div_ceil(PARTS).max(BLOCK_LEN));
        (0..len).step_by(part).map(move |start| start..(start + part).min(len))
    }
}

/// A piece in blocks that fit into the processor's caches.
pub(super) fn blocks(part: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = part.end;
    part.step_by(BLOCK_LEN).map(move |start| start..(start + BLOCK_LEN).min(end))
}

impl Rows for ArrayView2<'_, f32> {
    fn len(&self) -> usize {
        self.nrows()
    }

    fn dim(&self) -> usize {
        self.ncols()
    }

    fn block(&self, rows: Range<usize>) -> CowArray<'_, f32, Ix2> {
        self.slice(ndarray::s![rows, ..]).into()
    }
}

/// The pictures of an index, each with its embedding divided by its length. One without a direction stays zero and is
/// alike to none.
pub(super) struct UnitRows<'a> {
    index: &'a Index,
    /// The pictures, by row.
    pub ids: Vec<ImageId>,
}

impl<'a> UnitRows<'a> {
    /// All pictures by path: the order of arrival is another one in each run, and what is drawn or comes first among equals
    /// must not be.
    pub fn new(index: &'a Index) -> Self {
        let mut entries: Vec<_> = index.iter().collect();
        entries.sort_by(|a, b| (a.root, a.relative(), a.id).cmp(&(b.root, b.relative(), b.id)));
        Self { index, ids: entries.into_iter().map(|entry| entry.id).collect() }
    }

    /// Some rows as a dense matrix.
    pub fn gather(&self, rows: impl ExactSizeIterator<Item = usize>) -> Array2<f32> {
        let mut matrix = Array2::zeros((rows.len(), self.dim()));
        for (mut target, row) in matrix.rows_mut().into_iter().zip(rows) {
            let Some(entry) = self.index.get(self.ids[row]) else { continue };
            if entry.norm > 0.0 && entry.norm.is_finite() {
                let factor = entry.scale / entry.norm;
                target.iter_mut().zip(entry.row).for_each(|(value, half)| *value = half.to_f32() * factor);
            }
        }
        matrix
    }
}

impl Rows for UnitRows<'_> {
    fn len(&self) -> usize {
        self.ids.len()
    }

    fn dim(&self) -> usize {
        self.index.dim()
    }

    fn block(&self, rows: Range<usize>) -> CowArray<'_, f32, Ix2> {
        self.gather(rows).into()
    }
}

/// At most `count` of `len` places, evenly spaced.
pub(super) fn evenly(len: usize, count: usize) -> impl ExactSizeIterator<Item = usize> + Clone {
    let count = count.min(len);
    (0..count).map(move |at| at * len / count)
}
