//! What drawings in SVG share: letters, colors, the title, and how text stands in XML.

use std::fmt::{self, Write as _};

use crate::text;

/// The family that widths are reckoned with; others that have the same widths follow.
pub const FONT: &str = "Hack, 'DejaVu Sans Mono', Menlo, Consolas, monospace";
/// Height of the letters, in pixels.
pub const TEXT: f64 = 12.0;
/// Width of a letter of that height.
pub const LETTER: f64 = 7.3;
/// Around everything.
pub const MARGIN: f64 = 24.0;
/// Color of text.
pub const INK: &str = "#1c1c1c";
/// Color of less important text.
pub const DIM: &str = "#6b6b6b";

/// Begins a drawing on white paper, with a title and a line under it.
///
/// # Errors
/// None: a text takes whatever is written to it.
pub fn begin((width, height): (f64, f64), title: &str, subtitle: &str) -> Result<String, fmt::Error> {
    let mut svg = String::new();
    writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"{width:.0}\" \
         height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"{FONT}\" font-size=\"{TEXT}\">"
    )?;
    writeln!(svg, "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>")?;
    for (y, color, words) in [(MARGIN + TEXT, INK, title), (MARGIN + 2.5 * TEXT, DIM, subtitle)] {
        writeln!(svg, "<text x=\"{MARGIN}\" y=\"{y}\" fill=\"{color}\">{}</text>", escaped(words))?;
    }
    Ok(svg)
}

/// Pixels that so many letters take.
#[must_use]
pub fn letters(count: usize) -> f64 {
    count as f64 * LETTER
}

/// Whether a text takes no more than so many pixels.
#[must_use]
pub fn fits(text: &str, length: f64) -> bool {
    letters(text::width(text)) <= length
}

/// A color as SVG writes it.
#[must_use]
pub fn hex([red, green, blue]: [u8; 3]) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// Text as it stands in XML.
#[must_use]
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
