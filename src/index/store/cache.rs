//! The cache folder as a whole: which stores there are, how large, how old; and their removal.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rusqlite::{Connection, OpenFlags};

use super::{
    APPLICATION, DATABASE, LOCK, graphs::is_graph_name, lock, maintain::is_vector_name, photograph::is_photograph_name,
};
use crate::error::{Error, Result};

/// One store in the cache folder.
#[derive(Debug, Clone)]
pub struct Listing {
    /// The store's own folder.
    pub folder: PathBuf,
    /// Bytes of all files in it.
    pub bytes: u64,
    /// Bytes among them that were set aside as damaged.
    pub set_aside: u64,
    /// What it holds; `None` when it cannot be read, as with what was damaged or belongs to something else.
    pub content: Option<Content>,
}

/// What a store says of itself.
#[derive(Debug, Clone)]
pub struct Content {
    /// The folder that was indexed.
    pub root: PathBuf,
    /// The model's name.
    pub model: String,
    /// Embedded images.
    pub images: u64,
    /// Images remembered as unreadable.
    pub skipped: u64,
    /// When a run last wrote to it.
    pub used: SystemTime,
}

/// The stores in a cache folder, most recently used first. A folder that is not there holds none.
///
/// # Errors
/// [`Error::Io`] when the folder cannot be listed.
pub fn list(cache: &Path) -> Result<Vec<Listing>> {
    let entries = match fs::read_dir(cache) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(Error::io("list", cache))?,
    };
    let mut stores = Vec::new();
    for entry in entries {
        let folder = entry.map_err(Error::io("list", cache))?.path();
        // Other things may live in the cache folder; a store is a folder with records, or with what was set aside.
        let Some((bytes, set_aside)) = store_size(&folder) else { continue };
        let content = content(&folder).ok().flatten();
        stores.push(Listing { folder, bytes, set_aside, content });
    }
    stores.sort_by_key(|store| std::cmp::Reverse(store.content.as_ref().map(|content| content.used)));
    Ok(stores)
}

/// Deletes a store; `false` when another process is writing to it.
///
/// # Errors
/// [`Error::Io`] when it cannot be deleted.
pub fn remove(store: &Listing) -> Result<bool> {
    let Some(_held) = lock(&store.folder)? else { return Ok(false) };
    for entry in fs::read_dir(&store.folder).map_err(Error::io("list", &store.folder))?.flatten() {
        if is_ours(&entry.file_name()) {
            fs::remove_file(entry.path()).map_err(Error::io("delete", entry.path()))?;
        }
    }
    match fs::remove_dir(&store.folder) {
        // What somebody else put there stays theirs.
        Err(error) if error.kind() == std::io::ErrorKind::DirectoryNotEmpty => Ok(true),
        done => done.map(|()| true).map_err(Error::io("delete", &store.folder)),
    }
}

/// Whether a store makes files of this name.
fn is_ours(name: &OsStr) -> bool {
    let text = name.to_string_lossy();
    text == LOCK
        || text.starts_with(DATABASE)
        || is_vector_name(&text)
        || is_photograph_name(&text)
        || is_graph_name(&text)
        || is_set_aside(name)
}

/// Deletes what was set aside in a store; `false` when another process is writing to it.
///
/// # Errors
/// [`Error::Io`] when it cannot be deleted.
pub fn remove_set_aside(store: &Listing) -> Result<bool> {
    let Some(_held) = lock(&store.folder)? else { return Ok(false) };
    for entry in fs::read_dir(&store.folder).map_err(Error::io("list", &store.folder))?.flatten() {
        if is_set_aside(&entry.file_name()) {
            fs::remove_file(entry.path()).map_err(Error::io("delete", entry.path()))?;
        }
    }
    Ok(true)
}

fn is_set_aside(name: &OsStr) -> bool {
    name.to_string_lossy().contains(".set-aside-")
}

/// Bytes of a store's files, and of those that were set aside; `None` for folders that are no stores.
fn store_size(folder: &Path) -> Option<(u64, u64)> {
    let (mut bytes, mut set_aside, mut records, mut locked) = (0, 0, false, false);
    for entry in fs::read_dir(folder).ok()?.flatten() {
        let name = entry.file_name();
        let size = entry.metadata().map_or(0, |metadata| metadata.len());
        records |= name.as_bytes().starts_with(DATABASE.as_bytes());
        locked |= name == LOCK;
        bytes += size;
        set_aside += if is_set_aside(&name) { size } else { 0 };
    }
    (records && locked).then_some((bytes, set_aside))
}

fn content(folder: &Path) -> rusqlite::Result<Option<Content>> {
    let db = Connection::open_with_flags(folder.join(DATABASE), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    db.busy_timeout(Duration::from_secs(2))?;
    let application: i32 = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if application != APPLICATION {
        return Ok(None);
    }
    let count = |table: &str| db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0));
    let (images, skipped) = (count("images WHERE gone IS NULL")? as u64, count("failures")? as u64);
    db.query_row("SELECT root, model, used FROM store", [], |row| {
        let used = SystemTime::UNIX_EPOCH + Duration::from_secs(row.get::<_, i64>(2)?.max(0) as u64);
        let root = PathBuf::from(OsStr::from_bytes(row.get_ref(0)?.as_blob()?));
        Ok(Some(Content { root, model: row.get(1)?, images, skipped, used }))
    })
}
