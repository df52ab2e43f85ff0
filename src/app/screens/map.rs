//! Map: every picture a point, alike pictures near each other.

pub mod places;
pub mod plot;

use std::sync::Arc;

use self::{
    places::{Places, TILE},
    plot::{Direction, Middle, Plot, Raster, View},
};
use crate::{
    analysis::projection::{Method, Projection},
    app::{
        RunState,
        action::{Action, Step},
        binding::{self, Binding, bind},
        layout::Area,
        previews::Slot,
        room::{Acted, Room},
        shared::Shared,
    },
    display::Depth,
    index::{ImageId, IndexState, labels::Labels},
    similarity::{Comparison, Graph, Metric, Neighbor},
    task::{Made, MapTask, Mapping, Task},
};

/// What one key press zooms by, and how far it goes.
const ZOOM: f32 = 1.5;
const CLOSEST: f32 = 2_000.0;

/// The part of the screen that one key press moves the map by.
const PAN: f32 = 0.25;

/// Of the pictures in view so many in a hundred must have room for thumbnails.
const ROOM: usize = 30;

/// The Map screen.
pub struct Map {
    /// How the map is made.
    pub method: Method,
    /// The maps that are known, by their method's place in [`Method::ALL`].
    maps: [Option<Arc<Projection>>; Method::ALL.len()],
    graph: Option<Arc<Graph>>,
    /// How far the map that is being made is.
    pub making: Option<Mapping>,
    /// The user does not want to wait for it.
    pub stopped: bool,
    /// What it had come to by then.
    unfinished: Option<Arc<Projection>>,
    /// The user wants it anew.
    anew: bool,
    /// The part that is shown.
    pub view: View,
    /// Letters in the place of dots, or not, once the user has chosen.
    letters: Option<bool>,
    /// Thumbnails where there is room for them.
    thumbnails: bool,
    /// The nearest of the selected picture, by their embeddings.
    pub nearest: Vec<Neighbor>,
    nearest_of: Option<(Arc<Comparison>, Metric)>,
    /// What is drawn in each cell.
    pub raster: Raster,
    raster_of: Option<(Drawn, Plot)>,
    /// The labels and where they are.
    pub middles: Vec<Middle>,
    middles_of: Option<Drawn>,
    /// Pictures that have room on the map.
    pub tiles: Vec<Slot>,
    /// The picture that the map was moved for.
    followed: Option<ImageId>,
    /// The pictures that are to be brought into view as soon as the map is there.
    wanted_in_view: Vec<ImageId>,
}

/// What a drawing is made of: the map, the pictures, their labels, which are how many folders or which others, and the
/// filter ([`Shared::narrowings`]).
#[derive(Clone)]
struct Drawn {
    map: Arc<Projection>,
    made_of: IndexState,
    folders: usize,
    made: Option<Arc<Labels>>,
    narrowed_at: u64,
}

impl PartialEq for Drawn {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.map, &other.map)
            && (self.made_of, self.folders, self.narrowed_at) == (other.made_of, other.folders, other.narrowed_at)
            && self.made.as_ref().map(Arc::as_ptr) == other.made.as_ref().map(Arc::as_ptr)
    }
}

impl Default for Map {
    fn default() -> Self {
        Self {
            method: Method::default(),
            maps: Default::default(),
            graph: None,
            making: None,
            stopped: false,
            unfinished: None,
            anew: false,
            view: View::default(),
            letters: None,
            thumbnails: true,
            nearest: Vec::new(),
            nearest_of: None,
            raster: Raster::default(),
            raster_of: None,
            middles: Vec::new(),
            middles_of: None,
            tiles: Vec::new(),
            followed: None,
            wanted_in_view: Vec::new(),
        }
    }
}

const KEYS: &[Binding] = &[
    bind("t", Action::Method),
    binding::ZOOM_IN,
    binding::ZOOM_OUT,
    binding::ZOOM_FIT,
    bind("n", Action::OpenNeighbors),
    bind("Enter", Action::OpenPair),
    bind("a", Action::Letters),
    bind("i", Action::Thumbnails),
    bind("r", Action::Renew),
    bind("c", Action::Stop),
    binding::METRIC,
    binding::WHY,
    bind("H", Action::Pan(Step::Left)),
    bind("L", Action::Pan(Step::Right)),
    bind("K", Action::Pan(Step::Up)),
    bind("J", Action::Pan(Step::Down)),
];

impl Map {
    fn of(&self, method: Method) -> Option<&Arc<Projection>> {
        self.maps.get(method as usize)?.as_ref()
    }

    /// The map on the screen: the one that is being made as far as it is, else the one wanted, else that of the principal
    /// components.
    #[must_use]
    pub fn shown(&self) -> Option<&Arc<Projection>> {
        let so_far = self.making.as_ref().and_then(|making| making.so_far.as_ref());
        let known = || self.of(self.method).or(self.unfinished.as_ref()).or_else(|| self.of(Method::Pca));
        so_far.or_else(known)
    }

    /// Where it lies.
    #[must_use]
    pub fn plot(&self, body: Area) -> Option<Plot> {
        self.shown().map(|map| Plot::new(map, self.view, Places::new(body).plot))
    }

    /// Whether letters stand in the place of dots: without colors they tell the labels apart.
    #[must_use]
    pub fn has_letters(&self, depth: Depth) -> bool {
        self.letters.unwrap_or(depth == Depth::Mono)
    }

    /// Whether a point in view has neither a thumbnail nor a sign of its own, as the selected one and its nearest have.
    fn has_bare_points(&self, shared: &Shared) -> bool {
        let Some((plot, map)) = self.plot(shared.body()).zip(self.shown()) else { return false };
        let signed = self.nearest.iter().map(|row| row.id).chain(shared.selected);
        let signs: Vec<_> = signed.filter_map(|id| map.point(id).and_then(|point| plot.cell(point))).collect();
        let dots = self.raster.cells.iter().enumerate().filter(|(_, cell)| cell.mask != 0).map(|(at, _)| at);
        let place = |at: usize| {
            let (row, column) = (at / self.raster.width, at % self.raster.width);
            (plot.area.x + column as u16, plot.area.y + row as u16)
        };
        let is_bare = |at| !signs.contains(&at) && self.tiles.iter().all(|tile| !tile.area.contains(at));
        dots.map(place).any(is_bare)
    }

    /// What the map needs before it shows what it should; `None` when it does.
    fn missing(&self, shared: &Shared) -> Option<MapTask> {
        let running = shared.run == RunState::Running;
        let known = self.of(self.method);
        let stands_in = if running { known.or_else(|| self.of(Method::Pca)) } else { known };
        let is_right = |map: &Arc<Projection>| {
            let whole = !map.is_stale() && (map.quality.is_some() || shared.index.len() < 3);
            shared.covers(map.made_of(), map.id_bound()) && (running || whole)
        };
        if !self.anew && stands_in.is_some_and(is_right) {
            return None;
        }
        let (known, graph) = (known.cloned(), self.graph.clone());
        Some(MapTask { method: self.method, known, graph, anew: self.anew, hurried: running })
    }

    /// Shows no more of the map than these pictures take.
    pub fn bring_into_view(&mut self, pictures: Vec<ImageId>) {
        self.wanted_in_view = pictures;
    }

    /// Does so when the map is there and no longer moves.
    fn look_at_wanted(&mut self, area: Area) {
        if self.making.is_some() || self.wanted_in_view.is_empty() {
            return;
        }
        let Some(map) = self.shown().cloned() else { return };
        let points: Vec<_> = std::mem::take(&mut self.wanted_in_view).iter().filter_map(|id| map.point(*id)).collect();
        self.view = match points.len() {
            // One picture alone is seen among all others.
            0 | 1 => View::default(),
            _ => View::around(&map, area, &points, CLOSEST),
        };
    }

    /// Chooses a picture by the user's hand.
    fn go(&mut self, shared: &mut Shared, to: Option<ImageId>) {
        if let Some(id) = to {
            shared.select(id);
        }
    }

    /// Zooms, with the selected picture in the middle where that is in view.
    fn zoom(&mut self, shared: &Shared, body: Area, by: f32) -> Acted {
        let zoom = (self.view.zoom * by).clamp(1.0, CLOSEST);
        if zoom == self.view.zoom {
            let says = if by > 1.0 { "It is as close as it goes." } else { "All of the map is in view." };
            return Acted::Says(says.to_owned());
        }
        let Some((plot, map)) = self.plot(body).zip(self.shown()) else { return Acted::Yes };
        let point = shared.selected.and_then(|id| map.point(id)).filter(|point| plot.visible(*point).is_some());
        let center = point.unwrap_or(plot.center);
        self.view = View { center: (zoom > 1.0).then_some(center), zoom };
        Acted::Yes
    }

    fn pan(&mut self, body: Area, step: Step) -> Acted {
        let Some(plot) = self.plot(body) else { return Acted::Yes };
        if self.view.zoom <= 1.0 {
            return Acted::Tells("All of the map is in view[: {zoom-in} shows it larger].");
        }
        let (columns, rows) = (f32::from(plot.area.width) * PAN, f32::from(plot.area.height) * PAN);
        let way = match step {
            Step::Left => plot.way(-columns, 0.0),
            Step::Right => plot.way(columns, 0.0),
            Step::Up => plot.way(0.0, rows),
            _ => plot.way(0.0, -rows),
        };
        self.view.center = Some([plot.center[0] + way[0], plot.center[1] + way[1]]);
        Acted::Yes
    }

    /// Places for thumbnails, each around its point and none over another; nothing unless most of what is in view has one.
    fn lay_out_tiles(&self, shared: &Shared, plot: &Plot, map: &Projection) -> Vec<Slot> {
        let (width, height) = TILE;
        let cells = usize::from(plot.area.width) * usize::from(plot.area.height);
        let each = usize::from(width) * usize::from(height);
        if !self.thumbnails || self.making.is_some() || self.raster.visible * each > 2 * cells {
            return Vec::new();
        }
        let mut tiles: Vec<Slot> = Vec::new();
        let first = shared.selected.into_iter().chain(self.nearest.iter().map(|row| row.id));
        let all = map.points().map(|(id, _)| id);
        for id in first.chain(all).filter(|id| shared.is_listed(*id)) {
            let Some((x, y)) = map.point(id).and_then(|point| plot.cell(point)) else { continue };
            let right = plot.area.right().saturating_sub(width).max(plot.area.x);
            let bottom = plot.area.bottom().saturating_sub(height).max(plot.area.y);
            let left_top = (x.saturating_sub(width / 2), y.saturating_sub(height / 2));
            let area = Area {
                x: left_top.0.clamp(plot.area.x, right),
                y: left_top.1.clamp(plot.area.y, bottom),
                width: width.min(plot.area.width),
                height: height.min(plot.area.height),
            };
            let free = |other: &Slot| {
                let other = other.area;
                area.right() <= other.x
                    || other.right() <= area.x
                    || area.bottom() <= other.y
                    || other.bottom() <= area.y
            };
            if tiles.iter().all(free) {
                tiles.push(Slot::new(id, area));
            }
        }
        if tiles.len() * 100 < self.raster.visible * ROOM { Vec::new() } else { tiles }
    }
}

/// The picture in a tile, beside the sign of its label.
#[must_use]
pub fn picture_of(tile: Area) -> Area {
    tile.left(1).1
}

impl Room for Map {
    fn keys(&self) -> &'static [Binding] {
        KEYS
    }

    fn step(&mut self, shared: &mut Shared, body: Area, step: Step) {
        let Some((plot, map)) = self.plot(body).zip(self.shown().cloned()) else { return };
        let Some(own) = shared.selected.and_then(|id| map.point(id)) else { return };
        let listed = |id| shared.is_listed(id);
        let towards = |direction| plot::towards(&map, &listed, &plot, own, direction);
        let half = f32::from(plot.area.height) / 2.0;
        let away = |columns: f32, rows: f32| {
            let way = plot.way(columns, rows);
            plot::at(&map, &listed, [own[0] + way[0], own[1] + way[1]])
        };
        let by_x = |id: &ImageId| map.point(*id).map_or(0.0, |point| point[0]);
        let ids = || map.points().map(|(id, _)| id).filter(|id| listed(*id));
        let to = match step {
            Step::Left => towards(Direction::Left),
            Step::Right => towards(Direction::Right),
            Step::Up => towards(Direction::Up),
            Step::Down => towards(Direction::Down),
            Step::PageUp => away(0.0, half),
            Step::PageDown => away(0.0, -half),
            Step::HalfUp => away(0.0, half / 2.0),
            Step::HalfDown => away(0.0, -half / 2.0),
            Step::First => ids().min_by(|a, b| by_x(a).total_cmp(&by_x(b))),
            Step::Last => ids().max_by(|a, b| by_x(a).total_cmp(&by_x(b))),
        };
        self.go(shared, to);
    }

    fn click(&mut self, shared: &mut Shared, body: Area, at: (u16, u16)) -> Option<Action> {
        let places = Places::new(body);
        let nearest = places.panel.and_then(|panel| (0..self.nearest.len()).find(|row| panel.row(*row).contains(at)));
        let to = if let Some(row) = nearest {
            Some(self.nearest[row].id)
        } else if let Some(tile) = self.tiles.iter().find(|tile| tile.area.contains(at)) {
            tile.row()
        } else if places.plot.contains(at) {
            let (plot, map) = self.plot(body).zip(self.shown())?;
            plot::at(map, &|id| shared.is_listed(id), plot.point(at))
        } else {
            None
        };
        if to.is_some() && to == shared.selected {
            return Some(Action::OpenPicture);
        }
        self.go(shared, to);
        None
    }

    fn act(&mut self, shared: &mut Shared, body: Area, action: Action) -> Acted {
        match action {
            Action::Method => {
                (self.method, self.making, self.stopped, self.anew) = (self.method.next(), None, false, false);
                self.unfinished = None;
                // Another method puts everything elsewhere.
                self.view = View::default();
            }
            Action::ZoomIn => return self.zoom(shared, body, ZOOM),
            Action::ZoomOut => return self.zoom(shared, body, 1.0 / ZOOM),
            Action::ZoomFit => self.view = View::default(),
            Action::Pan(step) => return self.pan(body, step),
            Action::Letters => self.letters = Some(!self.has_letters(shared.display.depth)),
            Action::Thumbnails => {
                self.thumbnails = !self.thumbnails;
                let says = if self.thumbnails { "Thumbnails where there is room for them." } else { "Points alone." };
                return Acted::Says(says.to_owned());
            }
            Action::Renew if self.method == Method::Pca => {
                return Acted::Tells("PCA is always of all pictures[: {method} chooses another method].");
            }
            Action::Renew if shared.run == RunState::Running => {
                return Acted::Says("It is made when all pictures are indexed.".to_owned());
            }
            Action::Renew => (self.anew, self.stopped, self.making, self.unfinished) = (true, false, None, None),
            Action::Stop if self.making.is_none() => return Acted::Says("Nothing is being made.".to_owned()),
            Action::Stop => {
                // What it has come to stays on the screen, unless there is a whole one.
                self.unfinished = self.making.take().and_then(|making| making.so_far);
                (self.stopped, self.anew) = (true, false);
                return Acted::Tells("Stopped[: {renew} makes the map][, {method} chooses another method].");
            }
            _ => return Acted::No,
        }
        Acted::Yes
    }

    fn pair(&self, shared: &Shared) -> Option<[ImageId; 2]> {
        Some([shared.selected?, self.nearest.first()?.id])
    }

    fn slots(&self, shared: &Shared, body: Area) -> Vec<Slot> {
        let mut slots = Vec::new();
        if let Some(panel) = Places::new(body).panel {
            slots.extend(shared.selected.map(|image| Slot::new(image, panel.picture)));
            let nearest = self.nearest.iter().enumerate();
            slots.extend(nearest.map(|(at, row)| Slot::new(row.id, panel.parts(at).0)));
        }
        slots.extend(self.tiles.iter().map(|tile| Slot { area: picture_of(tile.area), ..tile.clone() }));
        slots.retain(|slot| slot.row().is_some_and(|row| shared.index.contains(row)));
        slots
    }

    fn wants(&self, shared: &Shared) -> Option<Task> {
        if shared.index.len() < 2 || self.stopped {
            return None;
        }
        self.missing(shared).map(Task::Map)
    }

    fn take(&mut self, _: &Shared, made: Made) {
        match made {
            Made::Mapping(mut mapping) if mapping.method == self.method => {
                // Between two pictures of the way the last one stays.
                let before = self.making.take().and_then(|making| making.so_far);
                mapping.so_far = mapping.so_far.or(before);
                self.making = Some(mapping);
            }
            Made::Map(made) => {
                (self.making, self.anew) = (None, false);
                self.graph = made.graph.or(self.graph.take());
                let place = made.projection.method as usize;
                self.maps[place] = Some(made.projection);
            }
            _ => {}
        }
    }

    fn hint(&self, shared: &Shared, action: Action) -> Option<&'static str> {
        let is_useful = match action {
            Action::Filter => true,
            Action::Letters => !shared.labels().is_empty() && self.has_bare_points(shared),
            Action::Thumbnails => !self.tiles.is_empty() || !self.thumbnails,
            Action::OpenPair | Action::Why => !self.nearest.is_empty(),
            _ => self.shown().is_some(),
        };
        is_useful.then(|| action.hint())
    }

    fn refresh(&mut self, shared: &mut Shared, body: Area) {
        if shared.index.len() < 2 {
            (self.maps, self.making, self.unfinished) = (Default::default(), None, None);
        }
        match shared.current_comparison() {
            Some(found) => {
                let known =
                    |(of, metric): &(Arc<Comparison>, Metric)| Arc::ptr_eq(of, found) && *metric == shared.metric;
                if !self.nearest_of.as_ref().is_some_and(known) {
                    self.nearest = found.nearest(shared.metric, 3);
                    self.nearest_of = Some((Arc::clone(found), shared.metric));
                }
            }
            None => (self.nearest, self.nearest_of) = (Vec::new(), None),
        }
        self.nearest.retain(|row| shared.index.contains(row.id));
        let Some(map) = self.shown().cloned() else {
            (self.raster, self.raster_of, self.tiles) = (Raster::default(), None, Vec::new());
            (self.middles, self.middles_of) = (Vec::new(), None);
            return;
        };
        let area = Places::new(body).plot;
        self.look_at_wanted(area);
        let mut plot = Plot::new(&map, self.view, area);
        // The map follows the cursor when that moves out of it; where the user has moved the map, it stays.
        let moved = std::mem::replace(&mut self.followed, shared.selected) != shared.selected;
        let point = shared.selected.filter(|_| moved && self.view.zoom > 1.0).and_then(|id| map.point(id));
        if let Some(center) = point.and_then(|point| plot.following(point)) {
            self.view.center = Some(center);
            plot = Plot::new(&map, self.view, area);
        }
        let drawn = Drawn {
            map: Arc::clone(&map),
            made_of: shared.index.state(),
            folders: shared.folder_labels.len(),
            made: shared.coloring_labels().cloned(),
            narrowed_at: shared.narrowings,
        };
        if self.middles_of.as_ref() != Some(&drawn) {
            self.middles = plot::middles(&map, &|id| shared.is_listed(id), shared.labels());
            self.middles_of = Some(drawn.clone());
        }
        let of = Some((drawn, plot));
        if self.raster_of != of {
            self.raster = Raster::new(&map, &shared.index, shared.labels(), &|id| shared.admits(id), &plot);
            self.raster_of = of;
        }
        self.tiles = self.lay_out_tiles(shared, &plot, &map);
    }
}
