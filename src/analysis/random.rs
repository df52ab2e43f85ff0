//! Random numbers from a seed: the same on every machine and in every release, so that what was found does not change by
//! itself.

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014).
pub struct Random(u64);

impl Random {
    /// The numbers of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The numbers of one place of a computation: those of other places are independent of them.
    #[must_use]
    pub fn of(seed: u64, place: u64) -> Self {
        let mut random = Self(seed ^ place.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        random.draw();
        random
    }

    /// A number of 64 bits.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A whole number from 0 to below `end`, which must not be 0.
    pub fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.draw()) * end as u128) >> 64) as usize
    }

    /// Two whole numbers from 0 to below `end`, which must not be 0: for the price of one, where billions are drawn.
    pub fn two_below(&mut self, end: u32) -> [u32; 2] {
        let drawn = self.draw();
        [drawn as u32, (drawn >> 32) as u32].map(|half| ((u64::from(half) * u64::from(end)) >> 32) as u32)
    }

    /// A number from -1 to 1.
    pub fn around_zero(&mut self) -> f32 {
        (self.draw() >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }

    /// Shuffles (Fisher and Yates).
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for end in (2..=values.len()).rev() {
            let at = self.below(end);
            values.swap(at, end - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_paper() {
        // Of `java.util.SplittableRandom` and of the generator's reference code, for seed 1234567.
        let mut random = Random::new(1_234_567);
        let drawn: Vec<u64> = (0..3).map(|_| random.draw()).collect();
        assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn numbers_stay_within_their_bounds_and_reach_all_of_them() {
        let mut random = Random::of(1, 2);
        let (mut seen, mut pairs) = ([false; 5], [[false; 5]; 5]);
        for _ in 0..200 {
            seen[random.below(5)] = true;
            let [one, two] = random.two_below(5);
            pairs[one as usize][two as usize] = true;
            assert!((-1.0..=1.0).contains(&random.around_zero()));
        }
        assert_eq!((seen, pairs), ([true; 5], [[true; 5]; 5]));
        let mut values: Vec<_> = (0..50).collect();
        random.shuffle(&mut values);
        assert!(values != (0..50).collect::<Vec<_>>());
        values.sort_unstable();
        assert_eq!(values, (0..50).collect::<Vec<_>>());
    }
}
