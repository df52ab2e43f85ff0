//! Pictures from characters, for any terminal: two dots a cell with half blocks, or shades where there is no color.
//!
//! ratatui-image has half blocks too, but only in 24-bit color, and it fills a rest of half a cell with black.

use image::RgbImage;
use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
    style::Color,
};

use crate::color::{Background, Depth};

/// From the background's shade to the text's.
const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];

/// The dots of the picture as cells: its width in columns, half its height in rows.
#[must_use]
pub fn cells(dots: &RgbImage, depth: Depth, background: Background) -> Buffer {
    let (columns, rows) = (dots.width() as u16, dots.height().div_ceil(2) as u16);
    let mut cells = Buffer::empty(Rect::new(0, 0, columns, rows));
    for at in cells.area.positions() {
        let (x, y) = (u32::from(at.x), 2 * u32::from(at.y));
        let upper = dots.get_pixel(x, y).0;
        let lower = dots.get_pixel_checked(x, y + 1).map(|pixel| pixel.0);
        let cell = &mut cells[at];
        match depth {
            Depth::Mono => shade(cell, upper, lower, background),
            _ => half_blocks(cell, depth.color(upper), lower.map(|dot| depth.color(dot))),
        }
    }
    cells
}

/// One dot above the other. A missing lower dot leaves the terminal's own background.
fn half_blocks(cell: &mut Cell, upper: Color, lower: Option<Color>) {
    match lower {
        Some(lower) if lower == upper => cell.set_char(' ').set_bg(upper),
        Some(lower) => cell.set_char('▀').set_fg(upper).set_bg(lower),
        None => cell.set_char('▀').set_fg(upper),
    };
}

/// The mean of both dots as a shade of the text color.
fn shade(cell: &mut Cell, upper: [u8; 3], lower: Option<[u8; 3]>, background: Background) {
    let luma =
        |[red, green, blue]: [u8; 3]| (299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue)) / 1000;
    let mean = lower.map_or(luma(upper), |lower| u32::midpoint(luma(upper), luma(lower)));
    // Text on a light screen is dark: there the full block is the darkest.
    let light = if background == Background::Light { 255 - mean } else { mean };
    cell.set_char(SHADES[(light as usize * SHADES.len() / 256).min(SHADES.len() - 1)]);
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    fn gradient() -> RgbImage {
        RgbImage::from_fn(5, 3, |x, y| Rgb([(x * 60) as u8, (y * 100) as u8, 0]))
    }

    #[test]
    fn two_dots_share_a_cell_and_half_a_rest_stays_the_terminals_own() {
        let cells = cells(&gradient(), Depth::True, Background::Dark);
        assert_eq!(cells.area, Rect::new(0, 0, 5, 2));
        let (first, last) = (&cells[(1, 0)], &cells[(4, 1)]);
        assert_eq!((first.symbol(), first.fg, first.bg), ("▀", Color::Rgb(60, 0, 0), Color::Rgb(60, 100, 0)));
        assert_eq!((last.symbol(), last.fg, last.bg), ("▀", Color::Rgb(240, 200, 0), Color::Reset));
    }

    #[test]
    fn no_depth_sends_a_color_the_terminal_has_not() {
        for depth in [Depth::Indexed256, Depth::Ansi16] {
            let cells = cells(&gradient(), depth, Background::Dark);
            assert!(
                cells
                    .content
                    .iter()
                    .all(|cell| !matches!(cell.fg, Color::Rgb(..)) && !matches!(cell.bg, Color::Rgb(..)))
            );
        }
        let ramp = RgbImage::from_fn(5, 2, |x, _| Rgb([(x * 63) as u8; 3]));
        let text =
            |background| cells(&ramp, Depth::Mono, background).content.iter().map(Cell::symbol).collect::<String>();
        assert_eq!(text(Background::Dark), " ░▒▓█");
        assert_eq!(text(Background::Light), "█▓▒░ ");
    }
}
