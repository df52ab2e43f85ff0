//! What is done for each frame that was looked at, besides telling of it: it is kept, and a command is run, if the user
//! wants that.

use std::path::PathBuf;

use crate::{
    analysis::gallery::{Gallery, Identity},
    live::{Frame, hook::Hook, keep::keep},
};

/// What the user wants to be done.
pub(super) struct Reactions {
    pub hook: Option<Hook>,
    pub keep: Option<PathBuf>,
    /// The names that were in the frame before.
    before: Vec<String>,
}

impl Reactions {
    pub(super) fn new(hook: Option<Hook>, keep: Option<PathBuf>) -> Self {
        Self { hook, keep, before: Vec::new() }
    }

    /// Does it; what went wrong, in sentences. The next frame is tried again: there may be room on the disk by then.
    pub(super) fn react(&mut self, gallery: &Gallery, identities: &[Identity], frame: &Frame) -> Vec<String> {
        let mut failed = Vec::new();
        if let Some(folder) = &self.keep
            && let Err(error) = keep(&frame.picture, frame.at, folder)
        {
            failed.push(error.to_string());
        }
        let known = identities.iter().filter(|one| one.is_known).filter_map(|one| one.best);
        let known: Vec<_> = known.map(|best| (gallery.name(best.name).to_owned(), best.value)).collect();
        if let Some(hook) = &mut self.hook {
            for (name, value) in known.iter().filter(|(name, _)| !self.before.contains(name)) {
                failed.extend(hook.run(name, *value).err().map(|error| error.to_string()));
            }
        }
        self.before = known.into_iter().map(|(name, _)| name).collect();
        failed
    }
}
