//! The contact sheet: pictures side by side in tiles, on every screen that shows many. A room owns which pictures they
//! are, which of them is under the cursor and the first visible row; `ui/contact_sheet.rs` draws it.

use super::{
    action::Step,
    layout::{self, Area},
    previews::Slot,
};
use crate::preview::Subject;

/// Where the tiles lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContactSheet {
    /// All of it.
    pub area: Area,
    /// Tiles side by side.
    pub columns: usize,
    /// Tiles one under the other.
    pub rows: usize,
    tile: (u16, u16),
}

/// Columns of the widest tile that few pictures get.
const WIDEST: u16 = 80;

impl ContactSheet {
    /// Fills an area with tiles that are at least `wish` columns wide, or as wide as the area.
    #[must_use]
    pub fn new(area: Area, wish: u16) -> Self {
        Self::of_columns(area, (area.width / wish.max(1)).max(1))
    }

    /// The same with the tiles in which pictures are largest, where all of `total` pictures fit on a page.
    #[must_use]
    pub fn holding(self, total: usize) -> Self {
        let fewest = self.area.width.div_ceil(WIDEST).max(1);
        let held = (fewest..self.columns as u16).map(|columns| {
            let usual = Self::of_columns(self.area, columns);
            let needed = u16::try_from(total.div_ceil(columns.into())).unwrap_or(u16::MAX);
            let rows = needed.max(usual.rows as u16);
            Self { rows: rows.into(), tile: (usual.tile.0, self.area.height / rows), ..usual }
        });
        // A tile much wider than its picture would be a frame around nothing.
        let filled = held.filter(|sheet| 4 * sheet.picture_columns() >= 3 * sheet.tile.0.saturating_sub(2));
        let larger = filled.filter(|sheet| sheet.picture_columns() > self.picture_columns() && self.page() >= total);
        // Of equal ones the one with more columns leaves less room unused.
        larger.max_by_key(Self::picture_columns).unwrap_or(self)
    }

    /// Columns of a picture of usual proportions.
    fn picture_columns(&self) -> u16 {
        layout::fitted(Area::of(self.tile).inside(1, 1), (4, 3)).width
    }

    fn of_columns(area: Area, columns: u16) -> Self {
        let width = area.width / columns;
        // Pictures are mostly 4:3 and cells twice as high as wide; two rows go to the frame, which carries the words.
        let height = (width.saturating_sub(2) * 3 / 8).max(2) + 2;
        let rows = (area.height / height).max(1);
        Self { area, columns: columns.into(), rows: rows.into(), tile: (width, area.height / rows) }
    }

    /// The frame of the visible tile `at`, counted from the first visible one.
    #[must_use]
    pub fn tile(&self, at: usize) -> Area {
        let (column, row) = ((at % self.columns) as u16, (at / self.columns) as u16);
        // What does not divide evenly becomes a margin.
        let margin = (self.area.width - self.columns as u16 * self.tile.0) / 2;
        Area {
            x: self.area.x + margin + column * self.tile.0,
            y: self.area.y + row * self.tile.1,
            width: self.tile.0,
            height: self.tile.1,
        }
    }

    /// The picture inside a tile.
    #[must_use]
    pub fn picture(&self, at: usize) -> Area {
        self.tile(at).inside(1, 1)
    }

    /// Tiles on a page.
    #[must_use]
    pub fn page(&self) -> usize {
        self.columns * self.rows
    }

    /// The place in the list of what is visible at a terminal cell, when `first` is the first visible row.
    #[must_use]
    pub fn hit(&self, first: usize, at: (u16, u16)) -> Option<usize> {
        let visible = (0..self.page()).find(|tile| self.tile(*tile).contains(at))?;
        Some(first * self.columns + visible)
    }

    /// Where a step takes the cursor in a list of `total` pictures.
    #[must_use]
    pub fn stepped(&self, cursor: usize, total: usize, step: Step) -> usize {
        step.moved(cursor, total, self.columns, self.page())
    }

    /// The first visible row after the cursor moved.
    #[must_use]
    pub fn scrolled(&self, first: usize, cursor: usize, total: usize) -> usize {
        layout::scroll(first, cursor / self.columns, self.rows, total.div_ceil(self.columns))
    }

    /// The visible part of a list, and what is visible `after` so many more pages.
    pub fn visible<T>(&self, first: usize, after: usize, list: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
        list.skip(first * self.columns + after * self.page()).take(self.page())
    }

    /// The places of the visible pictures of a list, or of those that are visible `after` so many more pages.
    pub fn slots<T: Into<Subject>>(
        &self,
        first: usize,
        after: usize,
        list: impl Iterator<Item = T>,
    ) -> impl Iterator<Item = Slot> {
        let visible = self.visible(first, after, list).enumerate();
        visible.map(|(at, subject)| Slot::new(subject, self.picture(at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_fill_their_area_and_never_leave_it() {
        for (width, height, wish) in [(0, 0, 17), (1, 1, 17), (40, 10, 13), (53, 19, 17), (139, 42, 20), (30, 3, 0)] {
            let area = Area { x: 3, y: 2, width, height };
            let sheet = ContactSheet::new(area, wish);
            for tile in (0..sheet.page()).map(|at| sheet.tile(at)) {
                assert!(tile.x >= area.x && tile.right() <= area.right(), "{tile:?} in {area:?}");
                assert!(tile.y >= area.y && tile.bottom() <= area.bottom(), "{tile:?} in {area:?}");
                assert!(tile.width >= wish.min(width), "{tile:?}");
            }
        }
    }

    #[test]
    fn few_pictures_get_larger_tiles_as_long_as_all_of_them_fit() {
        let sheet = ContactSheet::new(Area::of((73, 33)), 20);
        assert_eq!((sheet.columns, sheet.rows), (3, 3));
        let large = sheet.holding(3);
        assert_eq!((large.columns, large.rows, large.tile(0).width), (2, 2, 36));
        assert_eq!([sheet.holding(9), sheet.holding(500)], [sheet; 2], "no tile is smaller than usual");
        let wide = ContactSheet::new(Area::of((200, 50)), 20).holding(1);
        assert!(wide.tile(0).width <= WIDEST, "{wide:?}");
        let three = ContactSheet::new(Area::of((138, 45)), 20).holding(3);
        let two = ContactSheet::new(Area::of((73, 35)), 20).holding(2);
        assert_eq!((two.columns, two.tile(0).width), (2, 36), "side by side rather than in wide frames");
        assert_eq!((three.columns, three.rows, three.tile(0)), (2, 2, Area { x: 0, y: 0, width: 69, height: 22 }));
        assert_eq!(ContactSheet::new(Area::default(), 20).holding(2), ContactSheet::new(Area::default(), 20));
    }

    #[test]
    fn what_is_visible_is_what_a_click_finds() {
        let sheet = ContactSheet::new(Area::of((60, 20)), 20);
        assert_eq!((sheet.columns, sheet.rows), (3, 2));
        let visible: Vec<_> = sheet.visible(2, 0, 0..11).collect();
        assert_eq!(visible, [6, 7, 8, 9, 10]);
        for (at, place) in visible.into_iter().enumerate() {
            let tile = sheet.tile(at);
            assert_eq!(sheet.hit(2, (tile.x, tile.y)), Some(place));
        }
        assert_eq!(sheet.hit(2, (61, 3)), None);
        assert_eq!(sheet.visible(0, 1, 0..11).collect::<Vec<_>>(), [6, 7, 8, 9, 10]);
        assert_eq!(sheet.stepped(4, 11, Step::Down), 7);
        assert_eq!(sheet.scrolled(0, 9, 11), 2);
    }
}
