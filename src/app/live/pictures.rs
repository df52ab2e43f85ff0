//! The pictures on the screen: which are wanted, with which faces, and which are kept.

use std::path::{Path, PathBuf};

use super::{Effect, Framed, Live, Places, SMALL};
use crate::preview::frames::Framing;

/// Small pictures of sightings that are remembered, and large ones of the gallery.
const PICTURED: usize = 32;

/// A picture on the screen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Picture {
    /// The newest frame.
    Now,
    /// A picture of the gallery.
    Enrolled(PathBuf),
    /// The first frame of a sighting, or the face in it: the number of the frame, and which of its regions.
    Sighting(u64, usize),
}

impl Live {
    /// The faces of what was seen last.
    #[must_use]
    pub fn framing(&self) -> Framing {
        let Some((seen, _)) = &self.seen else { return Framing::default() };
        let faces: Vec<_> = seen.regions.iter().filter_map(|region| region.face).collect();
        Framing { meant: self.shown_at().filter(|at| *at < faces.len()), faces }
    }

    /// Asks for the pictures that are not there for the cells that they have.
    pub(super) fn ask_for_pictures(&mut self, effects: &mut Vec<Effect>) {
        let places = Places::new(self.setup.display.size);
        let newest = self.log.len().saturating_sub(PICTURED);
        let sightings: Vec<_> = self.log.iter().skip(newest).map(|one| (one.number, one.region)).collect();
        // One that comes and goes need not be decoded each time; a whole gallery is not kept.
        let enrolled = self.pictures.keys().filter(|picture| matches!(picture, Picture::Enrolled(_))).count();
        let current = self.match_path().map(Path::to_owned);
        self.pictures.retain(|picture, _| match picture {
            Picture::Now => true,
            Picture::Sighting(number, region) => sightings.contains(&(*number, *region)),
            Picture::Enrolled(path) => enrolled <= PICTURED || Some(path) == current.as_ref(),
        });
        let mut wanted = Vec::new();
        let framing = self.framing();
        // Where nothing moves any more, another choice of a face, the mirror and another size are still shown.
        let wish = Framed { faces: framing.clone(), is_mirrored: self.is_mirrored };
        let as_wished = self.framed == wish;
        let fits = self.pictures.get(&Picture::Now).is_some_and(|(made_for, _)| *made_for == places.now.cells());
        if (!self.is_paused && !self.has_ended) || !as_wished || !fits {
            wanted.push((Picture::Now, places.now.cells(), framing));
        }
        if let Some(path) = current {
            wanted.push((Picture::Enrolled(path), places.found.cells(), Framing::default()));
        }
        let current = self.seen.as_ref().map(|(seen, _)| seen.number);
        for last in self.log.iter().rev().take_while(|last| Some(last.number) == current) {
            let faces = Framing { faces: last.face.into_iter().collect(), meant: None };
            wanted.push((Picture::Sighting(last.number, last.region), SMALL, faces));
        }
        for (picture, cells, faces) in wanted {
            let is_there = self.pictures.get(&picture).is_some_and(|(made_for, _)| *made_for == cells);
            // Of the newest frame only the last wish counts.
            let is_other = picture == Picture::Now && !as_wished;
            let asked = self.asked.get(&picture) == Some(&cells) && !is_other;
            if cells.0 > 1 && cells.1 > 0 && !asked && (!is_there || picture == Picture::Now) {
                self.asked.insert(picture.clone(), cells);
                if picture == Picture::Now {
                    self.framed = wish.clone();
                }
                effects.push(Effect::Paint(picture, cells, faces));
            }
        }
    }
}
