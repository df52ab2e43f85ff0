//! The threads of the live view: one looks at frames, one makes pictures ready, and one for each change of the gallery.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::Duration,
};

use image::{
    RgbImage,
    imageops::{crop_imm, flip_horizontal},
};

use super::{Priority, lock, spawn};
use crate::{
    analysis::gallery::{Gallery, Region, trials::TriedGallery},
    cancel::CancelToken,
    decode::{self, Alpha, Detail},
    error::{Error, Result},
    face::Face,
    live::{Frame, Inbox, Looker, Seen, keep::keep},
    preview::{self, Painter, Preview, frames::Framing},
};

/// How long threads wait before they look again whether anybody wants anything.
const SLICE: Duration = Duration::from_millis(100);
/// The largest side of a picture that is decoded to be shown.
const SIDE: u32 = 1024;

/// What the threads have to say.
pub enum Told {
    /// A frame was looked at.
    Seen(Seen),
    /// No more frames come; why, where that is a failure.
    Ended(Result<()>),
    /// A picture is ready.
    Painted(Wanted, Preview),
    /// A picture was kept and enrolled: the gallery with it, its name and where it lies.
    Added(Arc<TriedGallery>, String, PathBuf),
    /// A picture was deleted and dropped: the gallery without it.
    Dropped(Arc<TriedGallery>, PathBuf),
    /// Something did not succeed.
    Failed(Error),
}

/// A picture to be made ready for so many columns and rows.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What is shown.
    pub picture: Shown,
    /// Columns and rows.
    pub cells: (u16, u16),
    /// Whether left and right change places.
    pub mirrored: bool,
    /// Whether the newest frame is wanted even if it was shown already: the terminal has forgotten it.
    pub anew: bool,
    /// The faces that are framed in the newest frame; of another one the first is cut out.
    pub framing: Framing,
}

/// What is shown.
#[derive(Debug, Clone)]
pub enum Shown {
    /// The newest frame of the source.
    Newest,
    /// This frame, for the sake of one of its regions.
    Frame(Arc<Frame>, usize),
    /// A picture file.
    File(PathBuf),
}

/// Takes every answer, on the thread that has it; whether anybody wants to hear more.
pub type Tell = Arc<dyn Fn(Told) -> bool + Send + Sync>;

/// The threads. Dropping it stops them, after what they are at.
pub struct Watch {
    stopped: CancelToken,
    paused: Arc<AtomicBool>,
    wanted: Sender<Wanted>,
    gallery: Arc<Mutex<Gallery>>,
    tell: Tell,
}

impl Watch {
    /// Starts them. Between two pictures of the newest frame lies `gap` at least.
    #[must_use]
    pub fn new(
        mut looker: Looker,
        inbox: Arc<Inbox>,
        painter: Painter,
        gap: Duration,
        gallery: Gallery,
        tell: Tell,
    ) -> Self {
        let (stopped, paused) = (CancelToken::default(), Arc::new(AtomicBool::new(false)));
        let (wanted, asked) = mpsc::channel();
        let (stop, pause, told) = (stopped.clone(), Arc::clone(&paused), Arc::clone(&tell));
        spawn("looking", Priority::Normal, move || {
            loop {
                // A pause keeps the next frame waiting, and the one after it takes its place.
                while pause.load(Ordering::Relaxed) && !stop.is_cancelled() {
                    thread::sleep(SLICE);
                }
                let goes_on = match looker.next(&|| stop.is_cancelled() || pause.load(Ordering::Relaxed)) {
                    Ok(Some(seen)) => told(Told::Seen(seen)),
                    Ok(None) if pause.load(Ordering::Relaxed) && !stop.is_cancelled() => true,
                    Ok(None) => {
                        told(Told::Ended(Ok(())));
                        false
                    }
                    Err(error) => {
                        told(Told::Ended(Err(error)));
                        false
                    }
                };
                if !goes_on || stop.is_cancelled() {
                    return;
                }
            }
        });
        let (told, stop) = (Arc::clone(&tell), stopped.clone());
        spawn("pictures", Priority::Low, move || paint(&asked, &inbox, &painter, gap, &stop, &told));
        Self { stopped, paused, wanted, gallery: Arc::new(Mutex::new(gallery)), tell }
    }

    /// Looks no more, or again.
    pub fn pause(&self, paused: bool) {
        self.paused.store(paused, Ordering::Relaxed);
    }

    /// Makes a picture ready.
    pub fn paint(&self, wanted: Wanted) {
        // The thread ends only with us.
        let _ = self.wanted.send(wanted);
    }

    /// Keeps a frame in the gallery's folder under a name, and enrolls its region. Of a face what is around it is kept: a
    /// picture in the gallery must not leave open whom it shows.
    pub fn enroll(&self, folder: &Path, name: String, frame: Arc<Frame>, region: Region) {
        let (folder, gallery, tell) = (folder.join(&name), Arc::clone(&self.gallery), Arc::clone(&self.tell));
        spawn("naming", Priority::Normal, move || {
            let portrait = region.face.map(|face| cut_out(&frame.picture, &face));
            let told = match keep(portrait.as_ref().unwrap_or(&frame.picture), frame.at, &folder) {
                Ok(path) => {
                    let mut gallery = lock(&gallery);
                    gallery.enroll(&name, &path, region.embedding);
                    Told::Added(tried(&gallery), name, path)
                }
                Err(error) => Told::Failed(error),
            };
            tell(told);
        });
    }

    /// Deletes a picture that was enrolled here, and takes it out of the gallery.
    pub fn drop_picture(&self, path: PathBuf) {
        let (gallery, tell) = (Arc::clone(&self.gallery), Arc::clone(&self.tell));
        spawn("dropping", Priority::Normal, move || {
            let told = match fs::remove_file(&path) {
                Ok(()) => {
                    // A name without pictures leaves no folder; one with others stays.
                    let _ = path.parent().map(fs::remove_dir);
                    let mut gallery = lock(&gallery);
                    gallery.drop_picture(&path);
                    Told::Dropped(tried(&gallery), path)
                }
                Err(error) => Told::Failed(Error::io("delete", path)(error)),
            };
            tell(told);
        });
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stopped.cancel();
    }
}

fn tried(gallery: &Gallery) -> Arc<TriedGallery> {
    Arc::new(TriedGallery::new(gallery.clone()))
}

/// Makes pictures ready in the order in which they are wanted. Of the newest frame only the last wish counts, and it
/// waits for a frame that was not shown yet.
fn paint(asked: &Receiver<Wanted>, inbox: &Inbox, painter: &Painter, gap: Duration, stop: &CancelToken, tell: &Tell) {
    let (mut newest, mut shown) = (None, (0, None));
    loop {
        let next = if newest.is_some() { asked.try_recv().ok() } else { asked.recv_timeout(SLICE).ok() };
        if stop.is_cancelled() {
            return;
        }
        match next {
            Some(wanted) if matches!(wanted.picture, Shown::Newest) => newest = Some(wanted),
            Some(wanted) => {
                let preview = picture_of(&wanted).map_or_else(Preview::failed, |picture| {
                    painter.paint(&turned(&picture, wanted.mirrored), wanted.cells)
                });
                if !tell(Told::Painted(wanted, preview)) {
                    return;
                }
            }
            None => {
                let Some(wanted) = &newest else { continue };
                // The same frame for other cells, in the mirror, or with other faces, is another picture.
                let is_same = |before: &Wanted| {
                    (before.cells, before.mirrored, &before.framing) == (wanted.cells, wanted.mirrored, &wanted.framing)
                };
                let after = if !wanted.anew && shown.1.as_ref().is_some_and(is_same) { shown.0 } else { 0 };
                inbox.wait(after, SLICE);
                let Some(frame) = inbox.peek(after) else {
                    // Where nothing comes any more, the wait does not wait.
                    thread::sleep(if inbox.is_closed() { SLICE } else { SLICE / 10 });
                    continue;
                };
                let framing = if wanted.mirrored { wanted.framing.mirrored() } else { wanted.framing.clone() };
                let picture = turned(&frame.picture, wanted.mirrored);
                let preview = painter.paint_framed(&picture, wanted.cells, &framing);
                shown = (frame.number, Some(wanted.clone()));
                if !tell(Told::Painted(wanted.clone(), preview)) {
                    return;
                }
                newest = None;
                thread::sleep(gap);
            }
        }
    }
}

/// A face with what is around it.
fn cut_out(picture: &RgbImage, face: &Face) -> RgbImage {
    let [left, top, width, height] = face.square_in(picture.dimensions());
    crop_imm(picture, left, top, width, height).to_image()
}

fn picture_of(wanted: &Wanted) -> Result<RgbImage, String> {
    match &wanted.picture {
        Shown::Newest => Err("it is no single picture".into()),
        Shown::Frame(frame, _) => match wanted.framing.faces.first() {
            Some(face) => Ok(cut_out(&frame.picture, face)),
            None => Ok(frame.picture.clone()),
        },
        Shown::File(path) => {
            let picture =
                decode::picture(path, Detail::AtLeast(SIDE / 2), Alpha::White).map_err(|why| why.to_string())?;
            let (width, height) = picture.rgb.dimensions();
            let shrink = (f64::from(SIDE) / f64::from(width.max(height))).min(1.0);
            let side = |length: u32| (f64::from(length) * shrink).round().max(1.0) as u32;
            preview::scale(&picture.rgb, side(width), side(height))
        }
    }
}

fn turned(picture: &RgbImage, mirrored: bool) -> RgbImage {
    if mirrored { flip_horizontal(picture) } else { picture.clone() }
}

#[cfg(test)]
mod tests {
    use image::Rgb;
    use ratatui::{buffer::Buffer, layout::Rect, style::Color};
    use ratatui_image::picker::Picker;

    use super::*;
    use crate::display::{Background, Depth, Link};

    #[test]
    fn a_frame_that_was_shown_is_painted_again_only_when_it_is_wanted_anew() {
        /// Far more than any machine needs.
        const GIVE_UP: Duration = Duration::from_secs(300);
        let inbox = Arc::new(Inbox::new(false));
        let painter = Painter::new(Picker::halfblocks(), Depth::True, Background::Dark, Link::Local);
        let ((wish, asked), (told, answers)) = (mpsc::channel(), mpsc::channel());
        let (stop, frames) = (CancelToken::default(), Arc::clone(&inbox));
        let stopped = stop.clone();
        let painting = thread::spawn(move || {
            let tell: Tell = Arc::new(move |what| told.send(what).is_ok());
            paint(&asked, &frames, &painter, Duration::ZERO, &stopped, &tell);
        });
        let put = |color: [u8; 3]| inbox.put(RgbImage::from_pixel(8, 8, Rgb(color)), "test");
        let want = |picture, anew| {
            let framing = Framing::default();
            wish.send(Wanted { picture, cells: (4, 2), mirrored: false, anew, framing }).expect("it paints");
        };
        // What was painted, by its color, and whether it was the newest frame that was wanted.
        let painted = || match answers.recv_timeout(GIVE_UP) {
            Ok(Told::Painted(wanted, preview)) => {
                let area = Rect::new(0, 0, 4, 2);
                let mut buffer = Buffer::empty(area);
                preview.render(area, &mut buffer);
                let colors = [buffer[(1, 0)].fg, buffer[(1, 0)].bg];
                let is_red = colors.iter().any(|color| matches!(color, Color::Rgb(200.., ..)));
                (matches!(wanted.picture, Shown::Newest), is_red)
            }
            _ => panic!("a picture was wanted"),
        };
        put([250, 0, 0]);
        want(Shown::Newest, false);
        assert_eq!(painted(), (true, true));
        want(Shown::Newest, true);
        assert_eq!(painted(), (true, true), "the terminal has forgotten it");
        // Otherwise it waits for another frame, and lets other pictures go first.
        want(Shown::Newest, false);
        want(Shown::Frame(inbox.peek(0).expect("the first one"), 0), false);
        assert_eq!(painted(), (false, true));
        put([0, 0, 250]);
        assert_eq!(painted(), (true, false));
        stop.cancel();
        painting.join().expect("it ends");
    }
}
