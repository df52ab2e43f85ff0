//! How good a classifier is: the confusion matrix and what follows from it.

/// How often pictures of each label were taken for each label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confusion {
    labels: usize,
    /// `labels × labels`, row-major: the row is the given label, the column the predicted one.
    counts: Vec<u32>,
}

impl Confusion {
    /// Counts pairs of a given and a predicted label.
    #[must_use]
    pub fn of(labels: usize, pairs: impl Iterator<Item = (usize, usize)>) -> Self {
        let mut confusion = Self::new(labels);
        pairs.for_each(|(given, predicted)| confusion.add(given, predicted));
        confusion
    }

    pub(super) fn new(labels: usize) -> Self {
        Self { labels, counts: vec![0; labels * labels] }
    }

    pub(super) fn add(&mut self, given: usize, predicted: usize) {
        self.counts[given * self.labels + predicted] += 1;
    }

    /// How many labels there are.
    #[must_use]
    pub fn labels(&self) -> usize {
        self.labels
    }

    /// Pictures of a given label that were taken for a predicted one.
    #[must_use]
    pub fn count(&self, given: usize, predicted: usize) -> u32 {
        self.counts[given * self.labels + predicted]
    }

    /// Pictures of a label.
    #[must_use]
    pub fn given(&self, label: usize) -> u32 {
        self.counts[label * self.labels..(label + 1) * self.labels].iter().sum()
    }

    /// Pictures that were taken for a label.
    #[must_use]
    pub fn predicted(&self, label: usize) -> u32 {
        (0..self.labels).map(|given| self.count(given, label)).sum()
    }

    /// Of the pictures of a label, the share that was taken for it; NaN when there is none.
    #[must_use]
    pub fn recall(&self, label: usize) -> f64 {
        f64::from(self.count(label, label)) / f64::from(self.given(label))
    }

    /// Of the pictures taken for a label, the share that is of it; NaN when there is none.
    #[must_use]
    pub fn precision(&self, label: usize) -> f64 {
        f64::from(self.count(label, label)) / f64::from(self.predicted(label))
    }

    /// All pictures.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.counts.iter().sum()
    }

    /// Pictures that were taken for what they are.
    #[must_use]
    pub fn right(&self) -> u32 {
        (0..self.labels).map(|label| self.count(label, label)).sum()
    }

    /// The share of pictures that were taken for what they are.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        f64::from(self.right()) / f64::from(self.total())
    }

    /// The ends of the 95 % confidence interval of the accuracy, see [`wilson`].
    #[must_use]
    pub fn interval(&self) -> [f64; 2] {
        wilson(self.right(), self.total())
    }

    /// Given and predicted label of the mistakes, the most frequent first; of equally frequent ones in the order of labels.
    #[must_use]
    pub fn mistakes(&self) -> Vec<(usize, usize)> {
        let all = (0..self.labels).flat_map(|given| (0..self.labels).map(move |predicted| (given, predicted)));
        let mut found: Vec<_> =
            all.filter(|(given, predicted)| given != predicted && self.count(*given, *predicted) > 0).collect();
        found.sort_by_key(|(given, predicted)| std::cmp::Reverse(self.count(*given, *predicted)));
        found
    }
}

/// The 95 % Wilson score interval of a share (Wilson, "Probable inference, the law of succession, and statistical
/// inference", 1927): unlike the usual one it never leaves 0 to 1, and is right for few pictures and shares near the ends.
#[must_use]
pub fn wilson(right: u32, total: u32) -> [f64; 2] {
    const Z: f64 = 1.959_963_984_540_054;
    if total == 0 {
        return [0.0, 1.0];
    }
    let (share, total) = (f64::from(right) / f64::from(total), f64::from(total));
    let middle = share + Z * Z / (2.0 * total);
    let half = Z * (share * (1.0 - share) / total + Z * Z / (4.0 * total * total)).sqrt();
    let scale = 1.0 + Z * Z / total;
    [(middle - half) / scale, (middle + half) / scale].map(|end| end.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_and_recall_come_from_columns_and_rows() {
        let mut confusion = Confusion::new(3);
        for (given, predicted, times) in [(0, 0, 8), (0, 1, 2), (1, 1, 5), (1, 0, 1), (2, 1, 4)] {
            (0..times).for_each(|_| confusion.add(given, predicted));
        }
        assert_eq!((confusion.right(), confusion.total()), (13, 20));
        assert!((confusion.recall(0) - 0.8).abs() < 1e-12 && (confusion.precision(0) - 8.0 / 9.0).abs() < 1e-12);
        assert!(confusion.precision(2).is_nan() && confusion.recall(2) == 0.0);
        assert_eq!(confusion.mistakes(), [(2, 1), (0, 1), (1, 0)]);
    }

    #[test]
    fn the_interval_is_the_one_of_the_books() {
        // statsmodels' proportion_confint(count, nobs, method="wilson").
        for (right, total, expected) in
            [(8, 10, [0.490_162_5, 0.943_317_8]), (300, 300, [0.987_357_0, 1.0]), (0, 7, [0.0, 0.354_330_4])]
        {
            for (end, expected) in wilson(right, total).into_iter().zip(expected) {
                assert!((end - expected).abs() < 1e-6, "{right} of {total}: {end} is not {expected}");
            }
        }
        assert_eq!(wilson(0, 0), [0.0, 1.0]);
    }
}
