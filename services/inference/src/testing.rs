//! Tiny model files with random weights, for tests that need a real model but no sense.

use std::{fmt, io, path::Path, sync::Arc};

pub use crate::random_model::{CHAT_TEMPLATE, RandomModel, SPECIAL_TOKENS};

/// Writes a model file; about 500 KB for the default shape.
///
/// # Errors
/// As the file system says.
pub fn write_random_model(path: impl AsRef<Path>, model: &RandomModel) -> io::Result<()> {
    model.write(path, &mut |_, _| {}).map(|_| ())
}

/// Something that an engine's thread does before each step, so that a test can let it hang.
#[derive(Clone)]
pub struct StepHook(Arc<dyn Fn() + Send + Sync>);

impl StepHook {
    /// Makes a hook.
    pub fn new(hook: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(hook))
    }

    pub(crate) fn call(&self) {
        (self.0)();
    }
}

impl fmt::Debug for StepHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StepHook")
    }
}

impl PartialEq for StepHook {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
