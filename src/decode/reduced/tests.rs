//! Reduced pictures against the same pictures decoded in full and averaged.

use image::{ImageFormat, RgbImage};

use crate::decode::watch::{MOST_TIME, Watch};

/// Without an end to the patience.
fn decode(bytes: &[u8], eighths: usize) -> Option<RgbImage> {
    super::decode(bytes, eighths, &Watch::new(MOST_TIME, &|| false))
}

const FILES: [(&str, &[u8]); 6] = [
    ("420", include_bytes!("../../../tests/decode/420.jpg")),
    ("422", include_bytes!("../../../tests/decode/422.jpg")),
    ("444", include_bytes!("../../../tests/decode/444.jpg")),
    ("gray", include_bytes!("../../../tests/decode/gray.jpg")),
    ("restarts", include_bytes!("../../../tests/decode/restarts.jpg")),
    ("coarse", include_bytes!("../../../tests/decode/coarse.jpg")),
];

/// Means over squares of `side` pixels.
fn averaged(picture: &RgbImage, side: u32) -> RgbImage {
    let (width, height) = picture.dimensions();
    RgbImage::from_fn(width.div_ceil(side), height.div_ceil(side), |x, y| {
        let (columns, rows) = (x * side..((x + 1) * side).min(width), y * side..((y + 1) * side).min(height));
        let pixels: Vec<_> = rows.flat_map(|y| columns.clone().map(move |x| (x, y))).collect();
        let mean = |channel: usize| {
            let sum: u32 = pixels.iter().map(|&(x, y)| u32::from(picture.get_pixel(x, y).0[channel])).sum();
            (sum as f32 / pixels.len() as f32).round() as u8
        };
        image::Rgb([mean(0), mean(1), mean(2)])
    })
}

/// Mean difference in luma and in the colors, without the last row and column, whose blocks reach beyond the picture.
fn difference(a: &RgbImage, b: &RgbImage) -> (f64, f64) {
    let luma = |[r, g, b]: [u8; 3]| 0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b);
    let (width, height) = (a.width() - 1, a.height() - 1);
    let places = (0..width).flat_map(|x| (0..height).map(move |y| (x, y)));
    let (mut in_luma, mut in_color) = (0.0, 0.0);
    for (x, y) in places {
        let (a, b) = (a.get_pixel(x, y).0, b.get_pixel(x, y).0);
        in_luma += (luma(a) - luma(b)).abs();
        in_color += a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(b))).sum::<f64>() / 3.0;
    }
    let pixels = f64::from(width * height);
    (in_luma / pixels, in_color / pixels)
}

#[test]
fn a_reduced_picture_is_the_full_one_averaged() {
    for (name, bytes) in FILES {
        let full = image::load_from_memory_with_format(bytes, ImageFormat::Jpeg).unwrap().into_rgb8();
        for eighths in [1, 2] {
            let reduced = decode(bytes, eighths).unwrap_or_else(|| panic!("{name} at {eighths}/8"));
            let expected = averaged(&full, 8 / eighths as u32);
            assert_eq!(reduced.dimensions(), expected.dimensions(), "{name}");
            let (luma, color) = difference(&reduced, &expected);
            // Where the file itself halves the color, the reduced picture at 1/4 has half of that.
            let most = if eighths == 2 && !matches!(name, "444" | "gray") { 5.0 } else { 1.5 };
            assert!(luma < 1.0 && color < most, "{name} at {eighths}/8: {luma} in luma, {color} in color");
        }
    }
}

#[test]
fn what_is_not_an_ordinary_baseline_file_is_left_to_others() {
    let (_, bytes) = FILES[0];
    let scan = bytes.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
    assert!(decode(&bytes[..scan], 1).is_none(), "no scan");
    assert!(decode(&bytes[..scan + 400], 1).is_none(), "cut off");
    let mut progressive = bytes.to_vec();
    let header = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    progressive[header + 1] = 0xc2;
    assert!(decode(&progressive, 1).is_none(), "progressive");
    assert!(decode(&[], 1).is_none());
}

#[test]
fn damaged_bytes_are_refused_or_decoded_but_never_a_panic() {
    let mut seed = 7_u32;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as usize % below
    };
    for (_, bytes) in FILES {
        for _ in 0..200 {
            let mut damaged = bytes.to_vec();
            // The headers are small and hit rarely: half of the damage goes there.
            let reach = [700.min(bytes.len()), bytes.len()][random(2)];
            for _ in 0..=random(3) {
                damaged[random(reach)] = random(256) as u8;
            }
            decode(&damaged, 1 + random(2));
        }
    }
}
