//! `lookalike labels`, `classify` and `compare` as a script sees them, and the one sentence on what makes no sense.

use std::{fs, path::Path};

use assert_cmd::Command;
use image::{Rgb, RgbImage};
use lookalike::index::label_file::{self, LabelKey};
use serde_json::Value;
use tempfile::TempDir;

/// Pictures of warm and cold colors in two sub-folders, and two beside them.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    for number in 0..6_u8 {
        picture(&folder.path().join(format!("warm/{number}.png")), [250, 40 * number, 10 + number]);
        picture(&folder.path().join(format!("cold/{number}.png")), [10 + number, 40 * number, 250]);
    }
    picture(&folder.path().join("fire.png"), [240, 70, 5]);
    picture(&folder.path().join("sea.png"), [5, 70, 240]);
    folder
}

fn picture(path: &Path, color: [u8; 3]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    RgbImage::from_pixel(64, 64, Rgb(color)).save(path).unwrap();
}

fn lookalike(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("lookalike").unwrap();
    command.args(arguments).args(["--no-cache"]);
    command
}

fn stdout(arguments: &[&str]) -> String {
    let output = lookalike(arguments).assert().success().get_output().stdout.clone();
    String::from_utf8(output).unwrap()
}

fn complaint(arguments: &[&str]) -> (Option<i32>, String) {
    let output = lookalike(arguments).assert().failure().get_output().clone();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    (output.status.code(), said)
}

const GRID: [&str; 2] = ["--model", "color-grid"];

#[test]
fn labels_are_scored_and_loose_pictures_are_classified() {
    let folder = folder();
    let path = folder.path().to_str().unwrap();
    let found: Value = serde_json::from_str(&stdout(&["labels", path, "--json", GRID[0], GRID[1]])).unwrap();
    assert_eq!((&found["pictures"], &found["accuracy"]["value"]), (&12.into(), &1.0.into()));
    assert_eq!(found["confusion"], serde_json::json!([[6, 0], [0, 6]]));
    assert_eq!(found["unlabeled"].as_array().unwrap().len(), 2);
    assert_eq!(found["labeled"][0]["label"], "cold");
    let text = stdout(&["labels", path, GRID[0], GRID[1]]);
    assert!(text.contains("12 labeled pictures, 2 labels") && text.contains("no label is taken for another"), "{text}");
    let csv = stdout(&["classify", path, "--csv", GRID[0], GRID[1], "--threshold", "0"]);
    let mut lines: Vec<_> = csv.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>()).collect();
    lines.sort();
    assert!(lines[0][0].ends_with("fire.png") && lines[0][1] == "warm" && lines[0][3] == "warm", "{csv}");
    assert!(lines[1][0].ends_with("sea.png") && lines[1][1] == "cold", "{csv}");
    let unsure = stdout(&["classify", path, "--threshold", "1", GRID[0], GRID[1]]);
    assert!(unsure.contains("?") && unsure.contains("got no label"), "{unsure}");
}

#[test]
fn a_probe_is_saved_and_used_without_the_training_pictures() {
    let (folder, new) = (folder(), TempDir::new().unwrap());
    picture(&new.path().join("ember.png"), [230, 60, 30]);
    let (path, to) = (folder.path().to_str().unwrap(), new.path().to_str().unwrap());
    let probe = folder.path().join("colors.probe");
    let (probe, links) = (probe.to_str().unwrap(), new.path().join("sorted"));
    stdout(&["labels", path, "--save-probe", probe, GRID[0], GRID[1]]);
    let links = links.to_str().unwrap();
    let line: Value =
        serde_json::from_str(&stdout(&["classify", "--probe", probe, "--predict", to, "--json"])).unwrap();
    assert_eq!((&line["label"], &line["model"]), (&"warm".into(), &"color-grid".into()), "the probe names its model");
    let sorted = ["classify", "--probe", probe, "--predict", to, "--link-to", links];
    let said = stdout(&sorted);
    assert!(said.contains("nothing was made: --yes makes 1 folder with links to 1 picture"), "{said}");
    assert!(!Path::new(links).exists(), "it was only said");
    let said = stdout(&[&sorted[..], &["--yes"]].concat());
    assert!(said.contains("made 1 folder with links to 1 picture"), "{said}");
    assert_eq!(
        fs::read_link(Path::new(links).join("warm/ember.png")).unwrap(),
        fs::canonicalize(new.path()).unwrap().join("ember.png")
    );
    let (code, said) = complaint(&["classify", "--probe", probe, "--predict", to, "--model", "gaze"]);
    assert_eq!((code, said.contains("it takes embeddings of color-grid, not of gaze")), (Some(1), true), "{said}");
    let (_, said) = complaint(&["classify", "--probe", probe, "--predict", to, "--exact"]);
    assert!(said.contains("other settings"), "{said}");
    let (_, said) = complaint(&["classify", "--probe", &format!("{path}/fire.png"), "--predict", to]);
    assert!(said.contains("fire.png") && said.contains("it is no saved probe"), "{said}");
    let (_, said) = complaint(&["classify", path, "--predict", to, "--link-to", path, GRID[0], GRID[1]]);
    assert!(said.contains("there is something in"), "{said}");
}

#[test]
fn a_label_file_takes_the_place_of_sub_folders_and_its_faults_are_named() {
    let folder = folder();
    let path = folder.path().to_str().unwrap();
    let file = folder.path().join("labels.csv");
    let of = |text: &str| -> String {
        fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let rows: String = (0..6).map(|at| format!("warm/{at}.png,w\ncold/{at}.png,c\n")).collect();
    let good = of(&format!("path,label\n{rows}gone.png,c\n"));
    let output = lookalike(&["labels", path, "--json", "--labels", &good, GRID[0], GRID[1]]).assert().success();
    let said = String::from_utf8(output.get_output().stderr.clone()).unwrap();
    assert!(said.contains("labels.csv line 14: there is no indexed picture gone.png"), "{said}");
    let found: Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    assert_eq!((&found["labels"][0]["name"], &found["labels"][1]["name"]), (&"c".into(), &"w".into()));
    for (text, expected) in [
        ("a,b\n1,2\n".to_owned(), "its first line must be path,label"),
        ("path,label\nwarm/0.png,w\nwarm/0.png,c\n".to_owned(), "line 3 says"),
        ("path,label\nwarm/0.png,w\nwarm/1.png,w\n".to_owned(), "all labeled pictures are w"),
        ("path,label\nwarm/0.png,w\ncold/1.png,c\n".to_owned(), "at least two pictures each"),
        ("path,label\n".to_owned(), "no picture has a label"),
    ] {
        let (_, said) = complaint_of_last(&["labels", path, "--labels", &of(&text), GRID[0], GRID[1]]);
        assert!(said.contains(expected), "{said}");
    }
}

/// The last line of what a failing command says: lines before it may count what was skipped.
fn complaint_of_last(arguments: &[&str]) -> (Option<i32>, String) {
    let output = lookalike(arguments).assert().failure().get_output().clone();
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), said.lines().last().unwrap_or_default().to_owned())
}

#[test]
fn corrections_that_the_explorer_kept_count_in_the_commands() {
    let (folder, cache) = (folder(), TempDir::new().unwrap());
    let root = fs::canonicalize(folder.path()).unwrap();
    let kept = label_file::kept_file(cache.path(), std::slice::from_ref(&root));
    let keys = ["fire.png", "cold/3.png"].map(|name| LabelKey::picture(root.join(name)));
    label_file::write(&kept, keys.iter().map(|key| (key, &b"warm"[..])), true).unwrap();
    let mut command = Command::cargo_bin("lookalike").unwrap();
    command.args(["labels", root.to_str().unwrap(), "--csv", GRID[0], GRID[1], "--cache-dir"]).arg(cache.path());
    let csv = String::from_utf8(command.assert().success().get_output().stdout.clone()).unwrap();
    let of = |name: &str| csv.lines().find(|line| line.contains(name)).and_then(|line| line.split(',').nth(1));
    assert_eq!(
        (of("fire.png"), of("cold/3.png"), of("cold/2.png"), of("sea.png")),
        (Some("warm"), Some("warm"), Some("cold"), None)
    );
}

#[test]
fn two_models_are_compared_on_the_command_line() {
    let folder = folder();
    let path = folder.path().to_str().unwrap();
    let found: Value =
        serde_json::from_str(&stdout(&["compare", path, "--model", "gaze", "--model", "color-grid", "--json"]))
            .unwrap();
    assert_eq!((&found["pictures"], &found["models"][1]["name"]), (&14.into(), &"color-grid".into()));
    assert_eq!(found["agreement"].as_array().unwrap().len(), 14);
    assert!(found["cka"].as_f64().unwrap() > 0.0 && found["sentence"].as_str().unwrap().contains("mAP"), "{found}");
    assert_eq!(found["scores"].as_array().unwrap().len(), 4);
    let (code, said) = complaint(&["compare", path, "--model", "gaze", "--model", "gaze"]);
    assert_eq!((code, said.contains("both models are gaze")), (Some(2), true), "{said}");
    let (code, said) = complaint(&["compare", path, "--model", "gaze", "--model", "resnet50"]);
    assert_eq!((code, said.contains("resnet50")), (Some(1), true), "{said}");
}
