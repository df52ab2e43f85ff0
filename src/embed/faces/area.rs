//! Area resampling of a window of a picture to the numbers that MTCNN takes.

use image::RgbImage;

/// What is subtracted from a pixel, and what the rest is divided by.
const GRAY: f64 = 127.5;
const SCALE: f64 = 128.0;

/// A part of a picture in pixels: left and top inside, right and bottom outside. It may reach beyond the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) left: i64,
    pub(super) top: i64,
    pub(super) right: i64,
    pub(super) bottom: i64,
}

impl Window {
    pub(super) fn whole(picture: &RgbImage) -> Self {
        Self { left: 0, top: 0, right: picture.width().into(), bottom: picture.height().into() }
    }
}

/// Pixels between `from` and `to` of `length`, of which `count` pieces are made: where piece `at` begins and ends. Pieces may
/// share a pixel, as those of PyTorch's `adaptive_avg_pool2d` do.
fn piece(from: i64, to: i64, count: usize, at: usize) -> (i64, i64) {
    let (length, count, at) = (to - from, count as i64, at as i64);
    (from + at * length / count, from + ((at + 1) * length + count - 1) / count)
}

/// Writes the means of `width`×`height` pieces of a window, row by row with the three channels of a pixel together, into
/// `out`, whose rows are `stride` numbers apart. Gray is 0, and so is all that lies beyond the picture.
pub(super) fn resample(
    picture: &RgbImage,
    window: Window,
    [width, height]: [usize; 2],
    out: &mut [f32],
    stride: usize,
) {
    let (columns, rows) = (i64::from(picture.width()), i64::from(picture.height()));
    let (left, right) = (window.left.clamp(0, columns), window.right.clamp(0, columns));
    if left >= right {
        return;
    }
    let row_bytes = columns as usize * 3;
    let mut sums = vec![0_u32; (right - left) as usize * 3];
    for (y, line) in out.chunks_mut(stride).take(height).enumerate() {
        let (above, below) = piece(window.top, window.bottom, height, y);
        let (first, end) = (above.clamp(0, rows), below.clamp(0, rows));
        if first >= end {
            continue;
        }
        sums.fill(0);
        for row in first..end {
            let from = row as usize * row_bytes;
            let pixels = &picture.as_raw()[from + left as usize * 3..from + right as usize * 3];
            for (sum, level) in sums.iter_mut().zip(pixels) {
                *sum += u32::from(*level);
            }
        }
        for (x, pixel) in line.as_chunks_mut::<3>().0.iter_mut().take(width).enumerate() {
            let (before, beyond) = piece(window.left, window.right, width, x);
            let (start, stop) = (before.clamp(left, right), beyond.clamp(left, right));
            if start >= stop {
                continue;
            }
            let mut total = [0_u64; 3];
            let inside = &sums[(start - left) as usize * 3..(stop - left) as usize * 3];
            for sum in inside.as_chunks::<3>().0 {
                for (total, sum) in total.iter_mut().zip(sum) {
                    *total += u64::from(*sum);
                }
            }
            let known = ((end - first) * (stop - start)) as f64;
            let all = ((below - above) * (beyond - before)) as f64;
            *pixel = total.map(|sum| ((sum as f64 - GRAY * known) / (SCALE * all)) as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    fn picture() -> RgbImage {
        RgbImage::from_fn(7, 5, |x, y| Rgb([(x * 30) as u8, (y * 50) as u8, (x * y * 8) as u8]))
    }

    /// The mean of each piece, pixel by pixel.
    fn expected(picture: &RgbImage, window: Window, [width, height]: [usize; 2]) -> Vec<f32> {
        let mut all = Vec::new();
        for y in 0..height {
            for x in 0..width {
                let (above, below) = piece(window.top, window.bottom, height, y);
                let (before, beyond) = piece(window.left, window.right, width, x);
                for channel in 0..3 {
                    let level = |x: i64, y: i64| {
                        let (x, y) = (u32::try_from(x).ok()?, u32::try_from(y).ok()?);
                        Some((f64::from(picture.get_pixel_checked(x, y)?.0[channel]) - 127.5) / 128.0)
                    };
                    let places = (above..below).flat_map(|y| (before..beyond).map(move |x| (x, y)));
                    let count = ((below - above) * (beyond - before)) as f64;
                    all.push((places.filter_map(|(x, y)| level(x, y)).sum::<f64>() / count) as f32);
                }
            }
        }
        all
    }

    #[test]
    fn every_window_inside_around_and_beyond_a_picture_has_the_means_of_its_pieces() {
        let picture = picture();
        for (left, top, right, bottom) in
            [(0, 0, 7, 5), (2, 1, 5, 4), (-3, -2, 10, 9), (6, 4, 20, 30), (-9, 0, -2, 5), (3, 3, 4, 4)]
        {
            let window = Window { left, top, right, bottom };
            for size in [[1, 1], [3, 2], [7, 5], [12, 12]] {
                let mut out = vec![0.0; size[0] * size[1] * 3];
                resample(&picture, window, size, &mut out, size[0] * 3);
                let apart = out.iter().zip(expected(&picture, window, size)).map(|(a, b)| (a - b).abs());
                assert!(apart.fold(0.0, f32::max) < 1e-6, "{window:?} {size:?}");
            }
        }
    }
}
