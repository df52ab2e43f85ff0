//! Why the two pictures of a pair are alike: asked for when the user wants to see it, and kept until another pair is.

use std::sync::Arc;

use super::{App, Effect, Over, Severity, layout};
use crate::{
    display::Depth,
    index::{ImageId, RowKind},
    task::{Explained, Job, JobId},
};

/// A pair, and the columns and rows that each picture of it has.
type Wanted = ([ImageId; 2], (u16, u16));

/// The regions of two pictures that make them alike, in front of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Why {
    /// The pictures.
    pub pair: [ImageId; 2],
    /// Numbers instead of colors.
    pub numbers: bool,
}

/// The last explanation, and the one that is awaited.
#[derive(Default)]
pub(super) struct Explanations {
    made: Option<Arc<Explained>>,
    awaited: Option<(JobId, Wanted)>,
}

impl Explanations {
    /// Takes one, if it is the one that is awaited.
    pub(super) fn take(&mut self, job: JobId, explained: Arc<Explained>) {
        if self.end(job) {
            self.made = Some(explained);
        }
    }

    /// A job has ended; whether it was that of the explanation that is awaited.
    pub(super) fn end(&mut self, job: JobId) -> bool {
        self.awaited.take_if(|(awaited, _)| *awaited == job).is_some()
    }
}

impl App {
    /// Shows why the pair of the cursor is alike; once more exchanges colors and numbers.
    pub(super) fn why(&mut self) {
        if let Some(Over::Why(why)) = self.over.last_mut() {
            why.numbers = !why.numbers;
            return;
        }
        if self.shared.index.kind() == RowKind::Face {
            return self
                .say(Severity::Info, "Which regions make a pair alike is known of whole pictures, not of faces.");
        }
        let pair = match self.covering() {
            Some(Over::Pair { row, col, .. }) => Some([row, col]),
            _ => self.screens.get(self.screen).pair(&self.shared),
        };
        match pair {
            Some([a, b]) if a == b => self.say(Severity::Info, "It is the same picture: all of it is alike."),
            // Where there are no colors, the numbers tell more.
            Some(pair) => self.over.push(Over::Why(Why { pair, numbers: self.shared.display.depth == Depth::Mono })),
            None => self.say(Severity::Info, "Choose a pair first: a cell of the heatmap, a neighbor, a look-alike."),
        }
    }

    /// What is known of the pair that is shown.
    #[must_use]
    pub fn explained(&self, why: Why) -> Option<&Arc<Explained>> {
        self.explanations.made.as_ref().filter(|explained| explained.pair == why.pair)
    }

    /// Asks for what is not known of it yet; also when the terminal's size has changed.
    pub(super) fn request_explanation(&mut self, effects: &mut Vec<Effect>) {
        let Some(Over::Why(why)) = self.beneath_help() else { return };
        let cells = layout::halves(self.shared.body())[0];
        let wanted: Wanted = (why.pair, (cells.width, cells.height));
        let known = self.explained(why).is_some_and(|known| (known.pair, known.cells) == wanted);
        if known || self.explanations.awaited.is_some_and(|(_, awaited)| awaited == wanted) {
            return;
        }
        let job = self.awaited.next();
        self.explanations.awaited = Some((job, wanted));
        let index = Arc::clone(&self.shared.index);
        effects.push(Effect::Start(job, Job::Explain { index, pair: wanted.0, cells: wanted.1 }));
    }
}
