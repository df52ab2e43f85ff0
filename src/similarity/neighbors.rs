//! One picture against all others: both metrics of every pair in one pass, nearest, farthest and ranks.

use std::{cmp::Ordering, sync::Arc};

use super::{Metric, kernel::Probe};
use crate::index::{ImageId, Index};

/// What the pictures of an index are compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Query {
    /// A picture of the index.
    Image(ImageId),
    /// The raw embedding of a picture from elsewhere, as long as the index's dimension.
    Embedding(Arc<[f32]>),
}

/// One picture of a ranking.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbor {
    /// The picture.
    pub id: ImageId,
    /// Its value in the metric asked for.
    pub value: f32,
    /// Its place among all pictures besides the query, 1 the nearest.
    pub rank: usize,
}

/// Both metrics between a query and every picture of an index, as the index was when they were computed.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    query: Query,
    cosine: Vec<f32>,
    euclidean: Vec<f32>,
    live: usize,
}

/// A part of a comparison that needs no other part.
pub type Piece<'a> = Box<dyn FnOnce() + Send + 'a>;

/// Compares a query with every picture of the index, both metrics in one pass over the stored rows.
///
/// A query that is no longer in the index, or an embedding of another dimension, compares with nothing.
#[must_use]
pub fn compare(index: &Index, query: &Query) -> Comparison {
    compare_in_pieces(index, query, 1, |pieces| pieces.into_iter().for_each(|piece| piece()))
}

/// [`compare`] in `pieces` of equal work, which `run` may do in any order or all at once, but must have done when it
/// returns. The values do not depend on how many they are.
pub fn compare_in_pieces(index: &Index, query: &Query, pieces: usize, run: impl FnOnce(Vec<Piece<'_>>)) -> Comparison {
    let mut found = Comparison {
        query: query.clone(),
        cosine: vec![f32::NAN; index.table_len()],
        euclidean: vec![f32::NAN; index.table_len()],
        live: 0,
    };
    let probe = match query {
        Query::Image(id) => index.get(*id).map(|entry| Probe::of(&entry)),
        Query::Embedding(values) => (values.len() == index.dim()).then(|| Probe::new(values)),
    };
    let Some(probe) = probe else { return found };
    found.live = index.len();
    let rows = index.table_len().div_ceil(pieces.max(1)).max(1);
    let tables = found.cosine.chunks_mut(rows).zip(found.euclidean.chunks_mut(rows));
    let piece =
        |(at, (cosine, euclidean))| -> Piece<'_> { Box::new(piece_of(index, &probe, at * rows, cosine, euclidean)) };
    run(tables.enumerate().map(piece).collect());
    if index.len() < index.table_len() {
        for at in (0..index.table_len()).filter(|at| !index.contains(ImageId(*at as u32))) {
            (found.cosine[at], found.euclidean[at]) = (f32::NAN, f32::NAN);
        }
    }
    if let Query::Image(id) = query {
        (found.cosine[id.at()], found.euclidean[id.at()]) = (Metric::Cosine.of_itself(), Metric::Euclidean.of_itself());
    }
    found
}

/// Fills the values of the ids from `start` on, as many as the tables hold.
fn piece_of<'a>(
    index: &'a Index,
    probe: &'a Probe,
    start: usize,
    cosine: &'a mut [f32],
    euclidean: &'a mut [f32],
) -> impl FnOnce() + Send + 'a {
    move || {
        let end = start + cosine.len();
        for (first, segment) in index.segments() {
            let (from, to) = (first.at().max(start), (first.at() + segment.images.len()).min(end));
            for id in from..to {
                let row = id - first.at();
                let pair = probe.to(segment.rows.row(row), segment.scales[row], segment.norms[row]);
                (cosine[id - start], euclidean[id - start]) = (pair.cosine, pair.euclidean);
            }
        }
    }
}

impl Comparison {
    /// What was compared.
    #[must_use]
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// The value of every picture, by [`ImageId::at`]; NaN for removed ones.
    #[must_use]
    pub fn values(&self, metric: Metric) -> &[f32] {
        match metric {
            Metric::Cosine => &self.cosine,
            Metric::Euclidean => &self.euclidean,
        }
    }

    /// The value of one picture; NaN when it was not in the index then.
    #[must_use]
    pub fn value(&self, metric: Metric, id: ImageId) -> f32 {
        self.values(metric).get(id.at()).copied().unwrap_or(f32::NAN)
    }

    /// Length of the tables: one more than the largest id compared, see [`Index::table_len`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.cosine.len()
    }

    /// Whether the tables are empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cosine.is_empty()
    }

    /// Pictures that can be neighbors: all in the index besides the query.
    #[must_use]
    pub fn candidates(&self) -> usize {
        self.live - usize::from(self.live > 0 && matches!(self.query, Query::Image(_)))
    }

    /// The `k` most alike pictures, nearest first, the query itself left out; equal values in order of id.
    #[must_use]
    pub fn nearest(&self, metric: Metric, k: usize) -> Vec<Neighbor> {
        let values = self.values(metric);
        self.first(k, values, |a, b| metric.nearer(values[a.at()], values[b.at()]).then(a.cmp(b)), |place| place + 1)
    }

    /// The `k` least alike pictures, farthest first: [`Comparison::nearest`] from its other end.
    #[must_use]
    pub fn farthest(&self, metric: Metric, k: usize) -> Vec<Neighbor> {
        let (values, last) = (self.values(metric), self.candidates());
        self.first(k, values, |a, b| metric.nearer(values[b.at()], values[a.at()]).then(b.cmp(a)), |place| last - place)
    }

    /// The place of a picture among all besides the query, 1 the nearest; `None` for the query and removed pictures.
    #[must_use]
    pub fn rank(&self, metric: Metric, id: ImageId) -> Option<usize> {
        let values = self.values(metric);
        let value = self.value(metric, id);
        if value.is_nan() || self.is_query(id) {
            return None;
        }
        let before = self
            .others(values)
            .filter(|other| metric.nearer(values[other.at()], value).then(other.cmp(&id)) == Ordering::Less);
        Some(before.count() + 1)
    }

    /// The first `k` pictures in an order, found by selection, so that a large index costs no full sort.
    fn first(
        &self,
        k: usize,
        values: &[f32],
        order: impl Fn(&ImageId, &ImageId) -> Ordering,
        rank: impl Fn(usize) -> usize,
    ) -> Vec<Neighbor> {
        let mut ids: Vec<ImageId> = self.others(values).collect();
        if k < ids.len() {
            ids.select_nth_unstable_by(k, &order);
            ids.truncate(k);
        }
        ids.sort_unstable_by(&order);
        ids.iter()
            .enumerate()
            .map(|(place, id)| Neighbor { id: *id, value: values[id.at()], rank: rank(place) })
            .collect()
    }

    fn others<'a>(&'a self, values: &'a [f32]) -> impl Iterator<Item = ImageId> + 'a {
        (0..values.len())
            .filter(|at| !values[*at].is_nan())
            .map(|at| ImageId(at as u32))
            .filter(|id| !self.is_query(*id))
    }

    fn is_query(&self, id: ImageId) -> bool {
        self.query == Query::Image(id)
    }
}
