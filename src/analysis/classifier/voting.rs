//! k-nearest-neighbor classification: the nearest pictures vote.

use super::probe::Work;
use crate::{
    index::{ImageId, Index},
    similarity::{Graph, Query, compare, map_parallel},
};

/// Pictures that vote.
pub const VOTERS: usize = 5;

/// Pictures that are voted on before the next look at whether anybody still waits.
const PORTION: usize = 1 << 14;

/// The label that most of the nearest have, who are given nearest first; of equally many that of the nearest. `None` where
/// nobody votes.
#[must_use]
pub fn vote(nearest: &[u32]) -> Option<u32> {
    let votes = |label: u32| nearest.iter().filter(|other| **other == label).count();
    // The last of equal maxima wins, so the farthest voter is asked first.
    nearest.iter().rev().copied().max_by_key(|label| votes(*label))
}

/// What the nearest labeled pictures of other folds say of each picture, by cosine similarity. `None` when superseded.
pub(super) fn out_of_fold(
    index: &Index,
    ids: &[ImageId],
    targets: &[u32],
    folds: &[u8],
    graph: &Graph,
    work: Work<'_>,
) -> Option<Vec<u32>> {
    const NOBODY: u32 = u32::MAX;
    let mut places = vec![NOBODY; index.id_bound()];
    ids.iter().enumerate().for_each(|(at, id)| places[id.at()] = at as u32);
    let of = |at: usize| {
        let may_vote = |id: ImageId| {
            let place = places.get(id.at()).filter(|place| **place != NOBODY).map(|place| *place as usize);
            place.filter(|place| folds[*place] != folds[at]).map(|place| targets[place])
        };
        let known: Vec<u32> =
            graph.neighbors(ids[at]).iter().filter_map(|edge| may_vote(edge.id)).take(VOTERS).collect();
        if known.len() == VOTERS {
            return vote(&known).unwrap_or(0);
        }
        // Those that the graph knows are mostly of the same fold, or without a label.
        let found = compare(index, &Query::Image(ids[at]));
        let metric = graph.metric();
        let voters: Vec<(f32, u32)> = (0..found.len() as u32)
            .filter_map(|id| Some((found.value(metric, ImageId(id)), may_vote(ImageId(id))?)))
            .collect();
        let mut voters = voters;
        voters.sort_by(|a, b| metric.nearer(a.0, b.0));
        vote(&voters.iter().take(VOTERS).map(|(_, label)| *label).collect::<Vec<_>>()).unwrap_or(0)
    };
    let mut votes = Vec::with_capacity(ids.len());
    for first in (0..ids.len()).step_by(PORTION) {
        if (work.superseded)() {
            return None;
        }
        let end = ids.len().min(first + PORTION);
        let blocks = (first..end).step_by(64).map(|at| at..end.min(at + 64));
        let block = |places: std::ops::Range<usize>| -> Vec<u32> { places.map(of).collect() };
        votes.extend(map_parallel(work.executor, blocks, block).into_iter().flatten());
    }
    Some(votes)
}
