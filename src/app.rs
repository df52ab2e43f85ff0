//! All state of the explorer, and what may happen to it.
//!
//! [`App::update`] is the only way in: it takes an [`Event`], changes the state, and returns the [`Effect`]s that the
//! event loop carries out. It never blocks, reads no file and knows no terminal. There is one selection, shared by all
//! screens: the grid's frame, the query of the neighbors, the row of the heatmap's cursor.

mod act;
pub mod action;
pub mod browse;
pub mod groups;
pub mod heat;
mod jobs;
pub mod keymap;
pub mod layout;
mod mouse;
pub mod previews;
pub mod prompt;
pub mod ranking;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use crossterm::event::{KeyEvent, MouseEvent};

use self::{
    action::Screen,
    browse::{Details, Grid, Listing},
    groups::Groups,
    heat::{Heat, Panel, Plot},
    keymap::Context,
    layout::{Area, Shell},
    previews::{Previews, Slot},
    prompt::Prompt,
    ranking::{Ranking, Ranks},
};
use crate::{
    color::{Background, Depth},
    index::{ImageId, Index, Skipped},
    pipeline::Progress,
    preview::{Preview, PreviewKey},
    similarity::{Comparison, Metric, Neighbor, Query},
    worker::{Job, JobEvent, JobId},
};

/// Everything that can wake the explorer. Closed on purpose: this is the whole outside world.
pub enum Event {
    /// A key was pressed (releases are dropped before they get here).
    Key(KeyEvent),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// The terminal now has this many columns and rows.
    Resize(u16, u16),
    /// A worker has something to tell.
    Job(JobEvent),
    /// No key came for a moment (about 120 ms).
    Rest,
    /// The program is in the foreground again and the screen was drawn over.
    Resume,
    /// The terminal is gone or the system asks us to leave.
    Hangup,
}

/// What [`App::update`] wants done; carried out by the event loop and nowhere else.
#[derive(Debug)]
pub enum Effect {
    /// Give this job to the worker.
    Start(JobId, Job),
    /// Stop the indexing run; what is done stays.
    Cancel,
    /// Put this text on the clipboard (OSC 52).
    Copy(String),
    /// Go to the background (Ctrl-Z).
    Suspend,
    /// Forget what the screen shows and draw all of it.
    Redraw,
    /// Leave.
    Quit,
}

/// What the explorer starts with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The folders being explored, as the header names them.
    pub folders: Vec<PathBuf>,
    /// The metric to begin with.
    pub metric: Metric,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// How many colors the terminal shows.
    pub depth: Depth,
    /// What lies behind the text.
    pub background: Background,
    /// Ask for pictures only when the cursor rests: over SSH and where pictures are sent as pixels.
    pub previews_on_rest: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            folders: Vec::new(),
            metric: Metric::Cosine,
            size: (80, 24),
            depth: Depth::True,
            background: Background::Unknown,
            previews_on_rest: false,
        }
    }
}

/// How much a message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// It worked, or is merely worth knowing.
    Info,
    /// The user should know.
    Warning,
    /// Something failed.
    Error,
}

/// A sentence for the status line, until the next key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// How much it matters.
    pub severity: Severity,
    /// The sentence.
    pub text: String,
}

/// What lies on top of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overlay {
    /// Nothing.
    #[default]
    None,
    /// One picture.
    Picture(ImageId),
    /// The pictures of the heatmap's cursor, or of the query and a neighbor.
    Pair {
        /// The row, or the query.
        row: ImageId,
        /// The column, or the neighbor.
        col: ImageId,
    },
}

/// What turns pictures into embeddings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelInfo {
    /// Its name.
    pub name: String,
    /// Values in an embedding.
    pub dim: usize,
    /// Whether it is the weight-free baseline and no embedder.
    pub baseline: bool,
    /// Where it runs.
    pub device: String,
}

/// How the indexing run is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run {
    /// Under way.
    Running,
    /// Everything that can be indexed is.
    Done,
    /// It ended with this sentence.
    Failed(String),
}

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
                self.rested = true;
                Vec::new()
            }
            Event::Resume => {
                self.previews.clear();
                self.rested = true;
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
        let listed = || self.browse.ids.first().copied();
        let gone = self.selected.is_none_or(|id| !self.index.contains(id));
        if gone || (!self.touched && self.run == Run::Running) {
            self.selected = listed().or(self.selected.filter(|_| !gone));
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
            if self.browse.sort == browse::Sort::Similarity && self.browse.anchor.is_none() {
                self.browse.anchor = Some(comparison);
                self.browse.rebuild(&self.index, self.metric);
            }
        }
        let grid = self.grid();
        let cursor = self.selected.and_then(|id| self.browse.position(id)).unwrap_or(0);
        self.browse.first = browse::scrolled(&grid, self.browse.first, cursor, self.browse.ids.len());
        self.ranking.first = ranking::scrolled(&self.ranks(), &self.ranking);
        let problems = self.problem_rows();
        self.problem.0 = self.problem.0.min(self.skipped.len().saturating_sub(1));
        self.problem.1 = layout::scroll(self.problem.1, self.problem.0, problems, self.skipped.len());
        if self.screen == Screen::Heatmap {
            let plot = self.plot();
            self.heat.settle(&plot, self.selected, self.metric);
        }
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

    /// How the terminal is divided.
    #[must_use]
    pub fn shell(&self) -> Shell {
        layout::shell(self.setup.size)
    }

    /// How Browse is divided.
    #[must_use]
    pub fn grid(&self) -> Grid {
        Grid::new(self.shell().body, self.browse.size)
    }

    /// How Heatmap is divided.
    #[must_use]
    pub fn plot(&self) -> Plot {
        Plot::new(self.shell().body, self.heat.len(), self.heat.level, self.setup.depth)
    }

    /// How Neighbors is divided.
    #[must_use]
    pub fn ranks(&self) -> Ranks {
        Ranks::new(self.shell().body)
    }

    /// How many problems fit on their screen.
    #[must_use]
    pub fn problem_rows(&self) -> usize {
        usize::from(self.shell().body.top(1).1.height / 2).max(1)
    }

    /// The pictures on the screen and where they belong, most wanted first.
    #[must_use]
    pub fn slots(&self) -> Vec<Slot> {
        if self.help.is_some() {
            return Vec::new();
        }
        let mut slots = Vec::new();
        let mut add = |image: Option<ImageId>, area: Area| {
            if let Some(image) = image
                && area.width >= 2
                && area.height >= 1
            {
                slots.push(Slot { image, area });
            }
        };
        match (self.overlay, self.screen) {
            (Overlay::Picture(id), _) => add(Some(id), large(self.shell().body)),
            (Overlay::Pair { row, col }, _) => {
                let [left, right] = halves(self.shell().body);
                add(Some(row), left);
                add(Some(col), right);
            }
            (Overlay::None, Screen::Browse) => {
                let grid = self.grid();
                if let Some(details) = grid.details.map(Details::new) {
                    add(self.selected, details.picture);
                    if details.as_pictures {
                        for (at, row) in self.nearest.iter().enumerate() {
                            add(Some(row.id), details.thumb(at));
                        }
                    }
                }
                let first = self.browse.first * grid.columns;
                for at in 0..grid.page() {
                    add(self.browse.ids.get(first + at).copied(), grid.picture(at));
                }
            }
            (Overlay::None, Screen::Heatmap) => {
                if let Some(panel) = self.plot().panel.map(Panel::new)
                    && !self.heat.is_empty()
                {
                    add(self.selected, panel.row);
                    add(self.heat.partner, panel.col);
                }
            }
            (Overlay::None, Screen::Neighbors) => {
                let ranks = self.ranks();
                if let Some(area) = ranks.query_picture() {
                    add(self.selected, area);
                }
                if ranks.thumb > 0 {
                    let visible = self.ranking.rows.iter().skip(self.ranking.first).take(ranks.page());
                    for (at, row) in visible.enumerate() {
                        add(Some(row.id), ranks.picture(at));
                    }
                }
            }
            (Overlay::None, Screen::Problems) => {}
        }
        slots
    }

    /// The tiles of the next page, to be ready when it is turned.
    fn upcoming(&self) -> Vec<PreviewKey> {
        if self.screen != Screen::Browse || self.overlay != Overlay::None {
            return Vec::new();
        }
        let grid = self.grid();
        let next = self.browse.first * grid.columns + grid.page();
        let ids = self.browse.ids.iter().skip(next).take(grid.page());
        ids.enumerate().map(|(at, id)| Slot { image: *id, area: grid.picture(at) }.key()).collect()
    }

    /// A picture that is ready to be drawn.
    #[must_use]
    pub fn preview(&self, key: &PreviewKey) -> Option<&Preview> {
        self.previews.get(key)
    }

    /// The paths of the marked pictures, in the order of arrival.
    #[must_use]
    pub fn marked_paths(&self) -> Vec<PathBuf> {
        self.marks.iter().filter_map(|id| self.path(*id)).map(Path::to_owned).collect()
    }

    /// Where a picture lies.
    #[must_use]
    pub fn path(&self, id: ImageId) -> Option<&Path> {
        self.index.get(id).map(|entry| entry.image.file.path.as_path())
    }

    fn say(&mut self, severity: Severity, text: impl Into<String>) {
        self.message = Some(Message { severity, text: text.into() });
    }
}

/// What [`crate::ui`] and the tests read.
impl App {
    /// What the explorer was started with, and the terminal's size now.
    #[must_use]
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// The newest snapshot.
    #[must_use]
    pub fn index(&self) -> &Arc<Index> {
        &self.index
    }

    /// Sub-folders.
    #[must_use]
    pub fn groups(&self) -> &Groups {
        &self.groups
    }

    /// Files that could not be indexed.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// What computes the embeddings.
    #[must_use]
    pub fn model(&self) -> Option<&ModelInfo> {
        self.model.as_ref()
    }

    /// How far the indexing run is.
    #[must_use]
    pub fn progress(&self) -> Option<&Progress> {
        self.progress.as_ref()
    }

    /// Whether it still runs, and how it ended.
    #[must_use]
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// The screen shown.
    #[must_use]
    pub fn screen(&self) -> Screen {
        self.screen
    }

    /// What lies on top of it.
    #[must_use]
    pub fn overlay(&self) -> Overlay {
        self.overlay
    }

    /// The first visible line of the help, when it is open.
    #[must_use]
    pub fn help(&self) -> Option<usize> {
        self.help
    }

    /// The text that is being typed.
    #[must_use]
    pub fn prompt(&self) -> Option<&Prompt> {
        self.prompt.as_ref()
    }

    /// What the status line has to say.
    #[must_use]
    pub fn message(&self) -> Option<&Message> {
        self.message.as_ref()
    }

    /// The metric in use.
    #[must_use]
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// The selected picture.
    #[must_use]
    pub fn selected(&self) -> Option<ImageId> {
        self.selected
    }

    /// The marked pictures.
    #[must_use]
    pub fn marks(&self) -> &BTreeSet<ImageId> {
        &self.marks
    }

    /// The grid's list.
    #[must_use]
    pub fn browse(&self) -> &Listing {
        &self.browse
    }

    /// The heatmap.
    #[must_use]
    pub fn heat(&self) -> &Heat {
        &self.heat
    }

    /// The ranking.
    #[must_use]
    pub fn ranking(&self) -> &Ranking {
        &self.ranking
    }

    /// The three nearest of the selected picture, once it was compared.
    #[must_use]
    pub fn nearest(&self) -> &[Neighbor] {
        &self.nearest
    }

    /// The cursor on the Problems screen, and its first visible row.
    #[must_use]
    pub fn problem(&self) -> (usize, usize) {
        self.problem
    }
}

/// Where one picture lies when it is shown large: all but a line for its name.
#[must_use]
pub fn large(body: Area) -> Area {
    body.off_bottom(u16::from(body.height > 2)).0
}

/// Where two pictures lie side by side: all but two lines for names and a few for values.
#[must_use]
pub fn halves(body: Area) -> [Area; 2] {
    let (pictures, _) = body.off_bottom(if body.height > 8 { 5 } else { 1 });
    let (left, right) = pictures.left(pictures.width / 2);
    [left.inside(1, 0), right.inside(1, 0)]
}
