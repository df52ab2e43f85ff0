//! Neighbors: the query, and the others ranked by likeness to it.

mod asked;

pub(super) use self::asked::large;

use ratatui::{
    style::Style,
    text::{Line, Span},
};

use super::{
    canvas::Canvas,
    chrome,
    contact_sheet::{self, Tile},
    empty, facts, pictures,
};
use crate::{
    app::{
        App,
        contact_sheet::ContactSheet,
        layout::Area,
        previews::Slot,
        screens::neighbors::{Ranked, Ranks},
    },
    printable::printable,
    similarity::Metric,
    text,
};

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) {
    let body = app.shared.body();
    let ranks = Ranks::new(body, app.screens.neighbors.size);
    if empty::nothing_indexed(app, canvas, body) {
        return;
    }
    let Some(query) = app.shared.selected else {
        return empty::say(
            canvas,
            body,
            &app.shared.words("No picture is selected."),
            &app.sentence("Press {show-browse} and choose one."),
        );
    };
    let columns = Columns::of(app, &ranks);
    // A picture from elsewhere is compared with a single one, too.
    let is_alone =
        app.shared.index.len() < 2 && app.screens.neighbors.asked.as_ref().is_none_or(|asked| asked.outside.is_none());
    if !is_alone {
        title(app, canvas, &ranks, columns);
    } else {
        let one = Span::styled(app.shared.index.counted(), canvas.theme.strong());
        canvas.rule(ranks.title, Line::from(one));
    }
    match ranks.line {
        Some(line) if line.width == 1 => canvas.divider(line.x, body, ranks.title),
        Some(line) => canvas.fill(line, '─', canvas.theme.faint()),
        None => {}
    }
    for slot in ranks.picture_of_query.iter().flat_map(|area| app.screens.neighbors.query_slots(&app.shared, *area)) {
        pictures::slot(app, canvas, &slot);
    }
    match &app.screens.neighbors.asked {
        Some(asked) => asked::draw(app, canvas, &ranks, asked),
        None => facts::draw(app, canvas, ranks.facts, query),
    }
    let ranking = &app.screens.neighbors;
    if is_alone {
        return empty::say(
            canvas,
            ranks.list,
            &app.shared.words("There is only one picture."),
            "Neighbors need a second one.",
        );
    }
    if ranking.rows.is_empty() && ranking.is_ranked() {
        if ranking.candidates(&app.shared) == 0 {
            let all = app.shared.words("All pictures are asked with.");
            return empty::say(canvas, ranks.list, &all, &app.sentence(asked::ONE_AGAIN));
        }
        return facts::none_listed(app, canvas, ranks.list, "The filter lets through no other picture.");
    }
    if ranking.rows.is_empty() {
        return empty::say(canvas, ranks.list, "Comparing…", &app.shared.index.counted());
    }
    if let Some(sheet) = &ranks.sheet {
        return tiles(app, canvas, sheet);
    }
    for (at, row) in ranking.rows.iter().skip(ranking.first).take(ranks.page()).enumerate() {
        neighbor(app, canvas, &ranks, (at, row, columns), ranking.first + at == ranking.cursor);
    }
    super::scrollbar(canvas, ranks.list, ranking.first, ranks.page(), ranking.rows.len());
}

/// The neighbors as tiles, each with its rank and its value.
fn tiles(app: &App, canvas: &mut Canvas<'_>, sheet: &ContactSheet) {
    let ranking = &app.screens.neighbors;
    let tiles = sheet.visible(ranking.first, 0, ranking.rows.iter().enumerate()).map(|(at, row)| Tile {
        image: row.id.into(),
        note: format!(
            "{} · {}{}",
            text::count(row.rank),
            if is_near_duplicate(app, row) { "≈ " } else { "" },
            text::value(row.value).trim()
        ),
        heading: None,
        focused: at == ranking.cursor,
    });
    contact_sheet::draw(app, canvas, sheet, tiles);
    contact_sheet::scrollbar(canvas, sheet, 1, ranking.first, ranking.rows.len());
}

fn title(app: &App, canvas: &mut Canvas<'_>, ranks: &Ranks, columns: Columns) {
    let (theme, area) = (canvas.theme, ranks.title);
    let ranking = &app.screens.neighbors;
    let which = if ranking.farthest { "farthest" } else { "nearest" };
    let metric = app.shared.metric;
    let outside = ranking.asked.as_ref().and_then(|asked| asked.outside.as_ref());
    let mut spans = vec![
        Span::styled(
            format!("{} {which} of {}", text::count(ranking.rows.len()), text::count(ranking.candidates(&app.shared))),
            theme.strong(),
        ),
        Span::styled(format!(" by {}", metric.name()), theme.dim()),
    ];
    if let Some(outside) = outside {
        let name = text::cut_name(&printable(outside.path.file_name().unwrap_or_default()), 20);
        spans.push(Span::styled(format!(" to {name} from elsewhere"), theme.warning()));
    } else if let Some(asked) = &ranking.asked {
        let like = format!(" to {} together", text::count(asked.like.len()));
        let unlike = if asked.unlike.is_empty() {
            String::new()
        } else {
            format!(", unlike {}", text::count(asked.unlike.len()))
        };
        spans.push(Span::styled(like + &unlike, theme.warning()));
    }
    let mut room = usize::from(area.width).saturating_sub(4 + spans.iter().map(Span::width).sum::<usize>());
    let mut add = |words: String| {
        if text::width(&words) <= room {
            room -= text::width(&words);
            spans.push(Span::styled(words, theme.dim()));
        }
    };
    if let Some(last) = ranking.trail.last() {
        let name = text::cut_name(&facts::name(app, *last), 20);
        add(format!(" · {} from the start, last {name}", text::counted(ranking.trail.len(), "step")));
    }
    add(match metric {
        Metric::Cosine => " · 1 is identical, 0 unrelated".to_owned(),
        Metric::Euclidean => " · smaller is more alike".to_owned(),
    });
    if metric == Metric::Euclidean {
        add(" · no bar is the farthest".to_owned());
    }
    let other = metric.toggled().name();
    if ranking.size <= 0 && !ranking.rows.is_empty() {
        if columns.both {
            add(format!(" · # is the rank by {other}"));
        } else if ranks.height > 1 {
            add(format!(" · ▲ vs. {other}"));
        }
    }
    spans.insert(2, facts::narrowed_to(app, canvas));
    canvas.rule(area, Line::from(spans));
}

/// A neighbor's value by one metric.
fn valued(metric: Metric, value: f32) -> String {
    format!("{} {}", metric.name(), text::right_aligned(&text::value(value), 5))
}

/// Its value and its rank by the other metric.
fn by_other(app: &App, row: &Ranked) -> String {
    format!(" {} #{}", valued(app.shared.metric.toggled(), row.other_value), text::count(row.other))
}

/// Columns of a line from which on it says the other metric too.
const SHORT: u16 = 60;

/// What all rows of the ranking have in common, those out of view too, so that they stand still while they are scrolled.
#[derive(Clone, Copy)]
struct Columns {
    /// Columns of a rank and the blank after it.
    rank: usize,
    /// Whether each row has room for the value by the other metric and, where it has one, for a bar; else it says at most
    /// how the rank differs.
    both: bool,
    /// Columns of a row's bar.
    bar: usize,
}

impl Columns {
    fn of(app: &App, ranks: &Ranks) -> Self {
        let (rows, words) = (&app.screens.neighbors.rows, ranks.words(0));
        let widest =
            |words: &dyn Fn(&Ranked) -> String| rows.iter().map(|row| text::width(&words(row))).max().unwrap_or(0);
        let rank = widest(&|row| text::count(row.rank)).max(3) + 1;
        // What the bar and the other metric have, after the rank and the value.
        let taken = rank + widest(&|row| valued(app.shared.metric, row.value)) + 2;
        let room = usize::from(words.width).saturating_sub(taken);
        let other = widest(&|row| by_other(app, row));
        let both = if ranks.height == 1 { words.width >= SHORT } else { other + 8 <= room };
        let other = if both { other } else { widest(&change) };
        Self { rank, both, bar: room.saturating_sub(other).min(40) }
    }
}

fn neighbor(
    app: &App,
    canvas: &mut Canvas<'_>,
    ranks: &Ranks,
    (at, row, columns): (usize, &Ranked, Columns),
    focused: bool,
) {
    let theme = canvas.theme;
    let area = ranks.row(at);
    if focused {
        canvas.fill(Area { width: 1, ..area }, '▌', theme.accent());
    }
    if ranks.thumb > 0 {
        pictures::slot(app, canvas, &Slot::new(row.id, ranks.picture(at)));
    }
    let words = ranks.words(at);
    let strong = if focused { theme.accent() } else { theme.strong() };
    let mark = facts::mark(app, row.id);
    let rank = format!("{:>1$} ", text::count(row.rank), columns.rank - 1);
    if ranks.height == 1 {
        let value = format!("{} ", text::right_aligned(&text::value(row.value), 5));
        let near = if is_near_duplicate(app, row) { "≈ " } else { "" };
        let name = if app.screens.neighbors.size < 0 { path(app, row) } else { facts::name(app, row.id) };
        let other = if columns.both {
            let other = app.shared.metric.toggled();
            format!(
                "  {} {} #{}",
                other.name(),
                text::right_aligned(&text::value(row.other_value), 5),
                text::count(row.other)
            )
        } else {
            String::new()
        };
        let taken = rank.len() + value.len() + text::width(near) + text::width(mark) + text::width(&other);
        let name = text::cut_name(&name, usize::from(words.width).saturating_sub(taken));
        canvas.right(words, 0, Line::styled(other, theme.dim()));
        canvas.line(
            words,
            0,
            Line::from(vec![
                Span::styled(rank, strong),
                Span::styled(value, strong),
                Span::styled(near, theme.warning()),
                Span::styled(mark, theme.mark()),
                Span::raw(name),
            ]),
        );
        return;
    }
    let metric = app.shared.metric;
    let own = valued(metric, row.value);
    let other = if columns.both { by_other(app, row) } else { change(row) };
    let (full, track) = chrome::bar(row.likeness, columns.bar);
    let bar = theme.bar(row.likeness);
    canvas.line(
        words,
        0,
        Line::from(vec![
            Span::styled(rank, strong),
            Span::styled(format!("{own}  "), strong),
            Span::styled(full, bar),
            Span::styled(track, theme.faint()),
            Span::styled(other, if row.rank < row.other { theme.accent() } else { theme.dim() }),
        ]),
    );
    let Some(entry) = app.shared.index.get(row.id) else {
        return canvas.text(words.left(columns.rank as u16).1, 1, "removed", theme.dim());
    };
    let (_, words) = words.left(columns.rank as u16);
    let mut spans = vec![Span::styled(mark, theme.mark())];
    let folder = facts::folder(&entry);
    let name = entry.file_name();
    let room = usize::from(words.width).saturating_sub(text::width(mark));
    if !folder.is_empty() && text::width(&name) + 4 < room {
        if let Some(group) = app.shared.labels().of(row.id) {
            spans.push(Span::styled("▌", theme.group(group)));
        }
        let folder = text::cut_middle(&folder, room - text::width(&name) - 3);
        spans.push(Span::styled(format!("{folder}/"), theme.dim()));
    }
    spans.push(Span::styled(text::cut_name(&name, room), if focused { theme.strong() } else { Style::new() }));
    canvas.line(words, 1, Line::from(spans));
    if ranks.height > 2 {
        let near = is_near_duplicate(app, row);
        let about = format!("{} · {}", facts::pixels(&entry), text::bytes(entry.size()));
        let near = if near { "near-duplicate · " } else { "" };
        let room = usize::from(words.width).saturating_sub(text::width(near));
        let spans = vec![Span::styled(near, theme.warning()), Span::styled(text::cut(&about, room), theme.dim())];
        canvas.line(words, 2, Line::from(spans));
    }
}

/// A neighbor's path under its folder.
fn path(app: &App, row: &Ranked) -> String {
    app.shared.index.get(row.id).map_or_else(|| "(removed)".to_owned(), |entry| entry.name())
}

/// Whether the model takes a neighbor for a near-duplicate of the query.
fn is_near_duplicate(app: &App, row: &Ranked) -> bool {
    let cosine = match app.shared.metric {
        Metric::Cosine => row.value,
        Metric::Euclidean => row.other_value,
    };
    let threshold = app.shared.model.as_ref().and_then(|model| model.near_duplicate);
    threshold.is_some_and(|threshold| cosine >= threshold)
}

/// How the rank differs from the one in the other metric.
fn change(row: &Ranked) -> String {
    match row.other.cmp(&row.rank) {
        std::cmp::Ordering::Greater => format!(" ▲{}", text::count(row.other - row.rank)),
        std::cmp::Ordering::Less => format!(" ▼{}", text::count(row.rank - row.other)),
        std::cmp::Ordering::Equal => " =".to_owned(),
    }
}
