//! Frames, with their colors: every screen in every state, and the heatmap cell by cell.

use std::{path::Path, sync::Arc};

use crate::explorer::{Explorer, collection, setup, styled};
use lookalike::{
    app::{Setup, screens::heatmap::Plot},
    display::{Background, Depth},
    index::{Image, Index, Segment, Skipped, SkippedKind},
    scan::ImageFile,
    similarity::{self, Metric, Query},
    ui::theme::Theme,
};
use ratatui::backend::{Backend, CrosstermBackend};

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
                kind: SkippedKind::Damaged,
                reason: (*reason).to_owned(),
            });
            explorer.indexed(Arc::new(collection(24)), skipped.collect());
            explorer
        }
    }
}

/// Every screen and what can lie on top, with the keys that lead there.
const VIEWS: &[(&str, &str)] = &[
    ("browse", "1"),
    ("heatmap", "2"),
    ("neighbors", "3"),
    ("alike", "4 - - - -"),
    ("map", "5 t t"),
    ("groups", "6 Down"),
    ("groups_noise", "6 o End r s h i p s Enter"),
    ("outliers", "7"),
    ("outliers_folder", "7 o s Right"),
    ("labels", "8"),
    ("mislabeled", "8 o"),
    ("models", "9 Enter"),
    ("figures", "9 Enter o"),
    ("two_heatmaps", "9 Enter o o"),
    ("problems", "!"),
    ("picture", "l v"),
    ("pair", "2 Enter"),
    ("help", "?"),
    ("filter", "/ c a t"),
    ("why", "2 Right w w"),
    ("moving", "Space l Space d"),
];

#[test]
fn every_screen_in_every_state() {
    for (width, height) in [(80, 24), (120, 40)] {
        for state in STATES {
            for (view, keys) in VIEWS.iter().copied() {
                // Without pictures there is nothing to show large, and help does not depend on the state.
                if state != "ready"
                    && matches!(
                        view,
                        "picture"
                            | "pair"
                            | "help"
                            | "filter"
                            | "groups_noise"
                            | "outliers_folder"
                            | "mislabeled"
                            | "figures"
                            | "two_heatmaps"
                            | "why"
                            | "moving"
                    )
                {
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
        for (view, keys) in VIEWS.iter().copied() {
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

/// Columns and rows that the cells of the whole table take, and those that they could.
fn space(width: u16, height: u16, len: usize) -> ([u16; 2], [u16; 2], Plot) {
    let mut explorer = Explorer::ready(setup(width, height), len);
    explorer.keys("2");
    let plot = explorer.plot();
    assert!(plot.shows_all(), "{len} pictures at {width}×{height}");
    let side = plot.partition.side();
    let used = [plot.across.edge(side), plot.down.edge(side).div_ceil(2)];
    (used, [plot.cells.width, plot.cells.height], plot)
}

/// Prints the share of the plot that the table takes: `cargo test --test it screens::the_table -- --nocapture`.
#[test]
fn the_table_is_as_large_as_its_plot_lets_it_be() {
    for (width, height) in [(80, 24), (120, 36), (200, 50)] {
        println!("{width}×{height}");
        for len in 1..=64 {
            let (used, room, plot) = space(width, height, len);
            let share = 100.0 * f32::from(used[0] * used[1]) / f32::from(room[0] * room[1]);
            let cell = plot.cell;
            let (rows, number) = (f32::from(cell.halves) / 2.0, if cell.has_number() { "number" } else { "" });
            println!("{len:4} {:>2}×{rows:<3} {:>3}×{:<2} {share:3.0} % {number}", cell.width, used[0], used[1]);
            if !plot.partition.is_single() {
                assert!(len > usize::from(room[0].min(2 * room[1])), "{len} fit one by one");
                assert_eq!(used, room, "{len} at {width}×{height}: {plot:?}");
                continue;
            }
            let all = len as u16;
            if cell.has_number() {
                // One column or half a row more for every picture would not fit, or makes no difference to the eye.
                let higher = all * (cell.halves + if cell.halves < 4 { 1 } else { 2 });
                assert!(cell.width == 24 || all * (cell.width + 1) > room[0], "{len} at {width}×{height}: {plot:?}");
                assert!(cell.halves == 20 || higher > 2 * room[1], "{len} at {width}×{height}: {plot:?}");
            } else {
                let widest = if cell.halves == 1 { 3 } else { 24 };
                assert_eq!(used, [room[0].min(all * widest), room[1]], "{len} at {width}×{height}: {plot:?}");
            }
            let (share, least) = match (width, len) {
                (120 | 200, 9) => (share, 80.0),
                (120 | 200, 24 | 37) => (share, 60.0),
                _ => continue,
            };
            assert!(share >= least, "{len} pictures take {share} % at {width}×{height}");
        }
    }
    for (size, len) in [((80, 24), 9), ((80, 24), 11), ((120, 36), 16), ((200, 50), 24)] {
        assert!(space(size.0, size.1, len).2.cell.has_number(), "{len} at {size:?}");
    }
}

#[test]
fn every_cell_of_the_heatmap_has_the_color_of_its_value() {
    for depth in [Depth::True, Depth::Indexed256, Depth::Ansi16] {
        for metric in [Metric::Cosine, Metric::Euclidean] {
            for (size, len) in [((80, 24), 6), ((120, 40), 9), ((120, 40), 24), ((80, 24), 30), ((80, 24), 200)] {
                let mut explorer = Explorer::ready(Setup { depth, metric, ..setup(size.0, size.1) }, len);
                explorer.keys("2");
                check_cells(&explorer, Theme::new(depth, Background::Unknown), metric);
            }
        }
    }
}

#[test]
fn the_overview_uses_the_whole_ramp_and_panning_does_not_change_colors() {
    let mut explorer = Explorer::ready(setup(80, 24), 400);
    explorer.keys("2 0");
    let overview = explorer.app.screens.heatmap.ramp.range;
    let (_, window) = explorer.app.screens.heatmap.shown.clone().expect("a window");
    let most = |from: f32, pick: fn(f32, f32) -> f32| window.values.iter().copied().fold(from, pick);
    let likenesses = [most(f32::INFINITY, f32::min), most(f32::NEG_INFINITY, f32::max)];
    let [low, high] = likenesses.map(|value| Metric::Cosine.likeness(value, overview));
    assert!(low < 0.1 && high > 0.95, "from {low} to {high}");
    explorer.keys("+ g");
    let range = explorer.app.screens.heatmap.ramp.range;
    explorer.key("G");
    assert_eq!(explorer.app.screens.heatmap.ramp.range, range);
    assert!(range.0 < overview.0 && range.1 > overview.1, "single values spread wider than means");
}

/// The glyphs of a frame, line by line.
fn lines(explorer: &Explorer) -> Vec<String> {
    let buffer = explorer.frame();
    let row = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..buffer.area.height).map(row).collect()
}

#[test]
fn the_heatmap_is_never_without_names_values_and_whole_ranks() {
    for (width, height) in [(40, 12), (50, 60), (60, 20), (80, 24), (120, 36), (200, 50)] {
        for len in [9, 2_400] {
            let mut explorer = Explorer::ready(setup(width, height), len);
            explorer.keys("2 + + + + + + + + + + + + + Down Right Right Right");
            assert!(explorer.plot().partition.is_single());
            let shared = &explorer.app.shared;
            let [row, col] = explorer.app.screens.heatmap.shown_pair(shared).expect("a pair");
            let comparison = similarity::compare(&shared.index, &Query::Image(row));
            let lines = lines(&explorer);
            let status = lines.last().expect("a line");
            let beside = explorer.plot().panel.is_some();
            for metric in Metric::ALL {
                let value = lookalike::text::value(comparison.value(metric, col));
                let rank = format!("#{}", lookalike::text::count(comparison.rank(metric, col).expect("a rank")));
                let told = |line: &String| line.contains(&value) && (line.contains(&rank) || line.contains("rank "));
                assert!(if beside { lines.iter().any(told) } else { told(status) }, "{status:?}: {value} {rank}");
                // Beside the pictures a rank is whole too.
                for line in lines[1..].iter().filter(|line| line.contains('│')) {
                    let panel = line.rsplit('│').next().unwrap_or_default();
                    let cut = panel.contains(metric.name())
                        && !panel.contains(&rank)
                        && !panel.contains(&format!("{} of", &rank[1..]));
                    assert!(!cut, "{panel:?} lacks {rank}");
                }
            }
            for id in [row, col] {
                let name = explorer.name(Some(id));
                let stem = name.trim_end_matches(".jpg");
                let shown = status.contains(stem) || status.contains(&stem[stem.len() - 1..]) && status.contains('…');
                assert!(shown, "{status:?} lacks {stem}");
            }
        }
    }
}

#[test]
fn over_the_clusters_of_the_heatmap_no_number_is_cut() {
    for (width, height) in [(40, 12), (60, 20), (80, 24), (120, 36), (200, 50)] {
        for len in [9, 24, 60, 300] {
            let mut explorer = Explorer::ready(setup(width, height), len);
            explorer.keys("2 o");
            let header = &lines(&explorer)[usize::from(explorer.plot().top.y)];
            let cut = header
                .match_indices('…')
                .any(|(at, _)| header[..at].ends_with(|c: char| c == '.' || c.is_ascii_digit()));
            assert!(!cut, "{header:?} at {width}×{height}");
        }
    }
}

#[test]
fn a_block_says_what_it_is_and_shows_its_best_pair() {
    let mut explorer = Explorer::ready(setup(120, 36), 300);
    explorer.keys("2 Down Right Right");
    let shared = &explorer.app.shared;
    let heat = &explorer.app.screens.heatmap;
    let block = heat.block(shared).expect("300 pictures do not fit one by one");
    let mut best = (f32::NEG_INFINITY, None);
    let [block_rows, block_cols] = [&block.rows, &block.cols].map(|part| &block.order.ids[part.clone()]);
    for row in block_rows {
        let comparison = similarity::compare(&shared.index, &Query::Image(*row));
        for col in block_cols.iter().filter(|col| *col != row) {
            let value = comparison.value(Metric::Cosine, *col);
            if value > best.0 {
                best = (value, Some([*row, *col]));
            }
        }
    }
    assert_eq!(heat.shown_pair(shared), best.1);
    let mean = lookalike::text::value(heat.block_mean(shared).flatten().expect("a mean"));
    let (rows, cols) = (block.rows.len(), block.cols.len());
    let text = lines(&explorer).join("\n");
    for words in [
        format!("{rows} × {cols} · mean {mean}"),
        format!("best {} · worst", lookalike::text::value(best.0)),
        "b best pair".to_owned(),
    ] {
        assert!(text.contains(&words), "no {words:?} in {text}");
    }
    explorer.key("b");
    let names = best.1.expect("a pair").map(|id| explorer.name(Some(id)));
    assert!(explorer.state().ends_with(&format!("pair {} {}", names[0], names[1])));
    explorer.keys("Esc Enter");
    assert!(explorer.app.over.is_empty(), "a block is opened by looking into it");
    assert!(lines(&explorer)[2].contains(" · rows "), "{}", lines(&explorer)[2]);
    while !explorer.plot().partition.is_single() {
        explorer.key("Enter");
    }
    explorer.key("Enter");
    assert!(explorer.state().contains("pair"), "a cell of one pair is opened as that pair");
}

#[test]
fn a_step_of_the_cursor_costs_few_bytes() {
    for len in [5, 9, 16, 24, 37, 300] {
        let mut explorer = Explorer::ready(setup(120, 36), len);
        explorer.keys("2 Down Right Right");
        // What comes with a rest is gone with the first key.
        explorer.hurry("Right Left");
        let mut costs = Vec::new();
        for step in ["Right", "Down", "Right", "Down", "Left", "Up", "Down", "Right"] {
            let before = explorer.frame();
            explorer.key(step);
            let mut written = Vec::new();
            let mut backend = CrosstermBackend::new(&mut written);
            backend.draw(before.diff(&explorer.frame()).into_iter()).expect("a Vec takes everything");
            // The panel's placeholders stand for pictures, which wait until the cursor rests.
            costs.push(written.len());
        }
        costs.sort_unstable();
        println!("{len:4} pictures: {costs:?}");
        assert!(costs[costs.len() / 2] <= 1400, "{len} pictures: {costs:?}");
        assert!(costs[costs.len() - 1] <= 2048, "{len} pictures: {costs:?}");
    }
}

#[test]
fn the_legend_says_what_the_colors_span() {
    let mut explorer = Explorer::ready(setup(120, 36), 24);
    explorer.keys("2");
    let legend = |explorer: &Explorer| {
        let plot = explorer.plot();
        lines(explorer)[usize::from(plot.legend.y)].chars().take(plot.legend.width.into()).collect::<String>()
    };
    let (_, window) = explorer.app.screens.heatmap.shown.clone().expect("a window");
    let (low, high) = explorer.app.screens.heatmap.ramp.range;
    let pairs = (0..24).flat_map(|row| (0..24).map(move |col| (row, col))).filter(|(row, col)| row != col);
    let values: Vec<_> = pairs.filter_map(|(row, col)| window.get(row, col)).collect();
    assert!(values.iter().any(|value| *value < low) && values.iter().any(|value| *value > high));
    let own = legend(&explorer);
    for end in [format!("≤ {low:.3}"), format!("≥ {high:.3}"), "┃".to_owned()] {
        assert!(own.contains(&end), "no {end:?} in {own:?}");
    }
    explorer.keys("c m m");
    assert_eq!(explorer.app.screens.heatmap.ramp.range, (0.0, 1.0));
    let fixed = legend(&explorer);
    assert!(fixed.contains(" 0.000 ") && fixed.contains(" 1.000 ") && fixed.contains("fixed scale"), "{fixed:?}");
    explorer.keys("c");
    let heat = &explorer.app.screens.heatmap;
    let bright = values.iter().filter(|value| heat.ramp.likeness(Metric::Cosine, **value) > 0.5).count();
    assert!(bright.abs_diff(values.len() / 2) <= values.len() / 20, "half of them: {bright} of {}", values.len());
    explorer.keys("c Esc 2");
    assert_eq!(legend(&explorer), own);
    let mut small = Explorer::ready(setup(80, 24), 11);
    small.key("2");
    let shown = legend(&small);
    assert!(small.plot().cell.width < 6 && shown.contains("× 100"), "{shown:?}");
}

#[test]
fn zooming_keeps_the_place_of_the_cursor_on_the_screen() {
    let mut explorer = Explorer::ready(setup(120, 36), 300);
    explorer.keys("2 0");
    for _ in 0..20 {
        explorer.keys("Down Right");
    }
    let place = |explorer: &Explorer| {
        let (plot, heat) = (explorer.plot(), &explorer.app.screens.heatmap);
        let cursor = heat.cursor(explorer.app.shared.selected, plot.partition);
        let (x, y) = plot.corner(cursor.0 - heat.first.0, cursor.1 - heat.first.1);
        let side = plot.partition.side();
        let free = |first: usize, fits: usize| first > 0 && first + fits < side;
        (x, y, plot.cell, free(heat.first.1, plot.fits.1), free(heat.first.0, plot.fits.0))
    };
    let mut kept = 0;
    let mut before = place(&explorer);
    for step in 0..5 {
        explorer.key("+");
        let after = place(&explorer);
        let apart = (before.0.abs_diff(after.0), before.1.abs_diff(after.1));
        // At the edges of the table there is no other place for it.
        assert!(!after.3 || apart.0 <= after.2.width, "{step}: {before:?} became {after:?}");
        assert!(!after.4 || apart.1 <= after.2.halves, "{step}: {before:?} became {after:?}");
        kept += usize::from(after.3 && after.4);
        before = after;
    }
    assert!(kept >= 3, "kept {kept} times");
}

#[track_caller]
fn check_cells(explorer: &Explorer, theme: Theme, metric: Metric) {
    let (app, buffer) = (&explorer.app, explorer.frame());
    let (plot, heat) = (explorer.plot(), &app.screens.heatmap);
    if plot.partition.is_single() {
        assert_eq!(heat.ramp.range, heat.rows.as_ref().expect("rows").rows.range(metric));
    }
    let (_, window) = heat.shown.as_ref().expect("a window");
    let cursor = heat.cursor(app.shared.selected, plot.partition);
    for (row, r) in window.view.rows.clone().enumerate() {
        for (col, c) in window.view.cols.clone().enumerate().filter(|(_, c)| (r, *c) != cursor) {
            let value = window.get(r, c).expect("inside");
            let likeness = heat.ramp.likeness(metric, value);
            let (x, y) = plot.corner(row, col);
            let half = plot.cell.halves == 1;
            let cell = &buffer[(x, if half { y / 2 } else { plot.line(row, col).y })];
            let upper = y.is_multiple_of(2) && plot.down.length(row) == 1;
            let color = if half && upper { cell.fg } else { cell.bg };
            let lit = plot.is_lit((r, c), cursor);
            if plot.partition.is_itself(r, c) {
                assert_eq!(color, theme.apart(), "the diagonal is no data");
                assert_eq!(value, metric.self_value());
            } else {
                assert_eq!(color, theme.ramp(likeness, lit), "cell {r},{c} = {value}");
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
        face: None,
    });
    let mut index = Index::new(2);
    let embeddings: Vec<_> = (0..names.len()).map(|at| vec![1.0, at as f32]).collect();
    index.push(Arc::new(Segment::pack(Arc::from(Path::new("/pictures")), images, &embeddings, 2)));
    for (_, keys) in VIEWS.iter().copied() {
        for size in [(80, 24), (120, 40), (40, 12)] {
            let mut explorer = Explorer::started(setup(size.0, size.1));
            let skipped = Skipped {
                path: "/pictures/\u{1b}[31m".into(),
                kind: SkippedKind::Damaged,
                reason: "bad\u{1b}[2J".into(),
            };
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
