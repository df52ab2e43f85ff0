//! Numbers about two models on the same pictures.

use std::{collections::HashMap, fmt, sync::Arc};

use crate::{
    analysis::comparison::{ModelComparison, Pairing},
    index::{ImageId, Index, IndexState},
    similarity::{Executor, RowOrder},
};

/// Who draws the samples of the bootstrap.
const SEED: u64 = 1;

/// The index that another model made.
#[derive(Clone)]
pub struct OtherIndex(pub Arc<Index>);

/// Equal when they are of one run and in one state.
impl PartialEq for OtherIndex {
    fn eq(&self, other: &Self) -> bool {
        self.0.state() == other.0.state()
    }
}

impl fmt::Debug for OtherIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OtherIndex({})", self.0.len())
    }
}

/// Two models side by side.
pub struct SideBySide {
    /// The other model's index.
    pub other: Arc<Index>,
    /// What can be said of the two.
    pub comparison: ModelComparison,
    /// The rows of the heatmap by each model: the same pictures in the same order.
    pub rows: [RowOrder; 2],
    /// The ids of the other index by ours.
    pub second: HashMap<ImageId, ImageId>,
    /// Our ids by those of the other index.
    pub first: HashMap<ImageId, ImageId>,
    /// The state of our index that it was made of.
    pub made_of: IndexState,
    /// Its [`Index::id_bound`].
    pub id_bound: usize,
}

impl SideBySide {
    /// Compares them; `None` when it was superseded.
    #[must_use]
    pub fn of(
        index: &Index,
        other: &Arc<Index>,
        executor: Executor<'_>,
        superseded: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(f64),
    ) -> Option<Self> {
        let pairing = Pairing::by_path(index, other);
        let ids = |side: usize| pairing.pairs.iter().map(|pair| if side == 0 { pair.0 } else { pair.1 }).collect();
        let rows = [RowOrder::new(index, ids(0), executor), RowOrder::new(other, ids(1), executor)];
        let second = pairing.to_second();
        let first = second.iter().map(|(ours, theirs)| (*theirs, *ours)).collect();
        let (made_of, id_bound) = (index.state(), index.id_bound());
        let comparison = ModelComparison::of((index, other), pairing, SEED, executor, superseded, progress)?;
        Some(Self { other: Arc::clone(other), comparison, rows, second, first, made_of, id_bound })
    }
}
