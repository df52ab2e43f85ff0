//! How to read each screen, in a few lines for the help page.

use super::{action::Screen, keymap::Context};

/// What the mouse does, on every screen.
pub const MOUSE: [&str; 3] = [
    "A click selects, a second one opens, the wheel moves.",
    "With Ctrl the wheel makes larger or smaller.",
    "Tabs and the switch between metrics can be clicked.",
];

/// What the values mean, on every screen.
const VALUES: [&str; 2] = [
    "Cosine: 1 is identical, 0 unrelated; what counts is the direction of the embedding.",
    "Euclidean: a distance, 0 is identical and smaller is more alike.",
];

/// What is to be seen at a place and what it means; the keys stand there by the names of their actions.
#[must_use]
pub fn lines(here: Context, screen: Screen) -> Vec<&'static str> {
    let own: &[&str] = match here {
        Context::Pair => &[
            "The row's picture and the column's, or the query and a neighbor. The rank is the second's among the first's.",
            "{blink} shows one after the other in the same place: what changes is different.",
            "{difference} shows how much each pixel differs, the brighter the more, and the mean of all in percent of the range.",
        ],
        Context::Why => &[
            "The brighter a region, the more of the cosine it has: the network sees there what the other picture has as well.",
            "The numbers are hundredths of the cosine and sum to it; below 0 a region speaks against it.",
        ],
        _ => of_screen(screen),
    };
    let values: &[&str] = if here == Context::Screen(Screen::Problems) { &[] } else { &VALUES };
    own.iter().chain(values).copied().collect()
}

fn of_screen(screen: Screen) -> &'static [&'static str] {
    match screen {
        Screen::Browse => &[
            "Each picture of the folder; the frame is the selected one, which all screens show.",
            "Beside it what is known of it, and the three most alike to it.",
            "● is a marked picture, ⊖ one to be unlike[ what {ask-marked} finds].",
        ],
        Screen::Heatmap => &[
            "Each cell compares the picture of its row with that of its column: yellow is alike, dark is not.",
            "Where pictures are many a cell is the mean of a block of them[; {open-pair} looks into it].",
            "Bright squares on the diagonal are groups that look alike. ╲ is a picture and itself: no data.",
            "In the order by similarity brackets are clusters, each with the folders that much of it is in and, where there is room, the mean of its pairs.",
            "▸ and ▾ are the cursor's row and column; ≥ and ≤ at the ends of the colors say that some values lie beyond.",
        ],
        Screen::Neighbors => &[
            "The others ranked by likeness to the picture at the left, with the value and the rank by the other metric.",
            "The bar is the cosine from 0 to 1; of a distance what is left to the farthest picture.",
            "▲ and ▼ say by how many places it stands higher or lower than by the other metric, = that it is the same.",
            "+ is asked with, − is to be unlike, where several are asked with together.",
            "{follow} asks with the picture under the cursor, {return} goes back.",
        ],
        Screen::Alike => &[
            "Groups of pictures that are the same or nearly: identical files and copies first, then what only looks alike.",
            "Of copies the first picture is the one to keep[. {mark-copies} marks all others, {dispose} moves what is marked away after showing a list].",
            "The numbers are cosines[; {looser} and {stricter} move the threshold]. A filter keeps the groups that have a picture of it, whole.",
        ],
        Screen::Map => &[
            "Each dot is a picture; what looks alike lies close together. Only nearness means something, not the directions.",
            "The lines lead to the three nearest by their embeddings: where these lie far away, the map had to tear them apart.",
            "Trustworthiness and continuity say how far neighborhoods can be believed, 1 is perfect. Faint dots are filtered out.",
        ],
        Screen::Groups => &[
            "What belongs together by likeness alone; folders are not looked at. Noise is what is in no group.",
            "Cohesion is the mean cosine to the group's center: 1 is all the same.",
            "ARI and NMI say how far groups and folders agree, from 0 by chance to 1.",
            "“lookalike groups FOLDER --link-to NEW” sorts links to the pictures into a folder for each group.",
        ],
        Screen::Outliers => &[
            "The pictures that have nothing like them come first. ▲ is flagged: so far out that it is worth a look.",
            "The number over a picture says how many typical deviations (MAD) its score lies above the median.",
            "The list is of all pictures, of each folder by itself, or of those that look like another folder[: {scope} goes from one to the next].",
        ],
        Screen::Labels => &[
            "How well the folders, or the labels of a file, can be told apart by a classifier that has not seen the picture.",
            "A row is the label that pictures have, a column what they were taken for; the diagonal is right.",
            "The lists say which pictures are likely mislabeled, and what those without a label are. Nothing is moved.",
        ],
        Screen::Models => &[
            "What two models find alike, side by side. ◆ is found by one of them alone.",
            "The list begins with the pictures on which they agree least: so many of their nearest are the same.",
        ],
        Screen::Problems => {
            &["Files that are no pictures or damaged, under the reason; of faces also the pictures that have none."]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::keymap::Keys;

    #[test]
    fn what_lies_on_top_hides_no_fact_of_the_screen_beneath() {
        let keys = Keys::default();
        for screen in Screen::ALL {
            for here in [Context::Screen(screen), Context::Picture, Context::Disposal] {
                for line in lines(here, screen) {
                    // What is all about keys is for the place where they work.
                    let of_keys = line.starts_with('{') && here != Context::Screen(screen);
                    assert!(of_keys || !keys.sentence(here, line).is_empty(), "{line:?} in {here:?}");
                }
            }
        }
        assert_eq!(
            keys.sentence(Context::Picture, of_screen(Screen::Alike)[1]),
            "Of copies the first picture is the one to keep."
        );
        let outliers = of_screen(Screen::Outliers)[2];
        assert!(keys.sentence(Context::Picture, outliers).ends_with("look like another folder."), "{outliers}");
    }
}
