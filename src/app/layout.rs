//! Where things lie on the screen: pure arithmetic, shared by the mouse, the pictures asked for, and the drawing.

use crate::similarity::Metric;

/// A rectangle of terminal cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Area {
    /// Leftmost column.
    pub x: u16,
    /// Topmost row.
    pub y: u16,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

impl Area {
    /// A rectangle at the top left.
    #[must_use]
    pub fn of((width, height): (u16, u16)) -> Self {
        Self { x: 0, y: 0, width, height }
    }

    /// Columns and rows.
    #[must_use]
    pub fn cells(self) -> (u16, u16) {
        (self.width, self.height)
    }

    /// Whether both have a cell in common.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.x < other.right() && other.x < self.right() && self.y < other.bottom() && other.y < self.bottom()
    }

    /// One past the last column.
    #[must_use]
    pub fn right(self) -> u16 {
        self.x.saturating_add(self.width)
    }

    /// One past the last row.
    #[must_use]
    pub fn bottom(self) -> u16 {
        self.y.saturating_add(self.height)
    }

    /// Whether nothing can be drawn in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.width == 0 || self.height == 0
    }

    /// Whether a cell lies in it.
    #[must_use]
    pub fn contains(self, (x, y): (u16, u16)) -> bool {
        (self.x..self.right()).contains(&x) && (self.y..self.bottom()).contains(&y)
    }

    /// The top rows and what is under them.
    #[must_use]
    pub fn top(self, rows: u16) -> (Self, Self) {
        let rows = rows.min(self.height);
        (Self { height: rows, ..self }, Self { y: self.y + rows, height: self.height - rows, ..self })
    }

    /// What is above the bottom rows, and those.
    #[must_use]
    pub fn off_bottom(self, rows: u16) -> (Self, Self) {
        self.top(self.height - rows.min(self.height))
    }

    /// The left columns and what is beside them.
    #[must_use]
    pub fn left(self, columns: u16) -> (Self, Self) {
        let columns = columns.min(self.width);
        (Self { width: columns, ..self }, Self { x: self.x + columns, width: self.width - columns, ..self })
    }

    /// What is left of the right columns, and those.
    #[must_use]
    pub fn off_right(self, columns: u16) -> (Self, Self) {
        self.left(self.width - columns.min(self.width))
    }

    /// Without some columns at both sides and some rows at top and bottom.
    #[must_use]
    pub fn inside(self, columns: u16, rows: u16) -> Self {
        let (columns, rows) = (columns.min(self.width / 2), rows.min(self.height / 2));
        Self { x: self.x + columns, y: self.y + rows, width: self.width - 2 * columns, height: self.height - 2 * rows }
    }
}

/// The lines around the screen proper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shell {
    /// Tabs, and under them, where there is room, folder, model and progress.
    pub header: Area,
    /// The screen proper.
    pub body: Area,
    /// The line of hints; empty on a short terminal, where the status line stands in.
    pub hints: Area,
    /// The status line.
    pub status: Area,
}

/// Divides a terminal.
#[must_use]
pub fn shell(size: (u16, u16)) -> Shell {
    let all = Area::of(size);
    let (header, hints, status) = match all.height {
        16.. => (2, 1, 1),
        5.. => (1, 0, 1),
        3.. => (1, 0, 0),
        _ => (0, 0, 0),
    };
    let (header, rest) = all.top(header);
    let (rest, status) = rest.off_bottom(status);
    let (body, hints) = rest.off_bottom(hints);
    Shell { header, body, hints, status }
}

/// What a tab may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TabWords {
    /// The key that shows the screen.
    pub key: &'static str,
    /// Its name.
    pub name: &'static str,
    /// A number beside the name.
    pub count: Option<usize>,
}

/// A tab in the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tab {
    /// Its place among all tabs.
    pub at: usize,
    /// Where it lies.
    pub area: Area,
    /// What is written on it.
    pub label: String,
}

/// The tabs that the header has room for: all names where they fit; else the names of the active one and its neighbors,
/// and the keys of the others; else as many around the active one as fit. The active one and its neighbors are always
/// among them where there is room for three keys.
#[must_use]
pub fn tabs(header: Area, words: &[TabWords], active: usize) -> Vec<Tab> {
    let full = |at: usize| {
        let TabWords { key, name, count } = words[at];
        let count = count.map(|count| format!(" {count}")).unwrap_or_default();
        format!(" {key} {name}{count} ")
    };
    let short = |at: usize| format!(" {} {} ", words[at].key, words[at].name);
    let key = |at: usize| format!(" {} ", words[at].key);
    let width =
        |labels: &[String]| labels.iter().map(|label| label.chars().count() + 1).sum::<usize>().saturating_sub(1);
    let all = |label: &dyn Fn(usize) -> String| (0..words.len()).map(label).collect::<Vec<_>>();
    // The metric stands at the right, and the program's name in the corner where there is room for it beside both.
    let metric = match header.width {
        100.. => SWITCH,
        60.. => METRIC,
        _ => 0,
    };
    let free = usize::from(header.width.saturating_sub(metric));
    let title = TITLE.len() + 3;
    let titled = header.width >= 72 && title + width(&all(&full)) <= free;
    let (start, room) = if titled { (header.x + title as u16, free - title) } else { (header.x, free) };
    // Names around the active one, as far as there is room for.
    let reaching = |reach: usize| all(&|at| if at.abs_diff(active) <= reach { full(at) } else { key(at) });
    let named = || all(&|at| if at == active { short(at) } else { key(at) });
    // With the keys alone the tabs beside the active one must fit, and then as many more as there is room for.
    let around = |labels: &[String]| {
        let (mut first, mut last) = (active.saturating_sub(1), (active + 1).min(labels.len().saturating_sub(1)));
        while last + 1 < labels.len() && width(&labels[first..=last + 1]) <= room {
            last += 1;
        }
        while first > 0 && width(&labels[first - 1..=last]) <= room {
            first -= 1;
        }
        first..last + 1
    };
    let choices = (0..words.len()).rev().map(reaching).chain([named()]);
    let whole = choices.into_iter().find(|labels| width(labels) <= room);
    let (labels, shown) = match whole {
        Some(labels) => (labels, 0..words.len()),
        None => {
            let named = named();
            let range = around(&named);
            if width(&named[range.clone()]) <= room { (named, range) } else { (all(&key), around(&all(&key))) }
        }
    };
    let mut x = start;
    let mut tabs = Vec::new();
    for at in shown.filter(|at| *at < labels.len()) {
        let label = labels[at].clone();
        let area = Area { x, y: header.y, width: label.chars().count() as u16, height: header.height.min(1) };
        if area.right() > header.right() {
            break;
        }
        x = area.right() + 1;
        tabs.push(Tab { at, area, label });
    }
    tabs
}

/// Columns that the longer name of a metric takes at the right of the header, with a blank at both sides.
const METRIC: u16 = 11;
/// Columns of the switch between both, with a blank before it.
const SWITCH: u16 = 21;

/// The switch between metrics at the right of the header, where the tabs leave room: a place for each, else for the one
/// in use alone.
#[must_use]
pub fn metrics(header: Area, tabs: &[Tab], active: Metric) -> Vec<(Metric, Area)> {
    let used = tabs.last().map_or(header.x, |tab| tab.area.right()) - header.x;
    let (_, free) = header.top(1).0.left(used + 1);
    let width = |metric: Metric| metric.name().len() as u16 + 2;
    let both: u16 = Metric::ALL.map(width).iter().sum::<u16>() + 1;
    let shown: Vec<_> = Metric::ALL.into_iter().filter(|metric| free.width >= both || *metric == active).collect();
    let total = shown.iter().map(|metric| width(*metric) + 1).sum::<u16>().saturating_sub(1);
    if header.height == 0 || total > free.width {
        return Vec::new();
    }
    let mut rest = free.off_right(total).1;
    let place = |metric: Metric| {
        let (area, after) = rest.left(width(metric));
        rest = after.left(1).1;
        (metric, area)
    };
    shown.into_iter().map(place).collect()
}

/// The program's name in the corner.
pub const TITLE: &str = "lookalike";

/// The first visible row after the cursor moved: the page stays where it is unless the cursor would leave it.
#[must_use]
pub fn scroll(first: usize, cursor: usize, visible: usize, total: usize) -> usize {
    let visible = visible.max(1);
    let lowest = (cursor + 1).saturating_sub(visible);
    first.clamp(lowest, cursor.max(lowest)).min(total.saturating_sub(visible))
}

/// The size a picture takes in a box of cells that are twice as high as wide, and where: as large as fits, centered.
#[must_use]
pub fn fitted(area: Area, pixels: (u32, u32)) -> Area {
    if area.is_empty() || pixels.0 == 0 || pixels.1 == 0 {
        return area;
    }
    let (width, height) = (f64::from(pixels.0), f64::from(pixels.1));
    let scale = (f64::from(area.width) / width).min(f64::from(area.height) * 2.0 / height);
    let columns = ((width * scale).round() as u16).clamp(1, area.width);
    let rows = ((height * scale / 2.0).round() as u16).clamp(1, area.height);
    centered(area, (columns, rows))
}

/// Columns of help side by side, and the panel at the right that they take. It leaves as much as it takes of what lies
/// beneath, so that pictures there need not be sent again; where that is too little it takes all.
#[must_use]
pub fn help(body: Area) -> (u16, Area) {
    let columns = (body.width / 2 / HELP_COLUMN).max(1);
    let width = columns * HELP_COLUMN + 1;
    if 2 * width > body.width + HELP_COLUMN / 2 { (1, body) } else { (columns, body.off_right(width).1) }
}

/// Columns that a section of the help needs.
const HELP_COLUMN: u16 = 39;

/// Where one picture lies when it is shown large: all but a line for its name.
#[must_use]
pub fn large(body: Area) -> Area {
    body.off_bottom(u16::from(body.height > 2)).0
}

/// A size in the middle of an area, as far as it has room.
#[must_use]
pub fn centered(area: Area, (width, height): (u16, u16)) -> Area {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Area { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

/// Rows under the two pictures of a pair: two for names, and a few for values.
#[must_use]
pub fn under_pair(body: Area) -> u16 {
    if body.height > 8 { 5 } else { 1 }
}

/// Where two pictures lie side by side.
#[must_use]
pub fn halves(body: Area) -> [Area; 2] {
    let (pictures, _) = body.off_bottom(under_pair(body));
    let (left, right) = pictures.left(pictures.width / 2);
    [left.inside(1, 0), right.inside(1, 0)]
}

/// Where each of two pictures lies when they are shown in turn.
#[must_use]
pub fn one_of_two(body: Area) -> Area {
    let [left, right] = halves(body);
    Area { width: right.right() - left.x, ..left }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shell_covers_every_terminal_exactly() {
        for size in [(0, 0), (1, 1), (3, 4), (40, 12), (80, 24), (120, 36), (300, 100)] {
            let shell = shell(size);
            let rows: u16 = [shell.header, shell.body, shell.hints, shell.status].iter().map(|area| area.height).sum();
            assert_eq!(rows, size.1, "{size:?}");
            assert_eq!((shell.body.width, shell.body.y), (size.0, shell.header.bottom()), "{size:?}");
        }
    }

    #[test]
    fn the_active_tab_and_its_neighbors_are_always_in_the_header() {
        const NAMES: [&str; 10] =
            ["Browse", "Heatmap", "Neighbors", "Alike", "Map", "Groups", "Outliers", "Labels", "Models", "Problems"];
        const KEYS: [&str; 10] = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "!"];
        let words: Vec<_> =
            (0..10).map(|at| TabWords { key: KEYS[at], name: NAMES[at], count: (at == 9).then_some(1_234) }).collect();
        for width in [20, 40, 60, 80, 120, 200] {
            let header = Area { width, height: 2, ..Area::default() };
            for (active, name) in NAMES.into_iter().enumerate() {
                let tabs = tabs(header, &words, active);
                for at in active.saturating_sub(1)..=(active + 1).min(9) {
                    let tab = tabs.iter().find(|tab| tab.at == at);
                    let tab =
                        tab.unwrap_or_else(|| panic!("{} is missing at {width} when {active} is active", NAMES[at]));
                    assert!(tab.label.contains(KEYS[at]) && tab.area.right() <= width);
                }
                assert!(tabs.windows(2).all(|pair| pair[0].area.right() < pair[1].area.x), "{tabs:?}");
                if width >= 40 {
                    let label = &tabs.iter().find(|tab| tab.at == active).expect("it is there").label;
                    assert!(label.contains(name), "the active one has its name: {label}");
                    assert_eq!(tabs.len(), if width >= 60 { 10 } else { tabs.len() }, "all can be reached at {width}");
                }
            }
        }
    }

    #[test]
    fn the_switch_has_a_place_for_each_metric_or_for_the_one_in_use() {
        let header = |width| Area { width, height: 1, ..Area::default() };
        let tab = Tab { at: 0, area: Area { width: 30, height: 1, ..Area::default() }, label: String::new() };
        let shown = |width| metrics(header(width), std::slice::from_ref(&tab), Metric::Euclidean);
        let [(Metric::Cosine, cosine), (Metric::Euclidean, euclidean)] = shown(60)[..] else { panic!("room for both") };
        assert_eq!((cosine.width, euclidean.width), (8, 11));
        assert_eq!((cosine.right() + 1, euclidean.right()), (euclidean.x, 60));
        assert!(matches!(shown(45)[..], [(Metric::Euclidean, area)] if area.right() == 45));
        assert!(shown(35).is_empty());
    }

    #[test]
    fn scrolling_keeps_the_cursor_on_the_page_and_the_page_in_the_list() {
        assert_eq!(scroll(0, 5, 10, 100), 0);
        assert_eq!(scroll(0, 10, 10, 100), 1);
        assert_eq!(scroll(50, 20, 10, 100), 20);
        assert_eq!(scroll(95, 99, 10, 100), 90);
        assert_eq!(scroll(7, 0, 10, 3), 0);
        assert_eq!(scroll(7, 0, 0, 0), 0);
    }

    #[test]
    fn a_picture_keeps_its_shape_in_cells_twice_as_high_as_wide() {
        let area = Area { x: 10, y: 5, width: 20, height: 10 };
        assert_eq!(fitted(area, (100, 100)), area);
        assert_eq!(fitted(area, (400, 100)), Area { x: 10, y: 8, width: 20, height: 3 });
        assert_eq!(fitted(area, (100, 400)), Area { x: 17, y: 5, width: 5, height: 10 });
    }
}
