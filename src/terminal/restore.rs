//! Giving the terminal back: in the ordinary way, or at once when the program is about to end and nothing may block.

use std::{
    fs::File,
    io::{self, IsTerminal},
    os::fd::{AsFd, AsRawFd, OwnedFd},
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use rustix::{
    fs::{Mode, OFlags, open},
    termios::{OptionalActions, Termios, tcgetattr, tcsetattr, ttyname},
    thread::{Timespec, nanosleep},
};

use super::write_all;

/// Alternate screen, no cursor, buttons and wheel of the mouse with coordinates beyond 223 (but no mere motion, which
/// would send bytes all the time), and marks around pasted text, which is not to be taken for keys.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?1000h\x1b[?1002h\x1b[?1006h\x1b[?2004h\x1b[0m\x1b[2J";

/// Everything [`ENTER`] did, in reverse; also ends a frame or a picture that was cut short.
const LEAVE: &str = "\x1b\\\x1b[?2026l\x1b[0m\x1b[?2004l\x1b[?1006l\x1b[?1002l\x1b[?1000l\x1b[?25h\x1b[?1049l";

/// How often [`restore_at_once`] tries to write, and how long it waits in between: half a second in all.
const TRIES: u32 = 50;
const BETWEEN_TRIES: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };

/// Whether the line discipline is ours at the moment, and whether the screen is.
static RAW: AtomicBool = AtomicBool::new(false);
static ENTERED: AtomicBool = AtomicBool::new(false);

/// What [`restore_at_once`] needs, made ready while there is time for it.
static SAVED: OnceLock<Saved> = OnceLock::new();

struct Saved {
    /// The screen, through a description of its own, on which no write blocks.
    screen: OwnedFd,
    /// Where the keys come from, and its line discipline before the program changed it.
    keyboard: OwnedFd,
    modes: Termios,
}

/// Remembers how the terminal was found; only the first call counts.
///
/// # Errors
/// When the terminal is gone.
pub(super) fn remember(tty: &File) -> io::Result<()> {
    let stdin = io::stdin();
    let keyboard = if stdin.is_terminal() { stdin.as_fd() } else { tty.as_fd() }.try_clone_to_owned()?;
    let modes = tcgetattr(&keyboard)?;
    // In a container the name may lead nowhere; then the system opens again what is open already.
    let name = ttyname(tty, Vec::new()).ok().and_then(|name| name.into_string().ok());
    let again = |name: &str| open(name, OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY, Mode::empty()).ok();
    let screen = name.and_then(|name| again(&name)).or_else(|| again(&format!("/dev/fd/{}", tty.as_raw_fd())));
    let screen = match screen {
        Some(screen) => screen,
        None => tty.as_fd().try_clone_to_owned()?,
    };
    let _ = SAVED.set(Saved { screen, keyboard, modes });
    Ok(())
}

/// Keys come one by one from now on, unechoed.
///
/// # Errors
/// When the terminal is gone.
pub(super) fn enter_raw() -> io::Result<()> {
    RAW.store(true, Ordering::SeqCst);
    enable_raw_mode()
}

/// The line discipline as it was found.
///
/// # Errors
/// When the terminal is gone.
pub(super) fn leave_raw() -> io::Result<()> {
    disable_raw_mode()?;
    RAW.store(false, Ordering::SeqCst);
    Ok(())
}

/// Takes the terminal over.
///
/// # Errors
/// When the terminal is gone.
pub(super) fn take_over(tty: &File) -> io::Result<()> {
    enter_raw()?;
    ENTERED.store(true, Ordering::SeqCst);
    write_all(tty, ENTER.as_bytes())
}

/// Leaves the terminal as it was found; does nothing when that has happened already.
pub(super) fn give_back(tty: &File) {
    // The marks are taken away last: whoever ends the program while the write blocks must find them. On a dead terminal
    // all of it fails, and nothing is lost.
    if ENTERED.load(Ordering::SeqCst) {
        let _ = write_all(tty, LEAVE.as_bytes());
        ENTERED.store(false, Ordering::SeqCst);
    }
    if RAW.load(Ordering::SeqCst) {
        let _ = leave_raw();
    }
}

/// Leaves the terminal as it was found, as far as half a second allows, and writes a line for the user on it. Says
/// whether there was anything to give back.
///
/// Async-signal-safe: atomics and system calls, no allocation and no lock.
pub(super) fn restore_at_once(message: &[u8]) -> bool {
    let Some(saved) = SAVED.get() else { return false };
    let (entered, raw) = (ENTERED.swap(false, Ordering::SeqCst), RAW.swap(false, Ordering::SeqCst));
    if raw {
        let _ = tcsetattr(&saved.keyboard, OptionalActions::Now, &saved.modes);
    }
    if entered && write_at_once(&saved.screen, LEAVE.as_bytes()) {
        write_at_once(&saved.screen, message);
    }
    entered || raw
}

/// Writes without waiting for a terminal that takes nothing; a thread that is just writing a frame is waited for.
fn write_at_once(screen: &OwnedFd, mut bytes: &[u8]) -> bool {
    for _ in 0..TRIES {
        match rustix::io::write(screen, bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error == rustix::io::Errno::AGAIN || error == rustix::io::Errno::INTR => {
                let _ = nanosleep(&BETWEEN_TRIES);
            }
            Err(_) => return false,
        }
        if bytes.is_empty() {
            return true;
        }
    }
    false
}
