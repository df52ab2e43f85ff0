//! Which of two models keeps the folders of a collection apart better, by how much, and whether that is more than chance.

use super::Pairing;
use crate::{
    analysis::{
        random::Random,
        separation::{Groups, Retrieved},
    },
    index::Index,
    similarity::{Executor, Metric, Query, compare, map_parallel},
};

/// Samples of the bootstrap.
const SAMPLES: usize = 1_000;

/// The scores of `evaluate` that are means over pictures, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Score {
    /// The share of pictures whose nearest is of their folder.
    RecallAt1,
    /// The share of the nearest five that are of the picture's folder.
    PrecisionAt5,
    /// Mean average precision.
    AveragePrecision,
    /// The share of pictures that a vote of the nearest puts into their folder.
    KnnAccuracy,
}

impl Score {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::RecallAt1, Self::PrecisionAt5, Self::AveragePrecision, Self::KnnAccuracy];

    /// Its name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RecallAt1 => "recall@1",
            Self::PrecisionAt5 => "precision@5",
            Self::AveragePrecision => "mAP",
            Self::KnnAccuracy => "5-NN",
        }
    }

    /// Its name in JSON.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::RecallAt1 => "recall_at_1",
            Self::PrecisionAt5 => "precision_at_5",
            Self::AveragePrecision => "mean_average_precision",
            Self::KnnAccuracy => "knn_accuracy",
        }
    }
}

/// A score of both models with its 95 % bootstrap intervals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// Which.
    pub score: Score,
    /// Of the first model and of the second.
    pub values: [f64; 2],
    /// Between these ends lie 95 % of the bootstrap samples of each.
    pub intervals: [[f64; 2]; 2],
    /// The same of the first's less the second's, picture by picture.
    pub difference: [f64; 2],
}

impl Difference {
    /// Whether the difference is more than chance: 0 lies outside its interval.
    #[must_use]
    pub fn is_more_than_chance(&self) -> bool {
        self.difference[0] > 0.0 || self.difference[1] < 0.0
    }
}

/// All scores of two models.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// In the order of [`Score::ALL`].
    pub differences: Vec<Difference>,
    /// Pictures that were asked for: those in a folder with another one, or an even sample of them.
    pub queries: usize,
}

impl Verdict {
    /// The sentence: which model keeps the folders apart better, by how much, and whether that is more than chance.
    #[must_use]
    pub fn sentence(&self, a: &str, b: &str) -> String {
        let Some(of) = self.differences.iter().find(|of| of.score == Score::AveragePrecision) else {
            return String::new();
        };
        let ([one, other], [low, high]) = (of.values, of.difference);
        let first = one >= other;
        let (better, worse) = if first { (a, b) } else { (b, a) };
        let (more, less, low, high) = if first { (one, other, low, high) } else { (other, one, -high, -low) };
        let by = more - less;
        if of.is_more_than_chance() {
            format!(
                "{better} keeps the folders apart better than {worse}: mAP {more:.3} against {less:.3}, {by:.3} more \
                 (95 % of bootstrap samples: {low:.3} to {high:.3}), which is more than chance"
            )
        } else {
            format!(
                "{a} and {b} keep the folders apart about equally well: mAP {one:.3} and {other:.3}; the difference of \
                 {by:.3} (95 % of bootstrap samples: {low:.3} to {high:.3}) may be chance"
            )
        }
    }
}

/// Scores both models on the pictures of `asked` among those of `pairing`, whose groups are the sub-folders of the first
/// index. Pictures are drawn anew with replacement (Efron and Tibshirani, "An introduction to the bootstrap", 1993), the
/// same ones for both models, so that what is hard for both takes nothing from the difference. `None` when superseded, or
/// where no picture shares its folder with another or all are in one.
#[must_use]
pub fn verdict(
    (a, b): (&Index, &Index),
    (pairing, asked): (&Pairing, &Pairing),
    metric: Metric,
    seed: u64,
    executor: Executor<'_>,
    superseded: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(f64),
) -> Option<Verdict> {
    let groups = Groups::new(a);
    if groups.with_pairs() < 2 && pairing.len() == groups.queries() {
        return None;
    }
    // The groups of the second model's pictures: those of the same pictures in the first.
    let of_b = groups.carried(b.id_bound(), pairing.pairs.iter().copied());
    let queries: Vec<_> = asked.pairs.iter().copied().filter(|pair| groups.is_query(pair.0)).collect();
    let mut scores: Vec<[[f64; 4]; 2]> = Vec::with_capacity(queries.len());
    for pairs in queries.chunks(64) {
        if superseded() {
            return None;
        }
        scores.extend(map_parallel(executor, pairs.iter(), |(in_a, in_b)| {
            let by_a = Retrieved::of(*in_a, &compare(a, &Query::Image(*in_a)), metric, &groups);
            let by_b = Retrieved::of(*in_b, &compare(b, &Query::Image(*in_b)), metric, &of_b);
            [by_a, by_b].map(|of| [of.first, of.first_five, of.average_precision, of.vote])
        }));
        progress(scores.len() as f64 / queries.len() as f64);
    }
    if scores.is_empty() {
        return None;
    }
    let mean = |of: &dyn Fn(&[[f64; 4]; 2]) -> f64| scores.iter().map(of).sum::<f64>() / scores.len() as f64;
    let mut random = Random::new(seed);
    let samples: Vec<[[f64; 4]; 2]> = (0..SAMPLES).map(|_| sample_mean(&scores, &mut random)).collect();
    let differences = Score::ALL.into_iter().enumerate().map(|(at, score)| Difference {
        score,
        values: [0, 1].map(|model: usize| mean(&|of| of[model][at])),
        intervals: [0, 1].map(|model: usize| middle(samples.iter().map(|of| of[model][at]))),
        difference: middle(samples.iter().map(|of| of[0][at] - of[1][at])),
    });
    Some(Verdict { differences: differences.collect(), queries: scores.len() })
}

/// The means over as many pictures, drawn with replacement.
fn sample_mean(scores: &[[[f64; 4]; 2]], random: &mut Random) -> [[f64; 4]; 2] {
    let mut sums = [[0.0; 4]; 2];
    for _ in 0..scores.len() {
        let drawn = &scores[random.below(scores.len())];
        sums.iter_mut().flatten().zip(drawn.iter().flatten()).for_each(|(sum, value)| *sum += value);
    }
    sums.map(|sums| sums.map(|sum| sum / scores.len() as f64))
}

/// The ends between which 95 % of the values lie.
fn middle(values: impl Iterator<Item = f64>) -> [f64; 2] {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    [0.025, 0.975].map(|share| values[(share * (values.len() - 1) as f64).round() as usize])
}
