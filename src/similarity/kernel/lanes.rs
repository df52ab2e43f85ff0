//! Sixteen numbers at a time: the few operations that the inner loops are made of, by hand where a compiler alone does
//! not find the best instructions.

use half::f16;

/// Numbers that go through a loop side by side, and so partial sums of one sum.
pub const LANES: usize = 16;

/// Work that is compiled once for each kind of [`Lanes`]. `run` must be `#[inline(always)]`.
pub trait LaneWork {
    /// What it gives.
    type Output;

    /// Does it.
    fn run<L: Lanes>(self, lanes: L) -> Self::Output;
}

/// Does a task with the best lanes of this machine.
pub fn run<T: LaneWork>(task: T) -> T::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx) = pulp::x86::V3::try_new() {
        return avx.vectorize(avx2::Compiled { task, lanes: avx });
    }
    task.run(Portable)
}

/// Arithmetic on [`LANES`] numbers; every kind gives the same bits, but for [`Lanes::mul_add`] without the instruction.
pub trait Lanes: Copy {
    /// The numbers, in registers.
    type Values: Copy;

    /// The same number everywhere.
    fn splat(self, value: f32) -> Self::Values;

    /// Numbers from memory.
    fn load(self, values: &[f32; LANES]) -> Self::Values;

    /// Finite half floats as f32.
    fn widen(self, values: &[f16; LANES]) -> Self::Values;

    /// a × b.
    fn mul(self, a: Self::Values, b: Self::Values) -> Self::Values;

    /// a − b.
    fn sub(self, a: Self::Values, b: Self::Values) -> Self::Values;

    /// a × b + c, rounded once where the machine can, else after the product too: at most 2⁻²⁴ of the product apart.
    fn mul_add(self, a: Self::Values, b: Self::Values, c: Self::Values) -> Self::Values;

    /// Numbers to memory.
    fn store(self, values: Self::Values) -> [f32; LANES];

    /// The sum of all of them.
    #[inline(always)]
    fn total(self, values: Self::Values) -> f64 {
        let values = self.store(values);
        let (mut eight, mut four) = ([0.0; 8], [0.0; 4]);
        for at in 0..8 {
            eight[at] = f64::from(values[at]) + f64::from(values[at + 8]);
        }
        for at in 0..4 {
            four[at] = eight[at] + eight[at + 4];
        }
        (four[0] + four[2]) + (four[1] + four[3])
    }
}

/// A finite f16 as 2^-112 of its value: its bits moved to where f32 has them. Unlike the conversion in `half` it is
/// made of operations that exist for many numbers at once.
#[inline(always)]
fn unscaled(value: f16) -> f32 {
    f32::from_bits((i32::from(value.to_bits().cast_signed()) << 13).cast_unsigned() & UNSCALED_BITS)
}

/// The bits of an f32 that a shifted f16 may set: all but those that its sign was copied to.
const UNSCALED_BITS: u32 = 0x8fff_e000;

/// Undoes the 2^-112 of [`unscaled`].
const RESCALE: f32 = f32::from_bits((127 + 112) << 23);

/// Whether one instruction multiplies, adds and rounds once. Elsewhere `f32::mul_add` calls a function for each value,
/// which takes some forty times as long as a product and a sum.
const FUSED: bool = cfg!(any(target_feature = "fma", target_arch = "aarch64", target_arch = "riscv64"));

/// Lanes for any machine: loops that the compiler may turn into what the machine has.
#[derive(Clone, Copy)]
pub(super) struct Portable;

impl Lanes for Portable {
    type Values = [f32; LANES];

    #[inline(always)]
    fn splat(self, value: f32) -> Self::Values {
        [value; LANES]
    }

    #[inline(always)]
    fn load(self, values: &[f32; LANES]) -> Self::Values {
        *values
    }

    #[inline(always)]
    fn widen(self, values: &[f16; LANES]) -> Self::Values {
        values.map(|value| unscaled(value) * RESCALE)
    }

    #[inline(always)]
    fn mul(self, a: Self::Values, b: Self::Values) -> Self::Values {
        std::array::from_fn(|at| a[at] * b[at])
    }

    #[inline(always)]
    fn sub(self, a: Self::Values, b: Self::Values) -> Self::Values {
        std::array::from_fn(|at| a[at] - b[at])
    }

    #[inline(always)]
    fn mul_add(self, a: Self::Values, b: Self::Values, c: Self::Values) -> Self::Values {
        std::array::from_fn(|at| if FUSED { a[at].mul_add(b[at], c[at]) } else { a[at] * b[at] + c[at] })
    }

    #[inline(always)]
    fn store(self, values: Self::Values) -> [f32; LANES] {
        values
    }
}

/// Lanes in two registers of AVX2, which nearly every x86 machine has.
#[cfg(target_arch = "x86_64")]
mod avx2 {
    use half::f16;
    use pulp::{NullaryFnOnce, cast, f32x8, i16x8, x86::V3};

    use super::{LANES, LaneWork, Lanes, RESCALE, UNSCALED_BITS};

    /// A task to be compiled for these lanes.
    pub struct Compiled<T> {
        pub task: T,
        pub lanes: V3,
    }

    impl<T: LaneWork> NullaryFnOnce for Compiled<T> {
        type Output = T::Output;

        #[inline(always)]
        fn call(self) -> T::Output {
            self.task.run(self.lanes)
        }
    }

    /// Eight half floats as [`unscaled`](super::unscaled) and its rescaling give them.
    #[inline(always)]
    fn widen(avx: V3, values: i16x8) -> f32x8 {
        let wide = avx.avx2._mm256_cvtepi16_epi32(cast(values));
        let bits = avx.avx2._mm256_slli_epi32::<13>(wide);
        let bits = avx.avx2._mm256_and_si256(bits, cast([UNSCALED_BITS; 8]));
        avx.mul_f32x8(cast(bits), avx.splat_f32x8(RESCALE))
    }

    impl Lanes for V3 {
        type Values = [f32x8; 2];

        #[inline(always)]
        fn splat(self, value: f32) -> Self::Values {
            [self.splat_f32x8(value); 2]
        }

        #[inline(always)]
        fn load(self, values: &[f32; LANES]) -> Self::Values {
            cast(*values)
        }

        #[inline(always)]
        fn widen(self, values: &[f16; LANES]) -> Self::Values {
            let [low, high]: [i16x8; 2] = cast(*values);
            [widen(self, low), widen(self, high)]
        }

        #[inline(always)]
        fn mul(self, a: Self::Values, b: Self::Values) -> Self::Values {
            [self.mul_f32x8(a[0], b[0]), self.mul_f32x8(a[1], b[1])]
        }

        #[inline(always)]
        fn sub(self, a: Self::Values, b: Self::Values) -> Self::Values {
            [self.sub_f32x8(a[0], b[0]), self.sub_f32x8(a[1], b[1])]
        }

        #[inline(always)]
        fn mul_add(self, a: Self::Values, b: Self::Values, c: Self::Values) -> Self::Values {
            [self.mul_add_f32x8(a[0], b[0], c[0]), self.mul_add_f32x8(a[1], b[1], c[1])]
        }

        #[inline(always)]
        fn store(self, values: Self::Values) -> [f32; LANES] {
            cast(values)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every operation on the same numbers: those that give the same bits everywhere, then the one that may not.
    struct Everything<'a>(&'a [f32; LANES], &'a [f16; LANES]);

    impl LaneWork for Everything<'_> {
        type Output = (Vec<u64>, [f32; LANES]);

        #[inline(always)]
        fn run<L: Lanes>(self, lanes: L) -> Self::Output {
            let (a, b) = (lanes.load(self.0), lanes.widen(self.1));
            let results = [b, lanes.mul(a, b), lanes.sub(a, b)];
            let mut bits: Vec<_> = results
                .iter()
                .flat_map(|values| lanes.store(*values))
                .map(|value| u64::from(value.to_bits()))
                .collect();
            bits.extend(results.iter().map(|values| lanes.total(*values).to_bits()));
            (bits, lanes.store(lanes.mul_add(a, b, lanes.splat(0.1))))
        }
    }

    #[test]
    fn every_finite_half_float_converts_to_its_very_value_and_all_lanes_agree() {
        let finite: Vec<_> = (0..=u16::MAX).map(f16::from_bits).filter(|value| value.is_finite()).collect();
        for (at, group) in finite.as_chunks().0.iter().enumerate() {
            let others = std::array::from_fn(|lane| (at * LANES + lane) as f32 * 0.37 - 1e4);
            let (portable, portable_sums) = Everything(&others, group).run(Portable);
            let (best, best_sums) = run(Everything(&others, group));
            assert_eq!(portable, best);
            for lane in 0..LANES {
                let (product, sum) = (f64::from(others[lane]) * group[lane].to_f64(), best_sums[lane]);
                let apart = (f64::from(portable_sums[lane]) - f64::from(sum)).abs();
                // One rounding of the product, and one of the sum that it may tip over.
                assert!(apart <= (product.abs() + f64::from(sum.abs())) * 2_f64.powi(-23), "{product} + 0.1: {apart}");
            }
            for (value, bits) in group.iter().zip(portable) {
                assert_eq!(bits, u64::from(value.to_f32().to_bits()));
            }
        }
        assert_eq!(finite.len() % LANES, 0);
    }

    /// a² + c where the product has one bit more than fits: rounded once the bit is left, rounded twice it is gone.
    struct LastBit;

    impl LaneWork for LastBit {
        type Output = f32;

        #[inline(always)]
        fn run<L: Lanes>(self, lanes: L) -> f32 {
            let a = lanes.splat(1.0 + 2_f32.powi(-12));
            let c = lanes.splat(-1.0 - 2_f32.powi(-11));
            lanes.store(lanes.mul_add(a, a, c))[0]
        }
    }

    #[test]
    fn a_product_and_a_sum_are_fused_only_where_one_instruction_does_it() {
        let once = 2_f32.powi(-24);
        if cfg!(all(target_arch = "x86_64", not(target_feature = "fma"))) {
            assert_eq!(LastBit.run(Portable), 0.0, "no function is called for each value");
        }
        if cfg!(target_arch = "aarch64") {
            assert_eq!(LastBit.run(Portable), once);
        }
        #[cfg(target_arch = "x86_64")]
        if pulp::x86::V3::try_new().is_some() {
            assert_eq!(run(LastBit), once, "the fast loops have the instruction");
        }
    }
}
