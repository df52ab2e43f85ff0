//! A folder of links, or of copies, for each group. Nothing that is there already is touched, and no picture is moved.

use std::{
    collections::HashSet,
    ffi::{OsStr, OsString},
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use super::{Answer, GroupsArgs};
use crate::{
    cli::stdout_error,
    error::{Error, Result},
    files,
    printable::{printable, printable_str},
    text,
};

/// A link to be made.
struct Link {
    /// The picture.
    from: PathBuf,
    /// Where its link goes.
    to: PathBuf,
}

/// Refuses a target with anything in it.
///
/// # Errors
/// [`Error::Usage`]; [`Error::Io`] when it cannot be looked into.
pub(super) fn check(target: &Path) -> Result<()> {
    let entries = match fs::read_dir(target) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(Error::io("look into", target)(error)),
    };
    if entries {
        let target = printable(target);
        return Err(Error::Usage(format!("there is something in {target} already: name a new or an empty folder")));
    }
    Ok(())
}

/// Says what would be made, or makes it.
///
/// # Errors
/// [`Error::Io`] for the first thing that cannot be made; what was made before stays.
pub(super) fn run(args: &GroupsArgs, answer: &Answer<'_>, target: &Path, out: &mut dyn Write) -> Result<()> {
    let target = std::path::absolute(target).map_err(Error::io("use", target))?;
    let plan = plan(answer, &target);
    let of = if args.copy { "copies of" } else { "links to" };
    let pictures: usize = plan.iter().map(|(_, links)| links.len()).sum();
    if !args.yes {
        for (folder, links) in &plan {
            writeln!(out, "{}/", printable(folder)).map_err(stdout_error)?;
            for link in links {
                let name = printable(link.to.file_name().unwrap_or_default());
                writeln!(out, "  {name} → {}", printable(&link.from)).map_err(stdout_error)?;
            }
        }
        let folders = text::counted(plan.len(), "folder");
        let links = format!("{of} {}", text::counted(pictures, "picture"));
        return writeln!(out, "\nnothing was made: --yes makes {folders} with {links}").map_err(stdout_error);
    }
    let mut gone = 0;
    for (folder, links) in &plan {
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        for Link { from, to } in links {
            // Pictures may have gone since they were indexed.
            if !from.exists() {
                gone += 1;
                continue;
            }
            let made = if args.copy { copy(from, to) } else { symlink(from, to) };
            made.map_err(Error::io(if args.copy { "copy to" } else { "link" }, to))?;
        }
    }
    let (folders, target) = (text::counted(plan.len(), "folder"), printable(&target));
    let links = format!("{of} {}", text::counted(pictures - gone, "picture"));
    let note = if gone > 0 { format!(", without {} that went", text::counted(gone, "picture")) } else { String::new() };
    let noise = match answer.found.noise.len() {
        0 => String::new(),
        count => format!("; {} in no group", text::counted(count, "picture")),
    };
    writeln!(out, "made {folders} with {links} in {target}{note}{noise}").map_err(stdout_error)
}

/// Copies a picture to a name that is not taken.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = files::open_regular(from)?;
    io::copy(&mut source, &mut File::create_new(to)?).map(drop)
}

/// The folder of each group, and its links.
fn plan(answer: &Answer<'_>, target: &Path) -> Vec<(PathBuf, Vec<Link>)> {
    let mut folders = HashSet::new();
    let mut plan = Vec::new();
    for (name, cluster) in answer.groups() {
        let folder = target.join(unused(&mut folders, &folder_name(name)));
        let mut taken = HashSet::new();
        // Several faces of a picture may be in one group.
        let mut linked = HashSet::new();
        let entries = cluster.members.iter().filter_map(|(id, _)| answer.entry(*id));
        let paths = entries.map(|entry| entry.path()).filter(|path| linked.insert(path.clone()));
        let links = paths.map(|path| {
            let from = std::path::absolute(&path).unwrap_or(path);
            let name = unused(&mut taken, from.file_name().unwrap_or_default());
            Link { to: folder.join(name), from }
        });
        plan.push((folder.clone(), links.collect()));
    }
    plan
}

/// A group's name as that of a folder.
fn folder_name(name: &str) -> OsString {
    let safe: String = printable_str(name).chars().map(|c| if "/\\".contains(c) { '_' } else { c }).collect();
    // A name of dots alone is another folder, and one that begins with a dot is hidden.
    let safe = safe.trim_start_matches('.').trim();
    if safe.is_empty() { "group".into() } else { safe.into() }
}

/// The name, or with the first number that nobody has before its extension. Where case makes no difference to the file
/// system, two names that differ in nothing else would be one.
fn unused(taken: &mut HashSet<OsString>, name: &OsStr) -> OsString {
    let path = Path::new(name);
    let (stem, extension) = (path.file_stem().unwrap_or_default(), path.extension());
    let numbered = |number: usize| {
        let mut numbered = stem.to_owned();
        numbered.push(format!("-{number}"));
        if let Some(extension) = extension {
            numbered.push(".");
            numbered.push(extension);
        }
        numbered
    };
    let free = std::iter::once(name.to_owned()).chain((2..).map(numbered));
    for name in free {
        if taken.insert(name.to_ascii_lowercase()) {
            return name;
        }
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_pictures_get_one_name_and_no_group_leaves_its_folder() {
        let mut taken = HashSet::new();
        let mut next = |name: &str| unused(&mut taken, OsStr::new(name)).to_string_lossy().into_owned();
        assert_eq!(
            [next("a.jpg"), next("A.jpg"), next("a.jpg"), next("b"), next("b")],
            ["a.jpg", "A-2.jpg", "a-3.jpg", "b", "b-2"]
        );
        for (name, folder) in
            [("group 1", "group 1"), ("../../etc", "_.._etc"), ("..", "group"), ("a/b", "a_b"), (" ", "group")]
        {
            assert_eq!(folder_name(name), folder, "{name}");
        }
    }

    #[test]
    fn a_copy_overwrites_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
        fs::write(&from, "picture").expect("written");
        copy(&from, &to).expect("nobody has the name");
        assert_eq!(fs::read(&to).expect("read"), b"picture");
        fs::write(&to, "other").expect("written");
        assert_eq!(copy(&from, &to).expect_err("taken").kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&to).expect("read"), b"other");
        assert!(check(folder.path()).is_err() && check(&folder.path().join("new")).is_ok());
    }
}
