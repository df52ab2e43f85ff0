//! Why there is no picture, as data and in words.

use image::{
    ImageError, ImageFormat,
    error::{LimitErrorKind, UnsupportedErrorKind},
};

use super::{MOST_PIXELS, name_of};

/// Why a file gives no picture. Shown, it is a plain sentence without the path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// There is no such file.
    #[error("the file is not there")]
    Missing,
    /// It may not be read.
    #[error("no permission to read the file")]
    Denied,
    /// The disk or the network gave an error, in the system's words.
    #[error("the file cannot be read: {0}")]
    Unavailable(String),
    /// A folder, a device or a named pipe, which is not opened: that could wait for ever.
    #[error("it is not a regular file")]
    NotAFile,
    /// It has no bytes.
    #[error("the file is empty")]
    Empty,
    /// Something else than a picture, as this sentence says.
    #[error("{0}")]
    NotAnImage(&'static str),
    /// A picture, and a good one for all that is known, of a kind that is not read here.
    #[error("{0} is not supported; convert it to JPEG or PNG")]
    Unsupported(String),
    /// It would take more memory or time than one picture may, as this sentence says.
    #[error("{0}")]
    TooLarge(String),
    /// It took longer than so many seconds of computing, on this machine.
    #[error("reading it takes too long: more than {0} seconds of computing")]
    TooSlow(u64),
    /// Nobody waits for it any more.
    #[error("reading it was stopped")]
    Stopped,
    /// Its beginning is good and its end is missing.
    #[error("the file is cut off: its end is missing")]
    CutOff,
    /// Its data contradict this format's rules.
    #[error("the {0} data are damaged")]
    Damaged(&'static str),
}

impl Unreadable {
    /// Whether the same bytes fail again: true of what was found in them, and of what would take as long again; false of what
    /// kept them from being read.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        !matches!(self, Self::Missing | Self::Denied | Self::Unavailable(_) | Self::NotAFile | Self::Stopped)
    }

    pub(super) fn of_io(error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound => Self::Missing,
            std::io::ErrorKind::PermissionDenied => Self::Denied,
            // What is opened as a regular file, and is none.
            std::io::ErrorKind::InvalidInput => Self::NotAFile,
            _ => Self::Unavailable(error.to_string()),
        }
    }

    /// A decoder's error, whose own words are for programmers.
    pub(super) fn of_decoder(error: &ImageError, format: ImageFormat) -> Self {
        let name = name_of(format);
        match error {
            ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Self::CutOff,
            ImageError::Limits(limit) if matches!(limit.kind(), LimitErrorKind::DimensionError) => too_many_pixels(),
            ImageError::Limits(_) => {
                Self::TooLarge("the picture would need more memory than one picture may take".into())
            }
            ImageError::Unsupported(error) => match error.kind() {
                UnsupportedErrorKind::Color(_) => Self::Unsupported(format!("{name} with this kind of colors")),
                _ => Self::Unsupported(format!("this kind of {name}")),
            },
            error => {
                // The outer error only repeats the format's name.
                let cause = std::error::Error::source(error).map(ToString::to_string);
                let words = cause.unwrap_or_else(|| error.to_string()).to_lowercase();
                let says = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
                if says(&["end of file", "eof", "fill whole buffer"]) {
                    Self::CutOff
                } else if says(&["too large"]) {
                    too_many_pixels()
                } else if says(&["unsupported", "not supported", "unhandled", "not implemented"]) {
                    Self::Unsupported(format!("this kind of {name}"))
                } else {
                    Self::Damaged(name)
                }
            }
        }
    }
}

/// The picture states a size beyond what is read.
pub(super) fn too_many_pixels() -> Unreadable {
    let millions = MOST_PIXELS / 1_000_000;
    Unreadable::TooLarge(format!("the picture claims more pixels than the {millions} million that are read"))
}
