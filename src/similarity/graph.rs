//! The k-nearest-neighbor graph: for every picture the pictures most like it, exact up to some hundred thousand.
//!
//! It takes memory for N·k edges; while it is made, for two or three times as many candidates and for a copy of the rows
//! as 16-bit integers, which is as large as the rows themselves. The time grows with N², by a factor that depends on the
//! pictures: where they stand in clusters, most pairs are settled by few dimensions; independent random values are the
//! worst case, for which all dimensions of all pairs are multiplied, each pair once.
//!
//! A graph is extended when pictures come and mended when they go: only rows that are new or that lost a neighbor are
//! searched again. Each row holds what [`Comparison::nearest`](super::Comparison::nearest) gives for it, value by value.

mod arrangement;
mod bytes;
mod equal_rows;
mod packing;
mod products;
mod rounds;
mod search;

use std::{cmp::Ordering, sync::Arc};

use self::{
    equal_rows::EqualRows,
    search::{FoundEdges, Search, SearchedRows},
};
use super::{Executor, Metric, Query, compare_with};
use crate::index::{ImageId, Index, IndexState};

/// Neighbors a row can have at most.
pub const MOST_NEIGHBORS: usize = 64;

/// So few rows are compared with all others one by one, which takes no preparation.
const FEW: usize = if cfg!(test) { 4 } else { 128 };

/// Pairs of blocks up to which a graph is exact: those of about 200,000 rows.
const MOST_PAIRS: usize = 35_000;

/// Stands for the number of neighbors of a picture that is not in the graph.
const ABSENT: u8 = u8::MAX;

/// How much longer than half of all rows one may be and still be packed with them: a longer one would hide the others.
const OUTLIER: f32 = 64.0;

/// One neighbor of a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// The neighbor.
    pub id: ImageId,
    /// Its value in the metric of the graph.
    pub value: f32,
}

impl Edge {
    /// The nearer one first; equal ones by id.
    fn order(&self, other: &Self, metric: Metric) -> Ordering {
        metric.nearer(self.value, other.value).then(self.id.cmp(&other.id))
    }
}

/// How far the neighbors in a graph are the nearest there are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Accuracy {
    /// All of them are.
    Exact,
    /// Some nearer ones are missing.
    Approximate {
        /// The share of the true nearest that are in the graph, measured on a sample of the pictures: 0 to 1.
        recall: f32,
    },
}

impl Accuracy {
    /// The share of the true nearest that were found, where not all were.
    #[must_use]
    pub fn recall(self) -> Option<f32> {
        match self {
            Self::Exact => None,
            Self::Approximate { recall } => Some(recall),
        }
    }

    /// The same in percent, rounded down.
    #[must_use]
    pub fn percent_found(self) -> Option<u32> {
        self.recall().map(|recall| (100.0 * recall) as u32)
    }

    /// That of what was made of two parts of these accuracies.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Exact, one) | (one, Self::Exact) => one,
            (Self::Approximate { recall: a }, Self::Approximate { recall: b }) => {
                Self::Approximate { recall: a.min(b) }
            }
        }
    }
}

/// The `k` nearest of every picture of an index, as the index was when it was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    metric: Metric,
    k: usize,
    /// `k` places an id, of which `counts` are used.
    edges: Vec<Edge>,
    counts: Vec<u8>,
    accuracy: Accuracy,
    made_of: IndexState,
}

/// The graph of all pictures of an index with `k` neighbors each, 1 to [`MOST_NEIGHBORS`].
///
/// `progress` is called with the share that is done. `None` when it was `superseded`.
pub fn build(
    index: &Index,
    metric: Metric,
    k: usize,
    executor: Executor<'_>,
    superseded: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(f64),
) -> Option<Graph> {
    Graph::empty(metric, k).extend(index, executor, superseded, progress)
}

/// The graph of the index as it is, with at least `k` neighbors by cosine each: the known one, or what it grows to, or else
/// a new one. `None` when it was `superseded`.
pub fn at_least(
    k: usize,
    known: Option<Arc<Graph>>,
    index: &Index,
    executor: Executor<'_>,
    superseded: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(f64),
) -> Option<Arc<Graph>> {
    let fits = |known: &Arc<Graph>| known.metric == Metric::Cosine && known.k >= k.min(MOST_NEIGHBORS);
    match known.filter(fits) {
        Some(known) if known.made_of == index.state() => Some(known),
        Some(known) => known.extend(index, executor, superseded, progress).map(Arc::new),
        None => build(index, Metric::Cosine, k, executor, superseded, progress).map(Arc::new),
    }
}

impl Graph {
    /// A graph of no pictures.
    #[must_use]
    pub fn empty(metric: Metric, k: usize) -> Self {
        let made_of = IndexState::default();
        Self {
            metric,
            k: k.clamp(1, MOST_NEIGHBORS),
            edges: Vec::new(),
            counts: Vec::new(),
            accuracy: Accuracy::Exact,
            made_of,
        }
    }

    /// The graph of the index as it is now. What this graph knows of pictures that are still there is kept, unless it was
    /// made of another run's index.
    #[must_use]
    pub fn extend(
        &self,
        index: &Index,
        executor: Executor<'_>,
        superseded: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(f64),
    ) -> Option<Self> {
        self.extend_exactly_to(MOST_PAIRS, index, executor, superseded, progress)
    }

    /// [`extend`](Self::extend), exact up to so many pairs of blocks.
    fn extend_exactly_to(
        &self,
        most_pairs: usize,
        index: &Index,
        executor: Executor<'_>,
        superseded: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(f64),
    ) -> Option<Self> {
        let mut next = self.still_right(index);
        let live: Vec<ImageId> = index.iter().map(|entry| entry.id).collect();
        let (known, fresh): (Vec<_>, Vec<_>) = live.iter().partition(|id| next.contains(**id));
        let search = Search { index, metric: self.metric, k: self.k, most_pairs };
        if known.is_empty() {
            next.accuracy = Accuracy::Exact;
        }
        let odd = Odd::of(index, self.metric);
        if fresh.len() <= FEW {
            for (done, id) in fresh.iter().enumerate() {
                if superseded() {
                    return None;
                }
                progress(done as f64 / fresh.len() as f64);
                let values = next.scan(index, *id, executor);
                // Rows that lost a neighbor were known to the others.
                if self.counts.get(id.at()).is_none_or(|count| *count == ABSENT) || self.made_of.run != index.run() {
                    next.offer(&search, &known, *id, &odd, &values);
                }
            }
        } else {
            next.search(&search, (&fresh, &known), &odd, executor, superseded, progress)?;
        }
        progress(1.0);
        Some(next)
    }

    /// The rows of pictures that are still there and of whose neighbors none went.
    fn still_right(&self, index: &Index) -> Self {
        let len = index.id_bound();
        let nothing = Edge { id: ImageId(0), value: 0.0 };
        let mut next = Self {
            edges: vec![nothing; len * self.k],
            counts: vec![ABSENT; len],
            accuracy: self.accuracy,
            made_of: index.state(),
            ..Self::empty(self.metric, self.k)
        };
        if self.made_of.run == index.run() {
            for id in (0..len.min(self.counts.len())).map(|at| ImageId(at as u32)) {
                let edges = self.neighbors(id);
                if self.contains(id) && index.contains(id) && edges.iter().all(|edge| index.contains(edge.id)) {
                    next.set(id, edges);
                }
            }
        }
        next
    }

    /// Compares one picture with all others and notes its nearest.
    fn scan(&mut self, index: &Index, id: ImageId, executor: Executor<'_>) -> Vec<f32> {
        let found = compare_with(index, &Query::Image(id), executor);
        let nearest = found.nearest(self.metric, self.k);
        self.set(id, &nearest.iter().map(|found| Edge { id: found.id, value: found.value }).collect::<Vec<_>>());
        found.values(self.metric).to_vec()
    }

    /// Lets known rows take a new picture among their nearest; `values` are those of the picture with all rows.
    fn offer(&mut self, search: &Search<'_>, known: &[ImageId], id: ImageId, odd: &Odd, values: &[f32]) {
        for row in known {
            // A row that is no number is compared in another way from its own side.
            let one = || search.exact(*row, std::iter::once(id)).first().copied();
            let edge = if odd.is_broken(id) || odd.is_broken(*row) {
                one()
            } else {
                Some(Edge { id, value: values[row.at()] })
            };
            if let Some(edge) = edge.filter(|edge| !edge.value.is_nan()) {
                self.merge(*row, &[edge]);
            }
        }
    }

    /// Finds the nearest of all fresh rows, and what they are to the known ones.
    fn search(
        &mut self,
        search: &Search<'_>,
        (every_fresh, known): (&[ImageId], &[ImageId]),
        odd: &Odd,
        executor: Executor<'_>,
        superseded: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(f64),
    ) -> Option<()> {
        let (odd_fresh, fresh): (Vec<_>, Vec<_>) = every_fresh.iter().partition(|id| odd.contains(**id));
        let ordinary: Vec<_> = known.iter().copied().filter(|id| !odd.contains(*id)).collect();
        let mut equal_rows = EqualRows::default();
        let [firsts, ordinary] = [&fresh, &ordinary].map(|ids| equal_rows.add(search.index, ids));
        // Equal rows have equal values, that of their last neighbor too.
        let last = |id: ImageId| self.neighbors(id).get(self.k - 1).map(|edge| edge.value);
        let ordinary: Vec<_> = ordinary.into_iter().map(|id| (id, last(id))).collect();
        let rows = SearchedRows { fresh: &firsts, known: &ordinary };
        let found: FoundEdges = search.run(&rows, executor, superseded, progress)?;
        self.accuracy = self.accuracy.and(found.accuracy);
        for (first, nearest) in found.rows {
            for (id, edges) in equal_rows.spread(search, first, nearest) {
                if self.contains(id) { self.merge(id, &edges) } else { self.set(id, &edges) }
            }
        }
        let others = if odd_fresh.is_empty() { &[] } else { known };
        for id in fresh.iter().chain(others) {
            if odd.may_be_nearest(self.neighbors(*id), self.k) {
                let edges = search.exact(*id, odd.candidates(self.k));
                self.merge(*id, &edges);
            }
        }
        let enough = if self.metric == Metric::Cosine { self.k + 1 } else { every_fresh.len() };
        for id in known.iter().filter(|id| odd.contains(**id)) {
            let edges = search.exact(*id, every_fresh.iter().copied().take(enough));
            self.merge(*id, &edges);
        }
        // All values of a row without a direction are 0.
        let first: Vec<_> =
            search.index.iter().take(self.k + 1).map(|entry| Edge { id: entry.id, value: 0.0 }).collect();
        for id in odd_fresh {
            if superseded() {
                return None;
            }
            match self.metric {
                Metric::Cosine => {
                    let others = first.iter().copied().filter(|edge| edge.id != id).take(self.k);
                    self.set(id, &others.collect::<Vec<_>>());
                }
                Metric::Euclidean => drop(self.scan(search.index, id, executor)),
            }
        }
        Some(())
    }

    fn set(&mut self, id: ImageId, edges: &[Edge]) {
        self.counts[id.at()] = edges.len() as u8;
        self.edges[id.at() * self.k..][..edges.len()].copy_from_slice(edges);
    }

    fn merge(&mut self, id: ImageId, more: &[Edge]) {
        let own = self.neighbors(id);
        let last = own.last().filter(|_| own.len() == self.k);
        if more.iter().all(|edge| last.is_some_and(|last| last.order(edge, self.metric).is_le())) {
            return;
        }
        let mut edges = [own, more].concat();
        edges.sort_unstable_by(|a, b| a.order(b, self.metric));
        edges.dedup_by_key(|edge| edge.id);
        edges.truncate(self.k);
        self.set(id, &edges);
    }

    /// How pictures are compared.
    #[must_use]
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// Neighbors that each picture has, if there are so many others.
    #[must_use]
    pub fn k(&self) -> usize {
        self.k
    }

    /// How far its neighbors are the nearest there are.
    #[must_use]
    pub fn accuracy(&self) -> Accuracy {
        self.accuracy
    }

    /// The state of the index that it was made of.
    #[must_use]
    pub fn made_of(&self) -> IndexState {
        self.made_of
    }

    /// One more than the largest id that may be in it, see [`Index::id_bound`].
    #[must_use]
    pub fn id_bound(&self) -> usize {
        self.counts.len()
    }

    /// Whether the picture has a row.
    #[must_use]
    pub fn contains(&self, id: ImageId) -> bool {
        self.counts.get(id.at()).is_some_and(|count| *count != ABSENT)
    }

    /// The nearest pictures of one, the nearest first, equal ones in order of id; none for a picture that has no row.
    #[must_use]
    pub fn neighbors(&self, id: ImageId) -> &[Edge] {
        match self.counts.get(id.at()) {
            None | Some(&ABSENT) => &[],
            Some(count) => &self.edges[id.at() * self.k..][..usize::from(*count)],
        }
    }
}

/// Rows that do not go with the others and are compared one by one: those that are no number or have no direction, and
/// lengths so far off that the others would look like one point beside them.
struct Odd {
    metric: Metric,
    /// In order of id.
    ids: Vec<ImageId>,
    /// Those of them that are no number.
    broken: Vec<ImageId>,
}

impl Odd {
    fn of(index: &Index, metric: Metric) -> Self {
        let mut lengths: Vec<f32> = index.iter().map(|entry| entry.norm).filter(|norm| norm.is_finite()).collect();
        let middle = lengths.len() / 2;
        let usual = if lengths.is_empty() { 0.0 } else { *lengths.select_nth_unstable_by(middle, f32::total_cmp).1 };
        let is_odd = |norm: f32| match metric {
            Metric::Cosine => norm == 0.0,
            Metric::Euclidean => norm > 1e37 || (usual > 0.0 && norm / usual > OUTLIER),
        };
        let odd = |norm: f32| !norm.is_finite() || is_odd(norm);
        let ids: Vec<_> = index.iter().filter(|entry| odd(entry.norm)).map(|entry| entry.id).collect();
        let broken = |id: &ImageId| index.get(*id).is_some_and(|entry| !entry.norm.is_finite());
        Self { metric, broken: ids.iter().copied().filter(broken).collect(), ids }
    }

    fn contains(&self, id: ImageId) -> bool {
        self.ids.binary_search(&id).is_ok()
    }

    fn is_broken(&self, id: ImageId) -> bool {
        self.broken.binary_search(&id).is_ok()
    }

    /// Those that may be among the `k` nearest of some row. All cosines with them are 0, so the first ones are nearest.
    fn candidates(&self, k: usize) -> impl Iterator<Item = ImageId> + '_ {
        let count = if self.metric == Metric::Cosine { k + 1 } else { self.ids.len() };
        self.ids.iter().copied().take(count)
    }

    /// Whether one of them may be among the nearest of a row whose nearest are known but for them.
    fn may_be_nearest(&self, edges: &[Edge], k: usize) -> bool {
        !self.ids.is_empty()
            && (self.metric == Metric::Euclidean
                || edges.len() < k
                || edges.last().is_some_and(|last| last.value <= 0.0))
    }
}

#[cfg(test)]
mod tests;
