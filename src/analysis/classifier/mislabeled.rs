//! Which pictures are likely mislabeled: confident learning (Northcutt, Jiang and Chuang, "Confident learning: estimating
//! uncertainty in dataset labels", 2021) on out-of-fold probabilities.

use super::OutOfFold;

/// A picture whose label is likely wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Suspect {
    /// Its place among the labeled pictures.
    pub at: usize,
    /// What it looks like: another label than the given one.
    pub looks_like: usize,
    /// How probable that is.
    pub probability: f32,
}

/// Pictures that are, more than pictures of that label usually are, like another label than the given one: the pairs beside
/// the diagonal of the confident joint. Those whose own label is least probable come first.
#[must_use]
pub fn suspects(labeled: &[OutOfFold], labels: usize) -> Vec<Suspect> {
    let mut usual = vec![(0.0_f64, 0_u32); labels];
    for picture in labeled {
        let of_label = &mut usual[picture.given];
        *of_label = (of_label.0 + f64::from(picture.probability), of_label.1 + 1);
    }
    let usual: Vec<f64> = usual.iter().map(|(sum, count)| sum / f64::from((*count).max(1))).collect();
    let mut found: Vec<_> = labeled
        .iter()
        .enumerate()
        .filter_map(|(at, picture)| {
            let mut sure =
                picture.guesses.iter().filter(|(label, probability)| f64::from(*probability) >= usual[*label]);
            let (looks_like, probability) = sure.next().filter(|(label, _)| *label != picture.given)?;
            // One that is at least as probable as any other is no mistake, however unsure it is.
            (probability > picture.probability).then_some(Suspect { at, looks_like, probability })
        })
        .collect();
    found.sort_by(|a: &Suspect, b| labeled[a.at].probability.total_cmp(&labeled[b.at].probability));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analysis::classifier::Guesses, index::ImageId};

    #[test]
    fn who_is_surer_of_another_label_than_its_own_pictures_usually_are_is_suspected() {
        let picture = |given: usize, probabilities: [f32; 3]| OutOfFold {
            id: ImageId(0),
            given,
            probability: probabilities[given],
            guesses: Guesses::of(&probabilities),
            fold: 0,
        };
        let labeled = [
            picture(0, [0.9, 0.05, 0.05]),
            picture(0, [0.7, 0.2, 0.1]),
            picture(1, [0.1, 0.6, 0.3]),
            picture(1, [0.85, 0.1, 0.05]),
            // Another is more probable than the given one, and yet less than is usual for it.
            picture(2, [0.5, 0.1, 0.4]),
            picture(2, [0.95, 0.05, 0.0]),
        ];
        let found = suspects(&labeled, 3);
        assert_eq!(found.iter().map(|suspect| (suspect.at, suspect.looks_like)).collect::<Vec<_>>(), [(5, 0), (3, 0)]);
        assert!(suspects(&[], 0).is_empty());
    }
}
