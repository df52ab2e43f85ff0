//! Which pictures a filter lets through: by words that a person typed, and by being among those that were chosen.

use std::{path::Path, sync::Arc};

use super::{Entry, ImageId, Index};
use crate::{printable::printable, text::folded};

/// Words that must all occur in what is shown of a picture's path, or of a face's with its number, in any case and in any normal form of Unicode: an
/// `é` that a file system keeps as two characters is found by the `é` of a keyboard. No word lets everything through.
/// Besides, a picture may have to be among some chosen ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    typed: String,
    words: Vec<String>,
    /// In order of id.
    among: Option<Arc<[ImageId]>>,
}

impl Filter {
    /// Takes the words apart at blanks.
    #[must_use]
    pub fn new(typed: &str) -> Self {
        Self {
            typed: typed.to_owned(),
            words: typed.split_whitespace().map(|word| folded(word).into_owned()).collect(),
            among: None,
        }
    }

    /// The same words, but only for these pictures; for all when there are none.
    #[must_use]
    pub fn among(self, ids: Option<impl Iterator<Item = ImageId>>) -> Self {
        let sorted = |ids: Vec<ImageId>| {
            let mut ids = ids;
            ids.sort_unstable();
            ids.into()
        };
        Self { among: ids.map(|ids| sorted(ids.collect())), ..self }
    }

    /// Whether only some chosen pictures come through.
    #[must_use]
    pub fn is_among(&self) -> bool {
        self.among.is_some()
    }

    /// What was typed.
    #[must_use]
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// Whether it lets everything through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty() && self.among.is_none()
    }

    /// Whether all words occur in the path of a file, whether it is a picture or not.
    #[must_use]
    pub fn admits_path(&self, path: &Path) -> bool {
        self.occur_in(&printable(path))
    }

    /// Keeps the pictures of the index that it lets through.
    pub fn retain(&self, index: &Index, ids: &mut Vec<ImageId>) {
        let several = index.has_several_roots();
        ids.retain(|id| index.get(*id).is_some_and(|entry| self.admits(&entry, several)));
    }

    fn admits(&self, entry: &Entry<'_>, several_roots: bool) -> bool {
        if self.among.as_ref().is_some_and(|ids| ids.binary_search(&entry.id).is_err()) {
            return false;
        }
        if self.words.is_empty() {
            return true;
        }
        // A word may reach from the name of a folder into what lies there.
        let shown = if several_roots { entry.whole_name() } else { entry.name() };
        self.occur_in(&shown)
    }

    fn occur_in(&self, shown: &str) -> bool {
        let shown = folded(shown);
        self.words.iter().all(|word| shown.contains(word.as_str()))
    }
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
            let image = Image { file, pixels: (1, 1), format: "PNG", face: None };
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
        let signs =
            [("/p", "Acme™.png"), ("/p", "№5.png"), ("/p", "𝐀𝐁.png"), ("/p", "ΣΟΦΟΣ.png"), ("/p", "Straße.png")];
        for (typed, found) in [("acmetm", 0), ("™", 0), ("no5", 1), ("№", 1), ("ab", 2), ("𝐁", 2)] {
            check(&signs, typed, &[found]);
        }
        // A sigma has two small letters, and a sharp s mostly no capital.
        for (typed, found) in [("σοφος", 3), ("ΣΟΦΟΣ", 3), ("σοφοσ.", 3), ("STRASSE", 4), ("straße", 4)]
        {
            check(&signs, typed, &[found]);
        }
    }

    #[test]
    fn chosen_pictures_are_narrowed_by_words_too() {
        let index = index(&[("/p", "a1"), ("/p", "b1"), ("/p", "a2"), ("/p", "a3")]);
        let left = |filter: Filter| {
            let mut ids = index.iter().map(|entry| entry.id).collect();
            filter.retain(&index, &mut ids);
            ids.iter().map(|id| id.0).collect::<Vec<_>>()
        };
        let chosen = || Some([ImageId(3), ImageId(1), ImageId(0)].into_iter());
        assert_eq!(left(Filter::default().among(chosen())), [0, 1, 3]);
        assert_eq!(left(Filter::new("a").among(chosen())), [0, 3]);
        assert!(!Filter::default().among(chosen()).is_empty());
        assert_eq!(Filter::new("a").among(chosen()).among(None::<std::iter::Empty<_>>), Filter::new("a"));
        assert!(Filter::new("B/c").admits_path(Path::new("/a/b/c.jpg")));
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
