//! What is written into the store, and goes into the index with it.

use std::sync::Arc;

use half::f16;

use super::{Compared, Folder};
use crate::{
    cancel::CancelToken,
    error::Error,
    index::{
        Image, ImageId, Index, Rows, Segment,
        store::{Change, ContentHash, Failure, Loaded, RowState},
    },
    scan::{ImageFile, Skipped},
};

/// Marks that are written in one transaction.
const MARKED_AT_ONCE: usize = 20_000;

/// An embedded file that is not committed yet.
pub(in crate::pipeline) struct NewRow {
    pub file: ImageFile,
    pub pixels: (u32, u32),
    pub format: &'static str,
    pub hash: ContentHash,
    pub embedding: Vec<f32>,
}

impl Folder {
    /// Takes missing files out of the index and notes on disk which files went and which came back.
    pub(in crate::pipeline) fn record_presence(
        &mut self,
        compared: &Compared,
        index: &mut Index,
        cancel: &CancelToken,
    ) -> Option<String> {
        let mut gone = Vec::new();
        for id in &compared.missing {
            // One that was renamed meanwhile has no row any more.
            if self.row_map.state(*id) == RowState::Present {
                self.row_map.set(*id, RowState::Gone);
                index.remove(*id);
                gone.extend(self.row_map.row_of(*id));
            }
        }
        let note = self.write(&Change { forgotten: &compared.forgotten, ..Change::default() });
        let gone = gone.chunks(MARKED_AT_ONCE).map(|gone| Change { gone, ..Change::default() });
        let returned = compared.returned.chunks(MARKED_AT_ONCE);
        let returned = returned.map(|present| Change { present, ..Change::default() });
        // What is not marked because the user leaves is found to be so by the next run.
        let changes = gone.chain(returned).take_while(|_| !cancel.is_cancelled());
        changes.fold(note, |note, change| note.or_else(|| self.write(&change)))
    }

    pub(in crate::pipeline) fn add(&mut self, row: NewRow) {
        self.waiting.push(row);
    }

    /// Takes note of a file that could not be embedded; on disk too, when trying again would be no use.
    pub(in crate::pipeline) fn fail(&mut self, failure: Failure, lasting: bool, index: &mut Index) {
        if let Some(id) = self.known.find(self.relative(&failure.file.path), index) {
            index.remove(id);
            self.row_map.set(id, RowState::Vacant);
        }
        if lasting {
            self.waiting_failures.push(failure);
        }
    }

    /// Files that wait for their transaction.
    pub(in crate::pipeline) fn waiting(&self) -> usize {
        self.waiting.len() + self.waiting_failures.len()
    }

    /// Commits what waits, then puts it into the index. A sentence when it can only be kept in memory.
    pub(in crate::pipeline) fn commit(&mut self, index: &mut Index) -> Option<String> {
        if self.waiting() == 0 {
            return None;
        }
        let rows = std::mem::take(&mut self.waiting);
        let failures = std::mem::take(&mut self.waiting_failures);
        let (mut images, mut hashes, mut embeddings) = (Vec::new(), Vec::new(), Vec::new());
        for NewRow { file, pixels, format, hash, embedding } in rows {
            images.push(Image { file, pixels, format });
            hashes.push(hash);
            embeddings.push(embedding);
        }
        let segment = Arc::new(Segment::pack(Arc::clone(&self.root), images, &embeddings, index.dim()));
        let change = Change { rows: Some((&segment, &hashes)), failed: &failures, ..Change::default() };
        let (first_row, note) = match self.writer().map(|store| store.commit(&change)) {
            Some(Ok(row)) => (Some(row), None),
            Some(Err(error)) => (None, Some(self.give_up(&error))),
            None => (None, None),
        };
        let first_id = ImageId(index.id_bound() as u32);
        if !segment.images.is_empty() && index.push(Arc::clone(&segment)) {
            if let Some(first_row) = first_row {
                self.row_map.push(first_row, first_id, vec![RowState::Present; segment.images.len()]);
            }
            for id in (first_id.0..).map(ImageId).take(segment.images.len()) {
                if let Some(before) = self.known.insert(id, index) {
                    index.remove(before);
                    self.row_map.set(before, RowState::Vacant);
                }
            }
            self.join_tail(first_row.unwrap_or_default(), segment, index);
        }
        note
    }

    /// Joins the segments of this run so that there are few, each about twice as long as the next.
    fn join_tail(&mut self, first_row: u32, segment: Arc<Segment>, index: &mut Index) {
        self.tail.push((first_row, segment));
        while let [.., (row, longer), (_, shorter)] = self.tail.as_slice()
            && longer.images.len() <= 2 * shorter.images.len()
        {
            let neighbors = index.ends_with(longer, shorter);
            let (row, whole) = (*row, Arc::new(self.joined(*row, longer, shorter, index.dim())));
            if !neighbors || !index.join_tail(Arc::clone(&whole)) {
                // Another folder's rows came in between; from here on there is a new tail.
                let last = self.tail.pop();
                self.tail.clear();
                self.tail.extend(last);
                return;
            }
            self.tail.truncate(self.tail.len() - 2);
            self.tail.push((row, whole));
        }
    }

    /// Two segments in one, over the rows on disk where there are some, so that memory does not fill with copies.
    fn joined(&self, first_row: u32, a: &Segment, b: &Segment, dim: usize) -> Segment {
        let len = a.images.len() + b.images.len();
        let mut images = a.images.clone();
        images.append(&b.images);
        let mapped = self
            .store
            .as_ref()
            .filter(|store| store.is_writer())
            .and_then(|store| store.rows(first_row, len as u32).ok());
        let rows = mapped.unwrap_or_else(|| {
            let values: Vec<f16> = [a, b].iter().flat_map(|segment| segment.rows.values()).copied().collect();
            Rows::owned(values, dim)
        });
        Segment {
            root: Arc::clone(&self.root),
            images,
            norms: [a.norms.as_slice(), &b.norms].concat(),
            scales: [a.scales.as_slice(), &b.scales].concat(),
            rows,
            dead: Vec::new(),
        }
    }

    pub(super) fn write(&mut self, change: &Change<'_>) -> Option<String> {
        let nothing = change.gone.is_empty()
            && change.present.is_empty()
            && change.deleted.is_empty()
            && change.forgotten.is_empty()
            && change.failed.is_empty()
            && change.skipped.is_none();
        if nothing {
            return None;
        }
        let failed = self.writer()?.commit(change).err()?;
        Some(self.give_up(&failed))
    }

    /// Goes on without the store. A full disk must not cost the user the view of the images.
    pub(super) fn give_up(&mut self, error: &Error) -> String {
        self.store = None;
        format!("from here on nothing is kept on disk: {error}")
    }

    /// Notes how many files the run skipped, which is over.
    pub(in crate::pipeline) fn record_skipped(&mut self, skipped: &[Skipped]) -> Option<String> {
        let here = skipped.iter().filter(|skipped| skipped.path.starts_with(&self.root)).count();
        self.write(&Change { skipped: Some(here as u32), ..Change::default() })
    }

    /// Writes the columnar copy when many records have changed, so that the next run starts at once.
    pub(in crate::pipeline) fn write_columns(&mut self) {
        let Some(store) = self.store.as_mut().filter(|store| store.columns_are_stale().unwrap_or(false)) else {
            return;
        };
        // See `index_paths`.
        let _ = store
            .load(0)
            .and_then(|Loaded { segment, states, sums, .. }| store.write_columns(&segment, &states, &sums));
    }
}
