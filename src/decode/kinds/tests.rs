//! Files of unusual kinds: the same picture in every mode as Pillow reads, or the same plain words.

use std::{
    fs,
    path::{Path, PathBuf},
};

use image::{DynamicImage, ImageFormat, RgbImage};

use crate::decode::{Alpha, Detail, Unreadable, bytes_to_picture, picture};

/// In full, in full with the quicker decoders, at a quarter and at an eighth of the size.
const DETAILS: [Detail; 4] = [Detail::Full, Detail::AtLeast(5000), Detail::AtLeast(8), Detail::AtLeast(5)];

fn folder(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "decode", name].iter().collect()
}

fn files(name: &str) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().path());
    let named = entries.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path));
    let mut files: Vec<_> = named.filter(|(name, _)| !name.ends_with(".expected.png")).collect();
    files.sort();
    files
}

/// Mean difference of the levels. A reduced picture is compared with the means of the squares that its pixels stand for,
/// without its last row and column, whose squares reach beyond the picture.
fn difference(picture: &RgbImage, expected: &RgbImage) -> f64 {
    let side = (f64::from(expected.width()) / f64::from(picture.width())).round() as u32;
    let whole = u32::from(side == 1);
    let places = (0..picture.width() - 1 + whole).flat_map(|x| (0..picture.height() - 1 + whole).map(move |y| (x, y)));
    let differences = places.flat_map(|(x, y)| {
        let square = image::imageops::crop_imm(expected, x * side, y * side, side, side).to_image();
        [0, 1, 2].map(|channel| {
            let mean = square.pixels().map(|pixel| f64::from(pixel.0[channel])).sum::<f64>() / f64::from(side * side);
            (f64::from(picture.get_pixel(x, y).0[channel]) - mean).abs()
        })
    });
    let (sum, count) = differences.fold((0.0, 0), |(sum, count), difference| (sum + difference, count + 1));
    sum / f64::from(count)
}

#[test]
fn unusual_files_give_the_picture_that_pillow_reads_in_every_mode() {
    let files = files("read");
    assert!(files.len() > 20);
    for (name, path) in files {
        let expected = image::open(format!("{}.expected.png", path.display())).unwrap().into_rgb8();
        for detail in DETAILS {
            let picture = picture(&path, detail, Alpha::White).unwrap_or_else(|why| panic!("{name} {detail:?}: {why}"));
            assert_eq!(picture.pixels, expected.dimensions(), "{name} {detail:?}");
            let reduced = picture.rgb.dimensions() != expected.dimensions();
            assert!(
                !reduced || (name.ends_with("jpg") && matches!(detail, Detail::AtLeast(..10))),
                "{name} {detail:?}"
            );
            // At an eighth, a color sampled at a third has one value for 24 pixels in a row.
            let (difference, most) = (difference(&picture.rgb, &expected), if reduced { 16.0 } else { 1.5 });
            assert!(difference < most, "{name} {detail:?}: {difference}");
        }
    }
}

#[test]
fn what_is_hidden_under_full_transparency_counts_only_where_alpha_is_dropped() {
    let read = |name: &str, alpha| picture(&folder("read").join(name), Detail::Full, alpha).unwrap().rgb;
    assert_eq!(read("hidden.png", Alpha::White).get_pixel(0, 0).0, [255; 3]);
    assert_ne!(read("hidden.png", Alpha::Drop).get_pixel(0, 0).0, [255; 3]);
    assert_ne!(read("black.png", Alpha::White), read("black.png", Alpha::Drop));
    // Colors that were multiplied by alpha come out as they were before, where anything is left of them.
    let colors = read("alpha.tif", Alpha::Drop);
    for name in ["multiplied.tif", "multiplied-16.tif", "multiplied.tga"] {
        let picture = read(name, Alpha::Drop);
        let clear = |x: u32| x > 4;
        let most = colors.enumerate_pixels().filter(|(x, ..)| clear(*x)).flat_map(|(x, y, color)| {
            [0, 1, 2].map(|channel| color.0[channel].abs_diff(picture.get_pixel(x, y).0[channel]))
        });
        assert!(most.max().unwrap() <= 3, "{name}");
        assert_eq!(picture.get_pixel(0, 0).0, [0; 3], "{name}");
    }
}

/// An OpenEXR picture whose alpha is the same everywhere.
fn light(alpha: f32) -> Vec<u8> {
    let picture = image::Rgba32FImage::from_pixel(4, 4, image::Rgba([0.5, 0.25, 0.0, alpha]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::ImageRgba32F(picture).write_to(&mut bytes, ImageFormat::OpenExr).unwrap();
    bytes.into_inner()
}

#[test]
fn light_whose_alpha_was_never_meant_is_no_blank_picture() {
    let read = |alpha| bytes_to_picture(&light(alpha), Path::new("a.exr"), Detail::Full, Alpha::White).unwrap().rgb;
    assert_eq!(read(0.0), read(1.0));
    assert_ne!(read(0.5), read(1.0));
}

#[test]
fn no_mode_gives_half_a_picture_and_good_files_are_never_called_damaged() {
    let unsupported = |kind: &str| Unreadable::Unsupported(kind.into());
    let expected = [
        ("alpha-32.tif", unsupported("TIFF with this kind of colors")),
        ("arithmetic.jpg", unsupported("a JPEG with arithmetic coding")),
        ("bad-sum.png", Unreadable::Damaged("PNG")),
        ("colors-32.tif", unsupported("TIFF with this kind of colors")),
        ("float.tif", unsupported("TIFF with this kind of colors")),
        ("half-and-another.jpg", Unreadable::CutOff),
        ("half-and-end.jpg", Unreadable::Damaged("JPEG")),
        ("half-and-zeros.jpg", Unreadable::CutOff),
        ("half-progressive-and-end.jpg", Unreadable::Damaged("JPEG")),
        ("half-progressive.jpg", Unreadable::CutOff),
        ("half.jpg", Unreadable::CutOff),
        ("half.png", Unreadable::CutOff),
        ("lossless.jpg", unsupported("a lossless JPEG")),
        (
            "many-scans.jpg",
            Unreadable::TooLarge("the picture comes in 3005 scans, which would take too long to read".into()),
        ),
        ("one-channel.dds", unsupported("this kind of DDS")),
        ("palette.tif", unsupported("this kind of TIFF")),
        ("uncompressed.dds", unsupported("this kind of DDS")),
        ("ycbcr-jpeg.tif", unsupported("TIFF with this kind of colors")),
        ("ycbcr.tif", unsupported("TIFF with this kind of colors")),
    ];
    let files = files("refused");
    assert_eq!(files.iter().map(|(name, _)| &**name).collect::<Vec<_>>(), expected.each_ref().map(|(name, _)| *name));
    for ((name, path), (_, why)) in files.iter().zip(expected) {
        for detail in DETAILS {
            let got = picture(path, detail, Alpha::White).err();
            assert_eq!(got.as_ref(), Some(&why), "{name} {detail:?}");
        }
    }
}
