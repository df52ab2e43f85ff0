//! From the output of a network's last step to an embedding: one list of values for the whole picture, and the layer norm
//! and the linear layer behind it where a network has them.

use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor};

use super::{
    device::Compute,
    layer::{Layer, Shape},
    norm::LayerNorm,
    torch_error,
    weights::{WantedTensor, Weights},
};
use crate::error::Result;

/// Below this a vector is not made longer, as in PyTorch's `normalize`.
pub(super) const LEAST_LENGTH: f64 = 1e-12;

/// How maps or tokens become one list of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pool {
    /// The class token of a sequence.
    #[default]
    ClassToken,
    /// The mean over all positions of a map, or over all patches of a sequence.
    Mean,
}

/// What makes the embedding, before its weights are there.
#[derive(Clone)]
pub(super) struct HeadPlan {
    pub(super) pool: Pool,
    /// The pooling as a layer; `None` where the last step is the last layer.
    pub(super) pooled: Option<&'static str>,
    /// Name and epsilon of a layer norm behind it.
    pub(super) norm: Option<(&'static str, f64)>,
    /// Whether the pooled values are scaled to length 1 before the linear layer.
    pub(super) normalize: bool,
    /// How many channels each of the maps on the way has that are pooled for the linear layer as well; no value is below 0.
    pub(super) taps: Vec<i64>,
    /// Name of the linear layer, and how many values it gives.
    pub(super) linear: Option<(String, i64)>,
}

impl HeadPlan {
    /// The mean over a picture, as the layer `avgpool`.
    pub(super) const MEAN: Self = Self {
        pool: Pool::Mean,
        pooled: Some("avgpool"),
        norm: None,
        normalize: false,
        taps: Vec::new(),
        linear: None,
    };

    /// Its layers behind the steps, the last of which gives so many channels.
    pub(super) fn layers(&self, channels: i64) -> impl Iterator<Item = Layer> {
        let layer = |name: &str, values| Layer { name: name.into(), stage: None, shape: Shape::Values(values) };
        let pooled = self.pooled.map(|name| layer(name, channels));
        let norm = self.norm.map(|(name, _)| layer(name, channels));
        let linear = self.linear.as_ref().map(|(name, values)| layer(name, *values));
        [pooled, norm, linear].into_iter().flatten()
    }

    /// As far as the layer at that place in [`HeadPlan::layers`]; the first is the pooling alone.
    pub(super) fn up_to(&mut self, at: usize) {
        let normed = usize::from(self.norm.is_some());
        if at < 1 + normed {
            (self.linear, self.normalize) = (None, false);
            self.taps.clear();
        }
        if at < 1 {
            self.norm = None;
        }
    }

    /// The tensors that it reads; the last step gives so many channels.
    pub(super) fn wanted(&self, channels: i64) -> Vec<WantedTensor> {
        let mut wanted = Vec::new();
        if let Some((name, _)) = self.norm {
            wanted.extend(LayerNorm::wanted(name, channels));
        }
        if let Some((name, values)) = &self.linear {
            let inputs = channels + self.taps.iter().sum::<i64>();
            wanted.push(WantedTensor { name: format!("{name}.weight"), shape: vec![*values, inputs] });
            wanted.push(WantedTensor { name: format!("{name}.bias"), shape: vec![*values] });
        }
        wanted
    }

    pub(super) fn build(&self, weights: &mut Weights, compute: Compute) -> Result<Head> {
        // In float32, like everything here: half-precision sums over many positions would cost digits for nothing.
        let exact = Compute { kind: Kind::Float, ..compute };
        let norm = self.norm.map(|(name, epsilon)| LayerNorm::build(name, epsilon, weights, exact)).transpose()?;
        let mut part = |name: &str, part: &str| {
            let tensor = weights.take(&format!("{name}.{part}"))?;
            tensor.f_to_device(compute.device).map_err(torch_error(name))
        };
        let linear =
            self.linear.as_ref().map(|(name, _)| Ok((part(name, "weight")?, part(name, "bias")?))).transpose()?;
        Ok(Head { pool: self.pool, norm, normalize: self.normalize, linear })
    }
}

/// What makes the embedding.
pub(super) struct Head {
    pool: Pool,
    norm: Option<LayerNorm>,
    normalize: bool,
    /// Weight and bias.
    linear: Option<(Tensor, Tensor)>,
}

impl Head {
    /// The same head for another thread.
    pub(super) fn share(&self) -> Self {
        let linear = self.linear.as_ref().map(|(weight, bias)| (weight.shallow_clone(), bias.shallow_clone()));
        Self { linear, norm: self.norm.as_ref().map(LayerNorm::share), ..*self }
    }

    /// Embeddings (N×dim, float32) of the last step's output and of the tapped maps.
    pub(super) fn apply(&self, features: &Tensor, taps: &[Tensor]) -> Result<Tensor, TchError> {
        let mut values = self.pooled(features)?;
        if let Some(norm) = &self.norm {
            values = norm.apply(&values)?;
        }
        if self.normalize {
            values = of_unit_length(&values)?;
        }
        let Some((weight, bias)) = &self.linear else { return Ok(values) };
        let mut lists = vec![values];
        for maps in taps {
            lists.push(of_unit_length(&mean(maps)?.f_sqrt()?)?);
        }
        Tensor::f_cat(&lists, 1)?.f_linear(weight, Some(bias))
    }

    /// One list of values a picture, N×C, float32.
    fn pooled(&self, features: &Tensor) -> Result<Tensor, TchError> {
        match (self.pool, features.dim()) {
            (_, 4) => mean(features),
            (Pool::Mean, _) => patches(features)?.f_mean_dim(&[1][..], false, Kind::Float),
            (Pool::ClassToken, _) => features.f_select(1, 0)?.f_to_kind(Kind::Float),
        }
    }

    /// The parts (H×W×dim, float32) that the embedding of one picture's maps (1×C×H×W) or tokens (1×T×C) is the sum of;
    /// `None` for a class token. What is the same for all positions is shared evenly among them, and what tapped maps say
    /// goes to the position that it lies in.
    pub(super) fn parts(&self, features: &Tensor, taps: &[Tensor]) -> Result<Option<Tensor>, TchError> {
        let maps = match (self.pool, features.dim()) {
            (_, 4) => features.f_squeeze_dim(0)?.f_permute([1, 2, 0])?,
            (Pool::Mean, _) => {
                let patches = patches(features)?;
                let (side, channels) = (patches.size()[1].isqrt(), patches.size()[2]);
                patches.f_view([side, side, channels])?
            }
            (Pool::ClassToken, _) => return Ok(None),
        };
        let (maps, positions) = (maps.f_to_kind(Kind::Float)?, (maps.size()[0] * maps.size()[1]) as f64);
        let mut parts = maps.f_div_scalar(positions)?;
        if let Some(norm) = &self.norm {
            parts = norm.parts(&parts, positions)?;
        }
        if self.normalize {
            let length = parts.f_sum_dim_intlist(&[0, 1][..], false, Kind::Float)?.f_norm()?.f_double_value(&[])?;
            parts = parts.f_div_scalar(length.max(LEAST_LENGTH))?;
        }
        let Some((weight, bias)) = &self.linear else { return Ok(Some(parts)) };
        let mut lists = vec![parts];
        for maps in taps {
            lists.push(tapped_parts(maps, &lists[0])?);
        }
        Tensor::f_cat(&lists, 2)?.f_linear(weight, Some(bias.f_div_scalar(positions)?)).map(Some)
    }
}

/// The mean over all positions of maps (N×C×H×W), N×C, float32.
fn mean(maps: &Tensor) -> Result<Tensor, TchError> {
    maps.f_mean_dim(&[2, 3][..], false, Kind::Float)
}

/// Lists of values (N×C), each scaled to length 1.
fn of_unit_length(values: &Tensor) -> Result<Tensor, TchError> {
    values.f_div(&values.f_norm_scalaropt_dim(2, [1], true)?.f_clamp_min(LEAST_LENGTH)?)
}

/// What the values of one picture's tapped maps (1×C×h×w) are the sum of, at the positions of `parts` (H×W×…): H×W×C.
///
/// The root of a mean m is the sum of the values divided by their number and by √m.
fn tapped_parts(maps: &Tensor, parts: &Tensor) -> Result<Tensor, TchError> {
    let (_, channels, height, width) = maps.size4()?;
    let (rows, columns) = (parts.size()[0], parts.size()[1]);
    let roots = mean(maps)?.f_squeeze_dim(0)?.f_sqrt()?;
    let length = roots.f_norm()?.f_double_value(&[])?.max(LEAST_LENGTH);
    // Where a map is 0 everywhere, so is what it adds.
    let divisors = roots.f_clamp_min(LEAST_LENGTH)?.f_mul_scalar(length * (height * width) as f64)?;
    let values = maps.f_to_kind(Kind::Float)?.f_squeeze_dim(0)?.f_permute([1, 2, 0])?.f_div(&divisors)?;
    let position = |y: i64, x: i64| y * rows / height * columns + x * columns / width;
    let positions: Vec<_> = (0..height).flat_map(|y| (0..width).map(move |x| position(y, x))).collect();
    let positions = Tensor::f_from_slice(&positions)?.f_to_device(maps.device())?;
    let summed = Tensor::f_zeros([rows * columns, channels], (Kind::Float, maps.device()))?;
    let summed = summed.f_index_add(0, &positions, &values.f_reshape([height * width, channels])?)?;
    summed.f_view([rows, columns, channels])
}

/// Tokens (N×T×C) without the class token.
fn patches(tokens: &Tensor) -> Result<Tensor, TchError> {
    tokens.f_narrow(1, 1, tokens.size()[1] - 1)
}
