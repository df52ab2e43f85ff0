//! The heatmap: its cell cursor, its zoom, and the pair under the cursor.

use std::sync::Arc;

use lookalike::{
    index::{ImageId, Index, progress::Report},
    similarity::{self, Metric},
};

use super::check;
use crate::explorer::{Explorer, segment, setup, styled};

#[test]
fn the_cell_cursor_moves_both_ways_and_enter_shows_the_pair() {
    check("2 Right Enter", &["Heatmap cosine birds/bird0.jpg", "pair birds/bird0.jpg birds/bird6.jpg"]);
    check("2 Down Enter", &["Heatmap cosine birds/bird3.jpg", "pair birds/bird3.jpg birds/bird3.jpg"]);
    check("2 Right Enter Down", &["Heatmap cosine birds/bird3.jpg", "pair birds/bird3.jpg birds/bird6.jpg"]);
    check("2 G Enter x", &["Heatmap cosine dogs/dog8.jpg", "pair dogs/dog8.jpg dogs/dog8.jpg"]);
    check("2 Right x", &["Heatmap cosine birds/bird6.jpg"]);
    check("2 Down n", &["Neighbors cosine birds/bird3.jpg"]);
    check("2 o", &["Heatmap cosine birds/bird0.jpg", "Info: Rows ordered by similarity."]);
}

#[test]
fn zooming_out_and_in_again_comes_back_to_the_same_pair() {
    let mut explorer = Explorer::ready(setup(80, 24), 300);
    explorer.keys("2 0");
    let all = explorer.plot();
    assert!(!all.partition.is_single(), "300 rows do not fit one by one");
    let (_, window) = explorer.app.screens.heatmap.shown.clone().expect("a window");
    assert_eq!(window.view.rows.len(), all.fits.0.min(all.fits.1), "the overview fills the plot");
    explorer.keys("+ + + + + + + + + Down Down Right");
    assert_eq!(explorer.plot().level, 0);
    let pair = (explorer.app.shared.selected, explorer.app.screens.heatmap.partner);
    explorer.keys("- - - - - - - - - - - - + + + +");
    assert_eq!((explorer.app.shared.selected, explorer.app.screens.heatmap.partner), pair);
    explorer.keys("0 Down Up");
    assert_eq!((explorer.app.shared.selected, explorer.app.screens.heatmap.partner), pair, "a step there and back");
}

#[test]
fn a_pair_is_seen_in_turn_and_the_heatmap_stands_on_it() {
    let mut explorer = Explorer::ready(setup(120, 36), 12);
    explorer.keys("3 j p");
    let pair = explorer.state();
    let places = |explorer: &Explorer| explorer.app.slots().iter().map(|slot| slot.area).collect::<Vec<_>>();
    assert_ne!(places(&explorer)[0], places(&explorer)[1]);
    explorer.keys("b");
    assert_eq!(places(&explorer)[0], places(&explorer)[1], "at one place");
    let first = styled(&explorer.frame());
    explorer.keys("b");
    assert_ne!(styled(&explorer.frame()), first);
    explorer.keys("b");
    assert_eq!(styled(&explorer.frame()), first);
    explorer.keys("Esc");
    assert_eq!(explorer.state(), pair, "side by side again");
    let neighbor = explorer.app.screens.neighbors.under_cursor();
    explorer.keys("2");
    let shown = explorer.app.screens.heatmap.shown_pair(&explorer.app.shared).unwrap();
    assert_eq!((Some(shown[0]), Some(shown[1])), (explorer.app.shared.selected, neighbor));
    explorer.keys("3 j B");
    assert!(explorer.state().starts_with("Browse"), "a neighbor is shown among the others");
}

#[test]
fn while_indexing_the_table_is_laid_out_anew_once_a_second() {
    // 41.5 pictures a second.
    let mut explorer = Explorer::indexing(setup(80, 24), 60, 1000);
    explorer.keys("2");
    let mut grown = Index::clone(&explorer.app.shared.index);
    let mut rows = Vec::new();
    for end in [80, 100, 101, 102, 140, 150] {
        grown.push(segment(grown.id_bound()..end));
        explorer.report(Report::Snapshot(Arc::new(grown.clone())));
        rows.push(explorer.app.screens.heatmap.len());
    }
    assert_eq!(rows, [60, 60, 60, 102, 102, 150]);
    grown.push(segment(150..151));
    explorer.indexed(Arc::new(grown), Vec::new());
    assert_eq!(explorer.app.screens.heatmap.len(), 151, "all of it in the end");
}

#[test]
fn the_cursor_jumps_from_group_to_group() {
    let mut explorer = Explorer::ready(setup(120, 36), 12);
    explorer.keys("2 ]");
    let pair = |explorer: &Explorer| explorer.app.screens.heatmap.shown_pair(&explorer.app.shared).unwrap();
    assert_eq!(pair(&explorer), [ImageId(1), ImageId(4)]);
    assert!(explorer.state().contains("cats: 4 pictures, 2 of 3."));
    explorer.keys("] ]");
    assert_eq!(pair(&explorer)[0], ImageId(0), "round and round");
    explorer.keys("[");
    assert_eq!(pair(&explorer)[0], ImageId(2));
    // In order of similarity the groups are clusters, which the header brackets with their mean.
    explorer.keys("o ]");
    let heat = &explorer.app.screens.heatmap;
    let order = &heat.rows.as_ref().unwrap().rows;
    assert!(!order.clusters.is_empty() && heat.groups.len() == order.clusters.len());
    for cluster in &order.clusters {
        let ids = &order.ids[cluster.rows.clone()];
        let pairs = ids.iter().flat_map(|a| ids.iter().map(move |b| (*a, *b))).filter(|(a, b)| a != b);
        let index = &explorer.app.shared.index;
        let values: Vec<_> = pairs.map(|(a, b)| similarity::pair_value(index, Metric::Cosine, a, b)).collect();
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        assert!((cluster.mean(Metric::Cosine) - mean).abs() < 1e-4);
    }
    let frame = styled(&explorer.frame());
    let mean = lookalike::text::value(order.clusters[0].mean(Metric::Cosine));
    assert!(frame.contains('┏') && frame.contains(&mean), "{frame}");
    explorer.keys("o o ]");
    assert!(explorer.state().contains("in this order") || !explorer.app.screens.heatmap.groups.is_empty());
}
