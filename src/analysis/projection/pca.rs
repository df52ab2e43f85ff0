//! Principal component analysis: the plane in which the pictures differ most.
//!
//! The first two principal components of the unit vectors of the embeddings, by block power iteration with Rayleigh–Ritz
//! (Halko, Martinsson, Tropp: "Finding structure with randomness", SIAM Review 53, 2011, algorithms 4.4 and 5.3): each
//! step takes 4·N·d·8 operations and no memory beside a few vectors, and ends when both variances stand still. Of many
//! pictures a sample goes first, so that few steps take all of them.

use half::slice::HalfFloatSliceExt;

use super::rows::Rows;
use crate::{
    analysis::random::Random,
    index::{ImageId, Index},
    similarity::{Executor, map_parallel},
};

/// Vectors that are iterated: the two wanted, and others that speed up the convergence of those.
const VECTORS: usize = 8;
/// Rows in a work item. What comes out depends on it in the last digits, so it does not depend on the machine.
const ITEM: usize = 1024;
/// Steps at most, and the relative change of the two variances at which they end: where they converge slowly, other
/// directions show nearly as much.
const STEPS: usize = 24;
const STANDS_STILL: f64 = 1e-5;
/// The same after a sample: its plane is so near that a few steps are as good as many.
const STEPS_AFTER: usize = 8;

/// Pictures of the sample.
const SAMPLE: usize = 8_192;
/// Rows that are multiplied at the same time, so that no sum waits for the one before it.
const TOGETHER: usize = 4;

type Block = Vec<[f32; VECTORS]>;

/// Where pictures lie in the plane of the first two principal components.
pub(super) struct Pca {
    /// By place.
    pub points: Vec<[f32; 2]>,
    /// The share of the variance that the plane shows: 0 to 1.
    pub explained: f32,
}

/// `None` when it was `superseded`.
pub(super) fn pca(
    index: &Index,
    rows: &Rows,
    seed: u64,
    executor: Executor<'_>,
    superseded: &dyn Fn() -> bool,
) -> Option<Pca> {
    let dim = index.dim();
    let mean = mean(index, rows, executor);
    let mut random = Random::of(seed, 0);
    let mut block: Block = (0..dim).map(|_| std::array::from_fn(|_| random.around_zero())).collect();
    orthonormalize(&mut block);
    let sample: Vec<ImageId> = rows.ids.iter().copied().step_by((rows.len() / SAMPLE).max(1)).collect();
    let mut found = ([0.0; 2], 0.0);
    let passes = if sample.len() < rows.len() {
        &[(&sample, STEPS), (&rows.ids, STEPS_AFTER)][..]
    } else {
        &[(&rows.ids, STEPS)]
    };
    for (ids, steps) in passes {
        found = iterate(index, ids, *steps, &mean, &mut block, executor, superseded)?;
    }
    let (variances, total) = found;
    // Of the two directions of an axis the one whose largest part is positive, so that equal pictures make equal maps.
    let sign = |axis: usize| {
        let largest = block.iter().map(|row| row[axis]).max_by(|a, b| a.abs().total_cmp(&b.abs()));
        if largest.is_some_and(|value| value < 0.0) { -1.0 } else { 1.0 }
    };
    let signs = [sign(0), sign(1)];
    let points = map_parallel(executor, rows.ids.chunks(ITEM), |ids| {
        let mut points = vec![[0.0; VECTORS]; ids.len()];
        pulp::Arch::new().dispatch(Products {
            index,
            ids,
            mean: &mean,
            block: &block,
            along: &mut points,
            image: None,
        });
        points.into_iter().map(|along| [0, 1].map(|axis| signs[axis] * along[axis])).collect::<Vec<_>>()
    });
    let explained = if total > 0.0 { ((variances[0] + variances[1]) / total).min(1.0) as f32 } else { 1.0 };
    Some(Pca { points: points.concat(), explained })
}

/// Turns a block until its first two vectors are those of the largest variance of some rows; returns the two variances and
/// the sum of those of all dimensions.
fn iterate(
    index: &Index,
    ids: &[ImageId],
    steps: usize,
    mean: &[f32],
    block: &mut Block,
    executor: Executor<'_>,
    superseded: &dyn Fn() -> bool,
) -> Option<([f64; 2], f64)> {
    let mut variances = [0.0; 2];
    let mut total = 0.0;
    for _ in 0..steps {
        if superseded() {
            return None;
        }
        let step = Step::of(index, ids, mean, block, executor);
        total = step.total;
        let before = variances;
        variances = rotate_to_axes(block, &step.gram);
        let change = before.iter().zip(variances).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        if change <= STANDS_STILL * variances[0].max(f64::MIN_POSITIVE) {
            break;
        }
        // The next directions; rows that are all equal have none, and the block stays what it is.
        if variances[0] > 0.0 {
            *block = step.image;
            orthonormalize(block);
        }
    }
    Some((variances, total))
}

/// A picture's embedding divided by its length; zeros for one that has no direction.
#[inline(always)]
fn unit_row(index: &Index, id: ImageId, unit: &mut [f32]) {
    match index.get(id).filter(|entry| entry.norm > 0.0 && entry.norm.is_finite()) {
        Some(entry) => {
            entry.row.convert_to_f32_slice(unit);
            let factor = entry.scale / entry.norm;
            unit.iter_mut().for_each(|value| *value *= factor);
        }
        None => unit.fill(0.0),
    }
}

fn mean(index: &Index, rows: &Rows, executor: Executor<'_>) -> Vec<f32> {
    let sums = map_parallel(executor, rows.ids.chunks(ITEM), |ids| {
        let (mut unit, mut sum) = (vec![0.0; index.dim()], vec![0_f32; index.dim()]);
        for id in ids {
            unit_row(index, *id, &mut unit);
            sum.iter_mut().zip(&unit).for_each(|(sum, value)| *sum += value);
        }
        sum
    });
    let mut mean = vec![0_f64; index.dim()];
    for sum in &sums {
        mean.iter_mut().zip(sum).for_each(|(mean, sum)| *mean += f64::from(*sum));
    }
    mean.into_iter().map(|sum| (sum / rows.len().max(1) as f64) as f32).collect()
}

/// One multiplication with the covariance matrix.
struct Step {
    /// Covariance times block.
    image: Block,
    /// Block transposed times covariance times block.
    gram: [[f64; VECTORS]; VECTORS],
    /// The sum of the variances of all dimensions.
    total: f64,
}

impl Step {
    fn of(index: &Index, ids: &[ImageId], mean: &[f32], block: &Block, executor: Executor<'_>) -> Self {
        let parts = map_parallel(executor, ids.chunks(ITEM), |ids| {
            let mut image: Block = vec![[0.0; VECTORS]; mean.len()];
            let mut along = vec![[0.0; VECTORS]; ids.len()];
            let products = Products { index, ids, mean, block, along: &mut along, image: Some(&mut image) };
            let total = pulp::Arch::new().dispatch(products);
            (image, total)
        });
        let mut sums = vec![[0_f64; VECTORS]; mean.len()];
        let mut total = 0.0;
        for (image, squares) in &parts {
            total += squares;
            for (sum, row) in sums.iter_mut().zip(image) {
                sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
            }
        }
        let mut gram = [[0.0; VECTORS]; VECTORS];
        for (row, image) in block.iter().zip(&sums) {
            for (gram, left) in gram.iter_mut().zip(row) {
                gram.iter_mut().zip(image).for_each(|(gram, right)| *gram += f64::from(*left) * right);
            }
        }
        let image = sums.iter().map(|row| row.map(|value| value as f32)).collect();
        Self { image, gram, total }
    }
}

/// The products of some rows, their mean taken from them, with a block, compiled once for each kind of vector instructions.
struct Products<'a> {
    index: &'a Index,
    ids: &'a [ImageId],
    mean: &'a [f32],
    block: &'a Block,
    /// Of each row its products with the vectors of the block.
    along: &'a mut [[f32; VECTORS]],
    /// The rows times these products are added to it.
    image: Option<&'a mut Block>,
}

impl pulp::WithSimd for Products<'_> {
    /// The sum of the squares of the rows.
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(mut self, _: S) -> f64 {
        let mut units = [(); TOGETHER].map(|()| vec![0.0_f32; self.mean.len()]);
        let mut total = 0.0;
        for (ids, along) in self.ids.chunks(TOGETHER).zip(self.along.chunks_mut(TOGETHER)) {
            for (at, unit) in units.iter_mut().enumerate() {
                let Some(id) = ids.get(at) else {
                    unit.fill(0.0);
                    continue;
                };
                unit_row(self.index, *id, unit);
                for (value, mean) in unit.iter_mut().zip(self.mean) {
                    *value -= mean;
                }
            }
            let rows = units[0].iter().zip(&units[1]).zip(&units[2]).zip(&units[3]);
            let mut sums = [[0.0_f32; VECTORS]; TOGETHER];
            let mut squares = [0.0_f32; TOGETHER];
            for ((((a, b), c), d), parts) in rows.clone().zip(self.block) {
                let values = [*a, *b, *c, *d];
                for row in 0..TOGETHER {
                    squares[row] += values[row] * values[row];
                    for at in 0..VECTORS {
                        sums[row][at] += values[row] * parts[at];
                    }
                }
            }
            total += squares.iter().map(|square| f64::from(*square)).sum::<f64>();
            along.copy_from_slice(&sums[..along.len()]);
            let Some(image) = &mut self.image else { continue };
            for ((((a, b), c), d), row) in rows.zip(image.iter_mut()) {
                for at in 0..VECTORS {
                    row[at] += (a * sums[0][at] + b * sums[1][at]) + (c * sums[2][at] + d * sums[3][at]);
                }
            }
        }
        total
    }
}

/// Makes the vectors of a block perpendicular to each other and of length 1 (modified Gram–Schmidt, twice); one that
/// depends on those before it becomes 0.
fn orthonormalize(block: &mut Block) {
    for vector in 0..VECTORS {
        let length = |block: &Block| block.iter().map(|row| f64::from(row[vector]).powi(2)).sum::<f64>().sqrt();
        let whole = length(block);
        for other in (0..vector).chain(0..vector) {
            let share: f64 = block.iter().map(|row| f64::from(row[vector]) * f64::from(row[other])).sum();
            block.iter_mut().for_each(|row| row[vector] -= share as f32 * row[other]);
        }
        let rest = length(block);
        let factor = if rest > 1e-6 * whole && rest > 0.0 { 1.0 / rest } else { 0.0 };
        block.iter_mut().for_each(|row| row[vector] = (f64::from(row[vector]) * factor) as f32);
    }
}

/// Turns the block so that its vectors are the axes of largest variance inside of it (Rayleigh–Ritz), the largest first,
/// by Jacobi's method for the symmetric `gram`; returns the two largest variances.
fn rotate_to_axes(block: &mut Block, gram: &[[f64; VECTORS]; VECTORS]) -> [f64; 2] {
    let mut matrix = *gram;
    let mut axes: [[f64; VECTORS]; VECTORS] =
        std::array::from_fn(|row| std::array::from_fn(|col| f64::from(u8::from(row == col))));
    for _ in 0..30 {
        for p in 0..VECTORS {
            for q in p + 1..VECTORS {
                let off = matrix[p][q];
                if off.abs() <= 1e-15 * (matrix[p][p].abs() + matrix[q][q].abs()) {
                    continue;
                }
                let theta = (matrix[q][q] - matrix[p][p]) / (2.0 * off);
                let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let cosine = 1.0 / tangent.hypot(1.0);
                let sine = tangent * cosine;
                let turn = |(a, b): (&mut f64, &mut f64)| (*a, *b) = (cosine * *a - sine * *b, sine * *a + cosine * *b);
                for row in matrix.iter_mut().chain(&mut axes) {
                    let (left, right) = row.split_at_mut(q);
                    turn((&mut left[p], &mut right[0]));
                }
                let (above, below) = matrix.split_at_mut(q);
                above[p].iter_mut().zip(&mut below[0]).for_each(turn);
            }
        }
    }
    let mut order: [usize; VECTORS] = std::array::from_fn(|at| at);
    order.sort_by(|a, b| matrix[*b][*b].total_cmp(&matrix[*a][*a]));
    for row in block.iter_mut() {
        let turned: [f64; VECTORS] = std::array::from_fn(|to| {
            row.iter().enumerate().map(|(from, value)| f64::from(*value) * axes[from][order[to]]).sum()
        });
        *row = turned.map(|value| value as f32);
    }
    [order[0], order[1]].map(|at| matrix[at][at].max(0.0))
}
