//! The keys of the live view: which of them mean something now, and the help page that explains them.

use crossterm::event::{KeyCode, KeyEvent};

use super::{Effect, Live, Places};
use crate::{
    app::{
        action::Step,
        help::{self, HelpLine, HelpPage},
        layout::Area,
    },
    index::RowKind,
};

/// A key, its words in the line of hints, and what it does.
pub type Key = (&'static str, &'static str, &'static str);

const PAUSE: Key = ("Space", "pause", "look no more, or again");
const THRESHOLD: Key = ("+ -", "threshold", "stricter, or looser");
const NAME: Key = ("n", "name it", "name what is seen");
const NEXT: Key = ("Tab", "next face", "another of several faces");
const DROP: Key = ("d", "drop it", "take the last name back");
const MIRROR: Key = ("x", "mirror", "as in a mirror, or not");
const METRIC: Key = ("m", "metric", "cosine or euclidean");
const HELP: Key = ("?", "help", "this help");
const QUIT: Key = ("q", "quit", "quit");
const REDRAW: Key = ("Ctrl-l", "", "draw the screen anew");
const SUSPEND: Key = ("Ctrl-z", "", "suspend; fg returns");

/// All keys, in the order of the hints.
pub const KEYS: [Key; 11] = [PAUSE, THRESHOLD, NAME, NEXT, DROP, MIRROR, METRIC, REDRAW, SUSPEND, HELP, QUIT];

/// What is to be seen and what it means.
pub const READING: [&str; 6] = [
    "At the left the newest frame; at the right the picture of the gallery that is most like it.",
    "A name's value is the likeness to its center, the mean of its pictures.",
    "On the scale ● is the best name, ○ the second, ┃ the threshold. More alike is at the right; a name whose value reaches the threshold is given.",
    "The percentage is the share of strangers that would be given a name at this threshold.",
    "The margin is how far the best name leads the second.",
    "The log has a new line when another name comes into view.",
];

/// Which of these is about the share of strangers.
const PERCENTAGE: usize = 3;

/// Columns that keys and what they do need.
const COLUMN: u16 = 38;

impl Live {
    /// Key and words of what can be done now, most useful first; help and quit come last.
    #[must_use]
    pub fn hints(&self) -> Vec<(&'static str, &'static str)> {
        if self.help.is_some() {
            return vec![("Esc", "close"), (QUIT.0, QUIT.1)];
        }
        let best = self.shown().is_some_and(|(_, identity)| identity.best.is_some());
        let is_useful = |key: &Key| match *key {
            PAUSE => !self.has_ended,
            THRESHOLD => self.threshold().is_some() || best,
            NAME => self.shown().is_some(),
            NEXT => self.setup.seeks == RowKind::Face && self.framing().faces.len() > 1,
            DROP => !self.enrolled_here.is_empty(),
            (_, hint, _) => !hint.is_empty(),
        };
        let words = |key: Key| (key.0, if key == PAUSE && self.is_paused { "go on" } else { key.1 });
        KEYS.into_iter().filter(is_useful).map(words).collect()
    }

    /// The help, in place of what is between the title and the keys.
    #[must_use]
    pub fn help_page(&self) -> HelpPage {
        let Places { title, now, hints, .. } = Places::new(self.setup.display.size);
        let panel = Area { y: now.y, height: hints.y.saturating_sub(now.y), ..title };
        HelpPage::of(panel, (panel.width / COLUMN).clamp(1, 2), |width| {
            let keys = KEYS.map(|(keys, _, does)| HelpLine::Keys(keys.to_owned(), does));
            let mut reading = READING.map(str::to_owned).to_vec();
            if let Some(basis) = self.basis() {
                reading.insert(PERCENTAGE + 1, format!("It follows {basis}."));
            }
            vec![("Live", keys.into()), help::words("Reading it", &reading, width)]
        })
    }

    /// A key on the help page, which shows its lines from `first` on.
    pub(super) fn help_key(&mut self, first: usize, key: KeyEvent) -> Vec<Effect> {
        let step = match key.code {
            KeyCode::Char('q') => return vec![Effect::Quit],
            KeyCode::Up | KeyCode::Char('k') => Step::Up,
            KeyCode::Down | KeyCode::Char('j') => Step::Down,
            KeyCode::PageUp => Step::PageUp,
            KeyCode::PageDown => Step::PageDown,
            KeyCode::Home | KeyCode::Char('g') => Step::First,
            KeyCode::End | KeyCode::Char('G') => Step::Last,
            _ => {
                self.help = None;
                return Vec::new();
            }
        };
        let page = self.help_page();
        // After the terminal has grown, less of the page is out of sight.
        let first = first.min(page.last());
        self.help = Some(step.moved(first, page.last() + 1, 1, page.height().max(1)));
        Vec::new()
    }
}
