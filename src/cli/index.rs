//! `lookalike index`: brings the index of folders up to date without opening the explorer.

use std::io::Write;

use clap::Args;
use serde_json::json;

use crate::{
    cli::{
        FolderArgs, ModelArgs, SCHEMA_VERSION,
        data::{path_text, pretty_json},
        indexed::nothing_in,
        interrupt::cancelled_by_signals,
        progress::Reporter,
        request, stdout_error,
    },
    error::{Exit, Result},
    index::{RowKind, Skipped},
    pipeline::{self, Report, Summary},
    printable::{printable, printable_str},
};

/// Arguments of `lookalike index`.
#[derive(Debug, Clone, Args)]
pub struct IndexArgs {
    /// Folders and what to leave out.
    #[command(flatten)]
    pub folders: FolderArgs,
    /// The model.
    #[command(flatten)]
    pub model: ModelArgs,
    /// Print the summary as JSON.
    #[arg(long)]
    pub json: bool,
    /// End with exit code 1 when an image could not be indexed.
    #[arg(long)]
    pub strict: bool,
}

/// Indexes, then prints what that came to.
///
/// # Errors
/// As [`pipeline::run`]; [`Error::NoImages`](crate::error::Error::NoImages) when nothing at all could be indexed.
pub fn run(args: &IndexArgs, out: &mut dyn Write) -> Result<Exit> {
    let request = request(&args.folders, &args.model)?;
    let cancel = cancelled_by_signals()?;
    let mut reporter = Reporter::stderr();
    let (mut name, mut baseline) = (String::new(), false);
    let ended = pipeline::run(&request, &cancel, &mut |report| {
        if let Report::Model { name: of, baseline: is, .. } = &report {
            (name, baseline) = (of.clone(), *is);
        }
        reporter.take(&report);
    });
    reporter.clear();
    let outcome = ended?;
    let written = if args.json { json(args, &name, &outcome, out) } else { text(args, &name, baseline, &outcome, out) };
    written.map_err(stdout_error)?;
    let (faceless, failed) = by_fate(&outcome);
    if outcome.index.is_empty() {
        return Err(nothing_in(&args.folders.folders()[0], !faceless.is_empty()));
    }
    Ok(if args.strict && !failed.is_empty() { Exit::Failed } else { Exit::Done })
}

fn text(args: &IndexArgs, model: &str, baseline: bool, done: &Summary, out: &mut dyn Write) -> std::io::Result<()> {
    let (faceless, failed) = by_fate(done);
    // The reasons are for people; where nobody reads them the summary still counts them.
    for skipped in &faceless {
        let _ = writeln!(std::io::stderr(), "no face in {}", printable(&skipped.path));
    }
    for skipped in &failed {
        let _ = writeln!(std::io::stderr(), "skipped {}: {}", printable(&skipped.path), printable_str(&skipped.reason));
    }
    let Summary { added, reused, renamed, removed, seconds, .. } = done;
    let folders: Vec<_> = args.folders.folders().iter().map(printable).collect();
    let folders = folders.join(", ");
    let (len, pictures) = (done.index.len(), done.index.pictures());
    let noun = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let what = match done.index.kind() {
        RowKind::Picture => noun(len, "image"),
        RowKind::Face => format!("{} in {}", noun(len, "face"), noun(pictures, "picture")),
    };
    writeln!(out, "{what} in {folders}, embedded by {}{}", printable_str(model), note(baseline))?;
    let rate = if *added > 0 { format!(" ({:.1} images/s)", *added as f64 / seconds) } else { String::new() };
    let without = match done.index.kind() {
        RowKind::Picture => String::new(),
        RowKind::Face => format!("{} without a face, ", faceless.len()),
    };
    writeln!(
        out,
        "{added} new or changed, {reused} known, {renamed} renamed, {removed} gone, {without}{} skipped in {seconds:.1} s{rate}",
        failed.len()
    )
}

/// Pictures without a face, and files that could not be indexed.
fn by_fate(done: &Summary) -> (Vec<&Skipped>, Vec<&Skipped>) {
    done.skipped.iter().partition(|skipped| skipped.has_no_face())
}

fn note(baseline: bool) -> &'static str {
    if baseline { " (a baseline, not a trained embedder)" } else { "" }
}

fn json(args: &IndexArgs, model: &str, done: &Summary, out: &mut dyn Write) -> std::io::Result<()> {
    let (faceless, failed) = by_fate(done);
    let told = |Skipped { path, kind, reason }: &Skipped| json!({ "path": path_text(path), "kind": kind.name(), "reason": reason });
    let skipped: Vec<_> = failed.iter().copied().map(told).collect();
    let folders: Vec<_> = args.folders.folders().iter().map(|folder| path_text(folder).into_owned()).collect();
    let mut summary = json!({
        "schema_version": SCHEMA_VERSION,
        "folders": folders,
        "model": model,
        "dimension": done.index.dim(),
        "images": done.index.pictures(),
        "added": done.added,
        "reused": done.reused,
        "renamed": done.renamed,
        "removed": done.removed,
        "skipped": skipped,
        "seconds": done.seconds,
    });
    if done.index.kind() == RowKind::Face {
        summary["faces"] = done.index.len().into();
        summary["without_face"] = faceless.iter().map(|skipped| path_text(&skipped.path)).collect();
    }
    writeln!(out, "{}", pretty_json(&summary)?)
}
