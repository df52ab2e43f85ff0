//! The help page: how to read the screen, and its keys first.

use std::borrow::Cow;

use ratatui::text::{Line, Span};

use super::{canvas::Canvas, empty, theme::Theme};
use crate::{
    app::{
        App,
        action::Screen,
        layout::Area,
        reading::{self, MOUSE},
    },
    text,
};

/// Columns a section needs.
const COLUMN: u16 = 38;

pub(super) fn draw(app: &App, first: usize, canvas: &mut Canvas<'_>, body: Area) {
    let theme = canvas.theme;
    let about = |line| if app.screen == Screen::Problems { Cow::Borrowed(line) } else { app.shared.words(line) };
    let reading: Vec<Cow<'_, str>> = reading::lines(app.screen).into_iter().map(about).collect();
    let mouse = MOUSE.map(Cow::Borrowed);
    let sections = app.keys.sections(app.beneath_help()).into_iter();
    let keys = sections
        .map(|(heading, rows)| (heading, rows.into_iter().map(|(keys, help)| key(theme, &keys, help)).collect()));
    page(canvas, body, first, keys, &[("Reading it", &reading), ("Mouse", &mouse)]);
}

/// A key and what it does.
pub(super) fn key(theme: Theme, keys: &str, help: &'static str) -> Line<'static> {
    let gap = " ".repeat(12_usize.saturating_sub(text::width(keys)));
    Line::from(vec![Span::styled(format!("  {keys}{gap}"), theme.strong()), Span::styled(help, theme.dim())])
}

/// A page of help, from one of its lines on: sections of keys, and after the first of these what is to be read.
pub(super) fn page<'t>(
    canvas: &mut Canvas<'_>,
    body: Area,
    first: usize,
    keys: impl Iterator<Item = (&'static str, Vec<Line<'t>>)>,
    reading: &[(&'static str, &[Cow<'_, str>])],
) {
    let theme = canvas.theme;
    let (title, page) = body.top(u16::from(body.height > 3));
    canvas.rule(
        title,
        Line::from(vec![Span::styled("Help", theme.strong()), Span::styled(" · Esc closes", theme.dim())]),
    );
    let page = page.inside(1, 0);
    let columns = (page.width / COLUMN).max(1);
    let width = page.width / columns;
    let wrapped = |words: &Cow<'_, str>| {
        let lines = empty::wrapped(words, usize::from(width).saturating_sub(4)).into_iter().enumerate();
        let indented = lines.map(|(at, line)| format!("{}{line}", if at == 0 { "  " } else { "    " }));
        indented.map(|line| Line::styled(line, theme.dim())).collect::<Vec<_>>()
    };
    let mut sections: Vec<_> = keys.collect();
    let after = 1.min(sections.len());
    let read = reading.iter().map(|(heading, words)| (*heading, words.iter().flat_map(wrapped).collect()));
    sections.splice(after..after, read);
    sections.retain(|(_, lines)| !lines.is_empty());
    let lines: usize = sections.iter().map(|(_, rows)| rows.len() + 2).sum();
    // Whole sections, spread as evenly as their order allows.
    let share = lines.div_ceil(usize::from(columns));
    let mut filled = vec![Vec::new()];
    for (name, rows) in sections {
        let last = filled.len() - 1;
        let room = share + 2;
        if !filled[last].is_empty() && filled[last].len() + rows.len() + 1 > room && filled.len() < columns.into() {
            filled.push(Vec::new());
        }
        let last = filled.len() - 1;
        filled[last].push(Line::styled(name, theme.accent()));
        filled[last].extend(rows);
        filled[last].push(Line::default());
    }
    let longest = filled.iter().map(Vec::len).max().unwrap_or(0).saturating_sub(1);
    let first = first.min(longest.saturating_sub(page.height.into()));
    for (at, lines) in filled.iter().enumerate() {
        let column = Area { x: page.x + at as u16 * width, width: width.saturating_sub(1), ..page };
        for (row, line) in lines.iter().skip(first).take(column.height.into()).enumerate() {
            canvas.line(column, row as u16, line.clone());
        }
    }
    super::scrollbar(canvas, body.top(title.height).1, first, page.height.into(), longest);
}
