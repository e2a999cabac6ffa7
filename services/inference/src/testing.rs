//! A hook into the engine, for tests that need a model to hang. Model files for tests are written by `mercer-random-model`.

use std::{fmt, sync::Arc};

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
