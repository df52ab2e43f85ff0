//! What [`crate::ui`] and the tests read of the state: where things lie on the screen, and what is in them.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    App, Message, ModelInfo, Overlay, Run, Setup,
    action::Screen,
    browse::{Details, Grid, Listing},
    groups::Groups,
    heat::{Heat, Panel, Plot},
    layout::{self, Area, List, Shell},
    previews::Slot,
    prompt::Prompt,
    ranking::{Ranking, Ranks},
};
use crate::{
    index::{ImageId, Index, Skipped, progress::Progress},
    preview::PreviewKey,
    similarity::{Metric, Neighbor},
};

/// What [`crate::ui`] and the tests read.
impl App {
    /// How the terminal is divided.
    #[must_use]
    pub fn shell(&self) -> Shell {
        layout::shell(self.setup.size)
    }

    /// How Browse is divided.
    #[must_use]
    pub fn grid(&self) -> Grid {
        Grid::new(self.shell().body, self.browse.size)
    }

    /// How Heatmap is divided.
    #[must_use]
    pub fn plot(&self) -> Plot {
        Plot::new(self.shell().body, self.heat.len(), self.heat.level, self.setup.depth)
    }

    /// How Neighbors is divided.
    #[must_use]
    pub fn ranks(&self) -> Ranks {
        Ranks::new(self.shell().body)
    }

    /// How Problems is divided.
    #[must_use]
    pub fn list(&self) -> List {
        List::new(self.shell().body)
    }

    /// The pictures on the screen and where they belong, most wanted first.
    #[must_use]
    pub fn slots(&self) -> Vec<Slot> {
        if self.help.is_some() {
            return Vec::new();
        }
        let mut slots = Vec::new();
        let mut add = |image: Option<ImageId>, area: Area| {
            if let Some(image) = image
                && area.width >= 2
                && area.height >= 1
            {
                slots.push(Slot { image, area });
            }
        };
        match (self.overlay, self.screen) {
            (Overlay::Picture(id), _) => add(Some(id), large(self.shell().body)),
            (Overlay::Pair { row, col }, _) => {
                let [left, right] = halves(self.shell().body);
                add(Some(row), left);
                add(Some(col), right);
            }
            (Overlay::None, Screen::Browse) => {
                let grid = self.grid();
                if let Some(details) = grid.details.map(Details::new) {
                    add(self.selected, details.picture);
                    if details.as_pictures {
                        for (at, row) in self.nearest.iter().enumerate() {
                            add(Some(row.id), details.thumb(at));
                        }
                    }
                }
                let first = self.browse.first * grid.columns;
                for at in 0..grid.page() {
                    add(self.browse.ids.get(first + at).copied(), grid.picture(at));
                }
            }
            (Overlay::None, Screen::Heatmap) => {
                if let Some(panel) = self.plot().panel.map(Panel::new)
                    && !self.heat.is_empty()
                {
                    add(self.selected, panel.row);
                    add(self.heat.partner, panel.col);
                }
            }
            (Overlay::None, Screen::Neighbors) => {
                let ranks = self.ranks();
                if let Some(area) = ranks.query_picture() {
                    add(self.selected, area);
                }
                if ranks.thumb > 0 {
                    let visible = self.ranking.rows.iter().skip(self.ranking.first).take(ranks.page());
                    for (at, row) in visible.enumerate() {
                        add(Some(row.id), ranks.picture(at));
                    }
                }
            }
            (Overlay::None, Screen::Problems) => {}
        }
        slots
    }

    /// The tiles of the next page, to be ready when it is turned.
    pub(super) fn upcoming(&self) -> Vec<PreviewKey> {
        if self.screen != Screen::Browse || self.overlay != Overlay::None {
            return Vec::new();
        }
        let grid = self.grid();
        let next = self.browse.first * grid.columns + grid.page();
        let ids = self.browse.ids.iter().skip(next).take(grid.page());
        ids.enumerate().map(|(at, id)| Slot { image: *id, area: grid.picture(at) }.key()).collect()
    }

    /// What the explorer was started with, and the terminal's size now.
    #[must_use]
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// The newest snapshot.
    #[must_use]
    pub fn index(&self) -> &Arc<Index> {
        &self.index
    }

    /// Sub-folders.
    #[must_use]
    pub fn groups(&self) -> &Groups {
        &self.groups
    }

    /// Files that could not be indexed.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// What computes the embeddings.
    #[must_use]
    pub fn model(&self) -> Option<&ModelInfo> {
        self.model.as_ref()
    }

    /// How far the indexing run is.
    #[must_use]
    pub fn progress(&self) -> Option<&Progress> {
        self.progress.as_ref()
    }

    /// Whether it still runs, and how it ended.
    #[must_use]
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// The screen shown.
    #[must_use]
    pub fn screen(&self) -> Screen {
        self.screen
    }

    /// What lies on top of it.
    #[must_use]
    pub fn overlay(&self) -> Overlay {
        self.overlay
    }

    /// The first visible line of the help, when it is open.
    #[must_use]
    pub fn help(&self) -> Option<usize> {
        self.help
    }

    /// The text that is being typed.
    #[must_use]
    pub fn prompt(&self) -> Option<&Prompt> {
        self.prompt.as_ref()
    }

    /// What the status line has to say.
    #[must_use]
    pub fn message(&self) -> Option<&Message> {
        self.message.as_ref()
    }

    /// The metric in use.
    #[must_use]
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// The selected picture.
    #[must_use]
    pub fn selected(&self) -> Option<ImageId> {
        self.selected
    }

    /// The marked pictures.
    #[must_use]
    pub fn marks(&self) -> &BTreeSet<ImageId> {
        &self.marks
    }

    /// The grid's list.
    #[must_use]
    pub fn browse(&self) -> &Listing {
        &self.browse
    }

    /// The heatmap.
    #[must_use]
    pub fn heat(&self) -> &Heat {
        &self.heat
    }

    /// The ranking.
    #[must_use]
    pub fn ranking(&self) -> &Ranking {
        &self.ranking
    }

    /// The three nearest of the selected picture, once it was compared.
    #[must_use]
    pub fn nearest(&self) -> &[Neighbor] {
        &self.nearest
    }

    /// The cursor on the Problems screen, and its first visible row.
    #[must_use]
    pub fn problem(&self) -> (usize, usize) {
        self.problem
    }
}

/// Where one picture lies when it is shown large: all but a line for its name.
#[must_use]
pub fn large(body: Area) -> Area {
    body.off_bottom(u16::from(body.height > 2)).0
}

/// Where two pictures lie side by side: all but two lines for names and a few for values.
#[must_use]
pub fn halves(body: Area) -> [Area; 2] {
    let (pictures, _) = body.off_bottom(if body.height > 8 { 5 } else { 1 });
    let (left, right) = pictures.left(pictures.width / 2);
    [left.inside(1, 0), right.inside(1, 0)]
}
