//! The binary: parse the arguments, run the command, say one sentence when it fails.

fn main() {
    lookalike::cli::main()
}
