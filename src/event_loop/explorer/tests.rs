//! The loop under a clock that stands still until a test moves it.

use std::{
    cell::{Cell, RefCell},
    sync::mpsc,
};

use crossterm::event::{KeyCode, KeyEvent, MouseEvent, MouseEventKind};

use super::*;
use crate::app::Setup;

/// A terminal that writes down what is done with it.
#[derive(Default)]
struct Recorder {
    done: RefCell<Vec<&'static str>>,
    gone: Cell<bool>,
    broken: Cell<bool>,
}

impl Recorder {
    fn note(&self, what: &'static str) -> io::Result<()> {
        self.done.borrow_mut().push(what);
        if self.gone.get() || self.broken.get() { Err(io::ErrorKind::Other.into()) } else { Ok(()) }
    }

    /// What was done since the last call.
    fn done(&self) -> Vec<&'static str> {
        self.done.take()
    }
}

impl Surface for Recorder {
    fn size(&self) -> io::Result<(u16, u16)> {
        self.done.borrow_mut().push("size");
        if self.gone.get() { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok((80, 24)) }
    }

    fn draw(&mut self, _: &App) -> io::Result<()> {
        self.note("draw")
    }

    fn copy(&mut self, _: &str) -> io::Result<()> {
        self.note("copy")
    }

    fn open(&mut self, _: &Path) -> Result<(), String> {
        self.note("open").map_err(|error| error.to_string())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.note("clear")
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.note("suspend")
    }

    fn resume(&mut self) -> io::Result<()> {
        self.note("resume")
    }
}

struct NoJobs;

impl Jobs for NoJobs {
    fn start(&mut self, _: JobId, _: Job) {}

    fn cancel_indexing(&mut self) {}
}

/// The loop at time 0, with a clock that [`Timed::pass`] moves.
struct Timed<'a, C> {
    explorer: Explorer<'a, Recorder, NoJobs, C>,
    now: &'a Cell<Instant>,
}

impl<C: Fn() -> Instant> Timed<'_, C> {
    fn send(&mut self, wake: Wake) {
        self.explorer.wake(wake).expect("the terminal is there");
    }

    fn press(&mut self, key: char) {
        self.send(terminal(TerminalEvent::Key(KeyEvent::from(KeyCode::Char(key)))));
    }

    /// Lets time pass, in milliseconds, and does what is due; says what was done.
    fn pass(&mut self, ms: u64) -> Vec<&'static str> {
        self.now.set(self.now.get() + Duration::from_millis(ms));
        self.explorer.pass_time().expect("the terminal is there");
        self.explorer.surface.done()
    }

    /// Milliseconds until something is due.
    fn idle(&self) -> u128 {
        self.explorer.idle_time().as_millis()
    }
}

fn terminal(event: TerminalEvent) -> Wake {
    Wake::Input(Input::Terminal(event))
}

/// A report that changes nothing but has to be drawn.
fn report() -> Wake {
    Wake::Job(JobEvent { job: JobId(u64::MAX), outcome: crate::task::Outcome::Failed(String::new()) })
}

fn with_clock(link: Link, test: impl FnOnce(Timed<'_, &dyn Fn() -> Instant>)) {
    let (mut surface, now) = (Recorder::default(), Cell::new(Instant::now()));
    let clock = || now.get();
    let explorer =
        Explorer::new(App::new(Setup::default()), &mut surface, NoJobs, link, &clock as &dyn Fn() -> Instant);
    test(Timed { explorer, now: &now });
}

#[test]
fn a_key_is_drawn_sooner_than_a_report_and_a_network_bears_few_frames() {
    for (link, wake, gap) in [
        (Link::Local, report as fn() -> Wake, 17),
        (Link::Local, || terminal(TerminalEvent::Key(KeyEvent::from(KeyCode::Char('m')))), 4),
        (Link::Local, || terminal(TerminalEvent::Resize(70, 20)), 4),
        (Link::Remote, report, 33),
        (Link::Remote, || terminal(TerminalEvent::Key(KeyEvent::from(KeyCode::Char('m')))), 33),
    ] {
        with_clock(link, |mut timed| {
            timed.send(wake());
            assert_eq!(timed.idle(), gap.into());
            assert_eq!(timed.pass(gap - 1), [""; 0], "too soon");
            assert_eq!(timed.pass(1), ["draw"]);
            assert_eq!(timed.pass(gap), [""; 0], "nothing has changed since");
            timed.send(report());
            timed.send(wake());
            assert_eq!(timed.pass(gap), ["draw"], "one frame for all that piled up, as soon as the more urgent wants");
        });
    }
}

#[test]
fn the_cursor_rests_once_after_the_last_key() {
    with_clock(Link::Local, |mut timed| {
        timed.press('m');
        assert_eq!(timed.pass(100), ["draw"]);
        timed.press('m');
        assert_eq!(timed.pass(100), ["draw"]);
        assert_eq!(timed.idle(), 20, "the second key put it off");
        assert_eq!(timed.pass(20), ["draw"], "what comes with rest is drawn like a report");
        assert_eq!(timed.pass(200), [""; 0]);
        timed.send(terminal(TerminalEvent::Mouse(MouseEvent {
            kind: MouseEventKind::ScrollDown,
            column: 1,
            row: 1,
            modifiers: crossterm::event::KeyModifiers::NONE,
        })));
        assert_eq!(timed.pass(4), ["draw"]);
        assert_eq!(timed.idle(), 116, "the mouse moves the cursor as well");
        timed.send(report());
        assert_eq!(timed.pass(17), ["draw"]);
        assert_eq!(timed.idle(), 99, "a report does not");
    });
}

#[test]
fn a_quiet_terminal_is_asked_each_second_whether_it_is_there() {
    with_clock(Link::Local, |mut timed| {
        assert_eq!(timed.idle(), 1000);
        assert_eq!(timed.pass(999), [""; 0]);
        assert_eq!(timed.pass(1), ["size"]);
        assert_eq!(timed.idle(), 1000);
        timed.explorer.surface.gone.set(true);
        timed.now.set(timed.now.get() + HEARTBEAT);
        assert!(timed.explorer.pass_time().is_err());
    });
}

#[test]
fn a_stop_from_outside_is_ctrl_z_and_its_own_signals_are_not_taken_twice() {
    with_clock(Link::Local, |mut timed| {
        timed.send(Wake::Input(Input::Stop));
        assert_eq!(timed.pass(4), ["suspend", "size", "draw"]);
        for signal in [Input::Stop, Input::Continued] {
            timed.send(Wake::Input(signal));
            assert_eq!(timed.pass(4), [""; 0]);
        }
        assert_eq!(timed.pass(1000).last(), Some(&"size"));
        timed.send(Wake::Input(Input::Continued));
        assert_eq!(timed.pass(4), ["resume", "size", "draw"]);
        timed.send(Wake::Input(Input::Stop));
        assert_eq!(timed.pass(4), ["suspend", "size", "draw"]);
    });
}

/// Runs the whole loop on what is sent beforehand.
#[track_caller]
fn check_end(wakes: Vec<Wake>, prepare: impl FnOnce(&Recorder), expected: Option<Ending>) -> Vec<&'static str> {
    let mut surface = Recorder::default();
    let (send, awake) = mpsc::channel();
    let app = App::new(Setup::default());
    let mut explorer = Explorer::new(app, &mut surface, NoJobs, Link::Local, Instant::now);
    prepare(explorer.surface);
    let exit = explorer.run(&awake, || {
        for wake in wakes {
            send.send(wake).expect("it listens");
        }
    });
    assert_eq!(exit.ok(), expected);
    surface.done()
}

#[test]
fn the_loop_ends_by_the_user_a_signal_or_the_terminal_and_tells_a_failure_from_its_end() {
    let quit = || terminal(TerminalEvent::Key(KeyEvent::from(KeyCode::Char('q'))));
    check_end(vec![quit()], |_| {}, Some(Ending::Leave));
    check_end(vec![Wake::Input(Input::Hangup)], |_| {}, Some(Ending::HangUp));
    check_end(vec![Wake::Input(Input::Hangup), quit()], |_| {}, Some(Ending::HangUp));
    check_end(Vec::new(), |surface| surface.gone.set(true), Some(Ending::HangUp));
    check_end(Vec::new(), |surface| surface.broken.set(true), None);
}

#[test]
fn a_signal_that_came_before_the_first_frame_ends_the_loop_without_one() {
    let mut surface = Recorder::default();
    let (send, awake) = mpsc::channel();
    send.send(Wake::Input(Input::Hangup)).expect("it listens");
    let app = App::new(Setup::default());
    let mut explorer = Explorer::new(app, &mut surface, NoJobs, Link::Local, Instant::now);
    assert_eq!(explorer.run(&awake, || panic!("it has begun")).ok(), Some(Ending::HangUp));
    assert_eq!(surface.done(), [""; 0]);
}
