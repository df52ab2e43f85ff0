//! Command-line arguments and their dispatch.

use std::{
    borrow::Cow,
    env, fs,
    io::{self, BufWriter, Write},
    ops::ControlFlow,
    panic,
    path::{Path, PathBuf},
};

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum, error::ErrorKind};

use self::config::Config;
use crate::{
    decode,
    embed::{self, ModelChoice},
    environment::variable,
    error::{Error, Exit, Result},
    folders,
    pipeline::{Cache, Request},
    printable::printable_str,
    scan,
};

pub mod alike;
pub mod cache;
pub mod classify;
pub mod compare;
pub mod completions;
pub mod config;
pub mod data;
pub mod disposal;
pub mod doctor;
pub mod examples;
pub mod explore;
pub mod enrolled;
pub mod evaluate;
pub mod gallery;
pub mod groups;
pub mod index;
pub mod interrupt;
pub mod indexed;
pub mod links;
pub mod live;
pub mod labels;
pub mod man;
pub mod map;
pub mod matrix;
pub mod mistyped;
pub mod models;
pub mod neighbors;
pub mod picture;
pub mod outliers;
pub mod progress;
pub mod svg;
pub mod why;

/// Version of everything that is printed with `--json`: raised when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// The end of the long help: what the exit codes mean, and how to name a folder that is called like a command.
const AFTER_HELP: &str = "\
Exit codes:
  0    done
  1    something failed, or images were skipped and --strict was given
  2    the arguments make no sense, or a needed terminal is not there
  3    nothing to work on: no such folder, or no image in it
  4    `live --once` saw nothing that it knows
  130  interrupted; what was indexed is kept

Names in JSON and CSV:
  The path of a picture or a group whose name is not UTF-8 is given as a file URL:
  file:///… with every other byte as %XX.

A folder that is called like a command is named with a path: lookalike ./index";

const USAGE: &str = "lookalike [OPTIONS] [FOLDER|PICTURE]...\n       lookalike <COMMAND>";

/// Shows which pictures in a folder look alike, in the terminal.
#[derive(Debug, Parser)]
#[command(name = "lookalike", version, disable_help_subcommand = true, args_conflicts_with_subcommands = true, override_usage = USAGE, after_long_help = format!("{}\n\n{AFTER_HELP}", examples::of("")))]
pub struct Cli {
    /// What to do; without a command the explorer opens.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Arguments of the explorer.
    #[command(flatten)]
    pub explore: explore::ExploreArgs,
}

/// Everything besides the explorer.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Brings the index of folders up to date, without the explorer.
    #[command(after_long_help = examples::of("index"))]
    Index(index::IndexArgs),
    /// Lists the pictures most like one picture, which may lie anywhere.
    #[command(after_long_help = examples::of("neighbors"))]
    Neighbors(neighbors::NeighborsArgs),
    /// Prints how alike all pairs of pictures are.
    #[command(after_long_help = examples::of("matrix"))]
    Matrix(matrix::MatrixArgs),
    /// Shows which pictures look alike, in groups, the most alike first.
    #[command(after_long_help = examples::of("alike"))]
    Alike(alike::AlikeArgs),
    /// Shows the pictures from above, as points, alike ones together.
    #[command(after_long_help = examples::of("map"))]
    Map(map::MapArgs),
    /// Shows which pictures belong together, or links them by group.
    #[command(after_long_help = examples::of("groups"))]
    Groups(groups::GroupsArgs),
    /// Shows which pictures do not belong, and why.
    #[command(after_long_help = examples::of("outliers"))]
    Outliers(outliers::OutliersArgs),
    /// Shows which labels are confused, and what is mislabeled.
    #[command(after_long_help = examples::of("labels"))]
    Labels(labels::LabelsArgs),
    /// Says what pictures show, learned from labeled ones.
    #[command(after_long_help = examples::of("classify"))]
    Classify(classify::ClassifyArgs),
    /// Compares two models on the same pictures.
    #[command(after_long_help = examples::of("compare"))]
    Compare(compare::CompareArgs),
    /// Shows which regions of two pictures make them alike.
    #[command(after_long_help = examples::of("why"))]
    Why(why::WhyArgs),
    /// Brings back pictures that were moved away.
    #[command(after_long_help = examples::of("undo"))]
    Undo(disposal::UndoArgs),
    /// Scores how well models keep the sub-folders of a folder apart.
    #[command(after_long_help = examples::of("evaluate"))]
    Evaluate(evaluate::EvaluateArgs),
    /// Shows how well the names of a gallery can be told apart.
    #[command(after_long_help = examples::of("gallery"))]
    Gallery(gallery::GalleryArgs),
    /// Says which name of a gallery a camera or a new picture shows.
    #[command(after_long_help = examples::of("live"))]
    Live(live::LiveArgs),
    /// Shows, prunes or clears what is kept on disk.
    Cache(cache::CacheArgs),
    /// Prints what a bug report needs: versions, models, the terminal.
    Doctor(doctor::DoctorArgs),
    /// Prints the completions of a shell.
    #[command(after_long_help = examples::of("completions"))]
    Completions(completions::CompletionsArgs),
    /// Prints the manual page, in roff.
    Man,
    /// Lists the models, or downloads one's weights.
    Models(models::ModelsArgs),
}

/// Which folders, and which files in them.
#[derive(Debug, Clone, Args)]
pub struct FolderArgs {
    /// Folders with images [default: the one you are in]
    #[arg(value_name = "FOLDER")]
    folders: Vec<PathBuf>,
    /// Leave out paths that match this glob (repeatable).
    #[arg(long, hide_short_help = true, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Look into hidden files and folders too.
    #[arg(long, hide_short_help = true)]
    pub include_hidden: bool,
}

impl FolderArgs {
    /// The folders; the working folder when none is named.
    #[must_use]
    pub fn folders(&self) -> Cow<'_, [PathBuf]> {
        if self.folders.is_empty() { vec![".".into()].into() } else { (&*self.folders).into() }
    }

    /// The same with this folder when none is named.
    fn or(&self, folder: &Path) -> Self {
        let folders = if self.folders.is_empty() { vec![folder.to_owned()] } else { self.folders.clone() };
        Self { folders, ..self.clone() }
    }
}

/// The folder that a file is in.
fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Which network turns pictures into embeddings, and how.
#[derive(Debug, Clone, Args)]
pub struct ModelArgs {
    /// The model's name, see `lookalike models`
    ///
    /// Without it gaze is used, or the best one whose weights are found.
    #[arg(long, value_name = "NAME", env = "LOOKALIKE_MODEL")]
    pub model: Option<String>,
    /// Index the faces in the pictures, as --model faces
    ///
    /// Every face is a row of its own, so that groups are people.
    #[arg(long)]
    pub faces: bool,
    /// The weights file to use instead of looking for it.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub weights: Option<PathBuf>,
    /// Where and how it runs.
    #[command(flatten)]
    pub how: ComputeArgs,
}

/// Where and how a network runs, and where its embeddings are kept.
#[derive(Debug, Clone, Args)]
pub struct ComputeArgs {
    /// Where to compute.
    #[arg(long, value_enum, default_value_t = DeviceArg::Auto, hide_short_help = true)]
    pub device: DeviceArg,
    /// Decode every image in full and compute in float32.
    #[arg(long, hide_short_help = true)]
    pub exact: bool,
    /// Threads to use [default: all cores]
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub threads: Option<usize>,
    /// Folder of the index.
    #[arg(long, value_name = "FOLDER", hide_short_help = true, env = "LOOKALIKE_CACHE")]
    pub cache_dir: Option<PathBuf>,
    /// Keep nothing on disk.
    #[arg(long, hide_short_help = true)]
    pub no_cache: bool,
}

impl ModelArgs {
    /// The model that these arguments ask for.
    #[must_use]
    pub fn choice(&self) -> ModelChoice {
        ModelChoice {
            name: if self.faces { Some("faces".to_owned()) } else { self.model.clone() },
            weights: self.weights.clone(),
            device: match self.how.device {
                DeviceArg::Auto => embed::Device::Auto,
                DeviceArg::Cpu => embed::Device::Cpu,
                DeviceArg::Cuda => embed::Device::Cuda,
            },
            exact: self.how.exact,
            threads: self.how.threads.unwrap_or(0),
        }
    }
}

/// Where the network runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DeviceArg {
    /// The GPU when libtorch sees one, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// The first CUDA GPU.
    Cuda,
}

/// What a process that panicked ends with, by the custom of Rust programs.
const PANICKED: i32 = 101;

/// Parses the arguments, runs the command, prints one sentence on failure, and ends the process.
pub fn main() -> ! {
    quiet_fenced_panics();
    interrupt::outlive_file_limits();
    // The hook has said what there is to say of a panic.
    let code = panic::catch_unwind(|| parse_and_run() as i32).unwrap_or(PANICKED);
    interrupt::exit_at_once(code)
}

/// Ends the process with one sentence when the working folder was deleted.
///
/// May run before anything else in the process does.
pub fn check_working_folder() {
    if env::current_dir().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        let _ = writeln!(
            io::stderr(),
            "lookalike: the folder you are in was deleted or replaced: change to another one (or with `cd .` back into it)"
        );
        interrupt::exit_at_once(Exit::Nothing as i32);
    }
}

fn parse_and_run() -> Exit {
    let mut out = BufWriter::new(io::stdout().lock());
    let config = Config::of_user(&Cli::command());
    let ended = parse(config.as_ref().ok())
        .and_then(|parsed| match parsed {
            ControlFlow::Continue(arguments) => run(&arguments, config, &mut out),
            ControlFlow::Break(exit) => Ok(exit),
        })
        .and_then(|exit| out.flush().map_err(stdout_error).map(|()| exit));
    let exit = match ended {
        Ok(exit) => exit,
        // Whoever read our output, `head` for example, has seen enough.
        Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
        Err(error) => {
            // What was made before the failure is not lost; a second failure would only repeat the first.
            let _ = out.flush();
            // When even the error stream is gone there is nobody left to tell.
            let _ = writeln!(io::stderr(), "lookalike: {}", printable_str(&error.to_string()));
            error.exit()
        }
    };
    // A second attempt to flush what a closed pipe refused would only fail again, so the buffer is dropped unwritten.
    let _ = out.into_parts();
    exit
}

/// The arguments; or how the program ends, where they ask for help or make no sense and all was said about them. A variable
/// that stands for one and is empty is taken for unset.
///
/// # Errors
/// [`Error::NoCommand`] for options that are strange because the command before them is mistyped; [`Error::Io`] when the help
/// cannot be written.
fn parse(config: Option<&Config>) -> Result<ControlFlow<Exit, Cli>> {
    let program = without_empty_variables(Cli::command());
    let program = config.map_or(program.clone(), |config| config.apply(program));
    let parsed = program.try_get_matches();
    let parsed = parsed.and_then(|matches| Cli::from_arg_matches(&matches));
    let error = match parsed {
        Ok(arguments) => return Ok(ControlFlow::Continue(arguments)),
        Err(error) => error,
    };
    if error.kind() == ErrorKind::UnknownArgument
        && let Some(mistyped @ Error::NoCommand { .. }) = env::args_os().nth(1).map(mistyped::error)
    {
        return Err(mistyped);
    }
    let said = error.print();
    if error.use_stderr() {
        // When the error stream is gone there is nobody left to tell.
        return Ok(ControlFlow::Break(Exit::Usage));
    }
    said.and_then(|()| io::stdout().flush()).map_err(stdout_error)?;
    Ok(ControlFlow::Break(Exit::Done))
}

fn without_empty_variables(command: clap::Command) -> clap::Command {
    let set = |arg: &clap::Arg| arg.get_env().is_some_and(|name| variable(&name.to_string_lossy()).is_some());
    command.mut_args(|arg| if set(&arg) { arg } else { arg.env(None) }).mut_subcommands(without_empty_variables)
}

/// One arm a command; each lives in its own file under `cli/` as `pub fn run(args, out) -> Result<Exit>`.
///
/// A configuration that is not understood stops them all, but for those that help to put it right.
fn run(cli: &Cli, config: Result<Config>, out: &mut dyn Write) -> Result<Exit> {
    match &cli.command {
        Some(Command::Doctor(args)) => return doctor::run(args, &config, out),
        Some(Command::Completions(args)) => return completions::run(args, out),
        Some(Command::Man) => return man::run(out),
        _ => {}
    }
    let config = config?;
    match &cli.command {
        Some(Command::Index(args)) => index::run(args, out),
        Some(Command::Neighbors(args)) => neighbors::run(args, out),
        Some(Command::Alike(args)) => alike::run(args, out),
        Some(Command::Map(args)) => map::run(args, out),
        Some(Command::Groups(args)) => groups::run(args, out),
        Some(Command::Outliers(args)) => outliers::run(args, out),
        Some(Command::Why(args)) => why::run(args, config.palette.map, out),
        Some(Command::Undo(args)) => disposal::undo(args, out),
        Some(Command::Matrix(args)) => matrix::run(args, config.palette.map, out),
        Some(Command::Labels(args)) => labels::run(args, out),
        Some(Command::Classify(args)) => classify::run(args, out),
        Some(Command::Compare(args)) => compare::run(args, out),
        Some(Command::Evaluate(args)) => evaluate::run(args, out),
        Some(Command::Gallery(args)) => gallery::run(args, out),
        Some(Command::Live(args)) => live::run(args, config.palette, out),
        Some(Command::Cache(args)) => cache::run(args, out),
        Some(Command::Models(args)) => models::run(args, out),
        Some(Command::Doctor(_) | Command::Completions(_) | Command::Man) => Ok(Exit::Done),
        None => explore::run(&cli.explore, config, out),
    }
}

/// Keeps silent about panics of image decoders, which are caught and become skipped files.
fn quiet_fenced_panics() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !decode::is_fenced() {
            usual(info);
        }
    }));
}

/// What the arguments ask the pipeline to do.
///
/// # Errors
/// [`Error::Usage`] for a glob that makes no sense or a user without a home folder.
pub fn request(folders: &FolderArgs, model: &ModelArgs) -> Result<Request> {
    Ok(Request {
        roots: folders.folders().into_owned(),
        scan: scan::Options::new(folders.include_hidden, &folders.exclude)?,
        model: model.choice(),
        cache: match model.how.no_cache {
            true => Cache::Off,
            false => Cache::Folder(cache_folder(model.how.cache_dir.as_deref())?),
        },
    })
}

/// The real paths of folders of which nothing may go.
///
/// # Errors
/// [`Error::NoFolder`] when one is not there: what it should protect would not be.
pub fn protected(folders: &[PathBuf]) -> Result<Vec<PathBuf>> {
    folders.iter().map(|folder| fs::canonicalize(folder).map_err(|_| Error::NoFolder(folder.clone()))).collect()
}

/// The folder of all indexes: the one asked for, else the user's cache folder.
///
/// # Errors
/// [`Error::Usage`] when the user has no home folder.
pub fn cache_folder(asked: Option<&Path>) -> Result<PathBuf> {
    if let Some(folder) = asked {
        return std::path::absolute(folder).map_err(Error::io("use", folder));
    }
    folders::cache()
}

/// What a failed write to standard output becomes; a closed pipe ends the program in silence.
pub fn stdout_error(source: io::Error) -> Error {
    Error::Io { doing: "write", path: "standard output".into(), source }
}
