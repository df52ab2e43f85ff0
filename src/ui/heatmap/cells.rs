//! The cells of the heatmap: a color each, a number where there is room, and the cursor, which is found on any of them.

use ratatui::{
    style::{Color, Modifier, Style},
    text::Span,
};

use super::numbers::Numbers;
use crate::{
    app::screens::heatmap::{Heatmap, Plot},
    similarity::{Metric, Window},
    text,
    ui::{
        canvas::Canvas,
        theme::{Depth, Theme},
    },
};

/// What a cell looks like: its ground, the ink on it, and the glyph that stands for the ground where there are no colors.
struct Look {
    ground: Color,
    ink: Color,
    shade: char,
}

impl Look {
    fn of(theme: Theme, likeness: f32, lit: bool) -> Self {
        Self { ground: theme.ramp(likeness, lit), ink: theme.on_ramp(likeness, lit), shade: theme.shade(likeness) }
    }

    /// A picture and itself is no data, and does not look like it.
    fn apart(theme: Theme) -> Self {
        Self { ground: theme.apart(), ink: theme.on_apart(), shade: ' ' }
    }
}

/// The cells around the cursor are lit where `lights`: each costs as many bytes a move as everything else together.
pub(super) fn draw(
    canvas: &mut Canvas<'_>,
    plot: &Plot,
    heat: &Heatmap,
    (metric, window): (Metric, &Window),
    (cursor, lights): ((usize, usize), bool),
    begins_group: &dyn Fn(usize) -> bool,
) {
    let theme = canvas.theme;
    let numbers = Numbers::of(plot.cell, metric, heat.ramp.range.1);
    for (row, r) in window.view.rows.clone().enumerate() {
        for (col, c) in window.view.cols.clone().enumerate() {
            let Some(value) = window.get(r, c).filter(|value| !value.is_nan()) else { continue };
            let itself = plot.partition.is_itself(r, c);
            let at = (row, col);
            let lit = lights && !itself && plot.is_lit((r, c), cursor);
            let of = |lit| match itself {
                true => Look::apart(theme),
                false => Look::of(theme, heat.ramp.likeness(metric, value), lit),
            };
            let look = of(lit);
            ground(canvas, plot, at, &of(lit && plot.cell.halves == 1));
            if lit && theme.depth() != Depth::Mono {
                canvas.fill(plot.line(row, col), ' ', ink(theme, &look));
            }
            let style = if (r, c) == cursor { mark(canvas, plot, at, &look) } else { ink(theme, &look) };
            match numbers {
                _ if itself && plot.cell.halves >= 2 => diagonal(canvas, plot, at, style),
                Some(numbers) => number(canvas, plot, at, &numbers.text(value), style),
                None => {}
            }
            separate(canvas, plot, at, (begins_group(r + 1), col > 0 && begins_group(c)));
        }
    }
}

/// A cell of any table that looks like the heatmap.
pub(in crate::ui) struct TableCell<'a> {
    /// Where its value lies on the ramp, from 0 to 1; nothing for a cell that is apart, on the diagonal say.
    pub likeness: Option<f32>,
    /// Whether the cursor is on it.
    pub focused: bool,
    /// What is written into it.
    pub text: &'a str,
}

/// Draws the visible cell (row, column) of such a table.
pub(in crate::ui) fn one(canvas: &mut Canvas<'_>, plot: &Plot, at: (usize, usize), cell: &TableCell<'_>) {
    let theme = canvas.theme;
    let look = cell.likeness.map_or_else(|| Look::apart(theme), |likeness| Look::of(theme, likeness, false));
    ground(canvas, plot, at, &look);
    let style = if cell.focused { mark(canvas, plot, at, &look) } else { ink(theme, &look) };
    if !cell.text.is_empty() && plot.cell.has_number() {
        number(canvas, plot, at, cell.text, style);
    }
}

/// Sets groups apart without taking room: a line under the last row of a group, and one before the first column of the next.
fn separate(canvas: &mut Canvas<'_>, plot: &Plot, (row, col): (usize, usize), (below, before): (bool, bool)) {
    let place = plot.place(row, col);
    if plot.cell.width < 4 || place.height == 0 {
        return;
    }
    if before {
        for y in place.y..place.bottom() {
            // A sign in the first column needs it more.
            if let Some(cell) = canvas.cell(place.x, y).filter(|cell| cell.symbol() == " ") {
                cell.set_char('▏');
            }
        }
    }
    // Where cells share a row of text there is no line under one of them.
    if below && plot.corner(row + 1, col).1.is_multiple_of(2) {
        for x in place.x..place.right() {
            if let Some(cell) = canvas.cell(x, place.bottom() - 1) {
                cell.modifier |= Modifier::UNDERLINED;
            }
        }
    }
}

fn ink(theme: Theme, look: &Look) -> Style {
    if theme.depth() == Depth::Mono { Style::new() } else { Style::new().fg(look.ink).bg(look.ground) }
}

/// Fills a cell. Where it has half a row of text, the upper half is the glyph's color and the lower one the ground.
fn ground(canvas: &mut Canvas<'_>, plot: &Plot, (row, col): (usize, usize), look: &Look) {
    let (left, top) = plot.corner(row, col);
    let bottom = top + plot.down.length(row);
    let style = ink(canvas.theme, look);
    let blank = if canvas.theme.depth() == Depth::Mono { look.shade } else { ' ' };
    for y in top / 2..bottom.div_ceil(2) {
        let (upper, lower) = (2 * y >= top, 2 * y + 1 < bottom);
        for x in left..left + plot.across.length(col) {
            let Some(cell) = canvas.cell(x, y) else { continue };
            match (upper, lower) {
                (true, true) => cell.set_char(blank).set_style(style),
                (true, false) => cell.set_char('▀').set_fg(look.ground),
                (false, _) => cell.set_char('▀').set_bg(look.ground),
            };
        }
    }
}

/// Puts the cursor on a cell: a frame around a large one, which keeps its color; a small one is filled. Returns the style
/// of what is written into it.
fn mark(canvas: &mut Canvas<'_>, plot: &Plot, at: (usize, usize), look: &Look) -> Style {
    let theme = canvas.theme;
    if theme.depth() == Depth::Mono {
        let style = Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD);
        canvas.fill(plot.place(at.0, at.1), look.shade, style);
        return style;
    }
    let place = plot.place(at.0, at.1);
    if place.width < 8 || place.height < 3 {
        let filled = Look { ground: theme.cursor(), ink: Color::Black, shade: look.shade };
        ground(canvas, plot, at, &filled);
        return theme.on_cursor();
    }
    let style = Style::new().fg(theme.cursor()).bg(look.ground);
    canvas.fill(place.top(1).0, '▀', style);
    canvas.fill(place.off_bottom(1).1, '▄', style);
    canvas.fill(place.left(1).0, '█', style);
    canvas.fill(place.off_right(1).1, '█', style);
    ink(theme, look).add_modifier(Modifier::BOLD)
}

/// The line of a cell in which its number stands.
fn number(canvas: &mut Canvas<'_>, plot: &Plot, (row, col): (usize, usize), text: &str, style: Style) {
    let middle = plot.line(row, col);
    // The last column keeps its shade where shades are all there is.
    let words = if canvas.theme.depth() == Depth::Mono { middle.off_right(1).0 } else { middle };
    // Where one column is left over it is the first: it sets the number apart from the one before.
    let indent = words.width.saturating_sub(text::width(text) as u16).div_ceil(2);
    canvas.line(words.left(indent).1, 0, Span::styled(text, style));
}

/// A stroke from corner to corner, inside the cursor's frame if that is there.
fn diagonal(canvas: &mut Canvas<'_>, plot: &Plot, (row, col): (usize, usize), style: Style) {
    let place = plot.place(row, col);
    let inner = if place.width >= 8 && place.height >= 3 { place.inside(1, 1) } else { place };
    for line in 0..inner.height {
        let x = inner.x + (2 * line + 1) * inner.width / (2 * inner.height);
        if let Some(cell) = canvas.cell(x, inner.y + line) {
            cell.set_char('╲').set_style(style);
        }
    }
}
