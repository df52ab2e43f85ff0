//! The tree of an agglomerative clustering over rows in its leaf order.

use std::ops::Range;

/// Two neighboring clusters that become one.
#[derive(Debug, Clone, PartialEq)]
pub struct Merge {
    /// The rows of both. A cluster is always one piece of the leaf order.
    pub rows: Range<usize>,
    /// The first row of the second cluster.
    pub middle: usize,
    /// The mean cosine similarity between the two; never above that of a merge inside either of them.
    pub height: f32,
}

impl Merge {
    /// How many rows the new cluster has.
    #[must_use]
    pub fn size(&self) -> usize {
        self.rows.len()
    }

    /// The same merge with its rows `by` further on.
    pub(super) fn moved(self, by: usize) -> Self {
        Self { rows: self.rows.start + by..self.rows.end + by, middle: self.middle + by, height: self.height }
    }

    /// The same merge in `len` rows that were turned round.
    pub(super) fn reversed(self, len: usize) -> Self {
        Self { rows: len - self.rows.end..len - self.rows.start, middle: len - self.middle, height: self.height }
    }
}

/// A hierarchical clustering: which clusters merge and how alike they are. Its leaves are counted by their place in the
/// leaf order, so that each cluster is a range of rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dendrogram {
    leaves: usize,
    merges: Vec<Merge>,
}

impl Dendrogram {
    /// The tree of some merges, each of which comes after those inside its two parts. Where large collections are
    /// agglomerated in pieces, a whole may be more alike than its parts: such a merge takes the height of the part, so
    /// that a cut at a height is always one through the tree.
    pub(crate) fn new(leaves: usize, mut merges: Vec<Merge>) -> Self {
        // The height of the cluster that begins at a row.
        let mut heights = vec![f32::INFINITY; leaves];
        for merge in &mut merges {
            merge.height = merge.height.min(heights[merge.rows.start]).min(heights[merge.middle]);
            heights[merge.rows.start] = merge.height;
        }
        // Stable: of equal ones a part stays before its whole.
        merges.sort_by(|a, b| b.height.total_cmp(&a.height));
        Self { leaves, merges }
    }

    /// How many rows it is about.
    #[must_use]
    pub fn leaves(&self) -> usize {
        self.leaves
    }

    /// All merges, the most alike first, parts before their whole.
    #[must_use]
    pub fn merges(&self) -> &[Merge] {
        &self.merges
    }

    /// The clusters when `count` are wanted, in the leaf order; fewer when there are fewer rows.
    #[must_use]
    pub fn cut(&self, count: usize) -> Vec<Range<usize>> {
        self.after(self.leaves.saturating_sub(count.max(1)))
    }

    /// The clusters whose parts have a mean cosine similarity of at least `height` throughout, in the leaf order.
    #[must_use]
    pub fn cut_at(&self, height: f32) -> Vec<Range<usize>> {
        self.after(self.merges.partition_point(|merge| merge.height >= height))
    }

    /// The clusters when nothing is known of what is wanted, in the leaf order: cut where two clusters are seven tenths as
    /// far apart, as 1 − cosine, as the last two. The default of MATLAB's and SciPy's `dendrogram`.
    #[must_use]
    pub fn usual_cut(&self) -> Vec<Range<usize>> {
        let widest = self.merges.last().map_or(0.0, |last| 1.0 - last.height);
        self.cut_at(1.0 - 0.7 * widest)
    }

    /// The clusters after so many merges.
    fn after(&self, merges: usize) -> Vec<Range<usize>> {
        let mut begins = vec![true; self.leaves];
        for merge in self.merges.iter().take(merges) {
            begins[merge.middle] = false;
        }
        let starts: Vec<_> = (0..self.leaves).filter(|row| begins[*row]).collect();
        let ends = starts.iter().copied().skip(1).chain([self.leaves]);
        starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merge(rows: Range<usize>, middle: usize, height: f32) -> Merge {
        Merge { rows, middle, height }
    }

    #[test]
    fn a_cut_goes_through_the_least_alike_merges() {
        let merges = vec![merge(0..2, 1, 0.9), merge(3..5, 4, 0.7), merge(2..5, 3, 0.4), merge(0..5, 2, 0.1)];
        let tree = Dendrogram::new(5, merges);
        assert_eq!(tree.merges().iter().map(Merge::size).collect::<Vec<_>>(), [2, 2, 3, 5]);
        let ends = |clusters: Vec<Range<usize>>| clusters.into_iter().map(|rows| rows.end).collect::<Vec<_>>();
        for (count, expected) in
            [(0, &[5][..]), (1, &[5]), (2, &[2, 5]), (3, &[2, 3, 5]), (4, &[2, 3, 4, 5]), (9, &[1, 2, 3, 4, 5])]
        {
            assert_eq!(ends(tree.cut(count)), expected, "{count}");
        }
        for (height, clusters) in [(0.95, tree.cut(5)), (0.9, tree.cut(4)), (0.5, tree.cut(3)), (-1.0, tree.cut(1))] {
            assert_eq!(tree.cut_at(height), clusters, "{height}");
        }
        // 0.7 × (1 − 0.1) = 0.63 apart is 0.37 alike.
        assert_eq!(tree.usual_cut(), tree.cut(2));
        assert!(Dendrogram::new(0, Vec::new()).usual_cut().is_empty());
        assert!(Dendrogram::new(0, Vec::new()).cut(3).is_empty());
        assert_eq!(Dendrogram::new(1, Vec::new()).cut_at(0.5), [Range { start: 0, end: 1 }]);
    }

    #[test]
    fn a_whole_is_never_more_alike_than_its_parts() {
        let tree = Dendrogram::new(3, vec![merge(1..3, 2, 0.3), merge(0..3, 1, 0.8)]);
        assert_eq!(tree.merges()[1], merge(0..3, 1, 0.3));
        assert_eq!(tree.cut(2), [Range { start: 0, end: 1 }, Range { start: 1, end: 3 }]);
    }
}
