//! Problems: the files that could not be indexed, under their reasons.

use ratatui::text::{Line, Span};

use super::{canvas::Canvas, empty, facts};
use crate::{
    app::{
        App, RunState,
        layout::Area,
        screens::problems::{Line as Entry, List},
    },
    index::RowKind,
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
            RunState::Done if app.shared.index.kind() == RowKind::Face => {
                ("No problems.", "Every picture that was found could be read, and has a face.")
            }
            RunState::Done => ("No problems.", "Every picture that was found could be read."),
            RunState::Failed(reason) => {
                let reason = printable_str(reason);
                return empty::say(canvas, body, "Indexing stopped.", &reason);
            }
        };
        return empty::say(canvas, body, what, then);
    }
    let (list, problems) = (List::new(body), &app.screens.problems);
    let indexed = if app.shared.run == RunState::Running { " so far" } else { "; everything else is indexed" };
    let [count, what] = match (problems.faceless, problems.files.len() - problems.faceless) {
        (0, files) => {
            let files = facts::listed_of(app, files, skipped.len(), "file");
            match problems.reasons() {
                0 => [files, " skipped".to_owned()],
                reasons => [files, format!(" skipped for {}", text::counted(reasons, "reason"))],
            }
        }
        (pictures, 0) => [text::counted(pictures, "picture"), " without a face".to_owned()],
        (pictures, files) => {
            let files = text::counted(files, "file");
            [text::counted(pictures, "picture"), format!(" without a face, {files} skipped")]
        }
    };
    canvas.rule(
        list.title,
        Line::from(vec![
            Span::styled(count, theme.strong()),
            Span::styled(what + indexed, theme.dim()),
            facts::narrowed_to(app, canvas),
        ]),
    );
    if problems.files.is_empty() {
        let words = printable_str(app.shared.filter.typed());
        let then = app.sentence("{filter} changes the filter.");
        return empty::say(canvas, list.rows, &format!("No path contains “{words}”."), &then);
    }
    for (row, line) in problems.lines.iter().skip(problems.first).take(list.page()).enumerate() {
        let row = Area { y: list.rows.y + row as u16, height: 1, ..list.rows };
        let words = row.left(2).1.off_right(1).0;
        match *line {
            Entry::Reason { first, count } => {
                let reason = printable_str(&problems.files[first].reason);
                let number = Span::styled(format!("{} ", text::count(count)), theme.accent());
                let room = usize::from(words.width).saturating_sub(number.width());
                let reason = Span::styled(text::cut(&reason, room), theme.strong());
                canvas.line(words, 0, Line::from(vec![number, reason]));
            }
            Entry::File(at) => {
                let focused = at == problems.cursor;
                if focused {
                    canvas.fill(Area { width: 1, ..row }, '▌', theme.accent());
                }
                let (_, words) = words.left(2);
                let path = text::cut_middle(&shortened(app, &problems.files[at].path), words.width.into());
                canvas.line(words, 0, Span::styled(path, if focused { theme.accent() } else { theme.dim() }));
            }
        }
    }
    super::scrollbar(canvas, list.rows, problems.first, list.page(), problems.lines.len());
    let Some(problem) = problems.current().filter(|_| !list.details.is_empty()) else { return };
    canvas.rule(list.rule, Line::default());
    let words = list.details.inside(1, 0);
    let columns = usize::from(words.width);
    let path = text::cut_middle(&printable(&problem.path), columns);
    canvas.line(words, 0, Span::styled(path, theme.strong()));
    for (at, line) in text::wrapped(&printable_str(&problem.reason), columns).iter().enumerate() {
        canvas.line(words, 1 + at as u16, line.as_str());
    }
}

/// The path under the folder being explored.
fn shortened(app: &App, path: &std::path::Path) -> String {
    let relative = app.shared.folders.iter().find_map(|folder| path.strip_prefix(folder).ok());
    let relative = relative.unwrap_or_else(|| app.shared.relative(path));
    printable(if relative.as_os_str().is_empty() { path } else { relative })
}
