//! Files that were found and are not indexed yet: until they are, each stands in the grid where its picture will.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::List;
use crate::{
    app::{RunState, shared::Shared},
    index::{ImageId, Index, IndexState, Skipped},
    order::{self, OrderKind},
};

/// The files that wait, among the pictures of the grid.
#[derive(Default)]
pub struct Waiting {
    /// The files, in the order in which they stand.
    files: Vec<Arc<Path>>,
    /// Their places in the grid, each higher than the last; none while a filter hides them.
    places: Vec<usize>,
    /// Of the index: ids below this are not waited for any more.
    seen: usize,
    /// What all of it was made of.
    made_of: Option<MadeOf>,
}

/// What decides which files wait, and where.
struct MadeOf {
    found: Arc<[Arc<Path>]>,
    skipped: Arc<[Skipped]>,
    index: IndexState,
    list: u64,
}

impl PartialEq for MadeOf {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.found, &other.found)
            && Arc::ptr_eq(&self.skipped, &other.skipped)
            && (self.index, self.list) == (other.index, other.list)
    }
}

impl Waiting {
    /// How many files wait in the grid.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether none does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The file at a place of the grid, or else which of the list's pictures stands there.
    pub fn at(&self, place: usize) -> Result<&Arc<Path>, usize> {
        let before = self.places.partition_point(|waiting| *waiting < place);
        if self.places.get(before) == Some(&place) { Ok(&self.files[before]) } else { Err(place - before) }
    }

    /// The place in the grid of one of the list's pictures.
    #[must_use]
    pub fn place(&self, listed: usize) -> usize {
        // So many pictures stand before the waiting file `at`.
        let pictures_before = |at: usize| self.places[at] - at;
        let (mut low, mut high) = (0, self.places.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if pictures_before(middle) <= listed { low = middle + 1 } else { high = middle }
        }
        listed + low
    }

    /// Brings the files in line with what is indexed by now, and with the list that they stand in.
    pub(super) fn follow(&mut self, shared: &Shared, list: &List) {
        if shared.run != RunState::Running || shared.found.is_empty() {
            *self = Self::default();
            return;
        }
        let made_of = MadeOf {
            found: Arc::clone(&shared.found),
            skipped: Arc::clone(&shared.skipped),
            index: shared.index.state(),
            list: list.changes(),
        };
        if self.made_of.as_ref() == Some(&made_of) {
            return;
        }
        let before = self.made_of.replace(made_of);
        if before
            .is_none_or(|before| !Arc::ptr_eq(&before.found, &shared.found) || before.index.run != shared.index.run())
        {
            (self.files, self.seen) = (shared.found.to_vec(), 0);
        }
        // Of many files these are the first, and soon none of them waits.
        if !self.files.is_empty() {
            self.drop_done(&shared.index, &shared.skipped);
            self.find_places(&shared.index, &shared.folders, list);
        }
    }

    /// Leaves out what is indexed or skipped by now.
    fn drop_done(&mut self, index: &Index, skipped: &[Skipped]) {
        let names: HashSet<_> = self.files.iter().filter_map(|file| file.file_name()).collect();
        let fresh = (self.seen..index.id_bound()).filter_map(|at| index.get(ImageId(at as u32)));
        // There may be a million of them: only a name that is waited for is worth a path.
        let fresh = fresh.filter(|entry| entry.relative().file_name().is_some_and(|name| names.contains(name)));
        let done: HashSet<_> = fresh.map(|entry| entry.path()).collect();
        // They are sorted by path.
        let is_skipped = |file: &Path| skipped.binary_search_by(|skipped| skipped.path.as_path().cmp(file)).is_ok();
        self.seen = index.id_bound();
        self.files.retain(|file| !done.contains(&**file) && !is_skipped(file));
    }

    /// Finds where the files belong: by folder each has its place, in any other order they come last. No filter tells what
    /// it thinks of them.
    fn find_places(&mut self, index: &Index, folders: &[PathBuf], list: &List) {
        self.places.clear();
        if !list.filter.is_empty() {
            return;
        }
        // A list that is not in order yet tells nothing of places.
        let by_folder = list.order.kind() == OrderKind::Folder && !list.order.is_reversed() && list.is_in_order();
        let several = index.has_several_roots() || folders.len() > 1;
        let key = |path: &Path, root: &Path| order::folder_key(root, path.strip_prefix(root).unwrap_or(path), several);
        let root = |path: &Path| folders.iter().find(|root| path.starts_with(root)).map_or(Path::new(""), |root| root);
        self.files.sort_by_cached_key(|file| key(file, root(file)));
        let comes_before = |id: &ImageId, wanted: &[u8]| {
            index.get(*id).is_some_and(|entry| order::folder_key(entry.root, entry.relative(), several)[..] < *wanted)
        };
        let pictures_before = |file: &Arc<Path>| match by_folder {
            true => {
                let wanted = key(file, root(file));
                list.ids.partition_point(|id| comes_before(id, &wanted))
            }
            false => list.ids.len(),
        };
        self.places = self.files.iter().enumerate().map(|(at, file)| at + pictures_before(file)).collect();
    }
}
