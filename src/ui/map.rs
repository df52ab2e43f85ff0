//! Map: the points with the names of their groups, and beside them the selected picture, its nearest three and a legend.

mod panel;
mod points;

use ratatui::text::{Line, Span};

use super::{canvas::Canvas, empty, facts};
use crate::{
    analysis::projection::{Method, Projection, Quality},
    app::{App, RunState, layout::Area, screens::map::places::Places},
    task::MapStep,
    text,
};

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) {
    let body = app.shared.body();
    if empty::nothing_indexed(app, canvas, body) {
        return;
    }
    if app.shared.index.len() < 2 && app.shared.run != RunState::Running {
        return empty::say(canvas, body, &app.shared.words("There is only one picture."), "A map needs a second one.");
    }
    let map = &app.screens.map;
    let Some((projection, plot)) = map.shown().zip(map.plot(body)) else {
        let what = format!("Making a map of {}…", app.shared.index.counted());
        let then = map.making.as_ref().map_or_else(String::new, |making| format!("{:.0} % done", 100.0 * making.share));
        return empty::say(canvas, body, &what, &then);
    };
    let places = Places::new(body);
    title(app, canvas, places.title, projection);
    points::draw(app, canvas, projection, &plot);
    match &places.panel {
        Some(panel) => {
            canvas.divider(places.plot.right(), body, places.title);
            panel::draw(app, canvas, panel);
        }
        None => panel::foot(app, canvas, places.foot),
    }
}

/// What is shown, how far it can be trusted, and what is being made: as much as there is room for.
fn title(app: &App, canvas: &mut Canvas<'_>, area: Area, shown: &Projection) {
    let theme = canvas.theme;
    let map = &app.screens.map;
    let mut parts = vec![(shown.method.name().to_owned(), theme.strong())];
    if let Some(making) = &map.making {
        let doing = match making.step {
            MapStep::Comparing => "comparing all with all",
            MapStep::Moving => "moving the points",
            MapStep::Measuring => "measuring",
        };
        let percent = format!("{:.0} %", 100.0 * making.share);
        parts.push((format!(" · {} {percent}", map.method.name()), theme.accent()));
        parts.push((app.sentence(" · {stop} stops it"), theme.dim()));
        parts.push((format!(" · {doing}"), theme.dim()));
    } else if map.stopped && shown.quality.is_none() {
        parts.push((" · stopped".to_owned(), theme.mark()));
        parts.push((app.sentence(" · {renew} makes it"), theme.dim()));
    } else if shown.method != map.method && app.shared.run == RunState::Running {
        parts.push((format!(" · {} when all are indexed", map.method.name()), theme.dim()));
    }
    let approximation = facts::approximation(canvas, shown.accuracy);
    parts.push((approximation.content.into_owned(), approximation.style));
    if let Some(quality) = shown.quality {
        parts.extend(trust(area, quality, shown.points().count()).map(|words| (words, theme.dim())));
    }
    match (shown.method, shown.explained) {
        (Method::Pca, Some(explained)) if map.making.is_none() => {
            parts.push((format!(" · shows {:.0} % of the variance", 100.0 * explained), theme.dim()));
        }
        _ => {}
    }
    if shown.placed() > 0 {
        let words = format!(" · {} placed by neighbors", text::count(shown.placed()));
        parts.push((words + &app.sentence("[, {renew} makes it anew]"), theme.mark()));
    }
    let (visible, all) = (map.raster.visible, app.shared.index.len());
    if map.view.zoom > 1.0 {
        let seen = format!("{} of {} in view", text::count(visible), text::count(all));
        parts.insert(1, (format!(" · {seen}"), theme.dim()));
    } else {
        parts.insert(1, (format!(" of {}", facts::listed_pictures(app, visible, all)), theme.dim()));
    }
    let narrowed = facts::narrowed_to(app, canvas);
    parts.insert(2, (narrowed.content.into_owned(), narrowed.style));
    let mut room = usize::from(area.width).saturating_sub(4);
    let fitting = parts.into_iter().filter(|(words, _)| {
        let width = text::width(words);
        let fits = width <= room;
        room -= if fits { width } else { 0 };
        fits
    });
    canvas.rule(area, fitting.map(|(words, style)| Span::styled(words, style)).collect::<Line<'_>>());
}

/// Trustworthiness and continuity; those of a sample are about right.
fn trust(area: Area, quality: Quality, pictures: usize) -> [String; 2] {
    let about = if quality.sample < pictures { "≈" } else { "" };
    let Quality { neighbors: k, trustworthiness, continuity, .. } = quality;
    let first = if area.width >= 72 { "trustworthiness" } else { "trust" };
    [format!(" · {first} {about}{trustworthiness:.3}"), format!(" · continuity {about}{continuity:.3} (k = {k})")]
}
