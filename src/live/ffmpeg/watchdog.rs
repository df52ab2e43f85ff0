//! Whoever kills us outright leaves nobody to end ffmpeg, and one that waits for a silent camera never writes, so that it
//! never finds its pipe closed. So a shell waits beside it for the end of its own standard input, which nobody but us holds
//! open, and then kills it.

use std::{
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

use rustix::process::Pid;

/// Waits until we are gone, then ends a group of processes. The same in every shell.
const SCRIPT: &str = "read -r _; kill -9 \"-$1\"";

/// Ends a group of processes when this one is gone, however that comes. Dropping it calls it off.
pub(super) struct Watchdog(Option<Child>);

impl Watchdog {
    /// Guards a group. Where there is no shell, nothing guards it.
    pub(super) fn of(group: Pid) -> Self {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT, "sh", &group.as_raw_nonzero().to_string()]);
        // Nothing of ours is held open by it, and Ctrl-C is not for it.
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/").process_group(0);
        Self(command.spawn().ok())
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        if let Some(shell) = &mut self.0 {
            // Killed, not let go: it must not end what has the number of the group by then.
            let _ = shell.kill();
            let _ = shell.wait();
        }
    }
}
