//! What is asked with in place of the selected picture: one from elsewhere, or several together.

use std::sync::Arc;

use crate::explorer::{Explorer, segment, setup, styled};
use lookalike::{
    app::{Event, Over, Setup, action::Screen, previews::Slot},
    index::{Index, progress::Report},
    preview::{Preview, Subject},
    task::{Job, Outcome},
};

fn on(screen: Screen) -> Explorer {
    on_screen(setup(120, 36), screen)
}

fn on_screen(setup: Setup, screen: Screen) -> Explorer {
    let mut explorer = Explorer::ready(setup, 24);
    explorer.keys(screen.key());
    explorer
}

#[test]
fn a_picture_from_elsewhere_is_asked_with_wherever_one_is() {
    for screen in Screen::ALL.into_iter().filter(|screen| *screen != Screen::Problems) {
        let mut explorer = on(screen);
        explorer.keys("Ctrl-o / e l s e / Tab");
        let state = explorer.state();
        assert!(state.contains("typing \"/else/1\"") && state.contains("10.jpg  12.jpg"), "{state}");
        assert!(styled(&explorer.frame()).contains("ask with picture /else/1"), "{screen:?}");
        explorer.keys("0 . j p g Enter");
        assert_eq!(explorer.app.screen, Screen::Neighbors, "from {screen:?}");
        let rows = &explorer.app.screens.neighbors.rows;
        assert_eq!(explorer.name(Some(rows[0].id)), "cats/cat10.jpg", "that is what number 10 looks like");
        assert!((rows[0].value - 1.0).abs() < 1e-5, "the picture itself may be among the answers");
        let frame = styled(&explorer.frame());
        assert!(frame.contains("nearest of 24 by cosine to 10.jpg from elsewhere"), "{frame}");
        explorer.keys("p");
        assert_eq!(explorer.app.over, [], "a picture that is no row has no pair");
        explorer.keys("Down Backspace");
        assert!(explorer.app.screens.neighbors.asked.is_none(), "the selected picture is the query again");
    }
}

#[test]
fn what_is_asked_with_stays_until_something_else_is_asked() {
    // The selected picture was not chosen by anybody, and the first in the order of folders is still to come.
    let mut grown = Index::new(8);
    grown.push(segment(3..24));
    let mut explorer = Explorer::started(setup(120, 36));
    explorer.model(false);
    explorer.report(Report::Snapshot(Arc::new(grown.clone())));
    explorer.keys("Ctrl-o / e l s e / 1 0 . j p g Enter");
    let asked = |explorer: &Explorer| explorer.app.screens.neighbors.asked.is_some();
    assert!(asked(&explorer));
    grown.push(segment(0..3));
    explorer.report(Report::Snapshot(Arc::new(grown)));
    assert!(asked(&explorer), "pictures that come ask nothing");
    explorer.keys("1 3");
    assert!(asked(&explorer), "nor does looking at another screen");
    explorer.keys("1 Enter");
    assert!(!asked(&explorer), "Enter asks with the picture under the cursor");
}

#[test]
fn an_answer_that_comes_late_takes_nothing_from_the_screen() {
    let mut explorer = on(Screen::Browse);
    explorer.hold();
    explorer.keys("Ctrl-o / e l s e / 1 0 . j p g Enter Ctrl-o c a t");
    let held = explorer.held.take().unwrap();
    let (id, job) = held.into_iter().find(|(_, job)| matches!(job, Job::Ask { .. })).expect("a picture to look at");
    explorer.done(id, job);
    let state = explorer.state();
    assert!(state.starts_with("Browse") && state.contains("typing \"cat\""), "{state}");
    explorer.keys("Esc 3");
    assert!(explorer.app.screens.neighbors.asked.is_some(), "it is on Neighbors");
}

#[test]
fn a_path_of_the_index_is_no_picture_from_elsewhere() {
    let mut explorer = on(Screen::Groups);
    explorer.keys("Ctrl-o");
    explorer.update(Event::Paste("/pictures/dogs/dog5.jpg".to_owned()));
    explorer.keys("Enter");
    assert!(explorer.state().starts_with("Neighbors cosine dogs/dog5.jpg"), "{}", explorer.state());
    assert!(explorer.app.screens.neighbors.asked.is_none());
}

#[test]
fn a_completion_that_comes_late_changes_nothing() {
    let mut explorer = on(Screen::Browse);
    explorer.keys("Ctrl-o a");
    explorer.hold();
    explorer.keys("Tab b");
    let (id, job) = explorer.held.take().unwrap().pop().expect("a path to complete");
    explorer.done(id, job);
    assert!(explorer.state().contains("typing \"ab\""), "{}", explorer.state());
    explorer.keys("Esc");
    assert_eq!(explorer.app.over, []);
}

/// The subjects of the pictures that are asked for next.
fn wanted(explorer: &mut Explorer) -> Vec<Subject> {
    let held = explorer.held.replace(Vec::new()).unwrap_or_default();
    let previews = held.into_iter().filter_map(|(_, job)| match job {
        Job::Previews { wanted, .. } => Some(wanted),
        _ => None,
    });
    previews.flatten().map(|key| key.subject).collect()
}

#[test]
fn its_picture_is_painted_anew_for_another_size_and_after_the_screen_was_cleared() {
    let mut explorer = on(Screen::Browse);
    explorer.keys("Ctrl-o / e l s e / 1 0 . j p g Enter");
    let is_it = |subject: &Subject| matches!(subject, Subject::File(path, _) if path.ends_with("else/10.jpg"));
    let slot = explorer.app.slots().into_iter().find(|slot| is_it(&slot.subject)).expect("a place for it");
    explorer.tell(lookalike::task::JobId(1), Outcome::Previewed(slot.key(), Preview::failed("its picture")));
    assert!(styled(&explorer.frame()).contains("its picture"));
    explorer.hold();
    explorer.keys("Down");
    assert!(!wanted(&mut explorer).iter().any(is_it), "it is there");
    explorer.keys("Ctrl-l");
    assert!(wanted(&mut explorer).iter().any(is_it), "the terminal has forgotten it");
    for (width, height) in [(80, 24), (50, 24), (60, 30)] {
        explorer.update(Event::Resize(width, height));
        assert!(wanted(&mut explorer).iter().any(is_it), "another size at {width}×{height}");
    }
    // The file may have been written anew since it was asked with.
    explorer.update(Event::Resize(120, 36));
    explorer.keys("Ctrl-o / e l s e / 1 0 . j p g Enter");
    let job = explorer.held.as_mut().expect("held").iter().position(|(_, job)| matches!(job, Job::Ask { .. }));
    let (id, job) = explorer.held.as_mut().expect("held").remove(job.expect("the question"));
    explorer.tell(lookalike::task::JobId(1), Outcome::Previewed(slot.key(), Preview::failed("its picture")));
    explorer.done(id, job);
    assert!(!styled(&explorer.frame()).contains("its picture"));
}

#[test]
fn every_query_has_its_name_where_there_is_no_room_for_a_pane() {
    for (width, height) in [(60, 24), (40, 24), (40, 12), (63, 10)] {
        let mut explorer = on_screen(setup(width, height), Screen::Neighbors);
        let frame = styled(&explorer.frame());
        assert!(frame.contains("bird0.jpg"), "the selected one at {width}×{height}:\n{frame}");
        explorer.keys("Ctrl-o / e l s e / 1 0 . j p g Enter");
        let frame = styled(&explorer.frame());
        let below = frame.lines().nth(2).unwrap_or_default().to_owned() + frame.lines().nth(3).unwrap_or_default();
        assert!(below.contains("10.jpg"), "the one from elsewhere at {width}×{height}:\n{frame}");
    }
}

#[test]
fn of_several_faces_one_is_asked_with_and_the_arrows_choose_another() {
    let mut explorer = on(Screen::Browse);
    explorer.keys("Ctrl-o / e l s e / 3 x 1 0 . j p g Enter");
    let best = |explorer: &Explorer| explorer.name(Some(explorer.app.screens.neighbors.rows[0].id));
    let frame = styled(&explorer.frame());
    assert!(frame.contains("from elsewhere · face 1 of 3"), "{frame}");
    assert_eq!(best(&explorer), "cats/cat10.jpg");
    let meant = |explorer: &Explorer| match &explorer.app.slots()[0].subject {
        Subject::File(_, framing) => framing.meant,
        other => panic!("{other:?}"),
    };
    let meant_now = |explorer: &Explorer| explorer.app.screens.neighbors.asked.as_ref().map(|asked| asked.face);
    assert_eq!(meant(&explorer), Some(0));
    explorer.keys("Right");
    assert_eq!((best(&explorer), meant(&explorer)), ("dogs/dog11.jpg".to_owned(), Some(1)));
    assert!(styled(&explorer.frame()).contains("face 2 of 3"));
    explorer.keys("Left Left");
    assert_eq!((best(&explorer), meant(&explorer)), ("birds/bird12.jpg".to_owned(), Some(2)), "round and round");
    // Over a neighbor seen large they show the next one, and the question stays.
    explorer.keys("v Right");
    let second = explorer.app.screens.neighbors.rows[1].id;
    assert_eq!((explorer.app.over.clone(), meant_now(&explorer)), (vec![Over::Picture(second)], Some(2)));
    explorer.keys("Left Esc");
    // In the contact sheet the arrows are the cursor's.
    explorer.keys("+ Right");
    assert_eq!((explorer.app.screens.neighbors.cursor, meant(&explorer)), (1, Some(2)));
    assert!(!styled(&explorer.frame()).contains("← →"));
    // Alone it is not one of several.
    explorer.keys("0 Ctrl-o / e l s e / 1 x 4 . j p g Enter Right");
    assert!(!styled(&explorer.frame()).contains("face 1"), "{}", styled(&explorer.frame()));
}

#[test]
fn what_is_asked_with_is_shown_large_as_its_answers_are() {
    let mut explorer = on(Screen::Browse);
    explorer.keys("Ctrl-o / e l s e / 1 0 . j p g Enter v");
    let answer = explorer.app.screens.neighbors.under_cursor().expect("an answer");
    assert_eq!(explorer.app.over, [Over::Picture(answer)], "first the picture under the cursor");
    assert!(explorer.app.hints().concat().contains(&("v".to_owned(), "query")));
    explorer.keys("v");
    assert_eq!(explorer.app.over, [Over::Query]);
    let [slot] = &explorer.app.slots()[..] else { panic!("one picture") };
    assert!(matches!(&slot.subject, Subject::File(path, _) if path.ends_with("else/10.jpg")), "{slot:?}");
    assert_eq!(slot.area, lookalike::app::layout::large(explorer.app.shared.body()));
    let frame = styled(&explorer.frame());
    assert!(frame.contains("10.jpg  from elsewhere") && frame.contains("/else/10.jpg"), "{frame}");
    assert!(explorer.app.hints().concat().iter().all(|hint| hint.1 != "mark"), "it is no picture of the folder");
    assert!(explorer.app.hints().concat().contains(&("v".to_owned(), "answer")), "{:?}", explorer.app.hints().concat());
    explorer.keys("Space y");
    assert!(explorer.app.shared.marks.is_empty());
    assert!(explorer.state().contains("→ copy /else/10.jpg"));
    explorer.keys("? Esc v");
    assert_eq!(explorer.app.over, [Over::Picture(answer)], "and back");
    explorer.keys("v Enter");
    assert!(
        explorer.app.over.is_empty() && explorer.app.screens.neighbors.asked.is_some(),
        "its neighbors lie beneath"
    );
    // A picture of the folder is looked at in the same way.
    explorer.keys("Backspace v v");
    let selected = explorer.app.shared.selected;
    assert_eq!((explorer.app.over.clone(), explorer.app.focused()), (vec![Over::Query], selected));
    explorer.keys("Esc 1 v v");
    assert!(matches!(explorer.app.over[..], [Over::Picture(_)]), "in the grid there is no query");
    assert!(explorer.app.hints().concat().iter().all(|hint| hint.1 != "query"));
}

#[test]
fn a_picture_that_finds_nothing_is_shown_large_itself() {
    let mut explorer = on(Screen::Browse);
    explorer.keys("/ n o n e Enter Ctrl-o / e l s e / 3 x 7 . j p g Enter v");
    assert_eq!(explorer.app.over, [Over::Query]);
    assert!(
        explorer.app.hints().concat().iter().all(|hint| hint.0 != "v"),
        "there is no answer: {:?}",
        explorer.app.hints().concat()
    );
    explorer.keys("Right");
    let face = explorer.app.screens.neighbors.asked.as_ref().map(|asked| asked.face);
    assert_eq!(face, Some(1), "another of its faces");
}

#[test]
fn over_a_query_that_is_no_row_nothing_is_offered_that_needs_one() {
    let mut explorer = on(Screen::Browse);
    explorer.keys("Ctrl-o / e l s e / 1 0 . j p g Enter v v");
    for (key, said) in [("e", "Nothing is marked yet."), ("d", "Nothing is marked yet; d moves away what is marked.")] {
        explorer.keys(key);
        let message = explorer.app.message.as_ref().map(|message| message.text.clone());
        assert_eq!(message.as_deref(), Some(said), "there is no picture that Space would mark");
    }
    explorer.keys("Esc 1 Space Right Space Q v v");
    assert_eq!(explorer.app.over, [Over::Query]);
    let words: Vec<_> = explorer.app.hints().concat().into_iter().map(|hint| hint.1).collect();
    assert!(!words.contains(&"copy path") && !words.contains(&"mark"), "it is of several: {words:?}");
    explorer.keys("y");
    assert!(explorer.effects.is_empty());
}

#[test]
fn a_long_name_of_a_large_query_is_cut_with_a_mark() {
    let mut explorer = on_screen(setup(40, 12), Screen::Browse);
    explorer.keys("Ctrl-o");
    explorer.update(Event::Paste("/else/a name that is too long for one line of forty columns.jpg".to_owned()));
    explorer.keys("Enter v v");
    assert_eq!(explorer.app.over, [Over::Query]);
    let frame = styled(&explorer.frame());
    let caption = frame.lines().find(|line| line.contains("  from elsewhere")).expect(&frame);
    assert!(caption.contains("a name") && caption.contains('…'), "{caption:?}");
}

#[test]
fn every_picture_asked_with_together_is_shown_with_its_name_and_its_sign() {
    for (width, height) in [(80, 24), (120, 36), (200, 50)] {
        let mut explorer = on_screen(setup(width, height), Screen::Browse);
        explorer.keys("Space Right Space Right Space Right Space Right Space Right U Right U Q");
        let asked = explorer.app.screens.neighbors.asked.as_ref().expect("they are asked with");
        let all: Vec<_> = asked.pictures().collect();
        assert_eq!((asked.like.len(), all.len()), (5, 7));
        let rows: Vec<_> = explorer.app.screens.neighbors.rows.clone();
        assert!(rows.iter().all(|row| !all.contains(&row.id)), "none of them is an answer");
        let ranks: Vec<_> = rows.iter().map(|row| row.rank).collect();
        assert!(ranks.iter().copied().eq(1..=rows.len()), "nor has one of them a place: {ranks:?}");
        let mut others: Vec<_> = rows.iter().map(|row| row.other).collect();
        others.sort_unstable();
        assert!(others.iter().copied().eq(1..=17), "by the other metric neither: {others:?}");
        let frame = styled(&explorer.frame());
        assert!(frame.contains("17 nearest of 17 by cosine to 5 together, unlike 2"), "{frame}");
        assert!(frame.contains("+ like 5 pictures: ") && frame.contains("− unlike 2 pictures: "), "{frame}");
        explorer.keys("v v");
        assert_eq!(explorer.app.over, [Over::Query]);
        for (keys, what) in [("", "large"), ("Esc", "beside the ranking")] {
            explorer.keys(keys);
            let shown: Vec<_> = explorer.app.slots().iter().filter_map(Slot::row).collect();
            assert!(all.iter().all(|id| shown.contains(id)), "{what} at {width}×{height}: {shown:?}");
            let frame = styled(&explorer.frame());
            let [like, unlike] = ["+ bird", "− bird"].map(|name| frame.matches(name).count());
            assert_eq!((like, unlike), (5, 2), "{what} at {width}×{height}:\n{frame}");
        }
    }
}

#[test]
fn of_many_pictures_asked_with_those_without_room_are_counted() {
    let mut explorer = on_screen(setup(80, 24), Screen::Browse);
    explorer.keys(&"Space Right ".repeat(20));
    explorer.keys("Q");
    let frame = styled(&explorer.frame());
    assert!(frame.contains(" 12 more") && frame.contains("+ like 20 pictures: "), "{frame}");
    let mut small = on_screen(setup(40, 12), Screen::Browse);
    small.keys("Space Right Space Right Space Right U Q");
    let frame = styled(&small.frame());
    assert!(frame.contains("4 pictures: +"), "how many there are is said where nothing else has room: {frame}");
    small.keys("v v");
    assert_eq!(small.app.slots().len(), 4, "large there is room for all");
}
