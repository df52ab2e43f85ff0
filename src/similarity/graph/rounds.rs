//! In which order pairs of blocks are compared: those whose centers are near come first, since there the most alike
//! stand. A graph that need not be exact is done after the first rounds.

use crate::similarity::{Executor, kernel, map_parallel};

/// Blocks that a block is compared with in the first round, itself included.
const CLOSE: usize = 4;

/// Pairs of blocks by their positions; `fresh` of them, which come first, are compared with all, the others only with these.
/// In each round but the first a block meets as many as in all rounds before.
pub fn rounds(centers: &[&[f32]], fresh: usize, executor: Executor<'_>) -> Vec<Vec<(usize, usize)>> {
    let ranked = map_parallel(executor, 0..fresh, |own| {
        // A block is nearest to itself, whatever others are as near.
        let distance =
            |other: usize| if other == own { -1.0 } else { kernel::squared_distance(centers[own], centers[other]) };
        let mut near: Vec<(f64, usize)> = (0..centers.len()).map(|other| (distance(other), other)).collect();
        near.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let round = |rank: usize| (rank / CLOSE + 1).next_power_of_two().ilog2();
        let pair =
            |(rank, (_, other)): (usize, &(f64, usize))| (own.min(*other) as u32, own.max(*other) as u32, round(rank));
        near.iter().enumerate().map(pair).collect::<Vec<_>>()
    });
    let mut pairs = ranked.concat();
    // One that is near from either side is near.
    pairs.sort_unstable();
    pairs.dedup_by_key(|pair| (pair.0, pair.1));
    let last = pairs.iter().map(|pair| pair.2).max().map_or(0, |round| round as usize + 1);
    let mut rounds = vec![Vec::new(); last];
    for (a, b, round) in pairs {
        rounds[round as usize].push((a as usize, b as usize));
    }
    rounds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::similarity::sequential;

    #[test]
    fn every_pair_with_a_fresh_block_comes_once_and_near_ones_first() {
        for (count, fresh) in [(0, 0), (1, 1), (5, 5), (40, 40), (40, 3)] {
            let centers: Vec<Vec<f32>> = (0..count).map(|at| vec![(at * 7 % 41) as f32, 1.0]).collect();
            let rounds = rounds(&centers.iter().map(Vec::as_slice).collect::<Vec<_>>(), fresh, &sequential);
            let mut pairs = rounds.concat();
            pairs.sort_unstable();
            let expected: Vec<_> = (0..fresh).flat_map(|a| (a..count).map(move |b| (a, b))).collect();
            assert_eq!(pairs, expected);
            let apart = |pair: &(usize, usize)| (centers[pair.0][0] - centers[pair.1][0]).abs();
            if count > 8 {
                assert!((0..fresh).all(|at| rounds[0].contains(&(at, at))));
                assert!(rounds[0].iter().all(|pair| apart(pair) <= 3.0), "{:?}", rounds[0]);
                assert!(rounds.len() > 3 && rounds.iter().all(|round| !round.is_empty()));
            }
        }
    }
}
