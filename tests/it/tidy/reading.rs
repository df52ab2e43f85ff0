//! Reading the sources: their imports, their words, and the circles among them.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs,
    path::{Path, PathBuf},
};

/// One source file of the program.
pub(super) struct Source {
    /// Relative to `src`, with slashes: `embed/resnet.rs`.
    pub(super) path: String,
    /// All of it.
    pub(super) text: String,
    /// Without comments and without its tests.
    pub(super) code: String,
}

impl Source {
    /// The room it is in: `embed` for `embed.rs` and `embed/resnet.rs`.
    pub(super) fn room(&self) -> &str {
        let room = self.path.split('/').next().unwrap_or_default();
        room.strip_suffix(".rs").unwrap_or(room)
    }

    /// Its module: `["embed", "resnet"]`.
    pub(super) fn module(&self) -> Vec<String> {
        let path = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        path.split('/').filter(|part| *part != "lib").map(str::to_owned).collect()
    }

    /// Whether it is one of these files, or in one of these folders, or the file that a folder belongs to.
    pub(super) fn is_in(&self, places: &[&str]) -> bool {
        let path = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        places.iter().any(|place| path == *place || path.strip_prefix(place).is_some_and(|rest| rest.starts_with('/')))
    }
}

/// Every file under `src`, in order.
pub(super) fn sources() -> Vec<Source> {
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

pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The lines before the tests, which come last in a file.
pub(super) fn before_tests(text: &str) -> impl Iterator<Item = &str> {
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
pub(super) fn names(code: &str, name: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(name).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        !before.ends_with(part) && !after.starts_with(part)
    })
}

/// The name of the type or trait that a line makes public.
pub(super) fn public_type(line: &str) -> Option<&str> {
    let item = line.strip_prefix("pub ")?;
    let name = ["struct ", "enum ", "trait ", "type "].iter().find_map(|kind| item.strip_prefix(kind))?;
    name.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

/// The rooms that a file takes something from: the names after `crate::`, also those in braces.
pub(super) fn imports(code: &str) -> BTreeSet<String> {
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
pub(super) fn imports_inside_rooms(sources: &[Source]) -> BTreeMap<String, BTreeSet<String>> {
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
pub(super) fn circles(imports: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
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

/// The first line that stands behind the tests of a file and is none of them: no rule would see it.
pub(super) fn behind_tests(text: &str) -> Option<&str> {
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
fn this_test_reads_imports_and_words_rightly() {
    let code =
        "use crate::{\n    app::{App, Event},\n    error::Result,\n    ui,\n};\nfn f() { crate::display::to_256(x) }";
    assert_eq!(imports(code), ["app", "display", "error", "ui"].map(String::from).into());
    assert!(names("use ratatui::Frame;", "ratatui") && !names("use ratatui_image::Image;", "ratatui"));
    assert_eq!(public_type("pub struct Rows<'a> {"), Some("Rows"));
    assert_eq!([public_type("pub(super) struct Rows;"), public_type("    pub type Rows = ();")], [None; 2]);
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
