//! Rows that are equal to the last bit: one of them is searched for all, since all have the same values with any row.

use std::{collections::HashMap, iter::once};

use half::slice::HalfFloatSliceExt;

use super::{Edge, search::Search};
use crate::index::{ImageId, Index};

/// Which rows are equal.
#[derive(Default)]
pub struct EqualRows {
    /// All but the first of each that are equal, in order of id, by the first.
    others: HashMap<ImageId, Vec<ImageId>>,
}

impl EqualRows {
    /// Finds those of some rows, given in order of id, that are equal to each other. Returns the first of each.
    pub fn add(&mut self, index: &Index, ids: &[ImageId]) -> Vec<ImageId> {
        let mut seen = HashMap::with_capacity(ids.len());
        let mut firsts = Vec::with_capacity(ids.len());
        for entry in ids.iter().filter_map(|id| index.get(*id)) {
            let row = (entry.row.reinterpret_cast(), entry.scale.to_bits(), entry.norm.to_bits());
            let first = *seen.entry(row).or_insert(entry.id);
            if first == entry.id {
                firsts.push(first);
            } else {
                self.others.entry(first).or_default().push(entry.id);
            }
        }
        firsts
    }

    /// All that are equal to a first one, itself included.
    pub fn equal(&self, first: ImageId) -> impl Iterator<Item = ImageId> + '_ {
        once(first).chain(self.others.get(&first).into_iter().flatten().copied())
    }

    /// The nearest of each that is equal to `first`, when `nearest` has the `k` nearest firsts of other rows.
    ///
    /// None is missed: a row is behind its first one in the order, and so behind those that are before that.
    pub fn spread(&self, search: &Search<'_>, first: ImageId, nearest: Vec<Edge>) -> Vec<(ImageId, Vec<Edge>)> {
        let own = self.equal(first).nth(1).and_then(|second| search.exact(first, once(second)).pop());
        // One more than wanted, because each is in its own list.
        let wanted = search.k + 1;
        let equal = |edge: Edge| self.equal(edge.id).take(wanted).map(move |id| Edge { id, ..edge });
        let own = own.map(|own| Edge { id: first, ..own });
        let mut all: Vec<Edge> = nearest.into_iter().chain(own).flat_map(equal).collect();
        all.sort_unstable_by(|a, b| a.order(b, search.metric));
        all.truncate(wanted);
        let without = |id| all.iter().copied().filter(|edge| edge.id != id).take(search.k).collect();
        self.equal(first).map(|id| (id, without(id))).collect()
    }
}
