//! Where two pictures differ: pixel by pixel, after the second was given the first one's size.

use image::{Rgb, RgbImage};

use super::scale;
use crate::display::ColorMap;

/// The longer side in pixels at which two pictures are compared, so far as they have as many: the same for every size on
/// the screen, so that the number is the same as well.
pub const SIDE: u32 = 512;

/// Of a hundred pixels that differ, so many are not beyond the bright end of the colors: a few that differ much must not
/// leave all others dark.
const IN_RANGE: usize = 99;

/// How much each pixel of a picture differs from the same pixel of another one.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Width and height in pixels.
    size: (u32, u32),
    /// Of each pixel, row by row, the absolute difference as a share of the whole range, 0 to 1: the mean of its channels.
    values: Vec<f32>,
    /// The mean of all pixels, 0 to 1.
    pub mean: f32,
    /// What the bright end of the colors stands for, 0 to 1; 0 where no pixel differs.
    pub bright_end: f32,
    /// The pictures have other proportions, and the second one was stretched.
    pub stretched: bool,
}

impl Difference {
    /// Compares two pictures.
    ///
    /// # Errors
    /// When a picture has no pixels, or more than the resampler takes.
    pub fn between(a: &RgbImage, b: &RgbImage) -> Result<Self, String> {
        if a.is_empty() || b.is_empty() {
            return Err("a picture without pixels differs from nothing".to_owned());
        }
        let shrink = (f64::from(SIDE) / f64::from(a.width().max(a.height()))).min(1.0);
        let [width, height] = [a.width(), a.height()].map(|side| (f64::from(side) * shrink).round().max(1.0) as u32);
        let [first, second] = [scale(a, width, height)?, scale(b, width, height)?];
        let one = |(Rgb(a), Rgb(b)): (&Rgb<u8>, &Rgb<u8>)| {
            let sum: u32 = a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
            sum as f32 / (3.0 * 255.0)
        };
        let values: Vec<f32> = first.pixels().zip(second.pixels()).map(one).collect();
        let sum: f64 = values.iter().map(|value| f64::from(*value)).sum();
        let mut differing: Vec<f32> = values.iter().copied().filter(|value| *value > 0.0).collect();
        let at = (differing.len() * IN_RANGE / 100).min(differing.len().saturating_sub(1));
        let bright_end = match differing.is_empty() {
            true => 0.0,
            false => *differing.select_nth_unstable_by(at, f32::total_cmp).1,
        };
        let shape = |picture: &RgbImage| f64::from(picture.width()) / f64::from(picture.height());
        // Rounding to whole pixels is no stretching.
        let stretched = (shape(a) / shape(b)).ln().abs() > 0.02;
        Ok(Self { size: (width, height), mean: (sum / values.len() as f64) as f32, values, bright_end, stretched })
    }

    /// The mean difference in at most so many regions one under the other and side by side: their grid, and the means row
    /// by row.
    #[must_use]
    pub fn means(&self, most: [usize; 2]) -> ([usize; 2], Vec<f32>) {
        let (width, height) = (self.size.0 as usize, self.size.1 as usize);
        let grid = [height.min(most[0].max(1)), width.min(most[1].max(1))];
        let mut sums = vec![(0.0_f64, 0_u32); grid[0] * grid[1]];
        for (at, value) in self.values.iter().enumerate() {
            let (row, column) = (at / width * grid[0] / height, at % width * grid[1] / width);
            let (sum, count) = &mut sums[row * grid[1] + column];
            (*sum, *count) = (*sum + f64::from(*value), *count + 1);
        }
        (grid, sums.into_iter().map(|(sum, count)| (sum / f64::from(count.max(1))) as f32).collect())
    }

    /// A difference as a share of the bright end.
    #[must_use]
    pub fn shown(&self, value: f32) -> f32 {
        if self.bright_end > 0.0 { (value / self.bright_end).clamp(0.0, 1.0) } else { 0.0 }
    }

    /// The differences as a picture: dark where there is none.
    #[must_use]
    pub fn drawn(&self, map: ColorMap) -> RgbImage {
        RgbImage::from_fn(self.size.0, self.size.1, |x, y| {
            let value = self.values[y as usize * self.size.0 as usize + x as usize];
            Rgb(map.color(self.shown(value)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gray(width: u32, height: u32, level: u8) -> RgbImage {
        RgbImage::from_pixel(width, height, Rgb([level; 3]))
    }

    #[test]
    fn equal_pictures_do_not_differ_and_black_and_white_differ_by_all_of_the_range() {
        let same = Difference::between(&gray(7, 5, 90), &gray(7, 5, 90)).expect("both have pixels");
        assert_eq!((same.mean, same.bright_end, same.stretched), (0.0, 0.0, false));
        assert!(same.drawn(ColorMap::Gray).pixels().all(|pixel| pixel.0 == ColorMap::Gray.color(0.0)));
        let all = Difference::between(&gray(4, 3, 0), &gray(8, 6, 255)).expect("both have pixels");
        assert_eq!((all.mean, all.bright_end, all.stretched), (1.0, 1.0, false));
        assert!(all.drawn(ColorMap::Gray).pixels().all(|pixel| pixel.0 == ColorMap::Gray.color(1.0)));
        assert!(Difference::between(&gray(0, 0, 0), &gray(2, 2, 0)).is_err());
    }

    #[test]
    fn a_small_change_is_bright_where_it_is_and_its_number_says_that_it_is_small() {
        let before = gray(40, 20, 100);
        let mut after = before.clone();
        for (x, y) in [(30, 2), (31, 2), (30, 3), (31, 3)] {
            after.put_pixel(x, y, Rgb([100, 100, 151]));
        }
        let found = Difference::between(&before, &after).expect("both have pixels");
        // One channel of three, by 51 of 255, in 4 of 800 pixels.
        let changed = 51.0 / 255.0 / 3.0;
        assert!((found.mean - changed * 4.0 / 800.0).abs() < 1e-7 && (found.bright_end - changed).abs() < 1e-6);
        let (grid, means) = found.means([2, 4]);
        assert_eq!(grid, [2, 4]);
        assert!((means[3] - changed * 4.0 / 100.0).abs() < 1e-6, "{means:?}");
        assert!(means.iter().enumerate().all(|(at, mean)| at == 3 || *mean == 0.0), "{means:?}");
        let drawn = found.drawn(ColorMap::Gray);
        assert_eq!(drawn.get_pixel(30, 2).0, ColorMap::Gray.color(1.0));
        assert_eq!(drawn.get_pixel(0, 0).0, ColorMap::Gray.color(0.0));
        let whole = found.means([1, 1]).1;
        assert!((whole[0] - found.mean).abs() < 1e-7);
    }

    #[test]
    fn another_shape_is_stretched_and_said_to_be() {
        let wide = Difference::between(&gray(40, 20, 10), &gray(20, 40, 10)).expect("both have pixels");
        assert_eq!((wide.mean, wide.stretched), (0.0, true));
        let rounded = Difference::between(&gray(100, 75, 10), &gray(51, 38, 10)).expect("both have pixels");
        assert!(!rounded.stretched);
    }
}
