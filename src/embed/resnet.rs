//! Residual networks (He et al., "Deep Residual Learning for Image Recognition", 2015) as torchvision builds them,
//! without the classifier, with each batch norm folded into the convolution before it.

use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

use super::{
    blueprint::{Blueprint, ConvolutionPlan, Site, Step, StepPlan},
    convolution::{BatchNorm, Convolution, Convolver, Padding, Plan},
    fused::Activation,
    head::HeadPlan,
    layer::Shape,
    limits::{MOST_BLOCKS, MOST_CHANNELS, check_projection},
    weights::WantedTensor,
};
use crate::error::Result;

/// torchvision's `BatchNorm2d` adds this to the variance.
const BATCH_NORM_EPSILON: f64 = 1e-5;

/// The layout of a ResNet; tensor names and shapes are torchvision's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResNetLayout {
    /// The kind of residual block.
    pub block: BlockKind,
    /// Blocks in each of the four stages.
    pub depths: [usize; 4],
    /// Channels of the 3×3 convolutions in each stage; the first is also the stem's.
    pub widths: [i64; 4],
    /// Name of a linear layer in the weights that makes the embedding from the pooled features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub projection: Option<String>,
}

/// A residual block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlockKind {
    /// Two 3×3 convolutions.
    Basic,
    /// 1×1, 3×3 (which carries the stride) and 1×1 to four times the width.
    Bottleneck,
}

impl BlockKind {
    /// Output channels of a block, as a multiple of its width.
    fn expansion(self) -> i64 {
        match self {
            Self::Basic => 1,
            Self::Bottleneck => 4,
        }
    }
}

impl ResNetLayout {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.depths.iter().any(|depth| !(1..=MOST_BLOCKS).contains(depth)) {
            return Err("`resnet.depths` must be between 1 and 512".into());
        }
        if self.widths.iter().any(|width| !(1..=MOST_CHANNELS).contains(width)) {
            return Err("`resnet.widths` must be between 1 and 65536".into());
        }
        check_projection("resnet", self.projection.as_deref())
    }
}

fn plan(conv: String, norm: String, [inputs, outputs]: [i64; 2], [kernel, stride]: [i64; 2]) -> Plan {
    let norm = Some(BatchNorm { name: norm, epsilon: BATCH_NORM_EPSILON });
    Plan { conv, norm, inputs, outputs, kernel, stride, groups: 1, padding: Padding::Half }
}

/// The network of a layout. `dim` is the width of the projection, if there is one.
pub(super) fn blueprint(layout: &ResNetLayout, dim: usize) -> Blueprint {
    let width = layout.widths[0];
    let stem = plan("conv1".into(), "bn1".into(), [3, width], [7, 2]);
    let stem = ConvolutionPlan { name: "conv1".into(), plan: stem, then: Activation::Relu };
    let mut steps: Vec<Box<dyn StepPlan>> = vec![Box::new(stem), Box::new(MaxPool)];
    let mut inputs = width;
    for (stage, (&depth, &width)) in layout.depths.iter().zip(&layout.widths).enumerate() {
        for index in 0..depth {
            let name = format!("layer{}.{index}", stage + 1);
            let stride = if stage > 0 && index == 0 { 2 } else { 1 };
            let outputs = width * layout.block.expansion();
            let conv = |number: usize, channels, geometry| {
                plan(format!("{name}.conv{number}"), format!("{name}.bn{number}"), channels, geometry)
            };
            let convs = match layout.block {
                BlockKind::Basic => vec![conv(1, [inputs, width], [3, stride]), conv(2, [width, outputs], [3, 1])],
                BlockKind::Bottleneck => vec![
                    conv(1, [inputs, width], [1, 1]),
                    conv(2, [width, width], [3, stride]),
                    conv(3, [width, outputs], [1, 1]),
                ],
            };
            let downsample = || {
                let part = |part| format!("{name}.downsample.{part}");
                plan(part(0), part(1), [inputs, outputs], [1, stride])
            };
            let shortcut = (stride != 1 || inputs != outputs).then(downsample);
            let stage = (index + 1 == depth).then(|| format!("layer{}", stage + 1));
            steps.push(Box::new(BlockPlan { name, stage, convs, shortcut }));
            inputs = outputs;
        }
    }
    let linear = layout.projection.clone().map(|name| (name, dim as i64));
    Blueprint { steps, head: HeadPlan { linear, ..HeadPlan::MEAN }, ignored }
}

fn ignored(name: &str) -> bool {
    name.starts_with("fc.") || name.ends_with(".num_batches_tracked")
}

/// The largest value of each 3×3 positions, every other one.
#[derive(Clone, Copy)]
struct MaxPool;

impl StepPlan for MaxPool {
    fn name(&self) -> Option<String> {
        Some("maxpool".into())
    }

    fn wanted(&self) -> Vec<WantedTensor> {
        Vec::new()
    }

    fn output(&self, input: Shape) -> Shape {
        Shape::Map { channels: input.values(), side: (input.side() + 1) / 2 }
    }

    fn build(&self, _: &mut Site, _: Shape) -> Result<Box<dyn Step>> {
        Ok(Box::new(*self))
    }
}

impl Step for MaxPool {
    fn run(&self, _: &Convolver, input: Tensor) -> Result<Tensor, TchError> {
        input.f_max_pool2d([3, 3], [2, 2], [1, 1], [1, 1], false)
    }

    fn share(&self) -> Box<dyn Step> {
        Box::new(*self)
    }
}

/// A residual block's convolutions and, where the shape changes, the one on its shortcut.
struct BlockPlan {
    name: String,
    stage: Option<String>,
    convs: Vec<Plan>,
    shortcut: Option<Plan>,
}

impl StepPlan for BlockPlan {
    fn name(&self) -> Option<String> {
        Some(self.name.clone())
    }

    fn stage(&self) -> Option<String> {
        self.stage.clone()
    }

    fn wanted(&self) -> Vec<WantedTensor> {
        self.convs.iter().chain(&self.shortcut).flat_map(Plan::wanted).collect()
    }

    fn output(&self, input: Shape) -> Shape {
        let channels = self.convs.last().map_or(input.values(), |conv| conv.outputs);
        Shape::Map { channels, side: self.convs.iter().fold(input.side(), |side, conv| conv.side(side)) }
    }

    fn build(&self, site: &mut Site, input: Shape) -> Result<Box<dyn Step>> {
        let mut side = input.side();
        let shortcut = self.shortcut.as_ref().map(|plan| site.convolution(plan, side)).transpose()?;
        let mut convs = Vec::new();
        for plan in &self.convs {
            convs.push(site.convolution(plan, side)?);
            side = plan.side(side);
        }
        Ok(Box::new(ResidualBlock { convs, shortcut }))
    }
}

struct ResidualBlock {
    convs: Vec<Convolution>,
    shortcut: Option<Convolution>,
}

impl Step for ResidualBlock {
    fn run(&self, convolver: &Convolver, input: Tensor) -> Result<Tensor, TchError> {
        let Some((last, before)) = self.convs.split_last() else { return Ok(input) };
        let mut x = input.shallow_clone();
        for conv in before {
            x = convolver.convolve(conv, &x, Activation::Relu)?;
        }
        let sum = match &self.shortcut {
            Some(conv) => convolver.convolve(conv, &input, Activation::None)?,
            None => input,
        };
        convolver.convolve_add(last, &x, &sum, Activation::Relu)
    }

    fn share(&self) -> Box<dyn Step> {
        let convs = self.convs.iter().map(Convolution::share).collect();
        Box::new(Self { convs, shortcut: self.shortcut.as_ref().map(Convolution::share) })
    }
}
