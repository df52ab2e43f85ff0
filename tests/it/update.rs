//! Keys in, state and effects out.

use std::{path::Path, sync::Arc};

use crate::explorer::{Explorer, collection, segment, setup, styled};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use lookalike::{
    analysis::{
        alignment::{Alignment, SIDE, Thumbnail, Turn},
        copies::{Content, Copies},
    },
    app::{Event, action::Screen, keymap, previews::Slot},
    index::{Image, ImageId, Index, Segment, Skipped, filter::Filter, progress::Report},
    order::Order,
    preview::{Preview, PreviewKey},
    scan::ImageFile,
    similarity::{self, Comparison, Metric, Query},
    task::{Job, JobEvent, JobId, Lane, Made, Outcome, Task},
};
use proptest::prelude::*;

/// Presses keys in an explorer of nine pictures and compares the state with what is expected, line by line.
#[track_caller]
fn check(keys: &str, expected: &[&str]) {
    let mut explorer = Explorer::ready(setup(80, 24), 9);
    explorer.keys(keys);
    assert_eq!(explorer.state(), expected.join("\n"), "after {keys:?}");
}

#[test]
fn browsing_moves_one_selection_through_rows_and_columns() {
    check("", &["Browse cosine birds/bird0.jpg"]);
    check("l", &["Browse cosine birds/bird3.jpg"]);
    check("j", &["Browse cosine cats/cat1.jpg"]);
    check("G", &["Browse cosine dogs/dog8.jpg"]);
    check("G k Left", &["Browse cosine cats/cat4.jpg"]);
    check("G g", &["Browse cosine birds/bird0.jpg"]);
    check("PgDn", &["Browse cosine dogs/dog2.jpg"]);
    check("h k Ctrl-u", &["Browse cosine birds/bird0.jpg"]);
}

#[test]
fn screens_share_the_selection_and_escape_never_quits() {
    check("l 2", &["Heatmap cosine birds/bird3.jpg"]);
    check("l 3", &["Neighbors cosine birds/bird3.jpg"]);
    check("2 j 1", &["Browse cosine birds/bird3.jpg"]);
    check("Tab", &["Heatmap cosine birds/bird0.jpg"]);
    check("Shift-Tab", &["Problems cosine birds/bird0.jpg"]);
    check("! Esc", &["Browse cosine birds/bird0.jpg"]);
    check("Esc Esc Esc", &["Browse cosine birds/bird0.jpg"]);
    check("?", &["Browse cosine birds/bird0.jpg", "help"]);
    check("? j Esc", &["Browse cosine birds/bird0.jpg"]);
    check("v", &["Browse cosine birds/bird0.jpg", "picture birds/bird0.jpg"]);
    check("v l Esc", &["Browse cosine birds/bird3.jpg"]);
}

#[test]
fn leaving_stops_the_indexing_only_while_it_runs() {
    check("q", &["Browse cosine birds/bird0.jpg", "→ quit"]);
    check("? Ctrl-c", &["Browse cosine birds/bird0.jpg", "help", "→ quit"]);
    check("Ctrl-z Ctrl-l", &["Browse cosine birds/bird0.jpg", "→ suspend", "→ redraw"]);
    let mut explorer = Explorer::indexing(setup(80, 24), 9, 100);
    explorer.key("q");
    assert_eq!(explorer.state(), "Browse cosine birds/bird0.jpg\n→ cancel\n→ quit");
    let mut explorer = Explorer::indexing(setup(80, 24), 9, 100);
    explorer.update(Event::Hangup);
    assert_eq!(explorer.effects, ["cancel", "quit"]);
}

#[test]
fn the_metric_key_starts_no_job() {
    let mut explorer = Explorer::ready(setup(80, 24), 9);
    explorer.keys("2 3");
    explorer.hold();
    explorer.keys("m 2 m m");
    let jobs = explorer.held.iter().flatten().filter(|(_, job)| !matches!(job, Job::Previews { .. }));
    assert_eq!(jobs.count(), 0);
    assert_eq!(explorer.app.shared.metric, Metric::Euclidean);
}

#[test]
fn the_metric_ranks_anew_and_shows_how_ranks_changed() {
    let mut explorer = Explorer::ready(setup(80, 24), 30);
    explorer.key("3");
    let index = explorer.app.shared.index.clone();
    let comparison = similarity::compare(&index, &Query::Image(ImageId(0)));
    for (key, metric) in [("Esc", Metric::Cosine), ("m", Metric::Euclidean)] {
        explorer.keys(&format!("3 {key} 3"));
        explorer.key("3");
        let rows = &explorer.app.screens.neighbors.rows;
        let expected = comparison.nearest(metric, 20);
        assert_eq!(
            rows.iter().map(|row| row.id).collect::<Vec<_>>(),
            expected.iter().map(|row| row.id).collect::<Vec<_>>()
        );
        for (at, row) in rows.iter().enumerate() {
            assert_eq!(row.rank, at + 1);
            assert_eq!(Some(row.other), comparison.rank(metric.toggled(), row.id));
            assert!((0.0..=1.0).contains(&row.likeness));
        }
        assert!(rows.windows(2).all(|pair| pair[0].likeness >= pair[1].likeness));
    }
    assert!(
        explorer.app.screens.neighbors.rows.iter().any(|row| row.rank != row.other),
        "the metrics must not rank alike"
    );
}

#[test]
fn neighbors_are_followed_along_a_trail_and_back() {
    let mut explorer = Explorer::ready(setup(80, 24), 9);
    explorer.keys("Enter j");
    let second = explorer.app.screens.neighbors.under_cursor();
    explorer.key("Enter");
    assert_eq!(explorer.app.shared.selected, second);
    assert_eq!(explorer.app.screens.neighbors.trail, [ImageId(0)]);
    assert!(explorer.app.screens.neighbors.rows.iter().all(|row| Some(row.id) != second), "the query is no neighbor");
    explorer.keys("Enter Backspace");
    assert_eq!(explorer.app.shared.selected, second);
    explorer.key("Backspace");
    assert_eq!(explorer.app.shared.selected, Some(ImageId(0)));
    explorer.key("Backspace");
    assert_eq!(explorer.state(), "Neighbors cosine birds/bird0.jpg\nInfo: This is where the trail began.");
    explorer.keys("Enter 1 l 3");
    assert!(explorer.app.screens.neighbors.trail.is_empty(), "another selection is another trail");
}

#[test]
fn k_and_the_direction_are_adjustable() {
    let mut explorer = Explorer::ready(setup(80, 24), 60);
    explorer.key("3");
    assert_eq!(explorer.app.screens.neighbors.rows.len(), 20);
    explorer.key("]");
    assert_eq!(explorer.app.screens.neighbors.rows.len(), 50);
    explorer.keys("[ [ [ [");
    assert_eq!(explorer.app.screens.neighbors.rows.len(), 3);
    let nearest = explorer.app.screens.neighbors.rows[0].value;
    explorer.key("f");
    assert!(explorer.app.screens.neighbors.rows[0].value < nearest);
    assert_eq!(explorer.app.screens.neighbors.rows[0].rank, 59);
}

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
fn filters_apply_as_they_are_typed_and_escape_brings_all_back() {
    check("/ d o g", &["Browse cosine dogs/dog2.jpg", "typing \"dog\""]);
    check("/ d o g q Backspace Enter", &["Browse cosine dogs/dog2.jpg"]);
    check("/ 8 Space D O Enter", &["Browse cosine dogs/dog8.jpg"]);
    check("/ d o g Down", &["Browse cosine dogs/dog2.jpg", "typing \"dog\""]);
    check("/ d o g Right", &["Browse cosine dogs/dog5.jpg", "typing \"dog\""]);
    check("/ d o g Esc", &["Browse cosine birds/bird0.jpg"]);
    check("/ z z z Esc", &["Browse cosine birds/bird0.jpg"]);
    check("2 / c", &["Heatmap cosine cats/cat1.jpg", "typing \"c\""]);
    // Given up, a change of the filter leaves it as it was.
    check("/ d o g Enter Right / s Backspace Esc", &["Browse cosine dogs/dog5.jpg"]);
    let mut explorer = Explorer::ready(setup(80, 24), 9);
    explorer.keys("/ d o g Enter");
    assert_eq!(explorer.app.screens.browse.list.ids.len(), 3);
    explorer.key("Esc");
    assert_eq!(explorer.app.screens.browse.list.ids.len(), 9);
}

#[test]
fn a_filter_narrows_every_screen_where_it_is() {
    let mut explorer = Explorer::ready(setup(120, 36), 12);
    explorer.keys("2 / d o g Enter");
    let table = |explorer: &Explorer| {
        let heat = &explorer.app.screens.heatmap;
        (0..heat.len()).filter_map(|at| heat.at(at)).map(|id| id.0).collect::<Vec<_>>()
    };
    assert_eq!(table(&explorer), [2, 5, 8, 11]);
    let pair = explorer.app.screens.heatmap.shown_pair(&explorer.app.shared);
    assert_eq!(pair, Some([ImageId(2), ImageId(5)]), "the cursor is in the table");
    explorer.keys("3");
    let ranked =
        |explorer: &Explorer| explorer.app.screens.neighbors.rows.iter().map(|row| row.id.0).collect::<Vec<_>>();
    let comparison = similarity::compare(&explorer.app.shared.index, &Query::Image(ImageId(2)));
    let all = comparison.nearest(Metric::Cosine, 20);
    let dogs: Vec<_> = all.iter().filter(|row| row.id.0 % 3 == 2).map(|row| row.id.0).collect();
    assert_eq!(ranked(&explorer), dogs);
    for row in &explorer.app.screens.neighbors.rows {
        assert_eq!(Some(row.rank), comparison.rank(Metric::Cosine, row.id), "its rank is the one among all");
    }
    explorer.keys("f");
    assert_eq!(ranked(&explorer), dogs.into_iter().rev().collect::<Vec<_>>());
    explorer.keys("2 / z Enter");
    assert!(explorer.app.screens.heatmap.is_empty() && styled(&explorer.frame()).contains("No path contains “dogz”."));
    explorer.keys("1");
    assert!(styled(&explorer.frame()).contains(" 0 of 12 "));
    let before = explorer.state();
    explorer.keys("Enter v Space");
    assert!(explorer.app.shared.marks.is_empty() && explorer.app.over.is_empty(), "nothing is there to be acted on");
    explorer.keys("1 Esc 2");
    assert_eq!(table(&explorer).len(), 12, "{before}");
}

#[test]
fn all_marked_pictures_ask_together_and_what_is_marked_as_unlike_is_subtracted() {
    let mut explorer = Explorer::ready(setup(120, 36), 12);
    explorer.keys("Q");
    assert!(explorer.state().contains("Nothing is marked yet"));
    // A bird, a cat, and less like a dog.
    explorer.keys("Space G U g j j Space Q");
    let marked: Vec<_> = explorer.app.shared.marks.iter().collect();
    let unlike: Vec<_> = explorer.app.shared.unlike.iter().collect();
    assert_eq!((marked.len(), &unlike[..]), (2, &[ImageId(11)][..]));
    let index = explorer.app.shared.index.clone();
    let unit = |id: ImageId| {
        let entry = index.get(id).unwrap();
        entry.embedding().iter().map(|value| f64::from(value / entry.norm)).collect::<Vec<_>>()
    };
    let [a, b, c] = [marked[0], marked[1], unlike[0]].map(unit);
    let sum: Vec<_> = (0..8).map(|at| (a[at] + b[at]) / 2.0 - c[at]).collect();
    let norm = sum.iter().map(|value| value * value).sum::<f64>().sqrt();
    let rows = &explorer.app.screens.neighbors.rows;
    assert_eq!(rows.len(), 10, "those asked with are no answer");
    for row in rows {
        let cosine: f64 = unit(row.id).iter().zip(&sum).map(|(value, sum)| value * sum / norm).sum();
        assert!((f64::from(row.value) - cosine).abs() < 1e-3, "{} is not {cosine}", row.value);
    }
    assert!(rows.windows(2).all(|pair| pair[0].value >= pair[1].value));
    assert!(styled(&explorer.frame()).contains("to 2 together, unlike 1"));
    explorer.keys("Backspace");
    let own = similarity::compare(&index, &Query::Image(explorer.app.shared.selected.unwrap()));
    assert_eq!(explorer.app.screens.neighbors.rows[0].id, own.nearest(Metric::Cosine, 1)[0].id);
    explorer.keys("Q Enter");
    assert!(explorer.app.screens.neighbors.asked.is_none(), "following an answer asks with that one");
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
fn without_a_picture_no_key_is_hinted_at_that_would_do_nothing() {
    for keys in ["1", "2", "3", "4", "!"] {
        let mut explorer = Explorer::ready(setup(120, 36), 0);
        explorer.keys(keys);
        let frame = styled(&explorer.frame());
        let hints = frame.lines().find(|line| line.contains("? help")).unwrap();
        assert_eq!(hints.trim(), "? help  q quit", "on {keys}");
    }
}

#[test]
fn a_viewer_is_opened_where_the_user_sits() {
    let mut explorer = Explorer::ready(setup(80, 24), 3);
    explorer.keys("O");
    assert!(explorer.state().ends_with("→ open /pictures/birds/bird0.jpg"));
    let mut remote = Explorer::ready(lookalike::app::Setup { is_remote: true, ..setup(80, 24) }, 3);
    remote.keys("O");
    assert!(remote.effects.is_empty() && remote.state().contains("Over SSH"));
    explorer.update(Event::Refused("There is no desktop.".to_owned()));
    assert!(explorer.state().contains("Error: There is no desktop."));
}

#[test]
fn fitting_everything_makes_the_tiles_as_large_as_they_can_be() {
    for (len, all) in [(1, true), (9, true), (40, true), (2_000, false)] {
        let mut explorer = Explorer::ready(setup(120, 36), len);
        explorer.keys("0");
        assert_eq!(explorer.grid().page() >= len, all, "{len}");
        explorer.keys("+");
        let larger = explorer.grid().page();
        assert!(larger < len || explorer.app.screens.browse.size == 8 || len == 1, "{len}: {larger} would fit too");
    }
}

#[test]
fn only_the_marked_pictures_are_shown_until_they_are_none() {
    let mut explorer = Explorer::ready(setup(120, 36), 12);
    explorer.keys("F");
    assert!(explorer.state().contains("Nothing is marked yet"));
    explorer.keys("Space l Space G Space 2 F");
    assert_eq!(explorer.app.screens.heatmap.len(), 3);
    assert!(styled(&explorer.frame()).contains("· only the marked"));
    explorer.keys("g Space");
    assert_eq!(explorer.app.screens.heatmap.len(), 2, "the table follows the marks");
    explorer.keys("1 / d o g Enter");
    assert_eq!(explorer.app.screens.browse.list.ids.len(), 1);
    explorer.keys("Esc");
    assert_eq!(explorer.app.screens.browse.list.ids.len(), 12);
    explorer.keys("F F");
    assert_eq!(explorer.app.screens.browse.list.ids.len(), 12);
    explorer.keys("F M");
    assert_eq!(explorer.app.screens.browse.list.ids.len(), 12, "no marks, no filter");
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

#[test]
fn sorting_goes_through_six_orders() {
    let mut explorer = Explorer::ready(setup(80, 24), 9);
    let names =
        |explorer: &Explorer| -> Vec<u32> { explorer.app.screens.browse.list.ids.iter().map(|id| id.0).collect() };
    assert_eq!(names(&explorer), [0, 3, 6, 1, 4, 7, 2, 5, 8], "folder");
    explorer.key("s");
    let group = |place: usize| names(&explorer)[place] % 3;
    assert!((0..9).all(|place| group(place) == group(place / 3 * 3)), "alike pictures stand side by side");
    explorer.key("s");
    assert_eq!(names(&explorer), [0, 3, 6, 1, 4, 7, 2, 5, 8], "name");
    explorer.key("s");
    assert_eq!(names(&explorer), [8, 7, 6, 5, 4, 3, 2, 1, 0], "newest first");
    explorer.key("s");
    assert_eq!(names(&explorer), [8, 7, 6, 5, 4, 3, 2, 1, 0], "largest first");
    explorer.keys("g l s");
    let index = explorer.app.shared.index.clone();
    let comparison = similarity::compare(&index, &Query::Image(ImageId(7)));
    for metric in [Metric::Cosine, Metric::Euclidean] {
        let mut expected = vec![7];
        expected.extend(comparison.nearest(metric, 9).iter().map(|row| row.id.0));
        assert_eq!(names(&explorer), expected, "{metric:?}");
        explorer.key("m");
    }
    explorer.keys("G");
    assert_eq!(names(&explorer)[0], 7, "moving does not sort anew");
}

#[test]
fn marked_pictures_or_else_the_one_under_the_cursor_are_named() {
    let said = "Info: Named 2 pictures Ana for `lookalike live`, in /gallery.";
    check("Space l Space N A n a Enter", &["Browse cosine birds/bird3.jpg", said, "→ name 2 Ana"]);
    let said = "Info: Named 1 picture B for `lookalike live`, in /gallery.";
    check("3 N B Enter", &["Neighbors cosine birds/bird0.jpg", said, "→ name 1 B"]);
    check("N A Esc", &["Browse cosine birds/bird0.jpg"]);
    let said = "Warning: A name is that of a folder: it has no / in it and no dot before it.";
    check("N . . / Enter", &["Browse cosine birds/bird0.jpg", "typing \"../\"", said]);
}

#[test]
fn marks_are_made_everywhere_exported_and_copied() {
    check(
        "Space l Space e Enter",
        &["Browse cosine birds/bird3.jpg", "Info: Wrote 2 paths to marked.txt", "→ write 2 to marked.txt"],
    );
    check(
        "e",
        &["Browse cosine birds/bird0.jpg", "Warning: Nothing is marked yet: Space marks the picture under the cursor."],
    );
    check("Space e Ctrl-u x y Esc", &["Browse cosine birds/bird0.jpg"]);
    check(
        "y",
        &[
            "Browse cosine birds/bird0.jpg",
            "Info: Copied /pictures/birds/bird0.jpg",
            "→ copy /pictures/birds/bird0.jpg",
        ],
    );
    let mut explorer = Explorer::ready(setup(80, 24), 9);
    explorer.keys("G Space 3 Space");
    let neighbor = explorer.app.screens.neighbors.under_cursor().and_then(|id| explorer.app.shared.path(id));
    let paths = explorer.app.marked_paths();
    assert_eq!(paths.len(), 2);
    assert!(paths.contains(&neighbor.expect("a neighbor")) && paths.contains(&"/pictures/dogs/dog8.jpg".into()));
    explorer.keys("Space");
    assert_eq!(explorer.app.marked_paths(), [Path::new("/pictures/dogs/dog8.jpg")]);
    explorer.keys("M");
    assert!(explorer.app.marked_paths().is_empty());
}

#[test]
fn problems_are_walked_and_copied() {
    let mut explorer = Explorer::started(setup(80, 24));
    let skipped =
        (0..30).map(|at| Skipped { path: format!("/pictures/{at}.jpg").into(), reason: "not an image".into() });
    explorer.indexed(Arc::new(collection(3)), skipped.collect());
    explorer.keys("! j j y");
    assert_eq!(explorer.effects, ["copy /pictures/2.jpg"]);
    explorer.key("G");
    assert_eq!(explorer.app.screens.problems.cursor, 29);
    let mut explorer = Explorer::started(setup(80, 24));
    let skipped = |count: usize| -> Arc<[Skipped]> {
        (0..count).map(|at| Skipped { path: format!("/pictures/{at}.jpg").into(), reason: "no".into() }).collect()
    };
    explorer.report(Report::Skipped(skipped(30)));
    explorer.keys("! G");
    assert_eq!(explorer.app.screens.problems.cursor, 29);
    explorer.report(Report::Skipped(skipped(3)));
    assert_eq!(explorer.app.screens.problems.cursor, 2, "the cursor stays in a list that became shorter");
    explorer.report(Report::Skipped(skipped(0)));
    assert_eq!(explorer.app.screens.problems.cursor, 0);
}

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

#[test]
fn answers_that_are_no_longer_awaited_change_nothing() {
    let mut explorer = Explorer::ready(setup(80, 24), 9);
    explorer.hold();
    explorer.key("l");
    let (old, _) = explorer.held_tasks(Lane::Compare).pop().expect("a comparison");
    explorer.key("l");
    let index = Arc::clone(&explorer.app.shared.index);
    let late = Arc::new(similarity::compare(&index, &Query::Image(ImageId(3))));
    explorer.tell(old, Outcome::Made(Made::Comparison(late)));
    assert!(explorer.app.shared.current_comparison().is_none());
    assert!(explorer.app.screens.browse.nearest.is_empty());
    let order =
        Task::Order(Filter::default(), Order::Name).make(&index, &similarity::sequential, &|| false, &mut |_| {});
    explorer.tell(JobId(999), Outcome::Made(order));
    assert!(explorer.app.screens.heatmap.is_empty());
    explorer.tell(JobId(999), Outcome::Indexing(Report::Snapshot(Arc::new(Index::new(8)))));
    assert_eq!(explorer.app.shared.index.len(), 9);
}

#[test]
fn a_comparison_is_shown_while_it_is_refined() {
    let mut explorer = Explorer::ready(setup(80, 24), 9);
    explorer.hold();
    explorer.keys("l s s s s s 3");
    let (id, job) = explorer.held_tasks(Lane::Compare).pop().expect("a comparison");
    let index = Arc::clone(&explorer.app.shared.index);
    let query = Query::Image(explorer.app.shared.selected.expect("a selection"));
    let tell = |explorer: &mut Explorer, found: &Comparison| {
        explorer.tell(id, Outcome::Making(Made::Comparison(Arc::new(found.clone()))));
    };
    let mut found = Comparison::begin(&index, query.clone());
    for rows in [4, 3] {
        found.extend(&index, rows, &similarity::sequential);
        tell(&mut explorer, &found);
        assert_eq!(explorer.app.screens.neighbors.rows.len(), found.candidates(), "all that were compared");
        assert!(explorer.held_tasks(Lane::Compare).is_empty(), "it is under way");
        assert!(explorer.app.screens.browse.anchor.is_none(), "sorting all by likeness waits for all");
    }
    let mut fewer = Comparison::begin(&index, query);
    fewer.extend(&index, 2, &similarity::sequential);
    tell(&mut explorer, &fewer);
    assert_eq!(explorer.app.screens.neighbors.rows.len(), found.candidates(), "it never gets worse");
    explorer.done(id, job);
    assert_eq!(explorer.app.screens.neighbors.rows.len(), 8);
    assert!(explorer.app.screens.browse.anchor.is_some());
    tell(&mut explorer, &found);
    assert_eq!(explorer.app.screens.neighbors.rows.len(), 8, "the job is done");
}

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

#[test]
fn the_mouse_selects_opens_and_turns() {
    let click = |explorer: &mut Explorer, column, row| {
        explorer.update(Event::Mouse(MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column,
            row,
            modifiers: KeyModifiers::NONE,
        }));
    };
    let mut explorer = Explorer::ready(setup(80, 24), 9);
    let tile = explorer.grid().tile(4);
    click(&mut explorer, tile.x + 2, tile.y + 2);
    assert_eq!(explorer.state(), "Browse cosine cats/cat4.jpg");
    click(&mut explorer, tile.x + 2, tile.y + 2);
    assert_eq!(explorer.state(), "Neighbors cosine cats/cat4.jpg");
    let row = explorer.ranks().row(2);
    click(&mut explorer, row.x + 3, row.y);
    assert_eq!(explorer.app.screens.neighbors.cursor, 2);
    let tabs = explorer.app.tabs();
    click(&mut explorer, tabs[1].area.x + 1, 0);
    assert_eq!(explorer.app.screen, Screen::Heatmap);
    let plot = explorer.plot();
    let lookalike::app::layout::Area { x, y, .. } = plot.place(3, 5);
    click(&mut explorer, x, y);
    assert_eq!(explorer.app.screens.heatmap.cursor(explorer.app.shared.selected, explorer.plot().partition), (3, 5));
    click(&mut explorer, x, y);
    assert!(explorer.state().contains("pair cats/cat1.jpg cats/cat7.jpg"));
    explorer.keys("Esc g");
    explorer.update(Event::Mouse(MouseEvent {
        kind: MouseEventKind::ScrollDown,
        column: x,
        row: y,
        modifiers: KeyModifiers::NONE,
    }));
    assert_eq!(explorer.app.screens.heatmap.cursor(explorer.app.shared.selected, explorer.plot().partition), (1, 0));
    click(&mut explorer, 79, 23);
    click(&mut explorer, 500, 500);
    explorer.update(Event::Resize(120, 36));
    for metric in [Metric::Euclidean, Metric::Euclidean, Metric::Cosine] {
        let (_, area) = explorer.app.metrics().into_iter().find(|(shown, _)| *shown == metric).expect("room for both");
        click(&mut explorer, area.x + 1, area.y);
        assert_eq!(explorer.app.shared.metric, metric);
    }
}

/// Pictures that arrive in another order than their names have.
fn many(numbers: std::ops::Range<i64>) -> Arc<Segment> {
    let embeddings = vec![vec![1.0]; (numbers.end - numbers.start) as usize];
    let images = numbers.map(|number| Image {
        file: ImageFile {
            path: format!("/p/{}/IMG_{number}.jpg", number % 50).into(),
            size: 1,
            modified: number,
            changed: 0,
        },
        pixels: (4, 3),
        format: "JPEG",
        face: None,
    });
    Arc::new(Segment::pack(Arc::from(Path::new("/p")), images, &embeddings, 1))
}

#[test]
fn a_hundred_thousand_pictures_are_taken_in_and_filtered() {
    let mut index = Index::new(1);
    index.push(many(0..100_000));
    let mut explorer = Explorer::started(setup(80, 24));
    explorer.hold();
    explorer.report(Report::Snapshot(Arc::new(index)));
    assert_eq!(explorer.app.screens.browse.list.ids.len(), 100_000);
    explorer.keys("/ 9 9 9 9 9 Enter");
    assert_eq!(explorer.app.screens.browse.list.ids.len(), 100_000, "no key waits for a long list");
    let (id, job) = explorer.held_tasks(Lane::Sort).pop().expect("a list for a worker");
    explorer.done(id, job);
    assert_eq!(explorer.app.screens.browse.list.ids, [ImageId(99_999)]);
    assert_eq!(explorer.app.shared.selected, Some(ImageId(99_999)));
}

#[test]
fn a_long_list_is_shown_at_once_and_put_in_order_by_a_worker() {
    let mut index = Index::new(1);
    index.push(many(0..30_000));
    let mut explorer = Explorer::started(setup(80, 24));
    explorer.hold();
    explorer.report(Report::Snapshot(Arc::new(index.clone())));
    assert_eq!(explorer.app.screens.browse.list.ids.len(), 30_000);
    let finish = |explorer: &mut Explorer, mut jobs: Vec<(JobId, Job)>| {
        let (id, job) = jobs.pop().expect("a list that is not in order waits for a worker");
        assert!(jobs.is_empty(), "nobody asks twice");
        explorer.done(id, job);
    };
    // Meanwhile the list grows and loses a picture.
    let first = explorer.held_tasks(Lane::Sort);
    index.push(many(30_000..30_100));
    index.remove(ImageId(7));
    explorer.report(Report::Snapshot(Arc::new(index.clone())));
    assert!(explorer.held_tasks(Lane::Sort).is_empty(), "this very list is under way");
    assert!(!explorer.app.screens.browse.list.ids.contains(&ImageId(7)), "what is gone is gone at once");
    finish(&mut explorer, first);
    let anew = explorer.held_tasks(Lane::Sort);
    finish(&mut explorer, anew);
    let expected = |admitted: fn(i64) -> bool, key: fn(i64) -> (i64, i64)| {
        let mut numbers: Vec<_> = (0..30_100).filter(|number| *number != 7 && admitted(*number)).collect();
        numbers.sort_by_key(|number| key(*number));
        numbers.into_iter().map(|number| ImageId(number as u32)).collect::<Vec<_>>()
    };
    assert_eq!(explorer.app.screens.browse.list.ids, expected(|_| true, |number| (number % 50, number)));
    explorer.keys("s s");
    let by_name = explorer.held_tasks(Lane::Sort);
    explorer.keys("/ 3 0");
    let narrower = explorer.held_tasks(Lane::Sort);
    finish(&mut explorer, by_name);
    finish(&mut explorer, narrower.into_iter().rev().take(1).collect());
    let thirty = |number: i64| format!("{}/IMG_{number}", number % 50).contains("30");
    assert_eq!(explorer.app.screens.browse.list.ids, expected(thirty, |number| (number, 0)));
    assert!(explorer.held_tasks(Lane::Sort).is_empty(), "it is what is wanted");
}

#[test]
fn pictures_that_come_back_are_let_through_the_filter_again() {
    let mut index = Index::new(1);
    index.push(many(0..30_000));
    index.remove(ImageId(7));
    let mut explorer = Explorer::started(setup(80, 24));
    explorer.hold();
    explorer.report(Report::Snapshot(Arc::new(index.clone())));
    let work = |explorer: &mut Explorer| {
        for (id, job) in explorer.held_tasks(Lane::Sort) {
            explorer.done(id, job);
        }
    };
    work(&mut explorer);
    explorer.keys("/ I M G _ Enter");
    work(&mut explorer);
    assert!(explorer.app.shared.admits(ImageId(8)) && !explorer.app.shared.admits(ImageId(7)));
    index.restore(ImageId(7));
    explorer.report(Report::Snapshot(Arc::new(index)));
    work(&mut explorer);
    assert!(explorer.app.shared.admits(ImageId(7)), "the filter lets it through");
}

/// What may happen to the explorer.
#[derive(Debug, Clone)]
enum Happening {
    Key(&'static str),
    Type(char),
    Click(u16, u16),
    Resize(u16, u16),
    Grow,
    Remove(u32),
    Restore(u32),
    AnotherRun,
    Rest,
}

fn happening() -> impl Strategy<Value = Happening> {
    let keys: Vec<&'static str> = keymap::table().iter().flat_map(|(binding, _)| binding.keys.split(' ')).collect();
    prop_oneof![
        12 => proptest::sample::select(keys).prop_map(Happening::Key),
        1 => any::<char>().prop_map(Happening::Type),
        1 => (0..130_u16, 0..50_u16).prop_map(|(x, y)| Happening::Click(x, y)),
        1 => (0..130_u16, 0..50_u16).prop_map(|(width, height)| Happening::Resize(width, height)),
        2 => Just(Happening::Grow),
        1 => (0..40_u32).prop_map(Happening::Remove),
        1 => (0..40_u32).prop_map(Happening::Restore),
        1 => Just(Happening::AnotherRun),
        1 => Just(Happening::Rest),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_happens_panics_or_loses_the_selection(happenings in proptest::collection::vec(happening(), 200)) {
        let mut explorer = Explorer::started(setup(80, 24));
        let mut index = Index::new(8);
        for (at, happening) in happenings.into_iter().enumerate() {
            match happening {
                Happening::Key(name) => explorer.key(name),
                Happening::Type(c) => {
                    explorer.update(Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)));
                }
                Happening::Click(column, row) => explorer.update(Event::Mouse(MouseEvent {
                    kind: MouseEventKind::Down(MouseButton::Left),
                    column,
                    row,
                    modifiers: KeyModifiers::NONE,
                })),
                Happening::Resize(width, height) => explorer.update(Event::Resize(width, height)),
                Happening::Grow => {
                    let len = index.id_bound();
                    index.push(segment(len..len + 7));
                    explorer.report(Report::Snapshot(Arc::new(index.clone())));
                }
                Happening::Remove(id) => {
                    index.remove(ImageId(id));
                    explorer.report(Report::Snapshot(Arc::new(index.clone())));
                }
                Happening::Restore(id) => {
                    index.restore(ImageId(id));
                    explorer.report(Report::Snapshot(Arc::new(index.clone())));
                }
                Happening::AnotherRun => {
                    index = Index::new(8);
                    explorer.report(Report::Snapshot(Arc::new(index.clone())));
                }
                Happening::Rest => explorer.update(Event::Rest),
            }
            let app = &explorer.app;
            prop_assert_eq!(app.shared.selected.is_some(), !app.shared.index.is_empty());
            prop_assert!(app.shared.selected.is_none_or(|id| app.shared.index.contains(id)));
            let listed = app.shared.selected.and_then(|id| app.screens.browse.list.position(id));
            if let Some(position) = listed.filter(|_| app.screen == Screen::Browse) {
                let grid = explorer.grid();
                let row = position / grid.columns;
                prop_assert!((app.screens.browse.first..app.screens.browse.first + grid.rows).contains(&row), "the selection is out of view");
            }
            for (id, _) in app.screens.alike.groups().flat_map(|group| &group.members) {
                prop_assert!(app.screen != Screen::Alike || app.shared.index.contains(*id), "a group of what is gone");
            }
            let shown = app.slots().into_iter().all(|slot| slot.row().is_none_or(|row| app.shared.index.contains(row)));
            prop_assert!(shown, "a picture that is gone has a place");
            prop_assert!(app.screens.neighbors.rows.is_empty() || app.screens.neighbors.under_cursor().is_some());
            if at % 5 == 0 {
                explorer.frame();
            }
        }
    }
}

#[test]
fn a_failed_job_says_so_and_the_explorer_goes_on() {
    let mut explorer = Explorer::ready(setup(80, 24), 9);
    explorer.update(Event::Job(JobEvent { job: JobId(77), outcome: Outcome::Failed("the disk is full".to_owned()) }));
    assert_eq!(explorer.state(), "Browse cosine birds/bird0.jpg\nError: the disk is full");
    explorer.key("l");
    assert_eq!(explorer.state(), "Browse cosine birds/bird3.jpg");
}

#[test]
fn a_picture_that_was_named_is_the_query_as_soon_as_it_is_there_unless_the_user_went_elsewhere() {
    let named = |path: &str| lookalike::app::Setup { picture: Some(path.into()), ..setup(80, 24) };
    let there = collection(9).iter().nth(4).map(|entry| entry.path()).expect("there are nine");
    let path = there.to_str().expect("plain");
    let opened = |path: &str| {
        let mut explorer = Explorer::started(named(path));
        explorer.indexed(Arc::new(collection(9)), Vec::new());
        explorer
    };
    let mut explorer = opened(path);
    assert_eq!(explorer.app.screen, Screen::Neighbors);
    assert_eq!(explorer.app.shared.selected.and_then(|id| explorer.app.shared.path(id)), Some(there.clone()));
    let missing = explorer.app.message.as_ref().is_some_and(|message| message.text.contains("is not among"));
    assert!(!missing);
    explorer.keys("1 l");
    explorer.indexed(Arc::new(collection(12)), Vec::new());
    assert_eq!(explorer.app.screen, Screen::Browse, "it is asked for once");

    let mut explorer = Explorer::indexing(named(path), 3, 9);
    assert_eq!(explorer.app.screen, Screen::Browse, "it is not there yet");
    explorer.keys("2");
    explorer.indexed(Arc::new(collection(9)), Vec::new());
    assert_eq!(explorer.app.screen, Screen::Heatmap, "the screen that was gone to stays");
    assert_eq!(explorer.app.shared.selected.and_then(|id| explorer.app.shared.path(id)), Some(there.clone()));

    let mut explorer = Explorer::indexing(named(path), 3, 9);
    explorer.keys("l");
    let chosen = explorer.app.shared.selected;
    let mut grown = (*explorer.app.shared.index).clone();
    grown.push(segment(3..9));
    explorer.indexed(Arc::new(grown), Vec::new());
    assert_eq!((explorer.app.screen, explorer.app.shared.selected), (Screen::Browse, chosen));

    let explorer = opened("/nowhere/bird.jpg");
    let message = explorer.app.message.as_ref().map_or("", |message| &message.text);
    assert!(message.starts_with("/nowhere/bird.jpg is not among the pictures"), "{message}");
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
fn why_follows_the_cursor_and_shows_colors_or_numbers() {
    let mut explorer = Explorer::ready(setup(120, 36), 24);
    explorer.keys("3 Down w");
    let first = explorer.state();
    assert!(first.contains("\nwhy "), "{first}");
    explorer.keys("Down");
    assert_ne!(explorer.state(), first, "the next neighbor");
    explorer.keys("w Esc");
    assert!(explorer.app.over.is_empty());
    explorer.keys("2 Home w");
    assert!(explorer.app.over.is_empty() && explorer.state().contains("the same picture"));
    explorer.keys("1 w");
    assert!(explorer.app.over.is_empty(), "there is no pair in the grid");
}
