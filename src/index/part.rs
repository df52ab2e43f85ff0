//! A part of an index as an index of its own.

use std::{path::Path, sync::Arc};

use half::f16;

use super::{ImageId, Images, Index, Rows, Segment};

impl Index {
    /// An index of some pictures alone, copied: the picture at a place of `ids` has that place as its id there. Pictures
    /// that are not in this index are left out, so `ids` should hold none.
    #[must_use]
    pub fn part(&self, ids: &[ImageId]) -> Self {
        let mut part = Self::of(self.kind(), self.dim());
        let entries: Vec<_> = ids.iter().filter_map(|id| self.get(*id)).collect();
        // Pictures of one root that follow on one another are one segment.
        for run in entries.chunk_by(|a, b| a.root == b.root) {
            let root: Arc<Path> = run[0].root.into();
            let values: Vec<f16> = run.iter().flat_map(|entry| entry.row).copied().collect();
            let mut images = Images::default();
            run.iter().for_each(|entry| images.push_from(entry.images, entry.at));
            part.push(Arc::new(Segment {
                images,
                norms: run.iter().map(|entry| entry.norm).collect(),
                scales: run.iter().map(|entry| entry.scale).collect(),
                rows: Rows::owned(values, self.dim()),
                dead: Vec::new(),
                root,
            }));
        }
        part
    }
}
