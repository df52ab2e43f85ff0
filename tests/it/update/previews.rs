//! Which pictures are asked for, and when.

use lookalike::{
    app::{Event, previews::Slot},
    preview::{Preview, PreviewKey},
    task::{Job, JobId, Outcome},
};

use crate::explorer::{Explorer, setup};

#[test]
fn pictures_are_asked_for_once_and_over_a_slow_line_only_at_rest() {
    let mut explorer = Explorer::ready(setup(80, 24), 200);
    explorer.hold();
    explorer.hurry("j j j j");
    let asked = |explorer: &mut Explorer| {
        let held = explorer.held.replace(Vec::new()).unwrap_or_default();
        held.into_iter().filter(|(_, job)| matches!(job, Job::Previews { .. })).count()
    };
    assert!(asked(&mut explorer) > 0);
    explorer.update(Event::Rest);
    assert_eq!(asked(&mut explorer), 0, "all of it is under way");
    let mut slow = Explorer::ready(lookalike::app::Setup { previews_on_rest: true, ..setup(80, 24) }, 200);
    slow.hold();
    slow.hurry("j j j j");
    assert_eq!(asked(&mut slow), 0);
    slow.update(Event::Rest);
    assert_eq!(asked(&mut slow), 1);
    slow.update(Event::Resume);
    assert_eq!(asked(&mut slow), 1, "after a suspension the terminal has forgotten them");
}

#[test]
fn beside_the_heatmap_pictures_wait_while_the_cursor_hurries() {
    for (on_rest, alone) in [(false, "own"), (true, "before")] {
        let setup = lookalike::app::Setup { previews_on_rest: on_rest, ..setup(120, 36) };
        let mut explorer = Explorer::ready(setup, 40);
        explorer.keys("2");
        explorer.update(Event::Rest);
        // What is drawn beside the table: the cursor's own picture, the one before, or an empty box.
        let drawn = |explorer: &Explorer| {
            let pair = [explorer.app.shared.selected, explorer.app.screens.heatmap.partner];
            [0, 1].map(|at| match explorer.app.beside()[at] {
                None => "box",
                own if own == pair[at] => "own",
                Some(_) => "before",
            })
        };
        assert_eq!(drawn(&explorer), ["own", "own"]);
        explorer.hurry("l");
        assert_eq!(drawn(&explorer), ["own", "before"], "a move alone erases nothing");
        for key in explorer.app.slots().iter().map(Slot::key).collect::<Vec<_>>() {
            explorer.tell(JobId(1), Outcome::Previewed(key, Preview::failed("no picture")));
        }
        assert_eq!(drawn(&explorer), ["own", alone], "what is ready comes at once, unless the line is slow");
        explorer.hurry("l");
        assert_eq!(drawn(&explorer), ["own", "box"], "the row's picture stays");
        explorer.hurry("h h");
        assert_eq!(drawn(&explorer), ["own", "box"], "what was left is not sent again on the way back");
        explorer.update(Event::Rest);
        assert_eq!(drawn(&explorer), ["own", "own"]);
        explorer.hurry("1");
        explorer.hurry("2");
        assert_eq!(drawn(&explorer), ["box", "box"], "no other screen leaves a picture behind");
    }
}

#[test]
fn over_a_slow_line_the_pictures_beside_the_heatmap_are_asked_for_before_the_cursor_rests() {
    let mut explorer = Explorer::ready(lookalike::app::Setup { previews_on_rest: true, ..setup(120, 36) }, 40);
    explorer.keys("2");
    explorer.update(Event::Rest);
    explorer.hold();
    let asked = |explorer: &Explorer| {
        explorer.held.iter().flatten().filter(|(_, job)| matches!(job, Job::Previews { .. })).count()
    };
    explorer.hurry("l");
    assert_eq!(asked(&explorer), 1);
    explorer.hurry("l l l");
    assert_eq!(asked(&explorer), 1, "in a hurry nothing is asked for");
}

#[test]
fn a_ready_picture_is_not_asked_for_again() {
    let mut explorer = Explorer::ready(setup(80, 24), 9);
    let keys: Vec<PreviewKey> = explorer.app.slots().iter().map(Slot::key).collect();
    assert!(keys.len() >= 6);
    for key in &keys {
        explorer.tell(JobId(1), Outcome::Previewed(key.clone(), Preview::failed("no picture")));
    }
    explorer.hold();
    explorer.update(Event::Rest);
    let asked = |explorer: &Explorer| {
        explorer.held.iter().flatten().filter(|(_, job)| matches!(job, Job::Previews { .. })).count()
    };
    assert_eq!(asked(&explorer), 0, "all of it is there");
    explorer.update(Event::Resize(100, 30));
    let fresh: Vec<_> = explorer.held.iter().flatten().collect();
    let [(_, Job::Previews { wanted, .. })] = fresh[..] else { panic!("pictures of another size: {fresh:?}") };
    assert!(!wanted.is_empty() && wanted.iter().all(|key| !keys.contains(key)));
}
