//! The one table of keys. What a key does, the line of hints, the help page and the README's table all come from it.

use std::fmt::Write as _;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{
    action::{Action, Screen, Step},
    binding::{Binding, CLOSE, LISTS, METRIC, PICTURES, SWAP, VIEW, WHY, bind},
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
    /// What makes two pictures alike.
    Why,
    /// What is to be moved away.
    Disposal,
    /// The help page.
    Help,
}

impl Context {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        Screen::ALL.into_iter().map(Self::Screen).chain([
            Self::Picture,
            Self::Pair,
            Self::Why,
            Self::Disposal,
            Self::Help,
        ])
    }

    /// Its name in the help and the README.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Screen(screen) => screen.name(),
            Self::Picture => "one picture",
            Self::Pair => "a pair",
            Self::Why => "why alike",
            Self::Disposal => "moving away",
            Self::Help => "help",
        }
    }

    /// The keys that work here besides those of everywhere, in the order of the hints: its own, and those for pictures,
    /// unless a key means something of its own here.
    #[must_use]
    pub fn keys(self) -> Vec<Binding> {
        let (own, shared): (&[Binding], &[&[Binding]]) = match self {
            Self::Screen(screen) => {
                let screens = Screens::default();
                let room = screens.get(screen);
                (room.keys(), if room.lists_pictures() { &[LISTS, PICTURES] } else { &[] })
            }
            Self::Picture => (PICTURE, &[PICTURES]),
            Self::Pair => (PAIR, &[PICTURES]),
            Self::Why => (WHY_ALIKE, &[]),
            Self::Disposal => (DISPOSAL, &[]),
            Self::Help => (HELP, &[]),
        };
        let taken = |key: &str| own.iter().any(|binding| binding.keys.split(' ').any(|own| own == key));
        let free = |binding: &&Binding| !binding.keys.split(' ').any(taken);
        own.iter().chain(shared.iter().copied().flatten().filter(free)).copied().collect()
    }

    /// Whether it is a screen that lists pictures.
    fn lists_pictures(self) -> bool {
        matches!(self, Self::Screen(screen) if Screens::default().get(screen).lists_pictures())
    }
}

const PICTURE: &[Binding] = &[bind("Enter", Action::OpenNeighbors), bind("v", Action::OpenQuery), METRIC];
const PAIR: &[Binding] = &[
    bind("Enter", Action::OpenNeighbors),
    METRIC,
    bind("b", Action::Blink),
    bind("D", Action::Difference),
    SWAP,
    WHY,
    VIEW,
];
const WHY_ALIKE: &[Binding] = &[WHY, CLOSE];
const DISPOSAL: &[Binding] = &[bind("Enter t", Action::ToTrash), bind("f", Action::ToFolder), CLOSE];
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
    bind("C", Action::Coloring),
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

/// The keys in use: those of the program, unless the user has chosen others.
#[derive(Debug, Clone)]
pub struct Keys {
    contexts: Vec<(Context, Vec<Binding>)>,
    everywhere: Vec<Binding>,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            contexts: Context::all().map(|context| (context, context.keys())).collect(),
            everywhere: everywhere().collect(),
        }
    }
}

/// Every binding of the program once, with the contexts in which it works; `None` for everywhere.
#[must_use]
pub fn table() -> Vec<(Binding, Option<Vec<Context>>)> {
    Keys::default().table()
}

impl Keys {
    /// Every key that works in a context.
    pub(super) fn bindings(&self, context: Context) -> impl Iterator<Item = Binding> + '_ {
        self.own(context).chain(&self.everywhere).copied()
    }

    /// Those of them that are worth naming: that Backspace closes as well is not what one looks for.
    pub(super) fn named(&self, context: Context) -> impl Iterator<Item = Binding> + '_ {
        self.own(context).filter(|binding| **binding != CLOSE).chain(&self.everywhere).copied()
    }

    /// The keys of a context besides those of everywhere.
    fn own(&self, context: Context) -> impl Iterator<Item = &Binding> {
        self.contexts.iter().filter(move |(at, _)| *at == context).flat_map(|(_, bindings)| bindings)
    }

    /// Gives an action other keys, in one context or wherever it has keys; in a context beside those of everywhere. Names
    /// as in [`Chord::parse`]. What is chosen for one context must come last: a choice for all takes its place.
    ///
    /// # Errors
    /// A sentence that names what is no key, or says that the action has no keys there.
    pub fn rebind(&mut self, context: Option<Context>, action: &str, keys: &[String]) -> Result<(), String> {
        if keys.is_empty() {
            return Err("it needs at least one key".to_owned());
        }
        if let Some(name) = keys.iter().find(|name| Chord::parse(name).is_none()) {
            return Err(format!("“{name}” is no key: write a, A, Ctrl-a, F1, Enter, Space, Up or PgDn, for example"));
        }
        // They are in use until the program ends.
        let keys: &'static str = Box::leak(keys.join(" ").into_boxed_str());
        if context.is_none() && self.everywhere.iter().any(|binding| binding.action.name() == action) {
            // What works everywhere needs no second key anywhere.
            self.contexts.iter_mut().for_each(|(_, own)| own.retain(|binding| binding.action.name() != action));
        }
        let own = self.contexts.iter_mut().filter(|(at, _)| context.is_none_or(|context| *at == context));
        let bindings = own.flat_map(|(_, bindings)| bindings);
        let everywhere = self.everywhere.iter_mut().filter(|_| context.is_none());
        let mut known = false;
        for binding in bindings.chain(everywhere).filter(|binding| binding.action.name() == action) {
            (binding.keys, known) = (keys, true);
        }
        if known {
            return Ok(());
        }
        // What works everywhere works here, too, and may have a key of its own here.
        let shared = self.everywhere.iter().find(|binding| binding.action.name() == action);
        let here = self.contexts.iter_mut().find(|(at, _)| Some(*at) == context);
        let (Some(shared), Some((_, own))) = (shared, here) else { return Err("it has no key there".to_owned()) };
        own.push(Binding { keys, ..*shared });
        Ok(())
    }

    /// Whether each key means one thing in each context.
    ///
    /// # Errors
    /// A sentence that names the key and the two actions.
    pub fn check(&self) -> Result<(), String> {
        for context in Context::all() {
            let mut seen: Vec<(Chord, Binding)> = Vec::new();
            for binding in self.bindings(context) {
                for name in binding.keys.split(' ') {
                    let Some(chord) = Chord::parse(name) else { continue };
                    let means_another =
                        |(known, other): &&(Chord, Binding)| *known == chord && other.action != binding.action;
                    if let Some((_, other)) = seen.iter().find(means_another) {
                        let [a, b] = [other, &binding].map(|binding| binding.action.name());
                        let place = context.name();
                        return Err(format!("“{name}” would mean both {a} and {b} in {place}: give one another key"));
                    }
                    seen.push((chord, binding));
                }
            }
        }
        Ok(())
    }

    /// Every binding once, with the contexts in which it works; `None` for everywhere.
    fn table(&self) -> Vec<(Binding, Option<Vec<Context>>)> {
        let mut table: Vec<(Binding, Option<Vec<Context>>)> = Vec::new();
        for (context, bindings) in &self.contexts {
            for binding in bindings {
                match table.iter_mut().find(|(known, _)| known == binding) {
                    Some((_, Some(contexts))) => contexts.push(*context),
                    _ => table.push((*binding, Some(vec![*context]))),
                }
            }
        }
        table.extend(self.everywhere.iter().map(|binding| (*binding, None)));
        table
    }
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

/// Whether more than two keys are letters in a row.
fn is_range(keys: &[&str]) -> bool {
    let follow = |pair: &[&str]| matches!((pair[0].as_bytes(), pair[1].as_bytes()), ([letter], [next]) if letter.checked_add(1) == Some(*next));
    keys.len() > 2 && keys.windows(2).all(follow)
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

/// Keys and words in the line of hints.
pub type Hint = (String, &'static str);

/// A part of the help page: a heading, and keys with their meaning under it.
pub type Section = (&'static str, Vec<(String, &'static str)>);

impl Keys {
    /// What a key does in a context. Chords with Alt, Super, Meta or Hyper are not bound.
    #[must_use]
    pub fn lookup(&self, context: Context, key: KeyEvent) -> Option<Action> {
        if key.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::SUPER | KeyModifiers::META | KeyModifiers::HYPER)
        {
            return None;
        }
        let chord = Chord::from(key);
        self.bindings(context)
            .find(|binding| binding.keys.split(' ').any(|name| Chord::parse(name) == Some(chord)))
            .map(|binding| binding.action)
    }

    /// Key and words for the line of hints of a context, most useful first; what has no words is left out. Apart from
    /// these what is never missing: closing what lies on top, help and quit.
    #[must_use]
    pub fn hints(&self, context: Context, words: &dyn Fn(Action) -> Option<&'static str>) -> [Vec<Hint>; 2] {
        // Going back with Esc is known; only what lies on top says so, and that is never missing.
        let always: &[Action] = match context {
            Context::Screen(_) => &[Action::Help, Action::Quit],
            _ => &[Action::Escape, Action::Help, Action::Quit],
        };
        let first = |binding: Binding| label(binding.keys.split(' ').next().unwrap_or(""));
        let key = |binding: &Binding, words: &'static str| {
            // Keys that belong together share a hint.
            let found = |action: &Action| self.named(context).find(|binding| binding.action == *action).map(first);
            let all = binding.action.hinted_with().map(|all| all.iter().filter_map(found).collect());
            let mut names: Vec<_> = all.unwrap_or_else(|| vec![first(*binding)]);
            names.dedup();
            let names = match names[..] {
                // Letters in a row are named by the first and the last.
                [a, .., b] if is_range(&names) => format!("{a}-{b}"),
                _ => names.join(" "),
            };
            (names, words)
        };
        // What has keys of its own here is named by these.
        let is_first = |binding: &Binding| {
            self.named(context).find(|one| one.action == binding.action).is_some_and(|first| first == *binding)
        };
        let own = self
            .named(context)
            .filter(|binding| !matches!(binding.action, Action::Escape | Action::Help | Action::Quit))
            .filter(is_first)
            .filter_map(|binding| Some((binding, words(binding.action).filter(|words| !words.is_empty())?)))
            .map(|(binding, words)| key(&binding, words))
            .collect();
        let always = always.iter().filter_map(|action| self.named(context).find(|one| one.action == *action));
        [own, always.map(|binding| key(&binding, binding.action.hint())).collect()]
    }

    /// The keys of the help page, each once: first those of the place where it was opened.
    #[must_use]
    pub fn sections(&self, here: Context) -> Vec<Section> {
        let table = self.table();
        let rows = |wanted: &dyn Fn(&Binding, Option<&[Context]>) -> bool| -> Vec<(String, &'static str)> {
            table
                .iter()
                // A second key that closes is not worth a line, unless it is the only one.
                .filter(|(binding, contexts)| *binding != CLOSE || contexts.is_none())
                .filter(|(binding, contexts)| wanted(binding, contexts.as_deref()))
                .map(|(binding, _)| (keys(binding), binding.action.help()))
                .collect()
        };
        let moves = |binding: &Binding| matches!(binding.action, Action::Move(_));
        let shows =
            |binding: &Binding| matches!(binding.action, Action::Show(_) | Action::NextScreen | Action::PreviousScreen);
        let is_here = |contexts: Option<&[Context]>| contexts.is_some_and(|contexts| contexts.contains(&here));
        // In the order of the hints: what is for this place alone comes first.
        let own =
            self.own(here).filter(|binding| **binding != CLOSE).map(|binding| (keys(binding), binding.action.help()));
        let mut sections = vec![(here.name(), own.collect::<Vec<_>>())];
        sections.push(("Moving", rows(&|binding, _| moves(binding))));
        sections.push(("Screens", rows(&|binding, _| shows(binding))));
        sections
            .push(("Everywhere", rows(&|binding, contexts| contexts.is_none() && !moves(binding) && !shows(binding))));
        let elsewhere = |contexts: Option<&[Context]>| !is_here(contexts) && contexts.is_some();
        let several = |contexts: Option<&[Context]>| contexts.is_some_and(|contexts| contexts.len() > 1);
        sections.push(("Several other screens", rows(&|_, contexts| elsewhere(contexts) && several(contexts))));
        for context in Context::all().filter(|context| *context != here) {
            sections.push((context.name(), rows(&|_, contexts| contexts == Some(&[context]))));
        }
        sections.retain(|(_, rows)| !rows.is_empty());
        sections
    }
}

fn keys(binding: &Binding) -> String {
    binding.keys.split(' ').map(label).collect::<Vec<_>>().join(" ")
}

/// Where a key works, in words: most keys for pictures work on every screen that lists some.
fn places(contexts: &[Context]) -> String {
    let names =
        |contexts: &mut dyn Iterator<Item = Context>| contexts.map(Context::name).collect::<Vec<_>>().join(", ");
    let missing: Vec<_> = Context::all().filter(|at| at.lists_pictures() && !contexts.contains(at)).collect();
    if missing.len() > 2 {
        return names(&mut contexts.iter().copied());
    }
    let but = if missing.is_empty() { String::new() } else { format!(" but {}", names(&mut missing.into_iter())) };
    let others = names(&mut contexts.iter().copied().filter(|at| !at.lists_pictures()));
    let others = if others.is_empty() { others } else { format!(", {others}") };
    format!("every screen with pictures{but}{others}")
}

/// The README's table of keys, in Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut markdown = String::from("| Keys | What they do | Where |\n| --- | --- | --- |\n");
    for (binding, contexts) in table().into_iter().filter(|(binding, _)| *binding != CLOSE) {
        let keys: Vec<_> = binding.keys.split(' ').map(|key| format!("`{}`", label(key))).collect();
        let places = contexts.map_or_else(|| "everywhere".to_owned(), |contexts| places(&contexts));
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
        let keys = Keys::default();
        for context in Context::all() {
            let mut seen = HashSet::new();
            for binding in keys.bindings(context) {
                for name in binding.keys.split(' ') {
                    let chord = Chord::parse(name).unwrap_or_else(|| panic!("{name:?} is no key"));
                    assert!(seen.insert(chord), "{name} is bound twice in {context:?}");
                    assert_eq!(keys.lookup(context, chord.event()), Some(binding.action), "{name} in {context:?}");
                }
            }
        }
    }

    #[test]
    fn every_action_has_a_key_somewhere() {
        let keys = Keys::default();
        let bound: HashSet<_> =
            Context::all().flat_map(|context| keys.bindings(context).map(|binding| binding.action)).collect();
        let variant = |action: &Action| format!("{action:?}").split('(').next().unwrap_or_default().to_owned();
        let with_keys: HashSet<_> = bound.iter().map(variant).collect();
        let (_, source) = include_str!("action.rs").split_once("pub enum Action {\n").expect("it is there");
        let (source, _) = source.split_once("\n}\n").expect("it ends");
        let declared = source.lines().map(str::trim).filter(|line| line.starts_with(char::is_uppercase));
        let declared: HashSet<_> =
            declared.map(|line| line.split(['(', ',']).next().unwrap_or_default().to_owned()).collect();
        assert!(declared.len() > 50, "the actions are declared otherwise: {declared:?}");
        assert_eq!(declared, with_keys);
        let steps = [
            [Step::Up, Step::Down, Step::Left, Step::Right, Step::PageUp],
            [Step::PageDown, Step::HalfUp, Step::HalfDown, Step::First, Step::Last],
        ];
        let moves = steps.as_flattened().iter().map(|step| Action::Move(*step));
        let pans = steps[0][..4].iter().map(|step| Action::Pan(*step));
        for action in moves.chain(pans).chain(Screen::ALL.map(Action::Show)).chain((0..4).map(Action::PickGuess)) {
            assert!(bound.contains(&action), "{action:?}");
        }
    }

    #[test]
    fn every_context_can_be_left_and_explained() {
        for context in Context::all() {
            for wanted in [Action::Escape, Action::Help, Action::Quit] {
                let bound = Keys::default().bindings(context).any(|binding| binding.action == wanted);
                assert!(bound, "{wanted:?} has no key in {context:?}");
            }
            let hints = Keys::default().hints(context, &|action| Some(action.hint())).concat();
            let last = [("Esc".to_owned(), "close"), ("?".to_owned(), "help"), ("q".to_owned(), "quit")];
            let last = if matches!(context, Context::Screen(_)) { &last[1..] } else { &last };
            assert_eq!(&hints[hints.len() - last.len()..], last, "{context:?}");
            assert_eq!(hints.iter().filter(|hint| hint.1 == "close").count(), last.len() - 2, "{context:?}");
        }
    }

    #[test]
    fn every_explanation_is_short_and_every_binding_is_on_the_help_page() {
        for here in Context::all() {
            let shown: Vec<_> = Keys::default().sections(here).into_iter().flat_map(|(_, rows)| rows).collect();
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
        assert_eq!(Keys::default().lookup(browse, shifted), Some(Action::Move(Step::Last)));
        assert_eq!(Keys::default().lookup(browse, KeyEvent::new(KeyCode::Char('q'), KeyModifiers::ALT)), None);
    }

    #[test]
    fn other_keys_take_the_place_of_the_programs_wherever_their_action_has_some() {
        let mut keys = Keys::default();
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        keys.rebind(None, "zoom-in", &own(&["z", "Ctrl-x"])).expect("it has keys");
        keys.rebind(Some(Context::Pair), "swap", &own(&["t"])).expect("it has keys");
        keys.check().expect("no key means two things");
        let at = |context, name: &str| keys.lookup(context, Chord::parse(name).expect("a key").event());
        let heatmap = Context::Screen(Screen::Heatmap);
        assert_eq!([at(heatmap, "z"), at(heatmap, "+")], [Some(Action::ZoomIn), None]);
        assert_eq!([at(heatmap, "x"), at(Context::Pair, "x")], [Some(Action::Swap), None]);
        let hints = keys.hints(heatmap, &|action| Some(action.hint())).concat();
        assert!(hints.contains(&("z -".to_owned(), "zoom")));
        assert!(keys.rebind(None, "zoom-in", &[]).is_err() && keys.rebind(None, "zoom-in", &own(&["Foo"])).is_err());
        assert!(keys.rebind(Some(Context::Pair), "zoom-in", &own(&["a"])).is_err(), "it has no key there");
        keys.rebind(None, "quit", &own(&["m"])).expect("it has keys");
        let twice = keys.check().expect_err("m is the metric's");
        assert!(twice.contains("“m” would mean both metric and quit"), "{twice}");
    }

    #[test]
    fn what_works_everywhere_may_have_a_key_of_its_own_in_one_place() {
        let mut keys = Keys::default();
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let at = |keys: &Keys, context, name: &str| keys.lookup(context, Chord::parse(name).expect("a key").event());
        keys.rebind(None, "escape", &own(&["X"])).expect("it works everywhere");
        for context in [Context::Picture, Context::Pair, Context::Help] {
            keys.rebind(Some(context), "escape", &own(&["Z"])).expect("it works there, too");
            keys.check().expect("no key means two things");
            assert_eq!([at(&keys, context, "Z"), at(&keys, context, "X")], [Some(Action::Escape); 2], "{context:?}");
            let hints = keys.hints(context, &|action| Some(action.hint())).concat();
            let closing: Vec<_> = hints.iter().filter(|hint| hint.1 == Action::Escape.hint()).collect();
            assert!(closing.len() == 1 && closing[0].0 == "Z", "{context:?}: {closing:?}");
        }
        keys.rebind(Some(Context::Why), "escape", &own(&["X"])).expect("it works there, too");
        keys.check().expect("twice the same is no contradiction");
        let map = Context::Screen(Screen::Map);
        keys.rebind(Some(map), "quit", &own(&["Q"])).expect("it works there, too");
        assert!(keys.check().is_err(), "Q asks there");
        keys.rebind(Some(map), "quit", &own(&["W"])).expect("it has one there now");
        keys.check().expect("W was free");
        let hints = keys.hints(map, &|action| Some(action.hint())).concat();
        assert_eq!(hints[hints.len() - 2..], [("?".to_owned(), "help"), ("W".to_owned(), "quit")]);
    }

    #[test]
    fn a_second_key_that_closes_is_named_where_it_is_the_only_one() {
        let mut keys = Keys::default();
        keys.rebind(None, "return", &["T".to_owned()]).expect("it has keys");
        keys.rebind(None, "escape", &["Backspace".to_owned()]).expect("it has keys");
        keys.check().expect("no key means two things");
        for context in Context::all() {
            assert_eq!(keys.sentence(context, "{escape} leaves all."), "Backspace leaves all.", "{context:?}");
            let rows: Vec<_> = keys.sections(context).into_iter().flat_map(|(_, rows)| rows).collect();
            let closing: Vec<_> = rows.iter().filter(|row| row.1 == Action::Escape.help()).collect();
            assert!(closing.len() == 1 && closing[0].0 == "Bksp", "{context:?}: {closing:?}");
        }
        let hints = keys.hints(Context::Disposal, &|action| Some(action.hint())).concat();
        assert!(hints.contains(&("Bksp".to_owned(), Action::Escape.hint())), "{hints:?}");
    }

    #[test]
    fn keys_that_share_a_hint_are_all_named_unless_they_are_letters_in_a_row() {
        let mut keys = Keys::default();
        let labels = Context::Screen(Screen::Labels);
        let hinted = |keys: &Keys| {
            let hints = keys.hints(labels, &|action| Some(action.hint())).concat();
            hints.into_iter().find(|hint| hint.1 == Action::PickGuess(0).hint()).map(|hint| hint.0)
        };
        assert_eq!(hinted(&keys).as_deref(), Some("a-d"));
        keys.rebind(None, "pick-guess-1", &["z".to_owned()]).expect("it has keys");
        assert_eq!(hinted(&keys).as_deref(), Some("a z c d"));
    }
}
