//! An index on disk: one store per folder, model and way of preprocessing.
//!
//! A store is a folder of the cache with SQLite records, one append-only file of vectors, and a lock. The vectors of a
//! transaction are on the disk before its records are committed, so a run that is killed loses the last transaction at
//! most. One process writes at a time; others read what is committed. Nothing here is ever trusted: what does not look
//! like ours is set aside under another name, said in one sentence, and built anew.
//!
//! Beside them lies a photograph of the records, from which a large store is read many times quicker; the database stays
//! the truth, and tells what has changed since.

use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, params};
use sha2::{Digest, Sha256};

use crate::{
    error::{Error, Result},
    index::{Rows, Segment},
    printable::{printable, printable_str},
    scan::ImageFile,
};

mod cache;
mod graphs;
mod maintain;
mod photograph;
mod records;
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
const SCHEMA: i32 = 2;
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
    meta: Meta,
    /// Held while this process may write.
    lock: Option<Arc<Lock>>,
}

/// What the database says of the store as a whole.
#[derive(Debug, Clone, Copy)]
struct Meta {
    /// Number of the vector file.
    generation: i64,
    next_row: u32,
    /// Records of images.
    live: u32,
    /// Number of the photograph of the records, 0 when there is none.
    photograph: i64,
    /// The rows before this one are in the photograph.
    photographed: u32,
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

/// A file on record as it is now, its content unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Present {
    /// Its row.
    pub row: u32,
    /// See [`ImageFile::size`].
    pub size: u64,
    /// See [`ImageFile::modified`].
    pub modified: i64,
}

/// What one transaction changes.
#[derive(Default)]
pub struct Change<'a> {
    /// New rows with the hashes of their files; a row on record for the same path is replaced.
    pub rows: Option<(&'a Segment, &'a [ContentHash])>,
    /// Files that could not be embedded; rows on record for them are deleted.
    pub failed: &'a [Failure],
    /// Rows whose files were not found any more.
    pub gone: &'a [u32],
    /// Files that are there (again), perhaps with another size or time.
    pub present: &'a [Present],
    /// Rows that are deleted.
    pub deleted: &'a [u32],
    /// Paths whose failures are forgotten.
    pub forgotten: &'a [PathBuf],
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

fn open_as_writer(folder: PathBuf, key: &Key, lock: Lock, notes: &mut Vec<String>) -> Result<Store> {
    let lock = Arc::new(lock);
    let attempt =
        Store::open(&folder, key, Some(lock.clone())).and_then(|mut store| store.maintain(notes).map(|()| store));
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
            Store::open(&folder, key, Some(lock)).map_err(|fault| match fault {
                Fault::Other(error) => error,
                Fault::Damaged(reason) => Error::store(folder, reason),
            })
        }
    }
}

/// The right to write into a store.
struct Lock(File);

impl Drop for Lock {
    /// Closing the file is not enough: a child process that starts at this moment holds a copy until it runs its program.
    fn drop(&mut self) {
        // What cannot be unlocked ends with the process.
        let _ = self.0.unlock();
    }
}

/// Takes the store's lock; `None` when another process has it. The lock ends with the process, however that ends.
fn lock(folder: &Path) -> Result<Option<Lock>> {
    let path = folder.join(LOCK);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(Error::io("create", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(Error::io("lock", &path)(error)),
    }
}

impl Store {
    fn open(folder: &Path, key: &Key, lock: Option<Arc<Lock>>) -> Result<Self, Fault> {
        let path = folder.join(DATABASE);
        let writer = lock.is_some();
        let access = if writer { OpenFlags::SQLITE_OPEN_CREATE } else { OpenFlags::empty() };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | access;
        let mut db = Connection::open_with_flags(&path, flags).map_err(|e| sql(&path, e))?;
        let made = (|| {
            db.busy_timeout(Duration::from_secs(10))?;
            if !writer {
                // All that a reader reads is of one moment; its transaction ends when the rows were loaded.
                db.execute_batch("BEGIN")?;
            }
            // Answers "not a database" at once, where there is one to read.
            let application: i32 = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
            let schema: i32 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
            let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
            Ok((application, schema, tables))
        })();
        match made.map_err(|e| sql(&path, e))? {
            (APPLICATION, SCHEMA, _) => {}
            (APPLICATION, 1, _) if writer => migrate(&mut db).map_err(|e| sql(&path, e))?,
            (0, 0, 0) if writer => create(&mut db, key).map_err(|e| sql(&path, e))?,
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
        let query = "SELECT root, settings, vectors, next_row, live, photograph, photographed FROM store";
        let (root, settings, meta) = db
            .query_row(query, [], |row| {
                let meta = Meta {
                    generation: row.get(2)?,
                    next_row: row.get(3)?,
                    live: row.get(4)?,
                    photograph: row.get(5)?,
                    photographed: row.get(6)?,
                };
                Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, String>(1)?, meta))
            })
            .map_err(|e| sql(&path, e))?;
        if root != key.root.as_os_str().as_bytes() || settings != key.line() {
            return Err(Fault::Damaged("it belongs to another folder or model".into()));
        }
        let file = folder.join(vector_name(meta.generation));
        let vectors = match Vectors::open(&file, key.dim, writer) {
            Err(Fault::Damaged(_)) if writer && meta.next_row == 0 => Vectors::create(&file, key.dim)?,
            opened => opened?,
        };
        Ok(Self { folder: folder.to_path_buf(), key: key.clone(), db, vectors, meta, lock: None })
    }

    /// Changes when compaction gave the rows other numbers.
    #[must_use]
    pub fn generation(&self) -> i64 {
        self.meta.generation
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
            Fault::Damaged(reason) => {
                // The next start reads every record again, finds the damage and sets the store aside.
                self.drop_photographs(0);
                Error::store(&self.folder, reason)
            }
        }
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

fn tune(db: &Connection) -> rusqlite::Result<()> {
    // With a write-ahead log readers never wait for the writer, and NORMAL survives a killed process at any moment.
    db.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    db.pragma_update(None, "synchronous", "normal")
}

fn create(db: &mut Connection, key: &Key) -> rusqlite::Result<()> {
    // A number that no older database here has used, so that who follows this store notices that it is another one.
    let generation = now();
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
    tx.execute_batch(SINCE_SCHEMA_2)?;
    let root = key.root.as_os_str().as_bytes();
    tx.execute(
        "INSERT INTO store (root, model, settings, vectors, next_row, used) VALUES (?1, ?2, ?3, ?4, 0, ?5)",
        params![root, key.model, key.line(), generation, now()],
    )?;
    tx.pragma_update(None, "application_id", APPLICATION)?;
    tx.pragma_update(None, "user_version", SCHEMA)?;
    tx.commit()
}

/// What schema 2 has and schema 1 had not: opening a store of a million images must not mean to look at all of them.
const SINCE_SCHEMA_2: &str = "
    ALTER TABLE store ADD COLUMN live INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE store ADD COLUMN photograph INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE store ADD COLUMN photographed INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE edited (row INTEGER PRIMARY KEY);
    CREATE INDEX images_gone ON images (gone) WHERE gone IS NOT NULL;
    UPDATE store SET live = (SELECT count(*) FROM images);";

fn migrate(db: &mut Connection) -> rusqlite::Result<()> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(SINCE_SCHEMA_2)?;
    tx.pragma_update(None, "user_version", SCHEMA)?;
    tx.commit()
}

fn vector_name(generation: i64) -> String {
    format!("vectors-{generation}.f16")
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
