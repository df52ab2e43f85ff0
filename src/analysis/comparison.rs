//! Two models on the same pictures: do they find the same neighbors, where do they disagree most, and which of them keeps
//! the folders apart better?
//!
//! Pictures are paired by where they lie. Nothing here is N×N; what would take N² comparisons is asked of an even sample.

mod alignment;
mod agreement;
mod verdict;

use std::collections::HashMap;

pub use self::{
    agreement::{Agreement, NEIGHBORS, agreement},
    alignment::cka,
    verdict::{Difference, Score, Verdict, verdict},
};
use crate::index::{ImageId, Index};

/// Pictures that two indexes have in common: the id in the first and in the second, in the order of paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pairing {
    /// The ids.
    pub pairs: Vec<(ImageId, ImageId)>,
}

impl Pairing {
    /// Pairs the pictures that lie at the same path.
    #[must_use]
    pub fn by_path(a: &Index, b: &Index) -> Self {
        let of_b: HashMap<_, _> = b.iter().map(|entry| ((entry.root, entry.relative()), entry.id)).collect();
        let both = |entry: crate::index::Entry<'_>| Some((entry.id, *of_b.get(&(entry.root, entry.relative()))?));
        let mut pairs: Vec<_> = a.iter().filter_map(both).collect();
        let path = |id| a.get(id).map(|entry| (entry.root, entry.relative()));
        pairs.sort_by(|one, other| path(one.0).cmp(&path(other.0)));
        Self { pairs }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether the indexes have nothing in common.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// An even sample of at most so many.
    #[must_use]
    pub fn sample(&self, most: usize) -> Self {
        let len = self.len();
        let pairs = (0..len.min(most)).map(|at| self.pairs[at * len / len.min(most)]);
        Self { pairs: pairs.collect() }
    }

    /// The ids in the second index by those in the first.
    #[must_use]
    pub fn to_second(&self) -> HashMap<ImageId, ImageId> {
        self.pairs.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests;
