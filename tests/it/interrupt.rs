//! Ctrl-C while a headless command works: the first keeps what is done, the second ends it at once.

use std::fs;

use assert_cmd::Command;
use image::GrayImage;
use portable_pty::CommandBuilder;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    models::{ENDLESS, POOL, write_module},
    session::{PROGRAM, Session},
};

const PICTURES: u64 = 2000;

/// More work than is done before a signal comes: each of these pictures, which are one file, takes its time to decode.
fn much_work() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let first = folder.path().join("0.png");
    GrayImage::new(2000, 2000).save(&first).unwrap();
    for at in 1..PICTURES {
        fs::hard_link(&first, folder.path().join(format!("{at}.png"))).unwrap();
    }
    folder
}

/// The command, at work on its first pictures.
fn indexing(folder: &TempDir, cache: &TempDir) -> Session {
    let mut index = CommandBuilder::new(PROGRAM);
    index.args(["index", "--model", "color-grid", "--cache-dir"]);
    index.arg(cache.path());
    index.arg(folder.path());
    let session = Session::run(index);
    session.display.wait("the first pictures", |screen| {
        let text = screen.contents();
        text.contains("embedding ") && !text.contains("embedding 0/")
    });
    session
}

#[test]
fn the_first_signal_keeps_what_was_done() {
    let (folder, cache) = (much_work(), tempfile::tempdir().unwrap());
    let mut session = indexing(&folder, &cache);
    session.press("\x03");
    session.display.wait_for("interrupted; what was indexed so far is kept");
    assert_eq!(session.exit_code(), 130);
    let shown = Command::new(PROGRAM).args(["cache", "--json", "--cache-dir"]).arg(cache.path()).assert().success();
    let stores: Value = serde_json::from_slice(&shown.get_output().stdout).unwrap();
    let images = stores["stores"][0]["images"].as_u64().unwrap();
    assert!((1..PICTURES).contains(&images), "{images} are kept");
}

#[test]
fn the_second_signal_does_not_wait() {
    let folder = tempfile::tempdir().unwrap();
    let module = folder.path().join("endless.pt");
    // It says when it is at work: before that the first signal ends the run in order.
    write_module(&module, &format!("    print(\"at work\")\n{ENDLESS}"));
    fs::write(module.with_extension("toml"), POOL.replace("pool", "endless")).unwrap();
    GrayImage::new(8, 8).save(folder.path().join("a.png")).unwrap();
    let mut index = CommandBuilder::new(PROGRAM);
    index.args(["index", "--no-cache", "--weights"]);
    index.arg(module);
    index.arg(folder.path());
    let mut session = Session::run(index);
    session.display.wait_for("at work");
    // Two of one kind could reach the program as one.
    session.signal(Signal::INT);
    session.signal(Signal::TERM);
    assert_eq!(session.exit_code(), 130);
    // What it was at had no end, so there is none to tell of.
    let screen = session.last_screen();
    assert!(screen.contains("embedding 0/1") && !screen.contains("interrupted"), "{screen}");
}
