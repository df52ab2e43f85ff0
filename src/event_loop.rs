//! The explorer's loop: what wakes it → [`App::update`] → effects → one frame.
//!
//! Nothing is drawn without an event, and never more often than the line to the terminal bears. What a key did is drawn
//! sooner than what a worker reports.

mod explorer;
pub mod live;
mod viewer;

use std::{
    hint::black_box,
    io,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use self::explorer::{Ending, Explorer, Jobs, Surface, Wake};
use crate::{
    app::{App, Setup, UsableModel, keymap::Keys},
    display::{Link, Palette},
    error::{Error, Result},
    index::label_file::LabelSource,
    similarity::Metric,
    task::{Job, JobId},
    terminal::{DisplayOptions, TerminalGuard, input, signals},
    ui,
    worker::{Indexer, NetworkLoader, Tools, Worker},
};

/// How long the indexing run may take to store what it has done: before the screen is given back, and after.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(250);
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(3);

/// What the explorer starts with.
#[derive(Debug, Clone)]
pub struct ExplorerOptions {
    /// The folders, as the header names them.
    pub folders: Vec<PathBuf>,
    /// The picture whose neighbors are shown as soon as it is indexed: its absolute path.
    pub picture: Option<PathBuf>,
    /// Folders of which no picture is marked or moved away: their real paths.
    pub protected: Vec<PathBuf>,
    /// The metric to begin with.
    pub metric: Metric,
    /// What the user wants of the terminal.
    pub display: DisplayOptions,
    /// Other keys than the program's own.
    pub keys: Option<Keys>,
    /// The colors that the user has chosen.
    pub palette: Palette,
    /// Standard output may lead into a pipeline: draw on the controlling terminal then.
    pub pipeline: bool,
    /// Where the labels of the Labels screen come from.
    pub labels: LabelSource,
    /// The file in which corrections of labels are kept, where anything is kept.
    pub kept_labels: Option<PathBuf>,
    /// The models that can be used.
    pub models: Vec<UsableModel>,
    /// Fail after the first frame, to test that the terminal is given back.
    pub debug_fault: Option<DebugFault>,
}

/// How the explorer fails when it is asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum DebugFault {
    /// The thread that draws panics.
    Panic,
    /// Memory is asked for that no machine has.
    Allocation,
}

/// Why the explorer ended.
#[derive(Debug)]
pub enum ExitReason {
    /// The user left; the paths are those of the marked pictures.
    User(Vec<PathBuf>),
    /// A signal came, or the terminal is gone.
    Hangup,
    /// The terminal is there but could not be used; the marked pictures are not lost.
    Failure(Vec<PathBuf>, Error),
}

/// Runs the explorer until the user leaves or the terminal does.
///
/// Its threads may still be at work afterwards: the process must end without exit handlers.
///
/// # Errors
/// [`Error::Usage`] or [`Error::Terminal`] when there is no terminal to run in.
pub fn run(options: &ExplorerOptions, indexer: Indexer, embedder: NetworkLoader) -> Result<ExitReason> {
    let (wake, awake) = mpsc::channel();
    let to_loop = wake.clone();
    let send = move |input| to_loop.send(Wake::Input(input)).is_ok();
    // First of all: a signal that comes while the terminal is asked must not leave it as it is then.
    signals::listen(send.clone())?;
    let mut screen = TerminalGuard::enter(&options.display, options.pipeline)?;
    let capabilities = screen.capabilities().clone();
    let painter = capabilities.painter().with(options.palette.map);
    let app = App::new(Setup {
        folders: options.folders.clone(),
        picture: options.picture.clone(),
        protected: options.protected.clone(),
        metric: options.metric,
        size: screen.size().map_err(Error::Terminal)?,
        depth: capabilities.depth,
        background: capabilities.background,
        palette: options.palette,
        is_remote: capabilities.link == Link::Remote,
        previews_on_rest: painter.sends_pixels() || capabilities.link == Link::Remote,
        labels: options.labels.clone(),
        kept_labels: options.kept_labels.clone(),
        models: options.models.clone(),
    });
    let app = app.with(options.keys.clone().unwrap_or_default());
    input::listen(send)?;
    // When the loop has ended nobody needs the answer any more.
    let worker = Worker::new(
        Tools { indexer, painter, embedder, protected: options.protected.clone() },
        Arc::new(move |event| drop(wake.send(Wake::Job(event)))),
    );
    let mut explorer = Explorer::new(app, &mut screen, worker, capabilities.link, Instant::now);
    let exit = explorer.run(&awake, || fail_as_asked(options.debug_fault));
    let (app, worker) = explorer.into_parts();
    // Storing the last rows takes a moment. Should it take longer, the user gets the terminal back meanwhile; not at
    // once, because whatever is typed before our keyboard thread ends with us would be lost to the shell.
    worker.stop();
    worker.wait(SHUTDOWN_GRACE);
    drop(screen);
    worker.wait(SHUTDOWN_LIMIT);
    Ok(match exit {
        Ok(Ending::Leave) => ExitReason::User(app.marked_paths()),
        Ok(Ending::HangUp) => ExitReason::Hangup,
        Err(error) => ExitReason::Failure(app.marked_paths(), Error::Terminal(error)),
    })
}

fn fail_as_asked(fault: Option<DebugFault>) {
    match fault {
        None => {}
        Some(DebugFault::Panic) => panic!("asked for with --debug-fault"),
        // No machine has that much, so that it fails as it does when memory has run out.
        Some(DebugFault::Allocation) => drop(black_box(Vec::<u8>::with_capacity(isize::MAX as usize))),
    }
}

impl Surface for TerminalGuard {
    fn size(&self) -> io::Result<(u16, u16)> {
        self.size()
    }

    fn draw(&mut self, app: &App) -> io::Result<()> {
        self.draw(|frame| ui::draw(app, frame))
    }

    fn copy(&mut self, text: &str) -> io::Result<()> {
        self.copy(text)
    }

    fn open(&mut self, path: &Path) -> Result<(), String> {
        viewer::open(path)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear()
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.suspend()
    }

    fn resume(&mut self) -> io::Result<()> {
        self.resume()
    }
}

impl Jobs for Worker {
    fn start(&mut self, id: JobId, job: Job) {
        self.start(id, job);
    }

    fn cancel_indexing(&mut self) {
        Self::cancel_indexing(self);
    }
}
