//! The checksum of a record: what tells one that was damaged on the disk from one that is as it was written.
//!
//! It is over all that no look at the file would put right: the embedding, the path, the size in pixels and the format of
//! the picture, and of a face where it is and how many faces the picture has, so that none of them is lost in silence. The
//! size and the times of the file are compared with the file anyway.

use std::{ops::Range, os::unix::ffi::OsStrExt};

use half::f16;

use super::{RowState, faces};
use crate::index::{Segment, images::FaceRow};

/// What a checksum was made of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Covered {
    /// The whole record.
    All,
    /// The embedding alone, as in the first stores.
    Embedding,
}

/// A record as the checksum sees it.
pub(super) struct Record<'a> {
    pub(super) row: &'a [f16],
    pub(super) scale: f32,
    pub(super) norm: f32,
    /// Relative to the indexed folder.
    pub(super) path: &'a [u8],
    pub(super) pixels: [u32; 2],
    pub(super) format: &'a str,
    /// The face that it stands for, and how many its picture has.
    pub(super) face: Option<(&'a FaceRow, usize)>,
}

impl<'a> Record<'a> {
    /// The record of a row whose picture has so many.
    fn of(segment: &'a Segment, at: usize, rows_of_picture: usize) -> Self {
        let Segment { images, norms, scales, rows, .. } = segment;
        Self {
            row: rows.row(at),
            scale: scales[at],
            norm: norms[at],
            path: images.relative(at).as_os_str().as_bytes(),
            pixels: images.pixels[at],
            format: images.format(at),
            face: images.face(at).map(|face| (face, rows_of_picture)),
        }
    }

    /// The CRC-32 of the embedding, with which that of the whole record begins.
    fn sum_of_embedding(&self) -> crc32fast::Hasher {
        let mut sum = crc32fast::Hasher::new();
        sum.update(bytemuck::cast_slice(self.row));
        sum.update(bytemuck::cast_slice(&[self.scale, self.norm]));
        sum
    }

    /// Goes on from there to the end of the record.
    fn sum(&self, mut sum: crc32fast::Hasher) -> u32 {
        sum.update(bytemuck::cast_slice(&self.pixels));
        for text in [self.path, self.format.as_bytes()] {
            sum.update(&(text.len() as u32).to_le_bytes());
            sum.update(text);
        }
        if let Some((FaceRow { part, face }, of)) = self.face {
            sum.update(bytemuck::cast_slice(&[*part, of as u32]));
            sum.update(&faces::to_blob(face));
        }
        sum.finalize()
    }

    /// What of the record this checksum shows to be as it was; `None` when something is not.
    pub(super) fn covered(&self, sum: u32) -> Option<Covered> {
        let of_embedding = self.sum_of_embedding();
        if self.sum(of_embedding.clone()) == sum {
            return Some(Covered::All);
        }
        (of_embedding.finalize() == sum).then_some(Covered::Embedding)
    }
}

/// The CRC-32 of the record of a row whose picture has so many.
#[must_use]
pub fn checksum(segment: &Segment, at: usize, rows_of_picture: usize) -> u32 {
    let record = Record::of(segment, at, rows_of_picture);
    record.sum(record.sum_of_embedding())
}

/// Whether `rows`, the rows of a picture as far as they can be told, are all its rows and as they were when `sums` were
/// made, by this version or by one that summed up the embedding alone. `sums` and `state` are of all rows of the segment.
#[must_use]
pub fn is_whole(segment: &Segment, rows: Range<usize>, sums: &[u32], state: impl Fn(usize) -> RowState) -> bool {
    let mut counted = true;
    for row in rows.clone() {
        let covered = match state(row) {
            RowState::Present | RowState::Gone => Record::of(segment, row, rows.len()).covered(sums[row]),
            RowState::Vacant | RowState::Damaged => None,
        };
        match covered {
            Some(Covered::All) => {}
            Some(Covered::Embedding) => counted = false,
            None => return false,
        }
    }
    counted || !lacks_faces(segment, rows, state)
}

/// Whether faces of the picture in `rows` may be before or behind them, where no checksum says how many there are.
fn lacks_faces(segment: &Segment, rows: Range<usize>, state: impl Fn(usize) -> RowState) -> bool {
    let images = &segment.images;
    let Some(first) = images.face(rows.start) else { return false };
    let next = (rows.end..images.len()).find(|row| state(*row) != RowState::Vacant);
    let goes_on = next.is_some_and(|next| match images.face(next) {
        // Nobody knows of which picture it was.
        None => true,
        // A picture begins with face 0, and is not in a store twice.
        Some(face) => face.part != 0 || images.relative(next) == images.relative(rows.start),
    });
    first.part != 0 || goes_on
}
