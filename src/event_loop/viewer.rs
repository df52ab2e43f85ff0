//! Opens a file with the program that the system has for its kind.

use std::{
    env,
    path::Path,
    process::{Command, Stdio},
};

use crate::environment::variable;

/// What opens a file on this system.
const OPENER: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

/// Starts it and does not wait for it.
///
/// # Errors
/// A sentence for the user when there is no desktop or nothing that opens files.
pub(super) fn open(path: &Path) -> Result<(), String> {
    // Without a desktop the opener would take a browser for terminals, and that ours.
    let desktop =
        cfg!(target_os = "macos") || ["DISPLAY", "WAYLAND_DISPLAY"].into_iter().any(|at| variable(at).is_some());
    if !desktop {
        return Err("There is no desktop to open it on: neither DISPLAY nor WAYLAND_DISPLAY is set.".to_owned());
    }
    let folders = variable("PATH").unwrap_or_default();
    if !env::split_paths(&folders).any(|folder| folder.join(OPENER).is_file()) {
        return Err(format!("There is no {OPENER}, which opens files: install the package xdg-utils."));
    }
    // The shell ends at once, so that nobody has to wait for the viewer.
    let mut shell = Command::new("sh");
    shell.args(["-c", "\"$0\" \"$1\" &", OPENER]).arg(path);
    shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = shell.status().map_err(|error| format!("{OPENER} does not start: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{OPENER} does not start.")) }
}
