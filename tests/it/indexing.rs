//! Indexing folders from the outside: what a run finds, keeps, reuses and survives.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, symlink},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
};

use image::{Rgb, RgbImage};
use lookalike::{
    cancel::CancelToken,
    decode::{self, Alpha, Detail, Unreadable},
    embed::ModelChoice,
    error::{Error, Result},
    index::{
        Index,
        store::{self, Opened},
    },
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
fn renamed_and_copied_files_keep_their_vectors() {
    let place = Place::with(4);
    let before = embeddings(&place.run().outcome.index);
    fs::create_dir(place.path("sub")).unwrap();
    fs::rename(place.path("001.png"), place.path("sub/moved.png")).unwrap();
    fs::copy(place.path("002.png"), place.path("copy.png")).unwrap();
    let run = place.run();
    assert_eq!(run.counts(), [1, 3, 1, 0, 0]);
    assert!(!run.said.contains(&"model"), "{:?}", run.said);
    let after = embeddings(&run.outcome.index);
    assert_eq!(after.len(), 5);
    assert_eq!(after[Path::new("sub/moved.png")], before[Path::new("001.png")]);
    assert_eq!(after[Path::new("copy.png")], before[Path::new("002.png")]);
    assert_eq!(place.run().counts(), [0, 5, 0, 0, 0]);
}

#[test]
fn two_files_that_change_names_do_not_change_vectors() {
    let place = Place::with(2);
    let before = embeddings(&place.run().outcome.index);
    fs::rename(place.path("000.png"), place.path("x")).unwrap();
    fs::rename(place.path("001.png"), place.path("000.png")).unwrap();
    fs::rename(place.path("x"), place.path("001.png")).unwrap();
    for _ in 0..2 {
        let after = embeddings(&place.run().outcome.index);
        assert_eq!(after[Path::new("000.png")], before[Path::new("001.png")]);
        assert_eq!(after[Path::new("001.png")], before[Path::new("000.png")]);
    }
}

#[test]
fn changed_files_are_embedded_again_and_removed_files_leave() {
    let place = Place::with(4);
    let before = embeddings(&place.run().outcome.index);
    place.draw("000.png", 99);
    fs::remove_file(place.path("001.png")).unwrap();
    let run = place.run();
    assert_eq!(run.counts(), [1, 2, 0, 1, 0]);
    let after = embeddings(&run.outcome.index);
    assert_ne!(after[Path::new("000.png")], before[Path::new("000.png")]);
    assert_eq!(after.keys().collect::<Vec<_>>(), ["000.png", "002.png", "003.png"].map(Path::new));
    assert_eq!(place.run().counts(), [0, 3, 0, 0, 0]);
}

#[test]
fn a_file_whose_time_alone_changed_is_not_embedded_again() {
    let place = Place::with(2);
    place.run();
    fs::File::options().write(true).open(place.path("000.png")).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    let run = place.run();
    assert_eq!((run.counts(), run.said.contains(&"model")), ([0, 2, 0, 0, 0], false));
    assert_eq!(place.run().counts(), [0, 2, 0, 0, 0]);
}

/// Writes a picture whose file is as large as that of any other, and gives it the same time.
fn draw_bitmap(place: &Place, name: &str, level: u8) {
    let path = place.path(name);
    RgbImage::from_fn(24, 16, |x, y| Rgb([level, x as u8 * 9, y as u8 * 15])).save(&path).unwrap();
    age(&path);
}

fn age(path: &Path) {
    fs::File::options().write(true).open(path).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
}

#[test]
fn files_that_change_places_are_noticed_though_size_and_time_are_equal() {
    let place = Place::new();
    for (name, level) in [("1.bmp", 10), ("2.bmp", 120), ("3.bmp", 230)] {
        draw_bitmap(&place, name, level);
    }
    let before = embeddings(&place.run().outcome.index);
    // Renumbered.
    fs::rename(place.path("1.bmp"), place.path("x")).unwrap();
    fs::rename(place.path("2.bmp"), place.path("1.bmp")).unwrap();
    fs::rename(place.path("x"), place.path("2.bmp")).unwrap();
    // Replaced.
    draw_bitmap(&place, "new.bmp", 60);
    fs::rename(place.path("new.bmp"), place.path("3.bmp")).unwrap();
    let run = place.run();
    assert_eq!(run.outcome.added, 3, "two of them without the model");
    for _ in 0..2 {
        let after = embeddings(&place.run().outcome.index);
        assert_eq!(after[Path::new("1.bmp")], before[Path::new("2.bmp")]);
        assert_eq!(after[Path::new("2.bmp")], before[Path::new("1.bmp")]);
        assert_ne!(after[Path::new("3.bmp")], before[Path::new("3.bmp")]);
    }
}

#[test]
fn a_folder_that_was_restored_from_a_copy_is_read_once_and_not_embedded_again() {
    let place = Place::new();
    for level in 0..4 {
        draw_bitmap(&place, &format!("{level}.bmp"), level * 50);
    }
    fs::write(place.path("bad.jpg"), "no picture").unwrap();
    age(&place.path("bad.jpg"));
    place.run();
    let copy = place.folder.path().join("copy");
    fs::create_dir(&copy).unwrap();
    for entry in fs::read_dir(place.root()).unwrap() {
        let (from, to) = (entry.as_ref().unwrap().path(), copy.join(entry.unwrap().file_name()));
        fs::copy(from, &to).unwrap();
        age(&to);
    }
    fs::remove_dir_all(place.root()).unwrap();
    fs::rename(copy, place.root()).unwrap();
    let run = place.run();
    assert_eq!((run.counts(), run.said.contains(&"compare")), ([0, 4, 0, 0, 1], true));
    let again = place.run();
    assert_eq!((again.counts(), again.said.contains(&"compare")), ([0, 4, 0, 0, 1], false));
}

#[test]
fn a_folder_of_another_name_takes_its_embeddings_along() {
    let place = Place::with(5);
    let before = embeddings(&place.run().outcome.index);
    let moved = place.folder.path().canonicalize().unwrap().join("moved");
    fs::rename(place.root(), &moved).unwrap();
    let again = run(&request(std::slice::from_ref(&moved), Cache::Folder(place.cache()))).unwrap();
    assert_eq!((again.counts(), again.said.contains(&"model")), ([0, 0, 5, 0, 0], false));
    assert!(again.notes[0].starts_with("5 embeddings taken over from the index of "), "{:?}", again.notes);
    assert_eq!(embeddings(&again.outcome.index), before);
    let third = run(&request(&[moved], Cache::Folder(place.cache()))).unwrap();
    assert_eq!((third.counts(), third.notes.len()), ([0, 5, 0, 0, 0], 0));
}

#[test]
fn what_an_earlier_version_embedded_is_left_to_it() {
    let place = Place::with(5);
    place.run();
    let listed = store::list(&place.cache()).unwrap().remove(0);
    let db = rusqlite::Connection::open(listed.folder.join("records.sqlite")).unwrap();
    db.execute_batch(
        "ALTER TABLE images DROP COLUMN changed; ALTER TABLE images DROP COLUMN checksum; PRAGMA user_version = 2;",
    )
    .unwrap();
    db.close().unwrap();
    // Its name said the other schema.
    let earlier = listed.folder.with_file_name("earlier");
    fs::rename(&listed.folder, &earlier).unwrap();
    let before = fs::read(earlier.join("records.sqlite")).unwrap();
    let run = place.run();
    assert_eq!((run.counts(), run.notes.len()), ([5, 0, 0, 0, 0], 0), "{:?}", run.notes);
    assert_eq!(fs::read(earlier.join("records.sqlite")).unwrap(), before);
    let stores = store::list(&place.cache()).unwrap();
    let images: Vec<_> = stores.iter().map(|store| store.content.as_ref().unwrap().images).collect();
    assert_eq!(images, [5, 5]);
}

#[test]
fn a_damaged_embedding_is_not_taken_over() {
    let place = Place::with(5);
    place.run();
    // So little that nothing but the checksum shows it.
    change_vectors(&place, |rows, row| rows[row + 2] ^= 1);
    let moved = place.folder.path().canonicalize().unwrap().join("moved");
    fs::rename(place.root(), &moved).unwrap();
    let again = run(&request(&[moved], Cache::Folder(place.cache()))).unwrap();
    assert_eq!(again.counts(), [1, 0, 4, 0, 0]);
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

/// Runs `work` on a thread that may no more than the owner of a file may, also where the tests are the superuser's.
#[cfg(target_os = "linux")]
fn as_nobody_special<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
    let drop_rights = || {
        let mut rights = capabilities(None).unwrap();
        rights.effective -= CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
        set_capabilities(None, rights).unwrap();
    };
    let work = || {
        drop_rights();
        work()
    };
    std::thread::scope(|scope| scope.spawn(work).join().unwrap())
}

/// Elsewhere nobody tests as the superuser; if somebody does, the test says so by failing.
#[cfg(not(target_os = "linux"))]
fn as_nobody_special<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    work()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_folder_that_cannot_be_listed_keeps_its_images_and_is_said() {
    let place = Place::with(1);
    place.draw("locked/a.png", 30);
    place.run();
    let locked = place.path("locked");
    set_mode(&locked, 0o000);
    let run = as_nobody_special(|| place.run());
    set_mode(&locked, 0o755);
    assert_eq!(run.outcome.index.len(), 2);
    let skipped: Vec<_> = run.outcome.skipped.iter().map(|skipped| (&*skipped.path, &*skipped.reason)).collect();
    assert_eq!(skipped, [(&*locked, "no permission to look inside")]);
    assert_eq!(store::list(&place.cache()).unwrap()[0].content.as_ref().unwrap().skipped, 1, "one number everywhere");
    assert_eq!(place.run().counts(), [0, 2, 0, 0, 0]);
}

#[test]
fn an_index_that_cannot_be_written_is_used_nevertheless() {
    let place = Place::with(4);
    let before = embeddings(&place.run().outcome.index);
    let folder = store::list(&place.cache()).unwrap().remove(0).folder;
    let files = || -> Vec<_> { fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect() };
    let records = fs::read(place.store_file(".sqlite")).unwrap();
    files().iter().for_each(|file| set_mode(file, 0o444));
    set_mode(&folder, 0o555);
    place.draw("new.png", 50);
    fs::write(place.path("bad.jpg"), "no picture").unwrap();
    fs::rename(place.path("003.png"), place.path("moved.png")).unwrap();
    let run = as_nobody_special(|| {
        assert_eq!(store::list(&place.cache()).unwrap()[0].content.as_ref().unwrap().images, 4);
        place.run()
    });
    set_mode(&folder, 0o755);
    files().iter().for_each(|file| set_mode(file, 0o644));
    assert_eq!(run.counts(), [1, 3, 1, 0, 1], "{:?}", run.notes);
    assert_eq!((run.snapshots[0], run.notes.len()), (4, 1), "{:?}", run.notes);
    assert!(run.notes[0].contains("cannot be written: it is used"), "{:?}", run.notes);
    let after = embeddings(&run.outcome.index);
    assert_eq!((after.len(), &after[Path::new("moved.png")]), (5, &before[Path::new("003.png")]));
    assert_eq!(fs::read(place.store_file(".sqlite")).unwrap(), records);
    assert_eq!(place.run().counts(), [1, 3, 1, 0, 1], "nothing was kept");
}

#[test]
fn a_full_disk_costs_what_is_new_and_no_picture() {
    const COUNT: usize = 600;
    let place = Place::with(COUNT as u32);
    // No file may become larger, which is refused as a full disk refuses it.
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -f 256; exec \"$@\"", "sh"]);
    let index = index_command(&place);
    let output = limited.arg(index.get_program()).args(index.get_args()).output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(0), "{err}");
    assert!(out.starts_with("600 images in ") && err.contains("from here on nothing is kept on disk"), "{out}{err}");
    let run = place.run();
    let [added, reused, ..] = run.counts();
    assert!(added > 0 && reused > 0 && added + reused == COUNT && run.notes.is_empty(), "{:?}", run.counts());
    assert_eq!(place.run().counts(), [0, COUNT, 0, 0, 0]);
}

#[test]
fn two_runs_at_once_index_every_picture_once() {
    const COUNT: usize = 150;
    let place = Place::with(COUNT as u32);
    let children: Vec<_> = (0..2).map(|_| index_command(&place).spawn().unwrap()).collect();
    let mut added = 0;
    for child in children {
        let output = child.wait_with_output().unwrap();
        let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success() && out.starts_with("150 images in "), "{out}{err}");
        let count = out.lines().nth(1).and_then(|line| line.split(' ').next()).unwrap();
        added += count.parse::<usize>().unwrap();
    }
    assert_eq!(added, COUNT);
    assert_eq!(place.run().counts(), [0, COUNT, 0, 0, 0]);
}

#[test]
fn a_writer_that_was_stopped_is_not_waited_for_for_ever() {
    use rustix::process::{Pid, Signal, kill_process};
    const COUNT: usize = 400;
    let place = Place::new();
    let noise = RgbImage::from_fn(640, 480, |x, y| Rgb([x as u8 ^ y as u8, (x * y) as u8, (x * 7 + y * 13) as u8]));
    let bytes = encode(&noise);
    for at in 0..COUNT {
        fs::write(place.path(format!("{at:04}.png")), [bytes.as_slice(), &at.to_le_bytes()].concat()).unwrap();
    }
    let mut child = index_command(&place).spawn().unwrap();
    let pid = Pid::from_child(&child);
    while stored(&place) == 0 {
        assert!(child.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
    kill_process(pid, Signal::STOP).unwrap();
    let run = place.run();
    let kept = stored(&place) as usize;
    kill_process(pid, Signal::CONT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(run.counts(), [COUNT - kept, kept, 0, 0, 0], "{:?}", run.notes);
    assert!(run.notes[1].contains("gives no sign of life"), "{:?}", run.notes);
    assert_eq!(place.run().counts(), [0, COUNT, 0, 0, 0]);
}

#[test]
fn a_link_that_leads_nowhere_is_said_and_its_vector_kept() {
    let place = Place::with(1);
    let outside = place.folder.path().join("outside.png");
    fs::rename(place.path("000.png"), &outside).unwrap();
    symlink(&outside, place.path("link.png")).unwrap();
    assert_eq!(place.run().counts(), [1, 0, 0, 0, 0]);
    fs::rename(&outside, place.folder.path().join("away.png")).unwrap();
    assert_eq!(place.run().outcome.skipped[0].reason, "this link leads nowhere");
    fs::rename(place.folder.path().join("away.png"), &outside).unwrap();
    assert_eq!(place.run().counts(), [0, 1, 0, 0, 0]);
}

#[test]
fn files_that_may_be_pictures_and_are_passed_over_are_counted_in_one_line() {
    let place = Place::with(1);
    for name in ["a.cur", "B.CUR", "c.icns", "d.txt", "README"] {
        fs::write(place.path(name), "no picture").unwrap();
    }
    assert_eq!(place.run().notes, ["3 files were not looked at: 2 .cur, 1 .icns"]);
    fs::copy(place.path("000.png"), place.path("IMG_0001")).unwrap();
    let run = place.run();
    assert_eq!(run.notes, ["4 files were not looked at: 2 .cur, 1 .icns, 1 named without an extension such as .jpg"]);
    assert_eq!(run.counts(), [0, 1, 0, 0, 0]);
    for at in 2..150 {
        fs::copy(place.path("000.png"), place.path(format!("IMG_{at:04}"))).unwrap();
    }
    fs::remove_file(place.path("README")).unwrap();
    let kinds = "2 .cur, 1 .icns, at least 100 named without an extension such as .jpg";
    assert_eq!(place.run().notes, [format!("at least 103 files were not looked at: {kinds}")]);
}

#[test]
fn a_pipe_and_a_link_to_a_device_are_never_waited_for() {
    let place = Place::with(1);
    assert!(Command::new("mkfifo").arg(place.path("pipe.png")).status().unwrap().success());
    symlink("/dev/zero", place.path("device.png")).unwrap();
    assert_eq!(place.run().counts(), [1, 0, 0, 0, 0]);
    for name in ["pipe.png", "device.png"] {
        let why = decode::picture(&place.path(name), Detail::Full, Alpha::White).unwrap_err();
        assert_eq!(why, Unreadable::NotAFile, "{name}");
    }
    fs::rename(place.path("pipe.png"), place.path("pipe")).unwrap();
    assert_eq!(place.run().notes, [""; 0]);
}

#[test]
fn what_the_decoder_says_of_a_file_is_remembered() {
    let place = Place::with(1);
    fs::write(place.path("cut.png"), &fs::read(place.path("000.png")).unwrap()[..60]).unwrap();
    assert_eq!(place.run().outcome.skipped[0].reason, "the file is cut off: its end is missing");
    let again = place.run();
    assert_eq!((again.counts(), again.said.contains(&"model")), ([0, 1, 0, 0, 1], false));
}

#[test]
fn a_disk_that_was_away_brings_its_vectors_back() {
    let place = Place::with(3);
    place.run();
    // An unmounted disk leaves an empty folder behind.
    let away = place.folder.path().join("away");
    fs::rename(place.root(), &away).unwrap();
    fs::create_dir(place.root()).unwrap();
    let run = place.run();
    assert_eq!(run.counts(), [0, 0, 0, 3, 0]);
    assert!(run.notes[0].contains("should its disk come back"), "{:?}", run.notes);
    assert_eq!(place.run().counts(), [0, 0, 0, 0, 0]);
    fs::remove_dir(place.root()).unwrap();
    fs::rename(&away, place.root()).unwrap();
    let back = place.run();
    assert_eq!(back.counts(), [0, 3, 0, 0, 0]);
    assert_eq!((back.outcome.index.len(), place.run().snapshots[0]), (3, 3));
}

#[test]
fn broken_files_are_remembered_and_tried_again_only_when_they_change() {
    let place = Place::with(1);
    fs::write(place.path("bad.jpg"), "no picture").unwrap();
    let first = place.run();
    assert_eq!(first.counts(), [1, 0, 0, 0, 1]);
    assert_eq!(first.outcome.skipped[0].reason, "it is text, not an image");
    let second = place.run();
    assert_eq!((second.counts(), second.said.contains(&"model")), ([0, 1, 0, 0, 1], false));
    assert_eq!(second.outcome.skipped, first.outcome.skipped);
    place.draw("bad.jpg", 7);
    assert_eq!(place.run().counts(), [1, 1, 0, 0, 0]);
    fs::write(place.path("bad.jpg"), "broken again").unwrap();
    assert_eq!(place.run().counts(), [0, 1, 0, 0, 1]);
    fs::remove_file(place.path("bad.jpg")).unwrap();
    assert_eq!(place.run().counts(), [0, 1, 0, 0, 0]);
    assert_eq!(store::list(&place.cache()).unwrap()[0].content.as_ref().unwrap().skipped, 0);
}

#[test]
fn thousands_of_broken_files_are_not_listed_anew_with_every_transaction() {
    const COUNT: usize = 2000;
    let place = Place::with(1);
    for at in 0..COUNT {
        fs::write(place.path(format!("{at:04}.jpg")), "no picture").unwrap();
    }
    let (mut said, started) = (0, std::time::Instant::now());
    let done = pipeline::run(&place.request(), &CancelToken::default(), &mut |report| {
        if let Report::Skipped(skipped) = report {
            said += skipped.len();
        }
    });
    assert_eq!(done.unwrap().skipped.len(), COUNT);
    let seconds = started.elapsed().as_secs() as usize;
    assert!(said > 0 && said <= COUNT * (6 + seconds), "{said} in {seconds} s");
}

#[test]
fn excluded_files_leave_the_results_and_keep_their_vectors() {
    let place = Place::with(2);
    place.draw("raw/000.png", 10);
    place.draw(".hidden/000.png", 11);
    let everything = Request { scan: scan::Options::new(true, &[""; 0]).unwrap(), ..place.request() };
    assert_eq!(run(&everything).unwrap().counts(), [4, 0, 0, 0, 0]);
    for glob in ["raw", "raw/*", "raw/", "**/raw/**"] {
        let fewer = Request { scan: scan::Options::new(false, &[glob]).unwrap(), ..place.request() };
        let run = run(&fewer).unwrap();
        assert_eq!((run.counts(), run.snapshots[0]), ([0, 2, 0, 0, 0], 2), "{glob}");
    }
    assert_eq!(run(&everything).unwrap().counts(), [0, 4, 0, 0, 0]);
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

/// Damages the store of five images and tells what the next run makes of it: how many it embeds again, and what it says.
#[track_caller]
fn check_damage(words: &str, embedded_again: usize, damage: impl FnOnce(&Place)) {
    let place = Place::with(5);
    let before = embeddings(&place.run().outcome.index);
    damage(&place);
    let run = place.run();
    assert_eq!(run.counts(), [embedded_again, 5 - embedded_again, 0, 0, 0], "{:?}", run.notes);
    assert_eq!(run.notes.len(), 1, "{:?}", run.notes);
    assert!(run.notes[0].contains(words), "{:?}", run.notes);
    assert_eq!(embeddings(&run.outcome.index), before);
    let healed = place.run();
    assert_eq!((healed.counts(), healed.notes.len()), ([0, 5, 0, 0, 0], 0), "{:?}", healed.notes);
}

#[test]
fn damaged_and_foreign_files_are_set_aside_and_built_anew() {
    check_damage("set aside", 5, |place| fs::write(place.store_file(".sqlite"), "certainly no database").unwrap());
    check_damage("set aside", 5, |place| {
        let path = place.store_file(".sqlite");
        let mut bytes = fs::read(&path).unwrap();
        let len = bytes.len();
        bytes[1000..len].fill(0x5a);
        fs::write(path, bytes).unwrap();
    });
    check_damage("set aside", 5, |place| fs::write(place.store_file("vectors"), "no vectors").unwrap());
    check_damage("set aside", 5, |place| fs::remove_file(place.store_file("vectors")).unwrap());
    check_damage("moved to", 5, |place| {
        let folder = store::list(&place.cache()).unwrap().remove(0).folder;
        fs::remove_dir_all(&folder).unwrap();
        fs::write(folder, "a file where a folder should be").unwrap();
    });
}

#[test]
fn a_pipe_in_the_place_of_a_file_is_not_waited_for() {
    let replace = |path: PathBuf| {
        fs::remove_file(&path).unwrap();
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    };
    check_damage("set aside", 5, |place| replace(place.store_file("vectors")));
    check_damage("set aside", 5, |place| replace(place.store_file(".sqlite")));
    let place = Place::with(2);
    place.run();
    replace(place.store_file("lock"));
    let run = place.run();
    assert!(run.notes[0].contains("it is not a file: delete it"), "{:?}", run.notes);
    assert_eq!(run.counts(), [2, 0, 0, 0, 0]);
}

#[test]
fn a_vector_file_that_lost_its_end_costs_the_lost_rows_only() {
    check_damage("computed again", 2, |place| {
        let path = place.store_file("vectors");
        let file = fs::File::options().write(true).open(&path).unwrap();
        let len = file.metadata().unwrap().len();
        let row = (len - 64) / 5;
        file.set_len(len - row - 1).unwrap();
    });
}

#[test]
fn a_store_that_counts_its_pictures_wrongly_works_nevertheless() {
    let miscount = |place: &Place, and: &str| {
        let db = rusqlite::Connection::open(place.store_file(".sqlite")).unwrap();
        db.execute_batch(&format!("UPDATE store SET live = 0; {and}")).unwrap();
        db.close().unwrap();
    };
    check_damage("computed again", 2, |place| {
        miscount(place, "");
        let file = fs::File::options().write(true).open(place.store_file("vectors")).unwrap();
        let len = file.metadata().unwrap().len();
        file.set_len(len - (len - 64) / 5 - 1).unwrap();
    });
    let place = Place::with(5);
    place.run();
    // Vanished so long ago that it is forgotten.
    miscount(&place, "UPDATE images SET gone = 1 WHERE row = 2");
    let run = place.run();
    assert_eq!((run.counts(), run.notes.len()), ([1, 4, 0, 0, 0], 0), "{:?}", run.notes);
}

/// Changes bytes of the vector file, of which a row has so many.
fn change_vectors(place: &Place, change: impl FnOnce(&mut [u8], usize)) {
    let path = place.store_file("vectors");
    let mut bytes = fs::read(&path).unwrap();
    let row = (bytes.len() - 64) / 5;
    change(&mut bytes[64..], row);
    fs::write(path, bytes).unwrap();
}

#[test]
fn embeddings_that_rotted_on_the_disk_are_computed_again() {
    check_damage("1 embedding of", 1, |place| change_vectors(place, |rows, row| rows[2 * row + 7] ^= 0x10));
    check_damage("2 embeddings of", 2, |place| {
        change_vectors(place, |rows, row| (rows[0], rows[5 * row - 1]) = (!rows[0], !rows[5 * row - 1]));
    });
    check_damage("5 embeddings of", 5, |place| change_vectors(place, |rows, _| rows.fill(0x3c)));
    check_damage("1 embedding of", 1, |place| {
        let db = rusqlite::Connection::open(place.store_file(".sqlite")).unwrap();
        assert_eq!(db.execute("UPDATE images SET norm = norm * 2 WHERE row = 3", []).unwrap(), 1);
    });
}

#[test]
fn a_database_of_another_program_is_not_touched() {
    let place = Place::with(1);
    place.run();
    let path = place.store_file(".sqlite");
    for file in fs::read_dir(path.parent().unwrap()).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (42);").unwrap();
    db.close().unwrap();
    let run = place.run();
    assert!(run.notes[0].contains("not made by lookalike"), "{:?}", run.notes);
    let db = rusqlite::Connection::open(format!("{}.set-aside-1", path.display())).unwrap();
    assert_eq!(db.query_row("SELECT x FROM theirs", [], |row| row.get::<_, i64>(0)).unwrap(), 42);
}

#[test]
fn a_cache_that_cannot_be_written_does_not_stop_the_work() {
    let place = Place::with(2);
    fs::write(place.cache(), "a file").unwrap();
    let run = place.run();
    assert_eq!(run.counts(), [2, 0, 0, 0, 0]);
    assert!(run.notes[0].contains("nothing is kept on disk"), "{:?}", run.notes);
}

#[test]
fn many_vacant_rows_are_compacted_away() {
    const COUNT: u32 = 700;
    let place = Place::with(COUNT);
    place.run();
    let size = |place: &Place| fs::metadata(place.store_file("vectors")).unwrap().len();
    let small = size(&place);
    for round in 1..=2 {
        for seed in 0..COUNT {
            place.draw(format!("{seed:03}.png"), seed + round * COUNT);
        }
        assert_eq!(place.run().counts(), [COUNT as usize, 0, 0, 0, 0]);
    }
    assert!(size(&place) > 2 * small);
    let before = embeddings(&place.run().outcome.index);
    assert_eq!(size(&place), small);
    assert_eq!(embeddings(&place.run().outcome.index), before);
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

#[test]
fn a_second_process_follows_the_first_and_takes_over() {
    let place = Place::with(6);
    place.run();
    // A writer that is at work as far as the lock tells.
    let mut notes = Vec::new();
    let key = place_key(&place);
    let Opened::Writer(writer) = store::open(&place.cache(), &key, &mut notes).unwrap() else { panic!("not locked") };
    place.draw("new.png", 50);
    let (sender, reports) = mpsc::channel();
    let request = place.request();
    let second = std::thread::spawn(move || {
        pipeline::run(&request, &CancelToken::default(), &mut |report| {
            let _ = sender.send(match report {
                Report::Note(note) => note,
                Report::Snapshot(index) => format!("{} images", index.len()),
                _ => return,
            });
        })
    });
    assert_eq!(reports.recv().unwrap(), "6 images");
    assert!(reports.recv().unwrap().contains("another lookalike is indexing"));
    drop(writer);
    let outcome = second.join().unwrap().unwrap();
    assert_eq!((outcome.added, outcome.reused, outcome.index.len()), (1, 6, 7));
}

#[test]
fn who_takes_over_knows_what_the_writer_found_out_about_older_rows() {
    let place = Place::with(6);
    place.run();
    let Opened::Writer(mut writer) = store::open(&place.cache(), &place_key(&place), &mut Vec::new()).unwrap() else {
        panic!("not locked")
    };
    let (sender, snapshots) = mpsc::channel();
    let request = place.request();
    let second = std::thread::spawn(move || {
        pipeline::run(&request, &CancelToken::default(), &mut |report| {
            if let Report::Snapshot(index) = report {
                let _ = sender.send(index.len());
            }
        })
    });
    assert_eq!(snapshots.recv().unwrap(), 6);
    let failure = store::Failure { file: scan::file(&place.path("000.png")).unwrap(), reason: "broken".into() };
    writer.commit(&store::Change { failed: &[failure], gone: &[1], ..store::Change::default() }).unwrap();
    fs::remove_file(place.path("001.png")).unwrap();
    drop(writer);
    let outcome = second.join().unwrap().unwrap();
    let names: Vec<_> = embeddings(&outcome.index).into_keys().collect();
    assert_eq!(names, ["002.png", "003.png", "004.png", "005.png"].map(PathBuf::from));
    assert_eq!(outcome.skipped.iter().map(|skipped| &*skipped.reason).collect::<Vec<_>>(), ["broken"]);
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

pub(crate) fn index_command(place: &Place) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lookalike"));
    command.args(["index", "--model", "color-grid", "--cache-dir"]).arg(place.cache()).arg(place.root());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn stored(place: &Place) -> u64 {
    let stores = store::list(&place.cache()).unwrap_or_default();
    stores.iter().filter_map(|store| store.content.as_ref().ok()).map(|content| content.images).sum()
}

#[test]
fn a_run_that_was_killed_loses_nothing_that_was_committed() {
    let place = Place::new();
    let noise = RgbImage::from_fn(640, 480, |x, y| Rgb([x as u8 ^ y as u8, (x * y) as u8, (x * 7 + y * 13) as u8]));
    let bytes = encode(&noise);
    const COUNT: usize = 400;
    for at in 0..COUNT {
        // A PNG may be followed by anything; this makes every file's content its own.
        fs::write(place.path(format!("{at:04}.png")), [bytes.as_slice(), &at.to_le_bytes()].concat()).unwrap();
    }
    let mut kept = 0;
    for _ in 0..2 {
        let mut child = index_command(&place).spawn().unwrap();
        while stored(&place) <= kept && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(stored(&place) > kept);
        kept = stored(&place);
    }
    let rest = place.run();
    assert_eq!(rest.counts(), [COUNT - kept as usize, kept as usize, 0, 0, 0]);
    assert!(rest.notes.is_empty(), "{:?}", rest.notes);
}

#[test]
fn the_command_says_what_it_did_and_ends_as_documented() {
    let place = Place::with(3);
    fs::write(place.path("bad.jpg"), "").unwrap();
    let output = index_command(&place).output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(0), "{err}");
    assert!(out.starts_with("3 images in ") && out.contains("3 new or changed, 0 known"), "{out}");
    assert!(err.contains("bad.jpg: the file is empty"), "{err}");
    let strict = index_command(&place).args(["--strict", "--json"]).output().unwrap();
    assert_eq!(strict.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&strict.stdout).unwrap();
    assert_eq!((&json["schema_version"], &json["images"], &json["reused"]), (&1.into(), &3.into(), &3.into()));
    assert_eq!(json["skipped"][0]["reason"], "the file is empty");
    let nothing = Place::new();
    assert_eq!(index_command(&nothing).output().unwrap().status.code(), Some(3));
    fs::remove_dir(nothing.root()).unwrap();
    let missing = index_command(&nothing).output().unwrap();
    assert_eq!(missing.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&missing.stderr).starts_with("lookalike: there is no folder"));
    assert_eq!(index_command(&place).args(["--exclude", "[a"]).output().unwrap().status.code(), Some(2));
}
