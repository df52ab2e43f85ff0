//! What cannot be read or written: broken pictures, closed folders, dangling links, full disks.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Command,
};

use lookalike::{
    cancel::CancelToken,
    decode::{self, Alpha, Detail, Unreadable},
    index::store,
    pipeline::{self, Report},
    scan::SkippedKind,
};

use super::{Place, embeddings, index_command};

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
fn files_of_unknown_extensions_are_counted_where_their_content_is_a_picture() {
    let place = Place::with(1);
    let copy = |name: String| assert!(fs::copy(place.path("000.png"), place.path(name)).unwrap() > 0);
    copy("a.jpg_original".into());
    copy("b.BAK".into());
    copy("c.bak".into());
    for name in ["notes.txt", "more.txt", "d.bak"] {
        fs::write(place.path(name), "no picture").unwrap();
    }
    assert!(Command::new("mkfifo").arg(place.path("pipe.tmp")).status().unwrap().success());
    let run = place.run();
    assert_eq!(run.notes, ["3 files were not looked at: 2 .bak, 1 .jpg_original"]);
    assert_eq!(run.counts(), [1, 0, 0, 0, 0]);
}

#[test]
fn every_kind_of_camera_raw_file_is_named_as_one() {
    const ENDINGS: &str = "3fr arw CR2 cr3 crw dcr dng erf fff gpr iiq k25 kdc mef mos mrw nef nrw orf pef raf rw2 rwl rwz \
                           sr2 srf srw x3f";
    let place = Place::with(1);
    let endings: Vec<_> = ENDINGS.split_whitespace().collect();
    // A thumbnail is all that a TIFF decoder would find in one.
    image::RgbImage::new(8, 8).save(place.path("thumbnail.tif")).unwrap();
    for ending in &endings {
        fs::copy(place.path("thumbnail.tif"), place.path(format!("a.{ending}"))).unwrap();
    }
    fs::remove_file(place.path("thumbnail.tif")).unwrap();
    for (name, beginning) in
        [("b.mrw", "\0MRM"), ("b.x3f", "FOVb"), ("b.crw", "II\x1a\0\0\0HEAPCCDR"), ("b.psb", "8BPS")]
    {
        fs::write(place.path(name), format!("{beginning} and more")).unwrap();
    }
    let run = place.run();
    assert_eq!(run.counts(), [1, 0, 0, 0, endings.len() + 4]);
    for skipped in &*run.outcome.skipped {
        let kind = if skipped.path.ends_with("b.psb") { "a Photoshop file" } else { "a camera raw file" };
        assert!(skipped.reason.starts_with(kind), "{skipped:?}");
        assert_eq!(skipped.kind, SkippedKind::Unsupported);
    }
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
fn a_cache_that_cannot_be_written_does_not_stop_the_work() {
    let place = Place::with(2);
    fs::write(place.cache(), "a file").unwrap();
    let run = place.run();
    assert_eq!(run.counts(), [2, 0, 0, 0, 0]);
    assert!(run.notes[0].contains("nothing is kept on disk"), "{:?}", run.notes);
}
