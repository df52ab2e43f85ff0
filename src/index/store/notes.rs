//! What the user said of the pictures, kept beside their rows as bytes that only whoever keeps them understands: the names
//! of groups. Unlike a graph it cannot be made anew, so it names pictures by their paths and outlives every renumbering.

use std::{
    io::{self, ErrorKind, Read, Write},
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
        if !stays {
            // A link, to a folder that is kept in several places for example, stays one.
            return files::overwrite(&path, bytes).map(|()| None).map_err(Error::io("write", &path));
        }
        let mut aside = None;
        let replaced = files::replace(&path, &files::part_of(&path), |part| {
            part.write_all(bytes).and_then(|()| part.sync_all())?;
            // Not before the new ones are whole: they might be neither here nor there.
            aside = Some(set_aside(&path).map_err(io::Error::other)?);
            Ok(())
        });
        replaced.map_err(Error::io("write", &path))?;
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

/// Whether it is the name of notes, or of some that a killed run has left half written.
pub(super) fn is_notes_name(name: &str) -> bool {
    let is_part = name.strip_prefix('.').is_some_and(|name| name.starts_with(NOTES) && name.ends_with(".part"));
    name == NOTES || is_part || name == "groups.part"
}
