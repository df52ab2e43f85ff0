//! The map of an index: what it takes to make one, and what it comes to.

use std::{cell::Cell, sync::Arc};

use super::LookAlikes;
use crate::{
    analysis::projection::{Method, Projection, Projector},
    index::Index,
    similarity::{Executor, Graph},
};

/// Maps of the same pictures are the same.
const SEED: u64 = 0x6d61_7073;

/// The shares of the time that the steps of a map take where it takes any.
const COMPARED: f64 = 0.4;
const MOVED: f64 = 0.95;

/// A map that is wanted. What is known already shortens the way to it.
#[derive(Debug, Clone)]
pub struct MapTask {
    /// How it is to be made.
    pub method: Method,
    /// The map as it was.
    pub known: Option<Arc<Projection>>,
    /// The nearest pictures as far as they are known.
    pub graph: Option<Arc<Graph>>,
    /// Make it anew, whatever is known.
    pub anew: bool,
    /// More pictures come: one that takes long is not made yet, and the plane of the principal components stands in.
    pub hurried: bool,
}

/// Equal when the maps asked for are; no table is looked at, and the graph does not change what is asked for.
impl PartialEq for MapTask {
    fn eq(&self, other: &Self) -> bool {
        let known = |task: &Self| task.known.as_ref().map(Arc::as_ptr);
        let of = |task: &Self| (task.method, task.anew, task.hurried);
        of(self) == of(other) && known(self) == known(other)
    }
}

/// A map, and the graph that it was made of, if it needed one.
#[derive(Debug, Clone)]
pub struct Mapped {
    /// The points.
    pub projection: Arc<Projection>,
    /// The nearest pictures.
    pub graph: Option<Arc<Graph>>,
    /// Whether it was made, and not only brought in line with an index that changed.
    pub is_new: bool,
}

/// How far a map under way is.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// How it is made.
    pub method: Method,
    /// What is being done.
    pub step: MapStep,
    /// The share of all that is done.
    pub share: f64,
    /// The map as it is by now, at times.
    pub so_far: Option<Arc<Projection>>,
}

/// The steps of making a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapStep {
    /// All pictures are compared with all.
    Comparing,
    /// The points move to their places.
    Moving,
    /// How far the map can be trusted is measured.
    Measuring,
}

impl MapTask {
    /// Whether the known map has a point for every picture.
    #[must_use]
    pub fn knows_all(&self, index: &Index) -> bool {
        let of_run = self.known.as_ref().filter(|known| known.made_of().run == index.run());
        of_run.is_some_and(|known| index.iter().all(|entry| known.point(entry.id).is_some()))
    }

    /// Makes it; `told` gets how far it is. `None` when it was `superseded`.
    #[must_use]
    pub fn make(
        self,
        index: &Index,
        executor: Executor<'_>,
        superseded: &dyn Fn() -> bool,
        told: &mut dyn FnMut(&dyn Fn() -> Mapping),
    ) -> Option<Mapped> {
        let method = self.method;
        let mapping = |step, share: f64| Mapping { method, step, share, so_far: None };
        // The graph takes a while only where there is much that it does not know.
        let graph = |told: &mut dyn FnMut(&dyn Fn() -> Mapping)| {
            let empty = Graph::empty(LookAlikes::METRIC, LookAlikes::NEIGHBORS);
            let before = self.graph.as_deref().unwrap_or(&empty);
            if before.made_of() == index.state() {
                return self.graph.clone();
            }
            let mut progress = |share| told(&|| mapping(MapStep::Comparing, COMPARED * share));
            before.extend(index, executor, superseded, &mut progress).map(Arc::new)
        };
        if let Some(known) = self.known.as_ref().filter(|known| !self.anew && known.method != Method::Pca) {
            // Only pictures without a point need neighbors.
            let graph = if self.knows_all(index) { None } else { Some(graph(told)?) };
            let next = known.following(index, graph.as_deref());
            if let Some(next) = next.filter(|next| self.hurried || !next.is_stale()) {
                let graph = graph.or(self.graph);
                return Some(Mapped { projection: Arc::new(next), graph, is_new: false });
            }
        }
        let projector = Projector::new(index, SEED, executor, superseded);
        let plane = projector.pca()?;
        let is_plane = self.hurried || method == Method::Pca;
        let (made, graph) = if is_plane {
            (plane, None)
        } else {
            let begun = Arc::new(plane);
            told(&|| Mapping { so_far: Some(Arc::clone(&begun)), ..mapping(MapStep::Comparing, 0.0) });
            let graph = graph(told)?;
            let (shown, span) = (Cell::new(0.0), MOVED - COMPARED);
            let mut progress = |share: f64, map: &dyn Fn() -> Projection| {
                told(&|| {
                    // At most twenty pictures of the way: each costs a screenful of bytes.
                    let so_far = (share >= shown.get() + 0.05).then(|| Arc::new(map()));
                    if so_far.is_some() {
                        shown.set(share);
                    }
                    Mapping { so_far, ..mapping(MapStep::Moving, COMPARED + span * share) }
                });
            };
            let moved = projector.refine(&begun, method, &graph, &mut progress)?;
            (moved, Some(graph))
        };
        let mut made = Arc::new(made);
        let before = if is_plane { 0.0 } else { MOVED };
        let mut progress = |share: f64| {
            let so_far = Some(Arc::clone(&made));
            told(&|| Mapping {
                so_far: so_far.clone(),
                ..mapping(MapStep::Measuring, before + (1.0 - before) * share)
            });
        };
        let quality = if self.hurried { None } else { projector.quality(&made, &mut progress) };
        Arc::make_mut(&mut made).quality = quality;
        if superseded() {
            return None;
        }
        Some(Mapped { projection: made, graph: graph.or(self.graph), is_new: true })
    }
}
