//! Which pictures are copies of one another: files of the same content, and the same picture turned, resized, cropped,
//! framed or recompressed. And which of them to keep.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{
    alike::{Group, Kind},
    alignment::{Alignment, SIDE, Thumbnail, Turn},
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
#[derive(Debug, Clone, PartialEq)]
pub struct Copies {
    /// Groups of files of the same content, then groups of copies; each with the picture to keep first. A picture is in
    /// at most one of each.
    pub groups: Vec<Group>,
    /// What the content of each member was, by its SHA-256.
    pub hashes: HashMap<ImageId, [u8; 32]>,
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
        Self { groups, hashes, made_of: index.state() }
    }

    /// The copy of a picture that is to be kept in its place; nothing where the picture itself is.
    #[must_use]
    pub fn kept_for(&self, id: ImageId) -> Option<ImageId> {
        let first = |id: ImageId, kind: fn(&Kind) -> bool| {
            let groups = self.groups.iter().filter(|group| kind(&group.kind));
            let mut of = groups.filter(|group| group.members.iter().any(|member| member.0 == id));
            of.next().map(Group::center)
        };
        // Of files of the same content the one to be kept stands for all, also among the copies.
        let one = first(id, |kind| matches!(kind, Kind::Identical(_))).unwrap_or(id);
        let kept = first(one, |kind| matches!(kind, Kind::Copies(..))).unwrap_or(one);
        (kept != id).then_some(kept)
    }

    /// The pictures that need not be kept, each once.
    pub fn surplus(&self) -> impl Iterator<Item = ImageId> + '_ {
        let mut seen = HashSet::new();
        let all = self.groups.iter().flat_map(|group| group.members.iter().skip(1).map(|member| member.0));
        all.filter(move |id| seen.insert(*id))
    }
}

/// Groups of copies among pictures of different content.
fn same_pictures(
    index: &Index,
    alignments: &Alignments,
    stands_for: &HashMap<ImageId, ImageId>,
    protected: &dyn Fn(&Entry<'_>) -> bool,
) -> Vec<Group> {
    let of = |id: ImageId| stands_for.get(&id).copied().unwrap_or(id);
    let mut same: HashMap<ImageId, BTreeSet<ImageId>> = HashMap::new();
    for ([a, b], alignment) in alignments {
        let (a, b) = (of(*a), of(*b));
        if alignment.agreement >= Alignment::SAME && a != b && index.contains(a) && index.contains(b) {
            same.entry(a).or_default().insert(b);
            same.entry(b).or_default().insert(a);
        }
    }
    let aligned = |a: ImageId, b: ImageId| {
        let known = alignments.get(&[a.min(b), a.max(b)])?;
        Some(if a < b { *known } else { known.inverse() })
    };
    let mut taken = HashSet::new();
    let mut groups = Vec::new();
    for kept in ranked(index, same.keys().copied(), protected).0 {
        if !taken.insert(kept) {
            continue;
        }
        let mut members = vec![(kept, None)];
        let mut copies_of = |member: ImageId, before: Option<Alignment>| {
            let others = same.get(&member).into_iter().flatten().filter(|other| taken.insert(**other));
            let others = others.filter_map(|other| {
                let step = aligned(member, *other)?;
                Some((*other, Some(before.map_or(step, |before| before.then(step)))))
            });
            others.collect::<Vec<_>>()
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

fn group(
    index: &Index,
    members: Vec<(ImageId, Option<Alignment>)>,
    protected: &dyn Fn(&Entry<'_>) -> bool,
) -> Group {
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
                let near = sharing.iter().filter(|(other, known)| {
                    other != id && (known ^ hash).count_ones() <= MOST_DIFFERENT
                });
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
