//! What all screens show and none owns.

use std::{path::PathBuf, sync::Arc};

use super::{
    event::{ModelInfo, RunState, Setup},
    layout::{self, Area},
    marks::Marks,
};
use crate::{
    display::Display,
    index::{ImageId, Index, IndexState, Skipped, filter::Filter, labels::Labels, progress::Progress},
    similarity::{Comparison, Metric, Query},
};

/// Up to this many pictures a comparison is so quick that every step of the cursor may start one; with more it waits
/// until the cursor rests.
const QUICK: usize = 5_000;

/// The part of the explorer's state that every screen may read and change.
pub struct Shared {
    /// The folders being explored, as the header names them.
    pub folders: Vec<PathBuf>,
    /// What is known of the terminal.
    pub display: Display,
    /// The user sits at another machine.
    pub is_remote: bool,
    /// The newest snapshot.
    pub index: Arc<Index>,
    /// The pictures' sub-folders.
    pub labels: Labels,
    /// The metric in use.
    pub metric: Metric,
    /// The selected picture: there is one unless there is no picture.
    pub selected: Option<ImageId>,
    /// The marked pictures.
    pub marks: Marks,
    /// Those that an answer to all marked ones is to be unlike.
    pub unlike: Marks,
    /// What all screens are narrowed to.
    pub filter: Filter,
    /// Only the marked pictures are shown: a part of the filter, which follows the marks.
    pub only_marked: bool,
    /// By [`ImageId::at`]: which pictures the filter lets through, as far as that is known; nothing without a filter.
    pub(super) admitted: Option<Vec<bool>>,
    /// How often that has changed.
    pub(super) narrowings: u64,
    /// The filter was changed: should it hide the selected picture, the first one is selected.
    pub(super) narrowed: bool,
    /// The newest comparison that was made; see [`Shared::current_comparison`].
    pub comparison: Option<Arc<Comparison>>,
    /// A better comparison of the selected picture is on its way.
    pub comparing: bool,
    /// Files that could not be indexed.
    pub skipped: Arc<[Skipped]>,
    /// Whether the indexing run goes on, and how it ended.
    pub run: RunState,
    /// How far it is.
    pub progress: Option<Progress>,
    /// What computes the embeddings.
    pub model: Option<ModelInfo>,
    /// It was said what the numbers of the euclidean metric mean.
    pub(super) distance_explained: bool,
    /// The user has moved the selection: it no longer follows the first picture.
    touched: bool,
}

impl Shared {
    pub(super) fn new(setup: Setup) -> Self {
        Self {
            display: setup.display(),
            folders: setup.folders,
            is_remote: setup.is_remote,
            index: Arc::default(),
            labels: Labels::default(),
            metric: setup.metric,
            selected: None,
            marks: Marks::default(),
            unlike: Marks::default(),
            filter: Filter::default(),
            only_marked: false,
            admitted: None,
            narrowings: 0,
            narrowed: false,
            comparison: None,
            comparing: false,
            skipped: Arc::default(),
            run: RunState::Running,
            progress: None,
            model: None,
            distance_explained: false,
            touched: false,
        }
    }

    /// Where the screen proper lies.
    #[must_use]
    pub fn body(&self) -> Area {
        layout::shell(self.display.size).body
    }

    /// The selected picture's comparison, when it is there.
    #[must_use]
    pub fn current_comparison(&self) -> Option<&Arc<Comparison>> {
        let query = Query::Image(self.selected?);
        self.comparison.as_ref().filter(|comparison| *comparison.query() == query)
    }

    /// Where a picture lies.
    #[must_use]
    pub fn path(&self, id: ImageId) -> Option<PathBuf> {
        self.index.get(id).map(|entry| entry.path())
    }

    /// Selects a picture by the user's hand.
    pub fn select(&mut self, id: ImageId) {
        self.touched = true;
        self.selected = Some(id);
    }

    /// Narrows all screens to pictures whose path holds all the words, and to the marked ones or not.
    pub(super) fn narrow(&mut self, typed: &str, only_marked: bool) {
        self.only_marked = only_marked && !self.marks.is_empty();
        let filter = Filter::new(typed).among(self.only_marked.then(|| self.marks.iter()));
        if filter != self.filter {
            (self.filter, self.narrowed) = (filter, true);
        }
    }

    /// Whether the filter lets a picture through.
    #[must_use]
    pub fn admits(&self, id: ImageId) -> bool {
        self.admitted.as_ref().is_none_or(|admitted| admitted.get(id.at()).copied().unwrap_or(false))
    }

    /// Whether the user has selected a picture, or the selection follows the first one.
    #[must_use]
    pub fn is_touched(&self) -> bool {
        self.touched
    }

    /// Whether there are so few pictures that a comparison takes no noticeable time.
    pub(super) fn is_quick(&self) -> bool {
        self.index.len() <= QUICK
    }

    /// Whether something that was made of an index with `rows` rows is good enough for what the index is now: while
    /// indexing goes on, nothing is remade for the sake of a few per cent of new rows.
    #[must_use]
    pub fn covers(&self, made_of: IndexState, rows: usize) -> bool {
        let now = self.index.id_bound();
        (made_of == self.index.state() && rows == now)
            || (self.run == RunState::Running
                && self.index.only_grew_since(made_of)
                && now > QUICK
                && now - rows < now / 20)
    }
}
