//! The order of a plain list of pictures: by folder, name, date, or likeness to one of them.

use std::{cmp::Ordering, sync::Arc};

use super::{Comparison, Metric, Query};
use crate::index::{Entry, ImageId, Index};

/// What decides where a picture stands in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// Folder by folder, by path.
    #[default]
    Folder,
    /// By file name.
    Name,
    /// Newest first.
    Date,
    /// Most alike to the picture that was selected when this order was asked for.
    Similarity,
}

impl Sort {
    /// The next one, round and round.
    #[must_use]
    pub fn cycled(self) -> Self {
        match self {
            Self::Folder => Self::Name,
            Self::Name => Self::Date,
            Self::Date => Self::Similarity,
            Self::Similarity => Self::Folder,
        }
    }

    /// Its name on the screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Name => "name",
            Self::Date => "date",
            Self::Similarity => "similarity",
        }
    }
}

/// Everything that an order depends on besides the pictures.
#[derive(Clone, Default)]
pub struct Sorting {
    /// What decides.
    pub sort: Sort,
    /// For [`Sort::Similarity`]: how pictures are compared.
    pub metric: Metric,
    /// For [`Sort::Similarity`]: what the others are compared with.
    pub anchor: Option<Arc<Comparison>>,
}

impl Sorting {
    /// Puts pictures of the index in order, those that are alike by their ids, and leaves out what is not in the index:
    /// without its file it has no place, and an order that is not total may make a sort panic.
    #[must_use]
    pub fn sorted(&self, index: &Index, mut ids: Vec<ImageId>) -> Vec<ImageId> {
        ids.retain(|id| index.contains(*id));
        if !matches!(self.sort, Sort::Folder | Sort::Name) {
            ids.sort_by(|a, b| self.order(index, *a, *b));
            return ids;
        }
        // All keys lie one behind the other: a million small pieces of memory would take as long as the sorting.
        let several_roots = several_roots(index);
        let mut keys = Vec::new();
        let mut keyed = Vec::with_capacity(ids.len());
        for entry in ids.iter().filter_map(|id| index.get(*id)) {
            let start = keys.len();
            self.write_key(&entry, several_roots, &mut keys);
            keyed.push((start, (keys.len() - start) as u32, entry.id));
        }
        let key = |start: usize, len: u32| &keys[start..start + len as usize];
        keyed.sort_unstable_by(|a, b| key(a.0, a.1).cmp(key(b.0, b.1)).then(a.2.cmp(&b.2)));
        ids.clear();
        ids.extend(keyed.into_iter().map(|(.., id)| id));
        ids
    }

    /// The order of two pictures of the index.
    #[must_use]
    pub fn order(&self, index: &Index, a: ImageId, b: ImageId) -> Ordering {
        let (Some(first), Some(second)) = (index.get(a), index.get(b)) else { return a.cmp(&b) };
        let order = match self.sort {
            Sort::Folder | Sort::Name => {
                let [mut key, mut other] = [Vec::new(), Vec::new()];
                self.write_key(&first, true, &mut key);
                self.write_key(&second, true, &mut other);
                key.cmp(&other)
            }
            Sort::Date => second.modified().cmp(&first.modified()),
            Sort::Similarity => self.metric.nearer(self.likeness(a), self.likeness(b)),
        };
        order.then(a.cmp(&b))
    }

    fn likeness(&self, id: ImageId) -> f32 {
        match &self.anchor {
            Some(anchor) if *anchor.query() == Query::Image(id) => self.metric.of_itself(),
            Some(anchor) => anchor.value(self.metric, id),
            None => f32::NAN,
        }
    }

    /// What a picture is sorted by where that is text.
    fn write_key(&self, entry: &Entry<'_>, several_roots: bool, key: &mut Vec<u8>) {
        if self.sort == Sort::Folder {
            if several_roots {
                write_natural(&entry.root.to_string_lossy(), key);
            }
            // Those in no sub-folder come first; the path begins with the name of the sub-folder.
            key.push(u8::from(!entry.group().is_empty()));
        } else {
            write_natural(&entry.relative().file_name().unwrap_or_default().to_string_lossy(), key);
        }
        write_natural(&entry.relative().to_string_lossy(), key);
    }
}

/// Whether pictures were found under different folders; otherwise the folder need not be part of every key.
fn several_roots(index: &Index) -> bool {
    let mut roots = index.segments().map(|(_, segment)| &segment.root);
    let first = roots.next();
    roots.any(|root| Some(root) != first)
}

/// Writes a text as bytes whose plain order is the natural order of texts (`cat2` before `cat10`): a number is preceded
/// by how many digits it has. Comparing such keys is many times quicker than comparing the texts.
fn write_natural(text: &str, key: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    while let Some(first) = rest.first() {
        if first.is_ascii_digit() {
            let (number, after) = rest.split_at(rest.iter().take_while(|byte| byte.is_ascii_digit()).count());
            let number = &number[number.iter().take_while(|byte| **byte == b'0').count()..];
            key.extend([b'0', number.len().min(255) as u8]);
            key.extend_from_slice(number);
            rest = after;
        } else {
            // A separator below every other character keeps `a/…` together although `a-b/…` exists.
            key.push(if *first == b'/' { 0 } else { *first });
            rest = &rest[1..];
        }
    }
    key.push(0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::similarity::order::natural;

    fn key(text: &str) -> Vec<u8> {
        let mut key = Vec::new();
        write_natural(text, &mut key);
        key
    }

    #[test]
    fn keys_sort_as_the_texts_do() {
        let texts = [
            "",
            "a",
            "a1",
            "a2",
            "a10",
            "a10b",
            "a10b2",
            "a100",
            "ab",
            "b",
            "IMG_9.jpg",
            "IMG_10.jpg",
            "ä",
            "猫2",
            "猫11",
        ];
        for a in texts {
            for b in texts {
                assert_eq!(key(a).cmp(&key(b)), natural(a, b), "{a} and {b}");
            }
        }
        assert!(key("a/b") < key("a-b/a"), "a folder stays together");
    }

    #[test]
    fn what_is_gone_is_left_out_of_every_order() {
        use std::path::Path;

        use crate::{
            index::{Image, Segment},
            scan::ImageFile,
            similarity::compare,
        };

        let image = |number: i64| Image {
            file: ImageFile {
                path: format!("/p/{number}.jpg").into(),
                size: 1,
                modified: number * 7919 % 1000,
                changed: 0,
            },
            pixels: (1, 1),
            format: "PNG",
        };
        let embeddings: Vec<_> = (0..300).map(|number| vec![1.0, (number * 31 % 300) as f32]).collect();
        let mut index = Index::new(2);
        index.push(Arc::new(Segment::pack(Arc::from(Path::new("/p")), (0..300).map(image), &embeddings, 2)));
        let anchor = Some(Arc::new(compare(&index, &Query::Image(ImageId(0)))));
        for gone in [3, 150, 151, 290] {
            index.remove(ImageId(gone));
        }
        for sort in [Sort::Folder, Sort::Name, Sort::Date, Sort::Similarity] {
            let sorting = Sorting { sort, metric: Metric::Cosine, anchor: anchor.clone() };
            let sorted = sorting.sorted(&index, (0..300).rev().map(ImageId).collect());
            assert_eq!(sorted.len(), 296, "{}", sort.name());
            assert!(sorted.iter().all(|id| index.contains(*id)), "{}", sort.name());
        }
    }
}
