//! Draws a contact sheet: each picture in its tile, the tile under the cursor in a frame, words in its upper and lower line.

use ratatui::text::{Line, Span};

use super::{canvas::Canvas, facts, pictures};
use crate::{
    app::{App, contact_sheet::ContactSheet, layout::Area, previews::Slot},
    preview::Subject,
    printable::printable,
    text,
};

/// The sign of a file that is not indexed yet.
pub(super) const WAITING: &str = "○";

/// What a tile shows.
pub(super) struct Tile {
    /// The picture, or a file that is not indexed yet.
    pub image: Subject,
    /// Words above it; often none.
    pub note: String,
    /// The label that begins with it, where labels have headings.
    pub heading: Option<usize>,
    /// Whether the cursor is on it.
    pub focused: bool,
}

/// Draws the visible tiles, in their order.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, sheet: &ContactSheet, visible: impl Iterator<Item = Tile>) {
    for (at, Tile { image, note, heading, focused }) in visible.enumerate() {
        let tile = sheet.tile(at);
        pictures::slot(app, canvas, &Slot::new(image.clone(), sheet.picture(at)));
        if focused {
            frame(canvas, tile);
        }
        let (mark, name) = match &image {
            Subject::File(path, _) => (WAITING, printable(path.file_name().unwrap_or_default())),
            Subject::Row(id) | Subject::Difference([id, _]) => {
                (facts::mark(app, *id).trim_end(), facts::name(app, *id))
            }
        };
        words(canvas, tile.top(1).0, "", &note, focused);
        if let Some(label) = heading {
            head(app, canvas, tile.top(1).0.inside(1, 0), label);
        }
        words(canvas, tile.off_bottom(1).1, mark, &name, focused);
    }
}

/// The name of a label over the first of its pictures.
fn head(app: &App, canvas: &mut Canvas<'_>, line: Area, label: usize) {
    let name = text::cut(app.shared.labels().name(label), usize::from(line.width).saturating_sub(3));
    if !name.is_empty() {
        canvas.line(line, 0, Span::styled(format!("▌{name} "), canvas.theme.group(label)));
    }
}

/// Words in the middle of a line of the frame, after a mark.
fn words(canvas: &mut Canvas<'_>, line: Area, mark: &str, words: &str, focused: bool) {
    if words.is_empty() {
        return;
    }
    let theme = canvas.theme;
    let line = line.inside(1, 0);
    let room = usize::from(line.width).saturating_sub(if focused { 2 } else { 0 } + text::width(mark));
    let (style, pad) = if focused { (theme.accent(), " ") } else { (theme.dim(), "") };
    let words = text::cut_name(words, room);
    let words = Line::from(vec![
        Span::styled(mark.to_owned(), theme.mark()),
        Span::styled(format!("{pad}{words}{pad}"), style),
    ]);
    let indent = line.width.saturating_sub(words.width() as u16) / 2;
    canvas.line(line.left(indent).1, 0, words);
}

/// The frame of the tile under the cursor.
fn frame(canvas: &mut Canvas<'_>, tile: Area) {
    if tile.width < 2 || tile.height < 2 {
        return;
    }
    let style = canvas.theme.accent();
    let (right, bottom) = (tile.right() - 1, tile.bottom() - 1);
    let (upper, lower) = (Area { height: 1, ..tile }, Area { y: bottom, height: 1, ..tile });
    canvas.fill(upper, '━', style);
    canvas.fill(lower, '━', style);
    canvas.fill(Area { width: 1, ..tile }, '┃', style);
    canvas.fill(Area { x: right, width: 1, ..tile }, '┃', style);
    for (x, y, corner) in [(tile.x, tile.y, '┏'), (right, tile.y, '┓'), (tile.x, bottom, '┗'), (right, bottom, '┛')]
    {
        canvas.fill(Area { x, y, width: 1, height: 1 }, corner, style);
    }
}

/// Draws where the visible rows lie among all: at the right edge of the sheet and `beside` more columns.
pub(super) fn scrollbar(canvas: &mut Canvas<'_>, sheet: &ContactSheet, beside: u16, first: usize, total: usize) {
    let track = Area { width: sheet.area.width + beside, ..sheet.area };
    super::scrollbar(canvas, track, first, sheet.rows, total.div_ceil(sheet.columns));
}
