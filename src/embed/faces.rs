//! Faces: found by MTCNN, turned upright, and embedded by dlib's ResNet-29. The weights are read from the files that their
//! publishers offer (see `models/faces.md`).

mod area;
mod boxes;
mod chip;
mod descriptor;
mod detector;
mod dlib;
mod mtcnn;

use image::RgbImage;
use tch::Kind;

use self::{
    descriptor::Descriptor,
    detector::{Detection, Detector},
};
use super::{
    Embedder, Found, Manifest, Model, ModelChoice,
    device::{self, Compute},
    torch_error,
};
use crate::{
    error::{Error, Result},
    face::Face,
};

/// Reads dlib's stream of a network with few channels, for its fuzz target: the number of its convolutions.
#[cfg(fuzzing)]
pub(super) fn read_small(bytes: &[u8]) -> Result<usize, String> {
    dlib::read(bytes, &dlib::SMALL).map(|stream| stream.convolutions.len())
}

/// Pictures a call. Their faces go through the network together, and the pictures lie in memory until then.
const PICTURES: usize = 4;

/// The networks on one device.
pub(super) struct Faces {
    model: Model,
    detector: Detector,
    descriptor: Descriptor,
    compute: Compute,
    threads: usize,
}

impl Faces {
    pub(super) fn load(model: &Model, choice: &ModelChoice) -> Result<Self> {
        let name = &*model.manifest.name;
        let mut compute = device::compute(choice)?;
        if compute.device != tch::Device::Cpu {
            // A small network: half precision would save little there.
            compute.kind = Kind::Float;
        }
        let source = model.manifest.weights.as_ref();
        let (Some(file), Some(source)) = (&model.weights, source) else {
            return Err(Error::model(name, "it has no weights files"));
        };
        // As in a network: oneDNN lays weights out for as many threads as there are now, and each thread computes alone.
        tch::set_num_threads(1);
        let beside: Vec<_> = source.beside.iter().map(|part| file.with_file_name(&part.file)).collect();
        let [proposal, refinement, output] = &beside[..] else {
            return Err(Error::model(name, "its manifest must list MTCNN's three files"));
        };
        Ok(Self {
            descriptor: Descriptor::load(&model.manifest, file, compute)?,
            detector: Detector::load(name, [proposal, refinement, output], model.manifest.smallest_face(), compute)?,
            model: model.clone(),
            compute,
            threads: device::threads(choice.threads),
        })
    }

    /// The faces of a picture, the largest first.
    fn detect(&self, picture: &RgbImage) -> Result<Vec<Detection>> {
        let mut found = self.detector.detect(picture).map_err(torch_error(&self.model.manifest.name))?;
        found.sort_by(|a, b| b.size().total_cmp(&a.size()));
        Ok(found)
    }

    fn describe(&self, chips: &[RgbImage]) -> Result<Vec<Vec<f32>>> {
        self.descriptor.describe(chips).map_err(torch_error(&self.model.manifest.name))
    }
}

impl Embedder for Faces {
    fn manifest(&self) -> &Manifest {
        &self.model.manifest
    }

    fn embed(&mut self, batch: &[RgbImage]) -> Result<Vec<Vec<f32>>> {
        let side = self.model.manifest.input;
        if let Some(chip) = batch.iter().find(|chip| chip.dimensions() != (side, side)) {
            let (width, height) = chip.dimensions();
            let reason = format!("it embeds faces cut out to {side}×{side} pixels, not {width}×{height}");
            return Err(Error::model(&self.model.manifest.name, reason));
        }
        // libtorch keeps this number per thread, and the embedder may have been handed to another one.
        tch::set_num_threads(self.threads as i32);
        tch::no_grad(|| self.describe(batch))
    }

    fn find(&mut self, batch: &[RgbImage]) -> Result<Vec<Vec<Found>>> {
        let wrong = |reason: String| Error::model(&self.model.manifest.name, reason);
        tch::set_num_threads(self.threads as i32);
        tch::no_grad(|| {
            let (mut faces, mut chips) = (Vec::with_capacity(batch.len()), Vec::new());
            for picture in batch {
                let found = self.detect(picture)?;
                for detection in &found {
                    chips.push(chip::cut(picture, &detection.points, self.model.manifest.input).map_err(wrong)?);
                }
                faces.push(found.iter().map(|detection| detection.face(picture.dimensions())).collect::<Vec<Face>>());
            }
            let mut embeddings = self.describe(&chips)?.into_iter();
            let mut found = |face| Some(Found { face: Some(face), embedding: embeddings.next()? });
            Ok(faces.into_iter().map(|faces| faces.into_iter().filter_map(&mut found).collect()).collect())
        })
    }

    /// One for each thread that asks, computing on that thread alone, as [`Network`](super::network::Network) has it.
    fn share(&self) -> Option<Box<dyn Embedder>> {
        if self.compute.device != tch::Device::Cpu {
            return None;
        }
        let (detector, descriptor) = (self.detector.share().ok()?, self.descriptor.share().ok()?);
        Some(Box::new(Self { model: self.model.clone(), detector, descriptor, compute: self.compute, threads: 1 }))
    }

    fn batch_size(&self) -> usize {
        PICTURES
    }

    fn device(&self) -> String {
        device::described(self.compute, self.threads)
    }
}
