//! What the samples of a picture mean where its format says so in places at which the `image` crate does not look: which
//! kind of alpha they have, and whether they are numbers at all that it reads.

use image::{ColorType, ImageFormat};
use tiff::{
    decoder::Decoder,
    tags::{SampleFormat, Tag},
};

use super::{Unreadable, Watch, Watched};

/// What alpha means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transparency {
    /// How much of a pixel's color is to be seen.
    Straight,
    /// The same, unless it is 0 everywhere: what programs that know of no alpha leave in its place.
    StraightIfAny,
    /// The same, and the colors have been multiplied by it.
    Multiplied,
    /// Nothing: the picture is opaque.
    Meaningless,
}

/// What the file says of alpha; `color` is how the `image` crate understands its samples.
///
/// # Errors
/// [`Unreadable::Unsupported`] where it takes them for something else than they are.
pub(super) fn transparency(
    bytes: &[u8],
    format: ImageFormat,
    color: ColorType,
    watch: &Watch<'_>,
) -> Result<Transparency, Unreadable> {
    match format {
        ImageFormat::Tiff => of_tiff(bytes, color, watch),
        ImageFormat::Tga => Ok(of_tga(bytes)),
        ImageFormat::Dds => Ok(of_dds(bytes)),
        ImageFormat::Bmp => Ok(Transparency::StraightIfAny),
        _ => Ok(Transparency::Straight),
    }
}

fn of_tiff(bytes: &[u8], color: ColorType, watch: &Watch<'_>) -> Result<Transparency, Unreadable> {
    const ASSOCIATED: u16 = 1;
    let decoder = watch.within_header(|| Decoder::new(Watched::new(bytes, watch)));
    // The decoder that gives the picture has read this, and will say what is wrong further on.
    let Ok(mut decoder) = decoder else { return Ok(Transparency::Straight) };
    let mut first = |tag| decoder.find_tag_unsigned_vec::<u16>(tag).ok().flatten()?.first().copied();
    let has_floats = first(Tag::SampleFormat) == Some(SampleFormat::IEEEFP.to_u16());
    if matches!(color, ColorType::Rgb32F | ColorType::Rgba32F) && !has_floats {
        // Where nothing is said the samples are whole numbers, whatever their size.
        return Err(Unreadable::Unsupported("TIFF with this kind of colors".into()));
    }
    Ok(match first(Tag::ExtraSamples) {
        Some(ASSOCIATED) => Transparency::Multiplied,
        Some(_) => Transparency::Straight,
        // A fourth sample of which nothing is said.
        None => Transparency::StraightIfAny,
    })
}

fn of_tga(bytes: &[u8]) -> Transparency {
    const ATTRIBUTE_BITS: u8 = 0b1111;
    const FOOTER: &[u8] = b"TRUEVISION-XFILE.\0";
    /// Where the extension area says what the attribute bits are.
    const KIND: usize = 494;
    if bytes.get(17).is_some_and(|descriptor| descriptor & ATTRIBUTE_BITS == 0) {
        return Transparency::Meaningless;
    }
    let kind = bytes.strip_suffix(FOOTER).and_then(|rest| {
        let [.., a, b, c, d, _, _, _, _] = *rest else { return None };
        let area = u32::from_le_bytes([a, b, c, d]) as usize;
        bytes.get(area.checked_add(KIND)?).filter(|_| area > 0)
    });
    match kind {
        Some(1 | 2) => Transparency::Meaningless,
        Some(4) => Transparency::Multiplied,
        _ => Transparency::StraightIfAny,
    }
}

fn of_dds(bytes: &[u8]) -> Transparency {
    // Only the newer header says what alpha is.
    let mode = if bytes.get(84..88) == Some(b"DX10") { bytes.get(144).map_or(0, |flags| flags & 7) } else { 0 };
    match mode {
        2 => Transparency::Multiplied,
        3 => Transparency::Meaningless,
        _ => Transparency::Straight,
    }
}
