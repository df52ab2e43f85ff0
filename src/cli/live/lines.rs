//! What was seen, as one JSON object a line.

use std::io::{self, Write};

use super::{LiveArgs, PRIVACY};
use crate::{
    analysis::gallery::{Candidate, Criterion, Gallery, trials::Trials},
    cli::{SCHEMA_VERSION, data::json, stdout_error},
    error::Result,
    live::{
        Seen,
        hook::Hook,
        keep::{keep, time},
    },
    printable::printable_str,
    text,
};

/// Writes lines, and does what is to be done for each.
pub(super) struct Lines<'a> {
    pub args: &'a LiveArgs,
    pub gallery: &'a Gallery,
    pub criterion: Criterion,
    pub trials: &'a Trials,
    /// The names that were in the frame before.
    pub before: Vec<usize>,
}

/// A sentence for people, beside the data.
pub(super) fn say(sentence: &str) {
    let _ = writeln!(io::stderr(), "lookalike: {}", printable_str(sentence));
}

impl Lines<'_> {
    /// Says what is done, and what it is not.
    pub(super) fn introduce(&self, source: &str) {
        let names = text::counted(self.gallery.len(), "name");
        let threshold = self.criterion.threshold.unwrap_or(f32::NAN);
        let bound = match self.trials.far(&self.criterion, self.gallery.len()) {
            Some(far) => format!(", at which about {:.1} % of strangers are given a name", 100.0 * far),
            None => String::new(),
        };
        let metric = self.criterion.metric.name();
        say(&format!("{source}: whole pictures, compared with {names} by {metric}, threshold {threshold:.4}{bound}"));
        let kept = self.args.keep.as_ref().map(|folder| format!("frames are kept in {}", folder.display()));
        say(&kept.map_or(PRIVACY.into(), |kept| PRIVACY.replace("frames are not kept", &kept)));
    }

    /// Writes what was seen; whether anything of it is known.
    pub(super) fn write(&mut self, seen: &Seen, hook: Option<&mut Hook>, out: &mut dyn Write) -> Result<bool> {
        let identities = self.gallery.identify(&seen.regions, &self.criterion);
        for (region, identity) in seen.regions.iter().zip(&identities) {
            let name = |candidate: Option<Candidate>| candidate.map(|candidate| self.gallery.name(candidate.name));
            let value = |candidate: Option<Candidate>| candidate.map(|candidate| candidate.value);
            let lead = identity.best.zip(identity.second);
            let line = serde_json::json!({
                "schema_version": SCHEMA_VERSION,
                "time": time(seen.frame.at),
                "source": seen.frame.source,
                "frame": seen.frame.number,
                "box": region.place,
                "name": name(identity.best.filter(|_| identity.is_known)),
                "nearest": name(identity.best),
                "value": value(identity.best),
                "second": name(identity.second),
                "second_value": value(identity.second),
                "metric": self.criterion.metric.name(),
                "threshold": self.criterion.threshold,
                "margin": lead.map(|(best, second)| self.criterion.lead(best.value, second.value)),
                "milliseconds": seen.took.as_secs_f64() * 1e3,
            });
            let written = json(&line).and_then(|line| writeln!(out, "{line}").and_then(|()| out.flush()));
            written.map_err(stdout_error)?;
        }
        if let Some(folder) = &self.args.keep
            && let Err(error) = keep(&seen.frame.picture, seen.frame.at, folder)
        {
            // The next one may fit again: what is seen matters more than what is kept.
            say(&error.to_string());
        }
        let known: Vec<_> = identities.iter().filter(|one| one.is_known).filter_map(|one| one.best).collect();
        if let Some(hook) = hook {
            for one in known.iter().filter(|one| !self.before.contains(&one.name)) {
                if let Err(error) = hook.run(self.gallery.name(one.name), one.value) {
                    say(&error.to_string());
                }
            }
        }
        self.before = known.iter().map(|one| one.name).collect();
        Ok(!known.is_empty())
    }
}
