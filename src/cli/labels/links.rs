//! Links to pictures in a new folder, sorted into sub-folders by their labels: nothing is moved.

use std::{
    collections::HashSet,
    ffi::{OsStr, OsString},
    fs, io,
    os::unix::{ffi::OsStringExt, fs::symlink},
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, Result},
    printable::printable,
};

/// Fills a new or empty folder with a link for each picture and label. Pictures of one name get numbers.
///
/// # Errors
/// [`Error::Usage`] when something is in the folder; [`Error::Io`] when it cannot be written.
pub fn link(folder: &Path, pictures: impl Iterator<Item = (PathBuf, Vec<u8>)>) -> Result<()> {
    let holds_something = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(Error::io("list", folder)(error)),
    };
    if holds_something {
        return Err(Error::Usage(format!("{} is not empty: name a new folder for the links", printable(folder))));
    }
    let mut linked = HashSet::new();
    for (picture, label) in pictures {
        // Several faces of a picture may have one label.
        if !linked.insert((picture.clone(), label.clone())) {
            continue;
        }
        let sub_folder = folder.join(as_name(&label));
        fs::create_dir_all(&sub_folder).map_err(Error::io("create", &sub_folder))?;
        let mut place = sub_folder.join(picture.file_name().unwrap_or(OsStr::new("picture")));
        let mut number = 1;
        while let Err(error) = symlink(&picture, &place) {
            if error.kind() != io::ErrorKind::AlreadyExists {
                return Err(Error::io("create", place)(error));
            }
            number += 1;
            place = numbered(&sub_folder, &picture, number);
        }
    }
    Ok(())
}

fn numbered(folder: &Path, picture: &Path, number: u32) -> PathBuf {
    let mut name = picture.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number}"));
    if let Some(extension) = picture.extension() {
        name.push(".");
        name.push(extension);
    }
    folder.join(name)
}

/// A label as the name of a folder: it leads nowhere else.
fn as_name(label: &[u8]) -> OsString {
    let name: Vec<u8> = label.iter().map(|byte| if matches!(byte, b'/' | 0) { b'_' } else { *byte }).collect();
    match name.as_slice() {
        b"" | b"." | b".." => "_".into(),
        _ => OsString::from_vec(name.into_iter().take(255).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_sorted_by_label_and_never_leave_the_folder() {
        let home = tempfile::tempdir().unwrap();
        let to = home.path().join("links");
        let picture = |path: &str, label: &[u8]| (PathBuf::from(path), label.to_vec());
        let pictures = [
            picture("/a/cat.jpg", b"cats"),
            picture("/b/cat.jpg", b"cats"),
            picture("/c/x", b"../../etc"),
            picture("/c/y", b".."),
        ];
        link(&to, pictures.clone().into_iter()).unwrap();
        for (place, picture) in
            [("cats/cat.jpg", "/a/cat.jpg"), ("cats/cat-2.jpg", "/b/cat.jpg"), (".._.._etc/x", "/c/x"), ("_/y", "/c/y")]
        {
            assert_eq!(fs::read_link(to.join(place)).unwrap(), Path::new(picture));
        }
        assert!(link(&to, pictures.into_iter()).unwrap_err().to_string().contains("is not empty"));
        assert_eq!(as_name(&[b'a'; 400]).len(), 255);
    }
}
