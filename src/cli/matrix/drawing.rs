//! The heatmap as a drawing in SVG: title, groups, names, cells with their values, legend. From plain values, without files.

use std::{
    fmt::{self, Write as _},
    io::Cursor,
    ops::Range,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use image::{ImageFormat, Rgb, RgbImage};

use super::tree;
use crate::{
    cli::svg::{self, DIM, INK, LETTER, MARGIN, TEXT, escaped, fits, hex, letters},
    display::{ColorMap, ink_on},
    similarity::{Dendrogram, Metric},
    text,
};

/// What is drawn.
pub struct Heatmap {
    /// The first line.
    pub title: String,
    /// The line under it.
    pub subtitle: String,
    /// The name of each row, and so of each column; none where a cell stands for several pictures.
    pub names: Vec<String>,
    /// Runs of rows that belong together, with their name.
    pub groups: Vec<(Range<usize>, String)>,
    /// The clusters of the rows, where their order keeps some together.
    pub tree: Option<Dendrogram>,
    /// Cells along each side.
    pub side: usize,
    /// Row-major, `side` × `side`.
    pub values: Vec<f32>,
    /// What the values are.
    pub metric: Metric,
    /// Ends of the color ramp, see [`crate::similarity::RowOrder::range`].
    pub range: (f32, f32),
    /// The colors of likeness.
    pub ramp: ColorMap,
}

/// What the cells take of the drawing where there are many.
const MAP: f64 = 1200.0;
/// The smallest cell that has a name, and the largest of all.
const CELLS: (f64, f64) = (14.0, 48.0);
/// A smaller cell has no number.
const NUMBERED: f64 = 27.0;
/// Height of a number's digits in such a cell, for each pixel of the cell: `-0.08` has a margin at both sides.
const DIGITS: f64 = 0.29;
/// Room for the line and the name of a group.
const GROUP: f64 = 24.0;
/// Room for the tree of clusters, and before it.
const TREE: (f64, f64) = (140.0, 8.0);
/// Columns of the longest name.
const NAME: usize = 32;
/// Size of the legend's ramp.
const RAMP: (f64, f64) = (240.0, 12.0);
/// Color of what a picture has with itself.
const ITSELF: &str = "#dcdcdc";

/// Where everything lies.
struct Layout {
    cell: f64,
    /// The left upper corner of the cells.
    map: (f64, f64),
    size: (f64, f64),
}

impl Layout {
    fn of(heatmap: &Heatmap) -> Self {
        let side = heatmap.side.max(1) as f64;
        let cell = if heatmap.names.is_empty() { MAP / side } else { (MAP / side).clamp(CELLS.0, CELLS.1) };
        let longest = (0..heatmap.names.len()).map(|at| text::width(&heatmap.name(at, cell))).max().unwrap_or(0);
        let names = if longest == 0 { 0.0 } else { letters(longest) + 8.0 };
        let groups = if heatmap.groups.is_empty() { 0.0 } else { GROUP };
        let map = (MARGIN + groups + names, MARGIN + 56.0 + groups + names);
        let heading = letters(text::width(&heatmap.title)).max(letters(text::width(&heatmap.subtitle)));
        let tree = if heatmap.tree.is_some() { TREE.0 + TREE.1 } else { 0.0 };
        let width = (map.0 + side * cell + tree).max(MARGIN + heading).max(MARGIN + RAMP.0 + letters(16));
        Self { cell, map, size: (width + MARGIN, map.1 + side * cell + 72.0) }
    }

    /// The left (or upper) edge of a column (or row).
    fn edge(&self, start: f64, at: usize) -> f64 {
        start + at as f64 * self.cell
    }
}

impl Heatmap {
    /// The drawing.
    ///
    /// # Errors
    /// None: a text takes whatever is written to it.
    pub fn svg(&self) -> Result<String, fmt::Error> {
        let layout = Layout::of(self);
        let mut svg = svg::begin(layout.size, &self.title, &self.subtitle)?;
        let out = &mut svg;
        if self.names.is_empty() {
            self.picture_of_cells(&layout, out)?;
        } else {
            self.cells(&layout, out)?;
        }
        self.names(&layout, out)?;
        self.groups(&layout, out)?;
        if let Some(dendrogram) = &self.tree {
            let (right, height) = (layout.edge(layout.map.0, self.side), self.side as f64 * layout.cell);
            let place = tree::Place { corner: (right + TREE.1, layout.map.1), size: (TREE.0, height) };
            tree::draw(dendrogram, &place, 2.0, out)?;
        }
        self.legend(&layout, out)?;
        writeln!(out, "</svg>")?;
        Ok(svg)
    }

    /// The name of a row, without its group where that stands beside it.
    fn name(&self, at: usize, cell: f64) -> String {
        let group = self.groups.iter().find(|(rows, name)| rows.contains(&at) && fits(name, rows.len() as f64 * cell));
        let beside = group.and_then(|(_, group)| self.names[at].strip_prefix(&**group)?.strip_prefix('/'));
        text::cut_middle(beside.unwrap_or(&self.names[at]), NAME)
    }

    fn color(&self, value: f32) -> [u8; 3] {
        self.ramp.color(self.metric.likeness(value, self.range))
    }

    /// A rectangle a cell, with its value where there is room. What a picture has with itself says nothing.
    fn cells(&self, layout: &Layout, out: &mut String) -> fmt::Result {
        let cell = layout.cell;
        let digits = (cell * DIGITS).min(TEXT);
        writeln!(out, "<g shape-rendering=\"crispEdges\" text-anchor=\"middle\" font-size=\"{digits:.2}\">")?;
        for (row, values) in self.values.chunks(self.side.max(1)).enumerate() {
            let y = layout.edge(layout.map.1, row);
            for (col, value) in values.iter().enumerate() {
                let x = layout.edge(layout.map.0, col);
                let paper = self.color(*value);
                let fill = if row == col { ITSELF.to_owned() } else { hex(paper) };
                write!(
                    out,
                    "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{cell:.2}\" height=\"{cell:.2}\" fill=\"{fill}\"/>"
                )?;
                if row != col && cell >= NUMBERED {
                    let (x, y, ink) = (x + cell / 2.0, y + cell / 2.0 + digits * 0.35, hex(ink_on(paper)));
                    write!(out, "<text x=\"{x:.2}\" y=\"{y:.2}\" fill=\"{ink}\">{}</text>", self.shown(*value))?;
                }
            }
            writeln!(out)?;
        }
        writeln!(out, "</g>")
    }

    /// So many cells are one picture, a pixel a cell.
    fn picture_of_cells(&self, layout: &Layout, out: &mut String) -> fmt::Result {
        let side = self.side as u32;
        let cells =
            RgbImage::from_fn(side, side, |x, y| Rgb(self.color(self.values[y as usize * self.side + x as usize])));
        let mut png = Cursor::new(Vec::new());
        cells.write_to(&mut png, ImageFormat::Png).map_err(|_| fmt::Error)?;
        let (x, y) = layout.map;
        writeln!(
            out,
            "<image x=\"{x:.2}\" y=\"{y:.2}\" width=\"{MAP}\" height=\"{MAP}\" style=\"image-rendering:pixelated\" \
             image-rendering=\"optimizeSpeed\" xlink:href=\"data:image/png;base64,{}\"/>",
            BASE64_STANDARD.encode(png.into_inner())
        )
    }

    fn names(&self, layout: &Layout, out: &mut String) -> fmt::Result {
        let (left, top) = (layout.map.0 - 6.0, layout.map.1 - 6.0);
        writeln!(out, "<g fill=\"{INK}\">")?;
        for at in 0..self.names.len() {
            let name = escaped(&self.name(at, layout.cell));
            let y = layout.edge(layout.map.1, at) + layout.cell / 2.0 + 4.0;
            let x = layout.edge(layout.map.0, at) + layout.cell / 2.0 + 4.0;
            writeln!(out, "<text x=\"{left:.2}\" y=\"{y:.2}\" text-anchor=\"end\">{name}</text>")?;
            writeln!(out, "<text transform=\"translate({x:.2} {top:.2}) rotate(-90)\">{name}</text>")?;
        }
        writeln!(out, "</g>")
    }

    /// Each group: a line beside its rows and columns with its name, as far as it fits, and a gap to the next one.
    fn groups(&self, layout: &Layout, out: &mut String) -> fmt::Result {
        let (left, top) = (MARGIN + GROUP - 8.0, MARGIN + 56.0 + GROUP - 8.0);
        let end = self.side as f64 * layout.cell;
        writeln!(out, "<g fill=\"{DIM}\" stroke=\"none\" text-anchor=\"middle\">")?;
        for (rows, name) in &self.groups {
            let length = rows.len() as f64 * layout.cell;
            let shown = escaped(&text::cut(name, (length / LETTER) as usize));
            let (x, y) = (layout.edge(layout.map.0, rows.start), layout.edge(layout.map.1, rows.start));
            let (title, half, line) = (escaped(name), length / 2.0, (length - 4.0).max(1.0));
            writeln!(out, "<g><title>{title}</title>")?;
            writeln!(out, "<rect x=\"{left:.2}\" y=\"{:.2}\" width=\"2\" height=\"{line:.2}\"/>", y + 2.0)?;
            writeln!(out, "<rect x=\"{:.2}\" y=\"{top:.2}\" width=\"{line:.2}\" height=\"2\"/>", x + 2.0)?;
            let (at, above) = (y + half, left - 6.0);
            writeln!(out, "<text transform=\"translate({above:.2} {at:.2}) rotate(-90)\">{shown}</text>")?;
            writeln!(out, "<text x=\"{:.2}\" y=\"{:.2}\">{shown}</text>", x + half, top - 6.0)?;
            if rows.start > 0 {
                let (map_x, map_y) = layout.map;
                let thick = (layout.cell / 8.0).clamp(1.0, 2.0);
                writeln!(
                    out,
                    "<path stroke=\"#ffffff\" stroke-width=\"{thick}\" d=\"M{map_x} {y}h{end}M{x} {map_y}v{end}\"/>"
                )?;
            }
            writeln!(out, "</g>")?;
        }
        writeln!(out, "</g>")
    }

    /// The ramp from unlike to alike; its ends say when values lie beyond them.
    fn legend(&self, layout: &Layout, out: &mut String) -> fmt::Result {
        let ((x, y), (width, height)) = ((layout.map.0, layout.size.1 - 52.0), RAMP);
        let x = x.min(layout.size.0 - MARGIN - width - letters(6));
        writeln!(out, "<defs><linearGradient id=\"ramp\">")?;
        for stop in 0..=16_u8 {
            let share = f32::from(stop) / 16.0;
            writeln!(out, "<stop offset=\"{share}\" stop-color=\"{}\"/>", hex(self.ramp.color(share)))?;
        }
        writeln!(out, "</linearGradient></defs><g fill=\"{DIM}\" text-anchor=\"middle\">")?;
        writeln!(out, "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width}\" height=\"{height}\" fill=\"url(#ramp)\"/>")?;
        let (low, high) = self.range;
        let beyond = |is_beyond: &dyn Fn(f32) -> bool| {
            self.values.iter().enumerate().any(|(at, value)| at / self.side != at % self.side && is_beyond(*value))
        };
        let lowest = format!("{}{}", if beyond(&|value| value < low) { "≤ " } else { "" }, self.shown(low));
        let highest = format!("{}{}", if beyond(&|value| value > high) { "≥ " } else { "" }, self.shown(high));
        let (unlike, alike) = match self.metric {
            Metric::Cosine => (lowest, highest),
            Metric::Euclidean => (highest, lowest),
        };
        let marks = [(0.0, unlike, "unlike"), (0.5, self.shown(low.midpoint(high)), ""), (1.0, alike, "alike")];
        for (share, value, word) in marks {
            let (x, under) = (x + share * width, y + height + 14.0);
            writeln!(out, "<text x=\"{x:.2}\" y=\"{under:.2}\">{value}</text>")?;
            writeln!(out, "<text x=\"{x:.2}\" y=\"{:.2}\">{word}</text>", under + 14.0)?;
        }
        writeln!(out, "</g>")
    }

    fn shown(&self, value: f32) -> String {
        let text = super::shown(value, self.range);
        // A value that is zero but for digits that are not shown has no sign.
        match text.strip_prefix('-') {
            Some(rest) if rest.chars().all(|c| "0.".contains(c)) => rest.to_owned(),
            _ => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heatmap(side: usize, named: bool) -> Heatmap {
        Heatmap {
            title: "cosine similarity".into(),
            subtitle: "color-grid".into(),
            names: if named { (0..side).map(|at| format!("<{at}> & \"co\".png")).collect() } else { Vec::new() },
            tree: None,
            groups: vec![(0..side / 2, "first".into()), (side / 2..side, "second".into())],
            side,
            values: (0..side * side).map(|at| at as f32 / (side * side) as f32).collect(),
            metric: Metric::Cosine,
            ramp: ColorMap::default(),
            range: (0.1, 0.9),
        }
    }

    #[test]
    fn names_cannot_break_the_drawing_and_every_cell_is_there() {
        for side in [1, 2, 30, 200] {
            let svg = heatmap(side, true).svg().expect("text");
            let tree = resvg::usvg::roxmltree::Document::parse(&svg).expect("XML");
            let text = |node: resvg::usvg::roxmltree::Node<'_, '_>| node.text().map(str::to_owned);
            let texts: Vec<_> = tree.descendants().filter(|node| node.has_tag_name("text")).filter_map(text).collect();
            assert_eq!(texts.iter().filter(|text| *text == "<0> & \"co\".png").count(), 2, "{side}");
            let cells = tree.descendants().filter(|node| node.has_tag_name("rect") && node.attribute("fill").is_some());
            assert_eq!(cells.count(), side * side + 2, "the paper and the legend besides, {side}");
        }
    }

    #[test]
    fn what_is_drawn_lies_inside() {
        for side in [1, 9, 200, 800] {
            let heatmap = heatmap(side, side <= 200);
            let layout = Layout::of(&heatmap);
            let (right, bottom) = (layout.edge(layout.map.0, side), layout.edge(layout.map.1, side));
            assert!(right <= layout.size.0 && bottom + 60.0 <= layout.size.1, "{side}");
            assert!(layout.size.0 < 3600.0 && layout.size.1 < 3600.0, "{side}");
        }
    }

    #[test]
    fn a_zero_has_no_sign() {
        let drawn = heatmap(2, true);
        assert_eq!([-0.001, -0.006, 0.5].map(|value| drawn.shown(value)), ["0.00", "-0.01", "0.50"]);
    }

    #[test]
    fn the_legend_says_which_of_its_ends_are_clipped() {
        let svg = heatmap(9, true).svg().expect("text");
        assert!(svg.contains(">≤ 0.10<") && svg.contains(">≥ 0.90<") && svg.contains(">0.50<"), "{svg}");
        let svg = Heatmap { range: (0.0, 1.0), ..heatmap(9, true) }.svg().expect("text");
        assert!(!svg.contains('≤') && !svg.contains('≥'), "{svg}");
    }
}
