//! Pictures that come, go and come back while the explorer shows them.

use std::sync::Arc;

use lookalike::index::{ImageId, Index, progress::Report};

use crate::explorer::{Explorer, collection, segment, setup};

#[test]
fn a_growing_index_is_browsed_in_order_and_the_selection_stays() {
    let mut explorer = Explorer::started(setup(80, 24));
    let mut index = Index::new(8);
    let mut grow = |explorer: &mut Explorer, numbers: std::ops::Range<usize>| {
        index.push(segment(numbers));
        explorer.report(Report::Snapshot(Arc::new(index.clone())));
    };
    grow(&mut explorer, 1..2);
    assert_eq!(explorer.name(explorer.app.shared.selected), "cats/cat1.jpg");
    grow(&mut explorer, 2..40);
    assert_eq!(
        explorer.name(explorer.app.shared.selected),
        "birds/bird3.jpg",
        "it follows the first until it is moved"
    );
    explorer.keys("l l");
    let selected = explorer.app.shared.selected;
    for part in [40..44, 44..45, 0..1, 45..90] {
        grow(&mut explorer, part);
        assert_eq!(explorer.app.shared.selected, selected);
    }
    let mut whole = Index::new(8);
    whole.push(segment(0..90));
    let mut expected = Explorer::started(setup(80, 24));
    expected.report(Report::Snapshot(Arc::new(whole)));
    let names = |explorer: &Explorer| -> Vec<String> {
        explorer.app.screens.browse.list.ids.iter().map(|id| explorer.name(Some(*id))).collect()
    };
    assert_eq!(names(&explorer), names(&expected), "merging must give what sorting gives");
    let comparison = explorer.app.shared.current_comparison().expect("a comparison of the newest snapshot");
    assert_eq!(comparison.len(), 90);
}

#[test]
fn removed_pictures_leave_every_list() {
    let mut explorer = Explorer::ready(setup(80, 24), 9);
    explorer.keys("2 3 l Space 1");
    let gone = explorer.app.shared.selected.expect("a selection");
    explorer.key("Space");
    let mut index = (*explorer.app.shared.index).clone();
    index.remove(gone);
    let mut again = Explorer::ready(setup(80, 24), 9);
    again.keys("Space 2");
    again.report(Report::Snapshot(Arc::new(index.clone())));
    // A finished run sends nothing more, so that snapshot is not awaited.
    assert_eq!(again.app.shared.index.len(), 9);
    let mut again = Explorer::started(setup(80, 24));
    again.report(Report::Snapshot(Arc::new(collection(9))));
    again.keys("Space 2 v");
    again.indexed(Arc::new(index), Vec::new());
    assert!(again.app.marked_paths().is_empty());
    assert_ne!(again.app.shared.selected, Some(gone));
    assert!(!again.app.screens.browse.list.ids.contains(&gone));
    assert_eq!(again.app.screens.heatmap.len(), 8);
}

/// Nine pictures of which those of `gone` are dead from the start, as after a start without their disk.
fn without(gone: &[u32]) -> Index {
    let mut index = Index::new(8);
    let mut all = Arc::into_inner(segment(0..9)).expect("nobody else has it");
    all.dead = gone.to_vec();
    index.push(Arc::new(all));
    index
}

#[test]
fn pictures_that_come_back_are_in_every_list() {
    let mut index = without(&[1, 4, 7]);
    let mut explorer = Explorer::started(setup(80, 24));
    explorer.report(Report::Snapshot(Arc::new(index.clone())));
    explorer.keys("2 1");
    assert_eq!(explorer.app.screens.browse.list.ids.len(), 6);
    [1, 4, 7].into_iter().for_each(|id| index.restore(ImageId(id)));
    explorer.indexed(Arc::new(index), Vec::new());
    explorer.key("2");
    assert_eq!(explorer.app.screens.browse.list.ids.len(), 9);
    assert_eq!(explorer.app.screens.heatmap.len(), 9);
    let comparison = explorer.app.shared.current_comparison().expect("the selection is compared");
    assert_eq!(comparison.candidates(), 8);
    let names: Vec<_> = (0..9)
        .map(|id| explorer.app.shared.labels().of(ImageId(id)).map(|group| explorer.app.shared.labels().name(group)))
        .collect();
    let expected = ["birds", "cats", "dogs"].map(Some).repeat(3);
    assert_eq!(names, expected, "a picture that comes back belongs to its folder");
}

#[test]
fn as_many_back_as_gone_leaves_no_dead_row_anywhere() {
    let mut index = without(&[1, 4, 7]);
    let mut explorer = Explorer::started(setup(80, 24));
    explorer.report(Report::Snapshot(Arc::new(index.clone())));
    explorer.keys("2 3 1");
    for (gone, back) in [(2, 1), (5, 4), (8, 7)] {
        index.remove(ImageId(gone));
        index.restore(ImageId(back));
    }
    let live: Vec<_> = index.iter().map(|entry| entry.id).collect();
    explorer.indexed(Arc::new(index), Vec::new());
    explorer.keys("2 3 1");
    let mut listed = explorer.app.screens.browse.list.ids.clone();
    listed.sort();
    assert_eq!(listed, live);
    let mut ordered: Vec<_> =
        (0..explorer.app.screens.heatmap.len()).filter_map(|at| explorer.app.screens.heatmap.at(at)).collect();
    ordered.sort();
    assert_eq!(ordered, live);
    let ranked: Vec<_> = explorer.app.screens.neighbors.rows.iter().map(|row| row.id).collect();
    assert_eq!(ranked.len(), live.len() - 1);
    assert!(ranked.iter().all(|id| live.contains(id)), "a picture that is gone is nobody's neighbor");
    // Five kinds of order, none of which may meet what is gone.
    explorer.keys("s s s s s");
}

#[test]
fn another_run_with_as_many_pictures_is_not_taken_for_a_later_state() {
    let mut explorer = Explorer::started(setup(80, 24));
    explorer.report(Report::Snapshot(Arc::new(collection(9))));
    explorer.keys("l l Space 2");
    explorer.report(Report::Snapshot(Arc::new(collection(12))));
    assert!(explorer.app.shared.marks.is_empty(), "ids of another run mean other pictures");
    assert_eq!(explorer.app.screens.browse.list.ids.len(), 12);
    assert_eq!(explorer.app.screens.heatmap.len(), 12);
}
