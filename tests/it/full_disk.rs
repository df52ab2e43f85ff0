//! On a full disk: whatever the explorer or a command is told to write it says that it cannot, and keeps what was there.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use image::{Rgb, RgbImage};
use portable_pty::CommandBuilder;

use crate::session::{PROGRAM, Session};

/// Seven red pictures in one folder and seven blue ones in another, of which one each lies in the wrong one.
fn pictures(folder: &Path) {
    for (name, color) in [("red", [200, 30, 30]), ("blue", [30, 30, 200])] {
        fs::create_dir_all(folder.join(name)).unwrap();
        for seed in 0..7_u8 {
            let of = if seed == 6 { [color[2], color[1], color[0]] } else { color };
            let picture = RgbImage::from_fn(40, 30, |x, y| Rgb(of.map(|level| level + seed * 3 + (x + y) as u8 / 4)));
            picture.save(folder.join(name).join(format!("{seed}.png"))).unwrap();
        }
    }
}

/// The explorer, where no file may become larger than so many blocks of 512 bytes, which is refused as a full disk refuses it.
fn explorer(home: &Path, blocks: &str) -> Session {
    let mut shell = CommandBuilder::new("sh");
    shell.args(["-c", "ulimit -f $0; exec \"$@\"", blocks, PROGRAM, "--model", "color-grid", "--cache-dir"]);
    shell.args([home.join("cache"), home.join("pictures")]);
    shell.env("XDG_DATA_HOME", home.join("data"));
    Session::run(shell)
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

#[test]
fn what_cannot_be_written_is_said_with_its_file_and_what_was_kept_stays_whole() {
    let home = tempfile::tempdir().unwrap();
    let (home, labels) = (home.path(), home.path().join("cache/labels"));
    pictures(&home.join("pictures"));
    let mut session = explorer(home, "unlimited");
    session.display.wait_for("1 of 14");
    session.press("8");
    session.display.wait_for("likely mislabeled");
    session.press("o");
    session.display.wait_for("t types a label");
    session.press("tana\r");
    session.display.wait_for(" is ana.");
    session.press("q");
    session.display.wait_restored();
    session.exit_code();
    let kept = files(&labels);
    assert!(kept.len() == 1 && kept[0].1.ends_with(b",ana\n"), "{kept:?}");

    let mut session = explorer(home, "0");
    let display = session.display.clone();
    display.wait_for("disk I/O error)");
    session.press("8");
    display.wait_for("likely mislabeled");
    session.press("o");
    display.wait_for("t types a label");
    session.press("tben\r");
    let said = |name: &str| {
        display.wait(name, |screen| {
            let text = screen.contents();
            text.contains("cannot write ") && text.contains(name) && text.contains("File too large")
        });
    };
    said(".csv");
    let mut refused = |keys: &str, prompt: &str, name: &str| {
        session.press(keys);
        display.wait_for(prompt);
        session.press("\x15");
        session.press(home.join(name).to_str().unwrap());
        display.wait_for(name);
        session.press("\r");
        said(name);
    };
    refused("E", "write labels to ", "all.csv");
    refused("1 e", "write to ", "marked.txt");
    session.press("6");
    display.wait_for("most typical");
    session.press("r");
    display.wait_for("name of the group");
    session.press("sea\r");
    said("groups.json");
    session.press("1");
    display.wait_for(" of 14 · by folder");
    session.press("q");
    display.wait_restored();
    session.exit_code();
    assert_eq!(files(&labels), kept);
    let mut left: Vec<_> = fs::read_dir(home).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["cache", "pictures"]);
    let caches =
        fs::read_dir(home.join("cache")).unwrap().flat_map(|entry| fs::read_dir(entry.unwrap().path()).unwrap());
    let names: Vec<_> = caches.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(!names.iter().any(|name| name.starts_with("groups") || name.ends_with(".part")), "{names:?}");
}

#[test]
fn a_command_that_cannot_write_its_file_names_it_and_leaves_the_older_one_and_nothing_else() {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    pictures(&home.path().join("pictures"));
    let run = |blocks: &str, arguments: &[&str]| {
        let mut shell = Command::new("sh");
        shell.args(["-c", "ulimit -f $0; exec \"$@\"", blocks, PROGRAM]).args(arguments);
        let output = shell.args(["--model", "color-grid", "--no-cache"]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let all = || -> Vec<_> {
        let files = walk(home.path()).into_iter().map(|file| (file.clone(), fs::read(file).unwrap()));
        files.filter(|(file, _)| !file.starts_with(home.path().join("pictures"))).collect()
    };
    #[track_caller]
    fn one_sentence(said: &str, file: &str) {
        let complaints: Vec<_> = said.lines().filter(|line| line.contains("File too large")).collect();
        assert!(complaints.len() == 1 && complaints[0].contains(file), "{said}");
    }
    let probe = ["labels", &path("pictures"), "--save-probe", &path("groups.probe")];
    let (code, said) = run("unlimited", &probe);
    assert_eq!(code, Some(0), "{said}");
    let before = all();
    assert_eq!(before.len(), 1);
    let (code, said) = run("0", &probe);
    assert_eq!((code, all()), (Some(1), before.clone()));
    one_sentence(&said, probe[3]);
    let (code, said) = run("0", &["groups", &path("pictures"), "--link-to", &path("links"), "--copy", "--yes"]);
    assert_eq!((code, all()), (Some(1), before.clone()));
    one_sentence(&said, &path("links"));
    let picture = path("pictures/red/0.png");
    let live = ["live", "--gallery", &path("pictures"), "--threshold", "0.5", "--source", &picture];
    let (code, said) = run("0", &[&live[..], &["--keep", &path("kept")]].concat());
    // It is there to tell who is seen, and does so whatever becomes of the frames.
    assert_eq!((code, all()), (Some(0), before));
    one_sentence(&said, &path("kept"));
}

/// All files in a folder and those in it.
fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect();
    files.sort();
    files
}
