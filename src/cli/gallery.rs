//! `lookalike gallery`: how well the names of a gallery can be told apart, and by which threshold.

mod report;

use std::{io::Write, path::PathBuf};

use clap::Args;

use super::{
    ModelArgs,
    enrolled::{Enrolled, usual_metric},
    interrupt::cancelled_by_signals,
    live::rate,
    progress::Reporter,
    stdout_error,
};
use crate::{
    analysis::gallery::trials::trials,
    error::{Error, Exit, Result},
    similarity::Metric,
};

/// Arguments of `lookalike gallery`.
#[derive(Debug, Clone, Args)]
pub struct GalleryArgs {
    /// A folder with one sub-folder for each person or thing, several pictures in each [default: the names given in the explorer]
    #[arg(value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
    /// How pictures are compared [default: cosine; euclidean for faces]
    #[arg(long, value_enum)]
    pub metric: Option<Metric>,
    /// Share of strangers that may be given a name, by which the threshold is chosen.
    #[arg(long, value_name = "RATE", value_parser = rate, default_value = "0.01")]
    pub far: f64,
    /// By how much the best name must be more alike than the second; the threshold of a model that was measured does not get looser by it.
    #[arg(long, value_name = "VALUE", default_value_t = 0.0)]
    pub margin: f32,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// The model.
    #[command(flatten)]
    pub model: ModelArgs,
    /// End with exit code 1 when an image could not be indexed.
    #[arg(long)]
    pub strict: bool,
}

/// Indexes the gallery, tries its pictures on itself, and prints what that tells.
///
/// # Errors
/// As the indexing; [`Error::EmptyGallery`] when no sub-folder holds a picture.
pub fn run(args: &GalleryArgs, out: &mut dyn Write) -> Result<Exit> {
    let cancel = cancelled_by_signals()?;
    let enrolled = Enrolled::new(args.folder.as_deref(), &args.model, cancel.clone())?.not_empty()?;
    let Some(indexed) = &enrolled.indexed else { return Err(Error::EmptyGallery(enrolled.folder)) };
    let mut reporter = Reporter::stderr();
    let all = enrolled.gallery.samples().len();
    let mut on_progress = |done| reporter.line(|| format!("comparing {done}/{all}"));
    let metric = args.metric.unwrap_or_else(|| usual_metric(indexed.index.kind()));
    let pairs = enrolled.gallery.pairs(metric, &|| cancel.is_cancelled(), &mut on_progress);
    reporter.clear();
    let pairs = pairs.ok_or(Error::Interrupted)?;
    let trials = trials(&enrolled.gallery, metric, usize::MAX);
    let report = report::Report { args, metric, enrolled: &enrolled, indexed, pairs: &pairs, trials: &trials };
    if args.json { report.json(out) } else { report.text(out) }.map_err(stdout_error)?;
    Ok(indexed.exit(args.strict))
}
