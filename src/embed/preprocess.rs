//! From a picture of any size to the numbers a network takes.

use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};
use image::RgbImage;

use super::manifest::{Interpolation, Manifest, Resize};

/// Part of a model's fingerprint: raise it when the same picture gives other pixels or numbers than before.
pub const VERSION: u32 = 1;

/// Resizes a picture to `input`×`input` pixels as the manifest says, with Pillow's antialiased filters on 8-bit
/// channels: what torchvision's `Resize` (and `CenterCrop`) do with a PIL image, to a level or less.
///
/// # Errors
/// A sentence when the picture has no pixels.
pub fn fit(picture: &RgbImage, manifest: &Manifest) -> Result<RgbImage, String> {
    let (width, height) = picture.dimensions();
    let side = manifest.input;
    if width == 0 || height == 0 {
        return Err("it has no pixels".into());
    }
    if matches!(manifest.resize, Resize::Squash) && (width, height) == (side, side) {
        return Ok(picture.clone());
    }
    let (left, top, crop_width, crop_height) = source_box(width, height, manifest);
    let filter = match manifest.interpolation {
        Interpolation::Bilinear => FilterType::Bilinear,
        Interpolation::Bicubic => FilterType::CatmullRom,
    };
    let options =
        ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter)).crop(left, top, crop_width, crop_height);
    let failed = |error: &dyn std::fmt::Display| format!("it cannot be resized ({error})");
    let source = ImageRef::new(width, height, picture.as_raw(), PixelType::U8x3).map_err(|error| failed(&error))?;
    let mut square = Image::new(side, side, PixelType::U8x3);
    Resizer::new().resize(&source, &mut square, &options).map_err(|error| failed(&error))?;
    RgbImage::from_raw(side, side, square.into_vec()).ok_or_else(|| "it cannot be resized".into())
}

/// The part of the picture that becomes the square: left, top, width and height in source pixels.
///
/// Cropping the square out of the whole resized picture gives the same pixels as resizing only this box, because the
/// filter still sees the pixels around it; but a 60000×10 strip never has to exist at full height.
fn source_box(width: u32, height: u32, manifest: &Manifest) -> (f64, f64, f64, f64) {
    let Resize::ShorterSide(side) = manifest.resize else {
        return (0.0, 0.0, f64::from(width), f64::from(height));
    };
    let shorter = width.min(height);
    // torchvision: the longer side is rounded down, the crop's offset to the nearest whole pixel (halves to even).
    let span = |length: u32| {
        let resized =
            if length == shorter { side } else { (u64::from(side) * u64::from(length) / u64::from(shorter)) as u32 };
        let scale = f64::from(length) / f64::from(resized);
        let offset = (f64::from(resized - manifest.input) / 2.0).round_ties_even();
        (offset * scale, f64::from(manifest.input) * scale)
    };
    let ((left, crop_width), (top, crop_height)) = (span(width), span(height));
    (left, top, crop_width.min(f64::from(width) - left), crop_height.min(f64::from(height) - top))
}

/// Turns pixels into normalized floats by a table of 3 × 256 values, which are the ones that torchvision's `ToTensor`
/// and `Normalize` compute: (v / 255 − mean) / std in float32.
#[derive(Debug, Clone)]
pub struct Normalizer {
    table: Vec<[f32; 256]>,
}

impl Normalizer {
    /// The table for a manifest's mean and std.
    #[must_use]
    pub fn new(manifest: &Manifest) -> Self {
        let channel = |(mean, std): (&f32, &f32)| std::array::from_fn(|level| (level as f32 / 255.0 - mean) / std);
        Self { table: manifest.mean.iter().zip(&manifest.std).map(channel).collect() }
    }

    /// The pictures' values one after the other, each row by row with the three channels of a pixel together
    /// (N×H×W×3).
    #[must_use]
    pub fn normalize(&self, batch: &[RgbImage]) -> Vec<f32> {
        let mut values = Vec::with_capacity(batch.iter().map(|picture| picture.as_raw().len()).sum());
        let [red, green, blue] = &self.table[..] else { return values };
        for picture in batch {
            let pixels = picture.as_raw().chunks_exact(3);
            values.extend(
                pixels.flat_map(|p| [red[usize::from(p[0])], green[usize::from(p[1])], blue[usize::from(p[2])]]),
            );
        }
        values
    }
}
