//! The rules of the house: who may import whom, what may be named where, and how a file looks.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
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

    /// Its module: `["embed", "resnet"]`.
    fn module(&self) -> Vec<String> {
        let path = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        path.split('/').filter(|part| *part != "lib").map(str::to_owned).collect()
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
fn imports(code: &str) -> BTreeSet<String> {
    paths(code).into_iter().filter(|path| path[0] == "crate").filter_map(|path| path.into_iter().nth(1)).collect()
}

/// Every path that `use` names or that begins with `crate::` or `super::`, with its braces written out:
/// `super::{a::B, c}` is `super::a::B` and `super::c`.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for start in ["use ", "crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            if !code[..at].ends_with(|c: char| c.is_alphanumeric() || "_:".contains(c)) {
                let tree = if start == "use " { &code[at + start.len()..] } else { &code[at..] };
                write_out(tree, &[], &mut paths);
            }
        }
    }
    paths
}

/// Writes out the tree at the beginning of `text`; what is left of the text comes back.
fn write_out<'t>(text: &'t str, before: &[String], paths: &mut Vec<Vec<String>>) -> &'t str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = write_out(rest, before, paths).trim_start();
            // Anything else ends what was no list of paths, words in a text for example.
            match rest.strip_prefix(',') {
                Some(more) => rest = more,
                None => return rest.strip_prefix('}').unwrap_or(rest),
            }
        }
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let path = [before, &[name.to_owned()]].concat();
    if let Some(rest) = rest.strip_prefix("::") {
        return write_out(rest, &path, paths);
    }
    if !name.is_empty() {
        paths.push(path);
    }
    // A glob, a new name (`as`), or something that is no path at all.
    &rest[rest.find([',', '}', ';']).unwrap_or(rest.len())..]
}

/// The files of the same room that each file takes something from. A file's own folder counts as nobody's: what stands
/// in `embed.rs` is what the files of `embed` share. A name that `embed.rs` only hands on is its owner's.
fn imports_inside_rooms(sources: &[Source]) -> BTreeMap<String, BTreeSet<String>> {
    let modules: BTreeSet<_> = sources.iter().map(Source::module).collect();
    let owner = |mut path: Vec<String>| {
        while !path.is_empty() && !modules.contains(&path) {
            path.pop();
        }
        path
    };
    let mut handed_on = BTreeMap::new();
    for source in sources {
        let module = source.module();
        for path in paths(&source.code) {
            let from = owner([&module[..], &path].concat());
            if from.len() > module.len() {
                handed_on.insert([&module[..], &path[path.len() - 1..]].concat(), from);
            }
        }
    }
    let mut imports: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for source in sources {
        let module = source.module();
        for path in paths(&source.code) {
            let supers = path.iter().take_while(|name| *name == "super").count();
            let whole = match &*path[0] {
                "crate" => path[1..].to_vec(),
                "super" => [&module[..module.len().saturating_sub(supers)], &path[supers..]].concat(),
                _ => continue,
            };
            let from = handed_on.get(&whole).cloned().unwrap_or_else(|| owner(whole));
            let related = module.starts_with(&from) || from.starts_with(&module);
            if !related && from.first() == module.first() {
                imports.entry(module.join("/")).or_default().insert(from.join("/"));
            }
        }
    }
    imports
}

/// The shortest way from a file back to itself, for each set of files on such a way.
fn circles(imports: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut found = BTreeMap::new();
    for start in imports.keys() {
        let mut ways = VecDeque::from([vec![start.as_str()]]);
        let mut seen = BTreeSet::new();
        while let Some(way) = ways.pop_front() {
            for next in imports.get(way[way.len() - 1]).into_iter().flatten() {
                if next == start {
                    let on_it: BTreeSet<_> = way.iter().copied().collect();
                    found.entry(on_it).or_insert_with(|| format!("{} → {start}", way.join(" → ")));
                } else if seen.insert(next) {
                    ways.push_back([&way[..], &[next]].concat());
                }
            }
        }
    }
    found.into_values().collect()
}

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
        ("unsafe", &["index/store", "main", "terminal/fatal"]),
        ("libc", &["terminal/fatal"]),
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
    let main = fs::read_to_string(folder.join("main.rs")).unwrap();
    let mut found = Vec::new();
    for path in files(&folder).into_iter().filter(|path| path.extension().is_some_and(|kind| kind == "rs")) {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let promise: String = text.lines().map_while(|line| line.strip_prefix("//! ")).collect();
        if promise.is_empty() || !promise.ends_with(['.', ':']) {
            found.push(format!("{name} does not begin with a sentence on what it promises"));
        }
        if HARNESS.contains(&name.as_str()) {
            continue;
        }
        if path.parent() == Some(&*folder) && !main.contains(&format!("mod {name};")) {
            found.push(format!("{name} is not named in main, so it never runs"));
        }
        if !text.contains("#[test]") && !text.contains("proptest!") {
            found.push(format!("{name} has no test"));
        }
    }
    none("tests", &found);
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

/// The first line that stands behind the tests of a file and is none of them: no rule would see it.
fn behind_tests(text: &str) -> Option<&str> {
    let mut lines = text.lines().skip_while(|line| line.trim() != "#[cfg(test)]");
    while let Some(line) = lines.next() {
        let public = ["pub ", "pub(super) ", "pub(crate) "].iter().find_map(|public| line.strip_prefix(public));
        let is_module = public.unwrap_or(line).starts_with("mod ");
        if is_module && line.ends_with('{') {
            lines.by_ref().find(|line| *line == "}");
        } else if !line.is_empty() && line != "#[cfg(test)]" && !(is_module && line.ends_with(';')) {
            return Some(line);
        }
    }
    None
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

#[test]
fn this_test_reads_imports_and_words_rightly() {
    let code =
        "use crate::{\n    app::{App, Event},\n    error::Result,\n    ui,\n};\nfn f() { crate::display::to_256(x) }";
    assert_eq!(imports(code), ["app", "display", "error", "ui"].map(String::from).into());
    assert!(names("use ratatui::Frame;", "ratatui") && !names("use ratatui_image::Image;", "ratatui"));
    assert!(!names("eprintln!()", "println!") && names("println!()", "println!"));
    assert_eq!(code_of("//! Doc.\nfn a() {} // why\n#[cfg(test)]\nmod tests {}"), "fn a() {}\n");
    let tests = "fn a() {}\n#[cfg(test)]\npub(crate) mod tests {\n    fn b() {}\n}\n\n#[cfg(test)]\nmod more;\n";
    assert_eq!(behind_tests(tests), None);
    assert_eq!(behind_tests(&format!("{tests}impl A {{}}\n")), Some("impl A {}"));
    assert_eq!(behind_tests("#[cfg(test)]\nmod tests;\nuse a::b;"), Some("use a::b;"));
    assert_eq!(behind_tests("    #[cfg(test)]\n    fn a() {}"), Some("    #[cfg(test)]"));
}

#[test]
fn this_test_sees_a_circle() {
    let source = |path: &str, code: &str| Source { path: path.into(), text: String::new(), code: code.into() };
    let circles_of = |files: &[(&str, &str)]| {
        let files: Vec<_> = files.iter().map(|(path, code)| source(path, code)).collect();
        circles(&imports_inside_rooms(&files))
    };
    let room = ("room.rs", "mod a;\nmod b;\nmod c;\npub use b::B;\nuse a::run;");
    let straight = [room, ("room/a.rs", "use super::{Shared, c::{C, D}};"), ("room/b.rs", "use super::a::A;")];
    assert_eq!(circles_of(&straight), [""; 0]);
    let c = |code| [&straight[..], &[("room/c.rs", code)]].concat();
    assert_eq!(circles_of(&c("use super::super::other::b::B;")), [""; 0]);
    let circle = ["room/a → room/c → room/b → room/a"];
    assert_eq!(circles_of(&c("use super::{\n    Shared,\n    b::{self, Beta},\n};")), circle);
    assert_eq!(circles_of(&c("fn c() -> crate::room::b::Beta { }")), circle);
    assert_eq!(circles_of(&c("use super::B;")), circle, "a name that the room only hands on");
}
