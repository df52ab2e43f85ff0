//! Questions to the terminal. Each ends with one that every terminal answers, and with a limit for those that do not.
//!
//! An answer that comes after the limit is kept from the keyboard by [`super::input`].

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
    os::fd::{AsFd, BorrowedFd},
    time::Duration,
};

use ratatui_image::{
    errors::Errors,
    picker::{Picker, cap_parser::QueryStdioOptions},
};
use rustix::termios::{OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};

use crate::display::Link;

/// More than this is not an answer but somebody who leans on the keyboard.
const LONGEST_ANSWER: usize = 4096;

/// How long an answer may take: a round trip, and some work at the other end.
fn limit(link: Link) -> Duration {
    match link {
        Link::Local => Duration::from_millis(400),
        Link::Remote => Duration::from_millis(1000),
    }
}

/// Asks for the picture protocol, the size of a cell and the background.
///
/// # Errors
/// When the terminal cannot be read; no answer is no error, but half blocks.
pub(super) fn graphics(link: Link) -> Result<Picker, Errors> {
    let standard = io::stdin().is_terminal() && io::stdout().is_terminal();
    Picker::from_query_stdio_with_options(QueryStdioOptions {
        timeout_ms: limit(link).as_millis() as i32,
        terminal_background_color_osc: true,
        // Across a network bytes cost more than time, on this machine shared memory costs neither.
        kitty_compression: link == Link::Remote,
        kitty_shared_memory_object: (link == Link::Local).then(QueryStdioOptions::probe_kitty_smo).flatten(),
        stdio: if standard { None } else { Some(QueryStdioOptions::stdio_dev_tty()?) },
        ..QueryStdioOptions::default()
    })
}

/// Sets a 24-bit background and asks which is set (DECRQSS); a terminal that cannot show it has another, or says nothing.
pub(super) fn truecolor(tty: &File, link: Link) -> bool {
    let asked = ask(tty, "\x1b[48;2;17;34;51m\x1bP$qm\x1b\\\x1b[0m", limit(link));
    asked.is_ok_and(|answer| names_the_color(&answer))
}

/// "DCS 1 $ r 0 ; 48 : 2 : 17 : 34 : 51 m ST", with colons or semicolons and perhaps an empty color space.
fn names_the_color(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    text.split_once("1$r").is_some_and(|(_, setting)| {
        let setting = setting.split('m').next().unwrap_or_default().replace(':', ";").replace(";;", ";");
        setting.contains("48;2;17;34;51") || setting.contains("48;2;1;17;34;51")
    })
}

/// Writes the question and "are you well?", and reads until the answer to that, or for as long as `limit`.
fn ask(mut tty: &File, question: &str, limit: Duration) -> io::Result<Vec<u8>> {
    let stdin = io::stdin();
    let keyboard: BorrowedFd = if stdin.is_terminal() { stdin.as_fd() } else { tty.as_fd() };
    let before = tcgetattr(keyboard)?;
    let mut waiting = before.clone();
    // A read returns with what there is, or after so many tenths of a second without a byte.
    waiting.special_codes[SpecialCodeIndex::VMIN] = 0;
    waiting.special_codes[SpecialCodeIndex::VTIME] = (limit.as_millis() / 100) as u8;
    tcsetattr(keyboard, OptionalActions::Now, &waiting)?;
    let answer = tty.write_all(format!("{question}\x1b[5n").as_bytes()).and_then(|()| read_answer(keyboard));
    tcsetattr(keyboard, OptionalActions::Now, &before)?;
    answer
}

fn read_answer(keyboard: BorrowedFd) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\x1b[0n") && answer.len() < LONGEST_ANSWER {
        let mut bytes = [0; 256];
        match rustix::io::read(keyboard, &mut bytes)? {
            0 => break,
            read => answer.extend_from_slice(&bytes[..read]),
        }
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_color_counts_as_an_answer() {
        assert!(names_the_color(b"\x1bP1$r0;48:2:17:34:51m\x1b\\\x1b[0n"), "kitty");
        assert!(names_the_color(b"\x1bP1$r0;48:2::17:34:51m\x1b\\\x1b[0n"), "an empty color space");
        assert!(names_the_color(b"\x1bP1$r0;48:2:1:17:34:51m\x1b\\\x1b[0n"), "xterm");
        assert!(names_the_color(b"\x1bP1$r48;2;17;34;51m\x1b\\\x1b[0n"));
        assert!(!names_the_color(b"\x1bP1$r0;48;5;17m\x1b\\\x1b[0n"), "only 256 colors");
        assert!(!names_the_color(b"\x1bP0$r\x1b\\\x1b[0n"), "not understood");
        assert!(!names_the_color(b"\x1b[0n"));
        assert!(!names_the_color(b""));
    }
}
