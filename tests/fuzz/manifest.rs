//! Whatever a manifest says, reading it ends in one short sentence or in a model that a machine can hold.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lookalike::{
    embed::{Manifest, fingerprint::fingerprint},
    printable::is_hostile,
};

fuzz_target!(|text: &str| {
    match Manifest::parse(text) {
        Err(reason) => assert!((1..4000).contains(&reason.len()) && !reason.contains(is_hostile), "{reason:?}"),
        Ok(manifest) => {
            let files = manifest.weights.iter().flat_map(|source| source.files()).map(|source| &source.file);
            assert!(files.chain([&manifest.name]).all(|name| !name.contains(is_hostile)));
            for wanted in manifest.tensors() {
                assert!(wanted.len() < 50_000);
                assert!(wanted.iter().all(|wanted| wanted.shape.iter().all(|&side| side > 0)));
            }
            let layers = manifest.layers();
            assert!(layers.is_empty() || manifest.taken(&layers).is_some());
            assert_eq!(fingerprint(&manifest, None).unwrap().len(), 16);
        }
    }
});
