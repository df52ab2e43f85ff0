//! `lookalike map`: the pictures of a folder from above, as points: for eyes, for programs, as a drawing.

mod drawing;

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
};

use clap::Args;
use serde::Serialize;

use self::drawing::Drawing;
use super::{
    FolderArgs, ModelArgs, SCHEMA_VERSION,
    data::{JsonImage, csv_field, face_columns, face_fields, group_text, path_text, pretty_json, with_accuracy},
    indexed::Indexed,
    interrupt::cancelled_by_signals,
    picture,
    progress::Reporter,
    stdout_error,
};
use crate::{
    analysis::projection::{Method, Projection},
    app::{
        layout::Area,
        screens::map::plot::{Middle, Plot, Raster, View, middles},
    },
    display::{Depth, category, letter, to_16, to_256},
    error::{Error, Exit, Result},
    index::{Entry, labels::Labels},
    task::{MapStep, MapTask},
    terminal::{self, Capabilities, DisplayOptions},
    text,
    worker::on_all_cores,
};

/// Arguments of `lookalike map`.
#[derive(Debug, Clone, Args)]
pub struct MapArgs {
    /// Folders and what to leave out.
    #[command(flatten)]
    pub folders: FolderArgs,
    /// How pictures become points.
    #[arg(long, value_enum, default_value_t)]
    pub method: Method,
    /// Print comma-separated values: a line a picture.
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Draw the map into this file, as SVG.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Draw the map into this file, as PNG.
    #[arg(long, value_name = "FILE")]
    pub png: Option<PathBuf>,
    /// Replace the files of --svg and --png when they are there already.
    #[arg(long)]
    pub force: bool,
    /// Make the map anew, though one was kept.
    #[arg(long)]
    pub anew: bool,
    /// The model.
    #[command(flatten)]
    pub model: ModelArgs,
    /// End with exit code 1 when an image could not be indexed.
    #[arg(long)]
    pub strict: bool,
}

/// Indexes the folders, then makes the map, or takes the one that was kept with the index.
///
/// # Errors
/// As the indexing; [`Error::Usage`] when a file is there already, [`Error::Interrupted`] when stopped.
pub fn run(args: &MapArgs, out: &mut dyn Write) -> Result<Exit> {
    for file in args.svg.iter().chain(&args.png) {
        picture::check(file, args.force)?;
    }
    let indexed = Indexed::new(&args.folders, &args.model, cancelled_by_signals()?)?;
    let map = made(args, &indexed)?;
    if !args.json {
        indexed.say_how_accurate(map.accuracy, "a few points may lie elsewhere");
    }
    let labels = Labels::folders(&indexed.index);
    let shown = Shown { map: &map, labels: &labels, indexed: &indexed };
    let drawn = args.svg.is_some() || args.png.is_some();
    if drawn {
        let svg = shown.drawing().svg().map_err(|_| Error::Usage("the map cannot be drawn".into()))?;
        picture::draw(&svg, "map", args.svg.as_deref(), args.png.as_deref(), args.force)?;
    }
    let written = if args.csv {
        shown.csv(out)
    } else if args.json {
        shown.json(out)
    } else if drawn {
        // Whoever wants a drawing has it.
        Ok(())
    } else if io::stdout().is_terminal() {
        let size = terminal::output_size().unwrap_or((80, 24));
        shown.for_eyes(Capabilities::plain(&DisplayOptions::default()).depth, size, out)
    } else {
        shown.for_eyes(Depth::Mono, (80, 24), out)
    };
    written.map_err(stdout_error)?;
    Ok(indexed.exit(args.strict))
}

fn made(args: &MapArgs, indexed: &Indexed) -> Result<Projection> {
    let mut reporter = Reporter::stderr();
    let Indexed { index, kept, .. } = indexed;
    let task = MapTask { method: args.method, known: None, graph: None, anew: args.anew, hurried: false };
    let stopped = || indexed.cancel.is_cancelled();
    let mut told = |mapping: &dyn Fn() -> crate::task::Mapping| {
        reporter.line(|| {
            let mapping = mapping();
            let doing = match mapping.step {
                MapStep::Comparing => "comparing all with all",
                MapStep::Moving => "moving the points",
                MapStep::Measuring => "measuring the map",
            };
            format!("{doing}: {:.0} % of all", 100.0 * mapping.share)
        });
    };
    let made = kept.shorten(task, index).make(index, &on_all_cores, &stopped, &mut told);
    reporter.clear();
    let made = made.ok_or(Error::Interrupted)?;
    if let Some(graph) = &made.graph {
        kept.keep(graph, index);
    }
    kept.keep_map(&made, index);
    Ok((*made.projection).clone())
}

/// A map with everything that is said of it.
struct Shown<'a> {
    map: &'a Projection,
    labels: &'a Labels,
    indexed: &'a Indexed,
}

#[derive(Serialize)]
struct JsonPoint<'a> {
    #[serde(flatten)]
    image: JsonImage<'a>,
    x: f32,
    y: f32,
}

impl Shown<'_> {
    /// Pictures and their points, in the order of their paths.
    fn entries(&self) -> Vec<(Entry<'_>, [f32; 2])> {
        let points = self.map.points();
        let mut entries: Vec<_> = points.filter_map(|(id, point)| Some((self.indexed.index.get(id)?, point))).collect();
        entries.sort_by_key(|(entry, _)| (entry.root, entry.relative(), entry.id));
        entries
    }

    fn title(&self) -> String {
        let pictures = self.indexed.counted(self.entries().len());
        format!("{} of {pictures}, embedded by {}", self.map.method.name(), self.indexed.model_label())
    }

    fn trust(&self) -> String {
        let Some(quality) = self.map.quality else { return String::new() };
        let about = if quality.sample < self.indexed.index.len() { "about " } else { "" };
        let explained =
            self.map.explained.map_or(String::new(), |share| format!("{:.0} % of the variance, ", 100.0 * share));
        format!(
            "{explained}trustworthiness {about}{:.3}, continuity {about}{:.3} (k = {})",
            quality.trustworthiness, quality.continuity, quality.neighbors
        )
    }

    fn csv(&self, out: &mut dyn Write) -> io::Result<()> {
        let terminal = io::stdout().is_terminal();
        writeln!(out, "path,group,x,y{}", face_columns(self.indexed.index.kind()))?;
        for (entry, [x, y]) in self.entries() {
            let path = self.indexed.path(&entry);
            // A name that is no text has a URL, which is of the whole path.
            let whole = path.to_str().is_none().then(|| entry.path());
            let path = csv_field(&path_text(whole.as_deref().unwrap_or(&path)), terminal);
            let (group, face) = (csv_field(&group_text(&entry), terminal), face_fields(&entry));
            writeln!(out, "{path},{group},{x},{y}{face}")?;
        }
        Ok(())
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        let entries = self.entries();
        let images: Vec<_> =
            entries.iter().map(|(entry, [x, y])| JsonPoint { image: JsonImage::of(entry), x: *x, y: *y }).collect();
        let quality = self.map.quality;
        let value = serde_json::json!({
            "schema_version": SCHEMA_VERSION,
            "model": self.indexed.model,
            "method": self.map.method.key(),
            "explained_variance": self.map.explained,
            "neighbors": quality.map(|quality| quality.neighbors),
            "trustworthiness": quality.map(|quality| quality.trustworthiness),
            "continuity": quality.map(|quality| quality.continuity),
            "measured_on": quality.map(|quality| quality.sample),
            "images": images,
        });
        writeln!(out, "{}", pretty_json(&with_accuracy(value, self.map.accuracy))?)
    }

    fn middles(&self) -> Vec<Middle> {
        middles(self.map, &|id| self.indexed.index.contains(id), self.labels)
    }

    fn drawing(&self) -> Drawing {
        let points = self
            .entries()
            .into_iter()
            .map(|(entry, point)| (point, self.labels.of(entry.id), self.indexed.label(&entry)));
        let groups = self
            .middles()
            .into_iter()
            .map(|middle| (middle.label, self.labels.name(middle.label).to_owned(), middle.point));
        Drawing { title: self.title(), subtitle: self.trust(), points: points.collect(), groups: groups.collect() }
    }

    /// A letter for the most frequent group of each cell, and what the letters mean.
    fn for_eyes(&self, depth: Depth, (columns, rows): (usize, usize), out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.title())?;
        let trust = self.trust();
        if !trust.is_empty() {
            writeln!(out, "{trust}")?;
        }
        let middles = self.middles();
        let legend = legend(&middles, self.labels, columns);
        let height = rows.saturating_sub(4 + legend.len()).clamp(8, 200);
        let area = Area { x: 0, y: 0, width: columns.clamp(8, 400) as u16, height: height as u16 };
        let plot = Plot::new(self.map, View::default(), area);
        let raster = Raster::new(self.map, &self.indexed.index, self.labels, &|_| true, &plot);
        for row in raster.cells.chunks(raster.width) {
            let mut line = String::new();
            let filled = row.iter().rposition(|cell| cell.mask != 0).map_or(0, |last| last + 1);
            for cell in &row[..filled] {
                match cell.label {
                    _ if cell.mask == 0 => line.push(' '),
                    Some(label) => line += &colored(letter(label), label, depth),
                    None => line.push('•'),
                }
            }
            writeln!(out, "{line}")?;
        }
        for line in legend {
            let mut written = String::new();
            for (label, words) in line {
                written += &format!("{} {words}", colored(letter(label), label, depth));
            }
            writeln!(out, "{}", written.trim_end())?;
        }
        Ok(())
    }
}

/// Lines of labels with their words, filled up to a number of columns; five at most, the rest is counted.
fn legend(middles: &[Middle], labels: &Labels, columns: usize) -> Vec<Vec<(usize, String)>> {
    const LINES: usize = 5;
    let (mut lines, mut used) = (vec![Vec::new()], 0);
    for middle in middles {
        let words = format!("{} {}   ", labels.name(middle.label), text::count(middle.count));
        let width = 2 + text::width(&words);
        if used + width > columns && used > 0 {
            if lines.len() == LINES {
                break;
            }
            lines.push(Vec::new());
            used = 0;
        }
        used += width;
        if let Some(line) = lines.last_mut() {
            line.push((middle.label, words));
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// A letter in the color of its label.
fn colored(letter: char, label: usize, depth: Depth) -> String {
    let rgb = category(label);
    match depth {
        Depth::Mono => letter.to_string(),
        Depth::True => format!("\x1b[38;2;{};{};{}m{letter}\x1b[0m", rgb[0], rgb[1], rgb[2]),
        Depth::Indexed256 => format!("\x1b[38;5;{}m{letter}\x1b[0m", to_256(rgb)),
        Depth::Ansi16 => format!("\x1b[38;5;{}m{letter}\x1b[0m", to_16(rgb)),
    }
}
