//! How fast keys come, so that pictures are sent when they are worth their bytes.

use crate::index::ImageId;

/// Whether the cursor rests, and what was shown when it last did.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// No key came for a moment.
    pub rested: bool,
    /// A key came before the cursor had rested from the one before.
    pub keys_come_fast: bool,
    /// The pictures beside the heatmap when they were last worth their bytes, see
    /// [`App::holds_back`](super::App::holds_back).
    pub(super) last_shown_pair: [Option<ImageId>; 2],
}

impl Default for Pace {
    fn default() -> Self {
        Self { rested: true, keys_come_fast: false, last_shown_pair: [None; 2] }
    }
}

impl Pace {
    /// A key or the mouse moves something.
    pub(super) fn note_input(&mut self) {
        (self.keys_come_fast, self.rested) = (!self.rested, false);
    }

    /// No key came for a moment.
    pub(super) fn rest(&mut self) {
        (self.keys_come_fast, self.rested) = (false, true);
    }

    /// The pair under the cursor is now this one; `saves` while pictures are not worth their bytes.
    pub(super) fn show_pair(&mut self, pair: [Option<ImageId>; 2], saves: bool) {
        if !saves {
            self.last_shown_pair = pair;
        }
        // What the cursor has left is not sent again before it rests, should it come back.
        self.last_shown_pair = self.last_shown_pair.map(|id| id.filter(|_| pair.contains(&id)));
    }
}
