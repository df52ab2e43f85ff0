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

/// Two names of one picture each, which is the same: no number of other names helps, and that is what is said.
#[test]
fn one_picture_that_is_all_of_two_names_is_why_there_is_no_threshold() {
    let folder = tempfile::tempdir().unwrap();
    for at in 0..12_u32 {
        // The last two names are one picture.
        let hue = at.min(10);
        let path = folder.path().join(format!("gallery/n{at}/1.png"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let color = |x: u32, y: u32| [x * hue, y * (11 - hue), (x + 3 * y) * (hue % 4)].map(|value| (value * 3) as u8);
        RgbImage::from_fn(16, 16, |x, y| Rgb(color(x, y))).save(path).unwrap();
    }
    for metric in ["cosine", "euclidean"] {
        for command in ["live", "gallery"] {
            let arguments: &[&str] = match command {
                "live" => &["live", "--once", "--source", "gallery/n0/1.png", "--gallery"],
                _ => &["gallery"],
            };
            let mut command = Command::new(PROGRAM);
            command.args(arguments).args(["gallery", "--metric", metric, "--model", "color-grid", "--no-cache"]);
            command.current_dir(folder.path()).env("HOME", folder.path()).env_remove("LOOKALIKE_MODEL");
            let output = command.output().unwrap();
            let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
            assert!(said.contains("n10 and n11 have the same picture: keep one"), "{metric}: {said}");
            assert!(!said.contains("too few") && !said.contains("0.0000"), "{metric}: {said}");
        }
    }
}
