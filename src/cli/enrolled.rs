//! What `gallery` and `live` begin with: a folder with one sub-folder a name, as a gallery.

use std::path::{Path, PathBuf};

use super::{FolderArgs, ModelArgs, indexed::Indexed};
use crate::{
    analysis::gallery::Gallery,
    cancel::CancelToken,
    error::{Error, Result},
    folders,
    index::labels::Labels,
};

/// A gallery and the index behind it.
pub struct Enrolled {
    /// Its names and their embeddings; there may be none.
    pub gallery: Gallery,
    /// Where it lies.
    pub folder: PathBuf,
    /// The index; `None` when the folder holds no picture.
    pub indexed: Option<Indexed>,
    /// Pictures that lie in no sub-folder: they have no name.
    pub unnamed: usize,
}

impl Enrolled {
    /// Indexes the folder; without one that of the names that were given in the explorer.
    ///
    /// # Errors
    /// As the indexing; [`Error::Usage`] when no folder is named and no name was given yet.
    pub fn new(folder: Option<&Path>, model: &ModelArgs, cancel: CancelToken) -> Result<Self> {
        let is_default = folder.is_none();
        let folder = match folder {
            Some(folder) => folder.to_owned(),
            None => folders::gallery()?,
        };
        let nothing = |folder| Self { gallery: Gallery::default(), folder, indexed: None, unnamed: 0 };
        if is_default && !folder.is_dir() {
            return Ok(nothing(folder));
        }
        let folders = FolderArgs { folders: vec![folder.clone()], exclude: Vec::new(), include_hidden: false };
        let indexed = match Indexed::new(&folders, model, cancel) {
            Ok(indexed) => indexed,
            Err(Error::NoImages(_) | Error::NoFaces(_)) => return Ok(nothing(folder)),
            Err(error) => return Err(error),
        };
        let labels = Labels::folders(&indexed.index);
        let unnamed = indexed.index.iter().filter(|entry| labels.of(entry.id).is_none()).count();
        Ok(Self { gallery: Gallery::of(&indexed.index, &labels), folder, indexed: Some(indexed), unnamed })
    }

    /// The same, unless nothing is enrolled.
    ///
    /// # Errors
    /// [`Error::EmptyGallery`].
    pub fn not_empty(self) -> Result<Self> {
        if self.gallery.is_empty() { Err(Error::EmptyGallery(self.folder)) } else { Ok(self) }
    }
}
