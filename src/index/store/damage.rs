//! What a store can fail with, and what is done about it: indexes of tables are made anew, and what is damaged beyond that is
//! set aside, so that a new store takes its place.

use std::path::Path;

use rusqlite::ErrorCode;

use super::{DATABASE, Key, Store, notes, set_aside::set_aside_contents};
use crate::{
    error::{Error, Result},
    printable::printable_str,
};

/// What a store can fail with: damage is repaired by starting anew, everything else is the caller's to hear.
#[derive(Debug)]
pub(super) enum Fault {
    Damaged(String),
    /// SQLite found a contradiction, which may be one between a table and an index of it alone.
    Contradiction(String),
    Other(Error),
}

impl Fault {
    /// What is damaged, or what else is wrong.
    pub(super) fn damage(self) -> Result<String> {
        match self {
            Self::Damaged(reason) | Self::Contradiction(reason) => Ok(reason),
            Self::Other(error) => Err(error),
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// What is said of an [`Error::DamagedStore`] where the store is built anew at once.
#[must_use]
pub fn built_anew(damaged: &Error) -> String {
    format!("{damaged} and is built anew")
}

/// Sets all aside that a damaged store is made of, and says so. What the user said of the pictures is right whatever has
/// become of their rows.
pub(super) fn set_records_aside(folder: &Path, key: &Key, reason: String) -> Error {
    match set_aside_contents(folder, notes::is_notes_name) {
        Ok(name) => Error::DamagedStore { root: key.root.clone(), reason, aside: folder.join(name) },
        Err(error) => Error::store(folder, format!("it is damaged ({reason}) and cannot be set aside: {error}")),
    }
}

pub(super) fn plain(folder: &Path, fault: Fault) -> Error {
    fault.damage().map_or_else(|error| error, |reason| Error::store(folder, reason))
}

pub(super) fn sql(path: &Path, error: rusqlite::Error) -> Fault {
    let passing = matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::PermissionDenied
                | ErrorCode::ReadOnly
                | ErrorCode::SystemIoFailure
                | ErrorCode::DiskFull
                | ErrorCode::CannotOpen
                | ErrorCode::OutOfMemory
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::NoLargeFileSupport
        )
    );
    if passing {
        return Fault::Other(Error::store(path, error));
    }
    let reason = printable_str(&error.to_string());
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::ConstraintViolation) => Fault::Contradiction(reason),
        _ => Fault::Damaged(reason),
    }
}

impl Store {
    /// A new, empty store in the place of this one, which was set aside, see [`Error::DamagedStore`].
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Store`] when it cannot be made.
    pub fn anew(self) -> Result<Self> {
        let Self { folder, key, db, lock, .. } = self;
        // SQLite deletes its log by name, which must not be the new one's.
        drop(db);
        Self::open(&folder, &key, lock).map_err(|fault| plain(&folder, fault))
    }

    pub(super) fn plain(&self, fault: Fault) -> Error {
        plain(&self.folder, fault)
    }

    /// Sets the store aside where that is what is wrong with it and this process may write: it must not be used any more,
    /// and whoever opens it next makes a new one.
    pub(super) fn set_aside_if_damaged(&self, fault: Fault) -> Error {
        match fault.damage() {
            Ok(reason) if self.is_writer() => set_records_aside(&self.folder, &self.key, reason),
            Ok(reason) => Error::store(&self.folder, reason),
            Err(error) => error,
        }
    }

    pub(super) fn sql(&self, error: rusqlite::Error) -> Error {
        self.set_aside_if_damaged(sql(&self.folder.join(DATABASE), error))
    }

    /// Does some work again after a contradiction that may be one between a table and an index of it: all indexes are made
    /// anew from the tables, which stay as they are. What is wrong with a table itself is not mended by that.
    pub(super) fn mending<T>(&mut self, mut work: impl FnMut(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        let reason = match work(self) {
            Err(Fault::Contradiction(reason)) => reason,
            done => return done,
        };
        match self.db.execute_batch("REINDEX").map_err(|e| sql(&self.folder.join(DATABASE), e)) {
            Ok(()) => work(self),
            // A full disk, for example.
            Err(Fault::Other(error)) => Err(Fault::Other(error)),
            Err(_) => Err(Fault::Damaged(reason)),
        }
    }
}
