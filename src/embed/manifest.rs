//! A model as data: which network, which weights, how a picture becomes its input.

use serde::{Deserialize, Serialize};

use crate::decode::Alpha;

/// The manifests that are part of the program, one file a model in `models/`.
const BUILT_IN: [&str; 9] = [
    include_str!("../../models/gaze.toml"),
    include_str!("../../models/color-grid.toml"),
    include_str!("../../models/resnet18.toml"),
    include_str!("../../models/resnet34.toml"),
    include_str!("../../models/resnet50.toml"),
    include_str!("../../models/resnet50-v2.toml"),
    include_str!("../../models/resnet101.toml"),
    include_str!("../../models/resnet152.toml"),
    include_str!("../../models/faces.toml"),
];

/// Limits of a manifest's fields, each well above anything that a network of today has.
const MOST_INPUT: u32 = 2048;
const MOST_CHANNELS: i64 = 65_536;
const MOST_BLOCKS: usize = 512;
const MOST_FILES: usize = 16;
const MOST_NAME: usize = 200;
const MOST_TEXT: usize = 2000;

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
    /// Layout of a native network of inverted residuals; only with [`Architecture::InvertedResidual`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inverted_residual: Option<InvertedResidualLayout>,
    /// The weights file and its home; the baseline has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<WeightsSource>,
    /// Terms of the weights.
    #[serde(default = "not_stated")]
    pub license: String,
    /// Width and height of the network's input, in pixels; of a face that was cut out, where it embeds faces.
    #[serde(default = "imagenet_input")]
    pub input: u32,
    /// How a picture of any shape becomes a square, or what faces are looked for in.
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
    /// A network of inverted residuals (Sandler et al. 2018), as EfficientNet-Lite is, without its classifier.
    #[serde(rename = "inverted-residual")]
    InvertedResidual,
    /// A TorchScript module that maps N×3×H×W to N×dim.
    #[serde(rename = "torchscript")]
    TorchScript,
    /// The mean color of each cell of an 8×8 grid.
    #[serde(rename = "color-grid")]
    ColorGrid,
    /// Finds faces with MTCNN (Zhang et al. 2016) and embeds each with dlib's ResNet-29 (King 2017).
    #[serde(rename = "faces")]
    Faces,
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

/// The layout of a network of inverted residuals; tensor names and shapes are those of `efficientnet_pytorch`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvertedResidualLayout {
    /// Channels of the first convolution, which halves the sides.
    pub stem: i64,
    /// The stages in order.
    pub stages: Vec<Stage>,
    /// Channels of the last convolution, which are pooled.
    pub features: i64,
    /// Whether the pooled features are scaled to length 1 before the linear layer.
    #[serde(default)]
    pub normalize: bool,
    /// Name of a linear layer in the weights that makes the embedding from the pooled features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub projection: Option<String>,
}

/// Inverted residuals of one shape, one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// How many.
    pub blocks: usize,
    /// Channels of their outputs.
    pub channels: i64,
    /// Side of the depthwise convolution's kernel.
    pub kernel: i64,
    /// Stride of the first one's depthwise convolution.
    pub stride: i64,
    /// Channels inside, as a multiple of the input's.
    pub expansion: i64,
}

/// Where weights come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightsSource {
    /// File name, also that of a download.
    pub file: String,
    /// What stands before the network's names in the file, to choose one of several networks: `encoder_q.`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Its official home.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// SHA-256 in hexadecimal digits, or as many of its first digits as the publisher gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Size in MiB, for people who are about to download it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mib: Option<f32>,
    /// Further files that the network needs; they lie in the same folder.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<WeightsSource>,
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
    /// No square: the longer side to this many pixels at most, in proportion. For what looks for things in a picture.
    LongerSide(u32),
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

/// A name that can also be a file's.
fn plain_name(name: &str) -> bool {
    (1..=MOST_NAME).contains(&name.len()) && !name.contains(['/', '\\', '\0']) && !name.starts_with('.')
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

    /// Every field is bounded: what a file says must not be able to fill the memory.
    fn check(&self) -> Result<(), String> {
        let wrong = |reason: &str| Err(reason.to_string());
        if !plain_name(&self.name) {
            return wrong("`name` must be a plain name of at most 200 bytes, without slashes");
        }
        if [&self.description, &self.license, &self.layer].iter().any(|text| text.len() > MOST_TEXT) {
            return wrong("`description`, `license` and `layer` have at most 2000 bytes");
        }
        if let Some(source) = &self.weights {
            source.check()?;
        }
        if !(1..=MOST_CHANNELS).contains(&(self.dim as i64)) || !(8..=MOST_INPUT).contains(&self.input) {
            return wrong("`dim` must be between 1 and 65536 and `input` between 8 and 2048");
        }
        if matches!(self.resize, Resize::ShorterSide(side) if side < self.input || side > 2 * MOST_INPUT) {
            return wrong("`resize.shorter-side` must not be smaller than `input`, nor larger than 4096");
        }
        if matches!(self.resize, Resize::LongerSide(side) if !(self.input..=2 * MOST_INPUT).contains(&side)) {
            return wrong("`resize.longer-side` must not be smaller than `input`, nor larger than 4096");
        }
        if matches!(self.resize, Resize::LongerSide(_)) != self.finds_faces() {
            return wrong("`resize.longer-side` is for faces, and they need it");
        }
        if self.finds_faces() && self.weights.as_ref().is_none_or(|source| source.beside.len() != 3) {
            return wrong(
                "faces need the table `[weights]` with three files beside: dlib's network, and MTCNN's three",
            );
        }
        // Pixels run from 0 to 1, so anything sensible is far inside of these.
        if self.std.iter().any(|std| !(1e-6..=1e6).contains(std))
            || self.mean.iter().any(|mean| !(-1e6..=1e6).contains(mean))
        {
            return wrong("`std` must be between 0.000001 and 1000000, and `mean` between -1000000 and 1000000");
        }
        if self.near_duplicate.is_some_and(|cosine| !(-1.0..=1.0).contains(&cosine)) {
            return wrong("`near_duplicate` is a cosine similarity, from -1 to 1");
        }
        match (self.architecture, &self.inverted_residual, &self.weights) {
            (Architecture::InvertedResidual, Some(layout), Some(_)) => layout.check(self.dim)?,
            (Architecture::InvertedResidual, ..) => {
                return wrong("an inverted-residual network needs the tables `[inverted_residual]` and `[weights]`");
            }
            (_, Some(_), _) => return wrong("only an inverted-residual network has the table `[inverted_residual]`"),
            _ => {}
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

    /// How many pixels the shorter side of a picture should have at least, so that resizing only ever shrinks it where the
    /// picture is large enough.
    #[must_use]
    pub fn least_side(&self) -> u32 {
        match self.resize {
            Resize::Squash => self.input,
            Resize::ShorterSide(side) => side,
            // Of the usual proportions, 4 by 3.
            Resize::LongerSide(side) => side * 3 / 4,
        }
    }

    /// Whether it embeds the faces that it finds in a picture, and not the picture as a whole.
    #[must_use]
    pub fn finds_faces(&self) -> bool {
        self.architecture == Architecture::Faces
    }
}

impl WeightsSource {
    /// All files: this one and those beside it.
    pub fn files(&self) -> impl Iterator<Item = &Self> {
        [self].into_iter().chain(&self.beside)
    }

    fn check(&self) -> Result<(), String> {
        let wrong = |reason: &str| Err(reason.to_string());
        if self.beside.len() > MOST_FILES || self.beside.iter().any(|file| !file.beside.is_empty()) {
            return wrong("`weights.beside` lists at most 16 files, each without files beside it");
        }
        self.beside.iter().try_for_each(Self::check)?;
        if !plain_name(&self.file) {
            return wrong("`weights.file` must be a plain file name of at most 200 bytes, without folders");
        }
        if self.prefix.as_ref().is_some_and(|prefix| prefix.len() > MOST_NAME) {
            return wrong("`weights.prefix` has at most 200 bytes");
        }
        let is_address =
            |url: &String| url.len() <= MOST_TEXT && (url.starts_with("https://") || url.starts_with("http://"));
        if self.url.as_ref().is_some_and(|url| !is_address(url)) {
            return wrong("`weights.url` must begin with https:// or http:// and have at most 2000 bytes");
        }
        // An empty one would be the beginning of every sum.
        let is_sum = |sum: &String| (8..=64).contains(&sum.len()) && sum.bytes().all(|byte| byte.is_ascii_hexdigit());
        if self.sha256.as_ref().is_some_and(|sum| !is_sum(sum)) {
            return wrong("`weights.sha256` has 8 to 64 hexadecimal digits; leave it out when the sum is not known");
        }
        if self.mib.is_some_and(|mib| !(0.0..=1e6).contains(&mib)) {
            return wrong("`weights.mib` must be between 0 and 1000000");
        }
        Ok(())
    }
}

impl ResNetLayout {
    fn check(&self, dim: usize) -> Result<(), String> {
        if self.depths.iter().any(|depth| !(1..=MOST_BLOCKS).contains(depth)) {
            return Err("`resnet.depths` must be between 1 and 512".into());
        }
        if self.widths.iter().any(|width| !(1..=MOST_CHANNELS).contains(width)) {
            return Err("`resnet.widths` must be between 1 and 65536".into());
        }
        if self.projection.as_ref().is_some_and(|name| name.is_empty() || name.len() > MOST_NAME) {
            return Err("`resnet.projection` names a layer, in at most 200 bytes".into());
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

impl InvertedResidualLayout {
    fn check(&self, dim: usize) -> Result<(), String> {
        let channels = self.stages.iter().map(|stage| stage.channels).chain([self.stem, self.features]);
        if channels.into_iter().any(|channels| !(1..=MOST_CHANNELS).contains(&channels)) {
            return Err("`inverted_residual`: channels must be between 1 and 65536".into());
        }
        let sound = |stage: &Stage| {
            (1..=MOST_BLOCKS).contains(&stage.blocks)
                && (1..=11).contains(&stage.kernel)
                && stage.kernel % 2 == 1
                && (1..=2).contains(&stage.stride)
                && (1..=16).contains(&stage.expansion)
        };
        if !(1..=32).contains(&self.stages.len()) || !self.stages.iter().all(sound) {
            return Err(
                "`inverted_residual.stages`: 1 to 32 of them, each with 1 to 512 blocks, an odd kernel up to 11, \
                        a stride of 1 or 2 and an expansion from 1 to 16"
                    .into(),
            );
        }
        if self.projection.as_ref().is_some_and(|name| name.is_empty() || name.len() > MOST_NAME) {
            return Err("`inverted_residual.projection` names a layer, in at most 200 bytes".into());
        }
        if self.projection.is_none() && self.features != dim as i64 {
            return Err(format!("this network has {} dimensions, `dim` says {dim}", self.features));
        }
        Ok(())
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
    fn faces_need_four_files_and_a_bound_for_pictures() {
        let text = include_str!("../../models/faces.toml");
        let manifest = Manifest::parse(text).unwrap();
        assert!(manifest.finds_faces() && manifest.resize == Resize::LongerSide(1280));
        let source = manifest.weights.unwrap();
        assert!(
            source.files().all(|file| file.sha256.as_ref().is_some_and(|sum| sum.len() == 64) && file.url.is_some())
        );
        for (from, to, reason) in [
            ("resize = { longer-side = 1280 }", "resize = \"squash\"", "longer-side"),
            ("longer-side = 1280", "longer-side = 100", "longer-side"),
            ("longer-side = 1280", "longer-side = 100000", "longer-side"),
            ("architecture = \"faces\"", "architecture = \"torchscript\"", "longer-side"),
            ("file = \"onet.pt\"", "file = \"../onet.pt\"", "weights.file"),
            ("file = \"onet.pt\"", "file = \"onet.pt\"\nbeside = [{ file = \"more.pt\" }]", "weights.beside"),
            ("[[weights.beside]]\nfile = \"onet.pt\"", "[[resnet]]\nfile = \"onet.pt\"", ""),
        ] {
            let broken = text.replace(from, to);
            assert_ne!(broken, text, "{from}");
            let error = Manifest::parse(&broken).unwrap_err();
            assert!(error.contains(reason), "{to}: {error}");
        }
        let (start, _) = text.rsplit_once("[[weights.beside]]").unwrap();
        assert!(Manifest::parse(start).unwrap_err().contains("three files"));
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
            ("depths = [3", "depths = [1000000000", "depths"),
            ("widths = [64", "widths = [1000000000", "widths"),
            ("512]", "9223372036854775807]", "widths"),
            ("dim = 2048", "dim = 1000000000", "dim"),
            ("input = 224", "input = 100000", "input"),
            ("resize = \"squash\"", "resize = { shorter-side = 4294967295 }", "shorter-side"),
            ("std = [0.229", "std = [1e-30", "std"),
            ("mean = [0.485", "mean = [1e30", "mean"),
            ("sha256 = \"0676ba61\"", "sha256 = \"\"", "sha256"),
            ("sha256 = \"0676ba61\"", "sha256 = \"0676ba6x\"", "sha256"),
            ("url = \"https:", "url = \"file:", "url"),
            ("mib = 97.8", "mib = inf", "mib"),
        ] {
            let broken = text.replace(from, to);
            assert_ne!(broken, text, "{from}");
            let error = Manifest::parse(&broken).unwrap_err();
            assert!(error.contains(reason), "{to}: {error}");
        }
    }
}
