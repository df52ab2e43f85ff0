//! Which pairs of two blocks may be neighbors: products of 16-bit integers, most of which end after a few dimensions.
//!
//! Two blocks are multiplied tile by tile, a tile being few rows by few panels of 16 columns whose sums all stay in
//! registers. After each stage of dimensions the squared distance of what was summed so far, which is never larger than
//! the whole one, is held against the bars of its row and its column. A tile in which no pair reaches one is dropped.

use pulp::cast;
#[cfg(target_arch = "x86_64")]
use pulp::{
    NullaryFnOnce, b16, f32x8, f32x16, i16x16, i16x32, i32x8, i32x16,
    x86::{V3, V4},
};

/// Rows in a panel.
pub const PANEL: usize = 16;

/// The two neighboring dimensions of every row of a panel.
pub type PairColumn = [[i16; 2]; PANEL];

/// What is known of one row at one stage: `height` is the squared length of its dimensions so far.
#[derive(Clone, Copy)]
pub struct Lines<'a> {
    /// Factor of the integers, one a row.
    pub scales: &'a [f32],
    /// One list a stage, one value a row.
    pub heights: &'a [Vec<f32>],
    /// The squared length of the whole row, without the rounding of the last of `heights`.
    pub squares: &'a [f64],
    /// The largest squared distance that matters, negated; one a row.
    pub bars: &'a [f32],
    /// `pairs` columns of each panel, one panel behind the other.
    pub panels: &'a [PairColumn],
}

/// A pair that may matter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// The row in the first block.
    pub row: u32,
    /// The row in the second block.
    pub col: u32,
    /// The distance of the integer rows, times their scales.
    pub distance: f32,
}

/// All pairs of two blocks whose squared distance is not above the larger of their two bars, or of padding rows.
pub fn hits(rows: Lines<'_>, cols: Lines<'_>, pairs: usize, stages: &[usize]) -> Vec<Hit> {
    let task = Search { rows, cols, pairs, stages };
    #[cfg(target_arch = "x86_64")]
    {
        if let (Some(lanes), Some(fusing)) = (V4::try_new(), Vnni::try_new()) {
            return fusing.vectorize(Compiled { task, lanes });
        }
        if let Some(lanes) = V4::try_new() {
            return lanes.vectorize(Compiled { task, lanes });
        }
        if let Some(lanes) = V3::try_new() {
            return lanes.vectorize(Compiled { task, lanes });
        }
    }
    task.run(Portable)
}

struct Search<'a> {
    rows: Lines<'a>,
    cols: Lines<'a>,
    pairs: usize,
    stages: &'a [usize],
}

impl Search<'_> {
    #[inline(always)]
    fn run<L: Integers>(self, lanes: L) -> Vec<Hit> {
        lanes.search(self)
    }

    /// With tiles of `R` rows, a divisor of [`PANEL`], by `C` panels.
    #[inline(always)]
    fn tiles<L: Integers, const R: usize, const C: usize>(&self, lanes: L) -> Vec<Hit> {
        let mut hits = Vec::new();
        let (row_panels, col_panels) = (self.rows.panels.len() / self.pairs, self.cols.panels.len() / self.pairs);
        let mut col = 0;
        while col + C <= col_panels {
            for row in (0..row_panels * PANEL).step_by(R) {
                self.tile::<L, R, C>(lanes, row, col, &mut hits);
            }
            col += C;
        }
        for col in col..col_panels {
            for row in (0..row_panels * PANEL).step_by(R) {
                self.tile::<L, R, 1>(lanes, row, col, &mut hits);
            }
        }
        hits
    }

    #[inline(always)]
    fn tile<L: Integers, const R: usize, const C: usize>(&self, lanes: L, row: usize, col: usize, hits: &mut Vec<Hit>) {
        let pairs = self.pairs;
        let row_panel = &self.rows.panels[row / PANEL * pairs..][..pairs];
        let mut col_panels = [&self.cols.panels[col * pairs..][..pairs]; C];
        for (c, panel) in col_panels.iter_mut().enumerate().skip(1) {
            *panel = &self.cols.panels[(col + c) * pairs..][..pairs];
        }
        let part = row % PANEL / R;
        let mut sums = [[lanes.zero(); C]; R];
        let (mut from, mut reach) = (0, [[0_u16; C]; R]);
        for (stage, to) in self.stages.iter().enumerate() {
            let cols = {
                let mut cols = [&col_panels[0][from..*to]; C];
                for c in 1..C {
                    cols[c] = &col_panels[c][from..*to];
                }
                cols
            };
            sums = add_products(lanes, sums, &row_panel[from..*to], part, cols);
            from = *to;
            let mut any = 0;
            let (row_heights, col_heights) = (&self.rows.heights[stage], &self.cols.heights[stage]);
            for c in 0..C {
                let at = (col + c) * PANEL;
                let (scales, bars) = (panel_of(self.cols.scales, at), panel_of(self.cols.bars, at));
                let heights = panel_of(col_heights, at);
                for r in 0..R {
                    let line = [self.rows.scales[row + r] * 2.0, row_heights[row + r], self.rows.bars[row + r]];
                    reach[r][c] = lanes.reach(sums[r][c], [scales, heights, bars], line);
                    any |= reach[r][c];
                }
            }
            if any == 0 {
                return;
            }
        }
        // Written out as a whole: sums that a loop picks from would have to lie in memory all the time.
        let mut written = [[[0; PANEL]; C]; R];
        for r in 0..R {
            for c in 0..C {
                written[r][c] = lanes.store(sums[r][c]);
            }
        }
        self.take(row, col * PANEL, reach.as_flattened(), written.as_flattened(), C, hits);
    }

    /// Notes the pairs of a tile that are near enough.
    #[inline(never)]
    fn take(&self, row: usize, col: usize, reach: &[u16], sums: &[[i32; PANEL]], panels: usize, hits: &mut Vec<Hit>) {
        for (at, (reach, sums)) in reach.iter().zip(sums).enumerate() {
            let (row, first, mut reach) = (row + at / panels, col + at % panels * PANEL, *reach);
            while reach != 0 {
                let at = reach.trailing_zeros() as usize;
                reach &= reach - 1;
                let col = first + at;
                let product = f64::from(sums[at]) * f64::from(self.cols.scales[col]) * f64::from(self.rows.scales[row]);
                let square = self.rows.squares[row] + self.cols.squares[col] - 2.0 * product;
                hits.push(Hit { row: row as u32, col: col as u32, distance: square.max(0.0).sqrt() as f32 });
            }
        }
    }
}

/// Adds the products of `R` rows, the `part`-th so many of their panel, with the rows of `C` panels. The sums come and go
/// as values, so that they stay in registers.
#[inline(always)]
fn add_products<L: Integers, const R: usize, const C: usize>(
    lanes: L,
    mut sums: [[L::Sums; C]; R],
    rows: &[PairColumn],
    part: usize,
    cols: [&[PairColumn]; C],
) -> [[L::Sums; C]; R] {
    for (at, values) in rows.iter().enumerate() {
        let values: &[[i16; 2]; R] = &values.as_chunks().0[part];
        let mut panels = [lanes.load(&cols[0][at]); C];
        for c in 1..C {
            panels[c] = lanes.load(&cols[c][at]);
        }
        for r in 0..R {
            let value = lanes.broadcast(values[r]);
            for c in 0..C {
                sums[r][c] = lanes.multiply_add(sums[r][c], value, panels[c]);
            }
        }
    }
    sums
}

#[inline(always)]
fn panel_of(values: &[f32], at: usize) -> &[f32; PANEL] {
    // The lists are as long as their panels; the fallback keeps the check out of the loops' way.
    values[at..].first_chunk().unwrap_or(&[0.0; PANEL])
}

/// Sums of products of 16-bit integers, one sum for each row of a panel.
trait Integers: Copy {
    /// Two dimensions of 16 rows.
    type Pairs: Copy;
    /// One sum a row.
    type Sums: Copy;

    /// Goes through all tiles, in the size that suits the registers.
    fn search(self, search: Search<'_>) -> Vec<Hit>;
    fn zero(self) -> Self::Sums;
    fn load(self, pairs: &PairColumn) -> Self::Pairs;
    fn broadcast(self, pair: [i16; 2]) -> Self::Pairs;
    /// Adds to each sum the products of its two dimensions.
    fn multiply_add(self, sums: Self::Sums, a: Self::Pairs, b: Self::Pairs) -> Self::Sums;
    fn store(self, sums: Self::Sums) -> [i32; PANEL];
    /// Which of the columns (scales, heights, bars) reach the larger bar of themselves and a row (the same).
    fn reach(self, sums: Self::Sums, cols: [&[f32; PANEL]; 3], row: [f32; 3]) -> u16;
}

/// For any machine: loops that the compiler may turn into what the machine has.
#[derive(Clone, Copy)]
struct Portable;

impl Integers for Portable {
    type Pairs = PairColumn;
    type Sums = [i32; PANEL];

    #[inline(always)]
    fn search(self, search: Search<'_>) -> Vec<Hit> {
        search.tiles::<Self, 4, 1>(self)
    }

    #[inline(always)]
    fn zero(self) -> Self::Sums {
        [0; PANEL]
    }

    #[inline(always)]
    fn load(self, pairs: &PairColumn) -> Self::Pairs {
        *pairs
    }

    #[inline(always)]
    fn broadcast(self, pair: [i16; 2]) -> Self::Pairs {
        [pair; PANEL]
    }

    #[inline(always)]
    fn multiply_add(self, sums: Self::Sums, a: Self::Pairs, b: Self::Pairs) -> Self::Sums {
        std::array::from_fn(|at| {
            sums[at] + i32::from(a[at][0]) * i32::from(b[at][0]) + i32::from(a[at][1]) * i32::from(b[at][1])
        })
    }

    #[inline(always)]
    fn store(self, sums: Self::Sums) -> [i32; PANEL] {
        sums
    }

    #[inline(always)]
    fn reach(self, sums: Self::Sums, [scales, heights, bars]: [&[f32; PANEL]; 3], row: [f32; 3]) -> u16 {
        (0..PANEL).fold(0, |reach, at| {
            let near = sums[at] as f32 * scales[at] * row[0] - heights[at] - row[1];
            reach | (u16::from(near >= row[2].min(bars[at])) << at)
        })
    }
}

#[cfg(target_arch = "x86_64")]
pulp::simd_type! {
    /// What [`V4`] has, and one instruction that multiplies 16-bit integers and adds the products to a sum. What is compiled
    /// for it is the same code as for `V4`, in which the compiler finds the places for that instruction.
    struct Vnni {
        sse: "sse",
        sse2: "sse2",
        fxsr: "fxsr",
        sse3: "sse3",
        ssse3: "ssse3",
        sse4_1: "sse4.1",
        sse4_2: "sse4.2",
        popcnt: "popcnt",
        avx: "avx",
        avx2: "avx2",
        bmi1: "bmi1",
        bmi2: "bmi2",
        fma: "fma",
        lzcnt: "lzcnt",
        avx512f: "avx512f",
        avx512bw: "avx512bw",
        avx512cd: "avx512cd",
        avx512dq: "avx512dq",
        avx512vl: "avx512vl",
        avx512vnni: "avx512vnni",
    }
}

#[cfg(target_arch = "x86_64")]
struct Compiled<'a, L> {
    task: Search<'a>,
    lanes: L,
}

#[cfg(target_arch = "x86_64")]
impl<L: Integers> NullaryFnOnce for Compiled<'_, L> {
    type Output = Vec<Hit>;

    #[inline(always)]
    fn call(self) -> Vec<Hit> {
        self.task.run(self.lanes)
    }
}

#[cfg(target_arch = "x86_64")]
impl Integers for V3 {
    type Pairs = [i16x16; 2];
    type Sums = [i32x8; 2];

    #[inline(always)]
    fn search(self, search: Search<'_>) -> Vec<Hit> {
        search.tiles::<Self, 4, 1>(self)
    }

    #[inline(always)]
    fn zero(self) -> Self::Sums {
        [self.splat_i32x8(0); 2]
    }

    #[inline(always)]
    fn load(self, pairs: &PairColumn) -> Self::Pairs {
        cast(*pairs)
    }

    #[inline(always)]
    fn broadcast(self, pair: [i16; 2]) -> Self::Pairs {
        [cast(self.splat_i32x8(cast(pair))); 2]
    }

    #[inline(always)]
    fn multiply_add(self, sums: Self::Sums, a: Self::Pairs, b: Self::Pairs) -> Self::Sums {
        let low = self.multiply_wrapping_add_adjacent_i16x16(a[0], b[0]);
        let high = self.multiply_wrapping_add_adjacent_i16x16(a[1], b[1]);
        [self.wrapping_add_i32x8(sums[0], low), self.wrapping_add_i32x8(sums[1], high)]
    }

    #[inline(always)]
    fn store(self, sums: Self::Sums) -> [i32; PANEL] {
        cast(sums)
    }

    #[inline(always)]
    fn reach(self, sums: Self::Sums, cols: [&[f32; PANEL]; 3], row: [f32; 3]) -> u16 {
        let (scales, heights, bars): ([f32x8; 2], [f32x8; 2], [f32x8; 2]) =
            (cast(*cols[0]), cast(*cols[1]), cast(*cols[2]));
        let (scale, height, bar) = (self.splat_f32x8(row[0]), self.splat_f32x8(row[1]), self.splat_f32x8(row[2]));
        let mut halves = [0; 2];
        for half in 0..2 {
            let sums = self.mul_f32x8(self.convert_i32x8_to_f32x8(sums[half]), scales[half]);
            let near = self.sub_f32x8(self.mul_sub_f32x8(sums, scale, heights[half]), height);
            let reach = self.cmp_ge_f32x8(near, self.min_f32x8(bar, bars[half]));
            halves[half] = self.avx._mm256_movemask_ps(cast(reach)) as u16;
        }
        halves[0] | halves[1] << 8
    }
}

#[cfg(target_arch = "x86_64")]
impl Integers for V4 {
    type Pairs = i16x32;
    type Sums = i32x16;

    #[inline(always)]
    fn search(self, search: Search<'_>) -> Vec<Hit> {
        search.tiles::<Self, 8, 3>(self)
    }

    #[inline(always)]
    fn zero(self) -> Self::Sums {
        self.splat_i32x16(0)
    }

    #[inline(always)]
    fn load(self, pairs: &PairColumn) -> Self::Pairs {
        cast(*pairs)
    }

    #[inline(always)]
    fn broadcast(self, pair: [i16; 2]) -> Self::Pairs {
        cast(self.splat_i32x16(cast(pair)))
    }

    #[inline(always)]
    fn multiply_add(self, sums: Self::Sums, a: Self::Pairs, b: Self::Pairs) -> Self::Sums {
        self.wrapping_add_i32x16(sums, self.multiply_wrapping_add_adjacent_i16x32(a, b))
    }

    #[inline(always)]
    fn store(self, sums: Self::Sums) -> [i32; PANEL] {
        cast(sums)
    }

    #[inline(always)]
    fn reach(self, sums: Self::Sums, cols: [&[f32; PANEL]; 3], row: [f32; 3]) -> u16 {
        let (scales, heights, bars): (f32x16, f32x16, f32x16) = (cast(*cols[0]), cast(*cols[1]), cast(*cols[2]));
        let (scale, height, bar) = (self.splat_f32x16(row[0]), self.splat_f32x16(row[1]), self.splat_f32x16(row[2]));
        let sums = self.mul_f32x16(self.convert_i32x16_to_f32x16(sums), scales);
        let near = self.sub_f32x16(self.mul_sub_f32x16(sums, scale, heights), height);
        let b16(reach) = self.cmp_ge_f32x16(near, self.min_f32x16(bar, bars));
        reach
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// What each kind of arithmetic that this machine has finds.
    pub fn hits_by_every_kind(rows: Lines<'_>, cols: Lines<'_>, pairs: usize, stages: &[usize]) -> Vec<Vec<Hit>> {
        let task = || Search { rows, cols, pairs, stages };
        let mut found = vec![task().run(Portable)];
        #[cfg(target_arch = "x86_64")]
        {
            found.extend(V3::try_new().map(|lanes| lanes.vectorize(Compiled { task: task(), lanes })));
            found.extend(V4::try_new().map(|lanes| lanes.vectorize(Compiled { task: task(), lanes })));
            let fusing = V4::try_new().zip(Vnni::try_new());
            found.extend(fusing.map(|(lanes, fusing)| fusing.vectorize(Compiled { task: task(), lanes })));
        }
        found
    }
}
