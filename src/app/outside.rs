//! A picture from elsewhere as the query: its path is typed, and completed as in a shell.

use std::sync::Arc;

use super::{
    App, Effect, Over, Severity,
    action::Screen,
    prompt::{Prompt, Purpose},
};
use crate::{
    folders,
    index::ImageId,
    printable::{printable, printable_str},
    task::{Completed, Job, Outside},
    text,
};

impl App {
    pub(super) fn open_outside_prompt(&mut self) {
        if self.shared.index.is_empty() {
            self.say(Severity::Info, "There is nothing to compare a picture with yet.");
        } else {
            self.over.push(Over::Prompt(Prompt { purpose: Purpose::Ask, text: String::new() }));
        }
    }

    /// Asks with the picture whose path was typed.
    pub(super) fn ask_with(&mut self, typed: &str) -> Vec<Effect> {
        let path = folders::typed(typed);
        self.say(Severity::Info, format!("Looking at {}…", printable(&path)));
        let job = self.awaited.outside();
        vec![Effect::Start(job, Job::Ask { index: Arc::clone(&self.shared.index), path })]
    }

    /// The picture whose path was typed is one of the others.
    pub(super) fn asked_with_row(&mut self, row: ImageId) {
        self.message = None;
        if !self.shared.index.contains(row) {
            return self.say(Severity::Info, "That picture was just moved away.");
        }
        self.screens.neighbors.ask_selected();
        self.shared.select(row);
        // Who gives up a filter comes back to this picture, for it was asked with since.
        if let Some(Over::Prompt(Prompt { purpose: Purpose::Filter { selected, .. }, .. })) = self.over.last_mut() {
            *selected = Some(row);
        }
        self.show_answer();
    }

    /// The picture from elsewhere is embedded.
    pub(super) fn asked_with(&mut self, outside: Arc<Outside>) {
        self.message = None;
        self.stay_selected();
        self.previews.forget_file(&outside.path);
        self.screens.neighbors.ask_outside(&self.shared, outside);
        self.show_answer();
    }

    /// Shows what the picture is like that was asked with.
    fn show_answer(&mut self) {
        if self.over.is_empty() {
            self.show(Screen::Neighbors);
        } else {
            // What is being typed or looked at is not taken away.
            self.say(Severity::Info, "What the picture is like is on Neighbors.");
        }
    }

    /// Keeps the selected picture selected while others come before it: what is asked otherwise stays until it changes.
    pub(super) fn stay_selected(&mut self) {
        if let Some(id) = self.shared.selected {
            self.shared.select(id);
        }
    }

    /// Completes the path that is being typed.
    pub(super) fn complete(&mut self, prompt: &Prompt) -> Vec<Effect> {
        vec![Effect::Start(self.awaited.next(), Job::Complete { typed: prompt.text.clone() })]
    }

    /// A path was completed, unless something else was typed meanwhile.
    pub(super) fn completed(&mut self, completed: &Completed) {
        let Some(Over::Prompt(prompt)) = self.over.last_mut() else { return };
        if !prompt.purpose.is_path() || prompt.text != completed.typed {
            return;
        }
        prompt.text.clone_from(&completed.common);
        match completed.choices.as_slice() {
            [] => self.say(Severity::Info, "no folder and no picture begins so"),
            [_] => {}
            several => {
                let shown: Vec<_> = several.iter().take(CHOICES).map(|choice| printable_str(choice)).collect();
                let more = several.len().saturating_sub(CHOICES);
                let more = if more > 0 { format!(" and {} more", text::count(more)) } else { String::new() };
                self.say(Severity::Info, shown.join("  ") + &more);
            }
        }
    }
}

/// Choices that are named.
const CHOICES: usize = 4;
