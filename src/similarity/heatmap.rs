//! Windows into the N×N table of all pairs, from one cell a pair to one cell for everything.
//!
//! At zoom z a cell stands for 2^z × 2^z pairs and shows their exact mean: of the cosines, or the root of the mean
//! squared distance. A picture says nothing about itself, so from zoom 1 on cells on the diagonal average the pairs of
//! two *different* pictures; at zoom 0 the diagonal is exactly 1 or 0.

use std::{borrow::Cow, ops::Range};

use super::{Metric, blocks::Block, kernel::Probe, order::RowOrder};
use crate::index::Index;

/// Which cells are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct View {
    /// One cell covers 2^zoom rows and columns.
    pub zoom: u32,
    /// Rows of cells, see [`blocks`].
    pub rows: Range<usize>,
    /// Columns of cells.
    pub cols: Range<usize>,
}

/// The cells of a view.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// What is covered: the view asked for, cut to the table.
    pub view: View,
    /// Row-major, `view.rows.len() × view.cols.len()`; NaN where all pictures of a block were removed.
    pub values: Vec<f32>,
}

impl Window {
    /// The value of a cell by its place in the whole table of cells; `None` outside the window.
    #[must_use]
    pub fn get(&self, row: usize, col: usize) -> Option<f32> {
        let inside = self.view.rows.contains(&row) && self.view.cols.contains(&col);
        inside.then(|| self.values[(row - self.view.rows.start) * self.view.cols.len() + col - self.view.cols.start])
    }
}

/// Cells along each side of the table at a zoom, for `len` pictures.
#[must_use]
pub fn blocks(len: usize, zoom: u32) -> usize {
    1_usize.checked_shl(zoom).map_or(len.min(1), |block| len.div_ceil(block))
}

/// The positions in the row order that a block covers; the last block may be short.
#[must_use]
pub fn rows_of(len: usize, zoom: u32, block: usize) -> Range<usize> {
    let edge =
        |block: usize| block.checked_mul(1_usize.checked_shl(zoom).unwrap_or(usize::MAX)).unwrap_or(len).min(len);
    edge(block)..edge(block.saturating_add(1))
}

/// The smallest zoom at which the whole table fits into `cells` cells a side.
#[must_use]
pub fn zoom_to_fit(len: usize, cells: usize) -> u32 {
    (0..usize::BITS).find(|zoom| blocks(len, *zoom) <= cells.max(1)).unwrap_or(usize::BITS)
}

/// The values of a window. Work grows with the cells asked for, not with the pictures behind them.
///
/// `order` must be one of this index; pictures removed since count only in blocks of the zoomed-out levels.
#[must_use]
pub fn window(index: &Index, order: &RowOrder, metric: Metric, view: &View) -> Window {
    let cells = blocks(order.ids.len(), view.zoom);
    let cut = |range: &Range<usize>| range.start.min(cells)..range.end.clamp(range.start.min(cells), cells);
    let view = View { zoom: view.zoom, rows: cut(&view.rows), cols: cut(&view.cols) };
    let values = if view.zoom == 0 { pairs(index, order, metric, &view) } else { means(index, order, metric, &view) };
    Window { view, values }
}

/// Zoom 0: the table itself, with the very values that [`compare`](super::compare) gives.
fn pairs(index: &Index, order: &RowOrder, metric: Metric, view: &View) -> Vec<f32> {
    let cols: Vec<_> = order.ids[view.cols.clone()].iter().map(|id| index.get(*id)).collect();
    let mut values = Vec::with_capacity(view.rows.len() * cols.len());
    for id in &order.ids[view.rows.clone()] {
        let probe = index.get(*id).map(|entry| Probe::of(&entry));
        values.extend(cols.iter().map(|col| match (&probe, col) {
            (Some(_), Some(col)) if col.id == *id => metric.of_itself(),
            (Some(probe), Some(col)) => probe.to(col.row, col.scale, col.norm).value(metric),
            _ => f32::NAN,
        }));
    }
    values
}

/// Zoom 1 and more: means over blocks.
fn means(index: &Index, order: &RowOrder, metric: Metric, view: &View) -> Vec<f32> {
    let stored = order.pyramid.level(view.zoom);
    let side = |range: &Range<usize>| -> Vec<Cow<'_, Block>> {
        let block = |at| match stored {
            Some(level) => Cow::Borrowed(&level[at]),
            None => Cow::Owned(Block::of(index, &order.ids[rows_of(order.ids.len(), view.zoom, at)])),
        };
        range.clone().map(block).collect()
    };
    let (rows, cols) = (side(&view.rows), side(&view.cols));
    let mut values = Vec::with_capacity(rows.len() * cols.len());
    for (row, at) in rows.iter().zip(view.rows.clone()) {
        values.extend(
            cols.iter()
                .zip(view.cols.clone())
                .map(|(col, across)| if at == across { row.within(metric) } else { row.with(col, metric) }),
        );
    }
    values
}
