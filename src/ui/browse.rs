//! Browse: the grid of thumbnails and the details of the selected picture.

use ratatui::text::{Line, Span};

use super::{
    canvas::Canvas,
    contact_sheet::{self, Tile},
    empty, facts, pictures,
};
use crate::{
    app::{
        App,
        layout::Area,
        previews::Slot,
        screens::browse::{Details, Grid},
    },
    order::OrderKind,
    preview::Subject,
    similarity::Query,
    text,
};

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) {
    let body = app.shared.body();
    let grid = Grid::new(body, app.screens.browse.size);
    let browse = &app.screens.browse;
    if browse.waiting.is_empty() && empty::nothing_indexed(app, canvas, body) {
        return;
    }
    if app.shared.index.is_empty() {
        title_of_found(app, canvas, grid.title);
    } else {
        title(app, canvas, grid.title);
    }
    if let Some(details) = grid.details {
        canvas.divider(details.x - 1, body, grid.title);
        draw_details(app, canvas, &Details::new(details));
    }
    let places = grid.sheet.visible(browse.first, 0, 0..browse.tiles()).enumerate();
    let visible = places.filter_map(|(at, place)| {
        let image = browse.tile(place)?;
        let focused = app.shared.selected.is_some_and(|id| image == Subject::Row(id));
        Some(Tile { image, note: String::new(), heading: heading(app, at, place), focused })
    });
    contact_sheet::draw(app, canvas, &grid.sheet, visible);
    // Beside the details the line between them is the track.
    let beside = u16::from(grid.details.is_some());
    contact_sheet::scrollbar(canvas, &grid.sheet, beside, browse.first, browse.tiles());
}

/// What will be indexed, until the first picture is.
fn title_of_found(app: &App, canvas: &mut Canvas<'_>, area: Area) {
    let theme = canvas.theme;
    // Those that cannot be read were found as well.
    let total = app.shared.progress.map_or(0, |now| now.total).max(app.screens.browse.waiting.len());
    let words = Span::styled(format!("{} found", text::counted(total, "picture")), theme.strong());
    let says = Span::styled(" · each can be browsed as soon as it is indexed (until then ○)", theme.dim());
    canvas.rule(area, Line::from(vec![words, says]));
}

/// How many pictures are still to be indexed while that is done for the first time, those included that are not among the
/// first; none of them is there for a filter.
fn waiting(app: &App) -> usize {
    if app.shared.found.is_empty() || !app.screens.browse.list.filter.is_empty() {
        return 0;
    }
    let left = app.shared.progress.map_or(0, |now| now.total.saturating_sub(now.done));
    left.max(app.screens.browse.waiting.len())
}

fn title(app: &App, canvas: &mut Canvas<'_>, area: Area) {
    let theme = canvas.theme;
    let (browse, list) = (&app.screens.browse, &app.screens.browse.list);
    let at = app.shared.selected.and_then(|id| list.position(id)).map_or(0, |at| at + 1);
    let place = format!("{} of {}", text::count(at), text::count(list.ids.len()));
    let by =
        |kind: OrderKind, backwards: bool| format!("by {}{}", kind.name(), if backwards { ", backwards" } else { "" });
    let order = &list.order;
    let mut spans = vec![
        Span::styled(place, theme.strong()),
        Span::styled(format!(" · {}", by(order.kind(), order.is_reversed())), theme.dim()),
    ];
    let [stand_by, wanted] = [order.anchor(), browse.anchor.as_ref()].map(|anchor| anchor.map(|to| to.query()));
    if let Some(Query::Image(id)) = stand_by {
        spans.push(Span::styled(format!(" to {}", text::cut_name(&facts::name(app, *id), 20)), theme.dim()));
    }
    // Many pictures take a moment, in which they stand as they did.
    if (order.kind(), order.is_reversed(), stand_by) != (browse.kind, browse.reversed, wanted) {
        spans.push(Span::styled(format!(" · sorting {}…", by(browse.kind, browse.reversed)), theme.accent()));
    }
    if waiting(app) > 0 {
        let sign = if browse.waiting.is_empty() { String::new() } else { format!("{} ", contact_sheet::WAITING) };
        let words = format!(" · {sign}{} not indexed yet", text::count(waiting(app)));
        spans.push(Span::styled(words, theme.dim()));
    }
    spans.push(facts::narrowed_to(app, canvas));
    canvas.rule(area, Line::from(spans));
}

/// In an order by folder or by group, the label of a picture with which one begins in view.
fn heading(app: &App, at: usize, place: usize) -> Option<usize> {
    let (list, waiting, labels) = (&app.screens.browse.list, &app.screens.browse.waiting, app.shared.labels());
    if list.order.kind() != app.shared.label_order() {
        return None;
    }
    let listed = waiting.at(place).err()?;
    let label = |listed: usize| list.ids.get(listed).and_then(|id| labels.of(*id));
    // Before the first picture of the page there are none but files that wait.
    let is_first = (place - at..place).all(|before| waiting.at(before).is_ok());
    let begins = is_first || listed.checked_sub(1).map(label) != Some(label(listed));
    label(listed).filter(|_| begins)
}

fn draw_details(app: &App, canvas: &mut Canvas<'_>, details: &Details) {
    let theme = canvas.theme;
    let Some(selected) = app.focused() else { return };
    pictures::slot(app, canvas, &Slot::new(selected, details.picture));
    facts::draw(app, canvas, details.facts, selected);
    if app.shared.index.len() < 2 {
        return;
    }
    canvas.text(details.nearest, 0, &format!("Nearest by {}", app.shared.metric.name()), theme.strong());
    for (at, row) in app.screens.browse.nearest.iter().enumerate() {
        let area = details.thumbs[at];
        let value = text::value(row.value);
        if details.as_pictures {
            pictures::slot(app, canvas, &Slot::new(row.id, details.thumb(at)));
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
