//! What a gallery's own pictures tell of it: each is tried as if it were new (against its name without it, and against
//! all others), and as if its name were not in the gallery, which makes it a stranger.

use std::{cmp::Ordering, collections::HashMap};

use super::{Candidate, Criterion, Gallery, best_two};
use crate::similarity::Metric;

/// One picture, tried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trial {
    /// Its place among [`Gallery::samples`].
    pub sample: usize,
    /// How alike it is to the other pictures of its name; nothing when it is the only one.
    pub own: Option<f32>,
    /// The two most alike other names.
    pub others: [Option<Candidate>; 2],
}

/// The trials of a gallery's pictures by one metric.
#[derive(Debug, Clone)]
pub struct Trials {
    metric: Metric,
    /// How many names there were.
    names: usize,
    trials: Vec<Trial>,
    strangers: Strangers,
}

/// How alike strangers are to their most alike name.
#[derive(Debug, Clone, Default)]
struct Strangers {
    /// Value of the best, and its lead before the second; the most alike first.
    best: Vec<(f32, f32)>,
    /// Location and scale of the Gumbel distribution with their mean and standard deviation, on a scale on which more
    /// is more alike.
    tail: Option<(f64, f64)>,
}

/// What became of the pictures that were tried, as shares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcomes {
    /// Strangers that were given a name.
    pub strangers_named: f64,
    /// Pictures that were given their own name.
    pub right: f64,
    /// Pictures that were given another one.
    pub wrong: f64,
    /// Pictures that were given none.
    pub unknown: f64,
}

/// A threshold for a wished share of strangers that are given a name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Threshold {
    /// Least cosine similarity or greatest distance.
    pub value: f32,
    /// There were too few strangers to show so small a share: it follows from how their values are spread.
    pub is_extrapolated: bool,
}

/// Pictures of a gallery that are tried to find a threshold while somebody waits: more do not make it better.
pub const TRIED: usize = 2000;

/// A gallery and what its own pictures tell of it.
#[derive(Clone)]
pub struct TriedGallery {
    /// Its names.
    pub gallery: Gallery,
    trials: [Trials; 2],
}

impl TriedGallery {
    /// Tries at most [`TRIED`] pictures of it by both metrics.
    #[must_use]
    pub fn new(gallery: Gallery) -> Self {
        let trials = Metric::ALL.map(|metric| trials(&gallery, metric, TRIED));
        Self { gallery, trials }
    }

    /// The trials by a metric.
    #[must_use]
    pub fn trials(&self, metric: Metric) -> &Trials {
        &self.trials[super::place(metric)]
    }

    /// See [`Trials::threshold`], with the names that there are.
    #[must_use]
    pub fn threshold(&self, metric: Metric, far: f64, margin: f32) -> Option<Threshold> {
        self.trials(metric).threshold(far, margin, self.gallery.len())
    }

    /// See [`Trials::far`], with the names that there are.
    #[must_use]
    pub fn far(&self, criterion: &Criterion) -> Option<f64> {
        self.trials(criterion.metric).far(criterion, self.gallery.len())
    }
}

/// The decimals that a threshold has.
const STEPS: f64 = 1e4;
/// The mean of the standard Gumbel distribution.
const EULER: f64 = 0.577_215_664_901_532_9;

/// Tries the pictures of a gallery, at most so many, evenly chosen.
#[must_use]
pub fn trials(gallery: &Gallery, metric: Metric, most: usize) -> Trials {
    let all = gallery.samples.len();
    let tried = all.min(most);
    let trials: Vec<_> = (0..tried).map(|at| try_one(gallery, metric, at * all / tried)).collect();
    let strangers = Strangers::of(metric, &trials);
    Trials { metric, names: gallery.len(), trials, strangers }
}

fn try_one(gallery: &Gallery, metric: Metric, at: usize) -> Trial {
    let sample = &gallery.samples[at];
    let others = gallery.names.iter().enumerate().filter(|(name, _)| *name != sample.name);
    let values = others.map(|(name, center)| (name, center.value(metric, &sample.embedding, sample.norm)));
    let own = gallery.names[sample.name].value_without(metric, sample);
    Trial { sample: at, own, others: best_two(metric, values) }
}

impl Strangers {
    fn of(metric: Metric, trials: &[Trial]) -> Self {
        let lead = Criterion { metric, threshold: None, margin: 0.0 };
        let mut best: Vec<_> = trials
            .iter()
            .filter_map(|trial| {
                let [best, second] = trial.others;
                let lead = second.map_or(f32::INFINITY, |second| lead.lead(best.unwrap_or(second).value, second.value));
                Some((best?.value, lead))
            })
            .collect();
        best.sort_by(|a, b| metric.nearer(a.0, b.0));
        let count = best.len() as f64;
        let likeness = |value: f32| if metric == Metric::Cosine { f64::from(value) } else { -f64::from(value) };
        let mean = best.iter().map(|(value, _)| likeness(*value)).sum::<f64>() / count;
        let variance = best.iter().map(|(value, _)| (likeness(*value) - mean).powi(2)).sum::<f64>() / (count - 1.0);
        // By the method of moments; the greatest of many values is spread like that.
        let scale = (6.0 * variance).sqrt() / std::f64::consts::PI;
        let tail = (best.len() > 1 && scale > 0.0).then_some((mean - EULER * scale, scale));
        Self { best, tail }
    }
}

impl Trials {
    /// The trials, in the order of [`Gallery::samples`].
    #[must_use]
    pub fn list(&self) -> &[Trial] {
        &self.trials
    }

    /// How many strangers there were; without a second name there are none.
    #[must_use]
    pub fn strangers(&self) -> usize {
        self.strangers.best.len()
    }

    /// The share of strangers that will be given a name where `names` are enrolled; `None` when there was no stranger.
    ///
    /// Of N strangers k that reach the threshold speak for a share of (k + 1) / (N + 1): a new one is equally likely to
    /// come anywhere among them. The tail of the Gumbel distribution that is spread like their values stands in where
    /// none reaches it. They were compared with all names but their own; with more names there are more to be mistaken
    /// for, each as likely as the others.
    #[must_use]
    pub fn far(&self, criterion: &Criterion, names: usize) -> Option<f64> {
        let count = self.strangers.best.len();
        if count == 0 {
            return None;
        }
        let Some(threshold) = criterion.threshold else { return Some(0.0) };
        let reaching = self.strangers.best.iter().take_while(|(value, _)| self.reaches(*value, threshold));
        let named = reaching.filter(|(_, lead)| *lead >= criterion.margin).count();
        let mut share = (named + 1) as f64 / (count + 1) as f64;
        if named == 0 {
            share = share.min(self.tail_beyond(threshold));
        }
        Some(1.0 - (1.0 - share).powf(self.more(names)))
    }

    /// The loosest threshold at which at most a wished share of strangers is given a name where `names` are enrolled;
    /// `None` when there was no stranger to measure it with.
    #[must_use]
    pub fn threshold(&self, far: f64, margin: f32, names: usize) -> Option<Threshold> {
        let count = self.strangers.best.len();
        if count == 0 {
            return None;
        }
        let share = 1.0 - (1.0 - far.clamp(0.0, 1.0)).powf(1.0 / self.more(names));
        let leading: Vec<f32> =
            self.strangers.best.iter().filter(|(_, lead)| *lead >= margin).map(|(value, _)| *value).collect();
        let allowed = (share * (count + 1) as f64 + 1e-9).floor() as usize;
        // One more than is allowed must not reach it.
        let Some(allowed) = allowed.checked_sub(1) else {
            let strict = leading.first().map(|value| self.stricter(*value));
            let tail = self.strangers.tail.map(|(location, scale)| {
                let likeness = location - scale * (-(1.0 - share.max(1e-12)).ln()).ln();
                if self.metric == Metric::Cosine { likeness.min(1.0) as f32 } else { -likeness.min(0.0) as f32 }
            });
            let tail = tail.map(|value| self.stricter(value));
            let value = [strict, tail].into_iter().flatten().min_by(|a, b| self.metric.nearer(*a, *b));
            return value.map(|value| Threshold { value, is_extrapolated: true });
        };
        let loosest = if self.metric == Metric::Cosine { -1.0 } else { f32::MAX };
        let value = leading.get(allowed).map_or(loosest, |value| self.stricter(*value));
        Some(Threshold { value, is_extrapolated: false })
    }

    /// What becomes of the pictures, each tried once as its own name's and once as a stranger. Shares of nothing are NaN.
    #[must_use]
    pub fn outcomes(&self, criterion: &Criterion) -> Outcomes {
        let (mut known, mut right, mut wrong) = (0.0, 0.0, 0.0);
        for trial in &self.trials {
            let Some(own) = trial.own else { continue };
            known += 1.0;
            let own = Candidate { name: usize::MAX, value: own };
            let values = trial.others.iter().flatten().copied().chain([own]);
            let [best, second] = best_two(self.metric, values.map(|other| (other.name, other.value)));
            if criterion.is_met(best, second) {
                let to = if best.is_some_and(|best| best.name == usize::MAX) { &mut right } else { &mut wrong };
                *to += 1.0;
            }
        }
        let named = self.trials.iter().filter(|trial| criterion.is_met(trial.others[0], trial.others[1])).count();
        Outcomes {
            strangers_named: named as f64 / self.strangers.best.len() as f64,
            right: right / known,
            wrong: wrong / known,
            unknown: (known - right - wrong) / known,
        }
    }

    fn reaches(&self, value: f32, threshold: f32) -> bool {
        self.metric.nearer(value, threshold) != Ordering::Greater
    }

    /// The next value with so many decimals that this one does not reach.
    fn stricter(&self, value: f32) -> f32 {
        let steps = f64::from(value) * STEPS;
        match self.metric {
            Metric::Cosine => ((steps.floor() + 1.0) / STEPS).min(1.0) as f32,
            Metric::Euclidean => ((steps.ceil() - 1.0) / STEPS).max(0.0) as f32,
        }
    }

    /// With how many more names strangers are to be compared than they were.
    fn more(&self, names: usize) -> f64 {
        names.max(1) as f64 / self.names.saturating_sub(1).max(1) as f64
    }

    /// The share of the Gumbel distribution that is at least so alike.
    fn tail_beyond(&self, threshold: f32) -> f64 {
        let likeness = if self.metric == Metric::Cosine { f64::from(threshold) } else { -f64::from(threshold) };
        let beyond = |(location, scale): (f64, f64)| 1.0 - (-(-(likeness - location) / scale).exp()).exp();
        self.strangers.tail.map_or(1.0, beyond)
    }
}

/// A name and the one that it is the most likely to be taken for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConfusedName {
    /// The name.
    pub name: usize,
    /// The name whose center is the most alike to its own, and how alike.
    pub nearest: Candidate,
    /// How many of its pictures are more alike to another name than to its own.
    pub confused: usize,
}

/// For each name the one that is the most alike, the most confused first.
#[must_use]
pub fn confusions(gallery: &Gallery, trials: &Trials) -> Vec<ConfusedName> {
    let metric = trials.metric;
    let mut confused = vec![0; gallery.len()];
    for trial in misfits(trials) {
        confused[gallery.samples[trial.sample].name] += 1;
    }
    let mut found: Vec<_> = (0..gallery.len())
        .filter_map(|name| {
            let own = &gallery.names[name].centers[super::place(metric)];
            let length = super::norm(own);
            let others = gallery.names.iter().enumerate().filter(|(other, _)| *other != name);
            let values = others.map(|(other, center)| (other, center.value(metric, own, length)));
            Some(ConfusedName { name, nearest: best_two(metric, values)[0]?, confused: confused[name] })
        })
        .collect();
    let order = |a: &ConfusedName, b: &ConfusedName| metric.nearer(a.nearest.value, b.nearest.value);
    found.sort_by(|a, b| b.confused.cmp(&a.confused).then_with(|| order(a, b)));
    found
}

/// The pictures that are no less alike to another name than to their own, the worst first: each may be of somebody else.
#[must_use]
pub fn misfits(trials: &Trials) -> Vec<Trial> {
    let criterion = Criterion { metric: trials.metric, threshold: None, margin: 0.0 };
    let lead = |trial: &Trial| Some(criterion.lead(trial.others[0]?.value, trial.own?));
    let mut found: Vec<_> =
        trials.trials.iter().filter(|trial| lead(trial).is_some_and(|lead| lead >= 0.0)).copied().collect();
    found.sort_by(|a, b| lead(b).unwrap_or(0.0).total_cmp(&lead(a).unwrap_or(0.0)));
    found
}

/// Pairs of places among [`Gallery::samples`] with one embedding and two names: most likely one picture.
#[must_use]
pub fn same_under_two_names(gallery: &Gallery) -> Vec<[usize; 2]> {
    let mut first: HashMap<Vec<u32>, usize> = HashMap::new();
    let mut found = Vec::new();
    for (at, sample) in gallery.samples.iter().enumerate() {
        let bits = sample.embedding.iter().map(|value| value.to_bits()).collect();
        let before = *first.entry(bits).or_insert(at);
        if gallery.samples[before].name != sample.name {
            found.push([before, at]);
        }
    }
    found
}
