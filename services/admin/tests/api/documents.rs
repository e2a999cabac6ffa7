//! Policies, FAQ entries and promotions.

use serde_json::{Value, json};

use crate::support::Server;

const DOCUMENTS: &str = "/v1/shops/highbarn/documents";

fn document(id: &str, kind: &str) -> Value {
    json!({
        "id": id, "kind": kind, "title": "Returns", "body": "Within 30 days.",
        "valid_from_ms": null, "valid_to_ms": null, "code": null,
    })
}

#[tokio::test]
async fn a_document_is_created_read_patched_and_deleted_under_its_version() {
    let server = Server::start().await;
    let put = format!("PUT {DOCUMENTS}/returns");
    let created = server.json(&put, document("returns", "policy")).await;
    assert_eq!(
        (created.status.as_u16(), created.header("etag")),
        (201, "\"1\"")
    );
    let patch = format!("PATCH {DOCUMENTS}/returns");
    let changed = server
        .json_with(
            &patch,
            &[("if-match", "\"1\"")],
            json!({"body": "Within 14 days.", "valid_to_ms": 5}),
        )
        .await;
    assert_eq!(
        (changed.status.as_u16(), changed.header("etag")),
        (200, "\"2\"")
    );
    let stale = server
        .json_with(&patch, &[("if-match", "\"1\"")], json!({"title": "x"}))
        .await;
    assert_eq!(stale.status, 412);
    let wrong = server
        .json_with(
            &patch,
            &[("if-match", "\"1\"")],
            json!({"valid_from_ms": -1}),
        )
        .await;
    assert_eq!(
        (wrong.status.as_u16(), &wrong.json["errors"][0]["field"]),
        (422, &json!("valid_from_ms")),
        "the body is read before the version"
    );
    let contradicts = server
        .json_with(
            &patch,
            &[("if-match", "\"1\"")],
            json!({"valid_from_ms": 9}),
        )
        .await;
    assert_eq!(
        contradicts.status, 412,
        "valid_to_ms of a newer version may be later"
    );
    let read = server.get(&format!("{DOCUMENTS}/returns")).await;
    let mut wanted = document("returns", "policy");
    wanted["body"] = json!("Within 14 days.");
    wanted["valid_to_ms"] = json!(5);
    assert_eq!(read.json["document"], wanted);
    let delete = format!("DELETE {DOCUMENTS}/returns");
    assert_eq!(
        server
            .json_with(&delete, &[("if-match", "\"1\"")], Value::Null)
            .await
            .status,
        412
    );
    assert_eq!(server.json(&delete, Value::Null).await.status, 204);
    assert_eq!(server.json(&patch, json!({"title": "x"})).await.status, 404);
}

#[tokio::test]
async fn rules_name_the_field() {
    let server = Server::start().await;
    for (field, value, named) in [
        ("title", json!(""), "title"),
        ("body", json!("  "), "body"),
        ("code", json!("AUTUMN"), "code"),
        ("valid_from_ms", json!(-1), "valid_from_ms"),
        ("kind", json!("rumour"), "kind"),
        ("id", json!("other"), "id"),
        ("colour", json!("red"), "colour"),
    ] {
        let mut bad = document("returns", "policy");
        bad[field] = value;
        let answer = server.json(&format!("PUT {DOCUMENTS}/returns"), bad).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json["errors"][0]["field"]),
            (422, &json!(named))
        );
    }
    let mut bad = document("returns", "policy");
    bad["valid_from_ms"] = json!(9);
    bad["valid_to_ms"] = json!(9);
    let answer = server.json(&format!("PUT {DOCUMENTS}/returns"), bad).await;
    assert_eq!(answer.json["errors"][0]["field"], "valid_to_ms");
}

#[tokio::test]
async fn lists_filter_by_kind_and_validity_and_have_pages() {
    let server = Server::start().await;
    for n in 0..9 {
        let kind = ["policy", "faq", "promotion"][n % 3];
        let id = format!("d-{n}");
        let mut document = document(&id, kind);
        if n >= 6 {
            document["valid_to_ms"] = json!(1000);
        }
        let answer = server
            .json(&format!("PUT {DOCUMENTS}/{id}"), document)
            .await;
        assert_eq!(answer.status, 201);
    }
    for (filter, count) in [
        ("kind=promotion", 3),
        ("in_force_at_ms=999", 9),
        ("in_force_at_ms=1000", 6),
        ("kind=faq&in_force_at_ms=2000", 2),
    ] {
        let page = server.get(&format!("{DOCUMENTS}?{filter}")).await;
        assert_eq!(
            page.json["items"].as_array().map(Vec::len),
            Some(count),
            "{filter}"
        );
    }
    let first = server.get(&format!("{DOCUMENTS}?limit=5")).await;
    let next = first.json["next"].as_str().expect("a next page").to_owned();
    let second = server
        .get(&format!("{DOCUMENTS}?limit=5&cursor={next}"))
        .await;
    let ids = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().expect("items").iter();
        items
            .filter_map(|item| item["document"]["id"].as_str().map(str::to_owned))
            .collect()
    };
    let all: Vec<String> = [ids(&first.json), ids(&second.json)].concat();
    let wanted: Vec<String> = (0..9).map(|n| format!("d-{n}")).collect();
    assert_eq!((all, &second.json["next"]), (wanted, &Value::Null));
}
