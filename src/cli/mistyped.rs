//! The command that somebody meant who typed something else.

use std::path::PathBuf;

use clap::CommandFactory;

use super::Cli;
use crate::error::Error;

/// Why the first argument is neither a folder nor a command, with the command whose name it is nearest to.
pub fn error(word: impl Into<PathBuf>) -> Error {
    let word = word.into();
    match word.to_str().filter(|word| !word.contains('/')).and_then(meant).filter(|_| !word.exists()) {
        Some(command) => Error::NoCommand { word, command },
        None => Error::NoFolder(word),
    }
}

/// The command whose name is the word but for a letter, or for two where the word is long: one too many, missing, wrong,
/// or two exchanged. Who typed a command's name meant it.
fn meant(word: &str) -> Option<String> {
    let distance = |name: &str| strsim::osa_distance(word, name);
    let program = Cli::command();
    let names = program.get_subcommands().map(clap::Command::get_name);
    let nearest = names.min_by_key(|name| distance(name))?;
    (1..=word.chars().count() / 3).contains(&distance(nearest)).then(|| nearest.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_understood_and_a_folder_is_not_taken_for_one() {
        for (word, command) in
            [("indxe", "index"), ("matrx", "matrix"), ("nieghbours", "neighbors"), ("model", "models"), ("mna", "man")]
        {
            assert_eq!(meant(word).as_deref(), Some(command), "{word}");
        }
        for word in ["", "a", "ma", "data", "photos", "cats", "pictures", "matrix", "man"] {
            assert_eq!(meant(word), None, "{word}");
        }
        assert!(matches!(error("./indxe"), Error::NoFolder(_)), "a path is no command");
    }
}
