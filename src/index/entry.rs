//! One row of an index, with all that is known of it.

use std::{
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use half::f16;

use super::{ImageId, Images, Segment};
use crate::{face::Face, printable::printable};

/// One row of an [`Index`](super::Index).
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    /// The picture's id.
    pub id: ImageId,
    /// The folder it was found under.
    pub root: &'a Path,
    /// The stored embedding, to be multiplied by `scale`.
    pub row: &'a [f16],
    /// See [`super::Rows`].
    pub scale: f32,
    /// Euclidean norm of the raw embedding.
    pub norm: f32,
    pub(super) images: &'a Images,
    pub(super) at: usize,
}

impl<'a> Entry<'a> {
    /// Row `row` of a segment whose first row has the id `first`.
    pub(super) fn new(first: u32, segment: &'a Segment, row: usize) -> Self {
        Self {
            id: ImageId(first + row as u32),
            root: &segment.root,
            row: segment.rows.row(row),
            scale: segment.scales[row],
            norm: segment.norms[row],
            images: &segment.images,
            at: row,
        }
    }

    /// The raw embedding.
    #[must_use]
    pub fn embedding(&self) -> Vec<f32> {
        self.row.iter().map(|v| v.to_f32() * self.scale).collect()
    }

    /// The group: the name of the first sub-folder under the root, as the file system has it, for it need not be Unicode;
    /// empty for files in the root itself.
    #[must_use]
    pub fn group_bytes(&self) -> &'a [u8] {
        let relative = self.relative().as_os_str().as_bytes();
        relative.iter().position(|byte| *byte == b'/').map_or(&[], |end| &relative[..end])
    }

    /// The path relative to the folder it was found under.
    #[must_use]
    pub fn relative(&self) -> &'a Path {
        self.images.relative(self.at)
    }

    /// The whole path.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.root.join(self.relative())
    }

    /// The size of the file in bytes, when it was embedded.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.images.sizes[self.at]
    }

    /// When the file was last modified: nanoseconds since the Unix epoch.
    #[must_use]
    pub fn modified(&self) -> i64 {
        self.images.modified[self.at]
    }

    /// See [`crate::scan::ImageFile::changed`].
    #[must_use]
    pub fn changed(&self) -> i64 {
        self.images.changed[self.at]
    }

    /// Width and height in pixels, after the EXIF orientation was applied.
    #[must_use]
    pub fn pixels(&self) -> (u32, u32) {
        self.images.pixels[self.at].into()
    }

    /// The format's usual name, "JPEG" for example.
    #[must_use]
    pub fn format(&self) -> &'static str {
        self.images.format(self.at)
    }

    /// The face that the row stands for; nothing where it stands for the whole picture.
    #[must_use]
    pub fn face(&self) -> Option<&'a Face> {
        self.images.face(self.at).map(|row| &row.face)
    }

    /// Which of its picture's faces it is, counted from 1; nothing where it stands for the whole picture.
    #[must_use]
    pub fn face_number(&self) -> Option<u32> {
        self.images.face(self.at).map(|row| row.part + 1)
    }

    /// All faces of its picture with their numbers, itself among them; nothing where it stands for the whole picture.
    pub fn faces_of_picture(&self) -> impl Iterator<Item = (u32, &'a Face)> + use<'a> {
        let images = self.images;
        images.of_one_picture(self.at).filter_map(|at| images.face(at).map(|row| (row.part + 1, &row.face)))
    }

    /// Whether it is the only row of its picture, or the first of them: what is counted to count pictures.
    #[must_use]
    pub fn is_first_of_picture(&self) -> bool {
        self.images.face(self.at).is_none_or(|row| row.part == 0)
    }

    /// What stands behind the name of its picture, so that every row has a name of its own: nothing for a whole picture
    /// and for the first, largest face; ` #2` for the next one.
    #[must_use]
    pub fn mark(&self) -> String {
        match self.face_number() {
            None | Some(1) => String::new(),
            Some(number) => format!(" #{number}"),
        }
    }

    /// What the row is called, safe to show: its path relative to the folder it was found under, and its [`Entry::mark`].
    #[must_use]
    pub fn name(&self) -> String {
        printable(self.relative()) + &self.mark()
    }

    /// [`Entry::name`] with the whole path.
    #[must_use]
    pub fn whole_name(&self) -> String {
        printable(self.path()) + &self.mark()
    }

    /// [`Entry::name`] without the folders.
    #[must_use]
    pub fn file_name(&self) -> String {
        printable(self.relative().file_name().unwrap_or_default()) + &self.mark()
    }
}
