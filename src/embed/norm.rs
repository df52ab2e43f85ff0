//! Layer norm (Ba et al., "Layer Normalization", 2016): each position's values to mean 0 and variance 1, then a scale and a
//! shift of the network's own.

use tch::{Kind, TchError, Tensor};

use super::{
    device::Compute,
    torch_error,
    weights::{WantedTensor, Weights},
};
use crate::error::Result;

/// A layer norm over the last dimension.
pub(super) struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    /// Added to the variance.
    epsilon: f64,
}

impl LayerNorm {
    /// The tensors it reads.
    pub(super) fn wanted(name: &str, channels: i64) -> [WantedTensor; 2] {
        ["weight", "bias"].map(|part| WantedTensor { name: format!("{name}.{part}"), shape: vec![channels] })
    }

    pub(super) fn build(name: &str, epsilon: f64, weights: &mut Weights, compute: Compute) -> Result<Self> {
        let mut part = |part: &str| {
            let tensor = weights.take(&format!("{name}.{part}"))?;
            let placed = || tensor.f_to_device(compute.device)?.f_to_kind(compute.kind);
            placed().map_err(torch_error(name))
        };
        Ok(Self { weight: part("weight")?, bias: part("bias")?, epsilon })
    }

    /// The same for another thread.
    pub(super) fn share(&self) -> Self {
        Self { weight: self.weight.shallow_clone(), bias: self.bias.shallow_clone(), ..*self }
    }

    /// Normalizes …×C.
    pub(super) fn apply(&self, x: &Tensor) -> Result<Tensor, TchError> {
        x.f_layer_norm(self.weight.size(), Some(&self.weight), Some(&self.bias), self.epsilon, true)
    }

    /// What the normalized sum of the parts (H×W×C) is the sum of; the shift is shared among so many positions.
    pub(super) fn parts(&self, parts: &Tensor, positions: f64) -> Result<Tensor, TchError> {
        let sum = parts.f_sum_dim_intlist(&[0, 1][..], false, Kind::Float)?;
        let deviation = (sum.f_var(false)?.f_double_value(&[])? + self.epsilon).sqrt();
        let centered = parts.f_sub(&parts.f_mean_dim(&[-1][..], true, Kind::Float)?)?;
        let scaled = centered.f_mul(&self.weight.f_div_scalar(deviation)?)?;
        scaled.f_add(&self.bias.f_div_scalar(positions)?)
    }
}
