//! What all screens show and none owns.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    event::{ModelInfo, RunState, Setup, UsableModel},
    layout::{self, Area, Shell},
    marks::Marks,
};
use crate::{
    display::Display,
    index::{
        ImageId, Index, IndexState, Skipped, filter::Filter, label_file::LabelSource, labels::Labels,
        progress::Progress,
    },
    order::OrderKind,
    similarity::{Comparison, Metric, Query},
};

/// Up to this many pictures a comparison is so quick that every step of the cursor may start one; with more it waits
/// until the cursor rests.
const QUICK: usize = 5_000;

/// Which labels color the pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Coloring {
    /// Their sub-folders.
    #[default]
    Folders,
    /// The groups of the Groups screen.
    Groups,
    /// Whether the Outliers screen calls them outliers.
    Outliers,
    /// What the Labels screen takes them for.
    Predictions,
}

/// Labels that were made on other screens, by what they color.
#[derive(Debug, Clone, Default)]
pub struct MadeLabels {
    /// The pictures' groups.
    pub groups: Option<Arc<Labels>>,
    /// Which pictures are outliers over all.
    pub outliers: Option<Arc<Labels>>,
    /// What each picture looks like, of labeled ones as learned from others.
    pub predictions: Option<Arc<Labels>>,
}

impl MadeLabels {
    fn of(&self, coloring: Coloring) -> Option<&Arc<Labels>> {
        match coloring {
            Coloring::Folders => None,
            Coloring::Groups => self.groups.as_ref(),
            Coloring::Outliers => self.outliers.as_ref(),
            Coloring::Predictions => self.predictions.as_ref(),
        }
    }
}

/// The part of the explorer's state that every screen may read and change.
pub struct Shared {
    /// The folders being explored, as the header names them.
    pub folders: Vec<PathBuf>,
    /// Folders of which no picture is marked or moved away.
    pub protected: Vec<PathBuf>,
    /// What is known of the terminal.
    pub display: Display,
    /// The user sits at another machine.
    pub is_remote: bool,
    /// The newest snapshot.
    pub index: Arc<Index>,
    /// The pictures' sub-folders.
    pub folder_labels: Labels,
    /// Other labels of the pictures, once they were found.
    pub made_labels: MadeLabels,
    /// Which of them all color the pictures.
    pub coloring: Coloring,
    /// Where the labels that are learned come from, and what was corrected of them.
    pub label_source: LabelSource,
    /// The file in which corrections are kept, where anything is kept.
    pub kept_labels: Option<PathBuf>,
    /// Whether something was corrected that is not kept yet.
    pub(super) corrected: bool,
    /// The models that can be used.
    pub models: Vec<UsableModel>,
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
    /// [`Marks::changes`] when that part was made.
    narrowed_to: u64,
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
    /// While a folder is indexed for the first time: the first of the files that are to be.
    pub found: Arc<[Arc<Path>]>,
    /// Files that could not be indexed.
    pub skipped: Arc<[Skipped]>,
    /// Whether the indexing run goes on, and how it ended.
    pub run: RunState,
    /// How far it is.
    pub progress: Option<Progress>,
    /// What computes the embeddings.
    pub model: Option<ModelInfo>,
    /// The picture that the explorer was opened with, until it is indexed.
    pub(super) opened_with: Option<PathBuf>,
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
            protected: setup.protected,
            is_remote: setup.is_remote,
            index: Arc::default(),
            folder_labels: Labels::default(),
            made_labels: MadeLabels::default(),
            coloring: Coloring::default(),
            label_source: setup.labels,
            kept_labels: setup.kept_labels,
            corrected: false,
            models: setup.models,
            metric: setup.metric,
            selected: None,
            marks: Marks::default(),
            unlike: Marks::default(),
            filter: Filter::default(),
            only_marked: false,
            narrowed_to: 0,
            admitted: None,
            narrowings: 0,
            narrowed: false,
            comparison: None,
            comparing: false,
            found: Arc::default(),
            skipped: Arc::default(),
            run: RunState::Running,
            progress: None,
            model: None,
            opened_with: setup.picture,
            distance_explained: false,
            touched: false,
        }
    }

    /// The labels that color the pictures on all screens.
    #[must_use]
    pub fn labels(&self) -> &Labels {
        self.coloring_labels().map_or(&self.folder_labels, |labels| &**labels)
    }

    /// The same where they are not the folders.
    #[must_use]
    pub fn coloring_labels(&self) -> Option<&Arc<Labels>> {
        self.made_labels.of(self.coloring)
    }

    /// The order in which the pictures of one label stand together.
    #[must_use]
    pub fn label_order(&self) -> OrderKind {
        match (self.coloring, &self.made_labels.groups) {
            (Coloring::Groups, Some(_)) => OrderKind::Group,
            _ => OrderKind::Folder,
        }
    }

    /// Colors by the next labels that there are; what there is to say of it, with the keys by the names of their actions.
    pub(super) fn next_coloring(&mut self) -> &'static str {
        const ALL: [Coloring; 4] = [Coloring::Folders, Coloring::Groups, Coloring::Outliers, Coloring::Predictions];
        let now = ALL.iter().position(|one| *one == self.coloring).unwrap_or(0);
        let others = ALL.iter().cycle().skip(now + 1).take(ALL.len() - 1);
        let is_there = |one: &&Coloring| **one == Coloring::Folders || self.made_labels.of(**one).is_some();
        match others.copied().find(|one| is_there(&one)) {
            None => {
                "There is nothing else to color by yet[: {show-groups} finds groups][, {show-outliers} outliers][, {show-labels} learns labels]."
            }
            Some(next) => {
                self.coloring = next;
                match next {
                    Coloring::Folders => "Colored by folder.",
                    Coloring::Groups => "Colored by group.",
                    Coloring::Outliers => "Colored by what is an outlier over all.",
                    Coloring::Predictions => "Colored by what each looks like, as Labels has learned.",
                }
            }
        }
    }

    /// How the terminal is divided.
    #[must_use]
    pub fn shell(&self) -> Shell {
        layout::shell(self.display.size)
    }

    /// Where the screen proper lies.
    #[must_use]
    pub fn body(&self) -> Area {
        self.shell().body
    }

    /// The selected picture's comparison, when it is there.
    #[must_use]
    pub fn current_comparison(&self) -> Option<&Arc<Comparison>> {
        let query = Query::Image(self.selected?);
        self.comparison.as_ref().filter(|comparison| *comparison.query() == query)
    }

    /// So many pictures, or whatever else the rows stand for, in words.
    #[must_use]
    pub fn counted(&self, rows: usize) -> String {
        self.index.kind().counted(rows)
    }

    /// A sentence about pictures as one about what the rows stand for.
    #[must_use]
    pub fn words<'a>(&self, about_pictures: &'a str) -> Cow<'a, str> {
        self.index.kind().words(about_pictures)
    }

    /// Where a picture lies.
    #[must_use]
    pub fn path(&self, id: ImageId) -> Option<PathBuf> {
        self.index.get(id).map(|entry| entry.path())
    }

    /// Gives a picture another label, or takes its correction back.
    pub fn correct(&mut self, id: ImageId, label: Option<&[u8]>) {
        if let Some(entry) = self.index.get(id) {
            Arc::make_mut(&mut self.label_source.corrected).correct(&entry, label);
            self.corrected = true;
        }
    }

    /// The label that a picture was given by correction; of a face its own, or else its picture's.
    #[must_use]
    pub fn correction(&self, id: ImageId) -> Option<&[u8]> {
        self.index.get(id).and_then(|entry| self.label_source.corrected.get(&entry))
    }

    /// The label that a picture or a face was given for itself.
    #[must_use]
    pub fn own_correction(&self, id: ImageId) -> Option<&[u8]> {
        self.index.get(id).and_then(|entry| self.label_source.corrected.own(&entry))
    }

    /// A path as it is shown: relative to the folder that is explored, where it is one.
    #[must_use]
    pub fn relative<'a>(&self, path: &'a Path) -> &'a Path {
        let root = self.index.iter().next().map(|entry| entry.root);
        root.and_then(|root| path.strip_prefix(root).ok()).unwrap_or(path)
    }

    /// Marks all of some pictures that are there and may be marked, or unmarks them when all were marked; in words.
    pub(super) fn mark_all(&mut self, ids: &[ImageId]) -> String {
        let there = ids.iter().copied().filter(|id| self.index.contains(*id));
        let (may, protected): (Vec<_>, Vec<_>) = there.partition(|id| !self.is_protected(*id));
        may.iter().for_each(|id| self.unlike.retain(|unlike| unlike != *id));
        let said = self.marks.toggle_all(&may);
        let said = self.words(&said);
        match protected.len() {
            0 => said.into_owned(),
            stay => format!("{said}, {} of a protected folder not", self.counted(stay)),
        }
    }

    /// Whether a picture lies in a folder of which nothing may go.
    #[must_use]
    pub fn is_protected(&self, id: ImageId) -> bool {
        !self.protected.is_empty()
            && self.path(id).is_some_and(|path| self.protected.iter().any(|folder| path.starts_with(folder)))
    }

    /// Selects a picture by the user's hand.
    pub fn select(&mut self, id: ImageId) {
        self.touched = true;
        self.selected = Some(id);
    }

    /// Narrows all screens to the pictures that are marked now, where they are narrowed to the marked ones and these have changed.
    pub(super) fn follow_marks(&mut self) {
        if self.only_marked && self.marks.changes() != self.narrowed_to {
            let typed = self.filter.typed().to_owned();
            self.narrow(&typed, true);
        }
    }

    /// Narrows all screens to pictures whose path holds all the words, and to the marked ones or not.
    pub(super) fn narrow(&mut self, typed: &str, only_marked: bool) {
        self.only_marked = only_marked && !self.marks.is_empty();
        self.narrowed_to = self.marks.changes();
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

    /// Whether a picture is there and the filter lets it through.
    #[must_use]
    pub fn is_listed(&self, id: ImageId) -> bool {
        self.index.contains(id) && self.admits(id)
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
