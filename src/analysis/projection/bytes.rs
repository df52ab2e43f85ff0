//! A map as bytes, to be kept beside the rows it was made of. Ids differ between runs, so it names rows by numbers that the
//! caller knows them by, and a checksum tells a file that was cut short or rotted.
//!
//! A signature, which changes with whatever would make another map of the same pictures; the method; the explained variance; the recall
//! of an approximate graph (else no number); neighbors, sample, trustworthiness and continuity of the quality; the number of rows; then for each row its number and
//! its point; at the end the CRC-32 of all before. Words of 32 bits, little-endian throughout; 0 neighbors stand for an
//! unknown quality and no number for an unknown variance.

use super::{Method, Projection, Quality};
use crate::{
    index::{ImageId, Index},
    similarity::{Accuracy, words},
};

const SIGNATURE: u32 = u32::from_le_bytes(*b"lkm2");

impl Projection {
    /// The map as bytes, without the pictures that were only placed by their neighbors. `row` gives the number that a
    /// picture's row has for good; pictures without one are left out.
    #[must_use]
    pub fn to_bytes(&self, row: impl Fn(ImageId) -> Option<u32>) -> Vec<u8> {
        let made = self.points().filter(|(id, _)| self.placed.binary_search(id).is_err());
        let rows: Vec<_> = made.filter_map(|(id, point)| Some((row(id)?, point))).collect();
        let method = Method::ALL.iter().position(|method| *method == self.method).unwrap_or_default();
        let quality = self.quality.map_or([0; 4], |quality| {
            let shares = [quality.trustworthiness, quality.continuity].map(f32::to_bits);
            [quality.neighbors as u32, quality.sample as u32, shares[0], shares[1]]
        });
        let shares = [self.explained, self.accuracy.recall()].map(|share| share.unwrap_or(f32::NAN).to_bits());
        let head = [SIGNATURE, method as u32, shares[0], shares[1]];
        let body = rows.iter().flat_map(|(row, point)| [*row, point[0].to_bits(), point[1].to_bits()]);
        let all = head.into_iter().chain(quality).chain([rows.len() as u32]).chain(body);
        words::to_bytes(all)
    }

    /// The map that [`Projection::to_bytes`] wrote, for an index that holds the same rows. `id` gives the picture of a row
    /// now; rows that have none have no point. `None` for bytes that are no whole map by this method.
    #[must_use]
    pub fn from_bytes(
        bytes: &[u8],
        method: Method,
        index: &Index,
        id: impl Fn(u32) -> Option<ImageId>,
    ) -> Option<Self> {
        let words = words::from_bytes(bytes)?;
        let ([SIGNATURE, written, explained, recall, neighbors, sample, trustworthiness, continuity, rows], points) =
            words.split_first_chunk()?
        else {
            return None;
        };
        let (points, odd) = points.as_chunks::<3>();
        let whole = odd.is_empty() && points.len() == *rows as usize;
        if !whole || Method::ALL.get(*written as usize) != Some(&method) {
            return None;
        }
        let quality = (*neighbors > 0).then(|| Quality {
            neighbors: *neighbors as usize,
            sample: *sample as usize,
            trustworthiness: f32::from_bits(*trustworthiness),
            continuity: f32::from_bits(*continuity),
        });
        let [explained, recall] =
            [explained, recall].map(|share| Some(f32::from_bits(*share)).filter(|share| !share.is_nan()));
        let mut map = Self {
            method,
            quality,
            explained,
            accuracy: recall.map_or(Accuracy::Exact, |recall| Accuracy::Approximate { recall }),
            points: vec![[f32::NAN; 2]; index.id_bound()],
            placed: Vec::new(),
            made_of: index.state(),
        };
        for [row, x, y] in points {
            if let Some(id) = id(*row).filter(|id| index.contains(*id)) {
                map.points[id.at()] = [f32::from_bits(*x), f32::from_bits(*y)];
            }
        }
        Some(map)
    }
}
