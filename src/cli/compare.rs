//! `lookalike compare`: two models on the same pictures. Similar, better or worse?

use std::{
    io::{self, Write},
    sync::Arc,
};

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
    analysis::comparison::{Difference, ModelComparison, NEIGHBORS, Pairing},
    embed,
    error::{Error, Exit, Result},
    text,
    worker::on_all_cores,
};

/// Arguments of `lookalike compare`.
#[derive(Debug, Clone, Args)]
pub struct CompareArgs {
    /// Folders with pictures; the sub-folders are the groups that are to be kept apart.
    #[command(flatten)]
    pub folders: FolderArgs,
    /// The two models, see `lookalike models` [default: gaze, or the best one found without it, for the one that is not named]
    #[arg(long = "model", value_name = "NAME", required = true)]
    pub models: Vec<String>,
    /// Where and how the models run.
    #[command(flatten)]
    pub how: ComputeArgs,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// End with exit code 1 when an image could not be indexed.
    #[arg(long)]
    pub strict: bool,
}

/// Who draws the samples of the bootstrap.
const SEED: u64 = 1;
/// Pictures on which the models disagree most that are listed for people.
const SHOWN: usize = 10;

/// Indexes the folders by both models, then prints what they have in common and which keeps the folders apart better.
///
/// # Errors
/// [`Error::Usage`] unless two different models are named; else as the indexing.
pub fn run(args: &CompareArgs, out: &mut dyn Write) -> Result<Exit> {
    let names: Vec<Option<String>> = match args.models.as_slice() {
        [one] => vec![None, Some(one.clone())],
        [one, other] => vec![Some(one.clone()), Some(other.clone())],
        _ => return Err(Error::Usage("two models are compared at a time: name --model twice".into())),
    };
    let asked = names.into_iter().map(|model| ModelArgs { model, faces: false, weights: None, how: args.how.clone() });
    // A model that is not here is said before the other has worked for an hour.
    let models =
        asked.map(|model| Ok((embed::choose(&model.choice())?.manifest, model))).collect::<Result<Vec<_>>>()?;
    if models[0].0.name == models[1].0.name {
        return Err(Error::Usage(format!("both models are {}: name another one with --model", models[0].0.name)));
    }
    if models.iter().any(|(manifest, _)| manifest.finds_faces()) {
        return Err(Error::Usage("models are compared on whole pictures, not on faces: name another one".into()));
    }
    let cancel = cancelled_by_signals()?;
    let indexed = models.iter().map(|(_, model)| Indexed::new(&args.folders, model, cancel.clone()));
    let indexed = indexed.collect::<Result<Vec<_>>>()?;
    let [a, b] = [&indexed[0], &indexed[1]];
    let mut reporter = Reporter::stderr();
    let mut progress = |share: f64| reporter.line(|| format!("comparing the models: {:.0} %", 100.0 * share));
    let (of_a, of_b): (&Arc<_>, &Arc<_>) = (&a.index, &b.index);
    let pairing = Pairing::by_path(of_a, of_b);
    let stopped = || cancel.is_cancelled();
    let found = ModelComparison::of((of_a, of_b), pairing, SEED, &on_all_cores, &stopped, &mut progress);
    reporter.clear();
    let found = found.ok_or(Error::Interrupted)?;
    let written = if args.json { json(&found, [a, b], out) } else { report(&found, [a, b], out) };
    written.map_err(stdout_error)?;
    Ok(if a.exit(args.strict) == Exit::Done { b.exit(args.strict) } else { a.exit(args.strict) })
}

fn report(found: &ModelComparison, [a, b]: [&Indexed; 2], out: &mut dyn Write) -> io::Result<()> {
    let described = |of: &Indexed| format!("{}, {} dimensions", of.model_label(), of.index.dim());
    writeln!(out, "{} by {} and by {}", text::counted(found.pairing.len(), "picture"), described(a), described(b))?;
    let asked = match found.agreements.len() {
        all if all == found.pairing.len() => String::new(),
        some => format!(" (asked of {})", text::counted(some, "picture")),
    };
    writeln!(out, "  neighbors in common  {:.3} of the nearest {NEIGHBORS}{asked}", found.overlap())?;
    writeln!(out, "  rank correlation     {:.3} (Spearman, of the cosine similarities)", found.rank_correlation())?;
    writeln!(out, "  linear CKA           {:.3}", found.cka)?;
    if let Some(verdict) = &found.verdict {
        let width = [a, b].map(|of| of.model.chars().count()).into_iter().max().unwrap_or(0).max(23);
        writeln!(out, "\n{:12}  {:width$}  {:width$}  difference", "95 % interval", a.model, b.model)?;
        for Difference { score, values, intervals, difference } in &verdict.differences {
            let shown = |value: f64, [low, high]: [f64; 2]| format!("{value:.4} ({low:.3} to {high:.3})");
            let [one, other] = [0, 1].map(|at: usize| shown(values[at], intervals[at]));
            let [low, high] = *difference;
            let by = values[0] - values[1];
            writeln!(out, "{:13} {one:width$}  {other:width$}  {by:+.4} ({low:+.3} to {high:+.3})", score.name())?;
        }
        writeln!(out, "{}", verdict.sentence(&a.model, &b.model))?;
    } else {
        writeln!(out, "\nthe sub-folders do not say which model is better: two with two pictures are needed")?;
    }
    let most = found.agreements.iter().filter(|of| of.overlap < 1.0).take(SHOWN);
    for (at, of) in most.enumerate() {
        if at == 0 {
            writeln!(out, "\nthey disagree most on")?;
        }
        let Some(entry) = a.index.get(of.id) else { continue };
        writeln!(out, "  {:.2} in common  {}", of.overlap, a.label(&entry))?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Report<'a> {
    schema_version: u32,
    models: [Model<'a>; 2],
    pictures: usize,
    neighbors: usize,
    neighbors_in_common: f64,
    rank_correlation: f64,
    cka: f64,
    /// Null where the folders say nothing.
    scores: Option<Vec<Scored>>,
    sentence: Option<String>,
    /// Those on which the models disagree most come first.
    agreement: Vec<Agreed>,
}

#[derive(Serialize)]
struct Model<'a> {
    name: &'a str,
    baseline: bool,
    dimension: usize,
}

#[derive(Serialize)]
struct Scored {
    score: &'static str,
    values: [f64; 2],
    intervals: [[f64; 2]; 2],
    difference: f64,
    difference_interval: [f64; 2],
    more_than_chance: bool,
}

#[derive(Serialize)]
struct Agreed {
    path: String,
    neighbors_in_common: f64,
    rank_correlation: f64,
}

fn json(found: &ModelComparison, models: [&Indexed; 2], out: &mut dyn Write) -> io::Result<()> {
    let [a, b] = models;
    let scored = |of: &Difference| Scored {
        score: of.score.key(),
        values: of.values,
        intervals: of.intervals,
        difference: of.values[0] - of.values[1],
        difference_interval: of.difference,
        more_than_chance: of.is_more_than_chance(),
    };
    let agreed = found.agreements.iter().filter_map(|of| {
        let path = path_text(&a.index.get(of.id)?.path()).into_owned();
        Some(Agreed { path, neighbors_in_common: of.overlap, rank_correlation: of.rank_correlation })
    });
    let report = Report {
        schema_version: SCHEMA_VERSION,
        models: models.map(|of| Model { name: &of.model, baseline: of.baseline, dimension: of.index.dim() }),
        pictures: found.pairing.len(),
        neighbors: NEIGHBORS,
        neighbors_in_common: found.overlap(),
        rank_correlation: found.rank_correlation(),
        cka: found.cka,
        scores: found.verdict.as_ref().map(|verdict| verdict.differences.iter().map(scored).collect()),
        sentence: found.verdict.as_ref().map(|verdict| verdict.sentence(&a.model, &b.model)),
        agreement: agreed.collect(),
    };
    writeln!(out, "{}", pretty_json(&report)?)
}
