//! A list of pictures whose label is in doubt or missing, and what the one under the cursor may be.

use ratatui::{
    style::Modifier,
    text::{Line, Span},
};

use crate::{
    analysis::classifier::Classification,
    app::{
        App,
        action::Action,
        layout::Area,
        previews::Slot,
        screens::labels::{Places, Row, View},
    },
    index::label_file,
    printable::printable_str,
    text,
    ui::{canvas::Canvas, chrome, empty, facts, pictures, scrollbar},
};

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, learned: &Classification) {
    let body = app.shared.body();
    let (labels, places) = (&app.screens.labels, Places::new(body));
    super::title(app, canvas, places.title, learned);
    let Some(list) = labels.list() else { return };
    let total = labels.lists[list].len();
    if total == 0 {
        let (_, rest) = body.top(places.title.height);
        if !app.shared.filter.is_empty() {
            let what = "No picture that the filter lets through is among these.";
            return facts::none_listed(app, canvas, rest, what);
        }
        let (what, then) = match labels.view {
            View::Predictions => ("Every picture has a label.", "Pictures beside the sub-folders have none."),
            _ => {
                ("No picture is likely mislabeled.", "Each is about as sure of its label as others of that label are.")
            }
        };
        return empty::say(canvas, rest, &app.shared.words(what), &app.shared.words(then));
    }
    if places.picture.x > places.list.x {
        canvas.divider(places.list.right(), body, places.title);
    }
    let first = labels.firsts[list];
    for at in 0..places.page().min(total - first) {
        if let Some(row) = labels.row(first + at) {
            draw_row(app, canvas, places.row(at), learned, &row, first + at == labels.cursors[list]);
        }
    }
    scrollbar(canvas, places.list, first, places.page(), total);
    if let Some(row) = labels.current() {
        detail(app, canvas, &places, learned, &row);
    }
}

fn draw_row(app: &App, canvas: &mut Canvas<'_>, area: Area, learned: &Classification, row: &Row<'_>, focused: bool) {
    let theme = canvas.theme;
    if focused {
        canvas.fill(Area { width: 1, ..area }, '▌', theme.accent());
    }
    let words = area.left(2).1.off_right(1).0;
    let mark = facts::mark(app, row.id);
    let room = usize::from(words.width).saturating_sub(text::width(mark));
    let path = text::cut_middle(&facts::path(app, row.id), room);
    let style = if focused { theme.accent() } else { theme.strong() };
    canvas.line(words, 0, Line::from(vec![Span::styled(mark, theme.mark()), Span::styled(path, style)]));
    // Both names are cut where both do not fit, so that the numbers after them never are.
    let room = usize::from(words.width).saturating_sub("   looks like  >99 % >99 %".len()) / 2;
    let full = |label: usize| printable_str(&learned.names[label]);
    let both = row.given.map_or(0, |(given, _)| text::width(&full(given))) + text::width(&full(row.looks_like.0));
    let name = |label: usize| if both <= 2 * room { full(label) } else { text::cut(&full(label), room) };
    let (looks_like, probability) = row.looks_like;
    let mut spans = vec![Span::raw("  ")];
    match (app.shared.correction(row.id), row.given) {
        (Some(label), _) => spans.push(Span::styled(format!("✓ {}", label_file::shown(label)), theme.mark())),
        (None, Some((given, least))) => {
            spans.push(Span::styled(format!("{} {}", name(given), hundredths(least)), theme.dim()));
            let looks = format!(" looks like {} {}", name(looks_like), hundredths(probability));
            spans.push(Span::styled(looks, theme.strong()));
        }
        (None, None) if probability < app.screens.labels.threshold => {
            spans
                .push(Span::styled(format!("? perhaps {} {}", name(looks_like), hundredths(probability)), theme.dim()));
        }
        (None, None) => {
            spans.push(Span::styled(name(looks_like), theme.strong()));
            spans.push(Span::styled(format!(" {}", hundredths(probability)), theme.dim()));
        }
    }
    canvas.line(words, 1, Line::from(spans));
}

/// A probability in percent; never 100 for what is not certain.
fn hundredths(probability: f32) -> String {
    match 100.0 * probability {
        p if p > 99.0 => ">99 %".to_owned(),
        p if p < 1.0 => "<1 %".to_owned(),
        p => format!("{p:.0} %"),
    }
}

/// The picture under the cursor, large, and the labels that keys give it.
fn detail(app: &App, canvas: &mut Canvas<'_>, places: &Places, learned: &Classification, row: &Row<'_>) {
    let theme = canvas.theme;
    pictures::slot(app, canvas, &Slot::new(row.id, places.picture));
    let words = places.words;
    let name = facts::name_line(app, canvas, words.width.into(), row.id);
    canvas.line(words, 0, name);
    let says = match (app.shared.correction(row.id), row.given) {
        (Some(label), _) => {
            let then = app.sentence("[ · {undo-label} takes it back]");
            format!("✓ corrected to {}{then}", label_file::shown(label))
        }
        (None, Some((given, _))) => {
            format!("labeled {}, but it looks like", printable_str(&learned.names[given]))
        }
        (None, None) => "without a label; it looks like".to_owned(),
    };
    canvas.text(words, 1, &says, theme.dim());
    let picks = app.screens.labels.picks().into_iter().enumerate();
    let picks = picks.map(|(at, pick)| (app.key_name(Action::PickGuess(at as u8)), pick));
    let choices: Vec<_> = std::iter::once((app.key_name(Action::AcceptGuess), row.looks_like)).chain(picks).collect();
    let types = app.key_name(Action::TypeLabel);
    // So wide that whatever the keys are, the bars begin one under the other.
    let key_columns = choices.iter().map(|choice| choice.0).chain([types]).map(text::width).fold(5, usize::max);
    for (at, (key, (label, probability))) in choices.into_iter().enumerate() {
        let columns = usize::from(words.width / 4).clamp(4, 16);
        let (full, track) = chrome::bar(probability, columns);
        let room = usize::from(words.width).saturating_sub(columns + key_columns + 9);
        let name = text::cut(&printable_str(&learned.names[label]), room);
        let style = if at == 0 { theme.strong().add_modifier(Modifier::BOLD) } else { theme.dim() };
        canvas.line(
            words,
            2 + at as u16,
            Line::from(vec![
                Span::styled(format!("{} ", text::right_aligned(key, key_columns)), theme.accent()),
                Span::styled(full, theme.accent()),
                Span::styled(track, theme.faint()),
                Span::styled(format!(" {:>5} ", hundredths(probability)), style),
                Span::styled(name, style),
            ]),
        );
    }
    canvas.line(
        words,
        7,
        Line::from(vec![
            Span::styled(format!("{} ", text::right_aligned(types, key_columns)), theme.accent()),
            Span::styled("types a label", theme.dim()),
        ]),
    );
}
