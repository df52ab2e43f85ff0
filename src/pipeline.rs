//! The life of an image up to its row in the index: found (`scan`), known or not (`index::store`), decoded, embedded,
//! kept.
//!
//! [`run`] reports a snapshot of what the cache holds before it looks at the folder, so that a warm start shows pictures
//! at once, and loads the model only when something must be embedded. What is done is committed in small steps.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    cancel::CancelToken,
    decode::{self, Detail},
    embed::{self, Embedder, Found, Manifest, Model, ModelChoice, preprocess},
    error::{Error, Result},
    index::{
        ImageId, Index, RowKind,
        store::{self, Key, Opened, Others},
    },
    printable::printable,
    scan::{self, ImageFile, Skipped},
    text,
};

pub use self::lookup::row_of;
pub use crate::index::progress::{Progress, Report, Stage, Summary};

mod embedding;
mod folder;
mod known;
mod lookup;
mod row_map;

use embedding::Work;
use folder::{Folder, Moved};

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

/// Between two reports of the same kind.
const REPORT_AFTER: Duration = Duration::from_millis(100);
/// Between two reports of all that was skipped, unless it became much more.
const SKIPPED_AFTER: Duration = Duration::from_secs(1);
/// How often a run looks at the index that another process is writing.
const FOLLOW_EVERY: Duration = Duration::from_millis(250);
/// Without a sign of life for so long, a process is taken to be stopped. A wrong guess costs time and nothing else.
const STOPPED_AFTER: Duration = Duration::from_secs(10);

/// Brings the index of the folders up to date.
///
/// # Errors
/// [`Error::NoFolder`] when a folder is not there (the cache stays as it is), [`Error::Model`] when the model cannot be
/// found, loaded or run, [`Error::Interrupted`] when cancelled. What was embedded until then is kept.
pub fn run(request: &Request, cancel: &CancelToken, report: &mut dyn FnMut(Report)) -> Result<Summary> {
    let model = embed::choose(&request.model)?;
    run_with(&model, &|| embed::load(&model, &request.model), request, cancel, report)
}

/// Loads the network, once something must be embedded.
pub type Loader<'a> = &'a dyn Fn() -> Result<Box<dyn Embedder>>;

/// [`run`] with a network of the caller's own.
///
/// # Errors
/// As [`run`].
pub fn run_with(
    model: &Model,
    load: Loader<'_>,
    request: &Request,
    cancel: &CancelToken,
    report: &mut dyn FnMut(Report),
) -> Result<Summary> {
    let started = Instant::now();
    let roots = scan::roots(&request.roots)?;
    report(model_report(&model.manifest, None));
    let mut run = IndexingRun {
        request,
        cancel,
        report,
        folders: Vec::new(),
        index: Index::of(row_kind(&model.manifest), model.manifest.dim),
        skipped: Vec::new(),
        skipped_said: 0,
        skipped_at: None,
        counts: Counts::default(),
        last_progress: None,
    };
    run.progress(
        Progress { stage: Stage::Loading, done: 0, total: 0, per_second: 0.0, left: None, decode_bound: None },
        true,
    );
    for (at, root) in roots.iter().enumerate() {
        run.folders.push(Folder::new(root));
        run.open_store(at, model);
    }
    // What its rows stand for is known from the beginning.
    if !run.index.is_empty() || run.index.kind() == RowKind::Face {
        run.snapshot();
    }
    run.follow_writers(model)?;
    let found = run.scan(&roots)?;
    let work = run.reconcile(found, model)?;
    run.snapshot();
    run.embed(work, model, load)?;
    let mut notes = Vec::new();
    for folder in &mut run.folders {
        notes.extend(folder.record_skipped(&run.skipped, &run.index));
        notes.extend(folder.write_columns(&run.index));
    }
    if !notes.is_empty() {
        // Another store may have taken the place of the one that graphs were to be kept in.
        run.snapshot();
    }
    for note in notes {
        (run.report)(Report::Note(note));
    }
    Ok(run.finish(started))
}

/// What a row stands for that this model makes.
fn row_kind(manifest: &Manifest) -> RowKind {
    if manifest.finds_faces() { RowKind::Face } else { RowKind::Picture }
}

fn model_report(manifest: &Manifest, device: Option<String>) -> Report {
    let Manifest { dim, baseline, near_duplicate, .. } = *manifest;
    Report::Model { name: manifest.name.clone(), dim, baseline, near_duplicate, device }
}

#[derive(Default)]
struct Counts {
    added: usize,
    reused: usize,
    renamed: usize,
    removed: usize,
}

/// The state of one run.
struct IndexingRun<'a> {
    request: &'a Request,
    cancel: &'a CancelToken,
    report: &'a mut dyn FnMut(Report),
    folders: Vec<Folder>,
    index: Index,
    skipped: Vec<Skipped>,
    /// How many of them were reported last, and when.
    skipped_said: usize,
    skipped_at: Option<Instant>,
    counts: Counts,
    last_progress: Option<Instant>,
}

impl IndexingRun<'_> {
    /// Opens a folder's store, once more while another process writes it, and puts the rows that are new into the index.
    fn open_store(&mut self, at: usize, model: &Model) {
        let Cache::Folder(cache) = &self.request.cache else { return };
        let mut notes = Vec::new();
        let mut loaded = self.load_store(at, cache, model, &mut notes);
        if let Err(damaged @ Error::DamagedStore { .. }) = &loaded {
            notes.push(store::built_anew(damaged));
            loaded = self.load_store(at, cache, model, &mut notes);
        }
        if let Err(error) = loaded {
            self.folders[at].forget_store();
            notes.push(format!("nothing is kept on disk: {error}"));
        }
        for note in notes {
            (self.report)(Report::Note(note));
        }
    }

    fn load_store(&mut self, at: usize, cache: &Path, model: &Model, notes: &mut Vec<String>) -> Result<()> {
        let root = self.folders[at].root();
        let opened = store::open(cache, &self.key(root, model), notes)?;
        if let Opened::ReadOnly(_, why) = &opened {
            let root = printable(root);
            notes.push(format!(
                "the index of {root} cannot be written: it is used, and what is new is not kept on disk ({why})"
            ));
        }
        self.folders[at].load_new_rows(opened, &mut self.index, &self.request.scan)
    }

    fn key(&self, root: &Path, model: &Model) -> Key {
        Key {
            root: root.to_path_buf(),
            model: model.manifest.name.clone(),
            fingerprint: model.fingerprint.clone(),
            preprocessing: decode::VERSION,
            exact: self.request.model.exact,
            dim: model.manifest.dim,
            rows: row_kind(&model.manifest),
        }
    }

    /// While another process writes a store, shows its rows as they come, and becomes the writer when it is done. One that
    /// gives no sign of life, because it was stopped, is not waited for.
    fn follow_writers(&mut self, model: &Model) -> Result<()> {
        let Cache::Folder(cache) = &self.request.cache else { return Ok(()) };
        for at in 0..self.folders.len() {
            let mut heard = (None, Instant::now());
            while self.folders[at].has_other_writer() {
                let folder = printable(self.folders[at].root());
                let key = self.key(self.folders[at].root(), model);
                let news = Some((store::last_beat(cache, &key), self.index.version()));
                if heard.0.is_none() {
                    let note = format!("another lookalike is indexing {folder}: its images appear here as they come");
                    (self.report)(Report::Note(note));
                }
                if heard.0 != news {
                    heard = (news, Instant::now());
                } else if heard.1.elapsed() >= STOPPED_AFTER {
                    let note = "gives no sign of life: going on without it, and what is new is not kept on disk";
                    (self.report)(Report::Note(format!("the lookalike that is indexing {folder} {note}")));
                    self.folders[at].stop_following();
                    break;
                }
                if self.cancel.is_cancelled() {
                    return Err(Error::Interrupted);
                }
                std::thread::sleep(FOLLOW_EVERY);
                let before = self.index.version();
                self.open_store(at, model);
                if self.index.version() != before {
                    self.snapshot();
                }
            }
        }
        Ok(())
    }

    /// Walks the folders and compares each file with what is known.
    fn scan(&mut self, roots: &[PathBuf]) -> Result<Vec<scan::FoundFiles>> {
        let scanning =
            |done| Progress { stage: Stage::Scanning, done, total: 0, per_second: 0.0, left: None, decode_bound: None };
        self.progress(scanning(0), true);
        for folder in &mut self.folders {
            if let Some(note) = folder.index_paths(&mut self.index, self.cancel) {
                (self.report)(Report::Note(note));
            }
        }
        let (options, cancel) = (&self.request.scan, self.cancel);
        let mut done = vec![0_usize; roots.len()];
        let found = scan::scan(roots, options, cancel, &mut |at, file| {
            self.folders[at].visit(file, &mut self.index);
            done[at] += 1;
            if done[at].is_multiple_of(256) {
                self.progress(scanning(done.iter().sum()), false);
            }
        })?;
        if let Some(note) = scan::passed_over(&found, |path| !cancel.is_cancelled() && decode::holds_picture(path)) {
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
    fn reconcile(&mut self, found: Vec<scan::FoundFiles>, model: &Model) -> Result<Vec<Work>> {
        let mut work = Vec::new();
        let mut folders = std::mem::take(&mut self.folders);
        for (at, (folder, mut found)) in folders.iter_mut().zip(found).enumerate() {
            self.skipped.append(&mut found.skipped);
            let mut compared = folder.finish_walk(&found, &self.index, &self.request.scan);
            self.counts.reused += compared.reused;
            self.skipped.append(&mut compared.still_failing);
            let unknown = std::mem::take(&mut compared.unknown);
            let moved = self.compare(folder, unknown, &compared.missing, model)?;
            self.counts.reused += moved.touched;
            self.counts.renamed += moved.renamed + moved.known_elsewhere;
            self.counts.added += moved.copied;
            self.counts.removed += compared.missing.len() - moved.renamed;
            let taken = moved.taken.iter().map(|(root, count)| {
                let embeddings = text::counted(*count, "embedding");
                format!("{embeddings} taken over from the index of {}", printable(root))
            });
            let notes: Vec<_> = taken.chain(moved.notes).collect();
            let note = folder.record_presence(&compared, &mut self.index, self.cancel);
            for note in notes.into_iter().chain(note) {
                (self.report)(Report::Note(note));
            }
            work.extend(moved.unknown.into_iter().map(|file| Work::new(at, file)));
        }
        self.folders = folders;
        self.report_skipped();
        Ok(work)
    }

    /// Compares files that seem new with the content that is known, of this folder and of others.
    fn compare(
        &mut self,
        folder: &mut Folder,
        unknown: Vec<ImageFile>,
        missing: &[ImageId],
        model: &Model,
    ) -> Result<Moved> {
        let others = match &self.request.cache {
            Cache::Folder(cache) if !unknown.is_empty() => Others::open(cache, &self.key(folder.root(), model)),
            _ => Others::default(),
        };
        let total = unknown.len();
        let mut index = std::mem::take(&mut self.index);
        let moved = folder.match_renames(unknown, missing, &mut index, &others, &mut |done| {
            let stage = Stage::Comparing;
            self.progress(Progress { stage, done, total, per_second: 0.0, left: None, decode_bound: None }, done == 0);
            if self.cancel.is_cancelled() { Err(Error::Interrupted) } else { Ok(()) }
        });
        self.index = index;
        moved
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
        if let [folder] = &*self.folders
            && let Some(graphs) = folder.graphs(&self.index)
        {
            (self.report)(Report::Graphs(graphs));
        }
        (self.report)(Report::Snapshot(Arc::new(self.index.clone())));
    }

    /// Reports what was skipped when there is more of it than was said; what is said is all of it, which with many takes
    /// time.
    fn report_skipped(&mut self) {
        let (now, said) = (self.skipped.len(), self.skipped_said);
        let much = now >= said + said / 4;
        if now > said && (much || self.skipped_at.is_none_or(|at| at.elapsed() >= SKIPPED_AFTER)) {
            (self.skipped_said, self.skipped_at) = (now, Some(Instant::now()));
            let skipped = self.skipped_sorted();
            (self.report)(Report::Skipped(skipped));
        }
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

/// Half as much again as what the model's own resampling starts from keeps the scaled decoding of JPEGs from showing in
/// the embedding.
#[must_use]
pub fn detail(manifest: &Manifest, exact: bool) -> Detail {
    if exact { Detail::Full } else { Detail::AtLeast(manifest.least_side() * 3 / 2) }
}

/// Looks at one image that need not lie in any folder, a query for example: what would be its rows, the largest face
/// first; nothing where the network looks for faces and there is none.
///
/// # Errors
/// [`Error::Image`] when it cannot be read, [`Error::Model`] when the model fails.
pub fn find_in(path: &std::path::Path, embedder: &mut dyn Embedder, exact: bool) -> Result<Vec<Found>> {
    let unusable = |reason| Error::Image { path: path.to_path_buf(), reason };
    let manifest = embedder.manifest().clone();
    let picture = decode::picture(path, detail(&manifest, exact), manifest.alpha);
    let picture = picture.map_err(|why| unusable(why.to_string()))?;
    let input = preprocess::fit(&picture.rgb, &manifest).map_err(unusable)?;
    let found = embedder.find(std::slice::from_ref(&input))?.pop();
    found.ok_or_else(|| Error::model(&manifest.name, "it gave no answer"))
}
