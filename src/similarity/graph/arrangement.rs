//! An order in which like rows stand together, so that whole tiles of pairs are far apart and need few dimensions.
//!
//! Every row goes to the nearest of some rows picked evenly, and those follow one another as a walk to the nearest that
//! is left. Nothing depends on how good the order is but the time.

use crate::similarity::{Executor, kernel, map_parallel};

/// Values a row that the order is made from.
pub const COORDINATES: usize = 32;

/// Rows that share a center, on average.
const SHARE: usize = 64;

/// Centers at most.
const CENTERS: usize = 2048;

/// Rows in a work item.
const ITEM_LEN: usize = 1024;

/// The positions of the rows, each of [`COORDINATES`] values, in their new order.
pub fn arranged(rows: &[f32], executor: Executor<'_>) -> Vec<usize> {
    let count = rows.len() / COORDINATES;
    let wanted = count.div_ceil(SHARE).min(CENTERS);
    let picked = (0..wanted).flat_map(|at| &rows[at * count / wanted * COORDINATES..][..COORDINATES]);
    let centers: Vec<f32> = picked.copied().collect();
    let place = walk(&centers);
    let everywhere: Vec<_> = (0..wanted).collect();
    let halves: Vec<f64> = centers.chunks_exact(COORDINATES).map(|center| kernel::dot(center, center) / 2.0).collect();
    let places = map_parallel(executor, rows.chunks(ITEM_LEN * COORDINATES), |rows| {
        let mut dots = vec![0.0; wanted];
        let nearest = |row: &[f32]| {
            kernel::dots(row, &centers, &everywhere, &mut dots);
            let nearer = |a: &usize, b: &usize| (dots[*a] - halves[*a]).total_cmp(&(dots[*b] - halves[*b]));
            everywhere.iter().copied().max_by(nearer).map_or(0, |center| place[center])
        };
        rows.chunks_exact(COORDINATES).map(nearest).collect::<Vec<_>>()
    });
    let places: Vec<usize> = places.concat();
    let mut order: Vec<_> = (0..count).collect();
    order.sort_by_key(|at| places[*at]);
    order
}

/// The place of each center in a walk that begins at the first and always goes on to the nearest one left.
fn walk(centers: &[f32]) -> Vec<usize> {
    let center = |at: usize| &centers[at * COORDINATES..][..COORDINATES];
    let mut places = vec![0; centers.len() / COORDINATES];
    let mut left: Vec<usize> = (1..places.len()).collect();
    let mut here = 0;
    for place in 1..places.len() {
        let squares = left.iter().map(|at| kernel::squared_distance(center(here), center(*at)));
        let Some((next, _)) = squares.enumerate().min_by(|a, b| a.1.total_cmp(&b.1)) else { break };
        here = left.swap_remove(next);
        places[here] = place;
    }
    places
}
