//! What the user said of the pictures, kept beside their rows as bytes that only whoever keeps them understands: the names
//! of groups. Unlike a graph it cannot be made anew, so it names pictures by their paths and outlives every renumbering.

use std::io::{ErrorKind, Read, Write};

use super::KeptGraphs;
use crate::{
    error::{Error, Result},
    files,
};

/// The file in a store's folder.
pub(super) const NOTES: &str = "groups.json";

impl KeptGraphs {
    /// The bytes last kept; `None` when there are none.
    ///
    /// # Errors
    /// [`Error::Io`] when they cannot be read.
    pub fn read_notes(&self) -> Result<Option<Vec<u8>>> {
        let path = self.folder.join(NOTES);
        let mut bytes = Vec::new();
        match files::open_regular(&path).and_then(|mut file| file.read_to_end(&mut bytes)) {
            Ok(_) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read", &path)(error)),
        }
    }

    /// Keeps bytes in the place of the last ones, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`]; what was kept before is still there.
    pub fn keep_notes(&self, bytes: &[u8]) -> Result<()> {
        let path = self.folder.join(NOTES);
        let part = path.with_extension("part");
        files::replace(&path, &part, |part| part.write_all(bytes)).map_err(Error::io("write", &path))
    }
}

pub(super) fn is_notes_name(name: &str) -> bool {
    name == NOTES || name == "groups.part"
}
