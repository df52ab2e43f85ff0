//! Finds the image files under folders; the only place that walks directories.
//!
//! Every real file is found once, under its shortest way in: folders inside other given folders are walked with those,
//! symbolic links are followed only after everything that lies there in truth has been seen, and a folder is never
//! entered twice, so that loops end by themselves.

use std::{
    collections::{BTreeSet, HashSet},
    ffi::OsStr,
    fs::{self, Metadata},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use globset::{Glob, GlobSet, GlobSetBuilder};
use image::ImageFormat;
use walkdir::{DirEntry, WalkDir};

use crate::{
    cancel::CancelToken,
    error::{Error, Result},
    printable::{printable, printable_str},
};

mod passed_over;
mod skipped;

use passed_over::PassedOver;
pub use skipped::{NO_FACE, Skipped, SkippedKind};

/// One image file as the walk saw it. Nothing of its content has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFile {
    /// Absolute path.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// Nanoseconds since the Unix epoch (negative before it).
    pub modified: i64,
    /// When the system last changed anything about the file (its ctime), in nanoseconds since the Unix epoch. Nobody can
    /// set it, so it tells a file that was put in the place of another one of the same size and time.
    pub changed: i64,
}

/// Which files of a folder count.
#[derive(Debug, Clone, Default)]
pub struct Options {
    hidden: bool,
    exclude: GlobSet,
}

impl Options {
    /// Hidden files and folders count when `hidden`; what matches one of the globs, by its name or by its path relative
    /// to the folder given, does not.
    ///
    /// # Errors
    /// [`Error::Usage`] names the glob that makes no sense.
    pub fn new<S: AsRef<str>>(hidden: bool, exclude: &[S]) -> Result<Self> {
        let mut globs = GlobSetBuilder::new();
        for pattern in exclude {
            let pattern = pattern.as_ref();
            // A trailing slash means a folder to people who know .gitignore; the walk tests folders by name as well.
            let glob = Glob::new(pattern.strip_suffix('/').unwrap_or(pattern)).map_err(|error| {
                Error::Usage(format!("--exclude {}: {}", printable_str(pattern), printable_str(&error.to_string())))
            })?;
            globs.add(glob);
        }
        let exclude = globs.build().map_err(|error| Error::Usage(format!("--exclude: {error}")))?;
        Ok(Self { hidden, exclude })
    }

    /// Whether a file or folder of this relative path counts, judged by all parts of the path.
    #[must_use]
    pub fn admits(&self, relative: &Path) -> bool {
        if self.exclude.is_empty() {
            // Asked for every image on record before anything is shown, so worth the short cut.
            let bytes = relative.as_os_str().as_encoded_bytes();
            return bytes.split(|byte| *byte == b'/').all(|name| self.admits_name(name));
        }
        let mut part = Some(relative);
        while let Some(path) = part.filter(|path| !path.as_os_str().is_empty()) {
            if !self.admits_last(path) {
                return false;
            }
            part = path.parent();
        }
        true
    }

    /// [`Self::admits`] for a path whose folder is known to count.
    fn admits_last(&self, relative: &Path) -> bool {
        let Some(name) = relative.file_name() else { return true };
        self.admits_name(name.as_encoded_bytes())
            && (self.exclude.is_empty() || !(self.exclude.is_match(relative) || self.exclude.is_match(Path::new(name))))
    }

    fn admits_name(&self, name: &[u8]) -> bool {
        // The companion files that macOS leaves on foreign disks carry a picture's name and no picture.
        !name.starts_with(b"._") && (self.hidden || !name.starts_with(b"."))
    }
}

/// What one walk met under one root besides image files.
#[derive(Debug, Default)]
pub struct FoundFiles {
    /// Folders that could not be listed and files whose facts could not be read.
    pub skipped: Vec<Skipped>,
    /// Folders (and files) about whose content this walk knows nothing.
    unknown: BTreeSet<PathBuf>,
    /// Files that promise no picture that is read.
    passed_over: PassedOver,
}

/// One line about the files that were passed over though they are, or may be, pictures: by their extension, or because it
/// says nothing and `holds_picture` says that their content is one.
#[must_use]
pub fn passed_over(found: &[FoundFiles], holds_picture: impl Fn(&Path) -> bool) -> Option<String> {
    passed_over::sentence(found.iter().map(|found| &found.passed_over), holds_picture)
}

impl FoundFiles {
    /// Whether the walk could have seen the file of this path below its root: if it was not found nevertheless, it is gone.
    ///
    /// False for files whose facts could not be read and under folders that could not be listed.
    #[must_use]
    pub fn looked_at(&self, root: &Path, relative: &Path) -> bool {
        self.unknown.is_empty() || !root.join(relative).ancestors().any(|folder| self.unknown.contains(folder))
    }
}

/// The folders to walk: absolute, without links, each once, none inside another.
///
/// # Errors
/// [`Error::NoFolder`] when one is missing, [`Error::Usage`] when one is a file, [`Error::Io`] when one is locked away.
pub fn roots(folders: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut roots: Vec<PathBuf> = Vec::new();
    for folder in folders {
        let root = fs::canonicalize(folder).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => Error::NoFolder(folder.clone()),
            _ => Error::io("open", folder)(error),
        })?;
        if !root.is_dir() {
            return Err(Error::Usage(format!(
                "{} is a file, not a folder: name the folder that holds it",
                printable(folder)
            )));
        }
        if roots.iter().any(|outer| root.starts_with(outer)) {
            continue;
        }
        roots.retain(|inner| !inner.starts_with(&root));
        roots.push(root);
    }
    Ok(roots)
}

/// Whether the file's name promises a picture: a format that is read, or one whose absence a person would wonder about.
#[must_use]
pub fn is_image_name(name: &Path) -> bool {
    let Some(extension) = name.extension().and_then(OsStr::to_str) else { return false };
    ImageFormat::from_extension(extension).is_some_and(|format| format.reading_enabled())
        || OTHER_EXTENSIONS.iter().any(|other| extension.eq_ignore_ascii_case(other))
}

/// Other names of formats that are read, and pictures that `decode` names as unsupported instead of passing over them; then
/// camera raw files.
const OTHER_EXTENSIONS: &[&str] = &[
    "dds", "jpe", "mpo", "dib", "heic", "heif", "hif", "avif", "jxl", "jp2", "j2k", "jpx", "jpf", "psd", "psb", "pcx",
    "xpm", "xbm", "sgi", "fli", "svg", "svgz", //
    "3fr", "arw", "cr2", "cr3", "crw", "dcr", "dng", "erf", "fff", "gpr", "iiq", "k25", "kdc", "mef", "mos", "mrw",
    "nef", "nrw", "orf", "pef", "raf", "rw2", "rwl", "rwz", "sr2", "srf", "srw", "x3f",
];

/// Walks the roots (as [`roots`] made them). Image files are handed to `take`, with the position of their root, as they
/// are met and in no order: a million of them are never held at once.
///
/// # Errors
/// [`Error::NoFolder`] when a root vanished meanwhile, [`Error::Io`] when it cannot be listed,
/// [`Error::Interrupted`] when cancelled. Anything below a root that cannot be read is [`FoundFiles::skipped`].
pub fn scan(
    roots: &[PathBuf],
    options: &Options,
    cancel: &CancelToken,
    take: &mut dyn FnMut(usize, ImageFile),
) -> Result<Vec<FoundFiles>> {
    let mut walk = Walk { options, cancel, take, folders: HashSet::new(), files: HashSet::new() };
    let mut links = Vec::new();
    let mut found = Vec::new();
    for (at, root) in roots.iter().enumerate() {
        // Asked apart from the walk, so that a missing root is never mistaken for an empty one.
        fs::read_dir(root).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::NoFolder(root.clone()),
            _ => Error::io("list", root)(error),
        })?;
        let mut here = FoundFiles::default();
        walk.folder((at, root), root, &mut here, &mut |link| links.push((at, link)))?;
        found.push(here);
    }
    // Links may lead to further links; each pass follows those that the one before discovered.
    while !links.is_empty() {
        links.sort_unstable();
        for (at, link) in std::mem::take(&mut links) {
            walk.link((at, &roots[at]), &link, &mut found[at], &mut |link| links.push((at, link)))?;
        }
    }
    Ok(found)
}

/// The state of one walk through all roots.
struct Walk<'a> {
    options: &'a Options,
    cancel: &'a CancelToken,
    take: &'a mut dyn FnMut(usize, ImageFile),
    /// Real paths of the folders entered.
    folders: HashSet<PathBuf>,
    /// Real paths of the files that were reached through links; others are met once by nature.
    files: HashSet<PathBuf>,
}

impl Walk<'_> {
    /// Walks a folder that lies at `folder` in truth or through a link; links in it go to `links`.
    fn folder(
        &mut self,
        (at, root): (usize, &Path),
        folder: &Path,
        found: &mut FoundFiles,
        links: &mut dyn FnMut(PathBuf),
    ) -> Result<()> {
        let options = self.options;
        let real = match fs::canonicalize(folder) {
            Ok(real) => real,
            Err(error) => {
                found.skip(folder, SkippedKind::of_io(Some(&error)), "this folder cannot be opened".into());
                return Ok(());
            }
        };
        if !self.folders.insert(real.clone()) {
            return Ok(());
        }
        let mut entries = WalkDir::new(folder).follow_root_links(true).into_iter();
        while let Some(entry) = entries.next() {
            if self.cancel.is_cancelled() {
                return Err(Error::Interrupted);
            }
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let path = error.path().unwrap_or(folder).to_path_buf();
                    found.refuse(&path, error.io_error());
                    continue;
                }
            };
            let below = entry.path().strip_prefix(folder).unwrap_or(entry.path());
            if entry.depth() == 0 {
                continue;
            }
            if !options.admits_last(entry.path().strip_prefix(root).unwrap_or(entry.path())) {
                skip_folder(&mut entries, &entry);
            } else if entry.file_type().is_dir() {
                // Joining keeps this free of a system call a folder: below `folder` everything is real.
                if !self.folders.insert(real.join(below)) {
                    skip_folder(&mut entries, &entry);
                }
            } else if entry.path_is_symlink() {
                links(entry.into_path());
            } else if entry.file_type().is_file() && !is_image_name(entry.path()) {
                found.passed_over.note(entry.into_path());
            } else if entry.file_type().is_file() {
                if !self.files.is_empty() && self.files.contains(&real.join(below)) {
                    continue;
                }
                match entry.metadata() {
                    Ok(metadata) => self.file(at, entry.into_path(), &metadata),
                    Err(error) => found.refuse(entry.path(), error.io_error()),
                }
            }
        }
        Ok(())
    }

    /// Follows one link found under `root`.
    fn link(
        &mut self,
        (at, root): (usize, &Path),
        link: &Path,
        found: &mut FoundFiles,
        links: &mut dyn FnMut(PathBuf),
    ) -> Result<()> {
        let (real, metadata) = match fs::canonicalize(link).and_then(|real| Ok((fs::metadata(&real)?, real))) {
            Ok((metadata, real)) => (real, metadata),
            // Links to nowhere are common and promise a picture only if they are named like one.
            Err(_) if !is_image_name(link) => return Ok(()),
            Err(_) => {
                found.skip(link, SkippedKind::Missing, "this link leads nowhere".into());
                return Ok(());
            }
        };
        if metadata.is_dir() {
            return self.folder((at, root), link, found, links);
        }
        let in_walked_folder = real.parent().is_some_and(|folder| self.folders.contains(folder))
            && is_image_name(&real)
            && self.options.admits(Path::new(real.file_name().unwrap_or_default()));
        if metadata.is_file() && is_image_name(link) && !in_walked_folder && self.files.insert(real) {
            self.file(at, link.to_path_buf(), &metadata);
        }
        Ok(())
    }

    fn file(&mut self, at: usize, path: PathBuf, metadata: &Metadata) {
        (self.take)(at, facts(path, metadata));
    }
}

impl FoundFiles {
    fn skip(&mut self, path: &Path, kind: SkippedKind, reason: String) {
        self.unknown.insert(path.to_path_buf());
        self.skipped.push(Skipped { path: path.to_path_buf(), kind, reason });
    }

    fn refuse(&mut self, path: &Path, error: Option<&std::io::Error>) {
        self.skip(path, SkippedKind::of_io(error), refusal(error));
    }
}

fn skip_folder(entries: &mut walkdir::IntoIter, entry: &DirEntry) {
    if entry.file_type().is_dir() {
        entries.skip_current_dir();
    }
}

fn refusal(error: Option<&std::io::Error>) -> String {
    match error.map(std::io::Error::kind) {
        Some(std::io::ErrorKind::PermissionDenied) => "no permission to look inside".into(),
        Some(std::io::ErrorKind::NotFound) => "it vanished while the folder was read".into(),
        _ => error.map_or_else(|| "it cannot be read".into(), |error| format!("it cannot be read: {error}")),
    }
}

fn facts(path: PathBuf, metadata: &Metadata) -> ImageFile {
    let changed = metadata.ctime().saturating_mul(1_000_000_000).saturating_add(metadata.ctime_nsec());
    ImageFile { path, size: metadata.len(), modified: modified(metadata), changed }
}

/// The file's time of modification in nanoseconds since the Unix epoch, 0 where the file system keeps none.
fn modified(metadata: &Metadata) -> i64 {
    let Ok(time) = metadata.modified() else { return 0 };
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos),
    }
}

/// The facts of one file that was named and not walked to, a query from outside the folder for example.
///
/// # Errors
/// [`Error::Io`] when it is not there.
pub fn file(path: &Path) -> Result<ImageFile> {
    let real = std::path::absolute(path).map_err(Error::io("read", path))?;
    let metadata = fs::metadata(&real).map_err(Error::io("read", path))?;
    Ok(facts(real, &metadata))
}
