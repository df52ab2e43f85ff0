//! Lists of pictures: their orders, their filter, and long ones that a worker puts in order.

use std::{path::Path, sync::Arc};

use lookalike::{
    index::{Image, ImageId, Index, Segment, progress::Report},
    scan::ImageFile,
    similarity::{self, Metric, Query},
    task::{Job, JobId, Lane},
};

use super::check;
use crate::explorer::{Explorer, setup, styled};

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
