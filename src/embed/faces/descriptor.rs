//! dlib's ResNet-29 for faces (King, "High Quality Face Recognition with Deep Metric Learning", 2017): 150×150 pixels in,
//! 128 values out. Two faces of one person are closer than about 0.6 by euclidean distance.

use std::{convert::identity, io::Read, path::Path};

use image::RgbImage;
use tch::{Kind, TchError, Tensor};

use super::dlib::{self, BlockPlan, DIM, Folded, LEVELS, SIDE, blocks};
use crate::{
    embed::{
        Manifest,
        convolution::{Convolution, Convolver, Padding, channels_last, with_operators},
        device::Compute,
        fused::{Activation, Fused},
        preprocess::Normalizer,
        shown, torch_error,
    },
    error::{Error, Result},
    files::open_regular,
};

/// Chips that go through the network at once, each with its mirror image.
const TOGETHER: usize = 16;

/// Two convolutions, and whether the first halves the sides.
struct Block {
    first: Convolution,
    second: Convolution,
    halves: bool,
}

/// The network on one device.
pub(super) struct Descriptor {
    normalizer: Normalizer,
    stem: Convolution,
    blocks: Vec<Block>,
    linear: Tensor,
    convolver: Convolver,
    compute: Compute,
}

impl Descriptor {
    pub(super) fn load(manifest: &Manifest, file: &Path, compute: Compute) -> Result<Self> {
        let wrong = |reason: String| Error::model(&manifest.name, format!("{}: {reason}", shown(file)));
        if i64::from(manifest.input) != SIDE || manifest.dim != DIM {
            return Err(wrong(format!(
                "the network takes {SIDE} pixels and gives {DIM} values, its manifest says otherwise"
            )));
        }
        let mut bytes = Vec::new();
        let opened = open_regular(file).map_err(Error::io("read", file))?;
        opened.take(dlib::MOST_BYTES).read_to_end(&mut bytes).map_err(Error::io("read", file))?;
        let stream = dlib::read(&bytes, &LEVELS).map_err(wrong)?;
        drop(bytes);
        let place = || Tensor::f_from_slice(&stream.linear)?.f_view([-1, DIM as i64])?.f_to_device(compute.device);
        let linear = place().map_err(torch_error(&manifest.name))?;
        with_operators(compute, Fused::new, |convolver| {
            Self::build(&stream.convolutions, &linear, Normalizer::new(manifest), compute, convolver)
                .map_err(torch_error(&manifest.name))
        })
    }

    fn build(
        folded: &[Folded],
        linear: &Tensor,
        normalizer: Normalizer,
        compute: Compute,
        convolver: Convolver,
    ) -> Result<Self, TchError> {
        let mut folded = folded.iter();
        let mut next = |stride: i64, padding: Padding, side: i64| -> Result<Convolution, TchError> {
            let Some(Folded { shape, weight, bias }) = folded.next() else {
                return Err(TchError::Shape("a convolution is missing".into()));
            };
            let weight = Tensor::f_from_slice(weight)?.f_view(*shape)?;
            let conv = Convolution::without_norm(&weight, &Tensor::f_from_slice(bias)?, stride, padding, compute)?;
            convolver.prepare(conv, [2, shape[1], side, side])
        };
        let stem = next(2, Padding::None, SIDE)?;
        // The stem and the pooling behind it.
        let mut side = ((SIDE - 7) / 2 + 1 - 3) / 2 + 1;
        let mut all = Vec::new();
        for BlockPlan { halves, .. } in blocks(&LEVELS) {
            let (stride, padding) = if halves { (2, Padding::None) } else { (1, Padding::Half) };
            let first = next(stride, padding, side)?;
            let inside = if halves { (side - 3) / 2 + 1 } else { side };
            all.push(Block { first, second: next(1, Padding::Half, inside)?, halves });
            side = if halves { (side / 2).max(inside) } else { side };
        }
        Ok(Self { normalizer, stem, blocks: all, linear: linear.shallow_clone(), convolver, compute })
    }

    /// The same for another thread; the weights are in memory once.
    pub(super) fn share(&self) -> Result<Self, TchError> {
        let block = |Block { first, second, halves }: &Block| Block {
            first: first.share(),
            second: second.share(),
            halves: *halves,
        };
        Ok(Self {
            normalizer: self.normalizer.clone(),
            stem: self.stem.share(),
            blocks: self.blocks.iter().map(block).collect(),
            linear: self.linear.shallow_clone(),
            convolver: self.convolver.share()?,
            compute: self.compute,
        })
    }

    /// The embeddings of chips: for each the mean of its own and of its mirror image's, which finds people a little better
    /// than either.
    pub(super) fn describe(&self, chips: &[RgbImage]) -> Result<Vec<Vec<f32>>, TchError> {
        let mut rows = Vec::with_capacity(chips.len());
        for chips in chips.chunks(TOGETHER) {
            let count = chips.len() as i64;
            let pixels = Tensor::f_from_slice(&self.normalizer.normalize(chips, identity))?.f_view([count, SIDE, SIDE, 3])?;
            let both = Tensor::f_cat(&[&pixels, &pixels.f_flip([2])?], 0)?.f_permute([0, 3, 1, 2])?;
            let both = self.forward(&both.f_to_device(self.compute.device)?.f_to_kind(self.compute.kind)?)?;
            let mean = both.f_view([2, count, DIM as i64])?.f_mean_dim([0_i64].as_slice(), false, Kind::Float)?;
            let mean = mean.f_to_device(tch::Device::Cpu)?.f_contiguous()?;
            let mut values = vec![0_f32; chips.len() * DIM];
            mean.f_copy_data(&mut values, chips.len() * DIM)?;
            rows.extend(values.chunks_exact(DIM).map(<[f32]>::to_vec));
        }
        Ok(rows)
    }

    /// Embeddings of normalized chips, float32, N×128.
    fn forward(&self, chips: &Tensor) -> Result<Tensor, TchError> {
        let mut x = self.convolver.convolve(&self.stem, chips, Activation::Relu)?;
        x = x.f_max_pool2d([3, 3], [2, 2], [0, 0], [1, 1], false)?;
        for block in &self.blocks {
            let inside = self.convolver.convolve(&block.first, &x, Activation::Relu)?;
            x = if block.halves {
                let answer = self.convolver.convolve(&block.second, &inside, Activation::None)?;
                let shortcut = x.f_avg_pool2d([2, 2], [2, 2], [0, 0], false, true, None::<i64>)?;
                add(&answer, &shortcut)?
            } else {
                self.convolver.convolve_add(&block.second, &inside, &x, Activation::Relu)?
            };
        }
        x.f_to_kind(Kind::Float)?.f_mean_dim([2_i64, 3].as_slice(), false, Kind::Float)?.f_matmul(&self.linear)
    }
}

/// The sum of maps of different sizes, of which the smaller goes on with zeros (channels, rows, columns), and ReLU.
fn add(a: &Tensor, b: &Tensor) -> Result<Tensor, TchError> {
    let (of_a, of_b) = (a.size(), b.size());
    let grown = |x: &Tensor, own: &[i64], other: &[i64]| -> Result<Tensor, TchError> {
        let missing = |axis: usize| (other[axis] - own[axis]).max(0);
        x.f_constant_pad_nd([0, missing(3), 0, missing(2), 0, missing(1)])
    };
    let sum = grown(a, &of_a, &of_b)?.f_add(&grown(b, &of_b, &of_a)?)?;
    channels_last(&sum.f_relu()?)
}
