//! `lookalike models`: which models there are and where their weights lie; `models pull` downloads them, `--layers` shows what
//! a network is made of.

use std::{
    borrow::Cow,
    fs,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{
    SCHEMA_VERSION,
    data::{path_text, pretty_json},
    stdout_error,
};
use crate::{
    embed::{
        Catalog, CatalogEntry, Folders, Manifest, catalog,
        download::{self, Fetching},
    },
    error::{Exit, Result},
    printable::{printable, printable_str},
};

mod layers;

/// Arguments of `lookalike models`.
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ModelsArgs {
    /// What to do; without it the models are listed.
    #[command(subcommand)]
    pub command: Option<ModelsCommand>,
    /// Print the layers of a model's network, and where its embedding is taken.
    #[arg(long, value_name = "MODEL")]
    pub layers: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// What to do with models.
#[derive(Debug, Clone, Subcommand)]
pub enum ModelsCommand {
    /// Download a model's weights from their official home.
    Pull {
        /// The model's name, see `lookalike models`.
        #[arg(value_name = "MODEL")]
        name: String,
    },
}

/// Runs the command.
///
/// # Errors
/// When the weights cannot be downloaded, or the output cannot be written.
pub fn run(args: &ModelsArgs, out: &mut dyn Write) -> Result<Exit> {
    let folders = Folders::from_env()?;
    let catalog = catalog(&folders);
    match (&args.command, &args.layers) {
        (Some(ModelsCommand::Pull { name }), _) => pull(catalog.named(name)?, &folders, out)?,
        (None, Some(name)) => layers::print(&catalog.named(name)?.manifest, args.json, out)?,
        (None, None) if args.json => json(&catalog, out)?,
        (None, None) => table(&catalog, &folders, out)?,
    }
    Ok(Exit::Done)
}

fn pull(entry: &CatalogEntry, folders: &Folders, out: &mut dyn Write) -> Result<()> {
    let say = |out: &mut dyn Write, text: String| writeln!(out, "{text}").map_err(stdout_error);
    if let Some(found) = &entry.found {
        return say(out, format!("{} is here already: {}", entry.manifest.name, printable(found)));
    }
    let mut bar = Bar::new();
    let mut waits = false;
    let file = download::pull(&entry.manifest, &folders.models, &mut |fetching| match fetching {
        Fetching::Here(have, all) => bar.show(have, all),
        Fetching::Elsewhere(have) => {
            if !std::mem::replace(&mut waits, true) {
                let name = printable_str(&entry.manifest.name);
                let _ = writeln!(io::stderr(), "lookalike: another lookalike is downloading {name}: waiting for it");
            }
            bar.show(have, None);
        }
    });
    bar.clear();
    say(out, format!("{} is ready: {}", entry.manifest.name, printable(file?)))
}

/// A progress bar on a terminal's stderr; silent elsewhere.
struct Bar {
    visible: bool,
    start: Instant,
    shown: Option<Instant>,
    before: Option<u64>,
}

impl Bar {
    fn new() -> Self {
        Self { visible: io::stderr().is_terminal(), start: Instant::now(), shown: None, before: None }
    }

    fn show(&mut self, have: u64, all: Option<u64>) {
        let before = *self.before.get_or_insert(have);
        if !self.visible || self.shown.is_some_and(|shown| shown.elapsed() < Duration::from_millis(100)) {
            return;
        }
        self.shown = Some(Instant::now());
        let speed = (have - before.min(have)) as f64 / self.start.elapsed().as_secs_f64().max(0.1);
        // A terminal that went away is no reason to stop the download.
        let _ = write!(io::stderr(), "\r\x1b[K{}", bar(have, all, speed));
        let _ = io::stderr().flush();
    }

    fn clear(&self) {
        if self.shown.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

/// One line: how much of how much, how fast, how long still.
fn bar(have: u64, all: Option<u64>, speed: f64) -> String {
    const WIDTH: u64 = 30;
    let mib = |bytes: f64| bytes / f64::from(1 << 20);
    let Some(all) = all.filter(|all| *all > 0) else {
        return format!("{:.1} MiB, {:.1} MiB/s", mib(have as f64), mib(speed));
    };
    let filled = (have.min(all) * WIDTH / all) as usize;
    let empty = WIDTH as usize - filled;
    let left = (all - have.min(all)) as f64 / speed.max(1.0);
    format!(
        "[{}{}] {:.1} of {:.1} MiB, {:.1} MiB/s, {left:.0} s left",
        "=".repeat(filled),
        " ".repeat(empty),
        mib(have as f64),
        mib(all as f64),
        mib(speed)
    )
}

/// What scripts read.
#[derive(Serialize)]
struct Report<'a> {
    schema_version: u32,
    models: Vec<Model<'a>>,
    problems: &'a [String],
}

#[derive(Serialize)]
struct Model<'a> {
    #[serde(flatten)]
    manifest: &'a Manifest,
    found: Option<Cow<'a, str>>,
}

fn json(catalog: &Catalog, out: &mut dyn Write) -> Result<()> {
    let models = catalog
        .entries
        .iter()
        .map(|CatalogEntry { manifest, found }| Model { manifest, found: found.as_deref().map(path_text) })
        .collect();
    let report = Report { schema_version: SCHEMA_VERSION, models, problems: &catalog.problems };
    pretty_json(&report).and_then(|json| writeln!(out, "{json}")).map_err(stdout_error)
}

fn table(catalog: &Catalog, folders: &Folders, out: &mut dyn Write) -> Result<()> {
    let header = ["", "NAME", "DIM", "INPUT", "SIZE", "WEIGHTS"].map(String::from);
    let best = catalog.best().ok().map(|entry| &*entry.manifest.name);
    let rows: Vec<_> = [header].into_iter().chain(catalog.entries.iter().map(|entry| row(entry, best))).collect();
    let mut text = aligned(&rows);
    text += "\n* is used unless --model names another one.\n\nLicenses of the weights:\n";
    for (license, names) in licenses(&catalog.entries) {
        text += &format!("  {}: {}\n", names.join(", "), printable_str(license));
    }
    text.push('\n');
    text += &format!("Weights are looked for in {}", printable(&folders.models));
    for folder in folders.checkouts.iter().chain([&folders.torch]) {
        text += &format!(", {}", printable(folder));
    }
    text += &format!(".\nYour own manifests (*.toml) go there or into {}.\n", printable(&folders.manifests));
    for problem in &catalog.problems {
        text += &format!("Not read: {problem}\n");
    }
    out.write_all(text.as_bytes()).map_err(stdout_error)
}

/// The rows of a table, each column as wide as its widest cell.
fn aligned<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let widths: [usize; COLUMNS] =
        std::array::from_fn(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0));
    let mut text = String::new();
    for row in rows {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text += cells.join("  ").trim_end();
        text.push('\n');
    }
    text
}

/// Each license once, with the models it is for.
fn licenses(entries: &[CatalogEntry]) -> Vec<(&str, Vec<&str>)> {
    let mut licenses: Vec<(&str, Vec<&str>)> = Vec::new();
    for CatalogEntry { manifest, .. } in entries {
        match licenses.iter_mut().find(|(license, _)| *license == manifest.license) {
            Some((_, names)) => names.push(&manifest.name),
            None => licenses.push((&manifest.license, vec![&manifest.name])),
        }
    }
    licenses
}

fn row(entry: &CatalogEntry, best: Option<&str>) -> [String; 6] {
    let manifest = &entry.manifest;
    let found = match (&entry.found, &manifest.weights) {
        (Some(file), _) => printable(file),
        (None, None) => "none needed (baseline)".into(),
        (None, Some(source)) if source.url.is_some() => format!("not here: lookalike models pull {}", manifest.name),
        (None, Some(source)) => format!("not here: {}", source.file),
    };
    [
        if best == Some(&manifest.name) { "*" } else { "" }.into(),
        manifest.name.clone(),
        manifest.dim.to_string(),
        format!("{0}×{0}", manifest.input),
        size(entry),
        found,
    ]
}

fn size(entry: &CatalogEntry) -> String {
    let Some(source) = &entry.manifest.weights else { return "-".into() };
    let on_disk = |file: PathBuf| fs::metadata(file).ok().map(|meta| meta.len() as f64 / f64::from(1 << 20));
    let there = |file: &Path| source.files().map(|part| on_disk(file.with_file_name(&part.file))).sum::<Option<f64>>();
    let known = source.files().map(|part| part.mib.map(f64::from)).sum::<Option<f64>>();
    entry.found.as_deref().and_then(there).or(known).map_or_else(|| "-".into(), |mib| format!("{mib:.1} MiB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_says_how_far_how_fast_and_how_long_still() {
        let mib = 1 << 20;
        let half = "=".repeat(15) + &" ".repeat(15);
        assert_eq!(
            bar(50 * mib, Some(100 * mib), 10.0 * mib as f64),
            format!("[{half}] 50.0 of 100.0 MiB, 10.0 MiB/s, 5 s left")
        );
        assert_eq!(bar(mib, None, mib as f64), "1.0 MiB, 1.0 MiB/s");
        assert!(bar(2, Some(1), 0.0).starts_with("[=============================="));
    }
}
