//! What the user said of the pictures, kept beside their rows as bytes that only whoever keeps them understands: the names
//! of groups. Unlike a graph it cannot be made anew, so it names pictures by their paths and outlives every renumbering.

use std::{
    fs::File,
    io::{ErrorKind, Read, Write},
    path::PathBuf,
};

use super::{KeptGraphs, set_aside::set_aside};
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

    /// Keeps bytes in the place of the last ones, whole or not at all, also after the power failed. Last ones that are not
    /// `replaceable` get another name before, which is returned: whoever made them may want them back.
    ///
    /// # Errors
    /// [`Error::Io`]; what was kept before is still there.
    pub fn keep_notes(&self, bytes: &[u8], replaceable: impl Fn(&[u8]) -> bool) -> Result<Option<PathBuf>> {
        let path = self.folder.join(NOTES);
        let stays = self.read_notes()?.is_some_and(|last| !replaceable(&last));
        let aside = if stays { Some(set_aside(&path)?) } else { None };
        let whole = |part: &mut File| part.write_all(bytes).and_then(|()| part.sync_all());
        // A link, to a folder that is kept in several places for example, stays one.
        let written = match path.is_symlink() {
            true => files::overwrite(&path, bytes),
            false => files::replace(&path, &path.with_extension("part"), whole),
        };
        written.map_err(Error::io("write", &path))?;
        Ok(aside)
    }

    /// Gives damaged notes another name, so that the next ones do not take their place. Returns it; `None` where they are
    /// not damaged, or another process is writing the store and may be mending them.
    ///
    /// # Errors
    /// [`Error::Io`] when that cannot be.
    pub fn set_notes_aside(&self, are_damaged: impl Fn(&[u8]) -> bool) -> Result<Option<PathBuf>> {
        if !self.read_notes()?.is_some_and(|notes| are_damaged(&notes)) {
            return Ok(None);
        }
        let Some(_lock) = self.lock()? else { return Ok(None) };
        // Whoever had the lock until now may have kept good ones.
        let still = self.read_notes()?.is_some_and(|notes| are_damaged(&notes));
        still.then(|| set_aside(&self.folder.join(NOTES))).transpose()
    }
}

pub(super) fn is_notes_name(name: &str) -> bool {
    name == NOTES || name == "groups.part"
}
