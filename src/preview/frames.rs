//! Frames around the faces of a picture: all around the one that is meant, corners around the others, so that they are told
//! apart without color too. They are drawn into the pixels, or in characters where a picture is but shades.

use std::hash::{Hash, Hasher};

use image::{Rgb, RgbImage};
use ratatui::{buffer::Buffer, style::Modifier};

use crate::face::Face;

/// The faces of a picture, and which of them is meant.
#[derive(Debug, Clone, Default)]
pub struct Framing {
    /// The faces.
    pub faces: Vec<Face>,
    /// The place of the one that is meant, if it is one of them.
    pub meant: Option<usize>,
}

impl Framing {
    /// What is drawn of it: which is meant, and the bits of the places.
    fn drawn(&self) -> (Option<usize>, Vec<[u32; 4]>) {
        (self.meant, self.faces.iter().map(|face| face.area.map(f32::to_bits)).collect())
    }

    /// The same in the mirror.
    #[must_use]
    pub fn mirrored(&self) -> Self {
        let turned = |face: &Face| {
            let [left, top, right, bottom] = face.area;
            let points = face.points.map(|[x, y]| [1.0 - x, y]);
            Face { area: [1.0 - right, top, 1.0 - left, bottom], points, ..*face }
        };
        Self { faces: self.faces.iter().map(turned).collect(), meant: self.meant }
    }
}

/// Framings that draw the same are the same.
impl PartialEq for Framing {
    fn eq(&self, other: &Self) -> bool {
        self.drawn() == other.drawn()
    }
}

impl Eq for Framing {}

impl Hash for Framing {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.drawn().hash(state);
    }
}

const MEANT: Rgb<u8> = Rgb([255, 214, 0]);
const OTHER: Rgb<u8> = Rgb([235, 235, 235]);
/// Beside each line, so that it is seen on whatever is behind it.
const EDGE: Rgb<u8> = Rgb([0, 0, 0]);
/// A line of a picture is one pixel for so many of its shorter side.
const PIXELS_A_LINE: u32 = 160;

/// Draws the frames into a picture that has the size in which it is shown. The one that is meant is framed all around and
/// lies over the others.
pub fn draw(picture: &mut RgbImage, Framing { faces, meant }: &Framing) {
    let meant = *meant;
    let thick = i64::from((picture.width().min(picture.height()) / PIXELS_A_LINE).max(1));
    for face in faces.iter().enumerate().filter(|(at, _)| Some(*at) != meant).map(|(_, face)| face) {
        Frame::new(picture, face, thick).corners(picture, OTHER);
    }
    if let Some(face) = meant.and_then(|meant| faces.get(meant)) {
        Frame::new(picture, face, thick).whole(picture);
    }
}

/// The same in a picture of characters, where a line is one.
pub fn draw_in_characters(cells: &mut Buffer, Framing { faces, meant }: &Framing) {
    let meant = *meant;
    let (columns, rows) = (cells.area.width, cells.area.height);
    if columns == 0 || rows == 0 {
        return;
    }
    let place = |share: f32, cells: u16| ((share * f32::from(cells)) as u16).min(cells - 1);
    let others = faces.iter().enumerate().filter(|(at, _)| Some(*at) != meant).map(|(_, face)| (face, false));
    let meant = meant.and_then(|meant| faces.get(meant)).map(|face| (face, true));
    for (Face { area: [left, top, right, bottom], .. }, is_meant) in others.chain(meant) {
        let (left, right) = (place(*left, columns), place(*right, columns));
        let (top, bottom) = (place(*top, rows), place(*bottom, rows));
        let mut put = |x: u16, y: u16, character: char| {
            cells[(x, y)].set_char(character).modifier.insert(Modifier::BOLD);
        };
        if is_meant {
            (left..=right).for_each(|x| [top, bottom].into_iter().for_each(|y| put(x, y, '━')));
            (top..=bottom).for_each(|y| [left, right].into_iter().for_each(|x| put(x, y, '┃')));
        }
        let corners = if is_meant { ['┏', '┓', '┗', '┛'] } else { ['┌', '┐', '└', '┘'] };
        for ((x, y), corner) in [(left, top), (right, top), (left, bottom), (right, bottom)].into_iter().zip(corners) {
            put(x, y, corner);
        }
    }
}

/// A rectangle in pixels, which lies in the picture also where the face reaches beyond it.
struct Frame {
    left: i64,
    top: i64,
    right: i64,
    bottom: i64,
    thick: i64,
}

impl Frame {
    fn new(picture: &RgbImage, face: &Face, thick: i64) -> Self {
        let place = |share: f32, pixels: u32| (share * pixels as f32).round().clamp(0.0, pixels as f32) as i64;
        let (width, height) = picture.dimensions();
        let [left, top, right, bottom] = face.area;
        // Around the face, so that a small one is not covered by its own frame; the dark edge is further out.
        let inside = |from: i64, to: i64, pixels: u32| {
            let last = i64::from(pixels) - thick;
            let from = (from - thick).clamp(0, last.max(0));
            (from, to.clamp(from + thick, last.max(from + thick)))
        };
        let (left, right) = inside(place(left, width), place(right, width), width);
        let (top, bottom) = inside(place(top, height), place(bottom, height), height);
        Self { left, top, right, bottom, thick }
    }

    /// The four sides, each as long as it is.
    fn whole(&self, picture: &mut RgbImage) {
        self.lines(picture, MEANT, |side| side);
    }

    /// A third of each side at each of its ends.
    fn corners(&self, picture: &mut RgbImage, color: Rgb<u8>) {
        self.lines(picture, color, |side| (side / 3).max(self.thick));
    }

    /// The sides, of each a piece of a length at both ends: first the edges of all, then the lines.
    fn lines(&self, picture: &mut RgbImage, color: Rgb<u8>, piece: impl Fn(i64) -> i64) {
        let Self { left, top, right, bottom, thick } = *self;
        let (wide, high) = (right + thick - left, bottom + thick - top);
        let (across, down) = (piece(wide), piece(high));
        let mut pieces = Vec::new();
        for y in [top, bottom] {
            pieces.extend([left, left + wide - across].map(|x| [x, y, across, thick]));
        }
        for x in [left, right] {
            pieces.extend([top, top + high - down].map(|y| [x, y, thick, down]));
        }
        for [x, y, width, height] in &pieces {
            fill(picture, [x - thick, y - thick, width + 2 * thick, height + 2 * thick], EDGE, Some(self));
        }
        for piece in pieces {
            fill(picture, piece, color, None);
        }
    }

    fn is_inside(&self, x: i64, y: i64) -> bool {
        x >= self.left + self.thick && x < self.right && y >= self.top + self.thick && y < self.bottom
    }
}

/// Fills a rectangle, left and top and width and height, as far as it lies in the picture and not inside the frame.
fn fill(picture: &mut RgbImage, [left, top, width, height]: [i64; 4], color: Rgb<u8>, except: Option<&Frame>) {
    let (columns, rows) = (i64::from(picture.width()), i64::from(picture.height()));
    for y in top.max(0)..(top + height).min(rows) {
        for x in left.max(0)..(left + width).min(columns) {
            if except.is_none_or(|frame| !frame.is_inside(x, y)) {
                picture.put_pixel(x as u32, y as u32, color);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::{buffer::Cell, layout::Rect};

    use super::*;

    fn face(area: [f32; 4]) -> Face {
        Face { area, points: [[0.0; 2]; 5], score: 1.0 }
    }

    /// The picture in letters: `#` and `+` for the lines of the one that is meant and of others, `.` for edges.
    fn drawn(size: (u32, u32), areas: &[[f32; 4]], meant: Option<usize>) -> Vec<String> {
        let mut picture = RgbImage::from_pixel(size.0, size.1, Rgb([90, 90, 90]));
        let faces = areas.iter().copied().map(face).collect();
        draw(&mut picture, &Framing { faces, meant });
        let letter = |pixel: &Rgb<u8>| match *pixel {
            MEANT => '#',
            OTHER => '+',
            EDGE => '.',
            _ => ' ',
        };
        picture.rows().map(|row| row.map(letter).collect()).collect()
    }

    #[test]
    fn the_one_that_is_meant_has_a_frame_and_the_others_have_corners() {
        let areas = [[0.15, 0.3, 0.4, 0.7], [0.6, 0.3, 0.85, 0.7]];
        let expected = [
            "                        ",
            "  ..............  ....  ",
            "  .########..++.  .++.  ",
            "  .#      #..+      +.  ",
            "  .#      #...      ..  ",
            "  .#      #...      ..  ",
            "  .#      #..+      +.  ",
            "  .########..++.  .++.  ",
            "  ..............  ....  ",
            "                        ",
        ];
        assert_eq!(drawn((24, 10), &areas, Some(0)), expected);
    }

    #[test]
    fn without_color_the_frames_are_characters() {
        let mut cells = Buffer::filled(Rect::new(0, 0, 14, 5), Cell::new("▒"));
        let faces = [[0.1, 0.2, 0.45, 0.7], [0.6, 0.2, 0.9, 0.7], [-1.0, 0.9, 0.0, 2.0]].map(face);
        let mut framing = Framing { faces: faces.to_vec(), meant: Some(0) };
        draw_in_characters(&mut cells, &framing);
        let lines: Vec<String> = cells.content.chunks(14).map(|row| row.iter().map(Cell::symbol).collect()).collect();
        assert_eq!(lines, ["▒▒▒▒▒▒▒▒▒▒▒▒▒▒", "▒┏━━━━┓▒┌▒▒▒┐▒", "▒┃▒▒▒▒┃▒▒▒▒▒▒▒", "▒┗━━━━┛▒└▒▒▒┘▒", "┘▒▒▒▒▒▒▒▒▒▒▒▒▒"]);
        framing.meant = Some(1);
        draw_in_characters(&mut Buffer::empty(Rect::new(0, 0, 0, 0)), &framing);
    }

    #[test]
    fn faces_that_are_cut_off_tiny_or_nonsense_are_framed_inside_the_picture() {
        for area in [[-0.5, -0.5, 1.5, 1.5], [0.9, 0.9, 1.4, 1.3], [0.5, 0.5, 0.5, 0.5], [2.0, 2.0, 3.0, 3.0]] {
            for size in [(24, 10), (1, 1), (2, 1), (400, 300)] {
                let found = drawn(size, &[area], Some(0));
                assert!(found.iter().any(|row| row.contains('#')), "{area:?} {size:?}");
            }
        }
        assert!(drawn((24, 10), &[], None).iter().all(|row| row.trim().is_empty()));
        drawn((24, 10), &[[f32::NAN; 4]], Some(0));
    }
}
