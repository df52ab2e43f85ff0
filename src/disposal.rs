//! Moves files away: into the trash, or into a folder; and brings them back. Every file is looked at again at that moment,
//! nothing is ever overwritten, and each move is on a list before it is done.

mod list;
mod moving;

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use self::list::{Entry, List};
pub use self::list::{newest, undo};
use crate::{
    cancel::CancelToken,
    error::{Error, Result},
    files,
    printable::printable,
    task::{Away, Disposed, Doomed, FileFacts},
};

/// Moves files to `away`, one after the other; `lists` is the folder of the lists that undo it. Those that cannot go, or
/// should not as they are now, stay, and the answer says why. Between two files it looks whether it is to `stop`.
///
/// # Errors
/// [`Error::Io`] when the list cannot be made: then nothing is moved.
pub fn dispose(
    doomed: &[Doomed],
    away: &Away,
    protected: &[PathBuf],
    lists: &Path,
    stop: &CancelToken,
) -> Result<Disposed> {
    // The list is read from other folders too.
    let away = match away {
        Away::Trash => Away::Trash,
        Away::Folder(folder) => Away::Folder(std::path::absolute(folder).map_err(Error::io("use", folder))?),
    };
    let mut done = Disposed::default();
    let mut list = None;
    for (at, one) in doomed.iter().enumerate() {
        if stop.is_cancelled() {
            done.left = doomed.len() - at;
            break;
        }
        let path = &one.file.path;
        if let Err(reason) = may_go(one, protected) {
            done.refused.push((path.clone(), reason));
            continue;
        }
        let to = match &away {
            Away::Trash => None,
            Away::Folder(folder) => match moving::free_name(&folder.join(&one.relative)) {
                Ok(to) => Some(to),
                Err(error) => {
                    done.refused.push((path.clone(), plain(&error)));
                    continue;
                }
            },
        };
        let list = match &mut list {
            Some(list) => list,
            None => list.insert(List::create(lists)?),
        };
        if let Err(error) = list.add(&Entry::new(path, to.as_deref())) {
            // What cannot be undone is not done; what was moved until then is on the list.
            let rest = doomed[at..].iter().map(|one| (one.file.path.clone(), error.to_string()));
            done.refused.extend(rest);
            break;
        }
        let moved = match &to {
            None => trash::delete(path).map_err(|error| error.to_string()),
            Some(to) => moving::rename(path, to).map_err(|error| plain(&error)),
        };
        match moved {
            Ok(()) => done.moved.push(path.clone()),
            Err(reason) => done.refused.push((path.clone(), reason)),
        }
    }
    done.list = list.and_then(List::finish);
    Ok(done)
}

fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it is not there any more".into(),
        io::ErrorKind::PermissionDenied => "its folder may not be changed".into(),
        _ => error.to_string(),
    }
}

/// Whether a file is still what was shown, and what stays instead of it too.
fn may_go(one: &Doomed, protected: &[PathBuf]) -> Result<(), String> {
    is_as_seen(&one.file)?;
    let real = fs::canonicalize(&one.file.path).map_err(|error| plain(&error))?;
    if protected.iter().any(|folder| real.starts_with(folder) || one.file.path.starts_with(folder)) {
        return Err("it lies in a protected folder".into());
    }
    if let Some(kept) = &one.kept {
        is_as_seen(kept).map_err(|why| format!("the copy that was to be kept, {}: {why}", printable(&kept.path)))?;
        if fs::canonicalize(&kept.path).is_ok_and(|kept| kept == real) {
            return Err("it is the same file as the one to be kept".into());
        }
    }
    Ok(())
}

/// Whether a file has the size, the time and the content that it had when it was looked at.
fn is_as_seen(seen: &FileFacts) -> Result<(), String> {
    let changed = || "it has changed since it was looked at".to_owned();
    let meta = fs::metadata(&seen.path).map_err(|error| plain(&error))?;
    let modified = meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec());
    if !meta.is_file() || meta.len() != seen.size || modified != seen.modified {
        return Err(changed());
    }
    match seen.hash {
        Some(hash) if hash_of(&seen.path).map_err(|error| plain(&error))? != hash => Err(changed()),
        _ => Ok(()),
    }
}

fn hash_of(path: &Path) -> io::Result<[u8; 32]> {
    let mut file: File = files::open_regular(path)?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hash.finalize().into()),
            read => hash.update(&buffer[..read]),
        }
    }
}

/// A folder that cannot be used becomes one sentence.
fn in_folder(folder: &Path) -> impl FnOnce(io::Error) -> Error + '_ {
    move |source| Error::Io { doing: "write into", path: folder.into(), source }
}

#[cfg(test)]
mod tests;
