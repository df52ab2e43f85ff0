//! The native networks answer as torchvision's do, at their last layer and inside. Weights and pixels follow a formula that
//! both sides compute; `torchvision/formula.py` and `make_expected.py` beside it made the expected values.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
};

use image::{Rgb, RgbImage};
use lookalike::embed::{self, Device, Folders, Manifest, Model, ModelChoice, weights::WantedTensor};
use safetensors::{Dtype, serialize_to_file, tensor::TensorView};
use serde::Deserialize;
use sha2::{Digest, Sha256};

#[derive(Deserialize)]
pub struct Row {
    norm: f64,
    first: Vec<f64>,
}

/// Numbers in [0, 1): FNV-1a of the name seeds, MurmurHash3's finalizer mixes, 24 bits are kept.
fn uniform(name: &str, count: usize) -> impl Iterator<Item = f64> {
    let seed = name.bytes().fold(2_166_136_261_u32, |seed, byte| (seed ^ u32::from(byte)).wrapping_mul(16_777_619));
    (0..count as u32).map(move |i| {
        let mut h = i.wrapping_mul(2_654_435_769).wrapping_add(seed);
        h = (h ^ (h >> 16)).wrapping_mul(0x85EB_CA6B);
        h = (h ^ (h >> 13)).wrapping_mul(0xC2B2_AE35);
        h ^= h >> 16;
        f64::from(h >> 8) / f64::from(1 << 24)
    })
}

fn values(name: &str, shape: &[i64]) -> Vec<u8> {
    let count = shape.iter().product::<i64>() as usize;
    let bound = (6.0 / shape.iter().skip(1).product::<i64>() as f64).sqrt();
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    let dots_before_block = name.split_once(".block.").map(|(before, _)| before.matches('.').count());
    let value = |u: f64| match name {
        _ if name.contains("pos") => 2.0 * u - 1.0,
        _ if shape.len() > 1 => (2.0 * u - 1.0) * bound,
        _ if ends(&["running_var", "gamma", "lambda1"]) => 0.5 + u,
        // EfficientNet ("features.1.0.block.") and MobileNetV3 ("features.1.block.").
        _ if ends(&[".weight"]) && dots_before_block == Some(2) => 0.8 + 0.4 * u,
        _ if ends(&[".weight"]) && dots_before_block == Some(1) => 0.7 + 0.4 * u,
        _ if ends(&[".weight"]) && (name.starts_with('_') || name.starts_with("features.")) => 0.6 + 0.4 * u,
        // Layer norms have names that begin with "blocks." too.
        _ if ends(&[".weight"]) && name.starts_with("blocks.") && name.contains(".bn") => 0.6 + 0.4 * u,
        _ if ends(&[".weight"]) => 0.2 + 0.4 * u,
        _ => 0.2 * u - 0.1,
    };
    uniform(name, count).flat_map(|u| (value(u) as f32).to_le_bytes()).collect()
}

fn picture(index: u32, side: u32) -> RgbImage {
    RgbImage::from_fn(side, side, |x, y| {
        let level = |c: u32| ((x * (3 + index) + y * (5 + 2 * c) + x * y / 16) % 256) as u8;
        Rgb([level(0), level(1), level(2)])
    })
}

fn write_weights(wanted: Vec<WantedTensor>, file: &Path) {
    let tensors: HashMap<_, _> = wanted
        .into_iter()
        .map(|wanted| {
            let shape: Vec<_> = wanted.shape.iter().map(|&side| side as usize).collect();
            (wanted.name.clone(), (shape, values(&wanted.name, &wanted.shape)))
        })
        .collect();
    let views =
        tensors.iter().map(|(name, (shape, bytes))| (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    serialize_to_file(views, None, file).unwrap();
}

/// Compares a network's answers with the expected ones, when its weights have the names of that set.
#[track_caller]
pub fn check_against(expected: &[Row], manifest: &str, names: usize) {
    check_manifest(expected, Manifest::parse(manifest).unwrap(), names);
}

/// [`check_against`] with a manifest that is no text any more.
#[track_caller]
pub fn check_manifest(expected: &[Row], manifest: Manifest, names: usize) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weights.safetensors");
    write_weights(manifest.tensors().swap_remove(names), &file);
    let model = Model { manifest, weights: Some(file), fingerprint: String::new() };
    let batch: Vec<_> = (0..expected.len() as u32).map(|index| picture(index, model.manifest.input)).collect();
    let load = |exact: bool| {
        let choice = ModelChoice { exact, device: Device::Cpu, ..ModelChoice::default() };
        embed::load(&model, &choice).unwrap()
    };

    let mut exactly = load(true);
    let exact = exactly.embed(&batch).unwrap();
    assert_eq!(exact.len(), expected.len());
    for (row, expected) in exact.iter().zip(expected) {
        assert_eq!(row.len(), model.manifest.dim);
        let norm = length(row);
        assert!((norm - expected.norm).abs() <= 1e-4 * expected.norm, "norm {norm}, expected {}", expected.norm);
        // Relative to the size of a typical value: single ones may be close to 0.
        let typical = expected.norm / (row.len() as f64).sqrt();
        for (i, (&value, &expected)) in row.iter().zip(&expected.first).enumerate() {
            let apart = (f64::from(value) - expected).abs();
            assert!(apart <= 1e-4 * typical, "value {i}: {value}, expected {expected}");
        }
    }
    // Where an embedding is a sum, its parts add up to it.
    if let Some(parts) = exactly.parts(&batch[0]).unwrap() {
        let typical = length(&exact[0]) / (exact[0].len() as f64).sqrt();
        for (i, &value) in exact[0].iter().enumerate() {
            let sum: f32 = parts.values.iter().skip(i).step_by(exact[0].len()).sum();
            assert!(f64::from((sum - value).abs()) <= 1e-4 * typical, "value {i}: {value}, its parts {sum}");
        }
    }

    // On a CPU without bfloat16 both are float32, and the test holds all the more.
    for (quick, exact) in load(false).embed(&batch).unwrap().iter().zip(&exact) {
        let dot: f64 = quick.iter().zip(exact).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        let cosine = dot / (length(quick) * length(exact));
        assert!(cosine >= 0.999, "cosine {cosine}");
    }
}

fn length(row: &[f32]) -> f64 {
    row.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
}

/// A sum over the names and shapes of tensors, the same in any order.
pub fn sum_of(tensors: &[WantedTensor]) -> String {
    let line = |WantedTensor { name, shape }: &WantedTensor| {
        let sides: Vec<_> = shape.iter().map(i64::to_string).collect();
        format!("{name} {}\n", sides.join("x"))
    };
    let lines: BTreeSet<_> = tensors.iter().map(line).collect();
    Sha256::digest(lines.into_iter().collect::<String>()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A manifest that is part of the program.
pub fn built_in(name: &str) -> Manifest {
    embed::catalog(&Folders::default()).named(name).unwrap().manifest.clone()
}

#[derive(Deserialize)]
struct Expected {
    embeddings: HashMap<String, Vec<Row>>,
    models: HashMap<String, Known>,
}

/// What a publisher's library says of a network.
#[derive(Deserialize)]
pub struct Known {
    tensors: String,
    layers: Vec<(String, Vec<i64>)>,
}

fn expected() -> Expected {
    serde_json::from_str(include_str!("../torchvision/expected.json")).unwrap()
}

/// Checks that a built-in model has the tensors and the layers of the network it stands for.
#[track_caller]
pub fn check_known(name: &str, known: &Known) {
    let manifest = built_in(name);
    assert_eq!(sum_of(&manifest.tensors()[0]), known.tensors, "{name}");
    let layers: Vec<_> = manifest.layers().into_iter().map(|layer| (layer.name, layer.shape.sides())).collect();
    assert_eq!(layers, known.layers, "{name}");
}

/// Checks a manifest for pictures of that side, and the one that ends at a layer with so many values.
#[track_caller]
fn check(name: &str, manifest: &str, side: u32, inner: Option<(&str, usize)>) {
    let expected = expected().embeddings;
    let with = |field: &str, value: &str, text: &str| {
        let lines = text.lines().map(|line| match line.split_once(" = ") {
            Some((name, _)) if name == field => format!("{field} = {value}"),
            _ => line.to_owned(),
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let manifest = with("input", &side.to_string(), manifest);
    check_against(&expected[name], &manifest, 0);
    if let Some((layer, dim)) = inner {
        let manifest = with("layer", &format!("\"{layer}\""), &with("dim", &dim.to_string(), &manifest));
        check_against(&expected[&format!("{name} at {layer}")], &manifest, 0);
    }
}

#[test]
fn resnet18_is_torchvisions() {
    check("resnet18", include_str!("../../models/resnet18.toml"), 224, Some(("layer3.0", 256)));
}

#[test]
fn resnet50_is_torchvisions() {
    check("resnet50", include_str!("../../models/resnet50.toml"), 224, None);
}

#[test]
fn mobilenet_v2_is_torchvisions() {
    check("mobilenet-v2", include_str!("../../models/mobilenet-v2.toml"), 160, Some(("features.4", 32)));
}

#[test]
fn mobilenet_v3_large_is_torchvisions() {
    check("mobilenet-v3-large", include_str!("../../models/mobilenet-v3-large.toml"), 224, Some(("features.12", 112)));
}

#[test]
fn mobilenet_v3_small_is_torchvisions_also_with_odd_sides() {
    check("mobilenet-v3-small", include_str!("../../models/mobilenet-v3-small.toml"), 130, None);
}

#[test]
fn efficientnet_b0_is_torchvisions_and_a_stage_is_its_last_block() {
    check("efficientnet-b0", include_str!("../../models/efficientnet-b0.toml"), 160, Some(("features.3", 40)));
}

#[test]
fn efficientnet_b2_is_torchvisions() {
    check("efficientnet-b2", include_str!("../../models/efficientnet-b2.toml"), 130, None);
}

#[test]
fn a_small_convnext_is_torchvisions() {
    let manifest = "name = 'small'\narchitecture = 'convnext'\ninput = 100\ndim = 64\nlayer = 'classifier.0'\n\
                    [convnext]\ndepths = [1, 2, 2, 1]\nwidths = [16, 32, 48, 64]\n[weights]\nfile = 'small.pth'";
    check("convnext", manifest, 100, Some(("features.3.1", 32)));
}

const VIT: &str = "name = 'small'\narchitecture = 'vision-transformer'\ninput = 96\ndim = 64\nlayer = 'encoder.ln'\n\
                   [vision_transformer]\nnames = 'torchvision'\npatch = 16\nwidth = 64\nheads = 4\ndepth = 3\n\
                   hidden = 160\ngrid = 6\n[weights]\nfile = 'small.pth'";

#[test]
fn a_small_vision_transformer_is_torchvisions() {
    check("vit", VIT, 96, Some(("encoder.layers.encoder_layer_1", 64)));
}

#[test]
fn the_published_names_of_older_releases_are_read_too() {
    let [now, before] = &Manifest::parse(VIT).unwrap().tensors()[..] else { panic!("two sets of names") };
    let renamed = |name: &str| name.replace("mlp.0.", "mlp.linear_1.").replace("mlp.3.", "mlp.linear_2.");
    let now: Vec<_> = now.iter().map(|wanted| renamed(&wanted.name)).collect();
    assert_eq!(now, before.iter().map(|wanted| wanted.name.clone()).collect::<Vec<_>>());
}

#[test]
fn the_built_in_manifests_have_torchvisions_tensors_and_layers() {
    let known = expected().models;
    assert_eq!(known.len(), 16);
    known.iter().for_each(|(name, known)| check_known(name, known));
}
