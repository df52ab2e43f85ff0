//! Opens images; the only place that does. What comes out is upright, opaque 8-bit RGB, what goes wrong is an
//! [`Unreadable`].
//!
//! The content decides the format, not the name, and no file is read whole before its first bytes were looked at. Headers
//! are asked for the size before any pixel is allocated, large pictures wait for memory that all threads share, decoders
//! that panic are fenced, and large JPEGs are decoded at a quarter or an eighth of their size where that is enough.

use std::{
    cell::Cell,
    io::Read,
    ops::Deref,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage, metadata::Orientation};
use serde::{Deserialize, Serialize};

use crate::files::open_regular;

mod budget;
mod jpeg;
mod kinds;
mod pixels;
mod reduced;
mod samples;
mod unreadable;
mod unsupported;
mod watch;

use budget::{Budget, Share};
use samples::Transparency;
pub use unreadable::Unreadable;
use watch::{Watch, Watched};

/// How many pixels the caller needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// All of them.
    Full,
    /// Both sides at least this long, where the original's are; a JPEG may then be decoded at a fraction of its size.
    AtLeast(u32),
}

/// What becomes of transparency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Alpha {
    /// The picture is laid on white, so that what is hidden never counts.
    #[default]
    White,
    /// Alpha is ignored and hidden colors come out, as of Pillow's `convert("RGB")`.
    Drop,
}

/// A decoded image.
#[derive(Debug)]
pub struct Picture {
    /// The pixels, opaque and upright: the orientation that EXIF or XMP states has been applied. 16 bits become 8.
    pub rgb: RgbImage,
    /// Width and height of the original, upright.
    pub pixels: (u32, u32),
    /// The format's usual name, "JPEG" for example.
    pub format: &'static str,
    /// Keeps other threads from taking the memory that a large picture is in.
    _share: Option<Share>,
}

/// The bytes of an image file.
#[derive(Debug)]
pub struct Encoded {
    bytes: Vec<u8>,
    _share: Option<Share>,
}

impl Deref for Encoded {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Raised when a picture of the same file may come out differently than before, so that old embeddings are not reused.
pub const VERSION: u32 = 4;

/// More pixels than any camera's; a file that claims more is taken for a decompression bomb.
const MOST_PIXELS: u64 = 300_000_000;
/// Longer than any panorama's side. What resizes a picture needs up to 32 bytes for each pixel of a side.
const MOST_SIDE: u32 = 1_000_000;
/// What one decoder may allocate.
const MOST_MEMORY: u64 = 2 << 30;
/// Files above this are not read into memory.
const MOST_BYTES: u64 = 1 << 30;
/// Bytes that tell the format of a file, or what it is instead.
const HEAD: u64 = 4096;

/// What the large files that are being read take together, and what the large pictures that are decoded and resized
/// take together. A thread takes of the first before the second, and once of each, so that none waits for itself.
static FILES: Budget = Budget::new(MOST_BYTES);
static PICTURES: Budget = Budget::new(2 * MOST_MEMORY);

/// Reads an image file.
///
/// # Errors
/// Why there is no picture.
pub fn picture(path: &Path, detail: Detail, alpha: Alpha) -> Result<Picture, Unreadable> {
    bytes_to_picture(&read(path)?, path, detail, alpha)
}

/// Whether a file begins as pictures do. For files whose names do not say: signatures of two letters prove nothing.
#[must_use]
pub fn holds_picture(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = open_regular(path).and_then(|file| file.take(64).read_to_end(&mut head)).is_ok();
    let format = image::guess_format(&head);
    read && format.is_ok_and(|format| !matches!(format, ImageFormat::Bmp | ImageFormat::Pnm))
}

/// The bytes of an image file.
///
/// # Errors
/// Why they cannot be read, or why their beginning is no picture's.
pub fn read(path: &Path) -> Result<Encoded, Unreadable> {
    let plain = |error: std::io::Error| Unreadable::of_io(&error);
    let mut file = open_regular(path).map_err(plain)?;
    let size = file.metadata().map_err(plain)?.len();
    let mut bytes = Vec::new();
    file.by_ref().take(HEAD).read_to_end(&mut bytes).map_err(plain)?;
    format_of(&bytes, path)?;
    if size > MOST_BYTES {
        let (size, most) = (size >> 20, MOST_BYTES >> 20);
        return Err(Unreadable::TooLarge(format!("the file is too large: {size} MB, at most {most} are read")));
    }
    let share = FILES.take(size);
    bytes.reserve_exact(size.saturating_sub(HEAD) as usize);
    file.take(MOST_BYTES - HEAD).read_to_end(&mut bytes).map_err(plain)?;
    Ok(Encoded { bytes, _share: share })
}

/// The format of a file that begins like this; `name` helps only with formats that cannot be told by their content.
fn format_of(bytes: &[u8], name: &Path) -> Result<ImageFormat, Unreadable> {
    if bytes.is_empty() {
        return Err(Unreadable::Empty);
    }
    if unsupported::is_raw(bytes, name) {
        return Err(Unreadable::Unsupported("a camera raw file".into()));
    }
    match image::guess_format(bytes) {
        Err(_) if kinds::is_big_tiff(bytes) => Ok(ImageFormat::Tiff),
        // `image` reads DDS and does not say so.
        Ok(format) if format.reading_enabled() || format == ImageFormat::Dds => Ok(format),
        // TGA has no signature; its name is all there is to go by.
        Err(_) if name.extension().is_some_and(|e| e.eq_ignore_ascii_case("tga")) => Ok(ImageFormat::Tga),
        _ => Err(unsupported::explain(bytes)),
    }
}

/// Decodes the bytes of an image file; `name` helps only with formats that cannot be told by their content.
///
/// # Errors
/// Why these bytes are no picture: the same bytes always fail again, those that took too long on a machine as quick.
pub fn bytes_to_picture(bytes: &[u8], name: &Path, detail: Detail, alpha: Alpha) -> Result<Picture, Unreadable> {
    bytes_to_picture_until(bytes, name, detail, alpha, &|| false)
}

/// As [`bytes_to_picture`], and gives up soon after `stop` says so.
///
/// # Errors
/// As [`bytes_to_picture`], and [`Unreadable::Stopped`].
pub fn bytes_to_picture_until(
    bytes: &[u8],
    name: &Path,
    detail: Detail,
    alpha: Alpha,
    stop: &dyn Fn() -> bool,
) -> Result<Picture, Unreadable> {
    watched(bytes, name, detail, alpha, &Watch::new(watch::MOST_TIME, stop))
}

fn watched(bytes: &[u8], name: &Path, detail: Detail, alpha: Alpha, watch: &Watch<'_>) -> Result<Picture, Unreadable> {
    let format = format_of(bytes, name)?;
    let decoded = fenced(|| match format {
        ImageFormat::Jpeg => jpeg::decode(bytes, detail, watch),
        ImageFormat::Png => full(&kinds::png(bytes), format, alpha, watch),
        ImageFormat::Ico => kinds::ico(bytes, alpha, watch),
        ImageFormat::Dds => kinds::dds(bytes, alpha, watch),
        format => full(bytes, format, alpha, watch),
    });
    // Decoders take what they no longer get for a damaged file, or for a picture's end.
    if let Some(why) = watch.given_up() {
        return Err(why);
    }
    // A decoder's panic says more of the decoder than of the file.
    let gave_up = || Err(Unreadable::Unsupported(format!("this kind of {}", name_of(format))));
    let Decoded { rgb, orientation, size, share } = decoded.unwrap_or_else(gave_up)?;
    let pixels = if pixels::swaps_sides(orientation) { (size.1, size.0) } else { size };
    Ok(Picture { rgb: pixels::turned(rgb, orientation), pixels, format: name_of(format), _share: share })
}

/// The reduced JPEG decoder by itself, for its fuzz target.
#[cfg(fuzzing)]
#[must_use]
pub fn reduced_jpeg(bytes: &[u8], eighths: usize) -> Option<RgbImage> {
    reduced::decode(bytes, eighths, &Watch::new(watch::MOST_TIME, &|| false))
}

/// What the decoders of the formats give.
struct Decoded {
    rgb: RgbImage,
    orientation: Orientation,
    /// Width and height of the original.
    size: (u32, u32),
    share: Option<Share>,
}

thread_local! {
    static FENCED: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside a decoder whose panic is caught and reported as a skipped file.
///
/// The program's panic hook asks this and keeps silent.
#[must_use]
pub fn is_fenced() -> bool {
    FENCED.get()
}

/// Runs a decoder; `None` when it panicked.
fn fenced<T>(decode: impl FnOnce() -> T) -> Option<T> {
    FENCED.set(true);
    let result = catch_unwind(AssertUnwindSafe(decode));
    FENCED.set(false);
    result.ok()
}

/// Decodes every pixel with the `image` crate.
fn full(bytes: &[u8], format: ImageFormat, alpha: Alpha, watch: &Watch<'_>) -> Result<Decoded, Unreadable> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    let mut reader = ImageReader::with_format(Watched::new(bytes, watch), format);
    reader.limits(limits);
    let decoder = watch.within_header(|| reader.into_decoder());
    let decoder = decoder.map_err(|error| Unreadable::of_decoder(&error, format))?;
    let transparency = samples::transparency(bytes, format, decoder.color_type(), watch)?;
    all_of(decoder, format, alpha, transparency)
}

/// Every pixel that a decoder of the `image` crate has.
fn all_of(
    mut decoder: impl ImageDecoder,
    format: ImageFormat,
    alpha: Alpha,
    transparency: Transparency,
) -> Result<Decoded, Unreadable> {
    let size = decoder.dimensions();
    check_size(size.0, size.1)?;
    if decoder.total_bytes() > MOST_MEMORY {
        return Err(unreadable::too_many_pixels());
    }
    // As it comes out of the decoder, what that has for itself, and as RGB.
    let share = take_memory(2 * decoder.total_bytes() + 3 * u64::from(size.0) * u64::from(size.1))?;
    let orientation = pixels::orientation(&mut decoder);
    let image = DynamicImage::from_decoder(decoder).map_err(|error| Unreadable::of_decoder(&error, format))?;
    let image = match format {
        ImageFormat::Hdr | ImageFormat::OpenExr => pixels::for_display(image),
        _ => image,
    };
    Ok(Decoded { rgb: pixels::opaque(image, alpha, transparency), orientation, size, share })
}

fn check_size(width: u32, height: u32) -> Result<(), Unreadable> {
    match u64::from(width) * u64::from(height) {
        0 => Err(Unreadable::NotAnImage("the picture has no pixels: its width or height is 0")),
        1..=MOST_PIXELS if width.max(height) <= MOST_SIDE => Ok(()),
        1..=MOST_PIXELS => Err(Unreadable::TooLarge(format!(
            "the picture claims {width}×{height} pixels; sides up to {MOST_SIDE} are read"
        ))),
        _ => Err(Unreadable::TooLarge(format!(
            "the picture claims {width}×{height} pixels, more than the {} million that are read",
            MOST_PIXELS / 1_000_000
        ))),
    }
}

/// Waits for the memory that a picture needs until it is dropped.
fn take_memory(bytes: u64) -> Result<Option<Share>, Unreadable> {
    if bytes > 2 * MOST_MEMORY {
        return Err(Unreadable::TooLarge("the picture would need more memory than one picture may take".into()));
    }
    Ok(PICTURES.take(bytes))
}

/// The format's usual name.
fn name_of(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Png => "PNG",
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::Gif => "GIF",
        ImageFormat::WebP => "WebP",
        ImageFormat::Pnm => "PNM",
        ImageFormat::Tiff => "TIFF",
        ImageFormat::Tga => "TGA",
        ImageFormat::Dds => "DDS",
        ImageFormat::Bmp => "BMP",
        ImageFormat::Ico => "ICO",
        ImageFormat::Hdr => "HDR",
        ImageFormat::OpenExr => "OpenEXR",
        ImageFormat::Farbfeld => "farbfeld",
        ImageFormat::Avif => "AVIF",
        ImageFormat::Qoi => "QOI",
        _ => "image",
    }
}

#[cfg(test)]
mod tests;
