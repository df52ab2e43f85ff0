//! Residual networks (He et al., "Deep Residual Learning for Image Recognition", 2015) as torchvision builds them,
//! without the classifier, with each batch norm folded into the convolution before it.

use tch::{Kind, TchError, Tensor};

use super::{
    fused::Fused,
    manifest::{Block, ResNetLayout},
    torch_error,
    weights::{Wanted, Weights},
};
use crate::error::Result;

/// torchvision's `BatchNorm2d` adds this to the variance.
const BATCH_NORM_EPSILON: f64 = 1e-5;

/// A convolution of the network, before its weights are there.
struct Plan {
    conv: String,
    norm: String,
    inputs: i64,
    outputs: i64,
    kernel: i64,
    stride: i64,
}

/// A residual block's convolutions and, where the shape changes, the one on its shortcut.
struct BlockPlan {
    convs: Vec<Plan>,
    shortcut: Option<Plan>,
}

fn stem(layout: &ResNetLayout) -> Plan {
    Plan { conv: "conv1".into(), norm: "bn1".into(), inputs: 3, outputs: layout.widths[0], kernel: 7, stride: 2 }
}

/// All residual blocks in order.
fn blocks(layout: &ResNetLayout) -> Vec<BlockPlan> {
    let mut blocks = Vec::new();
    let mut inputs = layout.widths[0];
    for (stage, (&depth, &width)) in layout.depths.iter().zip(&layout.widths).enumerate() {
        for index in 0..depth {
            let name = format!("layer{}.{index}", stage + 1);
            let stride = if stage > 0 && index == 0 { 2 } else { 1 };
            let outputs = width * layout.block.expansion();
            let conv = |number: usize, inputs, outputs, kernel, stride| Plan {
                conv: format!("{name}.conv{number}"),
                norm: format!("{name}.bn{number}"),
                inputs,
                outputs,
                kernel,
                stride,
            };
            let convs = match layout.block {
                Block::Basic => vec![conv(1, inputs, width, 3, stride), conv(2, width, outputs, 3, 1)],
                Block::Bottleneck => {
                    vec![conv(1, inputs, width, 1, 1), conv(2, width, width, 3, stride), conv(3, width, outputs, 1, 1)]
                }
            };
            let shortcut = (stride != 1 || inputs != outputs).then(|| Plan {
                conv: format!("{name}.downsample.0"),
                norm: format!("{name}.downsample.1"),
                inputs,
                outputs,
                kernel: 1,
                stride,
            });
            blocks.push(BlockPlan { convs, shortcut });
            inputs = outputs;
        }
    }
    blocks
}

/// Every tensor that the network reads from a state dict. `dim` is the width of the projection, if there is one.
#[must_use]
pub fn wanted(layout: &ResNetLayout, dim: usize) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    let mut add = |name: String, shape: Vec<i64>| wanted.push(Wanted { name, shape });
    let blocks = blocks(layout);
    let stem = [stem(layout)];
    let convs = blocks.iter().flat_map(|block| block.convs.iter().chain(&block.shortcut));
    for plan in stem.iter().chain(convs) {
        add(format!("{}.weight", plan.conv), vec![plan.outputs, plan.inputs, plan.kernel, plan.kernel]);
        for part in ["weight", "bias", "running_mean", "running_var"] {
            add(format!("{}.{part}", plan.norm), vec![plan.outputs]);
        }
    }
    if let Some(projection) = &layout.projection {
        add(format!("{projection}.weight"), vec![dim as i64, layout.features()]);
        add(format!("{projection}.bias"), vec![dim as i64]);
    }
    wanted
}

/// Tensors that may be in the file and are of no use here: the classifier, and batch norm's counters.
#[must_use]
pub fn ignored(name: &str) -> bool {
    name.starts_with("fc.") || name.ends_with(".num_batches_tracked")
}

/// A convolution with its batch norm folded in.
pub(super) struct Convolution {
    pub(super) weight: Tensor,
    pub(super) bias: Tensor,
    pub(super) stride: i64,
    pub(super) padding: i64,
}

struct ResidualBlock {
    convs: Vec<Convolution>,
    shortcut: Option<Convolution>,
}

/// The network on one device, in one precision.
pub(super) struct ResNet {
    stem: Convolution,
    blocks: Vec<ResidualBlock>,
    projection: Option<(Tensor, Tensor)>,
    exact: bool,
    /// On a CPU: the operators that the convolutions are packed for.
    fused: Option<Fused>,
}

/// Where and how a network computes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Compute {
    /// Device of the weights.
    pub(super) device: tch::Device,
    /// Precision of weights and activations.
    pub(super) kind: Kind,
}

impl ResNet {
    /// Builds the network for batches of N×3×side×side; others work too, a little slower.
    pub(super) fn build(
        layout: &ResNetLayout,
        weights: &mut Weights,
        compute: Compute,
        [batch, side]: [i64; 2],
    ) -> Result<Self> {
        let fused = fused(compute)?;
        let mut conv = |plan: &Plan, side: i64| -> Result<Convolution> {
            let conv = fold(plan, weights, compute)?;
            let Some(fused) = &fused else { return Ok(conv) };
            fused.pack(conv, [batch, plan.inputs, side, side]).map_err(torch_error(&plan.conv))
        };
        let halved = |side: i64| (side + 1) / 2;
        let first = conv(&stem(layout), side)?;
        // The stem and the pooling behind it.
        let mut side = halved(halved(side));
        let mut residual = Vec::new();
        for block in blocks(layout) {
            let shortcut = block.shortcut.as_ref().map(|plan| conv(plan, side)).transpose()?;
            let mut convs = Vec::new();
            for plan in &block.convs {
                convs.push(conv(plan, side)?);
                side = if plan.stride == 2 { halved(side) } else { side };
            }
            residual.push(ResidualBlock { convs, shortcut });
        }
        let projection = match &layout.projection {
            None => None,
            Some(name) => {
                let mut part = |part: &str| {
                    let tensor = weights.take(&format!("{name}.{part}"))?;
                    tensor.f_to_device(compute.device).map_err(torch_error(name))
                };
                Some((part("weight")?, part("bias")?))
            }
        };
        Ok(Self { stem: first, blocks: residual, projection, exact: compute.kind == Kind::Float, fused })
    }

    /// The same network for another thread; the weights are in memory once.
    pub(super) fn share(&self) -> Result<Self, TchError> {
        let block = |block: &ResidualBlock| ResidualBlock {
            convs: block.convs.iter().map(Convolution::share).collect(),
            shortcut: block.shortcut.as_ref().map(Convolution::share),
        };
        Ok(Self {
            stem: self.stem.share(),
            blocks: self.blocks.iter().map(block).collect(),
            projection: self.projection.as_ref().map(|(weight, bias)| (weight.shallow_clone(), bias.shallow_clone())),
            exact: self.exact,
            fused: self.fused.as_ref().map(|_| Fused::new()).transpose()?,
        })
    }

    /// Embeddings of a normalized batch, float32, N×dim.
    pub(super) fn forward(&self, batch: &Tensor) -> Result<Tensor, TchError> {
        let mut x = self.convolve(&self.stem, batch, true)?;
        x = x.f_max_pool2d([3, 3], [2, 2], [1, 1], [1, 1], false)?;
        for block in &self.blocks {
            x = self.residual(block, x)?;
        }
        // Half-precision sums over 49 pixels would cost digits for nothing.
        let features = x.f_to_kind(Kind::Float)?.f_mean_dim(&[2, 3][..], false, Kind::Float)?;
        match &self.projection {
            Some((weight, bias)) => features.f_linear(weight, Some(bias)),
            None => Ok(features),
        }
    }

    /// Takes the input, because without a shortcut the output takes its place.
    fn residual(&self, block: &ResidualBlock, input: Tensor) -> Result<Tensor, TchError> {
        let Some((last, before)) = block.convs.split_last() else { return Ok(input) };
        let mut x = input.shallow_clone();
        for conv in before {
            x = self.convolve(conv, &x, true)?;
        }
        let sum = match &block.shortcut {
            Some(conv) => self.convolve(conv, &input, false)?,
            None => input,
        };
        match &self.fused {
            Some(fused) => fused.convolve_add(last, &x, &sum),
            None => self.convolve(last, &x, false)?.f_add_(&sum)?.f_relu_(),
        }
    }

    fn convolve(&self, conv: &Convolution, x: &Tensor, relu: bool) -> Result<Tensor, TchError> {
        if let Some(fused) = &self.fused {
            return fused.convolve(conv, x, relu);
        }
        let (stride, padding) = ([conv.stride; 2], [conv.padding; 2]);
        // On a GPU cuDNN may search for its best algorithm; TensorFloat-32 is not float32.
        let (benchmark, deterministic, cudnn, tf32) = (true, false, true, !self.exact);
        let mut y = x.f_internal_convolution(
            &conv.weight,
            Some(&conv.bias),
            stride,
            padding,
            [1, 1],
            false,
            [0, 0],
            1,
            benchmark,
            deterministic,
            cudnn,
            tf32,
        )?;
        if relu { y.f_relu_() } else { Ok(y) }
    }
}

impl Convolution {
    fn share(&self) -> Self {
        Self { weight: self.weight.shallow_clone(), bias: self.bias.shallow_clone(), ..*self }
    }
}

/// The fused operators, where there are any: on a CPU, in a libtorch that was built with oneDNN.
fn fused(compute: Compute) -> Result<Option<Fused>> {
    let available = compute.device == tch::Device::Cpu && tch::utils::has_mkldnn();
    available.then(Fused::new).transpose().map_err(torch_error("resnet"))
}

/// Folds y = γ (conv(x) − μ) / √(σ² + ε) + β into one convolution: w' = w γ/√(σ² + ε), b' = β − μ γ/√(σ² + ε).
fn fold(plan: &Plan, weights: &mut Weights, compute: Compute) -> Result<Convolution> {
    let weight = weights.take(&format!("{}.weight", plan.conv))?;
    let mut norm = |part: &str| weights.take(&format!("{}.{part}", plan.norm));
    let (gamma, beta, mean, variance) = (norm("weight")?, norm("bias")?, norm("running_mean")?, norm("running_var")?);
    let folded = || -> Result<Convolution, TchError> {
        let double = |tensor: &Tensor| tensor.f_to_kind(Kind::Double);
        let deviation = double(&variance)?.f_add_scalar(BATCH_NORM_EPSILON)?.f_sqrt()?;
        let factor = double(&gamma)?.f_div(&deviation)?;
        let bias = double(&beta)?.f_sub(&double(&mean)?.f_mul(&factor)?)?;
        let weight = weight.f_mul(&factor.f_to_kind(Kind::Float)?.f_view([-1, 1, 1, 1])?)?;
        let place = |tensor: Tensor| tensor.f_to_device(compute.device)?.f_to_kind(compute.kind);
        Ok(Convolution {
            weight: channels_last(&place(weight)?)?,
            bias: place(bias)?,
            stride: plan.stride,
            padding: plan.kernel / 2,
        })
    };
    folded().map_err(torch_error(&plan.conv))
}

/// The same N×C×H×W tensor with the channels of a pixel together in memory.
pub(super) fn channels_last(tensor: &Tensor) -> Result<Tensor, TchError> {
    tensor.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_permute([0, 3, 1, 2])
}
