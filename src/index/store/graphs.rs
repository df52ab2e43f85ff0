//! Graphs of the nearest pictures, kept beside the rows they were made of, as bytes that only `similarity` understands.
//!
//! A graph names rows by their numbers, so its file is named after the generation of the numbers: when compaction gives
//! out others, or rows were lost whose numbers are used again, it is made anew. It is written under another name and then
//! renamed, so a run may be killed at any moment.

use std::fs;

use super::Store;
use crate::error::{Error, Result};

impl Store {
    /// The bytes last kept under a name, a metric's say; `None` when there are none for the rows as they are numbered now.
    #[must_use]
    pub fn graph(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.folder.join(file_name(name, self.meta.generation))).ok()
    }

    /// Keeps a graph in the place of the one of that name. Who only reads the store keeps nothing.
    ///
    /// # Errors
    /// [`Error::Io`]; what was kept before is still there.
    pub fn keep_graph(&self, name: &str, bytes: &[u8]) -> Result<()> {
        if self.lock.is_none() {
            return Ok(());
        }
        let path = self.folder.join(file_name(name, self.meta.generation));
        let part = path.with_extension("part");
        fs::write(&part, bytes).map_err(Error::io("write", &part))?;
        fs::rename(&part, &path).map_err(Error::io("rename", &part))?;
        self.drop_graphs(Some(self.meta.generation));
        Ok(())
    }

    /// Deletes the graphs of all generations but one.
    pub(super) fn drop_graphs(&self, but: Option<i64>) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let stays = but.is_some_and(|generation| name.ends_with(&format!("-{generation}.graph")));
            if self.lock.is_some() && is_graph_name(&name) && !stays {
                // A leftover costs space and nothing else.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

fn file_name(name: &str, generation: i64) -> String {
    format!("graph-{name}-{generation}.graph")
}

pub(super) fn is_graph_name(name: &str) -> bool {
    name.starts_with("graph-") && (name.ends_with(".graph") || name.ends_with(".part"))
}
