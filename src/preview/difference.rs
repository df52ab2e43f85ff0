//! Where two pictures differ: pixel by pixel where both have the same size, else after both were given one size.

use image::{Rgb, RgbImage};

use super::scale;
use crate::display::ColorMap;

/// The longer side in pixels of the picture that shows where two differ, and of both of them where their sizes differ: the
/// same for every size on the screen, so that the number is the same as well.
const SIDE: u32 = 512;

/// Of a hundred pixels that differ, so many are not beyond the bright end of the colors: a few that differ much must not
/// leave all others dark.
const IN_RANGE: usize = 99;

/// The greatest sum of the differences of a pixel's three channels.
const WHOLE_RANGE: f64 = 3.0 * 255.0;

/// How much two pictures differ, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct PixelDifference {
    /// Width and height of the grid that says where.
    size: (u32, u32),
    /// Of each of its places, row by row, the absolute difference as a share of the whole range, 0 to 1: the mean of the
    /// channels of all pixels there.
    values: Vec<f32>,
    /// The mean of all pixels, 0 to 1.
    pub mean: f32,
    /// How many pixels differ at all, and of how many; nothing where the pictures' sizes differ.
    pub differing: Option<(usize, usize)>,
    /// What the bright end of the colors stands for, 0 to 1; 0 where nothing differs.
    pub bright_end: f32,
    /// The pictures have other proportions, and the second one was stretched.
    pub stretched: bool,
}

impl PixelDifference {
    /// Compares two pictures.
    ///
    /// # Errors
    /// When a picture has no pixels, or more than the resampler takes.
    pub fn between(a: &RgbImage, b: &RgbImage) -> Result<Self, String> {
        if a.is_empty() || b.is_empty() {
            return Err("a picture without pixels differs from nothing".to_owned());
        }
        let shrink = (f64::from(SIDE) / f64::from(a.width().max(a.height()))).min(1.0);
        let size @ (width, height) = {
            let shrunk = |side: u32| (f64::from(side) * shrink).round().max(1.0) as u32;
            (shrunk(a.width()), shrunk(a.height()))
        };
        let (sums, differing) = if a.dimensions() == b.dimensions() {
            summed(a, b, size)
        } else {
            summed(&scale(a, width, height)?, &scale(b, width, height)?, size)
        };
        let pixels: usize = sums.iter().map(|(_, pixels)| pixels).sum();
        let sum: u64 = sums.iter().map(|(sum, _)| sum).sum();
        let share = |sum: u64, pixels: usize| (sum as f64 / (WHOLE_RANGE * pixels.max(1) as f64)) as f32;
        let values: Vec<f32> = sums.into_iter().map(|(sum, pixels)| share(sum, pixels)).collect();
        let mut differ: Vec<f32> = values.iter().copied().filter(|value| *value > 0.0).collect();
        let at = (differ.len() * IN_RANGE / 100).min(differ.len().saturating_sub(1));
        let bright_end = match differ.is_empty() {
            true => 0.0,
            false => *differ.select_nth_unstable_by(at, f32::total_cmp).1,
        };
        let shape = |picture: &RgbImage| f64::from(picture.width()) / f64::from(picture.height());
        Ok(Self {
            size,
            values,
            mean: share(sum, pixels),
            differing: (a.dimensions() == b.dimensions()).then_some((differing, pixels)),
            bright_end,
            // Rounding to whole pixels is no stretching.
            stretched: (shape(a) / shape(b)).ln().abs() > 0.02,
        })
    }

    /// The mean difference in at most so many regions one under the other and side by side: their grid, and the means row
    /// by row.
    #[must_use]
    pub fn means(&self, most: [usize; 2]) -> ([usize; 2], Vec<f32>) {
        let (width, height) = (self.size.0 as usize, self.size.1 as usize);
        let grid = [height.min(most[0].max(1)), width.min(most[1].max(1))];
        let part =
            |at: usize, side: usize, parts: usize| (at * side).div_ceil(parts)..((at + 1) * side).div_ceil(parts);
        let regions = (0..grid[0]).flat_map(|row| (0..grid[1]).map(move |column| (row, column)));
        let means = regions.map(|(row, column)| {
            let (rows, columns) = (part(row, height, grid[0]), part(column, width, grid[1]));
            let pixels = rows.len() * columns.len();
            let lines = rows.map(|y| &self.values[y * width..][columns.clone()]);
            let sum: f64 = lines.map(|line| line.iter().map(|value| f64::from(*value)).sum::<f64>()).sum();
            (sum / pixels.max(1) as f64) as f32
        });
        (grid, means.collect())
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

/// Of each place of a grid over two pictures of one size, row by row, the sum of the differences of its pixels' channels and
/// how many pixels it has; and how many pixels differ at all.
fn summed(a: &RgbImage, b: &RgbImage, (width, height): (u32, u32)) -> (Vec<(u64, usize)>, usize) {
    let mut sums = vec![(0, 0); width as usize * height as usize];
    let place = |at: u32, side: u32, places: u32| (u64::from(at) * u64::from(places) / u64::from(side)) as usize;
    let columns: Vec<usize> = (0..a.width()).map(|x| place(x, a.width(), width)).collect();
    let mut differing = 0;
    for (y, (line, other)) in (0..).zip(a.rows().zip(b.rows())) {
        let row = &mut sums[place(y, a.height(), height) * width as usize..];
        for (column, (Rgb(a), Rgb(b))) in columns.iter().zip(line.zip(other)) {
            let difference: u32 = a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
            let (sum, pixels) = &mut row[*column];
            (*sum, *pixels) = (*sum + u64::from(difference), *pixels + 1);
            differing += usize::from(difference > 0);
        }
    }
    (sums, differing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gray(width: u32, height: u32, level: u8) -> RgbImage {
        RgbImage::from_pixel(width, height, Rgb([level; 3]))
    }

    #[test]
    fn equal_pictures_do_not_differ_and_black_and_white_differ_by_all_of_the_range() {
        let same = PixelDifference::between(&gray(7, 5, 90), &gray(7, 5, 90)).expect("both have pixels");
        assert_eq!((same.mean, same.bright_end, same.stretched), (0.0, 0.0, false));
        assert!(same.drawn(ColorMap::Gray).pixels().all(|pixel| pixel.0 == ColorMap::Gray.color(0.0)));
        let all = PixelDifference::between(&gray(4, 3, 0), &gray(8, 6, 255)).expect("both have pixels");
        assert_eq!((all.mean, all.bright_end, all.stretched), (1.0, 1.0, false));
        assert!(all.drawn(ColorMap::Gray).pixels().all(|pixel| pixel.0 == ColorMap::Gray.color(1.0)));
        assert!(PixelDifference::between(&gray(0, 0, 0), &gray(2, 2, 0)).is_err());
    }

    #[test]
    fn a_small_change_is_bright_where_it_is_and_its_number_says_that_it_is_small() {
        let before = gray(40, 20, 100);
        let mut after = before.clone();
        for (x, y) in [(30, 2), (31, 2), (30, 3), (31, 3)] {
            after.put_pixel(x, y, Rgb([100, 100, 151]));
        }
        let found = PixelDifference::between(&before, &after).expect("both have pixels");
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
    fn one_pixel_of_a_large_picture_is_found() {
        let before = gray(2000, 1300, 100);
        let mut after = before.clone();
        after.put_pixel(1999, 1299, Rgb([101, 100, 100]));
        let found = PixelDifference::between(&before, &after).expect("both have pixels");
        assert_eq!(found.differing, Some((1, 2_600_000)));
        assert!(found.mean > 0.0 && found.bright_end > 0.0, "{found:?}");
        let (_, means) = found.means([3, 3]);
        assert!(means[8] > 0.0 && means[..8].iter().all(|mean| *mean == 0.0), "{means:?}");
        let same = PixelDifference::between(&before, &before).expect("both have pixels");
        assert_eq!((same.differing, same.mean), (Some((0, 2_600_000)), 0.0));
        let smaller = PixelDifference::between(&before, &gray(1000, 650, 100)).expect("both have pixels");
        assert_eq!((smaller.differing, smaller.mean), (None, 0.0));
    }

    #[test]
    fn another_shape_is_stretched_and_said_to_be() {
        let wide = PixelDifference::between(&gray(40, 20, 10), &gray(20, 40, 10)).expect("both have pixels");
        assert_eq!((wide.mean, wide.stretched), (0.0, true));
        let rounded = PixelDifference::between(&gray(100, 75, 10), &gray(51, 38, 10)).expect("both have pixels");
        assert!(!rounded.stretched);
    }
}
