//! The cache folder as a whole: which stores there are, how large, how old; and their removal.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::{
    APPLICATION, DATABASE, FACES, KEEP_GONE, PICTURES,
    columns::is_columns_name,
    connection, folder_name,
    graphs::is_graph_name,
    lock::{LOCK, lock},
    maintain::is_vector_name,
    notes::is_notes_name,
    set_aside::is_set_aside,
};
use crate::error::{Error, Result};

/// What is known of one store in the cache folder.
#[derive(Debug, Clone)]
pub struct StoreInfo {
    /// The store's own folder.
    pub folder: PathBuf,
    /// Bytes of all files in it.
    pub bytes: u64,
    /// Bytes among them that were set aside as damaged.
    pub set_aside: u64,
    /// What it holds, or why that is not known.
    pub content: Result<StoreSummary, Unknown>,
}

/// Why a store does not say what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// A newer version of lookalike wrote it.
    Newer,
    /// It is damaged, busy, or belongs to something else.
    Unreadable,
}

/// What a store says of itself.
#[derive(Debug, Clone)]
pub struct StoreSummary {
    /// The folder that was indexed.
    pub root: PathBuf,
    /// The model's name.
    pub model: String,
    /// Embedded images.
    pub images: u64,
    /// The faces in them, where the rows stand for faces.
    pub faces: Option<u64>,
    /// Files that the last run skipped.
    pub skipped: u64,
    /// Whether an earlier version of lookalike wrote it, which alone can use it.
    pub earlier: bool,
    /// When a run last wrote to it.
    pub used: SystemTime,
}

impl StoreSummary {
    /// Whether its folder is certainly not there: what cannot be looked at may be there.
    #[must_use]
    pub fn root_is_gone(&self) -> bool {
        matches!(self.root.try_exists(), Ok(false))
    }

    /// Whether no run used it for as long as pictures that vanished are remembered: a disk may come back until then.
    #[must_use]
    pub fn is_old(&self) -> bool {
        self.used.elapsed().is_ok_and(|unused| unused > KEEP_GONE)
    }
}

/// The stores in a cache folder, most recently used first. A folder that is not there holds none.
///
/// # Errors
/// [`Error::Io`] when the folder cannot be listed.
pub fn list(cache: &Path) -> Result<Vec<StoreInfo>> {
    let entries = match fs::read_dir(cache) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(Error::io("list", cache))?,
    };
    let mut stores = Vec::new();
    for entry in entries {
        let folder = entry.map_err(Error::io("list", cache))?.path();
        // Other things may live in the cache folder; a store is a folder with records, or with what was set aside.
        let Some((bytes, set_aside)) = store_size(&folder) else { continue };
        let content = content(&folder).unwrap_or(Err(Unknown::Unreadable));
        stores.push(StoreInfo { folder, bytes, set_aside, content });
    }
    stores.sort_by_key(|store| std::cmp::Reverse(store.content.as_ref().ok().map(|content| content.used)));
    Ok(stores)
}

/// Deletes a store; `false` when another process is writing to it.
///
/// # Errors
/// [`Error::Io`] when it cannot be deleted.
pub fn remove(store: &StoreInfo) -> Result<bool> {
    let Some(_held) = lock(&store.folder)? else { return Ok(false) };
    delete_all(&store.folder, is_store_file)?;
    // Last, because who finds no lock makes one, and a new store with it.
    let lock = store.folder.join(LOCK);
    fs::remove_file(&lock).map_err(Error::io("delete", &lock))?;
    match fs::remove_dir(&store.folder) {
        // Another process makes a new store already, or somebody put a file of their own there.
        Err(error) if error.kind() == std::io::ErrorKind::DirectoryNotEmpty => Ok(true),
        done => done.map(|()| true).map_err(Error::io("delete", &store.folder)),
    }
}

/// Whether a store makes files of this name, besides its lock.
pub(super) fn is_store_file(name: &OsStr) -> bool {
    let text = name.to_string_lossy();
    text.starts_with(DATABASE)
        || is_vector_name(&text)
        || is_columns_name(&text)
        || is_graph_name(&text)
        || is_notes_name(&text)
        || is_set_aside(name)
}

/// Deletes what was set aside in a store; `false` when another process is writing to it.
///
/// # Errors
/// [`Error::Io`] when it cannot be deleted.
pub fn remove_set_aside(store: &StoreInfo) -> Result<bool> {
    let Some(_held) = lock(&store.folder)? else { return Ok(false) };
    delete_all(&store.folder, is_set_aside).map(|()| true)
}

/// Deletes the files of a store whose names are such. No store makes folders: one that has such a name, and something in
/// it, is somebody's own.
fn delete_all(folder: &Path, is_such: impl Fn(&OsStr) -> bool) -> Result<()> {
    let entries = fs::read_dir(folder).map_err(Error::io("list", folder))?.flatten();
    for entry in entries.filter(|entry| is_such(&entry.file_name())) {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let _ = fs::remove_dir(path);
        } else {
            fs::remove_file(&path).map_err(Error::io("delete", path))?;
        }
    }
    Ok(())
}

/// Bytes of a store's files, and of those that were set aside; `None` for folders that are no stores.
fn store_size(folder: &Path) -> Option<(u64, u64)> {
    let (mut bytes, mut set_aside, mut records, mut locked) = (0, 0, false, false);
    for entry in fs::read_dir(folder).ok()?.flatten() {
        let name = entry.file_name();
        let size = entry.metadata().ok().filter(fs::Metadata::is_file).map_or(0, |metadata| metadata.len());
        records |= name.as_bytes().starts_with(DATABASE.as_bytes());
        locked |= name == LOCK;
        bytes += size;
        set_aside += if is_set_aside(&name) { size } else { 0 };
    }
    (records && locked).then_some((bytes, set_aside))
}

fn content(folder: &Path) -> rusqlite::Result<Result<StoreSummary, Unknown>> {
    let db = connection::to_read(&folder.join(DATABASE), Duration::from_secs(2))?;
    let application: i32 = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let schema: i32 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match application {
        APPLICATION if schema > FACES => return Ok(Err(Unknown::Newer)),
        APPLICATION => {}
        _ => return Ok(Err(Unknown::Unreadable)),
    }
    let count = |what: &str| {
        let query = format!("SELECT count(*) FROM images WHERE gone IS NULL{what}");
        db.query_row(&query, [], |row| row.get::<_, i64>(0)).map(|count| count as u64)
    };
    let (images, faces) =
        if schema == FACES { (count(" AND part = 0")?, Some(count("")?)) } else { (count("")?, None) };
    // Earlier schemas counted only the files that are not tried again.
    let skipped = if schema < 3 { "(SELECT count(*) FROM failures)" } else { "skipped" };
    db.query_row(&format!("SELECT root, model, used, {skipped}, settings FROM store"), [], |row| {
        let skipped = row.get::<_, i64>(3)? as u64;
        let used = SystemTime::UNIX_EPOCH + Duration::from_secs(row.get::<_, i64>(2)?.max(0) as u64);
        let root = PathBuf::from(OsStr::from_bytes(row.get_ref(0)?.as_blob()?));
        let (model, settings): (String, String) = (row.get(1)?, row.get(4)?);
        // A folder that seems to be gone because its name was damaged would be pruned.
        let is_its_own = folder.file_name() == Some(OsStr::new(&folder_name(&root, &settings, schema)));
        let is_its_own = is_its_own && settings.starts_with(&format!("model={model} "));
        if !is_its_own && schema >= PICTURES {
            return Ok(Err(Unknown::Unreadable));
        }
        Ok(Ok(StoreSummary { root, model, images, faces, skipped, earlier: schema < PICTURES, used }))
    })
}
