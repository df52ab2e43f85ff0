//! How a store keeps the faces that its rows stand for: which of its picture's faces a row is, and fifteen numbers.

use rusqlite::types::{FromSqlError, ValueRef};

use crate::{face::Face, index::images::FaceRow};

/// Area, points and score.
const NUMBERS: usize = 4 + 10 + 1;
/// A row of the columnar copy: which face it is, or a negative number for a row that stands for none, and its numbers.
pub(super) type Cell = [f32; 1 + NUMBERS];

fn numbers(face: &Face) -> [f32; NUMBERS] {
    let mut numbers = [face.score; NUMBERS];
    numbers[..4].copy_from_slice(&face.area);
    numbers[4..14].copy_from_slice(face.points.as_flattened());
    numbers
}

fn face(numbers: &[f32; NUMBERS]) -> Face {
    let mut face = Face { area: [0.0; 4], points: [[0.0; 2]; 5], score: numbers[14] };
    face.area.copy_from_slice(&numbers[..4]);
    face.points.as_flattened_mut().copy_from_slice(&numbers[4..14]);
    face
}

/// A face for the database.
pub(super) fn to_blob(face: &Face) -> Vec<u8> {
    numbers(face).iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// What [`to_blob`] made.
pub(super) fn from_blob(blob: ValueRef<'_>) -> rusqlite::Result<Face> {
    let bytes = blob.as_blob()?;
    if bytes.len() != NUMBERS * 4 {
        return Err(FromSqlError::InvalidBlobSize { expected_size: NUMBERS * 4, blob_size: bytes.len() }.into());
    }
    let mut found = [0.0; NUMBERS];
    for (number, bytes) in found.iter_mut().zip(bytes.chunks_exact(4)) {
        *number = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    Ok(face(&found))
}

/// The faces of so many rows for the columnar copy; nothing where there is none.
pub(super) fn to_cells(faces: &[Option<FaceRow>], rows: usize) -> Vec<Cell> {
    if faces.is_empty() {
        return Vec::new();
    }
    let cell = |row: &Option<FaceRow>| {
        let mut cell = [-1.0; 1 + NUMBERS];
        if let Some(row) = row {
            cell[0] = row.part as f32;
            cell[1..].copy_from_slice(&numbers(&row.face));
        }
        cell
    };
    faces.iter().chain(std::iter::repeat(&None)).take(rows).map(cell).collect()
}

/// What [`to_cells`] made.
pub(super) fn from_cells(cells: &[Cell]) -> Vec<Option<FaceRow>> {
    let row = |cell: &Cell| {
        let mut found = [0.0; NUMBERS];
        found.copy_from_slice(&cell[1..]);
        (cell[0] >= 0.0).then(|| FaceRow { part: cell[0] as u32, face: face(&found) })
    };
    cells.iter().map(row).collect()
}
