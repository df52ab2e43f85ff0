//! What the segments of a JPEG say of the picture, and where its scans end. Names follow ITU-T T.81.

use image::metadata::Orientation;

use super::super::{Unreadable, pixels};

/// What comes before the first scan.
pub(super) struct Headers {
    pub(super) width: u32,
    pub(super) height: u32,
    /// The frame's mark without its upper half: 0 for baseline, 2 for progressive.
    pub(super) coding: u8,
    /// Bits of a sample.
    precision: u8,
    /// Sampling factors of the components, across and down.
    pub(super) sampling: Vec<(u8, u8)>,
    /// Components in the first scan.
    in_first_scan: u8,
    /// How the picture must be turned.
    pub(super) orientation: Option<Orientation>,
    /// Where the entropy-coded data of the first scan begin.
    data: usize,
}

impl Headers {
    /// Reads the segments up to the first scan.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut segments = Segments { bytes, at: 2 };
        let mut frame = None;
        let (mut exif, mut xmp) = (None, None);
        while let Some((mark, segment)) = segments.next() {
            match mark {
                0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf if frame.is_none() => {
                    frame = Some((mark, segment));
                }
                0xe1 if exif.is_none() && segment.starts_with(b"Exif\0\0") => exif = Some(segment),
                0xe1 if xmp.is_none() => xmp = segment.strip_prefix(b"http://ns.adobe.com/xap/1.0/\0"),
                0xda => {
                    let damaged = Unreadable::Damaged("JPEG");
                    let (mark, frame) = frame.ok_or_else(|| damaged.clone())?;
                    let orientation = pixels::stated(exif, xmp);
                    let read = Self::of_frame(mark, frame, segment, segments.at);
                    return read.map(|read| Self { orientation, ..read }).ok_or(damaged);
                }
                0xd9 => return Err(Unreadable::Damaged("JPEG")),
                _ => {}
            }
        }
        Err(Unreadable::CutOff)
    }

    fn of_frame(mark: u8, frame: &[u8], scan: &[u8], data: usize) -> Option<Self> {
        let &[precision, h1, h0, w1, w0, count, ref components @ ..] = frame else { return None };
        let sampling = components.chunks_exact(3).take(count.into()).map(|part| (part[1] >> 4, part[1] & 15));
        let sampling: Vec<_> = sampling.collect();
        (sampling.len() == usize::from(count)).then_some(())?;
        Some(Self {
            width: u16::from_be_bytes([w1, w0]).into(),
            height: u16::from_be_bytes([h1, h0]).into(),
            coding: mark & 15,
            precision,
            sampling,
            in_first_scan: *scan.first()?,
            orientation: None,
            data,
        })
    }

    /// The name of what nothing here decodes, if it is such a kind.
    pub(super) fn unsupported(&self) -> Option<String> {
        Some(match (self.coding, self.precision, self.sampling.len()) {
            (3, ..) => "a lossless JPEG".into(),
            (9..=11 | 13..=15, ..) => "a JPEG with arithmetic coding".into(),
            (5..=7, ..) => "a hierarchical JPEG".into(),
            (_, bits, _) if bits != 8 => format!("a JPEG of {bits} bits a sample"),
            (_, _, 1 | 3 | 4) => return None,
            (_, _, count) => format!("a JPEG of {count} color components"),
        })
    }

    pub(super) fn is_progressive(&self) -> bool {
        self.coding == 2
    }

    /// Whether the quicker decoder reads it right: it takes scans of single components for fewer rows than they have, and
    /// colors that are sampled more finely than the first component for coarser ones.
    pub(super) fn is_ordinary(&self) -> bool {
        let together = self.is_progressive() || usize::from(self.in_first_scan) == self.sampling.len();
        together && matches!(self.sampling[..], [_] | [(1 | 2, 1 | 2), (1, 1), (1, 1)])
    }
}

/// A JPEG's scans.
pub(super) struct Scans {
    /// Where the entropy-coded data of each end.
    ends: Vec<usize>,
    /// Whether the end-of-image mark follows the last.
    pub(super) ended: bool,
}

impl Scans {
    /// Looks for the scans of a picture. What comes behind its end mark, a film for example, is another matter.
    pub(super) fn find(bytes: &[u8], headers: &Headers) -> Self {
        let mut segments = Segments { bytes, at: headers.data };
        let mut ends = vec![segments.skip_data()];
        loop {
            match segments.next() {
                Some((0xda, _)) => ends.push(segments.skip_data()),
                Some((0xd9, _)) => return Self { ends, ended: true },
                // Another picture begins, where this one should go on.
                Some((0xd8, _)) | None => break,
                Some(_) => {}
            }
        }
        // Zeros behind data without an end are what was never written of the file.
        if let Some(end) = ends.last_mut() {
            let zeros = bytes[..*end].iter().rev().take_while(|byte| **byte == 0).count();
            *end -= if zeros >= 4 { zeros } else { 0 };
        }
        Self { ends, ended: false }
    }

    pub(super) fn count(&self) -> usize {
        self.ends.len()
    }

    /// The picture alone, with an end mark, and with ones behind the data of each scan. No Huffman code consists of ones
    /// alone (T.81, C.2), so that a decoder stumbles over them where data are missing, instead of painting gray.
    pub(super) fn completed(&self, bytes: &[u8]) -> Vec<u8> {
        /// More bits than decoders look ahead, and the longest code.
        const ONES: [u8; 32] =
            *b"\xff\0\xff\0\xff\0\xff\0\xff\0\xff\0\xff\0\xff\0\xff\0\xff\0\xff\0\xff\0\xff\0\xff\0\xff\0\xff\0";
        let mut completed = Vec::with_capacity(bytes.len() + (self.ends.len() + 1) * ONES.len());
        let mut from = 0;
        for end in &self.ends {
            completed.extend_from_slice(&bytes[from..*end]);
            completed.extend_from_slice(&ONES);
            from = *end;
        }
        completed.extend_from_slice(&[0xff, 0xd9]);
        completed
    }
}

/// Goes from mark to mark.
struct Segments<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Segments<'a> {
    /// The next mark and what its segment holds. Bytes before it are stepped over, as libjpeg does it.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        loop {
            let mark = self.at + self.bytes.get(self.at..)?.iter().position(|byte| *byte == 0xff)?;
            match *self.bytes.get(mark + 1)? {
                0xff => self.at = mark + 1,
                0x00 => self.at = mark + 2,
                // Marks without a length: restart, start and end of image.
                alone @ (0x01 | 0xd0..=0xd9) => {
                    self.at = mark + 2;
                    return Some((alone, &[]));
                }
                other => {
                    let length = u16::from_be_bytes([*self.bytes.get(mark + 2)?, *self.bytes.get(mark + 3)?]);
                    let end = mark + 2 + usize::from(length).max(2);
                    self.at = end;
                    return Some((other, self.bytes.get(mark + 4..end)?));
                }
            }
        }
    }

    /// Steps over entropy-coded data. Returns where they end.
    fn skip_data(&mut self) -> usize {
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let Some(mark) = rest.iter().position(|byte| *byte == 0xff) else {
                self.at = self.bytes.len();
                return self.at;
            };
            match rest.get(mark + 1) {
                Some(0x00 | 0xd0..=0xd7) => self.at += mark + 2,
                _ => {
                    self.at += mark;
                    return self.at;
                }
            }
        }
    }
}
