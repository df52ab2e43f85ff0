//! Which pictures a filter that a person typed lets through.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, is_nfkc_quick};

use super::{Entry, ImageId, Index};
use crate::printable::printable;

/// Words that must all occur in what is shown of a picture's path, in any case and in any normal form of Unicode: an
/// `é` that a file system keeps as two characters is found by the `é` of a keyboard. No word lets everything through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    typed: String,
    words: Vec<String>,
}

impl Filter {
    /// Takes the words apart at blanks.
    #[must_use]
    pub fn new(typed: &str) -> Self {
        Self {
            typed: typed.to_owned(),
            words: typed.split_whitespace().map(|word| folded(word).into_owned()).collect(),
        }
    }

    /// What was typed.
    #[must_use]
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// Whether it lets everything through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Keeps the pictures of the index that it lets through.
    pub fn retain(&self, index: &Index, ids: &mut Vec<ImageId>) {
        let several = index.has_several_roots();
        ids.retain(|id| index.get(*id).is_some_and(|entry| self.admits(&entry, several)));
    }

    fn admits(&self, entry: &Entry<'_>, several_roots: bool) -> bool {
        if self.is_empty() {
            return true;
        }
        // A word may reach from the name of a folder into what lies there.
        let shown = if several_roots { printable(entry.path()) } else { printable(entry.relative()) };
        let shown = folded(&shown);
        self.words.iter().all(|word| shown.contains(word.as_str()))
    }
}

/// In lower case and in the composed compatibility form (NFKC).
fn folded(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        };
    }
    let lower = text.to_lowercase();
    if is_nfkc_quick(lower.chars()) == unicode_normalization::IsNormalized::Yes {
        return Cow::Owned(lower);
    }
    Cow::Owned(lower.nfkc().collect())
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use super::*;
    use crate::{
        index::{Image, Segment},
        scan::ImageFile,
    };

    /// An index of one picture a path, each under its root.
    fn index(paths: &[(&str, &str)]) -> Index {
        let mut index = Index::new(1);
        for (root, path) in paths {
            let file = ImageFile { path: Path::new(root).join(path), size: 1, modified: 0, changed: 0 };
            let image = Image { file, pixels: (1, 1), format: "PNG" };
            index.push(Arc::new(Segment::pack(Path::new(root).into(), [image], &[vec![1.0]], 1)));
        }
        index
    }

    #[track_caller]
    fn check(paths: &[(&str, &str)], typed: &str, expected: &[u32]) {
        let index = index(paths);
        let mut ids = index.iter().map(|entry| entry.id).collect();
        Filter::new(typed).retain(&index, &mut ids);
        assert_eq!(ids.iter().map(|id| id.0).collect::<Vec<_>>(), expected, "{typed}");
    }

    #[test]
    fn words_are_found_in_any_case_and_normal_form() {
        let paths = [("/p", "Birds/Robin.JPG"), ("/p", "a"), ("/p", "ÄRGER/caf\u{65}\u{301}.png"), ("/p", "café.png")];
        check(&paths, "", &[0, 1, 2, 3]);
        check(&paths, "rob", &[0]);
        check(&paths, "jpg birds", &[0]);
        check(&paths, "ab", &[]);
        check(&paths, "ärg", &[2]);
        check(&paths, "café", &[2, 3]);
        check(&paths, "cafe\u{301}", &[2, 3]);
    }

    #[test]
    fn what_is_shown_is_what_is_searched() {
        check(&[("/p", "evil\u{202e}gpj.exe"), ("/p", "b")], "u{202e}", &[0]);
        // With several folders their names are on the screen too.
        check(&[("/disk/one", "a.png"), ("/disk/two", "a.png")], "two", &[1]);
        check(&[("/disk/one", "a.png"), ("/disk/two", "a.png")], "two/a", &[1]);
        check(&[("/disk/one", "a.png")], "one", &[]);
    }
}
