//! Files that a walk passes over because their names promise no picture that is read: counted where they are one all the same.

use std::{
    borrow::Cow,
    collections::{BTreeMap, btree_map::Entry},
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use crate::printable::printable_str;

/// Extensions of pictures, or of what may hold one, that nobody expects here: counted, not listed one by one.
const EXTENSIONS: &[&str] = &[
    "ani", "avifs", "blp", "bpg", "cur", "dcm", "dcx", "dicom", "djvu", "dpx", "emf", "eps", "fits", "flc", "flif",
    "heics", "icns", "iff", "ilbm", "im", "j2c", "jls", "jng", "jpc", "jpm", "jxr", "kra", "ktx", "ktx2", "lbm", "mng",
    "ora", "pct", "pdn", "pict", "ras", "vtf", "wbmp", "wdp", "wmf", "xcf", "xwd",
];
/// Files without an extension that are kept: a folder may hold a million that are no pictures.
const MOST_NAMELESS: usize = 100;
/// Files of one unknown extension that are kept, and how many such extensions.
const MOST_OF_A_KIND: usize = 10;
const MOST_KINDS: usize = 30;

/// What one walk passed over under one root.
#[derive(Debug, Default)]
pub(super) struct PassedOver {
    /// How many files have each of [`EXTENSIONS`].
    expected: BTreeMap<&'static str, usize>,
    /// Files whose names say nothing, by their extension in lower case; a number in its place is none.
    unknown: BTreeMap<Option<OsString>, Unjudged>,
    /// Whether there are extensions that are not among these.
    more_kinds: bool,
}

/// Files of one extension, any of which may hold a picture.
#[derive(Debug, Default)]
struct Unjudged {
    /// The first that were met.
    paths: Vec<PathBuf>,
    /// Whether there are more.
    more: bool,
}

impl PassedOver {
    /// Takes note of a file. Nothing of it is read.
    pub(super) fn note(&mut self, path: PathBuf) {
        let extension = path.extension();
        let expected = |extension: &OsStr| EXTENSIONS.iter().find(|known| extension.eq_ignore_ascii_case(known));
        if let Some(known) = extension.and_then(expected) {
            *self.expected.entry(known).or_default() += 1;
            return;
        }
        let is_number = |extension: &&OsStr| extension.as_encoded_bytes().iter().all(u8::is_ascii_digit);
        let extension = extension.filter(|extension| !is_number(extension)).map(OsStr::to_ascii_lowercase);
        let most = if extension.is_none() { MOST_NAMELESS } else { MOST_OF_A_KIND };
        let kinds = self.unknown.len();
        match self.unknown.entry(extension) {
            // Those without one have their place whatever else there is.
            Entry::Vacant(new) if new.key().is_some() && kinds > MOST_KINDS => self.more_kinds = true,
            entry => {
                let unjudged = entry.or_default();
                if unjudged.paths.len() < most {
                    unjudged.paths.push(path);
                } else {
                    unjudged.more = true;
                }
            }
        }
    }
}

/// So many files, or at least so many.
#[derive(Clone, Copy, Default)]
struct Count {
    files: usize,
    more: bool,
}

impl std::ops::AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        *self = Self { files: self.files + other.files, more: self.more || other.more };
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "{}{}", if self.more { "at least " } else { "" }, self.files)
    }
}

/// See [`super::passed_over`].
pub(super) fn sentence<'a>(
    all: impl Iterator<Item = &'a PassedOver>,
    holds_picture: impl Fn(&Path) -> bool,
) -> Option<String> {
    let mut kinds: BTreeMap<Cow<'_, str>, Count> = BTreeMap::new();
    let (mut nameless, mut total) = (Count::default(), Count::default());
    for passed_over in all {
        for (extension, files) in &passed_over.expected {
            let count = Count { files: *files, more: false };
            *kinds.entry((*extension).into()).or_default() += count;
            total += count;
        }
        for (extension, unjudged) in &passed_over.unknown {
            let files = unjudged.paths.iter().filter(|path| holds_picture(path)).count();
            if files == 0 {
                continue;
            }
            // Whatever is said of files of which not all were looked at is the least that there can be.
            let count = Count { files, more: unjudged.more };
            let kind = match extension {
                Some(extension) => kinds.entry(printable_str(&extension.to_string_lossy()).into()).or_default(),
                None => &mut nameless,
            };
            *kind += count;
            total += Count { more: count.more || passed_over.more_kinds, ..count };
        }
    }
    let named = kinds.iter().map(|(extension, count)| format!("{count} .{extension}"));
    let nameless = (nameless.files > 0).then(|| format!("{nameless} named without an extension such as .jpg"));
    let parts: Vec<_> = named.chain(nameless).collect();
    let were = if total.files == 1 { "file was" } else { "files were" };
    (total.files > 0).then(|| format!("{total} {were} not looked at: {}", parts.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sentence of files of these names, of which those that have "img" in them are pictures.
    fn said(names: impl IntoIterator<Item = String>) -> Option<String> {
        let mut passed_over = PassedOver::default();
        names.into_iter().for_each(|name| passed_over.note(name.into()));
        sentence([&passed_over].into_iter(), |path| path.to_string_lossy().contains("img"))
    }

    #[test]
    fn what_is_said_is_exact_or_the_least_that_there_can_be() {
        assert_eq!(said([]), None);
        assert_eq!(said(["a.txt".into(), "img.0001".into()]).unwrap(), only("1 file was", "1"));
        let texts = || (0..2000).map(|at| format!("{at}.k{at}"));
        assert_eq!(said(texts()), None);
        assert_eq!(said(texts().chain(["a.CUR".into()])).unwrap(), "1 file was not looked at: 1 .cur");
        // A picture may be among what was not looked at once there is one among what was.
        assert_eq!(said(["img".into()].into_iter().chain(texts())).unwrap(), only("at least 1 file was", "1"));
        assert_eq!(said(texts().chain(["img".into()])).unwrap(), only("at least 1 file was", "1"));
        assert_eq!(
            said((0..150).map(|at| format!("img{at}"))).unwrap(),
            only("at least 100 files were", "at least 100")
        );
        let copies = (0..11).map(|at| format!("img{at}.Bak"));
        assert_eq!(said(copies).unwrap(), "at least 10 files were not looked at: at least 10 .bak");
        assert_eq!(said(["img.\u{202e}".into()]).unwrap(), "1 file was not looked at: 1 .\\u{202e}");
    }

    fn only(files: &str, nameless: &str) -> String {
        format!("{files} not looked at: {nameless} named without an extension such as .jpg")
    }
}
