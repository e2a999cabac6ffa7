//! Records of old versions stay readable.
//!
//! `fixtures/events/vN.jsonl` holds one stored record of every kind as version N wrote it, and is
//! never changed. Today's code writes each line again byte for byte, so nothing of it was lost in
//! reading. Where a later field got its default, `vN.expected.jsonl` holds what it writes instead.

use std::collections::BTreeSet;
use std::path::Path;

use mercer_schemas::{Event, Input, LogBody};
use schemars::schema_for;

#[test]
fn every_stored_version_is_read_and_no_kind_is_missing() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/events");
    let read = |name: &str| std::fs::read_to_string(folder.join(name));
    let mut seen = BTreeSet::new();
    let versions = (1..).take_while(|n| folder.join(format!("v{n}.jsonl")).exists());
    for version in versions {
        let stored = read(&format!("v{version}.jsonl")).expect("stored");
        let expected = read(&format!("v{version}.expected.jsonl"));
        assert!(
            expected.as_ref().ok() != Some(&stored),
            "v{version}.expected.jsonl repeats v{version}.jsonl: leave it out"
        );
        let expected = expected.unwrap_or_else(|_| stored.clone());
        assert_eq!(stored.lines().count(), expected.lines().count());
        for (number, (line, expected)) in stored.lines().zip(expected.lines()).enumerate() {
            let body: LogBody = serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("v{version}.jsonl:{}: {error}", number + 1));
            let again = serde_json::to_string(&body).expect("json");
            assert_eq!(again, expected, "v{version}.jsonl:{}", number + 1);
            seen.insert(match &body {
                LogBody::Input { input, .. } => input.type_name(),
                LogBody::Event { event } => event.type_name(),
            });
        }
    }
    let known: BTreeSet<String> = [schema_for!(Input), schema_for!(Event)]
        .iter()
        .flat_map(|schema| schema.as_value()["oneOf"].as_array().into_iter().flatten())
        .filter_map(|kind| kind["properties"]["type"]["const"].as_str())
        .map(str::to_owned)
        .collect();
    let missing: Vec<&String> = known
        .iter()
        .filter(|name| !seen.contains(name.as_str()))
        .collect();
    assert!(
        !known.is_empty() && missing.is_empty(),
        "kinds without a stored example: {missing:?}"
    );
}
