//! Moves one file without ever taking the place of another.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::files;

/// The path, or the first one with a number behind its stem that nothing has. Its folder is made.
pub(super) fn free_name(path: &Path) -> io::Result<PathBuf> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let is_free =
        |name: &PathBuf| fs::symlink_metadata(name).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    files::numbered(path).find(is_free).ok_or_else(|| io::ErrorKind::AlreadyExists.into())
}

/// Gives a file another path, also on another file system.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] when the path is taken, or what the system says; the file is then where it was.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE).map_err(io::Error::from) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => copy(from, to),
        // File systems that do not know this kind of renaming: a second name is not given where there is one either.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            match fs::hard_link(from, to) {
                Ok(()) => remove(from, to),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
                Err(_) => copy(from, to),
            }
        }
        renamed => renamed,
    }
}

/// Copies a file with its times, and removes it when the copy is whole and on the disk.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = files::open_regular(from)?;
    let mut target = File::create_new(to)?;
    let copied = (|| {
        let meta = source.metadata()?;
        if io::copy(&mut source, &mut target)? != meta.len() {
            return Err(io::Error::other("it changed while it was copied"));
        }
        target.set_permissions(meta.permissions())?;
        target.set_modified(meta.modified()?)?;
        target.sync_all()
    })();
    if let Err(error) = copied {
        // Half a copy is of no use, and the whole file is where it was.
        let _ = fs::remove_file(to);
        return Err(error);
    }
    remove(from, to)
}

/// Takes a file's old name away; where that cannot be, the new one goes again, so that there is one file and not two.
fn remove(from: &Path, to: &Path) -> io::Result<()> {
    fs::remove_file(from).inspect_err(|_| {
        let _ = fs::remove_file(to);
    })
}
