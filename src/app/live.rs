//! The state of the live view, and what may happen to it. As with the explorer, [`Live::update`] is the only way in: it
//! reads no clock, waits for nothing and returns what is to be done.

pub mod keys;
mod log;
mod pictures;
mod places;

use std::{
    collections::{HashMap, VecDeque},
    path::{Path, PathBuf},
    sync::Arc,
};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

pub use self::{log::Sighting, pictures::Picture, places::Places};
use super::{
    Message, Severity,
    prompt::{Prompt, Purpose, Typed, folder_name},
};
use crate::{
    analysis::gallery::{
        Criterion, Identity, Region,
        trials::{NoThreshold, TriedGallery},
    },
    display::Display,
    index::RowKind,
    preview::{Preview, frames::Framing},
    similarity::Metric,
};

/// Columns and rows of a small picture.
pub const SMALL: (u16, u16) = (12, 5);

/// What the live view starts with.
pub struct Setup {
    /// The gallery.
    pub enrolled: Arc<TriedGallery>,
    /// What is looked at, safe to show.
    pub source: String,
    /// When frames are looked at, in words.
    pub pace: String,
    /// The model's name, safe to show.
    pub model: String,
    /// What it looks for.
    pub seeks: RowKind,
    /// The terminal.
    pub display: Display,
    /// Whether pictures are sent to it as pixels, on which no letters can stand.
    pub sends_pixels: bool,
    /// The metric to begin with.
    pub metric: Metric,
    /// The share of strangers that may be given a name, from which thresholds follow.
    pub far: f64,
    /// The threshold of the first metric, where the user has set one.
    pub threshold: Option<f32>,
    /// By how much the best name must lead.
    pub margin: f32,
    /// Where frames are kept, if they are.
    pub kept_in: Option<PathBuf>,
}

/// A frame that was looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Its number.
    pub number: u64,
    /// The time of day.
    pub time: String,
    /// What is in it.
    pub regions: Vec<Region>,
}

/// A name that is being typed, and what it is for.
#[derive(Debug, Clone, PartialEq)]
pub struct Naming {
    /// What was typed.
    pub prompt: Prompt,
    /// The number of the frame.
    pub number: u64,
    /// Its region.
    pub region: Region,
    /// The name it was given, which Enter alone confirms.
    pub suggested: Option<String>,
}

/// What may happen.
pub enum Event {
    /// A key.
    Key(KeyEvent),
    /// Text that was pasted.
    Paste(String),
    /// Another size of the terminal.
    Resize(u16, u16),
    /// A frame was looked at.
    Seen(Seen),
    /// A picture is ready, for so many columns and rows.
    Painted(Picture, (u16, u16), Preview),
    /// The gallery has changed, or it could not: what there is to say.
    Enrolled(Result<(Arc<TriedGallery>, Change), String>),
    /// The source has something to say.
    Notice(String),
    /// The source has ended.
    Ended,
    /// Pictures on the terminal are gone.
    Resume,
}

/// How a gallery has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A picture was added under a name.
    Added(String, PathBuf),
    /// It was taken out again.
    Dropped(PathBuf),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Enroll the region of this frame under a name.
    Enroll(String, u64, Region),
    /// Take a picture that was enrolled here out again.
    Drop(PathBuf),
    /// Make a picture ready for so many columns and rows. Of the newest frame the faces are framed, of another one the face
    /// is cut out.
    Paint(Picture, (u16, u16), Framing),
    /// Look no more, or again.
    Pause(bool),
    /// Draw all of it anew.
    Redraw,
    /// Go to the background.
    Suspend,
    /// Leave.
    Quit,
}

/// All state of the live view.
pub struct Live {
    /// What it started with; the gallery and the terminal's size are those of now.
    pub setup: Setup,
    /// Thresholds by both metrics, as [`Metric::ALL`] orders them; nothing where none can be known yet.
    pub thresholds: [Option<f32>; 2],
    /// Why the gallery gives none.
    no_threshold: [Option<NoThreshold>; 2],
    /// Whether the user has set them.
    set_by_hand: [bool; 2],
    /// The newest frame that was looked at, and what became of its regions.
    pub seen: Option<(Seen, Vec<Identity>)>,
    /// Which of several regions the user wants to see beside its best match.
    chosen: Option<usize>,
    /// The newest sighting last.
    pub log: VecDeque<Sighting>,
    /// Pictures that are ready, with the cells for which they were made.
    pub pictures: HashMap<Picture, ((u16, u16), Preview)>,
    asked: HashMap<Picture, (u16, u16)>,
    /// How the newest frame was wanted last.
    framed: Framed,
    /// Whether nothing is looked at.
    pub is_paused: bool,
    /// Whether the picture is shown as in a mirror.
    pub is_mirrored: bool,
    /// Whether the source has ended.
    pub has_ended: bool,
    /// The pictures that were enrolled here, the newest last.
    enrolled_here: Vec<PathBuf>,
    /// A name that is being typed.
    pub naming: Option<Naming>,
    /// The first visible line of the help page, while that is shown.
    pub help: Option<usize>,
    /// What there is to say.
    pub message: Option<Message>,
}

/// How a frame is shown.
#[derive(Debug, Clone, Default, PartialEq)]
struct Framed {
    /// The faces that are framed in it.
    faces: Framing,
    /// Whether it is shown as in a mirror.
    is_mirrored: bool,
}

impl Live {
    /// Before anything was seen.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let by_hand = Metric::ALL.map(|metric| setup.threshold.is_some() && metric == setup.metric);
        let mut live = Self {
            thresholds: Metric::ALL.map(|metric| setup.threshold.filter(|_| metric == setup.metric)),
            no_threshold: [None; 2],
            set_by_hand: by_hand,
            setup,
            seen: None,
            chosen: None,
            log: VecDeque::new(),
            pictures: HashMap::new(),
            asked: HashMap::new(),
            framed: Default::default(),
            is_paused: false,
            is_mirrored: false,
            has_ended: false,
            enrolled_here: Vec::new(),
            naming: None,
            help: None,
            message: None,
        };
        live.follow_gallery();
        if live.setup.enrolled.gallery.is_empty() {
            live.say(Severity::Info, "Nobody and nothing is enrolled yet: n names what is seen.");
        }
        live
    }

    /// Changes the state by one event. What it returns is to be carried out in order.
    pub fn update(&mut self, event: Event) -> Vec<Effect> {
        let mut effects = match event {
            Event::Key(key) => self.key(key),
            Event::Paste(text) => {
                if let Some(naming) = &mut self.naming {
                    naming.prompt.paste(&text);
                }
                Vec::new()
            }
            Event::Resize(columns, rows) => {
                self.setup.display.size = (columns, rows);
                Vec::new()
            }
            Event::Seen(seen) => {
                self.take_seen(seen);
                Vec::new()
            }
            Event::Painted(picture, cells, preview) => {
                self.asked.remove(&picture);
                self.pictures.insert(picture, (cells, preview));
                Vec::new()
            }
            Event::Enrolled(changed) => {
                self.take_enrolled(changed);
                Vec::new()
            }
            Event::Notice(sentence) => {
                self.say(Severity::Warning, sentence);
                Vec::new()
            }
            Event::Ended => {
                self.has_ended = true;
                self.say(Severity::Info, "The source has ended; q leaves.");
                Vec::new()
            }
            Event::Resume => {
                self.pictures.clear();
                self.asked.clear();
                Vec::new()
            }
        };
        self.ask_for_pictures(&mut effects);
        effects
    }

    /// How names are given now.
    #[must_use]
    pub fn criterion(&self) -> Criterion {
        let Setup { metric, margin, .. } = self.setup;
        Criterion { metric, threshold: self.threshold(), margin }
    }

    /// The threshold of the metric in use.
    #[must_use]
    pub fn threshold(&self) -> Option<f32> {
        self.thresholds[usize::from(self.setup.metric == Metric::Euclidean)]
    }

    /// The share of strangers that is expected to be given a name at the threshold.
    #[must_use]
    pub fn far(&self) -> Option<f64> {
        self.setup.enrolled.far(&self.criterion())
    }

    /// What that share rests on, in words; nothing where it is not known.
    #[must_use]
    pub fn basis(&self) -> Option<String> {
        self.far().map(|_| self.setup.enrolled.trials(self.setup.metric).basis())
    }

    /// The same in fewer words.
    #[must_use]
    pub fn brief_basis(&self) -> Option<String> {
        self.far().map(|_| self.setup.enrolled.trials(self.setup.metric).brief_basis())
    }

    /// What a threshold is missing where there is none.
    #[must_use]
    pub fn missing(&self) -> String {
        let Setup { enrolled, metric, far, .. } = &self.setup;
        match self.no_threshold[usize::from(*metric == Metric::Euclidean)] {
            // One name is enough where the model was measured.
            Some(NoThreshold::Unmeasured) if enrolled.trials(*metric).known_pairs().is_some() => {
                "the first name brings one".into()
            }
            Some(why) => why.words(&enrolled.gallery, *far),
            None => String::new(),
        }
    }

    /// The place of the region that is shown beside its best match: the one that the user chose, else the most alike of those
    /// that are known, else the first, which is the largest.
    #[must_use]
    pub fn shown_at(&self) -> Option<usize> {
        let (seen, identities) = self.seen.as_ref()?;
        if let Some(chosen) = self.chosen.filter(|chosen| *chosen < seen.regions.len()) {
            return Some(chosen);
        }
        let metric = self.setup.metric;
        let value = |at: usize| identities[at].best.map_or(f32::NAN, |best| best.value);
        let known = (0..identities.len()).filter(|at| identities[*at].is_known);
        known.min_by(|a, b| metric.nearer(value(*a), value(*b))).or((!identities.is_empty()).then_some(0))
    }

    /// The region of [`Live::shown_at`], and what became of it.
    #[must_use]
    pub fn shown(&self) -> Option<(&Region, &Identity)> {
        let at = self.shown_at()?;
        let (seen, identities) = self.seen.as_ref()?;
        seen.regions.get(at).zip(identities.get(at))
    }

    /// The picture of the best match that is the most like what is seen.
    #[must_use]
    pub fn match_path(&self) -> Option<&Path> {
        let (region, identity) = self.shown()?;
        let gallery = &self.setup.enrolled.gallery;
        let sample = gallery.nearest_sample(self.setup.metric, identity.best?.name, &region.embedding)?;
        Some(&sample.path)
    }

    fn key(&mut self, key: KeyEvent) -> Vec<Effect> {
        self.message = None;
        if let Some(naming) = self.naming.take() {
            return self.type_key(naming, key);
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        if let Some(first) = self.help.filter(|_| !control) {
            return self.help_key(first, key);
        }
        match key.code {
            KeyCode::Char('c') if control => return vec![Effect::Quit],
            KeyCode::Char('z') if control => return vec![Effect::Suspend],
            KeyCode::Char('l') if control => {
                self.pictures.retain(|picture, _| matches!(picture, Picture::Sighting(..)));
                self.asked.clear();
                return vec![Effect::Redraw];
            }
            _ if control => {}
            KeyCode::Char('?') | KeyCode::F(1) => self.help = Some(0),
            KeyCode::Char('q') | KeyCode::Esc => return vec![Effect::Quit],
            KeyCode::Char(' ' | 'p') => {
                self.is_paused = !self.is_paused;
                return vec![Effect::Pause(self.is_paused)];
            }
            KeyCode::Char('+' | '=') | KeyCode::Up => self.move_threshold(1.0),
            KeyCode::Char('-' | '_') | KeyCode::Down => self.move_threshold(-1.0),
            KeyCode::Char('m') => {
                self.setup.metric = self.setup.metric.toggled();
                self.identify_again();
            }
            KeyCode::Char('x') => self.is_mirrored = !self.is_mirrored,
            KeyCode::Char('n') => self.begin_naming(),
            KeyCode::Tab => self.choose_next(1),
            KeyCode::BackTab => self.choose_next(-1),
            KeyCode::Char('d') => match self.enrolled_here.last() {
                Some(path) => return vec![Effect::Drop(path.clone())],
                None => self.say(Severity::Info, "Nothing was named here yet, so there is nothing to drop."),
            },
            _ => {}
        }
        Vec::new()
    }

    /// Chooses another of several faces, from the left to the right.
    fn choose_next(&mut self, steps: isize) {
        let faces = self.framing().faces;
        let mut order: Vec<_> = (0..faces.len()).collect();
        order.sort_by(|a, b| faces[*a].area[0].total_cmp(&faces[*b].area[0]));
        let now = self.shown_at().and_then(|at| order.iter().position(|other| *other == at));
        let Some(now) = now.filter(|_| order.len() > 1) else {
            return self.say(Severity::Info, "There are no other faces to choose from.");
        };
        self.chosen = Some(order[(now as isize + steps).rem_euclid(order.len() as isize) as usize]);
    }

    fn begin_naming(&mut self) {
        let Some((seen, _)) = &self.seen else { return self.say(Severity::Info, "Nothing was seen yet.") };
        let number = seen.number;
        let Some((region, identity)) = self.shown() else { return self.say(Severity::Info, "There is no face in it.") };
        let known = identity.best.filter(|_| identity.is_known);
        let suggested = known.map(|best| self.setup.enrolled.gallery.name(best.name).to_owned());
        let (prompt, region) = (Prompt { purpose: Purpose::Name, text: String::new() }, region.clone());
        self.naming = Some(Naming { prompt, number, region, suggested });
    }

    fn type_key(&mut self, mut naming: Naming, key: KeyEvent) -> Vec<Effect> {
        match naming.prompt.key(key) {
            Typed::GivenUp => {}
            Typed::Accepted => {
                let typed = naming.prompt.text.trim();
                let name = if typed.is_empty() { naming.suggested.as_deref().unwrap_or("") } else { typed };
                match folder_name(name) {
                    Ok(name) => return vec![Effect::Enroll(name, naming.number, naming.region)],
                    Err(why) => {
                        self.say(Severity::Warning, why);
                        self.naming = Some(naming);
                    }
                }
            }
            Typed::Changed | Typed::Completed | Typed::Ignored => self.naming = Some(naming),
        }
        Vec::new()
    }

    /// Makes the threshold stricter, or looser.
    fn move_threshold(&mut self, steps: f32) {
        let place = usize::from(self.setup.metric == Metric::Euclidean);
        let best = self.shown().and_then(|(_, identity)| identity.best);
        let Some(now) = self.thresholds[place].or(best.map(|best| best.value)) else { return };
        let moved = match self.setup.metric {
            Metric::Cosine => ((now * 100.0).round() / 100.0 + 0.01 * steps).clamp(-1.0, 1.0),
            Metric::Euclidean => (now * (1.0 - 0.02 * steps)).max(0.0),
        };
        (self.thresholds[place], self.set_by_hand[place]) = (Some(moved), true);
        self.identify_again();
    }

    /// What is seen is named anew after the criterion or the gallery has changed.
    fn identify_again(&mut self) {
        let criterion = self.criterion();
        if let Some((seen, identities)) = &mut self.seen {
            *identities = self.setup.enrolled.gallery.identify(&seen.regions, &criterion);
        }
    }

    /// Thresholds that nobody has set follow from the gallery.
    fn follow_gallery(&mut self) {
        let Setup { enrolled, far, margin, .. } = &self.setup;
        for (at, metric) in Metric::ALL.into_iter().enumerate().filter(|(at, _)| !self.set_by_hand[*at]) {
            let found = enrolled.threshold(metric, *far, *margin);
            self.no_threshold[at] = found.err();
            self.thresholds[at] = found.ok().map(|found| found.value);
        }
        self.identify_again();
    }

    fn take_enrolled(&mut self, changed: Result<(Arc<TriedGallery>, Change), String>) {
        match changed {
            Err(why) => self.say(Severity::Error, why),
            Ok((enrolled, change)) => {
                self.setup.enrolled = enrolled;
                self.follow_gallery();
                let sentence = match change {
                    Change::Added(name, path) => {
                        let folder = path.parent().unwrap_or(&path).to_path_buf();
                        self.enrolled_here.push(path);
                        format!("This is {name} from now on; the frame is kept in {}; d drops it.", folder.display())
                    }
                    Change::Dropped(path) => {
                        self.enrolled_here.retain(|other| *other != path);
                        "What was named last is dropped, and its picture deleted.".to_owned()
                    }
                };
                self.say(Severity::Info, sentence);
            }
        }
    }

    fn say(&mut self, severity: Severity, sentence: impl Into<String>) {
        self.message = Some(Message { severity, text: sentence.into() });
    }
}
