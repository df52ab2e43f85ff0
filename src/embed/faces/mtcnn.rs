//! MTCNN's three networks (Zhang et al., "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional
//! Networks", 2016), with the names and shapes of facenet-pytorch's files. Always in float32: in less, points move.

use std::path::Path;

use tch::{TchError, Tensor};

use crate::{
    embed::{
        convolution::{Convolution, Convolver, Padding},
        device::Compute,
        fused::Activation,
        torch_error,
        weights::{WantedTensor, Weights},
    },
    error::Result,
};

/// A convolution without padding, its PReLU, and the pooling behind it.
struct Layer {
    outputs: i64,
    kernel: i64,
    /// Side of the max pooling with a stride of 2; 0 without one.
    pool: i64,
}

/// How one of the networks is built.
pub(super) struct Layout {
    layers: &'static [Layer],
    /// Name, inputs and outputs of a dense layer between the convolutions and the answers.
    dense: Option<(&'static str, i64, i64)>,
    /// Name and width of each answer: two values for "no face" and "face", four shifts, and in the last one the points.
    answers: &'static [(&'static str, i64)],
    /// Side of a picture that gives one answer.
    pub(super) side: usize,
}

const fn layer(outputs: i64, kernel: i64, pool: i64) -> Layer {
    Layer { outputs, kernel, pool }
}

/// Proposes boxes: answers for each square of 12×12 pixels, every two pixels.
pub(super) const PROPOSAL: Layout = Layout {
    layers: &[layer(10, 3, 2), layer(16, 3, 0), layer(32, 3, 0)],
    dense: None,
    answers: &[("conv4_1", 2), ("conv4_2", 4)],
    side: 12,
};

/// Looks at each box again.
pub(super) const REFINEMENT: Layout = Layout {
    layers: &[layer(28, 3, 3), layer(48, 3, 3), layer(64, 2, 0)],
    dense: Some(("4", 576, 128)),
    answers: &[("dense5_1", 2), ("dense5_2", 4)],
    side: 24,
};

/// Decides, and finds the points.
pub(super) const OUTPUT: Layout = Layout {
    layers: &[layer(32, 3, 3), layer(64, 3, 3), layer(64, 3, 2), layer(128, 2, 0)],
    dense: Some(("5", 1152, 256)),
    answers: &[("dense6_1", 2), ("dense6_2", 4), ("dense6_3", 10)],
    side: 48,
};

/// Inputs of a convolution and what it is made of.
fn shapes(layout: &Layout) -> Vec<WantedTensor> {
    let mut wanted = Vec::new();
    let mut add = |name: String, shape: &[i64]| wanted.push(WantedTensor { name, shape: shape.to_vec() });
    let mut inputs = 3;
    for (at, layer) in (1..).zip(layout.layers) {
        add(format!("conv{at}.weight"), &[layer.outputs, inputs, layer.kernel, layer.kernel]);
        add(format!("conv{at}.bias"), &[layer.outputs]);
        add(format!("prelu{at}.weight"), &[layer.outputs]);
        inputs = layer.outputs;
    }
    if let Some((name, flat, outputs)) = layout.dense {
        add(format!("dense{name}.weight"), &[outputs, flat]);
        add(format!("dense{name}.bias"), &[outputs]);
        add(format!("prelu{name}.weight"), &[outputs]);
        inputs = outputs;
    }
    for (name, outputs) in layout.answers {
        let kernel: &[i64] = if layout.dense.is_none() { &[1, 1] } else { &[] };
        add(format!("{name}.weight"), &[&[*outputs, inputs], kernel].concat());
        add(format!("{name}.bias"), &[*outputs]);
    }
    wanted
}

/// A linear layer.
struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    fn apply(&self, x: &Tensor) -> Result<Tensor, TchError> {
        x.f_linear(&self.weight, Some(&self.bias))
    }

    fn share(&self) -> Self {
        Self { weight: self.weight.shallow_clone(), bias: self.bias.shallow_clone() }
    }
}

/// One of the networks.
pub(super) struct Net {
    /// Each convolution, its PReLU's slopes, and the side of the pooling behind it.
    layers: Vec<(Convolution, Tensor, i64)>,
    dense: Option<(Linear, Tensor)>,
    /// All answers one after the other.
    answers: Linear,
    convolver: Convolver,
    device: tch::Device,
}

impl Net {
    pub(super) fn load(model: &str, file: &Path, layout: &Layout, compute: Compute) -> Result<Self> {
        let mut weights = Weights::read(model, file, None, &shapes(layout), |_| false)?;
        let mut take = |name: &str| {
            let tensor = weights.take(name)?;
            tensor.f_to_device(compute.device).map_err(torch_error(model))
        };
        let convolver = Convolver::new(None, compute);
        let mut layers = Vec::new();
        for (at, layer) in (1..).zip(layout.layers) {
            let (weight, bias) = (take(&format!("conv{at}.weight"))?, take(&format!("conv{at}.bias"))?);
            let conv =
                Convolution::without_norm(&weight, &bias, 1, Padding::None, compute).map_err(torch_error(model))?;
            layers.push((conv, take(&format!("prelu{at}.weight"))?, layer.pool));
        }
        let dense = match layout.dense {
            Some((name, ..)) => {
                let (weight, bias) = (take(&format!("dense{name}.weight"))?, take(&format!("dense{name}.bias"))?);
                Some((Linear { weight, bias }, take(&format!("prelu{name}.weight"))?))
            }
            None => None,
        };
        let (mut matrices, mut biases) = (Vec::new(), Vec::new());
        for (name, _) in layout.answers {
            // A convolution of 1×1 pixels is a linear layer at each.
            let matrix = take(&format!("{name}.weight"))?.f_flatten(1, -1).map_err(torch_error(model))?;
            matrices.push(matrix);
            biases.push(take(&format!("{name}.bias"))?);
        }
        let joined = |tensors: &[Tensor]| Tensor::f_cat(tensors, 0).map_err(torch_error(model));
        let answers = Linear { weight: joined(&matrices)?, bias: joined(&biases)? };
        Ok(Self { layers, dense, answers, convolver, device: compute.device })
    }

    pub(super) fn share(&self) -> Result<Self, TchError> {
        let layer = |(conv, slopes, pool): &(Convolution, Tensor, i64)| (conv.share(), slopes.shallow_clone(), *pool);
        Ok(Self {
            layers: self.layers.iter().map(layer).collect(),
            dense: self.dense.as_ref().map(|(linear, slopes)| (linear.share(), slopes.shallow_clone())),
            answers: self.answers.share(),
            convolver: self.convolver.share()?,
            device: self.device,
        })
    }

    /// The answers for numbers that lie pixel by pixel, N×height×width×3: N of them with a dense layer, else
    /// N×(height − 10)/2×(width − 10)/2, rounded up. Each is `width` values long, which is returned too, and the number of
    /// columns of answers.
    pub(super) fn run(&self, numbers: &[f32], [count, height, width]: [usize; 3]) -> Result<Answers, TchError> {
        let shape = [count as i64, height as i64, width as i64, 3];
        let mut x = Tensor::f_from_slice(numbers)?.f_view(shape)?.f_to_device(self.device)?.f_permute([0, 3, 1, 2])?;
        for (conv, slopes, pool) in &self.layers {
            x = self.convolver.convolve(conv, &x, Activation::None)?.f_prelu(slopes)?;
            if *pool > 0 {
                x = x.f_max_pool2d([*pool; 2], [2, 2], [0, 0], [1, 1], true)?;
            }
        }
        let columns = x.size()[3] as usize;
        let x = match &self.dense {
            // The weights were made for maps that lie column by column.
            Some((dense, slopes)) => dense.apply(&x.f_permute([0, 3, 2, 1])?.f_flatten(1, -1)?)?.f_prelu(slopes)?,
            None => x.f_permute([0, 2, 3, 1])?,
        };
        let answers = self.answers.apply(&x)?.f_to_device(tch::Device::Cpu)?.f_contiguous()?;
        let mut values = vec![0_f32; answers.numel()];
        answers.f_copy_data(&mut values, answers.numel())?;
        let each = self.answers.bias.size()[0] as usize;
        Ok(Answers { values, each, columns })
    }
}

/// What a network said.
pub(super) struct Answers {
    values: Vec<f32>,
    /// Values of one answer.
    each: usize,
    /// How many answers stand side by side.
    pub(super) columns: usize,
}

/// What a network said of one square.
pub(super) struct Answer<'a> {
    /// From 0 to 1.
    pub(super) score: f32,
    pub(super) shift: [f32; 4],
    /// The last network's: five places from the left, then five from the top, as shares of the square.
    pub(super) points: &'a [f32],
}

impl Answers {
    pub(super) fn iter(&self) -> impl Iterator<Item = Answer<'_>> {
        self.values.chunks_exact(self.each).filter_map(|values| {
            let (&[no, yes, left, top, right, bottom], points) = values.split_first_chunk()?;
            // The softmax of two values.
            Some(Answer { score: 1.0 / (1.0 + (no - yes).exp()), shift: [left, top, right, bottom], points })
        })
    }
}
