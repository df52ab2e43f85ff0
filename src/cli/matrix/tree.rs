//! The dendrogram beside a drawn heatmap: which rows become clusters, and how alike those are that merge.

use std::fmt::{self, Write as _};

use crate::similarity::Dendrogram;

/// Where the tree lies: its leaves at the left, its root at the right.
pub(super) struct Place {
    /// The left upper corner, in pixels.
    pub corner: (f64, f64),
    /// Width, and height of all leaves.
    pub size: (f64, f64),
}

/// Writes a path a merge, as far to the right as the two clusters are apart (1 − mean cosine similarity). Merges that are
/// lower than `least` pixels are left out: nobody could tell them apart.
///
/// # Errors
/// None: a text takes whatever is written to it.
pub(super) fn draw(tree: &Dendrogram, place: &Place, least: f64, out: &mut String) -> fmt::Result {
    let leaf = place.size.1 / tree.leaves().max(1) as f64;
    let widest = tree.merges().last().map_or(1.0, |last| f64::from(1.0 - last.height)).max(f64::MIN_POSITIVE);
    // Where the cluster that begins with a leaf has grown to.
    let mut ends: Vec<_> =
        (0..tree.leaves()).map(|at| (place.corner.0, place.corner.1 + (at as f64 + 0.5) * leaf)).collect();
    let mut path = String::new();
    for merge in tree.merges() {
        let (above, below) = (ends[merge.rows.start], ends[merge.middle]);
        let x = place.corner.0 + f64::from(1.0 - merge.height) / widest * place.size.0;
        if below.1 - above.1 >= least {
            write!(path, "M{:.1} {:.1}H{x:.1}V{:.1}H{:.1}", above.0, above.1, below.1, below.0)?;
        }
        ends[merge.rows.start] = (x, (above.1 + below.1) / 2.0);
    }
    if path.is_empty() {
        return Ok(());
    }
    writeln!(out, "<path d=\"{path}\" fill=\"none\" stroke=\"#6b6b6b\"/>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::similarity::Merge;

    #[test]
    fn each_merge_joins_two_ends_where_they_are_as_far_apart_as_it_says() {
        let merge = |rows, middle, height| Merge { rows, middle, height };
        let tree = Dendrogram::new(3, vec![merge(0..2, 1, 0.75), merge(0..3, 2, 0.5)]);
        let place = Place { corner: (10.0, 0.0), size: (100.0, 30.0) };
        let mut svg = String::new();
        draw(&tree, &place, 0.0, &mut svg).expect("text");
        assert!(svg.contains("\"M10.0 5.0H60.0V15.0H10.0M60.0 10.0H110.0V25.0H10.0\""), "{svg}");
        let mut coarse = String::new();
        draw(&tree, &place, 12.0, &mut coarse).expect("text");
        assert!(coarse.contains("\"M60.0 10.0H110.0V25.0H10.0\""), "{coarse}");
        let mut none = String::new();
        draw(&Dendrogram::new(1, Vec::new()), &place, 0.0, &mut none).expect("text");
        assert!(none.is_empty(), "one row makes no tree");
    }
}
