//! Networks of inverted residuals (Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018) without
//! the classifier, each batch norm folded into the convolution before it: a 1×1 convolution widens the maps, a depthwise
//! one filters each by itself, and a 1×1 convolution without an activation narrows them again.
//!
//! Names, padding and activations are those of EfficientNet-Lite (Google; Tan and Le, "EfficientNet", 2019, without
//! squeeze-and-excitation, with ReLU6) as the PyTorch port `efficientnet_pytorch` stores it.

use tch::{TchError, Tensor};

use super::{
    convolution::{Convolution, Convolver, Padding, Plan},
    device::Compute,
    fused::Activation,
    head::Head,
    manifest::InvertedResidualLayout,
    torch_error,
    weights::{Wanted, Weights},
};
use crate::error::Result;

/// The batch norms of TensorFlow's EfficientNets add this to the variance.
const BATCH_NORM_EPSILON: f64 = 1e-3;

fn plan(conv: &str, norm: &str, [inputs, outputs]: [i64; 2], [kernel, stride]: [i64; 2]) -> Plan {
    let (conv, norm) = (conv.into(), norm.into());
    Plan { conv, norm, inputs, outputs, kernel, stride, groups: 1, padding: Padding::Same }
}

/// The convolutions of a block: those with ReLU6, and the last one.
struct BlockPlan {
    convs: Vec<Plan>,
    project: Plan,
    /// Whether the input is added to the output.
    residual: bool,
}

fn stem(layout: &InvertedResidualLayout) -> Plan {
    plan("_conv_stem", "_bn0", [3, layout.stem], [3, 2])
}

/// All blocks in order.
fn blocks(layout: &InvertedResidualLayout) -> Vec<BlockPlan> {
    let mut blocks: Vec<BlockPlan> = Vec::new();
    let mut inputs = layout.stem;
    for stage in &layout.stages {
        for index in 0..stage.blocks {
            let name = format!("_blocks.{}", blocks.len());
            let named = |conv: &str, norm: &str, channels, [kernel, stride]: [i64; 2]| {
                plan(&format!("{name}.{conv}"), &format!("{name}.{norm}"), channels, [kernel, stride])
            };
            let stride = if index == 0 { stage.stride } else { 1 };
            let wide = inputs * stage.expansion;
            let mut convs = Vec::new();
            if stage.expansion > 1 {
                convs.push(named("_expand_conv", "_bn0", [inputs, wide], [1, 1]));
            }
            let depthwise = named("_depthwise_conv", "_bn1", [wide, wide], [stage.kernel, stride]);
            convs.push(Plan { groups: wide, ..depthwise });
            blocks.push(BlockPlan {
                convs,
                project: named("_project_conv", "_bn2", [wide, stage.channels], [1, 1]),
                residual: stride == 1 && inputs == stage.channels,
            });
            inputs = stage.channels;
        }
    }
    blocks
}

fn last(layout: &InvertedResidualLayout) -> Plan {
    let inputs = layout.stages.last().map_or(layout.stem, |stage| stage.channels);
    plan("_conv_head", "_bn1", [inputs, layout.features], [1, 1])
}

/// Every tensor that the network reads from a state dict. `dim` is the width of the linear layer, if there is one.
#[must_use]
pub fn wanted(layout: &InvertedResidualLayout, dim: usize) -> Vec<Wanted> {
    let blocks = blocks(layout);
    let (first, last) = ([stem(layout)], [last(layout)]);
    let convs = blocks.iter().flat_map(|block| block.convs.iter().chain([&block.project]));
    let mut wanted: Vec<_> = first.iter().chain(convs).chain(&last).flat_map(Plan::wanted).collect();
    wanted.extend(Head::wanted(layout.projection.as_deref(), layout.features, dim));
    wanted
}

/// Tensors that may be in the file and are of no use here: the classifier, and batch norm's counters.
#[must_use]
pub fn ignored(name: &str) -> bool {
    name.starts_with("_fc.") || name.ends_with(".num_batches_tracked")
}

struct Block {
    convs: Vec<Convolution>,
    project: Convolution,
    residual: bool,
}

/// The network on one device, in one precision.
pub(super) struct InvertedResidual {
    stem: Convolution,
    blocks: Vec<Block>,
    last: Convolution,
    head: Head,
    convolver: Convolver,
}

impl InvertedResidual {
    /// Builds the network for batches of N×3×side×side; others work too, a little slower.
    pub(super) fn build(
        layout: &InvertedResidualLayout,
        weights: &mut Weights,
        compute: Compute,
        convolver: Convolver,
        [batch, mut side]: [i64; 2],
    ) -> Result<Self> {
        let mut conv = |plan: &Plan| -> Result<Convolution> {
            let conv = Convolution::fold(plan, BATCH_NORM_EPSILON, weights, compute)?;
            let shape = [batch, plan.inputs, side, side];
            side = (side - 1) / plan.stride + 1;
            convolver.prepare(conv, shape).map_err(torch_error(&plan.conv))
        };
        let stem = conv(&stem(layout))?;
        let mut built = Vec::new();
        for block in blocks(layout) {
            let convs = block.convs.iter().map(&mut conv).collect::<Result<_>>()?;
            built.push(Block { convs, project: conv(&block.project)?, residual: block.residual });
        }
        let last = conv(&last(layout))?;
        let head = Head::build(layout.projection.as_deref(), layout.normalize, weights, compute)?;
        Ok(Self { stem, blocks: built, last, head, convolver })
    }

    /// The same network for another thread; the weights are in memory once.
    pub(super) fn share(&self) -> Result<Self, TchError> {
        let block = |block: &Block| Block {
            convs: block.convs.iter().map(Convolution::share).collect(),
            project: block.project.share(),
            residual: block.residual,
        };
        Ok(Self {
            stem: self.stem.share(),
            blocks: self.blocks.iter().map(block).collect(),
            last: self.last.share(),
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
        let mut x = self.convolver.convolve(&self.stem, batch, Activation::Relu6)?;
        for block in &self.blocks {
            x = self.block(block, &x)?;
        }
        self.convolver.convolve(&self.last, &x, Activation::Relu6)
    }

    /// The output of a residual may take the place of the input.
    fn block(&self, block: &Block, input: &Tensor) -> Result<Tensor, TchError> {
        let mut x = input.shallow_clone();
        for conv in &block.convs {
            x = self.convolver.convolve(conv, &x, Activation::Relu6)?;
        }
        if block.residual {
            return self.convolver.convolve_add(&block.project, &x, input, Activation::None);
        }
        self.convolver.convolve(&block.project, &x, Activation::None)
    }
}
