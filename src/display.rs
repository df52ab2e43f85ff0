//! What is known of the screen: how many colors it shows, what lies behind the text, how far away it is; color ramps.

use ratatui::style::Color;

/// How many colors the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Depth {
    /// 24 bits a color.
    True,
    /// The 256 colors of xterm, of which the last 240 are the same everywhere.
    #[default]
    Indexed256,
    /// The 16 colors of the terminal's own palette.
    Ansi16,
    /// No color at all: shape, shade and text must say everything.
    Mono,
}

/// Whether the terminal's background is dark or light.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Background {
    /// Light text on a dark screen.
    Dark,
    /// Dark text on a light screen.
    Light,
    /// The terminal did not say: use colors that read on both.
    #[default]
    Unknown,
}

/// Whether the terminal is on this machine or behind a network, where every byte costs time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// The terminal runs on this machine.
    Local,
    /// The terminal is at the other end of a network.
    Remote,
}

/// The terminal as far as what is drawn depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Display {
    /// Columns and rows.
    pub size: (u16, u16),
    /// How many colors it shows.
    pub depth: Depth,
    /// What lies behind the text.
    pub background: Background,
    /// The colors that the user has chosen.
    pub palette: Palette,
    /// Ask for pictures only when the cursor rests: over a network, and where pictures are sent as pixels.
    pub previews_on_rest: bool,
}

impl Background {
    /// Dark or light by the background's relative luminance (Rec. 709 weights on the stored values).
    #[must_use]
    pub fn of([red, green, blue]: [u8; 3]) -> Self {
        let luminance = 2126 * u32::from(red) + 7152 * u32::from(green) + 722 * u32::from(blue);
        if luminance < 10_000 * 128 { Self::Dark } else { Self::Light }
    }

    /// Its name in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::Unknown => "unknown",
        }
    }
}

impl Depth {
    /// The nearest color the terminal can show; without colors, the terminal's own.
    #[must_use]
    pub fn color(self, rgb: [u8; 3]) -> Color {
        match self {
            Self::True => Color::Rgb(rgb[0], rgb[1], rgb[2]),
            Self::Indexed256 => Color::Indexed(to_256(rgb)),
            Self::Ansi16 => Color::Indexed(to_16(rgb)),
            Self::Mono => Color::Reset,
        }
    }

    /// Its name in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::True => "truecolor",
            Self::Indexed256 => "256 colors",
            Self::Ansi16 => "16 colors",
            Self::Mono => "no colors",
        }
    }
}

/// Colors that can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Palette {
    /// What likeness is drawn in.
    pub map: ColorMap,
    /// What the eye should find first; the program's own color when nothing was chosen.
    pub accent: Option<[u8; 3]>,
}

/// A row of colors from dark to bright, whose lightness grows evenly, so that equal steps in likeness look equal, also to
/// the color blind and in gray.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorMap {
    /// Violet, green, yellow (Smith, van der Walt, Firing; public domain).
    #[default]
    Viridis,
    /// Blue, gray, yellow: the same to nearly everybody (Nuñez, Anderton, Renslow, 2018; public domain).
    Cividis,
    /// Black to white.
    Gray,
}

const VIRIDIS: &[[u8; 3]] = &[
    [68, 1, 84],
    [71, 44, 122],
    [59, 81, 139],
    [44, 113, 142],
    [33, 144, 141],
    [39, 173, 129],
    [92, 200, 99],
    [170, 220, 50],
    [253, 231, 37],
];

const CIVIDIS: &[[u8; 3]] = &[
    [0, 32, 77],
    [0, 51, 111],
    [57, 72, 107],
    [87, 92, 109],
    [112, 113, 115],
    [138, 135, 121],
    [166, 157, 117],
    [196, 181, 108],
    [228, 207, 91],
    [255, 234, 70],
];

const GRAY: &[[u8; 3]] = &[[24; 3], [244; 3]];

impl ColorMap {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Viridis, Self::Cividis, Self::Gray];

    /// Its name in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Viridis => "viridis",
            Self::Cividis => "cividis",
            Self::Gray => "gray",
        }
    }

    /// The color at `share`: 0 is the dark end, 1 the bright end, other values are clamped. Between control points, which
    /// are evenly spaced, it goes straight from one to the next.
    #[must_use]
    pub fn color(self, share: f32) -> [u8; 3] {
        let points = match self {
            Self::Viridis => VIRIDIS,
            Self::Cividis => CIVIDIS,
            Self::Gray => GRAY,
        };
        let place = share.clamp(0.0, 1.0) * (points.len() - 1) as f32;
        let low = (place as usize).min(points.len() - 2);
        let share = place - low as f32;
        std::array::from_fn(|channel| {
            let (a, b) = (f32::from(points[low][channel]), f32::from(points[low + 1][channel]));
            (a + (b - a) * share).round() as u8
        })
    }
}

/// Hues for groups that stay apart for the color blind (after Okabe and Ito), at a lightness for dark screens.
const CATEGORIES: [[u8; 3]; 8] = [
    [230, 159, 0],
    [86, 180, 233],
    [0, 178, 130],
    [226, 118, 60],
    [204, 121, 190],
    [150, 150, 230],
    [170, 180, 70],
    [230, 110, 130],
];

/// The color of a category, by its number. They repeat: [`letter`] goes on telling categories apart.
#[must_use]
pub fn category(number: usize) -> [u8; 3] {
    CATEGORIES[number % CATEGORIES.len()]
}

/// The letter of a category, by its number: what its color says, without color. After 62 of them they repeat.
#[must_use]
pub fn letter(number: usize) -> char {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    char::from(LETTERS[number % LETTERS.len()])
}

/// Relative luminance of an sRGB color (WCAG 2).
#[must_use]
pub fn luminance(rgb: [u8; 3]) -> f32 {
    let [red, green, blue] = rgb.map(|channel| {
        let channel = f32::from(channel) / 255.0;
        if channel <= 0.040_45 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/// Black or white, whichever has the higher contrast on a color (WCAG 2; they are equal at a luminance of 0.18).
#[must_use]
pub fn ink_on(paper: [u8; 3]) -> [u8; 3] {
    if luminance(paper) < 0.18 { [255; 3] } else { [0; 3] }
}

/// The levels of one channel of xterm's 6×6×6 color cube.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The nearest of xterm's color cube and gray ramp (16–255) by squared distance; the first 16 differ between terminals.
#[must_use]
pub fn to_256(rgb: [u8; 3]) -> u8 {
    let level = rgb.map(nearest_level);
    let cube = level.map(|at| CUBE[usize::from(at)]);
    let mean = rgb.iter().map(|&c| u32::from(c)).sum::<u32>() / 3;
    let step = (mean.saturating_sub(3) / 10).min(23) as u8;
    let gray = [8 + 10 * step; 3];
    if distance(gray, rgb) < distance(cube, rgb) { 232 + step } else { 16 + 36 * level[0] + 6 * level[1] + level[2] }
}

/// The index of the nearest level of [`CUBE`].
fn nearest_level(channel: u8) -> u8 {
    match channel {
        0..48 => 0,
        48..115 => 1,
        _ => (channel - 35) / 40,
    }
}

/// The usual values of the 16 colors (xterm's); a user's palette may differ.
pub const ANSI: [[u8; 3]; 16] = [
    [0, 0, 0],
    [205, 0, 0],
    [0, 205, 0],
    [205, 205, 0],
    [0, 0, 238],
    [205, 0, 205],
    [0, 205, 205],
    [229, 229, 229],
    [127, 127, 127],
    [255, 0, 0],
    [0, 255, 0],
    [255, 255, 0],
    [92, 92, 255],
    [255, 0, 255],
    [0, 255, 255],
    [255, 255, 255],
];

/// The nearest of the 16 colors by squared distance, as its index.
#[must_use]
pub fn to_16(rgb: [u8; 3]) -> u8 {
    (0..16).min_by_key(|&at| distance(ANSI[usize::from(at)], rgb)).unwrap_or(7)
}

/// Squared euclidean distance of two colors.
fn distance(a: [u8; 3], b: [u8; 3]) -> u32 {
    a.iter().zip(b).map(|(&a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_256_colors_and_the_16_map_to_themselves() {
        for (at, red) in CUBE.into_iter().enumerate() {
            for (j, green) in CUBE.into_iter().enumerate() {
                assert_eq!(usize::from(to_256([red, green, 0])), 16 + 36 * at + 6 * j);
            }
        }
        assert_eq!(to_256([8; 3]), 232);
        assert_eq!(to_256([238; 3]), 255);
        for (at, rgb) in ANSI.into_iter().enumerate() {
            assert_eq!(usize::from(to_16(rgb)), at);
        }
    }

    #[test]
    fn every_color_is_within_reach_of_its_256_color_stand_in() {
        for red in (0..=255).step_by(5) {
            for blue in (0..=255).step_by(15) {
                let rgb = [red, 128, blue];
                let at = to_256(rgb);
                let shown = if at >= 232 {
                    [8 + 10 * (at - 232); 3]
                } else {
                    [(at - 16) / 36, (at - 16) / 6 % 6, (at - 16) % 6].map(|level| CUBE[usize::from(level)])
                };
                assert!(distance(shown, rgb) <= 3 * 48 * 48, "{rgb:?} became {shown:?}");
            }
        }
    }

    #[test]
    fn categories_of_one_color_have_other_letters() {
        for (a, b) in (0..62).flat_map(|a| (0..a).map(move |b| (a, b))) {
            assert_ne!((category(a), letter(a)), (category(b), letter(b)));
            assert_ne!(letter(a), letter(b));
        }
        assert_eq!((letter(0), letter(27), category(9)), ('A', 'b', category(1)));
    }

    #[test]
    fn backgrounds_are_told_apart() {
        assert_eq!(Background::of([0x1e, 0x1e, 0x2e]), Background::Dark);
        assert_eq!(Background::of([0xfd, 0xf6, 0xe3]), Background::Light);
    }
}
