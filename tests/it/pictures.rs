//! What can be done with pictures on every screen that lists some: the filter, marks, and the ways to other screens.

use crate::explorer::{Explorer, setup, styled};
use lookalike::{
    app::{action::Screen, keymap::Context},
    index::ImageId,
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
