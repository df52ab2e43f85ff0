//! Groups and outliers of given vectors, for another program to time and to compare.
//!
//! With arguments (a file of half floats, row-major, and their dimension) each line of the standard input asks for one
//! thing, and each answer is one line: seconds, then a value a row. `tests/bench/compare/groups.py` and `outliers.py`
//! hold the answers against scikit-learn.
//!
//! - `graph K`: makes the graph of the K nearest that the others use; its values are those of the last neighbors.
//! - `hdbscan MIN_SIZE MIN_SAMPLES`, `kmeans COUNT SEED`, `dendrogram COUNT`: the number of each row's group, −1 for noise; a
//!   COUNT of 0 leaves it to the silhouette.
//! - `distance K`, `lof K`: the mean distance to the K nearest of each row, and its local outlier factor.

mod rows;
mod threads;

use std::{
    io::{self, BufRead, Write},
    sync::Arc,
    thread,
    time::Instant,
};

use half::f16;
use lookalike::{
    analysis::{
        clusters::{Clustering, Cut, Density, Method, Sought},
        outliers::{Measure, Outlier, Outliers, Scope},
    },
    index::{Index, labels::Labels},
    similarity::{Graph, Metric, WorkItem, graph},
};

use self::{rows::segment, threads::on_threads};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [file, dim] = arguments.as_slice() else {
        return writeln!(io::stderr(), "arguments: a file of half floats and their dimension");
    };
    let dim = dim.parse().map_err(io::Error::other)?;
    let bytes = std::fs::read(file)?;
    let index = index(bytes.chunks_exact(2).map(|pair| f16::from_le_bytes([pair[0], pair[1]])).collect(), dim);
    let mut graph = None;
    let mut out = io::BufWriter::new(io::stdout());
    for line in io::stdin().lock().lines() {
        let line = line?;
        let mut words = line.split_whitespace();
        let what = words.next().unwrap_or_default();
        let numbers: Vec<usize> = words.filter_map(|word| word.parse().ok()).collect();
        let start = Instant::now();
        let values = answer(&index, what, &numbers, &mut graph);
        write!(out, "{}", start.elapsed().as_secs_f64())?;
        values.iter().try_for_each(|value| write!(out, " {value}"))?;
        writeln!(out)?;
        out.flush()?;
    }
    Ok(())
}

fn answer(index: &Index, what: &str, numbers: &[usize], graph: &mut Option<Arc<Graph>>) -> Vec<f32> {
    let count = numbers.first().copied().unwrap_or(0);
    if let Some(measure) = [Measure::Distance, Measure::Factor].into_iter().find(|measure| measure.name() == what) {
        return scores(index, graph.clone(), count, measure).unwrap_or_default();
    }
    let method = match what {
        "hdbscan" => {
            Method::Hdbscan(Density { min_size: count, min_samples: numbers.get(1).copied().unwrap_or(count) })
        }
        "kmeans" => Method::KMeans((count > 0).then_some(count)),
        "dendrogram" => Method::Dendrogram(if count > 0 { Cut::Count(count) } else { Cut::Silhouette }),
        "graph" => {
            *graph = graph::build(index, Metric::Cosine, count, &on_all_cores, &|| false, &mut |_| ()).map(Arc::new);
            let last = |id| graph.as_ref()?.neighbors(id).last().map(|edge| edge.value);
            return index.iter().map(|entry| last(entry.id).unwrap_or(f32::NAN)).collect();
        }
        _ => return Vec::new(),
    };
    let seed = if what == "kmeans" { numbers.get(1).copied().unwrap_or(0) as u64 } else { 0 };
    let folders = Labels::folders(index);
    let found = Clustering::find(
        index,
        &folders,
        Sought { method, graph: graph.clone(), seed },
        &on_all_cores,
        &|| false,
        &mut |_| (),
    );
    let labels = found.map(|found| found.labels(Vec::new()));
    index
        .iter()
        .map(|entry| labels.as_ref().and_then(|labels| labels.of(entry.id)).map_or(-1.0, |n| n as f32))
        .collect()
}

fn scores(index: &Index, graph: Option<Arc<Graph>>, k: usize, measure: Measure) -> Option<Vec<f32>> {
    let folders = Labels::folders(index);
    let found = Outliers::find(index, &folders, graph?, k, &on_all_cores, &|| false, &mut |_| ())?;
    let score = |outlier: Outlier| if measure == Measure::Distance { outlier.distance } else { outlier.factor };
    Some(index.iter().map(|entry| found.get(Scope::All, measure, entry.id).map_or(f32::NAN, score)).collect())
}

fn on_all_cores(items: Vec<WorkItem<'_>>) {
    on_threads(items, thread::available_parallelism().map_or(1, usize::from));
}

fn index(values: Vec<f16>, dim: usize) -> Index {
    let mut index = Index::new(dim);
    index.push(segment(values, dim, |row| format!("/p/{row}")));
    index
}
