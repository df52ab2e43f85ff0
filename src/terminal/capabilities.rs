//! What the terminal can show, from the user's options, the environment, and the terminal's own answers.

use std::fs::File;

use clap::ValueEnum;
use ratatui_image::picker::{Capability, Picker, ProtocolType};

use super::query;
use crate::{
    display::{Background, Depth, Link},
    environment::text_variable as variable,
    error::{Error, Result},
    preview::Painter,
};

/// How pictures get on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Graphics {
    /// The best the terminal answers to; over ssh, blocks of color.
    #[default]
    Auto,
    /// Blocks of two colors a cell, on any terminal.
    Halfblocks,
    /// Sixel pictures.
    Sixel,
    /// The protocol of kitty 0.28 and later.
    Kitty,
    /// The protocol of iTerm2.
    Iterm2,
}

/// How many colors are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ColorChoice {
    /// As many as the terminal says it has.
    #[default]
    Auto,
    /// 24 bits a color.
    Truecolor,
    /// xterm's 256 colors.
    #[value(name = "256")]
    Indexed,
    /// The terminal's own 16 colors.
    #[value(name = "16")]
    Ansi,
    /// None; also by setting `NO_COLOR`.
    Never,
}

/// What lies behind the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum BackgroundChoice {
    /// As the terminal says.
    #[default]
    Auto,
    /// A dark screen.
    Dark,
    /// A light screen.
    Light,
}

/// What the user asked for on the command line.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct DisplayOptions {
    /// How pictures are drawn.
    #[arg(long, value_enum, default_value_t, hide_short_help = true)]
    pub graphics: Graphics,
    /// How many colors are used.
    #[arg(long, value_enum, default_value_t, hide_short_help = true)]
    pub color: ColorChoice,
    /// Whether the screen is dark or light.
    #[arg(long, value_enum, default_value_t, hide_short_help = true)]
    pub background: BackgroundChoice,
}

/// What the terminal can show, each with the reason for believing it.
#[derive(Debug, Clone)]
pub struct Capabilities {
    /// How many colors.
    pub depth: Depth,
    /// Why.
    pub depth_why: String,
    /// What lies behind the text.
    pub background: Background,
    /// Why.
    pub background_why: String,
    /// Why pictures are drawn the way they are.
    pub graphics_why: String,
    /// Whether the terminal is at the other end of a network.
    pub link: Link,
    /// Whether tmux lies between.
    pub multiplexed: bool,
    picker: Picker,
}

impl Capabilities {
    /// What can be known without asking the terminal.
    #[must_use]
    pub fn plain(display: &DisplayOptions) -> Self {
        let (depth, depth_why) = depth(display.color, &variable);
        let (background, background_why) = background(display.background, None, &variable);
        Self {
            depth,
            depth_why,
            background,
            background_why,
            graphics_why: "asked for with --graphics".into(),
            link: link(&variable),
            multiplexed: variable("TMUX").is_some(),
            picker: Picker::halfblocks(),
        }
    }

    /// What the terminal answers, within a moment. It must be in raw mode, and nobody else may read from it.
    #[must_use]
    pub fn ask(display: &DisplayOptions, tty: &File) -> Self {
        let mut known = Self::plain(display);
        let may_have_more = display.color == ColorChoice::Auto && known.depth == Depth::Indexed256;
        if may_have_more && query::truecolor(tty, known.link) {
            (known.depth, known.depth_why) = (Depth::True, "the terminal repeated a 24-bit color".into());
        }
        // In a tmux at the far end the question may go unanswered, and blocks are what comes of it anyway.
        let skip = display.graphics == Graphics::Auto && known.link == Link::Remote && known.multiplexed;
        if skip {
            known.graphics_why = "over ssh in tmux; --graphics asks for more".into();
        }
        if display.graphics == Graphics::Halfblocks || skip {
            return known;
        }
        match query::graphics(known.link) {
            Ok(picker) => known.apply_answers(display, picker),
            Err(error) => known.graphics_why = format!("the terminal could not be asked ({error})"),
        }
        known
    }

    /// How pictures are drawn.
    #[must_use]
    pub fn painter(&self) -> Painter {
        Painter::new(self.picker.clone(), self.depth, self.background, self.link)
    }

    /// The name of the way pictures are drawn.
    #[must_use]
    pub fn graphics(&self) -> &'static str {
        name(self.picker.protocol_type())
    }

    /// Width and height of a cell in pixels, when the terminal said so.
    #[must_use]
    pub fn cell(&self) -> Option<(u16, u16)> {
        self.picker.capabilities().iter().find_map(|capability| match capability {
            Capability::CellSize(size) => *size,
            _ => None,
        })
    }

    /// Takes over what the terminal answered.
    fn apply_answers(&mut self, display: &DisplayOptions, mut picker: Picker) {
        let said = picker.capabilities().iter().find_map(|capability| match capability {
            Capability::Background(red, green, blue) => Some([*red, *green, *blue]),
            _ => None,
        });
        (self.background, self.background_why) = background(display.background, said, &variable);
        let (protocol, why) = protocol(display.graphics, picker.protocol_type(), self.link);
        picker.set_protocol_type(protocol);
        (self.picker, self.graphics_why) = (picker, why);
        if self.graphics() != name(ProtocolType::Halfblocks) && self.cell().is_none() {
            self.graphics_why += ", but it did not say how large a cell is, so sizes are guessed";
        }
    }
}

/// Refuses a terminal that cannot place text.
///
/// # Errors
/// [`Error::Usage`].
pub fn check_term() -> Result<()> {
    match variable("TERM").as_deref() {
        Some("dumb") => Err(Error::Usage(
            "this terminal (TERM=dumb) cannot place text; `lookalike neighbors` and `lookalike matrix` print lines"
                .into(),
        )),
        _ => Ok(()),
    }
}

fn link(variable: &dyn Fn(&str) -> Option<String>) -> Link {
    let remote = ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"].iter().any(|name| variable(name).is_some());
    if remote { Link::Remote } else { Link::Local }
}

/// How many colors, and why.
fn depth(choice: ColorChoice, variable: &dyn Fn(&str) -> Option<String>) -> (Depth, String) {
    let asked = |depth| (depth, "asked for with --color".to_owned());
    match choice {
        ColorChoice::Truecolor => return asked(Depth::True),
        ColorChoice::Indexed => return asked(Depth::Indexed256),
        ColorChoice::Ansi => return asked(Depth::Ansi16),
        ColorChoice::Never => return asked(Depth::Mono),
        ColorChoice::Auto => {}
    }
    if variable("NO_COLOR").is_some() {
        return (Depth::Mono, "NO_COLOR is set".into());
    }
    if let Some(value) = variable("COLORTERM").filter(|value| value == "truecolor" || value == "24bit") {
        return (Depth::True, format!("COLORTERM={value}"));
    }
    for (name, values) in
        [("TERM_PROGRAM", ["iTerm.app", "WezTerm", "vscode", "ghostty"].as_slice()), ("WT_SESSION", &[])]
    {
        if let Some(value) = variable(name).filter(|value| values.is_empty() || values.contains(&value.as_str())) {
            return (Depth::True, format!("{name}={value}"));
        }
    }
    if variable("TMUX").is_some() {
        return (Depth::True, "tmux turns 24-bit colors into those its terminal has".into());
    }
    let term = variable("TERM").unwrap_or_default();
    let starts = |names: &[&str]| names.iter().any(|name| term.starts_with(name));
    let depth = if term.ends_with("-direct")
        || starts(&["xterm-kitty", "xterm-ghostty", "alacritty", "foot", "wezterm", "contour"])
    {
        Depth::True
    } else if term.contains("256color") || starts(&["xterm", "screen", "tmux", "rxvt-unicode", "putty"]) {
        Depth::Indexed256
    } else if term.is_empty() || term == "dumb" || starts(&["vt1", "vt2", "vt3"]) {
        Depth::Mono
    } else {
        Depth::Ansi16
    };
    (depth, format!("TERM={term}"))
}

/// What lies behind the text, and why.
fn background(
    choice: BackgroundChoice,
    said: Option<[u8; 3]>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> (Background, String) {
    match choice {
        BackgroundChoice::Dark => return (Background::Dark, "asked for with --background".into()),
        BackgroundChoice::Light => return (Background::Light, "asked for with --background".into()),
        BackgroundChoice::Auto => {}
    }
    if let Some(rgb @ [red, green, blue]) = said {
        return (Background::of(rgb), format!("the terminal said #{red:02x}{green:02x}{blue:02x}"));
    }
    let colors = variable("COLORFGBG").unwrap_or_default();
    // "foreground;background", sometimes with a third in between; 7 and the bright colors but gray are light.
    match colors.rsplit(';').next().and_then(|color| color.parse::<u8>().ok()) {
        Some(7 | 9..=15) => (Background::Light, format!("COLORFGBG={colors}")),
        Some(_) => (Background::Dark, format!("COLORFGBG={colors}")),
        None => (Background::Unknown, "the terminal did not say".into()),
    }
}

/// How pictures are drawn, and why.
fn protocol(choice: Graphics, found: ProtocolType, link: Link) -> (ProtocolType, String) {
    let forced = |protocol| (protocol, "asked for with --graphics".to_owned());
    match choice {
        Graphics::Halfblocks => forced(ProtocolType::Halfblocks),
        Graphics::Sixel => forced(ProtocolType::Sixel),
        Graphics::Kitty => forced(ProtocolType::Kitty),
        Graphics::Iterm2 => forced(ProtocolType::Iterm2),
        Graphics::Auto if found == ProtocolType::Halfblocks => (found, "the terminal named nothing better".into()),
        Graphics::Auto if link == Link::Remote => {
            let better = name(found);
            (ProtocolType::Halfblocks, format!("over ssh, to spare the line; --graphics {better} would work here"))
        }
        Graphics::Auto => (found, "the terminal answered to it".into()),
    }
}

fn name(protocol: ProtocolType) -> &'static str {
    match protocol {
        ProtocolType::Halfblocks => "halfblocks",
        ProtocolType::Sixel => "sixel",
        ProtocolType::Kitty => "kitty",
        ProtocolType::Iterm2 => "iterm2",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An environment of `NAME=value` words.
    fn environment(words: &str) -> impl Fn(&str) -> Option<String> + '_ {
        |name| {
            words
                .split(' ')
                .find_map(|word| word.split_once('=').filter(|(key, _)| *key == name))
                .map(|(_, value)| value.into())
        }
    }

    #[track_caller]
    fn check_depth(words: &str, expected: Depth) {
        assert_eq!(depth(ColorChoice::Auto, &environment(words)).0, expected, "{words}");
    }

    #[test]
    fn colors_follow_what_the_terminal_says_of_itself() {
        check_depth("TERM=xterm-256color COLORTERM=truecolor", Depth::True);
        check_depth("TERM=xterm-256color COLORTERM=truecolor NO_COLOR=1", Depth::Mono);
        check_depth("TERM=xterm-256color", Depth::Indexed256);
        check_depth("TERM=screen", Depth::Indexed256);
        check_depth("TERM=xterm-kitty", Depth::True);
        check_depth("TERM=xterm-256color TERM_PROGRAM=Apple_Terminal", Depth::Indexed256);
        check_depth("TERM=xterm-256color WT_SESSION=7", Depth::True);
        check_depth("TERM=screen TMUX=/tmp/tmux-0/default,1,0", Depth::True);
        check_depth("TERM=linux", Depth::Ansi16);
        check_depth("TERM=vt220", Depth::Mono);
        check_depth("", Depth::Mono);
        assert_eq!(
            depth(ColorChoice::Ansi, &environment("NO_COLOR=1")).0,
            Depth::Ansi16,
            "the flag is newer than the variable"
        );
    }

    #[track_caller]
    fn check_background(said: Option<[u8; 3]>, words: &str, expected: Background) {
        assert_eq!(background(BackgroundChoice::Auto, said, &environment(words)).0, expected, "{words}");
    }

    #[test]
    fn the_answer_counts_more_than_the_variable() {
        check_background(Some([250, 250, 240]), "COLORFGBG=15;0", Background::Light);
        check_background(None, "COLORFGBG=15;0", Background::Dark);
        check_background(None, "COLORFGBG=0;default;15", Background::Light);
        check_background(None, "COLORFGBG=12;8", Background::Dark);
        check_background(None, "COLORFGBG=0;default", Background::Unknown);
        check_background(None, "", Background::Unknown);
        assert_eq!(background(BackgroundChoice::Dark, Some([255; 3]), &environment("")).0, Background::Dark);
    }

    #[test]
    fn pixels_cross_a_network_only_when_asked_for() {
        use ProtocolType::{Halfblocks, Iterm2, Kitty, Sixel};
        let chosen = |choice, found, link| protocol(choice, found, link).0;
        assert_eq!(chosen(Graphics::Auto, Kitty, Link::Local), Kitty);
        assert_eq!(chosen(Graphics::Auto, Kitty, Link::Remote), Halfblocks);
        assert_eq!(chosen(Graphics::Sixel, Halfblocks, Link::Remote), Sixel);
        assert_eq!(chosen(Graphics::Halfblocks, Kitty, Link::Local), Halfblocks);
        assert_eq!(chosen(Graphics::Iterm2, Halfblocks, Link::Local), Iterm2);
        assert_eq!(link(&environment("SSH_TTY=/dev/pts/3")), Link::Remote);
        assert_eq!(link(&environment("TERM=xterm")), Link::Local);
    }
}
