//! Seriation: an order in which look-alikes stand side by side and clusters stay in one piece.
//!
//! Average-linkage agglomeration (UPGMA) of unit vectors by their mean cosine, through nearest-neighbor chains (Murtagh,
//! "A survey of recent advances in hierarchical clustering algorithms", 1983): the sum of a cluster's unit vectors is
//! all that the linkage needs, so memory is N×d. Whenever two clusters join, each may be turned round so that the most
//! alike ends meet (Gruvaeus and Wainer, "Two additions to hierarchical cluster analysis", 1972).
//!
//! Agglomeration takes N² steps, so a large collection is first cut into small cells by spherical k-means; the cells
//! are put in order by the same agglomeration, and so are the pictures inside each.

use super::kernel;
use crate::index::{Entry, ImageId, Index};

/// Up to this many points are agglomerated at once, which takes about a second.
const EXACT: usize = 4096;
/// Points in a cell, at most.
const CELL: usize = 128;
/// Cells that k-means makes at a time.
const FANOUT: usize = 32;
/// Points a cell from which k-means learns its centroids.
const SAMPLE: usize = 32;
/// Rounds of k-means on the sample; more change the order little.
const ROUNDS: usize = 4;
/// Neighboring cells that a point may move to, once all cells are known.
const CANDIDATES: usize = 24;

/// Orders pictures by likeness. The outcome depends on the embeddings and on the given order, never on chance.
pub(super) fn seriate(index: &Index, ids: &[ImageId]) -> Vec<ImageId> {
    let pictures: Vec<_> = ids.iter().filter_map(|id| index.get(*id)).collect();
    let order = seriate_points(&Pictures { dim: index.dim(), pictures: &pictures });
    order.into_iter().map(|at| pictures[at].id).collect()
}

/// Directions to be put in order.
trait Points {
    fn len(&self) -> usize;
    /// The sum of the unit vectors that the point stands for.
    fn sum(&self, at: usize) -> Vec<f32>;
    /// How many they are.
    fn weight(&self, at: usize) -> f64;
}

/// Pictures of an index; one with a zero embedding is alike to none.
struct Pictures<'a> {
    dim: usize,
    pictures: &'a [Entry<'a>],
}

impl Points for Pictures<'_> {
    fn len(&self) -> usize {
        self.pictures.len()
    }

    fn sum(&self, at: usize) -> Vec<f32> {
        let (mut unit, picture) = (vec![0.0; self.dim], &self.pictures[at]);
        if picture.norm > 0.0 {
            kernel::add(&mut unit, picture.row, picture.scale / picture.norm);
        }
        unit
    }

    fn weight(&self, _: usize) -> f64 {
        1.0
    }
}

/// Cells of points, each standing for all pictures in it.
struct Cells(Vec<(Vec<f32>, f64)>);

impl Cells {
    fn of(points: &impl Points, cells: &[Vec<usize>]) -> Self {
        let sum = |cell: &Vec<usize>| {
            let mut total = points.sum(cell[0]);
            for at in &cell[1..] {
                accumulate(&mut total, &points.sum(*at));
            }
            (total, cell.iter().map(|at| points.weight(*at)).sum())
        };
        Self(cells.iter().map(sum).collect())
    }
}

impl Points for Cells {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn sum(&self, at: usize) -> Vec<f32> {
        self.0[at].0.clone()
    }

    fn weight(&self, at: usize) -> f64 {
        self.0[at].1
    }
}

fn seriate_points(points: &impl Points) -> Vec<usize> {
    let all: Vec<usize> = (0..points.len()).collect();
    if points.len() <= EXACT {
        return agglomerate(points, all);
    }
    let cells = refined(points, cut(points, all));
    let sums = Cells::of(points, &cells);
    let order = seriate_cells(&sums);
    let mut ordered: Vec<usize> = Vec::with_capacity(points.len());
    for (place, cell) in order.iter().enumerate() {
        let mut members = agglomerate(points, cells[*cell].clone());
        let (first, last) = (points.sum(members[0]), points.sum(members[members.len() - 1]));
        // The end that is more alike to what stands before goes first; the first cell looks at what comes after.
        let backward = match (ordered.last(), order.get(place + 1)) {
            (Some(before), _) => {
                let before = points.sum(*before);
                kernel::dot(&before, &last) > kernel::dot(&before, &first)
            }
            (None, Some(after)) => kernel::dot(&sums.0[*after].0, &first) > kernel::dot(&sums.0[*after].0, &last),
            (None, None) => false,
        };
        if backward {
            members.reverse();
        }
        ordered.append(&mut members);
    }
    ordered
}

/// [`seriate_points`] for the cells of a cut; a type of its own ends the recursion for the compiler.
fn seriate_cells(cells: &Cells) -> Vec<usize> {
    seriate_points(cells)
}

/// Cuts points into cells of at most [`CELL`] alike ones.
fn cut(points: &impl Points, all: Vec<usize>) -> Vec<Vec<usize>> {
    let (mut waiting, mut cells) = (vec![all], Vec::new());
    while let Some(members) = waiting.pop() {
        if members.len() <= CELL {
            cells.push(members);
            continue;
        }
        let parts = k_means(points, &members);
        if parts.len() > 1 {
            waiting.extend(parts.into_iter().rev());
        } else {
            // No direction tells these apart: any cut will do.
            cells.extend(members.chunks(CELL).map(<[usize]>::to_vec));
        }
    }
    cells
}

/// Moves every point to the nearest of the cells around its own: early cuts went through clusters, and what they cut off
/// shares a cell with strangers until now. A collection of too many cells for a table of their neighbors stays as it is.
fn refined(points: &impl Points, cells: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
    if cells.len() > EXACT {
        return cells;
    }
    let centroids: Vec<Vec<f32>> = Cells::of(points, &cells).0.into_iter().map(|(sum, _)| direction(sum)).collect();
    let mut better = vec![Vec::new(); cells.len()];
    for (members, (own, around)) in cells.iter().zip(nearest_cells(&centroids).into_iter().enumerate()) {
        for at in members {
            let point = points.sum(*at);
            let mut best = (own, kernel::dot(&centroids[own], &point));
            for cell in &around {
                let value = kernel::dot(&centroids[*cell], &point);
                if value > best.1 {
                    best = (*cell, value);
                }
            }
            better[best.0].push(*at);
        }
    }
    better.retain(|cell| !cell.is_empty());
    // Few cells grow, and a large one would take long to put in order.
    better.into_iter().flat_map(|cell| if cell.len() > 4 * CELL { cut(points, cell) } else { vec![cell] }).collect()
}

/// For each cell the [`CANDIDATES`] whose centroids are most alike to its own, most alike first.
fn nearest_cells(centroids: &[Vec<f32>]) -> Vec<Vec<usize>> {
    /// Cells that are compared with all others in one pass over the centroids, which do not fit into a cache.
    const ABREAST: usize = 16;
    let all: Vec<usize> = (0..centroids.len()).collect();
    let mut nearest = Vec::with_capacity(all.len());
    for abreast in all.chunks(ABREAST) {
        let mut others = vec![Vec::with_capacity(all.len()); abreast.len()];
        for (cell, centroid) in centroids.iter().enumerate() {
            for (own, others) in abreast.iter().zip(&mut others).filter(|(own, _)| **own != cell) {
                others.push((kernel::dot(&centroids[*own], centroid), cell));
            }
        }
        let order = |a: &(f64, usize), b: &(f64, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        for mut others in others {
            if others.len() > CANDIDATES {
                others.select_nth_unstable_by(CANDIDATES, order);
                others.truncate(CANDIDATES);
            }
            others.sort_unstable_by(order);
            nearest.push(others.into_iter().map(|(_, cell)| cell).collect());
        }
    }
    nearest
}

/// One cut by spherical k-means: centroids learned on an even sample, then every member goes to the nearest.
fn k_means(points: &impl Points, members: &[usize]) -> Vec<Vec<usize>> {
    let wanted = FANOUT.min(members.len().div_ceil(CELL / 2));
    let sample: Vec<Vec<f32>> = evenly(members, wanted * SAMPLE).map(|at| points.sum(at)).collect();
    let mut centroids: Vec<Vec<f32>> = evenly(&sample, wanted).collect();
    for _ in 0..ROUNDS {
        let mut sums: Vec<Option<Vec<f32>>> = vec![None; centroids.len()];
        for point in &sample {
            match &mut sums[nearest_centroid(&centroids, point)] {
                Some(sum) => accumulate(sum, point),
                empty => *empty = Some(point.clone()),
            }
        }
        centroids = sums.into_iter().flatten().map(direction).collect();
    }
    let mut parts = vec![Vec::new(); centroids.len()];
    for at in members {
        parts[nearest_centroid(&centroids, &points.sum(*at))].push(*at);
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// At most `count` items, evenly spaced.
fn evenly<T: Clone>(items: &[T], count: usize) -> impl Iterator<Item = T> + '_ {
    let count = count.min(items.len());
    (0..count).map(move |i| items[i * items.len() / count].clone())
}

fn nearest_centroid(centroids: &[Vec<f32>], point: &[f32]) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (at, centroid) in centroids.iter().enumerate() {
        let value = kernel::dot(centroid, point);
        if value > best.1 {
            best = (at, value);
        }
    }
    best.0
}

fn direction(mut sum: Vec<f32>) -> Vec<f32> {
    let length = kernel::dot(&sum, &sum).sqrt() as f32;
    if length > 0.0 {
        sum.iter_mut().for_each(|v| *v /= length);
    }
    sum
}

fn accumulate(sum: &mut [f32], more: &[f32]) {
    sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}

/// A cluster while the agglomeration goes on.
struct Cluster {
    /// Sum of its unit vectors.
    sum: Vec<f32>,
    /// Number of them.
    weight: f64,
    /// Its points in their order.
    members: Vec<usize>,
    /// The sums of the first and the last point.
    ends: [Vec<f32>; 2],
}

/// Mean cosine over all pairs of one member of each.
fn linkage(a: &Cluster, b: &Cluster) -> f64 {
    kernel::dot(&a.sum, &b.sum) / (a.weight * b.weight)
}

fn agglomerate(points: &impl Points, members: Vec<usize>) -> Vec<usize> {
    let single = |at: usize| {
        let sum = points.sum(at);
        Some(Cluster { ends: [sum.clone(), sum.clone()], sum, weight: points.weight(at), members: vec![at] })
    };
    let mut active: Vec<usize> = (0..members.len()).collect();
    let mut clusters: Vec<Option<Cluster>> = members.into_iter().map(single).collect();
    let mut chain: Vec<usize> = Vec::new();
    while active.len() > 1 {
        if chain.is_empty() {
            chain.push(active[0]);
        }
        let top = chain[chain.len() - 1];
        let previous = chain.len().checked_sub(2).map(|at| chain[at]);
        let Some(next) = nearest(&clusters, &active, top, previous) else { break };
        if Some(next) == previous {
            chain.truncate(chain.len() - 2);
            if let (Some(a), Some(b)) = (clusters[next].take(), clusters[top].take()) {
                clusters[next.min(top)] = Some(joined(a, b));
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
fn joined(mut a: Cluster, mut b: Cluster) -> Cluster {
    // `a` ends and `b` begins where they meet, as they stand unless another pair of ends is more alike.
    let mut best = (f64::NEG_INFINITY, 1, 0);
    for (left, right) in [(1, 0), (1, 1), (0, 0), (0, 1)] {
        let value = kernel::dot(&a.ends[left], &b.ends[right]);
        if value > best.0 {
            best = (value, left, right);
        }
    }
    if best.1 == 0 {
        a.members.reverse();
        a.ends.reverse();
    }
    if best.2 == 1 {
        b.members.reverse();
        b.ends.reverse();
    }
    a.members.append(&mut b.members);
    accumulate(&mut a.sum, &b.sum);
    a.weight += b.weight;
    let ([first, _], [_, last]) = (a.ends, b.ends);
    Cluster { sum: a.sum, weight: a.weight, members: a.members, ends: [first, last] }
}
