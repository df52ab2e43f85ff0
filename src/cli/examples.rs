//! What people do with the commands: for `--help` and the manual page.

/// A command, nothing for the explorer; each line of its examples with what it does.
pub const EXAMPLES: [(&str, &[(&str, &str)]); 9] = [
    (
        "",
        &[
            ("lookalike ~/Pictures", "look through a folder"),
            ("lookalike ~/Pictures/cat.jpg", "see what looks like one picture of a folder"),
            ("lookalike --print-marked -0 | xargs -0 -r mv -t /tmp", "move what was marked in the explorer"),
        ],
    ),
    ("index", &[("lookalike index ~/Pictures --exclude thumbnails", "index a folder, for example every night")]),
    (
        "neighbors",
        &[
            ("lookalike neighbors cat.jpg", "the ten pictures of its folder that look most like it"),
            ("lookalike neighbors cat.jpg ~/Pictures -k 3 --paths-only", "three paths, from another folder"),
        ],
    ),
    (
        "matrix",
        &[
            ("lookalike matrix ~/Pictures --order similarity", "the table, alike pictures side by side"),
            ("lookalike matrix ~/Pictures --png heatmap.png", "the table as a picture, for a report"),
            ("lookalike matrix ~/Pictures --csv > pairs.csv", "every pair, for a spreadsheet"),
        ],
    ),
    ("alike", &[("lookalike alike ~/Pictures --min 0.95", "groups of pictures that are almost the same")]),
    ("evaluate", &[("lookalike evaluate ~/Pictures --model glance --model color-grid", "compare two models")]),
    ("gallery", &[("lookalike gallery ~/People --far 0.01", "which threshold names one stranger of a hundred")]),
    (
        "live",
        &[
            ("lookalike live --gallery ~/People", "look through the camera"),
            ("lookalike live --gallery ~/Toys --source ~/Inbox --json", "a line for each new picture of a folder"),
            ("lookalike live --once --source door.jpg --exec 'notify-send {name}'", "one picture, and a command"),
        ],
    ),
    (
        "completions",
        &[("lookalike completions bash > ~/.local/share/bash-completion/completions/lookalike", "install")],
    ),
];

/// The end of a command's long help.
#[must_use]
pub fn of(command: &str) -> String {
    let lines = EXAMPLES.iter().filter(|(of, _)| *of == command).flat_map(|(_, lines)| lines.iter());
    lines.fold("Examples:".to_owned(), |text, (line, what)| format!("{text}\n  {line}\n      {what}"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn every_example_is_understood_and_stands_with_its_command() {
        for (command, lines) in EXAMPLES {
            for (line, what) in lines {
                let words = line.split(['|', '>']).next().unwrap_or("");
                let words = shell_words::split(words).expect("a line of a shell");
                let parsed = Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}"));
                assert_eq!(parsed.command.is_none(), command.is_empty(), "{line}");
                let help = Cli::try_parse_from(["lookalike", command, "--help"].iter().filter(|word| !word.is_empty()));
                let help = help.expect_err("help is asked for").to_string();
                assert!(help.contains(line) && help.contains(what), "{help}");
            }
        }
    }
}
