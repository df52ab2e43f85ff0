//! Residual networks (He et al., "Deep Residual Learning for Image Recognition", 2015) as torchvision builds them,
//! without the classifier, with each batch norm folded into the convolution before it.

use tch::{TchError, Tensor};

use super::{
    convolution::{Convolution, Convolver, Padding, Plan},
    device::Compute,
    fused::Activation,
    head::Head,
    manifest::{Block, ResNetLayout},
    torch_error,
    weights::{Wanted, Weights},
};
use crate::error::Result;

/// torchvision's `BatchNorm2d` adds this to the variance.
const BATCH_NORM_EPSILON: f64 = 1e-5;

/// A residual block's convolutions and, where the shape changes, the one on its shortcut.
struct BlockPlan {
    convs: Vec<Plan>,
    shortcut: Option<Plan>,
}

fn stem(layout: &ResNetLayout) -> Plan {
    Plan {
        conv: "conv1".into(),
        norm: "bn1".into(),
        inputs: 3,
        outputs: layout.widths[0],
        kernel: 7,
        stride: 2,
        groups: 1,
        padding: Padding::Half,
    }
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
                groups: 1,
                padding: Padding::Half,
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
                groups: 1,
                padding: Padding::Half,
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
    let blocks = blocks(layout);
    let stem = [stem(layout)];
    let convs = blocks.iter().flat_map(|block| block.convs.iter().chain(&block.shortcut));
    let mut wanted: Vec<_> = stem.iter().chain(convs).flat_map(Plan::wanted).collect();
    wanted.extend(Head::wanted(layout.projection.as_deref(), layout.features(), dim));
    wanted
}

/// Tensors that may be in the file and are of no use here: the classifier, and batch norm's counters.
#[must_use]
pub fn ignored(name: &str) -> bool {
    name.starts_with("fc.") || name.ends_with(".num_batches_tracked")
}

struct ResidualBlock {
    convs: Vec<Convolution>,
    shortcut: Option<Convolution>,
}

/// The network on one device, in one precision.
pub(super) struct ResNet {
    stem: Convolution,
    blocks: Vec<ResidualBlock>,
    head: Head,
    convolver: Convolver,
}

impl ResNet {
    /// Builds the network for batches of N×3×side×side; others work too, a little slower.
    pub(super) fn build(
        layout: &ResNetLayout,
        weights: &mut Weights,
        compute: Compute,
        convolver: Convolver,
        [batch, side]: [i64; 2],
    ) -> Result<Self> {
        let mut conv = |plan: &Plan, side: i64| -> Result<Convolution> {
            let conv = Convolution::fold(plan, BATCH_NORM_EPSILON, weights, compute)?;
            convolver.prepare(conv, [batch, plan.inputs, side, side]).map_err(torch_error(&plan.conv))
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
        let head = Head::build(layout.projection.as_deref(), false, weights, compute)?;
        Ok(Self { stem: first, blocks: residual, head, convolver })
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
            head: self.head.share(),
            convolver: self.convolver.share()?,
        })
    }

    /// Embeddings of a normalized batch, float32, N×dim.
    pub(super) fn forward(&self, batch: &Tensor) -> Result<Tensor, TchError> {
        self.head.apply(&self.maps(batch)?)
    }

    /// What the embedding of a batch of one is the sum of, float32, H×W×dim.
    pub(super) fn parts(&self, batch: &Tensor) -> Result<Tensor, TchError> {
        self.head.parts(&self.maps(batch)?)
    }

    /// The last feature maps, N×C×H×W.
    fn maps(&self, batch: &Tensor) -> Result<Tensor, TchError> {
        let mut x = self.convolver.convolve(&self.stem, batch, Activation::Relu)?;
        x = x.f_max_pool2d([3, 3], [2, 2], [1, 1], [1, 1], false)?;
        for block in &self.blocks {
            x = self.residual(block, x)?;
        }
        Ok(x)
    }

    /// Takes the input, because without a shortcut the output takes its place.
    fn residual(&self, block: &ResidualBlock, input: Tensor) -> Result<Tensor, TchError> {
        let Some((last, before)) = block.convs.split_last() else { return Ok(input) };
        let mut x = input.shallow_clone();
        for conv in before {
            x = self.convolver.convolve(conv, &x, Activation::Relu)?;
        }
        let sum = match &block.shortcut {
            Some(conv) => self.convolver.convolve(conv, &input, Activation::None)?,
            None => input,
        };
        self.convolver.convolve_add(last, &x, &sum, Activation::Relu)
    }
}
