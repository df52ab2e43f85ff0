//! Where the search for an alignment starts: the whole picture in each orientation, and parts of it.

use super::{map::Map, plane::Levels, turn::Turn};

/// Where the search for an alignment starts.
pub struct Start {
    correlation: f32,
    /// Position of the turned first picture.
    pub turned: usize,
    /// Whether the map takes the second picture to the first one.
    pub flipped: bool,
    pub map: Map,
}

/// Starts that are followed.
const FOLLOWED: usize = 4;
/// What the whole picture is ahead of any part: most copies show all of it.
const AHEAD: f32 = 0.02;
/// Width and height of a part, as shares of the whole: crops, and what has a strip at one side.
const PARTS: [(f32, f32); 13] = [
    (1.0, 1.0),
    (0.9, 0.9),
    (0.8, 0.8),
    (0.7, 0.7),
    (0.6, 0.6),
    (0.5, 0.5),
    (0.42, 0.42),
    (1.0, 0.9),
    (1.0, 0.82),
    (1.0, 0.7),
    (0.9, 1.0),
    (0.82, 1.0),
    (0.7, 1.0),
];
/// A part is tried every so much of a side.
const APART: f32 = 1.0 / 12.0;
/// Slight rotations that are tried, in radians.
const LEANING: [f32; 3] = [0.0, 0.14, -0.14];

/// The best starts, the best first. Of pictures that were turned by quarters no parts are looked for: few are cropped too.
pub fn starts(turned: &[(Turn, Levels)], second: &Levels) -> Vec<Start> {
    let mut starts = Vec::new();
    for (at, (turn, first)) in turned.iter().enumerate() {
        let correlation = Map::IDENTITY.correlation(&first.half, &second.half) + AHEAD;
        starts.push(Start { correlation, turned: at, flipped: false, map: Map::IDENTITY });
        if turn.quarters != 0 {
            continue;
        }
        for map in parts() {
            for flipped in [false, true] {
                let (from, to) = if flipped { (second, first) } else { (first, second) };
                let correlation = map.correlation(&from.quarter, &to.quarter);
                starts.push(Start { correlation, turned: at, flipped, map });
            }
        }
    }
    starts.sort_by(|a, b| b.correlation.total_cmp(&a.correlation));
    let mut followed: Vec<Start> = Vec::new();
    for start in starts {
        let same = |other: &Start| (other.turned, other.flipped) == (start.turned, start.flipped);
        if !followed.iter().any(|other| same(other) && other.map.is_near(&start.map)) {
            followed.push(start);
            if followed.len() == FOLLOWED {
                break;
            }
        }
    }
    followed
}

/// The maps of a whole picture into parts of another one.
fn parts() -> impl Iterator<Item = Map> {
    PARTS.into_iter().flat_map(|(width, height)| {
        let places = |size: f32| {
            let steps = ((1.0 - size) / APART / 2.0).ceil() as i32;
            (-steps..=steps).map(move |at| if steps == 0 { 0.0 } else { (1.0 - size) * at as f32 / steps as f32 })
        };
        let leaning = if width == height && (0.75..0.95).contains(&width) { &LEANING[..] } else { &LEANING[..1] };
        places(width).flat_map(move |x| {
            places(height).flat_map(move |y| {
                leaning.iter().map(move |angle| {
                    let (sine, cosine) = angle.sin_cos();
                    Map([width * cosine, -height * sine, x, width * sine, height * cosine, y])
                })
            })
        })
    })
}
