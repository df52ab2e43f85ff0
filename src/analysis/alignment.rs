//! Whether two pictures show the same pixels: one of them turned, mirrored, resized, cropped, framed or recompressed.
//!
//! Two small gray pictures are laid on one another by an affine map. A coarse search over the eight orientations, sizes
//! and places gives the starts; Gauss–Newton steps on the difference of the normalized pictures (Lucas and Kanade, "An
//! Iterative Image Registration Technique", 1981) make the best of them exact. What counts then is the detail, the
//! pictures less their local mean: shots of one thing agree in their broad shapes, and only copies in every cell.

mod turn;

pub use self::turn::Turn;

/// Pixels along a side of a [`Thumbnail`].
pub const SIDE: usize = 48;

/// A picture squashed to `SIDE`×`SIDE` gray levels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail(Box<[u8]>);

impl Thumbnail {
    /// The gray levels row by row; `None` unless there are `SIDE`×`SIDE` of them.
    #[must_use]
    pub fn new(levels: Vec<u8>) -> Option<Self> {
        (levels.len() == SIDE * SIDE).then(|| Self(levels.into()))
    }

    /// The gray levels row by row.
    #[must_use]
    pub fn levels(&self) -> &[u8] {
        &self.0
    }
}

/// How two pictures lie on one another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alignment {
    /// How the first one was turned to make the second one.
    pub turn: Turn,
    /// Whether one of them shows a part of the other only.
    pub part: bool,
    /// How well the detail agrees, 0 to 1: the mean of its correlation in each cell that shows any, and of the share of
    /// those in which it is the same, so that a caption costs no more than what it covers.
    pub agreement: f32,
}

impl Alignment {
    /// From this agreement on two pictures are the same picture: between what copies reach, all but the most distorted, and
    /// what other shots of one thing do (measured by `tests/bench/compare/copies.py`).
    pub const SAME: f32 = 0.75;

    const NONE: Self = Self { turn: Turn::NONE, part: false, agreement: 0.0 };

    /// What it and then another one come to.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        Self {
            turn: self.turn.then(next.turn),
            part: self.part || next.part,
            agreement: self.agreement.min(next.agreement),
        }
    }

    /// The same, seen from the second picture.
    #[must_use]
    pub fn inverse(self) -> Self {
        Self { turn: self.turn.inverse(), ..self }
    }

    /// Lays two pictures on one another. Both ways give the same.
    #[must_use]
    pub fn find(a: &Thumbnail, b: &Thumbnail) -> Self {
        if b.0 < a.0 {
            return Self::find(b, a).inverse();
        }
        let [plane, other] = [a, b].map(Plane::of);
        if plane.detailed_cells() < LEAST_CELLS || other.detailed_cells() < LEAST_CELLS {
            return Self::NONE;
        }
        let first = Levels::new(plane);
        let turned: Vec<_> = Turn::all().map(|turn| (turn, Levels::new(first.whole.turned(turn)))).collect();
        let second = Levels::new(other);
        let mut best = Self::NONE;
        for (turn, first) in &turned {
            let (agreement, _) = detail(&first.whole, &second.whole, &Map::IDENTITY);
            if agreement > best.agreement {
                best = Self { turn: *turn, part: false, agreement };
            }
        }
        if best.agreement >= SURE {
            return best;
        }
        for Start { turned: at, flipped, mut map, .. } in starts(&turned, &second) {
            let (turn, first) = &turned[at];
            let (from, to) = if flipped { (&second, first) } else { (first, &second) };
            map.refine(&from.half, &to.half, 8);
            map.refine(&from.whole, &to.whole, 5);
            let (agreement, overlap) = detail(&from.whole, &to.whole, &map);
            // What shows the whole is not called a part for the sake of a little.
            if overlap >= LEAST_OVERLAP && agreement > best.agreement + LITTLE {
                best = Self { turn: *turn, part: map.is_part() || overlap < WHOLE, agreement };
                if agreement >= SURE {
                    break;
                }
            }
        }
        best
    }
}

/// Less of a picture inside the other one says nothing.
const LEAST_OVERLAP: f32 = 0.55;
/// With more of it inside, and no less of the other one covered, nothing is cropped.
const WHOLE: f32 = 0.93;
/// Fewer cells that show anything tell nothing apart.
const LEAST_CELLS: usize = 3;
/// Agreements that are not told apart.
const LITTLE: f32 = 0.03;
/// Nothing is looked for beyond this agreement.
const SURE: f32 = 0.9;

/// A square picture of any number of gray levels.
#[derive(Clone)]
struct Plane {
    side: usize,
    values: Vec<f32>,
}

impl Plane {
    fn of(thumbnail: &Thumbnail) -> Self {
        Self { side: SIDE, values: thumbnail.0.iter().map(|level| f32::from(*level)).collect() }
    }

    /// How many cells show any detail.
    fn detailed_cells(&self) -> usize {
        let whole: Vec<_> = self.values.iter().copied().map(Some).collect();
        let detail = less_local_mean(&whole, self.side);
        let squares = |cell: usize| -> f32 {
            let of = pixels_of(self.side, cell).filter_map(|at| detail[at]);
            of.map(|value| value * value).sum()
        };
        (0..(self.side / CELL).pow(2)).filter(|cell| squares(*cell) > FLAT * (CELL * CELL) as f32).count()
    }

    fn halved(&self) -> Self {
        let side = self.side / 2;
        let row = |at: usize| (2 * (at / side) * self.side) + 2 * (at % side);
        let mean = |at: usize| {
            let (upper, lower) = (row(at), row(at) + self.side);
            (self.values[upper] + self.values[upper + 1] + self.values[lower] + self.values[lower + 1]) / 4.0
        };
        Self { side, values: (0..side * side).map(mean).collect() }
    }

    fn turned(&self, turn: Turn) -> Self {
        let from = |at: usize| {
            let (x, y) = turn.source(self.side, (at % self.side, at / self.side));
            self.values[y * self.side + x]
        };
        Self { side: self.side, values: (0..self.side * self.side).map(from).collect() }
    }

    /// The value between pixels at a point of -1 to 1; nothing outside.
    fn at(&self, x: f32, y: f32) -> Option<f32> {
        let last = (self.side - 1) as f32;
        let pixel = |value: f32| ((value + 1.0) * self.side as f32 - 1.0) / 2.0;
        let (x, y) = (pixel(x), pixel(y));
        let inside = |value: f32| value >= -0.5 && value <= last + 0.5;
        if !inside(x) || !inside(y) {
            return None;
        }
        let (x, y) = (x.clamp(0.0, last), y.clamp(0.0, last));
        let (left, top) = ((x as usize).min(self.side - 2), (y as usize).min(self.side - 2));
        let (right, down) = (x - left as f32, y - top as f32);
        let upper = &self.values[top * self.side + left..];
        let lower = &upper[self.side..];
        let between = |a: f32, b: f32, share: f32| a + (b - a) * share;
        Some(between(between(upper[0], upper[1], right), between(lower[0], lower[1], right), down))
    }

    /// The pixels with the point of -1 to 1 that each stands for.
    fn points(&self) -> impl Iterator<Item = (f32, f32, f32)> + '_ {
        let side = self.side;
        let center = move |at: usize| (2.0 * at as f32 + 1.0) / side as f32 - 1.0;
        self.values.iter().enumerate().map(move |(at, value)| (center(at % side), center(at / side), *value))
    }
}

/// A picture in three sizes.
struct Levels {
    whole: Plane,
    half: Plane,
    quarter: Plane,
}

impl Levels {
    fn new(whole: Plane) -> Self {
        let half = whole.halved();
        let quarter = half.halved();
        Self { whole, half, quarter }
    }
}

/// An affine map of the points of one picture to those of another, both from -1 to 1:
/// x' = m₀x + m₁y + m₂, y' = m₃x + m₄y + m₅.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Map([f32; 6]);

impl Map {
    const IDENTITY: Self = Self([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);

    fn apply(&self, x: f32, y: f32) -> (f32, f32) {
        let m = &self.0;
        (m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5])
    }

    fn is_near(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| (a - b).abs() < 0.15)
    }

    /// Whether what is mapped covers noticeably less than the whole.
    fn is_part(&self) -> bool {
        let m = &self.0;
        !((WHOLE * WHOLE)..(1.0 / (WHOLE * WHOLE))).contains(&(m[0] * m[4] - m[1] * m[3]).abs())
    }

    /// The correlation of a picture with what it lies on.
    fn correlation(&self, from: &Plane, to: &Plane) -> f32 {
        let mut sums = Sums::default();
        for (x, y, value) in from.points() {
            let (x, y) = self.apply(x, y);
            if let Some(other) = to.at(x, y) {
                sums.add(value, other);
            }
        }
        sums.correlation()
    }

    /// Moves it to where the correlation is greatest nearby.
    fn refine(&mut self, from: &Plane, to: &Plane, rounds: usize) {
        let mut best = (self.correlation(from, to), *self);
        for _ in 0..rounds {
            let Some(step) = self.step(from, to) else { break };
            self.0.iter_mut().zip(step).for_each(|(value, step)| *value += step.clamp(-0.2, 0.2));
            let correlation = self.correlation(from, to);
            if correlation > best.0 {
                best = (correlation, *self);
            }
            if step.iter().all(|step| step.abs() < 1e-3) {
                break;
            }
        }
        *self = best.1;
    }

    /// The Gauss–Newton step on the difference of the two pictures, each less its mean and over its deviation, so that
    /// light and contrast do not count.
    fn step(&self, from: &Plane, to: &Plane) -> Option<[f32; 6]> {
        let pixel = 2.0 / to.side as f32;
        let mut pairs = Vec::with_capacity(from.values.len());
        let mut sums = Sums::default();
        let mut mean = [0.0_f32; 6];
        for (x, y, value) in from.points() {
            let (u, v) = self.apply(x, y);
            let around =
                [to.at(u, v), to.at(u + pixel, v), to.at(u - pixel, v), to.at(u, v + pixel), to.at(u, v - pixel)];
            let [Some(here), Some(right), Some(left), Some(below), Some(above)] = around else { continue };
            let (dx, dy) = ((right - left) / (2.0 * pixel), (below - above) / (2.0 * pixel));
            let slope = [dx * x, dx * y, dx, dy * x, dy * y, dy];
            mean.iter_mut().zip(slope).for_each(|(mean, slope)| *mean += slope);
            sums.add(value, here);
            pairs.push((slope, value, here));
        }
        if sums.count < 0.2 * from.values.len() as f32 {
            return None;
        }
        mean.iter_mut().for_each(|mean| *mean /= sums.count);
        let [(from_mean, from_deviation), (to_mean, to_deviation)] = sums.moments();
        let mut system = [[0.0_f32; 7]; 6];
        for (slope, value, here) in pairs {
            let difference = (value - from_mean) / from_deviation - (here - to_mean) / to_deviation;
            // What differs much is no place to pull at: a caption, or a frame.
            let weight = 1.0 / (1.0 + difference * difference);
            let slope: [f32; 6] = std::array::from_fn(|at| (slope[at] - mean[at]) / to_deviation);
            for (row, a) in system.iter_mut().zip(slope) {
                row.iter_mut().zip(slope).for_each(|(value, b)| *value += weight * a * b);
                row[6] += weight * a * difference;
            }
        }
        for (at, row) in system.iter_mut().enumerate() {
            // Flat pictures leave some directions open.
            row[at] = row[at] * 1.01 + 1e-3;
        }
        solve(system)
    }
}

/// Solves six linear equations, the right side in the last column; Gauss–Jordan with pivots.
fn solve(mut rows: [[f32; 7]; 6]) -> Option<[f32; 6]> {
    for column in 0..6 {
        let pivot = (column..6).max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs()))?;
        rows.swap(column, pivot);
        let lead = rows[column];
        if lead[column].abs() < 1e-9 {
            return None;
        }
        for (at, row) in rows.iter_mut().enumerate().filter(|(at, _)| *at != column) {
            debug_assert_ne!(at, column);
            let factor = row[column] / lead[column];
            row.iter_mut().zip(lead).for_each(|(value, lead)| *value -= factor * lead);
        }
    }
    Some(std::array::from_fn(|at| rows[at][6] / rows[at][at]))
}

/// What a correlation is made of.
#[derive(Default)]
struct Sums {
    count: f32,
    a: f32,
    b: f32,
    aa: f32,
    bb: f32,
    ab: f32,
}

impl Sums {
    fn add(&mut self, a: f32, b: f32) {
        self.count += 1.0;
        self.a += a;
        self.b += b;
        self.aa += a * a;
        self.bb += b * b;
        self.ab += a * b;
    }

    /// Mean and standard deviation of both; no deviation is less than one gray level.
    fn moments(&self) -> [(f32, f32); 2] {
        let of = |sum: f32, squares: f32| {
            let mean = sum / self.count;
            (mean, (squares / self.count - mean * mean).max(1.0).sqrt())
        };
        [of(self.a, self.aa), of(self.b, self.bb)]
    }

    /// Pearson's; 0 for what is flat.
    fn correlation(&self) -> f32 {
        if self.count < 4.0 {
            return 0.0;
        }
        let varies = |sum: f32, squares: f32| squares - sum * sum / self.count;
        let (a, b) = (varies(self.a, self.aa), varies(self.b, self.bb));
        if a < self.count || b < self.count { 0.0 } else { (self.ab - self.a * self.b / self.count) / (a * b).sqrt() }
    }
}

/// Where the search for an alignment starts.
struct Start {
    correlation: f32,
    /// Position of the turned first picture.
    turned: usize,
    /// Whether the map takes the second picture to the first one.
    flipped: bool,
    map: Map,
}

/// Starts that are followed.
const FOLLOWED: usize = 4;
/// What the whole picture is ahead of any part: most copies show all of it.
const AHEAD: f32 = 0.02;
/// Width and height of a part, as shares of the whole: crops, and what has a strip at one side.
const PARTS: [(f32, f32); 13] = [
    (1.0, 1.0),
    (0.9, 0.9),
    (0.8, 0.8),
    (0.7, 0.7),
    (0.6, 0.6),
    (0.5, 0.5),
    (0.42, 0.42),
    (1.0, 0.9),
    (1.0, 0.82),
    (1.0, 0.7),
    (0.9, 1.0),
    (0.82, 1.0),
    (0.7, 1.0),
];
/// A part is tried every so much of a side.
const APART: f32 = 1.0 / 12.0;
/// Slight rotations that are tried, in radians.
const LEANING: [f32; 3] = [0.0, 0.14, -0.14];

/// The best starts, the best first. Of pictures that were turned by quarters no parts are looked for: few are cropped too.
fn starts(turned: &[(Turn, Levels)], second: &Levels) -> Vec<Start> {
    let mut starts = Vec::new();
    for (at, (turn, first)) in turned.iter().enumerate() {
        let correlation = Map::IDENTITY.correlation(&first.half, &second.half) + AHEAD;
        starts.push(Start { correlation, turned: at, flipped: false, map: Map::IDENTITY });
        if turn.quarters != 0 {
            continue;
        }
        for map in parts() {
            for flipped in [false, true] {
                let (from, to) = if flipped { (second, first) } else { (first, second) };
                let correlation = map.correlation(&from.quarter, &to.quarter);
                starts.push(Start { correlation, turned: at, flipped, map });
            }
        }
    }
    starts.sort_by(|a, b| b.correlation.total_cmp(&a.correlation));
    let mut followed: Vec<Start> = Vec::new();
    for start in starts {
        let same = |other: &Start| (other.turned, other.flipped) == (start.turned, start.flipped);
        if !followed.iter().any(|other| same(other) && other.map.is_near(&start.map)) {
            followed.push(start);
            if followed.len() == FOLLOWED {
                break;
            }
        }
    }
    followed
}

/// The maps of a whole picture into parts of another one.
fn parts() -> impl Iterator<Item = Map> {
    PARTS.into_iter().flat_map(|(width, height)| {
        let places = |size: f32| {
            let steps = ((1.0 - size) / APART / 2.0).ceil() as i32;
            (-steps..=steps).map(move |at| if steps == 0 { 0.0 } else { (1.0 - size) * at as f32 / steps as f32 })
        };
        let leaning = if width == height && (0.75..0.95).contains(&width) { &LEANING[..] } else { &LEANING[..1] };
        places(width).flat_map(move |x| {
            places(height).flat_map(move |y| {
                leaning.iter().map(move |angle| {
                    let (sine, cosine) = angle.sin_cos();
                    Map([width * cosine, -height * sine, x, width * sine, height * cosine, y])
                })
            })
        })
    })
}

/// Pixels along a side of a cell.
const CELL: usize = 8;
/// Pixels around one that make its local mean, to each side.
const AROUND: usize = 2;
/// From this correlation on the detail of a cell is the same.
const CELL_SAME: f32 = 0.7;
/// Mean squares of the detail, in gray levels: a cell with less is flat.
const FLAT: f32 = 4.0;

/// How well the detail of two pictures agrees, and how much of the first one lies inside the second.
fn detail(from: &Plane, to: &Plane, map: &Map) -> (f32, f32) {
    let side = from.side;
    let warped: Vec<_> = from.points().map(|(x, y, _)| map.apply(x, y)).map(|(x, y)| to.at(x, y)).collect();
    let plain: Vec<_> = from.values.iter().zip(&warped).map(|(value, other)| other.map(|_| *value)).collect();
    let (plain, warped) = (less_local_mean(&plain, side), less_local_mean(&warped, side));
    let (mut inside, mut agreeing, mut same, mut cells) = (0.0_f32, 0.0_f32, 0.0_f32, 0.0_f32);
    for cell in 0..(side / CELL).pow(2) {
        let mut sums = Sums::default();
        for at in pixels_of(side, cell) {
            if let (Some(a), Some(b)) = (plain[at], warped[at]) {
                sums.add(a, b);
            }
        }
        inside += sums.count;
        if sums.count >= (CELL * CELL / 2) as f32 && sums.aa.max(sums.bb) > FLAT * sums.count {
            let correlation = sums.ab / (sums.aa.max(sums.count) * sums.bb.max(sums.count)).sqrt();
            cells += 1.0;
            agreeing += correlation.max(0.0);
            same += f32::from(u8::from(correlation >= CELL_SAME));
        }
    }
    // What shows next to nothing is not taken for a copy of the next that does.
    (((agreeing + same) / cells.max(4.0) / 2.0).min(1.0), inside / (side * side) as f32)
}

/// The positions of the pixels of a cell.
fn pixels_of(side: usize, cell: usize) -> impl Iterator<Item = usize> {
    let (left, top) = (cell % (side / CELL) * CELL, cell / (side / CELL) * CELL);
    (0..CELL * CELL).map(move |at| (top + at / CELL) * side + left + at % CELL)
}

/// Each value less the mean of those around it that there are.
fn less_local_mean(values: &[Option<f32>], side: usize) -> Vec<Option<f32>> {
    let mean = |at: usize| {
        let near = |at: usize| at.saturating_sub(AROUND)..(at + AROUND + 1).min(side);
        let rows = near(at / side).map(|y| y * side);
        let around = rows.flat_map(|row| near(at % side).filter_map(move |x| values[row + x]));
        let (sum, count) = around.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
        sum / count
    };
    values.iter().enumerate().map(|(at, value)| value.map(|value| value - mean(at))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A scene of soft blobs that no symmetry leaves as it is; each seed gives another one. Points are of 0 to 1.
    fn scene(seed: u32) -> impl Fn(f32, f32) -> f32 {
        let mut state = seed.wrapping_mul(2_654_435_761).max(1);
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (state >> 8) as f32 / (1 << 24) as f32
        };
        let blobs: Vec<_> = (0..90).map(|_| [random(), random(), 0.02 + 0.05 * random(), random() - 0.5]).collect();
        move |x, y| {
            let height = |[left, top, size, height]: &[f32; 4]| {
                height * (-((x - left).powi(2) + (y - top).powi(2)) / (size * size)).exp()
            };
            128.0 + 150.0 * blobs.iter().map(height).sum::<f32>()
        }
    }

    fn seen(scene: impl Fn(f32, f32) -> f32) -> Thumbnail {
        let center = |at: usize| (at as f32 + 0.5) / SIDE as f32;
        let level = |at: usize| scene(center(at % SIDE), center(at / SIDE)).clamp(0.0, 255.0) as u8;
        Thumbnail::new((0..SIDE * SIDE).map(level).collect()).expect("as many as it has")
    }

    #[track_caller]
    fn check(copy: &Thumbnail, turn: Turn, part: bool) {
        let found = Alignment::find(&seen(scene(1)), copy);
        assert!(found.agreement >= Alignment::SAME, "{found:?}");
        assert_eq!((found.turn, found.part), (turn, part));
        let back = Alignment::find(copy, &seen(scene(1)));
        assert_eq!(back, found.inverse(), "both ways give the same");
    }

    #[test]
    fn a_turned_copy_is_found_and_its_turn_named() {
        for turn in Turn::all() {
            let plane = Plane::of(&seen(scene(1))).turned(turn);
            let copy = Thumbnail::new(plane.values.iter().map(|value| *value as u8).collect()).expect("it has all");
            check(&copy, turn, false);
            assert_eq!(turn.then(turn.inverse()), Turn::NONE);
        }
        let right = Turn { quarters: 1, mirrored: false };
        assert_eq!(right.then(right).words(), Some("upside down"));
    }

    #[test]
    fn crops_frames_captions_and_other_light_are_copies() {
        let whole = scene(1);
        check(&seen(|x, y| whole(0.1 + 0.75 * x, 0.2 + 0.75 * y)), Turn::NONE, true);
        let framed = |x: f32, y: f32| {
            let (x, y) = ((x - 0.1) / 0.8, (y - 0.1) / 0.8);
            if (0.0..1.0).contains(&x) && (0.0..1.0).contains(&y) { whole(x, y) } else { 255.0 }
        };
        check(&seen(framed), Turn::NONE, true);
        check(&seen(|x, y| if y > 0.88 { 0.0 } else { whole(x, y) }), Turn::NONE, false);
        check(&seen(|x, y| 0.6 * whole(x, y) + 70.0), Turn::NONE, false);
    }

    #[test]
    fn other_pictures_and_flat_ones_are_no_copies() {
        for other in [seen(scene(2)), seen(scene(3)), seen(|_, _| 128.0), seen(|x, _| 255.0 * x)] {
            let found = Alignment::find(&seen(scene(1)), &other);
            assert!(found.agreement < Alignment::SAME - 0.2, "{found:?}");
        }
        let flat = Alignment::find(&seen(|_, _| 10.0), &seen(|_, _| 200.0));
        assert!(flat.agreement < Alignment::SAME, "what shows nothing is a copy of nothing: {flat:?}");
        assert_eq!(Thumbnail::new(vec![0; 7]), None);
    }
}
