//! How the program ends early: Ctrl-C and SIGTERM while a headless command works, of which the first asks it to stop and
//! keep what is done; and the end of the process itself.

use std::sync::Arc;

use signal_hook::{
    consts::{SIGINT, SIGTERM, SIGXFSZ},
    flag, low_level,
};

use crate::{
    cancel::CancelToken,
    error::{Error, Exit, Result},
};

/// A token that the signals cancel; a second signal ends the process at once.
///
/// # Errors
/// [`Error::Terminal`] when the system refuses to register the signals.
pub fn cancelled_by_signals() -> Result<CancelToken> {
    let token = CancelToken::default();
    for signal in [SIGINT, SIGTERM] {
        // In this order the first signal finds the token unset, and the second one finds it set.
        flag::register_conditional_shutdown(signal, Exit::Interrupted as i32, token.flag())
            .and_then(|_| flag::register(signal, token.flag()))
            .map_err(Error::Terminal)?;
    }
    Ok(token)
}

/// From now on a file that grows beyond the limit of the user's shell is refused, as on a full disk, and does not end the
/// process in the middle of its work.
pub(super) fn outlive_file_limits() {
    // Where the system refuses, it stays as it was.
    let _ = flag::register(SIGXFSZ, Arc::default());
}

/// Ends the process without exit handlers. libtorch's would take away what a thread may still be computing with, and the
/// program would crash after it had done its work. Whatever was written must have been flushed.
pub(super) fn exit_at_once(code: i32) -> ! {
    low_level::exit(code)
}
