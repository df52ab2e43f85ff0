//! A gallery with one picture under two names, which no threshold can tell apart: it is said which.

use std::{fs, process::Command};

use image::{Rgb, RgbImage};

use crate::session::PROGRAM;

#[test]
fn one_picture_under_two_names_is_named_by_both_commands() {
    let folder = tempfile::tempdir().unwrap();
    let save = |name: &str, level: u8| {
        let path = folder.path().join("gallery").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        RgbImage::from_fn(16, 16, |x, y| Rgb([level, (x * 9) as u8, (y * 9) as u8])).save(path).unwrap();
    };
    for (name, level) in [("ana/1.png", 10), ("ana/2.png", 30), ("ben/1.png", 200), ("ben/2.png", 30)] {
        save(name, level);
    }
    let said = |arguments: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).args(["--model", "color-grid", "--no-cache"]).current_dir(folder.path());
        let output = command.env("HOME", folder.path()).env_remove("LOOKALIKE_MODEL").output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let live = ["live", "--gallery", "gallery", "--once", "--source", "gallery/ana/1.png"];
    for arguments in [&["gallery", "gallery"][..], &live] {
        let said = said(arguments);
        let is_it =
            |line: &&str| line.contains("are the same to the model, one as ana, the other as ben: keep one of them");
        let lines: Vec<_> = said.lines().filter(is_it).collect();
        assert_eq!(lines.len(), 1, "{said}");
        assert!(lines[0].contains("gallery/ana/2.png") && lines[0].contains("gallery/ben/2.png"), "{said}");
    }
}
