//! Where the parts of the heatmap lie: pure arithmetic.

use super::steps::Steps;
use crate::{app::layout::Area, display::Depth, similarity::Partition};

/// How large a cell is drawn, and how many rows it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// Terminal columns; see [`Plot::across`] for those that are wider.
    pub width: u16,
    /// Half terminal rows: 1 is drawn as a half block; see [`Plot::down`] for those that are higher.
    pub halves: u16,
    /// It stands for about 2^zoom × 2^zoom pairs; for more or fewer where the cells of the whole table fill the plot.
    pub zoom: u32,
}

/// The largest cell of a table that fits: in larger ones the eye finds no row.
const LARGEST: (u16, u16) = (24, 10);

/// Columns that a name takes at most.
pub(super) const NAMES: u16 = 22;

/// Cells that are lit to each side of the cursor.
const ARM: usize = 3;

/// Columns of a name that are worth having.
const SHORT_NAME: u16 = 5;

/// Columns of the widest half-high cell.
const WIDEST_HALF: u16 = 3;

/// Digits of the last number of so many.
pub fn digits(len: usize) -> u16 {
    len.max(1).ilog10() as u16 + 1
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

    /// The largest cell of which `len` × `len` fit into a plot; whole rows if there are enough, else half ones. It is a
    /// table: width and height have nothing to do with each other.
    fn fitting(cells: Area, len: usize, depth: Depth) -> Option<Self> {
        let each = |room: u16| u16::try_from(usize::from(room) / len.max(1)).unwrap_or(u16::MAX);
        let (width, halves) = (each(cells.width), each(cells.height * 2).min(2 * LARGEST.1));
        let (widest, halves) = match (halves, depth) {
            (1, Depth::Mono) => return None,
            (1, _) => (WIDEST_HALF, 1),
            // Rows one and a half high still have a whole one each for the number, and fill a plot much better.
            (3, Depth::True | Depth::Indexed256 | Depth::Ansi16) => (LARGEST.0, 3),
            _ => (LARGEST.0, halves / 2 * 2),
        };
        let least = if depth == Depth::Mono { 2 } else { 1 };
        (width >= least && halves > 0).then_some(Self { width: width.min(widest), halves, zoom: 0 })
    }

    /// The largest level whose cell is no larger than this one.
    fn level(self, depth: Depth) -> u32 {
        let within = |level: &u32| {
            let cell = Self::at(*level, depth);
            cell.width <= self.width && cell.halves <= self.halves && cell.zoom >= self.zoom
        };
        (0..u32::BITS).find(within).unwrap_or(0)
    }

    /// Whether its value is written into it.
    #[must_use]
    pub fn has_number(self) -> bool {
        self.width >= 4 && self.halves >= 2
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
    /// The zoom level in use; for a table that fits, the largest one whose cells are no larger.
    pub level: u32,
    /// The size of a cell, of the smaller ones where they differ.
    pub cell: Cell,
    /// Where the visible cells begin: half terminal rows from the top of [`Plot::cells`].
    pub down: Steps,
    /// Likewise: terminal columns from their left.
    pub across: Steps,
    /// Rows and columns are told by their number, and the number of a row stands before its name: names do not fit over
    /// the columns.
    pub numbered: bool,
    /// Whole cells that fit, down and across.
    pub fits: (usize, usize),
    /// The rows of the table, parted into rows of cells, and its columns likewise.
    pub partition: Partition,
}

impl Plot {
    /// Divides the body for `len` pictures, whose longest name has `names` columns, at a level, or so that everything is
    /// shown as large as it can be.
    #[must_use]
    pub fn new(body: Area, len: usize, names: u16, level: Option<u32>, depth: Depth) -> Self {
        let plot = Self::named(body, len, names, level, depth);
        let over_columns = plot.cell.width >= names + 2 || plot.top.height < 2;
        if over_columns || plot.cell.halves < 2 || !plot.partition.is_single() {
            return plot;
        }
        // The number takes its own room unless that costs the numbers in the cells; else some of the name's.
        let wider = Self::named(body, len, names + digits(len) + 1, level, depth);
        let lost = (plot.cell.has_number() && !wider.cell.has_number()) || wider.cell.halves < 2;
        Self { numbered: true, ..if lost { plot } else { wider } }
    }

    /// The same without a thought to the columns.
    fn named(body: Area, len: usize, names: u16, level: Option<u32>, depth: Depth) -> Self {
        if let Some(level) = level {
            return Self::with(body, len, names, Cell::at(level, depth), level);
        }
        for halves in [2, 1] {
            let fitting = |names: u16| {
                let room = Self::with(body, len, names, Cell { width: 1, halves, zoom: 0 }, 0).cells;
                Cell::fitting(room, len, depth).filter(|cell| (cell.halves > 1) == (halves > 1))
            };
            let Some(cell) = fitting(names) else { continue };
            // Names give way where that makes room for numbers.
            let shorter = (SHORT_NAME..names).rev().find_map(|names| {
                let larger = fitting(names).filter(|larger| larger.width > cell.width && cell.width < 4)?;
                larger.has_number().then_some((names, larger))
            });
            let (names, cell) = shorter.unwrap_or((names, cell));
            return Self::with(body, len, names, cell, cell.level(depth)).filled();
        }
        let levels = (4..u32::BITS).map(|level| Self::with(body, len, names, Cell::at(level, depth), level));
        let mut levels = levels.filter(Self::shows_all);
        let all = levels.next();
        all.map_or_else(|| Self::with(body, len, names, Cell::at(u32::BITS, depth), u32::BITS), Self::filled)
    }

    /// The same for a table that fits as a whole: cells without numbers, of which nobody minds that some are larger than
    /// others, take all of the plot.
    fn filled(mut self) -> Self {
        let side = self.partition.side();
        if self.cell.has_number() || side == 0 {
            return self;
        }
        let widest = if self.cell.halves == 1 { WIDEST_HALF } else { LARGEST.0 };
        let room = |room: u16, longest: u16| room.min(u16::try_from(side * usize::from(longest)).unwrap_or(u16::MAX));
        self.across = Steps::filling(room(self.cells.width, widest), side, 1);
        // Where a row of cells has a row of text for its name, it keeps one.
        let unit = if self.cell.halves == 2 { 2 } else { 1 };
        self.down = Steps::filling(room(2 * self.cells.height, 2 * LARGEST.1), side, unit);
        self.fits = (side, side);
        self
    }

    fn with(body: Area, len: usize, names: u16, cell: Cell, level: u32) -> Self {
        let (title, rest) = body.top(u16::from(body.height > 4));
        let beside = match body.width {
            100.. => body.width * 3 / 10,
            64.. => 26,
            _ => 0,
        };
        // A row is about twice as high as a column is wide. A line sets the panel apart.
        let is_portrait = 2 * rest.height > rest.width && rest.height >= 26;
        let (main, panel) = if is_portrait {
            let (main, panel) = rest.off_bottom(rest.height * 2 / 5);
            (main.off_bottom(1).0, Some(panel))
        } else if beside > 0 && rest.height >= 8 {
            let (main, panel) = rest.off_right(beside);
            (main.off_right(1).0, Some(panel))
        } else {
            (rest, None)
        };
        let (main, legend) = main.off_bottom(u16::from(main.height > 3));
        // Beside the name: the sign of the cursor's row, and the bar of its group.
        let names = match (cell.halves, main.width) {
            (_, ..12) => 0,
            (1, ..40) => 5,
            (1, width) => names.min(width / 6).min(12) + 2,
            (_, ..72) => names.min(main.width / 4).min(NAMES) + 2,
            _ => names.min(NAMES + digits(len) + 1) + 2,
        };
        let (top, main) = main.top(if main.height > 4 { 2 } else { 0 });
        let (names, cells) = main.left(names);
        // A row and a column for the signs of the cursor at the far sides.
        let cells = cells.off_right(u16::from(cells.width > 20)).0;
        let cells = cells.off_bottom(u16::from(cells.height > 20)).0;
        let top = Area { x: cells.x, width: cells.width, ..top };
        let fits = (usize::from(cells.height * 2 / cell.halves), usize::from(cells.width / cell.width));
        // Zoomed out until everything fits, the table fills the plot whatever the number of its rows.
        let side = len.div_ceil(1_usize.checked_shl(cell.zoom).unwrap_or(usize::MAX)).max(fits.0.min(fits.1));
        let partition = Partition::new(len, side);
        let (down, across) = (Steps::equal(cell.halves), Steps::equal(cell.width));
        let numbered = false;
        Self { title, top, names, cells, legend, panel, level, cell, down, across, numbered, fits, partition }
    }

    /// Whether the whole table fits.
    #[must_use]
    pub fn shows_all(&self) -> bool {
        self.partition.side() <= self.fits.0.min(self.fits.1)
    }

    /// The terminal column and half row where the visible cell (row, column) begins.
    #[must_use]
    pub fn corner(&self, row: usize, col: usize) -> (u16, u16) {
        (self.cells.x + self.across.edge(col), self.cells.y * 2 + self.down.edge(row))
    }

    /// The whole rows of text of the visible cell (row, column); none of a cell of half a row.
    #[must_use]
    pub fn place(&self, row: usize, col: usize) -> Area {
        let (x, y) = self.corner(row, col);
        let (top, bottom) = (y.div_ceil(2), (y + self.down.length(row)) / 2);
        Area { x, y: top, width: self.across.length(col), height: bottom.saturating_sub(top) }
    }

    /// The line of a visible cell in which its number stands, and which is lit beside the cursor.
    #[must_use]
    pub fn line(&self, row: usize, col: usize) -> Area {
        let place = self.place(row, col);
        place.top(place.height.saturating_sub(1) / 2).1.top(1).0
    }

    /// The row of the terminal where a row of cells is pointed at and named.
    #[must_use]
    pub fn row_line(&self, row: usize) -> u16 {
        let line = self.line(row, 0);
        if line.height > 0 { line.y } else { self.corner(row, 0).1 / 2 }
    }

    /// Whether a cell is lit because it is in the row or the column of the cursor's, and near it: the whole row would
    /// cost more than 2 KB a key.
    #[must_use]
    pub fn is_lit(&self, cell: (usize, usize), cursor: (usize, usize)) -> bool {
        let (down, across) = (cell.0.abs_diff(cursor.0), cell.1.abs_diff(cursor.1));
        (down == 0 || across == 0) && (1..=ARM).contains(&(down + across))
    }

    /// The visible cell at a terminal cell.
    #[must_use]
    pub fn hit(&self, at: (u16, u16)) -> Option<(usize, usize)> {
        self.cells.contains(at).then(|| (self.down.at((at.1 - self.cells.y) * 2), self.across.at(at.0 - self.cells.x)))
    }
}
