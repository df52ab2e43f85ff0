//! Keys in, state and effects out.

mod alike;
mod changes;
mod heatmap;
mod lists;
mod marks;
mod neighbors;
mod previews;
mod random;

use std::sync::Arc;

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use lookalike::{
    app::{Event, action::Screen},
    index::progress::Report,
    similarity::Metric,
    task::{JobEvent, JobId, Outcome},
};

use crate::explorer::{Explorer, collection, segment, setup, styled};

/// Presses keys in an explorer of nine pictures and compares the state with what is expected, line by line.
#[track_caller]
fn check(keys: &str, expected: &[&str]) {
    let mut explorer = Explorer::ready(setup(80, 24), 9);
    explorer.keys(keys);
    assert_eq!(explorer.state(), expected.join("\n"), "after {keys:?}");
}

#[test]
fn browsing_moves_one_selection_through_rows_and_columns() {
    check("", &["Browse cosine birds/bird0.jpg"]);
    check("l", &["Browse cosine birds/bird3.jpg"]);
    check("j", &["Browse cosine cats/cat1.jpg"]);
    check("G", &["Browse cosine dogs/dog8.jpg"]);
    check("G k Left", &["Browse cosine cats/cat4.jpg"]);
    check("G g", &["Browse cosine birds/bird0.jpg"]);
    check("PgDn", &["Browse cosine dogs/dog2.jpg"]);
    check("h k Ctrl-u", &["Browse cosine birds/bird0.jpg"]);
}

#[test]
fn screens_share_the_selection_and_escape_never_quits() {
    check("l 2", &["Heatmap cosine birds/bird3.jpg"]);
    check("l 3", &["Neighbors cosine birds/bird3.jpg"]);
    check("2 j 1", &["Browse cosine birds/bird3.jpg"]);
    check("Tab", &["Heatmap cosine birds/bird0.jpg"]);
    check("Shift-Tab", &["Problems cosine birds/bird0.jpg"]);
    check("! Esc", &["Browse cosine birds/bird0.jpg"]);
    check("Esc Esc Esc", &["Browse cosine birds/bird0.jpg"]);
    check("?", &["Browse cosine birds/bird0.jpg", "help"]);
    check("? j Esc", &["Browse cosine birds/bird0.jpg"]);
    check("v", &["Browse cosine birds/bird0.jpg", "picture birds/bird0.jpg"]);
    check("v l Esc", &["Browse cosine birds/bird3.jpg"]);
}

#[test]
fn leaving_stops_the_indexing_only_while_it_runs() {
    check("q", &["Browse cosine birds/bird0.jpg", "→ quit"]);
    check("? Ctrl-c", &["Browse cosine birds/bird0.jpg", "help", "→ quit"]);
    check("Ctrl-z Ctrl-l", &["Browse cosine birds/bird0.jpg", "→ suspend", "→ redraw"]);
    let mut explorer = Explorer::indexing(setup(80, 24), 9, 100);
    explorer.key("q");
    assert_eq!(explorer.state(), "Browse cosine birds/bird0.jpg\n→ cancel\n→ quit");
    let mut explorer = Explorer::indexing(setup(80, 24), 9, 100);
    explorer.update(Event::Hangup);
    assert_eq!(explorer.effects, ["cancel", "quit"]);
}

#[test]
fn without_a_picture_no_key_is_hinted_at_that_would_do_nothing() {
    for keys in ["1", "2", "3", "4", "!"] {
        let mut explorer = Explorer::ready(setup(120, 36), 0);
        explorer.keys(keys);
        let frame = styled(&explorer.frame());
        let hints = frame.lines().find(|line| line.contains("? help")).unwrap();
        assert_eq!(hints.trim(), "? help  q quit", "on {keys}");
    }
}

#[test]
fn a_viewer_is_opened_where_the_user_sits() {
    let mut explorer = Explorer::ready(setup(80, 24), 3);
    explorer.keys("O");
    assert!(explorer.state().ends_with("→ open /pictures/birds/bird0.jpg"));
    let mut remote = Explorer::ready(lookalike::app::Setup { is_remote: true, ..setup(80, 24) }, 3);
    remote.keys("O");
    assert!(remote.effects.is_empty() && remote.state().contains("Over SSH"));
    explorer.update(Event::Refused("There is no desktop.".to_owned()));
    assert!(explorer.state().contains("Error: There is no desktop."));
}

#[test]
fn the_mouse_selects_opens_and_turns() {
    let click = |explorer: &mut Explorer, column, row| {
        explorer.update(Event::Mouse(MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column,
            row,
            modifiers: KeyModifiers::NONE,
        }));
    };
    let mut explorer = Explorer::ready(setup(80, 24), 9);
    let tile = explorer.grid().tile(4);
    click(&mut explorer, tile.x + 2, tile.y + 2);
    assert_eq!(explorer.state(), "Browse cosine cats/cat4.jpg");
    click(&mut explorer, tile.x + 2, tile.y + 2);
    assert_eq!(explorer.state(), "Neighbors cosine cats/cat4.jpg");
    let row = explorer.ranks().row(2);
    click(&mut explorer, row.x + 3, row.y);
    assert_eq!(explorer.app.screens.neighbors.cursor, 2);
    let tabs = explorer.app.tabs();
    click(&mut explorer, tabs[1].area.x + 1, 0);
    assert_eq!(explorer.app.screen, Screen::Heatmap);
    let plot = explorer.plot();
    let lookalike::app::layout::Area { x, y, .. } = plot.place(3, 5);
    click(&mut explorer, x, y);
    assert_eq!(explorer.app.screens.heatmap.cursor(explorer.app.shared.selected, explorer.plot().partition), (3, 5));
    click(&mut explorer, x, y);
    assert!(explorer.state().contains("pair cats/cat1.jpg cats/cat7.jpg"));
    explorer.keys("Esc g");
    explorer.update(Event::Mouse(MouseEvent {
        kind: MouseEventKind::ScrollDown,
        column: x,
        row: y,
        modifiers: KeyModifiers::NONE,
    }));
    assert_eq!(explorer.app.screens.heatmap.cursor(explorer.app.shared.selected, explorer.plot().partition), (1, 0));
    click(&mut explorer, 79, 23);
    click(&mut explorer, 500, 500);
    explorer.update(Event::Resize(120, 36));
    for metric in [Metric::Euclidean, Metric::Euclidean, Metric::Cosine] {
        let (_, area) = explorer.app.metrics().into_iter().find(|(shown, _)| *shown == metric).expect("room for both");
        click(&mut explorer, area.x + 1, area.y);
        assert_eq!(explorer.app.shared.metric, metric);
    }
}

#[test]
fn a_failed_job_says_so_and_the_explorer_goes_on() {
    let mut explorer = Explorer::ready(setup(80, 24), 9);
    explorer.update(Event::Job(JobEvent { job: JobId(77), outcome: Outcome::Failed("the disk is full".to_owned()) }));
    assert_eq!(explorer.state(), "Browse cosine birds/bird0.jpg\nError: the disk is full");
    explorer.key("l");
    assert_eq!(explorer.state(), "Browse cosine birds/bird3.jpg");
}

#[test]
fn a_picture_that_was_named_is_the_query_as_soon_as_it_is_there_unless_the_user_went_elsewhere() {
    let named = |path: &str| lookalike::app::Setup { picture: Some(path.into()), ..setup(80, 24) };
    let there = collection(9).iter().nth(4).map(|entry| entry.path()).expect("there are nine");
    let path = there.to_str().expect("plain");
    let opened = |path: &str| {
        let mut explorer = Explorer::started(named(path));
        explorer.indexed(Arc::new(collection(9)), Vec::new());
        explorer
    };
    let mut explorer = opened(path);
    assert_eq!(explorer.app.screen, Screen::Neighbors);
    assert_eq!(explorer.app.shared.selected.and_then(|id| explorer.app.shared.path(id)), Some(there.clone()));
    let missing = explorer.app.message.as_ref().is_some_and(|message| message.text.contains("is not among"));
    assert!(!missing);
    explorer.keys("1 l");
    explorer.indexed(Arc::new(collection(12)), Vec::new());
    assert_eq!(explorer.app.screen, Screen::Browse, "it is asked for once");

    let mut explorer = Explorer::indexing(named(path), 3, 9);
    assert_eq!(explorer.app.screen, Screen::Browse, "it is not there yet");
    explorer.keys("2");
    explorer.indexed(Arc::new(collection(9)), Vec::new());
    assert_eq!(explorer.app.screen, Screen::Heatmap, "the screen that was gone to stays");
    assert_eq!(explorer.app.shared.selected.and_then(|id| explorer.app.shared.path(id)), Some(there.clone()));

    let mut explorer = Explorer::indexing(named(path), 3, 9);
    explorer.keys("l");
    let chosen = explorer.app.shared.selected;
    let mut grown = (*explorer.app.shared.index).clone();
    grown.push(segment(3..9));
    explorer.indexed(Arc::new(grown), Vec::new());
    assert_eq!((explorer.app.screen, explorer.app.shared.selected), (Screen::Browse, chosen));

    let explorer = opened("/nowhere/bird.jpg");
    let message = explorer.app.message.as_ref().map_or("", |message| &message.text);
    assert!(message.starts_with("/nowhere/bird.jpg is not among the pictures"), "{message}");
}

#[test]
fn what_went_wrong_while_indexing_is_not_hidden_by_how_many_pictures_there_are() {
    let mut explorer = Explorer::started(setup(80, 24));
    explorer.report(Report::Note("from here on nothing is kept on disk".into()));
    explorer.indexed(Arc::new(collection(3)), Vec::new());
    let said = |explorer: &Explorer| explorer.app.message.as_ref().map(|message| message.text.clone());
    assert_eq!(said(&explorer).as_deref(), Some("from here on nothing is kept on disk"));
    let mut explorer = Explorer::started(setup(80, 24));
    explorer.indexed(Arc::new(collection(3)), Vec::new());
    assert_eq!(said(&explorer).as_deref(), Some("Indexed in 1.5 s: 3 new."));
}
