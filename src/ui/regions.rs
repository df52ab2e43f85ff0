//! Numbers of the regions of a picture, each in its place.

use ratatui::style::Style;

use super::{canvas::Canvas, theme::Depth};
use crate::app::layout::Area;

/// Columns that a number takes with a gap.
const NUMBER: u16 = 6;

/// The most regions one under the other and side by side whose numbers have room.
pub(super) fn most(area: Area) -> [usize; 2] {
    [area.height.into(), (area.width / NUMBER).into()]
}

/// Draws the regions of a grid, row by row: how bright each is, 0 to 1, and its number.
pub(super) fn numbers(
    canvas: &mut Canvas<'_>,
    area: Area,
    grid: [usize; 2],
    regions: impl IntoIterator<Item = (f32, String)>,
) {
    let theme = canvas.theme;
    let [rows, columns] = grid.map(|count| count.max(1) as u16);
    for (at, (bright, number)) in (0..).zip(regions) {
        let (row, column) = (at / columns, at % columns);
        let edge = |at: u16, of: u16, length: u16| (u32::from(at) * u32::from(length) / u32::from(of)) as u16;
        let (x, y) = (edge(column, columns, area.width), edge(row, rows, area.height));
        let (right, bottom) = (edge(column + 1, columns, area.width), edge(row + 1, rows, area.height));
        let region = Area { x: area.x + x, y: area.y + y, width: right - x, height: bottom - y };
        let style = match theme.depth() {
            Depth::Mono => Style::default(),
            _ => Style::default().fg(theme.on_ramp(bright, false)).bg(theme.ramp(bright, false)),
        };
        canvas.fill(region, if theme.depth() == Depth::Mono { theme.shade(bright) } else { ' ' }, style);
        canvas.centered(region, region.height / 2, &format!(" {number} "), style);
    }
}
