//! Problems: the files that could not be indexed, each with its reason.

use ratatui::text::{Line, Span};

use super::{canvas::Canvas, empty, facts};
use crate::{
    app::{
        App, RunState,
        layout::Area,
        screens::problems::{List, Problems},
    },
    printable::{printable, printable_str},
    text,
};

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) {
    let body = app.shared.body();
    let theme = canvas.theme;
    let skipped = &app.shared.skipped;
    if skipped.is_empty() {
        let (what, then) = match &app.shared.run {
            RunState::Running => ("No problems so far.", "Files that cannot be read are listed here with the reason."),
            RunState::Done => ("No problems.", "Every picture that was found could be read."),
            RunState::Failed(reason) => {
                let reason = printable_str(reason);
                return empty::say(canvas, body, "Indexing stopped.", &reason);
            }
        };
        return empty::say(canvas, body, what, then);
    }
    let list = List::new(body);
    canvas.rule(
        list.title,
        Line::from(vec![
            Span::styled(text::counted(skipped.len(), "file"), theme.strong()),
            Span::styled(" skipped; everything else is indexed", theme.dim()),
            facts::narrowed_to(app, canvas),
        ]),
    );
    let Problems { cursor, first } = app.screens.problems;
    let listed: Vec<_> = Problems::listed(&app.shared).collect();
    if listed.is_empty() {
        let words = printable_str(app.shared.filter.typed());
        return empty::say(canvas, list.rows, &format!("No path contains “{words}”."), "/ changes the filter.");
    }
    for (at, problem) in listed.iter().enumerate().skip(first).take(list.page()) {
        let row = Area { y: list.rows.y + 2 * (at - first) as u16, height: 2, ..list.rows };
        let focused = at == cursor;
        if focused {
            canvas.fill(Area { width: 1, ..row }, '▌', theme.accent());
        }
        let words = row.left(2).1.off_right(1).0;
        let path = text::cut_middle(&shortened(app, &problem.path), words.width.into());
        canvas.line(words, 0, Span::styled(path, if focused { theme.accent() } else { theme.strong() }));
        canvas.text(words, 1, &printable_str(&problem.reason), theme.dim());
    }
    super::scrollbar(canvas, list.rows, first, list.page(), listed.len());
    let Some(problem) = listed.get(cursor).filter(|_| !list.details.is_empty()) else { return };
    canvas.rule(list.rule, Line::default());
    let words = list.details.inside(1, 0);
    let columns = usize::from(words.width);
    let path = text::cut_middle(&printable(&problem.path), columns);
    canvas.line(words, 0, Span::styled(path, theme.strong()));
    for (at, line) in empty::wrapped(&printable_str(&problem.reason), columns).iter().enumerate() {
        canvas.line(words, 1 + at as u16, line.as_str());
    }
}

/// The path under the folder being explored.
fn shortened(app: &App, path: &std::path::Path) -> String {
    let relative = app.shared.folders.iter().find_map(|folder| path.strip_prefix(folder).ok());
    printable(relative.filter(|relative| !relative.as_os_str().is_empty()).unwrap_or(path))
}
