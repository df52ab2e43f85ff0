//! The row orders of the heatmap, with the sums that make any window of it quick to draw.

use std::{cmp::Ordering, collections::HashMap};

use super::{Metric, Run, blocks::Pyramid, each, in_turn, kernel::Probe, seriation};
use crate::index::{Entry, ImageId, Index};

/// The criterion by which the rows of the heatmap are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, clap::ValueEnum)]
pub enum OrderKind {
    /// By file name.
    Name,
    /// Sub-folder by sub-folder, by path inside.
    #[default]
    Folder,
    /// By seriation on cosine similarity: look-alikes side by side, clusters in one piece.
    Similarity,
}

impl OrderKind {
    /// The next one, cyclically.
    #[must_use]
    pub fn cycled(self) -> Self {
        match self {
            Self::Name => Self::Folder,
            Self::Folder => Self::Similarity,
            Self::Similarity => Self::Name,
        }
    }

    /// The name used on screens, in JSON and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Folder => "folder",
            Self::Similarity => "similarity",
        }
    }
}

/// Consecutive rows of one sub-folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The sub-folder's name, see [`Entry::group`]; empty for pictures in the folder itself.
    pub name: String,
    /// Position of its first row; it ends where the next group starts.
    pub start: usize,
}

/// Rows in an order, with the sums that make exact block means cheap.
#[derive(Debug, Clone)]
pub struct RowOrder {
    /// The criterion.
    pub kind: OrderKind,
    /// Pictures by position.
    pub ids: Vec<ImageId>,
    /// In folder order the sub-folders, first to last; empty in other orders, where they are scattered.
    pub groups: Vec<Group>,
    pub(super) pyramid: Pyramid,
    positions: Vec<u32>,
    ranges: [(f32, f32); 2],
}

/// Marks a picture without a position in the table of positions.
const NOWHERE: u32 = u32::MAX;

/// Orders all pictures of an index. Takes milliseconds for a folder, seconds for 100,000 pictures: work for a worker.
#[must_use]
pub fn order(index: &Index, kind: OrderKind) -> RowOrder {
    order_with(index, kind, &in_turn)
}

/// [`order`] on whatever `run` has.
#[must_use]
pub fn order_with(index: &Index, kind: OrderKind, run: Run<'_>) -> RowOrder {
    let ids = match kind {
        OrderKind::Name => sorted_by_key(index, |entry| {
            let name = entry.relative().file_name().unwrap_or_default().to_string_lossy().into_owned();
            (name, entry.path().to_string_lossy().into_owned())
        }),
        OrderKind::Folder => by_folder(index, run),
        OrderKind::Similarity => {
            let start = by_folder(index, run);
            seriation::seriate(index, &start, run)
        }
    };
    let mut positions = vec![NOWHERE; index.table_len()];
    for (position, id) in ids.iter().enumerate() {
        positions[id.at()] = position as u32;
    }
    let groups = if kind == OrderKind::Folder { groups(index, &ids) } else { Vec::new() };
    let pyramid = Pyramid::new(index, &ids, run);
    RowOrder { kind, ids, groups, pyramid, positions, ranges: ranges(index) }
}

impl RowOrder {
    /// Rows in the order.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The position of a picture, if it was in the index when the order was made.
    #[must_use]
    pub fn position(&self, id: ImageId) -> Option<usize> {
        self.positions.get(id.at()).filter(|at| **at != NOWHERE).map(|at| *at as usize)
    }

    /// Low and high end of the metric's color ramp, low < high: the first and the last percentile over pairs of
    /// different pictures (all of a small folder, a fixed sample of a large one). The same for every order.
    #[must_use]
    pub fn range(&self, metric: Metric) -> (f32, f32) {
        match metric {
            Metric::Cosine => self.ranges[0],
            Metric::Euclidean => self.ranges[1],
        }
    }
}

/// All pictures by a text key; numbers in it count as numbers, so that `cat2` stands before `cat10`.
fn sorted_by_key(index: &Index, key: impl Fn(&Entry<'_>) -> (String, String)) -> Vec<ImageId> {
    let mut keyed: Vec<_> = index.iter().map(|entry| (key(&entry), entry.id)).collect();
    keyed.sort_by(|((a, a_rest), a_id), ((b, b_rest), b_id)| {
        natural(a, b).then_with(|| natural(a_rest, b_rest)).then(a_id.cmp(b_id))
    });
    keyed.into_iter().map(|(_, id)| id).collect()
}

/// Sub-folder by sub-folder, each sorted on its own.
fn by_folder(index: &Index, run: Run<'_>) -> Vec<ImageId> {
    let mut folders: HashMap<_, Vec<Entry<'_>>> = HashMap::new();
    for entry in index.iter() {
        folders.entry((entry.root, entry.group())).or_default().push(entry);
    }
    let mut folders: Vec<_> = folders.into_iter().collect();
    folders.sort_by(|((a_root, a), _), ((b_root, b), _)| {
        natural(&a_root.to_string_lossy(), &b_root.to_string_lossy())
            .then(a_root.cmp(b_root))
            .then_with(|| natural(a, b))
    });
    let sorted = each(run, folders.into_iter(), |(_, entries)| {
        // A separator that sorts before every other character keeps `a/…` together although `a-b/…` exists.
        let key = |entry: &Entry<'_>| (entry.relative().to_string_lossy().replace('/', "\0"), entry.id);
        let mut keyed: Vec<_> = entries.iter().map(key).collect();
        keyed.sort_unstable_by(|(a, a_id), (b, b_id)| natural(a, b).then(a_id.cmp(b_id)));
        keyed.into_iter().map(|(_, id)| id).collect::<Vec<_>>()
    });
    sorted.concat()
}

/// Natural order of two texts: runs of digits compare by their value, everything else by character.
#[must_use]
pub fn natural(a: &str, b: &str) -> Ordering {
    // UTF-8 sorts by bytes as it does by characters.
    let (mut x, mut y) = (a.as_bytes(), b.as_bytes());
    while let (Some(first), Some(second)) = (x.first(), y.first()) {
        if first.is_ascii_digit() && second.is_ascii_digit() {
            let (number, other) = (leading_digits(x), leading_digits(y));
            let (value, other_value) = (without_zeros(number), without_zeros(other));
            match value.len().cmp(&other_value.len()).then_with(|| value.cmp(other_value)) {
                Ordering::Equal => (x, y) = (&x[number.len()..], &y[other.len()..]),
                decided => return decided,
            }
        } else if first == second {
            (x, y) = (&x[1..], &y[1..]);
        } else {
            return first.cmp(second);
        }
    }
    // What is equal up to leading zeros still needs one fixed order.
    x.len().cmp(&y.len()).then_with(|| a.cmp(b))
}

fn leading_digits(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    &text[..end]
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let start = number.iter().position(|byte| *byte != b'0').unwrap_or(number.len());
    &number[start..]
}

fn groups(index: &Index, ids: &[ImageId]) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut last = None;
    for (start, entry) in ids.iter().filter_map(|id| index.get(*id)).enumerate() {
        let group = (entry.root, entry.group());
        if last != Some(group) {
            groups.push(Group { name: group.1.to_owned(), start });
            last = Some(group);
        }
    }
    groups
}

/// Pictures from which the color ranges are taken: all of up to this many, else that many.
const SAMPLE: usize = 256;
/// Neighbors in order of arrival that are sampled together: they often share a folder, so that alike pairs are among
/// the sampled ones however large the index is.
const SAMPLE_RUN: usize = 8;

fn ranges(index: &Index) -> [(f32, f32); 2] {
    let runs = SAMPLE / SAMPLE_RUN;
    let len = index.len();
    let sampled = |at: usize| len <= SAMPLE || at % (len / runs) < SAMPLE_RUN;
    let sample: Vec<_> = index.iter().enumerate().filter(|(at, _)| sampled(*at)).map(|(_, entry)| entry).collect();
    let mut values = [Vec::new(), Vec::new()];
    for (at, row) in sample.iter().enumerate() {
        let probe = Probe::of(row);
        for col in &sample[at + 1..] {
            let pair = probe.to(col.row, col.scale, col.norm);
            values[0].push(pair.cosine);
            values[1].push(pair.euclidean);
        }
    }
    values.map(|mut values| {
        values.sort_unstable_by(f32::total_cmp);
        let Some(last) = values.len().checked_sub(1) else { return (0.0, 1.0) };
        let (low, high) = (values[last / 100], values[last - last / 100]);
        // All pairs alike: any visible width will do.
        let width = high.abs().max(1.0) * 0.01;
        if high - low > width * 1e-3 { (low, high) } else { (low - width, high + width) }
    })
}
