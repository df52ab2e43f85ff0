//! The binary: parse the arguments, run the command, say one sentence when it fails.

fn main() {
    lookalike::cli::main()
}

/// A part of libtorch asks for the working folder when it is loaded, before [`main`], and ends the process with a
/// sentence that helps nobody when that folder was deleted. What stands here is called before any library begins.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "the section is the only way to run before the libraries do")]
#[used]
#[unsafe(link_section = ".preinit_array")]
static BEFORE_THE_LIBRARIES: extern "C" fn() = {
    extern "C" fn check_working_folder() {
        lookalike::cli::check_working_folder();
    }
    check_working_folder
};
