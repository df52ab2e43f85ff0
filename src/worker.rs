//! Every thread that works for the explorer: indexing, comparing, ordering, previews, exporting.
//!
//! The explorer numbers its jobs and gets [`JobEvent`]s back through one closure. A job never takes the program down:
//! its panic becomes [`Outcome::Failed`] and the next job works. Of comparisons, orders and wanted previews only the
//! newest counts. Previews and indexing leave the processor to the screen and to what the user waits for.

mod export;
mod latest;
mod previews;

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use self::{latest::Latest, previews::Previews};
use crate::{
    cancel::CancelToken,
    error::Result,
    index::{
        ImageId, Index,
        progress::{Report, Summary},
    },
    preview::{Painter, Preview, PreviewKey},
    similarity::{self, Comparison, OrderKind, Piece, Query, RowOrder, listing::Sorting},
};

/// The explorer's number of a job, so that it alone knows which answers it still awaits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub u64);

/// What can be asked for.
#[derive(Clone)]
pub enum Job {
    /// Bring the index up to date; a run under way is stopped first.
    Index,
    /// Compare one image with all; takes the place of an older comparison.
    Compare {
        /// The images.
        index: Arc<Index>,
        /// The one.
        query: Query,
    },
    /// Put the rows in an order; takes the place of an older order.
    Order {
        /// The images.
        index: Arc<Index>,
        /// Which order.
        kind: OrderKind,
    },
    /// Put a list of pictures in order; takes the place of an older list.
    Sort {
        /// The images.
        index: Arc<Index>,
        /// The list.
        ids: Vec<ImageId>,
        /// Which order.
        sorting: Sorting,
    },
    /// Make pictures ready, the first first; takes the place of everything wanted before.
    Previews {
        /// Where the pictures are.
        index: Arc<Index>,
        /// Which, and how large.
        wanted: Vec<PreviewKey>,
    },
    /// Write paths to a new file, one a line.
    Export {
        /// The paths.
        paths: Vec<PathBuf>,
        /// The file; when there is one of this name already, a number is added to it.
        to: PathBuf,
    },
}

/// What a job has to say; an indexing run and the previews say many things.
pub struct JobEvent {
    /// The job, or the newest that asked for previews.
    pub job: JobId,
    /// What it says.
    pub outcome: Outcome,
}

/// What became of a job.
pub enum Outcome {
    /// The run goes on.
    Indexing(Report),
    /// The run is done.
    Indexed(Summary),
    /// One image compared with those that arrived first; the rest follows.
    Comparing(Arc<Comparison>),
    /// One image compared with all.
    Compared(Arc<Comparison>),
    /// The rows in their order.
    Ordered(Arc<RowOrder>),
    /// The list in its order.
    Sorted(Vec<ImageId>),
    /// A picture, or the reason why there is none.
    Previewed(PreviewKey, Preview),
    /// The paths were written.
    Exported {
        /// The file that was made.
        to: PathBuf,
        /// How many paths are in it.
        paths: usize,
    },
    /// The job did not succeed: one sentence for the user.
    Failed(String),
}

/// Runs the pipeline once; the explorer passes [`pipeline::run`](crate::pipeline::run) with its request.
pub type Indexer = Box<dyn FnMut(&CancelToken, &mut dyn FnMut(Report)) -> Result<Summary> + Send>;

/// Takes every answer, on the thread that has it; must not block.
pub type Answer = Arc<dyn Fn(JobEvent) + Send + Sync>;

type Indexing = (JobId, CancelToken);
type Comparing = (JobId, Arc<Index>, Query);
type Ordering = (JobId, Arc<Index>, OrderKind);
type Listing = (JobId, Arc<Index>, Vec<ImageId>, Sorting);

/// The threads. Dropping it stops all of them, after what they are at.
pub struct Worker {
    indexing: Latest<Indexing>,
    running: CancelToken,
    comparing: Latest<Comparing>,
    ordering: Latest<Ordering>,
    sorting: Latest<Listing>,
    previews: Previews,
    answer: Answer,
}

impl Worker {
    /// Starts the threads; they sleep until there is a job.
    #[must_use]
    pub fn new(mut indexer: Indexer, painter: Painter, answer: Answer) -> Self {
        let tell = answer.clone();
        let indexing = Latest::spawn("indexing", Priority::Lowest, move |(job, cancel): Indexing, _| {
            let outcome = fenced("indexing", || {
                let mut report = |report| tell(JobEvent { job, outcome: Outcome::Indexing(report) });
                indexer(&cancel, &mut report).map(Outcome::Indexed).map_err(|error| error.to_string())
            });
            tell(JobEvent { job, outcome });
        });
        let tell = answer.clone();
        let comparing =
            Latest::spawn("comparing", Priority::Normal, move |(job, index, query): Comparing, superseded| {
                let mut so_far = |found| tell(JobEvent { job, outcome: Outcome::Comparing(Arc::new(found)) });
                let work = || {
                    let found = refined(&index, query, REFINED_EVERY, superseded, &mut so_far);
                    Ok(Outcome::Compared(Arc::new(found)))
                };
                let outcome = fenced("comparing", work);
                if !superseded() {
                    tell(JobEvent { job, outcome });
                }
            });
        let tell = answer.clone();
        let ordering = Latest::spawn("ordering", Priority::Normal, move |(job, index, kind): Ordering, superseded| {
            let outcome = fenced("ordering", || {
                Ok(Outcome::Ordered(Arc::new(similarity::order_with(&index, kind, &on_all_cores))))
            });
            if !superseded() {
                tell(JobEvent { job, outcome });
            }
        });
        let tell = answer.clone();
        let sorting =
            Latest::spawn("sorting", Priority::Normal, move |(job, index, ids, sorting): Listing, superseded| {
                let outcome = fenced("sorting", || Ok(Outcome::Sorted(sorting.sorted(&index, ids))));
                if !superseded() {
                    tell(JobEvent { job, outcome });
                }
            });
        let previews = Previews::spawn(painter, answer.clone());
        Self { indexing, running: CancelToken::default(), comparing, ordering, sorting, previews, answer }
    }

    /// Gives a job to the thread it is for; never waits.
    pub fn start(&mut self, id: JobId, job: Job) {
        match job {
            Job::Index => {
                self.running.cancel();
                self.running = CancelToken::default();
                self.indexing.put((id, self.running.clone()));
            }
            Job::Compare { index, query } => self.comparing.put((id, index, query)),
            Job::Order { index, kind } => self.ordering.put((id, index, kind)),
            Job::Sort { index, ids, sorting } => self.sorting.put((id, index, ids, sorting)),
            Job::Previews { index, wanted } => self.previews.want(id, &index, &wanted),
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

/// Pictures that are compared before the next look at the clock and at newer jobs: some milliseconds of work.
const PORTION: usize = 1 << 17;
/// How often a comparison that takes long shows what it has found: as often as the screen is drawn.
const REFINED_EVERY: Duration = Duration::from_millis(33);

/// Compares portion by portion, handing out what was found so far; what it returns is whole unless it was superseded.
fn refined(
    index: &Index,
    query: Query,
    every: Duration,
    superseded: &dyn Fn() -> bool,
    so_far: &mut dyn FnMut(Comparison),
) -> Comparison {
    let mut found = Comparison::begin(index, query);
    let mut shown = Instant::now();
    loop {
        found.extend(index, PORTION, &on_all_cores);
        if found.len() == index.table_len() || superseded() {
            return found;
        }
        if shown.elapsed() >= every {
            so_far(found.clone());
            shown = Instant::now();
        }
    }
}

/// Does pieces of work on as many cores as there are.
fn on_all_cores(pieces: Vec<Piece<'_>>) {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.min(pieces.len());
    let pieces = Mutex::new(pieces.into_iter());
    let work = || {
        // The lock is let go of before the work begins.
        while let Some(piece) = { lock(&pieces).next() } {
            piece();
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

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index => write!(f, "Index"),
            Self::Compare { index, query } => write!(f, "Compare({query:?} of {})", index.len()),
            Self::Order { index, kind } => write!(f, "Order({kind:?} of {})", index.len()),
            Self::Sort { ids, sorting, .. } => write!(f, "Sort({} by {})", ids.len(), sorting.sort.name()),
            Self::Previews { wanted, .. } => write!(f, "Previews({wanted:?})"),
            Self::Export { paths, to } => write!(f, "Export({} to {})", paths.len(), to.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::*;
    use crate::{
        index::{Image, Images, Rows, Segment},
        scan::ImageFile,
        similarity::Metric,
    };

    /// An index of rows of one value: 0, 1, 2, … 99, 0, 1, …
    fn large(rows: usize) -> Index {
        let image = |row| Image {
            file: ImageFile { path: format!("/{row}").into(), size: 1, modified: 0, changed: 0 },
            pixels: (1, 1),
            format: "PNG",
        };
        let values: Vec<_> = (0..rows).map(|row| f16::from_f32((row % 100) as f32)).collect();
        let mut index = Index::new(1);
        assert!(index.push(Arc::new(Segment {
            root: std::path::Path::new("/").into(),
            images: Images::new(std::path::Path::new("/"), (0..rows).map(image)),
            norms: values.iter().map(|value| value.to_f32()).collect(),
            scales: vec![1.0; rows],
            rows: Rows::owned(values, 1),
            dead: Vec::new(),
        })));
        index
    }

    #[test]
    fn a_long_comparison_shows_the_best_so_far_and_stops_for_a_newer_one() {
        let index = large(3 * PORTION + 1);
        let query = Query::Image(ImageId(7));
        let whole = similarity::compare(&index, &query);
        let mut parts = Vec::new();
        let found = refined(&index, query.clone(), Duration::ZERO, &|| false, &mut |part| parts.push(part));
        assert_eq!(found, whole);
        assert_eq!(parts.iter().map(Comparison::len).collect::<Vec<_>>(), [PORTION, 2 * PORTION, 3 * PORTION]);
        for part in parts {
            for metric in [Metric::Cosine, Metric::Euclidean] {
                assert_eq!(part.values(metric), &whole.values(metric)[..part.len()]);
            }
        }
        let stopped = refined(&index, query, Duration::ZERO, &|| true, &mut |_| panic!("nobody waits for it"));
        assert_eq!(stopped.len(), PORTION);
    }
}
