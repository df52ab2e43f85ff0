//! How far two ways to group the same pictures agree.

use std::collections::BTreeMap;

/// Two measures of agreement, both 1 when the groups are the same and about 0 when they have nothing to do with each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Agreement {
    /// Adjusted Rand index (Hubert and Arabie, "Comparing partitions", 1985).
    pub adjusted_rand: f64,
    /// Normalized mutual information, by the mean of both entropies (Strehl and Ghosh, "Cluster ensembles", 2002).
    pub mutual_information: f64,
}

impl Agreement {
    /// That of pairs of labels, one pair a picture; `None` where there is no picture.
    #[must_use]
    pub fn of(labels: impl Iterator<Item = (usize, usize)>) -> Option<Self> {
        let (mut both, mut first, mut second) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut total = 0.0;
        for (a, b) in labels {
            *both.entry((a, b)).or_insert(0.0) += 1.0;
            *first.entry(a).or_insert(0.0) += 1.0;
            *second.entry(b).or_insert(0.0) += 1.0;
            total += 1.0;
        }
        if total == 0.0 {
            return None;
        }
        let pairs = |count: &f64| count * (count - 1.0) / 2.0;
        let (same, of_first, of_second): (f64, f64, f64) =
            (both.values().map(pairs).sum(), first.values().map(pairs).sum(), second.values().map(pairs).sum());
        let all = pairs(&total);
        let expected = if all > 0.0 { of_first * of_second / all } else { 0.0 };
        let most = (of_first + of_second) / 2.0;
        let entropy = |count: &f64| -count / total * (count / total).ln();
        let (h, other_h): (f64, f64) = (first.values().map(entropy).sum(), second.values().map(entropy).sum());
        let shared =
            |((a, b), count): (&(usize, usize), &f64)| count / total * (count * total / (first[a] * second[b])).ln();
        let mutual: f64 = both.iter().map(shared).sum();
        Some(Self {
            adjusted_rand: if most - expected == 0.0 { 1.0 } else { (same - expected) / (most - expected) },
            mutual_information: if h + other_h == 0.0 { 1.0 } else { (2.0 * mutual / (h + other_h)).clamp(0.0, 1.0) },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_measures_are_those_of_scikit_learn() {
        // adjusted_rand_score and normalized_mutual_info_score of scikit-learn 1.9.
        for (first, second, rand, information) in [
            (&[0, 0, 1, 1][..], &[1, 1, 0, 0][..], 1.0, 1.0),
            (&[0, 0, 1, 2], &[0, 0, 1, 1], 0.571_428_571_428_571_4, 0.8),
            (&[0, 0, 0, 0], &[0, 1, 2, 3], 0.0, 0.0),
            (&[0, 0, 0, 1, 1, 1], &[0, 0, 1, 1, 2, 2], 0.242_424_242_424_242_43, 0.515_803_742_979_388_9),
            (&[0, 1, 0, 1], &[0, 0, 1, 1], -0.5, 0.0),
            (&[0, 0], &[0, 0], 1.0, 1.0),
        ] {
            let found = Agreement::of(first.iter().copied().zip(second.iter().copied())).expect("there are labels");
            assert!((found.adjusted_rand - rand).abs() < 1e-12, "{first:?} {second:?}: {found:?}");
            assert!((found.mutual_information - information).abs() < 1e-12, "{first:?} {second:?}: {found:?}");
        }
        assert_eq!(Agreement::of(std::iter::empty()), None);
    }
}
