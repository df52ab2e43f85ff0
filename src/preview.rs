//! Encodes pictures for the terminal, scaled to a number of cells: as colored block characters, or in the terminal's own
//! picture protocol (sixel, kitty, iTerm2).
//!
//! Everything here is slow and runs on the worker's preview threads, except [`Preview::render`], which copies cells.

pub mod blocks;
pub mod difference;
mod dither;
pub mod frames;

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    path::Path,
    sync::Arc,
};

use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image as Pixels, ImageRef},
};
use image::{DynamicImage, RgbImage};
use ratatui::{
    buffer::Buffer,
    layout::{Rect, Size},
    widgets::Widget,
};
use ratatui_image::{
    Image, Resize,
    picker::{Capability, Picker, ProtocolType},
    protocol::{Protocol, kitty::Kitty},
};

use self::{difference::PixelDifference, frames::Framing};
use crate::{
    display::{Background, ColorMap, Depth, Link},
    index::ImageId,
};

/// xterm shows no sixel picture that is wider or higher than this many pixels, and says nothing.
const SIXEL_LIMIT: u32 = 1000;

/// Pixels a side of a kitty picture that crosses a network: raw pixels cost 5 bytes each there, and the terminal enlarges them.
const REMOTE_LIMIT: u32 = 320;

/// Bytes that a picture seen for a moment takes at most over a network: in the 12×6 cells that it has there photographs
/// take 500 of them, the most detailed 830; noise would take 1,260.
const FLEETING_BYTES: u32 = 850;

/// What is shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// What a row of the index stands for.
    Row(ImageId),
    /// A picture that is no row, one that is not indexed yet or from elsewhere, with frames around its faces.
    File(Arc<Path>, Framing),
    /// Where two rows' pictures differ.
    Difference([ImageId; 2]),
}

impl From<ImageId> for Subject {
    fn from(row: ImageId) -> Self {
        Self::Row(row)
    }
}

/// What is shown, and the cells it may fill.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PreviewKey {
    /// What is shown.
    pub subject: Subject,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// Whether of a face the whole picture is shown, with a frame around it; else the face alone.
    pub whole: bool,
    /// Whether it is seen for a moment only: over a network it may then cost few bytes.
    pub fleeting: bool,
}

/// A picture ready to be drawn, or the reason why it cannot be.
#[derive(Clone)]
pub struct Preview {
    shown: Result<Shown, String>,
    difference: Option<Arc<PixelDifference>>,
}

/// An encoded picture: characters, or an image in the terminal's own protocol.
#[derive(Clone)]
enum Shown {
    Cells(Buffer),
    Pixels(Box<Protocol>),
}

impl Preview {
    /// A preview without a picture, and the reason why.
    pub fn failed(reason: impl Into<String>) -> Self {
        Self { shown: Err(reason.into()), difference: None }
    }

    /// Why there is no picture.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.shown.as_ref().err().map(String::as_str)
    }

    /// The numbers of what is shown, when it is a difference.
    #[must_use]
    pub fn difference(&self) -> Option<&PixelDifference> {
        self.difference.as_deref()
    }

    /// Whether it is an image in the terminal's own protocol, and no characters.
    #[must_use]
    pub fn is_pixels(&self) -> bool {
        matches!(self.shown, Ok(Shown::Pixels(_)))
    }

    /// Columns and rows the picture fills: at most what was asked for, in the picture's own proportions.
    #[must_use]
    pub fn size(&self) -> (u16, u16) {
        let size = match &self.shown {
            Ok(Shown::Cells(cells)) => cells.area.as_size(),
            Ok(Shown::Pixels(protocol)) => protocol.size(),
            Err(_) => Size::ZERO,
        };
        (size.width, size.height)
    }

    /// Draws the picture in the middle of `area`; nothing when the area has become too small for it or there is no picture.
    pub fn render(&self, area: Rect, buf: &mut Buffer) {
        let (width, height) = self.size();
        let area = area.intersection(buf.area);
        if width > area.width || height > area.height {
            return;
        }
        let place = Rect::new(area.x + (area.width - width) / 2, area.y + (area.height - height) / 2, width, height);
        match &self.shown {
            Ok(Shown::Cells(cells)) => {
                for (at, cell) in place.positions().zip(&cells.content) {
                    buf[at] = cell.clone();
                }
            }
            Ok(Shown::Pixels(protocol)) => Image::new(protocol).render(place, buf),
            Err(_) => {}
        }
    }
}

/// How this terminal shows pictures; made by `terminal` from what the terminal answered, used by the preview threads.
#[derive(Debug, Clone)]
pub struct Painter {
    picker: Picker,
    depth: Depth,
    background: Background,
    link: Link,
    map: ColorMap,
}

impl Painter {
    /// A painter for the protocol that the picker holds.
    #[must_use]
    pub fn new(picker: Picker, depth: Depth, background: Background, link: Link) -> Self {
        Self { picker, depth, background, link, map: ColorMap::default() }
    }

    /// The same with other colors for what is no picture but a number at each place.
    #[must_use]
    pub fn with(self, map: ColorMap) -> Self {
        Self { map, ..self }
    }

    /// The colors for what is no picture but a number at each place.
    #[must_use]
    pub fn map(&self) -> ColorMap {
        self.map
    }

    /// Whether pictures are sent as pixels, which costs far more bytes than cells do.
    #[must_use]
    pub fn sends_pixels(&self) -> bool {
        self.picker.protocol_type() != ProtocolType::Halfblocks
    }

    /// Width and height in pixels to which a picture is scaled for so many columns and rows. Decoding it at a higher
    /// resolution than that is wasted work.
    #[must_use]
    pub fn scaled_size(&self, pixels: (u32, u32), cells: (u16, u16)) -> (u32, u32) {
        let font = self.picker.font_size();
        let (across, down) = (f64::from(font.width.max(1)), f64::from(font.height.max(1)));
        let (width, height) = fit(pixels, (f64::from(cells.0) * across, f64::from(cells.1) * down));
        let (width, height) = match self.side_limit() {
            None => (width / across * f64::from(blocks::DOTS), height / down * f64::from(blocks::DOTS)),
            Some(limit) => {
                let shrink = (f64::from(limit) / width.max(height)).min(1.0);
                (width * shrink, height * shrink)
            }
        };
        (width.round().max(1.0) as u32, height.round().max(1.0) as u32)
    }

    /// Scales a picture to fit into so many columns and rows, keeping its proportions, and encodes it. A smaller picture is
    /// enlarged.
    #[must_use]
    pub fn paint(&self, picture: &RgbImage, cells: (u16, u16)) -> Preview {
        self.paint_framed(picture, cells, &Framing::default())
    }

    /// The same of a picture that is seen for a moment only.
    #[must_use]
    pub fn paint_fleeting(&self, picture: &RgbImage, cells: (u16, u16)) -> Preview {
        self.painted(picture, cells, &Framing::default(), true)
    }

    /// Draws where two pictures differ, see [`PixelDifference`].
    #[must_use]
    pub fn paint_difference(&self, a: &RgbImage, b: &RgbImage, cells: (u16, u16)) -> Preview {
        match PixelDifference::between(a, b) {
            Ok(difference) => {
                let drawn = self.paint(&difference.drawn(self.map), cells);
                Preview { difference: Some(Arc::new(difference)), ..drawn }
            }
            Err(reason) => Preview::failed(reason),
        }
    }

    /// [`Painter::paint`] with frames around faces, see [`frames`].
    #[must_use]
    pub fn paint_framed(&self, picture: &RgbImage, cells: (u16, u16), framing: &Framing) -> Preview {
        self.painted(picture, cells, framing, false)
    }

    fn painted(&self, picture: &RgbImage, cells: (u16, u16), framing: &Framing, fleeting: bool) -> Preview {
        if cells.0 == 0 || cells.1 == 0 || picture.is_empty() {
            return Preview::failed("there is no room for a picture");
        }
        let (width, height) = self.scaled_size(picture.dimensions(), cells);
        let shown = scale(picture, width, height).and_then(|mut scaled| {
            // Shades alone do not show a line.
            let in_characters = !self.sends_pixels() && self.depth == Depth::Mono;
            if !in_characters {
                frames::draw(&mut scaled, framing);
            }
            if self.sends_pixels() {
                self.encode(scaled, Size::new(cells.0, cells.1)).map(|protocol| Shown::Pixels(Box::new(protocol)))
            } else {
                let lambda = self.lambda(fleeting);
                let mut cells = match (self.link, fleeting) {
                    (Link::Remote, true) => {
                        blocks::cells_within(&scaled, self.depth, self.background, lambda, FLEETING_BYTES)
                    }
                    _ => blocks::cells(&scaled, self.depth, self.background, lambda),
                };
                if in_characters {
                    frames::draw_in_characters(&mut cells, framing);
                }
                Ok(Shown::Cells(cells))
            }
        });
        Preview { shown, difference: None }
    }

    /// Encodes for the terminal's own protocol.
    fn encode(&self, picture: RgbImage, cells: Size) -> Result<Protocol, String> {
        let pixels = picture.dimensions();
        let picture = DynamicImage::ImageRgb8(picture);
        let encoded = if self.picker.protocol_type() == ProtocolType::Kitty {
            // A kitty fits the pixels it gets into the cells it is told, so that fewer can be sent than are shown.
            let font = self.picker.font_size();
            let room =
                (u32::from(cells.width) * u32::from(font.width), u32::from(cells.height) * u32::from(font.height));
            let (width, height) = fit(pixels, (f64::from(room.0), f64::from(room.1)));
            let columns = (width / f64::from(font.width)).ceil().min(f64::from(cells.width)) as u16;
            let rows = (height / f64::from(font.height)).ceil().min(f64::from(cells.height)) as u16;
            let can = |capability| self.picker.capabilities().contains(&capability);
            let compress = can(Capability::KittyCompression);
            let (tmux, shared) = (self.picker.tmux_detected(), can(Capability::KittySharedMemory));
            Kitty::new(picture, Size::new(columns, rows), unused_number(), tmux, compress, shared).map(Protocol::Kitty)
        } else {
            self.picker.new_protocol(picture, cells, Resize::Fit(None))
        };
        encoded.map_err(|error| format!("the picture cannot be sent to this terminal: {error}"))
    }

    /// The squared error that one byte is worth, see [`blocks::cells`]. On photos the first adds a level to a mean error of
    /// six, unseen, and saves two bytes of five; the next adds two levels and saves more than half. With the last, large
    /// surfaces become even, things can still be told, and half of the rest is saved.
    fn lambda(&self, fleeting: bool) -> u32 {
        match (self.link, fleeting) {
            (Link::Local, _) => 15,
            (Link::Remote, false) => 50,
            (Link::Remote, true) => 300,
        }
    }

    /// The largest width or height in pixels that is sent: beyond it the terminal shows nothing, or the link takes too
    /// long. `None` for block characters.
    fn side_limit(&self) -> Option<u32> {
        match (self.picker.protocol_type(), self.link) {
            (ProtocolType::Halfblocks, _) => None,
            (ProtocolType::Kitty, Link::Remote) => Some(REMOTE_LIMIT),
            (ProtocolType::Sixel, _) => Some(SIXEL_LIMIT),
            _ => Some(u32::from(u16::MAX)),
        }
    }
}

/// The largest size with these proportions that fits into `room`.
fn fit((width, height): (u32, u32), room: (f64, f64)) -> (f64, f64) {
    let (width, height) = (f64::from(width.max(1)), f64::from(height.max(1)));
    let factor = (room.0 / width).min(room.1 / height);
    (width * factor, height * factor)
}

/// Resamples a picture to exactly this size with a Catmull-Rom filter, which averages where it shrinks.
///
/// # Errors
/// When the sizes are beyond what the resampler takes.
pub fn scale(picture: &RgbImage, width: u32, height: u32) -> Result<RgbImage, String> {
    if picture.dimensions() == (width, height) {
        return Ok(picture.clone());
    }
    let plain = |error: &dyn std::fmt::Display| format!("the picture cannot be scaled: {error}");
    let source = ImageRef::new(picture.width(), picture.height(), picture.as_raw(), PixelType::U8x3)
        .map_err(|error| plain(&error))?;
    let mut scaled = Pixels::new(width, height, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom));
    Resizer::new().resize(&source, &mut scaled, &options).map_err(|error| plain(&error))?;
    RgbImage::from_raw(width, height, scaled.into_vec()).ok_or_else(|| plain(&"it came out too small"))
}

/// A random image number for kitty's protocol, which no other program in this terminal is likely to use.
fn unused_number() -> u32 {
    // Every `RandomState` is keyed differently, so an empty hash is a random number.
    RandomState::new().build_hasher().finish() as u32
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    fn painter(protocol: ProtocolType, link: Link) -> Painter {
        let mut picker = Picker::halfblocks();
        picker.set_protocol_type(protocol);
        Painter::new(picker, Depth::True, Background::Dark, link)
    }

    /// Asserts how many cells a picture of these pixels fills when it gets 40×12, with a cell of 10×20 pixels.
    #[track_caller]
    fn check(protocol: ProtocolType, pixels: (u32, u32), cells: (u16, u16)) {
        let picture = RgbImage::from_pixel(pixels.0, pixels.1, Rgb([200, 100, 50]));
        let preview = painter(protocol, Link::Local).paint(&picture, (40, 12));
        assert_eq!(preview.reason(), None);
        assert_eq!(preview.size(), cells);
    }

    #[test]
    fn a_picture_keeps_its_proportions_in_every_protocol() {
        for protocol in [ProtocolType::Halfblocks, ProtocolType::Kitty, ProtocolType::Sixel, ProtocolType::Iterm2] {
            check(protocol, (800, 480), (40, 12));
            check(protocol, (480, 480), (24, 12));
            check(protocol, (400, 100), (40, 5));
            check(protocol, (20, 20), (24, 12));
            check(protocol, (1, 5000), (1, 12));
        }
    }

    #[test]
    fn no_sixel_is_larger_than_xterm_shows_and_kitty_gets_few_pixels_over_a_network() {
        let (sixel, kitty) = (painter(ProtocolType::Sixel, Link::Local), painter(ProtocolType::Kitty, Link::Remote));
        let screen = (300, 100);
        assert_eq!(sixel.scaled_size((4000, 3000), screen), (1000, 750));
        assert_eq!(kitty.scaled_size((4000, 3000), screen), (320, 240));
        let large = RgbImage::from_pixel(64, 48, Rgb([9, 9, 9]));
        assert_eq!(kitty.paint(&large, screen).size(), (267, 100));
    }

    #[test]
    fn a_picture_is_drawn_in_the_middle_and_never_outside() {
        let picture = RgbImage::from_pixel(30, 30, Rgb([255, 0, 0]));
        let preview = painter(ProtocolType::Halfblocks, Link::Local).paint(&picture, (8, 2));
        assert_eq!(preview.size(), (4, 2));
        let mut buf = Buffer::empty(Rect::new(0, 0, 10, 4));
        preview.render(Rect::new(1, 1, 8, 2), &mut buf);
        let painted: Vec<_> = buf.area.positions().filter(|&at| buf[at].bg != ratatui::style::Color::Reset).collect();
        assert_eq!(painted.len(), 8);
        assert!(painted.iter().all(|at| (3..7).contains(&at.x) && (1..3).contains(&at.y)));
        let before = buf.clone();
        preview.render(Rect::new(8, 3, 8, 2), &mut buf);
        assert_eq!(buf, before, "an area that reaches beyond the screen is too small");
    }
}
