//! Labels: at most one a picture, as small numbers that can be colored, counted and ordered by.

use std::{collections::HashMap, ffi::OsStr, os::unix::ffi::OsStrExt, path::Path, sync::Arc};

use super::{Entry, ImageId, Index, IndexState, Marks};
use crate::printable::printable;

/// One label a picture, by [`ImageId`]: its sub-folder, its cluster, whatever it was assigned. A folder is told from others
/// by the root of its pictures and its bytes, so that names that are not Unicode stay distinct and sub-folders of one name
/// under two roots are two labels.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    /// By [`ImageId::at`]; [`NONE`] for a picture without a label.
    of: Vec<u32>,
    names: Vec<String>,
    numbers: HashMap<(Arc<Path>, Box<[u8]>), u32>,
    made_of: IndexState,
    /// The pictures that were removed then, of folders.
    removed: Arc<Marks>,
}

/// The number of a picture without a label.
const NONE: u32 = u32::MAX;

impl Labels {
    /// The sub-folders of an index: the first one below the root is a picture's label, those in the root have none.
    #[must_use]
    pub fn folders(index: &Index) -> Self {
        let mut labels = Self::default();
        labels.follow_folders(index);
        labels
    }

    /// Labels by what they are called, whatever folder their pictures are under, numbered in the order of their names.
    /// `name_of` says what a picture is; it has none where that is empty.
    #[must_use]
    pub fn named<'a>(index: &'a Index, name_of: impl Fn(&Entry<'a>) -> &'a [u8]) -> Self {
        let mut names: Vec<&[u8]> = index.iter().map(|entry| name_of(&entry)).filter(|name| !name.is_empty()).collect();
        names.sort_unstable();
        names.dedup();
        let nowhere: Arc<Path> = Arc::from(Path::new(""));
        let mut labels = Self { of: vec![NONE; index.id_bound()], made_of: index.state(), ..Self::default() };
        for name in names {
            labels.number(&nowhere, name);
        }
        for entry in index.iter() {
            let name = name_of(&entry);
            if !name.is_empty() {
                labels.of[entry.id.at()] = labels.number(&nowhere, name);
            }
        }
        labels
    }

    /// Takes in what is new in the index and what went or came back, for labels made by [`Labels::folders`]; of another run's
    /// index all is read. Within a run names keep their numbers, so that none changes its color.
    pub fn follow_folders(&mut self, index: &Index) {
        if index.run() != self.made_of.run {
            *self = Self::default();
        }
        let before = std::mem::replace(&mut self.removed, Arc::clone(&index.removed));
        let known = self.of.len();
        for id in before.differing(&index.removed).filter(|id| id.at() < known) {
            let folder = index.get(id).map_or(&[][..], |entry| entry.group_bytes());
            self.of[id.at()] = match index.place(id) {
                Some((_, segment, _)) if !folder.is_empty() => self.number(&segment.root, folder),
                _ => NONE,
            };
        }
        self.made_of = index.state();
        for (first, segment) in index.segments() {
            // Consecutive pictures mostly share their folder, and then nothing is looked up.
            let mut last: (&[u8], u32) = (&[], NONE);
            for row in self.of.len().saturating_sub(first.at())..segment.images.len() {
                let folder = index.get(ImageId(first.0 + row as u32)).map_or(&[][..], |entry| entry.group_bytes());
                if folder != last.0 {
                    last = (folder, if folder.is_empty() { NONE } else { self.number(&segment.root, folder) });
                }
                self.of.push(last.1);
            }
        }
    }

    /// Any labels: the number of each picture's label, by [`ImageId::at`], and the labels' names. Numbers without a name
    /// have an empty one.
    #[must_use]
    pub fn assigned(of: Vec<Option<usize>>, names: Vec<String>, made_of: IndexState) -> Self {
        let of = of.into_iter().map(|number| number.map_or(NONE, |number| number as u32)).collect();
        Self { of, names, made_of, ..Self::default() }
    }

    /// The state of the index that the labels were made of.
    #[must_use]
    pub fn made_of(&self) -> IndexState {
        self.made_of
    }

    fn number(&mut self, root: &Arc<Path>, name: &[u8]) -> u32 {
        let next = self.names.len() as u32;
        *self.numbers.entry((Arc::clone(root), name.into())).or_insert_with(|| {
            self.names.push(printable(OsStr::from_bytes(name)));
            next
        })
    }

    /// The number of a picture's label, counted from 0; `None` for a picture without one.
    #[must_use]
    pub fn of(&self, id: ImageId) -> Option<usize> {
        self.of.get(id.at()).filter(|number| **number != NONE).map(|number| *number as usize)
    }

    /// A label's name, safe to show.
    #[must_use]
    pub fn name(&self, number: usize) -> &str {
        self.names.get(number).map_or("", String::as_str)
    }

    /// How many labels there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether no picture has a label.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        index::{Image, Segment},
        scan::ImageFile,
    };

    fn segment(paths: &[&str], dead: &[u32]) -> Arc<Segment> {
        let image = |path: &&str| Image {
            file: ImageFile { path: Path::new("/p").join(path), size: 1, modified: 0, changed: 0 },
            pixels: (1, 1),
            format: "PNG",
            face: None,
        };
        let mut segment =
            Segment::pack(Path::new("/p").into(), paths.iter().map(image), &vec![vec![1.0]; paths.len()], 1);
        segment.dead = dead.to_vec();
        Arc::new(segment)
    }

    #[test]
    fn of_what_was_read_only_what_went_or_came_back_is_read_again() {
        let mut index = Index::new(1);
        index.push(segment(&["cats/1", "dogs/1", "old/1", "cats/2", "loose"], &[2]));
        let mut labels = Labels::folders(&index);
        let of = |labels: &Labels| (0..labels.of.len() as u32).map(|id| labels.of(ImageId(id))).collect::<Vec<_>>();
        assert_eq!(of(&labels), [Some(0), Some(1), None, Some(0), None]);
        // Whoever reads this row again mends it.
        labels.of[0] = 1;
        index.remove(ImageId(1));
        index.restore(ImageId(2));
        index.remove(ImageId(4));
        index.push(segment(&["cats/3", "new/1"], &[0]));
        labels.follow_folders(&index);
        assert_eq!(of(&labels), [Some(1), None, Some(2), Some(0), None, None, Some(3)]);
        assert_eq!(["cats", "dogs", "old", "new"].map(Some), [0, 1, 2, 3].map(|number| Some(labels.name(number))));
        for id in [1, 4, 5] {
            index.restore(ImageId(id));
        }
        labels.follow_folders(&index);
        assert_eq!(of(&labels), [Some(1), Some(1), Some(2), Some(0), None, Some(0), Some(3)]);
        // Another run has other rows.
        let mut other = Index::new(1);
        other.push(segment(&["birds/1"], &[]));
        labels.follow_folders(&other);
        assert_eq!((of(&labels), labels.name(0)), (vec![Some(0)], "birds"));
    }
}
