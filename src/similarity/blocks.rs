//! Runs of consecutive rows summed up so that exact means over pairs of runs need no pair to be looked at.
//!
//! For runs I and J the mean cosine is ūᵢ·ūⱼ (ū: mean of the unit vectors) and the mean squared distance is
//! ‖x̄ᵢ − x̄ⱼ‖² + Vᵢ + Vⱼ (V: mean squared distance of a run's rows to their mean). Both hold no difference of large
//! numbers, so tight clusters keep their digits.

use super::{
    Metric, Run, each,
    kernel::{self, Probe},
};
use crate::index::{ImageId, Index};

/// Rows in a run of the lowest stored level, as a power of two: shorter runs are summed when they are asked for,
/// which keeps a frame's work and the stored sums both small.
const LEAF: u32 = 7;

/// One run of rows.
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
        for entry in &entries {
            kernel::add(&mut mean, entry.row, entry.scale * share);
            if entry.norm > 0.0 {
                kernel::add(&mut unit, entry.row, entry.scale / entry.norm * share);
            }
        }
        let center = Probe::new(&mean);
        let scatter = entries.iter().map(|entry| center.squared_distance(entry.row, entry.scale)).sum();
        let directed = entries.iter().filter(|entry| entry.norm > 0.0).count();
        Self { count: entries.len(), directed, unit, mean, scatter }
    }

    /// Two runs as one. The scatter follows Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for
    /// computing sample variances" (1979).
    fn merged(&self, other: &Self) -> Self {
        let count = self.count + other.count;
        let (own, its) = (self.count as f32 / count.max(1) as f32, other.count as f32 / count.max(1) as f32);
        let mix = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * own + b * its).collect();
        let between = kernel::squared_distance(&self.mean, &other.mean) * f64::from(own) * other.count as f64;
        Self {
            count,
            directed: self.directed + other.directed,
            unit: mix(&self.unit, &other.unit),
            mean: mix(&self.mean, &other.mean),
            scatter: self.scatter + other.scatter + between,
        }
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
            (1, _) => metric.of_itself(),
            (_, Metric::Cosine) => {
                let with_themselves = kernel::dot(&self.unit, &self.unit) * count * count;
                let mean = (with_themselves - self.directed as f64) / (count * (count - 1.0));
                mean.clamp(-1.0, 1.0) as f32
            }
            (_, Metric::Euclidean) => (2.0 * self.scatter / (count - 1.0)).sqrt() as f32,
        }
    }
}

/// The runs of 2^LEAF, 2^(LEAF+1), … rows of an order, up to one run of all.
#[derive(Debug, Clone)]
pub(super) struct Pyramid(Vec<Vec<Block>>);

impl Pyramid {
    /// Sums up all rows in their order: one pass over the embeddings.
    pub fn new(index: &Index, ids: &[ImageId], run: Run<'_>) -> Self {
        let mut levels = vec![each(run, ids.chunks(1 << LEAF), |run| Block::of(index, run))];
        while let Some(below) = levels.last().filter(|level| level.len() > 1) {
            let above = below.chunks(2).map(|pair| match pair {
                [a, b] => a.merged(b),
                rest => rest[0].clone(),
            });
            levels.push(above.collect());
        }
        Self(levels)
    }

    /// The runs of 2^zoom rows, when they are stored.
    pub fn level(&self, zoom: u32) -> Option<&[Block]> {
        let above = zoom.checked_sub(LEAF)? as usize;
        self.0.get(above.min(self.0.len() - 1)).map(Vec::as_slice)
    }
}
