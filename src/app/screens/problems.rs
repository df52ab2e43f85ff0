//! Problems: the files that could not be indexed, under their reasons.

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use crate::{
    app::{
        action::{Action, Step},
        binding::{self, Binding},
        layout::{self, Area},
        room::Room,
        shared::Shared,
    },
    index::{Skipped, filter::Filter},
};

/// A line of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// A reason, over the files that were skipped for it: the place of the first of these in [`Problems::files`], and how
    /// many they are.
    Reason {
        /// The first.
        first: usize,
        /// How many.
        count: usize,
    },
    /// A file, by its place in [`Problems::files`].
    File(usize),
}

/// The Problems screen.
#[derive(Default)]
pub struct Problems {
    /// The files that the filter lets through, those skipped for the most frequent reason first, by path for each.
    pub files: Vec<Skipped>,
    /// The same under their reasons.
    pub lines: Vec<Line>,
    /// How many of the files are pictures without a face.
    pub faceless: usize,
    /// What they were made of.
    listed_of: Option<(Arc<[Skipped]>, Filter)>,
    /// The file under the cursor.
    pub cursor: usize,
    /// First visible line.
    pub first: usize,
}

impl Problems {
    /// Lists the files anew, if they or the filter have changed.
    fn list(&mut self, shared: &Shared) {
        let of = (Arc::clone(&shared.skipped), shared.filter.clone());
        if self.listed_of.as_ref().is_some_and(|was| Arc::ptr_eq(&was.0, &of.0) && was.1 == of.1) {
            return;
        }
        self.listed_of = Some(of);
        let focused = self.files.get(self.cursor).map(|file| file.path.clone());
        let mut of_reason: HashMap<&str, Vec<&Skipped>> = HashMap::new();
        for file in shared.skipped.iter().filter(|skipped| shared.filter.admits_path(&skipped.path)) {
            of_reason.entry(&file.reason).or_default().push(file);
        }
        let mut reasons: Vec<_> = of_reason.into_iter().collect();
        reasons.sort_by(|(a, files), (b, others)| others.len().cmp(&files.len()).then_with(|| a.cmp(b)));
        (self.files, self.lines) = (Vec::new(), Vec::new());
        self.faceless = 0;
        for (_, files) in reasons {
            let first = self.files.len();
            self.lines.push(Line::Reason { first, count: files.len() });
            self.lines.extend((first..first + files.len()).map(Line::File));
            if files[0].has_no_face() {
                self.faceless += files.len();
            }
            self.files.extend(files.into_iter().cloned());
        }
        self.cursor = self.files.iter().position(|file| Some(&file.path) == focused.as_ref()).unwrap_or(self.cursor);
    }

    /// The file under the cursor.
    #[must_use]
    pub fn current(&self) -> Option<&Skipped> {
        self.files.get(self.cursor)
    }

    /// How many reasons there are.
    #[must_use]
    pub fn reasons(&self) -> usize {
        self.lines.len() - self.files.len()
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

    fn step(&mut self, _: &mut Shared, body: Area, step: Step) {
        self.cursor = step.moved(self.cursor, self.files.len(), 1, List::new(body).page());
    }

    fn click(&mut self, _: &mut Shared, body: Area, at: (u16, u16)) -> Option<Action> {
        let rows = List::new(body).rows;
        if rows.contains(at)
            && let Some(line) = self.lines.get(usize::from(at.1 - rows.y) + self.first)
        {
            self.cursor = match *line {
                Line::Reason { first, .. } => first,
                Line::File(at) => at,
            };
        }
        None
    }

    fn path(&self, _: &Shared) -> Option<PathBuf> {
        self.current().map(|skipped| skipped.path.clone())
    }

    fn refresh(&mut self, shared: &mut Shared, body: Area) {
        self.list(shared);
        self.cursor = self.cursor.min(self.files.len().saturating_sub(1));
        let page = List::new(body).page();
        let line = self.lines.iter().position(|line| *line == Line::File(self.cursor)).unwrap_or(0);
        // Over the first file for a reason that is in view, too.
        let above = line
            .saturating_sub(usize::from(matches!(self.lines.get(line.saturating_sub(1)), Some(Line::Reason { .. }))));
        let first = layout::scroll(self.first, above, page, self.lines.len());
        self.first = layout::scroll(first, line, page, self.lines.len());
    }

    fn hint(&self, shared: &Shared, action: Action) -> Option<&'static str> {
        (!shared.skipped.is_empty()).then(|| action.hint())
    }

    fn without_metric(&self) -> Option<&'static str> {
        Some("Files that could not be read are not compared.")
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
    /// The reasons and the files, a line each.
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

    /// Lines on a page.
    #[must_use]
    pub fn page(&self) -> usize {
        usize::from(self.rows.height).max(1)
    }
}
