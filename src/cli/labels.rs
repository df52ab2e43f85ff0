//! `lookalike labels`: how well the labels of a folder can be told apart, which are confused, and which pictures are likely
//! mislabeled.

mod learned;
pub(super) mod probe_file;

pub(super) use self::learned::{Learned, kept_file, source};

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{self, IsTerminal, Write},
    os::unix::ffi::OsStringExt,
    path::PathBuf,
};

use clap::Args;
use serde::Serialize;

use super::{
    FolderArgs, ModelArgs, SCHEMA_VERSION,
    data::{JsonFace, csv_field, face_columns, face_fields, path_text, pretty_json},
    links::{LinkArgs, Together},
    stdout_error,
};
use crate::{
    analysis::classifier::{Classification, Confusion, FOLDS, OutOfFold, VOTERS},
    error::{Exit, Result},
    index::{
        RowKind,
        label_file::{self, LabelKey},
    },
    printable::{printable, printable_str},
    text,
};

/// Arguments of `lookalike labels`.
#[derive(Debug, Clone, Args)]
pub struct LabelsArgs {
    /// Folders whose sub-folders are labels, unless --labels names others.
    #[command(flatten)]
    pub folders: FolderArgs,
    /// Where labels and probe come from and go to.
    #[command(flatten)]
    pub learning: LearningArgs,
    /// Print the label of every picture as path,label: what was corrected in the explorer is in it.
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Print JSON.
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

/// What a classifier learns from, and where what it learned goes.
#[derive(Debug, Clone, Args)]
pub struct LearningArgs {
    /// A CSV file with the columns path and label, in place of sub-folders
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Save what was learned as a small file, to be used later without the pictures
    #[arg(long, value_name = "FILE")]
    pub save_probe: Option<PathBuf>,
}

/// Indexes the folders, learns their labels, and prints what came out.
///
/// # Errors
/// As the indexing and [`LabelTable::read`](crate::index::label_file::LabelTable::read); [`Error::Usage`](crate::error::Error::Usage) where nothing can be
/// learned.
pub fn run(args: &LabelsArgs, out: &mut dyn Write) -> Result<Exit> {
    args.links.check()?;
    let learned = Learned::new(&args.folders, &args.model, &args.learning)?;
    if let Some(target) = &args.links.link_to {
        let labeled = learned.indexed.index.iter().map(|entry| (entry.path(), learned.source.of(&entry).to_vec()));
        if !args.links.run(target, together(labeled), "", &learned.indexed.cancel, out)? {
            return Ok(Exit::Interrupted);
        }
    } else if args.csv {
        csv(&learned, out).map_err(stdout_error)?;
    } else {
        let found = learned.classification()?;
        let written = if args.json { json(&learned, found, out) } else { report(&learned, found, out) };
        written.map_err(stdout_error)?;
    }
    Ok(learned.indexed.exit(args.strict))
}

fn csv(learned: &Learned, out: &mut dyn Write) -> io::Result<()> {
    let index = &learned.indexed.index;
    let mut entries: Vec<_> = index.iter().collect();
    entries.sort_by(|a, b| (a.root, a.relative(), a.id).cmp(&(b.root, b.relative(), b.id)));
    let labeled = entries.iter().map(|entry| (entry, learned.source.of(entry)));
    let labeled = labeled.filter(|(_, label)| !label.is_empty());
    let terminal = io::stdout().is_terminal();
    if index.kind() == RowKind::Face {
        writeln!(out, "path,label{}", face_columns(index.kind()))?;
        for (entry, label) in labeled {
            let label = String::from_utf8_lossy(label);
            let [path, label] = [&path_text(&entry.path()), &label].map(|field| csv_field(field, terminal));
            writeln!(out, "{path},{label}{}", face_fields(entry))?;
        }
        return Ok(());
    }
    let rows: Vec<_> = labeled
        .map(|(entry, label)| match terminal {
            true => (LabelKey::picture(printable(entry.path()).into()), label_file::shown(label).into_bytes()),
            false => (LabelKey::picture(entry.path()), label.to_vec()),
        })
        .collect();
    out.write_all(&label_file::to_csv(rows.iter().map(|(key, label)| (key, label.as_slice())))?)
}

/// Pictures by their label, in the order of labels; those without one are left out.
pub(super) fn together(labeled: impl Iterator<Item = (PathBuf, Vec<u8>)>) -> Vec<Together> {
    let mut of_label: BTreeMap<Vec<u8>, Vec<PathBuf>> = BTreeMap::new();
    for (path, label) in labeled.filter(|(_, label)| !label.is_empty()) {
        of_label.entry(label).or_default().push(path);
    }
    let together = |(label, mut pictures): (Vec<u8>, Vec<PathBuf>)| {
        pictures.sort();
        // Several faces of a picture may have one label.
        pictures.dedup();
        Together { name: OsString::from_vec(label), pictures }
    };
    of_label.into_iter().map(together).collect()
}

/// The share with its interval, as people read it.
fn with_interval(confusion: &Confusion) -> String {
    let [low, high] = confusion.interval();
    format!("{:.4} ({low:.3} to {high:.3})", confusion.accuracy())
}

/// Labels and pairs that are printed at most for people.
const SHOWN: usize = 20;

fn report(learned: &Learned, found: &Classification, out: &mut dyn Write) -> io::Result<()> {
    let indexed = &learned.indexed;
    let (pictures, labels) = (
        text::counted(found.labeled.len(), &format!("labeled {}", indexed.index.kind().noun())),
        text::counted(found.names.len(), "label"),
    );
    let corrected = match learned.corrected() {
        0 => String::new(),
        count => format!(", {} corrected", text::count(count)),
    };
    writeln!(out, "{pictures}{corrected}, {labels}, by {}", indexed.model_label())?;
    if !found.alone.is_empty() {
        let names: Vec<_> = found.alone.iter().take(3).map(|name| printable_str(name)).collect();
        let more = if found.alone.len() > 3 { ", …" } else { "" };
        writeln!(out, "left out, with a single {} each: {}{more}", indexed.index.kind().noun(), names.join(", "))?;
    }
    let rows = indexed.index.kind().plural();
    writeln!(out, "accuracy on unseen {rows} ({FOLDS} folds, 95 % Wilson score interval)")?;
    writeln!(out, "  linear probe  {}  C = {}", with_interval(&found.probe_confusion), found.strength)?;
    writeln!(out, "  {VOTERS}-NN          {}", with_interval(&found.voted_confusion))?;
    let width = found.names.iter().map(|name| text::width(&printable_str(name))).max().unwrap_or(0).clamp(5, 40);
    writeln!(out, "\n{:width$}  {rows:>8}  precision  recall", "label")?;
    let confusion = &found.probe_confusion;
    for (label, name) in found.names.iter().enumerate().take(SHOWN) {
        let name = text::cut(&printable_str(name), width);
        let pad = width - text::width(&name);
        let (precision, recall) = (confusion.precision(label), confusion.recall(label));
        writeln!(out, "{name}{:pad$}  {:8}  {precision:9.3}  {recall:6.3}", "", confusion.given(label))?;
    }
    more(found.names.len(), "label", out)?;
    let mistakes = confusion.mistakes();
    writeln!(out, "\n{}", if mistakes.is_empty() { "no label is taken for another" } else { "most confused" })?;
    for (given, predicted) in mistakes.iter().take(SHOWN) {
        let [one, other] = [given, predicted].map(|label| printable_str(&found.names[*label]));
        writeln!(out, "{:6}  {one} taken for {other}", confusion.count(*given, *predicted))?;
    }
    more(mistakes.len(), "pair", out)?;
    writeln!(out, "\n{} likely mislabeled", indexed.counted(found.suspects.len()))?;
    for suspect in found.suspects.iter().take(SHOWN) {
        let picture = &found.labeled[suspect.at];
        let Some(entry) = indexed.index.get(picture.id) else { continue };
        let [given, looks] = [picture.given, suspect.looks_like].map(|label| printable_str(&found.names[label]));
        let (given_p, looks_p) = (picture.probability, suspect.probability);
        writeln!(out, "  {}  {given} {given_p:.3}, looks like {looks} {looks_p:.3}", indexed.label(&entry))?;
    }
    more(found.suspects.len(), indexed.index.kind().noun(), out)?;
    if !found.predictions.is_empty() {
        let pictures = indexed.counted(found.predictions.len());
        writeln!(out, "\n{pictures} without a label: `lookalike classify` says what they show")?;
    }
    Ok(())
}

/// Says how many lines were left out.
fn more(all: usize, what: &str, out: &mut dyn Write) -> io::Result<()> {
    if all > SHOWN {
        writeln!(out, "  … and {} (--json has all)", text::counted(all - SHOWN, &format!("more {what}")))
    } else {
        Ok(())
    }
}

#[derive(Serialize)]
struct Report<'a> {
    schema_version: u32,
    model: &'a str,
    pictures: usize,
    corrected: usize,
    strength: f64,
    accuracy: Accuracy,
    knn_accuracy: Accuracy,
    labels: Vec<Label<'a>>,
    left_out: &'a [String],
    /// Rows are the given labels, columns the predicted ones.
    confusion: Vec<Vec<u32>>,
    likely_mislabeled: Vec<Picture<'a>>,
    /// Every labeled picture, in the order of paths.
    labeled: Vec<Picture<'a>>,
    unlabeled: Vec<Picture<'a>>,
}

#[derive(Serialize)]
struct Accuracy {
    value: f64,
    interval: [f64; 2],
}

impl Accuracy {
    fn of(confusion: &Confusion) -> Self {
        Self { value: confusion.accuracy(), interval: confusion.interval() }
    }
}

#[derive(Serialize)]
struct Label<'a> {
    name: &'a str,
    pictures: u32,
    precision: f64,
    recall: f64,
}

#[derive(Serialize)]
struct Picture<'a> {
    path: String,
    label: Option<&'a str>,
    /// Of its label.
    probability: Option<f32>,
    looks_like: &'a str,
    looks_like_probability: f32,
    /// The fold whose probe has not seen it.
    fold: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    face: Option<JsonFace>,
}

fn json(learned: &Learned, found: &Classification, out: &mut dyn Write) -> io::Result<()> {
    let confusion = &found.probe_confusion;
    let labels = found.names.iter().enumerate().map(|(label, name)| Label {
        name,
        pictures: confusion.given(label),
        precision: confusion.precision(label),
        recall: confusion.recall(label),
    });
    let count = found.names.len();
    let path =
        |id| learned.indexed.index.get(id).map(|entry| path_text(&entry.path()).into_owned()).unwrap_or_default();
    let face = |id| learned.indexed.index.get(id).as_ref().and_then(JsonFace::of);
    let picture = |of: &OutOfFold, (label, probability): (usize, f32)| Picture {
        path: path(of.id),
        label: Some(&found.names[of.given]),
        probability: Some(of.probability),
        looks_like: &found.names[label],
        looks_like_probability: probability,
        fold: Some(of.fold),
        face: face(of.id),
    };
    let suspects = found.suspects.iter().map(|of| picture(&found.labeled[of.at], (of.looks_like, of.probability)));
    let unlabeled = found.predictions.iter().map(|of| {
        let (label, looks_like_probability) = of.guesses.best();
        let looks_like = found.names[label].as_str();
        Picture {
            path: path(of.id),
            label: None,
            probability: None,
            looks_like,
            looks_like_probability,
            fold: None,
            face: face(of.id),
        }
    });
    let report = Report {
        schema_version: SCHEMA_VERSION,
        model: &learned.indexed.model,
        pictures: found.labeled.len(),
        corrected: learned.corrected(),
        strength: found.strength,
        accuracy: Accuracy::of(confusion),
        knn_accuracy: Accuracy::of(&found.voted_confusion),
        labels: labels.collect(),
        left_out: &found.alone,
        confusion: (0..count).map(|row| (0..count).map(|column| confusion.count(row, column)).collect()).collect(),
        likely_mislabeled: suspects.collect(),
        labeled: found.labeled.iter().map(|of| picture(of, of.guesses.best())).collect(),
        unlabeled: unlabeled.collect(),
    };
    writeln!(out, "{}", pretty_json(&report)?)
}
