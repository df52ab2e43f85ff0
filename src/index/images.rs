//! What is known of many pictures besides their embeddings, column by column: a million of them take little more memory
//! than their paths, and are read from disk and dropped in a few pieces.

use std::{ffi::OsStr, ops::Range, os::unix::ffi::OsStrExt, path::Path};

use super::Image;
use crate::face::Face;

/// Pictures, or the faces in them, as columns. Paths are relative to the folder that the pictures were found under.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Images {
    /// The paths, one behind the other.
    pub(super) paths: Vec<u8>,
    /// Where each path ends.
    pub(super) ends: Vec<u64>,
    pub(super) sizes: Vec<u64>,
    pub(super) modified: Vec<i64>,
    pub(super) changed: Vec<i64>,
    pub(super) pixels: Vec<[u32; 2]>,
    /// Positions in [`FORMATS`].
    pub(super) formats: Vec<u8>,
    /// The faces that the rows stand for. Rows beyond the end stand for whole pictures, so that those need no place here.
    pub(super) faces: Vec<Option<FaceRow>>,
}

/// What a row knows that stands for a face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct FaceRow {
    /// Which face of its picture it is, counted from 0.
    pub(super) part: u32,
    pub(super) face: Face,
}

/// The names of formats as `decode` gives them; what is none of them is called by the last.
const FORMATS: &[&str] = &[
    "JPEG", "PNG", "WebP", "GIF", "TIFF", "BMP", "PNM", "TGA", "DDS", "ICO", "HDR", "OpenEXR", "farbfeld", "QOI",
    "image",
];

fn number_of(format: &str) -> u8 {
    FORMATS.iter().position(|known| *known == format).unwrap_or(FORMATS.len() - 1) as u8
}

/// The name of a format that was read from a file.
pub(super) fn format_named(name: &str) -> &'static str {
    FORMATS[usize::from(number_of(name))]
}

impl Images {
    /// The pictures, found under `root`. All faces of a picture must follow on one another; they are counted here.
    #[must_use]
    pub fn new(root: &Path, images: impl IntoIterator<Item = Image>) -> Self {
        let mut columns = Self::default();
        for Image { file, pixels, format, face } in images {
            let relative = file.path.strip_prefix(root).unwrap_or(&file.path);
            let times = [file.modified, file.changed];
            let before = columns.len().checked_sub(1).filter(|before| columns.relative(*before) == relative);
            let part = before.and_then(|before| columns.face(before)).map_or(0, |before| before.part + 1);
            columns.push(relative.as_os_str().as_bytes(), file.size, times, pixels.into(), format);
            columns.set_face(face.map(|face| FaceRow { part, face }));
        }
        columns
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Adds a picture; the times are those of modification and of change.
    pub(super) fn push(&mut self, relative: &[u8], size: u64, times: [i64; 2], pixels: [u32; 2], format: &str) {
        self.paths.extend_from_slice(relative);
        self.ends.push(self.paths.len() as u64);
        self.sizes.push(size);
        self.modified.push(times[0]);
        self.changed.push(times[1]);
        self.pixels.push(pixels);
        self.formats.push(number_of(format));
    }

    /// Makes the last row stand for a face.
    pub(super) fn set_face(&mut self, face: Option<FaceRow>) {
        if face.is_some() {
            self.faces.resize(self.len() - 1, None);
            self.faces.push(face);
        }
    }

    /// The face that row `at` stands for, if it does not stand for a whole picture.
    pub(super) fn face(&self, at: usize) -> Option<&FaceRow> {
        self.faces.get(at)?.as_ref()
    }

    /// The rows of the picture that row `at` is of: itself, and with it the other faces of that picture.
    #[must_use]
    pub fn of_one_picture(&self, at: usize) -> Range<usize> {
        let Some(FaceRow { part, .. }) = self.face(at) else { return at..at + 1 };
        let belongs = |other: usize, part: u32| {
            self.face(other).is_some_and(|face| face.part == part) && self.relative(other) == self.relative(at)
        };
        let before = (0..*part).rev().zip((0..at).rev()).take_while(|(part, other)| belongs(*other, *part)).count();
        let behind = (part + 1..).zip(at + 1..self.len()).take_while(|(part, other)| belongs(*other, *part)).count();
        at - before..at + 1 + behind
    }

    /// Adds a row that stands for no picture.
    pub(super) fn push_vacant(&mut self) {
        self.push(b"", 0, [0, 0], [0, 0], "");
    }

    /// Another size and other times of modification and change for the file of picture `at`.
    pub(super) fn set_file(&mut self, at: usize, size: u64, times: [i64; 2]) {
        (self.sizes[at], self.modified[at], self.changed[at]) = (size, times[0], times[1]);
    }

    /// Adds row `at` of `other`, a face with the number that it has there.
    pub(super) fn push_from(&mut self, other: &Self, at: usize) {
        let times = [other.modified[at], other.changed[at]];
        let path = other.relative(at).as_os_str().as_bytes();
        self.push(path, other.sizes[at], times, other.pixels[at], other.format(at));
        self.set_face(other.face(at).copied());
    }

    /// All pictures of `other` behind those of `self`.
    #[cfg(feature = "libtorch")]
    pub(crate) fn append(&mut self, other: &Self) {
        let before = self.paths.len() as u64;
        self.paths.extend_from_slice(&other.paths);
        self.ends.extend(other.ends.iter().map(|end| before + end));
        self.sizes.extend_from_slice(&other.sizes);
        self.modified.extend_from_slice(&other.modified);
        self.changed.extend_from_slice(&other.changed);
        self.pixels.extend_from_slice(&other.pixels);
        self.formats.extend_from_slice(&other.formats);
        if !other.faces.is_empty() {
            self.faces.resize(self.ends.len() - other.ends.len(), None);
            self.faces.extend_from_slice(&other.faces);
        }
    }

    /// The path of picture `at`.
    #[must_use]
    pub fn relative(&self, at: usize) -> &Path {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        Path::new(OsStr::from_bytes(&self.paths[start as usize..self.ends[at] as usize]))
    }

    /// The usual name of the format of picture `at`.
    pub(super) fn format(&self, at: usize) -> &'static str {
        FORMATS.get(usize::from(self.formats[at])).unwrap_or(&"image")
    }
}
