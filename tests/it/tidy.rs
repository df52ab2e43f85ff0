//! The rules of the house: who may import whom, what may be named where, and how a file looks.

mod reading;
mod rooms;

use std::{collections::BTreeMap, fs, path::Path};

use reading::{before_tests, behind_tests, circles, files, imports, imports_inside_rooms, names, public_type, sources};

/// How many lines a file may have, tests behind the code of a source file aside.
const CEILING: usize = 500;

#[track_caller]
fn none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn rooms_import_only_from_rooms_below_them() {
    /// Anybody may use these.
    const COMMON: &[&str] =
        &["cancel", "display", "environment", "error", "face", "files", "folders", "printable", "text"];
    /// Each room, and what it may use besides itself; a room that is not named here may use nothing.
    const ALLOWED: [(&str, &[&str]); 16] = [
        (
            "cli",
            &[
                "event_loop",
                // The manual page has the table of keys.
                "app",
                "terminal",
                "pipeline",
                "worker",
                "disposal",
                "task",
                "preview",
                "scan",
                "decode",
                "embed",
                "index",
                "similarity",
                "order",
                "analysis",
                "live",
            ],
        ),
        (
            "event_loop",
            &["terminal", "ui", "app", "worker", "task", "preview", "similarity", "analysis", "live", "index"],
        ),
        ("terminal", &["preview"]),
        ("ui", &["app", "task", "analysis", "similarity", "order", "index", "preview"]),
        ("app", &["task", "analysis", "similarity", "order", "index", "preview"]),
        ("task", &["analysis", "similarity", "order", "index", "preview"]),
        ("order", &["similarity", "index"]),
        (
            "worker",
            &[
                "disposal",
                "task",
                "pipeline",
                "scan",
                "decode",
                "embed",
                "index",
                "similarity",
                "analysis",
                "live",
                "preview",
            ],
        ),
        ("disposal", &["task"]),
        ("pipeline", &["scan", "decode", "embed", "index"]),
        ("live", &["scan", "decode", "embed", "analysis"]),
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
fn no_files_of_a_room_import_each_other_in_a_circle() {
    none("circles", &circles(&imports_inside_rooms(&sources())));
}

#[test]
fn what_belongs_to_one_place_is_named_only_there() {
    const ONLY: &[(&str, &[&str])] = &[
        ("tch", &["embed"]),
        ("ratatui_image", &["preview", "ui", "terminal"]),
        ("ratatui", &["display", "preview", "app/keymap", "ui", "terminal", "event_loop"]),
        ("crossterm", &["app", "terminal", "event_loop"]),
        ("walkdir", &["scan"]),
        // An empty variable is an unset one, which whoever asks the system must remember.
        ("env::var", &["environment"]),
        ("env::var_os", &["environment"]),
        ("etcetera", &["folders"]),
        ("rusqlite", &["index/store"]),
        ("SELECT", &["index/store"]),
        ("memmap2", &["index/store"]),
        ("unsafe", &["embed/memory", "index/store", "main", "terminal/fatal"]),
        ("libc", &["embed/memory", "terminal/fatal"]),
        // Nothing but what moves files away, and back.
        ("trash::delete", &["disposal"]),
        ("thread::spawn", &["worker", "terminal", "embed/batcher"]),
        ("thread::scope", &["worker", "terminal", "embed/batcher"]),
        ("thread::Builder", &["worker", "terminal", "live", "embed/batcher", "embed/script", "index/store/lock"]),
        ("recommended_watcher", &["live/folder"]),
        ("Command::new", &["live/ffmpeg", "live/hook", "event_loop/viewer"]),
        ("jiff", &["live/keep", "event_loop/live"]),
        ("signal_hook", &["cli/interrupt", "terminal"]),
        ("ureq", &["embed/download"]),
        ("ImageReader", &["decode"]),
        ("image::open", &["decode"]),
        ("load_from_memory", &["decode"]),
        ("jpeg_decoder", &["decode"]),
        ("tiff::decoder", &["decode"]),
        // What is opened may have become a pipe since it was looked at, and a pipe is waited for.
        ("File::open", &["files"]),
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
fn files_are_opened_only_where_something_is_kept_or_read() {
    /// What opens a file or reads one whole. Asking whether it is there, how large it is or what its folder holds is free to all.
    const OPENING: [&str; 10] = [
        "File::open",
        "File::options",
        "File::create",
        "File::create_new",
        "File::open_buffered",
        "OpenOptions",
        "fs::read",
        "fs::read_to_string",
        "fs::write",
        "fs::copy",
    ];
    const PLACES: &[&str] = &[
        // How: regular files only.
        "files",
        // Pictures.
        "decode",
        // Manifests and weights, and what the system says about its processor and libraries.
        "embed/catalog",
        "embed/weights",
        "embed/download",
        "embed/device",
        // What is kept of an index.
        "index/store",
        // The terminal is a file.
        "terminal/device",
        // Frames that the user wants kept.
        "live/keep",
        // Files that go, and the list of them.
        "disposal",
        // The list of marked pictures.
        "worker/export",
        // Drawings.
        "cli/picture",
        // Faces that were cut out for the gallery.
        "worker/enroll",
        // Copies of the pictures of a group.
        "cli/links",
        // Labels, and what was corrected of them.
        "index/label_file",
        // What was learned from labels.
        "cli/labels/probe_file",
    ];
    let mut found = Vec::new();
    for source in sources().into_iter().filter(|source| !source.is_in(PLACES)) {
        for name in OPENING.into_iter().filter(|name| names(&source.code, name)) {
            found.push(format!("{} names {name}", source.path));
        }
    }
    none(&format!("files are opened only in {}", PLACES.join(", ")), &found);
}

#[test]
fn the_command_line_reaches_only_the_words_that_it_shares() {
    /// Outside `cli` only plain choices whose names a user types are known to the argument parser:
    /// `Method`; `OrderKind`; `Metric`; `Graphics`, `ColorChoice`, `BackgroundChoice`, and the group of the last three; `DebugFault`, for tests.
    const FILES: [&str; 5] =
        ["analysis/projection.rs", "event_loop.rs", "order.rs", "similarity.rs", "terminal/capabilities.rs"];
    let mut found = Vec::new();
    for source in sources().into_iter().filter(|source| source.room() != "cli" && names(&source.code, "clap")) {
        if !FILES.contains(&source.path.as_str()) {
            found.push(format!("{} names clap", source.path));
        }
        let name = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        let taken = source.code.match_indices("clap::").map(|(at, prefix)| name(&source.code[at + prefix.len()..]));
        found.extend(
            taken
                .filter(|name| !["ValueEnum", "Args"].contains(&name.as_str()))
                .map(|name| format!("{} takes {name} from clap", source.path)),
        );
    }
    none(&format!("clap belongs to cli, and its ValueEnum and Args to {}", FILES.join(", ")), &found);
}

#[test]
fn every_module_of_these_tests_runs_and_says_what_it_promises() {
    /// What the others share.
    const HARNESS: [&str; 3] = ["main", "explorer", "session"];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let mut found = Vec::new();
    for path in files(&folder).into_iter().filter(|path| path.extension().is_some_and(|kind| kind == "rs")) {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let promise: String = text.lines().map_while(|line| line.strip_prefix("//! ")).collect();
        if promise.is_empty() || !promise.ends_with(['.', ':']) {
            found.push(format!("{name} does not begin with a sentence on what it promises"));
        }
        let lines = text.lines().count();
        if lines > CEILING {
            found.push(format!("{name} has {lines} lines: split it"));
        }
        if HARNESS.contains(&name.as_str()) {
            continue;
        }
        let parent = path.parent().unwrap();
        let parent = if parent == folder { folder.join("main.rs") } else { parent.with_extension("rs") };
        if !fs::read_to_string(&parent).unwrap().contains(&format!("mod {name};")) {
            found.push(format!("{name} is not named in {}, so it never runs", parent.display()));
        }
        if !text.contains("#[test]") && !text.contains("proptest!") {
            found.push(format!("{name} has no test"));
        }
    }
    none("tests", &found);
}

/// A text without what is filled in.
fn without_braces(literal: &str) -> String {
    literal.split('{').map(|part| part.split_once('}').map_or(part, |(_, after)| after)).collect()
}

#[test]
fn sentences_take_their_keys_from_the_table_of_keys() {
    // The table itself, and the live view, whose keys are always the same.
    const FIXED: &[&str] = &["app/keymap", "app/binding", "app/live", "ui/live"];
    let mut found = Vec::new();
    for source in sources().into_iter().filter(|source| source.is_in(&["app", "ui"]) && !source.is_in(FIXED)) {
        let code = source.code.replace("\\\"", "").replace("'\"'", "");
        for literal in code.split('"').skip(1).step_by(2).filter(|literal| literal.contains(' ')) {
            // Where a line is typed, these keys mean what they mean in every such line.
            let typed =
                ["gives up", "give up", "Enter names it", "Tab: {}"].iter().any(|words| literal.contains(words));
            if !typed && let Some(key) = crate::moved_keys::names_a_key(&without_braces(literal), true) {
                found.push(format!("{}: {key}", source.path));
            }
        }
    }
    none("sentences that name a key which the user may have moved (see app/sentence.rs)", &found);
}

#[test]
fn numbers_come_from_their_arguments_alone() {
    let mut found = Vec::new();
    for source in sources().into_iter().filter(|source| source.is_in(&["similarity", "analysis", "order", "task"])) {
        for name in ["fs", "File", "Instant", "SystemTime", "RandomState", "env"] {
            if names(&source.code, name) {
                found.push(format!("{} names {name}", source.path));
            }
        }
    }
    none("similarity, analysis, order and task read no file, no clock and no chance", &found);
}

#[test]
fn every_file_says_what_it_owns_and_stays_readable() {
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
fn no_two_types_that_leave_their_room_share_a_name() {
    /// The live view, each screen and what draws them have the same parts, and see none of each other's.
    const APART: &[&str] = &["app/live", "app/screens", "event_loop/live", "ui"];
    /// Named with their module wherever they are used: of maps and of clusters, of the table of keys and of the page of help.
    const EXCEPT: [&str; 2] = ["Method", "Section"];
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources().into_iter().filter(|source| !source.is_in(APART)) {
        for name in source.code.lines().filter_map(public_type) {
            places.entry(name.to_owned()).or_default().push(source.path.clone());
        }
    }
    let found = places.into_iter().filter(|(name, places)| places.len() > 1 && !EXCEPT.contains(&name.as_str()));
    let found: Vec<_> = found.map(|(name, places)| format!("{name} in {}", places.join(", "))).collect();
    none("one name for two types: name each after what it is about", &found);
}

#[test]
fn tests_come_last_in_their_file() {
    let found = sources().into_iter().filter_map(|source| {
        let line = behind_tests(&source.text)?;
        Some(format!("{}: {line}", source.path))
    });
    none("lines behind the first `#[cfg(test)]` that are no test module", &found.collect::<Vec<_>>());
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
