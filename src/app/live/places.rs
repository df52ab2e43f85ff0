//! Where things lie in the live view.

use super::SMALL;
use crate::app::layout::Area;

/// The places of the live view, from the top; what does not fit is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// What the user must know.
    pub notice: Area,
    /// What is looked at, and how.
    pub title: Area,
    /// The newest frame.
    pub now: Area,
    /// The best match.
    pub found: Area,
    /// A line under each of the two.
    pub captions: [Area; 2],
    /// The scale with threshold and values, and what they are.
    pub scale: Area,
    /// Small pictures of the last sightings, each with a line under it.
    pub strip: Area,
    /// The last sightings in words.
    pub log: Area,
    /// What there is to say, or is typed.
    pub status: Area,
    /// The keys.
    pub hints: Area,
}

/// Fewer rows than this have no strip.
const STRIP_FROM: u16 = 22;

impl Places {
    /// In a terminal of so many columns and rows.
    #[must_use]
    pub fn new(size: (u16, u16)) -> Self {
        let (notice, rest) = Area::of(size).top(1);
        let (title, rest) = rest.top(1);
        let (rest, hints) = rest.off_bottom(1);
        let (rest, status) = rest.off_bottom(u16::from(rest.height > 5));
        let strip_rows = if size.1 >= STRIP_FROM { SMALL.1 + 2 } else { 0 };
        let below = rest.height.saturating_sub(strip_rows);
        // The pictures have half of what is left at least; the log takes what they do not need.
        let log_rows = (below / 4).clamp(u16::from(below > 5), 12);
        let scale_rows = if below > 8 { 3 } else { u16::from(below > 4) };
        let caption_rows = u16::from(below > 2);
        let (rest, log) = rest.off_bottom(log_rows);
        let (rest, strip) = rest.off_bottom(strip_rows);
        let (rest, scale) = rest.off_bottom(scale_rows);
        let (pictures, captions) = rest.off_bottom(caption_rows);
        let half = |area: Area| {
            let (left, right) = area.left(area.width / 2);
            [left.off_right(1).0, right]
        };
        let [now, found] = half(pictures);
        Self { notice, title, now, found, captions: half(captions), scale, strip, log, status, hints }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_overlaps_at_any_size() {
        for size in (0..60).flat_map(|columns| (0..50).map(move |rows| (columns * 3, rows))) {
            let p = Places::new(size);
            let columns = [p.notice, p.title, p.now, p.captions[0], p.scale, p.strip, p.log, p.status, p.hints];
            let mut row = 0;
            for area in columns {
                assert!(area.height == 0 || area.y >= row, "{size:?} {p:?}");
                row = row.max(area.bottom());
            }
            assert!(row <= size.1 && p.now.right() <= p.found.x && p.found.right() <= size.0, "{size:?}");
        }
        let small = Places::new((40, 12));
        assert!(small.now.height >= 4 && small.log.height >= 1 && small.scale.height >= 1, "{small:?}");
    }
}
