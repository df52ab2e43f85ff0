//! Rows of embeddings without pictures, for benchmarks.

use std::{path::Path, sync::Arc};

use half::f16;
use lookalike::{
    index::{Image, Images, Rows, Segment, norm},
    scan::ImageFile,
};

/// Rows of `dim` values each, whose pictures have the paths that their numbers get; rows stand in the order of these.
pub fn segment(values: Vec<f16>, dim: usize, path: impl Fn(usize) -> String) -> Arc<Segment> {
    let norms: Vec<f32> = values.chunks_exact(dim).map(|row| norm(row, 1.0)).collect();
    let image = |row| Image {
        file: ImageFile { path: path(row).into(), size: 1, modified: 0, changed: 0 },
        pixels: (1, 1),
        format: "JPEG",
        face: None,
    };
    Arc::new(Segment {
        root: Path::new("/p").into(),
        images: Images::new(Path::new("/p"), (0..norms.len()).map(image)),
        scales: vec![1.0; norms.len()],
        norms,
        rows: Rows::owned(values, dim),
        dead: Vec::new(),
    })
}
