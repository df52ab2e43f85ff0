//! From what a decoder gives to upright 8-bit RGB: light, transparency, turn.

use image::{DynamicImage, ImageDecoder, RgbImage, Rgba, metadata::Orientation};

use super::{Alpha, samples::Transparency};

/// Scene-linear light to the sRGB curve, without which high dynamic range pictures come out nearly black.
pub(super) fn for_display(image: DynamicImage) -> DynamicImage {
    let mut linear = image.into_rgba32f();
    // Where nothing covers anything and there are colors all the same, alpha was never meant.
    let uncovered = |pixel: &Rgba<f32>| pixel.0[3] <= 0.0;
    if linear.pixels().all(uncovered) && linear.pixels().any(|pixel| pixel.0[..3].iter().any(|color| *color > 0.0)) {
        linear.pixels_mut().for_each(|pixel| pixel.0[3] = 1.0);
    }
    for pixel in linear.pixels_mut() {
        let [colors @ .., alpha] = &mut pixel.0;
        *alpha = if alpha.is_nan() { 1.0 } else { alpha.clamp(0.0, 1.0) };
        for value in colors {
            // Formats of this kind keep colors multiplied by their alpha.
            let light = if *alpha > 0.0 { *value / *alpha } else { *value };
            let light = if light.is_nan() { 0.0 } else { light.clamp(0.0, 1.0) };
            *value = if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
        }
    }
    DynamicImage::ImageRgba32F(linear)
}

/// Without transparency: laid on white, or bare of it.
pub(super) fn opaque(image: DynamicImage, alpha: Alpha, transparency: Transparency) -> RgbImage {
    let has_alpha = image.color().has_alpha() && transparency != Transparency::Meaningless;
    if !has_alpha || (alpha == Alpha::Drop && transparency != Transparency::Multiplied) {
        return image.into_rgb8();
    }
    let rgba = image.into_rgba8();
    let all = rgba.as_raw().as_chunks::<4>().0;
    // Of what is premultiplied nothing would be left beside its colors.
    let is_doubtful = matches!(transparency, Transparency::StraightIfAny | Transparency::Multiplied);
    if is_doubtful && all.iter().all(|[.., alpha]| *alpha == 0) && all.iter().any(|[colors @ .., _]| *colors != [0; 3])
    {
        return DynamicImage::ImageRgba8(rgba).into_rgb8();
    }
    let shown = |color: u32, seen: u32| match (transparency, alpha) {
        (Transparency::Multiplied, Alpha::White) => color + 255 - seen,
        (Transparency::Multiplied, Alpha::Drop) => (color * 255 + seen / 2).checked_div(seen).unwrap_or(0),
        _ => (color * seen + 255 * (255 - seen) + 127) / 255,
    };
    let mut pixels = Vec::with_capacity(all.len() * 3);
    for &[colors @ .., alpha] in all {
        // Colors beyond their alpha shine; there is nothing above white.
        pixels.extend(colors.map(|color| shown(color.into(), alpha.into()).min(255) as u8));
    }
    RgbImage::from_raw(rgba.width(), rgba.height(), pixels).unwrap_or_default()
}

/// The picture turned upright.
pub(super) fn turned(rgb: RgbImage, orientation: Orientation) -> RgbImage {
    let mut image = DynamicImage::ImageRgb8(rgb);
    image.apply_orientation(orientation);
    image.into_rgb8()
}

/// Whether width and height change places.
pub(super) fn swaps_sides(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
}

/// How a decoder's picture must be turned: as its EXIF block says, else its XMP packet. Damaged ones must not cost the
/// picture.
pub(super) fn orientation(decoder: &mut impl ImageDecoder) -> Orientation {
    let exif = decoder.exif_metadata().ok().flatten();
    let xmp = decoder.xmp_metadata().ok().flatten();
    let stated = stated(exif.as_deref(), xmp.as_deref());
    stated.or_else(|| decoder.orientation().ok()).unwrap_or(Orientation::NoTransforms)
}

/// What these blocks say of the turn.
pub(super) fn stated(exif: Option<&[u8]>, xmp: Option<&[u8]>) -> Option<Orientation> {
    exif.and_then(exif_orientation).or_else(|| xmp.and_then(xmp_orientation))
}

/// Tag 0x0112 of the first directory, as SHORT or as LONG, which some writers use. Many files carry the block with the
/// prefix that belongs to JPEG alone.
fn exif_orientation(exif: &[u8]) -> Option<Orientation> {
    let exif = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    let little = match exif.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let number = |at: usize, length: usize| {
        let bytes = exif.get(at..at.checked_add(length)?)?;
        let put = |sum: u32, byte: &u8| sum << 8 | u32::from(*byte);
        Some(if little { bytes.iter().rev().fold(0, put) } else { bytes.iter().fold(0, put) })
    };
    let directory = number(4, 4)? as usize;
    let entry = (0..number(directory, 2)? as usize)
        .map(|entry| directory + 2 + 12 * entry)
        .find(|entry| number(*entry, 2) == Some(0x0112))?;
    let value = match number(entry + 2, 2)? {
        3 => number(entry + 8, 2)?,
        4 => number(entry + 8, 4)?,
        _ => return None,
    };
    Orientation::from_exif(u8::try_from(value).ok()?)
}

/// `tiff:Orientation`, as an attribute or as an element.
fn xmp_orientation(xmp: &[u8]) -> Option<Orientation> {
    const NAME: &[u8] = b"tiff:Orientation";
    let at = xmp.windows(NAME.len()).position(|window| window == NAME)? + NAME.len();
    match xmp[at..] {
        [b'=', b'"' | b'\'', digit, ..] | [b'>', digit, ..] => Orientation::from_exif(digit.wrapping_sub(b'0')),
        _ => None,
    }
}
