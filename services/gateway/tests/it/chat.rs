//! The chat page: what it is served with, its session, and writing.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use mercer_gateway::webchat::{SessionToken, new_token, provider_id};
use mercer_schemas::{Channel, Content};
use mercer_store::InboxItem;
use serde_json::{Value, json};

use crate::world::{World, read};

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).expect("request")
}

fn message(token: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post("/chat/northwind/messages")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(body.into())
        .expect("request")
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("json")
}

#[tokio::test]
async fn the_page_is_whole_and_lets_nothing_else_in() {
    let world = World::new().await;
    for path in ["/chat", "/chat/northwind"] {
        let response = world.send(get(path)).await;
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .expect("text")
            .to_owned();
        assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"));
        let (status, html) = read(response).await;
        assert_eq!(status, StatusCode::OK);
        let nonce = policy
            .split("'nonce-")
            .nth(1)
            .and_then(|rest| rest.split('\'').next())
            .expect("nonce");
        assert_eq!(html.matches(&format!("nonce=\"{nonce}\"")).count(), 2);
        assert!(html.contains("<h1>Northwind &lt;Outdoor&gt;</h1>"));
        assert!(html.contains("Hello!"));
    }
    let first = world.send(get("/chat")).await.headers()[header::CONTENT_SECURITY_POLICY].clone();
    assert_ne!(
        first,
        world.send(get("/chat")).await.headers()[header::CONTENT_SECURITY_POLICY]
    );
}

#[tokio::test]
async fn shops_without_a_page_are_not_found() {
    let world = World::new().await;
    for path in [
        "/chat/harbour",
        "/chat/nobody",
        "/chat/harbour/events",
        "/chat/%00",
    ] {
        let (status, _) = read(world.send(get(path)).await).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    let session = Request::post("/chat/harbour/session")
        .body(Body::empty())
        .expect("request");
    assert_eq!(
        read(world.send(session).await).await.0,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_message_is_stored_once_under_the_pages_own_id() {
    let world = World::new().await;
    let session = Request::post("/chat/northwind/session")
        .body(Body::empty())
        .expect("request");
    let (status, text) = read(world.send(session).await).await;
    assert_eq!(status, StatusCode::CREATED);
    let token = json(&text)["token"].as_str().expect("text").to_owned();

    let body = json!({ "id": "m-1", "text": "  a kettle, please \n" }).to_string();
    let (status, first) = read(world.send(message(&token, body.clone())).await).await;
    assert_eq!(
        (status, json(&first)),
        (
            StatusCode::ACCEPTED,
            json!({ "id": "m-1", "duplicate": false })
        )
    );
    let (status, again) = read(world.send(message(&token, body.clone())).await).await;
    assert_eq!(
        (status, json(&again)),
        (
            StatusCode::ACCEPTED,
            json!({ "id": "m-1", "duplicate": true })
        )
    );
    // The same id of another session is another message.
    let other = new_token();
    let (_, theirs) = read(world.send(message(&other, body)).await).await;
    assert!(theirs.contains("\"duplicate\":false"));

    let address = SessionToken::parse(&token).expect("token").address();
    let rows = world.open(Channel::Webchat, &address).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].provider_id, provider_id(&address, "m-1"));
    assert!(!rows[0].provider_id.contains(&token));
    assert!(matches!(&rows[0].item, InboxItem::Message(m)
        if matches!(&m.content, Content::Text { text } if text.expose() == "a kettle, please")));
    assert_eq!(world.rows("open").await, 2);
    assert_eq!(world.woken.count(), 3);
}

#[tokio::test]
async fn what_is_wrong_with_a_message_is_said() {
    let world = World::new().await;
    let token = new_token();
    let long = json!({ "id": "m", "text": "é".repeat(4001) }).to_string();
    let huge = json!({ "id": "m", "text": "a".repeat(70_000) }).to_string();
    let cases = [
        (token.as_str(), "{}", 400, "unreadable"),
        (&token, "", 400, "unreadable"),
        (&token, "[1]", 400, "unreadable"),
        (&token, r#"{"id":"m","text":7}"#, 400, "unreadable"),
        (&token, r#"{"id":"m","text":" "}"#, 422, "empty_text"),
        (&token, r#"{"id":"","text":"x"}"#, 422, "message_id"),
        (&token, r#"{"id":"a b","text":"x"}"#, 422, "message_id"),
        (&token, &long, 422, "long_text"),
        (&token, &huge, 413, "too_large"),
        ("", r#"{"id":"m","text":"x"}"#, 401, "session"),
        ("abc", r#"{"id":"m","text":"x"}"#, 401, "session"),
        (&token[1..], r#"{"id":"m","text":"x"}"#, 401, "session"),
    ];
    for (token, body, status, code) in cases {
        let (got, text) = read(world.send(message(token, body.to_owned())).await).await;
        assert_eq!(got.as_u16(), status, "{code}");
        assert!(text.contains(code), "{text}");
        assert!(!text.contains("éé"));
    }
    let bare = Request::post("/chat/northwind/messages")
        .body(Body::from("{}"))
        .expect("request");
    assert_eq!(
        read(world.send(bare).await).await.0,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(world.rows("open").await, 0);
}
