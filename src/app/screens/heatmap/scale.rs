//! What the ends of the color ramp stand for.

use crate::similarity::Metric;

/// How values become colors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    /// From the least to the most alike of these pictures, but for the outermost hundredths.
    #[default]
    Own,
    /// The range that the metric has in any folder, so that colors can be compared between folders. A distance has an
    /// end at 0 only, and so the other one stays.
    Fixed,
    /// By rank: each color stands for equally many pairs, so that structure shows where most values lie close together.
    Quantiles,
}

impl Scale {
    /// The next one.
    #[must_use]
    pub fn cycled(self) -> Self {
        match self {
            Self::Own => Self::Fixed,
            Self::Fixed => Self::Quantiles,
            Self::Quantiles => Self::Own,
        }
    }

    /// A word for the legend; none for the usual one.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Own => "",
            Self::Fixed => "fixed scale",
            Self::Quantiles => "by rank",
        }
    }

    /// What it does, as a sentence.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Own => "Colors span the values that are shown.",
            Self::Fixed => "Colors span the metric's own range: they can be compared between folders.",
            Self::Quantiles => "Colors by rank: each one stands for equally many pairs.",
        }
    }

    /// The ends of the ramp where these pictures have `own` ones.
    pub(super) fn ends(self, metric: Metric, own: (f32, f32)) -> (f32, f32) {
        match (self, metric) {
            (Self::Fixed, Metric::Cosine) => (0.0, 1.0),
            (Self::Fixed, Metric::Euclidean) => (0.0, own.1),
            (Self::Own | Self::Quantiles, _) => own,
        }
    }
}

/// The ramp in use.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ramp {
    /// Its ends, numerically low and high.
    pub range: (f32, f32),
    /// For [`Scale::Quantiles`]: values in rising order that lie equally many pairs apart.
    pub(super) knots: Vec<f32>,
}

impl Ramp {
    /// Where a value stands: 1 is the most alike end, for both metrics.
    #[must_use]
    pub fn likeness(&self, metric: Metric, value: f32) -> f32 {
        let Some(last) = self.knots.len().checked_sub(1).filter(|last| *last > 0) else {
            return metric.likeness(value, self.range);
        };
        // Between two knots by its distance to them; among equal ones in the middle.
        let below = self.knots.partition_point(|knot| *knot < value);
        let upto = self.knots.partition_point(|knot| *knot <= value);
        let place = match (below, upto) {
            (below, upto) if below < upto => (below + upto - 1) as f32 / 2.0,
            (0, _) => 0.0,
            (below, _) if below > last => last as f32,
            (below, _) => {
                let (low, high) = (self.knots[below - 1], self.knots[below]);
                (below - 1) as f32 + (value - low) / (high - low)
            }
        };
        let share = place / last as f32;
        match metric {
            Metric::Cosine => share,
            Metric::Euclidean => 1.0 - share,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_spread_what_lies_close_together() {
        let ramp = Ramp { range: (0.0, 1.0), knots: vec![0.1, 0.11, 0.12, 0.13, 0.9] };
        let likeness = |value| ramp.likeness(Metric::Cosine, value);
        assert_eq!([0.0, 0.1, 0.12, 0.9, 1.0].map(likeness), [0.0, 0.0, 0.5, 1.0, 1.0]);
        assert!((likeness(0.115) - 0.375).abs() < 1e-5);
        assert_eq!(ramp.likeness(Metric::Euclidean, 0.9), 0.0);
        let equal = Ramp { range: (0.0, 1.0), knots: vec![0.5; 5] };
        assert_eq!([0.4, 0.5, 0.6].map(|value| equal.likeness(Metric::Cosine, value)), [0.0, 0.5, 1.0]);
    }

    #[test]
    fn a_fixed_scale_does_not_depend_on_the_pictures() {
        assert_eq!(Scale::Fixed.ends(Metric::Cosine, (-0.1, 0.6)), (0.0, 1.0));
        assert_eq!(Scale::Fixed.ends(Metric::Euclidean, (2.0, 8.0)), (0.0, 8.0));
        assert_eq!(Scale::Own.ends(Metric::Cosine, (-0.1, 0.6)), (-0.1, 0.6));
        assert_eq!(Scale::Own.cycled().cycled().cycled(), Scale::Own);
    }
}
