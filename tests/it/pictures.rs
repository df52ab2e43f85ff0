//! What can be done with pictures on every screen that lists some: the filter, marks, and the ways to other screens.

use std::sync::Arc;

use crate::explorer::{Explorer, collection, setup, styled};
use lookalike::{
    app::{action::Screen, keymap::Context},
    index::{ImageId, Skipped, SkippedKind},
    similarity::{Query, compare},
};

/// The screens that list pictures.
fn screens() -> impl Iterator<Item = Screen> {
    Screen::ALL.into_iter().filter(|screen| *screen != Screen::Problems)
}

/// An explorer of 24 pictures, eight of them cats, on a screen that has what it lists.
fn on(screen: Screen) -> Explorer {
    let mut explorer = Explorer::ready(setup(120, 36), 24);
    explorer.keys(screen.key());
    match screen {
        Screen::Alike => explorer.keys("- - - - - - - - - -"),
        Screen::Models => explorer.keys("Enter"),
        Screen::Map => explorer.keys("t t"),
        _ => {}
    }
    explorer
}

fn path(explorer: &Explorer, id: ImageId) -> String {
    explorer.name(Some(id))
}

/// The pictures that a screen lists, without those that are only shown beside the list.
fn listed(explorer: &Explorer) -> Vec<ImageId> {
    let (shared, screens) = (&explorer.app.shared, &explorer.app.screens);
    match explorer.app.screen {
        Screen::Browse => screens.browse.list.ids.clone(),
        Screen::Heatmap => (0..screens.heatmap.len()).filter_map(|at| screens.heatmap.at(at)).collect(),
        Screen::Neighbors => screens.neighbors.rows.iter().map(|row| row.id).collect(),
        // A group is whole; what counts is the picture under the cursor.
        Screen::Alike => explorer.app.focused().into_iter().collect(),
        // Those of the labels that are on the map.
        Screen::Map => {
            let on_map = |id: &ImageId| screens.map.middles.iter().any(|at| shared.labels().of(*id) == Some(at.label));
            shared.index.iter().map(|entry| entry.id).filter(on_map).collect()
        }
        Screen::Groups => screens.groups.members().map(|member| member.0).collect(),
        Screen::Outliers => screens.outliers.ids.clone(),
        Screen::Labels => screens.labels.confused.clone(),
        Screen::Models => {
            let found = screens.models.found.as_ref().expect("both models are there");
            screens.models.disagreed.iter().map(|at| found.comparison.agreements[*at].id).collect()
        }
        Screen::Problems => shared.index.iter().map(|entry| entry.id).collect(),
    }
}

#[test]
fn a_filter_narrows_every_screen_in_its_place() {
    for screen in screens() {
        let mut explorer = on(screen);
        assert!(!listed(&explorer).is_empty(), "{screen:?} lists something");
        let all = listed(&explorer).len();
        explorer.keys("/ c a t s Enter");
        assert_eq!(explorer.app.screen, screen, "the filter leads nowhere else");
        let narrowed = listed(&explorer);
        let cats = narrowed.iter().filter(|id| path(&explorer, **id).starts_with("cats/")).count();
        assert_eq!(cats, narrowed.len(), "{screen:?}");
        assert!(cats > 0 || screen == Screen::Labels, "{screen:?} has cats to list");
        if let Some(id) = explorer.app.focused() {
            assert!(path(&explorer, id).starts_with("cats/"), "{screen:?}: the cursor is on a picture that is listed");
        }
        let frame = styled(&explorer.frame());
        assert!(frame.contains("filter “cats”"), "{screen:?} says that it is narrowed:\n{frame}");
        explorer.keys("/ Ctrl-u Enter");
        assert_eq!(listed(&explorer).len(), all, "{screen:?} shows all again");
    }
}

#[test]
fn where_the_filter_lets_nothing_through_there_is_nothing_on_any_screen() {
    for screen in screens() {
        let mut explorer = on(screen);
        explorer.keys("/ n o s u c h");
        let frame = styled(&explorer.frame());
        assert!(frame.contains("0 of 24") && frame.contains("No path contains “nosuch”"), "{screen:?}:\n{frame}");
        explorer.keys("Enter");
        assert_eq!(explorer.app.focused(), None, "{screen:?}");
        let frame = styled(&explorer.frame());
        assert!(!frame.contains(".jpg"), "{screen:?} shows nothing of what is filtered away:\n{frame}");
        explorer.keys("Space v y O B P");
        assert!(explorer.app.shared.marks.is_empty(), "{screen:?}");
        assert_eq!(explorer.app.over, [], "{screen:?}");
        assert_eq!(explorer.app.screen, screen);
        assert!(!explorer.state().contains('→'), "{screen:?}");
    }
}

#[test]
fn giving_a_filter_up_restores_what_was_on_every_screen() {
    for screen in screens() {
        let mut explorer = on(screen);
        explorer.keys("/ c a t s Enter Down");
        let (was, selected) = (listed(&explorer), explorer.app.shared.selected);
        explorer.keys("/ Backspace Backspace Backspace Backspace d o g Esc");
        assert_eq!(explorer.app.shared.filter.typed(), "cats", "{screen:?}");
        assert_eq!((listed(&explorer), explorer.app.shared.selected), (was, selected), "{screen:?}");
    }
}

#[test]
fn marks_and_ways_to_other_screens_are_the_same_on_every_screen() {
    for screen in screens() {
        let mut explorer = on(screen);
        explorer.keys("Down");
        let focused = explorer.app.focused().expect("a picture under the cursor");
        explorer.keys("Space");
        assert_eq!(explorer.app.shared.marks.iter().collect::<Vec<_>>(), [focused], "{screen:?}");
        explorer.keys("U");
        assert!(explorer.app.shared.unlike.contains(focused) && explorer.app.shared.marks.is_empty(), "{screen:?}");
        explorer.keys("Space F");
        let only: Vec<_> = explorer.app.screens.browse.list.ids.clone();
        assert_eq!(only, [focused], "{screen:?} is narrowed to the marked picture");
        explorer.keys("F N");
        assert!(explorer.state().contains("typing"), "{screen:?} asks for a name");
        explorer.keys("Esc O");
        assert!(explorer.state().contains("→ open /pictures/"), "{screen:?}");
        for (key, there) in [("B", Screen::Browse), ("P", Screen::Map), ("Q", Screen::Neighbors)] {
            explorer.keys(screen.key());
            explorer.keys(key);
            assert_eq!(explorer.app.screen, there, "{key} on {screen:?}");
        }
    }
}

#[test]
fn what_moves_pictures_away_has_its_keys_unless_they_mean_something_else() {
    for screen in screens().filter(|screen| *screen != Screen::Labels) {
        let mut explorer = on(screen);
        explorer.keys("Space d");
        assert!(explorer.state().contains("moving 1 away"), "{screen:?}");
        explorer.keys("Esc u");
        assert!(explorer.state().contains("Nothing was moved away"), "{screen:?}");
    }
    let labels = Context::Screen(Screen::Labels).keys();
    let of = |key: &str| labels.iter().filter(|binding| binding.keys.split(' ').any(|name| name == key)).count();
    assert_eq!([of("d"), of("u")], [1, 1], "there they give and take back labels");
}

#[test]
fn the_map_shows_a_group_whole_and_as_large_as_it_can_be() {
    for (screen, keys) in [(Screen::Groups, ""), (Screen::Alike, ""), (Screen::Outliers, "")] {
        let mut explorer = on(screen);
        explorer.keys("5");
        let whole = explorer.app.screens.map.view;
        explorer.keys(screen.key());
        explorer.keys(keys);
        let focused = explorer.app.focused();
        let together: Vec<ImageId> = match screen {
            Screen::Groups => explorer.app.screens.groups.members().map(|member| member.0).collect(),
            Screen::Alike => {
                let group = explorer.app.screens.alike.current().expect("a group");
                group.members.iter().map(|member| member.0).collect()
            }
            _ => focused.into_iter().collect(),
        };
        explorer.keys("P");
        let map = &explorer.app.screens.map;
        let (plot, shown) = (map.plot(explorer.app.shared.body()).expect("a map"), map.shown().expect("a map"));
        for id in &together {
            let point = shown.point(*id).expect("every picture has a place");
            assert!(plot.visible(point).is_some(), "{screen:?}: {id:?} is in view");
        }
        assert_eq!(explorer.app.shared.selected, focused);
        assert!(map.view.zoom >= whole.zoom);
        let by_group = explorer.app.shared.coloring == lookalike::app::shared::Coloring::Groups;
        assert_eq!(by_group, screen == Screen::Groups, "groups are seen by their colors");
    }
}

#[test]
fn neighbors_are_lines_rows_or_ever_larger_tiles() {
    let mut explorer = on(Screen::Neighbors);
    let columns = |explorer: &Explorer| explorer.ranks().columns();
    assert_eq!(columns(&explorer), 1);
    explorer.keys("-");
    assert_eq!((columns(&explorer), explorer.app.slots().len()), (1, 1), "lines have no pictures but the query's");
    explorer.keys("+ +");
    let sheet = columns(&explorer);
    assert!(sheet > 2, "a contact sheet has several side by side");
    explorer.keys("Down Right");
    assert_eq!(explorer.app.screens.neighbors.cursor, sheet + 1);
    let frame = styled(&explorer.frame());
    let row = explorer.app.screens.neighbors.rows[sheet + 1];
    assert!(frame.contains(&format!("{} · ", row.rank)), "each says its rank and value:\n{frame}");
    explorer.keys("+");
    assert!(columns(&explorer) < sheet, "larger ones are fewer");
    for _ in 0..20 {
        explorer.keys("+");
    }
    assert_eq!(columns(&explorer), 2, "as large as makes sense");
    explorer.keys("0");
    assert!(explorer.ranks().sheet.is_none(), "as it was");
}

#[test]
fn browse_is_sorted_by_size_and_backwards() {
    let mut explorer = on(Screen::Browse);
    let sizes = |explorer: &Explorer| {
        let index = &explorer.app.shared.index;
        let ids = explorer.app.screens.browse.list.ids.iter();
        ids.filter_map(|id| index.get(*id)).map(|entry| entry.size()).collect::<Vec<_>>()
    };
    explorer.keys("s s s s");
    assert!(explorer.state().contains("Sorted by size, largest file first."), "{}", explorer.state());
    let largest_first = sizes(&explorer);
    assert!(largest_first.is_sorted_by(|a, b| a >= b), "{largest_first:?}");
    explorer.keys("r");
    assert!(explorer.state().contains("smallest file first"));
    assert!(sizes(&explorer).is_sorted(), "from its end");
    assert!(styled(&explorer.frame()).contains("by size, backwards"));
    explorer.keys("s s");
    assert_eq!(explorer.app.screens.browse.list.order.kind().name(), "folder", "by likeness, and round again");
    assert!(explorer.app.screens.browse.list.order.is_reversed(), "another order goes backwards too");
    explorer.keys("r");
    assert!(!explorer.app.screens.browse.list.order.is_reversed());
}

#[test]
fn problems_stand_under_their_reasons_the_most_frequent_first() {
    let mut explorer = Explorer::started(setup(80, 24));
    explorer.model(false);
    let reasons = ["cut off", "no image", "cut off", "cut off", "no image", "HEIC is not supported"];
    let skipped = reasons.iter().enumerate().map(|(at, reason)| Skipped {
        path: format!("/pictures/broken/{at}.jpg").into(),
        kind: SkippedKind::Damaged,
        reason: (*reason).to_owned(),
    });
    explorer.indexed(Arc::new(collection(3)), skipped.collect());
    explorer.keys("!");
    let frame = styled(&explorer.frame());
    let lines = ["6 files skipped for 3 reasons", "3 cut off", "broken/0.jpg", "broken/2.jpg", "broken/3.jpg"];
    let lines = lines.into_iter().chain(["2 no image", "broken/1.jpg", "broken/4.jpg", "1 HEIC is not supported"]);
    let places: Vec<_> = lines.map(|line| frame.find(line).unwrap_or_else(|| panic!("{line}:\n{frame}"))).collect();
    assert!(places.is_sorted(), "in this order:\n{frame}");
    explorer.keys("G y");
    assert!(explorer.state().contains("→ copy /pictures/broken/5.jpg"));
    explorer.keys("/ 4 Enter y");
    assert!(explorer.state().contains("→ copy /pictures/broken/4.jpg"));
    assert!(styled(&explorer.frame()).contains("1 of 6 files"));
}

#[test]
fn a_list_that_is_being_sorted_says_how_it_stands_until_then() {
    let mut explorer = Explorer::ready(setup(80, 24), 400);
    explorer.hold();
    explorer.keys("s");
    let frame = styled(&explorer.frame());
    assert!(frame.contains("1 of 400 · by folder · sorting by similarity…"), "{frame}");
    let (id, job) = explorer.held_tasks(lookalike::task::Lane::Sort).pop().expect("a worker sorts them");
    explorer.done(id, job);
    let frame = styled(&explorer.frame());
    assert!(frame.contains(" of 400 · by similarity ─"), "{frame}");
}

#[test]
fn a_list_by_likeness_names_the_picture_by_which_it_stands() {
    let mut explorer = Explorer::ready(setup(120, 36), 24);
    explorer.keys("s s s s s");
    explorer.app.message = None;
    let sorted = styled(&explorer.frame());
    assert!(sorted.contains("by likeness to bird0.jpg") && !sorted.contains("sorting"), "{sorted}");
    let other = compare(&explorer.app.shared.index, &Query::Image(ImageId(5)));
    explorer.app.screens.browse.anchor = Some(Arc::new(other));
    let sorting = styled(&explorer.frame());
    assert!(sorting.contains("by likeness to bird0.jpg · sorting by likeness…"), "{sorting}");
}
