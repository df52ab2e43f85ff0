//! One folder of a run: what its store knows, and what happens to its rows.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use half::f16;
use sha2::{Digest, Sha256};

use super::{known::Known, ledger::Ledger};
use crate::{
    cancel::CancelToken,
    decode,
    error::{Error, Result},
    index::{
        Image, ImageId, Index, Marks, Rows, Segment,
        store::{Change, ContentHash, Failure, Loaded, Opened, Present, RowState, Store},
    },
    scan::{Found, ImageFile, Options, Skipped},
};

/// A folder, its store if it has one, and what is known of its files.
pub(super) struct Folder {
    root: Arc<Path>,
    store: Option<Store>,
    /// Another process is writing the store.
    followed: bool,
    known: Known,
    /// Rows that are in the index and not yet in `known`.
    unlearned: Vec<(ImageId, Arc<Segment>)>,
    failures: HashMap<PathBuf, Failure>,
    ledger: Ledger,
    /// The writer loaded the whole store at once, and has not changed it since.
    as_loaded: bool,
    compared: Compared,
    /// Pictures whose files were met as they are on record.
    seen: Marks,
    waiting: Vec<NewRow>,
    waiting_failures: Vec<Failure>,
    /// The segments this run added last, to be joined: first row in the store, and the segment.
    tail: Vec<(u32, Arc<Segment>)>,
}

/// Rows that wait in memory while files are found under new names.
const COPY_ROWS: usize = 256;

/// Marks that are written in one transaction.
const MARKED_AT_ONCE: usize = 20_000;

/// An embedded file that is not committed yet.
pub(super) struct NewRow {
    pub file: ImageFile,
    pub pixels: (u32, u32),
    pub format: &'static str,
    pub hash: ContentHash,
    pub embedding: Vec<f32>,
}

/// What comparing the folder with its store showed.
#[derive(Default)]
pub(super) struct Compared {
    pub reused: usize,
    /// Files that are new or changed, sorted by path.
    pub unknown: Vec<ImageFile>,
    /// Pictures whose files are not there any more, in order of arrival.
    pub missing: Vec<ImageId>,
    /// Files that had been missing.
    pub returned: Vec<Present>,
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
            known: Known::default(),
            unlearned: Vec::new(),
            failures: HashMap::new(),
            ledger: Ledger::default(),
            as_loaded: false,
            compared: Compared::default(),
            seen: Marks::default(),
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
        self.ledger.iter().any(|(_, state)| state == RowState::Present)
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
            self.ledger.iter().for_each(|(id, _)| index.remove(id));
            self.ledger = Ledger::default();
            self.unlearned.clear();
            self.known = Known::default();
        }
        let first = self.ledger.end();
        self.as_loaded = first == 0 && !self.followed;
        if !self.followed {
            self.catch_up(&store.states(first)?, index, options);
            self.failures = store.failures()?.into_iter().map(|f| (f.file.path.clone(), f)).collect();
        }
        let loaded = store.load(first)?;
        self.store = Some(store);
        self.admit(loaded, index, options);
        Ok(())
    }

    /// Takes over what became of rows that this process saw arrive while another one wrote.
    fn catch_up(&mut self, states: &[RowState], index: &mut Index, options: &Options) {
        let changed =
            |&(id, was): &(ImageId, RowState)| self.ledger.row_of(id).is_some_and(|row| states[row as usize] != was);
        let changed: Vec<_> = self.ledger.iter().filter(changed).map(|(id, _)| id).collect();
        for id in changed {
            let Some(now) = self.ledger.row_of(id).map(|row| states[row as usize]) else { continue };
            let admitted = || index.entry_even_if_removed(id).is_some_and(|entry| options.admits(entry.relative()));
            match now {
                RowState::Present if admitted() => index.restore(id),
                RowState::Present => {}
                RowState::Gone | RowState::Vacant => index.remove(id),
            }
            self.ledger.set(id, now);
        }
    }

    fn admit(&mut self, loaded: Loaded, index: &mut Index, options: &Options) {
        let Loaded { segment, states, first } = loaded;
        if segment.images.is_empty() {
            return;
        }
        let segment = Arc::new(segment);
        let id = ImageId(index.table_len() as u32);
        if !index.push(Arc::clone(&segment)) {
            return;
        }
        for (at, state) in states.iter().enumerate() {
            if *state == RowState::Present && !options.admits(segment.images.relative(at)) {
                index.remove(ImageId(id.0 + at as u32));
            }
        }
        self.ledger.push(first, id, states);
        self.unlearned.push((id, segment));
    }

    /// Makes rows findable by path. Apart from [`Self::attach`], so that it does not hold up the first snapshot.
    pub(super) fn learn(&mut self, index: &mut Index) {
        for (first, segment) in std::mem::take(&mut self.unlearned) {
            self.known.reserve(segment.images.len());
            for id in (first.0..).map(ImageId).take(segment.images.len()) {
                if self.ledger.state(id) != RowState::Vacant
                    && let Some(before) = self.known.insert(id, index)
                {
                    index.remove(before);
                    self.ledger.set(before, RowState::Vacant);
                }
            }
            if let (true, Some(states), Some(store)) = (self.as_loaded, self.ledger.whole(), &mut self.store)
                && store.needs_photograph().unwrap_or(false)
            {
                // Without one the next start takes longer, which is not worth a word.
                let _ = store.photograph(&segment, states);
            }
        }
    }

    /// Photographs the records when many have changed, so that the next run starts at once.
    pub(super) fn photograph(&mut self) {
        let Some(store) = self.store.as_mut().filter(|store| store.needs_photograph().unwrap_or(false)) else { return };
        // See `learn`.
        let _ = store.load(0).and_then(|Loaded { segment, states, .. }| store.photograph(&segment, &states));
    }

    /// Compares one file that the walk met with what is known, and brings back what had been missing.
    pub(super) fn meet(&mut self, file: ImageFile, index: &mut Index) {
        let relative = file.path.strip_prefix(&self.root).unwrap_or(&file.path);
        let known = self.known.find(relative, index).and_then(|id| index.entry_even_if_removed(id));
        let same = |size, modified| size == file.size && modified == file.modified;
        if let Some(entry) = known {
            let id = entry.id;
            self.seen.set(id, true);
            let was = self.ledger.state(id);
            if was != RowState::Vacant && same(entry.size(), entry.modified()) {
                if was == RowState::Gone {
                    self.compared.returned.extend(self.present(id, &file));
                    self.ledger.set(id, RowState::Present);
                }
                index.restore(id);
                self.compared.reused += 1;
                return;
            }
        }
        match self.failures.remove(&file.path) {
            Some(Failure { file: then, reason }) if same(then.size, then.modified) => {
                self.compared.still_failing.push(Skipped { path: file.path, reason });
            }
            _ => self.compared.unknown.push(file),
        }
    }

    /// What all files together showed, when the walk is over.
    pub(super) fn compared(&mut self, found: &Found, index: &Index, options: &Options) -> Compared {
        let mut compared = std::mem::take(&mut self.compared);
        compared.unknown.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let vanished = |id: ImageId| {
            !self.seen.is_set(id)
                && index.entry_even_if_removed(id).is_some_and(|entry| {
                    options.admits(entry.relative()) && found.looked_at(entry.root, entry.relative())
                })
        };
        let present = self.ledger.iter().filter(|(_, state)| *state == RowState::Present).map(|(id, _)| id);
        compared.missing = present.filter(|id| vanished(*id)).collect();
        let failures = self.failures.keys().filter(|path| found.looked_at(&self.root, path));
        compared.forgotten = failures.cloned().collect();
        compared
    }

    /// Finds files that are known under another path, or whose time alone changed, by their content.
    ///
    /// Only files as large as a known one are read for that.
    pub(super) fn find_moved(
        &mut self,
        unknown: Vec<ImageFile>,
        missing: &[ImageId],
        index: &mut Index,
        cancel: &CancelToken,
    ) -> Result<Moved> {
        let mut moved = Moved::default();
        let mut touched = Vec::new();
        let mut sources = HashSet::new();
        for file in unknown {
            if cancel.is_cancelled() {
                return Err(Error::Interrupted);
            }
            let same = self.same_content(&file, index).unwrap_or_else(|error| {
                moved.note = Some(self.give_up(&error));
                None
            });
            let Some((id, hash)) = same else {
                moved.unknown.push(file);
                continue;
            };
            let Some(entry) = index.entry_even_if_removed(id) else {
                moved.unknown.push(file);
                continue;
            };
            if entry.path() == file.path {
                index.restore(id);
                touched.extend(self.present(id, &file));
                self.ledger.set(id, RowState::Present);
                moved.touched += 1;
                continue;
            }
            let (pixels, format, embedding) = (entry.pixels(), entry.format(), entry.embedding());
            let was_gone = self.ledger.state(id) == RowState::Gone;
            if (was_gone || missing.binary_search(&id).is_ok()) && sources.insert(id) {
                moved.renamed += usize::from(!was_gone);
                moved.copied += usize::from(was_gone);
            } else {
                moved.copied += 1;
            }
            self.add(NewRow { file, pixels, format, hash, embedding });
            if self.waiting.len() >= COPY_ROWS {
                moved.note = self.commit(index).or(moved.note);
            }
        }
        moved.note = self.commit(index).or(moved.note);
        let mut renamed: Vec<_> = sources.iter().filter_map(|id| self.ledger.row_of(*id)).collect();
        renamed.sort_unstable();
        for id in sources {
            index.remove(id);
            self.ledger.set(id, RowState::Vacant);
        }
        let note = self.write(&Change { present: &touched, deleted: &renamed, ..Change::default() });
        moved.note = moved.note.or(note);
        Ok(moved)
    }

    /// The row whose file had the same content, if there is one; rows of the same path first.
    fn same_content(&self, file: &ImageFile, index: &Index) -> Result<Option<(ImageId, ContentHash)>> {
        let Some(store) = &self.store else { return Ok(None) };
        let candidates = store.rows_of_size(file.size)?;
        if candidates.is_empty() {
            return Ok(None);
        }
        // A file that cannot be read now is reported when it is its turn to be decoded.
        let Ok(bytes) = decode::read(&file.path) else { return Ok(None) };
        let hash: ContentHash = Sha256::digest(&*bytes).into();
        let own = self.known.find(self.relative(&file.path), index);
        let mut same =
            candidates.iter().filter(|(_, known)| *known == hash).filter_map(|(row, _)| self.ledger.id_of(*row));
        let mut first = None;
        let found = same.find(|id| {
            first = first.or(Some(*id));
            Some(*id) == own
        });
        Ok(found.or(first).map(|id| (id, hash)))
    }

    fn relative<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }

    fn present(&self, id: ImageId, file: &ImageFile) -> Option<Present> {
        Some(Present { row: self.ledger.row_of(id)?, size: file.size, modified: file.modified })
    }

    /// Takes missing files out of the index and notes on disk which files went and which came back.
    pub(super) fn mark(&mut self, compared: &Compared, index: &mut Index, cancel: &CancelToken) -> Option<String> {
        let mut gone = Vec::new();
        for id in &compared.missing {
            // One that was renamed meanwhile has no row any more.
            if self.ledger.state(*id) == RowState::Present {
                self.ledger.set(*id, RowState::Gone);
                index.remove(*id);
                gone.extend(self.ledger.row_of(*id));
            }
        }
        let note = self.write(&Change { forgotten: &compared.forgotten, ..Change::default() });
        let gone = gone.chunks(MARKED_AT_ONCE).map(|gone| Change { gone, ..Change::default() });
        let returned = compared.returned.chunks(MARKED_AT_ONCE);
        let returned = returned.map(|present| Change { present, ..Change::default() });
        // What is not marked because the user leaves is found to be so by the next run.
        let changes = gone.chain(returned).take_while(|_| !cancel.is_cancelled());
        changes.fold(note, |note, change| note.or_else(|| self.write(&change)))
    }

    pub(super) fn add(&mut self, row: NewRow) {
        self.waiting.push(row);
    }

    /// Takes note of a file that could not be embedded; on disk too, when trying again would be no use.
    pub(super) fn fail(&mut self, failure: Failure, lasting: bool, index: &mut Index) {
        if let Some(id) = self.known.find(self.relative(&failure.file.path), index) {
            index.remove(id);
            self.ledger.set(id, RowState::Vacant);
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
                self.ledger.push(first_row, first_id, vec![RowState::Present; segment.images.len()]);
            }
            for id in (first_id.0..).map(ImageId).take(segment.images.len()) {
                if let Some(before) = self.known.insert(id, index) {
                    index.remove(before);
                    self.ledger.set(before, RowState::Vacant);
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
        let mut images = a.images.clone();
        images.append(&b.images);
        let mapped = self.store.as_ref().and_then(|store| store.rows(first_row, len as u32).ok());
        let rows = mapped.unwrap_or_else(|| {
            let values: Vec<f16> = [a, b].iter().flat_map(|segment| segment.rows.values()).copied().collect();
            Rows::owned(values, dim)
        });
        Segment {
            root: Arc::clone(&self.root),
            images,
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
            && change.forgotten.is_empty()
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
