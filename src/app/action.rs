//! What a key can mean, and how each meaning is explained.

mod words;

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
    /// Every picture a point.
    Map,
    /// What belongs together.
    Groups,
    /// What does not belong.
    Outliers,
    /// How well labels can be told apart.
    Labels,
    /// Another model beside this one.
    Models,
    /// What could not be read.
    Problems,
}

impl Screen {
    /// All of them, in the order of their tabs.
    pub const ALL: [Self; 10] = [
        Self::Browse,
        Self::Heatmap,
        Self::Neighbors,
        Self::Alike,
        Self::Map,
        Self::Groups,
        Self::Outliers,
        Self::Labels,
        Self::Models,
        Self::Problems,
    ];

    /// The key that shows it: a digit that it keeps whichever screens there are, and for problems the sign of a warning.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Browse => "1",
            Self::Heatmap => "2",
            Self::Neighbors => "3",
            Self::Alike => "4",
            Self::Map => "5",
            Self::Groups => "6",
            Self::Outliers => "7",
            Self::Labels => "8",
            Self::Models => "9",
            Self::Problems => "!",
        }
    }

    /// Its name on the tab.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Browse => "Browse",
            Self::Heatmap => "Heatmap",
            Self::Neighbors => "Neighbors",
            Self::Alike => "Alike",
            Self::Map => "Map",
            Self::Groups => "Groups",
            Self::Outliers => "Outliers",
            Self::Labels => "Labels",
            Self::Models => "Models",
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
    /// Show what was asked with in place of its answer, large, or the answer again.
    OpenQuery,
    /// Open the picture with the system's viewer.
    OpenOutside,
    /// Show the two pictures of a pair in turn, at one place.
    Blink,
    /// Of a pair, where its pictures differ, or both again.
    Difference,
    /// Ask with all marked pictures at once.
    AskMarked,
    /// Ask with a picture from elsewhere.
    AskOutside,
    /// Mark or unmark as what the answer is to be unlike.
    MarkUnlike,
    /// Make the neighbor under the cursor the query.
    Follow,
    /// Show the picture under the cursor among the others.
    ShowInBrowse,
    /// Show the picture under the cursor, and those that belong with it, on the map.
    ShowOnMap,
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
    /// Show the list from its end.
    Reverse,
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
    /// Mark all pictures of a group but the one to keep, or unmark them.
    MarkCopies,
    /// Mark all pictures of all groups but those to keep.
    MarkAllCopies,
    /// List the marked pictures, to move them away.
    Dispose,
    /// Move what is listed into the trash.
    ToTrash,
    /// Move what is listed into a folder.
    ToFolder,
    /// Bring back what was moved away last.
    Undo,
    /// Show what makes a pair alike.
    Why,
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
    /// The size that a list begins with.
    UsualSize,
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
    /// The next method: of the map, or to find groups.
    Method,
    /// Move the map; only the four sides.
    Pan(Step),
    /// Letters in the place of dots.
    Letters,
    /// Thumbnails on the map, or points alone.
    Thumbnails,
    /// Make it anew.
    Renew,
    /// Stop what is being made.
    Stop,
    /// More and smaller groups.
    MoreGroups,
    /// Fewer and larger groups.
    FewerGroups,
    /// As many groups as the method finds best.
    BestGroups,
    /// Give the group a name.
    Rename,
    /// Mark the pictures of the group, or of all that are flagged.
    MarkThese,
    /// Show the groups in the heatmap.
    GroupsInHeatmap,
    /// Color by folder or by group, on all screens.
    Coloring,
    /// Outliers over all, within their folder, or in another folder.
    Scope,
    /// Rank outliers by the other score.
    Measure,
    /// Show the screen's next page.
    NextView,
    /// Give a picture the label that it looks like.
    AcceptGuess,
    /// Give a picture one of its probable labels, counted from 0.
    PickGuess(u8),
    /// Type a picture's label.
    TypeLabel,
    /// Take a picture's correction back.
    UndoLabel,
    /// Predict only surer labels.
    Surer,
    /// Predict less sure labels too.
    LessSure,
    /// The next pair of labels that are confused.
    NextMistake,
    /// The pair of labels before.
    PreviousMistake,
    /// Write all labels to a file.
    ExportLabels,
    /// Index the pictures by the chosen model.
    IndexByOther,
    /// Choose another model.
    ChooseModel,
    /// Explain the keys.
    Help,
    /// Draw all anew.
    Redraw,
    /// Go to the background.
    Suspend,
    /// Leave.
    Quit,
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
