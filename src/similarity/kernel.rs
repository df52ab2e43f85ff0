//! The inner loops: one embedding against one or many, both metrics at once.
//!
//! They are compiled twice, with AVX2 and FMA and portably, and the better one is taken at run time. Both add in the same
//! order. A machine without a fused multiply-add rounds each product once more, so its dot products and squared distances
//! may be 2⁻²⁰ of ‖a‖‖b‖ or of themselves apart (a millionth; the last digits that are shown do not change); on one
//! machine all values always come from the same loops.

mod lanes;

use half::f16;

use self::lanes::{LANES, LaneWork, Lanes};
use super::Metric;
use crate::index::{Entry, Segment};

/// Squares outside this range may have overflowed or vanished in f32, and so are computed again in f64.
const SAFE_SQUARES: std::ops::Range<f64> = 1e-24..1e36;

/// A raw embedding in f32, ready to be compared with many stored rows.
pub(super) struct QueryVector {
    values: Vec<f32>,
    norm: f32,
}

/// Both metrics of one pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pair {
    pub cosine: f32,
    pub euclidean: f32,
}

impl QueryVector {
    /// A query vector of a raw embedding that is not in the index.
    pub fn new(values: &[f32]) -> Self {
        let squares: f64 = values.iter().map(|v| f64::from(*v).powi(2)).sum();
        Self { values: values.to_vec(), norm: squares.sqrt() as f32 }
    }

    /// A query vector of a picture of the index.
    pub fn of(entry: &Entry<'_>) -> Self {
        Self { values: entry.embedding(), norm: entry.norm }
    }

    /// Cosine similarity and euclidean distance to a stored row of the same dimension.
    ///
    /// The distance is summed from the differences themselves, so near duplicates lose no digits, and equal rows
    /// give exactly 1 and 0. With a zero vector the cosine is 0, as in scikit-learn.
    pub fn to(&self, row: &[f16], scale: f32, norm: f32) -> Pair {
        lanes::run(ToRow { query: self, row, scale, norm })
    }

    /// [`QueryVector::to`] for the rows of a segment from `first` on, as many as the tables hold.
    pub fn to_rows(&self, segment: &Segment, first: usize, cosine: &mut [f32], euclidean: &mut [f32]) {
        lanes::run(ToRows { query: self, segment, first, cosine, euclidean });
    }

    /// Squared euclidean distance to a stored row of the same dimension.
    pub fn squared_distance(&self, row: &[f16], scale: f32) -> f64 {
        lanes::run(DotAndSquares { a: &self.values, row, scale }).1
    }
}

impl Pair {
    /// The value in one metric.
    pub fn value(self, metric: Metric) -> f32 {
        match metric {
            Metric::Cosine => self.cosine,
            Metric::Euclidean => self.euclidean,
        }
    }
}

/// a·b.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f64 {
    lanes::run(Dot { a, b })
}

/// The dot product of `a` with each of some `rows` of a row-major matrix; `out` has as many places.
pub(super) fn dots(a: &[f32], matrix: &[f32], rows: &[usize], out: &mut [f64]) {
    lanes::run(Dots { a, matrix, rows, out });
}

/// Σ(a−b)².
pub(super) fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    lanes::run(Squares { a, b })
}

/// Adds `row × factors[i]` to `sums[i]`.
pub(super) fn add_to_both(sums: [&mut [f32]; 2], row: &[f16], factors: [f32; 2]) {
    lanes::run(AddToBoth { sums, row, factors });
}

/// Adds `row × factor` to `sum`.
pub(super) fn add(sum: &mut [f32], row: &[f16], factor: f32) {
    lanes::run(Add { sum, row, factor });
}

/// Adds `row × factor` to `sum`, both of 32 bits.
pub(super) fn add_row(sum: &mut [f32], row: &[f32], factor: f32) {
    lanes::run(AddRow { sum, row, factor });
}

/// How many of the keys are larger than `bar`, or at least as large; NaN is neither.
pub(super) fn count_above(keys: &[f32], sign: f32, bar: f32, or_equal: bool) -> usize {
    lanes::run(CountAbove { keys, sign, bar, or_equal })
}

struct ToRow<'a> {
    query: &'a QueryVector,
    row: &'a [f16],
    scale: f32,
    norm: f32,
}

impl LaneWork for ToRow<'_> {
    type Output = Pair;

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> Pair {
        let (dot, squares) = DotAndSquares { a: &self.query.values, row: self.row, scale: self.scale }.run(lanes);
        let lengths = f64::from(self.query.norm) * f64::from(self.norm);
        // Also an embedding that is no number at all, which a broken network may give, must not poison a ranking.
        let cosine = if !lengths.is_normal() {
            0.0
        } else if squares == 0.0 {
            1.0
        } else {
            (dot / lengths).clamp(-1.0, 1.0) as f32
        };
        // Adding 0 makes −0 a 0, which compares like it.
        Pair { cosine: cosine + 0.0, euclidean: squares.sqrt() as f32 }
    }
}

struct ToRows<'a> {
    query: &'a QueryVector,
    segment: &'a Segment,
    first: usize,
    cosine: &'a mut [f32],
    euclidean: &'a mut [f32],
}

impl LaneWork for ToRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let (dim, range) = (self.query.values.len(), self.first..self.first + self.cosine.len());
        if dim == 0 {
            // Embeddings of no values have no direction and lie in one place.
            return self.cosine.fill(0.0);
        }
        let rows = self.segment.rows.values()[range.start * dim..range.end * dim].chunks_exact(dim);
        let known = self.segment.scales[range.clone()].iter().zip(&self.segment.norms[range]);
        let tables = self.cosine.iter_mut().zip(self.euclidean);
        for ((row, (scale, norm)), (cosine, euclidean)) in rows.zip(known).zip(tables) {
            let pair = ToRow { query: self.query, row, scale: *scale, norm: *norm }.run(lanes);
            (*cosine, *euclidean) = (pair.cosine, pair.euclidean);
        }
    }
}

/// a·b and Σ(a−b)², b being `row × scale`.
struct DotAndSquares<'a> {
    a: &'a [f32],
    row: &'a [f16],
    scale: f32,
}

impl LaneWork for DotAndSquares<'_> {
    type Output = (f64, f64);

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> (f64, f64) {
        let ((a, a_rest), (b, b_rest)) = (self.a.as_chunks(), self.row.as_chunks());
        let scale = lanes.splat(self.scale);
        let (mut dot, mut squares) = (lanes.splat(0.0), lanes.splat(0.0));
        for (a, b) in a.iter().zip(b) {
            let (a, b) = (lanes.load(a), lanes.mul(lanes.widen(b), scale));
            let apart = lanes.sub(a, b);
            dot = lanes.mul_add(a, b, dot);
            squares = lanes.mul_add(apart, apart, squares);
        }
        if !a_rest.is_empty() {
            let (a, b) = (lanes.load(&padded(a_rest)), lanes.mul(lanes.widen(&padded(b_rest)), scale));
            let apart = lanes.sub(a, b);
            dot = lanes.mul_add(a, b, dot);
            squares = lanes.mul_add(apart, apart, squares);
        }
        let (dot, squares) = (lanes.total(dot), lanes.total(squares));
        if SAFE_SQUARES.contains(&squares) && dot.abs() < SAFE_SQUARES.end {
            return (dot, squares);
        }
        in_doubles(self.a, self.row, self.scale)
    }
}

/// What [`DotAndSquares`] gives, for equal, vast or tiny rows: rare enough to afford the slow way.
#[cold]
fn in_doubles(a: &[f32], row: &[f16], scale: f32) -> (f64, f64) {
    a.iter().zip(row).fold((0.0, 0.0), |(dot, squares), (a, b)| {
        let (a, b) = (f64::from(*a), f64::from(b.to_f32()) * f64::from(scale));
        (dot + a * b, squares + (a - b) * (a - b))
    })
}

struct Dot<'a> {
    a: &'a [f32],
    b: &'a [f32],
}

impl LaneWork for Dot<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> f64 {
        let ((a, a_rest), (b, b_rest)) = (self.a.as_chunks(), self.b.as_chunks());
        let mut dot = lanes.splat(0.0);
        for (a, b) in a.iter().zip(b) {
            dot = lanes.mul_add(lanes.load(a), lanes.load(b), dot);
        }
        if !a_rest.is_empty() {
            dot = lanes.mul_add(lanes.load(&padded(a_rest)), lanes.load(&padded(b_rest)), dot);
        }
        lanes.total(dot)
    }
}

struct Dots<'a> {
    a: &'a [f32],
    matrix: &'a [f32],
    rows: &'a [usize],
    out: &'a mut [f64],
}

impl LaneWork for Dots<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let row = |at: usize| &self.matrix[at * self.a.len()..(at + 1) * self.a.len()];
        let ((rows, rows_rest), (out, out_rest)) = (self.rows.as_chunks(), self.out.as_chunks_mut());
        for (rows, out) in rows.iter().zip(out) {
            *out = FourDots { a: self.a, b: rows.map(row) }.run(lanes);
        }
        for (at, out) in rows_rest.iter().zip(out_rest) {
            *out = Dot { a: self.a, b: row(*at) }.run(lanes);
        }
    }
}

/// Four dot products with one vector, as [`Dot`] gives each: no multiplication waits for the one before it.
struct FourDots<'a> {
    a: &'a [f32],
    b: [&'a [f32]; 4],
}

impl LaneWork for FourDots<'_> {
    type Output = [f64; 4];

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> [f64; 4] {
        let (a, a_rest) = self.a.as_chunks();
        let [(b, b_rest), (c, c_rest), (d, d_rest), (e, e_rest)] = self.b.map(<[f32]>::as_chunks);
        let mut dots = [lanes.splat(0.0); 4];
        for ((((a, b), c), d), e) in a.iter().zip(b).zip(c).zip(d).zip(e) {
            let a = lanes.load(a);
            dots[0] = lanes.mul_add(a, lanes.load(b), dots[0]);
            dots[1] = lanes.mul_add(a, lanes.load(c), dots[1]);
            dots[2] = lanes.mul_add(a, lanes.load(d), dots[2]);
            dots[3] = lanes.mul_add(a, lanes.load(e), dots[3]);
        }
        if !a_rest.is_empty() {
            let a = lanes.load(&padded(a_rest));
            dots[0] = lanes.mul_add(a, lanes.load(&padded(b_rest)), dots[0]);
            dots[1] = lanes.mul_add(a, lanes.load(&padded(c_rest)), dots[1]);
            dots[2] = lanes.mul_add(a, lanes.load(&padded(d_rest)), dots[2]);
            dots[3] = lanes.mul_add(a, lanes.load(&padded(e_rest)), dots[3]);
        }
        [lanes.total(dots[0]), lanes.total(dots[1]), lanes.total(dots[2]), lanes.total(dots[3])]
    }
}

struct Squares<'a> {
    a: &'a [f32],
    b: &'a [f32],
}

impl LaneWork for Squares<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> f64 {
        let ((a, a_rest), (b, b_rest)) = (self.a.as_chunks(), self.b.as_chunks());
        let mut squares = lanes.splat(0.0);
        for (a, b) in a.iter().zip(b) {
            let apart = lanes.sub(lanes.load(a), lanes.load(b));
            squares = lanes.mul_add(apart, apart, squares);
        }
        if !a_rest.is_empty() {
            let apart = lanes.sub(lanes.load(&padded(a_rest)), lanes.load(&padded(b_rest)));
            squares = lanes.mul_add(apart, apart, squares);
        }
        lanes.total(squares)
    }
}

struct Add<'a> {
    sum: &'a mut [f32],
    row: &'a [f16],
    factor: f32,
}

impl LaneWork for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let ((sum, sum_rest), (row, row_rest)) = (self.sum.as_chunks_mut(), self.row.as_chunks());
        let factor = lanes.splat(self.factor);
        for (sum, row) in sum.iter_mut().zip(row) {
            *sum = lanes.store(lanes.mul_add(lanes.widen(row), factor, lanes.load(sum)));
        }
        let rest = lanes.store(lanes.mul_add(lanes.widen(&padded(row_rest)), factor, lanes.load(&padded(sum_rest))));
        let len = sum_rest.len();
        sum_rest.copy_from_slice(&rest[..len]);
    }
}

struct AddRow<'a> {
    sum: &'a mut [f32],
    row: &'a [f32],
    factor: f32,
}

impl LaneWork for AddRow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let ((sum, sum_rest), (row, row_rest)) = (self.sum.as_chunks_mut(), self.row.as_chunks());
        let factor = lanes.splat(self.factor);
        for (sum, row) in sum.iter_mut().zip(row) {
            *sum = lanes.store(lanes.mul_add(lanes.load(row), factor, lanes.load(sum)));
        }
        let rest = lanes.store(lanes.mul_add(lanes.load(&padded(row_rest)), factor, lanes.load(&padded(sum_rest))));
        let len = sum_rest.len();
        sum_rest.copy_from_slice(&rest[..len]);
    }
}

struct AddToBoth<'a> {
    sums: [&'a mut [f32]; 2],
    row: &'a [f16],
    factors: [f32; 2],
}

impl LaneWork for AddToBoth<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let (row, row_rest) = self.row.as_chunks();
        let [(a, a_rest), (b, b_rest)] = self.sums.map(<[f32]>::as_chunks_mut);
        let [a_factor, b_factor] = self.factors.map(|factor| lanes.splat(factor));
        for ((a, b), row) in a.iter_mut().zip(b).zip(row) {
            let row = lanes.widen(row);
            *a = lanes.store(lanes.mul_add(row, a_factor, lanes.load(a)));
            *b = lanes.store(lanes.mul_add(row, b_factor, lanes.load(b)));
        }
        Add { sum: a_rest, row: row_rest, factor: self.factors[0] }.run(lanes);
        Add { sum: b_rest, row: row_rest, factor: self.factors[1] }.run(lanes);
    }
}

struct CountAbove<'a> {
    keys: &'a [f32],
    sign: f32,
    bar: f32,
    or_equal: bool,
}

impl LaneWork for CountAbove<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) -> usize {
        // Blocks so short that 32-bit counters, of which twice as many fit a register, cannot overflow.
        let keys = self.keys.chunks(1 << 16);
        let above = |key: f32| if self.or_equal { key >= self.bar } else { key > self.bar };
        keys.map(|keys| keys.iter().map(|key| u32::from(above(key * self.sign))).sum::<u32>() as usize).sum()
    }
}

/// What is left of a row after whole groups of lanes, filled up with zeros.
#[inline(always)]
fn padded<T: Copy + Default>(rest: &[T]) -> [T; LANES] {
    let mut group = [T::default(); LANES];
    group[..rest.len()].copy_from_slice(rest);
    group
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(a: &[f32], b: &[f32], cosine: f32, euclidean: f32) {
        let scale = crate::index::storage_scale(b);
        let row: Vec<f16> = b.iter().map(|v| f16::from_f32(v / scale)).collect();
        let pair = QueryVector::new(a).to(&row, scale, crate::index::norm(&row, scale));
        assert!((pair.cosine - cosine).abs() <= 1e-6, "{pair:?}");
        assert!((pair.euclidean - euclidean).abs() <= euclidean * 1e-6, "{pair:?}");
    }

    #[test]
    fn both_metrics_follow_their_formulas() {
        check(&[3.0, 4.0], &[3.0, 4.0], 1.0, 0.0);
        check(&[1.0, 0.0], &[0.0, 2.0], 0.0, 5_f32.sqrt());
        check(&[1.0, 0.0], &[-2.0, 0.0], -1.0, 3.0);
        check(&[0.0, 0.0], &[3.0, 4.0], 0.0, 5.0);
        check(&[0.0, 0.0], &[0.0, 0.0], 0.0, 0.0);
        assert_eq!(QueryVector::new(&[f32::NAN, 1.0]).to(&[f16::ONE; 2], 1.0, f32::NAN).cosine, 0.0);
        // Longer than one round of lanes, with a rest.
        check(&[1.0; 77], &[2.0; 77], 1.0, 77_f32.sqrt());
    }

    #[test]
    fn the_portable_loops_give_the_values_of_the_fast_ones() {
        for dim in [3, 16, 77, 512, 2048] {
            let value = |at: usize| ((at * 7919 + dim) % 1009) as f32 / 500.0 - 1.0;
            let (a, b): (Vec<f32>, Vec<f32>) = (0..dim).map(|at| (value(at), value(at + 3 * dim))).unzip();
            let row: Vec<f16> = b.iter().map(|value| f16::from_f32(*value)).collect();
            let task = || DotAndSquares { a: &a, row: &row, scale: 1.0 };
            let (fast, portable) = (lanes::run(task()), task().run(lanes::Portable));
            let lengths = (dot(&a, &a) * dot(&b, &b)).sqrt();
            assert!((fast.0 - portable.0).abs() <= lengths * 2_f64.powi(-20), "{dim}: {fast:?}, {portable:?}");
            assert!((fast.1 - portable.1).abs() <= fast.1 * 2_f64.powi(-20), "{dim}: {fast:?}, {portable:?}");
        }
    }

    #[test]
    fn vast_and_tiny_embeddings_neither_overflow_nor_vanish() {
        check(&[3e30, 0.0], &[0.0, 3.0_f32 * 2_f32.powi(100)], 0.0, 3e30_f32.hypot(3.0 * 2_f32.powi(100)));
        check(&[0.0, 2_f32.powi(-90)], &[2_f32.powi(-90), 0.0], 0.0, 2_f32.powi(-90) * 2_f32.sqrt());
    }

    #[test]
    fn near_duplicates_keep_their_digits() {
        let a = [1000.0; 512];
        let mut b = a;
        b[7] = 1000.5;
        check(&a, &b, 1.0, 0.5);
    }
}
