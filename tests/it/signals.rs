//! The terminal is given back however the program ends: by a signal, a fault, a panic, or with the terminal itself.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    thread,
};

use portable_pty::{CommandBuilder, MasterPty, PtyPair, PtySize, native_pty_system};
use rustix::{
    fs::OFlags,
    process::{Pid, Signal, kill_process},
    termios::Action,
};

use crate::session::{
    COLUMNS, Display, PROGRAM, ROWS, Session, close_display, flow, line_discipline, pictures, within_limit,
};

#[test]
fn signals_give_the_terminal_back() {
    let folder = pictures();
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let mut session = Session::explorer(folder.path(), &["--graphics", "halfblocks"]);
        session.display.wait_for("6 images");
        session.signal(signal);
        session.display.wait_restored();
        assert_eq!(session.exit_code(), 130);
    }
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_says_why() {
    let folder = pictures();
    let mut session = Session::explorer(folder.path(), &["--graphics", "halfblocks", "--debug-fault", "panic"]);
    let display = session.display.clone();
    display.wait("the message on the normal screen", |screen| {
        !screen.alternate_screen() && screen.contents().contains("asked for with --debug-fault")
    });
    display.wait_restored();
    assert_eq!(session.exit_code(), 101);
}

#[test]
fn a_terminal_that_is_closed_ends_the_program() {
    let folder = pictures();
    let session = Session::explorer(folder.path(), &["--graphics", "halfblocks"]);
    session.display.wait_for("6 images");
    let mut child = session.close();
    let mut killer = child.clone_killer();
    let ended = within_limit(move || child.wait().unwrap());
    let _ = killer.kill();
    assert!(ended.is_some(), "it goes on without a terminal");
}

/// The explorer on a terminal that is not its controlling one, opened with these flags besides.
fn explorer_apart(folder: &Path, flags: OFlags) -> (Box<dyn MasterPty + Send>, process::Child) {
    let size = PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 };
    let PtyPair { master, slave } = native_pty_system().openpty(size).unwrap();
    let name = master.tty_name().unwrap();
    let flags = (OFlags::NOCTTY | flags).bits() as i32;
    let open = || File::options().read(true).write(true).custom_flags(flags).open(&name).unwrap();
    let child = Command::new(PROGRAM)
        .args(["--model", "color-grid", "--no-cache", "--graphics", "halfblocks"])
        .arg(folder)
        .env("TERM", "xterm-256color")
        .stdin(open())
        .stdout(open())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(slave);
    (master, child)
}

/// How the program ended; one that goes on is ended and fails the test.
#[track_caller]
fn ended(mut child: process::Child) -> process::ExitStatus {
    let id = Pid::from_child(&child);
    within_limit(move || child.wait().unwrap()).unwrap_or_else(|| {
        let _ = kill_process(id, Signal::KILL);
        panic!("the program does not end");
    })
}

#[test]
fn a_terminal_that_dies_without_a_word_ends_the_program() {
    let folder = pictures();
    // No signal comes when it goes.
    let (master, child) = explorer_apart(folder.path(), OFlags::empty());
    let (display, reads) = Display::of(master.try_clone_reader().unwrap());
    let mut keys = master.take_writer().unwrap();
    display.wait_for("6 images");
    close_display(&display, reads, &mut keys);
    drop((keys, master));
    ended(child);
}

/// How often the program has tried to write; nothing once it has ended.
#[cfg(target_os = "linux")]
fn writes(child: &process::Child) -> Option<String> {
    let counts = fs::read_to_string(format!("/proc/{}/io", child.id())).ok()?;
    counts.lines().find(|line| line.starts_with("syscw")).map(str::to_owned)
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_on_which_no_write_waits_is_waited_for() {
    let folder = pictures();
    let (master, child) = explorer_apart(folder.path(), OFlags::NONBLOCK);
    let (display, _) = Display::of(master.try_clone_reader().unwrap());
    let mut keys = master.take_writer().unwrap();
    display.wait_for("6 images");
    flow(&*master, Action::OOff);
    let before = writes(&child);
    keys.write_all(b"2").unwrap();
    let tried = within_limit(move || {
        while writes(&child) == before {
            thread::yield_now();
        }
        child
    });
    let child = tried.expect("the program tries to write");
    flow(&*master, Action::OOn);
    display.wait_for("more alike");
    keys.write_all(b"q").unwrap();
    assert_eq!(ended(child).code(), Some(0));
}

#[test]
fn ctrl_z_stops_and_fg_comes_back() {
    let folder = pictures();
    let mut shell = CommandBuilder::new("sh");
    shell.args(["-i"]);
    shell.env("PS1", "shell> ");
    shell.env_remove("ENV");
    let mut session = Session::run(shell);
    let display = session.display.clone();
    display.wait_for("shell> ");
    let folder = folder.path().display();
    session.press(&format!("{PROGRAM} --model color-grid --no-cache --graphics halfblocks {folder}\r"));
    display.wait("the explorer", |screen| screen.alternate_screen() && screen.contents().contains("6 images"));
    session.press("\x1a");
    display.wait_restored();
    display.wait_for("Stopped");
    session.press("fg\r");
    display.wait("the explorer again", |screen| screen.alternate_screen() && screen.contents().contains("6 images"));
    session.press("\x1b[C");
    display.wait_for("2 of 6");
    session.press("q");
    display.wait("the shell's next prompt", |screen| screen.contents().trim_end().ends_with("\nshell>"));
    session.press("exit\r");
    session.exit_code();
}

#[test]
fn a_signal_while_the_terminal_is_asked_gives_it_back() {
    let folder = pictures();
    use Signal as S;
    for signal in [S::TERM, S::HUP, S::INT, S::QUIT, S::ALARM, S::USR1, S::USR2, S::XCPU] {
        let mut session = Session::explorer(folder.path(), &[]);
        // Nobody answers, so that the questions take their time.
        session.display.wait_for("asking the terminal");
        session.signal(signal);
        session.display.wait_restored();
        assert_eq!(session.exit_code(), 130);
        assert_eq!(line_discipline(&*session.master), session.before);
    }
}

#[test]
fn a_second_signal_ends_a_program_whose_terminal_takes_nothing() {
    let folder = pictures();
    let mut session = Session::explorer(folder.path(), &["--graphics", "halfblocks"]);
    session.display.wait_for("6 images");
    flow(&*session.master, Action::OOff);
    session.signal(Signal::TERM);
    session.signal(Signal::HUP);
    assert_eq!(session.exit_code(), 130);
    assert_eq!(line_discipline(&*session.master), session.before);
}

/// Waits for the message of a fault on the normal screen, and for the end by this signal.
#[track_caller]
fn check_fault(mut session: Session, signal: &str, said: &str) {
    session.display.wait(said, |screen| !screen.alternate_screen() && screen.contents().contains(said));
    session.display.wait_restored();
    let ended = session.ended();
    assert_eq!(ended.signal(), Some(signal), "{ended:?}");
    assert_eq!(line_discipline(&*session.master), session.before);
}

#[test]
fn a_fault_gives_the_terminal_back_and_says_what_it_was() {
    let folder = pictures();
    for (signal, name, said) in [
        (Signal::SEGV, "Segmentation fault", "SIGSEGV"),
        (Signal::BUS, "Bus error", "SIGBUS"),
        (Signal::ABORT, "Aborted", "SIGABRT"),
        (Signal::ILL, "Illegal instruction", "SIGILL"),
        (Signal::FPE, "Floating point exception", "SIGFPE"),
    ] {
        let session = Session::explorer(folder.path(), &["--graphics", "halfblocks"]);
        session.display.wait_for("6 images");
        session.signal(signal);
        check_fault(session, name, said);
    }
}

#[test]
fn memory_that_cannot_be_had_gives_the_terminal_back() {
    let folder = pictures();
    let session = Session::explorer(folder.path(), &["--graphics", "halfblocks", "--debug-fault", "allocation"]);
    check_fault(session, "Aborted", "memory ran out");
}

/// The only file below the folder whose name begins so.
fn find(folder: &Path, begins: &str) -> PathBuf {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let found = entries.filter_map(|path| match path.is_dir() {
        true => Some(find(&path, begins)),
        false => Some(path).filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(begins)),
    });
    found.last().unwrap_or_else(|| panic!("no {begins} in {}", folder.display()))
}

#[test]
fn an_index_that_is_cut_short_under_the_program_gives_the_terminal_back() {
    let (folder, cache) = (pictures(), tempfile::tempdir().unwrap());
    let arguments = |first: &[&str]| {
        let mut arguments: Vec<_> = first.iter().map(Into::into).collect();
        arguments.extend([
            "--model".into(),
            "color-grid".into(),
            "--cache-dir".into(),
            cache.path().as_os_str().to_owned(),
        ]);
        arguments.push(folder.path().as_os_str().to_owned());
        arguments
    };
    let indexed = Command::new(PROGRAM).args(arguments(&["index"])).output().unwrap();
    assert!(indexed.status.success());
    let mut explorer = CommandBuilder::new(PROGRAM);
    explorer.args(arguments(&["--graphics", "halfblocks"]));
    let mut session = Session::run(explorer);
    session.display.wait_for("6 images");
    File::options().write(true).open(find(cache.path(), "vectors")).unwrap().set_len(0).unwrap();
    session.press("\x1b[C");
    check_fault(session, "Bus error", "SIGBUS");
}

#[test]
fn kill_tstp_stops_the_program_as_ctrl_z_does() {
    let folder = pictures();
    let id = folder.path().join("id");
    let mut shell = CommandBuilder::new("sh");
    shell.args(["-i"]);
    shell.env("PS1", "shell> ");
    shell.env_remove("ENV");
    let mut session = Session::run(shell);
    let display = session.display.clone();
    display.wait_for("shell> ");
    let (at, into) = (folder.path().display(), id.display());
    let explorer = format!("{PROGRAM} --model color-grid --no-cache --graphics halfblocks {at}");
    session.press(&format!("sh -c 'echo $$ > {into}; exec {explorer}'\r"));
    display.wait("the explorer", |screen| screen.alternate_screen() && screen.contents().contains("6 images"));
    let id = Pid::from_raw(fs::read_to_string(&id).unwrap().trim().parse().unwrap()).unwrap();
    kill_process(id, Signal::TSTP).unwrap();
    display.wait_restored();
    display.wait_for("Stopped");
    session.press("fg\r");
    display.wait("the explorer again", |screen| screen.alternate_screen() && screen.contents().contains("6 images"));
    session.press("q");
    display.wait("the shell's next prompt", |screen| screen.contents().trim_end().ends_with("\nshell>"));
    session.press("exit\r");
    session.exit_code();
}

/// At the end of a process the loader tells which libraries' exit functions it calls.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn leaving_calls_no_exit_function_under_a_thread_that_may_still_compute() {
    let (folder, told) = (pictures(), tempfile::tempdir().unwrap());
    let mut explorer = CommandBuilder::new(PROGRAM);
    explorer.args(["--model", "color-grid", "--no-cache", "--graphics", "halfblocks"]);
    explorer.arg(folder.path());
    explorer.env("LD_DEBUG", "files");
    explorer.env("LD_DEBUG_OUTPUT", told.path().join("loader"));
    let mut session = Session::run(explorer);
    session.display.wait_for("6 images");
    session.press("q");
    session.display.wait_restored();
    assert_eq!(session.exit_code(), 0);
    let said = fs::read_to_string(find(told.path(), "loader")).unwrap();
    assert!(said.contains("calling init: ") && said.contains("libtorch"), "{said}");
    assert!(!said.contains("calling fini: "), "{said}");
}
