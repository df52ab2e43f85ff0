//! Frames that are written to disk because somebody asked for it: `--keep`, and what is enrolled.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
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

/// So long one sentence about frames that could not be kept is enough.
const SAID_FOR: Duration = Duration::from_secs(60);

/// Keeps frames, and says so when that begins to fail and when it works again, not once for each frame: a disk may be full
/// for hours, or at its brim, where every other frame finds room.
pub(super) struct Keeper {
    folder: PathBuf,
    tell: Say,
    /// How many frames could not be kept since that was last counted to the user.
    lost: usize,
    /// Whether the reason was said.
    is_said: bool,
    /// The time of the frame at which something was said last.
    said_at: Option<SystemTime>,
}

impl Keeper {
    pub(super) fn new(folder: PathBuf, tell: Say) -> Self {
        Self { folder, tell, lost: 0, is_said: false, said_at: None }
    }

    /// Keeps a frame. Each is tried: there may be room on the disk by then.
    pub(super) fn keep(&mut self, picture: &RgbImage, at: SystemTime) {
        let kept = keep(picture, at, &self.folder);
        self.lost += usize::from(kept.is_err());
        let since = self.said_at.and_then(|said| at.duration_since(said).ok());
        if self.lost == 0 || since.is_some_and(|since| since < SAID_FOR) {
            return;
        }
        match kept {
            Ok(_) => {
                (self.tell)(format!("{}; frames are kept again", self.losses()));
                (self.lost, self.is_said) = (0, false);
            }
            Err(_) if self.is_said => return,
            Err(error) => {
                (self.tell)(error.to_string());
                self.is_said = true;
            }
        }
        self.said_at = Some(at);
    }

    fn losses(&self) -> String {
        format!("{} could not be kept in {}", text::counted(self.lost, "frame"), printable(&self.folder))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // Of a single one the reason says all.
        if self.lost > usize::from(self.is_said) {
            (self.tell)(self.losses());
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
    use std::sync::{Arc, Mutex};

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

    /// A keeper of frames that come every ten seconds, and what it says.
    struct Watch {
        keeper: Keeper,
        said: Arc<Mutex<Vec<String>>>,
        frames: u64,
    }

    impl Watch {
        fn new(to: &Path) -> Self {
            let said = Arc::new(Mutex::new(Vec::new()));
            let hears = Arc::clone(&said);
            let tell: Say = Arc::new(move |sentence| hears.lock().expect("nobody panics").push(sentence));
            Self { keeper: Keeper::new(to.to_owned(), tell), said, frames: 0 }
        }

        /// What is said while so many frames come.
        fn see(&mut self, frames: u64) -> Vec<String> {
            for _ in 0..frames {
                self.frames += 1;
                let at = SystemTime::UNIX_EPOCH + Duration::from_secs(10 * self.frames);
                self.keeper.keep(&RgbImage::new(8, 8), at);
            }
            std::mem::take(&mut *self.said.lock().expect("nobody panics"))
        }

        /// What is said at the end.
        fn end(self) -> Vec<String> {
            drop(self.keeper);
            std::mem::take(&mut *self.said.lock().expect("nobody panics"))
        }
    }

    #[test]
    fn a_disk_that_takes_nothing_is_said_once_and_what_it_did_not_take_is_counted() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let to = folder.path().join("kept");
        let mut watch = Watch::new(&to);
        // It is no folder.
        fs::write(&to, "").expect("a file");
        let first = watch.see(5);
        assert!(first.len() == 1 && first[0].starts_with("cannot create "), "{first:?}");
        assert!(watch.see(20).is_empty());
        fs::remove_file(&to).expect("it goes");
        let again = format!("25 frames could not be kept in {}; frames are kept again", to.display());
        assert_eq!(watch.see(3), [again]);
        assert!(watch.see(20).is_empty());
        assert_eq!(fs::read_dir(&to).expect("a folder").count(), 23);
        fs::remove_dir_all(&to).expect("it goes");
        fs::write(&to, "").expect("a file");
        assert_eq!(watch.see(2).len(), 1);
        assert_eq!(watch.end(), [format!("2 frames could not be kept in {}", to.display())]);
    }

    #[test]
    fn a_disk_at_its_brim_is_spoken_of_once_in_a_while() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let to = folder.path().join("kept");
        let mut watch = Watch::new(&to);
        let (mut lost, mut said) = (0, Vec::new());
        // Every other frame finds room.
        for _ in 0..60 {
            fs::write(&to, "").expect("a file");
            said.extend(watch.see(1));
            lost += 1;
            fs::remove_file(&to).expect("it goes");
            said.extend(watch.see(1));
            fs::remove_dir_all(&to).expect("it goes");
        }
        // In 1200 seconds.
        assert!((10..=20).contains(&said.len()), "{said:?}");
        said.extend(watch.end());
        let counts = said.iter().filter_map(|said| said.split_once(" frame")?.0.parse::<usize>().ok());
        assert_eq!(counts.sum::<usize>(), lost, "{said:?}");
    }

    #[test]
    fn of_a_single_frame_at_the_end_the_reason_says_all() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let to = folder.path().join("kept");
        let mut watch = Watch::new(&to);
        fs::write(&to, "").expect("a file");
        assert_eq!(watch.see(1).len(), 1);
        assert!(watch.end().is_empty());
    }
}
