//! What a store does for itself when its writer opens it: repair, forget, compact.

use std::fs;

use rusqlite::params;

use super::{
    COMPACT_FROM, DATABASE, Fault, KEEP_GONE, Meta, Store, columns::forget_columns, now, sql, vector_name,
    vectors::Vectors,
};
use crate::printable::printable;

impl Store {
    /// Repairs what can be repaired, forgets what vanished long ago, and compacts.
    pub(super) fn maintain(&mut self, notes: &mut Vec<String>) -> Result<(), Fault> {
        let held = self.vectors.held()?;
        if held < self.meta.next_row {
            // The numbers of the lost rows are given to others.
            self.drop_graphs();
            let lost = self.change(|tx| {
                forget_columns(tx)?;
                // The faces of one picture stay or go together.
                let of_lost = "DELETE FROM images WHERE path IN (SELECT path FROM images WHERE row >= ?1)";
                let lost = tx.execute(of_lost, [held])? as u32;
                tx.execute("UPDATE store SET next_row = ?1, live = max(live - ?2, 0)", [held, lost])?;
                Ok(lost)
            })?;
            let live = self.meta.live.saturating_sub(lost);
            self.meta = Meta { next_row: held, live, columns: 0, in_columns: 0, ..self.meta };
            notes.push(format!(
                "the vectors of {} in {} were missing and are computed again",
                self.key.rows.counted(lost as usize),
                printable(self.folder.join(DATABASE))
            ));
        }
        if self.query::<Option<u32>>("SELECT max(row) FROM images")? >= Some(self.meta.next_row) {
            return Err(Fault::Damaged("its records and its vectors do not belong together".into()));
        }
        let long_ago = now() - KEEP_GONE.as_secs() as i64;
        let forgotten = self.change(|tx| {
            tx.execute("INSERT OR IGNORE INTO edited SELECT row FROM images WHERE gone < ?1", [long_ago])?;
            let forgotten = tx.execute("DELETE FROM images WHERE gone < ?1", [long_ago])? as u32;
            tx.execute("UPDATE store SET used = ?1, live = max(live - ?2, 0)", params![now(), forgotten])?;
            Ok(forgotten)
        })?;
        self.forget_unbelieved_failures()?;
        // The number on disk is only counted along, and may be anything in a damaged store.
        self.meta.live = self.meta.live.saturating_sub(forgotten);
        if self.meta.next_row > COMPACT_FROM && self.meta.live < self.meta.next_row / 2 {
            match self.compact() {
                // It needs room on the disk, of which there may be too little: the next start tries again.
                Err(Fault::Other(_)) => {}
                compacted => compacted?,
            }
        }
        self.drop_columns(self.meta.columns);
        self.drop_old_generations();
        Ok(())
    }

    /// Rewrites the vectors without vacant rows. Readers keep the file they have mapped.
    fn compact(&mut self) -> Result<(), Fault> {
        const CHUNK: usize = 1024;
        let generation = self.meta.generation + 1;
        let vectors = Vectors::create(&self.folder.join(vector_name(generation)), self.key.dim)?;
        let all = self.vectors.rows(0, self.meta.next_row)?;
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
            forget_columns(tx)?;
            let rows = kept.len() as u32;
            tx.execute("UPDATE store SET vectors = ?1, next_row = ?2, live = ?2", params![generation, rows])
        })?;
        self.vectors = vectors;
        let rows = kept.len() as u32;
        self.meta = Meta { generation, next_row: rows, live: rows, columns: 0, in_columns: 0 };
        Ok(())
    }

    /// Vector files that no record speaks of are left by a compaction that was cut short, or done.
    fn drop_old_generations(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if is_vector_name(&name) && *name != vector_name(self.meta.generation) {
                // A leftover costs space and nothing else; the next start tries again.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

pub(super) fn is_vector_name(name: &str) -> bool {
    name.starts_with("vectors-") && name.ends_with(".f16")
}
