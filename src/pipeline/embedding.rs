//! The part of a run that takes time: files are decoded and embedded on all cores, and what is done is committed.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};

use super::{
    IndexingRun, Loader, detail,
    folder::{Folder, NewPicture},
    model_report,
};
use crate::{
    cancel::CancelToken,
    decode::{self, Detail, Unreadable},
    embed::{
        Found, Manifest, Model,
        batcher::{self, Batch},
        preprocess,
    },
    error::Result,
    index::store::{ContentHash, Failure},
    pipeline::{Progress, Report, Stage},
    scan::{ImageFile, NO_FACE, Skipped, SkippedKind},
};

/// Pictures a transaction holds at most: what a killed run loses.
const COMMIT_PICTURES: usize = 64;
/// Nothing waits longer than this for its transaction.
const COMMIT_AFTER: Duration = Duration::from_millis(500);

/// Found files that are told of at most, the first by path: some pages of the grid, where each is given its place again at
/// every snapshot.
const FOUND: usize = 500;

/// One file on its way through decoder and model.
pub(super) struct Work {
    folder: usize,
    file: ImageFile,
    /// What the thread that read the file found out besides the pixels.
    facts: Option<Facts>,
    /// Why there is no picture, if that was found out before the network was asked.
    kind: Option<SkippedKind>,
    /// There is no use for the file, and will be none until it changes: it is no picture, or has no face.
    refused: bool,
}

impl Work {
    /// A file of the folder at this position.
    pub(super) fn new(folder: usize, file: ImageFile) -> Self {
        Self { folder, file, facts: None, kind: None, refused: false }
    }

    /// Takes note of why the file cannot be read.
    fn refuse(&mut self, why: &Unreadable) -> String {
        self.kind = Some(kind_of(why));
        self.refused = why.is_lasting();
        match why {
            Unreadable::TooSlow(_) => format!("{why}; touch the file to have it tried again"),
            _ => why.to_string(),
        }
    }
}

fn kind_of(why: &Unreadable) -> SkippedKind {
    match why {
        Unreadable::Missing => SkippedKind::Missing,
        Unreadable::Denied => SkippedKind::Denied,
        Unreadable::Unavailable(_) => SkippedKind::Unavailable,
        Unreadable::NotAFile => SkippedKind::NotAFile,
        Unreadable::Empty => SkippedKind::Empty,
        Unreadable::NotAnImage(_) => SkippedKind::NotAnImage,
        Unreadable::Unsupported(_) => SkippedKind::Unsupported,
        Unreadable::TooLarge(_) => SkippedKind::TooLarge,
        Unreadable::TooSlow(_) => SkippedKind::TooSlow,
        Unreadable::Stopped => SkippedKind::Stopped,
        Unreadable::CutOff => SkippedKind::CutOff,
        Unreadable::Damaged(_) => SkippedKind::Damaged,
    }
}

/// What is learned from a file's bytes.
struct Facts {
    hash: ContentHash,
    pixels: (u32, u32),
    format: &'static str,
}

impl IndexingRun<'_> {
    /// Where there is nothing to be seen yet, tells what there will be: loading the network takes a while.
    fn report_found(&mut self, work: &[Work]) {
        if !self.index.is_empty() {
            return;
        }
        let mut found: Vec<_> = work.iter().map(|one| &one.file.path).collect();
        found.sort_unstable();
        (self.report)(Report::Found(found.into_iter().take(FOUND).map(|path| Arc::from(path.as_path())).collect()));
    }

    /// Decodes and embeds the files, committing as it goes.
    pub(super) fn embed(&mut self, work: Vec<Work>, model: &Model, load: Loader<'_>) -> Result<()> {
        if work.is_empty() {
            return Ok(());
        }
        let total = work.len();
        self.progress(
            Progress { stage: Stage::Loading, done: 0, total, per_second: 0.0, left: None, decode_bound: None },
            true,
        );
        self.report_found(&work);
        let choice = &self.request.model;
        let mut embedder = load()?;
        (self.report)(model_report(&model.manifest, Some(embedder.device())));
        let manifest = &model.manifest;
        let detail = detail(manifest, choice.exact);
        let cancel = self.cancel;
        let read = |work: &mut Work| read(work, manifest, detail, cancel);
        let threads = match choice.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
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
                self.record(work, result);
            }
            let waiting: usize = self.folders.iter().map(Folder::waiting).sum();
            if waiting >= COMMIT_PICTURES || committed.is_none_or(|at| at.elapsed() >= COMMIT_AFTER) {
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

    /// Takes over one result.
    fn record(&mut self, mut work: Work, result: Result<Vec<Found>, String>) {
        let folder = &mut self.folders[work.folder];
        let found = match (result, work.facts.take()) {
            (Ok(_), None) => return,
            (Ok(found), Some(_)) if found.is_empty() => {
                (work.kind, work.refused) = (Some(SkippedKind::NoFace), true);
                Err(NO_FACE.to_owned())
            }
            (Ok(found), Some(facts)) => Ok((found, facts)),
            (Err(reason), _) => Err(reason),
        };
        match found {
            Ok((found, Facts { hash, pixels, format })) => {
                let rows = found.into_iter().map(|Found { face, embedding }| (face, embedding)).collect();
                folder.add(NewPicture { file: work.file, pixels, format, hash, rows });
                self.counts.added += 1;
            }
            Err(reason) => {
                let kind = work.kind.unwrap_or(SkippedKind::NotEmbedded);
                self.skipped.push(Skipped { path: work.file.path.clone(), kind, reason: reason.clone() });
                // What could not even be read, or what this network has no answer for, may go well next time.
                folder.fail(Failure { file: work.file, kind, reason }, work.refused, &mut self.index);
            }
        }
    }
}

/// Reads, hashes, decodes and fits one file; runs in the decoding threads.
fn read(work: &mut Work, manifest: &Manifest, detail: Detail, cancel: &CancelToken) -> Result<image::RgbImage, String> {
    let bytes = decode::read(&work.file.path).map_err(|why| work.refuse(&why))?;
    let stop = || cancel.is_cancelled();
    let picture = decode::bytes_to_picture_until(&bytes, &work.file.path, detail, manifest.alpha, &stop);
    let picture = picture.map_err(|why| work.refuse(&why))?;
    work.facts = Some(Facts { hash: Sha256::digest(&*bytes).into(), pixels: picture.pixels, format: picture.format });
    drop(bytes);
    preprocess::fit(&picture.rgb, manifest).inspect_err(|_| work.refused = true)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        embed::ModelChoice,
        index::Index,
        pipeline::{Cache, Counts, Request},
        scan,
    };

    /// Whether a run remembers a failure of a file.
    #[track_caller]
    fn check(facts: bool, refused: bool, result: Result<Vec<Found>, String>, remembered: bool) {
        let request = Request {
            roots: Vec::new(),
            scan: scan::Options::default(),
            model: ModelChoice::default(),
            cache: Cache::Off,
        };
        let mut run = IndexingRun {
            request: &request,
            cancel: &CancelToken::default(),
            report: &mut |_| {},
            folders: vec![Folder::new(std::path::Path::new("/p"))],
            index: Index::new(1),
            skipped: Vec::new(),
            skipped_said: 0,
            skipped_at: None,
            counts: Counts::default(),
            last_progress: None,
        };
        let facts = facts.then_some(Facts { hash: [0; 32], pixels: (1, 1), format: "PNG" });
        let file = ImageFile { path: "/p/a.png".into(), size: 1, modified: 0, changed: 0 };
        run.record(Work { folder: 0, file, facts, kind: None, refused }, result);
        assert_eq!((run.folders[0].waiting() == 1, run.skipped.len()), (remembered, 1));
    }

    #[test]
    fn what_no_other_try_would_change_is_remembered() {
        let no = || Err("no".to_owned());
        // The file could not be read; it is no picture; its picture has no size that fits; the network has no answer.
        check(false, false, no(), false);
        check(false, true, no(), true);
        check(true, true, no(), true);
        check(true, false, no(), false);
        // There is no face in it.
        check(true, false, Ok(Vec::new()), true);
    }

    #[test]
    fn a_picture_that_takes_too_long_does_so_once() {
        let file = ImageFile { path: "/p/a.png".into(), size: 1, modified: 0, changed: 0 };
        let mut work = Work::new(0, file);
        let reason = work.refuse(&Unreadable::TooSlow(60));
        assert!(reason.ends_with("60 seconds of computing; touch the file to have it tried again"), "{reason}");
        assert_eq!((work.kind, work.refused), (Some(SkippedKind::TooSlow), true));
    }
}
