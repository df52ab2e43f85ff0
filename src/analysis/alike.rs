//! Which pictures of a collection look alike: groups of pictures that are all about as alike to one of them.

use std::collections::BTreeMap;

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
}

impl Group {
    /// The picture that the others are alike to.
    #[must_use]
    pub fn center(&self) -> ImageId {
        self.members[0].0
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

    /// The groups of pictures that look alike by a range of the cosine similarity, the most alike first.
    ///
    /// Groups do not chain: pairs are taken the most alike first, and a picture joins a group only when it is in the
    /// range with the group's center, the picture that began it, and beyond its upper end with no member; two groups become one only when all of the smaller one
    /// are (leader clustering: Hartigan, "Clustering Algorithms", 1975, chapter 3). Values between pictures that are not
    /// neighbors in the graph are computed from the index.
    #[must_use]
    pub fn groups(&self, index: &Index, range: Range) -> Vec<Group> {
        let mut groups: Vec<Vec<(ImageId, f32)>> = Vec::new();
        let mut best: Vec<f32> = Vec::new();
        let mut of: BTreeMap<ImageId, usize> = BTreeMap::new();
        let first = self.sorted.partition_point(|pair| pair.0 > range.max);
        let in_range = self.sorted[first..].iter().take_while(|pair| range.holds(pair.0));
        for (value, a, b) in in_range.copied() {
            if !index.contains(a) || !index.contains(b) {
                continue;
            }
            match (of.get(&a).copied(), of.get(&b).copied()) {
                (None, None) => {
                    of.extend([(a, groups.len()), (b, groups.len())]);
                    groups.push(vec![(a, 1.0), (b, value)]);
                    best.push(value);
                }
                (Some(group), None) | (None, Some(group)) => {
                    let fresh = if of.contains_key(&a) { b } else { a };
                    let to_center = pair_value(index, Metric::Cosine, groups[group][0].0, fresh);
                    if range.holds(to_center) && !is_copy(index, range, &groups[group], fresh) {
                        of.insert(fresh, group);
                        groups[group].push((fresh, to_center));
                    }
                }
                (Some(one), Some(other)) if one != other => {
                    let (into, from) =
                        if groups[one].len() >= groups[other].len() { (one, other) } else { (other, one) };
                    let center = groups[into][0].0;
                    let moved: Vec<_> = groups[from]
                        .iter()
                        .map(|(id, _)| (*id, pair_value(index, Metric::Cosine, center, *id)))
                        .take_while(|(_, value)| range.holds(*value))
                        .collect();
                    let copies = moved.iter().any(|(id, _)| is_copy(index, range, &groups[into], *id));
                    if moved.len() == groups[from].len() && !copies {
                        of.extend(moved.iter().map(|(id, _)| (*id, into)));
                        groups[into].extend(moved);
                        groups[from].clear();
                        best[into] = best[into].max(best[from]);
                    }
                }
                _ => {}
            }
        }
        let mut groups: Vec<_> = groups.into_iter().zip(best).filter(|(members, _)| !members.is_empty()).collect();
        for (members, best) in &mut groups {
            members[0].1 = *best;
            members[1..].sort_by(|a, b| Metric::Cosine.nearer(a.1, b.1).then(a.0.cmp(&b.0)));
        }
        groups.sort_by(|(a, best), (b, other)| Metric::Cosine.nearer(*best, *other).then(a[0].0.cmp(&b[0].0)));
        groups.into_iter().map(|(members, _)| Group { members }).collect()
    }
}

/// Whether a picture is more alike to one of these than the range allows.
fn is_copy(index: &Index, range: Range, members: &[(ImageId, f32)], id: ImageId) -> bool {
    // Rounding may put a cosine of equal pictures anywhere near 1.
    range.max < 1.0 && members.iter().any(|(other, _)| pair_value(index, Metric::Cosine, *other, id) > range.max)
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
            file: ImageFile { path: format!("/p/{at}.png").into(), size: 1, modified: 0, changed: 0 },
            pixels: (1, 1),
            format: "PNG",
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
        let groups = Pairs::of(&graph).groups(&index, range);
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
        let groups = pairs.groups(&index, Range { min: 0.9, max: 1.0 });
        assert_eq!(groups[0].members.iter().map(|member| member.0.0).collect::<Vec<_>>(), [0, 2]);
    }
}
