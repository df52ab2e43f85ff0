//! Look-alikes and copies: walked, marked, moved away and brought back.

use std::sync::Arc;

use lookalike::{
    analysis::{
        alignment::{Alignment, SIDE, Thumbnail, Turn},
        copies::{Content, Copies},
    },
    app::action::Screen,
    index::ImageId,
    task::{Lane, Made, Outcome},
};

use crate::explorer::{Explorer, setup, styled};

#[test]
fn look_alikes_are_walked_compared_and_narrowed() {
    let mut explorer = Explorer::ready(setup(120, 36), 24);
    explorer.keys("4 -");
    let sizes = |explorer: &Explorer| -> Vec<usize> {
        explorer.app.screens.alike.groups().map(|group| group.members.len()).collect()
    };
    let cohesion = |explorer: &Explorer| {
        let groups = explorer.app.screens.alike.groups();
        groups.map(lookalike::analysis::alike::Group::cohesion).fold(1.0, f32::min)
    };
    let (strict, pictures) = (cohesion(&explorer), sizes(&explorer).iter().sum::<usize>());
    assert!(strict >= 0.98 - 1e-6, "{strict}");
    explorer.keys("- - - - - - - -");
    assert!(cohesion(&explorer) < strict, "a lower end shows less alike ones, at once");
    assert!(sizes(&explorer).iter().sum::<usize>() > pictures);
    let best = |explorer: &Explorer| explorer.app.screens.alike.groups().next().expect("a group").best();
    let before = best(&explorer);
    explorer.keys("< < <");
    assert!(best(&explorer) <= 0.97 && best(&explorer) < before, "an upper end leaves the most alike out");
    explorer.keys("0 j l");
    let alike = &explorer.app.screens.alike;
    assert_eq!((alike.group, alike.member), (1, 1));
    let members = &alike.current().expect("a group").members;
    let [center, other] = [members[0].0, members[1].0];
    assert_eq!(explorer.app.shared.selected, Some(other), "the selection follows the cursor");
    let names = [Some(other), Some(center)].map(|id| explorer.name(id));
    explorer.keys("Enter");
    assert!(explorer.state().contains(&format!("pair {} {}", names[0], names[1])), "two of a group, side by side");
    explorer.keys("Esc n");
    assert_eq!(explorer.app.screen, Screen::Neighbors);
    assert_eq!(explorer.app.shared.selected, Some(other));
}

#[test]
fn comparing_all_with_all_does_not_begin_anew_when_an_end_is_moved() {
    let mut explorer = Explorer::ready(setup(80, 24), 24);
    explorer.hold();
    explorer.key("4");
    let (id, job) = explorer.held_tasks(Lane::Alike).pop().expect("all with all");
    explorer.keys("- -");
    assert!(explorer.held_tasks(Lane::Alike).is_empty(), "it is under way");
    explorer.tell(id, Outcome::Making(Made::Progress(0.25)));
    let shown = styled(&explorer.frame());
    assert!(shown.contains("25 % done"), "{shown}");
    explorer.done(id, job);
    let (id, job) = explorer.held_tasks(Lane::Alike).pop().expect("the range that is wanted by now");
    explorer.done(id, job);
    let found = explorer.app.screens.alike.found.as_ref().expect("look-alikes");
    assert_eq!(found.range, explorer.app.screens.alike.range(&explorer.app.shared));
    assert!(explorer.held_tasks(Lane::Alike).is_empty());
}

/// An explorer whose first two pictures, and the two after them, are copies of one another.
fn with_copies(setup: lookalike::app::Setup) -> Explorer {
    let mut explorer = Explorer::ready(setup, 24);
    let index = explorer.app.shared.index.clone();
    let hash = |id: u32| [if id < 2 { 0 } else { id as u8 }; 32];
    let blank = || Thumbnail::new(vec![0; SIDE * SIDE]).expect("as many as it has");
    let content = |id: u32| (ImageId(id), Content { hash: hash(id), thumbnail: blank() });
    let mirrored = Alignment { turn: Turn { quarters: 0, mirrored: true }, part: false, agreement: 0.9 };
    let alignments = [([ImageId(4), ImageId(8)], mirrored)].into();
    let protected = |entry: &lookalike::index::Entry<'_>| {
        explorer.app.shared.protected.iter().any(|folder| entry.path().starts_with(folder))
    };
    let copies = Copies::find(&index, &(0..24).map(content).collect(), &alignments, &protected);
    explorer.copies = Some(Arc::new(copies));
    explorer
}

#[test]
fn copies_that_the_filter_hides_are_not_marked() {
    let mut explorer = with_copies(setup(120, 36));
    explorer.keys("4 / 8 . j p g Enter A");
    assert_eq!(explorer.app.shared.marks.len(), 1, "of the groups that are listed");
    explorer.keys("/ Backspace Backspace Backspace Backspace Backspace Enter A");
    assert_eq!(explorer.app.shared.marks.len(), 2);
}

#[test]
fn copies_are_marked_listed_moved_away_and_brought_back() {
    let mut explorer = with_copies(setup(120, 36));
    explorer.keys("4");
    let kinds: Vec<_> = explorer.app.screens.alike.groups().map(|group| group.reason().is_some()).collect();
    assert_eq!(kinds[..2], [true, true], "copies come first");
    explorer.keys("a");
    assert_eq!(explorer.app.shared.marks.len(), 1, "all but the one to keep");
    let kept = explorer.app.screens.alike.current().expect("a group").center();
    assert!(!explorer.app.shared.marks.contains(kept));
    explorer.keys("a");
    assert!(explorer.app.shared.marks.is_empty(), "once more unmarks them");
    explorer.keys("A");
    assert_eq!(explorer.app.shared.marks.len(), 2, "of all groups");
    explorer.keys("d Esc");
    assert_eq!((explorer.app.shared.index.len(), explorer.app.over.len()), (24, 0), "Esc leaves all as it is");
    explorer.state();
    explorer.keys("d Enter");
    let state = explorer.state();
    assert!(state.contains("→ move 2 to Trash") && state.contains("2 pictures moved away"), "{state}");
    assert_eq!((explorer.app.shared.index.len(), explorer.app.shared.marks.len()), (22, 0));
    explorer.keys("u");
    assert!(explorer.state().contains("2 pictures brought back"));
    assert_eq!(explorer.app.shared.index.len(), 24);
    explorer.keys("u");
    assert!(explorer.state().contains("Nothing was moved away since you began"));
    explorer.keys("A d f a w a y Enter");
    assert!(explorer.state().contains("→ move 2 to Folder(\"away\")"));
}

#[test]
fn nothing_is_moved_away_while_pictures_still_come_or_when_nothing_is_marked() {
    let mut explorer = Explorer::indexing(setup(80, 24), 5, 120);
    explorer.keys("Space d");
    assert!(explorer.app.over.is_empty() && explorer.state().contains("when the indexing is done"));
    let mut explorer = Explorer::ready(setup(80, 24), 6);
    explorer.keys("d");
    assert!(explorer.app.over.is_empty() && explorer.state().contains("Nothing is marked yet"));
}

#[test]
fn pictures_of_protected_folders_are_never_marked() {
    let protected = vec![format!("{}/birds", crate::explorer::ROOT).into()];
    let mut explorer = with_copies(lookalike::app::Setup { protected, ..setup(80, 24) });
    explorer.keys("4 A");
    for id in explorer.app.shared.marks.iter() {
        assert!(!explorer.name(Some(id)).starts_with("birds/"));
    }
    explorer.keys("M 1 Home Space");
    assert!(explorer.state().contains("protected folder") && explorer.app.shared.marks.is_empty());
}

#[test]
fn what_was_moved_away_in_turn_comes_back_in_turn() {
    let mut explorer = Explorer::ready(setup(120, 36), 24);
    explorer.keys("Space d Enter");
    assert!(explorer.state().contains("1 picture moved away; u brings it back."));
    let first = explorer.app.shared.index.clone();
    explorer.keys("G Space Left Space d Enter");
    assert!(explorer.state().contains("2 pictures moved away; u brings them back."));
    assert_eq!(explorer.app.shared.index.len(), 21);
    explorer.keys("u");
    let ids = |index: &lookalike::index::Index| index.iter().map(|entry| entry.id).collect::<Vec<_>>();
    assert_eq!(ids(&explorer.app.shared.index), ids(&first), "these two, and not the first");
}

#[test]
fn the_list_of_what_is_to_go_says_the_key_that_undoes_it_where_it_was_opened() {
    let mut explorer = Explorer::ready(setup(120, 36), 24);
    // On Labels the key undoes corrections; over a picture that is shown large it does not.
    explorer.keys("Space 8 v d");
    let frame = crate::explorer::styled(&explorer.frame());
    assert!(frame.contains("u undoes it."), "{frame}");
}
