//! The pictures beside the heatmap: over a network each rest of the cursor sends two, in as few bytes as it can.

use crate::explorer::{Explorer, setup};
use lookalike::{
    app::Setup,
    preview::Preview,
    task::{JobId, Lane, Outcome},
};

/// Hands in the pictures that the screen shows.
fn painted(explorer: &mut Explorer) {
    for slot in explorer.app.slots() {
        explorer.tell(JobId(1), Outcome::Previewed(slot.key(), Preview::failed("a picture")));
    }
}

#[test]
fn over_a_network_they_are_small_and_may_be_coarse() {
    for (width, height) in [(80, 24), (120, 36), (200, 50), (60, 60)] {
        for len in [9, 37, 300] {
            let sizes = [false, true].map(|is_remote| {
                let mut explorer = Explorer::ready(Setup { is_remote, ..setup(width, height) }, len);
                explorer.keys("2");
                let slots = explorer.app.slots();
                assert!(slots.iter().all(|slot| slot.fleeting), "the next key may take them away");
                slots.iter().map(|slot| slot.area.cells()).collect::<Vec<_>>()
            });
            assert_eq!(sizes[0].len(), sizes[1].len(), "as many as on this machine");
            assert!(sizes[1].iter().all(|size| size.0 <= 12 && size.1 <= 6), "{width}×{height}, {len}: {sizes:?}");
        }
    }
}

#[test]
fn those_of_the_last_block_stay_until_it_is_known_which_the_next_one_shows() {
    let mut explorer = Explorer::ready(setup(120, 36), 300);
    explorer.keys("2");
    painted(&mut explorer);
    explorer.keys("Down");
    painted(&mut explorer);
    explorer.keys("Right");
    let shown = explorer.app.beside();
    assert!(shown.iter().all(Option::is_some), "the best pair of the block: {shown:?}");
    explorer.hold();
    explorer.keys("Down");
    assert_eq!(explorer.app.beside(), shown, "the best pair is still being looked for");
    let (id, job) = explorer.held_tasks(Lane::Block).pop().expect("a block to look into");
    explorer.held = None;
    explorer.done(id, job);
    assert_eq!(explorer.app.beside()[0], shown[0], "its picture is still being made");
    painted(&mut explorer);
    let now = explorer.app.beside();
    assert!(now != shown && now.iter().all(Option::is_some), "then they are those of the new one: {now:?}");
}
