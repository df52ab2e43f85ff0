//! The thread that listens to the keyboard and the mouse. It is never joined: on a dead terminal it would not end.

use std::{
    io, thread,
    time::{Duration, Instant},
};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers, poll, read};

use crate::error::{Error, Result};

/// What reaches the explorer from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key, the mouse, or a new size.
    Terminal(Event),
    /// The terminal is gone, or somebody asks us to leave.
    Hangup,
    /// Somebody asks us to stop, as Ctrl-Z does.
    Stop,
    /// The program goes on after it was stopped.
    Continued,
}

/// For so long after the start an answer to our questions may still come.
const ANSWERS_COME: Duration = Duration::from_secs(10);
/// The pieces of an answer come closer together than keys are pressed.
const BETWEEN_PIECES: Duration = Duration::from_millis(50);

/// Starts listening; `send` says whether anybody still wants to hear.
///
/// # Errors
/// [`Error::Terminal`] when the system has no thread to give.
pub fn listen(send: impl Fn(Input) -> bool + Send + 'static) -> Result<()> {
    let hear = move || {
        let started = Instant::now();
        while let Ok(event) = read() {
            if started.elapsed() < ANSWERS_COME && begins_answer(&event) {
                if drop_answer(&send).is_err() {
                    break;
                }
            } else if !send(Input::Terminal(event)) {
                return;
            }
        }
        send(Input::Hangup);
    };
    thread::Builder::new().name("keyboard".into()).spawn(hear).map_err(Error::Terminal)?;
    Ok(())
}

/// Reads on to the end of a late answer, which crossterm takes for keys: they must not do anything.
fn drop_answer(send: &impl Fn(Input) -> bool) -> io::Result<()> {
    while poll(BETWEEN_PIECES)? {
        match read()? {
            event if ends_answer(&event) => break,
            size @ Event::Resize(..) => {
                send(Input::Terminal(size));
            }
            _ => {}
        }
    }
    Ok(())
}

/// ESC and one of `]` (OSC), `_` (APC) or `P` (DCS), which looks like a key pressed with Alt.
fn begins_answer(event: &Event) -> bool {
    matches!(event, Event::Key(KeyEvent { code: KeyCode::Char(']' | '_' | 'P'), modifiers, .. })
        if modifiers.contains(KeyModifiers::ALT))
}

/// BEL or ESC \, which look like Ctrl-G and Alt-\.
fn ends_answer(event: &Event) -> bool {
    matches!(event, Event::Key(KeyEvent { code: KeyCode::Char('g'), modifiers: KeyModifiers::CONTROL, .. }))
        || matches!(event, Event::Key(KeyEvent { code: KeyCode::Char('\\'), modifiers: KeyModifiers::ALT, .. }))
}
