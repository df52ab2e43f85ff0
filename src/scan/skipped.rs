//! Files that could not be indexed: which, and why, in words and in a word.

use std::path::PathBuf;

/// A file that could not be indexed, and why, in words for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The file, or the folder that could not be listed.
    pub path: PathBuf,
    /// The same for programs.
    pub kind: SkippedKind,
    /// A plain sentence without the path.
    pub reason: String,
}

/// The reason of a picture that was looked at and has no face, where faces are indexed.
pub const NO_FACE: &str = "there is no face in it";

impl Skipped {
    /// Whether nothing is wrong with it: it is a picture without a face, where faces are indexed.
    #[must_use]
    pub fn has_no_face(&self) -> bool {
        self.kind == SkippedKind::NoFace
    }
}

/// Why a file could not be indexed, in a word for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkippedKind {
    /// There is no such file.
    Missing,
    /// It may not be read.
    Denied,
    /// The disk or the network gave an error.
    Unavailable,
    /// A folder, a device or a named pipe.
    NotAFile,
    /// It has no bytes.
    Empty,
    /// Something else than a picture.
    NotAnImage,
    /// A picture of a kind that is not read.
    Unsupported,
    /// It would take more memory or time than one picture may.
    TooLarge,
    /// It took more time than one picture may.
    TooSlow,
    /// Reading it was stopped.
    Stopped,
    /// Its end is missing.
    CutOff,
    /// Its data contradict its format's rules.
    Damaged,
    /// A picture without a face, where faces are indexed.
    NoFace,
    /// A picture that the network has no answer for.
    NotEmbedded,
}

impl SkippedKind {
    const NAMES: [(Self, &'static str); 14] = [
        (Self::Missing, "missing"),
        (Self::Denied, "denied"),
        (Self::Unavailable, "unavailable"),
        (Self::NotAFile, "not-a-file"),
        (Self::Empty, "empty"),
        (Self::NotAnImage, "not-an-image"),
        (Self::Unsupported, "unsupported"),
        (Self::TooLarge, "too-large"),
        (Self::TooSlow, "too-slow"),
        (Self::Stopped, "stopped"),
        (Self::CutOff, "cut-off"),
        (Self::Damaged, "damaged"),
        (Self::NoFace, "no-face"),
        (Self::NotEmbedded, "not-embedded"),
    ];

    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    /// The kind that has this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, of)| *of == name).map(|(kind, _)| *kind)
    }

    /// Of an error of the system.
    pub(super) fn of_io(error: Option<&std::io::Error>) -> Self {
        match error.map(std::io::Error::kind) {
            Some(std::io::ErrorKind::PermissionDenied) => Self::Denied,
            Some(std::io::ErrorKind::NotFound) => Self::Missing,
            _ => Self::Unavailable,
        }
    }
}
