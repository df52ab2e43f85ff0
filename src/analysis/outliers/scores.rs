//! The two scores of outliers, and the rule by which one is flagged.

use super::Outlier;
use crate::{
    index::ImageId,
    similarity::{Graph, graph::Edge},
};

/// Deviations above the median from which a picture is flagged (Iglewicz and Hoaglin, "How to detect and handle outliers",
/// 1993).
pub const FLAGGED: f32 = 3.5;

/// A score is never flagged when it is less than this part above the median, however alike the others are.
const NOTICED: f32 = 0.1;

/// Smaller distances are taken for this one: stored embeddings are rounded, and a copy is not a thousand times denser than
/// a near copy.
const LEAST: f64 = 1e-3;

/// Pictures compared with each other from which on one of them can be flagged: the deviation of fewer says nothing.
const FEW: usize = 8;

/// By what pictures are ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Measure {
    /// The mean distance to the k nearest (Angiulli and Pizzuti, "Fast outlier detection in high dimensional spaces", 2002).
    #[default]
    Distance,
    /// The local outlier factor (Breunig et al., "LOF: identifying density-based local outliers", 2000).
    Factor,
}

impl Measure {
    /// The other one.
    #[must_use]
    pub fn toggled(self) -> Self {
        match self {
            Self::Distance => Self::Factor,
            Self::Factor => Self::Distance,
        }
    }

    /// The name used on screens, in JSON and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Distance => "distance",
            Self::Factor => "lof",
        }
    }
}

/// Scores of pictures that are compared with each other, folder by folder or all at once.
#[derive(Debug, Clone)]
pub struct Scores {
    /// By [`ImageId::at`]; NaN for what cannot be compared. In the order of [`Measure`].
    values: [Vec<f32>; 2],
    /// Deviations from the median of those that a picture is compared with.
    deviations: [Vec<f32>; 2],
    /// The pictures by falling deviation, then by falling score.
    ranked: [Vec<Outlier>; 2],
}

impl Scores {
    pub(super) fn new(id_bound: usize) -> Self {
        let empty = || [vec![f32::NAN; id_bound], vec![f32::NAN; id_bound]];
        Self { values: empty(), deviations: empty(), ranked: [Vec::new(), Vec::new()] }
    }

    /// Scores pictures among each other by their nearest neighbors, in whose graph the picture at a place has this
    /// `number`.
    pub(super) fn add(&mut self, ids: &[ImageId], graph: &Graph, k: usize, number: impl Fn(usize) -> ImageId + Copy) {
        let nearest = |id: ImageId| &graph.neighbors(id)[..k.min(graph.neighbors(id).len())];
        let mut reach = vec![0.0; graph.id_bound()];
        let mut density = vec![0.0; graph.id_bound()];
        for id in (0..ids.len()).map(number) {
            reach[id.at()] = nearest(id).last().map_or(0.0, distance);
        }
        for id in (0..ids.len()).map(number) {
            let mean = mean(nearest(id).iter().map(|edge| distance(edge).max(reach[edge.id.at()])));
            density[id.at()] = 1.0 / mean.max(LEAST);
        }
        for (place, id) in ids.iter().enumerate() {
            let own = number(place);
            if nearest(own).is_empty() {
                continue;
            }
            let around = mean(nearest(own).iter().map(|edge| density[edge.id.at()]));
            self.values[Measure::Distance as usize][id.at()] = mean(nearest(own).iter().map(distance)) as f32;
            self.values[Measure::Factor as usize][id.at()] = (around / density[own.at()]) as f32;
        }
        for (values, deviations) in self.values.iter().zip(&mut self.deviations) {
            let own: Vec<f32> = ids.iter().map(|id| values[id.at()]).filter(|value| !value.is_nan()).collect();
            let deviation = deviation(own);
            ids.iter().for_each(|id| deviations[id.at()] = deviation(values[id.at()]));
        }
    }

    /// A picture's scores, with its deviation by a measure: the modified z-score of Iglewicz and Hoaglin,
    /// 0.6745·(score − median) / MAD, where MAD is the median absolute deviation; where that is 0 because more than half of
    /// the scores are equal, (score − median) / (1.2533 · mean absolute deviation). A score less than a tenth above the
    /// median is within [`FLAGGED`] of it however alike the others are. NaN among fewer than 8 pictures: their deviation
    /// says nothing.
    #[must_use]
    pub fn get(&self, measure: Measure, id: ImageId) -> Option<Outlier> {
        let of = |table: &[Vec<f32>; 2], measure: Measure| table[measure as usize].get(id.at()).copied();
        let distance = of(&self.values, Measure::Distance).filter(|value| !value.is_nan())?;
        let factor = of(&self.values, Measure::Factor)?;
        Some(Outlier { id, distance, factor, deviation: of(&self.deviations, measure)? })
    }

    /// The pictures by falling deviation, then by falling score.
    pub(super) fn ranked(&self, measure: Measure) -> &[Outlier] {
        &self.ranked[measure as usize]
    }

    /// Ranks the pictures, once all have scores.
    pub(super) fn rank(&mut self) {
        self.ranked = [Measure::Distance, Measure::Factor].map(|measure| self.sorted(measure));
    }

    fn sorted(&self, measure: Measure) -> Vec<Outlier> {
        let ids = (0..self.values[0].len()).map(|at| ImageId(at as u32));
        let mut ranked: Vec<Outlier> = ids.filter_map(|id| self.get(measure, id)).collect();
        let score = |outlier: &Outlier| match measure {
            Measure::Distance => outlier.distance,
            Measure::Factor => outlier.factor,
        };
        // What has no deviation comes last.
        let deviation =
            |outlier: &Outlier| if outlier.deviation.is_nan() { f32::NEG_INFINITY } else { outlier.deviation };
        ranked.sort_by(|a, b| {
            deviation(b).total_cmp(&deviation(a)).then(score(b).total_cmp(&score(a))).then(a.id.cmp(&b.id))
        });
        ranked
    }
}

/// The euclidean distance of unit vectors whose cosine an edge holds.
fn distance(edge: &Edge) -> f64 {
    (2.0 - 2.0 * f64::from(edge.value)).max(0.0).sqrt()
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1) as f64;
    values.sum::<f64>() / count
}

/// How to turn a score into deviations from the median of some scores.
fn deviation(mut scores: Vec<f32>) -> impl Fn(f32) -> f32 {
    let enough = scores.len() >= FEW;
    let center = median(&mut scores);
    let mut off: Vec<f32> = scores.iter().map(|score| (score - center).abs()).collect();
    let spread = match median(&mut off) / 0.6745 {
        // Rounding makes equal scores differ a little.
        spread if spread > 1e-6 => spread,
        _ => 1.2533 * off.iter().sum::<f32>() / off.len().max(1) as f32,
    };
    let spread = spread.max(NOTICED / FLAGGED * center.abs());
    move |score| match (enough, spread > 1e-6) {
        (false, _) => f32::NAN,
        (true, false) => 0.0,
        (true, true) => (score - center) / spread,
    }
}

/// The middle value, or the mean of both middle ones; 0 for none.
fn median(values: &mut [f32]) -> f32 {
    values.sort_unstable_by(f32::total_cmp);
    match values.len() {
        0 => 0.0,
        len if len % 2 == 1 => values[len / 2],
        len => f32::midpoint(values[len / 2 - 1], values[len / 2]),
    }
}
