//! A key and what it does, and the keys that mean the same wherever they mean something.

use super::action::Action;

/// Keys and what they do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// Names of the keys, separated by spaces, the one shown in hints first.
    pub keys: &'static str,
    /// What they do.
    pub action: Action,
}

/// A binding of some keys.
#[must_use]
pub const fn bind(keys: &'static str, action: Action) -> Binding {
    Binding { keys, action }
}

/// Cosine or euclidean.
pub const METRIC: Binding = bind("m", Action::Metric);
/// Larger.
pub const ZOOM_IN: Binding = bind("+ =", Action::ZoomIn);
/// Smaller.
pub const ZOOM_OUT: Binding = bind("- _", Action::ZoomOut);
/// As large as fits.
pub const ZOOM_FIT: Binding = bind("0", Action::ZoomFit);
/// As large as at first.
pub const USUAL_SIZE: Binding = bind("0", Action::UsualSize);
/// Row for column.
pub const SWAP: Binding = bind("x", Action::Swap);
/// One picture, large.
pub const VIEW: Binding = bind("v", Action::OpenPicture);
/// One picture, with the system's viewer.
pub const OPEN_OUTSIDE: Binding = bind("O", Action::OpenOutside);
/// Filter by path.
pub const FILTER: Binding = bind("/ Ctrl-f", Action::Filter);
/// Only the marked pictures, or all.
pub const ONLY_MARKED: Binding = bind("F", Action::OnlyMarked);
/// Mark or unmark.
pub const MARK: Binding = bind("Space", Action::Mark);
/// Unmark all.
pub const UNMARK_ALL: Binding = bind("M", Action::UnmarkAll);
/// Ask with all marked pictures.
pub const ASK_MARKED: Binding = bind("Q", Action::AskMarked);
/// Mark or unmark as what the answers are to be unlike.
pub const MARK_UNLIKE: Binding = bind("U", Action::MarkUnlike);
/// Copy the path.
pub const COPY: Binding = bind("y", Action::Copy);
/// Write the marked paths to a file.
pub const EXPORT: Binding = bind("e", Action::Export);
/// Name pictures.
pub const NAME: Binding = bind("N", Action::Name);
/// Move the marked pictures away.
pub const DISPOSE: Binding = bind("d", Action::Dispose);
/// Bring them back.
pub const UNDO: Binding = bind("u", Action::Undo);
/// What makes a pair alike.
pub const WHY: Binding = bind("w", Action::Why);
/// A second Esc; on Neighbors it goes back along the trail.
pub const CLOSE: Binding = bind("Backspace", Action::Escape);

/// What can be done with the picture under the cursor, and with the marked ones, wherever pictures are shown.
pub const PICTURES: &[Binding] = &[
    MARK,
    UNMARK_ALL,
    OPEN_OUTSIDE,
    bind("B", Action::ShowInBrowse),
    bind("P", Action::ShowOnMap),
    ASK_MARKED,
    MARK_UNLIKE,
    COPY,
    EXPORT,
    NAME,
    DISPOSE,
    UNDO,
    CLOSE,
];
/// The same of the screens, which list pictures.
pub const LISTS: &[Binding] = &[VIEW, FILTER, ONLY_MARKED, bind("Ctrl-o", Action::AskOutside), METRIC];
