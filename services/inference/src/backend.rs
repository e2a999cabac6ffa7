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

/// Returns how many threads a chat model computes with: what is asked for, or for 0 one for each core that other models
/// of this process have not `taken`.
pub(crate) fn chat_threads(asked: u32, parameters: u64, taken: u32) -> u32 {
    threads(asked, parameters, chat_share(cores(), taken))
}

/// Returns how many threads an embedding model or a reranker computes with: what is asked for, or for 0 a quarter of the
/// cores.
pub(crate) fn text_threads(asked: u32, parameters: u64) -> u32 {
    threads(asked, parameters, text_share(cores()))
}

/// A model with fewer parameters is small: a step takes about a millisecond.
pub(crate) const SMALL_MODEL_PARAMETERS: u64 = 100_000_000;

/// Returns what is asked for, or for 0 a model's share of the cores.
///
/// A small model gets one thread only: llama.cpp's threads wait for one another by spinning some hundred times a
/// token, so on a machine with other work a second thread made the test model over a hundred times slower.
fn threads(asked: u32, parameters: u64, share: u32) -> u32 {
    match asked {
        0 if parameters < SMALL_MODEL_PARAMETERS => 1,
        0 => share,
        asked => asked,
    }
}

fn cores() -> u32 {
    thread::available_parallelism().map_or(2, |cores| cores.get().min(512) as u32)
}

/// On fewer than four cores the chat model has all of them: it computes most of the time, an embedder some milliseconds
/// a turn, and half the cores would cost more than those.
fn chat_share(cores: u32, taken: u32) -> u32 {
    match cores {
        0..4 => cores.max(1),
        _ => cores.saturating_sub(taken).max(1),
    }
}

fn text_share(cores: u32) -> u32 {
    (cores / 4).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chat_and_embedder_have_cores_of_their_own_where_there_are_enough() {
        for (cores, embedder, chat) in [(1, 1, 1), (2, 1, 2), (4, 1, 3), (8, 2, 6), (64, 16, 48)] {
            assert_eq!(text_share(cores), embedder, "{cores} cores");
            assert_eq!(chat_share(cores, embedder), chat, "{cores} cores");
        }
        assert_eq!(chat_share(4, 9), 1, "however much others have");
    }

    #[test]
    fn a_small_model_has_one_thread_unless_more_are_asked_for() {
        assert_eq!(threads(0, 99_999_999, 6), 1);
        assert_eq!(threads(0, 100_000_000, 6), 6);
        assert_eq!(threads(3, 1, 6), 3);
    }
}
