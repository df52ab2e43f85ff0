//! The lock of a store: one process writes at a time, and shows that it is at work.

use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread,
    time::{Duration, SystemTime},
};

use rustix::fs::OFlags;

use super::{Key, is_no_file};
use crate::error::{Error, Result};

/// The name of its file.
pub(super) const LOCK: &str = "lock";

/// Between two signs of life for those who wait for a store's writer to be done.
const BEAT_EVERY: Duration = Duration::from_secs(1);

/// When the writer of a store last gave a sign of life, by its own clock: every second, unless its process was stopped.
#[must_use]
pub fn last_beat(cache: &Path, key: &Key) -> Option<SystemTime> {
    fs::metadata(cache.join(key.folder_name()).join(LOCK)).and_then(|lock| lock.modified()).ok()
}

/// The right to write into a store.
pub(super) struct Lock {
    file: File,
    /// Ends the thread that gives signs of life when it is dropped.
    beats: Option<Sender<()>>,
}

impl Lock {
    /// The lock with a thread that gives signs of life for as long as it is held. On a thread of its own, because what
    /// keeps a writer busy (checking all rows, compacting, loading a model) may take minutes in one piece.
    pub(super) fn beating(mut self) -> Self {
        // Who hears nothing goes on alone, which costs time and nothing else; so where this fails it is not worth a word.
        if let Ok(file) = self.file.try_clone() {
            let (beats, ended) = channel();
            let beat = move || {
                while let Ok(()) | Err(RecvTimeoutError::Timeout) = ended.recv_timeout(BEAT_EVERY) {
                    let _ = file.set_modified(SystemTime::now());
                }
            };
            self.beats = thread::Builder::new().name("heartbeat".into()).spawn(beat).is_ok().then_some(beats);
        }
        self
    }
}

impl Drop for Lock {
    /// Closing the file is not enough: a child process that starts at this moment holds a copy until it runs its program.
    fn drop(&mut self) {
        // What cannot be unlocked ends with the process.
        let _ = self.file.unlock();
    }
}

/// A store is not deleted so often in a row; something else is wrong then, a lock that is a link to nowhere perhaps.
const TRIES: usize = 100;

/// Takes the lock of a store whose folder need not be there yet.
pub(super) fn make_and_lock(folder: &Path) -> Result<Option<Lock>> {
    for _ in 0..TRIES {
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        match lock(folder) {
            // It was deleted between these two lines.
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            locked => return locked,
        }
    }
    lock(folder)
}

/// Takes the store's lock; `None` when another process has it. The lock ends with the process, however that ends.
pub(super) fn lock(folder: &Path) -> Result<Option<Lock>> {
    let path = folder.join(LOCK);
    if is_no_file(&path) {
        return Err(Error::store(path, "it is not a file: delete it"));
    }
    loop {
        // It may have become a pipe since, whose other end would be waited for.
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        let file = File::options().create(true).truncate(false).write(true).custom_flags(flags).open(&path);
        let file = file.map_err(Error::io("create", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", &path)(error)),
        }
        // Who deletes a store deletes this file: a lock on a file that lies there no more keeps nobody out.
        if lies_at(&file, &path) {
            return Ok(Some(Lock { file, beats: None }));
        }
    }
}

/// Whether an open file is the one that has this name now.
fn lies_at(file: &File, path: &Path) -> bool {
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    let (open, named) = (file.metadata().map(identity), fs::metadata(path).map(identity));
    matches!((open, named), (Ok(open), Ok(named)) if open == named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_that_was_deleted_or_replaced_is_not_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LOCK);
        let held = lock(folder.path()).unwrap().unwrap();
        assert!(lies_at(&held.file, &path));
        assert!(lock(folder.path()).unwrap().is_none());
        fs::remove_file(&path).unwrap();
        assert!(!lies_at(&held.file, &path));
        let next = lock(folder.path()).unwrap().unwrap();
        assert!(lies_at(&next.file, &path) && !lies_at(&held.file, &path));
        drop(next);
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/nowhere/at/all", &path).unwrap();
        assert!(make_and_lock(folder.path()).is_err());
    }
}
