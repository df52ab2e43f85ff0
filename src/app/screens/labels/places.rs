//! Where the parts of the Labels screen lie: pure arithmetic.

use crate::{
    app::{contact_sheet::ContactSheet, layout::Area, screens::heatmap::Plot},
    display::Depth,
};

/// Lines of words above the pictures of the matrix's panel.
pub const PANEL_WORDS: u16 = 8;

/// The list of one page and what is known of the picture under its cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// The line with what is shown.
    pub title: Area,
    /// The pictures, two lines each.
    pub list: Area,
    /// The picture under the cursor.
    pub picture: Area,
    /// What it may be.
    pub words: Area,
}

impl Places {
    /// Divides the body: side by side where it is wide, else one above the other.
    #[must_use]
    pub fn new(body: Area) -> Self {
        let (title, rest) = body.top(u16::from(body.height > 3));
        let (list, detail) = match rest.width {
            100.. => rest.left(rest.width / 2),
            64.. => rest.left(40),
            _ => rest.top(rest.height / 2),
        };
        let detail = if rest.width >= 64 { detail.left(1).1.inside(1, 0) } else { detail };
        // Name, label and guesses; a blank line in between where there is room for it.
        let (picture, words) = detail.off_bottom(if detail.height >= 16 { 9 } else { detail.height.min(6) });
        Self { title, list, picture, words }
    }

    /// Pictures on a page.
    #[must_use]
    pub fn page(&self) -> usize {
        usize::from(self.list.height / 2).max(1)
    }

    /// The visible picture `at`.
    #[must_use]
    pub fn row(&self, at: usize) -> Area {
        Area { y: self.list.y + 2 * at as u16, height: 2, ..self.list }
    }

    pub(super) fn hit(&self, at: (u16, u16)) -> Option<usize> {
        (0..self.page()).find(|row| self.row(*row).contains(at))
    }
}

/// How the confusion matrix of so many labels is divided, whose longest name has `names` columns: all of it where each label
/// can have a row, else a part that scrolls.
#[must_use]
pub fn matrix_plot(body: Area, labels: usize, names: usize, depth: Depth) -> Plot {
    let names = u16::try_from(names).unwrap_or(u16::MAX);
    let whole = Plot::new(body, labels, names, None, depth);
    let readable = whole.partition.is_single() && whole.cell.halves >= 2 && whole.cell.width >= 4;
    if readable || labels == 0 { whole } else { Plot::new(body, labels, names, Some(3), depth) }
}

/// The pictures of a cell of the matrix, under the words of the panel.
#[must_use]
pub fn confused_sheet(panel: Area) -> ContactSheet {
    ContactSheet::new(panel.top(PANEL_WORDS).1, 16)
}
