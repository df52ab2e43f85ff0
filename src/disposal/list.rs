//! Lists of what was moved where: one file for each time, one line of JSON for each move, written before it is done.

use std::{
    collections::HashMap,
    ffi::OsStr,
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, percent_encode};
use serde::{Deserialize, Serialize};

use super::{in_folder, moving, plain};
use crate::{
    error::{Error, Result},
    files,
    task::Undone,
};

/// What ends the names of lists, and of those that were undone.
const ENDING: &str = "moved";
const UNDONE: &str = "undone";

/// A move.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Where the file was: its path as part of a URL, which every name has.
    from: String,
    /// Where it went; nothing for the trash.
    to: Option<String>,
    /// Seconds since the Unix epoch.
    at: u64,
    /// The CRC-32 of all that: a file must not come back under another name. Lists without it are older.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sum: Option<u32>,
}

/// What a URL's path cannot have as it is.
const PATH: &AsciiSet = &CONTROLS.add(b'%');

fn encoded(path: &Path) -> String {
    percent_encode(path.as_os_str().as_bytes(), PATH).to_string()
}

fn decoded(text: &str) -> PathBuf {
    let bytes: Vec<u8> = percent_decode_str(text).collect();
    OsStr::from_bytes(&bytes).into()
}

impl Entry {
    pub(super) fn new(from: &Path, to: Option<&Path>) -> Self {
        let mut entry = Self { from: encoded(from), to: to.map(encoded), at: now().0, sum: None };
        entry.sum = Some(entry.sum_of_rest());
        entry
    }

    fn sum_of_rest(&self) -> u32 {
        let Self { from, to, at, sum: _ } = self;
        // No encoded path has a line break in it.
        let to = to.as_ref().map_or(String::new(), |to| format!("\n{to}"));
        crc32fast::hash(format!("{at}\n{from}{to}").as_bytes())
    }

    /// Reads a line.
    fn read(line: &[u8]) -> Line {
        match serde_json::from_slice::<Self>(line) {
            Ok(entry) if entry.sum.is_none_or(|sum| sum == entry.sum_of_rest()) => Line::Whole(entry),
            Err(error) if error.is_eof() => Line::CutShort,
            _ => Line::Damaged,
        }
    }
}

/// What a line of a list turns out to be.
enum Line {
    Whole(Entry),
    CutShort,
    Damaged,
}

/// Seconds and nanoseconds since the Unix epoch.
fn now() -> (u64, u32) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (now.as_secs(), now.subsec_nanos())
}

/// A list that is being written.
pub(super) struct List {
    path: PathBuf,
    pub(super) file: File,
    /// The bytes of the moves that are written down.
    len: u64,
}

impl List {
    /// Makes an empty list in a folder.
    pub(super) fn create(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).map_err(in_folder(folder))?;
        // Names sort by time.
        let (seconds, nanos) = now();
        let path = folder.join(format!("{seconds:012}-{nanos:09}.{ENDING}"));
        let file = File::create_new(&path).map_err(Error::io("write", &path))?;
        Ok(Self { path, file, len: 0 })
    }

    /// Writes a move down. Of one that cannot be written nothing is left.
    pub(super) fn add(&mut self, entry: &Entry) -> Result<()> {
        let line = serde_json::to_string(entry).map_err(io::Error::from).map(|line| line + "\n");
        let written = line.and_then(|line| {
            self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data())?;
            self.len += line.len() as u64;
            Ok(())
        });
        written.map_err(|error| {
            // Half a line at the end is no damage either.
            let _ = self.file.set_len(self.len);
            Error::io("write", &self.path)(error)
        })
    }

    /// Where the list is; nothing where no move is on it, for then it is gone.
    pub(super) fn finish(self) -> Option<PathBuf> {
        if self.len == 0 {
            // One that stays says that nothing was moved.
            let _ = fs::remove_file(&self.path);
        }
        Some(self.path).filter(|_| self.len > 0)
    }
}

/// The newest list of a folder that was not undone yet.
#[must_use]
pub fn newest(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?;
    let paths = entries.flatten().map(|entry| entry.path());
    paths.filter(|path| path.extension().is_some_and(|kind| kind == ENDING)).max()
}

/// Brings back what a list says was moved, the last first. A file is not brought back where another one is now. When
/// nothing is left to bring back, the list is not the [`newest`] any more.
///
/// # Errors
/// [`Error::Io`] when there is no such list, or it cannot be read.
pub fn undo(list: &Path) -> Result<Undone> {
    let mut bytes = Vec::new();
    files::open_regular(list).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(Error::io("read", list))?;
    let mut undone = Undone::default();
    let mut trash = None;
    let lines: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').enumerate().collect();
    for (at, line) in lines.into_iter().rev() {
        let entry = match Entry::read(line) {
            Line::Whole(entry) => entry,
            // The last line of a run that was killed may not be whole: its file was not moved yet.
            Line::CutShort if !line.ends_with(b"\n") => continue,
            Line::CutShort | Line::Damaged => {
                undone.damaged.push(at + 1);
                continue;
            }
        };
        let from = decoded(&entry.from);
        let back = match &entry.to {
            Some(to) => from_folder(&decoded(to), &from),
            None => from_trash(&mut trash, &from, entry.at),
        };
        match back {
            Ok(true) => undone.back.push(from),
            Ok(false) => {}
            Err(reason) => undone.refused.push((from, reason)),
        }
    }
    if undone.refused.iter().all(|(_, reason)| LOST.contains(&&**reason)) {
        // What is lost, or of a damaged line, cannot come back by trying again. Should the list keep its name, undoing again finds everything
        // else where it belongs.
        let _ = fs::rename(list, list.with_extension(UNDONE));
    }
    Ok(undone)
}

const TAKEN: &str = "another file has its name now";
const NOT_MOVED_THERE: &str = "it is not where it was moved to";
const NOT_IN_TRASH: &str = "it is not in the trash any more";
/// Why a file is beyond help.
const LOST: [&str; 2] = [NOT_MOVED_THERE, NOT_IN_TRASH];

fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Brings a file back; `false` when it was never moved, or is back already.
fn from_folder(moved: &Path, to: &Path) -> Result<bool, String> {
    match (is_there(moved), is_there(to)) {
        (true, true) => Err(TAKEN.into()),
        (false, true) => Ok(false),
        (false, false) => Err(NOT_MOVED_THERE.into()),
        (true, false) => {
            if let Some(folder) = to.parent() {
                fs::create_dir_all(folder).map_err(|error| plain(&error))?;
            }
            moving::rename(moved, to).map(|()| true).map_err(|error| plain(&error))
        }
    }
}

/// What lies in the trash, by the path that it had; looked up once, for it may be much.
#[cfg(all(unix, not(target_os = "macos"), not(target_os = "ios"), not(target_os = "android")))]
type Trash = HashMap<PathBuf, Vec<trash::TrashItem>>;
#[cfg(not(all(unix, not(target_os = "macos"), not(target_os = "ios"), not(target_os = "android"))))]
type Trash = ();

#[cfg(all(unix, not(target_os = "macos"), not(target_os = "ios"), not(target_os = "android")))]
fn from_trash(trash: &mut Option<Trash>, to: &Path, at: u64) -> Result<bool, String> {
    use trash::os_limited::{list, restore_all};
    let trash = match trash {
        Some(trash) => trash,
        None => {
            let mut by_path = Trash::new();
            for item in list().map_err(|error| error.to_string())? {
                by_path.entry(item.original_path()).or_default().push(item);
            }
            trash.insert(by_path)
        }
    };
    // The trash knows folders by their real paths. It keeps seconds; clocks are read one after the other.
    let real = to.parent().and_then(|folder| Some(fs::canonicalize(folder).ok()?.join(to.file_name()?)));
    let paths = [Some(to.to_owned()), real.filter(|real| real != to)];
    let apart = |item: &trash::TrashItem| item.time_deleted.abs_diff(at as i64);
    let fitting = paths.into_iter().flatten().flat_map(|path| {
        let items = trash.get(&path).into_iter().flatten().enumerate();
        items.map(|(place, item)| (apart(item), path.clone(), place)).collect::<Vec<_>>()
    });
    let Some((_, path, place)) = fitting.filter(|item| item.0 <= 2).min() else {
        return if is_there(to) { Ok(false) } else { Err(NOT_IN_TRASH.into()) };
    };
    if is_there(to) {
        return Err(TAKEN.into());
    }
    let item = trash.get_mut(&path).map(|items| items.swap_remove(place));
    restore_all(item).map(|()| true).map_err(|error| error.to_string())
}

#[cfg(not(all(unix, not(target_os = "macos"), not(target_os = "ios"), not(target_os = "android"))))]
fn from_trash(_: &mut Option<Trash>, to: &Path, _: u64) -> Result<bool, String> {
    if is_there(to) { Ok(false) } else { Err("this system's trash must be asked: put it back there".into()) }
}
