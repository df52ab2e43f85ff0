//! Before the walk: the rows of the store are put into the index, and made findable by path.

use std::sync::Arc;

use super::Folder;
use crate::{
    cancel::CancelToken,
    error::Result,
    index::{
        ImageId, Index,
        store::{self, Change, Loaded, Opened, RowState},
    },
    pipeline::{known::Known, row_map::RowMap},
    printable::printable,
    scan::Options,
    text,
};

impl Folder {
    /// Takes the store as it is now and puts the rows that are new since the last time into the index.
    pub(in crate::pipeline) fn load_new_rows(
        &mut self,
        opened: Opened,
        index: &mut Index,
        options: &Options,
    ) -> Result<()> {
        self.other_writer = matches!(opened, Opened::Reader(_));
        let (Opened::Writer(mut store) | Opened::Reader(Some(mut store)) | Opened::ReadOnly(mut store, _)) = opened
        else {
            return Ok(());
        };
        let compacted = self.store.as_ref().is_some_and(|before| before.generation() != store.generation());
        if compacted {
            // All rows have other numbers now, which happens when another process takes over the store in between.
            self.row_map.iter().for_each(|(id, _)| index.remove(id));
            self.row_map = RowMap::default();
            self.not_indexed.clear();
            self.known = Known::default();
        }
        let first = self.row_map.end();
        self.as_loaded = first == 0 && store.is_writer();
        if !self.other_writer {
            self.catch_up(&store.states(first)?, index, options);
            self.failures = store.failures()?.into_iter().map(|f| (f.file.path.clone(), f)).collect();
        }
        let loaded = store.load(first)?;
        self.store = Some(store);
        self.append(loaded, index, options);
        Ok(())
    }

    /// Takes over what became of rows that this process saw arrive while another one wrote.
    fn catch_up(&mut self, states: &[RowState], index: &mut Index, options: &Options) {
        let changed = |&(id, was): &(ImageId, RowState)| {
            let now = self.row_map.row_of(id).map(|row| states[row as usize]);
            // Whether a record can be read its state does not say.
            now.is_some_and(|now| now != was && (was != RowState::Damaged || now == RowState::Vacant))
        };
        let changed: Vec<_> = self.row_map.iter().filter(changed).map(|(id, _)| id).collect();
        for id in changed {
            let Some(now) = self.row_map.row_of(id).map(|row| states[row as usize]) else { continue };
            let admitted = || index.entry_even_if_removed(id).is_some_and(|entry| options.admits(entry.relative()));
            match now {
                RowState::Present if admitted() => index.restore(id),
                RowState::Present => {}
                _ => index.remove(id),
            }
            self.row_map.set(id, now);
        }
    }

    fn append(&mut self, loaded: Loaded, index: &mut Index, options: &Options) {
        let Loaded { segment, states, sums, first } = loaded;
        if segment.images.is_empty() {
            return;
        }
        let segment = Arc::new(segment);
        let id = ImageId(index.id_bound() as u32);
        if !index.push(Arc::clone(&segment)) {
            return;
        }
        for (at, state) in states.iter().enumerate() {
            if *state == RowState::Present && !options.admits(segment.images.relative(at)) {
                index.remove(ImageId(id.0 + at as u32));
            }
        }
        self.row_map.push(first, id, states);
        self.not_indexed.push((id, segment, sums));
    }

    /// Makes rows findable by path, apart from those whose embeddings are not any more what was written: they are as if
    /// they had never been. Apart from [`Self::load_new_rows`], so that it does not hold up the first snapshot.
    pub(in crate::pipeline) fn index_paths(&mut self, index: &mut Index, cancel: &CancelToken) -> Option<String> {
        let mut damaged = Vec::new();
        for (first, segment, sums) in std::mem::take(&mut self.not_indexed) {
            self.known.reserve(segment.images.len(), index);
            let mut at = 0;
            while at < segment.images.len() && !cancel.is_cancelled() {
                // The faces of a picture stay or go together.
                let rows = segment.images.of_one_picture(at);
                let id = ImageId(first.0 + at as u32);
                at = rows.end;
                let state = |row: usize| self.row_map.state(ImageId(first.0 + row as u32));
                if rows.clone().all(|row| state(row) == RowState::Vacant) {
                    continue;
                }
                if !store::is_whole(&segment, rows, &sums, state) {
                    damaged.extend(index.of_one_picture(id).filter_map(|id| self.row_map.row_of(id)));
                    self.vacate(id, index);
                } else if let Some(before) = self.known.insert(id, index) {
                    self.vacate(before, index);
                }
            }
            // Not where damage was found that stays on record, as below.
            let is_looked_at = self.as_loaded && !cancel.is_cancelled();
            if let (true, Some(states), Some(store)) = (is_looked_at, self.row_map.whole(), &mut self.store)
                && store.columns_are_stale().unwrap_or(false)
            {
                // Without one the next start takes longer, which is not worth a word.
                let _ = store.write_columns(&segment, states, &sums);
            }
        }
        if cancel.is_cancelled() {
            // What is damaged the next run finds too, when it has looked at all.
            return None;
        }
        let (first, lost) = (damaged.first()?, damaged.len());
        let folder = printable(&self.root);
        let note = format!(
            "{} of {folder} (row {first}{}) were damaged on the disk and are computed again",
            text::counted(lost, "embedding"),
            if lost > 1 { " and others" } else { "" },
        );
        self.write(&Change { damaged: &damaged, ..Change::default() }, index).or(Some(note))
    }
}
