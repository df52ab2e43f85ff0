//! Problems: the files that could not be indexed, each with its reason.

use ratatui::text::{Line, Span};

use super::{canvas::Canvas, empty, text};
use crate::{
    app::{App, Run, layout::Area},
    printable::{printable, printable_str},
};

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) {
    let body = app.shell().body;
    let theme = canvas.theme;
    let skipped = app.skipped();
    if skipped.is_empty() {
        let (what, then) = match app.run() {
            Run::Running => ("No problems so far.", "Files that cannot be read are listed here with the reason."),
            Run::Done => ("No problems.", "Every picture that was found could be read."),
            Run::Failed(reason) => {
                let reason = printable_str(reason);
                return empty::say(canvas, body, "Indexing stopped.", &reason);
            }
        };
        return empty::say(canvas, body, what, then);
    }
    let (title, list) = body.top(1);
    canvas.rule(
        title,
        Line::from(vec![
            Span::styled(text::counted(skipped.len(), "file"), theme.strong()),
            Span::styled(" skipped; everything else is indexed", theme.dim()),
        ]),
    );
    let (cursor, first) = app.problem();
    for (at, problem) in skipped.iter().enumerate().skip(first).take(app.problem_rows()) {
        let row = Area { y: list.y + 2 * (at - first) as u16, height: 2, ..list };
        let focused = at == cursor;
        if focused {
            canvas.fill(Area { width: 1, ..row }, '▌', theme.accent());
        }
        let words = row.left(2).1.off_right(1).0;
        let path = text::cut_middle(&shortened(app, &problem.path), words.width.into());
        canvas.line(words, 0, Span::styled(path, if focused { theme.accent() } else { theme.strong() }));
        canvas.text(words, 1, &printable_str(&problem.reason), theme.dim());
    }
    super::scrollbar(canvas, list, first, app.problem_rows(), skipped.len());
}

/// The path under the folder being explored.
fn shortened(app: &App, path: &std::path::Path) -> String {
    let relative = app.setup().folders.iter().find_map(|folder| path.strip_prefix(folder).ok());
    printable(relative.filter(|relative| !relative.as_os_str().is_empty()).unwrap_or(path))
}
