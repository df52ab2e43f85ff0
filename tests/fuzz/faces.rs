//! Whatever a file in the place of dlib's network holds, loading it ends in one short sentence.

#![no_main]

use std::{fs, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use lookalike::{
    embed::{self, Device, Manifest, Model, ModelChoice, read_small_faces},
    printable::is_hostile,
};
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().unwrap());
static FACES: LazyLock<Manifest> = LazyLock::new(|| Manifest::parse(include_str!("../../models/faces.toml")).unwrap());

fuzz_target!(|content: &[u8]| {
    // The real network has 22 MB: one with few channels is read to its end.
    match read_small_faces(content) {
        Ok(convolutions) => assert_eq!(convolutions, 7),
        Err(reason) => assert!((1..200).contains(&reason.len()) && !reason.contains(is_hostile), "{reason:?}"),
    }
    let file = FOLDER.path().join("faces.dat");
    fs::write(&file, content).unwrap();
    let model = Model { manifest: FACES.clone(), weights: Some(file), fingerprint: String::new() };
    let choice = ModelChoice { device: Device::Cpu, threads: 1, exact: true, ..ModelChoice::default() };
    // MTCNN's files are not there.
    let error = embed::load(&model, &choice).map(drop).unwrap_err().to_string();
    assert!(error.len() < 1000 && !error.contains(is_hostile), "{error:?}");
});
