//! How far pairs of one group and pairs of two groups lie apart: their numbers along the distance, and what a threshold
//! makes of them.
//!
//! Distances that differ by less than one part in ten thousand count as equal, so that memory does not grow with the
//! pairs.

/// Lowest bits of a distance that are ignored; 13 bits of precision stay.
const DROPPED: u32 = 10;
/// One bucket for each positive `f32` without its [`DROPPED`] lowest bits.
const BUCKETS: usize = 1 << (31 - DROPPED);

/// How many pairs lie at each distance.
#[derive(Clone)]
pub struct PairDistances {
    same: Vec<u64>,
    other: Vec<u64>,
    /// Pairs of one group, and of two.
    totals: [u64; 2],
}

/// The errors at a threshold: pairs at this distance or nearer are taken for pairs of one group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ErrorRates {
    /// The distance.
    pub distance: f32,
    /// False-accept rate (FAR): the share of the pairs of two groups that are taken for pairs of one.
    pub far: f64,
    /// False-reject rate (FRR): the share of the pairs of one group that are not.
    pub frr: f64,
}

impl Default for PairDistances {
    fn default() -> Self {
        Self { same: vec![0; BUCKETS], other: vec![0; BUCKETS], totals: [0; 2] }
    }
}

impl PairDistances {
    /// Adds a pair: its distance, at least 0, and whether it is of one group.
    pub fn add(&mut self, distance: f32, same: bool) {
        let (counts, total) = if same { (&mut self.same, 0) } else { (&mut self.other, 1) };
        counts[bucket(distance)] += 1;
        self.totals[total] += 1;
    }

    /// How many pairs of one group there are, and of two.
    #[must_use]
    pub fn totals(&self) -> [u64; 2] {
        self.totals
    }

    /// ROC AUC: the probability that a pair of one group is nearer than a pair of two groups; a tie counts half. NaN
    /// without pairs of both kinds.
    #[must_use]
    pub fn auc(&self) -> f64 {
        let (mut nearer_same, mut wins) = (0.0, 0.0);
        for (same, other) in self.same.iter().zip(&self.other) {
            let (same, other) = (*same as f64, *other as f64);
            wins += other * (nearer_same + same / 2.0);
            nearer_same += same;
        }
        wins / (self.totals[0] as f64 * self.totals[1] as f64)
    }

    /// The errors at a threshold, NaN where there is no pair that could be one.
    #[must_use]
    pub fn at(&self, distance: f32) -> ErrorRates {
        let up_to = bucket(distance);
        let nearer = |counts: &[u64]| counts[..=up_to].iter().sum::<u64>();
        self.rates(distance, nearer(&self.same), nearer(&self.other))
    }

    fn rates(&self, distance: f32, same: u64, other: u64) -> ErrorRates {
        let [of_same, of_other] = self.totals.map(|total| total as f64);
        ErrorRates { distance, far: other as f64 / of_other, frr: 1.0 - same as f64 / of_same }
    }

    /// Where as many pairs of two groups are taken for one as pairs of one are not (the equal error rate, EER): the
    /// crossing of the receiver operating characteristic with FAR = FRR, on the straight line between two of its points.
    /// `None` without pairs of both kinds.
    #[must_use]
    pub fn equal_error(&self) -> Option<ErrorRates> {
        if self.totals.contains(&0) {
            return None;
        }
        let (mut same, mut other) = (0, 0);
        let mut before = self.rates(0.0, 0, 0);
        for (at, counts) in self.same.iter().zip(&self.other).enumerate().filter(|(_, counts)| *counts != (&0, &0)) {
            (same, other) = (same + counts.0, other + counts.1);
            let now = self.rates(upper_edge(at), same, other);
            if now.far >= now.frr {
                let share = (before.frr - before.far) / (now.far - before.far + before.frr - now.frr);
                let rate = before.far + share * (now.far - before.far);
                return Some(ErrorRates { distance: now.distance, far: rate, frr: rate });
            }
            before = now;
        }
        None
    }

    /// The least and the greatest distance of any pair.
    #[must_use]
    pub fn range(&self) -> Option<(f32, f32)> {
        let any = |at: &usize| self.same[*at] + self.other[*at] > 0;
        Some((lower_edge((0..BUCKETS).find(any)?), upper_edge((0..BUCKETS).rfind(any)?)))
    }

    /// The share of the pairs of one group, and of two, in each of `bins` equal parts of a range of distances. What lies
    /// outside counts with the first or the last part.
    #[must_use]
    pub fn histogram(&self, (low, high): (f32, f32), bins: usize) -> [Vec<f64>; 2] {
        let shares = |counts: &[u64], total: u64| {
            let mut shares = vec![0.0; bins];
            for (at, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                let place = (lower_edge(at) - low) / (high - low) * bins as f32;
                // A range of one point has its pairs in the first part: NaN becomes 0.
                shares[(place as usize).min(bins - 1)] += *count as f64 / total as f64;
            }
            shares
        };
        [shares(&self.same, self.totals[0]), shares(&self.other, self.totals[1])]
    }
}

fn bucket(distance: f32) -> usize {
    distance.max(0.0).to_bits() as usize >> DROPPED
}

/// The least distance in a bucket.
fn lower_edge(bucket: usize) -> f32 {
    f32::from_bits((bucket << DROPPED) as u32)
}

/// The greatest distance in a bucket.
fn upper_edge(bucket: usize) -> f32 {
    f32::from_bits((((bucket + 1) << DROPPED) - 1) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_pairs_that_lie_apart_have_no_errors_and_equal_ones_have_half() {
        let mut apart = PairDistances::default();
        let mut equal = PairDistances::default();
        for at in 0..10 {
            apart.add(at as f32 * 0.01, true);
            apart.add(1.0 + at as f32, false);
            equal.add(0.5, at < 4);
        }
        let error = apart.equal_error().expect("pairs of both kinds");
        assert_eq!((apart.auc(), error.far, error.frr), (1.0, 0.0, 0.0));
        assert!((0.08..1.0).contains(&error.distance), "{error:?}");
        assert_eq!((apart.at(0.5).far, apart.at(0.5).frr), (0.0, 0.0));
        assert_eq!((equal.auc(), equal.equal_error().map(|error| error.far)), (0.5, Some(0.5)));
        assert_eq!(PairDistances::default().equal_error(), None);
        assert_eq!(PairDistances::default().range(), None);
    }

    #[test]
    fn a_histogram_holds_every_pair_once() {
        let mut pairs = PairDistances::default();
        for at in 0..100 {
            pairs.add(at as f32 / 100.0, at % 3 == 0);
        }
        let [same, other] = pairs.histogram(pairs.range().expect("a range"), 7);
        for shares in [same, other] {
            assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            assert!(shares.iter().all(|share| *share > 0.05));
        }
        let mut one = PairDistances::default();
        one.add(0.0, true);
        assert_eq!(one.histogram((0.0, 0.0), 3)[0], [1.0, 0.0, 0.0]);
    }
}
