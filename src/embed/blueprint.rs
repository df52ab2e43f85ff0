//! A network before its weights are there: its steps in order with their names and shapes, and what makes an embedding of
//! the last one's output. Each family of networks writes one down; listing, reading and building are the same for all.

use tch::{TchError, Tensor};

use super::{
    convolution::{Convolution, Convolver, Plan},
    device::Compute,
    fused::Activation,
    head::{Head, HeadPlan},
    layer::{Layer, Shape},
    torch_error,
    weights::{WantedTensor, Weights},
};
use crate::error::Result;

/// A step of a network, before its weights are there.
pub(super) trait StepPlan {
    /// Name as a layer; `None` where no embedding can be taken.
    fn name(&self) -> Option<String>;

    /// The stage that ends with it.
    fn stage(&self) -> Option<String> {
        None
    }

    /// The tensors that it reads from a state dict.
    fn wanted(&self) -> Vec<WantedTensor>;

    /// What it gives for an input of that shape.
    fn output(&self, input: Shape) -> Shape;

    /// Takes its weights and lays them out for inputs of that shape.
    fn build(&self, site: &mut Site, input: Shape) -> Result<Box<dyn Step>>;
}

/// A step of a network on one device, in one precision.
pub(super) trait Step: Send {
    /// Its output for a batch. Takes the input, because the output may take its place.
    fn run(&self, convolver: &Convolver, input: Tensor) -> Result<Tensor, TchError>;

    /// The same, and puts the maps inside the step that the head pools as well into `taps`. Most steps have none.
    fn run_tapped(&self, convolver: &Convolver, input: Tensor, _taps: &mut Vec<Tensor>) -> Result<Tensor, TchError> {
        self.run(convolver, input)
    }

    /// The same step for another thread; its weights are in memory once.
    fn share(&self) -> Box<dyn Step>;
}

/// Where a network is being built: what its steps take their weights from and are laid out for.
pub(super) struct Site<'a> {
    pub(super) weights: &'a mut Weights,
    pub(super) compute: Compute,
    convolver: &'a Convolver,
    /// Pictures in a batch.
    pub(super) batch: i64,
}

impl Site<'_> {
    /// A convolution with its batch norm folded in, for maps of that side.
    pub(super) fn convolution(&mut self, plan: &Plan, side: i64) -> Result<Convolution> {
        let conv = Convolution::fold(plan, self.weights, self.compute)?;
        self.convolver.prepare(conv, [self.batch, plan.inputs, side, side]).map_err(torch_error(&plan.conv))
    }

    /// A linear layer (weight O×I, and bias) for so many rows a picture, as the convolution that it is.
    pub(super) fn linear(&self, weight: &Tensor, bias: &Tensor, rows: i64) -> Result<Convolution, TchError> {
        let conv = Convolution::linear(weight, bias, self.compute)?;
        self.convolver.prepare(conv, [1, weight.size()[1], 1, self.batch * rows])
    }
}

/// A network without its weights.
pub(super) struct Blueprint {
    pub(super) steps: Vec<Box<dyn StepPlan>>,
    pub(super) head: HeadPlan,
    /// Tells which tensors may be in the file and are of no use here: the classifier, counters.
    pub(super) ignored: fn(&str) -> bool,
}

impl Blueprint {
    /// The shapes between the steps, for a picture of that side: the picture's, then that of each step's output.
    fn shapes(&self, side: i64) -> Vec<Shape> {
        let mut shapes = vec![Shape::Map { channels: 3, side }];
        for step in &self.steps {
            shapes.push(step.output(shapes[shapes.len() - 1]));
        }
        shapes
    }

    /// Values of the largest output of a step, for a picture of that side; inside a step there may be more.
    pub(super) fn widest(&self, side: i64) -> i64 {
        self.shapes(side)[1..].iter().map(|shape| shape.sides().iter().product()).max().unwrap_or(1)
    }

    /// The layers at which an embedding can be taken, in order, for a picture of that side; the last is the usual one.
    pub(super) fn layers(&self, side: i64) -> Vec<Layer> {
        let shapes = self.shapes(side);
        let steps = self.steps.iter().zip(&shapes[1..]);
        let mut layers: Vec<_> =
            steps.filter_map(|(step, &shape)| Some(Layer { name: step.name()?, stage: step.stage(), shape })).collect();
        layers.extend(self.head.layers(shapes[self.steps.len()].values()));
        layers
    }

    /// The network as far as the layer at that place in [`Blueprint::layers`], and no further.
    pub(super) fn up_to(&mut self, at: usize) {
        let listed: Vec<_> = (0..self.steps.len()).filter(|&step| self.steps[step].name().is_some()).collect();
        match listed.get(at) {
            Some(&step) => {
                self.steps.truncate(step + 1);
                self.head.up_to(0);
            }
            None => self.head.up_to(at - listed.len()),
        }
    }

    /// Every tensor that the network reads from a state dict.
    pub(super) fn wanted(&self) -> Vec<WantedTensor> {
        let features = self.shapes(1).last().map_or(0, |shape| shape.values());
        self.steps.iter().flat_map(|step| step.wanted()).chain(self.head.wanted(features)).collect()
    }

    /// Builds the network for batches of so many pictures of that side; others work too, a little slower.
    pub(super) fn build(
        &self,
        weights: &mut Weights,
        compute: Compute,
        convolver: Convolver,
        [batch, side]: [i64; 2],
    ) -> Result<Chain> {
        let mut site = Site { weights, compute, convolver: &convolver, batch };
        let shapes = self.shapes(side);
        let steps: Vec<_> =
            self.steps.iter().zip(shapes).map(|(step, shape)| step.build(&mut site, shape)).collect::<Result<_>>()?;
        let head = self.head.build(site.weights, compute)?;
        Ok(Chain { steps, head, convolver })
    }
}

/// A network on one device, in one precision: steps, one after the other.
pub(super) struct Chain {
    steps: Vec<Box<dyn Step>>,
    head: Head,
    convolver: Convolver,
}

impl Chain {
    /// The same network for another thread; the weights are in memory once.
    pub(super) fn share(&self) -> Result<Self, TchError> {
        let steps = self.steps.iter().map(|step| step.share()).collect();
        Ok(Self { steps, head: self.head.share(), convolver: self.convolver.share()? })
    }

    /// Embeddings of a normalized batch, float32, N×dim.
    pub(super) fn forward(&self, batch: &Tensor) -> Result<Tensor, TchError> {
        let (features, taps) = self.features(batch)?;
        self.head.apply(&features, &taps)
    }

    /// What the embedding of a batch of one is the sum of, float32, H×W×dim; `None` where it is no such sum.
    pub(super) fn parts(&self, batch: &Tensor) -> Result<Option<Tensor>, TchError> {
        let (features, taps) = self.features(batch)?;
        self.head.parts(&features, &taps)
    }

    /// The output of the last step, maps N×C×H×W or tokens N×T×C, and the maps on the way that the head pools as well.
    fn features(&self, batch: &Tensor) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let mut taps = Vec::new();
        let last = self
            .steps
            .iter()
            .try_fold(batch.shallow_clone(), |x, step| step.run_tapped(&self.convolver, x, &mut taps))?;
        Ok((last, taps))
    }
}

/// A convolution and its activation as a step of its own.
pub(super) struct ConvolutionPlan {
    pub(super) name: String,
    pub(super) plan: Plan,
    pub(super) then: Activation,
}

impl StepPlan for ConvolutionPlan {
    fn name(&self) -> Option<String> {
        Some(self.name.clone())
    }

    fn wanted(&self) -> Vec<WantedTensor> {
        self.plan.wanted()
    }

    fn output(&self, input: Shape) -> Shape {
        Shape::Map { channels: self.plan.outputs, side: self.plan.side(input.side()) }
    }

    fn build(&self, site: &mut Site, input: Shape) -> Result<Box<dyn Step>> {
        Ok(Box::new(ConvolutionStep { conv: site.convolution(&self.plan, input.side())?, then: self.then }))
    }
}

struct ConvolutionStep {
    conv: Convolution,
    then: Activation,
}

impl Step for ConvolutionStep {
    fn run(&self, convolver: &Convolver, input: Tensor) -> Result<Tensor, TchError> {
        convolver.convolve(&self.conv, &input, self.then)
    }

    fn share(&self) -> Box<dyn Step> {
        Box::new(Self { conv: self.conv.share(), then: self.then })
    }
}
