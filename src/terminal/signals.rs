//! The thread that listens to signals. It starts before the terminal is taken over, so that none finds it unguarded.

use std::{
    thread,
    time::{Duration, Instant},
};

use signal_hook::{
    consts::{SIGALRM, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2, SIGXCPU},
    iterator::Signals,
    low_level,
};

use super::{fatal::stop_job, input::Input, restore::restore_at_once};
use crate::error::{Error, Exit, Result};

/// Whoever hangs up often sends two signals at once; so long after the first the second means that the program hangs.
const SECOND_SIGNAL: Duration = Duration::from_millis(500);

/// Starts listening; `send` says whether anybody still wants to hear.
///
/// The first signal that asks the program to end is sent on; the second, or one that nobody hears, ends it at once with
/// [`Exit::Interrupted`]. Nothing that the program may hang in can hold that up.
///
/// # Errors
/// [`Error::Terminal`] when signals cannot be caught or the system has no thread to give.
pub fn listen(send: impl Fn(Input) -> bool + Send + 'static) -> Result<()> {
    // Left alone, each of them would end the program and leave the terminal as it is.
    const ENDING: [i32; 8] = [SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU];
    let mut signals = Signals::new(ENDING.iter().chain(&[SIGTSTP, SIGCONT])).map_err(Error::Terminal)?;
    let watch = move || {
        let mut first = None;
        for signal in signals.forever() {
            match signal {
                SIGCONT => drop(send(Input::Continued)),
                // When nobody has the screen any more, there is nothing to be done before.
                SIGTSTP if !send(Input::Stop) => drop(stop_job()),
                SIGTSTP => {}
                _ => match first {
                    None if send(Input::Hangup) => first = Some(Instant::now()),
                    None => end_now(),
                    Some(first) => {
                        thread::sleep(SECOND_SIGNAL.saturating_sub(first.elapsed()));
                        end_now();
                    }
                },
            }
        }
    };
    thread::Builder::new().name("signals".into()).spawn(watch).map_err(Error::Terminal)?;
    Ok(())
}

fn end_now() -> ! {
    restore_at_once(b"");
    low_level::exit(Exit::Interrupted as i32)
}
