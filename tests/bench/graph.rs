//! The nearest of all pictures at once: by itself at 20,000, and for another program to time at any size.
//!
//! `cargo bench --bench graph` measures both metrics and an extension. With arguments (a file of half floats, row-major,
//! their dimension, k) it is held against faiss by `tests/bench/compare/graph.py`: each line of the standard input names
//! a number of threads and a metric, each answer is one line: seconds, then the neighbors of all rows, row by row.
//! With one argument, a number of rows, it says how long their graph takes and how exact it is: `-- 250000`.

mod random;
mod rows;
mod threads;

use std::{
    io::{self, BufRead, Write},
    sync::OnceLock,
    thread,
    time::Instant,
};

use divan::{Bencher, black_box};
use half::f16;
use lookalike::{
    index::Index,
    similarity::{Graph, Metric, graph},
};

use self::{random::numbers, rows::segment, threads::on_threads};

const DIM: usize = 512;
const ROWS: usize = 20_000;
const CLUSTERS: usize = 300;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [rows] = arguments.as_slice()
        && let Ok(rows) = rows.parse()
    {
        return measure(rows);
    }
    let [file, dim, k] = arguments.as_slice() else {
        divan::main();
        return Ok(());
    };
    let (dim, k) = (dim.parse().map_err(io::Error::other)?, k.parse().map_err(io::Error::other)?);
    let bytes = std::fs::read(file)?;
    let values = bytes.chunks_exact(2).map(|pair| f16::from_le_bytes([pair[0], pair[1]])).collect();
    let mut index = Index::new(dim);
    push(&mut index, values);
    let mut out = io::BufWriter::new(io::stdout());
    writeln!(out, "{} rows", index.len())?;
    out.flush()?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let Some((threads, metric)) = line.split_once(' ') else { continue };
        let Some(metric) = Metric::ALL.into_iter().find(|known| known.name() == metric) else { continue };
        let threads = threads.parse().map_err(io::Error::other)?;
        let start = Instant::now();
        let graph = graph::build(&index, metric, k, &|items| on_threads(items, threads), &|| false, &mut |_| ());
        write!(out, "{}", start.elapsed().as_secs_f64())?;
        for edge in graph.iter().flat_map(|graph| index.iter().flat_map(|entry| graph.neighbors(entry.id))) {
            write!(out, " {}", edge.id.0)?;
        }
        writeln!(out)?;
        out.flush()?;
    }
    Ok(())
}

/// Times one graph of rows of each kind.
fn measure(rows: usize) -> io::Result<()> {
    let mut out = io::stdout();
    for (kind, index) in [("clustered", clustered(rows)), ("on a sheet", sheet(rows))] {
        let start = Instant::now();
        let graph = built(&index, Metric::Cosine);
        let (seconds, accuracy) = (start.elapsed().as_secs_f64(), graph.map(|graph| graph.accuracy()));
        writeln!(out, "{rows} {kind}: {seconds:.1} s, {accuracy:?}")?;
    }
    Ok(())
}

fn push(index: &mut Index, values: Vec<f16>) {
    let dim = index.dim();
    index.push(segment(values, dim, |row| format!("/p/{row}")));
}

/// Rows around cluster centers, not negative, as a network's pooled features are.
fn clustered(rows: usize) -> Index {
    let mut random = numbers(1);
    let centers: Vec<f32> = (0..CLUSTERS * DIM).map(|_| (random() * 3.0 - 1.2).max(0.0)).collect();
    let mut values = Vec::with_capacity(rows * DIM);
    for _ in 0..rows {
        let cluster = (random() * CLUSTERS as f32) as usize;
        let center = &centers[cluster * DIM..][..DIM];
        values.extend(center.iter().map(|v| f16::from_f32((v + random() - 0.5).max(0.0))));
    }
    let mut index = Index::new(DIM);
    push(&mut index, values);
    index
}

/// Rows without clusters that differ in a few dimensions most of all, and a little in all others.
fn sheet(rows: usize) -> Index {
    const LATENT: usize = 16;
    let mut random = numbers(2);
    let along: Vec<f32> = (0..LATENT * DIM).map(|_| random() - 0.5).collect();
    let mut values = Vec::with_capacity(rows * DIM);
    for _ in 0..rows {
        let mut row: Vec<f32> = (0..DIM).map(|_| 2.0 + 0.2 * (random() - 0.5)).collect();
        for along in along.chunks_exact(DIM) {
            let much = random() + random() + random() - 1.5;
            row.iter_mut().zip(along).for_each(|(value, along)| *value += much * along);
        }
        values.extend(row.iter().map(|value| f16::from_f32(value.max(0.0))));
    }
    let mut index = Index::new(DIM);
    push(&mut index, values);
    index
}

/// The collection of the small measurements, made once.
fn small() -> &'static Index {
    static INDEX: OnceLock<Index> = OnceLock::new();
    INDEX.get_or_init(|| clustered(ROWS))
}

fn built(index: &Index, metric: Metric) -> Option<Graph> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    graph::build(index, metric, 16, &|items| on_threads(items, threads), &|| false, &mut |_| ())
}

/// The 16 nearest of each of 20,000.
#[divan::bench(args = [Metric::Cosine, Metric::Euclidean], sample_count = 3, sample_size = 1)]
fn nearest_of_20_000(bencher: Bencher, metric: Metric) {
    let index = small();
    bencher.bench_local(|| built(index, black_box(metric)));
}

/// Ten new pictures beside 20,000.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn ten_more(bencher: Bencher) {
    let Some(graph) = built(small(), Metric::Cosine) else { return };
    let mut index = small().clone();
    let first = index.segments().next().map(|(_, segment)| segment.rows.values()[..10 * DIM].to_vec());
    push(&mut index, first.unwrap_or_default());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    bencher.bench_local(|| graph.extend(&index, &|items| on_threads(items, threads), &|| false, &mut |_| ()));
}
