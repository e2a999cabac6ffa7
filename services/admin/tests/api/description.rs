//! The API description and the page that shows it.

use std::collections::BTreeSet;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use serde_json::Value;
use tower::ServiceExt;

use crate::support::Server;

#[tokio::test]
async fn the_description_is_served_and_is_the_one_that_can_be_written_to_a_file() {
    let server = Server::start().await;
    let served = server
        .send("GET /openapi.json", None, &[], Body::empty())
        .await;
    let written = serde_json::to_value(mercer_admin::openapi()).expect("json");
    assert_eq!(served.json, written);
    assert_eq!(written["openapi"], "3.1.0");
}

#[tokio::test]
async fn every_operation_says_what_it_does_what_it_answers_and_gives_examples() {
    let api = serde_json::to_value(mercer_admin::openapi()).expect("json");
    let mut ids = BTreeSet::new();
    for (path, item) in api["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let name = format!("{method} {path}");
            for text in ["summary", "description", "operationId"] {
                assert!(
                    operation[text]
                        .as_str()
                        .is_some_and(|text| !text.is_empty()),
                    "{text} of {name}"
                );
            }
            assert!(ids.insert(operation["operationId"].to_string()), "{name}");
            assert_eq!(
                operation["tags"].as_array().map(Vec::len),
                Some(1),
                "{name}"
            );
            let responses = operation["responses"].as_object().expect("responses");
            assert!(responses.contains_key("503"), "{name}");
            for (status, response) in responses {
                let contents = response["content"].as_object();
                let has_example = contents.is_some_and(|contents| {
                    contents
                        .values()
                        .all(|content| content.get("example").is_some())
                });
                let shown = response.get("$ref").is_some() || status == "204";
                assert!(shown || has_example, "{name} {status} has no example");
            }
            let contents = operation["requestBody"]["content"].as_object();
            for (media_type, content) in contents.into_iter().flatten() {
                let shown = content.get("example").is_some() || !media_type.contains("json");
                assert!(
                    shown || media_type == "application/x-ndjson",
                    "{name} {media_type}"
                );
            }
        }
    }
}

#[tokio::test]
async fn every_reference_of_the_description_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(path)) = fields.get("$ref") {
                    found.push(path);
                }
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let api = serde_json::to_value(mercer_admin::openapi()).expect("json");
    let mut found = Vec::new();
    references(&api, &mut found);
    assert!(found.len() > 100);
    for path in found {
        let pointer = path.strip_prefix('#').expect("a local reference");
        assert!(api.pointer(pointer).is_some(), "{path}");
    }
    // What is added to the description must survive its typed form.
    let schemas = &api["components"]["schemas"];
    assert_eq!(schemas["Product"]["properties"]["id"]["maxLength"], 128);
    assert!(schemas["Variant"]["properties"]["options"]["propertyNames"].is_object());
    assert_eq!(
        api["components"]["securitySchemes"]["admin_key"]["scheme"],
        "bearer"
    );
    assert!(
        api["components"]["responses"]["422"]["content"]["application/problem+json"]["example"]
            .is_object()
    );
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere() {
    let server = Server::start().await;
    for path in [
        "/docs/",
        "/docs/swagger-initializer.js",
        "/docs/swagger-ui.css",
        "/docs/swagger-ui-bundle.js",
    ] {
        let request = Request::get(path).body(Body::empty()).expect("request");
        let response = server
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("answer");
        assert_eq!(response.status(), 200, "{path}");
        let policy = response.headers()["content-security-policy"]
            .to_str()
            .expect("text")
            .to_owned();
        assert!(policy.starts_with("default-src 'self'"));
        let bytes = to_bytes(response.into_body(), usize::MAX)
            .await
            .expect("body");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if path.ends_with('/') {
            assert!(!text.contains("src=\"http") && !text.contains("href=\"http"));
        }
    }
}
