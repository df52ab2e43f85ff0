//! Alike: which pictures of the folder look alike. Groups over a threshold, the most alike first, each with its pictures.

use std::{collections::HashSet, sync::Arc};

use crate::{
    analysis::alike::{Group, Range},
    app::{
        action::{Action, Step},
        binding::{self, Binding, bind},
        group_places::GroupPlaces,
        layout::{self, Area},
        previews::Slot,
        room::{Acted, Room},
        shared::Shared,
    },
    index::{ImageId, RowKind},
    task::{LookAlikes, Made, Task},
};

/// What one key press moves an end of the range by.
const STEP: f32 = 0.01;

/// The Alike screen.
#[derive(Default)]
pub struct Alike {
    /// What was found, and in which range.
    pub found: Option<Arc<LookAlikes>>,
    /// The range wanted, once the user has moved an end; else that of the model's near-duplicates.
    pub moved: Option<Range>,
    /// How much of the first comparison of all with all is done; then of the second look.
    pub progress: f64,
    /// The second look is under way.
    pub looking: bool,
    /// The places, among all groups, of those that the filter lets something of through.
    listed: Vec<usize>,
    /// [`Shared::narrowings`] when they were made.
    narrowed_at: u64,
    /// The group under the cursor, among these.
    pub group: usize,
    /// The picture of it under the cursor.
    pub member: usize,
    /// First visible group.
    pub first: usize,
    /// First visible row of pictures.
    pub first_row: usize,
}

const KEYS: &[Binding] = &[
    bind("Enter", Action::OpenPair),
    bind("a", Action::MarkCopies),
    bind("A", Action::MarkAllCopies),
    binding::DISPOSE,
    binding::WHY,
    bind("-", Action::Looser),
    bind("+ =", Action::Stricter),
    bind("<", Action::WithoutCopies),
    bind(">", Action::WithCopies),
    bind("0", Action::UsualRange),
    bind("n", Action::OpenNeighbors),
];

impl Alike {
    /// The range wanted.
    #[must_use]
    pub fn range(&self, shared: &Shared) -> Range {
        self.moved.unwrap_or_else(|| Range::usual(shared.model.as_ref().and_then(|model| model.near_duplicate)))
    }

    /// The groups of which the filter lets something through, the most alike first. Each is whole: what a picture is like
    /// may lie anywhere.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = &Group> {
        let groups = self.found.as_ref().map_or(&[][..], |found| &found.groups);
        self.listed.iter().map(|at| &groups[*at])
    }

    /// The group under the cursor.
    #[must_use]
    pub fn current(&self) -> Option<&Group> {
        self.groups().nth(self.group)
    }

    /// Makes the list of groups anew.
    fn list(&mut self, shared: &Shared) {
        self.narrowed_at = shared.narrowings;
        let groups = self.found.as_ref().map_or(&[][..], |found| &found.groups);
        let admits = |group: &Group| group.members.iter().any(|member| shared.admits(member.0));
        self.listed = (0..groups.len()).filter(|at| admits(&groups[*at])).collect();
    }

    /// The group that a picture is in, and its place there.
    fn place_of(&self, id: Option<ImageId>) -> Option<(usize, usize)> {
        let at = |group: &Group| group.members.iter().position(|member| Some(member.0) == id);
        self.groups().enumerate().find_map(|(group, members)| Some((group, at(members)?)))
    }

    /// Marks all pictures of the group but the one to keep; unmarks them when all are marked.
    fn mark_copies(&self, shared: &mut Shared) -> Acted {
        let Some(group) = self.current() else { return Acted::Yes };
        if group.reason().is_none() {
            return Acted::Tells("These only look alike[: {mark} marks the picture under the cursor].");
        }
        let surplus: Vec<_> = group.members.iter().skip(1).map(|member| member.0).collect();
        let (may_go, stay): (Vec<_>, Vec<_>) = surplus.into_iter().partition(|id| !shared.is_protected(*id));
        let marked = may_go.iter().all(|id| shared.marks.contains(*id));
        for id in may_go {
            if shared.marks.contains(id) == marked {
                shared.marks.toggle(id);
            }
        }
        if stay.is_empty() {
            return Acted::Yes;
        }
        Acted::Says(format!("{} of a protected folder not marked.", shared.counted(stay.len())))
    }

    /// Marks all pictures of all groups of copies that are listed, but those to keep.
    fn mark_all_copies(&self, shared: &mut Shared) -> Acted {
        if shared.index.kind() == RowKind::Face {
            return Acted::Says("Copies are sought among whole pictures: open the folder without --faces.".into());
        }
        let Some(copies) = self.found.as_ref().and_then(|found| found.copies.as_ref()) else {
            return Acted::Says("It is not known yet which pictures are copies.".into());
        };
        // What the filter hides is not marked behind the user's back.
        let listed: HashSet<_> = self.groups().flat_map(|group| &group.members).map(|member| member.0).collect();
        let unmarked = |id: &ImageId| {
            !shared.marks.contains(*id)
                && listed.contains(id)
                && shared.index.contains(*id)
                && !shared.is_protected(*id)
        };
        let ids: Vec<_> = copies.surplus().filter(unmarked).collect();
        ids.iter().for_each(|id| shared.marks.toggle(*id));
        Acted::Says(format!("{} marked: all but the one to keep of each group.", shared.counted(ids.len())))
    }

    /// Where the groups lie, and the pictures of the one under the cursor, which are the larger the fewer they are.
    #[must_use]
    pub fn places(&self, body: Area) -> Places {
        Places::new(body).holding(self.current().map_or(0, |group| group.members.len()))
    }

    fn under_cursor(&self) -> Option<ImageId> {
        Some(self.current()?.members.get(self.member)?.0)
    }

    /// Moves the cursor to a picture of a group, which becomes the selected one.
    fn place(&mut self, shared: &mut Shared, group: usize, member: usize) {
        (self.group, self.member) = (group, member);
        if let Some(id) = self.under_cursor() {
            shared.select(id);
        }
    }
}

impl Room for Alike {
    fn keys(&self) -> &'static [Binding] {
        KEYS
    }

    fn step(&mut self, shared: &mut Shared, body: Area, step: Step) {
        let places = self.places(body);
        let members = self.current().map_or(0, |group| group.members.len());
        match step {
            Step::Left | Step::Right => {
                let flat = if step == Step::Left { Step::Up } else { Step::Down };
                self.place(shared, self.group, flat.moved(self.member, members, 1, 1));
            }
            _ => {
                let group = step.moved(self.group, self.listed.len(), 1, places.page());
                let member = if group == self.group { self.member } else { 0 };
                self.place(shared, group, member);
            }
        }
    }

    fn click(&mut self, shared: &mut Shared, body: Area, at: (u16, u16)) -> Option<Action> {
        let places = self.places(body);
        if let Some(row) = places.hit(at).map(|row| row + self.first).filter(|row| *row < self.listed.len()) {
            self.place(shared, row, 0);
        } else if let Some(member) = places.sheet.hit(self.first_row, at)
            && member < self.current()?.members.len()
        {
            if self.member == member {
                return Some(Action::OpenPair);
            }
            self.place(shared, self.group, member);
        }
        None
    }

    fn act(&mut self, shared: &mut Shared, _: Area, action: Action) -> Acted {
        match action {
            Action::MarkCopies => return self.mark_copies(shared),
            Action::MarkAllCopies => return self.mark_all_copies(shared),
            _ => {}
        }
        let mut range = self.range(shared);
        // Counted in steps, so that a step back ends where it began.
        let stepped = |end: f32, by: f32| ((end / STEP).round() + by) * STEP;
        match action {
            Action::Looser => range.min = stepped(range.min, -1.0).max(0.0),
            Action::Stricter => range.min = stepped(range.min, 1.0).min(range.max),
            Action::WithoutCopies => range.max = stepped(range.max, -1.0).max(range.min),
            Action::WithCopies => range.max = stepped(range.max, 1.0).min(1.0),
            Action::UsualRange => {
                self.moved = None;
                return Acted::Yes;
            }
            _ => return Acted::No,
        }
        self.moved = Some(range);
        Acted::Yes
    }

    fn focused(&self, shared: &Shared) -> Option<ImageId> {
        self.under_cursor().or(shared.selected)
    }

    fn pair(&self, _: &Shared) -> Option<[ImageId; 2]> {
        let members = &self.current()?.members;
        let other = if self.member == 0 { 1 } else { 0 };
        Some([members.get(self.member)?.0, members.get(other)?.0])
    }

    fn together(&self, _: &Shared) -> Vec<ImageId> {
        self.current().map_or_else(Vec::new, |group| group.members.iter().map(|member| member.0).collect())
    }

    fn turned(&mut self, shared: &mut Shared, body: Area, _shown: ImageId, step: Step) -> Option<ImageId> {
        self.step(shared, body, step);
        self.under_cursor()
    }

    fn slots(&self, _: &Shared, body: Area) -> Vec<Slot> {
        let sheet = self.places(body).sheet;
        let Some(group) = self.current() else { return Vec::new() };
        sheet.slots(self.first_row, 0, group.members.iter().map(|member| member.0)).collect()
    }

    fn wants(&self, shared: &Shared) -> Option<Task> {
        if shared.index.len() < 2 {
            return None;
        }
        let range = self.range(shared);
        let Some(found) = &self.found else {
            // Comparing all with all takes longest, and does not begin anew because an end was moved meanwhile.
            let usual = Range::usual(shared.model.as_ref().and_then(|model| model.near_duplicate));
            return Some(Task::Alike(usual, None));
        };
        let current = found.range == range && shared.covers(found.graph.made_of(), found.graph.id_bound());
        (!current).then(|| Task::Alike(range, Some(Arc::clone(found))))
    }

    fn take(&mut self, shared: &Shared, made: Made) {
        match made {
            Made::Progress(share) => (self.progress, self.looking) = (share, self.found.is_some()),
            Made::Alike(found) => {
                // The cursor stays on its picture, wherever that has gone.
                let focused = self.under_cursor();
                self.looking = false;
                self.found = Some(found);
                self.list(shared);
                (self.group, self.member) = self.place_of(focused).unwrap_or((self.group, 0));
            }
            _ => {}
        }
    }

    fn refresh(&mut self, shared: &mut Shared, body: Area) {
        if shared.index.len() < 2 {
            (self.found, self.listed) = (None, Vec::new());
        }
        if self.narrowed_at != shared.narrowings {
            let focused = self.under_cursor();
            self.list(shared);
            (self.group, self.member) = self.place_of(focused).unwrap_or((0, 0));
        }
        // The cursor follows what the user selected elsewhere, where that is in a group.
        if shared.is_touched()
            && self.under_cursor() != shared.selected
            && let Some((group, member)) = self.place_of(shared.selected)
        {
            (self.group, self.member) = (group, member);
        }
        self.group = self.group.min(self.listed.len().saturating_sub(1));
        let members = self.current().map_or(0, |group| group.members.len());
        self.member = self.member.min(members.saturating_sub(1));
        // Only now: the sheet is as its group needs it.
        let places = self.places(body);
        self.first = layout::scroll(self.first, self.group, places.page(), self.listed.len());
        self.first_row = places.sheet.scrolled(self.first_row, self.member, members);
    }

    fn hint(&self, _: &Shared, action: Action) -> Option<&'static str> {
        let group = self.current();
        let is_useful = match action {
            Action::Looser | Action::WithoutCopies => self.found.is_some(),
            Action::Filter => true,
            // Its hint is also that of the key for all of them.
            Action::MarkCopies => self.groups().any(|group| group.reason().is_some()),
            _ => group.is_some(),
        };
        is_useful.then(|| action.hint())
    }

    fn without_metric(&self) -> Option<&'static str> {
        Some("Look-alikes go by cosine similarity[; {show-heatmap} and {show-neighbors} show distances too].")
    }

    fn count(&self, _: &Shared) -> Option<usize> {
        self.found.as_ref().map(|found| found.groups.len())
    }
}

/// Where they lie: a list of so many columns where it is beside the pictures, and tiles so wide.
pub type Places = GroupPlaces<46, 20>;
