//! Every order in which pictures can stand, in lists and tables alike.

use std::{cmp::Ordering, os::unix::ffi::OsStrExt, path::Path, sync::Arc};

use crate::{
    index::{Entry, ImageId, Index, labels::Labels},
    similarity::{
        Comparison, Executor, Metric, Query, RowOrder, compare_with,
        seriation::{Seriation, seriate},
    },
};

pub mod natural;

/// What decides where a picture stands; [`Order`] adds what it depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, clap::ValueEnum)]
pub enum OrderKind {
    /// Sub-folder by sub-folder, by path inside.
    #[default]
    Folder,
    /// Look-alikes side by side: clusters of the cosine geometry kept together (seriation).
    Similarity,
    /// By file name.
    Name,
    /// Newest first.
    Date,
    /// Largest file first.
    Size,
    /// Most alike to one picture first.
    #[value(skip)]
    Likeness,
    /// Group by group, by path inside; what is in no group comes last.
    #[value(skip)]
    Group,
}

impl OrderKind {
    /// All of them, in the order in which a key goes through them.
    pub const ALL: [Self; 7] =
        [Self::Folder, Self::Similarity, Self::Name, Self::Date, Self::Size, Self::Likeness, Self::Group];

    /// The next one, round and round; that by group only where there are groups.
    #[must_use]
    pub fn cycled(self, has_groups: bool) -> Self {
        let next = Self::ALL.iter().position(|kind| *kind == self).map_or(0, |at| (at + 1) % Self::ALL.len());
        if Self::ALL[next] == Self::Group && !has_groups { Self::Folder } else { Self::ALL[next] }
    }

    /// The name used on screens, in JSON and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Name => "name",
            Self::Date => "date",
            Self::Size => "size",
            Self::Likeness => "likeness",
            Self::Similarity => "similarity",
            Self::Group => "group",
        }
    }
}

/// An order of pictures and everything that it depends on besides them.
#[derive(Debug, Clone)]
pub enum Order {
    /// See [`OrderKind::Folder`].
    Folder,
    /// See [`OrderKind::Name`].
    Name,
    /// See [`OrderKind::Date`].
    Date,
    /// See [`OrderKind::Size`].
    Size,
    /// Most alike first, to what the comparison is about, which comes first itself.
    Likeness(Arc<Comparison>, Metric),
    /// See [`OrderKind::Similarity`].
    Similarity,
    /// By the number of these labels, which are groups.
    Group(Arc<Labels>),
    /// Another order from its end to its beginning.
    Reversed(Box<Order>),
}

/// Two orders are equal when they are the same, not when they happen to sort alike: no table is looked at.
impl PartialEq for Order {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Likeness(to, metric), Self::Likeness(other, its)) => Arc::ptr_eq(to, other) && metric == its,
            (Self::Group(labels), Self::Group(others)) => Arc::ptr_eq(labels, others),
            (Self::Reversed(order), Self::Reversed(other)) => order == other,
            (Self::Reversed(_), _) | (_, Self::Reversed(_)) => false,
            _ => self.kind() == other.kind(),
        }
    }
}

impl Order {
    /// The order of a kind; `None` for [`OrderKind::Likeness`] when it is not said to what and by which metric, and for
    /// [`OrderKind::Group`] where there are no groups.
    #[must_use]
    pub fn of(
        kind: OrderKind,
        likeness: Option<(Arc<Comparison>, Metric)>,
        groups: Option<&Arc<Labels>>,
    ) -> Option<Self> {
        match kind {
            OrderKind::Folder => Some(Self::Folder),
            OrderKind::Name => Some(Self::Name),
            OrderKind::Date => Some(Self::Date),
            OrderKind::Size => Some(Self::Size),
            OrderKind::Likeness => likeness.map(|(to, metric)| Self::Likeness(to, metric)),
            OrderKind::Similarity => Some(Self::Similarity),
            OrderKind::Group => groups.map(|labels| Self::Group(Arc::clone(labels))),
        }
    }

    /// What decides.
    #[must_use]
    pub fn kind(&self) -> OrderKind {
        match self {
            Self::Folder => OrderKind::Folder,
            Self::Name => OrderKind::Name,
            Self::Date => OrderKind::Date,
            Self::Likeness(..) => OrderKind::Likeness,
            Self::Similarity => OrderKind::Similarity,
            Self::Group(_) => OrderKind::Group,
            Self::Size => OrderKind::Size,
            Self::Reversed(order) => order.kind(),
        }
    }

    /// The same from its end to its beginning, or not.
    #[must_use]
    pub fn reversed(self, reversed: bool) -> Self {
        if reversed { Self::Reversed(Box::new(self)) } else { self }
    }

    /// Whether it is another order from its end.
    #[must_use]
    pub fn is_reversed(&self) -> bool {
        matches!(self, Self::Reversed(_))
    }

    /// What an order by likeness compares with.
    #[must_use]
    pub fn anchor(&self) -> Option<&Arc<Comparison>> {
        match self {
            Self::Likeness(to, _) => Some(to),
            Self::Reversed(order) => order.anchor(),
            _ => None,
        }
    }

    /// The order by likeness to the same picture as the index is now: a comparison does not know what came after it.
    #[must_use]
    pub fn renewed(self, index: &Index, executor: Executor<'_>) -> Self {
        match self {
            Self::Likeness(to, metric) if to.made_of() != index.state() => {
                Self::Likeness(Arc::new(compare_with(index, to.query(), executor)), metric)
            }
            Self::Reversed(order) => order.renewed(index, executor).reversed(true),
            order => order,
        }
    }

    /// Puts all pictures of the index in order. Milliseconds for a folder, seconds for 100,000 pictures by similarity.
    #[must_use]
    pub fn all(&self, index: &Index, executor: Executor<'_>) -> Vec<ImageId> {
        self.sorted(index, index.iter().map(|entry| entry.id).collect(), executor)
    }

    /// Prepares the rows of the heatmap: pictures of the index, with the clusters that the order by similarity knows.
    #[must_use]
    pub fn rows(&self, index: &Index, ids: Vec<ImageId>, executor: Executor<'_>) -> RowOrder {
        match self {
            Self::Similarity => RowOrder::seriated(index, Self::seriated(index, &ids, executor), executor),
            _ => RowOrder::new(index, self.sorted(index, ids, executor), executor),
        }
    }

    /// Puts pictures in order and leaves out what is not in the index: without its file it has no place, and an order
    /// that is not total may make a sort panic.
    #[must_use]
    pub fn sorted(&self, index: &Index, mut ids: Vec<ImageId>, executor: Executor<'_>) -> Vec<ImageId> {
        ids.retain(|id| index.contains(*id));
        match self {
            Self::Folder | Self::Name => self.by_text(index, &ids),
            Self::Group(labels) => {
                let mut ids = Self::Folder.by_text(index, &ids);
                ids.sort_by_key(|id| labels.of(*id).unwrap_or(usize::MAX));
                ids
            }
            Self::Reversed(order) => {
                let mut ids = order.sorted(index, ids, executor);
                ids.reverse();
                ids
            }
            Self::Date | Self::Size | Self::Likeness(..) => {
                ids.sort_by(|a, b| self.compare(index, *a, *b));
                ids
            }
            Self::Similarity => Self::seriated(index, &ids, executor).ids,
        }
    }

    /// Which of equally alike pictures comes first depends on folder and path, not on their arrival.
    fn seriated(index: &Index, ids: &[ImageId], executor: Executor<'_>) -> Seriation {
        seriate(index, &Self::Folder.by_text(index, ids), executor)
    }

    /// Compares two pictures of the index; `None` where only all pictures together have an order.
    fn compared(&self, index: &Index, a: ImageId, b: ImageId) -> Option<Ordering> {
        let (first, second) = (index.get(a)?, index.get(b)?);
        let order = match self {
            Self::Folder | Self::Name => {
                let [mut key, mut other] = [Vec::new(), Vec::new()];
                self.write_key(&first, true, &mut key);
                self.write_key(&second, true, &mut other);
                key.cmp(&other).then_with(|| first.relative().cmp(second.relative()))
            }
            Self::Date => second.modified().cmp(&first.modified()),
            Self::Size => second.size().cmp(&first.size()),
            Self::Reversed(order) => return order.compared(index, a, b).map(Ordering::reverse),
            Self::Likeness(to, metric) => metric.nearer(likeness(to, *metric, a), likeness(to, *metric, b)),
            Self::Group(labels) => {
                let number = |id| labels.of(id).unwrap_or(usize::MAX);
                return Some(number(a).cmp(&number(b)).then_with(|| Self::Folder.compare(index, a, b)));
            }
            Self::Similarity => return None,
        };
        Some(order.then(a.cmp(&b)))
    }

    /// Compares two pictures of the index, those that are alike by their ids. By similarity only all pictures together
    /// have an order, see [`Order::is_pairwise`].
    #[must_use]
    pub fn compare(&self, index: &Index, a: ImageId, b: ImageId) -> Ordering {
        self.compared(index, a, b).unwrap_or_else(|| a.cmp(&b))
    }

    /// Whether two pictures suffice to tell which comes first, so that new ones can be put into an ordered list.
    #[must_use]
    pub fn is_pairwise(&self) -> bool {
        self.kind() != OrderKind::Similarity
    }

    fn by_text(&self, index: &Index, ids: &[ImageId]) -> Vec<ImageId> {
        // All keys lie one behind the other: a million small pieces of memory would take as long as the sorting.
        let several_roots = index.has_several_roots();
        let mut keys = Vec::new();
        let mut keyed = Vec::with_capacity(ids.len());
        for entry in ids.iter().filter_map(|id| index.get(*id)) {
            let start = keys.len();
            self.write_key(&entry, several_roots, &mut keys);
            keyed.push((start, (keys.len() - start) as u32, entry.id));
        }
        let key = |start: usize, len: u32| &keys[start..start + len as usize];
        let path = |id| index.get(id).map(|entry| entry.relative());
        keyed.sort_unstable_by(|a, b| {
            key(a.0, a.1).cmp(key(b.0, b.1)).then_with(|| path(a.2).cmp(&path(b.2))).then(a.2.cmp(&b.2))
        });
        keyed.into_iter().map(|(.., id)| id).collect()
    }

    /// What a picture is sorted by where that is text.
    fn write_key(&self, entry: &Entry<'_>, several_roots: bool, key: &mut Vec<u8>) {
        let relative = entry.relative();
        if *self == Self::Name {
            natural::write_key(relative.file_name().unwrap_or_default().as_bytes(), key);
            natural::write_key(relative.as_os_str().as_bytes(), key);
        } else {
            write_folder_key(entry.root, relative, several_roots, key);
        }
    }
}

/// Bytes whose plain order is that by folder, for a file that need not be indexed: its path under the folder that is
/// explored. Where several are, that folder decides first.
#[must_use]
pub fn folder_key(root: &Path, relative: &Path, several_roots: bool) -> Vec<u8> {
    let mut key = Vec::new();
    write_folder_key(root, relative, several_roots, &mut key);
    key
}

fn write_folder_key(root: &Path, relative: &Path, several_roots: bool, key: &mut Vec<u8>) {
    if several_roots {
        natural::write_key(root.as_os_str().as_bytes(), key);
    }
    // Those in no sub-folder come first; the path begins with the name of the sub-folder.
    let relative = relative.as_os_str().as_bytes();
    key.push(u8::from(relative.contains(&b'/')));
    natural::write_key(relative, key);
}

fn likeness(to: &Comparison, metric: Metric, id: ImageId) -> f32 {
    if *to.query() == Query::Image(id) { metric.self_value() } else { to.value(metric, id) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        index::{Image, Segment},
        scan::ImageFile,
        similarity::{compare, sequential},
    };

    #[test]
    fn what_is_gone_is_left_out_of_every_order() {
        let image = |number: i64| Image {
            file: ImageFile {
                path: format!("/p/{number}.jpg").into(),
                size: 1,
                modified: number * 7919 % 1000,
                changed: 0,
            },
            pixels: (1, 1),
            format: "PNG",
            face: None,
        };
        let embeddings: Vec<_> = (0..300).map(|number| vec![1.0, (number * 31 % 300) as f32]).collect();
        let mut index = Index::new(2);
        index.push(Arc::new(Segment::pack(Arc::from(Path::new("/p")), (0..300).map(image), &embeddings, 2)));
        let like = Order::Likeness(Arc::new(compare(&index, &Query::Image(ImageId(0)))), Metric::Cosine);
        for gone in [3, 150, 151, 290] {
            index.remove(ImageId(gone));
        }
        for order in [Order::Folder, Order::Name, Order::Date, Order::Size, like, Order::Similarity] {
            let all = || (0..300).rev().map(ImageId).collect();
            let sorted = order.sorted(&index, all(), &sequential);
            let mut backwards = order.clone().reversed(true).sorted(&index, all(), &sequential);
            backwards.reverse();
            assert_eq!(backwards, sorted, "{} reversed", order.kind().name());
            assert_eq!(sorted.len(), 296, "{}", order.kind().name());
            assert!(sorted.iter().all(|id| index.contains(*id)), "{}", order.kind().name());
        }
    }
}
