//! `lookalike live` killed outright while its camera is silent: a program that stands in for ffmpeg writes one frame and
//! then nothing, so that it never finds its pipe closed.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
    thread,
    time::Instant,
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::session::{GIVE_UP, PROGRAM};

/// Runs the script in the place of ffmpeg, kills the program after the first frame, and waits until every process is gone
/// that the script has named.
fn killed_after_a_frame(script: &str) {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    fs::create_dir_all(place("gallery/ana")).unwrap();
    for number in 0..2 {
        image::RgbImage::new(8 + number, 8).save(place(&format!("gallery/ana/{number}.png"))).unwrap();
    }
    fs::create_dir(place("bin")).unwrap();
    let program =
        format!("#!/bin/sh\ncd {}\necho $$ >>pids\nprintf 'P6\\n1 1\\n255\\nabc'\n{script}\n", folder.path().display());
    fs::write(place("bin/ffmpeg"), program).unwrap();
    fs::set_permissions(place("bin/ffmpeg"), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(PROGRAM);
    command.args([
        "live",
        "--model",
        "color-grid",
        "--no-cache",
        "--source",
        "/dev/null",
        "--threshold",
        "0.5",
        "--json",
        "--gallery",
    ]);
    command.arg(place("gallery")).env("PATH", format!("{}:/usr/bin:/bin", place("bin").display()));
    command.env("HOME", folder.path()).env("LOOKALIKE_SOURCE_TIMEOUT", "100000").current_dir(folder.path());
    let mut running = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut out = BufReader::new(running.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert!(line.starts_with('{'), "{line}");
    kill_process(Pid::from_child(&running), Signal::KILL).unwrap();
    running.wait().unwrap();
    // Nobody holds our output open either: whoever reads it sees its end.
    while out.read_line(&mut line).unwrap() > 0 {}
    let pids = fs::read_to_string(place("pids")).unwrap();
    let pids: Vec<_> = pids.lines().map(|pid| Pid::from_raw(pid.parse().unwrap()).unwrap()).collect();
    assert!(!pids.is_empty());
    let start = Instant::now();
    while pids.iter().any(|pid| test_kill_process(*pid).is_ok()) {
        assert!(start.elapsed() < GIVE_UP, "a child is left behind: {pids:?}");
        thread::yield_now();
    }
}

#[test]
fn ffmpeg_with_a_silent_camera_ends_with_the_program_that_is_killed() {
    killed_after_a_frame("exec sleep 100000");
}

#[test]
fn so_does_whatever_it_has_started() {
    killed_after_a_frame("sleep 100000 & echo $! >>pids; wait");
}
