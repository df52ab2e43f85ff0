//! Browse: the grid of thumbnails and the details of the selected picture.

use ratatui::text::{Line, Span};

use super::{canvas::Canvas, empty, facts, pictures};
use crate::{
    app::{
        App,
        layout::Area,
        previews::Slot,
        screens::browse::{Details, Grid},
    },
    order::OrderKind,
    text,
};

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) {
    let body = app.shared.body();
    let grid = Grid::new(body, app.screens.browse.size);
    let theme = canvas.theme;
    if empty::nothing_indexed(app, canvas, body) {
        return;
    }
    title(app, canvas, grid.title);
    if let Some(details) = grid.details {
        canvas.divider(details.x - 1, body, grid.title);
        draw_details(app, canvas, &Details::new(details));
    }
    let (browse, list) = (&app.screens.browse, &app.screens.browse.list);
    if list.ids.is_empty() {
        return facts::nothing_admitted(app, canvas, grid.tiles);
    }
    let first = browse.first * grid.columns;
    for (at, id) in list.ids.iter().skip(first).take(grid.page()).enumerate() {
        let (tile, selected) = (grid.tile(at), app.shared.selected == Some(*id));
        pictures::slot(app, canvas, Slot { image: *id, area: grid.picture(at) });
        if selected {
            frame(canvas, tile);
        }
        heading(app, canvas, tile, at, first + at);
        // The name stands in the lower line of the frame.
        let (_, under) = tile.off_bottom(1);
        let label = under.inside(1, 0);
        let mark = facts::mark(app, *id).trim_end();
        let room = usize::from(label.width).saturating_sub(if selected { 2 } else { 0 } + text::width(mark));
        let name = text::cut_name(&facts::name(app, *id), room);
        let style = if selected { theme.accent() } else { theme.dim() };
        let pad = if selected { " " } else { "" };
        let line = Line::from(vec![Span::styled(mark, theme.mark()), Span::styled(format!("{pad}{name}{pad}"), style)]);
        let indent = (label.width.saturating_sub(line.width() as u16)) / 2;
        canvas.line(label.left(indent).1, 0, line);
    }
    scrollbar(app, canvas, &grid);
}

fn title(app: &App, canvas: &mut Canvas<'_>, area: Area) {
    let theme = canvas.theme;
    let (browse, list) = (&app.screens.browse, &app.screens.browse.list);
    let at = app.shared.selected.and_then(|id| list.position(id)).map_or(0, |at| at + 1);
    let place = match list.ids.len() {
        0 => format!("0 of {}", text::count(app.shared.index.len())),
        listed => format!("{} of {}", text::count(at), text::count(listed)),
    };
    let mut spans =
        vec![Span::styled(place, theme.strong()), Span::styled(format!(" · by {}", browse.kind.name()), theme.dim())];
    if browse.kind == OrderKind::Likeness
        && let Some(anchor) = &browse.anchor
        && let crate::similarity::Query::Image(id) = anchor.query()
    {
        spans.push(Span::styled(format!(" to {}", text::cut_name(&facts::name(app, *id), 20)), theme.dim()));
    }
    spans.push(facts::narrowed_to(app, canvas));
    canvas.rule(area, Line::from(spans));
}

/// In order of folders, the name of a folder over the first of its pictures in view.
fn heading(app: &App, canvas: &mut Canvas<'_>, tile: Area, at: usize, place: usize) {
    let (list, labels) = (&app.screens.browse.list, &app.shared.labels);
    let folder = |place: usize| list.ids.get(place).and_then(|id| labels.of(*id));
    let begins = at == 0 || place.checked_sub(1).map(folder) != Some(folder(place));
    let Some(group) = folder(place).filter(|_| begins && list.order.kind() == OrderKind::Folder) else { return };
    let line = tile.top(1).0.inside(1, 0);
    let name = text::cut(labels.name(group), usize::from(line.width).saturating_sub(3));
    if !name.is_empty() {
        canvas.line(line, 0, Span::styled(format!("▌{name} "), canvas.theme.group(group)));
    }
}

/// The frame of the selected tile.
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

fn scrollbar(app: &App, canvas: &mut Canvas<'_>, grid: &Grid) {
    let (browse, tiles) = (&app.screens.browse, grid.tiles);
    let total = browse.list.ids.len().div_ceil(grid.columns);
    // Beside the details the line between them is the track.
    let beside = u16::from(grid.details.is_some());
    super::scrollbar(canvas, Area { width: tiles.width + beside, ..tiles }, browse.first, grid.rows, total);
}

fn draw_details(app: &App, canvas: &mut Canvas<'_>, details: &Details) {
    let theme = canvas.theme;
    let Some(selected) = app.focused() else { return };
    pictures::slot(app, canvas, Slot { image: selected, area: details.picture });
    facts::draw(app, canvas, details.facts, selected);
    if app.shared.index.len() < 2 {
        return;
    }
    canvas.text(details.nearest, 0, &format!("Nearest by {}", app.shared.metric.name()), theme.strong());
    for (at, row) in app.screens.browse.nearest.iter().enumerate() {
        let area = details.thumbs[at];
        let value = text::value(row.value);
        if details.as_pictures {
            pictures::slot(app, canvas, Slot { image: row.id, area: details.thumb(at) });
            let (_, under) = area.off_bottom(2);
            canvas.centered(under, 0, &value, theme.accent());
            let name = text::cut_name(&facts::name(app, row.id), under.width.into());
            canvas.centered(under, 1, &name, theme.dim());
        } else {
            let room = usize::from(area.width).saturating_sub(6);
            canvas.line(
                area,
                0,
                Line::from(vec![
                    Span::styled(format!("{value} "), theme.accent()),
                    Span::styled(text::cut_name(&facts::name(app, row.id), room), theme.dim()),
                ]),
            );
        }
    }
    if app.screens.browse.nearest.is_empty() {
        canvas.text(details.thumbs[0], 0, "comparing…", theme.dim());
    }
}
