//! Programs of ours as child processes.

use std::process::Command;

/// Keeps a program from the settings in this process's environment: its settings are those of its file alone.
pub fn without_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MERCER_") {
            command.env_remove(name);
        }
    }
}
