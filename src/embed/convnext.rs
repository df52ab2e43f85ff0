//! ConvNeXt (Liu et al., "A ConvNet for the 2020s", 2022) as torchvision builds it, without the classifier: a depthwise 7×7
//! convolution, a layer norm and two linear layers at each position, whose scale is folded into the second.

use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

use super::{
    blueprint::{Blueprint, Site, Step, StepPlan},
    convolution::{Convolution, Convolver, Padding, Plan},
    fused::Activation,
    head::HeadPlan,
    layer::Shape,
    limits::{MOST_BLOCKS, MOST_CHANNELS},
    norm::LayerNorm,
    torch_error,
    weights::WantedTensor,
};
use crate::error::Result;

/// What the layer norms add to the variance.
const EPSILON: f64 = 1e-6;
/// A picture with a smaller side has no position left after the last stage.
const LEAST_INPUT: u32 = 32;

/// The layout of a ConvNeXt; tensor names and shapes are torchvision's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvNextLayout {
    /// Blocks in each of the four stages.
    pub depths: [usize; 4],
    /// Channels of each stage.
    pub widths: [i64; 4],
}

impl ConvNextLayout {
    pub(super) fn check(&self, input: u32) -> Result<(), String> {
        if self.depths.iter().any(|depth| !(1..=MOST_BLOCKS).contains(depth)) {
            return Err("`convnext.depths` must be between 1 and 512".into());
        }
        // Inside a block there are four times as many.
        if self.widths.iter().any(|width| !(1..=MOST_CHANNELS / 4).contains(width)) {
            return Err("`convnext.widths` must be between 1 and 16384".into());
        }
        if input < LEAST_INPUT {
            return Err("a convnext needs an `input` of at least 32".into());
        }
        Ok(())
    }
}

/// The network of a layout.
pub(super) fn blueprint(layout: &ConvNextLayout) -> Blueprint {
    let mut steps: Vec<Box<dyn StepPlan>> = Vec::new();
    let mut inputs = 3;
    for (stage, (&depth, &width)) in layout.depths.iter().zip(&layout.widths).enumerate() {
        let name = format!("features.{}", 2 * stage);
        steps.push(Box::new(DownsamplePlan::new(name, stage == 0, inputs, width)));
        for index in 0..depth {
            let stage = format!("features.{}", 2 * stage + 1);
            let name = format!("{stage}.{index}");
            steps.push(Box::new(BlockPlan { name, stage: (index + 1 == depth).then_some(stage), width }));
        }
        inputs = width;
    }
    Blueprint { steps, head: HeadPlan { norm: Some(("classifier.0", EPSILON)), ..HeadPlan::MEAN }, ignored }
}

fn ignored(name: &str) -> bool {
    name.starts_with("classifier.2.")
}

/// The values of a position together: a view of maps N×C×H×W as N×H×W×C.
fn positions(maps: &Tensor) -> Result<Tensor, TchError> {
    maps.f_permute([0, 2, 3, 1])?.f_contiguous()
}

/// The reverse of [`positions`].
fn maps(positions: &Tensor) -> Result<Tensor, TchError> {
    positions.f_permute([0, 3, 1, 2])
}

/// What makes the maps of a stage of those of the one before: patches, with a layer norm behind them in the first stage
/// and before them in the others.
struct DownsamplePlan {
    name: String,
    first: bool,
    norm: String,
    conv: Plan,
}

impl DownsamplePlan {
    fn new(name: String, first: bool, inputs: i64, outputs: i64) -> Self {
        let [norm, conv] = if first { [1, 0] } else { [0, 1] }.map(|part| format!("{name}.{part}"));
        let kernel = if first { 4 } else { 2 };
        let conv =
            Plan { conv, norm: None, inputs, outputs, kernel, stride: kernel, groups: 1, padding: Padding::None };
        Self { name, first, norm, conv }
    }
}

impl StepPlan for DownsamplePlan {
    fn name(&self) -> Option<String> {
        Some(self.name.clone())
    }

    fn wanted(&self) -> Vec<WantedTensor> {
        let mut wanted = self.conv.wanted();
        wanted.extend(LayerNorm::wanted(&self.norm, if self.first { self.conv.outputs } else { self.conv.inputs }));
        wanted
    }

    fn output(&self, input: Shape) -> Shape {
        Shape::Map { channels: self.conv.outputs, side: self.conv.side(input.side()) }
    }

    fn build(&self, site: &mut Site, input: Shape) -> Result<Box<dyn Step>> {
        let conv = site.convolution(&self.conv, input.side())?;
        let norm = LayerNorm::build(&self.norm, EPSILON, site.weights, site.compute)?;
        Ok(Box::new(Downsample { first: self.first, norm, conv }))
    }
}

struct Downsample {
    first: bool,
    norm: LayerNorm,
    conv: Convolution,
}

impl Step for Downsample {
    fn run(&self, convolver: &Convolver, input: Tensor) -> Result<Tensor, TchError> {
        let norm = |x: &Tensor| maps(&self.norm.apply(&positions(x)?)?);
        let conv = |x: &Tensor| convolver.convolve(&self.conv, x, Activation::None);
        if self.first { norm(&conv(&input)?) } else { conv(&norm(&input)?) }
    }

    fn share(&self) -> Box<dyn Step> {
        Box::new(Self { first: self.first, norm: self.norm.share(), conv: self.conv.share() })
    }
}

struct BlockPlan {
    name: String,
    stage: Option<String>,
    width: i64,
}

impl BlockPlan {
    fn part(&self, part: &str) -> String {
        format!("{}.{part}", self.name)
    }

    fn depthwise(&self) -> Plan {
        let (conv, width) = (self.part("block.0"), self.width);
        Plan {
            conv,
            norm: None,
            inputs: width,
            outputs: width,
            kernel: 7,
            stride: 1,
            groups: width,
            padding: Padding::Half,
        }
    }
}

impl StepPlan for BlockPlan {
    fn name(&self) -> Option<String> {
        Some(self.name.clone())
    }

    fn stage(&self) -> Option<String> {
        self.stage.clone()
    }

    fn wanted(&self) -> Vec<WantedTensor> {
        let (width, hidden) = (self.width, 4 * self.width);
        let mut wanted = self.depthwise().wanted();
        wanted.extend(LayerNorm::wanted(&self.part("block.2"), width));
        let mut add =
            |part: &str, shape: &[i64]| wanted.push(WantedTensor { name: self.part(part), shape: shape.to_vec() });
        add("block.3.weight", &[hidden, width]);
        add("block.3.bias", &[hidden]);
        add("block.5.weight", &[width, hidden]);
        add("block.5.bias", &[width]);
        add("layer_scale", &[width, 1, 1]);
        wanted
    }

    fn output(&self, input: Shape) -> Shape {
        input
    }

    fn build(&self, site: &mut Site, input: Shape) -> Result<Box<dyn Step>> {
        let depthwise = site.convolution(&self.depthwise(), input.side())?;
        let norm = LayerNorm::build(&self.part("block.2"), EPSILON, site.weights, site.compute)?;
        let mut take = |part: &str| site.weights.take(&self.part(part));
        let (weight, bias) = (take("block.3.weight")?, take("block.3.bias")?);
        let (last, last_bias, scale) = (take("block.5.weight")?, take("block.5.bias")?, take("layer_scale")?);
        let rows = input.side() * input.side();
        let linears = || -> Result<_, TchError> {
            let scale = scale.f_view([self.width, 1])?;
            let last_bias = last_bias.f_mul(&scale.f_view([self.width])?)?;
            Ok([site.linear(&weight, &bias, rows)?, site.linear(&last.f_mul(&scale)?, &last_bias, rows)?])
        };
        let linears = linears().map_err(torch_error(&self.name))?;
        Ok(Box::new(Block { depthwise, norm, linears }))
    }
}

struct Block {
    depthwise: Convolution,
    norm: LayerNorm,
    /// To four times as many channels, and back.
    linears: [Convolution; 2],
}

impl Step for Block {
    fn run(&self, convolver: &Convolver, input: Tensor) -> Result<Tensor, TchError> {
        let [widen, narrow] = &self.linears;
        let x = convolver.convolve(&self.depthwise, &input, Activation::None)?;
        let x = self.norm.apply(&positions(&x)?)?;
        let x = convolver.linear(widen, &x, Activation::Gelu)?;
        maps(&convolver.linear_add(narrow, &x, &positions(&input)?)?)
    }

    fn share(&self) -> Box<dyn Step> {
        let linears = self.linears.each_ref().map(Convolution::share);
        Box::new(Self { depthwise: self.depthwise.share(), norm: self.norm.share(), linears })
    }
}
