//! `fit` gives the pixels of Pillow and torchvision, to a level. `preprocess/make_expected.py` made the expected ones.

use image::{Rgb, RgbImage};
use lookalike::embed::{
    Manifest,
    manifest::{Interpolation, Resize},
    preprocess::fit,
};

const SIDE: u32 = 32;
const EXPECTED: &[u8] = include_bytes!("../preprocess/expected.bin");
const CASES: [(u32, u32, Resize, Interpolation); 7] = [
    (300, 200, Resize::Squash, Interpolation::Bilinear),
    (20, 13, Resize::Squash, Interpolation::Bilinear),
    (301, 203, Resize::ShorterSide(40), Interpolation::Bilinear),
    (77, 501, Resize::ShorterSide(37), Interpolation::Bilinear),
    (25, 30, Resize::ShorterSide(40), Interpolation::Bilinear),
    (300, 200, Resize::Squash, Interpolation::Bicubic),
    (1, 1, Resize::Squash, Interpolation::Bilinear),
];

fn manifest(resize: Resize, interpolation: Interpolation) -> Manifest {
    let built_in = Manifest::parse(include_str!("../../models/resnet50.toml")).unwrap();
    Manifest { input: SIDE, resize, interpolation, ..built_in }
}

fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let level = |c: u32| (x * 7 + y * (3 + c) + x * y / 8 + (x / 16 + y / 16) % 2 * 90) % 256;
        Rgb([level(0) as u8, level(1) as u8, level(2) as u8])
    })
}

#[test]
fn the_pixels_are_pillows() {
    let bytes = (SIDE * SIDE * 3) as usize;
    assert_eq!(EXPECTED.len(), CASES.len() * bytes);
    for ((width, height, resize, interpolation), expected) in CASES.into_iter().zip(EXPECTED.chunks_exact(bytes)) {
        let fitted = fit(&picture(width, height), &manifest(resize, interpolation)).unwrap();
        let largest = fitted.as_raw().iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(largest <= Some(1), "{width}×{height} {resize:?} {interpolation:?}: {largest:?} levels apart");
    }
}

#[test]
fn extreme_shapes_fit_without_an_intermediate_picture_of_their_size() {
    for (width, height) in [(60_000, 1), (1, 60_000), (2, 3)] {
        for resize in [Resize::Squash, Resize::ShorterSide(40)] {
            let fitted = fit(&picture(width, height), &manifest(resize, Interpolation::Bilinear)).unwrap();
            assert_eq!(fitted.dimensions(), (SIDE, SIDE));
        }
    }
    assert!(fit(&RgbImage::new(0, 5), &manifest(Resize::Squash, Interpolation::Bilinear)).is_err());
}
