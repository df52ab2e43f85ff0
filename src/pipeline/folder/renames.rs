//! After the walk: files that seem new and whose content is known.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use super::{Folder, writing::NewRow};
use crate::{
    cancel::CancelToken,
    decode,
    error::{Error, Result},
    index::{
        ImageId, Index,
        store::{Change, ContentHash, RowState},
    },
    scan::ImageFile,
};

/// Rows that wait in memory while files are found under new names.
const COPY_ROWS: usize = 256;

/// What became of the files that seemed new.
#[derive(Default)]
pub(in crate::pipeline) struct Moved {
    /// Those that are new indeed.
    pub unknown: Vec<ImageFile>,
    pub renamed: usize,
    pub copied: usize,
    /// Only the time of modification had changed.
    pub touched: usize,
    pub note: Option<String>,
}

impl Folder {
    /// Finds files that are known under another path, or whose time alone changed, by their content.
    ///
    /// Only files as large as a known one are read for that.
    pub(in crate::pipeline) fn match_renames(
        &mut self,
        unknown: Vec<ImageFile>,
        missing: &[ImageId],
        index: &mut Index,
        cancel: &CancelToken,
    ) -> Result<Moved> {
        let mut moved = Moved::default();
        let mut touched = Vec::new();
        let mut sources = HashSet::new();
        for file in unknown {
            if cancel.is_cancelled() {
                return Err(Error::Interrupted);
            }
            let same = self.same_content(&file, index).unwrap_or_else(|error| {
                moved.note = Some(self.give_up(&error));
                None
            });
            let Some((id, hash)) = same else {
                moved.unknown.push(file);
                continue;
            };
            let Some(entry) = index.entry_even_if_removed(id) else {
                moved.unknown.push(file);
                continue;
            };
            if entry.path() == file.path {
                index.restore(id);
                touched.extend(self.present(id, &file));
                self.row_map.set(id, RowState::Present);
                moved.touched += 1;
                continue;
            }
            let (pixels, format, embedding) = (entry.pixels(), entry.format(), entry.embedding());
            let was_gone = self.row_map.state(id) == RowState::Gone;
            if (was_gone || missing.binary_search(&id).is_ok()) && sources.insert(id) {
                moved.renamed += usize::from(!was_gone);
                moved.copied += usize::from(was_gone);
            } else {
                moved.copied += 1;
            }
            self.add(NewRow { file, pixels, format, hash, embedding });
            if self.waiting.len() >= COPY_ROWS {
                moved.note = self.commit(index).or(moved.note);
            }
        }
        moved.note = self.commit(index).or(moved.note);
        let mut renamed: Vec<_> = sources.iter().filter_map(|id| self.row_map.row_of(*id)).collect();
        renamed.sort_unstable();
        for id in sources {
            index.remove(id);
            self.row_map.set(id, RowState::Vacant);
        }
        let note = self.write(&Change { present: &touched, deleted: &renamed, ..Change::default() });
        moved.note = moved.note.or(note);
        Ok(moved)
    }

    /// The row whose file had the same content, if there is one; rows of the same path first.
    fn same_content(&self, file: &ImageFile, index: &Index) -> Result<Option<(ImageId, ContentHash)>> {
        let Some(store) = &self.store else { return Ok(None) };
        let candidates = store.rows_of_size(file.size)?;
        if candidates.is_empty() {
            return Ok(None);
        }
        // A file that cannot be read now is reported when it is its turn to be decoded.
        let Ok(bytes) = decode::read(&file.path) else { return Ok(None) };
        let hash: ContentHash = Sha256::digest(&bytes).into();
        let own = self.known.find(self.relative(&file.path), index);
        let mut same =
            candidates.iter().filter(|(_, known)| *known == hash).filter_map(|(row, _)| self.row_map.id_of(*row));
        let mut first = None;
        let found = same.find(|id| {
            first = first.or(Some(*id));
            Some(*id) == own
        });
        Ok(found.or(first).map(|id| (id, hash)))
    }
}
