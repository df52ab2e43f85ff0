//! From files to embeddings: a pool of threads decodes, a bounded channel carries pictures, the calling thread runs the
//! network on batches of them. Results come in order of arrival.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use image::RgbImage;

use super::Embedder;
use crate::{
    cancel::CancelToken,
    error::{Error, Result},
};

/// What became of some items.
pub struct Batch<T> {
    /// What became of each.
    pub results: Vec<Embedded<T>>,
    /// Time spent waiting for pictures to be decoded.
    pub waited: Duration,
    /// Time spent in the network. When this is the smaller of the two, decoding is the bottleneck.
    pub computed: Duration,
}

/// An item with its raw embedding, or the reason why it has none, in words for the user.
pub type Embedded<T> = (T, Result<Vec<f32>, String>);

/// An item that was read: its picture at the network's input size, or why there is none.
type Arrival<T> = (T, Result<RgbImage, String>);

/// Reads all items with `threads` threads, embeds them on the calling thread and hands them over batch by batch.
///
/// `read` gives a picture of the embedder's input size; it may note what it learns in the item. A panic in it, or an
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
    let size = embedder.batch_size().max(1);
    let queue = Mutex::new(items.into_iter());
    // Twice a batch: the next one is being decoded while this one is in the network, and no more lies around.
    let (sender, receiver) = sync_channel(size * 2);
    thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            let (queue, read, sender) = (&queue, &read, sender.clone());
            scope.spawn(move || decode_all(queue, read, cancel, &sender));
        }
        drop(sender);
        let ended = embed_all(&receiver, size, embedder, cancel, &mut on_batch);
        // After an early end, threads that wait for room in the channel see it closed.
        drop(receiver);
        ended
    })
}

/// One decoding thread: takes items until there are none, the work is cancelled or nobody listens any more.
fn decode_all<T>(
    queue: &Mutex<std::vec::IntoIter<T>>,
    read: &(impl Fn(&mut T) -> Result<RgbImage, String> + Sync),
    cancel: &CancelToken,
    sender: &SyncSender<Arrival<T>>,
) {
    let next = || queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
    while !cancel.is_cancelled()
        && let Some(mut item) = next()
    {
        let picture = catch_unwind(AssertUnwindSafe(|| read(&mut item)))
            .unwrap_or_else(|panic| Err(format!("its decoder crashed ({})", message(&*panic))));
        if sender.send((item, picture)).is_err() {
            return;
        }
    }
}

fn embed_all<T>(
    receiver: &Receiver<Arrival<T>>,
    size: usize,
    embedder: &mut dyn Embedder,
    cancel: &CancelToken,
    on_batch: &mut impl FnMut(Batch<T>) -> Result<()>,
) -> Result<()> {
    loop {
        let start = Instant::now();
        let arrivals = gather(receiver, size);
        let waited = start.elapsed();
        if cancel.is_cancelled() {
            return Err(Error::Interrupted);
        }
        if arrivals.is_empty() {
            return Ok(());
        }
        let start = Instant::now();
        let results = embed(arrivals, embedder)?;
        on_batch(Batch { results, waited, computed: start.elapsed() })?;
    }
}

/// The next arrivals: up to `size` pictures, and no more than four times as many items when most cannot be read.
fn gather<T>(receiver: &Receiver<Arrival<T>>, size: usize) -> Vec<Arrival<T>> {
    let mut arrivals = Vec::new();
    let mut pictures = 0;
    while pictures < size && arrivals.len() < size * 4 {
        let Ok(arrival) = receiver.recv() else { break };
        pictures += usize::from(arrival.1.is_ok());
        arrivals.push(arrival);
    }
    arrivals
}

fn embed<T>(arrivals: Vec<Arrival<T>>, embedder: &mut dyn Embedder) -> Result<Vec<Embedded<T>>> {
    let mut pictures = Vec::new();
    let items: Vec<_> =
        arrivals.into_iter().map(|(item, picture)| (item, picture.map(|picture| pictures.push(picture)))).collect();
    let name = embedder.manifest().name.clone();
    let embedded = catch_unwind(AssertUnwindSafe(|| embedder.embed(&pictures)))
        .unwrap_or_else(|panic| Err(Error::model(&name, format!("the network crashed ({})", message(&*panic)))))?;
    if embedded.len() != pictures.len() {
        return Err(Error::model(
            name,
            format!("it gave {} embeddings for {} pictures", embedded.len(), pictures.len()),
        ));
    }
    let mut embedded = embedded.into_iter();
    let results = items.into_iter().map(|(item, read)| {
        let embedding = read.map(|()| embedded.next().unwrap_or_default()).and_then(|embedding| {
            let finite = embedding.iter().all(|value| value.is_finite());
            if finite { Ok(embedding) } else { Err("the network's answer for it is not finite".into()) }
        });
        (item, embedding)
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
        for (item, embedding) in results {
            assert_eq!(embedding, Ok(vec![f32::from(item)]));
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
    fn after_a_cancel_nothing_more_is_embedded() {
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
        assert_eq!((seen, probe.batches), (4, vec![4]));
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
