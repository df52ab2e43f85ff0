//! Problems: the files that could not be indexed, each with its reason.

use std::path::PathBuf;

use crate::{
    app::{
        action::{Action, Step},
        binding::{self, Binding},
        layout::{self, Area},
        room::Room,
        shared::Shared,
    },
    index::Skipped,
};

/// The Problems screen.
#[derive(Default)]
pub struct Problems {
    /// The file under the cursor.
    pub cursor: usize,
    /// First visible row.
    pub first: usize,
}

impl Problems {
    /// The files that the filter lets through.
    pub fn listed(shared: &Shared) -> impl Iterator<Item = &Skipped> {
        shared.skipped.iter().filter(|skipped| shared.filter.admits_path(&skipped.path))
    }
}

const KEYS: &[Binding] = &[binding::FILTER, binding::OPEN_OUTSIDE, binding::COPY, binding::CLOSE];

impl Room for Problems {
    fn keys(&self) -> &'static [Binding] {
        KEYS
    }

    fn lists_pictures(&self) -> bool {
        false
    }

    fn step(&mut self, shared: &mut Shared, body: Area, step: Step) {
        self.cursor = step.moved(self.cursor, Self::listed(shared).count(), 1, List::new(body).page());
    }

    fn click(&mut self, shared: &mut Shared, body: Area, at: (u16, u16)) -> Option<Action> {
        let rows = List::new(body).rows;
        if rows.contains(at) {
            let row = usize::from((at.1 - rows.y) / 2) + self.first;
            self.cursor = row.min(Self::listed(shared).count().saturating_sub(1));
        }
        None
    }

    fn path(&self, shared: &Shared) -> Option<PathBuf> {
        Self::listed(shared).nth(self.cursor).map(|skipped| skipped.path.clone())
    }

    fn refresh(&mut self, shared: &mut Shared, body: Area) {
        let (page, listed) = (List::new(body).page(), Self::listed(shared).count());
        self.cursor = self.cursor.min(listed.saturating_sub(1));
        self.first = layout::scroll(self.first, self.cursor, page, listed);
    }

    fn count(&self, shared: &Shared) -> Option<usize> {
        Some(shared.skipped.len()).filter(|count| *count > 0)
    }
}

/// Where the list of problems lies, and what is said in full of the one under the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct List {
    /// The line with what is shown.
    pub title: Area,
    /// The rows, two lines each.
    pub rows: Area,
    /// The line over the details.
    pub rule: Area,
    /// All of the path and the reason, where there is room.
    pub details: Area,
}

impl List {
    /// Divides the body.
    #[must_use]
    pub fn new(body: Area) -> Self {
        let (title, rest) = body.top(1);
        let (rows, details) = rest.off_bottom(if rest.height >= 13 { 6 } else { 0 });
        let (rule, details) = details.top(1);
        Self { title, rows, rule, details }
    }

    /// Problems on a page.
    #[must_use]
    pub fn page(&self) -> usize {
        usize::from(self.rows.height / 2).max(1)
    }
}
