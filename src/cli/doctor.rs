//! `lookalike doctor`: what a bug report needs.

use std::{
    fs,
    io::{self, IsTerminal, Write},
    path::Path,
};

use clap::Args;

use super::{cache_folder, config::Config, stdout_error};
use crate::{
    display::Link,
    embed,
    environment::text_variable,
    error::{Exit, Result},
    folders,
    printable::{printable, printable_str},
    terminal::{self, DisplayOptions},
    text,
};

/// What to look at.
#[derive(Debug, Clone, Args)]
pub struct DoctorArgs {
    /// The terminal, as the explorer would use it.
    #[command(flatten)]
    pub display: DisplayOptions,
    /// Folder of the index.
    #[arg(long, value_name = "FOLDER", env = "LOOKALIKE_CACHE")]
    pub cache_dir: Option<std::path::PathBuf>,
}

/// Prints one line a fact.
///
/// # Errors
/// When `out` cannot be written, or there is no home folder.
pub fn run(args: &DoctorArgs, config: &Result<Config>, out: &mut dyn Write) -> Result<Exit> {
    let mut facts = vec![("lookalike", env!("CARGO_PKG_VERSION").to_owned())];
    facts.push(("system", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)));
    facts.extend(embed::device_report());
    facts.extend(models()?);
    facts.extend(terminal_facts(&args.display));
    facts.push(("configuration", configuration(config)));
    let cache = cache_folder(args.cache_dir.as_deref())?;
    facts.push(("cache", format!("{} ({})", printable(&cache), text::bytes(bytes_under(&cache)))));
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in facts {
        writeln!(out, "{name:width$}  {}", printable_str(&value)).map_err(stdout_error)?;
    }
    Ok(Exit::Done)
}

/// Which file was read, or what is wrong with it.
fn configuration(config: &Result<Config>) -> String {
    match config {
        Ok(Config { file: Some(file), .. }) => printable(file),
        Ok(_) => {
            folders::config().map_or_else(|error| error.to_string(), |file| format!("none at {}", printable(file)))
        }
        Err(error) => error.to_string(),
    }
}

/// The models, those that can be used first.
fn models() -> Result<Vec<(&'static str, String)>> {
    let folders = embed::Folders::from_env()?;
    let catalog = embed::catalog(&folders);
    let named = |usable: bool| {
        let names: Vec<_> = catalog
            .entries
            .iter()
            .filter(|entry| entry.usable() == usable)
            .map(|entry| entry.manifest.name.as_str())
            .collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    let chosen = catalog.best().map_or_else(|error| error.to_string(), |entry| entry.manifest.name.clone());
    Ok(vec![("default model", chosen), ("models found", named(true)), ("without weights", named(false))])
}

/// What the terminal is and shows, and why that is believed.
fn terminal_facts(display: &DisplayOptions) -> Vec<(&'static str, String)> {
    let variable = |name| text_variable(name).unwrap_or_else(|| "not set".into());
    let mut facts = vec![("terminal", format!("TERM={}, TERM_PROGRAM={}", variable("TERM"), variable("TERM_PROGRAM")))];
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        facts.push(("terminal size", "unknown: input or output is not a terminal".into()));
        return facts;
    }
    match terminal::inspect(display) {
        Ok(((columns, rows), found)) => {
            let cell =
                found.cell().map_or("an unknown size".to_owned(), |(width, height)| format!("{width}x{height} pixels"));
            let link = if found.link == Link::Remote { "over ssh" } else { "on this machine" };
            let tmux = if found.multiplexed { ", in tmux" } else { "" };
            facts.push(("terminal size", format!("{columns}x{rows} cells of {cell}, {link}{tmux}")));
            facts.push(("colors", format!("{} ({})", found.depth.name(), found.depth_why)));
            facts.push(("background", format!("{} ({})", found.background.name(), found.background_why)));
            facts.push(("pictures", format!("{} ({})", found.graphics(), found.graphics_why)));
        }
        Err(error) => facts.push(("terminal size", error.to_string())),
    }
    facts
}

/// Bytes of all files in a folder; what cannot be read counts nothing.
fn bytes_under(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_under(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    sizes.sum()
}
