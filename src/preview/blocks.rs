//! Draws pictures with block characters, which work in any terminal: two colors a cell, split in halves or quadrants; where
//! there is no color, shades of the text's.
//!
//! Colors are chosen by their error and by the bytes they cost: the color that the terminal writes with already is free.
//! ratatui-image has half blocks too, but only in 24-bit color and one dot wide, and a rest of a cell comes out black.

use std::sync::LazyLock;

use image::RgbImage;
use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
    style::Color,
};

use super::dither::in_grays;
use crate::display::{ANSI, Background, Depth, to_16};

/// Dots along each side of a cell: a cell shows 2×2 pixels.
pub const DOTS: u32 = 2;

/// The character whose text color covers these dots of a cell: bit 0 is the upper left, 1 the upper right, 2 the lower
/// left, 3 the lower right.
const COVER: [char; 16] = [' ', '▘', '▝', '▀', '▖', '▌', '▞', '▛', '▗', '▚', '▐', '▜', '▄', '▙', '▟', '█'];

/// The splits of a cell into two colors, as indices of [`COVER`], the simplest first. The other eight are the same with the
/// colors exchanged.
const SPLITS: [usize; 8] = [0b0000, 0b0011, 0b0101, 0b0001, 0b0010, 0b0100, 0b0111, 0b0110];

/// Shades from the background's color to the text's.
const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];

/// One color.
type Rgb = [u8; 3];

/// Draws the pixels of a picture as cells: half its width in columns, half its height in rows, rounded up.
///
/// `lambda` is the squared error, summed over the channels of a cell's four dots, that one byte is worth, the λ of
/// rate–distortion optimization: a cell may keep a color of the cell before it, which then need not be sent again. 0 gives
/// the nearest picture.
#[must_use]
pub fn cells(picture: &RgbImage, depth: Depth, background: Background, lambda: u32) -> Buffer {
    drawn(picture, depth, background, lambda).0
}

/// The same in at most `bytes`, as far as a larger λ can bring it there: what is all detail then gets coarser.
#[must_use]
pub fn cells_within(picture: &RgbImage, depth: Depth, background: Background, lambda: u32, bytes: u32) -> Buffer {
    /// How much larger λ becomes at most.
    const MOST: u32 = 16;
    let mut now = lambda;
    loop {
        let (cells, spent) = drawn(picture, depth, background, now);
        if spent <= bytes || now == 0 || now >= MOST * lambda {
            return cells;
        }
        now *= 2;
    }
}

/// The cells, and the bytes that their characters and colors take; none are counted where they are as few as can be.
fn drawn(picture: &RgbImage, depth: Depth, background: Background, lambda: u32) -> (Buffer, u32) {
    if depth == Depth::Mono {
        return (shades(picture, background), 0);
    }
    let mut spent = 0;
    let (columns, rows) = (picture.width().div_ceil(DOTS), picture.height().div_ceil(DOTS));
    let mut cells = Buffer::empty(Rect::new(0, 0, columns as u16, rows as u16));
    let mut current = Current::default();
    for at in cells.area.positions() {
        if at.x == 0 {
            current = Current::default();
        }
        let (x, y) = (DOTS * u32::from(at.x), DOTS * u32::from(at.y));
        let dot = |right, down| picture.get_pixel_checked(x + right, y + down).map(|pixel| pixel.0);
        let dots = [dot(0, 0), dot(1, 0), dot(0, 1), dot(1, 1)];
        let cell = &mut cells[at];
        match (depth, dots) {
            (Depth::Ansi16, [Some(a), Some(b), Some(c), Some(d)]) => draw_in_16(cell, [a, b, c, d]),
            (_, [Some(a), Some(b), Some(c), Some(d)]) => spent += current.draw(cell, [a, b, c, d], depth, lambda),
            // At the edge of the picture the rest of the cell stays the terminal's own.
            _ => {
                let cover =
                    dots.iter().enumerate().filter(|(_, dot)| dot.is_some()).map(|(at, _)| 1 << at).sum::<usize>();
                cell.set_char(COVER[cover]).set_fg(depth.color(mean(dots.into_iter().flatten())));
            }
        }
    }
    (cells, spent)
}

/// The colors that the terminal already writes with when it comes to a cell.
#[derive(Default)]
struct Current {
    fg: Option<Rgb>,
    bg: Option<Rgb>,
}

/// A candidate for a cell: how its four dots are split and colored.
struct Look {
    /// The dots that the text's color covers, as in [`COVER`].
    split: usize,
    /// Their color, when there are any.
    fg: Option<Rgb>,
    /// The color of the others.
    bg: Rgb,
}

impl Look {
    /// The squared error that it leaves.
    fn error(&self, dots: [Rgb; 4]) -> u32 {
        let shown = |at: usize| self.fg.filter(|_| self.split >> at & 1 == 1).unwrap_or(self.bg);
        dots.into_iter().enumerate().map(|(at, dot)| distance(dot, shown(at))).sum()
    }
}

impl Current {
    /// Shows four dots with two colors, the split and the colors that are nearest to the dots and cost little; returns
    /// the bytes that they cost.
    fn draw(&mut self, cell: &mut Cell, dots: [Rgb; 4], depth: Depth, lambda: u32) -> u32 {
        let loss = |look: &Look| look.error(dots) + lambda * self.bytes(look, depth);
        let Some(look) = self.looks(dots).min_by_key(loss) else { return 0 };
        let bytes = self.bytes(&look, depth);
        let Look { split, fg, bg } = look;
        (self.fg, self.bg) = (fg.or(self.fg), Some(bg));
        let (fg, bg) = (fg.map(|fg| depth.color(fg)), depth.color(bg));
        match fg.filter(|fg| *fg != bg) {
            Some(fg) => cell.set_char(COVER[split]).set_fg(fg).set_bg(bg),
            None => cell.set_char(' ').set_bg(bg),
        };
        bytes
    }

    /// Every split with its parts' mean colors and with the current ones, the plainest first.
    fn looks(&self, dots: [Rgb; 4]) -> impl Iterator<Item = Look> {
        // With the two colors exchanged one of them may be current; all text is no other look than all ground.
        let splits = SPLITS.into_iter().flat_map(|split| [split, !split & 0b1111]).filter(|split| *split != 0b1111);
        splits.flat_map(move |split| {
            let part = |bit: usize| mean((0..4).filter(|at| split >> at & 1 == bit).map(|at| dots[at]));
            let (fg, bg) = ((split != 0).then(|| part(1)), part(0));
            let fgs = [fg, fg.and(self.fg).or(fg)];
            let bgs = [bg, self.bg.unwrap_or(bg)];
            fgs.into_iter().flat_map(move |fg| bgs.map(|bg| Look { split, fg, bg }))
        })
    }

    /// Bytes that a look costs: its character and the colors that change.
    fn bytes(&self, look: &Look, depth: Depth) -> u32 {
        let color = |wanted: Option<Rgb>, now: Option<Rgb>| match wanted {
            Some(rgb) if wanted != now => 1 + color_bytes(rgb, depth),
            _ => 0,
        };
        let colors = color(look.fg, self.fg) + color(Some(look.bg), self.bg);
        // A control sequence adds an escape, a bracket and a letter; of its parameters only the first needs no semicolon.
        let sequence = if colors > 0 { 2 } else { 0 };
        sequence + colors + if look.split == 0 { 1 } else { 3 }
    }
}

/// How many bytes the SGR parameters take that select a color.
fn color_bytes(rgb: Rgb, depth: Depth) -> u32 {
    match depth {
        Depth::True => {
            7 + rgb.iter().map(|channel| channel.checked_ilog10().map_or(1, |digits| digits + 1)).sum::<u32>()
        }
        Depth::Indexed256 => 8,
        Depth::Ansi16 | Depth::Mono => 2,
    }
}

/// A color that two of the 16 make together: which, the shade that mixes them, and what their being far apart costs.
struct Mixture {
    rgb: Rgb,
    shade: char,
    fg: u8,
    bg: u8,
    rough: u32,
}

/// Some hundreds of colors out of 16.
static MIXTURES: LazyLock<Vec<Mixture>> = LazyLock::new(|| {
    /// Of the squared distance of two colors, what their mixture costs: it looks rough, and must be that much nearer.
    const ROUGHNESS: u32 = 12;
    let pairs = (0..16_u8).flat_map(|fg| (0..16).map(move |bg| (fg, bg))).filter(|(fg, bg)| fg != bg);
    let mixed = |(fg, bg): (u8, u8)| {
        let [a, b] = [fg, bg].map(|at| ANSI[usize::from(at)]);
        // Half and half is the same with the colors exchanged.
        let shades = [(1, '░'), (2, '▒')].into_iter().filter(move |(quarters, _)| *quarters == 1 || fg < bg);
        shades.map(move |(quarters, shade)| {
            let part = |channel: usize| quarters * u32::from(a[channel]) + (4 - quarters) * u32::from(b[channel]);
            let rgb = std::array::from_fn(|channel| ((part(channel) + 2) / 4) as u8);
            Mixture { rgb, shade, fg, bg, rough: distance(a, b) / ROUGHNESS }
        })
    };
    pairs.flat_map(mixed).collect()
});

/// Shows four dots in the 16 colors: split between two of them, or as a mixture of two, whichever is nearer.
fn draw_in_16(cell: &mut Cell, dots: [Rgb; 4]) {
    let color = |at: u8| ANSI[usize::from(at)];
    let mut best = (u32::MAX, ' ', 0, 0);
    for split in SPLITS {
        let part = |bit: usize| to_16(mean((0..4).filter(|at| split >> at & 1 == bit).map(|at| dots[at])));
        let (fg, bg) = (part(1), part(0));
        let shown = |at: usize| color(if split >> at & 1 == 1 { fg } else { bg });
        let error = dots.iter().enumerate().map(|(at, dot)| distance(*dot, shown(at))).sum();
        if error < best.0 {
            best = (error, COVER[split], fg, bg);
        }
    }
    // Of one color for all dots the error is that of their mean four times, and their own spread.
    let mean = mean(dots.into_iter());
    let spread: u32 = dots.iter().map(|dot| distance(*dot, mean)).sum();
    for Mixture { rgb, shade, fg, bg, rough } in MIXTURES.iter() {
        let error = spread + 4 * distance(*rgb, mean) + rough;
        if error < best.0 {
            best = (error, *shade, *fg, *bg);
        }
    }
    let (_, symbol, fg, bg) = best;
    cell.set_char(symbol).set_bg(Color::Indexed(bg));
    if symbol != ' ' {
        cell.set_fg(Color::Indexed(fg));
    }
}

/// Shades of the text's color, one a cell. Text on a light screen is dark: there the full block is the darkest.
fn shades(picture: &RgbImage, background: Background) -> Buffer {
    let (columns, rows) = (picture.width().div_ceil(DOTS), picture.height().div_ceil(DOTS));
    let means = RgbImage::from_fn(columns, rows, |x, y| {
        let dots = (0..DOTS).flat_map(|down| (0..DOTS).map(move |right| (DOTS * x + right, DOTS * y + down)));
        image::Rgb(mean(dots.filter_map(|(x, y)| picture.get_pixel_checked(x, y)).map(|pixel| pixel.0)))
    });
    let levels = in_grays(&means, SHADES.len() as u8);
    let mut cells = Buffer::empty(Rect::new(0, 0, columns as u16, rows as u16));
    for (cell, level) in cells.content.iter_mut().zip(levels.pixels()) {
        let level = usize::from(level.0[0]);
        cell.set_char(SHADES[if background == Background::Light { SHADES.len() - 1 - level } else { level }]);
    }
    cells
}

/// The mean color; black of none.
fn mean(dots: impl Iterator<Item = Rgb>) -> Rgb {
    let (mut sum, mut count) = ([0_u32; 3], 0);
    for dot in dots {
        for (sum, channel) in sum.iter_mut().zip(dot) {
            *sum += u32::from(channel);
        }
        count += 1;
    }
    sum.map(|channel| ((channel + count / 2) / count.max(1)) as u8)
}

/// Squared euclidean distance.
fn distance(a: Rgb, b: Rgb) -> u32 {
    a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: Rgb = [255, 0, 0];
    const BLUE: Rgb = [0, 0, 255];

    fn picture<const WIDTH: usize>(rows: &[[Rgb; WIDTH]]) -> RgbImage {
        RgbImage::from_fn(WIDTH as u32, rows.len() as u32, |x, y| image::Rgb(rows[y as usize][x as usize]))
    }

    /// Asserts what one cell of four dots looks like.
    #[track_caller]
    fn check(dots: [[Rgb; 2]; 2], symbol: &str, fg: Rgb, bg: Rgb) {
        let cells = cells(&picture(&dots), Depth::True, Background::Dark, 0);
        let color = |[red, green, blue]: Rgb| Color::Rgb(red, green, blue);
        let cell = &cells[(0, 0)];
        assert_eq!((cell.symbol(), cell.fg, cell.bg), (symbol, color(fg), color(bg)));
    }

    #[test]
    fn a_cell_of_two_colors_is_shown_exactly() {
        check([[RED, RED], [BLUE, BLUE]], "▀", RED, BLUE);
        check([[RED, BLUE], [RED, BLUE]], "▌", RED, BLUE);
        check([[RED, BLUE], [BLUE, RED]], "▞", BLUE, RED);
        check([[BLUE, BLUE], [BLUE, RED]], "▛", BLUE, RED);
        check([[RED, BLUE], [BLUE, BLUE]], "▘", RED, BLUE);
    }

    #[test]
    fn more_colors_become_the_nearest_two() {
        check([[[200, 0, 0], [220, 0, 0]], [[0, 0, 90], [0, 0, 110]]], "▀", [210, 0, 0], [0, 0, 100]);
    }

    #[test]
    fn a_plain_cell_is_a_blank_and_a_rest_stays_the_terminals_own() {
        let cells = cells(&picture(&[[RED; 3]; 3]), Depth::True, Background::Dark, 0);
        let seen: Vec<_> = cells.content.iter().map(|cell| (cell.symbol(), cell.fg, cell.bg)).collect();
        let red = Color::Rgb(255, 0, 0);
        let (own, full) = (Color::Reset, (" ", Color::Reset, red));
        assert_eq!(seen, [full, ("▌", red, own), ("▀", red, own), ("▘", red, own)]);
    }

    #[test]
    fn lambda_keeps_a_color_that_is_near_enough_and_no_other() {
        let (near, far) = ([250, 4, 0], [200, 60, 0]);
        let drawn = |lambda| {
            let dots = [[RED, BLUE, near, BLUE, far, BLUE]; 2];
            let cells = cells(&picture(&dots), Depth::True, Background::Dark, lambda);
            cells.content.iter().map(|cell| (cell.fg, cell.bg)).collect::<Vec<_>>()
        };
        let color = |[red, green, blue]: Rgb| Color::Rgb(red, green, blue);
        let pair = |left| (color(left), color(BLUE));
        assert_eq!(drawn(0), [pair(RED), pair(near), pair(far)]);
        assert_eq!(drawn(20), [pair(RED), pair(RED), pair(far)]);
    }

    #[test]
    fn what_is_all_detail_gets_coarser_until_it_costs_no_more_and_all_else_stays() {
        let noise = |x: u32, y: u32| 0x9e37_79b9_u32.wrapping_mul(1 + x + 97 * y).rotate_left(11);
        let noise = RgbImage::from_fn(24, 12, |x, y| image::Rgb([noise(x, y) as u8, (noise(x, y) >> 9) as u8, 90]));
        let spent = |lambda| drawn(&noise, Depth::True, Background::Dark, lambda).1;
        let within = |picture, bytes| cells_within(picture, Depth::True, Background::Dark, 300, bytes);
        assert!(spent(300) > 850, "{}", spent(300));
        let first = (1..=4).map(|times| 300 << times).find(|lambda| spent(*lambda) <= 850).expect("it can be had");
        assert_eq!(within(&noise, 850), cells(&noise, Depth::True, Background::Dark, first));
        assert_eq!(within(&noise, 0), cells(&noise, Depth::True, Background::Dark, 4800), "there is an end to it");
        let calm = RgbImage::from_fn(24, 12, |x, y| image::Rgb([100, 5 * x as u8, 9 * y as u8]));
        assert_eq!(within(&calm, 850), cells(&calm, Depth::True, Background::Dark, 300));
    }

    #[test]
    fn two_colors_may_change_places_when_that_saves_one() {
        const GREEN: Rgb = [0, 255, 0];
        let dots = [[RED, RED, GREEN, GREEN], [BLUE, BLUE, RED, RED]];
        let cells = cells(&picture(&dots), Depth::True, Background::Dark, 1);
        let second = &cells[(1, 0)];
        let red = Color::Rgb(255, 0, 0);
        assert_eq!((second.symbol(), second.fg, second.bg), ("▄", red, Color::Rgb(0, 255, 0)));
    }

    #[test]
    fn no_depth_sends_a_color_the_terminal_has_not() {
        let ramp = RgbImage::from_fn(9, 5, |x, y| image::Rgb([x as u8 * 28, y as u8 * 50, 90]));
        for depth in [Depth::Indexed256, Depth::Ansi16] {
            for cell in &cells(&ramp, depth, Background::Dark, 0).content {
                assert!(!matches!(cell.fg, Color::Rgb(..)) && !matches!(cell.bg, Color::Rgb(..)), "{cell:?}");
            }
        }
        // Where 16 colors are all there is, others are mixed.
        let orange = cells(&picture(&[[[230, 100, 0]; 2]; 2]), Depth::Ansi16, Background::Dark, 0);
        let cell = &orange[(0, 0)];
        assert!("░▒".contains(cell.symbol()), "{cell:?}");
        let exact = cells(&picture(&[[[205, 0, 0]; 2]; 2]), Depth::Ansi16, Background::Dark, 0);
        assert_eq!((exact[(0, 0)].symbol(), exact[(0, 0)].bg), (" ", Color::Indexed(1)));
        let grays = RgbImage::from_fn(10, 2, |x, _| image::Rgb([(x / 2 * 63) as u8; 3]));
        let shades = |background| {
            let cells = cells(&grays, Depth::Mono, background, 0);
            cells.content.iter().map(Cell::symbol).collect::<String>()
        };
        assert_eq!(shades(Background::Dark), " ░▒▓█");
        assert_eq!(shades(Background::Light), "█▓▒░ ");
    }
}
