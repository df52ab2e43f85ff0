//! `lookalike [FOLDER…]`: the explorer.

use std::io::Write;

use clap::Args;

use super::{FolderArgs, ModelArgs, data::write_path, request, stdout_error};
use crate::{
    error::{Exit, Result},
    event_loop::{self, DebugFault, ExitReason, Options},
    pipeline, scan,
    similarity::Metric,
    terminal::DisplayOptions,
};

/// The explorer.
#[derive(Debug, Clone, Args)]
pub struct ExploreArgs {
    /// Folders and what to leave out.
    #[command(flatten)]
    pub folders: FolderArgs,
    /// The model.
    #[command(flatten)]
    pub model: ModelArgs,
    /// The metric to start with.
    #[arg(long, value_enum, default_value_t)]
    pub metric: Metric,
    /// Colors and pictures.
    #[command(flatten)]
    pub display: DisplayOptions,
    /// Print the paths of the marked pictures when the explorer is left, one a line.
    #[arg(long)]
    pub print_marked: bool,
    /// End each printed path with a NUL instead of a line feed, for `xargs -0`.
    #[arg(short = '0', long, alias = "null", requires = "print_marked")]
    pub print0: bool,
    /// Fail after the first frame.
    #[arg(long, value_enum, hide = true)]
    pub debug_fault: Option<DebugFault>,
}

/// Opens the explorer, and prints what was marked in it to `out` when that is asked for.
///
/// # Errors
/// When a folder is not there, when there is no terminal to run in, or when `out` cannot be written.
pub fn run(args: &ExploreArgs, out: &mut dyn Write) -> Result<Exit> {
    let request = request(&args.folders, &args.model)?;
    // A wrong path is said where it was typed, not on a screen that has to be left first.
    scan::roots(&request.roots)?;
    let options = Options {
        folders: request.roots.clone(),
        metric: args.metric,
        display: args.display,
        pipeline: args.print_marked,
        debug_fault: args.debug_fault,
    };
    let indexer = Box::new(move |cancel: &_, report: &mut dyn FnMut(_)| pipeline::run(&request, cancel, report));
    let (marked, exit) = match event_loop::run(&options, indexer)? {
        ExitReason::User(marked) => (marked, Ok(Exit::Done)),
        ExitReason::Failure(marked, error) => (marked, Err(error)),
        ExitReason::Hangup => return Ok(Exit::Interrupted),
    };
    if args.print_marked {
        for path in marked {
            write_path(&path, args.print0, out).map_err(stdout_error)?;
        }
    }
    exit
}
