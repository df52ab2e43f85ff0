//! What the second look knows of files and of pairs of them, as bytes that outlive the run: rows have numbers that last, ids
//! do not. A checksum at the end tells bytes that are not whole.

use std::collections::HashMap;

use crate::{
    analysis::{
        alignment::{Alignment, SIDE, Thumbnail, Turn},
        copies::{Alignments, Content, Contents},
    },
    index::ImageId,
};

/// Bytes of one picture.
const CONTENT: usize = 4 + 32 + SIDE * SIDE;
/// Bytes of one pair.
const PAIR: usize = 4 + 4 + 1 + 4;
/// Before the pairs; it changes with the way in which pictures are laid on one another.
const SIGNATURE: [u8; 4] = *b"lka1";

/// The contents as bytes that only [`contents_of`] understands.
pub(super) fn contents_to_bytes(contents: &Contents, row_of: impl Fn(ImageId) -> Option<u32>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(contents.len() * CONTENT);
    for (id, Content { hash, thumbnail }) in contents {
        if let Some(row) = row_of(*id) {
            bytes.extend_from_slice(&row.to_le_bytes());
            bytes.extend_from_slice(hash);
            bytes.extend_from_slice(thumbnail.levels());
        }
    }
    with_sum(bytes)
}

/// What [`contents_to_bytes`] made; `None` when it is not whole.
pub(super) fn contents_of(bytes: &[u8], id_of: impl Fn(u32) -> Option<ImageId>) -> Option<Contents> {
    let mut contents = HashMap::new();
    for record in without_sum(bytes)?.chunks_exact(CONTENT) {
        let (row, rest) = record.split_first_chunk::<4>()?;
        let (hash, levels) = rest.split_first_chunk::<32>()?;
        if let Some(id) = id_of(u32::from_le_bytes(*row)) {
            contents.insert(id, Content { hash: *hash, thumbnail: Thumbnail::new(levels.to_vec())? });
        }
    }
    Some(contents)
}

/// The alignments as bytes that only [`alignments_of`] understands.
pub(super) fn alignments_to_bytes(alignments: &Alignments, row_of: impl Fn(ImageId) -> Option<u32>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(SIGNATURE.len() + alignments.len() * PAIR);
    bytes.extend_from_slice(&SIGNATURE);
    for ([a, b], Alignment { turn, part, agreement }) in alignments {
        if let (Some(a), Some(b)) = (row_of(*a), row_of(*b)) {
            bytes.extend_from_slice(&a.to_le_bytes());
            bytes.extend_from_slice(&b.to_le_bytes());
            bytes.push(turn.quarters | u8::from(turn.mirrored) << 2 | u8::from(*part) << 3);
            bytes.extend_from_slice(&agreement.to_le_bytes());
        }
    }
    with_sum(bytes)
}

/// What [`alignments_to_bytes`] made; `None` when it is not whole, or of another version.
pub(super) fn alignments_of(bytes: &[u8], id_of: impl Fn(u32) -> Option<ImageId>) -> Option<Alignments> {
    let mut alignments = HashMap::new();
    for record in without_sum(bytes)?.strip_prefix(&SIGNATURE)?.chunks_exact(PAIR) {
        let (a, rest) = record.split_first_chunk::<4>()?;
        let (b, rest) = rest.split_first_chunk::<4>()?;
        let (how, agreement) = rest.split_first()?;
        let (Some(a), Some(b)) = (id_of(u32::from_le_bytes(*a)), id_of(u32::from_le_bytes(*b))) else { continue };
        let turn = Turn { quarters: how & 3, mirrored: how & 4 != 0 };
        let found = Alignment { turn, part: how & 8 != 0, agreement: f32::from_le_bytes(agreement.try_into().ok()?) };
        // Ids may stand in another order than those of the run that looked.
        alignments.insert([a.min(b), a.max(b)], if a < b { found } else { found.inverse() });
    }
    Some(alignments)
}

fn with_sum(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes
}

fn without_sum(bytes: &[u8]) -> Option<&[u8]> {
    let (bytes, sum) = bytes.split_last_chunk::<4>()?;
    (crc32fast::hash(bytes) == u32::from_le_bytes(*sum)).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alignments_come_back_whatever_ids_the_next_run_gives() {
        let turn = Turn { quarters: 1, mirrored: false };
        let alignments: Alignments = [
            ([ImageId(0), ImageId(1)], Alignment { turn, part: true, agreement: 0.875 }),
            ([ImageId(1), ImageId(2)], Alignment { turn: Turn::NONE, part: false, agreement: 0.0 }),
        ]
        .into();
        let bytes = alignments_to_bytes(&alignments, |id| Some(id.0 + 10));
        assert_eq!(alignments_of(&bytes, |row| Some(ImageId(row - 10))), Some(alignments.clone()));
        // The third is gone, and the other two have changed places.
        let turned = alignments_of(&bytes, |row| (row < 12).then(|| ImageId(11 - row)));
        let expected = Alignment { turn: Turn { quarters: 3, ..turn }, part: true, agreement: 0.875 };
        assert_eq!(turned, Some([([ImageId(0), ImageId(1)], expected)].into()));
        for at in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[at] ^= 1;
            assert_eq!(alignments_of(&broken, |row| Some(ImageId(row))), None, "byte {at}");
            assert_eq!(alignments_of(&bytes[..at], |row| Some(ImageId(row))), None, "cut at {at}");
        }
    }
}
