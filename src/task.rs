//! Numbers that are made of an index while somebody waits for them. What comes out depends on the index and the task
//! alone, so that a test makes it at once and the explorer needs no worker to be tested.

mod job;
mod lane;
mod map;
mod labels;
mod models;

use std::sync::Arc;

pub use self::{
    job::{
        Away, Completed, Disposed, Doomed, Explained, FileFacts, Job, JobEvent, JobId, NamesKept, Outcome, Outside,
        Portrait, Undone,
    },
    labels::Classified,
    lane::Lane,
    map::{MapStep, MapTask, Mapped, Mapping},
    models::{OtherIndex, SideBySide},
};
use crate::{
    analysis::{
        alike::{Group, Pairs, Range},
        clusters::{Clustering, GroupName, Method, Sought},
        copies::Copies,
        outliers::Outliers,
    },
    index::{ImageId, Index, IndexState, filter::Filter, label_file::LabelSource, labels::Labels},
    order::Order,
    similarity::{Block, Comparison, Executor, Extremes, Graph, Metric, Query, RowOrder, graph},
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
    /// What belongs together, by a method; see [`Known`].
    Groups(Method, Known),
    /// What does not belong; the nearest neighbors that are known need not be found again.
    Outliers(Option<KnownGraph>),
    /// Which pictures look alike, by a range of the cosine similarity; what was found for another range, or for fewer
    /// pictures, need not be found again.
    Alike(Range, Option<Arc<LookAlikes>>),
    /// All pictures as points of a plane.
    Map(MapTask),
    /// What a classifier makes of labels; with the graph of the nearest pictures, where that is known.
    Classify(LabelSource, Option<KnownGraph>),
    /// Another model beside the one that made the index.
    CompareModels(OtherIndex),
    /// One picture compared with all by the other model.
    CompareByOther(OtherIndex, Query),
}

/// A graph that was made before.
#[derive(Debug, Clone)]
pub struct KnownGraph(pub Arc<Graph>);

/// Equal when they are the same: no table is looked at.
impl PartialEq for KnownGraph {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
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
    /// Of [`Task::Groups`], with what was asked for and the names that were known.
    Groups(Method, Arc<Clustering>, Arc<[GroupName]>),
    /// Of [`Task::Outliers`].
    Outliers(Arc<Outliers>),
    /// Of [`Task::Alike`].
    Alike(Arc<LookAlikes>),
    /// Of [`Task::Map`].
    Map(Mapped),
    /// How far a [`Task::Map`] is.
    Mapping(Mapping),
    /// Of [`Task::Classify`].
    Classified(Arc<Classified>),
    /// Of [`Task::CompareModels`].
    SideBySide(Arc<SideBySide>),
    /// The share of a long task that is done.
    Progress(f64),
}

/// What was kept of earlier runs and helps to make groups; whoever keeps it adds it to the task.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    /// The nearest neighbors.
    pub graph: Option<KnownGraph>,
    /// The names that the user gave to groups.
    pub names: Arc<[GroupName]>,
}

/// The pictures of an index that look alike.
#[derive(Debug)]
pub struct LookAlikes {
    /// The groups: files of the same content, then copies, where they were looked for; then look-alikes, among which one
    /// stands for its copies. The most alike come first.
    pub groups: Vec<Group>,
    /// The copies, once they were looked for.
    pub copies: Option<Arc<Copies>>,
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
    pub const NEIGHBORS: usize = 16;

    /// How pictures are compared.
    pub const METRIC: Metric = Metric::Cosine;

    /// A graph of this kind that knows nothing yet.
    #[must_use]
    pub fn empty_graph() -> Graph {
        Graph::empty(Self::METRIC, Self::NEIGHBORS)
    }

    /// What a graph that was kept knows already; groups are not looked for yet. `None` when it is not of the kind that
    /// [`find`](Self::find) makes.
    #[must_use]
    pub fn of_graph(graph: impl Into<Arc<Graph>>, range: Range) -> Option<Self> {
        let graph = graph.into();
        let fits = graph.k() == Self::NEIGHBORS && graph.metric() == Self::METRIC;
        fits.then(|| Self { groups: Vec::new(), copies: None, range, graph, pairs: None })
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
                let empty = Self::empty_graph();
                let before = known.map_or(&empty, |known| &*known.graph);
                let graph = before.extend(index, executor, superseded, progress)?;
                let pairs = Pairs::of(&graph);
                (Arc::new(graph), Arc::new(pairs))
            }
        };
        let found = Self { groups: Vec::new(), copies: None, range, graph, pairs: Some(pairs) };
        let copies = known.and_then(|known| known.copies.clone());
        found.with(copies.filter(|copies| copies.made_of.run == index.run()), index, superseded)
    }

    /// The same with these copies in their groups of their own. `None` when it was `superseded`.
    #[must_use]
    pub fn with(&self, copies: Option<Arc<Copies>>, index: &Index, superseded: &dyn Fn() -> bool) -> Option<Self> {
        let Self { range, graph, pairs, .. } = self;
        let surplus = copies.iter().flat_map(|copies| copies.surplus()).collect();
        // What has gone since leaves its group, and a group of one is none.
        // Who leaves the most alike out does not want to see copies.
        let shown = copies.iter().filter(|_| range.max >= 1.0);
        let mut groups =
            shown.flat_map(|copies| &copies.groups).filter_map(|group| group.of(index)).collect::<Vec<_>>();
        if let Some(pairs) = pairs {
            groups.extend(pairs.groups(index, *range, &surplus, superseded)?);
        }
        Some(Self { groups, copies, range: *range, graph: Arc::clone(graph), pairs: pairs.clone() })
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

/// What chance begins with where a method draws: the same groups come out each time.
pub const SEED: u64 = 0;

/// Nearest pictures that a picture is compared with to tell whether it is an outlier.
pub const OUTLIER_NEIGHBORS: usize = 16;

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
            Self::Map(_) => Lane::Map,
            Self::Groups(..) => Lane::Groups,
            Self::Outliers(_) => Lane::Outliers,
            Self::Classify(..) => Lane::Classify,
            Self::CompareModels(_) => Lane::CompareModels,
            Self::CompareByOther(..) => Lane::CompareByOther,
        }
    }

    /// Whether it takes seconds where there are many pictures.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        match self {
            Self::Compare(_) | Self::CompareByOther(..) | Self::Block(_) => false,
            Self::Groups(..) | Self::Outliers(_) | Self::Classify(..) | Self::CompareModels(_) => true,
            Self::Alike(_, known) => known.is_none(),
            Self::Map(task) => task.known.is_none(),
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
            Self::Compare(query) => Made::Comparison(compared(index, query, executor, superseded, so_far)),
            Self::CompareByOther(OtherIndex(other), query) => {
                Made::Comparison(compared(&other, query, executor, superseded, so_far))
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
            Self::Groups(method, known) => {
                let folders = Labels::folders(index);
                // Without a graph there is nothing to do in the first half.
                let half = if method.neighbors() > 0 { 0.5 } else { 0.0 };
                let mut report = |share| so_far(&|| Made::Progress(share));
                let graph = match method.neighbors() {
                    0 => None,
                    k => {
                        let known = known.graph.map(|KnownGraph(graph)| graph);
                        let mut progress = |share| report(half * share);
                        match graph::at_least(k, known, index, executor, superseded, &mut progress) {
                            None => return Made::Progress(0.0),
                            found => found,
                        }
                    }
                };
                let mut progress = |share| report(half + (1.0 - half) * share);
                let found = Clustering::find(
                    index,
                    &folders,
                    Sought { method, graph, seed: SEED },
                    executor,
                    superseded,
                    &mut progress,
                );
                found.map_or(Made::Progress(0.0), |found| Made::Groups(method, Arc::new(found), known.names))
            }
            Self::Outliers(known) => {
                let folders = Labels::folders(index);
                let mut report = |share| so_far(&|| Made::Progress(share));
                let known = known.map(|KnownGraph(graph)| graph);
                let graph = graph::at_least(OUTLIER_NEIGHBORS, known, index, executor, superseded, &mut |share| {
                    report(share / 2.0);
                });
                let Some(graph) = graph else { return Made::Progress(0.0) };
                // Among few, all others are no neighborhood.
                let k = OUTLIER_NEIGHBORS.min(index.len() / 2).max(1);
                let mut progress = |share| report(0.5 + share / 2.0);
                let found = Outliers::find(index, &folders, graph, k, executor, superseded, &mut progress);
                found.map_or(Made::Progress(0.0), |found| Made::Outliers(Arc::new(found)))
            }
            Self::Alike(range, known) => {
                let mut progress = |share| so_far(&|| Made::Progress(share));
                let found = LookAlikes::find(index, range, known.as_deref(), executor, superseded, &mut progress);
                found.map_or(Made::Progress(0.0), |found| Made::Alike(Arc::new(found)))
            }
            Self::Map(task) => {
                let mut told = |mapping: &dyn Fn() -> Mapping| so_far(&|| Made::Mapping(mapping()));
                task.make(index, executor, superseded, &mut told).map_or(Made::Progress(0.0), Made::Map)
            }
            Self::Classify(source, known) => {
                let mut progress = |share| so_far(&|| Made::Progress(share));
                let known = known.as_ref().map(|KnownGraph(graph)| &**graph);
                let found = Classified::of(index, source, known, executor, superseded, &mut progress);
                found.map_or(Made::Progress(0.0), |found| Made::Classified(Arc::new(found)))
            }
            Self::CompareModels(OtherIndex(other)) => {
                let mut progress = |share| so_far(&|| Made::Progress(share));
                let found = SideBySide::of(index, &other, executor, superseded, &mut progress);
                found.map_or(Made::Progress(0.0), |found| Made::SideBySide(Arc::new(found)))
            }
        }
    }
}

/// Compares one picture with all, showing what is known so far.
fn compared(
    index: &Index,
    query: Query,
    executor: Executor<'_>,
    superseded: &dyn Fn() -> bool,
    so_far: &mut dyn FnMut(&dyn Fn() -> Made),
) -> Arc<Comparison> {
    let mut found = Comparison::begin(index, query);
    loop {
        found.extend(index, PORTION, executor);
        if found.len() == index.id_bound() || superseded() {
            return Arc::new(found);
        }
        so_far(&|| Made::Comparison(Arc::new(found.clone())));
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

    #[test]
    fn tasks_that_know_other_things_are_not_the_same() {
        let graph = || KnownGraph(Arc::new(LookAlikes::empty_graph()));
        let name = GroupName { name: "fur".into(), size: 2, typical: Vec::new() };
        let groups = |known: &Known| Task::Groups(Method::default(), known.clone());
        let named = Known { graph: Some(graph()), names: [name].into() };
        assert_eq!(groups(&named), groups(&named));
        assert_eq!(groups(&Known::default()), groups(&Known::default()));
        for other in [Known { names: Arc::default(), ..named.clone() }, Known { graph: Some(graph()), ..named.clone() }]
        {
            assert_ne!(groups(&named), groups(&other));
        }
        assert_ne!(Task::Outliers(None), Task::Outliers(named.graph));
    }

    /// An index of rows of one value: 0, 1, 2, … 99, 0, 1, …
    fn large(rows: usize) -> Arc<Index> {
        let image = |row| Image {
            file: ImageFile { path: format!("/{row}").into(), size: 1, modified: 0, changed: 0 },
            pixels: (1, 1),
            format: "PNG",
            face: None,
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
