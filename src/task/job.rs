//! What the explorer asks of its worker, and what the worker answers.

use std::{fmt, path::PathBuf, sync::Arc};

use super::{Made, Task};
use crate::{
    index::{
        Index,
        progress::{Report, Summary},
    },
    preview::{Preview, PreviewKey},
};

/// The explorer's number of a job, so that it alone knows which answers it still awaits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub u64);

/// What can be asked for.
#[derive(Clone)]
pub enum Job {
    /// Bring the index up to date; a run under way is stopped first.
    Index,
    /// Make numbers of the pictures; takes the place of an older task of its lane.
    Make {
        /// The pictures.
        index: Arc<Index>,
        /// What to make.
        task: Task,
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
    /// Put pictures under a name into the gallery of the explorer's names.
    Enroll {
        /// The pictures.
        paths: Vec<PathBuf>,
        /// Their name, which a folder can have.
        name: String,
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
    /// What a task has come to so far; the rest follows.
    Making(Made),
    /// What a task came to.
    Made(Made),
    /// A picture, or the reason why there is none.
    Previewed(PreviewKey, Preview),
    /// The paths were written.
    Exported {
        /// The file that was made.
        to: PathBuf,
        /// How many paths are in it.
        paths: usize,
    },
    /// Pictures have a name now.
    Enrolled {
        /// The folder of the name.
        folder: PathBuf,
        /// How many pictures it has now that it did not have before.
        added: usize,
    },
    /// The job did not succeed: one sentence for the user.
    Failed(String),
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index => write!(f, "Index"),
            Self::Make { index, task } => write!(f, "Make({:?} of {})", task.lane(), index.len()),
            Self::Previews { wanted, .. } => write!(f, "Previews({wanted:?})"),
            Self::Enroll { paths, name } => write!(f, "Enroll({} as {name})", paths.len()),
            Self::Export { paths, to } => write!(f, "Export({} to {})", paths.len(), to.display()),
        }
    }
}
