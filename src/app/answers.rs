//! What the answers of the worker change.

use std::sync::Arc;

use super::{
    App, ModelInfo, Over, RunState, Severity, action::Screen, screens::Screens, shared::MadeLabels, why::Explanations,
};
use crate::{
    index::{
        Index, RowKind,
        progress::{Report, Summary},
    },
    printable::printable,
    similarity::Comparison,
    task::{JobEvent, JobId, Made, NamesKept, Outcome},
};

impl App {
    pub(super) fn answer(&mut self, JobEvent { job, outcome }: JobEvent) {
        match outcome {
            Outcome::Indexing(report) if self.awaited.is_index(job) => self.report(report),
            Outcome::Indexed(summary) if self.awaited.is_index(job) => self.indexed(summary),
            Outcome::Indexing(report) if self.awaited.is_other_index(job) => self.screens.models.report(report),
            Outcome::Indexed(summary) if self.awaited.is_other_index(job) => self.screens.models.indexed(summary.index),
            Outcome::Indexing(_) | Outcome::Indexed(_) | Outcome::LabelsKept => {}
            Outcome::Making(so_far) => self.take(job, so_far),
            Outcome::Made(made) => {
                self.take(job, made);
                self.awaited.made(job);
            }
            Outcome::Previewed(key, preview) => {
                let (columns, rows) = self.shared.display.size;
                self.previews.insert(key, preview, usize::from(columns) * usize::from(rows));
            }
            Outcome::Explained(explained) => self.explanations.take(job, explained),
            Outcome::IsRow(row) => {
                if self.awaited.end_outside(job) {
                    self.asked_with_row(row);
                }
            }
            Outcome::Embedded(outside) => {
                if self.awaited.end_outside(job) {
                    self.asked_with(outside);
                }
            }
            Outcome::Completed(completed) => self.completed(&completed),
            Outcome::Disposed(disposed) => self.disposed(&disposed),
            Outcome::Undone(undone) => self.undone(&undone),
            Outcome::Exported { to, paths } => {
                let plural = if paths == 1 { "" } else { "s" };
                self.say(Severity::Info, format!("Wrote {paths} path{plural} to {}", printable(&to)));
            }
            Outcome::Enrolled { folder, added } => {
                let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let gallery = printable(folder.parent().unwrap_or(&folder));
                let pictures = self.shared.counted(added);
                let faces = if self.shared.index.kind() == RowKind::Face { " --faces" } else { "" };
                self.say(Severity::Info, format!("Named {pictures} {name} for `lookalike live{faces}`, in {gallery}."));
            }
            Outcome::Named(NamesKept::OnDisk) => {}
            Outcome::Named(NamesKept::BesideOthers(aside)) => {
                let aside = printable(&aside);
                self.say(
                    Severity::Warning,
                    format!("The names before, of another version of lookalike or damaged, were set aside as {aside}."),
                );
            }
            Outcome::Named(NamesKept::Nowhere) => {
                self.say(Severity::Warning, "Named until you leave: names are kept with the index of one folder.");
            }
            Outcome::Failed(reason) => self.failed(job, reason),
        }
    }

    /// Gives what was made to whoever awaits it.
    fn take(&mut self, job: JobId, made: Made) {
        match (self.awaited.whose(job), made) {
            (None, _) => {}
            (Some(None), Made::Comparison(comparison)) => self.take_comparison(comparison),
            (Some(None), _) => {}
            (Some(Some(screen)), made) => {
                self.screens.at(screen).take(&self.shared, made);
                let made = &mut self.shared.made_labels;
                made.groups.clone_from(&self.screens.groups.labels);
                made.outliers = self.screens.outliers.found.as_ref().map(|found| Arc::clone(&found.labels));
                made.predictions = self.screens.labels.learned().map(|learned| Arc::clone(&learned.predicted));
            }
        }
    }

    fn take_comparison(&mut self, comparison: Arc<Comparison>) {
        // What is there already may know more: the same picture among more of those that it is compared with here.
        let knows_more = self.shared.current_comparison().is_some_and(|known| {
            known.query() == comparison.query()
                && known.len() > comparison.len()
                && self.shared.index.only_grew_since(known.made_of())
        });
        if !knows_more {
            self.shared.comparison = Some(comparison);
        }
    }

    fn report(&mut self, report: Report) {
        match report {
            Report::Model { name, dim, baseline, near_duplicate, device } => {
                self.shared.model =
                    Some(ModelInfo { name, dim, baseline, near_duplicate, device: device.unwrap_or_default() });
            }
            // They are for who makes graphs.
            Report::Graphs(_) => {}
            Report::Snapshot(index) => self.take_index(index),
            Report::Found(found) => self.shared.found = found,
            Report::Skipped(skipped) => self.shared.skipped = skipped,
            Report::Progress(progress) => self.shared.progress = Some(progress),
            Report::Note(note) => self.say(Severity::Warning, note),
        }
    }

    fn indexed(&mut self, summary: Summary) {
        self.awaited.indexed();
        (self.shared.run, self.shared.progress, self.shared.skipped) = (RunState::Done, None, summary.skipped);
        self.shared.found = Arc::default();
        self.take_index(summary.index);
        let faceless = self.shared.skipped.iter().filter(|skipped| skipped.has_no_face()).count();
        let skipped = self.shared.skipped.len() - faceless;
        let mut parts = Vec::new();
        for (count, what) in [
            (summary.added, "new"),
            (summary.renamed, "renamed"),
            (summary.removed, "gone"),
            (faceless, "without a face"),
            (skipped, "skipped"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        if !parts.is_empty() {
            let severity = if skipped == 0 { Severity::Info } else { Severity::Warning };
            self.say(severity, format!("Indexed in {:.1} s: {}.", summary.seconds, parts.join(", ")));
        }
        if let Some(named) = self.shared.opened_with.take() {
            let why = self
                .shared
                .skipped
                .iter()
                .find(|skipped| skipped.path == named)
                .map_or("hidden, left out, or no picture".to_owned(), |skipped| skipped.reason.clone());
            self.say(Severity::Warning, format!("{} is not among the pictures: {why}", printable(&named)));
        }
    }

    fn failed(&mut self, job: JobId, reason: String) {
        if self.awaited.was_given_up(job) {
            return;
        }
        if self.awaited.is_index(job) {
            self.awaited.indexed();
            (self.shared.run, self.shared.progress) = (RunState::Failed(reason.clone()), None);
            self.shared.found = Arc::default();
        }
        if self.awaited.is_other_index(job) {
            self.screens.models.failed(&reason);
        }
        if self.explanations.end(job) {
            self.over.retain(|over| !matches!(over, Over::Why(_)));
        }
        self.moves.failed(job);
        self.awaited.fail(job, &self.shared.index);
        self.say(Severity::Error, reason);
    }

    /// Takes a newer snapshot and keeps everything that is listed by id in step with it.
    pub(super) fn take_index(&mut self, index: Arc<Index>) {
        let shared = &mut self.shared;
        // Before the first picture there is nothing to forget, and what was seen of the files stays.
        if index.run() != shared.index.run() && !shared.index.is_empty() {
            // Another run began anew, and no id means what it meant.
            (shared.comparison, shared.selected, shared.made_labels) = (None, None, MadeLabels::default());
            shared.marks.clear();
            shared.unlike.clear();
            self.screens = Screens::default();
            self.over.clear();
            self.previews.clear();
            self.awaited.forget();
            self.explanations = Explanations::default();
        }
        let only_grew = index.only_grew_since(shared.index.state());
        shared.index = index;
        shared.folder_labels.follow_folders(&shared.index);
        if !only_grew {
            shared.marks.retain(|id| shared.index.contains(id));
            shared.unlike.retain(|id| shared.index.contains(id));
        }
        self.show_opened_with();
    }

    /// Shows the neighbors of the picture that the user named, once it is there: in place of the grid, and unless
    /// another picture was selected meanwhile.
    fn show_opened_with(&mut self) {
        if self.shared.is_touched() {
            self.shared.opened_with = None;
        }
        let Some(named) = &self.shared.opened_with else { return };
        if let Some(id) = self.shared.index.find(named) {
            self.shared.opened_with = None;
            self.shared.select(id);
            if self.screen == Screen::Browse && self.over.is_empty() {
                self.screen = Screen::Neighbors;
            }
        }
    }
}
