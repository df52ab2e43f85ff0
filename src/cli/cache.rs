//! `lookalike cache`: what is kept on disk, and how to be rid of it.

use std::{io::Write, path::PathBuf, time::SystemTime};

use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    cli::{SCHEMA_VERSION, cache_folder, human_bytes, stdout_error},
    error::{Error, Exit, Result},
    index::store::{self, Listing},
    printable::printable,
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
    /// Delete the indexes of folders that are not there any more, and what was set aside as damaged.
    Prune {
        /// Only say what would be deleted.
        #[arg(long)]
        dry_run: bool,
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
/// [`Error::Io`] when the cache cannot be read or changed, [`Error::Usage`] when clearing was not confirmed.
pub fn run(args: &CacheArgs, out: &mut dyn Write) -> Result<Exit> {
    let cache = cache_folder(args.cache_dir.as_deref())?;
    let stores = store::list(&cache)?;
    match args.action.unwrap_or(CacheAction::Show) {
        CacheAction::Show if args.json => show_json(&cache, &stores, out)?,
        CacheAction::Show => show(&cache, &stores, out)?,
        CacheAction::Prune { dry_run } => {
            let orphans: Vec<_> = stores.iter().filter(|store| is_orphan(store)).collect();
            delete(&orphans, dry_run, out)?;
            for store in stores.iter().filter(|store| !is_orphan(store) && store.set_aside > 0) {
                let verb = if dry_run { "would delete" } else { "deleted" };
                if dry_run || store::remove_set_aside(store)? {
                    let (bytes, folder) = (human_bytes(store.set_aside), printable(&store.folder));
                    writeln!(out, "{verb} what was set aside in {folder} ({bytes})").map_err(stdout_error)?;
                }
            }
        }
        CacheAction::Clear { yes: true } => delete(&stores.iter().collect::<Vec<_>>(), false, out)?,
        CacheAction::Clear { yes: false } => {
            let bytes = human_bytes(stores.iter().map(|store| store.bytes).sum());
            let text = format!("this would delete {} indexes ({bytes}); add --yes to do it", stores.len());
            return Err(Error::Usage(text));
        }
    }
    Ok(Exit::Done)
}

/// Whether the store's folder is gone, or nobody can say which one it was.
fn is_orphan(store: &Listing) -> bool {
    store.content.as_ref().is_none_or(|content| !content.root.exists())
}

fn delete(stores: &[&Listing], dry_run: bool, out: &mut dyn Write) -> Result<()> {
    let mut freed = 0;
    for store in stores {
        let verb = match dry_run || store::remove(store)? {
            true if dry_run => "would delete",
            true => "deleted",
            false => "in use, left alone:",
        };
        freed += if verb == "deleted" { store.bytes } else { 0 };
        writeln!(out, "{verb} {}", describe(store)).map_err(stdout_error)?;
    }
    match (stores.is_empty(), dry_run) {
        (true, _) => writeln!(out, "nothing to delete"),
        (false, true) => Ok(()),
        (false, false) => writeln!(out, "{} freed", human_bytes(freed)),
    }
    .map_err(stdout_error)
}

fn describe(store: &Listing) -> String {
    let bytes = human_bytes(store.bytes);
    match &store.content {
        Some(content) => {
            format!("{} ({}, {} images, {bytes})", printable(&content.root), content.model, content.images)
        }
        None => format!("{} (unreadable, {bytes})", printable(&store.folder)),
    }
}

fn show(cache: &std::path::Path, stores: &[Listing], out: &mut dyn Write) -> Result<()> {
    (|| {
        for store in stores {
            let bytes = human_bytes(store.bytes);
            match &store.content {
                Some(content) => {
                    let gone = if content.root.exists() { "" } else { " (not there now)" };
                    writeln!(out, "{}{gone}", printable(&content.root))?;
                    writeln!(
                        out,
                        "    {}: {} images, {} skipped, {bytes}, used {}",
                        content.model,
                        content.images,
                        content.skipped,
                        ago(content.used)
                    )?;
                }
                None => writeln!(out, "{} (unreadable)\n    {bytes}", printable(&store.folder))?,
            }
        }
        let total = human_bytes(stores.iter().map(|store| store.bytes).sum());
        writeln!(out, "{} indexes, {total} in {}", stores.len(), printable(cache))
    })()
    .map_err(stdout_error)
}

fn show_json(cache: &std::path::Path, stores: &[Listing], out: &mut dyn Write) -> Result<()> {
    let seconds = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let stores: Vec<_> = stores
        .iter()
        .map(|store| {
            let content = store.content.as_ref();
            json!({
                "folder": store.folder.to_string_lossy(),
                "bytes": store.bytes,
                "root": content.map(|content| content.root.to_string_lossy()),
                "model": content.map(|content| &content.model),
                "images": content.map(|content| content.images),
                "skipped": content.map(|content| content.skipped),
                "used": content.map(|content| seconds(content.used)),
            })
        })
        .collect();
    let shown = json!({ "schema_version": SCHEMA_VERSION, "cache": cache.to_string_lossy(), "stores": stores });
    writeln!(out, "{shown:#}").map_err(stdout_error)
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
