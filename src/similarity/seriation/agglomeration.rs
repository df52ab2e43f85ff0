//! Average-linkage agglomerative clustering (UPGMA) of points by mean cosine, and the leaf order of its tree.

use super::Points;
use crate::similarity::{Executor, dendrogram::Merge, kernel, map_parallel};

/// A dense row-major matrix.
#[derive(Clone)]
pub(super) struct Matrix {
    dim: usize,
    len: usize,
    values: Vec<f32>,
}

impl Matrix {
    pub fn zeros(len: usize, dim: usize) -> Self {
        Self { dim, len, values: vec![0.0; len * dim] }
    }

    pub fn dim(&self) -> usize {
        self.dim
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn row(&self, at: usize) -> &[f32] {
        &self.values[at * self.dim..(at + 1) * self.dim]
    }

    pub fn row_mut(&mut self, at: usize) -> &mut [f32] {
        &mut self.values[at * self.dim..(at + 1) * self.dim]
    }

    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        (0..self.len).map(|at| self.row(at))
    }

    pub fn rows_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        self.values.chunks_mut(self.dim.max(1))
    }

    /// The rows whose flag is set.
    pub fn only(&self, wanted: &[bool]) -> Self {
        let mut only = Self { dim: self.dim, len: 0, values: Vec::new() };
        for (row, _) in self.rows().zip(wanted).filter(|(_, wanted)| **wanted) {
            only.values.extend_from_slice(row);
            only.len += 1;
        }
        only
    }

    /// The dot product of a vector with some rows.
    pub fn dots(&self, vector: &[f32], rows: &[usize], out: &mut [f64]) {
        kernel::dots(vector, &self.values, rows, out);
    }
}

/// The dot products of all rows with each other, row-major.
pub(super) fn cosines(vectors: &Matrix, executor: Executor<'_>) -> Vec<f32> {
    /// Rows that are compared with as many others while all of them are in the cache.
    const BLOCK_LEN: usize = 64;
    let len = vectors.len();
    let mut table = vec![0.0; len * len];
    let all: Vec<usize> = (0..len).collect();
    map_parallel(
        executor,
        (0..).step_by(BLOCK_LEN).zip(table.chunks_mut((BLOCK_LEN * len).max(1))),
        |(start, table)| {
            let mut dots = [0.0; BLOCK_LEN];
            for others in all[start..].chunks(BLOCK_LEN) {
                for (row, values) in (start..).zip(table.chunks_mut(len)) {
                    let dots = &mut dots[..others.len()];
                    vectors.dots(vectors.row(row), others, dots);
                    for (value, dot) in values[others[0]..].iter_mut().zip(dots) {
                        *value = *dot as f32;
                    }
                }
            }
        },
    );
    for row in 0..len {
        for col in 0..row {
            table[row * len + col] = table[col * len + row];
        }
    }
    table
}

/// A cluster while the agglomeration goes on.
struct Cluster {
    /// Pictures that it stands for.
    weight: f64,
    /// Its points in their order.
    members: Vec<usize>,
}

/// Clusters points and returns them in the leaf order of the tree, with the merges of that order's rows, parts first.
pub(super) fn agglomerate(points: &impl Points, members: &[usize], executor: Executor<'_>) -> (Vec<usize>, Vec<Merge>) {
    let mut means = super::sums(points, members.iter().copied());
    for (mean, at) in means.rows_mut().zip(members) {
        let weight = points.weight(*at) as f32;
        mean.iter_mut().for_each(|value| *value /= weight);
    }
    let mut tree = Tree {
        clusters: (0..).zip(members).map(|(at, own)| Some(Cluster::of(at, points.weight(*own)))).collect(),
        active: (0..members.len()).collect(),
        linkage: cosines(&means, executor),
        means,
        joins: Vec::new(),
    };
    tree.grow();
    let Tree { mut clusters, active, joins, .. } = tree;
    let order: Vec<_> =
        active.iter().filter_map(|at| clusters[*at].take()).flat_map(|cluster| cluster.members).collect();
    let merges = merges(&order, &joins);
    (order.into_iter().map(|at| members[at]).collect(), merges)
}

/// What the joins of clusters, each named by its smallest point, mean for the rows of the leaf order.
fn merges(order: &[usize], joins: &[(usize, usize, f32)]) -> Vec<Merge> {
    let mut rows = vec![0..0; order.len()];
    for (row, point) in order.iter().enumerate() {
        rows[*point] = row..row + 1;
    }
    let mut merged = |(kept, gone, height): &(usize, usize, f32)| {
        let (one, other) = (rows[*kept].clone(), rows[*gone].clone());
        rows[*kept] = one.start.min(other.start)..one.end.max(other.end);
        Merge { rows: rows[*kept].clone(), middle: one.start.max(other.start), height: *height }
    };
    joins.iter().map(&mut merged).collect()
}

struct Tree {
    /// The mean of each point's unit vectors.
    means: Matrix,
    /// The mean cosine of each two clusters.
    linkage: Vec<f32>,
    clusters: Vec<Option<Cluster>>,
    /// The places of those clusters that did not join another yet.
    active: Vec<usize>,
    /// The clusters that became one, the place that stayed first, with their mean cosine.
    joins: Vec<(usize, usize, f32)>,
}

impl Tree {
    /// Merges clusters along nearest-neighbor chains until one is left.
    fn grow(&mut self) {
        let mut chain: Vec<usize> = Vec::new();
        while self.active.len() > 1 {
            if chain.is_empty() {
                chain.push(self.active[0]);
            }
            let top = chain[chain.len() - 1];
            let previous = chain.len().checked_sub(2).map(|at| chain[at]);
            let Some(next) = self.nearest(top, previous) else { break };
            if Some(next) == previous {
                chain.truncate(chain.len() - 2);
                self.join(next, top);
            } else if let Some(at) = chain.iter().position(|link| *link == next) {
                // Rounding made an earlier link stale; the chain goes on from there.
                chain.truncate(at + 1);
            } else {
                chain.push(next);
            }
        }
    }

    /// The cluster with the highest mean cosine to `from`; ties go to the previous link of the chain, then to the first.
    fn nearest(&self, from: usize, previous: Option<usize>) -> Option<usize> {
        let len = self.clusters.len();
        let linkage = &self.linkage[from * len..(from + 1) * len];
        let mut best = previous.map(|at| (at, linkage[at]));
        for at in self.active.iter().copied().filter(|at| *at != from) {
            if best.is_none_or(|(_, most)| linkage[at] > most) {
                best = Some((at, linkage[at]));
            }
        }
        best.map(|(at, _)| at)
    }

    /// Merges two clusters; the result keeps the smaller of their indices.
    fn join(&mut self, a: usize, b: usize) {
        let (Some(first), Some(second)) = (self.clusters[a].take(), self.clusters[b].take()) else { return };
        let (len, kept, gone) = (self.clusters.len(), a.min(b), a.max(b));
        let share = first.weight / (first.weight + second.weight);
        let (of_a, of_b) = (share as f32, (1.0 - share) as f32);
        self.joins.push((kept, gone, self.linkage[a * len + b]));
        self.active.retain(|at| *at != gone);
        for at in self.active.iter().copied().filter(|at| *at != kept) {
            let mean = self.linkage[a * len + at] * of_a + self.linkage[b * len + at] * of_b;
            (self.linkage[kept * len + at], self.linkage[at * len + kept]) = (mean, mean);
        }
        self.clusters[kept] = Some(first.joined(second, &self.means));
    }
}

impl Cluster {
    fn of(point: usize, weight: f64) -> Self {
        Self { weight, members: vec![point] }
    }

    /// Concatenates two clusters, reversing either one so that the most similar of their ends meet.
    fn joined(mut self, mut other: Self, means: &Matrix) -> Self {
        let ends = |cluster: &Self| [cluster.members[0], cluster.members[cluster.members.len() - 1]];
        let (own, its) = (ends(&self), ends(&other));
        // This one ends and the other begins where they meet, as they stand unless another pair of ends is more alike.
        let mut best = (f64::NEG_INFINITY, 1, 0);
        for (left, right) in [(1, 0), (1, 1), (0, 0), (0, 1)] {
            let value = kernel::dot(means.row(own[left]), means.row(its[right]));
            if value > best.0 {
                best = (value, left, right);
            }
        }
        if best.1 == 0 {
            self.members.reverse();
        }
        if best.2 == 1 {
            other.members.reverse();
        }
        self.members.append(&mut other.members);
        self.weight += other.weight;
        self
    }
}
