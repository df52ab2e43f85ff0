//! The values around the cursor with their names, beside a table whose cells have no numbers.

use ratatui::text::{Line, Span};

use crate::{
    app::{App, layout::Area},
    index::ImageId,
    similarity::{Metric, pair_value},
    text,
    ui::canvas::Canvas,
};

/// Draws those along the row and those along the column.
pub(super) fn draw(
    app: &App,
    canvas: &mut Canvas<'_>,
    [along_row, along_col]: [Area; 2],
    cursor: (usize, usize),
    metric: Metric,
) {
    let heat = &app.screens.heatmap;
    let (row, col) = (heat.at(cursor.0), heat.at(cursor.1));
    column(app, canvas, along_row, ("▸ its row", row), cursor.1, metric);
    column(app, canvas, along_col, ("▾ its column", col), cursor.0, metric);
}

/// One picture with those around a place.
fn column(
    app: &App,
    canvas: &mut Canvas<'_>,
    area: Area,
    (title, fixed): (&str, Option<ImageId>),
    cursor: usize,
    metric: Metric,
) {
    let (theme, heat, index) = (canvas.theme, &app.screens.heatmap, &app.shared.index);
    let Some(fixed) = fixed.filter(|id| index.contains(*id)) else { return };
    canvas.text(area, 0, title, theme.dim());
    let (_, lines) = area.top(1);
    let count = usize::from(lines.height);
    let first = first(cursor, count).min(heat.len().saturating_sub(count));
    for (line, at) in (first..heat.len().min(first + count)).enumerate() {
        let Some(entry) = heat.at(at).and_then(|id| index.get(id)) else { continue };
        let name = heat.names.name(&entry);
        let value = match entry.id == fixed {
            true => "    ╲".to_owned(),
            false => text::right_aligned(&text::value(pair_value(index, metric, fixed, entry.id)), 5),
        };
        let name = text::cut_middle(&name, usize::from(lines.width).saturating_sub(6));
        let (number, words) =
            if at == cursor { (theme.accent(), theme.accent()) } else { (theme.strong(), theme.dim()) };
        let spans = vec![Span::styled(value, number), Span::styled(format!(" {name}"), words)];
        canvas.line(lines, line as u16, Line::from(spans));
    }
}

/// The first of `count` values around a place. They move on by a third at a time: a list that moved with every key would
/// be written anew with every key.
fn first(cursor: usize, count: usize) -> usize {
    let third = count / 3;
    cursor.checked_div(third).map_or(cursor, |thirds| thirds.saturating_sub(1) * third)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_is_among_the_values_with_some_on_either_side() {
        for count in 1..40 {
            for cursor in 0..200 {
                let (first, third) = (first(cursor, count), count / 3);
                assert!((first..first + count).contains(&cursor), "{cursor} from {first} on, {count} of them");
                assert!(cursor - first >= third.min(cursor) && first + count - cursor > third, "{cursor} of {count}");
            }
        }
    }
}
