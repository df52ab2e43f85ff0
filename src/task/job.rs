//! What the explorer asks of its worker, and what the worker answers.

use std::{
    collections::HashSet,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Lane, Made, Task};
use crate::{
    analysis::{clusters::GroupName, copies::Copies, explanation::Explanation},
    face::Face,
    index::{
        Entry, ImageId, Index,
        label_file::{LabelSource, LabelTable},
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
    /// Index the same folders by another model, after the run that is under way.
    IndexBy {
        /// The model's name.
        model: String,
    },
    /// Make numbers of the pictures; takes the place of an older task of its lane.
    Make {
        /// The pictures.
        index: Arc<Index>,
        /// What to make.
        task: Task,
    },
    /// Stop what a lane is making; nobody waits for it any more.
    Stop(Lane),
    /// Make pictures ready, the first first; takes the place of everything wanted before.
    Previews {
        /// Where the pictures are.
        index: Arc<Index>,
        /// Which, and how large.
        wanted: Vec<PreviewKey>,
    },
    /// Keep the names of groups beside the index, in the place of those before.
    NameGroups {
        /// The pictures.
        index: Arc<Index>,
        /// All names.
        names: Arc<[GroupName]>,
    },
    /// Ask the network which regions of two pictures make them alike.
    Explain {
        /// Where the pictures are.
        index: Arc<Index>,
        /// Which.
        pair: [ImageId; 2],
        /// Columns and rows that each has on the screen.
        cells: (u16, u16),
    },
    /// Find a picture in the index by its path, however that is written, or embed it, to ask with it.
    Ask {
        /// Where it may be.
        index: Arc<Index>,
        /// The file.
        path: PathBuf,
    },
    /// Complete a path that is being typed.
    Complete {
        /// What was typed of it.
        typed: String,
    },
    /// Move files away.
    Dispose {
        /// The files.
        doomed: Vec<Doomed>,
        /// Where to.
        away: Away,
    },
    /// Bring back what was moved away.
    Undo {
        /// The list of it.
        list: PathBuf,
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
        /// The pictures, or the faces.
        portraits: Vec<Portrait>,
        /// Their name, which a folder can have.
        name: String,
    },
    /// Write the label of each picture to a new file, as CSV.
    ExportLabels {
        /// The pictures.
        index: Arc<Index>,
        /// Their labels.
        source: LabelSource,
        /// The file; when there is one of this name already, a number is added to it.
        to: PathBuf,
    },
    /// Keep corrections of labels, in place of those that were kept; only the newest count.
    KeepLabels {
        /// The corrections.
        labels: Arc<LabelTable>,
        /// The file.
        to: PathBuf,
    },
}

/// Why two pictures are alike, to be drawn.
pub struct Explained {
    /// The pictures.
    pub pair: [ImageId; 2],
    /// Columns and rows that each was drawn for.
    pub cells: (u16, u16),
    /// The shares of their regions.
    pub explanation: Explanation,
    /// Both with their shares in colors over them.
    pub previews: [Preview; 2],
}

/// A picture from elsewhere, with which the others are compared.
pub struct Outside {
    /// The file.
    pub path: Arc<Path>,
    /// The faces in it, the largest first, where the rows stand for faces.
    pub faces: Vec<Face>,
    /// The raw embedding of each face, or of the picture, by the index's model; never empty.
    pub embeddings: Vec<Arc<[f32]>>,
}

/// The paths that begin with what was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completed {
    /// What was typed.
    pub typed: String,
    /// The same with as much more as all of them have in common.
    pub common: String,
    /// Their last parts, in order, folders with a slash.
    pub choices: Vec<String>,
}

/// A file as it was when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// Its path.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// Nanoseconds since the Unix epoch.
    pub modified: i64,
    /// SHA-256 of its content, where that is known.
    pub hash: Option<[u8; 32]>,
}

/// What shows somebody or something that gets a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Portrait {
    /// The picture.
    pub path: PathBuf,
    /// The face that is meant, with its number, where the picture has several; else the picture says enough.
    pub face: Option<(u32, Face)>,
}

impl Portrait {
    /// What a row of the index shows.
    #[must_use]
    pub fn of(index: &Index, id: ImageId) -> Option<Self> {
        let entry = index.get(id)?;
        let is_alone = index.of_one_picture(id).count() < 2;
        let face = entry.face_number().zip(entry.face().copied()).filter(|_| !is_alone);
        Some(Self { path: entry.path(), face })
    }
}

/// A file that is to be moved away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doomed {
    /// The file.
    pub file: FileFacts,
    /// Its path under the folder that it was found in.
    pub relative: PathBuf,
    /// The copy of it that stays, without which it must stay itself.
    pub kept: Option<FileFacts>,
}

impl FileFacts {
    fn of(entry: &Entry<'_>, copies: Option<&Copies>) -> Self {
        let hash = copies.and_then(|copies| copies.hashes.get(&entry.id)).copied();
        Self { path: entry.path(), size: entry.size(), modified: entry.modified(), hash }
    }
}

impl Doomed {
    /// Pictures that are to be moved away, as they are known. A copy that is to be kept must be there when they go, unless
    /// it is to go as well.
    #[must_use]
    pub fn of(index: &Index, copies: Option<&Copies>, ids: &[ImageId]) -> Vec<Self> {
        let all: HashSet<_> = ids.iter().copied().collect();
        let doomed = ids.iter().filter_map(|id| {
            let entry = index.get(*id)?;
            let kept = copies.and_then(|copies| copies.kept_for(*id)).filter(|kept| !all.contains(kept));
            let kept = kept.and_then(|kept| index.get(kept)).map(|kept| FileFacts::of(&kept, copies));
            Some(Self { file: FileFacts::of(&entry, copies), relative: entry.relative().to_owned(), kept })
        });
        doomed.collect()
    }
}

/// Where files are moved to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Away {
    /// The desktop's trash.
    Trash,
    /// A folder, in which they keep their relative paths.
    Folder(PathBuf),
}

/// What became of files that were to be moved away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disposed {
    /// The paths that they had.
    pub moved: Vec<PathBuf>,
    /// Those that stay, and why, without the path.
    pub refused: Vec<(PathBuf, String)>,
    /// How many stay because it was stopped before it came to them.
    pub left: usize,
    /// The list that undoes it.
    pub list: Option<PathBuf>,
}

/// What became of files that were to be brought back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Undone {
    /// The paths that they have again.
    pub back: Vec<PathBuf>,
    /// Those that are not back, and why, without the path.
    pub refused: Vec<(PathBuf, String)>,
    /// Lines of the list, counted from 1, that are damaged: nobody knows which files they are about.
    pub damaged: Vec<usize>,
}

impl Undone {
    /// What is said of the damaged lines of a list, if there are any: a sentence that goes on behind the list's name.
    #[must_use]
    pub fn damage(&self) -> Option<String> {
        let first = self.damaged.iter().min()?;
        let (lines, files) = match self.damaged.len() {
            1 => (format!("line {first} is damaged"), "the file that it was about stays where it was moved to"),
            more => (
                format!("{more} lines are damaged, the first is line {first}"),
                "the files that they were about stay where they were moved to",
            ),
        };
        Some(format!("{lines}: {files}"))
    }
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
    /// Which regions of two pictures make them alike.
    Explained(Arc<Explained>),
    /// A picture that was asked for by its path is a row of the index.
    IsRow(ImageId),
    /// A picture that is not in the index was embedded.
    Embedded(Arc<Outside>),
    /// What a path that is being typed may be.
    Completed(Completed),
    /// Files were moved away, or were not.
    Disposed(Disposed),
    /// Files were brought back, or were not; nothing when none had been moved away.
    Undone(Undone),
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
    /// The names of groups are known.
    Named(NamesKept),
    /// The corrections are on disk.
    LabelsKept,
    /// The job did not succeed: one sentence for the user.
    Failed(String),
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index => write!(f, "Index"),
            Self::IndexBy { model } => write!(f, "IndexBy({model})"),
            Self::ExportLabels { to, .. } => write!(f, "ExportLabels({})", to.display()),
            Self::KeepLabels { labels, .. } => write!(f, "KeepLabels({})", labels.len()),
            Self::Make { index, task } => write!(f, "Make({:?} of {})", task.lane(), index.len()),
            Self::Stop(lane) => write!(f, "Stop({lane:?})"),
            Self::Previews { wanted, .. } => write!(f, "Previews({wanted:?})"),
            Self::Enroll { portraits, name } => write!(f, "Enroll({} as {name})", portraits.len()),
            Self::NameGroups { names, .. } => write!(f, "NameGroups({})", names.len()),
            Self::Explain { pair, cells, .. } => write!(f, "Explain({pair:?} in {cells:?})"),
            Self::Ask { path, .. } => write!(f, "Ask({})", path.display()),
            Self::Complete { typed } => write!(f, "Complete({typed})"),
            Self::Dispose { doomed, away } => write!(f, "Dispose({} to {away:?})", doomed.len()),
            Self::Undo { list } => write!(f, "Undo({})", list.display()),
            Self::Export { paths, to } => write!(f, "Export({} to {})", paths.len(), to.display()),
        }
    }
}

/// Where the names of groups are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamesKept {
    /// With the index.
    OnDisk,
    /// With the index, where names were that this version cannot read: those have this path now.
    BesideOthers(PathBuf),
    /// Nowhere: nothing is kept on disk, or there are several folders. They last until the explorer is left.
    Nowhere,
}
