//! The help page, made from the table of keys.

use ratatui::text::{Line, Span};

use super::canvas::Canvas;
use crate::{
    app::{keymap, layout::Area},
    text,
};

/// Columns a section needs.
const COLUMN: u16 = 38;

pub(super) fn draw(first: usize, canvas: &mut Canvas<'_>, body: Area) {
    let theme = canvas.theme;
    let (title, page) = body.top(u16::from(body.height > 3));
    canvas.rule(
        title,
        Line::from(vec![Span::styled("Keys", theme.strong()), Span::styled(" · Esc closes", theme.dim())]),
    );
    let page = page.inside(1, 0);
    let sections = keymap::sections();
    let lines: usize = sections.iter().map(|(_, rows)| rows.len() + 2).sum();
    let columns = (page.width / COLUMN).max(1);
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
        filled[last].extend(rows.iter().map(|(keys, help)| {
            Line::from(vec![
                Span::styled(
                    format!("  {keys}{}", " ".repeat(12_usize.saturating_sub(text::width(keys)))),
                    theme.strong(),
                ),
                Span::styled(*help, theme.dim()),
            ])
        }));
        filled[last].push(Line::default());
    }
    let longest = filled.iter().map(Vec::len).max().unwrap_or(0).saturating_sub(1);
    let first = first.min(longest.saturating_sub(page.height.into()));
    let width = page.width / columns;
    for (at, lines) in filled.iter().enumerate() {
        let column = Area { x: page.x + at as u16 * width, width: width.saturating_sub(1), ..page };
        for (row, line) in lines.iter().skip(first).take(column.height.into()).enumerate() {
            canvas.line(column, row as u16, line.clone());
        }
    }
    super::scrollbar(canvas, body.top(title.height).1, first, page.height.into(), longest);
}
