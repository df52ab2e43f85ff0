//! Which file the screen is drawn on.

use std::{
    fs::File,
    io::{self, IsTerminal},
    os::fd::AsFd,
};

use crate::error::{Error, Result};

/// Standard output; in a pipeline the controlling terminal.
///
/// # Errors
/// [`Error::Usage`] with what to do instead when there is no terminal to draw on or to read keys from.
pub(super) fn open(pipeline: bool) -> Result<File> {
    let own = File::options().read(true).write(true).open("/dev/tty").ok();
    if own.is_none() && !io::stdin().is_terminal() {
        return Err(Error::Usage(
            "the explorer needs a terminal to read keys from; over ssh, add -t to the ssh command".into(),
        ));
    }
    let stdout = io::stdout();
    if stdout.is_terminal() {
        return stdout.as_fd().try_clone_to_owned().map(File::from).map_err(Error::Terminal);
    }
    if !pipeline {
        return Err(Error::Usage(
            "standard output is not a terminal; add --print-marked to pick pictures in a pipeline, \
             or see `lookalike neighbors` and `lookalike matrix` for tables"
                .into(),
        ));
    }
    own.ok_or_else(|| Error::Usage("there is no terminal to draw the explorer on".into()))
}
