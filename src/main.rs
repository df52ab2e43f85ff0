//! The binary: parse the arguments, run the command, say one sentence when it fails.

use std::process::ExitCode;

fn main() -> ExitCode {
    lookalike::cli::main()
}
