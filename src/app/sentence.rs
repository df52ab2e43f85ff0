//! Sentences that name keys: which ones these are is asked of the table of keys, where the user may have chosen others.

use super::{
    App,
    action::Action,
    keymap::{Context, Keys, label, table},
};

impl Keys {
    /// The key of an action in a context as a sentence names it: of several the one that hints show. `None` where it has
    /// none.
    fn name(&self, here: Context, is_it: impl Fn(Action) -> bool) -> Option<&'static str> {
        let first = self.named(here).find(|binding| is_it(binding.action))?.keys.split(' ').next()?;
        // In a sentence there is room for the whole word.
        Some(if first == "Backspace" { first } else { label(first) })
    }

    /// A sentence with the keys of its actions, each of which stands in it by [`Action::name`] in braces: `{zoom-in}`. What is in
    /// brackets is left out when a key in it is missing, as an action has no keys in every context; else the whole
    /// sentence is, and an empty one comes back.
    #[must_use]
    pub fn sentence(&self, here: Context, template: &str) -> String {
        let mut sentence = String::new();
        // Every second part is one in brackets.
        for (at, part) in template.split(['[', ']']).enumerate() {
            match (self.filled_in(here, part), at % 2) {
                (Some(words), _) => sentence += &words,
                (None, 0) => return String::new(),
                (None, _) => {}
            }
        }
        sentence
    }

    /// A part with its keys, if all of them are there.
    fn filled_in(&self, here: Context, part: &str) -> Option<String> {
        let mut pieces = part.split(['{', '}']);
        let mut words = pieces.next()?.to_owned();
        while let Some(action) = pieces.next() {
            let is_it = |one: Action| one.name() == action;
            debug_assert!(table().iter().any(|(binding, _)| is_it(binding.action)), "{action} is no action");
            words += self.name(here, is_it)?;
            words += pieces.next().unwrap_or_default();
        }
        Some(words)
    }
}

impl App {
    /// A sentence about pictures and keys, as one about what the rows stand for and the keys that work where the user
    /// is; see [`Keys::sentence`].
    #[must_use]
    pub fn sentence(&self, template: &str) -> String {
        self.shared.words(&self.keys.sentence(self.helped(), template)).into_owned()
    }

    /// The key of an action where the user is; a blank where it has none.
    #[must_use]
    pub fn key_name(&self, action: Action) -> &'static str {
        self.keys.name(self.helped(), |one| one == action).unwrap_or(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::action::Screen;

    #[test]
    fn keys_are_those_of_the_place_and_what_cannot_be_said_is_left_out() {
        let mut keys = Keys::default();
        let (map, problems) = (Context::Screen(Screen::Map), Context::Screen(Screen::Problems));
        let stopped = "Stopped[: {renew} makes the map][, {method} another].";
        assert_eq!(keys.sentence(map, stopped), "Stopped: r makes the map, t another.");
        keys.rebind(None, "renew", &["Ctrl-r".to_owned(), "R".to_owned()]).expect("it has keys");
        assert_eq!(keys.sentence(map, stopped), "Stopped: Ctrl-r makes the map, t another.");
        assert_eq!(keys.sentence(problems, stopped), "Stopped.");
        assert_eq!(keys.sentence(problems, "{renew} makes it"), "", "nothing is left to say");
        assert_eq!(keys.sentence(map, "{move-left} and {return}"), "", "only on Neighbors there is a trail");
        assert_eq!(keys.sentence(Context::Screen(Screen::Neighbors), "{move-left} and {return}"), "← and Backspace");
    }
}
