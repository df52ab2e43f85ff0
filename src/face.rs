//! Where a face is in a picture: what a row of an index knows when it stands for a face and not for the whole picture, and
//! what finds the face again in a picture that was changed.

use std::{fmt, str::FromStr};

/// A face that was found in a picture. Places are shares of the upright picture's width and height, so that they are right
/// at every size it is decoded to; a face that is cut off may reach beyond 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Face {
    /// Left, top, right and bottom.
    pub area: [f32; 4],
    /// Left eye, right eye, nose, left and right corner of the mouth, as the onlooker sees them; each from the left and
    /// from the top.
    pub points: [[f32; 2]; 5],
    /// How sure the detector is, from 0 to 1.
    pub score: f32,
}

/// Around a face that is kept: this share of its larger side on each side, so that it is found in what was kept.
const KEPT_MARGIN: f32 = 0.4;
/// The same of a face that is shown: hair and chin belong to it, the next face in a group does not.
const SHOWN_MARGIN: f32 = 0.2;

impl Face {
    /// Its area in a picture of these pixels, as far as it lies in the picture: left, top, width and height.
    #[must_use]
    pub fn pixels_in(&self, (width, height): (u32, u32)) -> [u32; 4] {
        let place = |share: f32, pixels: u32| (share * pixels as f32).round().clamp(0.0, pixels as f32) as u32;
        let [left, top, right, bottom] = self.area;
        let (x, y) = (place(left, width), place(top, height));
        [x, y, place(right, width).saturating_sub(x), place(bottom, height).saturating_sub(y)]
    }

    /// What shows the face in a picture of these pixels: left, top, width and height of the square around it with a little
    /// margin, as far as it lies in the picture. It is never empty.
    #[must_use]
    pub fn shown_in(&self, (width, height): (u32, u32)) -> [u32; 4] {
        let pixels = [width.max(1) as f32, height.max(1) as f32];
        let [left, top, right, bottom] = self.area;
        let sides = [(right - left) * pixels[0], (bottom - top) * pixels[1]];
        let half = sides[0].max(sides[1]).max(1.0) * (0.5 + SHOWN_MARGIN);
        let middle = [(left + right) / 2.0 * pixels[0], (top + bottom) / 2.0 * pixels[1]];
        let [(x, w), (y, h)] = [0, 1].map(|axis| {
            let [from, to] = [-half, half].map(|to| (middle[axis] + to).round().clamp(0.0, pixels[axis]) as u32);
            (from.min(pixels[axis] as u32 - 1), to.saturating_sub(from).max(1))
        });
        [x, y, w, h]
    }

    /// The square around the face with a wide margin in a picture of these pixels: left, top, width and height. It is moved
    /// into the picture where it reaches beyond, and cut only where the picture is too small for it; it is never empty.
    #[must_use]
    pub fn square_in(&self, (width, height): (u32, u32)) -> [u32; 4] {
        let pixels = [width.max(1) as f32, height.max(1) as f32];
        let [left, top, right, bottom] = self.area;
        let sides = [(right - left) * pixels[0], (bottom - top) * pixels[1]];
        let side = sides[0].max(sides[1]).max(1.0) * (1.0 + 2.0 * KEPT_MARGIN);
        let middle = [(left + right) / 2.0 * pixels[0], (top + bottom) / 2.0 * pixels[1]];
        let [(x, w), (y, h)] = [0, 1].map(|axis| {
            let side = side.min(pixels[axis]);
            let from = (middle[axis] - side / 2.0).clamp(0.0, pixels[axis] - side);
            (from.round() as u32, (side.round() as u32).max(1))
        });
        [x.min(width.max(1) - 1), y.min(height.max(1) - 1), w, h]
    }
}

/// Where a face lies in its picture, roughly: it finds the face again when the picture was changed, however its faces are
/// then counted. Written as four shares of the picture with blanks between them: the middle of the face from the left and
/// from the top, its width and its height.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place([i32; 4]);

impl Place {
    /// What one is counted as. Finer than any picture that faces are looked for in.
    const ONE: f32 = 10_000.0;

    /// The place of a face.
    #[must_use]
    pub fn of(face: &Face) -> Self {
        let [left, top, right, bottom] = face.area;
        let shares = [f32::midpoint(left, right), f32::midpoint(top, bottom), right - left, bottom - top];
        Self(shares.map(|share| (share * Self::ONE).round() as i32))
    }

    /// How far away another place is, measured in faces from middle to middle; nothing when a face there is another one: its
    /// middle lies beyond this face, or it is more than twice as large or less than half as large.
    #[must_use]
    pub fn distance(&self, other: &Self) -> Option<f32> {
        let [here, there] = [self, other].map(|place| place.0.map(|part| part as f32));
        let mut sum = 0.0;
        for axis in [0, 1] {
            let [side, other] = [here, there].map(|place| place[2 + axis].max(1.0));
            let away = (there[axis] - here[axis]).abs() / side;
            if away > 0.5 || !(0.5..=2.0).contains(&(other / side)) {
                return None;
            }
            sum += away * away;
        }
        Some(sum.sqrt())
    }

    /// Which of a picture's faces, given with their numbers, lies at which of some places. Each face has at most one of the
    /// places, and each place one face: the two that lie closest together are one another's, then the next two.
    #[must_use]
    pub fn find<'a>(places: &[Self], faces: impl Iterator<Item = (u32, &'a Face)>) -> Vec<(Self, u32)> {
        let mut pairs = Vec::new();
        for (number, face) in faces {
            let now = Self::of(face);
            pairs.extend(places.iter().filter_map(|place| Some((place.distance(&now)?, *place, number))));
        }
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        let mut found: Vec<(Self, u32)> = Vec::new();
        for (_, place, number) in pairs {
            if found.iter().all(|(other, face)| *other != place && *face != number) {
                found.push((place, number));
            }
        }
        found
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [x, y, width, height] = self.0.map(|part| part as f32 / Self::ONE);
        write!(f, "{x:.4} {y:.4} {width:.4} {height:.4}")
    }
}

impl FromStr for Place {
    /// It is not four numbers.
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let shares: Result<Vec<f32>, _> = text.split_ascii_whitespace().map(str::parse).collect();
        let shares: [f32; 4] = shares.map_err(drop)?.try_into().map_err(drop)?;
        // A face may begin beyond its picture, but not by a hundred pictures.
        let sensible = shares.iter().all(|share| share.abs() <= 100.0);
        if sensible { Ok(Self(shares.map(|share| (share * Self::ONE).round() as i32))) } else { Err(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_again_where_the_face_has_hardly_moved() {
        let place = |area| Place::of(&Face { area, points: [[0.0; 2]; 5], score: 1.0 });
        let here = place([0.4, 0.4, 0.6, 0.6]);
        assert_eq!(here.distance(&here), Some(0.0));
        let far = |area| here.distance(&place(area)).map(|far| (far * 100.0).round() / 100.0);
        assert_eq!(far([0.46, 0.48, 0.66, 0.68]), Some(0.5));
        for other in
            [[0.52, 0.4, 0.72, 0.6], [0.4, 0.28, 0.6, 0.48], [0.29, 0.29, 0.71, 0.71], [0.46, 0.46, 0.54, 0.54]]
        {
            assert_eq!(far(other), None, "{other:?}");
        }
        // Nothing of it is sensible.
        assert_eq!(far([f32::NAN; 4]), None);
        assert_eq!(place([0.5; 4]).distance(&place([0.5; 4])), Some(0.0));
    }

    #[test]
    fn a_place_is_written_and_read_again() {
        let place = Place::of(&Face { area: [-0.1, 0.25, 0.3, 1.0], points: [[0.0; 2]; 5], score: 1.0 });
        assert_eq!(place.to_string(), "0.1000 0.6250 0.4000 0.7500");
        assert_eq!(place.to_string().parse(), Ok(place));
        for wrong in ["", "1 2 3", "1 2 3 4 5", "a b c d", "NaN 0 1 1", "1e9 0 1 1", "inf 0 1 1"] {
            assert_eq!(wrong.parse::<Place>(), Err(()), "{wrong}");
        }
    }

    /// Asserts which square is around a face in a picture of 1000×500 pixels.
    #[track_caller]
    fn check(area: [f32; 4], square: [u32; 4]) {
        let face = Face { area, points: [[0.0; 2]; 5], score: 1.0 };
        assert_eq!(face.square_in((1000, 500)), square);
    }

    #[test]
    fn an_area_in_pixels_ends_with_the_picture() {
        let face = |area| Face { area, points: [[0.0; 2]; 5], score: 1.0 };
        assert_eq!(face([0.1, 0.2, 0.3, 0.6]).pixels_in((1000, 500)), [100, 100, 200, 200]);
        assert_eq!(face([-0.1, 0.9, 0.2, 1.3]).pixels_in((1000, 500)), [0, 450, 200, 50]);
        assert_eq!(face([2.0, f32::NAN, -1.0, 0.5]).pixels_in((10, 10)), [10, 0, 0, 5]);
    }

    #[test]
    fn what_shows_a_face_is_around_it_and_ends_with_the_picture() {
        let shown = |area| Face { area, points: [[0.0; 2]; 5], score: 1.0 }.shown_in((1000, 500));
        assert_eq!(shown([0.45, 0.4, 0.55, 0.6]), [430, 180, 140, 140]);
        assert_eq!(shown([-0.02, 0.8, 0.08, 1.0]), [0, 380, 100, 120]);
        // Nothing of it is sensible, and something is shown all the same.
        for area in [[7.0, 7.0, 8.0, 8.0], [f32::NAN; 4], [0.5, 0.5, 0.4, 0.4], [-9.0; 4]] {
            let [x, y, width, height] = shown(area);
            assert!(width > 0 && height > 0 && x + width <= 1000 && y + height <= 500, "{area:?}");
        }
    }

    #[test]
    fn the_square_around_a_face_lies_in_the_picture() {
        // 100×100 pixels, in the middle and at a corner, where it is moved.
        check([0.45, 0.4, 0.55, 0.6], [410, 160, 180, 180]);
        check([-0.02, -0.04, 0.08, 0.16], [0, 0, 180, 180]);
        check([0.95, 0.9, 1.05, 1.1], [820, 320, 180, 180]);
        // As high as the picture: there is no room for a margin.
        check([0.3, 0.0, 0.7, 1.0], [50, 0, 900, 500]);
        // Nothing of it is sensible, and it has a square all the same.
        check([0.5, 0.5, 0.5, 0.5], [499, 249, 2, 2]);
        check([7.0, 7.0, 8.0, 8.0], [0, 0, 1000, 500]);
        check([f32::NAN; 4], [0, 0, 2, 2]);
    }
}
