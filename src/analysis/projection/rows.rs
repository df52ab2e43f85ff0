//! The pictures of a map as places 0, 1, 2, …, and the weighted edges between them.

use crate::{
    index::{ImageId, Index},
    similarity::Graph,
};

/// Neighbors of a picture that count.
const NEIGHBORS: usize = 15;

/// Stands for a picture that has no place.
const ABSENT: u32 = u32::MAX;

/// The pictures of an index in the order of their paths. Ids are those of arrival, which differs between two runs over
/// the same folder; with places a map depends on the pictures alone.
pub(super) struct Rows {
    /// By place.
    pub ids: Vec<ImageId>,
    /// By [`ImageId::at`].
    places: Vec<u32>,
}

impl Rows {
    pub fn of(index: &Index) -> Self {
        let mut named: Vec<_> = index.iter().map(|entry| (entry.root, entry.relative(), entry.id)).collect();
        named.sort_unstable();
        let ids: Vec<_> = named.into_iter().map(|(.., id)| id).collect();
        let mut places = vec![ABSENT; index.id_bound()];
        for (place, id) in ids.iter().enumerate() {
            places[id.at()] = place as u32;
        }
        Self { ids, places }
    }

    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// The nearest of a place that count with their cosine distances, the nearest first: 15, the usual number, but of few
    /// pictures a third, for all of them together say nothing.
    pub fn nearest(&self, graph: &Graph, place: usize) -> Vec<(u32, f32)> {
        let k = NEIGHBORS.min(self.len().div_ceil(3));
        let edges = graph.neighbors(self.ids[place]).iter();
        let known = edges.filter_map(|edge| {
            let to = self.places.get(edge.id.at()).filter(|to| **to != ABSENT)?;
            Some((*to, (1.0 - edge.value).max(0.0)))
        });
        known.take(k).collect()
    }
}

/// A symmetric matrix of weights, row by row, of which most are 0 (compressed sparse rows).
pub(super) struct Weights {
    starts: Vec<usize>,
    edges: Vec<(u32, f32)>,
}

impl Weights {
    /// From directed edges, one list a place. `both` makes the weight of a pair from those of its two directions, 0 for
    /// one that is missing.
    pub fn symmetric(directed: &[Vec<(u32, f32)>], both: impl Fn(f32, f32) -> f32) -> Self {
        let mut counts = vec![0_usize; directed.len() + 1];
        for (from, edges) in directed.iter().enumerate() {
            counts[from + 1] += edges.len();
            for (to, _) in edges {
                counts[*to as usize + 1] += 1;
            }
        }
        for at in 1..counts.len() {
            counts[at] += counts[at - 1];
        }
        let mut free = counts.clone();
        let mut all = vec![(0_u32, 0_f32); counts[directed.len()]];
        let mut put = |row: usize, edge: (u32, f32)| {
            all[free[row]] = edge;
            free[row] += 1;
        };
        for (from, edges) in directed.iter().enumerate() {
            for (to, weight) in edges {
                put(from, (*to, *weight));
                put(*to as usize, (from as u32, *weight));
            }
        }
        let (mut starts, mut edges) = (vec![0], Vec::with_capacity(all.len()));
        for row in counts.windows(2) {
            let row = &mut all[row[0]..row[1]];
            row.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
            for pair in row.chunk_by(|a, b| a.0 == b.0) {
                edges.push((pair[0].0, both(pair[0].1, pair.get(1).map_or(0.0, |other| other.1))));
            }
            starts.push(edges.len());
        }
        Self { starts, edges }
    }

    /// Places.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The other ends of a place's edges, with their weights.
    pub fn of(&self, place: usize) -> &[(u32, f32)] {
        &self.edges[self.starts[place]..self.starts[place + 1]]
    }

    /// The largest weight.
    pub fn largest(&self) -> f32 {
        self.edges.iter().map(|edge| edge.1).fold(0.0, f32::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_of_a_pair_become_one_weight_that_both_ends_have() {
        let directed = [vec![(1, 0.5), (2, 0.25)], vec![(0, 0.5)], vec![]];
        let weights = Weights::symmetric(&directed, |a, b| a + b - a * b);
        assert_eq!(weights.of(0), [(1, 0.75), (2, 0.25)]);
        assert_eq!(weights.of(1), [(0, 0.75)]);
        assert_eq!(weights.of(2), [(0, 0.25)]);
        assert_eq!((weights.len(), weights.largest()), (3, 0.75));
    }
}
