//! An index on disk: one store per folder, model, way of preprocessing and schema.
//!
//! A store is a folder of the cache with SQLite records, one append-only file of vectors, and a lock. The vectors of a
//! transaction are on the disk before its records are committed, so a run that is killed loses the last transaction at
//! most. One process writes at a time; others read what is committed. Nothing here is ever trusted: what is not a
//! lookalike index is set aside under another name, said in one sentence, and built anew. A store of another version of
//! lookalike is no damage: every schema has stores of its own, and two versions on one machine leave each other's alone.
//! Rows that stand for faces have a schema of their own, by which a picture may have several rows, always next to each
//! other and written in one transaction.
//!
//! Beside the database lies a columnar copy of its records, from which a large store is read many times quicker; the database stays
//! the truth, and tells what has changed since.

use std::{
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use sha2::{Digest, Sha256};

use crate::{
    error::{Error, Result},
    index::{RowKind, Rows, Segment},
    printable::printable,
    scan::{ImageFile, SkippedKind},
};

mod cache;
mod checksum;
mod faces;
mod foreign;
mod graphs;
mod lock;
mod maintain;
mod notes;
mod others;
mod columns;
mod connection;
mod damage;
mod records;
mod set_aside;
mod vectors;

pub use cache::{StoreInfo, StoreSummary, Unknown, list, remove, remove_set_aside};
pub use checksum::{checksum, is_whole};
use damage::{Fault, Saved, plain, set_records_aside, sql};
pub use damage::{ROWS_AT_ONCE, built_anew, written_anew};
use foreign::set_aside_foreign;
pub use graphs::{KeptGraphs, Numbered};
pub use lock::last_beat;
use lock::{Lock, make_and_lock};
pub use others::{Others, TakenOver};
use set_aside::set_aside;
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
    /// What a row stands for; the model decides it.
    pub rows: RowKind,
}

impl Key {
    /// The settings as one line that is kept in the store and compared when it is opened.
    fn line(&self) -> String {
        let Self { model, fingerprint, preprocessing, exact, dim, .. } = self;
        format!("model={model} fingerprint={fingerprint} preprocessing={preprocessing} exact={exact} dim={dim}")
    }

    fn folder_name(&self) -> String {
        folder_name(&self.root, &self.line(), schema(self.rows))
    }
}

/// The name of a store's folder, which a person recognizes in the cache and which no two keys share.
fn folder_name(root: &Path, line: &str, schema: i32) -> String {
    let mut hash = Sha256::new();
    hash.update(root.as_os_str().as_bytes());
    hash.update([0]);
    hash.update(line);
    hash.update(format!(" schema={schema}"));
    let hash: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let name = root.file_name().unwrap_or_default().to_string_lossy();
    let tidy: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).take(32).collect();
    format!("{tidy}-{hash}")
}

const DATABASE: &str = "records.sqlite";
/// Tells databases of lookalike from others; "look" in ASCII.
const APPLICATION: i32 = 0x6c6f_6f6b;
/// The version of the tables for rows that stand for pictures. It is part of a store's name, see [`Key::folder_name`].
const PICTURES: i32 = 3;
/// The version of the tables for rows that stand for faces.
const FACES: i32 = 4;

fn schema(rows: RowKind) -> i32 {
    match rows {
        RowKind::Picture => PICTURES,
        RowKind::Face => FACES,
    }
}

/// Never a reason to set it aside: it holds hours of work, and whoever wrote it goes on using it.
const OTHER_VERSION: &str = "another version of lookalike wrote it: use that one, or another folder with --cache-dir";
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
    /// Number of the columnar copy of the records, 0 when there is none.
    columns: i64,
    /// The rows before this one are in the columnar copy.
    in_columns: u32,
}

/// One row on record, besides what the segment says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowState {
    /// No picture: the row was replaced or its record deleted.
    Vacant,
    /// The file was there when it was last looked for.
    Present,
    /// The file had vanished when it was last looked for.
    Gone,
    /// There is a record that cannot be read.
    Damaged,
}

/// Rows of a store, from one row on.
pub struct Loaded {
    /// The pictures; all rows that are not [`RowState::Present`] are marked dead.
    pub segment: Segment,
    /// One a row of the segment.
    pub states: Vec<RowState>,
    /// The checksum of each row when it was written, which [`is_whole`] understands: what [`checksum`] gives, or a sum of the
    /// embedding alone.
    pub sums: Vec<u32>,
    /// Row number of the segment's first row.
    pub first: u32,
}

/// A file that was tried and could not be embedded; not tried again until it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The file as it was when it was tried.
    pub file: ImageFile,
    /// Why, see [`crate::scan::Skipped`].
    pub kind: SkippedKind,
    /// The same in a sentence.
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
    /// See [`ImageFile::changed`].
    pub changed: i64,
}

/// What one transaction changes.
#[derive(Default)]
pub struct Change<'a> {
    /// New rows with the hashes of their files; rows on record for the same paths are replaced. The rows of a picture follow
    /// on one another, and so do the rows that the other fields list.
    pub rows: Option<(&'a Segment, &'a [ContentHash])>,
    /// Files that could not be embedded; rows on record for them are deleted.
    pub failed: &'a [Failure],
    /// Rows whose files were not found any more.
    pub gone: &'a [u32],
    /// Files that are there (again), perhaps with another size or time.
    pub present: &'a [Present],
    /// Rows that are deleted.
    pub deleted: &'a [u32],
    /// Rows that are deleted because their records are damaged: what the indexes of the tables say is not believed either.
    pub damaged: &'a [u32],
    /// Paths whose failures are forgotten.
    pub forgotten: &'a [PathBuf],
    /// How many files a run that is over skipped, for whatever reason.
    pub skipped: Option<u32>,
}

/// What opening a store comes to.
pub enum Opened {
    /// This process may write.
    Writer(Store),
    /// Another process is writing; its committed rows can be read, once there are any.
    Reader(Option<Store>),
    /// It cannot be written, for this reason; what it holds can be read.
    ReadOnly(Store, Error),
}

/// Opens the store, as its writer when no other process is. Damage is repaired, or set aside and the store built anew, with the
/// rows that can still be read; that is said in `notes`. Only a writer does so, and finds what the first look shows: [`Store::load`] may find more.
///
/// # Errors
/// [`Error::Io`] or [`Error::Store`] when the cache folder cannot be used and nothing can be read there.
pub fn open(cache: &Path, key: &Key, notes: &mut Vec<String>) -> Result<Opened> {
    let folder = cache.join(key.folder_name());
    if fs::symlink_metadata(&folder).is_ok_and(|metadata| !metadata.is_dir()) {
        let aside = set_aside(&folder)?;
        notes.push(format!("{} is not a lookalike index and was moved to {}", printable(&folder), printable(aside)));
    }
    let opened = match make_and_lock(&folder) {
        Ok(Some(lock)) => open_as_writer(&folder, key, lock, notes),
        Ok(None) => return Ok(Opened::Reader(Store::open(&folder, key, None).ok())),
        Err(error) => Err(error),
    };
    match opened {
        Ok(store) => Ok(Opened::Writer(store)),
        // What was set aside is not there any more.
        Err(error @ Error::DamagedStore { .. }) => Err(error),
        // Nobody may write there, or the disk is full: that must not cost what is on it.
        Err(error) => match Store::open(&folder, key, None) {
            Ok(store) => Ok(Opened::ReadOnly(store, error)),
            Err(_) => Err(error),
        },
    }
}

fn open_as_writer(folder: &Path, key: &Key, lock: Lock, notes: &mut Vec<String>) -> Result<Store> {
    let lock = Arc::new(lock.beating());
    set_aside_foreign(folder, notes)?;
    let attempt = Store::open(folder, key, Some(lock.clone()))
        .and_then(|mut store| store.mending(|store| store.maintain(notes)).map(|()| store));
    match attempt {
        Ok(store) => Ok(store),
        Err(fault) => {
            let (reason, saved) = (fault.damage()?, Saved::read(folder, key));
            let damaged = set_records_aside(folder, key, reason);
            if !matches!(damaged, Error::DamagedStore { .. }) {
                return Err(damaged);
            }
            let mut store = Store::open(folder, key, Some(lock)).map_err(|fault| plain(folder, fault))?;
            let saved = saved.map_or(Ok(0), |saved| saved.put_into(&mut store));
            notes.push(written_anew(&damaged, *saved.as_ref().unwrap_or(&0)));
            saved.map(|_| store)
        }
    }
}

impl Store {
    fn open(folder: &Path, key: &Key, lock: Option<Arc<Lock>>) -> Result<Self, Fault> {
        let path = folder.join(DATABASE);
        let writer = lock.is_some();
        let open = if writer { connection::to_write } else { connection::to_read };
        let mut db = open(&path, Duration::from_secs(10)).map_err(|e| sql(&path, e))?;
        let made = (|| {
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
            (APPLICATION, version, _) if version == schema(key.rows) => {}
            (0, 0, 0) if writer => create(&mut db, folder, key).map_err(|e| sql(&path, e))?,
            (APPLICATION, _, _) => return Err(Fault::Other(Error::store(path, OTHER_VERSION))),
            _ => return Err(Fault::Damaged("its database was not made by lookalike".into())),
        }
        if writer {
            connection::tune(&db, folder).map_err(|e| sql(&path, e))?;
        }
        let mut store = Self::read_meta(folder, key, db, writer)?;
        store.lock = lock;
        Ok(store)
    }

    fn read_meta(folder: &Path, key: &Key, db: Connection, writer: bool) -> Result<Self, Fault> {
        let path = folder.join(DATABASE);
        let query = "SELECT root, settings, vectors, next_row, live, columns, in_columns FROM store";
        let (root, settings, meta) = db
            .query_row(query, [], |row| {
                let meta = Meta {
                    generation: row.get(2)?,
                    next_row: row.get(3)?,
                    live: row.get(4)?,
                    columns: row.get(5)?,
                    in_columns: row.get(6)?,
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

    /// Whether this process may write.
    #[must_use]
    pub fn is_writer(&self) -> bool {
        self.lock.is_some()
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

fn create(db: &mut Connection, folder: &Path, key: &Key) -> rusqlite::Result<()> {
    // A number that no older database here has used, so that who follows this store notices that it is another one.
    let generation = now();
    connection::tune(db, folder)?;
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (path, face) = match key.rows {
        RowKind::Picture => ("path BLOB NOT NULL UNIQUE", ""),
        RowKind::Face => ("path BLOB NOT NULL", ", part INTEGER NOT NULL, face BLOB NOT NULL, UNIQUE (path, part)"),
    };
    tx.execute_batch(&format!(
        "CREATE TABLE store (root BLOB NOT NULL, model TEXT NOT NULL, settings TEXT NOT NULL,
             vectors INTEGER NOT NULL, next_row INTEGER NOT NULL, live INTEGER NOT NULL DEFAULT 0,
             columns INTEGER NOT NULL DEFAULT 0, in_columns INTEGER NOT NULL DEFAULT 0, used INTEGER NOT NULL,
             skipped INTEGER NOT NULL DEFAULT 0);
         CREATE TABLE images (row INTEGER PRIMARY KEY, {path}, size INTEGER NOT NULL,
             modified INTEGER NOT NULL, changed INTEGER NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, format TEXT NOT NULL,
             norm REAL NOT NULL, scale REAL NOT NULL, checksum INTEGER NOT NULL, gone INTEGER, hash BLOB NOT NULL{face});
         CREATE INDEX images_by_content ON images (size, hash);
         CREATE INDEX images_gone ON images (gone) WHERE gone IS NOT NULL;
         CREATE TABLE edited (row INTEGER PRIMARY KEY);
         CREATE TABLE failures (path BLOB PRIMARY KEY, size INTEGER NOT NULL, modified INTEGER NOT NULL,
             changed INTEGER NOT NULL, reason TEXT NOT NULL, program TEXT NOT NULL) WITHOUT ROWID;",
    ))?;
    let root = key.root.as_os_str().as_bytes();
    tx.execute(
        "INSERT INTO store (root, model, settings, vectors, next_row, used) VALUES (?1, ?2, ?3, ?4, 0, ?5)",
        params![root, key.model, key.line(), generation, now()],
    )?;
    tx.pragma_update(None, "application_id", APPLICATION)?;
    tx.pragma_update(None, "user_version", schema(key.rows))?;
    tx.commit()
}

/// Whether something is there that is no file, nor a link to one: opening a pipe waits for ever.
fn is_no_file(path: &Path) -> bool {
    fs::metadata(path).map_or_else(|_| fs::symlink_metadata(path).is_ok(), |metadata| !metadata.is_file())
}

fn vector_name(generation: i64) -> String {
    format!("vectors-{generation}.f16")
}

/// Seconds since the Unix epoch.
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}
