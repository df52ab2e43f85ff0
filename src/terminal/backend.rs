//! The backend that draws what a frame changes in as few bytes as a terminal needs: only the color that is another one,
//! and the shorter way to the next cell.
//!
//! ratatui's own backend sends both colors whenever one changes and a full position for every gap; over a network a
//! picture of blocks costs more than twice as much that way.

use std::{
    cell::RefCell,
    fs::File,
    io::{self, Write},
    mem,
    rc::Rc,
};

use ratatui::{
    backend::{Backend, ClearType, WindowSize},
    buffer::{Buffer, Cell, CellDiffOption},
    layout::{Position, Size},
    style::{Color, Modifier},
};
use rustix::termios::tcgetwinsize;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

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

/// Makes the rest of a row blank, in the color behind the text (ECMA-48, EL).
const ERASE_TO_END: &[u8] = b"\x1b[K";

/// Collects the bytes of a frame, so that it leaves in one write. No change, no byte.
pub(super) struct DiffBackend {
    tty: File,
    bytes: Vec<u8>,
    cursor_shown: bool,
    blank_ends: BlankEnds,
}

impl DiffBackend {
    /// An empty one for this terminal, whose cursor is hidden. Of the frames that it draws the other must know.
    pub(super) fn new(tty: File, blank_ends: BlankEnds) -> Self {
        Self { tty, bytes: Vec::new(), cursor_shown: false, blank_ends }
    }

    /// What was drawn since the last call.
    pub(super) fn take(&mut self) -> Vec<u8> {
        mem::take(&mut self.bytes)
    }
}

impl Backend for DiffBackend {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, cells: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut sgr = CurrentSgr(Some(PLAIN));
        // Where the terminal writes next, as long as that is certain.
        let mut at = None;
        // The row of which the rest is erased.
        let mut erased = None;
        for (x, y, cell) in cells {
            let ends = self.blank_ends.contain(x, y) && cell.symbol() == " ";
            if ends && erased == Some(y) {
                continue;
            }
            match at {
                Some(place) if place == (x, y) => {}
                Some((column, row)) if row == y && column < x => match x - column {
                    1 => write!(self.bytes, "\x1b[C")?,
                    gap => write!(self.bytes, "\x1b[{gap}C")?,
                },
                _ => write!(self.bytes, "\x1b[{};{}H", y + 1, x + 1)?,
            }
            sgr.change(cell, &mut self.bytes)?;
            if ends {
                self.bytes.extend_from_slice(ERASE_TO_END);
                (erased, at) = (Some(y), Some((x, y)));
                continue;
            }
            let symbol = cell.symbol();
            self.bytes.extend_from_slice(symbol.as_bytes());
            let mut chars = symbol.chars();
            let narrow = chars.next().is_some_and(|char| char.width() == Some(1)) && chars.next().is_none();
            // Terminals differ about the width of everything else.
            at = narrow.then_some((x + 1, y));
            if symbol.contains('\x1b') {
                sgr.0 = None;
            }
        }
        sgr.reset(&mut self.bytes)
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

impl DiffBackend {
    // Asked of this very terminal: crossterm's question is answered even when it is gone.
    fn window_size_of_tty(&self) -> io::Result<WindowSize> {
        let size = tcgetwinsize(&self.tty)?;
        Ok(WindowSize {
            columns_rows: Size::new(size.ws_col, size.ws_row),
            pixels: Size::new(size.ws_xpixel, size.ws_ypixel),
        })
    }
}

/// The right halves of the wide characters that the terminal shows.
///
/// When a left half is written over, a terminal clears the right one, each in a color of its own choice. The comparison of
/// two frames does not see that when the cell there is blank in both.
#[derive(Default)]
pub(super) struct RightHalves(Vec<Position>);

impl RightHalves {
    /// Has the cells drawn where the last frame had a right half; then remembers those of this frame.
    pub(super) fn refresh(&mut self, frame: &mut Buffer) {
        for at in self.0.drain(..) {
            if let Some(cell) = frame.cell_mut(at)
                && cell.diff_option == CellDiffOption::None
            {
                cell.diff_option = CellDiffOption::AlwaysUpdate;
            }
        }
        let area = frame.area;
        let cells = area.positions().zip(&frame.content);
        let wide = cells.filter(|(_, cell)| cell.symbol().len() > 1 && is_wide(cell.symbol()));
        self.0.extend(wide.map(|(at, _)| Position::new(at.x + 1, at.y)).filter(|at| area.contains(*at)));
    }
}

/// Whether it is a character of two columns, and no control sequence.
fn is_wide(symbol: &str) -> bool {
    !symbol.starts_with('\x1b') && symbol.width() == 2
}

/// From which column on each row of a frame is blank to its end, on the terminal's own ground: what has to be erased
/// there goes with one sequence.
#[derive(Clone, Default)]
pub(super) struct BlankEnds(Rc<RefCell<Vec<u16>>>);

impl BlankEnds {
    /// Remembers those of this frame.
    pub(super) fn refresh(&self, frame: &Buffer) {
        let is_blank = |cell: &Cell| {
            // Under a picture cells are left out of the comparison, and not to be erased.
            cell.symbol() == " "
                && cell.bg == Color::Reset
                && !cell.modifier.intersects(SEEN_ON_BLANKS)
                && cell.diff_option != CellDiffOption::Skip
        };
        let of_row = |row: &[Cell]| {
            let blank = row.iter().rev().take_while(|cell| is_blank(cell)).count();
            let written = row.len() - blank;
            // The right half of a wide character seems to be blank.
            let wide = written.checked_sub(1).is_some_and(|last| is_wide(row[last].symbol()));
            (written + usize::from(wide)) as u16
        };
        let width = usize::from(frame.area.width).max(1);
        *self.0.borrow_mut() = frame.content.chunks(width).map(of_row).collect();
    }

    /// Whether a cell, and all after it in its row, is blank.
    fn contain(&self, x: u16, y: u16) -> bool {
        self.0.borrow().get(usize::from(y)).is_some_and(|end| x >= *end)
    }
}

/// How the terminal writes (ECMA-48, Select Graphic Rendition).
#[derive(Clone, Copy, PartialEq, Eq)]
struct Sgr {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

const PLAIN: Sgr = Sgr { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };

/// How the terminal writes at the moment; nothing when a picture's own sequences may have changed it.
struct CurrentSgr(Option<Sgr>);

impl CurrentSgr {
    /// Makes the terminal write this cell as it is meant.
    fn change(&mut self, cell: &Cell, bytes: &mut Vec<u8>) -> io::Result<()> {
        let mut wanted = Sgr { fg: cell.fg, bg: cell.bg, modifier: cell.modifier };
        if let Some(now) = self.0
            && cell.symbol() == " "
            && !(now.modifier | wanted.modifier).intersects(SEEN_ON_BLANKS)
        {
            (wanted.fg, wanted.modifier) = (now.fg, now.modifier);
        }
        if self.0 == Some(wanted) {
            return Ok(());
        }
        let mut parameters = Vec::new();
        // There is no way to take off one modifier that all terminals know.
        let now = self.0.filter(|now| wanted.modifier.contains(now.modifier)).unwrap_or_else(|| {
            parameters.push("0".to_owned());
            PLAIN
        });
        let added = PARAMETERS.iter().filter(|(modifier, _)| (wanted.modifier - now.modifier).contains(*modifier));
        parameters.extend(added.map(|(_, parameter)| (*parameter).to_owned()));
        for (color, before, base) in [(wanted.fg, now.fg, 30), (wanted.bg, now.bg, 40)] {
            if color != before {
                parameters.push(parameter(color, base));
            }
        }
        self.0 = Some(wanted);
        write!(bytes, "\x1b[{}m", parameters.join(";"))
    }

    /// Leaves the terminal writing plainly.
    fn reset(&self, bytes: &mut Vec<u8>) -> io::Result<()> {
        if self.0 != Some(PLAIN) { bytes.write_all(b"\x1b[0m") } else { Ok(()) }
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

    use super::*;
    use ratatui::{
        Terminal, TerminalOptions, Viewport,
        layout::Rect,
        style::Style,
        text::{Line, Span},
        widgets::Widget,
    };

    const AREA: Rect = Rect::new(0, 0, 24, 4);

    fn tui() -> Terminal<DiffBackend> {
        tui_with(BlankEnds::default())
    }

    fn tui_with(blank_ends: BlankEnds) -> Terminal<DiffBackend> {
        let tty = File::open("/dev/null").expect("every system has it");
        let options = TerminalOptions { viewport: Viewport::Fixed(AREA) };
        Terminal::with_options(DiffBackend::new(tty, blank_ends), options).expect("nothing to fail")
    }

    /// Draws, and gives the bytes that it took.
    fn frame(tui: &mut Terminal<DiffBackend>, draw: impl FnOnce(&mut Buffer)) -> Vec<u8> {
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
            // Beyond the cells that the sequence would fill if it were text.
            buf[(20, 0)].set_symbol("x");
        });
        assert_eq!(String::from_utf8(bytes).expect("text"), "\x1b[1;8H\x1bPq\x1b\\\x1b[1;21H\x1b[0mx");
    }

    #[test]
    fn a_wide_character_that_stays_is_no_byte_and_one_that_goes_leaves_nothing_behind() {
        let (mut tui, mut right_halves) = (tui(), RightHalves::default());
        let mut text = |text: &str| {
            let bytes = frame(&mut tui, |buf| {
                Line::from(Span::styled(text, Style::new().bg(Color::Red))).render(AREA, buf);
                right_halves.refresh(buf);
            });
            String::from_utf8(bytes).expect("text")
        };
        assert_eq!(text("a猫"), "\x1b[1;1H\x1b[41ma猫\x1b[0m");
        assert_eq!(text("a猫"), "");
        assert_eq!(text("猫"), "\x1b[1;1H\x1b[41m猫\x1b[1;3H\x1b[49m ", "the right half of the first");
    }

    #[test]
    fn the_rest_of_a_row_is_erased_by_one_sequence_unless_a_picture_lies_there() {
        let blank_ends = BlankEnds::default();
        let mut tui = tui_with(blank_ends.clone());
        let mut text = |text: &str, skipped: Option<u16>| {
            let bytes = frame(&mut tui, |buf| {
                Line::raw(text).render(AREA, buf);
                if let Some(x) = skipped {
                    buf[(x, 0)].diff_option = CellDiffOption::Skip;
                }
                blank_ends.refresh(buf);
            });
            String::from_utf8(bytes).expect("text")
        };
        assert_eq!(text("one two three", None), "\x1b[1;1Hone\x1b[Ctwo\x1b[Cthree");
        assert_eq!(text("one", None), "\x1b[1;5H\x1b[K");
        assert_eq!(text("one two", None), "\x1b[1;5Htwo");
        assert_eq!(text("", Some(20)), "\x1b[1;1H   \x1b[C   ", "what is under the picture stays");
    }

    /// Any sequence of frames must leave a terminal with what ratatui's own backend leaves.
    #[test]
    fn a_terminal_shows_what_was_drawn() {
        let size = |cells| NonZeroU16::new(cells).expect("not zero");
        let mut shown = vt100::Parser::new(size(AREA.height), size(AREA.width), 0);
        let blank_ends = BlankEnds::default();
        let mut tui = tui_with(blank_ends.clone());
        let colors = [Color::Reset, Color::Red, Color::LightCyan, Color::Indexed(200), Color::Rgb(1, 20, 255)];
        let modifiers = [Modifier::empty(), Modifier::BOLD, Modifier::REVERSED, Modifier::BOLD | Modifier::UNDERLINED];
        let symbols = [" ", "a", "▀", "─", "ü", "猫"];
        let mut state = 1_u32;
        let mut any = |below: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as usize % below
        };
        let (mut drawn, mut right_halves) = (Buffer::empty(AREA), RightHalves::default());
        for _ in 0..200 {
            // Now and then much is erased.
            let kept = if any(3) == 0 { any(AREA.width.into()) as u16 } else { AREA.width };
            for at in AREA.positions().filter(|at| at.x >= kept) {
                drawn[at].reset();
            }
            if kept > 0 && kept < AREA.width {
                for y in 0..AREA.height {
                    if drawn[(kept - 1, y)].symbol().width() == 2 {
                        drawn[(kept - 1, y)].reset();
                    }
                }
            }
            for _ in 0..any(40) {
                let at = (any(AREA.width.into()) as u16, any(AREA.height.into()) as u16);
                let style = Style::new().fg(colors[any(5)]).bg(colors[any(5)]).add_modifier(modifiers[any(4)]);
                let symbol = symbols[any(6)];
                // As ratatui's own widgets do: a wide character has two cells, and whatever covers one of them ends it.
                let wide = |at: (u16, u16), drawn: &Buffer| at.0 < AREA.width && drawn[at].symbol().width() == 2;
                if at.0 > 0 && wide((at.0 - 1, at.1), &drawn) {
                    drawn[(at.0 - 1, at.1)].reset();
                }
                let next = (at.0 + 1, at.1);
                if symbol.width() == 2 && next.0 == AREA.width {
                    continue;
                }
                if wide(at, &drawn) {
                    drawn[next].reset();
                }
                drawn[at].reset();
                drawn[at].set_symbol(symbol).set_style(style);
                if symbol.width() == 2 {
                    if wide(next, &drawn) {
                        drawn[(next.0 + 1, next.1)].reset();
                    }
                    drawn[next].reset();
                }
            }
            shown.process(&frame(&mut tui, |buf| {
                buf.clone_from(&drawn);
                right_halves.refresh(buf);
                blank_ends.refresh(buf);
            }));
            for at in AREA.positions() {
                let (meant, seen) = (&drawn[at], shown.screen().cell(at.y, at.x).expect("inside"));
                if seen.is_wide_continuation() {
                    assert_eq!(drawn[(at.x - 1, at.y)].symbol().width(), 2, "at {at}");
                    continue;
                }
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
