//! `lookalike matrix`: the same values as a table, as CSV, as JSON and as a drawing.

use std::{fs, path::Path};

use assert_cmd::Command;
use image::RgbImage;
use serde_json::Value;
use tempfile::TempDir;

use super::{csv, expected, folder, lookalike, on_terminal, path, picture, stdout};
use crate::session::PROGRAM;

#[test]
fn csv_holds_every_pair_with_all_digits_in_folder_order() {
    let folder = folder();
    let colors = [[10.0, 10.0, 250.0], [10.0, 200.0, 250.0], [250.0, 120.0, 10.0], [250.0, 10.0, 10.0]];
    for (metric, itself) in [("cosine", 1.0), ("euclidean", 0.0)] {
        let (labels, values) = csv(&stdout(&["matrix", path(&folder), "--csv", "--metric", metric]));
        assert_eq!(labels, ["cold/blue.png", "cold/cyan.png", "warm/orange.png", "warm/red.png"]);
        for (i, row) in values.iter().enumerate() {
            assert_eq!(row[i], itself);
            for (j, value) in row.iter().enumerate() {
                assert_eq!(*value, values[j][i]);
                let expected = expected(metric, colors[i], colors[j]);
                assert!((value - expected).abs() < 2e-3, "{metric} {i},{j}: {value} for {expected}");
            }
        }
    }
}

#[test]
fn json_holds_the_same_values_as_csv_and_says_its_version() {
    let folder = folder();
    let (_, values) = csv(&stdout(&["matrix", path(&folder), "--csv"]));
    let json: Value = serde_json::from_str(&stdout(&["matrix", path(&folder), "--json"])).expect("JSON");
    assert_eq!(
        (&json["schema_version"], &json["metric"], &json["order"]),
        (&1.into(), &"cosine".into(), &"folder".into())
    );
    assert_eq!(json["groups"], serde_json::json!(["cold", "cold", "warm", "warm"]));
    assert!(json["images"][3].as_str().expect("a path").ends_with("warm/red.png"));
    for (i, row) in values.iter().enumerate() {
        for (j, value) in row.iter().enumerate() {
            assert_eq!(json["values"][i][j].as_f64().expect("a number") as f32, *value);
        }
    }
}

#[test]
fn the_table_for_eyes_has_no_colors_in_a_pipe_and_no_progress() {
    let folder = folder();
    let text = stdout(&["matrix", path(&folder), "--order", "similarity"]);
    assert!(!text.contains('\x1b'));
    assert_eq!(text.lines().count(), 6, "{text}");
    assert_eq!(text.matches(" 1.00").count(), 4, "{text}");
}

#[test]
fn a_table_larger_than_the_terminal_shows_both_ends_and_one_in_a_pipe_all() {
    let folder = TempDir::new().expect("a temporary folder");
    for at in 0..40 {
        picture(&folder.path().join(format!("{at:02}.png")), [6 * at, 100, 250 - 5 * at]);
    }
    let session = on_terminal(Path::new("/"), &["matrix", path(&folder)]);
    let display = session.display.clone();
    display.wait("the legend, under the table", |screen| screen.contents().contains("alike"));
    display.wait("a table that is cut in the middle", |screen| {
        let text = screen.contents();
        let lines: Vec<_> = text.lines().collect();
        let starts: Vec<_> = lines.iter().filter_map(|line| line.split_whitespace().nth(1)).collect();
        let whole = lines.len() < 30 && text.contains("--csv") && text.contains("cosine similarity of 40");
        let numbers = lines.iter().find(|line| line.trim_start().starts_with("1 ")).expect("numbers");
        let marked = numbers.contains('…') && numbers.trim_end().ends_with("40");
        let rows = starts.contains(&"00.png") && starts.contains(&"39.png") && !starts.contains(&"20.png");
        whole && marked && rows && lines.iter().filter(|line| line.starts_with(" …")).count() == 1
    });
    let piped = stdout(&["matrix", path(&folder)]);
    assert!(piped.lines().count() == 42 && !piped.contains('…'), "{piped}");
    assert!(piped.lines().skip(2).all(|line| line.split_whitespace().count() == 42), "{piped}");
}

#[test]
fn the_heatmap_is_drawn_with_names_groups_and_the_colors_of_its_values() {
    let folder = folder();
    let (svg, png) = (folder.path().join("out.svg"), folder.path().join("out.png"));
    let files = [svg.to_str().expect("plain"), png.to_str().expect("plain")];
    let pictures = [path(&folder), "--exclude", "out.*"];
    let draw = |more: &[&str]| {
        let arguments = [&["matrix"], &pictures[..], &["--svg", files[0], "--png", files[1]], more].concat();
        lookalike(&arguments).assert()
    };
    let drawn = draw(&[]).success().get_output().clone();
    assert!(drawn.stdout.is_empty(), "the drawing is the answer");
    let text = fs::read_to_string(&svg).expect("a drawing");
    for (word, times) in [(">blue.png<", 2), (">red.png<", 2), (">warm<", 3), ("cosine similarity of 4 pictures", 1)] {
        assert_eq!(text.matches(word).count(), times, "{word} in {text}");
    }
    let (_, values) = csv(&stdout(&[&["matrix"], &pictures[..], &["--csv"]].concat()));
    let rounded = format!(">{:.2}<", values[2][3]);
    assert!(text.matches(&*rounded).count() >= 2, "{rounded} in {text}");
    let colors = |image: &RgbImage| image.pixels().map(|pixel| pixel.0).collect::<std::collections::HashSet<_>>();
    let image = image::open(&png).expect("a picture").into_rgb8();
    assert!(colors(&image).contains(&[253, 231, 37]), "the most alike pair is at the bright end of the ramp");
    // The names stand to the left of the cells, dark on white, whatever fonts the system has.
    let dark = |x: u32| (200..image.height()).any(|y| image.get_pixel(x, y).0.iter().all(|channel| *channel < 80));
    assert!((100..140).filter(|x| dark(*x)).count() > 5, "no names");
    let refused = draw(&[]).code(2).get_output().clone();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--force"));
    assert_eq!(fs::read_to_string(&svg).expect("it is there"), text);
    let table = draw(&["--force", "--csv", "--metric", "euclidean"]).success().get_output().clone();
    assert!(table.stdout.starts_with(b"euclidean,"));
    let text = fs::read_to_string(&svg).expect("it is there");
    assert!(text.contains("euclidean distance"));
    // Where nothing can be written, as on a full disk, the drawing that was there stays, and nothing else is left.
    let arguments = [&["matrix"], &pictures[..], &["--svg", files[0], "--force"]].concat();
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -f 0; exec \"$@\"", "sh"]).arg(PROGRAM).args(arguments);
    let failed = limited.args(["--model", "color-grid", "--no-cache"]).assert().code(1).get_output().clone();
    assert!(String::from_utf8_lossy(&failed.stderr).contains("cannot write"), "{failed:?}");
    assert_eq!(fs::read_to_string(&svg).expect("it is there"), text);
    let names = fs::read_dir(folder.path()).expect("a folder").flatten().map(|entry| entry.file_name());
    assert_eq!(names.filter(|name| name.as_encoded_bytes().starts_with(b".")).count(), 0);
}

#[test]
fn more_pictures_than_can_be_named_are_drawn_too() {
    let folder = TempDir::new().expect("a temporary folder");
    for at in 0..210_u8 {
        picture(&folder.path().join(format!("{at}.png")), [at, 255 - at, 77]);
    }
    let out = TempDir::new().expect("a temporary folder");
    let png = out.path().join("map.png");
    stdout(&["matrix", path(&folder), "--png", png.to_str().expect("plain")]);
    let image = image::open(png).expect("a picture").into_rgb8();
    let bright = image.pixels().filter(|pixel| pixel.0 == [253, 231, 37]).count();
    assert!(bright > 210 * 25, "the pairs of a picture with itself: {bright} of {:?}", image.dimensions());
}
