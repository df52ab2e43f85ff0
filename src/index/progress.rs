//! What a run that brings an index up to date says, while it works and at its end: plain data.

use std::{path::Path, sync::Arc, time::Duration};

use super::{Index, Skipped, store::KeptGraphs};

/// What a run says while it works. Progress comes at most ten times a second, snapshots with every transaction.
#[derive(Clone)]
pub enum Report {
    /// The model that embeds; said at the start, and again when it was loaded.
    Model {
        /// Its name.
        name: String,
        /// Values in an embedding.
        dim: usize,
        /// Whether it is a baseline and no trained embedder.
        baseline: bool,
        /// Cosine similarity from which it takes two pictures for near-duplicates, where it says so.
        near_duplicate: Option<f32>,
        /// Where and in which precision it computes; known once it is loaded, which a warm start avoids.
        device: Option<String>,
    },
    /// Where graphs of the pictures of the next snapshot are kept, if one store has all of them.
    Graphs(KeptGraphs),
    /// The index as it is now.
    Snapshot(Arc<Index>),
    /// The files that could not be indexed, sorted by path.
    Skipped(Arc<[Skipped]>),
    /// Said once, before the network is loaded, where nothing is indexed yet: the first by path of the files that are to be
    /// embedded, some hundred at most. Not all of them can be read.
    Found(Arc<[Arc<Path>]>),
    /// How far the run is.
    Progress(Progress),
    /// One sentence for the status line.
    Note(String),
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// Images found ([`Stage::Scanning`]) or dealt with ([`Stage::Comparing`], [`Stage::Embedding`]).
    pub done: usize,
    /// Images to compare or to embed; 0 when that is not known yet.
    pub total: usize,
    /// Images embedded a second, of late.
    pub per_second: f32,
    /// Time until all are embedded, at this rate.
    pub left: Option<Duration>,
    /// Whether decoding takes more of the time than the network.
    pub decode_bound: Option<bool>,
}

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reading the cache, or loading the model.
    Loading,
    /// Walking the folders.
    Scanning,
    /// Comparing the content of files that seem new with what is known.
    Comparing,
    /// Decoding and embedding.
    Embedding,
    /// Nothing any more.
    Done,
}

/// What a run came to.
#[derive(Clone)]
pub struct Summary {
    /// Every embedded image of the folders.
    pub index: Arc<Index>,
    /// Files that could not be indexed, sorted by path.
    pub skipped: Arc<[Skipped]>,
    /// Images that are new, or changed since the last run.
    pub added: usize,
    /// Images whose embedding was in the cache.
    pub reused: usize,
    /// Images whose embedding was in the cache under another path, or in the index of another folder.
    pub renamed: usize,
    /// Images that are not there any more.
    pub removed: usize,
    /// Wall-clock time.
    pub seconds: f64,
}
