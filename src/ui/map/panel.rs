//! Beside the map: the selected picture, its nearest three with their values, and what the letters and colors mean.

use ratatui::text::{Line, Span};

use crate::{
    app::{App, layout::Area, previews::Slot, screens::map::places::Panel},
    display::letter,
    index::ImageId,
    similarity::Neighbor,
    text,
    ui::{canvas::Canvas, facts, pictures},
};

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, panel: &Panel) {
    if let Some(id) = app.shared.selected {
        pictures::slot(app, canvas, &Slot::new(id, panel.picture));
        let name = facts::name_line(app, canvas, panel.facts.width.into(), id);
        canvas.line(panel.facts, 0, name);
        canvas.line(panel.facts, 1, label_line(app, canvas, id));
    }
    for (at, row) in app.screens.map.nearest.iter().enumerate() {
        let (thumb, words) = panel.parts(at);
        pictures::slot(app, canvas, &Slot::new(row.id, thumb));
        if words.height == 1 {
            canvas.line(words, 0, short_line(app, canvas, at, row, words));
            continue;
        }
        canvas.line(words, 0, value_line(app, canvas, at, row, words));
        if words.height > 2 {
            let name = facts::name_line(app, canvas, words.width.into(), row.id);
            canvas.line(words, 1, name);
            canvas.line(words, 2, label_line(app, canvas, row.id));
        } else {
            let name = facts::name_line(app, canvas, usize::from(words.width).saturating_sub(2), row.id);
            canvas.line(words.left(2).1, 1, name);
        }
    }
    legend(app, canvas, panel.legend);
}

/// Place, value and metric of one of the nearest.
fn value_line(app: &App, canvas: &Canvas<'_>, at: usize, row: &Neighbor, area: Area) -> Line<'static> {
    let value = text::value(row.value);
    let mut spans = vec![
        Span::styled(format!("{} ", at + 1), canvas.theme.accent()),
        Span::styled(value.trim().to_owned(), canvas.theme.strong()),
    ];
    let metric = format!(" {}", app.shared.metric.name());
    if usize::from(area.width) >= 2 + 5 + metric.len() {
        spans.push(Span::styled(metric, canvas.theme.dim()));
    }
    Line::from(spans)
}

/// Place, value and name of one of the nearest.
fn short_line(app: &App, canvas: &Canvas<'_>, at: usize, row: &Neighbor, area: Area) -> Line<'static> {
    let mut line = value_line(app, canvas, at, row, Area { width: 0, ..area });
    let room = usize::from(area.width).saturating_sub(line.width() + 1);
    line.push_span(Span::styled(format!(" {}", text::cut_middle(&facts::name(app, row.id), room)), canvas.theme.dim()));
    line
}

/// Letter, color and name of a picture's label.
fn label_line(app: &App, canvas: &Canvas<'_>, id: ImageId) -> Line<'static> {
    let Some(label) = app.shared.labels().of(id) else { return Line::default() };
    Line::from(vec![
        Span::styled(format!("{} ▌", letter(label)), canvas.theme.group(label)),
        Span::styled(app.shared.labels().name(label).to_owned(), canvas.theme.dim()),
    ])
}

/// Each label's letter and color with its name and its number of pictures, as many as there is room for.
fn legend(app: &App, canvas: &mut Canvas<'_>, area: Area) {
    let middles = &app.screens.map.middles;
    if area.is_empty() || middles.is_empty() {
        return;
    }
    let rows = usize::from(area.height);
    let shown = if middles.len() <= rows { middles.len() } else { rows - 1 };
    for (at, middle) in middles.iter().take(shown).enumerate() {
        let count = text::count(middle.count);
        let room = usize::from(area.width).saturating_sub(4 + text::width(&count));
        let name = text::cut(app.shared.labels().name(middle.label), room);
        let line = Line::from(vec![
            Span::styled(format!("{} ▌", letter(middle.label)), canvas.theme.group(middle.label)),
            Span::raw(name),
            Span::styled(format!(" {count}"), canvas.theme.dim()),
        ]);
        canvas.line(area, at as u16, line);
    }
    if shown < middles.len() {
        let rest = format!("and {} more", text::counted(middles.len() - shown, "group"));
        canvas.text(area, shown as u16, &rest, canvas.theme.dim());
    }
}

/// The same in two lines, where there is no room beside the map.
pub(super) fn foot(app: &App, canvas: &mut Canvas<'_>, area: Area) {
    let area = area.inside(1, 0);
    let Some(id) = app.shared.selected else { return };
    let mut line = facts::name_line(app, canvas, usize::from(area.width) / 2, id);
    let label = label_line(app, canvas, id);
    line.push_span(Span::raw("  "));
    line.extend(label.spans);
    canvas.line(area, 0, line);
    let nearest = &app.screens.map.nearest;
    if nearest.is_empty() {
        return;
    }
    let each = area.width / nearest.len() as u16;
    for (at, row) in nearest.iter().enumerate() {
        let place = Area { x: area.x + at as u16 * each, width: each.saturating_sub(1), ..area };
        canvas.line(place, 1, short_line(app, canvas, at, row, place));
    }
}
