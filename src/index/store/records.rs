//! The records of a store: read in one pass when a run starts, changed in small transactions while it works.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use rusqlite::{Row, params, types::ValueRef};

use super::{Change, ContentHash, DATABASE, Failure, Fault, Loaded, RowState, Store, now, sql};
use crate::{
    error::{Error, Result},
    index::{Image, Segment},
    scan::ImageFile,
};

/// The version that wrote a record of failure: another one may read what this one cannot.
pub(super) const PROGRAM: &str = env!("CARGO_PKG_VERSION");

impl Store {
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
                let gone = row.get_ref(9)? != ValueRef::Null;
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
