//! An index on disk: one store per folder, model and way of preprocessing.
//!
//! A store is a folder of the cache with SQLite records, one append-only file of vectors, and a lock. The vectors of a
//! transaction are on the disk before its records are committed, so a run that is killed loses the last transaction at
//! most. One process writes at a time; others read what is committed. Nothing here is ever trusted: what does not look
//! like ours is set aside under another name, said in one sentence, and built anew.

use std::{
    ffi::OsStr,
    fs::{self, File, TryLockError},
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use sha2::{Digest, Sha256};

use crate::{
    error::{Error, Result},
    index::{Image, Rows, Segment, norm},
    printable::{printable, printable_str},
    scan::ImageFile,
};

mod cache;
mod vectors;

pub use cache::{Content, Listing, list, remove, remove_set_aside};
use vectors::Vectors;

/// SHA-256 of a file's content.
pub type ContentHash = [u8; 32];

/// What makes embeddings comparable and reusable: rows of one store share all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The folder, absolute and without links.
    pub root: PathBuf,
    /// The model's name.
    pub model: String,
    /// The model's fingerprint: weights and preprocessing.
    pub fingerprint: String,
    /// Version of decoding and of everything else before the model.
    pub preprocessing: u32,
    /// Whether images were decoded in full and embedded in float32.
    pub exact: bool,
    /// Values in an embedding.
    pub dim: usize,
}

impl Key {
    /// The settings as one line that is kept in the store and compared when it is opened.
    fn line(&self) -> String {
        let Self { model, fingerprint, preprocessing, exact, dim, .. } = self;
        format!("model={model} fingerprint={fingerprint} preprocessing={preprocessing} exact={exact} dim={dim}")
    }

    /// A name that a person recognizes in the cache folder and that no two keys share.
    fn folder_name(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.root.as_os_str().as_bytes());
        hash.update([0]);
        hash.update(self.line());
        let hash: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let name = self.root.file_name().unwrap_or_default().to_string_lossy();
        let tidy: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).take(32).collect();
        format!("{tidy}-{hash}")
    }
}

/// What a store can fail with: damage is repaired by starting anew, everything else is the caller's to hear.
#[derive(Debug)]
enum Fault {
    Damaged(String),
    Other(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

const DATABASE: &str = "records.sqlite";
const LOCK: &str = "lock";
/// Tells our databases from others; "look" in ASCII.
const APPLICATION: i32 = 0x6c6f_6f6b;
const SCHEMA: i32 = 1;
/// Vectors of pictures that vanished are kept this long, because disks and folders come back.
const KEEP_GONE: Duration = Duration::from_secs(30 * 24 * 3600);
/// Below this many rows, compaction is not worth a write.
const COMPACT_FROM: u32 = 1024;

/// An open store.
pub struct Store {
    folder: PathBuf,
    key: Key,
    db: Connection,
    vectors: Vectors,
    /// Number of the vector file.
    generation: i64,
    next_row: u32,
    /// Held while this process may write.
    lock: Option<File>,
}

/// One picture on record, besides what the segment says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowState {
    /// No picture: the row was replaced or its record deleted.
    Vacant,
    /// The file was there when it was last looked for.
    Present,
    /// The file had vanished when it was last looked for.
    Gone,
}

/// Rows of a store, from one row on.
pub struct Loaded {
    /// The pictures; vacant and gone rows are marked dead.
    pub segment: Segment,
    /// One a row of the segment.
    pub states: Vec<RowState>,
    /// Row number of the segment's first row.
    pub first: u32,
}

/// A file that was tried and could not be embedded; not tried again until it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The file as it was when it was tried.
    pub file: ImageFile,
    /// Why, see [`crate::scan::Skipped`].
    pub reason: String,
}

/// What one transaction changes.
#[derive(Default)]
pub struct Change<'a> {
    /// New rows with the hashes of their files; a row on record for the same path is replaced.
    pub rows: Option<(&'a Segment, &'a [ContentHash])>,
    /// Files that could not be embedded; rows on record for them are deleted.
    pub failed: &'a [Failure],
    /// Files that were not found any more.
    pub gone: &'a [PathBuf],
    /// Files that are there (again) with these sizes and times, their content unchanged.
    pub present: &'a [ImageFile],
    /// Paths whose records, of images or of failures, are deleted.
    pub deleted: &'a [PathBuf],
}

/// What opening a store comes to.
pub enum Opened {
    /// This process may write.
    Ours(Store),
    /// Another process is writing; its committed rows can be read, once there are any.
    Theirs(Option<Store>),
}

/// Opens the store, as its writer when no other process is. Damage is repaired, and said in `notes`.
///
/// # Errors
/// [`Error::Io`] or [`Error::Store`] when the cache folder cannot be used.
pub fn open(cache: &Path, key: &Key, notes: &mut Vec<String>) -> Result<Opened> {
    let folder = cache.join(key.folder_name());
    if fs::symlink_metadata(&folder).is_ok_and(|metadata| !metadata.is_dir()) {
        let aside = set_aside(&folder)?;
        notes.push(format!("{} is not ours and was moved to {}", printable(&folder), printable(aside)));
    }
    fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    match lock(&folder)? {
        Some(lock) => open_as_writer(folder, key, lock, notes).map(Opened::Ours),
        None => Ok(Opened::Theirs(Store::open(&folder, key, None).ok())),
    }
}

fn open_as_writer(folder: PathBuf, key: &Key, lock: File, notes: &mut Vec<String>) -> Result<Store> {
    let reopened = lock.try_clone().map_err(Error::io("lock", &folder))?;
    let attempt = Store::open(&folder, key, Some(lock)).and_then(|mut store| store.maintain(notes).map(|()| store));
    match attempt {
        Ok(store) => Ok(store),
        Err(Fault::Other(error)) => Err(error),
        Err(Fault::Damaged(reason)) => {
            let name = set_aside_contents(&folder)?;
            notes.push(format!(
                "the index of {} was damaged ({reason}): it was set aside as {} and is built anew",
                printable(&key.root),
                printable(folder.join(name)),
            ));
            Store::open(&folder, key, Some(reopened)).map_err(|fault| match fault {
                Fault::Other(error) => error,
                Fault::Damaged(reason) => Error::store(folder, reason),
            })
        }
    }
}

/// Takes the store's lock; `None` when another process has it. The lock ends with the process, however that ends.
fn lock(folder: &Path) -> Result<Option<File>> {
    let path = folder.join(LOCK);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(Error::io("create", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(Error::io("lock", &path)(error)),
    }
}

impl Store {
    fn open(folder: &Path, key: &Key, lock: Option<File>) -> Result<Self, Fault> {
        let path = folder.join(DATABASE);
        let writer = lock.is_some();
        let access = if writer { OpenFlags::SQLITE_OPEN_CREATE } else { OpenFlags::empty() };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | access;
        let mut db = Connection::open_with_flags(&path, flags).map_err(|e| sql(&path, e))?;
        let made = (|| {
            db.busy_timeout(Duration::from_secs(10))?;
            // Answers "not a database" at once, where there is one to read.
            let application: i32 = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
            let schema: i32 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
            let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
            Ok((application, schema, tables))
        })();
        match made.map_err(|e| sql(&path, e))? {
            (APPLICATION, SCHEMA, _) => {}
            (0, 0, 0) if writer => create(&mut db, folder, key).map_err(|e| sql(&path, e))?,
            (APPLICATION, _, _) => return Err(Fault::Damaged("another version of lookalike wrote it".into())),
            _ => return Err(Fault::Damaged("its database was not made by lookalike".into())),
        }
        if writer {
            tune(&db).map_err(|e| sql(&path, e))?;
        }
        let mut store = Self::read_meta(folder, key, db, writer)?;
        store.lock = lock;
        Ok(store)
    }

    fn read_meta(folder: &Path, key: &Key, db: Connection, writer: bool) -> Result<Self, Fault> {
        let path = folder.join(DATABASE);
        let meta = db
            .query_row("SELECT root, settings, vectors, next_row FROM store", [], |row| {
                Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?, row.get::<_, u32>(3)?))
            })
            .map_err(|e| sql(&path, e))?;
        let (root, settings, generation, next_row) = meta;
        if root != key.root.as_os_str().as_bytes() || settings != key.line() {
            return Err(Fault::Damaged("it belongs to another folder or model".into()));
        }
        let file = folder.join(vector_name(generation));
        let vectors = match Vectors::open(&file, key.dim, writer) {
            Err(Fault::Damaged(_)) if writer && next_row == 0 => Vectors::create(&file, key.dim)?,
            opened => opened?,
        };
        Ok(Self { folder: folder.to_path_buf(), key: key.clone(), db, vectors, generation, next_row, lock: None })
    }

    /// Repairs what can be repaired, forgets what vanished long ago, and compacts.
    fn maintain(&mut self, notes: &mut Vec<String>) -> Result<(), Fault> {
        let held = self.vectors.held()?;
        if held < self.next_row {
            let lost = self.change(|tx| tx.execute("DELETE FROM images WHERE row >= ?1", [held]))?;
            self.next_row = held;
            self.change(|tx| tx.execute("UPDATE store SET next_row = ?1", [held]))?;
            notes.push(format!(
                "the vectors of {lost} images in {} were missing and are computed again",
                printable(self.folder.join(DATABASE))
            ));
        }
        self.sample_vectors()?;
        let long_ago = now() - KEEP_GONE.as_secs() as i64;
        self.change(|tx| {
            tx.execute("DELETE FROM images WHERE gone < ?1", [long_ago])?;
            // Another version may read what this one could not.
            tx.execute("DELETE FROM failures WHERE program <> ?1", [PROGRAM])?;
            tx.execute("UPDATE store SET used = ?1", [now()])
        })?;
        let live: u32 = self.query("SELECT count(*) FROM images")?;
        if self.next_row > COMPACT_FROM && live < self.next_row / 2 {
            self.compact()?;
        }
        self.drop_old_generations();
        Ok(())
    }

    /// Compares some stored norms with the vectors. Catches files that were overwritten, or zeroed by a power cut.
    fn sample_vectors(&self) -> Result<(), Fault> {
        const SAMPLES: u32 = 32;
        let rows = self.vectors.rows(0, self.next_row)?;
        let path = self.folder.join(DATABASE);
        let mut one = self
            .db
            .prepare("SELECT row, norm, scale FROM images WHERE row >= ?1 ORDER BY row LIMIT 1")
            .map_err(|e| sql(&path, e))?;
        let spread = (0..SAMPLES).map(|i| (u64::from(self.next_row) * u64::from(i) / u64::from(SAMPLES)) as u32);
        for from in spread.chain(self.next_row.saturating_sub(8)..self.next_row) {
            let sample = one
                .query_row([from], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, f32>(1)?, row.get::<_, f32>(2)?)))
                .optional()
                .map_err(|e| sql(&path, e))?;
            let Some((row, stored, scale)) = sample else { break };
            if row >= self.next_row {
                return Err(Fault::Damaged("its records and its vectors do not belong together".into()));
            }
            let found = norm(rows.row(row as usize), scale);
            if (found - stored).abs() > 1e-3 * stored.abs() + 1e-6 {
                return Err(Fault::Damaged("its vectors are not those that were written".into()));
            }
        }
        Ok(())
    }

    /// Rewrites the vectors without vacant rows. Readers keep the file they have mapped.
    fn compact(&mut self) -> Result<(), Fault> {
        const CHUNK: usize = 1024;
        let generation = self.generation + 1;
        let vectors = Vectors::create(&self.folder.join(vector_name(generation)), self.key.dim)?;
        let all = self.vectors.rows(0, self.next_row)?;
        let path = self.folder.join(DATABASE);
        let kept = (|| -> rusqlite::Result<Vec<u32>> {
            let mut rows = self.db.prepare("SELECT row FROM images ORDER BY row")?;
            rows.query_map([], |row| row.get(0))?.collect()
        })()
        .map_err(|e| sql(&path, e))?;
        for (at, chunk) in kept.chunks(CHUNK).enumerate() {
            let values: Vec<_> = chunk.iter().flat_map(|row| all.row(*row as usize)).copied().collect();
            vectors.write((at * CHUNK) as u32, &values)?;
        }
        self.change(|tx| {
            let mut renumber = tx.prepare("UPDATE images SET row = ?2 WHERE row = ?1")?;
            // Ascending order moves every row to a number that is free already.
            for (to, from) in kept.iter().enumerate() {
                renumber.execute(params![from, to as u32])?;
            }
            tx.execute("UPDATE store SET vectors = ?1, next_row = ?2", params![generation, kept.len() as u32])
        })?;
        self.vectors = vectors;
        self.generation = generation;
        self.next_row = kept.len() as u32;
        Ok(())
    }

    /// Vector files that no record speaks of are left by a compaction that was cut short, or done.
    fn drop_old_generations(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if is_vector_name(&name) && *name != vector_name(self.generation) {
                // A leftover costs space and nothing else; the next start tries again.
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// Changes when compaction gave the rows other numbers.
    #[must_use]
    pub fn generation(&self) -> i64 {
        self.generation
    }

    /// The vectors of committed rows, mapped.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Store`] when the file cannot be mapped.
    pub fn rows(&self, first: u32, len: u32) -> Result<Rows> {
        self.vectors.rows(first, len).map_err(|fault| self.plain(fault))
    }

    fn plain(&self, fault: Fault) -> Error {
        match fault {
            Fault::Other(error) => error,
            Fault::Damaged(reason) => Error::store(&self.folder, reason),
        }
    }

    /// The rows from `first` on, in one consistent view of what is committed.
    ///
    /// # Errors
    /// [`Error::Store`] when the records cannot be read.
    pub fn load(&mut self, first: u32) -> Result<Loaded> {
        self.try_load(first).map_err(|fault| self.plain(fault))
    }

    fn try_load(&mut self, first: u32) -> Result<Loaded, Fault> {
        let path = self.folder.join(DATABASE);
        let tx = self.db.unchecked_transaction().map_err(|e| sql(&path, e))?;
        if self.lock.is_none() {
            self.next_row =
                tx.query_row("SELECT next_row FROM store", [], |row| row.get(0)).map_err(|e| sql(&path, e))?;
        }
        let len = self.next_row.saturating_sub(first) as usize;
        let vacant = || Image {
            file: ImageFile { path: PathBuf::new(), size: 0, modified: 0 },
            pixels: (0, 0),
            format: known_format(""),
        };
        let mut images = Vec::with_capacity(len);
        let (mut norms, mut scales) = (Vec::with_capacity(len), Vec::with_capacity(len));
        let mut states = Vec::with_capacity(len);
        (|| {
            let mut rows = tx.prepare(
                "SELECT row, path, size, modified, width, height, format, norm, scale, gone
                 FROM images WHERE row >= ?1 ORDER BY row",
            )?;
            let mut rows = rows.query([first])?;
            while let Some(row) = rows.next()? {
                let at = (row.get::<_, u32>(0)? - first) as usize;
                if at >= len {
                    break;
                }
                while images.len() < at {
                    images.push(vacant());
                    norms.push(0.0);
                    scales.push(1.0);
                    states.push(RowState::Vacant);
                }
                images.push(Image {
                    file: file_of(row, &self.key.root)?,
                    pixels: (row.get(4)?, row.get(5)?),
                    format: known_format(row.get_ref(6)?.as_str()?),
                });
                norms.push(row.get(7)?);
                scales.push(row.get(8)?);
                let gone = row.get_ref(9)? != rusqlite::types::ValueRef::Null;
                states.push(if gone { RowState::Gone } else { RowState::Present });
            }
            Ok(())
        })()
        .map_err(|e| sql(&path, e))?;
        // Vacant rows at the end stand for nothing and need no place.
        let rows = self.vectors.rows(first, images.len() as u32)?;
        let dead = states.iter().enumerate().filter(|(_, state)| **state != RowState::Present);
        let dead = dead.map(|(row, _)| row as u32).collect();
        let segment = Segment { root: self.key.root.as_path().into(), images, norms, scales, rows, dead };
        Ok(Loaded { segment, states, first })
    }

    /// The files that could not be embedded when they were last tried.
    ///
    /// # Errors
    /// [`Error::Store`] when the records cannot be read.
    pub fn failures(&self) -> Result<Vec<Failure>> {
        let path = self.folder.join(DATABASE);
        (|| -> rusqlite::Result<_> {
            let mut rows = self.db.prepare("SELECT 0, path, size, modified, reason FROM failures")?;
            rows.query_map([], |row| Ok(Failure { file: file_of(row, &self.key.root)?, reason: row.get(4)? }))?
                .collect()
        })()
        .map_err(|e| Error::store(path, e))
    }

    /// Rows, present or gone, whose files had this size, with their content hashes.
    ///
    /// # Errors
    /// [`Error::Store`] when the records cannot be read.
    pub fn rows_of_size(&self, size: u64) -> Result<Vec<(u32, ContentHash)>> {
        (|| -> rusqlite::Result<_> {
            let mut rows = self.db.prepare_cached("SELECT row, hash FROM images WHERE size = ?1")?;
            rows.query_map([size as i64], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })()
        .map_err(|e| Error::store(self.folder.join(DATABASE), e))
    }

    /// Commits a change: all of it or nothing. Returns the row number of the first new row.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Store`], a full disk for example; the store is as it was before.
    pub fn commit(&mut self, change: &Change<'_>) -> Result<u32> {
        self.try_commit(change).map_err(|fault| self.plain(fault))
    }

    fn try_commit(&mut self, change: &Change<'_>) -> Result<u32, Fault> {
        let first = self.next_row;
        let added = change.rows.map_or(0, |(segment, _)| segment.images.len() as u32);
        if let Some((segment, _)) = change.rows {
            self.vectors.write(first, segment.rows.values())?;
        }
        let root = self.key.root.clone();
        let relative = |path: &'_ Path| path.strip_prefix(&root).unwrap_or(path).as_os_str().as_bytes().to_vec();
        self.change(|tx| {
            let mut delete = tx.prepare_cached("DELETE FROM images WHERE path = ?1")?;
            let mut forget = tx.prepare_cached("DELETE FROM failures WHERE path = ?1")?;
            for path in change.deleted.iter().chain(change.failed.iter().map(|failure| &failure.file.path)) {
                delete.execute([relative(path)])?;
                forget.execute([relative(path)])?;
            }
            let mut gone = tx.prepare_cached("UPDATE images SET gone = ?2 WHERE path = ?1 AND gone IS NULL")?;
            for path in change.gone {
                gone.execute(params![relative(path), now()])?;
            }
            let mut present =
                tx.prepare_cached("UPDATE images SET size = ?2, modified = ?3, gone = NULL WHERE path = ?1")?;
            for file in change.present {
                present.execute(params![relative(&file.path), file.size as i64, file.modified])?;
            }
            let mut fail = tx.prepare_cached("INSERT OR REPLACE INTO failures VALUES (?1, ?2, ?3, ?4, ?5)")?;
            for Failure { file, reason } in change.failed {
                fail.execute(params![relative(&file.path), file.size as i64, file.modified, reason, PROGRAM])?;
            }
            if let Some((segment, hashes)) = change.rows {
                let mut insert =
                    tx.prepare_cached("INSERT OR REPLACE INTO images VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,NULL,?10)")?;
                for (at, (image, hash)) in segment.images.iter().zip(hashes).enumerate() {
                    let path = relative(&image.file.path);
                    forget.execute([&path])?;
                    insert.execute(params![
                        first + at as u32,
                        path,
                        image.file.size as i64,
                        image.file.modified,
                        image.pixels.0,
                        image.pixels.1,
                        image.format,
                        segment.norms[at],
                        segment.scales[at],
                        hash,
                    ])?;
                }
            }
            tx.execute("UPDATE store SET next_row = ?1, used = ?2", params![first + added, now()])
        })?;
        self.next_row = first + added;
        Ok(first)
    }

    /// Runs one write transaction.
    fn change<T>(&mut self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, Fault> {
        let path = self.folder.join(DATABASE);
        (|| {
            let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&tx)?;
            tx.commit()?;
            Ok(result)
        })()
        .map_err(|e| sql(&path, e))
    }

    fn query<T: rusqlite::types::FromSql>(&self, query: &str) -> Result<T, Fault> {
        self.db.query_row(query, [], |row| row.get(0)).map_err(|e| sql(&self.folder.join(DATABASE), e))
    }
}

const PROGRAM: &str = env!("CARGO_PKG_VERSION");

fn tune(db: &Connection) -> rusqlite::Result<()> {
    // With a write-ahead log readers never wait for the writer, and NORMAL survives a killed process at any moment.
    db.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    db.pragma_update(None, "synchronous", "normal")
}

fn create(db: &mut Connection, folder: &Path, key: &Key) -> rusqlite::Result<()> {
    // Vector files of an older database would be taken for ours.
    let generation = (1..).find(|at| !folder.join(vector_name(*at)).exists()).unwrap_or(1);
    tune(db)?;
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(
        "CREATE TABLE store (root BLOB NOT NULL, model TEXT NOT NULL, settings TEXT NOT NULL,
             vectors INTEGER NOT NULL, next_row INTEGER NOT NULL, used INTEGER NOT NULL);
         CREATE TABLE images (row INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, size INTEGER NOT NULL,
             modified INTEGER NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, format TEXT NOT NULL,
             norm REAL NOT NULL, scale REAL NOT NULL, gone INTEGER, hash BLOB NOT NULL);
         CREATE INDEX images_by_size ON images (size);
         CREATE TABLE failures (path BLOB PRIMARY KEY, size INTEGER NOT NULL, modified INTEGER NOT NULL,
             reason TEXT NOT NULL, program TEXT NOT NULL) WITHOUT ROWID;",
    )?;
    let root = key.root.as_os_str().as_bytes();
    tx.execute(
        "INSERT INTO store VALUES (?1, ?2, ?3, ?4, 0, ?5)",
        params![root, key.model, key.line(), generation, now()],
    )?;
    tx.pragma_update(None, "application_id", APPLICATION)?;
    tx.pragma_update(None, "user_version", SCHEMA)?;
    tx.commit()
}

/// Columns 1 to 3 of both tables.
fn file_of(row: &Row<'_>, root: &Path) -> rusqlite::Result<ImageFile> {
    let relative = OsStr::from_bytes(row.get_ref(1)?.as_blob()?);
    Ok(ImageFile { path: root.join(relative), size: row.get::<_, i64>(2)? as u64, modified: row.get(3)? })
}

/// The name of a format as `decode` gave it.
fn known_format(name: &str) -> &'static str {
    const NAMES: &[&str] =
        &["JPEG", "PNG", "WebP", "GIF", "TIFF", "BMP", "PNM", "TGA", "DDS", "ICO", "HDR", "OpenEXR", "farbfeld", "QOI"];
    NAMES.iter().find(|known| **known == name).unwrap_or(&"image")
}

fn vector_name(generation: i64) -> String {
    format!("vectors-{generation}.f16")
}

fn is_vector_name(name: &str) -> bool {
    name.starts_with("vectors-") && name.ends_with(".f16")
}

fn sql(path: &Path, error: rusqlite::Error) -> Fault {
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
    if passing { Fault::Other(Error::store(path, error)) } else { Fault::Damaged(printable_str(&error.to_string())) }
}

/// Gives a foreign file or folder another name.
fn set_aside(path: &Path) -> Result<PathBuf> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".set-aside-{}", free_number(path)));
    fs::rename(path, &name).map_err(Error::io("move", path))?;
    Ok(name.into())
}

/// Sets everything in a store's folder aside except the lock, which stays so that other processes see one lock only.
/// Returns the database's new name.
fn set_aside_contents(folder: &Path) -> Result<String> {
    let number = free_number(&folder.join(DATABASE));
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    for entry in entries.map_err(Error::io("list", folder))? {
        let name = entry.file_name();
        let text = name.to_string_lossy();
        if text == LOCK || text.contains(".set-aside-") {
            continue;
        }
        let mut aside = entry.path().into_os_string();
        aside.push(format!(".set-aside-{number}"));
        fs::rename(entry.path(), aside).map_err(Error::io("move", entry.path()))?;
    }
    Ok(format!("{DATABASE}.set-aside-{number}"))
}

fn free_number(path: &Path) -> u32 {
    let taken = |number: &u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".set-aside-{number}"));
        fs::symlink_metadata(Path::new(&name)).is_ok()
    };
    (1..u32::MAX).find(|number| !taken(number)).unwrap_or(u32::MAX)
}

/// Seconds since the Unix epoch.
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}
