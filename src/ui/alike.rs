//! Alike: the groups of look-alikes, and the pictures of one of them.

use ratatui::text::{Line, Span};

use super::{
    canvas::Canvas,
    contact_sheet::{self, Tile},
    empty, facts,
};
use crate::{
    analysis::alike::{Group, Kind, Range},
    app::{App, RunState, contact_sheet::ContactSheet, layout::Area},
    index::ImageId,
    task::LookAlikes,
    text,
};

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) {
    let body = app.shared.body();
    if empty::nothing_indexed(app, canvas, body) {
        return;
    }
    let alike = &app.screens.alike;
    let places = alike.places(body);
    if app.shared.index.len() < 2 && app.shared.run != RunState::Running {
        return empty::say(
            canvas,
            body,
            &app.shared.words("There is only one picture."),
            "Look-alikes need a second one.",
        );
    }
    let Some(found) = &alike.found else {
        let what = format!("Comparing {} with each other…", app.shared.index.counted());
        return empty::say(canvas, body, &what, &format!("{:.0} % done", 100.0 * alike.progress));
    };
    title(app, canvas, places.title, found);
    let range = alike.range(&app.shared);
    if found.groups.is_empty() {
        let so_far = if app.shared.run == RunState::Running { " so far" } else { "" };
        let what = format!(
            "No two {} look alike{so_far} at a cosine similarity of {}.",
            app.shared.index.kind().plural(),
            between(range)
        );
        let (_, rest) = body.top(places.title.height);
        return empty::say(canvas, rest, &what, &app.sentence("Press {looser} to see less alike ones too."));
    }
    let (_, rest) = body.top(places.title.height);
    if alike.groups().len() == 0 {
        return facts::none_listed(app, canvas, rest, "No group has a picture that the filter lets through.");
    }
    if places.sheet.area.x > places.list.x {
        canvas.divider(places.list.right(), body, places.title);
    }
    // What the second look has not taken for copies only looks alike, whatever the embedding says.
    let threshold = app.shared.model.as_ref().and_then(|model| model.near_duplicate).filter(|_| found.copies.is_none());
    for (at, group) in alike.groups().skip(alike.first).take(places.page()).enumerate() {
        row(app, canvas, places.row(at), group, alike.first + at == alike.group, threshold);
    }
    super::scrollbar(canvas, places.list, alike.first, places.page(), alike.groups().len());
    if let Some(group) = alike.current() {
        sheet(app, canvas, &places.sheet, group);
    }
}

/// The signs of groups where there is no room for the words: of near-duplicates, of copies, of identical files.
const NEAR: char = '≈';
const COPIES: char = '≅';
const IDENTICAL: char = '=';
/// From this many columns on there is.
const WIDE: u16 = 40;

fn between(range: Range) -> String {
    if range.max < 1.0 { format!("{:.2} to {:.2}", range.min, range.max) } else { format!("{:.2} and more", range.min) }
}

fn title(app: &App, canvas: &mut Canvas<'_>, area: Area, found: &LookAlikes) {
    let theme = canvas.theme;
    let alike = &app.screens.alike;
    let range = alike.range(&app.shared);
    let pictures: usize = alike.groups().map(|group| group.members.len()).sum();
    let state = match () {
        () if found.range != range => " · searching…".to_owned(),
        () if found.copies.is_none() && alike.looking => {
            format!(" · looking for copies, {:.0} %", 100.0 * alike.progress)
        }
        () => String::new(),
    };
    let usual = app.shared.model.as_ref().and_then(|model| model.near_duplicate);
    let means = match usual {
        Some(threshold) if area.width >= 100 => format!(" · near-duplicates from {threshold:.2}"),
        Some(threshold) if area.width >= 76 => format!(" · {NEAR} from {threshold:.2}"),
        _ => String::new(),
    };
    // On a narrow screen the range, which keys move, goes before what can be counted in the list.
    let of = match area.width {
        60.. if pictures > 0 => format!(" of {} · cosine ", app.shared.counted(pictures)),
        _ => " · cosine ".to_owned(),
    };
    canvas.rule(
        area,
        Line::from(vec![
            Span::styled(facts::listed_of(app, alike.groups().len(), found.groups.len(), "group"), theme.strong()),
            Span::styled(of, theme.dim()),
            Span::styled(between(range), theme.accent()),
            facts::narrowed_to(app, canvas),
            facts::approximation(canvas, found.graph.accuracy()),
            Span::styled(if state.is_empty() { means } else { state }, theme.dim()),
        ]),
    );
}

/// One group: its most alike pair, how many pictures it has and what holds them together, and what they are.
fn row(app: &App, canvas: &mut Canvas<'_>, area: Area, group: &Group, focused: bool, threshold: Option<f32>) {
    let theme = canvas.theme;
    if focused {
        canvas.fill(Area { width: 1, ..area }, '▌', theme.accent());
    }
    let words = area.left(2).1.off_right(1).0;
    let strong = if focused { theme.accent() } else { theme.strong() };
    let near = threshold.is_some_and(|threshold| group.cohesion() >= threshold);
    let (sign, verdict) = match (&group.kind, near, words.width >= WIDE) {
        (Kind::Identical(_), _, wide) => {
            (if wide { ' ' } else { IDENTICAL }, if wide { " identical files" } else { " identical" })
        }
        (Kind::Copies(..), _, wide) => {
            (if wide { ' ' } else { COPIES }, if wide { " the same picture" } else { " copies" })
        }
        (Kind::LookAlikes, false, _) => (' ', ""),
        (Kind::LookAlikes, true, false) => (NEAR, ""),
        (Kind::LookAlikes, true, true) => (' ', " near-duplicates"),
    };
    let least = if group.members.len() > 2 && group.reason().is_none() {
        format!(" ≥ {}", text::value(group.cohesion()).trim())
    } else {
        String::new()
    };
    let first = Line::from(vec![
        Span::styled(String::from(sign), theme.mark()),
        Span::styled(text::right_aligned(&text::value(group.best()), 5), strong),
        Span::styled(format!("  {}{least}", app.shared.counted(group.members.len())), theme.dim()),
        Span::styled(verdict, theme.mark()),
    ]);
    canvas.line(words, 0, first);
    if area.height > 1 {
        canvas.text(words.left(8).1, 1, &names(app, group), if focused { theme.strong() } else { theme.dim() });
    }
}

/// What the first pictures of a group are called: after their folder where all are in one, else each with its own.
fn names(app: &App, group: &Group) -> String {
    let first = || group.members.iter().take(4).map(|member| member.0);
    let folder = |id| app.shared.index.get(id).map(|entry| facts::folder(&entry)).unwrap_or_default();
    let Some(common) = group.members.first().map(|member| folder(member.0)) else { return String::new() };
    if group.members.iter().any(|member| folder(member.0) != common) {
        return first().map(|id| facts::path(app, id)).collect::<Vec<_>>().join(", ");
    }
    let names = first().map(|id| facts::name(app, id)).collect::<Vec<_>>().join(", ");
    if common.is_empty() { names } else { format!("{common}/ {names}") }
}

/// What is said under a picture of a group: what it is to the one that is kept, or how alike it is to the center.
fn note(app: &App, group: &Group, at: usize, value: f32) -> String {
    match (group.reason(), group.relation(at, &app.shared.index)) {
        (Some(reason), None) => format!("keep: {}", reason.words()),
        (_, Some(relation)) => relation,
        (None, None) if at == 0 => "center".to_owned(),
        (None, None) => text::value(value).trim().to_owned(),
    }
}

fn sheet(app: &App, canvas: &mut Canvas<'_>, sheet: &ContactSheet, group: &Group) {
    let alike = &app.screens.alike;
    let tile = |(at, (image, value)): (usize, &(ImageId, f32))| Tile {
        image: (*image).into(),
        note: note(app, group, at, *value),
        heading: None,
        focused: at == alike.member,
    };
    let tiles = sheet.visible(alike.first_row, 0, group.members.iter().enumerate()).map(tile);
    contact_sheet::draw(app, canvas, sheet, tiles);
    contact_sheet::scrollbar(canvas, sheet, 1, alike.first_row, group.members.len());
}
