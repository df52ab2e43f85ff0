//! Small gray pictures as numbers, in three sizes.

use super::turn::Turn;

/// A square picture of any number of gray levels.
#[derive(Clone)]
pub struct Plane {
    pub side: usize,
    pub values: Vec<f32>,
}

impl Plane {
    /// Of so many levels a side.
    pub fn new(side: usize, levels: &[u8]) -> Self {
        Self { side, values: levels.iter().map(|level| f32::from(*level)).collect() }
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

    pub fn turned(&self, turn: Turn) -> Self {
        let from = |at: usize| {
            let (x, y) = turn.source(self.side, (at % self.side, at / self.side));
            self.values[y * self.side + x]
        };
        Self { side: self.side, values: (0..self.side * self.side).map(from).collect() }
    }

    /// The value between pixels at a point of -1 to 1; nothing outside.
    pub fn at(&self, x: f32, y: f32) -> Option<f32> {
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
    pub fn points(&self) -> impl Iterator<Item = (f32, f32, f32)> + '_ {
        let side = self.side;
        let center = move |at: usize| (2.0 * at as f32 + 1.0) / side as f32 - 1.0;
        self.values.iter().enumerate().map(move |(at, value)| (center(at % side), center(at / side), *value))
    }
}

/// A picture in three sizes.
pub struct Levels {
    pub whole: Plane,
    pub half: Plane,
    pub quarter: Plane,
}

impl Levels {
    pub fn new(whole: Plane) -> Self {
        let half = whole.halved();
        let quarter = half.halved();
        Self { whole, half, quarter }
    }
}
