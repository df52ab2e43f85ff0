//! What a manifest may say: every field within limits, and all of them together the description of one network.

use std::ops::RangeInclusive;

use super::{Architecture, Manifest, Resize, WeightsSource};
use crate::{
    embed::{
        impostors::MeasuredImpostors,
        inverted_residual::InvertedResidualLayout,
        limits::{MOST_CHANNELS, is_plain},
        resnet::ResNetLayout,
    },
    printable::{is_hostile, printable_str},
    text,
};

/// Limits of a manifest's fields, each well above anything sensible.
const MOST_INPUT: u32 = 2048;
const MOST_FILES: usize = 16;
const MOST_TEXT: usize = 2000;
/// Widths that the smallest face may have: from the side of the detector's first window, where nothing is shrunk.
const SMALLEST_FACES: RangeInclusive<u32> = 12..=1000;
/// How many layers a sentence lists before it names the last.
const LAYERS_LISTED: usize = 6;
/// Most columns of the one that was asked for.
const LAYER_COLUMNS: usize = 200;

/// A name that can also be a file's.
fn plain_name(name: &str) -> bool {
    is_plain(name) && !name.contains(['/', '\\']) && !name.starts_with('.')
}

impl Manifest {
    /// Every field is bounded: what a file says must not be able to fill the memory.
    pub(super) fn check(&self) -> Result<(), String> {
        let wrong = |reason: &str| Err(reason.to_string());
        if !plain_name(&self.name) {
            return wrong("`name` must be a plain name of at most 200 bytes, without slashes and hidden characters");
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
        if self.smallest_face.is_some_and(|side| !self.finds_faces() || !SMALLEST_FACES.contains(&side)) {
            return wrong("`smallest_face` is for faces, from 12 to 1000 pixels");
        }
        if self.finds_faces() && self.weights.as_ref().is_none_or(|source| source.beside.len() != 3) {
            return wrong(
                "faces need the table `[weights]` with three files beside: dlib's network, and MTCNN's three",
            );
        }
        if self.unit_length && matches!(self.architecture, Architecture::ColorGrid | Architecture::Faces) {
            return wrong("`unit_length` is for networks that embed a whole picture");
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
        self.impostors.as_ref().map_or(Ok(()), MeasuredImpostors::check)?;
        for (architecture, table, there) in [
            (Architecture::ResNet, "resnet", self.resnet.is_some()),
            (Architecture::InvertedResidual, "inverted_residual", self.inverted_residual.is_some()),
            (Architecture::ConvNext, "convnext", self.convnext.is_some()),
            (Architecture::VisionTransformer, "vision_transformer", self.vision_transformer.is_some()),
        ] {
            let is_it = self.architecture == architecture;
            if is_it && !(there && self.weights.is_some()) {
                return Err(format!("this architecture needs the tables `[{table}]` and `[weights]`"));
            }
            if there && !is_it {
                return Err(format!("another architecture than this one has the table `[{table}]`"));
            }
        }
        self.resnet.as_ref().map_or(Ok(()), ResNetLayout::check)?;
        self.inverted_residual.as_ref().map_or(Ok(()), InvertedResidualLayout::check)?;
        self.convnext.as_ref().map_or(Ok(()), |layout| layout.check(self.input))?;
        self.vision_transformer.as_ref().map_or(Ok(()), |layout| layout.check(self.input))?;
        match (self.architecture, &self.weights) {
            (Architecture::TorchScript, None) => wrong("a torchscript module needs the table `[weights]`"),
            (Architecture::ColorGrid, _) if self.dim != 192 || !self.input.is_multiple_of(8) => {
                wrong("color-grid has 192 dimensions and an input that is a multiple of 8")
            }
            _ => self.check_layer(),
        }
    }

    /// The layer must be there, and give as many values as an embedding has.
    fn check_layer(&self) -> Result<(), String> {
        let layers = self.layers();
        let Some(last) = layers.last() else { return Ok(()) };
        let Some(at) = self.taken(&layers) else {
            let first: Vec<_> = layers.iter().take(LAYERS_LISTED).map(|layer| &*layer.name).collect();
            let asked = text::cut(&printable_str(&self.layer), LAYER_COLUMNS);
            return Err(format!("no `layer` is called {asked}: there are {} to {}", first.join(", "), last.name));
        };
        let values = layers[at].shape.values();
        if values != self.dim as i64 {
            return Err(format!("this network gives {values} values at {}, `dim` says {}", layers[at].name, self.dim));
        }
        Ok(())
    }
}

impl WeightsSource {
    fn check(&self) -> Result<(), String> {
        let wrong = |reason: &str| Err(reason.to_string());
        if self.beside.len() > MOST_FILES || self.beside.iter().any(|file| !file.beside.is_empty()) {
            return wrong("`weights.beside` lists at most 16 files, each without files beside it");
        }
        self.beside.iter().try_for_each(Self::check)?;
        if !plain_name(&self.file) {
            return wrong(
                "`weights.file` must be a plain file name of at most 200 bytes, without folders and hidden characters",
            );
        }
        if self.prefix.as_ref().is_some_and(|prefix| !prefix.is_empty() && !is_plain(prefix)) {
            return wrong("`weights.prefix` has at most 200 bytes, and no hidden characters");
        }
        let is_address = |url: &String| {
            url.len() <= MOST_TEXT
                && !url.contains(is_hostile)
                && (url.starts_with("https://") || url.starts_with("http://"))
        };
        if self.url.as_ref().is_some_and(|url| !is_address(url)) {
            return wrong(
                "`weights.url` must begin with https:// or http:// and have at most 2000 bytes, without hidden characters",
            );
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
