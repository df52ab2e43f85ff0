//! What makes two pictures alike to a network: how much of their cosine similarity each region of either has.
//!
//! Where an embedding e is a sum of parts e(p), one for each position of the feature maps, the cosine similarity is a
//! sum over them as well: cos(a, b) = Σₚ ⟨a(p), b⟩ / (‖a‖ · ‖b‖). With global average pooling that is so (Zhou et al.,
//! "Learning Deep Features for Discriminative Localization", 2016; Stylianou et al., "Visualizing Deep Similarity
//! Networks", 2019), also through a linear layer, whose bias every position has the same part of. Where
//! the layer reads maps before the last one too, what those add is counted at the position that it lies in.

/// The parts of one picture's embedding.
#[derive(Debug, Clone, Copy)]
pub struct PartsView<'a> {
    /// Positions one under the other, and side by side.
    pub grid: [usize; 2],
    /// The parts row by row, each as long as the embedding, which is their sum.
    pub values: &'a [f32],
}

impl PartsView<'_> {
    fn dim(&self) -> usize {
        self.values.len() / self.positions().max(1)
    }

    fn positions(&self) -> usize {
        self.grid[0] * self.grid[1]
    }

    /// The embedding, in double precision: a share is a small difference.
    fn sum(&self) -> Vec<f64> {
        let mut sum = vec![0.0; self.dim()];
        for part in self.values.chunks_exact(self.dim().max(1)) {
            sum.iter_mut().zip(part).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        sum
    }
}

/// The shares of the regions of one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Shares {
    /// Regions one under the other, and side by side.
    pub grid: [usize; 2],
    /// The share of each in the cosine similarity, row by row; below 0 where a region speaks against it.
    pub values: Vec<f32>,
}

impl Shares {
    /// The same shares in at most so many regions one under the other and side by side: neighbors are added up.
    #[must_use]
    pub fn coarser(&self, most: [usize; 2]) -> Self {
        let grid = [self.grid[0].min(most[0].max(1)), self.grid[1].min(most[1].max(1))];
        let mut values = vec![0.0; grid[0] * grid[1]];
        for (at, value) in self.values.iter().enumerate() {
            let (row, column) = (at / self.grid[1], at % self.grid[1]);
            values[row * grid[0] / self.grid[0] * grid[1] + column * grid[1] / self.grid[1]] += value;
        }
        Self { grid, values }
    }

    /// The region with the greatest share, in words, and that share.
    #[must_use]
    pub fn strongest(&self) -> Option<(String, f32)> {
        let thirds = self.coarser([3, 3]);
        let (at, share) = thirds.values.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
        let word = |names: [&'static str; 3], at: usize, of: usize| match of {
            0 | 1 => "",
            2 => names[2 * at],
            _ => names[at],
        };
        let row = word(["top", "", "bottom"], at / thirds.grid[1], thirds.grid[0]);
        let column = word(["left", "", "right"], at % thirds.grid[1], thirds.grid[1]);
        let words = [row, column].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        Some((if words.is_empty() { "middle".into() } else { words }, *share))
    }
}

/// Why two pictures are alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The cosine similarity of their embeddings.
    pub cosine: f32,
    /// Whether the shares of each picture sum to it because it is made of them; else they were measured by covering one
    /// region after the other, and scaled.
    pub exact: bool,
    /// The shares of the first picture's regions, and of the second one's.
    pub shares: [Shares; 2],
}

impl Explanation {
    /// The shares of parts that the embeddings are the sums of.
    #[must_use]
    pub fn of_parts(parts: [PartsView<'_>; 2]) -> Self {
        let sums = parts.map(|parts| parts.sum());
        let lengths = product(&sums[0], &sums[0]).sqrt() * product(&sums[1], &sums[1]).sqrt();
        // A vector without a direction is like nothing.
        let scale = if lengths > 0.0 { 1.0 / lengths } else { 0.0 };
        let shares = [0, 1].map(|side| {
            let (own, other) = (parts[side], &sums[1 - side]);
            let share = |part: &[f32]| {
                let product: f64 = part.iter().zip(other).map(|(value, other)| f64::from(*value) * other).sum();
                (product * scale) as f32
            };
            Shares { grid: own.grid, values: own.values.chunks_exact(own.dim().max(1)).map(share).collect() }
        });
        Self { cosine: (product(&sums[0], &sums[1]) * scale).clamp(-1.0, 1.0) as f32, exact: true, shares }
    }

    /// The shares by occlusion (Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", 2014): how much
    /// less alike the pictures are when a region of one of them is covered, scaled to sum to their cosine similarity.
    /// `covered` holds, for each picture, its embeddings with one region after the other covered.
    #[must_use]
    pub fn of_occlusion(whole: [&[f32]; 2], grid: [usize; 2], covered: [&[Vec<f32>]; 2]) -> Self {
        let cosine = cosine(whole[0], whole[1]);
        let shares = [0, 1].map(|side| {
            let lost: Vec<_> =
                covered[side].iter().map(|embedding| cosine - self::cosine(embedding, whole[1 - side])).collect();
            let sum: f32 = lost.iter().sum();
            // Where nothing depends on any region alone, all have the same share.
            let even = cosine / lost.len().max(1) as f32;
            let scaled = |lost: f32| if sum.abs() > 1e-3 * cosine.abs() { lost * cosine / sum } else { even };
            Shares { grid, values: lost.into_iter().map(scaled).collect() }
        });
        Self { cosine, exact: false, shares }
    }

    /// The greatest share of any region of either picture.
    #[must_use]
    pub fn greatest(&self) -> f32 {
        self.shares.iter().flat_map(|shares| &shares.values).fold(0.0, |greatest: f32, share| greatest.max(*share))
    }
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let [a, b]: [Vec<f64>; 2] = [a, b].map(|side| side.iter().map(|value| f64::from(*value)).collect());
    let lengths = (product(&a, &a) * product(&b, &b)).sqrt();
    if lengths > 0.0 { (product(&a, &b) / lengths).clamp(-1.0, 1.0) as f32 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(a: &[f32], b: &[f32], grid: [usize; 2]) {
        let found = Explanation::of_parts([PartsView { grid, values: a }, PartsView { grid, values: b }]);
        let dim = a.len() / (grid[0] * grid[1]);
        let sum = |values: &[f32]| (0..dim).map(|at| values.iter().skip(at).step_by(dim).sum()).collect::<Vec<f32>>();
        let expected = cosine(&sum(a), &sum(b));
        assert!((found.cosine - expected).abs() < 1e-5, "{found:?} is not {expected}");
        for shares in &found.shares {
            assert!((shares.values.iter().sum::<f32>() - found.cosine).abs() < 1e-4, "{shares:?}");
            for most in [[1, 1], [1, 9], [2, 2]] {
                let coarser = shares.coarser(most);
                assert!((coarser.values.iter().sum::<f32>() - found.cosine).abs() < 1e-4, "{coarser:?}");
                assert!(coarser.grid[0] <= most[0] && coarser.grid[1] <= most[1]);
            }
        }
    }

    #[test]
    fn shares_sum_to_the_cosine_similarity() {
        check(&[1.0, 0.0, 0.0, 1.0], &[1.0, 0.0, 1.0, 1.0], [1, 2]);
        check(&[0.5, -2.0, 3.0, 0.1, 0.7, -0.3, 1.0, 0.0], &[1.0, 2.0, -0.4, 0.3, 0.0, 0.0, 2.0, 1.0], [2, 2]);
        // Nothing at all is like nothing.
        check(&[0.0; 4], &[1.0; 4], [2, 1]);
    }

    #[test]
    fn the_region_that_both_have_gets_the_share() {
        // The second position of each says the same thing, the first ones have nothing in common.
        let found = Explanation::of_parts([
            PartsView { grid: [1, 3], values: &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0] },
            PartsView { grid: [1, 3], values: &[0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0] },
        ]);
        let [first, .., last] = found.shares[0].values[..] else { panic!("three regions") };
        assert_eq!(first, 0.0);
        assert!((last - 0.8).abs() < 1e-6 && (found.cosine - 0.8).abs() < 1e-6);
        assert_eq!(found.shares[0].strongest(), Some(("right".to_owned(), last)));
    }

    #[test]
    fn covering_what_counts_shows_what_counts() {
        let (a, b) = ([1.0, 1.0], [1.0, 0.0]);
        // Covering the first region takes away what both have.
        let covered = [vec![vec![0.0, 1.0], vec![1.0, 0.0]], vec![vec![0.0, 0.1], vec![1.0, 0.0]]];
        let found = Explanation::of_occlusion([&a, &b], [1, 2], [&covered[0], &covered[1]]);
        assert!(!found.exact && found.shares[0].values[0] > found.shares[0].values[1]);
        for shares in found.shares {
            assert!((shares.values.iter().sum::<f32>() - found.cosine).abs() < 1e-5);
        }
    }
}
