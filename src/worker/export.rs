//! Writes paths to a new file, for other programs.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use super::Outcome;
use crate::{
    files,
    index::{
        Index,
        label_file::{self, LabelKey, LabelSource},
    },
    printable::printable,
};

/// Writes one path a line, as the bytes they are. A file that is there already is never touched: the new one gets a
/// number, `marked-2.txt`.
///
/// # Errors
/// One sentence with the file's path, or with a path that would be two lines.
pub(super) fn write(paths: &[PathBuf], to: &Path) -> Result<Outcome, String> {
    if let Some(path) = paths.iter().find(|path| path.as_os_str().as_bytes().contains(&b'\n')) {
        let instead = "unmark or rename it, or leave with the marks after `lookalike --print-marked -0`";
        return Err(format!("{} has a line feed in its name and would be two lines: {instead}", printable(path)));
    }
    let lines = |file: &mut File| {
        let mut out = BufWriter::new(file);
        for path in paths {
            out.write_all(path.as_os_str().as_bytes())?;
            out.write_all(b"\n")?;
        }
        out.flush()
    };
    let to = create(to, lines)?;
    Ok(Outcome::Exported { to, paths: paths.len() })
}

/// Writes the label of each picture that has one, in the order of paths, into a new file like [`write`] does.
///
/// # Errors
/// As [`write`].
pub(super) fn write_labels(index: &Index, source: &LabelSource, to: &Path) -> Result<Outcome, String> {
    let mut labeled: Vec<_> = index.iter().map(|entry| (LabelKey::of(&entry), source.of(&entry).to_vec())).collect();
    labeled.retain(|(_, label)| !label.is_empty());
    labeled.sort_by(|(a, _), (b, _)| a.order().cmp(&b.order()));
    let rows = labeled.iter().map(|(key, label)| (key, label.as_slice()));
    let bytes = label_file::to_csv(rows).map_err(|error| error.to_string())?;
    let to = create(to, |file| file.write_all(&bytes))?;
    Ok(Outcome::Exported { to, paths: labeled.len() })
}

/// Writes the file, or the first numbered one that is not there yet.
fn create(to: &Path, write: impl Fn(&mut File) -> io::Result<()>) -> Result<PathBuf, String> {
    let taken = |error: &io::Error| error.kind() == io::ErrorKind::AlreadyExists;
    for path in files::numbered(to) {
        match files::write_new(&path, &write) {
            Err(error) if taken(&error) => {}
            Err(error) => return Err(format!("cannot write {}: {error}", printable(&path))),
            Ok(()) => return Ok(path),
        }
    }
    Err(format!("cannot write {}: all its names are taken", printable(to)))
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsStr, fs};

    use super::*;

    #[test]
    fn paths_are_written_as_they_are_and_nothing_is_overwritten() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let to = folder.path().join("marked.txt");
        let odd = PathBuf::from(OsStr::from_bytes(b"/photos/\xff.jpg"));
        for name in ["marked.txt", "marked-2.txt", "marked-3.txt"] {
            let Ok(Outcome::Exported { to: made, paths: 2 }) = write(&[odd.clone(), "/b".into()], &to) else {
                panic!("not exported");
            };
            assert_eq!(made, folder.path().join(name));
            assert_eq!(fs::read(made).expect("it is there"), b"/photos/\xff.jpg\n/b\n");
        }
        let two_lines = write(&["/a".into(), "/b\n/c.jpg".into()], &folder.path().join("lines.txt"));
        let sentence = two_lines.err().expect("which lines are paths would not be known");
        assert!(sentence.starts_with("/b\\u{a}/c.jpg "), "{sentence}");
        assert!(sentence.contains("--print-marked -0") && !folder.path().join("lines.txt").exists(), "{sentence}");
        let missing = folder.path().join("gone").join("marked.txt");
        let sentence = write(&[odd], &missing).err().expect("there is no such folder");
        assert!(sentence.contains("gone/marked.txt"), "{sentence}");
    }
}
