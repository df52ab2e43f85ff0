//! Numbers that are made of an index while somebody waits for them. What comes out depends on the index and the task
//! alone, so that a test makes it at once and the explorer needs no worker to be tested.

mod job;

use std::sync::Arc;

pub use self::job::{Job, JobEvent, JobId, Outcome};
use crate::{
    analysis::alike::{Group, Pairs, Range},
    index::{ImageId, Index, IndexState, filter::Filter},
    order::Order,
    similarity::{Accuracy, Block, Comparison, Executor, Extremes, Graph, Metric, Query, RowOrder},
};

/// What can be made of an index.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// One picture compared with all, or an embedding.
    Compare(Query),
    /// The rows of the heatmap: the pictures that a filter lets through.
    Order(Filter, Order),
    /// The pictures that a filter lets through, in an order.
    Sort(Filter, Order),
    /// The most and the least alike pair of a block of the heatmap.
    Block(Block),
    /// Which pictures look alike, by a range of the cosine similarity; what was found for another range, or for fewer
    /// pictures, need not be found again.
    Alike(Range, Option<Arc<LookAlikes>>),
}

/// What a task came to.
#[derive(Clone)]
pub enum Made {
    /// Of [`Task::Compare`].
    Comparison(Arc<Comparison>),
    /// Of [`Task::Order`], with its filter and its order and the index whose rows they are.
    Order(Filter, Order, Arc<Index>, Arc<RowOrder>),
    /// Of [`Task::Sort`].
    Sorted(Sorted),
    /// Of [`Task::Block`], with that block; nothing where there is no pair.
    Block(Block, Option<Extremes>),
    /// Of [`Task::Alike`].
    Alike(Arc<LookAlikes>),
    /// The share of a long task that is done.
    Progress(f64),
}

/// The pictures of an index that look alike.
#[derive(Debug)]
pub struct LookAlikes {
    /// The groups, the most alike first.
    pub groups: Vec<Group>,
    /// The range in which they are alike.
    pub range: Range,
    /// The nearest neighbors from which they were made.
    pub graph: Arc<Graph>,
    /// Nothing until the groups were looked for.
    pairs: Option<Arc<Pairs>>,
}

/// Equal when they are the same: no table is looked at.
impl PartialEq for LookAlikes {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl LookAlikes {
    /// Neighbors of each picture that are looked at: groups may be larger, through pictures between.
    const NEIGHBORS: usize = 16;

    /// How pictures are compared.
    pub const METRIC: Metric = Metric::Cosine;

    /// What a graph that was kept knows already; groups are not looked for yet. `None` when it is not of the kind that
    /// [`find`](Self::find) makes.
    #[must_use]
    pub fn of_graph(graph: Graph, range: Range) -> Option<Self> {
        let fits = graph.k() == Self::NEIGHBORS && graph.metric() == Self::METRIC;
        fits.then(|| Self { groups: Vec::new(), range, graph: Arc::new(graph), pairs: None })
    }

    /// How many in a hundred of the nearest are known, where the graph is not exact; rounded down.
    #[must_use]
    pub fn percent_found(&self) -> Option<u32> {
        match self.graph.accuracy() {
            Accuracy::Exact => None,
            Accuracy::Approximate { recall } => Some((100.0 * recall) as u32),
        }
    }

    /// Finds them; `known` is what was found before. `None` when it was `superseded`.
    #[must_use]
    pub fn find(
        index: &Index,
        range: Range,
        known: Option<&Self>,
        executor: Executor<'_>,
        superseded: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(f64),
    ) -> Option<Self> {
        let (graph, pairs) = match known {
            // An end that was moved acts at once; what is new in the index comes with the next task.
            Some(Self { graph, pairs: Some(pairs), range: then, .. })
                if graph.made_of() == index.state() || (*then != range && graph.made_of().run == index.run()) =>
            {
                (Arc::clone(graph), Arc::clone(pairs))
            }
            _ => {
                let empty = Graph::empty(Self::METRIC, Self::NEIGHBORS);
                let before = known.map_or(&empty, |known| &*known.graph);
                let graph = before.extend(index, executor, superseded, progress)?;
                let pairs = Pairs::of(&graph);
                (Arc::new(graph), Arc::new(pairs))
            }
        };
        Some(Self { groups: pairs.groups(index, range, superseded)?, range, graph, pairs: Some(pairs) })
    }
}

/// The pictures of an index that a filter lets through, in an order.
#[derive(Clone)]
pub struct Sorted {
    /// The pictures.
    pub ids: Vec<ImageId>,
    /// What let them through.
    pub filter: Filter,
    /// Their order.
    pub order: Order,
    /// The state of the index that they were taken from.
    pub made_of: IndexState,
    /// Its [`Index::id_bound`].
    pub id_bound: usize,
}

/// Tasks of one lane take each other's place; lanes do not wait for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// [`Task::Compare`] of a picture.
    Compare,
    /// [`Task::Compare`] of an embedding.
    Ask,
    /// [`Task::Order`].
    Order,
    /// [`Task::Sort`].
    Sort,
    /// [`Task::Block`].
    Block,
    /// [`Task::Alike`].
    Alike,
}

impl Lane {
    /// All of them, by their number.
    pub const ALL: [Self; 6] = [Self::Compare, Self::Ask, Self::Order, Self::Sort, Self::Block, Self::Alike];

    /// What is being done, in one word.
    #[must_use]
    pub fn doing(self) -> &'static str {
        match self {
            Self::Compare | Self::Ask => "comparing",
            Self::Order => "ordering",
            Self::Sort => "sorting",
            Self::Block => "finding the best pair",
            Self::Alike => "finding look-alikes",
        }
    }
}

/// Pictures that are compared before the next look at whether anybody still waits: some milliseconds of work.
const PORTION: usize = 1 << 17;

impl Task {
    /// The lane that it is in.
    #[must_use]
    pub fn lane(&self) -> Lane {
        match self {
            Self::Compare(Query::Image(_)) => Lane::Compare,
            Self::Compare(Query::Embedding(_)) => Lane::Ask,
            Self::Order(..) => Lane::Order,
            Self::Sort(..) => Lane::Sort,
            Self::Block(_) => Lane::Block,
            Self::Alike(..) => Lane::Alike,
        }
    }

    /// Whether it takes seconds where there are many pictures.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        match self {
            Self::Compare(_) | Self::Block(_) => false,
            Self::Alike(_, known) => known.is_none(),
            Self::Order(_, order) | Self::Sort(_, order) => !order.is_pairwise(),
        }
    }

    /// Whether it is about the place of the cursor, and so of no use after the next key.
    #[must_use]
    pub fn is_fleeting(&self) -> bool {
        matches!(self, Self::Block(_))
    }

    /// Does it. `superseded` says that nobody waits for the result any more, which is then not whole; `so_far` may ask
    /// for what is known until then.
    #[must_use]
    pub fn make(
        self,
        index: &Arc<Index>,
        executor: Executor<'_>,
        superseded: &dyn Fn() -> bool,
        so_far: &mut dyn FnMut(&dyn Fn() -> Made),
    ) -> Made {
        match self {
            Self::Compare(query) => {
                let mut found = Comparison::begin(index, query);
                loop {
                    found.extend(index, PORTION, executor);
                    if found.len() == index.id_bound() || superseded() {
                        return Made::Comparison(Arc::new(found));
                    }
                    so_far(&|| Made::Comparison(Arc::new(found.clone())));
                }
            }
            Self::Order(filter, order) => {
                let order = order.renewed(index, executor);
                let mut ids: Vec<_> = index.iter().map(|entry| entry.id).collect();
                filter.retain(index, &mut ids);
                let rows = order.rows(index, ids, executor);
                Made::Order(filter, order, Arc::clone(index), Arc::new(rows))
            }
            Self::Sort(filter, order) => {
                let order = order.renewed(index, executor);
                let mut ids: Vec<_> = index.iter().map(|entry| entry.id).collect();
                filter.retain(index, &mut ids);
                let ids = order.sorted(index, ids, executor);
                Made::Sorted(Sorted { ids, filter, order, made_of: index.state(), id_bound: index.id_bound() })
            }
            Self::Block(block) => {
                let found = block.extremes(index, executor, superseded, PORTION);
                Made::Block(block, found)
            }
            Self::Alike(range, known) => {
                let mut progress = |share| so_far(&|| Made::Progress(share));
                let found = LookAlikes::find(index, range, known.as_deref(), executor, superseded, &mut progress);
                found.map_or(Made::Progress(0.0), |found| Made::Alike(Arc::new(found)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use half::f16;

    use super::*;
    use crate::{
        index::{Image, Images, Rows, Segment},
        scan::ImageFile,
        similarity::{self, Metric, sequential},
    };

    /// An index of rows of one value: 0, 1, 2, … 99, 0, 1, …
    fn large(rows: usize) -> Arc<Index> {
        let image = |row| Image {
            file: ImageFile { path: format!("/{row}").into(), size: 1, modified: 0, changed: 0 },
            pixels: (1, 1),
            format: "PNG",
        };
        let values: Vec<_> = (0..rows).map(|row| f16::from_f32((row % 100) as f32)).collect();
        let mut index = Index::new(1);
        assert!(index.push(Arc::new(Segment {
            root: Path::new("/").into(),
            images: Images::new(Path::new("/"), (0..rows).map(image)),
            norms: values.iter().map(|value| value.to_f32()).collect(),
            scales: vec![1.0; rows],
            rows: Rows::owned(values, 1),
            dead: Vec::new(),
        })));
        Arc::new(index)
    }

    #[test]
    fn a_long_comparison_shows_the_best_so_far_and_stops_for_a_newer_one() {
        let index = large(3 * PORTION + 1);
        let query = Query::Image(ImageId(7));
        let whole = similarity::compare(&index, &query);
        let comparison = |made| match made {
            Made::Comparison(comparison) => comparison,
            _ => panic!("it was to compare"),
        };
        let mut parts = Vec::new();
        let task = Task::Compare(query);
        let found = task.clone().make(&index, &sequential, &|| false, &mut |part| parts.push(comparison(part())));
        assert_eq!(*comparison(found), whole);
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [PORTION, 2 * PORTION, 3 * PORTION]);
        for part in parts {
            for metric in [Metric::Cosine, Metric::Euclidean] {
                assert_eq!(part.values(metric), &whole.values(metric)[..part.len()]);
            }
        }
        let stopped = task.make(&index, &sequential, &|| true, &mut |_| panic!("nobody waits for it"));
        assert_eq!(comparison(stopped).len(), PORTION);
    }
}
