//! Memory that all threads of the process share while they read large pictures.
//!
//! What a picture needs is known from its header, before any of it is allocated. A thread takes that much and waits
//! while others have it; a pool of threads can so not multiply what one picture may take.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Less is not worth asking for: as many threads as there are may take it at any time.
const SMALL: u64 = 64 << 20;

/// Bytes that threads take and give back.
#[derive(Debug)]
pub(super) struct Budget {
    total: u64,
    free: Mutex<u64>,
    freed: Condvar,
    /// Held by whoever waits, so that a large share is not kept waiting by smaller ones that come later.
    turn: Mutex<()>,
}

/// Bytes taken, which go back when this is dropped.
#[derive(Debug)]
pub(super) struct Share {
    bytes: u64,
    of: &'static Budget,
}

impl Budget {
    pub(super) const fn new(total: u64) -> Self {
        Self { total, free: Mutex::new(total), freed: Condvar::new(), turn: Mutex::new(()) }
    }

    /// Takes so many bytes, at most all there are, and waits until they are free; nothing is taken for a small share.
    ///
    /// No thread may ask twice of one budget without giving back in between, or all could wait for one another.
    pub(super) fn take(&'static self, bytes: u64) -> Option<Share> {
        if bytes <= SMALL {
            return None;
        }
        let bytes = bytes.min(self.total);
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(self.free(), |free| *free < bytes).unwrap_or_else(PoisonError::into_inner);
        *free -= bytes;
        Some(Share { bytes, of: self })
    }

    fn free(&self) -> MutexGuard<'_, u64> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        *self.of.free() += self.bytes;
        self.of.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicU64, Ordering},
        thread,
    };

    use super::*;

    #[test]
    fn threads_never_hold_more_than_there_is_and_all_get_their_turn() {
        static BUDGET: Budget = Budget::new(3 * SMALL);
        static HELD: AtomicU64 = AtomicU64::new(0);
        thread::scope(|scope| {
            for thread in 0..8 {
                scope.spawn(move || {
                    for round in 0..50 {
                        let wanted = SMALL + 1 + (thread * 7 + round * 13) % 5 * SMALL;
                        let share = BUDGET.take(wanted).unwrap();
                        let held = HELD.fetch_add(share.bytes, Ordering::SeqCst) + share.bytes;
                        assert!(held <= BUDGET.total, "{held}");
                        HELD.fetch_sub(share.bytes, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(*BUDGET.free(), BUDGET.total);
    }

    #[test]
    fn a_small_share_is_free_and_a_huge_one_is_all_there_is() {
        static BUDGET: Budget = Budget::new(3 * SMALL);
        assert!(BUDGET.take(SMALL).is_none());
        let all = BUDGET.take(u64::MAX).unwrap();
        assert_eq!((all.bytes, *BUDGET.free()), (BUDGET.total, 0));
        drop(all);
        assert_eq!(*BUDGET.free(), BUDGET.total);
    }
}
