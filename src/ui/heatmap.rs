//! Heatmap: every pair at once, with headers, a legend, and the two pictures under the cursor.

use ratatui::{
    style::{Modifier, Style},
    text::{Line, Span},
};

use super::{
    canvas::Canvas,
    empty, facts, pictures,
    theme::{Depth, Theme},
};
use crate::{
    app::{
        App,
        layout::Area,
        previews::Slot,
        screens::heatmap::{Panel, Plot},
    },
    index::ImageId,
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
        let pictures = text::counted(app.shared.index.len(), "picture");
        return empty::say(canvas, body, &format!("Comparing {pictures} with each other…"), "A moment.");
    };
    let plot = heat.plot(&app.shared, app.shared.body());
    let range = heat.range;
    let cursor = heat.cursor(app.shared.selected, plot.partition);
    title(app, canvas, &plot);
    if let Some(panel) = plot.panel {
        canvas.divider(panel.x - 1, body, plot.title);
        draw_panel(app, canvas, &Panel::new(panel));
    }
    cells(canvas, &plot, window, *metric, range, cursor);
    column_headers(app, canvas, &plot, window, cursor.1);
    row_headers(app, canvas, &plot, window, cursor.0);
    legend(canvas, plot.legend, *metric, range);
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

/// The table itself.
fn cells(
    canvas: &mut Canvas<'_>,
    plot: &Plot,
    window: &Window,
    metric: Metric,
    range: (f32, f32),
    cursor: (usize, usize),
) {
    let view = &window.view;
    for (row, r) in view.rows.clone().enumerate() {
        for (col, c) in view.cols.clone().enumerate() {
            let Some(value) = window.get(r, c).filter(|value| !value.is_nan()) else { continue };
            let likeness = metric.likeness(value, range);
            let (x, y) = plot.corner(row, col);
            let under_cursor = (r, c) == cursor;
            if plot.cell.halves == 1 {
                half(canvas, x, y, likeness, under_cursor);
            } else {
                let place = Area { x, y: y / 2, width: plot.cell.width, height: plot.cell.halves / 2 };
                block(canvas, place, value, likeness, under_cursor, plot.cell.has_number());
            }
        }
    }
}

/// A cell of half a terminal row: the upper one is the glyph's color, the lower one the ground.
fn half(canvas: &mut Canvas<'_>, x: u16, y: u16, likeness: f32, under_cursor: bool) {
    let color = if under_cursor { canvas.theme.on_ramp(likeness) } else { canvas.theme.ramp(likeness) };
    if let Some(cell) = canvas.cell(x, y / 2) {
        cell.set_char('▀');
        if y.is_multiple_of(2) {
            cell.set_fg(color)
        } else {
            cell.set_bg(color)
        };
    }
}

/// A cell of whole terminal rows, with its value where there is room.
fn block(canvas: &mut Canvas<'_>, area: Area, value: f32, likeness: f32, under_cursor: bool, number: bool) {
    let theme = canvas.theme;
    let mono = theme.depth() == Depth::Mono;
    let style = match (mono, under_cursor) {
        (true, true) => Style::new().add_modifier(Modifier::REVERSED),
        (true, false) => Style::new(),
        (false, false) => Style::new().fg(theme.on_ramp(likeness)).bg(theme.ramp(likeness)),
        // Turned inside out, the cursor stands out on every color.
        (false, true) => Style::new().fg(theme.ramp(likeness)).bg(theme.on_ramp(likeness)).add_modifier(Modifier::BOLD),
    };
    canvas.fill(area, if mono { theme.shade(likeness) } else { ' ' }, style);
    let (_, middle) = area.top(area.height.saturating_sub(1) / 2);
    if number {
        let shown = if area.width < 6 { text::short_value(value) } else { text::value(value) };
        // The last column keeps its shade where shades are all there is.
        let words = if mono { middle.off_right(1).0 } else { middle };
        canvas.centered(words, 0, &shown, style);
    } else if under_cursor {
        canvas.line(middle, 0, Span::styled("[]", style));
    }
}

/// The picture that a row or column of cells is named after: the cursor's own, else the first of the block.
fn representative(app: &App, plot: &Plot, block: usize, cursor: usize, own: Option<ImageId>) -> Option<ImageId> {
    if block == cursor { own } else { app.screens.heatmap.at(plot.partition.rows(block).start) }
}

/// Groups, and under them names where they fit, else the cursor's alone.
fn column_headers(app: &App, canvas: &mut Canvas<'_>, plot: &Plot, window: &Window, cursor: usize) {
    if plot.top.height < 2 {
        return;
    }
    let theme = canvas.theme;
    let width = plot.cell.width;
    let cols = window.view.cols.clone();
    let (first, total) = (cols.start, cols.len() as u16);
    let id_of = |block: usize| app.screens.heatmap.at(plot.partition.rows(block).start);
    let groups: Vec<_> = cols.clone().map(|block| id_of(block).and_then(|id| app.shared.labels.of(id))).collect();
    let mut at = 0;
    for run in groups.chunk_by(|a, b| a == b) {
        let area = Area { x: plot.top.x + at * width, width: run.len() as u16 * width, height: 1, ..plot.top };
        at += run.len() as u16;
        let Some(group) = run[0] else { continue };
        let (line, _) = area.off_right(u16::from(area.width > 2));
        canvas.fill(line, '━', theme.group(group));
        let name = app.shared.labels.name(group).to_owned();
        let room = usize::from(line.width);
        if room >= 4 {
            // A piece of the line before the name, where there is room for both.
            let indent = u16::from(text::width(&name) + 2 <= room);
            let name = text::cut(&name, room);
            canvas.line(line.left(indent).1, 0, Span::styled(name, theme.group(group).add_modifier(Modifier::BOLD)));
        }
    }
    if plot.cell.width >= 6 {
        for block in cols {
            let Some(id) = representative(app, plot, block, cursor, app.screens.heatmap.partner) else { continue };
            let area = Area { x: plot.top.x + (block - first) as u16 * width, y: plot.top.y + 1, width, height: 1 };
            let style = if block == cursor { theme.accent() } else { theme.dim() };
            let name = stem(app, id);
            let room = usize::from(width) - 1;
            canvas.line(area, 0, Span::styled(text::cut_middle(&name, room), style));
        }
    } else if let Some(id) = app.screens.heatmap.partner {
        let x = (cursor.saturating_sub(first) as u16).min(total) * width;
        let name = facts::name(app, id);
        let row = Area { y: plot.top.y + 1, height: 1, ..plot.top };
        let (before, after) = row.left(x);
        // The name goes to whichever side of the arrow has more room.
        if after.width > before.width || usize::from(after.width) > text::width(&name) + 1 {
            let name = text::cut_middle(&name, usize::from(after.width).saturating_sub(2));
            canvas.line(after, 0, Span::styled(format!("▾ {name}"), theme.accent()));
        } else {
            let name = text::cut_middle(&name, usize::from(before.width).saturating_sub(1));
            canvas.line(after, 0, Span::styled("▾", theme.accent()));
            canvas.right(before, 0, Line::styled(format!("{name} "), theme.accent()));
        }
    }
}

/// Names where a row of cells has a row of text, else the groups; the cursor's name always.
fn row_headers(app: &App, canvas: &mut Canvas<'_>, plot: &Plot, window: &Window, cursor: usize) {
    if plot.names.width < 4 {
        return;
    }
    let theme = canvas.theme;
    let (words, bar) = plot.names.off_right(1);
    let words = words.off_right(1).0;
    let rows = window.view.rows.clone();
    let group_of = |block: usize| {
        let id = app.screens.heatmap.at(plot.partition.rows(block).start)?;
        app.shared.labels.of(id)
    };
    if plot.cell.halves >= 2 {
        let height = plot.cell.halves / 2;
        for (at, block) in rows.enumerate() {
            let Some(id) = representative(app, plot, block, cursor, app.shared.selected) else { continue };
            let area = Area { y: words.y + at as u16 * height, height, ..words };
            let (_, middle) = area.top((height - 1) / 2);
            let style = if block == cursor { theme.accent() } else { theme.dim() };
            let sign = if block == cursor { "▸" } else { " " };
            let room = usize::from(middle.width).saturating_sub(1);
            let name = format!("{}{sign}", text::cut_middle(&stem(app, id), room));
            canvas.right(middle, 0, Line::styled(name, style));
            if let Some(group) = group_of(block) {
                canvas.fill(Area { y: area.y, height, ..bar }, '▐', theme.group(group));
            }
        }
        return;
    }
    let first = rows.start;
    let mut last = None;
    for line in 0..rows.len().div_ceil(2) {
        let (upper, lower) = (first + 2 * line, first + 2 * line + 1);
        let y = words.y + line as u16;
        let groups = (group_of(upper), (lower < rows.end).then(|| group_of(lower)).flatten());
        if let Some(cell) = canvas.cell(bar.x, y) {
            // Two rows of the table share a row of text, and so do their groups.
            match groups {
                (Some(a), Some(b)) if a == b => cell.set_char('▐').set_style(theme.group(a)),
                (Some(a), _) => cell.set_char('▝').set_style(theme.group(a)),
                (None, Some(b)) => cell.set_char('▗').set_style(theme.group(b)),
                (None, None) => cell,
            };
        }
        if cursor == upper || cursor == lower {
            let name = app.shared.selected.map(|id| stem(app, id)).unwrap_or_default();
            let room = usize::from(words.width).saturating_sub(1);
            let shown = format!("{}▸", text::cut_middle(&name, room));
            canvas.right(Area { y, height: 1, ..words }, 0, Line::styled(shown, theme.accent()));
        } else if groups.0 != last
            && let Some(group) = groups.0
        {
            let name = app.shared.labels.name(group).to_owned();
            let name = text::cut_middle(&name, words.width.into());
            canvas.right(Area { y, height: 1, ..words }, 0, Line::styled(name, theme.group(group)));
        }
        last = groups.1.or(groups.0);
    }
}

/// A file name without its extension: in a header every column counts.
fn stem(app: &App, id: ImageId) -> String {
    app.shared
        .index
        .get(id)
        .map_or_else(String::new, |entry| crate::printable::printable(entry.relative().file_stem().unwrap_or_default()))
}

/// What the colors mean: the ramp from the less alike end to the more alike end, with the values of both.
fn legend(canvas: &mut Canvas<'_>, area: Area, metric: Metric, (low, high): (f32, f32)) {
    let theme = canvas.theme;
    let (far, near) = match metric {
        Metric::Cosine => (low, high),
        Metric::Euclidean => (high, low),
    };
    let full = area.width >= 58;
    let before = if full { format!("{} · less alike ", metric.name()) } else { String::new() };
    let after = if full { " more alike" } else { " alike" };
    let (far, near) = (text::value(far).trim().to_owned() + " ", format!(" {}", text::value(near).trim()));
    let words = text::width(&before) + far.len() + near.len() + after.len();
    let columns = usize::from(area.width).saturating_sub(words + 2).min(24);
    if columns < 3 {
        return;
    }
    let mut spans = vec![Span::raw(" "), Span::styled(before, theme.dim()), Span::styled(far, theme.strong())];
    spans.extend((0..columns).map(|at| ramp_step(theme, at as f32 / (columns - 1) as f32)));
    spans.push(Span::styled(near, theme.strong()));
    spans.push(Span::styled(after, theme.dim()));
    canvas.line(area, 0, Line::from(spans));
}

fn ramp_step(theme: Theme, likeness: f32) -> Span<'static> {
    match theme.depth() {
        Depth::Mono => Span::raw(theme.shade(likeness).to_string()),
        _ => Span::styled(" ", Style::new().bg(theme.ramp(likeness))),
    }
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
