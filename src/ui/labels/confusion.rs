//! The confusion matrix, and beside it what is known of the cell under the cursor.

use ratatui::text::{Line, Span};

use crate::{
    analysis::classifier::{Classification, Confusion, VOTERS},
    app::{
        App,
        layout::Area,
        screens::{
            heatmap::Plot,
            labels::{PANEL_WORDS, confused_sheet},
        },
    },
    printable::printable_str,
    text,
    ui::{
        canvas::Canvas,
        contact_sheet::{self, Tile},
        heatmap::{self, TableCell},
    },
};

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, learned: &Classification) {
    let body = app.shared.body();
    let labels = &app.screens.labels;
    let plot = labels.plot(&app.shared, body);
    super::title(app, canvas, plot.title, learned);
    headers(app, canvas, &plot, learned);
    let confusion = labels.confusion().unwrap_or(&learned.probe_confusion);
    let worst = confusion.mistakes().iter().map(|cell| share(confusion, *cell)).fold(0.0, f32::max);
    let (first_row, first_column) = labels.corner;
    for row in 0..plot.fits.0.min(confusion.labels() - first_row) {
        for column in 0..plot.fits.1.min(confusion.labels() - first_column) {
            let cell = (first_row + row, first_column + column);
            let count = confusion.count(cell.0, cell.1);
            let itself = cell.0 == cell.1;
            // Nothing is quieter than a zero in every cell.
            let text = if count == 0 { "·".to_owned() } else { short(count) };
            let likeness = (!itself).then(|| if worst > 0.0 { share(confusion, cell) / worst } else { 0.0 });
            let focused = cell == labels.cell;
            heatmap::cell(canvas, &plot, (row, column), &TableCell { likeness, focused, text: &text });
        }
    }
    match plot.panel {
        Some(panel) => {
            legend(canvas, &plot, worst);
            heatmap::set_apart(canvas, panel, body, plot.title);
            draw_panel(app, canvas, panel.inside(1, 0), panel, learned);
        }
        None => {
            // Where there is no panel, the line of the legend says what the cursor is on.
            let words = cell_words(learned, confusion, labels.cell, false);
            canvas.text(plot.legend.left(1).1, 0, &words, canvas.theme.accent());
        }
    }
}

/// The share of a label's pictures that was taken for another.
fn share(confusion: &Confusion, (given, predicted): (usize, usize)) -> f32 {
    confusion.count(given, predicted) as f32 / confusion.given(given).max(1) as f32
}

/// At most three digits.
fn short(count: u32) -> String {
    match count {
        0..1000 => count.to_string(),
        1000..100_000 => format!("{}k", count / 1000),
        _ => "…k".to_owned(),
    }
}

fn headers(app: &App, canvas: &mut Canvas<'_>, plot: &Plot, learned: &Classification) {
    let theme = canvas.theme;
    let labels = &app.screens.labels;
    let name = |label: usize| learned.names.get(label).map(|name| printable_str(name)).unwrap_or_default();
    if plot.top.height > 1 {
        let words = if plot.top.width < 36 { "columns: taken for" } else { "rows: the label · columns: taken for" };
        canvas.text(plot.top, 0, words, theme.dim());
        for column in 0..plot.fits.1.min(learned.names.len() - labels.corner.1) {
            let label = labels.corner.1 + column;
            let x = plot.corner(0, column).0;
            let area = Area { x, y: plot.top.y + 1, width: plot.cell.width, height: 1 };
            let style = if label == labels.cell.1 { theme.accent() } else { theme.dim() };
            let shown = text::cut(&name(label), usize::from(area.width).saturating_sub(1));
            canvas.centered(area, 0, &shown, style);
        }
    }
    if plot.names.width < 4 {
        return;
    }
    for row in 0..plot.fits.0.min(learned.names.len() - labels.corner.0) {
        let label = labels.corner.0 + row;
        let line = Area { x: plot.names.x, width: plot.names.width, ..plot.line(row, 0) };
        let focused = label == labels.cell.0;
        let style = if focused { theme.accent() } else { theme.dim() };
        let shown = text::cut(&name(label), usize::from(line.width).saturating_sub(2));
        let sign = if focused { "▸" } else { " " };
        canvas.right(line, 0, Line::styled(format!("{sign}{shown} "), style));
    }
}

fn legend(canvas: &mut Canvas<'_>, plot: &Plot, worst: f32) {
    let theme = canvas.theme;
    if worst <= 0.0 {
        return canvas.text(plot.legend, 0, " no label is taken for another", theme.dim());
    }
    let mut spans = vec![Span::styled(" mistakes: share of the label  0 % ", theme.dim())];
    let steps = 12;
    for step in 0..steps {
        let share = step as f32 / (steps - 1) as f32;
        let cell = match theme.depth() {
            crate::ui::theme::Depth::Mono => Span::raw(theme.shade(share).to_string()),
            _ => Span::styled(" ", ratatui::style::Style::new().bg(theme.ramp(share, false))),
        };
        spans.push(cell);
    }
    spans.push(Span::styled(format!(" {:.0} %", 100.0 * worst), theme.strong()));
    canvas.line(plot.legend, 0, Line::from(spans));
}

/// What the cell under the cursor counts.
fn cell_words(
    learned: &Classification,
    confusion: &Confusion,
    (given, predicted): (usize, usize),
    narrow: bool,
) -> String {
    let name = |label: usize| printable_str(&learned.names[label]);
    let count = text::count(confusion.count(given, predicted) as usize);
    let of = text::count(confusion.given(given) as usize);
    if given == predicted {
        format!("{count} of {of} {}{} right", name(given), if narrow { "" } else { " are" })
    } else if narrow {
        format!("{count} of {of} {} → {}", name(given), name(predicted))
    } else {
        format!("{count} of {of} {} taken for {}", name(given), name(predicted))
    }
}

fn draw_panel(app: &App, canvas: &mut Canvas<'_>, words: Area, panel: Area, learned: &Classification) {
    let theme = canvas.theme;
    let labels = &app.screens.labels;
    // How good the labels are does not depend on what is shown of them.
    let confusion = &learned.probe_confusion;
    let shown = labels.confusion().unwrap_or(confusion);
    let (given, predicted) = labels.cell;
    let narrow = words.width < 30;
    let [probe, voters] = match words.width {
        34.. => ["linear probe ".to_owned(), format!("{VOTERS} nearest    ")],
        _ => ["probe ".to_owned(), format!("{VOTERS}-NN  ")],
    };
    canvas.text(words, 0, &format!("{probe}{}", super::accuracy(confusion, narrow)), theme.strong());
    canvas.text(words, 1, &format!("{voters}{}", super::accuracy(&learned.voted_confusion, narrow)), theme.dim());
    let note = match words.width {
        42.. => "are right, with the 95 % interval (Wilson)",
        30.. => "accuracy, 95 % Wilson interval",
        _ => "P precision · R recall",
    };
    canvas.text(words, 2, note, theme.dim());
    let of_label = |label: usize| {
        let [precision, recall] = [confusion.precision(label), confusion.recall(label)].map(percent);
        let name = printable_str(&learned.names[label]);
        let long = format!(" precision {precision} recall {recall}");
        let numbers = match narrow {
            true => format!(" P {precision} R {recall}"),
            false if text::width(&name) + text::width(&long) <= words.width.into() => long,
            false => format!(" prec. {precision} rec. {recall}"),
        };
        let room = usize::from(words.width).saturating_sub(text::width(&numbers));
        format!("{}{numbers}", text::cut(&name, room))
    };
    canvas.text(words, 3, &of_label(given), theme.dim());
    if predicted != given {
        canvas.text(words, 4, &of_label(predicted), theme.dim());
    }
    // What does not fit into a line goes on in the next.
    let cell = text::wrapped(&cell_words(learned, shown, labels.cell, narrow), words.width.into());
    for (row, line) in cell.iter().take(2).enumerate() {
        canvas.text(words, 5 + row as u16, line, theme.accent());
    }
    let mistakes = shown.mistakes();
    let keys = app.sentence("[ ({previous-mistake} {next-mistake})]");
    let hint = match mistakes.iter().position(|cell| *cell == labels.cell) {
        Some(at) => format!("mistake {} of {}{keys}", at + 1, mistakes.len()),
        None if mistakes.is_empty() => "no mistakes".to_owned(),
        None => text::counted(mistakes.len(), "mistake") + &keys,
    };
    canvas.text(words, 5 + cell.len().clamp(1, 2) as u16, &hint, theme.dim());
    if panel.height <= PANEL_WORDS {
        return;
    }
    let sheet = confused_sheet(panel);
    let visible = sheet.visible(0, 0, labels.confused.iter().enumerate());
    let tiles =
        visible.map(|(at, id)| Tile { image: (*id).into(), note: String::new(), heading: None, focused: at == 0 });
    contact_sheet::draw(app, canvas, &sheet, tiles);
}

fn percent(share: f64) -> String {
    if share.is_nan() { "–".to_owned() } else { format!("{:.0} %", 100.0 * share) }
}
