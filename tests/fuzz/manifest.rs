//! Whatever a manifest says, reading it ends in one short sentence or in a model that a machine can hold.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lookalike::embed::{Manifest, fingerprint::fingerprint, resnet};

fuzz_target!(|text: &str| {
    match Manifest::parse(text) {
        Err(reason) => assert!(!reason.is_empty()),
        Ok(manifest) => {
            if let Some(layout) = &manifest.resnet {
                let wanted = resnet::wanted(layout, manifest.dim);
                assert!(wanted.len() < 50_000);
                assert!(wanted.iter().all(|wanted| wanted.shape.iter().all(|&side| side > 0)));
            }
            assert_eq!(fingerprint(&manifest, None).unwrap().len(), 16);
        }
    }
});
