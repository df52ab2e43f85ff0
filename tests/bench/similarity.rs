//! The similarity engine at the sizes it is built for: one query, one heatmap frame, one row order.
//!
//! `cargo bench --bench similarity`; vectors are synthetic, in 300 clusters, 512 values each, as half floats.

mod random;
mod rows;

use std::sync::OnceLock;

use divan::{Bencher, black_box};
use half::f16;
use lookalike::{
    index::{ImageId, Index},
    order::{Order, OrderKind},
    similarity::{Metric, Query, RowOrder, View, compare, sequential, window},
};

use self::{random::numbers, rows::segment};

const DIM: usize = 512;
const ROWS: usize = 100_000;
const CLUSTERS: usize = 300;

fn main() {
    divan::main();
}

/// Rows around cluster centers, not negative, as a network's pooled features are.
fn clustered(rows: usize) -> Index {
    let mut random = numbers(1);
    let centers: Vec<Vec<f32>> =
        (0..CLUSTERS).map(|_| (0..DIM).map(|_| (random() * 3.0 - 1.2).max(0.0)).collect()).collect();
    let (mut values, mut clusters) = (Vec::with_capacity(rows * DIM), Vec::with_capacity(rows));
    for _ in 0..rows {
        let cluster = (random() * CLUSTERS as f32) as usize;
        values.extend(centers[cluster].iter().map(|v| f16::from_f32((v + random() - 0.5).max(0.0))));
        clusters.push(cluster);
    }
    let mut index = Index::new(DIM);
    index.push(segment(values, DIM, |row| format!("/p/{}/{row}.jpg", clusters[row])));
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
