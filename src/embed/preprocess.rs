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
/// channels: what torchvision's `Resize` (and `CenterCrop`) do with a PIL image, to a level or less. What faces are looked
/// for in keeps its proportions, and is only ever shrunk.
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
    if let Resize::LongerSide(most) = manifest.resize {
        return within(picture, most);
    }
    let (left, top, crop_width, crop_height) = source_box(width, height, manifest);
    let filter = match manifest.interpolation {
        Interpolation::Bilinear => FilterType::Bilinear,
        Interpolation::Bicubic => FilterType::CatmullRom,
    };
    if is_band(width, height, side) {
        let narrow = resize(picture, (side, height), filter, (left, 0.0, crop_width, f64::from(height)))?;
        return resize(&narrow, (side, side), filter, (0.0, top, f64::from(side), crop_height));
    }
    resize(picture, (side, side), filter, (left, top, crop_width, crop_height))
}

/// A picture whose longer side has at most so many pixels.
fn within(picture: &RgbImage, most: u32) -> Result<RgbImage, String> {
    let (width, height) = picture.dimensions();
    let longer = width.max(height);
    if longer <= most {
        return Ok(picture.clone());
    }
    let side = |length: u32| (f64::from(length) * f64::from(most) / f64::from(longer)).round().max(1.0) as u32;
    let whole = (0.0, 0.0, f64::from(width), f64::from(height));
    resize(picture, (side(width), side(height)), FilterType::Bilinear, whole)
}

/// Whether the picture is so wide and low that it must be narrowed first: the resizer begins with the height, and would
/// make of a line of a million pixels a picture of a million by `side`.
fn is_band(width: u32, height: u32, side: u32) -> bool {
    /// Pixels that the resizer may have between its two passes.
    const MOST: u64 = 1 << 24;
    height < side && u64::from(width) * u64::from(side) > MOST
}

/// Resizes the part of the picture at left, top, of this width and height.
pub(super) fn resize(
    picture: &RgbImage,
    (width, height): (u32, u32),
    filter: FilterType,
    (left, top, crop_width, crop_height): (f64, f64, f64, f64),
) -> Result<RgbImage, String> {
    let options =
        ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter)).crop(left, top, crop_width, crop_height);
    let failed = |error: &dyn std::fmt::Display| format!("it cannot be resized ({error})");
    let source = ImageRef::new(picture.width(), picture.height(), picture.as_raw(), PixelType::U8x3);
    let source = source.map_err(|error| failed(&error))?;
    let mut resized = Image::new(width, height, PixelType::U8x3);
    Resizer::new().resize(&source, &mut resized, &options).map_err(|error| failed(&error))?;
    RgbImage::from_raw(width, height, resized.into_vec()).ok_or_else(|| "it cannot be resized".into())
}

/// The part of a picture of this size that the network sees: left, top, width and height in its pixels.
#[must_use]
pub fn seen(pixels: (u32, u32), manifest: &Manifest) -> [f64; 4] {
    let (left, top, width, height) = source_box(pixels.0, pixels.1, manifest);
    [left, top, width, height]
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
    /// (N×H×W×3), in the precision that `rounded` gives.
    #[must_use]
    pub fn normalize<T: Copy + Default>(&self, batch: &[RgbImage], rounded: impl Fn(f32) -> T) -> Vec<T> {
        let mut values = vec![T::default(); batch.iter().map(|picture| picture.as_raw().len()).sum()];
        let rounded: Vec<[T; 256]> = self.table.iter().map(|channel| channel.map(&rounded)).collect();
        let [red, green, blue] = &rounded[..] else { return values };
        let mut written = values.chunks_exact_mut(3);
        for picture in batch {
            for (pixel, value) in picture.as_raw().chunks_exact(3).zip(written.by_ref()) {
                value[0] = red[usize::from(pixel[0])];
                value[1] = green[usize::from(pixel[1])];
                value[2] = blue[usize::from(pixel[2])];
            }
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_low_band_is_narrowed_first_and_looks_the_same() {
        let manifest = Manifest::parse(include_str!("../../models/color-grid.toml")).unwrap();
        let side = manifest.input;
        let (width, height) = ((1 << 24) / side + 1, side / 2);
        assert!(is_band(width, height, side) && !is_band(width - 1, height, side) && !is_band(height, width, side));
        let band =
            RgbImage::from_fn(width, height, |x, y| image::Rgb([(x / 900) as u8, (y * 2) as u8, (x / 77) as u8]));
        let whole = (0.0, 0.0, f64::from(width), f64::from(height));
        let expected = resize(&band, (side, side), FilterType::Bilinear, whole).unwrap();
        let narrowed = fit(&band, &manifest).unwrap();
        assert_eq!(narrowed.dimensions(), (side, side));
        let most = narrowed.as_raw().iter().zip(expected.as_raw()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(most <= Some(1), "{most:?}");
    }

    #[test]
    fn what_faces_are_looked_for_in_keeps_its_proportions_and_never_grows() {
        let manifest = Manifest::parse(include_str!("../../models/faces.toml")).unwrap();
        for (before, after) in [
            ((4000, 3000), (1280, 960)),
            ((3000, 4000), (960, 1280)),
            ((1280, 700), (1280, 700)),
            ((20, 10), (20, 10)),
            ((1, 100_000), (1, 1280)),
        ] {
            let fitted = fit(&RgbImage::new(before.0, before.1), &manifest).unwrap();
            assert_eq!(fitted.dimensions(), after, "{before:?}");
        }
        assert!(fit(&RgbImage::new(0, 5), &manifest).is_err());
    }

    #[test]
    fn the_longest_line_that_is_decoded_is_resized_whatever_the_recipe() {
        let manifest = Manifest::parse(include_str!("../../models/color-grid.toml")).unwrap();
        for resize in [Resize::Squash, Resize::ShorterSide(manifest.input)] {
            let manifest = Manifest { resize, ..manifest.clone() };
            let side = (manifest.input, manifest.input);
            for (width, height) in [(1_000_000, 1), (1, 1_000_000), (1_000_000, 3)] {
                let line = RgbImage::from_pixel(width, height, image::Rgb([10, 20, 30]));
                let fitted = fit(&line, &manifest).unwrap();
                assert_eq!((fitted.dimensions(), fitted.get_pixel(0, 0).0), (side, [10, 20, 30]), "{width}×{height}");
            }
        }
    }
}
