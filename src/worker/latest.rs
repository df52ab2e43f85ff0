//! A thread with room for one waiting job: a newer job takes the place of the one that waits.

use std::{
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{Priority, lock, spawn};

/// The giving end; when it is dropped the thread ends after its job.
pub(super) struct Latest<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    slot: Mutex<Slot<T>>,
    changed: Condvar,
    /// Whether a job waits or none will come; beside the lock, because whoever works may ask all the time and on all cores.
    superseded: AtomicBool,
}

struct Slot<T> {
    waiting: Option<T>,
    working: bool,
    closed: bool,
}

impl<T: Send + 'static> Latest<T> {
    /// Starts the thread. `work` gets a job and a question to ask: has a newer one come, or does nobody wait any more?
    pub(super) fn spawn(
        name: &str,
        priority: Priority,
        mut work: impl FnMut(T, &(dyn Fn() -> bool + Sync)) + Send + 'static,
    ) -> Self {
        let slot = Slot { waiting: None, working: false, closed: false };
        let shared =
            Arc::new(Shared { slot: Mutex::new(slot), changed: Condvar::new(), superseded: AtomicBool::new(false) });
        let mine = shared.clone();
        spawn(name, priority, move || {
            while let Some(job) = mine.next() {
                work(job, &|| mine.superseded.load(Ordering::Relaxed));
            }
        });
        Self { shared }
    }

    /// Gives the thread a job, in place of the one that waits.
    pub(super) fn put(&self, job: T) {
        self.replace(|_| job);
    }

    /// Gives the thread what comes of the job that waits.
    fn replace(&self, by: impl FnOnce(Option<T>) -> T) {
        let mut slot = lock(&self.shared.slot);
        if !slot.closed {
            slot.waiting = Some(by(slot.waiting.take()));
            self.shared.superseded.store(true, Ordering::Relaxed);
        }
        drop(slot);
        self.shared.changed.notify_all();
    }

    /// Waits until the thread has nothing to do, at most this long.
    pub(super) fn wait_idle(&self, patience: Duration) {
        let slot = lock(&self.shared.slot);
        let _ = self
            .shared
            .changed
            .wait_timeout_while(slot, patience, |slot| slot.working || slot.waiting.is_some())
            .unwrap_or_else(PoisonError::into_inner);
    }
}

impl<T: Default + Send + 'static> Latest<T> {
    /// Gives the thread more to do, for a job of several parts.
    pub(super) fn change(&self, add: impl FnOnce(&mut T)) {
        self.replace(|waiting| {
            let mut job = waiting.unwrap_or_default();
            add(&mut job);
            job
        });
    }
}

impl<T> Latest<T> {
    /// Forgets the job that waits; the thread ends after the one it is at.
    pub(super) fn close(&self) {
        let mut slot = lock(&self.shared.slot);
        slot.waiting = None;
        slot.closed = true;
        self.shared.superseded.store(true, Ordering::Relaxed);
        drop(slot);
        self.shared.changed.notify_all();
    }
}

impl<T> Shared<T> {
    /// Sleeps until there is a job; nothing when there will be none.
    fn next(&self) -> Option<T> {
        let mut slot = lock(&self.slot);
        slot.working = false;
        self.changed.notify_all();
        let mut slot = self
            .changed
            .wait_while(slot, |slot| slot.waiting.is_none() && !slot.closed)
            .unwrap_or_else(PoisonError::into_inner);
        let job = slot.waiting.take();
        self.superseded.store(slot.closed, Ordering::Relaxed);
        slot.working = job.is_some();
        job
    }
}

impl<T> Drop for Latest<T> {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn the_newest_job_takes_the_place_of_those_that_wait() {
        let (begun, wait_begun) = mpsc::channel();
        let (let_go, held) = mpsc::channel::<()>();
        let (done, answers) = mpsc::channel();
        let thread = Latest::spawn("test", Priority::Normal, move |job: u32, superseded| {
            let _ = begun.send(());
            let _ = held.recv();
            let _ = done.send((job, superseded()));
        });
        thread.put(1);
        wait_begun.recv().expect("the thread begins");
        for job in 2..=9 {
            thread.put(job);
        }
        let_go.send(()).expect("it waits");
        assert_eq!(answers.recv(), Ok((1, true)));
        let_go.send(()).expect("it waits");
        assert_eq!(answers.recv(), Ok((9, false)));
        // The parts of a job are added to what waits, if anything does.
        thread.change(|job| *job += 1);
        wait_begun.iter().take(2).for_each(drop);
        thread.put(10);
        thread.change(|job| *job += 5);
        let_go.send(()).expect("it waits");
        assert_eq!(answers.recv(), Ok((1, true)));
        let_go.send(()).expect("it waits");
        assert_eq!(answers.recv(), Ok((15, false)));
        thread.wait_idle(Duration::from_secs(3600));
        drop(thread);
        assert!(answers.recv().is_err(), "the thread has ended and let go of its sender");
    }
}
