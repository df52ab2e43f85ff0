//! Where the points of a map lie on the screen, and what is drawn in each cell: eight dots a cell, as braille has.

use crate::{
    analysis::projection::Projection,
    app::layout::Area,
    index::{ImageId, Index, labels::Labels},
};

/// Dots of a cell: columns and rows, which are about as far apart in both directions.
const DOTS: (f32, f32) = (2.0, 4.0);

/// The part of a map that is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct View {
    /// The middle of the screen on the map; that of all points where the user has not moved it.
    pub center: Option<[f32; 2]>,
    /// How many times larger than it would have to be for everything to fit.
    pub zoom: f32,
}

impl View {
    /// The part of a map that some points take, with about as much around them; at most so many times larger than all of
    /// the map.
    #[must_use]
    pub fn around(map: &Projection, area: Area, points: &[[f32; 2]], closest: f32) -> Self {
        let whole = Plot::new(map, Self::default(), area);
        let none = (f32::INFINITY, f32::NEG_INFINITY);
        let bounds = points.iter().fold([none; 2], |bounds, point| {
            [0, 1].map(|axis: usize| (bounds[axis].0.min(point[axis]), bounds[axis].1.max(point[axis])))
        });
        let size = [f32::from(area.width) * DOTS.0, f32::from(area.height) * DOTS.1];
        let dots = [0, 1].map(|axis: usize| (bounds[axis].1 - bounds[axis].0) * whole.scale);
        let fitting = [0, 1].map(|axis: usize| size[axis] / (2.0 * dots[axis].max(1.0)));
        let zoom = fitting[0].min(fitting[1]).clamp(1.0, closest);
        let center = bounds.map(|(low, high)| low.midpoint(high));
        Self { center: (zoom > 1.0).then_some(center), zoom }
    }
}

impl Default for View {
    fn default() -> Self {
        Self { center: None, zoom: 1.0 }
    }
}

/// The map on the screen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plot {
    /// The cells that it is drawn in.
    pub area: Area,
    /// The middle on the map.
    pub center: [f32; 2],
    /// Dots for each unit of the map.
    scale: f32,
}

impl Plot {
    /// The view of a map in an area.
    #[must_use]
    pub fn new(map: &Projection, view: View, area: Area) -> Self {
        let none = (f32::INFINITY, f32::NEG_INFINITY);
        let [x, y] = map.points().fold([none; 2], |bounds, (_, point)| {
            [0, 1].map(|axis: usize| (bounds[axis].0.min(point[axis]), bounds[axis].1.max(point[axis])))
        });
        let extent = [x, y].map(|(low, high)| (high - low).max(0.0));
        let middle = [x, y].map(|(low, high)| if low <= high { low.midpoint(high) } else { 0.0 });
        let dots = [f32::from(area.width) * DOTS.0, f32::from(area.height) * DOTS.1];
        // Half a cell stays free at each side.
        let fitting = |axis: usize| (dots[axis] - DOTS.1).max(1.0) / extent[axis].max(f32::MIN_POSITIVE);
        let fit = fitting(0).min(fitting(1));
        let scale = if fit.is_finite() && fit < 1e30 { fit * view.zoom } else { view.zoom };
        Self { area, center: view.center.unwrap_or(middle), scale }
    }

    /// A point in dots from the left upper corner; it may lie outside.
    #[must_use]
    pub fn dot(&self, point: [f32; 2]) -> [f32; 2] {
        let [x, y] = [point[0] - self.center[0], self.center[1] - point[1]].map(|apart| apart * self.scale);
        [x + f32::from(self.area.width) * DOTS.0 / 2.0, y + f32::from(self.area.height) * DOTS.1 / 2.0]
    }

    /// The dot of a point that is on the screen, counted from the left upper corner.
    #[must_use]
    pub fn visible(&self, point: [f32; 2]) -> Option<(u16, u16)> {
        let [x, y] = self.dot(point);
        let inside = (0.0..f32::from(self.area.width) * DOTS.0).contains(&x)
            && (0.0..f32::from(self.area.height) * DOTS.1).contains(&y);
        inside.then_some((x as u16, y as u16))
    }

    /// The cell of a point that is on the screen, as the terminal counts it.
    #[must_use]
    pub fn cell(&self, point: [f32; 2]) -> Option<(u16, u16)> {
        self.visible(point).map(|(x, y)| (self.area.x + x / 2, self.area.y + y / 4))
    }

    /// The point of the map in the middle of a cell.
    #[must_use]
    pub fn point(&self, (x, y): (u16, u16)) -> [f32; 2] {
        let dots = [(f32::from(x - self.area.x) + 0.5) * DOTS.0, (f32::from(y - self.area.y) + 0.5) * DOTS.1];
        let middle = [f32::from(self.area.width) * DOTS.0 / 2.0, f32::from(self.area.height) * DOTS.1 / 2.0];
        [self.center[0] + (dots[0] - middle[0]) / self.scale, self.center[1] - (dots[1] - middle[1]) / self.scale]
    }

    /// Cells as a way on the map, upwards positive.
    #[must_use]
    pub fn way(&self, columns: f32, rows: f32) -> [f32; 2] {
        [columns * DOTS.0 / self.scale, rows * DOTS.1 / self.scale]
    }

    /// The middle that brings a point onto the screen with the least movement; nothing when it is there.
    #[must_use]
    pub fn following(&self, point: [f32; 2]) -> Option<[f32; 2]> {
        let dots = self.dot(point);
        let size = [f32::from(self.area.width) * DOTS.0, f32::from(self.area.height) * DOTS.1];
        let margin = size.map(|size| (size / 8.0).min(8.0));
        let beyond = [0, 1].map(|axis: usize| {
            let (low, high) = (margin[axis], size[axis] - margin[axis]);
            if (0.0..size[axis]).contains(&dots[axis]) {
                0.0
            } else {
                dots[axis] - dots[axis].clamp(low, high.max(low))
            }
        });
        let center = [self.center[0] + beyond[0] / self.scale, self.center[1] - beyond[1] / self.scale];
        (beyond != [0.0; 2]).then_some(center)
    }
}

/// What is in a cell of the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dots {
    /// The dots that are set, as braille numbers them.
    pub mask: u8,
    /// The label of most of the pictures in it, as far as one label has a majority; of another one otherwise.
    pub label: Option<usize>,
    /// The filter lets through none of the pictures in it.
    pub left_out: bool,
    votes: u32,
}

/// All cells of a map, row by row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Raster {
    /// Cells of a row.
    pub width: usize,
    /// Row by row.
    pub cells: Vec<Dots>,
    /// How many pictures are in view.
    pub visible: usize,
}

impl Raster {
    /// The pictures of the index, each with its label; what the filter leaves out only where nothing else is.
    #[must_use]
    pub fn new(
        map: &Projection,
        index: &Index,
        labels: &Labels,
        admits: &dyn Fn(ImageId) -> bool,
        plot: &Plot,
    ) -> Self {
        let (width, height) = (usize::from(plot.area.width), usize::from(plot.area.height));
        let mut raster = Self { width, cells: vec![Dots::default(); width * height], visible: 0 };
        let mut left_out = Vec::new();
        for (id, point) in map.points().filter(|(id, _)| index.contains(*id)) {
            let Some(dot) = plot.visible(point) else { continue };
            if admits(id) {
                raster.visible += 1;
                raster.set(dot, labels.of(id));
            } else {
                left_out.push(dot);
            }
        }
        for dot in left_out {
            let at = raster.at(dot);
            if let Some(cell) = raster.cells.get_mut(at).filter(|cell| cell.mask == 0 || cell.left_out) {
                (cell.left_out, cell.mask) = (true, cell.mask | braille(dot));
            }
        }
        raster
    }

    fn at(&self, dot: (u16, u16)) -> usize {
        usize::from(dot.1 / 4) * self.width + usize::from(dot.0 / 2)
    }

    fn set(&mut self, dot: (u16, u16), label: Option<usize>) {
        let at = self.at(dot);
        let Some(cell) = self.cells.get_mut(at) else { return };
        cell.mask |= braille(dot);
        // The majority in one pass and without a table (Boyer, Moore: "MJRTY", 1981).
        if cell.votes == 0 {
            (cell.label, cell.votes) = (label, 1);
        } else if cell.label == label {
            cell.votes += 1;
        } else {
            cell.votes -= 1;
        }
    }
}

/// The bit of a dot in its cell: Unicode counts the first six down the columns, and then the lowest row.
#[must_use]
pub fn braille((x, y): (u16, u16)) -> u8 {
    const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
    BITS[usize::from(x % 2)][usize::from(y % 4)]
}

/// The dots of a straight line (Bresenham, IBM Systems Journal 4, 1965), both ends included.
pub fn line(from: (u16, u16), to: (u16, u16)) -> impl Iterator<Item = (u16, u16)> {
    let (x0, y0, x1, y1) = (i32::from(from.0), i32::from(from.1), i32::from(to.0), i32::from(to.1));
    let (dx, dy) = ((x1 - x0).abs(), -(y1 - y0).abs());
    let (sx, sy) = ((x1 - x0).signum(), (y1 - y0).signum());
    let (mut x, mut y, mut error, mut done) = (x0, y0, dx + dy, false);
    std::iter::from_fn(move || {
        let here = (x as u16, y as u16);
        if done {
            return None;
        }
        done = (x, y) == (x1, y1);
        let twice = 2 * error;
        if twice >= dy {
            error += dy;
            x += sx;
        }
        if twice <= dx {
            error += dx;
            y += sy;
        }
        Some(here)
    })
}

/// A label with the middle of its pictures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Middle {
    /// The number of the label.
    pub label: usize,
    /// The median of both coordinates.
    pub point: [f32; 2],
    /// How many pictures have it.
    pub count: usize,
}

/// Every label that the listed pictures on the map have, the most frequent first.
#[must_use]
pub fn middles(map: &Projection, is_listed: &dyn Fn(ImageId) -> bool, labels: &Labels) -> Vec<Middle> {
    let mut points: Vec<[Vec<f32>; 2]> = vec![Default::default(); labels.len()];
    for (id, point) in map.points().filter(|(id, _)| is_listed(*id)) {
        if let Some(of) = labels.of(id).and_then(|label| points.get_mut(label)) {
            of.iter_mut().zip(point).for_each(|(values, value)| values.push(value));
        }
    }
    let median = |mut values: Vec<f32>| {
        let middle = values.len() / 2;
        *values.select_nth_unstable_by(middle, f32::total_cmp).1
    };
    let labeled = points.into_iter().enumerate().filter(|(_, [x, _])| !x.is_empty());
    let mut middles: Vec<_> =
        labeled.map(|(label, of)| Middle { label, count: of[0].len(), point: of.map(median) }).collect();
    middles.sort_by_key(|middle| (std::cmp::Reverse(middle.count), middle.label));
    middles
}

/// A direction on the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To smaller x.
    Left,
    /// To larger x.
    Right,
    /// To larger y.
    Up,
    /// To smaller y.
    Down,
}

/// The nearest listed point in a direction: within 45° of it, and at least one dot away, so that the cursor moves. What lies
/// beside the way counts twice.
#[must_use]
pub fn towards(
    map: &Projection,
    is_listed: &dyn Fn(ImageId) -> bool,
    plot: &Plot,
    from: [f32; 2],
    direction: Direction,
) -> Option<ImageId> {
    let own = plot.dot(from);
    let costs = map.points().filter(|(id, _)| is_listed(*id)).filter_map(|(id, point)| {
        let dot = plot.dot(point);
        let (right, down) = (dot[0] - own[0], dot[1] - own[1]);
        let (along, beside) = match direction {
            Direction::Left => (-right, down.abs()),
            Direction::Right => (right, down.abs()),
            Direction::Up => (-down, right.abs()),
            Direction::Down => (down, right.abs()),
        };
        (along >= 1.0 && beside <= along).then_some((along + 2.0 * beside, id))
    });
    costs.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))).map(|(_, id)| id)
}

/// The listed point nearest to a place on the map.
#[must_use]
pub fn at(map: &Projection, is_listed: &dyn Fn(ImageId) -> bool, place: [f32; 2]) -> Option<ImageId> {
    let square = |point: [f32; 2]| (point[0] - place[0]).powi(2) + (point[1] - place[1]).powi(2);
    let points = map.points().filter(|(id, _)| is_listed(*id));
    points.min_by(|a, b| square(a.1).total_cmp(&square(b.1))).map(|(id, _)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_both_ends_and_no_gaps() {
        for (from, to) in [((0, 0), (9, 3)), ((9, 3), (0, 0)), ((4, 9), (4, 0)), ((3, 3), (3, 3)), ((0, 7), (5, 0))] {
            let dots: Vec<_> = line(from, to).collect();
            assert_eq!((dots.first(), dots.last()), (Some(&from), Some(&to)));
            let near = |pair: &[(u16, u16)]| pair[0].0.abs_diff(pair[1].0) <= 1 && pair[0].1.abs_diff(pair[1].1) <= 1;
            assert!(dots.windows(2).all(near), "{dots:?}");
        }
    }

    #[test]
    fn every_dot_of_a_cell_has_its_own_bit() {
        let all = (0..2).flat_map(|x| (0..4).map(move |y| braille((x, y)))).fold(0, |all, bit| {
            assert_eq!(all & bit, 0);
            all | bit
        });
        assert_eq!(all, 0xff);
    }
}
