//! Whether two pictures show the same pixels: one of them turned, mirrored, resized, cropped, framed or recompressed.
//!
//! Two small gray pictures are laid on one another by an affine map. A coarse search over the eight orientations, sizes
//! and places gives the starts; Gauss–Newton steps on the difference of the normalized pictures (Lucas and Kanade, "An
//! Iterative Image Registration Technique", 1981) make the best of them exact. What counts then is the detail, the
//! pictures less their local mean: shots of one thing agree in their broad shapes, and only copies in every cell.

mod detail;
mod map;
mod plane;
mod starts;
mod turn;

pub use self::turn::Turn;
use self::{
    detail::{detail, detailed_cells},
    map::Map,
    plane::{Levels, Plane},
    starts::{Start, starts},
};

/// Pixels along a side of a [`Thumbnail`].
pub const SIDE: usize = 48;

/// A picture squashed to `SIDE`×`SIDE` gray levels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail(Box<[u8]>);

impl Thumbnail {
    /// The gray levels row by row; `None` unless there are `SIDE`×`SIDE` of them.
    #[must_use]
    pub fn new(levels: Vec<u8>) -> Option<Self> {
        (levels.len() == SIDE * SIDE).then(|| Self(levels.into()))
    }

    /// The gray levels row by row.
    #[must_use]
    pub fn levels(&self) -> &[u8] {
        &self.0
    }
}

/// How two pictures lie on one another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alignment {
    /// How the first one was turned to make the second one.
    pub turn: Turn,
    /// Whether one of them shows a part of the other only.
    pub part: bool,
    /// How well the detail agrees, 0 to 1: the mean of its correlation in each cell that shows any, and of the share of
    /// those in which it is the same, so that a caption costs no more than what it covers.
    pub agreement: f32,
}

impl Alignment {
    /// From this agreement on two pictures are the same picture: between what copies reach, all but the most distorted, and
    /// what other shots of one thing do (measured by `tests/bench/compare/copies.py`).
    pub const SAME: f32 = 0.75;

    const NONE: Self = Self { turn: Turn::NONE, part: false, agreement: 0.0 };

    /// What it and then another one come to.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        Self {
            turn: self.turn.then(next.turn),
            part: self.part || next.part,
            agreement: self.agreement.min(next.agreement),
        }
    }

    /// The same, seen from the second picture.
    #[must_use]
    pub fn inverse(self) -> Self {
        Self { turn: self.turn.inverse(), ..self }
    }

    /// Lays two pictures on one another. Both ways give the same.
    #[must_use]
    pub fn find(a: &Thumbnail, b: &Thumbnail) -> Self {
        if b.0 < a.0 {
            return Self::find(b, a).inverse();
        }
        let [plane, other] = [a, b].map(|thumbnail| Plane::new(SIDE, &thumbnail.0));
        if detailed_cells(&plane) < LEAST_CELLS || detailed_cells(&other) < LEAST_CELLS {
            return Self::NONE;
        }
        let first = Levels::new(plane);
        let turned: Vec<_> = Turn::all().map(|turn| (turn, Levels::new(first.whole.turned(turn)))).collect();
        let second = Levels::new(other);
        let mut best = Self::NONE;
        for (turn, first) in &turned {
            let (agreement, _) = detail(&first.whole, &second.whole, &Map::IDENTITY);
            if agreement > best.agreement {
                best = Self { turn: *turn, part: false, agreement };
            }
        }
        if best.agreement >= SURE {
            return best;
        }
        for Start { turned: at, flipped, mut map, .. } in starts(&turned, &second) {
            let (turn, first) = &turned[at];
            let (from, to) = if flipped { (&second, first) } else { (first, &second) };
            map.refine(&from.half, &to.half, 8);
            map.refine(&from.whole, &to.whole, 5);
            let (agreement, overlap) = detail(&from.whole, &to.whole, &map);
            // What shows the whole is not called a part for the sake of a little.
            if overlap >= LEAST_OVERLAP && agreement > best.agreement + LITTLE {
                best = Self { turn: *turn, part: is_part(&map) || overlap < WHOLE, agreement };
                if agreement >= SURE {
                    break;
                }
            }
        }
        best
    }
}

/// Less of a picture inside the other one says nothing.
const LEAST_OVERLAP: f32 = 0.55;
/// With more of it inside, and no less of the other one covered, nothing is cropped.
const WHOLE: f32 = 0.93;
/// Fewer cells that show anything tell nothing apart.
const LEAST_CELLS: usize = 3;
/// Agreements that are not told apart.
const LITTLE: f32 = 0.03;
/// Nothing is looked for beyond this agreement.
const SURE: f32 = 0.9;

/// Whether what is mapped covers noticeably less than the whole, one way or the other.
fn is_part(map: &Map) -> bool {
    !((WHOLE * WHOLE)..(1.0 / (WHOLE * WHOLE))).contains(&map.enlarges())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A scene of soft blobs that no symmetry leaves as it is; each seed gives another one. Points are of 0 to 1.
    fn scene(seed: u32) -> impl Fn(f32, f32) -> f32 {
        let mut state = seed.wrapping_mul(2_654_435_761).max(1);
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (state >> 8) as f32 / (1 << 24) as f32
        };
        let blobs: Vec<_> = (0..90).map(|_| [random(), random(), 0.02 + 0.05 * random(), random() - 0.5]).collect();
        move |x, y| {
            let height = |[left, top, size, height]: &[f32; 4]| {
                height * (-((x - left).powi(2) + (y - top).powi(2)) / (size * size)).exp()
            };
            128.0 + 150.0 * blobs.iter().map(height).sum::<f32>()
        }
    }

    fn seen(scene: impl Fn(f32, f32) -> f32) -> Thumbnail {
        let center = |at: usize| (at as f32 + 0.5) / SIDE as f32;
        let level = |at: usize| scene(center(at % SIDE), center(at / SIDE)).clamp(0.0, 255.0) as u8;
        Thumbnail::new((0..SIDE * SIDE).map(level).collect()).expect("as many as it has")
    }

    #[track_caller]
    fn check(copy: &Thumbnail, turn: Turn, part: bool) {
        let found = Alignment::find(&seen(scene(1)), copy);
        assert!(found.agreement >= Alignment::SAME, "{found:?}");
        assert_eq!((found.turn, found.part), (turn, part));
        let back = Alignment::find(copy, &seen(scene(1)));
        assert_eq!(back, found.inverse(), "both ways give the same");
    }

    #[test]
    fn a_turned_copy_is_found_and_its_turn_named() {
        for turn in Turn::all() {
            let plane = Plane::new(SIDE, &seen(scene(1)).0).turned(turn);
            let copy = Thumbnail::new(plane.values.iter().map(|value| *value as u8).collect()).expect("it has all");
            check(&copy, turn, false);
            assert_eq!(turn.then(turn.inverse()), Turn::NONE);
        }
        let right = Turn { quarters: 1, mirrored: false };
        assert_eq!(right.then(right).words(), Some("upside down"));
    }

    #[test]
    fn crops_frames_captions_and_other_light_are_copies() {
        let whole = scene(1);
        check(&seen(|x, y| whole(0.1 + 0.75 * x, 0.2 + 0.75 * y)), Turn::NONE, true);
        let framed = |x: f32, y: f32| {
            let (x, y) = ((x - 0.1) / 0.8, (y - 0.1) / 0.8);
            if (0.0..1.0).contains(&x) && (0.0..1.0).contains(&y) { whole(x, y) } else { 255.0 }
        };
        check(&seen(framed), Turn::NONE, true);
        check(&seen(|x, y| if y > 0.88 { 0.0 } else { whole(x, y) }), Turn::NONE, false);
        check(&seen(|x, y| 0.6 * whole(x, y) + 70.0), Turn::NONE, false);
    }

    #[test]
    fn other_pictures_and_flat_ones_are_no_copies() {
        for other in [seen(scene(2)), seen(scene(3)), seen(|_, _| 128.0), seen(|x, _| 255.0 * x)] {
            let found = Alignment::find(&seen(scene(1)), &other);
            assert!(found.agreement < Alignment::SAME - 0.2, "{found:?}");
        }
        let flat = Alignment::find(&seen(|_, _| 10.0), &seen(|_, _| 200.0));
        assert!(flat.agreement < Alignment::SAME, "what shows nothing is a copy of nothing: {flat:?}");
        assert_eq!(Thumbnail::new(vec![0; 7]), None);
    }
}
