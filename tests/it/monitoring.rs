//! The dashboard, the alerts and the table of metrics name what the program really exports.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use mercer_testing::root;

/// What Prometheus adds to the name of a histogram or summary.
const PARTS: [&str; 3] = ["_bucket", "_count", "_sum"];

#[test]
fn the_dashboard_and_the_alerts_ask_for_metrics_that_exist() {
    let exported = exported();
    for file in [
        "monitoring/grafana/dashboards/mercer.json",
        "monitoring/alerts.yml",
    ] {
        let text = fs::read_to_string(root().join(file)).expect(file);
        let asked = names(&text);
        assert!(!asked.is_empty(), "{file} asks for nothing");
        let unknown: Vec<&String> = asked
            .iter()
            .filter(|name| !exported.contains(base(name, &exported)))
            .collect();
        assert!(unknown.is_empty(), "{file}: no such metric: {unknown:?}");
    }
}

#[test]
fn every_metric_is_on_the_dashboard_and_explained() {
    let dashboard = root().join("monitoring/grafana/dashboards/mercer.json");
    let dashboard = fs::read_to_string(dashboard).expect("dashboard");
    let json: serde_json::Value = serde_json::from_str(&dashboard).expect("JSON");
    assert!(
        json["panels"]
            .as_array()
            .is_some_and(|panels| panels.len() > 20)
    );
    let exported = exported();
    let shown: BTreeSet<String> = names(&dashboard)
        .iter()
        .map(|name| base(name, &exported).to_owned())
        .collect();
    let explained = fs::read_to_string(root().join("docs/operations.md")).expect("operations");
    for metric in &exported {
        assert!(shown.contains(metric), "{metric} is on no panel");
        // The table shortens the names of one family: `mercer_pool_worker_slots`, `…_active`.
        let short = metric.rsplit_once('_').map_or("", |(_, last)| last);
        assert!(
            explained.contains(&format!("`{metric}`"))
                || (metric.starts_with("mercer_pool_worker_") && explained.contains(short)),
            "docs/operations.md does not explain {metric}"
        );
    }
}

/// Returns a metric's name without what Prometheus adds to it.
fn base<'a>(name: &'a str, exported: &BTreeSet<String>) -> &'a str {
    PARTS
        .iter()
        .find_map(|part| {
            name.strip_suffix(part)
                .filter(|base| exported.contains(*base))
        })
        .unwrap_or(name)
}

/// Returns the words in a text that are names of metrics.
fn names(text: &str) -> BTreeSet<String> {
    let word = |c: char| c.is_ascii_lowercase() || c == '_';
    text.split(|c| !word(c))
        .filter(|name| name.starts_with("mercer_"))
        .map(str::to_owned)
        .collect()
}

/// Reads the metrics from the sources: texts that begin with `mercer_`, without the files of tests.
fn exported() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for folder in ["actors", "services"] {
        collect(&root().join(folder), &mut found);
    }
    assert!(found.len() > 20, "metrics are not found: {found:?}");
    found
}

fn collect(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("folder of sources") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "tests") {
                collect(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs")
            // The table of what metrics mean exports none.
            && path.file_name().is_some_and(|name| name != "described.rs")
        {
            let text = fs::read_to_string(&path).expect("source");
            found.extend(
                text.match_indices("\"mercer_")
                    .filter_map(|(at, _)| text[at + 1..].split('"').next())
                    .filter(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
                    .map(str::to_owned),
            );
        }
    }
}
