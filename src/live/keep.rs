//! Frames that are written to disk because somebody asked for it: `--keep`, and what is enrolled.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use image::{RgbImage, codecs::jpeg::JpegEncoder};
use jiff::Timestamp;

use super::Say;
use crate::{
    error::{Error, Result},
    files,
    printable::printable,
    text,
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

/// Keeps frames, and says so when that begins to fail and when it works again, not once for each frame: a disk may be full
/// for hours.
pub(super) struct Keeper {
    folder: PathBuf,
    tell: Say,
    /// How many frames in a row could not be kept.
    lost: usize,
}

impl Keeper {
    pub(super) fn new(folder: PathBuf, tell: Say) -> Self {
        Self { folder, tell, lost: 0 }
    }

    /// Keeps a frame. Each is tried: there may be room on the disk by then.
    pub(super) fn keep(&mut self, picture: &RgbImage, at: SystemTime) {
        match keep(picture, at, &self.folder) {
            Ok(_) => self.count_lost(),
            Err(error) => {
                if self.lost == 0 {
                    (self.tell)(error.to_string());
                }
                self.lost += 1;
            }
        }
    }

    fn count_lost(&mut self) {
        let lost = std::mem::take(&mut self.lost);
        if lost > 0 {
            let (frames, folder) = (text::counted(lost, "frame"), printable(&self.folder));
            (self.tell)(format!("{frames} could not be kept in {folder}"));
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // Of a single one all has been said.
        if self.lost > 1 {
            self.count_lost();
        }
    }
}

/// A point of time as in RFC 3339, in UTC, with milliseconds.
#[must_use]
pub fn time(at: SystemTime) -> String {
    let at = Timestamp::try_from(at).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, Mutex},
        time::Duration,
    };

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

    #[test]
    fn a_disk_that_takes_nothing_is_said_once_and_what_it_did_not_take_is_counted() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let to = folder.path().join("kept");
        let said = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&said);
        let tell: Say = Arc::new(move |sentence| hears.lock().expect("nobody panics").push(sentence));
        let mut keeper = Keeper::new(to.clone(), tell);
        let mut see = |frames: u64| {
            for at in 0..frames {
                keeper.keep(&RgbImage::new(8, 8), SystemTime::UNIX_EPOCH + Duration::from_secs(at));
            }
            std::mem::take(&mut *said.lock().expect("nobody panics"))
        };
        // It is no folder.
        fs::write(&to, "").expect("a file");
        let first = see(5);
        assert!(first.len() == 1 && first[0].starts_with("cannot create "), "{first:?}");
        assert!(see(2).is_empty());
        fs::remove_file(&to).expect("it goes");
        assert_eq!(see(3), [format!("7 frames could not be kept in {}", to.display())]);
        assert!(see(2).is_empty());
        assert_eq!(fs::read_dir(&to).expect("a folder").count(), 5);
        fs::remove_dir_all(&to).expect("it goes");
        fs::write(&to, "").expect("a file");
        assert_eq!(see(2).len(), 1);
        drop(keeper);
        let last = said.lock().expect("nobody panics");
        assert!(last.len() == 1 && last[0].starts_with("2 frames could not be kept"), "{last:?}");
    }
}
