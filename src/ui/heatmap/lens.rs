//! The values around the cursor with their names, beside a table whose cells have no numbers.

use ratatui::text::{Line, Span};

use crate::{
    app::{App, layout::Area},
    index::ImageId,
    similarity::{Metric, pair_value},
    text,
    ui::canvas::Canvas,
};

/// Draws those along the row and those along the column; the cursor's own stands in the same line of both.
pub(super) fn draw(
    app: &App,
    canvas: &mut Canvas<'_>,
    [along_row, along_col]: [Area; 2],
    cursor: (usize, usize),
    metric: Metric,
) {
    let heat = &app.screens.heatmap;
    let (row, col) = (heat.at(cursor.0), heat.at(cursor.1));
    column(app, canvas, along_row, ("▸ along the row", row), cursor.1, metric);
    column(app, canvas, along_col, ("▾ along the column", col), cursor.0, metric);
}

/// One picture with those around a place.
fn column(
    app: &App,
    canvas: &mut Canvas<'_>,
    area: Area,
    (title, fixed): (&str, Option<ImageId>),
    cursor: usize,
    metric: Metric,
) {
    let (theme, heat, index) = (canvas.theme, &app.screens.heatmap, &app.shared.index);
    let Some(fixed) = fixed.filter(|id| index.contains(*id)) else { return };
    canvas.text(area, 0, title, theme.dim());
    let (_, lines) = area.top(1);
    let count = usize::from(lines.height);
    let first = cursor.saturating_sub(count / 2).min(heat.len().saturating_sub(count));
    for (line, at) in (first..heat.len().min(first + count)).enumerate() {
        let Some(entry) = heat.at(at).and_then(|id| index.get(id)) else { continue };
        let name = heat.names.name(&entry);
        let value = match entry.id == fixed {
            true => "    ╲".to_owned(),
            false => text::right_aligned(&text::value(pair_value(index, metric, fixed, entry.id)), 5),
        };
        let name = text::cut_middle(&name, usize::from(lines.width).saturating_sub(6));
        let (number, words) =
            if at == cursor { (theme.accent(), theme.accent()) } else { (theme.strong(), theme.dim()) };
        let spans = vec![Span::styled(value, number), Span::styled(format!(" {name}"), words)];
        canvas.line(lines, line as u16, Line::from(spans));
    }
}
