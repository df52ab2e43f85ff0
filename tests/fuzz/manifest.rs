//! Whatever a manifest says, reading it ends in one short sentence or in a model that a machine can hold.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lookalike::embed::{Manifest, fingerprint::fingerprint};

fuzz_target!(|text: &str| {
    match Manifest::parse(text) {
        Err(reason) => assert!(!reason.is_empty()),
        Ok(manifest) => {
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
