//! Networks of inverted residuals (Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018) without
//! the classifier, each batch norm folded into the convolution before it: a 1×1 convolution widens the maps, a depthwise
//! one filters each by itself, squeeze-and-excitation (Hu et al. 2017) weighs them where a network has it, and a 1×1
//! convolution without an activation narrows them again.
//!
//! One layout stands for MobileNetV2 and V3 (Howard et al. 2019) and EfficientNet (Tan and Le 2019) as torchvision builds
//! them, and for EfficientNet-Lite (Google) as `efficientnet_pytorch` or timm stores it.

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

/// The layout of a network of inverted residuals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvertedResidualLayout {
    /// Channels of the first convolution, which halves the sides.
    pub stem: i64,
    /// The stages in order.
    pub stages: Vec<BlockStage>,
    /// Channels of the last convolution, which are pooled.
    pub features: i64,
    /// Whether the pooled features are scaled to length 1 before the linear layer.
    #[serde(default)]
    pub normalize: bool,
    /// Name of a linear layer in the weights that makes the embedding from the pooled features, and from what `taps` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub projection: Option<String>,
    /// Blocks, counted from 0 in ascending order, whose maps behind the depthwise convolution are pooled for the linear layer
    /// as well; only of families without squeeze-and-excitation. The square roots of their means, those of each block scaled to
    /// length 1, stand behind the pooled features: features of several depths say more than the last ones alone (Hariharan et al.,
    /// "Hypercolumns", 2015), and the root keeps a few strong ones from hiding the others (Perronnin et al., "Improving the
    /// Fisher Kernel", 2010).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taps: Vec<usize>,
    /// What is the same all through the network.
    #[serde(default, skip_serializing_if = "Family::is_usual")]
    pub family: Family,
}

/// What is the same all through a network of inverted residuals: tensor names, padding, activations, the batch norms'
/// epsilon, and how squeeze-and-excitation is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// ReLU6; names of `efficientnet_pytorch`.
    #[default]
    EfficientnetLite,
    /// The same networks with the names of timm, which calls them so because they have TensorFlow's padding.
    TfEfficientnetLite,
    /// SiLU, squeeze-and-excitation in every block; names of torchvision, as of all that follow.
    Efficientnet,
    /// ReLU6.
    MobilenetV2,
    /// Hard swish or ReLU, squeeze-and-excitation in some stages.
    MobilenetV3,
}

/// Inverted residuals of one shape, one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockStage {
    /// How many.
    pub blocks: usize,
    /// Channels of their outputs.
    pub channels: i64,
    /// Side of the depthwise convolution's kernel.
    pub kernel: i64,
    /// Stride of the first one's depthwise convolution.
    pub stride: i64,
    /// Channels inside, as a multiple of the input's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expansion: Option<i64>,
    /// Channels inside, where they are no multiple of the input's; instead of `expansion`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<i64>,
    /// Only of MobileNetV3: ReLU instead of hard swish.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub relu: bool,
    /// Only of MobileNetV3: squeeze-and-excitation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub squeeze: bool,
}

impl BlockStage {
    /// Channels inside a block with so many inputs.
    fn hidden(&self, inputs: i64) -> i64 {
        self.hidden.unwrap_or_else(|| inputs * self.expansion.unwrap_or(1))
    }
}

impl InvertedResidualLayout {
    pub(super) fn check(&self) -> Result<(), String> {
        let inside = self.stages.iter().filter_map(|stage| stage.hidden);
        let mut channels =
            self.stages.iter().map(|stage| stage.channels).chain([self.stem, self.features]).chain(inside);
        if channels.any(|channels| !(1..=MOST_CHANNELS).contains(&channels)) {
            return Err("`inverted_residual`: channels must be between 1 and 65536".into());
        }
        let sound = |stage: &BlockStage| {
            stage.blocks > 0
                && (1..=11).contains(&stage.kernel)
                && stage.kernel % 2 == 1
                && (1..=2).contains(&stage.stride)
                && stage.expansion.is_none_or(|expansion| (1..=16).contains(&expansion))
                && stage.expansion.is_some() != stage.hidden.is_some()
        };
        let blocks = self.stages.iter().fold(0_usize, |sum, stage| sum.saturating_add(stage.blocks));
        if !(1..=MOST_BLOCKS).contains(&blocks) || !self.stages.iter().all(sound) {
            return Err("`inverted_residual.stages`: 1 to 512 blocks in all, each stage with at least one, an odd kernel up to 11, \
                        a stride of 1 or 2 and either an expansion from 1 to 16 or hidden channels"
                .into());
        }
        if self.family != Family::MobilenetV3 && self.stages.iter().any(|stage| stage.relu || stage.squeeze) {
            return Err("`inverted_residual.stages`: only mobilenet-v3 has `relu` and `squeeze`".into());
        }
        let is_ascending = self.taps.windows(2).all(|pair| pair[0] < pair[1]);
        // Squeeze-and-excitation changes maps in place, and its families' activations go below 0.
        let is_plain = self.family.is_lite() || self.family == Family::MobilenetV2;
        let can_tap = is_plain && self.projection.is_some() && is_ascending && self.taps.last() < Some(&blocks);
        if !self.taps.is_empty() && !can_tap {
            return Err(format!(
                "`inverted_residual.taps` are block numbers, from 0 to {} in ascending order; they need a `projection`, and \
                 a family without squeeze-and-excitation",
                blocks - 1
            ));
        }
        check_projection("inverted_residual", self.projection.as_deref())
    }
}

impl Family {
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    fn is_lite(self) -> bool {
        matches!(self, Self::EfficientnetLite | Self::TfEfficientnetLite)
    }

    fn activation(self, stage: Option<&BlockStage>) -> Activation {
        match self {
            Self::EfficientnetLite | Self::TfEfficientnetLite | Self::MobilenetV2 => Activation::Relu6,
            Self::Efficientnet => Activation::Silu,
            Self::MobilenetV3 if stage.is_some_and(|stage| stage.relu) => Activation::Relu,
            Self::MobilenetV3 => Activation::HardSwish,
        }
    }

    /// What the batch norms add to the variance.
    fn epsilon(self) -> f64 {
        match self {
            Self::EfficientnetLite | Self::TfEfficientnetLite | Self::MobilenetV3 => 1e-3,
            Self::Efficientnet | Self::MobilenetV2 => 1e-5,
        }
    }

    fn plan(self, [conv, norm]: [String; 2], [inputs, outputs]: [i64; 2], [kernel, stride]: [i64; 2]) -> Plan {
        let padding = if self.is_lite() { Padding::Same } else { Padding::Half };
        let norm = Some(BatchNorm { name: norm, epsilon: self.epsilon() });
        Plan { conv, norm, inputs, outputs, kernel, stride, groups: 1, padding }
    }

    /// The first or the last convolution, `at` of all stages or blocks.
    fn single(self, at: Option<usize>, channels: [i64; 2], geometry: [i64; 2]) -> Box<dyn StepPlan> {
        let (name, norm) = match (self, at) {
            (Self::EfficientnetLite, None) => ("_conv_stem".into(), "_bn0".into()),
            (Self::EfficientnetLite, Some(_)) => ("_conv_head".into(), "_bn1".into()),
            (Self::TfEfficientnetLite, None) => ("conv_stem".into(), "bn1".into()),
            (Self::TfEfficientnetLite, Some(_)) => ("conv_head".into(), "bn2".into()),
            (_, at) => (format!("features.{}", at.unwrap_or(0)), format!("features.{}.1", at.unwrap_or(0))),
        };
        let conv = if self.is_lite() { name.clone() } else { format!("{name}.0") };
        let plan = self.plan([conv, norm], channels, geometry);
        Box::new(ConvolutionPlan { name, plan, then: self.activation(None) })
    }

    /// The middle channels of squeeze-and-excitation, and the activations behind its two convolutions; `None` where a
    /// block of the stage has none.
    fn squeeze(self, stage: &BlockStage, inputs: i64) -> Option<(i64, [Activation; 2])> {
        match self {
            Self::Efficientnet => Some(((inputs / 4).max(1), [Activation::Silu, Activation::Sigmoid])),
            Self::MobilenetV3 if stage.squeeze => {
                // The nearest multiple of 8 that does not take away more than a tenth.
                let quarter = stage.hidden(inputs) / 4;
                let near = ((quarter + 4) / 8 * 8).max(8);
                let middle = if near * 10 < quarter * 9 { near + 8 } else { near };
                Some((middle, [Activation::Relu, Activation::HardSigmoid]))
            }
            _ => None,
        }
    }
}

/// The network of a layout. `dim` is the width of the linear layer, if there is one.
pub(super) fn blueprint(layout: &InvertedResidualLayout, dim: usize) -> Blueprint {
    let family = layout.family;
    let mut steps = vec![family.single(None, [3, layout.stem], [3, 2])];
    let (mut inputs, mut taps) = (layout.stem, Vec::new());
    for (number, stage) in layout.stages.iter().enumerate() {
        for index in 0..stage.blocks {
            let before = steps.len();
            let (name, whole) = match family {
                Family::EfficientnetLite => (format!("_blocks.{}", before - 1), None),
                Family::TfEfficientnetLite => (format!("blocks.{number}.{index}"), Some(format!("blocks.{number}"))),
                Family::Efficientnet => {
                    (format!("features.{}.{index}", number + 1), Some(format!("features.{}", number + 1)))
                }
                Family::MobilenetV2 | Family::MobilenetV3 => (format!("features.{before}"), None),
            };
            let stride = if index == 0 { stage.stride } else { 1 };
            let plan = block(family, name, stage, inputs, stride);
            let is_tapped = layout.taps.contains(&(before - 1));
            taps.extend(is_tapped.then(|| stage.hidden(inputs)));
            let whole = whole.filter(|_| index + 1 == stage.blocks);
            steps.push(Box::new(BlockPlan { stage: whole, is_tapped, ..plan }));
            inputs = stage.channels;
        }
    }
    let at = if family == Family::Efficientnet { layout.stages.len() + 1 } else { steps.len() };
    steps.push(family.single(Some(at), [inputs, layout.features], [1, 1]));
    let linear = layout.projection.clone().map(|name| (name, dim as i64));
    Blueprint { steps, head: HeadPlan { normalize: layout.normalize, taps, linear, ..HeadPlan::MEAN }, ignored }
}

fn ignored(name: &str) -> bool {
    name.starts_with("_fc.") || name.starts_with("classifier.") || name.ends_with(".num_batches_tracked")
}

fn block(family: Family, name: String, stage: &BlockStage, inputs: i64, stride: i64) -> BlockPlan {
    let hidden = stage.hidden(inputs);
    let widens = hidden != inputs;
    let squeeze = family.squeeze(stage, inputs);
    // The parts of a block are numbered by torchvision and timm, and those that are not there take no number.
    let mut number = 0;
    let mut named = |conv: &str, norm: &str, timm: &str| {
        let last = norm == "_bn2";
        let parts = match family {
            Family::EfficientnetLite => [conv.to_owned(), norm.to_owned()],
            Family::TfEfficientnetLite => [timm.to_owned(), format!("bn{}", number + 1)],
            Family::MobilenetV2 if last => [format!("conv.{number}"), format!("conv.{}", number + 1)],
            Family::MobilenetV2 => [format!("conv.{number}.0"), format!("conv.{number}.1")],
            _ => [format!("block.{number}.0"), format!("block.{number}.1")],
        };
        number += 1;
        parts.map(|part| format!("{name}.{part}"))
    };
    let mut convs = Vec::new();
    if widens {
        convs.push(family.plan(named("_expand_conv", "_bn0", "conv_pw"), [inputs, hidden], [1, 1]));
    }
    let depthwise = family.plan(named("_depthwise_conv", "_bn1", "conv_dw"), [hidden; 2], [stage.kernel, stride]);
    convs.push(Plan { groups: hidden, ..depthwise });
    let squeeze = squeeze.map(|(middle, activations)| {
        let [conv, _] = named("", "", "");
        let within = conv.trim_end_matches(".0");
        let conv = |name: &str, channels| {
            let plan = family.plan([format!("{within}.{name}"), String::new()], channels, [1, 1]);
            Plan { norm: None, ..plan }
        };
        SqueezePlan { convs: [conv("fc1", [hidden, middle]), conv("fc2", [middle, hidden])], activations }
    });
    let timm = if widens { "conv_pwl" } else { "conv_pw" };
    let project = family.plan(named("_project_conv", "_bn2", timm), [hidden, stage.channels], [1, 1]);
    let residual = stride == 1 && inputs == stage.channels;
    let then = family.activation(Some(stage));
    BlockPlan { name, stage: None, convs, then, is_tapped: false, squeeze, project, residual }
}

/// The convolutions of a block: those with an activation, and the last one.
struct BlockPlan {
    name: String,
    stage: Option<String>,
    convs: Vec<Plan>,
    then: Activation,
    /// Whether the head wants the maps behind them too.
    is_tapped: bool,
    squeeze: Option<SqueezePlan>,
    project: Plan,
    /// Whether the input is added to the output.
    residual: bool,
}

/// The two convolutions of squeeze-and-excitation, on the means of the maps.
struct SqueezePlan {
    convs: [Plan; 2],
    activations: [Activation; 2],
}

impl StepPlan for BlockPlan {
    fn name(&self) -> Option<String> {
        Some(self.name.clone())
    }

    fn stage(&self) -> Option<String> {
        self.stage.clone()
    }

    fn wanted(&self) -> Vec<WantedTensor> {
        let squeeze = self.squeeze.iter().flat_map(|squeeze| &squeeze.convs);
        self.convs.iter().chain(squeeze).chain([&self.project]).flat_map(Plan::wanted).collect()
    }

    fn output(&self, input: Shape) -> Shape {
        let side = self.convs.iter().fold(input.side(), |side, conv| conv.side(side));
        Shape::Map { channels: self.project.outputs, side }
    }

    fn build(&self, site: &mut Site, input: Shape) -> Result<Box<dyn Step>> {
        let mut side = input.side();
        let mut convs = Vec::new();
        for plan in &self.convs {
            convs.push(site.convolution(plan, side)?);
            side = plan.side(side);
        }
        let squeeze = self.squeeze.as_ref().map(|squeeze| -> Result<_> {
            let [reduce, expand] = &squeeze.convs;
            let convs = [site.convolution(reduce, 1)?, site.convolution(expand, 1)?];
            Ok(Squeeze { convs, activations: squeeze.activations })
        });
        let squeeze = squeeze.transpose()?;
        let project = site.convolution(&self.project, side)?;
        let Self { then, is_tapped, residual, .. } = *self;
        Ok(Box::new(InvertedResidual { convs, then, is_tapped, squeeze, project, residual }))
    }
}

struct InvertedResidual {
    convs: Vec<Convolution>,
    then: Activation,
    is_tapped: bool,
    squeeze: Option<Squeeze>,
    project: Convolution,
    residual: bool,
}

impl Step for InvertedResidual {
    fn run(&self, convolver: &Convolver, input: Tensor) -> Result<Tensor, TchError> {
        self.run_tapped(convolver, input, &mut Vec::new())
    }

    fn run_tapped(&self, convolver: &Convolver, input: Tensor, taps: &mut Vec<Tensor>) -> Result<Tensor, TchError> {
        let mut x = input.shallow_clone();
        for conv in &self.convs {
            x = convolver.convolve(conv, &x, self.then)?;
        }
        if self.is_tapped {
            taps.push(x.shallow_clone());
        }
        if let Some(squeeze) = &self.squeeze {
            x = squeeze.run(convolver, x)?;
        }
        if self.residual {
            return convolver.convolve_add(&self.project, &x, &input, Activation::None);
        }
        convolver.convolve(&self.project, &x, Activation::None)
    }

    fn share(&self) -> Box<dyn Step> {
        Box::new(Self {
            convs: self.convs.iter().map(Convolution::share).collect(),
            squeeze: self.squeeze.as_ref().map(Squeeze::share),
            project: self.project.share(),
            ..*self
        })
    }
}

/// Squeeze-and-excitation: each map times a factor that two small layers make of the means of all maps.
struct Squeeze {
    convs: [Convolution; 2],
    activations: [Activation; 2],
}

impl Squeeze {
    fn share(&self) -> Self {
        Self { convs: self.convs.each_ref().map(Convolution::share), ..*self }
    }

    fn run(&self, convolver: &Convolver, mut x: Tensor) -> Result<Tensor, TchError> {
        // The same as the mean over both sides, and quicker.
        let sides = &x.size()[2..];
        let mut factors = x.f_avg_pool2d(sides, sides, [0, 0], false, true, None::<i64>)?;
        for (conv, then) in self.convs.iter().zip(self.activations) {
            factors = convolver.convolve(conv, &factors, then)?;
        }
        x.f_mul_(&factors)
    }
}
