//! A line of text that is being typed.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{
    App, Effect, Over, RunState, Severity,
    action::{Action, Screen},
};
use crate::{
    folders,
    index::ImageId,
    printable::is_hostile,
    task::{Away, Job, Portrait},
};

/// What the text is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// The filter, and what was when it was opened: given up, it leaves everything as it was.
    Filter {
        /// The selected picture.
        selected: Option<ImageId>,
        /// The filter's words.
        typed: String,
    },
    /// The file to which the marked paths are written.
    Export,
    /// The name of pictures, or of what is seen.
    Name,
    /// The name of a group.
    Rename {
        /// The group's most typical picture, by which it is found again should others come before it meanwhile.
        medoid: ImageId,
    },
    /// The label of a picture.
    Label(ImageId),
    /// The file to which labels are written.
    ExportLabels,
    /// The folder into which the listed pictures are moved.
    Move,
    /// The picture from elsewhere to ask with.
    Ask,
}

impl Purpose {
    /// Whether a path is typed, which Tab completes.
    #[must_use]
    pub fn is_path(&self) -> bool {
        matches!(self, Self::Export | Self::ExportLabels | Self::Move | Self::Ask)
    }
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
    /// Tab: the rest of a word that there is already.
    Completed,
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
            KeyCode::Tab => Typed::Completed,
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

    /// Takes pasted text. The field has one line: what ends one between two others becomes a space.
    pub fn paste(&mut self, text: &str) -> Typed {
        let text = text.trim_matches(['\r', '\n']).replace("\r\n", " ");
        let before = self.text.len();
        self.text.extend(text.chars().map(|c| if c.is_control() { ' ' } else { c }));
        if self.text.len() > before { Typed::Changed } else { Typed::Ignored }
    }
}

/// A name as it was typed, if a folder can have it.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn folder_name(typed: &str) -> Result<String, &'static str> {
    let name = typed.trim();
    if name.is_empty() {
        return Err("Type a name, or Esc to give up.");
    }
    if name.starts_with('.') || name.contains('/') {
        return Err("A name is that of a folder: it has no / in it and no dot before it.");
    }
    if name.chars().any(is_hostile) || name.len() > 200 {
        return Err("A name is one line of letters that can be seen, and not too long.");
    }
    Ok(name.to_owned())
}

/// Where marked paths are written unless the user types another name.
const EXPORT_FILE: &str = "marked.txt";
/// Where labels are.
const LABELS_FILE: &str = "labels.csv";

impl App {
    pub(super) fn open_filter(&mut self) {
        if self.shared.index.is_empty() && self.screen != Screen::Problems {
            let yet = if self.shared.run == RunState::Running { " yet" } else { "" };
            return self.say(Severity::Info, format!("There are no pictures to choose from{yet}."));
        }
        let text = self.shared.filter.typed().to_owned();
        let purpose = Purpose::Filter { selected: self.shared.selected, typed: text.clone() };
        self.over.push(Over::Prompt(Prompt { purpose, text }));
    }

    pub(super) fn open_export(&mut self) {
        if self.shared.marks.is_empty() {
            self.say_that_nothing_is_marked();
        } else {
            self.over.push(Over::Prompt(Prompt { purpose: Purpose::Export, text: EXPORT_FILE.to_owned() }));
        }
    }

    /// Asks for the name of the marked pictures, or of the one under the cursor when none is marked.
    pub(super) fn open_naming(&mut self) {
        if self.named().is_empty() {
            self.say(Severity::Warning, self.shared.words("There is no picture to name."));
        } else {
            self.over.push(Over::Prompt(Prompt { purpose: Purpose::Name, text: String::new() }));
        }
    }

    /// The pictures, or the faces, that a name is for.
    #[must_use]
    pub fn named(&self) -> Vec<ImageId> {
        if self.shared.marks.is_empty() {
            self.focused().into_iter().collect()
        } else {
            self.shared.marks.iter().collect()
        }
    }

    /// Asks for the name of the group under the cursor.
    pub(super) fn open_rename(&mut self) {
        match self.screens.groups.current() {
            Some((number, cluster)) => {
                let purpose = Purpose::Rename { medoid: cluster.medoid() };
                let text = self.screens.groups.given_name(number).unwrap_or_default().to_owned();
                self.over.push(Over::Prompt(Prompt { purpose, text }));
            }
            None => self.say(Severity::Info, "This is no group: there is nothing to name."),
        }
    }

    pub(super) fn open_label(&mut self) {
        match self.screens.labels.correctable(&self.shared) {
            Some(id) => self.over.push(Over::Prompt(Prompt { purpose: Purpose::Label(id), text: String::new() })),
            None => self.tell(
                Severity::Info,
                "There is no picture under the cursor[: {next-view} shows the lists of pictures].",
            ),
        }
    }

    pub(super) fn open_labels_export(&mut self) {
        self.over.push(Over::Prompt(Prompt { purpose: Purpose::ExportLabels, text: LABELS_FILE.to_owned() }));
    }

    pub(super) fn open_move(&mut self) {
        self.over.push(Over::Prompt(Prompt { purpose: Purpose::Move, text: String::new() }));
    }

    /// Pasted text goes into an open prompt. Anywhere else it is ignored: nobody means its letters as keys.
    pub(super) fn paste(&mut self, text: &str) -> Vec<Effect> {
        self.message = None;
        self.pace.note_input();
        if self.prompt().is_none() {
            return Vec::new();
        }
        let Some(Over::Prompt(mut prompt)) = self.over.pop() else { return Vec::new() };
        let typed = prompt.paste(text);
        self.typed(prompt, typed)
    }

    /// Gives a key to the open prompt.
    pub(super) fn type_key(&mut self, key: KeyEvent) -> Vec<Effect> {
        let Some(Over::Prompt(mut prompt)) = self.over.pop() else { return Vec::new() };
        let typed = prompt.key(key);
        let filters = matches!(prompt.purpose, Purpose::Filter { .. });
        let effects = self.typed(prompt, typed);
        // Arrows and pages work while the filter is typed; letters are text.
        if filters
            && typed == Typed::Ignored
            && let Some(Action::Move(step)) = self.keys.lookup(self.context(), key)
        {
            self.step(step);
        }
        effects
    }

    /// Carries out what was typed; the prompt is put back unless that ends it.
    fn typed(&mut self, prompt: Prompt, typed: Typed) -> Vec<Effect> {
        let only_marked = self.shared.only_marked;
        match (&prompt.purpose, typed) {
            (Purpose::Filter { .. }, Typed::Accepted)
            | (
                Purpose::Export
                | Purpose::Name
                | Purpose::Rename { .. }
                | Purpose::Label(_)
                | Purpose::ExportLabels
                | Purpose::Move
                | Purpose::Ask,
                Typed::GivenUp,
            ) => {}
            (Purpose::Rename { medoid }, Typed::Accepted) => {
                let index = Arc::clone(&self.shared.index);
                let Some(names) = self.screens.groups.rename(*medoid, prompt.text.trim()) else {
                    return Vec::new();
                };
                self.shared.made_labels.groups.clone_from(&self.screens.groups.labels);
                return vec![Effect::Start(self.awaited.next(), Job::NameGroups { index, names })];
            }
            (Purpose::Filter { selected, typed }, Typed::GivenUp) => {
                self.shared.narrow(typed, only_marked);
                self.shared.selected = selected.or(self.shared.selected);
            }
            (Purpose::Filter { .. }, Typed::Changed) => {
                self.shared.narrow(&prompt.text, only_marked);
                self.over.push(Over::Prompt(prompt));
            }
            (Purpose::Export, Typed::Accepted) if !prompt.text.trim().is_empty() => {
                let job = Job::Export { paths: self.marked_paths(), to: folders::typed(&prompt.text) };
                return vec![Effect::Start(self.awaited.next(), job)];
            }
            (Purpose::Name, Typed::Accepted) => match folder_name(&prompt.text) {
                Ok(name) => {
                    let index = &self.shared.index;
                    let portraits = self.named().into_iter().filter_map(|id| Portrait::of(index, id)).collect();
                    let job = Job::Enroll { portraits, name };
                    return vec![Effect::Start(self.awaited.next(), job)];
                }
                Err(why) => {
                    self.say(Severity::Warning, why);
                    self.over.push(Over::Prompt(prompt));
                }
            },
            (Purpose::ExportLabels, Typed::Accepted) if !prompt.text.trim().is_empty() => {
                let (index, source) = (Arc::clone(&self.shared.index), self.shared.label_source.clone());
                let job = Job::ExportLabels { index, source, to: folders::typed(&prompt.text) };
                return vec![Effect::Start(self.awaited.next(), job)];
            }
            (Purpose::Label(id), Typed::Accepted) if !prompt.text.trim().is_empty() => {
                let said = self.screens.labels.give(&mut self.shared, *id, prompt.text.trim());
                self.say(Severity::Info, said);
            }
            (Purpose::Label(_), Typed::Completed) => {
                let completed = self.screens.labels.completed(prompt.text.trim()).map(str::to_owned);
                let text = completed.unwrap_or(prompt.text);
                self.over.push(Over::Prompt(Prompt { text, ..prompt }));
            }
            (Purpose::Move, Typed::Accepted) if !prompt.text.trim().is_empty() => {
                return self.dispose(Away::Folder(folders::typed(&prompt.text)));
            }
            (Purpose::Ask, Typed::Accepted) if !prompt.text.trim().is_empty() => return self.ask_with(&prompt.text),
            (purpose, Typed::Completed) if purpose.is_path() => {
                let effects = self.complete(&prompt);
                self.over.push(Over::Prompt(prompt));
                return effects;
            }
            (Purpose::Filter { .. }, Typed::Ignored | Typed::Completed)
            | (
                Purpose::Export
                | Purpose::Name
                | Purpose::Rename { .. }
                | Purpose::Label(_)
                | Purpose::ExportLabels
                | Purpose::Move
                | Purpose::Ask,
                _,
            ) => {
                self.over.push(Over::Prompt(prompt));
            }
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pasted_text_stays_on_its_line_and_is_never_a_command() {
        let mut prompt = Prompt { purpose: Purpose::Export, text: "/tmp/".into() };
        for (pasted, typed, text) in [
            ("a b.txt\r\n", Typed::Changed, "/tmp/a b.txt"),
            ("\n", Typed::Ignored, "/tmp/a b.txt"),
            ("-1\r\n2\n3\t\x1b[", Typed::Changed, "/tmp/a b.txt-1 2 3  ["),
        ] {
            assert_eq!(prompt.paste(pasted), typed);
            assert_eq!(prompt.text, text);
        }
    }
}
