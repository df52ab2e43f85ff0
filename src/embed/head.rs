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

    /// The parts (H×W×dim, float32) that the embedding of one picture's feature maps (1×C×H×W) is the sum of. The bias is
    /// shared evenly among all positions.
    pub(super) fn parts(&self, maps: &Tensor) -> Result<Tensor, TchError> {
        let maps = maps.f_to_kind(Kind::Float)?;
        let (height, width) = match maps.size()[..] {
            [_, _, height, width] => (height, width),
            _ => (1, 1),
        };
        let positions = (height * width) as f64;
        let mut scale = positions;
        if self.normalize {
            let mean = maps.f_mean_dim(&[2, 3][..], false, Kind::Float)?;
            scale *= mean.f_norm()?.f_double_value(&[])?.max(LEAST_LENGTH);
        }
        let parts = maps.f_squeeze_dim(0)?.f_permute([1, 2, 0])?.f_div_scalar(scale)?;
        match &self.linear {
            Some((weight, bias)) => parts.f_linear(weight, Some(bias.f_div_scalar(positions)?)),
            None => Ok(parts),
        }
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
