//! Vision transformers (Dosovitskiy et al., "An Image is Worth 16x16 Words", 2020) without the classifier: the picture is
//! cut into patches, and blocks of self-attention and two linear layers work on a token for each of them and on a class
//! token. As torchvision builds them, and as DINOv2 (Oquab et al. 2023) does, whose blocks scale what they add.

use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

use super::{
    blueprint::{Blueprint, Site, Step, StepPlan},
    convolution::{Convolution, Convolver, Padding, Plan},
    fused::Activation,
    head::{HeadPlan, Pool},
    layer::Shape,
    limits::{MOST_BLOCKS, MOST_CHANNELS},
    norm::LayerNorm,
    torch_error,
    weights::WantedTensor,
};
use crate::error::Result;

/// What the layer norms add to the variance.
const EPSILON: f64 = 1e-6;
/// Patches on a side: self-attention looks at every pair of patches.
const MOST_GRID: i64 = 128;

/// The layout of a vision transformer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisionTransformerLayout {
    /// What the tensors are called.
    pub names: TokenNames,
    /// Side of a patch in pixels.
    pub patch: i64,
    /// Values of a token.
    pub width: i64,
    /// Heads of self-attention; each sees its share of the values.
    pub heads: i64,
    /// Blocks.
    pub depth: usize,
    /// Values between the two linear layers of a block.
    pub hidden: i64,
    /// Patches on a side of the pictures that it was trained with; for others the positions' embeddings are resampled.
    pub grid: i64,
    /// What the embedding is: the class token, or the mean over the patches.
    #[serde(default)]
    pub pool: Pool,
}

/// What the tensors of a vision transformer are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenNames {
    /// As torchvision has them, also before version 0.14.
    Torchvision,
    /// As DINOv2's authors publish them, or as `transformers` has them.
    Dinov2,
}

impl VisionTransformerLayout {
    pub(super) fn check(&self, input: u32) -> Result<(), String> {
        if !(1..=64).contains(&self.patch) || i64::from(input) % self.patch != 0 {
            return Err("`vision_transformer.patch` must be between 1 and 64, and `input` a multiple of it".into());
        }
        let grids = [self.grid, i64::from(input) / self.patch];
        if grids.iter().any(|grid| !(1..=MOST_GRID).contains(grid)) {
            return Err("a vision transformer has 1 to 128 patches on a side, by `grid` and by `input`".into());
        }
        if !(1..=MOST_BLOCKS).contains(&self.depth) {
            return Err("`vision_transformer.depth` must be between 1 and 512".into());
        }
        if [self.width, self.hidden].iter().any(|values| !(1..=MOST_CHANNELS).contains(values)) {
            return Err("`vision_transformer.width` and `hidden` must be between 1 and 65536".into());
        }
        if !(1..=self.width).contains(&self.heads) || self.width % self.heads != 0 {
            return Err("`vision_transformer.width` must be a multiple of `heads`".into());
        }
        Ok(())
    }
}

/// Names of one library or release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    Torchvision,
    /// torchvision before version 0.14, whose published files still have these.
    OldTorchvision,
    Dinov2,
    /// DINOv2 in `transformers`.
    Transformers,
}

impl Names {
    /// Class token, embeddings of positions, the convolution that makes tokens of patches, and the last layer norm.
    fn whole(self) -> [&'static str; 4] {
        match self {
            Self::Torchvision | Self::OldTorchvision => {
                ["class_token", "encoder.pos_embedding", "conv_proj", "encoder.ln"]
            }
            Self::Dinov2 => ["cls_token", "pos_embed", "patch_embed.proj", "norm"],
            Self::Transformers => [
                "embeddings.cls_token",
                "embeddings.position_embeddings",
                "embeddings.patch_embeddings.projection",
                "layernorm",
            ],
        }
    }

    fn block(self, index: usize) -> String {
        match self {
            Self::Torchvision | Self::OldTorchvision => format!("encoder.layers.encoder_layer_{index}"),
            Self::Dinov2 => format!("blocks.{index}"),
            Self::Transformers => format!("encoder.layer.{index}"),
        }
    }

    /// Of a block: both layer norms, the linear layer behind attention, the two linear layers.
    fn parts(self) -> [&'static str; 5] {
        match self {
            Self::Torchvision => ["ln_1", "ln_2", "self_attention.out_proj", "mlp.0", "mlp.3"],
            Self::OldTorchvision => ["ln_1", "ln_2", "self_attention.out_proj", "mlp.linear_1", "mlp.linear_2"],
            Self::Dinov2 => ["norm1", "norm2", "attn.proj", "mlp.fc1", "mlp.fc2"],
            Self::Transformers => ["norm1", "norm2", "attention.output.dense", "mlp.fc1", "mlp.fc2"],
        }
    }

    /// The linear layers that make queries, keys and values, one under the other: what stands before "weight" and "bias".
    fn attention(self) -> &'static [&'static str] {
        match self {
            Self::Torchvision | Self::OldTorchvision => &["self_attention.in_proj_"],
            Self::Dinov2 => &["attn.qkv."],
            Self::Transformers => {
                &["attention.attention.query.", "attention.attention.key.", "attention.attention.value."]
            }
        }
    }

    /// Factors of what attention and the linear layers add.
    fn scales(self) -> Option<[&'static str; 2]> {
        match self {
            Self::Torchvision | Self::OldTorchvision => None,
            Self::Dinov2 => Some(["ls1.gamma", "ls2.gamma"]),
            Self::Transformers => Some(["layer_scale1.lambda1", "layer_scale2.lambda1"]),
        }
    }

    /// Resamples embeddings of positions (1×C×grid×grid) for another number of patches on a side, as the library does.
    fn resample(self, positions: &Tensor, side: i64) -> Result<Tensor, TchError> {
        let grid = positions.size()[2];
        // What DINOv2's authors add to the side before they divide, against rounding: it moves every position a little.
        let factor = (self == Self::Dinov2).then(|| (side as f64 + 0.1) / grid as f64);
        let align_corners = matches!(self, Self::Torchvision | Self::OldTorchvision);
        positions.f_upsample_bicubic2d([side, side], align_corners, factor, factor)
    }
}

/// The network of a layout, for each set of names that its weights may have; the usual one first.
pub(super) fn blueprints(layout: &VisionTransformerLayout) -> Vec<Blueprint> {
    let names = match layout.names {
        TokenNames::Torchvision => [Names::Torchvision, Names::OldTorchvision],
        TokenNames::Dinov2 => [Names::Dinov2, Names::Transformers],
    };
    names.map(|names| blueprint(layout, names)).into()
}

fn blueprint(layout: &VisionTransformerLayout, names: Names) -> Blueprint {
    let mut steps: Vec<Box<dyn StepPlan>> = vec![Box::new(TokensPlan { names, layout: layout.clone() })];
    for index in 0..layout.depth {
        steps.push(Box::new(BlockPlan { names, index, layout: layout.clone() }));
    }
    steps.push(Box::new(NormPlan { name: names.whole()[3], width: layout.width }));
    Blueprint { steps, head: HeadPlan { pool: layout.pool, pooled: None, ..HeadPlan::MEAN }, ignored }
}

fn ignored(name: &str) -> bool {
    name.starts_with("heads.") || name.ends_with("mask_token")
}

/// Cuts a picture into patches and makes tokens of them.
struct TokensPlan {
    names: Names,
    layout: VisionTransformerLayout,
}

impl TokensPlan {
    fn patches(&self) -> Plan {
        let (conv, kernel) = (self.names.whole()[2].to_owned(), self.layout.patch);
        let outputs = self.layout.width;
        Plan { conv, norm: None, inputs: 3, outputs, kernel, stride: kernel, groups: 1, padding: Padding::None }
    }
}

impl StepPlan for TokensPlan {
    fn name(&self) -> Option<String> {
        // Nothing of the picture is in its class token yet.
        None
    }

    fn wanted(&self) -> Vec<WantedTensor> {
        let [class, positions, ..] = self.names.whole();
        let VisionTransformerLayout { width, grid, .. } = self.layout;
        let mut wanted = self.patches().wanted();
        wanted.push(WantedTensor { name: class.into(), shape: vec![1, 1, width] });
        wanted.push(WantedTensor { name: positions.into(), shape: vec![1, 1 + grid * grid, width] });
        wanted
    }

    fn output(&self, input: Shape) -> Shape {
        let side = self.patches().side(input.side());
        Shape::Tokens { count: 1 + side * side, channels: self.layout.width }
    }

    fn build(&self, site: &mut Site, input: Shape) -> Result<Box<dyn Step>> {
        let patches = site.convolution(&self.patches(), input.side())?;
        let [class, positions, ..] = self.names.whole();
        let (class, embeddings) = (site.weights.take(class)?, site.weights.take(positions)?);
        let (side, grid, width) = (self.patches().side(input.side()), self.layout.grid, self.layout.width);
        let prepared = || -> Result<_, TchError> {
            let mut rest = embeddings.f_narrow(1, 1, grid * grid)?;
            if side != grid {
                let map = rest.f_transpose(1, 2)?.f_reshape([1, width, grid, grid])?;
                rest = self.names.resample(&map, side)?.f_view([1, width, side * side])?.f_transpose(1, 2)?;
            }
            let place =
                |tensor: Tensor| tensor.f_contiguous()?.f_to_device(site.compute.device)?.f_to_kind(site.compute.kind);
            Ok(Tokens { patches, class: place(class.f_add(&embeddings.f_narrow(1, 0, 1)?)?)?, positions: place(rest)? })
        };
        Ok(Box::new(prepared().map_err(torch_error(positions))?))
    }
}

struct Tokens {
    patches: Convolution,
    /// The class token with the embedding of its position, 1×1×C.
    class: Tensor,
    /// The embeddings of the patches' positions, 1×P×C.
    positions: Tensor,
}

impl Step for Tokens {
    fn run(&self, convolver: &Convolver, input: Tensor) -> Result<Tensor, TchError> {
        let maps = convolver.convolve(&self.patches, &input, Activation::None)?;
        let (batch, width) = (maps.size()[0], maps.size()[1]);
        let patches = maps.f_permute([0, 2, 3, 1])?.f_reshape([batch, -1, width])?.f_add(&self.positions)?;
        Tensor::f_cat(&[self.class.f_expand([batch, 1, width], false)?, patches], 1)
    }

    fn share(&self) -> Box<dyn Step> {
        Box::new(Self {
            patches: self.patches.share(),
            class: self.class.shallow_clone(),
            positions: self.positions.shallow_clone(),
        })
    }
}

struct BlockPlan {
    names: Names,
    index: usize,
    layout: VisionTransformerLayout,
}

impl BlockPlan {
    fn part(&self, part: &str) -> String {
        format!("{}.{part}", self.names.block(self.index))
    }
}

impl StepPlan for BlockPlan {
    fn name(&self) -> Option<String> {
        Some(self.names.block(self.index))
    }

    fn wanted(&self) -> Vec<WantedTensor> {
        let VisionTransformerLayout { width, hidden, .. } = self.layout;
        let [first_norm, second_norm, out, widen, narrow] = self.names.parts();
        let mut wanted = Vec::new();
        for norm in [first_norm, second_norm] {
            wanted.extend(LayerNorm::wanted(&self.part(norm), width));
        }
        let mut linear = |before: String, outputs, inputs| {
            wanted.push(WantedTensor { name: format!("{before}weight"), shape: vec![outputs, inputs] });
            wanted.push(WantedTensor { name: format!("{before}bias"), shape: vec![outputs] });
        };
        let attention = self.names.attention();
        for before in attention {
            linear(self.part(before), 3 * width / attention.len() as i64, width);
        }
        linear(self.part(out) + ".", width, width);
        linear(self.part(widen) + ".", hidden, width);
        linear(self.part(narrow) + ".", width, hidden);
        for scale in self.names.scales().into_iter().flatten() {
            wanted.push(WantedTensor { name: self.part(scale), shape: vec![width] });
        }
        wanted
    }

    fn output(&self, input: Shape) -> Shape {
        input
    }

    fn build(&self, site: &mut Site, input: Shape) -> Result<Box<dyn Step>> {
        let [first_norm, second_norm, out, widen, narrow] = self.names.parts();
        let mut norm = |name: &str| LayerNorm::build(&self.part(name), EPSILON, site.weights, site.compute);
        let norms = [norm(first_norm)?, norm(second_norm)?];
        let rows = match input {
            Shape::Tokens { count, .. } => count,
            _ => 1,
        };
        // The weights of some linear layers, one under the other, and their factors.
        let linear = |site: &mut Site, before: &[String], scale: Option<&str>| -> Result<Convolution> {
            let mut take = |name: String| site.weights.take(&name);
            let mut all =
                |part: &str| before.iter().map(|before| take(format!("{before}{part}"))).collect::<Result<_>>();
            let (weights, biases): (Vec<Tensor>, Vec<Tensor>) = (all("weight")?, all("bias")?);
            let scale = scale.map(|scale| take(self.part(scale))).transpose()?;
            let scaled = || -> Result<_, TchError> {
                let (weight, bias) = (Tensor::f_cat(&weights, 0)?, Tensor::f_cat(&biases, 0)?);
                match &scale {
                    Some(scale) => site.linear(&weight.f_mul(&scale.f_unsqueeze(1)?)?, &bias.f_mul(scale)?, rows),
                    None => site.linear(&weight, &bias, rows),
                }
            };
            scaled().map_err(torch_error(&self.part("")))
        };
        let attention: Vec<_> = self.names.attention().iter().map(|before| self.part(before)).collect();
        let attention = linear(site, &attention, None)?;
        let scales = self.names.scales().map_or([None, None], |scales| scales.map(Some));
        let one = |part: &str| [format!("{}.", self.part(part))];
        let out = linear(site, &one(out), scales[0])?;
        let widen = linear(site, &one(widen), None)?;
        let narrow = linear(site, &one(narrow), scales[1])?;
        Ok(Box::new(Block { heads: self.layout.heads, norms, attention, out, widen, narrow }))
    }
}

struct Block {
    heads: i64,
    norms: [LayerNorm; 2],
    /// Queries, keys and values in one product.
    attention: Convolution,
    out: Convolution,
    widen: Convolution,
    narrow: Convolution,
}

impl Step for Block {
    fn run(&self, convolver: &Convolver, input: Tensor) -> Result<Tensor, TchError> {
        let (batch, count, width) = input.size3()?;
        let all = convolver.linear(&self.attention, &self.norms[0].apply(&input)?, Activation::None)?;
        let heads = all.f_view([batch, count, 3, self.heads, width / self.heads])?.f_permute([2, 0, 3, 1, 4])?;
        let [queries, keys, values] = [0, 1, 2].map(|at| heads.f_select(0, at));
        let (scale, causal, grouped) = (None, false, false);
        let seen = Tensor::f_scaled_dot_product_attention(
            &queries?,
            &keys?,
            &values?,
            None::<Tensor>,
            0.0,
            causal,
            scale,
            grouped,
        )?;
        let seen = seen.f_transpose(1, 2)?.f_reshape([batch, count, width])?;
        let x = convolver.linear_add(&self.out, &seen, &input)?;
        let inner = convolver.linear(&self.widen, &self.norms[1].apply(&x)?, Activation::Gelu)?;
        convolver.linear_add(&self.narrow, &inner, &x)
    }

    fn share(&self) -> Box<dyn Step> {
        Box::new(Self {
            heads: self.heads,
            norms: self.norms.each_ref().map(LayerNorm::share),
            attention: self.attention.share(),
            out: self.out.share(),
            widen: self.widen.share(),
            narrow: self.narrow.share(),
        })
    }
}

/// The layer norm behind the last block.
struct NormPlan {
    name: &'static str,
    width: i64,
}

impl StepPlan for NormPlan {
    fn name(&self) -> Option<String> {
        Some(self.name.into())
    }

    fn wanted(&self) -> Vec<WantedTensor> {
        LayerNorm::wanted(self.name, self.width).into()
    }

    fn output(&self, input: Shape) -> Shape {
        input
    }

    fn build(&self, site: &mut Site, _: Shape) -> Result<Box<dyn Step>> {
        Ok(Box::new(Norm(LayerNorm::build(self.name, EPSILON, site.weights, site.compute)?)))
    }
}

struct Norm(LayerNorm);

impl Step for Norm {
    fn run(&self, _: &Convolver, input: Tensor) -> Result<Tensor, TchError> {
        self.0.apply(&input)
    }

    fn share(&self) -> Box<dyn Step> {
        Box::new(Self(self.0.share()))
    }
}
