//! What was seen before: frames in a row with one answer are one line.

use super::{Live, Seen};
use crate::{face::Face, similarity::Metric};

/// Sightings that are remembered.
const LOGGED: usize = 500;

/// Frames in a row with the same answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting {
    /// The number of the first frame.
    pub number: u64,
    /// Which of the frame's regions.
    pub region: usize,
    /// Where the face is in that frame, if it is one.
    pub face: Option<Face>,
    /// When it began, and when it was seen last.
    pub times: [String; 2],
    /// The name; nothing when it is unknown.
    pub name: Option<String>,
    /// The most alike value.
    pub value: Option<f32>,
    /// The metric of the value.
    pub metric: Metric,
    /// How many frames there were.
    pub frames: usize,
}

impl Live {
    /// Takes over what is in a frame, and writes it down.
    pub(super) fn take_seen(&mut self, seen: Seen) {
        let identities = self.setup.enrolled.gallery.identify(&seen.regions, &self.criterion());
        let before = self.seen.as_ref().map_or(0, |(before, _)| before.regions.len());
        // Who comes or goes changes the places of all.
        self.chosen = self.chosen.filter(|_| before == seen.regions.len());
        let mut gone_on = Vec::new();
        // Lines of the frame before, which the new ones come after.
        let recent = self.log.len().saturating_sub(before.max(identities.len()));
        for (region, identity) in identities.iter().enumerate() {
            let gallery = &self.setup.enrolled.gallery;
            let name = identity.best.filter(|_| identity.is_known).map(|best| gallery.name(best.name).to_owned());
            let value = identity.best.map(|best| best.value);
            let metric = self.setup.metric;
            // Several regions have lines of their own, which go on as long as each is seen.
            let goes_on = self
                .log
                .iter_mut()
                .enumerate()
                .skip(recent)
                .rev()
                .find(|(at, last)| last.name == name && !gone_on.contains(at));
            if let Some((at, last)) = goes_on {
                gone_on.push(at);
                last.frames += 1;
                last.times[1].clone_from(&seen.time);
                let before = last.value.filter(|_| last.metric == metric);
                last.metric = metric;
                last.value = match (before, value) {
                    (Some(a), Some(b)) => Some(if metric.nearer(a, b).is_le() { a } else { b }),
                    (a, b) => a.or(b),
                };
            } else {
                let times = [seen.time.clone(), seen.time.clone()];
                let (number, face) = (seen.number, seen.regions[region].face);
                gone_on.push(self.log.len());
                self.log.push_back(Sighting { number, region, face, times, name, value, metric, frames: 1 });
            }
        }
        while self.log.len() > LOGGED {
            self.log.pop_front();
        }
        self.seen = Some((seen, identities));
    }
}
