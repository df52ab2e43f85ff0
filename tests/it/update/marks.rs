//! Marking pictures, and what is done with those that are marked.

use std::{path::Path, sync::Arc};

use lookalike::index::{Skipped, SkippedKind, progress::Report};

use super::check;
use crate::explorer::{Explorer, collection, setup, styled};

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
    let skipped = (0..30).map(|at| Skipped {
        path: format!("/pictures/{at}.jpg").into(),
        kind: SkippedKind::NotAnImage,
        reason: "not an image".into(),
    });
    explorer.indexed(Arc::new(collection(3)), skipped.collect());
    explorer.keys("! j j y");
    assert_eq!(explorer.effects, ["copy /pictures/2.jpg"]);
    explorer.key("G");
    assert_eq!(explorer.app.screens.problems.cursor, 29);
    let mut explorer = Explorer::started(setup(80, 24));
    let skipped = |count: usize| -> Arc<[Skipped]> {
        (0..count)
            .map(|at| Skipped {
                path: format!("/pictures/{at}.jpg").into(),
                kind: SkippedKind::NotAnImage,
                reason: "no".into(),
            })
            .collect()
    };
    explorer.report(Report::Skipped(skipped(30)));
    explorer.keys("! G");
    assert_eq!(explorer.app.screens.problems.cursor, 29);
    explorer.report(Report::Skipped(skipped(3)));
    assert_eq!(explorer.app.screens.problems.cursor, 2, "the cursor stays in a list that became shorter");
    explorer.report(Report::Skipped(skipped(0)));
    assert_eq!(explorer.app.screens.problems.cursor, 0);
}
