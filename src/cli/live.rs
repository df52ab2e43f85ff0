//! `lookalike live`: who or what is it, at the moment it is seen.

mod lines;

use std::{
    io::{self, IsTerminal, Write},
    mem,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use clap::Args;

use super::{
    ModelArgs,
    enrolled::{Enrolled, usual_metric},
    interrupt::cancelled_by_signals,
};
use crate::{
    analysis::gallery::{
        Criterion, Gallery,
        trials::{NoThreshold, TriedGallery},
    },
    cancel::CancelToken,
    display::Palette,
    embed,
    error::{Error, Exit, Result},
    event_loop::{self, live::Options},
    index::RowKind,
    live::{
        Finder, Looker, Pace, RegionEmbedder, Say, Source,
        hook::Hook,
        reactions::{Excess, Reactions},
    },
    printable::printable_str,
    similarity::Metric,
    terminal::DisplayOptions,
};

/// Said wherever somebody may be seen.
pub const PRIVACY: &str = "Nothing leaves this machine, and frames are not kept. This tells likeness and is no security: \
                           a photo fools it. Ask before you film people.";

/// Arguments of `lookalike live`.
#[derive(Debug, Clone, Args)]
#[command(after_help = PRIVACY)]
pub struct LiveArgs {
    /// A folder with one sub-folder for each person or thing, several pictures in each [default: the names given in the explorer]
    #[arg(long, value_name = "FOLDER")]
    pub gallery: Option<PathBuf>,
    /// camera, a device, a camera's name; a video or an address that ffmpeg reads; a picture; a folder to watch; - for pictures on standard input
    #[arg(long, value_name = "SOURCE", default_value = "camera")]
    pub source: String,
    /// How often a frame of a camera or a video is looked at, for example 5s or 500ms.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "1s")]
    pub every: Duration,
    /// Look whenever what is seen has changed.
    #[arg(long, conflicts_with = "every")]
    pub on_change: bool,
    /// Share of strangers that may be given a name, from which the threshold follows.
    #[arg(long, value_name = "RATE", value_parser = rate, default_value = "0.01")]
    pub far: f64,
    /// Least cosine similarity, or greatest distance, of what is given a name.
    #[arg(long, value_name = "VALUE", conflicts_with = "far", allow_negative_numbers = true)]
    pub threshold: Option<f32>,
    /// By how much the best name must be more alike than the second; the threshold of a model that was measured does not get looser by it.
    #[arg(long, value_name = "VALUE", default_value_t = 0.0)]
    pub margin: f32,
    /// How pictures are compared [default: cosine; euclidean for faces]
    #[arg(long, value_enum)]
    pub metric: Option<Metric>,
    /// Print one JSON object a line instead of showing a screen; so it is where standard output is no terminal.
    #[arg(long)]
    pub json: bool,
    /// Look once, print a line, and end with 0 when it is known and 4 when it is not.
    #[arg(long)]
    pub once: bool,
    /// A command to run when a name comes into view; {name} and {value} are put into its arguments, and no shell reads them.
    #[arg(long, value_name = "COMMAND")]
    pub exec: Option<String>,
    /// Keep every frame that was looked at in this folder; beside a screen, what a slow disk cannot keep up with is left out and counted.
    #[arg(long, value_name = "FOLDER")]
    pub keep: Option<PathBuf>,
    /// The model.
    #[command(flatten)]
    pub model: ModelArgs,
    /// Colors and pictures.
    #[command(flatten)]
    pub display: DisplayOptions,
}

/// A share, as a number from 0 to 1 or in per cent.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let (number, unit) = text.strip_suffix('%').map_or((text, 1.0), |number| (number.trim_end(), 100.0));
    let rate = number.parse::<f64>().ok().map(|number| number / unit).filter(|rate| *rate > 0.0 && *rate < 1.0);
    rate.ok_or_else(|| "it is a share between 0 and 1, for example 0.01".into())
}

/// A time with its unit; seconds without one.
fn duration(text: &str) -> Result<Duration, String> {
    let units = [("ms", 0.001), ("s", 1.0), ("min", 60.0), ("m", 60.0), ("h", 3600.0), ("", 1.0)];
    let (number, scale) = units
        .iter()
        .find_map(|(unit, scale)| Some((text.strip_suffix(unit)?.trim_end(), *scale)))
        .unwrap_or((text, 1.0));
    let seconds = number.parse::<f64>().ok().map(|number| number * scale).filter(|seconds| *seconds >= 0.0);
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.ok_or_else(|| "it is a time, for example 5s or 500ms".into())
}

/// Looks until the source ends or the user wants no more.
///
/// # Errors
/// As the indexing of the gallery; [`crate::error::Error::Source`] when the source gives nothing.
pub fn run(args: &LiveArgs, palette: Palette, out: &mut dyn Write) -> Result<Exit> {
    let source = Source::named(&args.source)?;
    let on_screen = !args.json && !args.once && io::stdout().is_terminal();
    let hook = args.exec.as_deref().map(|line| Hook::parse(line, on_screen)).transpose()?;
    // The screen listens to signals itself, and gives the terminal back before it ends by one.
    let cancel = if on_screen { CancelToken::default() } else { cancelled_by_signals()? };
    let enrolled = Enrolled::new(args.gallery.as_deref(), &args.model, cancel.clone())?;
    // On the screen names can be given; elsewhere nothing can become known.
    let mut enrolled = if on_screen { enrolled } else { enrolled.not_empty()? };
    let tried = Arc::new(TriedGallery::new(mem::take(&mut enrolled.gallery)));
    let mut choice = args.model.choice();
    if args.model.how.threads.is_none() {
        // One picture at a time: a second thread would save little, and waits for work where it could rest.
        choice.threads = 1;
    }
    let model = embed::choose(&choice)?;
    let embedder = Box::new(Finder(embed::load(&model, &choice)?));
    let seeks = if model.manifest.finds_faces() { RowKind::Face } else { RowKind::Picture };
    let metric = args.metric.unwrap_or_else(|| usual_metric(seeks));
    if on_screen {
        let options = Options {
            source,
            pace: args.pace(),
            pace_words: args.pace_words(),
            enrolled: tried,
            folder: enrolled.folder,
            model: printable_str(&model.manifest.name),
            seeks,
            metric,
            far: args.far,
            threshold: args.threshold,
            margin: args.margin,
            kept_in: args.keep.clone(),
            hook,
            say: lines::say,
            display: args.display,
            palette,
        };
        let left = event_loop::live::run(options, embedder)?;
        Ok(if left { Exit::Done } else { Exit::Interrupted })
    } else {
        let found = || tried.threshold(metric, args.far, args.margin).map(|found| found.value);
        let threshold = args.threshold.map_or_else(found, Ok);
        let threshold = threshold.map_err(|why| no_threshold(why, &tried.gallery, args.far))?;
        let criterion = Criterion { metric, threshold: Some(threshold), margin: args.margin };
        // Without a screen nobody is held up: what the disk is too slow for waits.
        let tell: Say = Arc::new(|sentence| lines::say(&sentence));
        let mut reactions = Reactions::start(hook, args.keep.clone(), Excess::Waits, &tell)?;
        let lines = lines::Lines { args, seeks, enrolled: &tried, criterion, reactions: &mut reactions };
        let exit = headless(lines, source, embedder, &cancel, out)?;
        Ok(if reactions.finish(&|| cancel.is_cancelled()) { exit } else { Exit::Interrupted })
    }
}

impl LiveArgs {
    fn pace(&self) -> Pace {
        if self.on_change { Pace::OnChange } else { Pace::Every(self.every) }
    }

    fn pace_words(&self) -> String {
        match self.pace() {
            Pace::OnChange => "on change".into(),
            Pace::Every(every) => format!("every {} s", every.as_secs_f32()),
        }
    }
}

/// Looks and prints a line for each region.
fn headless(
    mut lines: lines::Lines<'_>,
    source: Source,
    embedder: Box<dyn RegionEmbedder>,
    cancel: &CancelToken,
    out: &mut dyn Write,
) -> Result<Exit> {
    let args = lines.args;
    let name = source.name();
    let source = source.open(|sentence| lines::say(&sentence))?;
    let mut looker = Looker::new(Arc::clone(&source.inbox), embedder, args.pace());
    if !args.once || io::stderr().is_terminal() {
        lines.introduce(&name);
    }
    let mut known = false;
    while let Some(seen) = looker.next(&|| cancel.is_cancelled())? {
        known = lines.write(&seen, out)?;
        if args.once {
            break;
        }
    }
    Ok(match (cancel.is_cancelled(), args.once && !known) {
        (true, _) => Exit::Interrupted,
        (_, true) => Exit::Unknown,
        _ => Exit::Done,
    })
}

/// What stands against a threshold, and what helps.
fn no_threshold(why: NoThreshold, gallery: &Gallery, far: f64) -> Error {
    let reason = match why {
        NoThreshold::Unmeasured => format!("it has only one name, {}", printable_str(gallery.name(0))),
        NoThreshold::TooFewNames | NoThreshold::SamePicture(_) => why.words(gallery, far),
    };
    let help = match why {
        NoThreshold::SamePicture(_) => "",
        NoThreshold::Unmeasured | NoThreshold::TooFewNames => "add sub-folders, ",
    };
    Error::Usage(format!(
        "no threshold follows from the gallery: {reason}; {help}allow more strangers with --far, or give a --threshold"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_rates_are_read_as_people_write_them() {
        for (text, milliseconds) in
            [("5s", 5000), ("500ms", 500), ("0.2", 200), ("1.5 min", 90_000), ("2m", 120_000), ("1h", 3_600_000)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "s", "-1s", "nan", "5 parsecs", "1e300h"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert_eq!((rate("0.01"), rate("1%"), rate("0.1 %")), (Ok(0.01), Ok(0.01), Ok(0.001)));
        for text in ["0", "1", "100%", "-1", "x", "nan"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }
}
