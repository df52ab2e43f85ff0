//! `lookalike completions SHELL`: the shell's completion script, from the same argument definitions as the help.

use std::io::Write;

use clap::{Args, Command, CommandFactory, builder::PossibleValuesParser};
use clap_complete::Shell;

use crate::{
    cli::{Cli, stdout_error},
    embed::{Folders, catalog},
    error::{Exit, Result},
};

/// Which shell.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell that reads the script.
    #[arg(value_enum)]
    shell: Shell,
}

/// Writes the script to `out`. The models that it completes are those of this moment.
///
/// # Errors
/// When `out` cannot be written.
pub fn run(args: &CompletionsArgs, out: &mut dyn Write) -> Result<Exit> {
    // Into memory first: the generator itself panics when its writer fails.
    let mut script = Vec::new();
    let models =
        catalog(&Folders::from_env()?).entries.into_iter().map(|entry| entry.manifest.name).collect::<Vec<_>>();
    let mut program = with_models(Cli::command(), &models);
    clap_complete::generate(args.shell, &mut program, "lookalike", &mut script);
    out.write_all(&script).map_err(stdout_error)?;
    Ok(Exit::Done)
}

/// The same command, whose arguments that name a model take these. Only a shell is told so: who types a name gets the
/// catalog's own answer, which says more.
fn with_models(command: Command, models: &[String]) -> Command {
    let is_model =
        |arg: &clap::Arg| arg.get_long() == Some("model") || arg.get_value_names() == Some(&["MODEL".into()]);
    let named = |arg: clap::Arg| match is_model(&arg) {
        true => arg.value_parser(PossibleValuesParser::new(models.to_vec())),
        false => arg,
    };
    command.mut_args(named).mut_subcommands(|command| with_models(command, models))
}
