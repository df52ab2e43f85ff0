//! `lookalike man`: the manual page, from the same argument definitions as the help.

use std::io::{self, Write};

use clap::CommandFactory;
use clap_mangen::Man;

use crate::{
    cli::{Cli, stdout_error},
    error::{Exit, Result},
};

/// Writes the page of the program, then a section for every command, as one roff document.
///
/// # Errors
/// When `out` cannot be written.
pub fn run(out: &mut dyn Write) -> Result<Exit> {
    write_page(out).map_err(stdout_error)?;
    Ok(Exit::Done)
}

fn write_page(out: &mut dyn Write) -> io::Result<()> {
    let mut program = Cli::command();
    program.build();
    Man::new(program.clone()).render(out)?;
    for command in program.get_subcommands().filter(|command| command.get_name() != "help") {
        let page = Man::new(command.clone());
        writeln!(out, ".SH \"LOOKALIKE {}\"", command.get_name().to_uppercase())?;
        page.render_synopsis_section(&mut *out)?;
        page.render_description_section(&mut *out)?;
        page.render_options_section(&mut *out)?;
    }
    Ok(())
}
