//! Which row of an index a file is, however its path was typed.

use std::{fs, path::Path};

use crate::{
    index::{Entry, ImageId, Index},
    scan,
};

/// The row of this very file, of its faces the largest; `None` for a file that is not in the index. The path may have dots
/// in it, begin in the folder that the user is in, or lead through a link; so may the paths of the index.
#[must_use]
pub fn row_of(index: &Index, path: &Path) -> Option<ImageId> {
    let absolute = std::path::absolute(path).ok()?;
    let real = || fs::canonicalize(&absolute).ok();
    let by_name = index.find(&absolute).or_else(|| index.find(&real()?));
    by_name.or_else(|| {
        // Pictures that were reached through a link lie elsewhere in truth: those that may be the same file by size and
        // time are looked up.
        let real = real()?;
        let file = scan::file(&real).ok()?;
        let alike = |entry: &Entry<'_>| (entry.size(), entry.modified()) == (file.size, file.modified);
        let is_it = |entry: &Entry<'_>| fs::canonicalize(entry.path()).is_ok_and(|path| path == real);
        index.iter().filter(alike).find(is_it).map(|entry| entry.id)
    })
}
