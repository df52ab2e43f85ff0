//! Whether what a camera sees has changed.

use image::RgbImage;

/// Squares along each side into which a picture is divided.
const SIDE: usize = 16;
/// A square must become so much lighter or darker, of 255. The noise of a dark camera averages out below it.
const CHANGE: f32 = 12.0;

/// A picture as a few squares of gray.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Glimpse([f32; SIDE * SIDE]);

impl Glimpse {
    /// The mean brightness of each square.
    pub(super) fn of(picture: &RgbImage) -> Self {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let (mut sums, mut counts) = ([0.0; SIDE * SIDE], [0.0_f32; SIDE * SIDE]);
        // Every other pixel of every other row tells as much.
        for (y, row) in picture.as_raw().chunks_exact((width * 3).max(1)).enumerate().step_by(2) {
            for (x, pixel) in row.as_chunks::<3>().0.iter().enumerate().step_by(2) {
                let at = y * SIDE / height * SIDE + x * SIDE / width;
                // Rec. 601 luma.
                sums[at] += 0.299 * f32::from(pixel[0]) + 0.587 * f32::from(pixel[1]) + 0.114 * f32::from(pixel[2]);
                counts[at] += 1.0;
            }
        }
        Self(std::array::from_fn(|at| sums[at] / counts[at].max(1.0)))
    }

    /// Whether any square has changed. A change of the light that all squares share is none.
    pub(super) fn differs(&self, other: &Self) -> bool {
        let changes: Vec<f32> = self.0.iter().zip(&other.0).map(|(a, b)| b - a).collect();
        let shared = changes.iter().sum::<f32>() / changes.len() as f32;
        changes.iter().any(|change| (change - shared).abs() > CHANGE)
    }
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    fn gray(level: impl Fn(u32, u32) -> i32) -> Glimpse {
        Glimpse::of(&RgbImage::from_fn(64, 48, |x, y| Rgb([level(x, y).clamp(0, 255) as u8; 3])))
    }

    #[test]
    fn noise_and_light_are_no_change_and_something_in_a_corner_is() {
        let room = gray(|x, y| 40 + (x + y) as i32);
        assert!(!room.differs(&room));
        assert!(!room.differs(&gray(|x, y| 40 + (x + y) as i32 + ((x * 7919 + y * 104_729) % 21) as i32 - 10)));
        assert!(!room.differs(&gray(|x, y| 60 + (x + y) as i32)), "a cloud goes by");
        assert!(room.differs(&gray(|x, y| if x < 8 && y < 8 { 200 } else { 40 + (x + y) as i32 })));
        let nothing = Glimpse::of(&RgbImage::new(0, 0));
        assert!(!nothing.differs(&Glimpse::of(&RgbImage::new(1, 1))));
    }
}
