//! Browse: a grid of thumbnails, which pictures it shows and in which order.

use std::sync::Arc;

use crate::{
    app::{
        RunState,
        action::{Action, Step},
        binding::{self, Binding, bind},
        contact_sheet::ContactSheet,
        layout::Area,
        previews::Slot,
        room::{Acted, Room},
        shared::Shared,
    },
    index::{ImageId, filter::Filter},
    order::{Order, OrderKind},
    preview::{Subject, frames::Framing},
    printable::printable,
    similarity::{Comparison, Metric, Neighbor, compare},
    task::{Made, Task},
};

mod list;
mod waiting;

pub use self::{list::List, waiting::Waiting};

/// The Browse screen.
#[derive(Default)]
pub struct Browse {
    /// The pictures of the grid.
    pub list: List,
    /// Files that are still to be indexed, among them.
    pub waiting: Waiting,
    /// What decides their order.
    pub kind: OrderKind,
    /// The last of the order comes first.
    pub reversed: bool,
    /// For [`OrderKind::Likeness`]: what the others are compared with, once that is known.
    pub anchor: Option<Arc<Comparison>>,
    /// First visible row of tiles.
    pub first: usize,
    /// The view has left the cursor for files that are not indexed yet.
    away: bool,
    /// The picture that the user had selected then.
    away_from: Option<ImageId>,
    /// How many steps the tiles are larger than usual.
    pub size: i16,
    /// The three nearest of the selected picture, once it was compared.
    pub nearest: Vec<Neighbor>,
    /// What they were taken from.
    nearest_of: Option<(Arc<Comparison>, Metric)>,
    /// What [`Shared::admits`] was told by: a filter, and [`List::changes`].
    admitted_of: Option<(Filter, u64)>,
}

const KEYS: &[Binding] = &[
    bind("Enter", Action::OpenNeighbors),
    binding::METRIC,
    binding::ZOOM_IN,
    binding::ZOOM_OUT,
    binding::ZOOM_FIT,
    bind("s", Action::Sort),
    bind("r", Action::Reverse),
];

impl Browse {
    /// The order wanted; `None` while it is not known what the pictures are to be like.
    fn order(&self, shared: &Shared) -> Option<Order> {
        let likeness = self.anchor.clone().map(|anchor| (anchor, shared.metric));
        Some(Order::of(self.kind, likeness, shared.made_labels.groups.as_ref())?.reversed(self.reversed))
    }

    /// Whether pictures came, went or came back since the others were compared with the anchor. While indexing goes on,
    /// new ones stand at the end.
    fn is_stale(&self, shared: &Shared) -> bool {
        let anchor = self.anchor.as_ref().filter(|_| shared.run != RunState::Running);
        anchor.is_some_and(|anchor| anchor.made_of() != shared.index.state())
    }

    fn sort(&mut self, shared: &Shared) -> String {
        (self.kind, self.anchor) = (self.kind.cycled(shared.made_labels.groups.is_some()), None);
        self.sorted_by(shared)
    }

    /// How the pictures are sorted, in a sentence.
    fn sorted_by(&self, shared: &Shared) -> String {
        let of = match (self.kind, shared.selected.and_then(|id| shared.path(id))) {
            (OrderKind::Likeness, Some(path)) => format!(" to {}", printable(path.file_name().unwrap_or_default())),
            (OrderKind::Date, _) if self.reversed => ", oldest first".to_owned(),
            (OrderKind::Date, _) => ", newest first".to_owned(),
            (OrderKind::Size, _) if self.reversed => ", smallest file first".to_owned(),
            (OrderKind::Size, _) => ", largest file first".to_owned(),
            (OrderKind::Similarity, _) => ": look-alikes side by side".to_owned(),
            _ if self.reversed => ", backwards".to_owned(),
            _ => String::new(),
        };
        format!("Sorted by {}{of}.", self.kind.name())
    }

    /// Brings the list in line with the index, the filter and the order, as far as that takes no time.
    pub fn follow(&mut self, shared: &mut Shared) {
        // All pictures are sorted once, when all were compared.
        if self.kind == OrderKind::Likeness && self.anchor.is_none() && !shared.comparing {
            self.anchor = shared.current_comparison().cloned();
        }
        if self.is_stale(shared) && shared.is_quick() {
            self.anchor = self.anchor.take().map(|anchor| Arc::new(compare(&shared.index, anchor.query())));
        }
        if let Some(order) = self.order(shared) {
            self.list.follow(&shared.index, &shared.filter, &order);
        } else {
            let order = self.list.order.clone();
            self.list.follow(&shared.index, &shared.filter, &order);
        }
        self.waiting.follow(shared, &self.list);
        self.tell_admitted(shared);
        if shared.narrowed && self.list.filter == shared.filter {
            shared.narrowed = false;
            let listed = shared.selected.is_some_and(|id| self.list.position(id).is_some());
            if !listed && let Some(first) = self.list.ids.first() {
                shared.select(*first);
            }
        }
    }

    /// Makes the tiles as large as they can be with all of them on one page, or as small as there are.
    fn fit(&mut self, shared: &Shared, body: Area) -> String {
        let (len, page) = (self.tiles(), |size: i16| Grid::new(body, size).sheet.page());
        let fitting = SIZES.rev().find(|size| page(*size) >= len);
        self.size = fitting.unwrap_or(*SIZES.start());
        match fitting {
            Some(_) => format!("All {} are in view.", shared.counted(len)),
            None => format!("The smallest tiles: {} of {} are in view.", page(self.size), shared.counted(len)),
        }
    }

    /// Tells the other screens which pictures the filter lets through.
    fn tell_admitted(&mut self, shared: &mut Shared) {
        let filter = Some(&self.list.filter).filter(|filter| !filter.is_empty());
        let told = filter.map(|filter| (filter.clone(), self.list.changes()));
        if told != self.admitted_of {
            shared.admitted = filter.map(|_| {
                let mut admitted = vec![false; shared.index.id_bound()];
                self.list.ids.iter().for_each(|id| admitted[id.at()] = true);
                admitted
            });
            shared.narrowings += 1;
            self.admitted_of = told;
        }
    }

    /// How many tiles the grid has.
    #[must_use]
    pub fn tiles(&self) -> usize {
        self.list.ids.len() + self.waiting.len()
    }

    /// What stands at a place of the grid.
    #[must_use]
    pub fn tile(&self, place: usize) -> Option<Subject> {
        match self.waiting.at(place) {
            Ok(file) => Some(Subject::File(Arc::clone(file), Framing::default())),
            Err(listed) => self.list.ids.get(listed).copied().map(Subject::Row),
        }
    }

    /// The place of the selected picture in the grid.
    fn place(&self, shared: &Shared) -> Option<usize> {
        let listed = shared.selected.and_then(|id| self.list.position(id))?;
        Some(self.waiting.place(listed))
    }

    /// The picture at a place of the grid. Where a file waits it is the nearest one on the way there from `now`, or else the
    /// next one beyond.
    fn picture_towards(&self, place: usize, now: usize) -> Option<ImageId> {
        let picture = |place: usize| self.waiting.at(place).err().and_then(|listed| self.list.ids.get(listed).copied());
        let (on_the_way, beyond) = match place >= now {
            true => ((now + 1..place).rev().find_map(picture), (place + 1..self.tiles()).find_map(picture)),
            false => ((place + 1..now).find_map(picture), (0..place).rev().find_map(picture)),
        };
        picture(place).or(on_the_way).or(beyond)
    }

    /// Moves the view and not the cursor, as there is none on files that wait.
    fn scroll(&mut self, shared: &Shared, grid: &Grid, step: Step) {
        let rows = grid.sheet.rows;
        let firsts = (self.tiles().div_ceil(grid.sheet.columns) + 1).saturating_sub(rows);
        self.first = step.moved(self.first, firsts, 1, rows);
        let cursor = self.place(shared).unwrap_or(0) / grid.sheet.columns;
        self.away = !(self.first..self.first + rows).contains(&cursor);
        self.away_from = Self::chosen(shared);
    }

    /// The selected picture, unless nobody chose it.
    fn chosen(shared: &Shared) -> Option<ImageId> {
        shared.selected.filter(|_| shared.is_touched())
    }

    /// The places of tiles on the visible page, or so many pages after it, with what stands there.
    fn page(&self, grid: &Grid, after: usize) -> Vec<Slot> {
        let places = grid.sheet.visible(self.first, after, 0..self.tiles());
        let tiles = places.filter_map(|place| self.tile(place)).enumerate();
        tiles.map(|(at, subject)| Slot::new(subject, grid.sheet.picture(at))).collect()
    }

    /// The selected picture, unless the filter hides it with all others.
    fn shown(&self, shared: &Shared) -> Option<ImageId> {
        shared.selected.filter(|_| !self.list.ids.is_empty() || shared.filter.is_empty())
    }
}

impl Room for Browse {
    fn keys(&self) -> &'static [Binding] {
        KEYS
    }

    fn step(&mut self, shared: &mut Shared, body: Area, step: Step) {
        let grid = Grid::new(body, self.size);
        let now = self.place(shared).unwrap_or(0);
        let found = self.picture_towards(grid.sheet.stepped(now, self.tiles(), step), now);
        let leads_on = found.is_some() && found != shared.selected;
        if self.away && !matches!(step, Step::Left | Step::Right) {
            let first = self.first;
            self.scroll(shared, &grid, step);
            if self.first != first {
                return;
            }
        }
        self.away = false;
        if let Some(id) = found {
            shared.select(id);
        }
        if !leads_on && !self.waiting.is_empty() {
            self.scroll(shared, &grid, step);
        }
    }

    fn click(&mut self, shared: &mut Shared, body: Area, at: (u16, u16)) -> Option<Action> {
        let grid = Grid::new(body, self.size);
        let listed = self.waiting.at(grid.sheet.hit(self.first, at)?).err()?;
        let id = *self.list.ids.get(listed)?;
        if shared.is_touched() && shared.selected == Some(id) {
            return Some(Action::OpenNeighbors);
        }
        shared.select(id);
        None
    }

    fn act(&mut self, shared: &mut Shared, body: Area, action: Action) -> Acted {
        match action {
            Action::Sort => return Acted::Says(self.sort(shared)),
            Action::Reverse => {
                self.reversed = !self.reversed;
                return Acted::Says(self.sorted_by(shared));
            }
            Action::ZoomIn => self.size = Grid::resized(body, self.size, 1),
            Action::ZoomOut => self.size = Grid::resized(body, self.size, -1),
            Action::ZoomFit => return Acted::Says(self.fit(shared, body)),
            _ => return Acted::No,
        }
        Acted::Yes
    }

    fn focused(&self, shared: &Shared) -> Option<ImageId> {
        self.shown(shared)
    }

    fn slots(&self, shared: &Shared, body: Area) -> Vec<Slot> {
        let grid = Grid::new(body, self.size);
        let mut slots = Vec::new();
        if let Some(details) = grid.details.map(Details::new) {
            slots.extend(self.shown(shared).map(|image| Slot::new(image, details.picture)));
            if details.as_pictures && !slots.is_empty() {
                let nearest = self.nearest.iter().enumerate();
                slots.extend(nearest.map(|(at, row)| Slot::new(row.id, details.thumb(at))));
            }
        }
        slots.extend(self.page(&grid, 0));
        slots
    }

    fn upcoming(&self, _: &Shared, body: Area) -> Vec<Slot> {
        self.page(&Grid::new(body, self.size), 1)
    }

    fn wants(&self, shared: &Shared) -> Option<Task> {
        let order = self.order(shared).unwrap_or_else(|| self.list.order.clone());
        let current = self.list.is_current(&shared.index, &shared.filter, &order) && !self.is_stale(shared);
        (!current).then(|| Task::Sort(shared.filter.clone(), order))
    }

    fn take(&mut self, shared: &Shared, made: Made) {
        if let Made::Sorted(sorted) = made {
            if let (Some(to), Some(anchor)) = (sorted.order.anchor(), &mut self.anchor)
                && to.query() == anchor.query()
            {
                *anchor = Arc::clone(to);
            }
            self.list.take(&shared.index, sorted);
        }
    }

    fn refresh(&mut self, shared: &mut Shared, body: Area) {
        match shared.current_comparison() {
            Some(found) => {
                let current = self
                    .nearest_of
                    .as_ref()
                    .is_some_and(|(of, metric)| Arc::ptr_eq(of, found) && *metric == shared.metric);
                if !current {
                    self.nearest = found.nearest(shared.metric, 3);
                    self.nearest_of = Some((Arc::clone(found), shared.metric));
                }
            }
            None => (self.nearest, self.nearest_of) = (Vec::new(), None),
        }
        let grid = Grid::new(body, self.size);
        self.away &= !self.waiting.is_empty() && self.away_from == Self::chosen(shared);
        // The view stays where it was moved to, as far as there are tiles.
        let shown = if self.away { self.first * grid.sheet.columns } else { self.place(shared).unwrap_or(0) };
        self.first = grid.sheet.scrolled(self.first, shown, self.tiles());
    }
}

/// Where the grid and the details lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// The line with what is shown.
    pub title: Area,
    /// The thumbnails.
    pub sheet: ContactSheet,
    /// What is known of the selected picture, where there is room.
    pub details: Option<Area>,
}

/// The sizes of tiles, in steps from the usual one.
const SIZES: std::ops::RangeInclusive<i16> = -3..=8;
/// Columns of a tile at its usual size.
const TILE: i16 = 17;
/// Columns that one step of the zoom adds to a tile.
const TILE_STEP: i16 = 5;

impl Grid {
    /// Divides the body; `size` is [`Browse::size`].
    #[must_use]
    pub fn new(body: Area, size: i16) -> Self {
        let (title, rest) = body.top(u16::from(body.height > 3));
        let pane = match body.width {
            100.. => body.width * 3 / 10,
            64.. => 26,
            _ => 0,
        };
        let (tiles, details) = if pane > 0 && rest.height >= 8 {
            let (tiles, pane) = rest.off_right(pane);
            // One column between them is for the line.
            (tiles.off_right(1).0, Some(pane))
        } else {
            (rest, None)
        };
        let usual = if tiles.width < 50 { TILE - 4 } else { TILE + i16::from(tiles.width > 80) * 3 };
        let wish = (usual + size * TILE_STEP).clamp(8, i16::MAX) as u16;
        Self { title, sheet: ContactSheet::new(tiles, wish), details }
    }

    /// Whether the tiles can still grow or shrink by a step.
    #[must_use]
    pub fn resized(body: Area, size: i16, by: i16) -> i16 {
        let (now, then) = (Self::new(body, size), Self::new(body, size + by));
        let step = size + by;
        if (now == then && size.signum() == by.signum()) || !SIZES.contains(&step) { size } else { step }
    }
}

/// Where things lie in the details pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Details {
    /// The selected picture.
    pub picture: Area,
    /// What is known of it.
    pub facts: Area,
    /// The heading of the nearest.
    pub nearest: Area,
    /// The nearest three, as pictures where there is room.
    pub thumbs: [Area; 3],
    /// Whether they are pictures.
    pub as_pictures: bool,
}

impl Details {
    /// Divides the pane.
    #[must_use]
    pub fn new(pane: Area) -> Self {
        let pane = pane.inside(1, 0);
        let as_pictures = pane.height >= 27 && pane.width >= 30;
        let facts = 5;
        let nearest = if as_pictures { 9 } else { 4 };
        let room = pane.height.saturating_sub(facts + nearest + 1);
        let rows = if room < 4 { 0 } else { room.min(pane.width / 2) };
        let (picture, rest) = pane.top(rows);
        let (facts, rest) = rest.top(facts);
        let (nearest, rest) = rest.top(1);
        let thumbs = std::array::from_fn(|at| {
            if as_pictures {
                let width = rest.width / 3;
                Area { x: rest.x + at as u16 * width, width: width.saturating_sub(1), ..rest.top(8).0 }
            } else {
                let (_, under) = rest.top(at as u16);
                under.top(1).0
            }
        });
        Self { picture, facts, nearest, thumbs, as_pictures }
    }

    /// The picture of one of the nearest.
    #[must_use]
    pub fn thumb(&self, at: usize) -> Area {
        self.thumbs[at].off_bottom(2).0
    }
}
