//! The jobs that are under way, and what their answers change. An answer that is no longer awaited changes nothing.

use std::sync::Arc;

use super::{App, Effect, ModelInfo, Run, Severity, action::Screen};
use crate::{
    index::{
        Index, IndexState,
        progress::{Report, Summary},
    },
    printable::printable,
    similarity::{Comparison, Query, order::OrderKind},
    worker::{Job, JobEvent, JobId, Outcome},
};

/// Up to this many pictures a comparison is so quick that every step of the cursor may start one; with more it waits
/// until the cursor rests.
const QUICK: usize = 5_000;

/// What is awaited.
#[derive(Default)]
pub(super) struct Jobs {
    last: u64,
    index: Option<JobId>,
    compare: Option<(JobId, Query)>,
    order: Option<(JobId, OrderKind, Arc<Index>)>,
    /// With the index whose pictures are put in order for the grid.
    sort: Option<(JobId, Arc<Index>)>,
}

impl Jobs {
    /// A number that was never given to a job.
    pub(super) fn next(&mut self) -> JobId {
        self.last += 1;
        JobId(self.last)
    }

    /// The number of the indexing run.
    pub(super) fn index(&mut self) -> JobId {
        let job = self.next();
        self.index = Some(job);
        job
    }

    /// Whether this comparison is awaited.
    fn compares(&self, job: JobId) -> bool {
        self.compare.as_ref().is_some_and(|(id, _)| *id == job)
    }

    /// Whether the comparison at hand is to be followed by a better one for the same picture.
    pub(super) fn refines(&self, query: &Query) -> bool {
        self.compare.as_ref().is_some_and(|(_, coming)| coming == query)
    }
}

impl App {
    pub(super) fn job(&mut self, JobEvent { job, outcome }: JobEvent) {
        match outcome {
            Outcome::Indexing(report) if self.jobs.index == Some(job) => self.report(report),
            Outcome::Indexed(outcome) if self.jobs.index == Some(job) => self.indexed(outcome),
            Outcome::Comparing(so_far) if self.jobs.compares(job) => {
                // What is there already may know more: the same picture among fewer.
                if self.current_comparison().is_none_or(|made| made.len() < so_far.len()) {
                    self.take_comparison(so_far);
                }
            }
            Outcome::Compared(comparison) if self.jobs.compares(job) => {
                self.jobs.compare = None;
                self.take_comparison(comparison);
            }
            Outcome::Ordered(order) => {
                if let Some((_, _, index)) = self.jobs.order.take_if(|(id, ..)| *id == job) {
                    self.heat.take(index, order);
                }
            }
            Outcome::Sorted(ids) => {
                if let Some((_, then)) = self.jobs.sort.take_if(|(id, _)| *id == job) {
                    self.browse.take_sorted(ids, &then, &self.index, self.metric);
                }
            }
            Outcome::Previewed(key, preview) => {
                let (columns, rows) = self.setup.size;
                self.previews.insert(key, preview, usize::from(columns) * usize::from(rows));
            }
            Outcome::Exported { to, paths } => {
                let plural = if paths == 1 { "" } else { "s" };
                self.say(Severity::Info, format!("Wrote {paths} path{plural} to {}", printable(&to)));
            }
            Outcome::Failed(reason) => self.failed(job, reason),
            Outcome::Indexing(_) | Outcome::Indexed(_) | Outcome::Comparing(_) | Outcome::Compared(_) => {}
        }
    }

    fn take_comparison(&mut self, comparison: Arc<Comparison>) {
        self.comparison = Some(comparison);
        self.nearest.clear();
        // The same query in a larger index keeps the cursor's picture.
        if let Some(comparison) = self.current_comparison().cloned() {
            self.ranking.rank(&comparison, self.metric);
        }
    }

    fn report(&mut self, report: Report) {
        match report {
            Report::Model { name, dim, baseline, device } => {
                self.model = Some(ModelInfo { name, dim, baseline, device: device.unwrap_or_default() });
            }
            Report::Snapshot(index) => self.take_index(index),
            Report::Skipped(skipped) => self.skipped = skipped,
            Report::Progress(progress) => self.progress = Some(progress),
            Report::Note(note) => self.say(Severity::Warning, note),
        }
    }

    fn indexed(&mut self, outcome: Summary) {
        (self.run, self.progress, self.skipped) = (Run::Done, None, outcome.skipped);
        self.jobs.index = None;
        self.take_index(outcome.index);
        let mut parts = Vec::new();
        for (count, what) in [
            (outcome.added, "new"),
            (outcome.renamed, "renamed"),
            (outcome.removed, "gone"),
            (self.skipped.len(), "skipped"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        if !parts.is_empty() {
            let severity = if self.skipped.is_empty() { Severity::Info } else { Severity::Warning };
            self.say(severity, format!("Indexed in {:.1} s: {}.", outcome.seconds, parts.join(", ")));
        }
    }

    fn failed(&mut self, job: JobId, reason: String) {
        if self.jobs.index == Some(job) {
            self.jobs.index = None;
            (self.run, self.progress) = (Run::Failed(reason.clone()), None);
        }
        // A comparison or an order that failed stays noted as asked for: asked again at once it would fail again.
        self.say(Severity::Error, reason);
    }

    /// Takes a newer snapshot and keeps everything that is listed by id in step with it.
    fn take_index(&mut self, index: Arc<Index>) {
        if index.run() != self.index.run() {
            // Another run began anew, and no id means what it meant.
            self.marks.clear();
            self.ranking.trail.clear();
            self.ranking.clear();
            self.previews.clear();
            (self.comparison, self.selected, self.heat.order, self.heat.partner) = (None, None, None, None);
            (self.jobs.compare, self.jobs.order) = (None, None);
        }
        if !index.only_grew_since(self.index.state()) {
            // A list that a worker is putting in order has other pictures now.
            self.jobs.sort = None;
        }
        self.index = index;
        self.groups.grow(&self.index);
        self.browse.grow(&self.index, self.metric);
        self.marks.retain(|id| self.index.contains(*id));
        self.ranking.trail.retain(|id| self.index.contains(*id));
    }

    /// Puts the grid's list in another order.
    pub(super) fn resort(&mut self) {
        self.jobs.sort = None;
        self.browse.resort(&self.index, self.metric);
    }

    /// Shows other pictures in the grid.
    pub(super) fn set_filter(&mut self, filter: String) {
        self.jobs.sort = None;
        self.browse.set_filter(&self.index, filter, self.metric);
    }

    /// Starts the comparison and the orders that the screen needs and nobody is making yet.
    pub(super) fn settle_jobs(&mut self, effects: &mut Vec<Effect>) {
        self.settle_list(effects);
        if let Some(query) = self.wanted_comparison() {
            let id = self.jobs.next();
            self.jobs.compare = Some((id, query.clone()));
            effects.push(Effect::Start(id, Job::Compare { index: Arc::clone(&self.index), query }));
        }
        if self.wants_order() {
            let (id, kind, index) = (self.jobs.next(), self.heat.kind, Arc::clone(&self.index));
            self.jobs.order = Some((id, kind, Arc::clone(&index)));
            effects.push(Effect::Start(id, Job::Order { index, kind }));
        }
    }

    fn settle_list(&mut self, effects: &mut Vec<Effect>) {
        if self.browse.is_unsorted() && self.jobs.sort.is_none() {
            let (id, index) = (self.jobs.next(), Arc::clone(&self.index));
            self.jobs.sort = Some((id, Arc::clone(&index)));
            let (ids, sorting) = (self.browse.ids.clone(), self.browse.sorting(self.metric));
            effects.push(Effect::Start(id, Job::Sort { index, ids, sorting }));
        }
    }

    fn wanted_comparison(&self) -> Option<Query> {
        let query = Query::Image(self.selected?);
        let coming = self.jobs.refines(&query);
        let current = self.current_comparison().is_some_and(|made| self.covers(made.made_of(), made.len()));
        let moment = self.rested || self.index.len() <= QUICK;
        (!coming && !current && moment).then_some(query)
    }

    fn wants_order(&self) -> bool {
        if self.screen != Screen::Heatmap || self.index.is_empty() {
            return false;
        }
        let coming = self.jobs.order.as_ref();
        let made = self.heat.order.as_ref();
        if coming.is_some_and(|(_, kind, _)| *kind == self.heat.kind) {
            return false;
        }
        made.is_none_or(|order| {
            order.kind != self.heat.kind || !self.covers(self.heat.ordered.state(), self.heat.ordered.table_len())
        })
    }

    /// Whether something that was made of an index with `rows` rows is good enough for what the index is now: while
    /// indexing goes on, nothing is remade for the sake of a few per cent of new rows.
    fn covers(&self, made_of: IndexState, rows: usize) -> bool {
        let now = self.index.table_len();
        made_of == self.index.state()
            || (self.run == Run::Running && self.index.only_grew_since(made_of) && now > QUICK && now - rows < now / 20)
    }

    /// Asks for the pictures that the screen shows and that are not there yet.
    pub(super) fn settle_previews(&mut self, effects: &mut Vec<Effect>) {
        if self.setup.previews_on_rest && !self.rested {
            return;
        }
        let mut wanted: Vec<_> = self.slots().iter().map(super::previews::Slot::key).collect();
        if !self.setup.previews_on_rest {
            wanted.extend(self.upcoming());
        }
        if let Some(wanted) = self.previews.want(wanted) {
            let job = Job::Previews { index: Arc::clone(&self.index), wanted };
            effects.push(Effect::Start(self.jobs.next(), job));
        }
    }
}
