//! `lookalike man`: the manual page, from the argument definitions, the table of keys and the examples.

use std::io::Write;

use clap::{Arg, Command, CommandFactory, builder::PossibleValue};
use clap_mangen::{
    Man,
    roff::{Inline, Roff, bold, italic, roman},
};

use super::{AFTER_HELP, Cli, config, examples::EXAMPLES, stdout_error};
use crate::{
    app::keymap::{self, Context, Keys},
    display::ColorMap,
    error::{Exit, Result},
};

const DESCRIPTION: [&str; 2] = [
    "lookalike indexes a folder of pictures with a convolutional network and shows which of them look alike. Without a \
     command it opens the explorer: a grid, a colored table of all pairs, the neighbors of a picture, groups of look-alikes, a map.",
    "The index is kept, so that only new and changed files are looked at the next time. Pictures are never changed.",
];

const FILES: [(&str, &str); 6] = [
    ("~/.config/lookalike/config.toml", "Other defaults, keys and colors, see CONFIGURATION."),
    ("~/.cache/lookalike/", "The indexes. `lookalike cache` shows and clears them."),
    ("~/.local/share/lookalike/models/", "Weights that were downloaded, and your own manifests and weights."),
    (
        "~/.local/share/lookalike/gallery/",
        "The names that were given in the explorer: a folder each, with links to the pictures.",
    ),
    ("~/.config/lookalike/models/", "Your own manifests (*.toml)."),
    ("~/.cache/torch/hub/checkpoints/", "Weights that PyTorch downloaded; they are used from there."),
];

/// Those that stand for an option are told by the option itself.
const ENVIRONMENT: [(&str, &str); 7] = [
    ("LOOKALIKE_CONFIG", "Another place for config.toml."),
    ("LOOKALIKE_SOURCE_TIMEOUT", "Seconds without a picture after which a camera or a stream is opened anew."),
    ("LOOKALIKE_MODEL_TIMEOUT", "Seconds after which a TorchScript module that does not answer ends the run."),
    ("XDG_CACHE_HOME, XDG_DATA_HOME, XDG_CONFIG_HOME", "Other places for ~/.cache, ~/.local/share and ~/.config."),
    ("TORCH_HOME", "Another place for ~/.cache/torch."),
    ("NO_COLOR", "When set, no colors are used."),
    ("COLORTERM, TERM", "What the terminal can show."),
];

/// Writes the page.
///
/// # Errors
/// When `out` cannot be written.
pub fn run(out: &mut dyn Write) -> Result<Exit> {
    let mut program = Cli::command();
    program.build();
    let mut page = Vec::new();
    let head = Man::new(program.clone());
    head.render_title(&mut page).and_then(|()| head.render_name_section(&mut page)).map_err(stdout_error)?;
    out.write_all(&page).map_err(stdout_error)?;
    body(&program).to_writer(out).map_err(stdout_error)?;
    Ok(Exit::Done)
}

fn body(program: &Command) -> Roff {
    let mut page = Roff::new();
    page.control("SH", ["SYNOPSIS"]);
    for command in commands(program) {
        let usage = command.clone().render_usage().to_string();
        for line in
            usage.trim_start_matches("Usage:").lines().map(str::trim).filter(|line| !line.ends_with("<COMMAND>"))
        {
            page.text([roman(line)]);
            page.control("br", []);
        }
    }
    page.control("SH", ["DESCRIPTION"]);
    for paragraph in DESCRIPTION {
        page.text([roman(paragraph)]);
        page.control("PP", []);
    }
    page.control("SH", ["OPTIONS"]);
    options(program, &|_| true, &mut page);
    page.control("SH", ["COMMANDS"]);
    commands(program).into_iter().skip(1).for_each(|command| section(command, program, &mut page));
    page.control("SH", ["KEYS"]);
    for (place, rows) in Keys::default().sections(Context::Help) {
        page.control("SS", [place]);
        for (keys, help) in rows {
            item(&mut page, vec![bold(keys)], help);
        }
    }
    page.control("SH", ["CONFIGURATION"]);
    configuration(&mut page);
    page.control("SH", ["EXAMPLES"]);
    for (line, what) in EXAMPLES.iter().flat_map(|(_, lines)| lines.iter()) {
        item(&mut page, vec![bold(*line)], what);
    }
    for (heading, items) in [("FILES", &FILES[..]), ("ENVIRONMENT", &ENVIRONMENT[..])] {
        page.control("SH", [heading]);
        items.iter().for_each(|(name, what)| item(&mut page, vec![bold(*name)], what));
    }
    page.control("SH", ["EXIT STATUS"]);
    for (code, what) in AFTER_HELP.lines().skip(1).map_while(|line| line.trim().split_once(' ')) {
        item(&mut page, vec![bold(code)], what.trim());
    }
    page
}

/// What a command is for, and its own options.
fn section(command: &Command, program: &Command, page: &mut Roff) {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    page.control("SS", [name]);
    page.text([roman(command.get_about().map(ToString::to_string).unwrap_or_default() + ".")]);
    // What the explorer takes too is described there.
    let shared = |arg: &Arg| program.get_arguments().any(|of| of.get_id() == arg.get_id() && told(of) == told(arg));
    options(command, &|arg| !shared(arg), page);
    let also: Vec<_> = command.get_arguments().filter(|arg| shared(arg)).filter_map(Arg::get_long).collect();
    let also: Vec<_> = also.into_iter().filter(|long| *long != "help").map(|long| format!("--{long}")).collect();
    if !also.is_empty() {
        page.control("PP", []);
        page.text([roman(format!("As above: {}.", also.join(", ")))]);
    }
}

/// The file of settings: an example, and the names that it may use.
fn configuration(page: &mut Roff) {
    page.text([roman(
        "Options are named as on the command line, keys by what they do, everywhere or under the place where they do it. \
         The command line and the environment go before the file.",
    )]);
    page.control("nf", []);
    page.text([roman(config::EXAMPLE)]);
    page.control("fi", []);
    let mut names: Vec<_> = keymap::table().iter().map(|(binding, _)| binding.action.name()).collect();
    names.sort_unstable();
    names.dedup();
    page.control("PP", []);
    page.text([roman(format!("What keys do: {}.", names.join(", ")))]);
    page.text([roman(format!("Ramps: {}.", ColorMap::ALL.map(ColorMap::name).join(", ")))]);
}

/// The program, then each of its commands, then theirs.
fn commands(program: &Command) -> Vec<&Command> {
    let below = program.get_subcommands().filter(|command| command.get_name() != "help" && !command.is_hide_set());
    std::iter::once(program).chain(below.flat_map(commands)).collect()
}

fn item(page: &mut Roff, name: Vec<Inline>, what: &str) {
    page.control("TP", []);
    page.text(name);
    page.text([roman(what)]);
}

fn options(command: &Command, wanted: &dyn Fn(&Arg) -> bool, page: &mut Roff) {
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set() && wanted(arg)) {
        let mut name = Vec::new();
        for flag in arg
            .get_short()
            .map(|short| format!("-{short}"))
            .into_iter()
            .chain(arg.get_long().map(|long| format!("--{long}")))
        {
            if !name.is_empty() {
                name.push(roman(", "));
            }
            name.push(bold(flag));
        }
        if arg.get_action().takes_values() {
            let values = arg.get_value_names().unwrap_or_default().iter().map(ToString::to_string).collect::<Vec<_>>();
            name.extend([roman(if name.is_empty() { "" } else { " " }), italic(values.join(" "))]);
        }
        item(page, name, &told(arg));
    }
}

/// What an argument means, what it can be, and what it is when nothing is said.
fn told(arg: &Arg) -> String {
    let mut text = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let values = if arg.get_action().takes_values() { arg.get_possible_values() } else { Vec::new() };
    if !values.is_empty() {
        text += &format!(" [{}]", values.iter().map(PossibleValue::get_name).collect::<Vec<_>>().join(", "));
    }
    if let ([default], true) = (arg.get_default_values(), arg.get_action().takes_values()) {
        text += &format!(" [default: {}]", default.to_string_lossy());
    }
    if let Some(variable) = arg.get_env() {
        text += &format!(" [environment: {}]", variable.to_string_lossy());
    }
    text
}
