//! How alike a model takes two different people or things for, as its manifest states it.

use serde::{Deserialize, Serialize};

/// Most shares that a manifest states, each well above anything sensible, as is the number of pairs.
const MOST_SHARES: usize = 64;
const MOST_PAIRS: usize = 1_000_000_000;

/// Shares of the pairs of pictures of different people or things, and by how much those are alike at least. Each two of them
/// count as one pair, however many pictures there were.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredImpostors {
    /// How many pairs of people or things there were.
    pub pairs: usize,
    /// Shares of them, growing, up to 1.
    pub shares: Vec<f64>,
    /// For each share the cosine similarity that it reaches; nothing where it was not measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cosine: Vec<f32>,
    /// For each share the euclidean distance within which it lies; nothing where it was not measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub euclidean: Vec<f32>,
}

impl MeasuredImpostors {
    /// What is wrong with it, if anything is.
    pub(super) fn check(&self) -> Result<(), String> {
        let wrong = |reason: &str| Err(format!("`impostors.{reason}"));
        if !(1..=MOST_PAIRS).contains(&self.pairs) {
            return wrong("pairs` must be between 1 and 1000000000");
        }
        let grow = self.shares.is_sorted_by(|a, b| a < b) && self.shares.first().is_some_and(|first| *first > 0.0);
        if !(2..=MOST_SHARES).contains(&self.shares.len()) || !grow || self.shares.last() != Some(&1.0) {
            return wrong("shares` must be 2 to 64 numbers above 0 that grow, the last of them 1");
        }
        let fits = |values: &[f32]| values.is_empty() || values.len() == self.shares.len();
        if !fits(&self.cosine) || !self.cosine.is_sorted_by(|a, b| a > b && (-1.0..=1.0).contains(a) && *b >= -1.0) {
            return wrong("cosine` must have a value from -1 to 1 for each share, each smaller than the one before");
        }
        if !fits(&self.euclidean) || !self.euclidean.is_sorted_by(|a, b| a < b && *a >= 0.0 && b.is_finite()) {
            return wrong("euclidean` must have a distance for each share, each greater than the one before");
        }
        Ok(())
    }
}
