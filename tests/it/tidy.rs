//! The rules of the house: who may import whom, what may be named where, and how a file looks.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// One source file of the program.
struct Source {
    /// Relative to `src`, with slashes: `embed/resnet.rs`.
    path: String,
    /// All of it.
    text: String,
    /// Without comments and without its tests.
    code: String,
}

impl Source {
    /// The room it is in: `embed` for `embed.rs` and `embed/resnet.rs`.
    fn room(&self) -> &str {
        let room = self.path.split('/').next().unwrap_or_default();
        room.strip_suffix(".rs").unwrap_or(room)
    }

    /// Whether it is one of these files, or in one of these folders, or the file that a folder belongs to.
    fn is_in(&self, places: &[&str]) -> bool {
        let path = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        places.iter().any(|place| path == *place || path.strip_prefix(place).is_some_and(|rest| rest.starts_with('/')))
    }
}

/// Every file under `src`, in order.
fn sources() -> Vec<Source> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = files(&src);
    paths.sort();
    assert!(paths.len() > 10, "the sources are not where this test looks for them");
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let path = path.strip_prefix(&src).unwrap().to_string_lossy().replace('\\', "/");
        let code = if path.ends_with("tests.rs") { String::new() } else { code_of(&text) };
        Source { path, text, code }
    };
    paths.into_iter().map(read).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The lines before the tests, which come last in a file.
fn before_tests(text: &str) -> impl Iterator<Item = &str> {
    text.lines().take_while(|line| line.trim() != "#[cfg(test)]")
}

/// The text without comments and without tests.
fn code_of(text: &str) -> String {
    let mut code = String::new();
    for line in before_tests(text).filter(|line| !line.trim_start().starts_with("//")) {
        code.push_str(line.split(" // ").next().unwrap_or_default());
        code.push('\n');
    }
    code
}

/// Whether `name` occurs as a word of its own.
fn names(code: &str, name: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(name).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        !before.ends_with(part) && !after.starts_with(part)
    })
}

/// The rooms that a file takes something from: the names after `crate::`, also those in braces.
fn imports(code: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for (at, prefix) in code.match_indices("crate::") {
        let rest = &code[at + prefix.len()..];
        let Some(list) = rest.strip_prefix('{') else {
            rooms.push(first_name(rest));
            continue;
        };
        let (mut depth, mut item) = (1, String::new());
        for c in list.chars() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 || (depth == 1 && c == ',') {
                rooms.push(first_name(item.trim()));
                item.clear();
            } else {
                item.push(c);
            }
            if depth == 0 {
                break;
            }
        }
    }
    rooms.retain(|room| !room.is_empty());
    rooms.sort();
    rooms.dedup();
    rooms
}

fn first_name(path: &str) -> String {
    path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[track_caller]
fn none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn rooms_import_only_from_rooms_below_them() {
    /// Anybody may use these.
    const COMMON: [&str; 5] = ["cancel", "display", "error", "printable", "text"];
    /// Each room, and what it may use besides itself; a room that is not named here may use nothing.
    const ALLOWED: [(&str, &[&str]); 13] = [
        (
            "cli",
            &[
                "event_loop",
                "terminal",
                "pipeline",
                "worker",
                "preview",
                "scan",
                "decode",
                "embed",
                "index",
                "similarity",
                "analysis",
                "live",
            ],
        ),
        ("event_loop", &["terminal", "ui", "app", "worker", "preview", "similarity"]),
        ("terminal", &["preview"]),
        ("ui", &["app", "analysis", "similarity", "index", "preview"]),
        ("app", &["analysis", "similarity", "index", "worker", "preview"]),
        ("worker", &["pipeline", "scan", "decode", "embed", "index", "similarity", "analysis", "live", "preview"]),
        ("pipeline", &["scan", "decode", "embed", "index"]),
        ("live", &["embed", "similarity", "index"]),
        ("analysis", &["similarity", "index"]),
        ("preview", &["index"]),
        ("similarity", &["index"]),
        ("index", &["scan"]),
        ("embed", &["decode"]),
    ];
    let mut found = Vec::new();
    for source in sources() {
        let allowed = ALLOWED.iter().find(|(room, _)| *room == source.room()).map_or([].as_slice(), |(_, rooms)| rooms);
        for room in imports(&source.code) {
            if room != source.room() && !COMMON.contains(&room.as_str()) && !allowed.contains(&room.as_str()) {
                found.push(format!("{} imports {room}", source.path));
            }
        }
    }
    none("imports against the order of the rooms (see the crate's documentation)", &found);
}

#[test]
fn what_belongs_to_one_place_is_named_only_there() {
    const ONLY: [(&str, &[&str]); 19] = [
        ("tch", &["embed"]),
        ("ratatui_image", &["preview", "ui", "terminal"]),
        ("ratatui", &["display", "preview", "app/keymap", "ui", "terminal", "event_loop"]),
        ("crossterm", &["app", "terminal", "event_loop"]),
        ("walkdir", &["scan"]),
        ("rusqlite", &["index/store"]),
        ("SELECT", &["index/store"]),
        ("memmap2", &["index/store"]),
        ("unsafe", &["index/store"]),
        ("thread::spawn", &["worker", "terminal", "embed/batcher"]),
        ("thread::scope", &["worker", "terminal", "embed/batcher"]),
        ("thread::Builder", &["worker", "terminal", "embed/batcher"]),
        ("signal_hook", &["cli/interrupt", "terminal"]),
        ("ureq", &["embed/download"]),
        ("ImageReader", &["decode"]),
        ("image::open", &["decode"]),
        ("load_from_memory", &["decode"]),
        ("jpeg_decoder", &["decode"]),
        ("zune_jpeg", &["decode"]),
    ];
    let mut found = Vec::new();
    for source in sources() {
        for (name, places) in ONLY {
            if names(&source.code, name) && !source.is_in(places) {
                found.push(format!("{} names {name}, which belongs to {}", source.path, places.join(", ")));
            }
        }
    }
    none("names out of their place", &found);
}

#[test]
fn numbers_come_from_their_arguments_alone() {
    let mut found = Vec::new();
    for source in sources().into_iter().filter(|source| source.is_in(&["similarity", "analysis"])) {
        for name in ["fs", "File", "Instant", "SystemTime", "RandomState", "env"] {
            if names(&source.code, name) {
                found.push(format!("{} names {name}", source.path));
            }
        }
    }
    none("similarity and analysis read no file, no clock and no chance", &found);
}

#[test]
fn every_file_says_what_it_owns_and_stays_readable() {
    const CEILING: usize = 500;
    let mut found = Vec::new();
    for source in sources() {
        if !source.text.starts_with("//! ") {
            found.push(format!("{} does not begin with what it owns", source.path));
        }
        let lines = before_tests(&source.text).count();
        if lines > CEILING {
            found.push(format!("{} has {lines} lines before its tests: split it", source.path));
        }
        if source.path.ends_with("mod.rs") {
            found.push(format!("{} should be a file named after its folder", source.path));
        }
    }
    none("files", &found);
}

#[test]
fn nothing_is_left_to_panic_or_printed_past_its_writer() {
    const NEVER: [&str; 7] = ["todo!", "unimplemented!", "dbg!", "println!", "print!", "eprintln!", "eprint!"];
    let mut found = Vec::new();
    for source in sources() {
        let panics = source.code.contains(".unwrap()").then_some(".unwrap()");
        for name in NEVER.into_iter().filter(|name| names(&source.code, name)).chain(panics) {
            found.push(format!("{} has {name}", source.path));
        }
    }
    none("outside tests", &found);
}

#[test]
fn the_top_level_holds_nothing_else() {
    const EXPECTED: [&str; 13] = [
        "Cargo.toml",
        "Cargo.lock",
        "src",
        "models",
        "sample_images",
        "tests",
        "README.md",
        "Makefile",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "CHANGELOG.md",
        "build.rs",
        "target",
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let found: Vec<_> = entries.filter(|name| !name.starts_with('.') && !EXPECTED.contains(&name.as_str())).collect();
    none("files at the top level that belong further down", &found);
}

#[test]
fn this_test_reads_imports_and_words_rightly() {
    let code =
        "use crate::{\n    app::{App, Event},\n    error::Result,\n    ui,\n};\nfn f() { crate::display::to_256(x) }";
    assert_eq!(imports(code), ["app", "display", "error", "ui"]);
    assert!(names("use ratatui::Frame;", "ratatui") && !names("use ratatui_image::Image;", "ratatui"));
    assert!(!names("eprintln!()", "println!") && names("println!()", "println!"));
    assert_eq!(code_of("//! Doc.\nfn a() {} // why\n#[cfg(test)]\nmod tests {}"), "fn a() {}\n");
}
