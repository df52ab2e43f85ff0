//! Seriation: an order in which look-alikes stand side by side and clusters stay in one piece.
//!
//! Average-linkage agglomeration (UPGMA) of unit vectors by their mean cosine, through nearest-neighbor chains (Murtagh,
//! "A survey of recent advances in hierarchical clustering algorithms", 1983): the sum of a cluster's unit vectors is
//! all that the linkage needs, so memory is N×d. Whenever two clusters join, each may be turned round so that the most
//! alike ends meet (Gruvaeus and Wainer, "Two additions to hierarchical cluster analysis", 1972).

use super::kernel;
use crate::index::{ImageId, Index};

/// Orders pictures by likeness. The outcome depends on the embeddings and on the given order, never on chance.
pub(super) fn seriate(index: &Index, ids: &[ImageId]) -> Vec<ImageId> {
    let mut units = vec![0.0; ids.len() * index.dim()];
    for (unit, id) in units.chunks_exact_mut(index.dim().max(1)).zip(ids) {
        if let Some(entry) = index.get(*id).filter(|entry| entry.norm > 0.0) {
            kernel::add(unit, entry.row, entry.scale / entry.norm);
        }
    }
    agglomerate(&units, index.dim(), ids.len()).into_iter().map(|at| ids[at]).collect()
}

/// A cluster while the agglomeration goes on.
struct Cluster {
    /// Sum of its unit vectors.
    sum: Vec<f32>,
    /// Number of its members.
    weight: f64,
    /// Its members in their order.
    members: Vec<usize>,
}

fn linkage(a: &Cluster, b: &Cluster) -> f64 {
    kernel::dot(&a.sum, &b.sum) / (a.weight * b.weight)
}

fn agglomerate(units: &[f32], dim: usize, len: usize) -> Vec<usize> {
    let unit = |at: usize| &units[at * dim..(at + 1) * dim];
    let mut clusters: Vec<Option<Cluster>> =
        (0..len).map(|at| Some(Cluster { sum: unit(at).to_vec(), weight: 1.0, members: vec![at] })).collect();
    let mut active: Vec<usize> = (0..len).collect();
    let mut chain: Vec<usize> = Vec::new();
    while active.len() > 1 {
        let top = *chain.last().unwrap_or(&active[0]);
        if chain.is_empty() {
            chain.push(top);
        }
        let previous = chain.len().checked_sub(2).map(|at| chain[at]);
        let Some(next) = nearest(&clusters, &active, top, previous) else { break };
        if Some(next) == previous {
            chain.truncate(chain.len() - 2);
            if let (Some(a), Some(b)) = (clusters[next].take(), clusters[top].take()) {
                clusters[next.min(top)] = Some(joined(a, b, unit));
            }
            active.retain(|at| *at != next.max(top));
        } else if let Some(at) = chain.iter().position(|link| *link == next) {
            // Rounding made an earlier link stale; the chain goes on from there.
            chain.truncate(at + 1);
        } else {
            chain.push(next);
        }
    }
    active.iter().filter_map(|at| clusters[*at].take()).flat_map(|cluster| cluster.members).collect()
}

/// The cluster with the highest mean cosine to `from`; ties go to the previous link of the chain, then to the first.
fn nearest(clusters: &[Option<Cluster>], active: &[usize], from: usize, previous: Option<usize>) -> Option<usize> {
    let own = clusters[from].as_ref()?;
    let mut best = previous.and_then(|at| Some((at, linkage(own, clusters[at].as_ref()?))));
    for at in active.iter().copied().filter(|at| *at != from) {
        let Some(other) = &clusters[at] else { continue };
        let value = linkage(own, other);
        if best.is_none_or(|(_, most)| value > most) {
            best = Some((at, value));
        }
    }
    best.map(|(at, _)| at)
}

/// Two clusters as one, turned so that the most alike of their ends meet.
fn joined<'a>(mut a: Cluster, mut b: Cluster, unit: impl Fn(usize) -> &'a [f32]) -> Cluster {
    let ends = |members: &[usize]| [members[0], members[members.len() - 1]];
    let mut best = (f64::NEG_INFINITY, 0, 0);
    for (i, left) in ends(&a.members).into_iter().enumerate() {
        for (j, right) in ends(&b.members).into_iter().enumerate() {
            let value = kernel::dot(unit(left), unit(right));
            if value > best.0 {
                best = (value, i, j);
            }
        }
    }
    // `a` must end, and `b` begin, with the ends that meet.
    if best.1 == 0 {
        a.members.reverse();
    }
    if best.2 == 1 {
        b.members.reverse();
    }
    a.members.append(&mut b.members);
    for (x, y) in a.sum.iter_mut().zip(&b.sum) {
        *x += y;
    }
    a.weight += b.weight;
    a
}
