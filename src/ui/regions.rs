//! Numbers of the regions of a picture, each in its place.

use ratatui::style::Style;

use super::{canvas::Canvas, theme::Depth};
use crate::app::layout::Area;

/// Columns that a number takes with a gap.
const NUMBER: u16 = 6;

/// The most regions one under the other and side by side whose numbers have room. Where shades stand for colors, a line
/// of each is without a number, so that they are seen.
pub(super) fn most(area: Area, depth: Depth) -> [usize; 2] {
    let lines = if depth == Depth::Mono { 2 } else { 1 };
    [(area.height / lines).max(1).into(), (area.width / NUMBER).into()]
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

#[cfg(test)]
mod tests {
    use ratatui::{buffer::Buffer, layout::Rect};

    use super::*;
    use crate::{display::Background, ui::theme::Theme};

    #[test]
    fn without_color_the_shade_of_every_region_is_seen_beside_its_number() {
        for (width, height) in [(6, 2), (12, 5), (59, 17), (40, 30)] {
            let area = Area::of((width, height));
            let grid = most(area, Depth::Mono);
            let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
            let mut canvas = Canvas::new(&mut buffer, Theme::new(Depth::Mono, Background::Dark));
            let regions = (0..grid[0] * grid[1]).map(|at| (if at % 2 == 0 { 1.0 } else { 0.5 }, format!("{at}.0")));
            numbers(&mut canvas, area, grid, regions);
            for at in 0..grid[0] * grid[1] {
                let (row, column) = (at / grid[1], at % grid[1]);
                let edge = |at: usize, of: usize, length: u16| (at * usize::from(length) / of) as u16;
                let lines = edge(row, grid[0], height)..edge(row + 1, grid[0], height);
                let columns = edge(column, grid[1], width)..edge(column + 1, grid[1], width);
                let shade = if at % 2 == 0 { "█" } else { "▒" };
                let whole = |y: &u16| columns.clone().all(|x| buffer[(x, *y)].symbol() == shade);
                assert!(lines.clone().any(|y| whole(&y)), "region {at} of {grid:?} at {width}×{height}");
                let text: String =
                    lines.flat_map(|y| columns.clone().map(move |x| (x, y))).map(|at| buffer[at].symbol()).collect();
                assert!(text.contains(&format!("{at}.0")), "{text:?}");
            }
        }
    }
}
