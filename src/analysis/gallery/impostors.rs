//! How alike two different people, or things, are to a model: measured once with many, and stated in the model's manifest.
//! A gallery of three names has only three pairs to tell it from.
//!
//! Impostors are what the field calls those who are taken for somebody else; the program calls them strangers.

use crate::similarity::Metric;

/// The distribution of how alike pictures of two different names are.
#[derive(Debug, Clone, PartialEq)]
pub struct ImpostorDistribution {
    /// How many pairs of names it was measured with.
    pub pairs: usize,
    /// For each metric, as [`Metric::ALL`] orders them, values and the natural logarithm of the share of pairs that are at
    /// least so alike, the most alike first; empty where nothing was measured.
    curves: [Vec<(f64, f64)>; 2],
}

impl ImpostorDistribution {
    /// Of so many pairs of names shares in (0, 1], growing, are at least as alike as the values beside them, by both metrics as
    /// [`Metric::ALL`] orders them; a metric without values is not known.
    #[must_use]
    pub fn new(pairs: usize, shares: &[f64], values: [&[f32]; 2]) -> Self {
        let curve = |values: &[f32]| {
            let values = values.iter().map(|value| f64::from(*value));
            values.zip(shares).map(|(value, share)| (value, share.ln())).collect()
        };
        Self { pairs, curves: values.map(curve) }
    }

    /// The share of pairs that are at least so alike; `None` where it is not known by this metric. Between the measured
    /// shares their logarithms lie on straight lines, of which the first goes on: the share falls faster than that.
    #[must_use]
    pub fn share(&self, metric: Metric, value: f32) -> Option<f64> {
        let curve = &self.curves[usize::from(metric == Metric::Euclidean)];
        let value = f64::from(value);
        let is_before = |at: f64| if metric == Metric::Cosine { at > value } else { at < value };
        let next = curve.partition_point(|(at, _)| is_before(*at)).max(1);
        let (Some(low), Some(high)) = (curve.get(next - 1), curve.get(next)) else {
            // Less alike than all that were measured.
            return (curve.len() > 1).then_some(1.0);
        };
        let along = (value - low.0) / (high.0 - low.0);
        Some((low.1 + along * (high.1 - low.1)).exp().min(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_met_and_lie_on_straight_lines_of_logarithms_between_and_before() {
        let known = ImpostorDistribution::new(50, &[0.01, 0.1, 1.0], [&[0.9, 0.8, 0.5], &[0.4, 0.6, 1.0]]);
        for (metric, value, expected) in [
            (Metric::Euclidean, 0.4, 0.01),
            (Metric::Euclidean, 0.5, 0.001_f64.sqrt()),
            (Metric::Euclidean, 0.6, 0.1),
            (Metric::Euclidean, 0.8, 0.1_f64.sqrt()),
            (Metric::Euclidean, 1.0, 1.0),
            (Metric::Euclidean, 9.0, 1.0),
            (Metric::Euclidean, 0.2, 0.001),
            (Metric::Cosine, 0.8, 0.1),
            (Metric::Cosine, 1.0, 0.001),
            (Metric::Cosine, -1.0, 1.0),
        ] {
            let share = known.share(metric, value).expect("it was measured");
            assert!((share / expected - 1.0).abs() < 1e-5, "{metric:?} {value}: {share} for {expected}");
        }
        let one = ImpostorDistribution::new(50, &[0.5, 1.0], [&[], &[0.4, 0.6]]);
        assert_eq!(one.share(Metric::Cosine, 0.5), None);
    }
}
