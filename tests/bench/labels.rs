//! Learning labels, for another program to time: `tests/bench/compare/labels.py` holds it against scikit-learn.
//!
//! Arguments: a file of half floats, row-major; their dimension; a file with the label of each row, 32 bits each; threads.
//! The answer: seconds for the graph of the nearest, seconds for everything else (the choice of the strength, five folds,
//! the last fit, the votes), the strength, and the accuracies of the probe and of the votes.

mod rows;
mod threads;

use std::{fs, io, io::Write, time::Instant};

use half::f16;
use lookalike::{
    analysis::classifier::classify,
    index::{Index, labels::Labels},
    similarity::{Metric, WorkItem, graph},
};

use self::{rows::segment, threads::on_threads};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [vectors, dim, labels, threads] = arguments.as_slice() else {
        writeln!(io::stdout(), "tests/bench/compare/labels.py gives it its arguments")?;
        return Ok(());
    };
    let dim: usize = dim.parse().map_err(io::Error::other)?;
    let threads: usize = threads.parse().map_err(io::Error::other)?;
    let values: Vec<_> = fs::read(vectors)?.chunks_exact(2).map(|two| f16::from_le_bytes([two[0], two[1]])).collect();
    let of_rows: Vec<u32> = fs::read(labels)?
        .chunks_exact(4)
        .map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
        .collect();
    let mut index = Index::new(dim);
    // Rows keep their order: it is that of their paths.
    index.push(segment(values, dim, |row| format!("/p/{:06}/{row:09}", of_rows[row])));
    let executor = |items: Vec<WorkItem<'_>>| on_threads(items, threads);
    let start = Instant::now();
    let graph = graph::build(&index, Metric::Cosine, 16, &executor, &|| false, &mut |_| ());
    let graph = graph.ok_or_else(|| io::Error::other("nobody stopped it"))?;
    let graph_seconds = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let found = classify(&index, &Labels::folders(&index), &graph, 1, &executor, &|| false, &mut |_| ());
    let found = found.map_err(|error| io::Error::other(error.to_string()))?;
    let seconds = start.elapsed().as_secs_f64();
    let (probe, voted) = (found.probe_confusion.accuracy(), found.voted_confusion.accuracy());
    writeln!(io::stdout(), "{graph_seconds} {seconds} {} {probe} {voted}", found.strength)
}
