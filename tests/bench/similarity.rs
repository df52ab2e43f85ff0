//! The similarity engine at the sizes it is built for: one query, one heatmap frame, one row order.
//!
//! `cargo bench --bench similarity`; vectors are synthetic, in 300 clusters, 512 values each, as half floats.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
};

use divan::{Bencher, black_box};
use half::f16;
use lookalike::{
    index::{Image, ImageId, Images, Index, Rows, Segment, norm},
    order::{Order, OrderKind},
    scan::ImageFile,
    similarity::{Metric, Query, RowOrder, View, compare, sequential, window},
};

const DIM: usize = 512;
const ROWS: usize = 100_000;
const CLUSTERS: usize = 300;

fn main() {
    divan::main();
}

/// Numbers in [0, 1) from a fixed sequence (SplitMix64).
fn numbers(mut seed: u64) -> impl FnMut() -> f32 {
    move || {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / (1_u64 << 24) as f32
    }
}

/// Rows around cluster centers, not negative, as a network's pooled features are.
fn clustered(rows: usize) -> Index {
    let mut random = numbers(1);
    let centers: Vec<Vec<f32>> =
        (0..CLUSTERS).map(|_| (0..DIM).map(|_| (random() * 3.0 - 1.2).max(0.0)).collect()).collect();
    let (mut values, mut images) = (Vec::with_capacity(rows * DIM), Vec::with_capacity(rows));
    for row in 0..rows {
        let cluster = (random() * CLUSTERS as f32) as usize;
        values.extend(centers[cluster].iter().map(|v| f16::from_f32((v + random() - 0.5).max(0.0))));
        images.push(Image {
            file: ImageFile { path: format!("/p/{cluster}/{row}.jpg").into(), size: 1, modified: 0, changed: 0 },
            pixels: (1, 1),
            format: "JPEG",
            face: None,
        });
    }
    let norms = values.chunks_exact(DIM).map(|row| norm(row, 1.0)).collect();
    let mut index = Index::new(DIM);
    index.push(Arc::new(Segment {
        root: Path::new("/p").into(),
        images: Images::new(Path::new("/p"), images),
        norms,
        scales: vec![1.0; rows],
        rows: Rows::owned(values, DIM),
        dead: Vec::new(),
    }));
    index
}

fn hundred_thousand() -> &'static Index {
    static INDEX: OnceLock<Index> = OnceLock::new();
    INDEX.get_or_init(|| clustered(ROWS))
}

fn rows(index: &Index, kind: OrderKind) -> RowOrder {
    let order = Order::of(kind, None, None).expect("an order that depends on the pictures alone");
    order.rows(index, index.iter().map(|entry| entry.id).collect(), &sequential)
}

fn folder_order() -> &'static RowOrder {
    static ORDER: OnceLock<RowOrder> = OnceLock::new();
    ORDER.get_or_init(|| rows(hundred_thousand(), OrderKind::Folder))
}

/// Both metrics of one picture with 100,000, and the 20 nearest.
#[divan::bench]
fn top_20_of_100_000(bencher: Bencher) {
    let index = hundred_thousand();
    bencher.bench_local(|| compare(index, &Query::Image(ImageId(black_box(17)))).nearest(Metric::Cosine, 20));
}

/// A frame of 60×60 cells out of 100,000 × 100,000, in scattered rows.
#[divan::bench(args = [0, 1, 3, 5, 6, 7, 9, 11])]
fn frame_at_zoom(bencher: Bencher, zoom: u32) {
    let (index, order) = (hundred_thousand(), folder_order());
    let side = (ROWS >> zoom).max(60);
    let start = (side - 60) / 2;
    let view = View { side, rows: start..start + 60, cols: 0..60 };
    bencher.bench_local(|| window(index, order, Metric::Euclidean, black_box(&view)));
}

/// What a change of the row order costs, sums for all zooms included.
#[divan::bench(args = [OrderKind::Name, OrderKind::Folder, OrderKind::Similarity], sample_count = 5)]
fn order_100_000(bencher: Bencher, kind: OrderKind) {
    let index = hundred_thousand();
    bencher.bench_local(|| rows(index, kind));
}
