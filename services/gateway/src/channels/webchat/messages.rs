//! A customer writes on the chat page.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mercer_schemas::{Channel, Content, InboundMessage, Personal};
use mercer_store::InboxItem;
use mercer_store::text::storable;
use serde::Deserialize;
use serde_json::json;

use crate::adapter::{Receipt, Verified};
use crate::ingress::{self, Incoming, Taken};
use crate::problem::Problem;

/// Most bytes of a request: every character may take 12 bytes as `\ud83d\ude00`.
pub(super) const BODY_BYTES_MAX: usize = 64 * 1024;
/// Most characters of a client's message id.
const ID_CHARS_MAX: usize = 64;

const UNREADABLE: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "unreadable",
    "the body must be a JSON object with the texts `id` and `text`",
);
const BAD_ID: Problem = Problem::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "message_id",
    "the id must have 1 to 64 letters, digits, `-` or `_`",
);
const EMPTY_TEXT: Problem = Problem::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "empty_text",
    "the message is empty",
);
const LONG_TEXT: Problem = Problem::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "long_text",
    "a message can have at most 4,000 characters",
);

#[derive(Deserialize)]
struct NewMessage {
    id: String,
    text: Personal<String>,
}

/// Returns the provider id of a page's message. The session is part of it, so one session cannot
/// take another's ids.
pub fn provider_id(address: &str, client_id: &str) -> String {
    format!("{address}:{client_id}")
}

/// Reads a message of a page.
pub(super) fn parse(
    from: &Verified,
    body: &[u8],
    received_at_ms: i64,
) -> Result<Vec<Incoming>, Problem> {
    let address = from.address.clone().unwrap_or_default();
    let NewMessage { id, text } = serde_json::from_slice(body).map_err(|_| UNREADABLE)?;
    let text = storable(text.expose());
    check(&id, &text)?;
    let provider_id = provider_id(address.expose(), &id);
    let message = InboundMessage {
        id: ingress::mint_message_id(received_at_ms),
        provider_id: provider_id.clone(),
        // The browser's clock is not ours; arrival is what counts.
        sent_at_ms: received_at_ms,
        cut_from_chars: None,
        content: Content::Text {
            text: Personal::new(text.trim().to_owned()),
        },
    };
    Ok(vec![Incoming {
        provider_id,
        address,
        sent_at_ms: received_at_ms,
        item: Taken::Item(InboxItem::Message(message)),
    }])
}

/// Tells the page that its message is stored, under the id that the page gave it. The same id again
/// changes nothing.
pub(super) fn acknowledge(receipt: &Receipt) -> Response {
    let stored = receipt.provider_ids.first();
    let id = stored.and_then(|id| Some(id.split_once(':')?.1));
    let body = Json(json!({ "id": id, "duplicate": receipt.new == 0 }));
    (StatusCode::ACCEPTED, body).into_response()
}

fn check(id: &str, text: &str) -> Result<(), Problem> {
    let id_is_plain = (1..=ID_CHARS_MAX).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !id_is_plain {
        return Err(BAD_ID);
    }
    let text = text.trim();
    if text.is_empty() {
        return Err(EMPTY_TEXT);
    }
    if text.chars().count() > Channel::Webchat.capabilities().text_chars_max {
        return Err(LONG_TEXT);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_those_that_the_page_names() {
        let most = Channel::Webchat.capabilities().text_chars_max;
        assert_eq!(check("a-1_B", "hello"), Ok(()));
        assert_eq!(check("", "hello"), Err(BAD_ID));
        assert_eq!(check("a:b", "hello"), Err(BAD_ID));
        assert_eq!(check(&"a".repeat(65), "hello"), Err(BAD_ID));
        assert_eq!(check("a", " \n"), Err(EMPTY_TEXT));
        assert_eq!(check("a", &"é".repeat(most)), Ok(()));
        assert_eq!(check("a", &"é".repeat(most + 1)), Err(LONG_TEXT));
        let named = format!("TEXT_CHARS_MAX = {most};");
        assert!(include_str!("../../../web/chat.js").contains(&named));
    }
}
