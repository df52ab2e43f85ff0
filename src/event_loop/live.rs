//! The loop of the live view: what wakes it → [`Live::update`] → effects → one frame.

use std::{
    cell::Cell,
    collections::HashMap,
    io,
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    time::{Duration, Instant, SystemTime},
};

use crossterm::event::{Event as TerminalEvent, KeyEventKind};
use jiff::{Timestamp, tz::TimeZone};

use crate::{
    analysis::gallery::trials::TriedGallery,
    app::live::{Change, Effect, Event, Live, Picture, Seen, Setup},
    display::{Display, Link, Palette},
    error::{Error, Result},
    index::RowKind,
    live::{
        Frame, Looker, Pace, RegionEmbedder, Say, Source,
        hook::Hook,
        reactions::{Excess, Reactions},
        source::Open,
    },
    similarity::Metric,
    terminal::{self, DisplayOptions, TerminalGuard, input, input::Input, signals},
    ui,
    worker::live::{Shown, Told, Wanted, Watch},
};

/// How often the terminal is checked for being there when nothing else happens.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How long the end may take without a word.
const SILENCE: Duration = Duration::from_millis(300);

/// What the live view starts with.
pub struct Options {
    /// Where frames come from.
    pub source: Source,
    /// When they are looked at.
    pub pace: Pace,
    /// The same in words.
    pub pace_words: String,
    /// The gallery, which may be empty.
    pub enrolled: Arc<TriedGallery>,
    /// Where it lies: what is named is kept there.
    pub folder: PathBuf,
    /// The model's name.
    pub model: String,
    /// What it looks for.
    pub seeks: RowKind,
    /// The metric to begin with.
    pub metric: Metric,
    /// The share of strangers that may be given a name.
    pub far: f64,
    /// The threshold, where the user has set one.
    pub threshold: Option<f32>,
    /// By how much the best name must lead.
    pub margin: f32,
    /// Where frames are kept, if they are.
    pub kept_in: Option<PathBuf>,
    /// What is run when a name comes into view, if anything is.
    pub hook: Option<Hook>,
    /// Says what there is to say once the screen is gone.
    pub say: fn(&str),
    /// What the user wants of the terminal.
    pub display: DisplayOptions,
    /// The colors that the user has chosen.
    pub palette: Palette,
}

enum Wake {
    Input(Input),
    Told(Told),
    Notice(String),
}

/// Runs the live view until the user leaves or the terminal does; whether the user left.
///
/// # Errors
/// [`Error::Usage`] or [`Error::Terminal`] when there is no terminal to run in; what ended the source before any frame.
pub fn run(options: Options, embedder: Box<dyn RegionEmbedder>) -> Result<bool> {
    let (wake, awake) = mpsc::channel();
    let to_loop = wake.clone();
    let send = move |input| to_loop.send(Wake::Input(input)).is_ok();
    // As in the explorer: a signal must not find the terminal unguarded.
    signals::listen(send.clone())?;
    let name = options.source.name();
    let notices = wake.clone();
    let source = options.source.open(move |sentence| drop(notices.send(Wake::Notice(sentence))))?;
    let notices = wake.clone();
    let tell: Say = Arc::new(move |sentence| drop(notices.send(Wake::Notice(sentence))));
    let mut reactions = Reactions::start(options.hook, options.kept_in.clone(), Excess::IsLeftOut, &tell)?;
    let mut screen = TerminalGuard::enter(&options.display, false)?;
    let capabilities = screen.capabilities().clone();
    let painter = capabilities.painter();
    // As many pictures as the eye and the line want: pixels cost far more bytes than cells.
    let gap = Duration::from_millis(match (capabilities.link, painter.sends_pixels()) {
        (Link::Local, false) => 66,
        (Link::Local, true) => 200,
        (Link::Remote, _) => 500,
    });
    let live = Live::new(Setup {
        enrolled: Arc::clone(&options.enrolled),
        source: name,
        pace: options.pace_words,
        model: options.model,
        seeks: options.seeks,
        sends_pixels: painter.sends_pixels(),
        display: Display {
            size: screen.size().map_err(Error::Terminal)?,
            depth: capabilities.depth,
            background: capabilities.background,
            palette: options.palette,
            previews_on_rest: false,
        },
        metric: options.metric,
        far: options.far,
        threshold: options.threshold,
        margin: options.margin,
        kept_in: options.kept_in,
    });
    input::listen(send)?;
    let tell = Arc::new(move |told| wake.send(Wake::Told(told)).is_ok());
    let looker = Looker::new(Arc::clone(&source.inbox), embedder, options.pace);
    let watch = Watch::new(looker, Arc::clone(&source.inbox), painter, gap, options.enrolled.gallery.clone(), tell);
    let mut view = View {
        live,
        screen: &mut screen,
        watch,
        _source: source,
        folder: options.folder,
        frames: HashMap::new(),
        ever_seen: false,
        reactions: &mut reactions,
        exit: None,
    };
    let ended = view.run(&awake);
    // The source ends with the view, and before the terminal is given back nothing more is drawn.
    drop(view);
    drop(screen);
    match ended {
        Ok(true) => Ok(finish(&mut reactions, &awake, options.say)),
        ended => ended,
    }
}

/// Waits for what was asked for and is not done yet, until a signal says that it is wanted no longer; whether none did.
fn finish(reactions: &mut Reactions, awake: &mpsc::Receiver<Wake>, say: fn(&str)) -> bool {
    let (begun, is_said) = (Instant::now(), Cell::new(false));
    let hung_up = || {
        if begun.elapsed() > SILENCE && !is_said.replace(true) {
            say("waiting until frames are kept and commands have ended: Ctrl-C stops that");
        }
        awake.try_iter().any(|wake| match wake {
            Wake::Notice(sentence) => {
                say(&sentence);
                false
            }
            Wake::Input(Input::Hangup) => true,
            Wake::Input(Input::Stop) => {
                terminal::stop();
                false
            }
            Wake::Input(_) | Wake::Told(_) => false,
        })
    };
    reactions.finish(&hung_up)
}

struct View<'a> {
    live: Live,
    screen: &'a mut TerminalGuard,
    watch: Watch,
    _source: Open,
    folder: PathBuf,
    /// The newest frame that was looked at, and the one that is being named.
    frames: HashMap<u64, Arc<Frame>>,
    ever_seen: bool,
    reactions: &'a mut Reactions,
    exit: Option<Result<bool>>,
}

impl View<'_> {
    fn run(&mut self, awake: &mpsc::Receiver<Wake>) -> Result<bool> {
        let ended = self.run_until_exit(awake);
        match ended {
            Ok(()) => self.exit.take().unwrap_or(Ok(true)),
            // A frame that cannot be written is how a dead terminal shows.
            Err(_) if self.screen.size().is_err() => Ok(false),
            Err(error) => Err(Error::Terminal(error)),
        }
    }

    fn run_until_exit(&mut self, awake: &mpsc::Receiver<Wake>) -> io::Result<()> {
        // The first event asks for the first pictures.
        let (columns, rows) = self.screen.size()?;
        self.update(Event::Resize(columns, rows))?;
        let mut checked = Instant::now();
        loop {
            self.screen.draw(|frame| ui::live::draw(&self.live, frame))?;
            match awake.recv_timeout(HEARTBEAT) {
                Ok(wake) => self.wake(wake)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            // Whatever has piled up is shown by one frame.
            while let Ok(wake) = awake.try_recv() {
                self.wake(wake)?;
            }
            if self.exit.is_some() {
                return Ok(());
            }
            if checked.elapsed() >= HEARTBEAT {
                checked = Instant::now();
                self.screen.size()?;
            }
        }
    }

    fn wake(&mut self, wake: Wake) -> io::Result<()> {
        match wake {
            Wake::Notice(sentence) => self.update(Event::Notice(sentence)),
            Wake::Told(told) => self.told(told),
            Wake::Input(Input::Hangup) => {
                self.exit = Some(Ok(false));
                Ok(())
            }
            Wake::Input(Input::Stop) => self.suspend(),
            Wake::Input(Input::Continued) => {
                self.screen.resume()?;
                self.come_back()
            }
            Wake::Input(Input::Terminal(event)) => match event {
                TerminalEvent::Key(key) if key.kind != KeyEventKind::Release => self.update(Event::Key(key)),
                TerminalEvent::Paste(text) => self.update(Event::Paste(text)),
                TerminalEvent::Resize(columns, rows) => self.update(Event::Resize(columns, rows)),
                _ => Ok(()),
            },
        }
    }

    fn told(&mut self, told: Told) -> io::Result<()> {
        match told {
            Told::Seen(seen) => {
                self.ever_seen = true;
                let frame = Arc::clone(&seen.frame);
                let named = self.live.naming.as_ref().map(|naming| naming.number);
                self.frames.retain(|number, _| Some(*number) == named);
                self.frames.insert(frame.number, seen.frame);
                let now = Seen { number: frame.number, time: time_of_day(frame.at), regions: seen.regions };
                self.update(Event::Seen(now))?;
                let identities = self.live.seen.as_ref().map_or(&[][..], |(_, identities)| identities);
                self.reactions.react(&self.live.setup.enrolled.gallery, identities, &frame);
                Ok(())
            }
            Told::Ended(Ok(())) => self.update(Event::Ended),
            // A source that gave nothing at all is said where it was named.
            Told::Ended(Err(error)) if !self.ever_seen => {
                self.exit = Some(Err(error));
                Ok(())
            }
            Told::Ended(Err(error)) => {
                self.update(Event::Ended)?;
                self.update(Event::Notice(error.to_string()))
            }
            Told::Painted(wanted, preview) => {
                let picture = match wanted.picture {
                    Shown::Newest => Picture::Now,
                    Shown::File(path) => Picture::Enrolled(path),
                    Shown::Frame(frame, region) => Picture::Sighting(frame.number, region),
                };
                self.update(Event::Painted(picture, wanted.cells, preview))
            }
            Told::Added(enrolled, name, path) => {
                self.update(Event::Enrolled(Ok((enrolled, Change::Added(name, path)))))
            }
            Told::Dropped(enrolled, path) => self.update(Event::Enrolled(Ok((enrolled, Change::Dropped(path))))),
            Told::Failed(error) => self.update(Event::Enrolled(Err(error.to_string()))),
        }
    }

    fn update(&mut self, event: Event) -> io::Result<()> {
        for effect in self.live.update(event) {
            match effect {
                Effect::Enroll(name, number, region) => {
                    if let Some(frame) = self.frames.get(&number) {
                        self.watch.enroll(&self.folder, name, Arc::clone(frame), region);
                    }
                }
                Effect::Drop(path) => self.watch.drop_picture(path),
                Effect::Paint(picture, cells, framing) => {
                    let picture = match picture {
                        Picture::Now => Some(Shown::Newest),
                        Picture::Enrolled(path) => Some(Shown::File(path)),
                        Picture::Sighting(number, region) => {
                            self.frames.get(&number).map(|frame| Shown::Frame(Arc::clone(frame), region))
                        }
                    };
                    let mirrored = self.live.is_mirrored && matches!(picture, Some(Shown::Newest));
                    let anew = !self.live.pictures.contains_key(&Picture::Now);
                    if let Some(picture) = picture {
                        self.watch.paint(Wanted { picture, cells, mirrored, anew, framing });
                    }
                }
                Effect::Pause(paused) => self.watch.pause(paused),
                Effect::Redraw => self.screen.clear()?,
                Effect::Suspend => self.suspend()?,
                Effect::Quit => self.exit = Some(Ok(true)),
            }
        }
        Ok(())
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.screen.suspend()?;
        self.come_back()
    }

    /// Somebody else had the terminal: its size may be another, and pictures must be sent again.
    fn come_back(&mut self) -> io::Result<()> {
        let (columns, rows) = self.screen.size()?;
        self.update(Event::Resize(columns, rows))?;
        self.update(Event::Resume)
    }
}

/// Hours, minutes and seconds where the user is.
fn time_of_day(at: SystemTime) -> String {
    let at = Timestamp::try_from(at).unwrap_or(Timestamp::UNIX_EPOCH);
    TimeZone::system().to_datetime(at).strftime("%H:%M:%S").to_string()
}
