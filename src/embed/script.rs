//! A TorchScript module on a thread of its own. It is foreign code that may never end: when it does not answer, whoever
//! waits goes on without it.

use std::{
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::Duration,
};

use tch::{CModule, TchError, Tensor};

use super::{device::Compute, shown, torch_error};
use crate::{
    environment::text_variable,
    error::{Error, Result},
};

/// The variable that overrides [`PATIENCE`], in seconds.
const VARIABLE: &str = "LOOKALIKE_MODEL_TIMEOUT";
/// Seconds that a module may take to load, or for a batch: far longer than any that is of use.
const PATIENCE: u32 = 300;

/// A loaded module.
pub(super) struct Script {
    name: String,
    batches: Sender<Tensor>,
    answers: Receiver<Result<Tensor, TchError>>,
    /// Seconds to wait for an answer.
    patience: u32,
}

impl Script {
    /// Loads the module for the model of that name; it computes with `threads` threads.
    ///
    /// # Errors
    /// [`Error::Model`] when the file is no TorchScript module, or loading it does not end.
    pub(super) fn load(name: &str, file: &Path, compute: Compute, threads: usize) -> Result<Self> {
        let (batches, incoming) = channel();
        let (outgoing, answers) = channel();
        let script = Self { name: name.to_owned(), batches, answers, patience: patience() };
        let path = file.to_owned();
        let run = move || {
            let module = match load(path, compute) {
                Ok(module) => module,
                Err(error) => return drop(outgoing.send(Err(error))),
            };
            // An empty answer says that it is loaded.
            let mut answer = Ok(Tensor::new());
            // libtorch keeps both settings per thread.
            tch::set_num_threads(threads as i32);
            tch::no_grad(|| {
                while outgoing.send(answer).is_ok() {
                    let Ok(batch) = incoming.recv() else { return };
                    answer = forward(&module, &batch);
                }
            });
        };
        // Detached: nothing can end a thread that computes for ever, so nothing may wait for it either.
        thread::Builder::new().name("torchscript".into()).spawn(run).map_err(|error| Error::model(name, error))?;
        script.answer()?.map(drop).map_err(|error| {
            let what = torch_error(name)(error);
            Error::model(shown(file), format!("this is not a TorchScript module that libtorch can load ({what})"))
        })?;
        Ok(script)
    }

    /// The module's answer to a batch, N×dim.
    ///
    /// # Errors
    /// [`Error::Model`] when the module fails, or does not answer.
    pub(super) fn forward(&self, batch: Tensor) -> Result<Tensor> {
        // If the thread is gone, the missing answer says so.
        let _ = self.batches.send(batch);
        self.answer()?.map_err(torch_error(&self.name))
    }

    fn answer(&self) -> Result<Result<Tensor, TchError>> {
        // Second by second, so that a process that was stopped for an hour has waited for one second only.
        for _ in 0..self.patience {
            match self.answers.recv_timeout(Duration::from_secs(1)) {
                Ok(answer) => return Ok(answer),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(Error::model(&self.name, "its module crashed")),
            }
        }
        let reason = format!(
            "its module has not answered for {} seconds and may never do so; if it is only slow, set {VARIABLE} to more seconds",
            self.patience
        );
        Err(Error::model(&self.name, reason))
    }
}

fn patience() -> u32 {
    text_variable(VARIABLE).and_then(|seconds| seconds.parse().ok()).filter(|&seconds| seconds > 0).unwrap_or(PATIENCE)
}

fn load(file: PathBuf, compute: Compute) -> Result<CModule, TchError> {
    let mut module = CModule::load_on_device(file, compute.device)?;
    module.f_set_eval()?;
    Ok(module)
}

fn forward(module: &CModule, batch: &Tensor) -> Result<Tensor, TchError> {
    module.forward_ts(&[batch])?.f_flatten(1, -1)
}
