//! What was seen, as one JSON object a line.

use std::io::{self, Write};

use serde::Serialize;

use super::{LiveArgs, PRIVACY};
use crate::{
    analysis::gallery::{Candidate, Criterion, trials::TriedGallery},
    cli::{SCHEMA_VERSION, data::json, stdout_error},
    error::Result,
    index::RowKind,
    live::{Seen, keep::time, reactions::Reactions},
    printable::printable_str,
    text,
};

/// Writes lines, and does what is to be done for each.
pub(super) struct Lines<'a> {
    pub args: &'a LiveArgs,
    /// What is looked for.
    pub seeks: RowKind,
    pub enrolled: &'a TriedGallery,
    pub criterion: Criterion,
    pub reactions: &'a mut Reactions,
}

/// A sentence for people, beside the data.
pub(super) fn say(sentence: &str) {
    let _ = writeln!(io::stderr(), "lookalike: {}", printable_str(sentence));
}

/// What is known of one region.
#[derive(Serialize)]
struct Line<'a> {
    schema_version: u32,
    time: String,
    source: &'a str,
    /// Left, top, width and height of a face in pixels; null for a whole picture.
    #[serde(rename = "box")]
    place: Option<[u32; 4]>,
    /// Null when it is unknown.
    name: Option<&'a str>,
    value: Option<f32>,
    threshold: Option<f32>,
    /// The lead of the most alike name before the second.
    margin: Option<f32>,
    /// The most alike name, known or not.
    nearest: Option<&'a str>,
    second: Option<&'a str>,
    second_value: Option<f32>,
    metric: &'static str,
    frame: u64,
    milliseconds: f32,
}

impl Lines<'_> {
    /// Says what is done, and what it is not.
    pub(super) fn introduce(&self, source: &str) {
        let names = text::counted(self.enrolled.gallery.len(), "name");
        let threshold = self.criterion.threshold.unwrap_or(f32::NAN);
        let bound = match self.enrolled.far(&self.criterion) {
            Some(far) => {
                let basis = self.enrolled.trials(self.criterion.metric).basis();
                format!(", at which about {} of strangers are given a name ({basis})", text::percent(far))
            }
            None => String::new(),
        };
        let metric = self.criterion.metric.name();
        let what = if self.seeks == RowKind::Face { "faces" } else { "whole pictures" };
        say(&format!("{source}: {what}, compared with {names} by {metric}, threshold {threshold:.4}{bound}"));
        let kept = self.args.keep.as_ref().map(|folder| format!("frames are kept in {}", folder.display()));
        say(&kept.map_or(PRIVACY.into(), |kept| PRIVACY.replace("frames are not kept", &kept)));
    }

    /// Writes what was seen; whether anything of it is known.
    pub(super) fn write(&mut self, seen: &Seen, out: &mut dyn Write) -> Result<bool> {
        let gallery = &self.enrolled.gallery;
        if seen.regions.is_empty() && self.args.once {
            let what = if self.seeks == RowKind::Face { "face" } else { "picture" };
            say(&format!("there is no {what} in {}", seen.frame.source));
        }
        let identities = gallery.identify(&seen.regions, &self.criterion);
        for (region, identity) in seen.regions.iter().zip(&identities) {
            let name = |candidate: Option<Candidate>| candidate.map(|candidate| gallery.name(candidate.name));
            let value = |candidate: Option<Candidate>| candidate.map(|candidate| candidate.value);
            let lead = identity.best.zip(identity.second);
            let line = Line {
                schema_version: SCHEMA_VERSION,
                time: time(seen.frame.at),
                source: &seen.frame.source,
                place: region.face.map(|face| face.pixels_in(seen.frame.picture.dimensions())),
                name: name(identity.best.filter(|_| identity.is_known)),
                value: value(identity.best),
                threshold: self.criterion.threshold,
                margin: lead.map(|(best, second)| self.criterion.lead(best.value, second.value)),
                nearest: name(identity.best),
                second: name(identity.second),
                second_value: value(identity.second),
                metric: self.criterion.metric.name(),
                frame: seen.frame.number,
                milliseconds: (seen.took.as_secs_f32() * 1e4).round() / 10.0,
            };
            let written = json(&line).and_then(|line| writeln!(out, "{line}").and_then(|()| out.flush()));
            written.map_err(stdout_error)?;
        }
        self.reactions.react(gallery, &identities, &seen.frame);
        Ok(identities.iter().any(|one| one.is_known))
    }
}
