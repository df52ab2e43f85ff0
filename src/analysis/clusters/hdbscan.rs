//! HDBSCAN: clusters of any shape as the dense parts of a collection, and noise between them (Campello, Moulavi and
//! Sander, "Density-based clustering based on hierarchical density estimates", 2013), by euclidean distance of unit
//! vectors.
//!
//! Up to [`EXACT`] pictures the minimum spanning tree of the mutual reachability distances is that of all pairs. Of more
//! pictures it is that of the k-nearest-neighbor graph, whose pieces are joined through the densest picture of each:
//! McInnes and Healy, "Accelerated hierarchical density based clustering", 2017, find the same tree with space trees, which
//! gain nothing in hundreds of dimensions.

use ndarray::{Array2, Axis};

use super::unit_rows::{Rows, UnitRows, blocks};
use crate::{
    index::ImageId,
    similarity::{Executor, Graph, map_parallel},
};

/// Pictures up to which all pairs are looked at, with a table of their distances that takes 64 MiB at most.
pub(super) const EXACT: usize = 4096;

/// Smaller distances are taken for this one: stored embeddings are rounded, and copies are no denser than near copies.
const LEAST: f32 = 1e-3;

/// What is a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Density {
    /// Pictures that it has at least, 2 or more.
    pub min_size: usize,
    /// A picture is as dense as the distance to this many pictures, itself among them, is short; 1 to
    /// [`MOST_NEIGHBORS`](crate::similarity::graph::MOST_NEIGHBORS). More leave more to the noise.
    pub min_samples: usize,
}

/// An edge of the spanning tree.
#[derive(Debug, Clone, Copy)]
struct Edge {
    a: usize,
    b: usize,
    distance: f32,
}

/// The number of each row's cluster; `None` for noise. `graph` holds the nearest by cosine of each row, at least
/// `min_samples − 1` of them. `None` when it was `superseded`.
pub(super) fn hdbscan(
    rows: &UnitRows<'_>,
    graph: &Graph,
    density: Density,
    executor: Executor<'_>,
    superseded: &dyn Fn() -> bool,
) -> Option<Vec<Option<usize>>> {
    let len = rows.len();
    let cores: Vec<f32> = rows.ids.iter().map(|id| core_distance(graph, *id, density.min_samples)).collect();
    let mut tree = if len <= EXACT {
        spanning_tree(&rows.gather(0..len), &cores, executor, superseded)?
    } else {
        spanning_tree_of_graph(rows, graph, &cores, executor, superseded)?
    };
    tree.sort_by(|a, b| a.distance.total_cmp(&b.distance));
    // Copies of one picture have no density to tell apart: they are one cluster.
    if len >= density.min_size && tree.iter().all(|edge| edge.distance <= LEAST) {
        return Some(vec![Some(0); len]);
    }
    Some(clusters(&Merges::of(len, &tree), density.min_size))
}

/// The euclidean distance of unit vectors with this cosine.
fn distance(cosine: f32) -> f32 {
    (2.0 - 2.0 * cosine).max(0.0).sqrt().max(LEAST)
}

/// The distance to the last of `samples` nearest pictures, the picture itself among them.
fn core_distance(graph: &Graph, id: ImageId, samples: usize) -> f32 {
    let others = graph.neighbors(id);
    match samples.saturating_sub(1).min(others.len()) {
        0 => LEAST,
        last => distance(others[last - 1].value),
    }
}

/// The minimum spanning tree of all pairs (Prim, "Shortest connection networks and some generalizations", 1957).
fn spanning_tree(
    rows: &Array2<f32>,
    cores: &[f32],
    executor: Executor<'_>,
    superseded: &dyn Fn() -> bool,
) -> Option<Vec<Edge>> {
    let len = rows.nrows();
    let cosines: Vec<Array2<f32>> =
        map_parallel(executor, blocks(0..len), |block| rows.select(Axis(0), &block.collect::<Vec<_>>()).dot(&rows.t()));
    let height = cosines.first().map_or(1, Array2::nrows);
    let (mut nearest, mut from) = (vec![f32::INFINITY; len], vec![0; len]);
    let mut is_in = vec![false; len];
    let (mut now, mut tree) = (0, Vec::with_capacity(len));
    for done in 1..len {
        if done % 64 == 0 && superseded() {
            return None;
        }
        is_in[now] = true;
        let cosines = cosines[now / height].row(now % height);
        let (mut next, mut least) = (0, f32::INFINITY);
        for row in (0..len).filter(|row| !is_in[*row]) {
            let to = distance(cosines[row]).max(cores[row]).max(cores[now]);
            if to < nearest[row] {
                (nearest[row], from[row]) = (to, now);
            }
            if nearest[row] < least {
                (next, least) = (row, nearest[row]);
            }
        }
        tree.push(Edge { a: from[next], b: next, distance: least });
        now = next;
    }
    Some(tree)
}

/// The minimum spanning tree of the graph's edges (Kruskal, "On the shortest spanning subtree of a graph", 1956), and
/// between its pieces of the distances of their densest pictures.
fn spanning_tree_of_graph(
    rows: &UnitRows<'_>,
    graph: &Graph,
    cores: &[f32],
    executor: Executor<'_>,
    superseded: &dyn Fn() -> bool,
) -> Option<Vec<Edge>> {
    let mut row_of = vec![usize::MAX; graph.id_bound()];
    rows.ids.iter().enumerate().for_each(|(row, id)| row_of[id.at()] = row);
    let mut edges = Vec::new();
    for (a, id) in rows.ids.iter().enumerate() {
        for edge in graph.neighbors(*id) {
            let b = row_of[edge.id.at()];
            // Of two that name each other one speaks for both.
            if b != usize::MAX && (a < b || !graph.neighbors(edge.id).iter().any(|back| back.id == *id)) {
                edges.push(Edge { a, b, distance: distance(edge.value).max(cores[a]).max(cores[b]) });
            }
        }
    }
    if superseded() {
        return None;
    }
    edges.sort_unstable_by(|x, y| x.distance.total_cmp(&y.distance).then((x.a, x.b).cmp(&(y.a, y.b))));
    let mut forest = Forest::new(rows.len());
    let mut tree: Vec<Edge> = edges.into_iter().filter(|edge| forest.join(edge.a, edge.b).is_some()).collect();
    // The densest row of each piece, largest pieces first.
    let mut densest: Vec<Option<usize>> = vec![None; rows.len()];
    for row in 0..rows.len() {
        let of_piece = &mut densest[forest.find(row)];
        if of_piece.is_none_or(|best| cores[row] < cores[best]) {
            *of_piece = Some(row);
        }
    }
    let mut pieces: Vec<(usize, usize)> =
        densest.iter().enumerate().filter_map(|(piece, row)| Some((forest.size(piece), (*row)?))).collect();
    pieces.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let pieces: Vec<usize> = pieces.into_iter().map(|(_, row)| row).collect();
    let (large, small) = pieces.split_at(pieces.len().min(EXACT));
    let vectors = rows.gather(large.iter().copied());
    let own: Vec<f32> = large.iter().map(|row| cores[*row]).collect();
    let joined = spanning_tree(&vectors, &own, executor, superseded)?;
    tree.extend(joined.into_iter().map(|edge| Edge { a: large[edge.a], b: large[edge.b], ..edge }));
    // There are no more than that where every picture has its copies and little else.
    for block in small.chunks(1024) {
        if superseded() {
            return None;
        }
        let cosines = rows.gather(block.iter().copied()).dot(&vectors.t());
        for (row, cosines) in block.iter().zip(cosines.rows()) {
            let to = |at: usize| distance(cosines[at]).max(own[at]).max(cores[*row]);
            let nearest = (0..large.len()).min_by(|a, b| to(*a).total_cmp(&to(*b))).unwrap_or(0);
            tree.push(Edge { a: large[nearest], b: *row, distance: to(nearest) });
        }
    }
    Some(tree)
}

/// Which rows are connected: a disjoint-set forest with the sizes of its trees.
struct Forest {
    parent: Vec<usize>,
    size: Vec<usize>,
}

impl Forest {
    fn new(len: usize) -> Self {
        Self { parent: (0..len).collect(), size: vec![1; len] }
    }

    fn find(&mut self, mut row: usize) -> usize {
        while self.parent[row] != row {
            self.parent[row] = self.parent[self.parent[row]];
            row = self.parent[row];
        }
        row
    }

    fn size(&self, root: usize) -> usize {
        self.size[root]
    }

    /// Makes two sets one; the roots of both before, the one that stays first, unless they were one.
    fn join(&mut self, a: usize, b: usize) -> Option<(usize, usize)> {
        let (a, b) = (self.find(a), self.find(b));
        if a == b {
            return None;
        }
        let (kept, gone) = if self.size[a] >= self.size[b] { (a, b) } else { (b, a) };
        self.parent[gone] = kept;
        self.size[kept] += self.size[gone];
        Some((kept, gone))
    }
}

/// The single-linkage tree: rows are its first nodes, then comes one node a merge.
struct Merges {
    rows: usize,
    /// The two nodes that became one, and at which distance.
    nodes: Vec<(usize, usize, f32)>,
    sizes: Vec<usize>,
}

impl Merges {
    /// The tree of edges in rising order.
    fn of(rows: usize, edges: &[Edge]) -> Self {
        let mut forest = Forest::new(rows);
        let mut node_of: Vec<usize> = (0..rows).collect();
        let (mut nodes, mut sizes) = (Vec::with_capacity(edges.len()), vec![1; rows]);
        for edge in edges {
            let Some((kept, gone)) = forest.join(edge.a, edge.b) else { continue };
            let (one, other) = (node_of[kept], node_of[gone]);
            node_of[kept] = rows + nodes.len();
            sizes.push(sizes[one] + sizes[other]);
            nodes.push((one, other, edge.distance));
        }
        Self { rows, nodes, sizes }
    }

    /// Calls back with every row under a node.
    fn rows_under(&self, node: usize, found: &mut dyn FnMut(usize)) {
        let mut waiting = vec![node];
        while let Some(node) = waiting.pop() {
            match node.checked_sub(self.rows) {
                None => found(node),
                Some(at) => waiting.extend([self.nodes[at].0, self.nodes[at].1]),
            }
        }
    }
}

/// A cluster of the condensed tree: it lives from the density at which its parent came apart until it does so itself.
struct Condensed {
    parent: usize,
    born: f32,
    stability: f64,
}

/// Condenses the tree to clusters of `min_size` rows or more and takes those that live longest ("excess of mass"); the
/// whole collection is never one of them.
fn clusters(tree: &Merges, min_size: usize) -> Vec<Option<usize>> {
    let mut of_row = vec![0; tree.rows];
    let mut condensed = vec![Condensed { parent: 0, born: 0.0, stability: 0.0 }];
    let mut waiting: Vec<(usize, usize)> = tree.sizes.len().checked_sub(1).map(|root| (root, 0)).into_iter().collect();
    while let Some((node, cluster)) = waiting.pop() {
        let Some((one, other, distance)) = node.checked_sub(tree.rows).map(|at| tree.nodes[at]) else { continue };
        let density = 1.0 / distance;
        let splits = tree.sizes[one] >= min_size && tree.sizes[other] >= min_size;
        for part in [one, other] {
            let size = tree.sizes[part];
            let lived = f64::from(density - condensed[cluster].born) * size as f64;
            if splits {
                condensed[cluster].stability += lived;
                waiting.push((part, condensed.len()));
                condensed.push(Condensed { parent: cluster, born: density, stability: 0.0 });
            } else if size >= min_size {
                waiting.push((part, cluster));
            } else {
                condensed[cluster].stability += lived;
                tree.rows_under(part, &mut |row| of_row[row] = cluster);
            }
        }
    }
    let taken = excess_of_mass(&condensed);
    // Numbered in the order of their first rows.
    let mut numbers = vec![None; condensed.len()];
    let mut next = 0;
    of_row
        .into_iter()
        .map(|cluster| {
            let taken = taken[cluster]?;
            Some(*numbers[taken].get_or_insert_with(|| {
                next += 1;
                next - 1
            }))
        })
        .collect()
}

/// For each cluster of the condensed tree the cluster above it, or itself, that is taken.
fn excess_of_mass(condensed: &[Condensed]) -> Vec<Option<usize>> {
    // What the best choice below a cluster comes to; parents stand before their children.
    let mut below = vec![0.0; condensed.len()];
    let mut whole = vec![false; condensed.len()];
    for at in (1..condensed.len()).rev() {
        whole[at] = condensed[at].stability >= below[at];
        below[condensed[at].parent] += condensed[at].stability.max(below[at]);
    }
    let mut taken: Vec<Option<usize>> = vec![None; condensed.len()];
    for at in 1..condensed.len() {
        taken[at] = taken[condensed[at].parent].or(whole[at].then_some(at));
    }
    taken
}
