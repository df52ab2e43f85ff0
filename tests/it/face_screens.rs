//! The explorer on faces: it calls them so, tells those of one picture apart, and never takes a face for a file.

use std::{path::Path, sync::Arc};

use lookalike::{
    app::Over,
    face::Face,
    index::{Image, Index, RowKind, Segment, Skipped},
    scan::{ImageFile, NO_FACE},
    task::{Job, Portrait},
};

#[test]
fn todo() {}
