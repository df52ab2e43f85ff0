//! Indexing folders from the outside: what a run finds, keeps, reuses and survives.

mod changes;
mod damage;
mod processes;
mod recovery;
mod unreadable;

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use image::{Rgb, RgbImage};
use lookalike::{
    cancel::CancelToken,
    embed::ModelChoice,
    error::{Error, Result},
    index::{Index, store},
    pipeline::{self, Cache, Report, Request, Stage, Summary},
    scan,
};

/// A folder with pictures and a cache beside it.
pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("pictures")).unwrap();
        Self { folder }
    }

    pub(crate) fn with(count: u32) -> Self {
        let place = Self::new();
        for seed in 0..count {
            place.draw(format!("{seed:03}.png"), seed);
        }
        place
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("pictures")
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root().join(name)
    }

    /// Draws a picture that no other seed gives.
    pub(crate) fn draw(&self, name: impl AsRef<Path>, seed: u32) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let level = |n: u32| (seed.wrapping_mul(2_654_435_761).rotate_left(n) >> 24) as u8;
        let image = RgbImage::from_fn(24, 16, |x, y| Rgb([level(x), level(y * 3), level(x + y)]));
        fs::write(path, encode(&image)).unwrap();
    }

    /// The one store's file of this kind.
    pub(crate) fn store_file(&self, part: &str) -> PathBuf {
        let stores = store::list(&self.cache()).unwrap();
        assert_eq!(stores.len(), 1);
        let files = fs::read_dir(&stores[0].folder).unwrap().map(|entry| entry.unwrap().path());
        files
            .filter(|path| path.to_str().unwrap().contains(part) && !path.to_str().unwrap().contains("aside"))
            .min()
            .unwrap()
    }

    pub(crate) fn request(&self) -> Request {
        request(&[self.root()], Cache::Folder(self.cache()))
    }

    #[track_caller]
    pub(crate) fn run(&self) -> Run {
        run(&self.request()).unwrap()
    }
}

fn encode(image: &RgbImage) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

pub(crate) fn request(roots: &[PathBuf], cache: Cache) -> Request {
    let model = ModelChoice { name: Some("color-grid".into()), ..ModelChoice::default() };
    Request { roots: roots.to_vec(), scan: scan::Options::default(), model, cache }
}

/// A run and what it said.
pub(crate) struct Run {
    pub(crate) outcome: Summary,
    pub(crate) notes: Vec<String>,
    /// The kinds of the reports, in order.
    pub(crate) said: Vec<&'static str>,
    /// Length of each snapshot.
    pub(crate) snapshots: Vec<usize>,
}

pub(crate) fn run(request: &Request) -> Result<Run> {
    let (mut notes, mut said, mut snapshots) = (Vec::new(), Vec::new(), Vec::new());
    let outcome = pipeline::run(request, &CancelToken::default(), &mut |report| match report {
        Report::Note(note) => notes.push(note),
        Report::Snapshot(index) => {
            said.push("snapshot");
            snapshots.push(index.len());
        }
        Report::Progress(progress) => said.push(match progress.stage {
            Stage::Loading if progress.total > 0 => "model",
            Stage::Loading => "cache",
            Stage::Scanning => "scan",
            Stage::Comparing => "compare",
            Stage::Embedding => "embed",
            Stage::Done => "done",
        }),
        Report::Model { .. } | Report::Graphs(_) | Report::Found(_) | Report::Skipped(_) => {}
    })?;
    Ok(Run { outcome, notes, said, snapshots })
}

impl Run {
    /// New, known, renamed, gone, skipped.
    pub(crate) fn counts(&self) -> [usize; 5] {
        let Summary { added, reused, renamed, removed, skipped, .. } = &self.outcome;
        [*added, *reused, *renamed, *removed, skipped.len()]
    }
}

/// Relative path to embedding.
pub(crate) fn embeddings(index: &Index) -> BTreeMap<PathBuf, Vec<f32>> {
    index.iter().map(|entry| (entry.relative().to_path_buf(), entry.embedding())).collect()
}

pub(crate) fn index_command(place: &Place) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lookalike"));
    command.args(["index", "--model", "color-grid", "--cache-dir"]).arg(place.cache()).arg(place.root());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn the_second_run_embeds_nothing_and_shows_the_cache_before_it_scans() {
    let place = Place::with(5);
    let first = place.run();
    assert_eq!(first.counts(), [5, 0, 0, 0, 0]);
    let second = place.run();
    assert_eq!(second.counts(), [0, 5, 0, 0, 0]);
    assert_eq!(embeddings(&second.outcome.index), embeddings(&first.outcome.index));
    assert!(!second.said.contains(&"model"), "nothing needs the model: {:?}", second.said);
    let at = |what| second.said.iter().position(|said| *said == what).unwrap();
    assert!(at("snapshot") < at("scan"), "{:?}", second.said);
    assert_eq!(second.snapshots[0], 5);
    assert!(second.notes.is_empty(), "{:?}", second.notes);
}

#[test]
fn folders_of_no_one_and_three_images_are_ordinary() {
    for count in [0, 1, 3] {
        let place = Place::with(count);
        assert_eq!(place.run().counts(), [count as usize, 0, 0, 0, 0]);
        assert_eq!(place.run().counts(), [0, count as usize, 0, 0, 0]);
    }
}

#[test]
fn nothing_is_written_without_a_cache() {
    let place = Place::with(3);
    let off = request(&[place.root()], Cache::Off);
    assert_eq!(run(&off).unwrap().counts(), [3, 0, 0, 0, 0]);
    assert_eq!(run(&off).unwrap().counts(), [3, 0, 0, 0, 0]);
    assert!(!place.cache().exists());
}

#[test]
fn a_missing_root_is_said_and_costs_nothing() {
    let place = Place::with(3);
    place.run();
    fs::rename(place.root(), place.folder.path().join("elsewhere")).unwrap();
    assert!(matches!(run(&place.request()), Err(Error::NoFolder(_))));
    fs::rename(place.folder.path().join("elsewhere"), place.root()).unwrap();
    assert_eq!(place.run().counts(), [0, 3, 0, 0, 0]);
}

#[test]
fn each_real_file_is_found_once() {
    let place = Place::with(2);
    place.draw("deep/er/a.png", 20);
    let outside = place.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::copy(place.path("000.png"), outside.join("b.png")).unwrap();
    symlink("..", place.path("deep/loop")).unwrap();
    symlink(place.root(), place.path("again")).unwrap();
    symlink(place.path("000.png"), place.path("aaa.png")).unwrap();
    symlink(&outside, place.path("linked")).unwrap();
    symlink(outside.join("b.png"), place.path("linked.png")).unwrap();
    symlink("nowhere", place.path("dangling")).unwrap();
    fs::write(place.path("._000.png"), "Finder").unwrap();
    let roots = [place.path("deep"), place.root(), place.root().join("deep/er/../..")];
    let run = run(&request(&roots, Cache::Off)).unwrap();
    let names: Vec<_> = embeddings(&run.outcome.index).into_keys().collect();
    assert_eq!(*run.outcome.skipped, []);
    assert_eq!(names.len(), 4, "{names:?}");
    for name in ["000.png", "001.png", "deep/er/a.png"] {
        assert!(names.contains(&name.into()), "{names:?}");
    }
}

#[test]
fn two_folders_have_a_store_each_and_share_one_index() {
    let place = Place::with(2);
    let other = place.folder.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::copy(place.path("000.png"), other.join("x.png")).unwrap();
    let both = request(&[place.root(), other], Cache::Folder(place.cache()));
    assert_eq!(run(&both).unwrap().counts(), [3, 0, 0, 0, 0]);
    assert_eq!(run(&both).unwrap().counts(), [0, 3, 0, 0, 0]);
    assert_eq!(place.run().counts(), [0, 2, 0, 0, 0]);
    assert_eq!(store::list(&place.cache()).unwrap().len(), 2);
}

#[test]
fn a_file_is_no_folder() {
    let place = Place::with(1);
    assert!(matches!(run(&request(&[place.path("000.png")], Cache::Off)), Err(Error::Usage(_))));
}

#[test]
fn hostile_names_are_only_names() {
    let place = Place::new();
    let names: [&[u8]; 6] =
        [b"a b.png", b"new\nline.png", b"\x1b[31m.png", b"not utf8 \xff\xfe.png", "猫.png".as_bytes(), b"-rf.png"];
    for (seed, name) in names.iter().enumerate() {
        place.draw(OsStr::from_bytes(name), seed as u32);
    }
    assert_eq!(place.run().counts(), [6, 0, 0, 0, 0]);
    let second = place.run();
    assert_eq!(second.counts(), [0, 6, 0, 0, 0]);
    assert!(second.outcome.index.iter().any(|entry| entry.relative().as_os_str().as_bytes() == names[3]));
}

#[test]
fn a_cancelled_run_keeps_what_it_did() {
    let place = Place::with(300);
    let cancel = CancelToken::default();
    let mut shown = 0;
    let ended = pipeline::run(&place.request(), &cancel, &mut |report| {
        if let Report::Snapshot(index) = report
            && !index.is_empty()
        {
            shown = shown.max(index.len());
            cancel.cancel();
        }
    });
    assert!(matches!(ended, Err(Error::Interrupted)));
    assert!(shown > 0 && shown < 300, "{shown}");
    let rest = place.run();
    assert_eq!(rest.counts(), [300 - shown, shown, 0, 0, 0]);
}

/// The key that the pipeline uses for this place.
pub(crate) fn place_key(place: &Place) -> store::Key {
    let model = lookalike::embed::choose(&place.request().model).unwrap();
    store::Key {
        root: place.root(),
        model: model.manifest.name.clone(),
        fingerprint: model.fingerprint,
        preprocessing: lookalike::decode::VERSION,
        exact: false,
        dim: model.manifest.dim,
        rows: lookalike::index::RowKind::Picture,
    }
}
