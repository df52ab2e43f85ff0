//! After the walk: files that seem new and whose content is known.

use std::{
    collections::{BTreeMap, HashSet},
    path::PathBuf,
};

use sha2::{Digest, Sha256};

use super::{Folder, writing::NewRow};
use crate::{
    decode,
    error::Result,
    index::{
        ImageId, Index,
        store::{Change, ContentHash, Others, RowState, Taken},
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
    /// Only the times of modification or change had changed.
    pub touched: usize,
    /// How many embeddings other stores gave, by the folders they are of.
    pub taken: BTreeMap<PathBuf, usize>,
    pub note: Option<String>,
}

/// Where the content of a file is known from.
enum Same<'a> {
    /// A row of this folder.
    Row(ImageId),
    /// The store of another folder.
    Other(Taken<'a>),
}

impl Folder {
    /// Finds files whose content is known: under another path, in another folder, or whose times alone changed.
    ///
    /// Only files as large as a known one are read for that. `done` hears how many files were compared.
    pub(in crate::pipeline) fn match_renames(
        &mut self,
        unknown: Vec<ImageFile>,
        missing: &[ImageId],
        index: &mut Index,
        others: &Others,
        done: &mut dyn FnMut(usize) -> Result<()>,
    ) -> Result<Moved> {
        let mut moved = Moved::default();
        let mut touched = Vec::new();
        let mut sources = HashSet::new();
        for (at, file) in unknown.into_iter().enumerate() {
            done(at)?;
            let same = self.same_content(&file, index, others).unwrap_or_else(|error| {
                moved.note = Some(self.give_up(&error));
                None
            });
            let row = match same {
                None => {
                    moved.unknown.push(file);
                    continue;
                }
                Some((hash, Same::Other(Taken { root, pixels, format, embedding }))) => {
                    *moved.taken.entry(root.to_path_buf()).or_default() += 1;
                    NewRow { file, pixels, format, hash, embedding }
                }
                Some((hash, Same::Row(id))) => {
                    let Some(entry) = index.entry_even_if_removed(id) else { continue };
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
                    NewRow { file, pixels, format, hash, embedding }
                }
            };
            self.add(row);
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

    /// Where the content of a file is known from, with its hash; rows of the same path first.
    fn same_content<'o>(
        &self,
        file: &ImageFile,
        index: &Index,
        others: &'o Others,
    ) -> Result<Option<(ContentHash, Same<'o>)>> {
        let Some(store) = &self.store else { return Ok(None) };
        if !store.knows_size(file.size)? && !others.know_size(file.size) {
            return Ok(None);
        }
        // A file that cannot be read now is reported when it is its turn to be decoded.
        let Ok(bytes) = decode::read(&file.path) else { return Ok(None) };
        let hash: ContentHash = Sha256::digest(&*bytes).into();
        let rows = store.rows_of_content(file.size, &hash)?;
        let mut ids: Vec<_> = rows.into_iter().filter_map(|row| self.row_map.id_of(row)).collect();
        ids.retain(|id| self.row_map.state(*id) != RowState::Vacant);
        let own = self.known.find(self.relative(&file.path), index).filter(|own| ids.contains(own));
        let same = own.or(ids.first().copied()).map(Same::Row);
        let same = same.or_else(|| others.find(file.size, &hash).map(Same::Other));
        Ok(same.map(|same| (hash, same)))
    }
}
