//! The screens' rooms: one line each.

pub mod alike;
pub mod browse;
pub mod groups;
pub mod heatmap;
pub mod map;
pub mod labels;
pub mod models;
pub mod neighbors;
pub mod outliers;
pub mod problems;

use self::{
    alike::Alike, browse::Browse, groups::Groups, heatmap::Heatmap, labels::Labels, map::Map, models::Models,
    neighbors::Neighbors, outliers::Outliers, problems::Problems,
};
use super::{action::Screen, room::Room};

/// All rooms.
#[derive(Default)]
pub struct Screens {
    /// The grid of thumbnails.
    pub browse: Browse,
    /// The pairwise table.
    pub heatmap: Heatmap,
    /// The selected picture's ranking.
    pub neighbors: Neighbors,
    /// Groups of look-alikes.
    pub alike: Alike,
    /// Every picture a point.
    pub map: Map,
    /// What belongs together.
    pub groups: Groups,
    /// What does not belong.
    pub outliers: Outliers,
    /// How well labels can be told apart.
    pub labels: Labels,
    /// Another model beside this one.
    pub models: Models,
    /// What could not be read.
    pub problems: Problems,
}

impl Screens {
    /// The room of a screen.
    #[must_use]
    pub fn get(&self, screen: Screen) -> &dyn Room {
        match screen {
            Screen::Browse => &self.browse,
            Screen::Heatmap => &self.heatmap,
            Screen::Neighbors => &self.neighbors,
            Screen::Alike => &self.alike,
            Screen::Map => &self.map,
            Screen::Groups => &self.groups,
            Screen::Outliers => &self.outliers,
            Screen::Labels => &self.labels,
            Screen::Models => &self.models,
            Screen::Problems => &self.problems,
        }
    }

    /// The room of a screen, to be changed.
    pub fn at(&mut self, screen: Screen) -> &mut dyn Room {
        match screen {
            Screen::Browse => &mut self.browse,
            Screen::Heatmap => &mut self.heatmap,
            Screen::Neighbors => &mut self.neighbors,
            Screen::Alike => &mut self.alike,
            Screen::Map => &mut self.map,
            Screen::Groups => &mut self.groups,
            Screen::Outliers => &mut self.outliers,
            Screen::Labels => &mut self.labels,
            Screen::Models => &mut self.models,
            Screen::Problems => &mut self.problems,
        }
    }
}
