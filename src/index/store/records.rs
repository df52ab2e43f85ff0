//! The records of a store: read in one pass when a run starts, changed in small transactions while it works.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path};

use rusqlite::{Connection, Row, ToSql, Transaction, ffi, params, types::ValueRef};

use super::{
    Change, ContentHash, DATABASE, Failure, Fault, Loaded, Meta, Present, RowState, Store, checksum,
    columns::{Records, forget_columns},
    faces, now, sql,
};
use crate::{
    error::{Error, Result},
    index::{RowKind, Segment, images::FaceRow},
    scan::{ImageFile, SkippedKind},
    text,
};

/// The version that wrote a record of failure: another one may read what this one cannot.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");

impl Store {
    /// The rows from `first` on, in one consistent view of what is committed: for a writer now, for a follower when it
    /// opened the store.
    ///
    /// # Errors
    /// [`Error::Store`] when the records cannot be read; [`Error::DamagedStore`] when that is because they are damaged and
    /// this process may write: the store is set aside then and must not be used any more.
    pub fn load(&mut self, first: u32) -> Result<Loaded> {
        let loaded = self.try_load(first);
        if self.lock.is_none() && !self.db.is_autocommit() {
            // A transaction that stays open keeps the writer's log from being emptied.
            self.db.execute_batch("COMMIT").map_err(|e| Error::store(self.folder.join(DATABASE), e))?;
        }
        loaded.map_err(|fault| self.set_aside_if_damaged(fault))
    }

    pub(super) fn try_load(&mut self, first: u32) -> Result<Loaded, Fault> {
        let mut records = if first == 0 { self.read_columns()? } else { Records::default() };
        if !records.states.is_empty() && self.read_edited(&mut records).is_err() {
            // What has changed since nobody knows: the table itself is read.
            records = Records::default();
        }
        let path = self.folder.join(DATABASE);
        self.read_rows(first, &mut records).map_err(|e| sql(&path, e))?;
        let Records { images, norms, scales, states, sums } = records;
        // Vacant rows at the end stand for nothing and need no place.
        let rows = self.vectors.rows(first, images.len() as u32)?;
        let dead = states.iter().enumerate().filter(|(_, state)| **state != RowState::Present);
        let dead = dead.map(|(row, _)| row as u32).collect();
        let segment = Segment { root: self.key.root.as_path().into(), images, norms, scales, rows, dead };
        Ok(Loaded { segment, states, sums, first })
    }

    /// Brings the rows of the columnar copy up to date. An edit never gives a row another path.
    fn read_edited(&self, records: &mut Records) -> rusqlite::Result<()> {
        let mut edited = self.db.prepare(
            "SELECT edited.row, size, modified, gone, images.row IS NULL, changed FROM edited LEFT JOIN images USING (row)",
        )?;
        let mut edited = edited.query([])?;
        while let Some(row) = edited.next()? {
            let at = row.get::<_, u32>(0)? as usize;
            if at >= records.states.len() {
                continue;
            }
            if row.get(4)? {
                records.states[at] = RowState::Vacant;
                continue;
            }
            records.states[at] = state_of(row.get_ref(3)?);
            match readable((|| Ok((row.get::<_, i64>(1)? as u64, [row.get(2)?, row.get(5)?])))())? {
                Some((size, times)) => records.images.set_file(at, size, times),
                None => records.states[at] = RowState::Damaged,
            }
        }
        Ok(())
    }

    /// Reads the rows that are not there yet, from `first` on.
    fn read_rows(&self, first: u32, records: &mut Records) -> rusqlite::Result<()> {
        let len = self.meta.next_row.saturating_sub(first) as usize;
        let faces = match self.key.rows {
            RowKind::Picture => "",
            RowKind::Face => ", part, face",
        };
        let mut rows = self.db.prepare(&format!(
            "SELECT row, path, size, modified, width, height, format, norm, scale, gone, changed, checksum{faces}
             FROM images WHERE row >= ?1 ORDER BY row",
        ))?;
        let mut rows = rows.query([first + records.states.len() as u32])?;
        while let Some(row) = rows.next()? {
            let at = row.get::<_, u32>(0)?.checked_sub(first).map(|at| at as usize);
            let Some(at) = at.filter(|at| *at >= records.states.len()) else {
                // They were asked for in their order: a page is broken in a way that SQLite does not see. It is said as SQLite
                // says what it does see, for it means the same.
                return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), None));
            };
            if at >= len {
                break;
            }
            while records.states.len() < at {
                records.push_none(RowState::Vacant);
            }
            if readable(records.push(row, self.key.rows))?.is_none() {
                records.push_none(RowState::Damaged);
            }
        }
        Ok(())
    }

    /// What has become of the rows before `end`, for a follower that takes over: it has seen only rows arrive.
    ///
    /// # Errors
    /// [`Error::Store`] or [`Error::DamagedStore`], as [`Self::load`].
    pub fn states(&self, end: u32) -> Result<Vec<RowState>> {
        let mut states = vec![RowState::Vacant; end as usize];
        (|| -> rusqlite::Result<()> {
            let mut rows = self.db.prepare("SELECT row, gone FROM images WHERE row < ?1")?;
            let mut rows = rows.query([end])?;
            while let Some(row) = rows.next()? {
                states[row.get::<_, u32>(0)? as usize] = state_of(row.get_ref(1)?);
            }
            Ok(())
        })()
        .map_err(|e| self.sql(e))?;
        Ok(states)
    }

    /// The files that could not be embedded when this version last tried them. Of a damaged record nothing is believed: the
    /// file is tried again.
    ///
    /// # Errors
    /// [`Error::Store`] or [`Error::DamagedStore`], as [`Self::load`].
    pub fn failures(&self) -> Result<Vec<Failure>> {
        self.read_failures().map(|(failures, _)| failures).map_err(|e| self.sql(e))
    }

    /// The same, and how many other records there are.
    pub(super) fn read_failures(&self) -> rusqlite::Result<(Vec<Failure>, usize)> {
        let failure = |row: &Row<'_>| -> rusqlite::Result<_> {
            let path = self.key.root.join(OsStr::from_bytes(row.get_ref(0)?.as_blob()?));
            let size = row.get::<_, i64>(1)? as u64;
            let file = ImageFile { path, size, modified: row.get(2)?, changed: row.get(3)? };
            let program: String = row.get(5)?;
            let kind = program.split(' ').nth(1).and_then(SkippedKind::named);
            let Some(kind) = kind else { return Ok(None) };
            let failure = Failure { file, kind, reason: row.get(4)? };
            // Another version may read what this one could not.
            let is_believed = program == program_and_sum(&failure, &self.key.root);
            Ok(is_believed.then_some(failure))
        };
        let mut rows = self.db.prepare("SELECT path, size, modified, changed, reason, program FROM failures")?;
        let mut rows = rows.query([])?;
        let (mut failures, mut others) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            match readable(failure(row))?.flatten() {
                Some(failure) => failures.push(failure),
                None => others += 1,
            }
        }
        Ok((failures, others))
    }

    /// Forgets the failures that nothing is believed of: under a damaged path no file would ever be met again.
    pub(super) fn forget_unbelieved_failures(&mut self) -> Result<(), Fault> {
        let path = self.folder.join(DATABASE);
        let (failed, others) = self.read_failures().map_err(|e| sql(&path, e))?;
        if others == 0 {
            return Ok(());
        }
        let root = self.key.root.clone();
        self.change(|tx| {
            // One by one a damaged path might not be found.
            tx.execute("DELETE FROM failures", [])?;
            remember_failures(tx, &Change { failed: &failed, ..Change::default() }, &root)
        })
    }

    /// Whether a file of this size is on record, present or gone.
    ///
    /// # Errors
    /// [`Error::Store`] or [`Error::DamagedStore`], as [`Self::load`].
    pub fn knows_size(&mut self, size: u64) -> Result<bool> {
        self.look_up(|db| knows_size(db, size))
    }

    /// Rows, present or gone, whose files had this size and content.
    ///
    /// # Errors
    /// [`Error::Store`] or [`Error::DamagedStore`], as [`Self::load`].
    pub fn rows_of_content(&mut self, size: u64, hash: &ContentHash) -> Result<Vec<u32>> {
        self.look_up(|db| rows_of_content(db, size, hash, usize::MAX))
    }

    /// Finds something by an index of a table, which is made anew where it is damaged.
    fn look_up<T>(&mut self, find: impl Fn(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let path = self.folder.join(DATABASE);
        let found = self.mending(|store| find(&store.db).map_err(|e| sql(&path, e)));
        found.map_err(|fault| self.set_aside_if_damaged(fault))
    }

    /// Commits a change: all of it or nothing. Returns the row number of the first new row.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Store`], a full disk for example: the store is as it was before. [`Error::DamagedStore`] when
    /// it is set aside as damaged and must not be used any more.
    pub fn commit(&mut self, change: &Change<'_>) -> Result<u32> {
        self.mending(|store| store.try_commit(change)).map_err(|fault| self.set_aside_if_damaged(fault))
    }

    fn try_commit(&mut self, change: &Change<'_>) -> Result<u32, Fault> {
        let mut meta = self.meta;
        let first = meta.next_row;
        if let Some((segment, _)) = change.rows {
            self.vectors.write(first, segment.rows.values())?;
        }
        let (root, kind) = (self.key.root.clone(), self.key.rows);
        self.change(|tx| {
            let mut edited = Vec::new();
            delete(tx, change, &root, &mut meta, &mut edited)?;
            record_presence(tx, change, &mut edited)?;
            remember_failures(tx, change, &root)?;
            insert(tx, change, kind, &mut meta, &mut edited)?;
            note_edits(tx, &edited, &mut meta)?;
            let update = "UPDATE store SET next_row = ?1, live = ?2, used = ?3, skipped = coalesce(?4, skipped)";
            tx.execute(update, params![meta.next_row, meta.live, now(), change.skipped])
        })?;
        self.meta = meta;
        Ok(first)
    }
}

impl Records {
    /// Adds a row of the database, or nothing where it cannot be read.
    fn push(&mut self, row: &Row<'_>, kind: RowKind) -> rusqlite::Result<()> {
        let (path, format) = (row.get_ref(1)?.as_blob()?, row.get_ref(6)?.as_str()?);
        let (size, times) = (row.get::<_, i64>(2)? as u64, [row.get(3)?, row.get(10)?]);
        let (pixels, norm, scale, sum) = ([row.get(4)?, row.get(5)?], row.get(7)?, row.get(8)?, row.get(11)?);
        let face = match kind {
            RowKind::Picture => None,
            RowKind::Face => Some(FaceRow { part: row.get(12)?, face: faces::from_blob(row.get_ref(13)?)? }),
        };
        let state = state_of(row.get_ref(9)?);
        self.images.push(path, size, times, pixels, format);
        self.images.set_face(face);
        self.norms.push(norm);
        self.scales.push(scale);
        self.states.push(state);
        self.sums.push(sum);
        Ok(())
    }

    /// Adds a row that stands for no picture.
    fn push_none(&mut self, state: RowState) {
        self.images.push_vacant();
        self.norms.push(0.0);
        self.scales.push(1.0);
        self.states.push(state);
        self.sums.push(0);
    }
}

/// What a record of failure says of who wrote it and what that met: the version, the kind, and the CRC-32 of the rest.
fn program_and_sum(Failure { file, kind, reason }: &Failure, root: &Path) -> String {
    let mut sum = crc32fast::Hasher::new();
    let path = relative(&file.path, root);
    sum.update(&(path.len() as u64).to_le_bytes());
    sum.update(path);
    [file.size as i64, file.modified, file.changed].iter().for_each(|number| sum.update(&number.to_le_bytes()));
    sum.update(reason.as_bytes());
    sum.update(kind.name().as_bytes());
    format!("{PROGRAM} {} {}", kind.name(), text::digits(sum.finalize()))
}

/// Whether the records have a file of this size.
pub(super) fn knows_size(db: &Connection, size: u64) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM images WHERE size = ?1 LIMIT 1")?.exists([size as i64])
}

/// The rows whose files had this size and content. What the index of contents says is looked up in the records: with one
/// flipped bit it names the row of another picture.
pub(super) fn rows_of_content(
    db: &Connection,
    size: u64,
    hash: &ContentHash,
    most: usize,
) -> rusqlite::Result<Vec<u32>> {
    let mut rows = db.prepare_cached("SELECT row FROM images WHERE size = ?1 AND hash = ?2")?;
    let rows: Vec<u32> =
        rows.query_map(params![size as i64, hash], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut record =
        db.prepare_cached("SELECT 1 FROM images NOT INDEXED WHERE row = ?1 AND size = ?2 AND hash = ?3")?;
    let mut found = Vec::new();
    for row in rows {
        if found.len() == most {
            break;
        }
        if record.exists(params![row, size as i64, hash])? {
            found.push(row);
        }
    }
    Ok(found)
}

/// More edits than this make the columnar copy worthless.
const MANY_EDITS: usize = 10_000;

/// Remembers which rows the columnar copy does not have as they are any more, or that it is worthless.
fn note_edits(tx: &Transaction<'_>, edited: &[u32], meta: &mut Meta) -> rusqlite::Result<()> {
    if meta.in_columns == 0 {
        return Ok(());
    }
    if edited.len() > MANY_EDITS {
        (meta.columns, meta.in_columns) = (0, 0);
        return forget_columns(tx);
    }
    let mut note = tx.prepare_cached("INSERT OR IGNORE INTO edited VALUES (?1)")?;
    edited.iter().filter(|row| **row < meta.in_columns).try_for_each(|row| note.execute([row]).map(drop))
}

/// Deletes the records of a path, if there are any.
fn delete_path(tx: &Transaction<'_>, path: &[u8], meta: &mut Meta, edited: &mut Vec<u32>) -> rusqlite::Result<()> {
    let mut delete = tx.prepare_cached("DELETE FROM images WHERE path = ?1 RETURNING row")?;
    let mut rows = delete.query([path])?;
    while let Some(row) = rows.next()? {
        edited.push(row.get(0)?);
        meta.live = meta.live.saturating_sub(1);
    }
    Ok(())
}

fn delete(
    tx: &Transaction<'_>,
    change: &Change<'_>,
    root: &Path,
    meta: &mut Meta,
    edited: &mut Vec<u32>,
) -> rusqlite::Result<()> {
    let mut delete = tx.prepare_cached("DELETE FROM images WHERE row = ?1")?;
    for row in change.deleted.iter().chain(change.damaged) {
        meta.live = meta.live.saturating_sub(delete.execute([row])? as u32);
        edited.push(*row);
    }
    if !change.damaged.is_empty() {
        // With a path that was another picture's, that picture went from the index of paths.
        tx.execute_batch("REINDEX images")?;
    }
    for failure in change.failed {
        delete_path(tx, relative(&failure.file.path, root), meta, edited)?;
    }
    let mut forget = tx.prepare_cached("DELETE FROM failures WHERE path = ?1")?;
    change.forgotten.iter().try_for_each(|path| forget.execute([relative(path, root)]).map(drop))
}

/// Notes which files went and which are there.
fn record_presence(tx: &Transaction<'_>, change: &Change<'_>, edited: &mut Vec<u32>) -> rusqlite::Result<()> {
    let mut gone = tx.prepare_cached("UPDATE images SET gone = ?2 WHERE row = ?1 AND gone IS NULL")?;
    // The rows of one picture are forgotten at one time.
    let now = now();
    for row in change.gone {
        gone.execute(params![row, now])?;
        edited.push(*row);
    }
    let mut present =
        tx.prepare_cached("UPDATE images SET size = ?2, modified = ?3, changed = ?4, gone = NULL WHERE row = ?1")?;
    for Present { row, size, modified, changed } in change.present {
        present.execute(params![row, *size as i64, modified, changed])?;
        edited.push(*row);
    }
    Ok(())
}

fn remember_failures(tx: &Transaction<'_>, change: &Change<'_>, root: &Path) -> rusqlite::Result<()> {
    let mut fail = tx.prepare_cached("INSERT OR REPLACE INTO failures VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for failure in change.failed {
        let Failure { file, reason, .. } = failure;
        let (path, program) = (relative(&file.path, root), program_and_sum(failure, root));
        fail.execute(params![path, file.size as i64, file.modified, file.changed, reason, program])?;
    }
    Ok(())
}

fn insert(
    tx: &Transaction<'_>,
    change: &Change<'_>,
    kind: RowKind,
    meta: &mut Meta,
    edited: &mut Vec<u32>,
) -> rusqlite::Result<()> {
    let Some((segment, hashes)) = change.rows else { return Ok(()) };
    let mut forget = tx.prepare_cached("DELETE FROM failures WHERE path = ?1")?;
    let images = &segment.images;
    let face = if kind == RowKind::Face { ",?13,?14" } else { "" };
    let insert = format!("INSERT INTO images VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,NULL,?12{face})");
    let mut insert = tx.prepare_cached(&insert)?;
    let mut of_picture = 0..0;
    for (at, hash) in hashes.iter().enumerate().take(images.len()) {
        let path = images.relative(at).as_os_str().as_bytes();
        if at == of_picture.end {
            of_picture = images.of_one_picture(at);
            forget.execute([path])?;
            delete_path(tx, path, meta, edited)?;
        }
        let [width, height] = images.pixels[at];
        let (size, sum) = (images.sizes[at] as i64, checksum(segment, at, of_picture.len()));
        let mut values: Vec<&dyn ToSql> = vec![&meta.next_row, &path, &size, &images.modified[at], &images.changed[at]];
        let (format, face) = (images.format(at), images.face(at).map(|row| (row.part, faces::to_blob(&row.face))));
        values.extend::<[&dyn ToSql; 7]>([
            &width,
            &height,
            &format,
            &segment.norms[at],
            &segment.scales[at],
            &sum,
            hash,
        ]);
        if let Some((part, face)) = &face {
            values.extend::<[&dyn ToSql; 2]>([part, face]);
        }
        insert.execute(&*values)?;
        meta.next_row += 1;
        meta.live += 1;
    }
    Ok(())
}

fn relative<'a>(path: &'a Path, root: &Path) -> &'a [u8] {
    path.strip_prefix(root).unwrap_or(path).as_os_str().as_bytes()
}

/// Nothing for a record that is no such one; what else is wrong is wrong with the database.
fn readable<T>(read: rusqlite::Result<T>) -> rusqlite::Result<Option<T>> {
    match read {
        Err(error @ rusqlite::Error::SqliteFailure(..)) => Err(error),
        read => Ok(read.ok()),
    }
}

fn state_of(gone: ValueRef<'_>) -> RowState {
    if gone == ValueRef::Null { RowState::Present } else { RowState::Gone }
}
