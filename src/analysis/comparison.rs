//! Two models on the same pictures: do they find the same neighbors, where do they disagree most, and which of them keeps
//! the folders apart better?
//!
//! Pictures are paired by where they lie. Nothing here is N×N; what would take N² comparisons is asked of an even sample.

mod alignment;
mod agreement;
mod verdict;

use std::collections::HashMap;

pub use self::{
    agreement::{NEIGHBORS, PictureAgreement, agreement},
    alignment::cka,
    verdict::{Difference, Score, Verdict, verdict},
};
use crate::{
    index::{ImageId, Index},
    similarity::{Executor, Metric},
};

/// Pictures that are asked for their neighbors, at most.
const ASKED: usize = 2_000;
/// Pictures from which the alignment is computed, at most.
const ALIGNED: usize = 20_000;

/// Pictures that two indexes have in common: the id in the first and in the second, in the order of paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pairing {
    /// The ids.
    pub pairs: Vec<(ImageId, ImageId)>,
}

impl Pairing {
    /// Pairs the pictures that lie at the same path.
    #[must_use]
    pub fn by_path(a: &Index, b: &Index) -> Self {
        let of_b: HashMap<_, _> = b.iter().map(|entry| ((entry.root, entry.relative()), entry.id)).collect();
        let both = |entry: crate::index::Entry<'_>| Some((entry.id, *of_b.get(&(entry.root, entry.relative()))?));
        let mut pairs: Vec<_> = a.iter().filter_map(both).collect();
        let path = |id| a.get(id).map(|entry| (entry.root, entry.relative()));
        pairs.sort_by(|one, other| path(one.0).cmp(&path(other.0)));
        Self { pairs }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether the indexes have nothing in common.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// An even sample of at most so many.
    #[must_use]
    pub fn sample(&self, most: usize) -> Self {
        let len = self.len();
        let pairs = (0..len.min(most)).map(|at| self.pairs[at * len / len.min(most)]);
        Self { pairs: pairs.collect() }
    }

    /// The ids in the second index by those in the first.
    #[must_use]
    pub fn to_second(&self) -> HashMap<ImageId, ImageId> {
        self.pairs.iter().copied().collect()
    }
}

/// How the models are compared: raw embeddings of two models have lengths of their own.
pub const METRIC: Metric = Metric::Cosine;

/// Everything that can be said about two models on the same pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelComparison {
    /// The pictures that both have.
    pub pairing: Pairing,
    /// Linear CKA.
    pub cka: f64,
    /// Picture by picture, those on which the models disagree most first; of many pictures an even sample.
    pub agreements: Vec<PictureAgreement>,
    /// Which keeps the folders apart better; nothing where the folders say nothing.
    pub verdict: Option<Verdict>,
}

impl ModelComparison {
    /// Compares two models. `progress` gets the share that is done; `None` when it was superseded.
    #[must_use]
    pub fn of(
        (a, b): (&Index, &Index),
        pairing: Pairing,
        seed: u64,
        executor: Executor<'_>,
        superseded: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(f64),
    ) -> Option<Self> {
        let asked = pairing.sample(ASKED);
        let cka = cka(a, b, &pairing.sample(ALIGNED), executor, superseded)?;
        let mut first = |share| progress(share / 2.0);
        let agreements = agreement((a, b), &pairing, &asked, METRIC, executor, superseded, &mut first)?;
        let mut second = |share| progress(0.5 + share / 2.0);
        let verdict = verdict((a, b), (&pairing, &asked), METRIC, seed, executor, superseded, &mut second);
        (!superseded()).then_some(Self { pairing, cka, agreements, verdict })
    }

    /// The mean share of a picture's nearest [`NEIGHBORS`] that both models find; NaN without pictures.
    #[must_use]
    pub fn overlap(&self) -> f64 {
        mean(self.agreements.iter().map(|of| of.overlap))
    }

    /// The mean rank correlation of the similarities to a picture.
    #[must_use]
    pub fn rank_correlation(&self) -> f64 {
        mean(self.agreements.iter().map(|of| of.rank_correlation))
    }
}

/// The mean of the values that are numbers.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) =
        values.filter(|value| !value.is_nan()).fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}

#[cfg(test)]
mod tests;
