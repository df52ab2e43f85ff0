//! Maps of 5,000 pictures by each method, frames of 100,000 points, and maps of any vectors for another program to compare.
//!
//! `cargo bench --bench map` measures. With arguments (a file of half floats, row-major, their dimension, a method, a number
//! of threads) it makes one map, for `tests/bench/compare/map.py`: a line of JSON with the seconds of each step and how far
//! the map can be trusted, which a fifth argument `timed` leaves out, then a line a point.

mod random;
mod rows;
mod threads;

use std::{
    io::{self, Write},
    sync::{Arc, OnceLock},
    thread,
    time::Instant,
};

use divan::{Bencher, black_box};
use half::f16;
use lookalike::{
    analysis::projection::{Method, Projection, Projector},
    app::{
        App, Effect, Event, Setup,
        keymap::Chord,
        layout::Area,
        screens::map::plot::{Direction, Plot, Raster, View, towards},
    },
    index::{Index, labels::Labels, progress::Summary},
    similarity::{Graph, Metric, WorkItem, graph},
    task::{Job, JobEvent, Made, Mapped, Outcome, Task},
    ui,
};
use ratatui::{Terminal, backend::TestBackend};

use self::{random::numbers, rows::segment, threads::on_threads};

const DIM: usize = 512;
const ROWS: usize = 5_000;
const CLUSTERS: usize = 50;
const SEED: u64 = 1;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [file, dim, method, threads, timed @ ..] = arguments.as_slice() else {
        divan::main();
        return Ok(());
    };
    let (dim, threads) = (dim.parse().map_err(io::Error::other)?, threads.parse().map_err(io::Error::other)?);
    let method = Method::ALL.into_iter().find(|known| known.key() == method).ok_or(io::ErrorKind::InvalidInput)?;
    let bytes = std::fs::read(file)?;
    let index = index(bytes.chunks_exact(2).map(|pair| f16::from_le_bytes([pair[0], pair[1]])).collect(), dim);
    let executor = |items: Vec<WorkItem<'_>>| on_threads(items, threads);
    let start = Instant::now();
    let projector = Projector::new(&index, SEED, &executor, &|| false);
    let Some(plane) = projector.pca() else { return Ok(()) };
    let after_pca = start.elapsed();
    let Some(graph) = nearest(&index, threads) else { return Ok(()) };
    let after_graph = start.elapsed();
    let Some(map) = projector.refine(&plane, method, &graph, &mut |_, _| ()) else { return Ok(()) };
    let after_map = start.elapsed();
    let quality = if timed.is_empty() { projector.quality(&map, &mut |_| ()) } else { None };
    let all = start.elapsed();
    let share = |of: fn(&lookalike::analysis::projection::Quality) -> f32| quality.as_ref().map_or(0.0, of);
    let mut out = io::BufWriter::new(io::stdout());
    writeln!(
        out,
        "{{\"pca\": {}, \"graph\": {}, \"map\": {}, \"quality\": {}, \"trustworthiness\": {}, \"continuity\": {}}}",
        after_pca.as_secs_f64(),
        (after_graph - after_pca).as_secs_f64(),
        (after_map - after_graph).as_secs_f64(),
        (all - after_map).as_secs_f64(),
        share(|quality| quality.trustworthiness),
        share(|quality| quality.continuity),
    )?;
    for (_, [x, y]) in map.points() {
        writeln!(out, "{x} {y}")?;
    }
    out.flush()
}

fn index(values: Vec<f16>, dim: usize) -> Index {
    let mut index = Index::new(dim);
    index.push(segment(values, dim, |row| format!("/p/{:03}/{row:07}", row % 997)));
    index
}

fn nearest(index: &Index, threads: usize) -> Option<Graph> {
    graph::build(index, Metric::Cosine, 16, &|items| on_threads(items, threads), &|| false, &mut |_| ())
}

/// Rows around cluster centers, not negative, as a network's pooled features are.
fn clustered() -> Index {
    let mut random = numbers(1);
    let centers: Vec<f32> = (0..CLUSTERS * DIM).map(|_| (random() * 3.0 - 1.2).max(0.0)).collect();
    let mut values = Vec::with_capacity(ROWS * DIM);
    for row in 0..ROWS {
        let center = &centers[row % CLUSTERS * DIM..][..DIM];
        values.extend(center.iter().map(|value| f16::from_f32((value + random() - 0.5).max(0.0))));
    }
    index(values, DIM)
}

/// The collection of the small measurements and its graph, made once.
fn small() -> &'static (Index, Graph) {
    static MADE: OnceLock<(Index, Graph)> = OnceLock::new();
    MADE.get_or_init(|| {
        let index = clustered();
        let graph = nearest(&index, threads()).unwrap_or_else(|| Graph::empty(Metric::Cosine, 16));
        (index, graph)
    })
}

fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn made(method: Method) -> Option<Projection> {
    let (index, graph) = small();
    let executor = |items: Vec<WorkItem<'_>>| on_threads(items, threads());
    let projector = Projector::new(index, SEED, &executor, &|| false);
    let plane = projector.pca()?;
    projector.refine(&plane, method, graph, &mut |_, _| ())
}

#[divan::bench(args = Method::ALL, sample_count = 3, sample_size = 1)]
fn map_of_5_000(bencher: Bencher, method: Method) {
    small();
    bencher.bench_local(|| made(black_box(method)));
}

/// A map of 100,000 points, a thousand groups, and what the screen needs of it.
struct Large {
    index: Index,
    map: Projection,
    labels: Labels,
    plot: Plot,
}

fn large() -> Option<&'static Large> {
    static MADE: OnceLock<Option<Large>> = OnceLock::new();
    let made = || {
        let mut random = numbers(3);
        let index = index((0..100_000 * 8).map(|_| f16::from_f32(random() - 0.5)).collect(), 8);
        let map = Projector::new(&index, SEED, &|items| on_threads(items, threads()), &|| false).pca()?;
        let labels = Labels::folders(&index);
        let plot = Plot::new(&map, View::default(), Area { x: 0, y: 0, width: 160, height: 46 });
        Some(Large { index, map, labels, plot })
    };
    MADE.get_or_init(made).as_ref()
}

/// What a frame of 100,000 points takes beside the terminal's own work: the cells, at another zoom than before.
#[divan::bench(sample_count = 20)]
fn cells_of_100_000(bencher: Bencher) {
    let Some(Large { index, map, labels, plot }) = large() else { return };
    bencher.bench_local(|| Raster::new(black_box(map), index, labels, &|_| true, plot));
}

/// One press of an arrow among them.
#[divan::bench(sample_count = 20)]
fn step_among_100_000(bencher: Bencher) {
    let Some(Large { index, map, plot, .. }) = large() else { return };
    bencher.bench_local(|| towards(map, &|id| index.contains(id), plot, black_box([0.01, 0.01]), Direction::Right));
}

/// The explorer on its Map screen, with so many points on it.
struct Shown {
    app: App,
    terminal: Terminal<TestBackend>,
}

impl Shown {
    fn new() -> Option<Self> {
        let size = (160, 50);
        let app = App::new(Setup { folders: vec!["/p".into()], size, ..Setup::default() });
        let mut shown = Self { app, terminal: Terminal::new(TestBackend::new(size.0, size.1)).ok()? };
        let Large { index, map, .. } = large()?;
        for effect in shown.app.start() {
            if let Effect::Start(job, Job::Index) = effect {
                let summary = Summary {
                    index: Arc::new(index.clone()),
                    skipped: Vec::new().into(),
                    added: 0,
                    reused: index.len(),
                    renamed: 0,
                    removed: 0,
                    seconds: 1.0,
                };
                shown.app.update(Event::Job(JobEvent { job, outcome: Outcome::Indexed(summary) }));
            }
        }
        // Any map will do: this one stands in for the one that is asked for.
        let map = Arc::new(map.clone());
        shown.key("5");
        // What takes long is made when the cursor rests.
        for effect in shown.app.update(Event::Rest) {
            if let Effect::Start(job, Job::Make { task: Task::Map(_), .. }) = effect {
                let made = Mapped { projection: Arc::clone(&map), graph: None, is_new: true };
                shown.app.update(Event::Job(JobEvent { job, outcome: Outcome::Made(Made::Map(made)) }));
            }
        }
        shown.app.screens.map.shown()?;
        Some(shown)
    }

    fn key(&mut self, name: &str) -> Vec<Effect> {
        Chord::parse(name).map(|chord| self.app.update(Event::Key(chord.event()))).unwrap_or_default()
    }

    fn draw(&mut self) {
        let _ = self.terminal.draw(|frame| ui::draw(&self.app, frame));
    }
}

/// From a key to the whole frame, the writing to the terminal left out: zoom in and out, and steps to the next point, which
/// take the map along.
#[divan::bench(args = ["+", "Right", "Down", "-", "0"], sample_count = 20, sample_size = 1)]
fn frame_of_100_000(bencher: Bencher, key: &str) {
    let Some(mut shown) = Shown::new() else { return };
    for key in ["+", "+", "+"] {
        shown.key(key);
    }
    shown.draw();
    bencher.bench_local(|| {
        shown.key(black_box(key));
        shown.draw();
    });
}
