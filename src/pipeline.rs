//! The life of an image up to its row in the index: found (`scan`), known or not (`index::store`), decoded, embedded,
//! kept.
//!
//! [`run`] reports a snapshot of what the cache holds before it looks at the folder, so that a warm start shows pictures
//! at once, and loads the model only when something must be embedded. What is done is committed in small steps.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};

use crate::{
    cancel::CancelToken,
    decode::{self, Detail},
    embed::{
        self, Embedder, Manifest, Model, ModelChoice,
        batcher::{self, Batch},
        preprocess,
    },
    error::{Error, Result},
    index::{
        Index,
        store::{self, ContentHash, Failure, Key},
    },
    printable::printable,
    scan::{self, ImageFile, Skipped},
};

pub use crate::index::progress::{Progress, Report, Stage, Summary};

mod folder;
mod known;
mod ledger;

use folder::{Folder, NewRow};

/// What to index, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// The folders, as the user named them.
    pub roots: Vec<PathBuf>,
    /// Which files count.
    pub scan: scan::Options,
    /// Which model embeds them.
    pub model: ModelChoice,
    /// Where embeddings are kept.
    pub cache: Cache,
}

/// Where embeddings are kept between runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cache {
    /// In stores under this folder.
    Folder(PathBuf),
    /// Nowhere.
    Off,
}

/// Rows a transaction holds at most: what a killed run loses.
const COMMIT_ROWS: usize = 64;
/// Nothing waits longer than this for its transaction.
const COMMIT_AFTER: Duration = Duration::from_millis(500);
/// Between two reports of the same kind.
const REPORT_AFTER: Duration = Duration::from_millis(100);
/// How often a run looks at the index that another process is writing.
const FOLLOW_EVERY: Duration = Duration::from_millis(250);

/// Brings the index of the folders up to date.
///
/// # Errors
/// [`Error::NoFolder`] when a folder is not there (the cache stays as it is), [`Error::Model`] when the model cannot be
/// found, loaded or run, [`Error::Interrupted`] when cancelled. What was embedded until then is kept.
pub fn run(request: &Request, cancel: &CancelToken, report: &mut dyn FnMut(Report)) -> Result<Summary> {
    let started = Instant::now();
    let model = embed::choose(&request.model)?;
    let roots = scan::roots(&request.roots)?;
    report(model_report(&model.manifest, None));
    let mut run = Run {
        request,
        cancel,
        report,
        folders: Vec::new(),
        index: Index::new(model.manifest.dim),
        skipped: Vec::new(),
        counts: Counts::default(),
        last_progress: None,
    };
    run.progress(
        Progress { stage: Stage::Loading, done: 0, total: 0, per_second: 0.0, left: None, decode_bound: None },
        true,
    );
    run.open_stores(&roots, &model)?;
    if !run.index.is_empty() {
        run.snapshot();
    }
    run.follow_writers(&model)?;
    let found = run.scan(&roots)?;
    let work = run.reconcile(found)?;
    run.snapshot();
    run.embed(work, &model)?;
    for folder in &mut run.folders {
        folder.photograph();
    }
    Ok(run.finish(started))
}

fn model_report(manifest: &Manifest, device: Option<String>) -> Report {
    Report::Model { name: manifest.name.clone(), dim: manifest.dim, baseline: manifest.baseline, device }
}

#[derive(Default)]
struct Counts {
    added: usize,
    reused: usize,
    renamed: usize,
    removed: usize,
}

/// The state of one run.
struct Run<'a> {
    request: &'a Request,
    cancel: &'a CancelToken,
    report: &'a mut dyn FnMut(Report),
    folders: Vec<Folder>,
    index: Index,
    skipped: Vec<Skipped>,
    counts: Counts,
    last_progress: Option<Instant>,
}

/// One file on its way through decoder and model.
struct Work {
    folder: usize,
    file: ImageFile,
    /// What the thread that read the file found out besides the pixels.
    facts: Option<Facts>,
    /// Whether it is known to be unreadable for as long as it does not change.
    lasting: bool,
}

impl Work {
    /// Takes note of why the file cannot be read.
    fn refused(&mut self, why: &decode::Unreadable) -> String {
        self.lasting = why.is_lasting();
        why.to_string()
    }
}

/// What is learned from a file's bytes.
struct Facts {
    hash: ContentHash,
    pixels: (u32, u32),
    format: &'static str,
}

impl Run<'_> {
    /// Opens the stores and puts the rows they hold into the index.
    fn open_stores(&mut self, roots: &[PathBuf], model: &Model) -> Result<()> {
        for root in roots {
            let mut folder = Folder::new(root);
            if let Cache::Folder(cache) = &self.request.cache {
                let mut notes = Vec::new();
                let opened = store::open(cache, &self.key(root, model), &mut notes);
                let opened = opened.and_then(|opened| folder.attach(opened, &mut self.index, &self.request.scan));
                if let Err(error) = opened {
                    notes.push(format!("nothing is kept on disk: {error}"));
                }
                for note in notes {
                    (self.report)(Report::Note(note));
                }
            }
            self.folders.push(folder);
        }
        Ok(())
    }

    fn key(&self, root: &std::path::Path, model: &Model) -> Key {
        Key {
            root: root.to_path_buf(),
            model: model.manifest.name.clone(),
            fingerprint: model.fingerprint.clone(),
            preprocessing: decode::VERSION,
            exact: self.request.model.exact,
            dim: model.manifest.dim,
        }
    }

    /// While another process writes a store, shows its rows as they come, and becomes the writer when it is done.
    fn follow_writers(&mut self, model: &Model) -> Result<()> {
        let Cache::Folder(cache) = &self.request.cache else { return Ok(()) };
        for at in 0..self.folders.len() {
            let mut said = false;
            while self.folders[at].is_followed() {
                if !said {
                    let folder = printable(self.folders[at].root());
                    let note = format!("another lookalike is indexing {folder}: its images appear here as they come");
                    (self.report)(Report::Note(note));
                    said = true;
                }
                if self.cancel.is_cancelled() {
                    return Err(Error::Interrupted);
                }
                std::thread::sleep(FOLLOW_EVERY);
                let before = self.index.table_len();
                let mut notes = Vec::new();
                let opened = store::open(cache, &self.key(self.folders[at].root(), model), &mut notes);
                let attached = opened.and_then(|o| self.folders[at].attach(o, &mut self.index, &self.request.scan));
                if let Err(error) = attached {
                    self.folders[at].forget_store();
                    notes.push(format!("nothing is kept on disk: {error}"));
                }
                for note in notes {
                    (self.report)(Report::Note(note));
                }
                if self.index.table_len() > before {
                    self.snapshot();
                }
            }
        }
        Ok(())
    }

    /// Walks the folders and compares each file with what is known.
    fn scan(&mut self, roots: &[PathBuf]) -> Result<Vec<scan::Found>> {
        let scanning =
            |done| Progress { stage: Stage::Scanning, done, total: 0, per_second: 0.0, left: None, decode_bound: None };
        self.progress(scanning(0), true);
        for folder in &mut self.folders {
            folder.learn(&mut self.index);
        }
        let (options, cancel) = (&self.request.scan, self.cancel);
        let mut done = vec![0_usize; roots.len()];
        let found = scan::scan(roots, options, cancel, &mut |at, file| {
            self.folders[at].meet(file, &mut self.index);
            done[at] += 1;
            if done[at].is_multiple_of(256) {
                self.progress(scanning(done.iter().sum()), false);
            }
        })?;
        if let Some(note) = scan::passed_over(&found, decode::holds_picture) {
            (self.report)(Report::Note(note));
        }
        for (folder, _) in self.folders.iter().zip(done).filter(|(folder, done)| *done == 0 && folder.holds_images()) {
            (self.report)(Report::Note(format!(
                "there is no image in {} any more; the embeddings are kept for 30 days, should its disk come back",
                printable(folder.root())
            )));
        }
        Ok(found)
    }

    /// Draws the conclusions of the walk. Returns what must be embedded.
    fn reconcile(&mut self, found: Vec<scan::Found>) -> Result<Vec<Work>> {
        let mut work = Vec::new();
        for (at, mut found) in found.into_iter().enumerate() {
            let folder = &mut self.folders[at];
            self.skipped.append(&mut found.skipped);
            let mut compared = folder.compared(&found, &self.index, &self.request.scan);
            self.counts.reused += compared.reused;
            self.skipped.append(&mut compared.still_failing);
            let unknown = std::mem::take(&mut compared.unknown);
            let moved = folder.find_moved(unknown, &compared.missing, &mut self.index, self.cancel)?;
            self.counts.reused += moved.touched;
            self.counts.renamed += moved.renamed;
            self.counts.added += moved.copied;
            self.counts.removed += compared.missing.len() - moved.renamed;
            for note in moved.note.into_iter().chain(folder.mark(&compared, &mut self.index, self.cancel)) {
                (self.report)(Report::Note(note));
            }
            work.extend(moved.unknown.into_iter().map(|file| Work { folder: at, file, facts: None, lasting: false }));
        }
        self.report_skipped();
        Ok(work)
    }

    /// Decodes and embeds the files, committing as it goes.
    fn embed(&mut self, work: Vec<Work>, model: &Model) -> Result<()> {
        if work.is_empty() {
            return Ok(());
        }
        let total = work.len();
        self.progress(
            Progress { stage: Stage::Loading, done: 0, total, per_second: 0.0, left: None, decode_bound: None },
            true,
        );
        let mut embedder = embed::load(model, &self.request.model)?;
        (self.report)(model_report(&model.manifest, Some(embedder.device())));
        let manifest = &model.manifest;
        let detail = detail(manifest, self.request.model.exact);
        let read = |work: &mut Work| read(work, manifest, detail);
        let threads = match self.request.model.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        let cancel = self.cancel;
        let mut rate = Rate::default();
        let mut progress = |run: &mut Self, done, decode_bound, now| {
            let per_second = rate.update(done);
            let left = (per_second > 0.0).then(|| Duration::from_secs_f32((total - done) as f32 / per_second));
            run.progress(Progress { stage: Stage::Embedding, done, total, per_second, left, decode_bound }, now);
        };
        progress(self, 0, None, true);
        let mut done = 0;
        let mut committed: Option<Instant> = None;
        let ended = batcher::run(work, read, threads, embedder.as_mut(), cancel, |Batch { results, decode_bound }| {
            done += results.len();
            for (work, result) in results {
                self.settle(work, result);
            }
            let waiting: usize = self.folders.iter().map(Folder::waiting).sum();
            if waiting >= COMMIT_ROWS || committed.is_none_or(|at| at.elapsed() >= COMMIT_AFTER) {
                self.commit();
                committed = Some(Instant::now());
            }
            progress(self, done, Some(decode_bound), false);
            Ok(())
        });
        // Also after a failure or a cancel: what was embedded is kept.
        self.commit();
        ended
    }

    /// Files one result.
    fn settle(&mut self, work: Work, result: Result<Vec<f32>, String>) {
        let folder = &mut self.folders[work.folder];
        match (result, work.facts) {
            (Ok(embedding), Some(Facts { hash, pixels, format })) => {
                folder.add(NewRow { file: work.file, pixels, format, hash, embedding });
                self.counts.added += 1;
            }
            (Err(reason), _) => {
                self.skipped.push(Skipped { path: work.file.path.clone(), reason: reason.clone() });
                // Only what the decoder found in the bytes is as bad next time.
                folder.fail(Failure { file: work.file, reason }, work.lasting, &mut self.index);
            }
            (Ok(_), None) => {}
        }
    }

    /// Commits what waits and shows it.
    fn commit(&mut self) {
        for folder in &mut self.folders {
            if let Some(note) = folder.commit(&mut self.index) {
                (self.report)(Report::Note(note));
            }
        }
        self.snapshot();
        self.report_skipped();
    }

    fn snapshot(&mut self) {
        (self.report)(Report::Snapshot(Arc::new(self.index.clone())));
    }

    fn report_skipped(&mut self) {
        let skipped = self.skipped_sorted();
        (self.report)(Report::Skipped(skipped));
    }

    fn skipped_sorted(&mut self) -> Arc<[Skipped]> {
        self.skipped.sort_by(|a, b| a.path.cmp(&b.path));
        self.skipped.as_slice().into()
    }

    /// Reports progress, unless that was done a moment ago.
    fn progress(&mut self, progress: Progress, now: bool) {
        if now || self.last_progress.is_none_or(|at| at.elapsed() >= REPORT_AFTER) {
            self.last_progress = Some(Instant::now());
            (self.report)(Report::Progress(progress));
        }
    }

    fn finish(mut self, started: Instant) -> Summary {
        let skipped = self.skipped_sorted();
        let done = self.index.len();
        self.progress(
            Progress { stage: Stage::Done, done, total: done, per_second: 0.0, left: None, decode_bound: None },
            true,
        );
        let Counts { added, reused, renamed, removed } = self.counts;
        let seconds = started.elapsed().as_secs_f64();
        Summary { index: Arc::new(self.index), skipped, added, reused, renamed, removed, seconds }
    }
}

/// Reads, hashes, decodes and fits one file; runs in the decoding threads.
fn read(work: &mut Work, manifest: &Manifest, detail: Detail) -> Result<image::RgbImage, String> {
    let bytes = decode::read(&work.file.path).map_err(|why| work.refused(&why))?;
    let picture = decode::bytes_to_picture(&bytes, &work.file.path, detail, manifest.alpha);
    let picture = picture.map_err(|why| work.refused(&why))?;
    work.facts = Some(Facts { hash: Sha256::digest(&*bytes).into(), pixels: picture.pixels, format: picture.format });
    drop(bytes);
    preprocess::fit(&picture.rgb, manifest)
}

/// Half as much again as what the model's own resampling starts from keeps the scaled decoding of JPEGs from showing in
/// the embedding.
#[must_use]
pub fn detail(manifest: &Manifest, exact: bool) -> Detail {
    if exact { Detail::Full } else { Detail::AtLeast(manifest.least_side() * 3 / 2) }
}

/// Embeds one image that need not lie in any folder, a query for example.
///
/// # Errors
/// [`Error::Image`] when it cannot be read, [`Error::Model`] when the model fails.
pub fn embed_one(path: &std::path::Path, embedder: &mut dyn Embedder, exact: bool) -> Result<Vec<f32>> {
    let unusable = |reason| Error::Image { path: path.to_path_buf(), reason };
    let manifest = embedder.manifest().clone();
    let picture = decode::picture(path, detail(&manifest, exact), manifest.alpha);
    let picture = picture.map_err(|why| unusable(why.to_string()))?;
    let input = preprocess::fit(&picture.rgb, &manifest).map_err(unusable)?;
    let mut embeddings = embedder.embed(std::slice::from_ref(&input))?;
    embeddings.pop().ok_or_else(|| Error::model(&manifest.name, "it gave no embedding"))
}

/// Images a second over the last seconds.
#[derive(Default)]
struct Rate {
    window: VecDeque<(Instant, usize)>,
}

impl Rate {
    fn update(&mut self, done: usize) -> f32 {
        const WINDOW: Duration = Duration::from_secs(10);
        let now = Instant::now();
        self.window.push_back((now, done));
        while self.window.len() > 2 && self.window[0].0 + WINDOW < now {
            self.window.pop_front();
        }
        let (then, before) = self.window[0];
        let seconds = (now - then).as_secs_f32();
        if seconds > 0.0 { (done - before) as f32 / seconds } else { 0.0 }
    }
}
