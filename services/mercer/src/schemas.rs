//! The committed descriptions under `schemas/`: OpenAPI, events, inputs, the calls of tools,
//! the worker protocol, settings.
//!
//! A change of an API or of what is stored is a visible difference in review. The test compares;
//! `MERCER_WRITE_SCHEMAS=1 cargo test -p mercer schemas` writes the files anew.

#[cfg(test)]
mod tests {
    use std::path::Path;

    use schemars::schema_for;

    #[test]
    fn the_committed_schemas_are_those_of_the_code() {
        let pretty =
            |value: serde_json::Value| serde_json::to_string_pretty(&value).expect("JSON") + "\n";
        let files = [
            (
                "openapi.json",
                mercer_admin::openapi().to_pretty_json().expect("JSON") + "\n",
            ),
            (
                "events/event.schema.json",
                pretty(schema_for!(mercer_schemas::Event).to_value()),
            ),
            (
                "events/input.schema.json",
                pretty(schema_for!(mercer_schemas::Input).to_value()),
            ),
            (
                "tools.schema.json",
                pretty(
                    mercer_conversation::tools::ALL
                        .iter()
                        .map(|tool| (tool.name().to_owned(), tool.schema().to_value()))
                        .collect::<serde_json::Map<_, _>>()
                        .into(),
                ),
            ),
            (
                "worker/request.schema.json",
                pretty(schema_for!(mercer_schemas::worker::WorkRequest).to_value()),
            ),
            (
                "worker/embed.schema.json",
                pretty(schema_for!(mercer_schemas::worker::EmbedRequest).to_value()),
            ),
            (
                "worker/rerank.schema.json",
                pretty(schema_for!(mercer_schemas::worker::RerankRequest).to_value()),
            ),
            (
                "worker/control.schema.json",
                pretty(schema_for!(mercer_schemas::worker::Control).to_value()),
            ),
            (
                "worker/heartbeat.schema.json",
                pretty(schema_for!(mercer_schemas::worker::Heartbeat).to_value()),
            ),
            (
                "config.schema.json",
                pretty(schema_for!(crate::config::Config).to_value()),
            ),
        ];
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas");
        for (name, text) in files {
            let path = folder.join(name);
            if std::env::var_os("MERCER_WRITE_SCHEMAS").is_some() {
                std::fs::create_dir_all(path.parent().expect("folder")).expect("folder");
                std::fs::write(&path, &text).expect("written");
            }
            let committed = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(
                committed == text,
                "schemas/{name} is not what the code says; see services/mercer/src/schemas.rs"
            );
        }
    }
}
