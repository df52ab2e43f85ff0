//! A model as data: which network, which weights, how a picture becomes its input.

use serde::{Deserialize, Serialize};

use super::{
    blueprint::Blueprint,
    convnext::{self, ConvNextLayout},
    impostors::MeasuredImpostors,
    inverted_residual::{self, InvertedResidualLayout},
    layer::Layer,
    resnet::{self, ResNetLayout},
    vision_transformer::{self, VisionTransformerLayout},
    weights::WantedTensor,
};
use crate::{decode::Alpha, printable::one_line};

mod check;

/// The manifests that are part of the program, one file a model in `models/`.
const BUILT_IN: &[&str] = &[
    include_str!("../../models/gaze.toml"),
    include_str!("../../models/color-grid.toml"),
    include_str!("../../models/resnet18.toml"),
    include_str!("../../models/resnet34.toml"),
    include_str!("../../models/resnet50.toml"),
    include_str!("../../models/resnet50-v2.toml"),
    include_str!("../../models/resnet101.toml"),
    include_str!("../../models/resnet152.toml"),
    include_str!("../../models/mobilenet-v2.toml"),
    include_str!("../../models/mobilenet-v3-large.toml"),
    include_str!("../../models/mobilenet-v3-small.toml"),
    include_str!("../../models/efficientnet-b0.toml"),
    include_str!("../../models/efficientnet-b1.toml"),
    include_str!("../../models/efficientnet-b2.toml"),
    include_str!("../../models/efficientnet-b3.toml"),
    include_str!("../../models/efficientnet-b4.toml"),
    include_str!("../../models/efficientnet-lite0.toml"),
    include_str!("../../models/efficientnet-lite1.toml"),
    include_str!("../../models/efficientnet-lite2.toml"),
    include_str!("../../models/convnext-tiny.toml"),
    include_str!("../../models/convnext-small.toml"),
    include_str!("../../models/vit-b-16.toml"),
    include_str!("../../models/dinov2-small.toml"),
    include_str!("../../models/dinov2-base.toml"),
    include_str!("../../models/faces.toml"),
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
    /// Layout of a native network of inverted residuals; only with [`Architecture::InvertedResidual`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inverted_residual: Option<InvertedResidualLayout>,
    /// Layout of a native ConvNeXt; only with [`Architecture::ConvNext`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub convnext: Option<ConvNextLayout>,
    /// Layout of a native vision transformer; only with [`Architecture::VisionTransformer`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vision_transformer: Option<VisionTransformerLayout>,
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
    /// Width of the smallest face that is looked for, in pixels of what faces are looked for in; [`Manifest::smallest_face`]
    /// knows what holds where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smallest_face: Option<u32>,
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
    /// Whether embeddings are scaled to length 1: the euclidean distance then orders pictures as the cosine similarity does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unit_length: bool,
    /// The layer whose output is the embedding, one of [`Manifest::layers`]; the last one when it is not said. For people
    /// where the program knows of no layers.
    #[serde(default)]
    pub layer: String,
    /// Cosine similarity from which two pictures are taken for one picture and a changed copy of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub near_duplicate: Option<f32>,
    /// How alike it takes different people or things for, as measured: thresholds of galleries with few names rest on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impostors: Option<MeasuredImpostors>,
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
    /// A network of inverted residuals (Sandler et al. 2018), as MobileNet and EfficientNet are, without its classifier.
    #[serde(rename = "inverted-residual")]
    InvertedResidual,
    /// A ConvNeXt (Liu et al. 2022, as torchvision builds it) without its classifier.
    #[serde(rename = "convnext")]
    ConvNext,
    /// A vision transformer (Dosovitskiy et al. 2020), as torchvision's and DINOv2 are, without its classifier.
    #[serde(rename = "vision-transformer")]
    VisionTransformer,
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

/// The manifests that are part of the program. One that does not parse is a mistake of ours, which a test would catch.
pub(super) fn built_in() -> impl Iterator<Item = Result<Manifest, String>> {
    BUILT_IN.iter().copied().map(Manifest::parse)
}

impl Manifest {
    /// Reads a manifest and checks that its parts fit together. The error is one sentence without the file's name.
    ///
    /// # Errors
    /// When the text is not TOML, a field is missing, unknown or senseless.
    pub fn parse(text: &str) -> Result<Self, String> {
        let manifest: Self = toml::from_str(text).map_err(|error| one_line(error.message()))?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The layers at which an embedding can be taken, in order, the usual one last; nothing where the program does not know
    /// the network.
    #[must_use]
    pub fn layers(&self) -> Vec<Layer> {
        self.blueprints().first().map_or_else(Vec::new, |blueprint| blueprint.layers(self.input.into()))
    }

    /// The place of the chosen layer among those.
    #[must_use]
    pub fn taken(&self, layers: &[Layer]) -> Option<usize> {
        match &*self.layer {
            "" => layers.len().checked_sub(1),
            name => layers.iter().rposition(|layer| layer.is_called(name)),
        }
    }

    /// Every tensor of the network, once for each set of names that its weights may have.
    #[must_use]
    pub fn tensors(&self) -> Vec<Vec<WantedTensor>> {
        self.blueprints().iter().map(Blueprint::wanted).collect()
    }

    /// The network as a whole, once for each set of names that its weights may have; nothing where it is not ours to build.
    pub(super) fn blueprints(&self) -> Vec<Blueprint> {
        if let Some(layout) = &self.resnet {
            return vec![resnet::blueprint(layout, self.dim)];
        }
        if let Some(layout) = &self.inverted_residual {
            return vec![inverted_residual::blueprint(layout, self.dim)];
        }
        if let Some(layout) = &self.convnext {
            return vec![convnext::blueprint(layout)];
        }
        self.vision_transformer.as_ref().map_or_else(Vec::new, vision_transformer::blueprints)
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

    /// Width of the smallest face that is looked for: what held before manifests could say otherwise, or what it says.
    #[must_use]
    pub fn smallest_face(&self) -> u32 {
        self.smallest_face.unwrap_or(40)
    }
}

impl WeightsSource {
    /// All files: this one and those beside it.
    pub fn files(&self) -> impl Iterator<Item = &Self> {
        [self].into_iter().chain(&self.beside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::printable::is_hostile;

    #[test]
    fn the_built_in_manifests_are_sound_and_named_once() {
        let names: Vec<_> = built_in().map(|manifest| manifest.unwrap().name).collect();
        let mut unique = names.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), names.len(), "{names:?}");
    }

    #[test]
    fn a_torchscript_manifest_needs_three_facts_and_is_fed_as_resnet50_unless_it_says_otherwise() {
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
        assert_eq!(manifest.smallest_face(), 28);
        assert_eq!(Manifest::parse(&text.replace("smallest_face = 28", "")).unwrap().smallest_face(), 40);
        let source = manifest.weights.unwrap();
        assert!(
            source.files().all(|file| file.sha256.as_ref().is_some_and(|sum| sum.len() == 64) && file.url.is_some())
        );
        for (from, to, reason) in [
            ("smallest_face = 28", "smallest_face = 11", "smallest_face"),
            ("smallest_face = 28", "unit_length = true", "unit_length"),
            ("resize = { longer-side = 1280 }", "resize = \"squash\"", "longer-side"),
            ("longer-side = 1280", "longer-side = 100", "longer-side"),
            ("longer-side = 1280", "longer-side = 100000", "longer-side"),
            ("architecture = \"faces\"", "architecture = \"torchscript\"", "longer-side"),
            ("file = \"onet.pt\"", "file = \"../onet.pt\"", "weights.file"),
            ("pairs = 946", "pairs = 0", "impostors.pairs"),
            ("shares = [0.0001,", "shares = [0.0,", "impostors.shares"),
            ("0.3, 1.0]", "0.3, 0.9]", "impostors.shares"),
            ("shares = [0.0001,", "shares = [", "impostors.cosine"),
            ("cosine = [0.9436", "cosine = [1.1", "impostors.cosine"),
            ("cosine = [0.9436", "cosine = [0.5", "impostors.cosine"),
            ("euclidean = [0.4991", "euclidean = [nan", "impostors.euclidean"),
            ("0.7703, 1.1526]", "0.7703, inf]", "impostors.euclidean"),
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
            refused(text, from, to, reason);
        }
    }

    #[test]
    fn what_a_terminal_would_obey_or_hide_is_refused_in_names_and_shown_in_what_is_said_of_them() {
        let text = include_str!("../../models/resnet50.toml");
        for (from, to, reason) in [
            ("name = \"resnet50\"", "name = \"resnet\\u001b[2J\"", "`name`"),
            ("name = \"resnet50\"", "name = \"resnet\\u202e50\"", "`name`"),
            ("file = \"resnet50", "file = \"resnet\\n50", "`weights.file`"),
            ("url = \"https://", "url = \"https://a\\r", "`weights.url`"),
            ("[weights]", "[weights]\nprefix = \"a\\u0007\"", "`weights.prefix`"),
            ("[resnet]", "[resnet]\nprojection = \"a\\nb\"", "`resnet.projection`"),
            ("[resnet]", "[resnet]\n\"a\\nb\" = 1", "unknown field `a"),
            ("\"avgpool\"", "\"a\\nb\"", "a\\u{a}b"),
            ("\"bottleneck\"", "\"a\\u001b\"", "a\\u{1b}"),
        ] {
            refused(text, from, to, reason);
        }
        // Nor is a whole file quoted.
        let long = "k".repeat(60_000);
        assert!(Manifest::parse(&format!("{long} = 1")).unwrap_err().len() < 400);
        assert!(
            Manifest::parse(&text.replace("\"avgpool\"", &format!("\"{}\"", &long[..2000]))).unwrap_err().len() < 600
        );
    }

    #[track_caller]
    fn refused(text: &str, from: &str, to: &str, reason: &str) {
        let broken = text.replacen(from, to, 1);
        assert_ne!(broken, text, "{from}");
        let error = Manifest::parse(&broken).unwrap_err();
        assert!(error.contains(reason) && !error.contains(is_hostile), "{to}: {error}");
    }

    #[test]
    fn absurd_networks_are_refused_before_anything_is_built() {
        let mobilenet = include_str!("../../models/mobilenet-v3-large.toml");
        let gaze = include_str!("../../models/gaze.toml");
        let convnext = include_str!("../../models/convnext-tiny.toml");
        let dinov2 = include_str!("../../models/dinov2-small.toml");
        for (text, from, to, reason) in [
            (mobilenet, "hidden = 200", "hidden = 1000000000", "65536"),
            (mobilenet, "hidden = 200", "hidden = 200, expansion = 3", "hidden"),
            (mobilenet, "expansion = 1,", "", "expansion"),
            (mobilenet, "kernel = 5", "kernel = 4", "kernel"),
            (mobilenet, "\"mobilenet-v3\"", "\"mobilenet-v2\"", "only mobilenet-v3"),
            (mobilenet, "\"mobilenet-v3\"", "\"mobilenet-v9\"", "mobilenet-v9"),
            (mobilenet, "\"inverted-residual\"", "\"convnext\"", "[inverted_residual]"),
            (mobilenet, "[inverted_residual]", "[inverted_residual]\nprojection = 'a'\ntaps = [3]", "without squeeze"),
            (gaze, "projection = \"embedding\"", "", "need a `projection`"),
            (gaze, "taps = [11, 16]", "taps = [16, 11]", "ascending"),
            (gaze, "taps = [11, 16]", "taps = [11, 11]", "ascending"),
            (gaze, "taps = [11, 16]", "taps = [11, 21]", "from 0 to 20"),
            (gaze, "taps = [11, 16]", "taps = [-1]", "-1"),
            (convnext, "depths = [3", "depths = [0", "depths"),
            (convnext, "widths = [96", "widths = [30000", "widths"),
            (convnext, "input = 224", "input = 16", "32"),
            (convnext, "[convnext]", "[resnet]", "block"),
            (dinov2, "patch = 14", "patch = 15", "multiple"),
            (dinov2, "patch = 14", "patch = 0", "patch"),
            (dinov2, "patch = 14", "patch = 1", "128"),
            (dinov2, "grid = 37", "grid = 100000", "128"),
            (dinov2, "heads = 6", "heads = 5", "heads"),
            (dinov2, "heads = 6", "heads = 0", "heads"),
            (dinov2, "depth = 12", "depth = 100000", "depth"),
            (dinov2, "hidden = 1536", "hidden = 99999999", "hidden"),
            (dinov2, "width = 384", "width = 390", "390"),
            (dinov2, "\"class-token\"", "\"first\"", "first"),
        ] {
            refused(text, from, to, reason);
        }
    }

    #[test]
    fn a_layer_is_one_of_the_networks_and_has_as_many_values_as_an_embedding() {
        let text = include_str!("../../models/resnet50.toml");
        let inner = text.replace("\"avgpool\"", "\"layer3\"").replace("dim = 2048", "dim = 1024");
        let manifest = Manifest::parse(&inner).unwrap();
        let layers = manifest.layers();
        let taken = &layers[manifest.taken(&layers).unwrap()];
        assert_eq!((&*taken.name, taken.shape.sides()), ("layer3.5", vec![1024, 14, 14]));
        refused(text, "\"avgpool\"", "\"layer3\"", "1024 values at layer3.5");
        refused(text, "\"avgpool\"", "\"layer9\"", "layer9: there are conv1, ");
        // Without one it is the last.
        let last = Manifest::parse(&text.replace("layer = \"avgpool\"", "")).unwrap();
        assert_eq!(last.taken(&last.layers()), Some(layers.len() - 1));
    }
}
