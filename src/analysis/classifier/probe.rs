//! A linear probe: multinomial logistic regression on embeddings of length 1 (Alain and Bengio, "Understanding intermediate
//! layers using linear classifier probes", 2016; Bishop, "Pattern Recognition and Machine Learning", 2006, section 4.3.4).

use ndarray::linalg::general_mat_mul;

use super::{
    minimizer::{largest, minimize},
    rows::{BLOCK, ProbeRows, matrix, matrix_mut},
};
use crate::similarity::{Executor, map_parallel};

/// A linear function of an embedding for each label; the label of the largest is the most probable.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// `labels × dim`, row-major.
    pub weights: Vec<f32>,
    /// One a label.
    pub biases: Vec<f32>,
    /// Values in an embedding.
    pub dim: usize,
}

/// Rows and their labels, to learn from.
pub(super) struct Lesson<'a> {
    pub rows: &'a ProbeRows<'a>,
    /// One a row, below `labels`.
    pub targets: &'a [u32],
    pub labels: usize,
}

/// Who does the work, and whether anybody still waits for it.
#[derive(Clone, Copy)]
pub(super) struct Work<'a> {
    pub executor: Executor<'a>,
    pub superseded: &'a dyn Fn() -> bool,
}

/// Values of all gradients that are summed apart, at most: that many times four bytes.
const SUMS: usize = 1 << 24;
/// Parts of the rows that are worked on apart. Their number does not depend on the machine, and so the sums do not.
const PARTS: usize = 16;

/// What one part of the rows adds: the sum of losses, and the gradient of it.
struct Part {
    loss: f64,
    weights: Vec<f32>,
    biases: Vec<f32>,
}

impl Probe {
    /// A probe that finds all labels equally probable.
    pub(super) fn flat(labels: usize, dim: usize) -> Self {
        Self { weights: vec![0.0; labels * dim], biases: vec![0.0; labels], dim }
    }

    /// Learns from scratch: minimizes Σ loss + ‖W‖² / 2C, where C is the `strength` with which the data count against
    /// the wish for small weights (scikit-learn's C). Biases are free. `None` when it was superseded.
    ///
    /// The minimum is one and the same from any beginning; from a good one (`self`) it is found sooner.
    pub(super) fn learn(&self, lesson: &Lesson<'_>, strength: f64, work: Work<'_>) -> Option<Self> {
        let (labels, dim) = (lesson.labels, self.dim);
        let count = lesson.rows.len().max(1) as f64;
        // Measured from the mean, the directions of the weights have little to do with each other and with the bias.
        let mean = lesson.rows.mean();
        let shift = |probe: &Self, sign: f32| -> Vec<f32> {
            let along =
                probe.weights.chunks(dim.max(1)).map(|row| row.iter().zip(&mean).map(|(w, m)| w * m).sum::<f32>());
            probe.biases.iter().zip(along).map(|(bias, along)| bias + sign * along).collect()
        };
        let mut begin = self.clone();
        begin.biases = shift(self, 1.0);
        let mut scratch = Self::flat(labels, dim);
        let mut slope = |at: &[f32], gradient: &mut [f32]| {
            if (work.superseded)() {
                return None;
            }
            let (weights, biases) = at.split_at(labels * dim);
            scratch.weights.copy_from_slice(weights);
            scratch.biases.copy_from_slice(biases);
            scratch.biases = shift(&scratch, -1.0);
            let part = scratch.slope(lesson, work.executor);
            let (of_weights, of_biases) = gradient.split_at_mut(labels * dim);
            of_biases.iter_mut().zip(&part.biases).for_each(|(slope, sum)| *slope = (f64::from(*sum) / count) as f32);
            let decay = (1.0 / (strength * count)) as f32;
            let mut squares = 0.0;
            for (label, slopes) in of_weights.chunks_mut(dim.max(1)).enumerate() {
                let range = label * dim..(label + 1) * dim;
                for (((slope, sum), weight), mean) in
                    slopes.iter_mut().zip(&part.weights[range.clone()]).zip(&weights[range]).zip(&mean)
                {
                    *slope = (sum - part.biases[label] * mean) / count as f32 + decay * weight;
                    squares += f64::from(*weight) * f64::from(*weight);
                }
            }
            Some(part.loss / count + squares / (2.0 * strength * count))
        };
        let mut at = vec![0.0; labels * (dim + 1)];
        let mut gradient = at.clone();
        slope(&at, &mut gradient)?;
        let steepest = largest(&gradient);
        at[..labels * dim].copy_from_slice(&begin.weights);
        at[labels * dim..].copy_from_slice(&begin.biases);
        minimize(&mut at, steepest, &mut slope)?;
        let mut learned = Self { weights: at[..labels * dim].to_vec(), biases: at[labels * dim..].to_vec(), dim };
        learned.biases = shift(&learned, -1.0);
        Some(learned)
    }

    /// The sum of losses over all rows, and its gradient.
    fn slope(&self, lesson: &Lesson<'_>, executor: Executor<'_>) -> Part {
        let (labels, dim) = (lesson.labels, self.dim);
        let rows = lesson.rows.len();
        let parts = PARTS.min(SUMS / (labels * dim).max(1)).clamp(1, rows.div_ceil(BLOCK).max(1));
        let part = |number: usize| {
            let mut part = Part { loss: 0.0, weights: vec![0.0; labels * dim], biases: vec![0.0; labels] };
            let (first, end) = (number * rows / parts, (number + 1) * rows / parts);
            let mut block = vec![0.0; BLOCK * dim];
            let mut scores = vec![0.0; BLOCK * labels];
            for at in (first..end).step_by(BLOCK) {
                let len = BLOCK.min(end - at);
                let (block, scores) = (&mut block[..len * dim], &mut scores[..len * labels]);
                lesson.rows.read(at, block);
                self.score(block, scores);
                for (row, target) in scores.chunks_exact_mut(labels).zip(&lesson.targets[at..]) {
                    part.loss -= softmax(row, Some(*target as usize));
                    row[*target as usize] -= 1.0;
                    part.biases.iter_mut().zip(&*row).for_each(|(sum, error)| *sum += error);
                }
                if let (Some(errors), Some(block), Some(mut sums)) =
                    (matrix(scores, len, labels), matrix(block, len, dim), matrix_mut(&mut part.weights, labels, dim))
                {
                    general_mat_mul(1.0, &errors.t(), &block, 1.0, &mut sums);
                }
            }
            part
        };
        let mut found = map_parallel(executor, 0..parts, part).into_iter();
        let mut sum = found.next().unwrap_or(Part { loss: 0.0, weights: Vec::new(), biases: Vec::new() });
        for part in found {
            sum.loss += part.loss;
            sum.weights.iter_mut().zip(&part.weights).for_each(|(sum, value)| *sum += value);
            sum.biases.iter_mut().zip(&part.biases).for_each(|(sum, value)| *sum += value);
        }
        sum
    }

    /// The value of each label for each row of a block.
    fn score(&self, block: &[f32], scores: &mut [f32]) {
        let labels = self.biases.len();
        scores.chunks_exact_mut(labels.max(1)).for_each(|row| row.copy_from_slice(&self.biases));
        let rows = block.len() / self.dim.max(1);
        if let (Some(block), Some(weights), Some(mut scores)) =
            (matrix(block, rows, self.dim), matrix(&self.weights, labels, self.dim), matrix_mut(scores, rows, labels))
        {
            general_mat_mul(1.0, &block, &weights.t(), 1.0, &mut scores);
        }
    }

    /// The probability of each label for each row, handed to `take` with the place of the row.
    pub(super) fn predict<T: Send>(
        &self,
        rows: &ProbeRows<'_>,
        executor: Executor<'_>,
        take: impl Fn(usize, &[f32]) -> T + Sync,
    ) -> Vec<T> {
        let labels = self.biases.len();
        if labels == 0 {
            return Vec::new();
        }
        let block = |first: usize| -> Vec<T> {
            let len = BLOCK.min(rows.len() - first);
            let (mut block, mut scores) = (vec![0.0; len * self.dim], vec![0.0; len * labels]);
            rows.read(first, &mut block);
            self.score(&block, &mut scores);
            let each = scores.chunks_exact_mut(labels).enumerate().map(|(at, row)| {
                softmax(row, None);
                take(first + at, row)
            });
            each.collect()
        };
        map_parallel(executor, (0..rows.len()).step_by(BLOCK), block).into_iter().flatten().collect()
    }
}

/// Makes probabilities of scores; returns the logarithm of that of the target.
fn softmax(scores: &mut [f32], target: Option<usize>) -> f64 {
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let aimed = target.map_or(0.0, |target| scores[target] - largest);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - largest).exp();
        sum += *score;
    }
    scores.iter_mut().for_each(|score| *score /= sum);
    f64::from(aimed) - f64::from(sum).ln()
}
