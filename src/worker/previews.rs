//! The threads that make pictures ready: they take the most wanted first and forget what is no longer wanted.

use std::{
    collections::VecDeque,
    num::NonZero,
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
};

use image::RgbImage;
use lru::LruCache;

use super::{Answer, JobEvent, JobId, Outcome, Priority, fenced, lock, spawn};
use crate::{
    decode::{self, Alpha, Detail},
    index::{ImageId, Index},
    preview::{self, Painter, Preview, PreviewKey},
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
    pixels: (u32, u32),
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
                Some(entry) => {
                    let (path, pixels) = (entry.path(), entry.pixels());
                    queue.wanted.push_back(Wanted { key: *key, path, pixels });
                }
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
        match self.picture(wanted, cells) {
            Ok(picture) => self.painter.paint(&picture, cells),
            Err(reason) => Preview::failed(reason),
        }
    }

    /// The picture, at least as fine as the cells show it: kept from before, or decoded and then kept.
    fn picture(&self, wanted: &Wanted, cells: (u16, u16)) -> Result<Arc<RgbImage>, String> {
        let (width, height) = self.painter.scaled_size(wanted.pixels, cells);
        // Powers of two, so that a little more room does not mean decoding again.
        let side = width.max(height).clamp(64, LARGEST_SIDE).next_power_of_two();
        if let Some(picture) = lock(&self.kept).get(wanted.key.image, side) {
            return Ok(picture);
        }
        let (width, height) = inside(wanted.pixels, side);
        let detail = Detail::AtLeast(width.min(height));
        let picture = decode::picture(&wanted.path, detail, Alpha::White).map_err(|why| why.to_string())?;
        // The file may have changed since it was indexed; its own proportions count.
        let (width, height) = inside(picture.rgb.dimensions(), side);
        let picture = Arc::new(preview::scale(&picture.rgb, width, height)?);
        lock(&self.kept).put(wanted.key.image, side, picture.clone());
        Ok(picture)
    }
}

/// The size shrunk so that no side is longer than `side`; never enlarged, never 0.
fn inside((width, height): (u32, u32), side: u32) -> (u32, u32) {
    let shrink = (f64::from(side) / f64::from(width.max(height).max(1))).min(1.0);
    let shrunk = |length: u32| (f64::from(length) * shrink).round().max(1.0) as u32;
    (shrunk(width), shrunk(height))
}

/// Decoded pictures, the least lately used of which leave first. Each is kept with the side it was decoded for.
struct Kept {
    pictures: LruCache<ImageId, (u32, Arc<RgbImage>)>,
    bytes: usize,
}

impl Kept {
    fn get(&mut self, image: ImageId, side: u32) -> Option<Arc<RgbImage>> {
        self.pictures.get(&image).filter(|(kept, _)| *kept >= side).map(|(_, picture)| picture.clone())
    }

    fn put(&mut self, image: ImageId, side: u32, picture: Arc<RgbImage>) {
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
            kept.put(ImageId(id), 2048, large.clone());
        }
        assert!(kept.get(ImageId(0), 1024).is_some(), "finer than needed will do");
        kept.put(ImageId(most), 2048, large.clone());
        assert!(kept.get(ImageId(0), 2048).is_some(), "it was used last");
        assert!(kept.get(ImageId(1), 2048).is_none(), "it had to leave");
        kept.put(ImageId(0), 64, Arc::new(RgbImage::new(64, 48)));
        assert!(kept.get(ImageId(0), 128).is_none(), "too coarse is as good as none");
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
