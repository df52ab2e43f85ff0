//! Turns pictures into embeddings; the only place that names `tch`. An embedding leaves it as plain `f32`s.
//!
//! A model is data: a [`Manifest`], and the weights file it names. [`choose`] decides which one to use without
//! reading any weights, so that a warm start costs nothing; [`load`] builds the network when something must be embedded.

use std::path::PathBuf;

use image::RgbImage;

use crate::{
    error::{Error, Result},
    face::Face,
};

pub mod batcher;
mod blueprint;
pub mod catalog;
mod checkpoint;
pub mod color_grid;
mod convnext;
mod convolution;
pub mod device;
pub mod download;
mod faces;
pub mod fingerprint;
mod fused;
mod head;
mod impostors;
mod inverted_residual;
pub mod layer;
mod limits;
pub mod manifest;
mod memory;
mod network;
mod norm;
pub mod preprocess;
mod resnet;
mod script;
mod vision_transformer;
pub mod weights;

pub use catalog::{Catalog, CatalogEntry, Folders, catalog};
pub use device::device_report;
pub use manifest::Manifest;

use manifest::Architecture;

/// A loaded network. One thread owns it; it may be handed from one thread to another.
pub trait Embedder: Send {
    /// The model's description.
    fn manifest(&self) -> &Manifest;

    /// The raw embeddings of pictures that are already `input`×`input` pixels (see [`preprocess::fit`]), in order,
    /// each `dim` values long. Where the network looks for faces, these are faces that were cut out.
    ///
    /// # Errors
    /// [`Error::Model`] when libtorch fails or the network gives something else than `dim` values a picture.
    fn embed(&mut self, batch: &[RgbImage]) -> Result<Vec<Vec<f32>>>;

    /// What stands in the index for each picture, in order: by itself the picture as a whole; for a network that looks for
    /// faces each face that it finds, the largest first, and nothing where there is none. The pictures come from
    /// [`preprocess::fit`].
    ///
    /// # Errors
    /// As [`Embedder::embed`].
    fn find(&mut self, batch: &[RgbImage]) -> Result<Vec<Vec<Found>>> {
        let whole = |embedding| vec![Found { face: None, embedding }];
        Ok(self.embed(batch)?.into_iter().map(whole).collect())
    }

    /// What a picture's embedding is the sum of, position by position; nothing where the network does not say.
    ///
    /// # Errors
    /// As [`Embedder::embed`].
    fn parts(&mut self, _picture: &RgbImage) -> Result<Option<Parts>> {
        Ok(None)
    }

    /// Another one over the same weights for another thread to compute with at the same time; `None` where one is enough.
    fn share(&self) -> Option<Box<dyn Embedder>> {
        None
    }

    /// How many pictures to hand over at once for the best throughput.
    fn batch_size(&self) -> usize;

    /// Where and in which precision it computes, for people.
    fn device(&self) -> String;
}

/// What was found in a picture and embedded.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The face; `None` stands for the picture as a whole.
    pub face: Option<Face>,
    /// The raw embedding.
    pub embedding: Vec<f32>,
}

/// The parts of an embedding: one for each position of the last feature map.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// Positions one under the other, and side by side.
    pub grid: [usize; 2],
    /// The parts row by row, each `dim` values long; their sum is the embedding.
    pub values: Vec<f32>,
}

/// Where a network runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Device {
    /// The GPU when libtorch sees one, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The first CUDA GPU.
    Cuda,
}

/// What the user asked for.
#[derive(Debug, Clone, Default)]
pub struct ModelChoice {
    /// The model's name; `None` is that of the highest rank whose weights are there.
    pub name: Option<String>,
    /// A weights file to use instead of looking for it.
    pub weights: Option<PathBuf>,
    /// Where to compute.
    pub device: Device,
    /// float32 everywhere, instead of the quickest precision that keeps cosines to 0.999.
    pub exact: bool,
    /// Threads of the network; 0 is one for each core.
    pub threads: usize,
}

/// A model that can be loaded.
#[derive(Debug, Clone)]
pub struct Model {
    /// What it is.
    pub manifest: Manifest,
    /// Its weights; `None` for the baseline, which has none.
    pub weights: Option<PathBuf>,
    /// Changes whenever the embeddings would (see [`fingerprint::fingerprint`]). Part of the key under which embeddings
    /// are stored.
    pub fingerprint: String,
}

/// Finds the model to use. Reads manifests and hashes the weights file, builds no network.
///
/// # Errors
/// [`Error::Model`] when there is no such model, or its weights are not there; the sentence says what to do.
pub fn choose(choice: &ModelChoice) -> Result<Model> {
    choose_in(choice, &Folders::from_env()?)
}

/// [`choose`] in given folders.
///
/// # Errors
/// As [`choose`].
pub fn choose_in(choice: &ModelChoice, folders: &Folders) -> Result<Model> {
    let (manifest, weights) = located(choice, folders)?;
    let fingerprint = fingerprint::fingerprint(&manifest, weights.as_deref())?;
    Ok(Model { manifest, weights, fingerprint })
}

/// Whether there is the model to use, and its weights. Hashes nothing, so that it takes no time.
///
/// # Errors
/// As [`choose`].
pub fn check(choice: &ModelChoice) -> Result<()> {
    located(choice, &Folders::from_env()?).map(drop)
}

/// The manifest of the model to use, and its weights.
fn located(choice: &ModelChoice, folders: &Folders) -> Result<(Manifest, Option<PathBuf>)> {
    let catalog = catalog(folders);
    let entry = match (&choice.name, &choice.weights) {
        (Some(name), _) => catalog.named(name)?.clone(),
        (None, Some(file)) => catalog.of_weights_file(file)?,
        (None, None) => catalog.best()?.clone(),
    };
    let manifest = entry.manifest;
    let weights = match (&choice.weights, &manifest.weights, entry.found) {
        (Some(file), Some(_), _) => {
            let parts = manifest.weights.iter().flat_map(|source| &source.beside);
            let mut files = [file.clone()].into_iter().chain(parts.map(|part| file.with_file_name(&part.file)));
            if let Some(missing) = files.find(|file| !file.is_file()) {
                return Err(Error::model(&manifest.name, format!("there is no weights file {}", shown(missing))));
            }
            Some(file.clone())
        }
        (Some(_), None, _) => return Err(Error::model(&manifest.name, "it takes no weights: leave --weights out")),
        (None, Some(source), None) => return Err(Error::model(&manifest.name, not_found(&manifest, source, folders))),
        (None, _, found) => found,
    };
    Ok((manifest, weights))
}

fn not_found(manifest: &Manifest, source: &manifest::WeightsSource, folders: &Folders) -> String {
    let pull = match &source.url {
        Some(_) => format!("`lookalike models pull {}` downloads them, or ", manifest.name),
        None => String::new(),
    };
    let names: Vec<_> = source.files().map(|file| &*file.file).collect();
    let files = if names.len() > 1 { "these files" } else { "the file" };
    format!("its weights {} are not here: {pull}put {files} into {}", names.join(", "), shown(&folders.models))
}

/// Reads the weights and builds the network.
///
/// # Errors
/// [`Error::Model`] when the weights do not fit the network or cannot be read, or the device is not there.
pub fn load(model: &Model, choice: &ModelChoice) -> Result<Box<dyn Embedder>> {
    if model.manifest.architecture == Architecture::ColorGrid {
        return Ok(Box::new(color_grid::ColorGrid::new(model.manifest.clone())));
    }
    // All others are networks.
    memory::keep_freed();
    Ok(match model.manifest.architecture {
        Architecture::Faces => Box::new(faces::Faces::load(model, choice)?),
        _ => Box::new(network::Network::load(model, choice)?),
    })
}

/// Reads dlib's stream of a network with few channels, for its fuzz target: the number of its convolutions.
///
/// # Errors
/// A part of a sentence about the file.
#[cfg(fuzzing)]
pub fn read_small_faces(bytes: &[u8]) -> Result<usize, String> {
    faces::read_small(bytes)
}

fn shown(path: impl AsRef<std::path::Path>) -> String {
    crate::printable::printable(path)
}

/// libtorch's message without its C++ backtrace.
fn torch_error(name: &str) -> impl Fn(tch::TchError) -> Error + '_ {
    move |error| Error::model(name, first_line(&error))
}

/// The first line of a message that says something.
fn first_line(error: &tch::TchError) -> String {
    match crate::printable::one_line(&error.to_string()) {
        line if line.is_empty() => "libtorch failed".into(),
        line => line,
    }
}
