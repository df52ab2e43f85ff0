//! What is damaged, or no lookalike index at all, gets another name: nothing is ever deleted unasked.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use super::{DATABASE, lock::LOCK};
use crate::error::{Error, Result};

/// Whether a file has such a name.
pub(super) fn is_set_aside(name: &OsStr) -> bool {
    name.to_string_lossy().contains(".set-aside-")
}

/// Gives a foreign file or folder another name.
pub(super) fn set_aside(path: &Path) -> Result<PathBuf> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".set-aside-{}", free_number(path)));
    fs::rename(path, &name).map_err(Error::io("move", path))?;
    Ok(name.into())
}

/// Sets everything in a store's folder aside except the lock, which stays so that other processes see one lock only, and
/// what `stays`. Returns the database's new name.
pub(super) fn set_aside_contents(folder: &Path, stays: impl Fn(&str) -> bool) -> Result<String> {
    let number = free_number(&folder.join(DATABASE));
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    for entry in entries.map_err(Error::io("list", folder))? {
        let name = entry.file_name();
        if name == LOCK || stays(&name.to_string_lossy()) || is_set_aside(&name) {
            continue;
        }
        let mut aside = entry.path().into_os_string();
        aside.push(format!(".set-aside-{number}"));
        fs::rename(entry.path(), aside).map_err(Error::io("move", entry.path()))?;
    }
    Ok(format!("{DATABASE}.set-aside-{number}"))
}

fn free_number(path: &Path) -> u32 {
    let taken = |number: &u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".set-aside-{number}"));
        fs::symlink_metadata(Path::new(&name)).is_ok()
    };
    (1..u32::MAX).find(|number| !taken(number)).unwrap_or(u32::MAX)
}
