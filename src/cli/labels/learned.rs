//! What `labels` and `classify` begin with: an index, its labels, and what a classifier makes of them.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{LearningArgs, probe_file};
use crate::{
    analysis::{alike::Range, classifier::Classification},
    cli::{FolderArgs, ModelArgs, cache_folder, indexed::Indexed, interrupt::cancelled_by_signals, progress::Reporter},
    error::{Error, Result},
    index::label_file::{self, LabelSource, LabelTable},
    scan,
    task::Classified,
    worker::on_all_cores,
};

/// An index and what was learned from its labels.
pub struct Learned {
    /// The index.
    pub indexed: Indexed,
    /// Where the labels come from.
    pub source: LabelSource,
    classified: Classified,
}

impl Learned {
    /// Indexes the folders, learns, and saves the probe where that is asked for.
    ///
    /// # Errors
    /// As the indexing and the reading of label files; [`Error::Interrupted`] when stopped.
    pub fn new(folders: &FolderArgs, model: &ModelArgs, learning: &LearningArgs) -> Result<Self> {
        let source = source(folders, model, learning.labels.as_deref())?;
        let indexed = Indexed::new(folders, model, cancelled_by_signals()?)?;
        if let Some(unknown) = source.given.as_ref().and_then(|given| given.unknown(&indexed.index)) {
            let _ = writeln!(io::stderr(), "lookalike: {unknown}");
        }
        let mut reporter = Reporter::stderr();
        let mut progress = |share: f64| reporter.line(|| format!("learning the labels: {:.0} %", 100.0 * share));
        let stopped = || indexed.cancel.is_cancelled();
        let known = indexed.kept.or_read(None, &indexed.index, Range::usual(None));
        let known = known.as_ref().map(|known| &*known.graph);
        let found = Classified::of(&indexed.index, source.clone(), known, &on_all_cores, &stopped, &mut progress);
        reporter.clear();
        let classified = found.ok_or(Error::Interrupted)?;
        indexed.kept.keep(&classified.graph, &indexed.index);
        let learned = Self { indexed, source, classified };
        if let Some(file) = &learning.save_probe {
            probe_file::save(file, learned.classification()?, &model.choice())?;
        }
        Ok(learned)
    }

    /// What came out.
    ///
    /// # Errors
    /// [`Error::Usage`] where nothing can be learned.
    pub fn classification(&self) -> Result<&Classification> {
        self.classified.outcome.as_ref().map_err(|error| Error::Usage(error.to_string()))
    }

    /// How many pictures of the index have a label that was corrected.
    pub fn corrected(&self) -> usize {
        self.indexed.index.iter().filter(|entry| self.source.corrected.get(entry).is_some()).count()
    }
}

/// The labels of a file, where one is named, and those that were corrected in the explorer.
///
/// # Errors
/// As [`LabelTable::read`].
pub fn source(folders: &FolderArgs, model: &ModelArgs, file: Option<&Path>) -> Result<LabelSource> {
    let roots = scan::roots(&folders.folders())?;
    let given = file.map(|file| LabelTable::read(file, &roots)).transpose()?.map(Arc::new);
    let corrected = match kept_file(folders, model)? {
        Some(file) => label_file::read_kept(&file)?,
        None => LabelTable::default(),
    };
    Ok(LabelSource { given, corrected: Arc::new(corrected) })
}

/// Where corrections of these folders are kept, where anything is kept.
///
/// # Errors
/// [`Error::NoFolder`] for a folder that is not there, [`Error::Usage`] when the user has no home folder.
pub fn kept_file(folders: &FolderArgs, model: &ModelArgs) -> Result<Option<PathBuf>> {
    if model.how.no_cache {
        return Ok(None);
    }
    let cache = cache_folder(model.how.cache_dir.as_deref())?;
    Ok(Some(label_file::kept_file(&cache, &scan::roots(&folders.folders())?)))
}
