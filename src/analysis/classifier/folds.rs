//! Stratified folds: parts of equal size in which every label has its share.

use crate::analysis::random::Random;

/// Parts that labeled pictures are cut into, each of which is predicted from the others.
pub const FOLDS: usize = 5;

/// The fold of each row: the rows of each label are shuffled by the `seed` and dealt out one after the other, so that the
/// numbers of a label in two folds differ by one at most, and so do the sizes of the folds.
pub(super) fn stratified(targets: &[u32], labels: usize, seed: u64) -> Vec<u8> {
    let mut of_label: Vec<Vec<usize>> = vec![Vec::new(); labels];
    for (row, target) in targets.iter().enumerate() {
        of_label[*target as usize].push(row);
    }
    let mut random = Random::new(seed);
    of_label.iter_mut().for_each(|rows| random.shuffle(rows));
    let mut folds = vec![0; targets.len()];
    for (dealt, row) in of_label.into_iter().flatten().enumerate() {
        folds[row] = (dealt % FOLDS) as u8;
    }
    folds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fold_has_its_share_of_every_label() {
        let targets: Vec<u32> = (0..103).map(|row| if row % 7 == 0 { 2 } else { row % 2 }).collect();
        let folds = stratified(&targets, 3, 5);
        for label in 0..3 {
            let counts = (0..FOLDS).map(|fold| {
                targets.iter().zip(&folds).filter(|(target, of)| **target == label && usize::from(**of) == fold).count()
            });
            let counts: Vec<_> = counts.collect();
            let (least, most) = (counts.iter().min(), counts.iter().max());
            assert!(most.zip(least).is_some_and(|(most, least)| most - least <= 1), "{counts:?}");
        }
        assert_ne!(folds, stratified(&targets, 3, 6), "another seed deals otherwise");
        assert_eq!(folds, stratified(&targets, 3, 5));
    }
}
