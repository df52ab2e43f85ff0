//! Finds the image files under folders; the only place that walks directories.

use std::path::PathBuf;

/// One image file as the walk saw it. Nothing of its content has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFile {
    /// Absolute path.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// Nanoseconds since the Unix epoch (negative before it).
    pub modified: i64,
}
