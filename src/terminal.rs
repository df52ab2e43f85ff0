//! The terminal: taken over at the start, given back however the explorer ends, and asked what it can show.
//!
//! The screen is drawn on standard output, or, when that leads into a pipeline, on the controlling terminal.

mod backend;
pub mod capabilities;
mod device;
mod fatal;
pub mod input;
mod query;
mod restore;
pub mod signals;

use std::{
    fs::File,
    io::{self, Write},
    panic,
    sync::Once,
    thread,
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use ratatui::{Frame, Terminal, layout::Rect};
use rustix::event::{PollFd, PollFlags, poll};

pub use self::capabilities::{Capabilities, DisplayOptions};
use self::{
    backend::{BlankEnds, DiffBackend, RightHalves},
    restore::give_back,
};
use crate::error::{Error, Result};

/// Between these the terminal holds still, if it knows how to, and then shows the frame at once.
const FRAME_BEGINS: &str = "\x1b[?2026h";
const FRAME_ENDS: &str = "\x1b[?2026l";

/// The terminal while it is ours. Dropping it gives the terminal back.
pub struct TerminalGuard {
    tui: Terminal<DiffBackend>,
    right_halves: RightHalves,
    blank_ends: BlankEnds,
    tty: File,
    capabilities: Capabilities,
}

impl TerminalGuard {
    /// Takes the terminal over, says so in one line, and asks what it can show.
    ///
    /// # Errors
    /// [`Error::Usage`] when there is no terminal that can place text, [`Error::Terminal`] when it cannot be used.
    pub fn enter(display: &DisplayOptions, pipeline: bool) -> Result<Self> {
        let tty = device::open(pipeline)?;
        capabilities::check_term()?;
        restore::remember(&tty).map_err(Error::Terminal)?;
        fatal::catch_faults().map_err(Error::Terminal)?;
        restore_after_panic(tty.try_clone().map_err(Error::Terminal)?);
        let blank_ends = BlankEnds::default();
        let backend = DiffBackend::new(tty.try_clone().map_err(Error::Terminal)?, blank_ends.clone());
        let tui = Terminal::new(backend).map_err(Error::Terminal)?;
        let (right_halves, capabilities) = (RightHalves::default(), Capabilities::plain(display));
        let mut screen = Self { tui, right_halves, blank_ends, tty, capabilities };
        restore::take_over(&screen.tty).map_err(Error::Terminal)?;
        write_all(&screen.tty, b"\x1b[Hlookalike: asking the terminal what it can show").map_err(Error::Terminal)?;
        screen.capabilities = Capabilities::ask(display, &screen.tty);
        screen.clear().map_err(Error::Terminal)?;
        Ok(screen)
    }

    /// What the terminal can show.
    #[must_use]
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Columns and rows.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        size(&self.tty)
    }

    /// Draws a frame: one write of what has changed, shown at once where the terminal can do that. No change, no byte.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn draw(&mut self, render: impl FnOnce(&mut Frame)) -> io::Result<()> {
        self.tui.draw(|frame| {
            render(frame);
            self.right_halves.refresh(frame.buffer_mut());
            self.blank_ends.refresh(frame.buffer_mut());
        })?;
        let drawn = self.tui.backend_mut().take();
        if drawn.is_empty() {
            return Ok(());
        }
        write_all(&self.tty, &[FRAME_BEGINS.as_bytes(), &drawn, FRAME_ENDS.as_bytes()].concat())
    }

    /// Forgets what the terminal shows, so that the next frame draws all of it.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn clear(&mut self) -> io::Result<()> {
        let (columns, rows) = self.size()?;
        // `Terminal::clear` would ask where the cursor is, and the input thread would get the answer.
        self.tui.resize(Rect::new(0, 0, columns, rows))
    }

    /// Puts text on the clipboard of the machine in front of the user (OSC 52), through tmux as well.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        let mut sequence = format!("\x1b]52;c;{}\x07", BASE64.encode(text));
        if self.capabilities.multiplexed {
            // tmux keeps the plain sequence for itself, unless it was told to pass everything on.
            sequence += &format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b"));
        }
        write_all(&self.tty, sequence.as_bytes())
    }

    /// Gives the terminal back and stops the whole job, as Ctrl-Z does; returns in the foreground, with the terminal
    /// taken over and cleared again.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn suspend(&mut self) -> io::Result<()> {
        give_back(&self.tty);
        stop();
        self.resume()
    }

    /// Takes the terminal over again after somebody else had it.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn resume(&mut self) -> io::Result<()> {
        // The shell may have changed the line discipline meanwhile, and crossterm believes it is as we left it.
        restore::leave_raw()?;
        restore::take_over(&self.tty)?;
        self.clear()
    }
}

/// Writes all of it, however long the terminal takes.
fn write_all(mut tty: &File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match tty.write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Whoever shares the terminal with us may have made it one on which no write waits.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                poll(&mut [PollFd::new(tty, PollFlags::OUT)], None)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Columns and rows, and what the terminal shows, without taking it over.
///
/// # Errors
/// As [`TerminalGuard::enter`].
pub fn inspect(display: &DisplayOptions) -> Result<((u16, u16), Capabilities)> {
    let tty = device::open(false)?;
    let size = size(&tty).map_err(Error::Terminal)?;
    // Whatever ends the program meanwhile must not leave the terminal without an echo.
    restore::remember(&tty).map_err(Error::Terminal)?;
    signals::listen(|_| false)?;
    restore::enter_raw().map_err(Error::Terminal)?;
    let found = Capabilities::ask(display, &tty);
    restore::leave_raw().map_err(Error::Terminal)?;
    Ok((size, found))
}

/// Columns and rows.
fn size(tty: &File) -> io::Result<(u16, u16)> {
    // Asked of this very terminal: crossterm's question is answered even when it is gone.
    let size = rustix::termios::tcgetwinsize(tty)?;
    Ok((size.ws_col, size.ws_row))
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        give_back(&self.tty);
    }
}

/// A panic of this thread, the one that draws, gives the terminal back before its message is printed. A worker's panic
/// prints nothing: it is caught there and becomes an answer.
fn restore_after_panic(tty: File) {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let drawing = thread::current().id();
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if thread::current().id() == drawing {
                give_back(&tty);
                print(panic);
            }
        }));
    });
}

/// Columns and rows of the terminal behind standard output; `None` when they are not known.
#[must_use]
pub fn output_size() -> Option<(usize, usize)> {
    crossterm::terminal::size().ok().map(|(columns, rows)| (columns.into(), rows.into()))
}

/// Stops the job as Ctrl-Z does, until the shell continues it.
pub fn stop() {
    // Where that is not permitted there is nobody to stop for, and the program goes on.
    let _ = fatal::stop_job();
}
