//! How well clusters are set apart: the mean silhouette (Rousseeuw, "Silhouettes: a graphical aid to the interpretation
//! and validation of cluster analysis", 1987) by cosine distance, 1 − cosine, and the number of clusters with the best one.
//!
//! The mean cosine of a unit vector with the members of a cluster is its product with their mean, so each silhouette is
//! exact and takes one product a cluster instead of one a picture.

use ndarray::{Array2, ArrayView2};

/// The mean silhouette of some clusters, −1 to 1; a row alone in its cluster counts 0, as in scikit-learn. NaN for fewer
/// than two clusters.
pub(super) fn silhouette(rows: &ArrayView2<'_, f32>, assigned: &[usize], count: usize) -> f64 {
    let mut means = Array2::<f32>::zeros((count, rows.ncols()));
    let mut sizes = vec![0_usize; count];
    for (row, cluster) in rows.rows().into_iter().zip(assigned) {
        means.row_mut(*cluster).scaled_add(1.0, &row);
        sizes[*cluster] += 1;
    }
    for (mut mean, size) in means.rows_mut().into_iter().zip(&sizes) {
        mean /= (*size).max(1) as f32;
    }
    if sizes.iter().filter(|size| **size > 0).count() < 2 {
        return f64::NAN;
    }
    let mut sum = 0.0;
    for (row, (cosines, own)) in rows.rows().into_iter().zip(rows.dot(&means.t()).rows().into_iter().zip(assigned)) {
        if sizes[*own] < 2 {
            continue;
        }
        let size = sizes[*own] as f32;
        let inside = 1.0 - (cosines[*own] * size - row.dot(&row)) / (size - 1.0);
        let others = cosines.iter().zip(&sizes).enumerate().filter(|(at, (_, size))| at != own && **size > 0);
        let outside = others.map(|(_, (cosine, _))| 1.0 - cosine).fold(f32::INFINITY, f32::min);
        let most = inside.max(outside);
        // All equal: neither here nor there.
        if most > 1e-6 {
            sum += f64::from((outside - inside) / most);
        }
    }
    sum / rows.nrows() as f64
}

/// The number of clusters with the best silhouette, from 2 to half the rows or `most`; 1 where nothing can be told apart.
/// Numbers are tried in growing steps, then those around the best one. `score` is `None` when nobody waits any more.
pub(super) fn best_count(
    rows: usize,
    most: usize,
    mut score: impl FnMut(usize) -> Option<f64>,
    progress: &mut dyn FnMut(f64),
) -> Option<usize> {
    let last = (rows / 2).min(most);
    let mut counts: Vec<usize> = Vec::new();
    let mut count = 2;
    while count <= last {
        counts.push(count);
        count = (count + 1).max(count * 6 / 5);
    }
    let mut scores: Vec<(usize, f64)> = Vec::new();
    for (done, count) in counts.iter().enumerate() {
        progress(done as f64 / counts.len() as f64);
        scores.push((*count, score(*count)?));
    }
    let best = |scores: &[(usize, f64)]| {
        // At 0 and below groups are no more alike inside than among each other.
        let known = scores.iter().filter(|(_, score)| *score > 0.0);
        // Of equal ones the fewest clusters.
        known.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0))).map(|(count, _)| *count)
    };
    let Some(around) = best(&scores) else { return Some(1) };
    let at = counts.iter().position(|count| *count == around).unwrap_or(0);
    let below = at.checked_sub(1).map_or(around, |at| counts[at] + 1);
    let above = counts.get(at + 1).map_or(last + 1, |next| *next);
    for count in (below..above).filter(|count| *count != around) {
        scores.push((count, score(count)?));
    }
    Some(best(&scores).unwrap_or(1))
}
