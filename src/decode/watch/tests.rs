//! Every decoder gives up when it is told to, wherever it is, and says so in the same words.

use std::{cell::Cell, io::Cursor, path::Path};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

use super::*;
use crate::decode::{Alpha, Detail, Picture, watched};

/// A picture that no coding makes small.
fn noise(side: u32) -> RgbImage {
    let mut random = fastrand::Rng::with_seed(7);
    RgbImage::from_fn(side, side, |_, _| Rgb([random.u8(..), random.u8(..), random.u8(..)]))
}

fn encoded(format: ImageFormat) -> Vec<u8> {
    let picture = DynamicImage::ImageRgb8(noise(250));
    let picture = match format {
        ImageFormat::Farbfeld => picture.into_rgba16().into(),
        ImageFormat::Hdr | ImageFormat::OpenExr => picture.into_rgb32f().into(),
        _ => picture,
    };
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("it can be written");
    bytes.into_inner()
}

fn decode(bytes: &[u8], format: ImageFormat, detail: Detail, watch: &Watch<'_>) -> Result<Picture, Unreadable> {
    let name = format!("a.{}", format.extensions_str()[0]);
    watched(bytes, Path::new(&name), detail, Alpha::White, watch)
}

/// Stops a decoder at its first look at the watch, at its last, and at some between. It must look at least so often.
#[track_caller]
fn check(format: ImageFormat, detail: Detail, least: u32) {
    let bytes = encoded(format);
    let looks = Cell::new(0);
    let count = || {
        looks.set(looks.get() + 1);
        false
    };
    decode(&bytes, format, detail, &Watch::new(MOST_TIME, &count)).expect("a good picture");
    let all = looks.get();
    assert!(all >= least, "{format:?} {detail:?}: {all} looks");
    for last in (0..all).step_by((all / 5).max(1) as usize).chain([all - 1]) {
        looks.set(0);
        let stop = || {
            looks.set(looks.get() + 1);
            looks.get() > last
        };
        let why = decode(&bytes, format, detail, &Watch::new(MOST_TIME, &stop)).expect_err("it was stopped");
        assert_eq!((why, looks.get()), (Unreadable::Stopped, last + 1), "{format:?} {detail:?}");
    }
    let why = decode(&bytes, format, detail, &Watch::new(Duration::ZERO, &|| false)).expect_err("no time at all");
    assert_eq!((&why, why.is_lasting()), (&Unreadable::TooSlow(0), true), "{format:?} {detail:?}");
}

#[test]
fn every_decoder_gives_up_wherever_it_is() {
    use ImageFormat::{Bmp, Farbfeld, Gif, Hdr, Ico, Jpeg, OpenExr, Png, Pnm, Qoi, Tga, Tiff, WebP};
    for format in [Bmp, Farbfeld, Gif, Hdr, Ico, OpenExr, Png, Qoi, Tga, WebP] {
        check(format, Detail::Full, 10);
    }
    // What is not compressed is but copied.
    for format in [Pnm, Tiff] {
        check(format, Detail::Full, 1);
    }
    // With care, quickly, at an eighth and at a quarter.
    for detail in [Detail::Full, Detail::AtLeast(200), Detail::AtLeast(30), Detail::AtLeast(60)] {
        check(Jpeg, detail, 10);
    }
}

#[test]
fn a_header_without_an_end_is_given_up() {
    let notes =
        |count: usize| [b"#?RADIANCE\n".as_slice(), &b"a=b\n".repeat(count), b"\n-Y 1 +X 1\n\x80\x80\x80\x80"].concat();
    let hdr = |notes: &[u8]| decode(notes, ImageFormat::Hdr, Detail::Full, &Watch::new(MOST_TIME, &|| false));
    assert_eq!(hdr(&notes(1000)).expect("a good picture").pixels, (1, 1));
    let why = "what the file says before its pixels is too long: more than 32 MB";
    assert_eq!(hdr(&notes(MOST_HEADER / 4 + 1000)).expect_err("too long"), Unreadable::TooLarge(why.into()));
    // Behind the header, a file is as long as it needs to be.
    let side = 2100_u32;
    let large =
        [b"farbfeld", &side.to_be_bytes()[..], &side.to_be_bytes(), &vec![0; (side * side * 8) as usize]].concat();
    assert!(large.len() > MOST_HEADER);
    let watch = Watch::new(MOST_TIME, &|| false);
    assert!(decode(&large, ImageFormat::Farbfeld, Detail::Full, &watch).is_ok());
}

#[test]
fn a_picture_is_read_as_without_a_watch_until_the_time_is_over() {
    let bytes: Vec<u8> = (0..10_000_u32).map(|at| at as u8).collect();
    let over = Cell::new(false);
    let stop = || over.get();
    let watch = Watch::new(MOST_TIME, &stop);
    let mut watched = Watched::new(&bytes, &watch);
    let mut read = Vec::new();
    watched.read_to_end(&mut read).expect("time is left");
    assert_eq!(read, bytes);
    assert_eq!(watched.seek(SeekFrom::End(-3)).expect("a place"), 9997);
    assert_eq!(watched.fill_buf().expect("time is left"), &bytes[9997..]);
    assert_eq!(watched.seek(SeekFrom::Current(100)).expect("a place"), 10_097);
    assert_eq!(watched.fill_buf().expect("time is left"), b"");
    assert!(watched.seek(SeekFrom::Current(-20_000)).is_err());
    over.set(true);
    watched.rewind().expect("a place");
    // What was looked at already is still given; the time that is over stays over.
    assert!(watched.read_to_end(&mut read).is_err());
    over.set(false);
    assert!(watched.seek(SeekFrom::Start(5000)).and_then(|_| watched.fill_buf().map(drop)).is_err());
    assert_eq!(watch.given_up(), Some(Unreadable::Stopped));
}
