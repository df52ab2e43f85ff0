//! The panel beside or under the table: the two pictures under the cursor, their values, and the values around them.

use super::Plot;
use crate::app::layout::{self, Area};

/// Where things lie in the panel.
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
    /// The values along the row and along the column, where the cells have no numbers of their own and there is room.
    pub lens: Option<[Area; 2]>,
}

/// Columns and rows of a picture over a network: two of them, and what else the move of the cursor changes, come to some
/// two kilobytes.
const REMOTE: (u16, u16) = (12, 6);

/// Lines of values.
const VALUES: u16 = 4;

/// Lines with which values around the cursor are worth their room: a heading, and some to both sides of its own.
const LENS: u16 = 8;

impl Panel {
    /// Divides the panel of a plot that has one. Over a network pictures are small: each rest of the cursor sends two.
    #[must_use]
    pub fn of(plot: &Plot, is_remote: bool) -> Option<Self> {
        let panel = plot.panel?.inside(1, 0);
        let beside = panel.y <= plot.cells.y;
        let numbers = plot.cell.has_number() || !plot.partition.is_single();
        let lens = !numbers && beside && panel.width >= 32 && panel.height >= 28;
        let most = if is_remote { REMOTE } else { (u16::MAX, u16::MAX) };
        Some(match beside && !lens {
            true => Self::stacked(panel, most),
            false => Self::side_by_side(panel, lens, most),
        })
    }

    fn stacked(panel: Area, most: (u16, u16)) -> Self {
        let picture = (panel.height.saturating_sub(VALUES + 2) / 2).min(panel.width / 2).min(most.1);
        let (row, rest) = panel.top(picture);
        let (row_name, rest) = rest.top(1);
        let (col, rest) = rest.top(picture);
        let (col_name, values) = rest.top(1);
        let [row, col] = [row, col].map(|area| layout::centered(area, (most.0, area.height)));
        Self { row, row_name, col, col_name, values, lens: None }
    }

    fn side_by_side(panel: Area, lens: bool, most: (u16, u16)) -> Self {
        let spare = if lens { LENS } else { 0 };
        let picture = panel.height.saturating_sub(VALUES + 2 + spare).min(panel.width / 4).min(most.1);
        let (pictures, rest) = panel.top(picture);
        let [row, col] = halves(pictures).map(|area| layout::centered(area, (most.0, area.height)));
        let (row_name, rest) = rest.top(1);
        let (col_name, rest) = rest.top(1);
        let (values, rest) = rest.top(VALUES);
        Self { row, row_name, col, col_name, values, lens: lens.then(|| halves(rest)) }
    }
}

/// The left and the right half, a column apart.
fn halves(area: Area) -> [Area; 2] {
    let (left, right) = area.left(area.width / 2);
    [left.off_right(1).0, right]
}
