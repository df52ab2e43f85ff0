//! What is told of a gallery, as text and as JSON.

use std::{
    collections::HashSet,
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::GalleryArgs;
use crate::{
    analysis::{
        gallery::{
            Criterion, Gallery,
            trials::{NoThreshold, Outcomes, Threshold, Trial, Trials, confusions, misfits, same_under_two_names},
        },
        roc::{ErrorRates, PairDistances},
    },
    cli::{
        SCHEMA_VERSION,
        data::{path_text, pretty_json},
        enrolled::Enrolled,
        indexed::Indexed,
    },
    index::RowKind,
    printable::printable,
    similarity::Metric,
    text,
};

/// All that is told, and where it comes from.
pub(super) struct Report<'a> {
    pub args: &'a GalleryArgs,
    pub metric: Metric,
    pub enrolled: &'a Enrolled,
    pub indexed: &'a Indexed,
    pub pairs: &'a PairDistances,
    pub trials: &'a Trials,
}

/// Bars of a histogram, and how many lines the highest has.
const BINS: usize = 60;
const LINES: usize = 4;
/// Points of the curve in JSON, and of the table in text.
const POINTS: usize = 101;
const ROWS: usize = 9;
/// Lines of a list in text; JSON has all.
const LISTED: usize = 8;
/// Wished shares of strangers that are named, for the table.
const WISHED: [f64; 3] = [0.1, 0.01, 0.001];

/// A threshold that was chosen, and what comes of it.
#[derive(Serialize)]
struct Choice {
    wished_far: Option<f64>,
    threshold: Option<f32>,
    extrapolated: bool,
    expected_far: Option<f64>,
    strangers_named: f64,
    right: f64,
    wrong: f64,
    unknown: f64,
    #[serde(skip)]
    no_threshold: Option<NoThreshold>,
}

impl Report<'_> {
    fn gallery(&self) -> &Gallery {
        &self.enrolled.gallery
    }

    fn metric(&self) -> Metric {
        self.metric
    }

    /// A distance of pairs as a value of the metric, and back.
    fn value(&self, distance: f32) -> f32 {
        if self.metric() == Metric::Cosine { 1.0 - distance } else { distance }
    }

    fn choice(&self, wished: f64) -> Choice {
        let found = self.trials.threshold(wished, self.args.margin);
        let criterion = Criterion {
            metric: self.metric(),
            threshold: found.ok().map(|threshold| threshold.value),
            margin: self.args.margin,
        };
        let Outcomes { strangers_named, right, wrong, unknown } = self.trials.outcomes(&criterion);
        Choice {
            wished_far: Some(wished),
            threshold: criterion.threshold,
            extrapolated: found.is_ok_and(|Threshold { is_extrapolated, .. }| is_extrapolated),
            expected_far: self.trials.far(&criterion),
            strangers_named,
            right,
            wrong,
            unknown,
            no_threshold: found.err(),
        }
    }

    /// The errors at so many evenly spaced thresholds, the least alike first.
    fn curve(&self, points: usize) -> Vec<ErrorRates> {
        let Some((low, high)) = self.pairs.range() else { return Vec::new() };
        let at = |place: usize| {
            let share = place as f32 / (points - 1) as f32;
            // Distances fall as values of the cosine rise.
            let share = if self.metric() == Metric::Cosine { 1.0 - share } else { share };
            self.pairs.at(low + (high - low) * share)
        };
        (0..points).map(at).collect()
    }

    fn label(&self, path: &Path) -> String {
        let folder = std::path::absolute(&self.enrolled.folder);
        let folder = folder.as_ref().ok().and_then(|folder| path.strip_prefix(folder).ok());
        let canonical = std::fs::canonicalize(&self.enrolled.folder).ok();
        let relative = folder.or_else(|| path.strip_prefix(canonical.as_ref()?).ok());
        printable(relative.unwrap_or(path))
    }

    pub(super) fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let gallery = self.gallery();
        let pictures = gallery.samples().len();
        let metric = if self.metric() == Metric::Cosine { "cosine similarity" } else { "euclidean distance" };
        writeln!(
            out,
            "{}, {} by {metric}, embedded by {}",
            text::counted(gallery.len(), "name"),
            self.indexed.counted(pictures),
            self.indexed.model_label()
        )?;
        self.histograms(out)?;
        self.rates(out)?;
        self.thresholds(out)?;
        self.confused(out)?;
        self.strange(out)
    }

    /// Two histograms over one axis: bars of eighths of a line.
    fn histograms(&self, out: &mut dyn Write) -> io::Result<()> {
        let Some(range) = self.pairs.range() else { return Ok(()) };
        let [same, other] = self.pairs.totals().map(|total| total as usize);
        let kinds = self.pairs.histogram(range, BINS);
        writeln!(out)?;
        for (mut shares, (what, count)) in kinds.into_iter().zip([("one name", same), ("two names", other)]) {
            if count == 0 {
                continue;
            }
            if self.metric() == Metric::Cosine {
                shares.reverse();
            }
            let highest = shares.iter().copied().fold(0.0, f64::max);
            for line in (0..LINES).rev() {
                let bars: String = shares.iter().map(|share| bar(share / highest, line)).collect();
                let words = match LINES - 1 - line {
                    0 => format!("pairs of {what}"),
                    1 => text::count(count),
                    _ => String::new(),
                };
                writeln!(out, "{words:>18}  {}", bars.trim_end())?;
            }
        }
        let (mut ends, eer) = ([self.value(range.0), self.value(range.1)], self.pairs.equal_error());
        if self.metric() == Metric::Cosine {
            ends.reverse();
        }
        let mut axis = vec!['─'; BINS];
        if let Some(error) = eer {
            let share = (self.value(error.distance) - ends[0]) / (ends[1] - ends[0]);
            axis[((share * BINS as f32) as usize).min(BINS - 1)] = '┴';
        }
        let [low, high] = ends.map(|end| text::value(end).trim().to_owned());
        writeln!(out, "{low:>18}  {}  {high}", String::from_iter(axis))?;
        if let Some(error) = eer {
            writeln!(
                out,
                "{:20}┴ {} errors of both kinds (EER) at {} · ROC AUC {:.4}",
                "",
                text::percent(error.far),
                text::value(self.value(error.distance)).trim(),
                self.pairs.auc()
            )?;
        }
        Ok(())
    }

    fn rates(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.pairs.totals().contains(&0) {
            return writeln!(out, "\nerror rates of pairs need two names, and two pictures of one");
        }
        writeln!(out, "\npairs at a threshold: taken for one name though of two (FAR), not taken though of one (FRR)")?;
        writeln!(out, "  {:>9}  {:>8}  {:>8}", self.metric().name(), "FAR", "FRR")?;
        for ErrorRates { distance, far, frr } in self.curve(ROWS) {
            writeln!(
                out,
                "  {:>9}  {:>8}  {:>8}",
                text::value(self.value(distance)),
                text::percent(far),
                text::percent(frr)
            )?;
        }
        Ok(())
    }

    fn thresholds(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.trials.strangers() == 0 && self.trials.known_pairs().is_none() {
            return writeln!(out, "\na threshold cannot be chosen: strangers are measured with a second name");
        }
        let margin = match self.args.margin {
            0.0 => String::new(),
            margin => format!(" and leads by {margin}"),
        };
        writeln!(
            out,
            "\na new picture gets the name whose center is the most alike, if that reaches the threshold{margin};\n\
             tried with each picture, as its name's (right, wrong, unknown) and as a stranger's:"
        )?;
        writeln!(
            out,
            "  {:>16}  {:>9}  {:>8}  {:>8}  {:>8}",
            "strangers named", "threshold", "right", "wrong", "unknown"
        )?;
        let mut wished: Vec<_> = WISHED.into_iter().filter(|wished| *wished != self.args.far).collect();
        wished.push(self.args.far);
        wished.sort_by(|a, b| b.total_cmp(a));
        let (mut extrapolated, mut reasons) = (false, Vec::new());
        for wished in wished {
            let choice = self.choice(wished);
            extrapolated |= choice.extrapolated;
            // The largest share that it is in the way of stands for the smaller ones.
            if let Some(why) = choice.no_threshold.filter(|why| reasons.iter().all(|(known, _)| known != why)) {
                reasons.push((why, wished));
            }
            let sign = if choice.extrapolated { "*" } else { " " };
            let chosen = if wished == self.args.far { "›" } else { " " };
            writeln!(
                out,
                "{chosen} {:>16}  {:>8}{sign}  {:>8}  {:>8}  {:>8}",
                text::percent(wished),
                choice.threshold.map_or_else(|| "none".into(), |value| format!("{value:.4}")),
                text::percent(choice.right),
                text::percent(choice.wrong),
                text::percent(choice.unknown)
            )?;
        }
        writeln!(out, "  thresholds follow {}", self.trials.basis())?;
        if extrapolated {
            let (few, found) = match self.trials.known_pairs() {
                Some(known) => (
                    text::counted(self.trials.pairs() + known, "pair") + " of names",
                    "from how the values of the closest of them go on",
                ),
                None => (
                    text::counted(self.gallery().len(), "name"),
                    "from how their values are spread, the stricter the fewer they are",
                ),
            };
            writeln!(out, "  * {few} cannot show so small a share: taken {found}")?;
        }
        for (why, wished) in reasons {
            writeln!(out, "  none: {}", why.words(self.gallery(), wished))?;
        }
        if self.trials.list().iter().all(|trial| trial.own.is_none()) {
            writeln!(out, "  –: no name has a second picture to try")?;
        }
        Ok(())
    }

    fn confused(&self, out: &mut dyn Write) -> io::Result<()> {
        let gallery = self.gallery();
        let confusions = confusions(gallery, self.trials);
        if confusions.is_empty() {
            return Ok(());
        }
        writeln!(out, "\nmost easily confused: a name, the one most like it, and how alike their centers are")?;
        // Two names that are the most alike to one another are one line, unless pictures of both are confused.
        let mut pairs = HashSet::new();
        let listed = confusions.iter().filter(|one| {
            let (name, other) = (one.name, one.nearest.name);
            pairs.insert([name.min(other), name.max(other)]) || one.confused > 0
        });
        for one in listed.take(LISTED) {
            let confused = match one.confused {
                0 => String::new(),
                count => {
                    format!("  {count} of {} nearer to another name", text::counted(gallery.count(one.name), "picture"))
                }
            };
            let (name, other) = (gallery.name(one.name), gallery.name(one.nearest.name));
            writeln!(out, "  {}  {name} – {other}{confused}", text::value(one.nearest.value))?;
        }
        Ok(())
    }

    fn strange(&self, out: &mut dyn Write) -> io::Result<()> {
        let gallery = self.gallery();
        let misfits = misfits(self.trials);
        if !misfits.is_empty() {
            writeln!(out, "\nno likelier to be of their own name than of another: {}", misfits.len())?;
        }
        for Trial { sample, own, others } in misfits.iter().take(LISTED) {
            let (sample, Some(other)) = (&gallery.samples()[*sample], others[0]) else { continue };
            let own = text::value(own.unwrap_or(f32::NAN));
            let (name, value) = (gallery.name(other.name), text::value(other.value));
            writeln!(out, "  {own}  {}  ({name}: {})", self.label(&sample.path), value.trim())?;
        }
        if misfits.len() > LISTED {
            writeln!(out, "  …")?;
        }
        let doubles = same_under_two_names(gallery);
        for [a, b] in doubles.iter().take(LISTED) {
            let [a, b] = [a, b].map(|at| self.label(&gallery.samples()[*at].path));
            writeln!(out, "one picture under two names: {a} and {b}")?;
        }
        let alone = (0..gallery.len()).filter(|name| gallery.count(*name) == 1);
        let alone: Vec<_> = alone.map(|name| gallery.name(name)).collect();
        if !alone.is_empty() {
            let more = if alone.len() > LISTED { ", …" } else { "" };
            writeln!(out, "only one picture, so untried: {}{more}", alone[..alone.len().min(LISTED)].join(", "))?;
        }
        if self.enrolled.unnamed > 0 {
            let pictures = text::counted(self.enrolled.unnamed, "picture");
            writeln!(out, "{pictures} in no sub-folder: without a name they are left out")?;
        }
        Ok(())
    }

    pub(super) fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        let gallery = self.gallery();
        let eer = self.pairs.equal_error();
        let [same, other] = self.pairs.totals();
        let path = |sample: usize| path_text(&gallery.samples()[sample].path).into_owned();
        let name = |sample: usize| gallery.name(gallery.samples()[sample].name);
        let point = |rates: &ErrorRates| serde_json::json!({ "threshold": self.value(rates.distance), "far": rates.far, "frr": rates.frr });
        let misfit = |Trial { sample, own, others }: &Trial| {
            serde_json::json!({
                "path": path(*sample), "name": name(*sample), "own": own,
                "other": others[0].map(|other| gallery.name(other.name)), "other_value": others[0].map(|other| other.value),
            })
        };
        let confusions = confusions(gallery, self.trials);
        let confusions = confusions.iter().map(|one| {
            serde_json::json!({
                "name": gallery.name(one.name), "other": gallery.name(one.nearest.name),
                "value": one.nearest.value, "confused": one.confused,
            })
        });
        let names =
            (0..gallery.len()).map(|at| serde_json::json!({ "name": gallery.name(at), "pictures": gallery.count(at) }));
        let paths = |paths: &[PathBuf]| paths.iter().map(|path| path_text(path).into_owned()).collect::<Vec<_>>();
        let mut value = serde_json::json!({
            "schema_version": SCHEMA_VERSION,
            "model": self.indexed.model,
            "baseline": self.indexed.baseline,
            "metric": self.metric().name(),
            "folder": path_text(&self.enrolled.folder),
            "pictures": gallery.samples().len(),
            "unnamed": self.enrolled.unnamed,
            "names": names.collect::<Vec<_>>(),
            "pairs": {
                "same": same,
                "other": other,
                "roc_auc": self.pairs.auc(),
                "equal_error_rate": eer.map(|error| error.far),
                "equal_error_threshold": eer.map(|error| self.value(error.distance)),
                "curve": self.curve(POINTS).iter().map(point).collect::<Vec<_>>(),
            },
            "strangers": self.trials.strangers(),
            "basis": {
                "pairs_of_names": self.trials.pairs(),
                "known_pairs": self.trials.known_pairs(),
                "in_words": self.trials.basis(),
            },
            "margin": self.args.margin,
            "chosen": self.choice(self.args.far),
            "thresholds": WISHED.map(|wished| self.choice(wished)),
            "confusions": confusions.collect::<Vec<_>>(),
            "misfits": misfits(self.trials).iter().map(misfit).collect::<Vec<_>>(),
            "same_under_two_names": same_under_two_names(gallery).iter().map(|pair| pair.map(path)).collect::<Vec<_>>(),
        });
        if self.indexed.index.kind() == RowKind::Face {
            value["without_face"] = paths(&self.enrolled.without_face).into();
            value["several_faces"] = paths(&self.enrolled.several_faces).into();
        }
        writeln!(out, "{}", pretty_json(&value)?)
    }
}

/// One line of a bar, the lowest line 0.
fn bar(share: f64, line: usize) -> char {
    const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let eighths = (share * (LINES * 8) as f64).ceil() as usize;
    EIGHTHS[eighths.saturating_sub(line * 8).min(8)]
}
