//! One picture, as large as the terminal allows: the one under the cursor, others of its list, and what was asked with.

use std::sync::Arc;

use super::{
    App, Over,
    action::{Screen, Step},
};
use crate::{index::ImageId, task::Outside};

impl App {
    /// Shows the picture under the cursor; where a picture from elsewhere has found nothing, that one.
    pub(super) fn open_picture(&mut self) {
        let alone = self.outside_query().is_some() && self.screens.neighbors.under_cursor().is_none();
        let over = if alone { Some(Over::Query) } else { self.focused().map(Over::Picture) };
        self.over.extend(over);
    }

    /// Shows what was asked with in place of its answer, or the answer again.
    pub(super) fn exchange_query(&mut self) {
        if self.screen != Screen::Neighbors {
            return;
        }
        match (self.beneath_help(), self.screens.neighbors.under_cursor()) {
            (Some(Over::Picture(_)), _) => self.cover(Over::Query),
            (Some(Over::Query), Some(answer)) => self.cover(Over::Picture(answer)),
            _ => {}
        }
    }

    /// The picture from elsewhere that is asked with on the screen.
    #[must_use]
    pub fn outside_query(&self) -> Option<&Arc<Outside>> {
        let asked = self.screens.neighbors.asked.as_ref().filter(|_| self.screen == Screen::Neighbors)?;
        asked.outside.as_ref()
    }

    /// The row that is asked with alone.
    pub(super) fn row_query(&self) -> Option<ImageId> {
        self.shared.selected.filter(|_| self.screens.neighbors.asked.is_none())
    }

    /// The large view walks through the list that it was opened from.
    pub(super) fn turn(&mut self, shown: ImageId, step: Step) {
        let body = self.shared.body();
        if let Some(next) = self.screens.at(self.screen).turned(&mut self.shared, body, shown, step) {
            return self.cover(Over::Picture(next));
        }
        let step = match step {
            Step::Left => Step::Up,
            Step::Right => Step::Down,
            other => other,
        };
        let list = &self.screens.browse.list;
        let now = list.position(shown).unwrap_or(0);
        if let Some(next) = list.ids.get(step.moved(now, list.ids.len(), 1, 10)).copied() {
            self.shared.select(next);
            self.cover(Over::Picture(next));
        }
    }

    /// Chooses another face of the picture from elsewhere while it is shown large, as in the list.
    pub(super) fn turn_query(&mut self, step: Step) {
        if matches!(step, Step::Left | Step::Right) && self.screens.neighbors.chooses_face() {
            self.screens.neighbors.ask_face(step == Step::Left);
        }
    }
}
