//! One query at a time for another program to time: `tests/bench/compare/neighbors.py` holds it against faiss.
//!
//! Arguments: a file of half floats, row-major, and their dimension. Each line of the standard input names a number of
//! threads and a row, whose embedding is compared with all rows as a picture from elsewhere would be. Each answer is one
//! line: milliseconds, then the 20 nearest by cosine similarity, then those by euclidean distance.

mod rows;
mod threads;

use std::{
    io::{self, BufRead, Write},
    path::Path,
    time::Instant,
};

use half::f16;
use lookalike::{
    index::{ImageId, Index},
    similarity::{Comparison, Metric, Query, compare_with},
};

use self::{rows::segment, threads::on_threads};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [file, dim] = arguments.as_slice() else {
        // `cargo bench` runs every benchmark; this one has nothing to do on its own.
        return Ok(());
    };
    let dim = dim.parse().map_err(io::Error::other)?;
    let index = index_of(Path::new(file), dim)?;
    let mut out = io::stdout();
    writeln!(out, "{} rows", index.len())?;
    for line in io::stdin().lock().lines() {
        let numbers: Vec<usize> = line?.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        let [threads, row] = numbers[..] else { continue };
        let Some(entry) = index.get(ImageId(row as u32)) else { continue };
        let query = Query::Embedding(entry.embedding().into());
        let start = Instant::now();
        let found = compare_with(&index, &query, &|items| on_threads(items, threads));
        let nearest = [Metric::Cosine, Metric::Euclidean].map(|metric| places(&found, metric));
        let milliseconds = start.elapsed().as_secs_f64() * 1e3;
        writeln!(out, "{milliseconds} {}", nearest.concat().join(" "))?;
        out.flush()?;
    }
    Ok(())
}

fn places(found: &Comparison, metric: Metric) -> Vec<String> {
    found.nearest(metric, 20).iter().map(|neighbor| neighbor.id.0.to_string()).collect()
}

fn index_of(file: &Path, dim: usize) -> io::Result<Index> {
    let bytes = std::fs::read(file)?;
    let values: Vec<f16> = bytes.chunks_exact(2).map(|pair| f16::from_le_bytes([pair[0], pair[1]])).collect();
    let mut index = Index::new(dim);
    index.push(segment(values, dim, |row| format!("/p/{row}")));
    Ok(index)
}
