//! One folder of a run: what its store knows, and what happens to its rows.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use half::f16;
use sha2::{Digest, Sha256};

use crate::{
    cancel::CancelToken,
    decode,
    error::{Error, Result},
    index::{
        Image, ImageId, Index, Rows, Segment,
        store::{Change, ContentHash, Failure, Loaded, Opened, RowState, Store},
    },
    scan::{Found, ImageFile, Options, Skipped},
};

/// A folder, its store if it has one, and what is known of its files.
pub(super) struct Folder {
    root: Arc<Path>,
    store: Option<Store>,
    /// Another process is writing the store.
    followed: bool,
    known: HashMap<PathBuf, Known>,
    /// Rows that are in the index and not yet in `known`.
    unlearned: Vec<(ImageId, Arc<Segment>, Vec<RowState>)>,
    failures: HashMap<PathBuf, Failure>,
    /// Which rows of the store have which ids: first row, its id, and how many follow on.
    spans: Vec<(u32, ImageId, u32)>,
    waiting: Vec<NewRow>,
    waiting_failures: Vec<Failure>,
    /// The segments this run added last, to be joined: first row in the store, and the segment.
    tail: Vec<(u32, Arc<Segment>)>,
}

/// Rows that wait in memory while files are found under new names.
const COPY_ROWS: usize = 256;

/// A file with a row.
#[derive(Clone, Copy)]
struct Known {
    id: ImageId,
    size: u64,
    modified: i64,
    gone: bool,
}

/// An embedded file that is not committed yet.
pub(super) struct NewRow {
    pub file: ImageFile,
    pub pixels: (u32, u32),
    pub format: &'static str,
    pub hash: ContentHash,
    pub embedding: Vec<f32>,
}

/// What comparing the folder with its store showed.
pub(super) struct Compared {
    pub reused: usize,
    /// Files that are new or changed.
    pub unknown: Vec<ImageFile>,
    /// Paths with rows whose files are not there any more.
    pub missing: Vec<PathBuf>,
    /// Files that had been missing.
    pub returned: Vec<ImageFile>,
    pub still_failing: Vec<Skipped>,
    /// Files that had failed and are not there any more.
    pub forgotten: Vec<PathBuf>,
}

/// What became of the files that seemed new.
#[derive(Default)]
pub(super) struct Moved {
    /// Those that are new indeed.
    pub unknown: Vec<ImageFile>,
    pub renamed: usize,
    pub copied: usize,
    /// Only the time of modification had changed.
    pub touched: usize,
    pub note: Option<String>,
}

impl Folder {
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: root.into(),
            store: None,
            followed: false,
            known: HashMap::new(),
            unlearned: Vec::new(),
            failures: HashMap::new(),
            spans: Vec::new(),
            waiting: Vec::new(),
            waiting_failures: Vec::new(),
            tail: Vec::new(),
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Whether another process was writing when the store was last attached.
    pub(super) fn is_followed(&self) -> bool {
        self.followed
    }

    pub(super) fn holds_images(&self) -> bool {
        self.known.values().any(|known| !known.gone)
    }

    /// From now on nothing is read from or written to the disk.
    pub(super) fn forget_store(&mut self) {
        self.store = None;
        self.followed = false;
    }

    /// Takes the store as it is now and puts the rows that are new since the last time into the index.
    pub(super) fn attach(&mut self, opened: Opened, index: &mut Index, options: &Options) -> Result<()> {
        self.followed = matches!(opened, Opened::Theirs(_));
        let (Opened::Ours(mut store) | Opened::Theirs(Some(mut store))) = opened else { return Ok(()) };
        let compacted = self.store.as_ref().is_some_and(|before| before.generation() != store.generation());
        if compacted {
            // All rows have other numbers now, which happens when another process takes over the store in between.
            self.learn(index);
            for known in self.known.drain().map(|(_, known)| known) {
                index.remove(known.id);
            }
            self.spans.clear();
        }
        let first = self.spans.last().map_or(0, |(row, _, len)| row + len);
        let loaded = store.load(first)?;
        if !self.followed {
            self.failures = store.failures()?.into_iter().map(|f| (f.file.path.clone(), f)).collect();
        }
        self.store = Some(store);
        self.admit(loaded, index, options);
        Ok(())
    }

    fn admit(&mut self, loaded: Loaded, index: &mut Index, options: &Options) {
        let Loaded { segment, states, first } = loaded;
        if segment.images.is_empty() {
            return;
        }
        let segment = Arc::new(segment);
        let first_id = ImageId(index.table_len() as u32);
        if !index.push(Arc::clone(&segment)) {
            return;
        }
        self.spans.push((first, first_id, segment.images.len() as u32));
        for (id, (image, state)) in (first_id.0..).map(ImageId).zip(segment.images.iter().zip(&states)) {
            let path = &image.file.path;
            let present = *state == RowState::Present;
            if present && !options.admits(path.strip_prefix(&self.root).unwrap_or(path)) {
                index.remove(id);
            }
        }
        self.unlearned.push((first_id, segment, states));
    }

    /// Makes rows findable by path. Apart from [`Self::attach`], so that it does not hold up the first snapshot.
    pub(super) fn learn(&mut self, index: &mut Index) {
        for (first, segment, states) in std::mem::take(&mut self.unlearned) {
            self.known.reserve(segment.images.len());
            for (id, (image, state)) in (first.0..).map(ImageId).zip(segment.images.iter().zip(states)) {
                if state != RowState::Vacant {
                    let ImageFile { path, size, modified } = &image.file;
                    let known = Known { id, size: *size, modified: *modified, gone: state == RowState::Gone };
                    if let Some(before) = self.known.insert(path.clone(), known) {
                        index.remove(before.id);
                    }
                }
            }
        }
    }

    /// Compares what a walk found with what is known, and brings back what had been missing.
    pub(super) fn compare(&mut self, found: &Found, index: &mut Index, options: &Options) -> Compared {
        let mut compared = Compared {
            reused: 0,
            unknown: Vec::new(),
            missing: Vec::new(),
            returned: Vec::new(),
            still_failing: Vec::new(),
            forgotten: Vec::new(),
        };
        let mut seen: HashSet<&Path> = HashSet::with_capacity(found.files.len());
        for file in &found.files {
            seen.insert(&file.path);
            let same = |size, modified| size == file.size && modified == file.modified;
            if let Some(known) = self.known.get_mut(&file.path).filter(|known| same(known.size, known.modified)) {
                if known.gone {
                    known.gone = false;
                    compared.returned.push(file.clone());
                }
                index.restore(known.id);
                compared.reused += 1;
            } else if let Some(failure) =
                self.failures.get(&file.path).filter(|failure| same(failure.file.size, failure.file.modified))
            {
                compared.still_failing.push(Skipped { path: file.path.clone(), reason: failure.reason.clone() });
            } else {
                compared.unknown.push(file.clone());
            }
        }
        for (path, known) in &self.known {
            let relative = path.strip_prefix(&self.root).unwrap_or(path);
            if !known.gone && !seen.contains(path.as_path()) && options.admits(relative) && found.looked_at(path) {
                compared.missing.push(path.clone());
            }
        }
        compared.missing.sort_unstable();
        let vanished = |path: &&PathBuf| !seen.contains(path.as_path()) && found.looked_at(path);
        compared.forgotten = self.failures.keys().filter(vanished).cloned().collect();
        compared
    }

    /// Finds files that are known under another path, or whose time alone changed, by their content.
    ///
    /// Only files as large as a known one are read for that.
    pub(super) fn find_moved(
        &mut self,
        unknown: Vec<ImageFile>,
        missing: &[PathBuf],
        index: &mut Index,
        cancel: &CancelToken,
    ) -> Result<Moved> {
        let mut moved = Moved::default();
        let mut touched = Vec::new();
        let mut renamed = Vec::new();
        let mut sources = HashSet::new();
        for file in unknown {
            if cancel.is_cancelled() {
                return Err(Error::Interrupted);
            }
            let Some((id, hash)) = self.same_content(&file)? else {
                moved.unknown.push(file);
                continue;
            };
            let Some(entry) = index.entry_even_if_removed(id) else {
                moved.unknown.push(file);
                continue;
            };
            if entry.image.file.path == file.path {
                index.restore(id);
                let now = Known { id, size: file.size, modified: file.modified, gone: false };
                self.known.insert(file.path.clone(), now);
                touched.push(file);
                moved.touched += 1;
                continue;
            }
            let source = entry.image.file.path.clone();
            let (pixels, format, embedding) = (entry.image.pixels, entry.image.format, entry.embedding());
            let was_gone = self.known.get(&source).is_some_and(|known| known.gone);
            if was_gone || (missing.binary_search(&source).is_ok() && !sources.contains(&source)) {
                sources.insert(source.clone());
                renamed.push(source);
            } else {
                moved.copied += 1;
            }
            self.add(NewRow { file, pixels, format, hash, embedding });
            if self.waiting.len() >= COPY_ROWS {
                moved.note = self.commit(index).or(moved.note);
            }
        }
        moved.renamed = renamed.iter().filter(|path| missing.binary_search(path).is_ok()).count();
        moved.copied += renamed.len() - moved.renamed;
        moved.note = self.commit(index).or(moved.note);
        for path in &renamed {
            if let Some(known) = self.known.remove(path) {
                index.remove(known.id);
            }
        }
        let note = self.write(&Change { present: &touched, deleted: &renamed, ..Change::default() });
        moved.note = moved.note.or(note);
        Ok(moved)
    }

    /// The row whose file had the same content, if there is one; rows of the same path first.
    fn same_content(&self, file: &ImageFile) -> Result<Option<(ImageId, ContentHash)>> {
        let Some(store) = &self.store else { return Ok(None) };
        let candidates = store.rows_of_size(file.size)?;
        if candidates.is_empty() {
            return Ok(None);
        }
        // A file that cannot be read now is reported when it is its turn to be decoded.
        let Ok(bytes) = decode::read(&file.path) else { return Ok(None) };
        let hash: ContentHash = Sha256::digest(&bytes).into();
        let own = self.known.get(&file.path).map(|known| known.id);
        let mut same = candidates.iter().filter(|(_, known)| *known == hash).filter_map(|(row, _)| self.id_of(*row));
        let mut first = None;
        let found = same.find(|id| {
            first = first.or(Some(*id));
            Some(*id) == own
        });
        Ok(found.or(first).map(|id| (id, hash)))
    }

    fn id_of(&self, row: u32) -> Option<ImageId> {
        let at = self.spans.partition_point(|(first, _, _)| *first <= row).checked_sub(1)?;
        let (first, id, len) = self.spans[at];
        (row - first < len).then(|| ImageId(id.0 + row - first))
    }

    /// Takes missing files out of the index and notes on disk which files went and which came back.
    pub(super) fn mark(&mut self, compared: &Compared, index: &mut Index) -> Option<String> {
        let mut gone = Vec::new();
        for path in &compared.missing {
            if let Some(known) = self.known.get_mut(path) {
                known.gone = true;
                index.remove(known.id);
                gone.push(path.clone());
            }
        }
        let Compared { returned, forgotten, .. } = compared;
        self.write(&Change { gone: &gone, present: returned, deleted: forgotten, ..Change::default() })
    }

    pub(super) fn add(&mut self, row: NewRow) {
        self.waiting.push(row);
    }

    /// Takes note of a file that could not be embedded; on disk too, when trying again would be no use.
    pub(super) fn fail(&mut self, failure: Failure, lasting: bool, index: &mut Index) {
        if let Some(known) = self.known.remove(&failure.file.path) {
            index.remove(known.id);
        }
        if lasting {
            self.waiting_failures.push(failure);
        }
    }

    /// Files that wait for their transaction.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len() + self.waiting_failures.len()
    }

    /// Commits what waits, then puts it into the index. A sentence when it can only be kept in memory.
    pub(super) fn commit(&mut self, index: &mut Index) -> Option<String> {
        if self.waiting() == 0 {
            return None;
        }
        let rows = std::mem::take(&mut self.waiting);
        let failures = std::mem::take(&mut self.waiting_failures);
        let (mut images, mut hashes, mut embeddings) = (Vec::new(), Vec::new(), Vec::new());
        for NewRow { file, pixels, format, hash, embedding } in rows {
            images.push(Image { file, pixels, format });
            hashes.push(hash);
            embeddings.push(embedding);
        }
        let segment = Arc::new(Segment::pack(Arc::clone(&self.root), images, &embeddings, index.dim()));
        let change = Change { rows: Some((&segment, &hashes)), failed: &failures, ..Change::default() };
        let (first_row, note) = match self.store.as_mut().map(|store| store.commit(&change)) {
            Some(Ok(row)) => (row, None),
            Some(Err(error)) => (0, Some(self.give_up(&error))),
            None => (0, None),
        };
        let first_id = ImageId(index.table_len() as u32);
        if !segment.images.is_empty() && index.push(Arc::clone(&segment)) {
            if self.store.is_some() {
                self.spans.push((first_row, first_id, segment.images.len() as u32));
            }
            for (at, image) in segment.images.iter().enumerate() {
                let ImageFile { path, size, modified } = &image.file;
                let id = ImageId(first_id.0 + at as u32);
                let known = Known { id, size: *size, modified: *modified, gone: false };
                if let Some(before) = self.known.insert(path.clone(), known) {
                    index.remove(before.id);
                }
            }
            self.join_tail(first_row, segment, index);
        }
        note
    }

    /// Joins the segments of this run so that there are few, each about twice as long as the next.
    fn join_tail(&mut self, first_row: u32, segment: Arc<Segment>, index: &mut Index) {
        self.tail.push((first_row, segment));
        while let [.., (row, longer), (_, shorter)] = self.tail.as_slice()
            && longer.images.len() <= 2 * shorter.images.len()
        {
            let neighbors = index.ends_with(longer, shorter);
            let (row, whole) = (*row, Arc::new(self.joined(*row, longer, shorter, index.dim())));
            if !neighbors || !index.join_tail(Arc::clone(&whole)) {
                // Another folder's rows came in between; from here on there is a new tail.
                let last = self.tail.pop();
                self.tail.clear();
                self.tail.extend(last);
                return;
            }
            self.tail.truncate(self.tail.len() - 2);
            self.tail.push((row, whole));
        }
    }

    /// Two segments in one, over the rows on disk where there are some, so that memory does not fill with copies.
    fn joined(&self, first_row: u32, a: &Segment, b: &Segment, dim: usize) -> Segment {
        let len = a.images.len() + b.images.len();
        let mapped = self.store.as_ref().and_then(|store| store.rows(first_row, len as u32).ok());
        let rows = mapped.unwrap_or_else(|| {
            let values: Vec<f16> = [a, b].iter().flat_map(|segment| segment.rows.values()).copied().collect();
            Rows::owned(values, dim)
        });
        Segment {
            root: Arc::clone(&self.root),
            images: [a.images.as_slice(), &b.images].concat(),
            norms: [a.norms.as_slice(), &b.norms].concat(),
            scales: [a.scales.as_slice(), &b.scales].concat(),
            rows,
            dead: Vec::new(),
        }
    }

    fn write(&mut self, change: &Change<'_>) -> Option<String> {
        let nothing = change.gone.is_empty()
            && change.present.is_empty()
            && change.deleted.is_empty()
            && change.failed.is_empty();
        if nothing {
            return None;
        }
        let failed = self.store.as_mut()?.commit(change).err()?;
        Some(self.give_up(&failed))
    }

    /// Goes on without the store. A full disk must not cost the user the view of the images.
    fn give_up(&mut self, error: &Error) -> String {
        self.store = None;
        format!("from here on nothing is kept on disk: {error}")
    }
}
