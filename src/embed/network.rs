//! A network in libtorch as an [`Embedder`]: pixels in, plain floats out.

use std::{
    collections::HashSet,
    convert::identity,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use bytemuck::NoUninit;
use half::{bf16, f16};
use image::RgbImage;
use tch::{Kind, TchError, Tensor};

use super::{
    Embedder, Manifest, Model, ModelChoice, Parts,
    blueprint::{Blueprint, Chain},
    convolution::with_operators,
    device::{self, Compute},
    fused::Fused,
    head::LEAST_LENGTH,
    manifest::Architecture,
    preprocess::Normalizer,
    script::Script,
    torch_error,
    weights::Weights,
};
use crate::{
    error::{Error, Result},
    files::open_regular,
};

/// A loaded network and how to feed it.
pub(super) struct Network {
    model: Model,
    normalizer: Normalizer,
    body: Body,
    compute: Compute,
    /// Pictures a call.
    batch: usize,
    threads: usize,
    /// The same network in float32, from the first time on that an answer was not finite in less. All that share these
    /// weights share it too: it is rarely asked, and a copy for each thread would take the memory of one for each.
    exact: Arc<Mutex<Option<Self>>>,
}

enum Body {
    Native(Chain),
    Script(Script),
}

impl Network {
    pub(super) fn load(model: &Model, choice: &ModelChoice) -> Result<Self> {
        Self::load_with(model, choice, device::compute(choice)?, Fused::new)
    }

    /// [`Network::load`] for a device and precision, with the fused operators that `fused` gives.
    fn load_with(
        model: &Model,
        choice: &ModelChoice,
        mut compute: Compute,
        fused: impl Fn(Kind) -> Result<Fused, TchError>,
    ) -> Result<Self> {
        let manifest = &model.manifest;
        let name = &*manifest.name;
        let file = model.weights.as_ref().ok_or_else(|| Error::model(name, "it has no weights file"))?;
        let threads = device::threads(choice.threads);
        let side = i64::from(manifest.input);
        let (body, batch) = if manifest.architecture == Architecture::TorchScript {
            // Whether a foreign module survives another precision is not ours to guess.
            compute.kind = Kind::Float;
            open_regular(file).map_err(Error::io("read", file))?;
            // Nobody knows its layers.
            let batch = device::batch_size(compute.device, manifest.input, i64::MAX);
            (Body::Script(Script::load(name, file, compute, threads)?), batch)
        } else {
            // Each thread that indexes computes alone. oneDNN lays weights out for as many threads as there are now, and for
            // another number lays some of them out anew at every call.
            tch::set_num_threads(1);
            let (chain, batch) = with_operators(compute, fused, |convolver| {
                let (blueprint, mut weights) = read(manifest, file)?;
                let batch = device::batch_size(compute.device, manifest.input, blueprint.widest(side));
                Ok((blueprint.build(&mut weights, compute, convolver, [batch as i64, side])?, batch))
            })?;
            (Body::Native(chain), batch)
        };
        let normalizer = Normalizer::new(manifest);
        Ok(Self { model: model.clone(), normalizer, body, compute, batch, threads, exact: Arc::default() })
    }

    /// The embeddings as the network gives them, finite or not.
    fn embed_once(&self, batch: &[RgbImage]) -> Result<Vec<Vec<f32>>> {
        let (name, dim, side) = (&*self.model.manifest.name, self.model.manifest.dim, self.model.manifest.input);
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        if let Some(picture) = batch.iter().find(|picture| picture.dimensions() != (side, side)) {
            let (width, height) = picture.dimensions();
            return Err(Error::model(name, format!("it takes {side}×{side} pixels, not {width}×{height}")));
        }
        // libtorch keeps this number per thread, and the embedder may have been handed to another one.
        tch::set_num_threads(self.threads as i32);
        let embeddings = tch::no_grad(|| self.forward(batch))?;
        let expected = [batch.len() as i64, dim as i64];
        if embeddings.size() != expected {
            let reason = format!(
                "it gave {:?} values for {} pictures, its manifest says {dim} each",
                embeddings.size(),
                batch.len()
            );
            return Err(Error::model(name, reason));
        }
        let mut values = vec![0_f32; batch.len() * dim];
        embeddings.f_copy_data(&mut values, batch.len() * dim).map_err(torch_error(name))?;
        if self.model.manifest.unit_length {
            for row in values.chunks_exact_mut(dim) {
                scale(row, to_unit_length(row));
            }
        }
        Ok(values.chunks_exact(dim).map(<[f32]>::to_vec).collect())
    }

    /// What the same network in float32 says.
    fn with_exact<T>(&self, ask: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        let mut exact = self.exact.lock().unwrap_or_else(PoisonError::into_inner);
        let network = match exact.take() {
            Some(network) => network,
            None => {
                let choice = ModelChoice { threads: self.threads, ..ModelChoice::default() };
                let compute = Compute { kind: Kind::Float, ..self.compute };
                Self::load_with(&self.model, &choice, compute, Fused::new)?
            }
        };
        ask(exact.insert(network))
    }

    /// The parts of an embedding as the network gives them, finite or not.
    fn parts_once(&self, picture: &RgbImage) -> Result<Option<Parts>> {
        let failed = |error| torch_error(&self.model.manifest.name)(error);
        tch::set_num_threads(self.threads as i32);
        let parts = tch::no_grad(|| {
            let input = self.input(std::slice::from_ref(picture))?;
            let parts = match &self.body {
                Body::Native(network) => network.parts(&input)?,
                Body::Script(_) => None,
            };
            parts.map(|parts| parts.f_to_device(tch::Device::Cpu)?.f_contiguous()).transpose()
        });
        let Some(parts) = parts.map_err(failed)? else { return Ok(None) };
        let grid = [parts.size()[0] as usize, parts.size()[1] as usize];
        let mut values = vec![0_f32; parts.numel()];
        let count = values.len();
        parts.f_copy_data(&mut values, count).map_err(failed)?;
        if self.model.manifest.unit_length {
            let mut sum = vec![0_f32; self.model.manifest.dim];
            for part in values.chunks_exact(sum.len()) {
                sum.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
            }
            scale(&mut values, to_unit_length(&sum));
        }
        Ok(Some(Parts { grid, values }))
    }

    /// The embeddings of a batch, N×dim on the CPU in float32.
    fn forward(&self, batch: &[RgbImage]) -> Result<Tensor> {
        let failed = |error| torch_error(&self.model.manifest.name)(error);
        let input = self.input(batch).map_err(failed)?;
        let embeddings = match &self.body {
            Body::Native(network) => network.forward(&input).map_err(failed)?,
            Body::Script(module) => module.forward(input)?,
        };
        let plain = || embeddings.f_to_device(tch::Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous();
        plain().map_err(failed)
    }

    /// The normalized pixels of a batch, N×3×side×side.
    fn input(&self, batch: &[RgbImage]) -> Result<Tensor, TchError> {
        // Rounded at once: half as much to write as in float32, and to carry to a GPU.
        let pixels = match self.compute.kind {
            Kind::BFloat16 => self.pixels(batch, bf16::from_f32, Kind::BFloat16)?,
            Kind::Half => self.pixels(batch, f16::from_f32, Kind::Half)?,
            _ => self.pixels(batch, identity, Kind::Float)?,
        };
        // Permuted, not copied: this is the channels-last layout that the convolutions are quickest with.
        pixels.f_permute([0, 3, 1, 2])?.f_to_device(self.compute.device)
    }

    /// The normalized pixels of a batch, N×side×side×3, in the precision that `rounded` gives, which libtorch calls `kind`.
    fn pixels<T: NoUninit + Default>(
        &self,
        batch: &[RgbImage],
        rounded: impl Fn(f32) -> T,
        kind: Kind,
    ) -> Result<Tensor, TchError> {
        let (side, values) = (i64::from(self.model.manifest.input), self.normalizer.normalize(batch, rounded));
        // As bytes: the bindings take a slice of bfloat16 for float16.
        Tensor::f_from_data_size(bytemuck::cast_slice(&values), &[batch.len() as i64, side, side, 3], kind)
    }
}

impl Embedder for Network {
    fn manifest(&self) -> &Manifest {
        &self.model.manifest
    }

    fn embed(&mut self, batch: &[RgbImage]) -> Result<Vec<Vec<f32>>> {
        let mut rows = self.embed_once(batch)?;
        if self.compute.kind == Kind::Float {
            return Ok(rows);
        }
        // Numbers that half precision cannot hold say nothing about the picture.
        let is_lost = |row: &[f32]| !row.iter().all(|value| value.is_finite());
        let lost: Vec<_> = (0..rows.len()).filter(|&at| is_lost(&rows[at])).collect();
        if !lost.is_empty() {
            let pictures: Vec<_> = lost.iter().map(|&at| batch[at].clone()).collect();
            for (at, row) in lost.into_iter().zip(self.with_exact(|exact| exact.embed_once(&pictures))?) {
                rows[at] = row;
            }
        }
        Ok(rows)
    }

    fn parts(&mut self, picture: &RgbImage) -> Result<Option<Parts>> {
        match self.parts_once(picture)? {
            // As of embeddings: what half precision cannot hold says nothing.
            Some(parts) if self.compute.kind != Kind::Float && !parts.values.iter().all(|value| value.is_finite()) => {
                self.with_exact(|exact| exact.parts_once(picture))
            }
            parts => Ok(parts),
        }
    }

    /// One for each thread that asks, computing on that thread alone: apart they wait for nobody, and a batch is not
    /// cut into pieces. A GPU, and a module that is not ours to share, has one user.
    fn share(&self) -> Option<Box<dyn Embedder>> {
        if self.compute.device != tch::Device::Cpu {
            return None;
        }
        // A libtorch that could make the first can make another; if not, there is still the first.
        let body = match &self.body {
            Body::Native(network) => Body::Native(network.share().ok()?),
            Body::Script(_) => return None,
        };
        let (model, normalizer, exact) = (self.model.clone(), self.normalizer.clone(), self.exact.clone());
        Some(Box::new(Self { model, normalizer, body, threads: 1, exact, ..*self }))
    }

    fn batch_size(&self) -> usize {
        self.batch
    }

    fn device(&self) -> String {
        device::described(self.compute, self.threads)
    }
}

/// What makes a vector of length 1 out of this one; one without a length stays as it is.
fn to_unit_length(vector: &[f32]) -> f32 {
    let length = vector.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
    (1.0 / length.max(LEAST_LENGTH)) as f32
}

fn scale(values: &mut [f32], by: f32) {
    values.iter_mut().for_each(|value| *value *= by);
}

/// The network of a manifest as far as its layer, and the weights of it. Of several sets of names, those count that are in
/// the file; when none are, the usual ones are asked for.
fn read(manifest: &Manifest, file: &Path) -> Result<(Blueprint, Weights)> {
    let at = manifest.taken(&manifest.layers());
    let prefix = manifest.weights.as_ref().and_then(|source| source.prefix.as_deref());
    let mut first = None;
    for mut blueprint in manifest.blueprints() {
        let (whole, ignored) = (blueprint.wanted(), blueprint.ignored);
        blueprint.up_to(at.unwrap_or_default());
        let whole: HashSet<_> = whole.into_iter().map(|wanted| wanted.name).collect();
        let unused = |name: &str| ignored(name) || whole.contains(name);
        match Weights::read(&manifest.name, file, prefix, &blueprint.wanted(), unused) {
            Ok(weights) => return Ok((blueprint, weights)),
            Err(error) => first = first.or(Some(error)),
        }
    }
    Err(first.unwrap_or_else(|| Error::model(&manifest.name, "it is no network")))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use safetensors::{Dtype, serialize_to_file, tensor::TensorView};

    use super::*;
    use crate::embed::{Device, fused::tests::broken};

    const SMALL: &str = "name = 'small'\narchitecture = 'resnet'\ndim = 16\ninput = 32\n\
                         [resnet]\nblock = 'basic'\ndepths = [1, 1, 1, 1]\nwidths = [8, 8, 8, 16]\n\
                         [weights]\nfile = 'small.safetensors'\n";

    const DEPTHWISE: &str = "name = 'depthwise'\narchitecture = 'inverted-residual'\ndim = 16\ninput = 32\n\
                             [weights]\nfile = 'small.safetensors'\n\
                             [inverted_residual]\nstem = 8\nfeatures = 16\nstages = [\
                             { blocks = 2, channels = 8, kernel = 5, stride = 2, expansion = 2 },\
                             { blocks = 1, channels = 16, kernel = 3, stride = 2, expansion = 1 }]\n";

    const TAPPED: &str = "name = 'tapped'\narchitecture = 'inverted-residual'\ndim = 16\ninput = 32\n\
                          [weights]\nfile = 'small.safetensors'\n\
                          [inverted_residual]\nstem = 8\nfeatures = 16\nnormalize = true\nprojection = 'embedding'\n\
                          taps = [0, 2]\nstages = [\
                          { blocks = 2, channels = 8, kernel = 5, stride = 2, expansion = 2 },\
                          { blocks = 1, channels = 16, kernel = 3, stride = 2, expansion = 1 }]\n";

    const SQUEEZED: &str = "name = 'squeezed'\narchitecture = 'inverted-residual'\ndim = 16\ninput = 32\n\
                            [weights]\nfile = 'small.safetensors'\n\
                            [inverted_residual]\nstem = 8\nfeatures = 16\nfamily = 'mobilenet-v3'\nstages = [\
                            { blocks = 2, channels = 8, kernel = 5, stride = 2, hidden = 24, squeeze = true },\
                            { blocks = 1, channels = 16, kernel = 3, stride = 2, expansion = 1, relu = true }]\n";

    const CONVNEXT: &str = "name = 'convnext'\narchitecture = 'convnext'\ndim = 16\ninput = 32\n\
                            [convnext]\ndepths = [1, 1, 1, 1]\nwidths = [8, 8, 8, 16]\n\
                            [weights]\nfile = 'small.safetensors'\n";

    const TRANSFORMER: &str = "name = 'transformer'\narchitecture = 'vision-transformer'\ndim = 16\ninput = 32\n\
                               [vision_transformer]\nnames = 'dinov2'\npatch = 8\nwidth = 16\nheads = 2\ndepth = 2\n\
                               hidden = 32\ngrid = 3\n[weights]\nfile = 'small.safetensors'\n";

    /// A small network whose weights are all positive and `scale` times as large as usual.
    fn small(folder: &tempfile::TempDir, manifest: &str, scale: f32) -> Model {
        let file = folder.path().join("small.safetensors");
        let manifest = Manifest::parse(manifest).unwrap();
        let tensors: HashMap<_, _> = manifest
            .tensors()
            .remove(0)
            .into_iter()
            .map(|wanted| {
                let shape: Vec<_> = wanted.shape.iter().map(|&side| side as usize).collect();
                let value = |i| scale * (0.1 + (i * 7 % 5) as f32 / 10.0);
                let values = (0..shape.iter().product::<usize>()).map(value);
                (wanted.name, (shape, values.flat_map(f32::to_le_bytes).collect::<Vec<_>>()))
            })
            .collect();
        let view = |(shape, bytes)| TensorView::new(Dtype::F32, Vec::clone(shape), bytes).unwrap();
        serialize_to_file(tensors.iter().map(|(name, (shape, bytes))| (name, view((shape, bytes)))), None, &file)
            .unwrap();
        Model { manifest, weights: Some(file), fingerprint: String::new() }
    }

    fn picture() -> RgbImage {
        RgbImage::from_fn(32, 32, |x, y| image::Rgb([x as u8 * 8, y as u8 * 8, (x * y) as u8]))
    }

    const CHOICE: ModelChoice = ModelChoice { name: None, weights: None, device: Device::Cpu, exact: true, threads: 1 };
    const FLOAT: Compute = Compute { device: tch::Device::Cpu, kind: Kind::Float };

    fn plain(_: Kind) -> Result<Fused, TchError> {
        Err(TchError::Torch("told to".into()))
    }

    #[test]
    fn a_call_takes_more_pictures_of_a_small_network_and_fewer_large_pictures() {
        let size = |name: &str| {
            let path = format!("{}/models/{name}.toml", env!("CARGO_MANIFEST_DIR"));
            let manifest = Manifest::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
            let widest = manifest.blueprints().remove(0).widest(i64::from(manifest.input));
            device::batch_size(tch::Device::Cpu, manifest.input, widest)
        };
        let names = ["gaze", "resnet50", "mobilenet-v3-small", "mobilenet-v3-large", "efficientnet-b3", "vit-b-16"];
        assert_eq!(names.map(size), [4, 4, 8, 8, 2, 10]);
        assert_eq!(device::batch_size(tch::Device::Cpu, 2048, i64::MAX), 1);
    }

    #[test]
    fn what_half_precision_cannot_hold_is_computed_again_in_float32() {
        let folder = tempfile::tempdir().unwrap();
        let half = Compute { kind: Kind::Half, ..FLOAT };
        let mut embedded = Vec::new();
        for scale in [0.3, 3.0] {
            let model = small(&folder, SMALL, scale);
            let rows = |compute| {
                let mut network = Network::load_with(&model, &CHOICE, compute, plain).unwrap();
                let once = network.embed_once(&[picture(), RgbImage::new(32, 32)]).unwrap();
                (once.concat().iter().all(|value| value.is_finite()), network.embed(&[picture()]).unwrap().concat())
            };
            let ((finite, in_half), (_, exact)) = (rows(half), rows(FLOAT));
            assert!(exact.iter().all(|value| value.is_finite()));
            let same = in_half.iter().zip(&exact).all(|(half, exact)| (half - exact).abs() <= 1e-5 * exact.abs());
            embedded.push((finite, same));
        }
        // Small values are computed in half precision, and come out a little different; large ones are not finite in it.
        assert_eq!(embedded, [(true, false), (false, true)]);
        let mut network = Network::load_with(&small(&folder, SMALL, 3.0), &CHOICE, half, plain).unwrap();
        let once = network.parts_once(&picture()).unwrap().unwrap();
        let parts = network.parts(&picture()).unwrap().unwrap();
        assert!(!once.values.iter().all(|value| value.is_finite()));
        assert!(parts.grid == once.grid && parts.values.iter().all(|value| value.is_finite()));
    }

    #[test]
    fn who_shares_a_network_shares_its_float32_copy_too() {
        let folder = tempfile::tempdir().unwrap();
        let model = small(&folder, SMALL, 3.0);
        let half = Compute { kind: Kind::Half, ..FLOAT };
        let network = Network::load_with(&model, &CHOICE, half, plain).unwrap();
        let mut shares = [network.share().unwrap(), network.share().unwrap()];
        let first = shares[0].embed(&[picture()]).unwrap();
        // Who loads once more would miss the weights.
        std::fs::remove_file(model.weights.unwrap()).unwrap();
        assert_eq!(shares[1].embed(&[picture()]).unwrap(), first);
        assert!(first.concat().iter().all(|value| value.is_finite()));
    }

    #[test]
    fn without_the_fused_operators_the_plain_ones_give_the_same_embeddings() {
        let folder = tempfile::tempdir().unwrap();
        let all = [(SMALL, 1.0), (DEPTHWISE, 0.3), (TAPPED, 0.3), (SQUEEZED, 0.3), (CONVNEXT, 1.0), (TRANSFORMER, 0.3)];
        for (manifest, scale) in all {
            let model = small(&folder, manifest, scale);
            let embed = |fused: &dyn Fn(Kind) -> Result<Fused, TchError>| {
                let mut network = Network::load_with(&model, &CHOICE, FLOAT, fused).unwrap();
                let mut other = network.share().unwrap();
                let rows = network.embed(&[picture()]).unwrap();
                assert_eq!(other.embed(&[picture()]).unwrap(), rows);
                rows
            };
            let usual = embed(&Fused::new);
            assert_eq!(usual[0].len(), 16);
            for code in broken() {
                let plain = embed(&|kind| Fused::of(&code, kind));
                let typical = usual[0].iter().map(|value| value.abs()).sum::<f32>() / 16.0;
                for (usual, plain) in usual[0].iter().zip(&plain[0]) {
                    assert!((usual - plain).abs() <= 1e-5 * typical, "{manifest}: {usual}, plain {plain}");
                }
            }
        }
    }

    #[test]
    fn what_tapped_blocks_say_is_not_in_the_pooled_features() {
        let folder = tempfile::tempdir().unwrap();
        let pooled = TAPPED.replace("dim = 16", "dim = 16\nlayer = 'avgpool'");
        let [alone, tapped] = [DEPTHWISE, &pooled].map(|manifest| {
            let mut network = Network::load_with(&small(&folder, manifest, 0.3), &CHOICE, FLOAT, plain).unwrap();
            network.embed(&[picture()]).unwrap()
        });
        assert_eq!(alone, tapped);
    }

    #[test]
    fn embeddings_and_their_parts_are_scaled_to_length_1_where_a_manifest_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let scaled = SMALL.replace("dim = 16", "dim = 16\nunit_length = true");
        let [raw, unit] = [SMALL, &scaled].map(|manifest| {
            let mut network = Network::load_with(&small(&folder, manifest, 1.0), &CHOICE, FLOAT, plain).unwrap();
            let row = network.embed(&[picture()]).unwrap().concat();
            let parts = network.parts(&picture()).unwrap().unwrap();
            assert_eq!((parts.grid, parts.values.len()), ([1, 1], 16));
            for (part, value) in parts.values.iter().zip(&row) {
                assert!((part - value).abs() <= 1e-5 * value.abs(), "{part} of {value}");
            }
            row
        });
        let length = raw.iter().map(|value| value * value).sum::<f32>().sqrt();
        assert!(length > 2.0, "{length}");
        for (raw, unit) in raw.iter().zip(&unit) {
            assert!((raw / length - unit).abs() <= 1e-6, "{raw} became {unit}");
        }
        let mut nothing = [0.0; 16];
        scale(&mut nothing, to_unit_length(&[0.0; 16]));
        assert_eq!(nothing, [0.0; 16]);
    }
}
