//! After the walk: files that seem new and whose content is known.

use std::{
    collections::{BTreeMap, HashSet},
    path::PathBuf,
};

use sha2::{Digest, Sha256};

use super::{Folder, writing::NewPicture};
use crate::{
    decode,
    error::Result,
    index::{
        ImageId, Index,
        store::{Change, ContentHash, Others, RowState, TakenOver},
    },
    scan::ImageFile,
};

/// Pictures that wait in memory while files are found under new names.
const COPIES: usize = 256;

/// What became of the files that seemed new.
#[derive(Default)]
pub(in crate::pipeline) struct Moved {
    /// Those that are new indeed.
    pub unknown: Vec<ImageFile>,
    pub renamed: usize,
    pub copied: usize,
    /// Only the times of modification or change had changed.
    pub touched: usize,
    /// Found in the store of another folder.
    pub known_elsewhere: usize,
    /// How many embeddings other stores gave, by the folders they are of.
    pub taken: BTreeMap<PathBuf, usize>,
    /// What did not go as it should.
    pub notes: Vec<String>,
}

/// Where the content of a file is known from.
enum Same<'a> {
    /// The first row of a picture of this folder.
    Row(ImageId),
    /// The store of another folder.
    Other(TakenOver<'a>),
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
            let mut same = self.same_content(&file, index, others);
            if let Err(error) = &same {
                moved.notes.push(self.recover(error, index));
                same = self.same_content(&file, index, others);
            }
            let same = same.unwrap_or_else(|error| {
                moved.notes.push(self.recover(&error, index));
                None
            });
            let picture = match same {
                None => {
                    moved.unknown.push(file);
                    continue;
                }
                Some((hash, Same::Other(TakenOver { root, pixels, format, rows }))) => {
                    *moved.taken.entry(root.to_path_buf()).or_default() += rows.len();
                    moved.known_elsewhere += 1;
                    NewPicture { file, pixels, format, hash, rows }
                }
                Some((hash, Same::Row(id))) => {
                    let Some(entry) = index.entry_even_if_removed(id) else { continue };
                    if entry.path() == file.path {
                        for id in index.of_one_picture(id) {
                            index.restore(id);
                            touched.extend(self.present(id, &file));
                            self.row_map.set(id, RowState::Present);
                        }
                        moved.touched += 1;
                        continue;
                    }
                    let (pixels, format) = (entry.pixels(), entry.format());
                    let rows = index.of_one_picture(id).filter_map(|id| index.entry_even_if_removed(id));
                    let rows = rows.map(|entry| (entry.face().copied(), entry.embedding())).collect();
                    let was_gone = self.row_map.state(id) == RowState::Gone;
                    if (was_gone || missing.binary_search(&id).is_ok()) && sources.insert(id) {
                        moved.renamed += usize::from(!was_gone);
                        moved.copied += usize::from(was_gone);
                    } else {
                        moved.copied += 1;
                    }
                    NewPicture { file, pixels, format, hash, rows }
                }
            };
            self.add(picture);
            if self.waiting.len() >= COPIES {
                moved.notes.extend(self.commit(index));
            }
        }
        moved.notes.extend(self.commit(index));
        let rows = sources.iter().flat_map(|id| index.of_one_picture(*id));
        let mut renamed: Vec<_> = rows.filter_map(|id| self.row_map.row_of(id)).collect();
        renamed.sort_unstable();
        for id in sources {
            self.vacate(id, index);
        }
        let change = Change { present: &touched, deleted: &renamed, ..Change::default() };
        moved.notes.extend(self.write(&change, index));
        Ok(moved)
    }

    /// Where the content of a file is known from, with its hash; rows of the same path first.
    fn same_content<'o>(
        &mut self,
        file: &ImageFile,
        index: &Index,
        others: &'o Others,
    ) -> Result<Option<(ContentHash, Same<'o>)>> {
        let Some(store) = &mut self.store else { return Ok(None) };
        if !store.knows_size(file.size)? && !others.know_size(file.size) {
            return Ok(None);
        }
        // A file that cannot be read now is reported when it is its turn to be decoded.
        let Ok(bytes) = decode::read(&file.path) else { return Ok(None) };
        let hash: ContentHash = Sha256::digest(&*bytes).into();
        let rows = store.rows_of_content(file.size, &hash)?;
        let mut ids: Vec<_> = rows.into_iter().filter_map(|row| self.row_map.id_of(row)).collect();
        let is_first = |id| index.entry_even_if_removed(id).is_some_and(|entry| entry.is_first_of_picture());
        ids.retain(|id| self.row_map.state(*id) != RowState::Vacant && is_first(*id));
        let own = self.known.find(self.relative(&file.path), index).filter(|own| ids.contains(own));
        let same = own.or(ids.first().copied()).map(Same::Row);
        let same = same.or_else(|| others.find(file.size, &hash).map(Same::Other));
        Ok(same.map(|same| (hash, same)))
    }
}
