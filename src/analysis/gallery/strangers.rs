//! How alike those who are not enrolled are to their most alike name, as far as the pictures of a gallery tell: each of them
//! is a stranger to all names but its own.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashMap, HashSet},
};

use super::{Candidate, Criterion};
use crate::{analysis::student, similarity::Metric};

/// The pictures of a gallery as strangers to the other names.
#[derive(Debug, Clone, Default)]
pub(super) struct Strangers {
    /// The most alike first.
    best: Vec<Stranger>,
    /// How many names they are of.
    names: f64,
    spread: Option<Spread>,
}

/// A picture of one who is not enrolled.
#[derive(Debug, Clone, Copy)]
struct Stranger {
    /// Its own name, and the most alike of the others.
    names: [usize; 2],
    /// How alike it is to that.
    value: f32,
    /// By how much that leads the second.
    lead: f32,
    /// Its share of its name's pictures.
    weight: f64,
}

/// How the values are spread, each name counting as one, on a scale on which more is more alike.
#[derive(Debug, Clone, Copy)]
struct Spread {
    mean: f64,
    deviation: f64,
    /// The variance of the mean as a share of that of the values.
    of_mean: f64,
    degrees: u32,
}

/// Values that differ by less, as a share of them, are equal.
const ROUNDING: f64 = 1e-5;

impl Strangers {
    /// Of pictures, each with its name and the two most alike others.
    pub(super) fn of(metric: Metric, pictures: &[(usize, [Option<Candidate>; 2])]) -> Self {
        let lead = Criterion { metric, threshold: None, margin: 0.0 };
        let mut counts: HashMap<usize, usize> = HashMap::new();
        pictures.iter().for_each(|(name, _)| *counts.entry(*name).or_default() += 1);
        let mut best: Vec<_> = pictures
            .iter()
            .filter_map(|(name, [best, second])| {
                let best = (*best)?;
                let lead = second.map_or(f32::INFINITY, |second| lead.lead(best.value, second.value));
                let weight = 1.0 / counts[name] as f64;
                Some(Stranger { names: [*name, best.name], value: best.value, lead, weight })
            })
            .collect();
        best.sort_by(|a, b| metric.nearer(a.value, b.value));
        let names = best.iter().map(|stranger| stranger.weight).sum::<f64>().round();
        let spread = Spread::of(metric, &best, names);
        Self { best, names, spread }
    }

    /// How many pictures there are; without a second name there are none.
    pub(super) fn len(&self) -> usize {
        self.best.len()
    }

    /// How many names they are of.
    pub(super) fn names(&self) -> f64 {
        self.names
    }

    /// The two names of the most alike picture: its own, and the one that it is so alike to.
    pub(super) fn most_alike(&self) -> Option<[usize; 2]> {
        self.best.first().map(|stranger| stranger.names)
    }

    /// How many of the names reach a threshold, each as the share of its pictures that do.
    pub(super) fn reaching(&self, criterion: &Criterion, threshold: f32) -> f64 {
        let reaches = |value: f32| criterion.metric.nearer(value, threshold) != Ordering::Greater;
        let reaching = self.best.iter().take_while(|stranger| reaches(stranger.value));
        reaching.filter(|stranger| stranger.lead >= criterion.margin).map(|stranger| stranger.weight).sum()
    }

    /// The probability that one more name is at least so alike, if their values are spread like the normal distribution
    /// (its prediction interval, with Student's t): the fewer names its mean and deviation are measured with, the farther off
    /// the next one may lie. 1 where nothing tells how they are spread.
    pub(super) fn beyond(&self, metric: Metric, value: f32) -> f64 {
        let Some(Spread { mean, deviation, of_mean, degrees }) = self.spread else { return 1.0 };
        student::upper_tail((likeness(metric, value) - mean) / (deviation * (1.0 + of_mean).sqrt()), degrees)
    }
}

impl Spread {
    /// Two names that are the most alike to one another measure one pair from both its ends, which is one value and not two.
    /// Each pair weighs as much as the names that it is the nearest of; for weights w that sum to 1 the variance is the mean
    /// square over 1 − Σw², and that of the mean is Σw² of it. One pair, as two names are, has no spread.
    fn of(metric: Metric, best: &[Stranger], names: f64) -> Option<Self> {
        // The most alike picture of a name comes first and says which pair is its.
        let mut seen = HashSet::new();
        let mut pairs: BTreeMap<[usize; 2], f64> = BTreeMap::new();
        for Stranger { names: [own, other], .. } in best {
            if seen.insert(*own) {
                *pairs.entry([*own.min(other), *own.max(other)]).or_default() += 1.0;
            }
        }
        let of_mean: f64 = pairs.values().map(|count| (count / names).powi(2)).sum();
        let average = |of: &dyn Fn(f64) -> f64| {
            best.iter().map(|stranger| stranger.weight * of(likeness(metric, stranger.value))).sum::<f64>() / names
        };
        let degrees = u32::try_from(pairs.len()).ok()?.checked_sub(1).filter(|degrees| *degrees > 0)?;
        let mean = average(&|value| value);
        let deviation = (average(&|value| (value - mean).powi(2)) / (1.0 - of_mean)).sqrt();
        // What rounding makes of equal values is none.
        (deviation > ROUNDING * mean.abs().max(1.0)).then_some(Self { mean, deviation, of_mean, degrees })
    }
}

/// A value on a scale on which more is more alike.
fn likeness(metric: Metric, value: f32) -> f64 {
    if metric == Metric::Cosine { f64::from(value) } else { -f64::from(value) }
}
