//! Which of some pictures to keep, and why.

use std::{cmp::Reverse, path::PathBuf};

use crate::index::{Entry, ImageId, Index};

/// Why a picture is the one to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It lies in a folder of which nothing may go.
    Protected,
    /// It has the most pixels.
    Pixels,
    /// Of those with the most pixels its file is the largest.
    Bytes,
    /// Of those its file was modified first.
    Date,
    /// Of those its path comes first.
    Path,
}

impl Reason {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Protected => "in a protected folder",
            Self::Pixels => "most pixels",
            Self::Bytes => "largest file",
            Self::Date => "oldest",
            Self::Path => "first by path",
        }
    }
}

type Rank = (bool, Reverse<u64>, Reverse<u64>, i64, PathBuf);

/// Pictures, those to be kept first, and why the first is: those that are `protected` come first, then the most pixels,
/// the most bytes, the oldest date of modification and the first path decide. What is not in the index is left out.
#[must_use]
pub fn ranked(
    index: &Index,
    ids: impl IntoIterator<Item = ImageId>,
    protected: &dyn Fn(&Entry<'_>) -> bool,
) -> (Vec<ImageId>, Reason) {
    let rank = |entry: &Entry<'_>| -> Rank {
        let (width, height) = entry.pixels();
        let pixels = u64::from(width) * u64::from(height);
        (!protected(entry), Reverse(pixels), Reverse(entry.size()), entry.modified(), entry.path())
    };
    let mut ranked: Vec<_> = ids.into_iter().filter_map(|id| Some((rank(&index.get(id)?), id))).collect();
    ranked.sort();
    let reason = match &*ranked {
        [(first, _), (second, _), ..] if first.0 != second.0 => Reason::Protected,
        [(first, _), (second, _), ..] if first.1 != second.1 => Reason::Pixels,
        [(first, _), (second, _), ..] if first.2 != second.2 => Reason::Bytes,
        [(first, _), (second, _), ..] if first.3 != second.3 => Reason::Date,
        _ => Reason::Path,
    };
    (ranked.into_iter().map(|(_, id)| id).collect(), reason)
}
