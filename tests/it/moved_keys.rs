//! A configuration that moves every key: whatever the explorer says of keys, it says of those.

use std::collections::BTreeMap;

use crate::explorer::{Explorer, setup};
use lookalike::{
    app::{
        App, Setup,
        action::Action,
        keymap::{self, Chord, Context, Keys},
    },
    index::{Skipped, SkippedKind},
};

/// Every action's own key: letters that neither the program nor its pictures know.
fn other_keys() -> Keys {
    let mut keys = Keys::default();
    let mut letters = ('Ѐ'..'ӿ').filter(|letter| letter.is_alphabetic());
    let mut names: Vec<_> = keymap::table().iter().map(|(binding, _)| binding.action.name()).collect();
    names.sort();
    names.dedup();
    for name in names {
        let letter = letters.next().expect("there are more letters than actions");
        keys.rebind(None, &name, &[letter.to_string()]).expect("it has keys");
    }
    keys.check().expect("each has its own");
    keys
}

/// An explorer with these keys, and a way to press what was elsewhere once.
struct Moved {
    explorer: Explorer,
    by_action: BTreeMap<String, Chord>,
}

impl Moved {
    fn new(setup: Setup, len: usize) -> Self {
        let keys = other_keys();
        let mut by_action = BTreeMap::new();
        for context in Context::all() {
            for letter in ('Ѐ'..'ӿ').map(|letter| Chord::parse(&letter.to_string()).expect("a key")) {
                if let Some(action) = keys.lookup(context, letter.event()) {
                    by_action.insert(action.name(), letter);
                }
            }
        }
        let mut explorer = Explorer::started(setup);
        explorer.app = std::mem::replace(&mut explorer.app, App::new(Setup::default())).with(keys);
        explorer.model(false);
        let skipped = Skipped {
            path: "/pictures/broken.jpg".into(),
            kind: SkippedKind::CutOff,
            reason: "the file is cut off".into(),
        };
        explorer.indexed(std::sync::Arc::new(crate::explorer::collection(len)), vec![skipped]);
        Self { explorer, by_action }
    }

    /// Presses the key that now does what these did; what is typed is typed.
    fn press(&mut self, names: &str) {
        for name in names.split_whitespace() {
            let chord = Chord::parse(name).expect("a key");
            let action = Keys::default().lookup(self.explorer.app.context(), chord.event());
            let chord = match action.filter(|_| self.explorer.app.prompt().is_none()) {
                Some(action) => self.by_action[&action.name()],
                None => chord,
            };
            self.explorer.update(lookalike::app::Event::Key(chord.event()));
        }
    }

    /// All that is on the screen.
    fn lines(&self) -> Vec<String> {
        let frame = self.explorer.frame();
        let line = |y| (0..frame.area.width).map(|x| frame[(x, y)].symbol()).collect();
        (0..frame.area.height).map(line).collect()
    }
}

/// What keys do, in sentences.
const VERBS: [&str; 27] = [
    "another", "asks", "brings", "changes", "chooses", "closes", "compare", "finds", "fits", "goes", "indexes",
    "learns", "lists", "looks", "makes", "marks", "moves", "names", "outliers", "show", "shows", "stops", "takes",
    "types", "undoes", "combines", "copies",
];

/// Which of the program's own keys a text says something of: one that is pressed, or does something. In a `sentence` of
/// the sources every other word that is a key and no word of English is one, too; a screen has letters of other kinds.
pub fn names_a_key(text: &str, sentence: bool) -> Option<String> {
    // Columns of the confusion matrix; seconds.
    let text = ["P precision · R recall", " P  R ", "(k = )", "Indexed in  s"]
        .iter()
        .fold(text.to_owned(), |text, no| text.replace(no, ""));
    let keys: Vec<_> = keymap::table().iter().flat_map(|(binding, _)| binding.keys.split(' ')).collect();
    if let Some(pair) = ["< >", "[ ]", "- +", "+ -"].into_iter().find(|pair| text.contains(&format!("({pair})"))) {
        return Some(pair.to_owned());
    }
    let is_word = |c: char| c.is_alphanumeric() || "-+=/!_'’.,%#".contains(c);
    let words: Vec<_> = text.split(|c: char| !is_word(c)).filter(|word| !word.is_empty()).collect();
    let plain = |word: &str| word.trim_end_matches([',', '.', ':']).to_owned();
    words.iter().enumerate().find_map(|(at, word)| {
        let key = plain(word);
        if !keys.contains(&key.as_str()) {
            return None;
        }
        let ambiguous = matches!(key.as_str(), "a" | "A" | "/" | "-" | "+" | "_" | "=" | "!" | "Home" | "End")
            || key.chars().all(|c| c.is_ascii_digit());
        let after = words.get(at + 1).map(|word| plain(word)).unwrap_or_default();
        let does = VERBS.contains(&after.as_str()) && word.len() == key.len();
        let pressed = at > 0 && words[at - 1] == "Press";
        (does || pressed || sentence && !ambiguous).then(|| format!("{key} in {text:?}"))
    })
}

/// Where everything that names keys is said: what is pressed, by the program's own keys.
const PLACES: [&str; 64] = [
    "1",
    "1 ?",
    "1 / n o n e Enter",
    "1 C",
    "1 O",
    "1 e",
    "1 d",
    "1 F",
    "1 Q",
    "1 N",
    "1 Space d",
    "1 Space d ?",
    "1 v",
    "1 v ?",
    "2",
    "2 ?",
    "2 + + + + + + +",
    "2 Enter",
    "2 Enter ?",
    "2 Right w",
    "2 Right w w",
    "2 Right w ?",
    "3",
    "3 ?",
    "3 +",
    "3 Ctrl-o / 1 0 . j p g Enter",
    "3 Ctrl-o / 3 x 7 . j p g Enter",
    "3 Space Q",
    "3 Space Q v v",
    "3 Enter Backspace Backspace",
    "4",
    "4 ?",
    "4 v ?",
    "4 m",
    "4 - - - - - a A",
    "4 + + + + + + + +",
    "5",
    "5 ?",
    "5 t t",
    "5 L",
    "5 c",
    "5 r",
    "5 t r",
    "6",
    "6 ?",
    "6 m",
    "6 o",
    "6 o o o",
    "6 n",
    "7",
    "7 ?",
    "7 v ?",
    "7 m",
    "7 o",
    "7 o o",
    "8",
    "8 ?",
    "8 m",
    "8 o t",
    "8 o Enter",
    "9",
    "9 Enter",
    "9 Enter o ?",
    "! ?",
];

#[test]
fn nothing_on_any_screen_names_a_key_that_was_moved() {
    let mut found = Vec::new();
    for (len, width, height) in [(0, 80, 24), (24, 80, 24), (24, 120, 60)] {
        for place in PLACES {
            let remote = place == "1 O";
            let mut moved = Moved::new(Setup { is_remote: remote, ..setup(width, height) }, len);
            moved.press(place);
            // The keys of a line that is typed in are those of every line.
            let typing = moved.explorer.app.prompt().is_some();
            let mut lines = moved.lines();
            lines.truncate(lines.len() - usize::from(typing));
            lines.extend(moved.explorer.app.message.iter().map(|message| message.text.clone()));
            found.extend(
                lines.iter().filter_map(|line| names_a_key(line, false)).map(|key| format!("{len} {place}: {key}")),
            );
            // What stands for keys in the sources never reaches the screen.
            let raw = |line: &&String| ["{", "}", "[:", "[;", "[,", "[."].into_iter().any(|sign| line.contains(sign));
            found.extend(lines.iter().filter(raw).map(|line| format!("{len} {place}: {line}")));
        }
    }
    found.dedup();
    assert!(found.is_empty(), "these are not the keys any more:\n{}", found.join("\n"));
}

#[test]
fn the_check_itself_finds_keys_where_they_are() {
    // With the program's own keys the same places name them.
    for (place, words) in [
        ("1 d", "Space marks, and d moves"),
        ("1 C", "6 finds groups, 7 outliers, 8 learns labels."),
        ("4 m", "2 and 3 show distances too."),
        ("5 t t r", "t chooses another method"),
        ("9", "Enter indexes"),
        ("1 / n o n e Enter", "/ changes the filter"),
        ("2 + + + + + + +", "0 fits all"),
    ] {
        let mut explorer = Explorer::ready(setup(120, 36), 90);
        explorer.keys(place);
        let said = explorer.app.message.as_ref().map(|message| message.text.clone()).unwrap_or_default();
        let text = crate::explorer::styled(&explorer.frame()) + &said;
        let said: Vec<_> = text.lines().filter(|line| line.contains(words)).collect();
        assert!(!said.is_empty(), "{place}: no {words:?} in\n{text}");
        assert!(said.iter().any(|line| names_a_key(line, false).is_some()), "{place}: no key is seen in {said:?}");
    }
    for plain in ["a picture of 3 cats", "1 is identical, 0 unrelated", "12 pictures", "cats/cat10.jpg", "a-b.jpg"] {
        assert_eq!(names_a_key(plain, true), None, "{plain}");
    }
}

#[test]
fn leaving_can_be_moved_as_well() {
    let mut moved = Moved::new(setup(80, 24), 9);
    moved.press("2 Enter ?");
    assert!(!moved.explorer.app.over.is_empty());
    moved.press("Esc Esc");
    assert!(moved.explorer.app.over.is_empty(), "the key of Escape closes what lies on top");
    let keys = other_keys();
    let picture = keys.lookup(Context::Picture, Chord::parse("Backspace").expect("a key").event());
    assert_eq!(picture, None, "and its old keys do nothing");
    let twice = keys.sections(Context::Picture);
    let rows = twice.iter().flat_map(|(_, rows)| rows).filter(|row| row.1 == Action::Escape.help());
    assert_eq!(rows.count(), 1, "the help names it once");
}
