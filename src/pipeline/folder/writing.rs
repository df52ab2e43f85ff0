//! What is written into the store, and goes into the index with it.

use std::{path::Path, sync::Arc};

use half::f16;

use super::{Compared, Folder};
use crate::{
    cancel::CancelToken,
    error::Error,
    face::Face,
    index::{
        Image, ImageId, Index, Rows, Segment,
        store::{Change, ContentHash, Failure, Loaded, RowState},
    },
    scan::{ImageFile, Skipped},
};

/// Marks that are written in one transaction.
const MARKED_AT_ONCE: usize = 20_000;

/// Rows in portions of about [`MARKED_AT_ONCE`], in none of which a picture is cut apart: whatever happens between two
/// transactions, all faces of a picture share one state.
fn portions<T>(mut rows: &[T], is_first_of_picture: impl Fn(&T) -> bool) -> Vec<&[T]> {
    let mut portions = Vec::new();
    while !rows.is_empty() {
        let cut = rows.iter().enumerate().skip(MARKED_AT_ONCE).find(|(_, row)| is_first_of_picture(row));
        let (portion, rest) = rows.split_at(cut.map_or(rows.len(), |(at, _)| at));
        portions.push(portion);
        rows = rest;
    }
    portions
}

/// An embedded file that is not committed yet.
pub(in crate::pipeline) struct NewPicture {
    pub file: ImageFile,
    pub pixels: (u32, u32),
    pub format: &'static str,
    pub hash: ContentHash,
    /// Its rows: the face of each, if it stands for one, and its embedding.
    pub rows: Vec<(Option<Face>, Vec<f32>)>,
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
        // One that was renamed meanwhile has no row any more.
        let there = compared.missing.iter().filter(|id| self.row_map.state(**id) == RowState::Present);
        for id in there.flat_map(|first| index.of_one_picture(*first)).collect::<Vec<_>>() {
            self.row_map.set(id, RowState::Gone);
            index.remove(id);
            gone.extend(self.row_map.row_of(id));
        }
        let note = self.write(&Change { forgotten: &compared.forgotten, ..Change::default() }, index);
        let is_first = |row: u32| {
            let entry = self.row_map.id_of(row).and_then(|id| index.entry_even_if_removed(id));
            entry.is_none_or(|entry| entry.is_first_of_picture())
        };
        let gone = portions(&gone, |row| is_first(*row));
        let returned = portions(&compared.returned, |present| is_first(present.row));
        let gone = gone.into_iter().map(|gone| Change { gone, ..Change::default() });
        let returned = returned.into_iter().map(|present| Change { present, ..Change::default() });
        // What is not marked because the user leaves is found to be so by the next run.
        let changes = gone.chain(returned).take_while(|_| !cancel.is_cancelled());
        changes.fold(note, |note, change| {
            let said = self.write(&change, index);
            said.or(note)
        })
    }

    pub(in crate::pipeline) fn add(&mut self, picture: NewPicture) {
        self.waiting.push(picture);
    }

    /// Takes note of a file that could not be embedded; on disk too, when trying again would be no use.
    pub(in crate::pipeline) fn fail(&mut self, failure: Failure, lasting: bool, index: &mut Index) {
        if let Some(first) = self.known.find(self.relative(&failure.file.path), index) {
            self.vacate(first, index);
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
        let pictures = std::mem::take(&mut self.waiting);
        let failures = std::mem::take(&mut self.waiting_failures);
        let replacing =
            pictures.iter().map(|picture| &picture.file).chain(failures.iter().map(|failure| &failure.file));
        // By their numbers they are found whatever has become of the database's index of paths.
        let replaced: Vec<_> = replacing.flat_map(|file| self.rows_of_path(&file.path, index)).collect();
        let (mut images, mut hashes, mut embeddings) = (Vec::new(), Vec::new(), Vec::new());
        for NewPicture { file, pixels, format, hash, rows } in pictures {
            for (face, embedding) in rows {
                images.push(Image { file: file.clone(), pixels, format, face });
                hashes.push(hash);
                embeddings.push(embedding);
            }
        }
        let segment = Arc::new(Segment::pack(Arc::clone(&self.root), images, &embeddings, index.dim()));
        let change =
            Change { rows: Some((&segment, &hashes)), failed: &failures, deleted: &replaced, ..Change::default() };
        let (first_row, note) = self.keep(&change, index);
        let first_id = ImageId(index.id_bound() as u32);
        if !segment.images.is_empty() && index.push(Arc::clone(&segment)) {
            if let Some(first_row) = first_row {
                self.row_map.push(first_row, first_id, vec![RowState::Present; segment.images.len()]);
            }
            for id in (first_id.0..).map(ImageId).take(segment.images.len()) {
                let is_first = index.get(id).is_some_and(|entry| entry.is_first_of_picture());
                if let Some(before) = is_first.then(|| self.known.insert(id, index)).flatten() {
                    self.vacate(before, index);
                }
            }
            self.join_tail(first_row.unwrap_or_default(), segment, index);
        }
        note
    }

    /// The rows that are on record for a file.
    fn rows_of_path(&self, path: &Path, index: &Index) -> Vec<u32> {
        let first = self.known.find(self.relative(path), index);
        let rows = first.into_iter().flat_map(|first| index.of_one_picture(first));
        rows.filter_map(|id| self.row_map.row_of(id)).collect()
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

    /// Commits a change without new rows, if it is any. A sentence when not all went as it should.
    pub(super) fn write(&mut self, change: &Change<'_>, index: &Index) -> Option<String> {
        let nothing = change.gone.is_empty()
            && change.present.is_empty()
            && change.deleted.is_empty()
            && change.damaged.is_empty()
            && change.forgotten.is_empty()
            && change.failed.is_empty()
            && change.skipped.is_none();
        if nothing {
            return None;
        }
        self.keep(change, index).1
    }

    /// Notes how many files the run skipped, which is over.
    pub(in crate::pipeline) fn record_skipped(&mut self, skipped: &[Skipped], index: &Index) -> Option<String> {
        let here =
            skipped.iter().filter(|skipped| !skipped.has_no_face() && skipped.path.starts_with(&self.root)).count();
        self.write(&Change { skipped: Some(here as u32), ..Change::default() }, index)
    }

    /// Writes the columnar copy when many records have changed, so that the next run starts at once. A sentence when the
    /// records turn out to be damaged.
    pub(in crate::pipeline) fn write_columns(&mut self, index: &Index) -> Option<String> {
        let store = self.store.as_mut().filter(|store| store.columns_are_stale().unwrap_or(false))?;
        let written = store
            .load(0)
            .and_then(|Loaded { segment, states, sums, .. }| store.write_columns(&segment, &states, &sums));
        match written {
            Err(damaged @ Error::DamagedStore { .. }) => Some(self.recover(&damaged, index)),
            // See `index_paths`.
            _ => None,
        }
    }
}
