//! Embeddings that other stores hold: a folder that was renamed, or is mounted elsewhere, has a new store. What is known of
//! a picture's content is taken from where it is.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::Connection;

use super::{
    APPLICATION, ContentHash, DATABASE, Key,
    checksum::{Covered, Record},
    connection, faces,
    records::{knows_size, rows_of_content},
    schema, vector_name,
    vectors::Vectors,
};
use crate::{
    face::Face,
    index::{
        RowKind,
        images::{FaceRow, format_named},
    },
};

/// The other stores of a cache whose embeddings are of the same kind; they are only read.
#[derive(Default)]
pub struct Others(Vec<Other>);

struct Other {
    root: PathBuf,
    db: Connection,
    vectors: Vectors,
    rows: RowKind,
}

/// The rows of a picture that another store holds.
pub struct TakenOver<'a> {
    /// The folder that store is of.
    pub root: &'a Path,
    /// Width and height, see [`crate::index::Image`].
    pub pixels: (u32, u32),
    /// See [`crate::index::Image`].
    pub format: &'static str,
    /// The face of each row, if it stands for one, and its raw embedding.
    pub rows: Vec<(Option<Face>, Vec<f32>)>,
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

    /// The rows of a file of this size and content.
    #[must_use]
    pub fn find(&self, size: u64, hash: &ContentHash) -> Option<TakenOver<'_>> {
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
        if number("application_id")? != APPLICATION || number("user_version")? != schema(key.rows) {
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
        Some(Self { root, db, vectors, rows: key.rows })
    }

    fn find(&self, size: u64, hash: &ContentHash) -> rusqlite::Result<Option<TakenOver<'_>>> {
        let of_faces = self.rows == RowKind::Face;
        let (face, order) = if of_faces { (", part, face", " ORDER BY part") } else { ("", "") };
        let Some(row) = rows_of_content(&self.db, size, hash, 1)?.first().copied() else { return Ok(None) };
        let mut path = self.db.prepare_cached("SELECT path FROM images NOT INDEXED WHERE row = ?1")?;
        let path = path.query_row([row], |row| row.get::<_, Vec<u8>>(0))?;
        let mut found = self.db.prepare_cached(&format!(
            "SELECT row, width, height, format, norm, scale, checksum{face} FROM images WHERE path = ?1{order}"
        ))?;
        let mut found = found.query([&path])?;
        let mut records = Vec::new();
        while let Some(row) = found.next()? {
            let Ok(values) = self.vectors.read(row.get(0)?) else { return Ok(None) };
            let (pixels, format) = ([row.get(1)?, row.get(2)?], format_named(row.get_ref(3)?.as_str()?));
            let (norm, scale, sum): (f32, f32, u32) = (row.get(4)?, row.get(5)?, row.get(6)?);
            let face = match of_faces {
                true => Some(FaceRow { part: row.get(7)?, face: faces::from_blob(row.get_ref(8)?)? }),
                false => None,
            };
            records.push((values, scale, norm, pixels, format, face, sum));
        }
        let mut taken: Option<TakenOver<'_>> = None;
        for (at, (values, scale, norm, pixels, format, face, sum)) in records.iter().enumerate() {
            let (scale, norm, pixels) = (*scale, *norm, *pixels);
            let of_face = face.as_ref().map(|face| (face, records.len()));
            let record = Record { row: values, scale, norm, path: &path, pixels, format, face: of_face };
            let is_whole = match record.covered(*sum) {
                Some(Covered::All) => true,
                // How many faces there are nothing says; none may be missing in between.
                Some(Covered::Embedding) => face.as_ref().is_none_or(|face| face.part as usize == at),
                None => false,
            };
            if !is_whole {
                return Ok(None);
            }
            let embedding = values.iter().map(|value| value.to_f32() * scale).collect();
            taken
                .get_or_insert(TakenOver { root: &self.root, pixels: pixels.into(), format, rows: Vec::new() })
                .rows
                .push((face.map(|row| row.face), embedding));
        }
        Ok(taken)
    }
}
