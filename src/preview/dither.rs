//! Pictures in few grays: each dot takes one that there is, and what it lacks goes to its neighbors (Floyd and Steinberg,
//! 1976), so that at a distance the picture has its shades all the same.

use image::{
    RgbImage,
    imageops::{self, ColorMap},
};

/// The levels of gray of a picture, from 0 for its darkest to `levels` − 1 for its brightest dot.
pub(super) fn in_grays(picture: &RgbImage, levels: u8) -> RgbImage {
    let mut dots = picture.clone();
    stretch(&mut dots);
    let map = Grays(levels);
    imageops::dither(&mut dots, &map);
    dots.pixels_mut().for_each(|pixel| pixel.0 = [map.index_of(pixel) as u8; 3]);
    dots
}

/// So many grays from black to white.
struct Grays(u8);

impl ColorMap for Grays {
    type Color = image::Rgb<u8>;

    fn index_of(&self, color: &Self::Color) -> usize {
        (usize::from(luma(color.0)) * usize::from(self.0 - 1) + 127) / 255
    }

    fn map_color(&self, color: &mut Self::Color) {
        color.0 = [(self.index_of(color) * 255 / usize::from(self.0 - 1)) as u8; 3];
    }
}

/// The brightness of a color (Rec. 601).
pub(super) fn luma([red, green, blue]: [u8; 3]) -> u8 {
    ((299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue)) / 1000) as u8
}

/// Grays from the darkest dot, which becomes black, to the brightest, which becomes white: of few shades none is given away.
fn stretch(dots: &mut RgbImage) {
    let lumas = || dots.pixels().map(|pixel| luma(pixel.0));
    let (low, high) = (lumas().min().unwrap_or(0), lumas().max().unwrap_or(255));
    let span = u32::from(high - low);
    for pixel in dots.pixels_mut() {
        let above = u32::from(luma(pixel.0) - low);
        // A picture of one shade keeps it.
        let stretched = (255 * above).checked_div(span).map_or(luma(pixel.0), |value| value as u8);
        pixel.0 = [stretched; 3];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp() -> RgbImage {
        RgbImage::from_fn(64, 16, |x, _| image::Rgb([40 + 2 * x as u8, 60 + 2 * x as u8, 80]))
    }

    #[test]
    fn grays_span_all_levels_and_their_mean_is_the_pictures() {
        let dots = in_grays(&ramp(), 5);
        let mean = |columns: std::ops::Range<u32>| {
            let all = columns.clone().flat_map(|x| (0..16).map(move |y| (x, y)));
            let sum: f64 = all.map(|(x, y)| f64::from(dots.get_pixel(x, y).0[0])).sum();
            sum / f64::from(16 * columns.len() as u32)
        };
        for at in 0..8 {
            let (own, shown) = (f64::from(8 * at) + 3.5, mean(8 * at..8 * at + 8));
            assert!((own * 4.0 / 63.0 - shown).abs() < 0.25, "{shown} at {own}");
        }
        let plain = in_grays(&RgbImage::from_pixel(8, 8, image::Rgb([96; 3])), 5);
        let sum: u32 = plain.pixels().map(|pixel| u32::from(pixel.0[0])).sum();
        assert!((86..=106).contains(&sum), "{sum} is not 64 × 1.5");
    }
}
