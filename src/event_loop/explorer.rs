//! What happens when, and what is due next. It reads the time and draws only through what it was given, so that tests
//! can stand in for the clock, the terminal and the worker.

use std::{
    io,
    path::Path,
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

use crossterm::event::{Event as TerminalEvent, KeyEventKind};

use crate::{
    app::{App, Effect, Event},
    display::Link,
    task::{Job, JobEvent, JobId},
    terminal::input::Input,
};

/// So long without a key the cursor rests, and pictures may be sent.
const REST: Duration = Duration::from_millis(120);
/// How often the terminal is checked for being there when nothing else happens.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// A signal to stop or to go on that comes this soon after Ctrl-Z's return belongs to it.
const SAME_RETURN: Duration = Duration::from_secs(1);

/// What the explorer is drawn on. Every method fails when the terminal is gone.
pub(super) trait Surface {
    /// Columns and rows.
    fn size(&self) -> io::Result<(u16, u16)>;
    /// Draws a frame.
    fn draw(&mut self, app: &App) -> io::Result<()>;
    /// Puts text on the clipboard.
    fn copy(&mut self, text: &str) -> io::Result<()>;
    /// Opens a file with the program that the system has for it, or says why that is impossible.
    fn open(&mut self, path: &Path) -> Result<(), String>;
    /// Forgets what is shown.
    fn clear(&mut self) -> io::Result<()>;
    /// Stops the program until somebody wakes it.
    fn suspend(&mut self) -> io::Result<()>;
    /// Takes the terminal over again.
    fn resume(&mut self) -> io::Result<()>;
}

/// Who carries out what takes long.
pub(super) trait Jobs {
    /// Begins a job.
    fn start(&mut self, id: JobId, job: Job);
    /// Stops the indexing run.
    fn cancel_indexing(&mut self);
}

/// Everything that wakes the loop.
pub(super) enum Wake {
    Input(Input),
    Job(JobEvent),
}

/// Why the loop ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Leave,
    HangUp,
}

/// Who changed what is to be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    Worker,
    User,
}

/// The least time between two frames. On this machine a key never waits for the frame that a worker had drawn just
/// before; a network bears only so many frames, whoever asks for them.
fn frame_gap(link: Link, cause: Cause) -> Duration {
    Duration::from_millis(match (link, cause) {
        (Link::Local, Cause::User) => 4,
        (Link::Local, Cause::Worker) => 17,
        (Link::Remote, _) => 33,
    })
}

/// The state of the loop: the explorer's own, and when what is due.
pub(super) struct Explorer<'a, S, J, C> {
    app: App,
    surface: &'a mut S,
    jobs: J,
    link: Link,
    clock: C,
    /// What has to be drawn.
    changed: Option<Cause>,
    drawn_at: Instant,
    /// When the cursor will have rested, unless another key comes.
    idle_at: Option<Instant>,
    checked_at: Instant,
    returned_at: Option<Instant>,
    exit: Option<Ending>,
}

impl<'a, S: Surface, J: Jobs, C: Fn() -> Instant> Explorer<'a, S, J, C> {
    pub(super) fn new(app: App, surface: &'a mut S, jobs: J, link: Link, clock: C) -> Self {
        let now = clock();
        Self {
            app,
            surface,
            jobs,
            link,
            clock,
            changed: None,
            drawn_at: now,
            idle_at: None,
            checked_at: now,
            returned_at: None,
            exit: None,
        }
    }

    /// What remains when the loop has ended.
    pub(super) fn into_parts(self) -> (App, J) {
        (self.app, self.jobs)
    }

    /// Runs until the user leaves, a signal comes or the terminal is gone; `began` is called after the first frame.
    ///
    /// # Errors
    /// When the terminal is there and could not be used all the same.
    pub(super) fn run(&mut self, awake: &Receiver<Wake>, began: impl FnOnce()) -> io::Result<Ending> {
        match self.run_until_exit(awake, began) {
            // A frame that cannot be written is how a dead terminal shows.
            Err(_) if self.surface.size().is_err() => Ok(Ending::HangUp),
            ended => ended,
        }
    }

    fn run_until_exit(&mut self, awake: &Receiver<Wake>, began: impl FnOnce()) -> io::Result<Ending> {
        // Somebody may have wanted us to leave before there was anything to leave.
        self.wake_all(awake)?;
        if let Some(exit) = self.exit {
            return Ok(exit);
        }
        let effects = self.app.start();
        self.carry_out(effects)?;
        self.draw()?;
        began();
        loop {
            if let Some(exit) = self.exit {
                return Ok(exit);
            }
            match awake.recv_timeout(self.idle_time()) {
                Ok(wake) => {
                    self.wake(wake)?;
                    // Whatever has piled up is shown by one frame.
                    self.wake_all(awake)?;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(Ending::HangUp),
            }
            self.pass_time()?;
        }
    }

    /// How long nothing has to be done unless something happens.
    fn idle_time(&self) -> Duration {
        let deadlines = [self.frame_due(), self.idle_at, Some(self.checked_at + HEARTBEAT)];
        let next = deadlines.into_iter().flatten().min();
        next.map_or(HEARTBEAT, |next| next.saturating_duration_since((self.clock)()))
    }

    /// When the next frame is to be drawn, if one is.
    fn frame_due(&self) -> Option<Instant> {
        self.changed.map(|cause| self.drawn_at + frame_gap(self.link, cause))
    }

    /// Does what is due.
    fn pass_time(&mut self) -> io::Result<()> {
        let now = (self.clock)();
        if self.idle_at.is_some_and(|idle_at| idle_at <= now) {
            self.idle_at = None;
            self.update(Event::Rest)?;
        }
        if now - self.checked_at >= HEARTBEAT {
            self.checked_at = now;
            self.surface.size()?;
        }
        if self.frame_due().is_some_and(|due| due <= now) && self.exit.is_none() {
            self.draw()?;
        }
        Ok(())
    }

    fn wake_all(&mut self, awake: &Receiver<Wake>) -> io::Result<()> {
        awake.try_iter().try_for_each(|wake| self.wake(wake))
    }

    fn wake(&mut self, wake: Wake) -> io::Result<()> {
        let now = (self.clock)();
        let same_return = self.returned_at.is_some_and(|returned_at| now - returned_at < SAME_RETURN);
        match wake {
            Wake::Job(event) => self.update(Event::Job(event)),
            Wake::Input(Input::Hangup) => {
                self.exit = Some(Ending::HangUp);
                self.update(Event::Hangup)
            }
            Wake::Input(Input::Stop | Input::Continued) if same_return => Ok(()),
            Wake::Input(Input::Stop) => self.suspend(),
            Wake::Input(Input::Continued) => {
                self.surface.resume()?;
                self.come_back()
            }
            Wake::Input(Input::Terminal(event)) => match event {
                // Some terminals also tell when a key is let go.
                TerminalEvent::Key(key) if key.kind != KeyEventKind::Release => {
                    self.idle_at = Some(now + REST);
                    self.update(Event::Key(key))
                }
                TerminalEvent::Mouse(mouse) => {
                    self.idle_at = Some(now + REST);
                    self.update(Event::Mouse(mouse))
                }
                TerminalEvent::Paste(text) => {
                    self.idle_at = Some(now + REST);
                    self.update(Event::Paste(text))
                }
                TerminalEvent::Resize(columns, rows) => self.update(Event::Resize(columns, rows)),
                _ => Ok(()),
            },
        }
    }

    fn update(&mut self, event: Event) -> io::Result<()> {
        let cause = if matches!(event, Event::Job(_) | Event::Rest) { Cause::Worker } else { Cause::User };
        self.changed = self.changed.max(Some(cause));
        let effects = self.app.update(event);
        self.carry_out(effects)
    }

    fn carry_out(&mut self, effects: Vec<Effect>) -> io::Result<()> {
        for effect in effects {
            match effect {
                Effect::Start(id, job) => self.jobs.start(id, job),
                Effect::Cancel => self.jobs.cancel_indexing(),
                Effect::Copy(text) => self.surface.copy(&text)?,
                Effect::Open(path) => {
                    if let Err(reason) = self.surface.open(&path) {
                        self.update(Event::Refused(reason))?;
                    }
                }
                Effect::Redraw => self.surface.clear()?,
                Effect::Suspend => self.suspend()?,
                Effect::Quit => self.exit = self.exit.or(Some(Ending::Leave)),
            }
        }
        Ok(())
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.surface.suspend()?;
        self.returned_at = Some((self.clock)());
        self.come_back()
    }

    /// Somebody else had the terminal: its size may be another, and pictures must be sent again.
    fn come_back(&mut self) -> io::Result<()> {
        let (columns, rows) = self.surface.size()?;
        self.update(Event::Resize(columns, rows))?;
        self.update(Event::Resume)
    }

    fn draw(&mut self) -> io::Result<()> {
        self.surface.draw(&self.app)?;
        self.changed = None;
        self.drawn_at = (self.clock)();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
