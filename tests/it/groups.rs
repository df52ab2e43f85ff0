//! The Groups and Outliers screens: keys in, state and effects out.

use std::sync::Arc;

use crate::explorer::{Explorer, collection, segment, setup, styled};
use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use lookalike::{
    analysis::{
        clusters::{GroupName, Method},
        outliers::Measure,
    },
    app::{Event, action::Screen, screens::outliers::Listed, shared::Coloring},
    index::{ImageId, progress::Report},
    order::OrderKind,
    task::{Job, Known, Lane, Task},
};

fn explorer(keys: &str) -> Explorer {
    let mut explorer = Explorer::ready(setup(120, 36), 24);
    explorer.keys(keys);
    explorer
}

fn click(explorer: &mut Explorer, (column, row): (u16, u16)) {
    let kind = MouseEventKind::Down(MouseButton::Left);
    explorer.update(Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
}

#[test]
fn the_cursor_goes_through_groups_and_their_pictures() {
    let mut explorer = explorer("l 6");
    let sizes = |explorer: &Explorer| -> Vec<usize> {
        explorer.app.screens.groups.clusters().iter().map(|cluster| cluster.members.len()).collect()
    };
    assert_eq!(sizes(&explorer), [8, 8, 8]);
    // Arriving, the cursor is on the picture that was selected elsewhere.
    let selected = explorer.app.shared.selected.expect("one is selected");
    assert_eq!(explorer.app.focused(), Some(selected));
    explorer.keys("Home");
    let first = explorer.app.screens.groups.clusters()[0].medoid();
    explorer.keys("End Home");
    assert_eq!(explorer.app.focused(), Some(first));
    explorer.key("Down");
    assert_eq!(explorer.app.focused(), Some(explorer.app.screens.groups.clusters()[1].medoid()));
    explorer.keys("Right Right");
    assert_eq!(explorer.app.focused(), Some(explorer.app.screens.groups.clusters()[1].members[2].0));
    let places = explorer.app.screens.groups.places(explorer.app.shared.body());
    let row = places.row(2);
    click(&mut explorer, (row.x + 3, row.y));
    assert_eq!(explorer.app.screens.groups.group, 2);
    let tile = explorer.app.screens.groups.places(explorer.app.shared.body()).sheet.tile(3);
    click(&mut explorer, (tile.x + 2, tile.y + 2));
    assert_eq!((explorer.app.screens.groups.group, explorer.app.screens.groups.member), (2, 3));
    click(&mut explorer, (tile.x + 2, tile.y + 2));
    assert_eq!(explorer.app.screen, Screen::Neighbors, "a second click opens");
    // The large view goes through the pictures of the group.
    explorer.keys("6 Home v Right");
    assert_eq!(explorer.app.focused(), Some(explorer.app.screens.groups.clusters()[0].members[1].0));
}

#[test]
fn methods_and_numbers_of_groups_are_changed_by_keys() {
    let mut explorer = explorer("6");
    let found = |explorer: &Explorer| {
        let (_, found) = explorer.app.screens.groups.found.clone().expect("found");
        (found.method, found.clusters.len())
    };
    assert_eq!(found(&explorer), (Method::KMeans(Some(3)), 3));
    explorer.keys("+ +");
    assert_eq!(found(&explorer).1, 5);
    explorer.keys("- - - - - -");
    assert_eq!(found(&explorer).1, 1);
    assert!(explorer.state().contains("All pictures are in one group."), "{}", explorer.state());
    explorer.key("0");
    assert_eq!(found(&explorer).1, 3);
    explorer.key("o");
    assert!(matches!(found(&explorer), (Method::Hdbscan(density), 3) if density.min_size == 5));
    explorer.keys("- - - -");
    assert_eq!(explorer.app.screens.groups.clusters().len(), 0, "no group has nine");
    assert_eq!(explorer.app.screens.groups.noise().len(), 24);
    assert_eq!(explorer.app.focused().is_some(), explorer.app.screens.groups.len() == 1, "the noise is a line");
    explorer.keys("0 o");
    assert!(matches!(found(&explorer), (Method::Dendrogram(_), 3)));
    explorer.key("o");
    assert!(matches!(found(&explorer), (Method::KMeans(_), 3)));
}

#[test]
fn a_name_stays_while_its_group_does_and_is_kept() {
    let mut explorer = explorer("6 Home Down r");
    assert!(explorer.state().contains("typing \"\""), "{}", explorer.state());
    explorer.keys("f u r Enter");
    assert_eq!(explorer.app.screens.groups.name(1), "fur");
    assert!(explorer.effects.contains(&"name fur (8)".to_owned()), "{:?}", explorer.effects);
    let medoid = explorer.app.screens.groups.clusters()[1].medoid();
    // By another method the same pictures are a group.
    explorer.keys("o o");
    let named: Vec<_> = (0..3).filter(|at| explorer.app.screens.groups.given_name(*at) == Some("fur")).collect();
    assert_eq!(named.len(), 1);
    assert!(explorer.app.screens.groups.clusters()[named[0]].members.iter().any(|member| member.0 == medoid));
    assert_eq!(explorer.app.screens.groups.labels.as_ref().and_then(|labels| labels.of(medoid)), Some(named[0]));
    // Typed again it is changed; emptied it goes; Esc leaves it.
    explorer.keys("o Home Down r Backspace Backspace Backspace n u t Enter");
    assert_eq!(explorer.app.screens.groups.name(1), "nut");
    explorer.keys("r x Esc");
    assert_eq!(explorer.app.screens.groups.name(1), "nut");
    explorer.keys("r Ctrl-u Enter");
    assert_eq!(explorer.app.screens.groups.given_name(1), None);
    assert!(explorer.app.screens.groups.name(1).starts_with("2 "), "{}", explorer.app.screens.groups.name(1));
    assert_eq!(explorer.effects.last().map(String::as_str), Some("name "));
}

#[test]
fn a_name_stays_as_it_was_given_while_groups_are_made() {
    let mut explorer = Explorer::started(setup(120, 36));
    explorer.model(false);
    let mut index = collection(24);
    explorer.report(Report::Snapshot(Arc::new(index.clone())));
    explorer.keys("6 Home Down r f u r Enter");
    let before: Arc<[_]> = [GroupName::new("fur".to_owned(), &explorer.app.screens.groups.clusters()[1])].into();
    // Whoever makes groups has the names of when they were begun.
    let finish = |explorer: &mut Explorer| {
        let (id, job) = explorer.held_tasks(Lane::Groups).pop().expect("groups are made");
        let Job::Make { index, task: Task::Groups(method, _) } = job else { panic!("groups") };
        let known = Known { names: Arc::clone(&before), ..Known::default() };
        explorer.done(id, Job::Make { index, task: Task::Groups(method, known) });
    };
    let given = |explorer: &Explorer| {
        let groups = &explorer.app.screens.groups;
        (0..groups.clusters().len()).filter_map(|at| groups.given_name(at).map(str::to_owned)).collect::<Vec<_>>()
    };
    explorer.hold();
    explorer.keys("o r Ctrl-u n u t Enter");
    finish(&mut explorer);
    assert_eq!(given(&explorer), ["nut"]);
    // Taken away it stays away, also when all groups have gone and come back.
    explorer.keys("r Ctrl-u Enter");
    assert!(given(&explorer).is_empty());
    (1..24).for_each(|id| index.remove(ImageId(id)));
    explorer.report(Report::Snapshot(Arc::new(index.clone())));
    assert!(explorer.app.screens.groups.found.is_none(), "one picture is no group");
    (1..24).for_each(|id| index.restore(ImageId(id)));
    explorer.report(Report::Snapshot(Arc::new(index)));
    finish(&mut explorer);
    assert!(!explorer.app.screens.groups.clusters().is_empty() && given(&explorer).is_empty());
}

#[test]
fn all_pictures_of_a_group_are_marked_and_unmarked_at_once() {
    let mut explorer = explorer("6 Home Right Space A");
    assert_eq!(explorer.app.shared.marks.len(), 8);
    let order: Vec<_> = explorer.app.shared.marks.iter().collect();
    assert_eq!(order[0], explorer.app.screens.groups.clusters()[0].members[1].0, "what was marked stays first");
    explorer.keys("Down A Up A");
    assert_eq!(explorer.app.shared.marks.len(), 8, "the second group is marked, the first is not");
    assert!(explorer.state().contains("8 pictures unmarked of 1 "), "{}", explorer.state());
}

#[test]
fn a_group_is_marked_without_the_pictures_of_protected_folders() {
    let protected = vec![format!("{}/birds", crate::explorer::ROOT).into()];
    let mut explorer = Explorer::ready(lookalike::app::Setup { protected, ..setup(120, 36) }, 24);
    explorer.keys("6 A");
    let shared = &explorer.app.shared;
    let members = explorer.app.screens.groups.clusters()[0].members.clone();
    let may_go = |id: ImageId| !shared.is_protected(id);
    assert!(members.iter().any(|member| !may_go(member.0)), "some of the group are protected");
    for (id, _) in members {
        assert_eq!(shared.marks.contains(id), may_go(id), "{:?}", shared.path(id));
    }
}

#[test]
fn the_heatmap_names_its_groups_by_the_labels_that_color_it() {
    let mut explorer = explorer("6 2");
    let shown = |explorer: &Explorer| {
        let heat = &explorer.app.screens.heatmap;
        let row = heat.groups.first().expect("rows under a name").rows.start;
        let label = heat.at(row).and_then(|id| explorer.app.shared.labels().of(id));
        (heat.groups[0].folder, label)
    };
    for _ in 0..3 {
        let (named, label) = shown(&explorer);
        assert_eq!(named, label);
        explorer.keys("C");
    }
}

#[test]
fn c_colors_by_whatever_labels_there_are_in_turn() {
    let mut explorer = explorer("7 8 5");
    let named = |explorer: &Explorer| {
        let labels = explorer.app.shared.labels();
        let ids = explorer.app.shared.index.iter().map(|entry| entry.id);
        let mut names: Vec<_> = ids.filter_map(|id| labels.of(id)).map(|label| labels.name(label).to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        (explorer.app.shared.coloring, names)
    };
    explorer.keys("C");
    let (coloring, names) = named(&explorer);
    assert_eq!(coloring, Coloring::Outliers, "no groups were asked for");
    assert!(
        names.contains(&"ordinary".to_owned()) && names.iter().all(|name| ["ordinary", "outlier"].contains(&&**name))
    );
    assert!(styled(&explorer.frame()).contains("ordinary"), "the map has its name");
    explorer.keys("C");
    let (coloring, names) = named(&explorer);
    assert_eq!((coloring, names.len()), (Coloring::Predictions, 3), "{names:?}");
    explorer.keys("2");
    let first = explorer.app.screens.heatmap.groups.first().map(|group| group.folder);
    assert!(first.is_some(), "the heatmap's groups are named by it");
    explorer.keys("C");
    assert_eq!(named(&explorer).0, Coloring::Folders);
    explorer.keys("6 C");
    assert_eq!(named(&explorer).0, Coloring::Groups);
}

#[test]
fn groups_color_and_order_the_heatmap_and_one_key_goes_back() {
    let mut explorer = explorer("2 C");
    assert!(explorer.state().contains("There is nothing else to color by yet"), "{}", explorer.state());
    assert_eq!(explorer.app.shared.coloring, Coloring::Folders);
    explorer.keys("o o o o o o");
    assert_eq!(explorer.app.screens.heatmap.kind, OrderKind::Folder, "without groups there is no order by them");
    explorer.keys("6 Home + + H");
    assert_eq!((explorer.app.screen, explorer.app.screens.heatmap.kind), (Screen::Heatmap, OrderKind::Group));
    assert_eq!(explorer.app.shared.coloring, Coloring::Groups);
    let labels = explorer.app.shared.made_labels.groups.clone().expect("there are groups");
    let order = |explorer: &Explorer| -> Vec<_> {
        (0..24).filter_map(|at| explorer.app.screens.heatmap.at(at)).map(|id| labels.of(id)).collect()
    };
    assert!(order(&explorer).is_sorted(), "{:?}", order(&explorer));
    // Other groups, another order.
    explorer.keys("6 0 2");
    let labels = explorer.app.shared.made_labels.groups.clone().expect("there are groups");
    let numbers: Vec<_> =
        (0..24).filter_map(|at| explorer.app.screens.heatmap.at(at)).map(|id| labels.of(id)).collect();
    assert!(numbers.is_sorted() && numbers.last() == Some(&Some(2)), "{numbers:?}");
    explorer.keys("C");
    assert_eq!(explorer.app.shared.coloring, Coloring::Folders);
    explorer.keys("1 s s s s s s");
    assert_eq!(explorer.app.screens.browse.kind, OrderKind::Group);
    assert_eq!(explorer.app.screens.browse.list.ids.len(), 24);
}

#[test]
fn groups_that_are_on_their_way_say_so_and_arrive_on_any_screen() {
    let mut explorer = Explorer::ready(setup(120, 36), 24);
    explorer.hold();
    explorer.key("6");
    assert!(explorer.app.screens.groups.found.is_none());
    let waiting = explorer.held_tasks(Lane::Groups);
    explorer.hold();
    explorer.key("2");
    for (id, job) in waiting {
        explorer.done(id, job);
    }
    assert_eq!(explorer.app.shared.made_labels.groups.as_ref().map(|labels| labels.len()), Some(3));
}

#[test]
fn new_pictures_are_grouped_and_names_of_another_run_are_forgotten() {
    let mut explorer = Explorer::started(setup(120, 36));
    let mut index = collection(24);
    explorer.report(Report::Snapshot(Arc::new(index.clone())));
    explorer.keys("6 Home r f u r Enter");
    index.push(segment(24..30));
    explorer.report(Report::Snapshot(Arc::new(index)));
    let total = |explorer: &Explorer| -> usize {
        explorer.app.screens.groups.clusters().iter().map(|cluster| cluster.members.len()).sum()
    };
    assert_eq!(total(&explorer), 30);
    assert!((0..3).any(|at| explorer.app.screens.groups.given_name(at) == Some("fur")), "ten are known by eight");
    explorer.report(Report::Snapshot(Arc::new(collection(24))));
    assert!((0..3).all(|at| explorer.app.screens.groups.given_name(at).is_none()), "ids mean other pictures now");
}

#[test]
fn outliers_are_listed_over_all_within_folders_and_in_the_wrong_folder() {
    let mut explorer = explorer("7");
    assert_eq!(explorer.app.screens.outliers.ids.len(), 24);
    let first = explorer.app.screens.outliers.ids[0];
    assert_eq!(explorer.app.focused(), Some(first));
    explorer.key("Right");
    assert_eq!(explorer.app.shared.selected, Some(explorer.app.screens.outliers.ids[1]));
    explorer.key("s");
    assert_eq!(explorer.app.screens.outliers.measure, Measure::Factor);
    let scores: Vec<_> =
        explorer.app.screens.outliers.ids.iter().map(|id| explorer.app.screens.outliers.outlier(*id)).collect();
    assert!(scores.iter().flatten().is_sorted_by(|a, b| a.deviation >= b.deviation));
    explorer.key("o");
    assert_eq!(explorer.app.screens.outliers.listed, Listed::Folder);
    assert_eq!(explorer.app.screens.outliers.ids.len(), 24);
    explorer.key("o");
    assert_eq!((explorer.app.screens.outliers.listed, explorer.app.screens.outliers.ids.len()), (Listed::Misplaced, 0));
    explorer.keys("A o");
    assert!(explorer.app.shared.marks.is_empty());
    assert_eq!(explorer.app.screens.outliers.listed, Listed::All);
    explorer.keys("Enter");
    assert_eq!(explorer.app.screen, Screen::Neighbors);
    // One picture, or none, has nothing to stand out from.
    for len in [0, 1, 2, 3] {
        let mut explorer = Explorer::ready(setup(80, 24), len);
        explorer.keys("7 o o o s A Right v Esc 6 o + - r Esc A H");
        assert_eq!(explorer.app.screens.outliers.ids.len(), if len < 2 { 0 } else { len });
        assert!(explorer.app.focused().is_none_or(|id| id < ImageId(len as u32)));
    }
}
