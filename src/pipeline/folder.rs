//! One folder of a run: what its store knows, and what happens to its rows.
//!
//! A run takes each folder through these steps, in this order: `load_new_rows` (again and again while another process
//! writes the store), `index_paths`, `visit` for each file of the walk, `finish_walk`, `match_renames`,
//! `record_presence`; then `add`, `fail` and `commit` as files are embedded, and `write_columns`.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{known::Known, row_map::RowMap};
use crate::{
    index::{
        ImageId, Index, Marks, Segment,
        store::{Failure, KeptGraphs, Present, RowState, Store},
    },
    scan::{FoundFiles, ImageFile, Options, Skipped},
};

mod opening;
mod renames;
mod writing;

pub(super) use renames::Moved;
pub(super) use writing::NewPicture;

/// A folder, its store if it has one, and what is known of its files.
pub(super) struct Folder {
    root: Arc<Path>,
    store: Option<Store>,
    /// Another process is writing the store.
    other_writer: bool,
    known: Known,
    /// Rows that are in the index and not yet in `known`, with their checksums.
    not_indexed: Vec<(ImageId, Arc<Segment>, Vec<u32>)>,
    failures: HashMap<PathBuf, Failure>,
    row_map: RowMap,
    /// The writer loaded the whole store at once, and has not changed it since.
    as_loaded: bool,
    compared: Compared,
    /// The first rows of pictures whose files were met.
    seen: Marks,
    /// What comparing showed is on disk: nobody holds numbers of rows any more but `row_map`.
    settled: bool,
    waiting: Vec<NewPicture>,
    waiting_failures: Vec<Failure>,
    /// The segments this run added last, to be joined: first row in the store, and the segment.
    tail: Vec<(u32, Arc<Segment>)>,
}

/// What comparing the folder with its store showed.
#[derive(Default)]
pub(super) struct Compared {
    pub reused: usize,
    /// Files that are new or changed, sorted by path.
    pub unknown: Vec<ImageFile>,
    /// The first rows of pictures whose files are not there any more, in order of arrival.
    pub missing: Vec<ImageId>,
    /// Files that had been missing.
    pub returned: Vec<Present>,
    pub still_failing: Vec<Skipped>,
    /// Files that had failed and are not there any more.
    pub forgotten: Vec<PathBuf>,
}

impl Folder {
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: root.into(),
            store: None,
            other_writer: false,
            known: Known::default(),
            not_indexed: Vec::new(),
            failures: HashMap::new(),
            row_map: RowMap::default(),
            as_loaded: false,
            compared: Compared::default(),
            seen: Marks::default(),
            settled: false,
            waiting: Vec::new(),
            waiting_failures: Vec::new(),
            tail: Vec::new(),
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Whether another process was writing when the store was last opened.
    pub(super) fn has_other_writer(&self) -> bool {
        self.other_writer
    }

    pub(super) fn holds_images(&self) -> bool {
        self.row_map.iter().any(|(_, state)| state == RowState::Present)
    }

    /// Goes on without waiting for the process that writes the store: what it wrote is used, nothing is added to it.
    pub(super) fn stop_following(&mut self) {
        self.other_writer = false;
        let failures = self.store.as_ref().and_then(|store| store.failures().ok()).unwrap_or_default();
        self.failures = failures.into_iter().map(|failure| (failure.file.path.clone(), failure)).collect();
    }

    /// Where graphs of its rows are kept, if it has a store.
    pub(super) fn graphs(&self, index: &Index) -> Option<KeptGraphs> {
        Some(self.store.as_ref()?.graphs(index, self.row_map.numbered().collect()))
    }

    /// The store, if this process may write it.
    fn writer(&mut self) -> Option<&mut Store> {
        self.store.as_mut().filter(|store| store.is_writer())
    }

    /// From now on nothing is read from or written to the disk.
    pub(super) fn forget_store(&mut self) {
        self.store = None;
        self.other_writer = false;
    }

    /// Compares one file that the walk met with what is known, and brings back what had been missing.
    pub(super) fn visit(&mut self, file: ImageFile, index: &mut Index) {
        let relative = file.path.strip_prefix(&self.root).unwrap_or(&file.path);
        let known = self.known.find(relative, index).and_then(|id| index.entry_even_if_removed(id));
        let same = |facts| facts == (file.size, file.modified, file.changed);
        if let Some(entry) = known {
            let id = entry.id;
            self.seen.set(id, true);
            let was = self.row_map.state(id);
            if was != RowState::Vacant && same((entry.size(), entry.modified(), entry.changed())) {
                for id in index.of_one_picture(id) {
                    if was == RowState::Gone {
                        self.compared.returned.extend(self.present(id, &file));
                        self.row_map.set(id, RowState::Present);
                    }
                    index.restore(id);
                }
                self.compared.reused += 1;
                return;
            }
        }
        match self.failures.remove(&file.path) {
            Some(Failure { file: then, kind, reason }) if same((then.size, then.modified, then.changed)) => {
                self.compared.still_failing.push(Skipped { path: file.path, kind, reason });
            }
            _ => self.compared.unknown.push(file),
        }
    }

    /// What all files together showed, when the walk is over.
    pub(super) fn finish_walk(&mut self, found: &FoundFiles, index: &Index, options: &Options) -> Compared {
        let mut compared = std::mem::take(&mut self.compared);
        compared.unknown.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let vanished = |id: ImageId| {
            !self.seen.is_set(id)
                && index.entry_even_if_removed(id).is_some_and(|entry| {
                    entry.is_first_of_picture()
                        && options.admits(entry.relative())
                        && found.looked_at(entry.root, entry.relative())
                })
        };
        let present = self.row_map.iter().filter(|(_, state)| *state == RowState::Present).map(|(id, _)| id);
        compared.missing = present.filter(|id| vanished(*id)).collect();
        let failures = self.failures.keys().filter(|path| found.looked_at(&self.root, path));
        compared.forgotten = failures.cloned().collect();
        compared
    }

    fn relative<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }

    /// Takes the rows of a picture, of which `id` is one, out of the index for good.
    fn vacate(&mut self, id: ImageId, index: &mut Index) {
        for id in index.of_one_picture(id) {
            index.remove(id);
            self.row_map.set(id, RowState::Vacant);
        }
    }

    fn present(&self, id: ImageId, file: &ImageFile) -> Option<Present> {
        Some(Present { row: self.row_map.row_of(id)?, size: file.size, modified: file.modified, changed: file.changed })
    }
}
