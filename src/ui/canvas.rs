//! Clipped drawing: every write is cut to its area and to the terminal, whatever size either has.

use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::theme::Theme;
use crate::{app::layout::Area, text};

/// The buffer being drawn, and the colors to draw with.
pub(super) struct Canvas<'a> {
    pub buf: &'a mut Buffer,
    pub theme: Theme,
    /// What will be drawn over afterwards.
    pub covered: Option<Area>,
}

impl<'a> Canvas<'a> {
    pub fn new(buf: &'a mut Buffer, theme: Theme) -> Self {
        Self { buf, theme, covered: None }
    }

    /// The area as far as the terminal reaches: it may have shrunk since the last resize event.
    pub fn rect(&self, area: Area) -> Rect {
        Rect::new(area.x, area.y, area.width, area.height).intersection(self.buf.area)
    }

    /// One terminal cell, if there is one.
    pub fn cell(&mut self, x: u16, y: u16) -> Option<&mut Cell> {
        self.buf.cell_mut((x, y))
    }

    /// A line of text in row `row` of an area.
    pub fn line<'t>(&mut self, area: Area, row: u16, line: impl Into<Line<'t>>) {
        let rect = self.rect(area);
        if row < rect.height && rect.width > 0 {
            self.buf.set_line(rect.x, rect.y + row, &line.into(), rect.width);
        }
    }

    /// Text in row `row`, cut with an ellipsis at the end.
    pub fn text(&mut self, area: Area, row: u16, text: &str, style: Style) {
        self.line(area, row, Span::styled(text::cut(text, area.width.into()), style));
    }

    /// A line that ends at the right edge; returns the columns it took.
    pub fn right(&mut self, area: Area, row: u16, line: Line<'_>) -> u16 {
        let width = (line.width() as u16).min(area.width);
        let (_, place) = area.off_right(width);
        self.line(place, row, line);
        width
    }

    /// Text in the middle of row `row`.
    pub fn centered(&mut self, area: Area, row: u16, text: &str, style: Style) {
        let shown = text::cut(text, area.width.into());
        let indent = (area.width - text::width(&shown).min(area.width.into()) as u16) / 2;
        self.line(area.left(indent).1, row, Span::styled(shown, style));
    }

    /// One character in all cells of an area.
    pub fn fill(&mut self, area: Area, symbol: char, style: Style) {
        let rect = self.rect(area);
        for position in rect.positions() {
            if let Some(cell) = self.buf.cell_mut(position) {
                cell.set_char(symbol).set_style(style);
            }
        }
    }

    /// The line over a pane, with its title in it.
    pub fn rule(&mut self, area: Area, title: Line<'_>) {
        self.fill(area, '─', self.theme.faint());
        if title.spans.is_empty() {
            return;
        }
        let mut room = usize::from(area.width).saturating_sub(3);
        let mut spans = vec![Span::raw(" ")];
        for span in title.spans {
            let (width, cut) = (span.width(), text::cut(&span.content, room));
            // What has no room is marked as cut, and nothing comes after it.
            spans.push(if width > room { Span::styled(cut, span.style) } else { span });
            if width > room {
                break;
            }
            room -= width;
        }
        spans.push(Span::raw(" "));
        // Words without a color of their own must not take that of the line.
        self.line(area.left(1).1, 0, Line::from(spans).style(Style::reset()));
    }

    /// The line between two panes, joined to the rule above it.
    pub fn divider(&mut self, x: u16, body: Area, rule: Area) {
        let faint = self.theme.faint();
        for y in rule.bottom()..body.bottom() {
            if let Some(cell) = self.cell(x, y) {
                cell.set_char('│').set_style(faint);
            }
        }
        if let Some(cell) = self.cell(x, rule.y).filter(|_| !rule.is_empty())
            && cell.symbol() == "─"
        {
            cell.set_char('┬');
        }
    }
}
