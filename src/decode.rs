//! Opens images; the only place that does. What comes out is upright 8-bit RGB, what goes wrong is one plain sentence.
//!
//! The content decides the format, not the name. Headers are asked for the size before any pixel is allocated, decoders
//! that panic are fenced, and large JPEGs are decoded at a quarter or an eighth of their size where that is enough.

use std::{
    cell::Cell,
    fs::File,
    io::{Cursor, Read},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Mutex, PoisonError},
};

use image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, RgbImage,
    error::{LimitErrorKind, UnsupportedErrorKind},
    metadata::Orientation,
};

use crate::printable::printable_str;

mod reduced;
mod unsupported;

/// How many pixels the caller needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// All of them.
    Full,
    /// Both sides at least this long, where the original's are; a JPEG may then be decoded at a fraction of its size.
    AtLeast(u32),
}

/// A decoded image.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The pixels, upright: the EXIF orientation has been applied. Alpha is dropped and 16 bits become 8, as Pillow's
    /// `convert("RGB")` does it.
    pub rgb: RgbImage,
    /// Width and height of the original, upright.
    pub pixels: (u32, u32),
    /// The format's usual name, "JPEG" for example.
    pub format: &'static str,
}

/// Raised when a picture of the same file may come out differently than before, so that old embeddings are not reused.
pub const VERSION: u32 = 2;

/// More pixels than any camera's; a file that claims more is taken for a decompression bomb.
const MOST_PIXELS: u64 = 300_000_000;
/// What one decoder may allocate.
const MOST_MEMORY: u64 = 2 << 30;
/// Files above this are not read into memory.
const MOST_BYTES: u64 = 1 << 30;
/// Pictures above this are decoded one at a time, so that a pool of threads does not multiply their memory.
const LARGE_PIXELS: u64 = 40_000_000;

/// Reads an image file.
///
/// # Errors
/// The reason, in plain words and without the path, why there is no picture.
pub fn picture(path: &Path, detail: Detail) -> Result<Picture, String> {
    bytes_to_picture(&read(path)?, path, detail)
}

/// The bytes of an image file.
///
/// # Errors
/// The reason, in plain words and without the path. Unlike that of [`bytes_to_picture`] it may pass with time.
pub fn read(path: &Path) -> Result<Vec<u8>, String> {
    let plain = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => "the file is not there".to_owned(),
        std::io::ErrorKind::PermissionDenied => "no permission to read the file".to_owned(),
        _ => format!("the file cannot be read: {error}"),
    };
    let metadata = path.metadata().map_err(plain)?;
    if !metadata.is_file() {
        // Opening a named pipe would wait for its writer, perhaps forever.
        return Err("it is not a regular file".into());
    }
    if metadata.len() > MOST_BYTES {
        return Err(format!(
            "the file is too large: {} MB, at most {} are read",
            metadata.len() >> 20,
            MOST_BYTES >> 20
        ));
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes)).map_err(plain)?;
    Ok(bytes)
}

/// Decodes the bytes of an image file; `name` helps only with formats that cannot be told by their content.
///
/// # Errors
/// The reason, in plain words and without the path, why these bytes are no picture: the same bytes always fail again.
pub fn bytes_to_picture(bytes: &[u8], name: &Path, detail: Detail) -> Result<Picture, String> {
    if bytes.is_empty() {
        return Err("the file is empty".into());
    }
    if unsupported::is_raw(bytes, name) {
        return Err(unsupported::reason("a camera raw file"));
    }
    let format = match image::guess_format(bytes) {
        // `image` reads DDS and does not say so.
        Ok(format) if format.reading_enabled() || format == ImageFormat::Dds => format,
        // TGA has no signature; its name is all there is to go by.
        Err(_) if name.extension().is_some_and(|e| e.eq_ignore_ascii_case("tga")) => ImageFormat::Tga,
        _ => return Err(unsupported::explain(bytes)),
    };
    fenced(|| match (format, detail) {
        (ImageFormat::Jpeg, detail) => jpeg(bytes, detail),
        (format, _) => full(bytes, format),
    })
    .unwrap_or_else(|| Err(format!("the {} decoder gave up on this file; it is probably damaged", name_of(format))))
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
fn full(bytes: &[u8], format: ImageFormat) -> Result<Picture, String> {
    let plain = |error: ImageError| plain(&error, format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(plain)?;
    let (width, height) = decoder.dimensions();
    check_size(width, height)?;
    if decoder.total_bytes() > MOST_MEMORY {
        return Err(too_large(width, height));
    }
    let _one_at_a_time = one_large_picture_at_a_time(width, height);
    let orientation = orientation(&mut decoder);
    let mut image = DynamicImage::from_decoder(decoder).map_err(plain)?;
    if matches!(format, ImageFormat::Hdr | ImageFormat::OpenExr) {
        image = for_display(image);
    }
    let image = DynamicImage::ImageRgb8(image.into_rgb8());
    Ok(upright(image, orientation, (width, height), format))
}

/// How the picture must be turned. A damaged EXIF block must not cost the picture.
fn orientation(decoder: &mut impl ImageDecoder) -> Orientation {
    let stated = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    // Many WebP files carry the block with the prefix that only JPEG wants, which `image` does not expect there.
    let exif = decoder.exif_metadata().ok().flatten();
    let prefixed = exif.as_deref().and_then(|exif| exif.strip_prefix(b"Exif\0\0"));
    prefixed.and_then(Orientation::from_exif_chunk).unwrap_or(stated)
}

/// Decodes a JPEG, at a fraction of its size where `detail` allows that.
fn jpeg(bytes: &[u8], detail: Detail) -> Result<Picture, String> {
    // The decoders paint missing parts gray without a word, and gray is not what the picture shows.
    if !has_jpeg_end(bytes) {
        return Err(cut_off());
    }
    if let Some(picture) = baseline_jpeg(bytes, detail)? {
        return Ok(picture);
    }
    full(bytes, ImageFormat::Jpeg)
}

/// Decodes in full with `jpeg-decoder`, whose colors are libjpeg's to a tenth of a level on average (those of the quicker
/// decoder in `image` to a quarter), so that full detail means the embedding that Python gets.
///
/// At 1/8 or 1/4 if that leaves both sides as many pixels as `detail` asks for, with our own [`reduced`] decoder where it
/// can, else with this one too; `None` when neither does (at 1/2 the decoder in `image` is no slower in full), or when
/// the file is of a kind that only `image` reads.
fn baseline_jpeg(bytes: &[u8], detail: Detail) -> Result<Option<Picture>, String> {
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    let Some(info) = decoder.read_info().ok().and_then(|()| decoder.info()) else { return Ok(None) };
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    check_size(width, height)?;
    let shorter = width.min(height);
    let eighths = match detail {
        Detail::Full => Some(8),
        Detail::AtLeast(side) => [1, 2].into_iter().find(|eighths| (shorter * eighths).div_ceil(8) >= side),
    };
    let Some(eighths) = eighths else { return Ok(None) };
    let scaled = |length: u32| (length * eighths).div_ceil(8) as u16;
    let _one_at_a_time = one_large_picture_at_a_time(width, height);
    let orientation = decoder.exif_data().and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms);
    let finish = |rgb| upright(DynamicImage::ImageRgb8(rgb), orientation, (width, height), ImageFormat::Jpeg);
    if eighths < 8
        && let Some(rgb) = reduced::decode(bytes, eighths as usize)
    {
        return Ok(Some(finish(rgb)));
    }
    let Ok((w, h)) = decoder.scale(scaled(width), scaled(height)) else { return Ok(None) };
    let Ok(samples) = decoder.decode() else { return Ok(None) };
    let image = match info.pixel_format {
        jpeg_decoder::PixelFormat::RGB24 => RgbImage::from_raw(w.into(), h.into(), samples),
        jpeg_decoder::PixelFormat::L8 => {
            RgbImage::from_raw(w.into(), h.into(), samples.into_iter().flat_map(|gray| [gray; 3]).collect())
        }
        _ => None,
    };
    Ok(image.map(finish))
}

/// Whether the end-of-image mark is there. Some writers pad the file or put a film behind the picture, so it may come
/// anywhere behind the first scan, though most often at the end; the marks of embedded thumbnails lie before the scan.
fn has_jpeg_end(bytes: &[u8]) -> bool {
    first_scan(bytes).is_some_and(|scan| bytes[scan..].windows(2).rev().any(|pair| pair == [0xff, 0xd9]))
}

/// Where the first start-of-scan mark of the image itself stands: segments before it are stepped over by their length.
fn first_scan(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let mark = at + bytes.get(at..)?.iter().position(|byte| *byte == 0xff)?;
        match *bytes.get(mark + 1)? {
            0xda => return Some(mark),
            0xff => at = mark + 1,
            // Marks without a length: fill, restart, start and end of image.
            0x00 | 0x01 | 0xd0..=0xd9 => at = mark + 2,
            _ => at = mark + 2 + usize::from(u16::from_be_bytes([*bytes.get(mark + 2)?, *bytes.get(mark + 3)?])).max(2),
        }
    }
}

fn upright(mut image: DynamicImage, orientation: Orientation, size: (u32, u32), format: ImageFormat) -> Picture {
    image.apply_orientation(orientation);
    let turned = matches!(
        orientation,
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
    );
    let pixels = if turned { (size.1, size.0) } else { size };
    Picture { rgb: image.into_rgb8(), pixels, format: name_of(format) }
}

/// Scene-linear light to the sRGB curve, without which high dynamic range pictures come out nearly black.
fn for_display(image: DynamicImage) -> DynamicImage {
    let mut linear = image.into_rgb32f();
    for value in linear.iter_mut() {
        let light = if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) };
        *value = if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
    }
    DynamicImage::ImageRgb32F(linear)
}

/// Held while a large picture is decoded.
fn one_large_picture_at_a_time(width: u32, height: u32) -> Option<std::sync::MutexGuard<'static, ()>> {
    static LARGE: Mutex<()> = Mutex::new(());
    let large = u64::from(width) * u64::from(height) > LARGE_PIXELS;
    large.then(|| LARGE.lock().unwrap_or_else(PoisonError::into_inner))
}

fn check_size(width: u32, height: u32) -> Result<(), String> {
    match u64::from(width) * u64::from(height) {
        0 => Err("the picture has no pixels: its width or height is 0".into()),
        1..=MOST_PIXELS => Ok(()),
        _ => Err(too_large(width, height)),
    }
}

fn too_large(width: u32, height: u32) -> String {
    format!(
        "the picture claims {width}×{height} pixels, more than the {} million that are read",
        MOST_PIXELS / 1_000_000
    )
}

fn plain(error: &ImageError, format: ImageFormat) -> String {
    let name = name_of(format);
    match error {
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => cut_off(),
        ImageError::IoError(error) => format!("the {name} data are damaged ({})", short(error)),
        ImageError::Limits(limit) if matches!(limit.kind(), LimitErrorKind::DimensionError) => too_many_pixels(),
        ImageError::Limits(_) => "the picture would need more memory than one picture may take".into(),
        ImageError::Unsupported(error) => {
            let what = match error.kind() {
                UnsupportedErrorKind::Color(ExtendedColorType::Unknown(bits)) => format!("{bits} bits a pixel"),
                UnsupportedErrorKind::Color(color) => format!("colors stored as {color:?}"),
                UnsupportedErrorKind::GenericFeature(feature) => short(feature.as_str()),
                _ => short(error),
            };
            format!("this kind of {name} is not supported ({what}); convert it to JPEG or PNG")
        }
        error => {
            // The outer error only repeats the format's name.
            let cause = match error {
                ImageError::Decoding(error) => std::error::Error::source(error).map(|cause| short(&cause.to_string())),
                _ => None,
            };
            let words = cause.unwrap_or_else(|| short(error));
            if ["end of file", "EOF", "fill whole buffer"].iter().any(|end| words.contains(end)) {
                cut_off()
            } else if words.contains("too large") {
                too_many_pixels()
            } else {
                format!("the {name} data are damaged ({words})")
            }
        }
    }
}

fn too_many_pixels() -> String {
    "the picture claims more pixels than are read".into()
}

fn cut_off() -> String {
    "the file is cut off: its end is missing".into()
}

/// A decoder's message on one line, of bearable length.
fn short(message: &(impl ToString + ?Sized)) -> String {
    const LONGEST: usize = 120;
    let message = message.to_string();
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown: String = line.chars().take(LONGEST).collect();
    let dots = if shown.len() < line.len() { "…" } else { "" };
    format!("{}{dots}", printable_str(&shown))
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
