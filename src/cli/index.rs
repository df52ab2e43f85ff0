//! `lookalike index`: brings the index of folders up to date without opening the explorer.

use std::io::Write;

use clap::Args;
use serde_json::json;

use crate::{
    cli::{
        FolderArgs, ModelArgs, SCHEMA_VERSION,
        data::{path_text, pretty_json},
        interrupt::cancelled_by_signals,
        progress::Reporter,
        request, stdout_error,
    },
    error::{Error, Exit, Result},
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
/// As [`pipeline::run`]; [`Error::NoImages`] when nothing at all could be indexed.
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
    if outcome.index.is_empty() {
        return Err(Error::NoImages(args.folders.folders()[0].clone()));
    }
    Ok(if args.strict && !outcome.skipped.is_empty() { Exit::Failed } else { Exit::Done })
}

fn text(args: &IndexArgs, model: &str, baseline: bool, done: &Summary, out: &mut dyn Write) -> std::io::Result<()> {
    for skipped in done.skipped.iter() {
        // The reasons are for people; where nobody reads them the summary still counts them.
        let _ = writeln!(std::io::stderr(), "skipped {}: {}", printable(&skipped.path), printable_str(&skipped.reason));
    }
    let Summary { added, reused, renamed, removed, seconds, .. } = done;
    let folders: Vec<_> = args.folders.folders().iter().map(printable).collect();
    let (len, folders) = (done.index.len(), folders.join(", "));
    let images = if len == 1 { "image" } else { "images" };
    writeln!(out, "{len} {images} in {folders}, embedded by {}{}", printable_str(model), note(baseline))?;
    let rate = if *added > 0 { format!(" ({:.1} images/s)", *added as f64 / seconds) } else { String::new() };
    writeln!(
        out,
        "{added} new or changed, {reused} known, {renamed} renamed, {removed} gone, {} skipped in {seconds:.1} s{rate}",
        done.skipped.len()
    )
}

fn note(baseline: bool) -> &'static str {
    if baseline { " (a baseline, not a trained embedder)" } else { "" }
}

fn json(args: &IndexArgs, model: &str, done: &Summary, out: &mut dyn Write) -> std::io::Result<()> {
    let skipped: Vec<_> = done
        .skipped
        .iter()
        .map(|skipped| json!({ "path": path_text(&skipped.path), "reason": skipped.reason }))
        .collect();
    let folders: Vec<_> = args.folders.folders().iter().map(|folder| path_text(folder).into_owned()).collect();
    let summary = json!({
        "schema_version": SCHEMA_VERSION,
        "folders": folders,
        "model": model,
        "dimension": done.index.dim(),
        "images": done.index.len(),
        "added": done.added,
        "reused": done.reused,
        "renamed": done.renamed,
        "removed": done.removed,
        "skipped": skipped,
        "seconds": done.seconds,
    });
    writeln!(out, "{}", pretty_json(&summary)?)
}
