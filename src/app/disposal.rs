//! Moving the marked pictures away: nothing happens before the user has seen the list of them.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{App, Effect, Over, RunState, Severity, action::Step, keymap::Context};
use crate::{
    index::{ImageId, Index, RowKind},
    printable::printable,
    task::{Away, Disposed, Doomed, Job, JobId, Undone},
    text,
};

/// What was moved away since the explorer began, and what is being moved.
#[derive(Debug, Default)]
pub(super) struct Moves {
    /// The job that moves files now.
    job: Option<JobId>,
    /// The pictures that it is about.
    moving: Vec<ImageId>,
    /// The lists that undo what was moved, with its pictures, the newest last.
    lists: Vec<(PathBuf, Vec<ImageId>)>,
}

impl Moves {
    /// A job did not succeed; files move no longer if it was theirs.
    pub(super) fn failed(&mut self, job: JobId) {
        self.job.take_if(|moving| *moving == job);
    }

    fn begin(&mut self, job: JobId, moving: Vec<ImageId>) -> JobId {
        self.moving = moving;
        *self.job.insert(job)
    }

    /// The job is done; the pictures that it was about.
    fn end(&mut self) -> Vec<ImageId> {
        self.job = None;
        std::mem::take(&mut self.moving)
    }
}

/// The list of what is to be moved away, in front of the screen until the user decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disposal {
    /// The files, in the order of their paths.
    pub doomed: Arc<[Doomed]>,
    /// The pictures that these files are.
    ids: Arc<[ImageId]>,
    /// First visible line.
    pub first: usize,
    /// How many of them have no copy that stays.
    pub last_ones: usize,
}

impl Disposal {
    /// Bytes of all files together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.doomed.iter().map(|one| one.file.size).sum()
    }

    fn moved(&mut self, step: Step, page: usize) {
        self.first = step.moved(self.first, self.doomed.len(), 1, page.max(1));
    }
}

impl App {
    /// Shows what would be moved away.
    pub(super) fn open_disposal(&mut self) {
        if self.shared.run == RunState::Running {
            return self.say(Severity::Warning, "Pictures can be moved away when the indexing is done.");
        }
        if self.shared.index.kind() == RowKind::Face {
            return self.say(
                Severity::Warning,
                "A face is no reason for a picture to go: open the folder without --faces to move pictures away.",
            );
        }
        if self.moves.job.is_some() {
            return self.say(Severity::Warning, "Pictures are being moved: wait a moment.");
        }
        let mut ids: Vec<_> = self.shared.marks.iter().collect();
        if ids.is_empty() {
            let says = match self.focused() {
                Some(_) => "Nothing is marked yet[: {mark} marks, and {dispose} moves away what is marked].",
                None => "Nothing is marked yet[; {dispose} moves away what is marked].",
            };
            return self.tell(Severity::Warning, says);
        }
        ids.sort_by_cached_key(|id| self.shared.path(*id));
        let copies = self.screens.alike.found.as_ref().and_then(|found| found.copies.clone());
        let doomed: Arc<[_]> = Doomed::of(&self.shared.index, copies.as_deref(), &ids).into();
        let last_ones = doomed.iter().filter(|one| one.kept.is_none()).count();
        self.over.push(Over::Disposal(Disposal { doomed, ids: ids.into(), first: 0, last_ones }));
    }

    /// Moves what was shown away.
    pub(super) fn dispose(&mut self, away: Away) -> Vec<Effect> {
        let Some(Over::Disposal(disposal)) = self.over.pop_if(|over| matches!(over, Over::Disposal(_))) else {
            return Vec::new();
        };
        let doomed = disposal.doomed.to_vec();
        self.say(Severity::Info, format!("Moving {}…", text::counted(doomed.len(), "picture")));
        let job = self.moves.begin(self.awaited.next(), disposal.ids.to_vec());
        vec![Effect::Start(job, Job::Dispose { doomed, away })]
    }

    /// Brings back what was moved away last, of all that was since the explorer began.
    pub(super) fn undo(&mut self) -> Vec<Effect> {
        if self.moves.job.is_some() || self.shared.run == RunState::Running {
            self.say(Severity::Warning, "Wait a moment: pictures are being indexed or moved.");
            return Vec::new();
        }
        let Some((list, ids)) = self.moves.lists.pop() else {
            self.say(Severity::Info, "Nothing was moved away since you began: `lookalike undo` goes further back.");
            return Vec::new();
        };
        let job = self.moves.begin(self.awaited.next(), ids);
        vec![Effect::Start(job, Job::Undo { list })]
    }

    /// Where keys are pressed again when the list of what is to be moved away is closed.
    #[must_use]
    pub fn beneath_disposal(&self) -> Context {
        let is_above = |over: &Over| matches!(over, Over::Prompt(_) | Over::Help(_) | Over::Disposal(_));
        self.context_of(self.over.iter().rfind(|over| !is_above(over)))
    }

    pub(super) fn scroll_disposal(&mut self, step: Step) {
        let page = usize::from(self.shared.body().height).saturating_sub(4);
        if let Some(Over::Disposal(disposal)) = self.over.last_mut() {
            disposal.moved(step, page);
        }
    }

    pub(super) fn disposed(&mut self, disposed: &Disposed) {
        let moving = self.moves.end();
        let moved: HashSet<&Path> = disposed.moved.iter().map(|path| &**path).collect();
        let mut index = Index::clone(&self.shared.index);
        for id in &moving {
            if index.get(*id).is_some_and(|entry| moved.contains(&*entry.path())) {
                index.remove(*id);
            }
        }
        self.moves.lists.extend(disposed.list.clone().map(|list| (list, moving)));
        self.take_index(Arc::new(index));
        let pictures = text::counted(disposed.moved.len(), "picture");
        match disposed.refused.first() {
            None => {
                let then = match disposed.moved.len() {
                    1 => "[; {undo} brings it back].",
                    _ => "[; {undo} brings them back].",
                };
                let then = self.sentence(then);
                self.say(Severity::Info, format!("{pictures} moved away{then}"));
            }
            Some((path, why)) => {
                let stay = disposed.refused.len();
                self.say(Severity::Warning, format!("{pictures} moved away, {stay} not: {}: {why}", printable(path)));
            }
        }
    }

    pub(super) fn undone(&mut self, undone: &Undone) {
        let back: HashSet<&Path> = undone.back.iter().map(|path| &**path).collect();
        let mut index = Index::clone(&self.shared.index);
        let mut count = 0;
        for id in self.moves.end() {
            let entry = index.entry_even_if_removed(id).filter(|_| !index.contains(id));
            if entry.is_some_and(|entry| back.contains(&*entry.path())) {
                index.restore(id);
                count += 1;
            }
        }
        self.take_index(Arc::new(index));
        let pictures = text::counted(undone.back.len(), "picture");
        match undone.refused.first() {
            None if !undone.damaged.is_empty() => {
                let damage = undone.damage().unwrap_or_default();
                self.say(
                    Severity::Warning,
                    format!("{pictures} brought back; of the list of what was moved {damage}."),
                );
            }
            None if count < undone.back.len() => {
                self.say(
                    Severity::Info,
                    format!("{pictures} brought back; what this index does not know comes with the next start."),
                );
            }
            None => self.say(Severity::Info, format!("{pictures} brought back.")),
            Some((path, why)) => {
                let gone = undone.refused.len() + undone.damaged.len();
                self.say(Severity::Warning, format!("{pictures} brought back, {gone} not: {}: {why}", printable(path)));
            }
        }
    }
}
