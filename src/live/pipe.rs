//! Pictures on the standard input: one file, or several JPEG or PNG files one behind the other, as cameras and other
//! programs write them.

use std::{
    io::{self, IsTerminal, Read},
    path::Path,
};

use super::inbox::Inbox;
use crate::{
    decode::{self, Alpha},
    error::{Error, Result},
};

/// A picture that does not end within so many bytes is none.
const MOST_BYTES: usize = 256 << 20;

/// Puts pictures into the inbox until the standard input has ended; `tell` hears of what is no picture.
///
/// # Errors
/// [`Error::Source`] when the standard input is a terminal or cannot be read.
pub(super) fn stream(inbox: &Inbox, tell: &dyn Fn(String)) -> Result<()> {
    let failed = |reason: String| Error::Source { name: "standard input".into(), reason };
    let mut input = io::stdin().lock();
    if io::stdin().is_terminal() {
        return Err(failed(
            "it is the terminal: send pictures through a pipe, as in `cat a.jpg | lookalike live …`".into(),
        ));
    }
    let (mut bytes, mut chunk, mut count) = (Vec::new(), vec![0; 1 << 16], 0);
    let mut at = 0;
    loop {
        let read = match input.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(|error| failed(error.to_string()))?,
        };
        bytes.extend_from_slice(&chunk[..read]);
        let mut put = |picture: &[u8]| {
            count += 1;
            let name = format!("picture {count} of the standard input");
            match decode::bytes_to_picture(picture, Path::new("-"), super::DETAIL, Alpha::White) {
                Ok(picture) => inbox.put(picture.rgb, &name),
                Err(why) => {
                    tell(format!("{name}: {why}"));
                    !inbox.is_closed()
                }
            }
        };
        while let Some(end) = end_of_picture(&bytes, &mut at) {
            let rest = bytes.split_off(end);
            if !put(&bytes) {
                return Ok(());
            }
            (bytes, at) = (rest, 0);
        }
        if read == 0 {
            if !bytes.is_empty() {
                put(&bytes);
            }
            return Ok(());
        }
        if bytes.len() > MOST_BYTES {
            return Err(failed(format!("a picture has no end within {} MB", MOST_BYTES >> 20)));
        }
    }
}

/// Where the picture ends with which the bytes begin; nothing when it is not whole yet, or of a kind that does not say.
/// `at` is how far it was looked through, 0 at first: what has come is not looked through again when more comes.
fn end_of_picture(bytes: &[u8], at: &mut usize) -> Option<usize> {
    if bytes.starts_with(&[0xff, 0xd8]) {
        return end_of_jpeg(bytes, at);
    }
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return end_of_png(bytes, at);
    }
    None
}

/// Behind its end-of-image marker. Segments have their length, so that a thumbnail's marker inside of one is passed over.
fn end_of_jpeg(bytes: &[u8], at: &mut usize) -> Option<usize> {
    *at = (*at).max(2);
    loop {
        // Between segments, and in the scans, a marker is what follows 0xff and is neither 0 nor another 0xff.
        let rest = bytes.get(*at..)?;
        let Some(found) = rest.windows(2).position(|pair| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff)) else {
            // The last byte may be half a marker.
            *at += rest.len().saturating_sub(1);
            return None;
        };
        *at += found;
        match bytes[*at + 1] {
            0xd9 => return Some(*at + 2),
            // Restart markers and the like have no length.
            0x01 | 0xd0..=0xd8 => *at += 2,
            _ => *at += 2 + usize::from(u16::from_be_bytes([*bytes.get(*at + 2)?, *bytes.get(*at + 3)?])),
        }
    }
}

/// Behind its last chunk.
fn end_of_png(bytes: &[u8], at: &mut usize) -> Option<usize> {
    *at = (*at).max(8);
    loop {
        let head = bytes.get(*at..at.checked_add(8)?)?;
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let end = at.checked_add(length)?.checked_add(12)?;
        if &head[4..] == b"IEND" {
            return (end <= bytes.len()).then_some(end);
        }
        *at = end;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{ImageFormat, Rgb, RgbImage};

    use super::*;

    fn encoded(format: ImageFormat) -> Vec<u8> {
        let picture = RgbImage::from_fn(40, 30, |x, y| Rgb([(x * 6) as u8, (y * 8) as u8, (x * y) as u8]));
        let mut bytes = Vec::new();
        picture.write_to(&mut Cursor::new(&mut bytes), format).expect("it can be written");
        bytes
    }

    #[test]
    fn pictures_one_behind_the_other_are_told_apart_wherever_the_bytes_break() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png] {
            let mut one = encoded(format);
            if format == ImageFormat::Jpeg {
                // A segment with a whole thumbnail in it, as cameras write.
                let thumbnail = encoded(format);
                let length = (thumbnail.len() as u16 + 2).to_be_bytes();
                one.splice(2..2, [&[0xff, 0xe1][..], &length, &thumbnail].concat());
            }
            let two = [&one[..], &encoded(ImageFormat::Png)].concat();
            let mut last = 0;
            for length in 0..=two.len() {
                let expected = (length >= one.len()).then_some(one.len());
                assert_eq!(end_of_picture(&two[..length], &mut 0), expected, "{format:?} at {length}");
                // What was looked through is not again, and the end is found all the same.
                let before = last;
                assert_eq!(end_of_picture(&two[..length], &mut last), expected, "{format:?} at {length}");
                assert!(last >= before, "{last} of {length}");
            }
            assert!(last > one.len() / 2, "{last} of {}", one.len());
        }
        assert_eq!(end_of_picture(b"GIF89a and more", &mut 0), None);
        assert_eq!(end_of_picture(b"", &mut 0), None);
    }
}
