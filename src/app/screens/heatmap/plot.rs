//! Where the parts of the heatmap lie: pure arithmetic.

use crate::{app::layout::Area, display::Depth, similarity::Partition};

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
