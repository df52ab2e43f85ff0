//! Several processes at one index, and processes that are stopped or killed.

use std::{fs, path::PathBuf, sync::mpsc};

use image::{Rgb, RgbImage};
use lookalike::{
    cancel::CancelToken,
    index::store::{self, Opened},
    pipeline::{self, Report},
    scan,
};

use super::{Place, embeddings, encode, index_command, place_key};

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
    let failure = store::Failure {
        file: scan::file(&place.path("000.png")).unwrap(),
        kind: scan::SkippedKind::Damaged,
        reason: "broken".into(),
    };
    writer.commit(&store::Change { failed: &[failure], gone: &[1], ..store::Change::default() }).unwrap();
    fs::remove_file(place.path("001.png")).unwrap();
    drop(writer);
    let outcome = second.join().unwrap().unwrap();
    let names: Vec<_> = embeddings(&outcome.index).into_keys().collect();
    assert_eq!(names, ["002.png", "003.png", "004.png", "005.png"].map(PathBuf::from));
    assert_eq!(outcome.skipped.iter().map(|skipped| &*skipped.reason).collect::<Vec<_>>(), ["broken"]);
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
