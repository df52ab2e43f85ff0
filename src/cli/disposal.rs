//! Moving copies away from the command line, and `lookalike undo`.

use std::{io::Write, path::PathBuf};

use clap::Args;

use super::stdout_error;
use crate::{
    cancel::CancelToken,
    disposal,
    error::{Error, Exit, Result},
    folders,
    printable::printable,
    task::{Away, Doomed},
    text,
};

/// Arguments of `lookalike undo`.
#[derive(Debug, Clone, Args)]
pub struct UndoArgs {
    /// A list that a move has printed [default: the newest one]
    #[arg(value_name = "LIST")]
    pub list: Option<PathBuf>,
}

/// Moves the files away when the user has said `yes`; else says what would be.
///
/// # Errors
/// [`Error::Io`] when `out`, or the list that undoes it, cannot be written.
pub fn run(
    doomed: &[Doomed],
    away: &Away,
    protected: &[PathBuf],
    yes: bool,
    stop: &CancelToken,
    out: &mut dyn Write,
) -> Result<Exit> {
    let pictures = text::counted(doomed.len(), "picture");
    let to = match away {
        Away::Trash => "the trash".to_owned(),
        Away::Folder(folder) => printable(folder),
    };
    if !yes || doomed.is_empty() {
        for one in doomed {
            let kept = one.kept.as_ref().map_or(String::new(), |kept| format!("  (kept: {})", printable(&kept.path)));
            writeln!(out, "{}{kept}", printable(&one.file.path)).map_err(stdout_error)?;
        }
        let bytes = text::bytes(doomed.iter().map(|one| one.file.size).sum());
        let add = if doomed.is_empty() { "" } else { ": add --yes to do it" };
        writeln!(out, "{pictures} ({bytes}) would go into {to}{add}").map_err(stdout_error)?;
        return Ok(Exit::Done);
    }
    let done = disposal::dispose(doomed, away, protected, &folders::moved()?, stop)?;
    for path in &done.moved {
        writeln!(out, "{}", printable(path)).map_err(stdout_error)?;
    }
    for (path, why) in &done.refused {
        writeln!(out, "! {} stays: {why}", printable(path)).map_err(stdout_error)?;
    }
    writeln!(out, "{} moved into {to}", text::counted(done.moved.len(), "picture")).map_err(stdout_error)?;
    if done.left > 0 {
        writeln!(out, "stopped: {} stayed where they are", text::counted(done.left, "more picture"))
            .map_err(stdout_error)?;
    }
    if let Some(list) = done.list.filter(|_| !done.moved.is_empty()) {
        writeln!(out, "to bring them back: lookalike undo {}", printable(list)).map_err(stdout_error)?;
    }
    Ok(match (done.left, done.refused.is_empty()) {
        (0, true) => Exit::Done,
        (0, false) => Exit::Failed,
        _ => Exit::Interrupted,
    })
}

/// Brings back what was moved away.
///
/// # Errors
/// [`Error::Usage`] when nothing was, [`Error::Io`] when the list cannot be read or `out` not be written.
pub fn undo(args: &UndoArgs, out: &mut dyn Write) -> Result<Exit> {
    let newest = || Ok::<_, Error>(disposal::newest(&folders::moved()?));
    let list = match &args.list {
        Some(list) => list.clone(),
        None => newest()?.ok_or_else(|| Error::Usage("nothing was moved away that could be brought back".into()))?,
    };
    let undone = disposal::undo(&list)?;
    for path in &undone.back {
        writeln!(out, "{}", printable(path)).map_err(stdout_error)?;
    }
    for (path, why) in &undone.refused {
        writeln!(out, "! {} is not back: {why}", printable(path)).map_err(stdout_error)?;
    }
    if let Some(damage) = undone.damage() {
        writeln!(out, "! of the list {} {damage}", printable(&list)).map_err(stdout_error)?;
    }
    writeln!(out, "{} brought back", text::counted(undone.back.len(), "picture")).map_err(stdout_error)?;
    Ok(if undone.refused.is_empty() && undone.damaged.is_empty() { Exit::Done } else { Exit::Failed })
}
