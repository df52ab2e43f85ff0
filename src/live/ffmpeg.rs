//! Cameras, streams and videos through an `ffmpeg` process that writes raw frames into a pipe.
//!
//! When it ends, or sends nothing for a while, it is started anew, each time a little later. It ends with us: we kill it
//! when nobody wants its frames any more, and should we be killed, its [`Watchdog`] does.

mod watchdog;

use std::{
    ffi::OsString,
    io::{self, BufReader, Read},
    os::unix::process::CommandExt,
    process::{Child, ChildStderr, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::retry_on_intr,
    process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid},
};

use self::watchdog::Watchdog;
use super::{
    inbox::Inbox,
    ppm::{self, Broken},
    spawn,
};
use crate::{
    environment::text_variable,
    error::{Error, Result},
    printable::printable_str,
};

/// Without a frame for so long a stream has stalled, unless [`VARIABLE`] says otherwise.
const STALLED_AFTER: Duration = Duration::from_secs(10);
const VARIABLE: &str = "LOOKALIKE_SOURCE_TIMEOUT";
/// Between two looks at whether anybody still wants frames.
const SLICE: Duration = Duration::from_millis(100);
/// The first wait before a new try, and the longest.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// What is remembered of what ffmpeg complains about.
const COMPLAINTS: usize = 8192;
/// No side of a frame is longer, which is more than any network looks at.
const SCALE: &str = "scale=w='min(1280,iw)':h='min(1280,ih)':force_original_aspect_ratio=decrease";

/// Where ffmpeg reads from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Input {
    /// The arguments up to and with the input.
    pub arguments: Vec<OsString>,
    /// What it is called.
    pub name: String,
    /// Whether it has an end, as a video has.
    pub ends: bool,
}

/// The process that runs, if one does, so that whoever leaves can end it.
#[derive(Debug, Clone, Default)]
pub(super) struct Running(Arc<Mutex<Option<Pid>>>);

impl Running {
    /// Ends it at once.
    pub(super) fn kill(&self) {
        if let Some(pid) = self.lock().take() {
            // It may have ended by itself.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Pid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts frames into the inbox until the input has ended or nobody wants more; `tell` hears of interruptions.
///
/// # Errors
/// When there was no frame from the start.
pub(super) fn stream(input: &Input, inbox: &Inbox, running: &Running, tell: &dyn Fn(String)) -> Result<()> {
    let mut ever = false;
    let mut wait = FIRST_WAIT;
    loop {
        let (frames, why) = attempt(input, inbox, running)?;
        if inbox.is_closed() {
            return Ok(());
        }
        match why {
            Why::Ended if input.ends && frames > 0 => return Ok(()),
            why if !ever && frames == 0 => return Err(Error::Source { name: input.name.clone(), reason: why.words() }),
            why => {
                ever = true;
                if frames > 0 {
                    wait = FIRST_WAIT;
                }
                tell(format!("{}: {}; trying again in {} s", input.name, why.words(), wait.as_secs_f32()));
                if inbox.wait_closed(wait) {
                    return Ok(());
                }
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        }
    }
}

/// Why no more frames come.
enum Why {
    /// It ended as it should.
    Ended,
    /// No frame for a while.
    Stalled,
    /// What came was no frame.
    Garbage,
    /// It ended inside of a frame.
    HalfAFrame,
    /// It failed; its words.
    Failed(String),
}

impl Why {
    fn words(&self) -> String {
        match self {
            Self::Ended => "it has ended".into(),
            Self::Stalled => format!("no picture for {} s", patience().as_secs_f32()),
            Self::Garbage => {
                "ffmpeg sends something else than pictures; is it the real one, version 4 or newer?".into()
            }
            Self::HalfAFrame => "it broke off within a picture".into(),
            Self::Failed(said) => explained(said),
        }
    }
}

/// Runs ffmpeg once: how many frames came, and why no more did.
fn attempt(input: &Input, inbox: &Inbox, running: &Running) -> Result<(u64, Why)> {
    let Some((mut child, pipe, complaints)) = start(input, inbox, running)? else { return Ok((0, Why::Ended)) };
    let pid = Pid::from_child(&child);
    let watchdog = Watchdog::of(pid);
    let said = Arc::new(Mutex::new(Vec::new()));
    let listening = Arc::clone(&said);
    let (done, heard) = std::sync::mpsc::channel::<()>();
    spawn("ffmpeg's complaints", move || {
        remember(complaints, &listening);
        drop(done);
    })?;
    // Room for a large frame: fewer looks at the pipe.
    let patient = Patient { pipe, inbox, patience: patience(), since: Instant::now() };
    let mut pipe = BufReader::with_capacity(1 << 16, patient);
    let mut frames = 0;
    let broken = loop {
        pipe.get_mut().since = Instant::now();
        match ppm::read(&mut pipe) {
            Ok(picture) => {
                frames += 1;
                if !inbox.put(picture, &input.name) {
                    break Broken::Ended;
                }
            }
            Err(broken) => break broken,
        }
    };
    // After the end of its output it ends by itself, and says how; otherwise it is made to.
    if !matches!(broken, Broken::Ended | Broken::HalfAFrame) || inbox.is_closed() {
        running.kill();
    }
    drop(pipe);
    // Its number is its own until it is asked for its status: by then nobody may want to kill it any more.
    let _ = retry_on_intr(|| waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT));
    drop(watchdog);
    running.lock().take();
    let status = child.wait();
    // What it said last is in the pipe still; a grandchild may hold it open longer than anybody waits.
    let _ = heard.recv_timeout(Duration::from_secs(1));
    let said = String::from_utf8_lossy(&said.lock().unwrap_or_else(PoisonError::into_inner)).into_owned();
    let why = match broken {
        Broken::Garbage => Why::Garbage,
        Broken::Io(error) if error.kind() == io::ErrorKind::TimedOut => Why::Stalled,
        Broken::Io(error) => Why::Failed(error.to_string()),
        Broken::Ended if status.is_ok_and(|status| status.success()) => Why::Ended,
        Broken::HalfAFrame if said.trim().is_empty() => Why::HalfAFrame,
        Broken::Ended | Broken::HalfAFrame => Why::Failed(said),
    };
    Ok((frames, why))
}

/// Starts ffmpeg; nothing when nobody wants frames any more.
fn start(input: &Input, inbox: &Inbox, running: &Running) -> Result<Option<(Child, ChildStdout, ChildStderr)>> {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-hide_banner", "-loglevel", "error"]).args(&input.arguments);
    command.args(["-map", "0:v:0", "-vf", SCALE, "-pix_fmt", "rgb24", "-c:v", "ppm", "-f", "image2pipe", "pipe:1"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A group of its own: Ctrl-C is for us, and whatever it starts ends with it.
    command.process_group(0);
    // Held until its number is known, so that nobody who leaves overlooks it.
    let mut slot = running.lock();
    if inbox.is_closed() {
        return Ok(None);
    }
    let mut child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::NoFfmpeg,
        _ => Error::Io { doing: "run", path: "ffmpeg".into(), source: error },
    })?;
    *slot = Some(Pid::from_child(&child));
    let pipes = child.stdout.take().zip(child.stderr.take());
    Ok(pipes.map(|(pipe, complaints)| (child, pipe, complaints)))
}

/// Keeps the end of what is said.
fn remember(mut from: ChildStderr, said: &Mutex<Vec<u8>>) {
    let mut bytes = [0; 1024];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend_from_slice(&bytes[..read]);
        let beyond = said.len().saturating_sub(COMPLAINTS);
        said.drain(..beyond);
    }
}

/// The reason in ffmpeg's complaints, in words that say what to do where it is a usual one.
fn explained(said: &str) -> String {
    const USUAL: [(&str, &str); 8] = [
        ("Device or resource busy", "another program is using it"),
        ("Permission denied", "it may not be read by this user (cameras belong to the group video)"),
        ("No such file or directory", "it is not there"),
        ("No such device", "it is not there any more"),
        ("Connection refused", "nobody answers at that address"),
        ("Unrecognized option", "this ffmpeg is too old: version 4 or newer is needed"),
        ("Unknown encoder", "this ffmpeg was built without the PPM encoder: install the usual one"),
        ("matches no streams", "there is no moving picture in it"),
    ];
    if let Some((_, words)) = USUAL.iter().find(|(sign, _)| said.contains(sign)) {
        return (*words).to_owned();
    }
    match said.lines().map(str::trim).rfind(|line| !line.is_empty()) {
        Some(line) => format!("ffmpeg says: {}", printable_str(line)),
        None => "ffmpeg ended without a word".into(),
    }
}

/// How long a stream may stall.
fn patience() -> Duration {
    let seconds = text_variable(VARIABLE).and_then(|text| text.parse().ok());
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(STALLED_AFTER)
}

/// A pipe on which no read waits longer than a stream may stall, or than somebody wants it.
struct Patient<'a> {
    pipe: ChildStdout,
    inbox: &'a Inbox,
    patience: Duration,
    /// When the last frame was whole.
    since: Instant,
}

impl Read for Patient<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.inbox.is_closed() {
                return Ok(0);
            }
            if self.since.elapsed() > self.patience {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let slice = Timespec { tv_sec: 0, tv_nsec: SLICE.as_nanos() as i64 };
            match poll(&mut [PollFd::new(&self.pipe, PollFlags::IN)], Some(&slice)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return self.pipe.read(bytes),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
