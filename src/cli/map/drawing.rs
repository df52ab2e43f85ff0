//! The map as a drawing in SVG: title, points, the names of the groups, a legend. From plain values, without files.

use std::fmt::{self, Write as _};

use crate::{
    cli::svg::{self, DIM, INK, MARGIN, TEXT, escaped, hex, letters},
    display::{category, letter},
    text,
};

/// What is drawn.
pub struct Drawing {
    /// The first line.
    pub title: String,
    /// The line under it.
    pub subtitle: String,
    /// Each picture's place, the number of its group, and its name.
    pub points: Vec<([f32; 2], Option<usize>, String)>,
    /// Each group's number, its name, and its middle.
    pub groups: Vec<(usize, String, [f32; 2])>,
}

/// Width of the map, and its least and greatest height.
const WIDTH: f64 = 1000.0;
const HEIGHTS: (f64, f64) = (300.0, 1000.0);
/// Room for title and subtitle.
const HEADING: f64 = 56.0;
/// Columns of a name in the legend, and the lines it may have.
const NAME: usize = 28;
const LINES: usize = 60;
/// The name of each picture is in the drawing, for the pointer to show, up to so many pictures.
const NAMED: usize = 5_000;

/// Where the map lies in the drawing.
struct Layout {
    scale: f64,
    low: [f64; 2],
    height: f64,
    radius: f64,
}

impl Layout {
    fn of(points: &[([f32; 2], Option<usize>, String)]) -> Self {
        let bounds = [0, 1].map(|axis: usize| {
            let values = points.iter().map(|(point, ..)| f64::from(point[axis]));
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
        });
        let extent = bounds.map(|(low, high)| (high - low).max(0.0));
        let fit = |extent: f64, room: f64| if extent > 0.0 { room / extent } else { f64::INFINITY };
        let scale = fit(extent[0], WIDTH).min(fit(extent[1], HEIGHTS.1));
        let scale = if scale.is_finite() { scale } else { 1.0 };
        let height = (extent[1] * scale).max(HEIGHTS.0);
        // In the middle, whichever side is too short.
        let low = [0, 1].map(|axis: usize| {
            let room = [WIDTH, height][axis] / scale;
            let middle = if points.is_empty() { 0.0 } else { bounds[axis].0.midpoint(bounds[axis].1) };
            middle - room / 2.0
        });
        let radius = (120.0 / (points.len().max(1) as f64).sqrt()).clamp(1.2, 6.0);
        Self { scale, low, height, radius }
    }

    fn place(&self, point: [f32; 2]) -> (f64, f64) {
        let [x, y] = [0, 1].map(|axis: usize| (f64::from(point[axis]) - self.low[axis]) * self.scale);
        (MARGIN + 8.0 + x, MARGIN + HEADING + self.height - y)
    }
}

impl Drawing {
    /// The drawing.
    ///
    /// # Errors
    /// None: a text takes whatever is written to it.
    pub fn svg(&self) -> Result<String, fmt::Error> {
        let layout = Layout::of(&self.points);
        let legend = if self.groups.is_empty() { 0.0 } else { letters(NAME) + 40.0 };
        let lines = self.groups.len().min(LINES) as f64 * 1.5 * TEXT;
        let size = (2.0 * MARGIN + 16.0 + WIDTH + legend, 2.0 * MARGIN + HEADING + layout.height.max(lines) + 16.0);
        let mut svg = svg::begin(size, &self.title, &self.subtitle)?;
        let radius = layout.radius;
        writeln!(svg, "<g fill-opacity=\"0.75\">")?;
        for (point, group, name) in &self.points {
            let (x, y) = layout.place(*point);
            let fill = group.map_or_else(|| DIM.to_owned(), |group| hex(dark(group)));
            write!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\" fill=\"{fill}\"")?;
            if self.points.len() <= NAMED {
                writeln!(svg, "><title>{}</title></circle>", escaped(name))?;
            } else {
                writeln!(svg, "/>")?;
            }
        }
        writeln!(svg, "</g>")?;
        self.names(&layout, &mut svg)?;
        self.legend(MARGIN + 32.0 + WIDTH, &mut svg)?;
        writeln!(svg, "</svg>")?;
        Ok(svg)
    }

    /// Each group's letter and name in its middle, on paper that lets the points through.
    fn names(&self, layout: &Layout, out: &mut String) -> fmt::Result {
        let mut taken: Vec<(f64, f64, f64)> = Vec::new();
        for (number, name, middle) in &self.groups {
            let (x, y) = layout.place(*middle);
            let words = format!("{} {}", letter(*number), text::cut(name, NAME));
            let half = letters(text::width(&words)) / 2.0 + 4.0;
            let x = x.clamp(MARGIN + half, (MARGIN + 16.0 + WIDTH - half).max(MARGIN + half));
            // A name that would lie on another one moves down.
            let free =
                |y: f64| taken.iter().all(|(tx, ty, th)| (x - tx).abs() > half + th || (y - ty).abs() > 1.5 * TEXT);
            let y = (0..8).map(|step| y + f64::from(step) * 1.6 * TEXT).find(|y| free(*y)).unwrap_or(y);
            taken.push((x, y, half));
            let (left, top, width) = (x - half, y - TEXT, 2.0 * half);
            writeln!(
                out,
                "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\" rx=\"3\" fill=\"#ffffff\" \
                 fill-opacity=\"0.8\"/><text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\" font-weight=\"bold\" \
                 fill=\"{}\">{}</text>",
                1.4 * TEXT,
                hex(dark(*number)),
                escaped(&words)
            )?;
        }
        Ok(())
    }

    fn legend(&self, x: f64, out: &mut String) -> fmt::Result {
        let shown = if self.groups.len() <= LINES { self.groups.len() } else { LINES - 1 };
        for (line, (number, name, _)) in self.groups.iter().take(shown).enumerate() {
            let y = MARGIN + HEADING + (line as f64 + 1.0) * 1.5 * TEXT;
            let color = hex(dark(*number));
            writeln!(
                out,
                "<circle cx=\"{x:.1}\" cy=\"{:.1}\" r=\"5\" fill=\"{color}\"/><text x=\"{:.1}\" y=\"{y:.1}\" \
                 fill=\"{INK}\">{} {}</text>",
                y - 4.0,
                x + 12.0,
                letter(*number),
                escaped(&text::cut(name, NAME))
            )?;
        }
        if shown < self.groups.len() {
            let y = MARGIN + HEADING + (shown as f64 + 1.0) * 1.5 * TEXT;
            writeln!(
                out,
                "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{DIM}\">and {} more</text>",
                text::counted(self.groups.len() - shown, "group")
            )?;
        }
        Ok(())
    }
}

/// The color of a group on white paper.
fn dark(group: usize) -> [u8; 3] {
    category(group).map(|channel| (u16::from(channel) * 3 / 4) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_lies_inside_and_names_cannot_break_the_drawing() {
        for len in [0_usize, 1, 2, 300] {
            let point = |at: usize| [(at * 7 % 31) as f32 - 9.0, (at * 3 % 17) as f32 * 0.2];
            let points =
                (0..len).map(|at| (point(at), (at % 3 > 0).then_some(at % 70), format!("<{at}> & \"co\".png")));
            let groups = (0..len.min(70)).map(|at| (at, format!("<group {at}>"), point(at)));
            let drawing = Drawing {
                title: "UMAP".into(),
                subtitle: String::new(),
                points: points.collect(),
                groups: groups.collect(),
            };
            let svg = drawing.svg().expect("text");
            let tree = resvg::usvg::roxmltree::Document::parse(&svg).expect("XML");
            let number = |node: resvg::usvg::roxmltree::Node<'_, '_>, name| -> f64 {
                node.attribute(name).and_then(|value| value.parse().ok()).expect("a number")
            };
            let root = tree.root_element();
            let (width, height) = (number(root, "width"), number(root, "height"));
            let circles: Vec<_> = tree.descendants().filter(|node| node.has_tag_name("circle")).collect();
            assert_eq!(circles.iter().filter(|circle| circle.has_children()).count(), len);
            for circle in circles {
                assert!((0.0..width).contains(&number(circle, "cx")) && (0.0..height).contains(&number(circle, "cy")));
            }
            for name in tree.descendants().filter(|node| node.has_tag_name("text") && node.attribute("x").is_some()) {
                assert!(
                    (0.0..width).contains(&number(name, "x")) && (0.0..height).contains(&number(name, "y")),
                    "{len}"
                );
            }
        }
    }
}
