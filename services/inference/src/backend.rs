//! llama.cpp's process-wide state: initialised once, never freed, its log sent to `tracing`.

use std::{
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    thread,
};

use llama_cpp_2::{LogOptions, llama_backend::LlamaBackend, send_logs_to_tracing};

use crate::Error;

static BACKEND: OnceLock<Result<LlamaBackend, String>> = OnceLock::new();
static CONTEXT_CREATION: Mutex<()> = Mutex::new(());

/// Returns the backend, initialising it on the first call.
pub(crate) fn backend() -> Result<&'static LlamaBackend, Error> {
    BACKEND
        .get_or_init(|| {
            send_logs_to_tracing(LogOptions::default());
            #[cfg(feature = "dynamic-backends")]
            load_backends();
            LlamaBackend::init().map_err(|error| error.to_string())
        })
        .as_ref()
        .map_err(|error| Error::Decode(error.clone()))
}

/// Loads the kernels that suit this machine: from the folder `backends` beside the program, where a release has them, or
/// else from where the build put them.
#[cfg(feature = "dynamic-backends")]
fn load_backends() {
    use llama_cpp_2::llama_backend;

    let beside = std::env::current_exe()
        .ok()
        .and_then(|program| Some(program.parent()?.join("backends")))
        .filter(|folder| folder.is_dir() && folder.to_str().is_some());
    match beside {
        Some(folder) => llama_backend::load_backends_from_path(&folder),
        None => llama_backend::load_backends(),
    }
}

/// Serialises the creation of models and contexts, which is not sound from two threads at once.
pub(crate) fn creation_lock() -> MutexGuard<'static, ()> {
    CONTEXT_CREATION
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

/// Returns how many threads a model computes with: what is asked for, or for 0 one for each core.
///
/// A small model gets one thread only: llama.cpp's threads wait for one another by spinning some hundred times a
/// token, so on a machine with other work a second thread made the test model over a hundred times slower.
pub(crate) fn threads(asked: u32, parameters: u64) -> u32 {
    const SMALL_MODEL_PARAMETERS: u64 = 100_000_000;
    match asked {
        0 if parameters < SMALL_MODEL_PARAMETERS => 1,
        0 => thread::available_parallelism().map_or(2, |n| n.get().min(512) as u32),
        asked => asked,
    }
}
