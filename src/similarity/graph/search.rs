//! The nearest rows of many rows at once: candidates from the products of blocks, then their exact values.
//!
//! Every pair of blocks is multiplied once and serves the rows of both. A row remembers the nearest it met and from them
//! how far off another may be to matter still; in the end the few that remain are compared as a single query would be,
//! so that values and order are those of a [`Comparison`](crate::similarity::Comparison).
//!
//! Where there are too many pairs of blocks, only those whose centers are near are multiplied, more and more of them until
//! a sample of the rows, which is compared with all blocks, has enough of its nearest.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    Accuracy, Edge,
    packing::{PackedRows, Packing},
    products::{self, Hit},
    rounds::rounds,
};
use crate::{
    index::{ImageId, Index},
    similarity::{Executor, Metric, kernel::QueryVector, map_parallel},
};

/// Pairs of blocks between two looks at whether the work is still wanted.
const PAIRS_AT_ONCE: usize = 256;

/// The share of the nearest that a search which is not exact must find.
const RECALL: f64 = 0.95;

/// Rows on which that is measured: with 16 neighbors each, a share of 0.95 is known to within 0.01.
const SAMPLE: usize = 200;

/// What 32 bits may lose in the difference of two squared lengths and a product, as a share of the squared lengths.
const ROUNDING: f32 = 1e-6;

/// A picture that may be among the nearest of another.
#[derive(Clone, Copy)]
struct Candidate {
    /// Between the integer rows.
    distance: f32,
    /// How far its integer row may be from the true one.
    error: f32,
    id: ImageId,
}

/// The nearest that one row met so far.
struct Nearest {
    /// The true distance beyond which none can be among the nearest.
    reach: f32,
    found: Vec<Candidate>,
}

/// All that stays the same during a search.
pub struct Search<'a> {
    pub index: &'a Index,
    pub metric: Metric,
    pub k: usize,
    /// With more pairs of blocks than this the search is not exact.
    pub most_pairs: usize,
}

/// What a search came to.
pub struct FoundEdges {
    /// For each row the nearest of those that it was to be compared with, in no particular order of rows.
    pub rows: Vec<(ImageId, Vec<Edge>)>,
    pub accuracy: Accuracy,
}

/// Rows whose nearest are wanted.
pub struct SearchedRows<'a> {
    /// Rows of which nothing is known: their nearest among all rows are found.
    pub fresh: &'a [ImageId],
    /// Rows whose nearest are known but for the fresh ones, with the value of the last of `k`, if there are so many.
    pub known: &'a [(ImageId, Option<f32>)],
}

impl Search<'_> {
    /// The nearest of all rows; `None` when it was `superseded`. All rows must have a finite length, and for cosine
    /// similarity one above zero.
    pub fn run(
        &self,
        rows: &SearchedRows<'_>,
        executor: Executor<'_>,
        superseded: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(f64),
    ) -> Option<FoundEdges> {
        let known: Vec<_> = rows.known.iter().map(|(id, _)| *id).collect();
        let packing = Packing::learn(self.index, self.metric, &[rows.fresh, &known].concat());
        if superseded() {
            return None;
        }
        let pack = |ids: &[ImageId]| packing.blocks(self.index, &packing.arranged(self.index, ids, executor), executor);
        let mut blocks = pack(rows.fresh);
        let fresh = blocks.len();
        blocks.extend(pack(&known));
        let last: HashMap<_, _> = rows.known.iter().copied().collect();
        let nearest = |block: &PackedRows| {
            let last = block.ids.iter().map(|id| last.get(id).copied().flatten());
            let reach = last.map(|last| last.map_or(f32::INFINITY, |value| self.reach(&packing, value)));
            Mutex::new(reach.map(|reach| Nearest { reach, found: Vec::new() }).collect::<Vec<_>>())
        };
        let count = blocks.len();
        let centers: Vec<&[f32]> = blocks.iter().map(|block| &*block.center).collect();
        let rounds = rounds(&centers, fresh, executor);
        let all: usize = rounds.iter().map(Vec::len).sum();
        let sample = if all > self.most_pairs { evenly(rows.fresh, SAMPLE) } else { Vec::new() };
        blocks.extend(packing.blocks(self.index, &sample, executor));
        let mut nearest: Vec<_> = blocks.iter().map(nearest).collect();
        let work = Work { search: self, packing: &packing, blocks: &blocks, nearest: &nearest };
        let wanted = work.nearest_of_sample(count, executor);
        let at_once = (PAIRS_AT_ONCE * 256 / packing.pairs.max(256)).max(16);
        let (mut done, mut accuracy) = (0, Accuracy::Exact);
        for (round, pairs) in rounds.iter().enumerate() {
            let work = Work { search: self, packing: &packing, blocks: &blocks, nearest: &nearest };
            for (at, some) in pairs.chunks(at_once).enumerate() {
                if superseded() {
                    return None;
                }
                // Nobody knows which round is the last of a search that is not exact: each is half of what is left.
                let share = (at * at_once) as f64 / pairs.len() as f64;
                let guess = 1.0 - 0.5_f64.powf(round as f64 + share);
                progress(if wanted.is_empty() { done as f64 / all as f64 } else { guess });
                map_parallel(executor, some.iter(), |(a, b)| work.compare(*a, *b));
                done += some.len();
            }
            if !wanted.is_empty() && round + 1 < rounds.len() {
                let recall = work.recall(count, &wanted);
                if recall >= RECALL {
                    accuracy = Accuracy::Approximate { recall: recall as f32 };
                    break;
                }
            }
            // A tile ends early when all its rows reach but a little way: those that reach far are put together.
            for (block, nearest) in blocks.iter_mut().zip(&mut nearest) {
                sort_by_reach(block, nearest.get_mut().unwrap_or_else(PoisonError::into_inner));
            }
        }
        let work = Work { search: self, packing: &packing, blocks: &blocks, nearest: &nearest };
        if superseded() {
            return None;
        }
        let edges = map_parallel(executor, 0..count, |block| work.finish(block));
        progress(1.0);
        Some(FoundEdges { rows: edges.into_iter().flatten().collect(), accuracy })
    }

    /// The distance in the units of the packing that a value stands for, and what the rounding of values may add.
    fn reach(&self, packing: &Packing, value: f32) -> f32 {
        self.widened(match self.metric {
            Metric::Cosine => (2.0 - 2.0 * value).max(0.0).sqrt(),
            Metric::Euclidean => (f64::from(value) * packing.unit) as f32,
        })
    }

    /// The distance of a row whose value may, by rounding, come out as that of a row in the given distance.
    ///
    /// Sums of `dim` products in 16 lanes are off by less than dim/16 roundings, and a few more come after.
    fn widened(&self, distance: f32) -> f32 {
        let rounding = (self.index.dim() as f32 / 16.0 + 8.0) * f32::EPSILON;
        match self.metric {
            Metric::Cosine => (distance * distance + 2.0 * rounding).sqrt() * (1.0 + f32::EPSILON),
            Metric::Euclidean => distance * (1.0 + 2.0 * rounding),
        }
    }

    /// The nearest of some candidates, with their values: as a query for `id` would find them.
    pub fn exact(&self, id: ImageId, candidates: impl Iterator<Item = ImageId>) -> Vec<Edge> {
        let Some(entry) = self.index.get(id) else { return Vec::new() };
        let query = QueryVector::of(&entry);
        let value = |id: ImageId| {
            let entry = self.index.get(id)?;
            Some(Edge { id, value: query.to(entry.row, entry.scale, entry.norm).value(self.metric) })
        };
        let mut edges: Vec<Edge> =
            candidates.filter(|other| *other != id).filter_map(value).filter(|edge| !edge.value.is_nan()).collect();
        edges.sort_unstable_by(|a, b| a.order(b, self.metric));
        edges.truncate(self.k);
        edges
    }
}

/// So many of the rows, evenly spread.
fn evenly(ids: &[ImageId], wanted: usize) -> Vec<ImageId> {
    let count = ids.len().min(wanted);
    (0..count).map(|at| ids[at * ids.len() / count]).collect()
}

/// Puts the rows of a block in the order of how far they reach.
fn sort_by_reach(block: &mut PackedRows, nearest: &mut Vec<Nearest>) {
    let mut order: Vec<usize> = (0..nearest.len()).collect();
    order.sort_by(|a, b| nearest[*a].reach.total_cmp(&nearest[*b].reach));
    block.rearrange(&order);
    let mut rows: Vec<_> = nearest.drain(..).map(Some).collect();
    nearest.extend(order.iter().filter_map(|at| rows[*at].take()));
}

/// A search under way.
struct Work<'a> {
    search: &'a Search<'a>,
    packing: &'a Packing,
    blocks: &'a [PackedRows],
    nearest: &'a [Mutex<Vec<Nearest>>],
}

impl Work<'_> {
    fn lock(&self, block: usize) -> MutexGuard<'_, Vec<Nearest>> {
        self.nearest[block].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Compares all rows of two blocks.
    fn compare(&self, a: usize, b: usize) {
        let bars = [self.bars(a, b), self.bars(b, a)];
        let lines = [self.blocks[a].lines(&bars[0]), self.blocks[b].lines(&bars[1])];
        let hits = products::hits(lines[0], lines[1], self.packing.pairs, &self.packing.stages);
        self.take(a, b, hits.iter().copied());
        if a != b {
            let turned = |hit: &Hit| Hit { row: hit.col, col: hit.row, distance: hit.distance };
            self.take(b, a, hits.iter().map(turned));
        }
    }

    /// For each row of a block, negated, the largest squared distance between integer rows that matters with another block.
    fn bars(&self, block: usize, with: usize) -> Vec<f32> {
        let (own, other) = (&self.blocks[block], &self.blocks[with]);
        let rounding = (own.largest_square + other.largest_square) * ROUNDING;
        let bar = |(nearest, error): (&Nearest, &f32)| {
            let reach = nearest.reach + error + other.largest_error;
            -(reach * reach + rounding)
        };
        let mut bars: Vec<_> = self.lock(block).iter().zip(&own.errors).map(bar).collect();
        bars.resize(own.padded(), f32::INFINITY);
        bars
    }

    /// Hands the rows of a block what was hit in another.
    fn take(&self, block: usize, with: usize, hits: impl Iterator<Item = Hit>) {
        let (own, other) = (&self.blocks[block], &self.blocks[with]);
        let mut nearest = self.lock(block);
        for hit in hits {
            let (row, col) = (hit.row as usize, hit.col as usize);
            if row >= own.ids.len() || col >= other.ids.len() || own.ids[row] == other.ids[col] {
                continue;
            }
            let nearest = &mut nearest[row];
            if hit.distance - own.errors[row] - other.errors[col] <= nearest.reach {
                nearest.found.push(Candidate { distance: hit.distance, error: other.errors[col], id: other.ids[col] });
                if nearest.found.len() >= 2 * self.search.k + 16 {
                    self.shrink(block, row, nearest);
                }
            }
        }
        for (row, nearest) in nearest.iter_mut().enumerate() {
            if nearest.reach.is_infinite() && nearest.found.len() >= self.search.k {
                self.shrink(block, row, nearest);
            }
        }
    }

    /// Drops the candidates that cannot be among the nearest.
    fn shrink(&self, block: usize, row: usize, nearest: &mut Nearest) {
        let (k, own) = (self.search.k, &self.blocks[block]);
        if nearest.found.len() < k {
            return;
        }
        let error = own.errors[row];
        let mut farthest: Vec<f32> = nearest.found.iter().map(|found| found.distance + found.error).collect();
        let (_, last, _) = farthest.select_nth_unstable_by(k - 1, f32::total_cmp);
        nearest.reach = nearest.reach.min(self.search.widened(*last + error));
        let reach = nearest.reach + error;
        nearest.found.retain(|found| found.distance - found.error <= reach);
        // Rows closer to one another than their errors: only values tell which are nearer.
        if nearest.found.len() > k + k / 2 + 8 {
            let edges = self.search.exact(own.ids[row], nearest.found.iter().map(|found| found.id));
            let kept: Vec<ImageId> = edges.iter().map(|edge| edge.id).collect();
            nearest.found.retain(|found| kept.contains(&found.id));
            if let (Some(last), true) = (edges.last(), edges.len() == k) {
                nearest.reach = nearest.reach.min(self.search.reach(self.packing, last.value));
            }
        }
    }

    /// The nearest of each row of a block.
    fn finish(&self, block: usize) -> Vec<(ImageId, Vec<Edge>)> {
        let mut nearest = self.lock(block);
        nearest.iter_mut().enumerate().map(|(row, nearest)| self.finish_row(block, row, nearest)).collect()
    }

    fn finish_row(&self, block: usize, row: usize, nearest: &mut Nearest) -> (ImageId, Vec<Edge>) {
        self.shrink(block, row, nearest);
        let id = self.blocks[block].ids[row];
        (id, self.search.exact(id, nearest.found.iter().map(|found| found.id)))
    }

    /// The nearest of the rows of the sample among all rows; the blocks from `count` on are the sample.
    fn nearest_of_sample(&self, count: usize, executor: Executor<'_>) -> HashMap<ImageId, Vec<Edge>> {
        let samples = count..self.blocks.len();
        let pairs = samples.clone().flat_map(|sample| (0..count).map(move |block| (sample, block)));
        map_parallel(executor, pairs, |(sample, block)| {
            // The sample is no more than a copy, which the others must not meet.
            let (bars, never) = (self.bars(sample, block), vec![f32::INFINITY; self.blocks[block].padded()]);
            let lines = [self.blocks[sample].lines(&bars), self.blocks[block].lines(&never)];
            let hits = products::hits(lines[0], lines[1], self.packing.pairs, &self.packing.stages);
            self.take(sample, block, hits.into_iter());
        });
        samples.flat_map(|sample| self.finish(sample)).collect()
    }

    /// The share of the nearest of the sample that their rows in the blocks before `count` have met. Of equally near ones
    /// any will do.
    fn recall(&self, count: usize, wanted: &HashMap<ImageId, Vec<Edge>>) -> f64 {
        let (mut met, mut all) = (0, 0);
        for block in 0..count {
            let mut nearest = self.lock(block);
            for (row, nearest) in nearest.iter_mut().enumerate() {
                let Some(wanted) = wanted.get(&self.blocks[block].ids[row]) else { continue };
                let Some(last) = wanted.last() else { continue };
                let (_, edges) = self.finish_row(block, row, nearest);
                let metric = self.search.metric;
                met += edges.iter().filter(|edge| metric.nearer(edge.value, last.value).is_le()).count();
                all += wanted.len();
            }
        }
        met as f64 / all.max(1) as f64
    }
}
