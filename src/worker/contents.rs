//! What the second look knows of files, as bytes.

use std::collections::HashMap;

use crate::{
    analysis::{
        alignment::{SIDE, Thumbnail},
        copies::{Content, Contents},
    },
    index::ImageId,
};

/// The contents as bytes that only [`contents_of`] understands; rows have numbers that outlive the ids.
pub(super) fn contents_to_bytes(contents: &Contents, row_of: impl Fn(ImageId) -> Option<u32>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(contents.len() * RECORD);
    for (id, Content { hash, thumbnail }) in contents {
        if let Some(row) = row_of(*id) {
            bytes.extend_from_slice(&row.to_le_bytes());
            bytes.extend_from_slice(hash);
            bytes.extend_from_slice(thumbnail.levels());
        }
    }
    let sum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes
}

/// Bytes of one picture.
const RECORD: usize = 4 + 32 + SIDE * SIDE;

/// What [`contents_to_bytes`] made; `None` when it is not whole.
pub(super) fn contents_of(bytes: &[u8], id_of: impl Fn(u32) -> Option<ImageId>) -> Option<Contents> {
    let (bytes, sum) = bytes.split_last_chunk::<4>()?;
    if crc32fast::hash(bytes) != u32::from_le_bytes(*sum) {
        return None;
    }
    let mut contents = HashMap::new();
    for record in bytes.chunks_exact(RECORD) {
        let (row, rest) = record.split_first_chunk::<4>()?;
        let (hash, levels) = rest.split_first_chunk::<32>()?;
        if let Some(id) = id_of(u32::from_le_bytes(*row)) {
            contents.insert(id, Content { hash: *hash, thumbnail: Thumbnail::new(levels.to_vec())? });
        }
    }
    Some(contents)
}
