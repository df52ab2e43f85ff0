//! What comes into the explorer, what it wants done, what it starts with and what it says.

use std::path::PathBuf;

use crossterm::event::{KeyEvent, MouseEvent};

use crate::{
    display::{Background, Depth, Display, Palette},
    index::label_file::LabelSource,
    similarity::Metric,
    task::{Job, JobEvent, JobId},
};

/// Everything that can wake the explorer. Closed on purpose: this is the whole outside world.
pub enum Event {
    /// A key was pressed (releases are dropped before they get here).
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// The terminal now has this many columns and rows.
    Resize(u16, u16),
    /// A worker has something to tell.
    Job(JobEvent),
    /// No key came for a moment (about 120 ms).
    Rest,
    /// What the terminal or the system was asked for is not to be had, for this reason.
    Refused(String),
    /// The program is in the foreground again and the screen was drawn over.
    Resume,
    /// The terminal is gone or the system asks us to leave.
    Hangup,
}

/// What [`App::update`](super::App::update) wants done; carried out by the event loop and nowhere else.
#[derive(Debug)]
pub enum Effect {
    /// Give this job to the worker.
    Start(JobId, Job),
    /// Stop the indexing run; what is done stays.
    Cancel,
    /// Put this text on the clipboard (OSC 52).
    Copy(String),
    /// Open a file with the program that the system has for it.
    Open(PathBuf),
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
    /// Folders of which no picture is marked or moved away.
    pub protected: Vec<PathBuf>,
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
    /// The terminal is at the other end of a network, and so is its user.
    pub is_remote: bool,
    /// The colors that the user has chosen.
    pub palette: Palette,
    /// The picture whose neighbors are shown as soon as it is indexed: its absolute path.
    pub picture: Option<PathBuf>,
    /// Where the labels of the Labels screen come from.
    pub labels: LabelSource,
    /// The file in which corrections of labels are kept, where anything is kept.
    pub kept_labels: Option<PathBuf>,
    /// The models that can be used.
    pub models: Vec<UsableModel>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            folders: Vec::new(),
            protected: Vec::new(),
            metric: Metric::Cosine,
            size: (80, 24),
            depth: Depth::True,
            background: Background::Unknown,
            previews_on_rest: false,
            is_remote: false,
            palette: Palette::default(),
            picture: None,
            labels: LabelSource::default(),
            kept_labels: None,
            models: Vec::new(),
        }
    }
}

impl Setup {
    /// The terminal as it is at the start.
    #[must_use]
    pub fn display(&self) -> Display {
        let Self { size, depth, background, palette, previews_on_rest, .. } = *self;
        Display { size, depth, background, palette, previews_on_rest }
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

/// What turns pictures into embeddings.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelInfo {
    /// Its name.
    pub name: String,
    /// Values in an embedding.
    pub dim: usize,
    /// Whether it is the weight-free baseline and no embedder.
    pub baseline: bool,
    /// Cosine similarity from which it takes two pictures for near-duplicates, where it says so.
    pub near_duplicate: Option<f32>,
    /// Where it runs.
    pub device: String,
}

/// A model that can stand beside the one in use: its weights are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsableModel {
    /// Its name.
    pub name: String,
    /// What it is, in a few words.
    pub description: String,
}

/// How the indexing run is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunState {
    /// Under way.
    Running,
    /// Everything that can be indexed is.
    Done,
    /// It ended with this sentence.
    Failed(String),
}
