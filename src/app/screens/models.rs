//! Models: another model beside the one that made the index. Which neighbors each finds, on which pictures they disagree
//! most, which keeps the folders apart better, and the heatmap of one above the diagonal and of the other below.

use std::sync::Arc;

use crate::{
    app::{
        RunState,
        action::{Action, Step},
        binding::{self, Binding, bind},
        contact_sheet::ContactSheet,
        event::{ModelInfo, UsableModel},
        layout::{self, Area},
        previews::Slot,
        room::{Acted, Room},
        screens::heatmap::Plot,
        shared::Shared,
    },
    index::{
        ImageId, Index, RowKind,
        progress::{Progress, Report},
    },
    similarity::{Comparison, Metric, Query, View as Cells, Window, window},
    task::{Made, OtherIndex, SideBySide, Task},
};

/// The pages, once both models are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    /// What each finds for the selected picture.
    #[default]
    Neighbors,
    /// What can be said about all pictures.
    Figures,
    /// One model above the diagonal, the other below.
    Heatmap,
}

/// What becomes of the other model's index.
#[derive(Clone, Default)]
pub enum Other {
    /// The user is to choose the model.
    #[default]
    Unchosen,
    /// It is being made.
    Indexing(Option<Progress>),
    /// It is there.
    Ready(Arc<Index>),
    /// It could not be made: a sentence.
    Failed(String),
}

/// A neighbor that a model finds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// The picture.
    pub id: ImageId,
    /// Its value.
    pub value: f32,
    /// Whether the other model finds it among as many, too.
    pub by_both: bool,
}

/// The Models screen.
#[derive(Default)]
pub struct Models {
    /// The model under the cursor, while one is chosen.
    pub choice: usize,
    /// The other model's name.
    pub name: String,
    /// What is known of it.
    pub model: Option<ModelInfo>,
    /// Its index.
    pub other: Other,
    /// Both models side by side.
    pub found: Option<Arc<SideBySide>>,
    /// How much of the comparison of the models is done.
    pub progress: f64,
    /// The page.
    pub view: View,
    /// The places, among those on which the models disagree most, of the pictures that the filter lets through.
    pub disagreed: Vec<usize>,
    /// [`Shared::narrowings`] when they were made.
    narrowed_at: u64,
    /// The picture under the cursor, among these.
    pub cursor: usize,
    /// The first visible one.
    pub first: usize,
    /// The selected picture compared with all by the other model.
    pub by_other: Option<Arc<Comparison>>,
    /// What each model finds for the selected picture, ours first.
    pub neighbors: [Vec<Found>; 2],
    /// The cells of the heatmap by each model.
    pub windows: Option<[Window; 2]>,
    /// The metric and the number of cells of these.
    windows_of: Option<(Metric, usize)>,
    /// The picture that the cursor went to.
    followed: Option<ImageId>,
}

/// Neighbors that are shown of each model, at most.
const SHOWN: usize = 10;

const KEYS: &[Binding] = &[
    bind("Enter", Action::IndexByOther),
    bind("o", Action::NextView),
    bind("b", Action::ChooseModel),
    bind("n", Action::OpenNeighbors),
    bind("c", Action::Stop),
    binding::METRIC,
];

impl Models {
    /// The models that can stand beside the one in use.
    #[must_use]
    pub fn choices<'a>(&self, shared: &'a Shared) -> Vec<&'a UsableModel> {
        let own = shared.model.as_ref().map(|model| model.name.as_str());
        shared.models.iter().filter(|model| Some(model.name.as_str()) != own).collect()
    }

    /// Takes the model under the cursor, when one is to be chosen.
    pub fn choose(&mut self, shared: &Shared) -> Option<String> {
        let whole = shared.index.kind() == RowKind::Picture;
        if !matches!(self.other, Other::Unchosen | Other::Failed(_)) || shared.index.is_empty() || !whole {
            return None;
        }
        let name = self.choices(shared).get(self.choice)?.name.clone();
        (self.name, self.other, self.model) = (name.clone(), Other::Indexing(None), None);
        Some(name)
    }

    /// Whether the other model was chosen.
    #[must_use]
    pub fn is_chosen(&self) -> bool {
        matches!(self.other, Other::Indexing(_) | Other::Ready(_))
    }

    /// Whether its index is being made.
    #[must_use]
    pub fn is_indexing(&self) -> bool {
        matches!(self.other, Other::Indexing(_))
    }

    /// Hears how the other model's indexing run goes.
    pub fn report(&mut self, report: Report) {
        match report {
            Report::Progress(progress) => self.other = Other::Indexing(Some(progress)),
            Report::Model { name, dim, baseline, near_duplicate, device } => {
                let device = device.unwrap_or_default();
                self.model = Some(ModelInfo { name, dim, baseline, near_duplicate, device });
            }
            _ => {}
        }
    }

    /// Takes the other model's index.
    pub fn indexed(&mut self, index: Arc<Index>) {
        self.other = Other::Ready(index);
        (self.found, self.by_other, self.windows, self.progress) = (None, None, None, 0.0);
    }

    /// The other model's index could not be made.
    pub fn failed(&mut self, reason: &str) {
        self.other = Other::Failed(reason.to_owned());
    }

    fn other_index(&self) -> Option<&Arc<Index>> {
        match &self.other {
            Other::Ready(index) => Some(index),
            _ => None,
        }
    }

    /// The other model's id of a picture.
    fn in_other(&self, id: ImageId) -> Option<ImageId> {
        self.found.as_ref().and_then(|found| found.second.get(&id).copied())
    }

    /// What the other model finds is asked for as soon as ids can be told.
    fn query(&self, shared: &Shared) -> Option<Query> {
        Some(Query::Image(self.in_other(shared.selected?)?))
    }

    /// A picture on which the models disagree, by its place in the list.
    fn disagreed_at(&self, row: usize) -> Option<ImageId> {
        let found = self.found.as_ref()?;
        Some(found.comparison.agreements.get(*self.disagreed.get(row)?)?.id)
    }

    /// Lists the pictures on which the models disagree, of those that the filter lets through.
    fn list(&mut self, shared: &Shared) {
        self.narrowed_at = shared.narrowings;
        let all = self.found.as_ref().map_or(&[][..], |found| &found.comparison.agreements);
        self.disagreed = (0..all.len()).filter(|at| shared.admits(all[*at].id)).collect();
    }

    fn find_neighbors(&mut self, shared: &Shared) {
        self.neighbors = Default::default();
        let (Some(found), Some(ours)) = (&self.found, shared.current_comparison()) else { return };
        let Some(theirs) = self.by_other.as_ref().filter(|theirs| Some(theirs.query()) == self.query(shared).as_ref())
        else {
            return;
        };
        let near = |by: &Comparison| by.nearest(shared.metric, SHOWN);
        let (ours, theirs) = (near(ours), near(theirs));
        let theirs: Vec<_> = theirs.iter().filter_map(|of| Some((*found.first.get(&of.id)?, of.value))).collect();
        let ours: Vec<_> = ours.iter().map(|of| (of.id, of.value)).collect();
        let marked = |own: &[(ImageId, f32)], others: &[(ImageId, f32)]| -> Vec<Found> {
            let by_both = |id| others.iter().any(|other| other.0 == id);
            own.iter().map(|(id, value)| Found { id: *id, value: *value, by_both: by_both(*id) }).collect()
        };
        self.neighbors = [marked(&ours, &theirs), marked(&theirs, &ours)];
    }

    /// How the heatmap is divided.
    #[must_use]
    pub fn plot(&self, shared: &Shared, body: Area) -> Plot {
        let len = self.found.as_ref().map_or(0, |found| found.rows[0].len());
        Plot::new(body, len, 10, None, shared.display.depth)
    }

    fn fill_windows(&mut self, shared: &Shared, body: Area) {
        if self.view != View::Heatmap {
            return;
        }
        let side = self.plot(shared, body).partition.side();
        let Some(found) = &self.found else { return };
        if self.windows.is_some() && self.windows_of == Some((shared.metric, side)) {
            return;
        }
        let cells = Cells { side, rows: 0..side, cols: 0..side };
        let of = |index: &Index, model: usize| window(index, &found.rows[model], shared.metric, &cells);
        self.windows = Some([of(&shared.index, 0), of(&found.other, 1)]);
        self.windows_of = Some((shared.metric, side));
    }
}

impl Room for Models {
    fn keys(&self) -> &'static [Binding] {
        KEYS
    }

    fn step(&mut self, shared: &mut Shared, body: Area, step: Step) {
        if self.other_index().is_none() {
            self.choice = step.moved(self.choice, self.choices(shared).len(), 1, 10);
            return;
        }
        let page = Places::new(body).page();
        self.cursor = step.moved(self.cursor, self.disagreed.len(), 1, page);
        if let Some(id) = self.disagreed_at(self.cursor) {
            shared.select(id);
        }
    }

    fn click(&mut self, shared: &mut Shared, body: Area, at: (u16, u16)) -> Option<Action> {
        if !self.is_chosen() {
            let choices = Choices::new(body, self.choices(shared).len(), self.choice);
            let clicked = choices.hit(at)?;
            let again = std::mem::replace(&mut self.choice, clicked) == clicked;
            return again.then_some(Action::IndexByOther);
        }
        let places = Places::new(body);
        if self.view == View::Neighbors && places.list.contains(at) {
            let row = self.first + usize::from(at.1 - places.list.y);
            if let Some(id) = self.disagreed_at(row) {
                self.cursor = row;
                shared.select(id);
            }
        } else if self.view == View::Neighbors {
            let found = |model: usize| self.neighbors[model].get(places.sheets[model].hit(0, at)?);
            shared.select(found(0).or_else(|| found(1))?.id);
        }
        None
    }

    fn act(&mut self, _: &mut Shared, _: Area, action: Action) -> Acted {
        match action {
            Action::NextView if self.found.is_some() => {
                self.view = match self.view {
                    View::Neighbors => View::Figures,
                    View::Figures => View::Heatmap,
                    View::Heatmap => View::Neighbors,
                };
            }
            Action::ChooseModel if self.is_indexing() => {
                return Acted::Tells("The pictures are still being indexed by the other model[: {stop} stops that].");
            }
            // Stopping the comparison alone would begin it anew.
            Action::Stop if !self.is_chosen() || self.found.is_some() => {
                return Acted::Says("Nothing is being made.".into());
            }
            Action::ChooseModel | Action::Stop => *self = Self { choice: self.choice, ..Self::default() },
            _ => return Acted::No,
        }
        Acted::Yes
    }

    fn slots(&self, shared: &Shared, body: Area) -> Vec<Slot> {
        if self.found.is_none() || self.view != View::Neighbors {
            return Vec::new();
        }
        let places = Places::new(body);
        let query = shared.selected.map(|image| Slot::new(image, places.query));
        let found = (0..2).flat_map(|model| {
            places.sheets[model].slots(0, 0, self.neighbors[model].iter().map(|found| found.id)).collect::<Vec<_>>()
        });
        query.into_iter().chain(found).collect()
    }

    fn wants(&self, shared: &Shared) -> Option<Task> {
        let other = OtherIndex(Arc::clone(self.other_index()?));
        let Some(found) = self.found.as_ref().filter(|found| shared.covers(found.made_of, found.id_bound)) else {
            return Some(Task::CompareModels(other));
        };
        let query = self.query(shared)?;
        let current =
            self.by_other.as_ref().is_some_and(|by| *by.query() == query && by.len() == found.other.id_bound());
        (!current).then_some(Task::CompareByOther(other, query))
    }

    fn take(&mut self, shared: &Shared, made: Made) {
        // What was asked of a model that was given up since is of no use.
        let Some(other) = self.other_index() else { return };
        match made {
            Made::Progress(share) => self.progress = share,
            Made::SideBySide(found) if Arc::ptr_eq(&found.other, other) => {
                (self.found, self.windows) = (Some(found), None);
                self.list(shared);
            }
            Made::Comparison(found) if found.made_of().run == other.run() => self.by_other = Some(found),
            _ => {}
        }
    }

    fn hint(&self, shared: &Shared, action: Action) -> Option<&'static str> {
        let whole = shared.index.kind() == RowKind::Picture;
        let is_useful = match action {
            // Another model comes after the indexing.
            Action::IndexByOther => {
                let may = whole && shared.run != RunState::Running;
                may && !self.is_chosen() && !self.choices(shared).is_empty()
            }
            Action::ChooseModel => self.found.is_some(),
            Action::Stop => self.is_indexing(),
            _ => self.found.is_some() && (self.view == View::Neighbors || action == Action::NextView),
        };
        let heatmap = self.view == View::Heatmap && action == Action::Metric && self.found.is_some();
        (is_useful || heatmap).then(|| action.hint())
    }

    fn without_metric(&self) -> Option<&'static str> {
        let figures = self.found.is_some() && self.view == View::Figures;
        figures.then_some("The figures go by cosine similarity; the other two pages have both metrics.")
    }

    fn refresh(&mut self, shared: &mut Shared, body: Area) {
        self.choice = self.choice.min(self.choices(shared).len().saturating_sub(1));
        if self.narrowed_at != shared.narrowings {
            self.list(shared);
        }
        let listed = self.disagreed.len();
        // The cursor follows what was selected otherwise.
        if std::mem::replace(&mut self.followed, shared.selected) != shared.selected
            && let Some(row) = (0..listed).find(|row| self.disagreed_at(*row) == shared.selected)
            && shared.is_touched()
        {
            self.cursor = row;
        }
        self.cursor = self.cursor.min(listed.saturating_sub(1));
        self.first = layout::scroll(self.first, self.cursor, Places::new(body).page(), listed);
        self.find_neighbors(shared);
        self.fill_windows(shared, body);
    }
}

/// Where the models lie that can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choices {
    /// The line with what is asked.
    pub title: Area,
    /// The line over the models.
    pub heading: Area,
    /// The models, a line each.
    pub list: Area,
    /// The first visible one.
    pub first: usize,
    /// What is said under them.
    pub words: Area,
    count: usize,
}

impl Choices {
    /// Divides the body for so many models with the cursor on one of them, which is always in view.
    #[must_use]
    pub fn new(body: Area, count: usize, cursor: usize) -> Self {
        const WORDS: u16 = 4;
        let (title, rest) = body.top(u16::from(body.height > 3));
        let rest = rest.inside(2, u16::from(rest.height > 8));
        let (heading, rest) = rest.top(if rest.height > 8 { 2 } else { 1 });
        let most = rest.height.saturating_sub(WORDS).max(1);
        let (list, rest) = rest.top(u16::try_from(count).unwrap_or(u16::MAX).min(most));
        let first = layout::scroll(0, cursor, list.height.into(), count);
        Self { title, heading, list, first, words: rest.top(u16::from(rest.height > WORDS)).1, count }
    }

    fn hit(&self, at: (u16, u16)) -> Option<usize> {
        let row = self.list.contains(at).then(|| self.first + usize::from(at.1 - self.list.y))?;
        (row < self.count).then_some(row)
    }
}

/// Where the picture, the list of disagreements and what each model finds lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// The line with what is shown.
    pub title: Area,
    /// The selected picture.
    pub query: Area,
    /// The pictures on which the models disagree most, a line each.
    pub list: Area,
    /// A line over what each model finds.
    pub heads: [Area; 2],
    /// What each model finds.
    pub sheets: [ContactSheet; 2],
}

impl Places {
    /// Divides the body.
    #[must_use]
    pub fn new(body: Area) -> Self {
        let (title, rest) = body.top(u16::from(body.height > 3));
        let left = match rest.width {
            100.. => 34,
            64.. => 24,
            _ => 0,
        };
        let (left, found) = rest.left(left);
        let found = if left.width > 0 { found.left(1).1 } else { found };
        let (query, list) = left.top((rest.height / 2).min(left.width / 2));
        // The name of the picture is under it, and a heading over the list.
        let list = list.top(2).1;
        let (one, other) = found.left(found.width / 2);
        let [(head_a, one), (head_b, other)] = [one, other.left(1).1].map(|half| half.top(1));
        Self {
            title,
            query: query.inside(1, 0),
            list,
            heads: [head_a, head_b],
            sheets: [one, other].map(|area| ContactSheet::new(area, 13)),
        }
    }

    /// Lines of the list.
    #[must_use]
    pub fn page(&self) -> usize {
        usize::from(self.list.height).max(1)
    }
}
