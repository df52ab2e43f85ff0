//! What a gallery's own pictures tell of it: each is tried as if it were new (against its name without it, and against
//! all others), and as if its name were not in the gallery, which makes it a stranger.
//!
//! Names are what is counted, not pictures: a hundred pictures of one person are one stranger who is seen a hundred times.
//! Few names show little. What the model was measured with stands beside them, where its manifest says it; elsewhere the
//! threshold is as strict as so few names demand, and there may be none.

use std::collections::HashMap;

use super::{Candidate, Criterion, Gallery, best_two, impostors::ImpostorDistribution, strangers::Strangers};
use crate::{printable::printable_str, similarity::Metric, text};

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
    /// There are too few names to show so small a share, or too few pairs of names where the model was measured: it follows
    /// from how their values are spread.
    pub is_extrapolated: bool,
}

/// Why there is no threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoThreshold {
    /// Nothing measures strangers: there is no name, or no second one and the model was not measured.
    Unmeasured,
    /// So few names cannot promise so small a share of strangers.
    TooFewNames,
    /// A picture of the first name is the same as the second is, or as good as: too many strangers are this alike.
    SamePicture([usize; 2]),
}

/// Columns of a name in a sentence.
const NAME: usize = 24;

impl NoThreshold {
    /// What is the matter with a gallery that has no threshold for a share of strangers, as a part of a sentence.
    #[must_use]
    pub fn words(self, gallery: &Gallery, far: f64) -> String {
        match (self, gallery.len()) {
            (Self::Unmeasured, 0) => "two names measure it".to_owned(),
            (Self::Unmeasured, _) => "a second name measures it".to_owned(),
            (Self::TooFewNames, 1) => format!("1 name is too few for {} of strangers", text::percent(far)),
            (Self::TooFewNames, names) => {
                format!("{} names are too few for {} of strangers", text::count(names), text::percent(far))
            }
            (Self::SamePicture(names), _) => {
                let [one, other] = names.map(|name| text::cut(&printable_str(gallery.name(name)), NAME));
                format!("{one} and {other} have the same picture: keep one")
            }
        }
    }
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
    ///
    /// # Errors
    /// [`NoThreshold`].
    pub fn threshold(&self, metric: Metric, far: f64, margin: f32) -> Result<Threshold, NoThreshold> {
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
    let pictures: Vec<_> = trials.iter().map(|trial| (gallery.samples[trial.sample].name, trial.others)).collect();
    let strangers = Strangers::of(metric, &pictures);
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

impl Trials {
    /// The trials, in the order of [`Gallery::samples`].
    #[must_use]
    pub fn list(&self) -> &[Trial] {
        &self.trials
    }

    /// How many strangers there were; without a second name there are none.
    #[must_use]
    pub fn strangers(&self) -> usize {
        self.strangers.len()
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
        if self.known.is_none() && self.strangers.len() == 0 {
            return None;
        }
        let Some(threshold) = criterion.threshold else { return Some(0.0) };
        Some(self.rate(criterion, threshold).0)
    }

    /// The share of strangers that will be given a name, and whether it is less than so many names can show.
    fn rate(&self, criterion: &Criterion, threshold: f32) -> (f64, bool) {
        let names = self.spreads.len() as f64;
        let reaching = self.strangers.reaching(criterion, threshold);
        let tried = self.strangers.names();
        let shown = reaching / tried.max(1.0);
        if let Some(known) = &self.known {
            // The pairs here and those that the model was measured with are one sample. A name that reaches the threshold
            // makes two halves of a pair: each is compared with the center of the other. Where not all names were tried, the
            // others reach it as often.
            let known_share = self.known_share(known, threshold);
            let (here, there) = (self.pairs() as f64, known.pairs as f64);
            let share = (shown * names / 2.0 + there * known_share) / (here + there);
            let expected = 1.0 - (1.0 - share.min(1.0)).powf(names);
            // Two names that are alike are one pair, which may be chance, or a picture under a wrong name. More than these
            // show what such names are like, and are not outvoted by what was measured with others.
            let shown = if reaching > 2.0 { shown } else { 0.0 };
            return (expected.max(shown), share < 1.0 / (here + there));
        }
        // Of N names k that reach the threshold speak for a share of (k + 1) / (N + 1): a new one is equally likely to come
        // anywhere among them.
        let beyond = self.strangers.beyond(self.metric, threshold);
        let share = shown.max(beyond.min((reaching + 1.0) / (tried + 1.0))).min(1.0);
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

    /// The loosest threshold at which at most a wished share of strangers is given a name. One that nothing but the same
    /// picture reaches is none.
    ///
    /// # Errors
    /// [`NoThreshold`]: what stands against the promise.
    pub fn threshold(&self, far: f64, margin: f32) -> Result<Threshold, NoThreshold> {
        if self.spreads.is_empty() || (self.known.is_none() && self.strangers.len() == 0) {
            return Err(NoThreshold::Unmeasured);
        }
        let criterion = Criterion { metric: self.metric, threshold: None, margin };
        let value = |step: i64| {
            let likeness = if self.metric == Metric::Cosine { step } else { -step };
            (likeness as f64 / STEPS) as f32
        };
        let is_strict_enough = |step: i64| self.rate(&criterion, value(step)).0 <= far;
        let (mut strict, mut loose) = match self.metric {
            Metric::Cosine => (STEPS as i64 - 1, -(STEPS as i64)),
            Metric::Euclidean => (-1, -2),
        };
        if !is_strict_enough(strict) {
            let reaching = self.strangers.reaching(&criterion, value(strict));
            let same = self.strangers.most_alike().filter(|_| reaching > 0.0);
            return Err(same.map_or(NoThreshold::TooFewNames, NoThreshold::SamePicture));
        }
        while self.metric == Metric::Euclidean && is_strict_enough(loose) && loose > -FARTHEST {
            loose *= 2;
        }
        if is_strict_enough(loose) {
            return Ok(Threshold { value: value(loose), is_extrapolated: false });
        }
        while strict - loose > 1 {
            let middle = loose.midpoint(strict);
            *(if is_strict_enough(middle) { &mut strict } else { &mut loose }) = middle;
        }
        Ok(Threshold { value: value(strict), is_extrapolated: self.rate(&criterion, value(strict)).1 })
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
            strangers_named: named as f64 / self.strangers.len() as f64,
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
