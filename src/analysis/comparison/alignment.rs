//! Linear CKA: how far two embeddings of the same pictures are one and the same up to rotation and scale.

use ndarray::{ArrayView2, ArrayViewMut2, linalg::general_mat_mul};

use super::Pairing;
use crate::{
    index::{ImageId, Index},
    similarity::{Executor, map_parallel},
};

/// Rows whose products are summed in 32 bits, before they are added up in 64.
const BLOCK: usize = 128;
/// Parts of the rows that are worked on apart, whatever the machine.
const PARTS: usize = 8;

/// Linear centered kernel alignment of the raw embeddings, from 0 to 1:
/// ‖YᵀX‖² / (‖XᵀX‖ ‖YᵀY‖) with the Frobenius norm, where X and Y are centered (Kornblith, Norouzi, Lee and Hinton,
/// "Similarity of neural network representations revisited", 2019, section 3). The tables have the size of the embeddings,
/// not of the collection. NaN where all embeddings of a model are equal; `None` when superseded.
#[must_use]
pub fn cka(
    a: &Index,
    b: &Index,
    pairing: &Pairing,
    executor: Executor<'_>,
    superseded: &dyn Fn() -> bool,
) -> Option<f64> {
    let [of_a, of_b] = [0, 1].map(|side| {
        let ids = pairing.pairs.iter().map(|pair| if side == 0 { pair.0 } else { pair.1 }).collect();
        Centered::of(if side == 0 { a } else { b }, ids)
    });
    let [cross, own_a, own_b] = [(&of_b, &of_a), (&of_a, &of_a), (&of_b, &of_b)]
        .map(|(left, right)| (!superseded()).then(|| squared_norm(left, right, executor)));
    Some(cross? / (own_a?.sqrt() * own_b?.sqrt()))
}

/// Embeddings from which their mean is taken.
struct Centered<'a> {
    index: &'a Index,
    ids: Vec<ImageId>,
    mean: Vec<f64>,
}

impl<'a> Centered<'a> {
    fn of(index: &'a Index, ids: Vec<ImageId>) -> Self {
        let mut mean = vec![0.0; index.dim()];
        for entry in ids.iter().filter_map(|id| index.get(*id)) {
            mean.iter_mut().zip(entry.row).for_each(|(sum, v)| *sum += f64::from(v.to_f32() * entry.scale));
        }
        mean.iter_mut().for_each(|sum| *sum /= ids.len().max(1) as f64);
        Self { index, ids, mean }
    }

    /// Some rows, row-major.
    fn rows(&self, places: std::ops::Range<usize>) -> Vec<f32> {
        let mut rows = Vec::with_capacity(places.len() * self.mean.len());
        for id in &self.ids[places] {
            match self.index.get(*id) {
                Some(entry) => {
                    let values = entry.row.iter().map(|v| f64::from(v.to_f32() * entry.scale));
                    rows.extend(values.zip(&self.mean).map(|(value, mean)| (value - mean) as f32));
                }
                None => rows.extend(std::iter::repeat_n(0.0, self.mean.len())),
            }
        }
        rows
    }
}

/// ‖LᵀR‖².
fn squared_norm(left: &Centered<'_>, right: &Centered<'_>, executor: Executor<'_>) -> f64 {
    let (rows, height, width) = (left.ids.len(), left.mean.len(), right.mean.len());
    let part = |number: usize| {
        let mut sums = vec![0_f64; height * width];
        let (first, end) = (number * rows / PARTS, (number + 1) * rows / PARTS);
        for at in (first..end).step_by(BLOCK) {
            let places = at..end.min(at + BLOCK);
            let (l, r) = (left.rows(places.clone()), right.rows(places.clone()));
            let mut product = vec![0_f32; height * width];
            if let (Ok(l), Ok(r), Ok(mut product)) = (
                ArrayView2::from_shape((places.len(), height), &l),
                ArrayView2::from_shape((places.len(), width), &r),
                ArrayViewMut2::from_shape((height, width), &mut product),
            ) {
                general_mat_mul(1.0, &l.t(), &r, 0.0, &mut product);
            }
            sums.iter_mut().zip(&product).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        sums
    };
    let mut sums = vec![0.0; height * width];
    for part in map_parallel(executor, 0..PARTS, part) {
        sums.iter_mut().zip(&part).for_each(|(sum, value)| *sum += value);
    }
    sums.iter().map(|value| value * value).sum()
}
