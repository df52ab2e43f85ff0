//! Whatever happens in whatever order: nothing panics, and the selection stays.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use lookalike::{
    app::{Event, action::Screen, keymap},
    index::{ImageId, Index, progress::Report},
};
use proptest::prelude::*;

use crate::explorer::{Explorer, segment, setup};

/// What may happen to the explorer.
#[derive(Debug, Clone)]
enum Happening {
    Key(&'static str),
    Type(char),
    Click(u16, u16),
    Resize(u16, u16),
    Grow,
    Remove(u32),
    Restore(u32),
    AnotherRun,
    Rest,
}

fn happening() -> impl Strategy<Value = Happening> {
    let keys: Vec<&'static str> = keymap::table().iter().flat_map(|(binding, _)| binding.keys.split(' ')).collect();
    prop_oneof![
        12 => proptest::sample::select(keys).prop_map(Happening::Key),
        1 => any::<char>().prop_map(Happening::Type),
        1 => (0..130_u16, 0..50_u16).prop_map(|(x, y)| Happening::Click(x, y)),
        1 => (0..130_u16, 0..50_u16).prop_map(|(width, height)| Happening::Resize(width, height)),
        2 => Just(Happening::Grow),
        1 => (0..40_u32).prop_map(Happening::Remove),
        1 => (0..40_u32).prop_map(Happening::Restore),
        1 => Just(Happening::AnotherRun),
        1 => Just(Happening::Rest),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_happens_panics_or_loses_the_selection(happenings in proptest::collection::vec(happening(), 200)) {
        let mut explorer = Explorer::started(setup(80, 24));
        let mut index = Index::new(8);
        for (at, happening) in happenings.into_iter().enumerate() {
            match happening {
                Happening::Key(name) => explorer.key(name),
                Happening::Type(c) => {
                    explorer.update(Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)));
                }
                Happening::Click(column, row) => explorer.update(Event::Mouse(MouseEvent {
                    kind: MouseEventKind::Down(MouseButton::Left),
                    column,
                    row,
                    modifiers: KeyModifiers::NONE,
                })),
                Happening::Resize(width, height) => explorer.update(Event::Resize(width, height)),
                Happening::Grow => {
                    let len = index.id_bound();
                    index.push(segment(len..len + 7));
                    explorer.report(Report::Snapshot(Arc::new(index.clone())));
                }
                Happening::Remove(id) => {
                    index.remove(ImageId(id));
                    explorer.report(Report::Snapshot(Arc::new(index.clone())));
                }
                Happening::Restore(id) => {
                    index.restore(ImageId(id));
                    explorer.report(Report::Snapshot(Arc::new(index.clone())));
                }
                Happening::AnotherRun => {
                    index = Index::new(8);
                    explorer.report(Report::Snapshot(Arc::new(index.clone())));
                }
                Happening::Rest => explorer.update(Event::Rest),
            }
            let app = &explorer.app;
            prop_assert_eq!(app.shared.selected.is_some(), !app.shared.index.is_empty());
            prop_assert!(app.shared.selected.is_none_or(|id| app.shared.index.contains(id)));
            let listed = app.shared.selected.and_then(|id| app.screens.browse.list.position(id));
            if let Some(position) = listed.filter(|_| app.screen == Screen::Browse) {
                let grid = explorer.grid();
                let row = position / grid.columns;
                prop_assert!((app.screens.browse.first..app.screens.browse.first + grid.rows).contains(&row), "the selection is out of view");
            }
            for (id, _) in app.screens.alike.groups().flat_map(|group| &group.members) {
                prop_assert!(app.screen != Screen::Alike || app.shared.index.contains(*id), "a group of what is gone");
            }
            let shown = app.slots().into_iter().all(|slot| slot.row().is_none_or(|row| app.shared.index.contains(row)));
            prop_assert!(shown, "a picture that is gone has a place");
            prop_assert!(app.screens.neighbors.rows.is_empty() || app.screens.neighbors.under_cursor().is_some());
            if at % 5 == 0 {
                explorer.frame();
            }
        }
    }
}
