//! What each action does to the state.

use std::{path::PathBuf, sync::Arc};

use crossterm::event::KeyEvent;

use super::{
    App, Effect, Over, RunState, Severity,
    action::{Action, Screen, Step},
    help::HelpPage,
    pair::PairView,
    room::Acted,
    shared::Coloring,
    why::Why,
};
use crate::{
    order::OrderKind,
    printable::printable,
    similarity::Metric,
    task::{Away, Job},
};

impl App {
    pub(super) fn key(&mut self, key: KeyEvent) -> Vec<Effect> {
        self.message = None;
        self.pace.note_input();
        if self.prompt().is_some() {
            return self.type_key(key);
        }
        self.keys.lookup(self.context(), key).map_or_else(Vec::new, |action| self.act(action))
    }

    /// Carries out an action, whatever key it came from.
    pub fn act(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Move(step) => self.step(step),
            Action::Show(screen) => self.show(screen),
            Action::NextScreen => self.show_by(1),
            Action::PreviousScreen => self.show_by(Screen::ALL.len() - 1),
            Action::OpenNeighbors => self.open_neighbors(),
            Action::OpenPair => self.open_pair(Action::OpenPair),
            Action::OpenBest => self.open_pair(Action::OpenBest),
            Action::ShowInBrowse => self.show_in_browse(),
            Action::ShowOnMap => self.show_on_map(),
            Action::OpenPicture => self.open_picture(),
            Action::OpenQuery => self.exchange_query(),
            Action::Escape => self.escape(),
            Action::Filter => self.open_filter(),
            Action::OnlyMarked => self.show_only_marked(),
            Action::Mark => self.mark(),
            Action::UnmarkAll => self.unmark_all(),
            Action::OpenOutside => return self.open_outside(),
            Action::Blink => self.look_at_pair(PairView::blinked),
            Action::Difference => self.look_at_pair(PairView::difference),
            Action::AskMarked => self.ask_marked(),
            Action::AskOutside => self.open_outside_prompt(),
            Action::MarkUnlike => self.mark_unlike(),
            Action::Copy => return self.copy(),
            Action::Export => self.open_export(),
            Action::Name => self.open_naming(),
            Action::Why => self.why(),
            Action::Dispose => self.open_disposal(),
            Action::ToTrash => return self.dispose(Away::Trash),
            Action::ToFolder => self.open_move(),
            Action::Undo => return self.undo(),
            Action::Metric => match self.without_metric() {
                Some(reason) => self.tell(Severity::Info, reason),
                None => {
                    self.shared.metric = self.shared.metric.toggled();
                    self.say_what_a_distance_means();
                }
            },
            Action::Coloring => {
                let said = self.shared.next_coloring();
                self.tell(Severity::Info, said);
            }
            Action::Rename => self.open_rename(),
            Action::GroupsInHeatmap => self.show_groups_in_heatmap(),
            Action::AcceptGuess => self.open_pair(action),
            Action::TypeLabel => self.open_label(),
            Action::ExportLabels => self.open_labels_export(),
            Action::IndexByOther => return self.index_by_other(),
            Action::Help => match self.over.last() {
                Some(Over::Help(_)) => drop(self.over.pop()),
                _ => self.over.push(Over::Help(0)),
            },
            Action::Redraw => {
                // Pixel pictures are gone with the rest of the screen.
                self.previews.clear();
                self.pace.rest();
                return vec![Effect::Redraw];
            }
            Action::Stop => return self.stop_making(),
            Action::Suspend => return vec![Effect::Suspend],
            Action::Quit => return self.leave(),
            Action::Swap => {
                if let Some(Over::Pair { row, col, .. }) = self.over.last_mut() {
                    std::mem::swap(row, col);
                }
                self.act_in_room(action);
            }
            _ => self.act_in_room(action),
        }
        Vec::new()
    }

    /// Says once which way the numbers of a metric go that not everybody knows.
    fn say_what_a_distance_means(&mut self) {
        if self.shared.metric == Metric::Euclidean && !std::mem::replace(&mut self.shared.distance_explained, true) {
            self.say(Severity::Info, "Euclidean distance: 0 is identical, smaller is more alike.");
        }
    }

    /// Has the pictures indexed by the model that was chosen on the Models screen.
    fn index_by_other(&mut self) -> Vec<Effect> {
        if self.shared.run == RunState::Running {
            self.say(Severity::Info, "The pictures are still being indexed; another model comes after that.");
            return Vec::new();
        }
        let Some(model) = self.screens.models.choose(&self.shared) else {
            if self.screens.models.is_chosen() {
                self.tell(Severity::Info, "A model was chosen[: {choose-model} chooses another one].");
            }
            return Vec::new();
        };
        vec![Effect::Start(self.awaited.other_index(), Job::IndexBy { model })]
    }

    /// Has corrections kept as soon as they are made.
    pub(super) fn keep_labels(&mut self, effects: &mut Vec<Effect>) {
        if !std::mem::take(&mut self.shared.corrected) {
            return;
        }
        match &self.shared.kept_labels {
            Some(to) => {
                let labels = Arc::clone(&self.shared.label_source.corrected);
                effects.push(Effect::Start(self.awaited.next(), Job::KeepLabels { labels, to: to.clone() }));
            }
            None => self.tell(
                Severity::Warning,
                "Corrected for now: with --no-cache nothing is kept[; {export-labels} writes a file].",
            ),
        }
    }

    fn act_in_room(&mut self, action: Action) {
        let body = self.shared.body();
        let acted = self.screens.at(self.screen).act(&mut self.shared, body, action);
        self.say_what_was_done(acted);
    }

    /// Says what a room has to say of what it did.
    fn say_what_was_done(&mut self, acted: Acted) {
        match acted {
            Acted::Says(text) => self.say(Severity::Info, text),
            Acted::Tells(template) => self.tell(Severity::Info, template),
            Acted::Yes | Acted::No => {}
        }
    }

    /// Stops what is being made for the screen.
    fn stop_making(&mut self) -> Vec<Effect> {
        let indexing = self.screen == Screen::Models && self.screens.models.is_indexing();
        self.act_in_room(Action::Stop);
        if indexing {
            self.awaited.give_up_other_index();
            return vec![Effect::Cancel];
        }
        let lanes = self.awaited.stop(self.screen);
        lanes.into_iter().map(|lane| Effect::Start(self.awaited.next(), Job::Stop(lane))).collect()
    }

    fn show_in_browse(&mut self) {
        if let Some(id) = self.focused() {
            self.shared.select(id);
            self.show(Screen::Browse);
        }
    }

    /// Shows the map at the picture under the cursor, and as much of it as what belongs with that takes.
    fn show_on_map(&mut self) {
        let Some(id) = self.focused() else { return };
        let covered = self.covering().is_some() || self.screen == Screen::Map;
        let together = if covered { vec![id] } else { self.screens.get(self.screen).together(&self.shared) };
        if self.screen == Screen::Groups {
            self.shared.coloring = Coloring::Groups;
        }
        self.shared.select(id);
        // On the map itself the place is kept, and how near it is looked at.
        if self.screen != Screen::Map {
            self.screens.map.bring_into_view(together);
        }
        self.show(Screen::Map);
    }

    /// Shows the heatmap ordered and colored by group, at the picture under the cursor.
    fn show_groups_in_heatmap(&mut self) {
        if self.shared.made_labels.groups.is_none() {
            return self.say(Severity::Info, "There are no groups yet.");
        }
        if let Some(id) = self.focused() {
            self.shared.select(id);
        }
        self.shared.coloring = Coloring::Groups;
        self.screens.heatmap.order_by(OrderKind::Group);
        self.show(Screen::Heatmap);
    }

    pub(super) fn leave(&mut self) -> Vec<Effect> {
        match self.shared.run {
            RunState::Running => vec![Effect::Cancel, Effect::Quit],
            _ => vec![Effect::Quit],
        }
    }

    pub(super) fn show(&mut self, screen: Screen) {
        self.screen = screen;
        self.over.clear();
    }

    fn show_by(&mut self, by: usize) {
        let now = Screen::ALL.iter().position(|screen| *screen == self.screen).unwrap_or(0);
        self.show(Screen::ALL[(now + by) % Screen::ALL.len()]);
    }

    fn escape(&mut self) {
        // First to both pictures side by side, then out.
        if let Some(Over::Pair { view, .. }) = self.over.last_mut()
            && std::mem::take(view) != PairView::SideBySide
        {
            return;
        }
        if self.over.pop().is_some() {
            return;
        }
        if self.screen != Screen::Browse {
            self.screen = Screen::Browse;
        } else if !self.shared.filter.is_empty() {
            self.shared.narrow("", false);
        }
    }

    pub(super) fn step(&mut self, step: Step) {
        let body = self.shared.body();
        match self.covering() {
            Some(Over::Disposal(_)) => self.scroll_disposal(step),
            Some(Over::Help(line)) => {
                let page = HelpPage::new(self);
                // It may have been scrolled to the end of a lower terminal.
                let line = line.min(page.last());
                self.cover(Over::Help(step.moved(line, page.last() + 1, 1, page.height().max(1))));
            }
            Some(Over::Picture(shown)) => self.turn(shown, step),
            Some(Over::Query) => self.turn_query(step),
            Some(Over::Why(why)) => {
                let room = self.screens.at(self.screen);
                room.step(&mut self.shared, body, step);
                if let Some(pair) = room.pair(&self.shared).filter(|[row, col]| row != col) {
                    self.cover(Over::Why(Why { pair, ..why }));
                }
            }
            Some(Over::Pair { view, .. }) => {
                let room = self.screens.at(self.screen);
                room.step(&mut self.shared, body, step);
                if let Some([row, col]) = room.pair(&self.shared) {
                    self.cover(Over::Pair { row, col, view });
                }
            }
            _ => self.screens.at(self.screen).step(&mut self.shared, body, step),
        }
    }

    fn open_neighbors(&mut self) {
        let focused = self.focused();
        if self.covering() == Some(Over::Query) {
            // Its neighbors are beneath.
            return self.over.clear();
        }
        if self.screen == Screen::Neighbors && focused == self.screens.neighbors.under_cursor() {
            // A neighbor seen large or beside the query goes on the trail as it does from the list.
            self.over.clear();
            return self.act_in_room(Action::Follow);
        }
        // A filter may have left nothing to ask about.
        if let Some(id) = focused {
            self.screens.neighbors.ask_selected();
            self.shared.select(id);
            self.show(Screen::Neighbors);
        }
    }

    /// Shows the pair of the cursor, unless the screen makes something else of it.
    fn open_pair(&mut self, action: Action) {
        let body = self.shared.body();
        let acted = self.screens.at(self.screen).act(&mut self.shared, body, action);
        if acted != Acted::No {
            return self.say_what_was_done(acted);
        }
        if let Some([row, col]) = self.screens.at(self.screen).pair(&self.shared) {
            self.shared.select(row);
            // There the cursor stands on the pair that was looked at.
            self.screens.heatmap.partner = Some(col);
            self.over.push(Over::Pair { row, col, view: PairView::default() });
        }
    }

    /// Looks at the pair that is shown in another way.
    fn look_at_pair(&mut self, otherwise: impl Fn(PairView) -> PairView) {
        if let Some(Over::Pair { view, .. }) = self.over.last_mut() {
            *view = otherwise(*view);
        }
    }

    /// Says why a key for marked pictures does nothing, and how one is marked where there is one to mark.
    pub(super) fn say_that_nothing_is_marked(&mut self) {
        let says = match self.focused() {
            Some(_) => "Nothing is marked yet[: {mark} marks the picture under the cursor].",
            None => "Nothing is marked yet.",
        };
        self.tell(Severity::Warning, says);
    }

    fn show_only_marked(&mut self) {
        if self.shared.marks.is_empty() {
            return self.say_that_nothing_is_marked();
        }
        let typed = self.shared.filter.typed().to_owned();
        self.shared.narrow(&typed, !self.shared.only_marked);
        let words = if self.shared.only_marked { "Only the marked pictures." } else { "All pictures again." };
        self.say(Severity::Info, self.shared.words(words));
    }

    fn mark(&mut self) {
        let Some(id) = self.focused() else { return };
        if self.shared.is_protected(id) {
            return self
                .say(Severity::Warning, "It lies in a protected folder (--keep-in), of which nothing is marked.");
        }
        self.shared.unlike.retain(|unlike| unlike != id);
        self.shared.marks.toggle(id);
    }

    fn unmark_all(&mut self) {
        let count = self.shared.marks.len() + self.shared.unlike.len();
        self.shared.marks.clear();
        self.shared.unlike.clear();
        let text = if count == 0 { "Nothing was marked.".to_owned() } else { format!("{count} unmarked.") };
        self.say(Severity::Info, text);
    }

    /// The path that a key is about.
    pub(super) fn path(&self) -> Option<PathBuf> {
        let room = self.screens.get(self.screen);
        match self.covering() {
            None if !room.lists_pictures() => room.path(&self.shared),
            Some(Over::Query) if self.outside_query().is_some() => {
                self.outside_query().map(|outside| outside.path.to_path_buf())
            }
            _ => self.focused().and_then(|id| self.shared.path(id)),
        }
    }

    fn open_outside(&mut self) -> Vec<Effect> {
        if self.shared.is_remote {
            self.tell(
                Severity::Warning,
                "Over SSH a viewer would open on the other machine[; {copy} copies the path].",
            );
            return Vec::new();
        }
        let Some(path) = self.path() else { return Vec::new() };
        self.say(Severity::Info, format!("Opening {}", printable(&path)));
        vec![Effect::Open(path)]
    }

    /// Ranks all by their likeness to the marked pictures together.
    fn ask_marked(&mut self) {
        if self.shared.marks.is_empty() {
            return self.say_that_nothing_is_marked();
        }
        self.stay_selected();
        self.screens.neighbors.ask(&self.shared);
        self.show(Screen::Neighbors);
    }

    fn mark_unlike(&mut self) {
        if let Some(id) = self.focused() {
            self.shared.marks.retain(|marked| marked != id);
            self.shared.unlike.toggle(id);
        }
    }

    fn copy(&mut self) -> Vec<Effect> {
        let Some(path) = self.path() else { return Vec::new() };
        let shown = printable(&path);
        match path.into_os_string().into_string() {
            Ok(path) => {
                self.say(Severity::Info, format!("Copied {shown}"));
                vec![Effect::Copy(path)]
            }
            // With a sign in the place of what is no text it would be the path of another file, or of none.
            Err(_) => {
                let then = self.sentence("[; {export} writes the paths of marked ones byte for byte].");
                self.say(Severity::Warning, format!("The clipboard takes only text, which {shown} is not{then}"));
                Vec::new()
            }
        }
    }
}
