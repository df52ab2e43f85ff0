//! Stratified folds: parts of equal size in which every label has its share.

/// Parts that labeled pictures are cut into, each of which is predicted from the others.
pub const FOLDS: usize = 5;

/// The fold of each row: the rows of each label are shuffled by the `seed` and dealt out one after the other, so that the
/// numbers of a label in two folds differ by one at most, and so do the sizes of the folds.
pub(super) fn stratified(targets: &[u32], labels: usize, seed: u64) -> Vec<u8> {
    let mut of_label: Vec<Vec<usize>> = vec![Vec::new(); labels];
    for (row, target) in targets.iter().enumerate() {
        of_label[*target as usize].push(row);
    }
    let mut chance = Chance(seed);
    let mut folds = vec![0; targets.len()];
    for (dealt, row) in of_label.iter_mut().flat_map(|rows| chance.shuffled(rows)).enumerate() {
        folds[row] = (dealt % FOLDS) as u8;
    }
    folds
}

/// Numbers that look random and depend on the seed alone (SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom
/// number generators", 2014).
pub struct Chance(pub u64);

impl Chance {
    /// A number of 64 bits.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which must not be 0.
    pub fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.draw()) * end as u128) >> 64) as usize
    }

    /// Shuffles (Fisher and Yates) and hands the rows out.
    fn shuffled(&mut self, rows: &mut Vec<usize>) -> Vec<usize> {
        for end in (2..=rows.len()).rev() {
            let at = self.below(end);
            rows.swap(at, end - 1);
        }
        std::mem::take(rows)
    }
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
