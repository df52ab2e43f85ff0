//! `lookalike matrix`: the table of all pairs, row by row, so that no table is ever held in memory.

use std::{
    io::{self, IsTerminal, Write},
    ops::Range,
};

use clap::Args;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{
    FolderArgs, ModelArgs, SCHEMA_VERSION,
    data::{csv_field, group_text, json, path_text},
    indexed::Indexed,
    interrupt::cancelled_by_signals,
    stdout_error,
};
use crate::{
    display::{Depth, ink_on, to_16, to_256, viridis},
    error::{Error, Exit, Result},
    index::Entry,
    order::{Order, OrderKind},
    similarity::{
        Metric, Query, RowOrder, View, compare,
        heatmap::{Partition, window},
        sequential,
    },
    terminal::{self, Capabilities, DisplayOptions},
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
    /// Print comma-separated values: every pair, with all digits.
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Print JSON: every pair, with all digits.
    #[arg(long)]
    pub json: bool,
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
pub fn run(args: &MatrixArgs, out: &mut dyn Write) -> Result<Exit> {
    let indexed = Indexed::new(&args.folders, &args.model, cancelled_by_signals()?)?;
    // By likeness to what, the arguments cannot say.
    let order = Order::of(args.order, None).unwrap_or(Order::Folder);
    let rows = RowOrder::new(&indexed.index, order.all(&indexed.index, &sequential), &sequential);
    let table = Table { kind: args.order, order: rows, metric: args.metric, indexed: &indexed };
    if args.csv {
        table.csv(out)?;
    } else if args.json {
        table.json(out)?;
    } else if io::stdout().is_terminal() {
        let columns = terminal::columns().unwrap_or(80);
        table.for_eyes(Capabilities::plain(&DisplayOptions::default()).depth, columns, out)?;
    } else {
        table.for_eyes(Depth::Mono, usize::MAX, out)?;
    }
    Ok(indexed.exit(args.strict))
}

struct Table<'a> {
    indexed: &'a Indexed,
    kind: OrderKind,
    order: RowOrder,
    metric: Metric,
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
            csv_field(&path_text(whole.as_deref().unwrap_or(&path)), terminal)
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
        let mut head = || {
            write!(out, "{{\"schema_version\":{SCHEMA_VERSION},\"metric\":\"{}\"", self.metric.name())?;
            write!(out, ",\"order\":\"{}\",\"model\":{}", self.kind.name(), json(&self.indexed.model)?)?;
            write!(out, ",\n\"images\":{},\n\"groups\":{},\n\"values\":[", json(&paths)?, json(&groups)?)
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

    /// Numbers on colored cells; a table too wide for the screen is shown as a whole, by means over blocks.
    fn for_eyes(&self, depth: Depth, columns: usize, out: &mut dyn Write) -> Result<()> {
        let len = self.order.len();
        let label_width = self.entries().map(|entry| self.indexed.label(&entry).width()).max().unwrap_or(0);
        let label_width = if columns == usize::MAX { label_width } else { label_width.min(columns / 3) };
        let format = Format { number: len.to_string().len(), label: label_width, range: self.order.range(self.metric) };
        let room = columns.saturating_sub(format.number + 1 + format.label) / CELL;
        let partition = Partition::new(len, room);
        let cells = partition.side();
        self.heading(partition, out).map_err(stdout_error)?;
        write!(out, "{:1$}", "", format.number + 1 + format.label).map_err(stdout_error)?;
        for col in 0..cells {
            write!(out, "{:>CELL$}", col + 1).map_err(stdout_error)?;
        }
        writeln!(out).map_err(stdout_error)?;
        for row in 0..cells {
            if self.indexed.cancel.is_cancelled() {
                return Err(Error::Interrupted);
            }
            let view = View { side: cells, rows: row..row + 1, cols: 0..cells };
            let values = window(&self.indexed.index, &self.order, self.metric, &view).values;
            self.row(row, &partition.rows(row), &values, &format, depth, out).map_err(stdout_error)?;
        }
        self.legend(&format, depth, out).map_err(stdout_error)
    }

    fn heading(&self, partition: Partition, out: &mut dyn Write) -> io::Result<()> {
        let what = match self.metric {
            Metric::Cosine => "cosine similarity",
            Metric::Euclidean => "euclidean distance",
        };
        let (len, model) = (self.order.len(), self.indexed.model_label());
        writeln!(out, "{what} of {len} pictures in {} order, embedded by {model}", self.kind.name())?;
        if !partition.is_single() {
            let mean = match self.metric {
                Metric::Cosine => "mean",
                Metric::Euclidean => "root mean square",
            };
            let pairs = partition.pairs();
            writeln!(out, "each cell is the {mean} over {pairs}; --csv and --json print every pair")?;
        }
        Ok(())
    }

    fn row(
        &self,
        at: usize,
        pictures: &Range<usize>,
        values: &[f32],
        format: &Format,
        depth: Depth,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let first = self.indexed.index.get(self.order.ids[pictures.start]);
        let label = first.map(|entry| self.indexed.label(&entry)).unwrap_or_default();
        write!(out, "{:>1$} ", at + 1, format.number)?;
        write!(out, "{}", fitted(&label, format.label))?;
        for value in values {
            let text = format!("{:>CELL$}", shown(*value, format.range));
            let likeness = self.metric.likeness(*value, format.range);
            write!(out, "{}", painted(&text, viridis(likeness), depth))?;
        }
        writeln!(out)
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
        let ramp: String = (0..24_u8).map(|at| painted(" ", viridis(f32::from(at) / 23.0), depth)).collect();
        writeln!(out, "unlike {} {ramp} {} alike", shown(unlike, format.range), shown(alike, format.range))
    }
}

/// Columns of a cell, the space before it included.
const CELL: usize = 6;

struct Format {
    /// Columns of the row number.
    number: usize,
    /// Columns of the row label.
    label: usize,
    /// Ends of the color ramp.
    range: (f32, f32),
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
    format!("{value:.places$}")
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
    fn bright_means_alike_for_both_metrics() {
        assert_eq!(Metric::Cosine.likeness(0.9, (0.1, 0.9)), 1.0);
        assert_eq!(Metric::Euclidean.likeness(2.0, (2.0, 6.0)), 1.0);
    }
}
