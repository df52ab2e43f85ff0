//! The native networks of inverted residuals answer as PyTorch's do, with the layouts of EfficientNet-Lite 0, 1 and 2, and
//! as timm's EfficientNet-Lites do. Weights and pixels follow the formula of `torchvision`;
//! `inverted_residual/make_expected.py` made the expected values.

use std::collections::HashMap;

use serde::Deserialize;

use crate::torchvision::{Known, Row, built_in, check_against, check_known, check_manifest};

/// The seven stages: kernel, stride and expansion are the same for all sizes.
const STAGES: [(i64, i64, i64); 7] = [(3, 1, 1), (3, 2, 6), (5, 2, 6), (3, 2, 6), (5, 1, 6), (5, 2, 6), (3, 1, 6)];

#[track_caller]
fn check(name: &str, input: u32, blocks: [usize; 7], channels: [i64; 7], [dim, head]: [&str; 2]) {
    let stages: Vec<_> = STAGES
        .iter()
        .zip(blocks.iter().zip(channels))
        .map(|((kernel, stride, expansion), (blocks, channels))| {
            format!(
                "{{ blocks = {blocks}, channels = {channels}, kernel = {kernel}, stride = {stride}, expansion = {expansion} }}"
            )
        })
        .collect();
    let text = format!(
        "name = '{name}'\narchitecture = 'inverted-residual'\ninput = {input}\n{dim}\n\
         mean = [{mean}, {mean}, {mean}]\nstd = [{std}, {std}, {std}]\n\
         [inverted_residual]\nstem = 32\nfeatures = 1280\nstages = [{stages}]\n{head}\n[weights]\nfile = 'lite.pth'\n",
        mean = 127.0 / 255.0,
        std = 128.0 / 255.0,
        stages = stages.join(", "),
    );
    let mut expected: HashMap<String, serde_json::Value> =
        serde_json::from_str(include_str!("../inverted_residual/expected.json")).unwrap();
    let rows: Vec<_> = serde_json::from_value(expected.remove(name).unwrap()).unwrap();
    check_against(&rows, &text, 0);
}

const LINEAR: [&str; 2] = ["dim = 64", "normalize = true\nprojection = 'embedding'"];

#[test]
fn lite0_is_pytorchs() {
    check("lite0", 160, [1, 2, 2, 3, 3, 4, 1], [16, 24, 40, 80, 112, 192, 320], LINEAR);
}

#[test]
fn lite1_without_a_linear_layer_and_with_odd_sides_is_pytorchs() {
    check("lite1", 130, [1, 3, 3, 4, 4, 5, 1], [16, 24, 40, 80, 112, 192, 320], ["dim = 1280", ""]);
}

#[test]
fn what_tapped_blocks_say_stands_behind_the_features_also_where_their_maps_do_not_fit_the_last_ones() {
    let head = format!("{}\ntaps = [8, 14]", LINEAR[1]);
    check("lite1-taps", 130, [1, 3, 3, 4, 4, 5, 1], [16, 24, 40, 80, 112, 192, 320], [LINEAR[0], &head]);
}

#[test]
fn lite2_is_pytorchs() {
    check("lite2", 192, [1, 3, 3, 4, 4, 5, 1], [16, 24, 48, 88, 120, 208, 352], LINEAR);
}

/// What timm says and answers.
#[derive(Deserialize)]
struct Timm {
    embeddings: HashMap<String, Vec<Row>>,
    models: HashMap<String, Known>,
}

fn timm() -> Timm {
    let mut expected: HashMap<String, serde_json::Value> =
        serde_json::from_str(include_str!("../inverted_residual/expected.json")).unwrap();
    serde_json::from_value(expected.remove("timm").unwrap()).unwrap()
}

/// Checks a built-in model for pictures of that side, and at a layer inside that gives so many values.
#[track_caller]
fn check_timms(name: &str, side: u32, inner: Option<(&str, usize)>) {
    let expected = timm().embeddings;
    let mut manifest = built_in(name);
    manifest.input = side;
    check_manifest(&expected[name], manifest.clone(), 0);
    if let Some((layer, dim)) = inner {
        (manifest.layer, manifest.dim) = (layer.into(), dim);
        check_manifest(&expected[&format!("{name} at {layer}")], manifest, 0);
    }
}

#[test]
fn the_built_in_lite0_is_timms_and_a_stage_is_its_last_block() {
    check_timms("efficientnet-lite0", 160, Some(("blocks.2", 40)));
}

#[test]
fn the_built_in_lite1_is_timms_also_with_odd_sides() {
    check_timms("efficientnet-lite1", 130, None);
}

#[test]
fn the_built_in_lite2_is_timms_and_so_is_a_block_inside() {
    check_timms("efficientnet-lite2", 100, Some(("blocks.4.1", 120)));
}

#[test]
fn the_built_in_manifests_have_timms_tensors_and_layers() {
    let known = timm().models;
    assert_eq!(known.len(), 3);
    known.iter().for_each(|(name, known)| check_known(name, known));
}
