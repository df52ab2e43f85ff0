//! One picture against all others: both metrics of every pair in one pass, nearest, farthest and ranks.

use std::{collections::HashSet, sync::Arc};

use super::{
    Executor, Metric,
    kernel::{self, QueryVector},
    map_parallel, sequential,
};
use crate::index::{ImageId, Index, IndexState};

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
    made_of: IndexState,
}

/// Pictures in a work item of a comparison: some milliseconds of work for the slowest machine.
const ITEM_LEN: usize = 8192;

/// One query for several embeddings: the mean of the unit vectors of those that are `like` what is looked for, less that of
/// those that are `unlike` it, as long as the former are on average. As in Rocchio's relevance feedback (1971). All of them
/// have the same dimension, and there is at least one to be like.
#[must_use]
pub fn combined(like: &[Vec<f32>], unlike: &[Vec<f32>]) -> Query {
    let norm = |values: &[f32]| values.iter().map(|value| value * value).sum::<f32>().sqrt();
    let mut sum = vec![0.0; like.first().map_or(0, Vec::len)];
    for (all, sign) in [(like, 1.0), (unlike, -1.0)] {
        // An embedding of zeros has no direction.
        let directed: Vec<_> =
            all.iter().map(|values| (values, norm(values))).filter(|(_, norm)| *norm > 0.0).collect();
        let share = sign / directed.len().max(1) as f32;
        for (values, norm) in directed {
            sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += share * value / norm);
        }
    }
    let length = like.iter().map(|values| norm(values)).sum::<f32>() / like.len().max(1) as f32;
    let now = norm(&sum);
    let factor = if now > 0.0 { length / now } else { 0.0 };
    Query::Embedding(sum.into_iter().map(|value| value * factor).collect())
}

/// Compares a query with every picture of the index, both metrics in one pass over the stored rows.
///
/// A query that is no longer in the index, or an embedding of another dimension, compares with nothing.
#[must_use]
pub fn compare(index: &Index, query: &Query) -> Comparison {
    compare_with(index, query, &sequential)
}

/// [`compare`] on whatever `executor` has.
pub fn compare_with(index: &Index, query: &Query, executor: Executor<'_>) -> Comparison {
    let mut found = Comparison::begin(index, query.clone());
    found.extend(index, index.id_bound(), executor);
    found
}

/// The value of two pictures; NaN when one is not in the index.
#[must_use]
pub fn pair_value(index: &Index, metric: Metric, a: ImageId, b: ImageId) -> f32 {
    let (Some(a), Some(b)) = (index.get(a), index.get(b)) else { return f32::NAN };
    if a.id == b.id { metric.self_value() } else { QueryVector::of(&a).to(b.row, b.scale, b.norm).value(metric) }
}

/// Fills the values of the ids from `start` on, as many as the tables hold.
fn fill(index: &Index, query: &QueryVector, start: usize, cosine: &mut [f32], euclidean: &mut [f32]) {
    let end = start + cosine.len();
    for (first, segment) in index.segments() {
        let (from, to) = (first.at().max(start), (first.at() + segment.images.len()).min(end));
        if from < to {
            let places = from - start..to - start;
            let tables = (&mut cosine[places.clone()], &mut euclidean[places]);
            query.to_rows(segment, from - first.at(), tables.0, tables.1);
        }
    }
}

impl Comparison {
    /// A comparison that has compared nothing yet.
    #[must_use]
    pub fn begin(index: &Index, query: Query) -> Self {
        let table = || Vec::with_capacity(index.id_bound());
        Self { query, cosine: table(), euclidean: table(), live: 0, made_of: index.state() }
    }

    /// Compares with the next `rows` ids of the index, which must be the same as before: until it has come to the last
    /// one, it is the comparison with the pictures that arrived first. The values do not depend on the steps.
    pub fn extend(&mut self, index: &Index, rows: usize, executor: Executor<'_>) {
        let start = self.len();
        let end = start.saturating_add(rows).min(index.id_bound());
        self.cosine.resize(end, f32::NAN);
        self.euclidean.resize(end, f32::NAN);
        let query = match &self.query {
            Query::Image(id) => index.get(*id).map(|entry| QueryVector::of(&entry)),
            Query::Embedding(values) => (values.len() == index.dim()).then(|| QueryVector::new(values)),
        };
        let Some(query) = query else { return };
        let tables = self.cosine[start..].chunks_mut(ITEM_LEN).zip(self.euclidean[start..].chunks_mut(ITEM_LEN));
        map_parallel(executor, (start..).step_by(ITEM_LEN).zip(tables), |(start, (cosine, euclidean))| {
            fill(index, &query, start, cosine, euclidean);
        });
        self.live += end - start;
        if index.len() < index.id_bound() {
            for at in (start..end).filter(|at| !index.contains(ImageId(*at as u32))) {
                (self.cosine[at], self.euclidean[at]) = (f32::NAN, f32::NAN);
                self.live -= 1;
            }
        }
        if let Some(at) = self.own_place().filter(|at| *at >= start) {
            (self.cosine[at], self.euclidean[at]) = (Metric::Cosine.self_value(), Metric::Euclidean.self_value());
        }
    }

    /// Where the query stands in the tables, when it is a picture that they reach.
    fn own_place(&self) -> Option<usize> {
        match &self.query {
            Query::Image(id) => Some(id.at()).filter(|at| *at < self.len()),
            Query::Embedding(_) => None,
        }
    }

    /// The state of the index that it was made of.
    #[must_use]
    pub fn made_of(&self) -> IndexState {
        self.made_of
    }

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

    /// Length of the tables: one more than the largest id compared, see [`Index::id_bound`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.cosine.len()
    }

    /// Whether the tables are empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cosine.is_empty()
    }

    /// Pictures that can be neighbors: all that were compared besides the query.
    #[must_use]
    pub fn candidates(&self) -> usize {
        self.live - usize::from(self.live > 0 && self.own_place().is_some())
    }

    /// The `k` most alike pictures, nearest first, the query itself left out; equal values in order of id.
    #[must_use]
    pub fn nearest(&self, metric: Metric, k: usize) -> Vec<Neighbor> {
        let ids = self.first(k, metric, false, |_| true);
        self.ranked(metric, ids, |places| (1..=places).collect())
    }

    /// The `k` least alike pictures, farthest first: [`Comparison::nearest`] from its other end.
    #[must_use]
    pub fn farthest(&self, metric: Metric, k: usize) -> Vec<Neighbor> {
        let (ids, last) = (self.first(k, metric, true, |_| true), self.candidates());
        self.ranked(metric, ids, |places| (0..places).map(|place| last - place).collect())
    }

    /// The `k` most alike, or with `farthest` the least alike, of the pictures that `keep` is true of; ranks are those
    /// among all.
    #[must_use]
    pub fn among(&self, metric: Metric, k: usize, farthest: bool, keep: impl Fn(ImageId) -> bool) -> Vec<Neighbor> {
        let ids = self.first(k, metric, farthest, keep);
        let ranks = self.ranks(metric, &ids);
        self.ranked(metric, ids, |_| ranks)
    }

    fn ranked(&self, metric: Metric, ids: Vec<ImageId>, ranks: impl FnOnce(usize) -> Vec<usize>) -> Vec<Neighbor> {
        let (values, ranks) = (self.values(metric), ranks(ids.len()));
        ids.into_iter().zip(ranks).map(|(id, rank)| Neighbor { id, value: values[id.at()], rank }).collect()
    }

    /// The place of a picture among all besides the query, 1 the nearest; `None` for the query and removed pictures.
    #[must_use]
    pub fn rank(&self, metric: Metric, id: ImageId) -> Option<usize> {
        let known = !self.value(metric, id).is_nan() && self.own_place() != Some(id.at());
        known.then(|| self.ranks(metric, &[id])[0])
    }

    /// The ranks of pictures of a ranking, as [`Comparison::rank`] gives them one by one, in one pass over all pictures.
    #[must_use]
    pub fn ranks(&self, metric: Metric, ids: &[ImageId]) -> Vec<usize> {
        /// Values that are compared with all ids while they are at hand.
        const BLOCK_LEN: usize = 4096;
        let (values, sign) = (self.values(metric), nearness(metric));
        let mut ranks = vec![1; ids.len()];
        for (at, values) in values.chunks(BLOCK_LEN).enumerate() {
            for (id, rank) in ids.iter().zip(&mut ranks) {
                // Of equal ones those with a smaller id stand before.
                let (before, after) = values.split_at(id.at().saturating_sub(at * BLOCK_LEN).min(values.len()));
                let own = self.value(metric, *id) * sign;
                *rank += kernel::count_above(before, sign, own, true) + kernel::count_above(after, sign, own, false);
            }
        }
        // The query is the nearest of all, but it has no place; only its equals with a smaller id were not behind it.
        if let Some(place) = self.own_place() {
            let query = ImageId(place as u32);
            let behind = |id: &ImageId| metric.nearer(values[place], values[id.at()]).then(query.cmp(id)).is_lt();
            ids.iter().zip(&mut ranks).filter(|(id, _)| behind(id)).for_each(|(_, rank)| *rank -= 1);
        }
        ranks
    }

    /// The ranks as if `left_out`, of which none is in `ids`, were not in the index; `ranks` are those among all.
    #[must_use]
    pub fn ranks_beside(
        &self,
        metric: Metric,
        ids: &[ImageId],
        ranks: &[usize],
        left_out: &HashSet<ImageId>,
    ) -> Vec<usize> {
        let values = self.values(metric);
        let order = |a: &ImageId, b: &ImageId| metric.nearer(values[a.at()], values[b.at()]).then(a.cmp(b));
        // The query has no place that another one could move up to.
        let has_place = |id: &ImageId| !self.value(metric, *id).is_nan() && self.own_place() != Some(id.at());
        let mut gone: Vec<_> = left_out.iter().copied().filter(has_place).collect();
        gone.sort_unstable_by(order);
        let nearer = |id: &ImageId| gone.partition_point(|other| order(other, id).is_lt());
        ids.iter().zip(ranks).map(|(id, rank)| rank - nearer(id)).collect()
    }

    /// The first `k` of the pictures that `keep` is true of, the most or the least alike first, equal ones in order of id
    /// from either end.
    ///
    /// One pass: a picture is looked at only when it reaches the k-th best of those before it.
    fn first(&self, k: usize, metric: Metric, farthest: bool, keep: impl Fn(ImageId) -> bool) -> Vec<ImageId> {
        /// Values that are passed over together when none reaches the bar.
        const BLOCK_LEN: usize = 64;
        let all = self.values(metric);
        let sign = if farthest { -nearness(metric) } else { nearness(metric) };
        let order = |a: &ImageId, b: &ImageId| {
            let (a, b) = if farthest { (b, a) } else { (a, b) };
            metric.nearer(all[a.at()], all[b.at()]).then(a.cmp(b))
        };
        let k = k.min(self.candidates());
        let mut kept: Vec<ImageId> = Vec::new();
        let mut bar = f32::NEG_INFINITY;
        for (start, values) in (0..).step_by(BLOCK_LEN).zip(all.chunks(BLOCK_LEN)) {
            if kernel::count_above(values, sign, bar, true) == 0 {
                continue;
            }
            let reach = values.iter().zip(start..).filter(|(value, _)| **value * sign >= bar);
            let others = reach.filter(|(_, at)| self.own_place() != Some(*at)).map(|(_, at)| ImageId(at as u32));
            kept.extend(others.filter(|id| keep(*id)));
            if kept.len() >= 2 * k + BLOCK_LEN {
                kept.select_nth_unstable_by(k, order);
                kept.truncate(k);
                bar = kept.iter().map(|id| all[id.at()] * sign).fold(f32::INFINITY, f32::min);
            }
        }
        kept.sort_unstable_by(order);
        kept.truncate(k);
        kept
    }
}

/// What a metric's values are multiplied with so that the larger one is the more alike.
fn nearness(metric: Metric) -> f32 {
    match metric {
        Metric::Cosine => 1.0,
        Metric::Euclidean => -1.0,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{
        index::{Image, Segment},
        scan::ImageFile,
    };

    /// An index with many equal rows.
    fn index(len: usize) -> Index {
        let image = |at: usize| Image {
            file: ImageFile { path: format!("/p/{at}.png").into(), size: 1, modified: 0, changed: 0 },
            pixels: (4, 3),
            format: "PNG",
            face: None,
        };
        let rows: Vec<_> = (0..len).map(|at| vec![((at * 37) % 11) as f32 - 4.0, 1.0]).collect();
        let mut index = Index::new(2);
        index.push(Arc::new(Segment::pack(Arc::from(Path::new("/p")), (0..len).map(image), &rows, 2)));
        index
    }

    #[test]
    fn ranks_beside_some_are_those_of_a_sorted_list_without_them() {
        let mut index = index(120);
        index.remove(ImageId(13));
        let embedding = Query::Embedding(vec![0.4, 1.0].into());
        let left_out = [[].as_slice(), &[5], &[0, 11, 22, 13], &[7, 18, 50, 61, 62, 63, 64, 65, 119, 500]];
        for (query, left_out) in [embedding, Query::Image(ImageId(18))].iter().flat_map(|q| left_out.map(|l| (q, l))) {
            let found = compare(&index, query);
            // Named twice, a picture is left out once.
            let left_out: HashSet<_> = [left_out, left_out].concat().into_iter().map(ImageId).collect();
            for metric in [Metric::Cosine, Metric::Euclidean] {
                let is_other = |id: &ImageId| !left_out.contains(id) && Query::Image(*id) != *query;
                let mut sorted: Vec<_> = index.iter().map(|entry| entry.id).filter(is_other).collect();
                let value = |id: &ImageId| found.value(metric, *id);
                sorted.sort_by(|a, b| metric.nearer(value(a), value(b)).then(a.cmp(b)));
                for farthest in [false, true] {
                    let rows = found.among(metric, 200, farthest, |id| is_other(&id));
                    let (ids, ranks): (Vec<_>, Vec<_>) = rows.iter().map(|row| (row.id, row.rank)).unzip();
                    assert_eq!(ids.len(), sorted.len());
                    let beside = found.ranks_beside(metric, &ids, &ranks, &left_out);
                    for (id, rank) in ids.iter().zip(beside) {
                        assert_eq!(sorted.get(rank - 1), Some(id), "{metric:?} {query:?} {left_out:?}");
                    }
                }
            }
        }
    }
}
