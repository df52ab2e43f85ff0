//! Finding faces: MTCNN's cascade over a pyramid of smaller and smaller pictures.

use std::path::PathBuf;

use image::RgbImage;
use tch::{Kind, TchError};

use super::{
    area::{Window, resample},
    boxes::{Candidate, Share, suppress},
    mtcnn::{Answer, Layout, Net, OUTPUT, PROPOSAL, REFINEMENT},
};
use crate::{embed::device::Compute, error::Result, face::Face};

/// From which score on a box goes on to the next network, or is a face.
const SCORES: [f32; 3] = [0.6, 0.7, 0.7];
/// Each picture of the pyramid is so much smaller than the one before.
const FACTOR: f64 = 0.709;
/// Boxes that one picture hands to the second network at most.
const MOST: usize = 4096;
/// Boxes that go through a network at once.
const TOGETHER: usize = 256;

/// The networks, and what they look for.
pub(super) struct Detector {
    proposal: Net,
    refinement: Net,
    output: Net,
    search: Search,
}

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Search {
    /// Side of the smallest face in pixels.
    smallest: f64,
    /// Gray pixels around each picture of the pyramid: half a face of the size that is found in it. A face that fills its
    /// picture, or leaves it, is found as well, and the small ones cost hardly more.
    border: usize,
}

impl Search {
    fn new(smallest: u32) -> Self {
        Self { smallest: smallest.into(), border: PROPOSAL.side / 2 }
    }
}

/// A face in pixels from the picture's left and top edge.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Detection {
    /// Left, top, right and bottom.
    pub(super) area: [f64; 4],
    pub(super) score: f32,
    /// Left eye, right eye, nose, corners of the mouth.
    pub(super) points: [[f64; 2]; 5],
}

impl Detection {
    /// Its area in pixels.
    pub(super) fn size(&self) -> f64 {
        (self.area[2] - self.area[0]) * (self.area[3] - self.area[1])
    }

    /// As shares of a picture of so many pixels.
    pub(super) fn face(&self, (width, height): (u32, u32)) -> Face {
        let sides = [f64::from(width), f64::from(height)];
        let share = |at: usize, place: f64| (place / sides[at % 2]) as f32;
        Face {
            area: std::array::from_fn(|at| share(at, self.area[at])),
            points: self.points.map(|point| std::array::from_fn(|at| share(at, point[at]))),
            score: self.score,
        }
    }
}

impl From<Candidate> for Detection {
    fn from(Candidate { ends: [left, top, right, bottom], score, points, .. }: Candidate) -> Self {
        // MTCNN counts pixels from 1, and a pixel's middle is half a pixel from its edge.
        let points = points.map(|point| point.map(|place| place + 0.5));
        Self { area: [left - 1.0, top - 1.0, right, bottom], score, points }
    }
}

impl Detector {
    /// Reads the three networks. Faces of at least `smallest` pixels will be looked for.
    pub(super) fn load(model: &str, files: [&PathBuf; 3], smallest: u32, compute: Compute) -> Result<Self> {
        let compute = Compute { kind: Kind::Float, ..compute };
        let load = |file: &PathBuf, layout: &Layout| Net::load(model, file, layout, compute);
        let [proposal, refinement, output] = files;
        Ok(Self {
            proposal: load(proposal, &PROPOSAL)?,
            refinement: load(refinement, &REFINEMENT)?,
            output: load(output, &OUTPUT)?,
            search: Search::new(smallest),
        })
    }

    /// The same for another thread.
    pub(super) fn share(&self) -> Result<Self, TchError> {
        Ok(Self {
            proposal: self.proposal.share()?,
            refinement: self.refinement.share()?,
            output: self.output.share()?,
            search: self.search,
        })
    }

    /// The faces of a picture.
    pub(super) fn detect(&self, picture: &RgbImage) -> Result<Vec<Detection>, TchError> {
        let mut found = Vec::new();
        for scale in scales(picture, self.search) {
            found.extend(self.propose(picture, scale)?);
        }
        let mut found = suppress(found, 0.7, Share::Union);
        found.truncate(MOST);
        let squares: Vec<_> = found.into_iter().map(|one| one.moved().square()).collect();

        let keep = |square: &Candidate, Answer { score, shift, .. }: Answer<'_>| Candidate { score, shift, ..*square };
        let found = second_look(&self.refinement, &REFINEMENT, picture, &squares, SCORES[1], keep)?;
        let found = suppress(found, 0.7, Share::Union);
        let squares: Vec<_> = found.into_iter().map(|one| one.refined().square()).collect();

        let keep = |square: &Candidate, Answer { score, shift, points }: Answer<'_>| {
            let sides = [square.width() + 1.0, square.height() + 1.0];
            let place = |point: usize, axis: usize| {
                let share = points.get(5 * axis + point).copied().unwrap_or_default();
                sides[axis] * f64::from(share) + square.ends[axis] - 1.0
            };
            let points = std::array::from_fn(|point| std::array::from_fn(|axis| place(point, axis)));
            Candidate { score, shift, points, ..*square }.refined()
        };
        let found = second_look(&self.output, &OUTPUT, picture, &squares, SCORES[2], keep)?;
        Ok(suppress(found, 0.7, Share::Smaller).into_iter().map(Detection::from).collect())
    }

    /// The boxes that the first network proposes in the picture at one scale.
    fn propose(&self, picture: &RgbImage, scale: f64) -> Result<Vec<Candidate>, TchError> {
        let border = self.search.border;
        let [width, height] = [picture.width(), picture.height()].map(|side| (f64::from(side) * scale + 1.0) as usize);
        let (stride, rows) = ((width + 2 * border) * 3, height + 2 * border);
        let mut numbers = vec![0.0; rows * stride];
        let inside = &mut numbers[border * (stride + 3)..];
        resample(picture, Window::whole(picture), [width, height], inside, stride);
        let answers = self.proposal.run(&numbers, [1, rows, width + 2 * border])?;
        let columns = answers.columns;
        let candidate = |(at, Answer { score, shift, .. }): (usize, Answer<'_>)| {
            let end = |cell: usize, pixels: usize| (((2 * cell + pixels) as f64 - border as f64) / scale).floor();
            let (x, y) = (at % columns, at / columns);
            let ends = [end(x, 1), end(y, 1), end(x, PROPOSAL.side), end(y, PROPOSAL.side)];
            (score >= SCORES[0]).then_some(Candidate { ends, score, shift, points: [[0.0; 2]; 5] })
        };
        Ok(suppress(answers.iter().enumerate().filter_map(candidate).collect(), 0.5, Share::Union))
    }
}

/// How much smaller each picture of the pyramid is: from that in which the smallest face has the size that the first network
/// looks for, to that which is hardly larger than a face with its border.
fn scales(picture: &RgbImage, search: Search) -> impl Iterator<Item = f64> {
    let side = PROPOSAL.side as f64;
    let (shorter, border) = (f64::from(picture.width().min(picture.height())), search.border as f64);
    let first = side / search.smallest;
    std::iter::successors(Some(first), |scale| Some(scale * FACTOR))
        .take_while(move |scale| shorter * scale + border >= side)
}

/// Shows squares of a picture to a network, and makes candidates of those with more than the least score.
fn second_look(
    net: &Net,
    layout: &Layout,
    picture: &RgbImage,
    squares: &[Candidate],
    least: f32,
    keep: impl Fn(&Candidate, Answer<'_>) -> Candidate,
) -> Result<Vec<Candidate>, TchError> {
    let side = layout.side;
    let mut kept = Vec::new();
    for squares in squares.chunks(TOGETHER) {
        let mut numbers = vec![0.0; squares.len() * side * side * 3];
        for (square, numbers) in squares.iter().zip(numbers.chunks_exact_mut(side * side * 3)) {
            let [left, top, right, bottom] = square.ends.map(|end| end as i64);
            let window = Window { left: left - 1, top: top - 1, right: right.max(left), bottom: bottom.max(top) };
            resample(picture, window, [side, side], numbers, side * 3);
        }
        let answers = net.run(&numbers, [squares.len(), side, side])?;
        let faces = squares.iter().zip(answers.iter()).filter(|(_, answer)| answer.score > least);
        kept.extend(faces.map(|(square, answer)| keep(square, answer)));
    }
    Ok(kept)
}
