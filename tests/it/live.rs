//! `lookalike live` and `lookalike gallery` with the real program: pictures, pipes, folders, and cameras played by a
//! program that stands in for ffmpeg, so that neither is needed; one test uses the real ffmpeg where it is installed.

mod sources;

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Instant,
};

use image::{Rgb, RgbImage};
use portable_pty::CommandBuilder;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::session::{GIVE_UP, PROGRAM, Session};

/// Colors that the baseline tells apart.
const RED: [u8; 3] = [220, 30, 30];

const GREEN: [u8; 3] = [30, 200, 40];

const BLUE: [u8; 3] = [30, 40, 220];

const GRAY: [u8; 3] = [128, 128, 128];

/// A picture of a color, with a pattern that a seed makes a little different.
fn picture(color: [u8; 3], seed: u32) -> RgbImage {
    RgbImage::from_fn(64, 48, |x, y| {
        Rgb(color.map(|level| level.saturating_add(((x * 3 + y * 5 + seed * 17) % 23) as u8)))
    })
}

/// A folder with a gallery of three names, three pictures each, and room for all else.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        for (name, color) in [("green one", GREEN), ("red", RED), ("blue", BLUE)] {
            for seed in 0..3 {
                place.save(&format!("gallery/{name}/{seed}.png"), &picture(color, seed));
            }
        }
        place
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    fn save(&self, relative: &str, picture: &RgbImage) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        picture.save(&path).unwrap();
        path
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).args(["--model", "color-grid", "--no-cache"]).current_dir(self.folder.path());
        command.env("HOME", self.path("home")).env_remove("XDG_DATA_HOME").env_remove("LOOKALIKE_MODEL");
        command
    }

    /// `live` with the gallery, at a threshold that the three names and the gray stranger lie well on either side of.
    fn live(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(&["live", "--gallery", "gallery", "--threshold", "0.9"]);
        command.args(arguments);
        command
    }

    /// The same with a shell script in the place of ffmpeg. The script finds frames in files named after their color.
    fn live_with(&self, script: &str, arguments: &[&str]) -> Command {
        for (name, color, width) in [("red", RED, 64), ("green", GREEN, 64), ("blue", BLUE, 32), ("gray", GRAY, 64)] {
            let picture = image::imageops::thumbnail(&picture(color, 5), width, 48);
            let header = format!("P6\n{width} 48\n255\n");
            fs::write(self.path(name), [header.as_bytes(), picture.as_raw()].concat()).unwrap();
        }
        let bin = self.path("bin");
        fs::create_dir_all(&bin).unwrap();
        let program = bin.join("ffmpeg");
        fs::write(&program, format!("#!/bin/sh\ncd {}\necho $$ >>pids\n{script}\n", self.folder.path().display()))
            .unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = self.live(arguments);
        command.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
        command
    }

    /// Waits until so many of them run.
    #[track_caller]
    fn wait_started(&self, count: usize) {
        let start = Instant::now();
        while self.pids().len() < count {
            assert!(start.elapsed() < GIVE_UP, "not all have started");
            thread::yield_now();
        }
    }

    /// The processes that stood in for ffmpeg, and commands that say who they are.
    fn pids(&self) -> Vec<Pid> {
        let text = fs::read_to_string(self.path("pids")).unwrap_or_default();
        text.lines().filter_map(|line| Pid::from_raw(line.parse().ok()?)).collect()
    }

    /// Waits until each of them is gone.
    #[track_caller]
    fn wait_gone(&self) {
        let pids = self.pids();
        assert!(!pids.is_empty(), "none was started");
        let start = Instant::now();
        while pids.iter().any(|pid| test_kill_process(*pid).is_ok()) {
            assert!(start.elapsed() < GIVE_UP, "a child is left behind");
            thread::yield_now();
        }
    }
}

fn lines(output: &Output) -> Vec<Value> {
    String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The names of the lines, nothing for unknown.
fn names(output: &Output) -> Vec<Option<String>> {
    lines(output).iter().map(|line| line["name"].as_str().map(str::to_owned)).collect()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A program that runs, and its lines as they come.
struct Running {
    child: Child,
    out: Receiver<String>,
    err: Receiver<String>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Self { child, out: lines_of(out), err: lines_of(err) }
    }

    #[track_caller]
    fn line(&self) -> Value {
        let line = self.out.recv_timeout(GIVE_UP).expect("a line");
        serde_json::from_str(&line).unwrap()
    }

    #[track_caller]
    fn wait_said(&self, words: &str) -> String {
        let mut all = String::new();
        loop {
            let line = self.err.recv_timeout(GIVE_UP).unwrap_or_else(|_| panic!("waited for {words}:\n{all}"));
            all += &line;
            if line.contains(words) {
                return line;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of(from: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (send, lines) = mpsc::channel();
    thread::spawn(move || BufReader::new(from).lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
    lines
}

#[test]
fn one_picture_is_known_or_unknown_and_the_exit_code_says_so() {
    let place = Place::new();
    place.save("red.png", &picture(RED, 9));
    place.save("gray.png", &picture(GRAY, 9));
    let known = place.live(&["--once", "--source", "red.png"]).output().unwrap();
    assert_eq!(known.status.code(), Some(0), "{}", said(&known));
    let line = &lines(&known)[0];
    assert_eq!((&line["name"], &line["source"], &line["box"]), (&"red".into(), &"red.png".into(), &Value::Null));
    assert!(line["value"].as_f64().unwrap() > 0.9 && line["margin"].as_f64().unwrap() > 0.05, "{line}");
    assert!((line["threshold"].as_f64().unwrap() - 0.9).abs() < 1e-6 && line["time"].as_str().unwrap().ends_with('Z'));
    let unknown = place.live(&["--once", "--source", "gray.png", "--threshold", "0.9999"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(2), "a threshold is given once");
    let unknown =
        place.command(&["live", "--gallery", "gallery", "--threshold", "0.9999", "--once", "--source", "gray.png"]);
    let unknown = { unknown }.output().unwrap();
    assert_eq!((unknown.status.code(), names(&unknown)), (Some(4), vec![None]));
    assert!(lines(&unknown)[0]["nearest"].is_string(), "what it is most like is told all the same");
}

#[test]
fn no_child_is_left_behind_however_the_program_ends() {
    // It writes as a camera does: without end, and no faster than it is read.
    const CAMERA: &str = "while cat red; do :; done";
    for (signal, code) in [(Signal::INT, Some(130)), (Signal::TERM, Some(130)), (Signal::KILL, None)] {
        let place = Place::new();
        let mut running = Running::start(place.live_with(CAMERA, &["--source", "/dev/null", "--every", "0"]));
        assert_eq!(running.line()["name"], "red");
        running.signal(signal);
        assert_eq!(running.code(), code);
        place.wait_gone();
    }
    // One that sends nothing more is killed with whatever it has started.
    let place = Place::new();
    let command = ["--source", "/dev/null", "--exec", "sh -c 'echo $$ >>pids; exec sleep 1000'"];
    let mut running = Running::start(place.live_with("cat red; sleep 1000", &command));
    running.line();
    place.wait_started(2);
    running.signal(Signal::TERM);
    assert_eq!(running.code(), Some(130));
    place.wait_gone();
}

#[test]
fn a_command_gets_its_arguments_whatever_is_in_a_name() {
    let place = Place::new();
    for seed in 0..2 {
        place.save(&format!("gallery/$(touch pwned); echo/{seed}.png"), &picture([230, 230, 20], seed));
    }
    place.save("yellow.png", &picture([230, 230, 20], 4));
    let hook = "sh -c 'printf \"%s|%s\\n\" \"$1\" \"$2\" >>seen' hook {name} {value}";
    let output = place.live(&["--source", "yellow.png", "--exec", hook]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let seen = fs::read_to_string(place.path("seen")).unwrap();
    assert!(seen.starts_with("$(touch pwned); echo|0.9") || seen.starts_with("$(touch pwned); echo|1.0"), "{seen}");
    assert!(!place.path("pwned").exists());
    let output = place.live(&["--source", "yellow.png", "--exec", "/no/such/command"]).output().unwrap();
    assert!(said(&output).contains("--exec cannot run /no/such/command"), "{}", said(&output));
    assert_eq!(names(&output).len(), 1, "what is seen is told all the same");
}

#[test]
fn frames_are_kept_only_when_asked_for_and_a_full_disk_ends_nothing() {
    let place = Place::new();
    place.save("red.png", &picture(RED, 9));
    place.live(&["--source", "red.png"]).output().unwrap();
    let before: Vec<_> = files(place.folder.path());
    let output = place.live(&["--source", "red.png", "--keep", "kept"]).output().unwrap();
    assert!(said(&output).contains("frames are kept in kept"), "{}", said(&output));
    let new: Vec<_> = files(place.folder.path()).into_iter().filter(|path| !before.contains(path)).collect();
    assert_eq!(new.len(), 1, "{new:?}");
    assert_eq!(image::open(&new[0]).unwrap().to_rgb8().dimensions(), (64, 48));
    // A file stands where the folder should be made.
    let output = place.live(&["--source", "red.png", "--keep", "red.png"]).output().unwrap();
    assert!(said(&output).contains("cannot create red.png"), "{}", said(&output));
    assert_eq!((output.status.code(), names(&output)), (Some(0), vec![Some("red".into())]));
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn galleries_without_anybody_or_with_one_name_are_told() {
    let place = Place::new();
    place.save("red.png", &picture(RED, 9));
    fs::create_dir_all(place.path("empty")).unwrap();
    place.save("loose/a.png", &picture(RED, 1));
    place.save("one/red/a.png", &picture(RED, 1));
    for (gallery, code, sentence) in [
        ("empty", 3, "nobody and nothing is enrolled in empty"),
        ("loose", 3, "nobody and nothing is enrolled in loose"),
        ("missing", 3, "there is no folder missing"),
        ("one", 2, "has only one name, red"),
    ] {
        let output = place.command(&["live", "--gallery", gallery, "--source", "red.png", "--once"]).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        assert!(said(&output).contains(sentence), "{}", said(&output));
    }
    let mut with_threshold =
        place.command(&["live", "--gallery", "one", "--source", "red.png", "--once", "--threshold", "0.8"]);
    assert_eq!(with_threshold.output().unwrap().status.code(), Some(0));
    let output = place.command(&["gallery"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "no name was given in the explorer: {}", said(&output));
}

#[test]
fn the_gallery_is_told_in_text_and_json() {
    let place = Place::new();
    fs::copy(place.path("gallery/red/0.png"), place.path("gallery/blue/odd.png")).unwrap();
    place.save("gallery/nameless.png", &picture(GRAY, 0));
    let output = place.command(&["gallery", "gallery"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for words in [
        "3 names, 10 pictures by cosine similarity",
        "pairs of one name",
        "pairs of two names",
        "(EER)",
        "FAR",
        "FRR",
        "strangers named",
        "most easily confused",
        "one picture under two names: blue/odd.png and red/0.png",
        "1 picture in no sub-folder",
    ] {
        assert!(text.contains(words), "{words} is missing:\n{text}{}", said(&output));
    }
    assert!(text.contains("none: blue and red have the same picture: keep one"), "{text}");
    let confused = text.lines().skip_while(|line| !line.starts_with("most easily confused")).skip(1);
    let pairs: Vec<_> = confused.take_while(|line| line.contains(" – ")).collect();
    let turned = |line: &&str| {
        let (one, other) = line.trim_start().split_once("  ").unwrap().1.split_once(" – ").unwrap();
        let other = other.split("  ").next().unwrap();
        pairs.iter().any(|line| line.ends_with(&format!("  {other} – {one}")))
    };
    let mut clear = pairs.iter().filter(|line| !line.contains("nearer to another name"));
    assert!(!pairs.is_empty() && !clear.any(turned), "two names are one line: {pairs:#?}");
    let output = place.command(&["gallery", "gallery", "--json", "--metric", "euclidean"]).output().unwrap();
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&json["pictures"], &json["unnamed"], &json["strangers"]), (&10.into(), &1.into(), &10.into()));
    assert_eq!(json["pairs"]["curve"].as_array().unwrap().len(), 101);
    assert_eq!(json["misfits"][0]["name"], "blue");
    assert_eq!(json["basis"]["pairs_of_names"], 3);
    assert!(json["basis"]["known_pairs"].is_null() && json["pairs"]["equal_error_rate"].is_number());
    assert!(json["chosen"]["threshold"].is_null(), "three names are too few to promise 1 %: {}", json["chosen"]);
    let live = ["live", "--gallery", "gallery", "--metric", "euclidean", "--source", "gallery/red/0.png", "--once"];
    let output = place.command(&live).output().unwrap();
    assert!(
        output.status.code() == Some(2) && said(&output).contains("3 names are too few for 1.0 % of strangers"),
        "{}",
        said(&output)
    );
}

#[test]
fn the_screen_shows_names_and_gives_the_terminal_back() {
    let place = Place::new();
    let command = place.live_with("while cat red; do :; done", &["--source", "/dev/null", "--every", "100ms"]);
    let mut on_terminal = CommandBuilder::new(PROGRAM);
    on_terminal.args(command.get_args());
    on_terminal.cwd(place.folder.path());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => on_terminal.env(name, value),
            None => on_terminal.env_remove(name),
        }
    }
    on_terminal.args(["--graphics", "halfblocks", "--keep", "kept", "--exec"]);
    on_terminal.arg("sh -c 'printf \"%s\\n\" \"$1\" >>seen' hook {name}");
    let mut session = Session::run(on_terminal);
    session.display.wait_for("✓ red");
    session.display.wait_for("best of");
    session.press("n");
    session.display.wait_for("this is");
    session.press("Ro\r");
    session.display.wait_for("This is Ro from now on");
    session.display.wait_for("is Ro");
    let kept = files(&place.path("gallery/Ro"));
    assert_eq!(kept.len(), 1);
    session.press("d");
    session.display.wait_for("dropped, and its picture deleted");
    assert!(!kept[0].exists() && !place.path("gallery/Ro").exists());
    session.press(" ");
    session.display.wait_for("paused");
    session.press("q");
    session.display.wait_restored();
    assert_eq!(session.exit_code(), 0);
    place.wait_gone();
    // What waited when the user left was done all the same, and is whole.
    let kept = files(&place.path("kept"));
    assert!(!kept.is_empty() && kept.iter().all(|file| image::open(file).is_ok()));
    assert!(fs::read_to_string(place.path("seen")).unwrap().starts_with("red\n"));
}

#[test]
fn a_terminal_that_goes_away_takes_the_camera_and_commands_with_it() {
    let place = Place::new();
    let command = place.live_with("while cat red; do :; done", &["--source", "/dev/null", "--every", "100ms"]);
    let mut on_terminal = CommandBuilder::new(PROGRAM);
    on_terminal.args(command.get_args());
    on_terminal.cwd(place.folder.path());
    for (name, value) in command.get_envs().filter_map(|(name, value)| Some((name, value?))) {
        on_terminal.env(name, value);
    }
    on_terminal.args(["--exec", "sh -c 'echo $$ >>pids; exec sleep 1000'"]);
    let session = Session::run(on_terminal);
    session.display.wait_for("✓ red");
    place.wait_started(2);
    session.signal(Signal::HUP);
    place.wait_gone();
}
