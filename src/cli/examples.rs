//! What people do with the commands: for `--help` and the manual page.

/// A command, nothing for the explorer; each line of its examples with what it does.
pub const EXAMPLES: &[(&str, &[(&str, &str)])] = &[
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
    (
        "alike",
        &[
            ("lookalike alike ~/Pictures --min 0.95", "copies, and groups of pictures that are almost the same"),
            ("lookalike alike ~/Pictures --paths", "the copies that need not be kept"),
            ("lookalike alike ~/Pictures --keep-in ~/Pictures/albums --trash", "what would go; --yes does it"),
        ],
    ),
    (
        "why",
        &[
            ("lookalike why cat.jpg dog.jpg", "what each region has of their likeness"),
            ("lookalike why cat.jpg dog.jpg --png why.png", "the same in colors, over both pictures"),
        ],
    ),
    ("undo", &[("lookalike undo", "bring back what was moved away last")]),
    (
        "map",
        &[
            ("lookalike map ~/Pictures", "the folder from above, in the terminal"),
            ("lookalike map ~/Pictures --method tsne --png map.png", "as a picture, for a report"),
            ("lookalike map ~/Pictures --csv > map.csv", "the points, for a plotting program"),
        ],
    ),
    (
        "groups",
        &[
            ("lookalike groups ~/Pictures", "what belongs together, in as many groups as separate best"),
            ("lookalike groups ~/Pictures --count 12 --link-to by-group", "what folders of links would be made"),
        ],
    ),
    (
        "outliers",
        &[(
            "lookalike outliers ~/Pictures --json > outliers.json",
            "what does not belong, with every picture's scores",
        )],
    ),
    (
        "labels",
        &[
            ("lookalike labels ~/Pictures/sorted", "which sub-folders are confused, and what lies in a wrong one"),
            ("lookalike labels ~/Pictures --labels labels.csv", "the same for labels in a file: path,label"),
        ],
    ),
    (
        "classify",
        &[
            ("lookalike classify ~/Pictures/sorted --predict ~/Pictures/new", "what new pictures show"),
            ("lookalike classify --probe cats.probe --predict ~/Pictures/new --csv", "the same, learned before"),
        ],
    ),
    ("compare", &[("lookalike compare ~/Pictures --model gaze --model color-grid", "similar, better or worse?")]),
    ("evaluate", &[("lookalike evaluate ~/Pictures --model gaze --model color-grid", "compare two models")]),
    ("gallery", &[("lookalike gallery ~/People --far 0.01", "which threshold names one stranger of a hundred")]),
    (
        "live",
        &[
            ("lookalike live --gallery ~/People --faces", "who is before the camera"),
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
        for (command, lines) in EXAMPLES.iter().copied() {
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
