//! From files to embeddings: one pool of threads that decode until a batch of pictures is there, and then put it through
//! the network. Results come in order of arrival.
//!
//! On a CPU every thread has an embedder, so each core decodes or computes as is needed and none waits for another; a GPU
//! has one, which whoever completes a batch feeds while the others go on decoding.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        mpsc::{SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use image::RgbImage;

use super::{Embedder, Found};
use crate::{
    cancel::CancelToken,
    error::{Error, Result},
};

/// What became of some items.
pub struct Batch<T> {
    /// What became of each.
    pub results: Vec<Embedded<T>>,
    /// Whether reading takes more of the time than the network, so that quicker decoding would help most.
    pub decode_bound: bool,
}

/// An item with what was found in it, or the reason why it was not looked at, in words for the user.
pub type Embedded<T> = (T, Result<Vec<Found>, String>);

/// An item that was read: its picture as the network takes it, or why there is none.
type Arrival<T> = (T, Result<RgbImage, String>);

/// Reads all items with `threads` threads, embeds them on the same threads, and hands them over batch by batch on the
/// calling one.
///
/// `read` gives a picture as [`super::preprocess::fit`] makes it for the embedder; it may note what it learns in the item. A panic in it, or an
/// embedding that is not finite, is that item's failure and ends nothing. When the work is cancelled or `on_batch`
/// fails, pictures on their way are dropped.
///
/// # Errors
/// [`Error::Interrupted`] after a cancel; [`Error::Model`] when the network fails or panics; whatever `on_batch` returns.
pub fn run<T: Send>(
    items: Vec<T>,
    read: impl Fn(&mut T) -> Result<RgbImage, String> + Sync,
    threads: usize,
    embedder: &mut dyn Embedder,
    cancel: &CancelToken,
    mut on_batch: impl FnMut(Batch<T>) -> Result<()>,
) -> Result<()> {
    let threads = threads.max(1);
    let size = embedder.batch_size().max(1);
    let mut copies: Vec<_> = (0..threads).map_while(|_| embedder.share()).collect();
    let free: Vec<&mut dyn Embedder> =
        if copies.is_empty() { vec![embedder] } else { copies.iter_mut().map(|copy| &mut **copy as _).collect() };
    let (sender, receiver) = sync_channel(free.len());
    let queue = Queue {
        size,
        // Twice a batch: the next one is being decoded while this one is in the network, and no more lies around.
        room: size * 2,
        threads: threads as u32,
        embedders: free.len() as u32,
        state: Mutex::new(State {
            items: items.into_iter(),
            reading: 0,
            read: Vec::new(),
            pictures: 0,
            free,
            spent: Spent::default(),
            closed: false,
        }),
        changed: Condvar::new(),
    };
    thread::scope(|scope| {
        for _ in 0..threads {
            let (queue, read, sender) = (&queue, &read, sender.clone());
            scope.spawn(move || queue.work(read, cancel, &sender));
        }
        drop(sender);
        let ended = receiver
            .iter()
            .try_for_each(|batch| if cancel.is_cancelled() { Err(Error::Interrupted) } else { on_batch(batch?) });
        // After an early end, threads that wait for work, or for room in the channel, see it closed.
        drop(receiver);
        queue.close();
        if cancel.is_cancelled() { Err(Error::Interrupted) } else { ended }
    })
}

/// The items on their way from file to embedding, and who works on them.
struct Queue<'e, T> {
    /// Pictures in a batch.
    size: usize,
    /// Arrivals that may wait for an embedder.
    room: usize,
    threads: u32,
    embedders: u32,
    state: Mutex<State<'e, T>>,
    changed: Condvar,
}

struct State<'e, T> {
    items: std::vec::IntoIter<T>,
    /// Threads that are reading an item.
    reading: usize,
    read: Vec<Arrival<T>>,
    /// How many of `read` are pictures.
    pictures: usize,
    /// Embedders that nobody uses.
    free: Vec<&'e mut dyn Embedder>,
    spent: Spent,
    closed: bool,
}

/// Time that all threads together have spent.
#[derive(Default)]
struct Spent {
    reading: Duration,
    computing: Duration,
}

/// What a thread does next.
enum Task<'e, T> {
    Read(T),
    Embed(Vec<Arrival<T>>, &'e mut dyn Embedder),
    Wait,
    Stop,
}

impl<'e, T> State<'e, T> {
    /// No item will come any more.
    fn is_last(&self) -> bool {
        self.items.len() == 0 && self.reading == 0
    }

    fn next(&mut self, size: usize, room: usize) -> Task<'e, T> {
        if self.closed {
            return Task::Stop;
        }
        // Files that cannot be read are reported before a whole batch of pictures has come together.
        let enough = self.pictures >= size || self.read.len() >= size * 4;
        if (enough || (self.is_last() && !self.read.is_empty()))
            && let Some(embedder) = self.free.pop()
        {
            return Task::Embed(self.take(size), embedder);
        }
        if self.pictures < room
            && self.read.len() < size * 4
            && let Some(item) = self.items.next()
        {
            self.reading += 1;
            return Task::Read(item);
        }
        if self.is_last() && self.read.is_empty() { Task::Stop } else { Task::Wait }
    }

    /// The first arrivals, with up to `size` pictures among them.
    fn take(&mut self, size: usize) -> Vec<Arrival<T>> {
        let mut pictures = 0;
        let beyond = self.read.iter().position(|(_, picture)| {
            pictures += usize::from(picture.is_ok());
            pictures > size
        });
        self.pictures -= pictures.min(size);
        self.read.drain(..beyond.unwrap_or(self.read.len())).collect()
    }
}

impl<'e, T> Queue<'e, T> {
    /// One thread of the pool: works until there is nothing more to do, or nobody wants it any more.
    fn work(
        &self,
        read: &impl Fn(&mut T) -> Result<RgbImage, String>,
        cancel: &CancelToken,
        sender: &SyncSender<Result<Batch<T>>>,
    ) {
        let mut state = self.lock();
        while !cancel.is_cancelled() {
            match state.next(self.size, self.room) {
                Task::Read(mut item) => {
                    drop(state);
                    let start = Instant::now();
                    let picture = catch_unwind(AssertUnwindSafe(|| read(&mut item)))
                        .unwrap_or_else(|panic| Err(format!("its decoder crashed ({})", message(&*panic))));
                    state = self.lock();
                    state.spent.reading += start.elapsed();
                    state.reading -= 1;
                    state.pictures += usize::from(picture.is_ok());
                    state.read.push((item, picture));
                }
                Task::Embed(arrivals, embedder) => {
                    drop(state);
                    let start = Instant::now();
                    let results = embed(arrivals, embedder);
                    state = self.lock();
                    state.spent.computing += start.elapsed();
                    state.free.push(embedder);
                    let decode_bound = state.spent.reading / self.threads > state.spent.computing / self.embedders;
                    drop(state);
                    self.changed.notify_all();
                    if sender.send(results.map(|results| Batch { results, decode_bound })).is_err() {
                        return;
                    }
                    state = self.lock();
                }
                Task::Wait => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Task::Stop => break,
            }
            self.changed.notify_all();
        }
        drop(state);
        // Whoever waits must see the cancel too.
        self.changed.notify_all();
    }

    fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<'e, T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts one batch through the network.
fn embed<T>(arrivals: Vec<Arrival<T>>, embedder: &mut dyn Embedder) -> Result<Vec<Embedded<T>>> {
    let mut pictures = Vec::new();
    let items: Vec<_> =
        arrivals.into_iter().map(|(item, picture)| (item, picture.map(|picture| pictures.push(picture)))).collect();
    let name = embedder.manifest().name.clone();
    let embedded = catch_unwind(AssertUnwindSafe(|| embedder.find(&pictures)))
        .unwrap_or_else(|panic| Err(Error::model(&name, format!("the network crashed ({})", message(&*panic)))))?;
    if embedded.len() != pictures.len() {
        return Err(Error::model(name, format!("it gave {} answers for {} pictures", embedded.len(), pictures.len())));
    }
    let mut embedded = embedded.into_iter();
    let results = items.into_iter().map(|(item, read)| {
        let found = read.map(|()| embedded.next().unwrap_or_default()).and_then(|found| {
            let finite = found.iter().flat_map(|found| &found.embedding).all(|value| value.is_finite());
            if finite { Ok(found) } else { Err("the network's answer for it is not finite".into()) }
        });
        (item, found)
    });
    Ok(results.collect())
}

/// The words of a panic.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(|text| &**text));
    crate::printable::printable_str(text.unwrap_or("no message"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::Manifest;

    /// Answers with the first pixel's levels; fails as told by the red one.
    struct Probe {
        manifest: Manifest,
        batches: Vec<usize>,
    }

    const PANICS: u8 = 200;
    const FAILS: u8 = 201;
    const NOT_FINITE: u8 = 202;

    impl Embedder for Probe {
        fn manifest(&self) -> &Manifest {
            &self.manifest
        }
        fn embed(&mut self, batch: &[RgbImage]) -> Result<Vec<Vec<f32>>> {
            self.batches.push(batch.len());
            let row = |picture: &RgbImage| match picture.get_pixel(0, 0).0[0] {
                PANICS => panic!("probe"),
                FAILS => Err(Error::model("probe", "told to")),
                NOT_FINITE => Ok(vec![f32::NAN]),
                red => Ok(vec![f32::from(red)]),
            };
            batch.iter().map(row).collect()
        }
        fn batch_size(&self) -> usize {
            4
        }
        fn device(&self) -> String {
            "probe".into()
        }
    }

    fn probe() -> Probe {
        let manifest = Manifest::parse(include_str!("../../models/color-grid.toml")).unwrap();
        Probe { manifest, batches: Vec::new() }
    }

    fn picture(red: u8) -> RgbImage {
        RgbImage::from_pixel(1, 1, image::Rgb([red, 0, 0]))
    }

    fn all(items: Vec<u8>, read: impl Fn(&mut u8) -> Result<RgbImage, String> + Sync) -> Result<Vec<Embedded<u8>>> {
        let mut results = Vec::new();
        run(items, read, 3, &mut probe(), &CancelToken::default(), |batch| {
            results.extend(batch.results);
            Ok(())
        })?;
        results.sort_by_key(|(item, _)| *item);
        Ok(results)
    }

    #[test]
    fn every_item_comes_back_once_with_its_own_embedding() {
        let results = all((0..100).collect(), |&mut item| Ok(picture(item))).unwrap();
        assert_eq!(results.len(), 100);
        for (item, found) in results {
            assert_eq!(found, Ok(vec![Found { face: None, embedding: vec![f32::from(item)] }]));
        }
    }

    #[test]
    fn unreadable_panicking_and_not_finite_pictures_fail_alone() {
        let read = |item: &mut u8| match *item {
            1 => Err("broken".to_string()),
            2 => panic!("decoder"),
            3 => Ok(picture(NOT_FINITE)),
            item => Ok(picture(item)),
        };
        let results = all((0..6).collect(), read).unwrap();
        let reasons: Vec<_> =
            results.iter().map(|(_, result)| result.as_ref().err().map_or("", |reason| reason)).collect();
        assert_eq!(
            reasons,
            ["", "broken", "its decoder crashed (decoder)", "the network's answer for it is not finite", "", ""]
        );
    }

    #[test]
    fn many_unreadable_files_are_reported_before_a_batch_of_pictures_is_full() {
        let results = all((0..100).collect(), |_| Err("broken".into())).unwrap();
        assert_eq!(results.len(), 100);
        let mut probe = probe();
        let mut batches = 0;
        run(
            vec![(); 100],
            |()| Err("broken".into()),
            1,
            &mut probe,
            &CancelToken::default(),
            |_| {
                batches += 1;
                Ok(())
            },
        )
        .unwrap();
        assert!(batches > 1, "{batches}");
    }

    #[test]
    fn a_failing_or_panicking_network_ends_the_run_with_a_sentence() {
        let error = all(vec![0; 50], |_| Ok(picture(FAILS))).unwrap_err();
        assert_eq!(error.to_string(), "model probe: told to");
        let error = all(vec![0; 50], |_| Ok(picture(PANICS))).unwrap_err();
        assert!(error.to_string().contains("crashed (probe)"), "{error}");
    }

    #[test]
    fn after_a_cancel_nothing_more_is_handed_over() {
        let (cancel, mut probe) = (CancelToken::default(), probe());
        let mut seen = 0;
        let result = run(
            (0..100).collect(),
            |&mut item| Ok(picture(item)),
            2,
            &mut probe,
            &cancel,
            |batch| {
                seen += batch.results.len();
                cancel.cancel();
                Ok(())
            },
        );
        assert!(matches!(result, Err(Error::Interrupted)));
        // Besides the batch that was handed over, one may have been in the channel and one with each of the two threads.
        assert_eq!(seen, 4);
        assert!(probe.batches.len() <= 4, "{:?}", probe.batches);
    }

    #[test]
    fn a_failing_callback_ends_the_run_and_lets_the_threads_go() {
        let result = run(
            (0..100).collect(),
            |&mut item| Ok(picture(item)),
            2,
            &mut probe(),
            &CancelToken::default(),
            |_| Err(Error::Usage("full disk".into())),
        );
        assert_eq!(result.unwrap_err().to_string(), "full disk");
    }

    #[test]
    fn no_items_are_no_work() {
        assert!(all(Vec::new(), |_| Ok(picture(0))).unwrap().is_empty());
    }
}
