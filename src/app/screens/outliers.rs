//! Outliers: which pictures do not belong, over all or within their folder, and which look like those of another folder.

use std::sync::Arc;

use super::browse::{Details, Grid};
use crate::{
    analysis::outliers::{Measure, Misplaced, Outlier, Outliers as Found, Scope},
    app::{
        action::{Action, Step},
        binding::{self, Binding, bind},
        layout::Area,
        previews::Slot,
        room::{Acted, Room},
        shared::Shared,
    },
    index::ImageId,
    task::{Made, Task},
};

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Listed {
    /// Outliers over all pictures.
    #[default]
    All,
    /// Outliers within their folder.
    Folder,
    /// Pictures that look like those of another folder.
    Misplaced,
}

impl Listed {
    /// The pictures among which scores are taken.
    #[must_use]
    pub fn scope(self) -> Scope {
        match self {
            Self::Folder => Scope::Folder,
            Self::All | Self::Misplaced => Scope::All,
        }
    }
}

/// The Outliers screen.
#[derive(Default)]
pub struct Outliers {
    /// What was found.
    pub found: Option<Arc<Found>>,
    /// How much of the finding is done.
    pub progress: f64,
    /// What is listed.
    pub listed: Listed,
    /// By what the pictures are ranked.
    pub measure: Measure,
    /// The pictures of the list.
    pub ids: Vec<ImageId>,
    /// How many of them are flagged; they come first.
    pub flagged: usize,
    /// The place under the cursor.
    pub cursor: usize,
    /// First visible row of tiles.
    pub first: usize,
    /// How many steps the tiles are larger than usual.
    pub size: i16,
    /// [`Shared::narrowings`] when the list was made.
    narrowed_at: u64,
}

const KEYS: &[Binding] = &[
    bind("Enter", Action::OpenNeighbors),
    bind("o", Action::Scope),
    bind("s", Action::Measure),
    bind("A", Action::MarkThese),
    binding::ZOOM_IN,
    binding::ZOOM_OUT,
    binding::USUAL_SIZE,
];

/// Pictures that are needed to tell one from the others.
pub const FEWEST: usize = 2;

impl Outliers {
    /// The scores of a picture in what is listed.
    #[must_use]
    pub fn outlier(&self, id: ImageId) -> Option<Outlier> {
        self.found.as_ref()?.get(self.listed.scope(), self.measure, id)
    }

    /// The folder that a picture looks like, if it is another one.
    #[must_use]
    pub fn misplaced(&self, id: ImageId) -> Option<Misplaced> {
        self.found.as_ref()?.misplaced.iter().find(|misplaced| misplaced.id == id).copied()
    }

    /// The name of a folder that a picture looks like.
    #[must_use]
    pub fn folder_name(&self, folder: usize) -> &str {
        self.found.as_ref().map_or("", |found| found.folders.name(folder))
    }

    /// The nearest pictures of one, with their cosine similarity.
    #[must_use]
    pub fn nearest(&self, id: ImageId) -> Vec<(ImageId, f32)> {
        let Some(found) = &self.found else { return Vec::new() };
        found.graph.neighbors(id).iter().take(3).map(|edge| (edge.id, edge.value)).collect()
    }

    /// The picture under the cursor.
    #[must_use]
    pub fn under_cursor(&self) -> Option<ImageId> {
        self.ids.get(self.cursor).copied()
    }

    /// Makes the list anew, of what the filter lets through; the cursor goes to the first.
    fn list(&mut self, shared: &Shared) {
        (self.ids, self.flagged, self.narrowed_at) = (Vec::new(), 0, shared.narrowings);
        (self.cursor, self.first) = (0, 0);
        let Some(found) = &self.found else { return };
        if self.listed == Listed::Misplaced {
            let misplaced = found.misplaced.iter().map(|misplaced| misplaced.id);
            self.ids = misplaced.filter(|id| shared.admits(*id)).collect();
            self.flagged = self.ids.len();
        } else {
            let ranked = found.ranked(self.listed.scope(), self.measure);
            let ranked: Vec<_> = ranked.iter().filter(|one| shared.admits(one.id)).collect();
            self.ids = ranked.iter().map(|one| one.id).collect();
            self.flagged = ranked.partition_point(|one| one.is_flagged());
        }
    }

    /// The same, with the cursor on the picture that it is on, where that is still listed.
    fn list_around_cursor(&mut self, shared: &Shared) {
        let focused = self.under_cursor();
        self.list(shared);
        self.cursor = self.ids.iter().position(|id| Some(*id) == focused).unwrap_or(0);
    }

    fn place(&mut self, shared: &mut Shared, cursor: usize) {
        self.cursor = cursor;
        if let Some(id) = self.under_cursor() {
            shared.select(id);
        }
    }
}

impl Room for Outliers {
    fn keys(&self) -> &'static [Binding] {
        KEYS
    }

    fn step(&mut self, shared: &mut Shared, body: Area, step: Step) {
        let grid = Grid::new(body, self.size);
        self.place(shared, grid.sheet.stepped(self.cursor, self.ids.len(), step));
    }

    fn click(&mut self, shared: &mut Shared, body: Area, at: (u16, u16)) -> Option<Action> {
        let cursor = Grid::new(body, self.size).sheet.hit(self.first, at).filter(|cursor| *cursor < self.ids.len())?;
        if self.cursor == cursor {
            return Some(Action::OpenNeighbors);
        }
        self.place(shared, cursor);
        None
    }

    fn act(&mut self, shared: &mut Shared, body: Area, action: Action) -> Acted {
        let has_folders = self.found.as_ref().is_some_and(|found| found.has_folders());
        match action {
            Action::Scope if !has_folders => {
                let says = shared.words("There is one folder only: its pictures are compared with all.");
                return Acted::Says(says.into_owned());
            }
            Action::Scope => {
                let (listed, says) = match self.listed {
                    Listed::All => (Listed::Folder, "Pictures that stand out within their folder."),
                    Listed::Folder => (Listed::Misplaced, "Pictures whose nearest all lie in another folder."),
                    Listed::Misplaced => (Listed::All, "Pictures that stand out over all."),
                };
                self.listed = listed;
                self.list(shared);
                return Acted::Says(shared.words(says).into_owned());
            }
            Action::Measure => {
                self.measure = self.measure.toggled();
                self.list(shared);
                return Acted::Says(match self.measure {
                    Measure::Distance => "Ranked by the mean distance to the nearest.".to_owned(),
                    Measure::Factor => "Ranked by the local outlier factor: far for the place where it is.".to_owned(),
                });
            }
            Action::MarkThese if self.flagged == 0 => return Acted::Says("None is flagged.".to_owned()),
            Action::MarkThese => {
                return Acted::Says(format!("{} of the flagged.", shared.mark_all(&self.ids[..self.flagged])));
            }
            Action::ZoomIn => self.size = Grid::resized(body, self.size, 1),
            Action::ZoomOut => self.size = Grid::resized(body, self.size, -1),
            Action::UsualSize => self.size = 0,
            _ => return Acted::No,
        }
        Acted::Yes
    }

    fn focused(&self, shared: &Shared) -> Option<ImageId> {
        self.under_cursor().or(shared.selected)
    }

    fn together(&self, _: &Shared) -> Vec<ImageId> {
        let Some(id) = self.under_cursor() else { return Vec::new() };
        std::iter::once(id).chain(self.nearest(id).into_iter().map(|near| near.0)).collect()
    }

    fn turned(&mut self, shared: &mut Shared, _: Area, _shown: ImageId, step: Step) -> Option<ImageId> {
        let flat = match step {
            Step::Left => Step::Up,
            Step::Right => Step::Down,
            other => other,
        };
        self.place(shared, flat.moved(self.cursor, self.ids.len(), 1, 10));
        self.under_cursor()
    }

    fn slots(&self, _: &Shared, body: Area) -> Vec<Slot> {
        let grid = Grid::new(body, self.size);
        let mut slots = Vec::new();
        if let (Some(details), Some(image)) = (grid.details.map(Details::new), self.under_cursor()) {
            slots.push(Slot::new(image, details.picture));
            if details.as_pictures {
                let nearest = self.nearest(image).into_iter().enumerate();
                slots.extend(nearest.map(|(at, (image, _))| Slot::new(image, details.thumb(at))));
            }
        }
        slots.extend(grid.sheet.slots(self.first, 0, self.ids.iter().copied()));
        slots
    }

    fn upcoming(&self, _: &Shared, body: Area) -> Vec<Slot> {
        Grid::new(body, self.size).sheet.slots(self.first, 1, self.ids.iter().copied()).collect()
    }

    fn wants(&self, shared: &Shared) -> Option<Task> {
        if shared.index.len() < FEWEST {
            return None;
        }
        let current = self.found.as_ref().is_some_and(|found| shared.covers(found.made_of.0, found.made_of.1));
        (!current).then_some(Task::Outliers(None))
    }

    fn take(&mut self, shared: &Shared, made: Made) {
        match made {
            Made::Progress(share) => self.progress = share,
            Made::Outliers(found) => {
                if !found.has_folders() {
                    self.listed = Listed::All;
                }
                self.found = Some(found);
                self.progress = 0.0;
                self.list_around_cursor(shared);
            }
            _ => {}
        }
    }

    fn refresh(&mut self, shared: &mut Shared, body: Area) {
        if shared.index.len() < FEWEST && self.found.take().is_some() {
            self.list(shared);
        }
        if self.narrowed_at != shared.narrowings {
            self.list_around_cursor(shared);
        }
        self.cursor = self.cursor.min(self.ids.len().saturating_sub(1));
        self.first = Grid::new(body, self.size).sheet.scrolled(self.first, self.cursor, self.ids.len());
    }

    fn hint(&self, _: &Shared, action: Action) -> Option<&'static str> {
        let is_useful = match action {
            Action::Scope => self.found.as_ref().is_some_and(|found| found.has_folders()),
            Action::Filter => true,
            Action::Measure => self.listed != Listed::Misplaced && !self.ids.is_empty(),
            Action::MarkThese => self.flagged > 0,
            _ => !self.ids.is_empty(),
        };
        is_useful.then(|| action.hint())
    }

    fn without_metric(&self) -> Option<&'static str> {
        Some(
            "Outliers go by what cosine similarity measures[; {show-heatmap} and {show-neighbors} show distances too].",
        )
    }

    fn count(&self, _: &Shared) -> Option<usize> {
        self.found.as_ref().map(|_| self.flagged)
    }
}
