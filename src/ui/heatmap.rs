//! Heatmap: every pair at once, with headers, a legend, and the two pictures under the cursor.

mod cells;
mod headers;
mod legend;
mod numbers;

use ratatui::text::{Line, Span};

use super::{canvas::Canvas, empty, facts, pictures};
use crate::{
    app::{
        App,
        previews::Slot,
        screens::heatmap::{Panel, Plot},
    },
    similarity::Metric,
    text,
};

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) {
    let body = app.shared.body();
    if empty::nothing_indexed(app, canvas, body) {
        return;
    }
    let heat = &app.screens.heatmap;
    let Some((metric, window)) = &heat.shown else {
        let pictures = text::counted(app.shared.index.len(), "picture");
        return empty::say(canvas, body, &format!("Comparing {pictures} with each other…"), "A moment.");
    };
    let plot = heat.plot(&app.shared, app.shared.body());
    let cursor = heat.cursor(app.shared.selected, plot.partition);
    title(app, canvas, &plot);
    if let Some(panel) = plot.panel {
        canvas.divider(panel.x - 1, body, plot.title);
        draw_panel(app, canvas, &Panel::new(panel));
    }
    cells::draw(canvas, &plot, heat, (*metric, window), cursor);
    headers::columns(app, canvas, &plot, window, cursor.1);
    headers::rows(app, canvas, &plot, window, cursor.0);
    headers::signs(canvas, &plot, window, cursor);
    legend::draw(canvas, &plot, heat, (*metric, window), cursor);
}

fn title(app: &App, canvas: &mut Canvas<'_>, plot: &Plot) {
    let theme = canvas.theme;
    let heat = &app.screens.heatmap;
    let side = text::count(heat.len());
    let pairs = plot.partition.pairs();
    let cell = match (plot.partition.is_single(), app.shared.metric) {
        (true, _) => String::new(),
        (_, Metric::Cosine) => format!(" · a cell is the mean of {pairs}"),
        (_, Metric::Euclidean) => format!(" · a cell is the root mean square of {pairs}"),
    };
    let all = heat.shown.as_ref().is_none_or(|(_, window)| {
        let cells = plot.partition.side();
        window.view.rows.len() == cells && window.view.cols.len() == cells
    });
    let part = if all { "" } else { " · part of it, 0 fits all" };
    let making = heat.rows.as_ref().is_some_and(|made| made.order.kind() != heat.kind);
    let order = if making {
        format!(" · ordering by {}…", heat.kind.name())
    } else {
        format!(" · by {}", heat.kind.name())
    };
    canvas.rule(
        plot.title,
        Line::from(vec![
            Span::styled(format!("{side} × {side}"), theme.strong()),
            Span::styled(format!("{order}{cell}{part}"), theme.dim()),
        ]),
    );
}

fn draw_panel(app: &App, canvas: &mut Canvas<'_>, panel: &Panel) {
    let (Some(row), Some(col)) = (app.shared.selected, app.screens.heatmap.partner) else { return };
    for (id, picture, name, sign) in [(row, panel.row, panel.row_name, "▸ "), (col, panel.col, panel.col_name, "▾ ")]
    {
        pictures::slot(app, canvas, Slot { image: id, area: picture });
        let mut line = facts::name_line(app, canvas, usize::from(name.width).saturating_sub(2), id);
        line.spans.insert(0, Span::styled(sign, canvas.theme.accent()));
        canvas.line(name, 0, line);
    }
    let (_, values) = panel.values.top(u16::from(panel.values.height > 3));
    pictures::values(app, canvas, values, row, col);
    let heat = &app.screens.heatmap;
    let plot = heat.plot(&app.shared, app.shared.body());
    let cursor = heat.cursor(app.shared.selected, plot.partition);
    if !plot.partition.is_single()
        && let Some((_, window)) = &heat.shown
        && let Some(value) = window.get(cursor.0, cursor.1)
    {
        let words = format!("  the cell   {}", text::right_aligned(&text::value(value), 5));
        canvas.text(values, 2, &words, canvas.theme.dim());
    }
}
