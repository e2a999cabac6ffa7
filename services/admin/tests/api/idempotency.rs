//! `Idempotency-Key`: one effect, and the first answer again.

use axum::body::Body;
use mercer_store::Role;
use serde_json::json;

use crate::support::{Server, json_of, product};

const PRODUCT: &str = "/v1/shops/highbarn/products/HB-1";

#[tokio::test]
async fn fifty_requests_at_once_with_one_key_have_one_effect() {
    let server = Server::start().await;
    let body = json!({"name": "feed", "role": "integration"});
    let requests = (0..50).map(|_| {
        server.json_with(
            "POST /v1/shops/highbarn/keys",
            &[("idempotency-key", "same")],
            body.clone(),
        )
    });
    let mut carried_out = 0;
    for answer in futures_of(requests).await {
        match answer.status.as_u16() {
            201 if answer.header("idempotent-replayed") == "true" => {}
            201 => carried_out += 1,
            409 => assert_eq!(answer.header("retry-after"), "1"),
            other => panic!("{other}: {}", answer.json),
        }
    }
    assert_eq!(carried_out, 1);
    let keys = server.get("/v1/shops/highbarn/keys").await;
    let named = keys.json["items"].as_array().expect("items").iter();
    assert_eq!(named.filter(|key| key["name"] == "feed").count(), 1);
}

/// Polls all requests together, so that they overlap.
async fn futures_of<F: Future>(requests: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = requests.map(|request| (Box::pin(request), None)).collect();
    std::future::poll_fn(|context| {
        let mut pending = false;
        for (request, output) in &mut running {
            if output.is_none() {
                match request.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *output = Some(value),
                    std::task::Poll::Pending => pending = true,
                }
            }
        }
        if pending {
            std::task::Poll::Pending
        } else {
            std::task::Poll::Ready(())
        }
    })
    .await;
    running
        .into_iter()
        .filter_map(|(_, output)| output)
        .collect()
}

#[tokio::test]
async fn a_repeated_change_is_answered_as_the_first_time_even_if_the_record_moved_on() {
    let server = Server::start().await;
    let put = format!("PUT {PRODUCT}");
    let key = [("idempotency-key", "put-1")];
    let first = server
        .json_with(&put, &key, json_of(&product("HB-1")))
        .await;
    assert_eq!(
        (first.status.as_u16(), first.header("idempotent-replayed")),
        (201, "")
    );
    server
        .json(&format!("PATCH {PRODUCT}"), json!({"title": "Newer"}))
        .await;
    let again = server
        .json_with(&put, &key, json_of(&product("HB-1")))
        .await;
    assert_eq!(
        (again.status.as_u16(), again.header("idempotent-replayed")),
        (201, "true")
    );
    assert_eq!(
        (again.header("etag"), &again.json),
        (first.header("etag"), &first.json)
    );
    assert_eq!(again.header("content-type"), first.header("content-type"));
    assert_eq!(server.get(PRODUCT).await.json["product"]["title"], "Newer");
}

#[tokio::test]
async fn a_key_belongs_to_one_body_one_path_one_route_and_one_caller() {
    let server = Server::start().await;
    let key = [("idempotency-key", "k")];
    let put = |id: &str| format!("PUT /v1/shops/highbarn/products/{id}");
    assert_eq!(
        server
            .json_with(&put("HB-1"), &key, json_of(&product("HB-1")))
            .await
            .status,
        201
    );
    let other_body = server
        .json_with(&put("HB-1"), &key, json_of(&product("HB-2")))
        .await;
    assert_eq!(
        (
            other_body.status.as_u16(),
            &other_body.json["errors"][0]["field"]
        ),
        (422, &json!("Idempotency-Key"))
    );
    let other_path = server
        .json_with(&put("HB-2"), &key, json_of(&product("HB-1")))
        .await;
    assert_eq!(other_path.status, 422);
    let other_route = server
        .json_with(&format!("PATCH {PRODUCT}"), &key, json!({"title": "x"}))
        .await;
    assert_eq!(other_route.status, 200);
    let operator = Some(server.key(Role::Operator));
    let headers = [("content-type", "application/json"), key[0]];
    let body = Body::from(json_of(&product("HB-1")).to_string());
    let other_caller = server.send(&put("HB-1"), operator, &headers, body).await;
    assert_eq!(
        (
            other_caller.status.as_u16(),
            other_caller.header("idempotent-replayed")
        ),
        (200, "")
    );
}

#[tokio::test]
async fn a_refusal_is_kept_too_and_a_wrong_key_is_named() {
    let server = Server::start().await;
    let patch = format!("PATCH {PRODUCT}");
    let key = [("idempotency-key", "early")];
    let absent = server.json_with(&patch, &key, json!({"title": "x"})).await;
    assert_eq!(absent.status, 404);
    server
        .json(&format!("PUT {PRODUCT}"), json_of(&product("HB-1")))
        .await;
    let again = server.json_with(&patch, &key, json!({"title": "x"})).await;
    assert_eq!(
        (again.status.as_u16(), again.header("idempotent-replayed")),
        (404, "true")
    );
    for wrong in ["", "two words", &"x".repeat(256)] {
        let answer = server
            .json_with(&patch, &[("idempotency-key", wrong)], json!({}))
            .await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json["errors"][0]["field"]),
            (400, &json!("Idempotency-Key"))
        );
    }
}
