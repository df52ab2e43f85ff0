//! What a gallery's own pictures tell of it: each is tried as if it were new (against its name without it, and against
//! all others), and as if its name were not in the gallery, which makes it a stranger.
//!
//! Names are what is counted, not pictures: a hundred pictures of one person are one stranger who is seen a hundred times.
//! Few names show little. What the model was measured with stands beside them, where its manifest says it; elsewhere the
//! threshold is as strict as so few names demand, and there may be none.

use std::{cmp::Ordering, collections::HashMap};

use super::{Candidate, Criterion, Gallery, best_two, impostors::ImpostorDistribution};
use crate::{analysis::student, similarity::Metric, text};

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
    trials: Vec<Trial>,
    strangers: Strangers,
    /// For each name how closely its pictures lie around its center: their mean squared distance from it, or the length of
    /// the mean of their directions.
    spreads: Vec<f32>,
    /// What the model was measured with, where that is known.
    known: Option<ImpostorDistribution>,
}

/// How alike strangers are to their most alike name.
#[derive(Debug, Clone, Default)]
struct Strangers {
    /// The most alike first.
    best: Vec<Stranger>,
    /// How many names they are of.
    names: f64,
    /// Mean and standard deviation of the values, each name counting as one, on a scale on which more is more alike.
    spread: Option<(f64, f64)>,
}

/// A picture of one who is not enrolled.
#[derive(Debug, Clone, Copy)]
struct Stranger {
    /// How alike it is to the most alike name.
    value: f32,
    /// By how much that leads the second.
    lead: f32,
    /// Its share of its name's pictures.
    weight: f64,
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
    /// There are too few names to show so small a share: it follows from how their values are spread.
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

    /// See [`Trials::threshold`].
    #[must_use]
    pub fn threshold(&self, metric: Metric, far: f64, margin: f32) -> Option<Threshold> {
        self.trials(metric).threshold(far, margin)
    }

    /// See [`Trials::far`].
    #[must_use]
    pub fn far(&self, criterion: &Criterion) -> Option<f64> {
        self.trials(criterion.metric).far(criterion)
    }
}

/// The decimals that a threshold has.
const STEPS: f64 = 1e4;
/// Distances are not looked at beyond this.
const FARTHEST: i64 = 1 << 50;

/// Tries the pictures of a gallery, at most so many, evenly chosen.
#[must_use]
pub fn trials(gallery: &Gallery, metric: Metric, most: usize) -> Trials {
    let all = gallery.samples.len();
    let tried = all.min(most);
    let trials: Vec<_> = (0..tried).map(|at| try_one(gallery, metric, at * all / tried)).collect();
    let strangers = Strangers::of(gallery, metric, &trials);
    let known = gallery.impostors.clone().filter(|known| known.share(metric, 0.0).is_some());
    Trials { metric, trials, strangers, spreads: gallery.spreads(metric), known }
}

fn try_one(gallery: &Gallery, metric: Metric, at: usize) -> Trial {
    let sample = &gallery.samples[at];
    let others = gallery.names.iter().enumerate().filter(|(name, _)| *name != sample.name);
    let values = others.map(|(name, center)| (name, center.value(metric, &sample.embedding, sample.norm)));
    let own = gallery.names[sample.name].value_without(metric, sample);
    Trial { sample: at, own, others: best_two(metric, values) }
}

impl Strangers {
    fn of(gallery: &Gallery, metric: Metric, trials: &[Trial]) -> Self {
        let lead = Criterion { metric, threshold: None, margin: 0.0 };
        let name = |trial: &Trial| gallery.samples[trial.sample].name;
        let mut tried = vec![0_usize; gallery.len()];
        trials.iter().for_each(|trial| tried[name(trial)] += 1);
        let mut best: Vec<_> = trials
            .iter()
            .filter_map(|trial| {
                let [best, second] = trial.others;
                let value = best?.value;
                let lead = second.map_or(f32::INFINITY, |second| lead.lead(value, second.value));
                Some(Stranger { value, lead, weight: 1.0 / tried[name(trial)] as f64 })
            })
            .collect();
        best.sort_by(|a, b| metric.nearer(a.value, b.value));
        let names = best.iter().map(|stranger| stranger.weight).sum::<f64>().round();
        let mean = |of: &dyn Fn(f64) -> f64| {
            best.iter().map(|stranger| stranger.weight * of(likeness(metric, stranger.value))).sum::<f64>() / names
        };
        let middle = mean(&|value| value);
        let deviation = (mean(&|value| (value - middle).powi(2)) * names / (names - 1.0)).sqrt();
        let spread = (names > 1.0 && deviation > 0.0).then_some((middle, deviation));
        Self { best, names, spread }
    }

    /// How many of the names reach a threshold, each as the share of its pictures that do.
    fn reaching(&self, criterion: &Criterion, threshold: f32) -> f64 {
        let reaches = |value: f32| criterion.metric.nearer(value, threshold) != Ordering::Greater;
        let reaching = self.best.iter().take_while(|stranger| reaches(stranger.value));
        reaching.filter(|stranger| stranger.lead >= criterion.margin).map(|stranger| stranger.weight).sum()
    }

    /// The probability that one more name is at least so alike, if their values are spread like the normal distribution
    /// (its prediction interval, with Student's t): the fewer names its mean and deviation are measured with, the farther off
    /// the next one may lie.
    fn beyond(&self, likeness: f64) -> f64 {
        let Some((mean, deviation)) = self.spread else { return 1.0 };
        student::upper_tail((likeness - mean) / (deviation * (1.0 + 1.0 / self.names).sqrt()), self.names as u32 - 1)
    }
}

/// A value on a scale on which more is more alike.
fn likeness(metric: Metric, value: f32) -> f64 {
    if metric == Metric::Cosine { f64::from(value) } else { -f64::from(value) }
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

    /// How many pairs of names there are here.
    #[must_use]
    pub fn pairs(&self) -> usize {
        let names = self.spreads.len();
        names * names.saturating_sub(1) / 2
    }

    /// How many pairs of names the model was measured with, where that is known.
    #[must_use]
    pub fn known_pairs(&self) -> Option<usize> {
        self.known.as_ref().map(|known| known.pairs)
    }

    /// What thresholds and shares rest on, in words.
    #[must_use]
    pub fn basis(&self) -> String {
        match self.known_pairs() {
            Some(known) => {
                let here = text::counted(self.pairs(), "pair");
                format!("from {here} of names here and {} that the model is known by", text::count(known))
            }
            None => format!("from {} here", text::counted(self.spreads.len(), "name")),
        }
    }

    /// The same in fewer words.
    #[must_use]
    pub fn brief_basis(&self) -> String {
        match self.known_pairs() {
            Some(known) => format!("from {} + {} pairs", text::count(self.pairs()), text::count(known)),
            None => self.basis(),
        }
    }

    /// The share of strangers that will be given a name; `None` when nothing tells it: there is no second name, and the model
    /// was not measured.
    #[must_use]
    pub fn far(&self, criterion: &Criterion) -> Option<f64> {
        if self.known.is_none() && self.strangers.best.is_empty() {
            return None;
        }
        let Some(threshold) = criterion.threshold else { return Some(0.0) };
        Some(self.rate(criterion, threshold).0)
    }

    /// The share of strangers that will be given a name, and whether it is less than so many names can show.
    fn rate(&self, criterion: &Criterion, threshold: f32) -> (f64, bool) {
        let names = self.spreads.len() as f64;
        let reaching = self.strangers.reaching(criterion, threshold);
        if let Some(known) = &self.known {
            // The pairs here and those that the model was measured with are one sample. A name that reaches the threshold
            // makes two halves of a pair: each is compared with the center of the other.
            let known_share = self.known_share(known, threshold);
            let (here, there) = (self.pairs() as f64, known.pairs as f64);
            let share = (reaching / 2.0 + there * known_share) / (here + there);
            return (1.0 - (1.0 - share.min(1.0)).powf(names), false);
        }
        // Of N names k that reach the threshold speak for a share of (k + 1) / (N + 1): a new one is equally likely to come
        // anywhere among them.
        let tried = self.strangers.names;
        let shown = (reaching + 1.0) / (tried + 1.0);
        let beyond = self.strangers.beyond(likeness(self.metric, threshold));
        let share = (reaching / tried).max(shown.min(beyond)).min(1.0);
        // They were compared with all names but their own; there is one more to be mistaken for, as likely as the others.
        (1.0 - (1.0 - share).powf(names / (names - 1.0).max(1.0)), share < 1.0 / (tried + 1.0))
    }

    /// The share of the pairs of the model that would reach the threshold if one of them were a name here. What was measured
    /// are single pictures. A stranger is as far from n pictures of a name, squared and in the mean, as from their center and
    /// as they are from it; its cosine similarities to them are in the mean the one to their center, times the length of the
    /// mean of their directions.
    fn known_share(&self, known: &ImpostorDistribution, threshold: f32) -> f64 {
        let shares = self.spreads.iter().map(|spread| {
            let of_pictures = match self.metric {
                Metric::Cosine => threshold * spread,
                Metric::Euclidean => threshold.mul_add(threshold, *spread).sqrt(),
            };
            known.share(self.metric, of_pictures).unwrap_or(1.0)
        });
        shares.sum::<f64>() / (self.spreads.len() as f64).max(1.0)
    }

    /// The loosest threshold at which at most a wished share of strangers is given a name; `None` when the names are too few
    /// to promise that of any.
    #[must_use]
    pub fn threshold(&self, far: f64, margin: f32) -> Option<Threshold> {
        if self.spreads.is_empty() || (self.known.is_none() && self.strangers.best.is_empty()) {
            return None;
        }
        let criterion = Criterion { metric: self.metric, threshold: None, margin };
        let value = |step: i64| {
            let likeness = step as f64 / STEPS;
            if self.metric == Metric::Cosine { likeness as f32 } else { -likeness as f32 }
        };
        let is_strict_enough = |step: i64| self.rate(&criterion, value(step)).0 <= far;
        let (mut strict, mut loose) = match self.metric {
            Metric::Cosine => (STEPS as i64, -(STEPS as i64)),
            Metric::Euclidean => (0, -1),
        };
        if !is_strict_enough(strict) {
            return None;
        }
        while self.metric == Metric::Euclidean && is_strict_enough(loose) && loose > -FARTHEST {
            loose *= 2;
        }
        if is_strict_enough(loose) {
            return Some(Threshold { value: value(loose), is_extrapolated: false });
        }
        while strict - loose > 1 {
            let middle = loose.midpoint(strict);
            *(if is_strict_enough(middle) { &mut strict } else { &mut loose }) = middle;
        }
        Some(Threshold { value: value(strict), is_extrapolated: self.rate(&criterion, value(strict)).1 })
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
