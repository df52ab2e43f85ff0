//! Embeddings as blocks of 16-bit integers whose distances are those of the embeddings, up to a known error.
//!
//! The rows (unit vectors for cosine similarity, since ‖u − v‖² = 2 − 2·cos) are moved to their mean and turned so that
//! the first dimensions hold most of their spread: neither changes a distance. Then each row is divided by a factor of
//! its own and rounded. What rounding moved it by is known, so by the triangle inequality a distance of integer rows
//! tells the true one to within the sum of two such errors.
//!
//! The turn is a product of Householder reflections, found by orthogonal iteration on a sample (Golub and Van Loan,
//! "Matrix Computations", 4th edition, sections 5.2 and 8.2.4). It need not be exact: any turn is as good, but slower.

use super::{
    arrangement::{COORDINATES, arranged},
    products::{Lines, PANEL, PairColumn},
};
use crate::{
    index::{ImageId, Index},
    similarity::{Executor, Metric, kernel, map_parallel},
};

/// Rows in a block: two blocks and what is found in them fit the caches of a core. Tests have many blocks of few rows.
pub const BLOCK_LEN: usize = if cfg!(test) { 48 } else { 768 };

/// Rows that the mean and the turn are learned from.
const SAMPLE: usize = 2048;

/// Dimensions that get most of the spread.
const DIRECTIONS: usize = 64;

/// Rounds of orthogonal iteration.
const ROUNDS: usize = 3;

/// The longest integer row: no sum of products of two such rows leaves 32 bits.
const LONGEST: f32 = 46_000.0;

/// What rounding in 32 bits may move a row by on its way to the integers, as a share of its length.
const ROUNDING: f32 = 3e-5;

/// Rows packed for comparing.
pub struct PackedRows {
    /// The pictures, one a row.
    pub ids: Vec<ImageId>,
    /// How far the integers may be from the true row, one a row.
    pub errors: Vec<f32>,
    /// The largest of them.
    pub largest_error: f32,
    /// The largest squared length of a row.
    pub largest_square: f32,
    /// The mean of the rows as they are packed, but not rounded.
    pub center: Vec<f32>,
    scales: Vec<f32>,
    heights: Vec<Vec<f32>>,
    squares: Vec<f64>,
    panels: Vec<PairColumn>,
}

impl PackedRows {
    /// What the products need; `bars` has one value a row, padding included.
    pub fn lines<'a>(&'a self, bars: &'a [f32]) -> Lines<'a> {
        Lines { scales: &self.scales, heights: &self.heights, squares: &self.squares, bars, panels: &self.panels }
    }

    /// Puts the rows in another order, given as their positions now.
    pub fn rearrange(&mut self, order: &[usize]) {
        fn put<T: Copy>(values: &mut [T], order: &[usize]) {
            let old = values.to_vec();
            values.iter_mut().zip(order).for_each(|(place, at)| *place = old[*at]);
        }
        let pairs = self.panels.len() / (self.scales.len() / PANEL).max(1);
        put(&mut self.ids, order);
        put(&mut self.errors, order);
        put(&mut self.scales, order);
        put(&mut self.squares, order);
        self.heights.iter_mut().for_each(|heights| put(heights, order));
        let old = self.panels.clone();
        for (to, from) in order.iter().enumerate() {
            for pair in 0..pairs {
                self.panels[to / PANEL * pairs + pair][to % PANEL] = old[from / PANEL * pairs + pair][from % PANEL];
            }
        }
    }

    /// Rows with padding.
    pub fn padded(&self) -> usize {
        self.scales.len()
    }
}

/// How rows become integers.
pub struct Packing {
    metric: Metric,
    /// What raw values are multiplied with before anything else, so that their squares fit 32 bits.
    pub unit: f64,
    mean: Vec<f32>,
    mean_length: f32,
    reflections: Vec<Vec<f32>>,
    /// The first directions of the turn.
    directions: Vec<Vec<f32>>,
    /// Pairs of dimensions.
    pub pairs: usize,
    /// After how many pairs of dimensions a distance is looked at.
    pub stages: Vec<usize>,
}

impl Packing {
    /// Learns the mean and the turn from a sample of the rows, whose lengths must be finite, and for cosine not zero.
    pub fn learn(index: &Index, metric: Metric, ids: &[ImageId]) -> Self {
        let dim = index.dim();
        let mut lengths: Vec<f32> = ids.iter().filter_map(|id| index.get(*id)).map(|entry| entry.norm).collect();
        lengths.sort_unstable_by(f32::total_cmp);
        let longest = lengths.last().copied().unwrap_or(1.0);
        let unit = if longest > 0.0 { 1.0 / f64::from(longest) } else { 1.0 };
        let pairs = dim.div_ceil(2).max(1);
        let mut stages: Vec<_> =
            std::iter::successors(Some(32), |at| Some(at * 2)).take_while(|at| *at < pairs).collect();
        stages.push(pairs);
        let mut packing = Self {
            metric,
            unit,
            mean: vec![0.0; dim],
            mean_length: 0.0,
            reflections: Vec::new(),
            directions: Vec::new(),
            pairs,
            stages,
        };
        let mut sample: Vec<Vec<f32>> = (0..ids.len().min(SAMPLE))
            .filter_map(|at| packing.row(index, ids[at * ids.len() / ids.len().min(SAMPLE)]))
            .collect();
        let share = 1.0 / sample.len().max(1) as f32;
        let mut mean = vec![0.0; dim];
        sample.iter().for_each(|row| mean.iter_mut().zip(row).for_each(|(sum, value)| *sum += value * share));
        sample.iter_mut().for_each(|row| row.iter_mut().zip(&mean).for_each(|(value, mean)| *value -= mean));
        packing.mean_length = length(&mean);
        packing.mean = mean;
        if packing.stages.len() > 1 {
            packing.reflections = principal_reflections(&sample, dim, DIRECTIONS.min(dim / 4));
        }
        let first = packing.reflections.len().min(COORDINATES);
        packing.directions = (0..first).map(|axis| direction(&packing.reflections, axis, dim)).collect();
        packing
    }

    /// A row in the units of this packing, neither moved nor turned.
    fn row(&self, index: &Index, id: ImageId) -> Option<Vec<f32>> {
        let entry = index.get(id)?;
        let factor = match self.metric {
            Metric::Cosine => f64::from(entry.scale) / f64::from(entry.norm),
            Metric::Euclidean => f64::from(entry.scale) * self.unit,
        };
        Some(entry.row.iter().map(|value| (value.to_f64() * factor) as f32).collect())
    }

    /// The rows in an order in which like ones stand together.
    pub fn arranged(&self, index: &Index, ids: &[ImageId], executor: Executor<'_>) -> Vec<ImageId> {
        if self.directions.is_empty() {
            return ids.to_vec();
        }
        let coordinates = map_parallel(executor, ids.chunks(BLOCK_LEN), |ids| {
            let mut coordinates = vec![0.0; ids.len() * COORDINATES];
            for (id, place) in ids.iter().zip(coordinates.chunks_exact_mut(COORDINATES)) {
                let row = self.row(index, *id).unwrap_or_default();
                let along = self.directions.iter().map(|direction| kernel::dot(&row, direction) as f32);
                place.iter_mut().zip(along).for_each(|(place, along)| *place = along);
            }
            coordinates
        });
        arranged(&coordinates.concat(), executor).into_iter().map(|at| ids[at]).collect()
    }

    /// Packs rows, [`BLOCK_LEN`] a block.
    pub fn blocks(&self, index: &Index, ids: &[ImageId], executor: Executor<'_>) -> Vec<PackedRows> {
        map_parallel(executor, ids.chunks(BLOCK_LEN), |ids| self.block(index, ids))
    }

    fn block(&self, index: &Index, ids: &[ImageId]) -> PackedRows {
        let padded = ids.len().next_multiple_of(PANEL);
        let mut block = PackedRows {
            ids: ids.to_vec(),
            errors: Vec::with_capacity(ids.len()),
            largest_error: 0.0,
            largest_square: 0.0,
            center: vec![0.0; index.dim()],
            scales: vec![0.0; padded],
            heights: vec![vec![0.0; padded]; self.stages.len()],
            squares: vec![0.0; padded],
            panels: vec![[[0; 2]; PANEL]; padded / PANEL * self.pairs],
        };
        for (at, id) in ids.iter().enumerate() {
            let Some(mut row) = self.row(index, *id) else { continue };
            let rounding = (length(&row) + self.mean_length) * ROUNDING;
            row.iter_mut().zip(&self.mean).for_each(|(value, mean)| *value -= mean);
            self.reflections.iter().enumerate().for_each(|(first, mirror)| reflect(&mut row[first..], mirror));
            kernel::add_row(&mut block.center, &row, 1.0 / ids.len() as f32);
            let largest = row.iter().fold(0_f32, |most, value| most.max(value.abs()));
            let scale = (length(&row) / LONGEST).max(largest / 32_767.0).max(f32::MIN_POSITIVE);
            let (mut moved, mut square, mut stage) = (0.0_f64, 0.0_f64, 0);
            for (pair, values) in row.chunks(2).enumerate() {
                let place = &mut block.panels[at / PANEL * self.pairs + pair][at % PANEL];
                for (value, place) in values.iter().zip(place) {
                    let whole = (value / scale).round();
                    *place = whole as i16;
                    moved += (f64::from(*value) - f64::from(whole) * f64::from(scale)).powi(2);
                    square += (f64::from(whole) * f64::from(scale)).powi(2);
                }
                if pair + 1 == self.stages[stage] {
                    block.heights[stage][at] = square as f32;
                    stage += 1;
                }
            }
            (block.scales[at], block.squares[at]) = (scale, square);
            block.errors.push(moved.sqrt() as f32 + rounding);
            block.largest_error = block.largest_error.max(block.errors[at]);
            block.largest_square = block.largest_square.max(square as f32);
        }
        block
    }
}

fn length(row: &[f32]) -> f32 {
    kernel::dot(row, row).sqrt() as f32
}

/// Mirrors a row at the plane that is orthogonal to `mirror`, whose length is √2.
fn reflect(row: &mut [f32], mirror: &[f32]) {
    let along = kernel::dot(row, mirror) as f32;
    if along != 0.0 {
        kernel::add_row(row, mirror, -along);
    }
}

/// Reflections that, one after the other, turn the directions of the largest spread of `sample` to the first axes.
fn principal_reflections(sample: &[Vec<f32>], dim: usize, directions: usize) -> Vec<Vec<f32>> {
    let count = directions.min(sample.len());
    let mut reflections = orthogonalize((0..count).map(|at| sample[at * sample.len() / count].clone()).collect());
    for _ in 0..ROUNDS {
        let basis: Vec<Vec<f32>> = (0..reflections.len()).map(|axis| direction(&reflections, axis, dim)).collect();
        let mut next = vec![vec![0.0; dim]; basis.len()];
        for row in sample {
            for (direction, sum) in basis.iter().zip(&mut next) {
                kernel::add_row(sum, row, kernel::dot(row, direction) as f32);
            }
        }
        // Long rows and short ones, squared thrice, must not leave the range of 32 bits.
        let longest = next.iter().map(|row| length(row)).fold(0.0, f32::max);
        if longest > 0.0 {
            next.iter_mut().flatten().for_each(|value| *value /= longest);
        }
        reflections = orthogonalize(next);
    }
    reflections
}

/// What the reflections turn to one of the first axes.
fn direction(reflections: &[Vec<f32>], axis: usize, dim: usize) -> Vec<f32> {
    let mut row = vec![0.0; dim];
    row[axis] = 1.0;
    reflections.iter().enumerate().rev().for_each(|(first, mirror)| reflect(&mut row[first..], mirror));
    row
}

/// Householder's reflections, the i-th of the dimensions from i on, that leave vector i no part beyond axis i.
fn orthogonalize(mut vectors: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
    let mut reflections: Vec<Vec<f32>> = Vec::with_capacity(vectors.len());
    for first in 0..vectors.len() {
        let mut mirror = vectors[first][first..].to_vec();
        let long = length(&mirror);
        mirror[0] += if mirror[0] < 0.0 { -long } else { long };
        let to_root_two = std::f32::consts::SQRT_2 / length(&mirror);
        if to_root_two.is_finite() {
            mirror.iter_mut().for_each(|value| *value *= to_root_two);
        } else {
            mirror.fill(0.0);
        }
        vectors[first + 1..].iter_mut().for_each(|row| reflect(&mut row[first..], &mirror));
        reflections.push(mirror);
    }
    reflections
}
