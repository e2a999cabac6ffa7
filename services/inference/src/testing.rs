//! Tiny model files with random weights, for tests that need a real model but no sense.

use std::{io, path::Path};

pub use crate::random_model::{CHAT_TEMPLATE, RandomModel, SPECIAL_TOKENS};

/// Writes a model file; about 500 KB for the default shape.
///
/// # Errors
/// As the file system says.
pub fn write_random_model(path: impl AsRef<Path>, model: &RandomModel) -> io::Result<()> {
    model.write(path, &mut |_, _| {}).map(|_| ())
}
