//! Cosine similarity and euclidean distance over an [`Index`](crate::index::Index): exact, and never N×N.

mod blocks;
mod dendrogram;
pub mod graph;
pub mod heatmap;
mod kernel;
pub mod neighbors;
mod row_order;
pub mod seriation;
pub mod words;

use std::cmp::Ordering;

pub use dendrogram::{Dendrogram, Merge};
pub use graph::{Accuracy, Graph};
pub use heatmap::{Block, Extremes, Partition, View, Window, window};
pub use neighbors::{Comparison, Neighbor, Query, combined, compare, compare_with, pair_value};
pub use row_order::{RowCluster, RowOrder};

/// How two embeddings are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, clap::ValueEnum)]
pub enum Metric {
    /// Cosine similarity, a·b / (‖a‖‖b‖), in [−1, 1]; larger is more alike. Cosine with a zero vector is 0, as in scikit-learn.
    #[default]
    Cosine,
    /// Euclidean distance ‖a − b‖ of the raw embeddings, ≥ 0; smaller is more alike.
    Euclidean,
}

/// A part of some work that needs no other part.
pub type WorkItem<'a> = Box<dyn FnOnce() + Send + 'a>;

/// Does work items, in any order or all at once, and returns when all are done: threads are not started here.
/// What comes out does not depend on how they are done.
pub type Executor<'a> = &'a dyn Fn(Vec<WorkItem<'_>>);

/// Does work items one after the other, on this thread.
pub fn sequential(items: Vec<WorkItem<'_>>) {
    items.into_iter().for_each(|item| item());
}

/// Does the same work on each item, one work item each. The results come in the order of the items.
pub(crate) fn map_parallel<T: Send, R: Send>(
    executor: Executor<'_>,
    items: impl Iterator<Item = T>,
    work: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let (items, work) = (items.collect::<Vec<_>>(), &work);
    let mut results: Vec<Option<R>> = items.iter().map(|_| None).collect();
    let mut queue: Vec<WorkItem<'_>> = Vec::with_capacity(items.len());
    for (item, result) in items.into_iter().zip(&mut results) {
        queue.push(Box::new(move || *result = Some(work(item))));
    }
    executor(queue);
    results.into_iter().flatten().collect()
}

impl Metric {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Cosine, Self::Euclidean];

    /// The other one.
    #[must_use]
    pub fn toggled(self) -> Self {
        match self {
            Self::Cosine => Self::Euclidean,
            Self::Euclidean => Self::Cosine,
        }
    }

    /// The name used on screens, in JSON and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::Euclidean => "euclidean",
        }
    }

    /// The value of an image with itself: exactly 1 or 0.
    #[must_use]
    pub fn self_value(self) -> f32 {
        match self {
            Self::Cosine => 1.0,
            Self::Euclidean => 0.0,
        }
    }

    /// Where a value stands between the two ends of a color ramp: 1 is the most alike end, for both metrics.
    #[must_use]
    pub fn likeness(self, value: f32, (low, high): (f32, f32)) -> f32 {
        let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
        match self {
            Self::Cosine => share,
            Self::Euclidean => 1.0 - share,
        }
    }

    /// Orders two values of this metric, the more alike first; NaN (a removed image) last.
    #[must_use]
    pub fn nearer(self, a: f32, b: f32) -> Ordering {
        match (a.is_nan(), b.is_nan()) {
            (false, false) => match self {
                Self::Cosine => b.total_cmp(&a),
                Self::Euclidean => a.total_cmp(&b),
            },
            (a, b) => a.cmp(&b),
        }
    }
}
