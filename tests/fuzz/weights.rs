//! Whatever a weights file holds, loading a network from it ends in one line or in a network.
//! Start from real ones: `cargo +nightly fuzz run --fuzz-dir fuzz weights CORPUS weights`.
#![no_main]

use std::{fs, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use lookalike::embed::{self, Device, Manifest, Model, ModelChoice};
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().unwrap());

const SMALL: &str = "name = 'small'\narchitecture = 'resnet'\ndim = 16\ninput = 32\n\
                     [resnet]\nblock = 'basic'\ndepths = [1, 1, 1, 1]\nwidths = [8, 8, 8, 16]\n\
                     [weights]\nfile = 'small.pth'\n";

fuzz_target!(|content: &[u8]| {
    let file = FOLDER.path().join("small.pth");
    fs::write(&file, content).unwrap();
    let model = Model { manifest: Manifest::parse(SMALL).unwrap(), weights: Some(file), fingerprint: String::new() };
    let choice = ModelChoice { device: Device::Cpu, threads: 1, exact: true, ..ModelChoice::default() };
    if let Err(error) = embed::load(&model, &choice).map(drop) {
        assert!(!error.to_string().contains('\n'), "{error}");
    }
});
