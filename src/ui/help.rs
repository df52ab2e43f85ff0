//! The help, beside what it is about.

use ratatui::{
    style::Style,
    text::{Line, Span},
};

use super::canvas::Canvas;
use crate::{
    app::{
        App,
        help::{HelpLine, HelpPage},
        keymap::Context,
        layout::Area,
    },
    text,
};

/// Columns that keys take before what they do.
const KEYS: usize = 12;

pub(super) fn draw(app: &App, first: usize, canvas: &mut Canvas<'_>, body: Area) {
    let closes = app.keys.sentence(Context::Help, "[ · {escape} closes]");
    page(canvas, body, &HelpPage::new(app), first, closes);
}

/// Draws a page of help over the body, from one of its lines on; its title says what `closes` it.
pub(super) fn page(canvas: &mut Canvas<'_>, body: Area, page: &HelpPage, first: usize, closes: String) {
    let theme = canvas.theme;
    canvas.fill(page.panel, ' ', Style::reset());
    canvas.rule(page.title, Line::from(vec![Span::styled("Help", theme.strong()), Span::styled(closes, theme.dim())]));
    if page.panel.x > body.x {
        canvas.divider(page.panel.x, page.panel, page.title);
    }
    let first = first.min(page.last());
    for (column, lines) in &page.columns {
        for (row, line) in (0..column.height).zip(lines.iter().skip(first)) {
            canvas.line(*column, row, drawn(canvas, line));
        }
    }
    super::scrollbar(canvas, page.panel.top(page.title.height).1, first, page.height(), page.lines());
}

fn drawn(canvas: &Canvas<'_>, line: &HelpLine) -> Line<'static> {
    let theme = canvas.theme;
    match line {
        HelpLine::Heading(name) => Line::styled(*name, theme.accent()),
        HelpLine::Keys(keys, help) => {
            let gap = " ".repeat(KEYS.saturating_sub(text::width(keys)));
            Line::from(vec![Span::styled(format!("  {keys}{gap}"), theme.strong()), Span::styled(*help, theme.dim())])
        }
        HelpLine::Words(words) => Line::styled(words.clone(), theme.dim()),
        HelpLine::Blank => Line::default(),
    }
}
