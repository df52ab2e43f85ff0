//! `lookalike cache`: what is kept on disk, and how to be rid of it.

use std::{io::Write, path::PathBuf, time::SystemTime};

use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    cli::{
        SCHEMA_VERSION, cache_folder,
        data::{path_text, pretty_json},
        stdout_error,
    },
    error::{Error, Exit, Result},
    index::store::{self, StoreInfo, StoreSummary, Unknown},
    printable::printable,
    text,
};

/// Arguments of `lookalike cache`.
#[derive(Debug, Clone, Args)]
pub struct CacheArgs {
    /// What to do with the cache [default: show]
    #[command(subcommand)]
    pub action: Option<CacheAction>,
    /// The cache folder.
    #[arg(long, value_name = "FOLDER", env = "LOOKALIKE_CACHE", global = true)]
    pub cache_dir: Option<PathBuf>,
    /// Print as JSON.
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to do with the cache.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum CacheAction {
    /// List the indexes: folder, model, images, size, last use.
    Show,
    /// Delete the indexes that were not used for 30 days and are of folders that are gone, or of an earlier version, and
    /// what was set aside as damaged.
    Prune {
        /// Only say what would be deleted.
        #[arg(long)]
        dry_run: bool,
        /// Also the indexes of folders that were indexed in the last 30 days and are gone now.
        #[arg(long)]
        all: bool,
        /// Do it; without this nothing is deleted.
        #[arg(long)]
        yes: bool,
    },
    /// Delete all indexes.
    Clear {
        /// Do it; without this nothing is deleted.
        #[arg(long)]
        yes: bool,
    },
}

/// Shows, prunes or clears the cache.
///
/// # Errors
/// [`Error::Io`] when the cache cannot be read or changed, [`Error::Usage`] when a deletion was not confirmed.
pub fn run(args: &CacheArgs, out: &mut dyn Write) -> Result<Exit> {
    let cache = cache_folder(args.cache_dir.as_deref())?;
    let stores = store::list(&cache)?;
    match args.action.unwrap_or(CacheAction::Show) {
        CacheAction::Show if args.json => show_json(&cache, &stores, out)?,
        CacheAction::Show => show(&cache, &stores, out)?,
        CacheAction::Prune { dry_run, all, yes } => {
            let (orphans, kept): (Vec<_>, Vec<_>) = stores.iter().partition(|store| is_orphan(store, all));
            let indexes = orphans.into_iter().map(|store| (store, Part::Index));
            let set_aside = kept.into_iter().filter(|store| store.set_aside > 0).map(|store| (store, Part::SetAside));
            let doomed: Vec<_> = indexes.chain(set_aside).collect();
            if !doomed.is_empty() && !dry_run && !yes {
                let bytes = doomed.iter().map(|(store, part)| part.bytes(store)).sum();
                let indexes = doomed.iter().filter(|(_, part)| *part == Part::Index).count();
                return Err(unconfirmed(indexes, bytes));
            }
            let removals = doomed.into_iter().map(|(store, part)| remove(store, part, dry_run));
            report(&removals.collect::<Result<Vec<_>>>()?, args.json, out)?;
        }
        CacheAction::Clear { yes: true } => {
            let removals = stores.iter().map(|store| remove(store, Part::Index, false));
            report(&removals.collect::<Result<Vec<_>>>()?, args.json, out)?;
        }
        CacheAction::Clear { yes: false } => {
            return Err(unconfirmed(stores.len(), stores.iter().map(|store| store.bytes).sum()));
        }
    }
    Ok(Exit::Done)
}

fn unconfirmed(indexes: usize, bytes: u64) -> Error {
    let (indexes, bytes) = (counted_indexes(indexes), text::bytes(bytes));
    Error::Usage(format!("this would delete {indexes} ({bytes}); add --yes to do it"))
}

fn counted_indexes(count: usize) -> String {
    format!("{} {}", text::count(count), if count == 1 { "index" } else { "indexes" })
}

/// Whether the store's folder is gone, and has been for long unless `all` is asked for; or only an earlier version used it,
/// long ago. Of a store that cannot be read nobody knows.
fn is_orphan(store: &StoreInfo, all: bool) -> bool {
    store.content.as_ref().is_ok_and(|content| {
        (content.root_is_gone() && (all || content.is_old())) || (content.earlier && content.is_old())
    })
}

/// What is removed of a store.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Index,
    SetAside,
}

impl Part {
    fn bytes(self, store: &StoreInfo) -> u64 {
        match self {
            Self::Index => store.bytes,
            Self::SetAside => store.set_aside,
        }
    }
}

/// What became of it.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    WouldDelete,
    Deleted,
    InUse,
}

impl Fate {
    fn text(self) -> &'static str {
        match self {
            Self::WouldDelete => "would delete",
            Self::Deleted => "deleted",
            Self::InUse => "in use, left alone",
        }
    }
}

struct Removal<'a> {
    store: &'a StoreInfo,
    part: Part,
    fate: Fate,
}

impl Removal<'_> {
    fn bytes(&self) -> u64 {
        self.part.bytes(self.store)
    }
}

fn remove(store: &StoreInfo, part: Part, dry_run: bool) -> Result<Removal<'_>> {
    let gone = |part| match part {
        Part::Index => store::remove(store),
        Part::SetAside => store::remove_set_aside(store),
    };
    let fate = match dry_run || gone(part)? {
        true if dry_run => Fate::WouldDelete,
        true => Fate::Deleted,
        false => Fate::InUse,
    };
    Ok(Removal { store, part, fate })
}

fn report(removals: &[Removal], json: bool, out: &mut dyn Write) -> Result<()> {
    let deleted = || removals.iter().filter(|removal| removal.fate == Fate::Deleted);
    let freed = deleted().map(Removal::bytes).sum();
    if json {
        return report_json(removals, freed, out);
    }
    (|| {
        for removal in removals {
            let verb = removal.fate.text();
            match removal.part {
                Part::Index => writeln!(out, "{verb}: {}", describe(removal.store))?,
                Part::SetAside => {
                    let (folder, bytes) = (printable(&removal.store.folder), text::bytes(removal.bytes()));
                    writeln!(out, "{verb}: what was set aside in {folder} ({bytes})")?;
                }
            }
        }
        match (removals.is_empty(), deleted().next()) {
            (true, _) => writeln!(out, "nothing to delete"),
            (false, Some(_)) => writeln!(out, "{} freed", text::bytes(freed)),
            (false, None) => Ok(()),
        }
    })()
    .map_err(stdout_error)
}

fn report_json(removals: &[Removal], freed: u64, out: &mut dyn Write) -> Result<()> {
    let removals: Vec<_> = removals
        .iter()
        .map(|removal| {
            json!({
                "folder": path_text(&removal.store.folder),
                "root": removal.store.content.as_ref().ok().map(|content| path_text(&content.root)),
                "part": match removal.part { Part::Index => "index", Part::SetAside => "set aside" },
                "bytes": removal.bytes(),
                "fate": removal.fate.text(),
            })
        })
        .collect();
    let shown = json!({ "schema_version": SCHEMA_VERSION, "removals": removals, "bytes_freed": freed });
    pretty_json(&shown).and_then(|json| writeln!(out, "{json}")).map_err(stdout_error)
}

fn describe(store: &StoreInfo) -> String {
    let bytes = text::bytes(store.bytes);
    match &store.content {
        Ok(content) => {
            let images = counted_images(content);
            format!("{} ({}, {images}, {bytes})", printable(&content.root), content.model)
        }
        Err(unknown) => format!("{} ({}, {bytes})", printable(&store.folder), reason(*unknown)),
    }
}

/// What a store holds: "12 images", or "30 faces in 12 images".
fn counted_images(content: &StoreSummary) -> String {
    let images = text::counted(content.images as usize, "image");
    match content.faces {
        None => images,
        Some(faces) => format!("{} in {images}", text::counted(faces as usize, "face")),
    }
}

fn reason(unknown: Unknown) -> &'static str {
    match unknown {
        Unknown::Newer => "of a newer lookalike",
        Unknown::Unreadable => "unreadable",
    }
}

fn show(cache: &std::path::Path, stores: &[StoreInfo], out: &mut dyn Write) -> Result<()> {
    (|| {
        for store in stores {
            let bytes = text::bytes(store.bytes);
            match &store.content {
                Ok(content) => {
                    let gone = if content.root_is_gone() { " (not there now)" } else { "" };
                    let earlier = if content.earlier { " (of an earlier lookalike)" } else { "" };
                    writeln!(out, "{}{gone}{earlier}", printable(&content.root))?;
                    writeln!(
                        out,
                        "    {}: {}, {} skipped, {bytes}, used {}",
                        content.model,
                        counted_images(content),
                        text::count(content.skipped as usize),
                        ago(content.used)
                    )?;
                }
                Err(unknown) => {
                    writeln!(out, "{} ({})\n    {bytes}", printable(&store.folder), reason(*unknown))?;
                }
            }
        }
        let total = text::bytes(stores.iter().map(|store| store.bytes).sum());
        writeln!(out, "{}, {total} in {}", counted_indexes(stores.len()), printable(cache))
    })()
    .map_err(stdout_error)
}

fn show_json(cache: &std::path::Path, stores: &[StoreInfo], out: &mut dyn Write) -> Result<()> {
    let seconds = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let stores: Vec<_> = stores
        .iter()
        .map(|store| {
            let content = store.content.as_ref().ok();
            let mut shown = json!({
                "folder": path_text(&store.folder),
                "bytes": store.bytes,
                "root": content.map(|content| path_text(&content.root)),
                "model": content.map(|content| &content.model),
                "images": content.map(|content| content.images),
                "skipped": content.map(|content| content.skipped),
                "used": content.map(|content| seconds(content.used)),
            });
            if let Some(faces) = content.and_then(|content| content.faces) {
                shown["faces"] = faces.into();
            }
            shown
        })
        .collect();
    let shown = json!({ "schema_version": SCHEMA_VERSION, "cache": path_text(cache), "stores": stores });
    pretty_json(&shown).and_then(|json| writeln!(out, "{json}")).map_err(stdout_error)
}

fn ago(time: SystemTime) -> String {
    let seconds = SystemTime::now().duration_since(time).map_or(0, |since| since.as_secs());
    let count = |n: u64, unit: &str| format!("{n} {unit}{} ago", if n == 1 { "" } else { "s" });
    match seconds {
        0..60 => "just now".into(),
        60..3600 => count(seconds / 60, "minute"),
        3600..86_400 => count(seconds / 3600, "hour"),
        _ => count(seconds / 86_400, "day"),
    }
}
