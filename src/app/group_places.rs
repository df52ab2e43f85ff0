//! Where groups of pictures lie, and the pictures of one of them: what the screens of look-alikes and of clusters share.

use super::{contact_sheet::ContactSheet, layout::Area};

/// A list of groups that is at least `LIST` columns wide where there is room for much beside it, and the pictures of the one under
/// the cursor in tiles that are at least `TILE` columns wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupPlaces<const LIST: u16, const TILE: u16> {
    /// The line with what is shown.
    pub title: Area,
    /// The groups.
    pub list: Area,
    /// Terminal rows of one group.
    pub height: u16,
    /// The pictures of the group under the cursor.
    pub sheet: ContactSheet,
}

impl<const LIST: u16, const TILE: u16> GroupPlaces<LIST, TILE> {
    /// Divides the body: side by side where it is wide, else one above the other.
    #[must_use]
    pub fn new(body: Area) -> Self {
        let (title, rest) = body.top(u16::from(body.height > 3));
        let (list, sheet) = match rest.width {
            // What is in a group is said in its line: a wide window has room for more of it.
            100.. => rest.left(LIST.max(rest.width * 3 / 10)),
            64.. => rest.left(32),
            _ => rest.top(rest.height / 2),
        };
        let sheet = if rest.width >= 64 { sheet.left(1).1 } else { sheet };
        let sheet = ContactSheet::new(sheet.off_right(1).0, TILE);
        Self { title, list, height: if list.height >= 6 { 2 } else { 1 }, sheet }
    }

    /// The same with larger tiles where all of so many pictures still fit.
    #[must_use]
    pub fn holding(self, members: usize) -> Self {
        Self { sheet: self.sheet.holding(members), ..self }
    }

    /// Groups on a page.
    #[must_use]
    pub fn page(&self) -> usize {
        usize::from(self.list.height / self.height).max(1)
    }

    /// The visible group `at`.
    #[must_use]
    pub fn row(&self, at: usize) -> Area {
        Area { y: self.list.y + at as u16 * self.height, height: self.height, ..self.list }
    }

    /// The visible group at a place on the screen.
    #[must_use]
    pub fn hit(&self, at: (u16, u16)) -> Option<usize> {
        (0..self.page()).find(|row| self.row(*row).contains(at))
    }
}
