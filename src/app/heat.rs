//! The heatmap's state: row order, zoom, cell cursor, and the window of values on the screen.

use std::sync::Arc;

use super::layout::{self, Area};
use crate::{
    display::Depth,
    index::{ImageId, Index},
    similarity::{
        Metric, Partition, View, Window,
        heatmap::window,
        order::{OrderKind, RowOrder},
    },
};

/// How large a cell is drawn, and how many rows it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// Terminal columns.
    pub width: u16,
    /// Half terminal rows: 1 is drawn as a half block.
    pub halves: u16,
    /// It stands for about 2^zoom × 2^zoom pairs; for more or fewer where the cells of the whole table fill the plot.
    pub zoom: u32,
}

impl Cell {
    /// The cell of a zoom level, 0 the largest.
    ///
    /// Without colors a half block cannot have two shades, so there all small cells are two columns wide and one high.
    #[must_use]
    pub fn at(level: u32, depth: Depth) -> Self {
        match level {
            0 => Self { width: 8, halves: 8, zoom: 0 },
            1 => Self { width: 6, halves: 4, zoom: 0 },
            2 => Self { width: 6, halves: 2, zoom: 0 },
            3 => Self { width: 4, halves: 2, zoom: 0 },
            4 => Self { width: 2, halves: 2, zoom: 0 },
            _ if depth == Depth::Mono => Self { width: 2, halves: 2, zoom: level - 4 },
            _ => Self { width: 1, halves: 1, zoom: level - 5 },
        }
    }

    /// Whether its value is written into it.
    #[must_use]
    pub fn has_number(self) -> bool {
        self.width >= 4
    }
}

/// Where the table lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plot {
    /// The line with what is shown.
    pub title: Area,
    /// Two rows of column headers.
    pub top: Area,
    /// The row headers.
    pub names: Area,
    /// The cells.
    pub cells: Area,
    /// The ramp and its range.
    pub legend: Area,
    /// The two pictures under the cursor, where there is room.
    pub panel: Option<Area>,
    /// The zoom level in use.
    pub level: u32,
    /// The size of a cell.
    pub cell: Cell,
    /// Whole cells that fit, down and across.
    pub fits: (usize, usize),
    /// The rows of the table, parted into rows of cells, and its columns likewise.
    pub partition: Partition,
}

impl Plot {
    /// Divides the body for `len` pictures at a level, or at the largest level that shows everything.
    #[must_use]
    pub fn new(body: Area, len: usize, level: Option<u32>, depth: Depth) -> Self {
        let mut plot = Self::at(body, len, level.unwrap_or(0), depth);
        if level.is_none() {
            while !plot.shows_all() && plot.level < u32::BITS {
                plot = Self::at(body, len, plot.level + 1, depth);
            }
        }
        plot
    }

    fn at(body: Area, len: usize, level: u32, depth: Depth) -> Self {
        let cell = Cell::at(level, depth);
        let (title, rest) = body.top(u16::from(body.height > 4));
        let panel = match body.width {
            100.. => body.width * 3 / 10,
            64.. => 26,
            _ => 0,
        };
        let (main, panel) = if panel > 0 && rest.height >= 8 {
            let (main, panel) = rest.off_right(panel);
            (main.off_right(1).0, Some(panel))
        } else {
            (rest, None)
        };
        let (main, legend) = main.off_bottom(u16::from(main.height > 3));
        let names = match (cell.halves, main.width) {
            (_, ..12) => 0,
            (1, ..40) => 5,
            (1, width) => (width / 6).min(14),
            (_, width) => (width / 4).min(22),
        };
        let (top, main) = main.top(if main.height > 4 { 2 } else { 0 });
        let (names, cells) = main.left(names);
        let top = Area { x: cells.x, width: cells.width, ..top };
        let fits = (usize::from(cells.height * 2 / cell.halves), usize::from(cells.width / cell.width));
        // Zoomed out until everything fits, the table fills the plot whatever the number of its rows.
        let side = len.div_ceil(1_usize.checked_shl(cell.zoom).unwrap_or(usize::MAX)).max(fits.0.min(fits.1));
        let partition = Partition::new(len, side);
        Self { title, top, names, cells, legend, panel, level, cell, fits, partition }
    }

    fn shows_all(&self) -> bool {
        self.partition.side() <= self.fits.0.min(self.fits.1)
    }

    /// The terminal column and half row where the visible cell (row, column) begins.
    #[must_use]
    pub fn corner(&self, row: usize, col: usize) -> (u16, u16) {
        (self.cells.x + col as u16 * self.cell.width, self.cells.y * 2 + row as u16 * self.cell.halves)
    }

    /// The visible cell at a terminal cell.
    #[must_use]
    pub fn hit(&self, at: (u16, u16)) -> Option<(usize, usize)> {
        self.cells.contains(at).then(|| {
            (
                usize::from((at.1 - self.cells.y) * 2 / self.cell.halves),
                usize::from((at.0 - self.cells.x) / self.cell.width),
            )
        })
    }
}

/// The heatmap.
#[derive(Default)]
pub struct Heat {
    /// The row order wanted.
    pub kind: OrderKind,
    /// The newest order that was made.
    pub order: Option<Arc<RowOrder>>,
    /// The index it was made from.
    pub ordered: Arc<Index>,
    /// The zoom level; `None` shows everything.
    pub level: Option<u32>,
    /// The picture of the cursor's column; its row is the selection.
    pub partner: Option<ImageId>,
    /// First visible cell, down and across.
    pub first: (usize, usize),
    /// The values on the screen.
    pub shown: Option<(Metric, Window)>,
    /// The ends of the color ramp on the screen, numerically low and high.
    pub range: (f32, f32),
    /// Lowest and highest mean of the overview, by metric: what [`Heat::range`] comes to when all is zoomed out.
    overview: [Option<(f32, f32)>; 2],
}

/// Cells a side of the overview from which the ends of the ramp are taken.
const OVERVIEW: usize = 40;

impl Heat {
    /// Rows of the table.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.as_ref().map_or(0, |order| order.ids.len())
    }

    /// Whether there is no table.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where a picture stands; the first place for one that is not in the order yet.
    #[must_use]
    pub fn position(&self, id: Option<ImageId>) -> usize {
        id.and_then(|id| self.order.as_ref()?.position(id)).unwrap_or(0)
    }

    /// The picture at a place.
    #[must_use]
    pub fn at(&self, position: usize) -> Option<ImageId> {
        self.order.as_ref()?.ids.get(position).copied()
    }

    /// The cursor's cell.
    #[must_use]
    pub fn cursor(&self, selected: Option<ImageId>, partition: Partition) -> (usize, usize) {
        (partition.run(self.position(selected)), partition.run(self.position(self.partner)))
    }

    /// The level after a step in (−1) or out (+1), so far as there is one.
    #[must_use]
    pub fn stepped(&self, body: Area, depth: Depth, out: bool) -> u32 {
        let now = Plot::new(body, self.len(), self.level, depth).level;
        let last = Plot::new(body, self.len(), None, depth).level.max(5);
        if out { (now + 1).min(last) } else { now.saturating_sub(1) }
    }

    /// Keeps the cursor in view and the window's values those of the view. Bounded work: cells on the screen.
    pub fn settle(&mut self, plot: &Plot, selected: Option<ImageId>, metric: Metric) {
        let Some(order) = self.order.clone() else { return };
        let total = plot.partition.side();
        let cursor = self.cursor(selected, plot.partition);
        self.first = (
            layout::scroll(self.first.0, cursor.0, plot.fits.0, total),
            layout::scroll(self.first.1, cursor.1, plot.fits.1, total),
        );
        let end = |first: usize, fits: usize| (first + fits).min(total);
        let view = View {
            side: total,
            rows: self.first.0..end(self.first.0, plot.fits.0),
            cols: self.first.1..end(self.first.1, plot.fits.1),
        };
        if self.shown.as_ref().is_none_or(|(shown, window)| *shown != metric || window.view != view) {
            self.shown = Some((metric, window(&self.ordered, &order, metric, &view)));
            self.range = self.range_at(&order, metric, plot.partition);
        }
    }

    /// The ends of the ramp for cells of this size. Means lie closer together than single values, the more so the more
    /// they are the mean of; the ends come closer with them, so that panning never changes what a color means.
    fn range_at(&mut self, order: &RowOrder, metric: Metric, partition: Partition) -> (f32, f32) {
        let pairs = order.range(metric);
        let overview = Partition::new(order.len(), OVERVIEW);
        if partition.is_single() || overview.is_single() {
            return pairs;
        }
        let index = &self.ordered;
        let means = *self.overview[metric as usize].get_or_insert_with(|| {
            let all = View { side: OVERVIEW, rows: 0..OVERVIEW, cols: 0..OVERVIEW };
            let values = window(index, order, metric, &all).values;
            let known = values.into_iter().filter(|value| !value.is_nan());
            known.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
        });
        // Nothing to tell apart: keep the ends of the single values.
        if means.1 - means.0 <= means.1.abs() * 1e-4 {
            return pairs;
        }
        let rows = |partition: Partition| (order.len() as f32 / partition.side() as f32).ln();
        let share = (rows(partition) / rows(overview)).min(1.0);
        (pairs.0 + (means.0 - pairs.0) * share, pairs.1 + (means.1 - pairs.1) * share)
    }

    /// Takes a new order.
    pub fn take(&mut self, index: Arc<Index>, order: Arc<RowOrder>) {
        (self.ordered, self.order, self.shown, self.overview) = (index, Some(order), None, [None; 2]);
    }

    /// The exact value of one pair.
    #[must_use]
    pub fn pair(&self, metric: Metric, row: ImageId, col: ImageId) -> Option<f32> {
        let order = self.order.as_ref()?;
        let (row, col) = (order.position(row)?, order.position(col)?);
        let view = View { side: order.len(), rows: row..row + 1, cols: col..col + 1 };
        window(&self.ordered, order, metric, &view).values.first().copied()
    }
}

/// Where a value stands between the two ends of the color ramp: 1 is the most alike end, for both metrics.
#[must_use]
pub fn likeness(metric: Metric, value: f32, (low, high): (f32, f32)) -> f32 {
    let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
    match metric {
        Metric::Cosine => share,
        Metric::Euclidean => 1.0 - share,
    }
}

/// Where the two pictures under the cursor and their values lie in the panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Panel {
    /// The row's picture.
    pub row: Area,
    /// Its name.
    pub row_name: Area,
    /// The column's picture.
    pub col: Area,
    /// Its name.
    pub col_name: Area,
    /// Their values.
    pub values: Area,
}

impl Panel {
    /// Divides the panel.
    #[must_use]
    pub fn new(panel: Area) -> Self {
        let panel = panel.inside(1, 0);
        let values = 4;
        let picture = (panel.height.saturating_sub(values + 2) / 2).min(panel.width / 2);
        let (row, rest) = panel.top(picture);
        let (row_name, rest) = rest.top(1);
        let (col, rest) = rest.top(picture);
        let (col_name, values) = rest.top(1);
        Self { row, row_name, col, col_name, values }
    }
}
