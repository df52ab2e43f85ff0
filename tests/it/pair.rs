//! The pair view: side by side, in turn, and only where the two differ.

use crate::explorer::{Explorer, setup, styled};
use image::{Rgb, RgbImage};
use lookalike::{
    app::{Over, Setup, pair::PairView},
    display::{Background, Depth, Link},
    preview::{Painter, Subject},
    task::{JobId, Outcome},
};
use ratatui_image::picker::Picker;

/// An explorer that shows a pair.
fn pair(setup: Setup) -> Explorer {
    let mut explorer = Explorer::ready(setup, 9);
    explorer.keys("3 p");
    explorer
}

/// How it is looked at.
fn view(explorer: &Explorer) -> PairView {
    let Some(Over::Pair { view, .. }) = explorer.app.over.last() else { panic!("{:?}", explorer.app.over) };
    *view
}

/// Hands in where the two differ: the right half of the second is brighter by a fifth of the range.
fn compared(explorer: &mut Explorer, depth: Depth) {
    let slots = explorer.app.slots();
    let [slot] = &slots[..] else { panic!("one place: {slots:?}") };
    assert!(matches!(slot.subject, Subject::Difference(_)), "{slot:?}");
    let before = RgbImage::from_pixel(40, 30, Rgb([100; 3]));
    let after = RgbImage::from_fn(40, 30, |x, _| Rgb([if x < 20 { 100 } else { 151 }; 3]));
    let painter = Painter::new(Picker::halfblocks(), depth, Background::Dark, Link::Local);
    let preview = painter.paint_difference(&before, &after, slot.area.cells());
    explorer.tell(JobId(1), Outcome::Previewed(slot.key(), preview));
}

#[test]
fn d_shows_where_the_two_differ_and_by_how_much() {
    let mut explorer = pair(setup(120, 36));
    assert!(styled(&explorer.frame()).contains("D diff"), "the hint");
    explorer.keys("D");
    assert!(styled(&explorer.frame()).contains("Comparing the pixels…"));
    compared(&mut explorer, Depth::True);
    let frame = styled(&explorer.frame());
    for words in ["mean difference 10.0 % of the range", "≥ 20.0 %", "most: ", "right", "bird"] {
        assert!(frame.contains(words), "{words}:\n{frame}");
    }
    // The next pair is looked at in the same way.
    explorer.keys("Down");
    assert_eq!(view(&explorer), PairView::Difference);
    explorer.keys("D");
    assert_eq!(view(&explorer), PairView::SideBySide);
    explorer.keys("D Esc");
    assert_eq!((view(&explorer), explorer.app.over.len()), (PairView::SideBySide, 1), "first both again");
    explorer.keys("b D b b");
    assert_eq!(view(&explorer), PairView::Row, "each key from wherever the other led");
    explorer.keys("Esc Esc p");
    assert_eq!(view(&explorer), PairView::SideBySide, "the next pair is opened side by side");
}

#[test]
fn without_colors_numbers_say_where_they_differ() {
    let mut explorer = pair(Setup { depth: Depth::Mono, ..setup(80, 24) });
    explorer.keys("D");
    compared(&mut explorer, Depth::Mono);
    let frame = styled(&explorer.frame());
    assert!(frame.contains(" 0.0 ") && frame.contains(" 20.0 "), "{frame}");
    assert!(frame.contains("mean difference 10.0 %") && frame.contains("░▒▒▓██ ≥ 20.0 %"), "{frame}");
}

#[test]
fn a_small_terminal_keeps_the_number() {
    let mut explorer = pair(setup(40, 8));
    explorer.keys("D");
    compared(&mut explorer, Depth::True);
    let frame = styled(&explorer.frame());
    assert!(frame.contains("mean difference 10.0 %"), "{frame}");
}
