//! A model as data: which network, which weights, how a picture becomes its input.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{preprocess, weights};
use crate::{decode::Alpha, error::Result};

/// The manifests that are part of the program, one file a model in `models/`.
const BUILT_IN: [&str; 8] = [
    include_str!("../../models/glance.toml"),
    include_str!("../../models/color-grid.toml"),
    include_str!("../../models/resnet18.toml"),
    include_str!("../../models/resnet34.toml"),
    include_str!("../../models/resnet50.toml"),
    include_str!("../../models/resnet50-v2.toml"),
    include_str!("../../models/resnet101.toml"),
    include_str!("../../models/resnet152.toml"),
];

/// Everything the program knows of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// What the user types.
    pub name: String,
    /// One line for people.
    #[serde(default)]
    pub description: String,
    /// How the network is built.
    pub architecture: Architecture,
    /// Layout of a native ResNet; only with [`Architecture::ResNet`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resnet: Option<ResNetLayout>,
    /// The weights file and its home; the baseline has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<WeightsSource>,
    /// Terms of the weights.
    #[serde(default = "not_stated")]
    pub license: String,
    /// Width and height of the network's input, in pixels.
    #[serde(default = "imagenet_input")]
    pub input: u32,
    /// How a picture of any shape becomes a square.
    #[serde(default)]
    pub resize: Resize,
    /// The resampling filter.
    #[serde(default)]
    pub interpolation: Interpolation,
    /// What becomes of transparency.
    #[serde(default)]
    pub alpha: Alpha,
    /// Subtracted from each channel (red, green, blue; pixels run from 0 to 1).
    #[serde(default = "imagenet_mean")]
    pub mean: [f32; 3],
    /// Then divides each channel.
    #[serde(default = "imagenet_std")]
    pub std: [f32; 3],
    /// Values in an embedding.
    pub dim: usize,
    /// The layer whose output is the embedding, for people.
    #[serde(default)]
    pub layer: String,
    /// Cosine similarity from which two pictures are taken for one picture and a changed copy of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub near_duplicate: Option<f32>,
    /// Whether this is a floor to compare with rather than a trained embedder.
    #[serde(default)]
    pub baseline: bool,
    /// Without `--model`, the model of the highest rank whose weights are found is used.
    #[serde(default)]
    pub rank: u32,
}

/// How a network is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Architecture {
    /// A residual network (He et al. 2015, as torchvision builds it) without its classifier.
    #[serde(rename = "resnet")]
    ResNet,
    /// A TorchScript module that maps N×3×H×W to N×dim.
    #[serde(rename = "torchscript")]
    TorchScript,
    /// The mean color of each cell of an 8×8 grid.
    #[serde(rename = "color-grid")]
    ColorGrid,
}

/// The layout of a ResNet; tensor names and shapes are torchvision's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResNetLayout {
    /// The kind of residual block.
    pub block: Block,
    /// Blocks in each of the four stages.
    pub depths: [usize; 4],
    /// Channels of the 3×3 convolutions in each stage; the first is also the stem's.
    pub widths: [i64; 4],
    /// Name of a linear layer in the weights that makes the embedding from the pooled features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub projection: Option<String>,
}

/// A residual block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Block {
    /// Two 3×3 convolutions.
    Basic,
    /// 1×1, 3×3 (which carries the stride) and 1×1 to four times the width.
    Bottleneck,
}

/// Where weights come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightsSource {
    /// File name, also that of a download.
    pub file: String,
    /// Its official home.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// SHA-256 in hexadecimal digits, or as many of its first digits as the publisher gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Size in MiB, for people who are about to download it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mib: Option<f32>,
}

/// How a picture of any shape becomes a square.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resize {
    /// Both sides to the input size, whatever that does to the proportions.
    #[default]
    Squash,
    /// The shorter side to this many pixels, then the square in the center, as torchvision's `Resize` and `CenterCrop`.
    ShorterSide(u32),
}

/// The resampling filter, antialiased as Pillow's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interpolation {
    /// Triangle.
    #[default]
    Bilinear,
    /// Cubic convolution with a = −0.5.
    Bicubic,
}

fn not_stated() -> String {
    "not stated".into()
}

fn imagenet_input() -> u32 {
    224
}

fn imagenet_mean() -> [f32; 3] {
    [0.485, 0.456, 0.406]
}

fn imagenet_std() -> [f32; 3] {
    [0.229, 0.224, 0.225]
}

/// The manifests that are part of the program. One that does not parse is a mistake of ours, which a test would catch.
pub(super) fn built_in() -> impl Iterator<Item = Result<Manifest, String>> {
    BUILT_IN.into_iter().map(Manifest::parse)
}

impl Manifest {
    /// Reads a manifest and checks that its parts fit together. The error is one sentence without the file's name.
    ///
    /// # Errors
    /// When the text is not TOML, a field is missing, unknown or senseless.
    pub fn parse(text: &str) -> Result<Self, String> {
        let manifest: Self = toml::from_str(text).map_err(|error| error.message().to_string())?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), String> {
        let wrong = |reason: &str| Err(reason.to_string());
        let plain_name = |name: &str| !name.is_empty() && !name.contains(['/', '\\']) && !name.starts_with('.');
        if !plain_name(&self.name) {
            return wrong("`name` must be a plain name without slashes");
        }
        if self.weights.as_ref().is_some_and(|source| !plain_name(&source.file)) {
            return wrong("`weights.file` must be a plain file name without folders");
        }
        if self.dim == 0 || !(8..=4096).contains(&self.input) {
            return wrong("`dim` must be at least 1 and `input` between 8 and 4096");
        }
        if matches!(self.resize, Resize::ShorterSide(side) if side < self.input) {
            return wrong("`resize.shorter-side` must not be smaller than `input`");
        }
        if self.std.iter().any(|&std| std.is_nan() || std <= 0.0) || self.mean.iter().any(|mean| !mean.is_finite()) {
            return wrong("`std` must be above 0 and `mean` finite");
        }
        if self.near_duplicate.is_some_and(|cosine| !(-1.0..=1.0).contains(&cosine)) {
            return wrong("`near_duplicate` is a cosine similarity, from -1 to 1");
        }
        match (self.architecture, &self.resnet, &self.weights) {
            (Architecture::ResNet, Some(layout), Some(_)) => layout.check(self.dim),
            (Architecture::ResNet, ..) => wrong("a resnet needs the tables `[resnet]` and `[weights]`"),
            (_, Some(_), _) => wrong("only a resnet has the table `[resnet]`"),
            (Architecture::TorchScript, None, None) => wrong("a torchscript module needs the table `[weights]`"),
            (Architecture::ColorGrid, None, _) if self.dim != 192 || !self.input.is_multiple_of(8) => {
                wrong("color-grid has 192 dimensions and an input that is a multiple of 8")
            }
            _ => Ok(()),
        }
    }

    /// How many pixels the shorter side of a picture should have at least, so that resizing only ever shrinks it.
    #[must_use]
    pub fn least_side(&self) -> u32 {
        match self.resize {
            Resize::Squash => self.input,
            Resize::ShorterSide(side) => side,
        }
    }

    /// See [`super::Model::fingerprint`].
    ///
    /// # Errors
    /// When the weights file cannot be read.
    pub fn fingerprint(&self, weights: Option<&Path>) -> Result<String> {
        let mut hash = Sha256::new();
        // Name, description, license and rank may change without changing an embedding.
        let shape = (&self.architecture, &self.resnet, self.input, &self.resize, &self.interpolation, self.alpha);
        let values = (self.mean, self.std, self.dim, preprocess::VERSION);
        hash.update(format!("{shape:?}{values:?}"));
        if let Some(file) = weights {
            hash.update(weights::fingerprint(file)?);
        }
        Ok(hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect())
    }
}

impl ResNetLayout {
    fn check(&self, dim: usize) -> Result<(), String> {
        if self.depths.contains(&0) || self.widths.iter().any(|&width| width < 1) {
            return Err("`resnet.depths` and `resnet.widths` must be at least 1".into());
        }
        if self.projection.is_none() && self.features() != dim as i64 {
            return Err(format!("this resnet has {} dimensions, `dim` says {dim}", self.features()));
        }
        Ok(())
    }

    /// Channels of the last stage's output.
    #[must_use]
    pub fn features(&self) -> i64 {
        self.widths[3] * self.block.expansion()
    }
}

impl Block {
    /// Output channels of a block, as a multiple of its width.
    #[must_use]
    pub fn expansion(self) -> i64 {
        match self {
            Self::Basic => 1,
            Self::Bottleneck => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_manifests_are_sound_and_named_once() {
        let names: Vec<_> = built_in().map(|manifest| manifest.unwrap().name).collect();
        let mut unique = names.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), names.len(), "{names:?}");
    }

    #[test]
    fn a_torchscript_manifest_needs_three_facts_and_gets_the_lessons_recipe() {
        let manifest =
            Manifest::parse("name = 'mine'\narchitecture = 'torchscript'\ndim = 1280\n[weights]\nfile = 'mine.pt'\n")
                .unwrap();
        assert_eq!((manifest.input, manifest.resize, manifest.rank), (224, Resize::Squash, 0));
        assert_eq!(manifest.mean, [0.485, 0.456, 0.406]);
    }

    #[test]
    fn the_shorter_side_rule_reads_as_a_table() {
        let text = "name='a'\narchitecture='torchscript'\ndim=8\nresize={shorter-side=256}\n[weights]\nfile='a.pt'";
        assert_eq!(Manifest::parse(text).unwrap().resize, Resize::ShorterSide(256));
        let small = text.replace("256", "100");
        assert!(Manifest::parse(&small).unwrap_err().contains("shorter-side"));
    }

    #[test]
    fn senseless_manifests_are_refused_with_a_reason() {
        let text = include_str!("../../models/resnet50.toml");
        for (from, to, reason) in [
            ("dim = 2048", "dim = 512", "2048"),
            ("name = \"resnet50\"", "name = \"../up\"", "name"),
            ("file = \"resnet50", "file = \"/etc/resnet50", "weights.file"),
            ("[resnet]", "[resnet]\nheads = 3", "heads"),
            ("std = [0.229", "std = [0.0", "std"),
            ("dim = 2048", "dim = 2048\nnear_duplicate = 80.0", "near_duplicate"),
            ("dim = 2048", "dim = 2048\nnear_duplicate = nan", "near_duplicate"),
            ("depths = [3", "depths = [0", "depths"),
        ] {
            let broken = text.replace(from, to);
            assert_ne!(broken, text, "{from}");
            let error = Manifest::parse(&broken).unwrap_err();
            assert!(error.contains(reason), "{to}: {error}");
        }
    }

    #[test]
    fn the_fingerprint_follows_what_changes_an_embedding_and_nothing_else() {
        let manifest = Manifest::parse(include_str!("../../models/color-grid.toml")).unwrap();
        let print = |manifest: &Manifest| manifest.fingerprint(None).unwrap();
        let renamed = Manifest { description: "other".into(), rank: 9, ..manifest.clone() };
        let larger = Manifest { input: 128, ..manifest.clone() };
        assert_eq!(print(&manifest), print(&renamed));
        assert_ne!(print(&manifest), print(&larger));
        let bare =
            Manifest::parse(&include_str!("../../models/color-grid.toml").replace("input", "alpha = 'drop'\ninput"));
        assert_ne!(print(&manifest), print(&bare.unwrap()), "hidden colors come out");
    }
}
