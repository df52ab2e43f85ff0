//! What `gallery` and `live` begin with: a folder with one sub-folder a name, as a gallery.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{FolderArgs, ModelArgs, indexed::Indexed};
use crate::{
    analysis::gallery::{Gallery, impostors::ImpostorDistribution, is_meant},
    cancel::CancelToken,
    embed,
    error::{Error, Result},
    folders,
    index::{Entry, RowKind, labels::Labels},
    printable::{printable, printable_str},
    similarity::Metric,
};

/// Sentences of one kind that are said before the rest is only counted.
const SAID: usize = 8;

/// How a network of this kind is meant to be compared.
pub(super) fn usual_metric(kind: RowKind) -> Metric {
    match kind {
        RowKind::Picture => Metric::Cosine,
        RowKind::Face => Metric::Euclidean,
    }
}

/// How alike pictures of two names are to the model, where its manifest says it. Other weights than the manifest's were not
/// measured.
fn impostors(model: &ModelArgs) -> Result<Option<ImpostorDistribution>> {
    let choice = model.choice();
    if choice.weights.is_some() {
        return Ok(None);
    }
    let measured = embed::choose(&choice)?.manifest.impostors;
    Ok(measured.map(|one| ImpostorDistribution::new(one.pairs, &one.shares, [&one.cosine, &one.euclidean])))
}

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
    /// Pictures in which no face was found, where faces are looked for.
    pub without_face: Vec<PathBuf>,
    /// Pictures with several faces of which none is clearly the one that is meant.
    pub several_faces: Vec<PathBuf>,
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
        let impostors = impostors(model)?;
        let mut none = Gallery::default();
        none.impostors.clone_from(&impostors);
        let nothing = |folder| Self {
            gallery: none,
            folder,
            indexed: None,
            unnamed: 0,
            without_face: Vec::new(),
            several_faces: Vec::new(),
        };
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
        let index = &indexed.index;
        let firsts = || index.iter().filter(Entry::is_first_of_picture);
        let unnamed = firsts().filter(|entry| labels.of(entry.id).is_none()).count();
        let several = firsts().filter(|entry| labels.of(entry.id).is_some() && !is_meant(index, entry));
        let mut gallery = Gallery::of(index, &labels);
        gallery.impostors = impostors;
        let enrolled = Self {
            gallery,
            folder,
            unnamed,
            without_face: indexed.without_face.clone(),
            several_faces: several.map(|entry| entry.path()).collect(),
            indexed: Some(indexed),
        };
        enrolled.say_what_is_amiss();
        Ok(enrolled)
    }

    /// For people, beside the data.
    fn say_what_is_amiss(&self) {
        let mut sentences = Vec::new();
        for (pictures, why) in [
            (&self.without_face, "no face is found in it"),
            (&self.several_faces, "it has several faces, and none is clearly the one that is meant"),
        ] {
            let said = pictures.iter().take(SAID).map(|path| format!("{} is left out: {why}", printable(path)));
            sentences.extend(said);
            if pictures.len() > SAID {
                sentences.push(format!("{} more are left out: {why}", pictures.len() - SAID));
            }
        }
        let contradictions = self.gallery.contradictions();
        sentences.extend(contradictions.iter().take(SAID).map(|[one, other]| {
            let [name, second] = [one, other].map(|sample| printable_str(self.gallery.name(sample.name)));
            let [path, same] = [one, other].map(|sample| printable(&sample.path));
            format!(
                "{path} and {same} are the same to the model, one as {name}, the other as {second}: keep one of them"
            )
        }));
        if contradictions.len() > SAID {
            sentences.push(format!("{} more are the same under two names", contradictions.len() - SAID));
        }
        let folders = self.without_face.iter().chain(&self.several_faces).filter_map(|path| path.parent()?.file_name());
        let mut nobody: Vec<_> = folders.map(|name| printable_str(&name.to_string_lossy())).collect();
        nobody.sort();
        nobody.dedup();
        nobody.retain(|name| self.gallery.number(name).is_none());
        let is_named = |name: &String| self.folder.file_name().is_none_or(|folder| folder.to_string_lossy() != **name);
        sentences
            .extend(nobody.iter().filter(|name| is_named(name)).map(|name| format!("nobody is enrolled as {name}")));
        for sentence in sentences {
            let _ = writeln!(io::stderr(), "lookalike: {sentence}");
        }
    }

    /// The same, unless nothing is enrolled.
    ///
    /// # Errors
    /// [`Error::EmptyGallery`].
    pub fn not_empty(self) -> Result<Self> {
        if self.gallery.is_empty() { Err(Error::EmptyGallery(self.folder)) } else { Ok(self) }
    }
}
