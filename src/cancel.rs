//! The token by which long work is asked to stop.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

use crate::error::{Error, Exit, Result};

/// Shared by whoever may stop a piece of work and the thread that does it. Asking it costs one atomic read.
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// Asks the work to stop at the next picture or batch.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// A token that Ctrl-C and SIGTERM cancel; a second Ctrl-C ends the process at once. For headless commands.
    ///
    /// # Errors
    /// [`Error::Terminal`] when the system refuses to register the signals.
    pub fn cancelled_by_signals() -> Result<Self> {
        let token = Self::default();
        for signal in [SIGINT, SIGTERM] {
            // In this order the first signal finds the token unset, and the second one finds it set.
            flag::register_conditional_shutdown(signal, Exit::Interrupted as i32, Arc::clone(&token.0))
                .and_then(|_| flag::register(signal, Arc::clone(&token.0)))
                .map_err(Error::Terminal)?;
        }
        Ok(token)
    }
}
