//! `lookalike neighbors`: which pictures are near one or several, inside the folders or outside.

use serde_json::Value;
use tempfile::TempDir;

use super::{folder, lookalike, on_terminal, path, picture, stdout};
use crate::session::pictures;

#[test]
fn neighbors_of_a_picture_inside_leave_it_out() {
    let folder = folder();
    let red = folder.path().join("warm/red.png");
    let text = stdout(&["neighbors", red.to_str().expect("plain"), path(&folder), "-k", "9"]);
    let lines: Vec<_> = text.lines().map(|line| line.split_once('\t').expect("value and path")).collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].1.ends_with("warm/orange.png"), "{text}");
    let values: Vec<f32> = lines.iter().map(|(value, _)| value.parse().expect("a number")).collect();
    assert!(values.is_sorted_by(|a, b| a >= b));
    let farthest =
        stdout(&["neighbors", red.to_str().expect("plain"), path(&folder), "-k", "1", "--farthest", "--paths-only"]);
    assert_eq!(farthest.trim_end(), lines[2].1);
}

#[test]
fn neighbors_of_a_picture_outside_include_its_copy() {
    let (folder, elsewhere) = (folder(), TempDir::new().expect("a temporary folder"));
    let copy = elsewhere.path().join("copy.png");
    picture(&copy, [250, 10, 10]);
    let copy = copy.to_str().expect("plain");
    let text = stdout(&["neighbors", copy, path(&folder), "-k", "2", "--json", "--metric", "euclidean"]);
    let json: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&json["schema_version"], &json["candidates"]), (&1.into(), &4.into()));
    let first = &json["neighbors"][0];
    assert!(first["path"].as_str().expect("a path").ends_with("warm/red.png"));
    assert_eq!((&first["rank"], &first["group"]), (&1.into(), &"warm".into()));
    assert!(first["euclidean"].as_f64().expect("a number") < 0.01);
    let nul = stdout(&["neighbors", copy, path(&folder), "-k", "2", "-0"]);
    assert_eq!((nul.matches('\0').count(), nul.matches('\n').count()), (2, 0));
    assert_eq!(stdout(&["neighbors", copy, path(&folder), "-k", "2", "--print0"]), nul);
    assert_eq!(stdout(&["neighbors", copy, path(&folder), "-k", "2", "--null"]), nul);
}

#[test]
fn a_picture_that_was_reached_through_a_link_is_not_its_own_neighbor() {
    let (folder, elsewhere) = (folder(), TempDir::new().expect("a temporary folder"));
    picture(&elsewhere.path().join("red.png"), [250, 10, 10]);
    std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("linked")).expect("a link");
    for query in [folder.path().join("linked/red.png"), elsewhere.path().join("red.png")] {
        let query = query.to_str().expect("plain");
        let json: Value = serde_json::from_str(&stdout(&["neighbors", query, path(&folder), "--json"])).expect("JSON");
        assert_eq!(json["candidates"], 4);
        assert!(json["neighbors"][0]["path"].as_str().expect("a path").ends_with("warm/red.png"), "{json}");
    }
}

#[test]
fn a_folder_in_place_of_the_image_and_no_neighbors_are_misuse() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("a.png");
    image::RgbImage::new(8, 8).save(&image).unwrap();
    for (arguments, said) in [
        (vec![folder.path().to_owned()], "is a folder"),
        (vec![image, folder.path().to_owned(), "-k".into(), "0".into()], "at least 1"),
    ] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_lookalike"))
            .arg("neighbors")
            .args(&arguments)
            .args(["--no-cache", "--model", "color-grid"])
            .output()
            .unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{complaint}");
        assert!(complaint.contains(said), "{complaint}");
    }
}

#[test]
fn neighbors_are_sought_where_the_picture_is_unless_folders_are_named() {
    let (folder, elsewhere) = (folder(), pictures());
    let red = folder.path().join("warm/red.png");
    for (place, image) in [(elsewhere.path(), red.to_str().expect("plain")), (red.parent().expect("one"), "red.png")] {
        let output = lookalike(&["neighbors", image, "--paths-only"]).current_dir(place).assert().success();
        let text = String::from_utf8(output.get_output().stdout.clone()).expect("text");
        assert!(text.ends_with("warm/orange.png\n") && text.lines().count() == 1, "{text}");
    }
    assert_eq!(stdout(&["neighbors", red.to_str().expect("plain"), path(&folder), "--paths-only"]).lines().count(), 3);
    let help = stdout(&["neighbors", "--help"]);
    assert!(help.contains("the one that the picture is in"), "{help}");
}

#[test]
fn neighbors_on_a_terminal_have_ranks_aligned_values_and_short_paths() {
    let folder = folder();
    let session = on_terminal(folder.path(), &["neighbors", "warm/red.png", "."]);
    session.display.wait("a table", |screen| {
        let text = screen.contents();
        let rows: Vec<_> = text.lines().filter(|line| line.ends_with(".png")).collect();
        let columns: Vec<Vec<_>> = rows.iter().map(|row| row.split_whitespace().collect()).collect();
        let aligned = rows.iter().all(|row| row.find('.') == rows[0].find('.'));
        let names: Vec<_> = columns.iter().filter_map(|row| row.get(2).copied()).collect();
        let ranks: Vec<_> = columns.iter().map(|row| row[0]).collect();
        aligned && ranks == ["1", "2", "3"] && names == ["warm/orange.png", "cold/cyan.png", "cold/blue.png"]
    });
}

#[test]
fn several_pictures_ask_together_and_some_may_be_subtracted() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let root = folder.path().to_string_lossy().into_owned();
    let ask = |arguments: &[&str]| -> Value {
        let all = [&["neighbors"], arguments, &[&root, "--json"]].concat();
        serde_json::from_str(&stdout(&all)).expect("JSON")
    };
    let (red, blue, cyan) = (path("warm/red.png"), path("cold/blue.png"), path("cold/cyan.png"));
    let answer = ask(&[&red, &blue]);
    let names = |answer: &Value| {
        let rows = answer["neighbors"].as_array().expect("rows").iter();
        rows.map(|row| row["path"].as_str().expect("a path").to_owned()).collect::<Vec<_>>()
    };
    let ranks = |answer: &Value| {
        let rows = answer["neighbors"].as_array().expect("rows").iter();
        rows.map(|row| row["rank"].as_u64().expect("a rank")).collect::<Vec<_>>()
    };
    let mut others = names(&answer);
    others.sort();
    assert_eq!(others.len(), 2, "those asked with are no answer");
    assert!(others[0].ends_with("cyan.png") && others[1].ends_with("orange.png"));
    assert!(answer["and"][0].as_str().expect("a path").ends_with("blue.png"));
    // One that is named twice changes nothing.
    for asked in [vec![&*red, &blue], vec![&*red, &blue, &red, &blue], vec![&*blue, &red, "--not", &red]] {
        let answer = ask(&asked);
        assert_eq!((&answer["candidates"], ranks(&answer)), (&2.into(), vec![1, 2]), "{asked:?}: {answer}");
    }
    let (once, twice) = (ask(&[&red]), ask(&[&red, &red]));
    assert_eq!(once, twice);
    assert_eq!((&once["candidates"], ranks(&once)), (&3.into(), vec![1, 2, 3]));
    let answer = ask(&[&red, "--not", &cyan]);
    assert!(names(&answer)[0].ends_with("orange.png"), "{answer}");
    assert!(answer["not"][0].as_str().expect("a path").ends_with("cyan.png"));
    let alone = ask(&[&red]);
    let value = |answer: &Value, name: &str| {
        let rows = answer["neighbors"].as_array().expect("rows").iter();
        let row = rows.clone().find(|row| row["path"].as_str().is_some_and(|path| path.ends_with(name)));
        row.and_then(|row| row["cosine"].as_f64()).expect("a cosine")
    };
    assert!(value(&answer, "blue.png") < value(&alone, "blue.png"), "away from what it is not");
}
