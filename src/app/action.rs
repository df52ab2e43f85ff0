//! What a key can mean, and how each meaning is explained.

/// The screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Screen {
    /// A grid of thumbnails.
    #[default]
    Browse,
    /// The pairwise table.
    Heatmap,
    /// The selected picture's ranking.
    Neighbors,
    /// Groups of look-alikes.
    Alike,
    /// What could not be read.
    Problems,
}

impl Screen {
    /// All of them, in the order of their tabs.
    pub const ALL: [Self; 5] = [Self::Browse, Self::Heatmap, Self::Neighbors, Self::Alike, Self::Problems];

    /// The key that shows it: its place among the screens, and for problems the sign of a warning.
    #[must_use]
    pub fn key(self) -> &'static str {
        const DIGITS: [&str; 9] = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
        if self == Self::Problems { "!" } else { DIGITS[self as usize] }
    }

    /// Its name on the tab.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Browse => "Browse",
            Self::Heatmap => "Heatmap",
            Self::Neighbors => "Neighbors",
            Self::Alike => "Alike",
            Self::Problems => "Problems",
        }
    }
}

/// A step of the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// One column to the left.
    Left,
    /// One column to the right.
    Right,
    /// One page up.
    PageUp,
    /// One page down.
    PageDown,
    /// Half a page up.
    HalfUp,
    /// Half a page down.
    HalfDown,
    /// To the first.
    First,
    /// To the last.
    Last,
}

impl Step {
    /// A cursor in a list of `len`, laid out in rows of `columns`, after a step.
    #[must_use]
    pub fn moved(self, now: usize, len: usize, columns: usize, page: usize) -> usize {
        let last = len.saturating_sub(1);
        let half = (page / 2 / columns * columns).max(columns);
        let page = page.max(columns);
        let down = |by: usize| {
            // In a last row that is too short the cursor goes to its end, and stays in its column otherwise.
            let to = now.saturating_add(by);
            if to <= last || now / columns == last / columns { to.min(last.max(now)) } else { last }
        };
        let up = |by: usize| if now >= by { now - by } else { now % columns };
        let to = match self {
            Self::Up if columns == 1 => now.saturating_sub(1),
            Self::Up => up(columns),
            Self::Down if columns > 1 && now / columns == last / columns => now,
            Self::Down => down(columns),
            Self::Left if columns == 1 => now,
            Self::Right if columns == 1 => now,
            Self::Left => now.saturating_sub(1),
            Self::Right => now.saturating_add(1),
            Self::PageUp => up(page),
            Self::PageDown => down(page),
            Self::HalfUp => up(half),
            Self::HalfDown => down(half),
            Self::First => 0,
            Self::Last => last,
        };
        to.min(last)
    }
}

/// What a key means; nothing here knows which key it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Move the cursor.
    Move(Step),
    /// Show a screen.
    Show(Screen),
    /// Show the next screen.
    NextScreen,
    /// Show the screen before.
    PreviousScreen,
    /// Rank the others by likeness to the selected picture.
    OpenNeighbors,
    /// Show the two pictures of the cell or row side by side.
    OpenPair,
    /// Show the most alike pair of a block.
    OpenBest,
    /// Show one picture as large as the terminal allows.
    OpenPicture,
    /// Open the picture with the system's viewer.
    OpenOutside,
    /// Show the two pictures of a pair in turn, at one place.
    Blink,
    /// Ask with all marked pictures at once.
    AskMarked,
    /// Mark or unmark as what the answer is to be unlike.
    MarkUnlike,
    /// Make the neighbor under the cursor the query.
    Follow,
    /// Show the picture under the cursor among the others.
    ShowInBrowse,
    /// Go back along the trail of queries.
    Return,
    /// Close what lies on top, or go back to Browse.
    Escape,
    /// Filter by path.
    Filter,
    /// Only the marked pictures, or all.
    OnlyMarked,
    /// Sort the grid by the next key.
    Sort,
    /// Mark or unmark.
    Mark,
    /// Unmark all.
    UnmarkAll,
    /// Copy the path.
    Copy,
    /// Write the marked paths to a file.
    Export,
    /// Give pictures a name in the gallery.
    Name,
    /// Cosine or euclidean.
    Metric,
    /// Next row order of the heatmap.
    Order,
    /// Next color scale of the heatmap.
    Scale,
    /// Closer.
    ZoomIn,
    /// Farther away.
    ZoomOut,
    /// The zoom at which everything fits.
    ZoomFit,
    /// To the next group or cluster of the heatmap.
    NextGroup,
    /// To the one before.
    PreviousGroup,
    /// Exchange row and column.
    Swap,
    /// Nearest or farthest first.
    Farthest,
    /// Fewer neighbors.
    Fewer,
    /// More neighbors.
    More,
    /// Show less alike groups too.
    Looser,
    /// Show only groups that are more alike.
    Stricter,
    /// Leave the most alike pairs out.
    WithoutCopies,
    /// Show the most alike pairs too.
    WithCopies,
    /// The range with which the screen began.
    UsualRange,
    /// Explain the keys.
    Help,
    /// Draw all anew.
    Redraw,
    /// Go to the background.
    Suspend,
    /// Leave.
    Quit,
}

impl Action {
    /// What it does, in at most 24 characters, for the help page and the README.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::Move(Step::Up) => "up",
            Self::Move(Step::Down) => "down",
            Self::Move(Step::Left) => "left",
            Self::Move(Step::Right) => "right",
            Self::Move(Step::PageUp) => "one page up",
            Self::Move(Step::PageDown) => "one page down",
            Self::Move(Step::HalfUp) => "half a page up",
            Self::Move(Step::HalfDown) => "half a page down",
            Self::Move(Step::First) => "to the first",
            Self::Move(Step::Last) => "to the last",
            Self::Show(Screen::Browse) => "Browse: all pictures",
            Self::Show(Screen::Heatmap) => "Heatmap: all pairs",
            Self::Show(Screen::Neighbors) => "Neighbors: a ranking",
            Self::Show(Screen::Alike) => "Alike: look-alikes",
            Self::Show(Screen::Problems) => "Problems: skipped files",
            Self::NextScreen => "next screen",
            Self::PreviousScreen => "screen before",
            Self::OpenNeighbors => "its neighbors, ranked",
            Self::OpenPair => "both, side by side",
            Self::OpenBest => "best pair of a block",
            Self::OpenPicture => "the picture, large",
            Self::Follow => "make it the query",
            Self::Return => "back to the last query",
            Self::Escape => "close or go back",
            Self::Filter => "filter by path",
            Self::OpenOutside => "open in your viewer",
            Self::Blink => "the two in turn",
            Self::AskMarked => "ask with all marked",
            Self::MarkUnlike => "mark as unlike: less so",
            Self::ShowInBrowse => "its place in Browse",
            Self::OnlyMarked => "only the marked, or all",
            Self::Sort => "next sort order",
            Self::Mark => "mark or unmark",
            Self::UnmarkAll => "unmark all",
            Self::Copy => "copy the path",
            Self::Export => "write marked to a file",
            Self::Name => "name it for a gallery",
            Self::Metric => "cosine or euclidean",
            Self::Order => "next row order",
            Self::Scale => "next color scale",
            Self::ZoomIn => "larger",
            Self::ZoomOut => "smaller, to see more",
            Self::ZoomFit => "fit everything",
            Self::NextGroup => "next group or cluster",
            Self::PreviousGroup => "group or cluster before",
            Self::Swap => "exchange row and column",
            Self::Farthest => "nearest or farthest",
            Self::Fewer => "fewer neighbors",
            Self::More => "more neighbors",
            Self::Looser => "less alike ones too",
            Self::Stricter => "only more alike ones",
            Self::WithoutCopies => "leave the most alike out",
            Self::WithCopies => "the most alike ones too",
            Self::UsualRange => "the usual threshold",
            Self::Help => "this help",
            Self::Redraw => "draw the screen anew",
            Self::Suspend => "suspend; fg returns",
            Self::Quit => "quit",
        }
    }

    /// Its name in the configuration: that of the variant, in small letters with hyphens.
    #[must_use]
    pub fn name(self) -> String {
        let mut name = String::new();
        for letter in format!("{self:?}").chars().filter(|letter| *letter != ')') {
            if letter.is_uppercase() && !name.is_empty() && !name.ends_with('-') {
                name.push('-');
            }
            name.push(if letter == '(' { '-' } else { letter.to_ascii_lowercase() });
        }
        name
    }

    /// The two actions that undo each other and share a hint, in the order of its keys; `None` for all others.
    #[must_use]
    pub fn hinted_with(self) -> Option<[Self; 2]> {
        match self {
            Self::ZoomIn => Some([Self::ZoomIn, Self::ZoomOut]),
            Self::More => Some([Self::Fewer, Self::More]),
            Self::NextGroup => Some([Self::PreviousGroup, Self::NextGroup]),
            Self::Looser => Some([Self::Looser, Self::Stricter]),
            Self::WithoutCopies => Some([Self::WithoutCopies, Self::WithCopies]),
            _ => None,
        }
    }

    /// One or two words for the line of hints; empty for what everybody expects or finds in the help.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            Self::OpenNeighbors => "neighbors",
            Self::OpenPair => "pair",
            Self::OpenBest => "best pair",
            Self::OpenPicture => "view",
            Self::Blink => "blink",
            Self::Follow => "new query",
            Self::Return => "back",
            Self::Filter => "filter",
            Self::Sort => "sort",
            Self::Mark => "mark",
            Self::Metric => "metric",
            Self::Order => "order",
            Self::Scale => "colors",
            Self::ZoomIn => "zoom",
            Self::NextGroup => "groups",
            Self::Swap => "swap",
            Self::Farthest => "farthest",
            Self::More => "how many",
            Self::Looser => "threshold",
            Self::WithoutCopies => "upper end",
            Self::Copy => "copy path",
            Self::Help => "help",
            Self::Quit => "quit",
            Self::Escape => "close",
            Self::Move(_)
            | Self::Show(_)
            | Self::NextScreen
            | Self::PreviousScreen
            | Self::OnlyMarked
            | Self::OpenOutside
            | Self::AskMarked
            | Self::MarkUnlike
            | Self::ShowInBrowse
            | Self::UnmarkAll
            | Self::Export
            | Self::Name
            | Self::ZoomFit
            | Self::PreviousGroup
            | Self::ZoomOut
            | Self::Fewer
            | Self::Stricter
            | Self::WithCopies
            | Self::UsualRange
            | Self::Redraw
            | Self::Suspend => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_named_as_they_are_called() {
        assert_eq!(Action::ZoomIn.name(), "zoom-in");
        assert_eq!(Action::Move(Step::PageUp).name(), "move-page-up");
        assert_eq!(Action::Show(Screen::Browse).name(), "show-browse");
    }

    #[test]
    fn steps_stay_in_the_list_and_in_their_column() {
        // 0 1 2
        // 3 4 5
        // 6
        for (now, step, then) in [
            (0, Step::Left, 0),
            (2, Step::Right, 3),
            (1, Step::Up, 1),
            (4, Step::Up, 1),
            (4, Step::Down, 6),
            (3, Step::Down, 6),
            (6, Step::Down, 6),
            (5, Step::Last, 6),
            (5, Step::First, 0),
            (6, Step::PageUp, 0),
            (1, Step::PageDown, 6),
            (5, Step::PageUp, 2),
        ] {
            assert_eq!(step.moved(now, 7, 3, 6), then, "{step:?} from {now}");
        }
        assert_eq!(Step::Down.moved(0, 0, 1, 0), 0);
        assert_eq!(Step::PageDown.moved(9, 10, 1, 5), 9);
    }
}
