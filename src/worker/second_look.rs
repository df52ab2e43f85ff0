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
        superseded: &(dyn Fn() -> bool + Sync),
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
            (*id, content(path, superseded))
        });
        let mut whole = found.len() == missing.len();
        for (id, content) in found {
            match content {
                Some(content) => drop(known.contents.insert(id, content)),
                // It may have been given up because of that.
                None if superseded() => whole = false,
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
        superseded: &(dyn Fn() -> bool + Sync),
        progress: &mut dyn FnMut(f64),
    ) -> Option<LookAlikes> {
        let copies = self.look(look, kept, superseded, progress)?;
        found.with(Some(Arc::new(copies)), look.index, superseded)
    }
}

/// Does something with each item on all cores, in order; less of them when `superseded`.
fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    superseded: &(dyn Fn() -> bool + Sync),
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

/// Reads a file for what [`Content`] holds, unless `stop` says that nobody waits for it: a single picture may take a minute.
fn content(path: &Path, stop: &dyn Fn() -> bool) -> Option<Content> {
    if stop() {
        return None;
    }
    let bytes = decode::read(path).ok()?;
    let detail = Detail::AtLeast(2 * SIDE as u32);
    let picture = decode::bytes_to_picture_until(&bytes, path, detail, Alpha::White, stop).ok()?;
    let small = preview::scale(&picture.rgb, SIDE as u32, SIDE as u32).ok()?;
    // ITU-R BT.601, as everybody's gray.
    let gray = |[red, green, blue]: [u8; 3]| {
        ((299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue) + 500) / 1000) as u8
    };
    let thumbnail = Thumbnail::new(small.pixels().map(|pixel| gray(pixel.0)).collect())?;
    Some(Content { hash: Sha256::digest(&*bytes).into(), thumbnail })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use image::{Rgb, RgbImage};

    use super::*;
    use crate::{
        analysis::alike::Range,
        index::{Image, Segment},
        scan::ImageFile,
        worker::on_all_cores,
    };

    #[test]
    fn a_look_that_nobody_waits_for_ends_inside_of_a_picture_and_the_next_one_is_whole() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut random = fastrand::Rng::with_seed(7);
        let image = |name: &str| {
            let path = folder.path().join(name);
            RgbImage::from_fn(250, 250, |_, _| Rgb([random.u8(..), random.u8(..), random.u8(..)]))
                .save(&path)
                .expect("written");
            Image {
                file: ImageFile { path, size: 1, modified: 0, changed: 0 },
                pixels: (250, 250),
                format: "PNG",
                face: None,
            }
        };
        let images = ["a.png", "b.png"].map(image);
        let mut index = Index::new(2);
        let rows = [vec![1.0, 0.0], vec![1.0, 0.1]];
        index.push(Arc::new(Segment::pack(folder.path().into(), images, &rows, 2)));
        let found = LookAlikes::find(&index, Range::usual(None), None, &on_all_cores, &|| false, &mut |_| {});
        let graph = found.expect("nobody stops it").graph;
        let look = Look { index: &index, graph: &graph, protected: &[] };
        let kept = Kept::default();
        let asked = AtomicU32::new(0);
        let until = |last: u32| {
            let asked = &asked;
            asked.store(0, Ordering::Relaxed);
            move || asked.fetch_add(1, Ordering::Relaxed) >= last
        };
        assert!(SecondLook::default().look(&look, &kept, &until(u32::MAX), &mut |_| {}).is_some());
        let all = asked.load(Ordering::Relaxed);
        assert!(all > 30, "it asks while it decodes: {all}");
        for last in (0..all).step_by(all as usize / 7) {
            let second_look = SecondLook::default();
            assert!(second_look.look(&look, &kept, &until(last), &mut |_| {}).is_none(), "stopped after {last}");
            let begun = asked.load(Ordering::Relaxed) - last;
            assert!(begun < 20, "{begun} questions after it was told to stop");
            assert!(second_look.look(&look, &kept, &|| false, &mut |_| {}).is_some());
            assert_eq!(lock(&second_look.0).contents.len(), 2, "what was stopped is not taken for unreadable");
        }
    }
}
