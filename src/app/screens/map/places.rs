//! How the Map screen is divided: the map, and beside it the selected picture, its nearest three, and what the colors mean.

use crate::app::layout::Area;

/// Columns of a thumbnail on the map, and of the sign of its label before it.
pub const TILE: (u16, u16) = (9, 4);

/// The areas of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// The line with what is shown.
    pub title: Area,
    /// The map.
    pub plot: Area,
    /// What is beside it, where it is wide enough.
    pub panel: Option<Panel>,
    /// The two lines under it that say the same where it is not.
    pub foot: Area,
}

/// The selected picture, its nearest three, the legend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Panel {
    /// The selected picture.
    pub picture: Area,
    /// Its name and its folder.
    pub facts: Area,
    /// The nearest three, one under the other.
    pub nearest: Area,
    /// What the letters and colors mean.
    pub legend: Area,
}

impl Places {
    /// Divides the body.
    #[must_use]
    pub fn new(body: Area) -> Self {
        let (title, rest) = body.top(u16::from(body.height > 3));
        let columns = match rest.width {
            140.. => 44,
            100.. => 34,
            72.. => 26,
            _ => 0,
        };
        if columns == 0 || rest.height < 12 {
            let (plot, foot) = rest.off_bottom(if rest.height >= 7 { 2 } else { 0 });
            return Self { title, plot, panel: None, foot };
        }
        let (plot, panel) = rest.off_right(columns);
        let panel = Panel::new(panel.left(1).1.inside(1, 0));
        Self { title, plot, panel: Some(panel), foot: Area::default() }
    }
}

impl Panel {
    fn new(area: Area) -> Self {
        // A picture at most as high as it is wide, for cells are twice as high.
        let (picture, rest) = area.top((area.height * 3 / 8).min(area.width / 2).max(3));
        let (facts, rest) = rest.top(2);
        let (_, rest) = rest.top(u16::from(rest.height > 12));
        let each = match rest.height {
            16.. => 4,
            12.. => 2,
            _ => 1,
        };
        let (nearest, rest) = rest.top(3 * each);
        let (_, legend) = rest.top(u16::from(rest.height > 2));
        Self { picture, facts, nearest, legend }
    }

    /// One of the nearest.
    #[must_use]
    pub fn row(&self, at: usize) -> Area {
        let height = self.nearest.height / 3;
        let (_, below) = self.nearest.top(at as u16 * height);
        below.top(height).0
    }

    /// The picture of one of the nearest, where there is room for it, and the words beside it.
    #[must_use]
    pub fn parts(&self, at: usize) -> (Area, Area) {
        let row = self.row(at);
        let (thumb, words) = row.left(if row.height >= 3 { 9 } else { 0 });
        (Area { width: thumb.width.saturating_sub(1), height: thumb.height.saturating_sub(1), ..thumb }, words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_lie_in_the_body_and_not_on_each_other() {
        for size in [(0, 0), (1, 1), (40, 8), (71, 30), (72, 20), (80, 20), (120, 32), (200, 46)] {
            let body = Area { x: 0, y: 2, width: size.0, height: size.1 };
            let places = Places::new(body);
            let mut parts = vec![places.title, places.plot, places.foot];
            if let Some(panel) = places.panel {
                parts.extend([panel.picture, panel.facts, panel.legend, panel.row(0), panel.row(1), panel.row(2)]);
                assert!(panel.row(2).height >= 1 && panel.facts.height == 2, "{size:?}");
            }
            parts.retain(|part| !part.is_empty());
            for (at, part) in parts.iter().enumerate() {
                assert!(part.right() <= body.right() && part.bottom() <= body.bottom(), "{size:?}: {part:?}");
                let apart = |other: &Area| {
                    part.right() <= other.x
                        || other.right() <= part.x
                        || part.bottom() <= other.y
                        || other.bottom() <= part.y
                };
                assert!(parts[at + 1..].iter().all(apart), "{size:?}: {parts:?}");
            }
        }
    }
}
