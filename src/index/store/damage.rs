//! What a store can fail with, and what is done about it: indexes of tables are made anew, and what is damaged beyond that is
//! set aside, so that a new store takes its place.

use std::{os::unix::ffi::OsStrExt, path::Path};

use rusqlite::ErrorCode;

use super::{
    Change, ContentHash, DATABASE, Failure, Key, Loaded, RowState, Store, is_whole, notes,
    set_aside::set_aside_contents,
};
use crate::{
    error::{Error, Result},
    index::Segment,
    printable::printable_str,
    text,
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

/// What is said of one where a new one has so many of its rows already.
#[must_use]
pub fn written_anew(damaged: &Error, rows: usize) -> String {
    if rows == 0 {
        return built_anew(damaged);
    }
    format!("{damaged}, and a new one has its {}", text::counted(rows, "embedding"))
}

/// What a damaged store still has: often it is an index of a table alone that is damaged.
pub(super) struct Saved {
    loaded: Loaded,
    hashes: Vec<ContentHash>,
    failed: Vec<Failure>,
}

impl Saved {
    /// Reads all that can be read; nothing where the records cannot be read as a whole.
    pub(super) fn read(folder: &Path, key: &Key) -> Option<Self> {
        let mut store = Store::open(folder, key, None).ok()?;
        let loaded = store.try_load(0).ok()?;
        let images = &loaded.segment.images;
        let is_at = |row: u32, path: &[u8]| images.relative(row as usize).as_os_str().as_bytes() == path;
        let hashes = store.content_hashes(images.len() as u32, is_at);
        let failed = store.readable_failures();
        Some(Self { loaded, hashes, failed })
    }

    /// Puts what is as it was written into a new store. Returns how many rows that are.
    pub(super) fn put_into(self, store: &mut Store) -> Result<usize> {
        let Self { loaded: Loaded { segment, states, sums, .. }, hashes, failed } = self;
        store.commit(&Change { failed: &failed, ..Change::default() })?;
        let is_there = |row: usize| matches!(states[row], RowState::Present | RowState::Gone);
        let (mut at, mut kept) = (0, 0);
        while at < segment.images.len() {
            let start = at;
            // As many pictures in a row as are whole.
            while at < segment.images.len() && at - start < ROWS_AT_ONCE {
                let rows = segment.images.of_one_picture(at);
                if !rows.clone().all(is_there) || !is_whole(&segment, rows.clone(), &sums, |row| states[row]) {
                    break;
                }
                at = rows.end;
            }
            if at > start {
                let (piece, hashes) = (segment.piece(start..at), &hashes[start..at]);
                store.put_back(start as u32, &piece, hashes, |row| states[row as usize])?;
                kept += at - start;
            } else {
                at = segment.images.of_one_picture(at).end;
            }
        }
        Ok(kept)
    }
}

/// So many rows are put into a new store in one transaction, and what their last picture has more.
pub const ROWS_AT_ONCE: usize = 1024;

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
                | ErrorCode::OperationAborted
                | ErrorCode::OperationInterrupted
        )
    );
    if passing {
        let is_vague = error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure);
        let error =
            if is_vague && is_full(path) { Error::store(path, "the disk is full") } else { Error::store(path, error) };
        return Fault::Other(error);
    }
    let reason = printable_str(&error.to_string());
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::ConstraintViolation) => Fault::Contradiction(reason),
        _ => Fault::Damaged(reason),
    }
}

/// The hash of no file.
const NO_HASH: ContentHash = [0; 32];

/// Whether a disk has no room for the least that a store needs, the file by which processes share a log: SQLite says of that
/// only that the disk fails.
fn is_full(path: &Path) -> bool {
    const LEAST: u64 = 1 << 15;
    let folder = path.parent().unwrap_or(path);
    rustix::fs::statvfs(folder).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < LEAST)
}

impl Store {
    /// What a store that was set aside, see [`Error::DamagedStore`], can still tell of its rows before `end` that is not in
    /// memory: the hashes of their files. A row is only believed where its record has the path that `is_at` knows it to
    /// have; those of others are of no file.
    #[must_use]
    pub fn content_hashes(&self, end: u32, is_at: impl Fn(u32, &[u8]) -> bool) -> Vec<ContentHash> {
        let record = self.db.prepare("SELECT path, hash FROM images NOT INDEXED WHERE row = ?1");
        let Ok(mut record) = record else { return vec![NO_HASH; end as usize] };
        let mut hash = |row| {
            let hash = record.query_row([row], |record| {
                let is_its_own = record.get_ref(0)?.as_blob().is_ok_and(|path| is_at(row, path));
                Ok(if is_its_own { record.get(1)? } else { NO_HASH })
            });
            // One page may be broken and the next one good.
            hash.unwrap_or(NO_HASH)
        };
        (0..end).map(&mut hash).collect()
    }

    /// The files on record that could not be embedded; none where such a store cannot tell of all of them.
    #[must_use]
    pub fn readable_failures(&self) -> Vec<Failure> {
        self.read_failures().map_or_else(|_| Vec::new(), |(failures, _)| failures)
    }

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

    /// Writes rows of a store whose place this one took, under the numbers that they had there; those of all rows here are
    /// smaller. `state` tells by its number which of them is gone.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub fn put_back(
        &mut self,
        first: u32,
        segment: &Segment,
        hashes: &[ContentHash],
        state: impl Fn(u32) -> RowState,
    ) -> Result<()> {
        self.leave_vacant_before(first);
        self.commit(&Change { rows: Some((segment, hashes)), ..Change::default() })?;
        let rows = first..first + segment.images.len() as u32;
        let gone: Vec<u32> = rows.filter(|row| state(*row) == RowState::Gone).collect();
        if !gone.is_empty() {
            self.commit(&Change { gone: &gone, ..Change::default() })?;
        }
        Ok(())
    }

    /// The next new row gets this number, or a larger one; rows between it and those that there are stay vacant.
    pub fn leave_vacant_before(&mut self, row: u32) {
        self.meta.next_row = self.meta.next_row.max(row);
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
    /// anew from the tables, which stay as they are. What is wrong with a table itself is not mended by that. When that
    /// cannot be done now, because the disk is full for example, nothing has become of the store, and it is that which
    /// is said.
    pub(super) fn mending<T>(&mut self, mut work: impl FnMut(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        let reason = match work(self) {
            Err(Fault::Contradiction(reason)) if self.is_writer() => reason,
            done => return done,
        };
        match self.db.execute_batch("REINDEX").map_err(|e| sql(&self.folder.join(DATABASE), e)) {
            Ok(()) => work(self),
            Err(Fault::Other(error)) => Err(Fault::Other(error)),
            Err(_) => Err(Fault::Damaged(reason)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use rusqlite::Connection;

    use super::*;
    use crate::{
        index::{
            Image, RowKind,
            store::{self, Opened},
        },
        scan::{ImageFile, SkippedKind},
    };

    const ROWS: u32 = 600;

    fn key() -> Key {
        Key {
            root: "/p".into(),
            model: "model".into(),
            fingerprint: "fingerprint".into(),
            preprocessing: 1,
            exact: false,
            dim: 1,
            rows: RowKind::Picture,
        }
    }

    #[track_caller]
    fn writer(cache: &Path) -> Store {
        let mut notes = Vec::new();
        let opened = store::open(cache, &key(), &mut notes).unwrap();
        let Opened::Writer(store) = opened else { panic!("somebody else writes") };
        assert!(notes.is_empty(), "{notes:?}");
        store
    }

    /// A store whose index of contents says that there are none.
    fn contradicting(cache: &Path) -> Store {
        let mut store = writer(cache);
        let image = |number: u32| Image {
            file: ImageFile { path: format!("/p/{number}.png").into(), size: 1, modified: 0, changed: 0 },
            pixels: (1, 1),
            format: "PNG",
            face: None,
        };
        let embeddings = vec![vec![1.0]; ROWS as usize];
        let segment = Segment::pack(Path::new("/p").into(), (0..ROWS).map(image), &embeddings, 1);
        let hashes: Vec<_> = (0..ROWS).map(|number| [number as u8; 32]).collect();
        store.commit(&Change { rows: Some((&segment, &hashes)), ..Change::default() }).unwrap();
        drop(store);
        let folder = store::list(cache).unwrap().remove(0).folder;
        let db = Connection::open(folder.join(DATABASE)).unwrap();
        db.execute_batch(
            "DROP INDEX images_by_content;
             CREATE INDEX images_by_content ON images (size, hash) WHERE 0;
             VACUUM;
             PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = replace(sql, ' WHERE 0', '') WHERE name = 'images_by_content';",
        )
        .unwrap();
        db.close().unwrap();
        writer(cache)
    }

    /// Whether nothing has become of the store: the change succeeds as soon as it can.
    #[track_caller]
    fn check_unharmed(cache: &Path, mut store: Store) {
        let aside = |store: &Store| {
            fs::read_dir(&store.folder)
                .unwrap()
                .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("set-aside"))
                .count()
        };
        assert_eq!(aside(&store), 0);
        store.commit(&Change { deleted: &[7], ..Change::default() }).unwrap();
        drop(store);
        let mut store = writer(cache);
        let present = store.load(0).unwrap().states.iter().filter(|state| **state == RowState::Present).count();
        assert_eq!((present as u32, aside(&store)), (ROWS - 1, 0));
        assert!(store.rows_of_content(1, &[9; 32]).unwrap().contains(&9));
    }

    #[test]
    fn what_could_not_be_embedded_is_saved_from_a_damaged_store() {
        let [from, to] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let file = ImageFile { path: "/p/text.png".into(), size: 5, modified: 1, changed: 2 };
        let failed = [Failure { file, kind: SkippedKind::NotAnImage, reason: "it is no picture".into() }];
        let mut store = writer(from.path());
        store.commit(&Change { failed: &failed, ..Change::default() }).unwrap();
        let folder = store.folder.clone();
        drop(store);
        let saved = Saved::read(&folder, &key()).unwrap();
        let mut anew = writer(to.path());
        assert_eq!(saved.put_into(&mut anew).unwrap(), 0);
        assert_eq!(anew.failures().unwrap(), failed);
    }

    #[test]
    fn a_disk_that_is_too_full_to_make_an_index_of_a_table_anew_is_no_damage() {
        let cache = tempfile::tempdir().unwrap();
        for again in [false, true] {
            let cache = cache.path().join(again.to_string());
            let mut store = contradicting(&cache);
            let pages: u32 = store.db.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
            store.db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
            let error = store.commit(&Change { deleted: &[7], ..Change::default() }).unwrap_err();
            assert!(matches!(error, Error::Store { .. }) && error.to_string().contains("full"), "{error}");
            if again {
                // The next start tries again, and so does whoever has the disk tidied up meanwhile.
                drop(store);
                store = writer(&cache);
            } else {
                store.db.query_row("PRAGMA max_page_count = 1000000", [], |_| Ok(())).unwrap();
            }
            check_unharmed(&cache, store);
        }
    }

    #[test]
    fn a_database_that_is_busy_when_an_index_of_a_table_is_to_be_made_anew_is_no_damage() {
        let cache = tempfile::tempdir().unwrap();
        let mut store = contradicting(cache.path());
        store.db.busy_timeout(Duration::ZERO).unwrap();
        let other = Connection::open(store.folder.join(DATABASE)).unwrap();
        let mut tries = 0;
        let done = store.mending(|_| {
            tries += 1;
            other.execute_batch("BEGIN IMMEDIATE").unwrap();
            Err::<(), _>(Fault::Contradiction("they differ".into()))
        });
        assert!(matches!(&done, Err(Fault::Other(error)) if error.to_string().contains("locked")), "{done:?}");
        assert_eq!(tries, 1);
        other.execute_batch("ROLLBACK").unwrap();
        check_unharmed(cache.path(), store);
    }

    #[test]
    fn who_only_reads_makes_no_index_anew() {
        let cache = tempfile::tempdir().unwrap();
        let _writer = contradicting(cache.path());
        let Opened::Reader(Some(mut reader)) = store::open(cache.path(), &key(), &mut Vec::new()).unwrap() else {
            panic!("there is a writer")
        };
        let mut tries = 0;
        let done = reader.mending(|_| {
            tries += 1;
            Err::<(), _>(Fault::Contradiction("they differ".into()))
        });
        assert!(matches!(done, Err(Fault::Contradiction(_))) && tries == 1, "{done:?}");
    }
}
