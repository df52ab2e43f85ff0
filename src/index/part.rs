//! A part of an index as an index of its own.

use std::{path::Path, sync::Arc};

use half::f16;

use super::{Entry, Image, ImageId, Images, Index, Rows, Segment};
use crate::scan::ImageFile;

impl Index {
    /// An index of some pictures alone, copied: the picture at a place of `ids` has that place as its id there. Pictures
    /// that are not in this index are left out, so `ids` should hold none.
    #[must_use]
    pub fn part(&self, ids: &[ImageId]) -> Self {
        let mut part = Self::new(self.dim());
        let entries: Vec<Entry<'_>> = ids.iter().filter_map(|id| self.get(*id)).collect();
        // Pictures of one root that follow on one another are one segment.
        for run in entries.chunk_by(|a, b| a.root == b.root) {
            let root: Arc<Path> = run[0].root.into();
            let values: Vec<f16> = run.iter().flat_map(|entry| entry.row).copied().collect();
            part.push(Arc::new(Segment {
                images: Images::new(&root, run.iter().map(image)),
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

fn image(entry: &Entry<'_>) -> Image {
    let (size, modified, changed) = (entry.size(), entry.modified(), entry.changed());
    Image {
        file: ImageFile { path: entry.path(), size, modified, changed },
        pixels: entry.pixels(),
        format: entry.format(),
    }
}
