//! A watched folder: each picture that comes into it, once it is whole.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::mpsc::{self, RecvTimeoutError},
    time::{Duration, Instant, SystemTime},
};

use notify::{
    Event, EventKind, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode, ModifyKind},
};

use super::inbox::Inbox;
use crate::{
    decode::{self, Alpha, Unreadable},
    error::{Error, Result},
    printable::printable,
    scan,
};

/// How often files that are being written are looked at.
const SLICE: Duration = Duration::from_millis(100);
/// A file that nobody has changed for so long is taken to be whole, where the system does not say that it was closed.
const SETTLED_AFTER: Duration = Duration::from_millis(500);

/// A file that is being written.
struct Arriving {
    state: (u64, Option<SystemTime>),
    since: Instant,
}

/// Puts new pictures into the inbox until nobody wants more; `tell` hears of what cannot be read.
///
/// # Errors
/// [`Error::Source`] when the folder cannot be watched, or is gone.
pub(super) fn stream(folder: &Path, inbox: &Inbox, tell: &dyn Fn(String)) -> Result<()> {
    let failed = |reason: String| Error::Source { name: printable(folder), reason };
    let (send, events) = mpsc::channel();
    let mut watcher = notify::recommended_watcher(send).map_err(|error| failed(error.to_string()))?;
    watcher.watch(folder, RecursiveMode::Recursive).map_err(|error| failed(error.to_string()))?;
    tell(format!("waiting for new pictures in {}", printable(folder)));
    let mut arriving: HashMap<PathBuf, Arriving> = HashMap::new();
    loop {
        let mut whole = Vec::new();
        match events.recv_timeout(SLICE) {
            Ok(Ok(event)) => take_note(event, &mut arriving, &mut whole),
            // What the system could not keep up with is said, and later pictures come all the same.
            Ok(Err(error)) => tell(format!("{}: {error}", printable(folder))),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(failed("it is no longer watched".into())),
        }
        if inbox.is_closed() {
            return Ok(());
        }
        arriving.retain(|path, file| match state(path) {
            None => false,
            Some(now) if now != file.state => {
                (file.state, file.since) = (now, Instant::now());
                true
            }
            Some(_) if file.since.elapsed() < SETTLED_AFTER => true,
            Some(_) => {
                whole.push(path.clone());
                false
            }
        });
        for path in whole {
            match decode::picture(&path, super::DETAIL, Alpha::White) {
                Ok(picture) => {
                    if !inbox.put(picture.rgb, &printable(&path)) {
                        return Ok(());
                    }
                }
                // It was there for a moment only.
                Err(Unreadable::Missing) => {}
                Err(why) => tell(format!("{}: {why}", printable(&path))),
            }
        }
        if !folder.is_dir() {
            return Err(failed("the folder is gone".into()));
        }
    }
}

/// Files that are closed after writing, or moved here, are whole; others are looked at again.
fn take_note(event: Event, arriving: &mut HashMap<PathBuf, Arriving>, whole: &mut Vec<PathBuf>) {
    let is_whole = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Modify(ModifyKind::Name(_)) => true,
        EventKind::Create(_) | EventKind::Modify(_) => false,
        _ => return,
    };
    for path in event.paths {
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let Some(state) = state(&path).filter(|_| !hidden && scan::is_image_name(&path)) else { continue };
        if is_whole {
            arriving.remove(&path);
            if !whole.contains(&path) {
                whole.push(path);
            }
        } else {
            arriving.entry(path).or_insert(Arriving { state, since: Instant::now() });
        }
    }
}

/// Size and time of a file; nothing for what is none.
fn state(path: &Path) -> Option<(u64, Option<SystemTime>)> {
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some((metadata.len(), metadata.modified().ok()))
}
