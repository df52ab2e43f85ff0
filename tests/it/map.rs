//! The Map screen: what it shows, how one walks on it, and how it is made, stopped and made anew.

use std::sync::Arc;

use crate::explorer::{Explorer, segment, setup, styled};
use lookalike::{
    analysis::projection::Method,
    app::{Event, Setup, action::Screen, previews::Slot},
    display::{Depth, letter},
    index::{ImageId, Index, progress::Report},
    similarity::{self, Query},
    task::{Job, Lane, Made, MapTask, Mapped, Mapping, Outcome, Task},
    text,
};
use ratatui::buffer::Cell;

#[test]
fn the_map_is_walked_from_point_to_point_zoomed_and_moved() {
    let mut explorer = Explorer::ready(setup(120, 36), 60);
    explorer.key("5");
    assert_eq!(explorer.app.screen, Screen::Map);
    let point = |explorer: &Explorer| {
        let id = explorer.app.shared.selected.expect("one of 60");
        explorer.app.screens.map.shown().and_then(|map| map.point(id)).expect("it has a point")
    };
    explorer.key("g");
    let leftmost = point(&explorer);
    let mut steps = 0;
    loop {
        let before = point(&explorer);
        explorer.key("Right");
        let after = point(&explorer);
        if after == before {
            break;
        }
        assert!(after[0] > before[0] && (after[1] - before[1]).abs() <= after[0] - before[0], "{before:?} {after:?}");
        steps += 1;
    }
    assert!(steps >= 3 && point(&explorer)[0] > leftmost[0], "{steps}");
    explorer.key("Up");
    explorer.keys("+ + + +");
    let map = &explorer.app.screens.map;
    let plot = map.plot(explorer.app.shared.body()).expect("a map");
    assert!(map.raster.visible < 60 && map.view.zoom > 5.0);
    let middle = (plot.area.x + plot.area.width / 2, plot.area.y + plot.area.height / 2);
    assert_eq!(plot.cell(point(&explorer)), Some(middle), "one zooms into what one has chosen");
    explorer.key("L");
    let moved = explorer.app.screens.map.plot(explorer.app.shared.body()).expect("a map");
    assert!(moved.center[0] > plot.center[0] && moved.center[1] == plot.center[1]);
    explorer.update(Event::Rest);
    let rested = explorer.app.screens.map.plot(explorer.app.shared.body()).expect("a map");
    assert_eq!(rested.center, moved.center, "where the user moved it, it stays");
    for key in ["g", "G", "PgUp", "Ctrl-d", "Left", "Down"] {
        explorer.key(key);
        let plot = explorer.app.screens.map.plot(explorer.app.shared.body()).expect("a map");
        assert!(plot.visible(point(&explorer)).is_some(), "the map follows the cursor: {key}");
    }
    explorer.key("0");
    assert_eq!(explorer.app.screens.map.raster.visible, 60);
    assert!(explorer.state().ends_with(".jpg"), "nothing is said");
    explorer.key("-");
    assert!(explorer.state().contains("All of the map is in view."));
    let nearest = explorer.app.screens.map.nearest[0].id;
    let selected = explorer.app.shared.selected;
    let names = [selected, Some(nearest)].map(|id| explorer.name(id));
    explorer.keys("Enter");
    assert!(explorer.state().contains(&format!("pair {} {}", names[0], names[1])));
}

#[test]
fn neighbors_beside_the_map_are_those_of_the_embeddings_by_the_metric_in_use() {
    let mut explorer = Explorer::ready(setup(120, 36), 40);
    explorer.keys("5 l");
    for _ in 0..2 {
        let shared = &explorer.app.shared;
        let compared = similarity::compare(&shared.index, &Query::Image(shared.selected.expect("one of 40")));
        assert_eq!(explorer.app.screens.map.nearest, compared.nearest(shared.metric, 3));
        explorer.key("m");
    }
}

#[test]
fn a_map_under_way_is_shown_can_be_stopped_and_made_all_the_same() {
    let mut explorer = Explorer::ready(setup(120, 36), 40);
    explorer.hold();
    explorer.key("5");
    let (id, job) = explorer.held_tasks(Lane::Map).pop().expect("a map");
    let Job::Make { index, task: Task::Map(task) } = job else { panic!("another task") };
    assert_eq!((task.method, task.hurried, task.anew), (Method::Umap, false, false));
    let mut way = Vec::new();
    let mut told = |mapping: &dyn Fn() -> Mapping| way.push(mapping());
    let made = task.clone().make(&index, &similarity::sequential, &|| false, &mut told).expect("nobody stops it");
    assert!(way.windows(2).all(|pair| pair[0].share <= pair[1].share), "it never goes back");
    assert!(way[0].so_far.as_ref().is_some_and(|map| map.method == Method::Pca), "at once there is something");
    let mut pictures: Vec<_> = way.iter().filter_map(|mapping| mapping.so_far.as_ref().map(Arc::as_ptr)).collect();
    pictures.dedup();
    assert!((10..=25).contains(&pictures.len()), "and then pictures of the way: {}", pictures.len());
    let middle = way[way.len() / 2].clone();
    for mapping in [&way[0], &middle] {
        explorer.tell(id, Outcome::Making(Made::Mapping(mapping.clone())));
    }
    let shown = styled(&explorer.frame());
    assert!(shown.contains("c stops it") && shown.contains(&format!("UMAP {:.0} %", 100.0 * middle.share)), "{shown}");
    explorer.key("c");
    assert!(explorer.state().contains("Stopped"));
    let stops = explorer.held.as_ref().expect("held").iter().any(|(_, job)| matches!(job, Job::Stop(Lane::Map)));
    assert!(stops && explorer.held_tasks(Lane::Map).is_empty());
    // An answer that comes too late changes nothing.
    explorer.tell(id, Outcome::Made(Made::Map(made.clone())));
    assert!(styled(&explorer.frame()).contains("stopped"));
    explorer.key("r");
    let (id, job) = explorer.held_tasks(Lane::Map).pop().expect("a map all the same");
    let Job::Make { task: Task::Map(task), .. } = &job else { panic!("another task") };
    assert!(task.anew);
    explorer.tell(id, Outcome::Made(Made::Map(made)));
    assert!(explorer.held_tasks(Lane::Map).is_empty(), "it is whole");
    let shown = styled(&explorer.frame());
    assert!(shown.contains("trustworthiness 0.") && shown.contains("continuity 0."), "{shown}");
    explorer.key("t");
    let (_, job) = explorer.held_tasks(Lane::Map).pop().expect("another method");
    assert!(
        matches!(&job, Job::Make { task: Task::Map(task), .. } if task.method == Method::Tsne && task.graph.is_some())
    );
    explorer.keys("t t");
    assert!(explorer.held_tasks(Lane::Map).len() <= 1, "UMAP is there already");
}

/// The map of an index, made from scratch.
fn made(index: &Index, method: Method) -> Mapped {
    let task = MapTask { method, known: None, graph: None, anew: false, hurried: false };
    task.make(index, &similarity::sequential, &|| false, &mut |_| ()).expect("nobody stops it")
}

#[test]
fn while_pictures_come_the_map_is_a_quick_one_and_the_usual_one_follows() {
    let mut explorer = Explorer::indexing(setup(120, 36), 30, 60);
    explorer.key("5");
    let method = |explorer: &Explorer| explorer.app.screens.map.shown().map(|map| map.method);
    assert_eq!(method(&explorer), Some(Method::Pca));
    assert!(styled(&explorer.frame()).contains("UMAP when all are indexed"));
    explorer.indexed(Arc::clone(&explorer.app.shared.index), Vec::new());
    assert_eq!(method(&explorer), Some(Method::Umap));
}

#[test]
fn pictures_that_come_are_placed_on_the_map_that_was_kept_until_they_are_too_many() {
    let mut explorer = Explorer::indexing(setup(120, 36), 30, 60);
    explorer.hold();
    explorer.key("5");
    let mut index = (*explorer.app.shared.index).clone();
    let before = made(&index, Method::Umap);
    let next = |explorer: &mut Explorer| explorer.held_tasks(Lane::Map).pop().expect("a map");
    let (id, _) = next(&mut explorer);
    explorer.tell(id, Outcome::Made(Made::Map(before.clone())));
    index.push(segment(30..33));
    explorer.report(Report::Snapshot(Arc::new(index.clone())));
    let (id, job) = next(&mut explorer);
    explorer.done(id, job);
    let after = explorer.app.screens.map.shown().cloned().expect("a map");
    assert_eq!((after.placed(), after.points().count()), (3, 33));
    assert_eq!(after.point(ImageId(7)), before.projection.point(ImageId(7)), "nothing else moves");
    assert!(styled(&explorer.frame()).contains("3 placed by neighbors"));
    explorer.key("r");
    assert!(explorer.state().contains("when all pictures are indexed"));
    index.push(segment(33..60));
    index.remove(ImageId(0));
    explorer.indexed(Arc::new(index), Vec::new());
    let (id, job) = next(&mut explorer);
    explorer.done(id, job);
    let last = explorer.app.screens.map.shown().expect("a map");
    assert_eq!((last.placed(), last.points().count()), (0, 59), "so many that it was made anew");
    explorer.key("r");
    assert!(matches!(next(&mut explorer).1, Job::Make { task: Task::Map(task), .. } if task.anew));
}

/// The glyphs of a frame, row by row.
fn glyphs(explorer: &Explorer) -> Vec<String> {
    let buffer = explorer.frame();
    let width = usize::from(buffer.area.width);
    buffer.content().chunks(width).map(|row| row.iter().map(Cell::symbol).collect()).collect()
}

#[test]
fn without_colors_the_map_says_by_letters_what_is_what() {
    let mut explorer = Explorer::ready(Setup { depth: Depth::Mono, ..setup(120, 36) }, 60);
    explorer.keys("5 i");
    let shown = glyphs(&explorer);
    let map = &explorer.app.screens.map;
    let plot = map.plot(explorer.app.shared.body()).expect("a map").area;
    let on_map: String = shown[usize::from(plot.y)..usize::from(plot.bottom())]
        .iter()
        .flat_map(|row| row.chars().take(usize::from(plot.width)))
        .collect();
    let cells = on_map.chars().zip(&map.raster.cells).filter(|(_, cell)| cell.mask != 0);
    let [mut told, mut all] = [0, 0];
    for (symbol, cell) in cells {
        all += 1;
        told += usize::from(cell.label.is_some_and(|label| symbol == letter(label)));
    }
    // Names, the cursor and the digits of its neighbors stand on some.
    assert!(2 * told > all && all > 6, "{told} of {all} in\n{}", shown.join("\n"));
    let legend = shown.iter().filter(|row| row.contains("birds 20") || row.contains("cats 20")).count();
    assert_eq!(legend, 2, "{}", shown.join("\n"));
    explorer.key("a");
    assert!(glyphs(&explorer).concat().chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c)), "if one wants them");
}

#[test]
fn every_picture_has_its_dot_and_the_cursor_its_place() {
    for (width, height) in [(40, 12), (80, 24), (120, 36), (200, 50)] {
        let mut explorer = Explorer::ready(setup(width, height), 24);
        explorer.keys("5 i l");
        let map = &explorer.app.screens.map;
        let plot = map.plot(explorer.app.shared.body()).expect("a map");
        let selected = explorer.app.shared.selected.expect("one of 24");
        let point = map.shown().and_then(|shown| shown.point(selected)).expect("it is on the map");
        let frame = explorer.frame();
        assert_eq!(frame[plot.cell(point).expect("all of the map is in view")].symbol(), "◉", "{width}×{height}");
        assert_eq!(map.raster.visible, 24);
        let text = glyphs(&explorer).join("\n");
        for row in &map.nearest {
            let value = text::value(row.value);
            assert!(text.contains(value.trim()), "{value} at {width}×{height}:\n{text}");
        }
        assert!(text.contains("UMAP"), "{text}");
    }
}

#[test]
fn thumbnails_appear_where_there_is_room_and_do_not_cover_each_other() {
    let mut explorer = Explorer::ready(setup(120, 36), 24);
    explorer.key("5");
    let tiles = |explorer: &Explorer| explorer.app.screens.map.tiles.clone();
    assert!(tiles(&explorer).len() >= 6, "{}", tiles(&explorer).len());
    let all = tiles(&explorer);
    for (at, tile) in all.iter().enumerate() {
        let apart = |other: &Slot| {
            let (a, b) = (tile.area, other.area);
            a.right() <= b.x || b.right() <= a.x || a.bottom() <= b.y || b.bottom() <= a.y
        };
        assert!(all[at + 1..].iter().all(apart));
    }
    assert_eq!(all[0].row(), explorer.app.shared.selected, "the selected one first");
    explorer.key("i");
    assert!(tiles(&explorer).is_empty());
    let crowd = Explorer::ready(setup(80, 24), 400);
    assert!(tiles(&crowd).is_empty());
}
