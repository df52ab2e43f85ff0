//! Completes a path that is being typed, as a shell does.

use std::{fs, path::Path};

use crate::{folders, scan, task::Completed};

/// Folders and pictures whose path begins with what was typed; hidden ones where the dot was typed.
#[must_use]
pub fn complete(typed: &str) -> Completed {
    let (before, begun) = typed.rsplit_once('/').map_or(("", typed), |(before, begun)| (before, begun));
    let folder = match (typed.contains('/'), before) {
        (false, _) => ".".into(),
        (true, "") => "/".into(),
        (true, before) => folders::typed(&format!("{before}/")),
    };
    let mut choices = choices(&folder, begun);
    choices.sort_unstable();
    let common = common(&choices).filter(|common| common.len() > begun.len()).unwrap_or_else(|| begun.to_owned());
    let common = if typed.contains('/') { format!("{before}/{common}") } else { common };
    Completed { typed: typed.to_owned(), common, choices }
}

/// The names in a folder that begin so. A folder that cannot be read has none; a name that is no text cannot be typed.
fn choices(folder: &Path, begun: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let named = entries.flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let hidden = name.as_bytes().first() == Some(&b'.') && !begun.starts_with('.');
        if hidden || !name.starts_with(begun) {
            return None;
        }
        let path = entry.path();
        match (path.is_dir(), scan::is_image_name(&path)) {
            (true, _) => Some(format!("{name}/")),
            (false, is_image) => is_image.then_some(name),
        }
    });
    named.collect()
}

/// What all of some words begin with.
fn common(words: &[String]) -> Option<String> {
    let first = words.first()?;
    let shared = |word: &String| first.chars().zip(word.chars()).take_while(|(a, b)| a == b).count();
    let length = words.iter().map(shared).min()?;
    Some(first.chars().take(length).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_completed_as_far_as_all_choices_agree() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().to_str().expect("text");
        for name in ["robin-1.jpg", "robin-10.jpg", "robin-2.jpg", "notes.txt", ".hidden.jpg"] {
            fs::write(folder.path().join(name), "").expect("written");
        }
        fs::create_dir(folder.path().join("rooks")).expect("made");
        let check = |typed: &str, common: &str, choices: &[&str]| {
            let found = complete(&format!("{root}/{typed}"));
            assert_eq!(
                (found.common, found.choices),
                (format!("{root}/{common}"), choices.iter().map(|choice| (*choice).to_owned()).collect()),
                "{typed}"
            );
        };
        check("r", "ro", &["robin-1.jpg", "robin-10.jpg", "robin-2.jpg", "rooks/"]);
        check("rob", "robin-", &["robin-1.jpg", "robin-10.jpg", "robin-2.jpg"]);
        check("roo", "rooks/", &["rooks/"]);
        check("rooks/", "rooks/", &[]);
        check("n", "n", &[]);
        check(".h", ".hidden.jpg", &[".hidden.jpg"]);
        check("nowhere/x", "nowhere/x", &[]);
    }
}
