//! Rows of the heatmap in some order, prepared so that any window of the table can be drawn at once.

use std::ops::Range;

use super::{Dendrogram, Executor, Metric, blocks::Pyramid, kernel::QueryVector, map_parallel, seriation::Seriation};
use crate::index::{ImageId, Index, IndexState};

/// A cluster of several rows of an order.
#[derive(Debug, Clone, PartialEq)]
pub struct RowCluster {
    /// Its rows.
    pub rows: Range<usize>,
    /// The mean over all pairs of two different ones, by metric.
    means: [f32; 2],
}

impl RowCluster {
    /// The mean over all pairs of two different rows; of distances the root of the mean square.
    #[must_use]
    pub fn mean(&self, metric: Metric) -> f32 {
        self.means[metric as usize]
    }
}

/// Rows in an order, with the sums that make exact block means cheap.
#[derive(Debug, Clone)]
pub struct RowOrder {
    /// Pictures by position.
    pub ids: Vec<ImageId>,
    /// The clusters that the order keeps together, by position; only seriation knows them.
    pub dendrogram: Option<Dendrogram>,
    /// Those of them at the usual cut that have several rows.
    pub clusters: Vec<RowCluster>,
    pub(super) pyramid: Pyramid,
    positions: Vec<u32>,
    ranges: [(f32, f32); 2],
    quantiles: [Vec<f32>; 2],
    made_of: IndexState,
}

/// Stands in the table of positions for a picture that has none.
const NOWHERE: u32 = u32::MAX;

impl RowOrder {
    /// Sums up rows in the order of `ids`, which must be pictures of the index, each at most once. Takes milliseconds
    /// for a folder, seconds for 100,000 pictures: work for a worker.
    #[must_use]
    pub fn new(index: &Index, ids: Vec<ImageId>, executor: Executor<'_>) -> Self {
        let mut positions = vec![NOWHERE; index.id_bound()];
        for (position, id) in ids.iter().enumerate() {
            positions[id.at()] = position as u32;
        }
        let pyramid = Pyramid::new(index, &ids, executor);
        let values = sample(index);
        let quantiles = values.each_ref().map(|values| quantiles(values));
        let ranges = values.map(|values| range(&values));
        Self {
            ids,
            dendrogram: None,
            clusters: Vec::new(),
            pyramid,
            positions,
            ranges,
            quantiles,
            made_of: index.state(),
        }
    }

    /// As [`RowOrder::new`], in the order of a seriation, whose clusters it keeps.
    #[must_use]
    pub fn seriated(index: &Index, Seriation { ids, dendrogram }: Seriation, executor: Executor<'_>) -> Self {
        let order = Self::new(index, ids, executor);
        let several = dendrogram.usual_cut().into_iter().filter(|rows| rows.len() > 1);
        let clusters = map_parallel(executor, several, |rows: Range<usize>| {
            let sums = order.pyramid.block(index, &order.ids, rows.clone());
            RowCluster { rows, means: Metric::ALL.map(|metric| sums.within(metric)) }
        });
        Self { dendrogram: Some(dendrogram), clusters, ..order }
    }

    /// The state of the index that it was made of.
    #[must_use]
    pub fn made_of(&self) -> IndexState {
        self.made_of
    }

    /// Rows in the order.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Where a picture stands, if it was in the index when the order was made.
    #[must_use]
    pub fn position(&self, id: ImageId) -> Option<usize> {
        self.positions.get(id.at()).filter(|at| **at != NOWHERE).map(|at| *at as usize)
    }

    /// Low and high end of the metric's color ramp, low < high: the first and the last percentile over pairs of
    /// different pictures (all of a small folder, a fixed sample of a large one). The same for every order.
    #[must_use]
    pub fn range(&self, metric: Metric) -> (f32, f32) {
        match metric {
            Metric::Cosine => self.ranges[0],
            Metric::Euclidean => self.ranges[1],
        }
    }

    /// Values in rising order between which lie equally many of the pairs from which [`RowOrder::range`] is taken.
    #[must_use]
    pub fn quantiles(&self, metric: Metric) -> &[f32] {
        &self.quantiles[metric as usize]
    }
}

/// Parts of equally many pairs into which [`RowOrder::quantiles`] divides them.
const PARTS: usize = 64;

/// Pictures from which the color ranges are taken: all of up to this many, else that many.
const SAMPLE: usize = 256;
/// Neighbors in order of arrival that are sampled together: they often share a folder, so that alike pairs are among
/// the sampled ones however large the index is.
const SAMPLE_RUN: usize = 8;

/// The values of sampled pairs by each metric, in rising order.
fn sample(index: &Index) -> [Vec<f32>; 2] {
    let runs = SAMPLE / SAMPLE_RUN;
    let len = index.len();
    let sampled = |at: usize| len <= SAMPLE || at % (len / runs) < SAMPLE_RUN;
    let sample: Vec<_> = index.iter().enumerate().filter(|(at, _)| sampled(*at)).map(|(_, entry)| entry).collect();
    let mut values = [Vec::new(), Vec::new()];
    for (at, row) in sample.iter().enumerate() {
        let query = QueryVector::of(row);
        for col in &sample[at + 1..] {
            let pair = query.to(col.row, col.scale, col.norm);
            values[0].push(pair.cosine);
            values[1].push(pair.euclidean);
        }
    }
    values.iter_mut().for_each(|values| values.sort_unstable_by(f32::total_cmp));
    values
}

/// The ends of the ramp for values in rising order.
fn range(values: &[f32]) -> (f32, f32) {
    let Some(last) = values.len().checked_sub(1) else { return (0.0, 1.0) };
    let (low, high) = (values[last / 100], values[last - last / 100]);
    // All pairs alike: any visible width will do.
    let width = high.abs().max(1.0) * 0.01;
    if high - low > width * 1e-3 { (low, high) } else { (low - width, high + width) }
}

fn quantiles(values: &[f32]) -> Vec<f32> {
    let Some(last) = values.len().checked_sub(1) else { return Vec::new() };
    (0..=PARTS).map(|part| values[last * part / PARTS]).collect()
}
