//! Where the cells along one side of the plot begin.

/// The lengths of the cells along a side: all the same, or some a unit longer than the others and those spread evenly, so
/// that a table fills its plot whatever the number of its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps {
    /// The length of the shorter ones.
    length: u16,
    /// Of so many cells …
    cells: u16,
    /// … so many are longer …
    longer: u16,
    /// … by so much.
    unit: u16,
}

impl Steps {
    /// Cells of one length.
    #[must_use]
    pub fn equal(length: u16) -> Self {
        Self { length: length.max(1), cells: 1, longer: 0, unit: 0 }
    }

    /// So many cells that take all of a room but for less than a unit, which is what their lengths are counted in.
    #[must_use]
    pub fn filling(room: u16, cells: usize, unit: u16) -> Self {
        let cells = u16::try_from(cells).unwrap_or(u16::MAX).max(1);
        let units = room / unit;
        Self { length: (units / cells * unit).max(1), cells, longer: units % cells, unit }
    }

    /// Where a cell begins, from the edge of the plot.
    #[must_use]
    pub fn edge(self, cell: usize) -> u16 {
        let longer = cell * usize::from(self.longer) / usize::from(self.cells) * usize::from(self.unit);
        u16::try_from(cell * usize::from(self.length) + longer).unwrap_or(u16::MAX)
    }

    /// How long a cell is.
    #[must_use]
    pub fn length(self, cell: usize) -> u16 {
        self.edge(cell + 1) - self.edge(cell)
    }

    /// The cell so far from the edge of the plot.
    #[must_use]
    pub fn at(self, offset: u16) -> usize {
        let most = usize::from(offset / self.length);
        (0..=most).rev().find(|cell| self.edge(*cell) <= offset).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_fill_their_room_and_differ_by_a_unit_at_most() {
        for (room, cells, unit) in [(75, 28, 1), (54, 28, 1), (54, 19, 2), (54, 54, 1), (7, 1, 1), (80, 9, 2)] {
            let steps = Steps::filling(room, cells, unit);
            assert_eq!(steps.edge(cells), room / unit * unit);
            let lengths: Vec<_> = (0..cells).map(|cell| steps.length(cell)).collect();
            let (least, most) = (lengths.iter().min().expect("some"), lengths.iter().max().expect("some"));
            assert!(*least > 0 && most - least <= unit, "{lengths:?}");
            for (cell, length) in lengths.iter().enumerate() {
                let start = steps.edge(cell);
                assert!((start..start + length).all(|offset| steps.at(offset) == cell));
            }
        }
        assert_eq!((0..4).map(|cell| Steps::equal(6).edge(cell)).collect::<Vec<_>>(), [0, 6, 12, 18]);
        assert_eq!([0, 5, 6, 23].map(|offset| Steps::equal(6).at(offset)), [0, 0, 1, 3]);
    }
}
