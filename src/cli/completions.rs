//! `lookalike completions SHELL`: the shell's completion script, from the same argument definitions as the help.

use std::io::Write;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::{
    cli::{Cli, stdout_error},
    error::{Exit, Result},
};

/// Which shell.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell that reads the script.
    #[arg(value_enum)]
    shell: Shell,
}

/// Writes the script to `out`.
///
/// # Errors
/// When `out` cannot be written.
pub fn run(args: &CompletionsArgs, out: &mut dyn Write) -> Result<Exit> {
    // Into memory first: the generator itself panics when its writer fails.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "lookalike", &mut script);
    out.write_all(&script).map_err(stdout_error)?;
    Ok(Exit::Done)
}
