//! A warm start: from nothing to the first snapshot of what the cache holds, before the folder is looked at.
//!
//! `cargo bench --bench start`; the stores are synthetic and lie in the system's folder for temporary files meanwhile,
//! 500 MB for the largest.

use std::{
    path::{Path, PathBuf},
    sync::mpsc,
    thread::{self, JoinHandle},
};

use divan::Bencher;
use lookalike::{
    cancel::CancelToken,
    decode,
    embed::{self, ModelChoice},
    index::{
        Image, RowKind, Segment,
        store::{self, Change, Key, Opened},
    },
    pipeline::{self, Cache, Report, Request},
    scan::{self, ImageFile},
};

fn main() {
    divan::main();
}

/// Images committed at once.
const STEP: usize = 5_000;

/// A folder without images, and a store that remembers many in it.
struct Place {
    folder: tempfile::TempDir,
    request: Request,
}

impl Place {
    fn with(rows: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let root = folder.path().canonicalize().expect("it is there").join("pictures");
        std::fs::create_dir(&root).expect("it is empty");
        let model = ModelChoice { name: Some("color-grid".into()), ..ModelChoice::default() };
        let cache = Cache::Folder(folder.path().join("cache"));
        let request = Request { roots: vec![root.clone()], scan: scan::Options::default(), model, cache };
        let place = Self { folder, request };
        place.fill(&root, rows);
        // The first run writes the columnar copy.
        drop(place.start());
        place
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn fill(&self, root: &Path, rows: usize) {
        let model = embed::choose(&self.request.model).expect("a built-in model");
        let dim = model.manifest.dim;
        let key = Key {
            root: root.into(),
            model: model.manifest.name.clone(),
            fingerprint: model.fingerprint,
            preprocessing: decode::VERSION,
            exact: false,
            dim,
            rows: RowKind::Picture,
        };
        let Ok(Opened::Writer(mut store)) = store::open(&self.cache(), &key, &mut Vec::new()) else {
            panic!("a new store has no other writer")
        };
        let image = |row: usize| Image {
            file: ImageFile {
                path: root.join(format!("holiday {:03}/week {}/IMG_{row:07}.jpg", row / 5_000, row / 500 % 10)),
                size: 1_000 + (row * 7_919 % 3_000_000) as u64,
                modified: row as i64 * 1_000_000_000,
                changed: 0,
            },
            pixels: (4_000, 3_000),
            format: "JPEG",
            face: None,
        };
        for first in (0..rows).step_by(STEP) {
            let these = first..(first + STEP).min(rows);
            let embeddings: Vec<_> = these.clone().map(|row| vec![(row % 97) as f32 / 97.0; dim]).collect();
            let hashes: Vec<_> = these.clone().map(|row| [row as u8; 32]).collect();
            let segment = Segment::pack(root.into(), these.map(image), &embeddings, dim);
            store.commit(&Change { rows: Some((&segment, &hashes)), ..Change::default() }).expect("room on the disk");
        }
    }

    /// Returns at the first snapshot.
    fn start(&self) -> Run {
        let (sender, snapshot) = mpsc::channel();
        let (request, cancel) = (self.request.clone(), CancelToken::default());
        let token = cancel.clone();
        let run = thread::spawn(move || {
            let ended = pipeline::run(&request, &token, &mut |report| {
                if let Report::Snapshot(index) = report {
                    // Only the first is waited for.
                    let _ = sender.send(index.len());
                }
            });
            drop(ended);
        });
        snapshot.recv().expect("the store holds images");
        Run { cancel, run: Some(run) }
    }
}

/// A run that ends when nobody needs it any more.
struct Run {
    cancel: CancelToken,
    run: Option<JoinHandle<()>>,
}

impl Drop for Run {
    fn drop(&mut self) {
        self.cancel.cancel();
        self.run.take().map(JoinHandle::join);
    }
}

/// From opening the store to the first snapshot.
#[divan::bench(args = [1_000, 100_000, 1_000_000], sample_count = 10, sample_size = 1)]
fn first_snapshot(bencher: Bencher, rows: usize) {
    let place = Place::with(rows);
    bencher.bench_local(|| place.start());
}
