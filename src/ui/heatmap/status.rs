//! The cell under the cursor in one line: both names and, unless they stand beside the table, both metrics and both ranks,
//! however narrow the screen is.

use ratatui::text::{Line, Span};

use crate::{
    app::{App, layout::Area},
    index::ImageId,
    printable::printable,
    similarity::Metric,
    text,
    ui::{canvas::Canvas, facts, pictures},
};

/// Draws it; returns whether there is a cell.
pub(in crate::ui) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Area) -> bool {
    let heat = &app.screens.heatmap;
    let Some(mean) = heat.block_mean(&app.shared) else { return false };
    let Some([row, col]) = heat.shown_pair(&app.shared) else {
        let mean = mean.map(|mean| format!("mean {}", text::value(mean).trim()));
        canvas.text(area, 0, &mean.unwrap_or_default(), canvas.theme.dim());
        return true;
    };
    let first = mean.map(|mean| format!("mean {} · best ", text::value(mean).trim())).unwrap_or_default();
    let columns = usize::from(area.width).saturating_sub(1);
    // A value and a rank are never cut, so the names have what is left.
    let written: [&dyn Fn(Metric) -> String; 4] = [
        &|metric| value(app, metric, [row, col], metric.name(), true),
        &|metric| value(app, metric, [row, col], metric.name(), false),
        &|metric| value(app, metric, [row, col], &metric.name()[..3], false),
        &|metric| value(app, metric, [row, col], "", false),
    ];
    let lines = written.map(|written| Metric::ALL.map(written).join(" · "));
    let wanted = [44, 34, 16, 0];
    let fits = |at: &usize| text::width(&lines[*at]) + text::width(&first) + wanted[*at] <= columns;
    let values = &lines[(0..4).find(fits).unwrap_or(3)];
    let beside = heat.plot(&app.shared, app.shared.body()).panel.is_some();
    let (first, values) = if beside { (String::new(), "") } else { (first, values.as_str()) };
    let first = if text::width(values) + text::width(&first) + 9 <= columns { first } else { String::new() };
    let marks = [row, col].map(|id| facts::mark(app, id).trim_end());
    let room = columns.saturating_sub(text::width(values) + 2 + text::width(&first) + marks.concat().chars().count());
    let theme = canvas.theme;
    let mut spans = vec![Span::styled(first, theme.dim())];
    if room >= 7 {
        // Each may have half of it, and what the other does not need.
        let [row_name, col_name] = [row, col].map(|id| name(app, id));
        let half = (room - 3) / 2;
        let row_room = half.max((room - 3).saturating_sub(text::width(&col_name)));
        let row_name = text::cut_middle(&row_name, row_room);
        let col_name = text::cut_middle(&col_name, room - 3 - text::width(&row_name));
        spans.extend([
            Span::styled(marks[0], theme.mark()),
            Span::styled(row_name, theme.strong()),
            Span::styled(" × ", theme.dim()),
            Span::styled(marks[1], theme.mark()),
            Span::styled(col_name, theme.strong()),
            Span::raw("  "),
        ]);
    }
    spans.push(Span::styled(values.to_owned(), theme.dim()));
    canvas.line(area, 0, Line::from(spans));
    true
}

/// A picture's path under its folder, without the extension.
fn name(app: &App, id: ImageId) -> String {
    app.shared
        .index
        .get(id)
        .map_or_else(String::new, |entry| printable(entry.relative().with_extension("")) + &entry.mark())
}

fn value(app: &App, metric: Metric, [row, col]: [ImageId; 2], name: &str, of: bool) -> String {
    let compared = pictures::Compared::of(app, metric, row, col);
    let rank = match compared.rank {
        Some(rank) if of => format!(" {} of {}", rank.short(), rank.of()),
        Some(rank) => format!(" {}", rank.short()),
        None => String::new(),
    };
    format!("{name} {}{rank}", text::value(compared.value).trim()).trim_start().to_owned()
}
