//! The line of hints: what it offers does something with what is on the screen.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use lookalike::{
    app::{
        Event,
        action::{Action, Screen},
        screens::models,
    },
    display::Depth,
    similarity::Metric,
};

use crate::explorer::{Explorer, named_pictures, setup, styled};

/// The screens that find something out, with the keys that lead there.
const VIEWS: [&str; 21] = [
    "2",
    "2 +",
    "3",
    "4",
    "4 - - - -",
    "5",
    "5 t t",
    "6",
    "6 o",
    "7",
    "7 o",
    "7 o o",
    "8",
    "8 o",
    "8 o o",
    "9",
    "9 Enter",
    // Several asked with together, all of a few, and one from elsewhere.
    "1 Space Right Space Q",
    "1 Space Right U Q",
    "Ctrl-o / e l s e / 1 0 . j p g Enter",
    "Ctrl-o / e l s e / 3 x 1 0 . j p g Enter",
];

fn explorer(len: usize, keys: &str) -> Explorer {
    let mut explorer = Explorer::ready(setup(120, 36), len);
    explorer.keys(keys);
    explorer
}

/// What is on the screen, without the line that a key leaves there.
fn shown(explorer: &mut Explorer) -> String {
    explorer.app.message = None;
    styled(&explorer.frame())
}

#[test]
fn every_hint_does_something_whatever_is_on_the_screen() {
    let mut idle = Vec::new();
    for len in [0, 1, 2, 3, 5, 8, 24] {
        for view in VIEWS {
            let mut before = explorer(len, view);
            let [own, always] = before.app.hints();
            assert_eq!(always, [("?".to_owned(), "help"), ("q".to_owned(), "quit")], "{len} {view}");
            assert!(len > 0 || own.is_empty(), "nothing can be done without pictures: {own:?}");
            let screen = shown(&mut before);
            for (keys, words) in own {
                // Of two keys that undo each other one may have come to its end.
                let does_something = keys.split([' ', '-']).filter(|name| !name.is_empty()).any(|name| {
                    let mut after = explorer(len, view);
                    after.effects.clear();
                    after.keys(if name == "Bksp" { "Backspace" } else { name });
                    !after.effects.is_empty() || shown(&mut after) != screen
                });
                // The minus is a key too.
                let minus = || {
                    let mut after = explorer(len, view);
                    after.keys("-");
                    shown(&mut after) != screen
                };
                if !(does_something || keys.contains('-') && minus()) {
                    idle.push(format!("{len} pictures, {view}: {keys} {words}"));
                }
            }
        }
    }
    assert!(idle.is_empty(), "these do nothing:\n{}", idle.join("\n"));
}

#[test]
fn larger_cells_and_the_next_group_are_offered_where_there_are_some() {
    let flat = |len: usize| {
        let picture = |number: usize| (format!("{number}.jpg"), [1.0, number as f32]);
        named_pictures(&(0..len).map(picture).collect::<Vec<_>>())
    };
    let mut larger = Vec::new();
    for (size, len) in [(120, 36), (80, 24), (40, 12), (20, 8)].iter().flat_map(|s| [2, 3, 5, 8].map(|len| (*s, len))) {
        for folders in [true, false] {
            let setup = setup(size.0, size.1);
            let mut explorer = if folders { Explorer::ready(setup, len) } else { Explorer::of(setup, flat(len)) };
            explorer.key("2");
            let words: Vec<_> = explorer.app.hints().concat().into_iter().map(|hint| hint.1).collect();
            let does_something = |explorer: &mut Explorer, key: &str, no: &str| {
                explorer.key(key);
                explorer.app.message.as_ref().is_none_or(|message| message.text != no)
            };
            let zooms = does_something(&mut explorer, "+", "These are the largest cells.");
            assert_eq!(words.contains(&Action::ZoomIn.hint()), zooms, "{size:?} {len} {words:?}");
            larger.push(zooms);
            assert_eq!(words.contains(&Action::NextGroup.hint()), folders, "{size:?} {len} {words:?}");
        }
    }
    assert!(larger.contains(&true) && larger.contains(&false));
}

#[test]
fn a_metric_that_makes_no_difference_is_not_switched_and_not_offered() {
    for (keys, screen) in [("4", Screen::Alike), ("6", Screen::Groups), ("7", Screen::Outliers), ("8", Screen::Labels)]
    {
        let mut explorer = explorer(24, keys);
        assert!(
            explorer.app.metrics().is_empty() && explorer.app.hints().concat().iter().all(|hint| hint.1 != "metric")
        );
        explorer.key("m");
        assert_eq!((explorer.app.screen, explorer.app.shared.metric), (screen, Metric::Cosine));
        let said = explorer.app.message.as_ref().map(|message| message.text.clone()).unwrap_or_default();
        assert!(said.contains("2 and 3"), "{keys}: {said:?} must say where there are both");
        assert!(said.len() <= 78, "{said:?} is cut on a screen of 80 columns");
        // What lies on top of the screen has both.
        explorer.keys("v m");
        assert_eq!(explorer.app.shared.metric, Metric::Euclidean);
        assert!(!explorer.app.metrics().is_empty());
    }
    for keys in ["5", "9 Enter"] {
        let mut explorer = explorer(24, keys);
        let before = shown(&mut explorer);
        explorer.key("m");
        assert_eq!(explorer.app.shared.metric, Metric::Euclidean);
        assert_ne!(shown(&mut explorer), before, "{keys}");
    }
    let mut figures = explorer(24, "9 Enter o");
    figures.key("m");
    assert_eq!(figures.app.shared.metric, Metric::Cosine);
    figures.keys("o m");
    assert_eq!(figures.app.shared.metric, Metric::Euclidean, "the heatmap of both has both metrics");
}

#[test]
fn a_small_confusion_matrix_leaves_no_colors_beside_its_words() {
    let explorer = {
        let mut explorer = Explorer::ready(setup(40, 12), 24);
        explorer.keys("8");
        explorer
    };
    let frame = explorer.frame();
    let legend = explorer.app.screens.labels.plot(&explorer.app.shared, explorer.app.shared.body()).legend;
    let words: String = (0..40).map(|x| frame[(x, legend.y)].symbol()).collect();
    assert!(words.contains("right"), "{words:?}");
    assert!((0..40).all(|x| frame[(x, legend.y)].bg == ratatui::style::Color::Reset), "{words:?}");
}

#[test]
fn models_are_chosen_by_the_mouse_and_their_neighbors_selected() {
    let mut explorer = explorer(24, "9");
    let click = |explorer: &mut Explorer, (column, row): (u16, u16)| {
        let kind = MouseEventKind::Down(MouseButton::Left);
        explorer.update(Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
    };
    let body = explorer.app.shared.body();
    let choices = explorer.app.screens.models.choices(&explorer.app.shared).len();
    let list = models::Choices::new(body, choices, 0).list;
    assert!(choices > 0 && usize::from(list.height) == choices);
    click(&mut explorer, (list.x + 3, list.y));
    assert!(explorer.app.screens.models.found.is_some(), "a second click indexes by it");
    let tile = models::Places::new(body).sheets[1].tile(2);
    let wanted = explorer.app.screens.models.neighbors[1][2].id;
    click(&mut explorer, (tile.x + 2, tile.y + 1));
    assert_eq!(explorer.app.shared.selected, Some(wanted));
    let models = &explorer.app.screens.models;
    let found = models.found.as_ref().expect("both were compared");
    assert_eq!(found.comparison.agreements[models.disagreed[models.cursor]].id, wanted, "the list follows");
}

#[test]
fn of_many_models_the_one_under_the_cursor_is_always_in_view() {
    for height in 1..30 {
        let body = lookalike::app::layout::Area::of((40, height));
        for cursor in [0, 7, 19] {
            let places = models::Choices::new(body, 20, cursor);
            let visible = places.first..places.first + usize::from(places.list.height);
            assert!(places.list.height == 0 || visible.contains(&cursor), "{cursor} at height {height}: {places:?}");
            assert!(places.words.bottom() <= body.bottom(), "{places:?}");
        }
    }
}

#[test]
fn what_is_written_on_the_cursor_is_not_the_palettes_black_in_bold() {
    use lookalike::{display::Background, ui::theme::Theme};
    use ratatui::style::{Color, Modifier};
    for depth in [Depth::True, Depth::Indexed256, Depth::Ansi16] {
        let style = Theme::new(depth, Background::Dark).on_cursor();
        let brightened = style.fg == Some(Color::Black) && style.add_modifier.contains(Modifier::BOLD);
        assert!(!brightened, "many terminals show bold black as gray: {depth:?}");
    }
}

#[test]
fn an_index_by_another_model_is_stopped_and_nothing_of_it_comes_late() {
    use lookalike::{
        index::progress::{Progress, Report, Stage},
        task::{Job, JobEvent, Outcome},
    };
    let mut explorer = explorer(24, "9");
    explorer.hold();
    explorer.key("Enter");
    let held = explorer.held.take().expect("jobs are kept");
    let job = held.into_iter().find(|(_, job)| matches!(job, Job::IndexBy { .. })).expect("it is indexed").0;
    explorer.hold();
    let progress =
        Progress { stage: Stage::Embedding, done: 3, total: 24, per_second: 1.0, left: None, decode_bound: None };
    let tell = |explorer: &mut Explorer, outcome| explorer.update(Event::Job(JobEvent { job, outcome }));
    tell(&mut explorer, Outcome::Indexing(Report::Progress(progress)));
    let words: String = explorer.frame().content().iter().map(ratatui::buffer::Cell::symbol).collect();
    assert!(words.contains("3 of 24. c stops it"), "{words}");
    assert!(explorer.app.hints().concat().iter().all(|hint| hint.1 != "index by it"));
    explorer.effects.clear();
    explorer.key("c");
    assert_eq!(explorer.effects, ["cancel"]);
    assert!(!explorer.app.screens.models.is_chosen(), "another one can be chosen");
    tell(&mut explorer, Outcome::Indexing(Report::Progress(progress)));
    tell(&mut explorer, Outcome::Failed("interrupted".into()));
    assert!(!explorer.app.screens.models.is_chosen() && explorer.app.message.is_none());
}

#[test]
fn another_model_is_offered_once_all_pictures_are_indexed() {
    let offered = |explorer: &Explorer| explorer.app.hints()[0].iter().any(|hint| hint.1 == "index by it");
    let mut explorer = Explorer::indexing(setup(120, 36), 24, 60);
    explorer.key("9");
    assert!(!offered(&explorer), "it would be refused");
    let words: String = explorer.frame().content().iter().map(ratatui::buffer::Cell::symbol).collect();
    assert!(words.contains("once all are indexed"), "{words}");
    explorer.indexed(explorer.app.shared.index.clone(), Vec::new());
    assert!(offered(&explorer));
    let words: String = explorer.frame().content().iter().map(ratatui::buffer::Cell::symbol).collect();
    assert!(words.contains("by it, in the background"), "{words}");
}

#[test]
fn help_begins_with_the_keys_that_mean_something_here_only() {
    use lookalike::app::keymap::{Context, Keys};
    let first = |screen| Keys::default().sections(Context::Screen(screen))[0].1[0].clone();
    assert_eq!(first(Screen::Models), ("Enter".to_owned(), "index by that model"));
    assert_eq!(first(Screen::Alike), ("Enter".to_owned(), "both, side by side"));
    assert_eq!(first(Screen::Map), ("t".to_owned(), "the next method"));
    assert_eq!(first(Screen::Labels), ("o".to_owned(), "its next page"));
}

#[test]
fn numbers_in_the_list_of_the_mislabeled_are_never_cut() {
    let names = ["a folder with a long name for birds", "and one with a longer name for cats"];
    let picture = |number: usize| {
        let (folder, row) = (number % 2, [1.0 - 0.03 * number as f32, 0.03 * number as f32]);
        let row = if (folder == 0) != (number < 2) { row } else { [row[1], row[0]] };
        (format!("{}/{number}.jpg", names[folder]), row)
    };
    let index = named_pictures(&(0..20).map(picture).collect::<Vec<_>>());
    let mut explorer = Explorer::of(setup(80, 24), index);
    explorer.keys("8 o");
    assert!(!explorer.app.screens.labels.lists[0].is_empty());
    let frame = explorer.frame();
    let lines = (0..24).map(|y| (0..39).map(|x| frame[(x, y)].symbol()).collect::<String>());
    let doubts: Vec<_> = lines.filter(|line| line.contains("looks like")).collect();
    assert!(!doubts.is_empty() && doubts.iter().all(|line| line.trim_end().ends_with('%')), "{doubts:#?}");
}
