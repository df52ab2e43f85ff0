//! Finds rows by path without a second copy of any path: an open hash table of ids, whose paths are those of the index.

use std::{collections::hash_map::RandomState, hash::BuildHasher, os::unix::ffi::OsStrExt, path::Path};

use crate::index::{ImageId, Index};

/// The rows of one folder by their paths relative to it; the last one of each path.
#[derive(Default)]
pub(super) struct Known {
    /// Half of a path's hash with the id of its row, or [`FREE`]. The length is a power of two, and half of it is free.
    slots: Vec<(u32, ImageId)>,
    len: usize,
    hasher: RandomState,
}

/// No row: an index has no room for so many.
const FREE: (u32, ImageId) = (0, ImageId(u32::MAX));

impl Known {
    /// The row of a path.
    pub(super) fn find(&self, relative: &Path, index: &Index) -> Option<ImageId> {
        if self.slots.is_empty() {
            return None;
        }
        let tag = self.tag(relative);
        Some(self.slots[self.place(tag, relative, index)]).filter(|slot| *slot != FREE).map(|(_, id)| id)
    }

    /// Makes `id`, which must be in the index, the row of its path. Returns the row that was it before.
    pub(super) fn insert(&mut self, id: ImageId, index: &Index) -> Option<ImageId> {
        let entry = index.entry_even_if_removed(id)?;
        self.reserve(1);
        let tag = self.tag(entry.relative());
        let at = self.place(tag, entry.relative(), index);
        let before = Some(std::mem::replace(&mut self.slots[at], (tag, id))).filter(|slot| *slot != FREE);
        self.len += usize::from(before.is_none());
        before.map(|(_, id)| id)
    }

    /// Makes room for so many more.
    pub(super) fn reserve(&mut self, more: usize) {
        let wanted = (2 * (self.len + more)).next_power_of_two();
        if wanted > self.slots.len() {
            let old = std::mem::replace(&mut self.slots, vec![FREE; wanted]);
            for (tag, id) in old.into_iter().filter(|slot| *slot != FREE) {
                let mut at = self.start(tag);
                while self.slots[at] != FREE {
                    at = self.after(at);
                }
                self.slots[at] = (tag, id);
            }
        }
    }

    /// The slot that holds a path, or the free one where it belongs.
    fn place(&self, tag: u32, relative: &Path, index: &Index) -> usize {
        let is_it = |id| index.entry_even_if_removed(id).is_some_and(|entry| entry.relative() == relative);
        let mut at = self.start(tag);
        loop {
            let (other, id) = self.slots[at];
            if self.slots[at] == FREE || (other == tag && is_it(id)) {
                return at;
            }
            at = self.after(at);
        }
    }

    fn start(&self, tag: u32) -> usize {
        tag as usize & (self.slots.len() - 1)
    }

    fn after(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }

    fn tag(&self, relative: &Path) -> u32 {
        self.hasher.hash_one(relative.as_os_str().as_bytes()) as u32
    }
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
            file: ImageFile { path: name.into(), size: 0, modified: 0 },
            pixels: (1, 1),
            format: "PNG",
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
