//! Baseline JPEGs at an eighth or a quarter of their size, made from the lowest coefficients of each block.
//!
//! Nearly all the time in a JPEG goes into its entropy code. A picture of an eighth of the size needs one to four of the
//! 64 coefficients of a block, so the others are not decoded, only stepped over: a table tells for the next bits how many
//! symbols they hold and how long these are, several symbols at a look. Names follow ITU-T T.81.
//!
//! Whatever is out of the ordinary gives `None`, and another decoder has its turn.

use std::ops::Range;

use image::RgbImage;

use super::Watch;

mod entropy;

use entropy::{Bits, Huffman, segments};

/// Coefficients in zigzag order that up to 2×2 samples are made from: the two by two lowest, and what lies between.
const LOWEST: usize = 5;
/// Samples along a block's side that are made at most.
const MOST_POINTS: usize = 2;

/// Decodes at `eighths` (1 or 2) eighths of the size; sides are rounded up.
pub(super) fn decode(bytes: &[u8], eighths: usize, watch: &Watch<'_>) -> Option<RgbImage> {
    let mut frame = Frame::read(bytes)?;
    let (segments, data) = segments(bytes.get(frame.scan..)?)?;
    frame.lay_out(eighths);
    frame.decode(&data, &segments, watch)?;
    frame.picture(eighths)
}

/// What the headers say, and the planes that are made of it.
struct Frame {
    width: usize,
    height: usize,
    components: Vec<Component>,
    /// Units between two restart marks; 0 for none.
    restart: usize,
    /// Where the entropy-coded data begin.
    scan: usize,
    /// Units (MCUs) across and down.
    units: (usize, usize),
}

/// One color component.
struct Component {
    id: u8,
    /// Blocks of this component in a unit, across and down.
    blocks: (usize, usize),
    /// Steps of the lowest coefficients.
    steps: [i32; LOWEST],
    quantization: usize,
    dc: Option<Huffman>,
    ac: Option<Huffman>,
    /// Samples made of a block, across and down.
    points: (usize, usize),
    plane: Vec<u8>,
    /// Samples in a row of the plane.
    stride: usize,
    /// The last DC coefficient.
    predicted: i32,
}

impl Frame {
    /// Reads the segments up to the first scan.
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut steps: [Option<[i32; LOWEST]>; 4] = [None; 4];
        let mut tables: [[Option<Huffman>; 4]; 2] = Default::default();
        let mut frame: Option<Self> = None;
        let mut restart = 0;
        let mut at = 2;
        loop {
            let (0xff, mark) = (*bytes.get(at)?, *bytes.get(at + 1)?) else { return None };
            let length = usize::from(be16(bytes, at + 2)?);
            let segment = bytes.get(at + 4..at + 2 + length)?;
            at += 2 + length;
            match mark {
                0xc0 | 0xc1 => frame = Some(Self::of_header(segment)?),
                0xc4 => read_huffman(segment, &mut tables)?,
                0xdb => read_steps(segment, &mut steps)?,
                0xdd => restart = usize::from(be16(segment, 0)?),
                // Adobe's segment; 1 says YCbCr, which is the rule without it.
                0xee if segment.starts_with(b"Adobe") && *segment.get(11)? != 1 => return None,
                0xda => {
                    let mut frame = frame?;
                    frame.read_scan(segment, &tables)?;
                    for component in &mut frame.components {
                        component.steps = (*steps.get(component.quantization)?)?;
                    }
                    return Some(Self { restart, scan: at, ..frame });
                }
                // Other kinds of coding, and marks that have no business here.
                0xc2..=0xcf | 0xd0..=0xd9 | 0x00 | 0x01 | 0xff => return None,
                _ => {}
            }
        }
    }

    fn of_header(segment: &[u8]) -> Option<Self> {
        let (height, width) = (usize::from(be16(segment, 1)?), usize::from(be16(segment, 3)?));
        let count = usize::from(*segment.get(5)?);
        if segment[0] != 8 || width == 0 || height == 0 || !matches!(count, 1 | 3) {
            return None;
        }
        let component = |part: &[u8]| {
            // The only component of a picture comes block by block, whatever its sampling factors say.
            let blocks = if count == 1 { (1, 1) } else { (usize::from(part[1] >> 4), usize::from(part[1] & 15)) };
            Component {
                id: part[0],
                blocks,
                steps: [0; LOWEST],
                quantization: usize::from(part[2]),
                dc: None,
                ac: None,
                points: (0, 0),
                plane: Vec::new(),
                stride: 0,
                predicted: 0,
            }
        };
        let components: Vec<_> = segment.get(6..6 + 3 * count)?.chunks_exact(3).map(component).collect();
        let ids: Vec<_> = components.iter().map(|component| component.id).collect();
        let usual = components.iter().all(|c| matches!(c.blocks, (1 | 2 | 4, 1 | 2 | 4)));
        if ids == *b"RGB" || !usual {
            return None;
        }
        Some(Self { width, height, components, restart: 0, scan: 0, units: (0, 0) })
    }

    /// The first scan must hold every component, in the frame's order.
    fn read_scan(&mut self, segment: &[u8], tables: &[[Option<Huffman>; 4]; 2]) -> Option<()> {
        let count = self.components.len();
        if usize::from(*segment.first()?) != count || segment.get(1 + 2 * count..)? != [0, 63, 0] {
            return None;
        }
        for (component, part) in self.components.iter_mut().zip(segment[1..].chunks_exact(2)) {
            if component.id != part[0] {
                return None;
            }
            component.dc = Some(tables[0].get(usize::from(part[1] >> 4))?.clone()?);
            component.ac = Some(tables[1].get(usize::from(part[1] & 15))?.clone()?);
        }
        Some(())
    }

    /// Blocks across and down in a unit: those of the component with the most samples.
    fn most_blocks(&self) -> (usize, usize) {
        let most = |side: fn(&Component) -> usize| self.components.iter().map(side).max().unwrap_or(1);
        (most(|c| c.blocks.0), most(|c| c.blocks.1))
    }

    /// Makes room for the samples. A component of half the resolution gets twice the samples of a block, as libjpeg does it.
    fn lay_out(&mut self, eighths: usize) {
        let (across, down) = self.most_blocks();
        self.units = (self.width.div_ceil(8 * across), self.height.div_ceil(8 * down));
        for component in &mut self.components {
            let points = |most: usize, blocks: usize| (eighths * (most / blocks).max(1)).min(MOST_POINTS);
            component.points = (points(across, component.blocks.0), points(down, component.blocks.1));
            component.stride = self.units.0 * component.blocks.0 * component.points.0;
            component.plane = vec![0; component.stride * self.units.1 * component.blocks.1 * component.points.1];
        }
    }

    fn decode(&mut self, data: &[u8], segments: &[Range<usize>], watch: &Watch<'_>) -> Option<()> {
        let units = self.units.0 * self.units.1;
        let interval = if self.restart == 0 { units } else { self.restart };
        if segments.len() != units.div_ceil(interval) {
            return None;
        }
        for (first, segment) in (0..units).step_by(interval).zip(segments) {
            let mut bits = Bits::of(data, segment);
            for component in &mut self.components {
                component.predicted = 0;
            }
            for unit in first..(first + interval).min(units) {
                let (x, y) = (unit % self.units.0, unit / self.units.0);
                if x == 0 && !watch.goes_on() {
                    return None;
                }
                for component in &mut self.components {
                    component.decode_unit(&mut bits, x, y)?;
                }
            }
            if bits.are_beyond(segment) {
                return None;
            }
        }
        Some(())
    }

    /// Puts the planes together.
    fn picture(&self, eighths: usize) -> Option<RgbImage> {
        let (width, height) = ((self.width * eighths).div_ceil(8), (self.height * eighths).div_ceil(8));
        let (across, down) = self.most_blocks();
        let mut pixels = vec![0; width * height * 3];
        for (y, row) in pixels.chunks_exact_mut(width * 3).enumerate() {
            let lines = self.components.iter().map(|c| {
                let (wide, high) = (across * eighths, down * eighths);
                let line = y * c.blocks.1 * c.points.1 / high * c.stride;
                (&c.plane[line..line + c.stride], wide / (c.blocks.0 * c.points.0))
            });
            let lines: Vec<_> = lines.collect();
            match lines[..] {
                [(gray, _)] => row.chunks_exact_mut(3).zip(gray).for_each(|(pixel, level)| pixel.fill(*level)),
                [(luma, 1), (blue, b), (red, r)] if b > 0 && r > 0 => {
                    for (x, pixel) in row.chunks_exact_mut(3).enumerate() {
                        pixel.copy_from_slice(&to_rgb(luma[x], blue[x / b], red[x / r]));
                    }
                }
                _ => return None,
            }
        }
        RgbImage::from_raw(width as u32, height as u32, pixels)
    }
}

impl Component {
    fn decode_unit(&mut self, bits: &mut Bits<'_>, x: usize, y: usize) -> Option<()> {
        for row in y * self.blocks.1..(y + 1) * self.blocks.1 {
            for column in x * self.blocks.0..(x + 1) * self.blocks.0 {
                let coefficients = self.decode_block(bits)?;
                self.put(row * self.points.1 * self.stride + column * self.points.0, coefficients);
            }
        }
        Some(())
    }

    /// Writes a block's samples, the first at `at`: the inverse DCT of so many coefficients, scaled to the block's mean.
    fn put(&mut self, at: usize, [dc, across, down, _, both]: [i32; LOWEST]) {
        let below = at + self.stride;
        match self.points {
            (1, 1) => self.plane[at] = level(dc),
            (1, _) => (self.plane[at], self.plane[below]) = (level(dc + down), level(dc - down)),
            (_, 1) => (self.plane[at], self.plane[at + 1]) = (level(dc + across), level(dc - across)),
            _ => {
                self.plane[at] = level(dc + across + down + both);
                self.plane[at + 1] = level(dc - across + down - both);
                self.plane[below] = level(dc + across - down - both);
                self.plane[below + 1] = level(dc - across - down + both);
            }
        }
    }

    /// The lowest coefficients of the next block, in steps taken out; the rest of it is stepped over.
    fn decode_block(&mut self, bits: &mut Bits<'_>) -> Option<[i32; LOWEST]> {
        let (dc, ac) = (self.dc.as_ref()?, self.ac.as_ref()?);
        let mut coefficients = [0; LOWEST];
        let (size, window) = bits.symbol(dc)?;
        // Eight bits a sample give differences of eleven bits and levels of sixteen; more are damage.
        (size <= 11).then_some(())?;
        self.predicted = i16::try_from(self.predicted + bits.value(window, size)).ok()?.into();
        coefficients[0] = unquantized(self.predicted, self.steps[0]);
        let mut next = 1;
        while self.points != (1, 1) && next < LOWEST {
            let (symbol, window) = bits.symbol(ac)?;
            let (run, size) = (usize::from(symbol >> 4), symbol & 15);
            if size == 0 {
                if run != 15 {
                    return Some(coefficients);
                }
                next += 16;
                continue;
            }
            next += run;
            let value = bits.value(window, size);
            if let Some(coefficient) = coefficients.get_mut(next) {
                *coefficient = unquantized(value, self.steps[next]);
            }
            next += 1;
        }
        bits.step_over(ac, next)?;
        Some(coefficients)
    }
}

/// A coefficient; what no picture has is cut off, so that sums of damaged ones stay numbers.
fn unquantized(value: i32, step: i32) -> i32 {
    const LARGEST: i32 = 1 << 16;
    value.saturating_mul(step).clamp(-LARGEST, LARGEST)
}

/// A level of 0 to 255 from a sum of coefficients.
fn level(sum: i32) -> u8 {
    (((sum + 4) >> 3) + 128).clamp(0, 255) as u8
}

/// JFIF's YCbCr to RGB, in 16-bit fixed point.
fn to_rgb(luma: u8, blue: u8, red: u8) -> [u8; 3] {
    let (y, b, r) = (i32::from(luma) << 16 | 0x8000, i32::from(blue) - 128, i32::from(red) - 128);
    [y + 91_881 * r, y - 22_554 * b - 46_802 * r, y + 116_130 * b].map(|v| (v >> 16).clamp(0, 255) as u8)
}

fn read_huffman(mut segment: &[u8], tables: &mut [[Option<Huffman>; 4]; 2]) -> Option<()> {
    while let Some((class, rest)) = segment.split_first() {
        let counts = rest.get(..16)?;
        let symbols = rest.get(16..16 + counts.iter().map(|count| usize::from(*count)).sum::<usize>())?;
        let table = tables.get_mut(usize::from(class >> 4))?.get_mut(usize::from(class & 15))?;
        *table = Some(Huffman::new(counts, symbols)?);
        segment = &rest[16 + symbols.len()..];
    }
    Some(())
}

fn read_steps(mut segment: &[u8], steps: &mut [Option<[i32; LOWEST]>; 4]) -> Option<()> {
    while let Some((head, rest)) = segment.split_first() {
        let wide = head >> 4 != 0;
        let (values, behind) = rest.split_at_checked(if wide { 128 } else { 64 })?;
        let step = |at: usize| if wide { be16(values, at * 2).map(i32::from) } else { Some(i32::from(values[at])) };
        let mut lowest = [0; LOWEST];
        for (at, value) in lowest.iter_mut().enumerate() {
            *value = step(at)?;
        }
        *steps.get_mut(usize::from(head & 15))? = Some(lowest);
        segment = behind;
    }
    Some(())
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

#[cfg(test)]
mod tests;
