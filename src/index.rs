//! The index: one raw embedding a picture, in the order of arrival, with the pictures' files and what was skipped. For a
//! model that looks for faces a row is a face instead: a picture then has as many rows as faces, or none.
//!
//! An [`Index`] is a list of immutable, shared [`Segment`]s, so that a worker can hold a snapshot while the
//! explorer goes on adding rows: a clone copies pointers, never vectors.

use std::{
    borrow::Cow,
    os::unix::ffi::OsStrExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

pub use self::{
    entry::Entry,
    images::Images,
    segment::{Rows, Segment, norm, storage_scale},
};
pub use crate::scan::{Skipped, SkippedKind};
use crate::{face::Face, scan::ImageFile, text};

mod entry;
pub mod filter;
mod images;
pub mod label_file;
pub mod labels;
mod part;
pub mod progress;
mod segment;
pub mod store;

/// One picture of an [`Index`]. Ids are handed out in order of arrival and never reused while the program runs,
/// so an id stays right through every sort, filter, cluster and removal; any table may use it as an array position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageId(pub u32);

impl ImageId {
    /// The id as an array position.
    #[must_use]
    pub fn at(self) -> usize {
        self.0 as usize
    }
}

/// What a row of an [`Index`] stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RowKind {
    /// A whole picture.
    #[default]
    Picture,
    /// A face in a picture.
    Face,
}

impl RowKind {
    /// What people call one.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Picture => "picture",
            Self::Face => "face",
        }
    }

    /// What people call several.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::Picture => "pictures",
            Self::Face => "faces",
        }
    }

    /// A sentence about pictures as one about such rows.
    #[must_use]
    pub fn words(self, about_pictures: &str) -> Cow<'_, str> {
        match self {
            Self::Picture => about_pictures.into(),
            Self::Face => about_pictures.replace("picture", "face").replace("Picture", "Face").into(),
        }
    }

    /// So many of them, in words.
    #[must_use]
    pub fn counted(self, rows: usize) -> String {
        text::counted(rows, self.noun())
    }
}

/// What is known of a new row besides its embedding. Those of an index are kept as [`Images`].
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// The file.
    pub file: ImageFile,
    /// Width and height in pixels, after the EXIF orientation was applied.
    pub pixels: (u32, u32),
    /// The format's usual name, "JPEG" for example.
    pub format: &'static str,
    /// The face that the row stands for; nothing where it stands for the whole picture.
    pub face: Option<Face>,
}

/// Every indexed picture, or face, with its raw embedding. Cloning shares all data.
#[derive(Clone, Default)]
pub struct Index {
    kind: RowKind,
    dim: usize,
    run: u64,
    version: u64,
    /// The version after the last change that was more than new rows.
    reshaped: u64,
    segments: Vec<(u32, Arc<Segment>)>,
    next: u32,
    removed: Arc<Marks>,
    live: usize,
    /// How many pictures the live rows are of.
    pictures: usize,
}

/// The state an [`Index`] was in when something was made from it; what is made later tells by it whether it is current.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct IndexState {
    /// See [`Index::run`].
    pub run: u64,
    /// See [`Index::version`].
    pub version: u64,
}

/// One bit an id. Ids beyond the end are not marked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Marks(Vec<u64>);

impl Marks {
    pub(crate) fn is_set(&self, id: ImageId) -> bool {
        self.0.get(id.at() / 64).is_some_and(|word| word >> (id.at() % 64) & 1 == 1)
    }

    pub(crate) fn set(&mut self, id: ImageId, marked: bool) {
        let (at, bit) = (id.at() / 64, 1 << (id.at() % 64));
        if at >= self.0.len() {
            self.0.resize(at + 1, 0);
        }
        if marked {
            self.0[at] |= bit;
        } else {
            self.0[at] &= !bit;
        }
    }

    /// The ids that are marked here or there and not in both.
    fn differing<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = ImageId> + 'a {
        let word = |marks: &Self, at: usize| marks.0.get(at).copied().unwrap_or(0);
        let words = (0..self.0.len().max(other.0.len())).map(move |at| (at, word(self, at) ^ word(other, at)));
        words.filter(|(_, word)| *word != 0).flat_map(|(at, word)| {
            let set = (0..64).filter(move |bit| word >> bit & 1 == 1);
            set.map(move |bit| ImageId((64 * at + bit) as u32))
        })
    }
}

impl Index {
    /// An empty index of pictures, with embeddings of `dim` values.
    #[must_use]
    pub fn new(dim: usize) -> Self {
        Self::of(RowKind::Picture, dim)
    }

    /// An empty index of such rows, with embeddings of `dim` values.
    #[must_use]
    pub fn of(kind: RowKind, dim: usize) -> Self {
        static RUNS: AtomicU64 = AtomicU64::new(1);
        Self { kind, dim, run: RUNS.fetch_add(1, Ordering::Relaxed), ..Self::default() }
    }

    /// What its rows stand for.
    #[must_use]
    pub fn kind(&self) -> RowKind {
        self.kind
    }

    /// Tells indexes that began apart: ids of one run mean nothing in another. Clones are of the same run.
    #[must_use]
    pub fn run(&self) -> u64 {
        self.run
    }

    /// Raised by every change: rows added, removed or restored. Within a run, equal versions hold equal pictures.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// [`Index::run`] and [`Index::version`] in one.
    #[must_use]
    pub fn state(&self) -> IndexState {
        IndexState { run: self.run, version: self.version }
    }

    /// Whether nothing but new rows came since `then`: no picture of that time was removed, none that was removed then
    /// came back. What was made at that time is then right for its rows and can be extended.
    #[must_use]
    pub fn only_grew_since(&self, then: IndexState) -> bool {
        self.run == then.run && (self.reshaped..=self.version).contains(&then.version)
    }

    fn reshape(&mut self) {
        self.version += 1;
        self.reshaped = self.version;
    }

    /// Values in one embedding.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Rows of the index, removed ones not counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.live
    }

    /// How many rows there are, in words: "12 pictures", or "12 faces".
    #[must_use]
    pub fn counted(&self) -> String {
        self.kind.counted(self.live)
    }

    /// How many pictures the rows are of: as many as there are rows, unless those stand for faces.
    #[must_use]
    pub fn pictures(&self) -> usize {
        self.pictures
    }

    /// The ids of all rows of the picture that a row is of, removed or not: of a whole picture its own.
    pub fn of_one_picture(&self, id: ImageId) -> impl Iterator<Item = ImageId> + use<> {
        let run = self.place(id).map_or(0..0, |(first, segment, row)| {
            let run = segment.images.of_one_picture(row);
            first + run.start as u32..first + run.end as u32
        });
        run.map(ImageId)
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// One more than the largest id ever handed out: the length of a table that is indexed by [`ImageId::at`].
    #[must_use]
    pub fn id_bound(&self) -> usize {
        self.next as usize
    }

    /// Adds rows; they get the next ids. Returns `false` and changes nothing when the segment has another dimension.
    pub fn push(&mut self, segment: Arc<Segment>) -> bool {
        let len = segment.images.len();
        if segment.rows.dim != self.dim
            || segment.rows.len < len
            || segment.norms.len() != len
            || segment.scales.len() != len
        {
            return false;
        }
        let first = self.next;
        self.next += len as u32;
        self.live += len - segment.dead.len();
        let is_first = |row: usize| segment.images.face(row).is_none_or(|face| face.part == 0);
        self.pictures += (0..len).filter(|row| is_first(*row)).count();
        self.pictures -= segment.dead.iter().filter(|row| is_first(**row as usize)).count();
        if !segment.dead.is_empty() {
            let removed = Arc::make_mut(&mut self.removed);
            for row in &segment.dead {
                removed.set(ImageId(first + row), true);
            }
        }
        self.segments.push((first, segment));
        self.version += 1;
        true
    }

    /// Takes a picture out; its id is never given to another.
    pub fn remove(&mut self, id: ImageId) {
        if self.contains(id) {
            Arc::make_mut(&mut self.removed).set(id, true);
            self.live -= 1;
            self.pictures -= usize::from(self.entry_even_if_removed(id).is_some_and(|row| row.is_first_of_picture()));
            self.reshape();
        }
    }

    /// Brings a picture back that was removed, or dead from the start: its file is there again.
    pub fn restore(&mut self, id: ImageId) {
        if id.0 < self.next && self.removed.is_set(id) {
            Arc::make_mut(&mut self.removed).set(id, false);
            self.live += 1;
            self.pictures += usize::from(self.entry_even_if_removed(id).is_some_and(|row| row.is_first_of_picture()));
            self.reshape();
        }
    }

    /// The picture, unless it was removed.
    #[must_use]
    pub fn get(&self, id: ImageId) -> Option<Entry<'_>> {
        if self.contains(id) { self.entry_even_if_removed(id) } else { None }
    }

    /// All pictures in order of arrival.
    pub fn iter(&self) -> impl Iterator<Item = Entry<'_>> + '_ {
        self.segments
            .iter()
            .flat_map(|(first, segment)| (0..segment.images.len()).map(move |row| Entry::new(*first, segment, row)))
            .filter(|entry| !self.removed.is_set(entry.id))
    }

    /// The first row of the file with exactly this path.
    #[must_use]
    pub fn find(&self, path: &Path) -> Option<ImageId> {
        let bytes = path.as_os_str().as_bytes();
        // Bytes first: there may be a million of them.
        let is_it =
            |entry: &Entry<'_>| bytes.ends_with(entry.relative().as_os_str().as_bytes()) && entry.path() == path;
        self.iter().find(is_it).map(|entry| entry.id)
    }

    /// Whether pictures were found under different folders, whose names then tell one picture from another.
    #[must_use]
    pub fn has_several_roots(&self) -> bool {
        let mut roots = self.segments.iter().map(|(_, segment)| &segment.root);
        let first = roots.next();
        roots.any(|root| Some(root) != first)
    }

    /// The runs of rows that lie together in memory, each with the id of its first row; removed rows are among them.
    pub fn segments(&self) -> impl Iterator<Item = (ImageId, &Segment)> + '_ {
        self.segments.iter().map(|(first, segment)| (ImageId(*first), &**segment))
    }

    /// Whether the id stands for a picture that was not removed.
    #[must_use]
    pub fn contains(&self, id: ImageId) -> bool {
        id.0 < self.next && !self.removed.is_set(id)
    }

    /// The row of an id that was handed out, removed or not: the vector of a file that moved is still good.
    pub(crate) fn entry_even_if_removed(&self, id: ImageId) -> Option<Entry<'_>> {
        self.place(id).map(|(first, segment, row)| Entry::new(first, segment, row))
    }

    /// Where an id lies: its segment with the id of that segment's first row, and its place in it.
    fn place(&self, id: ImageId) -> Option<(u32, &Segment, usize)> {
        let at = self.segments.partition_point(|(first, _)| *first <= id.0).checked_sub(1)?;
        let (first, segment) = &self.segments[at];
        let row = id.at() - *first as usize;
        (row < segment.images.len()).then_some((*first, &**segment, row))
    }

    /// Rows that follow on one another, from an id on, as a segment of their own that shares their memory; nothing where
    /// there are not so many in one piece.
    #[cfg(feature = "libtorch")]
    pub(crate) fn piece(&self, first: ImageId, len: u32) -> Option<Segment> {
        let (_, segment, start) = self.place(first)?;
        let rows = start..start + len as usize;
        (rows.end <= segment.images.len()).then(|| segment.piece(rows))
    }

    /// Whether these two segments are the last ones, one behind the other.
    #[cfg(feature = "libtorch")]
    pub(crate) fn ends_with(&self, longer: &Arc<Segment>, shorter: &Arc<Segment>) -> bool {
        matches!(self.segments.as_slice(), [.., (_, a), (_, b)] if Arc::ptr_eq(a, longer) && Arc::ptr_eq(b, shorter))
    }

    /// Puts `whole` in the place of the last two segments, whose rows it holds, so that an index that grew in small
    /// steps does not stay in small pieces. Ids stay as they are. `false`, and no change, when the rows do not line up.
    #[cfg(any(test, feature = "libtorch"))]
    pub(crate) fn join_tail(&mut self, whole: Arc<Segment>) -> bool {
        let [.., (first, a), (_, b)] = self.segments.as_slice() else { return false };
        let (first, len) = (*first, a.images.len() + b.images.len());
        if whole.rows.dim != self.dim || whole.rows.len < len || whole.images.len() != len {
            return false;
        }
        self.segments.truncate(self.segments.len() - 2);
        self.segments.push((first, whole));
        true
    }
}

#[cfg(test)]
mod tests;
