//! Puts pictures under a name into the gallery: links to them, in a folder of that name, so that the gallery is a folder
//! like any other, which people may look at and change. Of a picture with several faces the one that is meant is cut out
//! with what is around it, for a picture in the gallery must not leave open whom it shows.

use std::{
    fs::{self, File},
    io::{self, Cursor, Write},
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::Path,
};

use image::{DynamicImage, ImageFormat};
use sha2::{Digest, Sha256};

use super::Outcome;
use crate::{
    decode::{self, Alpha, Detail},
    error::Error,
    face::Face,
    files, folders,
    printable::printable,
    task::Portrait,
};

/// Puts what shows somebody into the folder of a name, each once.
///
/// # Errors
/// One sentence with the path.
pub(super) fn enroll(portraits: &[Portrait], name: &str) -> Result<Outcome, String> {
    let gallery = folders::gallery().map_err(|error| error.to_string())?;
    enroll_in(&gallery, portraits, name)
}

fn enroll_in(gallery: &Path, portraits: &[Portrait], name: &str) -> Result<Outcome, String> {
    let folder = gallery.join(name);
    let is_new = !folder.exists();
    fs::create_dir_all(&folder).map_err(|error| Error::io("create", &folder)(error).to_string())?;
    let added = put(portraits, &folder).inspect_err(|_| {
        if is_new {
            // A name that nothing shows is none; where there is something in the folder it stays.
            let _ = fs::remove_dir(&folder);
        }
    })?;
    Ok(Outcome::Enrolled { folder, added })
}

/// Puts what shows somebody into their folder. Returns how many are new there.
fn put(portraits: &[Portrait], folder: &Path) -> Result<usize, String> {
    let mut added = 0;
    for Portrait { path, face } in portraits {
        let made = match face {
            None => symlink(path, folder.join(link_name(path))),
            Some((number, face)) => cut_out(path, face, &folder.join(cut_name(path, *number)))?,
        };
        match made {
            Ok(()) => added += 1,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(format!("cannot put {} into {}: {error}", printable(path), printable(folder))),
        }
    }
    Ok(added)
}

/// Writes the square around a face to a new file, without loss.
///
/// # Errors
/// A sentence when the picture cannot be read or drawn; inside of that, what became of the file.
fn cut_out(path: &Path, face: &Face, to: &Path) -> Result<io::Result<()>, String> {
    if to.exists() {
        return Ok(Err(io::ErrorKind::AlreadyExists.into()));
    }
    let picture = decode::picture(path, Detail::Full, Alpha::White);
    let picture = picture.map_err(|why| format!("cannot use {} as an image: {why}", printable(path)))?;
    let [left, top, width, height] = face.square_in(picture.rgb.dimensions());
    let square = image::imageops::crop_imm(&picture.rgb, left, top, width, height).to_image();
    let mut bytes = Cursor::new(Vec::new());
    let drawn = DynamicImage::ImageRgb8(square).write_to(&mut bytes, ImageFormat::Png);
    drawn.map_err(|error| format!("cannot cut the face out of {}: {error}", printable(path)))?;
    // Whoever looks at the gallery sees the whole picture or none.
    let whole = |part: &mut File| part.write_all(&bytes.into_inner()).and_then(|()| part.sync_all());
    Ok(files::replace(to, &files::part_of(to), whole))
}

/// A name that tells pictures of one name in several folders apart.
fn link_name(path: &Path) -> String {
    format!("{}.{}", distinct_stem(path), path.extension().unwrap_or_default().to_string_lossy())
}

/// The same for one of a picture's faces.
fn cut_name(path: &Path, number: u32) -> String {
    format!("{}-face{number}.png", distinct_stem(path))
}

fn distinct_stem(path: &Path) -> String {
    let hash = Sha256::digest(path.as_os_str().as_bytes());
    let hash: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let stem: String = path.file_stem().unwrap_or_default().to_string_lossy().chars().take(40).collect();
    format!("{stem}-{hash}")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use image::RgbImage;

    use super::*;

    #[test]
    fn pictures_of_one_name_in_two_folders_are_both_linked_and_only_once() {
        let gallery = tempfile::tempdir().expect("a temporary folder");
        let paths = [PathBuf::from("/a/1.jpg"), PathBuf::from("/b/1.jpg")];
        let portraits = paths.clone().map(|path| Portrait { path, face: None });
        for expected in [2, 0] {
            let Ok(Outcome::Enrolled { folder, added }) = enroll_in(gallery.path(), &portraits, "Ana") else {
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
        let sentence = enroll_in(file.path(), &[Portrait { path: "/a/1.jpg".into(), face: None }], "Ana")
            .err()
            .expect("it is no folder");
        assert!(sentence.contains("Ana"), "{sentence}");
    }

    #[test]
    fn of_several_faces_the_one_that_is_meant_is_cut_out_once_with_a_margin() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("group.png");
        let picture = RgbImage::from_fn(100, 50, |x, _| image::Rgb([x as u8, 0, 0]));
        picture.save(&path).expect("written");
        let face = Face { area: [0.6, 0.4, 0.7, 0.6], points: [[0.0; 2]; 5], score: 1.0 };
        let portraits = [Portrait { path: path.clone(), face: Some((2, face)) }];
        for expected in [1, 0] {
            let Ok(Outcome::Enrolled { folder: of_name, added }) = enroll_in(folder.path(), &portraits, "Ana") else {
                panic!("not enrolled")
            };
            assert_eq!(added, expected);
            let files: Vec<_> = fs::read_dir(of_name).expect("a folder").flatten().map(|entry| entry.path()).collect();
            let [cut] = files.as_slice() else { panic!("{files:?}") };
            let cut = decode::picture(cut, Detail::Full, Alpha::White).expect("a picture").rgb;
            // Ten pixels of face and four on each side, 56 to 74.
            assert_eq!((cut.dimensions(), cut.get_pixel(0, 0).0[0]), ((18, 18), 56));
        }
        let gone = [Portrait { path: folder.path().join("gone.png"), face: Some((2, face)) }];
        for (name, stays) in [("Ana", true), ("Ben", false)] {
            let sentence = enroll_in(folder.path(), &gone, name).err().expect("it is not there");
            assert!(sentence.contains("gone.png"), "{sentence}");
            assert_eq!(folder.path().join(name).exists(), stays, "a name that nothing shows is none");
        }
    }
}
