//! Seriation: ordering pictures so that look-alikes are side by side and clusters stay in one piece.
//!
//! Average-linkage agglomeration (UPGMA) of unit vectors by their mean cosine, through nearest-neighbor chains (Murtagh,
//! "A survey of recent advances in hierarchical clustering algorithms", 1983) on a table of the mean cosines, which a
//! merger of two clusters only averages (Lance and Williams, "A general theory of classificatory sorting strategies",
//! 1967). Whenever two clusters join, each may be turned round so that the most alike ends meet (Gruvaeus and Wainer,
//! "Two additions to hierarchical cluster analysis", 1972).
//!
//! Agglomeration takes N² steps, so a large collection is first cut into small cells by spherical k-means; the cells
//! are put in order by the same agglomeration, and so are the pictures inside each.

mod agglomeration;

use self::agglomeration::{Matrix, agglomerate, cosines};
use super::{
    Executor,
    dendrogram::{Dendrogram, Merge},
    kernel, map_parallel, sequential,
};
use crate::index::{Entry, ImageId, Index};

/// Up to this many points are agglomerated at once, with a table of their cosines that takes 64 MiB at most.
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

/// Pictures in seriation order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seriation {
    /// The pictures.
    pub ids: Vec<ImageId>,
    /// The clusters that the order keeps together.
    pub dendrogram: Dendrogram,
}

/// Puts pictures in seriation order. The outcome depends on the embeddings and on the given order, never on chance or `executor`.
#[must_use]
pub fn seriate(index: &Index, ids: &[ImageId], executor: Executor<'_>) -> Seriation {
    let pictures: Vec<_> = ids.iter().filter_map(|id| index.get(*id)).collect();
    let (order, merges) = seriate_points(&Pictures { dim: index.dim(), pictures: &pictures }, executor);
    let ids: Vec<_> = order.into_iter().map(|at| pictures[at].id).collect();
    Seriation { dendrogram: Dendrogram::new(ids.len(), merges), ids }
}

/// Weighted points to be put in order: single pictures, or cells of them.
trait Points: Sync {
    /// Values of a point.
    fn dim(&self) -> usize;
    /// How many points there are.
    fn len(&self) -> usize;
    /// Adds the unit vectors that the point stands for to `sum`.
    fn add_to(&self, sum: &mut [f32], at: usize);
    /// How many unit vectors the point stands for.
    fn weight(&self, at: usize) -> f64;
}

/// The sum of the unit vectors that a point stands for.
fn sum(points: &impl Points, at: usize) -> Vec<f32> {
    let mut sum = vec![0.0; points.dim()];
    points.add_to(&mut sum, at);
    sum
}

/// The sums of some points, one a row.
fn sums(points: &impl Points, members: impl ExactSizeIterator<Item = usize>) -> Matrix {
    let mut sums = Matrix::zeros(members.len(), points.dim());
    for (row, at) in members.enumerate() {
        points.add_to(sums.row_mut(row), at);
    }
    sums
}

/// Pictures of an index; one with a zero embedding is alike to none.
struct Pictures<'a> {
    dim: usize,
    pictures: &'a [Entry<'a>],
}

impl Points for Pictures<'_> {
    fn dim(&self) -> usize {
        self.dim
    }

    fn len(&self) -> usize {
        self.pictures.len()
    }

    fn add_to(&self, sum: &mut [f32], at: usize) {
        let picture = &self.pictures[at];
        if picture.norm > 0.0 {
            kernel::add(sum, picture.row, picture.scale / picture.norm);
        }
    }

    fn weight(&self, _: usize) -> f64 {
        1.0
    }
}

/// Cells of points, each standing for all pictures in it.
struct Cells {
    sums: Matrix,
    weights: Vec<f64>,
}

impl Cells {
    fn of(points: &impl Points, cells: &[Vec<usize>], executor: Executor<'_>) -> Self {
        let mut sums = Matrix::zeros(cells.len(), points.dim());
        map_parallel(executor, sums.rows_mut().zip(cells), |(sum, cell)| {
            cell.iter().for_each(|at| points.add_to(sum, *at));
        });
        Self { sums, weights: cells.iter().map(|cell| cell.iter().map(|at| points.weight(*at)).sum()).collect() }
    }
}

impl Points for Cells {
    fn dim(&self) -> usize {
        self.sums.dim()
    }

    fn len(&self) -> usize {
        self.weights.len()
    }

    fn add_to(&self, sum: &mut [f32], at: usize) {
        accumulate(sum, self.sums.row(at));
    }

    fn weight(&self, at: usize) -> f64 {
        self.weights[at]
    }
}

/// The points in order, and the merges of that order's rows, parts first.
fn seriate_points(points: &impl Points, executor: Executor<'_>) -> (Vec<usize>, Vec<Merge>) {
    let all: Vec<usize> = (0..points.len()).collect();
    if points.len() <= EXACT {
        return agglomerate(points, &all, executor);
    }
    let cells = refined(points, cut(points, &all, executor), executor);
    let centers = Cells::of(points, &cells, executor);
    let (order, outer) = seriate_cells(&centers, executor);
    let ordered_cells = map_parallel(executor, order.iter(), |cell| agglomerate(points, &cells[*cell], &sequential));
    let mut ordered: Vec<usize> = Vec::with_capacity(points.len());
    // Where each cell begins, and where the last one ends.
    let (mut starts, mut merges) = (vec![0], Vec::with_capacity(points.len()));
    for (place, (mut members, mut inner)) in ordered_cells.into_iter().enumerate() {
        let (first, last) = (sum(points, members[0]), sum(points, members[members.len() - 1]));
        // The end that is more alike to what stands before goes first; the first cell looks at what comes after.
        let backward = match (ordered.last(), order.get(place + 1)) {
            (Some(before), _) => {
                let before = sum(points, *before);
                kernel::dot(&before, &last) > kernel::dot(&before, &first)
            }
            (None, Some(after)) => {
                let after = centers.sums.row(*after);
                kernel::dot(after, &first) > kernel::dot(after, &last)
            }
            (None, None) => false,
        };
        if backward {
            members.reverse();
            inner = inner.into_iter().map(|merge| merge.reversed(members.len())).collect();
        }
        merges.extend(inner.into_iter().map(|merge| merge.moved(ordered.len())));
        ordered.append(&mut members);
        starts.push(ordered.len());
    }
    merges.extend(outer.into_iter().map(|merge| Merge {
        rows: starts[merge.rows.start]..starts[merge.rows.end],
        middle: starts[merge.middle],
        height: merge.height,
    }));
    (ordered, merges)
}

/// [`seriate_points`] for the cells of a cut; a type of its own ends the recursion for the compiler.
fn seriate_cells(cells: &Cells, executor: Executor<'_>) -> (Vec<usize>, Vec<Merge>) {
    seriate_points(cells, executor)
}

/// Cuts points into cells of at most [`CELL`] alike ones.
fn cut(points: &impl Points, all: &[usize], executor: Executor<'_>) -> Vec<Vec<usize>> {
    let parts = k_means(points, all, executor);
    map_parallel(executor, parts.into_iter(), |part| cut_part(points, part)).concat()
}

fn cut_part(points: &impl Points, part: Vec<usize>) -> Vec<Vec<usize>> {
    let (mut waiting, mut cells) = (vec![part], Vec::new());
    while let Some(members) = waiting.pop() {
        if members.len() <= CELL {
            cells.push(members);
            continue;
        }
        let parts = k_means(points, &members, &sequential);
        if parts.len() > 1 {
            waiting.extend(parts.into_iter().rev());
        } else {
            // No direction tells these apart: any cut will do.
            cells.extend(members.chunks(CELL).map(<[usize]>::to_vec));
        }
    }
    cells
}

/// Reassigns every point to the nearest of its own cell and the cells around it. Early cuts went through clusters, and what
/// they cut off shares a cell with strangers until now. With too many cells for a table of their neighbors nothing changes.
fn refined(points: &impl Points, cells: Vec<Vec<usize>>, executor: Executor<'_>) -> Vec<Vec<usize>> {
    if cells.len() > EXACT {
        return cells;
    }
    let mut centroids = Cells::of(points, &cells, executor).sums;
    centroids.rows_mut().for_each(normalize);
    let around = nearest_cells(&centroids, executor);
    let nearest = map_parallel(executor, cells.iter().zip(&around), |(members, around)| {
        let mut nearest = Nearest::new(&centroids, around);
        members.iter().map(|at| nearest.to(&sum(points, *at))).collect::<Vec<_>>()
    });
    let mut better = vec![Vec::new(); cells.len()];
    for (at, cell) in cells.iter().flatten().zip(nearest.into_iter().flatten()) {
        better[cell].push(*at);
    }
    better.retain(|cell| !cell.is_empty());
    // Few cells grow, and a large one would take long to put in order.
    better
        .into_iter()
        .flat_map(|cell| if cell.len() > 4 * CELL { cut_part(points, cell) } else { vec![cell] })
        .collect()
}

/// The nearest cells of each cell, itself first, then at most [`CANDIDATES`] by falling cosine of the centroids.
fn nearest_cells(centroids: &Matrix, executor: Executor<'_>) -> Vec<Vec<usize>> {
    let len = centroids.len();
    let table = cosines(centroids, executor);
    map_parallel(executor, table.chunks(len.max(1)).enumerate(), |(own, values)| {
        let order = |a: &usize, b: &usize| values[*b].total_cmp(&values[*a]).then(a.cmp(b));
        let mut others: Vec<usize> = (0..len).filter(|at| *at != own).collect();
        if others.len() > CANDIDATES {
            others.select_nth_unstable_by(CANDIDATES, order);
            others.truncate(CANDIDATES);
        }
        others.sort_unstable_by(order);
        others.insert(0, own);
        others
    })
}

/// Clusters members by spherical k-means: centroids are learned on an even sample, then every member goes to the nearest.
fn k_means(points: &impl Points, members: &[usize], executor: Executor<'_>) -> Vec<Vec<usize>> {
    /// Members in a work item.
    const ITEM_LEN: usize = 1024;
    let wanted = FANOUT.min(members.len().div_ceil(CELL / 2));
    let sample = sums(points, evenly(members.len(), wanted * SAMPLE).map(|at| members[at]));
    let mut centroids = Matrix::zeros(wanted, points.dim());
    for (row, at) in evenly(sample.len(), wanted).enumerate() {
        accumulate(centroids.row_mut(row), sample.row(at));
    }
    for _ in 0..ROUNDS {
        let everywhere: Vec<_> = (0..centroids.len()).collect();
        let mut nearest = Nearest::new(&centroids, &everywhere);
        let (mut sums, mut taken) = (Matrix::zeros(centroids.len(), points.dim()), vec![false; centroids.len()]);
        for point in sample.rows() {
            let cell = nearest.to(point);
            accumulate(sums.row_mut(cell), point);
            taken[cell] = true;
        }
        sums.rows_mut().for_each(normalize);
        centroids = sums.only(&taken);
    }
    let everywhere: Vec<_> = (0..centroids.len()).collect();
    let nearest = map_parallel(executor, members.chunks(ITEM_LEN), |members| {
        let (mut nearest, mut point) = (Nearest::new(&centroids, &everywhere), vec![0.0; points.dim()]);
        let to = |at: &usize| {
            point.fill(0.0);
            points.add_to(&mut point, *at);
            nearest.to(&point)
        };
        members.iter().map(to).collect::<Vec<_>>()
    });
    let mut parts = vec![Vec::new(); centroids.len()];
    for (at, cell) in members.iter().zip(nearest.into_iter().flatten()) {
        parts[cell].push(*at);
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// At most `count` places of `len`, evenly spaced.
fn evenly(len: usize, count: usize) -> impl ExactSizeIterator<Item = usize> {
    let count = count.min(len);
    (0..count).map(move |at| at * len / count)
}

/// Finds the nearest of some centroids by dot product.
struct Nearest<'a> {
    centroids: &'a Matrix,
    among: &'a [usize],
    values: Vec<f64>,
}

impl<'a> Nearest<'a> {
    fn new(centroids: &'a Matrix, among: &'a [usize]) -> Self {
        Self { centroids, among, values: vec![0.0; among.len()] }
    }

    /// The row of the centroid nearest to a point; the first of equals.
    fn to(&mut self, point: &[f32]) -> usize {
        self.centroids.dots(point, self.among, &mut self.values);
        let mut best = 0;
        for (at, value) in self.values.iter().enumerate() {
            if *value > self.values[best] {
                best = at;
            }
        }
        self.among[best]
    }
}

fn normalize(sum: &mut [f32]) {
    let length = kernel::dot(sum, sum).sqrt() as f32;
    if length > 0.0 {
        sum.iter_mut().for_each(|v| *v /= length);
    }
}

fn accumulate(sum: &mut [f32], more: &[f32]) {
    sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}
