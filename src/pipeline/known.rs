//! Finds rows by path without a second copy of any path: a hash table of ids, whose paths are those of the index.

use std::{collections::hash_map::RandomState, hash::BuildHasher, os::unix::ffi::OsStrExt, path::Path};

use hashbrown::HashTable;

use crate::index::{ImageId, Index};

/// The rows of one folder by their paths relative to it; the last one of each path.
#[derive(Default)]
pub(super) struct Known {
    ids: HashTable<ImageId>,
    hasher: RandomState,
}

impl Known {
    /// The row of a path.
    pub(super) fn find(&self, relative: &Path, index: &Index) -> Option<ImageId> {
        self.ids.find(self.hash(relative), |id| is_at(*id, relative, index)).copied()
    }

    /// Makes `id`, which must be in the index, the row of its path. Returns the row that was it before.
    pub(super) fn insert(&mut self, id: ImageId, index: &Index) -> Option<ImageId> {
        let relative = index.entry_even_if_removed(id)?.relative();
        let hash = self.hash(relative);
        if let Some(before) = self.ids.find_mut(hash, |id| is_at(*id, relative, index)) {
            return Some(std::mem::replace(before, id));
        }
        let hasher = &self.hasher;
        self.ids.insert_unique(hash, id, |id| hash_of(*id, hasher, index));
        None
    }

    /// Makes room for so many more.
    pub(super) fn reserve(&mut self, more: usize, index: &Index) {
        let hasher = &self.hasher;
        self.ids.reserve(more, |id| hash_of(*id, hasher, index));
    }

    fn hash(&self, relative: &Path) -> u64 {
        self.hasher.hash_one(relative.as_os_str().as_bytes())
    }
}

fn is_at(id: ImageId, relative: &Path, index: &Index) -> bool {
    index.entry_even_if_removed(id).is_some_and(|entry| entry.relative() == relative)
}

/// The hash of a row's path, as [`Known::hash`] makes it.
fn hash_of(id: ImageId, hasher: &RandomState, index: &Index) -> u64 {
    let relative = index.entry_even_if_removed(id).map_or(Path::new(""), |entry| entry.relative());
    hasher.hash_one(relative.as_os_str().as_bytes())
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, sync::Arc};

    use super::*;
    use crate::{
        index::{Image, Segment},
        scan::ImageFile,
    };

    #[test]
    fn the_last_row_of_each_path_is_found() {
        let names: Vec<_> = (0..3000_u32).map(|at| format!("/p/{}", at % 1300)).collect();
        let image = |name: &String| Image {
            file: ImageFile { path: name.into(), size: 0, modified: 0, changed: 0 },
            pixels: (1, 1),
            format: "PNG",
            face: None,
        };
        let mut index = Index::new(1);
        let embeddings = vec![vec![1.0]; names.len()];
        index.push(Arc::new(Segment::pack(Path::new("/p").into(), names.iter().map(image), &embeddings, 1)));
        let (mut known, mut expected) = (Known::default(), HashMap::new());
        assert_eq!(known.find(Path::new("0"), &index), None);
        for (id, name) in (0..).map(ImageId).zip(&names) {
            assert_eq!(known.insert(id, &index), expected.insert(&name[3..], id));
        }
        for at in 0..1400 {
            let name = at.to_string();
            assert_eq!(known.find(Path::new(&name), &index), expected.get(&*name).copied(), "{name}");
        }
    }
}
