//! Making, listing and revoking keys.

use axum::body::Body;
use serde_json::{Value, json};

use crate::support::Server;

const KEYS: &str = "/v1/shops/highbarn/keys";

#[tokio::test]
async fn a_key_is_shown_once_works_and_is_refused_as_soon_as_it_is_revoked() {
    let server = Server::start().await;
    let body = json!({"name": "stock feed", "role": "integration"});
    let once = [("idempotency-key", "k1")];
    let made = server
        .json_with(&format!("POST {KEYS}"), &once, body.clone())
        .await;
    assert_eq!(made.status, 201);
    let secret = made.json["secret"].as_str().expect("a secret").to_owned();
    let id = made.json["key"]["id"].as_str().expect("an id").to_owned();
    let again = server.json_with(&format!("POST {KEYS}"), &once, body).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(
        (&again.json["key"]["id"], &again.json["secret"]),
        (&json!(id), &Value::Null)
    );

    let listed = server.get(KEYS).await;
    assert!(!listed.json.to_string().contains(&secret));
    assert!(
        listed.json["items"]
            .as_array()
            .is_some_and(|items| items.iter().any(|item| item["id"] == id))
    );

    let request = "GET /v1/shops/highbarn/products";
    let used = server
        .send(request, Some(&secret), &[], Body::empty())
        .await;
    assert_eq!(used.status, 200);
    let revoked = server
        .json(&format!("DELETE {KEYS}/{id}"), Value::Null)
        .await;
    assert_eq!(revoked.status, 204);
    let refused = server
        .send(request, Some(&secret), &[], Body::empty())
        .await;
    assert_eq!(refused.status, 401);
}

#[tokio::test]
async fn a_key_of_another_shop_can_be_neither_seen_nor_revoked() {
    let server = Server::start().await;
    let all = server.store.keys().list(None).await.expect("keys");
    let other = all
        .iter()
        .find(|row| {
            row.shop
                .as_ref()
                .is_some_and(|shop| shop.as_str() == "elsewhere")
        })
        .expect("the other shop's key");
    let answer = server
        .json(&format!("DELETE {KEYS}/{}", other.id), Value::Null)
        .await;
    assert_eq!(answer.status, 404);
    assert!(!server.get(KEYS).await.json.to_string().contains(&other.id));
    let key = Some(server.other_shop_key.as_str());
    let path = "GET /v1/shops/elsewhere/products";
    assert_eq!(server.send(path, key, &[], Body::empty()).await.status, 200);
}

#[tokio::test]
async fn a_key_that_would_end_in_the_past_is_not_made() {
    let server = Server::start().await;
    let body = json!({"name": "late", "role": "analyst", "expires_at_ms": 1000});
    let answer = server.json(&format!("POST {KEYS}"), body).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json["errors"][0]["field"]),
        (422, &json!("expires_at_ms"))
    );
}
