//! Short hashes that tell whether a model or a file is still the same.

use std::{
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    convnext::ConvNextLayout,
    inverted_residual::InvertedResidualLayout,
    manifest::{Architecture, Interpolation, Manifest, Resize},
    preprocess,
    resnet::ResNetLayout,
    vision_transformer::VisionTransformerLayout,
};
use crate::{
    decode::Alpha,
    error::{Error, Result},
    files::open_regular,
};

/// What decides an embedding besides the weights, under the names that a manifest's file gives it: those are kept, so a
/// fingerprint outlives every change of the types behind them.
#[derive(Serialize)]
struct Recipe<'a> {
    architecture: Architecture,
    #[serde(skip_serializing_if = "Option::is_none")]
    resnet: Option<&'a ResNetLayout>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inverted_residual: Option<&'a InvertedResidualLayout>,
    #[serde(skip_serializing_if = "Option::is_none")]
    convnext: Option<&'a ConvNextLayout>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vision_transformer: Option<&'a VisionTransformerLayout>,
    input: u32,
    resize: Resize,
    #[serde(skip_serializing_if = "Option::is_none")]
    smallest_face: Option<u32>,
    interpolation: Interpolation,
    /// What is usual is left out, as it was before manifests could say otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    alpha: Option<Alpha>,
    mean: [f32; 3],
    std: [f32; 3],
    dim: usize,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unit_length: bool,
    preprocessing: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<&'a str>,
    /// The layer, where it is not the network's last.
    #[serde(skip_serializing_if = "Option::is_none")]
    layer: Option<&'a str>,
}

/// A hash of 16 hexadecimal digits that changes whenever a model's embeddings would: of the weights, and of what the
/// manifest says about the network and its input.
///
/// # Errors
/// [`Error::Io`] when the weights file cannot be read.
pub fn fingerprint(manifest: &Manifest, weights: Option<&Path>) -> Result<String> {
    // Field by field, so that whoever adds one must decide whether it changes an embedding.
    let Manifest {
        architecture,
        resnet,
        inverted_residual,
        convnext,
        vision_transformer,
        input,
        resize,
        smallest_face,
        interpolation,
        alpha,
        mean,
        std,
        dim,
        unit_length,
        name: _,
        description: _,
        weights: source,
        license: _,
        // As its manifest has it, it may be called by another name, and say nothing where the program knows of no layers.
        layer: _,
        near_duplicate: _,
        baseline: _,
        rank: _,
        impostors: _,
    } = manifest;
    let layers = manifest.layers();
    let before_last = manifest.taken(&layers).filter(|at| at + 1 < layers.len());
    let recipe = Recipe {
        architecture: *architecture,
        resnet: resnet.as_ref(),
        inverted_residual: inverted_residual.as_ref(),
        convnext: convnext.as_ref(),
        vision_transformer: vision_transformer.as_ref(),
        input: *input,
        resize: *resize,
        smallest_face: *smallest_face,
        interpolation: *interpolation,
        alpha: Some(*alpha).filter(|alpha| *alpha != Alpha::default()),
        mean: *mean,
        std: *std,
        dim: *dim,
        unit_length: *unit_length,
        preprocessing: preprocess::VERSION,
        prefix: source.as_ref().and_then(|source| source.prefix.as_deref()),
        layer: before_last.map(|at| &*layers[at].name),
    };
    let recipe = serde_json::to_vec(&recipe).map_err(|error| Error::model(&manifest.name, error))?;
    let mut hash = Sha256::new();
    hash.update(recipe);
    if let Some(file) = weights {
        hash.update(sample(file)?);
        for further in source.iter().flat_map(|source| &source.beside) {
            hash.update(sample(&file.with_file_name(&further.file))?);
        }
    }
    Ok(hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect())
}

/// SHA-256 of a whole file, as hexadecimal digits.
///
/// # Errors
/// [`Error::Io`] when the file cannot be read.
pub(super) fn sha256(file: &Path) -> Result<String> {
    let mut opened = open_regular(file).map_err(Error::io("read", file))?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; 128 * 1024];
    loop {
        match opened.read(&mut chunk).map_err(Error::io("read", file))? {
            0 => return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            read => hash.update(&chunk[..read]),
        }
    }
}

/// Blocks that [`sample`] reads, and their length in bytes.
const BLOCKS: u64 = 512;
const BLOCK: u64 = 64 * 1024;

/// SHA-256 of a file's length and content: all of it up to 32 MiB; of a larger file 512 blocks of 64 KiB,
/// spread evenly with the first and the last among them.
///
/// That takes some 20 ms for any file, so a warm start can afford it. Weights that were trained anew differ in every
/// block, and the end of a PyTorch file holds check sums of all its tensors.
///
/// # Errors
/// [`Error::Io`] when the file cannot be read.
fn sample(file: &Path) -> Result<[u8; 32]> {
    let mut opened = open_regular(file).map_err(Error::io("read", file))?;
    let length = opened.metadata().map_err(Error::io("read", file))?.len();
    let mut hash = Sha256::new();
    hash.update(length.to_le_bytes());
    let mut block = Vec::new();
    let mut update = |from: u64, bytes: u64| -> std::io::Result<()> {
        block.clear();
        opened.seek(SeekFrom::Start(from))?;
        (&mut opened).take(bytes).read_to_end(&mut block)?;
        hash.update(&block);
        Ok(())
    };
    let starts: Vec<u64> = if length <= BLOCKS * BLOCK {
        (0..length.div_ceil(BLOCK)).map(|i| i * BLOCK).collect()
    } else {
        (0..BLOCKS).map(|i| (length - BLOCK) * i / (BLOCKS - 1)).collect()
    };
    for start in starts {
        update(start, BLOCK).map_err(Error::io("read", file))?;
    }
    Ok(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::manifest::WeightsSource;

    #[test]
    fn it_follows_what_changes_an_embedding_and_nothing_else() {
        let manifest = Manifest::parse(include_str!("../../models/resnet50.toml")).unwrap();
        let print = |manifest: &Manifest| fingerprint(manifest, None).unwrap();
        let renamed = Manifest { description: "other".into(), rank: 9, ..manifest.clone() };
        assert_eq!(print(&manifest), print(&renamed));
        let mut deeper = manifest.clone();
        let source = manifest.weights.clone().unwrap();
        deeper.resnet.as_mut().unwrap().depths[0] += 1;
        for changed in [
            deeper,
            Manifest { input: 128, ..manifest.clone() },
            Manifest { resize: Resize::ShorterSide(256), ..manifest.clone() },
            Manifest { interpolation: Interpolation::Bicubic, ..manifest.clone() },
            Manifest { smallest_face: Some(40), ..manifest.clone() },
            Manifest { std: [0.5; 3], ..manifest.clone() },
            Manifest { unit_length: true, ..manifest.clone() },
            Manifest { weights: Some(WeightsSource { prefix: Some("ema.".into()), ..source }), ..manifest.clone() },
        ] {
            assert_ne!(print(&manifest), print(&changed));
        }
    }

    #[test]
    fn it_covers_every_file_of_a_model() {
        let manifest = Manifest::parse(include_str!("../../models/faces.toml")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let files: Vec<_> =
            manifest.weights.as_ref().unwrap().files().map(|part| folder.path().join(&part.file)).collect();
        files.iter().for_each(|file| std::fs::write(file, "old").unwrap());
        let mut seen = vec![fingerprint(&manifest, Some(&files[0])).unwrap()];
        for file in &files {
            std::fs::write(file, "new").unwrap();
            seen.push(fingerprint(&manifest, Some(&files[0])).unwrap());
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 5);
    }

    #[test]
    fn it_follows_the_layer_by_whatever_name_and_not_what_is_said_of_the_last() {
        let text = include_str!("../../models/resnet50.toml").replace("dim = 2048", "dim = 1024");
        let print = |layer: &str| {
            let manifest = Manifest::parse(&text.replace("\"avgpool\"", &format!("\"{layer}\""))).unwrap();
            fingerprint(&manifest, None).unwrap()
        };
        assert_eq!(print("layer3"), print("layer3.5"));
        assert_ne!(print("layer3"), print("layer3.4"));
        let last = |text: &str| fingerprint(&Manifest::parse(text).unwrap(), None).unwrap();
        let text = include_str!("../../models/resnet50.toml");
        assert_eq!(last(text), last(&text.replace("layer = \"avgpool\"", "")));
    }

    /// Every index is kept under this hash: a renamed type or variant must not empty them all.
    #[test]
    fn it_stays_what_it_is_from_release_to_release() {
        let manifest = Manifest::parse(include_str!("../../models/resnet50.toml")).unwrap();
        assert_eq!(preprocess::VERSION, 1, "then the hash below changes too");
        assert_eq!(fingerprint(&manifest, None).unwrap(), "2fc5457ca47ced3b");
        let gaze = Manifest::parse(include_str!("../../models/gaze.toml")).unwrap();
        assert_eq!(fingerprint(&gaze, None).unwrap(), "efb8ff259a9c4ecb");
    }

    #[test]
    fn a_sample_sees_content_and_length_also_of_large_files() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("weights");
        let mut bytes = vec![0_u8; (BLOCKS * BLOCK * 2) as usize];
        let mut seen = Vec::new();
        for change in [None, Some(0), Some(bytes.len() - 1)] {
            if let Some(at) = change {
                bytes[at] = 1;
            }
            std::fs::write(&file, &bytes).unwrap();
            seen.push(sample(&file).unwrap());
        }
        bytes.push(0);
        std::fs::write(&file, &bytes).unwrap();
        seen.push(sample(&file).unwrap());
        std::fs::write(&file, &bytes[..1000]).unwrap();
        seen.push(sample(&file).unwrap());
        assert_eq!(sample(&file).unwrap(), seen[4]);
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 5);
    }
}
