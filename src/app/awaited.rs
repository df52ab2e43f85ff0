//! The jobs that are under way. An answer that is no longer awaited changes nothing.

use std::sync::Arc;

use super::{Effect, action::Screen};
use crate::{
    index::{Index, IndexState},
    task::{Job, JobId, Lane, Task},
};

/// What is awaited: the indexing runs, the picture from elsewhere to ask with, and the newest task of each lane.
#[derive(Default)]
pub(super) struct Awaited {
    last: u64,
    index: Option<JobId>,
    other_index: Option<JobId>,
    given_up: Vec<JobId>,
    outside: Option<JobId>,
    lanes: [Option<Making>; Lane::ALL.len()],
}

/// A task under way.
struct Making {
    job: JobId,
    task: Task,
    /// For whom; nothing for what all screens show.
    screen: Option<Screen>,
    /// The index with which it failed: asked again at once it would fail again.
    failed: Option<IndexState>,
}

impl Awaited {
    /// A number that was never given to a job.
    pub(super) fn next(&mut self) -> JobId {
        self.last += 1;
        JobId(self.last)
    }

    /// The number of a new indexing run, which takes the place of an older one.
    pub(super) fn index(&mut self) -> JobId {
        let job = self.next();
        self.index = Some(job);
        job
    }

    /// Whether this is the indexing run that is awaited.
    pub(super) fn is_index(&self, job: JobId) -> bool {
        self.index == Some(job)
    }

    /// The number of a new indexing run by another model.
    pub(super) fn other_index(&mut self) -> JobId {
        let job = self.next();
        self.other_index = Some(job);
        job
    }

    /// Whether this is the indexing run by another model that is awaited.
    pub(super) fn is_other_index(&self, job: JobId) -> bool {
        self.other_index == Some(job)
    }

    /// Nobody waits for the other model's index any more.
    pub(super) fn give_up_other_index(&mut self) {
        self.given_up.extend(self.other_index.take());
    }

    /// Whether this is the job of an index that was given up.
    pub(super) fn was_given_up(&self, job: JobId) -> bool {
        self.given_up.contains(&job)
    }

    /// The number of a job that looks at a picture from elsewhere, in place of an older one.
    pub(super) fn outside(&mut self) -> JobId {
        let job = self.next();
        self.outside = Some(job);
        job
    }

    /// A job has ended; whether it is the one that looked at the picture from elsewhere that is awaited.
    pub(super) fn end_outside(&mut self, job: JobId) -> bool {
        self.outside.take_if(|awaited| *awaited == job).is_some()
    }

    /// The indexing run has ended.
    pub(super) fn indexed(&mut self) {
        self.index = None;
    }

    /// Whether this very task is under way.
    pub(super) fn awaits(&self, task: &Task) -> bool {
        let making = self.lanes[task.lane() as usize].as_ref();
        making.is_some_and(|making| making.task == *task && making.failed.is_none())
    }

    /// Whether this very task has failed with the index as it is.
    fn has_failed(&self, task: &Task, index: &Index) -> bool {
        let making = self.lanes[task.lane() as usize].as_ref();
        making.is_some_and(|making| making.task == *task && making.failed == Some(index.state()))
    }

    /// A task has failed.
    pub(super) fn fail(&mut self, job: JobId, index: &Index) {
        if let Some(making) = self.lanes.iter_mut().flatten().find(|making| making.job == job) {
            making.failed = Some(index.state());
        }
    }

    /// Starts a task, in place of what its lane awaits, unless it is under way already.
    pub(super) fn want(&mut self, screen: Option<Screen>, task: Task, index: &Arc<Index>) -> Option<Effect> {
        if self.awaits(&task) || self.has_failed(&task, index) {
            return None;
        }
        let job = self.next();
        self.lanes[task.lane() as usize] = Some(Making { job, task: task.clone(), screen, failed: None });
        Some(Effect::Start(job, Job::Make { index: Arc::clone(index), task }))
    }

    /// For whom a task is made; `None` when nobody awaits it.
    pub(super) fn whose(&self, job: JobId) -> Option<Option<Screen>> {
        self.lanes.iter().flatten().find(|making| making.job == job).map(|making| making.screen)
    }

    /// A task is done.
    pub(super) fn made(&mut self, job: JobId) {
        for lane in &mut self.lanes {
            lane.take_if(|making| making.job == job);
        }
    }

    /// Forgets what is made for a screen; returns the lanes in which it is under way.
    pub(super) fn stop(&mut self, screen: Screen) -> Vec<Lane> {
        let mut stopped = Vec::new();
        for lane in Lane::ALL {
            let making = &mut self.lanes[lane as usize];
            if making.take_if(|making| making.screen == Some(screen) && making.failed.is_none()).is_some() {
                stopped.push(lane);
            }
        }
        stopped
    }

    /// Forgets what is under way: the ids that it speaks of mean nothing any more.
    pub(super) fn forget(&mut self) {
        self.lanes = Default::default();
        (self.other_index, self.outside) = (None, None);
    }
}
