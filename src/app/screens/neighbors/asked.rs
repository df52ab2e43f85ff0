//! What is asked with in place of the selected picture: several of the folder at once, or one from elsewhere; and where
//! their pictures lie.

use std::sync::Arc;

use crate::{
    app::{
        layout::{self, Area},
        previews::Slot,
    },
    index::ImageId,
    preview::{Subject, frames::Framing},
    similarity::{Comparison, Query},
    task::Outside,
};

/// A question asked with several pictures at once, or with one from elsewhere.
pub struct Asked {
    /// The picture from elsewhere.
    pub outside: Option<Arc<Outside>>,
    /// Which of its faces is asked with, where it has several.
    pub face: usize,
    /// What the answers are to be like.
    pub like: Vec<ImageId>,
    /// What they are to be unlike.
    pub unlike: Vec<ImageId>,
    /// The embedding between them.
    pub query: Query,
    /// The answer, once it is there.
    pub comparison: Option<Arc<Comparison>>,
}

impl Asked {
    /// The pictures of the folder that are asked with, first those that the answers are to be like.
    pub fn pictures(&self) -> impl Iterator<Item = ImageId> + '_ {
        self.like.iter().chain(&self.unlike).copied()
    }

    /// How many they are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.like.len() + self.unlike.len()
    }

    /// Whether there are none: the question is about a picture from elsewhere.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Their places in an area, as large as they fit; none of a picture from elsewhere.
    #[must_use]
    pub fn together(&self, area: Area) -> Together {
        let (columns, rows) = grid(self.len(), area);
        let page = columns * rows;
        // The last place says how many have none.
        let shown = if self.len() > page && page > 1 { page - 1 } else { self.len().min(page) };
        let tile = (area.width / columns as u16, area.height / rows as u16);
        let all = layout::centered(area, (tile.0 * columns as u16, area.height));
        let place = |at: usize| Area {
            x: all.x + (at % columns) as u16 * tile.0,
            y: all.y + (at / columns) as u16 * tile.1,
            width: tile.0,
            height: tile.1,
        };
        let members = self.pictures().take(shown).enumerate().map(|(at, id)| {
            let tile = place(at).off_right(u16::from(columns > 1)).0;
            // A picture that has no line to spare has its name among the facts.
            let (picture, name) = tile.off_bottom(u16::from(tile.height > 2));
            Member { id, unlike: at >= self.like.len(), picture, name }
        });
        let members: Vec<_> = members.collect();
        let left_out = self.len() - shown;
        Together { members, left_out: (left_out > 0 && page > 1).then(|| (left_out, place(shown))) }
    }

    /// Their places as slots, or that of the picture from elsewhere.
    #[must_use]
    pub fn slots(&self, area: Area) -> Vec<Slot> {
        if let Some(outside) = &self.outside {
            let meant = (!outside.faces.is_empty()).then_some(self.face);
            let framing = Framing { faces: outside.faces.clone(), meant };
            return vec![Slot::new(Subject::File(Arc::clone(&outside.path), framing), area)];
        }
        self.together(area).members.iter().map(|member| Slot::new(member.id, member.picture)).collect()
    }
}

/// The pictures that are asked with, side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Together {
    /// Those that have room.
    pub members: Vec<Member>,
    /// How many have none, and where there is room to say so.
    pub left_out: Option<(usize, Area)>,
}

/// One of the pictures that are asked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// The picture.
    pub id: ImageId,
    /// Whether the answers are to be unlike it.
    pub unlike: bool,
    /// Where it lies.
    pub picture: Area,
    /// The line for its name.
    pub name: Area,
}

/// Columns and rows of the smallest place in which a picture says something.
const LEAST: (u16, u16) = (8, 4);

/// Columns and rows in which so many pictures are largest, or as many of them as have room.
fn grid(total: usize, area: Area) -> (usize, usize) {
    let most = usize::from(area.width / LEAST.0).max(1);
    let largest = (1..=most.min(total)).filter_map(|columns| {
        let rows = total.div_ceil(columns);
        let tile = (area.width / columns as u16, area.height / u16::try_from(rows).unwrap_or(u16::MAX));
        let room = Area::of((tile.0.saturating_sub(1), tile.1.saturating_sub(1)));
        let picture = layout::fitted(room, (4, 3));
        let fits = tile.0 >= LEAST.0.min(area.width) && tile.1 >= LEAST.1;
        (fits || total == 1).then_some((picture.width, usize::MAX - columns, columns, rows))
    });
    let fitting = largest.max().map(|(_, _, columns, rows)| (columns, rows));
    fitting.unwrap_or((most, usize::from(area.height / LEAST.1).max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(like: u32, unlike: u32) -> Asked {
        let ids = |range: std::ops::Range<u32>| range.map(ImageId).collect();
        let query = Query::Image(ImageId(0));
        let (like, unlike) = (ids(0..like), ids(like..like + unlike));
        Asked { outside: None, face: 0, like, unlike, query, comparison: None }
    }

    #[test]
    fn every_picture_asked_with_has_a_place_or_is_counted() {
        for size in [(28, 16), (46, 24), (78, 41), (38, 9), (12, 4), (5, 2), (1, 1)] {
            let area = Area { x: 3, y: 2, width: size.0, height: size.1 };
            for (like, unlike) in [(1, 0), (1, 1), (2, 0), (3, 1), (7, 2), (12, 0), (30, 10), (500, 3)] {
                let asked = asked(like, unlike);
                let Together { members, left_out } = asked.together(area);
                let counted = left_out.map_or(0, |(count, _)| count);
                let total = (like + unlike) as usize;
                assert!(members.len() + counted == total || members.len() == 1, "{size:?}, {total}");
                assert!(members.iter().map(|member| member.id).eq(asked.pictures().take(members.len())));
                let mut places: Vec<_> = members.iter().flat_map(|member| [member.picture, member.name]).collect();
                places.extend(left_out.map(|(_, place)| place));
                places.retain(|place| !place.is_empty());
                for (at, place) in places.iter().enumerate() {
                    assert!(place.x >= area.x && place.right() <= area.right(), "{place:?} in {area:?}");
                    assert!(place.y >= area.y && place.bottom() <= area.bottom(), "{place:?} in {area:?}");
                    assert!(places[at + 1..].iter().all(|other| !place.overlaps(*other)), "{places:?}");
                }
            }
        }
    }

    #[test]
    fn few_pictures_are_large_and_a_dozen_fit_beside_the_ranking_of_a_small_terminal() {
        let beside = Area::of((28, 16));
        assert_eq!(grid(1, beside), (1, 1));
        assert_eq!(grid(2, beside), (1, 2));
        assert_eq!(grid(4, beside), (2, 2));
        assert_eq!(asked(7, 2).together(beside).members.len(), 9);
        assert_eq!(asked(12, 0).together(beside).members.len(), 12);
        let many = asked(10, 6).together(beside);
        assert_eq!((many.members.len(), many.left_out.map(|(count, _)| count)), (11, Some(5)));
        let unlike: Vec<_> = many.members.iter().map(|member| member.unlike).collect();
        assert_eq!(unlike.iter().filter(|unlike| **unlike).count(), 1, "those come last");
    }
}
