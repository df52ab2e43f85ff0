//! t-SNE: t-distributed stochastic neighbor embedding (van der Maaten, Hinton, JMLR 9, 2008), with forces from a quadtree
//! (van der Maaten, JMLR 15, 2014).
//!
//! The crate `bhtsne` does it well, but a run of it cannot be stopped, and it starts threads of its own.
//!
//! All of a picture's neighbors weigh the same: with 15 of them the map is nearly that of perplexity 30, which needs 90
//! (Böhm, Berens, Kobak: "Attraction-repulsion spectrum in neighbor embeddings", JMLR 23, 2022). Points begin in the plane
//! of the principal components, and the learning rate is N / 12 (Belkina et al., Nature Communications 10, 2019).

use super::{
    quadtree::Quadtree,
    rows::{Rows, Weights},
};
use crate::similarity::{Executor, Graph, map_parallel, sequential};

/// In the first steps neighbors attract each other so much more, so that clusters form before they are in each other's way.
const EXAGGERATION: f32 = 12.0;
const EXAGGERATED: usize = 250;
/// Steps in all.
const STEPS: usize = 750;
/// A part of the tree that looks smaller from a point, as a tangent, counts as one.
const THETA: f32 = 0.5;
/// The width of the map at the start: so small that all pairs feel each other.
const WIDTH: f32 = 4e-4;
/// Points in a work item.
const ITEM: usize = 1024;
/// Fewer points are not worth a second thread.
const ALONE: usize = 1_000;

/// Moves points from where they start to where they belong. `progress` gets the share that is done and the points as
/// they are. `None` when it was `superseded`.
pub(super) fn tsne(
    rows: &Rows,
    graph: &Graph,
    start: &[[f32; 2]],
    seed: u64,
    executor: Executor<'_>,
    superseded: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(f64, &[[f32; 2]]),
) -> Option<Vec<[f32; 2]>> {
    let len = rows.len();
    let executor: Executor<'_> = if len < ALONE { &sequential } else { executor };
    let affinities = affinities(rows, graph);
    let rate = (len as f32 / EXAGGERATION).max(50.0);
    let mut points = super::spread(start, WIDTH, seed);
    let (mut speeds, mut gains) = (vec![[0.0_f32; 2]; len], vec![[1.0_f32; 2]; len]);
    let places: Vec<_> = (0..len).collect();
    for step in 0..STEPS {
        if superseded() {
            return None;
        }
        let early = step < EXAGGERATED;
        let (exaggeration, momentum) = if early { (EXAGGERATION, 0.5) } else { (1.0, 0.8) };
        let (sum, pushes) = Quadtree::new(&points).forces(THETA, executor);
        let share = 1.0 / sum.max(f64::MIN_POSITIVE) as f32;
        let slopes = map_parallel(executor, places.chunks(ITEM), |places| {
            let slope = |place: &usize| {
                let pull = pull(&affinities, *place, &points);
                [0, 1].map(|axis| exaggeration * pull[axis] - share * pushes[*place][axis])
            };
            places.iter().map(slope).collect::<Vec<_>>()
        });
        for (place, slope) in slopes.iter().flatten().enumerate() {
            for axis in 0..2 {
                // Each coordinate has a gain that grows while it keeps its direction (Jacobs, Neural Networks 1, 1988).
                let (speed, gain) = (&mut speeds[place][axis], &mut gains[place][axis]);
                let keeps = (*speed > 0.0) != (slope[axis] > 0.0);
                *gain = if keeps { *gain + 0.2 } else { (*gain * 0.8).max(0.01) };
                *speed = momentum * *speed - rate * *gain * slope[axis];
                points[place][axis] += *speed;
            }
        }
        center(&mut points);
        progress((step + 1) as f64 / STEPS as f64, &points);
    }
    Some(points)
}

/// The affinity of each pair of neighbors; all of them add up to 1.
fn affinities(rows: &Rows, graph: &Graph) -> Weights {
    let directed: Vec<Vec<_>> = (0..rows.len())
        .map(|place| {
            let nearest = rows.nearest(graph, place);
            let each = 1.0 / nearest.len().max(1) as f32;
            nearest.into_iter().map(|(to, _)| (to, each)).collect()
        })
        .collect();
    let all = 2.0 * rows.len().max(1) as f32;
    Weights::symmetric(&directed, |a, b| (a + b) / all)
}

/// Σ p·q·(own − other), q = 1 / (1 + d²).
fn pull(affinities: &Weights, place: usize, points: &[[f32; 2]]) -> [f32; 2] {
    let own = points[place];
    affinities.of(place).iter().fold([0.0; 2], |sum, (to, affinity)| {
        let other = points[*to as usize];
        let apart = [own[0] - other[0], own[1] - other[1]];
        let weight = affinity / (1.0 + apart[0] * apart[0] + apart[1] * apart[1]);
        [sum[0] + weight * apart[0], sum[1] + weight * apart[1]]
    })
}

fn center(points: &mut [[f32; 2]]) {
    for axis in 0..2 {
        let mean = points.iter().map(|point| f64::from(point[axis])).sum::<f64>() / points.len().max(1) as f64;
        points.iter_mut().for_each(|point| point[axis] -= mean as f32);
    }
}
