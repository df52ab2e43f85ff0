//! What a screen is to the explorer. Each has a file in `app/screens`; the file of the same name in `ui` draws it.

use std::path::PathBuf;

use super::{
    action::{Action, Step},
    binding::Binding,
    layout::Area,
    previews::Slot,
    shared::Shared,
};
use crate::{
    index::ImageId,
    task::{Made, Task},
};

/// What a room made of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acted {
    /// It is none of this room's.
    No,
    /// It is done.
    Yes,
    /// It is done, and this is worth a line in the status line.
    Says(String),
    /// The same of a sentence that names keys, see [`Keys::sentence`](super::keymap::Keys::sentence).
    Tells(&'static str),
}

/// A screen: its state, its keys, and what follows from what happens. `body` is always the place that it is drawn in.
pub trait Room {
    /// The keys that mean something here only, in the order of the hints.
    fn keys(&self) -> &'static [Binding];

    /// Whether it lists pictures, so that what can be done with pictures everywhere can be done here.
    fn lists_pictures(&self) -> bool {
        true
    }

    /// Moves the cursor.
    fn step(&mut self, shared: &mut Shared, body: Area, step: Step);

    /// Moves the cursor to a terminal cell. What it returns is done next: a second click opens.
    fn click(&mut self, shared: &mut Shared, body: Area, at: (u16, u16)) -> Option<Action>;

    /// Carries out an action of its own keys.
    fn act(&mut self, _: &mut Shared, _body: Area, _: Action) -> Acted {
        Acted::No
    }

    /// The picture that marks, copies and large views are about.
    fn focused(&self, shared: &Shared) -> Option<ImageId> {
        shared.selected
    }

    /// The pair under the cursor: the selected picture and another one.
    fn pair(&self, _: &Shared) -> Option<[ImageId; 2]> {
        None
    }

    /// The path that copying is about, where no pictures are listed.
    fn path(&self, _: &Shared) -> Option<PathBuf> {
        None
    }

    /// The pictures that belong with the one under the cursor: the map is to show all of them.
    fn together(&self, shared: &Shared) -> Vec<ImageId> {
        self.focused(shared).into_iter().collect()
    }

    /// The picture after `shown` in the list that this screen shows, when one is shown large; `None` leaves it to
    /// Browse's list.
    fn turned(&mut self, _: &mut Shared, _body: Area, _shown: ImageId, _: Step) -> Option<ImageId> {
        None
    }

    /// Places for pictures, most wanted first.
    fn slots(&self, _: &Shared, _body: Area) -> Vec<Slot> {
        Vec::new()
    }

    /// Places that pictures will have after the next page is turned, to be made ready.
    fn upcoming(&self, _: &Shared, _body: Area) -> Vec<Slot> {
        Vec::new()
    }

    /// What it needs made while it is shown.
    fn wants(&self, _: &Shared) -> Option<Task> {
        None
    }

    /// Takes what was made for it.
    fn take(&mut self, _: &Shared, _: Made) {}

    /// Brings cursor, scroll position and what is derived from larger tables in line with everything else. Called after
    /// whatever happened while it is shown.
    fn refresh(&mut self, _: &mut Shared, _body: Area) {}

    /// The words of an action in the line of hints; `None` for what does nothing with what is on the screen.
    fn hint(&self, _: &Shared, action: Action) -> Option<&'static str> {
        Some(action.hint())
    }

    /// Why the metric makes no difference here, where it makes none; the sentence may name keys.
    fn without_metric(&self) -> Option<&'static str> {
        None
    }

    /// The number on its tab.
    fn count(&self, _: &Shared) -> Option<usize> {
        None
    }
}
