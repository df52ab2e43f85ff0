//! Frames that are written to disk because somebody asked for it: `--keep`, and what is enrolled.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use image::{RgbImage, codecs::jpeg::JpegEncoder};
use jiff::Timestamp;

use crate::{
    error::{Error, Result},
    files,
};

/// The quality of the JPEG files: what is embedded again from them is the same to three decimals.
const QUALITY: u8 = 95;

/// Writes a picture into a folder, which is made; its name is the time, and a number where there is one already.
///
/// # Errors
/// [`Error::Io`] when the folder or the file cannot be written; what was written of it is taken away.
pub fn keep(picture: &RgbImage, at: SystemTime, folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let name = format!("{}.jpg", time(at).replace(':', "-"));
    let encode = |file: &mut File| {
        let mut out = BufWriter::new(file);
        let encoded = JpegEncoder::new_with_quality(&mut out, QUALITY).encode_image(picture);
        encoded.map_err(io::Error::other).and_then(|()| out.flush())
    };
    for path in files::numbered(&folder.join(name)) {
        match files::write_new(&path, encode) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            written => return written.map(|()| path.clone()).map_err(Error::io("write", path)),
        }
    }
    Err(Error::io("create", folder)(io::ErrorKind::AlreadyExists.into()))
}

/// A point of time as in RFC 3339, in UTC, with milliseconds.
#[must_use]
pub fn time(at: SystemTime) -> String {
    let at = Timestamp::try_from(at).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn pictures_of_one_moment_all_stay() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let inside = folder.path().join("new");
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
        let names: Vec<_> = (0..2)
            .map(|_| keep(&RgbImage::new(8, 8), at, &inside).expect("it is written"))
            .map(|path| path.file_name().expect("a name").to_string_lossy().into_owned())
            .collect();
        assert_eq!(names, ["2023-11-14T22-13-20.123Z.jpg", "2023-11-14T22-13-20.123Z-2.jpg"]);
        assert_eq!(image::open(inside.join(&names[0])).expect("a picture").width(), 8);
    }
}
