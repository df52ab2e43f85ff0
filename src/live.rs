//! Looking at what comes: frames of a camera, a stream or a video, pictures of a watched folder or of the standard input.
//!
//! [`source`] opens one and puts its frames into an [`Inbox`]; a [`Looker`] takes the newest when it is due, finds its
//! [`Region`]s and embeds them. Who they are is for [`analysis::gallery`](crate::analysis::gallery) to say. Frames leave
//! nothing behind: only [`keep`] writes any, when it is asked to. What else is done for each is for [`reactions`].

mod change;
mod ffmpeg;
mod folder;
pub mod hook;
pub mod inbox;
pub mod keep;
mod pipe;
mod ppm;
pub mod reactions;
pub mod source;

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime},
};

use image::RgbImage;

use self::{change::Glimpse, inbox::Taken};
pub use self::{inbox::Inbox, source::Source};
use crate::{
    analysis::gallery::Region,
    decode::Detail,
    embed::{Embedder, Found, preprocess},
    error::{Error, Result},
};

/// How finely pictures of files are decoded: more than any network looks at, and enough for any screen.
const DETAIL: Detail = Detail::AtLeast(720);

/// Takes a sentence on what went wrong, on the thread where it did.
pub type Say = Arc<dyn Fn(String) + Send + Sync>;

/// A picture that came from a source.
#[derive(Debug)]
pub struct Frame {
    /// The pixels.
    pub picture: RgbImage,
    /// When it came.
    pub at: SystemTime,
    /// Counted from 1.
    pub number: u64,
    /// What it came from: the camera, the stream, or the file, safe to show.
    pub source: String,
}

/// Finds what is to be recognized in a picture, and embeds it.
pub trait RegionEmbedder: Send {
    /// The regions of a picture with their raw embeddings; there may be none.
    ///
    /// # Errors
    /// [`Error::Model`] when the network fails.
    fn regions(&mut self, picture: &RgbImage) -> Result<Vec<Region>>;
}

/// Takes what a network finds: the whole picture for one region, or each face, the largest first.
pub struct Finder(pub Box<dyn Embedder>);

impl RegionEmbedder for Finder {
    fn regions(&mut self, picture: &RgbImage) -> Result<Vec<Region>> {
        let manifest = self.0.manifest();
        let name = manifest.name.clone();
        // A picture without pixels has nothing in it.
        let Ok(input) = preprocess::fit(picture, manifest) else { return Ok(Vec::new()) };
        let found = self.0.find(std::slice::from_ref(&input))?.pop().unwrap_or_default();
        if found.iter().flat_map(|found| &found.embedding).any(|value| !value.is_finite()) {
            return Err(Error::model(name, "its answer for a picture is not finite"));
        }
        Ok(found.into_iter().map(|Found { face, embedding }| Region { face, embedding }).collect())
    }
}

/// When frames of a camera, a stream or a video are looked at. Pictures of a folder and of the standard input all are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// The newest, so often.
    Every(Duration),
    /// Whenever what is seen has changed.
    OnChange,
}

/// How often a change is looked for.
const CHANGE_EVERY: Duration = Duration::from_millis(200);
/// How long the wait for a frame lasts before somebody may say stop.
const SLICE: Duration = Duration::from_millis(50);

/// A frame that was looked at.
pub struct Seen {
    /// The frame.
    pub frame: Arc<Frame>,
    /// What is in it.
    pub regions: Vec<Region>,
    /// How long finding and embedding took.
    pub took: Duration,
}

/// Takes frames when they are due and embeds what is in them.
pub struct Looker {
    inbox: Arc<Inbox>,
    embedder: Box<dyn RegionEmbedder>,
    pace: Pace,
    began: Option<Instant>,
    glimpse: Option<Glimpse>,
    last: u64,
}

impl Looker {
    /// Looks at what comes into the inbox.
    #[must_use]
    pub fn new(inbox: Arc<Inbox>, embedder: Box<dyn RegionEmbedder>, pace: Pace) -> Self {
        Self { inbox, embedder, pace, began: None, glimpse: None, last: 0 }
    }

    /// Waits for the next frame that is due; nothing when the source has ended or somebody says `stop`.
    ///
    /// # Errors
    /// What ended the source; [`Error::Model`] when the network fails.
    pub fn next(&mut self, stop: &dyn Fn() -> bool) -> Result<Option<Seen>> {
        loop {
            if stop() {
                return Ok(None);
            }
            let rest = self.rest();
            if !rest.is_zero() {
                thread::sleep(rest.min(SLICE));
                continue;
            }
            match self.inbox.take(self.last, SLICE) {
                Taken::Nothing => {}
                Taken::Ended(Ok(())) => return Ok(None),
                Taken::Ended(Err(error)) => return Err(error),
                Taken::Frame(frame) => {
                    self.last = frame.number;
                    self.began = Some(Instant::now());
                    if self.has_changed(&frame) {
                        let start = Instant::now();
                        let regions = self.embedder.regions(&frame.picture)?;
                        return Ok(Some(Seen { frame, regions, took: start.elapsed() }));
                    }
                }
            }
        }
    }

    /// How long the next frame is not due yet.
    fn rest(&self) -> Duration {
        let every = match self.pace {
            _ if self.inbox.takes_every_frame() => Duration::ZERO,
            Pace::Every(every) => every,
            Pace::OnChange => CHANGE_EVERY,
        };
        self.began.map_or(Duration::ZERO, |began| every.saturating_sub(began.elapsed()))
    }

    /// Whether it is worth a look.
    fn has_changed(&mut self, frame: &Frame) -> bool {
        if self.pace != Pace::OnChange || self.inbox.takes_every_frame() {
            return true;
        }
        let now = Glimpse::of(&frame.picture);
        let changed = self.glimpse.as_ref().is_none_or(|before| before.differs(&now));
        if changed {
            self.glimpse = Some(now);
        }
        changed
    }
}

/// Starts a named thread that nobody waits for.
fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
    let started = thread::Builder::new().name(name.to_owned()).spawn(work);
    started.map(drop).map_err(Error::io("start a thread for", name))
}
