//! A convolution with its batch norm folded in, and both ways to run it: libtorch's plain operator, and oneDNN's fused
//! ones where they work.

use tch::{Kind, TchError, Tensor};

use super::{
    device::Compute,
    fused::{Activation, Fused, Geometry},
    torch_error,
    weights::{Wanted, Weights},
};
use crate::error::Result;

/// A convolution and the batch norm behind it, before their weights are there. Padding is half the kernel.
pub(super) struct Plan {
    /// Name of the convolution in the weights.
    pub(super) conv: String,
    /// Name of the batch norm.
    pub(super) norm: String,
    pub(super) inputs: i64,
    pub(super) outputs: i64,
    /// Width and height of the kernel.
    pub(super) kernel: i64,
    pub(super) stride: i64,
}

impl Plan {
    /// The tensors it reads from a state dict.
    pub(super) fn wanted(&self) -> impl Iterator<Item = Wanted> + '_ {
        let shape = vec![self.outputs, self.inputs, self.kernel, self.kernel];
        let norm = ["weight", "bias", "running_mean", "running_var"]
            .map(|part| Wanted { name: format!("{}.{part}", self.norm), shape: vec![self.outputs] });
        [Wanted { name: format!("{}.weight", self.conv), shape }].into_iter().chain(norm)
    }
}

/// A convolution with its batch norm folded in.
pub(super) struct Convolution {
    weight: Tensor,
    bias: Tensor,
    geometry: Geometry,
}

impl Convolution {
    /// Folds y = γ (conv(x) − μ) / √(σ² + ε) + β into one convolution: w' = w γ/√(σ² + ε), b' = β − μ γ/√(σ² + ε).
    pub(super) fn fold(plan: &Plan, epsilon: f64, weights: &mut Weights, compute: Compute) -> Result<Self> {
        let weight = weights.take(&format!("{}.weight", plan.conv))?;
        let mut norm = |part: &str| weights.take(&format!("{}.{part}", plan.norm));
        let (gamma, beta, mean, variance) =
            (norm("weight")?, norm("bias")?, norm("running_mean")?, norm("running_var")?);
        let folded = || -> Result<Self, TchError> {
            let double = |tensor: &Tensor| tensor.f_to_kind(Kind::Double);
            let deviation = double(&variance)?.f_add_scalar(epsilon)?.f_sqrt()?;
            let factor = double(&gamma)?.f_div(&deviation)?;
            let bias = double(&beta)?.f_sub(&double(&mean)?.f_mul(&factor)?)?;
            let weight = weight.f_mul(&factor.f_to_kind(Kind::Float)?.f_view([-1, 1, 1, 1])?)?;
            let place = |tensor: Tensor| tensor.f_to_device(compute.device)?.f_to_kind(compute.kind);
            Ok(Self {
                weight: channels_last(&place(weight)?)?,
                bias: place(bias)?,
                geometry: Geometry { stride: plan.stride, padding: plan.kernel / 2 },
            })
        };
        folded().map_err(torch_error(&plan.conv))
    }

    /// The same convolution for another thread; its weights are in memory once.
    pub(super) fn share(&self) -> Self {
        Self { weight: self.weight.shallow_clone(), bias: self.bias.shallow_clone(), geometry: self.geometry }
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
        Ok(Convolution { weight: fused.pack(&conv.weight, conv.geometry, input)?, ..conv })
    }

    /// The convolution of `x`, and what follows it.
    pub(super) fn convolve(&self, conv: &Convolution, x: &Tensor, then: Activation) -> Result<Tensor, TchError> {
        if let Some(fused) = &self.fused {
            return fused.convolve(x, &conv.weight, &conv.bias, conv.geometry, then);
        }
        then.apply(self.plain(conv, x)?)
    }

    /// The convolution of `x` plus `sum`, in whose place it may be written, and what follows both.
    pub(super) fn convolve_add(
        &self,
        conv: &Convolution,
        x: &Tensor,
        sum: &Tensor,
        then: Activation,
    ) -> Result<Tensor, TchError> {
        if let Some(fused) = &self.fused {
            return fused.convolve_add(x, &conv.weight, &conv.bias, conv.geometry, sum, then);
        }
        then.apply(self.plain(conv, x)?.f_add_(sum)?)
    }

    fn plain(&self, conv: &Convolution, x: &Tensor) -> Result<Tensor, TchError> {
        let Geometry { stride, padding } = conv.geometry;
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
            1,
            benchmark,
            deterministic,
            cudnn,
            tf32,
        )
    }
}

/// The same N×C×H×W tensor with the channels of a pixel together in memory.
fn channels_last(tensor: &Tensor) -> Result<Tensor, TchError> {
    tensor.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_permute([0, 3, 1, 2])
}
