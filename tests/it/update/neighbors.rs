//! Asking which pictures are near: the metric, k, the trail, several pictures at once, and answers that come late.

use std::sync::Arc;

use lookalike::{
    app::Over,
    index::{ImageId, Index, filter::Filter, progress::Report},
    order::Order,
    similarity::{self, Comparison, Metric, Query},
    task::{Job, JobId, Lane, Made, Outcome, Task},
};

use crate::explorer::{Explorer, setup, styled};

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
    assert_eq!(rows.len(), 9, "those asked with are no answer");
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

#[test]
fn ranks_of_many_pictures_are_never_cut_and_rows_keep_their_form_while_they_are_scrolled() {
    use lookalike::text::count;
    for ((width, height), keys) in [((80, 24), "3 f"), ((80, 24), "3 f m"), ((120, 36), "3 f"), ((64, 20), "3 f")] {
        let mut explorer = Explorer::ready(setup(width, height), 2000);
        explorer.keys(keys);
        let bar = |line: &str| line.chars().filter(|c| "█▉▊▋▌▍▎▏·".contains(*c)).count();
        let mut forms = Vec::new();
        for _ in 0..20 {
            let frame = styled(&explorer.frame());
            let ranking = &explorer.app.screens.neighbors;
            for row in ranking.rows.iter().skip(ranking.first).take(explorer.ranks().page()) {
                let rank = format!(" {} {}", count(row.rank), explorer.app.shared.metric.name());
                let line = frame.lines().find(|line| line.contains(&rank)).unwrap_or_else(|| panic!("{rank}: {frame}"));
                let change = match row.other.cmp(&row.rank) {
                    std::cmp::Ordering::Greater => format!(" ▲{}", count(row.other - row.rank)),
                    std::cmp::Ordering::Less => format!(" ▼{}", count(row.rank - row.other)),
                    std::cmp::Ordering::Equal => " =".to_owned(),
                };
                let (_, said) = line.split_once(&rank).expect("it is there");
                let shown = [format!(" #{}", count(row.other)), change].map(|mark| {
                    said.split_once(&mark)
                        .is_some_and(|(_, after)| !after.starts_with(|c: char| c != ' ' && c != '│' && c != '┃'))
                });
                forms.push((shown, bar(said)));
            }
            explorer.key("Down");
        }
        forms.dedup();
        assert!(forms.len() == 1 && forms[0].0.contains(&true), "{width}×{height} {keys}: {forms:?}");
    }
}

#[test]
fn what_is_asked_with_and_has_left_the_index_is_no_longer_counted() {
    let mut explorer = Explorer::indexing(setup(80, 24), 24, 24);
    explorer.keys("Space Right Space Right Space Right U Right U Q");
    let asked = |explorer: &Explorer| {
        let asked = explorer.app.screens.neighbors.asked.as_ref().expect("the others are still asked with");
        (asked.like.clone(), asked.unlike.clone())
    };
    let (like, unlike) = asked(&explorer);
    let mut smaller = Index::clone(&explorer.app.shared.index);
    [like[1], unlike[0]].into_iter().for_each(|gone| smaller.remove(gone));
    explorer.report(Report::Snapshot(Arc::new(smaller.clone())));
    assert_eq!(asked(&explorer), (vec![like[0], like[2]], vec![unlike[1]]));
    let ranking = &explorer.app.screens.neighbors;
    assert_eq!((ranking.candidates(&explorer.app.shared), ranking.rows.len()), (19, 19));
    let last = ranking.rows.iter().map(|row| row.rank).max();
    assert_eq!(last, Some(19));
    let frame = styled(&explorer.frame());
    assert!(frame.contains("19 nearest of 19") && frame.contains("+ like 2 pictures"), "{frame}");
    [like[0], like[2], unlike[1]].into_iter().for_each(|gone| smaller.remove(gone));
    explorer.report(Report::Snapshot(Arc::new(smaller)));
    assert!(explorer.app.screens.neighbors.asked.is_none(), "of nothing there is no question");
}

#[test]
fn a_question_with_all_pictures_says_so_and_one_that_is_looked_at_stays() {
    for len in [2, 3] {
        let mut explorer = Explorer::ready(setup(80, 24), len);
        explorer.keys(&"Space Right ".repeat(len));
        explorer.key("Q");
        let frame = styled(&explorer.frame());
        assert!(frame.contains("All pictures are asked with.") && !frame.contains("filter lets"), "{frame}");
    }
    let mut explorer = Explorer::ready(setup(80, 24), 24);
    explorer.keys("Space Right Right Space Q Down");
    let ids = |explorer: &Explorer| {
        let ranking = &explorer.app.screens.neighbors;
        let asked = ranking.asked.as_ref().expect("the question stays");
        (
            asked.pictures().collect::<Vec<_>>(),
            ranking.rows.iter().map(|row| row.id).collect::<Vec<_>>(),
            ranking.cursor,
        )
    };
    let before = ids(&explorer);
    explorer.key("p");
    assert!(matches!(explorer.app.over[..], [Over::Pair { row, .. }] if row == before.0[0]), "{:?}", explorer.app.over);
    explorer.keys("Esc");
    assert_eq!(ids(&explorer), before);
}

#[test]
fn fewer_neighbors_are_fewer_than_there_are() {
    let mut explorer = Explorer::ready(setup(80, 24), 9);
    explorer.keys("3 [");
    assert_eq!(explorer.app.screens.neighbors.rows.len(), 5);
    explorer.keys("]");
    assert_eq!(explorer.app.screens.neighbors.rows.len(), 8);
}
