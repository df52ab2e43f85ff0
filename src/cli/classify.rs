//! `lookalike classify`: what unlabeled pictures show, learned from labeled ones.

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
};

use clap::Args;
use serde::Serialize;

use super::{
    FolderArgs, ModelArgs, SCHEMA_VERSION,
    data::{JsonFace, csv_field, face_columns, face_fields, json, path_text},
    indexed::Indexed,
    interrupt::cancelled_by_signals,
    labels::{Learned, LearningArgs, probe_file, together},
    links::LinkArgs,
    stdout_error,
};
use crate::{
    analysis::classifier::{Prediction, predictions},
    error::{Exit, Result},
    index::{Entry, RowKind},
    printable::printable_str,
    text,
    worker::on_all_cores,
};

/// Arguments of `lookalike classify`.
#[derive(Debug, Clone, Args)]
#[command(mut_arg("folders", |folders| folders.value_name("TRAIN").help("Folders whose sub-folders are labels [default: the one you are in]")))]
pub struct ClassifyArgs {
    /// Folders to learn from.
    #[command(flatten)]
    pub folders: FolderArgs,
    /// Folder of the pictures to classify (repeatable) [default: those of TRAIN without a label]
    #[arg(long, value_name = "FOLDER")]
    pub predict: Vec<PathBuf>,
    /// Where labels and probe come from and go to.
    #[command(flatten)]
    pub learning: LearningArgs,
    /// Use what --save-probe saved, in place of folders to learn from
    #[arg(long, value_name = "FILE", conflicts_with_all = ["labels", "save_probe", "folders"], requires = "predict")]
    pub probe: Option<PathBuf>,
    /// Least probability of a label; with less a picture gets none
    #[arg(long, value_name = "PROBABILITY", default_value_t = 0.5, value_parser = probability)]
    pub threshold: f32,
    /// Print CSV: path, label, probability, and the most probable label also where there is none.
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Print JSON, one picture a line.
    #[arg(long)]
    pub json: bool,
    /// Where links go.
    #[command(flatten)]
    pub links: LinkArgs,
    /// The model.
    #[command(flatten)]
    pub model: ModelArgs,
    /// End with exit code 1 when an image could not be indexed.
    #[arg(long)]
    pub strict: bool,
}

fn probability(text: &str) -> Result<f32, String> {
    let value = text.parse().ok().filter(|value| (0.0..=1.0).contains(value));
    value.ok_or_else(|| "it is a number from 0 to 1".into())
}

/// Learns, or reads what was learned, and prints what pictures show, the surest first.
///
/// # Errors
/// As the indexing; [`Error::Usage`](crate::error::Error::Usage) where nothing can be learned,
/// [`Error::Probe`](crate::error::Error::Probe) for a probe that does not fit.
pub fn run(args: &ClassifyArgs, out: &mut dyn Write) -> Result<Exit> {
    args.links.check()?;
    let targets = FolderArgs { folders: args.predict.clone(), ..args.folders.clone() };
    let (indexed, names, found) = match &args.probe {
        Some(file) => {
            let saved = probe_file::read(file)?;
            let model =
                ModelArgs { model: args.model.model.clone().or(Some(saved.model.clone())), ..args.model.clone() };
            saved.fits(file, &model.choice())?;
            let indexed = Indexed::new(&targets, &model, cancelled_by_signals()?)?;
            let ids = indexed.index.iter().map(|entry| entry.id).collect();
            let found = predictions(&indexed.index, &saved.probe, ids, &on_all_cores);
            (indexed, saved.names, found)
        }
        None => {
            let learned = Learned::new(&args.folders, &args.model, &args.learning)?;
            let known = learned.classification()?;
            let names = known.names.clone();
            if args.predict.is_empty() {
                let found = known.predictions.clone();
                (learned.indexed, names, found)
            } else {
                let indexed = Indexed::new(&targets, &args.model, learned.indexed.cancel.clone())?;
                let ids = indexed.index.iter().map(|entry| entry.id).collect();
                let found = predictions(&indexed.index, &known.probe, ids, &on_all_cores);
                (indexed, names, found)
            }
        }
    };
    let seen: Vec<_> = found.iter().filter_map(|of| Seen::new(of, &indexed, &names, args.threshold)).collect();
    if let Some(target) = &args.links.link_to {
        let labeled = seen.iter().filter_map(|of| Some((of.entry.path(), of.label?.as_bytes().to_vec())));
        let rest = match seen.iter().filter(|of| of.label.is_none()).count() {
            0 => String::new(),
            count => format!("; {} got no label", indexed.index.kind().counted(count)),
        };
        let is_whole = args.links.run(target, together(labeled), &rest, &indexed.cancel, out)?;
        return Ok(if is_whole { indexed.exit(args.strict) } else { Exit::Interrupted });
    }
    let written = match (args.csv, args.json) {
        (true, _) => csv(&seen, indexed.index.kind(), out),
        (_, true) => json_lines(&seen, &indexed, out),
        _ => lines(&seen, &indexed, args.threshold, out),
    };
    written.map_err(stdout_error)?;
    Ok(indexed.exit(args.strict))
}

/// What a picture shows.
struct Seen<'a> {
    entry: Entry<'a>,
    /// Nothing below the threshold.
    label: Option<&'a str>,
    guesses: Vec<(&'a str, f32)>,
}

impl<'a> Seen<'a> {
    fn new(of: &Prediction, indexed: &'a Indexed, names: &'a [String], threshold: f32) -> Option<Self> {
        let guesses: Vec<_> =
            of.guesses.iter().map(|(label, probability)| (names[label].as_str(), probability)).collect();
        let (best, probability) = *guesses.first()?;
        let label = (probability >= threshold).then_some(best);
        Some(Self { entry: indexed.index.get(of.id)?, label, guesses })
    }
}

fn lines(seen: &[Seen<'_>], indexed: &Indexed, threshold: f32, out: &mut dyn Write) -> io::Result<()> {
    if seen.is_empty() {
        let noun = indexed.index.kind().noun();
        return writeln!(out, "every {noun} has a label: --predict names a folder of others");
    }
    let name = |of: &Seen<'_>| of.label.map_or_else(|| "?".to_owned(), printable_str);
    let width = seen.iter().map(|of| text::width(&name(of))).max().unwrap_or(0).min(40);
    for of in seen {
        let shown = text::cut(&name(of), width);
        let pad = width - text::width(&shown);
        let (best, probability) = of.guesses[0];
        let unsure = if of.label.is_none() { format!("  perhaps {}", printable_str(best)) } else { String::new() };
        writeln!(out, "{probability:.3}  {shown}{:pad$}  {}{unsure}", "", indexed.label(&of.entry))?;
    }
    let unsure = seen.iter().filter(|of| of.label.is_none()).count();
    if unsure > 0 {
        writeln!(out, "{} below {threshold:.2} got no label (--threshold)", indexed.counted(unsure))?;
    }
    Ok(())
}

fn csv(seen: &[Seen<'_>], rows: RowKind, out: &mut dyn Write) -> io::Result<()> {
    let terminal = io::stdout().is_terminal();
    writeln!(out, "path,label,probability,guess{}", face_columns(rows))?;
    for of in seen {
        let path = csv_field(&path_text(&of.entry.path()), terminal);
        let [label, guess] = [of.label.unwrap_or(""), of.guesses[0].0].map(|label| csv_field(label, terminal));
        writeln!(out, "{path},{label},{},{guess}{}", of.guesses[0].1, face_fields(&of.entry))?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Line<'a> {
    schema_version: u32,
    model: &'a str,
    path: String,
    label: Option<&'a str>,
    probability: f32,
    guesses: Vec<Guess<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    face: Option<JsonFace>,
}

#[derive(Serialize)]
struct Guess<'a> {
    label: &'a str,
    probability: f32,
}

fn json_lines(seen: &[Seen<'_>], indexed: &Indexed, out: &mut dyn Write) -> io::Result<()> {
    for of in seen {
        let line = Line {
            schema_version: SCHEMA_VERSION,
            model: &indexed.model,
            path: path_text(&of.entry.path()).into_owned(),
            label: of.label,
            probability: of.guesses[0].1,
            guesses: of.guesses.iter().map(|(label, probability)| Guess { label, probability: *probability }).collect(),
            face: JsonFace::of(&of.entry),
        };
        writeln!(out, "{}", json(&line)?)?;
    }
    Ok(())
}
