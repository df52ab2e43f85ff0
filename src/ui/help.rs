//! The help page: how to read the screen, and its keys first.

use std::borrow::Cow;

use ratatui::text::{Line, Span};

use super::{canvas::Canvas, empty};
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
    let (title, page) = body.top(u16::from(body.height > 3));
    canvas.rule(
        title,
        Line::from(vec![Span::styled("Help", theme.strong()), Span::styled(" · Esc closes", theme.dim())]),
    );
    let page = page.inside(1, 0);
    let columns = (page.width / COLUMN).max(1);
    let width = page.width / columns;
    let words = |heading: &'static str, words: &[Cow<'_, str>]| {
        let wrapped = words.iter().flat_map(|words| {
            let lines = empty::wrapped(words, usize::from(width).saturating_sub(4));
            lines.into_iter().enumerate().map(|(at, line)| format!("{}{line}", if at == 0 { "  " } else { "    " }))
        });
        (heading, wrapped.map(|line| Line::styled(line, theme.dim())).collect::<Vec<_>>())
    };
    let key = |(keys, help): (String, &'static str)| {
        let gap = " ".repeat(12_usize.saturating_sub(text::width(&keys)));
        Line::from(vec![Span::styled(format!("  {keys}{gap}"), theme.strong()), Span::styled(help, theme.dim())])
    };
    let mut sections: Vec<_> = app
        .keys
        .sections(app.beneath_help())
        .into_iter()
        .map(|(heading, rows)| (heading, rows.into_iter().map(key).collect::<Vec<_>>()))
        .collect();
    let about = |line| if app.screen == Screen::Problems { Cow::Borrowed(line) } else { app.shared.words(line) };
    let reading: Vec<Cow<'_, str>> = reading::lines(app.screen).into_iter().map(about).collect();
    sections.insert(1.min(sections.len()), words("Reading it", &reading));
    sections.insert(2.min(sections.len()), words("Mouse", &MOUSE.map(Cow::Borrowed)));
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
