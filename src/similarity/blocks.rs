//! Sums over runs of consecutive rows, from which the exact mean over all pairs of two runs follows without a visit to
//! each pair.
//!
//! For runs I and J the mean cosine is ūᵢ·ūⱼ (ū: mean of the unit vectors) and the mean squared distance is
//! ‖x̄ᵢ − x̄ⱼ‖² + Vᵢ + Vⱼ (V: mean squared distance of a run's rows to their mean). Both hold no difference of large
//! numbers, so tight clusters keep their digits.

use std::ops::Range;

use super::{
    Executor, Metric,
    kernel::{self, QueryVector},
    map_parallel,
};
use crate::index::{ImageId, Index};

/// Rows in a run of the lowest stored level. Shorter runs are summed on demand, which keeps both the stored sums and the
/// work of a frame small.
const LEAF: usize = 128;

/// The sums over one run of rows.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// Pictures in the run.
    count: usize,
    /// Those of them with a non-zero embedding, which have a cosine with themselves.
    directed: usize,
    /// Mean of the unit vectors.
    unit: Vec<f32>,
    /// Mean of the raw embeddings.
    mean: Vec<f32>,
    /// Σ‖x − mean‖².
    scatter: f64,
}

impl Block {
    /// Sums up the pictures of a run; those removed since are left out.
    pub fn of(index: &Index, ids: &[ImageId]) -> Self {
        let entries: Vec<_> = ids.iter().filter_map(|id| index.get(*id)).collect();
        let (mut unit, mut mean) = (vec![0.0; index.dim()], vec![0.0; index.dim()]);
        let share = 1.0 / entries.len().max(1) as f32;
        // Copied together, scattered rows come from memory many at a time, and are at hand for the second pass.
        let mut rows = Vec::with_capacity(entries.len() * index.dim());
        entries.iter().for_each(|entry| rows.extend_from_slice(entry.row));
        let rows = || rows.chunks_exact(index.dim().max(1)).zip(&entries);
        for (row, entry) in rows() {
            let to_unit = if entry.norm > 0.0 { entry.scale / entry.norm } else { 0.0 };
            kernel::add_to_both([&mut mean, &mut unit], row, [entry.scale * share, to_unit * share]);
        }
        let center = QueryVector::new(&mean);
        let scatter = rows().map(|(row, entry)| center.squared_distance(row, entry.scale)).sum();
        let directed = entries.iter().filter(|entry| entry.norm > 0.0).count();
        Self { count: entries.len(), directed, unit, mean, scatter }
    }

    /// Adds the sums of another run. The scatter follows Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for
    /// computing sample variances" (1979).
    fn absorb(&mut self, other: &Self) {
        let count = self.count + other.count;
        let (own, its) = (self.count as f32 / count.max(1) as f32, other.count as f32 / count.max(1) as f32);
        let between = kernel::squared_distance(&self.mean, &other.mean) * f64::from(own) * other.count as f64;
        let mix = |a: &mut [f32], b: &[f32]| a.iter_mut().zip(b).for_each(|(a, b)| *a = *a * own + b * its);
        mix(&mut self.unit, &other.unit);
        mix(&mut self.mean, &other.mean);
        self.scatter += other.scatter + between;
        self.directed += other.directed;
        self.count = count;
    }

    /// Mean over all pairs of one picture of each of two different runs; NaN when one is empty.
    ///
    /// For the euclidean metric it is the root of the mean squared distance.
    pub fn with(&self, other: &Self, metric: Metric) -> f32 {
        if self.count == 0 || other.count == 0 {
            return f32::NAN;
        }
        match metric {
            Metric::Cosine => kernel::dot(&self.unit, &other.unit).clamp(-1.0, 1.0) as f32,
            Metric::Euclidean => {
                let spread = self.scatter / self.count as f64 + other.scatter / other.count as f64;
                (kernel::squared_distance(&self.mean, &other.mean) + spread).sqrt() as f32
            }
        }
    }

    /// Mean over all pairs of two different pictures of this run; for a single picture its value with itself.
    pub fn within(&self, metric: Metric) -> f32 {
        let count = self.count as f64;
        match (self.count, metric) {
            (0, _) => f32::NAN,
            (1, _) => metric.self_value(),
            (_, Metric::Cosine) => {
                let with_themselves = kernel::dot(&self.unit, &self.unit) * count * count;
                let mean = (with_themselves - self.directed as f64) / (count * (count - 1.0));
                mean.clamp(-1.0, 1.0) as f32
            }
            (_, Metric::Euclidean) => (2.0 * self.scatter / (count - 1.0)).sqrt() as f32,
        }
    }
}

/// The runs of [`LEAF`], 2·`LEAF`, 4·`LEAF`, … rows of an order, up to one run of all.
#[derive(Debug, Clone)]
pub(super) struct Pyramid(Vec<Vec<Block>>);

impl Pyramid {
    /// Sums up all rows in their order: one pass over the embeddings.
    pub fn new(index: &Index, ids: &[ImageId], executor: Executor<'_>) -> Self {
        let mut levels = vec![map_parallel(executor, ids.chunks(LEAF), |run| Block::of(index, run))];
        while let Some(below) = levels.last().filter(|level| level.len() > 1) {
            let above = below.chunks(2).map(|pair| {
                let mut both = pair[0].clone();
                pair[1..].iter().for_each(|other| both.absorb(other));
                both
            });
            levels.push(above.collect());
        }
        Self(levels)
    }

    /// Any run of rows of the order that was summed up: from the largest stored runs inside it, and from its own rows
    /// where it begins or ends within the smallest.
    pub fn block(&self, index: &Index, ids: &[ImageId], rows: Range<usize>) -> Block {
        let mut sum: Option<Block> = None;
        let mut at = rows.start;
        while at < rows.end {
            let fresh;
            let (part, end) = match self.stored(ids.len(), at..rows.end) {
                Some(stored) => stored,
                None => {
                    let end = rows.end.min((at / LEAF + 1) * LEAF);
                    fresh = Block::of(index, &ids[at..end]);
                    (&fresh, end)
                }
            };
            match &mut sum {
                Some(sum) => sum.absorb(part),
                None => sum = Some(part.clone()),
            }
            at = end;
        }
        sum.unwrap_or_else(|| Block::of(index, &[]))
    }

    /// The largest stored run that begins where these rows begin and lies inside them, and its end.
    fn stored(&self, len: usize, rows: Range<usize>) -> Option<(&Block, usize)> {
        let runs = self.0.iter().zip(0..).map_while(|(level, height)| {
            let length = LEAF << height;
            let end = (rows.start + length).min(len);
            (rows.start.is_multiple_of(length) && end <= rows.end)
                .then(|| level.get(rows.start / length).map(|block| (block, end)))
                .flatten()
        });
        runs.last()
    }
}
