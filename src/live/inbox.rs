//! Where a source puts its frames: room for one. Of a camera the newest takes the place of the one before; a source whose
//! every picture counts waits until its last one was taken.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use image::RgbImage;

use super::Frame;
use crate::error::Result;

/// A place for the newest frame.
pub struct Inbox {
    every_frame: bool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    newest: Option<Arc<Frame>>,
    /// The number of the newest frame that was taken.
    taken: u64,
    put: u64,
    ended: Option<Result<()>>,
    closed: bool,
}

/// What was in the inbox.
pub enum Taken {
    /// A frame that is newer than the one before.
    Frame(Arc<Frame>),
    /// Nothing new yet.
    Nothing,
    /// Nothing new will come; why, where that is a failure. It is said once.
    Ended(Result<()>),
}

impl Inbox {
    /// An empty one, in which each frame waits to be taken, or does not.
    #[must_use]
    pub fn new(every_frame: bool) -> Self {
        Self { every_frame, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Whether no frame is left out.
    #[must_use]
    pub fn takes_every_frame(&self) -> bool {
        self.every_frame
    }

    /// Puts a frame in; `false` when nobody wants any more.
    pub fn put(&self, picture: RgbImage, source: &str) -> bool {
        let mut state = self.lock();
        if self.every_frame {
            let waits = |state: &mut State| state.taken < state.put && !state.closed;
            state = self.changed.wait_while(state, waits).unwrap_or_else(PoisonError::into_inner);
        }
        state.put += 1;
        let (number, at) = (state.put, SystemTime::now());
        state.newest = Some(Arc::new(Frame { picture, at, number, source: source.to_owned() }));
        let wanted = !state.closed;
        drop(state);
        self.changed.notify_all();
        wanted
    }

    /// Says that nothing more will come.
    pub fn end(&self, how: Result<()>) {
        self.lock().ended = Some(how);
        self.changed.notify_all();
    }

    /// Waits for a frame that is newer than number `after`, and takes it.
    pub fn take(&self, after: u64, patience: Duration) -> Taken {
        let waits = |state: &mut State| state.put <= after && state.ended.is_none() && !state.closed;
        let waited = self.changed.wait_timeout_while(self.lock(), patience, waits);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match state.newest.clone().filter(|frame| frame.number > after) {
            Some(frame) => {
                state.taken = frame.number;
                drop(state);
                self.changed.notify_all();
                Taken::Frame(frame)
            }
            None if state.closed => Taken::Ended(Ok(())),
            None => match state.ended.take() {
                Some(how) => {
                    state.closed = true;
                    Taken::Ended(how)
                }
                None => Taken::Nothing,
            },
        }
    }

    /// The newest frame, if it is newer than number `after`; it is not taken.
    #[must_use]
    pub fn peek(&self, after: u64) -> Option<Arc<Frame>> {
        self.lock().newest.clone().filter(|frame| frame.number > after)
    }

    /// Waits for a frame that is newer than number `after` without taking it, or for the end.
    pub fn wait(&self, after: u64, patience: Duration) {
        let waits = |state: &mut State| state.put <= after && state.ended.is_none() && !state.closed;
        drop(self.changed.wait_timeout_while(self.lock(), patience, waits));
    }

    /// Says that nobody wants anything any more.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Whether nobody wants anything any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Waits until nobody wants anything any more, at most this long; whether that is so.
    pub fn wait_closed(&self, patience: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), patience, |state| !state.closed);
        waited.unwrap_or_else(PoisonError::into_inner).0.closed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn number(taken: Taken) -> u64 {
        match taken {
            Taken::Frame(frame) => frame.number,
            Taken::Nothing => 0,
            Taken::Ended(_) => u64::MAX,
        }
    }

    #[test]
    fn the_newest_frame_wins_and_the_end_comes_after_it() {
        let inbox = Inbox::new(false);
        assert_eq!(number(inbox.take(0, Duration::ZERO)), 0);
        for _ in 0..3 {
            assert!(inbox.put(RgbImage::new(1, 1), "a"));
        }
        inbox.end(Ok(()));
        assert_eq!(number(inbox.take(0, Duration::ZERO)), 3);
        assert_eq!(number(inbox.take(3, Duration::ZERO)), u64::MAX);
        assert!(!inbox.put(RgbImage::new(1, 1), "a"), "nobody wants it");
    }

    #[test]
    fn where_every_frame_counts_none_is_lost() {
        let inbox = Arc::new(Inbox::new(true));
        let putting = Arc::clone(&inbox);
        let thread = thread::spawn(move || {
            for _ in 0..50 {
                putting.put(RgbImage::new(1, 1), "a");
            }
            putting.end(Ok(()));
        });
        let mut last = 0;
        loop {
            match number(inbox.take(last, Duration::from_secs(60))) {
                u64::MAX => break,
                now => {
                    assert_eq!(now, last + 1);
                    last = now;
                }
            }
        }
        thread.join().expect("it does not panic");
        assert_eq!(last, 50);
    }

    #[test]
    fn whoever_waits_is_let_go_when_nobody_wants_more() {
        let inbox = Arc::new(Inbox::new(true));
        assert!(inbox.put(RgbImage::new(1, 1), "a"));
        let putting = Arc::clone(&inbox);
        let thread = thread::spawn(move || putting.put(RgbImage::new(1, 1), "a"));
        inbox.close();
        assert!(!thread.join().expect("it does not panic"));
        assert!(inbox.wait_closed(Duration::ZERO));
    }
}
