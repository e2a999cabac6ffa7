//! The core depends on nothing that has a clock, a runtime, a network or a random source.

use std::path::{Path, PathBuf};

/// What the core may use, and why it is harmless.
const ALLOWED: &[(&str, &str)] = &[
    ("mercer-schemas", "data"),
    ("schemars", "schemas of the calls of tools"),
    ("serde", "reading and writing data"),
    ("serde_json", "the plan's JSON"),
    ("thiserror", "error texts"),
];

#[test]
fn the_core_depends_on_data_only() {
    let manifest = include_str!("../Cargo.toml");
    let section = manifest
        .split("[dependencies]")
        .nth(1)
        .expect("dependencies");
    let section = section.split("\n[").next().unwrap_or_default();
    for line in section
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
        assert!(
            ALLOWED.iter().any(|(allowed, _)| *allowed == name),
            "`{name}` is not for the core; see ALLOWED"
        );
    }
}

/// What no file of the core may name.
const FORBIDDEN: &[&str] = &[
    "SystemTime",
    "Instant",
    "std::env",
    "std::fs",
    "std::net",
    "thread",
    "HashMap",
    "HashSet",
    "rand::",
];

#[test]
fn the_core_reads_no_clock_and_draws_no_numbers() {
    let mut files = Vec::new();
    collect(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    assert!(files.iter().any(|file| file.ends_with("decide.rs")) && files.len() > 15);
    for file in files {
        let source = std::fs::read_to_string(&file).expect("source");
        for word in FORBIDDEN {
            assert!(
                !source.contains(word),
                "`{word}` has no place in the core: {}",
                file.display()
            );
        }
    }
}

/// Adds every source file below a folder.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}
