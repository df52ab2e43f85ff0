//! Every thread that works for the explorer and the live view: indexing, comparing, ordering, previews, exporting, naming.
//!
//! The explorer numbers its jobs and gets [`JobEvent`]s back through one closure. A job never takes the program down:
//! its panic becomes [`Outcome::Failed`] and the next job works. Of the tasks of a lane and of wanted previews only
//! the newest counts. Previews and indexing leave the processor to the screen and to what the user waits for.

mod enroll;
mod export;
mod kept;
mod latest;
pub mod live;
mod previews;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

pub use self::kept::Kept;
use self::{latest::Latest, previews::Previews};
use crate::{
    cancel::CancelToken,
    error::Result,
    index::{
        Index,
        progress::{Report, Summary},
    },
    preview::Painter,
    similarity::WorkItem,
    task::{Job, JobEvent, JobId, Lane, Made, Outcome, Task},
};

/// Runs the pipeline once; the explorer passes [`pipeline::run`](crate::pipeline::run) with its request.
pub type Indexer = Box<dyn FnMut(&CancelToken, &mut dyn FnMut(Report)) -> Result<Summary> + Send>;

/// Takes every answer, on the thread that has it; must not block.
pub type Answer = Arc<dyn Fn(JobEvent) + Send + Sync>;

type Indexing = (JobId, CancelToken);
type Making = (JobId, Arc<Index>, Task);

/// The threads. Dropping it stops all of them, after what they are at.
pub struct Worker {
    indexing: Latest<Indexing>,
    running: CancelToken,
    /// By the number of their lane.
    lanes: [Latest<Making>; Lane::ALL.len()],
    previews: Previews,
    answer: Answer,
}

impl Worker {
    /// Starts the threads; they sleep until there is a job.
    #[must_use]
    pub fn new(mut indexer: Indexer, painter: Painter, answer: Answer) -> Self {
        let tell = answer.clone();
        let kept = Arc::new(Kept::default());
        let of_run = Arc::clone(&kept);
        let indexing = Latest::spawn("indexing", Priority::Lowest, move |(job, cancel): Indexing, _| {
            let outcome = fenced("indexing", || {
                let mut report = |report| {
                    of_run.hear(&report);
                    tell(JobEvent { job, outcome: Outcome::Indexing(report) });
                };
                indexer(&cancel, &mut report).map(Outcome::Indexed).map_err(|error| error.to_string())
            });
            of_run.run_ended();
            tell(JobEvent { job, outcome });
        });
        let lanes = Lane::ALL.map(|lane| make_in(lane, Arc::clone(&kept), answer.clone()));
        let previews = Previews::spawn(painter, answer.clone());
        Self { indexing, running: CancelToken::default(), lanes, previews, answer }
    }

    /// Gives a job to the thread it is for; never waits.
    pub fn start(&mut self, id: JobId, job: Job) {
        match job {
            Job::Index => {
                self.running.cancel();
                self.running = CancelToken::default();
                self.indexing.put((id, self.running.clone()));
            }
            Job::Make { index, task } => self.lanes[task.lane() as usize].put((id, index, task)),
            Job::Previews { index, wanted } => self.previews.want(id, &index, &wanted),
            Job::Enroll { paths, name } => {
                let tell = self.answer.clone();
                spawn("naming", Priority::Normal, move || {
                    tell(JobEvent { job: id, outcome: fenced("naming", || enroll::link(&paths, &name)) });
                });
            }
            Job::Export { paths, to } => {
                let tell = self.answer.clone();
                spawn("exporting", Priority::Normal, move || {
                    tell(JobEvent { job: id, outcome: fenced("exporting", || export::write(&paths, &to)) });
                });
            }
        }
    }

    /// Asks the indexing run to stop; what it has done is kept.
    pub fn cancel_indexing(&self) {
        self.running.cancel();
    }

    /// Asks the indexing run to stop and takes no other; what it has done is kept.
    pub fn stop(&self) {
        self.running.cancel();
        self.indexing.close();
    }

    /// Waits until the stopped indexing run has stored what it has done, at most this long.
    ///
    /// A thread that hangs, in a file system that does not answer say, is left behind: the process ends all the same.
    pub fn wait(&self, patience: Duration) {
        self.indexing.wait_idle(patience);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop();
    }
}

/// How often a task that takes long shows what it has found: as often as the screen is drawn.
const SHOWN_EVERY: Duration = Duration::from_millis(33);

/// Starts the thread of a lane.
fn make_in(lane: Lane, kept: Arc<Kept>, tell: Answer) -> Latest<Making> {
    Latest::spawn(lane.doing(), Priority::Normal, move |(job, index, task): Making, superseded| {
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
                task => task,
            };
            Ok(Outcome::Made(task.make(&index, &on_all_cores, superseded, &mut so_far)))
        });
        let found = match &outcome {
            Outcome::Made(Made::Alike(found)) => Some(Arc::clone(found)),
            _ => None,
        };
        if !superseded() {
            tell(JobEvent { job, outcome });
        }
        // Nobody waits for that.
        if let Some(found) = found {
            kept.keep(&found, &index);
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
