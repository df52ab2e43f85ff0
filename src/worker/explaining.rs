//! Why two pictures are alike: the network that embeds them is asked once more.

use std::path::Path;

use image::RgbImage;

use crate::{
    analysis::explanation::{Explanation, PartsView, Shares},
    decode::{self, Alpha, Detail},
    display::ColorMap,
    embed::{Embedder, preprocess},
    error::{Error, Result},
    pipeline, preview,
};

/// Regions along a side that are covered one after the other where a network does not say what it is made of.
const COVERED: u32 = 7;
/// The longest side of a drawn picture, in pixels.
const DRAWN: u32 = 768;

/// How much of the cosine similarity of two pictures each region has.
///
/// # Errors
/// [`Error::Image`] when one cannot be read, [`Error::Model`] when the model fails.
pub fn explain(paths: [&Path; 2], embedder: &mut dyn Embedder, exact: bool) -> Result<Explanation> {
    let manifest = embedder.manifest().clone();
    let input = |path: &Path| {
        let unusable = |reason| Error::Image { path: path.to_path_buf(), reason };
        let picture = decode::picture(path, pipeline::detail(&manifest, exact), manifest.alpha);
        preprocess::fit(&picture.map_err(|why| unusable(why.to_string()))?.rgb, &manifest).map_err(unusable)
    };
    let inputs = [input(paths[0])?, input(paths[1])?];
    if let (Some(a), Some(b)) = (embedder.parts(&inputs[0])?, embedder.parts(&inputs[1])?) {
        return Ok(Explanation::of_parts([&a, &b].map(|parts| PartsView { grid: parts.grid, values: &parts.values })));
    }
    let whole = embedder.embed(&inputs)?;
    let [a, b] = [covered(&inputs[0], embedder)?, covered(&inputs[1], embedder)?];
    let grid = [COVERED as usize; 2];
    Ok(Explanation::of_occlusion([&whole[0], &whole[1]], grid, [&a, &b]))
}

/// The embeddings of a picture with one region after the other covered by the mean of its colors.
fn covered(input: &RgbImage, embedder: &mut dyn Embedder) -> Result<Vec<Vec<f32>>> {
    let count = u64::from(input.width()) * u64::from(input.height());
    let mean = [0, 1, 2].map(|channel| {
        let sum: u64 = input.pixels().map(|pixel| u64::from(pixel.0[channel])).sum();
        (sum / count.max(1)) as u8
    });
    let one = |at: u32| {
        let (row, column) = (at / COVERED, at % COVERED);
        let mut picture = input.clone();
        for (x, y, pixel) in picture.enumerate_pixels_mut() {
            if (x * COVERED / input.width(), y * COVERED / input.height()) == (column, row) {
                pixel.0 = mean;
            }
        }
        picture
    };
    let all: Vec<_> = (0..COVERED * COVERED).map(one).collect();
    let mut embeddings = Vec::with_capacity(all.len());
    for batch in all.chunks(embedder.batch_size().max(1)) {
        embeddings.extend(embedder.embed(batch)?);
    }
    Ok(embeddings)
}

/// A picture with the shares of its regions in colors over it: what is seen brightly is what makes the pair alike.
///
/// # Errors
/// [`Error::Image`] when it cannot be read.
pub fn drawn(
    path: &Path,
    shares: &Shares,
    greatest: f32,
    map: ColorMap,
    covers: impl Fn((u32, u32)) -> [f64; 4],
) -> Result<RgbImage> {
    let unusable = |reason: String| Error::Image { path: path.to_path_buf(), reason };
    let picture = decode::picture(path, Detail::AtLeast(DRAWN), Alpha::White);
    let picture = picture.map_err(|why| unusable(why.to_string()))?;
    let (width, height) = picture.rgb.dimensions();
    let shrink = (f64::from(DRAWN) / f64::from(width.max(height).max(1))).min(1.0);
    let side = |length: u32| (f64::from(length) * shrink).round().max(1.0) as u32;
    let mut drawn = preview::scale(&picture.rgb, side(width), side(height)).map_err(unusable)?;
    let (width, height) = drawn.dimensions();
    let [left, top, across, down] = covers((width, height));
    for (x, y, pixel) in drawn.enumerate_pixels_mut() {
        let place = [(f64::from(y) + 0.5 - top) / down, (f64::from(x) + 0.5 - left) / across];
        let share = if greatest > 0.0 { between(shares, place).map_or(0.0, |share| share / greatest) } else { 0.0 };
        // What does not count is dark, and is seen all the same.
        let light = 0.4 + 0.6 * share.clamp(0.0, 1.0);
        let color = map.color(share);
        pixel.0 = std::array::from_fn(|channel| {
            let mixed = 0.6 * f32::from(pixel.0[channel]) + 0.4 * f32::from(color[channel]);
            (mixed * light).round() as u8
        });
    }
    Ok(drawn)
}

/// The share between the middles of regions, at a place of 0 to 1 down and across; nothing outside.
fn between(shares: &Shares, place: [f64; 2]) -> Option<f32> {
    if place.iter().any(|share| !(0.0..=1.0).contains(share)) {
        return None;
    }
    let [(row, down), (column, right)] = [0, 1].map(|axis| {
        let last = (shares.grid[axis] - 1) as f64;
        let at = (place[axis] * shares.grid[axis] as f64 - 0.5).clamp(0.0, last);
        (at as usize, (at - at.floor()) as f32)
    });
    let at = |row: usize, column: usize| {
        let (row, column) = (row.min(shares.grid[0] - 1), column.min(shares.grid[1] - 1));
        shares.values[row * shares.grid[1] + column]
    };
    let line = |row: usize| at(row, column) * (1.0 - right) + at(row, column + 1) * right;
    Some(line(row) * (1.0 - down) + line(row + 1) * down)
}
