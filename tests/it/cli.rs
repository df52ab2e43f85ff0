//! `lookalike matrix`, `neighbors` and `alike` as a script sees them: data on standard output, right to the digit.

use std::{fs, path::Path};

use assert_cmd::Command;
use clap::CommandFactory;
use image::{Rgb, RgbImage};
use lookalike::cli::Cli;
use portable_pty::CommandBuilder;
use serde_json::Value;
use tempfile::TempDir;

use crate::session::{PROGRAM, Session, pictures};

/// A folder with pictures of four colors in two sub-folders.
fn folder() -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    for (name, color) in [
        ("warm/red.png", [250, 10, 10]),
        ("warm/orange.png", [250, 120, 10]),
        ("cold/blue.png", [10, 10, 250]),
        ("cold/cyan.png", [10, 200, 250]),
    ] {
        picture(&folder.path().join(name), color);
    }
    folder
}

fn picture(path: &Path, color: [u8; 3]) {
    fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
    RgbImage::from_pixel(64, 64, Rgb(color)).save(path).expect("a picture");
}

fn lookalike(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("lookalike").expect("the binary was built");
    command.args(arguments).args(["--model", "color-grid", "--no-cache"]).env("XDG_CONFIG_HOME", "/nonexistent");
    command
}

fn stdout(arguments: &[&str]) -> String {
    let output = lookalike(arguments).assert().success().get_output().stdout.clone();
    String::from_utf8(output).expect("text")
}

fn path(folder: &TempDir) -> &str {
    folder.path().to_str().expect("a plain name")
}

/// The values of a CSV table, and its labels.
fn csv(text: &str) -> (Vec<String>, Vec<Vec<f32>>) {
    let mut rows = text.lines().map(|line| line.split(','));
    let labels = rows.next().expect("a head").skip(1).map(str::to_owned).collect();
    (labels, rows.map(|row| row.skip(1).map(|value| value.parse().expect("a number")).collect()).collect())
}

/// The grid's embedding of a picture of one color: the color at 64 places, from 0 to 1.
fn expected(metric: &str, a: [f32; 3], b: [f32; 3]) -> f32 {
    let sum = |f: &dyn Fn(f32, f32) -> f32| a.iter().zip(b).map(|(a, b)| f(a / 255.0, b / 255.0)).sum::<f32>();
    match metric {
        "cosine" => sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt(),
        _ => (64.0 * sum(&|a, b| (a - b) * (a - b))).sqrt(),
    }
}

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
fn skipped_files_count_only_when_strict() {
    let folder = folder();
    fs::write(folder.path().join("broken.png"), "no picture").expect("a file");
    let output = lookalike(&["matrix", path(&folder), "--csv"]).assert().code(0).get_output().clone();
    assert!(String::from_utf8_lossy(&output.stderr).contains("1 file was skipped"));
    lookalike(&["matrix", path(&folder), "--csv", "--strict"]).assert().code(1);
}

#[test]
fn what_is_missing_is_named_in_one_sentence() {
    let folder = folder();
    let broken = folder.path().join("broken.png");
    fs::write(&broken, "no picture").expect("a file");
    let empty = TempDir::new().expect("a temporary folder");
    for (arguments, code, names) in [
        (vec!["matrix", "/no/such/folder"], 3, "/no/such/folder"),
        (vec!["matrix", path(&empty)], 3, path(&empty)),
        (vec!["neighbors", "/no/such/picture.png", path(&folder)], 1, "/no/such/picture.png"),
        (vec!["neighbors", broken.to_str().expect("plain"), path(&folder)], 1, "broken.png"),
        (vec!["matrix", path(&folder), "--csv", "--json"], 2, "--json"),
    ] {
        let output = lookalike(&arguments).assert().code(code).get_output().clone();
        assert!(output.stdout.is_empty());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(names), "{said}");
    }
}

#[cfg(unix)]
#[test]
fn hostile_names_stay_harmless_in_tables_and_true_in_json() {
    let folder = folder();
    let name = "red\u{1b}[31m,\n\u{202e}.png";
    picture(&folder.path().join(name), [250, 10, 10]);
    let table = stdout(&["matrix", path(&folder)]);
    assert!(!table.contains('\x1b') && !table.contains('\u{202e}'), "{table}");
    let json: Value = serde_json::from_str(&stdout(&["matrix", path(&folder), "--json"])).expect("JSON");
    assert!(json["images"].as_array().expect("paths").iter().any(|path| path.as_str().expect("text").ends_with(name)));
}

/// Names that are no text look alike when they are shown, and must not when a script reads them.
#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf_8_are_urls_in_json_and_csv() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let folder = TempDir::new().expect("a temporary folder");
    for name in [b"\xe8/1.png".as_slice(), b"\xe9/2.png", b"ok/3.png"] {
        picture(&folder.path().join(OsStr::from_bytes(name)), [name[0], 10, 10]);
    }
    let root = fs::canonicalize(folder.path()).expect("it is there");
    let url = |end: &str| format!("file://{}/{end}", root.display());
    let json: Value = serde_json::from_str(&stdout(&["matrix", path(&folder), "--json"])).expect("JSON");
    let ok = root.join("ok/3.png");
    assert_eq!(json["groups"], serde_json::json!(["ok", url("%E8"), url("%E9")]));
    assert_eq!(json["images"], serde_json::json!([ok, url("%E8/1.png"), url("%E9/2.png")]));
    let (labels, _) = csv(&stdout(&["matrix", path(&folder), "--csv"]));
    assert_eq!(labels, ["ok/3.png".to_owned(), url("%E8/1.png"), url("%E9/2.png")]);
    let query = ok.to_str().expect("plain");
    let json: Value = serde_json::from_str(&stdout(&["neighbors", query, path(&folder), "--json"])).expect("JSON");
    let mut found: Vec<_> =
        json["neighbors"].as_array().expect("a list").iter().map(|of| of["group"].clone()).collect();
    found.sort_by_key(Value::to_string);
    assert_eq!(found, [url("%E8"), url("%E9")]);
    let skipped = root.join(OsStr::from_bytes(b"\xea.png"));
    fs::write(&skipped, "no picture").expect("a file");
    let json: Value = serde_json::from_str(&stdout(&["index", path(&folder), "--json"])).expect("JSON");
    assert_eq!(json["skipped"][0]["path"], url("%EA.png"));
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
fn a_working_folder_that_was_deleted_is_said_in_one_sentence() {
    let folder = TempDir::new().expect("a temporary folder");
    for arguments in ["", "index", "matrix /", "doctor", "--version"] {
        let line = format!("mkdir gone && cd gone && rmdir ../gone && exec \"$0\" {arguments}");
        let output = std::process::Command::new("sh")
            .args(["-c", &line, env!("CARGO_BIN_EXE_lookalike")])
            .current_dir(folder.path())
            .output()
            .expect("every system has a shell");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.lines().count() == 1 && said.contains("lookalike: ") && !said.contains("panicked"), "{said}");
        assert!(output.stdout.is_empty() && matches!(output.status.code(), Some(2 | 3)), "{output:?}");
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        assert!(said.contains("deleted") && output.status.code() == Some(3), "{said}");
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
fn alike_groups_look_alikes_between_two_ends() {
    let folder = folder();
    picture(&folder.path().join("warm/red again.png"), [250, 10, 10]);
    let groups = |arguments: &[&str]| -> Vec<(f64, Vec<String>)> {
        let mut all = vec!["alike", path(&folder), "--json"];
        all.extend(arguments);
        let told: Value = serde_json::from_str(&stdout(&all)).expect("JSON");
        let file = |image: &Value| {
            let path = image["path"].as_str().expect("a path");
            Path::new(path).file_name().expect("a name").to_string_lossy().into_owned()
        };
        let group = |group: &Value| {
            let mut files: Vec<_> = group["images"].as_array().expect("images").iter().map(file).collect();
            files.sort();
            (group["least"].as_f64().expect("a number"), files)
        };
        told["groups"].as_array().expect("groups").iter().map(group).collect()
    };
    let red = ["red again.png", "red.png"].map(str::to_owned).to_vec();
    assert_eq!(groups(&["--min", "0.999"]), [(1.0, red)]);
    let wide = groups(&["--min", "0.8"]);
    assert_eq!(wide.len(), 3, "{wide:?}");
    assert_eq!(wide[0].1, ["red again.png", "red.png"], "files of the same content come first");
    assert_eq!(wide[1].1.len(), 2, "and one stands for both among the look-alikes: {wide:?}");
    assert!(wide[1].1.contains(&"orange.png".to_owned()));
    let (least, cold) = &wide[2];
    assert_eq!(*cold, ["blue.png", "cyan.png"]);
    let cosine = expected("cosine", [10.0, 10.0, 250.0], [10.0, 200.0, 250.0]);
    assert!((*least - f64::from(cosine)).abs() < 1e-3, "{least} for {cosine}");
    assert!(groups(&["--min", "0.8", "--max", "0.9999"]).iter().all(|(_, files)| files.len() == 2), "no copies");
    let text = stdout(&["alike", path(&folder), "--min", "0.999"]);
    assert!(text.starts_with("2 pictures in identical files; to keep: oldest\n"), "{text}");
    assert!(text.contains("  keep   ") && text.contains("red again.png") && text.contains("(identical)"), "{text}");
    lookalike(&["alike", path(&folder), "--min", "0.9", "--max", "0.8"]).assert().failure();
    assert!(stdout(&["alike", path(&folder), "--min", "0.99999", "--max", "0.99999"]).starts_with("no two pictures"));
}

/// The program on a terminal, started in a folder.
fn on_terminal(folder: &Path, arguments: &[&str]) -> Session {
    let mut command = CommandBuilder::new(PROGRAM);
    command.args(arguments);
    command.args(["--model", "color-grid", "--no-cache"]);
    command.cwd(folder);
    Session::run(command)
}

#[test]
fn a_picture_opens_its_folder_with_its_neighbors() {
    let folder = pictures();
    let elsewhere = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("c.png");
    for (place, named) in [(elsewhere.path(), path.to_str().expect("plain")), (folder.path(), "c.png")] {
        let mut session = on_terminal(place, &[named, "--graphics", "halfblocks"]);
        let display = session.display.clone();
        display.wait_for("5 nearest of 5");
        session.press("1");
        display.wait_for("3 of 6");
        session.press("q");
        display.wait_restored();
        assert_eq!(session.exit_code(), 0);
    }
}

#[test]
fn a_picture_that_cannot_be_read_is_said_beside_the_others() {
    let folder = pictures();
    fs::write(folder.path().join("broken.png"), "no picture").expect("a file");
    let mut session = on_terminal(folder.path(), &["broken.png"]);
    let display = session.display.clone();
    display.wait_for("broken.png is not among the pictures");
    session.press("q");
    display.wait_restored();
}

#[test]
fn a_mistyped_command_is_told_the_right_one() {
    let folder = folder();
    for (arguments, code, said) in [
        (vec!["indxe", path(&folder)], 3, "did you mean `lookalike index`?"),
        (vec!["matrx", path(&folder), "--csv"], 3, "did you mean `lookalike matrix`?"),
        (vec!["nieghbors", path(&folder), "-k", "3"], 3, "did you mean `lookalike neighbors`?"),
        (vec!["photos"], 3, "there is no folder photos"),
        (vec![path(&folder), "--csv"], 2, "--csv"),
    ] {
        let output = lookalike(&arguments).assert().code(code).get_output().clone();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(complaint.contains(said), "{complaint}");
        assert!(complaint.contains("did you mean `lookalike") == said.contains("did you"), "{complaint}");
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
    let hidden = fs::read_dir(folder.path()).expect("a folder").flatten().map(|entry| entry.file_name());
    assert_eq!(hidden.filter(|name| name.as_encoded_bytes().starts_with(b".")).count(), 0);
}

#[test]
fn the_map_is_the_same_as_values_as_a_drawing_and_for_eyes() {
    let folder = TempDir::new().expect("a temporary folder");
    for (group, color) in [("cold", [10, 40, 250]), ("warm", [250, 60, 10])] {
        fs::create_dir(folder.path().join(group)).expect("a new folder");
        for at in 0..15_u8 {
            picture(
                &folder.path().join(format!("{group}/{at:02}.png")),
                [color[0], color[1] + 4 * at, color[2] / 2 + 3 * at],
            );
        }
    }
    let out = TempDir::new().expect("a temporary folder");
    let cache = out.path().join("cache");
    let map = |more: &[&str]| {
        let mut command = Command::cargo_bin("lookalike").expect("the binary was built");
        command.args(["map", path(&folder), "--model", "color-grid"]).arg("--cache-dir").arg(&cache).args(more);
        let output = command.env_remove("LOOKALIKE_CACHE").assert().success().get_output().clone();
        String::from_utf8(output.stdout).expect("text")
    };
    for method in ["umap", "tsne", "pca"] {
        let json: serde_json::Value = serde_json::from_str(&map(&["--method", method, "--json"])).expect("JSON");
        assert_eq!(
            (&json["method"], &json["neighbors"], &json["measured_on"]),
            (&method.into(), &12.into(), &30.into())
        );
        for share in ["trustworthiness", "continuity"] {
            assert!((0.7..=1.0).contains(&json[share].as_f64().expect("a share")), "{method}: {}", json[share]);
        }
        assert_eq!(json["explained_variance"].is_number(), method == "pca");
        let images = json["images"].as_array().expect("images");
        let csv = map(&["--method", method, "--csv"]);
        assert!(csv.starts_with("path,group,x,y\n") && csv.lines().count() == 31 && images.len() == 30);
        for (line, image) in csv.lines().skip(1).zip(images) {
            let fields: Vec<_> = line.split(',').collect();
            assert!(image["path"].as_str().expect("a path").ends_with(fields[0]) && image["group"] == fields[1]);
            for (field, axis) in [(fields[2], "x"), (fields[3], "y")] {
                let (a, b) = (field.parse::<f64>().expect("a number"), image[axis].as_f64().expect("a number"));
                assert!((a - b).abs() <= 1e-5 * b.abs(), "the kept map comes back: {a} {b}");
            }
        }
        // The groups are far apart: between them no point is nearer than the own ones.
        let x = |group: &str| {
            images.iter().filter(|image| image["group"] == group).filter_map(|image| image["x"].as_f64()).sum::<f64>()
                / 15.0
        };
        assert!((x("cold") - x("warm")).abs() > 0.1, "{method}");
    }
    let text = map(&[]);
    for word in ["UMAP of 30 pictures", "(k = 12)", "A cold 15", "B warm 15"] {
        assert!(text.contains(word), "{word} in {text}");
    }
    assert!(text.matches('A').count() > 3 && text.matches('B').count() > 3 && !text.contains('\u{1b}'), "{text}");
    let (svg, png) = (out.path().join("map.svg"), out.path().join("map.png"));
    let files = ["--svg", svg.to_str().expect("plain"), "--png", png.to_str().expect("plain")];
    assert!(map(&files).is_empty(), "the drawing is the answer");
    let drawn = fs::read_to_string(&svg).expect("a drawing");
    assert!(
        drawn.matches("<title>").count() == 30 && drawn.contains(">A cold<") && drawn.contains(">B warm<"),
        "{drawn}"
    );
    let colors: std::collections::HashSet<_> =
        image::open(&png).expect("a picture").into_rgb8().pixels().map(|pixel| pixel.0).collect();
    assert!(colors.len() > 20 && colors.contains(&[255; 3]));
    let refused = lookalike(&[&["map", path(&folder)], &files[..]].concat()).assert().code(2).get_output().clone();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--force"));
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

#[test]
fn help_is_a_screen_and_the_long_one_has_examples() {
    let help = |arguments: &[&str]| {
        let output = Command::cargo_bin("lookalike").expect("built").args(arguments).env("COLUMNS", "80").assert();
        String::from_utf8(output.success().get_output().stdout.clone()).expect("text")
    };
    for command in [&["-h"][..], &["neighbors", "-h"], &["matrix", "-h"], &["index", "-h"], &["alike", "-h"]] {
        let text = help(command);
        // The last line of a terminal has the next prompt. The list of all commands grows with them, one line each.
        let room = if command.len() == 1 { 13 + Cli::command().get_subcommands().count() } else { 24 };
        assert!(text.lines().count() < room, "{} lines:\n{text}", text.lines().count());
    }
    let (short, long) = (help(&["-h"]), help(&["--help"]));
    for (word, is_short) in [("neighbors", true), ("--model", true), ("--graphics", false), ("Examples:", false)] {
        assert!(long.contains(word) && short.contains(word) == is_short, "{word}");
    }
    assert!(help(&["matrix", "--help"]).contains("--png heatmap.png"));
}

#[test]
fn the_manual_page_is_whole_and_names_no_page_that_is_not_there() {
    let page =
        Command::cargo_bin("lookalike").expect("built").arg("man").assert().success().get_output().stdout.clone();
    // In roff a hyphen is escaped.
    let page = String::from_utf8(page).expect("text").replace('\\', "");
    for section in [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "OPTIONS",
        "COMMANDS",
        "KEYS",
        "EXAMPLES",
        "FILES",
        "ENVIRONMENT",
        "CONFIGURATION",
        "\"EXIT STATUS\"",
    ] {
        assert_eq!(page.matches(&format!(".SH {section}\n")).count(), 1, "{section}");
    }
    assert!(!page.contains("lookalike-") && !page.contains("EXTRA") && !page.contains("default: false"), "{page}");
    assert_eq!(page.matches("float32").count(), 1, "what all commands take is described once");
    for (binding, _) in lookalike::app::keymap::table() {
        assert!(page.contains(binding.action.help()), "{binding:?} is missing");
    }
    for word in ["lookalike models pull", "LOOKALIKE_CACHE", "NO_COLOR", "130", "lookalike neighbors cat.jpg"] {
        assert!(page.contains(word), "{word} is missing");
    }
}

#[test]
fn shells_complete_the_names_of_models_also_of_the_users_own() {
    let home = TempDir::new().expect("a temporary folder");
    let manifests = home.path().join("lookalike/models");
    fs::create_dir_all(&manifests).expect("a folder");
    let manifest = include_str!("../../models/resnet18.toml").replace("name = \"resnet18\"", "name = \"my-own\"");
    fs::write(manifests.join("my-own.toml"), manifest).expect("a file");
    for shell in ["bash", "zsh", "fish"] {
        let mut command = Command::cargo_bin("lookalike").expect("built");
        let output = command.args(["completions", shell]).env("XDG_CONFIG_HOME", home.path()).assert().success();
        let script = String::from_utf8(output.get_output().stdout.clone()).expect("text");
        let lines = script.lines().filter(|line| line.contains("my-own") || line.contains("my\\-own"));
        assert!(lines.clone().count() >= 3, "{shell}: {script}");
        assert!(lines.clone().all(|line| line.contains("gaze") || shell == "fish"), "{shell}");
    }
    // Whoever types a name that no model has still gets the catalog's answer.
    let mut command = Command::cargo_bin("lookalike").expect("built");
    let output = command.args(["models", "pull", "resnet5"]).assert().code(1).get_output().stderr.clone();
    assert!(String::from_utf8_lossy(&output).contains("resnet50"), "{}", String::from_utf8_lossy(&output));
}

/// Whatever the kept graph says is believed, so a value that no pictures have shows that nothing was compared.
#[test]
fn a_second_run_takes_the_graph_that_the_first_one_kept() {
    let (folder, cache) = (folder(), TempDir::new().expect("a temporary folder"));
    let best = || {
        let mut command = Command::cargo_bin("lookalike").expect("the binary was built");
        command.args(["alike", path(&folder), "--json", "--min", "0.5", "--model", "color-grid"]);
        let output = command.args(["--cache-dir", path(&cache)]).assert().success().get_output().stdout.clone();
        let told: Value = serde_json::from_slice(&output).expect("JSON");
        assert_eq!((&told["approximate"], &told["recall"]), (&Value::Bool(false), &Value::Null));
        told["groups"][0]["best"].as_f64().expect("a number") as f32
    };
    let kept = || {
        let stores = fs::read_dir(cache.path()).expect("a cache");
        let stores = stores.map(|store| store.expect("a store").path()).filter(|store| store.is_dir());
        let files = stores.flat_map(|store| fs::read_dir(store).expect("a store"));
        let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
        files.retain(|file| file.file_name().expect("a name").to_string_lossy().starts_with("graph-cosine"));
        assert_eq!(files.len(), 1, "{files:?}");
        files.remove(0)
    };
    let write = |bytes: &[u8]| {
        let sum = crc32fast::hash(bytes).to_le_bytes();
        fs::write(kept(), [bytes, &sum].concat()).expect("the graph is written");
    };
    let right = best();
    let whole = fs::read(kept()).expect("a graph");
    let odd = right + 0.001;
    let told: Vec<u8> = whole[..whole.len() - 4]
        .chunks_exact(4)
        .flat_map(
            |word| if word == right.to_le_bytes() { odd.to_le_bytes() } else { [word[0], word[1], word[2], word[3]] },
        )
        .collect();
    write(&told);
    assert_eq!(best(), odd);
    // What came is found and kept, what was known stays.
    picture(&folder.path().join("warm/green.png"), [10, 250, 10]);
    assert_eq!(best(), odd);
    let more = fs::read(kept()).expect("a graph");
    assert!(more.len() > whole.len());
    // One that is damaged, or that is of other row numbers, is made anew.
    fs::write(kept(), &more[..more.len() - 5]).expect("the graph is cut short");
    assert_eq!(best(), right);
    write(&told);
    fs::rename(kept(), kept().with_file_name("graph-cosine-1.graph")).expect("the graph gets another name");
    assert_eq!(best(), right);
    let last = fs::read(kept()).expect("a graph");
    assert_eq!(best(), right);
    assert_eq!(fs::read(kept()).expect("a graph"), last);
    // One that is not exact says so, for scripts and for people.
    let mut approximate = last[..last.len() - 4].to_vec();
    approximate[12..16].copy_from_slice(&0.978_f32.to_le_bytes());
    write(&approximate);
    let arguments = ["alike", path(&folder), "--model", "color-grid", "--cache-dir", path(&cache)];
    let output = |more: &[&str]| {
        let mut command = Command::cargo_bin("lookalike").expect("the binary was built");
        command.args(arguments).args(more).assert().success().get_output().clone()
    };
    let told: Value = serde_json::from_slice(&output(&["--json"]).stdout).expect("JSON");
    assert_eq!(
        (&told["approximate"], told["recall"].as_f64().map(|recall| recall as f32)),
        (&Value::Bool(true), Some(0.978))
    );
    let said = String::from_utf8(output(&[]).stderr).expect("text");
    assert!(said.contains("about 97 % of the nearest were found"), "{said}");
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
    let mut others = names(&answer);
    others.sort();
    assert_eq!(others.len(), 2, "those asked with are no answer");
    assert!(others[0].ends_with("cyan.png") && others[1].ends_with("orange.png"));
    assert!(answer["and"][0].as_str().expect("a path").ends_with("blue.png"));
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
