//! Every thread that works for the explorer and the live view: indexing, comparing, ordering, previews, exporting, naming.
//!
//! The explorer numbers its jobs and gets [`JobEvent`]s back through one closure. A job never takes the program down:
//! its panic becomes [`Outcome::Failed`] and the next job works. Of the tasks of a lane and of wanted previews only
//! the newest counts. Previews and indexing leave the processor to the screen and to what the user waits for.

mod completion;
mod decoded;
mod enroll;
mod explaining;
mod export;
mod group_names;
mod kept;
mod latest;
pub mod live;
mod looked;
mod network;
mod previews;
mod second_look;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

pub use self::{
    explaining::{drawn, explain},
    kept::Kept,
    second_look::{Look, SecondLook},
};
use self::{latest::Latest, network::Questions, previews::Previews};
use crate::{
    cancel::CancelToken,
    disposal,
    embed::Embedder,
    error::Result,
    folders,
    index::{
        Index,
        label_file::{self, LabelTable},
        progress::{Report, Summary},
    },
    preview::Painter,
    similarity::WorkItem,
    task::{Job, JobEvent, JobId, Known, KnownGraph, Lane, Made, Outcome, Task},
};

/// Runs the pipeline once, by the model of that name where one is named; the explorer passes
/// [`crate::pipeline::run`] with its request.
pub type Indexer = Box<dyn FnMut(Option<&str>, &CancelToken, &mut dyn FnMut(Report)) -> Result<Summary> + Send>;

/// Takes every answer, on the thread that has it; must not block.
pub type Answer = Arc<dyn Fn(JobEvent) + Send + Sync>;

/// What the threads work with.
pub struct Tools {
    /// Brings the index up to date.
    pub indexer: Indexer,
    /// Makes pictures ready for this terminal.
    pub painter: Painter,
    /// Loads the network, once it is asked why two pictures are alike.
    pub embedder: NetworkLoader,
    /// Folders of which nothing may go.
    pub protected: Vec<PathBuf>,
}

/// Loads the network that the pictures were embedded by; says whether every image is decoded in full for it.
pub type NetworkLoader = Box<dyn FnMut() -> Result<(Box<dyn Embedder>, bool)> + Send>;

type Indexing = (JobId, Option<String>, CancelToken);
type Keeping = (JobId, Arc<LabelTable>, PathBuf);
/// Nothing takes the place of what is to stop.
type Making = Option<(JobId, Arc<Index>, Task)>;

/// The threads. Dropping it stops all of them, after what they are at.
pub struct Worker {
    indexing: Latest<Indexing>,
    running: CancelToken,
    /// By the number of their lane.
    lanes: [Latest<Making>; Lane::ALL.len()],
    previews: Previews,
    kept: Arc<Kept>,
    labels: Latest<Keeping>,
    network: Latest<Questions>,
    completing: Latest<(JobId, String)>,
    protected: Arc<[PathBuf]>,
    /// Held while files are moved.
    moving: Arc<Mutex<()>>,
    /// Set at the end: whoever moves files stops after the one it is at.
    leaving: CancelToken,
    /// Threads that change files.
    busy: Arc<AtomicUsize>,
    answer: Answer,
}

impl Worker {
    /// Starts the threads; they sleep until there is a job.
    #[must_use]
    pub fn new(tools: Tools, answer: Answer) -> Self {
        let Tools { mut indexer, painter, embedder, protected } = tools;
        let tell = answer.clone();
        let kept = Arc::new(Kept::default());
        let second_look = Arc::new(SecondLook::default());
        let protected: Arc<[PathBuf]> = protected.into();
        let of_run = Arc::clone(&kept);
        let indexing = Latest::spawn("indexing", Priority::Lowest, move |(job, model, cancel): Indexing, _| {
            let by_other = model.is_some();
            let outcome = fenced("indexing", || {
                let mut report = |report| {
                    let note = if by_other { None } else { of_run.hear(&report) };
                    for report in [Some(report), note].into_iter().flatten() {
                        tell(JobEvent { job, outcome: Outcome::Indexing(report) });
                    }
                };
                indexer(model.as_deref(), &cancel, &mut report).map(Outcome::Indexed).map_err(|error| error.to_string())
            });
            if !by_other {
                of_run.run_ended();
            }
            tell(JobEvent { job, outcome });
        });
        let lanes = Lane::ALL.map(|lane| {
            let with = With {
                kept: Arc::clone(&kept),
                second_look: Arc::clone(&second_look),
                protected: Arc::clone(&protected),
            };
            make_in(lane, with, answer.clone())
        });
        let network = network::start(embedder, painter.clone(), answer.clone());
        let tell = answer.clone();
        // A folder on a network that is gone keeps this thread only, and nobody who leaves waits for it.
        let completing = Latest::spawn("completing", Priority::Normal, move |(job, typed): (JobId, String), _| {
            let outcome = fenced("completing", || Ok(Outcome::Completed(completion::complete(&typed))));
            tell(JobEvent { job, outcome });
        });
        let previews = Previews::spawn(painter, answer.clone());
        let labels = keep_labels(answer.clone());
        Self {
            indexing,
            running: CancelToken::default(),
            lanes,
            previews,
            kept,
            labels,
            network,
            completing,
            protected,
            moving: Arc::default(),
            leaving: CancelToken::default(),
            busy: Arc::default(),
            answer,
        }
    }

    /// Gives a job to the thread it is for; never waits.
    pub fn start(&mut self, id: JobId, job: Job) {
        match job {
            Job::Index => self.index(id, None),
            Job::IndexBy { model } => self.index(id, Some(model)),
            Job::Make { index, task } => self.lanes[task.lane() as usize].put(Some((id, index, task))),
            Job::Stop(lane) => self.lanes[lane as usize].put(None),
            Job::Previews { index, wanted } => self.previews.want(id, &index, &wanted),
            Job::Enroll { portraits, name } => self.apart(id, "naming", move || enroll::enroll(&portraits, &name)),
            Job::NameGroups { index, names } => {
                let kept = Arc::clone(&self.kept);
                self.apart(id, "naming", move || {
                    kept.keep_group_names(&names, &index).map(Outcome::Named).map_err(|error| error.to_string())
                });
            }
            Job::Explain { index, pair, cells } => {
                self.network.change(|waiting| waiting.why = Some((id, index, pair, cells)));
            }
            Job::Ask { index, path } => self.network.change(|waiting| waiting.ask = Some((id, index, path))),
            Job::Complete { typed } => self.completing.put((id, typed)),
            Job::Dispose { doomed, away } => {
                let (protected, leaving) = (Arc::clone(&self.protected), self.leaving.clone());
                self.move_files(id, move |lists| {
                    disposal::dispose(&doomed, &away, &protected, lists, &leaving).map(Outcome::Disposed)
                });
            }
            Job::Undo { list } => self.move_files(id, move |_| disposal::undo(&list).map(Outcome::Undone)),
            Job::Export { paths, to } => self.apart(id, "exporting", move || export::write(&paths, &to)),
            Job::ExportLabels { index, source, to } => {
                self.apart(id, "exporting", move || export::write_labels(&index, &source, &to));
            }
            Job::KeepLabels { labels, to } => self.labels.put((id, labels, to)),
        }
    }

    fn index(&mut self, id: JobId, model: Option<String>) {
        self.running.cancel();
        self.running = CancelToken::default();
        self.indexing.put((id, model, self.running.clone()));
    }

    /// Moves files on a thread of its own, one job after the other; `work` gets the folder of the lists.
    fn move_files(&self, job: JobId, work: impl FnOnce(&Path) -> Result<Outcome> + Send + 'static) {
        let moving = Arc::clone(&self.moving);
        self.apart(job, "moving files", move || {
            let _alone = lock(&moving);
            folders::moved().and_then(|lists| work(&lists)).map_err(|error| error.to_string())
        });
    }

    /// Does what changes files on a thread of its own, which is waited for at the end.
    fn apart(&self, job: JobId, doing: &'static str, work: impl FnOnce() -> Result<Outcome, String> + Send + 'static) {
        let (tell, busy) = (self.answer.clone(), Arc::clone(&self.busy));
        busy.fetch_add(1, Ordering::SeqCst);
        spawn(doing, Priority::Normal, move || {
            tell(JobEvent { job, outcome: fenced(doing, work) });
            busy.fetch_sub(1, Ordering::SeqCst);
        });
    }

    /// Asks the indexing run to stop; what it has done is kept.
    pub fn cancel_indexing(&self) {
        self.running.cancel();
    }

    /// Asks the indexing run, and whoever moves files, to stop and takes no other run; what was done is kept.
    pub fn stop(&self) {
        self.running.cancel();
        self.leaving.cancel();
        self.indexing.close();
    }

    /// Waits until the stopped indexing run has stored what it has done and labels are kept, each at most this long.
    ///
    /// A thread that hangs, in a file system that does not answer say, is left behind: the process ends all the same.
    pub fn wait(&self, patience: Duration) {
        self.indexing.wait_idle(patience);
        self.labels.wait_idle(patience);
        let until = Instant::now() + patience;
        while self.busy.load(Ordering::SeqCst) > 0 && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Starts the thread that keeps corrections of labels. What was kept when it began stays beside them.
fn keep_labels(tell: Answer) -> Latest<Keeping> {
    let mut keep_older = true;
    Latest::spawn("keeping labels", Priority::Normal, move |(job, labels, to): Keeping, _| {
        let outcome = fenced("keeping labels", || {
            label_file::write(&to, labels.iter(), keep_older).map_err(|error| error.to_string())?;
            keep_older = false;
            Ok(Outcome::LabelsKept)
        });
        tell(JobEvent { job, outcome });
    })
}

/// How often a task that takes long shows what it has found: as often as the screen is drawn.
const SHOWN_EVERY: Duration = Duration::from_millis(33);

/// What tasks are made with besides the index.
struct With {
    kept: Arc<Kept>,
    second_look: Arc<SecondLook>,
    protected: Arc<[PathBuf]>,
}

/// Starts the thread of a lane.
fn make_in(lane: Lane, with: With, tell: Answer) -> Latest<Making> {
    let With { kept, second_look, protected } = with;
    Latest::spawn(lane.doing(), Priority::Normal, move |making: Making, superseded| {
        let Some((job, index, task)) = making else { return };
        let outcome = fenced(lane.doing(), || {
            let mut shown = Instant::now();
            let mut so_far = |made: &dyn Fn() -> Made| {
                if shown.elapsed() >= SHOWN_EVERY {
                    tell(JobEvent { job, outcome: Outcome::Making(made()) });
                    shown = Instant::now();
                }
            };
            let task = match task {
                Task::Alike(range, known) => Task::Alike(range, kept.or_read(known, &index, range)),
                Task::Map(task) => Task::Map(kept.shorten(task, &index)),
                Task::Groups(method, _) => {
                    let graph = if method.neighbors() > 0 { kept.graph(&index).map(KnownGraph) } else { None };
                    Task::Groups(method, Known { graph, names: kept.group_names(&index) })
                }
                Task::Outliers(_) => Task::Outliers(kept.graph(&index).map(KnownGraph)),
                Task::Classify(source, None) => Task::Classify(source, kept.graph(&index).map(KnownGraph)),
                task => task,
            };
            let made = task.make(&index, &on_all_cores, superseded, &mut so_far);
            let Made::Alike(found) = made else { return Ok(Outcome::Made(made)) };
            // The embedding's answer is shown while the files are read.
            tell(JobEvent { job, outcome: Outcome::Making(Made::Alike(Arc::clone(&found))) });
            let look = Look { index: &index, graph: &found.graph, protected: &protected };
            let mut progress = |share| so_far(&|| Made::Progress(share));
            let closer = second_look.at(&found, &look, &kept, superseded, &mut progress);
            Ok(Outcome::Made(Made::Alike(closer.map_or(found, Arc::new))))
        });
        let (graph, map) = match &outcome {
            Outcome::Made(Made::Alike(found)) => (Some(Arc::clone(&found.graph)), None),
            Outcome::Made(Made::Map(made)) => (made.graph.clone(), Some(made.clone())),
            Outcome::Made(Made::Groups(_, found, _)) => (found.graph.clone(), None),
            Outcome::Made(Made::Outliers(found)) => (Some(Arc::clone(&found.graph)), None),
            Outcome::Made(Made::Classified(found)) => (Some(Arc::clone(&found.graph)), None),
            _ => (None, None),
        };
        if !superseded() {
            tell(JobEvent { job, outcome });
        }
        // Nobody waits for that.
        if let Some(graph) = graph {
            kept.keep(&graph, &index);
        }
        if let Some(map) = map {
            kept.keep_map(&map, &index);
        }
    })
}

/// Does work items on as many cores as there are.
pub fn on_all_cores(items: Vec<WorkItem<'_>>) {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.min(items.len());
    let items = Mutex::new(items.into_iter());
    let work = || {
        // The lock is let go of before the work begins.
        while let Some(item) = { lock(&items).next() } {
            item();
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
}

/// How much of the processor a thread gets when others want it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Priority {
    Normal,
    Low,
    Lowest,
}

/// Starts a named thread that outlives nobody's wait: it is never joined.
fn spawn(name: &str, priority: Priority, work: impl FnOnce() + Send + 'static) {
    let run = move || {
        // Linux keeps this number for each thread; elsewhere it would slow down the screen too.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::nice(match priority {
            Priority::Normal => 0,
            Priority::Low => 3,
            Priority::Lowest => 7,
        });
        #[cfg(not(target_os = "linux"))]
        let _ = priority;
        work();
    };
    // The system refuses a thread only when it is out of memory; then the jobs of this one stay unanswered.
    let _ = thread::Builder::new().name(name.to_owned()).spawn(run);
}

/// Does the work of one job, turning its failure or its panic into the answer.
fn fenced(doing: &str, work: impl FnOnce() -> Result<Outcome, String>) -> Outcome {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(reason)) => Outcome::Failed(reason),
        Err(panic) => {
            let said = panic.downcast_ref::<&str>().copied();
            let said = said.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
            Outcome::Failed(format!("{doing} failed because of a mistake in the program ({said}); please report it"))
        }
    }
}

/// The data behind a lock; what a panicking thread left behind is whole, since only finished values are put there.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
