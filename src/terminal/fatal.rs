//! Signals whose usual action must come after the terminal was given back: faults that end the program, and the stop.
//!
//! The only file of this room with `unsafe` code. A fault's handler must run on the stack that Rust sets aside for a
//! thread whose own is used up, and must hand a fault on to the handler that was there before, which names that thread;
//! the stop must be left to the system, which knows whether a shell is there that could end it. No safe interface to
//! `sigaction` offers either.

#![allow(unsafe_code, reason = "signal handlers that no safe library can install, see above")]

use std::{ffi::c_int, io, mem, ptr, sync::OnceLock};

use rustix::process::{Signal, kill_current_process_group};
use signal_hook::low_level::emulate_default_handler;

use super::restore::restore_at_once;

/// Each signal, what is said to the user, and what was done about it before.
static FAULTS: [(c_int, &str, Before); 5] = [
    (libc::SIGSEGV, "lookalike: ended by a mistake in the program (SIGSEGV); please report it\r\n", Before::new()),
    (libc::SIGILL, "lookalike: ended by an instruction this processor does not know (SIGILL)\r\n", Before::new()),
    (libc::SIGFPE, "lookalike: ended by a mistake in the program (SIGFPE); please report it\r\n", Before::new()),
    (
        libc::SIGBUS,
        "lookalike: ended because a file could not be read on, perhaps it was cut short (SIGBUS)\r\n",
        Before::new(),
    ),
    (libc::SIGABRT, "lookalike: ended because memory ran out or a library gave up (SIGABRT)\r\n", Before::new()),
];

type Before = OnceLock<libc::sigaction>;

/// From now on a fault gives the terminal back before it ends the program.
///
/// # Errors
/// When the system refuses.
pub(super) fn catch_faults() -> io::Result<()> {
    for (signal, _, before) in &FAULTS {
        if before.get().is_none() {
            // SAFETY: zeroes are a valid `sigaction` on all systems, and the mask is made properly below.
            let mut action: libc::sigaction = unsafe { mem::zeroed() };
            let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut libc::c_void) = on_fault;
            action.sa_sigaction = handler as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            // SAFETY: the pointer is to a mask that lives.
            unsafe { libc::sigemptyset(&mut action.sa_mask) };
            // What the handler reads is there before the handler is.
            let _ = before.set(exchange(*signal, None)?);
            exchange(*signal, Some(&action))?;
        }
    }
    Ok(())
}

/// Stops the whole job, as Ctrl-Z does in other programs; returns in the foreground.
///
/// Everybody in the pipeline must stop, or the shell goes on waiting. In a session without a shell nobody could wake us:
/// the system knows that and lets the program go on at once.
///
/// # Errors
/// When the system refuses.
pub(super) fn stop_job() -> io::Result<()> {
    // SAFETY: zeroes are a valid `sigaction`: the usual action, no flags, nothing blocked.
    let usual: libc::sigaction = unsafe { mem::zeroed() };
    let ours = exchange(libc::SIGTSTP, Some(&usual))?;
    let stopped = kill_current_process_group(Signal::TSTP);
    exchange(libc::SIGTSTP, Some(&ours))?;
    stopped.map_err(Into::into)
}

/// Sets what is done about a signal, if anything is to be, and tells what was done before.
fn exchange(signal: c_int, action: Option<&libc::sigaction>) -> io::Result<libc::sigaction> {
    // SAFETY: zeroes are a valid `sigaction`, to be written over.
    let mut before: libc::sigaction = unsafe { mem::zeroed() };
    let action = action.map_or(ptr::null(), ptr::from_ref);
    // SAFETY: both pointers are null or to structures that outlive the call; a handler in `action` is either `on_fault`,
    // which is async-signal-safe, or one that the system itself named before.
    match unsafe { libc::sigaction(signal, action, &mut before) } {
        0 => Ok(before),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Runs in the thread that the fault happened in; everything that it calls is async-signal-safe.
extern "C" fn on_fault(signal: c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    let Some((_, message, before)) = FAULTS.iter().find(|(of, ..)| *of == signal) else { return };
    restore_at_once(message.as_bytes());
    // SAFETY: the system passes a valid structure to a handler that was installed with SA_SIGINFO.
    let by_the_processor = unsafe { (*info).si_code } > 0;
    if by_the_processor && before.get().is_some_and(|before| exchange(signal, Some(before)).is_ok()) {
        // The instruction is tried again, fails again, and whoever was here first says what it knows.
        return;
    }
    let _ = emulate_default_handler(signal);
}
