//! What is kept beside the store: the graph of the nearest pictures, read before all are compared with all, so that only
//! what is new must be, and kept after it; and what the second look read of the files.

use std::sync::{Arc, Mutex};

use super::{
    contents::{contents_of, contents_to_bytes},
    lock,
};
use crate::{
    analysis::{alike::Range, copies::Contents},
    index::{Index, IndexState, progress::Report, store::KeptGraphs},
    similarity::Graph,
    task::LookAlikes,
};

/// While pictures come, a graph is kept again when one in so many of its pictures is new: each of them is then written a
/// few times, however many there are.
const SHARE: usize = 16;

/// The name under which the contents of pictures are kept.
const CONTENTS: &str = "contents";

/// What is known of the kept graph. The run that indexes says where it is; whoever makes a graph asks for it.
#[derive(Default)]
pub struct Kept(Mutex<State>);

#[derive(Default)]
struct State {
    graphs: Option<KeptGraphs>,
    near_duplicate: Option<f32>,
    run_goes_on: bool,
    /// Of the graph that is kept: the state of the index that it was made of, and its [`Graph::id_bound`].
    on_disk: Option<(IndexState, usize)>,
}

impl Kept {
    /// Takes note of where graphs are kept.
    pub fn hear(&self, report: &Report) {
        let mut state = lock(&self.0);
        state.run_goes_on = true;
        match report {
            Report::Graphs(graphs) => state.graphs = Some(graphs.clone()),
            Report::Model { near_duplicate, .. } => state.near_duplicate = *near_duplicate,
            _ => {}
        }
    }

    /// From which cosine similarity the model takes two pictures for near-duplicates, where it says so.
    #[must_use]
    pub fn near_duplicate(&self) -> Option<f32> {
        lock(&self.0).near_duplicate
    }

    /// From now on whatever is new is kept at once.
    pub fn run_ended(&self) {
        lock(&self.0).run_goes_on = false;
    }

    /// What is known, or else what the kept graph knows, if there is one of this index.
    #[must_use]
    pub fn or_read(&self, known: Option<Arc<LookAlikes>>, index: &Index, range: Range) -> Option<Arc<LookAlikes>> {
        if known.as_ref().is_some_and(|known| known.graph.made_of().run == index.run()) {
            return known;
        }
        let read = || {
            let graphs = self.graphs(index)?;
            let bytes = graphs.read(LookAlikes::METRIC.name())?;
            let graph = Graph::from_bytes(&bytes, LookAlikes::METRIC, index, |row| graphs.id_of(row))?;
            LookAlikes::of_graph(graph, range)
        };
        let Some(found) = read() else { return known };
        if index.iter().all(|entry| found.graph.contains(entry.id)) {
            lock(&self.0).on_disk = Some((found.graph.made_of(), found.graph.id_bound()));
        }
        Some(Arc::new(found))
    }

    /// Keeps the graph of what was found, unless that is not worth the writing yet. What cannot be kept is made again by
    /// the next run, which is not worth a word.
    pub fn keep(&self, found: &LookAlikes, index: &Index) {
        let (graph, Some(graphs)) = (&found.graph, self.graphs(index)) else { return };
        let mut state = lock(&self.0);
        let before = state.on_disk.filter(|(made_of, _)| made_of.run == index.run());
        let known = before.map_or(0, |(_, id_bound)| id_bound);
        let little = (graph.id_bound() - known.min(graph.id_bound())) * SHARE < graph.id_bound();
        if before.is_some_and(|(made_of, _)| made_of == graph.made_of()) || (state.run_goes_on && little) {
            return;
        }
        state.on_disk = Some((graph.made_of(), graph.id_bound()));
        drop(state);
        let _ = graphs.keep(LookAlikes::METRIC.name(), &graph.to_bytes(|id| graphs.row_of(id)));
    }

    /// The contents of the index's pictures that were read by an earlier second look.
    pub(super) fn contents(&self, index: &Index) -> Contents {
        let read = || {
            let graphs = self.graphs(index)?;
            contents_of(&graphs.read(CONTENTS)?, |row| graphs.id_of(row).filter(|id| index.contains(*id)))
        };
        read().unwrap_or_default()
    }

    /// Keeps them. What cannot be kept is read again by the next run.
    pub(super) fn keep_contents(&self, contents: &Contents, index: &Index) {
        if let Some(graphs) = self.graphs(index) {
            let _ = graphs.keep(CONTENTS, &contents_to_bytes(contents, |id| graphs.row_of(id)));
        }
    }

    fn graphs(&self, index: &Index) -> Option<KeptGraphs> {
        lock(&self.0).graphs.clone().filter(|graphs| graphs.are_of(index))
    }
}
