//! What decoding promises, and what it says of files that hold no picture.

use std::io::Cursor;

use image::{
    DynamicImage, GrayAlphaImage, ImageBuffer, ImageEncoder as _, ImageFormat, Luma, LumaA, Rgb, RgbImage,
    codecs::jpeg::JpegEncoder,
};

use super::*;

/// A picture whose four quarters differ, so that every turn and flip shows: red, green / blue, white.
fn quarters(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| match (x < width / 2, y < height / 2) {
        (true, true) => Rgb([220, 20, 20]),
        (false, true) => Rgb([20, 220, 20]),
        (true, false) => Rgb([20, 20, 220]),
        (false, false) => Rgb([235, 235, 235]),
    })
}

fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn jpeg_bytes(image: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 95).encode_image(image).unwrap();
    bytes
}

/// The JPEG with an EXIF block that holds nothing but the orientation.
fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    let length = (exif.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
}

#[track_caller]
fn decoded(bytes: &[u8], detail: Detail) -> Picture {
    bytes_to_picture(bytes, Path::new("x.jpg"), detail, Alpha::White).unwrap()
}

#[track_caller]
fn refused(bytes: &[u8], name: &str) -> String {
    let sentence = bytes_to_picture(bytes, Path::new(name), Detail::AtLeast(64), Alpha::White).unwrap_err().to_string();
    assert!(!sentence.contains('\n') && !sentence.is_empty(), "{sentence}");
    sentence
}

/// The quarters' names, row by row.
fn layout(image: &RgbImage) -> String {
    let (w, h) = image.dimensions();
    let at = |x, y| match image.get_pixel(x, y).0 {
        [200..=255, 0..80, 0..80] => 'R',
        [0..80, 200..=255, 0..80] => 'G',
        [0..80, 0..80, 200..=255] => 'B',
        [200..=255, 200..=255, 200..=255] => 'W',
        _ => '?',
    };
    [(w / 4, h / 4), (3 * w / 4, h / 4), (w / 4, 3 * h / 4), (3 * w / 4, 3 * h / 4)]
        .map(|(x, y)| at(x, y))
        .iter()
        .collect()
}

#[test]
fn every_exif_orientation_comes_out_upright_at_full_size_and_scaled() {
    let jpeg = jpeg_bytes(&quarters(640, 320));
    // What the quarters look like after each orientation was applied once.
    let upright = ["RGBW", "GRWB", "WBGR", "BWRG", "RBGW", "BRWG", "WGBR", "GWRB"];
    for (orientation, layout_wanted) in (1..).zip(upright) {
        let bytes = with_orientation(&jpeg, orientation);
        let turned = orientation >= 5;
        for (detail, wide) in [(Detail::Full, 640), (Detail::AtLeast(80), 160)] {
            let picture = decoded(&bytes, detail);
            let size = |w: u32, h: u32| if turned { (h, w) } else { (w, h) };
            assert_eq!(layout(&picture.rgb), layout_wanted, "orientation {orientation} {detail:?}");
            assert_eq!(picture.rgb.dimensions(), size(wide, wide / 2), "orientation {orientation} {detail:?}");
            assert_eq!(picture.pixels, size(640, 320), "orientation {orientation} {detail:?}");
        }
    }
}

#[test]
fn a_webp_is_turned_upright_with_and_without_the_prefix_that_jpeg_wants() {
    for prefix in [&b""[..], b"Exif\0\0"] {
        let mut encoded = Vec::new();
        let mut encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut encoded);
        let exif = [prefix, b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"].concat();
        encoder.set_exif_metadata(exif).unwrap();
        quarters(64, 32).write_with_encoder(encoder).unwrap();
        let picture = decoded(&encoded, Detail::Full);
        assert_eq!((layout(&picture.rgb).as_str(), picture.pixels), ("BRWG", (32, 64)), "{prefix:?}");
    }
}

#[test]
fn scaled_decoding_keeps_both_sides_as_long_as_asked() {
    let jpeg = jpeg_bytes(&quarters(1000, 333));
    for (side, width) in [(1, 125), (42, 125), (43, 250), (84, 250), (85, 1000), (5000, 1000)] {
        let picture = decoded(&jpeg, Detail::AtLeast(side));
        assert_eq!(picture.rgb.width(), width, "at least {side}");
        assert_eq!(picture.pixels, (1000, 333));
    }
}

#[test]
fn the_content_decides_the_format() {
    let png = encoded(quarters(8, 8), ImageFormat::Png);
    let picture = bytes_to_picture(&png, Path::new("holiday.jpg"), Detail::Full, Alpha::White).unwrap();
    assert_eq!((picture.format, picture.pixels), ("PNG", (8, 8)));
    let tga = encoded(quarters(8, 8), ImageFormat::Tga);
    assert_eq!(bytes_to_picture(&tga, Path::new("a.TGA"), Detail::Full, Alpha::White).unwrap().format, "TGA");
}

#[test]
fn every_lossless_format_gives_the_same_pixels() {
    let image = quarters(16, 12);
    for format in [
        ImageFormat::Png,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
        ImageFormat::WebP,
        ImageFormat::Pnm,
        ImageFormat::Qoi,
        ImageFormat::Tga,
    ] {
        let bytes = encoded(image.clone(), format);
        let picture = bytes_to_picture(&bytes, Path::new("a.tga"), Detail::Full, Alpha::White).unwrap();
        assert!(picture.rgb == image, "{format:?}");
    }
}

#[test]
fn sixteen_bits_gray_and_alpha_become_plain_rgb() {
    let deep = ImageBuffer::<Luma<u16>, _>::from_pixel(4, 4, Luma([0x8080]));
    assert_eq!(decoded(&encoded(deep, ImageFormat::Png), Detail::Full).rgb.get_pixel(0, 0), &Rgb([0x80; 3]));
    let half = GrayAlphaImage::from_fn(4, 4, |x, _| LumaA([100, [0, 51, 128, 255][x as usize]]));
    let half = encoded(half, ImageFormat::Png);
    let level =
        |alpha, x| bytes_to_picture(&half, Path::new("a.png"), Detail::Full, alpha).unwrap().rgb.get_pixel(x, 0).0[0];
    assert_eq!([0, 1, 2, 3].map(|x| level(Alpha::White, x)), [255, 224, 177, 100]);
    assert_eq!([0, 1, 2, 3].map(|x| level(Alpha::Drop, x)), [100; 4], "what lies under a transparent pixel counts");
}

#[test]
fn bombs_are_refused_by_their_header() {
    let mut png = encoded(quarters(8, 8), ImageFormat::Png);
    png[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
    png[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
    // The checksum of the header would be wrong as well, but the decoder may look at the size first.
    let mut jpeg = jpeg_bytes(&quarters(64, 64));
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xea, 0x60, 0xea, 0x60]);
    assert_eq!(
        refused(&jpeg, "a.jpg"),
        "the picture claims 60000×60000 pixels, more than the 300 million that are read"
    );
    let mut bmp = encoded(quarters(8, 8), ImageFormat::Bmp);
    bmp[18..22].copy_from_slice(&60_000_u32.to_le_bytes());
    bmp[22..26].copy_from_slice(&60_000_u32.to_le_bytes());
    assert!(refused(&bmp, "a.bmp").contains("pixels"));
    refused(&png, "a.png");
}

#[test]
fn cut_off_files_are_named_as_that_at_every_length() {
    let jpeg = jpeg_bytes(&quarters(300, 300));
    for percent in [5, 30, 60, 90, 99] {
        let sentence = refused(&jpeg[..jpeg.len() * percent / 100], "a.jpg");
        assert!(sentence.contains("cut off") || sentence.contains("damaged"), "{percent} %: {sentence}");
    }
    let png = encoded(quarters(300, 300), ImageFormat::Png);
    assert_eq!(refused(&png[..png.len() / 2], "a.png"), "the file is cut off: its end is missing");
}

#[test]
fn what_is_no_picture_is_named() {
    let check = |bytes: &[u8], name: &str, words: &str| {
        let sentence = refused(bytes, name);
        assert!(sentence.contains(words), "{name}: {sentence}");
    };
    check(b"", "a.jpg", "empty");
    check(b"hello there", "a.jpg", "text");
    check(b"<!DOCTYPE html><html>", "a.png", "web page");
    check(b"<?xml version='1.0'?><svg xmlns='x'/>", "a.svg", "SVG is not supported");
    check(&[0; 900], "a.jpg", "only zeros");
    check(b"\0\0\0\x18ftypheic\0\0\0\0", "a.heic", "HEIC is not supported");
    check(b"\0\0\0\x18ftypavif\0\0\0\0", "a.avif", "AVIF is not supported");
    check(b"\0\0\0\x18ftypcrx \0\0\0\0", "a.cr3", "camera raw");
    check(b"\xff\x0a\0\0", "a.jxl", "JPEG XL is not supported");
    check(b"8BPS\0\x01", "a.psd", "Photoshop");
    check(b"II*\0\x10\0\0\0CR\x02\0", "a.CR2", "camera raw");
    check(b"\x93\xc2\xff\xfe", "a.jpg", "not an image");
    check(b"\xff\xd8\xff\xe0\0\x10JFIF\0", "a.jpg", "cut off");
}

#[test]
fn arbitrary_bytes_behind_every_signature_never_panic() {
    let signatures: [&[u8]; 14] = [
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"GIF89a",
        b"RIFF\x10\0\0\0WEBPVP8 ",
        b"MM\0*",
        b"II*\0",
        b"DDS ",
        b"BM",
        b"\0\0\x01\0",
        b"#?RADIANCE",
        b"\x76\x2f\x31\x01",
        b"qoif",
        b"P6",
        b"farbfeld",
    ];
    let mut state = 1_u64;
    for signature in signatures {
        for length in [0, 1, 7, 30, 200] {
            let noise = std::iter::repeat_with(|| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            });
            let bytes: Vec<u8> = signature.iter().copied().chain(noise.take(length)).collect();
            let _ = bytes_to_picture(&bytes, Path::new("noise.tga"), Detail::AtLeast(16), Alpha::White);
        }
    }
}

#[test]
fn a_panicking_decoder_is_fenced_and_the_fence_is_taken_down() {
    let result: Option<()> = fenced(|| {
        assert!(!is_fenced(), "as a decoder would");
    });
    assert!(result.is_none());
    assert!(!is_fenced());
    assert_eq!(fenced(|| 1), Some(1));
}

#[test]
fn a_film_behind_a_jpeg_does_not_make_it_cut_off() {
    let whole = jpeg_bytes(&RgbImage::from_fn(40, 30, |x, y| Rgb([x as u8, y as u8, 7])));
    let film = [whole.as_slice(), &[0xff, 0xda, 1, 2, 3]].concat();
    assert!(bytes_to_picture(&film, Path::new("a.jpg"), Detail::Full, Alpha::White).is_ok());
}

/// A PNG of one row, all black.
fn line_png(width: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let line = image::GrayImage::new(width, 1);
    line.write_with_encoder(image::codecs::png::PngEncoder::new(&mut bytes)).unwrap();
    bytes
}

#[test]
fn sides_beyond_any_pictures_are_refused_before_their_pixels_are_allocated() {
    assert!(bytes_to_picture(&line_png(MOST_SIDE), Path::new("a.png"), Detail::Full, Alpha::White).is_ok());
    assert_eq!(
        refused(&line_png(MOST_SIDE + 1), "a.png"),
        "the picture claims 1000001×1 pixels; sides up to 1000000 are read"
    );
}

#[test]
fn only_what_the_bytes_say_is_lasting() {
    let folder = tempfile::tempdir().unwrap();
    let (missing, text) = (folder.path().join("missing.png"), folder.path().join("text.png"));
    std::fs::write(&text, "hello there").unwrap();
    let why = |path: &Path| picture(path, Detail::Full, Alpha::White).unwrap_err();
    assert_eq!((why(&missing), why(&missing).is_lasting()), (Unreadable::Missing, false));
    assert_eq!((why(folder.path()), why(folder.path()).is_lasting()), (Unreadable::NotAFile, false));
    assert_eq!((why(&text), why(&text).is_lasting()), (Unreadable::NotAnImage("it is text, not an image"), true));
}

#[test]
fn a_huge_file_that_is_no_picture_is_refused_by_its_first_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.jpg");
    // A hole as large as files may be takes no room on disk; reading it all would take a gigabyte of memory.
    std::fs::File::create(&path).unwrap().set_len(2 * MOST_BYTES).unwrap();
    assert!(matches!(read(&path), Err(Unreadable::NotAnImage(_))), "its first bytes count before its size");
    std::fs::write(&path, b"\xff\xd8\xff\xe0").unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_len(2 * MOST_BYTES).unwrap();
    assert_eq!(read(&path).unwrap_err().to_string(), "the file is too large: 2048 MB, at most 1024 are read");
}
