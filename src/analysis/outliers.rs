//! What does not belong: pictures that are far from all others, over all or within their folder, and pictures that look
//! like those of another folder.
//!
//! Distances are euclidean distances of unit vectors, √(2 − 2·cosine): 0 for copies, √2 for pictures that have nothing in
//! common.

mod scores;

use std::{collections::BTreeMap, sync::Arc};

pub use self::scores::{FLAGGED, Measure, Scores};
use crate::{
    index::{ImageId, Index, IndexState, labels::Labels},
    similarity::{Accuracy, Executor, Graph, Metric, graph},
};

/// Nearest pictures that must all lie in one other folder for a picture to look like that folder.
pub const WITNESSES: usize = 5;

/// Among which pictures one is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Scope {
    /// Among all.
    #[default]
    All,
    /// Among those of its sub-folder; those in none are one folder more.
    Folder,
}

/// How far a picture is out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlier {
    /// The picture.
    pub id: ImageId,
    /// Its mean distance to the k nearest.
    pub distance: f32,
    /// Its local outlier factor: about 1 in the midst of its like, more where its nearest lie closer to each other than to
    /// it.
    pub factor: f32,
    /// How many deviations it is above the median by the measure in use, see [`Scores::get`]; NaN among fewer than 8
    /// pictures.
    pub deviation: f32,
}

impl Outlier {
    /// Whether it is called an outlier.
    #[must_use]
    pub fn is_flagged(&self) -> bool {
        self.deviation > FLAGGED
    }
}

/// A picture whose nearest all lie in another folder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Misplaced {
    /// The picture.
    pub id: ImageId,
    /// The number of the folder's label.
    pub looks_like: usize,
    /// Its mean cosine similarity to those nearest.
    pub cosine: f32,
}

/// The scores of all pictures of an index.
#[derive(Debug, Clone)]
pub struct Outliers {
    /// How many of the nearest are looked at.
    pub k: usize,
    /// The nearest neighbors over all.
    pub graph: Arc<Graph>,
    /// How far these, and those within the folders, are the nearest there are.
    pub accuracy: Accuracy,
    /// The scores over all pictures.
    all: Scores,
    /// The scores within the folders; `None` where there is only one.
    within: Option<Scores>,
    /// Pictures that look like those of another folder, the surest first.
    pub misplaced: Vec<Misplaced>,
    /// The sub-folders; [`Misplaced`] names them by their numbers here.
    pub folders: Arc<Labels>,
    /// Which pictures are outliers over all by their distance, as labels; those that cannot be compared have none.
    pub labels: Arc<Labels>,
    /// The index that they were found in, and its [`Index::id_bound`].
    pub made_of: (IndexState, usize),
}

impl Outliers {
    /// Scores the pictures of an index whose sub-folders are `folders`. `graph` are its nearest neighbors by cosine; `k` of
    /// them are looked at, within a folder half of its pictures at most. `None` when it was `superseded`.
    #[must_use]
    pub fn find(
        index: &Index,
        folders: &Labels,
        graph: Arc<Graph>,
        k: usize,
        executor: Executor<'_>,
        superseded: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(f64),
    ) -> Option<Self> {
        let k = k.clamp(1, graph.k());
        let ids: Vec<ImageId> = index.iter().map(|entry| entry.id).collect();
        let mut all = Scores::new(index.id_bound());
        all.add(&ids, &graph, k, |place| ids[place]);
        let mut members: BTreeMap<Option<usize>, Vec<ImageId>> = BTreeMap::new();
        ids.iter().for_each(|id| members.entry(folders.of(*id)).or_default().push(*id));
        let (mut within, mut done, mut accuracy) = (Scores::new(index.id_bound()), 0, graph.accuracy());
        if members.len() > 1 {
            for members in members.values() {
                let part = index.part(members);
                let share = |of_part: f64| (done as f64 + of_part * members.len() as f64) / ids.len() as f64;
                let mut progress = |of_part| progress(share(of_part));
                // In a small folder, all others are no neighborhood.
                let k = k.min(members.len() / 2).max(1);
                let graph = graph::build(&part, Metric::Cosine, k, executor, superseded, &mut progress)?;
                accuracy = accuracy.and(graph.accuracy());
                within.add(members, &graph, k, |place| ImageId(place as u32));
                done += members.len();
            }
        }
        all.rank();
        within.rank();
        let within = (members.len() > 1).then_some(within);
        let misplaced = misplaced(&ids, folders, &graph);
        let folders = Arc::new(folders.clone());
        let mut flagged = vec![None; index.id_bound()];
        for outlier in all.ranked(Measure::Distance) {
            flagged[outlier.id.at()] = Some(usize::from(outlier.is_flagged()));
        }
        let names = vec!["ordinary".to_owned(), "outlier".to_owned()];
        let labels = Arc::new(Labels::assigned(flagged, names, index.state()));
        let made_of = (index.state(), index.id_bound());
        Some(Self { k, graph, accuracy, all, within, misplaced, folders, labels, made_of })
    }

    /// Whether there is more than one folder, so that a picture can be an outlier of its own.
    #[must_use]
    pub fn has_folders(&self) -> bool {
        self.within.is_some()
    }

    /// The pictures by falling [`Outlier::deviation`]; those that cannot be compared are left out: the only picture, or the
    /// only one of its folder.
    #[must_use]
    pub fn ranked(&self, scope: Scope, measure: Measure) -> &[Outlier] {
        match (scope, &self.within) {
            (Scope::All, _) => self.all.ranked(measure),
            (Scope::Folder, Some(within)) => within.ranked(measure),
            (Scope::Folder, None) => &[],
        }
    }

    /// A picture's scores; `None` when it cannot be compared.
    #[must_use]
    pub fn get(&self, scope: Scope, measure: Measure, id: ImageId) -> Option<Outlier> {
        match scope {
            Scope::All => self.all.get(measure, id),
            Scope::Folder => self.within.as_ref()?.get(measure, id),
        }
    }
}

/// The pictures whose nearest all lie in one other folder, by falling likeness to them.
fn misplaced(ids: &[ImageId], folders: &Labels, graph: &Graph) -> Vec<Misplaced> {
    let looks = |id: ImageId| {
        let nearest = graph.neighbors(id).get(..WITNESSES)?;
        let other = folders.of(nearest[0].id).filter(|folder| Some(*folder) != folders.of(id))?;
        let cosine = nearest.iter().map(|edge| edge.value).sum::<f32>() / WITNESSES as f32;
        let agreed = nearest.iter().all(|edge| folders.of(edge.id) == Some(other));
        // What has nothing in common with them does not look like them.
        (agreed && cosine > 0.0).then_some(Misplaced { id, looks_like: other, cosine })
    };
    let mut found: Vec<Misplaced> = ids.iter().filter_map(|id| looks(*id)).collect();
    found.sort_by(|a, b| b.cosine.total_cmp(&a.cosine).then(a.id.cmp(&b.id)));
    found
}
