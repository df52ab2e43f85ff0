//! Which rows of a store have which ids in the index, and what has become of their files.

use crate::index::{
    ImageId,
    store::{Numbered, RowState},
};

/// The rows of one store, in the order of their numbers, which is that of their ids.
#[derive(Default)]
pub(super) struct RowMap {
    spans: Vec<Span>,
}

/// Rows that follow on one another, as do their ids.
struct Span {
    row: u32,
    id: ImageId,
    /// One a row.
    states: Vec<RowState>,
}

impl Span {
    fn ids(&self) -> impl Iterator<Item = ImageId> {
        let first = self.id.0;
        (first..first + self.states.len() as u32).map(ImageId)
    }
}

impl RowMap {
    /// The number of the row behind the last one.
    pub(super) fn end(&self) -> u32 {
        self.spans.last().map_or(0, |span| span.row + span.states.len() as u32)
    }

    /// Adds rows from number `row` on, whose ids begin with `id`.
    pub(super) fn push(&mut self, row: u32, id: ImageId, mut states: Vec<RowState>) {
        match self.spans.last_mut() {
            Some(last) if (last.row + last.states.len() as u32, last.id.at() + last.states.len()) == (row, id.at()) => {
                last.states.append(&mut states);
            }
            _ => self.spans.push(Span { row, id, states }),
        }
    }

    /// All ids and states.
    pub(super) fn iter(&self) -> impl Iterator<Item = (ImageId, RowState)> + '_ {
        self.spans.iter().flat_map(|span| span.ids().zip(span.states.iter().copied()))
    }

    /// Which rows have which ids.
    pub(super) fn numbered(&self) -> impl Iterator<Item = Numbered> + '_ {
        self.spans.iter().map(|span| Numbered { row: span.row, id: span.id, len: span.states.len() as u32 })
    }

    /// The states when all rows are one span from the first row on.
    pub(super) fn whole(&self) -> Option<&[RowState]> {
        match &*self.spans {
            [Span { row: 0, states, .. }] => Some(states),
            _ => None,
        }
    }

    /// The id of a row.
    pub(super) fn id_of(&self, row: u32) -> Option<ImageId> {
        let at = self.spans.partition_point(|span| span.row <= row).checked_sub(1)?;
        let Span { row: first, id, states } = &self.spans[at];
        ((row - first) < states.len() as u32).then(|| ImageId(id.0 + row - first))
    }

    /// The row of an id.
    pub(super) fn row_of(&self, id: ImageId) -> Option<u32> {
        self.place(id).map(|(span, at)| self.spans[span].row + at as u32)
    }

    /// What has become of a picture; one that has no row is there.
    pub(super) fn state(&self, id: ImageId) -> RowState {
        self.place(id).map_or(RowState::Present, |(span, at)| self.spans[span].states[at])
    }

    /// Takes note of what has become of a picture.
    pub(super) fn set(&mut self, id: ImageId, state: RowState) {
        if let Some((span, at)) = self.place(id) {
            self.spans[span].states[at] = state;
        }
    }

    /// Where an id lies: its span, and its place in that.
    fn place(&self, id: ImageId) -> Option<(usize, usize)> {
        let span = self.spans.partition_point(|span| span.id <= id).checked_sub(1)?;
        let at = (id.0 - self.spans[span].id.0) as usize;
        (at < self.spans[span].states.len()).then_some((span, at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_ids_find_one_another_across_gaps() {
        let mut rows = RowMap::default();
        assert_eq!((rows.end(), rows.whole()), (0, None));
        rows.push(0, ImageId(10), vec![RowState::Present; 3]);
        rows.push(3, ImageId(13), vec![RowState::Gone; 2]);
        assert_eq!(rows.whole().map(<[_]>::len), Some(5), "what follows on is one span");
        rows.push(5, ImageId(40), vec![RowState::Present; 2]);
        assert_eq!((rows.end(), rows.whole()), (7, None));
        for (row, id) in [(0, 10), (4, 14), (5, 40), (6, 41)] {
            assert_eq!((rows.id_of(row), rows.row_of(ImageId(id))), (Some(ImageId(id)), Some(row)));
        }
        for id in [0, 9, 15, 39, 42] {
            assert_eq!((rows.row_of(ImageId(id)), rows.state(ImageId(id))), (None, RowState::Present));
        }
        assert_eq!(rows.id_of(7), None);
        rows.set(ImageId(41), RowState::Vacant);
        rows.set(ImageId(42), RowState::Vacant);
        let states: Vec<_> = rows.iter().map(|(id, state)| (id.0, state)).collect();
        assert_eq!(states[4..], [(14, RowState::Gone), (40, RowState::Present), (41, RowState::Vacant)]);
    }
}
