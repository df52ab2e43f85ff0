//! How one picture lies on another: an affine map, and the steps that make it exact.

use super::plane::Plane;

/// An affine map of the points of one picture to those of another, both from -1 to 1:
/// x' = m₀x + m₁y + m₂, y' = m₃x + m₄y + m₅.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Map(pub [f32; 6]);

impl Map {
    pub const IDENTITY: Self = Self([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);

    pub fn apply(&self, x: f32, y: f32) -> (f32, f32) {
        let m = &self.0;
        (m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5])
    }

    pub fn is_near(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| (a - b).abs() < 0.15)
    }

    /// By how much it makes an area larger.
    pub fn enlarges(&self) -> f32 {
        let m = &self.0;
        (m[0] * m[4] - m[1] * m[3]).abs()
    }

    /// The correlation of a picture with what it lies on.
    pub fn correlation(&self, from: &Plane, to: &Plane) -> f32 {
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
    pub fn refine(&mut self, from: &Plane, to: &Plane, rounds: usize) {
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
pub struct Sums {
    pub count: f32,
    a: f32,
    b: f32,
    pub aa: f32,
    pub bb: f32,
    pub ab: f32,
}

impl Sums {
    pub fn add(&mut self, a: f32, b: f32) {
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
