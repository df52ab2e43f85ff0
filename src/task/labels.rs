//! Numbers about labels: what a classifier makes of an index.

use std::sync::Arc;

use super::LookAlikes;
use crate::{
    analysis::classifier::{Classification, Unlearnable, classify},
    index::{Index, IndexState, label_file::LabelSource},
    similarity::{Executor, Graph},
};

/// Who deals pictures into folds.
const SEED: u64 = 1;
/// The share of the work that the graph takes.
const GRAPH: f64 = 0.2;

/// What a classifier makes of the labels of an index.
#[derive(Debug)]
pub struct Classified {
    /// Where the labels come from.
    pub source: LabelSource,
    /// What came out, or why nothing can be learned.
    pub outcome: Result<Classification, Unlearnable>,
    /// The nearest neighbors that vote.
    pub graph: Arc<Graph>,
    /// The state of the index that it was made of.
    pub made_of: IndexState,
}

impl Classified {
    /// Learns from the labels; `known` is a graph of [`LookAlikes`] of this index, or of a part of it. `None` when it was
    /// superseded.
    #[must_use]
    pub fn of(
        index: &Index,
        source: LabelSource,
        known: Option<&Graph>,
        executor: Executor<'_>,
        superseded: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(f64),
    ) -> Option<Self> {
        let empty = LookAlikes::empty_graph();
        let graph =
            known.unwrap_or(&empty).extend(index, executor, superseded, &mut |share| progress(GRAPH * share))?;
        let labels = source.labels(index);
        let mut rest = |share| progress(GRAPH + (1.0 - GRAPH) * share);
        let outcome = classify(index, &labels, &graph, SEED, executor, superseded, &mut rest);
        if outcome.as_ref().is_err_and(|error| *error == Unlearnable::Superseded) {
            return None;
        }
        Some(Self { source, outcome, graph: Arc::new(graph), made_of: index.state() })
    }
}
