//! The threads that make pictures ready: they take the most wanted first and forget what is no longer wanted.

use std::{
    collections::VecDeque,
    num::NonZero,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
};

use super::{
    Answer, JobEvent, JobId, Outcome, Priority,
    decoded::{self, DecodedPictures, Pictured},
    fenced, lock, spawn,
};
use crate::{
    index::Index,
    preview::{Painter, Preview, PreviewKey, Subject},
};

/// The largest side of a decoded picture; more than any terminal shows.
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
    decoded: DecodedPictures,
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
    /// The picture, or the two that differ.
    pictured: Vec<Pictured>,
}

impl Wanted {
    /// Nothing when a row is not there.
    fn of(key: &PreviewKey, index: &Index) -> Option<Self> {
        let pictured: Option<Vec<_>> = match &key.subject {
            Subject::Row(row) => Pictured::of(index, *row).map(|one| vec![one]),
            Subject::File(path, _) => Some(vec![Pictured::file(path.clone())]),
            Subject::Difference(rows) => rows.iter().map(|row| Pictured::of(index, *row)).collect(),
        };
        Some(Self { key: key.clone(), pictured: pictured? })
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
            decoded: DecodedPictures::default(),
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
            match Wanted::of(key, index) {
                Some(wanted) => queue.wanted.push_back(wanted),
                None => {
                    let outcome = Outcome::Previewed(key.clone(), Preview::failed("it is no longer in the index"));
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
            let outcome = fenced("the preview", || Ok(Outcome::Previewed(wanted.key.clone(), self.preview(&wanted))));
            let outcome = match outcome {
                // The picture's place must not stay empty for ever.
                Outcome::Failed(sentence) => Outcome::Previewed(wanted.key.clone(), Preview::failed(sentence)),
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
        queue.busy.push(wanted.key.clone());
        Some(wanted)
    }

    fn preview(&self, wanted: &Wanted) -> Preview {
        self.painted(wanted).unwrap_or_else(Preview::failed)
    }

    fn painted(&self, Wanted { key, pictured }: &Wanted) -> Result<Preview, String> {
        let cells = (key.width, key.height);
        let side = |pixels| self.side(pixels, cells);
        match pictured.as_slice() {
            [one] if key.whole || matches!(key.subject, Subject::File(..)) => {
                let framing = match &key.subject {
                    Subject::File(_, framing) => framing.clone(),
                    _ => one.framing(),
                };
                Ok(self.painter.paint_framed(&*self.decoded.whole(one, &side)?, cells, &framing))
            }
            [one] if key.fleeting => Ok(self.painter.paint_fleeting(&*self.decoded.shown(one, &side)?, cells)),
            [one] => Ok(self.painter.paint(&*self.decoded.shown(one, &side)?, cells)),
            [a, b] => {
                let [a, b] = [a, b].map(decoded::in_full);
                Ok(self.painter.paint_difference(&a?, &b?, cells))
            }
            _ => Err("there is nothing to show".to_owned()),
        }
    }

    /// The longer side of what is decoded for some cells: powers of two, so that a little more room does not mean decoding
    /// again.
    fn side(&self, pixels: (u32, u32), cells: (u16, u16)) -> u32 {
        let (width, height) = self.painter.scaled_size(pixels, cells);
        width.max(height).clamp(64, LARGEST_SIDE).next_power_of_two()
    }
}
