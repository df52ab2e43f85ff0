//! The grid's list: which pictures it shows, in which order, and where they lie on the screen.

use std::sync::Arc;

use super::layout::{self, Area};
pub use crate::similarity::listing::Sort;
use crate::{
    index::{Entry, ImageId, Index, IndexState},
    similarity::{Comparison, Metric, listing::Sorting},
};

/// Up to this many pictures are put in order at once; more are left to a worker, and no key press waits for them.
const AT_ONCE: usize = 20_000;

/// The pictures of the grid.
#[derive(Default)]
pub struct Listing {
    /// In the order shown.
    pub ids: Vec<ImageId>,
    /// What decides the order.
    pub sort: Sort,
    /// The words that a path must contain, as typed.
    pub filter: String,
    /// First visible row of tiles.
    pub first: usize,
    /// How many steps the tiles are larger than usual.
    pub size: i16,
    /// For [`Sort::Similarity`]: what the others are compared with.
    pub anchor: Option<Arc<Comparison>>,
    /// Ids below this are in the list, unless filtered out or removed.
    seen: usize,
    /// The index that the list shows.
    made_of: IndexState,
    /// Long, and not yet in its order.
    unsorted: bool,
}

impl Listing {
    /// Takes in what is new in the index; after any other change the list is made anew. Costs little when little is new,
    /// however long the list is.
    pub fn grow(&mut self, index: &Index, metric: Metric) {
        if !index.only_grew_since(self.made_of) {
            return self.rebuild(index, metric);
        }
        self.made_of = index.state();
        let fresh = self.seen.min(index.table_len())..index.table_len();
        self.seen = index.table_len();
        if fresh.len() > self.ids.len() / 4 {
            return self.rebuild(index, metric);
        }
        let fresh = self.filtered(index, fresh.map(|at| ImageId(at as u32)).collect());
        if self.unsorted {
            return self.ids.extend(fresh);
        }
        let sorting = self.sorting(metric);
        let mut merged = Vec::with_capacity(self.ids.len() + fresh.len());
        let mut rest = self.ids.as_slice();
        for id in sorting.sorted(index, fresh) {
            let before = rest.partition_point(|old| sorting.order(index, *old, id).is_le());
            merged.extend_from_slice(&rest[..before]);
            merged.push(id);
            rest = &rest[before..];
        }
        merged.extend_from_slice(rest);
        self.ids = merged;
    }

    /// Makes the list anew.
    pub fn rebuild(&mut self, index: &Index, metric: Metric) {
        self.seen = index.table_len();
        self.made_of = index.state();
        self.ids = self.filtered(index, (0..index.table_len()).map(|at| ImageId(at as u32)).collect());
        self.resort(index, metric);
    }

    /// Puts the list in order, because another one was chosen or because it was made anew.
    pub fn resort(&mut self, index: &Index, metric: Metric) {
        self.unsorted = self.ids.len() > AT_ONCE;
        if !self.unsorted {
            self.ids = self.sorting(metric).sorted(index, std::mem::take(&mut self.ids));
        }
    }

    /// Whether the list waits for a worker to put it in order.
    #[must_use]
    pub fn is_unsorted(&self) -> bool {
        self.unsorted
    }

    /// Takes the list as a worker has put it in order, when the index was `then`. It may have grown and become narrower
    /// since.
    pub fn take_sorted(&mut self, ids: Vec<ImageId>, then: &Index, index: &Index, metric: Metric) {
        if !index.only_grew_since(then.state()) {
            // Pictures went or came back meanwhile: the list was made anew and waits for its own order.
            return;
        }
        self.unsorted = false;
        self.ids = self.filtered(index, ids);
        (self.seen, self.made_of) = (then.table_len(), then.state());
        self.grow(index, metric);
    }

    /// What the order depends on.
    #[must_use]
    pub fn sorting(&self, metric: Metric) -> Sorting {
        Sorting { sort: self.sort, metric, anchor: self.anchor.clone() }
    }

    /// Sets the filter; a longer one only narrows what is there.
    pub fn set_filter(&mut self, index: &Index, filter: String, metric: Metric) {
        let narrower = filter.starts_with(&self.filter);
        self.filter = filter;
        if narrower {
            let ids = std::mem::take(&mut self.ids);
            self.ids = self.filtered(index, ids);
        } else {
            self.rebuild(index, metric);
        }
    }

    /// Where a picture stands.
    #[must_use]
    pub fn position(&self, id: ImageId) -> Option<usize> {
        self.ids.iter().position(|other| *other == id)
    }

    fn filtered(&self, index: &Index, mut ids: Vec<ImageId>) -> Vec<ImageId> {
        let words: Vec<_> = self.filter.split_whitespace().map(str::to_lowercase).collect();
        let holds_all = |entry: Entry<'_>| {
            let path = entry.relative().to_string_lossy();
            words.iter().all(|word| contains(&path, word))
        };
        ids.retain(|id| if words.is_empty() { index.contains(*id) } else { index.get(*id).is_some_and(holds_all) });
        ids
    }
}

/// Whether a path contains a word in lower case, whatever the case of the path.
fn contains(path: &str, word: &str) -> bool {
    if word.is_ascii() {
        let same = |part: &[u8]| part.eq_ignore_ascii_case(word.as_bytes());
        word.is_empty() || path.as_bytes().windows(word.len()).any(same)
    } else {
        path.to_lowercase().contains(word)
    }
}

/// Where the grid and the details lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// The line with what is shown.
    pub title: Area,
    /// The tiles.
    pub tiles: Area,
    /// What is known of the selected picture, where there is room.
    pub details: Option<Area>,
    /// Tiles side by side.
    pub columns: usize,
    /// Tiles one under the other.
    pub rows: usize,
    tile: (u16, u16),
}

/// Columns of a tile at its usual size.
const TILE: i16 = 17;
/// Columns that one step of the zoom adds to a tile.
const TILE_STEP: i16 = 5;

impl Grid {
    /// Divides the body; `size` is [`Listing::size`].
    #[must_use]
    pub fn new(body: Area, size: i16) -> Self {
        let (title, rest) = body.top(u16::from(body.height > 3));
        let pane = match body.width {
            100.. => body.width * 3 / 10,
            64.. => 26,
            _ => 0,
        };
        let (tiles, details) = if pane > 0 && rest.height >= 8 {
            let (tiles, pane) = rest.off_right(pane);
            // One column between them is for the line.
            (tiles.off_right(1).0, Some(pane))
        } else {
            (rest, None)
        };
        let usual = if tiles.width < 50 { TILE - 4 } else { TILE + i16::from(tiles.width > 80) * 3 };
        let wish = (usual + size * TILE_STEP).clamp(8, i16::MAX) as u16;
        let columns = (tiles.width / wish).max(1);
        let width = tiles.width / columns;
        // Pictures are mostly 4:3 and cells twice as high as wide; two rows go to the frame, the lower of which
        // carries the name.
        let height = (width.saturating_sub(2) * 3 / 8).max(2) + 2;
        let rows = (tiles.height / height).max(1);
        Self {
            title,
            tiles,
            details,
            columns: usize::from(columns),
            rows: usize::from(rows),
            tile: (width, tiles.height / rows),
        }
    }

    /// The frame of the visible tile `at`, counted from the first visible one.
    #[must_use]
    pub fn tile(&self, at: usize) -> Area {
        let (column, row) = (at % self.columns, at / self.columns);
        // What does not divide evenly becomes a margin.
        let margin = (self.tiles.width - self.columns as u16 * self.tile.0) / 2;
        Area {
            x: self.tiles.x + margin + column as u16 * self.tile.0,
            y: self.tiles.y + row as u16 * self.tile.1,
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

    /// The visible tile at a terminal cell.
    #[must_use]
    pub fn hit(&self, at: (u16, u16)) -> Option<usize> {
        (0..self.page()).find(|tile| self.tile(*tile).contains(at))
    }

    /// Whether the tiles can still grow or shrink by a step.
    #[must_use]
    pub fn resized(body: Area, size: i16, by: i16) -> i16 {
        let (now, then) = (Self::new(body, size), Self::new(body, size + by));
        let (limit, step) = (if by > 0 { 8 } else { -3 }, size + by);
        if (now == then && size.signum() == by.signum()) || step.abs() > i16::abs(limit) { size } else { step }
    }
}

/// Where things lie in the details pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Details {
    /// The selected picture.
    pub picture: Area,
    /// What is known of it.
    pub facts: Area,
    /// The heading of the nearest.
    pub nearest: Area,
    /// The nearest three, as pictures where there is room.
    pub thumbs: [Area; 3],
    /// Whether they are pictures.
    pub as_pictures: bool,
}

impl Details {
    /// Divides the pane.
    #[must_use]
    pub fn new(pane: Area) -> Self {
        let pane = pane.inside(1, 0);
        let as_pictures = pane.height >= 27 && pane.width >= 30;
        let facts = 5;
        let nearest = if as_pictures { 9 } else { 4 };
        let room = pane.height.saturating_sub(facts + nearest + 1);
        let rows = if room < 4 { 0 } else { room.min(pane.width / 2) };
        let (picture, rest) = pane.top(rows);
        let (facts, rest) = rest.top(facts);
        let (nearest, rest) = rest.top(1);
        let thumbs = std::array::from_fn(|at| {
            if as_pictures {
                let width = rest.width / 3;
                Area { x: rest.x + at as u16 * width, width: width.saturating_sub(1), ..rest.top(8).0 }
            } else {
                let (_, under) = rest.top(at as u16);
                under.top(1).0
            }
        });
        Self { picture, facts, nearest, thumbs, as_pictures }
    }

    /// The picture of one of the nearest.
    #[must_use]
    pub fn thumb(&self, at: usize) -> Area {
        self.thumbs[at].off_bottom(2).0
    }
}

/// The first visible row that shows the tile `cursor`.
#[must_use]
pub fn scrolled(grid: &Grid, first: usize, cursor: usize, total: usize) -> usize {
    layout::scroll(first, cursor / grid.columns, grid.rows, total.div_ceil(grid.columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_any_case() {
        for (path, word, found) in [
            ("Birds/Robin.JPG", "rob", true),
            ("Birds/Robin.JPG", "jpg", true),
            ("a", "ab", false),
            ("ÄRGER", "ärg", true),
            ("x", "", true),
        ] {
            assert_eq!(contains(path, word), found, "{word} in {path}");
        }
    }
}
