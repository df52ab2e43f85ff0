//! A line of text that is being typed.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{
    App, Effect, Over, Severity,
    action::{Action, Screen},
    keymap::{self, Context},
};
use crate::{index::ImageId, task::Job};

/// What the text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The filter of the grid; `before` was selected when it was opened.
    Filter {
        /// To be selected again when the filter is given up.
        before: Option<ImageId>,
    },
    /// The file to which the marked paths are written.
    Export,
}

/// A text field in the status line; while it is open it gets all keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// What it is for.
    pub purpose: Purpose,
    /// What was typed so far; typing goes on at its end.
    pub text: String,
}

/// What a key did to a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// The text changed.
    Changed,
    /// Enter.
    Accepted,
    /// Esc, or Backspace in an empty field.
    GivenUp,
    /// The key is not for typing.
    Ignored,
}

impl Prompt {
    /// Takes a key.
    pub fn key(&mut self, key: KeyEvent) -> Typed {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Enter => Typed::Accepted,
            KeyCode::Esc => Typed::GivenUp,
            KeyCode::Char('c') if control => Typed::GivenUp,
            KeyCode::Char('u') if control => {
                self.text.clear();
                Typed::Changed
            }
            KeyCode::Char('w') if control => {
                let kept = self.text.trim_end().rfind(|c: char| c.is_whitespace() || c == '/').map_or(0, |at| at + 1);
                self.text.truncate(if kept == self.text.len() { 0 } else { kept });
                Typed::Changed
            }
            KeyCode::Backspace if self.text.is_empty() => Typed::GivenUp,
            KeyCode::Backspace => {
                self.text.pop();
                Typed::Changed
            }
            KeyCode::Char(c) if !control && !c.is_control() => {
                self.text.push(c);
                Typed::Changed
            }
            _ => Typed::Ignored,
        }
    }
}

/// Where marked paths are written unless the user types another name.
const EXPORT_FILE: &str = "marked.txt";

impl App {
    pub(super) fn open_filter(&mut self) {
        self.show(Screen::Browse);
        let purpose = Purpose::Filter { before: self.shared.selected };
        let text = self.screens.browse.filter.typed().to_owned();
        self.over.push(Over::Prompt(Prompt { purpose, text }));
    }

    pub(super) fn open_export(&mut self) {
        if self.shared.marks.is_empty() {
            self.say(Severity::Warning, "Nothing is marked yet: Space marks the picture under the cursor.");
        } else {
            self.over.push(Over::Prompt(Prompt { purpose: Purpose::Export, text: EXPORT_FILE.to_owned() }));
        }
    }

    /// Gives a key to the open prompt.
    pub(super) fn type_key(&mut self, key: KeyEvent) -> Vec<Effect> {
        let Some(Over::Prompt(mut prompt)) = self.over.pop() else { return Vec::new() };
        let typed = prompt.key(key);
        match (prompt.purpose, typed) {
            (Purpose::Filter { .. }, Typed::Accepted) | (Purpose::Export, Typed::GivenUp) => {}
            (Purpose::Filter { before }, Typed::GivenUp) => {
                self.screens.browse.set_filter("");
                self.shared.selected = before.or(self.shared.selected);
            }
            (Purpose::Filter { .. }, Typed::Changed) => {
                self.screens.browse.set_filter(&prompt.text);
                self.over.push(Over::Prompt(prompt));
            }
            (Purpose::Filter { .. }, Typed::Ignored) => {
                self.over.push(Over::Prompt(prompt));
                // Arrows and pages work while the filter is typed; letters are text.
                if let Some(Action::Move(step)) = keymap::lookup(Context::Screen(Screen::Browse), key) {
                    self.step(step);
                }
            }
            (Purpose::Export, Typed::Accepted) if !prompt.text.trim().is_empty() => {
                let job = Job::Export { paths: self.marked_paths(), to: prompt.text.trim().into() };
                return vec![Effect::Start(self.awaited.next(), job)];
            }
            (Purpose::Export, _) => self.over.push(Over::Prompt(prompt)),
        }
        Vec::new()
    }
}
