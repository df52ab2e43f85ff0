//! The help lies beside what it is about, and nothing that it does not cover is drawn anew.

use crate::explorer::{Explorer, setup, styled};
use image::{Rgb, RgbImage};
use lookalike::{
    app::{
        Over,
        help::{HelpLine, HelpPage},
        layout,
    },
    display::{Background, Depth, Link},
    preview::Painter,
    task::{JobId, Outcome},
    text,
};
use ratatui::buffer::Buffer;
use ratatui_image::picker::{Picker, ProtocolType};

/// An explorer whose pictures are all there, as sixels.
fn with_sixels(keys: &str) -> Explorer {
    let mut explorer = Explorer::ready(setup(120, 36), 24);
    explorer.keys(keys);
    let mut picker = Picker::halfblocks();
    picker.set_protocol_type(ProtocolType::Sixel);
    let painter = Painter::new(picker, Depth::True, Background::Dark, Link::Local);
    for slot in explorer.app.slots() {
        let picture = RgbImage::from_pixel(40, 30, Rgb([200, 100, 50]));
        let preview = painter.paint(&picture, slot.area.cells());
        explorer.tell(JobId(1), Outcome::Previewed(slot.key(), preview));
    }
    explorer
}

/// Bytes of pictures that have to be sent to come from one frame to the next.
fn picture_bytes(from: &Buffer, to: &Buffer) -> usize {
    let sent = from.diff(to).into_iter().filter(|(_, _, cell)| cell.symbol().starts_with('\x1b'));
    sent.map(|(_, _, cell)| cell.symbol().len()).sum()
}

#[test]
fn pictures_beside_the_help_stay() {
    for (keys, most) in [("1", 2), ("3", 5), ("2 Enter", 2)] {
        let mut explorer = with_sixels(keys);
        let before = explorer.frame();
        let all = picture_bytes(&Buffer::empty(before.area), &before);
        explorer.keys("?");
        let helped = explorer.frame();
        assert!(styled(&helped).contains("Help"), "{}", styled(&helped));
        assert_eq!(picture_bytes(&before, &helped), 0, "opening it sends no picture: {keys}");
        explorer.keys("Esc");
        let after = explorer.frame();
        assert_eq!(before, after, "all is as it was: {keys}");
        let again = picture_bytes(&helped, &after);
        assert!(again * most <= all + all / 10, "{again} of {all} bytes are sent again: {keys}");
    }
}

#[test]
fn scrolling_ends_with_the_last_line_and_comes_back_at_once() {
    for (width, height) in [(40, 12), (80, 24), (120, 36), (200, 50)] {
        let mut explorer = Explorer::ready(setup(width, height), 9);
        explorer.keys("?");
        let top = styled(&explorer.frame());
        assert!(top.contains("its neighbors, ranked"), "this screen's keys come first:\n{top}");
        explorer.keys("G");
        let end = styled(&explorer.frame());
        let Some(Over::Help(last)) = explorer.app.covering() else { panic!("the help is open") };
        explorer.keys("PgDn Down Down");
        assert_eq!(styled(&explorer.frame()), end, "there is nothing after the end at {width}×{height}");
        explorer.keys("Up");
        assert_eq!(explorer.app.covering(), Some(Over::Help(last.saturating_sub(1))), "at {width}×{height}");
    }
}

#[test]
fn the_help_leaves_room_for_what_it_is_about_where_there_is_any() {
    let body = |width, height| layout::shell((width, height)).body;
    for (width, columns, panel) in [(40, 1, 40), (60, 1, 60), (80, 1, 40), (120, 1, 40), (200, 2, 79)] {
        let (shown, area) = layout::help(body(width, 36));
        assert_eq!((shown, area.width, area.right()), (columns, panel, width), "{width}");
    }
}

#[test]
fn no_line_of_the_help_is_cut() {
    for (width, height) in [(40, 12), (80, 24), (120, 36), (200, 50)] {
        for keys in ["1", "2", "3", "4", "5", "6", "7", "8", "9", "!", "1 v", "3 p", "3 w"] {
            let mut explorer = Explorer::ready(setup(width, height), 24);
            explorer.keys(keys);
            explorer.keys("?");
            for (column, lines) in HelpPage::new(&explorer.app).columns {
                for line in lines {
                    let columns = match &line {
                        HelpLine::Keys(keys, help) => 2 + text::width(keys).max(12) + text::width(help),
                        HelpLine::Words(words) => text::width(words),
                        HelpLine::Heading(name) => text::width(name),
                        HelpLine::Blank => 0,
                    };
                    assert!(columns <= column.width.into(), "{line:?} in {} columns at {width}", column.width);
                }
            }
        }
    }
}

#[test]
fn a_pair_is_explained_as_a_pair() {
    let mut explorer = Explorer::ready(setup(120, 36), 9);
    explorer.keys("3 p ?");
    let frame = styled(&explorer.frame());
    for words in ["a pair", "the two in turn", "where the two differ", "D shows how much each pixel"] {
        assert!(frame.contains(words), "{words}:\n{frame}");
    }
    assert!(frame.contains("Esc close"), "the hint names the key that everybody tries:\n{frame}");
}
