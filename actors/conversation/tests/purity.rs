//! The core depends on nothing that has a clock, a runtime, a network or a random source.

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
    let sources = [
        include_str!("../src/bounds.rs"),
        include_str!("../src/deliveries.rs"),
        include_str!("../src/decide.rs"),
        include_str!("../src/evolve.rs"),
        include_str!("../src/effect.rs"),
        include_str!("../src/grammar.rs"),
        include_str!("../src/prompt.rs"),
        include_str!("../src/spans.rs"),
        include_str!("../src/state.rs"),
        include_str!("../src/replies.rs"),
        include_str!("../src/invariants.rs"),
    ];
    for source in sources {
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
            assert!(!source.contains(word), "`{word}` has no place in the core");
        }
    }
}
