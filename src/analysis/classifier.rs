//! A classifier on top of embeddings that are there already: how well labels can be told apart, which ones are confused,
//! which pictures are likely mislabeled, and what the pictures without a label show.
//!
//! Nothing is trained but a linear probe. Every number about a labeled picture is *out of fold*: it comes from a probe that
//! has not seen the picture, one of [`FOLDS`] that each learn from the other folds.

mod folds;
mod minimizer;
mod mislabeled;
mod probe;
mod rows;
mod scores;
mod voting;

use std::{collections::BTreeMap, fmt, sync::Arc};

pub use self::{
    folds::FOLDS,
    mislabeled::{Suspect, suspects},
    probe::Probe,
    rows::ProbeRows,
    scores::{Confusion, wilson},
    voting::{VOTERS, vote},
};
use self::{
    folds::stratified,
    probe::{Lesson, Work},
};
use crate::{
    index::{ImageId, Index, IndexState, labels::Labels},
    similarity::{Executor, Graph},
    text,
};

/// Labels that are told apart at most: with more, each has too few pictures to be worth the hours.
pub const MOST_LABELS: usize = 1_000;
/// The most probable labels of a picture that are kept.
pub const GUESSES: usize = 5;
/// Strengths that are tried, from the weakest; each is taken up from where the one before it ended.
const STRENGTHS: [f64; 6] = [0.1, 1.0, 10.0, 100.0, 1_000.0, 10_000.0];
/// Pictures on which the strengths are tried, at most.
const TRIED: usize = 4_096;
/// In place of a label where there are fewer than [`GUESSES`].
const NO_LABEL: u32 = u32::MAX;

/// The most probable labels of a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Guesses([(u32, f32); GUESSES]);

impl Guesses {
    /// The largest of some probabilities, one a label.
    #[must_use]
    pub fn of(probabilities: &[f32]) -> Self {
        let mut best = [(NO_LABEL, 0.0); GUESSES];
        for (label, probability) in probabilities.iter().enumerate() {
            if let Some(at) = best.iter().position(|(known, least)| *known == NO_LABEL || probability > least) {
                best[at..].rotate_right(1);
                best[at] = (label as u32, *probability);
            }
        }
        Self(best)
    }

    /// Labels with their probabilities, the most probable first.
    pub fn iter(&self) -> impl Iterator<Item = (usize, f32)> + '_ {
        self.0
            .iter()
            .filter(|(label, _)| *label != NO_LABEL)
            .map(|(label, probability)| (*label as usize, *probability))
    }

    /// The most probable label and its probability.
    #[must_use]
    pub fn best(&self) -> (usize, f32) {
        (self.0[0].0 as usize, self.0[0].1)
    }
}

/// What is known of a labeled picture from those of other folds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OutOfFold {
    /// The picture.
    pub id: ImageId,
    /// Its label.
    pub given: usize,
    /// The probability of its label.
    pub probability: f32,
    /// What it looks like.
    pub guesses: Guesses,
    /// The fold that it is in, counted from 0.
    pub fold: u8,
}

/// What a picture without a label is likely to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// The picture.
    pub id: ImageId,
    /// What it looks like.
    pub guesses: Guesses,
}

/// What can be said about the labels of a collection. Labels are numbered by their place in `names`.
#[derive(Debug, Clone)]
pub struct Classification {
    /// The labels that take part: those of two pictures or more.
    pub names: Vec<String>,
    /// Labels of a single picture, which cannot be tested and are left out.
    pub alone: Vec<String>,
    /// Out of fold, by the linear probe.
    pub probe_confusion: Confusion,
    /// Out of fold, by a vote of the nearest pictures of other folds.
    pub voted_confusion: Confusion,
    /// How much the data count against the wish for small weights: scikit-learn's C, chosen by cross-validation.
    pub strength: f64,
    /// Every labeled picture of a label that takes part, in the order of paths.
    pub labeled: Vec<OutOfFold>,
    /// The pictures that are likely mislabeled, the likeliest first.
    pub suspects: Vec<Suspect>,
    /// The pictures without a label, the surest first.
    pub predictions: Vec<Prediction>,
    /// What each picture looks like, as labels: a labeled one as learned without it, another as learned from all, however
    /// sure that is.
    pub predicted: Arc<Labels>,
    /// What was learned from all labeled pictures.
    pub probe: Probe,
    /// The state of the index that it was made of.
    pub made_of: IndexState,
}

/// Why nothing can be learned from labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unlearnable {
    /// No picture has a label.
    NoLabels,
    /// All labeled pictures have the same one.
    OneLabel(String),
    /// Fewer than two labels have two pictures or more.
    TooFewPictures,
    /// There are more labels than [`MOST_LABELS`].
    TooManyLabels(usize),
    /// Nobody waits for it any more.
    Superseded,
}

impl fmt::Display for Unlearnable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLabels => {
                write!(f, "no picture has a label: sort some into sub-folders, or name a file with --labels")
            }
            Self::OneLabel(name) => {
                write!(f, "all labeled pictures are {name}: a second label is needed to tell it from")
            }
            Self::TooFewPictures => write!(f, "two labels with at least two pictures each are needed"),
            Self::TooManyLabels(labels) => {
                let labels = text::count(*labels);
                write!(f, "there are {labels} labels, and a classifier takes {} at most", text::count(MOST_LABELS))
            }
            Self::Superseded => write!(f, "it was stopped"),
        }
    }
}

/// Learns from the labels and tests itself. The k-nearest-neighbor `graph` must be one of this index. `progress` gets the
/// share that is done.
///
/// # Errors
/// [`Unlearnable`] where there is nothing to learn, or when it was superseded.
pub fn classify(
    index: &Index,
    labels: &Labels,
    graph: &Graph,
    seed: u64,
    executor: Executor<'_>,
    superseded: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(f64),
) -> Result<Classification, Unlearnable> {
    let classes = Classes::of(index, labels)?;
    let work = Work { executor, superseded };
    let (count, dim) = (classes.names.len(), index.dim());
    let rows = ProbeRows::of(index, classes.ids.iter().copied());
    let folds = stratified(&classes.targets, count, seed);
    let begin = Probe::flat(count, dim);
    let mut test = Test {
        rows: &rows,
        targets: &classes.targets,
        folds: &folds,
        labels: count,
        work,
        nearly: begin,
        done: 0.0,
        progress,
    };
    let (strength, found) = test.strength().ok_or(Unlearnable::Superseded)?;
    let found = match found {
        Some(found) => found,
        None => test.out_of_fold(strength, 0.1).ok_or(Unlearnable::Superseded)?,
    };
    let lesson = Lesson { rows: &rows, targets: &classes.targets, labels: count };
    let probe = test.nearly.learn(&lesson, strength, work).ok_or(Unlearnable::Superseded)?;
    let votes = voting::out_of_fold(index, &classes.ids, &classes.targets, &folds, graph, work);
    let votes = votes.ok_or(Unlearnable::Superseded)?;
    let (mut probe_confusion, mut voted_confusion) = (Confusion::new(count), Confusion::new(count));
    let labeled: Vec<_> = (classes.ids.iter().zip(&classes.targets).zip(found))
        .zip(&folds)
        .map(|(((id, target), (probability, guesses)), fold)| OutOfFold {
            id: *id,
            given: *target as usize,
            probability,
            guesses,
            fold: *fold,
        })
        .collect();
    for (picture, vote) in labeled.iter().zip(votes) {
        probe_confusion.add(picture.given, picture.guesses.best().0);
        voted_confusion.add(picture.given, vote as usize);
    }
    let predictions = predictions(index, &probe, classes.unlabeled, executor);
    let mut best = vec![None; index.id_bound()];
    let guessed = labeled.iter().map(|one| (one.id, one.guesses));
    for (id, guesses) in guessed.chain(predictions.iter().map(|one| (one.id, one.guesses))) {
        best[id.at()] = Some(guesses.best().0).filter(|label| *label < count);
    }
    let predicted = Arc::new(Labels::assigned(best, classes.names.clone(), index.state()));
    (test.progress)(1.0);
    Ok(Classification {
        suspects: suspects(&labeled, count),
        predicted,
        names: classes.names,
        alone: classes.alone,
        probe_confusion,
        voted_confusion,
        strength,
        labeled,
        predictions,
        probe,
        made_of: index.state(),
    })
}

/// What a probe makes of pictures, the surest first.
#[must_use]
pub fn predictions(index: &Index, probe: &Probe, ids: Vec<ImageId>, executor: Executor<'_>) -> Vec<Prediction> {
    let rows = ProbeRows::of(index, ids.iter().copied());
    let guesses = probe.predict(&rows, executor, |_, probabilities| Guesses::of(probabilities));
    let mut predictions: Vec<_> =
        ids.into_iter().zip(guesses).map(|(id, guesses)| Prediction { id, guesses }).collect();
    predictions.sort_by(|a, b| b.guesses.best().1.total_cmp(&a.guesses.best().1));
    predictions
}

/// The labels that take part, and who has them.
struct Classes {
    names: Vec<String>,
    alone: Vec<String>,
    /// Labeled pictures, in the order of paths: that of ids is another one in each run.
    ids: Vec<ImageId>,
    targets: Vec<u32>,
    unlabeled: Vec<ImageId>,
}

impl Classes {
    fn of(index: &Index, labels: &Labels) -> Result<Self, Unlearnable> {
        // Sub-folders of one name under two folders are one label, and the order of names is the same in every run.
        let mut of_name: BTreeMap<&str, usize> = BTreeMap::new();
        for label in index.iter().filter_map(|entry| labels.of(entry.id)) {
            *of_name.entry(labels.name(label)).or_default() += 1;
        }
        let named = |few: bool| {
            let chosen = of_name.iter().filter(move |(_, count)| (**count < 2) == few);
            chosen.map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>()
        };
        let (names, alone) = (named(false), named(true));
        match (of_name.first_key_value(), names.len()) {
            (None, _) => return Err(Unlearnable::NoLabels),
            (Some((only, _)), _) if of_name.len() == 1 => return Err(Unlearnable::OneLabel((*only).to_owned())),
            (_, 0 | 1) => return Err(Unlearnable::TooFewPictures),
            (_, many) if many > MOST_LABELS => return Err(Unlearnable::TooManyLabels(many)),
            _ => {}
        }
        let target = |label| names.binary_search_by(|name| name.as_str().cmp(labels.name(label)));
        let targets: Vec<u32> =
            (0..labels.len()).map(|label| target(label).map_or(NO_LABEL, |target| target as u32)).collect();
        let mut entries: Vec<_> = index.iter().collect();
        entries.sort_by(|a, b| (a.root, a.relative()).cmp(&(b.root, b.relative())));
        let mut classes = Self { names, alone, ids: Vec::new(), targets: Vec::new(), unlabeled: Vec::new() };
        for entry in entries {
            match labels.of(entry.id) {
                None => classes.unlabeled.push(entry.id),
                Some(label) if targets[label] != NO_LABEL => {
                    classes.ids.push(entry.id);
                    classes.targets.push(targets[label]);
                }
                Some(_) => {}
            }
        }
        Ok(classes)
    }
}

/// The probability of the given label of each row, and its most probable labels, from probes that have not seen it.
type OfRows = Vec<(f32, Guesses)>;

/// Cross-validation of the probe.
struct Test<'a> {
    rows: &'a ProbeRows<'a>,
    targets: &'a [u32],
    folds: &'a [u8],
    labels: usize,
    work: Work<'a>,
    /// The probe that was learned last: from it the next is not far.
    nearly: Probe,
    done: f64,
    progress: &'a mut dyn FnMut(f64),
}

impl Test<'_> {
    /// The strength at which the labels of unseen pictures are most probable (least mean logarithmic loss), and what was
    /// found with it where all rows were tried; many rows are thinned out evenly.
    fn strength(&mut self) -> Option<(f64, Option<OfRows>)> {
        let all = self.rows.len() <= TRIED;
        let places: Vec<usize> = match all {
            true => (0..self.rows.len()).collect(),
            false => (0..TRIED).map(|at| at * self.rows.len() / TRIED).collect(),
        };
        let rows = self.rows.pick(&places);
        let targets: Vec<u32> = places.iter().map(|at| self.targets[*at]).collect();
        let folds: Vec<u8> = places.iter().map(|at| self.folds[*at]).collect();
        let (labels, work, done) = (self.labels, self.work, self.done);
        let (nearly, progress) = (self.nearly.clone(), &mut *self.progress);
        let mut tried = Test { rows: &rows, targets: &targets, folds: &folds, labels, work, nearly, done, progress };
        let mut best: Option<(f64, f64, OfRows)> = None;
        for strength in STRENGTHS {
            let found = tried.out_of_fold(strength, if all { 0.14 } else { 0.08 })?;
            let loss = found.iter().map(|(given, _)| -f64::from(given.max(f32::MIN_POSITIVE)).ln()).sum::<f64>();
            if best.as_ref().is_some_and(|(least, ..)| loss >= *least) {
                break;
            }
            best = Some((loss, strength, found));
            // What is learned with more strength than is good for it leads away.
            self.nearly = tried.nearly.clone();
        }
        self.done = tried.done;
        let (_, strength, found) = best?;
        Some((strength, all.then_some(found)))
    }

    /// Learns once for each fold, from all others.
    fn out_of_fold(&mut self, strength: f64, share: f64) -> Option<OfRows> {
        let mut found = vec![(0.0, Guesses([(NO_LABEL, 0.0); GUESSES])); self.rows.len()];
        for fold in 0..FOLDS {
            let (held, seen): (Vec<usize>, Vec<usize>) =
                (0..self.rows.len()).partition(|row| usize::from(self.folds[*row]) == fold);
            let targets: Vec<u32> = seen.iter().map(|row| self.targets[*row]).collect();
            let lesson = Lesson { rows: &self.rows.pick(&seen), targets: &targets, labels: self.labels };
            let probe = self.nearly.learn(&lesson, strength, self.work)?;
            let guessed = probe.predict(&self.rows.pick(&held), self.work.executor, |at, probabilities| {
                (probabilities[self.targets[held[at]] as usize], Guesses::of(probabilities))
            });
            for (row, guessed) in held.into_iter().zip(guessed) {
                found[row] = guessed;
            }
            // The rows of the next fold's lesson are mostly the same.
            self.nearly = probe;
            self.done = (self.done + share / FOLDS as f64).min(0.99);
            (self.progress)(self.done);
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests;
