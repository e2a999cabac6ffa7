//! Requests that cannot be carried out: each is a problem that names what is wrong.

use std::sync::atomic::Ordering;

use axum::body::Body;
use mercer_store::Role;
use serde_json::json;

use crate::support::{Server, json_of, product};

#[tokio::test]
async fn every_bad_request_is_a_problem_that_names_the_place() {
    let server = Server::start().await;
    let json = Some("application/json");
    let shop = "/v1/shops/highbarn";
    let long = format!("{{\"title\":\"{}\"}}", "x".repeat(1024 * 1024));
    let cases: Vec<(String, Option<&str>, &str)> = vec![
        ("GET /".into(), None, ""),
        ("GET /v1/unknown".into(), None, ""),
        (format!("POST {shop}/products"), json, "{}"),
        (format!("TRACE {shop}/products"), None, ""),
        ("DELETE /health/live".into(), None, ""),
        (format!("GET {shop}/products?limit=0"), None, ""),
        (format!("GET {shop}/products?limit=x"), None, ""),
        (format!("GET {shop}/products?limit=1&limit=2"), None, ""),
        (format!("GET {shop}/products?colour=red"), None, ""),
        (format!("GET {shop}/products?visible=maybe"), None, ""),
        (format!("GET {shop}/products?cursor=zz"), None, ""),
        (format!("GET {shop}/products?text=%00"), None, ""),
        (format!("GET {shop}/products/%FF"), None, ""),
        (format!("GET {shop}/products/%0A"), None, ""),
        (format!("GET {shop}/conversations?channel=pigeon"), None, ""),
        (format!("GET {shop}/conversations/conv_1"), None, ""),
        (
            format!("GET {shop}/conversations/conv_01ARZ3NDEKTSV4RRFFQ69G5FAV"),
            None,
            "",
        ),
        (format!("PUT {shop}/products/a"), None, "{}"),
        (format!("PUT {shop}/products/a"), Some("text/plain"), "{}"),
        (format!("PUT {shop}/products/a"), json, ""),
        (format!("PUT {shop}/products/a"), json, "{\"id\":"),
        (format!("PUT {shop}/products/a"), json, "[]"),
        (format!("PUT {shop}/products/a"), json, "{}{}"),
        (
            format!("PUT {shop}/products/a"),
            json,
            "{\"id\":\"a\",\"title\":\"t\",\"variants\":[{\"sku\":\"s\",\"stock\":1,\"price\":{\"minor\":1.5,\"currency\":\"GBP\"}}]}",
        ),
        (
            format!("PUT {shop}/products/a"),
            json,
            "{\"id\":\"a\",\"title\":\"t\",\"variants\":[{\"sku\":\"s\",\"stock\":1,\"price\":{\"minor\":1,\"currency\":\"pounds\"}}]}",
        ),
        (format!("PATCH {shop}/products/a"), json, &long),
        (format!("POST {shop}/import/products"), json, "{}"),
        (format!("POST {shop}/import/products"), Some("text/csv"), ""),
        (
            format!("POST {shop}/import/products"),
            Some("text/markdown"),
            "x",
        ),
        (format!("POST {shop}/import/gossip"), Some("text/csv"), ""),
        (
            format!("POST {shop}/import/products?on_error=cry"),
            Some("text/csv"),
            "",
        ),
    ];
    let mut seen = String::new();
    for (request, media_type, body) in cases {
        let headers: Vec<_> = media_type
            .map(|text| ("content-type", text))
            .into_iter()
            .collect();
        let key = Some(server.key(Role::Owner));
        let answer = server.send(&request, key, &headers, body.to_owned()).await;
        let field = answer.json["errors"][0]["field"].as_str();
        let message = answer.json["errors"][0]["message"].as_str();
        let reason = message.or(answer.json["detail"].as_str()).unwrap_or("");
        let shown: String = body.chars().take(24).collect();
        let status = answer.status.as_u16();
        seen.push_str(&format!(
            "{request} {shown}\n  {status} {field:?} {reason}\n"
        ));
    }
    insta::assert_snapshot!(seen, @r#"
    GET / 
      404 None there is nothing at this path
    GET /v1/unknown 
      404 None there is nothing at this path
    POST /v1/shops/highbarn/products {}
      405 None this path knows GET, HEAD
    TRACE /v1/shops/highbarn/products 
      405 None this path knows GET, HEAD
    DELETE /health/live 
      405 None this path knows GET, HEAD
    GET /v1/shops/highbarn/products?limit=0 
      400 Some("limit") must be from 1 to 200
    GET /v1/shops/highbarn/products?limit=x 
      400 Some("limit") invalid digit found in string
    GET /v1/shops/highbarn/products?limit=1&limit=2 
      400 Some("limit") duplicate field `limit`
    GET /v1/shops/highbarn/products?colour=red 
      400 Some("colour") unknown field `colour`, expected one of `category`, `visible`, `in_stock`, `text`, `cursor`, `limit`
    GET /v1/shops/highbarn/products?visible=maybe 
      400 Some("visible") provided string was not `true` or `false`
    GET /v1/shops/highbarn/products?cursor=zz 
      400 Some("cursor") not a cursor of this list
    GET /v1/shops/highbarn/products?text=%00 
      400 Some("text") must not hold control characters or line breaks
    GET /v1/shops/highbarn/products/%FF 
      400 Some("path") must be percent-encoded UTF-8 without gaps
    GET /v1/shops/highbarn/products/%0A 
      400 Some("product") a key must have 1 to 128 printable characters
    GET /v1/shops/highbarn/conversations?channel=pigeon 
      400 Some("channel") unknown variant `pigeon`, expected `whatsapp` or `webchat`
    GET /v1/shops/highbarn/conversations/conv_1 
      400 Some("conversation") expected 26 characters of a ULID after the prefix
    GET /v1/shops/highbarn/conversations/conv_01ARZ3NDEKTSV4RRFFQ69G5FAV 
      404 None no such conversation in this shop
    PUT /v1/shops/highbarn/products/a {}
      415 None send the body as application/json
    PUT /v1/shops/highbarn/products/a {}
      415 None send the body as application/json
    PUT /v1/shops/highbarn/products/a 
      400 Some("") EOF while parsing a value at line 1 column 0
    PUT /v1/shops/highbarn/products/a {"id":
      400 Some("id") EOF while parsing a value at line 1 column 6
    PUT /v1/shops/highbarn/products/a []
      422 Some("") must be an object, not a list
    PUT /v1/shops/highbarn/products/a {}{}
      422 Some("id") missing field `id`
    PUT /v1/shops/highbarn/products/a {"id":"a","title":"t","v
      422 Some("variants[0].price.minor") invalid type: floating point `1.5`, expected i64
    PUT /v1/shops/highbarn/products/a {"id":"a","title":"t","v
      422 Some("variants[0].price.currency") expected a currency code of three capital letters such as GBP
    PATCH /v1/shops/highbarn/products/a {"title":"xxxxxxxxxxxxxx
      413 None the body of this request may have at most 1048576 bytes
    POST /v1/shops/highbarn/import/products {}
      415 None send the body as application/x-ndjson or application/jsonl or text/csv or text/markdown
    POST /v1/shops/highbarn/import/products 
      400 Some("") the file is empty
    POST /v1/shops/highbarn/import/products x
      422 Some("Content-Type") records of this kind are not read in this format
    POST /v1/shops/highbarn/import/gossip 
      400 Some("kind") unknown variant `gossip`, expected one of `products`, `documents`, `customers`, `orders`
    POST /v1/shops/highbarn/import/products?on_error=cry 
      400 Some("on_error") unknown variant `cry`, expected `abort` or `skip`
    "#);
}

#[tokio::test]
async fn a_wrong_method_is_told_which_ones_there_are() {
    let server = Server::start().await;
    let key = Some(server.key(Role::Owner));
    let request = "POST /v1/shops/highbarn/products/a";
    let answer = server.send(request, key, &[], Body::empty()).await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header("allow"), "DELETE, GET, HEAD, PATCH, PUT");
}

#[tokio::test]
async fn an_import_may_be_larger_than_other_bodies() {
    let server = Server::start().await;
    let line = format!("{}\n", json_of(&product("HB-1")));
    let file = format!("{line}{}", "\n".repeat(2 * 1024 * 1024));
    let key = Some(server.key(Role::Owner));
    let headers = [("content-type", "application/x-ndjson")];
    let answer = server
        .send(
            "POST /v1/shops/highbarn/import/products",
            key,
            &headers,
            file,
        )
        .await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json["imported"]),
        (200, &json!(1))
    );
}

#[tokio::test]
async fn readiness_names_the_part_that_is_not_ready() {
    let server = Server::start().await;
    let ready = server
        .send("GET /health/ready", None, &[], Body::empty())
        .await;
    assert_eq!(ready.status, 200);
    server.index_ready.store(false, Ordering::SeqCst);
    let behind = server
        .send("GET /health/ready", None, &[], Body::empty())
        .await;
    assert_eq!(
        (behind.status.as_u16(), behind.header("retry-after")),
        (503, "5")
    );
    assert_eq!(
        behind.json["errors"],
        json!([{"field": "index", "message": "4 changes behind"}])
    );
    let live = server
        .send("GET /health/live", None, &[], Body::empty())
        .await;
    assert_eq!(live.status, 200);
}
