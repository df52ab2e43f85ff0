//! Good files of kinds that the `image` crate by itself does not read.

use std::borrow::Cow;

use image::ImageFormat;

use super::{Alpha, Decoded, Unreadable, Watch, full};

/// Whether these are the first bytes of a TIFF with 64-bit offsets.
pub(super) fn is_big_tiff(bytes: &[u8]) -> bool {
    bytes.starts_with(b"II+\0") || bytes.starts_with(b"MM\0+")
}

/// A PNG with its last chunk, which holds nothing: files that end before it have all of the picture.
pub(super) fn png(bytes: &[u8]) -> Cow<'_, [u8]> {
    const END: &[u8] = b"\0\0\0\0IEND\xae\x42\x60\x82";
    let mut at = 8_usize;
    while let Some(&[a, b, c, d, ref kind @ ..]) = bytes.get(at..at.saturating_add(8)) {
        if kind == b"IEND" {
            break;
        }
        // Length, kind and checksum surround the data.
        at = at.saturating_add(12).saturating_add(u32::from_be_bytes([a, b, c, d]) as usize);
    }
    match bytes.get(at..) {
        Some(rest) if rest.len() < END.len() => [&bytes[..at], END].concat().into(),
        _ => bytes.into(),
    }
}

/// An icon's largest picture. Those of today's icons are PNGs, of which the `image` crate reads only one kind.
pub(super) fn ico(bytes: &[u8], alpha: Alpha, watch: &Watch<'_>) -> Result<Decoded, Unreadable> {
    let count =
        usize::from(u16::from_le_bytes([bytes.get(4).copied().unwrap_or(0), bytes.get(5).copied().unwrap_or(0)]));
    let entries = bytes.get(6..).unwrap_or_default().as_chunks::<16>().0.iter().take(count);
    // A side of 256 is written as 0.
    let side = |length: u8| if length == 0 { 256 } else { u32::from(length) };
    let area = |entry: &&[u8; 16]| (side(entry[0]) * side(entry[1]), u16::from_le_bytes([entry[6], entry[7]]));
    let best = entries.max_by_key(area).and_then(|entry| {
        let offset = u32::from_le_bytes([entry[12], entry[13], entry[14], entry[15]]);
        bytes.get(offset as usize..)
    });
    match best {
        Some(picture) if picture.starts_with(b"\x89PNG\r\n\x1a\n") => {
            full(&png(picture), ImageFormat::Png, alpha, watch)
        }
        _ => full(bytes, ImageFormat::Ico, alpha, watch),
    }
}

#[cfg(test)]
mod tests;
