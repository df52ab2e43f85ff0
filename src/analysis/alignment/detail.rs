//! The detail of pictures: what they are less their local mean, cell by cell.

use super::{
    map::{Map, Sums},
    plane::Plane,
};

/// Pixels along a side of a cell.
const CELL: usize = 8;
/// Pixels around one that make its local mean, to each side.
const AROUND: usize = 2;
/// From this correlation on the detail of a cell is the same.
const CELL_SAME: f32 = 0.7;
/// Mean squares of the detail, in gray levels: a cell with less is flat.
const FLAT: f32 = 4.0;

/// How many cells of a picture show any detail.
pub fn detailed_cells(of: &Plane) -> usize {
    let whole: Vec<_> = of.values.iter().copied().map(Some).collect();
    let detail = less_local_mean(&whole, of.side);
    let squares = |cell: usize| -> f32 {
        let values = pixels_of(of.side, cell).filter_map(|at| detail[at]);
        values.map(|value| value * value).sum()
    };
    (0..(of.side / CELL).pow(2)).filter(|cell| squares(*cell) > FLAT * (CELL * CELL) as f32).count()
}

/// How well the detail of two pictures agrees, and how much of the first one lies inside the second.
pub fn detail(from: &Plane, to: &Plane, map: &Map) -> (f32, f32) {
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
