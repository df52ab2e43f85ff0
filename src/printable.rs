//! Makes hostile file names safe to show: nothing that reaches a terminal or a table may carry control characters.

use std::{fmt::Write as _, path::Path};

/// The path as text in which a terminal obeys nothing and hides nothing, see [`is_hostile`].
///
/// Bytes that are not UTF-8 show as U+FFFD; the path itself is never changed by this.
pub fn printable(path: impl AsRef<Path>) -> String {
    printable_str(&path.as_ref().to_string_lossy())
}

/// [`printable`] for text that is not a path, such as a decoder's message.
#[must_use]
pub fn printable_str(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hostile(c) {
            // Writing to a String cannot fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Most characters of a library's message that a sentence takes over: it may quote a whole file.
const MOST_QUOTED: usize = 300;

/// A library's message as a part of a sentence: its first line that says something, [`printable_str`], and cut where it is long.
#[must_use]
pub fn one_line(message: &str) -> String {
    let line = message.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let (quoted, rest) = line.split_at(line.char_indices().nth(MOST_QUOTED).map_or(line.len(), |(at, _)| at));
    printable_str(quoted) + if rest.is_empty() { "" } else { "…" }
}

/// Whether a terminal would obey the character, hide it or reorder what is around it: controls, and the invisible and
/// directional characters of Unicode (general category Cf, line and paragraph separators, fillers). Variation selectors
/// stay: they choose between two looks of a character.
#[must_use]
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'                      // soft hyphen
            | '\u{34f}'                   // combining grapheme joiner
            | '\u{600}'..='\u{605}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}' // marks around numbers
            | '\u{61c}'                   // Arabic letter mark
            | '\u{115f}'..='\u{1160}' | '\u{3164}' | '\u{ffa0}' // Hangul fillers
            | '\u{17b4}'..='\u{17b5}'     // Khmer inherent vowels
            | '\u{180e}'                  // Mongolian vowel separator
            | '\u{200b}'..='\u{200f}'     // zero-width space, joiners, direction marks
            | '\u{2028}'..='\u{202e}'     // line and paragraph separators, embeddings and overrides
            | '\u{2060}'..='\u{206f}'     // invisible operators, isolates, deprecated controls
            | '\u{feff}'                  // byte order mark
            | '\u{fff0}'..='\u{fffb}'     // interlinear annotation, and what is reserved before it
            | '\u{13430}'..='\u{1345f}'   // Egyptian joiners
            | '\u{1bca0}'..='\u{1bca3}'   // shorthand controls
            | '\u{1d173}'..='\u{1d17a}'   // musical beams and slurs
            | '\u{e0000}'..='\u{e007f}'   // tags: invisible text
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_and_invisible_and_bidi_characters_are_escaped_and_other_scripts_are_not() {
        assert_eq!(printable("a\u{1b}[31mb\nc"), "a\\u{1b}[31mb\\u{a}c");
        assert_eq!(printable("gpj.\u{202e}exe"), "gpj.\\u{202e}exe");
        for hidden in "\u{ad}\u{180e}\u{200b}\u{200d}\u{2066}\u{206a}\u{fffb}\u{e0041}\u{3164}\u{9b}".chars() {
            let name = format!("a{hidden}b");
            assert_eq!(printable(&name), format!("a\\u{{{:x}}}b", u32::from(hidden)));
        }
        assert_eq!(printable("❤\u{fe0f}.png"), "❤\u{fe0f}.png", "a variation selector is part of a picture character");
        assert_eq!(printable("kočka 猫.jpg"), "kočka 猫.jpg");
    }

    #[test]
    fn of_a_message_its_first_line_stays_and_not_more_than_a_sentence_holds() {
        assert_eq!(one_line("\n  bad\u{1b}[31m key \r\nat line 1"), "bad\\u{1b}[31m key");
        assert_eq!(one_line(" \n"), "");
        let [whole, long] = [300, 301].map(|count| one_line(&"é".repeat(count)));
        assert_eq!((whole, long), ("é".repeat(300), "é".repeat(300) + "…"));
    }
}
