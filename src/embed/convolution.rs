//! A convolution with its batch norm folded in, and both ways to run it: libtorch's plain operator, and oneDNN's fused
//! ones where they work.

use tch::{Kind, TchError, Tensor};

use super::{
    device::Compute,
    fused::{Activation, Fused, Geometry},
    torch_error,
    weights::{WantedTensor, Weights},
};
use crate::error::Result;

/// How zeros are put around a picture before a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Padding {
    /// Half the kernel on every side, as PyTorch's networks have it.
    Half,
    /// As few as give ⌈side / stride⌉ outputs, an odd one at the right and the bottom: TensorFlow's "SAME".
    Same,
    /// None, as where a picture is cut into patches, and in dlib's networks where they halve the sides.
    None,
}

/// A batch norm behind a convolution.
#[derive(Debug, Clone)]
pub(super) struct BatchNorm {
    /// Name in the weights.
    pub(super) name: String,
    /// Added to the variance.
    pub(super) epsilon: f64,
}

/// A convolution and the batch norm behind it, before their weights are there.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Name of the convolution in the weights.
    pub(super) conv: String,
    /// The batch norm; without one the convolution has a bias.
    pub(super) norm: Option<BatchNorm>,
    pub(super) inputs: i64,
    pub(super) outputs: i64,
    /// Width and height of the kernel.
    pub(super) kernel: i64,
    pub(super) stride: i64,
    /// As many as there are channels for a depthwise convolution, else 1.
    pub(super) groups: i64,
    pub(super) padding: Padding,
}

impl Plan {
    /// The tensors it reads from a state dict.
    pub(super) fn wanted(&self) -> Vec<WantedTensor> {
        let weight = vec![self.outputs, self.inputs / self.groups, self.kernel, self.kernel];
        let (name, parts) = match &self.norm {
            Some(norm) => (&norm.name, &["weight", "bias", "running_mean", "running_var"][..]),
            None => (&self.conv, &["bias"][..]),
        };
        let values =
            parts.iter().map(|part| WantedTensor { name: format!("{name}.{part}"), shape: vec![self.outputs] });
        [WantedTensor { name: format!("{}.weight", self.conv), shape: weight }].into_iter().chain(values).collect()
    }

    /// Side of its output for a map of that side.
    pub(super) fn side(&self, side: i64) -> i64 {
        match self.padding {
            Padding::Half | Padding::Same => (side - 1) / self.stride + 1,
            Padding::None => (side - self.kernel) / self.stride + 1,
        }
    }
}

/// A convolution with its batch norm folded in.
pub(super) struct Convolution {
    weight: Tensor,
    bias: Tensor,
    /// With half the kernel as padding, or none.
    geometry: Geometry,
    kernel: i64,
    padding: Padding,
}

impl Convolution {
    /// Folds y = γ (conv(x) − μ) / √(σ² + ε) + β into one convolution: w' = w γ/√(σ² + ε), b' = β − μ γ/√(σ² + ε).
    pub(super) fn fold(plan: &Plan, weights: &mut Weights, compute: Compute) -> Result<Self> {
        let weight = weights.take(&format!("{}.weight", plan.conv))?;
        let failed = torch_error(&plan.conv);
        let Some(BatchNorm { name, epsilon }) = &plan.norm else {
            let bias = weights.take(&format!("{}.bias", plan.conv))?;
            return Self::new(&weight, &bias, plan, compute).map_err(failed);
        };
        let mut norm = |part: &str| weights.take(&format!("{name}.{part}"));
        let (gamma, beta, mean, variance) =
            (norm("weight")?, norm("bias")?, norm("running_mean")?, norm("running_var")?);
        let folded = || -> Result<Self, TchError> {
            let double = |tensor: &Tensor| tensor.f_to_kind(Kind::Double);
            let deviation = double(&variance)?.f_add_scalar(*epsilon)?.f_sqrt()?;
            let factor = double(&gamma)?.f_div(&deviation)?;
            let bias = double(&beta)?.f_sub(&double(&mean)?.f_mul(&factor)?)?;
            let weight = weight.f_mul(&factor.f_to_kind(Kind::Float)?.f_view([-1, 1, 1, 1])?)?;
            Self::new(&weight, &bias, plan, compute)
        };
        folded().map_err(failed)
    }

    fn new(weight: &Tensor, bias: &Tensor, plan: &Plan, compute: Compute) -> Result<Self, TchError> {
        let place = |tensor: &Tensor| tensor.f_to_device(compute.device)?.f_to_kind(compute.kind);
        let padding = if plan.padding == Padding::None { 0 } else { plan.kernel / 2 };
        Ok(Self {
            weight: channels_last(&place(weight)?)?,
            bias: place(bias)?,
            geometry: Geometry { stride: plan.stride, padding, groups: plan.groups },
            kernel: plan.kernel,
            padding: plan.padding,
        })
    }

    /// A linear layer (weight O×I) as a convolution whose kernel is a single position: both are the same product of
    /// matrices, and so it has the fused operators too.
    pub(super) fn linear(weight: &Tensor, bias: &Tensor, compute: Compute) -> Result<Self, TchError> {
        let (outputs, inputs) = weight.size2()?;
        let (conv, norm, padding) = (String::new(), None, Padding::None);
        let plan = Plan { conv, norm, inputs, outputs, kernel: 1, stride: 1, groups: 1, padding };
        Self::new(&weight.f_view([outputs, inputs, 1, 1])?, bias, &plan, compute)
    }

    /// One without a batch norm, or with it folded in already: a square kernel (outputs×inputs×kernel×kernel), one group.
    pub(super) fn without_norm(
        weight: &Tensor,
        bias: &Tensor,
        stride: i64,
        padding: Padding,
        compute: Compute,
    ) -> Result<Self, TchError> {
        let (outputs, inputs, kernel, _) = weight.size4()?;
        let plan = Plan { conv: String::new(), norm: None, inputs, outputs, kernel, stride, groups: 1, padding };
        Self::new(weight, bias, &plan, compute)
    }

    /// The same convolution for another thread; its weights are in memory once.
    pub(super) fn share(&self) -> Self {
        Self { weight: self.weight.shallow_clone(), bias: self.bias.shallow_clone(), ..*self }
    }

    /// How many zeros the convolution itself adds on every side, and how many must be added at the right and the bottom
    /// before it, or on all sides when they differ: left, right, top, bottom.
    fn zeros(&self, [height, width]: [i64; 2]) -> (i64, [i64; 4]) {
        if self.padding != Padding::Same {
            return (self.geometry.padding, [0; 4]);
        }
        let stride = self.geometry.stride;
        let needed = |side: i64| ((side - 1) / stride * stride + self.kernel - side).max(0);
        let [above, beside] = [needed(height), needed(width)];
        if above == beside && above % 2 == 0 {
            return (above / 2, [0; 4]);
        }
        (0, [beside / 2, beside - beside / 2, above / 2, above - above / 2])
    }
}

/// Runs the convolutions of one network.
pub(super) struct Convolver {
    /// The operators that the weights are laid out for; `None` runs libtorch's plain one.
    fused: Option<Fused>,
    /// Whether float32 must not be rounded to TensorFloat-32 on a GPU.
    exact: bool,
}

impl Convolver {
    pub(super) fn new(fused: Option<Fused>, compute: Compute) -> Self {
        Self { fused, exact: compute.kind == Kind::Float }
    }

    /// One for another thread.
    pub(super) fn share(&self) -> Result<Self, TchError> {
        Ok(Self { fused: self.fused.as_ref().map(Fused::share).transpose()?, exact: self.exact })
    }

    /// Lays a convolution's weights out for inputs of the given shape (N×C×H×W).
    pub(super) fn prepare(&self, conv: Convolution, input: [i64; 4]) -> Result<Convolution, TchError> {
        let Some(fused) = &self.fused else { return Ok(conv) };
        let [batch, channels, height, width] = input;
        let (padding, [left, right, top, bottom]) = conv.zeros([height, width]);
        let geometry = Geometry { padding, ..conv.geometry };
        let padded = [batch, channels, height + top + bottom, width + left + right];
        Ok(Convolution { weight: fused.pack(&conv.weight, geometry, padded)?, ..conv })
    }

    /// The input with the zeros that the convolution cannot add itself, and how the convolution moves over it.
    fn padded(conv: &Convolution, x: &Tensor) -> Result<(Tensor, Geometry), TchError> {
        let size = x.size();
        let (padding, zeros) = conv.zeros([size[2], size[3]]);
        let x = if zeros == [0; 4] { x.shallow_clone() } else { x.f_constant_pad_nd(zeros)? };
        Ok((x, Geometry { padding, ..conv.geometry }))
    }

    /// The convolution of `x`, and what follows it.
    pub(super) fn convolve(&self, conv: &Convolution, x: &Tensor, then: Activation) -> Result<Tensor, TchError> {
        let (x, geometry) = Self::padded(conv, x)?;
        if let Some(fused) = &self.fused {
            return fused.convolve(&x, &conv.weight, &conv.bias, geometry, then);
        }
        then.apply(self.plain(conv, &x, geometry)?)
    }

    /// The convolution of `x` plus `sum`, in whose place it may be written, and what follows both.
    pub(super) fn convolve_add(
        &self,
        conv: &Convolution,
        x: &Tensor,
        sum: &Tensor,
        then: Activation,
    ) -> Result<Tensor, TchError> {
        let (x, geometry) = Self::padded(conv, x)?;
        if let Some(fused) = &self.fused {
            return fused.convolve_add(&x, &conv.weight, &conv.bias, geometry, sum, then);
        }
        then.apply(self.plain(conv, &x, geometry)?.f_add_(sum)?)
    }

    /// A linear layer's answer to rows (…×I, contiguous), and what follows it.
    pub(super) fn linear(&self, conv: &Convolution, rows: &Tensor, then: Activation) -> Result<Tensor, TchError> {
        on_rows(rows, |map| self.convolve(conv, map, then))
    }

    /// A linear layer's answer to rows (…×I, contiguous) plus `sum` (…×O, contiguous), in whose place it may be written.
    pub(super) fn linear_add(&self, conv: &Convolution, rows: &Tensor, sum: &Tensor) -> Result<Tensor, TchError> {
        let sum = as_map(sum)?;
        on_rows(rows, |map| self.convolve_add(conv, map, &sum, Activation::None))
    }

    fn plain(&self, conv: &Convolution, x: &Tensor, geometry: Geometry) -> Result<Tensor, TchError> {
        let Geometry { stride, padding, groups } = geometry;
        // On a GPU cuDNN may search for its best algorithm; TensorFloat-32 is not float32.
        let (benchmark, deterministic, cudnn, tf32) = (true, false, true, !self.exact);
        x.f_internal_convolution(
            &conv.weight,
            Some(&conv.bias),
            [stride; 2],
            [padding; 2],
            [1, 1],
            false,
            [0, 0],
            groups,
            benchmark,
            deterministic,
            cudnn,
            tf32,
        )
    }
}

/// Builds a network with the fused operators; without them, or when they refuse the weights, with libtorch's plain ones.
pub(super) fn with_operators<T>(
    compute: Compute,
    fused: impl Fn(Kind) -> Result<Fused, TchError>,
    build: impl Fn(Convolver) -> Result<T>,
) -> Result<T> {
    let fused = (compute.device == tch::Device::Cpu).then(|| fused(compute.kind).ok()).flatten();
    // Whatever else the first attempt may have failed for, the second one says it.
    let fast = fused.and_then(|fused| build(Convolver::new(Some(fused), compute)).ok());
    fast.map_or_else(|| build(Convolver::new(None, compute)), Ok)
}

/// The same N×C×H×W tensor with the channels of a pixel together in memory.
pub(super) fn channels_last(tensor: &Tensor) -> Result<Tensor, TchError> {
    tensor.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_permute([0, 3, 1, 2])
}

/// Rows (…×C, contiguous) as one map in the channels-last layout, 1×C×1×rows. Nothing is copied.
fn as_map(rows: &Tensor) -> Result<Tensor, TchError> {
    let channels = rows.size().last().copied().unwrap_or(1);
    rows.f_view([1, 1, -1, channels])?.f_permute([0, 3, 1, 2])
}

/// What `run` makes of rows as a map, as rows again.
fn on_rows(rows: &Tensor, run: impl Fn(&Tensor) -> Result<Tensor, TchError>) -> Result<Tensor, TchError> {
    let map = run(&as_map(rows)?)?.f_permute([0, 2, 3, 1])?;
    let mut size = rows.size();
    if let (Some(last), Some(&channels)) = (size.last_mut(), map.size().last()) {
        *last = channels;
    }
    map.f_contiguous()?.f_view(&size[..])
}
