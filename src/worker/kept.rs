//! What is kept beside the store because it takes long to make: the graph of the nearest pictures, read before all are
//! compared with all, so that only what is new must be; the maps; and what the second look read of the files.

use std::sync::{Arc, Mutex};

use super::{
    group_names, lock,
    looked::{alignments_of, alignments_to_bytes, contents_of, contents_to_bytes},
};
use crate::{
    analysis::{
        alike::Range,
        clusters::GroupName,
        copies::{Alignments, Contents},
        projection::{Method, Projection},
    },
    error::Result,
    index::{Index, IndexState, progress::Report, store::KeptGraphs},
    printable::printable,
    similarity::Graph,
    task::{LookAlikes, MapTask, Mapped, NamesKept},
};

/// While pictures come, a graph is kept again when one in so many of its pictures is new: each of them is then written a
/// few times, however many there are.
const SHARE: usize = 16;

/// The names under which the contents of pictures are kept, and how they lie on one another.
const CONTENTS: &str = "contents";
const ALIGNMENTS: &str = "alignments";

/// What is known of the kept graph and maps. The run that indexes says where they are; whoever makes one asks for it.
#[derive(Default)]
pub struct Kept(Mutex<State>);

#[derive(Default)]
struct State {
    graphs: Option<KeptGraphs>,
    near_duplicate: Option<f32>,
    run_goes_on: bool,
    /// The graph that was made or read last.
    newest: Option<Arc<Graph>>,
    /// Of the graph that is kept: the state of the index that it was made of, and its [`Graph::id_bound`].
    on_disk: Option<(IndexState, usize)>,
}

impl Kept {
    /// Takes note of where graphs are kept. A sentence when the names of groups that are kept there are damaged.
    #[must_use]
    pub fn hear(&self, report: &Report) -> Option<Report> {
        let mut state = lock(&self.0);
        state.run_goes_on = true;
        match report {
            Report::Graphs(graphs) => {
                state.graphs = Some(graphs.clone());
                // A store that was written anew has none yet.
                state.on_disk = state.on_disk.filter(|_| graphs.has(LookAlikes::METRIC.name()));
                drop(state);
                return set_damaged_names_aside(graphs).map(Report::Note);
            }
            Report::Model { near_duplicate, .. } => state.near_duplicate = *near_duplicate,
            _ => {}
        }
        None
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

    /// The newest graph of this index's pictures that was made or kept, if there is one. It may be behind the index.
    #[must_use]
    pub fn graph(&self, index: &Index) -> Option<Arc<Graph>> {
        let newest = lock(&self.0).newest.clone();
        if newest.as_ref().is_some_and(|graph| graph.made_of().run == index.run()) {
            return newest;
        }
        let graphs = self.graphs(index)?;
        let bytes = graphs.read(LookAlikes::METRIC.name())?;
        let graph = Graph::from_bytes(&bytes, LookAlikes::METRIC, index, |row| graphs.id_of(row))?;
        let graph = Some(graph).filter(|graph| graph.k() == LookAlikes::NEIGHBORS).map(Arc::new)?;
        let mut state = lock(&self.0);
        if index.iter().all(|entry| graph.contains(entry.id)) {
            state.on_disk = Some((graph.made_of(), graph.id_bound()));
        }
        state.newest = Some(Arc::clone(&graph));
        Some(graph)
    }

    /// What is known, or else what the newest graph knows, if there is one of this index.
    #[must_use]
    pub fn or_read(&self, known: Option<Arc<LookAlikes>>, index: &Index, range: Range) -> Option<Arc<LookAlikes>> {
        if known.as_ref().is_some_and(|known| known.graph.made_of().run == index.run()) {
            return known;
        }
        self.graph(index).and_then(|graph| LookAlikes::of_graph(graph, range)).map(Arc::new).or(known)
    }

    /// Gives a task the map that is there already, and the graph if that has to be looked at.
    #[must_use]
    pub fn shorten(&self, mut task: MapTask, index: &Index) -> MapTask {
        let of_index = |made_of: IndexState| made_of.run == index.run();
        task.known = task.known.filter(|known| of_index(known.made_of()));
        if task.known.is_none() && !task.anew {
            task.known = self.map(task.method, index).map(Arc::new);
        }
        let is_newest = |graph: &Arc<Graph>| graph.made_of() == index.state();
        if (task.anew || !task.knows_all(index)) && !task.graph.as_ref().is_some_and(is_newest) {
            task.graph = self.graph(index).or(task.graph.filter(|graph| of_index(graph.made_of())));
        }
        task
    }

    /// The map that was kept, if there is one of this index.
    fn map(&self, method: Method, index: &Index) -> Option<Projection> {
        let graphs = self.graphs(index)?;
        Projection::from_bytes(&graphs.read(method.key())?, method, index, |row| graphs.id_of(row))
    }

    /// Keeps a graph, unless that is not worth the writing yet. What cannot be kept is made again by
    /// the next run, which is not worth a word.
    pub fn keep(&self, graph: &Arc<Graph>, index: &Index) {
        // A graph of more neighbors is for who asked for it alone.
        if graph.k() != LookAlikes::NEIGHBORS {
            return;
        }
        let mut state = lock(&self.0);
        let older = |newest: &Arc<Graph>| newest.made_of() != graph.made_of();
        if state.newest.as_ref().is_none_or(older) {
            state.newest = Some(Arc::clone(graph));
        }
        let Some(graphs) = state.graphs.clone().filter(|graphs| graphs.are_of(index)) else { return };
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

    /// Keeps a map that is new, unless more pictures come.
    pub fn keep_map(&self, made: &Mapped, index: &Index) {
        let goes_on = lock(&self.0).run_goes_on;
        if let Some(graphs) = self.graphs(index).filter(|_| made.is_new && !goes_on) {
            let map = &made.projection;
            let _ = graphs.keep(map.method.key(), &map.to_bytes(|id| graphs.row_of(id)));
        }
    }

    /// The names of groups that are kept; none where there are none that can be read.
    #[must_use]
    pub fn group_names(&self, index: &Index) -> Arc<[GroupName]> {
        let read = || group_names::from_bytes(&self.graphs(index)?.read_notes().ok()??, index);
        read().unwrap_or_default().into()
    }

    /// Keeps the names of groups in the place of those before. Names that this version cannot read are set aside, whoever
    /// wrote them.
    ///
    /// # Errors
    /// [`Error::Io`](crate::error::Error::Io) when they cannot be written.
    pub fn keep_group_names(&self, names: &[GroupName], index: &Index) -> Result<NamesKept> {
        let Some(graphs) = self.graphs(index) else { return Ok(NamesKept::Nowhere) };
        let aside = graphs.keep_notes(&group_names::to_bytes(names, index), group_names::are_ours)?;
        Ok(aside.map_or(NamesKept::OnDisk, NamesKept::BesideOthers))
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

    /// How pairs of the index's pictures lie on one another, as far as an earlier second look has found out.
    pub(super) fn alignments(&self, index: &Index) -> Alignments {
        let read = || {
            let graphs = self.graphs(index)?;
            alignments_of(&graphs.read(ALIGNMENTS)?, |row| graphs.id_of(row).filter(|id| index.contains(*id)))
        };
        read().unwrap_or_default()
    }

    /// Keeps them. What cannot be kept is found out again by the next run.
    pub(super) fn keep_alignments(&self, alignments: &Alignments, index: &Index) {
        if let Some(graphs) = self.graphs(index) {
            let _ = graphs.keep(ALIGNMENTS, &alignments_to_bytes(alignments, |id| graphs.row_of(id)));
        }
    }

    fn graphs(&self, index: &Index) -> Option<KeptGraphs> {
        lock(&self.0).graphs.clone().filter(|graphs| graphs.are_of(index))
    }
}

/// Names cannot be made anew as a graph can: what is left of them is kept for who can mend it.
fn set_damaged_names_aside(graphs: &KeptGraphs) -> Option<String> {
    match graphs.set_notes_aside(|bytes| !group_names::are_whole(bytes)) {
        Ok(aside) => {
            let aside = printable(aside?);
            Some(format!("the names of groups are damaged and were set aside as {aside}"))
        }
        Err(error) => Some(format!("the names of groups cannot be used: {error}")),
    }
}
