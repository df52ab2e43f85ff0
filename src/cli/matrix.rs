//! `lookalike matrix`: the table of all pairs, row by row, so that no table is ever held in memory.

mod drawing;
mod tree;

use std::{
    ffi::OsStr,
    io::{self, IsTerminal, Write},
    ops::Range,
    os::unix::ffi::OsStrExt,
    path::PathBuf,
};

use clap::Args;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use self::drawing::Heatmap;
use super::{
    FolderArgs, ModelArgs, SCHEMA_VERSION,
    data::{JsonFace, csv_field, group_text, json, path_text},
    indexed::Indexed,
    interrupt::cancelled_by_signals,
    picture, stdout_error,
};
use crate::{
    display::{ColorMap, Depth, ink_on, to_16, to_256},
    error::{Error, Exit, Result},
    index::Entry,
    order::{Order, OrderKind},
    printable::printable,
    similarity::{
        Metric, Query, RowOrder, View, compare,
        heatmap::{Partition, window},
        sequential,
    },
    terminal::{self, Capabilities, DisplayOptions},
    text,
};

/// Arguments of `lookalike matrix`.
#[derive(Debug, Clone, Args)]
pub struct MatrixArgs {
    /// Folders and what to leave out.
    #[command(flatten)]
    pub folders: FolderArgs,
    /// How pictures are compared.
    #[arg(long, value_enum, default_value_t)]
    pub metric: Metric,
    /// The order of rows and columns.
    #[arg(long, value_enum, default_value_t)]
    pub order: OrderKind,
    /// Print CSV: every pair, with all digits.
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Print JSON: every pair, with all digits.
    #[arg(long)]
    pub json: bool,
    /// Draw the table into this file, as SVG; more than 200 pictures by means over blocks.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Draw the table into this file, as PNG.
    #[arg(long, value_name = "FILE")]
    pub png: Option<PathBuf>,
    /// Replace the files of --svg and --png when they are there already.
    #[arg(long)]
    pub force: bool,
    /// The model.
    #[command(flatten)]
    pub model: ModelArgs,
    /// End with exit code 1 when an image could not be indexed.
    #[arg(long)]
    pub strict: bool,
}

/// Indexes the folders, then prints the table.
///
/// # Errors
/// As the indexing; [`Error::Interrupted`] when stopped between two rows.
pub fn run(args: &MatrixArgs, ramp: ColorMap, out: &mut dyn Write) -> Result<Exit> {
    for file in args.svg.iter().chain(&args.png) {
        picture::check(file, args.force)?;
    }
    let indexed = Indexed::new(&args.folders, &args.model, cancelled_by_signals()?)?;
    // By likeness to what, the arguments cannot say.
    let order = Order::of(args.order, None, None).unwrap_or(Order::Folder);
    let all = indexed.index.iter().map(|entry| entry.id).collect();
    let rows = order.rows(&indexed.index, all, &sequential);
    let table = Table { kind: args.order, order: rows, metric: args.metric, ramp, indexed: &indexed };
    let drawn = args.svg.is_some() || args.png.is_some();
    if drawn {
        table.draw(args)?;
    }
    if args.csv {
        table.csv(out)?;
    } else if args.json {
        table.json(out)?;
    } else if drawn {
        // Whoever wants a drawing has it.
    } else if io::stdout().is_terminal() {
        let size = terminal::output_size().unwrap_or((80, 24));
        table.for_eyes(Capabilities::plain(&DisplayOptions::default()).depth, Some(size), out)?;
    } else {
        table.for_eyes(Depth::Mono, None, out)?;
    }
    Ok(indexed.exit(args.strict))
}

struct Table<'a> {
    indexed: &'a Indexed,
    kind: OrderKind,
    order: RowOrder,
    metric: Metric,
    /// The colors of likeness.
    ramp: ColorMap,
}

impl Table<'_> {
    fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.order.ids.iter().filter_map(|id| self.indexed.index.get(*id))
    }

    /// One row after the other, each with the value of every column.
    fn each_row(&self, mut write: impl FnMut(&Entry<'_>, &[f32]) -> io::Result<()>) -> Result<()> {
        for entry in self.entries() {
            if self.indexed.cancel.is_cancelled() {
                return Err(Error::Interrupted);
            }
            let found = compare(&self.indexed.index, &Query::Image(entry.id));
            let values: Vec<_> = self.order.ids.iter().map(|id| found.value(self.metric, *id)).collect();
            write(&entry, &values).map_err(stdout_error)?;
        }
        Ok(())
    }

    fn csv(&self, out: &mut dyn Write) -> Result<()> {
        let terminal = io::stdout().is_terminal();
        let label = |entry: &Entry<'_>| {
            let path = self.indexed.path(entry);
            // A name that is no text has a URL, which is of the whole path.
            let whole = path.to_str().is_none().then(|| entry.path());
            csv_field(&(path_text(whole.as_deref().unwrap_or(&path)) + &*entry.mark()), terminal)
        };
        let head: Vec<_> = self.entries().map(|entry| label(&entry)).collect();
        writeln!(out, "{},{}", self.metric.name(), head.join(",")).map_err(stdout_error)?;
        self.each_row(|entry, values| {
            write!(out, "{}", label(entry))?;
            for value in values {
                write!(out, ",{value}")?;
            }
            writeln!(out)
        })
    }

    fn json(&self, out: &mut dyn Write) -> Result<()> {
        let paths: Vec<_> = self.entries().map(|entry| path_text(&entry.path()).into_owned()).collect();
        let groups: Vec<_> = self.entries().map(|entry| group_text(&entry)).collect();
        let faces: Vec<_> = self.entries().filter_map(|entry| JsonFace::of(&entry)).collect();
        let mut head = || {
            write!(out, "{{\"schema_version\":{SCHEMA_VERSION},\"metric\":\"{}\"", self.metric.name())?;
            write!(out, ",\"order\":\"{}\",\"model\":{}", self.kind.name(), json(&self.indexed.model)?)?;
            write!(out, ",\n\"images\":{},\n\"groups\":{},", json(&paths)?, json(&groups)?)?;
            if !faces.is_empty() {
                write!(out, "\n\"faces\":{},", json(&faces)?)?;
            }
            write!(out, "\n\"values\":[")
        };
        head().map_err(stdout_error)?;
        let mut between = "\n";
        self.each_row(|_, values| {
            write!(out, "{between}")?;
            between = ",\n";
            serde_json::to_writer(&mut *out, values).map_err(Into::into)
        })?;
        writeln!(out, "\n]}}").map_err(stdout_error)
    }

    /// Writes the table as a drawing into the files asked for.
    fn draw(&self, args: &MatrixArgs) -> Result<()> {
        let svg = self.heatmap()?.svg().map_err(|_| Error::Usage("the heatmap cannot be drawn".into()))?;
        picture::draw(&svg, "heatmap", args.svg.as_deref(), args.png.as_deref(), args.force)?;
        Ok(())
    }

    /// What a drawing shows: every pair with names, or means over blocks where there are too many pictures for names.
    fn heatmap(&self) -> Result<Heatmap> {
        let len = self.order.len();
        let partition = Partition::new(len, if len <= NAMED { len } else { BLOCKS });
        let (side, index) = (partition.side(), &self.indexed.index);
        let mut values = Vec::with_capacity(side * side);
        for row in 0..side {
            if self.indexed.cancel.is_cancelled() {
                return Err(Error::Interrupted);
            }
            let view = View { side, rows: row..row + 1, cols: 0..side };
            values.extend(window(index, &self.order, self.metric, &view).values);
        }
        let (mut names, mut groups) = (Vec::new(), Vec::<(Range<usize>, String)>::new());
        if partition.is_single() {
            for (at, entry) in self.entries().enumerate() {
                let group = printable(OsStr::from_bytes(entry.group_bytes()));
                names.push(self.indexed.label(&entry));
                match groups.last_mut() {
                    Some((rows, name)) if *name == group && rows.end == at => rows.end += 1,
                    _ => groups.push((at..at + 1, group)),
                }
            }
            groups.retain(|(_, name)| !name.is_empty());
        }
        let subtitle = match self.metric {
            _ if partition.is_single() => String::new(),
            Metric::Cosine => format!("each cell is the mean over {}", partition.pairs()),
            Metric::Euclidean => format!("each cell is the root mean square over {}", partition.pairs()),
        };
        let (metric, range) = (self.metric, self.order.range(self.metric));
        let tree = self.order.dendrogram.clone();
        Ok(Heatmap { title: self.title(), subtitle, names, groups, tree, side, values, metric, range, ramp: self.ramp })
    }

    /// Numbers on colored cells; of a table that is larger than the terminal (columns, rows) the first and last rows and columns.
    fn for_eyes(&self, depth: Depth, terminal: Option<(usize, usize)>, out: &mut dyn Write) -> Result<()> {
        let len = self.order.len();
        let number = len.to_string().len();
        let title = self.title().width();
        let around = |columns: usize| LINES_AROUND + title.div_ceil(columns.max(1));
        let lines = terminal.map_or(usize::MAX, |(columns, rows)| rows.saturating_sub(around(columns)));
        let rows = ends(len, lines);
        let labels = rows.iter().cloned().flatten().map(|row| self.label(row).width()).max().unwrap_or(0);
        let label = terminal.map_or(labels, |(columns, _)| labels.min(columns / 3));
        let across = terminal.map_or(usize::MAX, |(columns, _)| columns.saturating_sub(number + 1 + label) / CELL);
        let format = Format { number, label, range: self.order.range(self.metric), cols: ends(len, across) };
        self.heading(&rows, &format, out).map_err(stdout_error)?;
        for (at, part) in rows.iter().enumerate() {
            if at > 0 && !part.is_empty() {
                self.gap(&format, out).map_err(stdout_error)?;
            }
            for row in part.clone() {
                if self.indexed.cancel.is_cancelled() {
                    return Err(Error::Interrupted);
                }
                self.row(row, &format, depth, out).map_err(stdout_error)?;
            }
        }
        self.legend(&format, depth, out).map_err(stdout_error)
    }

    /// The name of a row.
    fn label(&self, row: usize) -> String {
        self.indexed.index.get(self.order.ids[row]).map(|entry| self.indexed.label(&entry)).unwrap_or_default()
    }

    /// The values of a row in some columns.
    fn values(&self, row: usize, cols: Range<usize>) -> Vec<f32> {
        let view = View { side: self.order.len(), rows: row..row + 1, cols };
        window(&self.indexed.index, &self.order, self.metric, &view).values
    }

    /// What the table shows, in words.
    fn title(&self) -> String {
        let what = match self.metric {
            Metric::Cosine => "cosine similarity",
            Metric::Euclidean => "euclidean distance",
        };
        let (len, model) = (self.order.len(), self.indexed.model_label());
        let rows = self.indexed.index.kind().plural();
        format!("{what} of {len} {rows} in {} order, embedded by {model}", self.kind.name())
    }

    fn heading(&self, rows: &[Range<usize>; 2], format: &Format, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.title())?;
        if !(rows[1].is_empty() && format.cols[1].is_empty()) {
            writeln!(out, "the first and the last only: use --csv or --json for all, --png for a picture")?;
        }
        write!(out, "{:1$}", "", format.number + 1 + format.label)?;
        format.line(out, |col, out| write!(out, "{:>CELL$}", col + 1))
    }

    /// What stands for the rows between the first and the last.
    fn gap(&self, format: &Format, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "{:>1$} {2:3$}", "…", format.number, "", format.label)?;
        format.line(out, |_, out| write!(out, "{:>CELL$}", "…"))
    }

    fn row(&self, at: usize, format: &Format, depth: Depth, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "{:>1$} ", at + 1, format.number)?;
        write!(out, "{}", fitted(&self.label(at), format.label))?;
        let mut values = format.cols.iter().flat_map(|cols| self.values(at, cols.clone()));
        format.line(out, |_, out| {
            let value = values.next().unwrap_or(f32::NAN);
            let text = format!("{:>CELL$}", shown(value, format.range));
            write!(out, "{}", painted(&text, self.ramp.color(self.metric.likeness(value, format.range)), depth))
        })
    }

    /// The ramp with its two ends, where there are colors to explain.
    fn legend(&self, format: &Format, depth: Depth, out: &mut dyn Write) -> io::Result<()> {
        if depth == Depth::Mono {
            return Ok(());
        }
        let (low, high) = format.range;
        let (unlike, alike) = match self.metric {
            Metric::Cosine => (low, high),
            Metric::Euclidean => (high, low),
        };
        let ramp: String = (0..24_u8).map(|at| painted(" ", self.ramp.color(f32::from(at) / 23.0), depth)).collect();
        writeln!(out, "unlike {} {ramp} {} alike", shown(unlike, format.range), shown(alike, format.range))
    }
}

/// Up to so many pictures a drawing names each.
const NAMED: usize = 200;
/// Cells along each side of a drawing of more.
const BLOCKS: usize = 600;

/// Columns of a cell, the space before it included.
const CELL: usize = 6;

/// Lines around the rows of a table, besides its title: what is left out, the numbers of the columns, the legend, the next
/// prompt.
const LINES_AROUND: usize = 4;

struct Format {
    /// Columns of the row number.
    number: usize,
    /// Columns of the row label.
    label: usize,
    /// Ends of the color ramp.
    range: (f32, f32),
    /// The columns of the table that are shown, see [`ends`].
    cols: [Range<usize>; 2],
}

impl Format {
    /// Writes a cell for each column shown, and a mark between the first and the last.
    fn line(
        &self,
        out: &mut dyn Write,
        mut cell: impl FnMut(usize, &mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let [first, last] = self.cols.clone();
        for col in first {
            cell(col, out)?;
        }
        if !last.is_empty() {
            write!(out, "{:>CELL$}", "…")?;
        }
        for col in last {
            cell(col, out)?;
        }
        writeln!(out)
    }
}

/// All of `len` rows where there is room for them; else the first and the last, with room for a mark between them.
fn ends(len: usize, room: usize) -> [Range<usize>; 2] {
    if len <= room.max(3) {
        return [0..len, len..len];
    }
    let first = room.max(3) / 2;
    [0..first, len - (room.max(3) - 1 - first)..len]
}

/// As many digits as a cell holds, the same in all cells.
fn shown(value: f32, (_, high): (f32, f32)) -> String {
    let places = if high < 10.0 {
        2
    } else if high < 100.0 {
        1
    } else {
        0
    };
    text::rounded(value, places)
}

/// Text on a colored ground.
fn painted(text: &str, paper: [u8; 3], depth: Depth) -> String {
    let ink = ink_on(paper);
    let color = |rgb: [u8; 3]| match depth {
        Depth::True => format!("2;{};{};{}", rgb[0], rgb[1], rgb[2]),
        Depth::Indexed256 => format!("5;{}", to_256(rgb)),
        _ => format!("5;{}", to_16(rgb)),
    };
    match depth {
        Depth::Mono => text.to_owned(),
        _ => format!("\x1b[38;{};48;{}m{text}\x1b[0m", color(ink), color(paper)),
    }
}

/// The label in exactly `width` columns; of a long one the end is kept, where the file name is.
fn fitted(label: &str, width: usize) -> String {
    let all = label.width();
    if all <= width {
        return format!("{label}{:1$}", "", width - all);
    }
    let (mut kept, mut columns) = (Vec::new(), 1);
    for c in label.chars().rev() {
        let next = columns + c.width().unwrap_or(0);
        if next > width {
            break;
        }
        columns = next;
        kept.push(c);
    }
    let end: String = kept.into_iter().rev().collect();
    format!("…{end}{:1$}", "", width.saturating_sub(columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_take_exactly_their_columns_and_keep_their_end() {
        for (label, width, expected) in
            [("cat.jpg", 9, "cat.jpg  "), ("cats/cat.jpg", 8, "…cat.jpg"), ("猫猫猫", 4, "…猫 "), ("", 2, "  ")]
        {
            assert_eq!(fitted(label, width), expected);
        }
    }

    #[test]
    fn of_what_does_not_fit_both_ends_are_shown_and_fill_the_room() {
        assert_eq!(ends(9, 9), [0..9, 9..9]);
        assert_eq!(ends(10, 9), [0..4, 6..10]);
        assert_eq!(ends(10, 8), [0..4, 7..10]);
        assert_eq!(ends(4, 0), [0..1, 3..4]);
        assert_eq!(ends(0, 5), [0..0, 0..0]);
    }

    #[test]
    fn bright_means_alike_for_both_metrics() {
        assert_eq!(Metric::Cosine.likeness(0.9, (0.1, 0.9)), 1.0);
        assert_eq!(Metric::Euclidean.likeness(2.0, (2.0, 6.0)), 1.0);
    }
}
