//! How to read each screen, in a few lines for the help page.

use super::action::Screen;

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

/// What is to be seen on a screen and what it means.
#[must_use]
pub fn lines(screen: Screen) -> Vec<&'static str> {
    let own: &[&str] = match screen {
        Screen::Browse => &[
            "Each picture of the folder; the frame is the selected one, which all screens show.",
            "Beside it what is known of it, and the three most alike to it.",
            "● is a marked picture, ⊖ one to be unlike what Q finds.",
        ],
        Screen::Heatmap => &[
            "Each cell compares the picture of its row with that of its column: yellow is alike, dark is not.",
            "Where pictures are many a cell is the mean of a block of them; Enter looks into it.",
            "Bright squares on the diagonal are groups that look alike. ╲ is a picture and itself: no data.",
            "▸ and ▾ are the cursor's row and column; ≥ and ≤ at the ends of the colors say that some values lie beyond.",
        ],
        Screen::Neighbors => &[
            "The others ranked by likeness to the picture at the left, with the value and the rank by the other metric.",
            "The bar is the cosine from 0 to 1; of a distance what is left to the farthest picture.",
            "Enter asks with the picture under the cursor, Backspace goes back.",
        ],
        Screen::Problems => {
            &["Files that are no pictures or damaged, each with the reason; of faces also the pictures that have none."]
        }
        _ => &[],
    };
    let values: &[&str] = if screen == Screen::Problems { &[] } else { &VALUES };
    own.iter().chain(values).copied().collect()
}
