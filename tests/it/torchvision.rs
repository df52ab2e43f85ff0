//! The native networks answer as torchvision's do. Weights and pixels follow a formula that both sides compute;
//! `torchvision/formula.py` and `make_expected.py` beside it made the expected values.

use std::{collections::HashMap, path::Path};

use image::{Rgb, RgbImage};
use lookalike::embed::{self, Device, Manifest, Model, ModelChoice, resnet, weights::Wanted};
use safetensors::{Dtype, serialize_to_file, tensor::TensorView};
use serde::Deserialize;

#[derive(Deserialize)]
struct Row {
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
    let value = |u: f64| match name {
        _ if shape.len() > 1 => (2.0 * u - 1.0) * bound,
        _ if name.ends_with("running_var") => 0.5 + u,
        _ if name.ends_with(".weight") && name.starts_with('_') => 0.6 + 0.4 * u,
        _ if name.ends_with(".weight") => 0.2 + 0.4 * u,
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

fn write_weights(wanted: Vec<Wanted>, file: &Path) {
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

#[track_caller]
fn check(manifest: &str) {
    let manifest = Manifest::parse(manifest).unwrap();
    let wanted = resnet::wanted(manifest.resnet.as_ref().unwrap(), manifest.dim);
    check_against(include_str!("../torchvision/expected.json"), manifest, wanted);
}

/// Compares the answers of a network with those in `expected`, where they stand under its name.
#[track_caller]
pub fn check_against(expected: &str, manifest: Manifest, wanted: Vec<Wanted>) {
    let mut expected: HashMap<String, serde_json::Value> = serde_json::from_str(expected).unwrap();
    let expected: Vec<Row> = serde_json::from_value(expected.remove(&manifest.name).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weights.safetensors");
    write_weights(wanted, &file);
    let model = Model { manifest, weights: Some(file), fingerprint: String::new() };
    let batch: Vec<_> = (0..expected.len() as u32).map(|index| picture(index, model.manifest.input)).collect();
    let embed = |exact: bool| {
        let choice = ModelChoice { exact, device: Device::Cpu, ..ModelChoice::default() };
        embed::load(&model, &choice).unwrap().embed(&batch).unwrap()
    };

    let exact = embed(true);
    for (row, expected) in exact.iter().zip(&expected) {
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

    // On a CPU without bfloat16 both are float32, and the test holds all the more.
    for (quick, exact) in embed(false).iter().zip(&exact) {
        let dot: f64 = quick.iter().zip(exact).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        let cosine = dot / (length(quick) * length(exact));
        assert!(cosine >= 0.999, "cosine {cosine}");
    }
}

fn length(row: &[f32]) -> f64 {
    row.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn resnet18_is_torchvisions() {
    check(include_str!("../../models/resnet18.toml"));
}

#[test]
fn resnet50_is_torchvisions() {
    check(include_str!("../../models/resnet50.toml"));
}
