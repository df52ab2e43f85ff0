//! What each action does to the state.

use crossterm::event::KeyEvent;

use super::{
    App, Effect, Overlay, Run, Severity,
    action::{Action, Screen, Step},
    browse::{Grid, Sort},
    keymap,
    prompt::{Prompt, Purpose, Typed},
};
use crate::{index::ImageId, printable::printable, worker::Job};

/// Where marked paths are written unless the user types another name.
const EXPORT_FILE: &str = "marked.txt";

impl App {
    pub(super) fn key(&mut self, key: KeyEvent) -> Vec<Effect> {
        self.message = None;
        self.stir();
        if self.prompt.is_some() {
            return self.type_key(key);
        }
        keymap::lookup(self.context(), key).map_or_else(Vec::new, |action| self.act(action))
    }

    /// Carries out an action, whatever key it came from.
    pub fn act(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Move(step) => self.step(step),
            Action::Show(screen) => self.show(screen),
            Action::NextScreen => self.show_by(1),
            Action::PreviousScreen => self.show_by(Screen::ALL.len() - 1),
            Action::OpenNeighbors => self.open_neighbors(),
            Action::OpenPair => self.open_pair(),
            Action::OpenPicture => self.overlay = self.focused().map_or(Overlay::None, Overlay::Picture),
            Action::Follow => self.follow(),
            Action::Return => self.go_back(),
            Action::Escape => self.escape(),
            Action::Filter => self.open_filter(),
            Action::Sort => self.sort(),
            Action::Mark => self.mark(),
            Action::UnmarkAll => self.unmark_all(),
            Action::Copy => return self.copy(),
            Action::Export => self.open_export(),
            Action::Metric => self.toggle_metric(),
            Action::Order => {
                self.heat.kind = self.heat.kind.cycled();
                self.say(Severity::Info, format!("Rows ordered by {}.", self.heat.kind.name()));
            }
            Action::ZoomIn => self.zoom(false),
            Action::ZoomOut => self.zoom(true),
            Action::ZoomFit => match self.screen {
                Screen::Heatmap => self.heat.level = None,
                _ => self.browse.size = 0,
            },
            Action::Swap => self.swap(),
            Action::Farthest => {
                self.ranking.farthest = !self.ranking.farthest;
                self.ranking.clear();
            }
            Action::Fewer | Action::More => {
                self.ranking.resize(action == Action::More);
                self.rerank();
                self.say(Severity::Info, format!("Showing up to {} neighbors.", self.ranking.k));
            }
            Action::Help => self.help = if self.help.is_some() { None } else { Some(0) },
            Action::Redraw => {
                // Pixel pictures are gone with the rest of the screen.
                self.previews.clear();
                self.rest();
                return vec![Effect::Redraw];
            }
            Action::Suspend => return vec![Effect::Suspend],
            Action::Quit => return self.leave(),
        }
        Vec::new()
    }

    pub(super) fn leave(&mut self) -> Vec<Effect> {
        match self.run {
            Run::Running => vec![Effect::Cancel, Effect::Quit],
            _ => vec![Effect::Quit],
        }
    }

    /// Selects a picture by the user's hand.
    pub(super) fn select(&mut self, id: ImageId) {
        self.touched = true;
        self.selected = Some(id);
    }

    pub(super) fn show(&mut self, screen: Screen) {
        (self.screen, self.overlay, self.help) = (screen, Overlay::None, None);
    }

    fn show_by(&mut self, by: usize) {
        let now = Screen::ALL.iter().position(|screen| *screen == self.screen).unwrap_or(0);
        self.show(Screen::ALL[(now + by) % Screen::ALL.len()]);
    }

    fn escape(&mut self) {
        if self.help.take().is_some() {
            return;
        }
        if self.overlay != Overlay::None {
            self.overlay = Overlay::None;
        } else if self.screen != Screen::Browse {
            self.screen = Screen::Browse;
        } else if !self.browse.filter.is_empty() {
            self.set_filter(String::new());
        }
    }

    pub(super) fn step(&mut self, step: Step) {
        if let Some(line) = self.help {
            let page = usize::from(self.shell().body.height).max(1);
            // The drawing stops at the last line, and so does the cursor on the way back.
            let last = keymap::sections().iter().map(|(_, rows)| rows.len() + 2).sum::<usize>();
            self.help = Some(moved(line, step, last, 1, page));
            return;
        }
        match (self.overlay, self.screen) {
            (Overlay::Picture(id), _) => self.step_picture(id, step),
            (Overlay::Pair { .. }, Screen::Neighbors) | (Overlay::None, Screen::Neighbors) => self.step_ranking(step),
            (Overlay::Pair { .. }, _) | (Overlay::None, Screen::Heatmap) => self.step_cell(step),
            (Overlay::None, Screen::Browse) => self.step_grid(step),
            (Overlay::None, Screen::Problems) => {
                self.problem.0 = moved(self.problem.0, step, self.skipped.len(), 1, self.list().page());
            }
        }
    }

    fn step_grid(&mut self, step: Step) {
        let grid = self.grid();
        let ids = &self.browse.ids;
        let now = self.selected.and_then(|id| self.browse.position(id)).unwrap_or(0);
        if let Some(id) = ids.get(moved(now, step, ids.len(), grid.columns, grid.page())) {
            self.select(*id);
        }
    }

    fn step_ranking(&mut self, step: Step) {
        self.ranking.cursor = moved(self.ranking.cursor, step, self.ranking.rows.len(), 1, self.ranks().page());
        if let (Overlay::Pair { .. }, Some(row), Some(col)) = (self.overlay, self.selected, self.ranking.focused()) {
            self.overlay = Overlay::Pair { row, col };
        }
    }

    fn step_cell(&mut self, step: Step) {
        let plot = self.plot();
        let (row, col) = (self.heat.position(self.selected), self.heat.position(self.heat.partner));
        let partition = plot.partition;
        let by = |now: usize, step: Step, fits: usize| match step {
            Step::First | Step::Last => moved(now, step, self.heat.len(), 1, fits),
            _ => {
                // The same place in its run, so that going out and back in again lands on the same picture.
                let within = now - partition.rows(partition.run(now)).start;
                let rows = partition.rows(moved(partition.run(now), step, partition.side(), 1, fits));
                (rows.start + within).min(rows.end.saturating_sub(1))
            }
        };
        let (row, col) = match step {
            Step::Left => (row, by(col, Step::Up, plot.fits.1)),
            Step::Right => (row, by(col, Step::Down, plot.fits.1)),
            // The corners of the table.
            Step::First | Step::Last => (by(row, step, plot.fits.0), by(col, step, plot.fits.1)),
            _ => (by(row, step, plot.fits.0), col),
        };
        self.place_cell(row, col);
    }

    /// Puts the cell cursor at a place of the row order.
    pub(super) fn place_cell(&mut self, row: usize, col: usize) {
        let (Some(row), Some(col)) = (self.heat.at(row), self.heat.at(col)) else { return };
        self.select(row);
        self.heat.partner = Some(col);
        if let Overlay::Pair { .. } = self.overlay {
            self.overlay = Overlay::Pair { row, col };
        }
    }

    /// The large view walks through the list that it was opened from.
    fn step_picture(&mut self, id: ImageId, step: Step) {
        if self.screen == Screen::Neighbors && self.selected != Some(id) {
            self.step_ranking(step);
            self.overlay = self.ranking.focused().map_or(Overlay::None, Overlay::Picture);
            return;
        }
        let step = match step {
            Step::Left => Step::Up,
            Step::Right => Step::Down,
            other => other,
        };
        let now = self.browse.position(id).unwrap_or(0);
        if let Some(id) = self.browse.ids.get(moved(now, step, self.browse.ids.len(), 1, 10)).copied() {
            self.select(id);
            self.overlay = Overlay::Picture(id);
        }
    }

    pub(super) fn open_neighbors(&mut self) {
        if self.screen == Screen::Neighbors && self.focused() == self.ranking.focused() {
            // A neighbor seen large or beside the query goes on the trail as it does from the list.
            self.overlay = Overlay::None;
            return self.follow();
        }
        if let Some(id) = self.focused() {
            self.select(id);
        }
        self.show(Screen::Neighbors);
    }

    pub(super) fn open_pair(&mut self) {
        let col = if self.screen == Screen::Neighbors { self.ranking.focused() } else { self.heat.partner };
        if let (Some(row), Some(col)) = (self.selected, col) {
            self.overlay = Overlay::Pair { row, col };
        }
    }

    pub(super) fn follow(&mut self) {
        let (Some(query), Some(next)) = (self.selected, self.ranking.focused()) else { return };
        self.ranking.trail.push(query);
        self.ranking.query = Some(next);
        self.ranking.clear();
        self.select(next);
    }

    fn go_back(&mut self) {
        let Some(query) = self.ranking.trail.pop() else {
            self.say(Severity::Info, "This is where the trail began.");
            return;
        };
        self.ranking.query = Some(query);
        self.ranking.clear();
        if self.index.contains(query) {
            self.select(query);
        }
    }

    fn swap(&mut self) {
        if let Overlay::Pair { row, col } = self.overlay {
            self.overlay = Overlay::Pair { row: col, col: row };
            if self.screen == Screen::Neighbors {
                return;
            }
        }
        if let (Some(row), Some(col)) = (self.selected, self.heat.partner) {
            self.select(col);
            self.heat.partner = Some(row);
        }
    }

    fn zoom(&mut self, out: bool) {
        let body = self.shell().body;
        if self.screen == Screen::Heatmap {
            self.heat.level = Some(self.heat.stepped(body, self.setup.depth, out));
        } else {
            self.browse.size = Grid::resized(body, self.browse.size, if out { -1 } else { 1 });
        }
    }

    fn toggle_metric(&mut self) {
        self.metric = self.metric.toggled();
        self.nearest.clear();
        self.rerank();
        if self.browse.sort == Sort::Similarity {
            self.resort();
        }
    }

    /// Makes the ranking anew without losing the cursor's picture.
    fn rerank(&mut self) {
        if let Some(comparison) = self.current_comparison().cloned() {
            self.ranking.rank(&comparison, self.metric);
        }
    }

    fn sort(&mut self) {
        self.browse.sort = self.browse.sort.cycled();
        self.browse.anchor = None;
        // An order by similarity comes with the comparison; until then the list stays as it is.
        if self.browse.sort != Sort::Similarity {
            self.resort();
        }
        let of = match (self.browse.sort, self.selected.and_then(|id| self.path(id))) {
            (Sort::Similarity, Some(path)) => {
                format!(" to {}", printable(path.file_name().unwrap_or_default()))
            }
            (Sort::Date, _) => ", newest first".to_owned(),
            _ => String::new(),
        };
        self.say(Severity::Info, format!("Sorted by {}{of}.", self.browse.sort.name()));
    }

    fn mark(&mut self) {
        if let Some(id) = self.focused()
            && !self.marks.remove(&id)
        {
            self.marks.insert(id);
        }
    }

    fn unmark_all(&mut self) {
        let count = self.marks.len();
        self.marks.clear();
        self.say(
            Severity::Info,
            if count == 0 { "Nothing was marked.".to_owned() } else { format!("{count} unmarked.") },
        );
    }

    fn copy(&mut self) -> Vec<Effect> {
        let path = match self.context() {
            keymap::Context::Problems => self.skipped.get(self.problem.0).map(|skipped| skipped.path.clone()),
            _ => self.focused().and_then(|id| self.path(id)),
        };
        let Some(path) = path.map(|path| path.to_string_lossy().into_owned()) else { return Vec::new() };
        self.say(Severity::Info, format!("Copied {}", printable(&path)));
        vec![Effect::Copy(path)]
    }

    fn open_export(&mut self) {
        if self.marks.is_empty() {
            self.say(Severity::Warning, "Nothing is marked yet: Space marks the picture under the cursor.");
        } else {
            self.prompt = Some(Prompt { purpose: Purpose::Export, text: EXPORT_FILE.to_owned() });
        }
    }

    fn open_filter(&mut self) {
        self.show(Screen::Browse);
        let purpose = Purpose::Filter { before: self.selected };
        self.prompt = Some(Prompt { purpose, text: self.browse.filter.clone() });
    }

    /// Pasted text goes into an open prompt. Anywhere else it is ignored: nobody means its letters as keys.
    pub(super) fn paste(&mut self, text: &str) -> Vec<Effect> {
        self.message = None;
        self.stir();
        let Some(mut prompt) = self.prompt.take() else { return Vec::new() };
        let typed = prompt.paste(text);
        self.typed(prompt, typed)
    }

    fn type_key(&mut self, key: KeyEvent) -> Vec<Effect> {
        let Some(mut prompt) = self.prompt.take() else { return Vec::new() };
        let typed = prompt.key(key);
        let filters = prompt.purpose != Purpose::Export;
        let effects = self.typed(prompt, typed);
        // Arrows and pages work while the filter is typed; letters are text.
        if filters
            && typed == Typed::Ignored
            && let Some(Action::Move(step)) = keymap::lookup(keymap::Context::Browse, key)
        {
            self.step(step);
        }
        effects
    }

    /// Carries out what was typed; the prompt is put back unless that ends it.
    fn typed(&mut self, prompt: Prompt, typed: Typed) -> Vec<Effect> {
        match (prompt.purpose, typed) {
            (Purpose::Filter { .. }, Typed::Accepted) | (Purpose::Export, Typed::GivenUp) => {}
            (Purpose::Filter { before }, Typed::GivenUp) => {
                self.set_filter(String::new());
                self.selected = before.or(self.selected);
            }
            (Purpose::Filter { .. }, Typed::Changed) => {
                self.set_filter(prompt.text.clone());
                let listed = self.selected.is_some_and(|id| self.browse.position(id).is_some());
                if !listed && let Some(first) = self.browse.ids.first() {
                    self.select(*first);
                }
                self.prompt = Some(prompt);
            }
            (Purpose::Export, Typed::Accepted) if !prompt.text.trim().is_empty() => {
                let job = Job::Export { paths: self.marked_paths(), to: prompt.text.trim().into() };
                return vec![Effect::Start(self.jobs.next(), job)];
            }
            (Purpose::Filter { .. }, Typed::Ignored) | (Purpose::Export, _) => self.prompt = Some(prompt),
        }
        Vec::new()
    }
}

/// A cursor in a list of `len`, laid out in rows of `columns`, after a step.
fn moved(now: usize, step: Step, len: usize, columns: usize, page: usize) -> usize {
    let last = len.saturating_sub(1);
    let half = (page / 2 / columns * columns).max(columns);
    let page = page.max(columns);
    let down = |by: usize| {
        // In a last row that is too short the cursor goes to its end, and stays in its column otherwise.
        let to = now.saturating_add(by);
        if to <= last || now / columns == last / columns { to.min(last.max(now)) } else { last }
    };
    let up = |by: usize| if now >= by { now - by } else { now % columns };
    let to = match step {
        Step::Up if columns == 1 => now.saturating_sub(1),
        Step::Up => up(columns),
        Step::Down if columns > 1 && now / columns == last / columns => now,
        Step::Down => down(columns),
        Step::Left if columns == 1 => now,
        Step::Right if columns == 1 => now,
        Step::Left => now.saturating_sub(1),
        Step::Right => now.saturating_add(1),
        Step::PageUp => up(page),
        Step::PageDown => down(page),
        Step::HalfUp => up(half),
        Step::HalfDown => down(half),
        Step::First => 0,
        Step::Last => last,
    };
    to.min(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_stay_in_the_list_and_in_their_column() {
        // 0 1 2
        // 3 4 5
        // 6
        for (now, step, then) in [
            (0, Step::Left, 0),
            (2, Step::Right, 3),
            (1, Step::Up, 1),
            (4, Step::Up, 1),
            (4, Step::Down, 6),
            (3, Step::Down, 6),
            (6, Step::Down, 6),
            (5, Step::Last, 6),
            (5, Step::First, 0),
            (6, Step::PageUp, 0),
            (1, Step::PageDown, 6),
            (5, Step::PageUp, 2),
        ] {
            assert_eq!(moved(now, step, 7, 3, 6), then, "{step:?} from {now}");
        }
        assert_eq!(moved(0, Step::Down, 0, 1, 0), 0);
        assert_eq!(moved(9, Step::PageDown, 10, 1, 5), 9);
    }
}
