//! `--link-to`: a folder of links to pictures, or of copies, for each group or label. Nothing that is there already is touched,
//! and no picture is moved.

use std::{
    collections::{HashMap, HashSet},
    ffi::{OsStr, OsString},
    fs,
    io::{self, Write},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use clap::Args;

use super::stdout_error;
use crate::{
    cancel::CancelToken,
    error::{Error, Result},
    files,
    printable::printable,
    text,
};

/// Where links go.
#[derive(Debug, Clone, Args)]
pub struct LinkArgs {
    /// Make a folder of symbolic links for each group or label, in this folder; with --yes, else say what would be made
    #[arg(long, value_name = "DIR", conflicts_with_all = ["csv", "json"])]
    pub link_to: Option<PathBuf>,
    /// Copy the pictures instead of linking to them.
    #[arg(long, requires = "link_to")]
    pub copy: bool,
    /// Do it.
    #[arg(long, requires = "link_to")]
    pub yes: bool,
}

/// Pictures that belong together, and what they are called.
pub(super) struct Together {
    /// Their name.
    pub name: OsString,
    /// The pictures.
    pub pictures: Vec<PathBuf>,
}

/// A link to be made.
struct Link {
    /// The picture.
    from: PathBuf,
    /// Where its link goes.
    to: PathBuf,
}

impl LinkArgs {
    /// Refuses a target with anything in it.
    ///
    /// # Errors
    /// [`Error::Usage`]; [`Error::Io`] when it cannot be looked into.
    pub(super) fn check(&self) -> Result<()> {
        self.link_to.as_deref().map_or(Ok(()), check)
    }

    /// Says what would be made in a target, or makes it; `rest` is said of the pictures that are in no group. Whether
    /// nobody stopped it between two pictures.
    ///
    /// # Errors
    /// [`Error::Io`] for the first thing that cannot be made. What was made before stays.
    pub(super) fn run(
        &self,
        target: &Path,
        groups: Vec<Together>,
        rest: &str,
        cancel: &CancelToken,
        out: &mut dyn Write,
    ) -> Result<bool> {
        let target = std::path::absolute(target).map_err(Error::io("use", target))?;
        let plan = plan(groups, &target);
        let of = if self.copy { "copies of" } else { "links to" };
        let pictures: usize = plan.iter().map(|(_, links)| links.len()).sum();
        if !self.yes {
            for (folder, links) in &plan {
                writeln!(out, "{}/", printable(folder)).map_err(stdout_error)?;
                for link in links {
                    let name = printable(link.to.file_name().unwrap_or_default());
                    writeln!(out, "  {name} → {}", printable(&link.from)).map_err(stdout_error)?;
                }
            }
            let folders = text::counted(plan.len(), "folder");
            let links = format!("{of} {}", text::counted(pictures, "picture"));
            writeln!(out, "\nnothing was made: --yes makes {folders} with {links}").map_err(stdout_error)?;
            return Ok(true);
        }
        let (mut made, mut gone) = (0, 0);
        for (folder, links) in &plan {
            // Who stops between two groups finds no empty folder.
            if !cancel.is_cancelled() {
                fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
            }
            for Link { from, to } in links {
                if cancel.is_cancelled() {
                    let (made, all) = (text::count(made), text::counted(pictures, "picture"));
                    let target = printable(&target);
                    writeln!(out, "stopped: made {of} {made} of {all} in {target}").map_err(stdout_error)?;
                    return Ok(false);
                }
                // Pictures may have gone since they were indexed.
                if !from.exists() {
                    gone += 1;
                    continue;
                }
                let done = if self.copy { copy(from, to) } else { symlink(from, to) };
                done.map_err(Error::io(if self.copy { "copy to" } else { "link" }, to))?;
                made += 1;
            }
        }
        let (folders, target) = (text::counted(plan.len(), "folder"), printable(&target));
        let links = format!("{of} {}", text::counted(made, "picture"));
        let note =
            if gone > 0 { format!(", without {} that went", text::counted(gone, "picture")) } else { String::new() };
        writeln!(out, "made {folders} with {links} in {target}{note}{rest}").map_err(stdout_error)?;
        Ok(true)
    }
}

fn check(target: &Path) -> Result<()> {
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

/// Copies a picture to a name that is not taken; half a copy is taken away again.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = files::open_regular(from)?;
    files::write_new(to, |file| io::copy(&mut source, file).map(drop))
}

/// The folder of each group, and its links.
fn plan(groups: Vec<Together>, target: &Path) -> Vec<(PathBuf, Vec<Link>)> {
    let mut folders = Taken::default();
    let folder = |Together { name, pictures }| {
        let folder = target.join(unused(&mut folders, OsStr::new(&folder_name(&name))));
        let mut taken = Taken::default();
        let link = |picture: PathBuf| {
            let from = std::path::absolute(&picture).unwrap_or(picture);
            let name = unused(&mut taken, from.file_name().unwrap_or_default());
            Link { to: folder.join(name), from }
        };
        let links = pictures.into_iter().map(link).collect();
        (folder, links)
    };
    groups.into_iter().map(folder).collect()
}

/// Bytes that the name of a folder has at most.
const LONGEST: usize = 200;

/// A group's name as that of a folder: one that can be seen and leads nowhere else.
fn folder_name(name: &OsStr) -> String {
    let mut safe: String = printable(name).chars().map(|c| if "/\\".contains(c) { '_' } else { c }).collect();
    let end = (0..=LONGEST.min(safe.len())).rev().find(|end| safe.is_char_boundary(*end));
    safe.truncate(end.unwrap_or(0));
    // A name of dots alone is another folder, and one that begins with a dot is hidden.
    let safe = safe.trim_start_matches('.').trim();
    if safe.is_empty() { "group".into() } else { safe.into() }
}

/// The name, or with the first number that nobody has before its extension. Where case makes no difference to the file
/// system, two names that differ in nothing else would be one.
fn unused(taken: &mut Taken, name: &OsStr) -> PathBuf {
    let Taken { names, tried } = taken;
    let tried = tried.entry(name.to_ascii_lowercase()).or_default();
    let free = files::numbered_from(Path::new(name), *tried + 1).find(|name| {
        *tried += 1;
        names.insert(name.as_os_str().to_ascii_lowercase())
    });
    free.unwrap_or_else(|| name.into())
}

/// Names that are taken in a folder.
#[derive(Default)]
struct Taken {
    names: HashSet<OsString>,
    /// How many numbers of a name were tried, so that a name that ten thousand pictures have takes no time.
    tried: HashMap<OsString, u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_pictures_get_one_name_and_no_group_leaves_its_folder() {
        let mut taken = Taken::default();
        let mut next = |name: &str| unused(&mut taken, OsStr::new(name)).to_string_lossy().into_owned();
        assert_eq!(
            [next("a.jpg"), next("A.jpg"), next("a.jpg"), next("b"), next("b")],
            ["a.jpg", "A-2.jpg", "a-3.jpg", "b", "b-2"]
        );
        // As many of one name as there are.
        assert!((0..20_000).map(|_| next("poster.jpg")).last().is_some_and(|name| name == "poster-20000.jpg"));
        for (name, folder) in [
            ("group 1", "group 1"),
            ("../../etc", "_.._etc"),
            ("..", "group"),
            ("a/b", "a_b"),
            (" ", "group"),
            ("", "group"),
        ] {
            assert_eq!(folder_name(OsStr::new(name)), folder, "{name}");
        }
        assert_eq!(folder_name(OsStr::new(&"ü".repeat(300))).len(), LONGEST);
    }

    #[test]
    fn who_is_stopped_says_what_was_made() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let pictures: Vec<_> = ["a.png", "b.png"].map(|name| folder.path().join(name)).into();
        pictures.iter().for_each(|picture| fs::write(picture, "picture").expect("written"));
        let links = LinkArgs { link_to: None, copy: true, yes: true };
        let run = |name: &str, cancel: &CancelToken, out: &mut dyn Write| {
            let together = Together { name: "both".into(), pictures: pictures.clone() };
            links.run(&folder.path().join(name), vec![together], "", cancel, out)
        };
        let (cancel, mut said) = (CancelToken::default(), Vec::new());
        assert!(run("whole", &cancel, &mut said).expect("it can be made"));
        assert!(folder.path().join("whole/both/b.png").exists());
        cancel.cancel();
        said.clear();
        assert!(!run("none", &cancel, &mut said).expect("it can be stopped"));
        let said = String::from_utf8(said).expect("text");
        assert!(said.starts_with("stopped: made copies of 0 of 2 pictures in "), "{said}");
        assert!(!folder.path().join("none/both/a.png").exists());
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
