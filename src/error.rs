//! Everything that can go wrong, in the user's words, and the exit code each failure ends with.

use std::{io, path::PathBuf};

use crate::printable::printable;

/// What the process tells its caller. Documented in `--help` and the README.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// The work was done; skipped images do not change this unless `--strict` is given.
    Done = 0,
    /// Something failed, or `--strict` was given and some images were skipped.
    Failed = 1,
    /// The arguments make no sense together, or a needed terminal is not there.
    Usage = 2,
    /// There is nothing to work on: no such folder, or no readable image in it.
    Nothing = 3,
    /// `lookalike live --once` saw nothing that it knows.
    Unknown = 4,
    /// The user interrupted the work (128 + SIGINT).
    Interrupted = 130,
}

/// A failure that ends a command. A picture that cannot be read is not one: it becomes a `Skipped`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be opened, read or written.
    #[error("cannot {doing} {}: {source}", printable(path))]
    Io {
        /// What was tried, as a verb: "read", "write", "create".
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A folder named on the command line is not there.
    #[error("there is no folder {}: check the path, or the drive it is on", printable(.0))]
    NoFolder(PathBuf),
    /// What was named is neither a folder nor a command, and looks like a command.
    #[error("there is no folder and no command {}: did you mean `lookalike {command}`?", printable(word))]
    NoCommand {
        /// What was typed.
        word: PathBuf,
        /// The command whose name is nearest to it.
        command: String,
    },
    /// There are pictures in the folder, and no face in any of them.
    #[error("there is no face in the pictures of {}: without --faces they are indexed as they are", printable(.0))]
    NoFaces(PathBuf),
    /// No readable image was found.
    #[error("there is no image to work on in {}", printable(.0))]
    NoImages(PathBuf),
    /// A gallery has no name in it.
    #[error("nobody and nothing is enrolled in {}: put pictures into it, one sub-folder for each name, or name some in the explorer", printable(.0))]
    EmptyGallery(PathBuf),
    /// One image that the command was about could not be read.
    #[error("cannot use {} as an image: {reason}", printable(path))]
    Image {
        /// The image file.
        path: PathBuf,
        /// Why, in plain words.
        reason: String,
    },
    /// A model could not be found, read or run.
    #[error("model {name}: {reason}")]
    Model {
        /// The model's name or the path of its file.
        name: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The index on disk could not be used.
    #[error("the index {}: {reason}", printable(path))]
    Store {
        /// The database or vector file.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The index on disk was damaged and has another name now: whoever opens it next builds it anew.
    #[error("the index of {} was damaged ({reason}): it was set aside as {}", printable(root), printable(aside))]
    DamagedStore {
        /// The folder that was indexed.
        root: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// Its database, as it is called now.
        aside: PathBuf,
    },
    /// A file of labels makes no sense.
    #[error("the label file {}: {reason}", printable(path))]
    Labels {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its line, and what to do.
        reason: String,
    },
    /// A saved probe does not fit what it is to be used on.
    #[error("the probe {}: {reason}", printable(path))]
    Probe {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A download did not succeed.
    #[error("{0}")]
    Download(String),
    /// A source of frames gives none.
    #[error("cannot look at {}: {reason}", printable(name))]
    Source {
        /// The camera, the address or the file.
        name: String,
        /// Why, and what to do.
        reason: String,
    },
    /// The program that reads cameras and streams is not there.
    #[error(
        "cameras, streams and videos are read with ffmpeg, which is not here: install it \
         (`apt install ffmpeg`, `dnf install ffmpeg`, `brew install ffmpeg`)"
    )]
    NoFfmpeg,
    /// Arguments that make no sense.
    #[error("{0}")]
    Usage(String),
    /// The terminal could not be used.
    #[error("the terminal: {0}")]
    Terminal(#[source] io::Error),
    /// The user stopped the work; what was done is kept.
    #[error("interrupted; what was indexed so far is kept")]
    Interrupted,
}

/// Shorthand used through the whole crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An [`Error::Io`], for `map_err`.
    pub fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { doing, path, source }
    }

    /// An [`Error::Model`].
    #[allow(clippy::needless_pass_by_value, reason = "callers give away the error or the text they end with")]
    pub fn model(name: impl Into<String>, reason: impl ToString) -> Self {
        Self::Model { name: name.into(), reason: reason.to_string() }
    }

    /// An [`Error::Store`].
    #[allow(clippy::needless_pass_by_value, reason = "callers give away the error or the text they end with")]
    pub fn store(path: impl Into<PathBuf>, reason: impl ToString) -> Self {
        Self::Store { path: path.into(), reason: reason.to_string() }
    }

    /// The code the process ends with when this error reaches `main`.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::NoFolder(_)
            | Self::NoCommand { .. }
            | Self::NoImages(_)
            | Self::NoFaces(_)
            | Self::EmptyGallery(_) => Exit::Nothing,
            Self::Usage(_) | Self::Terminal(_) => Exit::Usage,
            Self::Interrupted => Exit::Interrupted,
            _ => Exit::Failed,
        }
    }
}
