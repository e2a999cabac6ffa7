//! Leaves out kernels that crash, where llama.cpp's are libraries to choose from (`dynamic-backends`).

use std::{env, fs, io::ErrorKind, path::Path};

/// The one library with AMX instructions, which llama.cpp prefers wherever the processor has them, and whose
/// matrix product ends the process on a Q8_0 embedder; see docs/decisions/0001-cpu-flags.md.
const AMX: &str = "libggml-cpu-sapphirerapids.so";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Told by the build of llama.cpp, where it has built libraries.
    let Some(folder) = env::var_os("DEP_LLAMA_BACKENDS_DIR") else {
        return;
    };
    let library = Path::new(&folder).join(AMX);
    if let Err(error) = fs::remove_file(&library)
        && error.kind() != ErrorKind::NotFound
    {
        panic!("{} could not be left out: {error}", library.display());
    }
}
