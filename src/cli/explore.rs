//! `lookalike [FOLDER…]`: the explorer.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    FolderArgs, ModelArgs, config::Config, data::write_path, folder_of, labels, mistyped, protected, request,
    stdout_error,
};
use crate::{
    app::UsableModel,
    embed,
    error::{Error, Exit, Result},
    event_loop::{self, DebugFault, ExitReason, ExplorerOptions},
    pipeline, scan,
    similarity::Metric,
    terminal::DisplayOptions,
};

const HELP: &str =
    "Folders with images, or a picture: its folder is opened with its neighbors [default: the folder you are in]";

/// The explorer.
#[derive(Debug, Clone, Args)]
#[command(mut_arg("folders", |folders| folders.help(HELP).hide_short_help(true)))]
pub struct ExploreArgs {
    /// Folders, or a picture, and what to leave out.
    #[command(flatten)]
    pub folders: FolderArgs,
    /// The model.
    #[command(flatten)]
    pub model: ModelArgs,
    /// The metric to start with.
    #[arg(long, value_enum, default_value_t, hide_short_help = true)]
    pub metric: Metric,
    /// Never mark or move away a picture of this folder (repeatable).
    #[arg(long, value_name = "FOLDER", hide_short_help = true)]
    pub keep_in: Vec<PathBuf>,
    /// Colors and pictures.
    #[command(flatten)]
    pub display: DisplayOptions,
    /// A CSV file with the columns path and label, for the Labels screen, in place of sub-folders
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub labels: Option<PathBuf>,
    /// Print the paths of the marked pictures when the explorer is left, one a line.
    #[arg(long, hide_short_help = true)]
    pub print_marked: bool,
    /// End each printed path with a NUL instead of a line feed, for `xargs -0`.
    #[arg(short = '0', long, alias = "null", requires = "print_marked", hide_short_help = true)]
    pub print0: bool,
    /// Fail after the first frame.
    #[arg(long, value_enum, hide = true)]
    pub debug_fault: Option<DebugFault>,
}

/// Opens the explorer, and prints what was marked in it to `out` when that is asked for.
///
/// # Errors
/// When a folder is not there, when there is no terminal to run in, or when `out` cannot be written.
pub fn run(args: &ExploreArgs, config: Config, out: &mut dyn Write) -> Result<Exit> {
    let (folders, picture) = opened(&args.folders)?;
    let request = request(&folders, &args.model)?;
    // A wrong path is said where it was typed, not on a screen that has to be left first.
    scan::roots(&request.roots).map_err(|error| match error {
        Error::NoFolder(word) => mistyped::error(word),
        other => other,
    })?;
    embed::check(&args.model.choice())?;
    let options = ExplorerOptions {
        folders: request.roots.clone(),
        picture,
        protected: protected(&args.keep_in)?,
        metric: args.metric,
        display: args.display,
        keys: config.keys,
        palette: config.palette,
        pipeline: args.print_marked,
        debug_fault: args.debug_fault,
        labels: labels::source(&folders, &args.model, args.labels.as_deref())?,
        kept_labels: labels::kept_file(&folders, &args.model)?,
        models: usable_models(),
    };
    let choice = request.model.clone();
    let embedder = Box::new(move || Ok((embed::load(&embed::choose(&choice)?, &choice)?, choice.exact)));
    let indexer = Box::new(move |model: Option<&str>, cancel: &_, report: &mut dyn FnMut(_)| match model {
        None => pipeline::run(&request, cancel, report),
        Some(name) => {
            let model = embed::ModelChoice { name: Some(name.to_owned()), weights: None, ..request.model.clone() };
            pipeline::run(&pipeline::Request { model, ..request.clone() }, cancel, report)
        }
    });
    let (marked, exit) = match event_loop::run(&options, indexer, embedder)? {
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

/// The models whose weights are there, the best first.
fn usable_models() -> Vec<UsableModel> {
    let Ok(folders) = embed::catalog::Folders::from_env() else { return Vec::new() };
    let usable = embed::catalog::catalog(&folders).entries.into_iter().filter(embed::catalog::CatalogEntry::usable);
    // Models are compared on whole pictures.
    let usable = usable.filter(|entry| !entry.manifest.finds_faces());
    let usable = usable.map(|entry| entry.manifest);
    usable.map(|model| UsableModel { name: model.name, description: model.description }).collect()
}

/// What the explorer opens: a picture stands for the folder that it lies in. The first one is the query; its path is
/// the one that the walk through its folder gives it.
fn opened(named: &FolderArgs) -> Result<(FolderArgs, Option<PathBuf>)> {
    let is_picture = |path: &PathBuf| path.is_file() && scan::is_image_name(path);
    let folders = named.folders.iter().map(|path| if is_picture(path) { folder_of(path).into() } else { path.clone() });
    let folders = FolderArgs { folders: folders.collect(), ..named.clone() };
    let picture = named.folders.iter().find(|path| is_picture(path)).map(|path| real(path)).transpose()?;
    Ok((folders, picture))
}

/// The picture's absolute path. A link is kept, unless it leads to another name in the same folder: only what lies
/// elsewhere is reached through it.
fn real(picture: &Path) -> Result<PathBuf> {
    let open = |path: &Path| fs::canonicalize(path).map_err(Error::io("open", picture));
    let (folder, picture_itself) = (open(folder_of(picture))?, open(picture)?);
    if picture_itself.starts_with(&folder) {
        return Ok(picture_itself);
    }
    Ok(folder.join(picture.file_name().unwrap_or_default()))
}
