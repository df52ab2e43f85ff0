//! Maps of a collection: each picture a point in the plane, alike pictures near each other.
//!
//! Three methods on the unit vectors of the embeddings, so that near means a high cosine similarity: principal components
//! at once, and UMAP and t-SNE on the graph of the nearest pictures. A map is made of all pictures of an index; those that
//! come later are placed by their neighbors until it is made anew.

mod bytes;
mod pca;
mod quadtree;
mod quality;
mod rows;
mod tsne;
mod umap;

pub use self::quality::Quality;
use self::rows::Rows;
use super::random::Random;
use crate::{
    index::{ImageId, Index, IndexState},
    similarity::{Accuracy, Executor, Graph},
};

/// How pictures become points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, clap::ValueEnum)]
pub enum Method {
    /// Uniform manifold approximation and projection: clusters stand apart, and alike clusters near each other.
    #[default]
    Umap,
    /// t-distributed stochastic neighbor embedding: neighbors are kept best.
    Tsne,
    /// The first two principal components: what differs most, at once; distances mean something.
    Pca,
}

impl Method {
    /// All of them, the usual one first.
    pub const ALL: [Self; 3] = [Self::Umap, Self::Tsne, Self::Pca];

    /// The name for files and the command line.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Umap => "umap",
            Self::Tsne => "tsne",
            Self::Pca => "pca",
        }
    }

    /// The name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Umap => "UMAP",
            Self::Tsne => "t-SNE",
            Self::Pca => "PCA",
        }
    }

    /// The next of them.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Umap => Self::Tsne,
            Self::Tsne => Self::Pca,
            Self::Pca => Self::Umap,
        }
    }
}

/// Up to this many pictures have a map that is exact: their plane.
const EXACT: usize = 3;

/// Neighbors by which a picture that came later is placed.
const PLACED_BY: usize = 6;

/// More than one in so many pictures that were only placed, and a map should be made anew.
const STALE: usize = 5;

/// A point for each picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    /// How it was made.
    pub method: Method,
    /// How far it can be trusted, once that was measured.
    pub quality: Option<Quality>,
    /// The share of all variance that the plane of [`Method::Pca`] shows.
    pub explained: Option<f32>,
    /// How far the nearest pictures from which it was made are the nearest there are; [`Method::Pca`] needs none.
    pub accuracy: Accuracy,
    /// By [`ImageId::at`]; no number for a picture that has no point.
    points: Vec<[f32; 2]>,
    /// The pictures that were placed by their neighbors, in order of id.
    placed: Vec<ImageId>,
    made_of: IndexState,
}

impl Projection {
    /// Where a picture lies.
    #[must_use]
    pub fn point(&self, id: ImageId) -> Option<[f32; 2]> {
        self.points.get(id.at()).copied().filter(|point| !point[0].is_nan())
    }

    /// All points, in order of id.
    pub fn points(&self) -> impl Iterator<Item = (ImageId, [f32; 2])> + '_ {
        let points = self.points.iter().enumerate();
        points.filter(|(_, point)| !point[0].is_nan()).map(|(at, point)| (ImageId(at as u32), *point))
    }

    /// How many pictures were placed by their neighbors because they came after the map was made.
    #[must_use]
    pub fn placed(&self) -> usize {
        self.placed.len()
    }

    /// Whether so many were that it should be made anew.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.placed.len() * STALE > self.points().count()
    }

    /// The state of the index that it shows.
    #[must_use]
    pub fn made_of(&self) -> IndexState {
        self.made_of
    }

    /// See [`Index::id_bound`].
    #[must_use]
    pub fn id_bound(&self) -> usize {
        self.points.len()
    }

    /// The map for the index as it is now: pictures that went have no point, and new ones are placed by their neighbors in
    /// a graph of that index. The quality is not measured again. `None` for an index of another run.
    #[must_use]
    pub fn following(&self, index: &Index, graph: Option<&Graph>) -> Option<Self> {
        if self.made_of.run != index.run() {
            return None;
        }
        let mut next = self.clone();
        next.made_of = index.state();
        next.points.resize(index.id_bound(), [f32::NAN; 2]);
        next.placed.retain(|id| index.contains(*id));
        for (at, point) in next.points.iter_mut().enumerate() {
            if !index.contains(ImageId(at as u32)) {
                *point = [f32::NAN; 2];
            }
        }
        let missing: Vec<_> =
            index.iter().map(|entry| entry.id).filter(|id| next.points[id.at()][0].is_nan()).collect();
        // Only pictures that the map was made of place others, so that the order in which these came does not matter.
        let made =
            |id: ImageId| self.point(id).filter(|_| self.placed.binary_search(&id).is_err() && index.contains(id));
        let known: Vec<_> = index.iter().filter_map(|entry| made(entry.id)).collect();
        let middle = medoid(known.iter().copied().step_by(known.len() / 64 + 1).collect());
        for id in missing {
            let near = graph
                .map_or(&[][..], |graph| graph.neighbors(id))
                .iter()
                .filter_map(|edge| made(edge.id))
                .take(PLACED_BY)
                .collect();
            next.points[id.at()] = medoid(near).or(middle).unwrap_or([0.0; 2]);
            next.placed.push(id);
        }
        if let Some(graph) = graph {
            next.accuracy = next.accuracy.and(graph.accuracy());
        }
        next.placed.sort_unstable();
        Some(next)
    }
}

/// Between the points that lie closest together: the mean of that half of them that lies nearest to the one with the least
/// distance to all. A mean of all would lie between two clusters, where nothing is.
fn medoid(points: Vec<[f32; 2]>) -> Option<[f32; 2]> {
    let apart = |a: &[f32; 2], b: &[f32; 2]| (a[0] - b[0]).hypot(a[1] - b[1]);
    let from_all = |point: &[f32; 2]| points.iter().map(|other| apart(point, other)).sum::<f32>();
    let center = *points.iter().min_by(|a, b| from_all(a).total_cmp(&from_all(b)))?;
    let mut points = points;
    points.sort_by(|a, b| apart(a, &center).total_cmp(&apart(b, &center)));
    points.truncate(points.len().div_ceil(2));
    let count = points.len() as f32;
    Some([0, 1].map(|axis| points.iter().map(|point| point[axis]).sum::<f32>() / count))
}

/// Makes maps of an index.
pub struct Projector<'a> {
    index: &'a Index,
    rows: Rows,
    seed: u64,
    executor: Executor<'a>,
    superseded: &'a dyn Fn() -> bool,
}

impl<'a> Projector<'a> {
    /// Maps of the same pictures with the same seed are the same, in whatever order the pictures were indexed, as far as
    /// `graph`s are.
    #[must_use]
    pub fn new(index: &'a Index, seed: u64, executor: Executor<'a>, superseded: &'a dyn Fn() -> bool) -> Self {
        Self { index, rows: Rows::of(index), seed, executor, superseded }
    }

    /// The map by [`Method::Pca`]; `None` when it was superseded.
    #[must_use]
    pub fn pca(&self) -> Option<Projection> {
        let found = pca::pca(self.index, &self.rows, self.seed, self.executor, self.superseded)?;
        let mut projection = self.projection(Method::Pca, &found.points);
        projection.explained = Some(found.explained);
        Some(projection)
    }

    /// The map by a method, from where the points lie on another one of the same pictures. `progress` gets the share that
    /// is done and may ask for the map as it is. `None` when it was superseded.
    #[must_use]
    pub fn refine(
        &self,
        start: &Projection,
        method: Method,
        graph: &Graph,
        progress: &mut dyn FnMut(f64, &dyn Fn() -> Projection),
    ) -> Option<Projection> {
        let points = self.by_place(start);
        let improve = match method {
            Method::Umap => umap::umap,
            Method::Tsne => tsne::tsne,
            Method::Pca => return Some(start.clone()),
        };
        if self.rows.len() <= EXACT {
            return Some(self.projection(method, &points));
        }
        let made = |points: &[[f32; 2]]| Projection { accuracy: graph.accuracy(), ..self.projection(method, points) };
        let mut report = |share: f64, points: &[[f32; 2]]| progress(share, &|| made(points));
        let mut points = improve(&self.rows, graph, &points, self.seed, self.executor, self.superseded, &mut report)?;
        lay_lengthwise(&mut points);
        narrow_gaps(&mut points);
        Some(made(&points))
    }

    /// How far a map can be trusted. `None` for fewer than three pictures, or when it was superseded.
    #[must_use]
    pub fn quality(&self, map: &Projection, progress: &mut dyn FnMut(f64)) -> Option<Quality> {
        quality::quality(self.index, &self.rows, &self.by_place(map), self.executor, self.superseded, progress)
    }

    fn by_place(&self, map: &Projection) -> Vec<[f32; 2]> {
        self.rows.ids.iter().map(|id| map.point(*id).unwrap_or_default()).collect()
    }

    fn projection(&self, method: Method, by_place: &[[f32; 2]]) -> Projection {
        let mut points = vec![[f32::NAN; 2]; self.index.id_bound()];
        for (id, point) in self.rows.ids.iter().zip(by_place) {
            points[id.at()] = *point;
        }
        Projection {
            method,
            quality: None,
            explained: None,
            accuracy: Accuracy::Exact,
            points,
            placed: Vec::new(),
            made_of: self.index.state(),
        }
    }
}

/// Turns points around their center so that they spread widest from left to right, as screens do: UMAP and t-SNE say
/// nothing by the direction.
fn lay_lengthwise(points: &mut [[f32; 2]]) {
    let count = points.len().max(1) as f64;
    let mean = [0, 1].map(|axis: usize| points.iter().map(|point| f64::from(point[axis])).sum::<f64>() / count);
    let moment = |a: usize, b: usize| {
        points.iter().map(|point| (f64::from(point[a]) - mean[a]) * (f64::from(point[b]) - mean[b])).sum::<f64>()
    };
    let angle = 0.5 * (2.0 * moment(0, 1)).atan2(moment(0, 0) - moment(1, 1));
    let (sine, cosine) = angle.sin_cos();
    for point in points {
        let [x, y] = [0, 1].map(|axis: usize| f64::from(point[axis]) - mean[axis]);
        *point = [(cosine * x + sine * y) as f32, (cosine * y - sine * x) as f32];
    }
}

/// A strip without points takes at most one in so many parts of a map's width or height.
const GAPS: f32 = 12.0;

/// Moves what lies beyond wide empty strips nearer, along both axes: UMAP and t-SNE say nothing by how far apart clusters
/// lie, and a screen has few dots. What is on one side of a strip moves as a whole, so that all else stays.
fn narrow_gaps(points: &mut [[f32; 2]]) {
    for axis in 0..2 {
        let mut order: Vec<_> = (0..points.len()).collect();
        order.sort_unstable_by(|a, b| points[*a][axis].total_cmp(&points[*b][axis]).then(a.cmp(b)));
        let gaps: Vec<f32> = order.windows(2).map(|pair| points[pair[1]][axis] - points[pair[0]][axis]).collect();
        // The widest strip depends on the width, and that on the strips.
        let narrowed = |widest: f32| gaps.iter().map(|gap| gap.min(widest)).sum::<f32>();
        let widest = (0..20).fold(f32::INFINITY, |widest, _| narrowed(widest) / GAPS);
        // With few points every gap is a wide one.
        if points.len() < 2 * GAPS as usize || !widest.is_finite() {
            continue;
        }
        let mut at = points[order[0]][axis];
        for (place, gap) in order[1..].iter().zip(&gaps) {
            at += gap.min(widest);
            points[*place][axis] = at;
        }
    }
}

/// The points around the origin, scaled to a width, each a little moved: equal ones would never come apart.
fn spread(points: &[[f32; 2]], width: f32, seed: u64) -> Vec<[f32; 2]> {
    let bounds = |axis: usize| {
        let values = points.iter().map(|point| point[axis]);
        values.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
    };
    let bounds = [bounds(0), bounds(1)];
    let extent = bounds.map(|(low, high)| high - low).into_iter().fold(0.0, f32::max);
    let (scale, jitter) = if extent > 0.0 { (width / extent, 1e-3 * width) } else { (0.0, 0.5 * width) };
    let mut random = Random::of(seed, 0);
    let mut place = |point: &[f32; 2]| {
        [0, 1]
            .map(|axis| (point[axis] - bounds[axis].0.midpoint(bounds[axis].1)) * scale + jitter * random.around_zero())
    };
    points.iter().map(&mut place).collect()
}

#[cfg(test)]
mod tests;
