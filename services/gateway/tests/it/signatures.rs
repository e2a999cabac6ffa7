//! Who may post: the signature table, and the handshake.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use mercer_gateway::whatsapp::{SIGNATURE_HEADER, sign};
use mercer_gateway::{Secret, whatsapp};

use crate::world::{OLD_SECRET, OTHER_SECRET, SECRET, World, payload, read, webhook_request};

fn by(secret: &str, body: &str) -> String {
    sign(body.as_bytes(), &Secret::new(secret))
}

fn flip(signature: &str, at: usize) -> String {
    let mut bytes = signature.as_bytes().to_vec();
    bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
    String::from_utf8(bytes).expect("ascii")
}

/// What is posted, the signature headers, and what must come of it.
struct Case {
    name: &'static str,
    body: String,
    headers: Vec<String>,
    status: u16,
}

fn case(name: &'static str, body: &str, headers: &[String], status: u16) -> Case {
    Case {
        name,
        body: body.to_owned(),
        headers: headers.to_vec(),
        status,
    }
}

fn cases() -> Vec<Case> {
    let body = payload("text");
    let right = by(SECRET, &body);
    let digits = right.trim_start_matches("sha256=").to_owned();
    let minified = serde_json::from_str::<serde_json::Value>(&body)
        .expect("json")
        .to_string();
    vec![
        case(
            "the current secret",
            &body,
            std::slice::from_ref(&right),
            200,
        ),
        case(
            "the old secret while both are valid",
            &body,
            &[by(OLD_SECRET, &body)],
            200,
        ),
        case(
            "upper-case digits",
            &body,
            &[format!("sha256={}", digits.to_uppercase())],
            200,
        ),
        case("no header", &body, &[], 401),
        case("an empty header", &body, &[String::new()], 401),
        case(
            "another shop's secret",
            &body,
            &[by(OTHER_SECRET, &body)],
            401,
        ),
        case("an unknown secret", &body, &[by("guess", &body)], 401),
        case(
            "the verify token as secret",
            &body,
            &[by("northwind-verify", &body)],
            401,
        ),
        case("first digit changed", &body, &[flip(&right, 7)], 401),
        case("middle digit changed", &body, &[flip(&right, 40)], 401),
        case("last digit changed", &body, &[flip(&right, 70)], 401),
        case("one digit short", &body, &[right[..70].to_owned()], 401),
        case("one digit long", &body, &[format!("{right}0")], 401),
        case("no prefix", &body, std::slice::from_ref(&digits), 401),
        case(
            "prefix of another algorithm",
            &body,
            &[format!("sha1={digits}")],
            401,
        ),
        case(
            "prefix in capitals",
            &body,
            &[format!("SHA256={digits}")],
            401,
        ),
        case("prefix alone", &body, &["sha256=".to_owned()], 401),
        case(
            "not hexadecimal",
            &body,
            &[format!("sha256={}", "g".repeat(64))],
            401,
        ),
        case(
            "a space before the digits",
            &body,
            &[format!("sha256= {digits}")],
            401,
        ),
        case(
            "two signatures in one header",
            &body,
            &[format!("{right},{right}")],
            401,
        ),
        case(
            "the right header twice",
            &body,
            &[right.clone(), right.clone()],
            401,
        ),
        case(
            "a right header after a wrong one",
            &body,
            &[by("guess", &body), right.clone()],
            401,
        ),
        case(
            "a right header before a wrong one",
            &body,
            &[right.clone(), by("guess", &body)],
            401,
        ),
        case(
            "a space added to the body",
            &format!("{body} "),
            std::slice::from_ref(&right),
            401,
        ),
        case(
            "the body written anew",
            &minified,
            std::slice::from_ref(&right),
            401,
        ),
        case(
            "an emoji escaped",
            &body.replace('☕', "\\u2615"),
            std::slice::from_ref(&right),
            401,
        ),
        case(
            "one letter of the body changed",
            &body.replacen("kettle", "nettle", 1),
            std::slice::from_ref(&right),
            401,
        ),
        case(
            "an empty body with the header of a full one",
            "",
            std::slice::from_ref(&right),
            401,
        ),
        case("an empty body, rightly signed", "", &[by(SECRET, "")], 200),
        case("an empty body without a header", "", &[], 401),
    ]
}

#[tokio::test]
async fn only_the_shops_own_signature_over_these_bytes_is_taken() {
    for case in cases() {
        let world = World::new().await;
        let mut request = webhook_request(case.body.as_bytes());
        for header in &case.headers {
            request = request.header(SIGNATURE_HEADER, header);
        }
        let request = request
            .body(Body::from(case.body.clone()))
            .expect("request");
        let (status, _) = read(world.send(request).await).await;
        assert_eq!(status.as_u16(), case.status, "{}", case.name);
        let rows = world.rows("open").await + world.rows("parked").await;
        assert_eq!(rows, u64::from(case.status == 200), "{}", case.name);
        assert_eq!(
            world.woken.count() > 0,
            case.status == 200 && !case.body.is_empty(),
            "{}",
            case.name
        );
    }
}

#[test]
fn an_empty_secret_signs_nothing() {
    let mut headers = axum::http::HeaderMap::new();
    let signature = by("", "{}").parse().expect("header");
    headers.insert(SIGNATURE_HEADER, signature);
    assert!(whatsapp::signature(&headers, b"{}", &[Secret::new("")]).is_err());
    assert!(whatsapp::signature(&headers, b"{}", &[]).is_err());
}

#[tokio::test]
async fn the_handshake_echoes_the_challenge_for_the_right_token_only() {
    let world = World::new().await;
    let right = "hub.mode=subscribe&hub.verify_token=northwind-verify&hub.challenge=1158201444";
    let cases = [
        ("northwind", right, 200),
        (
            "northwind",
            "hub.mode=subscribe&hub.verify_token=harbour-verify&hub.challenge=1",
            403,
        ),
        (
            "northwind",
            "hub.mode=subscribe&hub.verify_token=northwind-verif&hub.challenge=1",
            403,
        ),
        (
            "northwind",
            "hub.mode=subscribe&hub.verify_token=&hub.challenge=1",
            403,
        ),
        (
            "northwind",
            "hub.mode=unsubscribe&hub.verify_token=northwind-verify&hub.challenge=1",
            403,
        ),
        (
            "northwind",
            "hub.mode=subscribe&hub.verify_token=northwind-verify",
            403,
        ),
        (
            "northwind",
            "hub.mode=subscribe&hub.verify_token=northwind-verify&hub.challenge=%3Cscript%3E+x",
            403,
        ),
        ("northwind", "", 403),
        ("nobody", right, 404),
    ];
    for (shop, query, expected) in cases {
        let request = Request::get(format!("/webhooks/whatsapp/{shop}?{query}"));
        let response = world
            .send(request.body(Body::empty()).expect("request"))
            .await;
        let (status, text) = read(response).await;
        assert_eq!(status.as_u16(), expected, "{shop} {query}");
        if status == StatusCode::OK {
            assert_eq!(text, "1158201444");
        }
    }
}
