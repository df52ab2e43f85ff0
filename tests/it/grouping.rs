//! `lookalike groups` and `outliers` as a script sees them; links are made only when asked for, and nothing is overwritten.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use assert_cmd::Command;
use image::{Rgb, RgbImage};
use serde_json::Value;
use tempfile::TempDir;

/// Six reddish and six bluish pictures in a folder each, and a green one, unlike both, among the red.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let save = |name: String, color: [u8; 3]| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        RgbImage::from_pixel(32, 32, Rgb(color)).save(path).unwrap();
    };
    for at in 0..6_u8 {
        save(format!("red/{at}.png"), [250, 4 * at, 90]);
        save(format!("blue/{at}.png"), [90, 4 * at, 250]);
    }
    save("red/green.png".to_owned(), [4, 250, 4]);
    folder
}

fn run(arguments: &[&str], folder: &Path, more: &[&str]) -> Output {
    let mut command = Command::cargo_bin("lookalike").unwrap();
    command.args(arguments).arg(folder).args(["--model", "color-grid"]).args(more);
    command.output().unwrap()
}

fn stdout(arguments: &[&str], folder: &TempDir) -> String {
    let output = run(arguments, folder.path(), &["--no-cache"]);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn json(arguments: &[&str], folder: &TempDir) -> Value {
    serde_json::from_str(&stdout(arguments, folder)).unwrap()
}

#[test]
fn groups_are_told_in_words_as_json_and_as_csv() {
    let folder = folder();
    for method in [
        &["--method", "kmeans", "--count", "3"][..],
        &["--method", "dendrogram", "--height", "0.8"],
        &["--method", "dendrogram", "--count", "3"],
    ] {
        let told = json(&[&["groups", "--json"], method].concat(), &folder);
        let sizes: Vec<_> =
            told["groups"].as_array().unwrap().iter().map(|group| group["size"].as_u64().unwrap()).collect();
        assert_eq!(sizes, [6, 6, 1], "{method:?}");
        assert_eq!(told["schema_version"], 1);
        for group in told["groups"].as_array().unwrap() {
            let images = group["images"].as_array().unwrap();
            assert_eq!(images[0]["path"], group["medoid"]);
            assert_eq!(group["purity"], 1.0);
            assert!(images.iter().all(|image| image["group"] == group["folder"]));
        }
        assert_eq!(told["noise"].as_array().unwrap().len(), 0);
        // Twelve of thirteen go with their folder.
        let rand = told["adjusted_rand"].as_f64().unwrap();
        assert!((0.8..1.0).contains(&rand), "{rand}");
    }
    let dense = json(&["groups", "--json", "--method", "hdbscan"], &folder);
    assert_eq!((dense["groups"].as_array().unwrap().len(), dense["noise"].as_array().unwrap().len()), (2, 1));
    assert!(dense["noise"][0].as_str().unwrap().ends_with("red/green.png"));
    let csv = stdout(&["groups", "--csv", "--method", "hdbscan"], &folder);
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("path,group,name,cosine"));
    assert_eq!((csv.lines().count(), csv.matches(",1,1 ").count()), (14, 6), "{csv}");
    assert!(csv.trim_end().ends_with("green.png,,,"), "{csv}");
    let text = stdout(&["groups", "--method", "hdbscan"], &folder);
    assert!(
        text.starts_with("2 groups of 12 pictures, 1 in none · hdbscan, 5 pictures or more, 2 samples\n"),
        "{text}"
    );
    assert!(text.contains("100 % in red/") && text.contains("adjusted Rand index"), "{text}");
}

#[test]
fn arguments_that_do_not_go_together_are_misuse() {
    let folder = folder();
    for (arguments, said) in [
        (&["groups", "--method", "hdbscan", "--count", "3"][..], "--count is for --method kmeans or dendrogram"),
        (&["groups", "--height", "0.5"], "--height is for --method dendrogram"),
        (&["groups", "--min-size", "3"], "--min-size is for --method hdbscan"),
        (&["groups", "--method", "hdbscan", "--min-size", "1"], "2 or more"),
        (&["groups", "--method", "hdbscan", "--min-samples", "65"], "64 at most"),
        (&["groups", "--count", "0"], "from 1 on"),
        (&["groups", "--yes"], "--link-to"),
    ] {
        let output = run(arguments, folder.path(), &["--no-cache"]);
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {complaint}");
        assert!(complaint.contains(said), "{complaint}");
    }
}

/// Every file and link under a folder, with what it holds.
fn under(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() { waiting.push(entry) } else { found.push((entry.clone(), fs::read(entry).unwrap())) }
        }
    }
    found.sort();
    found
}

#[test]
fn links_and_copies_are_made_only_with_yes_and_overwrite_nothing() {
    let (folder, place) = (folder(), TempDir::new().unwrap());
    // Two pictures of one name in a group.
    fs::create_dir(folder.path().join("blue/more")).unwrap();
    fs::copy(folder.path().join("blue/0.png"), folder.path().join("blue/more/0.png")).unwrap();
    let before = under(folder.path());
    let target = place.path().join("by group");
    let to = target.to_str().unwrap();
    let groups = ["groups", "--count", "3", "--link-to", to];
    let plan = stdout(&groups, &folder);
    assert!(plan.contains("nothing was made: --yes makes 3 folders with links to 14 pictures"), "{plan}");
    assert!(plan.contains("0-2.png → ") && !target.exists(), "{plan}");
    let said = stdout(&[&groups[..], &["--yes"]].concat(), &folder);
    assert!(said.starts_with("made 3 folders with links to 14 pictures in "), "{said}");
    let made = under(&target);
    assert_eq!(made.len(), 14);
    assert!(made.iter().all(|(path, _)| path.is_symlink()
        && fs::canonicalize(path).unwrap().starts_with(fs::canonicalize(folder.path()).unwrap())));
    let blue: Vec<_> = made.iter().filter(|(path, _)| path.to_string_lossy().contains("blue")).collect();
    assert_eq!(blue.len(), 7, "the folder is named after the group");
    // A target that is not empty is refused, whatever is in it.
    let refused = run(&[&groups[..], &["--yes"]].concat(), folder.path(), &["--no-cache"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("there is something in"), "{refused:?}");
    assert_eq!(under(&target), made);
    let copies = place.path().join("copies");
    stdout(&["groups", "--count", "3", "--link-to", copies.to_str().unwrap(), "--copy", "--yes"], &folder);
    let copied = under(&copies);
    assert!(copied.len() == 14 && copied.iter().all(|(path, _)| !path.is_symlink()));
    assert_eq!(under(folder.path()), before, "no picture was moved or changed");
}

#[test]
fn a_kept_name_is_that_of_the_group() {
    let (folder, cache) = (folder(), TempDir::new().unwrap());
    let told = || -> Value {
        let output =
            run(&["groups", "--json", "--count", "3"], folder.path(), &["--cache-dir", cache.path().to_str().unwrap()]);
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let names = |told: &Value| -> Vec<String> {
        told["groups"].as_array().unwrap().iter().map(|group| group["name"].as_str().unwrap().to_owned()).collect()
    };
    let usual = names(&told());
    assert!(usual.iter().any(|name| name.ends_with("blue")), "{usual:?}");
    let store =
        fs::read_dir(cache.path()).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.is_dir()).unwrap();
    let kept = r#"{"version": 1, "groups": [{"name": "sea/sky", "size": 6, "pictures": ["blue/1.png", "blue/2.png", "gone.png"]}]}"#;
    fs::write(store.join("groups.json"), kept).unwrap();
    assert_eq!(names(&told()).iter().filter(|name| *name == "sea/sky").count(), 1);
    // What another version wrote is no reason to fail and stays where it is; what nobody did gets another name.
    for (other, place) in [(r#"{"version": 2}"#, "groups.json"), ("no JSON", "groups.json.set-aside-1")] {
        fs::write(store.join("groups.json"), other).unwrap();
        assert_eq!(names(&told()), usual);
        assert_eq!(fs::read_to_string(store.join(place)).unwrap(), other);
    }
    assert!(!store.join("groups.json").exists());
}

#[test]
fn outliers_are_told_with_their_reasons() {
    let folder = folder();
    let told = json(&["outliers", "--json"], &folder);
    let images = told["images"].as_array().unwrap();
    assert_eq!(images.len(), 13);
    let first = &images[0];
    assert!(first["path"].as_str().unwrap().ends_with("green.png"), "{first}");
    assert!(first["over_all"]["flagged"] == true && first["in_folder"]["distance"].as_f64().unwrap() > 1.0, "{first}");
    assert_eq!(first["nearest"].as_array().unwrap().len(), 3);
    assert!(
        images[1..].iter().all(|image| image["over_all"]["flagged"] == false && image["looks_like"] == Value::Null)
    );
    assert_eq!(told["ranked_by"], "distance");
    assert_eq!(json(&["outliers", "--json", "--lof"], &folder)["ranked_by"], "lof");
    let text = stdout(&["outliers"], &folder);
    assert!(text.contains("over all: 1 of 13 pictures flagged") && text.contains("nearest: "), "{text}");
    // A picture in the wrong folder.
    fs::rename(folder.path().join("blue/0.png"), folder.path().join("red/stray.png")).unwrap();
    let text = stdout(&["outliers"], &folder);
    assert!(text.contains("red/stray.png looks like blue/"), "{text}");
}
