//! A command that is run when a name is seen. Its words are arguments: no shell ever reads them, so that a name can be
//! anything.

use std::{
    process::{Child, Command, Stdio},
    thread,
};

use super::SLICE;
use crate::{
    cancel::CancelToken,
    error::{Error, Result},
};

/// As many may run at once; what is seen meanwhile starts none.
const MOST: usize = 8;

/// A command with places for what was seen.
#[derive(Debug)]
pub struct Hook {
    words: Vec<String>,
    is_quiet: bool,
    running: Vec<Child>,
}

impl Hook {
    /// Splits a line into words as a shell does, without any of its other powers. What the command prints goes to the
    /// standard error, or nowhere when it is `quiet`: a screen must not be written over.
    ///
    /// # Errors
    /// [`Error::Usage`] for an empty line or a quotation without an end.
    pub fn parse(line: &str, quiet: bool) -> Result<Self> {
        let words = shell_words::split(line)
            .map_err(|_| Error::Usage(format!("--exec {line}: a quotation mark has no second one")))?;
        if words.is_empty() {
            return Err(Error::Usage("--exec names no command".into()));
        }
        Ok(Self { words, is_quiet: quiet, running: Vec::new() })
    }

    /// Runs it for a name and its value. It has no input.
    ///
    /// # Errors
    /// [`Error::Usage`] when it cannot be run, or too many of it run already.
    pub fn run(&mut self, name: &str, value: f32) -> Result<()> {
        if self.are_running() && self.running.len() >= MOST {
            return Err(Error::Usage(format!(
                "{MOST} of {} are running still: it was not started again",
                self.words[0]
            )));
        }
        let words = self.filled(name, value);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(Stdio::null());
        if self.is_quiet {
            command.stdout(Stdio::null()).stderr(Stdio::null());
        } else {
            command.stdout(std::io::stderr());
        }
        let child =
            command.spawn().map_err(|error| Error::Usage(format!("--exec cannot run {}: {error}", words[0])))?;
        self.running.push(child);
        Ok(())
    }

    /// Waits until all of them have ended, or nobody wants to wait any longer.
    pub fn wait(&mut self, stopped: &CancelToken) {
        while !stopped.is_cancelled() && self.are_running() {
            thread::sleep(SLICE);
        }
    }

    fn are_running(&mut self) -> bool {
        self.running.retain_mut(|child| child.try_wait().is_ok_and(|status| status.is_none()));
        !self.running.is_empty()
    }

    /// The words with what was seen in its places.
    fn filled(&self, name: &str, value: f32) -> Vec<String> {
        let value = format!("{value:.4}");
        // The value first: a name may look like a place.
        self.words.iter().map(|word| word.replace("{value}", &value).replace("{name}", name)).collect()
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        for child in &mut self.running {
            // Nobody wants it any more, and nothing that we started stays.
            let _ = child.kill().and_then(|()| child.wait());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_one_argument_whatever_is_in_them() {
        let hook = Hook::parse("say 'I see' \"{name}: {value}\" $HOME;", false).expect("words");
        let words = hook.filled("a; rm -rf ~ {value}", 0.5);
        assert_eq!(words, ["say", "I see", "a; rm -rf ~ {value}: 0.5000", "$HOME;"]);
        assert!(Hook::parse("  ", false).is_err() && Hook::parse("say 'a", false).is_err());
    }

    #[test]
    fn a_command_that_is_not_there_is_said() {
        let sentence =
            Hook::parse("/no/such/command {name}", true).expect("words").run("a", 1.0).expect_err("it is not there");
        assert!(sentence.to_string().contains("/no/such/command"), "{sentence}");
    }
}
