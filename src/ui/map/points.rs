//! The points of the map: braille dots or letters in the colors of their labels, thumbnails, names, the cursor.

use std::{collections::BTreeMap, ops::Range};

use ratatui::style::{Modifier, Style};

use crate::{
    analysis::projection::Projection,
    app::{
        App,
        layout::Area,
        previews::Slot,
        screens::map::{
            picture_of,
            plot::{Plot, braille, line},
        },
    },
    display::{Depth, letter},
    text,
    ui::{canvas::Canvas, pictures},
};

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, map: &Projection, plot: &Plot) {
    let mut taken = Taken::of(plot.area);
    dots(app, canvas, plot);
    let lines = lines(app, map, plot);
    draw_lines(app, canvas, plot, &lines);
    for tile in &app.screens.map.tiles {
        draw_tile(app, canvas, tile);
        taken.take(tile.area);
    }
    for (at, row) in app.screens.map.nearest.iter().enumerate().rev() {
        let on_tile = app.screens.map.tiles.iter().find(|tile| tile.row() == Some(row.id));
        let place =
            on_tile.map(|tile| (tile.area.x, tile.area.y)).or_else(|| map.point(row.id).and_then(|to| plot.cell(to)));
        let digit = char::from_digit(at as u32 + 1, 10).unwrap_or(' ');
        sign(canvas, &mut taken, place, digit, canvas.theme.accent().add_modifier(Modifier::REVERSED));
    }
    cursor(app, canvas, map, plot, &mut taken);
    names(app, canvas, plot, &mut taken);
}

/// Which cells of the plot are written on already, row after row: for every name many places are tried.
struct Taken {
    plot: Area,
    cells: Vec<bool>,
}

impl Taken {
    fn of(plot: Area) -> Self {
        Self { plot, cells: vec![false; usize::from(plot.width) * usize::from(plot.height)] }
    }

    /// The cells of an area that lie in the plot, a row at a time.
    fn rows(&self, area: Area) -> impl Iterator<Item = Range<usize>> + use<> {
        let plot = self.plot;
        let within = |x: u16| usize::from(x.clamp(plot.x, plot.right()) - plot.x);
        let (left, right) = (within(area.x), within(area.right()));
        let rows = area.y.max(plot.y)..area.bottom().min(plot.bottom());
        let start = move |y: u16| usize::from(y - plot.y) * usize::from(plot.width);
        rows.map(move |y| start(y) + left..start(y) + right)
    }

    fn take(&mut self, area: Area) {
        self.rows(area).for_each(|row| self.cells[row].fill(true));
    }

    fn is_free(&self, area: Area) -> bool {
        self.rows(area).all(|row| !self.cells[row].contains(&true))
    }
}

fn style_of(app: &App, canvas: &Canvas<'_>, label: Option<usize>) -> Style {
    match label {
        Some(label) => canvas.theme.group(label),
        None if app.shared.labels().is_empty() => canvas.theme.accent().remove_modifier(Modifier::BOLD),
        None => canvas.theme.dim(),
    }
}

fn dots(app: &App, canvas: &mut Canvas<'_>, plot: &Plot) {
    let map = &app.screens.map;
    let letters = map.has_letters(canvas.theme.depth()) && !app.shared.labels().is_empty();
    for (at, cell) in map.raster.cells.iter().enumerate().filter(|(_, cell)| cell.mask != 0) {
        let (x, y) = (at % map.raster.width, at / map.raster.width);
        let style = if cell.left_out { canvas.theme.faint() } else { style_of(app, canvas, cell.label) };
        let symbol = match cell.label {
            _ if cell.left_out && canvas.theme.depth() == Depth::Mono => '·',
            Some(label) if letters => letter(label),
            None if letters => '·',
            _ => symbol(cell.mask),
        };
        if let Some(cell) = canvas.cell(plot.area.x + x as u16, plot.area.y + y as u16) {
            cell.set_char(symbol).set_style(style);
        }
    }
}

/// The braille character of some dots.
fn symbol(mask: u8) -> char {
    char::from_u32(0x2800 + u32::from(mask)).unwrap_or(' ')
}

/// The dots of the lines from the selected picture to its nearest three, as far as these are in view.
fn lines(app: &App, map: &Projection, plot: &Plot) -> Vec<(u16, u16)> {
    let point = |id| map.point(id).and_then(|point| plot.visible(point));
    let Some(from) = app.shared.selected.and_then(point) else { return Vec::new() };
    app.screens.map.nearest.iter().filter_map(|row| point(row.id)).flat_map(|to| line(from, to)).collect()
}

fn draw_lines(app: &App, canvas: &mut Canvas<'_>, plot: &Plot, dots: &[(u16, u16)]) {
    let map = &app.screens.map;
    let style = Style::new().fg(canvas.theme.cursor());
    let mut cells: BTreeMap<(u16, u16), u8> = BTreeMap::new();
    for dot in dots {
        *cells.entry((dot.0 / 2, dot.1 / 4)).or_default() |= braille(*dot);
    }
    for ((x, y), mask) in cells {
        let at = usize::from(y) * map.raster.width + usize::from(x);
        // A cell with points keeps their color; the line goes on behind it.
        if map.raster.cells.get(at).is_some_and(|cell| cell.mask != 0) {
            continue;
        }
        if let Some(cell) = canvas.cell(plot.area.x + x, plot.area.y + y) {
            cell.set_char(symbol(mask)).set_style(style);
        }
    }
}

/// A picture with the letter and the color of its label at its left side.
fn draw_tile(app: &App, canvas: &mut Canvas<'_>, tile: &Slot) {
    canvas.fill(tile.area, ' ', Style::reset());
    let label = tile.row().and_then(|row| app.shared.labels().of(row));
    let chosen = app.shared.selected == tile.row();
    let style = if chosen {
        Style::new().fg(canvas.theme.cursor()).add_modifier(Modifier::BOLD)
    } else {
        style_of(app, canvas, label)
    };
    canvas.fill(Area { width: 1, ..tile.area }, if chosen { '█' } else { '▌' }, style);
    pictures::slot(app, canvas, &Slot { area: picture_of(tile.area), ..tile.clone() });
    if let Some((label, cell)) = label.zip(canvas.cell(tile.area.x, tile.area.bottom().saturating_sub(1))) {
        cell.set_char(letter(label)).set_style(style.add_modifier(Modifier::BOLD));
    }
}

fn sign(canvas: &mut Canvas<'_>, taken: &mut Taken, place: Option<(u16, u16)>, sign: char, style: Style) {
    let Some((x, y)) = place else { return };
    if let Some(cell) = canvas.cell(x, y) {
        cell.reset();
        cell.set_char(sign).set_style(style);
        taken.take(Area { x, y, width: 1, height: 1 });
    }
}

/// The cursor: its cell in a color that no label has, with a bracket at each side.
fn cursor(app: &App, canvas: &mut Canvas<'_>, map: &Projection, plot: &Plot, taken: &mut Taken) {
    let Some(id) = app.shared.selected else { return };
    let Some((x, y)) = map.point(id).and_then(|point| plot.cell(point)) else { return };
    if app.screens.map.tiles.iter().any(|tile| tile.row() == Some(id)) {
        return;
    }
    let style = Style::new().fg(canvas.theme.cursor()).add_modifier(Modifier::BOLD);
    sign(canvas, taken, Some((x, y)), '◉', style);
    let left = x.checked_sub(1).filter(|left| *left >= plot.area.x);
    let right = Some(x + 1).filter(|right| *right < plot.area.right());
    sign(canvas, taken, left.map(|left| (left, y)), '[', style);
    sign(canvas, taken, right.map(|right| (right, y)), ']', style);
}

/// Rows that a name may stand above or below its place, and columns at its side in steps of some.
const AWAY: i16 = 6;
const ASIDE: i16 = 4;
const STEP: i16 = 3;

/// How many cells with points an area covers.
fn covered(app: &App, plot: &Plot, area: Area) -> usize {
    let raster = &app.screens.map.raster;
    let first = usize::from(area.y - plot.area.y) * raster.width + usize::from(area.x - plot.area.x);
    let cells = raster.cells.get(first..first + usize::from(area.width)).unwrap_or_default();
    cells.iter().filter(|cell| cell.mask != 0).count()
}

/// The name of each label at the median of its points: the most frequent first, none over another; a letter where there is
/// no room for the name.
fn names(app: &App, canvas: &mut Canvas<'_>, plot: &Plot, taken: &mut Taken) {
    for middle in &app.screens.map.middles {
        let Some((x, y)) = plot.cell(middle.point) else { continue };
        let name = app.shared.labels().name(middle.label);
        let style = canvas.theme.group(middle.label).add_modifier(Modifier::BOLD | Modifier::REVERSED);
        let words =
            [format!(" {} {} ", letter(middle.label), text::cut(name, 18)), format!(" {} ", letter(middle.label))];
        // As near as can be, but beside the points rather than on them.
        let found = words.iter().find_map(|words| {
            let width = text::width(words) as u16;
            let x = x
                .saturating_sub(width / 2)
                .clamp(plot.area.x, plot.area.right().saturating_sub(width).max(plot.area.x));
            let place = |(by, aside): (i16, i16)| {
                let y = y.checked_add_signed(by).filter(|y| (plot.area.y..plot.area.bottom()).contains(y))?;
                let x = x.checked_add_signed(STEP * aside).filter(|x| *x >= plot.area.x)?;
                let area = Area { x, y, width, height: 1 };
                let free = area.right() <= plot.area.right() && taken.is_free(area);
                // A step aside is about as far as a row and a half.
                let away = usize::from(by.unsigned_abs()) + usize::from(aside.unsigned_abs()) * 3 / 2;
                free.then(|| (covered(app, plot, area) + away, area))
            };
            let places = (-AWAY..=AWAY).flat_map(|by| (-ASIDE..=ASIDE).map(move |aside| (by, aside)));
            let best = places.filter_map(place).min_by_key(|(cost, area)| (*cost, area.y, area.x))?;
            Some((words, best.1))
        });
        if let Some((words, area)) = found {
            canvas.text(area, 0, words, style);
            taken.take(area);
        }
    }
}
