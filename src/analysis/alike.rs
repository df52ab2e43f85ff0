//! Which pictures of a collection look alike: groups of pictures that are all about as alike to one of them.

use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
};

use super::{alignment::Alignment, keeper::Reason};
use crate::{
    index::{ImageId, Index},
    similarity::{Graph, Metric, pair_value},
};

/// The cosine similarities at which two pictures are taken for look-alikes, both ends included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// Less alike pairs are left out.
    pub min: f32,
    /// More alike pairs are left out; copies, for example.
    pub max: f32,
}

impl Range {
    /// The range of a model's near-duplicates, or of what is safely alike where the model does not say.
    #[must_use]
    pub fn usual(near_duplicate: Option<f32>) -> Self {
        Self { min: near_duplicate.unwrap_or(0.9), max: 1.0 }
    }

    fn holds(self, value: f32) -> bool {
        (self.min..=self.max).contains(&value)
    }
}

/// Pictures that look alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The pictures, the center first and then the most alike to it first, each with its cosine similarity to the
    /// center; the center's own is that of the most alike pair, by which groups are ordered.
    pub members: Vec<(ImageId, f32)>,
    /// What they have in common.
    pub kind: Kind,
}

/// With this agreement a copy shows all that the other picture shows, and nothing else.
const UNCHANGED: f32 = 0.95;

/// What the pictures of a group have in common.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// The content of their files. The first is the one to keep, for this reason.
    Identical(Reason),
    /// They are one picture. The first is the one to keep, for this reason; then how each of the others lies on it.
    Copies(Reason, Vec<Alignment>),
    /// They look alike to the model.
    LookAlikes,
}

impl Group {
    /// The picture that the others are alike to.
    #[must_use]
    pub fn center(&self) -> ImageId {
        self.members[0].0
    }

    /// The group without what is not in the index any more; nothing when less than two are left, or the center is gone.
    #[must_use]
    pub fn of(&self, index: &Index) -> Option<Self> {
        let there: Vec<_> = self.members.iter().map(|member| index.contains(member.0)).collect();
        if there.iter().all(|there| *there) {
            return Some(self.clone());
        }
        let left = |at: usize| there[at];
        let members: Vec<_> = (0..there.len()).filter(|at| left(*at)).map(|at| self.members[at]).collect();
        let kind = match &self.kind {
            Kind::Copies(reason, alignments) => {
                Kind::Copies(*reason, (1..there.len()).filter(|at| left(*at)).map(|at| alignments[at - 1]).collect())
            }
            kind => kind.clone(),
        };
        (there[0] && members.len() > 1).then_some(Self { members, kind })
    }

    /// Why the center is the one to keep; nothing where all of them are pictures of their own.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        match &self.kind {
            Kind::Identical(reason) | Kind::Copies(reason, _) => Some(*reason),
            Kind::LookAlikes => None,
        }
    }

    /// How a member lies on the center, where it is a copy of it.
    #[must_use]
    pub fn alignment(&self, member: usize) -> Option<Alignment> {
        match &self.kind {
            Kind::Copies(_, alignments) => alignments.get(member.checked_sub(1)?).copied(),
            _ => None,
        }
    }

    /// How a member differs from the one to keep, in words; nothing where these are look-alikes, or for that one itself.
    #[must_use]
    pub fn relation(&self, member: usize, index: &Index) -> Option<String> {
        match &self.kind {
            Kind::LookAlikes => None,
            _ if member == 0 => None,
            Kind::Identical(_) => Some("identical".into()),
            Kind::Copies(..) => {
                let alignment = self.alignment(member)?;
                let [of, to] = [member, 0].map(|at| index.get(self.members[at].0).map(|entry| entry.pixels()));
                let [of, to] = [of?, to?];
                let upright = if alignment.turn.quarters % 2 == 0 { of } else { (of.1, of.0) };
                let size = match (alignment.part, upright == to) {
                    (true, _) => Some("cropped"),
                    (false, true) => None,
                    (false, false) => Some("resized"),
                };
                let words: Vec<_> = alignment.turn.words().into_iter().chain(size).collect();
                Some(match words.is_empty() {
                    false => words.join(", "),
                    true if alignment.agreement >= UNCHANGED => "re-encoded".into(),
                    true => "edited".into(),
                })
            }
        }
    }

    /// The cosine similarity of the most alike pair.
    #[must_use]
    pub fn best(&self) -> f32 {
        self.members[0].1
    }

    /// What holds the group together: no member is less alike to the center.
    #[must_use]
    pub fn cohesion(&self) -> f32 {
        self.members.last().map_or(1.0, |member| member.1)
    }
}

/// Pairs that a graph knows, the most alike first, so that any range of them is found at once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pairs {
    /// Each pair once, the smaller id first, with its cosine similarity.
    sorted: Vec<(f32, ImageId, ImageId)>,
}

impl Pairs {
    /// All pairs of a graph of cosine similarities.
    #[must_use]
    pub fn of(graph: &Graph) -> Self {
        let mut sorted = Vec::new();
        for id in (0..graph.id_bound()).map(|at| ImageId(at as u32)) {
            for edge in graph.neighbors(id) {
                // Of two that name each other the smaller one speaks; one that is not named itself must.
                if id < edge.id || !graph.neighbors(edge.id).iter().any(|back| back.id == id) {
                    sorted.push((edge.value, id.min(edge.id), id.max(edge.id)));
                }
            }
        }
        sorted.sort_unstable_by(|a, b| Metric::Cosine.nearer(a.0, b.0).then_with(|| (a.1, a.2).cmp(&(b.1, b.2))));
        Self { sorted }
    }

    /// The groups of pictures that look alike by a range of the cosine similarity, the most alike first; `None` when it
    /// was `superseded`.
    ///
    /// Groups do not chain: pairs are taken the most alike first, and a picture joins a group only when it is in the
    /// range with the group's center, the picture that began it; two groups become one only when all of the smaller one
    /// are (leader clustering: Hartigan, "Clustering Algorithms", 1975, chapter 3). Of pictures that are more alike than
    /// the range allows, a group has one. Values between pictures that are not neighbors in the graph are computed from
    /// the index. Those to be `left_out` are in no group.
    #[must_use]
    pub fn groups(
        &self,
        index: &Index,
        range: Range,
        left_out: &HashSet<ImageId>,
        superseded: &dyn Fn() -> bool,
    ) -> Option<Vec<Group>> {
        let first = self.sorted.partition_point(|pair| pair.0 > range.max);
        let (above, below) = self.sorted.split_at(first);
        let mut groups = Groups::new(index, range, CopyForest::of(index.id_bound(), above));
        let in_range = below.iter().take_while(|pair| range.holds(pair.0));
        for (at, (value, a, b)) in in_range.copied().enumerate() {
            if at % LOOKED_UP == 0 && superseded() {
                return None;
            }
            let counts = |id| index.contains(id) && !left_out.contains(&id);
            if counts(a) && counts(b) {
                groups.add(value, a, b);
            }
        }
        Some(groups.finish())
    }
}

/// Pairs between two looks at whether anybody still waits.
const LOOKED_UP: usize = 4096;

/// Which pictures are more alike than a range allows, directly or through others: a forest of their ids.
struct CopyForest(Vec<u32>);

impl CopyForest {
    fn of(id_bound: usize, pairs: &[(f32, ImageId, ImageId)]) -> Self {
        let mut copies = Self((0..id_bound as u32).collect());
        for (_, a, b) in pairs.iter().filter(|(_, a, b)| a.at().max(b.at()) < id_bound) {
            let (a, b) = (copies.class(*a), copies.class(*b));
            copies.0[a.max(b) as usize] = a.min(b);
        }
        copies
    }

    /// One number for all copies of a picture.
    fn class(&mut self, id: ImageId) -> u32 {
        let mut at = id.0;
        while self.0[at as usize] != at {
            // Half the way is cut off for whoever asks next.
            self.0[at as usize] = self.0[self.0[at as usize] as usize];
            at = self.0[at as usize];
        }
        at
    }
}

/// Groups that grow pair by pair.
struct Groups<'a> {
    index: &'a Index,
    range: Range,
    copies: CopyForest,
    members: Vec<Vec<(ImageId, f32)>>,
    /// The cosine similarity of each group's most alike pair.
    best: Vec<f32>,
    /// The group of each picture that has one.
    of: HashMap<ImageId, usize>,
    /// The classes of copies that a group has a picture of.
    classes: HashSet<(usize, u32)>,
    /// Groups that cannot become one.
    apart: HashSet<(usize, usize)>,
}

impl<'a> Groups<'a> {
    fn new(index: &'a Index, range: Range, copies: CopyForest) -> Self {
        let (members, best) = (Vec::new(), Vec::new());
        let (of, classes, apart) = (HashMap::new(), HashSet::new(), HashSet::new());
        Self { index, range, copies, members, best, of, classes, apart }
    }

    fn add(&mut self, value: f32, a: ImageId, b: ImageId) {
        match (self.of.get(&a).copied(), self.of.get(&b).copied()) {
            (None, None) => {
                let group = self.members.len();
                self.members.push(Vec::new());
                self.best.push(value);
                // Ids are those of arrival, which is another one in each run; names stay.
                let (center, other) = if self.by_name(a, b).is_le() { (a, b) } else { (b, a) };
                self.put(group, center, 1.0);
                self.put(group, other, value);
            }
            (Some(group), None) => self.join(group, b),
            (None, Some(group)) => self.join(group, a),
            (Some(one), Some(other)) if one != other => self.unite(one, other),
            _ => {}
        }
    }

    /// The order of two pictures by folder and path.
    fn by_name(&self, a: ImageId, b: ImageId) -> Ordering {
        let name = |id| self.index.get(id).map(|entry| (entry.root, entry.relative(), id));
        name(a).cmp(&name(b))
    }

    fn put(&mut self, group: usize, id: ImageId, to_center: f32) {
        self.of.insert(id, group);
        let class = self.copies.class(id);
        self.classes.insert((group, class));
        self.members[group].push((id, to_center));
    }

    /// The value of a picture with a group's center, if it may join.
    fn fitting(&mut self, group: usize, id: ImageId) -> Option<f32> {
        let class = self.copies.class(id);
        let value = pair_value(self.index, Metric::Cosine, self.members[group][0].0, id);
        (self.range.holds(value) && !self.classes.contains(&(group, class))).then_some(value)
    }

    fn join(&mut self, group: usize, id: ImageId) {
        if let Some(value) = self.fitting(group, id) {
            self.put(group, id, value);
        }
    }

    fn unite(&mut self, one: usize, other: usize) {
        let larger = self.members[one].len() >= self.members[other].len();
        let (into, from) = if larger { (one, other) } else { (other, one) };
        if self.apart.contains(&(into, from)) {
            return;
        }
        let moved = std::mem::take(&mut self.members[from]);
        let values: Option<Vec<_>> = moved.iter().map(|(id, _)| self.fitting(into, *id)).collect();
        let Some(values) = values else {
            self.members[from] = moved;
            self.apart.insert((into, from));
            return;
        };
        for ((id, _), value) in moved.into_iter().zip(values) {
            self.put(into, id, value);
        }
        self.best[into] = self.best[into].max(self.best[from]);
    }

    fn finish(mut self) -> Vec<Group> {
        let members = std::mem::take(&mut self.members);
        let grown = members.into_iter().zip(std::mem::take(&mut self.best)).filter(|(members, _)| !members.is_empty());
        let mut groups: Vec<_> = grown
            .map(|(mut members, best)| {
                members[0].1 = best;
                members[1..].sort_by(|a, b| Metric::Cosine.nearer(a.1, b.1).then_with(|| self.by_name(a.0, b.0)));
                Group { members, kind: Kind::LookAlikes }
            })
            .collect();
        groups.sort_by(|a, b| {
            Metric::Cosine.nearer(a.best(), b.best()).then_with(|| self.by_name(a.center(), b.center()))
        });
        groups
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use super::*;
    use crate::{
        index::{Image, Segment},
        scan::ImageFile,
        similarity::{graph, sequential},
    };

    /// Pictures whose embeddings point at these angles, in degrees.
    fn index(angles: &[f32]) -> Index {
        let image = |at| Image {
            file: ImageFile { path: format!("/p/{at:02}.png").into(), size: 1, modified: 0, changed: 0 },
            pixels: (1, 1),
            format: "PNG",
            face: None,
        };
        let embeddings: Vec<_> =
            angles.iter().map(|angle| vec![angle.to_radians().cos(), angle.to_radians().sin()]).collect();
        let mut index = Index::new(2);
        index.push(Arc::new(Segment::pack(Arc::from(Path::new("/p")), (0..angles.len()).map(image), &embeddings, 2)));
        index
    }

    /// The groups at angles of at most `most` and at least `least` degrees, as numbers of pictures.
    #[track_caller]
    fn check(angles: &[f32], (least, most): (f32, f32), expected: &[&[u32]]) {
        let index = index(angles);
        let graph = graph::build(&index, Metric::Cosine, 16, &sequential, &|| false, &mut |_| {}).expect("not stopped");
        let range = Range { min: most.to_radians().cos() - 1e-3, max: least.to_radians().cos() + 1e-3 };
        let pairs = Pairs::of(&graph);
        assert!(
            angles.len() < 2
                || pairs.groups(&index, range, &HashSet::new(), &|| true).is_none_or(|groups| groups.is_empty())
        );
        let groups = pairs.groups(&index, range, &HashSet::new(), &|| false).expect("not stopped");
        let ids: Vec<Vec<u32>> =
            groups.iter().map(|group| group.members.iter().map(|member| member.0.0).collect()).collect();
        assert_eq!(ids, expected, "{angles:?} between {least}° and {most}°");
        for group in groups {
            for (id, value) in &group.members[1..] {
                assert_eq!(*value, pair_value(&index, Metric::Cosine, group.center(), *id));
                assert!(range.holds(*value) && *value >= group.cohesion() && *value <= group.best());
            }
        }
    }

    #[test]
    fn the_most_alike_come_first_and_nobody_is_in_two_groups() {
        check(&[0.0, 40.0, 1.0, 45.0, 90.0, 2.0], (0.0, 10.0), &[&[0, 2, 5], &[1, 3]]);
    }

    #[test]
    fn groups_do_not_depend_on_who_came_first() {
        let names = |angles: &[(f32, &str)]| -> Vec<Vec<String>> {
            let image = |(_, name): &(f32, &str)| Image {
                file: ImageFile { path: format!("/p/{name}").into(), size: 1, modified: 0, changed: 0 },
                pixels: (1, 1),
                format: "PNG",
                face: None,
            };
            let row = |(angle, _): &(f32, &str)| vec![angle.to_radians().cos(), angle.to_radians().sin()];
            let rows: Vec<_> = angles.iter().map(row).collect();
            let mut index = Index::new(2);
            index.push(Arc::new(Segment::pack(Arc::from(Path::new("/p")), angles.iter().map(image), &rows, 2)));
            let graph = graph::build(&index, Metric::Cosine, 4, &sequential, &|| false, &mut |_| {});
            let pairs = Pairs::of(&graph.expect("not stopped"));
            let groups =
                pairs.groups(&index, Range { min: 0.9, max: 1.0 }, &HashSet::new(), &|| false).expect("not stopped");
            let name = |id| index.get(id).expect("there").relative().display().to_string();
            groups.iter().map(|group| group.members.iter().map(|member| name(member.0)).collect()).collect()
        };
        let mut pictures = [(0.0, "a"), (10.0, "b"), (30.0, "c"), (80.0, "d"), (85.0, "e")];
        let there = names(&pictures);
        pictures.reverse();
        assert_eq!(names(&pictures), there);
        assert_eq!(there, [["d", "e"], ["a", "b"]]);
    }

    #[test]
    fn groups_do_not_chain() {
        // Each is alike to the next, and none to the one after that.
        check(&[0.0, 7.0, 15.0, 24.0, 34.0], (0.0, 10.5), &[&[0, 1], &[2, 3]]);
    }

    #[test]
    fn the_upper_end_leaves_copies_out() {
        check(&[0.0, 0.0, 20.0, 60.0], (5.0, 30.0), &[&[0, 2]]);
        // Wherever the copies stand.
        check(&[20.0, 0.0, 0.0, 60.0], (5.0, 30.0), &[&[0, 1]]);
    }

    #[test]
    fn none_one_two_and_all_equal_pictures_are_ordinary() {
        check(&[], (0.0, 10.0), &[]);
        check(&[3.0], (0.0, 10.0), &[]);
        check(&[3.0, 50.0], (0.0, 10.0), &[]);
        check(&[7.0; 40], (0.0, 1.0), &[&(0..40).collect::<Vec<_>>()]);
    }

    #[test]
    fn what_is_gone_is_in_no_group() {
        let mut index = index(&[0.0, 1.0, 2.0]);
        let graph = graph::build(&index, Metric::Cosine, 2, &sequential, &|| false, &mut |_| {}).expect("not stopped");
        let pairs = Pairs::of(&graph);
        index.remove(ImageId(1));
        let groups =
            pairs.groups(&index, Range { min: 0.9, max: 1.0 }, &HashSet::new(), &|| false).expect("not stopped");
        assert_eq!(groups[0].members.iter().map(|member| member.0.0).collect::<Vec<_>>(), [0, 2]);
    }
}
