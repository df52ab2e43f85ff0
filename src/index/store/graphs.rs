//! Graphs of the nearest pictures and maps made of them, kept beside the rows they were made of, as bytes that only
//! `similarity` and `analysis` understand; both are called graphs here.
//!
//! A graph names rows by their numbers, so its file is named after the generation of the numbers: when compaction gives
//! out others it is made anew, and where rows were lost whose numbers are used again all graphs are deleted. It is written
//! under another name and then renamed, so a run may be killed at any moment.

use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    time::Duration,
};

use super::{
    DATABASE, Store, connection,
    lock::{self, Lock},
};
use crate::{
    error::{Error, Result},
    files,
    index::{ImageId, Index},
};

/// How long a graph may wait to be kept while another process changes the database.
const PATIENCE: Duration = Duration::from_millis(200);

/// Rows of a store that follow on one another, as do their ids in an index.
#[derive(Debug, Clone, Copy)]
pub struct Numbered {
    /// The number of the first row.
    pub row: u32,
    /// Its id.
    pub id: ImageId,
    /// How many they are.
    pub len: u32,
}

/// Where the graphs of a store's rows are kept, and which ids the rows have: for the time of a run and after it.
#[derive(Clone)]
pub struct KeptGraphs {
    pub(super) folder: PathBuf,
    generation: i64,
    /// The right to write that the run has, while it goes on.
    lock: Weak<Lock>,
    /// See [`Index::run`].
    run: u64,
    /// In the order of their rows, which is that of their ids.
    rows: Vec<Numbered>,
}

impl Store {
    /// The graphs of this store's rows as they are numbered now, for an index that holds these of them.
    #[must_use]
    pub fn graphs(&self, index: &Index, rows: Vec<Numbered>) -> KeptGraphs {
        let lock = self.lock.as_ref().map(Arc::downgrade).unwrap_or_default();
        KeptGraphs { folder: self.folder.clone(), generation: self.meta.generation, lock, run: index.run(), rows }
    }

    /// Deletes all graphs.
    pub(super) fn drop_graphs(&self) {
        drop_graphs(&self.folder, None);
    }
}

impl KeptGraphs {
    /// Whether the ids are those of this index.
    #[must_use]
    pub fn are_of(&self, index: &Index) -> bool {
        self.run == index.run()
    }

    /// The id of a row.
    #[must_use]
    pub fn id_of(&self, row: u32) -> Option<ImageId> {
        let at = self.rows.partition_point(|rows| rows.row <= row).checked_sub(1)?;
        let Numbered { row: first, id, len } = self.rows[at];
        (row - first < len).then(|| ImageId(id.0 + row - first))
    }

    /// The row of an id.
    #[must_use]
    pub fn row_of(&self, id: ImageId) -> Option<u32> {
        let at = self.rows.partition_point(|rows| rows.id <= id).checked_sub(1)?;
        let Numbered { row, id: first, len } = self.rows[at];
        (id.0 - first.0 < len).then(|| row + id.0 - first.0)
    }

    /// The bytes last kept under a name, a metric's or a map's method's; `None` when there are none for the rows as they are numbered.
    #[must_use]
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        files::open_regular(&self.folder.join(file_name(name, self.generation))).ok()?.read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Whether there are bytes under a name for the rows as they are numbered.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.folder.join(file_name(name, self.generation)).is_file()
    }

    /// Keeps a graph in the place of the one of that name. Nothing is kept when another process is writing the store or
    /// has given the rows other numbers, or when the store is gone.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Store`]; what was kept before is still there.
    pub fn keep(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let Some(_lock) = self.lock()? else { return Ok(()) };
        let path = self.folder.join(file_name(name, self.generation));
        let part = path.with_extension("part");
        files::replace(&path, &part, |part| part.write_all(bytes)).map_err(Error::io("write", &path))?;
        drop_graphs(&self.folder, Some(self.generation));
        Ok(())
    }

    /// The right to write beside the rows as they are numbered: the run's own, or taken for a moment.
    pub(super) fn lock(&self) -> Result<Option<Arc<Lock>>> {
        let path = self.folder.join(DATABASE);
        if !path.is_file() {
            return Ok(None);
        }
        let lock = match self.lock.upgrade() {
            Some(lock) => Some(lock),
            None => lock::lock(&self.folder)?.map(Arc::new),
        };
        let generation = connection::to_read(&path, PATIENCE)
            .and_then(|db| db.query_row("SELECT vectors FROM store", [], |row| row.get::<_, i64>(0)));
        let generation = generation.map_err(|error| Error::store(path, error.to_string()))?;
        Ok(lock.filter(|_| generation == self.generation))
    }
}

/// Deletes the graphs in a store's folder, of all generations but one.
fn drop_graphs(folder: &Path, but: Option<i64>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let stays = but.is_some_and(|generation| name.ends_with(&format!("-{generation}.graph")));
        if is_graph_name(&name) && !stays {
            // A leftover costs space and nothing else.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn file_name(name: &str, generation: i64) -> String {
    format!("graph-{name}-{generation}.graph")
}

pub(super) fn is_graph_name(name: &str) -> bool {
    name.starts_with("graph-") && (name.ends_with(".graph") || name.ends_with(".part"))
}
