//! Whatever a file in the place of dlib's network holds, loading it ends in one line.
//! Start from the real one: `cargo +nightly fuzz run --fuzz-dir fuzz faces CORPUS`.
#![no_main]

use std::{fs, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use lookalike::embed::{self, Device, Manifest, Model, ModelChoice};
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().unwrap());

fuzz_target!(|content: &[u8]| {
    let file = FOLDER.path().join("faces.dat");
    fs::write(&file, content).unwrap();
    let manifest = Manifest::parse(include_str!("../../models/faces.toml")).unwrap();
    let model = Model { manifest, weights: Some(file), fingerprint: String::new() };
    let choice = ModelChoice { device: Device::Cpu, threads: 1, exact: true, ..ModelChoice::default() };
    // MTCNN's files are not there.
    let error = embed::load(&model, &choice).map(drop).unwrap_err().to_string();
    assert!(!error.contains('\n'), "{error}");
});
