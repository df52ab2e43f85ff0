//! The checksum of a record: what tells one that was damaged on the disk from one that is as it was written.
//!
//! It is over all that no look at the file would put right: the embedding, the path, the size in pixels and the format of
//! the picture, and of a face where it is and how many faces the picture has, so that none of them is lost in silence. The
//! size and the times of the file are compared with the file anyway.

use std::os::unix::ffi::OsStrExt;

use half::f16;

use super::faces;
use crate::index::{Segment, images::FaceRow};

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
    fn of(segment: &'a Segment, at: usize) -> Self {
        let Segment { images, norms, scales, rows, .. } = segment;
        Self {
            row: rows.row(at),
            scale: scales[at],
            norm: norms[at],
            path: images.relative(at).as_os_str().as_bytes(),
            pixels: images.pixels[at],
            format: images.format(at),
            face: images.face(at).map(|face| (face, images.of_one_picture(at).len())),
        }
    }

    /// The CRC-32 of the embedding alone, which is all that the first stores had.
    fn sum_of_embedding(&self) -> crc32fast::Hasher {
        let mut sum = crc32fast::Hasher::new();
        sum.update(bytemuck::cast_slice(self.row));
        sum.update(bytemuck::cast_slice(&[self.scale, self.norm]));
        sum
    }

    fn sum(&self) -> u32 {
        let mut sum = self.sum_of_embedding();
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

    /// Whether the record is as it was when this checksum was made of it.
    pub(super) fn is_whole(&self, sum: u32) -> bool {
        self.sum() == sum || self.sum_of_embedding().finalize() == sum
    }
}

/// The CRC-32 of a row's record.
#[must_use]
pub fn checksum(segment: &Segment, at: usize) -> u32 {
    Record::of(segment, at).sum()
}

/// Whether a row is as it was when `sum` was made of it, by this version or by one that summed up the embedding alone.
#[must_use]
pub fn is_whole(segment: &Segment, at: usize, sum: u32) -> bool {
    Record::of(segment, at).is_whole(sum)
}
