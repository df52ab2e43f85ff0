//! The one table of keys. What a key does, the line of hints, the help page and the README's table all come from it.

use std::fmt::Write as _;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::action::{Action, Screen, Step};

/// Where a key is pressed: a screen, or what lies on top of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    /// The grid.
    Browse,
    /// The pairwise table.
    Heatmap,
    /// The ranking.
    Neighbors,
    /// The skipped files.
    Problems,
    /// One large picture.
    Picture,
    /// Two pictures side by side.
    Pair,
    /// The help page.
    Help,
}

impl Context {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Browse, Self::Heatmap, Self::Neighbors, Self::Problems, Self::Picture, Self::Pair, Self::Help];

    /// Its name in the help and the README.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Browse => "Browse",
            Self::Heatmap => "Heatmap",
            Self::Neighbors => "Neighbors",
            Self::Problems => "Problems",
            Self::Picture => "one picture",
            Self::Pair => "a pair",
            Self::Help => "help",
        }
    }
}

/// Keys that mean the same in some contexts.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// Names of the keys, separated by spaces, the one shown in hints first.
    pub keys: &'static str,
    /// Where they work.
    pub on: &'static [Context],
    /// What they do.
    pub action: Action,
}

use Context::{Browse, Heatmap, Help, Neighbors, Pair, Picture, Problems};

const EVERYWHERE: &[Context] = &Context::ALL;
const SCREENS: &[Context] = &[Browse, Heatmap, Neighbors, Problems];
const PICTURES: &[Context] = &[Browse, Heatmap, Neighbors, Picture, Pair];

const fn bind(keys: &'static str, on: &'static [Context], action: Action) -> Binding {
    Binding { keys, on, action }
}

/// Every key of the explorer. Within a context the order is that of the hints.
pub const BINDINGS: &[Binding] = &[
    bind("Enter", &[Browse, Picture, Pair], Action::OpenNeighbors),
    bind("Enter", &[Heatmap], Action::OpenPair),
    bind("Enter", &[Neighbors], Action::Follow),
    bind("Backspace", &[Neighbors], Action::Return),
    bind("m", PICTURES, Action::Metric),
    bind("o", &[Heatmap], Action::Order),
    bind("+ =", &[Browse, Heatmap], Action::ZoomIn),
    bind("- _", &[Browse, Heatmap], Action::ZoomOut),
    bind("0", &[Browse, Heatmap], Action::ZoomFit),
    bind("f", &[Neighbors], Action::Farthest),
    bind("]", &[Neighbors], Action::More),
    bind("[", &[Neighbors], Action::Fewer),
    bind("n", &[Heatmap], Action::OpenNeighbors),
    bind("x", &[Heatmap, Pair], Action::Swap),
    bind("p", &[Neighbors], Action::OpenPair),
    bind("v", &[Browse, Heatmap, Neighbors, Pair], Action::OpenPicture),
    bind("/ Ctrl-f", SCREENS, Action::Filter),
    bind("s", &[Browse], Action::Sort),
    bind("Space", PICTURES, Action::Mark),
    bind("M", PICTURES, Action::UnmarkAll),
    bind("y", &[Browse, Heatmap, Neighbors, Problems, Picture, Pair], Action::Copy),
    bind("e", PICTURES, Action::Export),
    bind("1", EVERYWHERE, Action::Show(Screen::Browse)),
    bind("2", EVERYWHERE, Action::Show(Screen::Heatmap)),
    bind("3", EVERYWHERE, Action::Show(Screen::Neighbors)),
    bind("4", EVERYWHERE, Action::Show(Screen::Problems)),
    bind("Tab", EVERYWHERE, Action::NextScreen),
    bind("Shift-Tab", EVERYWHERE, Action::PreviousScreen),
    bind("Up k", EVERYWHERE, Action::Move(Step::Up)),
    bind("Down j", EVERYWHERE, Action::Move(Step::Down)),
    bind("Left h", EVERYWHERE, Action::Move(Step::Left)),
    bind("Right l", EVERYWHERE, Action::Move(Step::Right)),
    bind("PgUp Ctrl-b", EVERYWHERE, Action::Move(Step::PageUp)),
    bind("PgDn", EVERYWHERE, Action::Move(Step::PageDown)),
    bind("Ctrl-u", EVERYWHERE, Action::Move(Step::HalfUp)),
    bind("Ctrl-d", EVERYWHERE, Action::Move(Step::HalfDown)),
    bind("Home g", EVERYWHERE, Action::Move(Step::First)),
    bind("End G", EVERYWHERE, Action::Move(Step::Last)),
    bind("Esc", EVERYWHERE, Action::Escape),
    bind("Backspace", &[Browse, Heatmap, Problems, Picture, Pair, Help], Action::Escape),
    bind("? F1", EVERYWHERE, Action::Help),
    bind("Ctrl-l", EVERYWHERE, Action::Redraw),
    bind("Ctrl-z", EVERYWHERE, Action::Suspend),
    bind("q Ctrl-c", EVERYWHERE, Action::Quit),
];

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

/// What a key does in a context. Keys with Alt or Super held down are nobody's.
#[must_use]
pub fn lookup(context: Context, key: KeyEvent) -> Option<Action> {
    if key.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::SUPER | KeyModifiers::META | KeyModifiers::HYPER) {
        return None;
    }
    let chord = Chord::from(key);
    BINDINGS
        .iter()
        .filter(|binding| binding.on.contains(&context))
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
    let ours = |binding: &&Binding| binding.on.contains(&context) && !binding.action.hint().is_empty();
    let everywhere = |action| matches!(action, Action::Help | Action::Quit);
    let overlay = matches!(context, Picture | Pair | Help);
    let key = |binding: &Binding| {
        let first = match binding.action {
            // Two keys that undo each other share a hint.
            Action::ZoomIn => "+ -",
            Action::More => "[ ]",
            _ => label(binding.keys.split(' ').next().unwrap_or("")),
        };
        (first, binding.action.hint())
    };
    let mut hints: Vec<_> = BINDINGS
        .iter()
        .filter(ours)
        .filter(|binding| !everywhere(binding.action))
        // Going back with Esc is known; only what lies on top says so.
        .filter(|binding| binding.action != Action::Escape || (overlay && binding.keys == "Esc"))
        .map(key)
        .collect();
    hints.extend(BINDINGS.iter().filter(ours).filter(|binding| everywhere(binding.action)).map(key));
    hints
}

/// The help page: a heading for each place, and keys with their meaning under it.
#[must_use]
pub fn sections() -> Vec<(&'static str, Vec<(String, &'static str)>)> {
    let place = |binding: &Binding| match binding.on {
        [only] => Some(*only),
        _ => None,
    };
    let rows = |wanted: &dyn Fn(&Binding) -> bool| -> Vec<(String, &'static str)> {
        BINDINGS
            .iter()
            .filter(|binding| wanted(binding))
            .map(|binding| (keys(binding), binding.action.help()))
            .collect()
    };
    let moves = |binding: &Binding| matches!(binding.action, Action::Move(_));
    let shows =
        |binding: &Binding| matches!(binding.action, Action::Show(_) | Action::NextScreen | Action::PreviousScreen);
    let mut sections = vec![("Screens", rows(&|binding| shows(binding))), ("Moving", rows(&|binding| moves(binding)))];
    sections.push((
        "Pictures",
        rows(&|binding| place(binding).is_none() && binding.on.len() < EVERYWHERE.len() && !hidden(binding)),
    ));
    for context in [Browse, Heatmap, Neighbors] {
        sections.push((context.name(), rows(&|binding| place(binding) == Some(context))));
    }
    sections.push((
        "Everywhere",
        rows(&|binding| binding.on.len() == EVERYWHERE.len() && !moves(binding) && !shows(binding)),
    ));
    sections
}

/// Backspace as a second Esc needs no line of its own.
fn hidden(binding: &Binding) -> bool {
    binding.action == Action::Escape && binding.keys == "Backspace"
}

fn keys(binding: &Binding) -> String {
    binding.keys.split(' ').map(label).collect::<Vec<_>>().join(" ")
}

/// The README's table of keys, in Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut table = String::from("| Keys | What they do | Where |\n| --- | --- | --- |\n");
    for binding in BINDINGS.iter().filter(|binding| !hidden(binding)) {
        let keys: Vec<_> = binding.keys.split(' ').map(|key| format!("`{}`", label(key))).collect();
        let places: Vec<_> = binding.on.iter().map(|context| context.name()).collect();
        let places = if binding.on.len() == EVERYWHERE.len() { "everywhere".to_owned() } else { places.join(", ") };
        // Writing to a String cannot fail.
        let _ = writeln!(table, "| {} | {} | {places} |", keys.join(" "), binding.action.help());
    }
    table
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_key_is_bound_twice_in_a_context_and_every_name_is_a_key() {
        for context in Context::ALL {
            let mut seen = HashSet::new();
            for binding in BINDINGS.iter().filter(|binding| binding.on.contains(&context)) {
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
        for context in Context::ALL {
            for wanted in [Action::Escape, Action::Help, Action::Quit] {
                assert!(
                    BINDINGS.iter().any(|binding| binding.action == wanted && binding.on.contains(&context)),
                    "{wanted:?} has no key in {context:?}"
                );
            }
            let hints = hints(context);
            assert_eq!(&hints[hints.len() - 2..], [("?", "help"), ("q", "quit")], "{context:?}");
        }
    }

    #[test]
    fn every_explanation_is_short_and_every_binding_is_on_the_help_page() {
        let shown: Vec<_> = sections().into_iter().flat_map(|(_, rows)| rows).collect();
        for binding in BINDINGS {
            let help = binding.action.help();
            assert!(!help.is_empty() && help.chars().count() <= 24, "{help:?}");
            assert!(
                hidden(binding) || shown.iter().filter(|row| **row == (keys(binding), help)).count() == 1,
                "{} ({help}) must be on the help page once",
                binding.keys
            );
        }
    }

    #[test]
    fn shift_is_in_the_character_and_alt_is_nobodys() {
        let shifted = KeyEvent::new(KeyCode::Char('G'), KeyModifiers::SHIFT);
        assert_eq!(lookup(Context::Browse, shifted), Some(Action::Move(Step::Last)));
        assert_eq!(lookup(Context::Browse, KeyEvent::new(KeyCode::Char('q'), KeyModifiers::ALT)), None);
    }
}
