//! Labels: the confusion matrix, and the lists of pictures that are likely mislabeled or have no label.

mod confusion;
mod list;

use ratatui::text::{Line, Span};

use super::{canvas::Canvas, empty, facts};
use crate::{
    analysis::classifier::{Classification, Confusion, FOLDS, Unlearnable},
    app::{App, layout::Area, screens::labels::View},
    text,
};

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>) {
    let body = app.shared.body();
    if empty::nothing_indexed(app, canvas, body) {
        return;
    }
    let labels = &app.screens.labels;
    let Some(found) = &labels.found else {
        let what = format!("Learning the labels of {}…", app.shared.index.counted());
        return empty::say(canvas, body, &what, &format!("{:.0} % done", 100.0 * labels.progress));
    };
    match &found.outcome {
        Err(reason) => unlearnable(app, canvas, body, reason),
        Ok(learned) => match labels.view {
            View::Confusion => confusion::draw(app, canvas, learned),
            View::Mislabeled | View::Predictions => list::draw(app, canvas, learned),
        },
    }
}

/// Says what is missing.
fn unlearnable(app: &App, canvas: &mut Canvas<'_>, body: Area, reason: &Unlearnable) {
    let then = match reason {
        Unlearnable::NoLabels => app.sentence("Groups[ ({show-groups})] finds what belongs together without any."),
        _ => "Labels are the names of sub-folders, or come from a file: lookalike --labels FILE.csv".to_owned(),
    };
    empty::say(canvas, body, &format!("{}.", capitalized(&reason.to_string())), &then);
}

fn capitalized(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// The pages with the one that is shown, and what it says of all pictures.
fn title(app: &App, canvas: &mut Canvas<'_>, area: Area, learned: &Classification) {
    let theme = canvas.theme;
    let labels = &app.screens.labels;
    let [mislabeled, unlabeled] = [0, 1].map(|list| text::count(labels.lists[list].len()));
    let pages = [
        (View::Confusion, format!("{} labels", learned.names.len())),
        (View::Mislabeled, format!("{mislabeled} likely mislabeled")),
        (View::Predictions, format!("{unlabeled} without a label")),
    ];
    let mut spans = Vec::new();
    for (view, words) in pages {
        if !spans.is_empty() {
            spans.push(Span::styled(" · ", theme.faint()));
        }
        spans.push(Span::styled(words, if view == labels.view { theme.active() } else { theme.dim() }));
    }
    spans.push(facts::narrowed_to(app, canvas));
    if let Some(rest) = about(app, learned) {
        let used: usize = spans.iter().map(Span::width).sum();
        let room = usize::from(area.width).saturating_sub(used + 6);
        if text::width(&rest) <= room {
            spans.push(Span::styled(rest, theme.dim()));
        }
    }
    canvas.rule(area, Line::from(spans));
}

/// What a page says besides its name.
fn about(app: &App, learned: &Classification) -> Option<String> {
    let labels = &app.screens.labels;
    match labels.view {
        View::Confusion => {
            let pictures = labels.confusion().map_or(learned.labeled.len(), |confusion| confusion.total() as usize);
            Some(format!(" · {}, each judged unseen ({FOLDS} folds)", app.shared.counted(pictures)))
        }
        View::Mislabeled => None,
        View::Predictions => {
            let keys = app.sentence("[ ({less-sure} {surer})]");
            Some(format!(" · threshold {:.2}{keys}", labels.threshold))
        }
    }
}

/// The accuracy with its interval, in percent.
fn accuracy(confusion: &Confusion, narrow: bool) -> String {
    let [low, high] = confusion.interval().map(|end| 100.0 * end);
    let decimals = usize::from(!narrow);
    format!("{:.1} % ({low:.decimals$}–{high:.decimals$})", 100.0 * confusion.accuracy())
}
