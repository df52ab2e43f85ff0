//! What `alike`, `neighbors`, `matrix` and `evaluate` begin with: an up-to-date index of the folders.

use std::{
    borrow::Cow,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    cancel::CancelToken,
    cli::{FolderArgs, ModelArgs, progress::Reporter, request},
    error::{Error, Exit, Result},
    index::{Entry, Index},
    pipeline::{self, Report},
    printable::{printable, printable_str},
    similarity::Accuracy,
    worker::Kept,
};

/// An index and who made it.
pub struct Indexed {
    /// Every picture that could be embedded; at least one.
    pub index: Arc<Index>,
    /// The model's name.
    pub model: String,
    /// Whether the model is a baseline and no trained embedder.
    pub baseline: bool,
    /// Cosine similarity from which the model takes two pictures for near-duplicates, where it says so.
    pub near_duplicate: Option<f32>,
    /// The graph of the nearest pictures that is kept beside the index.
    pub kept: Kept,
    /// Files that could not be indexed; pictures that were, and have no face, are none of them.
    pub skipped: usize,
    /// Pictures without a face, where faces are looked for.
    pub without_face: Vec<PathBuf>,
    /// Set when the user wants to stop.
    pub cancel: CancelToken,
    several_roots: bool,
}

impl Indexed {
    /// Indexes the folders, with progress on standard error.
    ///
    /// # Errors
    /// As [`pipeline::run`]; [`Error::NoImages`] when nothing could be indexed.
    pub fn new(folders: &FolderArgs, model: &ModelArgs, cancel: CancelToken) -> Result<Self> {
        let request = request(folders, model)?;
        let mut reporter = Reporter::stderr();
        let (mut name, mut baseline, mut near_duplicate) = (String::new(), false, None);
        let kept = Kept::default();
        let ended = pipeline::run(&request, &cancel, &mut |report| {
            if let Report::Model { name: of, baseline: is, near_duplicate: from, .. } = &report {
                (name, baseline, near_duplicate) = (of.clone(), *is, *from);
            }
            let note = kept.hear(&report);
            [Some(report), note].iter().flatten().for_each(|report| reporter.take(report));
        });
        kept.run_ended();
        reporter.clear();
        let outcome = ended?;
        let without_face = outcome.skipped.iter().filter(|skipped| skipped.has_no_face());
        let without_face: Vec<_> = without_face.map(|skipped| skipped.path.clone()).collect();
        let faceless = without_face.len();
        let skipped = outcome.skipped.len() - faceless;
        // Said for people; whoever reads only the data misses nothing.
        if skipped > 0 {
            let files = if skipped == 1 { "1 file was".into() } else { format!("{skipped} files were") };
            let _ = writeln!(io::stderr(), "lookalike: {files} skipped; `lookalike index` says why");
        }
        if faceless > 0 {
            let have = if faceless == 1 { "picture has" } else { "pictures have" };
            let _ = writeln!(io::stderr(), "lookalike: {faceless} {have} no face");
        }
        if outcome.index.is_empty() {
            return Err(nothing_in(&folders.folders()[0], faceless > 0));
        }
        let several_roots = request.roots.len() > 1;
        Ok(Self {
            index: outcome.index,
            model: name,
            baseline,
            near_duplicate,
            kept,
            skipped,
            without_face,
            cancel,
            several_roots,
        })
    }

    /// How the command ends: [`Exit::Failed`] when files were skipped and that counts.
    #[must_use]
    pub fn exit(&self, strict: bool) -> Exit {
        if strict && self.skipped > 0 { Exit::Failed } else { Exit::Done }
    }

    /// A picture's path relative to its folder; the whole path where there are several folders.
    #[must_use]
    pub fn path<'a>(&self, entry: &Entry<'a>) -> Cow<'a, Path> {
        if self.several_roots { entry.path().into() } else { entry.relative().into() }
    }

    /// [`Indexed::path`] for tables, with the mark of a face.
    #[must_use]
    pub fn label(&self, entry: &Entry<'_>) -> String {
        printable(self.path(entry)) + &entry.mark()
    }

    /// So many rows, in words.
    #[must_use]
    pub fn counted(&self, rows: usize) -> String {
        self.index.kind().counted(rows)
    }

    /// Says to people, beside the data, that not all of the nearest were found, and what comes of it.
    pub fn say_how_accurate(&self, accuracy: Accuracy, so: &str) {
        if let Some(percent) = accuracy.percent_found() {
            let rows = self.index.kind().plural();
            let warning = format!("there are so many {rows} that about {percent} % of the nearest were found");
            let _ = writeln!(io::stderr(), "lookalike: {warning}: {so}");
        }
    }

    /// The model for the line under a table.
    #[must_use]
    pub fn model_label(&self) -> String {
        let kind = if self.baseline { " (a baseline, not a trained embedder)" } else { "" };
        format!("{}{kind}", printable_str(&self.model))
    }
}

/// What it is when nothing could be indexed: there are pictures without a face, or there are none.
#[must_use]
pub fn nothing_in(folder: &Path, without_faces: bool) -> Error {
    if without_faces { Error::NoFaces(folder.to_owned()) } else { Error::NoImages(folder.to_owned()) }
}
