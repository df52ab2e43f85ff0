//! What a frame changes, in as few bytes as a terminal needs: only the color that is another one, and the shorter way
//! to the next cell.
//!
//! ratatui's own backend sends both colors whenever one changes and a full position for every gap; over a network a
//! picture of blocks costs more than twice as much that way.

use std::{
    fs::File,
    io::{self, Write},
    mem,
};

use ratatui::{
    backend::{Backend, ClearType, WindowSize},
    buffer::Cell,
    layout::{Position, Size},
    style::{Color, Modifier},
};
use rustix::termios::tcgetwinsize;
use unicode_width::UnicodeWidthChar;

/// Modifiers that show on a blank as well; of all others a blank looks the same.
const SEEN_ON_BLANKS: Modifier = Modifier::REVERSED.union(Modifier::UNDERLINED).union(Modifier::CROSSED_OUT);

/// Modifiers and the parameters that turn them on (ECMA-48, SGR).
const PARAMETERS: [(Modifier, &str); 9] = [
    (Modifier::BOLD, "1"),
    (Modifier::DIM, "2"),
    (Modifier::ITALIC, "3"),
    (Modifier::UNDERLINED, "4"),
    (Modifier::SLOW_BLINK, "5"),
    (Modifier::RAPID_BLINK, "6"),
    (Modifier::REVERSED, "7"),
    (Modifier::HIDDEN, "8"),
    (Modifier::CROSSED_OUT, "9"),
];

/// Collects the bytes of a frame, so that it leaves in one write. No change, no byte.
pub(super) struct Sheet {
    tty: File,
    bytes: Vec<u8>,
    cursor_shown: bool,
}

impl Sheet {
    /// An empty one for this terminal, whose cursor is hidden.
    pub(super) fn new(tty: File) -> Self {
        Self { tty, bytes: Vec::new(), cursor_shown: false }
    }

    /// What was drawn since the last call.
    pub(super) fn take(&mut self) -> Vec<u8> {
        mem::take(&mut self.bytes)
    }
}

impl Backend for Sheet {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, cells: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut pen = Pen::default();
        // Where the terminal writes next, as long as that is certain.
        let mut at = None;
        for (x, y, cell) in cells {
            match at {
                Some(place) if place == (x, y) => {}
                Some((column, row)) if row == y && column < x => match x - column {
                    1 => write!(self.bytes, "\x1b[C")?,
                    gap => write!(self.bytes, "\x1b[{gap}C")?,
                },
                _ => write!(self.bytes, "\x1b[{};{}H", y + 1, x + 1)?,
            }
            pen.change(cell, &mut self.bytes)?;
            let symbol = cell.symbol();
            self.bytes.extend_from_slice(symbol.as_bytes());
            let mut chars = symbol.chars();
            let narrow = chars.next().is_some_and(|char| char.width() == Some(1)) && chars.next().is_none();
            // Terminals differ about the width of everything else.
            at = narrow.then_some((x + 1, y));
            if symbol.contains('\x1b') {
                pen.set = None;
            }
        }
        pen.lay_down(&mut self.bytes)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if mem::replace(&mut self.cursor_shown, false) {
            self.bytes.extend_from_slice(b"\x1b[?25l");
        }
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if !mem::replace(&mut self.cursor_shown, true) {
            self.bytes.extend_from_slice(b"\x1b[?25h");
        }
        Ok(())
    }

    /// Nobody may ask: the input thread would get the answer.
    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let Position { x, y } = position.into();
        write!(self.bytes, "\x1b[{};{}H", y + 1, x + 1)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        let code = match region {
            ClearType::All => "2J",
            ClearType::AfterCursor => "J",
            ClearType::BeforeCursor => "1J",
            ClearType::CurrentLine => "2K",
            ClearType::UntilNewLine => "K",
        };
        write!(self.bytes, "\x1b[{code}")
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.window_size_of_tty()?.columns_rows)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.window_size_of_tty()
    }

    /// Nothing leaves before the frame is whole.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sheet {
    // Asked of this very terminal: crossterm's question is answered even when it is gone.
    fn window_size_of_tty(&self) -> io::Result<WindowSize> {
        let size = tcgetwinsize(&self.tty)?;
        Ok(WindowSize {
            columns_rows: Size::new(size.ws_col, size.ws_row),
            pixels: Size::new(size.ws_xpixel, size.ws_ypixel),
        })
    }
}

/// How the terminal writes at the moment; nothing when a picture's own sequences may have changed it.
struct Pen {
    set: Option<Style>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Style {
    text: Color,
    behind: Color,
    modifier: Modifier,
}

const PLAIN: Style = Style { text: Color::Reset, behind: Color::Reset, modifier: Modifier::empty() };

impl Default for Pen {
    fn default() -> Self {
        Self { set: Some(PLAIN) }
    }
}

impl Pen {
    /// Makes the terminal write this cell as it is meant.
    fn change(&mut self, cell: &Cell, bytes: &mut Vec<u8>) -> io::Result<()> {
        let mut wanted = Style { text: cell.fg, behind: cell.bg, modifier: cell.modifier };
        if let Some(now) = self.set
            && cell.symbol() == " "
            && !(now.modifier | wanted.modifier).intersects(SEEN_ON_BLANKS)
        {
            (wanted.text, wanted.modifier) = (now.text, now.modifier);
        }
        if self.set == Some(wanted) {
            return Ok(());
        }
        let mut parameters = Vec::new();
        // There is no way to take off one modifier that all terminals know.
        let now = self.set.filter(|now| wanted.modifier.contains(now.modifier)).unwrap_or_else(|| {
            parameters.push("0".to_owned());
            PLAIN
        });
        let added = PARAMETERS.iter().filter(|(modifier, _)| (wanted.modifier - now.modifier).contains(*modifier));
        parameters.extend(added.map(|(_, parameter)| (*parameter).to_owned()));
        for (color, before, base) in [(wanted.text, now.text, 30), (wanted.behind, now.behind, 40)] {
            if color != before {
                parameters.push(parameter(color, base));
            }
        }
        self.set = Some(wanted);
        write!(bytes, "\x1b[{}m", parameters.join(";"))
    }

    /// Leaves the terminal writing plainly.
    fn lay_down(&self, bytes: &mut Vec<u8>) -> io::Result<()> {
        if self.set != Some(PLAIN) { bytes.write_all(b"\x1b[0m") } else { Ok(()) }
    }
}

/// The parameter that selects a color: `base` is 30 for the text, 40 for what is behind it.
fn parameter(color: Color, base: u8) -> String {
    let named = |at: u8| (if at < 8 { base + at } else { base + 60 + at - 8 }).to_string();
    match color {
        Color::Reset => (base + 9).to_string(),
        Color::Black => named(0),
        Color::Red => named(1),
        Color::Green => named(2),
        Color::Yellow => named(3),
        Color::Blue => named(4),
        Color::Magenta => named(5),
        Color::Cyan => named(6),
        Color::Gray => named(7),
        Color::DarkGray => named(8),
        Color::LightRed => named(9),
        Color::LightGreen => named(10),
        Color::LightYellow => named(11),
        Color::LightBlue => named(12),
        Color::LightMagenta => named(13),
        Color::LightCyan => named(14),
        Color::White => named(15),
        // Shorter, and also understood by terminals that have no more than these.
        Color::Indexed(at @ ..16) => named(at),
        Color::Indexed(at) => format!("{};5;{at}", base + 8),
        Color::Rgb(red, green, blue) => format!("{};2;{red};{green};{blue}", base + 8),
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use ratatui::{
        Terminal, TerminalOptions, Viewport,
        buffer::Buffer,
        layout::Rect,
        style::{Style, Stylize},
        text::{Line, Span},
        widgets::Widget,
    };

    use super::*;

    const AREA: Rect = Rect::new(0, 0, 24, 4);

    fn tui() -> Terminal<Sheet> {
        let tty = File::open("/dev/null").expect("every system has it");
        let options = TerminalOptions { viewport: Viewport::Fixed(AREA) };
        Terminal::with_options(Sheet::new(tty), options).expect("nothing to fail")
    }

    /// Draws, and gives the bytes that it took.
    fn frame(tui: &mut Terminal<Sheet>, draw: impl FnOnce(&mut Buffer)) -> Vec<u8> {
        tui.draw(|frame| draw(frame.buffer_mut())).expect("nothing to fail");
        tui.backend_mut().take()
    }

    #[test]
    fn a_frame_without_a_change_is_no_byte_and_a_cursor_is_shown_and_hidden_once() {
        let mut tui = tui();
        let mut text = |text: &str, cursor: Option<(u16, u16)>| {
            tui.draw(|frame| {
                Line::raw(text).render(AREA, frame.buffer_mut());
                if let Some(cursor) = cursor {
                    frame.set_cursor_position(cursor);
                }
            })
            .expect("nothing to fail");
            String::from_utf8(tui.backend_mut().take()).expect("text")
        };
        assert_eq!(text("one", None), "\x1b[1;1Hone");
        assert_eq!(text("one", None), "");
        assert_eq!(text("one", Some((1, 1))), "\x1b[?25h\x1b[2;2H");
        assert_eq!(text("one", None), "\x1b[?25l");
    }

    #[test]
    fn only_what_differs_is_sent() {
        let red = Style::new().fg(Color::Rgb(200, 0, 0)).bg(Color::Indexed(20));
        let line = Line::from(vec![
            Span::styled("a", red),
            Span::styled("b", red.bg(Color::Blue)),
            Span::styled(" ", red.fg(Color::Green).bg(Color::Blue)),
            Span::styled("c", red.bg(Color::Blue).bold()),
            Span::styled("d", red),
        ]);
        let bytes = frame(&mut tui(), |buf| line.render(AREA, buf));
        let expected = "\x1b[1;1H\x1b[38;2;200;0;0;48;5;20ma\x1b[44mb \x1b[1mc\x1b[0;38;2;200;0;0;48;5;20md\x1b[0m";
        assert_eq!(String::from_utf8(bytes).expect("text"), expected);
    }

    #[test]
    fn a_gap_is_skipped_and_what_a_picture_left_behind_is_not_trusted() {
        let mut tui = tui();
        frame(&mut tui, |buf| Line::raw("abcdef").render(AREA, buf));
        let bytes = frame(&mut tui, |buf| Line::raw("AbCdeF").render(AREA, buf));
        assert_eq!(String::from_utf8(bytes).expect("text"), "\x1b[1;1HA\x1b[CC\x1b[2CF");
        let bytes = frame(&mut tui, |buf| {
            Line::raw("AbCdeF").render(AREA, buf);
            buf[(7, 0)].set_symbol("\x1bPq\x1b\\");
            buf[(8, 0)].set_symbol("x");
        });
        assert_eq!(String::from_utf8(bytes).expect("text"), "\x1b[1;8H\x1bPq\x1b\\\x1b[1;9H\x1b[0mx");
    }

    /// Any sequence of frames must leave a terminal with what ratatui's own backend leaves.
    #[test]
    fn a_terminal_shows_what_was_drawn() {
        let size = |cells| NonZeroU16::new(cells).expect("not zero");
        let mut shown = vt100::Parser::new(size(AREA.height), size(AREA.width), 0);
        let mut tui = tui();
        let colors = [Color::Reset, Color::Red, Color::LightCyan, Color::Indexed(200), Color::Rgb(1, 20, 255)];
        let modifiers = [Modifier::empty(), Modifier::BOLD, Modifier::REVERSED, Modifier::BOLD | Modifier::UNDERLINED];
        let symbols = [" ", "a", "▀", "─", "ü", " "];
        let mut state = 1_u32;
        let mut any = |below: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as usize % below
        };
        let mut drawn = Buffer::empty(AREA);
        for _ in 0..60 {
            for _ in 0..any(40) {
                let at = (any(AREA.width.into()) as u16, any(AREA.height.into()) as u16);
                let style = Style::new().fg(colors[any(5)]).bg(colors[any(5)]).add_modifier(modifiers[any(4)]);
                drawn[at].reset();
                drawn[at].set_symbol(symbols[any(6)]).set_style(style);
            }
            shown.process(&frame(&mut tui, |buf| buf.clone_from(&drawn)));
            for at in AREA.positions() {
                let (meant, seen) = (&drawn[at], shown.screen().cell(at.y, at.x).expect("inside"));
                let symbol = if seen.has_contents() { seen.contents() } else { " " };
                assert_eq!(symbol, meant.symbol(), "at {at}");
                assert_eq!(seen.bgcolor(), color(meant.bg), "at {at}");
                assert_eq!(seen.inverse(), meant.modifier.contains(Modifier::REVERSED), "at {at}");
                assert_eq!(seen.underline(), meant.modifier.contains(Modifier::UNDERLINED), "at {at}");
                if meant.symbol() != " " || meant.modifier.intersects(SEEN_ON_BLANKS) {
                    assert_eq!(seen.fgcolor(), color(meant.fg), "at {at}");
                    assert_eq!(seen.bold(), meant.modifier.contains(Modifier::BOLD), "at {at}");
                }
            }
        }
    }

    fn color(color: Color) -> vt100::Color {
        match color {
            Color::Red => vt100::Color::Idx(1),
            Color::LightCyan => vt100::Color::Idx(14),
            Color::Indexed(at) => vt100::Color::Idx(at),
            Color::Rgb(red, green, blue) => vt100::Color::Rgb(red, green, blue),
            _ => vt100::Color::Default,
        }
    }
}
