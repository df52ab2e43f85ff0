//! What is damaged, or no lookalike index at all, gets another name: nothing is ever deleted unasked.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    DATABASE,
    cache::{is_set_aside, is_store_file},
    lock::LOCK,
    maintain::is_vector_name,
};
use crate::{
    error::{Error, Result},
    printable::printable,
};

/// Gives a foreign file or folder another name.
pub(super) fn set_aside(path: &Path) -> Result<PathBuf> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".set-aside-{}", free_number(path)));
    fs::rename(path, &name).map_err(Error::io("move", path))?;
    Ok(name.into())
}

/// Sets aside what has the name of one of the files beside the records and the vectors and is no file, a folder for example.
/// Nothing but that would be wrong with the store, and SQLite would only say that the disk fails. A link to a file, to names
/// of groups that are kept elsewhere for example, is one, except in the place of SQLite's own: those it refuses. What cannot
/// be moved away is in nobody's way but SQLite's.
pub(super) fn set_aside_foreign(folder: &Path, notes: &mut Vec<String>) -> Result<()> {
    let entries = fs::read_dir(folder).map_err(Error::io("list", folder))?;
    for entry in entries.flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        let is_beside = name != DATABASE && !is_vector_name(&name.to_string_lossy()) && !is_set_aside(&name);
        if !is_beside || !is_store_file(&name) {
            continue;
        }
        let is_of_sqlite = name.to_string_lossy().starts_with(DATABASE);
        let meta = if is_of_sqlite { fs::symlink_metadata(&path) } else { fs::metadata(&path) };
        if meta.is_ok_and(|meta| meta.is_file()) {
            continue;
        }
        let words = format!("{} is not a file, as one of an index is", printable(&path));
        match set_aside(&path) {
            Ok(aside) => notes.push(format!("{words}, and was moved to {}", printable(aside))),
            Err(error) if is_of_sqlite => return Err(error),
            Err(error) => notes.push(format!("{words}: {error}")),
        }
    }
    Ok(())
}

/// Sets everything in a store's folder aside except the lock, which stays so that other processes see one lock only.
/// Returns the database's new name.
pub(super) fn set_aside_contents(folder: &Path) -> Result<String> {
    let number = free_number(&folder.join(DATABASE));
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    for entry in entries.map_err(Error::io("list", folder))? {
        let name = entry.file_name();
        if name == LOCK || is_set_aside(&name) {
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
