//! Labels: how well labels can be told apart, which ones are confused, which pictures are likely mislabeled, and what the
//! pictures without a label show. Three pages; on the lists a label is given with one key.

mod places;

use std::sync::Arc;

pub use self::places::{PANEL_WORDS, Places, confused_sheet, matrix_plot};
use crate::{
    analysis::classifier::{Classification, Confusion, Guesses, OutOfFold},
    app::{
        action::{Action, Step},
        binding::{Binding, bind},
        layout::{self, Area},
        previews::Slot,
        room::{Acted, Room},
        screens::heatmap::Plot,
        shared::Shared,
    },
    index::{
        ImageId, IndexState,
        label_file::{self, LabelSource},
    },
    printable::printable_str,
    task::{Classified, Made, Task},
    text::{self, folded},
};

/// The pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    /// The confusion matrix.
    #[default]
    Confusion,
    /// Pictures that are likely mislabeled.
    Mislabeled,
    /// Pictures without a label.
    Predictions,
}

/// The probability below which a picture is predicted nothing, at first.
const THRESHOLD: f32 = 0.5;
/// What one key press moves it by.
const STEP: f32 = 0.05;
/// Guesses that keys pick.
const PICKS: usize = 4;

/// The Labels screen.
pub struct Labels {
    /// What came out of the labels.
    pub found: Option<Arc<Classified>>,
    /// How much of it is done.
    pub progress: f64,
    /// The page.
    pub view: View,
    /// The given and the predicted label under the cursor of the confusion matrix.
    pub cell: (usize, usize),
    /// Its first visible row and column.
    pub corner: (usize, usize),
    /// The pictures of each list, mislabeled ones and those without a label, by their place in what was found.
    pub lists: [Vec<usize>; 2],
    /// The place under the cursor of each list.
    pub cursors: [usize; 2],
    /// The first visible row of each list.
    pub firsts: [usize; 2],
    /// The probability below which a picture is predicted nothing.
    pub threshold: f32,
    /// The pictures of the cell under the cursor of the matrix, those whose label is least probable first.
    pub confused: Vec<ImageId>,
    /// What was corrected since the start, the newest last, each with the correction that it had before.
    history: Vec<(ImageId, Option<Vec<u8>>)>,
    /// The cell, the labels and the filter ([`Shared::narrowings`]) that they are of.
    confused_of: Option<((usize, usize), IndexState, LabelSource, u64)>,
    /// The confusion of what the filter lets through, where it leaves something out.
    narrowed: Option<Confusion>,
    /// [`Shared::narrowings`] when the lists were made.
    narrowed_at: u64,
}

impl Default for Labels {
    fn default() -> Self {
        Self {
            found: None,
            progress: 0.0,
            view: View::default(),
            cell: (0, 0),
            corner: (0, 0),
            lists: Default::default(),
            cursors: [0; 2],
            firsts: [0; 2],
            threshold: THRESHOLD,
            confused: Vec::new(),
            history: Vec::new(),
            confused_of: None,
            narrowed: None,
            narrowed_at: 0,
        }
    }
}

const KEYS: &[Binding] = &[
    bind("o", Action::NextView),
    bind("Enter", Action::AcceptGuess),
    bind("a", Action::PickGuess(0)),
    bind("b", Action::PickGuess(1)),
    bind("c", Action::PickGuess(2)),
    bind("d", Action::PickGuess(3)),
    bind("t", Action::TypeLabel),
    bind("u", Action::UndoLabel),
    bind("-", Action::LessSure),
    bind("+ =", Action::Surer),
    bind("<", Action::PreviousMistake),
    bind(">", Action::NextMistake),
    bind("E", Action::ExportLabels),
    bind("n", Action::OpenNeighbors),
];

/// A picture of a list, with all that is known of its label.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The picture.
    pub id: ImageId,
    /// Its label and how probable that is, if it has one.
    pub given: Option<(usize, f32)>,
    /// What it looks like.
    pub looks_like: (usize, f32),
    /// All that it may be.
    pub guesses: &'a Guesses,
}

impl Labels {
    /// What was learned.
    #[must_use]
    pub fn learned(&self) -> Option<&Classification> {
        self.found.as_ref().and_then(|found| found.outcome.as_ref().ok())
    }

    /// The confusion of the pictures that the filter lets through.
    #[must_use]
    pub fn confusion(&self) -> Option<&Confusion> {
        self.narrowed.as_ref().or_else(|| self.learned().map(|learned| &learned.probe_confusion))
    }

    /// The number of the list that is shown, if one is.
    #[must_use]
    pub fn list(&self) -> Option<usize> {
        match self.view {
            View::Confusion => None,
            View::Mislabeled => Some(0),
            View::Predictions => Some(1),
        }
    }

    /// A row of the list that is shown.
    #[must_use]
    pub fn row(&self, at: usize) -> Option<Row<'_>> {
        let (found, list) = (self.learned()?, self.list()?);
        let place = *self.lists[list].get(at)?;
        if list == 1 {
            let of = found.predictions.get(place)?;
            return Some(Row { id: of.id, given: None, looks_like: of.guesses.best(), guesses: &of.guesses });
        }
        let suspect = found.suspects.get(place)?;
        let of = &found.labeled[suspect.at];
        let looks_like = (suspect.looks_like, suspect.probability);
        Some(Row { id: of.id, given: Some((of.given, of.probability)), looks_like, guesses: &of.guesses })
    }

    /// The row under the cursor.
    #[must_use]
    pub fn current(&self) -> Option<Row<'_>> {
        self.row(self.cursors[self.list()?])
    }

    /// The labels that keys pick: the probable ones besides the one that Enter takes.
    #[must_use]
    pub fn picks(&self) -> Vec<(usize, f32)> {
        let Some(row) = self.current() else { return Vec::new() };
        let mut picks: Vec<_> = row.guesses.iter().filter(|(label, _)| *label != row.looks_like.0).collect();
        // The label that it has may be right, however improbable it is.
        if let Some(given) = row.given.filter(|given| picks.iter().take(PICKS).all(|pick| pick.0 != given.0)) {
            picks.insert(0, given);
        }
        picks.truncate(PICKS);
        picks
    }

    /// Finds the labeled pictures of the cell under the cursor, those whose label is least probable first.
    fn find_confused(&mut self, shared: &Shared) {
        let of = self.found.as_ref();
        let of = of.map(|found| (self.cell, found.made_of, found.source.clone(), shared.narrowings));
        if of == self.confused_of {
            return;
        }
        let mut pictures = Vec::new();
        if let Some(found) = self.learned() {
            let in_cell = |of: &&OutOfFold| (of.given, of.guesses.best().0) == self.cell && shared.admits(of.id);
            pictures = found.labeled.iter().filter(in_cell).map(|of| (of.probability, of.id)).collect();
            pictures.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        self.confused = pictures.into_iter().map(|(_, id)| id).collect();
        self.confused_of = of;
    }

    /// The picture whose label can be changed.
    #[must_use]
    pub fn correctable(&self, shared: &Shared) -> Option<ImageId> {
        self.current().map(|row| row.id).filter(|id| shared.index.contains(*id))
    }

    /// Whether there is a label of this name.
    #[must_use]
    pub fn has(&self, label: &str) -> bool {
        self.learned().is_some_and(|found| found.names.iter().any(|name| name == label))
    }

    /// The first label that begins with what was typed and goes on.
    #[must_use]
    pub fn completed(&self, typed: &str) -> Option<&str> {
        let wanted = folded(typed);
        let begins = |name: &&String| !typed.is_empty() && *name != typed && folded(name).starts_with(&*wanted);
        self.learned()?.names.iter().find(begins).map(String::as_str)
    }

    /// Gives a picture a label; says so.
    pub fn give(&mut self, shared: &mut Shared, id: ImageId, label: &str) -> String {
        self.history.push((id, shared.own_correction(id).map(<[u8]>::to_vec)));
        shared.correct(id, Some(label.as_bytes()));
        let name = shared.index.get(id).map(|entry| entry.name()).unwrap_or_default();
        // The next one of the list, so that one key after the other goes through it.
        if let Some(list) = self.list() {
            self.cursors[list] = (self.cursors[list] + 1).min(self.lists[list].len().saturating_sub(1));
            if let Some(row) = self.current() {
                shared.select(row.id);
            }
        }
        format!("{name} is {}.", printable_str(label))
    }

    /// Moves the cursor of the matrix to the next or the former of the confused pairs, the most confused first.
    fn jump(&mut self, back: bool) -> Acted {
        let Some(confusion) = self.confusion() else { return Acted::Yes };
        let mistakes = confusion.mistakes();
        let now = mistakes.iter().position(|cell| *cell == self.cell);
        let to = match (now, back) {
            (None, _) => 0,
            (Some(at), false) => (at + 1) % mistakes.len(),
            (Some(at), true) => (at + mistakes.len() - 1) % mistakes.len(),
        };
        let Some(cell) = mistakes.get(to).copied() else { return Acted::Says("No label is taken for another.".into()) };
        (self.cell, self.view) = (cell, View::Confusion);
        Acted::Yes
    }

    /// How the confusion matrix is divided.
    #[must_use]
    pub fn plot(&self, shared: &Shared, body: Area) -> Plot {
        let names = self.learned().map_or(&[][..], |found| &found.names);
        let widest = names.iter().map(|name| text::width(&printable_str(name))).max().unwrap_or(0);
        matrix_plot(body, names.len(), widest, shared.display.depth)
    }

    /// Sorts out which pictures the lists show, of those that the filter lets through.
    fn fill_lists(&mut self, shared: &Shared) {
        (self.narrowed_at, self.narrowed) = (shared.narrowings, None);
        let Some(found) = self.found.clone() else { return };
        let Ok(learned) = &found.outcome else {
            self.lists = Default::default();
            return;
        };
        // A picture whose label the user has confirmed is no suspect any more.
        let suspected = |suspect: &usize| {
            let of = &learned.labeled[learned.suspects[*suspect].at];
            let label = shared.index.get(of.id).and_then(|entry| found.source.corrected.get(&entry));
            shared.admits(of.id) && label.is_none_or(|label| label_file::shown(label) != learned.names[of.given])
        };
        if !shared.filter.is_empty() {
            let admitted = learned.labeled.iter().filter(|of| shared.admits(of.id));
            let pairs = admitted.map(|of| (of.given, of.guesses.best().0));
            self.narrowed = Some(Confusion::of(learned.names.len(), pairs));
        }
        let predicted = |place: &usize| shared.admits(learned.predictions[*place].id);
        self.lists = [
            (0..learned.suspects.len()).filter(suspected).collect(),
            (0..learned.predictions.len()).filter(predicted).collect(),
        ];
    }
}

impl Room for Labels {
    fn keys(&self) -> &'static [Binding] {
        KEYS
    }

    fn step(&mut self, shared: &mut Shared, body: Area, step: Step) {
        let labels = self.learned().map_or(0, |found| found.names.len());
        if let Some(list) = self.list() {
            let page = Places::new(body).page();
            self.cursors[list] = step.moved(self.cursors[list], self.lists[list].len(), 1, page);
            if let Some(row) = self.current() {
                shared.select(row.id);
            }
            return;
        }
        let page = self.plot(shared, body).fits.0;
        let across = |step: Step, now| step.moved(now, labels, 1, page);
        self.cell = match step {
            Step::Left => (self.cell.0, across(Step::Up, self.cell.1)),
            Step::Right => (self.cell.0, across(Step::Down, self.cell.1)),
            Step::First | Step::Last => (across(step, self.cell.0), across(step, self.cell.1)),
            _ => (across(step, self.cell.0), self.cell.1),
        };
    }

    fn click(&mut self, shared: &mut Shared, body: Area, at: (u16, u16)) -> Option<Action> {
        if let Some(list) = self.list() {
            let row = self.firsts[list] + Places::new(body).hit(at)?;
            self.cursors[list] = row.min(self.lists[list].len().saturating_sub(1));
            if let Some(row) = self.current() {
                shared.select(row.id);
            }
            return None;
        }
        let labels = self.learned()?.names.len();
        let (row, column) = self.plot(shared, body).hit(at)?;
        let cell = (row + self.corner.0, column + self.corner.1);
        if cell == self.cell {
            return Some(Action::AcceptGuess);
        }
        if cell.0 < labels && cell.1 < labels {
            self.cell = cell;
        }
        None
    }

    fn act(&mut self, shared: &mut Shared, _: Area, action: Action) -> Acted {
        let stepped = |by: f32| ((self.threshold / STEP).round() + by) * STEP;
        match action {
            Action::NextView => {
                self.view = match self.view {
                    View::Confusion => View::Mislabeled,
                    View::Mislabeled => View::Predictions,
                    View::Predictions => View::Confusion,
                };
            }
            Action::Surer => self.threshold = stepped(1.0).min(1.0),
            Action::LessSure => self.threshold = stepped(-1.0).max(0.0),
            Action::NextMistake | Action::PreviousMistake => return self.jump(action == Action::PreviousMistake),
            Action::AcceptGuess | Action::PickGuess(_) => {
                let (Some(id), Some(row)) = (self.correctable(shared), self.current()) else { return Acted::No };
                let label = match action {
                    Action::PickGuess(at) => self.picks().get(usize::from(at)).map(|pick| pick.0),
                    _ => Some(row.looks_like.0),
                };
                let name = label.and_then(|label| self.learned().map(|found| found.names[label].clone()));
                let Some(name) = name else { return Acted::Says("There is no such guess.".into()) };
                return Acted::Says(self.give(shared, id, &name));
            }
            Action::UndoLabel => {
                // The one under the cursor, or the newest.
                let under_cursor = self.correctable(shared);
                let of_cursor = self.history.iter().rposition(|(id, _)| Some(*id) == under_cursor);
                let Some(at) = of_cursor.or(self.history.len().checked_sub(1)) else {
                    return Acted::Says("Nothing was corrected since the start.".into());
                };
                let (id, before) = self.history.remove(at);
                shared.correct(id, before.as_deref());
                let name = shared.index.get(id).map(|entry| entry.name()).unwrap_or_default();
                return Acted::Says(format!("{name} has the label again that it had."));
            }
            _ => return Acted::No,
        }
        Acted::Yes
    }

    fn focused(&self, shared: &Shared) -> Option<ImageId> {
        match self.view {
            View::Confusion => self.confused.first().copied().or(shared.selected),
            _ => self.current().map(|row| row.id).or(shared.selected),
        }
    }

    fn pair(&self, _: &Shared) -> Option<[ImageId; 2]> {
        if self.view != View::Confusion {
            return None;
        }
        let found = self.learned()?;
        let one = *self.confused.first()?;
        // Beside it the picture that is most probably of the other label.
        let of_label = found.labeled.iter().filter(|of| of.given == self.cell.1 && of.id != one);
        let other = of_label.max_by(|a, b| a.probability.total_cmp(&b.probability))?;
        Some([one, other.id])
    }

    fn turned(&mut self, shared: &mut Shared, body: Area, _: ImageId, step: Step) -> Option<ImageId> {
        self.list()?;
        self.step(shared, body, step);
        self.current().map(|row| row.id)
    }

    fn slots(&self, shared: &Shared, body: Area) -> Vec<Slot> {
        if self.learned().is_none() {
            return Vec::new();
        }
        if self.list().is_some() {
            let area = Places::new(body).picture;
            return self.current().map(|row| Slot::new(row.id, area)).into_iter().collect();
        }
        let sheet = self.plot(shared, body).panel.map(places::confused_sheet);
        sheet.map(|sheet| sheet.slots(0, 0, self.confused.iter().copied()).collect()).unwrap_or_default()
    }

    fn wants(&self, shared: &Shared) -> Option<Task> {
        let current = self.found.as_ref().is_some_and(|found| {
            found.source == shared.label_source && shared.covers(found.made_of, found.graph.id_bound())
        });
        (!current && !shared.index.is_empty()).then(|| Task::Classify(shared.label_source.clone(), None))
    }

    fn take(&mut self, shared: &Shared, made: Made) {
        match made {
            Made::Progress(share) => self.progress = share,
            Made::Classified(found) => {
                // The cursor stays on its picture where that is still listed, else at its place.
                let focused = self.current().map(|row| row.id);
                let names =
                    self.learned().map(|learned| [self.cell.0, self.cell.1].map(|at| learned.names[at].clone()));
                let first = self.found.is_none();
                self.found = Some(found);
                self.fill_lists(shared);
                if let (Some(list), Some(id)) = (self.list(), focused) {
                    let at = (0..self.lists[list].len()).find(|at| self.row(*at).is_some_and(|row| row.id == id));
                    self.cursors[list] = at.unwrap_or(self.cursors[list]);
                }
                let place =
                    |name: &String| self.learned().and_then(|of| of.names.iter().position(|other| other == name));
                let cell = names.and_then(|[given, predicted]| Some((place(&given)?, place(&predicted)?)));
                self.cell = cell.unwrap_or((0, 0));
                if first {
                    // What there is to see is most confused.
                    let _ = self.jump(false);
                }
            }
            _ => {}
        }
    }

    fn refresh(&mut self, shared: &mut Shared, body: Area) {
        if self.narrowed_at != shared.narrowings {
            self.fill_lists(shared);
        }
        for list in 0..2 {
            let len = self.lists[list].len();
            self.cursors[list] = self.cursors[list].min(len.saturating_sub(1));
            self.firsts[list] = layout::scroll(self.firsts[list], self.cursors[list], Places::new(body).page(), len);
        }
        self.find_confused(shared);
        let plot = self.plot(shared, body);
        let labels = self.learned().map_or(0, |found| found.names.len());
        self.corner = (
            layout::scroll(self.corner.0, self.cell.0, plot.fits.0, labels),
            layout::scroll(self.corner.1, self.cell.1, plot.fits.1, labels),
        );
    }

    fn hint(&self, shared: &Shared, action: Action) -> Option<&'static str> {
        let (learned, row) = (self.learned(), self.current());
        let is_useful = match action {
            Action::NextView | Action::ExportLabels => learned.is_some(),
            Action::Filter => true,
            Action::AcceptGuess if self.view == View::Confusion => return self.pair(shared).map(|_| "pair"),
            Action::AcceptGuess | Action::TypeLabel => row.is_some(),
            Action::PickGuess(_) => !self.picks().is_empty(),
            Action::UndoLabel => !self.history.is_empty(),
            Action::LessSure => self.view == View::Predictions && row.is_some(),
            Action::PreviousMistake => self.confusion().is_some_and(|of| !of.mistakes().is_empty()),
            _ if self.view == View::Confusion => !self.confused.is_empty(),
            _ => row.is_some(),
        };
        is_useful.then(|| action.hint())
    }

    fn without_metric(&self) -> Option<&'static str> {
        Some("Labels are learned without a metric[; {show-heatmap} and {show-neighbors} compare by both].")
    }

    fn count(&self, _: &Shared) -> Option<usize> {
        self.learned().map(|_| self.lists[0].len()).filter(|count| *count > 0)
    }
}
