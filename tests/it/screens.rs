//! Frames, with their colors: every screen in every state, and the heatmap cell by cell.

use std::{path::Path, sync::Arc};

use crate::explorer::{Explorer, collection, setup, styled};
use lookalike::{
    app::Setup,
    display::{Background, Depth},
    index::{Image, ImageId, Index, Segment, Skipped},
    scan::ImageFile,
    similarity::{Graph, Metric, graph, sequential},
    task::{Job, Lane, LookAlikes, Task},
    ui::theme::Theme,
};

/// The states a screen can be in.
const STATES: [&str; 4] = ["empty", "indexing", "ready", "error"];

fn explorer_in(state: &str, setup: Setup) -> Explorer {
    match state {
        "empty" => Explorer::ready(setup, 0),
        "indexing" => Explorer::indexing(setup, 5, 120),
        "error" => Explorer::failed(setup),
        _ => {
            let mut explorer = Explorer::started(setup);
            explorer.model(false);
            let reasons = ["the file is cut off", "this is no image but text", "HEIC is not supported"];
            let skipped = reasons.iter().enumerate().map(|(at, reason)| Skipped {
                path: format!("/pictures/broken/{at}.jpg").into(),
                reason: (*reason).to_owned(),
            });
            explorer.indexed(Arc::new(collection(24)), skipped.collect());
            explorer
        }
    }
}

/// Every screen and what can lie on top, with the keys that lead there.
const VIEWS: [(&str, &str); 9] = [
    ("browse", "1"),
    ("heatmap", "2"),
    ("neighbors", "3"),
    ("alike", "4 - - - -"),
    ("problems", "!"),
    ("picture", "l v"),
    ("pair", "2 Enter"),
    ("help", "?"),
    ("filter", "/ c a t"),
];

#[test]
fn every_screen_in_every_state() {
    for (width, height) in [(80, 24), (120, 40)] {
        for state in STATES {
            for (view, keys) in VIEWS {
                // Without pictures there is nothing to show large, and help does not depend on the state.
                if state != "ready" && matches!(view, "picture" | "pair" | "help" | "filter") {
                    continue;
                }
                let mut explorer = explorer_in(state, setup(width, height));
                explorer.keys(keys);
                insta::assert_snapshot!(format!("{view}_{state}_{width}x{height}"), styled(&explorer.frame()));
            }
        }
    }
}

#[test]
fn no_size_panics_nor_does_one_that_the_explorer_does_not_know_of_yet() {
    let sizes = [(0, 0), (1, 1), (2, 2), (5, 3), (10, 5), (20, 8), (40, 12), (33, 17), (64, 16), (80, 24), (250, 90)];
    for state in STATES {
        for (view, keys) in VIEWS {
            for (width, height) in sizes {
                let mut explorer = explorer_in(state, setup(80, 24));
                explorer.keys(keys);
                explorer.update(lookalike::app::Event::Resize(width, height));
                explorer.frame();
                explorer.frame_at(7, 4);
                explorer.keys("Down Right m + - PgDn");
                let buffer = explorer.frame();
                assert_eq!((buffer.area.width, buffer.area.height), (width, height), "{view} {state}");
            }
        }
    }
}

#[test]
fn every_cell_of_the_heatmap_has_the_color_of_its_value() {
    for depth in [Depth::True, Depth::Indexed256, Depth::Ansi16] {
        for metric in [Metric::Cosine, Metric::Euclidean] {
            for (size, len) in [((80, 24), 6), ((120, 40), 9), ((120, 40), 24), ((80, 24), 30), ((80, 24), 200)] {
                let mut explorer = Explorer::ready(Setup { depth, metric, ..setup(size.0, size.1) }, len);
                explorer.key("2");
                check_cells(&explorer, Theme::new(depth, Background::Unknown), metric);
            }
        }
    }
}

#[test]
fn the_overview_uses_the_whole_ramp_and_panning_does_not_change_colors() {
    let mut explorer = Explorer::ready(setup(80, 24), 400);
    explorer.keys("2 0");
    let overview = explorer.app.screens.heatmap.range;
    let (_, window) = explorer.app.screens.heatmap.shown.clone().expect("a window");
    let most = |from: f32, pick: fn(f32, f32) -> f32| window.values.iter().copied().fold(from, pick);
    let likenesses = [most(f32::INFINITY, f32::min), most(f32::NEG_INFINITY, f32::max)];
    let [low, high] = likenesses.map(|value| Metric::Cosine.likeness(value, overview));
    assert!(low < 0.1 && high > 0.95, "from {low} to {high}");
    explorer.keys("+ g");
    let range = explorer.app.screens.heatmap.range;
    explorer.key("G");
    assert_eq!(explorer.app.screens.heatmap.range, range);
    assert!(range.0 < overview.0 && range.1 > overview.1, "single values spread wider than means");
}

#[track_caller]
fn check_cells(explorer: &Explorer, theme: Theme, metric: Metric) {
    let (app, buffer) = (&explorer.app, explorer.frame());
    let (plot, heat) = (explorer.plot(), &app.screens.heatmap);
    if plot.partition.is_single() {
        assert_eq!(heat.range, heat.rows.as_ref().expect("rows").rows.range(metric));
    }
    let (_, window) = heat.shown.as_ref().expect("a window");
    let cursor = heat.cursor(app.shared.selected, plot.partition);
    for (row, r) in window.view.rows.clone().enumerate() {
        for (col, c) in window.view.cols.clone().enumerate().filter(|(_, c)| (r, *c) != cursor) {
            let value = window.get(r, c).expect("inside");
            let likeness = metric.likeness(value, heat.range);
            let (x, y) = plot.corner(row, col);
            let cell = &buffer[(x, y / 2)];
            let color = if plot.cell.halves == 1 && y.is_multiple_of(2) { cell.fg } else { cell.bg };
            assert_eq!(color, theme.ramp(likeness), "cell {r},{c} = {value}");
            if r == c && plot.partition.is_single() {
                assert_eq!(color, theme.ramp(1.0), "the diagonal is the most alike");
                assert_eq!(value, metric.self_value());
            }
        }
    }
}

#[test]
fn without_colors_the_heatmap_is_drawn_in_shades_and_numbers() {
    for (len, keys) in [(9, "2"), (40, "2")] {
        let mut explorer = Explorer::ready(Setup { depth: Depth::Mono, ..setup(80, 24) }, len);
        explorer.keys(keys);
        insta::assert_snapshot!(format!("heatmap_mono_{len}"), styled(&explorer.frame()));
    }
}

#[test]
fn hostile_names_do_not_reach_the_terminal() {
    let names = ["\u{1b}]0;title\u{7}.jpg", "a\nb.jpg", "\u{202e}gpj.exe.jpg", "very long name ".repeat(30).as_str()]
        .map(str::to_owned);
    let images = names.iter().map(|name| Image {
        file: ImageFile { path: format!("/pictures/{name}/{name}").into(), size: 1, modified: 0, changed: 0 },
        pixels: (1, 1),
        format: "PNG",
    });
    let mut index = Index::new(2);
    let embeddings: Vec<_> = (0..names.len()).map(|at| vec![1.0, at as f32]).collect();
    index.push(Arc::new(Segment::pack(Arc::from(Path::new("/pictures")), images, &embeddings, 2)));
    for (_, keys) in VIEWS {
        for size in [(80, 24), (120, 40), (40, 12)] {
            let mut explorer = Explorer::started(setup(size.0, size.1));
            let skipped = Skipped { path: "/pictures/\u{1b}[31m".into(), reason: "bad\u{1b}[2J".into() };
            explorer.indexed(Arc::new(index.clone()), vec![skipped]);
            explorer.keys(keys);
            for step in ["Esc", "Right", "Down", "y"] {
                explorer.keys(step);
                for cell in &explorer.frame().content {
                    assert!(!cell.symbol().chars().any(|c| c.is_control() || c == '\u{202e}'), "{:?}", cell.symbol());
                }
            }
        }
    }
}

#[test]
fn light_screens_get_dark_ink() {
    let mut explorer = explorer_in("ready", Setup { background: Background::Light, ..setup(80, 24) });
    explorer.key("3");
    insta::assert_snapshot!("neighbors_light_80x24", styled(&explorer.frame()));
}

#[test]
fn a_graph_that_is_not_exact_is_said_to_be_none() {
    let mut explorer = explorer_in("ready", setup(80, 24));
    explorer.hold();
    explorer.keys("4");
    let (id, job) = explorer.held_tasks(Lane::Alike).pop().expect("all with all");
    let Job::Make { index, task: Task::Alike(range, None) } = job else { panic!("nothing is known yet") };
    let exact = graph::build(&index, LookAlikes::METRIC, 16, &sequential, &|| false, &mut |_| ()).expect("a graph");
    // As one is read that was kept with this recall.
    let mut bytes = exact.to_bytes(|id| Some(id.0));
    bytes.truncate(bytes.len() - 4);
    bytes[12..16].copy_from_slice(&0.978_f32.to_le_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    let read = Graph::from_bytes(&bytes, LookAlikes::METRIC, &index, |row| Some(ImageId(row))).expect("a graph");
    let known = Arc::new(LookAlikes::of_graph(read, range).expect("of the right kind"));
    explorer.done(id, Job::Make { index, task: Task::Alike(range, Some(known)) });
    let frame = styled(&explorer.frame());
    assert!(frame.contains("· approximate (97 %)"), "{frame}");
}
