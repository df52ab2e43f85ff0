//! The weight-free baseline: the mean color of each cell of an 8×8 grid. It knows light and color, not things.

use image::RgbImage;

use super::{Embedder, Manifest, Parts};
use crate::error::Result;

/// Cells along a side.
const CELLS: u32 = 8;

/// The mean of each channel, 0 to 1, in each cell, row by row: 8 × 8 × 3 values.
pub struct ColorGrid {
    manifest: Manifest,
}

impl ColorGrid {
    /// The baseline as its manifest describes it.
    #[must_use]
    pub fn new(manifest: Manifest) -> Self {
        Self { manifest }
    }
}

impl Embedder for ColorGrid {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn embed(&mut self, batch: &[RgbImage]) -> Result<Vec<Vec<f32>>> {
        Ok(batch.iter().map(mean_colors).collect())
    }

    fn parts(&mut self, picture: &RgbImage) -> Result<Option<Parts>> {
        let embedding = mean_colors(picture);
        let cells = (CELLS * CELLS) as usize;
        let mut values = vec![0.0; cells * embedding.len()];
        for (cell, part) in values.chunks_exact_mut(embedding.len()).enumerate() {
            part[3 * cell..3 * cell + 3].copy_from_slice(&embedding[3 * cell..3 * cell + 3]);
        }
        Ok(Some(Parts { grid: [CELLS as usize; 2], values }))
    }

    fn share(&self) -> Option<Box<dyn Embedder>> {
        Some(Box::new(Self::new(self.manifest.clone())))
    }

    fn batch_size(&self) -> usize {
        32
    }

    fn device(&self) -> String {
        "CPU, no network".into()
    }
}

fn mean_colors(picture: &RgbImage) -> Vec<f32> {
    let cell = (picture.width() / CELLS).max(1);
    let mut sums = vec![0_u32; (CELLS * CELLS * 3) as usize];
    for (x, y, pixel) in picture.enumerate_pixels() {
        let (column, row) = ((x / cell).min(CELLS - 1), (y / cell).min(CELLS - 1));
        let at = ((row * CELLS + column) * 3) as usize;
        for (sum, level) in sums[at..at + 3].iter_mut().zip(pixel.0) {
            *sum += u32::from(level);
        }
    }
    let whole = f64::from(cell * cell) * 255.0;
    sums.into_iter().map(|sum| (f64::from(sum) / whole) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cell_is_the_mean_of_its_pixels() {
        let manifest = Manifest::parse(include_str!("../../models/color-grid.toml")).unwrap();
        // Red follows the column of the cell, green alternates inside a cell, blue marks the last pixel only.
        let picture = RgbImage::from_fn(64, 64, |x, y| {
            image::Rgb([(x / 8 * 10) as u8, if x % 2 == 0 { 0 } else { 255 }, if (x, y) == (63, 63) { 255 } else { 0 }])
        });
        let rows = ColorGrid::new(manifest).embed(&[picture]).unwrap();
        let row = &rows[0];
        assert_eq!(row.len(), 192);
        assert_eq!(row[0..3], [0.0, 0.5, 0.0]);
        assert_eq!(row[3], 10.0 / 255.0);
        assert_eq!(row[191], 1.0 / 64.0);
    }
}
