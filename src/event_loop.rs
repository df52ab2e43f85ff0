//! The explorer's loop: what wakes it → [`App::update`] → effects → one frame.
//!
//! Nothing is drawn without an event, and never more often than the line to the terminal bears. What a key did is drawn
//! sooner than what a worker reports.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use crossterm::event::{Event as TerminalEvent, KeyEventKind};

use crate::{
    app::{App, Effect, Event, Setup},
    display::Link,
    error::{Error, Result},
    similarity::Metric,
    task::JobEvent,
    terminal::{
        Screen, Wishes,
        input::{self, Input},
    },
    ui,
    worker::{Indexer, Worker},
};

/// So long without a key the cursor rests, and pictures may be sent.
const REST: Duration = Duration::from_millis(120);
/// How often the terminal is checked for being there when nothing else happens.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How long the indexing run may take to store what it has done, before the screen is given back and after.
const MOMENT: Duration = Duration::from_millis(250);
const PATIENCE: Duration = Duration::from_secs(3);
/// A signal to go on that comes this soon after Ctrl-Z's return is the one that ended it.
const SAME_RETURN: Duration = Duration::from_secs(1);

/// What the explorer starts with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folders, as the header names them.
    pub folders: Vec<PathBuf>,
    /// The metric to begin with.
    pub metric: Metric,
    /// What the user wants of the terminal.
    pub wishes: Wishes,
    /// Standard output may lead into a pipeline: draw on the controlling terminal then.
    pub pipeline: bool,
    /// Panic after the first frame, to test that the terminal is given back.
    pub debug_panic: bool,
}

/// How the explorer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The user left; the paths are the marked ones, in order of arrival.
    ByUser(Vec<PathBuf>),
    /// A signal came, or the terminal is gone.
    ByHangup,
}

/// Everything that wakes the loop.
enum Wake {
    Input(Input),
    Job(JobEvent),
}

/// Runs the explorer until the user leaves or the terminal does.
///
/// # Errors
/// [`Error::Usage`] or [`Error::Terminal`] when there is no terminal to run in.
pub fn run(options: &Options, indexer: Indexer) -> Result<Ended> {
    let mut screen = Screen::enter(&options.wishes, options.pipeline)?;
    let capabilities = screen.capabilities().clone();
    let painter = capabilities.painter();
    let app = App::new(Setup {
        folders: options.folders.clone(),
        metric: options.metric,
        size: screen.size().map_err(Error::Terminal)?,
        depth: capabilities.depth,
        background: capabilities.background,
        previews_on_rest: painter.sends_pixels() || capabilities.link == Link::Remote,
    });
    let (wake, awake) = mpsc::channel();
    let to_loop = wake.clone();
    input::listen(move |input| to_loop.send(Wake::Input(input)).is_ok())?;
    // When the loop has ended nobody needs the answer any more.
    let worker = Worker::new(indexer, painter, Arc::new(move |event| drop(wake.send(Wake::Job(event)))));
    let mut explorer = Explorer::new(app, &mut screen, worker, capabilities.link);
    let ended = explorer.run(&awake, options.debug_panic);
    let Explorer { app, worker, .. } = explorer;
    // Storing the last rows takes a moment. Should it take longer, the user gets the terminal back meanwhile; not at
    // once, because whatever is typed before our keyboard thread ends with us would be lost to the shell.
    worker.stop();
    worker.wait(MOMENT);
    drop(screen);
    worker.wait(PATIENCE);
    match ended {
        Ok(Asked::ToLeave) => Ok(Ended::ByUser(app.marked_paths())),
        // A frame that cannot be written is how a dead terminal shows.
        Ok(Asked::ToHangUp) | Err(_) => Ok(Ended::ByHangup),
    }
}

/// Why the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    ToLeave,
    ToHangUp,
}

/// Who changed what is to be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    Worker,
    User,
}

/// The least time between two frames. On this machine a key never waits for the frame that a worker had drawn just
/// before; a network bears only so many frames, whoever asks for them.
fn frame_gap(link: Link, by: By) -> Duration {
    Duration::from_millis(match (link, by) {
        (Link::Local, By::User) => 4,
        (Link::Local, By::Worker) => 17,
        (Link::Remote, _) => 33,
    })
}

struct Explorer<'a> {
    app: App,
    screen: &'a mut Screen,
    worker: Worker,
    link: Link,
    /// What has to be drawn.
    changed: Option<By>,
    drawn: Instant,
    /// When the cursor will have rested, unless another key comes.
    rests: Option<Instant>,
    checked: Instant,
    returned: Option<Instant>,
    asked: Option<Asked>,
}

impl<'a> Explorer<'a> {
    fn new(app: App, screen: &'a mut Screen, worker: Worker, link: Link) -> Self {
        let now = Instant::now();
        Self {
            app,
            screen,
            worker,
            link,
            changed: None,
            drawn: now,
            rests: None,
            checked: now,
            returned: None,
            asked: None,
        }
    }

    fn run(&mut self, awake: &Receiver<Wake>, debug_panic: bool) -> io::Result<Asked> {
        let effects = self.app.start();
        self.carry_out(effects)?;
        self.draw()?;
        assert!(!debug_panic, "asked for with --debug-panic");
        loop {
            if let Some(asked) = self.asked {
                return Ok(asked);
            }
            match awake.recv_timeout(self.idle_time()) {
                Ok(wake) => {
                    self.wake(wake)?;
                    // Whatever has piled up is shown by one frame.
                    while let Ok(wake) = awake.try_recv() {
                        self.wake(wake)?;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(Asked::ToHangUp),
            }
            self.pass_time()?;
        }
    }

    /// How long nothing has to be done unless something happens.
    fn idle_time(&self) -> Duration {
        let deadlines = [self.frame_due(), self.rests, Some(self.checked + HEARTBEAT)];
        let next = deadlines.into_iter().flatten().min();
        next.map_or(HEARTBEAT, |next| next.saturating_duration_since(Instant::now()))
    }

    /// When the next frame is to be drawn, if one is.
    fn frame_due(&self) -> Option<Instant> {
        self.changed.map(|by| self.drawn + frame_gap(self.link, by))
    }

    /// Does what is due.
    fn pass_time(&mut self) -> io::Result<()> {
        let now = Instant::now();
        if self.rests.is_some_and(|rests| rests <= now) {
            self.rests = None;
            self.update(Event::Rest)?;
        }
        if now - self.checked >= HEARTBEAT {
            self.checked = now;
            self.screen.size()?;
        }
        if self.frame_due().is_some_and(|due| due <= now) && self.asked.is_none() {
            self.draw()?;
        }
        Ok(())
    }

    fn wake(&mut self, wake: Wake) -> io::Result<()> {
        match wake {
            Wake::Job(event) => self.update(Event::Job(event)),
            Wake::Input(Input::Hangup) => {
                self.asked = Some(Asked::ToHangUp);
                self.update(Event::Hangup)
            }
            Wake::Input(Input::Continued) => match self.returned {
                Some(returned) if returned.elapsed() < SAME_RETURN => Ok(()),
                _ => {
                    self.screen.resume()?;
                    self.come_back()
                }
            },
            Wake::Input(Input::Terminal(event)) => match event {
                // Some terminals also tell when a key is let go.
                TerminalEvent::Key(key) if key.kind != KeyEventKind::Release => {
                    self.rests = Some(Instant::now() + REST);
                    self.update(Event::Key(key))
                }
                TerminalEvent::Mouse(mouse) => {
                    self.rests = Some(Instant::now() + REST);
                    self.update(Event::Mouse(mouse))
                }
                TerminalEvent::Resize(columns, rows) => self.update(Event::Resize(columns, rows)),
                _ => Ok(()),
            },
        }
    }

    fn update(&mut self, event: Event) -> io::Result<()> {
        let by = if matches!(event, Event::Job(_) | Event::Rest) { By::Worker } else { By::User };
        self.changed = self.changed.max(Some(by));
        let effects = self.app.update(event);
        self.carry_out(effects)
    }

    fn carry_out(&mut self, effects: Vec<Effect>) -> io::Result<()> {
        for effect in effects {
            match effect {
                Effect::Start(id, job) => self.worker.start(id, job),
                Effect::Cancel => self.worker.cancel_indexing(),
                Effect::Copy(text) => self.screen.copy(&text)?,
                Effect::Redraw => self.screen.clear()?,
                Effect::Suspend => {
                    self.screen.suspend()?;
                    self.returned = Some(Instant::now());
                    self.come_back()?;
                }
                Effect::Quit => self.asked = self.asked.or(Some(Asked::ToLeave)),
            }
        }
        Ok(())
    }

    /// Somebody else had the terminal: its size may be another, and pictures must be sent again.
    fn come_back(&mut self) -> io::Result<()> {
        let (columns, rows) = self.screen.size()?;
        self.update(Event::Resize(columns, rows))?;
        self.update(Event::Resume)
    }

    fn draw(&mut self) -> io::Result<()> {
        let Self { app, screen, .. } = self;
        screen.draw(|frame| ui::draw(app, frame))?;
        self.changed = None;
        self.drawn = Instant::now();
        Ok(())
    }
}
