//! Writes a drawing to a file, as SVG or as PNG, and replaces no file unasked.

use std::{
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use epaint_default_fonts::HACK_REGULAR;
use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{Options, Tree, fontdb::Database},
};

use crate::{
    error::{Error, Result},
    files,
    printable::printable,
};

/// A small drawing is made so much larger, for paper and for fine screens.
const FINE: f32 = 2.0;
/// Up to this width in pixels, that is.
const SMALL: f32 = 1600.0;

/// Says that the file is there already, before an hour is spent on what would go into it.
///
/// # Errors
/// [`Error::Usage`], unless `replace`.
pub fn check(to: &Path, replace: bool) -> Result<()> {
    if replace || to.symlink_metadata().is_err() { Ok(()) } else { Err(taken(to)) }
}

fn taken(to: &Path) -> Error {
    Error::Usage(format!("{} is there already: name another file, or replace it with --force", printable(to)))
}

/// Writes a drawing into the files asked for, and says on standard error where `what` is.
///
/// # Errors
/// As [`check`]; [`Error::Usage`] when it cannot be drawn, [`Error::Io`] when a file cannot be written.
pub fn draw(svg: &str, what: &str, to_svg: Option<&Path>, to_png: Option<&Path>, replace: bool) -> Result<()> {
    for (file, is_png) in [(to_svg, false), (to_png, true)] {
        let Some(file) = file else { continue };
        let bytes = if is_png { png(svg)? } else { svg.as_bytes().to_owned() };
        write(&bytes, file, replace)?;
        // Said for people: the file itself is the answer.
        let _ = writeln!(io::stderr(), "lookalike: the {what} is in {}", printable(file));
    }
    Ok(())
}

pub(super) fn write(bytes: &[u8], to: &Path, replace: bool) -> Result<()> {
    let written =
        if replace { files::overwrite(to, bytes) } else { files::write_new(to, |file| file.write_all(bytes)) };
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => taken(to),
        _ => Error::io("write", to)(error),
    })
}

/// Draws an SVG as a PNG. Letters come from a font that the program brings along; what it lacks, from the system's.
fn png(svg: &str) -> Result<Vec<u8>> {
    let mut fonts = Database::new();
    fonts.load_font_data(HACK_REGULAR.to_vec());
    if !svg.is_ascii() {
        fonts.load_system_fonts();
    }
    fonts.set_monospace_family("Hack");
    let options = Options { fontdb: Arc::new(fonts), font_family: "Hack".into(), ..Options::default() };
    let failed = |reason: String| Error::Usage(format!("the drawing cannot be drawn as PNG, only as SVG: {reason}"));
    let tree = Tree::from_str(svg, &options).map_err(|error| failed(error.to_string()))?;
    let scale = if tree.size().width() <= SMALL { FINE } else { 1.0 };
    let [width, height] = [tree.size().width(), tree.size().height()].map(|side| (side * scale).ceil() as u32);
    let mut pixels = Pixmap::new(width, height).ok_or_else(|| failed(format!("{width}×{height} pixels")))?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| failed(error.to_string()))
}
