//! Neighbors: the query, and the others ranked by likeness to it.

use ratatui::{
    style::Style,
    text::{Line, Span},
};

use super::{canvas::Canvas, chrome, empty, facts, pictures};
use crate::{
    app::{
        App,
        layout::Area,
        previews::Slot,
        screens::neighbors::{Ranked, Ranks},
    },
    text,
};

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) {
    let body = app.shared.body();
    let ranks = Ranks::new(body);
    if empty::nothing_indexed(app, canvas, body) {
        return;
    }
    let Some(query) = app.shared.selected else {
        return empty::say(canvas, body, "No picture is selected.", "Press 1 and choose one.");
    };
    title(app, canvas, ranks.title);
    if let (Some(pane), Some(picture), Some(facts_area)) = (ranks.query, ranks.query_picture(), ranks.query_facts()) {
        canvas.divider(pane.right(), body, ranks.title);
        pictures::slot(app, canvas, Slot { image: query, area: picture });
        facts::draw(app, canvas, facts_area, query);
    }
    let ranking = &app.screens.neighbors;
    if app.shared.index.len() < 2 {
        return empty::say(canvas, ranks.list, "There is only one picture.", "Neighbors need a second one.");
    }
    if ranking.rows.is_empty() && ranking.is_ranked() {
        return facts::nothing_admitted(app, canvas, ranks.list);
    }
    if ranking.rows.is_empty() {
        return empty::say(canvas, ranks.list, "Comparing…", &text::counted(app.shared.index.len(), "picture"));
    }
    for (at, row) in ranking.rows.iter().skip(ranking.first).take(ranks.page()).enumerate() {
        neighbor(app, canvas, &ranks, at, row, ranking.first + at == ranking.cursor);
    }
    super::scrollbar(canvas, ranks.list, ranking.first, ranks.page(), ranking.rows.len());
}

fn title(app: &App, canvas: &mut Canvas<'_>, area: Area) {
    let theme = canvas.theme;
    let ranking = &app.screens.neighbors;
    let which = if ranking.farthest { "farthest" } else { "nearest" };
    let metric = app.shared.metric;
    let mut spans = vec![
        Span::styled(
            format!("{} {which} of {}", text::count(ranking.rows.len()), {
                text::count(app.shared.index.len().saturating_sub(1))
            }),
            theme.strong(),
        ),
        Span::styled(format!(" by {}", metric.name()), theme.dim()),
    ];
    if let Some(last) = ranking.trail.last() {
        let name = text::cut_middle(&facts::name(app, *last), 20);
        let steps = text::counted(ranking.trail.len(), "step");
        spans.push(Span::styled(format!(" · {steps} from the start, last {name}"), theme.dim()));
    } else if area.width >= 76 {
        let other = metric.toggled().name();
        spans.push(Span::styled(format!(" · ▲▼ ranks gained or lost against {other}"), theme.dim()));
    }
    spans.insert(2, facts::narrowed_to(app, canvas));
    canvas.rule(area, Line::from(spans));
}

fn neighbor(app: &App, canvas: &mut Canvas<'_>, ranks: &Ranks, at: usize, row: &Ranked, focused: bool) {
    let theme = canvas.theme;
    let area = ranks.row(at);
    if focused {
        canvas.fill(Area { width: 1, ..area }, '▌', theme.accent());
    }
    if ranks.thumb > 0 {
        pictures::slot(app, canvas, Slot { image: row.id, area: ranks.picture(at) });
    }
    let words = area.left(2 + ranks.thumb + u16::from(ranks.thumb > 0)).1.off_right(1).0;
    let strong = if focused { theme.accent() } else { theme.strong() };
    let mark = if app.shared.marks.contains(row.id) { "● " } else { "" };
    let rank = format!("{:>3} ", text::count(row.rank));
    if ranks.height == 1 {
        let room = usize::from(words.width).saturating_sub(rank.len() + 6 + text::width(mark));
        let name = text::cut_middle(&facts::name(app, row.id), room);
        canvas.line(
            words,
            0,
            Line::from(vec![
                Span::styled(rank, strong),
                Span::styled(format!("{} ", text::right_aligned(&text::value(row.value), 5)), strong),
                Span::styled(mark, theme.mark()),
                Span::raw(name),
            ]),
        );
        return;
    }
    let change = change(row);
    let columns = usize::from(words.width).saturating_sub(rank.len() + 7 + 6).min(40);
    let (full, track) = chrome::bar(row.likeness, columns);
    let bar = match canvas.theme.ramp(row.likeness, false) {
        ratatui::style::Color::Reset => Style::new(),
        color => Style::new().fg(color),
    };
    canvas.line(
        words,
        0,
        Line::from(vec![
            Span::styled(rank, strong),
            Span::styled(format!("{}  ", text::right_aligned(&text::value(row.value), 5)), strong),
            Span::styled(full, bar),
            Span::styled(track, theme.faint()),
            Span::styled(format!(" {change}"), if row.rank < row.other { theme.accent() } else { theme.dim() }),
        ]),
    );
    let Some(entry) = app.shared.index.get(row.id) else {
        return canvas.text(words, 1, "    removed", theme.dim());
    };
    let (_, words) = words.left(4);
    let mut spans = vec![Span::styled(mark, theme.mark())];
    let folder = facts::folder(&entry);
    let name = facts::file_name(&entry);
    let room = usize::from(words.width).saturating_sub(text::width(mark));
    if !folder.is_empty() && text::width(&name) + 4 < room {
        if let Some(group) = app.shared.labels.of(row.id) {
            spans.push(Span::styled("▌", theme.group(group)));
        }
        let folder = text::cut_middle(&folder, room - text::width(&name) - 3);
        spans.push(Span::styled(format!("{folder}/"), theme.dim()));
    }
    spans.push(Span::styled(text::cut_middle(&name, room), if focused { theme.strong() } else { Style::new() }));
    canvas.line(words, 1, Line::from(spans));
    if ranks.height > 2 {
        canvas.text(words, 2, &format!("{} · {}", facts::pixels(&entry), text::bytes(entry.size())), theme.dim());
    }
}

/// How the rank differs from the one in the other metric.
fn change(row: &Ranked) -> String {
    match row.other.cmp(&row.rank) {
        std::cmp::Ordering::Greater => format!("▲{}", text::count(row.other - row.rank)),
        std::cmp::Ordering::Less => format!("▼{}", text::count(row.rank - row.other)),
        std::cmp::Ordering::Equal => "=".to_owned(),
    }
}
