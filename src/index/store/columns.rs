//! A columnar copy of the records beside the database: the columns of all rows in one file, read many times quicker.
//!
//! The database names the copy that counts, how many rows it holds, and every row that was edited since. A
//! copy is written under a new name and then named, so that a run may be killed at any moment. What is missing or
//! damaged is read from the database instead, and the next copy mends it.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
};

use bytemuck::{Pod, bytes_of, bytes_of_mut, cast_slice, cast_slice_mut};
use crc32fast::Hasher;
use rusqlite::{Connection, params};

use super::{
    DATABASE, Fault, Meta, RowState, Store,
    faces::{self, Cell},
    now, sql,
};
use crate::{
    error::{Error, Result},
    files,
    index::{Images, RowKind, Segment},
};

/// "lookrow1" in the byte order of this machine: elsewhere the file is not recognized.
const SIGNATURE: u64 = u64::from_be_bytes(*b"lookrow1");
/// The same for rows that stand for faces, which have a column more.
const OF_FACES: u64 = u64::from_be_bytes(*b"lookface");
/// So few rows are read from the database in the blink of an eye.
const WORTH_IT: u32 = 5_000;

/// The records of rows, column by column.
#[derive(Default)]
pub(super) struct Records {
    pub(super) images: Images,
    pub(super) norms: Vec<f32>,
    pub(super) scales: Vec<f32>,
    pub(super) states: Vec<RowState>,
    pub(super) sums: Vec<u32>,
}

impl Store {
    /// Whether so many rows are not in the columnar copy, or are not any more as it has them, that a new one is due.
    ///
    /// # Errors
    /// [`Error::Store`] when the records cannot be read.
    pub fn columns_are_stale(&self) -> Result<bool> {
        let edited: u32 = self.query("SELECT count(*) FROM edited").map_err(|fault| self.plain(fault))?;
        let shown = self.meta.in_columns;
        Ok(self.lock.is_some() && self.meta.next_row - shown + edited > WORTH_IT + shown / 8)
    }

    /// Writes a columnar copy of the records: the arguments are all rows of this store as they were just
    /// loaded, see [`super::Loaded`].
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Store`]; the store is as good as before, only slower to
    /// open.
    pub fn write_columns(&mut self, segment: &Segment, states: &[RowState], sums: &[u32]) -> Result<()> {
        self.try_write_columns(segment, states, sums).map_err(|fault| self.plain(fault))
    }

    fn try_write_columns(&mut self, segment: &Segment, states: &[RowState], sums: &[u32]) -> Result<(), Fault> {
        let number = self.meta.columns.max(now()) + 1;
        let rows = segment.images.len() as u32;
        let path = self.folder.join(name(number));
        // What a killed run has left under this name was never read.
        let _ = fs::remove_file(&path);
        let written = files::write_new(&path, |file| {
            write(file, (self.meta.generation, number), self.key.rows, segment, states, sums)
        });
        written.map_err(Error::io("write", &path))?;
        let named = self.change(|tx| {
            tx.execute("DELETE FROM edited", [])?;
            tx.execute("UPDATE store SET columns = ?1, in_columns = ?2", params![number, rows])
        });
        // On a full disk it would be in the way.
        named.inspect_err(|_| drop(fs::remove_file(&path)))?;
        (self.meta.columns, self.meta.in_columns) = (number, rows);
        self.drop_columns(number);
        Ok(())
    }

    /// The rows of the columnar copy, as they were then; none when there is no copy to be trusted.
    pub(super) fn read_columns(&mut self) -> Result<Records, Fault> {
        let Meta { generation, columns, in_columns, .. } = self.meta;
        if in_columns == 0 {
            return Ok(Records::default());
        }
        let path = self.folder.join(name(columns));
        let read = |file| read(file, (generation, columns), in_columns as usize, self.key.rows);
        match files::open_regular(&path).and_then(read) {
            Ok(records) => Ok(records),
            Err(_) => {
                if self.lock.is_some() {
                    // From now on nobody keeps account of what is not in it any more.
                    let path = self.folder.join(DATABASE);
                    forget_columns(&self.db).map_err(|e| sql(&path, e))?;
                }
                (self.meta.columns, self.meta.in_columns) = (0, 0);
                Ok(Records::default())
            }
        }
    }

    /// Deletes all columnar copies but one.
    pub(super) fn drop_columns(&self, but: i64) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            let found = entry.file_name();
            let found = found.to_string_lossy();
            if self.lock.is_some() && is_columns_name(&found) && *found != name(but) {
                // A leftover costs space and nothing else; the next start tries again.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Makes the database the only source of records.
pub(super) fn forget_columns(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch("UPDATE store SET columns = 0, in_columns = 0; DELETE FROM edited;")
}

fn name(number: i64) -> String {
    format!("columns-{number}.bin")
}

pub(super) fn is_columns_name(name: &str) -> bool {
    name.starts_with("columns-") && name.ends_with(".bin")
}

/// What the file begins with: a signature, the generation, its own number, rows, bytes of paths, and a checksum over
/// all but itself.
type Header = [u64; 6];

fn write(
    file: &mut File,
    (generation, number): (i64, i64),
    kind: RowKind,
    segment: &Segment,
    states: &[RowState],
    sums: &[u32],
) -> io::Result<()> {
    let Segment { images, norms, scales, .. } = segment;
    let states: Vec<u8> = states.iter().map(|state| *state as u8).collect();
    let cells = faces::to_cells(&images.faces, images.len());
    let columns: [&[u8]; 12] = [
        cast_slice(&images.ends),
        cast_slice(&images.sizes),
        cast_slice(&images.modified),
        cast_slice(&images.changed),
        cast_slice(&images.pixels),
        cast_slice(norms),
        cast_slice(scales),
        cast_slice(sums),
        &images.formats,
        &states,
        &images.paths,
        cast_slice(&cells),
    ];
    let (rows, paths) = (images.len() as u64, images.paths.len() as u64);
    let mut header: Header = [signature(kind), generation as u64, number as u64, rows, paths, 0];
    let mut sum = Hasher::new();
    sum.update(bytes_of(&header));
    columns.iter().for_each(|column| sum.update(column));
    header[5] = sum.finalize().into();
    file.write_all(bytes_of(&header))?;
    columns.iter().try_for_each(|column| file.write_all(column))
}

fn signature(kind: RowKind) -> u64 {
    match kind {
        RowKind::Picture => SIGNATURE,
        RowKind::Face => OF_FACES,
    }
}

fn read(mut file: File, (generation, number): (i64, i64), rows: usize, kind: RowKind) -> io::Result<Records> {
    let damaged = || io::Error::from(io::ErrorKind::InvalidData);
    let mut header: Header = [0; 6];
    file.read_exact(bytes_of_mut(&mut header))?;
    let [signed, of, itself, found, paths, expected] = header;
    let cells = if kind == RowKind::Face { rows } else { 0 };
    let row = size_of::<u64>() * 4 + size_of::<[u32; 2]>() + size_of::<f32>() * 2 + size_of::<u32>() + 2;
    let len = size_of::<Header>() as u64 + (rows * row + cells * size_of::<Cell>()) as u64;
    // Asked before memory is set aside for what the header promises.
    let fits = len.checked_add(paths) == Some(file.metadata()?.len());
    let meant = [signature(kind), generation as u64, number as u64, rows as u64];
    if [signed, of, itself, found] != meant || !fits {
        return Err(damaged());
    }
    header[5] = 0;
    let mut reader = ColumnReader { file, sum: Hasher::new() };
    reader.sum.update(bytes_of(&header));
    let mut images = Images {
        ends: reader.next(rows)?,
        sizes: reader.next(rows)?,
        modified: reader.next(rows)?,
        changed: reader.next(rows)?,
        pixels: reader.next(rows)?,
        ..Images::default()
    };
    let (norms, scales, sums) = (reader.next(rows)?, reader.next(rows)?, reader.next(rows)?);
    images.formats = reader.next(rows)?;
    let states: Vec<u8> = reader.next(rows)?;
    images.paths = reader.next(paths as usize)?;
    images.faces = faces::from_cells(&reader.next(cells)?);
    if u64::from(reader.sum.finalize()) != expected
        || !images.ends.is_sorted()
        || images.ends.last().is_some_and(|end| *end != paths)
    {
        return Err(damaged());
    }
    Ok(Records { images, norms, scales, states: states.into_iter().map(state).collect(), sums })
}

fn state(byte: u8) -> RowState {
    const ALL: [RowState; 4] = [RowState::Vacant, RowState::Present, RowState::Gone, RowState::Damaged];
    ALL.into_iter().find(|state| *state as u8 == byte).unwrap_or(RowState::Vacant)
}

/// The columns of a file, one after the other.
struct ColumnReader {
    file: File,
    sum: Hasher,
}

impl ColumnReader {
    fn next<T: Pod>(&mut self, len: usize) -> io::Result<Vec<T>> {
        let mut column = vec![T::zeroed(); len];
        self.file.read_exact(cast_slice_mut(&mut column))?;
        self.sum.update(cast_slice(&column));
        Ok(column)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{
        face::Face,
        index::{Image, Rows, store::checksum},
        scan::ImageFile,
    };

    fn segment(rows: usize, kind: RowKind) -> (Segment, Vec<RowState>) {
        let face = |row: usize| Face { area: [0.1, -0.2, 0.3, row as f32], points: [[0.5, 0.25]; 5], score: 0.75 };
        let image = |row: usize| Image {
            file: ImageFile {
                path: format!("/p/{}", row / 3).into(),
                size: row as u64,
                modified: -(row as i64),
                changed: 0,
            },
            pixels: (row as u32, 7),
            format: "WebP",
            face: (kind == RowKind::Face).then(|| face(row)),
        };
        let states = [RowState::Present, RowState::Vacant, RowState::Gone].into_iter().cycle().take(rows).collect();
        let segment = Segment {
            root: Path::new("/p").into(),
            images: Images::new(Path::new("/p"), (0..rows).map(image)),
            norms: (0..rows).map(|row| row as f32).collect(),
            scales: vec![0.5; rows],
            rows: Rows::owned(vec![half::f16::ONE; rows], 1),
            dead: Vec::new(),
        };
        (segment, states)
    }

    /// Whether the columns are still read after its bytes were changed.
    fn survives(kind: RowKind, change: impl FnOnce(&mut Vec<u8>)) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("columns");
        let (segment, states) = segment(11, kind);
        let sums: Vec<_> = (0..11).map(|row| checksum(&segment, row, 1)).collect();
        write(&mut File::create(&path).unwrap(), (3, 4), kind, &segment, &states, &sums).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(&path, bytes).unwrap();
        let Ok(found) = read(File::open(&path).unwrap(), (3, 4), 11, kind) else { return false };
        assert_eq!((found.images, found.states, found.sums), (segment.images, states, sums));
        assert_eq!((found.norms, found.scales), (segment.norms, segment.scales));
        true
    }

    #[test]
    fn what_was_written_is_read_again_and_no_damage_passes() {
        for kind in [RowKind::Picture, RowKind::Face] {
            assert!(survives(kind, |_| {}));
            assert!(!survives(kind, |bytes| bytes.push(0)));
            assert!(!survives(kind, |bytes| bytes.truncate(30)));
            assert!(!survives(kind, Vec::clear));
            let mut len = 0;
            assert!(survives(kind, |bytes| len = bytes.len()));
            for at in 0..len {
                assert!(!survives(kind, |bytes| bytes[at] ^= 1), "byte {at}");
            }
        }
    }
}
