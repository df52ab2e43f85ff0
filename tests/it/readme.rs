//! The README says what is so: its key table is the program's, each of its shell examples runs, and the files that it and
//! the other documents name are there.

use std::{
    env, fs,
    io::{Read, Write},
    num::NonZeroU16,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::mpsc,
    thread,
    time::Duration,
};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

const README: &str = include_str!("../../README.md");

/// The lines of all fenced blocks that open with exactly this info string.
fn examples(info: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut inside = None;
    for line in README.lines() {
        match (line.strip_prefix("```"), inside) {
            (Some(_), Some(_)) => inside = None,
            (Some(opened), None) => inside = Some(opened),
            (None, Some(opened)) if opened == info => lines.push(line.to_owned()),
            _ => {}
        }
    }
    assert!(!lines.is_empty(), "the README has no block ```{info}");
    lines
}

/// A copy of what the examples touch, so that what they write lies in a temporary folder.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_images");
        std::os::unix::fs::symlink(pictures, folder.path().join("sample_images")).unwrap();
        Self { folder }
    }

    /// What a newcomer's shell has, and nothing of the machine the test runs on.
    fn variables(&self) -> Vec<(&'static str, PathBuf)> {
        let binary = Path::new(env!("CARGO_BIN_EXE_lookalike")).parent().unwrap().to_owned();
        let mut path = vec![binary];
        path.extend(env::split_paths(&env::var_os("PATH").unwrap()));
        let home = self.folder.path().join("home");
        vec![
            ("PATH", env::join_paths(path).unwrap().into()),
            ("HOME", home.clone()),
            ("XDG_CACHE_HOME", home.join("cache")),
            ("XDG_CONFIG_HOME", home.join("config")),
            ("XDG_DATA_HOME", home.join("data")),
            ("TORCH_HOME", home.join("torch")),
            // Nothing listens on port 9 of this machine: a download ends at once, with or without a network.
            ("https_proxy", "http://127.0.0.1:9".into()),
        ]
    }

    fn sh(&self, line: &str) -> Output {
        Command::new("sh").arg("-c").arg(line).current_dir(self.folder.path()).envs(self.variables()).output().unwrap()
    }
}

#[test]
fn the_key_table_is_the_programs() {
    let (_, rest) = README.split_once("<!-- keys -->\n").expect("the README marks its key table");
    let (table, _) = rest.split_once("<!-- /keys -->").expect("the README ends its key table");
    let generated = lookalike::app::keymap::markdown();
    assert!(table.trim() == generated.trim(), "put this between the README's <!-- keys --> marks:\n{generated}");
}

/// Every document for people, by its path in the checkout.
const DOCUMENTS: [&str; 8] = [
    "README.md",
    "CHANGELOG.md",
    ".github/CONTRIBUTING.md",
    ".github/SECURITY.md",
    "models/faces.md",
    "models/gaze.md",
    "models/train/README.md",
    "sample_images/.make/README.md",
];

/// The paths that a document names: the targets of its links, relative to the document, and what stands in code spans and
/// begins like a path of the checkout. Fenced blocks and paths with a placeholder are left out.
fn paths_named_in(text: &str, folder: &Path) -> Vec<PathBuf> {
    const CHECKOUT: [&str; 6] = ["src/", "tests/", "models/", ".ci/", ".github/", ".setup/"];
    let prose: String = text.split("\n```").step_by(2).collect();
    let links = prose.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    let links = links.filter(|link| !link.is_empty() && !link.contains("://")).map(|link| folder.join(link));
    let words = prose.split('`').skip(1).step_by(2).flat_map(str::split_whitespace);
    let words = words.filter(|word| CHECKOUT.iter().any(|start| word.starts_with(start)) && !word.contains(['<', '*']));
    links.chain(words.map(PathBuf::from)).collect()
}

#[test]
fn files_that_the_documents_name_are_there() {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut named, mut missing) = (0, Vec::new());
    for document in DOCUMENTS.map(Path::new) {
        let text = fs::read_to_string(checkout.join(document)).unwrap();
        for path in paths_named_in(&text, document.parent().unwrap()) {
            named += 1;
            if !checkout.join(&path).exists() {
                missing.push(format!("{} names {}", document.display(), path.display()));
            }
        }
    }
    assert!(named > 20, "only {named} paths were found: they are written in another way than this test reads");
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_command_of_the_readme_runs() {
    let home = Home::new();
    for line in examples("sh").iter().filter(|line| line.starts_with("lookalike ")) {
        let output = home.sh(line);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}\n{complaint}");
        let said = match line.split_once("> ") {
            Some((_, file)) => std::fs::read_to_string(home.folder.path().join(file.trim())).unwrap(),
            None => String::from_utf8_lossy(&output.stdout).into_owned(),
        };
        for promised in promises(line) {
            assert!(said.contains(promised), "{line} does not say {promised}:\n{said}");
        }
    }
}

#[test]
fn every_command_that_the_text_names_is_one() {
    let words = README.split("`lookalike ").skip(1).filter_map(|rest| rest.split(['`', ' ', '\n']).next());
    let is_word = |word: &&str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase());
    let named: std::collections::BTreeSet<_> = words.filter(is_word).collect();
    assert!(named.contains("matrix") && named.contains("classify"), "the table of the notebook's steps: {named:?}");
    let home = Home::new();
    for word in named {
        assert!(home.sh(&format!("lookalike {word} --help")).status.success(), "there is no command {word}");
    }
}

#[test]
fn every_screen_and_every_command_is_in_the_text() {
    use clap::CommandFactory;
    for screen in lookalike::app::action::Screen::ALL {
        assert!(README.contains(&format!("` {} | ", screen.name())), "the table of screens lacks {}", screen.name());
    }
    let commands = lookalike::cli::Cli::command();
    let names: Vec<_> = commands.get_subcommands().filter(|command| !command.is_hide_set()).collect();
    assert!(names.len() > 10, "the commands are somewhere else");
    for command in names {
        let named = format!("lookalike {}", command.get_name());
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '-');
        assert!(README.split(&named).skip(1).any(ends), "the README does not name {named}");
    }
}

/// The weights are their publishers' own, so that only a machine which has them can look for faces.
#[test]
fn faces_are_found_as_the_readme_says() {
    let Some(model) = crate::faces::faces() else { return };
    let home = Home::new();
    let link = |from: &Path, to: &str| {
        let to = home.folder.path().join("home").join(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(from, to).unwrap();
    };
    link(&crate::faces::weights_folder(&model), "data/lookalike/models");
    link(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faces"), "Pictures");
    for line in examples("sh faces") {
        let output = home.sh(&line);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}\n{complaint}");
        let said = String::from_utf8_lossy(&output.stdout);
        for promised in promises(&line) {
            assert!(said.contains(promised), "{line} does not say {promised}:\n{said}");
        }
    }
}

/// What a reader of the example expects to see.
fn promises(line: &str) -> &'static [&'static str] {
    const PROMISES: &[(&str, &[&str])] = &[
        ("lookalike index ~/Pictures --faces", &["14 faces in 5 pictures in ", "1 without a face, 0 skipped"]),
        ("lookalike groups ~/Pictures --faces", &["groups of 14 faces", "group.png #9"]),
        ("lookalike neighbors ~/Pictures/portrait.png --faces", &["two.png"]),
        ("lookalike index", &["images in sample_images", "0 skipped"]),
        ("lookalike neighbors", &["cats/"]),
        (
            "lookalike groups sample_images --method hdbscan --csv",
            &["path,group,name,cosine", "cats/tabby-by-the-window.jpg,"],
        ),
        ("lookalike groups sample_images --count 9 --link-to", &["made 9 folders with links to 37 pictures in "]),
        ("lookalike groups", &["groups of 37 pictures", "cohesion", "adjusted Rand index"]),
        ("lookalike outliers", &["over all: ", "within its folder: ", "look like another folder: "]),
        ("lookalike matrix sample_images --csv", &["cosine,", "cats/tabby-by-the-window.jpg"]),
        ("lookalike gallery sample_images", &["9 names, 37 pictures", "pairs of one name", "strangers named"]),
        ("lookalike live", &["\"name\":\"cats\"", "\"box\":null"]),
        ("lookalike map sample_images --method pca", &["PCA of 37 pictures", "trustworthiness 0.", "A b", "cats"]),
        ("lookalike map sample_images --csv", &["path,group,x,y", "cats/tabby-by-the-window.jpg,cats,"]),
        ("lookalike labels", &["labeled pictures", "linear probe", "precision", "likely mislabeled"]),
        ("lookalike classify", &["cats", "tabby-by-the-window.jpg"]),
        ("lookalike compare", &["linear CKA", "gaze keeps the folders apart better than color-grid"]),
        ("lookalike models pull faces", &["faces is here already"]),
        ("lookalike models --layers", &["layer3.5", "layer3", "1024×14×14", "*  avgpool", "layer = \""]),
        ("lookalike models", &["gaze", "color-grid", "resnet50", "dinov2-small", "mobilenet-v3-large"]),
        ("lookalike cache prune", &["nothing to delete"]),
        ("lookalike cache", &["sample_images", "gaze: ", "color-grid: "]),
        (
            "lookalike doctor",
            &[
                "lookalike  ",
                "libtorch  ",
                "CPU convolutions  ",
                "default model     gaze",
                "TERM=",
                "home/cache/lookalike (",
            ],
        ),
        ("lookalike completions bash", &["complete -F _lookalike", "neighbors", "--print-marked", "resnet50 "]),
        ("lookalike man", &[".TH lookalike 1", "lookalike neighbors", "print0", ".SH KEYS"]),
    ];
    PROMISES.iter().find(|(command, _)| line.starts_with(command)).map_or(&[], |(_, promised)| promised)
}

#[test]
fn the_configuration_of_the_readme_is_understood() {
    let home = Home::new();
    let file = home.folder.path().join("home/config/lookalike/config.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, examples("toml config").join("\n")).unwrap();
    let output = home.sh("lookalike doctor");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = said.lines().find(|line| line.starts_with("configuration ")).expect("a line about it");
    assert!(line.ends_with("lookalike/config.toml") && !line.contains(':'), "{line}");
    let table = home.sh("lookalike matrix sample_images --json --model color-grid");
    assert!(String::from_utf8_lossy(&table.stdout).contains("euclidean"), "its metric is the default");
    let table = home.sh("lookalike matrix sample_images --json --model color-grid --metric cosine");
    assert!(!String::from_utf8_lossy(&table.stdout).contains("euclidean"), "the command line goes before it");
    fs::write(&file, "[options]\nmetrik = 3\n").unwrap();
    let output = home.sh("lookalike index sample_images");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{complaint}");
    assert!(complaint.contains("config.toml: “metrik” is not known: did you mean “metric”?"), "{complaint}");
    let output = home.sh("lookalike doctor");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("did you mean “metric”?"), "{said}");
}

#[test]
fn downloads_of_the_readme_say_what_to_do_without_a_network() {
    let home = Home::new();
    for line in examples("sh network") {
        let output = home.sh(&line);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{line}\n{complaint}");
        assert!(complaint.contains("https://") && complaint.contains("lookalike/models"), "{line}\n{complaint}");
    }
}

#[test]
fn the_explorer_opens_as_the_readme_says() {
    for line in examples("sh interactive").iter().filter(|line| line.starts_with("lookalike ")) {
        opens_and_quits(line);
    }
}

/// Types the line into a shell on a pseudo-terminal, waits for the explorer, and leaves it with `q`.
fn opens_and_quits(line: &str) {
    let home = Home::new();
    let pair = native_pty_system().openpty(PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 }).unwrap();
    let mut command = CommandBuilder::new("sh");
    command.args(["-c", line]);
    command.cwd(home.folder.path());
    for (name, value) in home.variables() {
        command.env(name, value);
    }
    command.env("TERM", "xterm-256color");
    for name in ["TMUX", "TERM_PROGRAM", "NO_COLOR"] {
        command.env_remove(name);
    }
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let (mut output, mut keys) = (pair.master.try_clone_reader().unwrap(), pair.master.take_writer().unwrap());
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let size = |side| NonZeroU16::new(side).unwrap();
        let mut screen = vt100::Parser::new(size(24), size(80), 0);
        let mut bytes = [0; 65536];
        let mut opened = false;
        while let Ok(read @ 1..) = output.read(&mut bytes) {
            screen.process(&bytes[..read]);
            if !opened && screen.screen().alternate_screen() && screen.screen().contents().contains("Browse") {
                opened = true;
                let _ = tell.send(());
            }
        }
    });
    told.recv_timeout(Duration::from_secs(300)).unwrap_or_else(|_| panic!("the explorer did not open: {line}"));
    keys.write_all(b"q").unwrap();
    assert!(child.wait().unwrap().success(), "{line}");
}
