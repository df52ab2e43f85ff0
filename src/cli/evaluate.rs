//! `lookalike evaluate`: does the result make sense, and is another model better or worse?

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;

use super::{
    ComputeArgs, FolderArgs, ModelArgs, SCHEMA_VERSION,
    data::{path_text, pretty_json},
    indexed::Indexed,
    interrupt::cancelled_by_signals,
    progress::Reporter,
    stdout_error,
};
use crate::{
    analysis::separation::{Evaluation, NearDuplicates, Separation, VOTERS, evaluate},
    embed,
    error::{Error, Exit, Result},
    index::RowKind,
    printable::printable,
};

/// Arguments of `lookalike evaluate`.
#[derive(Debug, Clone, Args)]
pub struct EvaluateArgs {
    /// Folders whose sub-folders are groups of alike pictures.
    #[command(flatten)]
    pub folders: FolderArgs,
    /// A model to score, see `lookalike models`; repeat it to compare several [default: gaze, or the best one found without it]
    #[arg(long = "model", value_name = "NAME", env = "LOOKALIKE_MODEL")]
    pub models: Vec<String>,
    /// Where and how the models run.
    #[command(flatten)]
    pub how: ComputeArgs,
    /// Cosine similarity from which pairs count as near-duplicates, -1 to 1 [default: the model's, if it has one]
    #[arg(long, value_name = "COSINE", value_parser = cosine, allow_negative_numbers = true)]
    pub threshold: Option<f32>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// End with exit code 1 when an image could not be indexed.
    #[arg(long)]
    pub strict: bool,
}

fn cosine(text: &str) -> Result<f32, String> {
    let value = text.parse().ok().filter(|value| (-1.0..=1.0).contains(value));
    value.ok_or_else(|| "it is a number from -1 to 1".into())
}

/// One model's scores.
struct Scored {
    model: String,
    rows: RowKind,
    baseline: bool,
    dimension: usize,
    evaluation: Evaluation,
}

/// Indexes the folders once for each model, then prints the scores.
///
/// # Errors
/// [`Error::Usage`] when no sub-folder holds two pictures; else as the indexing.
pub fn run(args: &EvaluateArgs, out: &mut dyn Write) -> Result<Exit> {
    let cancel = cancelled_by_signals()?;
    let names: Vec<Option<String>> =
        if args.models.is_empty() { vec![None] } else { args.models.iter().cloned().map(Some).collect() };
    let asked = names.into_iter().map(|model| ModelArgs { model, faces: false, weights: None, how: args.how.clone() });
    // A model that is not here is said before the others have worked for an hour.
    let models =
        asked.map(|model| Ok((embed::choose(&model.choice())?.manifest, model))).collect::<Result<Vec<_>>>()?;
    let (mut scored, mut exit) = (Vec::new(), Exit::Done);
    for (manifest, model) in models {
        let indexed = Indexed::new(&args.folders, &model, cancel.clone())?;
        let threshold = args.threshold.or(manifest.near_duplicate);
        let mut reporter = Reporter::stderr();
        let all = indexed.index.len();
        let evaluation = evaluate(&indexed.index, threshold, &cancel, &mut |done| {
            reporter.line(|| format!("comparing {done}/{all} by {}", indexed.model));
        });
        reporter.clear();
        let evaluation = evaluation?;
        if evaluation.queries == 0 {
            let folder = printable(&args.folders.folders()[0]);
            return Err(Error::Usage(format!(
                "there is nothing to score in {folder}: put pictures that belong together into sub-folders, two or more in each"
            )));
        }
        if indexed.exit(args.strict) == Exit::Failed {
            exit = Exit::Failed;
        }
        let dimension = indexed.index.dim();
        let rows = indexed.index.kind();
        scored.push(Scored { model: indexed.model, rows, baseline: indexed.baseline, dimension, evaluation });
    }
    let written = if args.json { json(args, &scored, out) } else { table(&scored, out) };
    written.map_err(stdout_error)?;
    Ok(exit)
}

fn table(scored: &[Scored], out: &mut dyn Write) -> io::Result<()> {
    let Some(Scored { rows, evaluation: first, .. }) = scored.first() else { return Ok(()) };
    writeln!(
        out,
        "{} {}, {} of them in {} groups of two or more (sub-folders)",
        first.images,
        rows.plural(),
        first.queries,
        first.groups
    )?;
    let width = scored.iter().map(|scored| scored.model.chars().count()).max().unwrap_or(0).max("model".len());
    let knn = format!("{VOTERS}-NN");
    writeln!(
        out,
        "{:width$}  {:9}  {:>8}  {:>11}  {:>6}  {knn:>6}  {:>8}  {:>8}  {:>10}  {:>7}",
        "model", "metric", "recall@1", "precision@5", "mAP", "same", "other", "silhouette", "ROC AUC"
    )?;
    for Scored { model, evaluation, .. } in scored {
        for s in &evaluation.scores {
            writeln!(
                out,
                "{model:width$}  {:9}  {:8.4}  {:11.4}  {:6.4}  {:6.4}  {:8.4}  {:8.4}  {:10.4}  {:7.4}",
                s.metric.name(),
                s.recall_at_1,
                s.precision_at_5,
                s.mean_average_precision,
                s.knn_accuracy,
                s.mean_same,
                s.mean_other,
                s.silhouette,
                s.roc_auc
            )?;
        }
    }
    for Scored { model, evaluation, .. } in scored {
        if let Some(NearDuplicates { threshold, precision, recall }) = evaluation.near_duplicates {
            let right = match precision.is_nan() {
                true => "it finds nothing else either".into(),
                false => format!("{:.1} % of what it finds is right", precision * 100.0),
            };
            writeln!(
                out,
                "{model}: as near-duplicates, cosine {threshold:.2} and up finds {:.1} % of the pairs of one group; {right}",
                recall * 100.0,
            )?;
        }
    }
    for Scored { model, .. } in scored.iter().filter(|scored| scored.baseline) {
        writeln!(out, "{model} is a baseline, not a trained embedder")?;
    }
    Ok(())
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    schema_version: u32,
    folders: Vec<String>,
    models: Vec<ModelScores<'a>>,
}

#[derive(Serialize)]
struct ModelScores<'a> {
    model: &'a str,
    baseline: bool,
    dimension: usize,
    images: usize,
    groups: usize,
    queries: usize,
    scores: Vec<Scores>,
    near_duplicates: Option<Threshold>,
}

#[derive(Serialize)]
struct Threshold {
    cosine: f32,
    precision: f64,
    recall: f64,
}

/// Scores that have no meaning are null.
#[derive(Serialize)]
struct Scores {
    metric: &'static str,
    recall_at_1: f64,
    precision_at_5: f64,
    mean_average_precision: f64,
    knn_accuracy: f64,
    mean_same: f64,
    mean_other: f64,
    silhouette: f64,
    roc_auc: f64,
}

impl From<&Separation> for Scores {
    fn from(of: &Separation) -> Self {
        Self {
            metric: of.metric.name(),
            recall_at_1: of.recall_at_1,
            precision_at_5: of.precision_at_5,
            mean_average_precision: of.mean_average_precision,
            knn_accuracy: of.knn_accuracy,
            mean_same: of.mean_same,
            mean_other: of.mean_other,
            silhouette: of.silhouette,
            roc_auc: of.roc_auc,
        }
    }
}

fn json(args: &EvaluateArgs, scored: &[Scored], out: &mut dyn Write) -> io::Result<()> {
    let models =
        scored.iter().map(|Scored { model, baseline, dimension, evaluation, .. }| ModelScores {
            model,
            baseline: *baseline,
            dimension: *dimension,
            images: evaluation.images,
            groups: evaluation.groups,
            queries: evaluation.queries,
            scores: evaluation.scores.iter().map(Scores::from).collect(),
            near_duplicates: evaluation.near_duplicates.map(|NearDuplicates { threshold, precision, recall }| {
                Threshold { cosine: threshold, precision, recall }
            }),
        });
    let report = Report {
        schema_version: SCHEMA_VERSION,
        folders: args.folders.folders().iter().map(|folder| path_text(folder).into_owned()).collect(),
        models: models.collect(),
    };
    writeln!(out, "{}", pretty_json(&report)?)
}
