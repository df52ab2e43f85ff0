//! How the two pictures of a pair are looked at: side by side, one after the other in the same place, or only where they
//! differ.

use super::{
    layout::{self, Area},
    previews::Slot,
};
use crate::{index::ImageId, preview::Subject};

/// How a pair is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PairView {
    /// Both.
    #[default]
    SideBySide,
    /// The row's picture alone.
    Row,
    /// The column's picture alone, in the same place.
    Column,
    /// Where they differ.
    Difference,
}

impl PairView {
    /// The other picture in the place of this one.
    #[must_use]
    pub fn blinked(self) -> Self {
        if self == Self::Column { Self::Row } else { Self::Column }
    }

    /// Where they differ, or both again.
    #[must_use]
    pub fn difference(self) -> Self {
        if self == Self::Difference { Self::SideBySide } else { Self::Difference }
    }

    /// The places of the pictures: side by side both are drawn, else only the first.
    #[must_use]
    pub fn slots(self, body: Area, [row, col]: [ImageId; 2]) -> Vec<Slot> {
        let [left, right] = layout::halves(body);
        let place = layout::one_of_two(body);
        let one = |subject: Subject| Slot::new(subject, place);
        match self {
            Self::SideBySide => vec![Slot::new(row, left), Slot::new(col, right)],
            // Both are wanted, so that each is there when its turn comes.
            Self::Row => vec![one(row.into()), one(col.into())],
            Self::Column => vec![one(col.into()), one(row.into())],
            Self::Difference => vec![one(Subject::Difference([row, col]))],
        }
    }
}
