//! Heatmap: every pair at once, in some order of rows, with a cursor on one cell.

use std::sync::Arc;

use crate::{
    app::{
        RunState,
        action::{Action, Step},
        binding::{self, Binding, bind},
        layout::{self, Area},
        previews::Slot,
        room::{Acted, Room},
        shared::Shared,
    },
    display::Depth,
    index::{ImageId, Index, IndexState, filter::Filter, labels::Labels},
    order::{Order, OrderKind},
    similarity::{Block, Comparison, Extremes, Metric, Partition, RowOrder, View, Window, window},
    task::{Made, Task},
};

mod groups;
mod names;
mod panel;
mod plot;
mod scale;
mod steps;

pub use self::{
    groups::NamedRows,
    names::Names,
    panel::Panel,
    plot::{Cell, Plot},
    scale::{Ramp, Scale},
    steps::Steps,
};

/// The Heatmap screen.
#[derive(Default)]
pub struct Heatmap {
    /// The row order wanted.
    pub kind: OrderKind,
    /// For [`OrderKind::Likeness`]: to what, once that is known.
    pub anchor: Option<Arc<Comparison>>,
    /// The rows in the newest order that was made.
    pub rows: Option<Rows>,
    /// The rows under one name each, in their order.
    pub groups: Vec<NamedRows>,
    /// The labels that they are named by.
    named_by: Option<Arc<Labels>>,
    /// How its rows and columns are named.
    pub names: Names,
    /// The zoom level; `None` shows everything.
    pub level: Option<u32>,
    /// The picture of the cursor's column; its row is the selection.
    pub partner: Option<ImageId>,
    /// First visible cell, down and across.
    pub first: (usize, usize),
    /// The values on the screen.
    pub shown: Option<(Metric, Window)>,
    /// How values become colors.
    pub scale: Scale,
    /// The color ramp on the screen.
    pub ramp: Ramp,
    /// The newest block whose most and least alike pair were found, and the index in which.
    found: Option<(Block, IndexState, Option<Extremes>)>,
    /// The means of the overview in rising order, by metric: the first and the last are what the ends of the ramp come to
    /// when all is zoomed out.
    overview: [Option<Vec<f32>>; 2],
}

/// Rows in an order, and the index that they were taken from.
pub struct Rows {
    /// What let them through.
    pub filter: Filter,
    /// Which order.
    pub order: Order,
    /// The pictures.
    pub index: Arc<Index>,
    /// The rows.
    pub rows: Arc<RowOrder>,
}

/// Cells a side of the overview from which the ends of the ramp are taken.
const OVERVIEW: usize = 40;

impl Heatmap {
    /// Rows of the table.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.as_ref().map_or(0, |made| made.rows.len())
    }

    /// Whether there is no table.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where a picture stands; the first place for one that is not in the order yet.
    #[must_use]
    pub fn position(&self, id: Option<ImageId>) -> usize {
        id.and_then(|id| self.rows.as_ref()?.rows.position(id)).unwrap_or(0)
    }

    /// The picture at a place.
    #[must_use]
    pub fn at(&self, position: usize) -> Option<ImageId> {
        self.rows.as_ref()?.rows.ids.get(position).copied()
    }

    /// The cursor's cell.
    #[must_use]
    pub fn cursor(&self, selected: Option<ImageId>, partition: Partition) -> (usize, usize) {
        (partition.run(self.position(selected)), partition.run(self.position(self.partner)))
    }

    /// The group that a row is in.
    #[must_use]
    pub fn group(&self, row: usize) -> Option<usize> {
        let at = self.groups.partition_point(|group| group.rows.end <= row);
        self.groups.get(at).filter(|group| group.rows.contains(&row)).map(|_| at)
    }

    /// Names the groups of the rows by the labels that color them.
    fn name_groups(&mut self, kind: OrderKind, rows: &RowOrder, shared: &Shared) {
        self.groups = NamedRows::of(kind, rows, shared.labels());
        self.named_by = shared.coloring_labels().cloned();
    }

    /// Goes to the first pair of the next group or the one before, round and round.
    fn jump(&mut self, shared: &mut Shared, back: bool) -> Option<String> {
        let row = self.position(shared.selected);
        let after = self.groups.partition_point(|group| group.rows.start <= row);
        let before = self.groups.partition_point(|group| group.rows.end <= row);
        let at = if back { before.checked_sub(1) } else { Some(after) };
        let round = if back { self.groups.len().checked_sub(1)? } else { 0 };
        let at = at.filter(|at| *at < self.groups.len()).unwrap_or(round);
        let group = self.groups.get(at)?;
        let (first, pictures) = (group.rows.start, shared.counted(group.rows.len()));
        let name = group.name(shared.labels(), shared.metric);
        let second = (first + 1).min(group.rows.end - 1);
        self.place(shared, first, second);
        Some(format!("{name}: {pictures}, {} of {}.", at + 1, self.groups.len()))
    }

    /// How the body is divided.
    #[must_use]
    pub fn plot(&self, shared: &Shared, body: Area) -> Plot {
        self.plot_at(body, self.level, shared.display.depth)
    }

    /// The order wanted; `None` while it is not known what the pictures are to be like.
    fn order(&self, shared: &Shared) -> Option<Order> {
        let likeness = self.anchor.clone().map(|anchor| (anchor, shared.metric));
        Order::of(self.kind, likeness, shared.made_labels.groups.as_ref())
    }

    /// Puts the rows into an order from now on.
    pub fn order_by(&mut self, kind: OrderKind) {
        (self.kind, self.anchor) = (kind, None);
    }

    /// Puts the cell cursor at a place of the row order.
    fn place(&mut self, shared: &mut Shared, row: usize, col: usize) {
        let (Some(row), Some(col)) = (self.at(row), self.at(col)) else { return };
        shared.select(row);
        self.partner = Some(col);
    }

    fn plot_at(&self, body: Area, level: Option<u32>, depth: Depth) -> Plot {
        Plot::new(body, self.len(), self.names.columns, level, depth)
    }

    /// Goes a level in or out, so far as there is one; out of what fits there is nothing more to see. The cell under the
    /// cursor stays where it is on the screen, so far as the edges of the table let it. Returns whether anything changed.
    fn zoom(&mut self, shared: &Shared, body: Area, out: bool) -> bool {
        let depth = shared.display.depth;
        let before = self.plot(shared, body);
        let level = match (out, self.level) {
            (true, None) => None,
            (true, Some(level)) => Some(level + 1).filter(|level| !self.plot_at(body, Some(*level), depth).shows_all()),
            (false, level) => before.level.checked_sub(1).or(level),
        };
        if level == self.level {
            return false;
        }
        self.level = level;
        let after = self.plot(shared, body);
        let (was, is) = (self.cursor(shared.selected, before.partition), self.cursor(shared.selected, after.partition));
        // Names may take more room than before.
        let moved = after.cells.x.saturating_sub(before.cells.x);
        let first = |cursor: usize, first: usize, was: usize, [old, new]: [Steps; 2], moved: u16| {
            cursor.saturating_sub(new.at(old.edge(was.saturating_sub(first)).saturating_sub(moved)))
        };
        self.first = (
            first(is.0, self.first.0, was.0, [before.down, after.down], 0),
            first(is.1, self.first.1, was.1, [before.across, after.across], moved),
        );
        true
    }

    /// Keeps the cursor in view and the window's values those of the view. Bounded work: cells on the screen.
    fn keep_in_view(&mut self, plot: &Plot, selected: Option<ImageId>, metric: Metric) {
        let Some(Rows { index, rows, .. }) = &self.rows else { return };
        let (index, rows) = (Arc::clone(index), Arc::clone(rows));
        let total = plot.partition.side();
        let cursor = self.cursor(selected, plot.partition);
        self.first = (
            layout::scroll(self.first.0, cursor.0, plot.fits.0, total),
            layout::scroll(self.first.1, cursor.1, plot.fits.1, total),
        );
        let end = |first: usize, fits: usize| (first + fits).min(total);
        let view = View {
            side: total,
            rows: self.first.0..end(self.first.0, plot.fits.0),
            cols: self.first.1..end(self.first.1, plot.fits.1),
        };
        if self.shown.as_ref().is_none_or(|(shown, window)| *shown != metric || window.view != view) {
            self.shown = Some((metric, window(&index, &rows, metric, &view)));
            self.ramp = self.ramp_at(&index, &rows, metric, plot.partition);
        }
    }

    /// The ends of the ramp for cells of this size. Means lie closer together than single values, the more so the more
    /// they are the mean of; the ends come closer with them, so that panning never changes what a color means.
    fn ramp_at(&mut self, index: &Index, order: &RowOrder, metric: Metric, partition: Partition) -> Ramp {
        let pairs = order.range(metric);
        let by_rank = self.scale == Scale::Quantiles;
        let ramp = |own: (f32, f32), knots: &[f32]| Ramp {
            range: self.scale.ends(metric, own),
            knots: if by_rank { knots.to_vec() } else { Vec::new() },
        };
        let overview = Partition::new(order.len(), OVERVIEW);
        if partition.is_single() || overview.is_single() {
            return ramp(pairs, order.quantiles(metric));
        }
        let means = self.overview[metric as usize].get_or_insert_with(|| {
            let all = View { side: OVERVIEW, rows: 0..OVERVIEW, cols: 0..OVERVIEW };
            let values = window(index, order, metric, &all).values.into_iter().enumerate();
            let data = values.filter(|(at, _)| !overview.is_itself(at / OVERVIEW, at % OVERVIEW));
            let mut means: Vec<_> = data.map(|(_, value)| value).filter(|value| !value.is_nan()).collect();
            means.sort_unstable_by(f32::total_cmp);
            means
        });
        let (Some(low), Some(high)) = (means.first(), means.last()) else { return ramp(pairs, &[]) };
        // Nothing to tell apart: keep the ends of the single values.
        if high - low <= high.abs() * 1e-4 {
            return ramp(pairs, means);
        }
        let rows = |partition: Partition| (order.len() as f32 / partition.side() as f32).ln();
        let share = (rows(partition) / rows(overview)).min(1.0);
        ramp((pairs.0 + (low - pairs.0) * share, pairs.1 + (high - pairs.1) * share), means)
    }

    /// The block under the cursor; `None` where a cell is one pair.
    #[must_use]
    pub fn block(&self, shared: &Shared) -> Option<Block> {
        let plot = self.plot(shared, shared.body());
        let Rows { rows, .. } = self.rows.as_ref().filter(|_| !plot.partition.is_single())?;
        let (row, col) = self.cursor(shared.selected, plot.partition);
        let of = |run| plot.partition.rows(run);
        let block = Block { metric: shared.metric, order: Arc::clone(rows), rows: of(row), cols: of(col) };
        // Where blocks differ in length, one of them may be a single pair.
        (block.rows.len() > 1 || block.cols.len() > 1).then_some(block)
    }

    /// The most and the least alike pair of the block under the cursor, once they are known.
    #[must_use]
    pub fn extremes(&self, shared: &Shared) -> Option<Extremes> {
        let (found_in, _, found) = self.found.as_ref()?;
        found.filter(|_| self.block(shared).is_some_and(|block| block == *found_in))
    }

    /// The pair that is shown beside the table: that of the cursor's cell; of a block the most alike one, once it is known.
    #[must_use]
    pub fn shown_pair(&self, shared: &Shared) -> Option<[ImageId; 2]> {
        let pair = match self.block(shared) {
            None => [shared.selected?, self.partner?],
            Some(_) => self.extremes(shared)?.best.0,
        };
        pair.iter().all(|id| shared.index.contains(*id)).then_some(pair)
    }

    /// The mean of the block under the cursor: `Some(None)` where a cell is one pair, `None` where there is no cell.
    #[must_use]
    pub fn block_mean(&self, shared: &Shared) -> Option<Option<f32>> {
        let (_, window) = self.shown.as_ref()?;
        let plot = self.plot(shared, shared.body());
        let (row, col) = self.cursor(shared.selected, plot.partition);
        if self.block(shared).is_none() { Some(None) } else { window.get(row, col).map(Some) }
    }
}

/// Whether, while indexing goes on, so few pictures came since as come in a second: more often the table is not laid out
/// anew, which over a slow line would take half of it.
fn is_fresh(shared: &Shared, then: &Index) -> bool {
    let pace = shared.progress.filter(|_| shared.run == RunState::Running).map_or(0.0, |now| now.per_second);
    let fresh = shared.index.id_bound().saturating_sub(then.id_bound());
    shared.index.only_grew_since(then.state()) && (fresh as f32) < pace
}

const KEYS: &[Binding] = &[
    bind("Enter", Action::OpenPair),
    binding::METRIC,
    bind("b", Action::OpenBest),
    bind("o", Action::Order),
    bind("c", Action::Scale),
    binding::ZOOM_IN,
    binding::ZOOM_OUT,
    binding::ZOOM_FIT,
    bind("]", Action::NextGroup),
    bind("[", Action::PreviousGroup),
    bind("n", Action::OpenNeighbors),
    binding::SWAP,
    binding::WHY,
];

impl Room for Heatmap {
    fn keys(&self) -> &'static [Binding] {
        KEYS
    }

    fn step(&mut self, shared: &mut Shared, body: Area, step: Step) {
        let plot = self.plot(shared, body);
        let (row, col) = (self.position(shared.selected), self.position(self.partner));
        let partition = plot.partition;
        let by = |now: usize, step: Step, fits: usize| match step {
            Step::First | Step::Last => step.moved(now, self.len(), 1, fits),
            _ => {
                // The same place in its run, so that going out and back in again lands on the same picture.
                let within = now - partition.rows(partition.run(now)).start;
                let rows = partition.rows(step.moved(partition.run(now), partition.side(), 1, fits));
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
        self.place(shared, row, col);
    }

    fn click(&mut self, shared: &mut Shared, body: Area, at: (u16, u16)) -> Option<Action> {
        let plot = self.plot(shared, body);
        let (row, col) = plot.hit(at)?;
        let cell = (row + self.first.0, col + self.first.1);
        if self.cursor(shared.selected, plot.partition) == cell {
            return Some(Action::OpenPair);
        }
        let (rows, cols) = (plot.partition.rows(cell.0), plot.partition.rows(cell.1));
        if !rows.is_empty() && !cols.is_empty() {
            self.place(shared, rows.start, cols.start);
        }
        None
    }

    fn act(&mut self, shared: &mut Shared, body: Area, action: Action) -> Acted {
        match action {
            Action::Order => {
                (self.kind, self.anchor) = (self.kind.cycled(shared.made_labels.groups.is_some()), None);
                return Acted::Says(format!("Rows ordered by {}.", self.kind.name()));
            }
            Action::ZoomIn if !self.zoom(shared, body, false) => {
                return Acted::Says("These are the largest cells.".to_owned());
            }
            Action::ZoomOut if !self.zoom(shared, body, true) => {
                return Acted::Says("All pairs are in view.".to_owned());
            }
            Action::ZoomIn | Action::ZoomOut => {}
            Action::ZoomFit => self.level = None,
            Action::Scale => {
                (self.scale, self.shown) = (self.scale.cycled(), None);
                return Acted::Says(self.scale.sentence().to_owned());
            }
            // A block is opened by looking into it.
            Action::OpenPair if self.block(shared).is_some() => drop(self.zoom(shared, body, false)),
            Action::OpenBest if self.block(shared).is_some() => match self.extremes(shared) {
                Some(found) => {
                    shared.select(found.best.0[0]);
                    self.partner = Some(found.best.0[1]);
                    return Acted::No;
                }
                None => return Acted::Says("The best pair is not known yet.".to_owned()),
            },
            Action::NextGroup | Action::PreviousGroup => {
                let none = || "There are no groups in this order.".to_owned();
                return Acted::Says(self.jump(shared, action == Action::PreviousGroup).unwrap_or_else(none));
            }
            Action::Swap => {
                if let (Some(row), Some(col)) = (shared.selected, self.partner) {
                    shared.select(col);
                    self.partner = Some(row);
                }
            }
            _ => return Acted::No,
        }
        Acted::Yes
    }

    fn hint(&self, shared: &Shared, action: Action) -> Option<&'static str> {
        let is_useful = match action {
            // Few enough cells are as large as can be.
            Action::ZoomIn => self.plot(shared, shared.body()).level > 0,
            Action::NextGroup => self.groups.len() > 1,
            Action::OpenBest | Action::Swap | Action::Why => self.len() > 1,
            _ => true,
        };
        is_useful.then(|| action.hint())
    }

    fn focused(&self, shared: &Shared) -> Option<ImageId> {
        self.shown_pair(shared).map(|[row, _]| row).or(shared.selected)
    }

    fn pair(&self, shared: &Shared) -> Option<[ImageId; 2]> {
        Some([shared.selected?, self.partner?])
    }

    fn slots(&self, shared: &Shared, body: Area) -> Vec<Slot> {
        let panel = Panel::of(&self.plot(shared, body), shared.is_remote);
        let (Some(panel), false) = (panel, self.is_empty()) else { return Vec::new() };
        let Some([row, col]) = self.shown_pair(shared) else { return Vec::new() };
        vec![Slot::new(row, panel.row).fleeting(), Slot::new(col, panel.col).fleeting()]
    }

    fn wants(&self, shared: &Shared) -> Option<Task> {
        let order = self.order(shared).filter(|_| !shared.index.is_empty())?;
        let current = self.rows.as_ref().is_some_and(|made| {
            made.order == order
                && made.filter == shared.filter
                && (shared.covers(made.rows.made_of(), made.index.id_bound()) || is_fresh(shared, &made.index))
        });
        if !current {
            return Some(Task::Order(shared.filter.clone(), order));
        }
        let block = self.block(shared)?;
        let known = self
            .found
            .as_ref()
            .is_some_and(|(found_in, state, _)| *found_in == block && *state == shared.index.state());
        (!known).then_some(Task::Block(block))
    }

    fn take(&mut self, shared: &Shared, made: Made) {
        if let Made::Block(block, found) = made {
            self.found = Some((block, shared.index.state(), found));
        } else if let Made::Order(filter, order, index, rows) = made {
            if let (Some(to), Some(anchor)) = (order.anchor(), &mut self.anchor)
                && to.query() == anchor.query()
            {
                *anchor = Arc::clone(to);
            }
            self.names = Names::of(&index, &rows);
            self.name_groups(order.kind(), &rows, shared);
            self.rows = Some(Rows { filter, order, index, rows });
            (self.shown, self.overview) = (None, [None, None]);
        }
    }

    fn refresh(&mut self, shared: &mut Shared, body: Area) {
        if shared.index.is_empty() {
            (self.rows, self.shown, self.partner) = (None, None, None);
        }
        if shared.coloring_labels().map(Arc::as_ptr) != self.named_by.as_ref().map(Arc::as_ptr)
            && let Some((kind, rows)) = self.rows.as_ref().map(|made| (made.order.kind(), Arc::clone(&made.rows)))
        {
            self.name_groups(kind, &rows, shared);
        }
        if self.kind == OrderKind::Likeness && self.anchor.is_none() && !shared.comparing {
            self.anchor = shared.current_comparison().cloned();
        }
        // A filter may leave the cursor's row or column out.
        let listed = |id: ImageId| self.rows.as_ref().is_some_and(|made| made.rows.position(id).is_some());
        let narrowed = self.rows.as_ref().is_some_and(|made| !made.filter.is_empty() && made.filter == shared.filter);
        if narrowed
            && !shared.selected.is_some_and(listed)
            && let Some(first) = self.at(0)
        {
            shared.select(first);
        }
        let gone = |id: ImageId| !shared.index.contains(id) || (narrowed && !listed(id));
        if self.partner.is_none_or(gone) && !self.is_empty() {
            // A cell beside the diagonal says more than one on it.
            let row = self.position(shared.selected);
            self.partner = self.at(row + 1).or_else(|| self.at(row.saturating_sub(1))).or(shared.selected);
        }
        let plot = self.plot(shared, body);
        self.keep_in_view(&plot, shared.selected, shared.metric);
    }
}
