//! Pictures: in their place, and large; what is known of two.

use std::path::Path;

use ratatui::{
    style::Modifier,
    text::{Line, Span},
};

use super::{canvas::Canvas, facts};
use crate::{
    app::{
        App,
        layout::{self, Area},
        previews::Slot,
    },
    index::{ImageId, RowKind},
    preview::{Preview, Subject, frames::Framing},
    similarity::{Metric, pair_value},
    text,
};

/// Draws a picture into its slot, or what stands in for it until it is there.
pub(super) fn slot(app: &App, canvas: &mut Canvas<'_>, slot: &Slot) {
    let area = slot.area;
    if area.width < 2 || area.height == 0 {
        return;
    }
    match app.previews.get(&slot.key()) {
        Some(shown) => preview(canvas, shown, area),
        None => match of_file(app, slot) {
            Some(shown) => preview(canvas, shown, area),
            None => placeholder(app, canvas, slot),
        },
    }
}

/// While a folder is indexed for the first time: the picture that was shown when the row was only a file.
fn of_file<'a>(app: &'a App, slot: &Slot) -> Option<&'a Preview> {
    let row = slot.row().filter(|_| !app.shared.found.is_empty() && app.shared.index.kind() == RowKind::Picture)?;
    let file = Subject::File(app.shared.index.get(row)?.path().into(), Framing::default());
    app.previews.get(&Slot { subject: file, ..slot.clone() }.key())
}

/// Draws a picture that is ready into the middle of an area, or says why there is none.
pub(super) fn preview(canvas: &mut Canvas<'_>, preview: &Preview, area: Area) {
    if let Some(reason) = preview.reason() {
        return canvas.centered(area, area.height / 2, reason, canvas.theme.warning());
    }
    let place = layout::centered(area, preview.size());
    // What is sent as pixels is there as a whole or not at all.
    if preview.is_pixels() && canvas.covered.is_some_and(|covered| covered.overlaps(place)) {
        return empty_box(canvas, place);
    }
    let rect = canvas.rect(place);
    // A picture that would be cut off by a terminal that just shrank waits for the next size.
    if (rect.width, rect.height) == place.cells() {
        preview.render(rect, canvas.buf);
    }
}

fn placeholder(app: &App, canvas: &mut Canvas<'_>, slot: &Slot) {
    let index = &app.shared.index;
    match &slot.subject {
        Subject::Row(row) => {
            let Some(entry) = index.get(*row) else { return };
            let pixels = if entry.face().is_some() && !slot.whole { (1, 1) } else { entry.pixels() };
            waiting(canvas, layout::fitted(slot.area, pixels), entry.relative());
        }
        // Its shape is not known yet.
        Subject::File(path, _) => waiting(canvas, layout::fitted(slot.area, (4, 3)), path),
        Subject::Difference([row, _]) => {
            let pixels = index.get(*row).map_or((4, 3), |entry| entry.pixels());
            empty_box(canvas, layout::fitted(slot.area, pixels));
        }
    }
}

/// A box where the picture of a file will be, with the first letters of its name.
pub(super) fn waiting(canvas: &mut Canvas<'_>, place: Area, path: &Path) {
    empty_box(canvas, place);
    let initials = text::initials(path);
    if usize::from(place.width) >= text::width(&initials) + 2 {
        let style = canvas.theme.placeholder().add_modifier(Modifier::BOLD);
        canvas.centered(place, place.height / 2, &format!(" {initials} "), style);
    }
}

/// A box where a picture will be.
pub(super) fn empty_box(canvas: &mut Canvas<'_>, place: Area) {
    canvas.fill(place, canvas.theme.placeholder_glyph(), canvas.theme.placeholder());
}

/// One picture as large as possible, and a line that says what it is.
pub(super) fn large(app: &App, canvas: &mut Canvas<'_>, id: ImageId) {
    let caption = large_alone(app, canvas);
    let Some(entry) = app.shared.index.get(id) else { return };
    let mut line = facts::name_line(app, canvas, caption.width.into(), id);
    let mut rest = vec![facts::pixels(&entry), text::bytes(entry.size()), text::date(entry.modified())];
    rest.splice(0..0, facts::detected(app, &entry));
    let folder = facts::folder(&entry);
    if !folder.is_empty() {
        rest.insert(0, folder);
    }
    let room = usize::from(caption.width).saturating_sub(line.width());
    line.push_span(Span::styled(text::cut(&format!("  {}", rest.join(" · ")), room), canvas.theme.dim()));
    canvas.line(caption, 0, line);
}

/// The same without the line; returns where that is.
pub(super) fn large_alone(app: &App, canvas: &mut Canvas<'_>) -> Area {
    for one in &app.slots() {
        slot(app, canvas, one);
    }
    let body = app.shared.body();
    let (_, caption) = body.off_bottom(u16::from(body.height > 2));
    caption.inside(1, 0)
}

/// What is known of a pair by one metric.
pub(super) struct Compared {
    pub value: f32,
    /// The column's place among the row's neighbors; nothing where it is not known and will not be.
    pub rank: Option<Rank>,
}

/// A place among so many, in words that keep their width while the place changes or is still being found.
pub(super) struct Rank {
    place: Option<usize>,
    of: usize,
}

impl Rank {
    /// The place, as wide as the last one.
    fn place(&self) -> String {
        let place = self.place.map_or_else(|| "…".to_owned(), text::count);
        text::right_aligned(&place, text::width(&self.of()))
    }

    /// How many places there are.
    pub fn of(&self) -> String {
        text::count(self.of)
    }

    /// `#8`, after blanks up to the width of the last one.
    pub fn short(&self) -> String {
        let place = self.place();
        let digits = place.trim_start();
        format!("{}#{digits}", " ".repeat(place.len() - digits.len()))
    }

    /// `rank 8 of 36`.
    fn long(&self) -> String {
        format!("rank {} of {}", self.place(), self.of())
    }
}

impl Compared {
    pub fn of(app: &App, metric: Metric, row: ImageId, col: ImageId) -> Self {
        let comparison = app.shared.current_comparison().filter(|_| app.shared.selected == Some(row));
        // A value is the same from both sides, a rank is not.
        let (side, of) =
            if app.shared.selected == Some(col) { (app.shared.current_comparison(), row) } else { (comparison, col) };
        let known = side.map(|comparison| comparison.value(metric, of)).filter(|value| !value.is_nan());
        let value = known.unwrap_or_else(|| pair_value(&app.shared.index, metric, row, col));
        let rank = match comparison {
            Some(known) => known.rank(metric, col).map(|place| Rank { place: Some(place), of: known.candidates() }),
            None if app.shared.selected == Some(row) => {
                Some(Rank { place: None, of: app.shared.index.len().saturating_sub(1) })
            }
            None => None,
        };
        Self { value, rank: rank.filter(|_| row != col) }
    }
}

/// Both metrics of a pair with the column's rank among the row's neighbors; the one in use stands out.
pub(super) fn values(app: &App, canvas: &mut Canvas<'_>, area: Area, row: ImageId, col: ImageId) {
    for (line, metric) in Metric::ALL.into_iter().enumerate() {
        let Compared { value, rank } = Compared::of(app, metric, row, col);
        let ranks = match rank {
            _ if row == col => vec![" itself".to_owned()],
            Some(rank) => {
                vec![format!("  {}", rank.long()), format!("  {}", rank.short()), format!(" {}", rank.short())]
            }
            None => vec![String::new()],
        };
        // Beside the sign and the value; a rank is never cut.
        let room = usize::from(area.width).saturating_sub(7);
        let names = [format!("{:<9} ", metric.name()), format!("{} ", &metric.name()[..3])];
        let choices = names.iter().flat_map(|name| ranks.iter().map(move |rank| (name, rank)));
        let fitting = choices.clone().find(|(name, rank)| text::width(name) + text::width(rank) <= room);
        let Some((name, rank)) = fitting.or_else(|| choices.last()) else { continue };
        let active = metric == app.shared.metric;
        let style = if active { canvas.theme.accent() } else { canvas.theme.dim() };
        let sign = if active { "▸ " } else { "  " };
        canvas.line(
            area,
            line as u16,
            Line::from(vec![
                Span::styled(format!("{sign}{name}"), style),
                Span::styled(text::right_aligned(&text::value(value), 5), style),
                Span::styled(rank.clone(), canvas.theme.dim()),
            ]),
        );
    }
}
