//! The headers of the heatmap: groups and names above and to the left, and the signs that point at the cursor from all four
//! sides.

use ratatui::{
    style::{Modifier, Style},
    text::{Line, Span},
};

use crate::{
    app::{App, layout::Area, screens::heatmap::Plot},
    index::ImageId,
    similarity::Window,
    text,
    ui::{canvas::Canvas, facts},
};

/// The picture that a row or column of cells is named after: the cursor's own, else the first of the block.
fn representative(app: &App, plot: &Plot, block: usize, cursor: usize, own: Option<ImageId>) -> Option<ImageId> {
    if block == cursor { own } else { app.screens.heatmap.at(plot.partition.rows(block).start) }
}

/// Groups, and under them names where they fit, else the cursor's alone.
pub(super) fn columns(app: &App, canvas: &mut Canvas<'_>, plot: &Plot, window: &Window, cursor: usize) {
    if plot.top.height < 2 {
        return;
    }
    let theme = canvas.theme;
    let width = plot.cell.width;
    let cols = window.view.cols.clone();
    let (first, total) = (cols.start, cols.len() as u16);
    let id_of = |block: usize| app.screens.heatmap.at(plot.partition.rows(block).start);
    let groups: Vec<_> = cols.clone().map(|block| id_of(block).and_then(|id| app.shared.labels().of(id))).collect();
    let mut at = 0;
    for run in groups.chunk_by(|a, b| a == b) {
        let area = Area { x: plot.top.x + at * width, width: run.len() as u16 * width, height: 1, ..plot.top };
        at += run.len() as u16;
        let Some(group) = run[0] else { continue };
        let (line, _) = area.off_right(u16::from(area.width > 2));
        canvas.fill(line, '━', theme.group(group));
        let name = app.shared.labels().name(group).to_owned();
        let room = usize::from(line.width);
        if room >= 4 {
            // A piece of the line before the name, where there is room for both.
            let indent = u16::from(text::width(&name) + 2 <= room);
            let name = text::cut(&name, room);
            canvas.line(line.left(indent).1, 0, Span::styled(name, theme.group(group).add_modifier(Modifier::BOLD)));
        }
    }
    if plot.cell.width >= 6 {
        for block in cols {
            let Some(id) = representative(app, plot, block, cursor, app.screens.heatmap.partner) else { continue };
            let area = Area { x: plot.top.x + (block - first) as u16 * width, y: plot.top.y + 1, width, height: 1 };
            let style = if block == cursor { theme.accent() } else { theme.dim() };
            let name = text::cut_middle(&stem(app, id), usize::from(width) - 2);
            canvas.line(area.left(1).1, 0, Span::styled(name, style));
        }
    } else if let Some(id) = app.screens.heatmap.partner {
        let x = (cursor.saturating_sub(first) as u16).min(total) * width;
        let name = facts::name(app, id);
        let row = Area { y: plot.top.y + 1, height: 1, ..plot.top };
        let (before, after) = row.left(x);
        // The name goes to whichever side of the arrow has more room.
        if after.width > before.width || usize::from(after.width) > text::width(&name) + 4 {
            let name = text::cut_middle(&name, usize::from(after.width).saturating_sub(4));
            canvas.line(after.left((width - 1) / 2 + 2).1, 0, Span::styled(name, theme.accent()));
        } else {
            let name = text::cut_middle(&name, usize::from(before.width).saturating_sub(1));
            canvas.right(before, 0, Line::styled(format!("{name} "), theme.accent()));
        }
    }
}

/// Names where a row of cells has a row of text, else the groups; the cursor's name always.
pub(super) fn rows(app: &App, canvas: &mut Canvas<'_>, plot: &Plot, window: &Window, cursor: usize) {
    if plot.names.width < 4 {
        return;
    }
    let theme = canvas.theme;
    let (words, bar) = plot.names.off_right(1);
    let rows = window.view.rows.clone();
    let group_of = |block: usize| {
        let id = app.screens.heatmap.at(plot.partition.rows(block).start)?;
        app.shared.labels().of(id)
    };
    if plot.cell.halves >= 2 {
        for (at, block) in rows.enumerate() {
            let Some(id) = representative(app, plot, block, cursor, app.shared.selected) else { continue };
            let place = plot.place(at, 0);
            let (_, middle) = Area { x: words.x, width: words.width, ..place }.top((place.height - 1) / 2);
            let style = if block == cursor { theme.accent() } else { theme.dim() };
            let room = usize::from(middle.width).saturating_sub(1);
            canvas.right(middle.off_right(1).0, 0, Line::styled(text::cut_middle(&stem(app, id), room), style));
            if let Some(group) = group_of(block) {
                // Of a row of text that two cells share, each has its half.
                let top = plot.corner(at, 0).1;
                for half in top..top + plot.cell.halves {
                    let Some(cell) = canvas.cell(bar.x, half / 2) else { continue };
                    let glyph = match (half % 2, cell.symbol()) {
                        (0, _) => '▝',
                        (_, "▝") => '▐',
                        _ => '▗',
                    };
                    cell.set_char(glyph).set_style(theme.group(group));
                }
            }
        }
        return;
    }
    let first = rows.start;
    let mut last = None;
    for line in 0..rows.len().div_ceil(2) {
        let (upper, lower) = (first + 2 * line, first + 2 * line + 1);
        let y = words.y + line as u16;
        let groups = (group_of(upper), (lower < rows.end).then(|| group_of(lower)).flatten());
        if let Some(cell) = canvas.cell(bar.x, y) {
            // Two rows of the table share a row of text; of two groups the upper one has it.
            match groups {
                (Some(a), Some(_)) => cell.set_char('▐').set_style(theme.group(a)),
                (Some(a), None) => cell.set_char('▝').set_style(theme.group(a)),
                (None, Some(b)) => cell.set_char('▗').set_style(theme.group(b)),
                (None, None) => cell,
            };
        }
        if cursor == upper || cursor == lower {
            let name = app.shared.selected.map(|id| stem(app, id)).unwrap_or_default();
            let room = usize::from(words.width).saturating_sub(1);
            let name = text::cut_middle(&name, room);
            canvas.right(Area { y, height: 1, ..words }.off_right(1).0, 0, Line::styled(name, theme.accent()));
        } else if groups.0 != last
            && let Some(group) = groups.0
        {
            let name = app.shared.labels().name(group).to_owned();
            let name = text::cut_middle(&name, words.width.into());
            canvas.right(Area { y, height: 1, ..words }, 0, Line::styled(name, theme.group(group)));
        }
        last = groups.1.or(groups.0);
    }
}

/// Points at the cursor's cell from the left, the right, above and below.
pub(super) fn signs(canvas: &mut Canvas<'_>, plot: &Plot, window: &Window, cursor: (usize, usize)) {
    let view = &window.view;
    if !view.rows.contains(&cursor.0) || !view.cols.contains(&cursor.1) {
        return;
    }
    let (row, col) = (cursor.0 - view.rows.start, cursor.1 - view.cols.start);
    let (place, (x, top)) = (plot.place(row, col), plot.corner(row, col));
    let y = if place.height > 0 { place.y + (place.height - 1) / 2 } else { top / 2 };
    let x = if plot.cell.width >= 6 { x } else { x + (plot.cell.width - 1) / 2 };
    let right = plot.corner(0, view.cols.len()).0;
    let below = plot.corner(view.rows.len(), 0).1.div_ceil(2);
    let style = Style::new().fg(canvas.theme.cursor()).add_modifier(Modifier::BOLD);
    let signs = [
        ('▸', plot.names.right().checked_sub(2).filter(|x| *x >= plot.names.x), Some(y)),
        ('◂', Some(right).filter(|x| *x < plot.legend.right()), Some(y)),
        ('▾', Some(x), plot.top.bottom().checked_sub(1).filter(|_| plot.top.height > 0)),
        ('▴', Some(x), Some(below).filter(|y| *y < plot.legend.y)),
    ];
    for (sign, x, y) in signs {
        let (Some(x), Some(y)) = (x, y) else { continue };
        if let Some(cell) = canvas.cell(x, y) {
            cell.set_char(sign).set_style(style);
        }
    }
}

/// The name of a row or a column.
fn stem(app: &App, id: ImageId) -> String {
    app.shared.index.get(id).map_or_else(String::new, |entry| app.screens.heatmap.names.name(&entry))
}
