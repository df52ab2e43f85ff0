//! Boxes that may hold a face, and which of those that overlap are kept.

/// A box in MTCNN's pixels: counted from 1, with both ends inside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    /// Left, top, right and bottom.
    pub(super) ends: [f64; 4],
    pub(super) score: f32,
    /// By how much the network would move each end, as a share of the box.
    pub(super) shift: [f32; 4],
    /// The points that belong to it in the last stage, in pixels counted from 0; else zeros.
    pub(super) points: [[f64; 2]; 5],
}

/// What the shared area of two boxes is a share of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    /// Of the area that they cover together.
    Union,
    /// Of the smaller one.
    Smaller,
}

impl Candidate {
    pub(super) fn width(&self) -> f64 {
        self.ends[2] - self.ends[0]
    }

    pub(super) fn height(&self) -> f64 {
        self.ends[3] - self.ends[1]
    }

    fn area(&self) -> f64 {
        self.width() * self.height()
    }

    /// Moved as the first network wants it: by shares of the box's width and height.
    pub(super) fn moved(self) -> Self {
        self.shifted(self.width(), self.height())
    }

    /// Moved as the later networks want it: by shares of the numbers of pixels.
    pub(super) fn refined(self) -> Self {
        self.shifted(self.width() + 1.0, self.height() + 1.0)
    }

    fn shifted(self, width: f64, height: f64) -> Self {
        let sides = [width, height, width, height];
        let ends = std::array::from_fn(|at| self.ends[at] + f64::from(self.shift[at]) * sides[at]);
        Self { ends, ..self }
    }

    /// The square of the longer side around the same center.
    pub(super) fn square(self) -> Self {
        let [left, top, right, bottom] = self.ends;
        let (x, y) = (f64::midpoint(left, right), f64::midpoint(top, bottom));
        let half = self.width().max(self.height()) / 2.0;
        Self { ends: [x - half, y - half, x + half, y + half], ..self }
    }

    fn overlap(&self, other: &Self, share: Share) -> f64 {
        let common = |low: usize, high: usize| {
            (self.ends[high].min(other.ends[high]) - self.ends[low].max(other.ends[low])).max(0.0)
        };
        let both = common(0, 2) * common(1, 3);
        both / match share {
            Share::Union => self.area() + other.area() - both,
            Share::Smaller => self.area().min(other.area()),
        }
    }
}

/// Of boxes that overlap by more than `limit`, keeps the one with the highest score (non-maximum suppression). The best
/// comes first.
pub(super) fn suppress(mut candidates: Vec<Candidate>, limit: f64, share: Share) -> Vec<Candidate> {
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        // Boxes without an area have a share that is no number, and go.
        if kept.iter().all(|better| better.overlap(&candidate, share) <= limit) {
            kept.push(candidate);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(left: f64, side: f64, score: f32) -> Candidate {
        Candidate { ends: [left, 0.0, left + side, side], score, shift: [0.0; 4], points: [[0.0; 2]; 5] }
    }

    fn scores(kept: &[Candidate]) -> Vec<f32> {
        kept.iter().map(|one| one.score).collect()
    }

    #[test]
    fn of_overlapping_boxes_the_best_stays() {
        let all = vec![square(0.0, 10.0, 0.7), square(1.0, 10.0, 0.9), square(30.0, 10.0, 0.8), square(9.0, 10.0, 0.6)];
        assert_eq!(scores(&suppress(all, 0.5, Share::Union)), [0.9, 0.8, 0.6]);
        assert!(suppress(Vec::new(), 0.5, Share::Union).is_empty());
    }

    #[test]
    fn a_small_box_inside_a_large_one_is_a_part_of_it_only_by_its_own_area() {
        let all = || vec![square(0.0, 100.0, 0.9), square(10.0, 10.0, 0.8)];
        assert_eq!(suppress(all(), 0.7, Share::Union).len(), 2);
        assert_eq!(scores(&suppress(all(), 0.7, Share::Smaller)), [0.9]);
    }

    #[test]
    fn a_box_is_moved_by_shares_of_itself_and_made_a_square() {
        let one = Candidate { shift: [0.1, 0.0, -0.1, 0.5], ..square(0.0, 10.0, 0.5) };
        let rounded = |one: Candidate| one.ends.map(|end| (end * 1000.0).round() / 1000.0);
        assert_eq!(rounded(one.moved()), [1.0, 0.0, 9.0, 15.0]);
        assert_eq!(rounded(one.refined()), [1.1, 0.0, 8.9, 15.5]);
        assert_eq!(rounded(one.moved().square()), [-2.5, 0.0, 12.5, 15.0]);
    }
}
