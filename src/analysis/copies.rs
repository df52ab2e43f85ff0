//! Which pictures are copies of one another: files of the same content, and the same picture turned, resized, cropped,
//! framed or recompressed. And which of them to keep.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{
    alignment::{Alignment, SIDE, Thumbnail, Turn},
    alike::{Group, Kind},
    keeper::ranked,
};
use crate::{
    index::{Entry, ImageId, Index, IndexState},
    similarity::{Graph, Metric, pair_value},
};

/// What is known of a file besides its embedding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// SHA-256 of its bytes.
    pub hash: [u8; 32],
    /// Its pixels, small and gray.
    pub thumbnail: Thumbnail,
}

/// The contents of the pictures of an index; those that could not be read are not among them.
pub type Contents = HashMap<ImageId, Content>;

/// The alignments of pairs, the smaller id first.
pub type Alignments = HashMap<[ImageId; 2], Alignment>;

/// The copies in an index.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Copies {
    /// Groups of files of the same content, then groups of copies; each with the picture to keep first. A picture is in
    /// at most one of each.
    pub groups: Vec<Group>,
    /// What the content of each member was, by its SHA-256.
    pub hashes: HashMap<ImageId, [u8; 32]>,
    /// Of each member that need not be kept, the one that is kept in its place.
    kept_for: HashMap<ImageId, ImageId>,
    /// The index that they were found in.
    pub made_of: IndexState,
}

impl Copies {
    /// Puts the groups together.
    ///
    /// Files of the same content are grouped first, and from then on the one to keep stands for all of them. Of the others
    /// the picture to keep of all that are left begins a group: its copies join, and the copies of those, which may be too
    /// distorted to be compared with it. No further, so that groups do not chain.
    #[must_use]
    pub fn find(
        index: &Index,
        contents: &Contents,
        alignments: &Alignments,
        protected: &dyn Fn(&Entry<'_>) -> bool,
    ) -> Self {
        let mut by_hash: HashMap<[u8; 32], Vec<ImageId>> = HashMap::new();
        for (id, content) in contents.iter().filter(|(id, _)| index.contains(**id)) {
            by_hash.entry(content.hash).or_default().push(*id);
        }
        let mut stands_for = HashMap::new();
        let mut groups = Vec::new();
        for ids in by_hash.values().filter(|ids| ids.len() > 1) {
            let (ranked, reason) = ranked(index, ids.iter().copied(), protected);
            stands_for.extend(ranked.iter().map(|id| (*id, ranked[0])));
            let members = ranked.into_iter().map(|id| (id, 1.0)).collect();
            groups.push(Group { members, kind: Kind::Identical(reason) });
        }
        groups.sort_by_cached_key(|group| index.get(group.members[0].0).map(|entry| entry.path()));
        groups.extend(same_pictures(index, alignments, &stands_for, protected));
        let members = groups.iter().flat_map(|group| &group.members);
        let hashes = members.filter_map(|(id, _)| Some((*id, contents.get(id)?.hash))).collect();
        Self { kept_for: kept_for(&groups, &stands_for), groups, hashes, made_of: index.state() }
    }

    /// The copy of a picture that is to be kept in its place; nothing where the picture itself is.
    #[must_use]
    pub fn kept_for(&self, id: ImageId) -> Option<ImageId> {
        self.kept_for.get(&id).copied()
    }

    /// The pictures that need not be kept, each once.
    pub fn surplus(&self) -> impl Iterator<Item = ImageId> + '_ {
        let mut seen = HashSet::new();
        let all = self.groups.iter().flat_map(|group| group.members.iter().skip(1).map(|member| member.0));
        all.filter(move |id| seen.insert(*id))
    }
}

/// For each member of a group but the one to keep, that one. Of files of the same content the one to be kept stands for
/// all, also among the copies.
fn kept_for(groups: &[Group], stands_for: &HashMap<ImageId, ImageId>) -> HashMap<ImageId, ImageId> {
    let copies = groups.iter().filter(|group| matches!(group.kind, Kind::Copies(..)));
    let mut kept: HashMap<ImageId, ImageId> =
        copies.flat_map(|group| group.members.iter().map(|(id, _)| (*id, group.center()))).collect();
    for (id, one) in stands_for {
        let of_one = kept.get(one).copied().unwrap_or(*one);
        kept.insert(*id, of_one);
    }
    kept.retain(|id, kept| id != kept);
    kept
}

/// Groups of copies among pictures of different content.
fn same_pictures(
    index: &Index,
    alignments: &Alignments,
    stands_for: &HashMap<ImageId, ImageId>,
    protected: &dyn Fn(&Entry<'_>) -> bool,
) -> Vec<Group> {
    let of = |id: ImageId| stands_for.get(&id).copied().unwrap_or(id);
    // How each picture lies on its copies; sorted, so that nothing depends on the order of a hash map.
    let mut same: BTreeMap<ImageId, BTreeMap<ImageId, Alignment>> = BTreeMap::new();
    for ([a, b], alignment) in alignments {
        let (a, b) = (of(*a), of(*b));
        if alignment.agreement >= Alignment::SAME && a != b && index.contains(a) && index.contains(b) {
            same.entry(a).or_default().insert(b, *alignment);
            same.entry(b).or_default().insert(a, alignment.inverse());
        }
    }
    let mut taken = HashSet::new();
    let mut groups = Vec::new();
    for kept in ranked(index, same.keys().copied(), protected).0 {
        if !taken.insert(kept) {
            continue;
        }
        let mut members = vec![(kept, None)];
        let mut copies_of = |member: ImageId, before: Option<Alignment>| {
            let others = same.get(&member).into_iter().flatten().filter(|(other, _)| taken.insert(**other));
            let reached = |step: Alignment| before.map_or(step, |before| before.then(step));
            others.map(|(other, step)| (*other, Some(reached(*step)))).collect::<Vec<_>>()
        };
        let direct = copies_of(kept, None);
        let indirect: Vec<_> = direct.iter().flat_map(|(member, before)| copies_of(*member, *before)).collect();
        members.extend(direct.into_iter().chain(indirect));
        if members.len() > 1 {
            groups.push(group(index, members, protected));
        }
    }
    groups.sort_by(|a, b| Metric::Cosine.nearer(a.best(), b.best()).then_with(|| a.center().cmp(&b.center())));
    groups
}

fn group(index: &Index, members: Vec<(ImageId, Option<Alignment>)>, protected: &dyn Fn(&Entry<'_>) -> bool) -> Group {
    let kept = members[0].0;
    let (_, reason) = ranked(index, members.iter().map(|member| member.0), protected);
    let mut others: Vec<_> = members
        .into_iter()
        .skip(1)
        .filter_map(|(id, alignment)| Some((id, pair_value(index, Metric::Cosine, kept, id), alignment?)))
        .collect();
    others.sort_by(|a, b| Metric::Cosine.nearer(a.1, b.1).then_with(|| a.0.cmp(&b.0)));
    let best = others.first().map_or(1.0, |other| other.1);
    let members = std::iter::once((kept, best)).chain(others.iter().map(|other| (other.0, other.1))).collect();
    Group { members, kind: Kind::Copies(reason, others.into_iter().map(|other| other.2).collect()) }
}

/// The pairs that a second look is worth: neighbors in the graph of a cosine similarity of at least `floor`, and pictures
/// that would have nearly the same perceptual hash if one of them were turned, which an embedding need not see.
#[must_use]
pub fn candidates(graph: &Graph, contents: &Contents, floor: f32) -> Vec<[ImageId; 2]> {
    let pair = |a: ImageId, b: ImageId| [a.min(b), a.max(b)];
    let mut pairs = BTreeSet::new();
    for id in (0..graph.id_bound()).map(|at| ImageId(at as u32)).filter(|id| contents.contains_key(id)) {
        let near = graph.neighbors(id).iter().filter(|edge| edge.value >= floor && contents.contains_key(&edge.id));
        pairs.extend(near.map(|edge| pair(id, edge.id)));
    }
    pairs.extend(turned(contents).into_iter().map(|[a, b]| pair(a, b)));
    let differ = |[a, b]: &[ImageId; 2]| contents[a].hash != contents[b].hash;
    pairs.into_iter().filter(differ).collect()
}

/// Bits of two hashes that may differ.
const MOST_DIFFERENT: u32 = 6;
/// Pictures that share a quarter of their hash; where there are more, it says nothing.
const MOST_SHARING: usize = 64;

/// Pairs of pictures one of which looks like the other one turned or mirrored.
fn turned(contents: &Contents) -> Vec<[ImageId; 2]> {
    let mut ids: Vec<_> = contents.keys().copied().collect();
    ids.sort_unstable();
    // A hash that differs in a few bits from another one has one of its quarters in common with it.
    let mut quarters: HashMap<(usize, u16), Vec<(ImageId, u64)>> = HashMap::new();
    let cut = |hash: u64| (0..4).map(move |quarter| (quarter, (hash >> (16 * quarter)) as u16));
    for id in &ids {
        let hash = difference_hash(&contents[id].thumbnail, Turn::NONE);
        for key in cut(hash) {
            quarters.entry(key).or_default().push((*id, hash));
        }
    }
    let mut pairs = Vec::new();
    for id in &ids {
        for turn in Turn::all().filter(|turn| *turn != Turn::NONE) {
            let hash = difference_hash(&contents[id].thumbnail, turn);
            for sharing in cut(hash).filter_map(|key| quarters.get(&key)).filter(|all| all.len() <= MOST_SHARING) {
                let near = sharing
                    .iter()
                    .filter(|(other, known)| other != id && (known ^ hash).count_ones() <= MOST_DIFFERENT);
                pairs.extend(near.map(|(other, _)| [*id, *other]));
            }
        }
    }
    pairs
}

/// Cells along a side that a hash compares.
const HASHED: usize = 8;

/// The perceptual hash of a picture as it would be if it were turned: for each of 8×8 cells whether it is lighter than the
/// one opposite of its row, then of its column (after Krawetz's difference hash, 2013, with pairs that a turn keeps).
fn difference_hash(thumbnail: &Thumbnail, turn: Turn) -> u64 {
    let cell = SIDE / HASHED;
    let levels = thumbnail.levels();
    let mean = |x: usize, y: usize| -> u32 {
        let rows = (y * cell..(y + 1) * cell).map(|y| &levels[y * SIDE + x * cell..][..cell]);
        rows.flatten().map(|level| u32::from(*level)).sum()
    };
    let means: Vec<_> = (0..HASHED * HASHED).map(|at| mean(at % HASHED, at / HASHED)).collect();
    let turned = |x: usize, y: usize| {
        let (x, y) = turn.source(HASHED, (x, y));
        means[y * HASHED + x]
    };
    let half = HASHED / 2;
    let across = (0..half * HASHED).map(|at| (at % half, at / half)).map(|(x, y)| turned(x, y) > turned(x + half, y));
    let down = (0..half * HASHED).map(|at| (at % HASHED, at / HASHED)).map(|(x, y)| turned(x, y) > turned(x, y + half));
    across.chain(down).fold(0, |hash, bit| hash << 1 | u64::from(bit))
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use super::*;
    use crate::{
        analysis::keeper::Reason,
        index::{Image, Segment},
        scan::ImageFile,
    };

    /// Pictures by name, width and height, bytes and date.
    fn index(pictures: &[(&str, (u32, u32), u64, i64)]) -> Index {
        let image = |(name, pixels, size, modified): &(&str, (u32, u32), u64, i64)| Image {
            file: ImageFile { path: format!("/p/{name}").into(), size: *size, modified: *modified, changed: 0 },
            pixels: *pixels,
            format: "PNG",
            face: None,
        };
        let rows: Vec<_> = pictures.iter().map(|_| vec![1.0, 0.0]).collect();
        let mut index = Index::new(2);
        index.push(Arc::new(Segment::pack(Path::new("/p").into(), pictures.iter().map(image), &rows, 2)));
        index
    }

    fn contents(hashes: &[u8]) -> Contents {
        let blank = Thumbnail::new(vec![0; SIDE * SIDE]).expect("as many as it has");
        let content = |hash: &u8| Content { hash: [*hash; 32], thumbnail: blank.clone() };
        (0..).map(ImageId).zip(hashes.iter().map(content)).collect()
    }

    fn same(pairs: &[[u32; 2]]) -> Alignments {
        let alignment = Alignment { turn: Turn::NONE, part: false, agreement: 1.0 };
        pairs.iter().map(|pair| (pair.map(ImageId), alignment)).collect()
    }

    fn ids(copies: &Copies) -> Vec<Vec<u32>> {
        copies.groups.iter().map(|group| group.members.iter().map(|member| member.0.0).collect()).collect()
    }

    #[test]
    fn the_one_to_keep_has_the_most_pixels_then_bytes_then_age_then_the_first_path() {
        #[track_caller]
        fn check(second: (&str, (u32, u32), u64, i64), protected: &str, kept: u32, reason: Reason) {
            let index = index(&[("b", (10, 10), 100, 5), second]);
            let protected = |entry: &Entry<'_>| entry.relative() == Path::new(protected);
            let copies = Copies::find(&index, &contents(&[1, 2]), &same(&[[0, 1]]), &protected);
            assert_eq!(copies.groups[0].center(), ImageId(kept));
            assert_eq!(copies.groups[0].reason(), Some(reason));
            assert_eq!(copies.kept_for(ImageId(1 - kept)), Some(ImageId(kept)));
            assert_eq!(copies.kept_for(ImageId(kept)), None);
        }
        check(("a", (5, 19), 900, 1), "", 0, Reason::Pixels);
        check(("a", (20, 5), 101, 9), "", 1, Reason::Bytes);
        check(("c", (10, 10), 100, 4), "", 1, Reason::Date);
        check(("a", (10, 10), 100, 5), "", 1, Reason::Path);
        check(("a", (1, 1), 1, 9), "a", 1, Reason::Protected);
    }

    #[test]
    fn identical_files_come_first_and_one_of_them_stands_for_all() {
        let index =
            index(&[("a", (9, 9), 9, 0), ("b", (9, 9), 9, 0), ("large", (90, 90), 99, 0), ("other", (9, 9), 9, 0)]);
        let copies = Copies::find(&index, &contents(&[1, 1, 2, 3]), &same(&[[1, 2]]), &|_| false);
        assert_eq!(ids(&copies), [vec![0, 1], vec![2, 0]]);
        assert!(matches!(copies.groups[0].kind, Kind::Identical(Reason::Path)));
        assert_eq!(copies.surplus().collect::<Vec<_>>(), [ImageId(1), ImageId(0)]);
        // What a file is kept for is never one that goes itself.
        assert_eq!(copies.kept_for(ImageId(1)), Some(ImageId(2)));
        assert_eq!(copies.groups[1].relation(1, &index).as_deref(), Some("resized"));
    }

    #[test]
    fn groups_reach_as_far_as_the_copies_of_a_copy() {
        let index = index(&[
            ("a", (9, 9), 9, 0),
            ("b", (8, 8), 9, 0),
            ("c", (7, 7), 9, 0),
            ("d", (6, 6), 9, 0),
            ("e", (5, 5), 9, 0),
        ]);
        let chain = same(&[[0, 1], [1, 2], [2, 3], [3, 4]]);
        let copies = Copies::find(&index, &contents(&[1, 2, 3, 4, 5]), &chain, &|_| false);
        assert_eq!(ids(&copies), [[0, 1, 2].as_slice(), &[3, 4]]);
        let weak: Alignments =
            chain.into_iter().map(|(pair, found)| (pair, Alignment { agreement: 0.7, ..found })).collect();
        assert_eq!(ids(&Copies::find(&index, &contents(&[1, 2, 3, 4, 5]), &weak, &|_| false)), [[0; 0]; 0]);
    }

    #[test]
    fn no_picture_and_one_are_ordinary_and_what_is_gone_is_in_no_group() {
        assert!(Copies::find(&Index::new(2), &contents(&[]), &same(&[]), &|_| false).groups.is_empty());
        let mut two = index(&[("a", (9, 9), 9, 0), ("b", (9, 9), 9, 0)]);
        assert_eq!(Copies::find(&two, &contents(&[1, 1]), &same(&[]), &|_| false).groups.len(), 1);
        two.remove(ImageId(0));
        assert!(Copies::find(&two, &contents(&[1, 1]), &same(&[[0, 1]]), &|_| false).groups.is_empty());
    }

    #[test]
    fn turned_copies_are_candidates_whatever_the_embedding_says() {
        let level = |at: usize| ((at % SIDE) * 3 + (at / SIDE).pow(2) / 14 + 40 * ((at / 9 + at / SIDE / 7) % 2)) as u8;
        let upright = Thumbnail::new((0..SIDE * SIDE).map(level).collect()).expect("as many as it has");
        let turn = Turn { quarters: 1, mirrored: true };
        let source = |at: usize| turn.source(SIDE, (at % SIDE, at / SIDE));
        let levels = (0..SIDE * SIDE).map(source).map(|(x, y)| upright.levels()[y * SIDE + x]).collect();
        let turned = Thumbnail::new(levels).expect("as many");
        let mut contents = contents(&[1, 2, 3]);
        for (id, thumbnail) in [(0, upright), (1, turned)] {
            contents.insert(ImageId(id), Content { hash: [id as u8; 32], thumbnail });
        }
        let graph = Graph::empty(Metric::Cosine, 4);
        assert_eq!(candidates(&graph, &contents, 0.5), [[ImageId(0), ImageId(1)]]);
    }
}
