//! Embeddings that other stores hold: a folder that was renamed, or is mounted elsewhere, has a new store. What is known of
//! a picture's content is taken from where it is.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    APPLICATION, ContentHash, DATABASE, Key, SCHEMA, connection, records::knows_size, vector_name, vectors::Vectors,
    vectors::checksum_of,
};
use crate::index::images::format_named;

/// The other stores of a cache whose embeddings are of the same kind; they are only read.
#[derive(Default)]
pub struct Others(Vec<Other>);

struct Other {
    root: PathBuf,
    db: Connection,
    vectors: Vectors,
}

/// An embedding that another store holds.
pub struct Taken<'a> {
    /// The folder that store is of.
    pub root: &'a Path,
    /// Width and height, see [`crate::index::Image`].
    pub pixels: (u32, u32),
    /// See [`crate::index::Image`].
    pub format: &'static str,
    /// The raw embedding.
    pub embedding: Vec<f32>,
}

impl Others {
    /// The stores in a cache folder that have the settings of `key` and are not its own. One that cannot be read is none.
    #[must_use]
    pub fn open(cache: &Path, key: &Key) -> Self {
        let own = cache.join(key.folder_name());
        let folders = fs::read_dir(cache).into_iter().flatten().flatten().map(|entry| entry.path());
        Self(folders.filter(|folder| *folder != own).filter_map(|folder| Other::open(&folder, key)).collect())
    }

    /// Whether one of them has a file of this size.
    #[must_use]
    pub fn know_size(&self, size: u64) -> bool {
        self.0.iter().any(|other| knows_size(&other.db, size).unwrap_or(false))
    }

    /// The embedding of a file of this size and content.
    #[must_use]
    pub fn find(&self, size: u64, hash: &ContentHash) -> Option<Taken<'_>> {
        self.0.iter().find_map(|other| other.find(size, hash).ok().flatten())
    }
}

impl Other {
    fn open(folder: &Path, key: &Key) -> Option<Self> {
        let path = folder.join(DATABASE);
        if !path.is_file() {
            return None;
        }
        let db = connection::to_read(&path, Duration::from_secs(2)).ok()?;
        // All is of one moment: compaction gives rows other numbers.
        db.execute_batch("BEGIN").ok()?;
        let number = |pragma| db.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0)).ok();
        if number("application_id")? != APPLICATION || number("user_version")? != SCHEMA {
            return None;
        }
        let (root, settings, generation) = db
            .query_row("SELECT root, settings, vectors FROM store", [], |row| {
                let root = PathBuf::from(OsStr::from_bytes(row.get_ref(0)?.as_blob()?));
                Ok((root, row.get::<_, String>(1)?, row.get(2)?))
            })
            .ok()?;
        if settings != key.line() {
            return None;
        }
        let vectors = Vectors::open(&folder.join(vector_name(generation)), key.dim, false).ok()?;
        Some(Self { root, db, vectors })
    }

    fn find(&self, size: u64, hash: &ContentHash) -> rusqlite::Result<Option<Taken<'_>>> {
        let mut found = self.db.prepare_cached(
            "SELECT row, width, height, format, norm, scale, checksum FROM images WHERE size = ?1 AND hash = ?2 LIMIT 1",
        )?;
        let found = found.query_row(params![size as i64, hash], |row| {
            let format = format_named(row.get_ref(3)?.as_str()?);
            let (norm, scale): (f32, f32) = (row.get(4)?, row.get(5)?);
            Ok((row.get::<_, u32>(0)?, (row.get(1)?, row.get(2)?), format, norm, scale, row.get::<_, u32>(6)?))
        });
        let Some((row, pixels, format, stored, scale, sum)) = found.optional()? else { return Ok(None) };
        let Ok(values) = self.vectors.read(row) else { return Ok(None) };
        let sound = checksum_of(&values, scale, stored) == sum;
        let embedding = values.iter().map(|value| value.to_f32() * scale).collect();
        Ok(sound.then_some(Taken { root: &self.root, pixels, format, embedding }))
    }
}
