//! The one table of keys. What a key does, the line of hints, the help page and the README's table all come from it.

use std::fmt::Write as _;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{
    action::{Action, Screen, Step},
    binding::{Binding, CLOSE, COPY, EXPORT, MARK, METRIC, OPEN_OUTSIDE, SWAP, UNMARK_ALL, VIEW, bind},
    screens::Screens,
};

/// Where a key is pressed: on a screen, or on what lies on top of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    /// A screen.
    Screen(Screen),
    /// One large picture.
    Picture,
    /// Two pictures side by side.
    Pair,
    /// The help page.
    Help,
}

impl Context {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        Screen::ALL.into_iter().map(Self::Screen).chain([Self::Picture, Self::Pair, Self::Help])
    }

    /// Its name in the help and the README.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Screen(screen) => screen.name(),
            Self::Picture => "one picture",
            Self::Pair => "a pair",
            Self::Help => "help",
        }
    }

    /// The keys that work here besides those of everywhere, in the order of the hints.
    #[must_use]
    pub fn keys(self) -> &'static [Binding] {
        match self {
            Self::Screen(screen) => Screens::default().get(screen).keys(),
            Self::Picture => PICTURE,
            Self::Pair => PAIR,
            Self::Help => HELP,
        }
    }
}

const PICTURE: &[Binding] =
    &[bind("Enter", Action::OpenNeighbors), METRIC, OPEN_OUTSIDE, MARK, UNMARK_ALL, COPY, EXPORT, CLOSE];
const PAIR: &[Binding] = &[
    bind("Enter", Action::OpenNeighbors),
    METRIC,
    bind("b", Action::Blink),
    SWAP,
    VIEW,
    OPEN_OUTSIDE,
    MARK,
    UNMARK_ALL,
    COPY,
    EXPORT,
    CLOSE,
];
const HELP: &[Binding] = &[CLOSE];

const EVERYWHERE: &[Binding] = &[
    bind("Tab", Action::NextScreen),
    bind("Shift-Tab", Action::PreviousScreen),
    bind("Up k", Action::Move(Step::Up)),
    bind("Down j", Action::Move(Step::Down)),
    bind("Left h", Action::Move(Step::Left)),
    bind("Right l", Action::Move(Step::Right)),
    bind("PgUp Ctrl-b", Action::Move(Step::PageUp)),
    bind("PgDn", Action::Move(Step::PageDown)),
    bind("Ctrl-u", Action::Move(Step::HalfUp)),
    bind("Ctrl-d", Action::Move(Step::HalfDown)),
    bind("Home g", Action::Move(Step::First)),
    bind("End G", Action::Move(Step::Last)),
    bind("Esc", Action::Escape),
    bind("? F1", Action::Help),
    bind("Ctrl-l", Action::Redraw),
    bind("Ctrl-z", Action::Suspend),
    bind("q Ctrl-c", Action::Quit),
];

/// The keys of everywhere: those of the screens, by [`Screen::key`], and the others.
fn everywhere() -> impl Iterator<Item = Binding> {
    let screens = Screen::ALL.into_iter().map(|screen| bind(screen.key(), Action::Show(screen)));
    screens.chain(EVERYWHERE.iter().copied())
}

/// Every key that works in a context.
fn bindings(context: Context) -> impl Iterator<Item = Binding> {
    context.keys().iter().copied().chain(everywhere())
}

/// Every binding once, with the contexts in which it works; `None` for everywhere.
#[must_use]
pub fn table() -> Vec<(Binding, Option<Vec<Context>>)> {
    let mut table: Vec<(Binding, Option<Vec<Context>>)> = Vec::new();
    for context in Context::all() {
        for binding in context.keys() {
            match table.iter_mut().find(|(known, _)| known == binding) {
                Some((_, Some(contexts))) => contexts.push(context),
                _ => table.push((*binding, Some(vec![context]))),
            }
        }
    }
    table.extend(everywhere().map(|binding| (binding, None)));
    table
}

/// One key with what is held down beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chord {
    code: KeyCode,
    control: bool,
}

impl Chord {
    /// Reads a name such as `j`, `G`, `Ctrl-d`, `PgUp`, `Space`; `None` for what is no key.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        if let Some(rest) = name.strip_prefix("Ctrl-") {
            return Self::parse(rest).map(|chord| Self { control: true, ..chord });
        }
        let mut chars = name.chars();
        let code = match (chars.next(), chars.next()) {
            (Some(only), None) => KeyCode::Char(only),
            _ => match name {
                "Up" => KeyCode::Up,
                "Down" => KeyCode::Down,
                "Left" => KeyCode::Left,
                "Right" => KeyCode::Right,
                "PgUp" => KeyCode::PageUp,
                "PgDn" => KeyCode::PageDown,
                "Home" => KeyCode::Home,
                "End" => KeyCode::End,
                "Enter" => KeyCode::Enter,
                "Backspace" => KeyCode::Backspace,
                "Esc" => KeyCode::Esc,
                "Tab" => KeyCode::Tab,
                "Shift-Tab" => KeyCode::BackTab,
                "Space" => KeyCode::Char(' '),
                "F1" => KeyCode::F(1),
                _ => return None,
            },
        };
        Some(Self { code, control: false })
    }

    /// The event a terminal sends for it.
    #[must_use]
    pub fn event(self) -> KeyEvent {
        KeyEvent::new(self.code, if self.control { KeyModifiers::CONTROL } else { KeyModifiers::NONE })
    }
}

impl From<KeyEvent> for Chord {
    /// Shift is dropped: it is already in the character, and terminals disagree on reporting it.
    fn from(key: KeyEvent) -> Self {
        Self { code: key.code, control: key.modifiers.contains(KeyModifiers::CONTROL) }
    }
}

/// What a key does in a context. Chords with Alt, Super, Meta or Hyper are not bound.
#[must_use]
pub fn lookup(context: Context, key: KeyEvent) -> Option<Action> {
    if key.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::SUPER | KeyModifiers::META | KeyModifiers::HYPER) {
        return None;
    }
    let chord = Chord::from(key);
    bindings(context)
        .find(|binding| binding.keys.split(' ').any(|name| Chord::parse(name) == Some(chord)))
        .map(|binding| binding.action)
}

/// The name of the key as people know it from the keyboard: arrows as arrows.
#[must_use]
pub fn label(name: &'static str) -> &'static str {
    match name {
        "Up" => "↑",
        "Down" => "↓",
        "Left" => "←",
        "Right" => "→",
        "Backspace" => "Bksp",
        _ => name,
    }
}

/// Key and words for the line of hints of a context, most useful first; help and quit come last and are never missing.
#[must_use]
pub fn hints(context: Context) -> Vec<(&'static str, &'static str)> {
    let last = |binding: &Binding| matches!(binding.action, Action::Help | Action::Quit);
    let overlay = !matches!(context, Context::Screen(_));
    let key = |binding: Binding| {
        let first = match binding.action {
            // Two keys that undo each other share a hint.
            Action::ZoomIn => "+ -",
            Action::More | Action::NextGroup => "[ ]",
            Action::Looser => "- +",
            Action::WithoutCopies => "< >",
            _ => label(binding.keys.split(' ').next().unwrap_or("")),
        };
        (first, binding.action.hint())
    };
    let hinted = || bindings(context).filter(|binding| !binding.action.hint().is_empty());
    let mut hints: Vec<_> = hinted()
        .filter(|binding| !last(binding))
        // Going back with Esc is known; only what lies on top says so.
        .filter(|binding| binding.action != Action::Escape || (overlay && binding.keys == "Esc"))
        .map(key)
        .collect();
    hints.extend(hinted().filter(last).map(key));
    hints
}

/// A part of the help page: a heading, and keys with their meaning under it.
pub type Section = (&'static str, Vec<(String, &'static str)>);

/// The keys of the help page, each once: first those of the place where it was opened.
#[must_use]
pub fn sections(here: Context) -> Vec<Section> {
    let table = table();
    let rows = |wanted: &dyn Fn(&Binding, Option<&[Context]>) -> bool| -> Vec<(String, &'static str)> {
        table
            .iter()
            .filter(|(binding, contexts)| *binding != CLOSE && wanted(binding, contexts.as_deref()))
            .map(|(binding, _)| (keys(binding), binding.action.help()))
            .collect()
    };
    let moves = |binding: &Binding| matches!(binding.action, Action::Move(_));
    let shows =
        |binding: &Binding| matches!(binding.action, Action::Show(_) | Action::NextScreen | Action::PreviousScreen);
    let is_here = |contexts: Option<&[Context]>| contexts.is_some_and(|contexts| contexts.contains(&here));
    let mut sections = vec![(here.name(), rows(&|_, contexts| is_here(contexts)))];
    sections.push(("Moving", rows(&|binding, _| moves(binding))));
    sections.push(("Screens", rows(&|binding, _| shows(binding))));
    sections.push(("Everywhere", rows(&|binding, contexts| contexts.is_none() && !moves(binding) && !shows(binding))));
    let elsewhere = |contexts: Option<&[Context]>| !is_here(contexts) && contexts.is_some();
    let several = |contexts: Option<&[Context]>| contexts.is_some_and(|contexts| contexts.len() > 1);
    sections.push(("Pictures", rows(&|_, contexts| elsewhere(contexts) && several(contexts))));
    for context in Context::all().filter(|context| *context != here) {
        sections.push((context.name(), rows(&|_, contexts| contexts == Some(&[context]))));
    }
    sections.retain(|(_, rows)| !rows.is_empty());
    sections
}

fn keys(binding: &Binding) -> String {
    binding.keys.split(' ').map(label).collect::<Vec<_>>().join(" ")
}

/// The README's table of keys, in Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut markdown = String::from("| Keys | What they do | Where |\n| --- | --- | --- |\n");
    for (binding, contexts) in table().into_iter().filter(|(binding, _)| *binding != CLOSE) {
        let keys: Vec<_> = binding.keys.split(' ').map(|key| format!("`{}`", label(key))).collect();
        let places = contexts.map_or_else(
            || "everywhere".to_owned(),
            |contexts| contexts.into_iter().map(Context::name).collect::<Vec<_>>().join(", "),
        );
        // Writing to a String cannot fail.
        let _ = writeln!(markdown, "| {} | {} | {places} |", keys.join(" "), binding.action.help());
    }
    markdown
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_key_is_bound_twice_in_a_context_and_every_name_is_a_key() {
        for context in Context::all() {
            let mut seen = HashSet::new();
            for binding in bindings(context) {
                for name in binding.keys.split(' ') {
                    let chord = Chord::parse(name).unwrap_or_else(|| panic!("{name:?} is no key"));
                    assert!(seen.insert(chord), "{name} is bound twice in {context:?}");
                    assert_eq!(lookup(context, chord.event()), Some(binding.action), "{name} in {context:?}");
                }
            }
        }
    }

    #[test]
    fn every_context_can_be_left_and_explained() {
        for context in Context::all() {
            for wanted in [Action::Escape, Action::Help, Action::Quit] {
                let bound = bindings(context).any(|binding| binding.action == wanted);
                assert!(bound, "{wanted:?} has no key in {context:?}");
            }
            let hints = hints(context);
            assert_eq!(&hints[hints.len() - 2..], [("?", "help"), ("q", "quit")], "{context:?}");
        }
    }

    #[test]
    fn every_explanation_is_short_and_every_binding_is_on_the_help_page() {
        for here in Context::all() {
            let shown: Vec<_> = sections(here).into_iter().flat_map(|(_, rows)| rows).collect();
            for (binding, _) in table() {
                let help = binding.action.help();
                assert!(!help.is_empty() && help.chars().count() <= 24, "{help:?}");
                assert!(
                    binding == CLOSE || shown.iter().filter(|row| **row == (keys(&binding), help)).count() == 1,
                    "{} ({help}) must be on the help page once",
                    binding.keys
                );
            }
        }
    }

    #[test]
    fn shift_is_in_the_character_and_alt_is_not_bound() {
        let browse = Context::Screen(Screen::Browse);
        let shifted = KeyEvent::new(KeyCode::Char('G'), KeyModifiers::SHIFT);
        assert_eq!(lookup(browse, shifted), Some(Action::Move(Step::Last)));
        assert_eq!(lookup(browse, KeyEvent::new(KeyCode::Char('q'), KeyModifiers::ALT)), None);
    }
}
