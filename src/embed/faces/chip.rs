//! A face as dlib's network wants it: turned upright and scaled so that eyes, nose and mouth lie where they always lie.

use fast_image_resize::FilterType;
use image::{Rgb, RgbImage};

use crate::embed::preprocess;

/// Where the left eye, the right eye, the nose and the corners of the mouth lie in a chip of [`SIDE`] pixels, from the
/// middle of its first pixel: the mean over 119 faces of where dlib's own alignment puts the points that MTCNN finds.
const TEMPLATE: [[f64; 2]; 5] = [[46.58, 44.90], [101.43, 44.90], [74.01, 77.63], [47.96, 100.68], [100.06, 100.68]];
const SIDE: f64 = 150.0;

/// x′ = a x − b y + left, y′ = b x + a y + top.
#[derive(Debug, Clone, Copy)]
struct Similarity {
    a: f64,
    b: f64,
    left: f64,
    top: f64,
}

impl Similarity {
    /// The one that brings points closest to others by the sum of squared distances.
    fn between(from: &[[f64; 2]; 5], to: &[[f64; 2]; 5]) -> Self {
        let mean =
            |points: &[[f64; 2]; 5]| [0, 1].map(|axis| points.iter().map(|point| point[axis]).sum::<f64>() / 5.0);
        let (center, target) = (mean(from), mean(to));
        let (mut along, mut across, mut spread) = (0.0, 0.0, 0.0);
        for (from, to) in from.iter().zip(to) {
            let [x, y] = [from[0] - center[0], from[1] - center[1]];
            let [u, v] = [to[0] - target[0], to[1] - target[1]];
            along += x * u + y * v;
            across += x * v - y * u;
            spread += x * x + y * y;
        }
        let (a, b) = (along / spread, across / spread);
        let left = target[0] - a * center[0] + b * center[1];
        Self { a, b, left, top: target[1] - b * center[0] - a * center[1] }
    }

    fn apply(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [self.a * x - self.b * y + self.left, self.b * x + self.a * y + self.top]
    }

    fn scale(&self) -> f64 {
        self.a.hypot(self.b)
    }
}

/// Cuts a face with these points (in pixels from the picture's edges) out to `side`×`side` pixels. What lies beyond the
/// picture is black, as in dlib.
///
/// # Errors
/// A sentence when the picture has no pixels there.
pub(super) fn cut(picture: &RgbImage, points: &[[f64; 2]; 5], side: u32) -> Result<RgbImage, String> {
    let middles = points.map(|point| point.map(|place| place - 0.5));
    let template = TEMPLATE.map(|point| point.map(|place| (place + 0.5) * f64::from(side) / SIDE - 0.5));
    let to_picture = Similarity::between(&template, &middles);
    if to_picture.scale() <= 1.0 {
        return Ok(sample(picture, side, |place| to_picture.apply(place)));
    }
    // Shrunk first, so that nothing is skipped when it is sampled.
    let end = f64::from(side);
    let corners = [[0.0, 0.0], [end, 0.0], [0.0, end], [end, end]].map(|corner| to_picture.apply(corner));
    let span = |axis: usize, length: u32| {
        let places = || corners.iter().map(|corner| corner[axis]);
        let (low, high) = (places().fold(f64::INFINITY, f64::min), places().fold(f64::NEG_INFINITY, f64::max));
        let from = (low as i64 - 4).clamp(0, i64::from(length) - 1) as f64;
        let to = (high as i64 + 5).clamp(from as i64 + 1, i64::from(length)) as f64;
        let shrunk = ((to - from) / to_picture.scale()).round().max(1.0);
        (from, to - from, shrunk)
    };
    let ((x, width, columns), (y, height, rows)) = (span(0, picture.width()), span(1, picture.height()));
    let part = (x, y, width, height);
    let small = preprocess::resize(picture, (columns as u32, rows as u32), FilterType::Bilinear, part)?;
    let (across, down) = (columns / width, rows / height);
    Ok(sample(&small, side, |place| {
        let [u, v] = to_picture.apply(place);
        [(u - x + 0.5) * across - 0.5, (v - y + 0.5) * down - 0.5]
    }))
}

/// A square whose pixels are taken from the places of a picture that `place` gives, each from the four around it.
fn sample(picture: &RgbImage, side: u32, place: impl Fn([f64; 2]) -> [f64; 2]) -> RgbImage {
    RgbImage::from_fn(side, side, |x, y| {
        let [u, v] = place([f64::from(x), f64::from(y)]);
        let (left, top) = (u.floor(), v.floor());
        let (right_share, lower_share) = (u - left, v - top);
        let mut color = [0.0; 3];
        for (dx, dy) in [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)] {
            let share = |of: f64, far: f64| if far > 0.0 { of } else { 1.0 - of };
            let weight = share(right_share, dx) * share(lower_share, dy);
            let inside = |at: f64| (at >= 0.0).then_some(at as u32);
            let pixel = inside(left + dx).zip(inside(top + dy)).and_then(|(x, y)| picture.get_pixel_checked(x, y));
            for (sum, level) in color.iter_mut().zip(pixel.map_or([0; 3], |pixel| pixel.0)) {
                *sum += weight * f64::from(level);
            }
        }
        Rgb(color.map(|sum| sum.round() as u8))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture whose colors say where a pixel is.
    fn picture() -> RgbImage {
        RgbImage::from_fn(200, 200, |x, y| Rgb([x as u8, y as u8, 100]))
    }

    /// Where the template's points lie in a picture, in pixels from its edges.
    fn placed(similarity: Similarity) -> [[f64; 2]; 5] {
        TEMPLATE.map(|point| similarity.apply(point).map(|place| place + 0.5))
    }

    #[test]
    fn a_chip_shows_the_face_upright_whatever_its_turn_and_size() {
        for (a, b, left, top) in [(1.0, 0.0, 20.0, 30.0), (0.5, 0.0, 50.0, 60.0), (0.3, 0.4, 90.0, 20.0)] {
            let similarity = Similarity { a, b, left, top };
            let chip = cut(&picture(), &placed(similarity), 150).unwrap();
            for place in [[10_u32, 20], [75, 75], [140, 100]] {
                let [u, v] = similarity.apply(place.map(f64::from));
                let [red, green, blue] = chip.get_pixel(place[0], place[1]).0;
                assert!((f64::from(red) - u).abs() <= 1.0 && (f64::from(green) - v).abs() <= 1.0, "{place:?}");
                assert_eq!(blue, 100);
            }
        }
    }

    #[test]
    fn a_large_face_is_shrunk_without_skipping_pixels() {
        // Stripes of one pixel, which a face of four times the chip's size must show as gray.
        let stripes = RgbImage::from_fn(700, 700, |x, _| Rgb([if x % 2 == 0 { 0 } else { 255 }; 3]));
        let chip = cut(&stripes, &placed(Similarity { a: 4.0, b: 0.0, left: 40.0, top: 40.0 }), 150).unwrap();
        assert!(chip.pixels().all(|pixel| pixel.0[0].abs_diff(127) < 40));
    }

    #[test]
    fn what_lies_beyond_the_picture_is_black() {
        for (a, left, top) in [(1.0, -75.0, 100.0), (3.0, -200.0, 0.0), (1.0, 5000.0, 5000.0), (2.0, -9000.0, -9000.0)]
        {
            let chip = cut(&picture(), &placed(Similarity { a, b: 0.0, left, top }), 150).unwrap();
            assert_eq!(chip.get_pixel(0, 149).0, [0; 3]);
        }
    }
}
