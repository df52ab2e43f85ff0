//! All state of the explorer, and what may happen to it.
//!
//! [`App::update`] is the only way in: it takes an [`Event`], changes the state, and returns the [`Effect`]s that the
//! event loop carries out. It never blocks, reads no file and knows no terminal. There is one selection, shared by all
//! screens: the grid's frame, the query of the neighbors, the row of the heatmap's cursor.

mod act;
pub mod action;
pub mod browse;
mod event;
pub mod groups;
pub mod heat;
mod jobs;
pub mod keymap;
pub mod layout;
mod mouse;
pub mod previews;
pub mod prompt;
pub mod ranking;
mod view;

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

pub use self::event::{Effect, Event, Message, ModelInfo, Overlay, Run, Setup, Severity};
use self::{
    action::Screen, browse::Listing, groups::Groups, heat::Heat, keymap::Context, previews::Previews, prompt::Prompt,
    ranking::Ranking,
};
use crate::{
    index::{ImageId, Index, Skipped, progress::Progress},
    preview::{Preview, PreviewKey},
    similarity::{Comparison, Metric, Neighbor, Query},
    worker::Job,
};

/// All state of the explorer. [`crate::ui`] reads it and never changes it.
pub struct App {
    setup: Setup,
    index: Arc<Index>,
    groups: Groups,
    skipped: Arc<[Skipped]>,
    model: Option<ModelInfo>,
    progress: Option<Progress>,
    run: Run,
    screen: Screen,
    overlay: Overlay,
    help: Option<usize>,
    prompt: Option<Prompt>,
    message: Option<Message>,
    metric: Metric,
    selected: Option<ImageId>,
    marks: BTreeSet<ImageId>,
    browse: Listing,
    heat: Heat,
    ranking: Ranking,
    /// The cursor on the Problems screen, and its first visible row.
    problem: (usize, usize),
    comparison: Option<Arc<Comparison>>,
    nearest: Vec<Neighbor>,
    previews: Previews,
    /// No key came for a moment.
    rested: bool,
    /// A key came before the cursor had rested from the one before.
    hurries: bool,
    /// The pictures beside the heatmap when they were last worth their bytes, see [`App::holds_back`].
    beside: [Option<ImageId>; 2],
    /// The user has moved the selection: it no longer follows the first picture.
    touched: bool,
    jobs: jobs::Jobs,
}

impl App {
    /// The explorer before anything was indexed.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        Self {
            index: Arc::default(),
            groups: Groups::default(),
            skipped: Arc::default(),
            model: None,
            progress: None,
            run: Run::Running,
            screen: Screen::default(),
            overlay: Overlay::None,
            help: None,
            prompt: None,
            message: None,
            metric: setup.metric,
            selected: None,
            marks: BTreeSet::new(),
            browse: Listing::default(),
            heat: Heat::default(),
            ranking: Ranking::default(),
            problem: (0, 0),
            comparison: None,
            nearest: Vec::new(),
            previews: Previews::default(),
            rested: true,
            hurries: false,
            beside: [None; 2],
            touched: false,
            jobs: jobs::Jobs::default(),
            setup,
        }
    }

    /// What is to be done before the first event: the indexing run begins.
    pub fn start(&mut self) -> Vec<Effect> {
        vec![Effect::Start(self.jobs.index(), Job::Index)]
    }

    /// Changes the state by one event. What it returns is to be carried out in order.
    pub fn update(&mut self, event: Event) -> Vec<Effect> {
        let mut effects = match event {
            Event::Key(key) => self.key(key),
            Event::Paste(text) => self.paste(&text),
            Event::Mouse(mouse) => self.mouse(mouse),
            Event::Resize(columns, rows) => {
                self.setup.size = (columns, rows);
                Vec::new()
            }
            Event::Job(event) => {
                self.job(event);
                Vec::new()
            }
            Event::Rest => {
                self.rest();
                Vec::new()
            }
            Event::Resume => {
                self.previews.clear();
                self.rest();
                Vec::new()
            }
            Event::Hangup => return self.leave(),
        };
        self.settle(&mut effects);
        effects
    }

    /// Brings everything that follows from the state into line with it, and starts the jobs that are missing.
    fn settle(&mut self, effects: &mut Vec<Effect>) {
        self.settle_selection();
        self.settle_screen();
        self.settle_jobs(effects);
        self.settle_previews(effects);
    }

    fn settle_selection(&mut self) {
        // A filter may hide everything; something is selected all the same.
        let any = || self.index.iter().next().map(|entry| entry.id);
        let gone = self.selected.is_none_or(|id| !self.index.contains(id));
        if gone || (!self.touched && self.run == Run::Running) {
            self.selected = self.browse.ids.first().copied().or_else(any);
        }
        if let Overlay::Picture(id) = self.overlay
            && !self.index.contains(id)
        {
            self.overlay = Overlay::None;
        }
        if let Overlay::Pair { row, col } = self.overlay
            && !(self.index.contains(row) && self.index.contains(col))
        {
            self.overlay = Overlay::None;
        }
        if self.heat.partner.is_none_or(|id| !self.index.contains(id)) && !self.heat.is_empty() {
            // A cell beside the diagonal says more than one on it.
            let row = self.heat.position(self.selected);
            self.heat.partner = self.heat.at(row + 1).or_else(|| self.heat.at(row.saturating_sub(1))).or(self.selected);
        }
        if self.ranking.query != self.selected {
            (self.ranking.query, self.ranking.trail) = (self.selected, Vec::new());
            self.ranking.clear();
        }
    }

    /// Scroll positions and what the screen derives from larger tables.
    fn settle_screen(&mut self) {
        let comparison = self.current_comparison().cloned();
        match &comparison {
            Some(comparison) if self.nearest.is_empty() => self.nearest = comparison.nearest(self.metric, 3),
            Some(_) => {}
            None => self.nearest.clear(),
        }
        if let Some(comparison) = comparison {
            if self.ranking.rows.is_empty() {
                self.ranking.rank(&comparison, self.metric);
            }
            // All pictures are sorted once, when all were compared.
            let whole = !self.jobs.refines(comparison.query());
            if self.browse.sort == browse::Sort::Similarity && self.browse.anchor.is_none() && whole {
                self.browse.anchor = Some(comparison);
                self.resort();
            }
        }
        let grid = self.grid();
        let cursor = self.selected.and_then(|id| self.browse.position(id)).unwrap_or(0);
        self.browse.first = browse::scrolled(&grid, self.browse.first, cursor, self.browse.ids.len());
        self.ranking.first = ranking::scrolled(&self.ranks(), &self.ranking);
        let problems = self.list().page();
        self.problem.0 = self.problem.0.min(self.skipped.len().saturating_sub(1));
        self.problem.1 = layout::scroll(self.problem.1, self.problem.0, problems, self.skipped.len());
        if self.screen == Screen::Heatmap {
            let plot = self.plot();
            self.heat.settle(&plot, self.selected, self.metric);
        }
        let pair = [self.selected, self.heat.partner];
        if !self.saves_bytes() {
            self.beside = pair;
        }
        // What the cursor has left is not sent again before it rests, should it come back.
        self.beside = self.beside.map(|id| id.filter(|_| pair.contains(&id)));
    }

    /// The selected picture's comparison, when it is there.
    #[must_use]
    pub fn current_comparison(&self) -> Option<&Arc<Comparison>> {
        let query = Query::Image(self.selected?);
        self.comparison.as_ref().filter(|comparison| *comparison.query() == query)
    }

    /// Where keys are pressed.
    #[must_use]
    pub fn context(&self) -> Context {
        if self.help.is_some() {
            return Context::Help;
        }
        match (self.overlay, self.screen) {
            (Overlay::Picture(_), _) => Context::Picture,
            (Overlay::Pair { .. }, _) => Context::Pair,
            (Overlay::None, Screen::Browse) => Context::Browse,
            (Overlay::None, Screen::Heatmap) => Context::Heatmap,
            (Overlay::None, Screen::Neighbors) => Context::Neighbors,
            (Overlay::None, Screen::Problems) => Context::Problems,
        }
    }

    /// The picture that a mark, a copy or a large view is about.
    #[must_use]
    pub fn focused(&self) -> Option<ImageId> {
        match (self.overlay, self.screen) {
            (Overlay::Picture(id), _) => Some(id),
            (Overlay::Pair { col, .. }, Screen::Neighbors) => Some(col),
            (Overlay::Pair { row, .. }, _) => Some(row),
            (Overlay::None, Screen::Neighbors) => self.ranking.focused().or(self.selected),
            (Overlay::None, _) => self.selected,
        }
        .filter(|id| self.index.contains(*id))
    }

    /// A picture that is ready to be drawn.
    #[must_use]
    pub fn preview(&self, key: &PreviewKey) -> Option<&Preview> {
        self.previews.get(key)
    }

    /// Whether a picture beside the heatmap, though it may be ready, is not drawn yet: while the cursor hurries from
    /// cell to cell each would be gone at the next key, and its bytes with it. Those it came with stay.
    #[must_use]
    pub fn holds_back(&self, id: ImageId) -> bool {
        self.context() == Context::Heatmap && self.saves_bytes() && !self.beside.contains(&Some(id))
    }

    /// Whether pictures are not worth their bytes at the moment.
    fn saves_bytes(&self) -> bool {
        if self.setup.previews_on_rest { !self.rested } else { self.hurries }
    }

    /// A key or the mouse moves something.
    fn stir(&mut self) {
        (self.hurries, self.rested) = (!self.rested, false);
    }

    fn rest(&mut self) {
        (self.hurries, self.rested) = (false, true);
    }

    /// The paths of the marked pictures, in the order of arrival.
    #[must_use]
    pub fn marked_paths(&self) -> Vec<PathBuf> {
        self.marks.iter().filter_map(|id| self.path(*id)).collect()
    }

    /// Where a picture lies.
    #[must_use]
    pub fn path(&self, id: ImageId) -> Option<PathBuf> {
        self.index.get(id).map(|entry| entry.path())
    }

    fn say(&mut self, severity: Severity, text: impl Into<String>) {
        self.message = Some(Message { severity, text: text.into() });
    }
}
