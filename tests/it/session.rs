//! The real program in a pseudo-terminal, for tests to look at, type into and pull the plug of.

use std::{
    fs::File,
    io::{Read, Write},
    num::NonZeroU16,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use image::{Rgb, RgbImage};
use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use rustix::{
    fs::OFlags,
    process::{Pid, Signal, kill_process},
    termios::{Action, tcflow},
};
use tempfile::TempDir;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_lookalike");
pub const ROWS: u16 = 30;
pub const COLUMNS: u16 = 100;
/// Only so that a failure is a failure and no endless wait; far longer than anything takes.
pub const GIVE_UP: Duration = Duration::from_secs(120);

/// Six pictures, `a.png` to `f.png`.
pub fn pictures() -> TempDir {
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
pub struct Display(Arc<Shared>);

struct Shared {
    parser: Mutex<vt100::Parser>,
    changed: Condvar,
    closing: AtomicBool,
}

impl Display {
    /// The screen and the thread, which ends with the program.
    pub fn of(mut output: impl Read + Send + 'static) -> (Self, JoinHandle<()>) {
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
    pub fn wait(&self, what: &str, is_so: impl Fn(&vt100::Screen) -> bool) {
        let parser = self.0.parser.lock().unwrap();
        let (parser, waited) =
            self.0.changed.wait_timeout_while(parser, GIVE_UP, |parser| !is_so(parser.screen())).unwrap();
        let screen = parser.screen().contents();
        assert!(!waited.timed_out(), "waited for {what}; the screen:\n{screen}");
    }

    #[track_caller]
    pub fn wait_for(&self, text: &str) {
        self.wait(text, |screen| screen.contents().contains(text));
    }

    #[track_caller]
    pub fn wait_restored(&self) {
        self.wait("the normal screen and its cursor", |screen| {
            let mouse = screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None;
            !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste() && mouse
        });
    }
}

/// A program in a pseudo-terminal of its own, which is its controlling one. Dropping it ends the program.
pub struct Session {
    /// Taken out by a test that closes the terminal and then waits.
    pub child: Option<Box<dyn Child + Send + Sync>>,
    pub master: Box<dyn MasterPty + Send>,
    pub keys: Box<dyn Write + Send>,
    pub display: Display,
    reads: Option<JoinHandle<()>>,
    /// The line discipline before the program ran.
    pub before: String,
}

impl Session {
    /// Runs the explorer on the folder. Nobody answers its questions.
    pub fn explorer(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = CommandBuilder::new(PROGRAM);
        command.args(["--model", "color-grid", "--no-cache"]);
        command.args(arguments);
        command.arg(folder);
        Self::run(command)
    }

    pub fn run(mut command: CommandBuilder) -> Self {
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

    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    pub fn signal(&self, signal: Signal) {
        let id =
            self.child.as_ref().and_then(|child| child.process_id()).and_then(|id| Pid::from_raw(id as i32)).unwrap();
        kill_process(id, signal).unwrap();
    }

    /// How the program ended, once it has.
    #[track_caller]
    pub fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        let mut killer = child.clone_killer();
        within_limit(move || child.wait().unwrap()).unwrap_or_else(|| {
            let _ = killer.kill();
            panic!("the program does not end");
        })
    }

    /// The program's exit code, once it has ended.
    #[track_caller]
    pub fn exit_code(&mut self) -> u32 {
        self.ended().exit_code()
    }

    /// The screen with the last word of a program that has ended.
    #[track_caller]
    pub fn last_screen(&mut self) -> String {
        let reads = self.reads.take().unwrap();
        within_limit(move || reads.join().unwrap()).expect("the terminal of a program that has ended is closed");
        self.display.0.parser.lock().unwrap().screen().contents()
    }

    /// Closes the terminal under the program, which goes on.
    pub fn close(mut self) -> Box<dyn Child + Send + Sync> {
        close_display(&self.display, self.reads.take().unwrap(), &mut self.keys);
        self.child.take().unwrap()
    }
}

/// What `wait` returns, unless it takes for ever.
pub fn within_limit<T: Send + 'static>(wait: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || tell.send(wait()));
    told.recv_timeout(GIVE_UP).ok()
}

/// Stops and starts the terminal's output: a stalled line, on which every write of the program blocks.
pub fn flow(master: &dyn MasterPty, action: Action) {
    let flags = (OFlags::NOCTTY | OFlags::NONBLOCK).bits() as i32;
    let tty = File::options().write(true).custom_flags(flags).open(master.tty_name().unwrap()).unwrap();
    tcflow(tty, action).unwrap();
}

/// Lets go of the terminal's output: the thread that reads it must read once more before it can.
pub fn close_display(display: &Display, reads: JoinHandle<()>, keys: &mut dyn Write) {
    display.0.closing.store(true, Ordering::SeqCst);
    keys.write_all(b"m").unwrap();
    reads.join().unwrap();
}

/// The line discipline, as text that can be compared.
pub fn line_discipline(master: &dyn MasterPty) -> String {
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
