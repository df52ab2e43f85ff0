//! The headers of the heatmap: groups and names above and to the left, and the signs that point at the cursor from all four
//! sides.

use std::ops::Range;

use ratatui::{
    style::{Modifier, Style},
    text::{Line, Span},
};

use crate::{
    app::{
        App,
        layout::Area,
        screens::heatmap::{Heatmap, NamedRows, Plot},
    },
    index::ImageId,
    similarity::Window,
    text,
    ui::canvas::Canvas,
};

/// The picture that a row or column of cells is named after: the cursor's own, else the first of the block.
fn representative(app: &App, plot: &Plot, block: usize, cursor: usize, own: Option<ImageId>) -> Option<ImageId> {
    if block == cursor { own } else { app.screens.heatmap.at(plot.partition.rows(block).start) }
}

/// A group so far as it is in view: the cells, counted from the first visible one.
struct Shown<'a> {
    cells: Range<usize>,
    group: &'a NamedRows,
}

impl Shown<'_> {
    fn style(&self, canvas: &Canvas<'_>) -> Style {
        self.group.folder.map_or(canvas.theme.dim(), |folder| canvas.theme.group(folder))
    }
}

/// The groups in view, of the cells that begin in them.
fn shown<'a>(heat: &'a Heatmap, plot: &Plot, view: &Range<usize>) -> Vec<Shown<'a>> {
    let group_of = |block: usize| heat.group(plot.partition.rows(block).start);
    let mut at = 0;
    let blocks: Vec<_> = view.clone().map(group_of).collect();
    let runs = blocks.chunk_by(|a, b| a == b);
    runs.filter_map(|run| {
        let cells = at..at + run.len();
        at = cells.end;
        Some(Shown { cells, group: heat.groups.get(run[0]?)? })
    })
    .collect()
}

/// Groups, and under them names or numbers where they fit, else the cursor's name alone. Gives the groups whose name had
/// no room.
pub(super) fn columns<'a>(
    app: &'a App,
    canvas: &mut Canvas<'_>,
    plot: &Plot,
    window: &Window,
    cursor: usize,
) -> Vec<&'a NamedRows> {
    let heat = &app.screens.heatmap;
    let cols = &window.view.cols;
    let mut unnamed = Vec::new();
    if plot.top.height < 2 {
        return unnamed;
    }
    let theme = canvas.theme;
    for shown in shown(heat, plot, cols) {
        let (start, end) = (plot.across.edge(shown.cells.start), plot.across.edge(shown.cells.end));
        let area = Area { x: plot.top.x + start, width: end - start, height: 1, ..plot.top };
        let style = shown.style(canvas);
        let name = shown.group.name(app.shared.labels(), app.shared.metric);
        let (line, _) = area.off_right(u16::from(area.width > 2));
        canvas.fill(line, '━', style);
        if shown.group.is_cluster() && line.width > 1 {
            canvas.fill(line.left(1).0, '┏', style);
            canvas.fill(line.off_right(1).1, '┓', style);
        }
        let room = usize::from(line.width);
        if text::width(&name) > room {
            unnamed.push(shown.group);
        }
        if room >= 4 {
            // A piece of the line before the name, where there is room for both.
            let indent = u16::from(text::width(&name) + 2 <= room);
            let name = shown.group.fitted_name(app.shared.labels(), app.shared.metric, room);
            canvas.line(line.left(indent).1, 0, Span::styled(name, style.add_modifier(Modifier::BOLD)));
        }
    }
    let row = Area { y: plot.top.y + 1, height: 1, ..plot.top };
    if plot.numbered {
        column_numbers(canvas, plot, cols, cursor, row);
    } else if plot.cell.width >= 6 && plot.cell.halves >= 2 {
        for (at, block) in cols.clone().enumerate() {
            let Some(id) = representative(app, plot, block, cursor, heat.partner) else { continue };
            let area = Area { x: row.x + plot.across.edge(at), width: plot.across.length(at), ..row };
            let style = if block == cursor { theme.accent() } else { theme.dim() };
            let name = text::cut_middle(&stem(app, id), usize::from(area.width) - 2);
            canvas.line(area.left(1).1, 0, Span::styled(name, style));
        }
    } else if let Some(id) = heat.partner {
        let x = plot.across.edge(cursor.saturating_sub(cols.start).min(cols.len()));
        let name = stem(app, id);
        let (before, after) = row.left(x);
        // The name goes to whichever side of the arrow has more room.
        if after.width > before.width || usize::from(after.width) > text::width(&name) + 4 {
            let name = text::cut_middle(&name, usize::from(after.width).saturating_sub(4));
            canvas.line(after.left((plot.cell.width - 1) / 2 + 2).1, 0, Span::styled(name, theme.accent()));
        } else {
            let name = text::cut_middle(&name, usize::from(before.width).saturating_sub(1));
            canvas.right(before, 0, Line::styled(format!("{name} "), theme.accent()));
        }
    }
    unnamed
}

/// The numbers of the columns, so many of them as stand apart; the cursor's is always there.
fn column_numbers(canvas: &mut Canvas<'_>, plot: &Plot, cols: &Range<usize>, cursor: usize, row: Area) {
    let theme = canvas.theme;
    let mut free = row.x;
    let number = |col: usize| (col + 1).to_string();
    // The sign over the cursor's column stands where its number would begin.
    let place = |col: usize| {
        let at = col - cols.start;
        let width = number(col).len() as u16;
        let spare = plot.across.length(at).saturating_sub(width);
        Area { x: row.x + plot.across.edge(at) + spare.div_ceil(2), width, ..row }
    };
    let own = cols.contains(&cursor).then(|| place(cursor));
    for col in cols.clone() {
        let area = place(col);
        let own = own.filter(|_| col != cursor);
        let clear = own.is_none_or(|own| area.right() < own.x || area.x > own.right());
        if area.x < free || area.right() > row.right() || !clear {
            continue;
        }
        let style = if col == cursor { theme.accent() } else { theme.dim() };
        canvas.line(area, 0, Span::styled(number(col), style));
        free = area.right() + 1;
    }
}

/// Names where a row of cells has a row of text, else the groups; the cursor's name always.
pub(super) fn rows(app: &App, canvas: &mut Canvas<'_>, plot: &Plot, window: &Window, cursor: usize) {
    if plot.names.width < 4 {
        return;
    }
    let heat = &app.screens.heatmap;
    let (words, bar) = plot.names.off_right(1);
    let rows = &window.view.rows;
    let groups = shown(heat, plot, rows);
    bars(canvas, plot, &groups, bar);
    if plot.cell.halves < 2 {
        let own = rows.contains(&cursor).then(|| plot.row_line(cursor - rows.start));
        group_names(app, canvas, plot, &groups, (words, own));
        if let Some(y) = own {
            let name = app.shared.selected.map(|id| stem(app, id)).unwrap_or_default();
            let room = usize::from(words.width).saturating_sub(1);
            let line = Area { y, height: 1, ..words }.off_right(1).0;
            canvas.right(line, 0, Line::styled(text::cut_middle(&name, room), canvas.theme.accent()));
        }
        return;
    }
    let digits = plot.numbered.then(|| rows.end.to_string().len());
    for (at, block) in rows.clone().enumerate() {
        let Some(id) = representative(app, plot, block, cursor, app.shared.selected) else { continue };
        let style = if block == cursor { canvas.theme.accent() } else { canvas.theme.dim() };
        let line = Area { y: plot.row_line(at), height: 1, ..words }.off_right(1).0;
        let number = digits.map(|digits| format!("{} ", text::right_aligned(&(block + 1).to_string(), digits)));
        let room = usize::from(line.width).saturating_sub(number.as_ref().map_or(1, String::len));
        canvas.right(line, 0, Line::styled(text::cut_middle(&stem(app, id), room), style));
        canvas.line(line, 0, Span::styled(number.unwrap_or_default(), style));
    }
}

/// A bar beside the rows of each group. Of a row of text that two groups share each has its half; where they cannot both
/// have their color there, the upper one has it. Between two clusters, which may have one color, half a row is left out.
fn bars(canvas: &mut Canvas<'_>, plot: &Plot, groups: &[Shown<'_>], bar: Area) {
    for shown in groups {
        let (start, end) = (plot.down.edge(shown.cells.start), plot.down.edge(shown.cells.end));
        let end = end - u16::from(shown.group.is_cluster() && end - start > 2);
        let style = shown.style(canvas);
        for half in 2 * bar.y + start..2 * bar.y + end {
            let Some(cell) = canvas.cell(bar.x, half / 2) else { continue };
            match (half % 2, cell.symbol()) {
                (0, _) => cell.set_char('▝').set_style(style),
                (_, "▝") => cell.set_char('▐'),
                _ => cell.set_char('▗').set_style(style),
            };
        }
    }
}

/// A name for each group, in the middle of its rows so far as those before it let it; not in the cursor's line.
fn group_names(app: &App, canvas: &mut Canvas<'_>, plot: &Plot, groups: &[Shown<'_>], place: (Area, Option<u16>)) {
    let (words, cursor) = place;
    let lines: Vec<_> = (words.y..words.bottom()).filter(|y| Some(*y) != cursor).collect();
    let mut free = 0;
    for (at, shown) in groups.iter().enumerate() {
        let (start, end) = (plot.down.edge(shown.cells.start), plot.down.edge(shown.cells.end));
        let middle = words.y + (start + end).saturating_sub(1) / 4;
        let wanted = lines.partition_point(|y| *y < middle);
        // Those after it need a line too.
        let latest = lines.len().saturating_sub(groups.len() - at);
        let line = wanted.min(latest).max(free);
        let Some(y) = lines.get(line) else { return };
        free = line + 1;
        let room = usize::from(words.width).saturating_sub(1);
        let name = shown.group.fitted_name(app.shared.labels(), app.shared.metric, room);
        let style = shown.style(canvas);
        canvas.right(Area { y: *y, height: 1, ..words }.off_right(1).0, 0, Line::styled(name, style));
    }
}

/// Points at the cursor's cell from the left, the right, above and below.
pub(super) fn signs(canvas: &mut Canvas<'_>, plot: &Plot, window: &Window, cursor: (usize, usize)) {
    let view = &window.view;
    if !view.rows.contains(&cursor.0) || !view.cols.contains(&cursor.1) {
        return;
    }
    let (row, col) = (cursor.0 - view.rows.start, cursor.1 - view.cols.start);
    let (x, y) = (plot.corner(row, col).0, plot.row_line(row));
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
