//! The commands as a script sees them: data on standard output, right to the digit, and failures in one sentence.

mod all_pairs;
mod matrix;
mod neighbors;

use std::{fs, path::Path, process::Stdio};

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
    let reason = "it is text, not an image";
    let expected = serde_json::json!([{ "path": url("%EA.png"), "kind": "not-an-image", "reason": reason }]);
    assert_eq!(json["skipped"], expected);
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
        (vec!["matrix", path(&folder), "--tsv"], 2, "--tsv"),
    ] {
        let output = lookalike(&arguments).assert().code(code).get_output().clone();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(complaint.contains(said), "{complaint}");
        assert!(complaint.contains("did you mean `lookalike") == said.contains("did you"), "{complaint}");
    }
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
fn whatever_prints_says_when_it_cannot_and_is_quiet_when_nobody_reads() {
    let folder = folder();
    let model = ["--model", "color-grid", "--no-cache"];
    let about_folder = |command: &'static str| [&[command, path(&folder)], &model[..]].concat();
    let picture = folder.path().join("warm/red.png");
    let picture = picture.to_str().expect("a plain name");
    for arguments in [
        vec!["-h"],
        vec!["--help"],
        vec!["--version"],
        vec!["matrix", "--help"],
        vec!["models", "--help"],
        vec!["completions", "bash"],
        vec!["completions", "zsh"],
        vec!["man"],
        vec!["models"],
        vec!["doctor"],
        vec!["cache"],
        vec!["evaluate", path(&folder), "--model", "color-grid", "--no-cache"],
        [&["neighbors", picture, path(&folder)], &model[..]].concat(),
        [&["why", picture, picture], &model[..2]].concat(),
        [&about_folder("matrix")[..], &["--svg", "/dev/stdout", "--force"]].concat(),
        about_folder("index"),
        about_folder("matrix"),
        about_folder("alike"),
        about_folder("map"),
        about_folder("groups"),
        about_folder("outliers"),
        about_folder("labels"),
    ] {
        let run = |out: Stdio| {
            let mut command = std::process::Command::new(PROGRAM);
            command.args(&arguments).env("XDG_CONFIG_HOME", "/nonexistent").stdin(Stdio::null()).stdout(out);
            let output = command.stderr(Stdio::piped()).output().expect("it runs");
            (output.status.code(), String::from_utf8(output.stderr).expect("text"))
        };
        let full = fs::File::options().write(true).open("/dev/full").expect("every Linux has it");
        let (code, said) = run(full.into());
        let complaints: Vec<_> = said.lines().filter(|line| line.contains("cannot write")).collect();
        assert!(code == Some(1) && complaints.len() == 1, "{arguments:?}: {code:?} {said}");
        assert!(complaints[0].contains("No space left"), "{arguments:?}: {said}");
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let (code, said) = run(writer.into());
        assert!(
            code == Some(0) && !said.contains("write") && !said.contains("panicked"),
            "{arguments:?}: {code:?} {said}"
        );
    }
    // What is no file stays what it is, and who writes to it replaces nothing.
    let link = folder.path().join("device");
    std::os::unix::fs::symlink("/dev/null", &link).expect("a link");
    for option in ["--svg", "--png"] {
        stdout(&["matrix", path(&folder), option, link.to_str().expect("plain"), "--force"]);
    }
    stdout(&["labels", path(&folder), "--save-probe", link.to_str().expect("plain")]);
    assert!(link.is_symlink() && !fs::metadata("/dev/null").expect("it is there").is_file());
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
