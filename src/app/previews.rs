//! The pictures that are ready to be drawn, and those that were asked for.

use std::{collections::HashSet, path::Path};

use lru::LruCache;

use super::layout::Area;
use crate::{
    index::ImageId,
    preview::{Preview, PreviewKey, Subject},
};

/// A place on the screen where a picture belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// What belongs there.
    pub subject: Subject,
    /// The box it has to fit into.
    pub area: Area,
    /// See [`PreviewKey::whole`].
    pub whole: bool,
    /// See [`PreviewKey::fleeting`].
    pub fleeting: bool,
}

impl Slot {
    /// A place for what a row stands for, or for something else.
    #[must_use]
    pub fn new(subject: impl Into<Subject>, area: Area) -> Self {
        Self { subject: subject.into(), area, whole: false, fleeting: false }
    }

    /// The same of what the next key may take away.
    #[must_use]
    pub fn fleeting(self) -> Self {
        Self { fleeting: true, ..self }
    }

    /// The row that it is for, if it is for one.
    #[must_use]
    pub fn row(&self) -> Option<ImageId> {
        match self.subject {
            Subject::Row(row) => Some(row),
            Subject::File(..) | Subject::Difference(_) => None,
        }
    }

    /// The preview that fills it.
    #[must_use]
    pub fn key(&self) -> PreviewKey {
        let subject = self.subject.clone();
        let Area { width, height, .. } = self.area;
        PreviewKey { subject, width, height, whole: self.whole, fleeting: self.fleeting }
    }
}

/// Terminal cells of pictures that are kept: in the heaviest protocol about a kilobyte each.
const KEPT_CELLS: usize = 60_000;

/// Encoded pictures, the least recently seen dropped first.
pub struct Previews {
    ready: LruCache<PreviewKey, Preview>,
    cells: usize,
    asked: HashSet<PreviewKey>,
}

impl Default for Previews {
    fn default() -> Self {
        Self { ready: LruCache::unbounded(), cells: 0, asked: HashSet::new() }
    }
}

impl Previews {
    /// The picture for a slot, if it is ready.
    #[must_use]
    pub fn get(&self, key: &PreviewKey) -> Option<&Preview> {
        self.ready.peek(key)
    }

    /// Keeps a picture, and lets go of those not seen for longest.
    pub fn insert(&mut self, key: PreviewKey, preview: Preview, screen: usize) {
        self.asked.remove(&key);
        self.cells += cells(&key);
        let room = cells(&key);
        if self.ready.put(key, preview).is_some() {
            self.cells -= room;
        }
        while self.cells > KEPT_CELLS.max(4 * screen) {
            let Some((old, _)) = self.ready.pop_lru() else { break };
            self.cells -= cells(&old);
        }
    }

    /// Notes what the screen shows; returns what has to be asked for, most wanted first, or nothing when all of it is
    /// there or under way.
    pub fn want(&mut self, wanted: Vec<PreviewKey>) -> Option<Vec<PreviewKey>> {
        for key in &wanted {
            self.ready.promote(key);
        }
        let missing: Vec<_> = wanted.into_iter().filter(|key| !self.ready.contains(key)).collect();
        if missing.iter().all(|key| self.asked.contains(key)) {
            return None;
        }
        self.asked = missing.iter().cloned().collect();
        Some(missing)
    }

    /// Forgets the pictures of a file: it may have been written anew.
    pub fn forget_file(&mut self, path: &Path) {
        let of_it = |key: &PreviewKey| matches!(&key.subject, Subject::File(file, _) if &**file == path);
        let gone: Vec<_> = self.ready.iter().map(|(key, _)| key).filter(|key| of_it(key)).cloned().collect();
        for key in gone {
            self.cells -= cells(&key);
            self.ready.pop(&key);
        }
        self.asked.retain(|key| !of_it(key));
    }

    /// Forgets everything: the terminal has.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

fn cells(key: &PreviewKey) -> usize {
    usize::from(key.width) * usize::from(key.height)
}
