//! Raw frames as ffmpeg writes them into a pipe: binary PPM, each with its own size before its pixels, so that a stream
//! may change it and what is no frame is seen at once.

use std::io::{self, Read};

use image::RgbImage;

/// Longer than any side that is asked for.
const MOST_SIDE: u32 = 8192;

/// What came instead of a frame.
#[derive(Debug)]
pub(super) enum Broken {
    /// The stream has ended between two frames.
    Ended,
    /// It ended inside of a frame.
    HalfAFrame,
    /// It is no frame.
    Garbage,
    /// It could not be read.
    Io(io::Error),
}

/// Reads one frame.
pub(super) fn read(from: &mut impl Read) -> Result<RgbImage, Broken> {
    let mut magic = [0; 2];
    match from.read(&mut magic[..1]) {
        Ok(0) => return Err(Broken::Ended),
        Ok(_) => {}
        Err(error) => return Err(Broken::Io(error)),
    }
    exact(from, &mut magic[1..])?;
    if &magic != b"P6" {
        return Err(Broken::Garbage);
    }
    let (width, height, most) = (number(from)?, number(from)?, number(from)?);
    if most != 255 || !(1..=MOST_SIDE).contains(&width) || !(1..=MOST_SIDE).contains(&height) {
        return Err(Broken::Garbage);
    }
    let mut pixels = vec![0; width as usize * height as usize * 3];
    exact(from, &mut pixels)?;
    RgbImage::from_raw(width, height, pixels).ok_or(Broken::Garbage)
}

/// A number with a blank before and one after it.
fn number(from: &mut impl Read) -> Result<u32, Broken> {
    let mut number = None;
    // More digits than any number has are none.
    for _ in 0..12 {
        let mut byte = [0];
        exact(from, &mut byte)?;
        match (byte[0], number) {
            (digit @ b'0'..=b'9', so_far) => {
                number = Some(so_far.unwrap_or(0_u32).saturating_mul(10).saturating_add(u32::from(digit - b'0')));
            }
            (b' ' | b'\n' | b'\t' | b'\r', Some(number)) => return Ok(number),
            (b' ' | b'\n' | b'\t' | b'\r', None) => {}
            _ => return Err(Broken::Garbage),
        }
    }
    Err(Broken::Garbage)
}

fn exact(from: &mut impl Read, bytes: &mut [u8]) -> Result<(), Broken> {
    from.read_exact(bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Broken::HalfAFrame,
        _ => Broken::Io(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_several_sizes_follow_each_other() {
        let mut stream: &[u8] = b"P6\n2 1\n255\nabcdefP6 1 1 255\nghi";
        let first = read(&mut stream).expect("a frame");
        assert_eq!((first.dimensions(), first.as_raw().as_slice()), ((2, 1), b"abcdef".as_slice()));
        assert_eq!(read(&mut stream).expect("a frame").as_raw(), b"ghi");
        assert!(matches!(read(&mut stream), Err(Broken::Ended)));
    }

    #[test]
    fn what_is_no_frame_is_seen() {
        for garbage in [
            "hello, this is no frame",
            "P6\n0 1\n255\n",
            "P6\n9999 1\n255\n",
            "P6\n1 1\n65535\n",
            "P6\n1 -1\n255\n",
            "P6\n99999999999999999999",
        ] {
            assert!(matches!(read(&mut garbage.as_bytes()), Err(Broken::Garbage)), "{garbage}");
        }
        for half in ["P", "P6\n1", "P6\n1 1\n255\nab"] {
            assert!(matches!(read(&mut half.as_bytes()), Err(Broken::HalfAFrame)), "{half}");
        }
    }
}
