//! Marking pictures, and what is done with those that are marked.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path, sync::Arc};

use lookalike::{
    index::{Image, Index, Segment, Skipped, SkippedKind, filter::Filter, progress::Report},
    scan::ImageFile,
};

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
fn the_marked_are_gone_through_only_when_the_marks_have_changed() {
    let mut explorer = Explorer::ready(setup(120, 36), 12);
    explorer.keys("Space l Space l Space F");
    assert!(explorer.app.shared.filter.is_among());
    // Whoever goes through them again mends it.
    explorer.app.shared.filter = Filter::default();
    explorer.keys("l 3 j w Esc 1");
    assert!(!explorer.app.shared.filter.is_among(), "a key that marks nothing costs nothing, however many are marked");
    explorer.keys("Space");
    assert!(explorer.app.shared.filter.is_among());
    assert_eq!(explorer.app.screens.browse.list.ids.len(), explorer.app.shared.marks.len());
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
fn a_path_that_is_no_text_is_not_copied_as_another_one() {
    let odd = Path::new(OsStr::from_bytes(b"/pictures/\xff.jpg"));
    let file = ImageFile { path: odd.into(), size: 1, modified: 0, changed: 0 };
    let image = Image { file, pixels: (4, 3), format: "JPEG", face: None };
    let mut index = Index::new(2);
    index.push(Arc::new(Segment::pack(Path::new("/pictures").into(), [image], &[vec![1.0, 0.0]], 2)));
    let mut explorer = Explorer::started(setup(80, 24));
    explorer.indexed(
        Arc::new(index),
        vec![Skipped { path: odd.into(), kind: SkippedKind::NotAnImage, reason: "not an image".into() }],
    );
    let refused = "Warning: The clipboard takes only text, which /pictures/\u{fffd}.jpg is not";
    explorer.key("y");
    let state = explorer.state();
    assert!(state.contains(&format!("{refused}; e writes the paths of marked ones byte for byte.")), "{state}");
    explorer.keys("! y");
    let state = explorer.state();
    assert!(state.contains(&format!("{refused}.")), "{state}");
    assert!(explorer.effects.is_empty(), "{:?}", explorer.effects);
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
