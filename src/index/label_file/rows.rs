//! Which row of a label file is about a picture or a face. A face is found by its place: the number that it has among the
//! faces of its picture may be another one's when the picture was changed.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use super::LabelKey;
use crate::{face::Place, index::Entry};

/// The numbers of rows by what they are about.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    at: HashMap<LabelKey, usize>,
    /// The places of faces that are known by them, for each picture.
    places: HashMap<PathBuf, Vec<Place>>,
}

impl Rows {
    pub(super) fn get(&self, key: &LabelKey) -> Option<usize> {
        self.at.get(key).copied()
    }

    /// Whether there is no row.
    pub(super) fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.at.len()
    }

    /// All of them, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&LabelKey, usize)> {
        self.at.iter().map(|(key, row)| (key, *row))
    }

    /// Takes a row away, and says its number.
    pub(super) fn remove(&mut self, key: &LabelKey) -> Option<usize> {
        let row = self.at.remove(key)?;
        if let Some(places) = self.places.get_mut(&key.path) {
            places.retain(|place| Some(*place) != key.place);
            if places.is_empty() {
                self.places.remove(&key.path);
            }
        }
        Some(row)
    }

    /// Adds a row in the place of the one that is about the same.
    pub(super) fn insert(&mut self, key: LabelKey, row: usize) {
        self.remove(&key);
        self.insert_new(key, row);
    }

    /// Adds a row unless there is one that is about the same; which of them is in it then.
    pub(super) fn insert_new(&mut self, key: LabelKey, row: usize) -> usize {
        if let Some(known) = self.get(&key) {
            return known;
        }
        if let Some(place) = key.place {
            self.places.entry(key.path.clone()).or_default().push(place);
        }
        self.at.insert(key, row);
        row
    }

    /// What the row is about that is a picture's or a face's own: of a face by its place, or else by its number.
    pub(super) fn own(&self, entry: &Entry<'_>) -> Option<LabelKey> {
        if self.is_empty() {
            return None;
        }
        let path = entry.path();
        let place = self.place_of(entry, &path);
        let face = entry.face_number().filter(|_| place.is_none());
        let key = LabelKey { path, face, place };
        self.at.contains_key(&key).then_some(key)
    }

    /// The place under which a face has its row.
    fn place_of(&self, entry: &Entry<'_>, path: &Path) -> Option<Place> {
        let own = entry.face_number()?;
        self.placed(entry, path).into_iter().find(|(_, number)| *number == own).map(|(place, _)| place)
    }

    /// The faces of a picture that have a row by their place: that place, and the number that the face has now.
    pub(super) fn placed(&self, entry: &Entry<'_>, path: &Path) -> Vec<(Place, u32)> {
        let places = self.places.get(path).map_or(&[][..], Vec::as_slice);
        Place::find(places, entry.faces_of_picture())
    }
}
