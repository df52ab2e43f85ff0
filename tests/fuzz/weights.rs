//! Whatever a weights file holds, loading a network from it ends in one short sentence or in a network.

#![no_main]

use std::{fs, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use lookalike::{
    embed::{
        self, Device, Manifest, Model, ModelChoice,
        weights::{WantedTensor, read_alone},
    },
    printable::is_hostile,
};
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().unwrap());
static SMALL: LazyLock<Manifest> = LazyLock::new(|| {
    let text = "name = 'small'\narchitecture = 'resnet'\ndim = 16\ninput = 32\n\
                [resnet]\nblock = 'basic'\ndepths = [1, 1, 1, 1]\nwidths = [8, 8, 8, 16]\n\
                [weights]\nfile = 'small.pth'\n";
    Manifest::parse(text).unwrap()
});

/// What the small files in `tests/weights` hold, so that some inputs are read to their end.
fn two() -> [WantedTensor; 2] {
    [("conv1.weight", &[2, 3, 2, 1][..]), ("bn1.bias", &[2])]
        .map(|(name, shape)| WantedTensor { name: name.into(), shape: shape.to_vec() })
}

fuzz_target!(|content: &[u8]| {
    let file = FOLDER.path().join("small.pth");
    fs::write(&file, content).unwrap();
    let short = |error: &lookalike::error::Error| {
        let sentence = error.to_string();
        assert!(sentence.len() < 20_000 && !sentence.contains(is_hostile), "{sentence:?}");
    };
    let _ = read_alone(&file, &two()).inspect_err(short);
    // Building a network takes a while: only of what has its tensors.
    if read_alone(&file, &SMALL.tensors()[0]).inspect_err(short).is_ok() {
        let model = Model { manifest: SMALL.clone(), weights: Some(file), fingerprint: String::new() };
        let choice = ModelChoice { device: Device::Cpu, threads: 1, exact: true, ..ModelChoice::default() };
        let _ = embed::load(&model, &choice).map(drop).inspect_err(short);
    }
});
