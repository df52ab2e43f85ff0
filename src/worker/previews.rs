//! The threads that make pictures ready: they take the most wanted first and forget what is no longer wanted.

use std::{
    collections::VecDeque,
    num::NonZero,
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
};

use image::{RgbImage, imageops};
use lru::LruCache;

use super::{Answer, JobEvent, JobId, Outcome, Priority, fenced, lock, spawn};
use crate::{
    decode::{self, Alpha, Detail},
    face::Face,
    index::{Entry, ImageId, Index},
    preview::{self, Painter, Preview, PreviewKey, frames::Framing},
};

/// Bytes of decoded pictures that are kept, so that another size or screen need not decode again.
const KEPT_BYTES: usize = 96 << 20;

/// The largest side of a kept picture; more than any terminal shows.
const LARGEST_SIDE: u32 = 2048;

/// The giving end; when it is dropped the threads end after their picture.
pub(super) struct Previews {
    shared: Arc<Shared>,
}

struct Shared {
    painter: Painter,
    answer: Answer,
    queue: Mutex<Queue>,
    changed: Condvar,
    kept: Mutex<Kept>,
}

struct Queue {
    job: JobId,
    wanted: VecDeque<Wanted>,
    /// What the threads are at.
    busy: Vec<PreviewKey>,
    closed: bool,
}

struct Wanted {
    key: PreviewKey,
    path: PathBuf,
    /// Of the whole picture.
    pixels: (u32, u32),
    /// All faces of the picture with their rows, where the rows stand for faces.
    faces: Vec<(ImageId, Face)>,
}

impl Wanted {
    fn of(key: &PreviewKey, entry: &Entry<'_>, index: &Index) -> Self {
        let faces = index.of_one_picture(key.image).filter_map(|id| Some((id, *index.get(id)?.face()?)));
        Self { key: *key, path: entry.path(), pixels: entry.pixels(), faces: faces.collect() }
    }

    /// The face that is meant.
    fn face(&self) -> Option<&Face> {
        self.faces.iter().find(|(id, _)| *id == self.key.image).map(|(_, face)| face)
    }

    /// The row under which the whole picture is kept.
    fn whole(&self) -> ImageId {
        self.faces.first().map_or(self.key.image, |(id, _)| *id)
    }
}

impl Previews {
    pub(super) fn spawn(painter: Painter, answer: Answer) -> Self {
        let queue = Queue { job: JobId(0), wanted: VecDeque::new(), busy: Vec::new(), closed: false };
        let shared = Arc::new(Shared {
            painter,
            answer,
            queue: Mutex::new(queue),
            changed: Condvar::new(),
            kept: Mutex::new(Kept { pictures: LruCache::unbounded(), bytes: 0 }),
        });
        // Two keep a fast cursor company; more would only take the processor from the indexing run.
        let threads = thread::available_parallelism().map_or(1, NonZero::get).clamp(1, 2);
        for _ in 0..threads {
            let mine = shared.clone();
            spawn("previews", Priority::Low, move || mine.work());
        }
        Self { shared }
    }

    /// Replaces everything wanted before. Pictures that are not in the index are answered at once.
    pub(super) fn want(&self, job: JobId, index: &Index, wanted: &[PreviewKey]) {
        let mut queue = lock(&self.shared.queue);
        queue.job = job;
        queue.wanted.clear();
        for key in wanted {
            if queue.busy.contains(key) {
                continue;
            }
            match index.get(key.image) {
                Some(entry) => queue.wanted.push_back(Wanted::of(key, &entry, index)),
                None => {
                    let outcome = Outcome::Previewed(*key, Preview::failed("it is no longer in the index"));
                    (self.shared.answer)(JobEvent { job, outcome });
                }
            }
        }
        drop(queue);
        self.shared.changed.notify_all();
    }
}

impl Drop for Previews {
    fn drop(&mut self) {
        let mut queue = lock(&self.shared.queue);
        queue.closed = true;
        queue.wanted.clear();
        drop(queue);
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn work(&self) {
        while let Some(wanted) = self.next() {
            let outcome = fenced("the preview", || Ok(Outcome::Previewed(wanted.key, self.preview(&wanted))));
            let outcome = match outcome {
                // The picture's place must not stay empty for ever.
                Outcome::Failed(sentence) => Outcome::Previewed(wanted.key, Preview::failed(sentence)),
                done => done,
            };
            let mut queue = lock(&self.queue);
            queue.busy.retain(|key| *key != wanted.key);
            let job = queue.job;
            drop(queue);
            (self.answer)(JobEvent { job, outcome });
        }
    }

    /// Sleeps until a picture is wanted; nothing when there will be none.
    fn next(&self) -> Option<Wanted> {
        let queue = lock(&self.queue);
        let mut queue = self
            .changed
            .wait_while(queue, |queue| queue.wanted.is_empty() && !queue.closed)
            .unwrap_or_else(PoisonError::into_inner);
        let wanted = queue.wanted.pop_front()?;
        queue.busy.push(wanted.key);
        Some(wanted)
    }

    fn preview(&self, wanted: &Wanted) -> Preview {
        let cells = (wanted.key.width, wanted.key.height);
        let picture = match wanted.face().filter(|_| !wanted.key.whole) {
            Some(face) => self.face(wanted, face, cells),
            None => self.picture(wanted, cells),
        };
        match picture {
            Ok(picture) if wanted.key.whole => {
                let faces = wanted.faces.iter().map(|(_, face)| *face).collect();
                let meant = wanted.faces.iter().position(|(id, _)| *id == wanted.key.image);
                self.painter.paint_framed(&picture, cells, &Framing { faces, meant })
            }
            Ok(picture) => self.painter.paint(&picture, cells),
            Err(reason) => Preview::failed(reason),
        }
    }

    /// The picture, at least as fine as the cells show it: kept from before, or decoded and then kept.
    fn picture(&self, wanted: &Wanted, cells: (u16, u16)) -> Result<Arc<RgbImage>, String> {
        let side = self.side(wanted.pixels, cells);
        let key = (wanted.whole(), true);
        if let Some(picture) = lock(&self.kept).get(key, side) {
            return Ok(picture);
        }
        let (width, height) = inside(wanted.pixels, side);
        let detail = Detail::AtLeast(width.min(height));
        let picture = decode::picture(&wanted.path, detail, Alpha::White).map_err(|why| why.to_string())?;
        // The file may have changed since it was indexed; its own proportions count.
        let (width, height) = inside(picture.rgb.dimensions(), side);
        let picture = Arc::new(preview::scale(&picture.rgb, width, height)?);
        lock(&self.kept).put(key, side, picture.clone());
        Ok(picture)
    }

    /// The longer side of what is decoded for some cells: powers of two, so that a little more room does not mean decoding
    /// again.
    fn side(&self, pixels: (u32, u32), cells: (u16, u16)) -> u32 {
        let (width, height) = self.painter.scaled_size(pixels, cells);
        width.max(height).clamp(64, LARGEST_SIDE).next_power_of_two()
    }

    /// The face with what is around it. All faces of a picture are cut out at once, for they are mostly shown together and
    /// decoding takes longest.
    fn face(&self, wanted: &Wanted, face: &Face, cells: (u16, u16)) -> Result<Arc<RgbImage>, String> {
        let [_, _, width, height] = face.shown_in(wanted.pixels);
        let side = self.side((width, height), cells);
        let key = (wanted.key.image, false);
        if let Some(picture) = lock(&self.kept).get(key, side) {
            return Ok(picture);
        }
        let shown = wanted.faces.iter().map(|(_, face)| face.shown_in(wanted.pixels));
        let smallest = shown.map(|[_, _, width, height]| width.max(height)).min().unwrap_or(1);
        let shorter = wanted.pixels.0.min(wanted.pixels.1);
        let needed = u64::from(shorter) * u64::from(side.min(smallest)) / u64::from(smallest.max(1));
        let detail = Detail::AtLeast(needed as u32);
        let picture = decode::picture(&wanted.path, detail, Alpha::White).map_err(|why| why.to_string())?;
        let mut asked_for = None;
        for (id, face) in &wanted.faces {
            let [left, top, width, height] = face.shown_in(picture.rgb.dimensions());
            let cut = imageops::crop_imm(&picture.rgb, left, top, width, height).to_image();
            let (width, height) = inside((width, height), side);
            let cut = Arc::new(preview::scale(&cut, width, height)?);
            if *id == wanted.key.image {
                asked_for = Some(Arc::clone(&cut));
            }
            lock(&self.kept).put((*id, false), side, cut);
        }
        asked_for.ok_or_else(|| "it is not among the faces of its picture any more".to_owned())
    }
}

/// The size shrunk so that no side is longer than `side`; never enlarged, never 0.
fn inside((width, height): (u32, u32), side: u32) -> (u32, u32) {
    let shrink = (f64::from(side) / f64::from(width.max(height).max(1))).min(1.0);
    let shrunk = |length: u32| (f64::from(length) * shrink).round().max(1.0) as u32;
    (shrunk(width), shrunk(height))
}

/// A row, and whether it is the whole picture that is kept, or the face that the row stands for.
type KeptKey = (ImageId, bool);

/// Decoded pictures, the least lately used of which leave first. Each is kept with the side it was decoded for.
struct Kept {
    pictures: LruCache<KeptKey, (u32, Arc<RgbImage>)>,
    bytes: usize,
}

impl Kept {
    fn get(&mut self, image: KeptKey, side: u32) -> Option<Arc<RgbImage>> {
        self.pictures.get(&image).filter(|(kept, _)| *kept >= side).map(|(_, picture)| picture.clone())
    }

    fn put(&mut self, image: KeptKey, side: u32, picture: Arc<RgbImage>) {
        self.bytes += picture.len();
        if let Some((_, before)) = self.pictures.put(image, (side, picture)) {
            self.bytes -= before.len();
        }
        while self.bytes > KEPT_BYTES {
            let Some((_, (_, gone))) = self.pictures.pop_lru() else { return };
            self.bytes -= gone.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_pictures_stay_within_their_bytes_and_the_least_used_leave() {
        let mut kept = Kept { pictures: LruCache::unbounded(), bytes: 0 };
        let large = Arc::new(RgbImage::new(2048, 2048));
        let most = (KEPT_BYTES / large.len()) as u32;
        for id in 0..most {
            kept.put((ImageId(id), true), 2048, large.clone());
        }
        assert!(kept.get((ImageId(0), true), 1024).is_some(), "finer than needed will do");
        kept.put((ImageId(most), true), 2048, large.clone());
        assert!(kept.get((ImageId(0), true), 2048).is_some(), "it was used last");
        assert!(kept.get((ImageId(1), true), 2048).is_none(), "it had to leave");
        kept.put((ImageId(0), true), 64, Arc::new(RgbImage::new(64, 48)));
        assert!(kept.get((ImageId(0), true), 128).is_none(), "too coarse is as good as none");
        let bytes: usize = kept.pictures.iter().map(|(_, (_, picture))| picture.len()).sum();
        assert_eq!(kept.bytes, bytes);
        assert!(bytes <= KEPT_BYTES);
    }

    #[test]
    fn shrinking_keeps_proportions_and_never_enlarges() {
        assert_eq!(inside((4000, 3000), 512), (512, 384));
        assert_eq!(inside((20, 10), 512), (20, 10));
        assert_eq!(inside((10_000, 1), 64), (64, 1));
        assert_eq!(inside((0, 0), 64), (1, 1));
    }
}
