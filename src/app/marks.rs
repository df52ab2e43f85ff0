//! The marked pictures, in the order of marking.

use std::collections::HashSet;

use crate::{index::ImageId, text::counted};

/// Pictures that the user marked. They come out in the order in which they were marked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    order: Vec<ImageId>,
    set: HashSet<ImageId>,
    changes: u64,
}

impl Marks {
    /// Marks a picture, or unmarks a marked one.
    pub fn toggle(&mut self, id: ImageId) {
        self.changes += 1;
        if self.set.insert(id) {
            self.order.push(id);
        } else {
            self.set.remove(&id);
            self.order.retain(|other| *other != id);
        }
    }

    /// Marks all of some pictures, or unmarks them when all were marked; what was done, in words.
    pub fn toggle_all(&mut self, ids: &[ImageId]) -> String {
        let all = ids.iter().all(|id| self.contains(*id));
        let changed: Vec<ImageId> = ids.iter().copied().filter(|id| self.contains(*id) == all).collect();
        if all {
            let gone: HashSet<ImageId> = changed.iter().copied().collect();
            self.retain(|id| !gone.contains(&id));
        } else {
            self.changes += 1;
            self.set.extend(&changed);
            self.order.extend(&changed);
        }
        format!("{} {}", counted(changed.len(), "picture"), if all { "unmarked" } else { "marked" })
    }

    /// Whether a picture is marked.
    #[must_use]
    pub fn contains(&self, id: ImageId) -> bool {
        self.set.contains(&id)
    }

    /// All of them, the first marked first.
    pub fn iter(&self) -> impl Iterator<Item = ImageId> + '_ {
        self.order.iter().copied()
    }

    /// How often marks were set or taken away.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether nothing is marked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Unmarks all but those of which `keep` is true.
    pub fn retain(&mut self, keep: impl Fn(ImageId) -> bool) {
        let before = self.order.len();
        self.order.retain(|id| keep(*id));
        self.set.retain(|id| keep(*id));
        self.changes += u64::from(self.order.len() < before);
    }

    /// Unmarks all.
    pub fn clear(&mut self) {
        self.retain(|_| false);
    }
}
