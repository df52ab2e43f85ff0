//! The lines around the screen: header, hints, status.

use ratatui::text::{Line, Span};

use super::{canvas::Canvas, empty, facts, heatmap};
use crate::{
    app::{
        App, Over, RunState, Severity,
        action::Screen,
        keymap::{Context, Hint},
        layout::{self, Area, Tab},
        prompt::{Prompt, Purpose},
        why::Why,
    },
    index::{
        RowKind,
        progress::{Progress, Stage},
    },
    printable::{printable, printable_str},
    text,
};

/// Tabs and metric; under them folder, model and count, and how the indexing is doing.
pub(super) fn header(app: &App, canvas: &mut Canvas<'_>, area: Area) {
    let theme = canvas.theme;
    let tabs = app.tabs();
    if tabs.first().is_some_and(|tab| tab.area.x > area.x) {
        canvas.line(area, 0, Line::from(vec![Span::raw(" "), Span::styled(layout::TITLE, theme.accent())]));
    }
    for Tab { at, area, label } in &tabs {
        let style = if *at == app.screen as usize { theme.active() } else { theme.dim() };
        canvas.line(*area, 0, Span::styled(label.as_str(), style));
    }
    let used = tabs.last().map_or(area.x, |tab| tab.area.right()) - area.x;
    let (_, free) = area.left(used + 1);
    let metrics = app.metrics();
    for (at, (metric, place)) in metrics.iter().enumerate() {
        let active = *metric == app.shared.metric;
        let style = match (active, metrics.len()) {
            (true, 1) => theme.accent(),
            (true, _) => theme.active(),
            (false, _) => theme.dim(),
        };
        canvas.line(*place, 0, Span::styled(format!(" {} ", metric.name()), style));
        if at > 0
            && let Some(cell) = canvas.cell(place.x - 1, place.y)
        {
            cell.set_char('│').set_style(theme.faint());
        }
    }
    let taken = metrics.first().map_or(0, |(_, first)| area.right() - first.x);
    if area.height > 1 {
        let taken = progress(app, canvas, area);
        let (left, _) = area.off_right(taken + 1);
        summary(app, canvas, left.left(1).1);
    } else if let Some(now) = app.shared.progress.filter(|_| app.shared.run == RunState::Running)
        && now.total > 0
    {
        let percent = format!("{}% ", 100 * now.done / now.total);
        let room = free.width.saturating_sub(taken + 1);
        if usize::from(room) > percent.len() {
            canvas.right(free.left(room).0, 0, Line::styled(percent, theme.dim()));
        }
    }
}

fn summary(app: &App, canvas: &mut Canvas<'_>, area: Area) {
    let theme = canvas.theme;
    let (folders, columns) = (empty::folders(app), usize::from(area.width));
    let index = &app.shared.index;
    let count = match index.kind() {
        RowKind::Picture => text::counted(index.len(), "image"),
        // The faces alone where there is little room.
        RowKind::Face if columns < 76 => index.counted(),
        RowKind::Face => format!("{} in {}", index.counted(), text::counted(index.pictures(), "picture")),
    };
    let mut model = Span::default();
    if let Some(now) = &app.shared.model {
        let name = printable_str(&now.name);
        let (long, short, style) = match now.baseline {
            true => (format!("{name}: a baseline, not an embedder"), format!("{name} (baseline)"), theme.warning()),
            false => (format!("{name} ({} dimensions)", now.dim), name.clone(), theme.dim()),
        };
        // The short form as soon as the long one would leave the folder too little room to be told by.
        let fits = text::width(&long) + count.len() + 6 + text::width(&folders).min(16) <= columns;
        model = Span::styled(if fits { long } else { short }, style);
    }
    let room = columns.saturating_sub(count.len() + model.width() + 6).max(6);
    let mut line = vec![Span::raw(text::cut_middle(&folders, room))];
    for part in [Span::styled(count, theme.dim()), model].into_iter().filter(|part| part.width() > 0) {
        line.push(Span::styled(" · ", theme.faint()));
        line.push(part);
    }
    canvas.line(area, 1, Line::from(line));
}

/// Draws how far the indexing is at the right of the second line; returns the columns it took.
fn progress(app: &App, canvas: &mut Canvas<'_>, area: Area) -> u16 {
    let theme = canvas.theme;
    let (RunState::Running, Some(now)) = (&app.shared.run, app.shared.progress) else {
        return match &app.shared.run {
            RunState::Failed(_) => canvas.right(area, 1, Line::styled("✗ indexing stopped ", theme.error())),
            _ if app.shared.marks.is_empty() => 0,
            _ => marks(app, canvas, area, 1),
        };
    };
    let line = match now.stage {
        Stage::Loading => Line::styled("loading… ", theme.dim()),
        Stage::Scanning if now.done > 0 => {
            Line::styled(format!("scanning… {} ", text::counted(now.done, "file")), theme.dim())
        }
        Stage::Scanning => Line::styled("scanning… ", theme.dim()),
        Stage::Comparing => Line::styled(format!("comparing… {} ", text::counted(now.done, "file")), theme.dim()),
        Stage::Embedding => embedding(canvas, area, &now),
        Stage::Done => return 0,
    };
    canvas.right(area, 1, line)
}

fn embedding(canvas: &Canvas<'_>, area: Area, now: &Progress) -> Line<'static> {
    let theme = canvas.theme;
    let mut words = format!(" {}/{}", text::count(now.done), text::count(now.total));
    if area.width >= 76 && now.per_second > 0.0 {
        words += &match now.per_second {
            fast @ 10.0.. => format!(" · {fast:.0}/s"),
            slow => format!(" · {slow:.1}/s"),
        };
    }
    if area.width >= 76
        && let Some(left) = now.left
    {
        words += &format!(" · {} left", text::duration(left.as_secs().max(1), area.width < 100));
    }
    let columns = usize::from(area.width / 8).clamp(6, 24);
    let share = if now.total == 0 { 0.0 } else { now.done as f32 / now.total as f32 };
    let (full, rest) = bar(share, columns);
    Line::from(vec![
        Span::styled(full, theme.accent()),
        Span::styled(rest, theme.faint()),
        Span::styled(words, theme.dim()),
        Span::raw(" "),
    ])
}

/// A bar in eighths of a cell, and the track that is left of it.
pub(super) fn bar(share: f32, columns: usize) -> (String, String) {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share.clamp(0.0, 1.0) * (columns * 8) as f32).round() as usize;
    let full = format!("{}{}", "█".repeat(eighths / 8), PARTS[eighths % 8]);
    let track = "·".repeat(columns.saturating_sub(text::width(&full)));
    (full, track)
}

fn marks(app: &App, canvas: &mut Canvas<'_>, area: Area, row: u16) -> u16 {
    let words = format!("● {} marked ", text::count(app.shared.marks.len()));
    canvas.right(area, row, Line::styled(words, canvas.theme.mark()))
}

/// As many hints as fit, and always those that are never missing.
pub(super) fn hints(app: &App, canvas: &mut Canvas<'_>, area: Area) {
    if area.is_empty() {
        return;
    }
    let theme = canvas.theme;
    let [own, always] = app.hints();
    let width = |hint: &Hint| text::width(&hint.0) + 1 + text::width(hint.1) + 2;
    let mut room = usize::from(area.width).saturating_sub(1 + always.iter().map(width).sum::<usize>());
    let fitting = own.iter().take_while(|hint| {
        let fits = width(hint) <= room;
        room = room.saturating_sub(width(hint));
        fits
    });
    let mut spans = vec![Span::raw(" ")];
    for (key, words) in fitting.chain(&always) {
        spans.push(Span::styled(key.clone(), theme.accent()));
        spans.push(Span::styled(format!(" {words}  "), theme.dim()));
    }
    canvas.line(area, 0, Line::from(spans));
}

/// What is being typed, else the message, else where the cursor is.
pub(super) fn status(app: &App, canvas: &mut Canvas<'_>, area: Area) {
    let (_, area) = area.left(1);
    if let Some(prompt) = app.prompt() {
        return typing(app, canvas, area, prompt);
    }
    if let Some(message) = &app.message {
        let sign = match message.severity {
            Severity::Info => "",
            Severity::Warning => "! ",
            Severity::Error => "✗ ",
        };
        let mut words = format!("{sign}{}", printable_str(&message.text));
        if message.severity != Severity::Info {
            // The path of a file stands in the middle, and why it cannot be used at the end.
            words = text::cut_middle(&words, area.width.into());
        }
        return canvas.text(area, 0, &words, canvas.theme.severity(message.severity));
    }
    let running = app.shared.run == RunState::Running;
    let taken = if running && !app.shared.marks.is_empty() { marks(app, canvas, area, 0) } else { 0 };
    let (area, _) = area.off_right(taken);
    if app.context() == Context::Screen(Screen::Problems) {
        return;
    }
    if app.context() == Context::Screen(Screen::Heatmap) && heatmap::status(app, canvas, area) {
        return;
    }
    if let Some(Over::Pair { row, col, .. } | Over::Why(Why { pair: [row, col], .. })) = app.beneath_help() {
        let room = usize::from(area.width).saturating_sub(3) / 2;
        let [row, col] = [row, col].map(|id| text::cut_middle(&facts::path(app, id), room));
        return canvas.line(area, 0, Line::styled(format!("{row} × {col}"), canvas.theme.dim()));
    }
    if let Some(outside) = app.outside_query().filter(|_| app.beneath_help() == Some(Over::Query)) {
        let path = text::cut_middle(&printable(&outside.path), area.width.into());
        return canvas.line(area, 0, Span::styled(path, canvas.theme.dim()));
    }
    if let Some(entry) = app.focused().and_then(|id| app.shared.index.get(id)) {
        let mark = facts::mark(app, entry.id);
        let room = usize::from(area.width).saturating_sub(1 + text::width(mark));
        let path = text::cut_middle(&entry.whole_name(), room);
        let line = vec![Span::styled(mark, canvas.theme.mark()), Span::styled(path, canvas.theme.dim())];
        canvas.line(area, 0, Line::from(line));
    }
}

fn typing(app: &App, canvas: &mut Canvas<'_>, area: Area, prompt: &Prompt) {
    let theme = canvas.theme;
    let (label, help) = match prompt.purpose {
        Purpose::Filter { .. } => (
            "filter ",
            format!("{} of {}", text::count(app.screens.browse.list.ids.len()), text::count(app.shared.index.len())),
        ),
        Purpose::Name => {
            let pictures = app.shared.counted(app.named().len());
            ("name ", format!("for {pictures} · Enter names, Esc gives up"))
        }
        Purpose::Rename { .. } => ("name of the group ", "Enter names it, empty takes the name away".to_owned()),
        Purpose::Ask => ("ask with picture ", "Tab completes, Enter asks, Esc gives up".to_owned()),
        Purpose::Move => ("move to folder ", "Enter moves, Esc gives up".to_owned()),
        Purpose::Export => {
            ("write to ", format!("{} · Enter writes, Esc gives up", text::counted(app.marked_paths().len(), "path")))
        }
        Purpose::ExportLabels => ("write labels to ", "Enter writes, Esc gives up".to_owned()),
        Purpose::Label(_) => {
            let typed = prompt.text.trim();
            let labels = &app.screens.labels;
            let new = if typed.is_empty() || labels.has(typed) { "" } else { "a new label · " };
            let completed = labels.completed(typed).map(|label| format!("Tab: {} · ", printable_str(label)));
            ("label ", format!("{new}{}Enter takes it, Esc gives up", completed.unwrap_or_default()))
        }
    };
    // What is wrong with the text is said beside it.
    let (help, style) = match &app.message {
        Some(message) => (message.text.clone(), theme.severity(message.severity)),
        None => (help, theme.dim()),
    };
    // What is typed matters more than how it goes on; what is wrong with it does not give way.
    let shown = printable_str(&prompt.text);
    let needed = label.len() + text::width(&shown) + 2 + text::width(&help) + 1;
    let help = if app.message.is_some() || needed <= area.width.into() { format!("{help} ") } else { String::new() };
    let taken = canvas.right(area, 0, Line::styled(help, style));
    let (area, _) = area.off_right(taken + 1);
    // The end of a long text is where one types.
    let room = usize::from(area.width).saturating_sub(label.len() + 1);
    let mut tail = shown.as_str();
    while text::width(tail) > room {
        let mut chars = tail.chars();
        chars.next();
        tail = chars.as_str();
    }
    canvas.line(
        area,
        0,
        Line::from(vec![Span::styled(label, theme.accent()), Span::raw(tail), Span::styled("▏", theme.accent())]),
    );
}
