//! Windows into the N×N table of all pairs, from one cell a pair to one cell for everything.
//!
//! The rows are divided into as many runs of equal length as cells are wanted along a side, and a cell shows the exact
//! mean of the pairs that it stands for: of the cosines, or the root of the mean squared distance. A picture says nothing
//! about itself, so where cells stand for several pairs those on the diagonal average the pairs of two *different*
//! pictures; where each is one pair the diagonal is exactly 1 or 0.

use std::{borrow::Cow, ops::Range, sync::Arc};

use super::{Executor, Metric, blocks, kernel::QueryVector, map_parallel, row_order::RowOrder};
use crate::index::{ImageId, Index};

/// A division of rows into runs whose lengths differ by one at most: run i begins at row ⌊i·len/side⌋.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    len: usize,
    side: usize,
}

impl Partition {
    /// Divides `len` rows into `side` runs, or into fewer so that none is empty.
    #[must_use]
    pub fn new(len: usize, side: usize) -> Self {
        Self { len, side: side.clamp(len.min(1), len) }
    }

    /// How many runs there are: cells along each side of the whole table.
    #[must_use]
    pub fn side(self) -> usize {
        self.side
    }

    /// How many pairs a cell stands for, in words: `8×8 pairs`, or `up to 8×8 pairs` when runs differ in length.
    #[must_use]
    pub fn pairs(self) -> String {
        let longest = self.len.div_ceil(self.side.max(1));
        let about = if longest * self.side == self.len { "" } else { "up to " };
        format!("{about}{longest}×{longest} pairs")
    }

    /// Whether each run is a single row, and so each cell one pair.
    #[must_use]
    pub fn is_single(self) -> bool {
        self.side == self.len
    }

    /// Whether a cell stands for nothing but a picture and itself, which says nothing.
    #[must_use]
    pub fn is_itself(self, row: usize, col: usize) -> bool {
        row == col && self.rows(row).len() == 1
    }

    /// The rows of a run; none beyond the last.
    #[must_use]
    pub fn rows(self, run: usize) -> Range<usize> {
        self.edge(run)..self.edge(run.saturating_add(1))
    }

    /// The run that a row is in.
    #[must_use]
    pub fn run(self, row: usize) -> usize {
        let row = row.min(self.len.saturating_sub(1)) as u128;
        ((row + 1) * self.side as u128).saturating_sub(1).checked_div(self.len as u128).unwrap_or(0) as usize
    }

    /// Where a run begins. Wide enough numbers, so that a product of two lengths cannot overflow.
    fn edge(self, run: usize) -> usize {
        let edge = run.min(self.side) as u128 * self.len as u128;
        edge.checked_div(self.side as u128).unwrap_or(0) as usize
    }
}

/// A rectangle of cells of the heatmap.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct View {
    /// Cells along each side of the whole table, see [`Partition`].
    pub side: usize,
    /// Rows of cells.
    pub rows: Range<usize>,
    /// Columns of cells.
    pub cols: Range<usize>,
}

/// The values of a [`View`].
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

/// Computes the values of a view. The work grows with the number of cells, not with the pictures that they stand for.
///
/// `order` must be one of this index; pictures removed since count only where their sums were prepared.
#[must_use]
pub fn window(index: &Index, order: &RowOrder, metric: Metric, view: &View) -> Window {
    let partition = Partition::new(order.ids.len(), view.side);
    let side = partition.side();
    let cut = |range: &Range<usize>| range.start.min(side)..range.end.clamp(range.start.min(side), side);
    let view = View { side, rows: cut(&view.rows), cols: cut(&view.cols) };
    let values = if partition.is_single() {
        pairs(index, order, metric, &view)
    } else {
        means(index, order, metric, &view, partition)
    };
    Window { view, values }
}

/// A block of the table.
#[derive(Debug, Clone)]
pub struct Block {
    /// How pairs are compared.
    pub metric: Metric,
    /// The table's rows and columns.
    pub order: Arc<RowOrder>,
    /// Which of them are its rows.
    pub rows: Range<usize>,
    /// Which of them are its columns.
    pub cols: Range<usize>,
}

/// Equal when they are parts of the same order: no row is looked at.
impl PartialEq for Block {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.order, &other.order)
            && (self.metric, &self.rows, &self.cols) == (other.metric, &other.rows, &other.cols)
    }
}

/// The most and the least alike pair of two different pictures in a block, with their values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extremes {
    /// The most alike pair, row and column; of equal ones the first.
    pub best: ([ImageId; 2], f32),
    /// The least alike pair.
    pub worst: ([ImageId; 2], f32),
}

impl Block {
    /// Compares each row with each column: work for a worker. `None` if there is no pair of different pictures, or when
    /// it was `superseded`.
    #[must_use]
    pub fn extremes(
        &self,
        index: &Index,
        executor: Executor<'_>,
        superseded: &dyn Fn() -> bool,
        portion: usize,
    ) -> Option<Extremes> {
        let metric = self.metric;
        let cols: Vec<_> = self.order.ids[self.cols.clone()].iter().filter_map(|id| index.get(*id)).collect();
        let of_row = |id: &ImageId| {
            let row = index.get(*id)?;
            let query = QueryVector::of(&row);
            let mut found: Option<Extremes> = None;
            for col in cols.iter().filter(|col| col.id != *id) {
                let pair = ([*id, col.id], query.to(col.row, col.scale, col.norm).value(metric));
                found = Some(match found {
                    None => Extremes { best: pair, worst: pair },
                    Some(found) => found.with(metric, Extremes { best: pair, worst: pair }),
                });
            }
            found
        };
        let mut found: Option<Extremes> = None;
        for rows in self.order.ids[self.rows.clone()].chunks((portion / cols.len().max(1)).max(1)) {
            if superseded() {
                return None;
            }
            let each = map_parallel(executor, rows.iter(), of_row);
            found = each.into_iter().flatten().chain(found.take()).reduce(|a, b| a.with(metric, b));
        }
        found
    }
}

impl Extremes {
    fn with(self, metric: Metric, other: Self) -> Self {
        let nearer = |a: f32, b: f32| metric.nearer(a, b).is_lt();
        let best = if nearer(other.best.1, self.best.1) { other.best } else { self.best };
        let worst = if nearer(self.worst.1, other.worst.1) { other.worst } else { self.worst };
        Self { best, worst }
    }
}

/// Values of single pairs, equal to those that [`compare`](super::compare) gives.
fn pairs(index: &Index, order: &RowOrder, metric: Metric, view: &View) -> Vec<f32> {
    let cols: Vec<_> = order.ids[view.cols.clone()].iter().map(|id| index.get(*id)).collect();
    let mut values = Vec::with_capacity(view.rows.len() * cols.len());
    for id in &order.ids[view.rows.clone()] {
        let query = index.get(*id).map(|entry| QueryVector::of(&entry));
        values.extend(cols.iter().map(|col| match (&query, col) {
            (Some(_), Some(col)) if col.id == *id => metric.self_value(),
            (Some(query), Some(col)) => query.to(col.row, col.scale, col.norm).value(metric),
            _ => f32::NAN,
        }));
    }
    values
}

/// Means over blocks of pairs, one a cell.
fn means(index: &Index, order: &RowOrder, metric: Metric, view: &View, partition: Partition) -> Vec<f32> {
    let block = |run| order.pyramid.block(index, &order.ids, partition.rows(run));
    let cols: Vec<blocks::Block> = view.cols.clone().map(block).collect();
    let mut values = Vec::with_capacity(view.rows.len() * cols.len());
    for at in view.rows.clone() {
        // Where the window crosses the diagonal its rows are among its columns.
        let among = view.cols.contains(&at).then(|| Cow::Borrowed(&cols[at - view.cols.start]));
        let row = among.unwrap_or_else(|| Cow::Owned(block(at)));
        let value = |(col, across)| if at == across { row.within(metric) } else { row.with(col, metric) };
        values.extend(cols.iter().zip(view.cols.clone()).map(value));
    }
    values
}
