//! What a row or a column is called in a header: as little as tells it from the others.

use std::collections::HashSet;

use super::plot::NAMES;
use crate::{
    index::{Entry, Index},
    printable::printable,
    similarity::RowOrder,
    text,
};

/// How the pictures of a table are named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Names {
    /// Some have the same name in different folders, so that a name begins with its folder.
    folders: bool,
    /// Columns of the longest one, so far as it is shown.
    pub columns: u16,
}

impl Names {
    /// Looks at all rows, so far as needed.
    pub(super) fn of(index: &Index, rows: &RowOrder) -> Self {
        let entries = || rows.ids.iter().filter_map(|id| index.get(*id));
        let firsts = || entries().filter(Entry::is_first_of_picture);
        let mut seen = HashSet::with_capacity(rows.len());
        // Nothing is told apart by a folder that all share.
        let folders = firsts().any(|entry| !seen.insert(entry.relative().file_stem().map(ToOwned::to_owned)))
            && entries().any(|entry| entry.relative().parent().is_some_and(|folder| !folder.as_os_str().is_empty()));
        let names = Self { folders, columns: 0 };
        let mut columns = 0;
        for entry in entries() {
            columns = columns.max(text::width(&names.name(&entry)) as u16);
            if columns >= NAMES {
                break;
            }
        }
        Self { columns: columns.min(NAMES), ..names }
    }

    /// The name of a picture: that of its file without the extension, after that of its folder where names repeat.
    #[must_use]
    pub fn name(&self, entry: &Entry<'_>) -> String {
        let path = entry.relative();
        let stem = printable(path.file_stem().unwrap_or_default()) + &entry.mark();
        match path.parent().and_then(|folder| folder.file_name()).filter(|_| self.folders) {
            Some(folder) => format!("{}/{stem}", printable(folder)),
            None => stem,
        }
    }
}
