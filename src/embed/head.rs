//! From the last feature maps of a network to an embedding: their mean over the picture, and a linear layer of the model's
//! own where it has one.

use tch::{Kind, TchError, Tensor};

use super::{
    device::Compute,
    torch_error,
    weights::{Wanted, Weights},
};
use crate::error::Result;

/// Below this a vector is not made longer, as in PyTorch's `normalize`.
const LEAST_LENGTH: f64 = 1e-12;

/// What makes the embedding.
pub(super) struct Head {
    /// Weight and bias.
    linear: Option<(Tensor, Tensor)>,
    /// Whether the mean is scaled to length 1 before the linear layer.
    normalize: bool,
}

impl Head {
    /// The tensors of a linear layer from `features` to `dim` values.
    pub(super) fn wanted(linear: Option<&str>, features: i64, dim: usize) -> Vec<Wanted> {
        let Some(name) = linear else { return Vec::new() };
        vec![
            Wanted { name: format!("{name}.weight"), shape: vec![dim as i64, features] },
            Wanted { name: format!("{name}.bias"), shape: vec![dim as i64] },
        ]
    }

    pub(super) fn build(
        linear: Option<&str>,
        normalize: bool,
        weights: &mut Weights,
        compute: Compute,
    ) -> Result<Self> {
        let mut part = |name: &str, part: &str| {
            let tensor = weights.take(&format!("{name}.{part}"))?;
            tensor.f_to_device(compute.device).map_err(torch_error(name))
        };
        let linear = linear.map(|name| Ok((part(name, "weight")?, part(name, "bias")?))).transpose()?;
        Ok(Self { linear, normalize })
    }

    /// The same head for another thread.
    pub(super) fn share(&self) -> Self {
        let linear = self.linear.as_ref().map(|(weight, bias)| (weight.shallow_clone(), bias.shallow_clone()));
        Self { linear, ..*self }
    }

    /// Embeddings (N×dim, float32) of feature maps (N×C×H×W).
    pub(super) fn apply(&self, maps: &Tensor) -> Result<Tensor, TchError> {
        // Half-precision sums over 49 pixels would cost digits for nothing.
        let mut features = maps.f_to_kind(Kind::Float)?.f_mean_dim(&[2, 3][..], false, Kind::Float)?;
        if self.normalize {
            let length = features.f_norm_scalaropt_dim(2, [1], true)?.f_clamp_min(LEAST_LENGTH)?;
            features = features.f_div(&length)?;
        }
        match &self.linear {
            Some((weight, bias)) => features.f_linear(weight, Some(bias)),
            None => Ok(features),
        }
    }
}
