//! What is done when the store fails in the middle of a run: a damaged one gives its place to a new one, with all that is in
//! memory; without any the run goes on in memory alone.

use std::os::unix::ffi::OsStrExt;

use super::Folder;
use crate::{
    error::{Error, Result},
    index::{
        ImageId, Index,
        store::{self, Change, Numbered, ROWS_AT_ONCE, RowState},
    },
};

impl Folder {
    /// Commits a change if this process may write, into a new store where the old one turns out to be damaged. Returns the
    /// number of the first new row, and a sentence when not all went as it should.
    pub(super) fn keep(&mut self, change: &Change<'_>, index: &Index) -> (Option<u32>, Option<String>) {
        let error = match self.writer().map(|store| store.commit(change)) {
            None => return (None, None),
            Some(Ok(row)) => return (Some(row), None),
            Some(Err(error)) => error,
        };
        let said = self.recover(&error, index);
        match self.writer().map(|store| store.commit(change)) {
            None => (None, Some(said)),
            Some(Ok(row)) => (Some(row), Some(said)),
            Some(Err(error)) => (None, Some(format!("{said}; {}", self.give_up(&error)))),
        }
    }

    /// Goes on after the store failed: in a new one where the old one was damaged, else without. Says so.
    pub(super) fn recover(&mut self, error: &Error, index: &Index) -> String {
        if !matches!(error, Error::DamagedStore { .. }) {
            return self.give_up(error);
        }
        match self.begin_anew(index) {
            Ok(rows) => store::written_anew(error, rows),
            Err(next) => format!("{error}; {}", self.give_up(&next)),
        }
    }

    /// Goes on without the store. A full disk must not cost the user the view of the images.
    fn give_up(&mut self, error: &Error) -> String {
        self.store = None;
        format!("from here on nothing is kept on disk: {error}")
    }

    /// Puts a new store in the place of the damaged one, which was set aside, with all rows that were found to be whole and
    /// what is known of files that could not be embedded. The rows keep their numbers, so that whoever holds some need not know.
    /// Returns how many rows they are.
    fn begin_anew(&mut self, index: &Index) -> Result<usize> {
        let Some(damaged) = self.store.take() else { return Ok(0) };
        let hashes = damaged.content_hashes(self.row_map.end(), |row, path| {
            let entry = self.row_map.id_of(row).and_then(|id| index.entry_even_if_removed(id));
            entry.is_some_and(|entry| entry.relative().as_os_str().as_bytes() == path)
        });
        let failed = damaged.readable_failures();
        let mut store = damaged.anew()?;
        store.commit(&Change { failed: &failed, ..Change::default() })?;
        let state = |row| self.row_map.id_of(row).map_or(RowState::Vacant, |id| self.row_map.state(id));
        let runs = self.whole_rows(index);
        for Numbered { row, id, len } in &runs {
            let Some(segment) = index.piece(*id, *len) else { continue };
            store.put_back(*row, &segment, &hashes[*row as usize..][..*len as usize], state)?;
        }
        store.leave_vacant_before(self.row_map.end());
        self.store = Some(store);
        self.tail.clear();
        Ok(runs.iter().map(|run| run.len as usize).sum())
    }

    /// The rows of this folder that stand for pictures, gone ones among them, and were found to be whole: in pieces of those
    /// that lie together in memory and on record.
    fn whole_rows(&self, index: &Index) -> Vec<Numbered> {
        let mut runs: Vec<Numbered> = Vec::new();
        for (first, segment) in index.segments() {
            let mut at = 0;
            while at < segment.images.len() {
                let picture = segment.images.of_one_picture(at);
                let (id, len) = (ImageId(first.0 + at as u32), (picture.end - at) as u32);
                at = picture.end;
                // What was not looked at yet, is damaged or was replaced is not found by its path.
                let is_whole = self.known.find(segment.images.relative(picture.start), index) == Some(id);
                let is_there = matches!(self.row_map.state(id), RowState::Present | RowState::Gone);
                let Some(row) = self.row_map.row_of(id).filter(|_| is_whole && is_there) else { continue };
                match runs.last_mut() {
                    Some(run)
                        if (run.row + run.len, run.id.0 + run.len) == (row, id.0)
                            && id != first
                            && (run.len as usize) < ROWS_AT_ONCE =>
                    {
                        run.len += len;
                    }
                    _ => runs.push(Numbered { row, id, len }),
                }
            }
        }
        runs
    }
}
