//! Models: the choice of the other one, what each finds, the figures, and both heatmaps in one.

use ratatui::text::{Line, Span};

use super::{
    canvas::Canvas,
    contact_sheet::{self, Tile},
    empty, facts,
    heatmap::{self, TableCell},
    pictures, scrollbar,
};
use crate::{
    analysis::comparison::{Difference, NEIGHBORS},
    app::{
        App, ModelInfo, RunState,
        action::Action,
        layout::Area,
        previews::Slot,
        screens::models::{Choices, Found, Models, Other, Places, View},
    },
    index::{RowKind, progress::Stage},
    printable::printable_str,
    task::SideBySide,
    text,
};

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) {
    let body = app.shared.body();
    if empty::nothing_indexed(app, canvas, body) {
        return;
    }
    if app.shared.index.kind() == RowKind::Face {
        let then = "Open the folder without --faces to compare models on its pictures.";
        return empty::say(canvas, body, "Models are compared on whole pictures, not on faces.", then);
    }
    let models = &app.screens.models;
    match (&models.other, &models.found) {
        (Other::Unchosen, _) => choice(app, canvas, body, None),
        (Other::Failed(reason), _) => choice(app, canvas, body, Some(reason)),
        (Other::Indexing(progress), _) => {
            let what = format!("Indexing {} by {}…", app.shared.index.counted(), models.name);
            let then = match progress {
                Some(now) if now.stage == Stage::Embedding => {
                    format!("{} of {}.", text::count(now.done), text::count(now.total))
                }
                _ => "All other screens go on with the model in use.".to_owned(),
            };
            let stop = app.sentence(" [{stop} stops it; ]what is done is kept.");
            empty::say(canvas, body, &what, &(then + &stop));
        }
        (Other::Ready(_), None) => {
            let what = format!("Comparing {} with {}…", own_name(app), models.name);
            empty::say(canvas, body, &what, &format!("{:.0} % done", 100.0 * models.progress));
        }
        (Other::Ready(_), Some(found)) if found.comparison.pairing.len() < 2 => {
            empty::say(
                canvas,
                body,
                &app.shared.words("There is only one picture."),
                "Models are compared by its neighbors.",
            );
        }
        (Other::Ready(_), Some(found)) => match models.view {
            View::Neighbors => neighbors(app, canvas, models, found),
            View::Figures => figures(app, canvas, found),
            View::Heatmap => both_heatmaps(app, canvas, models),
        },
    }
}

fn own_name(app: &App) -> String {
    app.shared.model.as_ref().map(|model| printable_str(&model.name)).unwrap_or_default()
}

/// Both names, ours first.
fn names(app: &App) -> [String; 2] {
    [own_name(app), printable_str(&app.screens.models.name)]
}

/// How to have another model to choose.
const MORE: &str =
    "More of them: “lookalike models” lists what there is, “lookalike models pull NAME” gets one’s weights.";

/// The models that can be chosen.
fn choice(app: &App, canvas: &mut Canvas<'_>, body: Area, failed: Option<&str>) {
    let theme = canvas.theme;
    let models = &app.screens.models;
    let choices = models.choices(&app.shared);
    if choices.is_empty() {
        let what = format!("There is no model beside {}.", own_name(app));
        let then = "“lookalike models” lists those whose weights can be had; “lookalike models pull NAME” gets one.";
        return empty::say(canvas, body, &what, then);
    }
    let places = Choices::new(body, choices.len(), models.choice);
    let words = Line::from(vec![
        Span::styled("Another model on the same pictures", theme.strong()),
        Span::styled(": similar, better or worse?", theme.dim()),
    ]);
    canvas.rule(places.title, words);
    canvas.text(places.heading, 0, &format!("Compare {} with", own_name(app)), theme.dim());
    let listed = choices.iter().enumerate().skip(places.first).take(places.list.height.into());
    let columns = choices.iter().map(|model| text::width(&printable_str(&model.name))).max().unwrap_or(0);
    for (row, (at, model)) in listed.enumerate() {
        let (row, focused) = (row as u16, at == models.choice);
        let (sign, style) = if focused { ("▸ ", theme.accent()) } else { ("  ", theme.strong()) };
        let (name, about) = places.list.left(columns as u16 + 4);
        canvas.text(name, row, &format!("{sign}{}", printable_str(&model.name)), style);
        canvas.text(about.off_right(1).0, row, &printable_str(&model.description), theme.dim());
    }
    scrollbar(canvas, places.list, places.first, places.list.height.into(), choices.len());
    let pictures = app.shared.index.counted();
    let (says, style) = match failed {
        Some(reason) => (printable_str(reason), theme.warning()),
        None => {
            let then = "its index is kept, so that it is there at once the next time.";
            let enter = app.key_name(Action::IndexByOther);
            // It would be refused until then.
            let when = if app.shared.run == RunState::Running { " once all are indexed" } else { "" };
            (format!("{enter} indexes {pictures} by it{when}, in the background; {then}"), theme.dim())
        }
    };
    let columns = usize::from(places.words.width).min(72);
    let mut lines: Vec<_> = text::wrapped(&says, columns).into_iter().map(|line| (line, style)).collect();
    lines.push(Default::default());
    lines.extend(text::wrapped(MORE, columns).into_iter().map(|line| (line, theme.dim())));
    // Where there is no room for all of it, the list can be had elsewhere.
    let room = usize::from(places.words.height);
    lines.truncate(if lines.len() > room { text::wrapped(&says, columns).len() } else { room });
    for (row, (line, style)) in lines.iter().enumerate() {
        canvas.text(places.words, row as u16, line, *style);
    }
}

/// The pages, and the figures that fit.
fn title(app: &App, canvas: &mut Canvas<'_>, area: Area, found: &SideBySide) {
    let theme = canvas.theme;
    let [a, b] = names(app);
    let mut spans = vec![
        Span::styled(a, theme.group(0)),
        Span::styled(" and ", theme.dim()),
        Span::styled(b, theme.group(1)),
        Span::styled(" · ", theme.faint()),
    ];
    let pages = [(View::Neighbors, "neighbors"), (View::Figures, "figures"), (View::Heatmap, "heatmap")];
    for (at, (view, words)) in pages.into_iter().enumerate() {
        let style = if view == app.screens.models.view { theme.active() } else { theme.dim() };
        if at > 0 {
            spans.push(Span::raw(" "));
        }
        spans.push(Span::styled(words, style));
    }
    spans.push(facts::narrowed_to(app, canvas));
    let used: usize = spans.iter().map(Span::width).sum();
    let rest = format!(
        " · {:.0} % of neighbors in common · CKA {:.2}",
        100.0 * found.comparison.overlap(),
        found.comparison.cka
    );
    if used + text::width(&rest) + 4 <= usize::from(area.width) {
        spans.push(Span::styled(rest, theme.dim()));
    }
    canvas.rule(area, Line::from(spans));
}

fn neighbors(app: &App, canvas: &mut Canvas<'_>, models: &Models, found: &SideBySide) {
    let theme = canvas.theme;
    let body = app.shared.body();
    let places = Places::new(body);
    title(app, canvas, places.title, found);
    if let Some(id) = app.shared.selected.filter(|_| places.query.width > 1) {
        canvas.divider(places.query.right() + 1, body, places.title);
        pictures::slot(app, canvas, &Slot::new(id, places.query));
        let under = Area { x: places.query.x, y: places.query.bottom(), width: places.query.width, height: 2 };
        let name = facts::name_line(app, canvas, under.width.into(), id);
        canvas.line(under, 0, name);
        canvas.text(under, 1, &format!("in common, of {NEIGHBORS}:"), theme.dim());
        let listed = models.disagreed.iter().map(|at| &found.comparison.agreements[*at]);
        for (at, of) in listed.enumerate().skip(models.first).take(places.page()) {
            let line = Area { y: places.list.y + (at - models.first) as u16, height: 1, ..places.list };
            let focused = at == models.cursor;
            let style = if focused { theme.accent() } else { theme.dim() };
            let in_common = (of.overlap * NEIGHBORS as f64).round();
            let room = usize::from(line.width).saturating_sub(6);
            let mark = facts::mark(app, of.id);
            let name = text::cut_middle(&facts::path(app, of.id), room.saturating_sub(text::width(mark)));
            let sign = if focused { "▸" } else { " " };
            let first = Span::styled(format!("{sign}{in_common:>2} "), style);
            let spans = vec![first, Span::styled(mark, theme.mark()), Span::styled(name, style)];
            canvas.line(line, 0, Line::from(spans));
        }
        scrollbar(canvas, places.list, models.first, places.page(), models.disagreed.len());
    }
    for (model, name) in names(app).into_iter().enumerate() {
        let list = &models.neighbors[model];
        let alone = list.iter().filter(|found| !found.by_both).count();
        let head = places.heads[model];
        let metric = if head.width >= 40 { format!(" · {}", app.shared.metric.name()) } else { String::new() };
        let words = Line::from(vec![
            Span::styled("▌", theme.group(model)),
            Span::styled(name, theme.strong()),
            Span::styled(format!("{metric} · {alone} of {} alone ◆", list.len()), theme.dim()),
        ]);
        canvas.line(head, 0, words);
        let note = |found: &Found| {
            let sign = if found.by_both { "" } else { "◆ " };
            format!("{sign}{}", text::value(found.value).trim())
        };
        let sheet = &places.sheets[model];
        let visible = sheet.visible(0, 0, list.iter());
        let tiles =
            visible.map(|found| Tile { image: found.id.into(), note: note(found), heading: None, focused: false });
        contact_sheet::draw(app, canvas, sheet, tiles);
    }
}

fn figures(app: &App, canvas: &mut Canvas<'_>, found: &SideBySide) {
    let theme = canvas.theme;
    let body = app.shared.body();
    let (rule, rest) = body.top(u16::from(body.height > 3));
    title(app, canvas, rule, found);
    let area = rest.inside(2, u16::from(rest.height > 14));
    let comparison = &found.comparison;
    let mut row = 0;
    let mut line = |canvas: &mut Canvas<'_>, line: Line<'_>| {
        canvas.line(area, row, line);
        row += 1;
    };
    let dims = |model: Option<&ModelInfo>| model.map(|model| format!("{} dimensions", model.dim)).unwrap_or_default();
    let [a, b] = names(app);
    let (own, other) = (dims(app.shared.model.as_ref()), dims(app.screens.models.model.as_ref()));
    let pictures = app.shared.counted(comparison.pairing.len());
    line(canvas, Line::styled(format!("{pictures} · {a}, {own} · {b}, {other}"), theme.dim()));
    line(canvas, Line::default());
    let facts = [
        ("neighbors in common", format!("{:.1} of the nearest {NEIGHBORS}", comparison.overlap() * NEIGHBORS as f64)),
        ("rank correlation", format!("{:.3}  of the cosines with a picture (Spearman)", comparison.rank_correlation())),
        ("linear CKA", format!("{:.3}  1: the same but for rotation and scale", comparison.cka)),
    ];
    for (name, value) in facts {
        line(
            canvas,
            Line::from(vec![Span::styled(format!("{name:<20}"), theme.dim()), Span::styled(value, theme.strong())]),
        );
    }
    line(canvas, Line::default());
    let Some(verdict) = &comparison.verdict else {
        line(
            canvas,
            Line::styled("The sub-folders do not say which is better: two with two pictures are needed.", theme.dim()),
        );
        return;
    };
    let wide = area.width >= 92;
    let width = if wide { 24 } else { 12 };
    let head = format!(
        "{:<12}{:<width$}{:<width$}difference (95 % interval)",
        "",
        text::cut(&a, width - 1),
        text::cut(&b, width - 1)
    );
    line(canvas, Line::styled(head, theme.dim()));
    for of in &verdict.differences {
        let Difference { score, values, intervals, difference: [low, high] } = of;
        let value = |at: usize| {
            let [low, high] = intervals[at];
            if wide { format!("{:.3} ({low:.3} to {high:.3})", values[at]) } else { format!("{:.3}", values[at]) }
        };
        let style = if of.is_more_than_chance() { theme.strong() } else { theme.dim() };
        let by = format!("{:+.3} ({low:+.3} to {high:+.3})", values[0] - values[1]);
        let sign = if of.is_more_than_chance() { "" } else { " chance?" };
        let text = format!("{:<12}{:<width$}{:<width$}{by}{sign}", score.name(), value(0), value(1));
        line(canvas, Line::styled(text, style));
    }
    line(canvas, Line::default());
    for words in text::wrapped(&format!("{}.", verdict.sentence(&a, &b)), area.width.into()) {
        line(canvas, Line::styled(words, theme.accent()));
    }
}

/// Each model has the ramp of its own values, since those of two models cannot be compared.
fn both_heatmaps(app: &App, canvas: &mut Canvas<'_>, models: &Models) {
    let theme = canvas.theme;
    let body = app.shared.body();
    let Some(found) = &models.found else { return };
    let plot = models.plot(&app.shared, body);
    title(app, canvas, plot.title, found);
    let Some(windows) = &models.windows else { return };
    let [a, b] = names(app);
    let metric = app.shared.metric;
    let side = plot.partition.side();
    for row in 0..side.min(plot.fits.0) {
        for column in 0..side.min(plot.fits.1) {
            let model = usize::from(row > column);
            let Some(value) = windows[model].get(row, column).filter(|value| !value.is_nan()) else { continue };
            let likeness = (row != column).then(|| metric.likeness(value, found.rows[model].range(metric)));
            let number = format!("{:.0}", 100.0 * value);
            let text = if row == column || !plot.partition.is_single() { "" } else { &number };
            heatmap::cell(canvas, &plot, (row, column), &TableCell { likeness, focused: false, text });
        }
    }
    if plot.top.height > 1 {
        canvas.text(plot.top, 1, &format!("◥ {a}"), theme.group(0));
    }
    row_names(app, canvas, &plot, found);
    let [one, other] = [0, 1].map(|model| found.rows[model].range(metric));
    let hundredths = if plot.partition.is_single() && plot.cell.has_number() { " × 100" } else { "" };
    let words = format!(
        " ◥ {a} {:.2}–{:.2} · ◣ {b} {:.2}–{:.2} · {}{hundredths}",
        one.0,
        one.1,
        other.0,
        other.1,
        metric.name()
    );
    canvas.text(plot.legend, 0, &words, theme.dim());
    let Some(panel) = plot.panel else { return };
    heatmap::set_apart(canvas, panel, body, plot.title);
    let words = panel.inside(1, 1);
    let lines = [
        (format!("◥ above the diagonal: {a}"), theme.group(0)),
        (format!("◣ below it: {b}"), theme.group(1)),
        (String::new(), theme.dim()),
        ("Bright is alike, each model by the range of its own values.".to_owned(), theme.dim()),
        ("Where both agree, the table is its own mirror image.".to_owned(), theme.dim()),
    ];
    let mut row = 0;
    for (text, style) in lines {
        for part in text::wrapped(&text, words.width.into()).into_iter().chain(text.is_empty().then(String::new)) {
            canvas.text(words, row, &part, style);
            row += 1;
        }
    }
}

/// The name of each row where it has a line, else the folder where one begins.
fn row_names(app: &App, canvas: &mut Canvas<'_>, plot: &crate::app::screens::heatmap::Plot, found: &SideBySide) {
    let theme = canvas.theme;
    if plot.names.width < 4 {
        return;
    }
    let group =
        |at: usize| found.rows[0].ids.get(plot.partition.rows(at).start).and_then(|id| app.shared.labels().of(*id));
    for at in 0..plot.partition.side().min(plot.fits.0) {
        let y = plot.corner(at, 0).1 / 2;
        let line = Area { x: plot.names.x, y, width: plot.names.width, height: 1 };
        let begins = at == 0 || group(at) != group(at - 1);
        if plot.cell.halves >= 2 {
            let line = Area { y: plot.line(at, 0).y, ..line };
            let name = found.rows[0].ids.get(at).map(|id| facts::name(app, *id)).unwrap_or_default();
            let name = text::cut(&name, usize::from(line.width).saturating_sub(2));
            canvas.right(line, 0, Line::styled(format!("{name} "), theme.dim()));
        } else if let Some(group) = group(at).filter(|_| begins) {
            let name = text::cut(app.shared.labels().name(group), usize::from(line.width).saturating_sub(2));
            canvas.right(line, 0, Line::styled(format!("{name} "), theme.group(group)));
        }
    }
}
