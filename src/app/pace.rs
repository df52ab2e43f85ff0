//! How fast keys come, so that pictures are sent when they are worth their bytes.

use crate::index::ImageId;

/// Whether the cursor rests, and what is drawn beside the heatmap meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct KeyPace {
    /// No key came for a moment.
    pub rested: bool,
    /// A key came before the cursor had rested from the one before.
    pub keys_come_fast: bool,
    /// See [`App::beside`](super::App::beside).
    pub(super) beside: [Option<ImageId>; 2],
}

impl Default for KeyPace {
    fn default() -> Self {
        Self { rested: true, keys_come_fast: false, beside: [None; 2] }
    }
}

impl KeyPace {
    /// A key or the mouse moves something.
    pub(super) fn note_input(&mut self) {
        (self.keys_come_fast, self.rested) = (!self.rested, false);
    }

    /// No key came for a moment.
    pub(super) fn rest(&mut self) {
        (self.keys_come_fast, self.rested) = (false, true);
    }

    /// The pictures beside the heatmap should be these, which are ready or not, and those before are there or not; `saves`
    /// while they are not worth their bytes. Erasing a picture costs as much as all the rest of a move: the one before stays until the next one takes
    /// its place, unless the cursor hurries on. What it has left is then not sent again before it rests, should it come
    /// back.
    pub(super) fn show_beside(&mut self, wanted: [(Option<ImageId>, bool, bool); 2], saves: bool) {
        for (shown, (id, is_ready, stays)) in self.beside.iter_mut().zip(wanted) {
            // A box that is empty has nothing that could stay.
            if !saves && (is_ready || (self.rested && !stays)) {
                *shown = id;
            } else if self.keys_come_fast && *shown != id {
                *shown = None;
            }
        }
    }

    /// There is nothing beside the heatmap.
    pub(super) fn show_nothing_beside(&mut self) {
        self.beside = [None; 2];
    }
}
