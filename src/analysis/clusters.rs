//! What belongs together: clusters of a collection by three methods, what they are like, and how far they agree with the
//! folders.

mod agreement;
mod hdbscan;
mod k_means;
mod names;
mod silhouette;
mod unit_rows;

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use ndarray::{Array1, Axis};

pub use self::{agreement::Agreement, hdbscan::Density, names::GroupName};
use self::{
    hdbscan::hdbscan,
    k_means::{DRAWS, SAMPLE, k_means, of_sample},
    silhouette::{best_count, silhouette},
    unit_rows::{Rows, UnitRows, blocks, evenly},
};
use crate::{
    index::{ImageId, Index, IndexState, labels::Labels},
    similarity::{Accuracy, Executor, Graph, Metric, graph::MOST_NEIGHBORS, map_parallel, seriation::seriate},
};

/// Clusters that the best silhouette is looked for among, at most.
const MOST_COUNTED: usize = 100;
/// Draws of k-means while the number of clusters is looked for.
const COUNTING_DRAWS: usize = 3;

/// How clusters are found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// HDBSCAN: dense parts of any shape, and noise between them.
    Hdbscan(Density),
    /// Spherical k-means: so many round parts, or the number with the best silhouette; no noise.
    KMeans(Option<usize>),
    /// A cut of the tree of average-linkage clustering that the order by similarity comes from; no noise.
    Dendrogram(Cut),
}

/// Where a dendrogram is cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cut {
    /// Where the silhouette is best.
    Silhouette,
    /// Into so many clusters.
    Count(usize),
    /// Clusters whose parts have at least this mean cosine similarity.
    Height(f32),
}

impl Default for Density {
    fn default() -> Self {
        Self { min_size: 5, min_samples: 2 }
    }
}

/// On collections whose groups are known, k-means with its count left to the silhouette finds most of them.
impl Default for Method {
    fn default() -> Self {
        Self::KMeans(None)
    }
}

impl Method {
    /// The name used on screens, in JSON and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hdbscan(_) => "hdbscan",
            Self::KMeans(_) => "kmeans",
            Self::Dendrogram(_) => "dendrogram",
        }
    }

    /// Neighbors that the graph for [`Clustering::find`] must have; 0 where it needs none.
    #[must_use]
    pub fn neighbors(self) -> usize {
        match self {
            // More than are asked for: the graph is also what the spanning tree of a large collection is made of.
            Self::Hdbscan(density) => density.min_samples.clamp(16, MOST_NEIGHBORS),
            _ => 0,
        }
    }
}

/// What is wanted of [`Clustering::find`].
#[derive(Debug, Clone)]
pub struct Sought {
    /// How clusters are found.
    pub method: Method,
    /// The nearest neighbors by cosine of the index, at least [`Method::neighbors`] of them where the method needs any;
    /// without it all is noise.
    pub graph: Option<Arc<Graph>>,
    /// What chance begins with.
    pub seed: u64,
}

/// Pictures that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// The pictures, the most typical first, each with its cosine similarity to the cluster's center, the direction of its
    /// mean. The first one is the medoid: none has a higher mean cosine similarity to the others.
    pub members: Vec<(ImageId, f32)>,
    /// Mean cosine similarity of the members to the center: 1 for copies, 0 for what has nothing in common.
    pub cohesion: f32,
    /// The folder that most members are in, by its number among the folders' labels, with the share of the members that are
    /// in it, 0 to 1 (purity); `None` where most are in no sub-folder.
    pub folder: Option<(usize, f32)>,
}

impl Cluster {
    /// The most typical picture.
    #[must_use]
    pub fn medoid(&self) -> ImageId {
        self.members[0].0
    }
}

/// The clusters of an index.
#[derive(Debug, Clone)]
pub struct Clustering {
    /// How they were found, with what was left open filled in.
    pub method: Method,
    /// The clusters, the largest first.
    pub clusters: Vec<Cluster>,
    /// Pictures in no cluster, by path.
    pub noise: Vec<ImageId>,
    /// The mean silhouette by cosine distance over the pictures of clusters, −1 to 1, of a large collection over an even
    /// sample of 4,096; `None` for fewer than two clusters.
    pub silhouette: Option<f64>,
    /// How far the clusters agree with the sub-folders, over the pictures in sub-folders and with the noise as one cluster
    /// more; `None` where there are not two sub-folders.
    pub agreement: Option<Agreement>,
    /// The sub-folders that they are compared with; [`Cluster`]s name theirs by their numbers here.
    pub folders: Arc<Labels>,
    /// The nearest neighbors from which they were found; only for HDBSCAN.
    pub graph: Option<Arc<Graph>>,
    /// The index that they were found in, and its [`Index::id_bound`].
    pub made_of: (IndexState, usize),
}

impl Clustering {
    /// Finds the clusters of an index whose sub-folders are `folders`. The outcome depends on the embeddings, the paths and
    /// the seed alone. `None` when it was `superseded`.
    #[must_use]
    pub fn find(
        index: &Index,
        folders: &Labels,
        sought: Sought,
        executor: Executor<'_>,
        superseded: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(f64),
    ) -> Option<Self> {
        let Sought { method, graph, seed } = sought;
        let rows = UnitRows::new(index);
        let (method, assigned) = match method {
            Method::Hdbscan(density) => {
                debug_assert!(graph.as_ref().is_none_or(|graph| graph.metric() == Metric::Cosine));
                let found = match &graph {
                    Some(graph) => hdbscan(&rows, graph, density, executor, superseded)?,
                    None => vec![None; rows.len()],
                };
                (method, found)
            }
            Method::KMeans(count) => {
                let count = match count {
                    Some(count) => count,
                    None => k_means_count(&rows, seed, superseded, progress)?,
                };
                let found = k_means(&rows, count, seed, executor, superseded)?;
                (Method::KMeans(Some(count)), found.nearest.into_iter().map(Some).collect())
            }
            Method::Dendrogram(cut) => by_tree(index, &rows, cut, executor, superseded, progress)?,
        };
        let (clusters, noise) = described(&rows, &assigned, folders, executor);
        let silhouette = silhouette_of(&rows, &assigned);
        let agreement = agreement(&rows, &assigned, folders);
        let made_of = (index.state(), index.id_bound());
        let folders = Arc::new(folders.clone());
        Some(Self { method, clusters, noise, silhouette, agreement, folders, graph, made_of })
    }

    /// How far the nearest neighbors from which they were found are the nearest there are.
    #[must_use]
    pub fn accuracy(&self) -> Accuracy {
        self.graph.as_ref().map_or(Accuracy::Exact, |graph| graph.accuracy())
    }

    /// The clusters as labels with these names, one a cluster.
    #[must_use]
    pub fn labels(&self, names: Vec<String>) -> Labels {
        let mut of = vec![None; self.made_of.1];
        for (number, cluster) in self.clusters.iter().enumerate() {
            cluster.members.iter().for_each(|(id, _)| of[id.at()] = Some(number));
        }
        Labels::assigned(of, names, self.made_of.0)
    }
}

/// The number of clusters of k-means with the best silhouette, of a large collection on an even sample.
fn k_means_count(
    rows: &UnitRows<'_>,
    seed: u64,
    superseded: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(f64),
) -> Option<usize> {
    let sample = rows.gather(evenly(rows.len(), SAMPLE / 2));
    let sample = sample.view();
    let score = |count: usize| {
        let found = of_sample(&sample, count, COUNTING_DRAWS.min(DRAWS), seed, superseded)?.assignment();
        Some(silhouette(&sample, &found.nearest, found.count))
    };
    best_count(sample.nrows(), MOST_COUNTED, score, progress)
}

/// Cuts the tree of the order by similarity.
fn by_tree(
    index: &Index,
    rows: &UnitRows<'_>,
    cut: Cut,
    executor: Executor<'_>,
    superseded: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(f64),
) -> Option<(Method, Vec<Option<usize>>)> {
    let found = seriate(index, &rows.ids, executor);
    let tree = &found.dendrogram;
    let mut row_of = vec![0; index.id_bound()];
    rows.ids.iter().enumerate().for_each(|(row, id)| row_of[id.at()] = row);
    let assigned = |clusters: &[Range<usize>]| {
        let mut assigned = vec![0; rows.len()];
        for (number, cluster) in clusters.iter().enumerate() {
            found.ids[cluster.clone()].iter().for_each(|id| assigned[row_of[id.at()]] = number);
        }
        assigned
    };
    let cut = match cut {
        Cut::Silhouette => {
            let places: Vec<usize> = evenly(rows.len(), SAMPLE).collect();
            let sample = rows.gather(places.iter().copied());
            let score = |count: usize| {
                let clusters = tree.cut(count);
                let assigned = assigned(&clusters);
                let of_sample: Vec<usize> = places.iter().map(|row| assigned[*row]).collect();
                (!superseded()).then(|| silhouette(&sample.view(), &of_sample, clusters.len()))
            };
            Cut::Count(best_count(rows.len(), MOST_COUNTED, score, progress)?)
        }
        cut => cut,
    };
    let clusters = match cut {
        Cut::Height(height) => tree.cut_at(height),
        Cut::Count(count) => tree.cut(count),
        Cut::Silhouette => tree.cut(1),
    };
    let assigned = assigned(&clusters).into_iter().map(Some).collect();
    if superseded() { None } else { Some((Method::Dendrogram(cut), assigned)) }
}

/// What the clusters are like, the largest first, and the pictures in none.
fn described(
    rows: &UnitRows<'_>,
    assigned: &[Option<usize>],
    folders: &Labels,
    executor: Executor<'_>,
) -> (Vec<Cluster>, Vec<ImageId>) {
    let count = assigned.iter().flatten().max().map_or(0, |last| last + 1);
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut noise = Vec::new();
    for (row, cluster) in assigned.iter().enumerate() {
        match cluster {
            Some(cluster) => members[*cluster].push(row),
            None => noise.push(rows.ids[row]),
        }
    }
    members.retain(|members| !members.is_empty());
    let mut clusters = map_parallel(executor, members.into_iter(), |members| cluster(rows, &members, folders));
    clusters.sort_by(|a, b| {
        let size = |cluster: &Cluster| cluster.members.len();
        size(b).cmp(&size(a)).then(b.cohesion.total_cmp(&a.cohesion)).then(a.medoid().cmp(&b.medoid()))
    });
    (clusters, noise)
}

/// What a cluster of some rows is like.
fn cluster(rows: &UnitRows<'_>, members: &[usize], folders: &Labels) -> Cluster {
    let mut center = Array1::<f32>::zeros(rows.dim());
    let block = |range: Range<usize>| rows.gather(members[range].iter().copied());
    blocks(0..members.len()).for_each(|range| center += &block(range).sum_axis(Axis(0)));
    center /= center.dot(&center).sqrt().max(f32::MIN_POSITIVE);
    let mut cosines = Vec::with_capacity(members.len());
    blocks(0..members.len()).for_each(|range| cosines.extend(block(range).dot(&center)));
    let mut members: Vec<(ImageId, f32)> =
        members.iter().zip(cosines).map(|(row, cosine)| (rows.ids[*row], cosine.clamp(-1.0, 1.0))).collect();
    members.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let cohesion = members.iter().map(|member| member.1).sum::<f32>() / members.len() as f32;
    let folder = majority(&members, folders);
    Cluster { members, cohesion, folder }
}

/// The folder of most members, with their share.
fn majority(members: &[(ImageId, f32)], folders: &Labels) -> Option<(usize, f32)> {
    let mut counts = BTreeMap::<Option<usize>, usize>::new();
    members.iter().for_each(|(id, _)| *counts.entry(folders.of(*id)).or_default() += 1);
    let (folder, most) = counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0)))?;
    Some((folder?, most as f32 / members.len() as f32))
}

fn silhouette_of(rows: &UnitRows<'_>, assigned: &[Option<usize>]) -> Option<f64> {
    let grouped: Vec<(usize, usize)> =
        assigned.iter().enumerate().filter_map(|(row, cluster)| Some((row, (*cluster)?))).collect();
    let sample: Vec<(usize, usize)> = evenly(grouped.len(), SAMPLE).map(|at| grouped[at]).collect();
    let vectors = rows.gather(sample.iter().map(|(row, _)| *row));
    // Numbered anew: of many clusters few may be in the sample.
    let mut numbers = BTreeMap::new();
    let number = |(_, cluster)| {
        let next = numbers.len();
        *numbers.entry(cluster).or_insert(next)
    };
    let clusters: Vec<usize> = sample.into_iter().map(number).collect();
    Some(silhouette(&vectors.view(), &clusters, numbers.len())).filter(|value| !value.is_nan())
}

fn agreement(rows: &UnitRows<'_>, assigned: &[Option<usize>], folders: &Labels) -> Option<Agreement> {
    let noise = assigned.len();
    let pairs = rows.ids.iter().zip(assigned);
    let pairs: Vec<_> = pairs.filter_map(|(id, cluster)| Some((folders.of(*id)?, cluster.unwrap_or(noise)))).collect();
    let first = pairs.first()?.0;
    if pairs.iter().all(|(folder, _)| *folder == first) {
        return None;
    }
    Agreement::of(pairs.into_iter())
}
