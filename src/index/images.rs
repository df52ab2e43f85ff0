//! What is known of many pictures besides their embeddings, column by column: a million of them take little more memory
//! than their paths, and are read from disk and dropped in a few pieces.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path};

use super::Image;

/// Pictures as columns. Paths are relative to the folder that the pictures were found under.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
    /// The pictures, found under `root`.
    #[must_use]
    pub fn new(root: &Path, images: impl IntoIterator<Item = Image>) -> Self {
        let mut columns = Self::default();
        for Image { file, pixels, format } in images {
            let relative = file.path.strip_prefix(root).unwrap_or(&file.path);
            let times = [file.modified, file.changed];
            columns.push(relative.as_os_str().as_bytes(), file.size, times, pixels.into(), format);
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

    /// Adds a row that stands for no picture.
    pub(super) fn push_vacant(&mut self) {
        self.push(b"", 0, [0, 0], [0, 0], "");
    }

    /// Another size and other times of modification and change for the file of picture `at`.
    pub(super) fn set_file(&mut self, at: usize, size: u64, times: [i64; 2]) {
        (self.sizes[at], self.modified[at], self.changed[at]) = (size, times[0], times[1]);
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
