//! Who or what is it? A gallery holds embeddings under names; something seen is compared with the center of each name.
//!
//! Whether it is given the best name or none follows from a [`Criterion`]; [`trials`] tells how often that goes wrong.

pub mod impostors;
mod strangers;
pub mod trials;

use std::{
    cmp::Ordering,
    path::{Path, PathBuf},
};

use self::impostors::ImpostorDistribution;
use super::roc::PairDistances;
use crate::{
    face::Face,
    index::{Entry, Index, labels::Labels},
    similarity::Metric,
};

/// A face in a picture, or all of it, and its embedding.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    /// Where the face is; `None` is the whole picture.
    pub face: Option<Face>,
    /// The raw embedding.
    pub embedding: Vec<f32>,
}

/// An embedding that is known by a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The number of the name.
    pub name: usize,
    /// The raw embedding.
    pub embedding: Vec<f32>,
    /// Its euclidean norm.
    norm: f32,
    /// The picture.
    pub path: PathBuf,
}

/// Names, each with the embeddings that are known by it. The center of a name is the mean of its embeddings: by cosine
/// similarity of their directions, by euclidean distance of themselves.
#[derive(Debug, Clone, Default)]
pub struct Gallery {
    names: Vec<Name>,
    samples: Vec<Sample>,
    /// How alike pictures of two names are to the model, where that was measured with others.
    pub impostors: Option<ImpostorDistribution>,
}

#[derive(Debug, Clone)]
struct Name {
    text: String,
    count: usize,
    /// Sums of directions and of embeddings, as [`Metric::ALL`] orders them.
    sums: [Vec<f32>; 2],
    centers: [Vec<f32>; 2],
}

/// A name and how alike its center is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// The number of the name.
    pub name: usize,
    /// Cosine similarity or euclidean distance.
    pub value: f32,
}

/// What it takes to be given a name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Criterion {
    /// How embeddings are compared.
    pub metric: Metric,
    /// The best name must be at least so alike: a least cosine similarity or a greatest distance. `None` names nobody.
    pub threshold: Option<f32>,
    /// It must be so much more alike than the second, in the metric's unit.
    pub margin: f32,
}

/// What became of a region.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Identity {
    /// The most alike name.
    pub best: Option<Candidate>,
    /// The one after it.
    pub second: Option<Candidate>,
    /// Whether the best is the answer; else it is unknown.
    pub is_known: bool,
}

/// A face stands for its picture when it has so many times the area of the next one: it is twice as wide.
const CLEARLY_LARGER: f32 = 4.0;

/// Whether it is clear that the name of a picture is meant for this row: it stands for the picture, or for the only face in
/// it, or for one far larger than all others.
#[must_use]
pub fn is_meant(index: &Index, entry: &Entry<'_>) -> bool {
    let size = |face: &Face| (face.area[2] - face.area[0]) * (face.area[3] - face.area[1]);
    let Some(own) = entry.face() else { return true };
    let others =
        index.of_one_picture(entry.id).filter(|id| *id != entry.id).filter_map(|id| index.get(id)?.face().copied());
    others.into_iter().all(|other| size(own) >= CLEARLY_LARGER * size(&other))
}

impl Gallery {
    /// The pictures of an index that have a label, by the label's name, or the face that is meant by it in each. Equal names
    /// are one.
    #[must_use]
    pub fn of(index: &Index, labels: &Labels) -> Self {
        let mut gallery = Self::default();
        let mut named: Vec<_> = index
            .iter()
            .filter(|entry| is_meant(index, entry))
            .filter_map(|entry| Some((labels.name(labels.of(entry.id)?), entry.path(), entry.embedding())))
            .collect();
        named.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        for (name, path, embedding) in named {
            gallery.enroll(name, &path, embedding);
        }
        gallery
    }

    /// Adds an embedding under a name, which may be new.
    pub fn enroll(&mut self, name: &str, path: &Path, embedding: Vec<f32>) {
        let dim = embedding.len();
        let number = self.number(name).unwrap_or_else(|| {
            let zeros = [vec![0.0; dim], vec![0.0; dim]];
            self.names.push(Name { text: name.to_owned(), count: 0, centers: zeros.clone(), sums: zeros });
            self.names.len() - 1
        });
        let sample = Sample { name: number, norm: norm(&embedding), embedding, path: path.to_owned() };
        self.names[number].add(&sample, 1.0);
        self.samples.push(sample);
    }

    /// Takes the embedding of a picture out again; a name that has no other goes with it.
    pub fn drop_picture(&mut self, path: &Path) {
        let Some(at) = self.samples.iter().rposition(|sample| sample.path == path) else { return };
        let sample = self.samples.remove(at);
        self.names[sample.name].add(&sample, -1.0);
        if self.names[sample.name].count == 0 {
            self.names.remove(sample.name);
            for other in self.samples.iter_mut().filter(|other| other.name > sample.name) {
                other.name -= 1;
            }
        }
    }

    /// Pairs of pictures with one embedding and two names, each picture with the first of those that are like it: nobody can
    /// tell the names apart by them, and no threshold between them is left.
    #[must_use]
    pub fn contradictions(&self) -> Vec<[&Sample; 2]> {
        let mut samples: Vec<_> = self.samples.iter().collect();
        let order = |a: &Sample, b: &Sample| {
            let mut values = a.embedding.iter().zip(&b.embedding).map(|(a, b)| a.total_cmp(b));
            values.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        };
        samples.sort_by(|a, b| order(a, b).then((a.name, &a.path).cmp(&(b.name, &b.path))));
        let alike = samples.chunk_by(|a, b| order(a, b).is_eq());
        let mut found: Vec<_> = alike
            .flat_map(|alike| {
                alike.iter().filter(|sample| sample.name != alike[0].name).map(|other| [alike[0], *other])
            })
            .collect();
        found.sort_by(|a, b| a.map(|sample| &sample.path).cmp(&b.map(|sample| &sample.path)));
        found
    }

    /// How many names there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// A name, safe to show.
    #[must_use]
    pub fn name(&self, number: usize) -> &str {
        self.names.get(number).map_or("", |name| &name.text)
    }

    /// The number of a name.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known.text == name)
    }

    /// How many embeddings a name has.
    #[must_use]
    pub fn count(&self, number: usize) -> usize {
        self.names.get(number).map_or(0, |name| name.count)
    }

    /// Every embedding with its name.
    #[must_use]
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// How alike an embedding and the center of a name are.
    #[must_use]
    pub fn value(&self, metric: Metric, name: usize, embedding: &[f32]) -> f32 {
        self.names[name].value(metric, embedding, norm(embedding))
    }

    /// The two names whose centers are the most alike.
    #[must_use]
    pub fn best(&self, metric: Metric, embedding: &[f32]) -> [Option<Candidate>; 2] {
        let norm = norm(embedding);
        let all = self.names.iter().enumerate();
        best_two(metric, all.map(|(name, center)| (name, center.value(metric, embedding, norm))))
    }

    /// The embedding of a name that is the most alike.
    #[must_use]
    pub fn nearest_sample(&self, metric: Metric, name: usize, embedding: &[f32]) -> Option<&Sample> {
        let of_name = self.samples.iter().filter(|sample| sample.name == name);
        let valued = of_name.map(|sample| (sample, sample.value(metric, embedding)));
        valued.min_by(|a, b| metric.nearer(a.1, b.1)).map(|(sample, _)| sample)
    }

    /// The distances of all pairs of embeddings, 1 − cosine or euclidean; pairs of one name are of one group. `None` when
    /// it was `stopped`; `on_progress` is called with the number of embeddings done.
    #[must_use]
    pub fn pairs(
        &self,
        metric: Metric,
        stopped: &dyn Fn() -> bool,
        on_progress: &mut dyn FnMut(usize),
    ) -> Option<PairDistances> {
        let mut pairs = PairDistances::default();
        for (done, a) in self.samples.iter().enumerate() {
            if stopped() {
                return None;
            }
            on_progress(done);
            for b in &self.samples[..done] {
                let distance = match metric {
                    Metric::Cosine if a.norm > 0.0 && b.norm > 0.0 => {
                        1.0 - reduce(&a.embedding, &b.embedding, |a, b| a * b) / (a.norm * b.norm)
                    }
                    Metric::Cosine => 1.0,
                    Metric::Euclidean => reduce(&a.embedding, &b.embedding, |a, b| (a - b) * (a - b)).sqrt(),
                };
                pairs.add(distance, a.name == b.name);
            }
        }
        Some(pairs)
    }

    /// For each name how closely its pictures lie around its center: by euclidean distance their mean squared distance from
    /// it, by cosine similarity the length of the mean of their directions.
    fn spreads(&self, metric: Metric) -> Vec<f32> {
        let mut squares = vec![0.0; self.names.len()];
        for sample in &self.samples {
            squares[sample.name] += sample.norm * sample.norm;
        }
        let spread = |(name, squares): (&Name, f32)| {
            let count = name.count as f32;
            match metric {
                Metric::Cosine => norm(&name.sums[place(metric)]) / count,
                Metric::Euclidean => (squares / count - norm(&name.centers[place(metric)]).powi(2)).max(0.0),
            }
        };
        self.names.iter().zip(squares).map(spread).collect()
    }

    /// Gives each region of one picture a name or none. Nothing is in one picture twice: of several regions whose best
    /// name is the same, the most alike gets it, and the others are unknown.
    #[must_use]
    pub fn identify(&self, regions: &[Region], criterion: &Criterion) -> Vec<Identity> {
        let mut found: Vec<_> = regions
            .iter()
            .map(|region| {
                let [best, second] = self.best(criterion.metric, &region.embedding);
                Identity { best, second, is_known: criterion.is_met(best, second) }
            })
            .collect();
        let mut order: Vec<_> = (0..found.len()).filter(|at| found[*at].is_known).collect();
        let value = |at: usize| found[at].best.map_or(f32::NAN, |best| best.value);
        order.sort_by(|a, b| criterion.metric.nearer(value(*a), value(*b)));
        let mut given = vec![false; self.len()];
        for at in order {
            if let Some(best) = found[at].best {
                found[at].is_known = !std::mem::replace(&mut given[best.name], true);
            }
        }
        found
    }
}

impl Name {
    /// Adds an embedding, or takes it away with a weight of −1.
    fn add(&mut self, sample: &Sample, weight: f32) {
        let scale = weight * sample.direction_scale();
        let [directions, sums] = &mut self.sums;
        for ((direction, sum), value) in directions.iter_mut().zip(sums).zip(&sample.embedding) {
            *direction += value * scale;
            *sum += value * weight;
        }
        self.count = self.count.saturating_add_signed(if weight > 0.0 { 1 } else { -1 });
        self.centers = Metric::ALL.map(|metric| center(metric, &self.sums[place(metric)], self.count));
    }

    fn value(&self, metric: Metric, embedding: &[f32], norm: f32) -> f32 {
        to_center(metric, embedding, norm, &self.centers[place(metric)])
    }

    /// How alike one of its embeddings and the center of the others are; `None` when there is no other.
    fn value_without(&self, metric: Metric, sample: &Sample) -> Option<f32> {
        let count = self.count.checked_sub(1).filter(|count| *count > 0)?;
        let scale = if metric == Metric::Cosine { sample.direction_scale() } else { 1.0 };
        let rest: Vec<_> =
            self.sums[place(metric)].iter().zip(&sample.embedding).map(|(sum, value)| sum - value * scale).collect();
        Some(to_center(metric, &sample.embedding, sample.norm, &center(metric, &rest, count)))
    }
}

impl Sample {
    fn direction_scale(&self) -> f32 {
        if self.norm > 0.0 { 1.0 / self.norm } else { 0.0 }
    }

    fn value(&self, metric: Metric, embedding: &[f32]) -> f32 {
        let own = match metric {
            Metric::Cosine => &center(metric, &self.embedding, 1),
            Metric::Euclidean => &self.embedding,
        };
        to_center(metric, embedding, norm(embedding), own)
    }
}

impl Criterion {
    /// Whether the best name is the answer.
    #[must_use]
    pub fn is_met(&self, best: Option<Candidate>, second: Option<Candidate>) -> bool {
        let (Some(best), Some(threshold)) = (best, self.threshold) else { return false };
        let reaches = self.metric.nearer(best.value, threshold) != Ordering::Greater;
        reaches && second.is_none_or(|second| self.lead(best.value, second.value) >= self.margin)
    }

    /// By how much a value is more alike than another one, in the metric's unit.
    #[must_use]
    pub fn lead(&self, best: f32, second: f32) -> f32 {
        match self.metric {
            Metric::Cosine => best - second,
            Metric::Euclidean => second - best,
        }
    }
}

fn place(metric: Metric) -> usize {
    usize::from(metric == Metric::Euclidean)
}

/// The center of the embeddings behind a sum: of length 1 for the cosine similarity, their mean for the distance.
fn center(metric: Metric, sum: &[f32], count: usize) -> Vec<f32> {
    let divisor = match metric {
        Metric::Cosine => norm(sum),
        Metric::Euclidean => count as f32,
    };
    let scale = if divisor > 0.0 { 1.0 / divisor } else { 0.0 };
    sum.iter().map(|value| value * scale).collect()
}

fn to_center(metric: Metric, embedding: &[f32], norm: f32, center: &[f32]) -> f32 {
    match metric {
        Metric::Cosine if norm > 0.0 => (reduce(embedding, center, |a, b| a * b) / norm).clamp(-1.0, 1.0),
        Metric::Cosine => 0.0,
        Metric::Euclidean => reduce(embedding, center, |a, b| (a - b) * (a - b)).max(0.0).sqrt(),
    }
}

fn norm(values: &[f32]) -> f32 {
    reduce(values, values, |a, b| a * b).sqrt()
}

/// The sum of something over two rows, in eight parts, so that a processor adds eight at once.
fn reduce(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let ((chunks_a, rest_a), (chunks_b, rest_b)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (a, b) in chunks_a.iter().zip(chunks_b) {
        for lane in 0..8 {
            sums[lane] += term(a[lane], b[lane]);
        }
    }
    sums.iter().sum::<f32>() + rest_a.iter().zip(rest_b).map(|(a, b)| term(*a, *b)).sum::<f32>()
}

/// The most alike of some names and the one after it; of equal ones the first.
fn best_two(metric: Metric, values: impl Iterator<Item = (usize, f32)>) -> [Option<Candidate>; 2] {
    let mut best = [None; 2];
    for (name, value) in values {
        let now = Some(Candidate { name, value });
        let beats = |other: Option<Candidate>| {
            other.is_none_or(|other: Candidate| metric.nearer(value, other.value) == Ordering::Less)
        };
        if beats(best[0]) {
            best = [now, best[0]];
        } else if beats(best[1]) {
            best[1] = now;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gallery(rows: &[(&str, [f32; 2])]) -> Gallery {
        let mut gallery = Gallery::default();
        for (at, (name, row)) in rows.iter().enumerate() {
            gallery.enroll(name, Path::new(&at.to_string()), row.to_vec());
        }
        gallery
    }

    fn region(row: [f32; 2]) -> Region {
        Region { face: None, embedding: row.to_vec() }
    }

    const CRITERION: Criterion = Criterion { metric: Metric::Cosine, threshold: Some(0.9), margin: 0.0 };

    #[test]
    fn the_nearest_center_is_the_answer_if_it_is_near_enough_and_leads_by_the_margin() {
        let gallery = gallery(&[("right", [1.0, 0.0]), ("right", [8.0, 1.0]), ("up", [0.0, 1.0])]);
        let answer = |row, criterion: Criterion| gallery.identify(&[region(row)], &criterion)[0];
        let right = answer([5.0, 0.5], CRITERION);
        assert!(right.is_known && right.best.map(|best| gallery.name(best.name)) == Some("right"), "{right:?}");
        assert_eq!(right.second.map(|second| gallery.name(second.name)), Some("up"));
        assert!(!answer([1.0, 1.0], CRITERION).is_known, "between both");
        assert!(!answer([5.0, 0.5], Criterion { threshold: None, ..CRITERION }).is_known);
        assert!(!answer([5.0, 2.4], Criterion { margin: 0.6, ..CRITERION }).is_known, "the lead is too small");
        assert!(answer([5.0, 2.4], Criterion { margin: 0.3, ..CRITERION }).is_known);
        // The mean of the embeddings of "right" is (4.5, 0.5).
        let euclidean = Criterion { metric: Metric::Euclidean, threshold: Some(0.1), margin: 0.0 };
        assert!(answer([4.5, 0.45], euclidean).is_known && !answer([4.5, 0.65], euclidean).is_known);
    }

    #[test]
    fn two_regions_of_one_picture_never_get_one_name() {
        let gallery = gallery(&[("a", [1.0, 0.0]), ("b", [0.0, 1.0])]);
        let found = gallery.identify(&[region([1.0, 0.2]), region([1.0, 0.1]), region([0.1, 1.0])], &CRITERION);
        assert_eq!(found.iter().map(|one| one.is_known).collect::<Vec<_>>(), [false, true, true]);
    }

    #[test]
    fn what_was_enrolled_last_can_be_dropped_and_its_name_with_it() {
        let mut gallery = gallery(&[("a", [1.0, 0.0]), ("b", [0.0, 1.0]), ("c", [1.0, 1.0]), ("c", [2.0, 1.0])]);
        gallery.drop_picture(Path::new("1"));
        assert_eq!((gallery.len(), gallery.number("b"), gallery.samples()[2].name), (2, None, 1));
        gallery.drop_picture(Path::new("3"));
        assert!((gallery.value(Metric::Euclidean, 1, &[1.0, 1.0])).abs() < 1e-6, "the center moved back");
        gallery.drop_picture(Path::new("not there"));
        assert_eq!(gallery.len(), 2);
    }

    #[test]
    fn one_picture_under_two_names_is_a_contradiction_and_twice_under_one_is_none() {
        let rows = [("a", [0.0, 1.0]), ("a", [0.0, 1.0]), ("b", [0.0, 1.0]), ("b", [1.0, 0.0]), ("c", [1.0, -0.0])];
        let gallery = gallery(&rows);
        let paths = |[one, other]: [&Sample; 2]| [one, other].map(|sample| sample.path.display().to_string());
        assert_eq!(gallery.contradictions().into_iter().map(paths).collect::<Vec<_>>(), [["0", "2"]]);
    }

    #[test]
    fn nothing_and_zeros_are_ordinary() {
        let empty = Gallery::default();
        assert!(empty.contradictions().is_empty());
        assert_eq!(empty.identify(&[region([1.0, 0.0])], &CRITERION)[0].best, None);
        let zeros = gallery(&[("a", [0.0, 0.0])]);
        assert_eq!(zeros.value(Metric::Cosine, 0, &[0.0, 0.0]), 0.0);
        assert_eq!(zeros.value(Metric::Euclidean, 0, &[0.0, 0.0]), 0.0);
        assert!(zeros.identify(&[], &CRITERION).is_empty());
    }
}
