//! The core depends on nothing that has a clock, a runtime, a network or a random source.

use std::path::Path;

/// What the core may use, and why it is harmless.
const ALLOWED: &[(&str, &str)] = &[
    ("mercer-schemas", "data"),
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

#[test]
fn the_core_reads_no_clock_and_draws_no_numbers() {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let source = std::fs::read_to_string(&path).expect("a source");
            for word in [
                "SystemTime",
                "Instant",
                "std::env",
                "std::fs",
                "std::net",
                "thread",
                "HashMap",
                "HashSet",
                "rand::",
            ] {
                let path = path.display();
                assert!(
                    !source.contains(word),
                    "{path}: `{word}` has no place in the core"
                );
            }
        }
    }
    assert!(files > 15, "all files are looked at: {files}");
}
