//! Which keys are worth a hint: those that mean something with what is on the screen.

use super::{
    App, Over,
    action::{Action, Screen},
    keymap::{Context, Hint},
};
use crate::index::RowKind;

impl App {
    /// Key and words of what can be done now, most useful first; and of what can be done always.
    #[must_use]
    pub fn hints(&self) -> [Vec<Hint>; 2] {
        self.keys.hints(self.context(), &|action| self.hint(action))
    }

    /// The words of an action in the line of hints, if it does something now.
    fn hint(&self, action: Action) -> Option<&'static str> {
        let shared = &self.shared;
        // What is for whole pictures is not offered for their faces.
        let of_pictures = matches!(action, Action::Dispose | Action::Why | Action::MarkCopies);
        if of_pictures && shared.index.kind() == RowKind::Face {
            return None;
        }
        let Context::Screen(screen) = self.context() else {
            let query = self.covering() == Some(Over::Query);
            let nothing = match action {
                // A picture from elsewhere may have found none to lead back to.
                Action::OpenQuery if query => self.screens.neighbors.under_cursor().is_none(),
                Action::OpenQuery => self.screen != Screen::Neighbors,
                // What is asked with may be no picture of the folder, or several.
                Action::Mark | Action::OpenNeighbors => query && self.focused().is_none(),
                Action::Copy => query && self.path().is_none(),
                _ => false,
            };
            let words = match (action, self.covering()) {
                (Action::OpenQuery, Some(Over::Query)) => "answer",
                (Action::Why, Some(Over::Why(why))) => ["numbers", "colors"][usize::from(why.numbers)],
                _ => action.hint(),
            };
            return Some(words).filter(|_| !nothing);
        };
        let room = self.screens.get(screen);
        if room.lists_pictures() {
            let left_out = self.admits_nothing() && action != Action::Filter;
            let idle = match action {
                Action::Metric => room.without_metric().is_some(),
                Action::Dispose => shared.marks.is_empty(),
                _ => false,
            };
            if shared.index.is_empty() || left_out || idle {
                return None;
            }
            if self.admits_nothing() {
                return Some(action.hint());
            }
        }
        room.hint(shared, action)
    }

    /// Why the metric makes no difference to what is shown, where it makes none.
    pub(super) fn without_metric(&self) -> Option<&'static str> {
        match self.helped() {
            Context::Screen(_) | Context::Disposal => self.screens.get(self.screen).without_metric(),
            _ => None,
        }
    }
}
