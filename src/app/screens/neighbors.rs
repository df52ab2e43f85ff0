//! Neighbors: the selected picture as a query, the trail that led to it, and the others ranked by likeness.

use std::{collections::HashSet, sync::Arc};

use crate::{
    app::{
        action::{Action, Step},
        binding::{self, Binding, bind},
        layout::{self, Area},
        previews::Slot,
        room::{Acted, Room},
        shared::Shared,
    },
    index::ImageId,
    similarity::{Comparison, Metric, Query, combined},
    task::{Made, Outside, Task},
};

mod asked;
mod ranks;

use self::ranks::SIZES;
pub use self::{
    asked::{Asked, Member, Together},
    ranks::Ranks,
};

/// Numbers of neighbors to choose from.
const STEPS: [usize; 8] = [1, 3, 5, 10, 20, 50, 100, 200];

/// One row of the ranking.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// The picture.
    pub id: ImageId,
    /// Its value in the current metric.
    pub value: f32,
    /// Its place in the current metric, 1 the nearest.
    pub rank: usize,
    /// Its place in the other metric.
    pub other: usize,
    /// Its value in the other metric.
    pub other_value: f32,
    /// How long its bar is, up to 1 for a picture with itself: the cosine from 0 on; a distance as a part of the largest.
    pub likeness: f32,
}

/// What decides the rows.
#[derive(Clone)]
struct RankedOf {
    comparison: Arc<Comparison>,
    metric: Metric,
    farthest: bool,
    k: usize,
    narrowings: u64,
}

impl PartialEq for RankedOf {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.comparison, &other.comparison)
            && (self.metric, self.farthest, self.k, self.narrowings)
                == (other.metric, other.farthest, other.k, other.narrowings)
    }
}

/// The Neighbors screen.
pub struct Neighbors {
    /// What the rows were ranked for.
    pub query: Option<ImageId>,
    /// The marked pictures, when they are asked with in place of the selected one.
    pub asked: Option<Asked>,
    /// The queries before, oldest first.
    pub trail: Vec<ImageId>,
    /// Rows wanted.
    pub k: usize,
    /// Least alike first.
    pub farthest: bool,
    /// How large each neighbor is shown: a line at -1, a row with its picture at 0, from 1 on ever larger tiles.
    pub size: i16,
    /// The ranking, empty until the query was compared.
    pub rows: Vec<Ranked>,
    /// The row under the cursor.
    pub cursor: usize,
    /// First visible row.
    pub first: usize,
    /// What the rows were made of.
    ranked_of: Option<RankedOf>,
}

impl Default for Neighbors {
    fn default() -> Self {
        Self {
            query: None,
            asked: None,
            trail: Vec::new(),
            k: 20,
            farthest: false,
            size: 0,
            rows: Vec::new(),
            cursor: 0,
            first: 0,
            ranked_of: None,
        }
    }
}

impl Neighbors {
    /// The neighbor under the cursor.
    #[must_use]
    pub fn under_cursor(&self) -> Option<ImageId> {
        self.rows.get(self.cursor).map(|row| row.id)
    }

    /// Asks with all marked pictures at once from now on.
    pub(in crate::app) fn ask(&mut self, shared: &Shared) {
        let like: Vec<_> = shared.marks.iter().collect();
        // What was marked after that is no longer to be unlike.
        let unlike: Vec<_> = shared.unlike.iter().filter(|id| !shared.marks.contains(*id)).collect();
        let embeddings = |ids: &[ImageId]| {
            ids.iter().filter_map(|id| shared.index.get(*id)).map(|entry| entry.embedding()).collect::<Vec<_>>()
        };
        let query = combined(&embeddings(&like), &embeddings(&unlike));
        self.clear();
        (self.query, self.trail) = (shared.selected, Vec::new());
        self.asked = Some(Asked { outside: None, face: 0, like, unlike, query, comparison: None });
    }

    /// Asks with a picture from elsewhere from now on.
    pub(in crate::app) fn ask_outside(&mut self, shared: &Shared, outside: Arc<Outside>) {
        self.clear();
        (self.query, self.trail) = (shared.selected, Vec::new());
        let Some(largest) = outside.embeddings.first() else { return };
        let query = Query::Embedding(Arc::clone(largest));
        let (like, unlike) = (Vec::new(), Vec::new());
        self.asked = Some(Asked { outside: Some(outside), face: 0, like, unlike, query, comparison: None });
    }

    /// Asks with the next face of the picture from elsewhere, or the one before.
    pub(in crate::app) fn ask_face(&mut self, back: bool) {
        let Some(Asked { outside: Some(outside), face, .. }) = &self.asked else { return };
        let (outside, faces) = (Arc::clone(outside), outside.embeddings.len());
        let face = (face + if back { faces - 1 } else { 1 }) % faces;
        let query = Query::Embedding(Arc::clone(&outside.embeddings[face]));
        self.clear();
        self.asked = self.asked.take().map(|asked| Asked { face, query, comparison: None, ..asked });
    }

    /// Asks with the selected picture alone again.
    pub(in crate::app) fn ask_selected(&mut self) {
        if self.asked.take().is_some() {
            self.clear();
        }
    }

    /// Whether the picture from elsewhere has several faces to ask with.
    #[must_use]
    pub fn chooses_face(&self) -> bool {
        let outside = self.asked.as_ref().and_then(|asked| asked.outside.as_ref());
        outside.is_some_and(|outside| outside.faces.len() > 1)
    }

    /// The picture asked with, or as many of them as have room.
    #[must_use]
    pub fn query_slots(&self, shared: &Shared, area: Area) -> Vec<Slot> {
        match &self.asked {
            Some(asked) => asked.slots(area),
            None => shared.selected.map(|image| Slot::new(image, area)).into_iter().collect(),
        }
    }

    /// How many pictures can be among the rows: what is asked with is none of them.
    #[must_use]
    pub fn candidates(&self, shared: &Shared) -> usize {
        let asked_with = self.asked.as_ref().map_or(1, Asked::len);
        shared.index.len().saturating_sub(asked_with)
    }

    /// What the rows are taken from, once it is there.
    fn comparison(&self, shared: &Shared) -> Option<Arc<Comparison>> {
        match &self.asked {
            Some(asked) => asked.comparison.clone(),
            None => shared.current_comparison().cloned(),
        }
    }

    /// Whether the query was compared, and no row means that the filter lets none through.
    #[must_use]
    pub fn is_ranked(&self) -> bool {
        self.ranked_of.is_some()
    }

    /// Makes the rows anew. A cursor that was moved stays on its picture when that is still among them; one on the
    /// first row stays there.
    fn rank(&mut self, shared: &Shared, RankedOf { comparison, metric, .. }: &RankedOf) {
        let metric = *metric;
        let focused = self.under_cursor().filter(|_| self.cursor > 0);
        let asked_with: HashSet<_> = self.asked.iter().flat_map(Asked::pictures).collect();
        let last = comparison.among(metric, 1, true, |id| !asked_with.contains(&id));
        let farthest = last.first().map_or(f32::NAN, |row| row.value);
        // Those asked with are the marked ones: only these would leave nothing to find.
        let only_these = self.asked.is_some() && shared.only_marked;
        let keep = |id: ImageId| (only_these || shared.admits(id)) && !asked_with.contains(&id);
        let rows = comparison.among(metric, self.k, self.farthest, keep);
        let (ids, ranks): (Vec<_>, Vec<_>) = rows.iter().map(|row| (row.id, row.rank)).unzip();
        let [ranks, others] = [(metric, ranks), (metric.toggled(), comparison.ranks(metric.toggled(), &ids))]
            .map(|(metric, ranks)| comparison.ranks_beside(metric, &ids, &ranks, &asked_with));
        self.rows = rows
            .into_iter()
            .zip(ranks.into_iter().zip(others))
            .map(|(row, (rank, other))| Ranked {
                id: row.id,
                value: row.value,
                rank,
                other,
                other_value: comparison.value(metric.toggled(), row.id),
                likeness: match metric {
                    Metric::Cosine => row.value.clamp(0.0, 1.0),
                    Metric::Euclidean if farthest == metric.self_value() => 1.0,
                    Metric::Euclidean => (1.0 - row.value / farthest).clamp(0.0, 1.0),
                },
            })
            .collect();
        self.cursor = focused
            .and_then(|id| self.rows.iter().position(|row| row.id == id))
            .unwrap_or(self.cursor)
            .min(self.rows.len().saturating_sub(1));
    }

    /// Forgets the rows: another query, another direction.
    fn clear(&mut self) {
        (self.rows, self.cursor, self.first, self.ranked_of) = (Vec::new(), 0, 0, None);
    }

    /// How the neighbors are shown, in a sentence that may name keys.
    fn shown_as(&self) -> &'static str {
        match self.size {
            ..0 => "One line each.",
            0 => "With their pictures.",
            _ => "A contact sheet[: {zoom-in} makes the pictures larger].",
        }
    }

    /// More or fewer rows: fewer than there are, where these are fewer than wanted.
    fn resize(&mut self, more: bool) {
        let now = if self.is_ranked() { self.rows.len().min(self.k) } else { self.k };
        let next =
            if more { STEPS.into_iter().find(|k| *k > self.k) } else { STEPS.into_iter().rev().find(|k| *k < now) };
        self.k = next.unwrap_or(self.k);
    }
}

const KEYS: &[Binding] = &[
    bind("Enter", Action::Follow),
    bind("Backspace", Action::Return),
    binding::METRIC,
    bind("f", Action::Farthest),
    bind("]", Action::More),
    bind("[", Action::Fewer),
    bind("p", Action::OpenPair),
    binding::ZOOM_IN,
    binding::ZOOM_OUT,
    binding::USUAL_SIZE,
    binding::WHY,
];

impl Neighbors {
    fn follow(&mut self, shared: &mut Shared) {
        let (Some(query), Some(next)) = (shared.selected, self.under_cursor()) else { return };
        if self.asked.take().is_none() {
            self.trail.push(query);
        }
        self.query = Some(next);
        self.clear();
        shared.select(next);
    }

    fn go_back(&mut self, shared: &mut Shared) -> Acted {
        if self.asked.take().is_some() {
            self.clear();
            return Acted::Yes;
        }
        let Some(query) = self.trail.pop() else {
            return Acted::Says("This is where the trail began.".to_owned());
        };
        self.query = Some(query);
        self.clear();
        if shared.index.contains(query) {
            shared.select(query);
        }
        Acted::Yes
    }
}

impl Room for Neighbors {
    fn keys(&self) -> &'static [Binding] {
        KEYS
    }

    fn step(&mut self, _: &mut Shared, body: Area, step: Step) {
        let ranks = Ranks::new(body, self.size);
        // In a list there is nothing at the side.
        if matches!(step, Step::Left | Step::Right) && ranks.sheet.is_none() && self.chooses_face() {
            return self.ask_face(step == Step::Left);
        }
        self.cursor = step.moved(self.cursor, self.rows.len(), ranks.columns(), ranks.page());
    }

    fn click(&mut self, _: &mut Shared, body: Area, at: (u16, u16)) -> Option<Action> {
        let ranks = Ranks::new(body, self.size);
        let row = ranks.hit(at)? + self.first * ranks.columns();
        if row == self.cursor {
            return Some(Action::Follow);
        }
        if row < self.rows.len() {
            self.cursor = row;
        }
        None
    }

    fn act(&mut self, shared: &mut Shared, body: Area, action: Action) -> Acted {
        match action {
            Action::Follow => self.follow(shared),
            Action::Return => return self.go_back(shared),
            Action::Farthest => {
                self.farthest = !self.farthest;
                self.clear();
            }
            Action::Fewer | Action::More => {
                self.resize(action == Action::More);
                return Acted::Says(format!("Showing up to {} neighbors.", self.k));
            }
            Action::ZoomIn | Action::ZoomOut => {
                let size = self.size + if action == Action::ZoomIn { 1 } else { -1 };
                if !SIZES.contains(&size) || (size > 1 && Ranks::new(body, size) == Ranks::new(body, self.size)) {
                    return Acted::Yes;
                }
                self.size = size;
                return Acted::Tells(self.shown_as());
            }
            Action::UsualSize => {
                self.size = 0;
                return Acted::Tells(self.shown_as());
            }
            Action::OpenPair => {
                // Its picture is selected now, and the question stays.
                if let (Some(_), Some([asked, _])) = (&self.asked, self.pair(shared)) {
                    self.query = Some(asked);
                }
                return Acted::No;
            }
            _ => return Acted::No,
        }
        Acted::Yes
    }

    fn focused(&self, shared: &Shared) -> Option<ImageId> {
        self.under_cursor().or(shared.selected)
    }

    fn pair(&self, shared: &Shared) -> Option<[ImageId; 2]> {
        // A picture from elsewhere has no row of its own.
        let query = match &self.asked {
            Some(asked) => *asked.like.first()?,
            None => shared.selected?,
        };
        Some([query, self.under_cursor()?])
    }

    fn turned(&mut self, shared: &mut Shared, body: Area, shown: ImageId, step: Step) -> Option<ImageId> {
        // The query itself was opened from the grid's list.
        if shared.selected == Some(shown) {
            return None;
        }
        // Another face would be another question: a list of one column goes on as a sheet of one column does.
        let step = match (step, Ranks::new(body, self.size).sheet) {
            (Step::Left, None) => Step::Up,
            (Step::Right, None) => Step::Down,
            (step, _) => step,
        };
        self.step(shared, body, step);
        self.under_cursor()
    }

    fn hint(&self, shared: &Shared, action: Action) -> Option<&'static str> {
        let returns = self.asked.is_some() || !self.trail.is_empty();
        let is_useful = match action {
            Action::Return => returns,
            // What the filter lets through may come back with another one.
            Action::Farthest | Action::Metric => self.candidates(shared) > 0,
            Action::More => self.candidates(shared) > 1,
            Action::Follow | Action::ZoomIn => self.under_cursor().is_some(),
            Action::OpenPair | Action::Why => self.pair(shared).is_some(),
            _ => true,
        };
        is_useful.then(|| action.hint())
    }

    fn slots(&self, shared: &Shared, body: Area) -> Vec<Slot> {
        let ranks = Ranks::new(body, self.size);
        let query = ranks.picture_of_query.map(|area| self.query_slots(shared, area)).unwrap_or_default();
        let ids = self.rows.iter().map(|row| row.id);
        let rows: Vec<_> = match ranks.sheet {
            Some(sheet) => sheet.slots(self.first, 0, ids).collect(),
            None => {
                let visible = ids.skip(self.first).take(if ranks.thumb > 0 { ranks.page() } else { 0 });
                visible.enumerate().map(|(at, image)| Slot::new(image, ranks.picture(at))).collect()
            }
        };
        query.into_iter().chain(rows).collect()
    }

    fn upcoming(&self, _: &Shared, body: Area) -> Vec<Slot> {
        let sheet = Ranks::new(body, self.size).sheet;
        sheet.map_or_else(Vec::new, |sheet| sheet.slots(self.first, 1, self.rows.iter().map(|row| row.id)).collect())
    }

    fn wants(&self, shared: &Shared) -> Option<Task> {
        let asked = self.asked.as_ref()?;
        let current = asked.comparison.as_ref().is_some_and(|made| shared.covers(made.made_of(), made.len()));
        (!current).then(|| Task::Compare(asked.query.clone()))
    }

    fn take(&mut self, _: &Shared, made: Made) {
        if let (Made::Comparison(comparison), Some(asked)) = (made, &mut self.asked)
            && *comparison.query() == asked.query
        {
            asked.comparison = Some(comparison);
        }
    }

    fn refresh(&mut self, shared: &mut Shared, body: Area) {
        if self.query != shared.selected {
            (self.query, self.trail, self.asked) = (shared.selected, Vec::new(), None);
            self.clear();
        }
        self.trail.retain(|id| shared.index.contains(*id));
        if let Some(asked) = &mut self.asked {
            asked.like.retain(|id| shared.index.contains(*id));
            asked.unlike.retain(|id| shared.index.contains(*id));
        }
        if self.asked.as_ref().is_some_and(|asked| asked.is_empty() && asked.outside.is_none()) {
            self.ask_selected();
        }
        if let Some(comparison) = self.comparison(shared) {
            let wanted = RankedOf {
                comparison,
                metric: shared.metric,
                farthest: self.farthest,
                k: self.k,
                narrowings: shared.narrowings,
            };
            if self.ranked_of.as_ref() != Some(&wanted) {
                self.rank(shared, &wanted);
                self.ranked_of = Some(wanted);
            }
        }
        let ranks = Ranks::new(body, self.size);
        self.first = match ranks.sheet {
            Some(sheet) => sheet.scrolled(self.first, self.cursor, self.rows.len()),
            None => layout::scroll(self.first, self.cursor, ranks.page(), self.rows.len()),
        };
    }
}
