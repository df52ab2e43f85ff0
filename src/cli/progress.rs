//! Progress of headless commands on standard error: one line that is redrawn on a terminal, a line now and then elsewhere.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use crate::{
    pipeline::{Progress, Report, Stage},
    printable::printable_str,
};

/// Where no terminal redraws the line, this much time lies between two lines at least.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// Writes what a pipeline run reports to standard error.
pub struct Reporter {
    terminal: bool,
    drawn: bool,
    last: Instant,
}

impl Reporter {
    /// For this process's standard error.
    #[must_use]
    pub fn stderr() -> Self {
        Self { terminal: io::stderr().is_terminal(), drawn: false, last: Instant::now() }
    }

    /// Shows progress and notes; other reports are for those who show pictures.
    pub fn take(&mut self, report: &Report) {
        match report {
            Report::Progress(progress) if progress.stage == Stage::Done => self.clear(),
            Report::Progress(progress) => self.line(|| line(progress)),
            Report::Note(note) => self.say(note),
            _ => {}
        }
    }

    /// Shows how far the work is; the text is only made when it is shown.
    pub fn line(&mut self, text: impl FnOnce() -> String) {
        if !self.terminal && self.last.elapsed() < BETWEEN_LINES {
            return;
        }
        // Progress is a courtesy: when standard error is gone the work goes on.
        let _ = match self.terminal {
            true => write!(io::stderr(), "\r\x1b[K{}", text()).and_then(|()| io::stderr().flush()),
            false => writeln!(io::stderr(), "{}", text()),
        };
        self.drawn = self.terminal;
        self.last = Instant::now();
    }

    /// Writes a line of its own.
    pub fn say(&mut self, text: &str) {
        self.clear();
        let _ = writeln!(io::stderr(), "lookalike: {}", printable_str(text));
    }

    /// Takes the progress line away; call it before anything else is written.
    pub fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            let _ = write!(io::stderr(), "\r\x1b[K");
            let _ = io::stderr().flush();
        }
    }
}

fn line(progress: &Progress) -> String {
    let Progress { stage, done, total, per_second, left, .. } = progress;
    match stage {
        Stage::Loading if *total > 0 => format!("loading the model for {total} images"),
        Stage::Loading => "reading the index".into(),
        Stage::Scanning => format!("looking for images: {done}"),
        Stage::Comparing => format!("comparing files with what is known: {done}/{total}"),
        Stage::Embedding => {
            let left = left.map(|left| format!(", {} left", clock(left))).unwrap_or_default();
            format!("embedding {done}/{total}, {per_second:.1} images/s{left}")
        }
        Stage::Done => String::new(),
    }
}

/// Minutes and seconds, or hours, minutes and seconds.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}
