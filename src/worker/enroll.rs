//! Puts pictures under a name into the gallery: links to them, in a folder of that name, so that the gallery is a folder
//! like any other, which people may look at and change.

use std::{
    fs, io,
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::Outcome;
use crate::{error::Error, folders, printable::printable};

/// Links pictures into the folder of a name, each once.
///
/// # Errors
/// One sentence with the path.
pub(super) fn link(paths: &[PathBuf], name: &str) -> Result<Outcome, String> {
    let gallery = folders::gallery().map_err(|error| error.to_string())?;
    link_in(&gallery, paths, name)
}

fn link_in(gallery: &Path, paths: &[PathBuf], name: &str) -> Result<Outcome, String> {
    let folder = gallery.join(name);
    fs::create_dir_all(&folder).map_err(|error| Error::io("create", &folder)(error).to_string())?;
    let mut added = 0;
    for path in paths {
        let to = folder.join(link_name(path));
        match symlink(path, &to) {
            Ok(()) => added += 1,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(format!("cannot make the link {}: {error}", printable(&to))),
        }
    }
    Ok(Outcome::Enrolled { folder, added })
}

/// A name that tells pictures of one name in several folders apart.
fn link_name(path: &Path) -> String {
    let hash = Sha256::digest(path.as_os_str().as_bytes());
    let hash: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let stem: String = path.file_stem().unwrap_or_default().to_string_lossy().chars().take(40).collect();
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    format!("{stem}-{hash}.{extension}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_of_one_name_in_two_folders_are_both_linked_and_only_once() {
        let gallery = tempfile::tempdir().expect("a temporary folder");
        let paths = ["/a/1.jpg".into(), "/b/1.jpg".into()];
        for expected in [2, 0] {
            let Ok(Outcome::Enrolled { folder, added }) = link_in(gallery.path(), &paths, "Ana") else {
                panic!("not enrolled")
            };
            assert_eq!((added, folder.file_name().and_then(|name| name.to_str())), (expected, Some("Ana")));
        }
        let mut links: Vec<_> = fs::read_dir(gallery.path().join("Ana"))
            .expect("a folder")
            .map(|entry| fs::read_link(entry.expect("an entry").path()).expect("a link"))
            .collect();
        links.sort();
        assert_eq!(links, paths);
    }

    #[test]
    fn a_gallery_that_cannot_be_written_is_said() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let sentence = link_in(file.path(), &["/a/1.jpg".into()], "Ana").err().expect("it is no folder");
        assert!(sentence.contains("Ana"), "{sentence}");
    }
}
