//! Labels and two models on their screens: what is confused, what is mislabeled, what is corrected, and what models disagree on.

use lookalike::{
    app::{Setup, screens::labels::View},
    index::Index,
    task::{Job, Lane},
};

use crate::explorer::{Explorer, ROOT, named_pictures, setup};

/// Birds point one way and cats another; `cats/bird.jpg` is in the wrong folder, and three pictures are in none.
fn zoo() -> Index {
    let mut pictures: Vec<(String, [f32; 2])> = Vec::new();
    for number in 0..10 {
        let off = 0.03 * number as f32;
        pictures.push((format!("birds/{number}.jpg"), [1.0, off]));
        pictures.push((format!("cats/{number}.jpg"), [off, 1.0]));
    }
    pictures.push(("cats/bird.jpg".into(), [1.0, 0.1]));
    pictures.push(("new-bird.jpg".into(), [1.0, 0.05]));
    pictures.push(("new-cat.jpg".into(), [0.1, 1.0]));
    pictures.push(("odd.jpg".into(), [1.0, 0.9]));
    named_pictures(&pictures)
}

fn explorer() -> Explorer {
    let kept_labels = Some("/cache/labels/zoo.csv".into());
    Explorer::of(Setup { kept_labels, ..setup(100, 30) }, zoo())
}

fn under_cursor(explorer: &Explorer) -> String {
    explorer.name(explorer.app.screens.labels.current().map(|row| row.id))
}

#[test]
fn a_picture_in_a_wrong_folder_is_found_corrected_and_corrected_back() {
    let mut explorer = explorer();
    explorer.keys("8 o");
    assert_eq!(explorer.app.screens.labels.view, View::Mislabeled);
    assert_eq!(explorer.app.screens.labels.lists[0].len(), 1);
    assert_eq!(under_cursor(&explorer), "cats/bird.jpg");
    explorer.key("Enter");
    assert_eq!(explorer.effects, [format!("keep {ROOT}/cats/bird.jpg birds in /cache/labels/zoo.csv")]);
    assert!(explorer.state().contains("cats/bird.jpg is birds"));
    assert!(explorer.app.screens.labels.lists[0].is_empty(), "it was learned anew, and nothing is wrong any more");
    assert!(explorer.app.screens.labels.learned().is_some_and(|found| found.probe_confusion.accuracy() == 1.0));
}

#[test]
fn a_confirmed_label_is_suspected_no_more_and_undo_takes_it_back() {
    let mut explorer = explorer();
    explorer.keys("8 o a");
    assert_eq!(explorer.effects, [format!("keep {ROOT}/cats/bird.jpg cats in /cache/labels/zoo.csv")]);
    assert!(explorer.app.screens.labels.lists[0].is_empty(), "the user says that it is a cat");
    let mut explorer = self::explorer();
    explorer.keys("8 o o Enter u");
    let kept = |label: &str| format!("keep {label} in /cache/labels/zoo.csv");
    assert_eq!(explorer.effects.len(), 2, "{:?}", explorer.effects);
    assert_eq!(explorer.effects[1], kept(""));
    explorer.key("u");
    assert!(explorer.state().contains("Nothing was corrected"));
}

#[test]
fn pictures_without_a_label_are_predicted_named_and_abstained_from() {
    let mut explorer = explorer();
    explorer.keys("8 o o");
    let list = |explorer: &Explorer| -> Vec<String> {
        let labels = &explorer.app.screens.labels;
        (0..labels.lists[1].len()).map(|at| explorer.name(labels.row(at).map(|row| row.id))).collect()
    };
    let all = list(&explorer);
    assert_eq!(all.len(), 3);
    assert_eq!(all[2], "odd.jpg", "the least sure comes last: {all:?}");
    explorer.keys("+ + + + + + + + +");
    assert!((explorer.app.screens.labels.threshold - 0.95).abs() < 1e-6);
    explorer.keys("- - -");
    assert!((explorer.app.screens.labels.threshold - 0.8).abs() < 1e-6);
    explorer.keys("G t f i s h Enter");
    assert_eq!(explorer.effects, [format!("keep {ROOT}/odd.jpg fish in /cache/labels/zoo.csv")]);
    explorer.effects.clear();
    explorer.keys("g t c Tab Enter");
    assert!(explorer.effects[0].contains("new-cat.jpg cats,"), "a label is completed: {:?}", explorer.effects);
    explorer.effects.clear();
    explorer.keys("g t c a t Enter");
    let kept = &explorer.effects[0];
    assert!(kept.contains(".jpg cat,") || kept.contains(".jpg cat in"), "what was typed is what it is called: {kept}");
    explorer.effects.clear();
    explorer.keys("E Enter");
    assert_eq!(explorer.effects, ["write 24 labels to labels.csv"]);
}

#[test]
fn the_matrix_is_walked_and_its_mistakes_are_visited() {
    let mut explorer = explorer();
    explorer.key("8");
    let labels = &explorer.app.screens.labels;
    assert_eq!((labels.view, labels.cell), (View::Confusion, (1, 0)), "a cat taken for a bird");
    assert_eq!(explorer.name(labels.confused.first().copied()), "cats/bird.jpg");
    explorer.keys("Up Right Right");
    assert_eq!(explorer.app.screens.labels.cell, (0, 1));
    explorer.keys("> Enter");
    assert_eq!(explorer.app.screens.labels.cell, (1, 0));
    assert!(explorer.state().contains("pair cats/bird.jpg birds/"), "beside it a bird");
}

#[test]
fn without_a_cache_corrections_say_that_they_are_not_kept() {
    let mut explorer = Explorer::of(setup(100, 30), zoo());
    explorer.keys("8 o Enter");
    assert!(explorer.effects.is_empty());
    assert!(explorer.state().contains("nothing is kept"));
}

#[test]
fn what_cannot_be_learned_is_said_on_the_screen() {
    let mut explorer = Explorer::ready(setup(100, 30), 1);
    explorer.key("8");
    let text: String = explorer.frame().content.iter().map(ratatui::buffer::Cell::symbol).collect();
    assert!(text.contains("All labeled pictures are birds"), "{text}");
}

#[test]
fn another_model_is_indexed_compared_and_changed_on_its_screen() {
    let mut explorer = Explorer::ready(setup(120, 36), 24);
    explorer.key("9");
    let text = |explorer: &Explorer| -> String {
        explorer.frame().content.iter().map(ratatui::buffer::Cell::symbol).collect()
    };
    assert!(text(&explorer).contains("Compare resnet50 with"), "the model in use is no choice");
    assert_eq!(
        explorer.app.screens.models.choices(&explorer.app.shared).iter().map(|model| &model.name).collect::<Vec<_>>(),
        ["color-grid"]
    );
    explorer.key("Enter");
    let models = &explorer.app.screens.models;
    let found = models.found.as_ref().expect("it was compared at once");
    assert_eq!((found.comparison.pairing.len(), found.comparison.agreements.len()), (24, 24));
    assert!(models.neighbors.iter().all(|list| list.len() == 10));
    let by_both = |model: usize| models.neighbors[model].iter().filter(|found| found.by_both).count();
    assert_eq!(by_both(0), by_both(1), "what both find is the same");
    let first = found.comparison.agreements[1].id;
    explorer.key("Down");
    assert_eq!(explorer.app.shared.selected, Some(first));
    explorer.key("o");
    assert!(text(&explorer).contains("keeps the folders apart better than color-grid"), "{}", text(&explorer));
    explorer.keys("o m");
    assert!(text(&explorer).contains("above the diagonal: resnet50"));
    explorer.keys("b");
    assert!(text(&explorer).contains("Compare resnet50 with"));
}

#[test]
fn what_was_asked_of_a_model_that_was_given_up_is_not_taken() {
    let mut explorer = Explorer::ready(setup(120, 36), 24);
    explorer.keys("9");
    explorer.hold();
    explorer.keys("Enter");
    let held = explorer.held.replace(Vec::new()).unwrap_or_default();
    let by_other = held.into_iter().filter(|(_, job)| matches!(job, Job::IndexBy { .. }));
    by_other.for_each(|(id, job)| explorer.done(id, job));
    let (id, job) = explorer.held_tasks(Lane::CompareModels).pop().expect("the models are compared");
    explorer.keys("b");
    explorer.done(id, job);
    assert!(explorer.app.screens.models.found.is_none(), "it is of the model that was given up");
}

#[test]
fn bars_begin_one_under_the_other_whatever_the_keys_are() {
    let mut keys = lookalike::app::keymap::Keys::default();
    keys.rebind(None, "accept-guess", &["Ctrl-Enter".to_owned()]).expect("it has keys");
    let mut explorer = explorer();
    explorer.app = std::mem::replace(&mut explorer.app, lookalike::app::App::new(Setup::default())).with(keys);
    explorer.keys("8 o");
    let frame = explorer.frame();
    let lines: Vec<String> = (0..30).map(|y| (0..100).map(|x| frame[(x, y)].symbol()).collect()).collect();
    let column_after = |words: &str| {
        let line = lines.iter().find(|line| line.contains(words)).unwrap_or_else(|| panic!("no {words} in {lines:#?}"));
        line[..line.find(words).unwrap() + words.len()].chars().count()
    };
    let bar = column_after("Ctrl-Enter ");
    assert_eq!(column_after(" t types a label"), bar + "types a label".len());
    assert_eq!(column_after("         a "), bar, "of its first guess");
}
