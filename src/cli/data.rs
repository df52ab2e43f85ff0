//! How paths and values are written for programs: JSON, CSV and lists of paths.
//!
//! A terminal may be what reads them. There, and in JSON everywhere, characters that it would obey or hide are escaped.

use std::{
    borrow::Cow,
    ffi::OsStr,
    fmt::Write as _,
    io::{self, IsTerminal, Write},
    os::unix::ffi::OsStrExt,
    path::Path,
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use serde::Serialize;

use crate::{
    index::{Entry, RowKind},
    printable::{is_hostile, printable, printable_str},
    similarity::Accuracy,
};

/// Bytes that stand for themselves in the path of a URL (RFC 3986, unreserved), and the slash.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The path as text that no other path has: itself, or the file URL of the whole path (RFC 8089) where the name is not
/// UTF-8. No path that the program prints begins like a URL, which has two slashes in a row.
#[must_use]
pub fn path_text(path: &Path) -> Cow<'_, str> {
    if let Some(text) = path.to_str() {
        return text.into();
    }
    let whole = std::path::absolute(path);
    let bytes = whole.as_deref().unwrap_or(path).as_os_str().as_bytes();
    format!("file://{}", percent_encode(bytes, ESCAPED)).into()
}

/// The picture's group as text that no other group of its folder has: its name, or as [`path_text`] its folder.
#[must_use]
pub fn group_text<'a>(entry: &Entry<'a>) -> Cow<'a, str> {
    match str::from_utf8(entry.group_bytes()) {
        Ok(name) => name.into(),
        Err(_) => path_text(&entry.root.join(OsStr::from_bytes(entry.group_bytes()))).into_owned().into(),
    }
}

/// A face as programs read it; absent where rows are whole pictures.
#[derive(Debug, Clone, Serialize)]
pub struct JsonFace {
    /// Which of its picture's faces it is: 1 is the largest.
    number: u32,
    /// Left, top, right and bottom in pixels of the upright picture.
    #[serde(rename = "box")]
    area: [f32; 4],
    /// How sure the detector is, from 0 to 1.
    score: f32,
}

impl JsonFace {
    /// The face that a row stands for.
    #[must_use]
    pub fn of(entry: &Entry<'_>) -> Option<Self> {
        let (number, face) = entry.face_number().zip(entry.face())?;
        let (width, height) = entry.pixels();
        let [left, top, right, bottom] = face.area;
        let pixels = |share: f32, all: u32| (share * all as f32 * 10.0).round() / 10.0;
        let area = [pixels(left, width), pixels(top, height), pixels(right, width), pixels(bottom, height)];
        Some(Self { number, area, score: face.score })
    }
}

/// A picture, or a face in one, as programs read it among whatever is said of it.
#[derive(Debug, Clone, Serialize)]
pub struct JsonImage<'a> {
    path: String,
    group: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    face: Option<JsonFace>,
}

impl<'a> JsonImage<'a> {
    /// What a row stands for.
    #[must_use]
    pub fn of(entry: &Entry<'a>) -> Self {
        Self { path: path_text(&entry.path()).into_owned(), group: group_text(entry), face: JsonFace::of(entry) }
    }
}

/// The names of the further columns of a CSV table whose rows are faces.
#[must_use]
pub fn face_columns(rows: RowKind) -> &'static str {
    match rows {
        RowKind::Picture => "",
        RowKind::Face => ",face,left,top,right,bottom,score",
    }
}

/// What a row has in the columns of [`face_columns`].
#[must_use]
pub fn face_fields(entry: &Entry<'_>) -> String {
    JsonFace::of(entry).map_or_else(String::new, |JsonFace { number, area: [left, top, right, bottom], score }| {
        format!(",{number},{left},{top},{right},{bottom},{score}")
    })
}

/// The object with how far the nearest pictures behind it are the nearest there are: whether they are approximate, and then
/// the share of the true nearest that was found.
#[must_use]
pub fn with_accuracy(mut object: serde_json::Value, accuracy: Accuracy) -> serde_json::Value {
    object["approximate"] = accuracy.recall().is_some().into();
    object["recall"] = accuracy.recall().into();
    object
}

/// JSON on one line.
///
/// # Errors
/// When the value cannot be written as JSON; none of ours.
pub fn json(value: &impl Serialize) -> io::Result<String> {
    Ok(escaped(&serde_json::to_string(value)?))
}

/// JSON, indented.
///
/// # Errors
/// As [`json`].
pub fn pretty_json(value: &impl Serialize) -> io::Result<String> {
    Ok(escaped(&serde_json::to_string_pretty(value)?))
}

/// The same JSON, with escapes in its strings for what a terminal would obey or hide.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        // Line feeds lie between values: inside of strings they are escaped already.
        if c != '\n' && is_hostile(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(c);
        }
    }
    text
}

/// A field as RFC 4180 wants it; for a terminal also as it wants it.
#[must_use]
pub fn csv_field(text: &str, terminal: bool) -> String {
    let text = if terminal { printable_str(text) } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// Writes a path, byte for byte unless a terminal shows it, and what ends it.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_path(path: &Path, nul: bool, out: &mut dyn Write) -> io::Result<()> {
    if io::stdout().is_terminal() {
        out.write_all(printable(path).as_bytes())?;
    } else {
        out.write_all(path.as_os_str().as_bytes())?;
    }
    out.write_all(if nul { b"\0" } else { b"\n" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_no_text_stay_distinct() {
        let text = |bytes: &[u8]| path_text(Path::new(OsStr::from_bytes(bytes))).into_owned();
        assert_eq!(text("/a/kočka %.png".as_bytes()), "/a/kočka %.png");
        assert_eq!(text(b"/a b/\xe9%.png"), "file:///a%20b/%E9%25.png");
        assert_ne!(text(b"/\xe9"), text(b"/\xe8"));
    }

    #[test]
    fn json_means_the_same_and_harms_no_terminal() {
        let name = "a\u{1b}[31m\u{7f}\u{9b}\u{202e}\u{e0041}\n\"🦀";
        for json in [json(&[name]).expect("text"), pretty_json(&[name]).expect("text")] {
            assert!(json.chars().all(|c| c == '\n' || !is_hostile(c)), "{json:?}");
            assert_eq!(serde_json::from_str::<[String; 1]>(&json).expect("JSON"), [name]);
        }
    }

    #[test]
    fn csv_fields_with_commas_and_quotes_are_quoted() {
        assert_eq!(csv_field("a.png", false), "a.png");
        assert_eq!(csv_field("a, \"b\".png", true), "\"a, \"\"b\"\".png\"");
        assert_eq!(csv_field("\u{1b}", false), "\u{1b}");
        assert_eq!(csv_field("\u{1b}", true), "\\u{1b}");
    }
}
