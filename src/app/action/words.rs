//! What each action is called: in the help, in the line of hints, and in a configuration file.

use super::{Action, Screen, Step};

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
            Self::Show(Screen::Map) => "Map: from above",
            Self::Show(Screen::Groups) => "Groups: like with like",
            Self::Show(Screen::Outliers) => "Outliers: odd ones out",
            Self::Show(Screen::Labels) => "Labels: what is what",
            Self::Show(Screen::Models) => "Models: two compared",
            Self::Show(Screen::Problems) => "Problems: skipped files",
            Self::NextScreen => "next screen",
            Self::PreviousScreen => "screen before",
            Self::OpenNeighbors => "its neighbors, ranked",
            Self::OpenPair => "both, side by side",
            Self::OpenBest => "best pair of a block",
            Self::OpenPicture => "the picture, large",
            Self::OpenQuery => "the query (Neighbors)",
            Self::Follow => "make it the query",
            Self::Return => "back to the last query",
            Self::Escape => "close or go back",
            Self::Filter => "filter by path",
            Self::OpenOutside => "open in your viewer",
            Self::Blink => "the two in turn",
            Self::Difference => "where the two differ",
            Self::AskMarked => "ask with all marked",
            Self::AskOutside => "ask with another file",
            Self::MarkUnlike => "mark as unlike: less so",
            Self::ShowInBrowse => "its place in Browse",
            Self::ShowOnMap => "its place on the map",
            Self::OnlyMarked => "only the marked, or all",
            Self::Sort => "next sort order",
            Self::Reverse => "the order backwards",
            Self::Mark => "mark or unmark",
            Self::UnmarkAll => "unmark all",
            Self::Copy => "copy the path",
            Self::Export => "write marked to a file",
            Self::Name => "name it for a gallery",
            Self::MarkCopies => "mark all but the keeper",
            Self::MarkAllCopies => "the same in all groups",
            Self::Dispose => "move marked ones away",
            Self::ToTrash => "move them to the trash",
            Self::ToFolder => "move them to a folder",
            Self::Undo => "bring moved ones back",
            Self::Why => "why these two are alike",
            Self::Metric => "cosine or euclidean",
            Self::Order => "next row order",
            Self::Scale => "next color scale",
            Self::ZoomIn => "larger",
            Self::ZoomOut => "smaller, to see more",
            Self::ZoomFit => "fit everything",
            Self::UsualSize => "the usual size",
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
            Self::Method => "the next method",
            Self::Pan(Step::Left) => "move the map left",
            Self::Pan(Step::Right) => "move the map right",
            Self::Pan(Step::Up) => "move the map up",
            Self::Pan(_) => "move the map down",
            Self::Letters => "dots or letters",
            Self::Thumbnails => "thumbnails or points",
            Self::Renew => "make the map anew",
            Self::Stop => "stop what is being made",
            Self::MoreGroups => "more, smaller groups",
            Self::FewerGroups => "fewer, larger groups",
            Self::BestGroups => "the best number of them",
            Self::Rename => "name the group",
            Self::MarkThese => "mark or unmark all these",
            Self::GroupsInHeatmap => "the groups, in Heatmap",
            Self::Coloring => "color by other labels",
            Self::Scope => "all, folder, misplaced",
            Self::Measure => "rank by distance or LOF",
            Self::NextView => "its next page",
            Self::AcceptGuess => "take the likely label",
            Self::PickGuess(0) => "its first guess",
            Self::PickGuess(1) => "its second guess",
            Self::PickGuess(2) => "its third guess",
            Self::PickGuess(_) => "its fourth guess",
            Self::TypeLabel => "type its label",
            Self::UndoLabel => "undo its correction",
            Self::Surer => "predict only surer ones",
            Self::LessSure => "predict less sure ones",
            Self::NextMistake => "next confused labels",
            Self::PreviousMistake => "confused labels before",
            Self::ExportLabels => "write labels to a file",
            Self::IndexByOther => "index by that model",
            Self::ChooseModel => "choose another model",
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

    /// The actions that belong together and share a hint, in the order of its keys; `None` for all others.
    #[must_use]
    pub fn hinted_with(self) -> Option<&'static [Self]> {
        match self {
            Self::ZoomIn => Some(&[Self::ZoomIn, Self::ZoomOut]),
            Self::More => Some(&[Self::Fewer, Self::More]),
            Self::MarkCopies => Some(&[Self::MarkCopies, Self::MarkAllCopies]),
            Self::NextGroup => Some(&[Self::PreviousGroup, Self::NextGroup]),
            Self::Looser => Some(&[Self::Looser, Self::Stricter]),
            Self::WithoutCopies => Some(&[Self::WithoutCopies, Self::WithCopies]),
            Self::MoreGroups => Some(&[Self::MoreGroups, Self::FewerGroups]),
            Self::PreviousMistake => Some(&[Self::PreviousMistake, Self::NextMistake]),
            Self::LessSure => Some(&[Self::LessSure, Self::Surer]),
            Self::PickGuess(0) => {
                Some(&[Self::PickGuess(0), Self::PickGuess(1), Self::PickGuess(2), Self::PickGuess(3)])
            }
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
            Self::OpenQuery => "query",
            Self::Blink => "blink",
            Self::Difference => "diff",
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
            Self::Method => "method",
            Self::Letters => "letters",
            Self::Thumbnails => "thumbnails",
            Self::MoreGroups => "how many",
            Self::Rename => "name",
            Self::MarkThese => "mark all",
            Self::GroupsInHeatmap => "heatmap",
            Self::Scope => "among whom",
            Self::Measure => "score",
            Self::NextView => "next page",
            Self::AcceptGuess => "accept",
            Self::PickGuess(0) => "other label",
            Self::TypeLabel => "type it",
            Self::UndoLabel => "undo",
            Self::LessSure => "threshold",
            Self::PreviousMistake => "confused",
            Self::ExportLabels => "write labels",
            Self::IndexByOther => "index by it",
            Self::ChooseModel => "other model",
            Self::Copy => "copy path",
            Self::MarkCopies => "mark copies",
            Self::Dispose => "move away",
            Self::ToTrash => "to the trash",
            Self::ToFolder => "to a folder",
            Self::Why => "why",
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
            | Self::AskOutside
            | Self::MarkUnlike
            | Self::ShowInBrowse
            | Self::ShowOnMap
            | Self::Reverse
            | Self::UnmarkAll
            | Self::Export
            | Self::Name
            | Self::MarkAllCopies
            | Self::Undo
            | Self::ZoomFit
            | Self::UsualSize
            | Self::PreviousGroup
            | Self::ZoomOut
            | Self::Fewer
            | Self::Stricter
            | Self::WithCopies
            | Self::UsualRange
            | Self::Pan(_)
            | Self::Renew
            | Self::Stop
            | Self::FewerGroups
            | Self::BestGroups
            | Self::Coloring
            | Self::PickGuess(_)
            | Self::Surer
            | Self::NextMistake
            | Self::Redraw
            | Self::Suspend => "",
        }
    }
}
