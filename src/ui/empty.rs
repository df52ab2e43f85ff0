//! What a screen says when it has nothing to show: what is going on, and what to do.

use super::canvas::Canvas;
use crate::{
    app::{App, RunState, layout::Area},
    index::{Skipped, progress::Stage},
    printable::{printable, printable_str},
    text,
};

/// Two sentences in the middle of an area.
pub(super) fn say(canvas: &mut Canvas<'_>, area: Area, what: &str, then: &str) {
    let columns = usize::from(area.width.saturating_sub(4)).min(64);
    let (what, then) = (text::wrapped(what, columns), text::wrapped(then, columns));
    let height = (what.len() + 1 + then.len()) as u16;
    let (_, place) = area.top(area.height.saturating_sub(height) / 2);
    // On a very low screen the blank line goes first.
    let gap = u16::from(area.height >= height);
    for (at, line) in what.iter().enumerate() {
        canvas.centered(place, at as u16, line, canvas.theme.strong());
    }
    for (at, line) in then.iter().enumerate() {
        canvas.centered(place, (what.len() + at) as u16 + gap, line, canvas.theme.dim());
    }
}

/// Says why there is no picture at all; returns whether that was the case.
pub(super) fn nothing_indexed(app: &App, canvas: &mut Canvas<'_>, area: Area) -> bool {
    if !app.shared.index.is_empty() {
        return false;
    }
    let folders = folders(app);
    let (what, then) = match (&app.shared.run, app.shared.progress.map(|progress| (progress.stage, progress.total))) {
        (RunState::Running, Some((Stage::Embedding, total))) => (
            format!("Reading the first of {}…", text::counted(total, "picture")),
            "Each one can be browsed and compared as soon as it is indexed.".to_owned(),
        ),
        (RunState::Running, Some((Stage::Loading, total @ 1..))) => (
            format!("{} found; the network is loading…", text::counted(total, "picture")),
            "Each one can be browsed and compared as soon as it is indexed.".to_owned(),
        ),
        (RunState::Running, Some((Stage::Loading, _))) => {
            ("Opening the index…".to_owned(), "What was indexed before appears at once.".to_owned())
        }
        (RunState::Running, _) => {
            (format!("Looking for pictures in {folders}…"), "They appear here as they are found.".to_owned())
        }
        (RunState::Failed(reason), _) => (
            "Indexing stopped.".to_owned(),
            sentence(&printable_str(reason))
                + &app.sentence(" [Press {quit} to quit; ]“lookalike doctor” says what is set up."),
        ),
        (RunState::Done, _) if app.shared.skipped.iter().any(Skipped::has_no_face) => (
            format!("There is no face in the pictures of {folders}."),
            app.keys.sentence(
                app.helped(),
                "[Press {show-problems} to see them. ]Start again without --faces to look at the pictures as a whole.",
            ),
        ),
        (RunState::Done, _) if !app.shared.skipped.is_empty() => (
            format!("None of the {} could be read.", text::counted(app.shared.skipped.len(), "file")),
            app.sentence("Press {show-problems} to see the reason for each."),
        ),
        (RunState::Done, _) => (
            format!("There are no pictures in {folders}."),
            // The folder's name is one of pictures, whatever the rows stand for.
            app.keys.sentence(
                app.helped(),
                "Press {quit} and start again with a folder that has some, for example: lookalike ~/Pictures",
            ),
        ),
    };
    say(canvas, area, &what, &then);
    true
}

/// The folders being explored, in few words.
pub(super) fn folders(app: &App) -> String {
    match app.shared.folders.as_slice() {
        [] => "this folder".to_owned(),
        [only] => printable(only),
        [first, rest @ ..] => format!("{} and {} more", printable(first), rest.len()),
    }
}

/// With a capital letter and a full stop.
fn sentence(reason: &str) -> String {
    let mut chars = reason.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let stop = if reason.ends_with('.') { "" } else { "." };
    format!("{first}{}{stop}", chars.as_str())
}
