//! `lookalike outliers`: which pictures of a folder do not belong, and why.

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;

use super::{
    FolderArgs, ModelArgs, SCHEMA_VERSION,
    data::{JsonFace, JsonImage, path_text, pretty_json, with_accuracy},
    indexed::Indexed,
    interrupt::cancelled_by_signals,
    progress::Reporter,
    stdout_error,
};
use crate::{
    analysis::outliers::{FLAGGED, Measure, Outlier, Outliers, Scope, WITNESSES},
    error::{Error, Exit, Result},
    index::{Entry, ImageId, labels::Labels},
    task::{KnownGraph, Made, Task},
    text,
    worker::on_all_cores,
};

/// Arguments of `lookalike outliers`.
#[derive(Debug, Clone, Args)]
pub struct OutliersArgs {
    /// Folders and what to leave out.
    #[command(flatten)]
    pub folders: FolderArgs,
    /// Rank by the local outlier factor instead of the mean distance to the nearest.
    #[arg(long)]
    pub lof: bool,
    /// Print JSON with the scores of all pictures.
    #[arg(long)]
    pub json: bool,
    /// The model.
    #[command(flatten)]
    pub model: ModelArgs,
    /// End with exit code 1 when an image could not be indexed.
    #[arg(long)]
    pub strict: bool,
}

/// Indexes the folders, then prints the outliers.
///
/// # Errors
/// As the indexing; [`Error::Interrupted`] when stopped.
pub fn run(args: &OutliersArgs, out: &mut dyn Write) -> Result<Exit> {
    let indexed = Indexed::new(&args.folders, &args.model, cancelled_by_signals()?)?;
    let Indexed { index, kept, .. } = &indexed;
    let mut reporter = Reporter::stderr();
    let mut so_far = |made: &dyn Fn() -> Made| {
        if let Made::Progress(share) = made() {
            reporter.line(|| format!("finding outliers: {:.0} %", 100.0 * share));
        }
    };
    let stopped = || indexed.cancel.is_cancelled();
    let made = Task::Outliers(kept.graph(index).map(KnownGraph)).make(index, &on_all_cores, &stopped, &mut so_far);
    reporter.clear();
    let Made::Outliers(found) = made else { return Err(Error::Interrupted) };
    kept.keep(&found.graph, index);
    let measure = if args.lof { Measure::Factor } else { Measure::Distance };
    let answer = Answer { indexed: &indexed, found: &found, folders: Labels::folders(index), measure };
    let written = if args.json {
        answer.json(out)
    } else {
        indexed.say_how_accurate(found.accuracy, "distances may be a little too large");
        answer.text(out)
    };
    written.map_err(stdout_error)?;
    Ok(indexed.exit(args.strict))
}

struct Answer<'a> {
    indexed: &'a Indexed,
    found: &'a Outliers,
    folders: Labels,
    measure: Measure,
}

/// Nearest pictures that are named with an outlier.
const NAMED: usize = 3;

#[derive(Serialize)]
struct JsonScores {
    distance: f32,
    lof: f32,
    /// Nothing among fewer than 8 pictures.
    deviations: Option<f32>,
    flagged: bool,
}

#[derive(Serialize)]
struct JsonNear {
    path: String,
    cosine: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    face: Option<JsonFace>,
}

#[derive(Serialize)]
struct JsonOutlier<'a> {
    #[serde(flatten)]
    image: JsonImage<'a>,
    over_all: Option<JsonScores>,
    in_folder: Option<JsonScores>,
    looks_like: Option<&'a str>,
    nearest: Vec<JsonNear>,
}

impl Answer<'_> {
    fn entry(&self, id: ImageId) -> Option<Entry<'_>> {
        self.indexed.index.get(id)
    }

    fn nearest(&self, id: ImageId) -> impl Iterator<Item = (Entry<'_>, f32)> {
        let edges = self.found.graph.neighbors(id).iter().take(NAMED);
        edges.filter_map(|edge| Some((self.entry(edge.id)?, edge.value)))
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let score = match self.measure {
            Measure::Distance => "mean distance",
            Measure::Factor => "local outlier factor",
        };
        writeln!(
            out,
            "{score} to the {} nearest\nflagged over {FLAGGED} deviations (median absolute deviation) from the median",
            self.found.k
        )?;
        for (scope, title) in [(Scope::All, "over all"), (Scope::Folder, "within its folder")] {
            if scope == Scope::Folder && !self.found.has_folders() {
                continue;
            }
            let ranked = self.found.ranked(scope, self.measure);
            let flagged: Vec<&Outlier> = ranked.iter().filter(|outlier| outlier.is_flagged()).collect();
            writeln!(out, "\n{title}: {} of {} flagged", flagged.len(), self.indexed.counted(ranked.len()))?;
            for outlier in flagged {
                let Some(entry) = self.entry(outlier.id) else { continue };
                let (deviations, path) = (outlier.deviation, self.indexed.label(&entry));
                writeln!(out, "  {deviations:5.1}  {path}")?;
                let near = self.nearest(outlier.id);
                let near: Vec<_> = near
                    .map(|(near, cosine)| format!("{} {}", text::rounded(cosine, 3), self.indexed.label(&near)))
                    .collect();
                writeln!(out, "         nearest: {}", near.join(", "))?;
            }
        }
        if self.found.has_folders() {
            let misplaced = &self.found.misplaced;
            let count = self.indexed.counted(misplaced.len());
            writeln!(out, "\nlook like another folder: {count} (the {WITNESSES} nearest all lie there)")?;
            for found in misplaced {
                let Some(entry) = self.entry(found.id) else { continue };
                let (path, folder) = (self.indexed.label(&entry), self.folders.name(found.looks_like));
                writeln!(out, "  {path} looks like {folder}/ ({})", text::rounded(found.cosine, 3))?;
            }
        }
        Ok(())
    }

    fn scores(&self, scope: Scope, id: ImageId) -> Option<JsonScores> {
        let outlier = self.found.get(scope, self.measure, id)?;
        let Outlier { distance, factor: lof, deviation, .. } = outlier;
        let deviations = Some(deviation).filter(|deviation| !deviation.is_nan());
        Some(JsonScores { distance, lof, deviations, flagged: outlier.is_flagged() })
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        let looks = |id: ImageId| {
            let found = self.found.misplaced.iter().find(|found| found.id == id)?;
            Some(self.folders.name(found.looks_like))
        };
        // The farthest out first; what cannot be compared comes last.
        let mut order: Vec<ImageId> =
            self.found.ranked(Scope::All, self.measure).iter().map(|outlier| outlier.id).collect();
        let alone = |id: &ImageId| self.found.get(Scope::All, self.measure, *id).is_none();
        order.extend(self.indexed.index.iter().map(|entry| entry.id).filter(alone));
        let images: Vec<_> = order
            .into_iter()
            .filter_map(|id| self.entry(id))
            .map(|entry| JsonOutlier {
                image: JsonImage::of(&entry),
                over_all: self.scores(Scope::All, entry.id),
                in_folder: self.scores(Scope::Folder, entry.id),
                looks_like: looks(entry.id),
                nearest: self
                    .nearest(entry.id)
                    .map(|(near, cosine)| JsonNear {
                        path: path_text(&near.path()).into_owned(),
                        cosine,
                        face: JsonFace::of(&near),
                    })
                    .collect(),
            })
            .collect();
        let value = serde_json::json!({
            "schema_version": SCHEMA_VERSION,
            "model": self.indexed.model,
            "neighbors": self.found.k,
            "ranked_by": self.measure.name(),
            "flagged_over": FLAGGED,
            "images": images,
        });
        writeln!(out, "{}", pretty_json(&with_accuracy(value, self.found.accuracy))?)
    }
}
