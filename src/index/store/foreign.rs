//! What lies in a store's folder under the name of one of its files and is none.

use std::{fs, path::Path};

use super::{
    DATABASE,
    cache::is_store_file,
    maintain::is_vector_name,
    set_aside::{is_set_aside, set_aside},
};
use crate::{
    error::{Error, Result},
    printable::printable,
};

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
