//! Colors for every depth and for dark and light screens. Color never says anything alone: there is always a word, a
//! number, a glyph or a weight beside it.

use ratatui::style::{Color, Modifier, Style};

pub use crate::display::{Background, Depth};
use crate::{
    app::Severity,
    display::{Palette, category, ink_on},
};

/// The colors of one terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    depth: Depth,
    background: Background,
    palette: Palette,
}

/// The ramp of the 16 colors, dark to bright.
const RAMP_16: [Color; 5] = [Color::Blue, Color::Magenta, Color::Cyan, Color::LightGreen, Color::LightYellow];

/// The ramp without colors, least alike to most alike.
const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];

impl Theme {
    /// The colors for a terminal.
    #[must_use]
    pub fn new(depth: Depth, background: Background) -> Self {
        Self { depth, background, palette: Palette::default() }
    }

    /// The same with colors that the user has chosen.
    #[must_use]
    pub fn with(self, palette: Palette) -> Self {
        Self { palette, ..self }
    }

    /// How many colors there are.
    #[must_use]
    pub fn depth(&self) -> Depth {
        self.depth
    }

    /// A color for each kind of background; the last is for when it is not known and reads on both.
    fn pick(&self, dark: [u8; 3], light: [u8; 3], both: [u8; 3]) -> Style {
        let rgb = match self.background {
            Background::Dark => dark,
            Background::Light => light,
            Background::Unknown => both,
        };
        match self.depth {
            Depth::Mono => Style::new(),
            depth => Style::new().fg(depth.color(rgb)),
        }
    }

    /// What the eye should find first: the selection, the active tab, keys.
    #[must_use]
    pub fn accent(&self) -> Style {
        let [dark, light, both] =
            self.palette.accent.map_or([[92, 214, 190], [0, 112, 108], [0, 152, 145]], |own| [own; 3]);
        self.pick(dark, light, both).add_modifier(Modifier::BOLD)
    }

    /// The active tab.
    #[must_use]
    pub fn active(&self) -> Style {
        self.accent().add_modifier(Modifier::REVERSED)
    }

    /// What is read second.
    #[must_use]
    pub fn dim(&self) -> Style {
        match (self.depth, self.background) {
            (Depth::Mono, _) => Style::new().add_modifier(Modifier::DIM),
            // Bright black is hard to read on many dark palettes.
            (Depth::Ansi16, Background::Dark) => Style::new().fg(Color::Gray),
            _ => self.pick([150, 152, 160], [100, 102, 110], [128, 130, 138]),
        }
    }

    /// Lines between panes.
    #[must_use]
    pub fn faint(&self) -> Style {
        match self.depth {
            Depth::Mono => Style::new().add_modifier(Modifier::DIM),
            Depth::Ansi16 => Style::new().fg(Color::DarkGray),
            _ => self.pick([82, 84, 94], [190, 192, 200], [128, 130, 138]),
        }
    }

    /// Names and other things that are read first.
    #[must_use]
    pub fn strong(&self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// A message.
    #[must_use]
    pub fn severity(&self, severity: Severity) -> Style {
        match severity {
            Severity::Info => Style::new(),
            Severity::Warning => self.warning(),
            Severity::Error => self.error(),
        }
    }

    /// What the user should know.
    #[must_use]
    pub fn warning(&self) -> Style {
        self.pick([240, 192, 96], [146, 84, 0], [180, 112, 0]).add_modifier(Modifier::BOLD)
    }

    /// What failed.
    #[must_use]
    pub fn error(&self) -> Style {
        self.pick([255, 126, 116], [178, 20, 20], [222, 66, 56]).add_modifier(Modifier::BOLD)
    }

    /// The mark of a marked picture.
    #[must_use]
    pub fn mark(&self) -> Style {
        self.warning()
    }

    /// The color of a group, by its number; [`letter`](crate::display::letter) says the same without color.
    #[must_use]
    pub fn group(&self, number: usize) -> Style {
        let bright = category(number);
        let dark = bright.map(|channel| (u16::from(channel) * 5 / 8) as u8);
        let middle = bright.map(|channel| (u16::from(channel) * 13 / 16) as u8);
        self.pick(bright, dark, middle)
    }

    /// The ground on which a picture will appear.
    #[must_use]
    pub fn placeholder(&self) -> Style {
        match (self.depth, self.background) {
            (Depth::True | Depth::Indexed256, Background::Dark) => self.dim().bg(self.depth.color([44, 46, 54])),
            (Depth::True | Depth::Indexed256, Background::Light) => self.dim().bg(self.depth.color([234, 236, 240])),
            _ => self.dim(),
        }
    }

    /// What fills a placeholder: a pattern where its ground has no color of its own.
    #[must_use]
    pub fn placeholder_glyph(&self) -> char {
        if self.placeholder().bg.is_some() { ' ' } else { '░' }
    }

    /// The color of a likeness from 0 to 1, 1 the most alike and brightest. In the row and column of the cursor it is
    /// `lit`: a little nearer to white.
    #[must_use]
    pub fn ramp(&self, likeness: f32, lit: bool) -> Color {
        match self.depth {
            Depth::Mono => Color::Reset,
            Depth::Ansi16 => RAMP_16[step(likeness, RAMP_16.len())],
            depth => depth.color(lit_up(self.palette.map.color(likeness), lit)),
        }
    }

    /// The color of a bar as long as a likeness. On a light ground the bright end of the ramp could not be seen.
    #[must_use]
    pub fn bar(&self, likeness: f32) -> Style {
        match (self.depth, self.background) {
            (Depth::Mono, _) => Style::new(),
            (_, Background::Light) => self.accent().remove_modifier(Modifier::BOLD),
            _ => Style::new().fg(self.ramp(likeness, false)),
        }
    }

    /// A color that reads on [`Theme::ramp`].
    #[must_use]
    pub fn on_ramp(&self, likeness: f32, lit: bool) -> Color {
        match self.depth {
            Depth::Mono => Color::Reset,
            Depth::Ansi16 if step(likeness, RAMP_16.len()) < 2 => Color::White,
            Depth::Ansi16 => Color::Black,
            depth => depth.color(ink_on(lit_up(self.palette.map.color(likeness), lit))),
        }
    }

    /// The ground of what is no data among data: the diagonal of the heatmap.
    #[must_use]
    pub fn apart(&self) -> Color {
        match (self.depth, self.background) {
            (Depth::Mono, _) => Color::Reset,
            (Depth::Ansi16, _) => Color::DarkGray,
            (depth, Background::Dark) => depth.color([58, 60, 68]),
            (depth, Background::Light) => depth.color([208, 210, 216]),
            (depth, Background::Unknown) => depth.color([118, 118, 122]),
        }
    }

    /// A color that reads on [`Theme::apart`].
    #[must_use]
    pub fn on_apart(&self) -> Color {
        match (self.depth, self.background) {
            (Depth::Mono, _) => Color::Reset,
            (Depth::Ansi16, _) => Color::White,
            (depth, Background::Dark) => depth.color([170, 172, 180]),
            (depth, Background::Light) => depth.color([70, 72, 80]),
            (depth, Background::Unknown) => depth.color([225, 226, 230]),
        }
    }

    /// The color of the heatmap's cursor, which no ramp contains; black reads on it.
    #[must_use]
    pub fn cursor(&self) -> Color {
        match self.depth {
            Depth::Mono => Color::Reset,
            Depth::Ansi16 => Color::LightRed,
            depth => depth.color([255, 46, 90]),
        }
    }

    /// What is written on [`Theme::cursor`].
    #[must_use]
    pub fn on_cursor(&self) -> Style {
        match self.depth {
            Depth::Mono => Style::new(),
            // Bold letters of the palette's black are gray in many terminals.
            Depth::Ansi16 => Style::new().fg(Color::Black).bg(self.cursor()),
            depth => Style::new().fg(depth.color([0, 0, 0])).bg(self.cursor()).add_modifier(Modifier::BOLD),
        }
    }

    /// The glyph of a likeness where there are no colors.
    #[must_use]
    pub fn shade(&self, likeness: f32) -> char {
        SHADES[step(likeness, SHADES.len())]
    }
}

/// A color of the ramp, nearer to white where it is lit.
fn lit_up(rgb: [u8; 3], lit: bool) -> [u8; 3] {
    if lit { rgb.map(|channel| channel + ((255 - u16::from(channel)) / 5) as u8) } else { rgb }
}

/// Which of `steps` equal parts a share lies in.
fn step(share: f32, steps: usize) -> usize {
    ((share.clamp(0.0, 1.0) * steps as f32) as usize).min(steps - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::display::{ColorMap, luminance};

    #[test]
    fn the_ramp_grows_brighter_all_the_way() {
        for map in ColorMap::ALL {
            let steps: Vec<_> = (0..=100).map(|at| luminance(map.color(at as f32 / 100.0))).collect();
            assert!(steps.windows(2).all(|pair| pair[0] < pair[1]), "{map:?}");
        }
        assert_eq!([0.0, 1.0].map(|at| ColorMap::Viridis.color(at)), [[68, 1, 84], [253, 231, 37]]);
    }

    #[test]
    fn text_reads_on_every_color_of_the_ramp() {
        let maps = ColorMap::ALL.into_iter();
        for (map, at, lit) in maps.flat_map(|map| (0..=100).flat_map(move |at| [(map, at, false), (map, at, true)])) {
            let theme = Theme::new(Depth::True, Background::Unknown).with(Palette { map, accent: None });
            let likeness = at as f32 / 100.0;
            let ground = luminance(lit_up(map.color(likeness), lit));
            let ink = if theme.on_ramp(likeness, lit) == Color::Rgb(255, 255, 255) { 1.0 } else { 0.0 };
            let contrast = (f32::max(ground, ink) + 0.05) / (f32::min(ground, ink) + 0.05);
            assert!(contrast >= 4.5, "contrast {contrast} at {likeness}");
        }
    }

    #[test]
    fn no_ramp_comes_near_the_cursor() {
        let cursor = [255, 46, 90];
        assert_eq!(Theme::new(Depth::True, Background::Dark).cursor(), Depth::True.color(cursor));
        let maps = ColorMap::ALL.into_iter();
        for (map, at, lit) in maps.flat_map(|map| (0..=100).flat_map(move |at| [(map, at, false), (map, at, true)])) {
            let near = lit_up(map.color(at as f32 / 100.0), lit);
            let apart: i32 = cursor.iter().zip(near).map(|(a, b)| (i32::from(*a) - i32::from(b)).pow(2)).sum();
            assert!(apart > 120 * 120, "{near:?}");
        }
        assert!(!RAMP_16.contains(&Theme::new(Depth::Ansi16, Background::Dark).cursor()));
        assert!((luminance(cursor) + 0.05) / 0.05 >= 4.5, "black reads on it");
    }

    #[test]
    fn text_colors_read_on_the_background_they_are_for() {
        let contrast = |style: Style, ground: f32| {
            let Some(Color::Rgb(red, green, blue)) = style.fg else { panic!("{style:?} has no color") };
            let ink = luminance([red, green, blue]);
            (f32::max(ground, ink) + 0.05) / (f32::min(ground, ink) + 0.05)
        };
        for (background, grounds, least) in [
            (Background::Dark, &[luminance([30, 30, 46])][..], 4.5),
            (Background::Light, &[1.0], 4.5),
            (Background::Unknown, &[0.0, 1.0], 3.0),
        ] {
            let theme = Theme::new(Depth::True, background);
            for ground in grounds {
                for style in [theme.accent(), theme.dim(), theme.warning(), theme.error()] {
                    let contrast = contrast(style, *ground);
                    assert!(contrast >= least, "{style:?} on {background:?}: {contrast}");
                }
            }
        }
    }

    /// What a color is: as it is said, or as xterm's cube has it.
    fn rgb(color: Option<Color>) -> [u8; 3] {
        const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];
        match color {
            Some(Color::Rgb(red, green, blue)) => [red, green, blue],
            Some(Color::Indexed(at @ 232..)) => [8 + 10 * (at - 232); 3],
            Some(Color::Indexed(at @ 16..)) => [36, 6, 1].map(|step| CUBE[usize::from((at - 16) / step % 6)]),
            other => panic!("{other:?} is no color that is known"),
        }
    }

    #[test]
    fn every_text_has_a_contrast_of_4_5_and_every_mark_one_of_3_on_dark_and_on_light_screens() {
        let contrast = |a: [u8; 3], b: [u8; 3]| {
            let [a, b] = [luminance(a), luminance(b)];
            (f32::max(a, b) + 0.05) / (f32::min(a, b) + 0.05)
        };
        let mut low = Vec::new();
        for (background, ground) in
            [(Background::Dark, [0; 3]), (Background::Dark, [30, 30, 46]), (Background::Light, [255; 3])]
        {
            for depth in [Depth::True, Depth::Indexed256] {
                let theme = Theme::new(depth, background);
                let mut check = |what: &str, ink: Option<Color>, on: [u8; 3], least: f32| {
                    let found = contrast(rgb(ink), on);
                    if found < least {
                        low.push(format!("{what} on {background:?} {on:?} with {depth:?}: {found:.2} < {least}"));
                    }
                };
                for (what, style) in [
                    ("accent", theme.accent()),
                    ("dim", theme.dim()),
                    ("warning", theme.warning()),
                    ("error", theme.error()),
                    ("mark", theme.mark()),
                ] {
                    check(what, style.fg, ground, 4.5);
                }
                // Names of groups are written in their colors.
                for number in 0..8 {
                    check(&format!("group {number}"), theme.group(number).fg, ground, 4.5);
                }
                check("letters of a placeholder", theme.placeholder().fg, rgb(theme.placeholder().bg), 4.5);
                check("the diagonal", Some(theme.on_apart()), rgb(Some(theme.apart())), 4.5);
                check("the cursor's number", theme.on_cursor().fg, rgb(Some(theme.cursor())), 4.5);
                check("the cursor's ticks", Some(theme.cursor()), ground, 3.0);
                // The dark end of the ramp is that of a bar which is hardly there.
                for at in 5..=10 {
                    check(&format!("bar {at}"), theme.bar(at as f32 / 10.0).fg, ground, 3.0);
                }
            }
        }
        assert!(low.is_empty(), "too little contrast:\n{}", low.join("\n"));
    }

    #[test]
    fn without_colors_there_are_none() {
        let theme = Theme::new(Depth::Mono, Background::Dark);
        for style in [theme.accent(), theme.dim(), theme.error(), theme.group(3), theme.placeholder()] {
            assert_eq!((style.fg, style.bg), (None, None));
        }
        assert_eq!([theme.shade(0.0), theme.shade(0.5), theme.shade(1.0)], [' ', '▒', '█']);
    }
}
