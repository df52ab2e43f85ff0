//! A graph as bytes, to be kept beside the rows it was made of. Ids differ between runs, so it names rows by numbers that
//! the caller knows them by, and a checksum tells a file that was cut short or rotted.
//!
//! A signature, the metric, k, the recall of an approximate graph (else no number) and the number of rows, all of 32 bits; then for each row its number, how many neighbors it
//! has, and their numbers and values; at the end the CRC-32 of all before. Little-endian throughout.

use super::{Accuracy, Edge, Graph};
use crate::{
    index::{ImageId, Index},
    similarity::{Metric, words},
};

const SIGNATURE: u32 = u32::from_le_bytes(*b"lkg2");

impl Graph {
    /// The graph as bytes. `row` gives the number that a picture's row has for good; pictures without one are left out,
    /// and with them the rows that they are neighbors of.
    #[must_use]
    pub fn to_bytes(&self, row: impl Fn(ImageId) -> Option<u32>) -> Vec<u8> {
        let metric = Metric::ALL.iter().position(|metric| *metric == self.metric).unwrap_or_default();
        let (mut body, mut rows) = (Vec::new(), 0_u32);
        for id in (0..self.id_bound() as u32).map(ImageId).filter(|id| self.contains(*id)) {
            let edges = self.neighbors(id).iter().map(|edge| Some((row(edge.id)?, edge.value)));
            if let (Some(own), Some(edges)) = (row(id), edges.collect::<Option<Vec<_>>>()) {
                rows += 1;
                body.extend([own, edges.len() as u32]);
                body.extend(edges.iter().flat_map(|(to, value)| [*to, value.to_bits()]));
            }
        }
        let recall = self.accuracy.recall().unwrap_or(f32::NAN);
        let head = [SIGNATURE, metric as u32, self.k as u32, recall.to_bits(), rows];
        words::to_bytes(head.into_iter().chain(body))
    }

    /// The graph that [`Graph::to_bytes`] wrote, for an index that holds the same rows. `id` gives the picture of a row
    /// now; rows that have none, and those that they are neighbors of, are missing, so that
    /// [`extend`](Graph::extend) finds them anew. `None` for bytes that are no whole graph of this metric.
    #[must_use]
    pub fn from_bytes(
        bytes: &[u8],
        metric: Metric,
        index: &Index,
        id: impl Fn(u32) -> Option<ImageId>,
    ) -> Option<Self> {
        let mut words = words::from_bytes(bytes)?.into_iter();
        let head = [words.next()?, words.next()?, words.next()?, words.next()?, words.next()?];
        let [SIGNATURE, written, k, recall, rows] = head else { return None };
        let mut graph = Self::empty(*Metric::ALL.get(written as usize)?, k as usize);
        if graph.metric != metric || graph.k != k as usize {
            return None;
        }
        let recall = f32::from_bits(recall);
        graph.accuracy = if recall.is_nan() { Accuracy::Exact } else { Accuracy::Approximate { recall } };
        graph = graph.still_right(index);
        for _ in 0..rows {
            let (own, count) = (words.next()?, words.next()? as usize);
            if count > graph.k {
                return None;
            }
            let mut edges = Some(Vec::with_capacity(count));
            for _ in 0..count {
                let (to, value) = (words.next()?, f32::from_bits(words.next()?));
                edges = edges.zip(id(to).filter(|id| index.contains(*id))).map(|(mut edges, id)| {
                    edges.push(Edge { id, value });
                    edges
                });
            }
            if let (Some(own), Some(mut edges)) = (id(own).filter(|own| index.contains(*own)), edges) {
                // Ids may come in another order than the rows.
                edges.sort_unstable_by(|a, b| a.order(b, metric));
                graph.set(own, &edges);
            }
        }
        words.next().is_none().then_some(graph)
    }
}
