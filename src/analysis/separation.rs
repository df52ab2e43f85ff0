//! Scores of how well a model's embeddings separate the groups of a collection: leave-one-out retrieval, k-NN
//! classification, silhouette and the ROC AUC of pairs.
//!
//! A picture's group is its sub-folder (see [`Labels`]). Pictures alone in their group, or
//! in none, are distractors: they can be found, but they are no queries. Every number is exact but for the AUC, where
//! distances that differ by less than one part in ten thousand count as equal.

use super::roc::PairDistances;
use crate::{
    cancel::CancelToken,
    error::{Error, Result},
    index::{ImageId, Index, labels::Labels},
    similarity::{Comparison, Metric, Query, compare},
};

/// The k of k-NN classification.
pub const VOTERS: usize = 5;

/// The scores of one metric, each NaN where it has no meaning (no query, or no other group).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Separation {
    /// The metric.
    pub metric: Metric,
    /// Share of queries whose nearest neighbor is of their group.
    pub recall_at_1: f64,
    /// Mean share of a query's five nearest neighbors that are of its group.
    pub precision_at_5: f64,
    /// Mean over queries of the average precision of their ranking (Manning, Raghavan and Schütze, "Introduction to
    /// Information Retrieval", 2008, section 8.4).
    pub mean_average_precision: f64,
    /// Share of queries that a vote of their [`VOTERS`] nearest neighbors puts into their group; ties go to the group
    /// whose voter is nearest.
    pub knn_accuracy: f64,
    /// Mean value over pairs of one group.
    pub mean_same: f64,
    /// Mean value over pairs of different groups.
    pub mean_other: f64,
    /// Mean silhouette (Rousseeuw, "Silhouettes: a graphical aid to the interpretation and validation of cluster
    /// analysis", 1987) on 1 − cosine or the euclidean distance; 0 for pictures alone in their group, as in scikit-learn.
    pub silhouette: f64,
    /// Probability that a random pair of one group is more alike than a random pair of two groups.
    pub roc_auc: f64,
}

/// The groups of a collection and the scores of both metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Pictures.
    pub images: usize,
    /// Groups of two pictures or more.
    pub groups: usize,
    /// Pictures in those groups.
    pub queries: usize,
    /// Cosine, then euclidean.
    pub scores: [Separation; 2],
    /// Precision and recall of a cosine threshold for near-duplicates, if one was asked for.
    pub near_duplicates: Option<NearDuplicates>,
}

/// Precision and recall of a threshold on all pairs, where a pair of one group counts as a true near-duplicate: each group
/// should hold the copies of one picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NearDuplicates {
    /// Pairs of at least this cosine similarity are taken for near-duplicates.
    pub threshold: f32,
    /// Share of the pairs found that are of one group; NaN when none was found.
    pub precision: f64,
    /// Share of the pairs of one group that were found.
    pub recall: f64,
}

/// Scores both metrics by comparing every picture with every other: N² comparisons, memory proportional to N.
/// `threshold` is a cosine similarity to count near-duplicates at; `on_progress` is called with the number of pictures done.
///
/// # Errors
/// [`Error::Interrupted`] when cancelled.
pub fn evaluate(
    index: &Index,
    threshold: Option<f32>,
    cancel: &CancelToken,
    on_progress: &mut dyn FnMut(usize),
) -> Result<Evaluation> {
    let groups = Groups::new(index);
    let mut tallies = [Tally::new(Metric::Cosine), Tally::new(Metric::Euclidean)];
    let mut above = Above::default();
    for (done, entry) in index.iter().enumerate() {
        on_progress(done);
        if cancel.is_cancelled() {
            return Err(Error::Interrupted);
        }
        let found = compare(index, &Query::Image(entry.id));
        for tally in &mut tallies {
            tally.add(entry.id, &found, &groups);
        }
        if let Some(threshold) = threshold {
            above.add(entry.id, &found, &groups, threshold);
        }
    }
    Ok(Evaluation {
        images: index.len(),
        groups: groups.with_pairs(),
        queries: groups.queries(),
        near_duplicates: threshold.map(|threshold| NearDuplicates {
            threshold,
            precision: above.same / (above.same + above.other),
            recall: above.same / tallies[0].same.1,
        }),
        scores: tallies.map(|tally| tally.scores(&groups)),
    })
}

/// Numbers of ordered pairs at or above a threshold.
#[derive(Default)]
struct Above {
    same: f64,
    other: f64,
}

impl Above {
    fn add(&mut self, row: ImageId, found: &Comparison, groups: &Groups, threshold: f32) {
        let cosines = found.values(Metric::Cosine).iter().enumerate();
        // NaN, the value of what was removed, is not above anything.
        for (at, _) in cosines.filter(|(at, cosine)| **cosine >= threshold && *at != row.at()) {
            let count = if groups.of[at] == groups.of(row) { &mut self.same } else { &mut self.other };
            *count += 1.0;
        }
    }
}

/// The group of each picture, and the size of each group.
pub(super) struct Groups {
    /// By [`ImageId::at`]. A picture without a group has one for itself.
    of: Vec<usize>,
    /// Pictures in each group.
    sizes: Vec<usize>,
}

impl Groups {
    pub(super) fn new(index: &Index) -> Self {
        let folders = Labels::folders(index);
        let (mut of, mut sizes) = (vec![usize::MAX; index.id_bound()], vec![0; folders.len()]);
        for entry in index.iter() {
            let group = folders.of(entry.id).unwrap_or_else(|| {
                sizes.push(0);
                sizes.len() - 1
            });
            sizes[group] += 1;
            of[entry.id.at()] = group;
        }
        Self { of, sizes }
    }

    fn of(&self, id: ImageId) -> usize {
        self.of[id.at()]
    }

    /// Groups of two pictures or more.
    pub(super) fn with_pairs(&self) -> usize {
        self.sizes.iter().filter(|size| **size > 1).count()
    }

    /// Pictures in those.
    pub(super) fn queries(&self) -> usize {
        self.sizes.iter().filter(|size| **size > 1).sum()
    }

    /// Whether another picture is of the same group.
    pub(super) fn is_query(&self, id: ImageId) -> bool {
        self.sizes.get(self.of(id)).is_some_and(|size| *size > 1)
    }

    /// The same groups by the ids of another index: `pairs` are ids in this one and in that.
    pub(super) fn carried(&self, id_bound: usize, pairs: impl Iterator<Item = (ImageId, ImageId)>) -> Self {
        let (mut of, mut sizes) = (vec![usize::MAX; id_bound], vec![0; self.sizes.len()]);
        for (from, to) in pairs {
            of[to.at()] = self.of(from);
            sizes[self.of(from)] += 1;
        }
        Self { of, sizes }
    }
}

/// How well the ranking of one picture's neighbors finds its group.
pub(super) struct Retrieved {
    /// 1 when the nearest is of the group.
    pub first: f64,
    /// The share of the nearest five that are.
    pub first_five: f64,
    pub average_precision: f64,
    /// 1 when a vote of the nearest is for the group.
    pub vote: f64,
}

impl Retrieved {
    /// What a comparison of a picture with all others says, where another one is of its group.
    pub(super) fn of(row: ImageId, found: &Comparison, metric: Metric, groups: &Groups) -> Self {
        let group = groups.of(row);
        let ranking = found.nearest(metric, found.candidates());
        // Pictures of no known group say nothing: another index does not have them.
        let known = ranking.iter().map(|neighbor| groups.of(neighbor.id)).filter(|its| *its != usize::MAX);
        let ranked: Vec<usize> = known.collect();
        let head = &ranked[..ranked.len().min(5)];
        let hits = |ranked: &[usize]| ranked.iter().filter(|its| **its == group).count() as f64;
        Self {
            first: hits(&ranked[..ranked.len().min(1)]),
            first_five: hits(head) / head.len() as f64,
            average_precision: average_precision(group, &ranked),
            vote: f64::from(u8::from(voted(&ranked[..ranked.len().min(VOTERS)]) == group)),
        }
    }
}

/// Sums over the pictures scored so far, from which the scores of one metric follow.
struct Tally {
    metric: Metric,
    queries: f64,
    first: f64,
    first_five: f64,
    average_precision: f64,
    votes: f64,
    silhouettes: f64,
    rows: f64,
    /// Sum and number of values over pairs of one group, and of two.
    same: (f64, f64),
    other: (f64, f64),
    pairs: PairDistances,
}

impl Tally {
    fn new(metric: Metric) -> Self {
        Self {
            metric,
            queries: 0.0,
            first: 0.0,
            first_five: 0.0,
            average_precision: 0.0,
            votes: 0.0,
            silhouettes: 0.0,
            rows: 0.0,
            same: (0.0, 0.0),
            other: (0.0, 0.0),
            pairs: PairDistances::default(),
        }
    }

    /// Adds the values of one picture with all others.
    fn add(&mut self, row: ImageId, found: &Comparison, groups: &Groups) {
        let group = groups.of(row);
        let mut sums = vec![0.0; groups.sizes.len()];
        let values = found.values(self.metric).iter().enumerate();
        // NaN is the value of what was removed.
        for (at, value) in values.filter(|(at, value)| *at != row.at() && !value.is_nan()) {
            let (its, value) = (groups.of[at], f64::from(*value));
            let distance = match self.metric {
                Metric::Cosine => 1.0 - value,
                Metric::Euclidean => value,
            };
            sums[its] += distance;
            let sum = if its == group { &mut self.same } else { &mut self.other };
            sum.0 += value;
            sum.1 += 1.0;
            self.pairs.add(distance as f32, its == group);
        }
        self.rows += 1.0;
        if groups.sizes[group] < 2 {
            return;
        }
        self.silhouettes += silhouette(group, &sums, &groups.sizes);
        let Retrieved { first, first_five, average_precision, vote } = Retrieved::of(row, found, self.metric, groups);
        self.queries += 1.0;
        self.first += first;
        self.first_five += first_five;
        self.average_precision += average_precision;
        self.votes += vote;
    }

    fn scores(&self, groups: &Groups) -> Separation {
        let labels = groups.sizes.len() as f64;
        // scikit-learn's condition: more than one group, and not every picture a group of its own.
        let silhouette = if labels > 1.0 && labels < self.rows { self.silhouettes / self.rows } else { f64::NAN };
        Separation {
            metric: self.metric,
            recall_at_1: self.first / self.queries,
            precision_at_5: self.first_five / self.queries,
            mean_average_precision: self.average_precision / self.queries,
            knn_accuracy: self.votes / self.queries,
            mean_same: self.same.0 / self.same.1,
            mean_other: self.other.0 / self.other.1,
            silhouette,
            roc_auc: self.pairs.auc(),
        }
    }
}

/// Average precision: the mean of the precisions at the ranks of the group's pictures.
fn average_precision(group: usize, ranked: &[usize]) -> f64 {
    let (mut hits, mut sum) = (0.0, 0.0);
    for (place, _) in ranked.iter().enumerate().filter(|(_, its)| **its == group) {
        hits += 1.0;
        sum += hits / (place + 1) as f64;
    }
    sum / hits
}

/// The majority class of the nearest neighbors; a tie goes to the class with the nearest neighbor.
fn voted(voters: &[usize]) -> usize {
    let votes = |group: usize| voters.iter().filter(|its| **its == group).count();
    // The last of equal maxima wins, so the farthest voter is asked first.
    voters.iter().rev().copied().max_by_key(|group| votes(*group)).unwrap_or(usize::MAX)
}

/// Silhouette of one picture, (b − a) / max(a, b): a is its mean distance to its own group, b to the nearest other group.
fn silhouette(group: usize, sums: &[f64], sizes: &[usize]) -> f64 {
    let own = sums[group] / (sizes[group] - 1) as f64;
    let others = sums.iter().zip(sizes).enumerate().filter(|(at, _)| *at != group);
    let nearest = others.map(|(_, (sum, size))| sum / *size as f64).fold(f64::INFINITY, f64::min);
    let larger = own.max(nearest);
    if larger > 0.0 && larger.is_finite() { (nearest - own) / larger } else { 0.0 }
}
