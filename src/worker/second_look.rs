//! The second look at pictures that look alike: their files are read again, once, for what an embedding does not tell, the
//! content and a small picture, and pairs of them are laid on one another.
//!
//! This is not part of the indexing run, which would make everybody wait for it, and every store that there is would have
//! to be made anew. What was read is kept beside the graph of the nearest pictures.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use sha2::{Digest, Sha256};

use super::{kept::Kept, lock, on_all_cores};
use crate::{
    analysis::{
        alignment::{Alignment, SIDE, Thumbnail},
        copies::{self, Alignments, Content, Contents, Copies},
    },
    decode::{self, Alpha, Detail},
    index::{Entry, ImageId, Index, RowKind},
    preview,
    similarity::Graph,
    task::LookAlikes,
};

/// Pairs this much less alike than near-duplicates may be copies all the same: cropped, turned, or framed.
const LOOSER: f32 = 0.2;
/// Near-duplicates of a model that does not say.
const USUAL: f32 = 0.9;
/// Files and pairs between two looks at whether anybody still waits.
const AT_ONCE: usize = 64;
/// The share of the work that reading takes, for the progress.
const READING: f64 = 0.7;

/// What is known of an index's pictures, from one look to the next.
#[derive(Default)]
pub struct SecondLook(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// [`Index::run`] of the index whose ids these are.
    run: u64,
    contents: Contents,
    /// Files that could not be read.
    unread: HashSet<ImageId>,
    alignments: Alignments,
}

/// What a look is about.
pub struct Look<'a> {
    /// The pictures.
    pub index: &'a Index,
    /// Their nearest neighbors by cosine similarity.
    pub graph: &'a Graph,
    /// Folders of which nothing may go.
    pub protected: &'a [PathBuf],
}

impl SecondLook {
    /// Finds the copies among the pictures; what was read and compared before is not again. `None` when it was
    /// `superseded`, with nothing lost.
    #[must_use]
    pub fn look(
        &self,
        look: &Look<'_>,
        kept: &Kept,
        superseded: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(f64),
    ) -> Option<Copies> {
        let Look { index, graph, protected } = *look;
        if index.kind() == RowKind::Face {
            // Two faces of one person are no copies, and no reason for a picture to go.
            return Some(Copies::default());
        }
        let mut known = lock(&self.0);
        if known.run != index.run() {
            let (contents, alignments) = (kept.contents(index), kept.alignments(index));
            *known = Known { run: index.run(), contents, unread: HashSet::new(), alignments };
        }
        let known = &mut *known;
        let unread = |id: &ImageId| !known.contents.contains_key(id) && !known.unread.contains(id);
        let missing: Vec<_> =
            index.iter().filter(|entry| unread(&entry.id)).map(|entry| (entry.id, entry.path())).collect();
        let found = in_parallel(&missing, superseded, &mut |share| progress(READING * share), |(id, path)| {
            (*id, content(path))
        });
        let whole = found.len() == missing.len();
        for (id, content) in found {
            match content {
                Some(content) => drop(known.contents.insert(id, content)),
                None => drop(known.unread.insert(id)),
            }
        }
        if !missing.is_empty() {
            kept.keep_contents(&known.contents, index);
        }
        if !whole {
            return None;
        }
        let floor = kept.near_duplicate().unwrap_or(USUAL) - LOOSER;
        let mut pairs = copies::candidates(graph, &known.contents, floor);
        pairs.retain(|pair| !known.alignments.contains_key(pair));
        let contents = &known.contents;
        let align = |pair: &[ImageId; 2]| {
            let [a, b] = pair.map(|id| &contents[&id].thumbnail);
            (*pair, Alignment::find(a, b))
        };
        let found = in_parallel(&pairs, superseded, &mut |share| progress(READING + (1.0 - READING) * share), align);
        let whole = found.len() == pairs.len();
        known.alignments.extend(found);
        if !pairs.is_empty() {
            kept.keep_alignments(&known.alignments, index);
        }
        let protected = |entry: &Entry<'_>| protected.iter().any(|folder| entry.path().starts_with(folder));
        whole.then(|| Copies::find(index, &known.contents, &known.alignments, &protected))
    }

    /// Finds the copies among what looks alike, and puts them into groups of their own.
    #[must_use]
    pub fn at(
        &self,
        found: &LookAlikes,
        look: &Look<'_>,
        kept: &Kept,
        superseded: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(f64),
    ) -> Option<LookAlikes> {
        let copies = self.look(look, kept, superseded, progress)?;
        found.with(Some(Arc::new(copies)), look.index, superseded)
    }
}

/// Does something with each item on all cores, in order; less of them when `superseded`.
fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    superseded: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(f64),
    make: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let mut made = Vec::with_capacity(items.len());
    for portion in items.chunks(AT_ONCE) {
        if superseded() {
            break;
        }
        let mut results: Vec<Option<R>> = portion.iter().map(|_| None).collect();
        let make = &make;
        let work = portion.iter().zip(&mut results);
        on_all_cores(work.map(|(item, result)| Box::new(move || *result = Some(make(item))) as _).collect());
        made.extend(results.into_iter().flatten());
        progress(made.len() as f64 / items.len() as f64);
    }
    made
}

/// Reads a file for what [`Content`] holds.
fn content(path: &Path) -> Option<Content> {
    let bytes = decode::read(path).ok()?;
    let picture = decode::bytes_to_picture(&bytes, path, Detail::AtLeast(2 * SIDE as u32), Alpha::White).ok()?;
    let small = preview::scale(&picture.rgb, SIDE as u32, SIDE as u32).ok()?;
    // ITU-R BT.601, as everybody's gray.
    let gray = |[red, green, blue]: [u8; 3]| {
        ((299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue) + 500) / 1000) as u8
    };
    let thumbnail = Thumbnail::new(small.pixels().map(|pixel| gray(pixel.0)).collect())?;
    Some(Content { hash: Sha256::digest(&*bytes).into(), thumbnail })
}
