//! DINOv2's networks answer as those of its authors and as those of transformers do, from either's files. Weights and
//! pixels follow the formula of `torchvision`; `vision_transformer/make_expected.py` made the expected values.

use std::collections::HashMap;

use serde::Deserialize;

use crate::torchvision::{Row, built_in, check_against, sum_of};

#[derive(Deserialize)]
struct Expected {
    embeddings: HashMap<String, Vec<Row>>,
    models: HashMap<String, [String; 2]>,
}

fn expected() -> Expected {
    serde_json::from_str(include_str!("../vision_transformer/expected.json")).unwrap()
}

/// Eight patches on a side, trained with six: the embeddings of positions are resampled.
fn manifest(layer: &str, pool: &str) -> String {
    format!(
        "name = 'small'\narchitecture = 'vision-transformer'\ninput = 112\ndim = 48\nlayer = '{layer}'\n\
         [vision_transformer]\nnames = 'dinov2'\npatch = 14\nwidth = 48\nheads = 3\ndepth = 3\nhidden = 192\ngrid = 6\n\
         pool = '{pool}'\n[weights]\nfile = 'small.pth'"
    )
}

#[test]
fn the_class_token_and_the_mean_of_the_patches_are_the_authors() {
    let expected = expected().embeddings;
    check_against(&expected["authors, class token"], &manifest("norm", "class-token"), 0);
    check_against(&expected["authors, mean"], &manifest("norm", "mean"), 0);
}

#[test]
fn a_block_inside_is_the_authors() {
    check_against(&expected().embeddings["authors at an inner block"], &manifest("blocks.1", "class-token"), 0);
}

#[test]
fn files_of_transformers_give_what_transformers_gives() {
    let expected = expected().embeddings;
    check_against(&expected["transformers, class token"], &manifest("norm", "class-token"), 1);
    check_against(&expected["transformers, mean"], &manifest("", "mean"), 1);
}

#[test]
fn the_built_in_manifests_have_the_tensors_of_both() {
    for (name, sums) in expected().models {
        let tensors = built_in(&name).tensors();
        assert_eq!([sum_of(&tensors[0]), sum_of(&tensors[1])], sums, "{name}");
    }
}
