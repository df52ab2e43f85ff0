//! All state of the explorer, and what may happen to it.
//!
//! [`App::update`] is the only way in: it takes an [`Event`], changes the state, and returns the [`Effect`]s that the
//! event loop carries out. It never blocks, reads no file and knows no terminal. There is one selection, shared by all
//! screens: the grid's frame, the query of the neighbors, the row of the heatmap's cursor.

mod act;
pub mod action;
mod answers;
mod awaited;
pub mod binding;
pub mod contact_sheet;
pub mod disposal;
mod event;
pub mod group_places;
pub mod help;
mod hints;
pub mod keymap;
mod large;
pub mod layout;
pub mod live;
pub mod marks;
mod mouse;
mod outside;
pub mod pace;
pub mod pair;
pub mod previews;
pub mod reading;
pub mod prompt;
pub mod room;
pub mod screens;
mod sentence;
pub mod shared;
pub mod why;

use std::{collections::HashSet, path::PathBuf};

pub use self::event::{Effect, Event, Message, ModelInfo, RunState, Setup, Severity, UsableModel};
use self::{
    action::{Action, Screen},
    awaited::Awaited,
    disposal::{Disposal, Moves},
    keymap::{Context, Keys},
    layout::{Area, Tab, TabWords},
    pace::KeyPace,
    pair::PairView,
    previews::{Previews, Slot},
    prompt::Prompt,
    room::Room,
    screens::Screens,
    shared::Shared,
    why::{Explanations, Why},
};
use crate::{
    index::ImageId,
    similarity::{Metric, Query},
    task::{Job, Task},
};

/// All state of the explorer. [`crate::ui`] reads it and never changes it.
pub struct App {
    /// What all screens show.
    pub shared: Shared,
    /// The screens' own state.
    pub screens: Screens,
    /// The screen shown.
    pub screen: Screen,
    /// What lies on top of it, the topmost last.
    pub over: Vec<Over>,
    /// What the status line has to say.
    pub message: Option<Message>,
    /// Pictures that are ready to be drawn.
    pub previews: Previews,
    /// How fast keys come.
    pub pace: KeyPace,
    /// The jobs under way.
    awaited: Awaited,
    /// What the keys mean: the user's own table, which outlasts every index.
    pub keys: Keys,
    /// Why the pair in front of a screen is alike, whichever screen it was opened from.
    explanations: Explanations,
    /// Files that were moved away from any screen, and can be brought back from any other.
    moves: Moves,
}

/// Something on top of the screen, which Esc takes away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Over {
    /// One picture.
    Picture(ImageId),
    /// What is asked with on Neighbors: a picture, several, or one from elsewhere.
    Query,
    /// The pictures of the heatmap's cursor, or of the query and a neighbor.
    Pair {
        /// The row, or the query.
        row: ImageId,
        /// The column, or the neighbor.
        col: ImageId,
        /// How the two are looked at.
        view: PairView,
    },
    /// The help page, from this line on.
    Help(usize),
    /// What makes the pictures of a pair alike.
    Why(Why),
    /// What is to be moved away, until the user says where to.
    Disposal(Disposal),
    /// A line of text that is being typed, in the status line.
    Prompt(Prompt),
}

impl App {
    /// The explorer before anything was indexed.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        Self {
            shared: Shared::new(setup),
            screens: Screens::default(),
            screen: Screen::default(),
            over: Vec::new(),
            message: None,
            previews: Previews::default(),
            pace: KeyPace::default(),
            awaited: Awaited::default(),
            keys: Keys::default(),
            explanations: Explanations::default(),
            moves: Moves::default(),
        }
    }

    /// The same with other keys than the program's own.
    #[must_use]
    pub fn with(self, keys: Keys) -> Self {
        Self { keys, ..self }
    }

    /// What is to be done before the first event: the indexing run begins.
    pub fn start(&mut self) -> Vec<Effect> {
        vec![Effect::Start(self.awaited.index(), Job::Index)]
    }

    /// Changes the state by one event. What it returns is to be carried out in order.
    pub fn update(&mut self, event: Event) -> Vec<Effect> {
        let mut effects = match event {
            Event::Key(key) => self.key(key),
            Event::Paste(text) => self.paste(&text),
            Event::Mouse(mouse) => self.mouse(mouse),
            Event::Resize(columns, rows) => {
                self.shared.display.size = (columns, rows);
                Vec::new()
            }
            Event::Job(event) => {
                self.answer(event);
                Vec::new()
            }
            Event::Refused(reason) => {
                self.say(Severity::Error, reason);
                Vec::new()
            }
            Event::Rest => {
                self.pace.rest();
                Vec::new()
            }
            Event::Resume => {
                self.previews.clear();
                self.pace.rest();
                Vec::new()
            }
            Event::Hangup => return self.leave(),
        };
        self.refresh();
        self.keep_labels(&mut effects);
        self.request_tasks(&mut effects);
        self.request_previews(&mut effects);
        self.request_explanation(&mut effects);
        effects
    }

    /// Brings everything that follows from the state into line with it.
    fn refresh(&mut self) {
        let shared = &mut self.shared;
        shared.comparing = shared.selected.is_some_and(|id| self.awaited.awaits(&Task::Compare(Query::Image(id))));
        shared.follow_marks();
        self.screens.browse.follow(shared);
        // A filter may hide everything; something is selected all the same.
        let gone = shared.selected.is_none_or(|id| !shared.index.contains(id));
        if gone || (!shared.is_touched() && shared.run == RunState::Running) {
            let any = || shared.index.iter().next().map(|entry| entry.id);
            shared.selected = self.screens.browse.list.ids.first().copied().or_else(any);
        }
        let index = &shared.index;
        self.over.retain(|over| match over {
            Over::Picture(id) => index.contains(*id),
            Over::Pair { row, col, .. } | Over::Why(Why { pair: [row, col], .. }) => {
                index.contains(*row) && index.contains(*col)
            }
            Over::Query | Over::Help(_) | Over::Disposal(_) | Over::Prompt(_) => true,
        });
        let body = shared.body();
        self.screens.at(self.screen).refresh(shared, body);
        self.refresh_beside();
    }

    /// Brings the pictures beside the heatmap in line with its cursor.
    fn refresh_beside(&mut self) {
        if self.helped() != Context::Screen(Screen::Heatmap) {
            return self.pace.show_nothing_beside();
        }
        let pair = self.screens.heatmap.shown_pair(&self.shared);
        let slots = self.slots();
        let is_ready = |id| slots.iter().any(|slot| slot.row() == Some(id) && self.previews.get(&slot.key()).is_some());
        let is_there = |at: usize| {
            let before = self.pace.beside[at].zip(slots.get(at));
            before.is_some_and(|(id, slot)| {
                self.previews.get(&Slot { subject: id.into(), ..slot.clone() }.key()).is_some()
            })
        };
        let wanted = [0, 1].map(|at| {
            let id = pair.map(|pair| pair[at]);
            (id, id.is_some_and(is_ready), is_there(at))
        });
        // Until it is known which pair of a block is shown, the pictures of the last one stay.
        let unknown = pair.is_none() && !self.screens.heatmap.is_empty();
        self.pace.show_beside(wanted, unknown || self.saves_bytes());
    }

    /// Starts the tasks that are needed and that nobody is making yet.
    fn request_tasks(&mut self, effects: &mut Vec<Effect>) {
        // What takes long for many pictures waits until the keys do: the next one may want something else.
        let moment = self.pace.rested || self.shared.is_quick();
        if let Some(task) = self.screens.get(self.screen).wants(&self.shared)
            && (moment || !task.is_slow())
            && !(task.is_fleeting() && self.saves_bytes())
        {
            effects.extend(self.awaited.want(Some(self.screen), task, &self.shared.index));
        }
        // Which pictures the filter lets through all screens want to know.
        let browse = &self.screens.browse;
        if self.screen != Screen::Browse
            && browse.list.filter != self.shared.filter
            && let Some(task) = browse.wants(&self.shared)
        {
            effects.extend(self.awaited.want(Some(Screen::Browse), task, &self.shared.index));
        }
        if let Some(id) = self.shared.selected.filter(|_| moment) {
            let current =
                self.shared.current_comparison().is_some_and(|made| self.shared.covers(made.made_of(), made.len()));
            if !current {
                effects.extend(self.awaited.want(None, Task::Compare(Query::Image(id)), &self.shared.index));
            }
        }
    }

    /// Asks for the pictures that the screen shows and that are not there yet.
    fn request_previews(&mut self, effects: &mut Vec<Effect>) {
        let on_rest = self.shared.display.previews_on_rest;
        // Those beside the heatmap are drawn when the cursor rests, and are to be ready by then.
        let soon = self.context() == Context::Screen(Screen::Heatmap) && !self.pace.keys_come_fast;
        if on_rest && !self.pace.rested && !soon {
            return;
        }
        let mut wanted: Vec<_> = self.slots().iter().map(Slot::key).collect();
        if !on_rest && self.covering().is_none() {
            let upcoming = self.screens.get(self.screen).upcoming(&self.shared, self.shared.body());
            wanted.extend(upcoming.iter().map(Slot::key));
        }
        if let Some(wanted) = self.previews.want(wanted) {
            let job = Job::Previews { index: self.shared.index.clone(), wanted };
            effects.push(Effect::Start(self.awaited.next(), job));
        }
    }

    /// The tabs in the header.
    #[must_use]
    pub fn tabs(&self) -> Vec<Tab> {
        let words = Screen::ALL.map(|screen| {
            let count = self.screens.get(screen).count(&self.shared);
            TabWords { key: self.key_name(Action::Show(screen)), name: screen.name(), count }
        });
        layout::tabs(self.shared.shell().header, &words, self.screen as usize)
    }

    /// The switch between metrics in the header, where it makes a difference.
    #[must_use]
    pub fn metrics(&self) -> Vec<(Metric, Area)> {
        if self.without_metric().is_some() {
            return Vec::new();
        }
        layout::metrics(self.shared.shell().header, &self.tabs(), self.shared.metric)
    }

    /// What covers the screen, if anything does.
    #[must_use]
    pub fn covering(&self) -> Option<Over> {
        self.over.iter().rfind(|over| !matches!(over, Over::Prompt(_))).cloned()
    }

    /// Covers the screen with something else than before.
    fn cover(&mut self, with: Over) {
        if let Some(over) = self.over.iter_mut().rfind(|over| !matches!(over, Over::Prompt(_))) {
            *over = with;
        }
    }

    /// The text that is being typed.
    #[must_use]
    pub fn prompt(&self) -> Option<&Prompt> {
        match self.over.last() {
            Some(Over::Prompt(prompt)) => Some(prompt),
            _ => None,
        }
    }

    /// Where keys are pressed.
    #[must_use]
    pub fn context(&self) -> Context {
        self.context_of(self.covering().as_ref())
    }

    fn context_of(&self, over: Option<&Over>) -> Context {
        match over {
            Some(Over::Help(_)) => Context::Help,
            Some(Over::Picture(_) | Over::Query) => Context::Picture,
            Some(Over::Pair { .. }) => Context::Pair,
            Some(Over::Disposal(_)) => Context::Disposal,
            Some(Over::Why(_)) => Context::Why,
            Some(Over::Prompt(_)) | None => Context::Screen(self.screen),
        }
    }

    /// What lies beneath the help, if it is not the screen.
    #[must_use]
    pub fn beneath_help(&self) -> Option<Over> {
        self.over.iter().rfind(|over| !matches!(over, Over::Prompt(_) | Over::Help(_))).cloned()
    }

    /// What the help is about.
    #[must_use]
    pub fn helped(&self) -> Context {
        self.context_of(self.beneath_help().as_ref())
    }

    /// The picture that a mark, a copy or a large view is about.
    #[must_use]
    pub fn focused(&self) -> Option<ImageId> {
        let covering =
            self.over.iter().rfind(|over| !matches!(over, Over::Prompt(_) | Over::Help(_) | Over::Disposal(_)));
        match covering {
            Some(Over::Picture(id)) => Some(*id),
            Some(Over::Query) => self.row_query(),
            // Where the filter lets nothing through there is nothing that a key could be about.
            _ if self.admits_nothing() => None,
            _ => self.screens.get(self.screen).focused(&self.shared),
        }
        .filter(|id| self.shared.index.contains(*id))
    }

    /// Whether the filter, as far as it is known what it lets through, lets no picture through.
    #[must_use]
    pub fn admits_nothing(&self) -> bool {
        let list = &self.screens.browse.list;
        list.ids.is_empty() && !list.filter.is_empty() && list.filter == self.shared.filter
    }

    /// The pictures on the screen and where they belong, most wanted first.
    #[must_use]
    pub fn slots(&self) -> Vec<Slot> {
        let body = self.shared.body();
        let mut slots = match self.beneath_help() {
            Some(Over::Disposal(_) | Over::Why(_)) => Vec::new(),
            Some(Over::Picture(image)) => vec![Slot { whole: true, ..Slot::new(image, layout::large(body)) }],
            Some(Over::Query) => {
                let slots = self.screens.neighbors.query_slots(&self.shared, layout::large(body));
                slots.into_iter().map(|slot| Slot { whole: true, ..slot }).collect()
            }
            Some(Over::Pair { row, col, view }) => view.slots(body, [row, col]),
            _ => self.screens.get(self.screen).slots(&self.shared, body),
        };
        slots.retain(|slot| slot.area.width >= 2 && slot.area.height >= 1);
        slots
    }

    /// The pictures that are drawn beside the heatmap, the row's and the column's; `None` for an empty box. While the
    /// cursor hurries from cell to cell each would be gone at the next key, and its bytes with it.
    #[must_use]
    pub fn beside(&self) -> [Option<ImageId>; 2] {
        self.pace.beside.map(|id| id.filter(|id| self.shared.index.contains(*id)))
    }

    /// Whether what would be gone at the next key is not worth its bytes at the moment.
    #[must_use]
    pub fn saves_bytes(&self) -> bool {
        if self.shared.display.previews_on_rest { !self.pace.rested } else { self.pace.keys_come_fast }
    }

    /// The paths of the marked pictures, in the order of marking; each once, however many of its faces are marked.
    #[must_use]
    pub fn marked_paths(&self) -> Vec<PathBuf> {
        let mut seen = HashSet::new();
        let paths = self.shared.marks.iter().filter_map(|id| self.shared.path(id));
        paths.filter(|path| seen.insert(path.clone())).collect()
    }

    /// Says a sentence that names keys, see [`App::sentence`].
    fn tell(&mut self, severity: Severity, template: &str) {
        let text = self.sentence(template);
        self.say(severity, text);
    }

    fn say(&mut self, severity: Severity, text: impl Into<String>) {
        self.message = Some(Message { severity, text: text.into() });
    }
}
