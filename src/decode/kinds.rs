//! Good files of kinds that the `image` crate by itself does not read.

use std::{borrow::Cow, ops::Range};

use image::ImageFormat;

use super::{Alpha, Decoded, Unreadable, Watch, check_size, full};

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
        Some((entry, bytes.get(offset as usize..)?))
    });
    match best {
        Some((_, picture)) if picture.starts_with(b"\x89PNG\r\n\x1a\n") => {
            full(&png(picture), ImageFormat::Png, alpha, watch)
        }
        Some((entry, picture)) => full(&only(entry, picture), ImageFormat::Ico, alpha, watch),
        None => full(bytes, ImageFormat::Ico, alpha, watch),
    }
}

/// An icon of this bitmap alone. Where its alpha is 0 everywhere, the mask behind it says what is to be seen, so that it is
/// made opaque before that hides anything.
fn only(entry: &[u8; 16], bitmap: &[u8]) -> Vec<u8> {
    const BEGIN: &[u8] = &[0, 0, 1, 0, 1, 0];
    const OFFSET: [u8; 4] = [22, 0, 0, 0];
    // Other bitmaps may lie behind it.
    let length = u32::from_le_bytes([entry[8], entry[9], entry[10], entry[11]]) as usize;
    let bitmap = bitmap.get(..length).unwrap_or(bitmap);
    let mut icon = [BEGIN, &entry[..12], &OFFSET, bitmap].concat();
    if let Some(pixels) = alpha_pixels(bitmap)
        && let Some(pixels) = icon[22..].get_mut(pixels).map(|pixels| pixels.as_chunks_mut::<4>().0)
        && pixels.iter().all(|[.., alpha]| *alpha == 0)
    {
        pixels.iter_mut().for_each(|[.., alpha]| *alpha = 255);
    }
    icon
}

/// Where the pixels lie in a bitmap of an icon, if it has 32 bits for each and no compression.
fn alpha_pixels(bitmap: &[u8]) -> Option<Range<usize>> {
    let number = |at: usize| Some(u32::from_le_bytes(bitmap.get(at..at + 4)?.try_into().ok()?) as usize);
    let (header, wide, twice_high) = (number(0)?, number(4)?, number(8)?);
    // One plane, 32 bits; then the compression.
    let plain = bitmap.get(12..16)? == [1, 0, 32, 0] && number(16)? == 0;
    let length = wide.checked_mul(twice_high / 2)?.checked_mul(4)?;
    plain.then_some(header..header.checked_add(length)?)
}

/// A texture. Its blocks of four by four pixels reach beyond sides that are no multiples of four, which the `image` crate
/// does not read.
pub(super) fn dds(bytes: &[u8], alpha: Alpha, watch: &Watch<'_>) -> Result<Decoded, Unreadable> {
    /// Where the header has the height, then the width.
    const SIDES: Range<usize> = 12..20;
    let Some(sides) = bytes.get(SIDES) else { return full(bytes, ImageFormat::Dds, alpha, watch) };
    let [high, wide] = [0, 4].map(|at| u32::from_le_bytes([sides[at], sides[at + 1], sides[at + 2], sides[at + 3]]));
    let whole = |side: u32| side.checked_next_multiple_of(4).unwrap_or(side);
    if [high, wide].iter().all(|side| *side == 0 || whole(*side) == *side) {
        return full(bytes, ImageFormat::Dds, alpha, watch);
    }
    check_size(wide, high)?;
    let bytes = [&bytes[..12], &whole(high).to_le_bytes(), &whole(wide).to_le_bytes(), &bytes[20..]].concat();
    let decoded = full(&bytes, ImageFormat::Dds, alpha, watch)?;
    let rgb = image::imageops::crop_imm(&decoded.rgb, 0, 0, wide, high).to_image();
    Ok(Decoded { rgb, size: (wide, high), ..decoded })
}

#[cfg(test)]
mod tests;
