//! Heatmap: every pair at once, with headers, a legend, and the two pictures under the cursor.

mod cells;
mod headers;
mod legend;
mod lens;
mod numbers;
mod status;

pub(super) use self::{
    cells::{TableCell, one as cell},
    status::draw as status,
};

use std::ops::Range;

use ratatui::text::{Line, Span};

use super::{canvas::Canvas, empty, facts, pictures};
use crate::{
    app::{
        App,
        layout::Area,
        previews::Slot,
        screens::heatmap::{NamedRows, Panel, Plot, Rows},
    },
    order::OrderKind,
    similarity::{Metric, Window},
    text,
};

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) {
    let body = app.shared.body();
    if empty::nothing_indexed(app, canvas, body) {
        return;
    }
    let heat = &app.screens.heatmap;
    let Some((metric, window)) = &heat.shown else {
        let pictures = app.shared.index.counted();
        return empty::say(canvas, body, &format!("Comparing {pictures} with each other…"), "A moment.");
    };
    let plot = heat.plot(&app.shared, app.shared.body());
    let cursor = heat.cursor(app.shared.selected, plot.partition);
    let unnamed = headers::columns(app, canvas, &plot, window, cursor.1);
    // Where rows have names of their own, groups are named over the columns only, or here.
    title(app, canvas, &plot, if plot.cell.halves >= 2 { &unnamed } else { &[] });
    if let (Some(area), Some(panel)) = (plot.panel, Panel::of(&plot, app.shared.is_remote)) {
        set_apart(canvas, area, body, plot.title);
        draw_panel(app, canvas, &panel);
        if let Some(lens) = panel.lens.filter(|_| !app.pace.keys_come_fast) {
            lens::draw(app, canvas, lens, cursor, *metric);
        }
    }
    let group = |cell: usize| heat.group(plot.partition.rows(cell).start);
    let begins_group = |cell: usize| cell > 0 && cell < plot.partition.side() && group(cell) != group(cell - 1);
    // In an order by something else nearly every row would begin a group.
    let together =
        |made: &Rows| made.order.kind() == OrderKind::Similarity || made.order.kind() == app.shared.label_order();
    let apart = heat.rows.as_ref().is_some_and(together);
    let lights = !app.pace.keys_come_fast;
    cells::draw(canvas, &plot, heat, (*metric, window), (cursor, lights), &|cell| apart && begins_group(cell));
    headers::rows(app, canvas, &plot, window, cursor.0);
    headers::signs(canvas, &plot, window, cursor);
    legend::draw(canvas, &plot, heat, (*metric, window), Some(cursor).filter(|_| lights));
}

/// Draws a line between the table and its panel, which lies beside it or, in a portrait window, below.
pub(super) fn set_apart(canvas: &mut Canvas<'_>, panel: Area, body: Area, title: Area) {
    if panel.x > body.x {
        canvas.divider(panel.x - 1, body, title);
    } else {
        canvas.fill(Area { y: panel.y - 1, height: 1, ..panel }, '─', canvas.theme.faint());
    }
}

fn title(app: &App, canvas: &mut Canvas<'_>, plot: &Plot, unnamed: &[&NamedRows]) {
    let theme = canvas.theme;
    let heat = &app.screens.heatmap;
    let side = text::count(heat.len());
    let pairs = plot.partition.pairs();
    let cell = match (plot.partition.is_single(), app.shared.metric) {
        (true, _) => String::new(),
        (_, Metric::Cosine) => format!(" · a cell is the mean of {pairs}"),
        (_, Metric::Euclidean) => format!(" · a cell is the root mean square of {pairs}"),
    };
    let part = heat.shown.as_ref().and_then(|(_, window)| part(app, plot, window)).unwrap_or_default();
    let making = heat.rows.as_ref().is_some_and(|made| made.order.kind() != heat.kind);
    let order = if making {
        format!(" · ordering by {}…", heat.kind.name())
    } else {
        format!(" · by {}", heat.kind.name())
    };
    let words = format!("{order}{part}{cell}");
    let room = usize::from(plot.title.width).saturating_sub(3 + 2 * text::width(&side) + 3);
    let narrowed = facts::narrowed_to(app, canvas);
    let room = room.saturating_sub(narrowed.width());
    let words = text::cut(&words, room);
    let mut room = room.saturating_sub(text::width(&words) + 1);
    let mut spans =
        vec![Span::styled(format!("{side} × {side}"), theme.strong()), Span::styled(words, theme.dim()), narrowed];
    for group in unnamed {
        let name = format!(" ▐{}", group.name(app.shared.labels(), app.shared.metric));
        let fits = text::width(&name) <= room;
        let style = group.folder.map_or(theme.dim(), |folder| theme.group(folder));
        spans.push(Span::styled(if fits { name } else { " …".to_owned() }, style));
        if !fits {
            break;
        }
        room -= text::width(spans.last().map_or("", |span| &span.content));
    }
    canvas.rule(plot.title, Line::from(spans));
}

/// Which rows and columns are in view, unless all are.
fn part(app: &App, plot: &Plot, window: &Window) -> Option<String> {
    let side = plot.partition.side();
    let shown = |what: &str, cells: &Range<usize>| {
        let (first, last) = (plot.partition.rows(cells.start).start, plot.partition.rows(cells.end - 1).end);
        format!("{what} {}–{}", text::count(first + 1), text::count(last))
    };
    let view = &window.view;
    let part = (view.rows.len() < side || view.cols.len() < side) && !view.rows.is_empty() && !view.cols.is_empty();
    let fits = || app.sentence("[ · {zoom-fit} fits all]");
    part.then(|| format!(" · {}, {}{}", shown("rows", &view.rows), shown("columns", &view.cols), fits()))
}

fn draw_panel(app: &App, canvas: &mut Canvas<'_>, panel: &Panel) {
    let heat = &app.screens.heatmap;
    let theme = canvas.theme;
    let mean = heat.block_mean(&app.shared).flatten();
    for (id, area) in app.beside().into_iter().zip([panel.row, panel.col]) {
        match id {
            Some(image) => pictures::slot(app, canvas, &Slot::new(image, area).fleeting()),
            // All boxes look the same: another shape at each key would cost more than all the rest.
            None => pictures::empty_box(canvas, area),
        }
    }
    if let Some([row, col]) = heat.shown_pair(&app.shared) {
        for (id, name, sign) in [(row, panel.row_name, "▸ "), (col, panel.col_name, "▾ ")] {
            let mut line = facts::path_line(app, canvas, usize::from(name.width).saturating_sub(2), id);
            line.spans.insert(0, Span::styled(sign, theme.accent()));
            canvas.line(name, 0, line);
        }
        let above = u16::from(panel.values.height > 3) * if mean.is_some() { 2 } else { 1 };
        pictures::values(app, canvas, panel.values.top(above).1, row, col);
    }
    let (Some(mean), Some(block)) = (mean, heat.block(&app.shared)) else { return };
    let what = if panel.values.width >= 36 { " pictures" } else { "" };
    let pairs = format!("{} × {}{what}", text::count(block.rows.len()), text::count(block.cols.len()));
    canvas.text(panel.values, 0, &format!("{pairs} · mean {}", text::value(mean).trim()), theme.strong());
    let words = match heat.extremes(&app.shared) {
        Some(found) => {
            let [best, worst] = [found.best.1, found.worst.1].map(|value| text::value(value).trim().to_owned());
            format!("best {best} · worst {worst}")
        }
        None if app.pace.rested => "best pair: looking for it…".to_owned(),
        None => "best pair: when the cursor rests".to_owned(),
    };
    canvas.text(panel.values, 1, &words, theme.dim());
}
