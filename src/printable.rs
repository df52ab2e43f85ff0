//! Makes hostile file names safe to show: nothing that reaches a terminal or a table may carry control characters.

use std::{fmt::Write as _, path::Path};

/// The path as text with control, line-breaking and bidirectional-override characters escaped.
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

/// C0/C1 controls, line and paragraph separators, bidi embeddings, overrides, isolates and marks, and invisible joiners that hide text.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_and_bidi_overrides_are_escaped_and_other_scripts_are_not() {
        assert_eq!(printable("a\u{1b}[31mb\nc"), "a\\u{1b}[31mb\\u{a}c");
        assert_eq!(printable("gpj.\u{202e}exe"), "gpj.\\u{202e}exe");
        assert_eq!(printable("kočka 猫.jpg"), "kočka 猫.jpg");
    }
}
