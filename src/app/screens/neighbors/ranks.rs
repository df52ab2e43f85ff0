//! Where the query and its neighbors lie: a line each, a row with its picture, or a contact sheet.

use crate::app::{contact_sheet::ContactSheet, layout::Area};

/// Where the query and the ranking lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ranks {
    /// The line with what is shown.
    pub title: Area,
    /// The query's picture, where there is room.
    pub picture_of_query: Option<Area>,
    /// What is known of the query: four lines, or one where there is little room.
    pub facts: Area,
    /// The line between the query and the rows: upright, or level where the query lies above them.
    pub line: Option<Area>,
    /// The rows.
    pub list: Area,
    /// Terminal rows of one neighbor.
    pub height: u16,
    /// Columns of a neighbor's thumbnail, 0 where there is no room.
    pub thumb: u16,
    /// The contact sheet that takes the place of the rows.
    pub sheet: Option<ContactSheet>,
}

/// The sizes of a neighbor, see [`Neighbors::size`](super::Neighbors::size).
pub(super) const SIZES: std::ops::RangeInclusive<i16> = -1..=6;
/// Lines of what is known of the query.
const FACTS: u16 = 4;
/// Columns of a tile at the smallest size of the contact sheet, and those that each larger size adds.
const TILE: (i16, i16) = (14, 6);

impl Ranks {
    /// Divides the body; `size` is [`Neighbors::size`](super::Neighbors::size).
    #[must_use]
    pub fn new(body: Area, size: i16) -> Self {
        let (title, rest) = body.top(u16::from(body.height > 3));
        let pane = match body.width {
            100.. => body.width * 2 / 5,
            64.. => 30,
            _ => 0,
        };
        let (picture_of_query, facts, line, list) = if pane > 0 && rest.height >= 8 {
            let (query, list) = rest.left(pane);
            let (picture, facts) = query.inside(1, 0).off_bottom(FACTS);
            let (line, list) = list.left(1);
            (Some(picture), facts, Some(line), list)
        } else if rest.height >= 14 {
            let (query, list) = rest.top(FACTS);
            let (picture, facts) = query.inside(1, 0).left(3 * FACTS);
            let (line, list) = list.top(1);
            (Some(picture), facts.left(1).1, Some(line), list)
        } else {
            let (facts, list) = rest.top(u16::from(rest.height > 3));
            (None, facts.inside(1, 0), None, list)
        };
        let (height, thumb) = match (list.height, list.width) {
            _ if size < 0 => (1, 0),
            (28.., 56..) => (5, 11),
            (14.., 44..) => (4, 8),
            (9.., 34..) => (3, 8),
            (6.., _) => (2, 0),
            _ => (1, 0),
        };
        let wish = (TILE.0 + (size - 1) * TILE.1).max(TILE.0) as u16;
        let sheet = (size > 0).then(|| ContactSheet::new(list.off_right(1).0, wish));
        Self { title, picture_of_query, facts, line, list, height, thumb, sheet }
    }

    /// Neighbors side by side.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.sheet.map_or(1, |sheet| sheet.columns)
    }

    /// Neighbors on a page.
    #[must_use]
    pub fn page(&self) -> usize {
        if let Some(sheet) = self.sheet {
            return sheet.page();
        }
        // The gap under the last one may fall off.
        usize::from((self.list.height + self.gap()) / self.height)
    }

    /// Empty rows under each neighbor, so that their pictures stay apart.
    #[must_use]
    pub fn gap(&self) -> u16 {
        u16::from(self.height > 3)
    }

    /// The visible row `at`.
    #[must_use]
    pub fn row(&self, at: usize) -> Area {
        Area { y: self.list.y + at as u16 * self.height, height: self.height - self.gap(), ..self.list }
    }

    /// What is said of the neighbor in the visible row `at`.
    #[must_use]
    pub fn words(&self, at: usize) -> Area {
        self.row(at).left(2 + self.thumb + u16::from(self.thumb > 0)).1.off_right(1).0
    }

    /// The thumbnail in the visible row `at`.
    #[must_use]
    pub fn picture(&self, at: usize) -> Area {
        self.row(at).left(2).1.left(self.thumb).0
    }

    /// The visible neighbor at a terminal cell.
    #[must_use]
    pub fn hit(&self, at: (u16, u16)) -> Option<usize> {
        if let Some(sheet) = self.sheet {
            return sheet.hit(0, at);
        }
        (0..self.page()).find(|row| self.row(*row).contains(at))
    }
}
