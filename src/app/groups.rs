//! Which sub-folder each picture belongs to, as small numbers that can be colored.

use std::collections::HashMap;

use crate::index::{ImageId, Index, IndexState};

/// The groups of an index in order of arrival; kept in step as it grows.
#[derive(Default)]
pub struct Groups {
    names: Vec<String>,
    numbers: HashMap<String, u32>,
    of: Vec<u32>,
    made_of: IndexState,
}

/// The number of pictures that lie in no sub-folder.
const NONE: u32 = u32::MAX;

impl Groups {
    /// Takes in what is new in the index. After any other change all of it is read anew, but names keep their numbers,
    /// so that no group changes its color.
    pub fn grow(&mut self, index: &Index) {
        if index.run() != self.made_of.run {
            *self = Self::default();
        } else if !index.only_grew_since(self.made_of) {
            self.of.clear();
        }
        self.made_of = index.state();
        for at in self.of.len()..index.table_len() {
            let number = match index.get(ImageId(at as u32)).map_or("", |entry| entry.group()) {
                "" => NONE,
                name => self.number(name),
            };
            self.of.push(number);
        }
    }

    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.names.len() as u32;
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    /// The number of a picture's group, counted from 0; `None` for a picture that lies in no sub-folder.
    #[must_use]
    pub fn of(&self, id: ImageId) -> Option<usize> {
        self.of.get(id.at()).filter(|number| **number != NONE).map(|number| *number as usize)
    }

    /// A group's name.
    #[must_use]
    pub fn name(&self, number: usize) -> &str {
        self.names.get(number).map_or("", String::as_str)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether no picture lies in a sub-folder.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}
