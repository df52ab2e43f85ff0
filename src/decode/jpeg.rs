//! JPEGs: which decoder reads which kind, and at which size.

use image::RgbImage;

use super::{Decoded, Detail, Unreadable, Watch, Watched, check_size, reduced, take_memory};

mod headers;

use headers::{Headers, Scans};

/// Pixels times scans that are decoded at most: a file of a few kilobytes can ask for thousands of passes over a huge
/// picture. 20 passes over the largest picture, hundreds over one of a camera.
const MOST_WORK: u64 = 20 * super::MOST_PIXELS;

/// Decodes a JPEG, at a fraction of its size where `detail` allows that.
///
/// In full with `jpeg-decoder`, whose colors are libjpeg's to a tenth of a level on average (those of the quicker decoder,
/// `zune-jpeg`, to a quarter), so that full detail means the embedding that Python gets. At 1/8 or 1/4, if that leaves
/// both sides as many pixels as `detail` asks for, with our own [`reduced`] decoder where it can, else with
/// `jpeg-decoder` too. At 1/2 the quicker decoder is no slower in full.
pub(super) fn decode(bytes: &[u8], detail: Detail, watch: &Watch<'_>) -> Result<Decoded, Unreadable> {
    let headers = Headers::read(bytes)?;
    let (width, height) = (headers.width, headers.height);
    if let Some(kind) = headers.unsupported() {
        return Err(Unreadable::Unsupported(kind));
    }
    check_size(width, height)?;
    let shorter = width.min(height);
    let eighths = match detail {
        Detail::Full => None,
        Detail::AtLeast(side) => [1, 2].into_iter().find(|eighths| (shorter * eighths).div_ceil(8) >= side),
    };
    let pixels = u64::from(width) * u64::from(height);
    // Samples, the picture, and the picture turned; progressive files have all coefficients in memory as well.
    let samples = pixels * headers.sampling.len() as u64;
    let shown = if eighths.is_some() { samples / 4 } else { samples * 3 };
    let share = take_memory(shown + if headers.is_progressive() { 2 * samples } else { 0 })?;
    let orientation = headers.orientation.unwrap_or(image::metadata::Orientation::NoTransforms);
    let finish = |rgb| Decoded { rgb, orientation, size: (width, height), share };
    if let Some(rgb) = eighths.and_then(|eighths| reduced::decode(bytes, eighths as usize, watch)) {
        return Ok(finish(rgb));
    }
    let scans = Scans::find(bytes, &headers);
    if scans.count() as u64 * pixels > MOST_WORK {
        let count = scans.count();
        return Err(Unreadable::TooLarge(format!(
            "the picture comes in {count} scans, which would take too long to read"
        )));
    }
    let completed = scans.completed(bytes);
    let quickly = || headers.is_ordinary().then(|| quickly(Watched::new(&completed, watch))).flatten();
    if eighths.is_none()
        && detail != Detail::Full
        && let Some(rgb) = quickly()
    {
        return Ok(finish(rgb));
    }
    match carefully(Watched::new(&completed, watch), (width, height), eighths.unwrap_or(8)) {
        Ok(rgb) => Ok(finish(rgb)),
        Err(jpeg_decoder::Error::Unsupported(_)) => Err(Unreadable::Unsupported("this kind of JPEG".into())),
        // The quicker decoder goes on behind a damaged restart mark, which the other does not.
        Err(_) => {
            quickly().map(finish).ok_or(if scans.ended { Unreadable::Damaged("JPEG") } else { Unreadable::CutOff })
        }
    }
}

/// With `zune-jpeg`; `None` when it finds anything wrong, or does not read this kind.
fn quickly(bytes: Watched<'_>) -> Option<RgbImage> {
    use zune_core::{colorspace::ColorSpace, options::DecoderOptions};
    let most = usize::from(u16::MAX);
    let options = DecoderOptions::default().set_strict_mode(true).set_max_width(most).set_max_height(most);
    let options = options.jpeg_set_max_scans(usize::MAX);
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(bytes, options);
    decoder.decode_headers().ok()?;
    let gray = decoder.input_colorspace()? == ColorSpace::Luma;
    let space = if gray { ColorSpace::Luma } else { ColorSpace::RGB };
    decoder.set_options(decoder.options().jpeg_set_out_colorspace(space));
    let samples = decoder.decode().ok()?;
    let (width, height) = decoder.dimensions()?;
    RgbImage::from_raw(width as u32, height as u32, if gray { gray_to_rgb(&samples) } else { samples })
}

/// With `jpeg-decoder`, at this many eighths of the size.
fn carefully(bytes: Watched<'_>, size: (u32, u32), eighths: u32) -> Result<RgbImage, jpeg_decoder::Error> {
    use jpeg_decoder::PixelFormat;
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    let scaled = |length: u32| (length * eighths).div_ceil(8) as u16;
    let (width, height) = decoder.scale(scaled(size.0), scaled(size.1))?;
    let samples = decoder.decode()?;
    let samples = match decoder.info().map(|info| info.pixel_format) {
        Some(PixelFormat::RGB24) => samples,
        Some(PixelFormat::L8) => gray_to_rgb(&samples),
        Some(PixelFormat::CMYK32) => cmyk_to_rgb(&samples),
        _ => Vec::new(),
    };
    let wrong = || jpeg_decoder::Error::Format("not as many samples as pixels".into());
    RgbImage::from_raw(width.into(), height.into(), samples).ok_or_else(wrong)
}

fn gray_to_rgb(samples: &[u8]) -> Vec<u8> {
    samples.iter().flat_map(|gray| [*gray; 3]).collect()
}

/// Amounts of ink to light, as Pillow does it without a color profile.
fn cmyk_to_rgb(samples: &[u8]) -> Vec<u8> {
    let light = |ink: u8, black: u8| (u32::from(255 - ink) * u32::from(255 - black) + 127) / 255;
    let pixels = samples.as_chunks::<4>().0.iter();
    pixels.flat_map(|&[c, m, y, k]| [c, m, y].map(|ink| light(ink, k) as u8)).collect()
}
