//! Where frames come from: what the user names, opened.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    DETAIL,
    ffmpeg::{self, Input, Running},
    folder,
    inbox::Inbox,
    pipe, spawn,
};
use crate::{
    decode::{self, Alpha, Unreadable},
    error::{Error, Result},
    files,
    printable::printable,
    scan,
    text::folded,
};

/// Where Linux lists cameras.
const CAMERAS: &str = "/sys/class/video4linux";

/// Something to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A camera, an address or a video, through ffmpeg.
    Stream(Stream),
    /// A folder into which pictures come.
    Folder(PathBuf),
    /// Pictures on the standard input.
    Pipe,
    /// One picture.
    Picture(PathBuf),
}

/// What ffmpeg reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream(Input);

/// A source that is open. Dropping it ends whatever it has started.
pub struct Open {
    /// Where its frames are.
    pub inbox: Arc<Inbox>,
    running: Running,
}

impl Source {
    /// What a word means: `-`, `camera`, a device, a folder, a picture, a video, an address, or the name of a camera.
    ///
    /// # Errors
    /// [`Error::Source`] when it is none of them.
    pub fn named(word: &str) -> Result<Self> {
        let path = Path::new(word);
        if word == "-" {
            return Ok(Self::Pipe);
        }
        if word == "camera" {
            return first_camera();
        }
        if path.is_dir() {
            return Ok(Self::Folder(path.to_owned()));
        }
        if let Ok(metadata) = fs::metadata(path) {
            return Ok(match metadata.is_file() {
                true if scan::is_image_name(path) => Self::Picture(path.to_owned()),
                true => video(path),
                false => device(word, word),
            });
        }
        if word.contains("://") {
            return Ok(address(word));
        }
        if word.starts_with("/dev/") {
            return Err(Error::Source { name: word.into(), reason: no_such_camera() });
        }
        named_camera(word)
    }

    /// Whether no picture is left out: of a folder and of the standard input each one counts.
    #[must_use]
    pub fn gives_single_pictures(&self) -> bool {
        !matches!(self, Self::Stream(_))
    }

    /// What it is called, safe to show.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Stream(Stream(input)) => printable(&input.name),
            Self::Folder(path) | Self::Picture(path) => printable(path),
            Self::Pipe => "standard input".into(),
        }
    }

    /// Opens it; `tell` hears of interruptions, in sentences for the user.
    ///
    /// # Errors
    /// When no thread can be started. What goes wrong later ends the inbox.
    pub fn open(self, tell: impl Fn(String) + Send + 'static) -> Result<Open> {
        let inbox = Arc::new(Inbox::new(self.gives_single_pictures()));
        let (running, ends) = (Running::default(), Arc::clone(&inbox));
        let runs = running.clone();
        spawn("source", move || {
            let ended = match &self {
                Self::Stream(Stream(input)) => ffmpeg::stream(input, &ends, &runs, &tell),
                Self::Folder(path) => folder::stream(path, &ends, &tell),
                Self::Pipe => pipe::stream(&ends, &tell),
                Self::Picture(path) => picture(path, &ends),
            };
            ends.end(ended);
        })?;
        Ok(Open { inbox, running })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.inbox.close();
        self.running.kill();
    }
}

fn picture(path: &Path, inbox: &Inbox) -> Result<()> {
    let unusable = |why: Unreadable| Error::Image { path: path.to_owned(), reason: why.to_string() };
    let picture = decode::picture(path, DETAIL, Alpha::White).map_err(unusable)?;
    inbox.put(picture.rgb, &printable(path));
    Ok(())
}

/// A video plays as fast as it was taken, as a camera would.
fn video(path: &Path) -> Source {
    // As an address: a file name may begin like an option or like a protocol.
    let mut file = std::ffi::OsString::from("file:");
    file.push(path);
    let arguments = vec!["-re".into(), "-i".into(), file];
    Source::Stream(Stream(Input { arguments, name: printable(path), ends: true }))
}

fn address(word: &str) -> Source {
    // Not `-fflags nobuffer`: with it a video that cannot be sought in gives no frame at all.
    let mut arguments: Vec<_> = ["-flags", "low_delay"].map(Into::into).into();
    if word.starts_with("rtsp:") {
        // Where no frame is lost on the way; the few cameras that cannot do that are asked for the other way.
        arguments.extend(["-rtsp_flags", "prefer_tcp"].map(Into::into));
    }
    arguments.extend(["-i".into(), word.into()]);
    Source::Stream(Stream(Input { arguments, name: without_password(word), ends: false }))
}

/// An address is shown and logged; its password is not.
fn without_password(address: &str) -> String {
    let Some((protocol, rest)) = address.split_once("://") else { return address.to_owned() };
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    match host.rsplit_once('@') {
        Some((_, host)) => format!("{protocol}://…@{host}{path}"),
        None => address.to_owned(),
    }
}

fn device(path: &str, name: &str) -> Source {
    let format = if cfg!(target_os = "macos") { "avfoundation" } else { "v4l2" };
    let mut arguments: Vec<_> = ["-f", format].map(Into::into).into();
    if cfg!(target_os = "macos") {
        // The only rate that all of its cameras have.
        arguments.extend(["-framerate", "30"].map(Into::into));
    }
    arguments.extend(["-i".into(), path.into()]);
    Source::Stream(Stream(Input { arguments, name: name.to_owned(), ends: false }))
}

/// The cameras of a Linux machine: device and name.
fn cameras() -> Vec<(String, String)> {
    let Ok(entries) = fs::read_dir(CAMERAS) else { return Vec::new() };
    let mut found: Vec<_> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = files::read_text(&entry.path().join("name"), 256).unwrap_or_default();
            Some((format!("/dev/{}", entry.file_name().to_str()?), name.trim().to_owned()))
        })
        .collect();
    found.sort();
    found
}

fn no_such_camera() -> String {
    let cameras = cameras();
    if cameras.is_empty() {
        return "there is no camera; name a video, an address (rtsp://…), a folder of pictures, or - for the standard input"
            .into();
    }
    let known: Vec<_> = cameras.iter().map(|(path, name)| format!("{path} ({name})")).collect();
    format!("there are the cameras {}", known.join(", "))
}

fn first_camera() -> Result<Source> {
    if cfg!(target_os = "macos") {
        return Ok(device("0", "camera"));
    }
    match cameras().first() {
        Some((path, name)) => Ok(device(path, &format!("{path} ({name})"))),
        None => Err(Error::Source { name: "camera".into(), reason: no_such_camera() }),
    }
}

fn named_camera(word: &str) -> Result<Source> {
    if cfg!(target_os = "macos") {
        return Ok(device(word, word));
    }
    let wanted = folded(word);
    let found = cameras().into_iter().find(|(_, name)| folded(name).contains(&*wanted));
    match found {
        Some((path, name)) => Ok(device(&path, &format!("{path} ({name})"))),
        None => {
            let reason = format!("it is no file, no folder, no address and no camera's name; {}", no_such_camera());
            Err(Error::Source { name: word.into(), reason })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_mean_what_people_expect() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("-i.mp4");
        fs::write(&file, "").expect("a file");
        assert_eq!(Source::named("-").expect("stdin"), Source::Pipe);
        let named = |path: &Path| Source::named(path.to_str().expect("UTF-8")).expect("a source");
        assert_eq!(named(folder.path()), Source::Folder(folder.path().to_owned()));
        let Source::Stream(Stream(video)) = named(&file) else { panic!("a video") };
        assert!(video.ends && video.arguments.last().is_some_and(|last| last.to_string_lossy().starts_with("file:/")));
        let Source::Stream(Stream(device)) = named(Path::new("/dev/null")) else { panic!("a device") };
        assert!(!device.ends);
        let sentence = Source::named("no such thing").expect_err("it is nothing").to_string();
        assert!(sentence.contains("no such thing") && sentence.contains("no camera"), "{sentence}");
        assert!(Source::named("/dev/video97").is_err());
    }

    #[test]
    fn the_password_of_an_address_is_not_shown() {
        for (address, shown) in [
            ("rtsp://me:secret@camera:554/live", "rtsp://…@camera:554/live"),
            ("http://camera/a@b", "http://camera/a@b"),
            ("rtsp://camera", "rtsp://camera"),
        ] {
            assert_eq!(Source::named(address).expect("an address").name(), shown);
        }
    }
}
