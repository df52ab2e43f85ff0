//! The real program in a pseudo-terminal: it starts, listens, and gives the terminal back however it ends.

use std::{
    fs::{self, File},
    io::{Read, Write},
    num::NonZeroU16,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use image::{Rgb, RgbImage};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_lookalike");
const ROWS: u16 = 30;
const COLUMNS: u16 = 100;
/// Only so that a failure is a failure and no endless wait; far longer than anything takes.
const GIVE_UP: Duration = Duration::from_secs(120);
/// Opening a terminal must not make it the controlling one (O_NOCTTY).
const NO_CONTROL: i32 = 0o400;

/// Six pictures, `a.png` to `f.png`.
fn pictures() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (at, name) in ('a'..='f').enumerate() {
        let shade = 40 * at as u8;
        let picture = RgbImage::from_fn(40, 30, |x, y| Rgb([shade, (x * 6) as u8, (y * 8) as u8]));
        picture.save(folder.path().join(format!("{name}.png"))).unwrap();
    }
    folder
}

/// The terminal's screen, fed by a thread that reads what the program writes.
#[derive(Clone)]
struct Display(Arc<Shared>);

struct Shared {
    parser: Mutex<vt100::Parser>,
    changed: Condvar,
    closing: AtomicBool,
}

impl Display {
    /// The screen and the thread, which ends with the program.
    fn of(mut output: impl Read + Send + 'static) -> (Self, JoinHandle<()>) {
        let size = |cells| NonZeroU16::new(cells).unwrap();
        let parser = Mutex::new(vt100::Parser::new(size(ROWS), size(COLUMNS), 0));
        let display = Self(Arc::new(Shared { parser, changed: Condvar::new(), closing: AtomicBool::new(false) }));
        let shared = display.0.clone();
        let reads = thread::spawn(move || {
            let mut bytes = [0; 65536];
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                shared.parser.lock().unwrap().process(&bytes[..read]);
                shared.changed.notify_all();
                if shared.closing.load(Ordering::SeqCst) {
                    return;
                }
            }
        });
        (display, reads)
    }

    /// Waits until the screen is as described.
    #[track_caller]
    fn wait(&self, what: &str, is_so: impl Fn(&vt100::Screen) -> bool) {
        let parser = self.0.parser.lock().unwrap();
        let (parser, waited) =
            self.0.changed.wait_timeout_while(parser, GIVE_UP, |parser| !is_so(parser.screen())).unwrap();
        let screen = parser.screen().contents();
        assert!(!waited.timed_out(), "waited for {what}; the screen:\n{screen}");
    }

    #[track_caller]
    fn wait_for(&self, text: &str) {
        self.wait(text, |screen| screen.contents().contains(text));
    }

    #[track_caller]
    fn wait_restored(&self) {
        self.wait("the normal screen and its cursor", |screen| {
            let mouse = screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None;
            !screen.alternate_screen() && !screen.hide_cursor() && mouse
        });
    }
}

/// A program in a pseudo-terminal of its own, which is its controlling one. Dropping it ends the program.
struct Session {
    /// Taken out by a test that closes the terminal and then waits.
    child: Option<Box<dyn Child + Send + Sync>>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    display: Display,
    reads: Option<JoinHandle<()>>,
    /// The line discipline before the program ran.
    before: String,
}

impl Session {
    /// Runs the explorer on the folder. Nobody answers its questions.
    fn explorer(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = CommandBuilder::new(PROGRAM);
        command.args(["--model", "color-grid", "--no-cache"]);
        command.args(arguments);
        command.arg(folder);
        Self::run(command)
    }

    fn run(mut command: CommandBuilder) -> Self {
        let size = PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        command.env("TERM", "xterm-256color");
        for name in ["TMUX", "TERM_PROGRAM", "NO_COLOR", "COLORTERM", "SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"] {
            command.env_remove(name);
        }
        let before = line_discipline(&*pair.master);
        let child = pair.slave.spawn_command(command).unwrap();
        let (display, reads) = Display::of(pair.master.try_clone_reader().unwrap());
        let keys = pair.master.take_writer().unwrap();
        Self { child: Some(child), master: pair.master, keys, display, reads: Some(reads), before }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    fn signal(&self, signal: Signal) {
        let id =
            self.child.as_ref().and_then(|child| child.process_id()).and_then(|id| Pid::from_raw(id as i32)).unwrap();
        kill_process(id, signal).unwrap();
    }

    /// The program's exit code, once it has ended.
    fn exit_code(&mut self) -> u32 {
        self.child.take().unwrap().wait().unwrap().exit_code()
    }

    /// Closes the terminal under the program, which goes on.
    fn close(mut self) -> Box<dyn Child + Send + Sync> {
        close_display(&self.display, self.reads.take().unwrap(), &mut self.keys);
        self.child.take().unwrap()
    }
}

/// Lets go of the terminal's output: the thread that reads it must read once more before it can.
fn close_display(display: &Display, reads: JoinHandle<()>, keys: &mut dyn Write) {
    display.0.closing.store(true, Ordering::SeqCst);
    keys.write_all(b"m").unwrap();
    reads.join().unwrap();
}

/// The line discipline, as text that can be compared.
fn line_discipline(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().unwrap())
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended already.
            let _ = child.kill();
        }
    }
}

#[test]
fn it_starts_without_answers_listens_to_keys_and_leaves_the_terminal_as_it_was() {
    let folder = pictures();
    let mut session = Session::explorer(folder.path(), &[]);
    let display = session.display.clone();
    display.wait("the explorer", |screen| screen.alternate_screen() && screen.contents().contains("6 images"));
    display.wait_for("1 of 6");
    display.wait("a picture", |screen| {
        let cells = (0..ROWS).flat_map(|row| (0..COLUMNS).map(move |column| (row, column)));
        cells
            .filter_map(|(row, column)| screen.cell(row, column))
            .any(|cell| "▀▌▞▘".contains(cell.contents()) && cell.has_contents())
    });
    // Answers that come too late must not be taken for keys: `3` and `1` would change the screen.
    session.press("\x1b]11;rgb:1e1e/3333/3131\x07\x1b_Gi=31;OK\x1b\\\x1b[?62;4c\x1b[6;20;10t\x1b[0n");
    session.press("\x1b[C");
    display.wait_for("2 of 6");
    session.press("m");
    display.wait_for("euclidean");
    session.press("2");
    display.wait_for("more alike");
    session.press("?");
    display.wait_for("Esc closes");
    session.press("?");
    session.press("q");
    display.wait_restored();
    assert_eq!(session.exit_code(), 0);
    assert_eq!(line_discipline(&*session.master), session.before);
}

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
    let mut session = Session::explorer(folder.path(), &["--graphics", "halfblocks", "--debug-panic"]);
    let display = session.display.clone();
    display.wait("the message on the normal screen", |screen| {
        !screen.alternate_screen() && screen.contents().contains("asked for with --debug-panic")
    });
    display.wait_restored();
    assert_eq!(session.exit_code(), 101);
}

#[test]
fn a_terminal_that_is_closed_ends_the_program() {
    let folder = pictures();
    let session = Session::explorer(folder.path(), &["--graphics", "halfblocks"]);
    session.display.wait_for("6 images");
    session.close().wait().unwrap();
}

#[test]
fn a_terminal_that_dies_without_a_word_ends_the_program() {
    let folder = pictures();
    let size = PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).unwrap();
    let (display, reads) = Display::of(pair.master.try_clone_reader().unwrap());
    let mut keys = pair.master.take_writer().unwrap();
    // Not its controlling terminal, so that no signal comes when it goes.
    let name = pair.master.tty_name().unwrap();
    let open = || File::options().read(true).write(true).custom_flags(NO_CONTROL).open(&name).unwrap();
    let mut child = Command::new(PROGRAM)
        .args(["--model", "color-grid", "--no-cache", "--graphics", "halfblocks"])
        .arg(folder.path())
        .env("TERM", "xterm-256color")
        .stdin(open())
        .stdout(open())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    display.wait_for("6 images");
    close_display(&display, reads, &mut keys);
    drop((keys, pair));
    child.wait().unwrap();
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
fn marked_pictures_go_down_the_pipeline_while_the_screen_stays_on_the_terminal() {
    let folder = pictures();
    let out = folder.path().join("marked");
    let mut shell = CommandBuilder::new("sh");
    let program = format!("{PROGRAM} --model color-grid --no-cache --print-marked -0 \"$1\" | cat > \"$2\"");
    shell.args(["-c", &program, "sh"]);
    shell.arg(folder.path());
    shell.arg(&out);
    let mut session = Session::run(shell);
    let display = session.display.clone();
    display.wait_for("1 of 6");
    session.press(" ");
    display.wait_for("1 marked");
    session.press("q");
    display.wait_restored();
    session.exit_code();
    let expected = format!("{}\0", fs::canonicalize(folder.path().join("a.png")).unwrap().display());
    assert_eq!(fs::read_to_string(out).unwrap(), expected);
}

#[test]
fn without_a_terminal_it_says_so_and_writes_no_escape_code() {
    let folder = pictures();
    let output = Command::new(PROGRAM).arg(folder.path()).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!((said.lines().count(), output.stdout.as_slice()), (1, b"".as_slice()), "{said}");
    assert!(said.contains("terminal") && !said.contains('\x1b'), "{said}");
}
