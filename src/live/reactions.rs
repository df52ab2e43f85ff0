//! What is done for each frame that was looked at, besides telling of it: it is kept, and a command is run when a name
//! comes into view, if the user wants that. Each is done in the order of the frames on a thread of its own, so that
//! neither a slow disk nor a command that starts slowly holds up who looks.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, SyncSender, TryRecvError},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{Frame, SLICE, Say, hook::Hook, keep::Keeper};
use crate::{
    analysis::gallery::{Gallery, Identity},
    cancel::CancelToken,
    error::{Error, Result},
    text,
};

/// At most so many frames wait for the disk: each is a whole picture in memory.
const FRAMES: usize = 8;
/// At most so many names wait for the command.
const NAMES: usize = 64;
/// How long the end waits for a thread that was told to stop.
const PATIENCE: Duration = Duration::from_secs(2);

const DISK: Delay = Delay { what: "frame", why: "the disk is slower than the camera" };
const COMMAND: Delay = Delay { what: "name", why: "--exec is started more slowly than names come" };

/// What to do with what cannot be done in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// Whoever brings it waits until there is room.
    Waits,
    /// It is left out, and that is said.
    IsLeftOut,
}

/// The threads that keep frames and run the command. Dropping it leaves undone what waits, and ends commands that run.
pub struct Reactions {
    // Dropped first: commands end at once, while a disk may need its time.
    runner: Option<Backlog<(String, f32)>>,
    keeper: Option<Backlog<Arc<Frame>>>,
    /// The names that were in the frame before.
    before: Vec<String>,
}

impl Reactions {
    /// Starts what is wanted: frames are kept in the folder, and the command is run.
    ///
    /// # Errors
    /// [`Error::Io`] when the system has no thread to give.
    pub fn start(hook: Option<Hook>, folder: Option<PathBuf>, excess: Excess, tell: &Say) -> Result<Self> {
        let keeper = folder.map(|folder| {
            let mut keeper = Keeper::new(folder, Arc::clone(tell));
            Backlog::start("keeping", FRAMES, excess, DISK, tell, move |frames: Waiting<Arc<Frame>>| {
                frames.for_each(|frame| keeper.keep(&frame.picture, frame.at));
            })
        });
        let runner = hook.map(|mut hook| {
            let tell_failure = Arc::clone(tell);
            Backlog::start("commands", NAMES, excess, COMMAND, tell, move |names: Waiting<(String, f32)>| {
                let stopped = names.stopped.clone();
                for (name, value) in names {
                    if let Err(error) = hook.run(&name, value) {
                        tell_failure(error.to_string());
                    }
                }
                hook.wait(&stopped);
            })
        });
        Ok(Self { keeper: keeper.transpose()?, runner: runner.transpose()?, before: Vec::new() })
    }

    /// Has it done for a frame: the command is run for each name that was not in the frame before.
    pub fn react(&mut self, gallery: &Gallery, identities: &[Identity], frame: &Arc<Frame>) {
        if let Some(keeper) = &self.keeper {
            keeper.put(Arc::clone(frame));
        }
        let known = identities.iter().filter(|one| one.is_known).filter_map(|one| one.best);
        let known: Vec<_> = known.map(|best| (gallery.name(best.name).to_owned(), best.value)).collect();
        if let Some(runner) = &self.runner {
            known.iter().filter(|(name, _)| !self.before.contains(name)).for_each(|seen| runner.put(seen.clone()));
        }
        self.before = known.into_iter().map(|(name, _)| name).collect();
    }

    /// Takes nothing more, and waits until all frames are kept and all commands have ended, or until somebody says
    /// `stop`; whether nobody did.
    pub fn finish(&mut self, stop: &dyn Fn() -> bool) -> bool {
        self.keeper.iter_mut().for_each(Backlog::close);
        self.runner.iter_mut().for_each(Backlog::close);
        loop {
            let is_done =
                self.keeper.as_ref().is_none_or(Backlog::is_done) && self.runner.as_ref().is_none_or(Backlog::is_done);
            if stop() {
                return false;
            }
            if is_done {
                return true;
            }
            thread::sleep(SLICE);
        }
    }
}

impl Drop for Reactions {
    fn drop(&mut self) {
        // Both, before either is waited for.
        self.runner.iter_mut().for_each(Backlog::stop);
        self.keeper.iter_mut().for_each(Backlog::stop);
    }
}

/// Why something was left out.
#[derive(Clone, Copy)]
struct Delay {
    what: &'static str,
    why: &'static str,
}

/// A thread and what waits for it. Dropping it waits for what the thread is at, but not for a disk that hangs.
struct Backlog<T> {
    waiting: Option<SyncSender<T>>,
    excess: Excess,
    left_out: Arc<AtomicUsize>,
    delay: Delay,
    tell: Say,
    stopped: CancelToken,
    thread: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Backlog<T> {
    fn start(
        name: &str,
        most: usize,
        excess: Excess,
        delay: Delay,
        tell: &Say,
        work: impl FnOnce(Waiting<T>) + Send + 'static,
    ) -> Result<Self> {
        let (waiting, taken) = mpsc::sync_channel(most);
        let (left_out, stopped) = (Arc::<AtomicUsize>::default(), CancelToken::default());
        let things =
            Waiting { taken, left_out: Arc::clone(&left_out), delay, tell: Arc::clone(tell), stopped: stopped.clone() };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || work(things));
        let thread = thread.map_err(Error::io("start a thread for", name))?;
        Ok(Self {
            waiting: Some(waiting),
            excess,
            left_out,
            delay,
            tell: Arc::clone(tell),
            stopped,
            thread: Some(thread),
        })
    }

    fn put(&self, thing: T) {
        let Some(waiting) = &self.waiting else { return };
        let is_left_out = match self.excess {
            Excess::Waits => waiting.send(thing).is_err(),
            Excess::IsLeftOut => waiting.try_send(thing).is_err(),
        };
        // Said when it begins, and with its number when it is over.
        if is_left_out && self.left_out.fetch_add(1, Ordering::Relaxed) == 0 {
            (self.tell)(format!("{}: {}s are left out until it has caught up", self.delay.why, self.delay.what));
        }
    }
}

impl<T> Backlog<T> {
    fn close(&mut self) {
        self.waiting = None;
    }

    fn stop(&mut self) {
        self.stopped.cancel();
        self.close();
    }

    fn is_done(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl<T> Drop for Backlog<T> {
    fn drop(&mut self) {
        self.stop();
        let begun = Instant::now();
        while !self.is_done() && begun.elapsed() < PATIENCE {
            thread::sleep(SLICE);
        }
    }
}

/// What waits, in order, until no more comes or nobody wants it done any more.
struct Waiting<T> {
    taken: Receiver<T>,
    left_out: Arc<AtomicUsize>,
    delay: Delay,
    tell: Say,
    stopped: CancelToken,
}

impl<T> Iterator for Waiting<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let next = match self.taken.try_recv() {
            Ok(next) => Some(next),
            Err(TryRecvError::Disconnected) => None,
            Err(TryRecvError::Empty) => {
                self.say_left_out();
                self.taken.recv().ok()
            }
        };
        if next.is_none() {
            self.say_left_out();
        }
        next.filter(|_| !self.stopped.is_cancelled())
    }
}

impl<T> Waiting<T> {
    /// All that waited is done: how much was left out meanwhile.
    fn say_left_out(&self) {
        let left_out = self.left_out.swap(0, Ordering::Relaxed);
        if left_out > 0 {
            (self.tell)(format!("{} left out: {}", text::counted(left_out, self.delay.what), self.delay.why));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc::Sender};

    use super::*;

    /// A queue for three numbers whose thread does one for each "go".
    struct Numbers {
        queue: Backlog<u32>,
        go: Sender<()>,
        /// What was begun.
        begun: Receiver<u32>,
        said: Arc<Mutex<Vec<String>>>,
    }

    impl Numbers {
        fn start(excess: Excess) -> Self {
            let said = Arc::new(Mutex::new(Vec::new()));
            let hears = Arc::clone(&said);
            let tell: Say = Arc::new(move |sentence| hears.lock().expect("nobody panics").push(sentence));
            let (go, gone) = mpsc::channel();
            let (begins, begun) = mpsc::channel();
            let work = move |numbers: Waiting<u32>| {
                for number in numbers {
                    let _ = begins.send(number);
                    // Done when the disk says so.
                    let _ = gone.recv();
                }
            };
            let queue = Backlog::start("numbers", 3, excess, DISK, &tell, work).expect("a thread");
            Self { queue, go, begun, said }
        }
    }

    #[test]
    fn who_looks_never_waits_and_what_is_left_out_is_said_once_and_counted() {
        let Numbers { mut queue, go, begun, said } = Numbers::start(Excess::IsLeftOut);
        queue.put(0);
        assert_eq!(begun.recv(), Ok(0), "the thread is at the first one");
        (1..8).for_each(|number| queue.put(number));
        assert_eq!(
            *said.lock().expect("nobody panics"),
            ["the disk is slower than the camera: frames are left out until it has caught up"]
        );
        (0..4).for_each(|_| go.send(()).expect("the thread lives"));
        assert_eq!(begun.iter().take(3).collect::<Vec<_>>(), [1, 2, 3], "in order, and as many as there was room for");
        queue.close();
        queue.thread.take().expect("it was started").join().expect("it does not panic");
        assert_eq!(said.lock().expect("nobody panics")[1..], ["4 frames left out: the disk is slower than the camera"]);
    }

    #[test]
    fn nothing_is_left_out_where_whoever_brings_it_waits() {
        let Numbers { mut queue, go, begun, said } = Numbers::start(Excess::Waits);
        let collected = thread::spawn(move || {
            begun.iter().inspect(|_| go.send(()).expect("the thread lives")).take(20).collect::<Vec<_>>()
        });
        (0..20).for_each(|number| queue.put(number));
        queue.close();
        assert_eq!(collected.join().expect("it does not panic"), (0..20).collect::<Vec<_>>());
        assert!(said.lock().expect("nobody panics").is_empty());
    }

    #[test]
    fn dropped_it_leaves_what_waits() {
        let Numbers { queue, go, begun, .. } = Numbers::start(Excess::IsLeftOut);
        (0..3).for_each(|number| queue.put(number));
        assert_eq!(begun.recv(), Ok(0));
        let stopped = queue.stopped.clone();
        let dropping = thread::spawn(move || drop(queue));
        while !stopped.is_cancelled() {
            thread::yield_now();
        }
        // Only now the first one is done.
        drop(go);
        dropping.join().expect("it does not panic");
        assert_eq!(begun.iter().count(), 0);
    }
}
