//! A quadtree of points in the plane, for the forces between all of them without looking at all pairs.
//!
//! Points are sorted along a Z-order curve, so that each node is a run of them; nodes lie in the order of a depth-first
//! walk, each with the place after its last descendant, so that a walk needs no stack.

use crate::similarity::{Executor, map_parallel};

/// Halvings of the square: a node of the last one is not divided, however many points it has.
const DEPTH: u32 = 16;
/// Points in a work item.
const ITEM: usize = 1024;

struct Node {
    center: [f32; 2],
    count: f32,
    /// The square of its side.
    side: f32,
    /// The node after its last descendant.
    next: u32,
    /// Its points, in Z-order.
    points: (u32, u32),
}

/// The tree.
pub(super) struct Quadtree<'a> {
    points: &'a [[f32; 2]],
    /// Places of points in Z-order.
    order: Vec<u32>,
    nodes: Vec<Node>,
}

impl<'a> Quadtree<'a> {
    pub fn new(points: &'a [[f32; 2]]) -> Self {
        let bounds = |axis: usize| {
            let values = points.iter().map(|point| point[axis]);
            values.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
        };
        let (x, y) = (bounds(0), bounds(1));
        let side = (x.1 - x.0).max(y.1 - y.0).max(f32::MIN_POSITIVE);
        let steps = (1_u32 << DEPTH) as f32;
        let code = |point: &[f32; 2]| {
            let step = |value: f32, low: f32| ((value - low) / side * steps).clamp(0.0, steps - 1.0) as u32;
            spaced(step(point[0], x.0)) | spaced(step(point[1], y.0)) << 1
        };
        let mut coded: Vec<_> = points.iter().enumerate().map(|(at, point)| (code(point), at as u32)).collect();
        coded.sort_unstable();
        let (codes, order): (Vec<_>, Vec<_>) = coded.into_iter().unzip();
        let mut tree = Self { points, order, nodes: Vec::with_capacity(2 * points.len()) };
        if !points.is_empty() {
            tree.grow(&codes, (0, points.len()), 0, side * side);
        }
        tree
    }

    /// Adds the node of a run of points, and those under it.
    fn grow(&mut self, codes: &[u32], (first, end): (usize, usize), depth: u32, side: f32) {
        let node = self.nodes.len();
        let points = (first as u32, end as u32);
        self.nodes.push(Node { center: [0.0; 2], count: (end - first) as f32, side, next: 0, points });
        let mut sum = [0_f64; 2];
        if end - first == 1 || depth == DEPTH {
            for at in first..end {
                let point = self.points[self.order[at] as usize];
                sum = [sum[0] + f64::from(point[0]), sum[1] + f64::from(point[1])];
            }
        } else {
            let shift = 2 * (DEPTH - 1 - depth);
            let mut begin = first;
            while begin < end {
                let quarter = codes[begin] >> shift;
                let length = codes[begin..end].partition_point(|code| code >> shift == quarter);
                let child = self.nodes.len();
                self.grow(codes, (begin, begin + length), depth + 1, side / 4.0);
                let Node { center, count, .. } = self.nodes[child];
                let add = |axis: usize| f64::from(center[axis]) * f64::from(count);
                sum = [sum[0] + add(0), sum[1] + add(1)];
                begin += length;
            }
        }
        let count = (end - first) as f64;
        self.nodes[node].center = [(sum[0] / count) as f32, (sum[1] / count) as f32];
        self.nodes[node].next = self.nodes.len() as u32;
    }

    /// For each point the sums over all others of q and of q²·(own − other), where q = 1 / (1 + d²); a node that looks
    /// smaller than `theta` from the point counts as one (Barnes, Hut, Nature 324, 1986). The second sums come by place,
    /// the first is that of all points.
    pub fn forces(&self, theta: f32, executor: Executor<'_>) -> (f64, Vec<[f32; 2]>) {
        let positions: Vec<_> = (0..self.order.len() as u32).collect();
        let parts = map_parallel(executor, positions.chunks(ITEM), |positions| {
            let mut sum = 0.0;
            let forces = positions.iter().map(|position| {
                let (own, force) = self.force(*position, theta * theta);
                sum += f64::from(own);
                force
            });
            let forces: Vec<_> = forces.collect();
            (sum, forces)
        });
        let mut by_place = vec![[0.0; 2]; self.points.len()];
        let mut sum = 0.0;
        for (positions, (own, forces)) in positions.chunks(ITEM).zip(parts) {
            sum += own;
            for (position, force) in positions.iter().zip(forces) {
                by_place[self.order[*position as usize] as usize] = force;
            }
        }
        (sum, by_place)
    }

    fn force(&self, position: u32, theta: f32) -> (f32, [f32; 2]) {
        let own = self.points[self.order[position as usize] as usize];
        let (mut sum, mut force) = (0.0, [0.0; 2]);
        let mut at = 0;
        while let Some(node) = self.nodes.get(at) {
            let (mut center, mut count) = (node.center, node.count);
            let is_leaf = node.next as usize == at + 1;
            if is_leaf && (node.points.0..node.points.1).contains(&position) {
                // A point is not pushed by itself.
                let others = count - 1.0;
                center = [0, 1].map(|axis| (center[axis] * count - own[axis]) / others.max(1.0));
                count = others;
            }
            let apart = [own[0] - center[0], own[1] - center[1]];
            let square = apart[0] * apart[0] + apart[1] * apart[1];
            if is_leaf || node.side < theta * square {
                let near = 1.0 / (1.0 + square);
                let weight = count * near;
                sum += weight;
                force = [force[0] + weight * near * apart[0], force[1] + weight * near * apart[1]];
                at = node.next as usize;
            } else {
                at += 1;
            }
        }
        (sum, force)
    }
}

/// The bits of a number with a gap after each.
fn spaced(number: u32) -> u32 {
    [(8, 0x00ff_00ff), (4, 0x0f0f_0f0f), (2, 0x3333_3333), (1, 0x5555_5555)]
        .into_iter()
        .fold(number & 0xffff, |bits, (shift, mask)| (bits | bits << shift) & mask)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analysis::random::Random, similarity::sequential};

    #[test]
    fn forces_are_those_of_all_pairs() {
        let mut random = Random::of(1, 1);
        let mut points: Vec<[f32; 2]> = (0..300).map(|_| [5.0 * random.around_zero(), random.around_zero()]).collect();
        // Copies, which no halving can tell apart.
        points.extend([[0.5, 0.5]; 5]);
        let tree = Quadtree::new(&points);
        let mut whole = 0.0;
        let exact: Vec<[f64; 2]> = points
            .iter()
            .enumerate()
            .map(|(at, own)| {
                let others = points.iter().enumerate().filter(|(other, _)| *other != at);
                others.fold([0.0; 2], |sum, (_, other)| {
                    let apart = [f64::from(own[0] - other[0]), f64::from(own[1] - other[1])];
                    let near = 1.0 / (1.0 + apart[0].powi(2) + apart[1].powi(2));
                    whole += near;
                    [sum[0] + near * near * apart[0], sum[1] + near * near * apart[1]]
                })
            })
            .collect();
        for (theta, allowed) in [(0.0, 1e-4), (0.5, 0.02)] {
            let (sum, forces) = tree.forces(theta, &sequential);
            assert!((sum / whole - 1.0).abs() < allowed, "{theta}: {sum} for {whole}");
            for (force, exact) in forces.iter().zip(&exact) {
                let apart = (f64::from(force[0]) - exact[0]).hypot(f64::from(force[1]) - exact[1]);
                assert!(apart < allowed * 20.0, "{theta}: {force:?} for {exact:?}");
            }
        }
        assert_eq!(Quadtree::new(&[[1.0, 2.0]]).forces(0.5, &sequential), (0.0, vec![[0.0, 0.0]]));
        assert_eq!(Quadtree::new(&[]).forces(0.5, &sequential), (0.0, vec![]));
    }
}
