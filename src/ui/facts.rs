//! What is said of a picture, the same on every screen.

use ratatui::text::{Line, Span};

use super::canvas::Canvas;
use crate::{
    app::{App, layout::Area, shared::Coloring},
    face::Face,
    index::{Entry, ImageId},
    printable::{printable, printable_str},
    similarity::Accuracy,
    text,
};

/// The file's name.
pub(super) fn name(app: &App, id: ImageId) -> String {
    app.shared.index.get(id).map_or_else(|| "(removed)".to_owned(), |entry| entry.file_name())
}

/// The path under the folder being explored, where names alone may repeat.
pub(super) fn path(app: &App, id: ImageId) -> String {
    app.shared.index.get(id).map_or_else(|| "(removed)".to_owned(), |entry| entry.name())
}

/// The folder it lies in, under the folder being explored; empty for that folder itself.
pub(super) fn folder(entry: &Entry<'_>) -> String {
    entry.relative().parent().map(printable).unwrap_or_default()
}

/// Size in pixels and format; of a face its own size before that of its picture.
pub(super) fn pixels(entry: &Entry<'_>) -> String {
    let (width, height) = entry.pixels();
    let picture = format!("{width}×{height} {}", printable_str(entry.format()));
    let Some(Face { area: [left, top, right, bottom], .. }) = entry.face() else { return picture };
    let [across, down] = [(right - left) * width as f32, (bottom - top) * height as f32];
    format!("{across:.0}×{down:.0} of {picture}")
}

/// Which of its picture's faces a face is, and how sure the detector is of it; nothing of a whole picture.
pub(super) fn detected(app: &App, entry: &Entry<'_>) -> Option<String> {
    let (number, face) = entry.face_number().zip(entry.face())?;
    let all = app.shared.index.of_one_picture(entry.id).count();
    let which = if all > 1 { format!("face {number} of {all} · ") } else { String::new() };
    Some(format!("{which}score {:.3}", face.score))
}

/// The sign of a marked picture, or of one that is to be unlike the answers.
pub(super) fn mark(app: &App, id: ImageId) -> &'static str {
    match () {
        () if app.shared.marks.contains(id) => "● ",
        () if app.shared.unlike.contains(id) => "⊖ ",
        () => "",
    }
}

/// The name with the mark of a marked picture, cut to fit.
pub(super) fn name_line(app: &App, canvas: &Canvas<'_>, columns: usize, id: ImageId) -> Line<'static> {
    let mark = mark(app, id);
    let room = columns.saturating_sub(text::width(mark));
    Line::from(vec![
        Span::styled(mark, canvas.theme.mark()),
        Span::styled(text::cut_name(&name(app, id), room), canvas.theme.strong()),
    ])
}

/// The same with the folder before the name, where there is room: names alone may repeat.
pub(super) fn path_line(app: &App, canvas: &Canvas<'_>, columns: usize, id: ImageId) -> Line<'static> {
    let mut line = name_line(app, canvas, columns, id);
    let folder = app.shared.index.get(id).map(|entry| folder(&entry)).filter(|folder| !folder.is_empty());
    if let Some(folder) =
        folder.map(|folder| folder + "/").filter(|folder| line.width() + text::width(folder) <= columns)
    {
        line.spans.insert(1, Span::styled(folder, canvas.theme.dim()));
    }
    line
}

/// What the screen is narrowed to, after a separator; nothing when it is to nothing.
pub(super) fn narrowed_to(app: &App, canvas: &Canvas<'_>) -> Span<'static> {
    let filter = &app.shared.filter;
    let mut words = String::new();
    if filter.is_among() {
        words += " · only the marked";
    }
    if !filter.typed().trim().is_empty() {
        words += &format!(" · filter “{}”", printable_str(filter.typed()));
    }
    Span::styled(words, canvas.theme.warning())
}

/// That not all of the nearest are known from which something was made, after a separator; nothing when all are.
pub(super) fn approximation(canvas: &Canvas<'_>, accuracy: Accuracy) -> Span<'static> {
    let words = accuracy.percent_found().map_or(String::new(), |percent| format!(" · approximate ({percent} %)"));
    Span::styled(words, canvas.theme.mark())
}

/// Says, in place of a screen, that the filter lets nothing through.
pub(super) fn nothing_admitted(app: &App, canvas: &mut Canvas<'_>, body: Area) {
    let (title, rest) = body.top(u16::from(body.height > 3));
    let words = format!("0 of {}", text::count(app.shared.index.len()));
    canvas.rule(title, Line::from(vec![Span::styled(words, canvas.theme.strong()), narrowed_to(app, canvas)]));
    let what = match app.shared.filter.is_among() {
        true => app.shared.words("None of the marked pictures has all these words in its path.").into_owned(),
        false => format!("No path contains “{}”.", printable_str(app.shared.filter.typed())),
    };
    none_listed(app, canvas, rest, &what);
}

/// Says that nothing of what the filter lets through is in a list, and what to do.
pub(super) fn none_listed(app: &App, canvas: &mut Canvas<'_>, area: Area, what: &str) {
    let all = app.shared.index.counted();
    let then = app.sentence("[{filter} changes the filter; ]without words") + &format!(" all {all} are shown.");
    super::empty::say(canvas, area, &app.shared.words(what), &then);
}

/// How many there are of something: of all of them, where the filter leaves some out.
pub(super) fn listed_of(app: &App, listed: usize, all: usize, what: &str) -> String {
    of_listed(app, listed, text::counted(all, what))
}

/// The same of pictures.
pub(super) fn listed_pictures(app: &App, listed: usize, all: usize) -> String {
    of_listed(app, listed, app.shared.counted(all))
}

fn of_listed(app: &App, listed: usize, all: String) -> String {
    if app.shared.filter.is_empty() { all } else { format!("{} of {all}", text::count(listed)) }
}

/// Four lines: name, folder, pixels and format, bytes and date; of a face in place of these what its detector said.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Area, id: ImageId) {
    let Some(entry) = app.shared.index.get(id) else { return };
    let name = name_line(app, canvas, area.width.into(), id);
    canvas.line(area, 0, name);
    group_line(app, canvas, area, 1, id);
    canvas.text(area, 2, &pixels(&entry), canvas.theme.dim());
    let size_and_date = || format!("{} · {}", text::bytes(entry.size()), text::date(entry.modified()));
    let last = detected(app, &entry).unwrap_or_else(size_and_date);
    canvas.text(area, 3, &last, canvas.theme.dim());
}

/// The folder with the mark of its group.
pub(super) fn group_line(app: &App, canvas: &mut Canvas<'_>, area: Area, row: u16, id: ImageId) {
    let Some(entry) = app.shared.index.get(id) else { return };
    let mut spans = Vec::new();
    if let Some(group) = app.shared.labels().of(id) {
        spans.push(Span::styled("▌", canvas.theme.group(group)));
        if app.shared.coloring != Coloring::Folders {
            spans.push(Span::styled(format!("{} · ", app.shared.labels().name(group)), canvas.theme.dim()));
        }
    }
    let taken: usize = spans.iter().map(Span::width).sum();
    let room = usize::from(area.width).saturating_sub(taken);
    spans.push(Span::styled(text::cut_middle(&folder(&entry), room), canvas.theme.dim()));
    canvas.line(area, row, Line::from(spans));
}
