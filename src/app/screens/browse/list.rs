//! The list behind the grid: kept in line with a growing index, at once where that is quick, by a worker where it is not.

use crate::{
    index::{ImageId, Index, IndexState, filter::Filter},
    order::Order,
    similarity::sequential,
    task::Sorted,
};

/// Up to this many pictures are filtered and put in order at once; more are left to a worker, and no key waits for them.
const AT_ONCE: usize = 20_000;
/// The same for an order in which all pictures must be compared with each other.
const TOGETHER_AT_ONCE: usize = 300;

/// Pictures in an order. When it is not what is wanted, it is what was wanted before, without what is gone.
pub struct List {
    /// In the order shown.
    pub ids: Vec<ImageId>,
    /// What it is narrowed to.
    pub filter: Filter,
    /// The order it is in.
    pub order: Order,
    /// The place of each picture, by [`ImageId::at`].
    positions: Vec<u32>,
    /// The index that it shows.
    made_of: IndexState,
    /// Ids below this are in the list, unless filtered out or removed.
    seen: usize,
    /// Holds what it should, but not yet in its order.
    unsorted: bool,
    /// How often what it holds has changed.
    changes: u64,
}

/// Stands in the table of positions for a picture that is not in the list.
const NOWHERE: u32 = u32::MAX;

impl Default for List {
    fn default() -> Self {
        Self {
            ids: Vec::new(),
            filter: Filter::default(),
            order: Order::Folder,
            positions: Vec::new(),
            made_of: IndexState::default(),
            seen: 0,
            unsorted: false,
            changes: 0,
        }
    }
}

impl List {
    /// Where a picture stands.
    #[must_use]
    pub fn position(&self, id: ImageId) -> Option<usize> {
        self.positions.get(id.at()).filter(|at| **at != NOWHERE).map(|at| *at as usize)
    }

    /// How often what it holds has changed.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Whether what it holds stands in its order.
    #[must_use]
    pub fn is_in_order(&self) -> bool {
        !self.unsorted
    }

    /// Whether it is exactly this.
    #[must_use]
    pub fn is_current(&self, index: &Index, filter: &Filter, order: &Order) -> bool {
        !self.unsorted && self.made_of == index.state() && self.filter == *filter && self.order == *order
    }

    /// Brings the list in line with what is wanted, as far as that takes no time; what is left is a worker's.
    pub fn follow(&mut self, index: &Index, filter: &Filter, order: &Order) {
        if self.is_current(index, filter, order) {
            return;
        }
        if index.run() != self.made_of.run {
            // No id means what it meant.
            let made_of = IndexState { run: index.run(), version: 0 };
            *self = Self { made_of, changes: self.changes + 1, ..Self::default() };
        }
        let limit = if order.is_pairwise() { AT_ONCE } else { TOGETHER_AT_ONCE };
        if !index.only_grew_since(self.made_of) && index.len() > limit {
            // What went is gone at once; what came back comes with the next order.
            self.ids.retain(|id| index.contains(*id));
            (self.made_of, self.unsorted) = (index.state(), true);
            self.index_positions(index);
        }
        let same = self.filter == *filter && self.order == *order && index.only_grew_since(self.made_of);
        let fresh = self.seen.min(index.id_bound())..index.id_bound();
        let few = fresh.len() <= (self.ids.len() / 4).min(AT_ONCE);
        match () {
            () if same && few && !self.unsorted && order.is_pairwise() => self.merge(index, fresh),
            () if index.len() <= limit => self.rebuild(index, filter, order),
            // It waits for a worker, and nothing is new.
            () if same && fresh.is_empty() && self.unsorted => self.made_of = index.state(),
            // Shown at once, in the order of arrival; in order as soon as a worker has sorted them.
            () if same => self.append(index, fresh),
            () if self.ids.is_empty() && filter.is_empty() && self.filter.is_empty() => self.append(index, fresh),
            () => {}
        }
    }

    /// Takes the list as a worker has made it. The index may have grown since; when it has changed otherwise, or when
    /// something else is wanted by now, another one is under way.
    pub fn take(&mut self, index: &Index, sorted: Sorted) {
        if !index.only_grew_since(sorted.made_of) {
            return;
        }
        let Sorted { ids, filter, order, made_of, id_bound } = sorted;
        let (positions, changes) = (std::mem::take(&mut self.positions), self.changes);
        *self = Self { ids, filter, order, positions, made_of, seen: id_bound, unsorted: false, changes };
        self.index_positions(index);
        let (filter, order) = (self.filter.clone(), self.order.clone());
        self.follow(index, &filter, &order);
    }

    fn rebuild(&mut self, index: &Index, filter: &Filter, order: &Order) {
        let mut ids: Vec<_> = index.iter().map(|entry| entry.id).collect();
        filter.retain(index, &mut ids);
        self.ids = order.sorted(index, ids, &sequential);
        (self.filter, self.order) = (filter.clone(), order.clone());
        (self.made_of, self.seen, self.unsorted) = (index.state(), index.id_bound(), false);
        self.index_positions(index);
    }

    fn fresh(&self, index: &Index, ids: std::ops::Range<usize>) -> Vec<ImageId> {
        let mut ids = ids.map(|at| ImageId(at as u32)).collect();
        self.filter.retain(index, &mut ids);
        ids
    }

    fn append(&mut self, index: &Index, fresh: std::ops::Range<usize>) {
        // More than a few are filtered by a worker, with the rest.
        if self.filter.is_empty() || fresh.len() <= AT_ONCE {
            let fresh = self.fresh(index, fresh);
            self.ids.extend(fresh);
        }
        (self.made_of, self.seen, self.unsorted) = (index.state(), index.id_bound(), true);
        self.index_positions(index);
    }

    /// Puts new pictures where they belong. Costs little when few are new, however long the list is.
    fn merge(&mut self, index: &Index, fresh: std::ops::Range<usize>) {
        let fresh = self.order.sorted(index, self.fresh(index, fresh), &sequential);
        let mut merged = Vec::with_capacity(self.ids.len() + fresh.len());
        let mut rest = self.ids.as_slice();
        for id in fresh {
            let before = rest.partition_point(|old| self.order.compare(index, *old, id).is_le());
            merged.extend_from_slice(&rest[..before]);
            merged.push(id);
            rest = &rest[before..];
        }
        merged.extend_from_slice(rest);
        self.ids = merged;
        (self.made_of, self.seen) = (index.state(), index.id_bound());
        self.index_positions(index);
    }

    /// Notes where everything stands, after each change.
    fn index_positions(&mut self, index: &Index) {
        self.changes += 1;
        self.positions.clear();
        self.positions.resize(index.id_bound(), NOWHERE);
        for (position, id) in self.ids.iter().enumerate() {
            self.positions[id.at()] = position as u32;
        }
    }
}
