//! Tells the linker where libtorch lies, so that what is built here runs without `LD_LIBRARY_PATH`,
//! also after this checkout is gone.

use std::env;
use std::path::Path;

fn main() {
    // Not by a file: the fuzz targets are built with this one too, from another folder.
    println!("cargo::rerun-if-env-changed=DEP_TCH_LIBTORCH_LIB");
    // torch-sys says where it found libtorch, whichever way it was asked to look.
    let Some(library) = env::var_os("DEP_TCH_LIBTORCH_LIB") else { return };
    println!("cargo::rustc-link-arg=-Wl,-rpath,{}", Path::new(&library).display());
    // Nothing names a symbol of the CUDA library, which registers itself when it is loaded:
    // a linker that drops unused libraries would drop the GPU with it.
    if Path::new(&library).join("libtorch_cuda.so").exists() {
        println!("cargo::rustc-link-arg=-Wl,--push-state,--no-as-needed,-ltorch_cuda,--pop-state");
    }
}
